"""Journals in files: lines are added under a lock and forced to the disk; the anchor stands beside the file."""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from synthproof.core.errors import StateError, WorkspaceError
from synthproof.core.files import write_text
from synthproof.core.fingerprint import canonical_json
from synthproof.dossier.journal import Anchor, Line, check, next_line, start

SUFFIX = ".anchor.json"


def append(
    path: Path, *, chain: str, person: str, act: str, subject: str = "", fields: Mapping[str, Any] | None = None
) -> Line:
    """Add one line to a journal file and return it once it is on the disk; two writers wait for each other.

    A last line that a crash left unfinished was never acknowledged, and is cut away first.

    Raises
    ------
    StateError
        ``journal/broken`` when the journal is not whole: nothing is added to it. Cost O(its length).
        ``journal/unwritable`` when the disk is full or the place is not ours to write.
    """
    try:
        return _append(path, chain=chain, person=person, act=act, subject=subject, fields=fields)
    except OSError as error:
        told = (
            getattr(error.__cause__, "strerror", None) or error.strerror
        )  # the anchor's file tells its own by a cause
        raise StateError("journal/unwritable", where=str(path), reason=told or type(error).__name__) from error


def _append(path: Path, *, chain: str, person: str, act: str, subject: str, fields: Mapping[str, Any] | None) -> Line:
    path.parent.mkdir(parents=True, exist_ok=True)
    with _locked(path) as handle:
        raw = path.read_bytes()
        whole = raw[: raw.rfind(b"\n") + 1]
        texts = whole.decode("utf-8", errors="replace").split("\n")[:-1]
        lines = check(texts, anchor=_kept_anchor(path), chain=chain, where=str(path))
        if len(whole) != len(raw):
            os.ftruncate(handle, len(whole))
        end = lines[-1].anchor if lines else start(chain)
        line = next_line(end, person=person, act=act, subject=subject, fields=fields)
        data = (line.text() + "\n").encode()
        os.lseek(handle, 0, os.SEEK_END)
        try:
            if os.write(handle, data) != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(handle)
            _keep_anchor(path, line.anchor)
        except (OSError, WorkspaceError):
            # who is told that an act was not done must find no line of it
            os.ftruncate(handle, len(whole))
            raise
    return line


def read(path: Path, *, anchor: Anchor | None = None) -> tuple[Line, ...]:
    """Return the lines of a journal file after verifying it, also against the anchor beside it.

    Raises
    ------
    StateError
        ``journal/broken`` or ``journal/unreadable``.
    """
    texts = read_texts(path)
    beside = _kept_anchor(path)
    lines = check(texts, anchor=beside, where=str(path))
    if anchor is not None:
        check(texts, anchor=anchor, where=str(path))
    return lines


def read_texts(path: Path) -> list[str]:
    """Return the lines of a journal file as they stand; nothing is verified.

    Raises
    ------
    StateError
        ``journal/unreadable``.
    """
    try:
        text = path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StateError("journal/unreadable", where=str(path), reason=type(error).__name__) from error
    # Only the line break ends a line: splitlines() would also break at U+2028, which stands unescaped inside JSON.
    parts = text.split("\n")
    return parts[:-1] if parts[-1] == "" else parts


def write(path: Path, lines: Sequence[Line]) -> Anchor:
    """Write a whole journal (an export, an extract) with its anchor beside it; return the anchor.

    Raises
    ------
    ValueError
        For no lines: a journal without any has no name.
    """
    if not lines:
        raise ValueError("a journal has at least one line")
    write_text(path, "".join(line.text() + "\n" for line in lines))
    _keep_anchor(path, lines[-1].anchor)
    return lines[-1].anchor


def _kept_anchor(path: Path) -> Anchor | None:
    beside = path.with_name(path.name + SUFFIX)
    if not beside.exists():
        return None
    try:
        return Anchor.from_dict(json.loads(beside.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StateError("journal/unreadable", where=str(beside), reason=type(error).__name__) from error


def _keep_anchor(path: Path, anchor: Anchor) -> None:
    write_text(path.with_name(path.name + SUFFIX), canonical_json(anchor.to_dict()) + "\n")


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if sys.platform == "win32":  # pragma: no cover
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_LOCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX)
        yield handle
    finally:
        os.close(handle)
