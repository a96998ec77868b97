"""Several sets of pictures as one: what somebody holds who kept every release."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from synthproof.data.image.chain import Pixels
from synthproof.data.image.dataset import ImageSet
from synthproof.data.image.scenes import COLUMNS, Scenes
from synthproof.data.image.store import new_store
from synthproof.data.table.union import union


def stacked(parts: Sequence[ImageSet]) -> Pixels:
    """Return the pixels of all parts, one behind the other, in a store of the first one's chain."""
    store, start = new_store(sum(p.n_rows for p in parts), parts[0].chain), 0
    for part in parts:
        for rows in part.batches():
            store[start + rows.start : start + rows.stop] = part.pixels(rows)
        start += part.n_rows
    return store


def union_pictures(parts: Sequence[ImageSet]) -> ImageSet:
    """Return the pictures of all parts, the first part's first, under the first part's labels.

    Boxes stay where every part has them; masks do not. Pixels are written a batch at a time, many of them to disk.

    Raises
    ------
    SchemaError
        ``schema/fields-differ`` when the parts have not the same labels.
    ValueError
        When the parts have not one size and depth: reading them for a comparison sees to that.
    """
    first = parts[0]
    if len(parts) == 1:
        return first
    if len({(p.chain.shape, p.chain.bits) for p in parts}) > 1:
        raise ValueError("pictures of one size and depth can be put together")
    store = stacked(parts)
    labels = union([p.labels for p in parts])
    scenes = [p for p in parts if isinstance(p, Scenes)]
    if len(scenes) < len(parts):
        return ImageSet(labels, store, first.chain)
    names = list(dict.fromkeys(n for p in scenes for n in p.part_classes))
    boxes = pd.concat(
        [
            p.boxes[list(COLUMNS)].assign(
                **{"image": p.boxes["image"] + at, "class": p.boxes["class"].cat.set_categories(names)}
            )
            for p, at in zip(scenes, np.cumsum([0, *(p.n_rows for p in scenes)]).tolist(), strict=False)
        ],
        ignore_index=True,
    )
    return Scenes(labels, store, first.chain, boxes=boxes)


__all__ = ["stacked", "union_pictures"]
