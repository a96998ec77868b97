"""The SMOTE family over mixed columns, through imbalanced-learn: interpolated rows, for training alone, never for release.

Chawla et al. 2002 (SMOTE, SMOTE-NC, SMOTE-N; doi:10.1613/jair.953), Han et al. 2005 (Borderline-SMOTE;
doi:10.1007/11538059_91), He et al. 2008 (ADASYN; doi:10.1109/IJCNN.2008.4633969), as imbalanced-learn has them.

What imbalanced-learn leaves open is settled here:

- **Numbers** are standardised first (a neighbour is one in every column), and come back rounded as their column is.
- **Missing cells.** imbalanced-learn refuses them. Here a missing level is a level of its own, and a missing number
  counts as the median of its class while neighbours are found. A made row then lacks a number where the *nearest real
  row of its class* lacks it: nothing is imputed into the result, and missing stays about as common as it was.
- **Identifiers, free text and the unit** are those of that nearest real row, so that a later split by unit keeps a made
  row on the side of the person it was made from.
- Declared rules between columns are not kept: a straight line between two rows knows none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthproof.balance.classes import Classes
from synthproof.core.errors import ConfigError, DataError, MissingExtraError
from synthproof.core.random import derive
from synthproof.core.run import Run
from synthproof.core.schema import Field
from synthproof.data.table.dataset import Table
from synthproof.engines.codes import from_codes, from_numbers, levels_of, numbers_or_codes

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

FAMILY = ("smote", "borderline", "adasyn")


@dataclass(frozen=True, slots=True)
class Encoded:
    """A table as imbalanced-learn wants it: one matrix without gaps.

    Parameters
    ----------
    fields
        Columns that are interpolated.
    matrix
        Standardised numbers and codes of levels (missing: the code after the last level), shape (n, fields).
    gaps
        Where a number was missing, shape (n, fields).
    mean, scale
        Of each number; 0 and 1 for levels.
    """

    fields: tuple[Field, ...]
    matrix: FloatArray
    gaps: npt.NDArray[np.bool_]
    mean: FloatArray
    scale: FloatArray

    @property
    def levelled(self) -> npt.NDArray[np.bool_]:
        """Which columns hold levels, shape (fields,)."""
        return np.array([f.levelled for f in self.fields], dtype=bool)


def encoded(table: Table, target: str, classes: Classes) -> Encoded:
    """Return the modelled columns of a table but the target. Cost O(cells)."""
    fields = tuple(f for f in table.schema.modelled if f.name != target)
    n = table.n_rows
    matrix, gaps = np.zeros((n, len(fields))), np.zeros((n, len(fields)), dtype=bool)
    mean, scale = np.zeros(len(fields)), np.ones(len(fields))
    for j, f in enumerate(fields):
        column = numbers_or_codes(table.frame[f.name], f)
        missing = np.isnan(column)
        if f.levelled:
            matrix[:, j] = np.where(missing, len(levels_of(f)), column)
            continue
        gaps[:, j] = missing
        known = column[~missing]
        if len(known):
            mean[j] = float(known.mean())
            scale[j] = float(known.std()) or 1.0
        z = (column - mean[j]) / scale[j]
        for c in range(-1, len(classes)):
            own = classes.codes == c
            if (missing & own).any():
                there = z[own & ~missing]
                z[missing & own] = float(np.median(there)) if len(there) else 0.0
        matrix[:, j] = z
    return Encoded(fields, matrix, gaps, mean, scale)


class Interpolated:
    """Makes rows between real rows of one class.

    Parameters
    ----------
    table, target, classes
        Real rows, the column of their classes, and the classes.
    strategy
        ``"smote"`` (SMOTE-NC for mixed columns, SMOTE-N for levels alone, SMOTE for numbers alone), ``"borderline"`` or
        ``"adasyn"`` (numbers alone).
    neighbours
        k, fewer where a class is smaller.

    Raises
    ------
    MissingExtraError, ConfigError, DataError
        ``extra/missing``; ``balance/needs-numbers``; ``balance/no-columns``.
    """

    origin = "augmentation"
    empty: tuple[str, ...] = ()

    def __init__(
        self, table: Table, target: str, classes: Classes, *, strategy: str = "smote", neighbours: int = 5
    ) -> None:
        _imbalanced_learn()
        self.table, self.target, self.classes = table, target, classes
        self.strategy, self.neighbours = strategy, neighbours
        self.coded = encoded(table, target, classes)
        if not self.coded.fields:
            raise DataError("balance/no-columns", where=table.origin.name, n=len(table.schema.fields) - 1)
        named = [f.name for f in self.coded.fields if f.levelled]
        if strategy != "smote" and named:
            raise ConfigError("balance/needs-numbers", strategy=strategy, n=len(named), names=", ".join(named[:10]))

    def make(self, c: int, n: int, /, *, seed: int, run: Run | None = None) -> Table:
        """Return about n rows of a class (ADASYN rounds by neighbourhood), with the target set.

        Raises
        ------
        DataError
            ``balance/nothing-made``.
        """
        labelled = self.classes.codes >= 0
        x, y = self.coded.matrix[labelled], self.classes.codes[labelled]
        size = int((y == c).sum())
        sampler = self._sampler(c, size + n, min(self.neighbours, size - 1), derive(seed, "balance/smote") % 2**32)
        made = np.empty((0, x.shape[1]))
        if size > 1:
            try:
                out, label = sampler.fit_resample(x, y)
            except ValueError as error:
                if self.strategy != "adasyn":  # which says so when no neighbour is of another class
                    raise
                raise self._nothing(c, size) from error
            made = np.asarray(out[len(x) :], dtype=np.float64)[np.asarray(label[len(x) :]) == c]
        if not len(made):
            raise self._nothing(c, size)
        return self._table(made, c)

    def _nothing(self, c: int, size: int) -> DataError:
        facts: dict[str, Any] = {"position": c + 1, "n_classes": len(self.classes), "n": size}
        return DataError("balance/nothing-made", strategy=self.strategy, **facts)

    def _sampler(self, c: int, goal: int, k: int, seed: int) -> Any:
        from imblearn.over_sampling import ADASYN, SMOTE, SMOTEN, SMOTENC, BorderlineSMOTE

        kinds, common = self.coded.levelled, {"sampling_strategy": {c: goal}, "random_state": seed}
        if self.strategy == "adasyn":
            return ADASYN(n_neighbors=max(1, k), **common)
        if self.strategy == "borderline":
            return BorderlineSMOTE(k_neighbors=max(1, k), **common)
        if kinds.all():
            return SMOTEN(k_neighbors=max(1, k), **common)
        if kinds.any():
            return SMOTENC(categorical_features=np.flatnonzero(kinds).tolist(), k_neighbors=max(1, k), **common)
        return SMOTE(k_neighbors=max(1, k), **common)

    def _table(self, made: FloatArray, c: int) -> Table:
        coded, schema = self.coded, self.table.schema
        rows = self.classes.rows(c)
        other = [n for n in schema.names if n != self.target and n not in {f.name for f in coded.fields}]
        nearest = rows[:1].repeat(len(made))
        if other or coded.gaps[rows].any():
            nearest = rows[_nearest(coded.matrix[rows], made, coded.levelled)]
        columns: dict[str, Any] = {}
        for j, f in enumerate(coded.fields):
            if f.levelled:
                codes = made[:, j].astype(np.intp)
                columns[f.name] = from_codes(np.where(codes >= len(levels_of(f)), -1, codes), f)
            else:
                values = made[:, j] * coded.scale[j] + coded.mean[j]
                columns[f.name] = from_numbers(np.where(coded.gaps[nearest, j], np.nan, values), f)
        for name in other:
            columns[name] = self.table.frame[name].take(nearest).reset_index(drop=True)
        columns[self.target] = self.table.frame[self.target].take(rows[:1].repeat(len(made))).reset_index(drop=True)
        return self.table.with_frame(pd.DataFrame(columns, columns=list(schema.names)))


def _nearest(real: FloatArray, made: FloatArray, levelled: npt.NDArray[np.bool_]) -> IntArray:
    """Return for each made row the nearest real one: squared differences of numbers, one for each unequal level."""
    out = np.empty(len(made), dtype=np.intp)
    step = max(1, 4_000_000 // max(1, real.size))
    for at in range(0, len(made), step):
        some = made[at : at + step]
        apart = np.zeros((len(some), len(real)))
        for j in range(real.shape[1]):
            gap = some[:, j : j + 1] - real[None, :, j]
            apart += (gap != 0) if levelled[j] else gap**2
        out[at : at + step] = apart.argmin(axis=1)
    return out


def _imbalanced_learn() -> None:
    try:
        import imblearn  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("extra/missing", library="imbalanced-learn", extra="balance") from error
