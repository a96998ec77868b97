"""Nearest training and unseen pictures of synthetic and of unseen pictures, searched once for all metrics of a battery."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from synthproof.core.contracts import Case
from synthproof.core.run import Run
from synthproof.data.image.dataset import ImageSet
from synthproof.engines.vision.alignment import Near, Reference, nearest_aligned, reduced, reference
from synthproof.metrics.image.controls import planted
from synthproof.metrics.image.reading import Side, rows_of, side_of

FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.intp]

NEIGHBOURS = 12
MOST_PAIRS = 40_000_000
"""Pairs of pictures that are looked at; beyond it fewer synthetic and unseen pictures are asked about, never fewer
training pictures: a copy of one that was left out would pass unseen."""
FEWEST_ASKED = 1_000
_READ = 256


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found.

    Parameters
    ----------
    synthetic_rows, holdout_rows
        Pictures that were asked about.
    to_train, unseen_to_train
        Their nearest training pictures, by the fine and by the evened embedding.
    to_holdout, evened_to_holdout
        The synthetic ones' nearest unseen pictures, by the fine and by the evened embedding.
    controls
        Nearest training pictures of the copies that the search planted itself, by kind (`controls`).
    """

    synthetic_rows: IntArray
    holdout_rows: IntArray
    to_train: tuple[Near, Near]
    unseen_to_train: tuple[Near, Near]
    to_holdout: Near
    evened_to_holdout: Near
    controls: Mapping[str, tuple[Near, Near]] = field(default_factory=dict)


def search(case: Case[Any], seed: int, run: Run) -> Found:
    """Return the nearest pictures, from the case's cache after the first call."""
    found = case.cache.get("image.alike")
    if isinstance(found, Found):
        return found
    train, holdout, synthetic = (side_of(case, s) for s in ("train", "holdout", "synthetic"))
    most = max(FEWEST_ASKED, MOST_PAIRS // max(1, train.n_rows))
    most = max(synthetic.n_rows, holdout.n_rows) if case.full else most
    rows = {side: rows_of(side_of(case, side), most, seed, f"image.alike/{side}") for side in ("synthetic", "holdout")}
    asked = {side: Seen(side_of(case, side), rows[side]) for side in ("synthetic", "holdout")}
    learned = reference_of(train)
    to_train = _near(asked["synthetic"], learned, run, 1)
    unseen = _near(asked["holdout"], learned, run, 2)
    to_holdout = _near(asked["synthetic"], reference_of(holdout, like=learned), run, 3)
    controls = {kind: _near(shown, learned, run, 4) for kind, shown in planted(train, seed).items()}
    made = Found(rows["synthetic"], rows["holdout"], to_train, unseen, *to_holdout, controls)
    case.cache["image.alike"] = made
    return made


def _near(asked: Seen | Float32Array, among: Reference, run: Run, part: int) -> tuple[Near, Near]:
    def tick(done: int, total: int) -> None:
        run.tick(f"image.alike, part {part} of 4", done, total)

    return nearest_aligned(asked, among, NEIGHBOURS, tick=tick)


class Seen:
    """Pictures of a data set as the search sees them, read from the store when they are asked for.

    Parameters
    ----------
    images, rows
        The data set, and which of its pictures; all when absent.
    """

    def __init__(self, images: ImageSet, rows: IntArray | None = None) -> None:
        self.images = images
        self.rows = np.arange(images.n_rows, dtype=np.intp) if rows is None else rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, rows: IntArray | slice) -> Float32Array:
        """Return some of them, shape (k, c, s, s), 32 pixels a side at most; a batch is read at a time."""
        at = self.rows[rows]
        parts = [reduced(self.images.values(at[i : i + _READ])) for i in range(0, len(at), _READ)]
        return np.concatenate(parts) if parts else reduced(self.images.values(at))


def small(images: ImageSet, rows: IntArray | None = None) -> Float32Array:
    """Return pictures as the search sees them, all at once: 4 KiB each in grey. For a bounded number of them."""
    return Seen(images, rows)[:]


def reference_of(images: ImageSet, rows: IntArray | None = None, *, like: Reference | None = None) -> Reference:
    """Return pictures that others are compared with, never held; `like`: evened as another reference is, so that both
    see alike."""
    return reference(Seen(images, rows), like=like)


def sides_asked(found: Found) -> dict[Side, int]:
    """Return how many pictures of each side were asked about."""
    return {"synthetic": len(found.synthetic_rows), "holdout": len(found.holdout_rows)}


__all__ = [
    "FEWEST_ASKED",
    "MOST_PAIRS",
    "NEIGHBOURS",
    "Found",
    "Seen",
    "reference_of",
    "search",
    "sides_asked",
    "small",
]
