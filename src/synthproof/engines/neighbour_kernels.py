"""The inner loops of `neighbours`, compiled by numba when this module is first imported.

A query block meets the reference rows in tiles of columns that stay in the second-level cache; four columns are summed
per pass so that the running distances are read and written once for them; the compiler turns the loop over rows into
vector instructions because every column, number or level, is the same expression min(w |x - q|, 1). A tile whose best
distance does not beat the k-th best so far costs only the comparison. Without fused multiply-add in the flags: the same
selection on every machine.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from synthproof.engines.compiled import compiled

TILE = 1024
_STEP = 16
_FLAGS = {"nnan", "nsz"}


@compiled(fastmath=_FLAGS)
def _insert(best: npt.NDArray[np.float32], rows: npt.NDArray[np.int32], distance: np.float32, row: int, k: int) -> None:
    place = k - 1
    while place > 0 and (best[place - 1] > distance or (best[place - 1] == distance and rows[place - 1] > row)):
        best[place] = best[place - 1]
        rows[place] = rows[place - 1]
        place -= 1
    best[place] = distance
    rows[place] = row


@compiled(fastmath=_FLAGS)
def select(
    queries: npt.NDArray[np.float32],
    tiles: npt.NDArray[np.float32],
    weights: npt.NDArray[np.float32],
    n: int,
    best: npt.NDArray[np.float32],
    rows: npt.NDArray[np.int32],
) -> None:
    """Fill `best` and `rows` (n_queries, k) with the k nearest of n rows by float32 sums, ascending, lower row first.

    Parameters
    ----------
    queries
        Shape (n_queries, d).
    tiles
        Shape (n_tiles, d, TILE); places beyond row n are ignored.
    weights
        Shape (d,).
    """
    n_tiles, d, width = tiles.shape
    k = best.shape[1]
    total = np.empty(width, np.float32)
    one = np.float32(1)
    for q in range(queries.shape[0]):
        for j in range(k):
            best[q, j] = np.float32(3e38)
            rows[q, j] = -1
    for t in range(n_tiles):
        for q in range(queries.shape[0]):
            for b in range(width):
                total[b] = np.float32(0)
            j = 0
            while j + 4 <= d:
                x0, x1, x2, x3 = tiles[t, j], tiles[t, j + 1], tiles[t, j + 2], tiles[t, j + 3]
                v0, v1, v2, v3 = queries[q, j], queries[q, j + 1], queries[q, j + 2], queries[q, j + 3]
                w0, w1, w2, w3 = weights[j], weights[j + 1], weights[j + 2], weights[j + 3]
                for b in range(width):
                    s = total[b]
                    s += min(w0 * abs(x0[b] - v0), one)
                    s += min(w1 * abs(x1[b] - v1), one)
                    s += min(w2 * abs(x2[b] - v2), one)
                    s += min(w3 * abs(x3[b] - v3), one)
                    total[b] = s
                j += 4
            while j < d:
                x0, v0, w0 = tiles[t, j], queries[q, j], weights[j]
                for b in range(width):
                    total[b] += min(w0 * abs(x0[b] - v0), one)
                j += 1
            worst = best[q, k - 1]
            for start in range(0, width, _STEP):
                least = total[start]
                for b in range(start + 1, start + _STEP):
                    least = min(least, total[b])
                if least < worst:
                    for b in range(start, start + _STEP):
                        if total[b] < worst and t * width + b < n:
                            _insert(best[q], rows[q], total[b], t * width + b, k)
                            worst = best[q, k - 1]


@compiled(fastmath=_FLAGS)
def settle(
    queries: npt.NDArray[np.float64],
    reference: npt.NDArray[np.float64],
    weights: npt.NDArray[np.float64],
    rows: npt.NDArray[np.int32],
    distances: npt.NDArray[np.float64],
) -> None:
    """Measure the selected rows in float64 and sort each query's by (distance, row), in place.

    Parameters
    ----------
    queries, reference
        Shape (n_queries, d) and (n, d).
    rows, distances
        Shape (n_queries, k): in, the selection; out, sorted, with sums of min(w |x - q|, 1) over the columns in order.
    """
    d = reference.shape[1]
    for q in range(rows.shape[0]):
        for j in range(rows.shape[1]):
            row = rows[q, j]
            s = 0.0
            for c in range(d):
                s += min(weights[c] * math.fabs(reference[row, c] - queries[q, c]), 1.0)
            place = j
            while place > 0 and (
                distances[q, place - 1] > s or (distances[q, place - 1] == s and rows[q, place - 1] > row)
            ):
                distances[q, place] = distances[q, place - 1]
                rows[q, place] = rows[q, place - 1]
                place -= 1
            distances[q, place] = s
            rows[q, place] = row


@compiled(fastmath=_FLAGS)
def select_without(
    queries: npt.NDArray[np.float32],
    tiles: npt.NDArray[np.float32],
    weights: npt.NDArray[np.float32],
    place: npt.NDArray[np.intp],
    n: int,
    best: npt.NDArray[np.float32],
    rows: npt.NDArray[np.int32],
) -> None:
    """Fill `best` and `rows` (n_queries, wanted, k) with the nearest rows when one column at a time is left out.

    The sum without column j is that of the columns before it plus that of the columns after it: two passes over the
    tile for all columns, and rows that differ in column j alone get exactly the same sum, which D - d_j would blur.

    Parameters
    ----------
    place
        Of each column, its place among the wanted ones, or -1; shape (d,).
    """
    n_tiles, d, width = tiles.shape
    before = np.zeros((d, width), np.float32)
    after = np.zeros((d, width), np.float32)
    low = np.empty((2, width // 8), np.float32)
    one = np.float32(1)
    best[:] = np.float32(3e38)
    rows[:] = -1
    for t in range(n_tiles):
        for q in range(queries.shape[0]):
            for j in range(d - 1):
                x, v, w = tiles[t, j], queries[q, j], weights[j]
                old, new = before[j], before[j + 1]
                for b in range(width):
                    new[b] = old[b] + min(w * abs(x[b] - v), one)
            # after[i] sums the last i columns: a loop that counts down is not turned into vectors.
            for i in range(d - 1):
                x, v, w = tiles[t, d - 1 - i], queries[q, d - 1 - i], weights[d - 1 - i]
                old, new = after[i], after[i + 1]
                for b in range(width):
                    new[b] = old[b] + min(w * abs(x[b] - v), one)
            for j in range(d):
                if place[j] >= 0:
                    left, right, mine = before[j], after[d - 1 - j], best[q, place[j]]
                    if _least_sum(left, right, low) < mine[-1]:
                        _take_sums(left, right, low[0], t * width, n, mine, rows[q, place[j]])


@compiled(fastmath=_FLAGS)
def _least_sum(a: npt.NDArray[np.float32], b: npt.NDArray[np.float32], low: npt.NDArray[np.float32]) -> np.float32:
    """Return the least a + b, and in low[0] the least of each eight that lie an eighth of the tile apart.

    Eight streams meet place by place, which the compiler turns into vectors.
    """
    h = low.shape[1]
    first, again = low[0], low[1]
    for i in range(h):
        near = min(
            min(a[i] + b[i], a[i + h] + b[i + h]),
            min(a[i + 2 * h] + b[i + 2 * h], a[i + 3 * h] + b[i + 3 * h]),
        )
        far = min(
            min(a[i + 4 * h] + b[i + 4 * h], a[i + 5 * h] + b[i + 5 * h]),
            min(a[i + 6 * h] + b[i + 6 * h], a[i + 7 * h] + b[i + 7 * h]),
        )
        first[i] = min(near, far)
    h //= 2
    for i in range(h):
        again[i] = min(first[i], first[i + h])
    while h > _STEP:
        h //= 2
        for i in range(h):
            again[i] = min(again[i], again[i + h])
    least = again[0]
    for i in range(1, h):
        least = min(least, again[i])
    return np.float32(least)


@compiled(fastmath=_FLAGS)
def _take_sums(
    a: npt.NDArray[np.float32],
    b: npt.NDArray[np.float32],
    low: npt.NDArray[np.float32],
    start: int,
    n: int,
    best: npt.NDArray[np.float32],
    rows: npt.NDArray[np.int32],
) -> None:
    h, k = len(low), len(best)
    for i in range(h):
        if low[i] <= best[k - 1]:
            for at in range(i, 8 * h, h):
                s, row = a[at] + b[at], start + at
                if row < n and (s < best[k - 1] or (s == best[k - 1] and row < rows[k - 1])):
                    _insert(best, rows, s, row, k)


@compiled(fastmath=_FLAGS)
def settle_without(
    queries: npt.NDArray[np.float64],
    reference: npt.NDArray[np.float64],
    weights: npt.NDArray[np.float64],
    wanted: npt.NDArray[np.intp],
    rows: npt.NDArray[np.int32],
    distances: npt.NDArray[np.float64],
    nearest: npt.NDArray[np.int32],
) -> None:
    """Measure the selected rows in float64 without the column left out, and keep the least by (distance, row).

    Parameters
    ----------
    wanted
        The columns left out, shape (wanted,).
    rows
        The selection, shape (n_queries, wanted, k); -1 is none.
    distances, nearest
        Out, shape (n_queries, wanted): sums over the other columns, in order.
    """
    for q in range(rows.shape[0]):
        for i in range(rows.shape[1]):
            distances[q, i] = np.inf
            nearest[q, i] = -1
            for j in range(rows.shape[2]):
                row = rows[q, i, j]
                if row < 0:
                    continue
                s = 0.0
                for c in range(reference.shape[1]):
                    if c != wanted[i]:
                        s += min(weights[c] * math.fabs(reference[row, c] - queries[q, c]), 1.0)
                if s < distances[q, i] or (s == distances[q, i] and row < nearest[q, i]):
                    distances[q, i] = s
                    nearest[q, i] = row
