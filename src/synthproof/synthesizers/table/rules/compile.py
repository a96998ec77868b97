"""Rules into laws: texts of levels become codes, dates become numbers, and what train has becomes tables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthproof.core.constraints import Constraint
from synthproof.core.constraints.bodies import Among, Compare, Matches, Own, Part, Relation, Unique
from synthproof.core.constraints.bodies import Ranges as RangesBody
from synthproof.core.constraints.check import as_levels, homes, level_order, number_literal, number_of, stamp_of
from synthproof.core.constraints.expressions import Linear, Name, Text, linear
from synthproof.core.errors import ConfigError
from synthproof.core.schema import Field, Schema
from synthproof.data.table.dataset import Table
from synthproof.engines.codes import levels_of, to_codes, to_numbers
from synthproof.synthesizers.table.rules.conditional import Conditional
from synthproof.synthesizers.table.rules.domains import Axis
from synthproof.synthesizers.table.rules.laws import Formula, Law, Sum
from synthproof.synthesizers.table.rules.tables import Allowed, Combinations, Ranges

FloatArray = npt.NDArray[np.float64]
Facts = Mapping[str, FloatArray]
"""What a rule takes from train: ``table`` of combinations; ``groups``, ``low`` and ``high`` of ranges."""

SHARED = 10
"""A number without fixed digits stands in a table of combinations only when at least this many rows have it."""


def needs_data(rule: Constraint) -> bool:
    """Whether a rule says what train has, so that it cannot be compiled without."""
    return rule.sort in {"in", "combination", "range"}


def facts_of(rule: Constraint, data: Table, axes: Mapping[str, Axis]) -> dict[str, FloatArray]:
    """Return what a rule takes from train. Cost O(n log n).

    A continuous value that fewer than `SHARED` rows have is nobody's to hand out: its combinations are left out.
    """
    fields = [axes[n].field for n in rule.fields]
    columns = {f.name: column_values(data, f) for f in fields}
    there = ~np.any([np.isnan(v) for v in columns.values()], axis=0)
    if isinstance(rule.body, RangesBody):
        groups = np.stack([columns[n][there] for n in rule.body.by], axis=1)
        values = columns[rule.body.name][there]
        table, owner = np.unique(groups, axis=0, return_inverse=True)
        low, high = np.full(len(table), np.inf), np.full(len(table), -np.inf)
        np.minimum.at(low, owner.reshape(-1), values)
        np.maximum.at(high, owner.reshape(-1), values)
        return {"groups": table, "low": low, "high": high}
    for f in fields:
        if f.kind == "continuous" and f.decimals is None:
            _, inverse, counts = np.unique(columns[f.name], return_inverse=True, return_counts=True)
            there &= counts[inverse.reshape(-1)] >= SHARED
    stacked = np.stack([columns[f.name][there] for f in fields], axis=1)
    if rule.sort == "in":
        stacked = _homes(stacked)
    return {"table": np.unique(stacked, axis=0)}


def column_values(data: Table, f: Field) -> FloatArray:
    """Return a column as numbers or codes, NaN missing."""
    if f.numeric:
        return to_numbers(data.frame[f.name], f)
    codes = to_codes(data.frame[f.name], f)
    return np.where(codes < 0, np.nan, codes)


def _homes(pairs: FloatArray) -> FloatArray:
    """Return for each value of the first column the one of the second that it comes with most often."""
    found = homes(pd.Series(pairs[:, 0]), pd.Series(pairs[:, 1]))
    return np.array(list(found.items()), dtype=np.float64).reshape(-1, 2)


def check_names(rule: Constraint, schema: Schema) -> None:
    """Refuse a rule that speaks of a column that is not there.

    Raises
    ------
    SchemaError
        ``schema/unknown-field`` with the nearest name.
    """
    for name in rule.fields:
        schema.field(name)


@dataclass(frozen=True, slots=True)
class Compiler:
    """Compiles rules for the columns of one model.

    Parameters
    ----------
    axes
        Of the columns that are drawn.
    """

    axes: Mapping[str, Axis]

    def laws(self, rule: Constraint, facts: Facts) -> tuple[Law, ...]:
        """Return the laws of a rule; none for rules that are checked on whole rows only (unique, own).

        Raises
        ------
        ConfigError
            ``rules/not-drawn`` when the rule needs a column that the model does not draw.
        """
        body = rule.body
        if isinstance(body, Unique | Own):
            return ()
        absent = [n for n in rule.fields if n not in self.axes]
        if absent:
            raise ConfigError("rules/not-drawn", where=rule.text, names=", ".join(absent))
        if isinstance(body, Relation):
            heads = tuple(self._part(p, rule) for p in body.parts)
            return (Conditional(heads, tuple(self._part(p, rule) for p in body.when)),) if body.when else heads
        if isinstance(body, RangesBody):
            return (Ranges(body.name, Combinations(body.by, facts["groups"]), facts["low"], facts["high"]),)
        return (Combinations(rule.fields, facts["table"]),)

    def _part(self, part: Part, rule: Constraint) -> Law:
        if isinstance(part, Matches):
            shape = re.compile(part.pattern)
            f = self.axes[part.name].field
            if not f.levelled:
                raise ConfigError("rules/not-text", where=rule.text, name=part.name, kind=f.kind)
            good = [float(i) for i, level in enumerate(levels_of(f)) if shape.fullmatch(level)]
            return Allowed(part.name, np.array(good, dtype=np.float64))
        if isinstance(part, Among):
            return self._among(part)
        if as_levels(part, lambda n: self.axes[n].field.levelled):
            return self._levels(part, rule)
        return self._numbers(part, rule)

    def _among(self, part: Among) -> Allowed:
        f = self.axes[part.name].field
        if f.levelled:
            known = {level: float(i) for i, level in enumerate(levels_of(f))}
            return Allowed(part.name, np.unique([known[v] for v in part.values if v in known]))
        if f.kind == "datetime":
            values = [stamp_of(v, f.format.get("zone")) for v in part.values]
        else:
            values = [number_literal(v) for v in part.values]
        return Allowed(part.name, np.unique([v for v in values if v == v]))

    def _levels(self, part: Compare, rule: Constraint) -> Law:
        """Return the law of levels compared with a text or with another column's levels."""
        sides = (part.left, part.right)
        names = [s.name for s in sides if isinstance(s, Name)]
        fields = [self.axes[n].field for n in names]
        order: tuple[str, ...] = ()
        if part.op not in {"=", "!="}:
            shared = level_order([levels_of(f) for f in fields], [f.kind == "ordinal" for f in fields])
            if shared is None:
                raise ConfigError("constraint/no-order", where=rule.text, names=", ".join(names))
            order = shared
        if len(names) == 1:
            literal = next(s.value for s in sides if isinstance(s, Text))
            first = isinstance(sides[0], Name)
            good = [
                float(i)
                for i, level in enumerate(levels_of(fields[0]))
                if _holds(part.op, *((level, literal) if first else (literal, level)), order)
            ]
            return Allowed(names[0], np.array(good, dtype=np.float64))
        if order:  # codes of one and the same order compare as numbers do
            total = Linear({names[0]: 1.0}, 0.0).plus(Linear({names[1]: -1.0}, 0.0))
            least, most = (-np.inf, 0.0) if part.op in {"<", "<="} else (0.0, np.inf)
            return Sum(part, _no_date, {}, total, least, most, part.op in {"<", ">"})
        texts = [levels_of(f) for f in fields]
        if part.op == "=" and names[0] != names[1]:
            place = {text: float(j) for j, text in enumerate(texts[1])}
            pairs = [(float(i), place[text]) for i, text in enumerate(texts[0]) if text in place]
            return Combinations((names[0], names[1]), np.array(pairs, dtype=np.float64).reshape(-1, 2))
        number = {text: float(i) for i, text in enumerate(dict.fromkeys((*texts[0], *texts[1])))}
        readings = {n: np.array([number[t] for t in levels_of(f)]) for n, f in zip(names, fields, strict=True)}
        return Formula(part, _no_date, readings)

    def _numbers(self, part: Compare, rule: Constraint) -> Law:
        names = tuple(dict.fromkeys(part.names))
        fields = [self.axes[n].field for n in names]
        zone = next((f.format.get("zone") for f in fields if f.format.get("zone")), None)
        stamp = partial(stamp_of, zone=zone)
        readings = {f.name: _reading(f) for f in fields if f.levelled and f.kind != "boolean"}
        for name, reading in readings.items():
            if np.isnan(reading).all():
                raise ConfigError("rules/not-numbers", where=rule.text, name=name)
        left, right = linear(part.left, stamp), linear(part.right, stamp)
        if readings or left is None or right is None or part.op == "!=":
            return Formula(part, stamp, readings)
        total = left.plus(right.times(-1.0))
        if not total.factors:
            return Formula(part, stamp, readings)
        ends = {
            "=": (-part.within, part.within),
            "<=": (-np.inf, 0.0),
            "<": (-np.inf, 0.0),
            ">=": (0.0, np.inf),
            ">": (0.0, np.inf),
        }[part.op]
        least, most = (float(e - total.constant) for e in ends)
        return Sum(part, stamp, {}, total, least, most, part.op in {"<", ">"})


_no_date = partial(stamp_of, zone=None)


def _holds(op: str, a: str, b: str, order: tuple[str, ...]) -> bool:
    if op in {"=", "!="}:
        return (a == b) == (op == "=")
    if a not in order or b not in order:
        return False
    i, j = order.index(a), order.index(b)
    return {"<": i < j, "<=": i <= j, ">": i > j, ">=": i >= j}[op]


def _reading(f: Field) -> FloatArray:
    """Return the number that each level spells, NaN where none."""
    return number_of(pd.Series(list(levels_of(f)), dtype=object))


__all__ = ["SHARED", "Compiler", "Facts", "check_names", "column_values", "facts_of", "needs_data"]
