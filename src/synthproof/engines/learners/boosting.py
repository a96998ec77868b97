"""Boosted trees over a table's mixed columns, the same on any number of cores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from synthproof.engines.codes import Coded
from synthproof.engines.threads import one_openmp_thread

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

MAX_LEVELS = 250
"""scikit-learn's histogram trees take at most 255 levels; rarer ones share the last code."""


@dataclass(frozen=True, slots=True)
class TreeFeatures:
    """Feature matrices of several coded tables that share one meaning of every column.

    Parameters
    ----------
    names
        Column names: numeric fields, then fields with levels.
    matrices
        One array of shape (n_rows, d) per table; missing is NaN.
    categorical
        Whether a column holds codes of levels, shape (d,).
    """

    names: tuple[str, ...]
    matrices: tuple[FloatArray, ...]
    categorical: npt.NDArray[np.bool_]


def tree_features(tables: Sequence[Coded], leave_out: Sequence[str] = ()) -> TreeFeatures:
    """Return the features of tables that were encoded under one schema. Cost O(cells).

    Parameters
    ----------
    tables
        Coded tables with equal fields.
    leave_out
        Fields that are not features, e.g. the target.
    """
    first = tables[0]
    numeric = [j for j, name in enumerate(first.numeric_names) if name not in leave_out]
    levelled = [j for j, name in enumerate(first.level_names) if name not in leave_out]
    blocks = [[t.numbers[:, numeric]] for t in tables]
    for j in levelled:
        pooled = np.concatenate([t.codes[:, j] for t in tables])
        place = _places(pooled, first.cardinality[j])
        for block, t in zip(blocks, tables, strict=True):
            codes = t.codes[:, j]
            block.append(np.where(codes < 0, np.nan, place[codes])[:, None])
    names = tuple(first.numeric_names[j] for j in numeric) + tuple(first.level_names[j] for j in levelled)
    kinds = np.array([False] * len(numeric) + [True] * len(levelled))
    return TreeFeatures(names, tuple(np.hstack(b) for b in blocks), kinds)


def _places(codes: npt.NDArray[np.int32], cardinality: int) -> FloatArray:
    """Return the code to use for each level: its own, or a shared one for the rarest of very many levels."""
    place = np.arange(max(1, cardinality), dtype=np.float64)
    if cardinality > MAX_LEVELS:
        counts = np.bincount(codes[codes >= 0], minlength=cardinality)
        order = np.argsort(-counts, kind="stable")
        place[order] = np.minimum(np.arange(cardinality), MAX_LEVELS - 1)
    return place


class BoostedTrees:
    """Gradient-boosted histogram trees for classes or numbers.

    Parameters
    ----------
    classify
        Whether the target holds class numbers.
    categorical
        Which columns hold codes, shape (d,).
    seed
        Used by the library only above 200,000 rows (binning on a sample).
    rounds
        Number of trees (per class).

    Notes
    -----
    Trees are grown on one thread: the library sums gradients in as many pieces as there are threads, so that the
    last bits, and with them ties between splits, would depend on the machine. Callers run folds side by side instead.
    """

    def __init__(self, *, classify: bool, categorical: npt.NDArray[np.bool_], seed: int = 0, rounds: int = 100) -> None:
        self.classify = classify
        self.categorical = categorical
        self.seed = seed
        self.rounds = rounds
        self._model: Any = None
        self.classes_: IntArray = np.empty(0, dtype=np.intp)

    def fit(self, features: FloatArray, target: npt.NDArray[Any]) -> BoostedTrees:
        """Learn; a target of a single class is remembered as such."""
        from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

        if self.classify:
            self.classes_ = np.unique(target).astype(np.intp)
            if len(self.classes_) < 2:
                return self
        empty = np.isnan(features).all(axis=0)
        if empty.any():  # the library cannot bin a column without a value; a constant is never split on
            features = np.where(empty, 0.0, features)
        make = HistGradientBoostingClassifier if self.classify else HistGradientBoostingRegressor
        self._model = make(
            max_iter=self.rounds,
            early_stopping=False,
            # Without it, leaves of rare classes divide by next to nothing and ruin the ranking of all classes.
            l2_regularization=10.0,
            categorical_features=self.categorical if self.categorical.any() else None,
            random_state=self.seed % (2**32),
        )
        with one_openmp_thread():
            self._model.fit(features, target)
        return self

    def predict(self, features: FloatArray) -> FloatArray:
        """Return predicted numbers, shape (n,)."""
        with one_openmp_thread():
            return np.asarray(self._model.predict(features), dtype=np.float64)

    def probabilities(self, features: FloatArray, n_classes: int) -> FloatArray:
        """Return probabilities of classes 0 … n_classes - 1, shape (n, n_classes); unseen classes have 0."""
        out = np.zeros((len(features), n_classes))
        if self._model is None:
            out[:, self.classes_] = 1.0
            return out
        with one_openmp_thread():
            out[:, self.classes_] = self._model.predict_proba(features)
        return out


__all__ = ["MAX_LEVELS", "BoostedTrees", "TreeFeatures", "tree_features"]
