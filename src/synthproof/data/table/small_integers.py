"""Whole numbers: amounts, codes, grades, flags or row numbers? One place decides, and says why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from synthproof.core.schema import Kind
from synthproof.data.table import hints

FEW = 10
OFTEN = 3
"""Rows that make a value one of very many categories."""
SHARED = 0.5
"""Share of rows with such values from which a column is one of categories."""
_ENOUGH_ROWS = 100
_UNIT_REPEATS = 0.02
_FEWEST_UNITS = 5


@dataclass(frozen=True)
class Judgement:
    """What a column seems to be, and why."""

    kind: Kind
    reason: str
    levels: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    decimals: int | None = None
    format: Mapping[str, Any] = field(default_factory=dict)
    pattern: str = ""
    notices: tuple[dict[str, Any], ...] = ()


def level_limit(n: int) -> int:
    """Return the most distinct values that are taken as categories in n rows: a fifth of them, from 50 to 1,000."""
    return max(50, min(1000, n // 5))


def numbers_judged(name: str, values: npt.NDArray[np.int64], counts: npt.NDArray[np.int64]) -> Judgement:
    """Return the kind of a column of whole numbers.

    Parameters
    ----------
    name
        Column name.
    values
        One value per distinct text, shape (d,).
    counts
        Rows of each, shape (d,).
    """
    n, d = int(counts.sum()), len(np.unique(values))
    low, high = int(values.min()), int(values.max())
    if d == 2 and (low, high) == (0, 1) and len(values) == 2:
        return Judgement("boolean", "only 0 and 1 occur: a flag, written back as 0 and 1")
    if found := _identifier(name, values, n, d):
        return found
    if len(values) == d and 2 <= d <= level_limit(n) and (found := _code(name, values, counts, d)):
        return found
    if len(values) == d and d > level_limit(n) and hints.ends_in_code(name) and not hints.count_like(name):
        often = int(counts[counts >= OFTEN].sum())
        if often >= SHARED * n:
            why = f"{d} distinct whole numbers, the name speaks of a code, and most rows share theirs with others"
            return Judgement("categorical", why)
    return Judgement("integer", f"whole numbers, {d} distinct in {n} rows", low=float(low), high=float(high))


def _identifier(name: str, values: npt.NDArray[np.int64], n: int, d: int) -> Judgement | None:
    if n < 20:
        return None
    person = hints.person_like(name)
    if person and n - d >= _UNIT_REPEATS * n and d >= _FEWEST_UNITS:
        return Judgement("identifier", f"the name speaks of a {person}; {d} distinct values in {n} rows")
    if d == n and hints.id_like(name):
        return Judgement("identifier", f"{d} distinct whole numbers in {n} rows and the name speaks of an id")
    if d == n and int(values.max()) - int(values.min()) == n - 1 and bool(np.all(np.diff(values) == 1)):
        return Judgement("identifier", f"{n} whole numbers, each one more than the row before: row numbers")
    if hints.surely_id(name) and d > level_limit(n):
        return Judgement("identifier", f"the name speaks of an id; {d} distinct whole numbers in {n} rows")
    if hints.surely_id(name) and not hints.count_like(name) and d >= 0.95 * n:
        return Judgement("identifier", f"the name speaks of an id; {d} distinct whole numbers in {n} rows")
    return None


def _code(name: str, values: npt.NDArray[np.int64], counts: npt.NDArray[np.int64], d: int) -> Judgement | None:
    if d == 2 and counts.sum() >= FEW:
        return Judgement("categorical", "two distinct whole numbers: nothing is lost by taking them as categories")
    if hints.ends_in_code(name):
        return Judgement("categorical", f"{d} distinct whole numbers and the name speaks of a code")
    if hints.count_like(name):
        return None
    if hints.rank_like(name) and d <= 2 * FEW:
        return Judgement("ordinal", f"{d} distinct whole numbers and the name speaks of a grade")
    if hints.code_like(name) or hints.surely_id(name):
        return Judgement("categorical", f"{d} distinct whole numbers and the name speaks of a code")
    if d <= FEW and int(counts.sum()) >= _ENOUGH_ROWS and _uneven(values, counts):
        return Judgement("categorical", f"{d} distinct whole numbers with uneven gaps between common ones: codes")
    return None


def _uneven(values: npt.NDArray[np.int64], counts: npt.NDArray[np.int64]) -> bool:
    """Whether a small scale has an unused stretch between two common values (2 % of rows), as codes do, not counts."""
    order = np.argsort(values)
    found, common = values[order], counts[order] >= 0.02 * counts.sum()
    steps = np.diff(found)
    if len(found) < 3 or int(found[0]) < 0 or int(found[-1]) > 99:
        return False
    return bool(((steps > steps.min()) & common[:-1] & common[1:]).any())


__all__ = ["FEW", "OFTEN", "SHARED", "Judgement", "level_limit", "numbers_judged"]
