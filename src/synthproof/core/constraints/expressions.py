"""Sums and products of columns and constants: what stands on the two sides of a comparison."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

_US = 1_000_000.0
UNITS: Mapping[str, float] = {
    name: size * _US
    for names, size in (
        (("second", "seconds"), 1.0),
        (("minute", "minutes"), 60.0),
        (("hour", "hours"), 3_600.0),
        (("day", "days"), 86_400.0),
        (("week", "weeks"), 604_800.0),
    )
    for name in names
}
"""Stretches of time in microseconds, the unit of date columns: ``discharge <= admission + 30 days``."""


@dataclass(frozen=True, slots=True)
class Name:
    """A column."""

    name: str


@dataclass(frozen=True, slots=True)
class Number:
    """A constant."""

    value: float


@dataclass(frozen=True, slots=True)
class Text:
    """A level, or a date, as it is written."""

    value: str


@dataclass(frozen=True, slots=True)
class Operation:
    """Two expressions joined by ``+ - * /``."""

    op: str
    left: Expression
    right: Expression


Expression: TypeAlias = Name | Number | Text | Operation
Stamps: TypeAlias = Callable[[str], float]
"""How a written date becomes a number; it depends on the zone of the columns it is compared with."""


@dataclass(frozen=True, slots=True)
class Linear:
    """A sum of columns with factors, and a constant."""

    factors: Mapping[str, float]
    constant: float

    def times(self, k: float) -> Linear:
        """Return the sum k-fold."""
        return Linear({n: k * f for n, f in self.factors.items()}, k * self.constant)

    def plus(self, other: Linear) -> Linear:
        """Return the sum of both; columns that cancel are gone."""
        names = (*self.factors, *(n for n in other.factors if n not in self.factors))
        factors = {n: self.factors.get(n, 0.0) + other.factors.get(n, 0.0) for n in names}
        return Linear({n: f for n, f in factors.items() if f}, self.constant + other.constant)


def names_in(expression: Expression) -> tuple[str, ...]:
    """Return the columns of an expression, in order of appearance, repeats included."""
    match expression:
        case Name(name):
            return (name,)
        case Operation(_, left, right):
            return (*names_in(left), *names_in(right))
        case _:
            return ()


def linear(expression: Expression, stamp: Stamps) -> Linear | None:
    """Return the expression as a linear sum, or ``None`` when columns are multiplied with or divided by columns."""
    match expression:
        case Name(name):
            return Linear({name: 1.0}, 0.0)
        case Number(value):
            return Linear({}, value)
        case Text(text):
            return Linear({}, stamp(text))
        case Operation(op, left, right):
            a, b = linear(left, stamp), linear(right, stamp)
            if a is None or b is None:
                return None
            if op in "+-":
                return a.plus(b if op == "+" else b.times(-1.0))
            if op == "*" and not (a.factors and b.factors):
                return a.times(b.constant) if not b.factors else b.times(a.constant)
            if op == "/" and not b.factors and b.constant:
                return a.times(1.0 / b.constant)
    return None


def evaluate(expression: Expression, numbers: Mapping[str, FloatArray], stamp: Stamps) -> Any:
    """Return the expression's value for each row (a plain number where it names no column); NaN where undefined."""
    match expression:
        case Name(name):
            return numbers[name]
        case Number(value):
            return value
        case Text(text):
            return stamp(text)
        case Operation(op, left, right):
            a, b = evaluate(left, numbers, stamp), evaluate(right, numbers, stamp)
            if op == "+":
                return a + b
            if op == "-":
                return a - b
            if op == "*":
                return a * b
            with np.errstate(divide="ignore", invalid="ignore"):
                return np.divide(a, b)


__all__ = [
    "UNITS",
    "Expression",
    "Linear",
    "Name",
    "Number",
    "Operation",
    "Stamps",
    "Text",
    "evaluate",
    "linear",
    "names_in",
]
