"""Squares on disk: one array file that grows a block at a time and is mapped, so that no folder is ever held whole."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from pathlib import Path
from typing import Any

import numpy as np

from synthproof.data.image.chain import Chain, Pixels

FILE = "pixels.npy"
IN_MEMORY = 1 << 28
"""Bytes up to which pictures without a folder of their own stay in memory: 256 MiB."""


def new_store(n: int, chain: Chain, folder: Path | None = None) -> Pixels:
    """Return an array of shape (n, side, side, channels) to be filled.

    Parameters
    ----------
    folder
        Where it lies, as ``pixels.npy``. Absent: in memory when small, else in a private temporary folder that goes
        when the array does.
    """
    size = n * int(np.prod(chain.shape)) * chain.dtype.itemsize
    if folder is None and size <= IN_MEMORY:
        return np.zeros((n, *chain.shape), dtype=chain.dtype)
    place = folder if folder is not None else Path(tempfile.mkdtemp(prefix="synthproof-images-"))
    place.mkdir(parents=True, exist_ok=True)
    made: Any = np.lib.format.open_memmap(place / FILE, mode="w+", dtype=chain.dtype, shape=(n, *chain.shape))
    if folder is None:
        weakref.finalize(made, shutil.rmtree, str(place), ignore_errors=True)
    return made  # type: ignore[no-any-return]


def open_store(folder: Path) -> Pixels:
    """Return what `new_store` wrote, mapped for reading."""
    stored: Pixels = np.load(folder / FILE, mmap_mode="r", allow_pickle=False)
    return stored


__all__ = ["FILE", "IN_MEMORY", "new_store", "open_store"]
