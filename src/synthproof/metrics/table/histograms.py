"""Columns as counts in bins whose edges are round numbers: for distances between shares and for pictures.

An edge is never a value taken from the data: it is rounded to a grid that depends on the spread alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from synthproof.core.contracts import Case
from synthproof.core.schema import Field
from synthproof.engines.codes import Coded, levels_of
from synthproof.metrics.table.coded_case import CodedCase, Part, coded_case

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

SHOWN = 10
"""A bin with fewer real rows than this is never shown by itself."""

QUANTILES = 20
PICTURE_BINS = 24
_KEY = "table.binned_fields"
_SECOND = 1e6
_STEPS_OF_TIME = tuple(_SECOND * s for s in (1, 10, 60, 600, 3600, 21600, 86400, 604800, 2592000, 7884000, 31557600))


@dataclass(frozen=True, slots=True)
class FieldCounts:
    """Rows per bin of one field; bin 0 holds the missing ones.

    Parameters
    ----------
    edges
        Upper edges of the bins 1 … k - 1 of a numeric field (the last bin is open); empty for levels.
    """

    field: Field
    edges: FloatArray
    train: IntArray
    holdout: IntArray | None
    synthetic: IntArray


def binned_fields(case: Case[Any]) -> tuple[FieldCounts, ...]:
    """Return the counts of every field of a case: levels as they are, numbers by rounded quantiles of train."""
    found = case.cache.get(_KEY)
    if isinstance(found, tuple):
        return found
    made = tuple(_count(coded_case(case), f) for f in coded_case(case).fields)
    case.cache[_KEY] = made
    return made


def _count(cc: CodedCase, f: Field) -> FieldCounts:
    if f.levelled:
        k = len(levels_of(f))
        edges = np.empty(0)
        parts = [None if p is None else level_counts(p.coded, f.name, k) for p in (cc.train, cc.holdout, cc.synthetic)]
    else:
        edges = quantile_edges(numbers_of(cc.train.coded, f.name), f)
        parts = [
            None if p is None else number_counts(numbers_of(p.coded, f.name), edges)
            for p in (cc.train, cc.holdout, cc.synthetic)
        ]
    train, holdout, synthetic = parts
    assert train is not None
    assert synthetic is not None
    return FieldCounts(f, edges, train, holdout, synthetic)


def row_bins(part: Part, f: Field, edges: FloatArray) -> tuple[IntArray, int]:
    """Return the bin of each row (0: missing) and the number of bins, as `FieldCounts` counts them."""
    if f.levelled:
        return codes_of(part.coded, f.name).astype(np.intp) + 1, len(levels_of(f)) + 1
    values = numbers_of(part.coded, f.name)
    return np.where(np.isnan(values), 0, np.searchsorted(edges, values, side="left") + 1), len(edges) + 2


def numbers_of(coded: Coded, name: str) -> FloatArray:
    """Return one numeric field, shape (n_rows,)."""
    return coded.numbers[:, coded.numeric_names.index(name)]


def codes_of(coded: Coded, name: str) -> npt.NDArray[np.int32]:
    """Return the codes of one levelled field, shape (n_rows,)."""
    return coded.codes[:, coded.level_names.index(name)]


def level_counts(coded: Coded, name: str, k: int) -> IntArray:
    """Return (missing, level 0, level 1 …), shape (k + 1,)."""
    return np.bincount(codes_of(coded, name).astype(np.intp) + 1, minlength=k + 1)


def number_counts(values: FloatArray, edges: FloatArray) -> IntArray:
    """Return (missing, up to edge 0, up to edge 1, …, above the last), shape (len(edges) + 2,)."""
    present = values[~np.isnan(values)]
    place = np.searchsorted(edges, present, side="left") + 1
    out = np.bincount(place, minlength=len(edges) + 2)
    out[0] = len(values) - len(present)
    return out


def quantile_edges(values: FloatArray, f: Field) -> FloatArray:
    """Return rounded quantiles of a numeric field, rising and distinct.

    Quantiles of all values and of those that differ from the commonest one, so that a column that is mostly zero
    keeps the shape of the rest.
    """
    present = values[~np.isnan(values)]
    if len(present) == 0:
        return np.empty(0)
    at = np.linspace(0, 1, QUANTILES + 1)[1:-1]
    cuts = [np.quantile(present, at)]
    unique, counts = np.unique(present, return_counts=True)
    if counts.max() > len(present) / QUANTILES and len(unique) > 1:
        cuts.append(np.quantile(present[present != unique[counts.argmax()]], at[1::2]))
    all_cuts = np.concatenate(cuts)
    low, high = np.quantile(present, [0.05, 0.95])
    step = round_step((high - low if high > low else float(np.ptp(present))) / 100, f)
    if step <= 0:
        step = round_step(max(1.0, abs(float(present[0]))) / 10, f)
    return np.unique(np.round(np.round(all_cuts / step) * step, 12))


def picture_edges(values: FloatArray, f: Field) -> FloatArray:
    """Return evenly spaced round edges over the inner 98 % of a numeric field."""
    present = values[~np.isnan(values)]
    if len(present) == 0:
        return np.empty(0)
    low, high = np.quantile(present, [0.01, 0.99])
    step = round_step((high - low) / PICTURE_BINS, f)
    if step <= 0:
        step = round_step(max(1.0, abs(float(low))) / 10, f)
    first, last = int(np.ceil(low / step)), int(np.floor(high / step))
    return np.round(np.arange(first, max(first, last) + 1) * step, 12)


def round_step(least: float, f: Field) -> float:
    """Return the smallest round step (1, 2, 2.5, 5 times a power of ten; for dates: seconds to years) >= `least`."""
    if not least > 0:
        return 0.0
    if f.kind == "datetime":
        for step in _STEPS_OF_TIME:
            if step >= least:
                return step
        years = np.ceil(least / _STEPS_OF_TIME[-1])
        return float(round_step(years, Field(name="years", kind="integer")) * _STEPS_OF_TIME[-1])
    power = 10.0 ** np.floor(np.log10(least))
    factors = (1, 2, 5, 10) if f.kind == "integer" else (1, 2, 2.5, 5, 10)
    step = next(float(k * power) for k in factors if k * power >= least * (1 - 1e-9))
    return max(1.0, step) if f.kind == "integer" else step


def overlay(f: Field, real: Coded, other: Coded) -> Mapping[str, Any]:
    """Return shares of one field for an overlay of real and synthetic, small real bins merged.

    Returns
    -------
    dict
        ``kind``; ``edges`` (numeric: inner edges, first and last bin open) or ``labels``; ``real`` and ``synthetic``
        row counts; ``real_missing`` and ``synthetic_missing`` counts (real: ``None`` for 1 to 9); ``hidden`` says
        how many bins were merged because fewer than 10 real rows lie in them.
    """
    if f.levelled:
        labels = levels_of(f)
        a, b = level_counts(real, f.name, len(labels)), level_counts(other, f.name, len(labels))
        bins = _shown_levels(labels, a[1:], b[1:])
    else:
        edges = picture_edges(numbers_of(real, f.name), f)
        a, b = number_counts(numbers_of(real, f.name), edges), number_counts(numbers_of(other, f.name), edges)
        bins = _shown_bins(edges, a[1:], b[1:])
    return {
        "kind": f.kind,
        **bins,
        "real_missing": int(a[0]) if a[0] == 0 or a[0] >= SHOWN else None,
        "synthetic_missing": int(b[0]),
    }


def _shown_levels(labels: Sequence[str], real: IntArray, other: IntArray, most: int = 30) -> dict[str, Any]:
    """Keep the commonest levels that hold enough real rows; pool the rest so that the pool is large enough too."""
    order = np.argsort(-real, kind="stable")
    kept = [int(i) for i in order[:most] if real[i] >= SHOWN]
    rest = [i for i in range(len(labels)) if i not in set(kept)]
    while rest and 0 < real[rest].sum() < SHOWN and kept:
        rest.append(kept.pop())
    kept.sort()
    # A pool of nothing but inventions (no real row) may be shown: it says nothing of a real person.
    out_real: list[int | None] = [int(real[i]) for i in kept]
    out_other = [int(other[i]) for i in kept]
    names: list[str | None] = [labels[i] for i in kept]
    if rest and (real[rest].sum() > 0 or other[rest].sum() > 0):
        pooled = int(real[rest].sum())
        names.append(None)
        out_real.append(pooled if pooled == 0 or pooled >= SHOWN else None)
        out_other.append(int(other[rest].sum()))
    return {"labels": names, "real": out_real, "synthetic": out_other, "hidden": len(rest)}


def _shown_bins(edges: FloatArray, real: IntArray, other: IntArray) -> dict[str, Any]:
    """Merge neighbouring bins until each holds enough real rows, or none at all."""
    kept: list[float] = []
    out_real: list[int | None] = []
    out_other: list[int] = []
    a = b = 0
    for i in range(len(real)):
        a, b = a + int(real[i]), b + int(other[i])
        if a >= SHOWN and i < len(real) - 1:
            kept.append(float(edges[i]))
            out_real.append(a)
            out_other.append(b)
            a = b = 0
    if a >= SHOWN or not out_real:
        out_real.append(a if a >= SHOWN else None)
        out_other.append(b)
    else:
        kept.pop()
        out_real[-1] = (out_real[-1] or 0) + a
        out_other[-1] += b
    return {"edges": kept, "real": out_real, "synthetic": out_other, "hidden": len(real) - len(out_real)}


def present_part(part: Part, name: str) -> tuple[FloatArray, float]:
    """Return a numeric field's present values, sorted, and how many independent rows they are worth."""
    values = numbers_of(part.coded, name)
    present = np.sort(values[~np.isnan(values)])
    return present, part.effective * (len(present) / max(1, len(values)))
