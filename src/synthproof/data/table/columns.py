"""Columns as they came: distinct texts with codes, or typed values; before anybody says what they mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from synthproof.data.table.dataset import Origin

CodeArray = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Texts:
    """Cells of text, each distinct one held once.

    Parameters
    ----------
    values
        Arrow array of distinct texts (large_string), no nulls.
    codes
        Position of each row's text in `values`, shape (n_rows,); -1 where the source itself has a null.
    """

    values: Any
    codes: CodeArray

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """Rows of each distinct text, shape (n distinct,)."""
        seen = self.codes[self.codes >= 0]
        return np.bincount(seen, minlength=len(self.values)).astype(np.int64, copy=False)

    def taken(self, by_text: npt.NDArray[Any], missing: Any) -> npt.NDArray[Any]:
        """Return one value per row from one value per distinct text; nulls become `missing`."""
        if len(by_text) == 0:
            return np.full(len(self.codes), missing, dtype=by_text.dtype if by_text.dtype != object else object)
        out = by_text[np.maximum(self.codes, 0)]
        if (self.codes < 0).any():
            out = out.copy()
            out[self.codes < 0] = missing
        return out

    @classmethod
    def of_arrow(cls, column: Any) -> Texts:
        """Read an Arrow array or chunked array of strings. Cost O(cells)."""
        if isinstance(column, pa.ChunkedArray):
            column = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
        if isinstance(column, pa.ChunkedArray):  # beyond 2 GiB of text Arrow keeps several chunks
            column = pa.concat_arrays(column.chunks)
        coded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
        values = coded.dictionary.cast(pa.large_string())
        codes = coded.indices.cast(pa.int64()).fill_null(-1) if coded.null_count else coded.indices
        return cls(values, np.asarray(codes, dtype=np.int32))

    @classmethod
    def of_objects(cls, cells: Sequence[Any] | npt.NDArray[Any]) -> Texts:
        """Read Python strings, with None or NaN for nulls."""
        codes, values = pd.factorize(np.asarray(cells, dtype=object), use_na_sentinel=True)
        texts = pa.array([str(v) for v in values], type=pa.large_string())
        return cls(texts, np.asarray(codes, dtype=np.int32))


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a source: either `texts`, or typed `values`.

    Parameters
    ----------
    name
        Column name.
    texts
        Cells of a text column, or ``None``.
    values
        Typed cells: pandas numbers, booleans, datetimes or categories, or ``None``.
    storage
        Type at the source; empty for text files.
    facts
        What else must be known to write the values back (e.g. an Excel number format).
    """

    name: str
    texts: Texts | None = None
    values: pd.Series | None = None
    storage: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        if self.texts is not None:
            return len(self.texts.codes)
        return 0 if self.values is None else len(self.values)


@dataclass(frozen=True, slots=True)
class Raw:
    """A source read, not yet understood: its columns in order, and where it came from."""

    columns: tuple[Column, ...]
    origin: Origin

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.columns[0]) if self.columns else 0

    def column(self, name: str) -> Column | None:
        """Return a column by name, or ``None``."""
        return next((c for c in self.columns if c.name == name), None)
