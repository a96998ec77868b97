"""Pools of weighted partial rows: how rows that must meet a condition are chosen without drawing until one fits."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

WIDEST = 64
"""The largest pool, in blocks."""
LEAST_EFFECTIVE = 30.0
"""With fewer effective rows in the widest pool a condition is refused."""


def resample(weight: npt.NDArray[np.float64], size: int, dice: np.random.Generator) -> npt.NDArray[np.intp]:
    """Return `size` positions drawn by weight, shuffled, so that any head of them is as good as the whole.

    Systematic resampling (Kitagawa 1996, doi:10.2307/1390750): a row of weight w comes ``size * w / sum`` times, up
    to rounding.
    """
    total = float(weight.sum())
    goal = (np.arange(size) + dice.random()) * (total / size)
    kept = np.minimum(np.searchsorted(np.cumsum(weight), goal, side="right"), np.flatnonzero(weight)[-1])
    return np.asarray(kept[dice.permutation(size)], dtype=np.intp)


def effective_share(weight: npt.NDArray[np.float64]) -> float:
    """Return Kish's effective sample size of the weights as a share of their number."""
    square = float((weight**2).sum())
    return float(weight.sum()) ** 2 / square / len(weight) if square > 0 else 0.0


def pool_blocks(effective: float) -> int:
    """Return how many blocks of partial rows make one block of drawn rows: half a block is to be effective."""
    wanted = 1
    while wanted < WIDEST and wanted * effective < 0.5:
        wanted *= 2
    return wanted
