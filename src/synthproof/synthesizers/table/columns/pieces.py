"""Pieces: a column's values as points and short intervals that can be drawn from, leaf by leaf.

A value that many persons share is a *point* (an atom). Any other value of a numeric column stands for an *interval*
around it, reaching halfway to its neighbours, and is never handed out itself: a draw takes a piece by its weight and a
uniform position within it, and the column's grid (whole numbers, cents, steps of five) does the rounding. A level is a
point whose value is its code; a missing value is a piece of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from synthproof.synthesizers.table.columns.conditions import Condition
from synthproof.synthesizers.table.columns.grains import Grains
from synthproof.synthesizers.table.columns.grid import Shape

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Pieces:
    """Weighted points and intervals, grouped by leaf.

    Parameters
    ----------
    start
        Shape (leaves + 1,): the pieces of leaf k are ``start[k]:start[k + 1]``, ascending, missing last.
    low, high
        Shape (pieces,): the interval; equal for a point; NaN for missing.
    cum
        Shape (pieces + 1,): weights summed up from the first piece of the first leaf.
    grains
        How values lie within intervals; evenly if absent.
    """

    start: IntArray
    low: FloatArray
    high: FloatArray
    cum: FloatArray
    grains: Grains | None = None

    @property
    def mass(self) -> FloatArray:
        """Total weight of each leaf, shape (leaves,)."""
        return np.asarray(self.cum[self.start[1:]] - self.cum[self.start[:-1]])

    def draw(self, leaf: IntArray | int, u: FloatArray, v: FloatArray) -> FloatArray:
        """Return one value per row.

        Parameters
        ----------
        leaf
            Leaf of each row.
        u, v
            Uniforms: which piece, and where in it.
        """
        begin, end = self.start[leaf], self.start[np.asarray(leaf) + 1]
        base = self.cum[begin]
        at = np.searchsorted(self.cum, base + u * (self.cum[end] - base), side="right") - 1
        at = np.clip(at, begin, np.maximum(end - 1, begin))
        return self._within(self.low[at], self.high[at], v)

    def quantile(self, u: FloatArray, leaf: IntArray | int = 0, *, even: bool = False) -> FloatArray:
        """Return the value at each share u in [0, 1] of a leaf: the inverse distribution function, up to where in its
        interval a value lies (`even`: there too).
        """
        begin, end = self.start[leaf], self.start[np.asarray(leaf) + 1]
        goal = self.cum[begin] + u * (self.cum[end] - self.cum[begin])
        at = np.clip(np.searchsorted(self.cum, goal, side="right") - 1, begin, np.maximum(end - 1, begin))
        width = self.cum[at + 1] - self.cum[at]
        within = np.clip((goal - self.cum[at]) / np.where(width > 0, width, 1.0), 0.0, 1.0)
        if even:
            return np.asarray(self.low[at] + within * (self.high[at] - self.low[at]))
        return self._within(self.low[at], self.high[at], within)

    def _within(self, low: FloatArray, high: FloatArray, v: FloatArray) -> FloatArray:
        if self.grains is None:
            return np.asarray(low + v * (high - low))
        return self.grains.draw(low, high, v, np.mod(v * 2**20, 1.0))  # the lower bits of v are a uniform of their own

    def shares(self, condition: Condition) -> FloatArray:
        """Return the stretches of [0, 1] whose `quantile` a condition allows, shape (stretches, 2), ascending."""
        total = self.cum[-1] or 1.0
        width = self.high - self.low
        begin, weight = self.cum[:-1] / total, np.diff(self.cum) / total
        found: list[FloatArray] = []
        for (lowest, highest), part in zip(condition.ranges, condition.parts, strict=True):
            low, high = np.maximum(self.low, lowest), np.minimum(self.high, highest)
            hit = np.flatnonzero((high >= low) & ((high > low) | (width == 0)) & (weight > 0))
            scale = np.where(width[hit] > 0, width[hit], 1.0)
            a = np.where(width[hit] > 0, (low[hit] - self.low[hit]) / scale, 0.0)
            b = np.where(width[hit] > 0, (high[hit] - self.low[hit]) / scale, part)
            found.append(np.stack([begin[hit] + a * weight[hit], begin[hit] + b * weight[hit]], axis=1))
        ends = np.concatenate(found) if found else np.empty((0, 2))
        ends = ends[np.argsort(ends[:, 0], kind="stable")]
        if not len(ends):
            return ends
        fresh = np.append(True, ends[1:, 0] > np.maximum.accumulate(ends[:, 1])[:-1] + 1e-12)
        first = np.flatnonzero(fresh)
        return np.stack([ends[first, 0], np.maximum.reduceat(ends[:, 1], first)], axis=1)

    def restrict(self, condition: Condition) -> Pieces:
        """Return the pieces cut down to what a condition allows; leaves stay, some may have no weight left."""
        weight = np.diff(self.cum)
        leaf = np.repeat(np.arange(len(self.start) - 1), np.diff(self.start))
        parts: list[tuple[IntArray, FloatArray, FloatArray, FloatArray]] = []
        gone = np.isnan(self.low)
        if condition.missing and gone.any():
            parts.append((leaf[gone], self.low[gone], self.high[gone], weight[gone]))
        width = self.high - self.low
        for (lowest, highest), exact, part in zip(condition.ranges, condition.exact, condition.parts, strict=True):
            low, high = np.maximum(self.low, lowest), np.minimum(self.high, highest)
            hit = np.flatnonzero((high >= low) & ((high > low) | (width == 0)))
            share = np.where(width[hit] > 0, self._part(hit, low[hit], high[hit]), part)
            if exact is None:
                parts.append((leaf[hit], low[hit], high[hit], weight[hit] * share))
            else:
                value = np.full(len(hit), exact)
                parts.append((leaf[hit], value, value, weight[hit] * share))
        if not parts:
            return _grouped(np.empty(0, dtype=np.intp), *(np.empty(0),) * 3, len(self.start) - 1)
        joined = [np.concatenate([p[i] for p in parts]) for i in range(4)]
        cut = _grouped(joined[0].astype(np.intp), joined[1], joined[2], joined[3], len(self.start) - 1)
        return replace(cut, grains=self.grains)

    def _part(self, hit: IntArray, low: FloatArray, high: FloatArray) -> FloatArray:
        """Return the share of some pieces that lies in [low, high]."""
        if self.grains is not None:
            return self.grains.part(self.low[hit], self.high[hit], low, high)
        width = self.high[hit] - self.low[hit]
        return np.asarray((high - low) / np.where(width > 0, width, 1.0))

    def get_state(self) -> dict[str, Any]:
        """Return plain arrays."""
        grains = None if self.grains is None else self.grains.get_state()
        start = self.start.astype(np.int64)
        return {"start": start, "low": self.low, "high": self.high, "cum": self.cum, "grains": grains}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Take back what `get_state` returned."""
        grains = None if state["grains"] is None else Grains.from_state(state["grains"])
        return cls(state["start"].astype(np.intp), state["low"], state["high"], state["cum"], grains)


def _grouped(leaf: IntArray, low: FloatArray, high: FloatArray, weight: FloatArray, leaves: int) -> Pieces:
    order = np.lexsort((high, low, leaf))
    start = np.searchsorted(leaf[order], np.arange(leaves + 1)).astype(np.intp)
    return Pieces(start, low[order], high[order], np.concatenate([[0.0], np.cumsum(weight[order])]))


def point_pieces(codes: npt.NDArray[np.integer[Any]], leaf: IntArray | None = None, leaves: int = 1) -> Pieces:
    """Return the pieces of a levelled column: one point per leaf and code, weighted by its rows; -1 is missing."""
    where = np.zeros(len(codes), dtype=np.int64) if leaf is None else leaf.astype(np.int64)
    width = int(codes.max(initial=0)) + 2
    keys, counts = np.unique(where * width + codes.astype(np.int64) + 1, return_counts=True)
    code = (keys % width - 1).astype(np.float64)
    code[code < 0] = np.nan
    return _grouped((keys // width).astype(np.intp), code, code.copy(), counts.astype(np.float64), leaves)


def number_pieces(
    values: FloatArray,
    shape: Shape,
    leaf: IntArray | None = None,
    leaves: int = 1,
    *,
    reach: float = 0.01,
    min_reach: int = 3,
    grains: Grains | None = None,
) -> Pieces:
    """Return the pieces of a numeric column, cut within each leaf.

    Parameters
    ----------
    values
        Shape (n,), NaN missing.
    leaf
        Leaf of each row; one leaf if absent.
    reach, min_reach
        An interval ends at the latest this share (and at least this number) of distinct values away from the value it
        stands for, so that a leaf with few donors does not smear them over the whole range.
    grains
        How values lie within intervals.

    Notes
    -----
    Cost O(n log n).
    """
    where = np.zeros(len(values), dtype=np.intp) if leaf is None else leaf
    keys = np.where(np.isnan(values), len(shape.sites), np.searchsorted(shape.sites, values)).astype(np.int64)
    width = len(shape.sites) + 1
    both, counts = np.unique(where.astype(np.int64) * width + keys, return_counts=True)
    at, owner = (both % width).astype(np.intp), (both // width).astype(np.intp)
    low = np.append(shape.sites, np.nan)[at]
    high = low.copy()
    if shape.empty:
        return _grouped(owner, low, high, counts.astype(np.float64), leaves)
    free = np.flatnonzero((at < width - 1) & ~np.append(shape.shared, True)[at])
    low[free], high[free] = _cells(free, at, owner, shape, max(min_reach, int(reach * width)))
    return replace(_grouped(owner, low, high, counts.astype(np.float64), leaves), grains=grains)


def _cells(free: IntArray, at: IntArray, owner: IntArray, shape: Shape, reach: int) -> tuple[FloatArray, FloatArray]:
    """Return the interval of each free value: halfway to its neighbours in the leaf, but not beyond its reach."""
    sites, last = shape.sites, len(shape.sites) - 1
    me = at[free]
    floor, ceiling = sites[np.maximum(me - reach, 0)], sites[np.minimum(me + reach, last)]
    before, after = np.maximum(free - 1, 0), np.minimum(free + 1, len(at) - 1)
    has_before = (free > 0) & (owner[before] == owner[free])
    has_after = (free < len(at) - 1) & (owner[after] == owner[free]) & (at[after] <= last)
    mine = sites[me]
    left = np.where(has_before, (mine + sites[np.minimum(at[before], last)]) / 2, floor)
    right = np.where(has_after, (mine + sites[np.minimum(at[after], last)]) / 2, ceiling)
    left, right = np.maximum(left, floor), np.minimum(right, ceiling)
    # A value at the rim of the column has one side only: it still gets an interval, never itself alone.
    grid = shape.grid
    return np.maximum(left, grid.low), np.minimum(right, grid.high)


def merged(pieces: Pieces, most: int = 1024) -> Pieces:
    """Return one leaf's pieces with touching intervals merged, so that a model of a column stays small.

    Points stay. Each merged interval holds about ``1 / most`` of the weight.
    """
    weight = np.diff(pieces.cum)
    n = len(weight)
    if n <= most:
        return pieces
    point = ~(pieces.high > pieces.low)
    touch = np.zeros(n, dtype=np.bool_)
    touch[1:] = ~point[1:] & ~point[:-1] & (pieces.low[1:] <= pieces.high[:-1])
    block = np.floor((pieces.cum[:-1] + weight / 2) / pieces.cum[-1] * most)
    fresh = ~touch
    fresh[1:] |= block[1:] != block[:-1]
    first = np.flatnonzero(fresh)
    ends = np.append(first[1:], n) - 1
    cum = np.append(pieces.cum[first], pieces.cum[-1])
    return replace(
        pieces, start=np.array([0, len(first)], dtype=np.intp), low=pieces.low[first], high=pieces.high[ends], cum=cum
    )
