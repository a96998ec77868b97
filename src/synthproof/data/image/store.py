"""Squares on disk: one array file that grows a block at a time and is mapped, so that no folder is ever held whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from synthproof.data.image.chain import Chain, Pixels
from synthproof.engines.scratch import mapped, scratch

FILE = "pixels.npy"


def new_store(n: int, chain: Chain, folder: Path | None = None) -> Pixels:
    """Return an array of shape (n, side, side, channels) to be filled.

    Parameters
    ----------
    folder
        Where it lies, as ``pixels.npy``. Absent: in memory up to 32 MiB (`engines.scratch`), else in a private
        temporary folder that goes when the array does.

    Raises
    ------
    WorkspaceError
        ``workspace/unwritable`` when the disk has no room.
    """
    if folder is None:
        return scratch((n, *chain.shape), chain.dtype, prefix="synthproof-images-")
    folder.mkdir(parents=True, exist_ok=True)
    return mapped(folder / FILE, (n, *chain.shape), chain.dtype)


def open_store(folder: Path) -> Pixels:
    """Return what `new_store` wrote, mapped for reading."""
    stored: Pixels = np.load(folder / FILE, mmap_mode="r", allow_pickle=False)
    return stored


__all__ = ["FILE", "new_store", "open_store"]
