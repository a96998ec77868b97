"""Boosted trees for a yes-or-no question, on features cut into at most 255 bins: small, deterministic, no dependency.

Each round grows one tree leaf by leaf on the gradient of the logistic loss (Friedman 2001, doi:10.1214/aos/1013203451)
from histograms of the binned features, on a random part of the rows and of the features; rounds end when the loss on
held-out rows has not improved for a while. Every row may bring a log-odds of its own to start from (`offset`), so that
trees learn only what is not known before. What is kept of the data are midpoints between neighbouring values, where a
feature is cut, and the leaves' values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from synthproof.engines.compiled import compiled
from synthproof.synthesizers.table.chain.value_growing import (
    BinArray,
    BoolArray,
    FloatArray,
    Int32Array,
    find_leaves,
    gradients,
    grow,
    leaf_values,
    loss_of,
)
from synthproof.synthesizers.table.chain.value_masks import MOST_LEAVES, Masks, add_scores, masks_of

_EDGE_ROWS = 50_000
_ROOM = 2**30  # what sums of packed gradients do not exceed


@dataclass(frozen=True, slots=True)
class Settings:
    """How trees are boosted.

    Parameters
    ----------
    rounds, patience
        Most trees, and rounds without improvement on held-out rows after which growing ends.
    leaves
        Leaves of a tree; at most 32 (`value_masks`).
    rate
        What a leaf's value is multiplied with.
    min_leaf
        Training rows in a leaf.
    ridge
        Added to a leaf's curvature.
    rows, features
        Share of the rows and of the features that a tree sees.
    bins
        Bins of a feature, one of them for missing values; at most 255.
    honest
        Whether a leaf's value comes from the training rows that its tree was *not* grown on (when trees see a share of
        the rows): a split that was chosen for the noise of its own rows then adds nothing (Athey & Imbens 2016,
        doi:10.1073/pnas.1510489113).
    """

    rounds: int = 150
    patience: int = 12
    leaves: int = 31
    rate: float = 0.2
    min_leaf: int = 50
    ridge: float = 5.0
    rows: float = 0.5
    features: float = 0.5
    bins: int = 64
    honest: bool = True


def edges_of(x: FloatArray, bins: int) -> FloatArray:
    """Return where a feature is cut: midpoints between neighbouring values, at most ``bins - 2``, ascending.

    Bins hold about equally many rows; a value with more than a bin's share of them gets a bin of its own.
    """
    x = x[~np.isnan(x)]
    if len(x) > _EDGE_ROWS:
        x = x[:: -(-len(x) // _EDGE_ROWS)]
    sites, counts = np.unique(x, return_counts=True)
    middle = sites[:-1] + (sites[1:] - sites[:-1]) / 2
    if len(middle) <= bins - 2:
        return np.asarray(middle)
    share = len(x) / (bins - 1)
    heavy = counts > share
    rest = np.cumsum(np.where(heavy, 0, counts))
    room = max(1, bins - 2 - 2 * int(heavy.sum()))
    part = np.minimum((rest * room / max(rest[-1], 1)).astype(np.intp), room - 1)
    cut = (np.diff(part) > 0) | heavy[:-1] | heavy[1:]
    found = middle[cut]
    return np.asarray(
        found if len(found) <= bins - 2 else found[np.linspace(0, len(found) - 1, bins - 2).astype(np.intp)]
    )


def cut_features(columns: Sequence[FloatArray], n: int, bins: int) -> tuple[BinArray, FloatArray, Int32Array]:
    """Return p features of n values as bins (n, p), with the edges of all features and where each one's start."""
    edges = [edges_of(x, bins) for x in columns]
    start = np.cumsum([0, *(len(e) for e in edges)]).astype(np.int32)
    flat = np.concatenate(edges) if edges else np.empty(0)
    out = np.empty((n, len(edges)), dtype=np.uint8)
    for j, x in enumerate(columns):  # one after the other: a matrix of all would be as large as the table again
        binned(np.ascontiguousarray(x)[:, None], flat, start[j : j + 2], out[:, j : j + 1])
    return out, flat, start


@compiled()
def bin_of(v: float, edges: FloatArray, first: int, last: int) -> int:
    """Return a value's bin among ``edges[first:last]``: 0 for missing, else 1 + the number of edges below it."""
    if v != v:  # noqa: PLR0124 – missing
        return 0
    at, n = first, last - first
    while n > 0:  # as many steps for every value, none of them a branch to guess
        half = (n + 1) // 2
        at += half if edges[at + half - 1] < v else 0
        n -= half
    return 1 + at - first


@compiled()
def binned(x: FloatArray, edges: FloatArray, start: Int32Array, out: BinArray) -> None:
    """Fill `out` (n, p) with bins: 0 for missing, else 1 + the number of the feature's edges below the value."""
    n, p = x.shape
    for j in range(p):
        for i in range(n):
            out[i, j] = bin_of(x[i, j], edges, start[j], start[j + 1])


@dataclass(frozen=True, slots=True)
class Boosted:
    """Fitted trees, and where their features are cut.

    Parameters
    ----------
    edges, start
        Cuts of feature j are ``edges[start[j]:start[j + 1]]``.
    feature, cut, child, value
        Shape (nodes,): the feature asked (-1: a leaf), the last bin that goes to `child` (others go to the next node),
        and a leaf's log-odds.
    roots
        First node of each tree.
    base
        Log-odds that hold for every row.
    held_loss
        Loss on held-out rows in nats; NaN when there were none.
    """

    edges: FloatArray
    start: Int32Array
    feature: npt.NDArray[np.int16]
    cut: BinArray
    child: Int32Array
    value: FloatArray
    roots: Int32Array
    base: float
    held_loss: float

    @classmethod
    def learn(
        cls,
        x: FloatArray,
        target: BoolArray,
        held: BoolArray,
        settings: Settings,
        rng: np.random.Generator,
        offset: FloatArray | None = None,
    ) -> Self:
        """Return trees for P(target).

        Parameters
        ----------
        x
            Features, shape (n, p), NaN missing.
        held
            Which rows only decide when to stop.
        offset
            Log-odds that each row starts from, shape (n,); the share of the target if absent.

        Notes
        -----
        Cost O(rounds · rows · features) histogram updates for a share of rows and features each.
        """
        bins, flat, start = cut_features(list(x.T), len(x), settings.bins)
        return cls.learn_bins(bins, flat, start, target, held, settings, rng, offset)

    @classmethod
    def learn_bins(
        cls,
        bins: BinArray,
        edges: FloatArray,
        start: Int32Array,
        target: BoolArray,
        held: BoolArray,
        settings: Settings,
        rng: np.random.Generator,
        offset: FloatArray | None = None,
    ) -> Self:
        """Return trees for features that are already cut; `learn` says the rest."""
        train, test = np.flatnonzero(~held).astype(np.int32), np.flatnonzero(held).astype(np.int32)
        base = 0.0
        if offset is None:
            share = (target[train].sum() + 0.5) / (len(train) + 1.0)
            base = float(np.log(share / (1 - share)))
        score = np.full(len(bins), base) if offset is None else offset.astype(np.float64)
        trees, loss = _rounds(bins, target, train, test, score, settings, rng)
        sizes = np.cumsum([0, *(len(t[0]) for t in trees)])
        return cls(
            edges,
            start,
            np.concatenate([t[0] for t in trees]) if trees else np.empty(0, np.int16),
            np.concatenate([t[1] for t in trees]) if trees else np.empty(0, np.uint8),
            np.concatenate([t[2] + at for t, at in zip(trees, sizes, strict=False)]).astype(np.int32)
            if trees
            else np.empty(0, np.int32),
            np.concatenate([t[3] for t in trees]) if trees else np.empty(0),
            sizes[:-1].astype(np.int32),
            base,
            loss,
        )

    @classmethod
    def constant(cls, log_odds: float) -> Self:
        """Return no trees: the same log-odds for every row, whatever its features."""
        none = np.empty(0, np.int32)
        return cls(
            np.empty(0), np.zeros(1, np.int32), np.empty(0, np.int16), np.empty(0, np.uint8), none, np.empty(0), none,
            log_odds, np.nan,
        )  # fmt: skip

    def log_odds(self, x: FloatArray, offset: FloatArray | float = 0.0) -> FloatArray:
        """Return log-odds, shape (n,). Cost O(n · trees · features)."""
        bins = np.empty(x.shape, dtype=np.uint8)
        binned(np.ascontiguousarray(x), self.edges, self.start, bins)
        return self.log_odds_bins(bins) + offset

    def log_odds_bins(self, bins: BinArray) -> FloatArray:
        """Return log-odds for features that are already cut, shape (n,)."""
        out = np.full(len(bins), self.base)
        add_scores(bins, self.masks(), out)
        return out

    def masks(self) -> Masks:
        """Return the trees as sets of leaves, as they are answered fastest."""
        found: Masks = masks_of((self.start, self.feature, self.cut, self.child, self.value, self.roots))
        return found

    def get_state(self) -> dict[str, Any]:
        """Return plain values and arrays."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Take back what `get_state` returned."""
        return cls(**{name: state[name] for name in cls.__slots__})


Tree = tuple[npt.NDArray[np.int16], BinArray, Int32Array, FloatArray]


def _rounds(
    bins: BinArray,
    target: BoolArray,
    train: Int32Array,
    test: Int32Array,
    score: FloatArray,
    settings: Settings,
    rng: np.random.Generator,
) -> tuple[list[Tree], float]:
    """Return the trees up to the best round and the held-out loss there."""
    p = bins.shape[1]
    loss = loss_of(score, target, test) if len(test) else np.nan
    if not p or len(train) < 2 * settings.min_leaf or target[train].all() or not target[train].any():
        return [], float(loss)
    grad, hess, packed = np.empty(len(bins)), np.empty(len(bins)), np.empty(len(bins), np.int64)
    scale = 2.0 ** np.floor(np.log2(_ROOM / len(bins)))
    some = max(1, min(p, int(np.ceil(settings.features * p))))
    leaves = min(settings.leaves, MOST_LEAVES)
    hist = np.empty((leaves, some, settings.bins), np.int64)
    room, leaf = 2 * leaves, np.zeros(len(bins), np.int32)
    trees: list[Tree] = []
    best, kept = loss, 0
    for _ in range(settings.rounds):
        gradients(score, target, scale, grad, hess, packed)
        chosen = rng.random(len(train), dtype=np.float32) < settings.rows
        seen, others = train[chosen], train[~chosen]
        features = np.sort(rng.permutation(p)[:some]).astype(np.int32)
        tree = (np.empty(room, np.int16), np.zeros(room, np.uint8), np.zeros(room, np.int32), np.zeros(room))
        n = grow(bins, packed, scale, seen, features, hist, settings.min_leaf, settings.ridge, *tree[:3], leaf)
        tree = (tree[0][:n], tree[1][:n], tree[2][:n], tree[3][:n])
        find_leaves(bins, np.concatenate([others, test]), *tree[:3], leaf)
        honest = settings.honest and settings.rows < 1
        leaf_values(grad, hess, others if honest else seen, leaf, settings.ridge, settings.rate, tree[3])
        score += tree[3][leaf]
        trees.append(tree)
        if not len(test):
            kept = len(trees)
            continue
        loss = loss_of(score, target, test)
        if loss < best - 1e-7:
            best, kept = loss, len(trees)
        elif len(trees) - kept >= settings.patience:
            break
    return trees[:kept], float(best)
