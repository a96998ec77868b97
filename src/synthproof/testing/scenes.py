"""Scenes of known law for tests: discs and rings on a shaded ground, with their boxes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthproof.core.random import stream
from synthproof.core.schema import Field, Schema
from synthproof.data.image.chain import Chain
from synthproof.data.image.scenes import CORNERS, Scenes
from synthproof.data.table.dataset import Origin, Table

PARTS = ("disc", "ring")
KINDS = ("few", "many")


def scenes(n: int, seed: int, *, side: int = 32, channels: int = 1, persons: int | None = None) -> Scenes:
    """Return n scenes with two to three discs (``few``) or four to six discs and rings (``many``).

    Parameters
    ----------
    persons
        How many persons they show; absent: no person column.
    """
    dice = stream(seed, "world/scenes")
    kinds = dice.integers(0, 2, n)
    y, x = np.mgrid[0:side, 0:side] + 0.5
    store = np.zeros((n, side, side, channels), dtype=np.uint8)
    rows = []
    for i in range(n):
        tilt = dice.normal(0, 0.08, 2)
        value = 0.75 + tilt[0] * (x / side - 0.5) + tilt[1] * (y / side - 0.5)
        for _ in range(int(dice.integers(4, 7) if kinds[i] else dice.integers(2, 4))):
            ring = bool(kinds[i]) and dice.random() < 0.4
            r = side * dice.uniform(0.08, 0.14)
            cx, cy = dice.uniform(r, side - r, 2)
            away = np.hypot(x - cx, y - cy)
            light = np.clip(r - away + 0.5, 0, 1) * (np.clip(away - 0.5 * r + 0.5, 0, 1) if ring else 1.0)
            value = value + light * (dice.uniform(0.15, 0.3) - value)
            rows.append((i, PARTS[int(ring)], cx - r, cy - r, cx + r, cy + r))
        noisy = np.clip(value + 0.02 * dice.standard_normal(value.shape), 0, 1)
        store[i] = np.rint(255 * noisy[..., None] * np.array([1.0, 0.85, 0.8])[:channels]).astype(np.uint8)
    boxes = pd.DataFrame(rows, columns=["image", "class", *CORNERS])
    boxes["class"] = pd.Categorical(boxes["class"], categories=list(PARTS))
    fields = [Field(name="class", kind="categorical", levels=KINDS, roles=frozenset({"target"}))]
    columns: dict[str, object] = {"class": pd.Categorical(np.array(KINDS)[kinds], categories=list(KINDS))}
    if persons:
        fields.append(Field(name="patient", kind="identifier", roles=frozenset({"unit"})))
        who = dice.integers(0, persons, n)
        columns["patient"] = pd.Series([f"P{w:06d}" for w in who], dtype=pd.StringDtype(na_value=np.nan))
    schema = Schema(fields=tuple(fields), unit="patient" if persons else "image", modality="image")
    origin = Origin(container="arrays", name="scenes", options={"format": "png", "layout": "scenes"})
    chain = Chain(side=side, channels=3 if channels == 3 else 1)
    return Scenes(Table(pd.DataFrame(columns), schema, origin=origin), store, chain, boxes=boxes)


def pasted(
    parts: Sequence[npt.NDArray[np.uint8]],
    kinds: Sequence[int],
    per_scene: int,
    seed: int,
    *,
    side: int = 64,
    cell: int = 16,
) -> Scenes:
    """Return scenes of given parts, so many a scene, over a tilted grey ground, none on another; parts keep their order.

    Parameters
    ----------
    parts, kinds
        Grey squares, and the class of each, by number: ``part 0`` …
    cell
        Side of the cells, no two parts in one, pixels.
    """
    dice = stream(seed, "world/pasted")
    n = -(-len(parts) // per_scene)
    y, x = np.mgrid[0:side, 0:side] / side
    store, rows = np.zeros((n, side, side, 1), dtype=np.uint8), []
    for i in range(n):
        tilt = dice.normal(0, 20, 2)
        ground = 60 + tilt[0] * (x - 0.5) + tilt[1] * (y - 0.5) + dice.normal(0, 2, x.shape)
        cells = dice.permutation((side // cell) ** 2)
        for k, j in enumerate(range(i * per_scene, min(len(parts), (i + 1) * per_scene))):
            wide = len(parts[j])
            left, top = (int(c) * cell + int(dice.integers(0, cell - wide + 1)) for c in divmod(cells[k], side // cell))
            ground[top : top + wide, left : left + wide] = parts[j]
            rows.append((i, f"part {kinds[j]}", left, top, left + wide, top + wide))
        store[i, ..., 0] = np.clip(np.rint(ground), 0, 255).astype(np.uint8)
    boxes = pd.DataFrame(rows, columns=["image", "class", *CORNERS])
    boxes["class"] = pd.Categorical(boxes["class"], categories=sorted(set(boxes["class"])))
    levels = ("all",)
    fields = (Field(name="class", kind="categorical", levels=levels, roles=frozenset({"target"})),)
    frame = pd.DataFrame({"class": pd.Categorical(["all"] * n, categories=list(levels))})
    schema = Schema(fields=fields, unit="image", modality="image")
    origin = Origin(container="arrays", name="scenes", options={"format": "png", "layout": "scenes"})
    return Scenes(Table(frame, schema, origin=origin), store, Chain(side=side), boxes=boxes)


__all__ = ["KINDS", "PARTS", "pasted", "scenes"]
