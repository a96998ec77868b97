"""Whether rows of a frame keep a rule. Rows with a missing value in play keep it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthproof.core.constraints.bodies import (
    Among,
    Body,
    Compare,
    Inside,
    Matches,
    Own,
    Part,
    Ranges,
    Relation,
    Unique,
)
from synthproof.core.constraints.expressions import Expression, Name, Text, evaluate
from synthproof.core.errors import ConfigError

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]

SLACK = 1e-9
"""Relative distance under which two numbers count as one."""


def compare(op: str, a: Any, b: Any, within: float = 0.0) -> BoolArray:
    """Return ``a op b`` for numbers, forgiving the last digits of sums; NaN on either side keeps the rule."""
    with np.errstate(invalid="ignore"):
        size = np.maximum(np.abs(a), np.abs(b))
        slack = SLACK * np.where(np.isfinite(size), np.maximum(1.0, size), 1.0) + within
        near = np.abs(a - b) <= slack
        found = {
            "<=": (a <= b) | near,
            ">=": (a >= b) | near,
            "<": (a < b) & ~near,
            ">": (a > b) & ~near,
            "=": near,
            "!=": ~near,
        }[op]
    return np.asarray(found | np.isnan(a) | np.isnan(b), dtype=bool)


def check(body: Body, frame: pd.DataFrame, reference: pd.DataFrame | None) -> BoolArray:
    """Return for each row of `frame` whether it keeps the rule; `reference` defines what train has."""
    match body:
        case Unique(names):
            rows = frame[list(names)]
            return np.asarray(~rows.duplicated(keep=False) | rows.isna().any(axis=1), dtype=bool)
        case Relation(parts, when):
            kept = _all(_part(p, frame) for p in parts)
            return kept if not when else kept | ~_all(_part(p, frame, condition=True) for p in when)
        case Ranges(name, by):
            return _in_range(frame, frame if reference is None else reference, name, by)
        case Inside(names):
            return _inside(frame, frame if reference is None else reference, names)
        case Own(title, names, function):
            if function is None:
                raise ConfigError("constraint/function-absent", where=title, name=title)
            return _own(function, frame, names, title)
        case _:
            there = frame[list(body.names)].notna().all(axis=1).to_numpy()
            known = _keys(frame if reference is None else reference, body.names).unique()
            return np.asarray(~there | _keys(frame, body.names).isin(known))


def _all(kept: Iterable[BoolArray]) -> BoolArray:
    return reduce(np.logical_and, kept)


def _part(part: Part, frame: pd.DataFrame, *, condition: bool = False) -> BoolArray:
    """Return whether rows keep a part; as a condition, a row with a missing value in play does not meet it."""
    gone = frame[list(dict.fromkeys(part.names))].isna().any(axis=1).to_numpy()
    if isinstance(part, Matches):
        shape = re.compile(part.pattern)
        met = column_texts(frame[part.name]).map(lambda t: shape.fullmatch(t) is not None).to_numpy(dtype=bool)
    elif isinstance(part, Among):
        met = _among(frame[part.name], part.values)
    elif as_levels(part, lambda n: not _arithmetic(frame[n])):
        met = _compare_levels(part, frame)
    else:
        stamp = _stamps(frame, part.names)
        numbers = {n: number_of(frame[n]) for n in part.names}
        a, b = (np.asarray(evaluate(side, numbers, stamp), dtype=float) for side in (part.left, part.right))
        shape_of = np.zeros(len(frame))
        a, b = a + shape_of, b + shape_of
        met = compare(part.op, a, b, part.within)
        gone = gone | np.isnan(a) | np.isnan(b)
    return np.asarray(met & ~gone if condition else met | gone)


def as_levels(part: Compare, levelled: Callable[[str], bool]) -> bool:
    """Whether a comparison is one of levels: two bare sides, of which the columns are not numbers."""
    sides = (part.left, part.right)
    names = [s.name for s in sides if isinstance(s, Name)]
    return all(isinstance(s, Name | Text) for s in sides) and bool(names) and all(levelled(n) for n in names)


def _arithmetic(column: pd.Series) -> bool:
    return bool(
        pd.api.types.is_numeric_dtype(column.dtype)
        and not pd.api.types.is_bool_dtype(column.dtype)
        or pd.api.types.is_datetime64_any_dtype(column.dtype)
    )


def _compare_levels(part: Compare, frame: pd.DataFrame) -> BoolArray:
    columns = [frame[s.name] for s in (part.left, part.right) if isinstance(s, Name)]
    order = level_order([_categories(c) for c in columns], [bool(getattr(c.dtype, "ordered", False)) for c in columns])
    sides: list[Any] = []
    for side in (part.left, part.right):
        texts = column_texts(frame[side.name]) if isinstance(side, Name) else pd.Series([_literal(side)] * len(frame))
        sides.append(texts.to_numpy(dtype=object))
    if part.op in {"=", "!="}:
        return np.asarray((sides[0] == sides[1]) == (part.op == "="), dtype=bool)
    if order is None:
        raise ConfigError("constraint/no-order", where=", ".join(part.names), names=", ".join(part.names))
    place = {text: float(i) for i, text in enumerate(order)}
    a, b = (np.array([place.get(t, np.nan) for t in side]) for side in sides)
    return compare(part.op, a, b)


def level_order(lists: list[tuple[str, ...]], ordered: list[bool]) -> tuple[str, ...] | None:
    """Return the one order of levels that all compared columns share, or ``None``."""
    return lists[0] if all(ordered) and all(entry == lists[0] for entry in lists) else None


def _categories(column: pd.Series) -> tuple[str, ...]:
    return tuple(str(c) for c in column.cat.categories) if isinstance(column.dtype, pd.CategoricalDtype) else ()


def _literal(side: Expression) -> str:
    return side.value if isinstance(side, Text) else ""


def _among(column: pd.Series, values: tuple[str, ...]) -> BoolArray:
    if _arithmetic(column):
        wanted = [number_literal(v) for v in values]
        numbers = number_of(column)[:, None]
        near = np.abs(numbers - np.array(wanted)[None, :]) <= SLACK * np.maximum(1.0, np.abs(numbers))
        return np.asarray(near.any(axis=1))
    return np.asarray(column_texts(column).isin(list(values)).to_numpy(dtype=bool))


def number_literal(text: str) -> float:
    """Return a number out of a list of allowed ones; NaN (allows nothing) where it is none."""
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _own(function: Callable[[Any], Any], frame: pd.DataFrame, names: tuple[str, ...], title: str) -> BoolArray:
    answer = np.asarray(function(frame[list(names)].copy()))
    if answer.shape != (len(frame),) or answer.dtype.kind not in "bO":
        found = f"{answer.dtype}, {answer.shape}"
        raise ConfigError("constraint/bad-answer", where=title, name=title, n=len(frame), found=found)
    if answer.dtype.kind == "O":  # nullable booleans: unknown keeps the rule
        answer = np.array([True if v is None or v is pd.NA else bool(v) for v in answer])
    return answer.astype(bool)


def _in_range(frame: pd.DataFrame, reference: pd.DataFrame, name: str, by: tuple[str, ...]) -> BoolArray:
    numbers = number_of(frame[name])
    seen = pd.DataFrame({"key": _keys(reference, by), "x": number_of(reference[name])}).dropna()
    ends = seen.groupby("key", sort=False)["x"].agg(["min", "max"])
    at = ends.index.get_indexer(pd.Index(_keys(frame, by)))
    low = np.append(ends["min"].to_numpy(dtype=float), np.inf)[at]  # a group without any number allows none
    high = np.append(ends["max"].to_numpy(dtype=float), -np.inf)[at]
    gone = np.isnan(numbers) | frame[list(by)].isna().any(axis=1).to_numpy()
    return np.asarray(gone | (compare(">=", numbers, low) & compare("<=", numbers, high)))


def _inside(frame: pd.DataFrame, reference: pd.DataFrame, names: tuple[str, str]) -> BoolArray:
    lower, upper = names
    seen = pd.DataFrame({"a": column_texts(reference[lower]), "b": column_texts(reference[upper])})
    there = reference[[lower, upper]].notna().all(axis=1).to_numpy()
    home = homes(seen["a"][there], seen["b"][there])
    wanted = column_texts(frame[lower]).map(home)
    gone = frame[[lower, upper]].isna().any(axis=1).to_numpy()
    return np.asarray(gone | (column_texts(frame[upper]) == wanted).to_numpy(dtype=bool))


def homes(lower: pd.Series, upper: pd.Series) -> Mapping[str, str]:
    """Return for each value of `lower` the one of `upper` that it comes with most often (the first in order, if two)."""
    counts = pd.DataFrame({"a": lower, "b": upper}).value_counts().reset_index(name="n")
    counts = counts.sort_values(["a", "n", "b"], ascending=[True, False, True]).drop_duplicates("a")
    return dict(zip(counts["a"], counts["b"], strict=True))


def column_texts(column: pd.Series) -> pd.Series:
    """Return a column as the texts that rules compare: levels, booleans as ``true``/``false``; missing as ``""``."""
    if pd.api.types.is_bool_dtype(column.dtype):
        return column.astype("string").str.lower().fillna("").astype(object)
    return column.astype("string").fillna("").astype(object)


def _keys(frame: pd.DataFrame, names: tuple[str, ...]) -> pd.Index[Any]:
    columns = [column_texts(frame[n]) for n in names]
    flat: pd.Index[Any] = (
        pd.Index(columns[0]) if len(columns) == 1 else pd.Index(list(zip(*columns, strict=True)), tupleize_cols=False)
    )
    return flat


def number_of(column: pd.Series) -> FloatArray:
    """Return a column as numbers: dates in microseconds since 1970 UTC, texts as the numbers they spell, else NaN."""
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        stamps = column.dt.tz_convert("UTC").dt.tz_localize(None) if column.dt.tz is not None else column
        out = stamps.to_numpy().astype("datetime64[us]").astype("float64")
        return np.where(column.isna().to_numpy(), np.nan, out)
    if pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype):
        return column.to_numpy(dtype="float64", na_value=np.nan)
    return pd.to_numeric(column.astype(object), errors="coerce").to_numpy(dtype="float64", na_value=np.nan)


def _stamps(frame: pd.DataFrame, names: Iterable[str]) -> Callable[[str], float]:
    dates = [frame[n] for n in names if pd.api.types.is_datetime64_any_dtype(frame[n].dtype)]
    zone = next((str(c.dt.tz) for c in dates if c.dt.tz is not None), None)
    return lambda text: stamp_of(text, zone)


def stamp_of(text: str, zone: str | None) -> float:
    """Return a written date as microseconds since 1970 UTC; a date without a zone is in the column's own.

    Raises
    ------
    ConfigError
        ``constraint/not-a-date``.
    """
    try:
        stamp = pd.Timestamp(text)
    except ValueError:
        raise ConfigError("constraint/not-a-date", where=text) from None
    if pd.isna(stamp):
        raise ConfigError("constraint/not-a-date", where=text)
    if zone and stamp.tz is None:
        stamp = stamp.tz_localize(zone)
    if stamp.tz is not None:
        stamp = stamp.tz_convert("UTC").tz_localize(None)
    return float(np.datetime64(stamp, "us").astype("int64"))


__all__ = [
    "SLACK",
    "as_levels",
    "check",
    "column_texts",
    "compare",
    "homes",
    "level_order",
    "number_literal",
    "number_of",
    "stamp_of",
]
