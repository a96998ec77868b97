"""What a review decided, as one document: for which dossier, by whom, on which conditions, for how long.

It is a plain record with a plain JSON form, so that the review server, an exported case or an institution's own form can
fill it. The gate reads it strictly: what it does not know, it does not let pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, TypeAlias, get_args

from synthproof.core.words import Words
from synthproof.dossier.journal import Anchor

FORMAT = 1
Decision: TypeAlias = Literal["approved", "conditional", "refused"]
Mark: TypeAlias = Literal["fit", "unfit", "not_applicable"]
Area: TypeAlias = Literal["purpose", "identification", "generation", "safety", "protection"]
DECISIONS: tuple[Decision, ...] = get_args(Decision)
MARKS: tuple[Mark, ...] = get_args(Mark)
AREAS: tuple[Area, ...] = get_args(Area)

DECISION_WORDS: Mapping[Decision, Words] = {
    "approved": Words(en="adequate (approved)", ko="적정(승인)"),
    "conditional": Words(en="approved on conditions", ko="조건부 승인"),
    "refused": Words(en="inadequate (returned)", ko="부적정(반려)"),
}
MARK_WORDS: Mapping[Mark, Words] = {
    "fit": Words(en="fit", ko="적합"),
    "unfit": Words(en="unfit", ko="미흡"),
    "not_applicable": Words(en="not applicable", ko="해당없음"),
}
AREA_WORDS: Mapping[Area, Words] = {
    "purpose": Words(en="① purpose and range of use", ko="① 활용목적·활용범위의 적정성"),
    "identification": Words(en="② identification risk of the source", ko="② 식별위험 요소 검토의 적정성"),
    "generation": Words(en="③ generation", ko="③ 생성 과정의 적정성"),
    "safety": Words(en="④ verification of safety", ko="④ 안전성 검증의 적정성"),
    "protection": Words(en="⑤ protection of the environment of use", ko="⑤ 활용 환경 보호조치의 적정성"),
}
EXPERTISE: Mapping[str, Words] = {
    "law": Words(en="law", ko="법률"),
    "privacy": Words(en="privacy", ko="개인정보보호"),
    "ai": Words(en="AI, synthetic data", ko="인공지능·합성데이터"),
    "clinical": Words(en="medicine", ko="임상·의료"),
    "security": Words(en="security", ko="정보보안"),
    "domain": Words(en="field of use", ko="활용 분야"),
    "subject": Words(en="speaks for data subjects", ko="정보주체 대변"),
    "other": Words(en="other", ko="기타"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What members were asked: an id by which votes answer it, and its text."""

    id: str
    words: Words


GUIDE_QUESTIONS: tuple[Question, ...] = tuple(Question(id=a, words=AREA_WORDS[a]) for a in AREAS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One person of the committee.

    Parameters
    ----------
    id
        Short name by which votes refer to the person.
    expertise
        One of `EXPERTISE`.
    outside
        From another institution, and not involved in making or using the data.
    chair
        Whether the person leads the committee.
    """

    id: str
    name: str
    affiliation: str = ""
    position: str = ""
    expertise: str = "other"
    outside: bool = False
    chair: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """What one member decided, on which dossier (form 1-5).

    Parameters
    ----------
    member
        `Member.id`.
    dossier
        Digest of the dossier that was read; a vote on another one is void.
    result
        The member's own decision.
    areas
        Mark per question, by its id; a question that was not given to the member is absent.
    opinion
        Overall opinion in the member's words; it never leaves the vault.
    at
        Date and time, ISO 8601.
    """

    member: str
    dossier: str
    result: Decision
    areas: Mapping[str, Mark]
    opinion: str = ""
    at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What the committee asked for, and who ticked it off, when. The text never leaves the vault."""

    id: str
    text: str
    met_by: str = ""
    met_at: str = ""

    @property
    def met(self) -> bool:
        """Whether a named person ticked it off at a stated time."""
        return bool(self.met_by and self.met_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Responsible:
    """Who answers for the release at the institution (담당자); fills the forms' blanks."""

    organisation: str = ""
    department: str = ""
    position: str = ""
    name: str = ""
    contact: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a review decided.

    Parameters
    ----------
    case
        Name of the case at the institution.
    dossier
        Digest of the one dossier that the decision is about.
    result
        The committee's decision.
    decided
        Date and time of the decision, ISO 8601.
    members, votes
        Who decided, and how.
    questions
        What was asked; the guide's five areas by default.
    rule
        How votes were counted, in words (the institution's rule).
    conditions
        What had to be done first.
    start, end
        First and last day of use, ISO 8601; either empty when the committee set none.
    kind
        ``new`` or ``supplement`` (신규/보완).
    restrictions
        What users of the data must keep to, in both languages. These are told to the public.
    responsible
        Who answers for it.
    journal
        End of the case's journal when the decision was exported; absent for a case that was kept on paper.
    """

    case: str
    dossier: str
    result: Decision
    decided: str
    members: tuple[Member, ...] = ()
    votes: tuple[Vote, ...] = ()
    questions: tuple[Question, ...] = GUIDE_QUESTIONS
    rule: str = ""
    conditions: tuple[Condition, ...] = ()
    start: str = ""
    end: str = ""
    kind: Literal["new", "supplement"] = "new"
    restrictions: tuple[Words, ...] = ()
    responsible: Responsible = Responsible()
    journal: Anchor | None = None

    def member(self, name: str) -> Member:
        """Return the member with an id; votes were checked to name one."""
        return next(m for m in self.members if m.id == name)

    @property
    def approved(self) -> bool:
        """Whether the data may go out: approved, or on conditions of which none is left open."""
        met = bool(self.conditions) and all(c.met for c in self.conditions)
        return self.result == "approved" or (self.result == "conditional" and met)

    def marks(self, question: str) -> dict[Mark, int]:
        """Return how many members gave each mark to a question."""
        return {m: sum(v.areas.get(question) == m for v in self.votes) for m in MARKS}

    @property
    def outside(self) -> int:
        """Members from outside."""
        return sum(m.outside for m in self.members)

    @property
    def as_the_guide_asks(self) -> bool:
        """Whether at least three members decided, most of them from outside (guide, stage 4)."""
        return len(self.members) >= 3 and 2 * self.outside > len(self.members)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values, as `synthproof.release.reading.read_outcome` reads them."""
        return {
            "format": FORMAT,
            "case": self.case,
            "dossier": self.dossier,
            "result": self.result,
            "decided": self.decided,
            "kind": self.kind,
            "rule": self.rule,
            "questions": [{"id": q.id, **q.words.to_dict()} for q in self.questions],
            "members": [_plain(m) for m in self.members],
            "votes": [{**_plain(v), "areas": dict(v.areas)} for v in self.votes],
            "conditions": [_plain(c) for c in self.conditions],
            "period": {"from": self.start, "to": self.end},
            "restrictions": [w.to_dict() for w in self.restrictions],
            "responsible": _plain(self.responsible),
            "journal": self.journal.to_dict() if self.journal else None,
        }


def _plain(record: Member | Vote | Condition | Responsible) -> dict[str, Any]:
    return {f.name: getattr(record, f.name) for f in fields(record)}
