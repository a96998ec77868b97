"""Rules on the road: declared before learning and counted in the data, or learned from train on request."""

from __future__ import annotations

from dataclasses import replace

from synthproof.core.run import Run
from synthproof.core.words import Words
from synthproof.data.split import Split
from synthproof.data.table.dataset import Table
from synthproof.data.table.declared import check_rules, declare, refuse_broken
from synthproof.data.table.rule_learning import learn_rules
from synthproof.pipeline.stage_config import ReadConfig


def with_rules(table: Table, read: ReadConfig) -> tuple[Table, tuple[Words, ...]]:
    """Return the table with the declared rules, and what must be said of rules that its rows break.

    Raises
    ------
    DataError
        ``rules/broken-in-data`` when ``read.broken_rules`` is ``"refuse"``.
    """
    told = declare(table, read.rules)
    counts = check_rules(told, [r for r in told.schema.constraints if r.checkable])
    if read.broken_rules == "refuse":
        refuse_broken(counts, told.origin.name)
    return told, tuple(c.words for c in counts if c.broken)


def learned_rules(table: Table, *, run: Run | None = None) -> Table:
    """Return the table with the rules that it seems to keep declared."""
    return declare(table, [p.rule for p in learn_rules(table, run=run)])


def with_learned_rules(parts: Split[Table], *, run: Run | None = None) -> tuple[Split[Table], tuple[Words, ...]]:
    """Return the parts with the rules that train seems to keep, and what they are."""
    found = [p for p in learn_rules(parts.train, run=run) if p.rule not in parts.train.schema.constraints]
    rules = [p.rule for p in found]
    told = replace(parts, train=declare(parts.train, rules), holdout=declare(parts.holdout, rules))
    return told, tuple(p.words for p in found)


__all__ = ["learned_rules", "with_learned_rules", "with_rules"]
