"""What a field's type at the source says about the values that must come back."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from synthproof.core.schema import Field

_LEVELS = ("categorical", "ordinal", "identifier", "text")
_WHOLE = re.compile(r"^[+-]?\d+$")
_NUMBER = re.compile(r"^[+-]?\d+(\.\d+)?$")
_MOMENT = re.compile(r"^(datetime64|timestamp|date32|date64|time32|time64|period|object:(date|time)|Date|Time)")


def fitted(column: Any, f: Field) -> Field:
    """Return the field without its storage when that type can no longer hold it (an age that became an age band)."""
    if not f.storage or _fits(column, f):
        return f
    return replace(f, storage="")


def _fits(column: Any, f: Field) -> bool:
    storage = f.storage
    if numeric_storage(storage) or storage.startswith(("timedelta", "duration", "Duration")):
        if f.kind in ("integer", "continuous"):
            return True
        if f.kind == "boolean":
            return str(f.format.get("true")) in ("1", "1.0")
        return f.kind in _LEVELS and all(_NUMBER.match(str(v)) for v in column.dropna().unique())
    if storage in ("bool", "boolean", "Boolean", "object:bool", "bool[pyarrow]"):
        return f.kind == "boolean"
    if _MOMENT.match(storage):
        return f.kind == "datetime"
    return True


def as_numbers(column: Any, f: Field) -> Any:
    """Return levels and truths that were numbers at the source as numbers again."""
    if f.kind == "boolean" and str(f.format.get("true")) == "1":
        return column.astype("Int64")
    if f.kind in _LEVELS and numeric_storage(f.storage):
        return _numbers_of(column)
    return column


def _numbers_of(column: Any) -> Any:
    """Return texts as numbers, whole ones exactly."""
    missing = column.isna().to_numpy(dtype=bool)
    words = ["0" if m else str(v) for v, m in zip(column.tolist(), missing, strict=True)]
    if all(_WHOLE.match(w) for w in words):
        whole = [int(w) for w in words]
        kind = "uint64" if max(whole, default=0) > np.iinfo(np.int64).max else "int64"
        return pd.Series(pd.arrays.IntegerArray(np.array(whole, dtype=kind), missing), name=column.name)
    numbers = pd.to_numeric(pd.Series(words, name=column.name), errors="coerce").astype("float64")
    return numbers.mask(missing)


def numeric_storage(storage: str) -> bool:
    """Return whether a type at the source is one of numbers."""
    return bool(
        re.match(r"^(object:(int|float|decimal)|u?int\d+|float\d*|double|halffloat|U?Int\d+|Float\d+|decimal)", storage)
    )


def level_value(text: str, kind: str) -> Any:
    """Return a category's level as the value it was at the source."""
    if kind.startswith("bool"):
        return text == "True"
    if kind.startswith("interval"):
        ends = re.match(r"^([\[(])(.*), (.*)([\])])$", text)
        number = int if kind.startswith("interval[int") else float
        if ends is not None:
            closed: Any = {"[]": "both", "[)": "left", "(]": "right", "()": "neither"}[ends.group(1) + ends.group(4)]
            return pd.Interval(number(ends.group(2)), number(ends.group(3)), closed=closed)
    if re.match(r"^u?int", kind, re.IGNORECASE):
        return int(float(text))
    if re.match(r"^float", kind, re.IGNORECASE):
        return float(text)
    if kind.startswith("datetime"):
        return pd.Timestamp(text)
    return text


__all__ = ["as_numbers", "fitted", "level_value", "numeric_storage"]
