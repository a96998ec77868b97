"""Subgroups of records by levels, or by bands of a number with round edges: for scores and rates by subgroup."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from synthproof.core.contracts import Case
from synthproof.core.schema import Field
from synthproof.engines.codes import Coded, levels_of
from synthproof.metrics.table.coded_case import CodedCase, coded_case
from synthproof.metrics.table.histograms import codes_of, numbers_of, round_step
from synthproof.metrics.table.learned import targets_of

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

MOST_COLUMNS = 8
MOST_GROUPS = 8
"""Groups of a column: its commonest levels, or at most four bands of a number."""
LEAST = 30
"""A group with fewer real units than this, in train or in the holdout, is left out: nothing could be said of it."""
_BANDS = 4


@dataclass(frozen=True, slots=True)
class Grouping:
    """The subgroups of one column.

    Parameters
    ----------
    name
        The column.
    labels
        One per group, the commonest first (bands: lowest first).
    """

    name: str
    labels: tuple[str, ...]
    _field: Field
    _place: IntArray
    _edges: FloatArray

    def codes(self, coded: Coded) -> IntArray:
        """Return the group of each row, -1 for none, shape (n_rows,)."""
        if self._field.levelled:
            return self._place[codes_of(coded, self.name).astype(np.intp) + 1]
        values = numbers_of(coded, self.name)
        return np.where(np.isnan(values), -1, np.searchsorted(self._edges, values, side="left")).astype(np.intp)


def protected_columns(case: Case[Any]) -> tuple[str, ...]:
    """Return the columns by which people are told apart, eight at most: quasi-identifiers, then sensitive items.

    Named by the purpose, else by the schema's roles. Targets are not among them, nor dates and identifiers. A schema has
    no role of its own for protected attributes: what others can see of a person (K) and what the law guards (T) are
    those by which a person could be treated differently.
    """
    schema, purpose = case.train.schema, case.purpose
    keys = purpose.quasi_identifiers or schema.with_role("quasi_identifier")
    guarded = purpose.sensitive or schema.with_role("sensitive")
    targets = set(targets_of(case))
    known = {f.name: f for f in coded_case(case).fields}
    named = [n for n in dict.fromkeys((*keys, *guarded)) if n in known and n not in targets]
    return tuple(n for n in named if known[n].kind != "datetime")[:MOST_COLUMNS]


def groupings(case: Case[Any], names: Sequence[str]) -> list[Grouping]:
    """Return the subgroups of the named columns that hold at least 30 real units in train and holdout each."""
    cc = coded_case(case)
    made = (_levels(cc, cc.field(n)) if cc.field(n).levelled else _bands(cc, cc.field(n)) for n in names)
    return [g for g in made if g is not None]


def _levels(cc: CodedCase, f: Field) -> Grouping | None:
    assert cc.holdout is not None
    known = cc.known[f.name]
    train, held = (_units_of(p.unit_of_row, codes_of(p.coded, f.name), known) for p in (cc.train, cc.holdout))
    order = np.argsort(-train, kind="stable")
    kept = [int(c) for c in order if min(train[c], held[c]) >= LEAST][:MOST_GROUPS]
    if not kept:
        return None
    place = np.full(len(levels_of(f)) + 1, -1, dtype=np.intp)
    place[np.array(kept) + 1] = np.arange(len(kept))
    return Grouping(f.name, tuple(levels_of(f)[c] for c in kept), f, place, np.empty(0))


def _units_of(units: IntArray, codes: npt.NDArray[np.int32], k: int) -> IntArray:
    """Return how many units have each level in some row, shape (k,)."""
    known = (codes >= 0) & (codes < k)
    pairs = np.unique(units[known] * max(1, k) + codes[known])
    return np.bincount(pairs % max(1, k), minlength=k)


def _bands(cc: CodedCase, f: Field) -> Grouping | None:
    assert cc.holdout is not None
    values = numbers_of(cc.train.coded, f.name)
    present = values[~np.isnan(values)]
    if len(present) == 0:
        return None
    low, high = np.quantile(present, [0.05, 0.95])
    step = round_step((high - low) / 20, f)
    if step <= 0:
        return None
    cuts = np.quantile(present, np.linspace(0, 1, _BANDS + 1)[1:-1])
    edges = np.unique(np.round(np.round(cuts / step) * step, 12))
    texts = [f"{e:g}" for e in edges]
    labels = (f"≤ {texts[0]}", *(f"{a} – {b}" for a, b in zip(texts, texts[1:], strict=False)), f"> {texts[-1]}")
    grouping = Grouping(f.name, labels, f, np.empty(0, dtype=np.intp), edges)
    for part in (cc.train, cc.holdout):
        counts = _units_of(part.unit_of_row, grouping.codes(part.coded).astype(np.int32), len(labels))
        if (counts < LEAST).any():
            return None
    return grouping


__all__ = ["LEAST", "Grouping", "groupings", "protected_columns"]
