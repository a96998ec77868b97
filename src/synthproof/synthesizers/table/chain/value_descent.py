"""The walk down a column's tree of cells, where boosted trees give the chance of each turn; compiled.

The features of a turn are, in this order: the row's earlier columns (binned beforehand), the share of the column's rows
before the node's split, the share within the node, and for each reference how far to the right of the split it lies on
the column's own scale of ranks.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from synthproof.synthesizers.table.chain.value_boosting import BinArray, FloatArray, Int32Array, compiled

Forest = tuple[FloatArray, Int32Array, npt.NDArray[np.int16], BinArray, Int32Array, FloatArray, Int32Array]
Walk = tuple[FloatArray, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array]


@compiled
def _bin(v: float, edges: FloatArray, first: int, last: int) -> int:
    if v != v:  # noqa: PLR0124 – missing
        return 0
    lo, hi = first, last
    while lo < hi:
        mid = (lo + hi) // 2
        if edges[mid] < v:
            lo = mid + 1
        else:
            hi = mid
    return 1 + lo - first


@compiled
def _right(node: int, row: BinArray, places: FloatArray, walk: Walk, forest: Forest) -> float:
    """Return the chance of turning right at a node; the end of `row` is filled with the node's features."""
    total, split, _, _, begin, end = walk
    edges, start, feature, cut, child, value, roots = forest
    raw = len(start) - 3 - len(places)
    middle = total[split[node]]
    width = total[end[node]] - total[begin[node]]
    row[raw] = _bin(middle, edges, start[raw], start[raw + 1])
    row[raw + 1] = _bin(width, edges, start[raw + 1], start[raw + 2])
    for k in range(len(places)):
        j = raw + 2 + k
        row[j] = _bin(places[k] - middle, edges, start[j], start[j + 1])
    score = np.log((total[end[node]] - middle) / (middle - total[begin[node]]))
    for root in roots:
        k = root
        while feature[k] >= 0:
            k = child[k] if row[feature[k]] <= cut[k] else child[k] + 1
        score += value[k]
    return float(1.0 / (1.0 + np.exp(-score)))


@compiled
def descend(
    u: FloatArray, raw: BinArray, places: FloatArray, walk: Walk, forest: Forest, cell: Int32Array, rest: FloatArray
) -> None:
    """Fill `cell` (n,) with the cell that each row's uniform leads to, and `rest` with the uniform that is left over.

    Parameters
    ----------
    u
        Uniforms, shape (n,): small ones lead to the left.
    raw
        Bins of earlier columns, shape (n, p).
    places
        Ranks of the references, shape (n, k).
    """
    row = np.zeros(raw.shape[1] + 2 + places.shape[1], np.uint8)
    for i in range(len(u)):
        row[: raw.shape[1]] = raw[i]
        node, left = 0, u[i]
        while node >= 0:
            go = _right(node, row, places[i], walk, forest)
            if left >= 1.0 - go:
                left = (left - (1.0 - go)) / max(go, 1e-300)
                node = walk[3][node]
            else:
                left = left / max(1.0 - go, 1e-300)
                node = walk[2][node]
        cell[i] = -1 - node
        rest[i] = min(max(left, 0.0), 1.0)


@compiled
def reach(
    cell: Int32Array, raw: BinArray, places: FloatArray, walk: Walk, forest: Forest, below: FloatArray, mass: FloatArray
) -> None:
    """Fill `below` and `mass` (n,) with the chances of ending in a cell left of the row's given one, and in it."""
    row = np.zeros(raw.shape[1] + 2 + places.shape[1], np.uint8)
    for i in range(len(cell)):
        row[: raw.shape[1]] = raw[i]
        node, before, here = 0, 0.0, 1.0
        while node >= 0:
            go = _right(node, row, places[i], walk, forest)
            if cell[i] >= walk[1][node]:
                before += here * (1.0 - go)
                here *= go
                node = walk[3][node]
            else:
                here *= 1.0 - go
                node = walk[2][node]
        below[i] = before
        mass[i] = here
