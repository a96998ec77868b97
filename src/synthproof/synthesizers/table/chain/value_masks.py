"""All trees of a forest answered at once: each tree as a set of leaves that are still possible.

A leaf is one bit. What a feature's bin says of a tree is the set of leaves that it does not rule out, and a row's leaf is
the lowest bit left after the sets of all features were intersected (QuickScorer, Lucchese et al. 2015,
doi:10.1145/2766462.2767733). There is no branch to guess and the same few instructions serve many trees, and what is
known of a row that stays as it is (its earlier columns, a node of a walk) is intersected once and kept.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from synthproof.engines.compiled import compiled
from synthproof.synthesizers.table.chain.value_growing import BinArray, FloatArray, Int32Array

MOST_LEAVES = 32

SetArray = npt.NDArray[np.uint32]
Float32Array = npt.NDArray[np.float32]
Trees = tuple[Int32Array, npt.NDArray[np.int16], BinArray, Int32Array, FloatArray, Int32Array]
Masks = tuple[Int32Array, Int32Array, SetArray, Float32Array]

_LANES = 8
_ALL = 0xFFFFFFFF
_DE_BRUIJN = 0x077CB531  # times a single bit: its five highest bits differ for all 32 of them


@compiled()
def _place(possible: np.uint32) -> np.uint32:
    """Return a number below 32 that tells which is the lowest bit. Unsigned throughout: that compiles to most speed."""
    lowest = np.uint32(possible & np.uint32(-np.int64(possible)))
    return np.uint32(np.uint32(lowest * np.uint32(_DE_BRUIJN)) >> np.uint32(27))


@compiled()
def masks_of(trees: Trees) -> Masks:
    """Return a forest of trees with at most 32 leaves as sets of leaves.

    Parameters
    ----------
    trees
        ``(start, feature, cut, child, value, roots)`` of `value_boosting.Boosted`.

    Returns
    -------
    asked
        Features that any tree asks, ascending.
    first
        Shape (p,): row of `sets` that holds a feature's bin 0.
    sets
        Shape (bins of all features, trees): the leaves that a bin leaves possible; trees filled up to a multiple of 8.
    leaf
        Shape (32 · trees,): a leaf's value, at the place among its tree's 32 that `_place` finds by its bit.

    Notes
    -----
    Cost O(nodes · bins).
    """
    start, feature, cut, child, value, roots = trees
    p, count = len(start) - 1, len(roots)
    first = np.zeros(p, np.int32)
    used = np.zeros(p, np.bool_)
    for k in range(len(feature)):
        if feature[k] >= 0:
            used[feature[k]] = True
    rows = 0
    for j in range(p):
        first[j] = rows
        if used[j]:
            rows += start[j + 1] - start[j] + 2
    wide = -(-count // _LANES) * _LANES
    sets = np.full((rows, wide), np.uint32(_ALL))
    leaf = np.zeros(wide * MOST_LEAVES, np.float32)
    stack = np.empty(2 * MOST_LEAVES, np.int32)
    below = np.empty(len(feature), np.int32)
    for t in range(count):
        last = roots[t + 1] if t + 1 < count else len(feature)
        for k in range(last - 1, roots[t] - 1, -1):  # children come after their parents
            below[k] = 1 if feature[k] < 0 else below[child[k]] + below[child[k] + 1]
        # `stack` holds pairs: a node, and the number of leaves to the left of its own.
        stack[0], stack[1], deep = roots[t], 0, 2
        while deep:
            deep -= 2
            k, left = stack[deep], stack[deep + 1]
            if feature[k] < 0:
                leaf[t * MOST_LEAVES + _place(np.uint32(1 << left))] = value[k]
                continue
            j, after = feature[k], left + below[child[k]]
            keep = np.uint32(_ALL ^ ((1 << after) - (1 << left)))
            for b in range(first[j] + cut[k] + 1, first[j] + start[j + 1] - start[j] + 2):
                sets[b, t] &= keep
            stack[deep], stack[deep + 1] = child[k], left
            stack[deep + 2], stack[deep + 3] = child[k] + 1, after
            deep += 4
    return np.flatnonzero(used).astype(np.int32), first, sets, leaf


@compiled()
def narrow(possible: SetArray, given: SetArray) -> None:
    """Intersect each tree's possible leaves with given ones."""
    for t in range(len(possible)):
        possible[t] &= given[t]


@compiled()
def total(possible: SetArray, leaf: Float32Array) -> float:
    """Return the sum over trees of the values of their lowest possible leaves; `possible` is used up."""
    for t in range(len(possible)):  # a pass of its own, which serves several trees in one instruction
        possible[t] = _place(possible[t])
    a, b, c, d = 0.0, 0.0, 0.0, 0.0
    one, two, three, room = np.uint64(1), np.uint64(2), np.uint64(3), np.uint64(MOST_LEAVES)
    for k in range(len(possible) // 4):  # four sums, so that none has to wait for the one before
        at = np.uint64(4 * k)
        a += leaf[at * room + np.uint64(possible[at])]
        b += leaf[(at + one) * room + np.uint64(possible[at + one])]
        c += leaf[(at + two) * room + np.uint64(possible[at + two])]
        d += leaf[(at + three) * room + np.uint64(possible[at + three])]
    return (a + b) + (c + d)


@compiled()
def add_scores(bins: BinArray, masks: Masks, out: FloatArray) -> None:
    """Add to `out` (n,) what the forest says of each row of bins (n, p)."""
    asked, first, sets, leaf = masks
    possible = np.empty(sets.shape[1], np.uint32)
    for i in range(len(bins)):
        possible[:] = np.uint32(_ALL)
        for j in asked:
            narrow(possible, sets[first[j] + bins[i, j]])
        out[i] += total(possible, leaf)
