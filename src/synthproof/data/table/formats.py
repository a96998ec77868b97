"""Canonical columns ↔ what stands in a source: every field is read and written in the form its `Field.format` states.

Keys of `Field.format`::

    missing, missing_tokens         how missing cells are written; absent: a real null
    prefix suffix thousands point   numbers: ₩1,234.50
    places [fewest, most]           digits after the point as written
    width plus exponent             zero padding (integers), a plus sign, 1e-05
    true false                      the two texts of a boolean
    style zone zone_form ampm fraction    dates and times (see `moments`)
    level_dtype                     type of a category's levels that are no strings
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pandas.api import types as pdt

from synthproof.core.schema import Field
from synthproof.data.table import hints, moments, numerals
from synthproof.data.table.columns import Column, Texts
from synthproof.data.table.dataset import Table, canonical_dtype
from synthproof.data.table.infer_typed import CLOCK, DATE, shortest_of_float32

_TRUE = frozenset(["true", "t", "1", "1.0", "y", "yes", "예", "네", "참", "유", "있음", "o"])
_FALSE = frozenset(["false", "f", "0", "0.0", "n", "no", "아니오", "아니요", "거짓", "무", "없음", "x"])


@dataclass
class Reading:
    """A canonical column, and what did not fit.

    Parameters
    ----------
    column
        Canonical cells.
    field
        The field, with unknown levels appended where there were any.
    unparsable
        Rows whose cell is not what the field says; they became missing.
    rounded
        Rows of an integer field whose number had a fraction; they were rounded.
    """

    column: pd.Series
    field: Field
    unparsable: int = 0
    rounded: int = 0
    unknown: tuple[str, ...] = ()


def read_column(column: Column, f: Field) -> Reading:
    """Return one column in canonical form under a field, whatever form the source has. Cost O(cells)."""
    if column.texts is not None:
        return _from_texts(column.texts, f)
    assert column.values is not None
    return _from_values(column, column.values, f)


def missing_tokens(f: Field) -> frozenset[str]:
    """Return the texts that mean "missing" in a field: its own, and the usual ones that are none of its levels."""
    own = {str(f.format["missing"])} if "missing" in f.format else set()
    own |= {str(t) for t in f.format.get("missing_tokens", ())}
    usual = hints.MISSING | (hints.MISSING_BESIDE_NUMBERS if f.numeric else frozenset())
    spoken = set(f.levels) | {str(f.format.get("true", "")), str(f.format.get("false", ""))} - {""}
    return frozenset(own | (usual - spoken))


def _from_texts(texts: Texts, f: Field) -> Reading:
    tokens = pa.array(sorted(missing_tokens(f)), type=pa.large_string())
    gone = np.asarray(pc.is_in(texts.values, tokens), dtype=bool)
    counts = texts.counts
    if f.levelled and f.kind != "boolean":
        return _levels_of_texts(texts, gone, f)
    if f.kind == "boolean":
        by_text, bad = _truths(texts.values.to_pylist(), f)
        cells = texts.taken(np.where(gone, -1, by_text), -1)
        column = pd.Series(pd.arrays.BooleanArray(cells == 1, cells < 0))
        return Reading(column, f, unparsable=int(counts[bad & ~gone].sum()))
    if f.numeric and f.kind != "datetime":
        return _numbers_of_texts(texts, gone, f)
    if f.kind == "datetime":
        return _moments_of_texts(texts, gone, f)
    values = np.array(texts.values.to_pylist(), dtype=object)
    values[gone] = np.nan
    return Reading(pd.Series(texts.taken(values, np.nan), dtype=canonical_dtype(f)), f)


def _truths(words: list[str], f: Field) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.bool_]]:
    true, false = f.format.get("true"), f.format.get("false")
    out = np.full(len(words), -1, dtype=np.int8)
    for i, word in enumerate(words):
        folded = word.strip().casefold()
        if word == true:
            out[i] = 1
        elif word == false:
            out[i] = 0
        elif folded in _TRUE:
            out[i] = 1
        elif folded in _FALSE:
            out[i] = 0
    return out, out < 0


def _levels_of_texts(texts: Texts, gone: npt.NDArray[np.bool_], f: Field) -> Reading:
    words = texts.values.to_pylist()
    used = texts.counts > 0
    at, levels = match_levels([None if g or not u else w for w, g, u in zip(words, gone, used, strict=True)], f)
    return _categories(texts.taken(at, -1), levels, f)


def _categories(codes: npt.NDArray[np.int64], levels: tuple[str, ...], f: Field) -> Reading:
    wider = replace(f, levels=levels) if levels != f.levels else f
    cells = pd.Categorical.from_codes(codes, dtype=canonical_dtype(wider))
    return Reading(pd.Series(cells), wider, unknown=levels[len(f.levels) :])


def match_levels(words: list[str | None], f: Field) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    """Return each word's level number (-1: missing), and the levels with unknown words appended in order.

    A word is found as it stands, then without outer spaces, then as a number (``3.0`` is the level ``3``).
    """
    known = {level: i for i, level in enumerate(f.levels)}
    stripped = {level.strip(): i for i, level in enumerate(f.levels)}
    by_number = {key: i for i, level in enumerate(f.levels) if (key := _number_key(level)) is not None}
    out = np.full(len(words), -1, dtype=np.int64)
    strangers: dict[str, list[int]] = {}
    for i, word in enumerate(words):
        if word is None:
            continue
        at = known.get(word, stripped.get(word.strip(), -1))
        if at < 0 and by_number and (key := _number_key(word)) is not None:
            at = by_number.get(key, -1)
        if at >= 0:
            out[i] = at
        else:
            strangers.setdefault(word, []).append(i)
    extra = sorted(strangers)
    for k, word in enumerate(extra):
        out[strangers[word]] = len(f.levels) + k
    return out, (*f.levels, *extra)


def _number_key(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _numbers_of_texts(texts: Texts, gone: npt.NDArray[np.bool_], f: Field) -> Reading:
    counts = texts.counts
    values, good = numerals.parse(texts.values, f.format)
    odd = ~good & ~gone
    if odd.any():
        # another tool may write the numbers plainly where the source had separators or a unit
        plain, also = numerals.parse(texts.values, {})
        values, good = np.where(odd & also, plain, values), good | also
    bad = (~good | ~np.isfinite(values)) & ~gone
    missing = gone | bad
    if f.kind == "continuous":
        cells = texts.taken(np.where(missing, np.nan, values), np.nan)
        return Reading(pd.Series(cells), f, unparsable=int(counts[bad].sum()))
    out_of_reach = ~missing & (np.abs(np.nan_to_num(values)) >= 2.0**63)
    bad, missing = bad | out_of_reach, missing | out_of_reach
    fraction = ~missing & (np.nan_to_num(values) != np.rint(np.nan_to_num(values)))
    whole = np.rint(np.where(missing, 0.0, values)).astype(np.int64)
    exact = ~missing & (np.abs(whole) >= 2**53) & ~fraction
    if exact.any():
        whole[exact] = numerals.whole_numbers(texts.values.filter(pa.array(exact)), f.format)
    gaps = texts.taken(missing, True)
    column = pd.Series(pd.arrays.IntegerArray(np.where(gaps, 0, texts.taken(whole, 0)), gaps))
    return Reading(column, f, unparsable=int(counts[bad].sum()), rounded=int(counts[fraction].sum()))


def _moments_of_texts(texts: Texts, gone: npt.NDArray[np.bool_], f: Field) -> Reading:
    counts = texts.counts
    stamps = np.full(len(texts.values), np.datetime64("NaT"), dtype="datetime64[us]")
    if (~gone).any():
        body = texts.values.filter(pa.array(~gone))
        style = str(f.format.get("style", ""))
        read = moments.parse(body, f.format) if moments.readable(style) else None
        if read is None or np.isnat(read.stamps).any():
            other = moments.understand(body, hint=True)
            read = other if other is not None else read
        if read is not None:
            stamps[~gone] = read.stamps
            stamps[~gone] = _to_zone(read.stamps, read.format.get("zone"), f.format.get("zone"))
    bad = np.isnat(stamps) & ~gone
    cells = pd.Series(texts.taken(stamps, np.datetime64("NaT")))
    return Reading(_localised(cells, f), f, unparsable=int(counts[bad].sum()))


def _to_zone(stamps: moments.Stamps, found: str | None, wanted: str | None) -> moments.Stamps:
    """Return stamps as the field counts them: UTC when it has a zone, wall time when it has none."""
    if bool(found) == bool(wanted):
        return stamps
    cells = pd.Series(stamps)
    if wanted:  # the source wrote wall times of the field's zone
        local = cells.dt.tz_localize(wanted, ambiguous="NaT", nonexistent="NaT")
        return np.asarray(local.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy(), dtype="datetime64[us]")
    return np.asarray(
        cells.dt.tz_localize("UTC").dt.tz_convert(found).dt.tz_localize(None).to_numpy(), dtype="datetime64[us]"
    )


def _localised(utc_or_wall: pd.Series, f: Field) -> pd.Series:
    zone = f.format.get("zone")
    return utc_or_wall.dt.tz_localize("UTC").dt.tz_convert(zone) if zone else utc_or_wall


def _from_values(column: Column, values: pd.Series, f: Field) -> Reading:
    dtype = values.dtype
    missing = values.isna().to_numpy(dtype=bool)
    if f.kind == "datetime" and pdt.is_datetime64_any_dtype(dtype):
        return Reading(_moments_of_values(values, f), f)
    if isinstance(dtype, pd.CategoricalDtype) and f.levelled and f.kind != "boolean":
        words = [str(c) for c in dtype.categories]
        used = np.isin(np.arange(len(words)), values.cat.codes.to_numpy())
        at, levels = match_levels([w if u or w in f.levels else None for w, u in zip(words, used, strict=True)], f)
        codes = values.cat.codes.to_numpy().astype(np.int64)
        picked = np.append(at, -1)[codes] if len(words) else codes
        return _categories(picked, levels, f)
    numbers = pdt.is_numeric_dtype(dtype) or pdt.is_bool_dtype(dtype)
    if numbers and f.kind in ("integer", "continuous"):
        return _numbers_of_values(column, values, missing, f)
    if pdt.is_bool_dtype(dtype) and f.kind == "boolean":
        return Reading(values.astype("boolean").reset_index(drop=True), f)
    return _from_texts(as_texts(column), f)


def _moments_of_values(values: pd.Series, f: Field) -> pd.Series:
    zone = f.format.get("zone")
    source = values.dt.tz
    if source is not None and not zone:
        values = values.dt.tz_localize(None)
    elif source is None and zone:
        values = values.dt.tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
    elif source is not None:
        values = values.dt.tz_convert(zone)
    return values.astype(canonical_dtype(f)).reset_index(drop=True)


def _numbers_of_values(column: Column, values: Any, missing: npt.NDArray[np.bool_], f: Field) -> Reading:
    if pdt.is_integer_dtype(values.dtype) and f.kind == "integer":
        filled = values.fillna(0) if missing.any() else values
        whole = filled.to_numpy(dtype="int64")
        return Reading(pd.Series(pd.arrays.IntegerArray(whole.copy(), missing)), f)
    cells = values.to_numpy(dtype="float64", na_value=np.nan)
    if "float32" in column.storage.lower() or column.storage == "float":
        cells = shortest_of_float32(cells)
    bad = np.isinf(cells)
    if f.kind == "continuous":
        return Reading(pd.Series(np.where(bad, np.nan, cells)), f, unparsable=int(bad.sum()))
    bad |= ~missing & (np.abs(np.nan_to_num(cells)) >= 2.0**63)
    gaps = missing | bad
    filled = np.where(gaps, 0.0, cells)
    whole = np.rint(filled).astype(np.int64)
    rounded = int((filled != np.rint(filled)).sum())
    return Reading(pd.Series(pd.arrays.IntegerArray(whole, gaps)), f, unparsable=int(bad.sum()), rounded=rounded)


def as_texts(column: Column) -> Texts:
    """Return typed cells as texts: whole numbers without a point, the rest as Python writes them."""
    if column.texts is not None:
        return column.texts
    assert column.values is not None
    values: Any = column.values
    if isinstance(values.dtype, pd.CategoricalDtype):
        words = pa.array([str(c) for c in values.cat.categories], type=pa.large_string())
        return Texts(words, values.cat.codes.to_numpy().astype(np.int32))
    codes, found = pd.factorize(values)
    if pdt.is_float_dtype(found.dtype):
        words = [
            str(int(v)) if v == np.rint(v) and abs(v) < 2**53 else repr(v) for v in np.asarray(found, float).tolist()
        ]
    elif pdt.is_bool_dtype(found.dtype):
        words = ["true" if v else "false" for v in found]
    else:
        words = [str(v) for v in found]
    return Texts(pa.array(words, type=pa.large_string()), codes.astype(np.int32))


def write_texts(column: Any, f: Field) -> Texts:
    """Return a canonical column as the texts that its format states; missing cells have code -1."""
    missing = column.isna().to_numpy(dtype=bool)
    match f.kind:
        case "categorical" | "ordinal":
            words = [str(c) for c in column.cat.categories]
            return Texts(pa.array(words, type=pa.large_string()), column.cat.codes.to_numpy().astype(np.int32))
        case "boolean":
            words = [str(f.format.get("false", "false")), str(f.format.get("true", "true"))]
            codes = column.astype("Int8").fillna(-1).to_numpy(dtype=np.int32)
            return Texts(pa.array(words, type=pa.large_string()), codes)
        case "integer":
            codes, whole = pd.factorize(column.to_numpy(dtype="int64", na_value=0))
            words = numerals.write_whole(np.asarray(whole), f.format)
        case "continuous":
            codes, found = pd.factorize(column.to_numpy(dtype="float64"))
            words = numerals.write_decimals(np.asarray(found), f.format, f.decimals)
        case "datetime":
            codes, words = _write_moments(column, f)
        case _:
            return Texts.of_objects(column.to_numpy(dtype=object, na_value=None))
    codes = np.where(missing, -1, codes).astype(np.int32)
    return Texts(pa.array(words, type=pa.large_string()), codes)


def _write_moments(column: pd.Series, f: Field) -> tuple[npt.NDArray[np.intp], list[str]]:
    codes, found = pd.factorize(column)
    cells = pd.Series(found)
    offsets = None
    if cells.dt.tz is not None:
        wall = cells.dt.tz_localize(None)
        utc = cells.dt.tz_convert("UTC").dt.tz_localize(None)
        offsets = ((wall - utc) // pd.Timedelta(minutes=1)).to_numpy().astype(np.int64)
        cells = wall
    local = cells.to_numpy().astype("datetime64[us]")
    return codes, moments.write(local, _style(f, local), offsets)


def _style(f: Field, local: moments.Stamps) -> Mapping[str, Any]:
    if moments.readable(str(f.format.get("style", ""))):
        return f.format
    daily = bool((local == local.astype("datetime64[D]")).all())
    return {**f.format, "style": DATE if daily and not f.format.get("zone") else f"{DATE} {CLOCK}"}


def to_native(table: Table) -> Any:
    """Return what the user gave: a pandas, polars or Arrow table with the same types.

    A file or database gives a pandas frame.  A column that has become nullable keeps its type where that type knows
    missing values, else takes pandas' nullable one.
    """
    from synthproof.data.table import native_arrow, native_pandas

    match table.origin.container:
        case "polars":
            return native_arrow.to_polars(table)
        case "arrow":
            return native_arrow.to_arrow(table)
        case "parquet":
            return native_arrow.to_arrow(table).to_pandas()
        case _:
            return native_pandas.to_pandas(table)


__all__ = [
    "Reading",
    "as_texts",
    "match_levels",
    "missing_tokens",
    "read_column",
    "to_native",
    "write_texts",
]
