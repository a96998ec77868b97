"""The inner loops of linking by halves: who is nearest by some columns, and who by the others; compiled on first import.

The distances of a target to a tile of records are made once per column and summed over each half of every split. A first
pass keeps the k least distances of each half, and the least of each tile; a second counts the records that reach them
and visits only tiles that hold one. Ties therefore cost what they are worth, and every tied record is counted.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from synthproof.engines.compiled import compiled

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]
_FLAGS = {"nnan", "nsz"}
_SLACK = np.float32(1.0 + 4e-6)
"""Sums of a few dozen float32 differ by less when they are equal in truth."""
_LEAST = np.float32(1e-7)


@compiled(fastmath=_FLAGS)
def _columns(query: Floats, tile: Floats, weights: Floats, parts: Floats) -> None:
    one = np.float32(1)
    for j in range(tile.shape[0]):
        v, w, x, out = query[j], weights[j], tile[j], parts[j]
        for b in range(tile.shape[1]):
            out[b] = min(w * abs(x[b] - v), one)


@compiled(fastmath=_FLAGS)
def _half(parts: Floats, members: Ints, count: int, total: Floats) -> None:
    for b in range(len(total)):
        total[b] = np.float32(0)
    for c in range(count):
        x = parts[members[c]]
        for b in range(len(total)):
            total[b] += x[b]


@compiled(fastmath=_FLAGS)
def _near(
    query: Floats,
    tiles: Floats,
    weights: Floats,
    n: int,
    members: Ints,
    counts: Ints,
    least: Floats,
    best: Floats,
    work: Floats,
) -> None:
    """Fill `least` (tiles, splits, 2), and `best` (splits, 2, k) with the k least sums of each half, ascending."""
    n_tiles, d, width = tiles.shape
    k = best.shape[2]
    best[:] = np.float32(3e38)
    for t in range(n_tiles):
        _columns(query, tiles[t], weights, work[:d])
        end = min(width, n - t * width)
        for s in range(len(counts)):
            for h in range(2):
                total = work[d]
                _half(work, members[s, h], counts[s, h], total)
                low = np.float32(3e38)
                for b in range(end):
                    low = min(low, total[b])
                least[t, s, h] = low
                if low >= best[s, h, k - 1]:
                    continue
                for b in range(end):
                    if total[b] < best[s, h, k - 1]:
                        place = k - 1
                        while place > 0 and best[s, h, place - 1] > total[b]:
                            best[s, h, place] = best[s, h, place - 1]
                            place -= 1
                        best[s, h, place] = total[b]


@compiled(fastmath=_FLAGS)
def link(
    queries: Floats,
    tiles: Floats,
    weights: Floats,
    n: int,
    members: Ints,
    counts: Ints,
    k: int,
    credit: npt.NDArray[np.float64],
) -> None:
    """Fill `credit` (n_queries, n_splits): expected records that both halves of a target have among their k nearest.

    Records tied at the k-th distance share the places that are left among them; at most 1 is credited.

    Parameters
    ----------
    queries, tiles
        Shape (n_queries, d) and (n_tiles, d, tile); places beyond row n are ignored.
    members, counts
        Columns of both halves of each split, shape (n_splits, 2, d), and how many they are, shape (n_splits, 2).
    """
    n_tiles, d, width = tiles.shape
    splits = len(counts)
    work = np.empty((d + 2, width), np.float32)
    least = np.empty((n_tiles, splits, 2), np.float32)
    best = np.empty((splits, 2, k), np.float32)
    seen = np.empty((splits, 2, 2), np.float64)
    pairs = np.empty((splits, 2, 2), np.float64)
    for q in range(len(queries)):
        _near(queries[q], tiles, weights, n, members, counts, least, best, work)
        seen[:] = 0.0
        pairs[:] = 0.0
        reach = best[:, :, k - 1] * _SLACK + _LEAST
        sure = best[:, :, k - 1] / _SLACK - _LEAST
        for t in range(n_tiles):
            fresh = True
            for s in range(splits):
                if least[t, s, 0] > reach[s, 0] and least[t, s, 1] > reach[s, 1]:
                    continue
                if fresh:
                    _columns(queries[q], tiles[t], weights, work[:d])
                    fresh = False
                one, other = work[d], work[d + 1]
                _half(work, members[s, 0], counts[s, 0], one)
                _half(work, members[s, 1], counts[s, 1], other)
                for b in range(min(width, n - t * width)):
                    at_one, at_other = one[b] <= reach[s, 0], other[b] <= reach[s, 1]
                    if not (at_one or at_other):
                        continue
                    tied_one, tied_other = int(one[b] >= sure[s, 0]), int(other[b] >= sure[s, 1])
                    if at_one:
                        seen[s, 0, tied_one] += 1.0
                    if at_other:
                        seen[s, 1, tied_other] += 1.0
                    if at_one and at_other:
                        pairs[s, tied_one, tied_other] += 1.0
        for s in range(splits):
            # What a tied record is worth: the places left after those that are surely nearer.
            a = (k - seen[s, 0, 0]) / seen[s, 0, 1]
            b_worth = (k - seen[s, 1, 0]) / seen[s, 1, 1]
            found = pairs[s, 0, 0] + a * pairs[s, 1, 0] + b_worth * pairs[s, 0, 1] + a * b_worth * pairs[s, 1, 1]
            credit[q, s] = min(1.0, found)
