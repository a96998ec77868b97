"""What each column of partial rows may still be, and how rules narrow it.

A known column has its value. An unknown one has an interval and, where rules list values, a choice; both start from the
column's own range and levels. Laws narrow them until nothing changes: bounds consistency (Marriott & Stuckey 1998,
*Programming with Constraints*, ch. 3), for all rows at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from synthproof.core.schema import Field
from synthproof.engines.codes import levels_of
from synthproof.synthesizers.table.columns.grid import Grid
from synthproof.synthesizers.table.rules.bounds import NEAR, Choice

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]

_ON_STEP = 1e-6  # of a step


@dataclass(frozen=True, slots=True)
class Axis:
    """What a column may be at all.

    Parameters
    ----------
    field
        The column.
    low, high
        Smallest and largest number; codes run from 0.
    step, offset
        Lattice of the numbers; 0 where any number may occur.
    unit
        Distance of neighbouring numbers that the column's writing allows (whole numbers, cents, days); a number that a
        rule fixes need not lie on the lattice, but on this; 0 where any number may occur.
    """

    field: Field
    low: float
    high: float
    step: float
    offset: float
    unit: float

    @property
    def levels(self) -> int:
        """Number of levels; 0 for numbers."""
        return len(levels_of(self.field)) if self.field.levelled else 0

    def inward(self, low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return bounds drawn in to the nearest numbers of the lattice."""
        if self.step <= 0:
            return low, high
        up = np.ceil((low - self.offset) / self.step - _ON_STEP)
        down = np.floor((high - self.offset) / self.step + _ON_STEP)
        return self.offset + self.step * up, self.offset + self.step * down

    def written(self, values: FloatArray) -> FloatArray:
        """Return numbers rid of the noise of sums, NaN where the column's writing cannot hold them."""
        if self.unit <= 0:
            return values
        anchor = self.offset if self.field.kind == "datetime" else 0.0
        near = anchor + self.unit * np.rint((values - anchor) / self.unit)
        fits = np.abs(values - near) <= np.maximum(_ON_STEP * self.unit, NEAR * np.abs(near))
        return np.where(fits, near, np.nan)

    @property
    def hair(self) -> float:
        """How far a strict comparison keeps away from its bound: on a lattice, enough to exclude the bound itself."""
        return 1e-3 * self.step if self.step > 0 else 4 * NEAR * max(1.0, abs(self.low), abs(self.high))


def axis_of(f: Field, grid: Grid | None) -> Axis:
    """Return the axis of a drawn column from its field and, for numbers, its grid."""
    if f.levelled or grid is None:
        return Axis(f, 0.0, float(max(0, len(levels_of(f)) - 1)), 1.0, 0.0, 1.0)
    match f.kind:
        case "integer":
            unit = 1.0
        case "datetime":
            unit = grid.step
        case _:
            unit = 0.0 if f.decimals is None else 10.0**-f.decimals
    return Axis(f, grid.low, grid.high, grid.step, grid.offset, unit)


@dataclass(slots=True)
class Domains:
    """What n partial rows may still be.

    Parameters
    ----------
    axes
        Of the columns that rules speak of.
    known
        Columns drawn so far: numbers, codes, NaN for missing; each of shape (n,).
    n
        Number of rows.
    """

    axes: Mapping[str, Axis]
    known: Mapping[str, FloatArray]
    n: int
    low: dict[str, FloatArray] = field(default_factory=dict)
    high: dict[str, FloatArray] = field(default_factory=dict)
    choice: dict[str, Choice] = field(default_factory=dict)
    dead: BoolArray = field(init=False)
    changed: bool = False

    def __post_init__(self) -> None:
        self.dead = np.zeros(self.n, dtype=np.bool_)

    def unknown(self, names: tuple[str, ...]) -> list[str]:
        """Return those of the columns that are not drawn yet."""
        return [n for n in names if n not in self.known]

    def live(self, names: tuple[str, ...]) -> BoolArray:
        """Return the rows in which none of the columns is known to be missing: a rule asks something of these only."""
        out = ~self.dead
        for name in names:
            if name in self.known:
                out &= ~np.isnan(self.known[name])
        return out

    def interval(self, name: str) -> tuple[FloatArray, FloatArray]:
        """Return the smallest and largest number a column may be, shape (n,) each; a known one is both."""
        if name in self.known:
            return self.known[name], self.known[name]
        if name not in self.low:
            axis = self.axes[name]
            self.low[name], self.high[name] = np.full(self.n, axis.low), np.full(self.n, axis.high)
        return self.low[name], self.high[name]

    def narrow(self, name: str, low: FloatArray | float, high: FloatArray | float, rows: BoolArray) -> None:
        """Keep an unknown column between two numbers in some rows; rows left without a number die."""
        axis = self.axes[name]
        old_low, old_high = self.interval(name)
        new_low = np.where(rows, np.maximum(old_low, low), old_low)
        new_high = np.where(rows, np.minimum(old_high, high), old_high)
        moved = (new_low > old_low) | (new_high < old_high)
        if not moved.any():
            return
        in_low, in_high = axis.inward(new_low, new_high)
        # What an equality has fixed off the lattice stays as it is.
        new_low, new_high = (
            np.where(moved & (new_low < new_high), in_low, new_low),
            np.where(moved & (new_low < new_high), in_high, new_high),
        )
        slack = NEAR * np.maximum(1.0, np.maximum(np.abs(new_low), np.abs(new_high)))
        self._kill(moved & (new_low > new_high + slack))
        high_now = np.maximum(new_high, new_low)
        self.changed |= bool(((new_low > old_low + slack) | (high_now < old_high - slack)).any())
        self.low[name], self.high[name] = new_low, high_now

    def pin(self, name: str, values: FloatArray, rows: BoolArray) -> None:
        """Fix an unknown column to a number in some rows; rows whose number is out of range or cannot be written die."""
        axis = self.axes[name]
        low, high = self.interval(name)
        exact = np.where(rows, axis.written(values), np.nan)
        slack = NEAR * np.maximum(1.0, np.abs(values))
        with np.errstate(invalid="ignore"):
            fits = (exact >= low - slack) & (exact <= high + slack)
        self._kill(rows & ~fits)
        fresh = rows & fits & ((low != exact) | (high != exact))
        if fresh.any():
            self.changed = True
            self.low[name], self.high[name] = np.where(fresh, exact, low), np.where(fresh, exact, high)

    def restrict(self, name: str, choice: Choice, rows: BoolArray) -> None:
        """Keep an unknown column to listed values in some rows; rows left without any die."""
        wanted = Choice(np.where(rows, choice.row, -1), choice.start, choice.values)
        if not (wanted.row >= 0).any():
            return
        old = self.choice.get(name)
        new = wanted if old is None else old.both(wanted)
        sizes = new.sizes
        self._kill(rows & (sizes == 0))
        if old is None or bool((sizes != old.sizes).any()):
            self.changed = True
        self.choice[name] = new
        low, high = new.hull()
        self.narrow(name, low, high, (new.row >= 0) & ~self.dead)

    def allowed(self, name: str) -> Choice | None:
        """Return the values that rules list for a column: a known one is its own list; ``None`` where none does."""
        if name not in self.known:
            return self.choice.get(name)
        values, row = np.unique(self.known[name], return_inverse=True, equal_nan=True)
        real = int((~np.isnan(values)).sum())
        row = np.where(row.reshape(-1) < real, row.reshape(-1), -1).astype(np.intp)
        return Choice(row, np.arange(real + 1, dtype=np.intp), values[:real])

    def fail(self, rows: BoolArray) -> None:
        """Say that some rows cannot keep a rule any more."""
        self._kill(rows)

    def _kill(self, rows: BoolArray) -> None:
        self.dead |= rows
