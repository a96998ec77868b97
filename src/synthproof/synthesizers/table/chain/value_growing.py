"""Growing one boosted tree on binned features, compiled: gradients, histograms, the best split, leaves' values.

`value_boosting` cuts the features and decides which trees are grown and when that ends.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
BinArray = npt.NDArray[np.uint8]
Int32Array = npt.NDArray[np.int32]


def compiled(function: Any) -> Any:
    """Return a function compiled by numba, kept on disk where that is possible."""
    try:
        return numba.njit(nogil=True, cache=True)(function)
    except RuntimeError:  # no writable place for the compiler's cache (read-only installation)
        return numba.njit(nogil=True)(function)


@compiled
def gradients(score: FloatArray, target: BoolArray, grad: FloatArray, hess: FloatArray) -> None:
    """Fill `grad` and `hess` (n,) with the logistic loss's derivatives at the log-odds `score`."""
    for i in range(len(score)):
        p = 1.0 / (1.0 + np.exp(-score[i]))
        grad[i] = p - (1.0 if target[i] else 0.0)
        hess[i] = p * (1.0 - p)


@compiled
def loss_of(score: FloatArray, target: BoolArray, rows: Int32Array) -> float:
    """Return the mean logistic loss of these rows, nats."""
    total = 0.0
    for i in rows:
        z = score[i] if target[i] else -score[i]
        total += np.log1p(np.exp(-abs(z))) + (0.0 if z > 0 else -z)
    return total / max(len(rows), 1)


@compiled
def histogram(
    bins: BinArray, grad: FloatArray, hess: FloatArray, rows: Int32Array, features: Int32Array, out: FloatArray
) -> None:
    """Fill `out` (features, bins, 3) with sums of `grad`, of `hess` and the count of rows."""
    out[:] = 0.0
    for i in rows:
        g, h = grad[i], hess[i]
        for f in range(len(features)):
            b = bins[i, features[f]]
            out[f, b, 0] += g
            out[f, b, 1] += h
            out[f, b, 2] += 1.0


@compiled
def best(hist: FloatArray, min_leaf: int, ridge: float) -> tuple[float, int, int]:
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
def grow(
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
    histogram(bins, grad, hess, rows, features, hist[0])
    gain[0], where[0], last[0] = best(hist[0], min_leaf, ridge)
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
        histogram(bins, grad, hess, rows[begin[small] : end[small]], features, hist[small])
        hist[large] -= hist[small]
        for k in (pick, fresh):
            gain[k], where[k], last[k] = best(hist[k], min_leaf, ridge)
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
def revalue(
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
