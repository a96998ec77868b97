"""Rules that cannot hold together are found before anything is drawn, and the smallest set of them is named."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import numpy as np

from synthproof.core.errors import ConditionError, ConfigError
from synthproof.synthesizers.table.columns.conditions import Condition
from synthproof.synthesizers.table.rules.book import Book
from synthproof.synthesizers.table.rules.domains import Domains
from synthproof.synthesizers.table.rules.laws import Sum
from synthproof.synthesizers.table.rules.propagate import settle

_INFEASIBLE = 2
T = TypeVar("T")


def check_rules_together(book: Book) -> None:
    """Refuse rules that no row can keep.

    Raises
    ------
    ConfigError
        ``rules/conflict`` with the smallest set of rules that exclude one another.
    """
    names = [rule.text for rule in book.rules]
    if not _possible(book, names, {}):
        guilty = _smallest(names, lambda kept: _possible(book, kept, {}))
        raise ConfigError("rules/conflict", where=guilty[0], rules="; ".join(guilty))


def check_conditions(book: Book, asked: Mapping[str, Condition]) -> None:
    """Refuse conditions that the rules exclude.

    Raises
    ------
    ConditionError
        ``rules/conflict-where`` with the conditions and rules that exclude one another.
    """
    texts = [rule.text for rule in book.rules]
    present = {name: c for name, c in asked.items() if c.ranges and not c.missing}
    if not present or _possible(book, texts, present):
        return
    both: list[tuple[str, str]] = [("rule", t) for t in texts] + [("where", n) for n in present]

    def possible(kept: Sequence[tuple[str, str]]) -> bool:
        rules = [t for kind, t in kept if kind == "rule"]
        return _possible(book, rules, {t: present[t] for kind, t in kept if kind == "where"})

    guilty = _smallest(both, possible)
    rules = "; ".join(t for kind, t in guilty if kind == "rule")
    names = ", ".join(t for kind, t in guilty if kind == "where")
    raise ConditionError("rules/conflict-where", where=names, asked=names, rules=rules or "-")


def _smallest(parts: Sequence[T], possible: Callable[[Sequence[T]], bool]) -> list[T]:
    """Return a smallest part of an impossible set that is itself impossible: whatever can be left out, is."""
    kept = list(parts)
    for part in parts:
        without = [p for p in kept if p is not part]
        if not possible(without):
            kept = without
    return kept


def _possible(book: Book, texts: Sequence[str], asked: Mapping[str, Condition]) -> bool:
    """Whether some row may keep these rules and conditions; what cannot be decided counts as possible."""
    laws = [law for rule, own in zip(book.rules, book.laws_of_rules, strict=True) if rule.text in texts for law in own]
    # A missing value keeps any rule: what a column that may be missing cannot be says nothing.
    laws = [law for law in laws if all(n in asked or not book.axes[n].field.nullable for n in law.names)]
    under = book.under(asked)
    conditions = list(under.laws_of_conditions)
    domains = Domains(book.axes, {n: np.array([v]) for n, v in under.certain.items()}, 1)
    for law in laws:  # a rule on one column may already leave nothing of it
        for name in law.names:
            domains.interval(name)
    settle(domains, [*conditions, *laws])
    return not bool(domains.dead[0]) and _sums_possible([law for law in laws if isinstance(law, Sum)], domains)


def _sums_possible(sums: Sequence[Sum], domains: Domains) -> bool:
    """Whether all sums can hold at once within the columns' ranges: a linear programme without a goal."""
    if len(sums) < 2:
        return True
    names = list(dict.fromkeys(n for law in sums for n in law.total.factors))
    scale = {n: max(abs(domains.axes[n].low), abs(domains.axes[n].high), 1e-9) for n in names}
    upper, most, equal, goal = [], [], [], []
    for law in sums:
        row = np.array([law.total.factors.get(n, 0.0) * scale[n] for n in names])
        size = float(np.abs(row).max()) or 1.0
        hair = min(_gap(law, domains), size) if law.strict else 0.0
        if law.least == law.most:
            equal.append(row / size)
            goal.append(law.most / size)
            continue
        if np.isfinite(law.most):
            upper.append(row / size)
            most.append((law.most - hair) / size)
        if np.isfinite(law.least):
            upper.append(-row / size)
            most.append(-(law.least + hair) / size)
    ends = [(float(domains.interval(n)[0][0]) / scale[n], float(domains.interval(n)[1][0]) / scale[n]) for n in names]

    from scipy.optimize import linprog  # not before it is needed: it takes 40 MB to import

    found = linprog(
        np.zeros(len(names)),
        A_ub=np.array(upper) if upper else None,
        b_ub=most or None,
        A_eq=np.array(equal) if equal else None,
        b_eq=goal or None,
        bounds=ends,
        method="highs",
    )
    return bool(found.status != _INFEASIBLE)


def _gap(law: Sum, domains: Domains) -> float:
    """Return the least by which a strict comparison must be kept: a step where all columns have one."""
    steps = [abs(f) * domains.axes[n].step for n, f in law.total.factors.items()]
    return min(steps) if all(s > 0 for s in steps) else max(domains.axes[n].hair for n in law.total.factors)


__all__ = ["check_conditions", "check_rules_together"]
