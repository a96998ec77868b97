"""A tree of dependencies over columns cut alike: the cheapest law that knows which columns go together.

Columns become bins; each but the root depends on one other, along the tree of greatest mutual information (Chow & Liu
1968, doi:10.1109/TIT.1968.1054142). The shape may come from one table and the probabilities from another, so that two
tables can be compared by one yardstick. Cost O(rows · columns²) for the shape, O(rows · columns) for a likelihood.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synthproof.engines.codes import Coded

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

BINS = 16
MOST_COLUMNS = 100
"""Columns past this number stand alone in the tree."""
_PRIOR = 1.0


@dataclass(frozen=True, slots=True)
class Cuts:
    """How columns become bins: numbers at quantiles, levels as the commonest and the rest; missing is bin 0.

    Parameters
    ----------
    edges
        Of each numeric column, rising.
    places
        Of each levelled column, the bin of each code, missing (-1) first.
    """

    edges: tuple[FloatArray, ...]
    places: tuple[IntArray, ...]

    @classmethod
    def learn(cls, coded: Coded, bins: int = BINS) -> Cuts:
        """Return the cuts of a table into at most `bins` bins a column."""
        edges = []
        for values in coded.numbers.T:
            there = values[~np.isnan(values)]
            edges.append(np.unique(np.quantile(there, np.arange(1, bins) / bins)) if len(there) else np.empty(0))
        places = []
        for codes, levels in zip(coded.codes.T, coded.cardinality, strict=True):
            counts = np.bincount(codes[codes >= 0], minlength=levels)
            place = np.full(levels + 1, bins, dtype=np.intp)
            place[0] = 0
            common = np.argsort(-counts, kind="stable")[: bins - 1]
            place[common + 1] = 1 + np.arange(len(common))
            places.append(place)
        return cls(tuple(edges), tuple(places))

    @property
    def sizes(self) -> list[int]:
        """Number of bins of each column, numeric columns first."""
        return [len(e) + 2 for e in self.edges] + [int(p.max(initial=0)) + 1 for p in self.places]

    def apply(self, coded: Coded) -> IntArray:
        """Return every column as a bin number, shape (n_rows, columns)."""
        out = np.zeros((len(coded), len(self.edges) + len(self.places)), dtype=np.intp)
        for j, edges in enumerate(self.edges):
            values = coded.numbers[:, j]
            out[:, j] = np.where(np.isnan(values), 0, np.searchsorted(edges, values, side="right") + 1)
        for j, place in enumerate(self.places):
            out[:, len(self.edges) + j] = place[coded.codes[:, j] + 1]
        return out


def tree_of(bins: IntArray, sizes: Sequence[int]) -> list[tuple[int, int]]:
    """Return (child, parent) along the tree of greatest mutual information; a parent of -1 is none.

    Past `MOST_COLUMNS` columns the rest stand alone, as the root does.
    """
    p = bins.shape[1]
    linked = min(p, MOST_COLUMNS)
    shares = np.full((linked, linked), -1.0)
    for a in range(linked):
        for b in range(a):
            shares[a, b] = shares[b, a] = _information(bins[:, a], bins[:, b], sizes[a], sizes[b])
    edges = [(0, -1)] if p else []
    best, parent = shares[0].copy() if linked else np.empty(0), np.zeros(linked, dtype=np.intp)
    left = set(range(1, linked))
    while left:
        child = max(left, key=lambda j: (best[j], -j))
        edges.append((child, int(parent[child])))
        left.remove(child)
        nearer = shares[child] > best
        best[nearer], parent[nearer] = shares[child][nearer], child
    return edges + [(j, -1) for j in range(linked, p)]


def tree_loss(edges: Sequence[tuple[int, int]], learned: IntArray, asked: IntArray, sizes: Sequence[int]) -> FloatArray:
    """Return the negative log-likelihood of the asked rows in nats under a tree whose shares are those of `learned`.

    Parameters
    ----------
    edges
        From `tree_of`.
    learned, asked
        Bin numbers from one `Cuts`.
    """
    loss = np.zeros(len(asked))
    for child, parent in edges:
        rows = sizes[parent] if parent >= 0 else 1
        above = learned[:, parent] if parent >= 0 else np.zeros(len(learned), dtype=np.intp)
        joint = np.bincount(above * sizes[child] + learned[:, child], minlength=rows * sizes[child])
        table = joint.reshape(rows, sizes[child]).astype(np.float64)
        # Each conditional share leans on the column's own, and that on equal shares: nothing is impossible.
        alone = (table.sum(axis=0) + _PRIOR / sizes[child]) / (len(learned) + _PRIOR)
        share = (table + _PRIOR * alone) / (table.sum(axis=1, keepdims=True) + _PRIOR)
        at = asked[:, parent] if parent >= 0 else np.zeros(len(asked), dtype=np.intp)
        loss -= np.log(share[at, asked[:, child]])
    return loss


def _information(a: IntArray, b: IntArray, size_a: int, size_b: int) -> float:
    joint = np.bincount(a * size_b + b, minlength=size_a * size_b).reshape(size_a, size_b) / len(a)
    apart = joint.sum(axis=1)[:, None] * joint.sum(axis=0)[None, :]
    there = joint > 0
    return float((joint[there] * np.log(joint[there] / apart[there])).sum())


__all__ = ["BINS", "MOST_COLUMNS", "Cuts", "tree_loss", "tree_of"]
