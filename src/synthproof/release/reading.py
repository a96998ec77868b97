"""Reading an outcome from a file, a signed file or an exported case, strictly: every key, type and reference is checked."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, NoReturn

from synthproof.core.errors import StateError
from synthproof.core.fingerprint import digest_json
from synthproof.core.words import Words
from synthproof.dossier.journal import Anchor, Line, check
from synthproof.dossier.journal_file import read, read_texts
from synthproof.release.from_case import is_exported_case, outcome_of_case
from synthproof.release.keys import PublicKey
from synthproof.release.outcome import (
    DECISIONS,
    EXPERTISE,
    FORMAT,
    GUIDE_QUESTIONS,
    MARKS,
    Condition,
    Member,
    Outcome,
    Question,
    Responsible,
    Vote,
)
from synthproof.release.signed import is_signed, read_signed

OUTCOME, JOURNAL = "outcome.json", "journal.jsonl"
_LARGEST = 16 << 20
_KEYS = (
    "format", "case", "dossier", "result", "decided", "kind", "rule", "members", "votes", "conditions", "period",
    "restrictions", "responsible", "journal", "questions",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """An outcome as it was handed in.

    Parameters
    ----------
    outcome
        What was decided.
    digest
        ``sha256:…`` of its content.
    journal
        The case's journal, verified to be whole; empty for a case without one.
    signer
        Who signed the document; ``None`` for an unsigned one.
    """

    outcome: Outcome
    digest: str
    journal: tuple[Line, ...] = ()
    signer: PublicKey | None = None


def read_outcome(
    path: Path, *, dossier: str = "", key: PublicKey | None = None, start: str = "", end: str = ""
) -> Decided:
    """Return the outcome in a file, or of a case that the review server exported.

    Parameters
    ----------
    path
        ``outcome.json`` (plain, or signed by `synthproof.release.signed.signed_text`) or a folder that holds it. A
        ``journal.jsonl`` beside it is the case's journal. Or what ``synthproof review export`` wrote: a zip, or a folder
        with the journal alone.
    dossier
        Digest of the dossier that is to go out; an exported case may have decided on several.
    start, end
        Period of use, where the decision sets none.
    key
        Public key that must have signed it; an unsigned document is then refused.

    Raises
    ------
    StateError
        ``release/bad-outcome`` with the place and what is wrong there; ``release/bad-signature``,
        ``release/other-key``; ``journal/broken`` or ``release/journal-missing`` when the case's journal does not hold;
        ``release/undecided``, ``release/other-dossier``; ``release/period-set`` when another period was decided.
    """
    if key is None and is_exported_case(path, OUTCOME, JOURNAL):
        told, lines = outcome_of_case(path, dossier)
        told = _dated(told, start, end)
        return Decided(outcome=told, digest=digest_json(told.to_dict()), journal=lines)
    file = path / OUTCOME if path.is_dir() else path
    body, signer = _body(file, key)
    outcome = outcome_of(body, where=str(file))
    journal = _journal(file, outcome)
    return Decided(outcome=_dated(outcome, start, end), digest=digest_json(body), journal=journal, signer=signer)


def _dated(outcome: Outcome, start: str, end: str) -> Outcome:
    """Return the outcome with a stated period, where the committee set none; its own period is never changed."""
    if not start and not end:
        return outcome
    if outcome.start or outcome.end:
        if (outcome.start, outcome.end) != (start, end):
            raise StateError("release/period-set", where=outcome.case, start=outcome.start, end=outcome.end)
        return outcome
    at = _At("--from, --until", {"from": start, "to": end})
    first, last = at.day("from"), at.day("to")
    if first and last and last < first:
        at.wrong("to", Words(en="it ends before it begins", ko="종료일이 시작일보다 앞섬"))
    return replace(outcome, start=first, end=last)


def _body(file: Path, key: PublicKey | None) -> tuple[Mapping[str, Any], PublicKey | None]:
    try:
        if file.stat().st_size > _LARGEST:
            _wrong(str(file), "", Words(en="too large", ko="너무 큼"))
        text = file.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise StateError("release/bad-outcome", where=str(file), place="-", reason=reason) from error
    if is_signed(file):
        body, signer = read_signed(text, where=str(file))
        if key is not None and key.fingerprint != signer.fingerprint:
            raise StateError("release/other-key", where=str(file), found=signer.fingerprint, wanted=key.fingerprint)
        return body, signer
    if key is not None:
        raise StateError("release/other-key", where=str(file), found="-", wanted=key.fingerprint)
    try:
        body = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise StateError("release/bad-outcome", where=str(file), place="-", reason="JSON") from error
    return body, None


def _journal(file: Path, outcome: Outcome) -> tuple[Line, ...]:
    path = file.with_name(JOURNAL)
    if not path.is_file():
        if outcome.journal is not None:
            raise StateError("release/journal-missing", where=str(path), lines=outcome.journal.n)
        return ()
    if outcome.journal is None:
        return read(path)
    # the export may have gone on after the decision; up to it, every line must be there
    return check(read_texts(path), anchor=outcome.journal, where=str(path))


def outcome_of(data: Any, *, where: str) -> Outcome:
    """Return the outcome that JSON values describe.

    Raises
    ------
    StateError
        ``release/bad-outcome``.
    """
    at = _At(where, data)
    at.only(_KEYS)
    if at.value("format") != FORMAT:
        at.wrong("format", Words(en=f"format {FORMAT} is needed", ko=f"형식 {FORMAT}이어야 함"))
    members = tuple(_member(m) for m in at.parts("members"))
    conditions = tuple(_condition(c) for c in at.parts("conditions"))
    period = at.part("period")
    period.only(("from", "to"))
    questions = tuple(_question(q) for q in at.parts("questions")) or GUIDE_QUESTIONS
    kind = at.one_of("kind", ("new", "supplement"), default="new")
    outcome = Outcome(
        case=at.text("case"),
        dossier=at.digest("dossier"),
        result=at.one_of("result", DECISIONS),
        decided=at.moment("decided"),
        members=members,
        votes=tuple(_vote(v, {m.id for m in members}, {q.id for q in questions}) for v in at.parts("votes")),
        questions=questions,
        rule=at.text("rule", default=""),
        conditions=conditions,
        start=period.day("from"),
        end=period.day("to"),
        kind=kind,
        restrictions=tuple(_words(w) for w in at.parts("restrictions")),
        responsible=_responsible(at),
        journal=_anchor(at),
    )
    ids = {
        "members": [m.id for m in members],
        "conditions": [c.id for c in conditions],
        "questions": [q.id for q in questions],
    }
    for name, found in ids.items():
        if len(set(found)) != len(found):
            at.wrong(name, Words(en="an id occurs twice", ko="같은 id가 두 번 나옴"))
    if len({v.member for v in outcome.votes}) != len(outcome.votes):
        at.wrong("votes", Words(en="a member votes twice", ko="한 위원의 의견이 두 번 나옴"))
    if outcome.start and outcome.end and outcome.end < outcome.start:
        at.wrong("period", Words(en="it ends before it begins", ko="종료일이 시작일보다 앞섬"))
    return outcome


def _member(at: _At) -> Member:
    at.only(("id", "name", "affiliation", "position", "expertise", "outside", "chair"))
    return Member(
        id=at.text("id"),
        name=at.text("name"),
        affiliation=at.text("affiliation", default=""),
        position=at.text("position", default=""),
        expertise=at.one_of("expertise", tuple(EXPERTISE), default="other"),
        outside=at.flag("outside"),
        chair=at.flag("chair"),
    )


def _question(at: _At) -> Question:
    at.only(("id", "en", "ko"))
    return Question(id=at.text("id"), words=Words(en=at.text("en"), ko=at.text("ko")))


def _vote(at: _At, members: set[str], questions: set[str]) -> Vote:
    at.only(("member", "dossier", "result", "areas", "opinion", "at"))
    member = at.text("member")
    if member not in members:
        at.wrong("member", Words(en="no such member", ko="그런 위원이 없음"))
    areas = at.part("areas")
    areas.only(sorted(questions))
    if not areas.data:
        areas.wrong("", Words(en="no question is answered", ko="답한 질문이 없음"))
    return Vote(
        member=member,
        dossier=at.digest("dossier"),
        result=at.one_of("result", DECISIONS),
        areas={str(a): areas.one_of(a, MARKS) for a in areas.data},
        opinion=at.text("opinion", default=""),
        at=at.moment("at"),
    )


def _condition(at: _At) -> Condition:
    at.only(("id", "text", "met_by", "met_at"))
    met_at = at.moment("met_at") if at.value("met_at", "") else ""
    return Condition(id=at.text("id"), text=at.text("text"), met_by=at.text("met_by", default=""), met_at=met_at)


def _words(at: _At) -> Words:
    at.only(("en", "ko"))
    return Words(en=at.text("en"), ko=at.text("ko"))


def _responsible(at: _At) -> Responsible:
    if at.value("responsible", None) is None:
        return Responsible()
    own = at.part("responsible")
    names = ("organisation", "department", "position", "name", "contact")
    own.only(names)
    return Responsible(**{n: own.text(n, default="") for n in names})


def _anchor(at: _At) -> Anchor | None:
    if at.value("journal", None) is None:
        return None
    own = at.part("journal")
    own.only(("chain", "n", "hash"))
    n = own.value("n")
    if not isinstance(n, int) or isinstance(n, bool) or n < 0:
        own.wrong("n", Words(en="a number of lines is needed", ko="줄 수가 필요함"))
    return Anchor(chain=own.text("chain"), n=n, hash=own.digest("hash"))


class _At:
    """A JSON object and where it stands, read key by key."""

    def __init__(self, where: str, data: Any, place: str = "") -> None:
        self.where, self.place = where, place
        if not isinstance(data, Mapping):
            self.wrong("", Words(en="an object is needed", ko="객체여야 함"))
        self.data: Mapping[str, Any] = data

    def wrong(self, key: str, reason: Words) -> NoReturn:
        _wrong(self.where, ".".join(p for p in (self.place, key) if p) or "-", reason)

    def only(self, keys: Sequence[str]) -> None:
        if unknown := sorted(set(self.data) - set(keys)):
            self.wrong(str(unknown[0])[:40], Words(en="no such key", ko="알 수 없는 항목"))

    def value(self, key: str, default: Any = ...) -> Any:
        if key not in self.data:
            if default is ...:
                self.wrong(key, Words(en="it is missing", ko="없음"))
            return default
        return self.data[key]

    def text(self, key: str, default: Any = ...) -> str:
        found = self.value(key, default)
        if not isinstance(found, str) or (default is ... and not found.strip()):
            self.wrong(key, Words(en="a text is needed", ko="문자열이 필요함"))
        return found

    def flag(self, key: str) -> bool:
        found = self.value(key, False)
        if not isinstance(found, bool):
            self.wrong(key, Words(en="true or false is needed", ko="true 또는 false여야 함"))
        return found

    def one_of(self, key: str, allowed: Sequence[Any], default: Any = ...) -> Any:
        found = self.value(key, default)
        if not isinstance(found, str) or found not in allowed:
            listed = " | ".join(map(str, allowed))
            self.wrong(key, Words(en=f"one of {listed} is needed", ko=f"{listed} 중 하나여야 함"))
        return found

    def digest(self, key: str) -> str:
        found = self.text(key)
        kind, _, digits = found.partition(":")
        if kind != "sha256" or len(digits) != 64 or set(digits) - set("0123456789abcdef"):
            self.wrong(key, Words(en="sha256:… is needed", ko="sha256:… 형식이어야 함"))
        return found

    def moment(self, key: str) -> str:
        found = self.text(key)
        try:
            datetime.fromisoformat(found)
        except ValueError:
            self.wrong(key, Words(en="a date and time (ISO 8601) is needed", ko="일시(ISO 8601)여야 함"))
        return found

    def day(self, key: str) -> str:
        found = self.text(key, default="")
        if not found:
            return ""
        try:
            return date.fromisoformat(found).isoformat()
        except ValueError:
            self.wrong(key, Words(en="a day such as 2027-01-31 is needed", ko="2027-01-31과 같은 날짜여야 함"))

    def part(self, key: str) -> _At:
        return _At(self.where, self.value(key), ".".join(p for p in (self.place, key) if p))

    def parts(self, key: str) -> list[_At]:
        found = self.value(key, [])
        if not isinstance(found, list):
            self.wrong(key, Words(en="a list is needed", ko="목록이어야 함"))
        place = ".".join(p for p in (self.place, key) if p)
        return [_At(self.where, item, f"{place}[{i}]") for i, item in enumerate(found)]


def _wrong(where: str, place: str, reason: Words) -> NoReturn:
    raise StateError("release/bad-outcome", where=where, place=place, reason=reason)


__all__ = ["JOURNAL", "OUTCOME", "Decided", "outcome_of", "read_outcome"]
