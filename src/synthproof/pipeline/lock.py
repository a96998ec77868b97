"""One run at a time in a folder: a lock that the system releases even when the process is killed."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from synthproof.core.errors import WorkspaceError

LOCK = ".synthproof-lock"


@contextmanager
def only_one(root: Path) -> Iterator[None]:
    """Hold the folder for one run; another process that wants it is refused at once.

    Raises
    ------
    WorkspaceError
        ``workspace/in-use`` when another process holds the folder, ``workspace/unwritable`` when it cannot be made.
    """
    path = root / LOCK
    try:
        root.mkdir(parents=True, exist_ok=True)
        handle = _opened(path)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise WorkspaceError("workspace/unwritable", where=str(root), reason=reason) from error
    if handle is None:
        raise WorkspaceError("workspace/in-use", where=str(root))
    try:
        yield
    finally:
        # Removed while it is still held: whoever opened it meanwhile sees that its file is gone, and refuses.
        if sys.platform != "win32":
            path.unlink(missing_ok=True)
        os.close(handle)
        if sys.platform == "win32":
            path.unlink(missing_ok=True)


def _opened(path: Path) -> int | None:
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    if _locked(handle) and path.exists() and os.fstat(handle).st_ino == path.stat().st_ino:
        return handle
    os.close(handle)
    return None


def _locked(handle: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
