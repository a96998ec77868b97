"""The journal: who did what, when, to which digest. Lines that can only be added, each holding the hash of the one before.

A line is one canonical JSON object. Its hash covers everything but `fields` and `salt`; those two are covered by
`payload`. So an extract may leave the fields of a line out (names, free text) and the chain still holds, and the salt
keeps a short field such as an answer from being guessed from its digest. A database and a file hold the same bytes.

What the chain alone cannot tell is that its end was cut off, or that all of it was written anew; for that an `Anchor`
(number and hash of the last line) is kept elsewhere: beside the file, in every export, in the seal of a release.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

from synthproof.core.errors import StateError
from synthproof.core.fingerprint import canonical_json, digest_json
from synthproof.core.words import Words

FORMAT = 1

FlawKind: TypeAlias = Literal["edited", "removed", "reordered", "truncated", "rewritten", "foreign"]
FLAW_WORDS: Mapping[FlawKind, Words] = {
    "edited": Words(en="was edited", ko="내용이 바뀜"),
    "removed": Words(en="was removed", ko="삭제됨"),
    "reordered": Words(en="stands in another place", ko="순서가 바뀜"),
    "truncated": Words(en="and what followed it was cut off", ko="이 줄부터 끝까지 잘려 나감"),
    "rewritten": Words(en="or one before it was written anew", ko="이 줄이나 그 앞의 줄이 다시 쓰임"),
    "foreign": Words(en="belongs to another journal", ko="다른 기록부의 줄임"),
}
_KEYS = {"format", "chain", "n", "at", "person", "act", "subject", "payload", "prev", "hash"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """The end of a chain: `n` lines, the last with `hash`. Kept apart, it shows that nothing was cut off.

    Parameters
    ----------
    chain
        Which journal.
    n
        Number of lines; 0 for a journal that has none yet.
    hash
        ``sha256:…`` of line `n`; of the chain's name when there is none.
    """

    chain: str
    n: int
    hash: str

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {"chain": self.chain, "n": self.n, "hash": self.hash}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Anchor:
        """Read what `to_dict` wrote."""
        return cls(chain=str(data["chain"]), n=int(data["n"]), hash=str(data["hash"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One act.

    Parameters
    ----------
    chain
        Name of the journal; a line of one cannot be moved to another.
    n
        From 1, without gaps.
    at
        UTC, ISO 8601 with microseconds.
    person
        Who acted: an id, not a name (names stand in the fields of the line that invited them).
    act
        What was done, e.g. ``answer.given``.
    subject
        Digest of what it was done to (a dossier), or an empty string.
    fields
        What belongs to the act, JSON values; ``None`` in an extract that leaves it out.
    salt
        32 hexadecimal digits; empty where `fields` is left out.
    payload
        ``sha256:…`` over fields and salt.
    prev, hash
        Hash of the line before, and of this one.
    """

    chain: str
    n: int
    at: str
    person: str
    act: str
    subject: str
    fields: Mapping[str, Any] | None
    salt: str
    payload: str
    prev: str
    hash: str

    def text(self) -> str:
        """Return the line as it stands in a file or database, without the line break."""
        body = self._body() | {"hash": self.hash}
        if self.fields is not None:
            body |= {"fields": dict(self.fields), "salt": self.salt}
        return canonical_json(body)

    def without_fields(self) -> Line:
        """Return the line as it stands in an extract: the chain still holds, the fields are not told."""
        return replace(self, fields=None, salt="")

    @property
    def anchor(self) -> Anchor:
        """The end of the chain when this line is its last."""
        return Anchor(chain=self.chain, n=self.n, hash=self.hash)

    def _body(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "chain": self.chain,
            "n": self.n,
            "at": self.at,
            "person": self.person,
            "act": self.act,
            "subject": self.subject,
            "payload": self.payload,
            "prev": self.prev,
        }

    def holds(self) -> bool:
        """Return whether hash and payload are those of the content."""
        if digest_json(self._body()) != self.hash:
            return False
        return self.fields is None or _payload(self.fields, self.salt) == self.payload

    @classmethod
    def from_text(cls, text: str) -> Line:
        """Read what `text` wrote; anything that is not byte for byte the canonical form is refused.

        Raises
        ------
        ValueError
            When it is no line.
        """
        data = json.loads(text)
        extra = set(data) - _KEYS if isinstance(data, dict) else {"?"}
        if extra not in (set(), {"fields", "salt"}) or not set(data) >= _KEYS or data["format"] != FORMAT:
            raise ValueError("not a line of a journal")
        words = ("chain", "at", "person", "act", "subject", "payload", "prev", "hash")
        if not isinstance(data["n"], int) or not all(isinstance(data[k], str) for k in words):
            raise ValueError("not a line of a journal")
        line = cls(
            n=data["n"],
            fields=data.get("fields"),
            salt=str(data.get("salt", "")),
            **{k: data[k] for k in words},
        )
        if line.text() != text:
            raise ValueError("not in canonical form")
        return line


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """One thing that is wrong with a journal.

    Parameters
    ----------
    line
        Number of the line, from 1.
    kind
        What became of it.
    """

    line: int
    kind: FlawKind

    @property
    def words(self) -> Words:
        """The flaw in words."""
        told = FLAW_WORDS[self.kind]
        return Words(en=f"line {self.line} {told.en}", ko=f"{self.line}번째 줄: {told.ko}")


def start(chain: str) -> Anchor:
    """Return the anchor of a journal that has no line yet."""
    return Anchor(chain=chain, n=0, hash=digest_json({"format": FORMAT, "chain": chain}))


def next_line(
    end: Anchor,
    *,
    person: str,
    act: str,
    subject: str = "",
    fields: Mapping[str, Any] | None = None,
    at: str = "",
    salt: str = "",
) -> Line:
    """Return the line that follows `end`; it is not written anywhere yet.

    Parameters
    ----------
    at, salt
        Now, and freshly drawn, unless given.
    """
    told = json.loads(canonical_json(dict(fields or {})))
    salt = salt or secrets.token_hex(16)
    line = Line(
        chain=end.chain,
        n=end.n + 1,
        at=at or datetime.now(UTC).isoformat(timespec="microseconds"),
        person=person,
        act=act,
        subject=subject,
        fields=told,
        salt=salt,
        payload=_payload(told, salt),
        prev=end.hash,
        hash="",
    )
    return replace(line, hash=digest_json(line._body()))


def verify(texts: Iterable[str], *, anchor: Anchor | None = None, chain: str = "") -> tuple[Flaw, ...]:
    """Return what is wrong with a journal, each flaw with its line; nothing when it is whole.

    Parameters
    ----------
    texts
        The lines, without line breaks. Cost O(their length).
    anchor
        A known end, kept elsewhere; lines after it are welcome, lines missing before it are not.
    chain
        Name the journal must have; the anchor's or the first line's if empty.
    """
    lines = [_readable(text) for text in texts]
    chain = chain or (anchor.chain if anchor else next((x.chain for x in lines if x), ""))
    present = {x.n for x in lines if x}
    flaws: list[Flaw] = []
    expected, end = 1, start(chain).hash
    for line in lines:
        if line is None:
            flaws.append(Flaw(line=expected, kind="edited"))
            end = ""
        elif line.chain != chain:
            flaws.append(Flaw(line=expected, kind="foreign"))
            end = ""
        else:
            if line.n != expected:
                flaws += _misplaced(line.n, expected, present)
            elif end and line.prev != end:
                # This line is whole and names another one before it: the one that stands there was made anew.
                flaws.append(Flaw(line=max(1, expected - 1), kind="edited"))
            if line.n < expected:
                continue
            expected, end = line.n, line.hash
        expected += 1
    return tuple(flaws) + _against(anchor, lines, expected - 1)


def check(texts: Iterable[str], *, anchor: Anchor | None = None, chain: str = "", where: str = "") -> tuple[Line, ...]:
    """Return the lines of a journal that is whole.

    Raises
    ------
    StateError
        ``journal/broken`` with the first flaw.
    """
    kept = list(texts)
    if flaws := verify(kept, anchor=anchor, chain=chain):
        raise StateError("journal/broken", where=where, flaw=flaws[0].words, more=len(flaws) - 1)
    return tuple(Line.from_text(text) for text in kept)


def _payload(fields: Mapping[str, Any], salt: str) -> str:
    return "sha256:" + hashlib.sha256(canonical_json([salt, fields]).encode()).hexdigest()


def _readable(text: str) -> Line | None:
    try:
        line = Line.from_text(text)
    except (ValueError, TypeError, KeyError, RecursionError):  # the last: nested beyond reading, as no line of ours is
        return None
    return line if line.holds() else None


def _misplaced(n: int, expected: int, present: set[int]) -> list[Flaw]:
    if n < expected:
        return [Flaw(line=n, kind="reordered")]
    return [Flaw(line=missing, kind="reordered" if missing in present else "removed") for missing in range(expected, n)]


def _against(anchor: Anchor | None, lines: Sequence[Line | None], last: int) -> tuple[Flaw, ...]:
    if anchor is None:
        return ()
    if last < anchor.n:
        return (Flaw(line=last + 1, kind="truncated"),)
    known = start(anchor.chain).hash if anchor.n == 0 else None
    found = known or next((x.hash for x in lines if x and x.n == anchor.n), None)
    # A line that is there and cannot be read was told of already.
    if found is None or found == anchor.hash:
        return ()
    return (Flaw(line=anchor.n, kind="rewritten"),)
