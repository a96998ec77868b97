"""Files that are either whole or absent: everything is written beside its place and moved there in one step."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from synthproof.core.errors import WorkspaceError
from synthproof.core.words import Words

A_FILE = Words(en="a file", ko="파일")
A_MODEL = Words(en="a model", ko="모델")
AN_OBJECT = Words(en="an object", ko="객체")


@contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """Yield a path to write to; on success it becomes `target`, on any failure it is gone.

    Raises
    ------
    WorkspaceError
        ``workspace/unwritable`` when the folder cannot be made or written (also a full disk).
    """
    refuse_url(target)
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield part
        _flush(part)
        os.replace(part, target)
    except WorkspaceError:
        raise
    except OSError as error:
        raise WorkspaceError("workspace/unwritable", where=str(target), reason=_reason(error)) from error
    finally:
        part.unlink(missing_ok=True) if part.exists() else None


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """Yield an empty folder to fill; on success it replaces `target`, on any failure it is gone.

    An existing `target` is replaced only when nothing foreign is lost with it: every entry of it must have its
    successor in the new folder. It is moved aside first and restored when the exchange fails.

    Raises
    ------
    WorkspaceError
        ``workspace/occupied`` when `target` is a file or holds something else, ``workspace/unwritable``.
    """
    refuse_url(target)
    if target.exists() and not target.is_dir():
        raise WorkspaceError("workspace/occupied", where=str(target), n=1)
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        part.mkdir(parents=True)
        yield part
        for path in sorted(part.rglob("*")):
            if path.is_file():
                _flush(path)
        refuse_foreign(target, [p.name for p in part.iterdir()])
        _exchange(part, target)
    except WorkspaceError:
        raise
    except OSError as error:
        raise WorkspaceError("workspace/unwritable", where=str(target), reason=_reason(error)) from error
    finally:
        if part.exists():
            shutil.rmtree(part, ignore_errors=True)


def refuse_foreign(target: Path, own: Iterable[str]) -> None:
    """Refuse a folder (or file) in which something stands that is not ours and would be lost.

    Parameters
    ----------
    own
        Names that may stand in it.

    Raises
    ------
    WorkspaceError
        ``workspace/occupied`` with the number of foreign entries.
    """
    if not target.exists():
        return
    foreign = [p for p in target.iterdir() if p.name not in set(own)] if target.is_dir() else [target]
    if foreign:
        raise WorkspaceError("workspace/occupied", where=str(target), n=len(foreign))


def refuse_url(target: Path) -> None:
    """Refuse a place that was given as a URL: a path of that name would be made here, and nobody would find it.

    Raises
    ------
    WorkspaceError
        ``workspace/local-only``.
    """
    scheme, colon, rest = str(target).partition(":")
    # one letter before the colon is a drive of Windows
    if colon and len(scheme) > 1 and scheme.isalnum() and rest.startswith("/"):
        raise WorkspaceError("workspace/local-only", where=f"{scheme}://{rest.lstrip('/').rpartition('@')[2]}")


def refuse_taken(target: Path, marker: str) -> None:
    """Refuse, before any work is done, an output folder that `whole_folder` would refuse at the end.

    Parameters
    ----------
    marker
        File that a folder of ours always has, e.g. ``seal.json``.
    """
    refuse_url(target)
    if target.is_dir() and not (target / marker).is_file():
        refuse_foreign(target, ())
    elif target.exists() and not target.is_dir():
        raise WorkspaceError("workspace/occupied", where=str(target), n=1)


def refuse_replacing(target: Path) -> None:
    """Refuse, before any work is done, a file or model that would be replaced without being asked.

    Raises
    ------
    WorkspaceError
        ``workspace/exists``.
    """
    if (target / "model.json").is_file():
        raise WorkspaceError("workspace/exists", where=str(target), thing=A_MODEL)
    if target.exists() and not target.is_dir():
        raise WorkspaceError("workspace/exists", where=str(target), thing=A_FILE)


def write_text(target: Path, text: str) -> Path:
    """Write UTF-8 text, whole or not at all."""
    with whole_file(target) as part:
        part.write_text(text, encoding="utf-8", newline="\n")
    return target


def write_bytes(target: Path, data: bytes) -> Path:
    """Write bytes, whole or not at all."""
    with whole_file(target) as part:
        part.write_bytes(data)
    return target


def _exchange(part: Path, target: Path) -> None:
    if not target.exists():
        os.replace(part, target)
        return
    old = target.with_name(f".{target.name}.{secrets.token_hex(4)}.old")
    os.replace(target, old)
    try:
        os.replace(part, target)
    except OSError:
        os.replace(old, target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _flush(path: Path) -> None:
    with path.open("rb") as handle:
        os.fsync(handle.fileno())


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__
