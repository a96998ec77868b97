"""In which order the levels of unordered columns lie on a line: the one in which they go along with other columns."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from synthproof.core.schema import Field
from synthproof.synthesizers.table.columns.latents import cut, products

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

_ROUNDS = 4


def orders_of(seen: Mapping[str, FloatArray], fields: tuple[Field, ...]) -> dict[str, IntArray]:
    """Return the latent order of each levelled column's codes: given, or along the first component of the others.

    Alternating between the component and the levels' means on it is nonlinear principal components with nominal
    columns (Gifi 1990), started from the levels' frequency.
    """
    orders: dict[str, IntArray] = {}
    scores: dict[str, FloatArray] = {}
    for f in fields:
        values = seen[f.name]
        gone = np.isnan(values)
        if f.numeric:
            _, position = np.unique(values[~gone], return_inverse=True)
        else:
            codes = values[~gone].astype(np.intp)
            count = np.bincount(codes)
            by_count = np.argsort(-count, kind="stable") if f.kind == "categorical" else np.arange(len(count))
            orders[f.name] = by_count[count[by_count] > 0].astype(np.intp)
            position = _position(codes, orders[f.name])
        whole = np.full(len(values), -1, dtype=np.intp)
        whole[~gone] = position
        scores[f.name] = cut(whole).scores
    free = [f.name for f in fields if f.kind == "categorical" and len(orders[f.name]) > 2]
    names = list(scores)
    for _ in range(_ROUNDS if free and len(names) > 1 else 0):
        matrix = np.stack([scores[n] for n in names], axis=1)
        spread = matrix.std(axis=0)
        matrix = matrix / np.where(spread > 0, spread, 1.0)
        weights = np.linalg.eigh(products(matrix))[1][:, -1]
        weights = np.round(weights * (1 if weights[np.abs(weights).argmax()] > 0 else -1), 10)
        component = matrix @ weights
        for name in free:
            j = names.index(name)
            gone = np.isnan(seen[name])
            codes = seen[name][~gone].astype(np.intp)
            rest = (component - matrix[:, j] * weights[j])[~gone]
            count = np.bincount(codes)
            mean = np.round(np.bincount(codes, rest) / np.maximum(count, 1), 10)
            ranked = np.argsort(mean, kind="stable")
            orders[name] = ranked[count[ranked] > 0].astype(np.intp)
            whole = np.full(len(gone), -1, dtype=np.intp)
            whole[~gone] = _position(codes, orders[name])
            scores[name] = cut(whole).scores
    return orders


def _position(codes: IntArray, order: IntArray) -> IntArray:
    place = np.zeros(int(order.max(initial=0)) + 1, dtype=np.intp)
    place[order] = np.arange(len(order))
    return place[codes]
