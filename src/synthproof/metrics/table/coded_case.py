"""A case as arrays: one set of codes for train, holdout and synthetic, made once for a whole battery."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from synthproof.core.contracts import Case
from synthproof.core.schema import Field, Schema
from synthproof.data.table.dataset import Table
from synthproof.engines.codes import Coded, encode, levels_of

IntArray = npt.NDArray[np.intp]

ENOUGH = 20
"""Fewer units than this on a side say nothing about a distribution; the outcome is then *insufficient*."""

_KEY = "table.coded_case"


@dataclass(frozen=True, slots=True)
class Part:
    """One table of a case as arrays.

    Parameters
    ----------
    coded
        Modelled fields; levels are numbered alike in every part.
    units
        Unit of each row, 0 … n - 1, or ``None`` when each row is its own unit.
    n
        Number of units.
    effective
        Number of independent rows that these rows are worth at least (Kish): rows of one unit may be all alike.
    """

    coded: Coded
    units: IntArray | None
    n: int
    effective: float

    def __len__(self) -> int:
        return len(self.coded)

    @property
    def unit_of_row(self) -> IntArray:
        """Unit of each row, shape (n_rows,)."""
        return np.arange(len(self.coded), dtype=np.intp) if self.units is None else self.units


@dataclass(frozen=True, slots=True)
class CodedCase:
    """Train, holdout and synthetic under one schema.

    Parameters
    ----------
    fields
        The modelled fields that all tables have, in train's order. Levels that only another table has come after
        train's own, so that nothing a generator invented is lost.
    known
        Number of train's levels of each levelled field, by name; codes at or above it are inventions.
    """

    fields: tuple[Field, ...]
    known: dict[str, int]
    train: Part
    holdout: Part | None
    synthetic: Part

    def field(self, name: str) -> Field:
        """Return one of the fields by name."""
        return next(f for f in self.fields if f.name == name)


def coded_case(case: Case[Any]) -> CodedCase:
    """Return the arrays of a case, from its cache after the first call. Cost O(cells)."""
    found = case.cache.get(_KEY)
    if isinstance(found, CodedCase):
        return found
    made = _make(case.train, case.holdout, case.synthetic)
    case.cache[_KEY] = made
    return made


def _make(train: Table, holdout: Table | None, synthetic: Table) -> CodedCase:
    others = [t for t in (holdout, synthetic) if t is not None]
    fields = []
    for f in train.schema.modelled:
        if not all(f.name in t.schema for t in others):
            continue
        extra = dict.fromkeys(v for t in others for v in t.schema.field(f.name).levels if v not in set(f.levels))
        fields.append(replace(f, levels=f.levels + tuple(extra)) if f.levelled and f.kind != "boolean" else f)
    schema = Schema(fields=tuple(fields), unit=train.schema.unit)
    known = {f.name: len(levels_of(train.schema.field(f.name))) for f in fields if f.levelled}
    return CodedCase(
        fields=tuple(fields),
        known=known,
        train=_part(train, schema),
        holdout=None if holdout is None else _part(holdout, schema),
        synthetic=_part(synthetic, schema),
    )


def _part(table: Table, schema: Schema) -> Part:
    coded = encode(table.frame, schema)
    # An infinity has no place on any axis; readers refuse it, and here it counts as missing.
    coded.numbers[~np.isfinite(coded.numbers)] = np.nan
    if table.schema.unit_field is None:
        return Part(coded, None, table.n_rows, float(table.n_rows))
    units = table.unit_of_row
    sizes = np.bincount(units)
    effective = float(sizes.sum() ** 2 / np.square(sizes, dtype=np.float64).sum()) if len(sizes) else 0.0
    return Part(coded, units, len(sizes), effective)


def pooled_levels(tables: tuple[Coded, ...], reference: Coded, most: int) -> tuple[Coded, ...]:
    """Return the tables with the rarest levels of long fields merged into one.

    Parameters
    ----------
    tables
        Tables under one schema.
    reference
        The table whose counts decide which levels are rare.
    most
        A field keeps this many levels at most, the last one standing for all others.
    """
    if all(k <= most for k in reference.cardinality):
        return tables
    codes = [t.codes.copy() for t in tables]
    cardinality = list(reference.cardinality)
    for j, k in enumerate(cardinality):
        if k <= most:
            continue
        column = reference.codes[:, j]
        order = np.argsort(-np.bincount(column[column >= 0], minlength=k), kind="stable")
        place = np.empty(k, dtype=np.int32)
        place[order] = np.minimum(np.arange(k), most - 1)
        for c in codes:
            c[:, j] = np.where(c[:, j] < 0, -1, place[c[:, j]])
        cardinality[j] = most
    return tuple(
        Coded(t.numeric_names, t.level_names, t.numbers, c, tuple(cardinality))
        for t, c in zip(tables, codes, strict=True)
    )
