"""Who is attacked: members (learned from), others (never seen), and the rows an attacker may have besides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from synthproof.core.contracts import Case
from synthproof.core.random import permutation
from synthproof.engines.records import IdArray
from synthproof.metrics.table.footing import Footing, footing

FloatArray = npt.NDArray[np.float64]
UnitArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]

MOST = 20_000
"""Units a side that are attacked at most: a rate of 1 % is then known to ±0.2 points."""
MOST_WORK = 200_000_000_000
"""Rows attacked × rows searched × fields above which fewer units are attacked (about 40 CPU-seconds)."""
FEWEST = 2_000
"""Units a side that are attacked at least, whatever it costs."""


@dataclass(frozen=True, slots=True)
class Side:
    """Attacked units of one data set.

    Parameters
    ----------
    units
        Their places among the data set's units.
    rows
        Their rows in the data set.
    of_row
        Which of the attacked units each of `rows` belongs to, 0 … len(units) - 1.
    """

    units: UnitArray
    rows: UnitArray
    of_row: UnitArray

    def __len__(self) -> int:
        return len(self.units)

    @property
    def first_half(self) -> BoolArray:
        """Whether a unit is in half A, on which attacks and thresholds are chosen; shape (units,)."""
        return np.arange(len(self.units)) < len(self.units) // 2


def order_of_units(ids: IdArray, units: UnitArray) -> UnitArray:
    """Return the units in order of content, so that a draw by place does not depend on the order of rows.

    Units are compared by their least record number, then by a hash of all of them; equal units are interchangeable.
    """
    if len(units) == 0:
        return np.empty(0, dtype=np.intp)
    rows = np.lexsort((ids, units))
    starts = np.flatnonzero(np.concatenate([[True], np.diff(units[rows]) != 0]))
    place = np.arange(len(rows)) - np.repeat(starts, np.diff(np.append(starts, len(rows))))
    powers = np.uint64(0x9E3779B97F4A7C15) ** place.astype(np.uint64)
    hashed = np.add.reduceat((ids[rows].astype(np.uint64) + np.uint64(1)) * powers, starts)
    return np.lexsort((hashed, ids[rows[starts]])).astype(np.intp)


def order_of_rows(base: Footing, name: str) -> UnitArray:
    """Return the rows of a data set in order of content."""
    return np.argsort(base.ids[name], kind="stable").astype(np.intp)


def shuffled_units(case: Case[Any], name: str, *, seed: int, purpose: str) -> UnitArray:
    """Return all units of a data set in a random order that depends on seed and content alone."""
    base = footing(case)
    order = order_of_units(base.ids[name], base.units[name])
    return order[permutation(seed, f"{purpose}/{name}", len(order))]


def side_of(case: Case[Any], name: str, units: UnitArray) -> Side:
    """Return the rows of some units of a data set, unit by unit."""
    of_row = footing(case).units[name]
    number = np.full(int(of_row.max(initial=-1)) + 1, -1, dtype=np.intp)
    number[units] = np.arange(len(units))
    rows = np.flatnonzero(number[of_row] >= 0)
    rows = rows[np.argsort(number[of_row[rows]], kind="stable")]
    return Side(units, rows.astype(np.intp), number[of_row[rows]])


def most_units(case: Case[Any], searched: int, rows_per_unit: float, fields: int) -> int:
    """Return how many units a side may be attacked when each of their rows is held against `searched` rows."""
    if case.full:
        return max(len(case.train), len(case.holdout or ()))
    affordable = MOST_WORK / max(1.0, 2 * searched * rows_per_unit * fields)
    return int(min(MOST, max(FEWEST, affordable)))
