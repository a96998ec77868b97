"""Exact dependencies of the learned rows that drawn rows keep, too: a number that belongs to a level, sums, orderings.

A network gives what never occurs a small probability, not none. Where all learned rows keep a rule that a fifth of the
columns' chance arrangements would break, drawn rows are held to it as to a declared one; the user sees them all in
``exact_``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from synthproof.core.constraints import Constraint
from synthproof.core.errors import ConfigError
from synthproof.core.run import Run
from synthproof.data.table.dataset import Table
from synthproof.data.table.rule_learning import learn_rules
from synthproof.synthesizers.table.columns.grid import Grid
from synthproof.synthesizers.table.columns.layout import Layout
from synthproof.synthesizers.table.rules.book import Book
from synthproof.synthesizers.table.rules.conflicts import check_rules_together

_SORTS = ("equal", "sum", "order", "group")
_LEAST_ROWS = 200
_SHARE = 0.2  # of the rows must break a rule once one of its columns is shuffled


def exact_book(data: Table, layout: Layout, grids: Mapping[str, Grid], run: Run) -> Book:
    """Return the rules that all learned rows keep and that could often have failed.

    Parameters
    ----------
    data
        Train as the model sees it.
    """
    drawn = {f.name for f in layout.modelled} - set(layout.wide)
    rules: list[Constraint] = []
    if data.n_rows >= _LEAST_ROWS:
        for proposal in learn_rules(data, run=run, sorts=_SORTS):
            sure = proposal.failures >= _SHARE * proposal.rows and proposal.rows >= _LEAST_ROWS
            if sure and all(name in drawn for name in proposal.rule.fields):
                rules.append(proposal.rule)
    return Book.learn(rules, layout.schema, grids, data, makers=tuple(layout.makers))


def together(declared: Book, exact: Book) -> Book:
    """Return a book of both; the declared rules alone where the two contradict each other."""
    if exact.empty:
        return declared
    known = {r.text for r in declared.rules}
    new = [(r, f) for r, f in zip(exact.rules, exact.facts, strict=True) if r.text not in known]
    joined = replace(
        declared,
        rules=(*declared.rules, *(r for r, _ in new)),
        facts=(*declared.facts, *(f for _, f in new)),
    )
    try:
        check_rules_together(joined)
    except ConfigError:
        return declared
    return joined
