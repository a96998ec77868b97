"""The order in which a chain draws its columns: few values first, then numbers along their strongest links.

A column of few values is learned well from little, and all others can lean on it. Numbers of many values follow each
other closely only if the one they follow is drawn before: of those left, the one most strongly tied to any number
already drawn comes next (the order in which a maximum spanning tree of rank correlations grows, Prim 1957).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from synthproof.core.schema import Field
from synthproof.core.stats import ranks

FloatArray = npt.NDArray[np.float64]

MANY = 100
_ROWS = 20_000
_DIGITS = 6


def order_of(
    values: Mapping[str, FloatArray], fields: Mapping[str, Field], sizes: Mapping[str, int]
) -> tuple[str, ...]:
    """Return all columns in drawing order.

    Parameters
    ----------
    values
        Columns of shape (n,): numbers or codes of levels, NaN missing.
    fields
        Their fields.
    sizes
        Number of different values of each.

    Notes
    -----
    Ties are broken by the order of `values`. Cost O(n p log n + n p²) with n at most 20,000.
    """
    names = list(values)
    few = [m for m in names if not fields[m].numeric or sizes[m] < MANY]
    many = [m for m in names if m not in set(few)]
    first = sorted(few, key=lambda m: sizes[m])
    if len(many) < 3:
        return (*first, *sorted(many, key=lambda m: sizes[m]))
    tie = _ties(np.stack([values[m] for m in many], axis=1))
    np.fill_diagonal(tie, 0.0)
    placed = [int(np.argmax(tie.sum(axis=0)))]
    while len(placed) < len(many):
        strength = tie[placed].max(axis=0)
        strength[placed] = -1.0
        placed.append(int(np.argmax(strength)))
    return (*first, *(many[i] for i in placed))


def _ties(x: FloatArray) -> FloatArray:
    """Return absolute rank correlations, missing values at the middle, shape (p, p)."""
    x = x[:: max(1, len(x) // _ROWS)]
    place = np.zeros(x.shape)
    for j in range(x.shape[1]):
        there = ~np.isnan(x[:, j])
        if there.any():
            r = ranks(x[there, j])
            place[there, j] = r - r.mean()
    scale = np.sqrt((place**2).sum(axis=0))
    place /= np.where(scale > 0, scale, 1.0)
    return np.asarray(np.round(np.abs(np.einsum("ij,ik->jk", place, place)), _DIGITS))
