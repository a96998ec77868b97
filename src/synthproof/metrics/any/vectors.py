"""Units of a case as points, placed once for all metrics of a battery, and samples of them of one size."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from synthproof.core.contracts import Case
from synthproof.core.random import permutation
from synthproof.core.registry import modalities
from synthproof.core.run import Run
from synthproof.core.words import Words

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
Side = Literal["train", "holdout", "synthetic"]

MOST_PLACED = 25_000
"""Units a side that are placed; of more, as many drawn at random: a million of 50 fields would take gibibytes."""

NO_SPACE = Words(
    en="The units cannot be placed as points: no column can be compared, or the modality has no embedder.",
    ko="비교할 수 있는 항목이 없거나 임베더가 없어 레코드를 점으로 배치할 수 없습니다.",
)


def vectors(case: Case[Any], side: Side, run: Run | None = None) -> FloatArray:
    """Return units of one data set as points, shape (n_units, d), from the case's cache after the first call.

    All units where there are `MOST_PLACED` or fewer, else as many drawn at random, in their own order. The space is
    that of `case.embedder`, or of the modality's own embedder fitted on train; the holdout never shapes it.
    """
    key = f"any.vectors/{side}"
    found = case.cache.get(key)
    if isinstance(found, np.ndarray):
        return found
    embedder = case.embedder or case.cache.get("any.embedder")
    if embedder is None:
        embedder = modalities.make(case.train.schema.modality).embedder(case.train, run=run)
        case.cache["any.embedder"] = embedder
    data = {"train": case.train, "holdout": case.holdout, "synthetic": case.synthetic}[side]
    n = len(data)
    if n > MOST_PLACED:
        data = data.take(np.sort(permutation(0, f"any.vectors/{side}", n)[:MOST_PLACED]))
    made = np.ascontiguousarray(embedder.transform(data), dtype=np.float64)
    case.cache[key] = made
    return made


def drawn(case: Case[Any], side: Side, n: int, *, seed: int, purpose: str, run: Run | None = None) -> FloatArray:
    """Return n units of one data set, drawn at random without repeats, shape (n, d)."""
    points = vectors(case, side, run)
    return points[permutation(seed, f"{purpose}/{side}", len(points))[:n]]


def squared_distances(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return squared Euclidean distances, shape (len(a), len(b)). Call it under `one_blas_thread`.

    By the product of the matrices; what rounding leaves of equal points is below 1e-12 of their squared length.
    """
    out = np.matmul(a, b.T)
    out *= -2.0
    out += np.einsum("ij,ij->i", a, a)[:, None]
    out += np.einsum("ij,ij->i", b, b)[None, :]
    return np.asarray(np.maximum(out, 0.0, out=out), dtype=np.float64)


__all__ = ["NO_SPACE", "Side", "drawn", "squared_distances", "vectors"]
