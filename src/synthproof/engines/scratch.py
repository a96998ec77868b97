"""Large arrays on disk: what would not fit in memory lies in a private temporary file that goes when the array does."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from synthproof.core.errors import WorkspaceError

IN_MEMORY = 1 << 25
"""Bytes up to which an array without a folder of its own stays in memory: 32 MiB."""


def scratch(shape: tuple[int, ...], dtype: npt.DTypeLike, *, prefix: str = "synthproof-") -> npt.NDArray[Any]:
    """Return an array of zeros to be filled: in memory when small, else mapped from a file of its own.

    Parameters
    ----------
    shape, dtype
        Of the array.
    prefix
        How the temporary folder's name begins. It lies where ``TMPDIR`` says, readable by this user alone. Where that is
        a file system in memory (tmpfs), nothing is spared: then set ``TMPDIR`` to a disk.

    Raises
    ------
    WorkspaceError
        ``workspace/unwritable`` when the disk has no room.
    """
    kind = np.dtype(dtype)
    if int(np.prod(shape, dtype=np.int64)) * kind.itemsize <= IN_MEMORY:
        return np.zeros(shape, dtype=kind)
    place = Path(tempfile.mkdtemp(prefix=prefix))
    with ExitStack() as unless_made:
        unless_made.callback(shutil.rmtree, place, ignore_errors=True)
        made = mapped(place / "array.npy", shape, kind)
        unless_made.pop_all()
    weakref.finalize(made, shutil.rmtree, str(place), ignore_errors=True)
    return made


def mapped(path: Path, shape: tuple[int, ...], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Return an array of zeros mapped from a new ``.npy`` file, whose room on the disk is taken at once.

    Raises
    ------
    WorkspaceError
        ``workspace/unwritable`` when the disk has no room: found out later, while a page is written, it would end the
        process without a word (SIGBUS).
    """
    try:
        made: Any = np.lib.format.open_memmap(path, mode="w+", dtype=np.dtype(dtype), shape=shape)
        if hasattr(os, "posix_fallocate"):
            with path.open("r+b") as handle:
                os.posix_fallocate(handle.fileno(), 0, path.stat().st_size)
    except OSError as error:
        raise WorkspaceError("workspace/unwritable", where=path.name, reason=error.strerror or "OSError") from error
    return made  # type: ignore[no-any-return]


__all__ = ["IN_MEMORY", "mapped", "scratch"]
