"""pandas frames ↔ columns; every dtype comes back as it was given."""

from __future__ import annotations

import decimal
import re
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from pandas.api import types as pdt

from synthproof.core.errors import ReadError
from synthproof.core.schema import Field
from synthproof.data.table.columns import Column, Texts
from synthproof.data.table.dataset import Table
from synthproof.data.table.formats import write_texts
from synthproof.data.table.native_arrow import arrow_array, arrow_column, is_arrow
from synthproof.data.table.objects import object_column
from synthproof.data.table.storage import as_numbers, fitted, level_value

_OWN = ("categorical", "ordinal")


def pandas_columns(frame: pd.DataFrame) -> list[Column]:
    """Return the columns of a pandas frame; the index is not data. Cost O(cells)."""
    return [_pandas_column(str(name), frame.iloc[:, i]) for i, name in enumerate(frame.columns)]


def _pandas_column(name: str, cells: Any) -> Column:
    dtype = cells.dtype
    storage = str(dtype)
    cells = cells.reset_index(drop=True)
    if isinstance(dtype, pd.ArrowDtype):
        column = arrow_column(name, pa.chunked_array(pa.array(cells, from_pandas=True)))
        return Column(name, column.texts, column.values, storage, column.facts)
    if isinstance(dtype, pd.CategoricalDtype):
        return Column(name, values=cells, storage="category")
    if isinstance(dtype, pd.SparseDtype):
        return Column(name, values=pd.Series(cells.sparse.to_dense()), storage=str(dtype.subtype))
    if isinstance(dtype, pd.PeriodDtype):
        return Column(name, values=cells.dt.to_timestamp(), storage=storage)
    if pdt.is_timedelta64_dtype(dtype):
        return Column(name, values=cells.dt.total_seconds(), storage=storage)
    if pdt.is_complex_dtype(dtype):
        raise ReadError("read/nested-column", where=name, type="complex")
    if pdt.is_numeric_dtype(dtype) or pdt.is_bool_dtype(dtype) or pdt.is_datetime64_any_dtype(dtype):
        return Column(name, values=cells, storage=storage)
    return object_column(name, cells.to_numpy(dtype=object, na_value=None), "str" if storage == "str" else storage)


def to_pandas(table: Table) -> pd.DataFrame:
    """Return a pandas frame with the types that the user gave (plain ones for text files)."""
    frame = table.frame
    columns = {f.name: pandas_series(frame[f.name], f) for f in table.schema.fields}
    out = pd.DataFrame(columns, index=pd.RangeIndex(len(frame)), columns=list(columns))
    if table.origin.options.get("number_names"):
        out.columns = pd.Index([int(n) if n.isdigit() else n for n in out.columns])
    return out


def pandas_series(column: Any, f: Field) -> Any:
    """Return one canonical column with its type at the source."""
    f = fitted(column, f)
    storage = f.storage
    if storage.endswith("[pyarrow]"):
        kind: Any = pd.api.types.pandas_dtype(storage)
        return pd.Series(pd.arrays.ArrowExtensionArray(arrow_array(column, f, kind.pyarrow_dtype)), name=column.name)
    if f.kind == "datetime":
        return _pandas_moments(column, f)
    if storage == "category":
        return _pandas_category(column, f)
    if storage in ("str", "object", "string") or storage.startswith("string["):
        texts = _objects_of(write_texts(column, f))
        return pd.Series(texts, dtype=object if storage == "object" else storage, name=column.name)
    numbers = as_numbers(column, f)
    if storage.startswith("object:"):
        return pd.Series(_python_objects(numbers, storage.partition(":")[2]), dtype=object, name=column.name)
    if storage.startswith("timedelta64"):
        micro: Any = pd.Series(pd.to_timedelta(np.rint(numbers.to_numpy("float64", na_value=np.nan) * 1e6), unit="us"))
        return micro.astype(storage)
    if not storage or is_arrow(storage):
        return _plain_pandas(column, f)
    return _cast(numbers, storage)


def _cast(numbers: Any, storage: str) -> Any:
    missing = bool(numbers.isna().any())
    if storage == "bool":
        return numbers.astype("boolean") if missing else numbers.astype(bool)
    if re.match(r"^[uU]?[iI]nt\d+$", storage) and not _holds(numbers, storage.lower()):
        return numbers if missing else numbers.astype("int64")
    if re.match(r"^u?int\d+$", storage) and missing:
        return numbers.astype(storage.replace("uint", "UInt").replace("int", "Int"))
    if re.match(r"^float\d+$", storage):
        return pd.Series(numbers.to_numpy(dtype="float64", na_value=np.nan).astype(storage), name=numbers.name)
    return numbers.astype(storage)


def _holds(numbers: Any, storage: str) -> bool:
    """Whether an integer type is wide enough; a generator may have gone beyond the source's range."""
    bounds = np.iinfo(storage)
    known = numbers.dropna()
    return known.empty or (int(known.min()) >= bounds.min and int(known.max()) <= bounds.max)


def _pandas_moments(column: Any, f: Field) -> Any:
    storage = f.storage
    if storage.startswith("datetime64"):
        return column.astype(storage)
    if storage in ("object:date", "object:datetime", "object:time"):
        part = storage.partition(":")[2]
        cells = column.dt.date if part == "date" else column.dt.time if part == "time" else column.dt.to_pydatetime()
        missing = column.isna().to_numpy()
        return pd.Series(
            [None if m else v for v, m in zip(cells, missing, strict=True)], dtype=object, name=column.name
        )
    if storage.startswith("period"):
        return column.dt.to_period(re.sub(r"period\[(.*)\]", r"\1", storage))
    if storage in ("str", "object", "string") or storage.startswith("string["):
        return pd.Series(_objects_of(write_texts(column, f)), dtype=storage, name=column.name)
    return column


def _pandas_category(column: Any, f: Field) -> Any:
    if f.kind not in _OWN:
        return column.astype("category")
    kind = f.format.get("level_dtype")
    if not kind:
        return column
    levels = [level_value(text, str(kind)) for text in column.cat.categories]
    index = pd.Index(levels) if str(kind).startswith("interval") else pd.Index(levels).astype(str(kind))
    return column.cat.rename_categories(index)


def _plain_pandas(column: Any, f: Field) -> Any:
    missing = bool(column.isna().any())
    match f.kind:
        case "boolean" if str(f.format.get("true")) == "1":
            return column.astype("Int64") if missing else column.astype("int64")
        case "boolean":
            return column if missing else column.astype(bool)
        case "integer":
            return column if missing else column.astype("int64")
        case _:
            return column


def _objects_of(texts: Texts) -> npt.NDArray[Any]:
    words = np.array([*texts.values.to_pylist(), None], dtype=object)
    out: npt.NDArray[Any] = words[texts.codes]
    return out


def _python_objects(numbers: pd.Series, part: str) -> list[Any]:
    make: Any = {"int": int, "bigint": int, "float": float, "bool": bool}.get(part, lambda v: decimal.Decimal(repr(v)))
    missing = numbers.isna().to_numpy()
    return [None if m else make(v) for v, m in zip(numbers.tolist(), missing, strict=True)]


__all__ = ["pandas_columns", "pandas_series", "to_pandas"]
