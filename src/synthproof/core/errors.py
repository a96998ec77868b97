"""The one tree of errors.

::

    SynthproofError
    ├── UsageError            exit 2   what was asked for cannot be asked (also ValueError)
    │   └── ConfigError                a project file or parameter is wrong
    ├── DataError             exit 1   the data cannot be used as they are (also ValueError)
    │   ├── ReadError                  a source cannot be read
    │   └── SchemaError                data and schema disagree
    ├── ConditionError        exit 1   a condition cannot be drawn (also ValueError)
    ├── NotFittedError        exit 1   asked of an object that has learned nothing (also RuntimeError)
    ├── NotFoundError         exit 2   no such name in a registry (also LookupError)
    ├── MissingExtraError     exit 1   an optional library is absent (also ImportError)
    ├── StateError            exit 1   a saved model or dossier cannot be opened (also ValueError)
    ├── WorkspaceError        exit 1   the disk does not do what is needed (also OSError)
    ├── ExecutorError         exit 1   workers or a cluster do not do what is needed (also RuntimeError)
    ├── StatementError        exit 1   a person must say something first (also PermissionError)
    └── Cancelled             exit 1   the user stopped the run

Every error has four parts: what happened, where, what was found, and the remedy. The texts live in
``core/messages/*.toml`` in English and Korean under a stable code, so that ``synthproof explain CODE`` can print
them; the exception carries the code and plain facts (names, counts, positions; never a value from the data).
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from synthproof.core.words import Lang, Words

_MESSAGES = Path(__file__).parent / "messages"
_LABELS = {
    "en": {"where": "where", "found": "found", "remedy": "remedy"},
    "ko": {"where": "위치", "found": "확인된 것", "remedy": "조치"},
}
_ABSENT = Words(en="no such file or folder", ko="파일이나 폴더가 없음")
_NO_FOLDER = Words(en="a file, not a folder", ko="폴더가 아니라 파일임")
_A_FOLDER = Words(en="a folder, not a file", ko="파일이 아니라 폴더임")
_FORBIDDEN = Words(en="no permission", ko="권한 없음")
# What the system or Python calls the commonest first steps gone wrong, in the words of somebody who knows neither.
_REASONS = {
    "FileNotFoundError": _ABSENT,
    "No such file or directory": _ABSENT,
    "NotADirectoryError": _NO_FOLDER,
    "Not a directory": _NO_FOLDER,
    "IsADirectoryError": _A_FOLDER,
    "Is a directory": _A_FOLDER,
    "PermissionError": _FORBIDDEN,
    "Permission denied": _FORBIDDEN,
    "No space left on device": Words(en="the disk is full", ko="디스크 공간 부족"),
    "BadZipFile": Words(en="not a zip file", ko="zip 파일이 아님"),
    "JSONDecodeError": Words(en="not JSON", ko="JSON이 아님"),
    "UnicodeDecodeError": Words(en="not UTF-8 text", ko="UTF-8 텍스트가 아님"),
}


@cache
def messages() -> Mapping[str, Mapping[str, Any]]:
    """Return every message by its code, read from ``core/messages/*.toml``."""
    found: dict[str, Mapping[str, Any]] = {}
    for path in sorted(_MESSAGES.glob("*.toml")):
        for code, entry in tomllib.loads(path.read_text(encoding="utf-8")).items():
            if code in found:
                raise RuntimeError(f"message {code!r} is written twice (second in {path.name})")
            found[code] = entry
    return found


class _Facts(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return "?"


class SynthproofError(Exception):
    """Base of every error that synthproof raises on purpose.

    Parameters
    ----------
    code
        Stable code such as ``"read/empty-file"``; its texts stand in ``core/messages``.
    where
        File, field or position the error speaks of.
    **facts
        Names and counts that fill the places of the message, `Words` in the language asked for. Never a value out
        of the data.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, code: str, /, *, where: str = "", **facts: object) -> None:
        if code not in messages():
            raise RuntimeError(f"error code {code!r} has no message in core/messages")
        self.code = code
        self.where = where
        self.facts = facts
        super().__init__(self.text("en"))

    def part(self, name: str, lang: Lang = "en") -> str:
        """Return one part (``what``, ``found``, ``remedy``) in one language, or an empty string."""
        entry = messages()[self.code].get(name, {})
        known = {k: _REASONS.get(v, v) if isinstance(v, str) else v for k, v in self.facts.items()}
        said = {k: v.say(lang) if isinstance(v, Words) else v for k, v in known.items()}
        return str(entry.get(lang, "")).format_map(_Facts(said))

    def text(self, lang: Lang = "en") -> str:
        """Return the whole message in one language."""
        label = _LABELS[lang]
        lines = [f"{self.code}: {self.part('what', lang)}"]
        if self.where:
            lines.append(f"  {label['where']}: {self.where}")
        for name in ("found", "remedy"):
            if part := self.part(name, lang):
                lines.append(f"  {label[name]}: {part}")
        return "\n".join(lines)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.code, self.where, self.facts)


def _rebuild(cls: type[SynthproofError], code: str, where: str, facts: dict[str, object]) -> SynthproofError:
    return cls(code, where=where, **facts)


class UsageError(SynthproofError, ValueError):
    """What was asked for cannot be asked."""

    exit_code = 2


class ConfigError(UsageError):
    """A project file, option or parameter is wrong."""


class DataError(SynthproofError, ValueError):
    """The data cannot be used as they are."""


class ReadError(DataError):
    """A source cannot be read."""


class SchemaError(DataError):
    """Data and schema disagree."""


class ConditionError(SynthproofError, ValueError):
    """A condition cannot be drawn."""


class NotFittedError(SynthproofError, RuntimeError):
    """Asked of an object that has learned nothing yet."""


class NotFoundError(SynthproofError, LookupError):
    """No such name in a registry."""

    exit_code = 2


class MissingExtraError(SynthproofError, ImportError):
    """An optional library is absent."""


class StateError(SynthproofError, ValueError):
    """A saved model or dossier cannot be opened."""


class WorkspaceError(SynthproofError, OSError):
    """The disk or folder does not do what is needed."""


class ExecutorError(SynthproofError, RuntimeError):
    """Workers or a cluster do not do what is needed."""


class StatementError(SynthproofError, PermissionError):
    """A person must state something before the work may go on."""


class Cancelled(SynthproofError):
    """The user stopped the run."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the known name closest in spelling to `name`, or an empty string."""
    close = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.4)
    return close[0] if close else ""


def did_you_mean(name: str, known: Iterable[str]) -> Words | str:
    """Return a hint at the known name closest to `name`, for the ``{hint}`` place of a message; empty when none is."""
    close = nearest(name, known)
    if not close:
        return ""
    return Words(en=f"Did you mean {close}? ", ko=f"혹시 {close}입니까? ")
