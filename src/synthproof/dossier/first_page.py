"""The first screen: may it be released, to whom, under which conditions; and the verdict by family."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synthproof.core.evidence import FAMILIES, FAMILY_WORDS, RESULT_WORDS, Finding, Result
from synthproof.core.words import Words
from synthproof.dossier.rules import RuleFacts, title_of
from synthproof.policy.purposes import ENVIRONMENT_WORDS, FORM_WORDS, needed_level
from synthproof.verification.proof import Proof

MOST_NAMED = 5

_HEADLINES: Mapping[Result, Words] = {
    "meets": Words(
        en="It may be put forward: every deciding rule of the policy is met.",
        ko="제공을 신청할 수 있습니다. 적용한 기준의 판정 항목을 모두 충족합니다.",
    ),
    "does_not_meet": Words(
        en="No. At least one deciding rule is not met.",
        ko="아니요. 충족하지 못한 판정 항목이 있습니다.",
    ),
    "not_assessed": Words(
        en="Not yet. Something that decides could not be assessed.",
        ko="아직 판단할 수 없습니다. 판정에 필요한 항목 중 평가하지 못한 것이 있습니다.",
    ),
}
_TO_WHOM_MET: Mapping[str, Words] = {
    "publication": Words(
        en="It may be put before the review committee for release to the public.",
        ko="심의위원회에 외부 공개(완전 개방)를 위한 평가를 신청할 수 있습니다.",
    ),
    "unspecified_third_party": Words(
        en="It may be put before the review committee for provision to unspecified third parties.",
        ko="심의위원회에 불특정 제3자 제공을 위한 평가를 신청할 수 있습니다.",
    ),
    "third_party": Words(
        en="It may be put forward for provision to the named third party.",
        ko="특정 제3자에게 제공하기 위한 검토를 신청할 수 있습니다.",
    ),
    "other_department": Words(
        en="It may be put forward for use by another department of the institution.",
        ko="기관 내 타 부서에서 이용하기 위한 검토를 신청할 수 있습니다.",
    ),
    "internal": Words(
        en="It may be put forward for use within the own unit.",
        ko="소속 부서 내부에서 이용하기 위한 검토를 신청할 수 있습니다.",
    ),
}
_TO_NOBODY = Words(
    en="To nobody yet, for the purpose and environment stated below.",
    ko="아래에 적은 활용 목적과 환경으로는 아직 누구에게도 제공할 수 없습니다.",
)


def answer(proof: Proof, rules: Mapping[str, RuleFacts]) -> dict[str, Any]:
    """Return result, headline, addressees and conditions for the top of the first page."""
    result = proof.verdict.result
    purpose = proof.purpose
    level = needed_level(purpose)
    return {
        "result": result,
        "word": RESULT_WORDS[result],
        "headline": _HEADLINES[result],
        "to_whom": _TO_WHOM_MET[purpose.form] if result == "meets" else _TO_NOBODY,
        "asked": Words(
            en=f"{FORM_WORDS[purpose.form].en} · {ENVIRONMENT_WORDS[purpose.environment].en}"
            f" · needed safety: {level.words.en}",
            ko=f"{FORM_WORDS[purpose.form].ko} · {ENVIRONMENT_WORDS[purpose.environment].ko} 환경"
            f" · 요구 안전성: {level.words.ko}",
        ),
        "conditions": conditions(proof, rules),
    }


def families(proof: Proof) -> list[dict[str, Any]]:
    """Return one entry per family with its worst result and how many deciding rules stand behind it."""
    out = []
    for name in FAMILIES:
        found = [f for f in proof.verdict.findings if f.family == name and not f.advisory]
        result = proof.verdict.families.get(name)
        counts = {r: sum(f.result == r for f in found) for r in RESULT_WORDS}
        if result is None:
            told = Words(en="no deciding rule", ko="판정 규칙 없음")
        else:
            told = Words(
                en=f"{counts['meets']} of {len(found)} rules met",
                ko=f"판정 규칙 {len(found)}개 중 {counts['meets']}개 충족",
            )
        out.append(
            {
                "family": name,
                "name": FAMILY_WORDS[name],
                "result": result or "none",
                "word": RESULT_WORDS[result] if result else Words(en="no rule", ko="규칙 없음"),
                "told": told,
            }
        )
    return out


def conditions(proof: Proof, rules: Mapping[str, RuleFacts]) -> list[Words]:
    """Return what has to hold or happen before the data may go to anyone."""
    out = [*_repairs(proof, rules), *_standing(proof)]
    purpose = proof.purpose
    if purpose.form in {"publication", "unspecified_third_party"}:
        out.append(
            Words(
                en="A review committee of at least three, most of them outside and uninvolved, must approve this very "
                "dossier (by its digest).",
                ko="외부의 이해관계 없는 위원이 과반인 3명 이상의 심의위원회가 바로 이 심의자료(지문 기준)를 승인해야 합니다.",
            )
        )
    out.append(
        Words(
            en="Only for the purpose, addressees and environment stated here; a change of any of them needs a new "
            "verification.",
            ko="여기에 적은 목적·대상·환경에 한합니다. 하나라도 바뀌면 다시 검증해야 합니다.",
        )
    )
    out.append(
        Words(
            en="The trained model and its parameters do not go along: giving them away is a separate decision.",
            ko="학습된 모형과 매개변수는 함께 제공하지 않습니다. 모형의 제공은 별도의 결정 사항입니다.",
        )
    )
    return out


def _repairs(proof: Proof, rules: Mapping[str, RuleFacts]) -> list[Words]:
    deciding = [f for f in proof.verdict.findings if not f.advisory]
    failed, unknown = _rules(deciding, "does_not_meet"), _rules(deciding, "not_assessed")
    out = []
    for rule in failed[:MOST_NAMED]:
        name = title_of(rule, rules)
        remedy = rules[rule].remedy if rule in rules else None
        todo = remedy or Words(
            en="resolve it by a new run or a logged refinement, and verify again.",
            ko="재생성하거나 기록이 남는 후처리로 해소한 뒤 다시 검증해야 합니다.",
        )
        out.append(Words(en=f"Not met: {name.en} — {todo.en}", ko=f"미충족: {name.ko} — {todo.ko}"))
    if len(failed) > MOST_NAMED:
        more = len(failed) - MOST_NAMED
        out.append(
            Words(en=f"Not met: {more} further rules, listed below.", ko=f"미충족: 그 밖의 규칙 {more}개(아래 참조).")
        )
    if unknown:
        names = [title_of(rule, rules) for rule in unknown]
        out.append(
            Words(
                en="Not assessed, must be measured, or stated by a named person where the policy allows it: "
                f"{', '.join(n.en for n in names)}.",
                ko="판단 불가 항목을 측정하거나, 기준이 허용하는 경우 담당자가 진술해야 합니다: "
                f"{', '.join(n.ko for n in names)}.",
            )
        )
    return out


def _standing(proof: Proof) -> list[Words]:
    out = []
    tags = proof.generator.tags
    if not tags or not (tags.get("full_synthesis") and tags.get("irreversible")):
        out.append(
            Words(
                en="Full synthesis (완전합성) and irreversibility of the method are not on record: a person must show "
                "them before the result can be called anonymous information.",
                ko="완전합성 여부와 생성 방법의 비가역성이 기록으로 확인되지 않습니다. 익명정보라고 하려면 담당자가 이를 입증해야 합니다.",
            )
        )
    if not proof.purpose.legal_basis:
        out.append(
            Words(
                en="The legal basis for obtaining and using the source data must be stated.",
                ko="원본데이터의 확보·이용에 관한 법적 근거를 기재해야 합니다.",
            )
        )
    if proof.verdict.changed:
        out.append(
            Words(
                en="The policy was changed from the shipped one: the committee must agree to its limits.",
                ko="배포된 기준을 수정하여 적용하였으므로, 수정한 기준에 대한 심의위원회의 동의가 필요합니다.",
            )
        )
    return out


def _rules(findings: list[Finding], result: Result) -> list[str]:
    return list(dict.fromkeys(f.rule for f in findings if f.result == result))
