"""From ballots to an outcome: quorum, outside majority, unanimity where it is asked for, conditions, dissent kept.

Pure and monotone: a worse answer never gives a better outcome. Something missing leaves the outcome open; it is never
taken for consent.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from synthproof.core.errors import UsageError
from synthproof.core.words import Words
from synthproof.review.form import OVERALL_WORDS, OVERALLS, Form, Overall, Question, Value
from synthproof.review.stages import Result

_GRADES: Mapping[Overall, int] = {name: i for i, name in enumerate(OVERALLS)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """Someone called to vote on a case.

    Parameters
    ----------
    person
        Id.
    outside
        Not of the institution whose data are reviewed, and uninvolved.
    questions
        Ids of the questions given to them; empty: all.
    conflict
        Declared a conflict of interest: neither votes nor counts.
    """

    person: str
    outside: bool
    questions: tuple[str, ...] = ()
    conflict: bool = False

    def owes(self, form: Form) -> tuple[Question, ...]:
        """Return the questions that this member must answer."""
        return tuple(q for q in form.questions if not self.questions or q.id in self.questions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one member says to one question."""

    question: str
    value: Value
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ballot:
    """One member's answers and vote on one dossier.

    Parameters
    ----------
    person
        Who.
    dossier
        Digest of what was read; a ballot on another digest is void.
    overall
        The vote.
    answers
        One for each question given to the member.
    opinion
        Free text, needed for anything but approval.
    conditions
        What must be done; needed for a conditional vote.
    """

    person: str
    dossier: str
    overall: Overall
    answers: tuple[Answer, ...]
    opinion: str = ""
    conditions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Something that must be done before release; `by` names who asked for it, `question` what it is about."""

    text: str
    by: str
    question: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dissent:
    """A voice that differs from the outcome; kept, with its reasons."""

    person: str
    overall: Overall
    opinion: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the committee decided, for one digest.

    Parameters
    ----------
    result
        ``open``, ``approved``, ``conditional`` or ``rejected``.
    dossier
        Digest it holds for, and no other.
    because
        In sentences.
    missing
        What keeps it open.
    conditions, dissent
        To be done; voices that differ.
    votes
        Number of ballots by vote.
    form, form_version, form_digest, counting_origin
        By which rules.
    """

    result: Result
    dossier: str
    because: tuple[Words, ...]
    missing: tuple[Words, ...] = ()
    conditions: tuple[Condition, ...] = ()
    dissent: tuple[Dissent, ...] = ()
    votes: Mapping[str, int] = field(default_factory=dict)
    form: str = ""
    form_version: int = 0
    form_digest: str = ""
    counting_origin: str = "own"

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "result": self.result,
            "dossier": self.dossier,
            "because": [w.to_dict() for w in self.because],
            "missing": [w.to_dict() for w in self.missing],
            "conditions": [{"text": c.text, "by": c.by, "question": c.question} for c in self.conditions],
            "dissent": [{"person": d.person, "overall": d.overall, "opinion": d.opinion} for d in self.dissent],
            "votes": dict(self.votes),
            "form": self.form,
            "form_version": self.form_version,
            "form_digest": self.form_digest,
            "counting_origin": self.counting_origin,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Outcome:
        """Read what `to_dict` wrote."""
        return cls(
            **{
                **data,
                "because": tuple(Words.from_dict(w) for w in data["because"]),
                "missing": tuple(Words.from_dict(w) for w in data["missing"]),
                "conditions": tuple(Condition(**c) for c in data["conditions"]),
                "dissent": tuple(Dissent(**d) for d in data["dissent"]),
            }
        )


def check_ballot(form: Form, member: Member, ballot: Ballot) -> None:
    """Refuse a ballot that is not whole or contradicts itself.

    Raises
    ------
    UsageError
        ``review/ballot-incomplete`` (a question without an answer, or one that is not the member's);
        ``review/reason-needed``; ``review/ballot-contradicts`` (approved, though something is unfit; returned, though
        nothing is); ``review/conflict``.
    """
    if member.conflict:
        raise UsageError("review/conflict")
    owed = {q.id: q for q in member.owes(form)}
    given = {a.question for a in ballot.answers}
    if given != set(owed) or len(ballot.answers) != len(owed):
        names = ", ".join(owed[n].mark if n in owed else n for n in sorted(given ^ set(owed)))
        raise UsageError("review/ballot-incomplete", names=names or "?")
    for answer in ballot.answers:
        check_answer(owed[answer.question], answer)
    unfit = any(a.value == "unfit" for a in ballot.answers)
    if ballot.overall not in OVERALLS:
        raise UsageError("review/no-such-answer", name=str(ballot.overall))
    if (ballot.overall == "approve" and unfit) or (ballot.overall == "reject" and not unfit):
        raise UsageError("review/ballot-contradicts", vote=OVERALL_WORDS[ballot.overall])
    if ballot.overall == "reject" and not ballot.opinion.strip():
        raise UsageError("review/reason-needed", what=OVERALL_WORDS["reject"])
    if ballot.overall == "conditional" and not any(c.strip() for c in ballot.conditions):
        raise UsageError("review/reason-needed", what=OVERALL_WORDS["conditional"])


def check_answer(question: Question, answer: Answer) -> None:
    """Refuse an answer that the question does not take, or an ``unfit`` without a reason."""
    if answer.value not in question.values:
        raise UsageError("review/no-such-answer", where=question.id, name=str(answer.value))
    if answer.value != "fit" and not answer.reason.strip():
        what = Words(en=f"{question.mark} unfit or not applicable", ko=f"{question.mark} 미흡 또는 해당없음")
        raise UsageError("review/reason-needed", what=what)


def settle(form: Form, members: Sequence[Member], ballots: Sequence[Ballot], *, dossier: str) -> Outcome:
    """Return the outcome of the ballots on one dossier.

    Parameters
    ----------
    form
        Questions and counting rules.
    members
        Everyone called to vote.
    ballots
        At most one per person; those on another digest, or of people who may not vote, are void.
    dossier
        Digest that is voted on.
    """
    voting = {m.person: m for m in members if not m.conflict}
    counted = {b.person: b for b in ballots if b.dossier == dossier and b.person in voting}
    kept = [counted[p] for p in sorted(counted)]
    votes: dict[str, int] = {name: sum(b.overall == name for b in kept) for name in OVERALLS}
    missing = _missing(form, voting, kept)
    unfit = _unfit(form, kept)
    result, because = _count(form, votes, unfit)
    conditions = _conditions(kept) if result == "conditional" and not missing else ()
    return Outcome(
        result="open" if missing else result,
        dossier=dossier,
        because=() if missing else because,
        missing=missing,
        conditions=conditions,
        dissent=() if missing else _dissent(result, kept),
        votes=votes,
        form=form.id,
        form_version=form.version,
        form_digest=form.digest,
        counting_origin=form.counting.origin,
    )


def _missing(form: Form, voting: Mapping[str, Member], kept: Sequence[Ballot]) -> tuple[Words, ...]:
    rules, out = form.counting, []
    needed = max(rules.least, math.ceil(rules.present * len(voting) - 1e-9))
    if len(kept) < needed:
        out.append(
            Words(en=f"{len(kept)} of {needed} ballots needed", ko=f"필요한 표 {needed}건 중 {len(kept)}건 제출")
        )
    outside = sum(voting[b.person].outside for b in kept)
    if rules.outside_majority and kept and 2 * outside <= len(kept):
        out.append(
            Words(
                en=f"most ballots must come from outside; {outside} of {len(kept)} do",
                ko=f"외부 위원이 과반이어야 하나 {len(kept)}건 중 {outside}건",
            )
        )
    if outside < rules.outside_least:
        out.append(
            Words(
                en=f"{rules.outside_least} ballots from outside needed, {outside} are there",
                ko=f"외부 위원의 표 {rules.outside_least}건 필요, 현재 {outside}건",
            )
        )
    for question in form.questions:
        if kept and not any(a.question == question.id for b in kept for a in b.answers):
            out.append(Words(en=f"nobody answered {question.mark}", ko=f"{question.mark}에 대한 의견이 없음"))
    return tuple(out)


def _unfit(form: Form, kept: Sequence[Ballot]) -> tuple[Question, ...]:
    """Return the questions that ask for unanimity and did not get it."""
    return tuple(
        q
        for q in form.questions
        if q.unanimous and any(a.question == q.id and a.value != "fit" for b in kept for a in b.answers)
    )


def _count(form: Form, votes: Mapping[str, int], unfit: Sequence[Question]) -> tuple[Result, tuple[Words, ...]]:
    n, rules = sum(votes.values()), form.counting
    told = Words(
        en=f"{votes['approve']} for approval, {votes['conditional']} with conditions, {votes['reject']} for return",
        ko=f"적정 {votes['approve']}, 조건부 {votes['conditional']}, 부적정 {votes['reject']}",
    )
    if votes["reject"] > rules.reject_over * n:
        return "rejected", (told,)
    if votes["approve"] > rules.approve_over * n and not unfit:
        return "approved", (told,)
    if unfit:
        marks = ", ".join(q.mark for q in unfit)
        told_unfit = Words(
            en=f"{marks} must be found fit by everyone for approval without conditions",
            ko=f"전원 적합이어야 조건 없이 승인할 수 있는 항목: {marks}",
        )
        return "conditional", (told, told_unfit)
    return "conditional", (told,)


def _conditions(kept: Sequence[Ballot]) -> tuple[Condition, ...]:
    """Return everything asked for: conditions that were written, and what was found unfit, with its reason."""
    found: dict[tuple[str, str], Condition] = {}
    for ballot in kept:
        for text in ballot.conditions:
            if text.strip():
                found.setdefault(("", text.strip()), Condition(text=text.strip(), by=ballot.person))
        for answer in ballot.answers:
            if answer.value == "unfit":
                reason = answer.reason.strip()
                kept_one = Condition(text=reason, by=ballot.person, question=answer.question)
                found.setdefault((answer.question, reason), kept_one)
    return tuple(found.values())


def _dissent(result: Result, kept: Sequence[Ballot]) -> tuple[Dissent, ...]:
    same: Mapping[Result, Overall] = {"approved": "approve", "conditional": "conditional", "rejected": "reject"}
    agreed = same[result]
    # A vote for approval is no dissent from a conditional approval that others asked for, but a stricter one always is.
    return tuple(
        Dissent(person=b.person, overall=b.overall, opinion=b.opinion)
        for b in kept
        if _GRADES[b.overall] > _GRADES[agreed] or (result == "rejected" and b.overall != "reject")
    )
