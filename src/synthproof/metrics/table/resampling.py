"""Groups of units, drawn again: one set of draws for all columns, so that their dependence stays in every mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from synthproof.core.contracts import Case
from synthproof.core.random import permutation, stream
from synthproof.engines.threads import one_blas_thread
from synthproof.metrics.table.coded_case import CodedCase, Part, coded_case

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

GROUPS = 100
REPEATS = 300


@dataclass(frozen=True, slots=True)
class Resampled:
    """Random groups of one table's units and how often each group comes in each draw.

    Parameters
    ----------
    group
        Group of each row, shape (n_rows,); a unit is in one group.
    weights
        Shape (repeats, groups), each row summing to the number of groups.

    Notes
    -----
    A bootstrap of G groups of equal size has the variance of one of units, less a share of 1/G; rows of one unit are
    drawn together.
    """

    group: IntArray
    weights: FloatArray

    @one_blas_thread()
    def counts(self, bins: IntArray, k: int, keep: npt.NDArray[np.bool_] | None = None) -> FloatArray:
        """Return how often each of k bins occurs in each draw, shape (repeats, k)."""
        groups = self.weights.shape[1]
        cell = self.group * k + bins
        if keep is not None:
            cell = cell[keep]
        table = np.bincount(cell, minlength=groups * k).reshape(groups, k).astype(np.float64)
        return np.asarray(self.weights @ table, dtype=np.float64)

    def shares(self, bins: IntArray, k: int, keep: npt.NDArray[np.bool_] | None = None) -> FloatArray:
        """Return `counts` as shares; a draw without any row has shares of 0."""
        found = self.counts(bins, k, keep)
        return np.asarray(found / np.maximum(found.sum(axis=1, keepdims=True), 1e-300), dtype=np.float64)


def resampled(case: Case[Any], name: str, seed: int) -> Resampled:
    """Return the groups and draws of ``"train"``, ``"holdout"`` or ``"synthetic"``, shared by a battery's metrics."""
    key = f"table.resampled/{name}/{seed}"
    found = case.cache.get(key)
    if isinstance(found, Resampled):
        return found
    part = getattr(coded_case(case), name)
    made = resample(part, seed, name)
    case.cache[key] = made
    return made


def resample(part: Part, seed: int, name: str) -> Resampled:
    """Deal a table's units out to groups and draw groups anew."""
    groups = max(1, min(GROUPS, part.n))
    of_unit = np.empty(part.n, dtype=np.intp)
    of_unit[permutation(seed, f"resample/{name}", part.n)] = np.arange(part.n) % groups
    drawn = stream(seed, f"resample/{name}/draws").multinomial(groups, np.full(groups, 1 / groups), REPEATS)
    return Resampled(of_unit[part.unit_of_row], drawn.astype(np.float64))


def thinned(cc: CodedCase, names: Sequence[str], seed: int, purpose: str) -> dict[str, npt.NDArray[np.bool_]]:
    """Return which rows of the named tables are looked at when as many units of each are to be, drawn at random.

    A distance between samples grows as they shrink: only samples of one size can be compared.
    """
    parts: dict[str, Part] = {name: getattr(cc, name) for name in names}
    n = min(p.n for p in parts.values())
    out = {}
    for name, part in parts.items():
        chosen = np.zeros(part.n, dtype=bool)
        chosen[permutation(seed, f"{purpose}/{name}", part.n)[:n]] = True
        out[name] = chosen[part.unit_of_row]
    return out
