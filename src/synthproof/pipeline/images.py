"""Pictures kept in the vault: one store of squares, and views of it by position. Digests prove wholeness."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from synthproof.core.files import whole_folder
from synthproof.data.image.chain import Chain
from synthproof.data.image.dataset import ImageSet
from synthproof.data.image.store import FILE, open_store
from synthproof.pipeline.tables import load_table, save_table

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
        save_table(part / "labels", images.labels)
        at = images.at
        if store is None:
            made: Any = np.lib.format.open_memmap(
                part / FILE, mode="w+", dtype=images.chain.dtype, shape=(images.n_rows, *images.chain.shape)
            )
            for rows in images.batches():
                made[rows] = images.pixels(rows)
            made.flush()
            at = np.arange(images.n_rows, dtype=np.intp)
        np.savez(part / _VIEW, at=at)
        if images.marks is not None:
            images.marks.to_csv(part / "marks.csv", index=False)
        where = "" if store is None else store.name
        record = {"chain": images.chain.to_dict(), "store": where}
        (part / "images.json").write_text(json.dumps(record, indent=1), encoding="utf-8")
    return folder


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


__all__ = ["load_images", "save_images"]
