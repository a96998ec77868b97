"""Exact relations of a numeric column with earlier ones: equal to one of them, to a sum, to a difference, to a plane.

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

from synthproof.synthesizers.table.chain.linear_relations import find_planes

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
    """A reference out of earlier columns: a weighted sum of them, rounded as the column's own values are.

    Parameters
    ----------
    terms
        Earlier numeric columns with their weights.
    constant
        Added to the sum.
    near
        How near to the reference a value counts as equal; 0: the column's `tolerance`.
    """

    terms: tuple[tuple[str, float], ...]
    constant: float = 0.0
    near: float = 0.0

    def reference(self, rows: Mapping[str, FloatArray]) -> FloatArray:
        """Return the value that the relation asks for, shape (n,); NaN where an earlier column is missing."""
        first, weight = self.terms[0]
        out = rows[first] if weight == 1 and not self.constant else weight * rows[first] + self.constant
        for name, w in self.terms[1:]:
            out = out + w * rows[name]
        return np.asarray(out)

    def get_state(self) -> dict[str, Any]:
        """Return plain values."""
        return {"terms": [[name, w] for name, w in self.terms], "constant": self.constant, "near": self.near}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Take back what `get_state` returned."""
        terms = tuple((str(name), float(w)) for name, w in state["terms"])
        return cls(terms, float(state["constant"]), float(state["near"]))


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
    values: FloatArray,
    rows: Mapping[str, FloatArray],
    names: tuple[str, ...],
    heavy: FloatArray,
    near: float,
    *,
    step: float = 0.0,
    seed: int = 0,
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
    step
        Its lattice step.

    Notes
    -----
    Cost O(n · names) for equalities, O(min(n, 20,000) · 16²) for sums and differences, and that of `find_planes`.
    """
    left = ~np.isin(values, heavy)
    n = len(values)
    found: list[Relation] = []
    candidates = [Relation(((name, 1.0),)) for name in names]
    few = slice(0, None, max(1, n // _PAIR_ROWS))
    some = left[few].copy()
    for m in names:
        some &= ~holds(values[few], rows[m][few], heavy, near)
    if len(names) > 1 and some.mean() > _PAIR_SHARE:
        pairs, summed = _pairs(values[few], {m: rows[m][few] for m in names[:_PAIR_COLUMNS]}, some, near)
        candidates += pairs
        some &= ~summed
        if some.mean() > _PAIR_SHARE:
            left_over = {m: rows[m][few][some] for m in names}
            planes = find_planes(values[few][some], left_over, names, step, seed=seed)
            candidates += [Relation(*plane) for plane in planes]
    hits = {r: holds(values, r.reference(rows), heavy, max(near, r.near)) for r in candidates}
    while hits and len(found) < _MOST:
        counts = {r: int((hit & left).sum()) for r, hit in hits.items()}
        best = max(counts, key=lambda r: counts[r])
        if counts[best] < max(_LEAST, _LEAST_SHARE * n):
            break
        found.append(best)
        left &= ~hits.pop(best)
    return tuple(found)


def _pairs(
    values: FloatArray, rows: Mapping[str, FloatArray], some: BoolArray, near: float
) -> tuple[list[Relation], BoolArray]:
    """Return sums and differences of two columns, neither of them 0, that hold in a notable share of the rows.

    Also which rows keep any of them.
    """
    names = list(rows)
    at = np.flatnonzero(some)
    y, found = values[at], []
    kept = np.zeros(len(values), dtype=np.bool_)
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            p, q = rows[a][at], rows[b][at]
            there = (p != 0) & (q != 0)
            for one, two, sign, total in ((a, b, 1.0, p + q), (a, b, -1.0, p - q), (b, a, -1.0, q - p)):
                with np.errstate(invalid="ignore"):
                    hit = there & (np.abs(y - total) <= near)
                if hit.sum() / len(some) > _PAIR_SHARE:
                    found.append(Relation(((one, 1.0), (two, sign))))
                    kept[at[hit]] = True
    return found, kept


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
