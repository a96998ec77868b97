"""Exact nearest neighbours in mixed tables (Gower's distance), tiled, the same for any number of workers.

The distance of two records is the mean over fields of (Gower 1971, doi:10.2307/2528823)

- numbers and dates: |x - y| divided by the range of the *reference* table, at most 1;
- levels: 0 when equal, else 1 (ordinal levels too);
- missing: 0 against missing, 1 against anything else.

Fields that are written with a fixed number of decimals are held as whole numbers of their last digit, so that equal
differences give equal distances and identical records exactly 0: ties are ties, not rounding.

The search is a scan (trees die above some 15 effective dimensions, and one-hot coding multiplies the width): float32
sums choose a few more candidates than wanted, float64 sums measure and order them; equal distances are ordered by row
number, the lower first. Cost O(n_queries · n_rows · d); 48,842 × 15 against itself, k = 64: about 3 CPU-seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import numpy.typing as npt

from synthproof.core.run import Run, quiet
from synthproof.core.schema import Schema
from synthproof.engines.codes import Coded
from synthproof.engines.records import as_written

FloatArray = npt.NDArray[np.float64]
RowArray = npt.NDArray[np.int32]

BLOCK = 512
"""Queries per piece of work: fixed, so that the number of workers changes nothing."""
_FAR = 1e30
# In units of the reference's range: values beyond it are held within (-2, 3), where every distance is 1 already, and
# missing lies at 8, as far from all of them.
_LOWEST, _HIGHEST, _MISSING = -2.0, 3.0, 8.0
_SPARE = 4
_SMALL = 20_000_000
_EXACT_FLOAT32 = float(1 << 24)


@dataclass(frozen=True, slots=True)
class Placed:
    """Rows in a `MixedSpace`: shape (n_rows, d), numeric fields first."""

    exact: FloatArray
    quick: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.exact)

    def rows(self, index: npt.NDArray[np.intp] | slice) -> Placed:
        """Return some rows."""
        return Placed(self.exact[index], self.quick[index])


@dataclass(frozen=True, slots=True)
class MixedSpace:
    """Gower's distance with the ranges of one reference table.

    Parameters
    ----------
    low, grid
        Of each numeric field: least value of the reference, and whole units per 1 (10 to the decimals; 0: no grid).
    weights
        One over the reference's range, in grid units, then 1 for each levelled field; shape (d,).
    step
        The reference's range of each numeric field in grid units; 1 where it is constant.
    """

    schema: Schema
    names: tuple[str, ...]
    low: FloatArray
    grid: FloatArray
    weights: FloatArray
    step: FloatArray

    @property
    def d(self) -> int:
        """Number of fields."""
        return len(self.weights)

    @property
    def shrink(self) -> FloatArray:
        """What `quick` columns are divided by: 1 where float32 holds the whole units, else the range."""
        whole = (self.grid > 0) & (self.step * _MISSING < _EXACT_FLOAT32)
        return np.concatenate([np.where(whole, 1.0, self.step), np.ones(self.d - len(self.step))])

    @property
    def quick_weights(self) -> npt.NDArray[np.float32]:
        """Weights of `Placed.quick` columns."""
        return np.minimum(self.weights * self.shrink, _FAR).astype(np.float32)

    @classmethod
    def fit(cls, reference: Coded, schema: Schema) -> MixedSpace:
        """Return the space whose ranges are those of `reference`; `schema` says how values are written."""
        low, grid, widths = [], [], []
        for j, name in enumerate(reference.numeric_names):
            f = schema.field(name)
            per_one = 0.0 if f.kind == "continuous" and f.decimals is None else 10.0 ** (f.decimals or 0)
            known = reference.numbers[:, j]
            known = known[np.isfinite(known)]
            least, most = (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)
            low.append(least)
            grid.append(per_one)
            widths.append((most - least) * (per_one or 1.0))
        width = np.array(widths, dtype=np.float64)
        step = np.where(width > 0, width, 1.0)
        levels = len(reference.level_names)
        return cls(
            schema=schema,
            names=(*reference.numeric_names, *reference.level_names),
            low=np.array(low),
            grid=np.array(grid),
            # A field that is constant in the reference: any other value is as far as can be.
            weights=np.concatenate([np.where(width > 0, 1.0 / step, _FAR), np.ones(levels)]),
            step=step,
        )

    def place(self, coded: Coded) -> Placed:
        """Return rows of any table encoded alike with the reference."""
        exact = np.empty((len(coded), self.d), dtype=np.float64)
        quick = np.empty((len(coded), self.d), dtype=np.float32)
        shrink = self.shrink
        for j, name in enumerate(coded.numeric_names):
            moved = as_written(coded.numbers[:, j], self.schema.field(name)) - self.low[j]
            if self.grid[j]:
                moved = np.rint(moved * self.grid[j])
            step = self.step[j]
            moved = np.clip(moved, _LOWEST * step, _HIGHEST * step)
            exact[:, j] = np.where(np.isnan(moved), _MISSING * step, moved)
            quick[:, j] = exact[:, j] / shrink[j]
        exact[:, len(coded.numeric_names) :] = coded.codes
        quick[:, len(coded.numeric_names) :] = coded.codes
        return Placed(exact, quick)


def nearest(
    space: MixedSpace,
    queries: Placed,
    reference: Placed,
    k: int,
    *,
    run: Run | None = None,
    task: str = "neighbours",
    engine: Literal["auto", "numba", "numpy"] = "auto",
) -> tuple[FloatArray, RowArray]:
    """Return the k nearest reference rows of each query: (distances in [0, 1], rows), each row ascending.

    Parameters
    ----------
    queries, reference
        Rows placed in `space`.
    k
        Number of neighbours wanted; fewer come back when the reference has fewer rows.
    engine
        ``"auto"`` compiles only where the work is worth it; the choice depends on sizes alone.

    Returns
    -------
    distances, rows
        Shape (n_queries, min(k, n_rows)). Equal distances are ordered by row number.
    """
    k = min(k, len(reference))
    if k == 0 or len(queries) == 0:
        return np.empty((len(queries), k)), np.empty((len(queries), k), dtype=np.int32)
    small = len(queries) * len(reference) * space.d <= _SMALL
    starts = range(0, len(queries), BLOCK)
    blocks = [queries.rows(slice(s, s + BLOCK)) for s in starts]
    if engine == "numpy" or (engine == "auto" and small):
        work = partial(_scan_numpy, reference=reference.exact, weights=space.weights, k=k)
    else:
        tiles = tiled(reference.quick)
        work = partial(_scan_numba, reference=reference.exact, tiles=tiles, space=space, k=k)
    found = quiet(run).map(work, blocks, task)
    distances = np.concatenate([f[0] for f in found]) / space.d
    return distances, np.concatenate([f[1] for f in found])


def nearest_without(
    space: MixedSpace,
    queries: Placed,
    reference: Placed,
    wanted: Sequence[int],
    *,
    run: Run | None = None,
    task: str = "neighbours",
    engine: Literal["auto", "numba", "numpy"] = "auto",
) -> tuple[FloatArray, RowArray]:
    """Return the nearest reference row of each query when one field is left out, for many fields in one pass.

    Parameters
    ----------
    wanted
        Places in `space.names` of the fields to be left out, one at a time.

    Returns
    -------
    distances, rows
        Shape (n_queries, len(wanted)); distances are means over the other fields. Equally near rows: the lowest.

    Notes
    -----
    About three times the cost of one search, instead of one search per field.
    """
    left_out = np.asarray(wanted, dtype=np.intp)
    if len(queries) == 0 or len(reference) == 0 or len(left_out) == 0 or space.d < 2:
        empty = (len(queries), len(left_out))
        return np.full(empty, np.inf), np.full(empty, -1, dtype=np.int32)
    small = len(queries) * len(reference) * space.d * len(left_out) <= _SMALL
    blocks = [queries.rows(slice(s, s + BLOCK)) for s in range(0, len(queries), BLOCK)]
    if engine == "numpy" or (engine == "auto" and small):
        work = partial(_without_numpy, reference=reference.exact, weights=space.weights, wanted=left_out)
    else:
        tiles = tiled(reference.quick)
        work = partial(_without_numba, reference=reference.exact, tiles=tiles, space=space, wanted=left_out)
    found = quiet(run).map(work, blocks, task)
    distances = np.concatenate([f[0] for f in found]) / (space.d - 1)
    return distances, np.concatenate([f[1] for f in found])


def tiled(rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return rows as tiles of columns, shape (tiles, d, TILE), the last one filled up with zeros."""
    from synthproof.engines.neighbour_kernels import TILE

    n, d = rows.shape
    count = -(-n // TILE)
    padded = np.zeros((count * TILE, d), dtype=np.float32)
    padded[:n] = rows
    return np.ascontiguousarray(padded.reshape(count, TILE, d).transpose(0, 2, 1))


def _scan_numba(
    block: Placed, reference: FloatArray, tiles: npt.NDArray[np.float32], space: MixedSpace, k: int
) -> tuple[FloatArray, RowArray]:
    from synthproof.engines.neighbour_kernels import select, settle

    n, more = len(reference), min(k + _SPARE, len(reference))
    best = np.empty((len(block), more), dtype=np.float32)
    rows = np.empty((len(block), more), dtype=np.int32)
    select(np.ascontiguousarray(block.quick), tiles, space.quick_weights, n, best, rows)
    distances = np.empty((len(block), more))
    settle(np.ascontiguousarray(block.exact), reference, space.weights, rows, distances)
    return distances[:, :k], rows[:, :k]


def _without_numba(
    block: Placed,
    reference: FloatArray,
    tiles: npt.NDArray[np.float32],
    space: MixedSpace,
    wanted: npt.NDArray[np.intp],
) -> tuple[FloatArray, RowArray]:
    from synthproof.engines.neighbour_kernels import select_without, settle_without

    shape = (len(block), len(wanted))
    best = np.empty((*shape, 1 + _SPARE), dtype=np.float32)
    rows = np.empty((*shape, 1 + _SPARE), dtype=np.int32)
    place = np.full(space.d, -1, dtype=np.intp)
    place[wanted] = np.arange(len(wanted))
    quick_weights = np.minimum(space.weights * space.shrink, _FAR).astype(np.float32)
    select_without(np.ascontiguousarray(block.quick), tiles, quick_weights, place, len(reference), best, rows)
    distances, nearest_row = np.empty(shape), np.empty(shape, dtype=np.int32)
    settle_without(np.ascontiguousarray(block.exact), reference, space.weights, wanted, rows, distances, nearest_row)
    return distances, nearest_row


def _without_numpy(
    block: Placed, reference: FloatArray, weights: FloatArray, wanted: npt.NDArray[np.intp]
) -> tuple[FloatArray, RowArray]:
    shape = (len(block), len(wanted))
    distances, rows = np.empty(shape), np.empty(shape, dtype=np.int32)
    step = max(1, 4_000_000 // max(1, len(reference)))
    for start in range(0, len(block), step):
        part = block.exact[start : start + step]
        for i, left_out in enumerate(wanted):
            total = np.zeros((len(part), len(reference)))
            for c, weight in enumerate(weights):
                if c != left_out:
                    total += np.minimum(weight * np.abs(reference[None, :, c] - part[:, c, None]), 1.0)
            order = total.argmin(axis=1)
            rows[start : start + step, i] = order
            distances[start : start + step, i] = total[np.arange(len(part)), order]
    return distances, rows


def _scan_numpy(block: Placed, reference: FloatArray, weights: FloatArray, k: int) -> tuple[FloatArray, RowArray]:
    step = max(1, 4_000_000 // max(1, len(reference)))
    distances = np.empty((len(block), k))
    rows = np.empty((len(block), k), dtype=np.int32)
    for start in range(0, len(block), step):
        part = block.exact[start : start + step]
        total = np.zeros((len(part), len(reference)))
        for c, weight in enumerate(weights):
            total += np.minimum(weight * np.abs(reference[None, :, c] - part[:, c, None]), 1.0)
        order = _least(total, k)
        rows[start : start + step] = order
        distances[start : start + step] = np.take_along_axis(total, order, axis=1)
    return distances, rows


def _least(total: FloatArray, k: int) -> npt.NDArray[np.intp]:
    """Return the columns of the k least values of each row, ordered by (value, column)."""
    n = total.shape[1]
    if k == 1:
        return np.asarray(total.argmin(axis=1), dtype=np.intp)[:, None]
    if k * 4 >= n:
        return np.argsort(total, axis=1, kind="stable")[:, :k]
    kth = np.partition(total, k - 1, axis=1)[:, k - 1]
    out = np.empty((len(total), k), dtype=np.intp)
    for i, limit in enumerate(kth):
        near = np.flatnonzero(total[i] <= limit)
        out[i] = near[np.argsort(total[i, near], kind="stable")[:k]]
    return out


__all__ = ["BLOCK", "MixedSpace", "Placed", "nearest", "nearest_without", "tiled"]
