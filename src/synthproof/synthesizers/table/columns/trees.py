"""Decision trees as plain arrays: grown by scikit-learn on a bootstrap, cut back by the rows left out of it.

A tree that is grown until its leaves are small follows noise: where a column does not depend on the ones before it,
its leaves are still narrow selections of persons. Every grown tree is therefore pruned bottom-up by the rows that its
bootstrap left out (about 37 %): a split stays only where it lowers *their* loss (reduced error pruning, Quinlan 1987,
doi:10.1016/S0020-7373(87)80053-6). An independent column ends as a single leaf, and nobody's neighbourhood is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from synthproof.core.random import derive, stream

FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.intp]

_PRIOR = 1.0  # weight of the root's class shares in a node's, so that no left-out row costs infinity


@dataclass(frozen=True, slots=True)
class Tree:
    """A fitted tree.

    Parameters
    ----------
    feature
        Shape (nodes,): column asked at a node, -1 at a leaf.
    threshold
        Go left where the value is at most this.
    left, right
        Children; at a leaf, ``left`` is the leaf's number.
    """

    feature: npt.NDArray[np.int32]
    threshold: Float32Array
    left: npt.NDArray[np.int32]
    right: npt.NDArray[np.int32]

    @property
    def leaves(self) -> int:
        """Number of leaves."""
        return int((self.feature < 0).sum())

    def apply(self, x: Float32Array) -> IntArray:
        """Return the number of the leaf that each row falls into. Cost O(rows · depth)."""
        node = np.zeros(len(x), dtype=np.int32)
        rows = np.arange(len(x)) if self.feature[0] >= 0 else np.empty(0, dtype=np.intp)
        while len(rows):
            at = node[rows]
            goes_left = x[rows, self.feature[at]] <= self.threshold[at]
            at = np.where(goes_left, self.left[at], self.right[at])
            node[rows] = at
            rows = rows[self.feature[at] >= 0]
        return self.left[node].astype(np.intp)

    def get_state(self) -> dict[str, Any]:
        """Return plain arrays."""
        return {"feature": self.feature, "threshold": self.threshold, "left": self.left, "right": self.right}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Take back what `get_state` returned."""
        return cls(state["feature"], state["threshold"], state["left"], state["right"])


def grow(
    x: Float32Array,
    y: npt.NDArray[Any],
    *,
    min_leaf: int,
    features: float,
    seed: int,
    purpose: str,
    slack: float,
) -> Tree:
    """Return a tree grown on a bootstrap and pruned by the rows outside it.

    Parameters
    ----------
    x
        Features, shape (n, d), no NaN.
    y
        Class codes, shape (n,); or the targets of a regression, shape (n, k).
    min_leaf
        Different rows that a leaf must hold.
    features
        Share of the features that a split may choose from.
    slack
        How much of a leaf's own estimation noise is forgiven when its split is weighed, 0 to 1: a row takes one of
        several trees, so their noise averages out in part. 0 keeps only splits that pay for themselves.
    seed, purpose
        Address of the bootstrap and of the tree's own choices.
    """
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    n, d = x.shape
    classes = y.ndim == 1
    weight = np.bincount(stream(seed, f"{purpose}/bag").integers(0, n, n), minlength=n)
    inside = np.flatnonzero(weight)
    kind = DecisionTreeClassifier if classes else DecisionTreeRegressor
    extra = {"criterion": "entropy"} if classes else {}
    model = kind(
        min_samples_leaf=min_leaf,
        max_features=max(1, int(np.ceil(features * d))),
        random_state=derive(seed, f"{purpose}/tree") % (2**31),
        **extra,
    )
    model.fit(x[inside], y[inside], sample_weight=weight[inside].astype(np.float64))
    grown = model.tree_
    keep = np.ones(grown.node_count, dtype=np.bool_)
    outside = np.flatnonzero(weight == 0)
    if len(outside) and grown.node_count > 1:
        if classes:  # a level that the bootstrap missed says nothing about splits
            outside = outside[np.isin(y[outside], model.classes_)]
        keep = _worth(grown, model, x[outside], y[outside], slack)
    return _arrays(grown, keep)


def _worth(grown: Any, model: Any, x: Float32Array, y: npt.NDArray[Any], slack: float) -> npt.NDArray[np.bool_]:
    """Return for each node whether its split (if it has one) is kept."""
    nodes = grown.node_count
    leaf = grown.apply(x)
    left, right = grown.children_left, grown.children_right
    upward = range(nodes - 1, -1, -1)  # scikit-learn numbers a parent before its children
    classes = y.ndim == 1
    if classes:
        known = len(model.classes_)
        cells = np.bincount(leaf * known + np.searchsorted(model.classes_, y), minlength=nodes * known)
        sums = cells.reshape(nodes, known).astype(np.float64)
    else:
        sums = np.zeros((nodes, 2 + y.shape[1]))
        sums[:, 0] = np.bincount(leaf, minlength=nodes)
        sums[:, 1] = np.bincount(leaf, (y**2).sum(axis=1), minlength=nodes)
        for k in range(y.shape[1]):
            sums[:, 2 + k] = np.bincount(leaf, y[:, k], minlength=nodes)
    for i in upward:
        if left[i] >= 0:
            sums[i] = sums[left[i]] + sums[right[i]]
    own = _class_loss(grown, sums, slack) if classes else _square_loss(grown, sums, slack)
    best, keep = own.copy(), np.ones(nodes, dtype=np.bool_)
    for i in upward:
        if left[i] >= 0:
            below = best[left[i]] + best[right[i]]
            if below < own[i]:
                best[i] = below
            else:
                keep[i] = False
    return keep


def _class_loss(grown: Any, counts: FloatArray, slack: float) -> FloatArray:
    """Return each node's Brier loss on left-out rows, less the part that averaging trees takes away."""
    share = grown.value[:, 0, :]
    size = grown.weighted_n_node_samples[:, None]
    smooth = (share * size + _PRIOR * share[0]) / (size + _PRIOR)
    rows, square = counts.sum(axis=1), (smooth**2).sum(axis=1)
    plain = rows * (1 + square) - 2 * (counts * smooth).sum(axis=1)
    return np.asarray(plain - slack * rows * (1 - square) / size[:, 0])


def _square_loss(grown: Any, sums: FloatArray, slack: float) -> FloatArray:
    """Return each node's squared loss on left-out rows, less the part that averaging trees takes away."""
    mean = grown.value[:, :, 0]
    plain = sums[:, 1] - 2 * (mean * sums[:, 2:]).sum(axis=1) + sums[:, 0] * (mean**2).sum(axis=1)
    noise = slack * sums[:, 0] * grown.impurity * mean.shape[1] / grown.weighted_n_node_samples
    return np.asarray(plain - noise)


def _arrays(grown: Any, keep: npt.NDArray[np.bool_]) -> Tree:
    """Return the kept part of a grown tree, nodes renumbered."""
    left, right = grown.children_left, grown.children_right
    feature, threshold, kids_left, kids_right = [], [], [], []
    number, leaves = {0: 0}, 0
    queue = [0]
    for i in queue:  # the list grows while it is read: breadth first
        split = left[i] >= 0 and keep[i]
        feature.append(int(grown.feature[i]) if split else -1)
        threshold.append(_below(float(grown.threshold[i])) if split else 0.0)
        if split:
            for child in (int(left[i]), int(right[i])):
                number[child] = len(queue)
                queue.append(child)
            kids_left.append(number[int(left[i])])
            kids_right.append(number[int(right[i])])
        else:
            kids_left.append(leaves)
            kids_right.append(-1)
            leaves += 1
    return Tree(
        np.array(feature, dtype=np.int32),
        np.array(threshold, dtype=np.float32),
        np.array(kids_left, dtype=np.int32),
        np.array(kids_right, dtype=np.int32),
    )


def _below(threshold: float) -> float:
    """Return the largest float32 not above the threshold: float32 features compare with it as with the original."""
    single = np.float32(threshold)
    return float(np.nextafter(single, np.float32(-np.inf)) if float(single) > threshold else single)
