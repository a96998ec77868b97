"""Parts of scenes as pictures: what lies in each box, stretched to a square.

What learns parts and what judges them cut alike, so that a drawn part is compared with real ones as they were learned.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthproof.core.schema import Field, Schema
from synthproof.data.image.chain import Chain, Pixels
from synthproof.data.image.dataset import ImageSet
from synthproof.data.image.layouts import whole
from synthproof.data.image.scenes import CORNERS, Scenes, ellipse
from synthproof.data.image.store import new_store
from synthproof.data.table.dataset import Origin, Table

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
SIDES = (8, 12, 16, 24, 32, 48, 64, 96, 128)
MARGIN = 1.15
"""Side of what is cut, as a multiple of the box: a part needs some of its surroundings to be pasted softly."""
SOFT = 0.25
"""Width of the soft edge, as a share of the ellipse's radius."""


def part_side(data: Scenes) -> int:
    """Return the side of part pictures: the smallest of `SIDES` that three quarters of the boxes fit into."""
    corners = data.boxes[list(CORNERS)].to_numpy(dtype=np.float64)
    wide = (corners[:, 2:] - corners[:, :2]).max(axis=1, initial=0.0)
    need = float(np.percentile(wide, 75)) * MARGIN if len(wide) else SIDES[0]
    return next((s for s in SIDES if s >= need), SIDES[-1])


def widened(corners: FloatArray) -> FloatArray:
    """Return boxes grown about their middle by `MARGIN`, shape (k, 4)."""
    middle, half = (corners[:, :2] + corners[:, 2:]) / 2, (corners[:, 2:] - corners[:, :2]) / 2 * MARGIN
    return np.concatenate([middle - half, middle + half], axis=1)


def cut(data: Scenes, side: int, *, edges: bool = False) -> ImageSet:
    """Return parts as pictures of their class, stretched to a square; a scene's parts belong to the scene's unit.

    Parameters
    ----------
    side
        Of the squares, pixels.
    edges
        Whether parts stay that the edge of their picture cuts. They teach a wrong shape, so that they are left out of
        learning when their class has others; whoever looks for copies keeps them.
    """
    chain = replace(data.chain, side=side)
    codes, corners = data.boxes["class"].cat.codes.to_numpy(), data.boxes[list(CORNERS)].to_numpy(dtype=np.float64)
    good = np.zeros(len(codes), dtype=bool)
    for c in range(len(data.part_classes)):
        good[codes == c] = edges | whole(corners[codes == c], float(data.chain.side))
    boxes, corners = data.boxes[good], widened(corners[good])
    store = new_store(len(boxes), chain)
    last, picture = -1, np.zeros(0)
    for at, i in enumerate(boxes["image"].tolist()):
        if i != last:
            last, picture = i, data.pixels(np.array([i], dtype=np.intp))[0]
        store[at] = resized(picture, corners[at], side, side, chain)
    names = data.part_classes
    units = data.unit_of_row[boxes["image"].to_numpy()]
    fields = (
        Field(name="class", kind="categorical", levels=names, roles=frozenset({"target"})),
        Field(name="scene", kind="identifier", roles=frozenset({"unit"})),
    )
    frame = pd.DataFrame(
        {
            "class": pd.Categorical(boxes["class"].astype(str), categories=list(names)),
            "scene": pd.Series([f"P{u:06d}" for u in units.tolist()], dtype=pd.StringDtype(na_value=np.nan)),
        }
    )
    schema = Schema(fields=fields, unit="scene", modality="image")
    return ImageSet(Table(frame, schema, origin=Origin(container="arrays", name="parts")), store, chain)


def faded(parts: ImageSet) -> ImageSet:
    """Return parts whose surroundings fade into their own mean: a part that was pasted softly brings none of its own."""
    side = parts.chain.side
    edge = side * (1 - 1 / MARGIN) / 2
    weight = ellipse(np.array([edge, edge, side - edge, side - edge]), side, soft=SOFT)[None, :, :, None]
    store = new_store(parts.n_rows, parts.chain)
    for rows in parts.batches():
        given = parts.pixels(rows).astype(np.float64)
        mean = (given * weight).sum(axis=(1, 2), keepdims=True) / weight.sum()
        store[rows] = np.rint(mean + weight * (given - mean)).astype(parts.chain.dtype)
    return parts.with_pixels(store)


def resized(picture: npt.NDArray[Any], box: FloatArray, high: int, wide: int, chain: Chain) -> Pixels:
    """Return what lies in a box (which may reach over the edge) at another size, antialiased; shape (high, wide, c)."""
    from PIL import Image

    pad = int(np.ceil(max(0.0, -box.min(), float((box - picture.shape[0]).max()))))
    whole = np.pad(picture, ((pad, pad), (pad, pad), (0, 0)), mode="edge") if pad else picture
    planes = []
    for c in range(picture.shape[2]):
        plane = Image.fromarray(np.ascontiguousarray(whole[..., c], dtype=np.float32))
        moved = tuple(float(v) + pad for v in box)
        planes.append(np.asarray(plane.resize((wide, high), Image.Resampling.BICUBIC, box=moved)))
    out: Pixels = np.clip(np.rint(np.stack(planes, axis=-1)), 0, chain.top).astype(chain.dtype)
    return out


__all__ = ["MARGIN", "SIDES", "SOFT", "cut", "faded", "part_side", "resized", "widened"]
