"""Pictures kept in the vault: one store of squares, and views of it by position; of scenes their boxes and masks too.

Digests prove wholeness.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthproof.core.files import whole_folder
from synthproof.data.image.chain import Chain
from synthproof.data.image.dataset import ImageSet
from synthproof.data.image.scenes import CORNERS, Scenes
from synthproof.data.image.store import FILE, new_store, open_store
from synthproof.pipeline.tables import load_table, save_table

IntArray = npt.NDArray[np.intp]
_VIEW, _BOXES, _MASKS = "images.npz", "boxes.npz", "masks.npy"


def save_images(folder: Path, images: ImageSet, *, store: Path | None = None) -> Path:
    """Write a data set of pictures as a folder, whole or not at all.

    Parameters
    ----------
    store
        Folder of the store that the pictures (and masks) lie in already; only positions are written then. Absent: the
        pictures are written as well.
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
    record: dict[str, Any] = {"chain": images.chain.to_dict(), "store": store}
    if isinstance(images, Scenes):
        record["parts"] = list(images.part_classes)
        np.savez(part / _BOXES, allow_pickle=False, **_columns(images.boxes))
        if images.masks is not None and not store:
            np.save(part / _MASKS, images.masks if at is images.at else images.masks[images.at])
    (part / "images.json").write_text(json.dumps(record, indent=1), encoding="utf-8")


def _columns(boxes: pd.DataFrame) -> dict[str, npt.NDArray[Any]]:
    """Return a table of boxes as arrays of numbers: image, class, corners, and the seed of drawn parts."""
    out: dict[str, npt.NDArray[Any]] = {
        "image": boxes["image"].to_numpy(dtype=np.int64),
        "class": boxes["class"].cat.codes.to_numpy(dtype=np.int64),
        "corners": boxes[list(CORNERS)].to_numpy(dtype=np.float64),
    }
    return out | ({"seed": boxes["seed"].to_numpy(dtype=np.int64)} if "seed" in boxes else {})


def load_images(folder: Path) -> ImageSet:
    """Read what `save_images` wrote; pixels are mapped, not read."""
    record = json.loads((folder / "images.json").read_text(encoding="utf-8"))
    place = folder.parent / record["store"] if record["store"] else folder
    with np.load(folder / _VIEW, allow_pickle=False) as stored:
        at = stored["at"].astype(np.intp)
    listed = folder / "marks.csv"
    marks = pd.read_csv(listed) if listed.is_file() else None
    labels, store, chain = load_table(folder / "labels"), open_store(place), Chain.from_dict(record["chain"])
    if "parts" not in record:
        return ImageSet(labels, store, chain, at=at, marks=marks)
    with np.load(folder / _BOXES, allow_pickle=False) as stored:
        columns = {name: stored[name] for name in stored.files}
    boxes = pd.DataFrame(
        {
            "image": columns["image"].astype(np.intp),
            "class": pd.Categorical.from_codes(columns["class"], categories=record["parts"]),
            **{c: columns["corners"][:, j] for j, c in enumerate(CORNERS)},
            **({"seed": columns["seed"]} if "seed" in columns else {}),
        }
    )
    masked = place / _MASKS
    masks = np.load(masked, mmap_mode="r", allow_pickle=False) if masked.is_file() else None
    return Scenes(labels, store, chain, boxes=boxes, masks=masks, at=at, marks=marks)


__all__ = ["load_images", "read_into", "save_images"]
