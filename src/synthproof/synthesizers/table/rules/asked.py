"""Conditions of a call as laws, so that they are kept beside the rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synthproof.synthesizers.table.columns.conditions import Condition
from synthproof.synthesizers.table.columns.levels import Levels
from synthproof.synthesizers.table.rules.domains import Domains
from synthproof.synthesizers.table.rules.laws import Law, Rows
from synthproof.synthesizers.table.rules.tables import Allowed

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


def condition_laws(asked: Mapping[str, Condition], wide: Mapping[str, Levels]) -> list[Law]:
    """Return the laws of a call's conditions, for columns that must have a value; of `wide` columns in levels."""
    out: list[Law] = []
    for c in asked.values():
        if c.name in wide and c.among is not None:
            out.append(Allowed(c.name, np.unique(c.among).astype(np.float64)))
        else:
            out.append(_Asked(c) if any(a < b for a, b in c.ranges) else Allowed(c.name, _points(c)))
    return out


def _points(condition: Condition) -> FloatArray:
    return np.array([a for a, _ in condition.ranges], dtype=np.float64)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A condition on a number as a law: within the hull of its stretches, or one of its exact values."""

    condition: Condition

    @property
    def names(self) -> tuple[str, ...]:
        return (self.condition.name,)

    def kept(self, rows: Rows) -> BoolArray:
        values = rows[self.condition.name]
        out = np.isnan(values)
        for low, high in self.condition.ranges:
            out |= (values >= low) & (values <= high)
        return np.asarray(out)

    def narrow(self, domains: Domains, rows: BoolArray) -> None:
        name = self.condition.name
        if name in domains.known:
            return
        exact = [e for e in self.condition.exact if e is not None]
        if exact and len(exact) == len(self.condition.exact):
            Allowed(name, np.unique(exact)).narrow(domains, rows)
        elif self.condition.ranges:
            low = min(a for a, _ in self.condition.ranges)
            high = max(b for _, b in self.condition.ranges)
            domains.narrow(name, low, high, rows)


__all__ = ["condition_laws"]
