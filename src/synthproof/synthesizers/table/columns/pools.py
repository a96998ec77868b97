"""Pools of weighted partial rows: how rows that must meet a condition are chosen without drawing until one fits."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_BEHIND = 4.0
_EVEN = 1 - 1e-9
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
    """Return how many blocks of partial rows make one block of drawn rows.

    Four effective rows stand behind each drawn one where that can be had, so that few drawn rows share what was drawn
    before the last condition; rows of equal weight are all taken once and need no more than themselves.
    """
    if effective > _EVEN:
        return 1
    wanted = 1
    while wanted < WIDEST and wanted * effective < _BEHIND:
        wanted *= 2
    return wanted
