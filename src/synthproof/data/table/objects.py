"""Columns of Python objects (Excel, JSON, SQL, object columns): what each one holds decides its type."""

from __future__ import annotations

import datetime as dt
import decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthproof.core.errors import ReadError
from synthproof.data.table.columns import Column, Texts


def object_column(name: str, cells: npt.NDArray[Any] | list[Any], storage: str = "object") -> Column:
    """Return a column of Python objects, by what they are: texts, numbers, truths, dates; a mixture becomes text."""
    array: Any = np.asarray(cells, dtype=object) if not isinstance(cells, np.ndarray) else cells
    missing = pd.isna(array)
    kinds = {type(v) for v in array[~missing].tolist()}
    if all(issubclass(k, str) for k in kinds):
        return Column(name, texts=Texts.of_objects(_with_none(array, missing)), storage=storage)
    if any(issubclass(k, list | dict | tuple | set | bytes | np.ndarray) for k in kinds):
        found = next(k for k in kinds if issubclass(k, list | dict | tuple | set | bytes | np.ndarray))
        raise ReadError("read/nested-column", where=name, type=found.__name__)
    return _typed_objects(name, array, missing, kinds) or _mixed_objects(name, array, missing, kinds)


def _with_none(array: npt.NDArray[Any], missing: npt.NDArray[np.bool_]) -> npt.NDArray[Any]:
    out = array.copy()
    out[missing] = None
    return out


def _typed_objects(
    name: str, array: npt.NDArray[Any], missing: npt.NDArray[np.bool_], kinds: set[type]
) -> Column | None:
    filled = array.copy()
    if all(issubclass(k, bool | np.bool_) for k in kinds):
        filled[missing] = False
        return Column(
            name, values=pd.Series(pd.arrays.BooleanArray(filled.astype(bool), missing)), storage="object:bool"
        )
    if any(issubclass(k, bool | np.bool_) for k in kinds):
        return None
    if all(issubclass(k, int | np.integer) for k in kinds):
        filled[missing] = 0
        if all(-(2**63) <= int(v) < 2**63 for v in filled):
            whole = pd.arrays.IntegerArray(filled.astype("int64"), missing)
            return Column(name, values=pd.Series(whole), storage="object:int")
        texts = [None if m else str(v) for v, m in zip(array.tolist(), missing, strict=True)]
        return Column(name, texts=Texts.of_objects(texts), storage="object:bigint")
    if all(issubclass(k, int | float | np.integer | np.floating) for k in kinds):
        filled[missing] = np.nan
        return Column(name, values=pd.Series(filled.astype("float64")), storage="object:float")
    if all(issubclass(k, decimal.Decimal) for k in kinds):
        scale = max((-int(v.as_tuple().exponent) for v in array[~missing] if v.is_finite()), default=0)
        filled[missing] = decimal.Decimal("NaN")
        return Column(
            name, values=pd.Series(filled.astype("float64")), storage="object:decimal", facts={"scale": scale}
        )
    if all(issubclass(k, dt.date) for k in kinds):
        exact = all(issubclass(k, dt.datetime) for k in kinds)
        zones = {v.tzinfo is not None for v in array[~missing] if isinstance(v, dt.datetime)}
        if not (exact or not any(issubclass(k, dt.datetime) for k in kinds)) or len(zones) > 1:
            return None
        filled[missing] = pd.NaT
        cells = pd.Series(pd.to_datetime(filled, utc=True in zones)).astype(
            pd.DatetimeTZDtype("us", "UTC") if True in zones else "datetime64[us]"
        )
        return Column(name, values=cells, storage="object:datetime" if exact else "object:date")
    if all(issubclass(k, dt.time) for k in kinds):
        day = dt.date(1970, 1, 1)
        stamps = [
            pd.NaT if m else dt.datetime.combine(day, v.replace(tzinfo=None))
            for v, m in zip(array, missing, strict=True)
        ]
        return Column(name, values=pd.Series(stamps, dtype="datetime64[us]"), storage="object:time")
    return None


def _mixed_objects(name: str, array: npt.NDArray[Any], missing: npt.NDArray[np.bool_], kinds: set[type]) -> Column:
    texts = [None if m else str(v) for v, m in zip(array.tolist(), missing, strict=True)]
    return Column(
        name, texts=Texts.of_objects(texts), storage="object", facts={"types": sorted(k.__name__ for k in kinds)}
    )


__all__ = ["object_column"]
