"""Growing one boosted tree on binned features, compiled: gradients, histograms, the best split, leaves' values.

`value_boosting` cuts the features and decides which trees are grown and when that ends.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from synthproof.engines.compiled import compiled

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
BinArray = npt.NDArray[np.uint8]
Int32Array = npt.NDArray[np.int32]
Int64Array = npt.NDArray[np.int64]

_LOWER = 0xFFFFFFFF


@compiled()
def gradients(
    score: FloatArray, target: BoolArray, scale: float, grad: FloatArray, hess: FloatArray, packed: Int64Array
) -> None:
    """Fill `grad` and `hess` (n,) with the logistic loss's derivatives at the log-odds `score`, and `packed` with both.

    A packed number holds a whole number of ``1 / scale`` of the first derivative in its higher and of the second in its
    lower 32 bits, so that one addition sums both.
    """
    for i in range(len(score)):
        p = 1.0 / (1.0 + np.exp(-score[i]))
        g, h = p - (1.0 if target[i] else 0.0), p * (1.0 - p)
        grad[i], hess[i] = g, h
        packed[i] = (np.int64(np.floor(g * scale + 0.5)) << 32) + np.int64(h * scale + 0.5)


@compiled()
def loss_of(score: FloatArray, target: BoolArray, rows: Int32Array) -> float:
    """Return the mean logistic loss of these rows, nats."""
    total = 0.0
    for i in rows:
        z = score[i] if target[i] else -score[i]
        total += np.log1p(np.exp(-abs(z))) + (0.0 if z > 0 else -z)
    return total / max(len(rows), 1)


@compiled()
def histogram(bins: BinArray, packed: Int64Array, rows: Int32Array, features: Int32Array, out: Int64Array) -> None:
    """Fill `out` (features, bins) with sums of `packed` gradients."""
    out[:] = 0
    for i in rows:
        g = packed[i]
        for f in range(len(features)):
            out[f, bins[i, features[f]]] += g


@compiled()
def best(hist: Int64Array, count: int, scale: float, min_leaf: int, ridge: float) -> tuple[float, int, int]:
    """Return the gain of the best split of a histogram, its feature (place) and the last bin on the left.

    Rows are counted by their share of the second derivative: exactly where all are equally uncertain.
    """
    gain, feature, cut = 1e-6, -1, 0
    one = 1.0 / scale
    whole = np.int64(0)
    for b in range(hist.shape[1]):
        whole += hist[0, b]
    g, h = float(whole >> 32) * one, float(whole & _LOWER) * one
    if h <= 0.0:
        return gain, feature, cut
    least = min_leaf * h / count
    before = g * g / (h + ridge)
    for f in range(hist.shape[0]):
        low = np.int64(0)
        for b in range(hist.shape[1] - 1):
            if hist[f, b] == 0:
                continue
            low += hist[f, b]
            gl, hl = float(low >> 32) * one, float(low & _LOWER) * one
            if h - hl < least:
                break
            if hl < least:
                continue
            won = gl * gl / (hl + ridge) + (g - gl) * (g - gl) / (h - hl + ridge) - before
            if won > gain:
                gain, feature, cut = won, f, b
    return gain, feature, cut


@compiled()
def grow(
    bins: BinArray,
    packed: Int64Array,
    scale: float,
    rows: Int32Array,
    features: Int32Array,
    hist: Int64Array,
    min_leaf: int,
    ridge: float,
    feature: npt.NDArray[np.int16],
    cut: BinArray,
    child: Int32Array,
    leaf: Int32Array,
) -> int:
    """Grow one tree into the node arrays (children are neighbours: `child` and the next); return the nodes used.

    The leaf that each of the `rows` is in goes into `leaf`; `rows` end up sorted by leaf.
    """
    leaves = hist.shape[0]
    node = np.zeros(leaves, np.int32)
    begin, end = np.zeros(leaves, np.int32), np.zeros(leaves, np.int32)
    gain, where, last = np.zeros(leaves), np.zeros(leaves, np.int32), np.zeros(leaves, np.int32)
    spare = np.empty(len(rows), np.int32)
    end[0] = len(rows)
    histogram(bins, packed, rows, features, hist[0])
    gain[0], where[0], last[0] = best(hist[0], len(rows), scale, min_leaf, ridge)
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
            right = int(bins[i, f] > b)
            rows[at] = i  # both are written, one is kept: no branch to guess
            spare[high] = i
            at += 1 - right
            high += right
        rows[at : end[pick]] = spare[:high]
        parent = node[pick]
        feature[parent], cut[parent], child[parent] = f, b, nodes
        feature[nodes], feature[nodes + 1] = -1, -1
        fresh = used
        begin[fresh], end[fresh], end[pick] = at, end[pick], at
        node[pick], node[fresh] = nodes, nodes + 1
        nodes, used = nodes + 2, used + 1
        if used == leaves:
            break
        small, large = (pick, fresh) if end[pick] - begin[pick] <= end[fresh] - begin[fresh] else (fresh, pick)
        if large == fresh:
            hist[fresh] = hist[pick]
        histogram(bins, packed, rows[begin[small] : end[small]], features, hist[small])
        hist[large] -= hist[small]
        for k in (pick, fresh):
            gain[k], where[k], last[k] = best(hist[k], max(end[k] - begin[k], 1), scale, min_leaf, ridge)
    for k in range(used):
        for i in rows[begin[k] : end[k]]:
            leaf[i] = node[k]
    return nodes


@compiled()
def find_leaves(
    bins: BinArray,
    rows: Int32Array,
    feature: npt.NDArray[np.int16],
    cut: BinArray,
    child: Int32Array,
    leaf: Int32Array,
) -> None:
    """Fill `leaf` with the node of one tree where each of the `rows` ends."""
    # A leaf leads to itself, so that every row takes the same number of steps: no branch to guess.
    deep, depth = np.zeros(len(feature), np.int32), 0
    ask, most, to = (
        np.zeros(len(feature), np.int32),
        np.full(len(feature), 255, np.uint8),
        np.empty(len(feature), np.int32),
    )
    for k in range(len(feature)):
        to[k] = k
        if feature[k] >= 0:
            ask[k], most[k], to[k] = feature[k], cut[k], child[k]
            deep[child[k]], deep[child[k] + 1] = deep[k] + 1, deep[k] + 1
            depth = max(depth, deep[k] + 1)
    for i in rows:
        k = 0
        for _ in range(depth):
            k = int(to[k]) + int(bins[i, ask[k]] > most[k])
        leaf[i] = k


@compiled()
def leaf_values(
    grad: FloatArray, hess: FloatArray, rows: Int32Array, leaf: Int32Array, ridge: float, rate: float, value: FloatArray
) -> None:
    """Fill `value` (nodes,) with what these rows say of the leaves they are in."""
    g, h = np.zeros(len(value)), np.zeros(len(value))
    for i in rows:
        g[leaf[i]] += grad[i]
        h[leaf[i]] += hess[i]
    for k in range(len(value)):
        value[k] = -rate * g[k] / (h[k] + ridge)
