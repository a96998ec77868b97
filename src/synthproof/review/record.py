"""A case read back from its journal alone: who was called, who voted what, what was decided for which digest.

Nothing that is not in the journal counts. A server shows its tables, but what leaves it for a release is this.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from synthproof.core.errors import StateError
from synthproof.dossier.journal import Anchor, Line, check
from synthproof.dossier.journal_file import SUFFIX, read
from synthproof.review.settle import Answer, Ballot, Member, Outcome
from synthproof.review.stages import Move

JOURNAL = "journal.jsonl"
CASE_ACTS: tuple[str, ...] = (
    "case.opened",
    "dossier.imported",
    "member.called",
    "member.conflict",
    "stage.moved",
    "comment.written",
    "question.asked",
    "question.replied",
    "answer.given",
    "ballot.cast",
    "outcome.closed",
    "condition.ticked",
    "case.exported",
)
_LARGEST = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A member as called: what form 1-5 prints of a reviewer."""

    id: str
    name: str
    role: str
    affiliation: str = ""
    position: str = ""
    expertise: str = ""
    outside: bool = False
    questions: tuple[str, ...] = ()
    due: str = ""
    votes: bool = True
    conflict: bool = False

    @property
    def member(self) -> Member:
        """The person as `settle` counts them."""
        return Member(person=self.id, outside=self.outside, questions=self.questions, conflict=self.conflict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What was decided on one digest.

    Parameters
    ----------
    outcome
        As counted when the chair closed it.
    at
        When.
    ticked
        Numbers (from 0) of the conditions that were ticked off.
    """

    outcome: Outcome
    at: str
    ticked: frozenset[int] = frozenset()

    @property
    def open_conditions(self) -> tuple[str, ...]:
        """Texts of the conditions that nobody ticked off."""
        return tuple(c.text for i, c in enumerate(self.outcome.conditions) if i not in self.ticked)

    @property
    def releasable(self) -> bool:
        """Whether the data of this digest may be released: approved, or conditional with nothing left open."""
        if self.outcome.result == "approved":
            return True
        return self.outcome.result == "conditional" and not self.open_conditions


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRecord:
    """A case as its journal tells it.

    Parameters
    ----------
    title, form
        Of the case; the form's id.
    dossiers
        Digests in the order they were brought in; the last one is the one before the committee.
    people
        By id.
    ballots
        By digest, then by person: the last one cast counts.
    decisions
        By digest. A digest without one was not decided.
    moves
        Steps between stages.
    end
        End of the journal it was read from.
    """

    title: str = ""
    form: str = ""
    dossiers: tuple[str, ...] = ()
    people: Mapping[str, Person] = field(default_factory=dict)
    ballots: Mapping[str, Mapping[str, tuple[Ballot, str]]] = field(default_factory=dict)
    decisions: Mapping[str, Decision] = field(default_factory=dict)
    moves: tuple[Move, ...] = ()
    end: Anchor | None = None

    def decision(self, digest: str) -> Decision | None:
        """Return what was decided on this digest, or ``None``: a decision on another one says nothing about it."""
        return self.decisions.get(digest)


def record_of(lines: Sequence[Line]) -> CaseRecord:
    """Return the case that the lines of a verified journal tell.

    Raises
    ------
    ValueError
        When fields were left out of a line that is needed (an extract cannot be read back).
    """
    title, form = "", ""
    dossiers: list[str] = []
    people: dict[str, Person] = {}
    ballots: dict[str, dict[str, tuple[Ballot, str]]] = {}
    decisions: dict[str, Decision] = {}
    moves: list[Move] = []
    for line in lines:
        if line.act not in CASE_ACTS:
            continue
        if line.fields is None:
            raise ValueError(f"line {line.n} tells no fields")
        told = line.fields
        if line.act == "case.opened":
            title, form = str(told["title"]), str(told["form"])
        elif line.act == "dossier.imported":
            dossiers.append(line.subject)
        elif line.act == "member.called":
            who = str(told["person"])
            known = people.get(who)
            people[who] = _person(told, known)
            if known is not None and set(known.questions) != set(people[who].questions):
                # A vote covers the questions its member was given: with others given it is to be cast again.
                for digest in set(ballots) - set(decisions):
                    ballots[digest].pop(who, None)
        elif line.act == "member.conflict" and line.person in people:
            people[line.person] = _conflicted(people[line.person])
        elif line.act == "stage.moved":
            moves.append(Move.from_dict(told))
        elif line.act == "answer.given":
            # A vote rests on its answers: one that changed afterwards leaves it to be cast again.
            ballots.get(line.subject, {}).pop(line.person, None)
        elif line.act == "ballot.cast":
            ballots.setdefault(line.subject, {})[line.person] = (_ballot(line), line.at)
        elif line.act == "outcome.closed":
            decisions[line.subject] = Decision(outcome=Outcome.from_dict(told["outcome"]), at=line.at)
        elif line.act == "condition.ticked" and line.subject in decisions:
            before = decisions[line.subject]
            ticked = before.ticked | {int(told["n"])}
            decisions[line.subject] = Decision(outcome=before.outcome, at=before.at, ticked=ticked)
    return CaseRecord(
        title=title,
        form=form,
        dossiers=tuple(dossiers),
        people=people,
        ballots=ballots,
        decisions=decisions,
        moves=tuple(moves),
        end=lines[-1].anchor if lines else None,
    )


def read_export(path: Path) -> tuple[CaseRecord, tuple[Line, ...]]:
    """Return a case, and its journal, from what ``synthproof review export`` wrote: a zip, a folder or the journal file.

    Raises
    ------
    StateError
        ``journal/broken`` or ``journal/unreadable``.
    """
    lines = read_lines(path)
    try:
        return record_of(lines), lines
    except (ValueError, KeyError, TypeError) as error:
        raise StateError("journal/unreadable", where=str(path), reason=type(error).__name__) from error


def read_lines(path: Path) -> tuple[Line, ...]:
    """Return the verified lines of an export: a zip, a folder or the journal file."""
    if path.is_dir():
        return read(path / JOURNAL)
    if not zipfile.is_zipfile(path):
        return read(path)
    try:
        with zipfile.ZipFile(path) as packed:
            texts = _member(packed, JOURNAL).decode("utf-8").split("\n")
            anchor = Anchor.from_dict(json.loads(_member(packed, JOURNAL + SUFFIX)))
    except (OSError, KeyError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise StateError("journal/unreadable", where=str(path), reason=type(error).__name__) from error
    return check(texts[:-1] if texts[-1] == "" else texts, anchor=anchor, where=str(path))


def _member(packed: zipfile.ZipFile, name: str) -> bytes:
    info = packed.getinfo(name)
    if info.file_size > _LARGEST:
        raise ValueError("too large")
    return packed.read(info)


def _person(told: Mapping[str, Any], before: Person | None) -> Person:
    return Person(
        id=str(told["person"]),
        name=str(told.get("name", "")),
        role=str(told.get("role", "")),
        affiliation=str(told.get("affiliation", "")),
        position=str(told.get("position", "")),
        expertise=str(told.get("expertise", "")),
        outside=bool(told.get("outside", False)),
        questions=tuple(told.get("questions", ())),
        due=str(told.get("due", "")),
        votes=bool(told.get("votes", True)),
        conflict=before.conflict if before else False,
    )


def _conflicted(person: Person) -> Person:
    kept = {name: getattr(person, name) for name in Person.__dataclass_fields__}
    return Person(**{**kept, "conflict": True})


def _ballot(line: Line) -> Ballot:
    told = line.fields or {}
    answers: Iterable[Mapping[str, Any]] = told["answers"]
    return Ballot(
        person=line.person,
        dossier=line.subject,
        overall=told["overall"],
        answers=tuple(Answer(question=a["question"], value=a["value"], reason=a["reason"]) for a in answers),
        opinion=str(told.get("opinion", "")),
        conditions=tuple(told.get("conditions", ())),
    )
