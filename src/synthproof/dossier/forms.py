"""The guide's papers as data: what a machine can know is filled in, what only a person can know is marked so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from synthproof.core.words import Words
from synthproof.dossier.disclose import printable


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One field of a form.

    Parameters
    ----------
    label
        Name of the field.
    value
        What the machine knows; ``None`` leaves a blank for a person.
    confirm
        A person must confirm what the machine filled in.
    """

    label: Words
    value: Words | None = None
    confirm: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        by = "person" if self.value is None else "machine, to be confirmed" if self.confirm else "machine"
        return {
            "label": self.label.to_dict(),
            "value": self.value.to_dict() if self.value else None,
            "filled_by": by,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of a form: fields, a table, or paragraphs.

    Parameters
    ----------
    title
        Heading.
    lines
        Fields, one below the other.
    head, rows
        A table; a cell of ``None`` is a blank for a person.
    paragraphs
        Running text.
    note
        Small remark under the heading.
    """

    title: Words
    lines: tuple[Line, ...] = ()
    head: tuple[Words, ...] = ()
    rows: tuple[tuple[Words | None, ...], ...] = ()
    paragraphs: tuple[Words | None, ...] = ()
    note: Words | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values; empty parts are left out."""
        out: dict[str, Any] = {"title": self.title.to_dict()}
        if self.note:
            out["note"] = self.note.to_dict()
        if self.lines:
            out["fields"] = [line.to_dict() for line in self.lines]
        if self.head:
            out["head"] = [w.to_dict() for w in self.head]
            out["rows"] = [[w.to_dict() if w else None for w in row] for row in self.rows]
        if self.paragraphs:
            out["paragraphs"] = [w.to_dict() if w else None for w in self.paragraphs]
        return out


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One paper of the dossier.

    Parameters
    ----------
    id
        ``1-1`` … or a name.
    title
        Its official name.
    sections
        In order.
    signed
        Whether a person signs at the end.
    wide
        Whether it is printed across.
    """

    id: str
    title: Words
    sections: tuple[Section, ...]
    signed: bool = True
    wide: bool = False

    @property
    def file(self) -> str:
        """Name of its page in the dossier."""
        return f"forms/{self.id}.html"

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "id": self.id,
            "title": self.title.to_dict(),
            "signed": self.signed,
            "sections": [s.to_dict() for s in self.sections],
        }


def same(text: object, limit: int = 120) -> Words | None:
    """Return one text for both languages, or ``None`` when it is empty."""
    shown = printable(text, limit) if text is not None else ""
    return Words(en=shown, ko=shown) if shown else None


def boxes(options: Sequence[tuple[str, Words]], chosen: str) -> Words:
    """Return a row of tick boxes."""
    en = "   ".join(f"{'■' if key == chosen else '□'} {w.en}" for key, w in options)
    ko = "   ".join(f"{'■' if key == chosen else '□'} {w.ko}" for key, w in options)
    return Words(en=en, ko=ko)


def listed(names: Sequence[str], *, none: Words | None = None) -> Words | None:
    """Return names as one text, or `none` when there are none."""
    if not names:
        return none
    shown = ", ".join(printable(n, 40) for n in names[:60])
    more = len(names) - 60
    tail = (f" and {more} more", f" 외 {more}개") if more > 0 else ("", "")
    return Words(en=shown + tail[0], ko=shown + tail[1])


def from_dict(value: Any) -> Words | None:
    """Return ``{"en", "ko"}`` as harmless words."""
    if isinstance(value, Mapping) and value.get("en") and value.get("ko"):
        return Words(en=printable(value["en"], 400), ko=printable(value["ko"], 400))
    return same(value)
