"""Declared rules that every row keeps, as plain expressions.

``discharge >= admission`` · ``total = a + b`` · ``unique(patient, visit)`` · ``district in city`` (each district has
one city) · ``combination(sex, ward)`` (only combinations seen in train). Backticks quote names: ```입원 일` <= 퇴원일``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthproof.core.errors import ConfigError

_NAME = r"`[^`]+`|[^\W\d][\w.]*"
_TOKEN = re.compile(rf"\s*(?:(?P<name>{_NAME})|(?P<number>\d+(?:\.\d+)?)|(?P<op><=|>=|==|!=|[<>=+\-*/(),]))")
_COMPARE: Mapping[str, Callable[[Any, Any], Any]] = {
    "<=": lambda a, b: a <= b + 1e-9,
    ">=": lambda a, b: a >= b - 1e-9,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "=": lambda a, b: np.isclose(a, b, rtol=1e-9, atol=1e-9),
    "==": lambda a, b: np.isclose(a, b, rtol=1e-9, atol=1e-9),
    "!=": lambda a, b: ~np.isclose(a, b, rtol=1e-9, atol=1e-9),
}


@dataclass(frozen=True, slots=True)
class Constraint:
    """One rule: its text, what sort it is, and the fields it speaks of."""

    text: str
    sort: str
    fields: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Constraint:
        """Read an expression.

        Raises
        ------
        ConfigError
            ``constraint/unreadable`` with the position where reading stopped.
        """
        return _Parser(text).parse()

    def holds(self, frame: pd.DataFrame, reference: pd.DataFrame | None = None) -> npt.NDArray[np.bool_]:
        """Return for each row whether it keeps the rule; rows with a missing value in play keep it.

        Parameters
        ----------
        frame
            Canonical columns.
        reference
            Rows that define what is allowed, for ``in`` and ``combination`` (train); ``frame`` itself if absent.
        """
        if self.sort == "unique":
            rows = frame[list(self.fields)]
            return np.asarray(~rows.duplicated(keep=False) | rows.isna().any(axis=1), dtype=bool)
        if self.sort in {"combination", "in"}:
            return _known(frame, reference if reference is not None else frame, self.fields)
        numbers = {name: _number(frame[name]) for name in self.fields}
        left, op, right = _Parser(self.text).sides()
        a, b = left(numbers), right(numbers)
        missing = np.isnan(a) | np.isnan(b)
        with np.errstate(invalid="ignore"):
            return np.asarray(missing | _COMPARE[op](a, b), dtype=bool)


def _number(column: pd.Series) -> npt.NDArray[np.float64]:
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        stamps = column.dt.tz_convert("UTC").dt.tz_localize(None) if column.dt.tz is not None else column
        out = stamps.to_numpy().astype("datetime64[us]").astype("float64")
        return np.where(column.isna().to_numpy(), np.nan, out)
    return pd.to_numeric(column.astype(object), errors="coerce").to_numpy(dtype="float64", na_value=np.nan)


def _known(frame: pd.DataFrame, reference: pd.DataFrame, names: tuple[str, ...]) -> npt.NDArray[np.bool_]:
    def keys(data: pd.DataFrame) -> pd.MultiIndex:
        return pd.MultiIndex.from_arrays([data[n].astype("string").fillna("\x00") for n in names])

    return np.asarray(keys(frame).isin(keys(reference).unique()), dtype=bool)


_Numbers = Mapping[str, npt.NDArray[np.float64]]
_Side = Callable[[_Numbers], Any]


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = self._scan(text)
        self.at = 0
        self.names: list[str] = []

    def _scan(self, text: str) -> list[tuple[str, str]]:
        out: list[tuple[str, str]] = []
        place = 0
        stripped = text.rstrip()
        while place < len(stripped):
            match = _TOKEN.match(stripped, place)
            if not match:
                raise ConfigError("constraint/unreadable", where=text, position=place + 1)
            kind = match.lastgroup or ""
            out.append((kind, match.group(kind)))
            place = match.end()
        return out

    def _fail(self) -> ConfigError:
        return ConfigError("constraint/unreadable", where=self.text, position=self.at + 1)

    def _peek(self) -> tuple[str, str]:
        return self.tokens[self.at] if self.at < len(self.tokens) else ("end", "")

    def _next(self) -> tuple[str, str]:
        token = self._peek()
        self.at += 1
        return token

    def parse(self) -> Constraint:
        words = [t for _, t in self.tokens]
        if len(words) > 2 and words[0] in {"unique", "combination"} and words[1] == "(":
            names = tuple(t.strip("`") for kind, t in self.tokens[2:] if kind == "name")
            if words[-1] != ")" or not names:
                raise self._fail()
            return Constraint(self.text, words[0], names)
        if len(words) == 3 and words[1] == "in":
            return Constraint(self.text, "in", (words[0].strip("`"), words[2].strip("`")))
        self.sides()
        return Constraint(self.text, "compare", tuple(dict.fromkeys(self.names)))

    def sides(self) -> tuple[_Side, str, _Side]:
        left = self._sum()
        kind, op = self._next()
        if kind != "op" or op not in _COMPARE:
            raise self._fail()
        right = self._sum()
        if self._peek()[0] != "end" or not self.names:
            raise self._fail()
        return left, op, right

    def _sum(self) -> _Side:
        side = self._product()
        while self._peek()[1] in {"+", "-"}:
            side = _combine(self._next()[1], side, self._product())
        return side

    def _product(self) -> _Side:
        side = self._atom()
        while self._peek()[1] in {"*", "/"}:
            side = _combine(self._next()[1], side, self._atom())
        return side

    def _atom(self) -> _Side:
        kind, text = self._next()
        if kind == "name":
            name = text.strip("`")
            self.names.append(name)
            return lambda numbers: numbers[name]
        if kind == "number":
            value = float(text)
            return lambda numbers: np.full(len(next(iter(numbers.values()))), value)
        if text == "(":
            inner = self._sum()
            if self._next()[1] != ")":
                raise self._fail()
            return inner
        if text == "-":
            inner = self._atom()
            return lambda numbers: -inner(numbers)
        raise self._fail()


def _combine(op: str, a: _Side, b: _Side) -> _Side:
    if op == "+":
        return lambda n: a(n) + b(n)
    if op == "-":
        return lambda n: a(n) - b(n)
    if op == "*":
        return lambda n: a(n) * b(n)

    def divide(n: _Numbers) -> Any:
        with np.errstate(divide="ignore", invalid="ignore"):
            return a(n) / b(n)

    return divide
