"""The six review questions of the reference model, each with its status, what is known, and where the evidence stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from synthproof.core.evidence import FAMILY_WORDS, RESULT_WORDS, RESULTS, Family, Result, Statement
from synthproof.core.words import Words
from synthproof.dossier.disclose import printable
from synthproof.verification.proof import Proof

Status: TypeAlias = Literal["measured", "recorded", "stated", "person", "open"]

STATUS_WORDS: Mapping[Status, Words] = {
    "measured": Words(en="answered by measurement", ko="측정으로 답함"),
    "recorded": Words(en="answered by the record", ko="기록으로 답함"),
    "stated": Words(en="stated by a named person", ko="담당자가 진술함"),
    "person": Words(en="needs a person", ko="사람의 확인 필요"),
    "open": Words(en="open", ko="미해결"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    number: int
    names: tuple[str, ...]  # of statements that answer it
    text: Words
    links: tuple[tuple[str, Words], ...]


_QUESTIONS = (
    _Question(
        number=1,
        names=("purpose",),
        text=Words(en="Are purpose and range set properly?", ko="활용 목적과 범위가 적정하게 설정되었는가?"),
        links=(("forms/1-1.html", Words(en="form 1-1", ko="서식 1-1")),),
    ),
    _Question(
        number=2,
        names=("source", "legal_basis"),
        text=Words(en="Was the source obtained lawfully?", ko="원본데이터를 적법하게 확보하였는가?"),
        links=(
            ("forms/1-1.html", Words(en="form 1-1", ko="서식 1-1")),
            ("forms/1-2.html", Words(en="form 1-2", ko="서식 1-2")),
        ),
    ),
    _Question(
        number=3,
        names=("generation", "method"),
        text=Words(en="Is the method of generation proper?", ko="생성 방법이 적정한가?"),
        links=(
            ("#generator", Words(en="how it was made", ko="생성 방법")),
            ("forms/1-2.html", Words(en="form 1-2", ko="서식 1-2")),
        ),
    ),
    _Question(
        number=4,
        names=("process",),
        text=Words(
            en="Were risks controlled during the process?", ko="생성 과정에서 발생할 수 있는 위험을 통제하였는가?"
        ),
        links=(
            ("#protection", Words(en="protection before learning", ko="학습 전 보호 조치")),
            ("forms/1-4.html", Words(en="form 1-4", ko="서식 1-4")),
        ),
    ),
    _Question(
        number=5,
        names=(),
        text=Words(en="Can the data fulfil their purpose?", ko="합성데이터가 활용 목적을 달성할 수 있는가?"),
        links=(
            ("#family-fidelity", FAMILY_WORDS["fidelity"]),
            ("#family-utility", FAMILY_WORDS["utility"]),
        ),
    ),
    _Question(
        number=6,
        names=(),
        text=Words(en="Is the risk of identification within limits?", ko="식별 위험이 허용 기준 이내인가?"),
        links=(
            ("#family-safety", FAMILY_WORDS["safety"]),
            ("#attackers", Words(en="attacker cards", ko="공격자 카드")),
        ),
    ),
)


def questions(proof: Proof) -> list[dict[str, Any]]:
    """Return the six review questions, each with its status, an answer in words and links to the evidence."""
    found = (_purpose(proof), _source(proof), _method(proof), _process(proof), _useful(proof), _safe(proof))
    out = []
    for question, (status, told, result) in zip(_QUESTIONS, found, strict=True):
        said = [s for s in proof.statements if s.question in question.names and status in {"open", "person"}]
        if said:
            status, told = "stated", _said(said, told)
        out.append(
            {
                "number": question.number,
                "text": question.text,
                "status": status,
                "word": STATUS_WORDS[status],
                "result": result,
                "result_word": RESULT_WORDS[result] if result else None,
                "told": told,
                "links": [{"to": to, "text": text} for to, text in question.links],
            }
        )
    return out


def _said(statements: Sequence[Statement], told: Words) -> Words:
    """Return what is known with who stated what; a statement is shown, never judged here."""
    authors = ", ".join(dict.fromkeys(printable(s.author, 40) for s in statements))
    text = " ".join(printable(s.text, 200) for s in statements)
    return Words(en=f"{told.en} Stated by {authors}: “{text}”", ko=f"{told.ko} {authors}의 진술: “{text}”")


_Answer: TypeAlias = tuple[Status, Words, Result | None]


def _purpose(proof: Proof) -> _Answer:
    purpose = proof.purpose
    if purpose.description or purpose.title:
        return (
            "person",
            Words(
                en="A purpose is stated in form 1-1. Whether it is concrete enough is for the committee to judge.",
                ko="활용 목적이 서식 1-1에 기재되어 있습니다. 목적이 구체적인지는 심의위원회가 판단합니다.",
            ),
            None,
        )
    return (
        "open",
        Words(
            en="Only the kind of use is known. A person must describe purpose and range in form 1-1.",
            ko="이용 유형만 확인됩니다. 담당자가 서식 1-1에 활용 목적과 범위를 기재해야 합니다.",
        ),
        None,
    )


def _source(proof: Proof) -> _Answer:
    if proof.purpose.legal_basis:
        return (
            "person",
            Words(
                en="A legal basis is stated. The papers that prove it must be attached by a person.",
                ko="법적 근거가 기재되어 있습니다. 이를 증명하는 서류는 담당자가 첨부해야 합니다.",
            ),
            None,
        )
    return (
        "open",
        Words(
            en="No legal basis is stated; a machine cannot know it.",
            ko="법적 근거가 기재되지 않았습니다. 이 항목은 기계가 알 수 없습니다.",
        ),
        None,
    )


def _method(proof: Proof) -> _Answer:
    tags, name = proof.generator.tags, printable(proof.generator.name)
    if not tags:
        return (
            "person",
            Words(
                en=f"The data were made by another tool ({name}); its maker must explain the method.",
                ko=f"다른 도구({name})로 생성된 데이터이므로 생성 주체가 방법을 설명해야 합니다.",
            ),
            None,
        )
    if tags.get("full_synthesis") and tags.get("irreversible"):
        return (
            "recorded",
            Words(
                en=f"Fully synthetic: every value was drawn anew by {name} (irreversible by construction).",
                ko=f"완전합성입니다. {name} 생성기가 모든 값을 새로 추출하였습니다(구조상 비가역적).",
            ),
            None,
        )
    return (
        "person",
        Words(
            en=f"{name} is not a full and irreversible synthesis; the part that stays real must be judged.",
            ko=f"{name}은(는) 완전합성 또는 비가역적 방법이 아닙니다. 남아 있는 실제 정보에 대한 판단이 필요합니다.",
        ),
        None,
    )


def _process(proof: Proof) -> _Answer:
    if not proof.receipts:
        return (
            "open",
            Words(
                en="No protection before learning is on record.",
                ko="학습 전 보호 조치의 기록이 없습니다.",
            ),
            None,
        )
    n = len(proof.receipts)
    return (
        "person",
        Words(
            en=f"{n} protections left receipts. That the work was done in a closed environment must be confirmed by a person.",
            ko=f"보호 조치 {n}건의 기록이 있습니다. 폐쇄된 환경에서 작업하였는지는 담당자가 확인해야 합니다.",
        ),
        None,
    )


def _useful(proof: Proof) -> _Answer:
    return _by_families(proof, ("fidelity", "utility"))


def _safe(proof: Proof) -> _Answer:
    return _by_families(proof, ("safety",))


def _by_families(proof: Proof, names: tuple[Family, ...]) -> _Answer:
    results = {n: proof.verdict.families[n] for n in names if n in proof.verdict.families}
    if not results:
        return (
            "open",
            Words(en="The policy has no deciding rule for this.", ko="적용한 기준에 이에 대한 판정 규칙이 없습니다."),
            None,
        )
    en = "; ".join(f"{FAMILY_WORDS[n].en}: {RESULT_WORDS[r].en}" for n, r in results.items())
    ko = ", ".join(f"{FAMILY_WORDS[n].ko}: {RESULT_WORDS[r].ko}" for n, r in results.items())
    result = max(results.values(), key=RESULTS.index)
    return ("open" if result == "not_assessed" else "measured", Words(en=f"{en}.", ko=f"{ko}."), result)
