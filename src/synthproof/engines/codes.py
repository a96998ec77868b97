"""Columns ↔ numbers and codes: the one place where a field becomes something a model or metric can count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthproof.core.schema import Field, Schema

FloatArray = npt.NDArray[np.float64]
CodeArray = npt.NDArray[np.int32]

_TRUE_FALSE = ("false", "true")


def levels_of(f: Field) -> tuple[str, ...]:
    """Return the texts of a levelled field's levels, in code order."""
    return _TRUE_FALSE if f.kind == "boolean" else f.levels


def to_numbers(column: pd.Series, f: Field) -> FloatArray:
    """Return a numeric field's canonical column as float64, missing as NaN.

    Datetimes become microseconds since 1970 UTC, exact to 2**53 µs (the years 1684 to 2255).
    """
    if f.kind == "datetime":
        naive = column.dt.tz_convert("UTC").dt.tz_localize(None) if column.dt.tz is not None else column
        stamps = naive.to_numpy().astype("datetime64[us]").astype("int64").astype("float64")
        return np.where(column.isna().to_numpy(), np.nan, stamps)
    return column.to_numpy(dtype="float64", na_value=np.nan)


def from_numbers(values: FloatArray, f: Field) -> pd.Series:
    """Return the canonical column of a numeric field from float64 values (NaN: missing), rounded as the field is."""
    missing = np.isnan(values)
    if f.kind == "continuous":
        return pd.Series(values if f.decimals is None else np.round(values, f.decimals) + 0.0)
    whole = np.where(missing, 0, np.rint(np.nan_to_num(values))).astype("int64")
    if f.kind == "integer":
        return pd.Series(pd.arrays.IntegerArray(whole, missing))
    stamps = whole.astype("datetime64[us]")
    stamps[missing] = np.datetime64("NaT")
    column = pd.Series(stamps)
    zone = f.format.get("zone")
    return column.dt.tz_localize("UTC").dt.tz_convert(zone) if zone else column


def to_codes(column: pd.Series, f: Field) -> CodeArray:
    """Return a levelled field's canonical column as codes of `levels_of`; missing and unknown levels are -1."""
    if f.kind == "boolean":
        return np.asarray(column.astype("Int8").fillna(-1), dtype=np.int32)
    if isinstance(column.dtype, pd.CategoricalDtype) and list(column.cat.categories) == list(f.levels):
        return np.asarray(column.cat.codes, dtype=np.int32)
    known = pd.Index(list(f.levels), dtype=object)
    found = known.get_indexer(pd.Index(column.astype(object).map(_text)))
    return np.asarray(found, dtype=np.int32)


def from_codes(codes: npt.NDArray[np.integer], f: Field) -> pd.Series:
    """Return the canonical column of a levelled field from codes (-1: missing)."""
    if f.kind == "boolean":
        missing = codes < 0
        return pd.Series(pd.arrays.BooleanArray(np.where(missing, 0, codes).astype(bool), missing))
    dtype = pd.CategoricalDtype(list(f.levels), ordered=f.kind == "ordinal")
    return pd.Series(pd.Categorical.from_codes(np.asarray(codes, dtype=np.int64), dtype=dtype))


def numbers_or_codes(column: pd.Series, f: Field) -> FloatArray:
    """Return a modelled field's canonical column as float64: numbers, or codes of its levels; NaN missing."""
    if f.numeric:
        return to_numbers(column, f)
    codes = to_codes(column, f)
    return np.where(codes < 0, np.nan, codes)


@dataclass(frozen=True, slots=True)
class Coded:
    """A table as arrays: numbers of its numeric fields and codes of its levelled fields.

    Parameters
    ----------
    numbers
        Shape (n_rows, number of numeric fields), NaN missing; columns as `numeric_names`.
    codes
        Shape (n_rows, number of levelled fields), -1 missing or unknown; columns as `level_names`.
    cardinality
        Number of levels of each levelled field.
    """

    numeric_names: tuple[str, ...]
    level_names: tuple[str, ...]
    numbers: FloatArray
    codes: CodeArray
    cardinality: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.numbers)

    def rows(self, index: npt.NDArray[np.intp] | slice) -> Coded:
        """Return some rows."""
        return Coded(self.numeric_names, self.level_names, self.numbers[index], self.codes[index], self.cardinality)


def encode(frame: pd.DataFrame, schema: Schema, names: Sequence[str] | None = None) -> Coded:
    """Return the modelled fields of a canonical frame as arrays. Cost O(cells).

    Parameters
    ----------
    frame
        Canonical columns.
    schema
        The *reference* schema: its levels and order define the codes, also for another table's frame.
    names
        Fields to take; all modelled fields if absent.
    """
    fields = schema.modelled if names is None else tuple(schema.field(n) for n in names)
    numeric = [f for f in fields if f.numeric]
    levelled = [f for f in fields if f.levelled]
    numbers = np.empty((len(frame), len(numeric)), dtype=np.float64)
    codes = np.empty((len(frame), len(levelled)), dtype=np.int32)
    for j, f in enumerate(numeric):
        numbers[:, j] = to_numbers(frame[f.name], f)
    for j, f in enumerate(levelled):
        codes[:, j] = to_codes(frame[f.name], f)
    return Coded(
        tuple(f.name for f in numeric),
        tuple(f.name for f in levelled),
        numbers,
        codes,
        tuple(len(levels_of(f)) for f in levelled),
    )


def _text(value: object) -> object:
    return None if value is None or value is pd.NA or value != value else str(value)
