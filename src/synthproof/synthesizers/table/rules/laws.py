"""Laws: a rule as something that narrows what columns may be, and that finds the rows which break it.

Each law is written for all rows at once and for columns known in any order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from synthproof.core.constraints.bodies import Compare
from synthproof.core.constraints.check import compare
from synthproof.core.constraints.expressions import Linear, Stamps, evaluate
from synthproof.synthesizers.table.rules.bounds import NEAR, Choice
from synthproof.synthesizers.table.rules.domains import Domains

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]
Rows = Mapping[str, FloatArray]

_MANY_CELLS = 20_000_000  # rows × levels that are tried out one by one
_BISECTIONS = 60


class Law(Protocol):
    """One part of a rule."""

    @property
    def names(self) -> tuple[str, ...]:
        """Columns it speaks of."""
        ...

    def narrow(self, domains: Domains, rows: BoolArray) -> None:
        """Narrow the unknown columns in some rows; say which rows cannot keep the law any more."""
        ...

    def kept(self, rows: Rows) -> BoolArray:
        """Return whether whole rows keep the law; those with a missing value in play do."""
        ...


@dataclass(frozen=True, slots=True)
class Formula:
    """A comparison of two expressions of numbers, of any form.

    One unknown column is bounded when all others are known: exactly where the expression is linear in it, by bisection
    where it rises or falls throughout, by trying all levels where it has levels.

    Parameters
    ----------
    compare
        What is compared.
    stamp
        How written dates become numbers.
    readings
        For columns with levels: the number that each level spells (NaN where none).
    """

    compare: Compare
    stamp: Stamps
    readings: Mapping[str, FloatArray]

    @property
    def names(self) -> tuple[str, ...]:
        """Columns it speaks of."""
        return tuple(dict.fromkeys(self.compare.names))

    def numbers(self, rows: Rows) -> dict[str, FloatArray]:
        """Return the numbers behind drawn columns."""
        out: dict[str, FloatArray] = {}
        for name in self.names:
            if name in rows:
                values, reading = rows[name], self.readings.get(name)
                if reading is not None:
                    codes = np.where(np.isnan(values), len(reading), values).astype(np.intp)
                    values = np.append(reading, np.nan)[codes]
                out[name] = values
        return out

    def difference(self, numbers: Mapping[str, FloatArray]) -> FloatArray:
        """Return left less right."""
        left = evaluate(self.compare.left, numbers, self.stamp)
        right = evaluate(self.compare.right, numbers, self.stamp)
        return np.asarray(left - right, dtype=np.float64)

    def kept(self, rows: Rows) -> BoolArray:
        """Return whether whole rows keep the law."""
        numbers = self.numbers(rows)
        n = len(rows[self.names[0]])
        left = np.zeros(n) + evaluate(self.compare.left, numbers, self.stamp)
        right = np.zeros(n) + evaluate(self.compare.right, numbers, self.stamp)
        return compare(self.compare.op, left, right, self.compare.within)

    def narrow(self, domains: Domains, rows: BoolArray) -> None:
        """Bound the one unknown column, if there is one alone."""
        unknown = domains.unknown(self.names)
        live = rows & domains.live(self.names)
        if not live.any():
            return
        if not unknown:
            domains.fail(live & ~self.kept(domains.known))
        elif len(unknown) == 1:
            name = unknown[0]
            if name in self.readings:
                self._try_levels(domains, name, live)
            elif self.compare.op != "!=":
                self._solve(domains, name, live)

    def _try_levels(self, domains: Domains, name: str, live: BoolArray) -> None:
        levels = len(self.readings[name])
        at = np.flatnonzero(live)
        if len(at) * levels > _MANY_CELLS:
            return
        known = {n: np.repeat(domains.known[n][at], levels) for n in self.names if n != name}
        good = self.kept({**known, name: np.tile(np.arange(levels, dtype=np.float64), len(at))}).reshape(-1, levels)
        domains.restrict(name, choice_of(good, at, domains.n), live)

    def _solve(self, domains: Domains, name: str, live: BoolArray) -> None:
        numbers = self.numbers(domains.known)
        low, high = domains.interval(name)

        def at(x: FloatArray) -> FloatArray:
            return np.zeros(domains.n) + self.difference({**numbers, name: x})

        places = [low + (high - low) * t for t in (0.0, 0.25, 0.5, 0.75, 1.0)]
        found = np.stack([at(x) for x in places])
        with np.errstate(invalid="ignore"):
            steps = np.diff(found, axis=0)
            rises, falls = (steps >= 0).all(axis=0), (steps <= 0).all(axis=0)
            size = np.abs(found).max(axis=0)
            straight = np.abs(steps - steps.mean(axis=0)).max(axis=0) <= 1e-12 * np.maximum(size, 1.0)
        usable = live & (rises | falls) & np.isfinite(found).all(axis=0) & (found[0] != found[-1])
        if not usable.any():
            return
        room = self.compare.within if self.compare.op == "=" else 0.0

        def crossing(goal: float) -> FloatArray:
            """Return where the difference passes a goal, clipped to the column's interval."""
            with np.errstate(divide="ignore", invalid="ignore"):
                line = low + (goal - found[0]) / (found[-1] - found[0]) * (high - low)
            a, b = np.array(low), np.array(high)
            if not straight[usable].all():
                for _ in range(_BISECTIONS):
                    middle = (a + b) / 2
                    before = (at(middle) < goal) == rises
                    a, b = np.where(before, middle, a), np.where(before, b, middle)
            return np.where(straight, line, (a + b) / 2)

        op = self.compare.op
        if op == "=" and room == 0:
            inside = (np.minimum(found[0], found[-1]) <= 0) & (np.maximum(found[0], found[-1]) >= 0)
            close = np.minimum(np.abs(found[0]), np.abs(found[-1])) <= NEAR * np.maximum(size, 1.0)
            domains.fail(usable & ~inside & ~close)
            domains.pin(name, np.clip(crossing(0.0), low, high), usable & (inside | close))
            return
        hair = domains.axes[name].hair if op in {"<", ">"} else 0.0
        if op in {"<=", "<", "="}:
            edge = crossing(room)
            domains.narrow(name, -np.inf, edge - hair, usable & rises)
            domains.narrow(name, edge + hair, np.inf, usable & falls)
        if op in {">=", ">", "="}:
            edge = crossing(-room)
            domains.narrow(name, edge + hair, np.inf, usable & rises)
            domains.narrow(name, -np.inf, edge - hair, usable & falls)


@dataclass(frozen=True, slots=True)
class Sum(Formula):
    """A comparison of sums: ``least <= Σ factor · column <= most``; bounds every unknown column from the others' ranges.

    Parameters
    ----------
    total
        Left less right, as one linear sum without its constant.
    least, most
        Its bounds.
    strict
        Whether the bounds themselves are excluded.
    """

    total: Linear
    least: float
    most: float
    strict: bool

    def narrow(self, domains: Domains, rows: BoolArray) -> None:
        """Bound every unknown column: a sum's term is at most the bound less the least that the others can be."""
        names = tuple(self.total.factors)
        live = rows & domains.live(self.names)
        if not live.any():
            return
        ends = {n: _scaled(domains.interval(n), f) for n, f in self.total.factors.items()}
        low = np.sum([e[0] for e in ends.values()], axis=0)
        high = np.sum([e[1] for e in ends.values()], axis=0)
        unknown = domains.unknown(names)
        if not unknown:
            if not domains.unknown(self.names):  # a column that cancels out may still be missing
                domains.fail(live & ~self.kept(domains.known))
            return
        for name in unknown:
            factor = self.total.factors[name]
            rest_low, rest_high = low - ends[name][0], high - ends[name][1]
            if self.least == self.most and len(unknown) == 1:
                domains.pin(name, (self.most - rest_low) / factor, live)
                continue
            a, b = (self.least - rest_high) / factor, (self.most - rest_low) / factor
            if factor < 0:
                a, b = b, a
            hair = domains.axes[name].hair if self.strict else 0.0
            with np.errstate(invalid="ignore"):
                domains.narrow(name, a + hair, b - hair, live)


def _scaled(ends: tuple[FloatArray, FloatArray], factor: float) -> tuple[FloatArray, FloatArray]:
    low, high = ends
    return (factor * low, factor * high) if factor > 0 else (factor * high, factor * low)


def choice_of(good: BoolArray, at: IntArray, n: int) -> Choice:
    """Return a choice over n rows from the allowed levels of some of them, shape (len(at), levels)."""
    packed = np.packbits(good, axis=1)
    _, first, owner = np.unique(packed, axis=0, return_index=True, return_inverse=True)
    row = np.full(n, -1, dtype=np.intp)
    row[at] = owner.reshape(-1)
    return Choice.listed(row, [np.flatnonzero(good[k]).astype(np.float64) for k in first])


__all__ = ["Formula", "Law", "Rows", "Sum", "choice_of"]
