"""Three tables (train, holdout, synthetic) on one footing: which columns are numbers, and codes for the levels.

A numeric column is one that is numeric in the real rows and not boolean; everything else is levels, a missing level
being a level of its own. Codes follow the sorted levels of the real rows; levels only the synthetic rows have come
after them (`Coded.known` says where they begin).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
MISSING = "\x00missing"


@dataclass(frozen=True)
class Coded:
    """One table: numbers as float64 (NaN missing), levels as codes."""

    numbers: dict[str, FloatArray]
    codes: dict[str, IntArray]
    n: int

    def rows(self, index: npt.NDArray[np.intp]) -> Coded:
        """Return some rows."""
        return Coded(
            {c: v[index] for c, v in self.numbers.items()}, {c: v[index] for c, v in self.codes.items()}, len(index)
        )

    def values(self, column: str) -> npt.NDArray[np.float64] | IntArray:
        """Return a column's numbers, or its codes."""
        return self.numbers[column] if column in self.numbers else self.codes[column]

    def matrix(self, columns: list[str]) -> FloatArray:
        """Return columns side by side, codes as floats; shape (n, len(columns))."""
        return np.column_stack([self.values(c).astype(np.float64) for c in columns])


@dataclass(frozen=True)
class Book:
    """What the real rows say of the columns."""

    columns: list[str]
    numeric: list[str]
    levelled: list[str]
    levels: dict[str, list[str]]
    known: dict[str, int]
    low: FloatArray
    span: FloatArray

    @cached_property
    def order(self) -> list[str]:
        """Numeric columns, then levelled ones."""
        return self.numeric + self.levelled

    def gower(self, table: Coded) -> npt.NDArray[np.float32]:
        """Return rows for `nearness`: numbers scaled by the real rows' range, missing at its minimum; unknown levels -1."""
        out = np.empty((table.n, len(self.columns)), np.float32)
        for j, c in enumerate(self.numeric):
            out[:, j] = np.nan_to_num((table.numbers[c] - self.low[j]) / self.span[j], nan=0.0)
        for j, c in enumerate(self.levelled, len(self.numeric)):
            codes = table.codes[c]
            out[:, j] = np.where(codes < self.known[c], codes, -1)
        return out


def code(train: pd.DataFrame, holdout: pd.DataFrame, synthetic: pd.DataFrame) -> tuple[Book, Coded, Coded, Coded]:
    """Return the book of the real rows, and the three tables coded by it.

    Raises
    ------
    ValueError
        When the synthetic table lacks a column.
    """
    columns = list(train.columns)
    lost = [c for c in columns if c not in synthetic.columns]
    if lost:
        raise ValueError(f"the synthetic table lacks columns {lost}")
    frames = (train, holdout, synthetic)
    real = pd.concat([train, holdout], ignore_index=True)
    numeric = [c for c in columns if pd.api.types.is_numeric_dtype(real[c]) and real[c].dtype != bool]
    levelled = [c for c in columns if c not in numeric]
    numbers: list[dict[str, FloatArray]] = [
        {c: pd.to_numeric(f[c], errors="coerce").astype("float64").to_numpy(na_value=np.nan) for c in numeric}
        for f in frames
    ]
    codes: list[dict[str, IntArray]] = [{}, {}, {}]
    levels, known = {}, {}
    for c in levelled:
        texts = [np.where(f[c].isna(), MISSING, f[c].astype(str)).astype(object) for f in frames]
        seen = sorted(set(texts[0]) | set(texts[1]))
        levels[c] = seen + sorted(set(texts[2]) - set(seen))
        known[c] = len(seen)
        index = pd.Index(levels[c], dtype=object)
        for out, text in zip(codes, texts, strict=True):
            out[c] = index.get_indexer(text).astype(np.int64)
    both = [np.concatenate([numbers[0][c], numbers[1][c]]) for c in numeric]
    low = np.array([np.nanmin(v) for v in both])
    span = np.array([np.nanmax(v) for v in both]) - low
    book = Book(columns, numeric, levelled, levels, known, low, np.where(span == 0, 1.0, span))
    a, b, s = (Coded(n, k, len(f)) for n, k, f in zip(numbers, codes, frames, strict=True))
    return book, a, b, s
