"""What a field's type at the source says about the values that must come back."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

from synthproof.core.schema import Field

_LEVELS = ("categorical", "ordinal", "identifier", "text")


def as_numbers(column: Any, f: Field) -> Any:
    """Return levels and truths that were numbers at the source as numbers again."""
    if f.kind == "boolean" and str(f.format.get("true")) == "1":
        return column.astype("Int64")
    if f.kind in _LEVELS and numeric_storage(f.storage):
        levels = pd.to_numeric(pd.Series(column.astype(object)), errors="coerce")
        return levels.astype("Int64") if (levels.dropna() % 1 == 0).all() else levels
    return column


def numeric_storage(storage: str) -> bool:
    """Return whether a type at the source is one of numbers."""
    return bool(
        re.match(r"^(object:(int|float|decimal)|u?int\d+|float\d*|double|halffloat|U?Int\d+|Float\d+|decimal)", storage)
    )


def level_value(text: str, kind: str) -> Any:
    """Return a category's level as the value it was at the source."""
    if kind.startswith("bool"):
        return text == "True"
    if re.match(r"^u?int", kind, re.IGNORECASE):
        return int(float(text))
    if re.match(r"^float", kind, re.IGNORECASE):
        return float(text)
    if kind.startswith("datetime"):
        return pd.Timestamp(text)
    if kind.startswith("interval"):
        ends = re.match(r"^([\[(])(.*), (.*)([\])])$", text)
        if ends is not None:
            closed: Any = {"[]": "both", "[)": "left", "(]": "right", "()": "neither"}[ends.group(1) + ends.group(4)]
            return pd.Interval(float(ends.group(2)), float(ends.group(3)), closed=closed)
    return text


__all__ = ["as_numbers", "level_value", "numeric_storage"]
