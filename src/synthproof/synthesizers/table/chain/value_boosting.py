"""Boosted trees for a yes-or-no question, on features cut into at most 255 bins: small, deterministic, no dependency.

Each round grows one tree leaf by leaf on the gradient of the logistic loss (Friedman 2001, doi:10.1214/aos/1013203451)
from histograms of the binned features, on a random part of the rows and of the features; rounds end when the loss on
held-out rows has not improved for a while. Every row may bring a log-odds of its own to start from (`offset`), so that
trees learn only what is not known before. What is kept of the data are midpoints between neighbouring values, where a
feature is cut, and the leaves' values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numba
import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
BinArray = npt.NDArray[np.uint8]
Int32Array = npt.NDArray[np.int32]

_EDGE_ROWS = 50_000


@dataclass(frozen=True, slots=True)
class Settings:
    """How trees are boosted.

    Parameters
    ----------
    rounds, patience
        Most trees, and rounds without improvement on held-out rows after which growing ends.
    leaves
        Leaves of a tree.
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


def compiled(function: Any) -> Any:
    """Return a function compiled by numba, kept on disk where that is possible."""
    try:
        return numba.njit(nogil=True, cache=True)(function)
    except RuntimeError:  # no writable place for the compiler's cache (read-only installation)
        return numba.njit(nogil=True)(function)


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
    return np.asarray(found if len(found) <= bins - 2 else found[np.linspace(0, len(found) - 1, bins - 2).astype(np.intp)])


def cut_features(x: FloatArray, bins: int) -> tuple[BinArray, FloatArray, Int32Array]:
    """Return features (n, p) as bins, with the edges of all features and where each one's start."""
    edges = [edges_of(x[:, j], bins) for j in range(x.shape[1])]
    start = np.cumsum([0, *(len(e) for e in edges)]).astype(np.int32)
    flat = np.concatenate(edges) if edges else np.empty(0)
    out = np.empty(x.shape, dtype=np.uint8)
    binned(x, flat, start, out)
    return out, flat, start


@compiled
def binned(x: FloatArray, edges: FloatArray, start: Int32Array, out: BinArray) -> None:
    """Fill `out` (n, p) with bins: 0 for missing, else 1 + the number of the feature's edges below the value."""
    n, p = x.shape
    for j in range(p):
        first, last = start[j], start[j + 1]
        for i in range(n):
            v = x[i, j]
            if v != v:  # noqa: PLR0124 – missing
                out[i, j] = 0
                continue
            lo, hi = first, last
            while lo < hi:
                mid = (lo + hi) // 2
                if edges[mid] < v:
                    lo = mid + 1
                else:
                    hi = mid
            out[i, j] = 1 + lo - first


@compiled
def _gradients(score: FloatArray, target: BoolArray, grad: FloatArray, hess: FloatArray) -> None:
    for i in range(len(score)):
        p = 1.0 / (1.0 + np.exp(-score[i]))
        grad[i] = p - (1.0 if target[i] else 0.0)
        hess[i] = p * (1.0 - p)


@compiled
def _loss(score: FloatArray, target: BoolArray, rows: Int32Array) -> float:
    total = 0.0
    for i in rows:
        z = score[i] if target[i] else -score[i]
        total += np.log1p(np.exp(-abs(z))) + (0.0 if z > 0 else -z)
    return total / max(len(rows), 1)


@compiled
def _histogram(
    bins: BinArray, grad: FloatArray, hess: FloatArray, rows: Int32Array, features: Int32Array, out: FloatArray
) -> None:
    out[:] = 0.0
    for i in rows:
        g, h = grad[i], hess[i]
        for f in range(len(features)):
            b = bins[i, features[f]]
            out[f, b, 0] += g
            out[f, b, 1] += h
            out[f, b, 2] += 1.0


@compiled
def _best(hist: FloatArray, min_leaf: int, ridge: float) -> tuple[float, int, int]:
    """Return the gain of the best split of a histogram, its feature (place) and the last bin on the left."""
    gain, feature, cut = 1e-6, -1, 0
    for f in range(hist.shape[0]):
        g, h, c = 0.0, 0.0, 0.0
        for b in range(hist.shape[1]):
            g += hist[f, b, 0]
            h += hist[f, b, 1]
            c += hist[f, b, 2]
        whole = g * g / (h + ridge)
        gl, hl, cl = 0.0, 0.0, 0.0
        for b in range(hist.shape[1] - 1):
            if hist[f, b, 2] == 0.0:
                continue
            gl += hist[f, b, 0]
            hl += hist[f, b, 1]
            cl += hist[f, b, 2]
            if c - cl < min_leaf:
                break
            if cl < min_leaf:
                continue
            won = gl * gl / (hl + ridge) + (g - gl) * (g - gl) / (h - hl + ridge) - whole
            if won > gain:
                gain, feature, cut = won, f, b
    return gain, feature, cut


@compiled
def _grow(
    bins: BinArray,
    grad: FloatArray,
    hess: FloatArray,
    rows: Int32Array,
    features: Int32Array,
    hist: FloatArray,
    min_leaf: int,
    ridge: float,
    rate: float,
    feature: npt.NDArray[np.int16],
    cut: BinArray,
    child: Int32Array,
    value: FloatArray,
) -> int:
    """Grow one tree into the node arrays (children are neighbours: `child` and the next); return the nodes used."""
    leaves = hist.shape[0]
    node = np.zeros(leaves, np.int32)
    begin, end = np.zeros(leaves, np.int32), np.zeros(leaves, np.int32)
    gain, where, last = np.zeros(leaves), np.zeros(leaves, np.int32), np.zeros(leaves, np.int32)
    spare = np.empty(len(rows), np.int32)
    end[0] = len(rows)
    _histogram(bins, grad, hess, rows, features, hist[0])
    gain[0], where[0], last[0] = _best(hist[0], min_leaf, ridge)
    feature[0] = -1
    nodes, used = 1, 1
    while True:
        pick = -1
        for k in range(used):
            if where[k] >= 0 and (pick < 0 or gain[k] > gain[pick]):
                pick = k
        if pick < 0 or used == leaves:
            break
        f, b = features[where[pick]], last[pick]
        at, high = begin[pick], 0
        for i in rows[begin[pick] : end[pick]]:
            if bins[i, f] <= b:
                rows[at] = i
                at += 1
            else:
                spare[high] = i
                high += 1
        rows[at : end[pick]] = spare[:high]
        parent = node[pick]
        feature[parent], cut[parent], child[parent] = f, b, nodes
        feature[nodes], feature[nodes + 1] = -1, -1
        fresh = used
        begin[fresh], end[fresh], end[pick] = at, end[pick], at
        node[pick], node[fresh] = nodes, nodes + 1
        nodes, used = nodes + 2, used + 1
        small, large = (pick, fresh) if end[pick] - begin[pick] <= end[fresh] - begin[fresh] else (fresh, pick)
        if large == fresh:
            hist[fresh] = hist[pick]
        _histogram(bins, grad, hess, rows[begin[small] : end[small]], features, hist[small])
        hist[large] -= hist[small]
        for k in (pick, fresh):
            gain[k], where[k], last[k] = _best(hist[k], min_leaf, ridge)
    for k in range(used):
        g, h = 0.0, 0.0
        for i in rows[begin[k] : end[k]]:
            g += grad[i]
            h += hess[i]
        value[node[k]] = -rate * g / (h + ridge)
    return nodes


@compiled
def score_bins(
    bins: BinArray,
    feature: npt.NDArray[np.int16],
    cut: BinArray,
    child: Int32Array,
    value: FloatArray,
    roots: Int32Array,
    out: FloatArray,
) -> None:
    """Add to `out` (n,) what the trees at `roots` say of each row of bins (n, p)."""
    for i in range(len(bins)):
        total = 0.0
        for root in roots:
            k = root
            while feature[k] >= 0:
                k = child[k] if bins[i, feature[k]] <= cut[k] else child[k] + 1
            total += value[k]
        out[i] += total


@compiled
def _revalue(
    bins: BinArray,
    grad: FloatArray,
    hess: FloatArray,
    rows: Int32Array,
    ridge: float,
    rate: float,
    feature: npt.NDArray[np.int16],
    cut: BinArray,
    child: Int32Array,
    value: FloatArray,
) -> None:
    """Replace the values of one tree's leaves by what these rows say."""
    g, h = np.zeros(len(value)), np.zeros(len(value))
    for i in rows:
        k = 0
        while feature[k] >= 0:
            k = child[k] if bins[i, feature[k]] <= cut[k] else child[k] + 1
        g[k] += grad[i]
        h[k] += hess[i]
    for k in range(len(value)):
        value[k] = -rate * g[k] / (h[k] + ridge)


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
        bins, flat, start = cut_features(x, settings.bins)
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
        """Return log-odds, shape (n,). Cost O(n · trees · depth)."""
        bins = np.empty(x.shape, dtype=np.uint8)
        binned(np.ascontiguousarray(x), self.edges, self.start, bins)
        return self.log_odds_bins(bins) + offset

    def log_odds_bins(self, bins: BinArray) -> FloatArray:
        """Return log-odds for features that are already cut, shape (n,)."""
        out = np.full(len(bins), self.base)
        score_bins(bins, self.feature, self.cut, self.child, self.value, self.roots, out)
        return out

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
    loss = _loss(score, target, test) if len(test) else np.nan
    if not p or len(train) < 2 * settings.min_leaf or target[train].all() or not target[train].any():
        return [], float(loss)
    grad, hess = np.empty(len(bins)), np.empty(len(bins))
    some = max(1, min(p, int(np.ceil(settings.features * p))))
    hist = np.empty((settings.leaves, some, settings.bins, 3))
    room = 2 * settings.leaves
    root = np.zeros(1, np.int32)
    trees: list[Tree] = []
    best, kept = loss, 0
    for _ in range(settings.rounds):
        _gradients(score, target, grad, hess)
        seen = rng.random(len(train), dtype=np.float32) < settings.rows
        rows = train[seen]
        features = np.sort(rng.permutation(p)[:some]).astype(np.int32)
        tree = (np.empty(room, np.int16), np.zeros(room, np.uint8), np.zeros(room, np.int32), np.zeros(room))
        n = _grow(
            bins, grad, hess, rows.copy(), features, hist, settings.min_leaf, settings.ridge, settings.rate, *tree
        )
        tree = (tree[0][:n], tree[1][:n], tree[2][:n], tree[3][:n])
        if settings.honest and settings.rows < 1:
            _revalue(bins, grad, hess, train[~seen], settings.ridge, settings.rate, *tree)
        score_bins(bins, *tree, root, score)
        trees.append(tree)
        if not len(test):
            kept = len(trees)
            continue
        loss = _loss(score, target, test)
        if loss < best - 1e-7:
            best, kept = loss, len(trees)
        elif len(trees) - kept >= settings.patience:
            break
    return trees[:kept], float(best)
