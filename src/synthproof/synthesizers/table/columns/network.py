"""A Bayesian network of codes at work: rows drawn from it, and rows that meet conditions by foresight.

The tree of first parents tells every node beforehand how likely the conditions further on become (exact belief
propagation, Pearl 1988); rows are drawn by that foresight and weighted by where the network differs from the tree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from synthproof.core.random import BLOCK, stream
from synthproof.synthesizers.table.columns.backoff import Level, Node, View, Weighed
from synthproof.synthesizers.table.columns.bins import Bins
from synthproof.synthesizers.table.columns.conditions import Condition, impossible
from synthproof.synthesizers.table.columns.pieces import Pieces
from synthproof.synthesizers.table.columns.pools import LEAST_EFFECTIVE, WIDEST, effective_share, pool_blocks, resample

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Place:
    """What a node stands for: a column's bin, or the group of bins that is drawn before it."""

    column: str
    group: bool


@dataclass(frozen=True, slots=True)
class Net:
    """The learned network; nodes come after their parents."""

    columns: Mapping[str, Bins]
    places: tuple[Place, ...]
    nodes: tuple[Node, ...]
    rows: int

    def of(self, column: str) -> list[int]:
        """Return the numbers of a column's nodes: its bin, or its group and then its bin."""
        return [k for k, place in enumerate(self.places) if place.column == column]

    def values(
        self, rows: Mapping[int, IntArray], draws: Mapping[str, FloatArray], left: Mapping[str, Pieces] | None = None
    ) -> dict[str, FloatArray]:
        """Return the columns' numbers and codes from their bins and two uniforms a row."""
        out = {}
        for name, bins in self.columns.items():
            u = draws[name]
            out[name] = bins.value(rows[self.of(name)[-1]], u[:, 0], u[:, 1], (left or {}).get(name))
        return out


def plain_chunk(net: Net, seed: int, chunk: tuple[int, int]) -> dict[str, FloatArray]:
    """Return some whole blocks of rows; row i of block b depends on (seed, b, i) alone."""
    first, count = chunk
    rows: dict[int, IntArray] = {}
    for k, node in enumerate(net.nodes):
        u = np.concatenate([stream(seed, f"bayes/{k}", first + b).random(BLOCK) for b in range(count)])
        rows[k] = node.draw(node.contexts(rows, len(u)), u, node.weighed())
    return net.values(rows, _uniforms(net, seed, range(first, first + count)))


def _uniforms(net: Net, seed: int, blocks: range) -> dict[str, FloatArray]:
    return {
        name: np.concatenate([stream(seed, f"bayes/value/{name}", b).random((BLOCK, 2)) for b in blocks])
        for name in net.columns
    }


@dataclass(frozen=True, slots=True)
class Foresight:
    """The network under conditions: how each node is drawn, and what each draw weighs.

    Parameters
    ----------
    weighed
        By node, for those that conditions bear on: its counts weighed by how likely each code leaves the conditions.
    message
        By node: the same, averaged for each value of its tree parent as it sees it.
    """

    net: Net
    asked: tuple[str, ...]
    left: Mapping[str, Pieces]
    weighed: Mapping[int, Weighed] = field(default_factory=dict)
    message: Mapping[int, FloatArray] = field(default_factory=dict)

    @classmethod
    def of(cls, net: Net, asked: Mapping[str, Condition]) -> Self:
        """Return the foresight for some conditions: messages go from the last node to the first.

        Raises
        ------
        ConditionError
            Already the tree leaves the conditions no probability.
        """
        left: dict[str, Pieces] = {}
        weight: dict[int, FloatArray] = {}
        for name, condition in asked.items():
            share, left[name] = net.columns[name].allowed(condition)
            weight[net.of(name)[-1]] = share
        weighed: dict[int, Weighed] = {}
        message: dict[int, FloatArray] = {}
        for k in range(len(net.nodes) - 1, -1, -1):
            if k not in weight:
                continue
            node = net.nodes[k]
            weighed[k] = node.weighed(weight[k])
            view, message[k] = _message(node, weighed[k])
            if not message[k].any():
                raise impossible(net.places[k].column, 0.0, tuple(asked))
            if view is not None:
                before = weight.get(view.node, np.ones(len(view.table)))
                weight[view.node] = before * message[k][view.table]
        return cls(net, tuple(asked), left, weighed, message)

    def block(self, seed: int, pool: int, block: int) -> dict[str, FloatArray]:
        """Return one block of rows that meet the conditions."""
        rows, weight, _, _ = self._filter(pool * BLOCK, seed, block, "pool")
        kept = resample(weight, len(weight), stream(seed, "bayes/pool/last", block))[:BLOCK]
        rows = {k: codes[kept] for k, codes in rows.items()}
        for k in range(len(rows), len(self.net.nodes)):
            node = self.net.nodes[k]
            u = stream(seed, f"bayes/{k}", block).random(BLOCK)
            rows[k] = node.draw(node.contexts(rows, BLOCK), u, node.weighed())
        return self.net.values(rows, _uniforms(self.net, seed, range(block, block + 1)), self.left)

    def pool(self) -> int:
        """Return how many blocks of partial rows make one block of drawn rows, from a pilot; or refuse."""
        # The pilot is the same for every seed: whether a condition is refused must not be a matter of luck.
        for size in (1, WIDEST):
            _, _, probability, effective = self._filter(size * BLOCK, 0, 0, "pilot")
            if effective * size * BLOCK >= LEAST_EFFECTIVE:
                return pool_blocks(effective)
        raise impossible(self.asked[-1], probability, self.asked)

    def _filter(
        self, size: int, seed: int, block: int, purpose: str
    ) -> tuple[dict[int, IntArray], FloatArray, float, float]:
        """Draw partial rows up to the last node that conditions bear on.

        A guided sequential Monte Carlo filter (Pitt & Shephard 1999, doi:10.1080/01621459.1999.10474153), resampled
        whenever half of the pool is worth nothing. Returns rows, weights, the conditions' probability and the share of
        the pool that is effective.
        """
        rows: dict[int, IntArray] = {}
        weight = np.ones(size)
        probability, effective = 1.0, 1.0
        for k in range(max(self.weighed) + 1):
            node = self.net.nodes[k]
            contexts = node.contexts(rows, size)
            u = stream(seed, f"bayes/{purpose}/{k}", block).random(size)
            if k not in self.weighed:
                rows[k] = node.draw(contexts, u, node.weighed())
                continue
            means = node.expected(contexts, self.weighed[k])
            weight = weight * means[-1] / self._foreseen(k, rows)
            if not weight.any():
                return rows, np.ones(size), 0.0, 0.0
            rows[k] = node.draw(contexts, u, self.weighed[k], means)
            share = effective_share(weight)
            if share < 0.5:
                probability, effective = probability * float(weight.mean()), effective * share
                dice = stream(seed, f"bayes/{purpose}/{k}/resample", block)
                kept = resample(weight, size, dice)
                rows, weight = {j: codes[kept] for j, codes in rows.items()}, np.ones(size)
        return rows, weight, probability * float(weight.mean()), effective * effective_share(weight)

    def _foreseen(self, k: int, rows: Mapping[int, IntArray]) -> FloatArray:
        """Return the weight that node k's tree parent was drawn with on its account."""
        view = _tree_parent(self.net.nodes[k])
        if view is None:
            return np.ones(1)
        return self.message[k][view.table[rows[view.node]]]


def _tree_parent(node: Node) -> View | None:
    """Return a node's parent in the tree: its own group, else its first parent."""
    return next((level.view for level in node.levels if level.view is not None), None)


def _message(node: Node, weighed: Weighed) -> tuple[View | None, FloatArray]:
    """Return a node's tree parent and the mean weight of its codes for each value the parent is seen to have."""
    view = _tree_parent(node)
    if view is None:
        return None, weighed.mass[0] / weighed.total[0]
    seen = View(view.node, np.arange(view.size, dtype=np.intp))
    values = {view.node: np.arange(view.size, dtype=np.intp)}
    depth = 1 if node.levels[0].view is not None else 2
    short = Node(node.codes, tuple(_through(level, seen) for level in node.levels[:depth]))
    return view, short.expected(short.contexts(values, view.size), weighed)[-1]


def _through(level: Level, seen: View) -> Level:
    return level if level.view is None else replace(level, view=seen)


__all__ = ["Foresight", "Net", "Place", "plain_chunk"]
