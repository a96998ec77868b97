"""Exact relations of a numeric column with earlier ones: equal to one of them, to a sum, to a difference.

A payment that equals last month's bill, a living area that is floor plus basement: no binning shows that, and no smooth
density either. A relation names a reference that is computed from a row's earlier columns; how often a row's value *is*
the reference is learned apart. What is handed out is the value of the synthetic row itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

_HEAVY = 0.03  # a value of more than this share of the rows explains an equality by itself
_LEAST, _LEAST_SHARE = 40, 0.004
_PAIR_SHARE = 0.05
_PAIR_COLUMNS, _PAIR_ROWS = 16, 20_000
_MOST = 8
_CLOSE = 1e-6


@dataclass(frozen=True, slots=True)
class Relation:
    """A reference out of earlier columns.

    Parameters
    ----------
    first
        An earlier numeric column.
    second
        Another one, or empty.
    sign
        What `second` is multiplied with before it is added.
    """

    first: str
    second: str = ""
    sign: float = 1.0

    def reference(self, rows: Mapping[str, FloatArray]) -> FloatArray:
        """Return the value that the relation asks for, shape (n,); NaN where an earlier column is missing."""
        return rows[self.first] + self.sign * rows[self.second] if self.second else rows[self.first]

    def get_state(self) -> dict[str, Any]:
        """Return plain values."""
        return {"first": self.first, "second": self.second, "sign": self.sign}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Take back what `get_state` returned."""
        return cls(state["first"], state["second"], float(state["sign"]))


def tolerance(step: float, values: FloatArray) -> float:
    """Return how near two numbers are that count as equal: far below a step, or what rounding of sums leaves."""
    top = float(np.nanmax(np.abs(values), initial=0.0))
    return max(step * _CLOSE, top * 1e-12)


def heavy_values(values: FloatArray, sites: FloatArray, shared: BoolArray) -> FloatArray:
    """Return the shared values of many rows; equality with them says nothing about a relation."""
    counts = np.bincount(np.searchsorted(sites, values), minlength=len(sites))
    return sites[shared & (counts > _HEAVY * len(values))]


def holds(values: FloatArray, reference: FloatArray, heavy: FloatArray, near: float) -> BoolArray:
    """Return where a value equals the reference and is no heavy value, shape (n,)."""
    with np.errstate(invalid="ignore"):
        return np.asarray((np.abs(values - reference) <= near) & ~np.isin(values, heavy))


def find_relations(
    values: FloatArray, rows: Mapping[str, FloatArray], names: tuple[str, ...], heavy: FloatArray, near: float
) -> tuple[Relation, ...]:
    """Return the relations that hold often enough among rows that none before explains, most frequent first.

    Parameters
    ----------
    values
        The column, shape (n,), no NaN.
    rows, names
        Earlier columns, and which of them are numbers that may be equal to the column; nearest kin first.
    near
        `tolerance` of the column.

    Notes
    -----
    Cost O(n · names) for equalities and O(min(n, 20,000) · 16²) for sums and differences.
    """
    left = ~np.isin(values, heavy)
    n = len(values)
    found: list[Relation] = []
    candidates = [Relation(name) for name in names]
    few = slice(0, None, max(1, n // _PAIR_ROWS))
    some = left[few].copy()
    for m in names:
        some &= ~holds(values[few], rows[m][few], heavy, near)
    if len(names) > 1 and some.mean() > _PAIR_SHARE:
        candidates += _pairs(values[few], {m: rows[m][few] for m in names[:_PAIR_COLUMNS]}, some, near)
    hits = {r: holds(values, r.reference(rows), heavy, near) for r in candidates}
    while hits and len(found) < _MOST:
        counts = {r: int((hit & left).sum()) for r, hit in hits.items()}
        best = max(counts, key=lambda r: counts[r])
        if counts[best] < max(_LEAST, _LEAST_SHARE * n):
            break
        found.append(best)
        left &= ~hits.pop(best)
    return tuple(found)


def _pairs(values: FloatArray, rows: Mapping[str, FloatArray], some: BoolArray, near: float) -> list[Relation]:
    """Return sums and differences of two columns, neither of them 0, that hold in a notable share of the rows."""
    names = list(rows)
    at = np.flatnonzero(some)
    y, found = values[at], []
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            p, q = rows[a][at], rows[b][at]
            there = (p != 0) & (q != 0)
            for one, two, sign, total in ((a, b, 1.0, p + q), (a, b, -1.0, p - q), (b, a, -1.0, q - p)):
                with np.errstate(invalid="ignore"):
                    share = (there & (np.abs(y - total) <= near)).sum() / len(some)
                if share > _PAIR_SHARE:
                    found.append(Relation(one, two, sign))
    return found


def roundness(values: FloatArray, step: float) -> FloatArray:
    """Return how many decimal zeros end a number, counted in lattice steps (0 without a lattice), shape (n,)."""
    out = np.zeros(len(values))
    if step <= 0:
        return out
    ticks = np.rint(values / step)
    alive = np.isfinite(ticks) & (ticks != 0)
    for power in range(1, 7):
        alive &= np.mod(ticks, 10.0**power) == 0
        out += alive
    return out
