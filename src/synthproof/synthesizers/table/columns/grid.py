"""The lattice a numeric column's values lie on, its range, and which of its values many persons share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synthproof.core.schema import Field

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]

_DIGITS = 9
_MIN_FOR_STEP = 12
_LARGEST = 2.0**62
_US = 1_000_000.0
_GRAINS = (86_400 * _US, 3_600 * _US, 60 * _US, _US, 1_000.0)


@dataclass(frozen=True, slots=True)
class Grid:
    """The lattice a numeric column's values lie on, and its range.

    Parameters
    ----------
    step
        Distance of neighbouring values; 0 when any number may occur.
    offset
        One value of the lattice.
    low, high
        Smallest and largest value that may be drawn; on the lattice.
    """

    step: float
    offset: float
    low: float
    high: float

    def settle(self, values: FloatArray) -> FloatArray:
        """Return values rounded to the lattice and kept in range; NaN stays.

        A value of a decimal lattice is the very number that its text is read as: 0.7, and not seven times 0.1.
        """
        if self.step > 0:
            values = _as_read(self.offset + self.step * np.rint((values - self.offset) / self.step), self.step)
        return np.clip(values, self.low, self.high)

    @property
    def slack(self) -> float:
        """Half a step, or the finest distance that matters on a column without steps."""
        return (
            self.step / 2 if self.step > 0 else max(abs(self.high), abs(self.low), self.high - self.low, 1e-300) * 1e-9
        )


@dataclass(frozen=True, slots=True)
class Shape:
    """What must be known of a numeric column before its pieces can be cut, anywhere in a model.

    Parameters
    ----------
    grid
        Lattice and range.
    sites
        Distinct observed values, ascending.
    shared
        For each site, whether at least ``min_shared`` persons have it.
    """

    grid: Grid
    sites: FloatArray
    shared: BoolArray

    @property
    def empty(self) -> bool:
        """Whether nothing can be drawn but a missing value."""
        return len(self.sites) == 0


def shape_of(values: FloatArray, f: Field, *, min_shared: int, persons: IntArray | None = None) -> Shape:
    """Return the shape of a numeric column.

    Parameters
    ----------
    values
        Shape (n,), NaN missing.
    persons
        Position of the unit of each row when units have several rows: a value repeated by one person is not shared.

    Notes
    -----
    A column that holds one value throughout is kept as it is when at least two persons have it; a value that a single
    person holds and nobody else has any, cannot be shown at all, so the column is drawn as missing.
    """
    there = ~np.isnan(values)
    sites, inverse, counts = np.unique(values[there], return_inverse=True, return_counts=True)
    if persons is not None and len(sites):
        pairs = np.unique(np.stack([inverse.astype(np.int64), persons[there].astype(np.int64)]), axis=1)
        counts = np.bincount(pairs[0], minlength=len(sites))
    shared = counts >= min_shared
    if len(sites) == 1:
        shared = counts >= 2
        if not shared[0]:
            return Shape(Grid(0.0, 0.0, 0.0, 0.0), np.empty(0), np.empty(0, dtype=np.bool_))
    return Shape(grid_of(sites, f), sites, shared)


def grid_of(sites: FloatArray, f: Field) -> Grid:
    """Return the lattice of a column's distinct values. Cost O(number of sites)."""
    if not len(sites):
        return Grid(0.0, 0.0, 0.0, 0.0)
    low = float(sites[0]) if f.low is None else min(float(f.low), float(sites[-1]))
    high = float(sites[-1]) if f.high is None else max(float(f.high), float(sites[0]))
    step, offset = _step(sites, f)
    if step > 0:
        slip = step * 1e-6
        first = np.ceil((low - offset - slip) / step)
        last = np.floor((high - offset + slip) / step)
        low, high = _as_read(offset + step * np.array([first, max(first, last)]), step)
    return Grid(step, offset, float(low), float(high))


def _step(sites: FloatArray, f: Field) -> tuple[float, float]:
    if f.kind == "datetime":
        for grain in _GRAINS:
            if np.all(np.mod(sites - sites[0], grain) == 0):
                return grain, float(np.mod(sites[0], grain))
        return 1.0, 0.0
    if f.kind == "integer":
        scale = 1.0
    else:
        digits = f.decimals if f.decimals is not None else _decimals(sites)
        if digits is None or digits > _DIGITS:
            return 0.0, 0.0
        scale = 10.0**digits
    if max(abs(sites[0]), abs(sites[-1])) >= _LARGEST / scale:
        return 0.0, 0.0
    ticks = np.rint(sites * scale)
    gaps = np.diff(ticks).astype(np.int64)
    gaps = gaps[gaps > 0]
    # A lattice wider than the last digit (heights in steps of 5) is believed only where enough values show it.
    common = int(np.gcd.reduce(gaps)) if len(gaps) >= _MIN_FOR_STEP else 1
    common = max(1, common)
    return common / scale, float(np.mod(ticks[0], common)) / scale


def _as_read(values: FloatArray, step: float) -> FloatArray:
    """Return values of a decimal lattice as the numbers that their texts are read as."""
    scale = next((10.0**d for d in range(_DIGITS + 1) if _whole(step * 10.0**d)), 1.0)
    return values if scale == 1 else np.asarray(np.rint(values * scale) / scale)


def _whole(x: float) -> bool:
    return x >= 0.5 and abs(x - round(x)) <= 1e-6 * x  # noqa: PLR2004


def _decimals(sites: FloatArray) -> int | None:
    for digits in range(5):
        scaled = sites * 10.0**digits
        if np.all(np.abs(scaled - np.rint(scaled)) <= 1e-9 * np.abs(scaled)):
            return digits
    return None
