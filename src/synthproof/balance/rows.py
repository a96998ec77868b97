"""Which real rows stay, which are repeated, and how many are to be made, for one class a row or several labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from synthproof.balance.amounts import Amounts, Ratio, down_amounts, out_of_reach, up_amounts
from synthproof.balance.arms import learns, makes_rows
from synthproof.balance.classes import Classes
from synthproof.balance.combinations import down_plan, label_goals, told_plan, up_plan
from synthproof.balance.labels import Labels
from synthproof.balance.receipt import told_reach, told_small
from synthproof.core.errors import DataError
from synthproof.core.random import stream
from synthproof.core.words import Words

IntArray = npt.NDArray[np.intp]
Sizes = Callable[[], IntArray]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What decides amounts: the balancer's parameters of the same names."""

    ratio: Ratio
    cap_class: float | None
    cap_total: float | None
    least: int
    small: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Rows of every class (every combination of labels) before and after.

    Parameters
    ----------
    amounts
        Of the classes, or of the combinations.
    labels
        Of the labels, where rows carry several; else the same as `amounts`.
    notices
        What the user should know of it.
    """

    amounts: Amounts
    labels: Amounts
    notices: tuple[Words, ...] = ()


def wanted_rows(
    strategy: str, classes: Classes, labels: Labels | None, how: Settings, *, sizes: Sizes | None = None
) -> Wanted:
    """Return how many rows of each class there are to be.

    Parameters
    ----------
    sizes
        Gives the persons of each class (of each label) where they are known and rows are not persons; counted only where
        a generator learns.

    Raises
    ------
    ConfigError
        ``balance/bad-ratio``, ``balance/too-much``.
    DataError
        ``balance/class-too-small``.
    """
    if strategy in ("none", "weights"):
        same = Amounts(classes.counts, classes.counts)
        return Wanted(same, same if labels is None else Amounts(labels.counts, labels.counts))
    up = strategy != "down"
    counted = classes if labels is None else labels
    reach = told_reach(out_of_reach(counted, how.ratio, up=up), len(counted), up=up)
    if not up:
        if labels is None:
            amounts = down_amounts(classes, how.ratio)
            return Wanted(amounts, amounts, reach)
        plan = down_plan(labels, how.ratio)
        return Wanted(plan.groups, plan.labels, (*reach, *told_plan(labels, plan)))
    made = makes_rows(strategy)
    count = sizes if sizes is not None and learns(strategy) else None
    if labels is None:
        amounts = up_amounts(classes, how.ratio, made=made, cap_class=how.cap_class, cap_total=how.cap_total)
        amounts, told = _small(amounts, strategy, how, count)
        return Wanted(amounts, amounts, (*reach, *told))
    goal = label_goals(labels, how.ratio, made=made, cap_class=how.cap_class)
    asked, told = _small(Amounts(labels.counts, goal), strategy, how, count)
    by_hand = not (isinstance(how.ratio, str) and how.ratio == "auto")
    caps = (how.cap_class, how.cap_total) if made else (None, None)
    plan = up_plan(labels, asked.after, by_hand=by_hand, cap_class=caps[0], cap_total=caps[1])
    return Wanted(plan.groups, plan.labels, (*reach, *told, *told_plan(labels, plan)))


def _small(amounts: Amounts, strategy: str, how: Settings, sizes: Sizes | None) -> tuple[Amounts, tuple[Words, ...]]:
    """Refuse, flag or skip classes that are asked to grow and have too few rows to be learned."""
    least = how.least if learns(strategy) else 2 if strategy not in ("duplicates", "augmentation") else 1
    have = amounts.before if sizes is None or not amounts.added.any() else sizes()
    small = np.flatnonzero((amounts.added > 0) & (have < least))
    if not len(small):
        return amounts, ()
    facts: dict[str, Any] = {
        "n_small": len(small), "n_classes": len(have), "least": least, "n": int(have[small].min()),
    }  # fmt: skip
    if how.small == "refuse":
        raise DataError("balance/class-too-small", **facts)
    told = (told_small(how.small, **facts),)
    if how.small == "flag":
        return amounts, told
    after = amounts.after.copy()
    after[small] = amounts.before[small]
    return replace(amounts, after=after), told


def kept_rows(classes: Classes, amounts: Amounts, seed: int) -> IntArray:
    """Return the positions of real rows that stay, ascending; thinned classes keep rows at random."""
    stays = np.ones(len(classes.codes), dtype=bool)
    for c in np.flatnonzero(amounts.dropped):
        rows = classes.rows(int(c))
        order = stream(seed, f"balance/down/{c}").permutation(len(rows))
        stays[rows[order[amounts.after[c] :]]] = False
    return np.flatnonzero(stays).astype(np.intp)


def repeated_rows(classes: Classes, amounts: Amounts, seed: int) -> IntArray:
    """Return the positions of rows that are repeated: within a class every row as often as any other, or once more."""
    parts = [balanced_repeats(classes.rows(int(c)), int(amounts.added[c]), seed) for c in np.flatnonzero(amounts.added)]
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.intp)


def balanced_repeats(rows: IntArray, n: int, seed: int) -> IntArray:
    """Return n positions out of some, each as often as any other or once more; which ones is drawn."""
    whole, left = divmod(n, len(rows))
    order = stream(seed, f"balance/duplicates/{int(rows[0])}").permutation(len(rows))
    return np.concatenate([np.tile(rows, whole), np.sort(rows[order[:left]])]).astype(np.intp)


def first_rows(classes: Classes) -> IntArray:
    """Return the first row of each class, shape (n_classes,)."""
    return np.array([classes.rows(c)[0] for c in range(len(classes))], dtype=np.intp)


__all__ = [
    "Settings", "Wanted", "balanced_repeats", "first_rows", "kept_rows", "repeated_rows", "wanted_rows",
]  # fmt: skip
