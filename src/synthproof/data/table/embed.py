"""Units as points: fitted on train alone, so that nothing of the holdout shapes the space."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from synthproof.core.errors import NotFittedError
from synthproof.data.table.dataset import Table
from synthproof.engines.codes import Coded, encode

FloatArray = npt.NDArray[np.float64]

_GRID = 1_000
_MOST_LEVELS = 100
_TAIL = 4.0


@dataclass(frozen=True, slots=True)
class _Numeric:
    """Quantiles of one numeric field's values in train, and their normal scores."""

    points: FloatArray
    scores: FloatArray
    gaps: bool


class TableEmbedder:
    """Place each unit where near means alike.

    Numbers become normal scores by train's quantiles; levels become one-hot columns of which two that differ lie at
    distance 1; missing numbers have the score 0 and a column of their own. A unit with several rows is the mean of
    its rows and the logarithm of their number.

    Notes
    -----
    Deterministic. Cost O(n log n) a numeric field to fit, O(n · d) to place. Fields with more than 100 levels keep
    the 100 commonest, the rest share one column.
    """

    def __init__(self) -> None:
        self._train: Table | None = None
        self._numeric: list[_Numeric] = []
        self._common: list[npt.NDArray[np.int32]] = []
        self.names_: tuple[str, ...] = ()

    def fit(self, train: Table, /) -> Self:
        """Learn quantiles and common levels from train."""
        coded = encode(train.frame, train.schema)
        self._numeric = [_scores(coded.numbers[:, j]) for j in range(coded.numbers.shape[1])]
        self._common = [_commonest(coded.codes[:, j], coded.cardinality[j]) for j in range(coded.codes.shape[1])]
        self.names_ = (*coded.numeric_names, *coded.level_names)
        self._train = train.with_frame(train.frame.iloc[:0])
        return self

    def transform(self, data: Table, /) -> FloatArray:
        """Return an array of shape (n_units, d)."""
        if self._train is None:
            raise NotFittedError("fit/not-fitted", owner="TableEmbedder", call="transform")
        coded = encode(data.frame, self._train.schema)
        parts = [*self._numeric_columns(coded), *self._level_columns(coded)]
        rows = np.column_stack(parts) if parts else np.zeros((data.n_rows, 0))
        if self._train.schema.unit_field is None:
            return rows
        return _by_unit(rows, data)

    def _numeric_columns(self, coded: Coded) -> list[FloatArray]:
        out = []
        for j, known in enumerate(self._numeric):
            values = coded.numbers[:, j]
            missing = np.isnan(values)
            if len(known.points):
                scores = np.interp(values, known.points, known.scores)
                out.append(np.where(missing, 0.0, scores))
            else:
                out.append(np.zeros(len(values)))
            if known.gaps:
                out.append(missing.astype(np.float64))
        return out

    def _level_columns(self, coded: Coded) -> list[FloatArray]:
        out = []
        for j, common in enumerate(self._common):
            codes = coded.codes[:, j]
            hot = codes[:, None] == common[None, :]
            other = (codes >= 0) & ~hot.any(axis=1)
            block = np.column_stack([hot, other, codes < 0]).astype(np.float64)
            out.extend((block * np.sqrt(0.5)).T)
        return out


def _scores(values: FloatArray) -> _Numeric:
    seen = np.sort(values[~np.isnan(values)])
    gaps = len(seen) < len(values)
    if len(seen) == 0:
        return _Numeric(np.zeros(0), np.zeros(0), gaps)
    if len(seen) > 4 * _GRID:
        at = np.linspace(0, len(seen) - 1, _GRID).astype(np.intp)
    else:
        at = np.arange(len(seen))
    points, first = np.unique(seen[at], return_index=True)
    # ties get the middle of their ranks, so that a common value has one place
    low = np.searchsorted(seen, points, side="left")
    high = np.searchsorted(seen, points, side="right")
    shares = (low + high) / (2.0 * len(seen))
    return _Numeric(points, np.clip(ndtri(shares), -_TAIL, _TAIL), gaps)


def _commonest(codes: npt.NDArray[np.int32], cardinality: int) -> npt.NDArray[np.int32]:
    counts = np.bincount(codes[codes >= 0], minlength=cardinality)
    order = np.argsort(-counts, kind="stable")[:_MOST_LEVELS]
    return np.sort(order).astype(np.int32)


def _by_unit(rows: FloatArray, data: Table) -> FloatArray:
    unit = data.unit_of_row
    n = len(data)
    counts = np.bincount(unit, minlength=n).astype(np.float64)
    sums = np.zeros((n, rows.shape[1]))
    np.add.at(sums, unit, rows)
    return np.column_stack([sums / counts[:, None], np.log(counts)])


__all__ = ["TableEmbedder"]
