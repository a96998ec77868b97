"""The inner loop of `survival.concordance`: pairs counted in a binary indexed tree, compiled on first import."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from synthproof.engines.compiled import compiled


@compiled()
def _sum(tree: npt.NDArray[np.int64], place: int) -> int:
    total = 0
    while place > 0:
        total += tree[place]
        place -= place & -place
    return total


@compiled()
def _add(tree: npt.NDArray[np.int64], place: int, ranks: int) -> None:
    while place <= ranks:
        tree[place] += 1
        place += place & -place


@compiled()
def count_pairs(
    rank: npt.NDArray[np.int64],
    event: npt.NDArray[np.bool_],
    group: npt.NDArray[np.int64],
    ranks: int,
    won: npt.NDArray[np.float64],
    compared: npt.NDArray[np.float64],
) -> None:
    """Add to each record its comparable pairs, and those won (ties in risk half).

    Records stand in order of groups: a record with an event is comparable with every record of a later group.
    """
    n = len(rank)
    tree = np.zeros(ranks + 1, dtype=np.int64)
    start, there = n - 1, 0
    while start >= 0:  # events against later groups, from the last group on
        end = start
        while start >= 0 and group[start] == group[end]:
            start -= 1
        for i in range(start + 1, end + 1):
            if event[i]:
                below, upto = _sum(tree, rank[i]), _sum(tree, rank[i] + 1)
                won[i] += below + 0.5 * (upto - below)
                compared[i] += there
        for i in range(start + 1, end + 1):
            _add(tree, rank[i] + 1, ranks)
            there += 1
    tree[:] = 0
    first, there = 0, 0
    while first < n:  # every record against events of earlier groups
        last = first
        while last < n and group[last] == group[first]:
            last += 1
        for i in range(first, last):
            below, upto = _sum(tree, rank[i]), _sum(tree, rank[i] + 1)
            won[i] += (there - upto) + 0.5 * (upto - below)
            compared[i] += there
        for i in range(first, last):
            if event[i]:
                _add(tree, rank[i] + 1, ranks)
                there += 1
        first = last
