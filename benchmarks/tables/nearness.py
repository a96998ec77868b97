"""Nearest distances between two tables, both ways in one pass, by the benchmark's definition of distance.

The engine's own search (`synthproof.engines.neighbours`) caps a field's distance at 1 and sets missing values apart.
The benchmark's distance does neither, and the membership figures need each *reference* row's nearest query as well; so
the scorer has this kernel of its own. Sums are float32, field after field in a fixed order: equal rows are equally far
from two tables to the last bit, and ties count as ties.
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

Float32Array = npt.NDArray[np.float32]
_TILE = 1024


@numba.njit(nogil=True, cache=True)
def _scan(
    queries: Float32Array,
    tiles: Float32Array,
    n_numbers: int,
    n: int,
    same: bool,
    first: Float32Array,
    second: Float32Array,
    back: Float32Array,
) -> None:
    n_tiles, d, width = tiles.shape
    total = np.empty(width, np.float32)
    for t in range(n_tiles):
        start = t * width
        stop = min(width, n - start)
        for q in range(queries.shape[0]):
            total[:] = np.float32(0)
            for j in range(n_numbers):
                column, value = tiles[t, j], queries[q, j]
                for b in range(width):
                    total[b] += abs(value - column[b])
            for j in range(n_numbers, d):
                column, value = tiles[t, j], queries[q, j]
                for b in range(width):
                    total[b] += np.float32(1) if value != column[b] else np.float32(0)
            if same and start <= q < start + stop:
                total[q - start] = np.inf
            for b in range(stop):
                back[start + b] = min(back[start + b], total[b])
            least = total[0]
            for b in range(1, stop):
                least = min(least, total[b])
            if least < second[q]:
                for b in range(stop):
                    if total[b] < first[q]:
                        second[q] = first[q]
                        first[q] = total[b]
                    elif total[b] < second[q]:
                        second[q] = total[b]


def nearest(
    queries: Float32Array, reference: Float32Array, n_numbers: int, *, same: bool = False
) -> tuple[Float32Array, Float32Array, Float32Array]:
    """Return nearest and second nearest reference row of each query, and nearest query of each reference row.

    Parameters
    ----------
    queries, reference
        Shape (n, d): numbers (scaled) first, then codes of levels.
    n_numbers
        How many of the d fields are numbers; a number adds ``|x - y|``, a level 0 or 1.
    same
        Both are one table: a row is not its own neighbour.
    """
    n, d = reference.shape
    count = -(-n // _TILE)
    padded = np.zeros((count * _TILE, d), np.float32)
    padded[:n] = reference
    tiles = np.ascontiguousarray(padded.reshape(count, _TILE, d).transpose(0, 2, 1))
    first, second = np.full((2, len(queries)), np.inf, np.float32)
    back = np.full(n, np.inf, np.float32)
    _scan(np.ascontiguousarray(queries, np.float32), tiles, n_numbers, n, same, first, second, back)
    return first, second, back
