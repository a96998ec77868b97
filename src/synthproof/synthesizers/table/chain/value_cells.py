"""A column's range cut into cells, and the cells into a binary tree of questions "is it to the right?".

A value that enough persons share is a cell of its own (an atom). The other values are cut, in order, into cells of about
equal weight, and each of those into parts of at least as many persons; a draw ends in a part and is spread over it so
that the part keeps its mean. No value of a few persons is kept: parts end midway between two values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt

from synthproof.synthesizers.table.columns.grid import Shape

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
Int32Array = npt.NDArray[np.int32]

_STEEPEST = 20.0
_KNOTS = 1024
_BENT = 2.0
_BEYOND = 0.05


class InStretch(Protocol):
    """Draws one value within each row's stretch, as `Grains` does."""

    def draw(self, low: FloatArray, high: FloatArray, u: FloatArray, v: FloatArray) -> FloatArray:
        """Return a value in [low, high] per row."""


@dataclass(frozen=True, slots=True)
class Cells:
    """Cells in ascending order of where they lie, their parts, and the tree over them.

    Parameters
    ----------
    first
        Shape (cells + 1,): the parts of cell c are ``first[c]:first[c + 1]``.
    low, high, bend
        Shape (parts,): ends of a part (equal for an atom), and the power that its uniforms are raised to.
    share
        Shape (parts,): share of the cell's weight up to and with the part.
    total
        Shape (cells + 1,): share of the rows before each cell.
    split, left, right, begin, end
        Shape (nodes,): cells ``begin:end`` are parted before cell `split`; children below zero are cells, ``-1 - c``.
    knots, ranks
        The column's distribution function, for other columns' values to be placed in.
    """

    first: Int32Array
    low: FloatArray
    high: FloatArray
    bend: FloatArray
    share: FloatArray
    total: FloatArray
    split: Int32Array
    left: Int32Array
    right: Int32Array
    begin: Int32Array
    end: Int32Array
    knots: FloatArray
    ranks: FloatArray

    @property
    def count(self) -> int:
        """Number of cells."""
        return len(self.first) - 1

    @classmethod
    def learn(cls, values: FloatArray, shape: Shape, *, most: int, min_rows: int) -> tuple[Self, IntArray]:
        """Return the cells of a numeric column and the cell of each row.

        Parameters
        ----------
        values
            Shape (n,), no NaN, at least one row; each one of the shape's sites.
        most
            About how many cells of values that are not shared, at most.
        min_rows
            Rows that a part holds at least (where the column has so many that are not shared).
        """
        sites, shared = shape.sites, shape.shared
        at = np.searchsorted(sites, values).astype(np.intp)
        counts = np.bincount(at, minlength=len(sites)).astype(np.float64)
        here = counts > 0
        atoms, free = np.flatnonzero(here & shared), np.flatnonzero(here & ~shared)
        part_of = _even(counts[free], max(1, int(counts[free].sum() // min_rows)))
        parts = int(part_of[-1]) + 1 if len(free) else 0
        weight = np.bincount(part_of, counts[free], minlength=parts).astype(np.float64) if parts else np.empty(0)
        per = max(2.0 * min_rows, len(values) / most)
        cell_of_part = _even(weight, max(1, int(round(weight.sum() / per)))) if parts else np.empty(0, dtype=np.intp)
        low, high, bend = _parts(shape, free, counts[free], part_of, parts)
        middle = np.array([np.median(np.stack([low, high])[:, cell_of_part == c]) for c in np.unique(cell_of_part)])
        place = np.concatenate([middle, sites[atoms]])
        order = np.argsort(place, kind="stable")
        number = np.empty(len(order), dtype=np.intp)
        number[order] = np.arange(len(order))
        cell_of_site = np.zeros(len(sites), dtype=np.intp)
        if parts:
            cell_of_site[free] = number[cell_of_part[part_of]]
        cell_of_site[atoms] = number[len(middle) :]
        owner = np.concatenate([number[cell_of_part] if parts else np.empty(0, dtype=np.intp), number[len(middle) :]])
        rows = np.concatenate([weight, counts[atoms]])
        ends = [np.concatenate([low, sites[atoms]]), np.concatenate([high, sites[atoms]])]
        curve = np.concatenate([bend, np.ones(len(atoms))])
        sort = np.lexsort((ends[0], owner))
        first = np.searchsorted(owner[sort], np.arange(len(order) + 1))
        total = np.concatenate([[0.0], np.cumsum(np.bincount(owner, rows, minlength=len(order)))])
        above = np.cumsum(rows[sort])
        share = (above - total[owner[sort]]) / np.diff(total)[owner[sort]]
        knots, ranks = _distribution(sites, counts, shared, low, high)
        return (
            cls(
                first.astype(np.int32), ends[0][sort], ends[1][sort], curve[sort], share, total / total[-1],
                *_questions(total), knots, ranks,
            ),
            cell_of_site[at],
        )  # fmt: skip

    @classmethod
    def of_levels(cls, codes: IntArray, levels: int) -> tuple[Self, IntArray]:
        """Return a cell per level that occurs, and the cell of each row. Cells are values in the order of codes."""
        sites = np.arange(levels, dtype=np.float64)
        counts = np.bincount(codes, minlength=levels)
        used = np.flatnonzero(counts)
        total = np.concatenate([[0.0], np.cumsum(counts[used].astype(np.float64))])
        cell = np.zeros(levels, dtype=np.intp)
        cell[used] = np.arange(len(used))
        one = np.ones(len(used))
        first = np.arange(len(used) + 1, dtype=np.int32)
        cum = total / total[-1]
        return cls(
            first, sites[used], sites[used], one, one, cum, *_questions(total), sites[used], (cum[1:] + cum[:-1]) / 2
        ), cell[codes]

    def rank(self, x: FloatArray) -> FloatArray:
        """Return the share of the column's rows below each number (half of those equal to it); NaN stays."""
        return np.interp(x, self.knots, self.ranks)

    def cell(self, values: FloatArray) -> IntArray:
        """Return the cell of each number: its atom, or else the cell of the part that holds it or lies nearest."""
        atom = np.flatnonzero(self.low == self.high)
        owner = np.repeat(np.arange(self.count), np.diff(self.first))
        parts = np.flatnonzero(self.low < self.high)
        parts = parts[np.argsort(self.low[parts], kind="stable")]
        out = np.zeros(len(values), dtype=np.intp)
        if len(parts):
            k = np.clip(np.searchsorted(self.low[parts], values, side="right") - 1, 0, len(parts) - 1)
            out = owner[parts[k]]
        if len(atom):
            atom = atom[np.argsort(self.low[atom], kind="stable")]
            k = np.clip(np.searchsorted(self.low[atom], values), 0, len(atom) - 1)
            hit = self.low[atom[k]] == values
            if not len(parts):
                before = np.maximum(k - 1, 0)
                nearer = np.abs(self.low[atom[before]] - values) < np.abs(self.low[atom[k]] - values)
                return owner[atom[np.where(nearer, before, k)]]
            out = np.where(hit, owner[atom[k]], out)
        return out

    def within(self, low: FloatArray, high: FloatArray) -> IntArray:
        """Return the first and the last cell that reach into each row's ``[low, high]``, shape (2, n).

        Between them a cell may lie beside the bounds (an atom within the span of other values): `place` mends that.
        """
        top = np.maximum.reduceat(self.high, self.first[:-1])
        bottom = np.minimum.reduceat(self.low, self.first[:-1])
        last = self.count - 1
        begin = np.searchsorted(np.maximum.accumulate(top), low, side="left")
        end = np.searchsorted(np.minimum.accumulate(bottom[::-1])[::-1], high, side="right") - 1
        begin = np.clip(begin, 0, last)
        return np.stack([begin, np.clip(end, begin, last)]).astype(np.intp)

    def density(self, cell: IntArray, values: FloatArray, step: float) -> FloatArray:
        """Return the share of its cell that each value has, as mass of its lattice step, or density if there is none."""
        at = self.first[cell].astype(np.intp)
        for _ in range(int(np.diff(self.first).max()) - 1):
            at += (values > self.high[at]) & (at + 1 < self.first[cell + 1])
        before = np.where(at > self.first[cell], self.share[np.maximum(at - 1, 0)], 0.0)
        spread = self.high[at] - self.low[at]
        wide = np.where(spread > 0, spread, 1.0)
        half = step / 2 if step > 0 else wide * 1e-4
        a, b = (np.clip((values + d - self.low[at]) / wide, 0.0, 1.0) ** (1 / self.bend[at]) for d in (-half, half))
        inside = (b - a) / (1.0 if step > 0 else 2 * half)
        return np.asarray(np.where(spread > 0, (self.share[at] - before) * inside, 1.0))

    def place(
        self,
        cell: IntArray,
        u: FloatArray,
        low: FloatArray,
        high: FloatArray,
        v: FloatArray | None = None,
        grains: InStretch | None = None,
    ) -> FloatArray:
        """Return a value in each row's cell for a uniform; kept within ``[low, high]`` where the cell reaches there.

        With `grains`, these draw in the part of the cell, from what is left of `u` and from `v`.
        """
        at = self.first[cell].astype(np.intp)
        for _ in range(int(np.diff(self.first).max()) - 1):
            at += (u > self.share[at]) & (at + 1 < self.first[cell + 1])
        before = np.where(at > self.first[cell], self.share[np.maximum(at - 1, 0)], 0.0)
        inside = np.clip((u - before) / np.maximum(self.share[at] - before, 1e-300), 0.0, 1.0)
        spread = self.high[at] - self.low[at]
        out = self.low[at] + spread * inside ** self.bend[at]
        if grains is not None and v is not None:
            # Where a part is bent (the ends of the range), a narrower stretch about the point keeps the bend.
            reach = np.minimum(spread, np.where(self.bend[at] > _BENT, spread / 8, spread))
            a = np.clip(out - reach * inside, self.low[at], self.high[at])
            b = np.clip(a + reach, self.low[at], self.high[at])
            free = spread > 0
            out[free] = grains.draw(np.maximum(a, low)[free], np.minimum(b, high)[free], inside[free], v[free])
        off = (out < low) | (out > high)
        if off.any():
            a, b = np.maximum(self.low[at], low), np.minimum(self.high[at], high)
            fits = b >= a
            a, b = np.where(fits, a, np.clip(out, low, high)), np.where(fits, b, np.clip(out, low, high))
            out = np.where(off, a + (b - a) * inside, out)
        return np.asarray(out)

    @classmethod
    def nothing(cls) -> Self:
        """Return no cells, for a column of which nothing can be drawn."""
        none, whole = np.empty(0), np.empty(0, np.int32)
        return cls(np.zeros(1, np.int32), none, none, none, none, np.zeros(1), *(whole,) * 5, none, none)

    def get_state(self) -> dict[str, Any]:
        """Return plain arrays."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Take back what `get_state` returned."""
        return cls(**{name: state[name] for name in cls.__slots__})


def _even(weight: FloatArray, groups: int) -> IntArray:
    """Return consecutive groups of about equal weight, numbered without gaps."""
    if not len(weight):
        return np.empty(0, dtype=np.intp)
    above = np.cumsum(weight)
    group = np.minimum(((above - weight / 2) / above[-1] * groups).astype(np.intp), groups - 1)
    return np.cumsum(np.append(0, np.diff(group) > 0)).astype(np.intp)


def _parts(
    shape: Shape, free: IntArray, counts: FloatArray, part_of: IntArray, parts: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return ends and powers of the parts of values that are not shared."""
    if not parts:
        return (np.empty(0),) * 3
    sites, grid = shape.sites, shape.grid
    edge = np.flatnonzero(np.diff(part_of) > 0)
    start, stop = np.append(0, edge + 1), np.append(edge, len(free) - 1)
    middle = (sites[free[edge]] + sites[free[edge + 1]]) / 2
    low, high = np.append(sites[free[0]], middle), np.append(middle, sites[free[-1]])
    mean = np.bincount(part_of, counts * sites[free]) / np.bincount(part_of, counts)
    # The outermost values are a person's: the ends lie a little beyond them, but not past the next value.
    if free[0] > 0:
        low[0] -= min((sites[free[0]] - sites[free[0] - 1]) / 2, _BEYOND * (high[0] - low[0]))
    if free[-1] < len(sites) - 1:
        high[-1] += min((sites[free[-1] + 1] - sites[free[-1]]) / 2, _BEYOND * (high[-1] - low[-1]))
    # A part that is one value only reaches halfway to the values beside it, whoever holds them.
    lone = high - low <= 0
    if lone.any():
        before, after = np.maximum(free[start] - 1, 0), np.minimum(free[stop] + 1, len(sites) - 1)
        low = np.where(lone, np.maximum((sites[before] + sites[free[start]]) / 2, grid.low), low)
        high = np.where(lone, np.minimum((sites[after] + sites[free[stop]]) / 2, grid.high), high)
    goal = np.clip((mean - low) / np.maximum(high - low, 1e-300), 1 / (1 + _STEEPEST), _STEEPEST / (1 + _STEEPEST))
    return low, high, 1 / goal - 1


def _distribution(
    sites: FloatArray, counts: FloatArray, shared: npt.NDArray[np.bool_], low: FloatArray, high: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the distribution function at atoms and at ends of parts, thinned to a bounded number of knots."""
    above = np.cumsum(counts)
    atoms = np.flatnonzero(shared & (counts > 0))
    knots = np.unique(np.concatenate([low, high[-1:], sites[atoms]]))
    upto = np.concatenate([[0.0], above])
    under, equal = np.searchsorted(sites, knots, side="left"), np.searchsorted(sites, knots, side="right")
    ranks = (upto[under] + upto[equal]) / (2 * above[-1])
    if len(knots) > _KNOTS:
        keep = np.unique(np.searchsorted(ranks, np.linspace(ranks[0], ranks[-1], _KNOTS)).clip(0, len(knots) - 1))
        knots, ranks = knots[keep], ranks[keep]
    return knots, ranks


def _questions(total: FloatArray) -> tuple[Int32Array, Int32Array, Int32Array, Int32Array, Int32Array]:
    """Return split, children and range of each node: every range of cells is halved by weight. O(cells log cells)."""
    cells = len(total) - 1
    split: list[int] = []
    left: list[int] = []
    right: list[int] = []
    begin: list[int] = []
    end: list[int] = []
    todo: list[tuple[int, int, int, bool]] = [(0, cells, -1, False)]
    while todo:
        a, b, parent, is_right = todo.pop()
        if b - a == 1:
            me = -1 - a
        else:
            half = (total[a] + total[b]) / 2
            m = int(np.clip(np.searchsorted(total, half), a + 1, b - 1))
            if m - 1 > a and half - total[m - 1] < total[m] - half:
                m -= 1
            me = len(split)
            split.append(m)
            left.append(0)
            right.append(0)
            begin.append(a)
            end.append(b)
            todo += [(m, b, me, True), (a, m, me, False)]
        if parent >= 0:
            (right if is_right else left)[parent] = me
    return (
        np.array(split, np.int32),
        np.array(left, np.int32),
        np.array(right, np.int32),
        np.array(begin, np.int32),
        np.array(end, np.int32),
    )
