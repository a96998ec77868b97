"""How likely a value is in a leaf of pieces: a probability for points, per lattice step on intervals."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from synthproof.synthesizers.table.columns.grid import Grid
from synthproof.synthesizers.table.columns.pieces import Pieces

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]


def chance(pieces: Pieces, leaf: IntArray, values: FloatArray, grid: Grid | None) -> FloatArray:
    """Return the probability of each value (NaN: missing) in its leaf, 0 where no piece holds it.

    Parameters
    ----------
    leaf
        Shape (n,).
    grid
        Lattice of a numeric column, ``None`` for levels; without steps a thousandth of the range stands for one.

    Notes
    -----
    Cost O(n log of the largest leaf).
    """
    begin, end = pieces.start[leaf], pieces.start[leaf + 1]
    last = np.maximum(end - 1, begin)
    missing = (end > begin) & np.isnan(pieces.low[np.minimum(last, len(pieces.low) - 1)])
    weight = np.diff(pieces.cum)
    total = pieces.cum[end] - pieces.cum[begin]
    there = end - missing
    at = _first_reaching(pieces.high, begin, there, values)
    found = np.zeros(len(values))
    for spot in (at, at + 1):  # a point may lie on the rim of an interval
        k = np.minimum(spot, len(weight) - 1)
        inside = (spot < there) & (pieces.low[k] <= values) & (values <= pieces.high[k])
        span = pieces.high[k] - pieces.low[k]
        wide = inside & (span > 0)
        share = np.where(wide, np.minimum(1.0, _step(grid) / np.where(wide, span, 1.0)), 1.0)
        found = np.where(inside, np.maximum(found, weight[k] * share), found)
    gone = np.where(missing, weight[np.minimum(last, len(weight) - 1)], 0.0)
    return np.where(np.isnan(values), gone, found) / np.where(total > 0, total, 1.0)


def _first_reaching(high: FloatArray, begin: IntArray, end: IntArray, values: FloatArray) -> IntArray:
    """Return, for each row, the first piece between begin and end whose upper end reaches the value; else the end."""
    low, top = begin.copy(), end.copy()
    while True:
        open_ = low < top
        if not open_.any():
            return low
        middle = (low + top) // 2
        reaches = high[np.minimum(middle, len(high) - 1)] >= values
        top = np.where(open_ & reaches, middle, top)
        low = np.where(open_ & ~reaches, middle + 1, low)


def _step(grid: Grid | None) -> float:
    if grid is None or grid.step > 0:
        return 1.0 if grid is None else grid.step
    return (grid.high - grid.low) / 1000 or 1.0


__all__ = ["chance"]
