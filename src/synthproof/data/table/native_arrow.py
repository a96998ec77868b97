"""Arrow tables and polars frames ↔ columns; every type comes back as it was given."""

from __future__ import annotations

import decimal
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from synthproof.core.errors import ReadError
from synthproof.core.schema import Field
from synthproof.data.table.columns import Column, Texts
from synthproof.data.table.dataset import Table
from synthproof.data.table.formats import write_texts
from synthproof.data.table.storage import as_numbers, fitted, level_value, numeric_storage

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
        return Column(
            name, values=stamps.astype(pd.DatetimeTZDtype("us", zone) if zone else "datetime64[us]"), storage=stored
        )
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
    codes = np.asarray(whole.indices.cast(pa.int64()).fill_null(-1), dtype=np.int64)
    cats = pd.Categorical.from_codes(codes, dtype=pd.CategoricalDtype(index, ordered=whole.type.ordered))
    return Column(name, values=pd.Series(cats), storage=stored)


def to_arrow(table: Table) -> Any:
    """Return an Arrow table with the types that the user gave (plain ones for text files and frames)."""
    arrays = []
    for stated in table.schema.fields:
        f = fitted(table.frame[stated.name], stated)
        arrays.append(arrow_array(table.frame[f.name], f, arrow_type(f)))
    return pa.table(dict(zip(table.schema.names, arrays, strict=True)))


def with_used_levels(arrow: Any) -> Any:
    """Return an Arrow table whose dictionaries hold only levels that some row has, in their order.

    A file must not name a level that only a person of the source had, and no row of the file.
    """
    for at, column in enumerate(arrow.schema):
        if not pa.types.is_dictionary(column.type):
            continue
        whole = arrow.column(at).unify_dictionaries().combine_chunks()
        cells = whole.chunk(0) if isinstance(whole, pa.ChunkedArray) else whole
        codes = np.asarray(cells.indices.cast(pa.int64()).fill_null(-1), dtype=np.int64)
        used = np.unique(codes[codes >= 0])
        if len(used) == len(cells.dictionary):
            continue
        index = pa.array(np.searchsorted(used, codes), mask=codes < 0).cast(column.type.index_type)
        kept = pa.DictionaryArray.from_arrays(index, cells.dictionary.take(pa.array(used)), ordered=column.type.ordered)
        arrow = arrow.set_column(at, column, kept)
    return arrow


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
            if numeric_storage(f.storage):
                return pa.int64() if "int" in f.storage.lower() else pa.float64()
            return pa.dictionary(pa.int32(), pa.string(), ordered=f.kind == "ordinal")
        case "datetime":
            return pa.timestamp("us", tz=f.format.get("zone"))
        case _:
            return pa.string()


def is_arrow(storage: str) -> bool:
    """Return whether a type at the source is one of Arrow's own names."""
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
    if types.is_null(kind):
        return pa.nulls(len(column)) if column.isna().all() else arrow_array(column, f, pa.string())
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        texts = write_texts(column, f)
        null = texts.codes < 0
        return (
            pa.DictionaryArray.from_arrays(pa.array(texts.codes, mask=null), texts.values)
            .cast(pa.large_string())
            .cast(kind)
        )
    missing = column.isna().to_numpy(dtype=bool)
    if f.kind == "datetime":
        naive = column.dt.tz_convert("UTC").dt.tz_localize(None) if column.dt.tz is not None else column
        ticks = pa.array(naive.to_numpy().astype("datetime64[us]").astype(np.int64), mask=missing)
        if types.is_time(kind):
            return ticks.cast(pa.time64("us")).cast(kind, safe=False)
        return ticks.cast(pa.timestamp("us", tz=getattr(kind, "tz", None))).cast(kind, safe=False)
    numbers = as_numbers(column, f)
    if types.is_boolean(kind):
        return pa.array(numbers.fillna(False).to_numpy(dtype=bool), mask=missing)
    if types.is_integer(kind):
        wide = "uint64" if kind == pa.uint64() else "int64"
        whole = pa.array(numbers.fillna(0).to_numpy(dtype=wide), mask=missing)
        try:
            return whole.cast(kind)
        except pa.ArrowInvalid:  # a generator may have gone beyond the range of a narrow type
            return whole
    values = numbers.to_numpy(dtype="float64", na_value=np.nan)
    if types.is_decimal(kind):
        form = f"{{:.{max(0, kind.scale)}f}}".format
        return pa.array(
            [None if m else decimal.Decimal(form(v)) for v, m in zip(values, missing, strict=True)], type=kind
        )
    if types.is_duration(kind):
        return (
            pa.array(np.rint(np.nan_to_num(values) * 1e6).astype(np.int64), mask=missing)
            .cast(pa.duration("us"))
            .cast(kind)
        )
    return pa.array(values, mask=missing).cast(kind)


def _dictionary_array(column: pd.Series, f: Field, kind: Any) -> Any:
    if f.kind in ("categorical", "ordinal"):
        codes = column.cat.codes.to_numpy()
        levels: list[Any] = [str(c) for c in column.cat.categories]
        if not (pa.types.is_string(kind.value_type) or pa.types.is_large_string(kind.value_type)):
            name = str(f.format.get("level_dtype", kind.value_type))
            levels = [level_value(text, name) for text in levels]
        words = pa.array(levels, type=kind.value_type)
    else:
        texts = write_texts(column, f)
        codes, words = texts.codes, texts.values.cast(kind.value_type)
    index = pa.array(codes.astype(np.int64), mask=codes < 0).cast(kind.index_type)
    return pa.DictionaryArray.from_arrays(index, words, ordered=kind.ordered)


def polars_columns(frame: Any) -> list[Column]:
    """Return the columns of a polars frame; their storage is polars' own type name."""
    arrow = frame.to_arrow()
    kinds = [str(k) for k in frame.dtypes]
    return [arrow_column(n, arrow.column(i), kinds[i]) for i, n in enumerate(frame.columns)]


def to_polars(table: Table) -> Any:
    """Return a polars frame with the types that the user gave."""
    import polars as pl

    columns = []
    for stated in table.schema.fields:
        f = fitted(table.frame[stated.name], stated)
        kind = _polars_type(pl, f)
        arrow = arrow_array(table.frame[f.name], f, _arrow_of_polars(pl, kind) if kind is not None else arrow_type(f))
        series = pl.Series(f.name, arrow)
        columns.append(
            series.cast(kind) if kind is not None and series.dtype != kind and _castable(pl, series, kind) else series
        )
    return pl.DataFrame(columns)


def _castable(pl: Any, series: Any, kind: Any) -> bool:
    """Whether a polars cast loses nothing; an integer beyond a narrow type would become an error."""
    return not kind.is_integer() or series.cast(kind, strict=False).null_count() == series.null_count()


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
    "arrow_column",
    "arrow_columns",
    "arrow_type",
    "is_arrow",
    "polars_columns",
    "to_arrow",
    "to_polars",
]
