"""Domains bought with a part of the budget: the range of a number, its grain, and levels that many persons have.

A range is found on a scale that is the same for all data: powers of two on either side of 0, or years. A noisy count
of each stretch tells which are inhabited; what lies outside of them is drawn in to the rim. A grain is how many digits
(or how fine a time) enough rows need. A level is let through when its noisy count passes a line that a single person's
rows pass with a chance under the δ set aside; rows of other levels are left out of the tables their column is in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from synthproof.core.errors import DataError
from synthproof.core.schema import Field
from synthproof.engines.codes import levels_of
from synthproof.synthesizers.table.dp.domain import Domain
from synthproof.synthesizers.table.dp.ledger import Ledger

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_LOWEST, _HIGHEST = -20, 62  # powers of two
_SIDE = _HIGHEST - _LOWEST + 1
_DIGITS = 6
_US = 1_000_000.0
_GRAINS = (86_400 * _US, 3_600 * _US, 60 * _US, _US, 1.0)
_YEAR = 365.2425 * 86_400 * _US
_FIRST_YEAR, _YEARS = -70, 201  # from 1900 on; times count from 1970


def purchases(domains: Mapping[str, Domain]) -> int:
    """Return how many looks it takes to buy what is not known."""
    return sum(len(d.wanting) for d in domains.values())


def level_purchases(domains: Mapping[str, Domain]) -> int:
    """Return how many of them spend δ."""
    return sum("levels" in d.wanting for d in domains.values())


def buy(
    ledger: Ledger, domains: Mapping[str, Domain], values: Mapping[str, FloatArray], rho: float
) -> dict[str, Domain]:
    """Return the domains with nothing wanting.

    Parameters
    ----------
    values
        Numbers or level codes of the rows, NaN missing.
    rho
        To be divided evenly among the looks; the ledger's `loose` δ among those at levels.

    Raises
    ------
    DataError
        ``dp/no-levels``: no level of a column passed the line.
    """
    each = rho / max(1, purchases(domains))
    delta = ledger.loose / max(1, level_purchases(domains))
    out = {}
    for name, d in domains.items():
        told = d
        if "levels" in d.wanting:
            told = replace(told, levels=_levels(ledger, d.field, values[name], each, delta))
        if "grain" in d.wanting:
            told = replace(told, step=_grain(ledger, d.field, values[name], each))
        if "range" in d.wanting:
            low, high = _range(ledger, d.field, values[name], each)
            low, high = low if d.low is None else d.low, high if d.high is None else d.high
            told = replace(told, low=min(low, high), high=max(low, high))
        out[name] = replace(told, source="bought") if d.wanting else told
    return out


def _levels(ledger: Ledger, f: Field, codes: FloatArray, rho: float, delta: float) -> tuple[str, ...]:
    texts = levels_of(f)
    counts = np.bincount(codes[~np.isnan(codes)].astype(np.intp), minlength=len(texts)).astype(np.int64)
    kept = ledger.over(counts, rho, delta, "levels", f.name)
    if not kept.any():
        raise DataError("dp/no-levels", where=f.name, name=f.name)
    return tuple(t for t, k in zip(texts, kept, strict=True) if k)


def _range(ledger: Ledger, f: Field, values: FloatArray, rho: float) -> tuple[float, float]:
    there = values[np.isfinite(values)]
    if f.kind == "datetime":
        cell = np.clip(np.floor(there / _YEAR) - _FIRST_YEAR, 0, _YEARS - 1).astype(np.intp)
        low = (_FIRST_YEAR + np.arange(_YEARS)) * _YEAR
        high = low + _YEAR
    else:
        cell, low, high = _powers(there)
    noisy = ledger.noisy(np.bincount(cell, minlength=len(low)).astype(np.int64), rho, "range", f.name)
    found = np.flatnonzero(noisy > ledger.entries[-1].scale * np.sqrt(2 * np.log(100 * len(low))))
    kept = found if len(found) else np.array([noisy.argmax()])
    return float(low[kept[0]]), float(high[kept[-1]])


def _powers(values: FloatArray) -> tuple[npt.NDArray[np.intp], FloatArray, FloatArray]:
    """Return each value's stretch, and the stretches' ends: 0 in the middle, powers of two on either side."""
    power = np.clip(np.frexp(values)[1] - 1, _LOWEST - 1, _HIGHEST)
    cell = _SIDE + np.sign(values) * np.maximum(power - _LOWEST + 1, 0)
    inner = 2.0 ** np.arange(_LOWEST, _HIGHEST + 1)
    low = np.concatenate([-2 * inner[::-1], [0.0], inner])
    high = np.concatenate([-inner[::-1], [0.0], 2 * inner])
    return cell.astype(np.intp), low, high


def _grain(ledger: Ledger, f: Field, values: FloatArray, rho: float) -> float:
    there = values[np.isfinite(values)]
    if f.kind == "datetime":
        steps: tuple[float, ...] = _GRAINS
        finer = [np.mod(there, g) != 0 for g in steps[:-1]]
    else:
        steps = (*(10.0**-d for d in range(_DIGITS + 1)), 0.0)
        scaled = [there * 10.0**d for d in range(_DIGITS + 1)]
        finer = [np.abs(s - np.rint(s)) > 1e-9 * np.abs(s) for s in scaled]
    need = np.zeros(len(there), dtype=np.intp)
    for k, more in enumerate(finer):
        need[more] = k + 1
    noisy = ledger.noisy(np.bincount(need, minlength=len(steps)).astype(np.int64), rho, "grain", f.name)
    found = np.flatnonzero(noisy > ledger.entries[-1].scale * np.sqrt(2 * np.log(100 * len(steps))))
    return steps[int(found[-1] if len(found) else noisy.argmax())]


__all__ = ["buy", "level_purchases", "purchases"]
