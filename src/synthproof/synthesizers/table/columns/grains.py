"""How a numeric or date column's values lie within any stretch of the line, and draws in a stretch that keep it.

A generator that has chosen an interval for a row calls `Grains.draw` for the value in it: a multiple of 1,000 where
amounts are, a price in .99, a weekday at nine. What the profile says is relative to the density around a value; where in
the range values are many or few is the generator's own business.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from synthproof.core.schema import Field
from synthproof.synthesizers.table.columns.grid import Grid, Shape
from synthproof.synthesizers.table.columns.rhythm import Rhythm, learn_rhythm
from synthproof.synthesizers.table.columns.rounding import Rounding, learn_rounding

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Grains:
    """The profile of one column.

    Parameters
    ----------
    profile
        Of numbers or of dates.
    grid
        Lattice and range of the column.
    """

    profile: Rounding | Rhythm
    grid: Grid

    @classmethod
    def learn(
        cls,
        values: FloatArray,
        f: Field,
        grid: Grid,
        weights: FloatArray | None = None,
        *,
        persons: IntArray | None = None,
        min_shared: int = 10,
    ) -> Self | None:
        """Return the profile of a column, or ``None`` where nothing sure deviates from an even one. Cost O(n).

        Parameters
        ----------
        values
            Shape (n,), NaN missing: those values that draws in intervals stand for (without atoms, where these are
            drawn apart).
        weights
            Sample weights, shape (n,); they count for shares, not for the number of persons.
        persons
            Person of each value, when persons have several.
        min_shared
            A class of values with fewer persons than this gets no weight of its own.
        """
        there = np.isfinite(values)
        if weights is not None:
            there &= weights > 0
        kept = values[there]
        mass = np.ones(len(kept)) if weights is None else weights[there] * (len(kept) / weights[there].sum())
        who = None if persons is None else persons[there]
        learn: Any = learn_rhythm if f.kind == "datetime" else learn_rounding
        profile = learn(kept, f, grid, mass, who, min_shared=min_shared)
        return None if profile is None else cls(profile, grid)

    @classmethod
    def of_shape(
        cls, values: FloatArray, f: Field, shape: Shape, *, persons: IntArray | None = None, min_shared: int = 10
    ) -> Self | None:
        """Return the profile of those values of a column that intervals stand for: the ones that are not shared."""
        if shape.empty or not shape.grid.step > 0:
            return None
        site = np.minimum(np.searchsorted(shape.sites, values), len(shape.sites) - 1)
        own = np.where(shape.shared[site], np.nan, values)
        return cls.learn(own, f, shape.grid, persons=persons, min_shared=min_shared)

    def draw(self, low: FloatArray, high: FloatArray, u: FloatArray, v: FloatArray) -> FloatArray:
        """Return one value in [low, high] per row, on the lattice, by weight. Cost O(n log n).

        Parameters
        ----------
        low, high
            Shape (n,), both ends belong to the interval; NaN stays NaN. An interval without a lattice value gives the
            nearest one.
        u, v
            Uniforms.
        """
        out = low + v * (high - low)
        wide = np.flatnonzero(high > low)
        drawn = self.profile.draw(low[wide], high[wide], u[wide], v[wide])
        out[wide] = np.where(np.isnan(drawn), out[wide], drawn)
        return self.grid.settle(out)

    def mass(self, low: FloatArray, high: FloatArray) -> FloatArray:
        """Return the weight of the lattice values in [low, high], both included, shape (n,).

        A value's probability within its interval is ``mass(x, x) / mass(low, high)``.
        """
        return self.profile.mass(low, high)

    def part(self, low: FloatArray, high: FloatArray, inner_low: FloatArray, inner_high: FloatArray) -> FloatArray:
        """Return the share of each interval's weight that lies in an inner one, by length where it has no weight."""
        whole = self.mass(low, high)
        length = np.where(high > low, (inner_high - inner_low) / np.where(high > low, high - low, 1.0), 1.0)
        share = self.mass(inner_low, inner_high) / np.where(whole > 0, whole, 1.0)
        return np.asarray(np.where(whole > 0, share, length))

    def get_state(self) -> dict[str, Any]:
        """Return plain values."""
        grid = {"step": self.grid.step, "offset": self.grid.offset, "low": self.grid.low, "high": self.grid.high}
        kind = "rhythm" if isinstance(self.profile, Rhythm) else "rounding"
        return {"kind": kind, "grid": grid, "profile": self.profile.get_state()}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Take back what `get_state` returned."""
        kind = Rhythm if state["kind"] == "rhythm" else Rounding
        return cls(kind.from_state(state["profile"]), Grid(**state["grid"]))
