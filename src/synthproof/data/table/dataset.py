"""The table: canonical columns, a schema, and units that may span several rows.

Canonical column types, by kind of field::

    identifier, text        str (missing: NaN)
    boolean                 boolean (nullable)
    integer                 Int64 (nullable)
    continuous              float64 (missing: NaN)
    categorical, ordinal    category of str levels, in the schema's order (ordinal: ordered)
    datetime                datetime64[us], with the zone the schema states

How values were written at the source stays in `Field.format` and `Field.storage`; `synthproof.data.table.formats`
turns canonical columns back into what the user gave.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthproof.core.errors import SchemaError
from synthproof.core.fingerprint import digest_frame
from synthproof.core.schema import Field, Schema


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What the user gave, so that the same can be given back.

    Parameters
    ----------
    container
        ``"pandas"``, ``"polars"``, ``"arrow"`` for objects; ``"csv"``, ``"parquet"``, ``"excel"``, ``"jsonl"``,
        ``"sql"`` for files and databases.
    options
        Facts of the format: encoding, delimiter, quoting, line end, compression, sheet …
    name
        File or object name, for messages.
    """

    container: str = "pandas"
    options: Mapping[str, Any] = field(default_factory=dict)
    name: str = "data"


class Table:
    """A table of protected units.

    Parameters
    ----------
    frame
        Canonical columns, exactly those of `schema`, in its order.
    schema
        What the columns are. A field with the role ``unit`` groups rows into units.
    origin
        What the user gave.

    Notes
    -----
    The frame is not copied and must not be changed by anyone afterwards.
    """

    __slots__ = ("_units", "frame", "origin", "schema")

    def __init__(self, frame: pd.DataFrame, schema: Schema, *, origin: Origin | None = None) -> None:
        if tuple(frame.columns) != schema.names:
            missing = [n for n in schema.names if n not in frame.columns]
            extra = [str(n) for n in frame.columns if n not in schema]
            raise SchemaError("schema/fields-differ", missing=", ".join(missing) or "-", extra=", ".join(extra) or "-")
        self.frame = frame if isinstance(frame.index, pd.RangeIndex) else frame.reset_index(drop=True)
        self.schema = schema
        self.origin = origin or Origin()
        self._units: tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]] | None = None

    @property
    def n_rows(self) -> int:
        """Number of rows (a unit may have several)."""
        return len(self.frame)

    @property
    def unit_of_row(self) -> npt.NDArray[np.intp]:
        """Position of the unit that each row belongs to, in order of first appearance, shape (n_rows,)."""
        name = self.schema.unit_field
        if name is None:
            return np.arange(len(self.frame), dtype=np.intp)
        codes, _ = pd.factorize(self.frame[name].astype("string").fillna("\x00"), use_na_sentinel=False)
        return np.asarray(codes, dtype=np.intp)

    def __len__(self) -> int:
        name = self.schema.unit_field
        return len(self.frame) if name is None else int(self.frame[name].nunique(dropna=False))

    def take(self, units: npt.NDArray[np.intp], /) -> Self:
        """Return the rows of the given units, units in the given order; repeats give repeated rows."""
        return self.with_frame(self.frame.take(self.rows_of(np.asarray(units, dtype=np.intp))).reset_index(drop=True))

    def rows_of(self, units: npt.NDArray[np.intp], /) -> npt.NDArray[np.intp]:
        """Return the positions of the given units' rows, units in the given order."""
        if self.schema.unit_field is None:
            return units
        order, starts = self._grouped()
        return np.concatenate([order[starts[u] : starts[u + 1]] for u in units] or [np.empty(0, dtype=np.intp)])

    def _grouped(self) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        if self._units is None:
            codes = self.unit_of_row
            order = np.argsort(codes, kind="stable").astype(np.intp, copy=False)
            starts = np.searchsorted(codes[order], np.arange(len(self) + 1)).astype(np.intp, copy=False)
            self._units = order, starts
        return self._units

    def with_frame(self, frame: pd.DataFrame, schema: Schema | None = None) -> Self:
        """Return a table with other rows (and another schema), same origin."""
        return type(self)(frame, schema or self.schema, origin=self.origin)

    def with_schema(self, schema: Schema) -> Self:
        """Return the same rows under a schema that differs in roles or rules only."""
        return type(self)(self.frame, schema, origin=self.origin)

    def without(self, *names: str) -> Self:
        """Return the table without some columns."""
        if not names:
            return self
        return type(self)(self.frame.drop(columns=list(names)), self.schema.without(*names), origin=self.origin)

    def fingerprint(self) -> str:
        """Return ``sha256:…`` of schema and cells."""
        return digest_frame(self.frame, {"schema": self.schema.to_dict()})

    def to_native(self) -> Any:
        """Return what the user gave: the same container, dtypes included."""
        from synthproof.data.table.formats import to_native

        return to_native(self)

    def __repr__(self) -> str:
        return f"Table({len(self)} {self.schema.unit}s, {self.n_rows} rows × {len(self.schema.fields)} fields)"


def canonical_dtype(f: Field) -> Any:
    """Return the pandas dtype of a field's canonical column."""
    match f.kind:
        case "boolean":
            return pd.BooleanDtype()
        case "integer":
            return pd.Int64Dtype()
        case "continuous":
            return np.dtype("float64")
        case "categorical" | "ordinal":
            return pd.CategoricalDtype(list(f.levels), ordered=f.kind == "ordinal")
        case "datetime":
            zone = f.format.get("zone")
            return pd.DatetimeTZDtype("us", zone) if zone else np.dtype("datetime64[us]")
        case _:
            return pd.StringDtype(na_value=np.nan)


def empty_frame(schema: Schema, n: int = 0) -> pd.DataFrame:
    """Return n rows of missing values in canonical columns."""
    columns = {f.name: pd.Series([None] * n, dtype=object).astype(canonical_dtype(f)) for f in schema.fields}
    return pd.DataFrame(columns, index=pd.RangeIndex(n))


def same_fields(table: Table, other: Table) -> None:
    """Refuse two tables whose fields differ in name or order."""
    if table.schema.names != other.schema.names:
        missing = [n for n in table.schema.names if n not in other.schema]
        extra = [n for n in other.schema.names if n not in table.schema]
        raise SchemaError("schema/fields-differ", missing=", ".join(missing) or "-", extra=", ".join(extra) or "-")


__all__ = ["Origin", "Table", "canonical_dtype", "empty_frame", "same_fields"]
