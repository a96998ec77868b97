"""Typed columns (data frames, Parquet, Excel, SQL) to fields: the type says much, the values say the rest."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api import types as pdt

from synthproof.core.errors import ReadError
from synthproof.core.schema import Field
from synthproof.data.table import numerals, patterns
from synthproof.data.table.columns import Column
from synthproof.data.table.small_integers import Judgement, numbers_judged

DATE = "{YYYY}-{MM}-{DD}"
CLOCK = "{HH}:{mm}:{ss}"
_EXACT = 2.0**53


def field_of_values(column: Column) -> tuple[Field, list[dict[str, Any]]]:
    """Return the field of a typed column, and what a person should know of it."""
    values = column.values
    assert values is not None
    missing = int(values.isna().sum())
    if missing == len(values) and not isinstance(values.dtype, pd.CategoricalDtype):
        notice = {"code": "read/all-missing", "where": column.name, "n": len(values)}
        reason = f"all {len(values)} cells are missing"
        empty = Field(name=column.name, kind="text", nullable=True, storage=column.storage, reason=reason)
        return empty, [notice]
    judged = _judged(column.name, values, column)
    notices = list(judged.notices)
    if len(values) > missing and values.nunique() == 1:
        notices.append({"code": "read/constant-column", "where": column.name, "n": len(values) - missing})
    found = Field(
        name=column.name,
        kind=judged.kind,
        nullable=missing > 0,
        levels=judged.levels,
        low=judged.low,
        high=judged.high,
        decimals=judged.decimals,
        format={**judged.format, **column.facts},
        storage=column.storage,
        pattern=judged.pattern,
        reason=judged.reason + (f"; {missing} of {len(values)} cells are missing" if missing else ""),
    )
    return found, notices


def _judged(name: str, values: pd.Series, column: Column) -> Judgement:
    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return _category(dtype, column)
    if pdt.is_bool_dtype(dtype):
        return Judgement("boolean", f"the source's type is {column.storage}")
    if pdt.is_datetime64_any_dtype(dtype):
        return _moment(values, column)
    if pdt.is_integer_dtype(dtype):
        return _integers(name, values.dropna(), column)
    return _floats(name, values.dropna(), column)


def _category(dtype: pd.CategoricalDtype, column: Column) -> Judgement:
    levels = tuple(str(c) for c in dtype.categories)
    facts = {} if pdt.is_string_dtype(dtype.categories.dtype) else {"level_dtype": str(dtype.categories.dtype)}
    kind = "ordinal" if dtype.ordered else "categorical"
    order = "ordered " if dtype.ordered else ""
    reason = f"the source's type is a list of {len(levels)} {order}categories"
    return Judgement("ordinal" if kind == "ordinal" else "categorical", reason, levels=levels, format=facts)


def _moment(values: pd.Series, column: Column) -> Judgement:
    zone = str(values.dt.tz) if values.dt.tz is not None else ""
    naive = values.dropna()
    wall = naive.dt.tz_localize(None) if zone else naive
    stamps = (naive.dt.tz_convert("UTC").dt.tz_localize(None) if zone else naive).to_numpy().astype("datetime64[us]")
    ticks = wall.to_numpy().astype("datetime64[us]").astype(np.int64)
    style: dict[str, Any] = {"style": DATE}
    if (
        column.storage.startswith("time")
        and not column.storage.startswith("timestamp")
        or column.storage.endswith(":time")
    ):
        style = {"style": CLOCK}
    elif (ticks % 86_400_000_000).any() or zone:
        style = {"style": f"{DATE} {CLOCK}"}
    if (ticks % 1_000_000).any():
        style = {"style": style["style"] + ".{f}", "fraction": [6, 6]}
    if zone:
        style |= {"style": style["style"] + "{zone}", "zone": zone, "zone_form": "+hh:mm"}
    whole = stamps.astype(np.int64)
    return Judgement(
        "datetime",
        f"the source's type is {column.storage}",
        low=float(whole.min()),
        high=float(whole.max()),
        format=style,
    )


def _distinct(values: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64]]:
    """Return distinct values in order of first appearance, and the rows of each."""
    codes, found = pd.factorize(values)
    return np.asarray(found), np.bincount(codes, minlength=len(found)).astype(np.int64)


def _integers(name: str, values: pd.Series, column: Column) -> Judgement:
    high = int(values.max())
    if high > numerals.INT64.max:
        notice = {"code": "read/beyond-64-bits", "where": name, "n": int((values > numerals.INT64.max).sum())}
        reason = (
            f"the source's type is {column.storage} and some values exceed signed 64 bits, so they are kept as text"
        )
        return Judgement("identifier", reason, notices=(notice,))
    found, counts = _distinct(values.to_numpy(dtype="int64"))
    return _with_levels(numbers_judged(name, found, counts), found, column)


def _floats(name: str, values: pd.Series, column: Column) -> Judgement:
    cells = values.to_numpy(dtype="float64")
    if n := int(np.isinf(cells).sum()):
        raise ReadError("read/infinite", where=name, n=n)
    if "float32" in column.storage.lower() or column.storage in ("float", "halffloat", "float16"):
        # float32 cells are read as the decimals that people would see, not as their binary tail
        cells = shortest_of_float32(cells)
    found, counts = _distinct(cells)
    if bool((found == np.rint(found)).all()) and np.abs(found).max() < _EXACT and not column.facts.get("scale"):
        judged = numbers_judged(name, found.astype(np.int64), counts)
        judged = replace(judged, reason=f"{judged.reason} (stored as {column.storage})")
        return _with_levels(judged, found.astype(np.int64), column)
    scale = column.facts.get("scale")
    decimals = int(scale) if scale is not None else numerals.decimals_of(found)
    places = {"places": [0, decimals]} if decimals is not None else {}
    return Judgement(
        "continuous",
        f"numbers with a fraction, {len(found)} distinct (stored as {column.storage})",
        low=float(found.min()),
        high=float(found.max()),
        decimals=decimals,
        format=places,
    )


def shortest_of_float32(cells: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the float64 nearest to the shortest decimal of each float32, so that 0.1 stays 0.1."""
    narrow = cells.astype(np.float32)
    for k in range(8):
        rounded = np.round(cells, k)
        if np.array_equal(rounded.astype(np.float32), narrow):
            return rounded
    return cells


def _with_levels(judged: Judgement, found: npt.NDArray[np.int64], column: Column) -> Judgement:
    if judged.kind == "boolean":
        return replace(judged, format={"true": "1", "false": "0"})
    if judged.kind in ("categorical", "ordinal"):
        return replace(judged, levels=tuple(str(v) for v in np.sort(found).tolist()))
    if judged.kind == "identifier":
        return replace(judged, pattern=patterns.of_whole(found))
    return judged


__all__ = ["CLOCK", "DATE", "field_of_values", "shortest_of_float32"]
