"""How round a numeric column's values are, by magnitude, and draws that keep it.

People and machines do not write any number: amounts are multiples of 100 or 1,000, the more the larger they are, prices
end in .99, blood pressures are even. The profile is a weight for every whole number of *ticks* (one unit of the last
digit) that depends on its last three digits alone, or, for multiples of 1,000, on the three before them, and so on.
Such weights are periodic, so the weight of an interval and the value at a share of it cost a few table look-ups however
wide the interval is.

Weights say how much more often a value occurs than its neighbourhood's density alone would give. They are learned by
class (the largest of 1, 2, 5, 10, 20, 25, 50 … that divides the value), then for single endings (99, 900) beyond their
class; classes and endings with fewer persons than ``min_shared`` keep no weight of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from synthproof.core.schema import Field
from synthproof.synthesizers.table.columns.grid import Grid

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
TickArray = npt.NDArray[np.int64]

PERIOD = 1000
LEAST_VALUES = 50
"""Fewer values than this in a magnitude have no profile of their own."""

_LADDER = np.array([1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500])
_SLICES = 16  # log-spaced parts of a magnitude within which values are taken to lie evenly
_LEAST_MULTIPLES = 8  # of a divisor in a magnitude, for its class to be told apart from single values
_LEAST_PERIODS = 20  # of an ending, for the same reason
_PRIOR = 1.0
_SURE = 4.0  # standard errors by which a class must differ before it is believed
_LARGEST = 2.0**53


@dataclass(frozen=True, slots=True)
class Rounding:
    """Weights of a numeric column's lattice values.

    Parameters
    ----------
    unit
        Value of one tick.
    edges
        Shape (bands + 1,), ticks: band b holds the ticks ``edges[b] <= t < edges[b + 1]``.
    weights
        Shape (bands, levels, 1000): weight of a tick by band, number of trailing groups of three zeros, and the three
        digits before them. Residue 0 has weight at the last level only.
    """

    unit: float
    edges: TickArray
    weights: npt.NDArray[np.float32]
    _above: FloatArray
    _total: FloatArray
    _line: FloatArray

    @classmethod
    def of(cls, unit: float, edges: TickArray, weights: npt.NDArray[np.float32]) -> Self:
        """Return the profile with its running sums."""
        above = np.zeros((*weights.shape[:2], PERIOD + 1))
        np.cumsum(weights, axis=2, dtype=np.float64, out=above[:, :, 1:])
        flat = above.reshape(-1, PERIOD + 1)
        total = flat[:, -1].copy()
        share = flat[:, 1:] / np.where(total > 0, total, 1.0)[:, None]
        line = (share + np.arange(len(flat))[:, None]).ravel()
        return cls(unit, edges, weights, flat, total, line)

    def draw(self, low: FloatArray, high: FloatArray, u: FloatArray, v: FloatArray) -> FloatArray:
        """Return one value in [low, high] per row by weight, NaN where no weighted value lies in it.

        Cost O(n · levels), times the number of bands for rows that reach over several.
        """
        first, last = self._ticks(low, high)
        out = np.full(len(first), np.nan)
        inside = np.flatnonzero(first <= last)
        first, last, u = first[inside], last[inside], u[inside].copy()
        band, until = self._band(first), self._band(last)
        wide = np.flatnonzero(band != until)
        if len(wide):
            mass = np.stack([self._clipped(b, first[wide], last[wide])[0] for b in range(len(self.edges) - 1)])
            band[wide], u[wide] = _pick(mass, u[wide])
            first[wide] = np.maximum(first[wide], self.edges[band[wide]])
            last[wide] = np.minimum(last[wide], self.edges[band[wide] + 1] - 1)
        mass = np.stack([self._mass(band, k, first, last) for k in range(self._levels)])
        level, _ = _pick(mass, u)
        goal = v[inside] * np.take_along_axis(mass, level[None], axis=0)[0]
        ticks = self._at(band, level, first, last, goal)
        out[inside] = np.where(mass.sum(axis=0) > 0, ticks * self.unit, np.nan)
        return out

    def mass(self, low: FloatArray, high: FloatArray) -> FloatArray:
        """Return the total weight of the lattice values in [low, high], shape (n,)."""
        first, last = self._ticks(low, high)
        bands = range(len(self.edges) - 1)
        return np.asarray(np.sum([self._clipped(b, first, last)[0] for b in bands], axis=0))

    @property
    def _levels(self) -> int:
        return int(self.weights.shape[1])

    def _ticks(self, low: FloatArray, high: FloatArray) -> tuple[TickArray, TickArray]:
        first = np.ceil(np.clip(low / self.unit, -_LARGEST, _LARGEST) - 1e-6)
        last = np.floor(np.clip(high / self.unit, -_LARGEST, _LARGEST) + 1e-6)
        return first.astype(np.int64), last.astype(np.int64)

    def _band(self, ticks: TickArray) -> IntArray:
        return np.searchsorted(self.edges[1:-1], ticks, side="right").astype(np.intp)

    def _clipped(self, band: int, first: TickArray, last: TickArray) -> tuple[FloatArray, TickArray, TickArray]:
        first = np.clip(first, self.edges[band], self.edges[band + 1])
        last = np.clip(last, self.edges[band] - 1, self.edges[band + 1] - 1)
        here = np.full(len(first), band, dtype=np.intp)
        return np.sum([self._mass(here, k, first, last) for k in range(self._levels)], axis=0), first, last

    def _mass(self, band: IntArray, level: int, first: TickArray, last: TickArray) -> FloatArray:
        """Return the weight of one level's ticks in [first, last]."""
        size = PERIOD**level
        begin, end = -(-first // size) - 1, last // size
        turns, from_ = np.divmod(begin, PERIOD)
        more, to = np.divmod(end, PERIOD)
        row = band * self._levels + level
        sums = (more - turns) * self._total[row] + self._above[row, to + 1] - self._above[row, from_ + 1]
        return np.where(end > begin, np.maximum(sums, 0.0), 0.0)

    def _at(self, band: IntArray, level: IntArray, first: TickArray, last: TickArray, goal: FloatArray) -> FloatArray:
        """Return the tick at which the weight summed up from `first` passes `goal`."""
        size = np.power(PERIOD, level, dtype=np.int64)
        begin, end = -(-first // size), last // size
        turns, from_ = np.divmod(begin - 1, PERIOD)
        row = band * self._levels + level
        total = np.where(self._total[row] > 0, self._total[row], 1.0)
        more, rest = np.divmod(goal + self._above[row, from_ + 1], total)
        place = np.searchsorted(self._line, row + np.minimum(rest / total, 1 - 1e-12), side="right") - row * PERIOD
        found = (turns + more.astype(np.int64)) * PERIOD + np.clip(place, 0, PERIOD - 1)
        return np.asarray(np.clip(found, begin, end) * size, dtype=np.float64)

    def get_state(self) -> dict[str, Any]:
        """Return plain arrays."""
        return {"unit": self.unit, "edges": self.edges, "weights": self.weights}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Take back what `get_state` returned."""
        return cls.of(float(state["unit"]), state["edges"], state["weights"])


def _pick(mass: FloatArray, u: FloatArray) -> tuple[IntArray, FloatArray]:
    """Return the row of `mass` that u chooses in each column, and what is left of u within it."""
    above = np.cumsum(mass, axis=0)
    goal = u * above[-1]
    at = np.minimum((above <= goal).sum(axis=0), len(mass) - 1).astype(np.intp)
    own = np.take_along_axis(mass, at[None], axis=0)[0]
    before = np.take_along_axis(above, at[None], axis=0)[0] - own
    return at, np.clip((goal - before) / np.where(own > 0, own, 1.0), 0.0, np.nextafter(1.0, 0.0))


def learn_rounding(
    values: FloatArray, f: Field, grid: Grid, weights: FloatArray, persons: IntArray | None, *, min_shared: int
) -> Rounding | None:
    """Return the profile of a column's values, or ``None`` where they lie as any values would.

    Parameters
    ----------
    values
        Shape (n,), none missing.
    weights
        Weight of each value, mean 1.
    persons
        Person of each value; ``None`` when each is another person's.
    min_shared
        Persons that a class or an ending needs before it gets a weight of its own.
    """
    unit, lattice = _unit(grid, f)
    if unit <= 0 or len(values) < LEAST_VALUES or np.abs(values).max() / unit >= _LARGEST / PERIOD:
        return None
    ticks = np.rint(values / unit).astype(np.int64)
    edges = _bands(ticks)
    top = max(1, int(np.ceil((len(str(int(np.abs(ticks).max()))) - 1) / 3)))
    table = np.ones((len(edges) - 1, top, PERIOD))
    for b in range(len(edges) - 1):
        mine = np.flatnonzero((ticks >= edges[b]) & (ticks < edges[b + 1]))
        if len(mine) >= LEAST_VALUES:
            table[b] = _Band(
                ticks[mine], weights[mine], None if persons is None else persons[mine], top, lattice, min_shared
            ).table()
    if np.all(table == 1):
        return None
    table[:, :-1, 0] = 0.0
    table *= _on_lattice(top, lattice)
    return Rounding.of(unit, edges, table.astype(np.float32))


def _unit(grid: Grid, f: Field) -> tuple[float, tuple[int, int]]:
    """Return the value of a tick, and the lattice in ticks (step, offset); 0 where roundness means nothing."""
    if grid.step <= 0 or f.kind == "datetime":
        return 0.0, (1, 0)
    digits = next((d for d in range(10) if abs(grid.step * 10**d - round(grid.step * 10**d)) < 1e-6), None)
    if digits is None:
        return 0.0, (1, 0)
    step, offset = round(grid.step * 10**digits), round(grid.offset * 10**digits)
    if step < 1:  # finer than any digit looked at
        return 0.0, (1, 0)
    while step % 10 == 0 and offset % 10 == 0:
        step, offset, digits = step // 10, offset // 10, digits - 1
    if PERIOD % step:
        return 0.0, (1, 0)
    return (1 / 10**digits if digits >= 0 else float(10**-digits)), (step, offset % step)


def _on_lattice(levels: int, lattice: tuple[int, int]) -> FloatArray:
    """Return 1 for every residue that the column's own steps reach, shape (levels, 1000)."""
    step, offset = lattice
    out = np.ones((levels, PERIOD))
    out[0] = np.arange(PERIOD) % step == offset
    if offset:
        out[1:] = 0.0
    return out


def _bands(ticks: TickArray) -> TickArray:
    """Return edges at powers of ten, so that each band holds enough values (or is one of two, by sign)."""
    inner = [0] if (ticks < 0).any() else []
    for sign in (1, -1):
        size = np.sort(np.abs(ticks[ticks >= 0] if sign > 0 else ticks[ticks < 0]))
        power, upper = len(str(int(size[-1]))) if len(size) else 0, len(size)
        for k in range(power - 1, 0, -1):
            below = int(np.searchsorted(size, 10**k))
            if upper - below >= LEAST_VALUES and below >= LEAST_VALUES:
                inner.append(10**k if sign > 0 else 1 - 10**k)
                upper = below
    ends = [-(2**53), *sorted(set(inner)), 2**53]
    if not (ticks < 0).any():
        ends[0] = min(0, int(ticks.min()))
    return np.array(ends, dtype=np.int64)


class _Band:
    """Counts one magnitude's values by level and residue, and weighs them against an even density."""

    def __init__(
        self,
        ticks: TickArray,
        weights: FloatArray,
        persons: IntArray | None,
        levels: int,
        lattice: tuple[int, int],
        min_shared: int,
    ) -> None:
        self.levels, self.lattice, self.min_shared = levels, lattice, min_shared
        self.low, self.high = int(ticks.min()), int(ticks.max())
        self.cell = _cells(ticks, levels)
        self.weights, self.persons = weights, persons
        self.expected = self._spread(ticks, weights)
        self.seen = np.bincount(self.cell, weights, minlength=levels * PERIOD).reshape(levels, PERIOD)

    def table(self) -> FloatArray:
        """Return the weights, shape (levels, 1000)."""
        out = np.ones((self.levels, PERIOD))
        for groups in (self._classes(), *self._endings()):
            out *= self._factor(groups, out)
        return out

    def _spread(self, ticks: TickArray, weights: FloatArray) -> FloatArray:
        """Return how much each residue would have if values lay evenly within short stretches of the line."""
        span = np.abs([self.low, self.high])
        cuts = np.geomspace(max(1, span.min()), span.max() + 1, _SLICES + 1)[1:-1]
        inner = np.unique(np.rint(cuts if self.low >= 0 else -cuts).astype(np.int64))
        ends = np.concatenate([[self.low], inner[(inner > self.low) & (inner <= self.high)], [self.high + 1]])
        inside = np.bincount(np.searchsorted(ends[1:-1], ticks, side="right"), weights, minlength=len(ends) - 1)
        out = np.zeros((self.levels, PERIOD))
        for first, after, total in zip(ends[:-1], ends[1:], inside, strict=True):
            points = self._points(int(first), int(after) - 1)
            out += points * (total / max(1.0, points.sum()))
        return out

    def _points(self, first: int, last: int) -> FloatArray:
        """Return how many ticks of each level and residue lie in [first, last]."""
        out = np.zeros((self.levels, PERIOD))
        residue = np.arange(PERIOD)
        for k in range(self.levels):
            begin, end = -(-first // PERIOD**k), last // PERIOD**k
            out[k] = np.maximum(0, (end - residue) // PERIOD - (begin - 1 - residue) // PERIOD)
        out[:-1, 0] = 0.0
        return np.asarray(out * _on_lattice(self.levels, self.lattice))

    def _classes(self) -> IntArray:
        """Return the class of each level and residue: its largest divisor that has several multiples in the band."""
        room = (self.high - self.low) / _LEAST_MULTIPLES
        residue = np.arange(PERIOD)
        out = np.zeros((self.levels, PERIOD), dtype=np.intp)
        for k in range(self.levels):
            for i, divisor in enumerate(_LADDER):
                if divisor * PERIOD**k <= room:
                    out[k, residue % divisor == 0] = k * len(_LADDER) + i
        for k in range(1, self.levels):  # a divisor too large for the band leaves its multiples in the class below
            if PERIOD**k > room:
                out[k] = out.max()
        if PERIOD**self.levels <= room:
            out[-1, 0] = self.levels * len(_LADDER)
        return out

    def _endings(self) -> list[IntArray]:
        """Return groups by last digit, last two and last three at each level where the band has many periods."""
        out = []
        for k in range(self.levels):
            for period in (10, 100, 1000):
                if (self.high - self.low) >= _LEAST_PERIODS * period * PERIOD**k:
                    groups = np.full((self.levels, PERIOD), period, dtype=np.intp)
                    groups[k] = np.arange(PERIOD) % period
                    groups[k, 0] = period  # zeros are a class, not an ending
                    out.append(groups)
        return out

    def _factor(self, groups: IntArray, so_far: FloatArray) -> FloatArray:
        """Return how much more often each group occurs than so far expected; 1 where that is not sure."""
        size = int(groups.max()) + 1
        weighed = self.expected * so_far
        weighed *= self.seen.sum() / max(weighed.sum(), 1e-300)
        expected = np.bincount(groups.ravel(), weighed.ravel(), minlength=size).astype(np.float64)
        seen = np.bincount(groups.ravel(), self.seen.ravel(), minlength=size).astype(np.float64)
        few = heads(groups.ravel()[self.cell], self.persons, size) < self.min_shared
        return np.asarray(factors(seen, expected, few)[groups])


def factors(seen: FloatArray, expected: FloatArray, few: npt.NDArray[np.bool_]) -> FloatArray:
    """Return how much more often groups occur than expected; 1 where that is not sure, and as if never where few."""
    sure = np.abs(seen - expected) > _SURE * np.sqrt(np.maximum(expected, 1.0))
    sure &= ~few | (seen < expected)
    return np.where(sure, (np.where(few, 0.0, seen) + _PRIOR) / (expected + _PRIOR), 1.0)


def heads(groups: IntArray, persons: IntArray | None, size: int) -> IntArray:
    """Return the number of persons in each group, shape (size,); ``persons`` is ``None`` when rows are persons."""
    if persons is not None and len(persons):
        groups = np.unique(groups * (int(persons.max()) + 1) + persons) // (int(persons.max()) + 1)
    return np.bincount(groups, minlength=size).astype(np.intp)


def _cells(ticks: TickArray, levels: int) -> IntArray:
    """Return level and residue of each tick as one number."""
    rest, level = ticks.copy(), np.zeros(len(ticks), dtype=np.intp)
    for k in range(levels - 1):
        go = np.flatnonzero((level == k) & (rest % PERIOD == 0))
        rest[go] //= PERIOD
        level[go] += 1
    return np.asarray(level * PERIOD + rest % PERIOD, dtype=np.intp)
