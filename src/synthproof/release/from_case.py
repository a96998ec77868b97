"""An outcome out of a case that the review server exported: its journal is all that counts, its tables are not asked.

The period of use is not voted on there, so whoever seals states it.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from synthproof.core.errors import StateError, SynthproofError
from synthproof.core.words import Words
from synthproof.dossier.journal import Line
from synthproof.release.outcome import (
    EXPERTISE,
    Condition,
    Decision,
    Mark,
    Member,
    Outcome,
    Question,
    Responsible,
    Vote,
)

_DECISIONS: dict[str, Decision] = {
    "approved": "approved",
    "approve": "approved",
    "conditional": "conditional",
    "rejected": "refused",
    "reject": "refused",
}
_EXPERTISE = {"any": "other"}


def is_exported_case(path: Path, outcome: str, journal: str) -> bool:
    """Return whether a place is an export of the review server: a zip, a journal, or a folder without an outcome."""
    if path.is_dir():
        return not (path / outcome).is_file() and (path / journal).is_file()
    return path.name.endswith(journal) or (path.is_file() and zipfile.is_zipfile(path))


def outcome_of_case(path: Path, dossier: str) -> tuple[Outcome, tuple[Line, ...]]:
    """Return what an exported case decided on one dossier, and the case's journal.

    Parameters
    ----------
    dossier
        Digest of the dossier that is to go out.

    Raises
    ------
    StateError
        ``journal/broken``, ``journal/unreadable``; ``release/other-dossier`` when the case decided on another dossier;
        ``release/undecided`` when it has not decided yet; ``release/superseded`` when a later dossier came before the
        committee; ``release/sent-back`` when the case was returned to an earlier stage after the decision.
    """
    # By name, for the gate takes outcomes from other systems too and must not need the review room for them.
    record, lines = import_module("synthproof.review.record").read_export(path)
    decision = record.decision(dossier)
    if decision is None or decision.outcome.result not in _DECISIONS:
        decided = [d for d in record.dossiers if record.decision(d) is not None]
        if dossier in record.dossiers or not decided:
            raise StateError("release/undecided", where=str(path))
        raise StateError("release/other-dossier", where=str(path), decided=decided[-1], found=dossier)
    if record.dossiers and record.dossiers[-1] != dossier:
        raise StateError("release/superseded", where=str(path), later=record.dossiers[-1])
    if stage := _sent_back(lines, dossier):
        raise StateError("release/sent-back", where=str(path), stage=stage)
    voting = {p.id: p for p in record.people.values() if p.votes and not p.conflict}
    cast = {who: told for who, told in record.ballots.get(dossier, {}).items() if who in voting}
    outcome = Outcome(
        case=record.title or path.stem,
        dossier=dossier,
        result=_DECISIONS[decision.outcome.result],
        decided=decision.at,
        members=tuple(_member(p) for p in voting.values()),
        votes=tuple(_vote(ballot, at) for ballot, at in cast.values()),
        questions=_questions(record.form, decision.outcome, [b for b, _ in cast.values()]),
        rule=f"{decision.outcome.form} {decision.outcome.form_version} ({decision.outcome.counting_origin})",
        conditions=_conditions(decision.outcome, lines, dossier, record),
        kind="supplement" if record.dossiers and record.dossiers[0] != dossier else "new",
        responsible=_responsible(record),
        journal=record.end,
    )
    return outcome, tuple(lines)


def _sent_back(lines: Sequence[Line], dossier: str) -> int:
    """Return the stage before the committee's to which the case was returned after its decision, or 0."""
    closed = max((x.n for x in lines if x.act == "outcome.closed" and x.subject == dossier), default=0)
    stages = [int((x.fields or {})["after"]) for x in lines if x.act == "stage.moved" and x.n > closed]
    committee: int = import_module("synthproof.review.stages").COMMITTEE
    return stages[-1] if stages and stages[-1] < committee else 0


def _member(person: Any) -> Member:
    expertise = _EXPERTISE.get(person.expertise, person.expertise)
    return Member(
        id=person.id,
        name=person.name or person.id,
        affiliation=person.affiliation,
        position=person.position,
        expertise=expertise if expertise in EXPERTISE else "other",
        outside=person.outside,
        chair=person.role == "chair",
    )


def _vote(ballot: Any, at: str) -> Vote:
    marks: dict[str, Mark] = {a.question: a.value for a in ballot.answers}
    return Vote(
        member=ballot.person,
        dossier=ballot.dossier,
        result=_DECISIONS[ballot.overall],
        areas=marks,
        opinion=ballot.opinion,
        at=at,
    )


def _questions(form: str, outcome: Any, ballots: Sequence[Any]) -> tuple[Question, ...]:
    """Return the questions with their texts; those of a form that is not at hand go by their ids."""
    try:
        found = import_module("synthproof.review.form").load_form(form or outcome.form)
        return tuple(
            Question(id=q.id, words=Words(en=f"{q.mark} {q.text.en}".strip(), ko=f"{q.mark} {q.text.ko}".strip()))
            for q in found.questions
        )
    except SynthproofError:
        names = dict.fromkeys(a.question for b in ballots for a in b.answers)
        return tuple(Question(id=n, words=Words(en=n, ko=n)) for n in names)


def _conditions(outcome: Any, lines: Sequence[Line], dossier: str, record: Any) -> tuple[Condition, ...]:
    closed = max((x.n for x in lines if x.act == "outcome.closed" and x.subject == dossier), default=0)
    ticked = {
        int((x.fields or {})["n"]): x
        for x in lines
        if x.act == "condition.ticked" and x.subject == dossier and x.n > closed
    }
    return tuple(
        Condition(
            id=f"c{i + 1}",
            text=c.text,
            met_by=_name(record, ticked[i].person) if i in ticked else "",
            met_at=ticked[i].at if i in ticked else "",
        )
        for i, c in enumerate(outcome.conditions)
    )


def _name(record: Any, person: str) -> str:
    found = record.people.get(person)
    return str(found.name) if found is not None and found.name else person


def _responsible(record: Any) -> Responsible:
    steward = next((p for p in record.people.values() if p.role == "steward"), None)
    if steward is None:
        return Responsible()
    return Responsible(organisation=steward.affiliation, position=steward.position, name=steward.name)
