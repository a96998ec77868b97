"""The book of rules of one model: what a column may still be while rows are drawn, in any order of columns.

A generator that draws column by column asks `Book.bounds` before each column and draws within the answer; one that
cannot, mends what it drew (`Book.repair`). Whole rows are checked with `Book.broken`; `loop.keep` draws the few that
stay broken anew. Rules can be exchanged after fitting, since nothing of this is learned by the generator.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthproof.core.constraints import Constraint
from synthproof.core.constraints.bodies import Compare, Own, Relation, Unique
from synthproof.core.constraints.expressions import Name
from synthproof.core.errors import ConfigError
from synthproof.core.random import BLOCK, stream
from synthproof.core.schema import Schema
from synthproof.data.table.dataset import Table
from synthproof.engines.codes import from_codes, from_numbers
from synthproof.synthesizers.table.columns.conditions import Condition
from synthproof.synthesizers.table.columns.grid import Grid
from synthproof.synthesizers.table.columns.levels import Levels
from synthproof.synthesizers.table.rules.asked import condition_laws
from synthproof.synthesizers.table.rules.bounds import Bounds
from synthproof.synthesizers.table.rules.compile import Compiler, Facts, check_names, facts_of, needs_data
from synthproof.synthesizers.table.rules.domains import Axis, Domains
from synthproof.synthesizers.table.rules.laws import Law
from synthproof.synthesizers.table.rules.propagate import axes_of, bounds_of, linked, ranged, settle
from synthproof.synthesizers.table.rules.wide import in_groups, member_within

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]
Rows = Mapping[str, FloatArray]
Redraw = Callable[[str, Bounds, FloatArray, FloatArray], FloatArray]
"""(name, bounds, values, uniforms of shape (n, 2)) → values, with those that are not allowed drawn anew."""


@dataclass(frozen=True)
class Book:
    """Rules compiled for the columns that a model draws.

    Parameters
    ----------
    rules
        As they were declared.
    axes
        What each drawn column may be at all.
    facts
        For each rule, what it took from train (nothing for most).
    asked
        Conditions of a call that are to be kept beside the rules (`under`).
    makers
        Names of columns that are made, not drawn (identifiers): a rule of uniqueness over one of them holds by itself.
    wide
        Columns among the rules' of which the model draws groups of levels. `axes` and facts speak of the levels;
        `bounds` answers in groups, and `refined` chooses levels before rows are checked.
    """

    rules: tuple[Constraint, ...]
    axes: Mapping[str, Axis]
    facts: tuple[Facts, ...]
    makers: frozenset[str] = frozenset()
    asked: Mapping[str, Condition] | None = None
    wide: Mapping[str, Levels] = field(default_factory=dict)
    _laws: tuple[Law, ...] = field(init=False, repr=False, compare=False)
    _drawing: tuple[Law, ...] = field(init=False, repr=False, compare=False)
    _drawn: Mapping[str, Axis] = field(init=False, repr=False, compare=False)
    _per_rule: tuple[tuple[Law, ...], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for rule in self.own:
            absent = [n for n in rule.fields if n not in self.axes]
            if absent:
                raise ConfigError("rules/not-drawn", where=rule.text, names=", ".join(absent))
        compiler = Compiler(self.axes)
        per_rule = [compiler.laws(rule, facts) for rule, facts in zip(self.rules, self.facts, strict=True)]
        laws = tuple(law for own in per_rule for law in own)
        drawn = {
            n: replace(a, field=self.wide[n].field(a.field)) if n in self.wide else a for n, a in self.axes.items()
        }
        drawing = (*in_groups(laws, self.wide), *condition_laws(self.asked or {}, {})) if self.wide else None
        whole = (*laws, *self.laws_of_conditions)
        object.__setattr__(self, "_per_rule", tuple(per_rule))
        object.__setattr__(self, "_laws", whole)
        object.__setattr__(self, "_drawing", whole if drawing is None else drawing)
        object.__setattr__(self, "_drawn", {n: ranged(a) if n in self.wide else a for n, a in drawn.items()})

    @classmethod
    def learn(
        cls,
        rules: Sequence[Constraint],
        schema: Schema,
        grids: Mapping[str, Grid],
        data: Table | None = None,
        *,
        makers: Sequence[str] = (),
        wide: Mapping[str, Levels] | None = None,
    ) -> Self:
        """Return the book of some rules for one model.

        Parameters
        ----------
        rules
            Declared rules.
        schema
            Of the tables that the model draws.
        grids
            Range and lattice of each numeric column.
        data
            Train, for rules that say what train has (``in``, ``combination``, ``range``).
        makers
            Columns that are made, not drawn.
        wide
            Columns of which the model draws groups of levels (`Layout.wide`).

        Raises
        ------
        SchemaError
            ``schema/unknown-field``.
        ConfigError
            ``rules/needs-data``, ``rules/not-drawn``, ``rules/not-text``, ``rules/not-numbers`` or
            ``constraint/no-order``.
        """
        axes = axes_of(schema, grids, makers)
        facts: list[Facts] = []
        for rule in rules:
            check_names(rule, schema)
            if needs_data(rule) and data is None:
                raise ConfigError("rules/needs-data", where=rule.text)
            drawn = all(n in axes for n in rule.fields)
            facts.append(facts_of(rule, data, axes) if data is not None and needs_data(rule) and drawn else {})
        ruled = {n for rule in rules for n in rule.fields}
        groups = {n: (wide or {})[n] for n in schema.names if n in ruled and n in (wide or {})}
        return cls(tuple(rules), axes, tuple(facts), frozenset(makers), wide=groups)

    @property
    def empty(self) -> bool:
        """Whether nothing is asked of drawn rows."""
        return not self.rules

    @property
    def grids(self) -> dict[str, Grid]:
        """Range and lattice of each numeric column."""
        return {n: Grid(a.step, a.offset, a.low, a.high) for n, a in self.axes.items() if not a.field.levelled}

    @property
    def names(self) -> tuple[str, ...]:
        """Columns that rules bound while drawing."""
        return tuple(dict.fromkeys(n for law in self._drawing for n in law.names))

    @property
    def laws_of_rules(self) -> tuple[tuple[Law, ...], ...]:
        """The laws of each rule; none for rules that are checked on whole rows."""
        return self._per_rule

    @property
    def laws_of_conditions(self) -> tuple[Law, ...]:
        """The laws of a call's conditions."""
        return tuple(condition_laws(self.asked or {}, self.wide))

    @property
    def certain(self) -> dict[str, float]:
        """Columns of which the conditions of a call leave one value, with that value."""
        out = {}
        for name, c in (self.asked or {}).items():
            if not c.missing and len(c.ranges) == 1 and c.among is None:
                low, high = c.ranges[0]
                if c.exact[0] is not None or low == high:
                    out[name] = low if c.exact[0] is None else float(c.exact[0])
        return out

    @property
    def own(self) -> tuple[Constraint, ...]:
        """Rules that are functions of the caller."""
        return tuple(r for r in self.rules if isinstance(r.body, Own))

    @property
    def unique(self) -> tuple[Constraint, ...]:
        """Rules of uniqueness that do not hold by themselves."""
        return tuple(r for r in self.rules if isinstance(r.body, Unique) and not self.makers & set(r.fields))

    def under(self, asked: Mapping[str, Condition]) -> Self:
        """Return the book with the conditions of a call kept beside the rules."""
        return replace(self, asked=dict(asked)) if asked else self

    def bounds(self, name: str, rows: Rows, n: int) -> Bounds | None:
        """Return what a column may be beside the known ones, so that the rules can still be kept by the others.

        Parameters
        ----------
        name
            The column that is about to be drawn.
        rows
            The columns known so far, in any order, drawn or given: numbers, codes, NaN for missing; shape (n,) each.
        n
            Number of rows.

        Returns
        -------
        Bounds or None
            ``None`` when no rule speaks of this column now.

        Notes
        -----
        Unknown columns count with their whole range, narrowed through all rules that link them with `name`. For
        orderings, sums of one rule and combinations the answer is exact: any value within it can be completed. Where
        several sums share columns it may be too wide; the rows that then fail are found by `broken`. Cost
        O(n · linked rules · their columns · sweeps); a few sweeps as a rule.
        """
        if name in rows:
            return None
        known = {k: v for k, v in rows.items() if k in self.axes}
        for other, value in self.certain.items():
            if other != name and other not in known:
                known[other] = np.full(n, value)
        laws = linked(self._drawing, name, known)
        if not laws:
            return None
        domains = Domains(self._drawn, known, n)
        settle(domains, laws)
        return bounds_of(domains, name)

    def refined(self, rows: Rows, seed: int, block: int, at: IntArray | slice = slice(None)) -> dict[str, FloatArray]:
        """Return whole rows with levels in place of groups, for the columns of `wide`, chosen within the rules.

        Parameters
        ----------
        rows
            Whole rows as the model draws them.
        seed, block
            Address of the randomness.
        at
            Positions of the rows in their block; the first ones if absent.
        """
        out = {name: values for name, values in rows.items() if name not in self.wide}
        for name, levels in self.wide.items():
            n = len(rows[name])
            domains = Domains(self.axes, {k: v for k, v in out.items() if k in self.axes}, n)
            settle(domains, linked(self._laws, name, domains.known))
            u = stream(seed, f"rules/level/{name}", block).random(max(n, BLOCK))[at][:n]
            out[name] = member_within(levels, rows[name], domains.choice.get(name), u)
        return {name: out[name] for name in rows}

    def for_table(self, rows: Rows) -> dict[str, FloatArray]:
        """Return refined rows as `Layout.table` takes them: chosen levels are numbered after the groups."""
        return {n: v + self.wide[n].n_groups if n in self.wide else v for n, v in rows.items()}

    def broken(self, rows: Rows) -> BoolArray:
        """Return which whole rows break a rule, an own one too, or a condition, shape (n,).

        Rules of uniqueness are not about single rows: see `repeated`.

        Raises
        ------
        ConfigError
            ``constraint/function-absent`` when an own rule came out of a file.
        """
        n = len(next(iter(rows.values()))) if rows else 0
        out = np.zeros(n, dtype=np.bool_)
        for law in self._laws:
            out |= ~law.kept(rows)
        for rule in self.own:
            out |= ~rule.holds(self._frame(rows, rule.fields))
        return out

    def broken_by_rule(self, rows: Rows) -> dict[str, int]:
        """Return how many whole rows break each rule that is about single rows."""
        found = {}
        for rule, laws in zip(self.rules, self._per_rule, strict=True):
            if isinstance(rule.body, Own):
                found[rule.text] = int((~rule.holds(self._frame(rows, rule.fields))).sum())
            elif laws:
                found[rule.text] = int((~np.logical_and.reduce([law.kept(rows) for law in laws])).sum())
        return found

    def repeated(self, rows: Rows) -> BoolArray:
        """Return which rows agree with an earlier row where a rule wants them to differ, shape (n,)."""
        n = len(next(iter(rows.values()))) if rows else 0
        out = np.zeros(n, dtype=np.bool_)
        for rule in self.unique:
            keys = np.stack([rows[name] for name in rule.fields], axis=1)
            there = np.flatnonzero(~np.isnan(keys).any(axis=1))
            _, first = np.unique(keys[there], axis=0, return_index=True)
            again = np.ones(len(there), dtype=np.bool_)
            again[first] = False
            out[there[again]] = True
        return out

    def repair(
        self,
        rows: Rows,
        seed: int,
        block: int,
        *,
        held: Sequence[str] = (),
        redraw: Redraw | None = None,
        at: IntArray | slice = slice(None),
    ) -> dict[str, FloatArray]:
        """Return rows mended column by column, for generators that cannot draw within bounds.

        Each column in turn is checked against those before it; where it breaks a rule it is drawn anew within its
        bounds. Columns without rules are never touched, missing values stay.

        Parameters
        ----------
        rows
            Whole rows.
        seed, block
            Address of the randomness.
        held
            Columns that keep their values (conditions): they come first.
        redraw
            Draws a column within bounds; the nearest allowed value is taken if absent.
        at
            Positions of the rows in their block; the first ones if absent.
        """
        spoken = set(self.names)
        out, known = dict(rows), {n: rows[n] for n in held if n in spoken}
        for name in self.last_computed():
            if name not in spoken or name in held:
                continue
            n = len(out[name])
            bounds = self.bounds(name, known, n)
            if bounds is not None and not bounds.allows(out[name]).all():
                if redraw is None:
                    out[name] = bounds.settle(out[name])
                else:
                    u = stream(seed, f"rules/repair/{name}", block).random((max(n, BLOCK), 2))[at][:n]
                    out[name] = redraw(name, bounds, out[name], u)
            known[name] = out[name]
        return out

    def last_computed(self) -> tuple[str, ...]:
        """Return all drawn columns in their order, those that an equality computes (``total = …``) last."""
        computed = {
            part.left.name
            for rule in self.rules
            if isinstance(rule.body, Relation)
            for part in rule.body.parts
            if isinstance(part, Compare) and part.op == "=" and isinstance(part.left, Name)
        }
        return tuple(sorted(self.axes, key=lambda n: n in computed))

    def get_state(self) -> dict[str, Any]:
        """Return plain values and arrays. Own functions are not among them: only their titles are kept."""
        grids = {
            n: {"low": a.low, "high": a.high, "step": a.step, "offset": a.offset, "unit": a.unit}
            for n, a in self.axes.items()
        }
        return {
            "rules": [r.text for r in self.rules],
            "facts": [dict(f) for f in self.facts],
            "axes": grids,
            "makers": sorted(self.makers),
            "wide": {n: levels.get_state() for n, levels in self.wide.items()},
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any], schema: Schema) -> Self:
        """Take back what `get_state` returned, for a model that draws tables of this schema."""
        axes = {n: Axis(schema.field(n), **state["axes"][n]) for n in schema.names if n in state["axes"]}
        rules = tuple(Constraint.parse(t) for t in state["rules"])
        wide = {n: Levels.from_state(state["wide"][n]) for n in schema.names if n in state["wide"]}
        return cls(rules, axes, tuple(dict(f) for f in state["facts"]), frozenset(state["makers"]), wide=wide)

    # inner ------------------------------------------------------------------------------------------------

    def _frame(self, rows: Rows, names: Sequence[str]) -> pd.DataFrame:
        """Return drawn columns as an own function sees them: in canonical form."""
        made: dict[str, pd.Series] = {}
        for name in names:
            f, values = self.axes[name].field, rows[name]
            if f.levelled:
                made[name] = from_codes(np.where(np.isnan(values), -1, values).astype(np.int64), f)
            else:
                made[name] = from_numbers(values, f)
        return pd.DataFrame(made)


__all__ = ["Book", "Redraw"]
