"""Mixed columns on a few axes: numbers standardised, levels as scaled indicators, then principal components.

Factor analysis of mixed data: Pagès (2004), *Revue de statistique appliquée* 52(4), 93-111. Levels are weighted by the
inverse square root of their share, so that a column with many levels does not rule the axes by their number.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synthproof.engines.codes import Coded

FloatArray = npt.NDArray[np.float64]

LEAST_SHARE = 0.01
"""Levels rarer than this get no indicator of their own: their weight would let single rows steer an axis."""
MOST_COLUMNS = 400
_REACH = 5.0
_BLOCK = 50_000  # rows whose features are made at a time


@dataclass(frozen=True, slots=True)
class Axes:
    """The leading principal axes of a table, fitted once and applied to others.

    Parameters
    ----------
    centre, spread
        Of each numeric field.
    kept
        For each levelled field, the codes with an indicator and the mean and weight of each.
    loadings
        Shape (features, k).
    explained
        Share of variance on each axis, shape (k,).
    """

    centre: FloatArray
    spread: FloatArray
    kept: tuple[tuple[npt.NDArray[np.int32], FloatArray], ...]
    loadings: FloatArray
    explained: FloatArray

    def place(self, coded: Coded) -> FloatArray:
        """Return the rows on the axes, shape (n_rows, k). Missing numbers sit at the centre."""
        parts = [_features(block, self.centre, self.spread, self.kept) @ self.loadings for block in _blocks(coded)]
        return np.concatenate(parts) if parts else np.empty((0, self.loadings.shape[1]))


def principal_axes(coded: Coded, k: int = 2) -> Axes | None:
    """Return the k leading axes of a table, or ``None`` when fewer than k directions vary. Cost O(rows · features²)."""
    with np.errstate(invalid="ignore"):
        known = ~np.isnan(coded.numbers)
        n_known = np.maximum(1, known.sum(axis=0))
        centre = np.where(known, coded.numbers, 0.0).sum(axis=0) / n_known
        spread = np.sqrt(np.where(known, (coded.numbers - centre) ** 2, 0.0).sum(axis=0) / n_known)
    kept = tuple(_indicators(coded.codes[:, j], c) for j, c in enumerate(coded.cardinality))
    products = [_product(_features(block, centre, spread, kept)) for block in _blocks(coded)]
    if not products or products[0].shape[0] < k or len(coded) < 2:
        return None
    values, vectors = np.linalg.eigh(sum(products[1:], products[0]) / len(coded))
    values = np.clip(values[::-1], 0.0, None)
    total = float(values.sum())
    if total <= 0 or values[k - 1] <= 1e-9 * total:
        return None
    loadings = vectors[:, ::-1][:, :k]
    # An eigenvector's sign is free: the largest loading is made positive, so that every machine draws the same picture.
    signs = np.sign(loadings[np.abs(loadings).argmax(axis=0), np.arange(k)])
    return Axes(centre, spread, kept, loadings * signs, values[:k] / total)


def _blocks(coded: Coded) -> Iterator[Coded]:
    """Yield the rows in blocks: all features of a million rows of 50 fields at once would be gibibytes."""
    for first in range(0, len(coded), _BLOCK):
        yield coded.rows(np.arange(first, min(first + _BLOCK, len(coded)), dtype=np.intp))


def _product(features: FloatArray) -> FloatArray:
    return np.asarray(features.T @ features, dtype=np.float64)


def _indicators(codes: npt.NDArray[np.int32], cardinality: int) -> tuple[npt.NDArray[np.int32], FloatArray]:
    counts = np.bincount(codes.astype(np.intp) + 1, minlength=cardinality + 1)[1:]
    shares = counts / max(1, len(codes))
    chosen = np.flatnonzero((shares >= LEAST_SHARE) & (shares < 1.0)).astype(np.int32)
    chosen = chosen[np.argsort(-shares[chosen], kind="stable")][:MOST_COLUMNS]
    return chosen, np.asarray(shares[chosen], dtype=np.float64)


def _features(
    coded: Coded,
    centre: FloatArray,
    spread: FloatArray,
    kept: tuple[tuple[npt.NDArray[np.int32], FloatArray], ...],
) -> FloatArray:
    varying = spread > 0
    scaled = (coded.numbers[:, varying] - centre[varying]) / spread[varying]
    parts = [np.clip(np.nan_to_num(scaled, nan=0.0), -_REACH, _REACH)]
    for j, (levels, shares) in enumerate(kept):
        hit = (coded.codes[:, j][:, None] == levels[None, :]).astype(np.float64)
        parts.append((hit - shares) / np.sqrt(shares))
    return np.concatenate(parts, axis=1)
