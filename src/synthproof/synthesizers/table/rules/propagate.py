"""Narrowing all linked columns until nothing changes, and reading off what one of them may be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from synthproof.core.schema import Field, Schema
from synthproof.synthesizers.table.columns.grid import Grid
from synthproof.synthesizers.table.rules.bounds import Bounds
from synthproof.synthesizers.table.rules.domains import Axis, Domains, axis_of
from synthproof.synthesizers.table.rules.laws import Law, Rows

FloatArray = npt.NDArray[np.float64]

_MOST_LEVELS = 1024
"""Up to so many levels `Bounds.levels` is an array; for more, `Bounds.points` lists what is allowed."""
_SWEEPS = 12


def axes_of(schema: Schema, grids: Mapping[str, Grid], makers: Sequence[str] = ()) -> dict[str, Axis]:
    """Return the axes of all drawn columns."""
    drawn: list[Field] = [f for f in schema.modelled if f.name not in makers]
    return {f.name: axis_of(f, grids.get(f.name)) for f in drawn}


def ranged(axis: Axis) -> Axis:
    """Return an axis of levels with the range of its own codes."""
    return replace(axis, high=float(max(0, axis.levels - 1)))


def linked(laws: Sequence[Law], name: str, rows: Rows) -> list[Law]:
    """Return the laws that reach a column through unknown ones."""
    found: list[Law] = []
    reached, queue = {name}, [name]
    rest = list(laws)
    while queue:
        here = queue.pop()
        for law in [w for w in rest if here in w.names]:
            rest.remove(law)
            found.append(law)
            fresh = [n for n in law.names if n not in rows and n not in reached]
            reached.update(fresh)
            queue.extend(fresh)
    return found


def settle(domains: Domains, laws: Sequence[Law]) -> None:
    """Apply laws until nothing changes (or, where that would go on, a dozen times: the rest is found at the end)."""
    for _ in range(_SWEEPS):
        domains.changed = False
        for law in laws:
            law.narrow(domains, ~domains.dead)
        if not domains.changed:
            return


def bounds_of(domains: Domains, name: str) -> Bounds | None:
    """Return what one column may be in narrowed domains, or ``None`` when nothing is asked of it."""
    axis, choice, dead = domains.axes[name], domains.choice.get(name), domains.dead
    n = domains.n
    low, high = np.full(n, -np.inf), np.full(n, np.inf)
    fixed, levels = np.full(n, np.nan), None
    touched = name in domains.low
    if touched:
        narrowed = (domains.low[name] > axis.low) | (domains.high[name] < axis.high)
        low = np.where(narrowed & ~dead, domains.low[name], low)
        high = np.where(narrowed & ~dead, domains.high[name], high)
        fixed = np.where((low == high) & ~dead, low, fixed)
    if choice is not None:
        choice = replace(choice, row=np.where(dead, -1, choice.row))
        fixed = np.where(np.isnan(fixed), choice.single(), fixed)
    if axis.levels and axis.levels <= _MOST_LEVELS and (choice is not None or touched):
        codes = np.arange(axis.levels)
        levels = (codes >= low[:, None]) & (codes <= high[:, None])
        if choice is not None:
            levels &= choice.mask(axis.levels)
        low, high, choice = np.full(n, -np.inf), np.full(n, np.inf), None
    out = Bounds(low, high, fixed, levels, choice, dead)
    return out if out.bound.any() or dead.any() else None


__all__ = ["axes_of", "bounds_of", "linked", "ranged", "settle"]
