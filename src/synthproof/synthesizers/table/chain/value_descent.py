"""The walk down a column's tree of cells, where boosted trees give the chance of each turn; compiled.

The features of a turn are, in this order: the row's earlier columns (binned beforehand), the share of the column's rows
before the node's split, the share within the node, and for each reference how far to the right of the split it lies on
the column's own scale of ranks. Trees are answered as sets of leaves (`value_masks`): what a row's earlier columns and
what a node leave possible is found once for each, so that a turn only asks about the references.
"""

from __future__ import annotations

import numpy as np

from synthproof.engines.compiled import compiled
from synthproof.synthesizers.table.chain.value_boosting import bin_of
from synthproof.synthesizers.table.chain.value_growing import BinArray, FloatArray, Int32Array
from synthproof.synthesizers.table.chain.value_masks import Masks, SetArray, narrow, total

Forest = tuple[FloatArray, Int32Array, Masks]
Walk = tuple[FloatArray, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array]
Turns = tuple[SetArray, FloatArray, FloatArray]


@compiled()
def _turns(raw: int, walk: Walk, forest: Forest) -> Turns:
    """Return for each node the leaves that it leaves possible, its middle, and the log-odds of turning right there."""
    share, split, _, _, begin, end = walk
    edges, start, (asked, first, sets, _) = forest
    possible = np.full((len(split), sets.shape[1]), np.uint32(0xFFFFFFFF))
    middle, odds = np.empty(len(split)), np.empty(len(split))
    for node in range(len(split)):
        low, mid, high = share[begin[node]], share[split[node]], share[end[node]]
        for j in asked:
            if j == raw or j == raw + 1:
                v = mid if j == raw else high - low
                narrow(possible[node], sets[first[j] + bin_of(v, edges, start[j], start[j + 1])])
        middle[node], odds[node] = mid, np.log((high - mid) / (mid - low))
    return possible, middle, odds


@compiled()
def _of_row(row: BinArray, forest: Forest, known: SetArray) -> None:
    """Fill `known` with the leaves that a row's earlier columns leave possible."""
    asked, first, sets, _ = forest[2]
    known[:] = np.uint32(0xFFFFFFFF)
    for j in asked:
        if j < len(row):
            narrow(known, sets[first[j] + row[j]])


@compiled()
def _right(
    node: int, raw: int, known: SetArray, places: FloatArray, turns: Turns, forest: Forest, possible: SetArray
) -> float:
    """Return the chance that a row of which `known` is left turns right at a node; `possible` is room to work in."""
    at_node, middle, odds = turns
    edges, start, (asked, first, sets, leaf) = forest
    here = at_node[node]
    for t in range(len(possible)):
        possible[t] = known[t] & here[t]
    for j in asked:
        if j > raw + 1:
            narrow(possible, sets[first[j] + bin_of(places[j - raw - 2] - middle[node], edges, start[j], start[j + 1])])
    return float(1.0 / (1.0 + np.exp(-odds[node] - total(possible, leaf))))


@compiled()
def descend(
    u: FloatArray, raw: BinArray, places: FloatArray, walk: Walk, forest: Forest, cell: Int32Array, rest: FloatArray
) -> None:
    """Fill `cell` (n,) with the cell that each row's uniform leads to, and `rest` with the uniform that is left over.

    Parameters
    ----------
    u
        Uniforms, shape (n,): small ones lead to the left.
    raw
        Bins of earlier columns, shape (n, p).
    places
        Ranks of the references, shape (n, k).
    """
    p, turns = raw.shape[1], _turns(raw.shape[1], walk, forest)
    known, possible = np.empty((2, turns[0].shape[1]), np.uint32)
    for i in range(len(u)):
        _of_row(raw[i], forest, known)
        node, left = 0, u[i]
        while node >= 0:
            go = _right(node, p, known, places[i], turns, forest, possible)
            if left >= 1.0 - go:
                left = (left - (1.0 - go)) / max(go, 1e-300)
                node = walk[3][node]
            else:
                left = left / max(1.0 - go, 1e-300)
                node = walk[2][node]
        cell[i] = -1 - node
        rest[i] = min(max(left, 0.0), 1.0)


@compiled()
def reach(
    cell: Int32Array, raw: BinArray, places: FloatArray, walk: Walk, forest: Forest, below: FloatArray, mass: FloatArray
) -> None:
    """Fill `below` and `mass` (n,) with the chances of ending in a cell left of the row's given one, and in it."""
    p, turns = raw.shape[1], _turns(raw.shape[1], walk, forest)
    known, possible = np.empty((2, turns[0].shape[1]), np.uint32)
    for i in range(len(cell)):
        _of_row(raw[i], forest, known)
        node, before, here = 0, 0.0, 1.0
        while node >= 0:
            go = _right(node, p, known, places[i], turns, forest, possible)
            if cell[i] >= walk[1][node]:
                before += here * (1.0 - go)
                here *= go
                node = walk[3][node]
            else:
                here *= 1.0 - go
                node = walk[2][node]
        below[i] = before
        mass[i] = here
