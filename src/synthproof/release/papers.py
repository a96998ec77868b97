"""The guide's forms 1-1 to 1-6 with the combined result, filled from proof and decision.

Each is made twice: in full for the institution's own file (it stays in the vault), and reduced for the bundle, where the
committee's members are numbered, free texts stay behind, and nothing tells of the original.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from synthproof.core.words import Words
from synthproof.dossier.forms import Form, Line, Section, boxes, listed, same
from synthproof.dossier.forms_data import form_1_3_source, form_1_3_synthetic, form_1_4
from synthproof.dossier.forms_plan import form_1_1, form_1_2
from synthproof.policy.purposes import ENVIRONMENT_WORDS, FORM_WORDS
from synthproof.release.outcome import (
    DECISION_WORDS,
    DECISIONS,
    EXPERTISE,
    MARK_WORDS,
    MARKS,
    Mark,
    Member,
    Outcome,
    Vote,
)
from synthproof.release.public import KEPT
from synthproof.verification.proof import Proof

KINDS = (("new", Words(en="new", ko="신규")), ("supplement", Words(en="supplement", ko="보완")))
_DASH = Words(en="–", ko="–")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What the forms are filled from.

    Parameters
    ----------
    proof, preview
        Full ones for the vault, reduced ones for the bundle.
    outcome
        The decision.
    bundle
        Name of the release.
    public
        Whether the forms go into the bundle.
    """

    proof: Proof
    preview: Mapping[str, Any]
    outcome: Outcome
    bundle: str
    public: bool


def papers(case: Case) -> tuple[Form, ...]:
    """Return all forms in the guide's order."""
    source = _source_kept() if case.public else form_1_3_source(case.proof)
    made = (
        _form_1_1(case),
        _form_1_2(case),
        source,
        form_1_3_synthetic(case.proof, case.preview),
        form_1_4(case.proof),
        *(form_1_5(case, at, vote) for at, vote in enumerate(case.outcome.votes, start=1)),
        combined(case),
        form_1_6(case),
    )
    # the bundle is signed as a whole; pen and ink belong to the institution's own copies
    return tuple(_closed(form) for form in made) if case.public else made


def _form_1_1(case: Case) -> Form:
    who, outcome = case.outcome.responsible, case.outcome
    place = " ".join(part for part in (who.organisation, who.department) if part)
    name = KEPT if case.public and who.name else same(who.name)
    known = {
        "Organisation, department": same(place),
        "Position": same(who.position),
        "Name": name,
        "Phone, e-mail": same(who.contact) or same(case.proof.purpose.contact),
        "Period of use": same(f"{outcome.start} – {outcome.end}"),
        "Delivery (online, offline)": Words(en=f"as bundle {case.bundle}", ko=f"반출 묶음 {case.bundle}"),
    }
    if case.public:
        known |= {"Name of the source": KEPT, "Size": KEPT, "Details of the source": KEPT}
        known |= {"Legal basis of obtaining and using it": KEPT}
        known |= {"Attachments (consignment contract, supply contract, IRB notice …)": KEPT}
    return _filled(form_1_1(case.proof), known)


def _filled(form: Form, known: Mapping[str, Words | None]) -> Form:
    """Return a form with some of its blanks filled, by the English name of the field."""
    sections = tuple(
        replace(s, lines=tuple(replace(x, value=known.get(x.label.en) or x.value) for x in s.lines))
        for s in form.sections
    )
    return replace(form, sections=sections)


def _closed(form: Form) -> Form:
    """Return a form as it goes out: nobody will write in it any more, so a blank says that nothing is stated."""
    sections = tuple(
        replace(
            s,
            lines=tuple(replace(x, value=x.value or _DASH) for x in s.lines),
            rows=tuple(tuple(c or _DASH for c in row) for row in s.rows),
            paragraphs=tuple(p or _DASH for p in s.paragraphs),
        )
        for s in form.sections
    )
    return replace(form, sections=sections, signed=False)


def _form_1_2(case: Case) -> Form:
    form = form_1_2(case.proof)
    if not case.public:
        return form
    kept = ("Name of the source", "Type of the source", "Sector")
    return _filled(form, dict.fromkeys(kept, KEPT))


def _source_kept() -> Form:
    return Form(
        id="1-3-source",
        title=Words(en="Form 1-3: specification of the source data", ko="서식 1-3 원본데이터 명세서"),
        sections=(Section(title=Words(en="Overview", ko="개요"), paragraphs=(_NOTHING_OF_SOURCE,)),),
    )


_NOTHING_OF_SOURCE = Words(
    en="This form is in the institution's file. A release tells nothing of the original: no sizes, ranges, levels or samples.",
    ko="이 서식은 기관이 보관합니다. 반출물에는 원본의 규모·범위·범주·예시 등 원본에 관한 내용을 싣지 않습니다.",
)


def _named(case: Case, at: int, member: Member) -> Words:
    """Return a member by name, or by number and field in what goes out."""
    if not case.public:
        return same(member.name) or _DASH
    return Words(en=f"member {at}", ko=f"위원 {at}")


def _place(member: Member) -> Words:
    if member.outside:
        return Words(en="from outside", ko="외부")
    return Words(en="from inside", ko="내부")


def form_1_5(case: Case, at: int, vote: Vote) -> Form:
    """Return 안전성 심의 검토 결과서 of one member."""
    member = case.outcome.member(vote.member)
    affiliation = _place(member) if case.public else same(f"{member.affiliation} {member.position}".strip())
    reviewer = Section(
        title=Words(en="Reviewer", ko="검토 위원"),
        lines=(
            Line(label=Words(en="Name", ko="성명"), value=_named(case, at, member)),
            Line(label=Words(en="Affiliation, position", ko="소속·직위"), value=affiliation),
            Line(label=Words(en="Field", ko="전문 분야"), value=EXPERTISE[member.expertise]),
        ),
    )
    result = Section(
        title=Words(en="Result", ko="심의 결과"),
        lines=(
            Line(label=Words(en="Kind", ko="구분"), value=boxes(KINDS, case.outcome.kind)),
            Line(
                label=Words(en="Result", ko="최종 결과"),
                value=boxes([(d, DECISION_WORDS[d]) for d in DECISIONS], vote.result),
            ),
        ),
        head=(Words(en="Area", ko="검토 영역"), Words(en="Judgement", ko="검토 의견")),
        rows=tuple(
            (q.words, boxes([(m, MARK_WORDS[m]) for m in _marks(case, q.id)], vote.areas.get(q.id, "")))
            for q in case.outcome.questions
        ),
    )
    opinion = KEPT if case.public else same(vote.opinion, 4000) or _DASH
    closing = Section(
        title=Words(en="Overall opinion", ko="종합 의견"),
        lines=(
            Line(label=Words(en="Opinion", ko="의견"), value=opinion),
            Line(label=Words(en="Date", ko="일자"), value=same(vote.at[:10])),
        ),
    )
    return Form(
        id=f"1-5-{at}",
        title=Words(
            en=f"Form 1-5: result of the safety review ({at} of {len(case.outcome.votes)})",
            ko=f"서식 1-5 안전성 심의 검토 결과서 ({at}/{len(case.outcome.votes)})",
        ),
        sections=(reviewer, result, closing),
    )


def _marks(case: Case, question: str) -> Sequence[Mark]:
    # the guide's form has the third box in its last line alone; where a committee used it elsewhere, it is shown
    used = case.outcome.marks(question)["not_applicable"]
    return MARKS if used or question in {"protection", "environment"} else MARKS[:2]


def combined(case: Case) -> Form:
    """Return the combined result: decision, counts by area, conditions, composition (a paper of ours; the guide has none)."""
    outcome = case.outcome
    shown = len(outcome.votes)
    overview = Section(
        title=Words(en="Decision", ko="결정"),
        lines=(
            Line(label=Words(en="Release", ko="반출물"), value=same(case.bundle)),
            Line(label=Words(en="Digest of the dossier", ko="심의자료 요약값"), value=same(outcome.dossier, 90)),
            Line(
                label=Words(en="Result", ko="최종 결과"),
                value=boxes([(d, DECISION_WORDS[d]) for d in DECISIONS], outcome.result),
            ),
            Line(label=Words(en="Decided", ko="결정 일자"), value=same(outcome.decided[:10])),
            Line(label=Words(en="Period of use", ko="활용 기간"), value=same(f"{outcome.start} – {outcome.end}")),
            Line(label=Words(en="How votes were counted", ko="의결 기준"), value=_rule(case)),
            Line(label=Words(en="Composition", ko="위원 구성"), value=_composition(outcome)),
        ),
    )
    counts = Section(
        title=Words(en="Counts by area", ko="영역별 집계"),
        head=(Words(en="Area", ko="검토 영역"), *(MARK_WORDS[m] for m in MARKS)),
        rows=tuple((q.words, *(same(n) for n in outcome.marks(q.id).values())) for q in outcome.questions),
    )
    members = Section(
        title=Words(en="Members", ko="위원별 결과"),
        head=(
            Words(en="Member", ko="위원"),
            Words(en="Field", ko="전문 분야"),
            Words(en="From", ko="소속 구분"),
            Words(en="Result", ko="결과"),
            Words(en="Date", ko="일자"),
        ),
        rows=tuple(
            (
                _named(case, i, m := outcome.member(v.member)),
                EXPERTISE[m.expertise],
                _place(m),
                DECISION_WORDS[v.result],
                same(v.at[:10]),
            )
            for i, v in enumerate(outcome.votes, start=1)
        ),
        note=_dissent(outcome, shown),
    )
    return Form(
        id="combined",
        title=Words(en="Combined result of the committee", ko="심의위원회 종합 결과서"),
        sections=(overview, counts, members, _conditions(case)),
    )


def _rule(case: Case) -> Words | None:
    return KEPT if case.public and case.outcome.rule else same(case.outcome.rule, 600) or _DASH


def _composition(outcome: Outcome) -> Words:
    n, out = len(outcome.members), outcome.outside
    kept = outcome.as_the_guide_asks
    return Words(
        en=f"{n} members, {out} from outside; the guide asks for three or more, most from outside: "
        + ("kept" if kept else "not kept"),
        ko=f"위원 {n}명 중 외부 {out}명. 안내서 기준(3명 이상, 외부 과반): " + ("충족" if kept else "미충족"),
    )


def _dissent(outcome: Outcome, shown: int) -> Words:
    other = sum(v.result != outcome.result for v in outcome.votes)
    return Words(
        en=f"{other} of {shown} members decided otherwise than the committee.",
        ko=f"위원 {shown}명 중 {other}명이 최종 결과와 다른 의견이었습니다.",
    )


def _conditions(case: Case) -> Section:
    title = Words(en="Conditions", ko="조건과 이행")
    found = case.outcome.conditions
    if not found:
        return Section(title=title, paragraphs=(Words(en="None.", ko="없음"),))
    return Section(
        title=title,
        head=(
            Words(en="No.", ko="번호"),
            Words(en="Condition", ko="조건"),
            Words(en="Ticked off by", ko="확인자"),
            Words(en="Date", ko="확인 일자"),
        ),
        rows=tuple(
            (
                same(i),
                KEPT if case.public else same(c.text, 1000),
                KEPT if case.public else same(c.met_by),
                same(c.met_at[:10]),
            )
            for i, c in enumerate(found, start=1)
        ),
    )


def form_1_6(case: Case) -> Form:
    """Return 관리대장 with the entry of this release."""
    purpose, outcome, who = case.proof.purpose, case.outcome, case.outcome.responsible
    held = " ".join(p for p in (who.organisation, who.department, who.position) if p)
    if not case.public:
        held = " ".join(p for p in (held, who.name) if p)
    use = Words(
        en=f"{FORM_WORDS[purpose.form].en}, {ENVIRONMENT_WORDS[purpose.environment].en}",
        ko=f"{FORM_WORDS[purpose.form].ko}, {ENVIRONMENT_WORDS[purpose.environment].ko}",
    )
    reason = same(purpose.description, 600)
    limits = listed([w.en for w in outcome.restrictions]), listed([w.ko for w in outcome.restrictions])
    restrictions = Words(en=limits[0].en, ko=limits[1].ko) if limits[0] and limits[1] else None
    entry = Section(
        title=Words(en="Entry", ko="등록 내용"),
        lines=(
            Line(label=Words(en="Release", ko="반출물"), value=same(case.bundle)),
            Line(label=Words(en="User", ko="활용 주체"), value=same(purpose.user) or use),
            Line(label=Words(en="Maker", ko="생성 주체"), value=same(purpose.maker) or same(purpose.holder)),
            Line(label=Words(en="Period of use", ko="활용 기간"), value=same(f"{outcome.start} – {outcome.end}")),
            Line(label=Words(en="Purpose, reason, basis", ko="활용 목적·사유·근거"), value=reason),
            Line(label=Words(en="Form and environment of use", ko="활용 형태·환경"), value=use),
            Line(
                label=Words(en="Restrictions", ko="제한사항"),
                value=restrictions or Words(en="see the terms of use", ko="이용 조건에 따름"),
            ),
            Line(
                label=Words(en="Other", ko="기타"),
                value=Words(en="signed; called back by notice", ko="전자서명함, 철회 시 통지"),
            ),
            Line(label=Words(en="Responsible person", ko="담당자"), value=same(held)),
        ),
    )
    return Form(
        id="1-6",
        title=Words(en="Form 1-6: register of releases", ko="서식 1-6 합성데이터 관리대장"),
        sections=(entry,),
    )
