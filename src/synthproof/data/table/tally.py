"""Exact counts over all rows of a table that is read in chunks, and the cells that its schema did not foresee."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthproof.core.schema import Field, Schema
from synthproof.data.table import numerals
from synthproof.data.table.conform import conformed, levels_in_order
from synthproof.data.table.parts import Parts
from synthproof.engines.codes import levels_of, to_codes, to_numbers

IntArray = npt.NDArray[np.int64]

KEPT = 3
"""Chunks with unforeseen cells that are kept of each column."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known exactly of one column.

    Parameters
    ----------
    missing
        Rows without a value.
    levels
        Rows of each level, in the schema's order; empty for columns without levels.
    low, high
        Smallest and largest number, NaN when there is none.
    """

    missing: int
    levels: IntArray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    low: float = np.nan
    high: float = np.nan


class Tally:
    """Exact counts of all rows under a schema, and the cells that do not fit it."""

    def __init__(self, schema: Schema, parts: Parts) -> None:
        self.schema, self.parts = schema, parts
        self.missing = dict.fromkeys(schema.names, 0)
        self.counts: dict[str, dict[str, int]] = {f.name: dict.fromkeys(levels_of(f), 0) for f in schema.fields}
        self.low: dict[str, float] = {}
        self.high: dict[str, float] = {}
        self.digits: dict[str, int | None] = {f.name: f.decimals for f in schema.fields}
        self.odd: dict[str, list[Any]] = {}
        self.lost: dict[str, int] = {}
        self.people: list[npt.NDArray[np.uint64]] = []

    def take(self, cells: Any, *, keep: bool) -> None:
        """Count one chunk; with `keep`, hold on to columns with cells that are not what the schema says."""
        read = conformed(self.parts.raw(cells), self.schema)
        for fact in ("unparsable", "rounded"):
            for name, n in dict(read.origin.options.get(fact, {})).items():
                if keep and len(self.odd.setdefault(name, [])) < KEPT:
                    self.odd[name].append(cells)
                self.lost[name] = self.lost.get(name, 0) + int(n)
        for f in read.schema.fields:
            column = read.frame[f.name]
            self.missing[f.name] += int(column.isna().sum())
            if f.numeric:
                self._number(f, to_numbers(column, f))
            elif f.levelled:
                codes = to_codes(column, f)
                n = np.bincount(codes[codes >= 0], minlength=len(levels_of(f)))
                own = self.counts[f.name]
                for word, count in zip(levels_of(f), n.tolist(), strict=True):
                    own[word] = own.get(word, 0) + count
        unit = self.schema.unit_field
        if unit is not None:
            ids = pd.util.hash_array(read.frame[unit].astype(object).map(str).to_numpy(dtype=object))
            self.people = [np.unique(np.concatenate([*self.people, ids]))]

    def _number(self, f: Field, values: npt.NDArray[np.float64]) -> None:
        there = values[~np.isnan(values)]
        if not len(there):
            return
        self.low[f.name] = min(float(there.min()), self.low.get(f.name, np.inf))
        self.high[f.name] = max(float(there.max()), self.high.get(f.name, -np.inf))
        digits = self.digits[f.name]
        if f.kind == "continuous" and digits is not None and not np.array_equal(np.round(there, digits), there):
            more = numerals.decimals_of(np.unique(there))
            self.digits[f.name] = None if more is None else max(digits, more)

    def settled(self, stated: Schema | None) -> Schema:
        """Return the schema with exact ranges, levels, digits and gaps where nobody stated them."""
        known = {f.name: f for f in stated.fields} if stated is not None else {}
        out = []
        for f in self.schema.fields:
            given = known.get(f.name)
            nullable = self.missing[f.name] > 0 or (given is not None and given.nullable)
            if f.numeric:
                low = self.low.get(f.name) if given is None or given.low is None else given.low
                high = self.high.get(f.name) if given is None or given.high is None else given.high
                f = replace(f, low=low, high=high, decimals=self.digits[f.name])
            elif f.levelled and f.kind != "boolean":
                words = tuple(self.counts[f.name])
                extra = words[len(f.levels) :]
                if extra:
                    stands = given is not None and given.levels
                    f = replace(f, levels=words if stands else levels_in_order(words, f.kind == "ordinal"))
            out.append(replace(f, nullable=nullable))
        return replace(self.schema, fields=tuple(out))

    def facts(self, schema: Schema) -> dict[str, Facts]:
        """Return what is known exactly, levels in the order of the settled schema."""
        return {
            f.name: Facts(
                self.missing[f.name],
                np.array([self.counts[f.name].get(word, 0) for word in levels_of(f)], dtype=np.int64),
                self.low.get(f.name, np.nan),
                self.high.get(f.name, np.nan),
            )
            for f in schema.fields
        }

    def units(self, n_rows: int) -> int:
        """Return the number of units."""
        return len(self.people[0]) if self.people else n_rows


__all__ = ["Facts", "Tally"]
