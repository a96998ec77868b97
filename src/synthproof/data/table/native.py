"""Data frames and Arrow tables ↔ columns; every type comes back as it was given."""

from __future__ import annotations

import datetime as dt
import decimal
import re
from collections.abc import Mapping
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

_SIMPLE = {
    "bool": pa.bool_(),
    "string": pa.string(),
    "large_string": pa.large_string(),
    "string_view": pa.string_view(),
    "double": pa.float64(),
    "float": pa.float32(),
    "halffloat": pa.float16(),
    "date32[day]": pa.date32(),
    "date64[ms]": pa.date64(),
    "null": pa.null(),
}
_OWN = ("categorical", "ordinal")


# --- pandas -----------------------------------------------------------------------------------------------------------


def pandas_columns(frame: pd.DataFrame) -> list[Column]:
    """Return the columns of a pandas frame; the index is not data. Cost O(cells)."""
    return [_pandas_column(str(name), frame.iloc[:, i]) for i, name in enumerate(frame.columns)]


def _pandas_column(name: str, cells: pd.Series) -> Column:
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


def object_column(name: str, cells: npt.NDArray[Any] | list[Any], storage: str = "object") -> Column:
    """Return a column of Python objects, by what they are: texts, numbers, truths, dates; a mixture becomes text."""
    array = np.asarray(cells, dtype=object) if not isinstance(cells, np.ndarray) else cells
    missing = pd.isna(array)
    kinds = {type(v) for v in array[~missing].tolist()}
    if all(issubclass(k, str) for k in kinds):
        return Column(name, texts=Texts.of_objects(np.where(missing, None, array)), storage=storage)
    if any(issubclass(k, list | dict | tuple | set | bytes | np.ndarray) for k in kinds):
        found = next(k for k in kinds if issubclass(k, list | dict | tuple | set | bytes | np.ndarray))
        raise ReadError("read/nested-column", where=name, type=found.__name__)
    return _typed_objects(name, array, missing, kinds) or _mixed_objects(name, array, missing, kinds)


def _typed_objects(
    name: str, array: npt.NDArray[Any], missing: npt.NDArray[np.bool_], kinds: set[type]
) -> Column | None:
    filled = array.copy()
    if all(issubclass(k, bool | np.bool_) for k in kinds):
        filled[missing] = False
        return Column(name, values=pd.Series(pd.arrays.BooleanArray(filled.astype(bool), missing)), storage="object:bool")
    if any(issubclass(k, bool | np.bool_) for k in kinds):
        return None
    if all(issubclass(k, int | np.integer) for k in kinds):
        filled[missing] = 0
        if all(-(2**63) <= int(v) < 2**63 for v in filled):
            whole = pd.arrays.IntegerArray(filled.astype("int64"), missing)
            return Column(name, values=pd.Series(whole), storage="object:int")
        return None
    if all(issubclass(k, int | float | np.integer | np.floating) for k in kinds):
        filled[missing] = np.nan
        return Column(name, values=pd.Series(filled.astype("float64")), storage="object:float")
    if all(issubclass(k, decimal.Decimal) for k in kinds):
        scale = max((-int(v.as_tuple().exponent) for v in array[~missing] if v.is_finite()), default=0)
        filled[missing] = decimal.Decimal("NaN")
        return Column(name, values=pd.Series(filled.astype("float64")), storage="object:decimal", facts={"scale": scale})
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
        stamps = [pd.NaT if m else dt.datetime.combine(day, v.replace(tzinfo=None)) for v, m in zip(array, missing, strict=True)]
        return Column(name, values=pd.Series(stamps, dtype="datetime64[us]"), storage="object:time")
    return None


def _mixed_objects(name: str, array: npt.NDArray[Any], missing: npt.NDArray[np.bool_], kinds: set[type]) -> Column:
    texts = [None if m else str(v) for v, m in zip(array.tolist(), missing, strict=True)]
    return Column(name, texts=Texts.of_objects(texts), storage="object", facts={"types": sorted(k.__name__ for k in kinds)})


def to_pandas(table: Table) -> pd.DataFrame:
    """Return a pandas frame with the types that the user gave (plain ones for text files)."""
    frame = table.frame
    columns = {f.name: pandas_series(frame[f.name], f) for f in table.schema.fields}
    return pd.DataFrame(columns, index=pd.RangeIndex(len(frame)), columns=list(columns))


def pandas_series(column: pd.Series, f: Field) -> pd.Series:
    """Return one canonical column with its type at the source."""
    storage = f.storage
    if storage.endswith("[pyarrow]"):
        kind = pd.api.types.pandas_dtype(storage)
        return pd.Series(pd.arrays.ArrowExtensionArray(arrow_array(column, f, kind.pyarrow_dtype)), name=column.name)
    if f.kind == "datetime":
        return _pandas_moments(column, f)
    if storage == "category":
        return _pandas_category(column, f)
    if storage in ("str", "object", "string") or storage.startswith("string["):
        texts = _objects_of(write_texts(column, f))
        return pd.Series(texts, dtype=object if storage == "object" else storage, name=column.name)
    numbers = _as_numbers(column, f)
    if storage.startswith("object:"):
        return pd.Series(_python_objects(numbers, storage.partition(":")[2]), dtype=object, name=column.name)
    if storage.startswith("timedelta64"):
        micro = pd.Series(pd.to_timedelta(np.rint(numbers.to_numpy("float64", na_value=np.nan) * 1e6), unit="us"))
        return micro.astype(storage)
    if not storage or _of_arrow(storage):
        return _plain_pandas(column, f)
    return _cast(numbers, storage)


def _as_numbers(column: pd.Series, f: Field) -> pd.Series:
    """Return levels and truths that were numbers at the source as numbers again."""
    if f.kind == "boolean" and str(f.format.get("true")) == "1":
        return column.astype("Int64")
    if f.kind in (*_OWN, "identifier", "text") and _numeric_storage(f.storage):
        levels = pd.to_numeric(pd.Series(column.astype(object)), errors="coerce")
        return levels.astype("Int64") if (levels.dropna() % 1 == 0).all() else levels
    return column


def _numeric_storage(storage: str) -> bool:
    return bool(re.match(r"^(object:(int|float|decimal)|u?int\d+|float\d*|double|halffloat|U?Int\d+|Float\d+|decimal)", storage))


def _cast(numbers: pd.Series, storage: str) -> pd.Series:
    missing = bool(numbers.isna().any())
    if storage == "bool":
        return numbers.astype("boolean") if missing else numbers.astype(bool)
    if re.match(r"^u?int\d+$", storage) and missing:
        return numbers.astype(storage.replace("uint", "UInt").replace("int", "Int"))
    if re.match(r"^float\d+$", storage):
        return pd.Series(numbers.to_numpy(dtype="float64", na_value=np.nan).astype(storage), name=numbers.name)
    return numbers.astype(storage)


def _pandas_moments(column: pd.Series, f: Field) -> pd.Series:
    storage = f.storage
    if storage.startswith("datetime64"):
        return column.astype(storage)
    if storage in ("object:date", "object:datetime", "object:time"):
        part = storage.partition(":")[2]
        cells = column.dt.date if part == "date" else column.dt.time if part == "time" else column.dt.to_pydatetime()
        missing = column.isna().to_numpy()
        return pd.Series([None if m else v for v, m in zip(cells, missing, strict=True)], dtype=object, name=column.name)
    if storage.startswith("period"):
        return column.dt.to_period(re.sub(r"period\[(.*)\]", r"\1", storage))
    if storage in ("str", "object", "string") or storage.startswith("string["):
        return pd.Series(_objects_of(write_texts(column, f)), dtype=storage, name=column.name)
    return column


def _pandas_category(column: pd.Series, f: Field) -> pd.Series:
    if f.kind not in _OWN:
        return column.astype("category")
    kind = f.format.get("level_dtype")
    if not kind:
        return column
    levels = [_level(text, str(kind)) for text in column.cat.categories]
    index = pd.Index(levels) if str(kind).startswith("interval") else pd.Index(levels).astype(str(kind))
    return column.cat.rename_categories(index)


def _level(text: str, kind: str) -> Any:
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


def _plain_pandas(column: pd.Series, f: Field) -> pd.Series:
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
    make: Any = {"int": int, "float": float, "bool": bool}.get(part, lambda v: decimal.Decimal(repr(v)))
    missing = numbers.isna().to_numpy()
    return [None if m else make(v) for v, m in zip(numbers.tolist(), missing, strict=True)]


# --- Arrow ------------------------------------------------------------------------------------------------------------


def arrow_columns(table: Any) -> list[Column]:
    """Return the columns of an Arrow table."""
    return [arrow_column(str(name), table.column(i)) for i, name in enumerate(table.column_names)]


def arrow_column(name: str, cells: Any, storage: str | None = None) -> Column:
    """Return one Arrow column; a type that holds no plain values is refused."""
    kind = cells.type
    stored = str(kind) if storage is None else storage
    types = pa.types
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return Column(name, texts=Texts.of_arrow(cells.cast(pa.large_string())), storage=stored)
    if types.is_dictionary(kind):
        return _dictionary_column(name, cells, stored)
    if types.is_boolean(kind):
        return Column(name, values=cells.to_pandas(types_mapper=_nullable), storage=stored)
    if types.is_integer(kind):
        return Column(name, values=cells.to_pandas(types_mapper=_nullable), storage=stored)
    if types.is_floating(kind):
        return Column(name, values=pd.Series(cells.cast(pa.float64()).to_numpy()), storage=stored)
    if types.is_decimal(kind):
        values = pd.Series(cells.cast(pa.float64()).to_numpy())
        return Column(name, values=values, storage=stored, facts={"scale": max(0, kind.scale)})
    if types.is_date(kind) or types.is_timestamp(kind):
        zone = getattr(kind, "tz", None)
        stamps = pd.Series(cells.cast(pa.timestamp("us", tz=zone), safe=False).to_pandas())
        return Column(name, values=stamps.astype(pd.DatetimeTZDtype("us", zone) if zone else "datetime64[us]"), storage=stored)
    if types.is_time(kind):
        ticks = cells.cast(pa.time64("us"), safe=False).cast(pa.int64()).cast(pa.timestamp("us"))
        return Column(name, values=pd.Series(ticks.to_pandas()).astype("datetime64[us]"), storage=stored)
    if types.is_duration(kind):
        seconds = cells.cast(pa.duration("us"), safe=False).cast(pa.int64()).to_pandas(types_mapper=_nullable)
        return Column(name, values=seconds.astype("Float64") / 1e6, storage=stored)
    if types.is_null(kind):
        return Column(name, texts=Texts.of_objects([None] * len(cells)), storage=stored)
    raise ReadError("read/nested-column", where=name, type=str(kind))


def _nullable(kind: Any) -> Any:
    if pa.types.is_boolean(kind):
        return pd.BooleanDtype()
    return getattr(pd, str(kind).replace("uint", "UInt").replace("int", "Int") + "Dtype")()


def _dictionary_column(name: str, cells: Any, stored: str) -> Column:
    whole = cells.unify_dictionaries().combine_chunks() if isinstance(cells, pa.ChunkedArray) else cells
    whole = whole.chunk(0) if isinstance(whole, pa.ChunkedArray) else whole
    levels = whole.dictionary
    if pa.types.is_integer(levels.type) or pa.types.is_floating(levels.type) or pa.types.is_boolean(levels.type):
        index = pd.Index(levels.to_pandas())
    else:
        index = pd.Index([str(v) for v in levels.to_pylist()], dtype=object)
    codes = np.asarray(whole.indices.fill_null(-1), dtype=np.int64)
    cats = pd.Categorical.from_codes(codes, dtype=pd.CategoricalDtype(index, ordered=whole.type.ordered))
    return Column(name, values=pd.Series(cats), storage=stored)


def to_arrow(table: Table) -> Any:
    """Return an Arrow table with the types that the user gave (plain ones for text files and frames)."""
    arrays = [arrow_array(table.frame[f.name], f, arrow_type(f)) for f in table.schema.fields]
    return pa.table(dict(zip(table.schema.names, arrays, strict=True)))


def arrow_type(f: Field) -> Any:
    """Return the Arrow type of a field: its storage when that is one, else the natural type of its kind."""
    found = _parse_arrow(f.storage)
    if found is not None:
        return found
    match f.kind:
        case "boolean":
            return pa.int64() if str(f.format.get("true")) == "1" else pa.bool_()
        case "integer":
            return pa.int64()
        case "continuous":
            return pa.float64()
        case "categorical" | "ordinal":
            if _numeric_storage(f.storage):
                return pa.int64() if "int" in f.storage.lower() else pa.float64()
            return pa.dictionary(pa.int32(), pa.string(), ordered=f.kind == "ordinal")
        case "datetime":
            return pa.timestamp("us", tz=f.format.get("zone"))
        case _:
            return pa.string()


def _of_arrow(storage: str) -> bool:
    return _parse_arrow(storage) is not None and not re.match(r"^(u?int\d+|bool)$", storage)


def _parse_arrow(storage: str) -> Any:
    if storage in _SIMPLE:
        return _SIMPLE[storage]
    if re.match(r"^u?int(8|16|32|64)$", storage):
        return pa.type_for_alias(storage)
    if m := re.match(r"^timestamp\[(\w+)(?:, tz=(.+))?\]$", storage):
        return pa.timestamp(m.group(1), tz=m.group(2))
    if m := re.match(r"^time(32|64)\[(\w+)\]$", storage):
        return pa.time32(m.group(2)) if m.group(1) == "32" else pa.time64(m.group(2))
    if m := re.match(r"^duration\[(\w+)\]$", storage):
        return pa.duration(m.group(1))
    if m := re.match(r"^decimal(\d+)\((\d+), (-?\d+)\)$", storage):
        make = {"128": pa.decimal128, "256": pa.decimal256, "32": pa.decimal128, "64": pa.decimal128}[m.group(1)]
        return make(int(m.group(2)), int(m.group(3)))
    if m := re.match(r"^dictionary<values=(.+), indices=(\w+), ordered=([01])>$", storage):
        values = _parse_arrow(m.group(1))
        index = _parse_arrow(m.group(2))
        return None if values is None or index is None else pa.dictionary(index, values, ordered=m.group(3) == "1")
    return None


def arrow_array(column: pd.Series, f: Field, kind: Any) -> Any:
    """Return one canonical column as an Arrow array of a type."""
    types = pa.types
    if types.is_dictionary(kind):
        return _dictionary_array(column, f, kind)
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind) or types.is_null(kind):
        texts = write_texts(column, f)
        null = texts.codes < 0
        return pa.DictionaryArray.from_arrays(pa.array(texts.codes, mask=null), texts.values).cast(pa.large_string()).cast(kind)
    missing = column.isna().to_numpy(dtype=bool)
    if f.kind == "datetime":
        naive = column.dt.tz_convert("UTC").dt.tz_localize(None) if column.dt.tz is not None else column
        ticks = pa.array(naive.to_numpy().astype("datetime64[us]").astype(np.int64), mask=missing)
        if types.is_time(kind):
            return ticks.cast(pa.time64("us")).cast(kind, safe=False)
        return ticks.cast(pa.timestamp("us", tz=getattr(kind, "tz", None))).cast(kind, safe=False)
    numbers = _as_numbers(column, f)
    if types.is_boolean(kind):
        return pa.array(numbers.fillna(False).to_numpy(dtype=bool), mask=missing)
    if types.is_integer(kind):
        return pa.array(numbers.fillna(0).to_numpy(dtype="int64"), mask=missing).cast(kind)
    values = numbers.to_numpy(dtype="float64", na_value=np.nan)
    if types.is_decimal(kind):
        form = f"{{:.{max(0, kind.scale)}f}}".format
        return pa.array([None if m else decimal.Decimal(form(v)) for v, m in zip(values, missing, strict=True)], type=kind)
    if types.is_duration(kind):
        return pa.array(np.rint(np.nan_to_num(values) * 1e6).astype(np.int64), mask=missing).cast(pa.duration("us")).cast(kind)
    return pa.array(values, mask=missing).cast(kind)


def _dictionary_array(column: pd.Series, f: Field, kind: Any) -> Any:
    if f.kind in _OWN:
        codes = column.cat.codes.to_numpy()
        levels: list[Any] = [str(c) for c in column.cat.categories]
        if not (pa.types.is_string(kind.value_type) or pa.types.is_large_string(kind.value_type)):
            name = str(f.format.get("level_dtype", kind.value_type))
            levels = [_level(text, name) for text in levels]
        words = pa.array(levels, type=kind.value_type)
    else:
        texts = write_texts(column, f)
        codes, words = texts.codes, texts.values.cast(kind.value_type)
    index = pa.array(codes.astype(np.int64), mask=codes < 0).cast(kind.index_type)
    return pa.DictionaryArray.from_arrays(index, words, ordered=kind.ordered)


# --- polars -----------------------------------------------------------------------------------------------------------


def polars_columns(frame: Any) -> list[Column]:
    """Return the columns of a polars frame; their storage is polars' own type name."""
    arrow = frame.to_arrow()
    kinds = [str(k) for k in frame.dtypes]
    return [arrow_column(n, arrow.column(i), kinds[i]) for i, n in enumerate(frame.columns)]


def to_polars(table: Table) -> Any:
    """Return a polars frame with the types that the user gave."""
    import polars as pl

    columns = []
    for f in table.schema.fields:
        kind = _polars_type(pl, f)
        arrow = arrow_array(table.frame[f.name], f, _arrow_of_polars(pl, kind) if kind is not None else arrow_type(f))
        series = pl.Series(f.name, arrow)
        columns.append(series.cast(kind) if kind is not None else series)
    return pl.DataFrame(columns)


def _arrow_of_polars(pl: Any, kind: Any) -> Any:
    if isinstance(kind, pl.Categorical | pl.Enum) or kind == pl.Categorical:
        return pa.large_string()
    return pl.Series([], dtype=kind).to_arrow().type


def _polars_type(pl: Any, f: Field) -> Any:
    storage = f.storage
    simple: Mapping[str, Any] = {
        n: getattr(pl, n)
        for n in ("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float32", "Float64")
    } | {n: getattr(pl, n) for n in ("Boolean", "String", "Date", "Time", "Null", "Categorical")}
    if storage in simple:
        return simple[storage]
    if storage.startswith("Categorical"):
        return pl.Categorical
    if storage.startswith("Enum"):
        return pl.Enum(list(f.levels))
    if m := re.match(r"^Datetime\(time_unit='(\w+)', time_zone=(?:None|'(.+)')\)$", storage):
        return pl.Datetime(m.group(1), m.group(2))
    if m := re.match(r"^Duration\(time_unit='(\w+)'\)$", storage):
        return pl.Duration(m.group(1))
    if m := re.match(r"^Decimal\(precision=(\d+), scale=(\d+)\)$", storage):
        return pl.Decimal(int(m.group(1)), int(m.group(2)))
    return None


__all__ = [
    "arrow_array",
    "arrow_columns",
    "arrow_type",
    "object_column",
    "pandas_columns",
    "pandas_series",
    "polars_columns",
    "to_arrow",
    "to_pandas",
    "to_polars",
]
