"""Counting persons rather than rows: the unit behind every threshold of this room."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from synthproof.data.table.dataset import Table

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]


def persons_per_level(table: Table, codes: npt.NDArray[np.integer], n_levels: int) -> IntArray:
    """Return how many persons hold each level at least once, shape (n_levels,).

    Parameters
    ----------
    codes
        Level of each row, -1 for missing, shape (n_rows,).
    """
    held = codes >= 0
    if table.schema.unit_field is None:
        return np.bincount(codes[held], minlength=n_levels).astype(np.intp, copy=False)
    pairs = np.unique(table.unit_of_row[held] * np.int64(n_levels) + codes[held])
    return np.bincount(pairs % n_levels, minlength=n_levels).astype(np.intp, copy=False)


def persons_of(table: Table, rows: npt.NDArray[np.bool_]) -> int:
    """Return how many persons have at least one of the marked rows."""
    if table.schema.unit_field is None:
        return int(rows.sum())
    return int(np.unique(table.unit_of_row[rows]).size)


def person_extremes(table: Table, values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return each person's smallest and largest value, persons without any left out; both sorted upwards."""
    held = ~np.isnan(values)
    if table.schema.unit_field is None:
        found = np.sort(values[held])
        return found, found
    units = table.unit_of_row[held]
    n = int(units.max()) + 1 if units.size else 0
    least = np.full(n, np.inf)
    most = np.full(n, -np.inf)
    np.minimum.at(least, units, values[held])
    np.maximum.at(most, units, values[held])
    return np.sort(least[np.isfinite(least)]), np.sort(most[np.isfinite(most)])
