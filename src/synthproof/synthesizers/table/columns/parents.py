"""Which few codes tell most about another one, and how strongly shorter contexts speak beside longer ones.

Parents and strengths are chosen by leave-one-out likelihood, which is exact and free for counts: each row takes itself out
of its own. A parent may be seen as it is or as a few runs of its values that go alike with the child.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synthproof.synthesizers.table.columns.backoff import View

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

STRENGTHS = (0.0, 0.1, 0.5, 2.0, 8.0, 32.0, 128.0)
_TRIAL = 32.0  # strength at which candidates are compared
_DENSE = 4_000_000


@dataclass(slots=True)
class _Growing:
    """A node on its way: contexts and leave-one-out probabilities of the rows it is chosen by."""

    x: IntArray
    codes: int
    p: FloatArray
    context: IntArray
    contexts: int

    def gain(self, z: IntArray, size: int, least: int, strengths: Sequence[float]) -> tuple[float, float]:
        """Return (most nats gained over all rows, at which strength) for one more parent."""
        live = np.flatnonzero(self.context >= 0)
        key = self.context[live].astype(np.int64) * size + z[live]
        total, cells = _tally(key, self.x[live], self.contexts * size, self.codes)
        kept = total >= least
        if not kept.any():
            return 0.0, 0.0
        rows, total, cells = live[kept], total[kept], cells[kept]
        p = self.p[rows]
        best = (-np.inf, 0.0)
        with np.errstate(divide="ignore"):
            for a in strengths:
                nats = float(np.log((cells - 1 + a * p) / (total - 1 + a) / p).sum())
                best = max(best, (nats, a))
        return best

    def add(self, z: IntArray, size: int, least: int, strength: float) -> None:
        """Take one more parent."""
        live = np.flatnonzero(self.context >= 0)
        key = self.context[live].astype(np.int64) * size + z[live]
        total, cells = _tally(key, self.x[live], self.contexts * size, self.codes)
        kept = total >= least
        rows = live[kept]
        self.p[rows] = (cells[kept] - 1 + strength * self.p[rows]) / (total[kept] - 1 + strength)
        self.context = np.full(len(self.x), -1, dtype=np.intp)
        known, place = np.unique(key[kept], return_inverse=True)
        self.context[rows] = place
        self.contexts = len(known)


def _tally(key: npt.NDArray[np.int64], x: IntArray, keys: int, codes: int) -> tuple[FloatArray, FloatArray]:
    """Return, for each row, the number of rows with its key, and of those with its code too."""
    if keys * codes > max(_DENSE, 8 * len(key)):
        known, key = np.unique(key, return_inverse=True)
        keys = len(known)
    total = np.bincount(key, minlength=keys)[key]
    both = key * codes + x
    if keys * codes > max(_DENSE, 8 * len(key)):
        _, both = np.unique(both, return_inverse=True)
    return total.astype(np.float64), np.bincount(both)[both].astype(np.float64)


def views_for(x: IntArray, codes: int, z: IntArray, size: int, node: int, parts: Sequence[int]) -> list[View]:
    """Return how a node may be seen by a child: as it is, and as a few runs of values that go alike with the child.

    Values are put in order along the first axis of a correspondence analysis with the child's codes (Greenacre 1984),
    and cut where a cut tells most about the child, again and again.

    Parameters
    ----------
    x, codes
        The child's codes and their number.
    z, size
        The node's codes and their number.
    parts
        Numbers of runs to offer, ascending.
    """
    whole = View(node, np.arange(size, dtype=np.intp))
    if size <= parts[0]:
        return [whole]
    table = np.bincount(z * codes + x, minlength=size * codes).reshape(size, codes).astype(np.float64)
    order = _axis_order(table)
    sums = np.concatenate([np.zeros((1, codes)), np.cumsum(table[order], axis=0)])
    cuts = [0, size]
    found = []
    for wanted in range(2, min(parts[-1], size - 1) + 1):
        told, best = max((_best_cut(sums, a, b) for a, b in zip(cuts[:-1], cuts[1:], strict=True)), default=(0.0, 0))
        if told <= 0:
            break
        cuts = sorted([*cuts, best])
        if wanted in parts:
            run = np.empty(size, dtype=np.intp)
            run[order] = np.searchsorted(cuts, np.arange(size), side="right") - 1
            found.append(View(node, run))
    return [whole, *found]


def _axis_order(table: FloatArray) -> IntArray:
    rows, columns = table.sum(axis=1) + 1e-9, table.sum(axis=0) + 1e-9
    residual = (table - rows[:, None] * columns[None, :] / rows.sum()) / np.sqrt(rows[:, None] * columns[None, :])
    _, axes = np.linalg.eigh(residual @ residual.T)
    axis = np.round(axes[:, -1] / np.sqrt(rows), 12)
    lead = axis[np.abs(axis).argmax()]
    return np.argsort(axis * (1.0 if lead >= 0 else -1.0), kind="stable").astype(np.intp)


def _best_cut(sums: FloatArray, a: int, b: int) -> tuple[float, int]:
    """Return (nats that the best cut of a run of values tells, where it is)."""
    if b - a < 2:
        return 0.0, a
    left = sums[a + 1 : b] - sums[a]
    right = sums[b] - sums[a + 1 : b]
    told = _nats(left) + _nats(right) - _nats(sums[b] - sums[a])
    at = int(told.argmax())
    return float(told[at]), a + 1 + at


def _nats(counts: FloatArray) -> FloatArray:
    """Return the log likelihood of counts under their own shares, over the last axis."""
    total = counts.sum(axis=-1)
    inner = np.where(counts > 0, counts * np.log(np.where(counts > 0, counts, 1.0)), 0.0).sum(axis=-1)
    return np.asarray(inner - np.where(total > 0, total * np.log(np.where(total > 0, total, 1.0)), 0.0))


def choose_parents(
    x: IntArray,
    codes: int,
    candidates: Sequence[tuple[View, IntArray]],
    *,
    own: tuple[View, IntArray] | None = None,
    most: int,
    least: int,
    shortlist: int = 12,
) -> list[tuple[View, float]]:
    """Return the parents of a node, the most telling first, each with its strength.

    Greedy: the parent that raises the leave-one-out likelihood most is taken, until none raises it by more than
    log n nats.

    Parameters
    ----------
    x
        The node's codes of the rows it is chosen by, shape (n,).
    candidates
        Views of other nodes, with their values for the same rows.
    own
        A view that every context begins with (the group that a bin belongs to).
    most
        Parents at most, beside `own`.
    least
        Rows that a kept context has at least.
    shortlist
        After the first parent only this many candidates, the best at first sight, are asked again.
    """
    n = len(x)
    context = np.zeros(n, dtype=np.intp) if own is None else own[1]
    contexts = 1 if own is None else own[0].size
    total, cells = _tally(context.astype(np.int64), x, contexts, codes)
    # Half a row stands for what was never seen elsewhere: a code of one row must not have probability 0.
    p = (cells - 1 + 0.5) / np.maximum(total - 1 + 0.5, 0.5)
    growing = _Growing(x, codes, p, context.astype(np.intp), contexts)
    chosen: list[tuple[View, float]] = []
    left = list(range(len(candidates)))
    for _ in range(most):
        gains = {c: growing.gain(candidates[c][1], candidates[c][0].size, least, (_TRIAL,))[0] for c in left}
        ranked = sorted(gains, key=lambda c: -gains[c])
        if not ranked or gains[ranked[0]] <= np.log(max(n, 2)):
            break
        view, z = candidates[ranked[0]]
        _, strength = growing.gain(z, view.size, least, STRENGTHS)
        growing.add(z, view.size, least, strength)
        chosen.append((view, strength))
        left = [c for c in ranked[:shortlist] if candidates[c][0].node != view.node]
    return chosen


__all__ = ["STRENGTHS", "choose_parents", "views_for"]
