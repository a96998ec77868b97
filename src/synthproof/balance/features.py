"""Columns of a table as the numbers that a learner takes: learned from real training rows alone, applied alike to all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from synthproof.core.schema import Field
from synthproof.data.table.dataset import Table
from synthproof.engines.codes import levels_of, numbers_or_codes

FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]

MOST_LEVELS = 50
_KNOTS = 200


@dataclass(frozen=True, slots=True)
class Features:
    """How a table becomes a matrix.

    Parameters
    ----------
    fields
        Columns that are features.
    knots
        For each number its quantiles in train, and their normal scores; for levels the codes that have a column of
        their own.
    """

    fields: tuple[Field, ...]
    knots: tuple[tuple[FloatArray, FloatArray], ...]

    @classmethod
    def learn(cls, train: Table, target: str) -> Features:
        """Return the features of a table but its target: numbers as normal scores, the commonest 50 levels as indicators.

        Normal scores (the rank of a value in train, as a standard normal quantile) keep amounts with long tails from
        ruling the first layer; a value beyond train's range counts as its end.
        """
        fields = tuple(f for f in train.schema.modelled if f.name != target)
        knots = []
        for f in fields:
            column = numbers_or_codes(train.frame[f.name], f)
            known = column[~np.isnan(column)]
            if f.levelled:
                counts = np.bincount(known.astype(np.intp), minlength=len(levels_of(f)))
                own = np.sort(np.argsort(-counts, kind="stable")[:MOST_LEVELS]).astype(np.float64)
                knots.append((own, own))
                continue
            share = (np.arange(_KNOTS) + 0.5) / _KNOTS
            values, first = np.unique(np.quantile(known, share) if len(known) else np.zeros(1), return_inverse=True)
            # equal quantiles share the middle of their scores
            score = np.bincount(first, weights=ndtri(share[: len(first)])) / np.bincount(first)
            knots.append((values, score))
        return cls(fields, tuple(knots))

    def apply(self, table: Table) -> Float32Array:
        """Return the matrix, shape (n, d): a missing number is 0 with its own indicator, a missing level is no level."""
        blocks: list[FloatArray] = []
        for f, (values, score) in zip(self.fields, self.knots, strict=True):
            column = numbers_or_codes(table.frame[f.name], f)
            missing = np.isnan(column)
            if f.levelled:
                blocks.append((column[:, None] == values[None, :]).astype(np.float64))
                continue
            z = np.interp(np.where(missing, values[0], column), values, score)
            blocks.append(np.column_stack([np.where(missing, 0.0, z), missing]) if f.nullable else z[:, None])
        return np.hstack(blocks).astype(np.float32) if blocks else np.zeros((table.n_rows, 0), dtype=np.float32)
