"""Rules declared for a table: added to its schema, and counted in its rows before anything learns from them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from synthproof.core.constraints import Constraint, as_constraint
from synthproof.core.errors import DataError
from synthproof.core.words import Words
from synthproof.data.table.dataset import Table


@dataclass(frozen=True, slots=True)
class RuleCount:
    """How many rows of a table break a rule.

    Parameters
    ----------
    rule
        The rule.
    rows
        Rows in which all its columns are present.
    broken
        Rows of those that break it.
    """

    rule: Constraint
    rows: int
    broken: int

    @property
    def words(self) -> Words:
        """The count in a sentence."""
        return _COUNTED.filled(rule=self.rule.text, rows=self.rows, broken=self.broken)

    def __str__(self) -> str:
        return self.words.en


def declare(table: Table, rules: Iterable[Constraint | str]) -> Table:
    """Return the table with rules added to its schema; one of the same text is exchanged.

    Raises
    ------
    ConfigError
        ``constraint/unreadable``.
    SchemaError
        ``schema/unknown-field`` with the nearest name.
    """
    new = {rule.text: rule for rule in map(as_constraint, rules)}
    for rule in new.values():
        for name in rule.fields:
            table.schema.field(name)
    kept = tuple(r for r in table.schema.constraints if r.text not in new)
    return table.with_schema(replace(table.schema, constraints=(*kept, *new.values())))


def check_rules(table: Table, rules: Iterable[Constraint | str] | None = None) -> tuple[RuleCount, ...]:
    """Return for each rule how many rows break it.

    Parameters
    ----------
    table
        Data.
    rules
        Rules or their texts; those of the table's schema if absent.

    Raises
    ------
    ConfigError
        ``constraint/unreadable`` or ``constraint/function-absent``.
    SchemaError
        ``schema/unknown-field``.
    """
    asked = table.schema.constraints if rules is None else tuple(map(as_constraint, rules))
    out: list[RuleCount] = []
    for rule in asked:
        for name in rule.fields:
            table.schema.field(name)
        there = table.frame[list(rule.fields)].notna().all(axis=1)
        out.append(RuleCount(rule, int(there.sum()), int((~rule.holds(table.frame)).sum())))
    return tuple(out)


def refuse_broken(counts: Sequence[RuleCount], where: str) -> None:
    """Refuse data that break a declared rule.

    Raises
    ------
    DataError
        ``rules/broken-in-data`` with the rules and how many rows break each.
    """
    bad = [c for c in counts if c.broken]
    if bad:
        told = "; ".join(f"{c.rule.text}: {c.broken}/{c.rows}" for c in bad)
        raise DataError("rules/broken-in-data", where=where, rules=told)


_COUNTED = Words(
    en="{rule}: {broken} of {rows} rows break it.",
    ko="{rule}: {rows}행 중 {broken}행이 어깁니다.",
)

__all__ = ["RuleCount", "check_rules", "declare", "refuse_broken"]
