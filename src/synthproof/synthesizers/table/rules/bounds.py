"""What one column may be, row by row: the answer that a book of rules gives to a generator that is about to draw it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]

NEAR = 1e-9
"""Relative distance under which two numbers count as one: the last digits of sums are noise."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A set of allowed numbers or codes for each row; few different sets, shared by many rows.

    Parameters
    ----------
    row
        Shape (n,): the set of each row, -1 where everything is allowed.
    start
        Shape (sets + 1,): set k holds ``values[start[k]:start[k + 1]]``.
    values
        Allowed numbers or codes, ascending within each set.
    """

    row: IntArray
    start: IntArray
    values: FloatArray

    @classmethod
    def listed(cls, row: IntArray, sets: list[FloatArray]) -> Choice:
        """Return a choice from a list of ascending arrays."""
        start = np.concatenate([[0], np.cumsum([len(s) for s in sets])]).astype(np.intp)
        return cls(row, start, np.concatenate([*sets, np.empty(0)]))

    @property
    def sizes(self) -> IntArray:
        """Number of values in the set of each row, shape (n,); -1 where everything is allowed."""
        return np.where(self.row < 0, -1, np.append(np.diff(self.start), 0)[self.row])

    def take(self, rows: IntArray | BoolArray | slice) -> Choice:
        """Return the choice of some rows."""
        return replace(self, row=self.row[rows])

    def mask(self, levels: int) -> BoolArray:
        """Return shape (n, levels): whether each code is allowed. Cost O(n · levels)."""
        sets = np.zeros((len(self.start), levels), dtype=np.bool_)
        sets[-1] = True  # the row of -1: everything
        owner = np.repeat(np.arange(len(self.start) - 1), np.diff(self.start))
        sets[owner, self.values.astype(np.intp)] = True
        return np.asarray(sets[self.row])

    def holds(self, values: FloatArray) -> BoolArray:
        """Return whether each row's value is in its set; missing values are."""
        near = self.nearest(values)
        with np.errstate(invalid="ignore"):
            close = np.abs(near - values) <= NEAR * np.maximum(1.0, np.abs(values))
        return np.asarray((self.row < 0) | np.isnan(values) | close)

    def nearest(self, values: FloatArray) -> FloatArray:
        """Return each row's value, or the nearest one in its set; NaN stays, and is the answer of an empty set.

        Cost O(n log of the largest set).
        """
        out = np.array(values, dtype=np.float64)
        rows = np.flatnonzero((self.row >= 0) & ~np.isnan(out))
        begin, end = self.start[self.row[rows]], self.start[self.row[rows] + 1]
        out[rows[begin == end]] = np.nan
        full = begin < end
        rows, begin, end = rows[full], begin[full], end[full]
        if len(rows):
            x = out[rows]
            at = lower_edge(self.values, begin, end, x)
            right = self.values[np.minimum(at, end - 1)]
            left = self.values[np.maximum(at - 1, begin)]
            out[rows] = np.where(np.abs(x - left) <= np.abs(right - x), left, right)
        return out

    def single(self) -> FloatArray:
        """Return the only allowed value of each row, NaN where there are none or several."""
        one = self.sizes == 1
        out = np.full(len(self.row), np.nan)
        out[one] = self.values[self.start[self.row[one]]]
        return out

    def hull(self) -> tuple[FloatArray, FloatArray]:
        """Return the smallest and largest allowed value of each row (±inf where free; inf, -inf where none)."""
        width = np.append(np.diff(self.start), 0)
        low = np.full(len(width), -np.inf)
        high = np.full(len(width), np.inf)
        low[:-1], high[:-1] = np.inf, -np.inf
        full = np.flatnonzero(width[:-1] > 0)
        low[full], high[full] = self.values[self.start[full]], self.values[self.start[full + 1] - 1]
        return low[self.row], high[self.row]

    def both(self, other: Choice) -> Choice:
        """Return what both choices allow. Cost O(rows + different pairs of sets · their sizes)."""
        width = len(other.start)
        pairs, row = np.unique((self.row + 1) * width + other.row + 1, return_inverse=True)
        sets: list[FloatArray] = []
        free = np.zeros(len(pairs), dtype=np.bool_)
        for i, pair in enumerate(pairs):
            a, b = int(pair) // width - 1, int(pair) % width - 1
            mine, theirs = self._set(a), other._set(b)
            if mine is None or theirs is None:
                kept = mine if theirs is None else theirs
                free[i] = kept is None
                sets.append(np.empty(0) if kept is None else kept)
            else:
                sets.append(np.intersect1d(mine, theirs, assume_unique=True))
        row = row.reshape(-1).astype(np.intp)
        return Choice.listed(np.where(free[row], -1, row), sets)

    def _set(self, k: int) -> FloatArray | None:
        return None if k < 0 else self.values[self.start[k] : self.start[k + 1]]


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one column may be, for each of n partial rows.

    Numbers are as everywhere in ``columns/``: floats (dates in microseconds), codes of levels, NaN for missing. A
    missing value is always allowed: rules speak of present values only.

    Parameters
    ----------
    low, high
        Shape (n,): smallest and largest allowed number, on the column's lattice; -inf, inf where free. Free for levels.
    fixed
        Shape (n,): the only allowed number or code; NaN where there are several. May lie off the lattice's step.
    levels
        Shape (n, number of levels): allowed codes of a levelled column; ``None`` where all are, or where the column has
        too many levels for an array of that size (then see `points`).
    points
        Allowed numbers (or codes of a column with very many levels); ``None``: all between `low` and `high`.
    dead
        Shape (n,): rows that can no longer keep the rules, whatever is drawn; nothing is asked of them (they are free
        here, and `Book.broken` finds them at the end).
    """

    low: FloatArray
    high: FloatArray
    fixed: FloatArray
    levels: BoolArray | None
    points: Choice | None
    dead: BoolArray

    def __len__(self) -> int:
        return len(self.low)

    @property
    def bound(self) -> BoolArray:
        """Rows of which anything is asked, shape (n,)."""
        out = np.isfinite(self.low) | np.isfinite(self.high) | ~np.isnan(self.fixed)
        if self.levels is not None:
            out |= ~self.levels.all(axis=1)
        if self.points is not None:
            out |= self.points.row >= 0
        return np.asarray(out & ~self.dead)

    def take(self, rows: IntArray | BoolArray | slice) -> Bounds:
        """Return the bounds of some rows."""
        return Bounds(
            self.low[rows],
            self.high[rows],
            self.fixed[rows],
            None if self.levels is None else self.levels[rows],
            None if self.points is None else self.points.take(rows),
            self.dead[rows],
        )

    def allows(self, values: FloatArray) -> BoolArray:
        """Return whether each row's value is allowed, shape (n,); missing values are, and whatever a dead row holds."""
        slack = NEAR * np.maximum(1.0, np.abs(values))
        with np.errstate(invalid="ignore"):
            out = (values >= self.low - slack) & (values <= self.high + slack)
            out &= np.isnan(self.fixed) | (np.abs(values - self.fixed) <= slack)
        gone = np.isnan(values)
        if self.levels is not None:
            codes = np.where(gone, 0, values).astype(np.intp)
            out &= self.levels[np.arange(len(values)), codes]
        if self.points is not None:
            out &= self.points.holds(values)
        return np.asarray(out | gone | self.dead)

    def settle(self, values: FloatArray, weight: FloatArray | None = None) -> FloatArray:
        """Return values moved to the nearest allowed one; those that are allowed, missing ones and dead rows stay.

        Parameters
        ----------
        values
            Shape (n,).
        weight
            For levels, shape (number of levels,) or (n, number of levels): the heaviest allowed level is taken; the
            first one if absent.
        """
        keep = self.allows(values)
        out = np.clip(values, self.low, self.high)
        if self.points is not None:
            out = self.points.nearest(out)
        if self.levels is not None:
            heavy = np.ones(self.levels.shape[1]) if weight is None else weight
            out = np.where(self.levels, heavy, -1.0).argmax(axis=1).astype(np.float64)
        out = np.where(np.isnan(self.fixed), out, self.fixed)
        return np.where(keep | np.isnan(values), values, out)


def lower_edge(values: FloatArray, begin: IntArray, end: IntArray, x: FloatArray) -> IntArray:
    """Return for each row the first position in ``[begin, end)`` whose value is at least x; `end` if none.

    A binary search of all rows at once. Cost O(n log of the widest stretch).
    """
    low, high = np.array(begin, dtype=np.intp), np.array(end, dtype=np.intp)
    while np.any(low < high):
        middle = (low + high) // 2
        below = (low < high) & (values[np.minimum(middle, len(values) - 1)] < x)
        low, high = np.where(below, middle + 1, low), np.where(below | (low >= high), high, middle)
    return low
