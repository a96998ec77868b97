"""Folds that never part a protected unit."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from synthproof.core.random import permutation

IntArray = npt.NDArray[np.intp]


def fold_of_rows(units: IntArray, folds: int, *, seed: int, purpose: str) -> IntArray:
    """Return the fold of each row, 0 … folds - 1: units are shuffled and dealt out in turn.

    Parameters
    ----------
    units
        Number of the unit that each row belongs to, 0 … n_units - 1, shape (n_rows,).
    folds
        Number of folds; their sizes differ by one unit at most.
    seed, purpose
        Address of the shuffle.
    """
    n_units = int(units.max()) + 1 if len(units) else 0
    fold = np.empty(n_units, dtype=np.intp)
    fold[permutation(seed, purpose, n_units)] = np.arange(n_units) % folds
    return fold[units]
