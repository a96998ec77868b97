"""Queries that single a synthetic person out: single rare values, and conjunctions around one record."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synthproof.core.random import permutation, stream
from synthproof.engines.predicates import Index, Ranks

IntArray = npt.NDArray[np.int64]
RankArray = npt.NDArray[np.int32]

SURE = 0.1
"""Expected other matches, if columns were independent, above which an attacker would not trust a conjunction."""
WIDTHS = (0.0, 0.005)
"""Half-width of a numeric range in shares of the synthetic rows: the value itself, and half a percent to each side."""
CHOICES = 4
"""Sets of columns weighed for each conjunction; the one least likely to match anybody else is asked."""
TRIES = 8
"""Conjunctions formed for each one asked for, at most."""


@dataclass(frozen=True, slots=True)
class Queries:
    """Conjunctions, each of which matches exactly one synthetic unit.

    Parameters
    ----------
    columns, low, high
        Shape (n, width): columns (-1: none) and ranges of ranks, both ends in.
    unit
        The synthetic unit each one singles out.
    tried
        Queries formed before those that do not single out were dropped.
    """

    columns: RankArray
    low: RankArray
    high: RankArray
    unit: RankArray
    tried: int

    def __len__(self) -> int:
        return len(self.unit)


def univariate(index: Index, ranks: Ranks, asked: int, seed: int) -> Queries:
    """Return queries on one column: values that one synthetic unit alone has, and the ends of ordered columns.

    They are taken from the columns in turn, in random order within each. Cost O(ranks of all columns).
    """
    made: list[npt.NDArray[np.int32]] = []
    for j, count in enumerate(ranks.counts):
        rank = np.arange(count)
        held = index.below(np.full(count, j), rank + 1) - index.below(np.full(count, j), rank)
        present = np.flatnonzero(held)
        if not len(present):
            continue
        low, high = present[held[present] == 1], present[held[present] == 1]
        order = permutation(seed, f"singling_out/univariate/{j}", len(low))
        low, high = low[order], high[order]
        known = present[present > 0]
        if ranks.ordered[j] and len(known) > 1:
            # At or below the least value, at or above the greatest.
            low = np.concatenate([[1, known[-1]], low])
            high = np.concatenate([[known[0], count - 1], high])
        turn = np.arange(len(low))
        made.append(np.stack([turn, np.full(len(low), j), low, high], axis=1).astype(np.int32))
    if not made:
        return _none(1)
    whole = np.concatenate(made)
    whole = whole[np.lexsort((whole[:, 1], whole[:, 0]))][: 2 * asked]
    return _kept(index, whole[:, 1:2], whole[:, 2:3], whole[:, 3:4], asked, len(whole))


def multivariate(index: Index, ranks: Ranks, rows: IntArray, asked: int, most: int, seed: int) -> Queries:
    """Return conjunctions of 2 to `most` columns around synthetic records.

    Parameters
    ----------
    rows
        Synthetic rows in an order that does not depend on the file's; each is taken once before any is taken twice.
    most
        Columns of a conjunction, at most.

    Notes
    -----
    Levels must be equal; a number must be equal or lie within half a percent of the synthetic ranks, one or the other
    for a whole query. A careful attacker asks what is unlikely to match anybody else: of four sets of columns the one with
    the fewest other matches expected under independence; where that exceeds 0.1 nothing is asked, nor where two
    synthetic units match.
    """
    d, n = index.ranks.shape
    width = min(most, d)
    if width < 2 or n < 2:
        return _none(2)
    kept: list[Queries] = []
    tried = got = 0
    for block in range(TRIES):
        g = stream(seed, "singling_out/multivariate", block)
        around = rows[permutation(seed, "singling_out/records", n)][(np.arange(asked) + block * asked) % n]
        columns = np.argsort(g.random((asked, CHOICES, d)), axis=2)[:, :, :width].astype(np.int32)
        unused = np.arange(width) >= g.integers(2, width + 1, asked)[:, None, None]
        half = (np.array(WIDTHS) * n)[g.integers(0, len(WIDTHS), asked)]
        low, high, inside = _ranges(index, ranks, around, columns, half)
        # Of the n - 1 others, how many match if columns were independent.
        columns = np.where(unused, np.int32(-1), columns)
        expected = np.where(unused, 1.0, np.maximum(inside - 1, 0.5) / n).prod(axis=2) * n
        best = np.arange(asked), expected.argmin(axis=1)
        sure = expected[best] <= SURE
        columns, low, high = (x[best] for x in (columns, low, high))
        found = _kept(index, columns[sure], low[sure], high[sure], asked, asked)
        tried, got = tried + asked, got + len(found)
        kept.append(found)
        if got >= asked or (block >= 2 and got < tried * 0.001):
            break
    columns, low, high, unit = (
        np.concatenate(parts)[:asked] for parts in zip(*((k.columns, k.low, k.high, k.unit) for k in kept), strict=True)
    )
    return Queries(columns, low, high, unit, tried)


def _ranges(
    index: Index, ranks: Ranks, rows: IntArray, columns: RankArray, half: npt.NDArray[np.float64]
) -> tuple[RankArray, RankArray, IntArray]:
    """Return lowest and highest rank of each condition, and the synthetic rows inside; shapes as `columns`."""
    own = index.ranks[columns, rows[:, None, None]]
    before, after = index.below(columns, own), index.below(columns, own + 1)
    n = index.ranks.shape[1]
    missing = index.below(columns, np.ones_like(own))
    wide = ranks.ordered[columns] & (own > 0) & (half[:, None, None] >= 1)
    reach = np.floor(half)[:, None, None].astype(np.int64)
    first = np.clip(before - reach, missing, n - 1)
    last = np.clip(after - 1 + reach, 0, n - 1)
    low = np.where(wide, index.ranks[columns, index.order[columns, first]], own).astype(np.int32)
    high = np.where(wide, index.ranks[columns, index.order[columns, last]], own).astype(np.int32)
    return low, high, index.below(columns, high + 1) - index.below(columns, low)


def _kept(index: Index, columns: RankArray, low: RankArray, high: RankArray, asked: int, tried: int) -> Queries:
    unit = index.single(*(np.ascontiguousarray(a) for a in (columns, low, high)))
    one = np.flatnonzero(unit >= 0)[:asked]
    return Queries(columns[one], low[one], high[one], unit[one], tried)


def _none(width: int) -> Queries:
    empty = np.empty((0, width), dtype=np.int32)
    return Queries(empty, empty, empty, np.empty(0, dtype=np.int32), 0)


__all__ = ["Queries", "multivariate", "univariate"]
