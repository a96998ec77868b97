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
    while place > 0 and best[place - 1] > distance:
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
