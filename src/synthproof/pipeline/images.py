"""Pictures kept in the vault: one store of squares, and views of it by position. Digests prove wholeness."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthproof.core.files import whole_folder
from synthproof.data.image.chain import Chain
from synthproof.data.image.dataset import ImageSet
from synthproof.data.image.store import FILE, new_store, open_store
from synthproof.pipeline.tables import load_table, save_table

IntArray = npt.NDArray[np.intp]
_VIEW = "images.npz"


def save_images(folder: Path, images: ImageSet, *, store: Path | None = None) -> Path:
    """Write a data set of pictures as a folder, whole or not at all.

    Parameters
    ----------
    store
        Folder of the store that the pictures lie in already; only positions are written then. Absent: the pictures are
        written as well.
    """
    with whole_folder(folder) as part:
        at = images.at if store is not None else _pictures_into(part, images)
        _describe(part, images, at, "" if store is None else store.name)
    return folder


def read_into(folder: Path, read: Callable[[Path], ImageSet]) -> ImageSet:
    """Have pictures read straight into the folder that will hold them, whole or not at all, and return them from there.

    Parameters
    ----------
    read
        Given the folder in the making, returns pictures, whose store it has written there unless they had one already.
    """
    with whole_folder(folder) as part:
        images = read(part)
        at = images.at if (part / FILE).is_file() else _pictures_into(part, images)
        _describe(part, images, at, "")
    return load_images(folder)


def _pictures_into(part: Path, images: ImageSet) -> IntArray:
    """Write pictures in the order of their rows, a batch at a time; return where each row's picture lies."""
    made = new_store(images.n_rows, images.chain, part)
    for rows in images.batches():
        made[rows] = images.pixels(rows)
    made.flush()  # type: ignore[attr-defined]
    return np.arange(images.n_rows, dtype=np.intp)


def _describe(part: Path, images: ImageSet, at: IntArray, store: str) -> None:
    """Write all that is known of pictures but their pixels."""
    save_table(part / "labels", images.labels)
    np.savez(part / _VIEW, at=at)
    if images.marks is not None:
        images.marks.to_csv(part / "marks.csv", index=False)
    record = {"chain": images.chain.to_dict(), "store": store}
    (part / "images.json").write_text(json.dumps(record, indent=1), encoding="utf-8")


def load_images(folder: Path) -> ImageSet:
    """Read what `save_images` wrote; pixels are mapped, not read."""
    record = json.loads((folder / "images.json").read_text(encoding="utf-8"))
    place = folder.parent / record["store"] if record["store"] else folder
    with np.load(folder / _VIEW, allow_pickle=False) as stored:
        at = stored["at"].astype(np.intp)
    marks = folder / "marks.csv"
    return ImageSet(
        load_table(folder / "labels"),
        open_store(place),
        Chain.from_dict(record["chain"]),
        at=at,
        marks=pd.read_csv(marks) if marks.is_file() else None,
    )


__all__ = ["load_images", "read_into", "save_images"]
