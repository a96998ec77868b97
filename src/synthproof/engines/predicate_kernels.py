"""The inner loops of `predicates`, compiled by numba when this module is first imported."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from synthproof.engines.compiled import compiled

Ints = npt.NDArray[np.int32]
Longs = npt.NDArray[np.int64]


@compiled()
def sort_columns(ranks: Ints, offsets: Longs, starts: Longs, order: Ints) -> None:
    """Fill `starts` and `order` by counting sort; rows of equal rank stay in row order."""
    columns, n = ranks.shape
    for j in range(columns):
        first = offsets[j]
        count = offsets[j + 1] - first
        for i in range(n):
            starts[first + ranks[j, i] + 1] += 1
        for r in range(1, count):
            starts[first + r] += starts[first + r - 1]
        place = starts[first : first + count].copy()
        for i in range(n):
            r = ranks[j, i]
            order[j, place[r]] = i
            place[r] += 1


@compiled()
def single_out(
    ranks: Ints,
    units: Ints,
    order: Ints,
    starts: Longs,
    offsets: Longs,
    columns: Ints,
    low: Ints,
    high: Ints,
    found: Ints,
) -> None:
    """Fill `found` with the only unit that matches each conjunction, -1 for none, -2 for several."""
    for q in range(columns.shape[0]):
        best, a, b = -1, 0, 0
        for c in range(columns.shape[1]):
            j = columns[q, c]
            if j < 0:
                continue
            first = offsets[j]
            x, y = starts[first + low[q, c]], starts[first + high[q, c] + 1]
            if best < 0 or y - x < b - a:
                best, a, b = c, x, y
        unit = -1
        for at in range(a, b):
            row = order[columns[q, best], at]
            if unit >= 0 and units[row] == unit:
                continue
            matches = True
            for c in range(columns.shape[1]):
                j = columns[q, c]
                if j < 0 or c == best:
                    continue
                r = ranks[j, row]
                if r < low[q, c] or r > high[q, c]:
                    matches = False
                    break
            if matches:
                if unit >= 0:
                    unit = -2
                    break
                unit = units[row]
        found[q] = unit
