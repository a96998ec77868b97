"""A code given other codes, by counts that back off: where a combination is rare, the shorter one beside it speaks.

The probability of code x in a context of j parents is (Witten-Bell's and the hierarchical Dirichlet process's form, e.g.
Teh 2006, doi:10.3115/1220175.1220299)

    p_j(x) = (N_j(x) + a_j p_{j-1}(x)) / (N_j + a_j),

where N_j counts rows in the context and p_{j-1} leaves out the last parent. Contexts of fewer than `least` rows are not
kept: there p_j = p_{j-1}. Which parents, and how strong: `parents.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class View:
    """How a node's code is seen by another: through a map that may put codes together.

    Parameters
    ----------
    node
        Number of the node seen.
    table
        What each of its codes becomes, shape (codes,), from 0 without gaps.
    """

    node: int
    table: IntArray

    @property
    def size(self) -> int:
        """Number of values."""
        return int(self.table.max(initial=-1)) + 1


@dataclass(frozen=True, slots=True)
class Level:
    """The counts for contexts of one length.

    Parameters
    ----------
    view
        The last parent; ``None`` for the root's one context.
    keys
        Contexts as (number of the shorter context) · view.size + (parent's value), ascending; shape (contexts,).
    start
        The codes of context c are ``code[start[c]:start[c + 1]]``, ascending.
    code, count
        Codes seen there and how often.
    strength
        a_j.
    """

    view: View | None
    keys: npt.NDArray[np.int64]
    start: IntArray
    code: IntArray
    count: FloatArray
    strength: float

    def context(self, shorter: IntArray, seen: IntArray) -> IntArray:
        """Return each row's context, -1 where it is not kept."""
        assert self.view is not None
        value = self.view.table[seen]
        key = shorter.astype(np.int64) * self.view.size + value
        at = np.minimum(np.searchsorted(self.keys, key), len(self.keys) - 1)
        return np.where((shorter >= 0) & (self.keys[at] == key), at, -1)


@dataclass(frozen=True, slots=True)
class Weighed:
    """A node's counts under a weight for each code, level by level.

    Parameters
    ----------
    cum
        Running sums of the weighed shares: each context adds 1 (0 where no code has weight), so that a context's own
        sums are exact to the last digits however little it weighs.
    total, mass
        Rows of each context, plain and weighed.
    last
        Where each context's last code of positive weight stands.
    """

    cum: tuple[FloatArray, ...]
    total: tuple[FloatArray, ...]
    mass: tuple[FloatArray, ...]
    last: tuple[IntArray, ...]


@dataclass(frozen=True, slots=True)
class Node:
    """One code of a row, given codes of other nodes.

    Parameters
    ----------
    codes
        Number of codes.
    levels
        From the shortest context to the longest; the first has every context that can occur.
    """

    codes: int
    levels: tuple[Level, ...]

    @property
    def parents(self) -> tuple[int, ...]:
        """Numbers of the parent nodes, in the order in which they were chosen."""
        return tuple(k.view.node for k in self.levels if k.view is not None)

    def contexts(self, rows: Mapping[int, IntArray], n: int) -> list[IntArray]:
        """Return each row's context at every level, -1 where none is kept."""
        found: list[IntArray] = []
        for level in self.levels:
            shorter = found[-1] if found else np.zeros(n, dtype=np.intp)
            found.append(shorter if level.view is None else level.context(shorter, rows[level.view.node]))
        return found

    def weighed(self, weight: FloatArray | None = None) -> Weighed:
        """Return the counts with each code weighed; as they are if no weights are given."""
        cum, total, mass, last = [], [], [], []
        for level in self.levels:
            first, width = level.start[:-1], np.diff(level.start)
            heft = level.count if weight is None else level.count * weight[level.code]
            sums = np.add.reduceat(heft, first)
            share = heft / np.repeat(np.where(sums > 0, sums, 1.0), width)
            spot = np.where(heft > 0, np.arange(len(heft)), np.repeat(first, width))
            cum.append(np.concatenate([[0.0], np.cumsum(share)]))
            total.append(np.add.reduceat(level.count, first))
            mass.append(sums)
            last.append(np.maximum.reduceat(spot, first))
        return Weighed(tuple(cum), tuple(total), tuple(mass), tuple(last))

    def expected(self, contexts: Sequence[IntArray], weighed: Weighed) -> list[FloatArray]:
        """Return the mean weight of a drawn code for each row, level by level: the last is the node's own."""
        found: list[FloatArray] = []
        for j, (level, at) in enumerate(zip(self.levels, contexts, strict=True)):
            kept = np.maximum(at, 0)
            mass, total = weighed.mass[j][kept], weighed.total[j][kept]
            if j == 0:
                found.append(mass / total)
            else:
                mean = (mass + level.strength * found[-1]) / (total + level.strength)
                found.append(np.where(at >= 0, mean, found[-1]))
        return found

    def draw(
        self, contexts: Sequence[IntArray], u: FloatArray, weighed: Weighed, means: Sequence[FloatArray] | None = None
    ) -> IntArray:
        """Return a code for each row from one uniform a row.

        Parameters
        ----------
        weighed
            Codes are drawn by these weights.
        means
            What `expected` returned for them; ``None`` when all weights are 1.
        """
        n = len(u)
        out = np.zeros(n, dtype=np.intp)
        left = np.arange(n)
        u = u.copy()
        for j in range(len(self.levels) - 1, -1, -1):
            level, at = self.levels[j], contexts[j][left]
            rows = left
            if j:
                mass = np.where(at >= 0, weighed.mass[j][np.maximum(at, 0)], 0.0)
                beside = level.strength * (1.0 if means is None else means[j - 1][left])
                stay = np.where(mass > 0, mass / np.where(mass > 0, mass + beside, 1.0), 0.0)
                here = u[left] < stay
                share = np.where(here, stay, 1.0 - stay)
                u[left] = np.clip((u[left] - np.where(here, 0.0, stay)) / np.where(share > 0, share, 1.0), 0.0, 1.0)
                rows, at, left = left[here], at[here], left[~here]
            cum, begin = weighed.cum[j], level.start[at]
            goal = cum[begin] + u[rows] * (cum[level.start[at + 1]] - cum[begin])
            spot = np.searchsorted(cum, goal, side="right") - 1
            out[rows] = level.code[np.clip(spot, begin, weighed.last[j][at])]
        return out

    def probability(self, contexts: Sequence[IntArray], codes: IntArray) -> FloatArray:
        """Return each row's probability of its own code, shape (n,)."""
        p = np.zeros(len(codes))
        for j, (level, at) in enumerate(zip(self.levels, contexts, strict=True)):
            kept = np.maximum(at, 0)
            seen = _counted(level, kept, codes, self.codes)
            total = np.add.reduceat(level.count, level.start[:-1])[kept]
            if j == 0:
                p = seen / total
            else:
                p = np.where(at >= 0, (seen + level.strength * p) / (total + level.strength), p)
        return p

    def get_state(self) -> dict[str, Any]:
        """Return plain values and arrays."""
        return {
            "codes": self.codes,
            "levels": [
                {
                    "node": -1 if k.view is None else k.view.node,
                    "table": np.empty(0, dtype=np.int32) if k.view is None else k.view.table.astype(np.int32),
                    "keys": k.keys,
                    "start": k.start.astype(np.int64),
                    "code": k.code.astype(np.int32),
                    "count": k.count,
                    "strength": k.strength,
                }
                for k in self.levels
            ],
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Take back what `get_state` returned."""
        levels = []
        for k in state["levels"]:
            view = None if k["node"] < 0 else View(int(k["node"]), k["table"].astype(np.intp))
            codes, start = k["code"].astype(np.intp), k["start"].astype(np.intp)
            levels.append(Level(view, k["keys"], start, codes, k["count"], float(k["strength"])))
        return cls(int(state["codes"]), tuple(levels))


def _counted(level: Level, at: IntArray, codes: IntArray, width: int) -> FloatArray:
    """Return how often each row's code was seen in its context."""
    owner = np.repeat(np.arange(len(level.start) - 1, dtype=np.int64), np.diff(level.start))
    keys = owner * width + level.code
    wanted = at.astype(np.int64) * width + codes
    spot = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where((keys[spot] == wanted) & (codes >= 0), level.count[spot], 0.0)


def count_node(
    codes: Mapping[int, IntArray],
    x: IntArray,
    n_codes: int,
    parents: Sequence[tuple[View, float]],
    *,
    own: View | None,
    least: int,
) -> Node:
    """Return a node with the counts of all rows. Cost O(n log n) per parent."""
    levels: list[Level] = []
    context = np.zeros(len(x), dtype=np.intp)
    views: list[tuple[View | None, float]] = [(own, 0.0), *parents]
    for j, (view, strength) in enumerate(views):
        key = context.astype(np.int64)
        if view is not None:
            key = np.where(context >= 0, key * view.size + view.table[codes[view.node]], -1)
        known, place, total = np.unique(key, return_inverse=True, return_counts=True)
        kept = (known >= 0) & ((total >= least) | (j == 0))
        if not kept.any():
            break
        number = np.where(kept, np.cumsum(kept) - 1, -1)
        context = number[place].astype(np.intp)
        rows = np.flatnonzero(context >= 0)
        cells, count = np.unique(context[rows].astype(np.int64) * n_codes + x[rows], return_counts=True)
        start = np.searchsorted(cells // n_codes, np.arange(int(kept.sum()) + 1)).astype(np.intp)
        code = (cells % n_codes).astype(np.intp)
        levels.append(Level(view, known[kept].astype(np.int64), start, code, count.astype(np.float64), strength))
    return Node(n_codes, tuple(levels))


__all__ = ["Level", "Node", "View", "Weighed", "count_node"]
