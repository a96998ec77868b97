"""A Bayesian network made of tables of pairs: no clique of more columns is ever counted or summed over.

Columns come in the order in which the tree grows from its best-connected column; a column's parents are the columns
before it that a measured pair joins to it, its tree parent first. With one parent its table is that pair's. With more it
is the distribution of greatest entropy that agrees with each of the pairs, found by iterative scaling (Darroch &
Ratcliff 1972, doi:10.1214/aoms/1177692379) over how often the parents' combinations occur in rows drawn from the columns
before it. These rows also say what the model makes of any other pair. They are drawn from noisy numbers alone, so they cost
nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synthproof.core.random import stream
from synthproof.synthesizers.table.columns.backoff import Level, Node, View
from synthproof.synthesizers.table.columns.bins import Bins
from synthproof.synthesizers.table.columns.network import Net, Place
from synthproof.synthesizers.table.dp.pairs import Pair, Tables

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

_ROWS = 1 << 15  # drawn for the parents' combinations
_SCALINGS = 20
_TRACE = 1e-3  # rows that a combination of parents which was never drawn counts for
_LEAST = 0.5  # rows that a context is smoothed with, towards its shorter one


@dataclass(frozen=True, slots=True)
class Model:
    """The network on codes.

    Parameters
    ----------
    order
        Columns, parents before children.
    parents
        By column, its tree parent first.
    tables
        By column: chance of each code given the parents' codes, shape (codes of parents …, codes).
    rows
        Codes of the drawn rows, by column.
    total
        Rows that the data have, as a noisy count said.
    """

    order: tuple[int, ...]
    parents: Mapping[int, tuple[int, ...]]
    tables: Mapping[int, FloatArray]
    rows: Mapping[int, IntArray]
    total: float

    @property
    def sizes(self) -> list[int]:
        """Number of codes of each column."""
        return [self.tables[c].shape[-1] for c in range(len(self.order))]

    def expected(self, pair: Pair) -> FloatArray:
        """Return what the model makes of a pair."""
        i, j = pair
        k, m = (self.tables[c].shape[-1] for c in pair)
        cells = np.bincount(self.rows[i] * m + self.rows[j], minlength=k * m)
        return np.asarray(cells.reshape(k, m) * (self.total / len(self.rows[i])))


def build(tables: Tables, tree: Sequence[Pair], more: Sequence[Pair], *, most: int, cells: int) -> Model:
    """Return the network of some measured pairs.

    Parameters
    ----------
    tree
        Pairs of a spanning tree or forest.
    more
        Further pairs, the most telling first.
    most, cells
        Parents of a column, and cells of its table, at most; pairs beyond them are left aside.
    """
    sizes = [len(w) for w in tables.weights]
    order, first = _grown(len(sizes), tree)
    at = {c: k for k, c in enumerate(order)}
    parents: dict[int, list[int]] = {c: [first[c]] if c in first else [] for c in order}
    for i, j in more:
        x, y = (i, j) if at[i] > at[j] else (j, i)
        held = int(np.prod([sizes[p] for p in parents[x]])) * sizes[x] * sizes[y]
        if len(parents[x]) < most and held <= cells and y not in parents[x]:
            parents[x].append(y)
    rows: dict[int, IntArray] = {}
    made: dict[int, FloatArray] = {}
    for x in order:
        made[x] = _table(tables, x, parents[x], sizes, rows)
        context = _context(rows, parents[x], sizes)
        u = stream(0, f"dp_marginals/model/{x}").random(_ROWS)
        cum = np.cumsum(made[x].reshape(-1, sizes[x]), axis=1)
        picked = (cum[context] <= (u * cum[context, -1])[:, None]).sum(axis=1)
        rows[x] = np.minimum(picked, sizes[x] - 1).astype(np.intp)
    return Model(tuple(order), {x: tuple(p) for x, p in parents.items()}, made, rows, tables.total)


def net_of(model: Model, columns: Sequence[Bins]) -> Net:
    """Return the network as generators draw from it: a node for each column's group, then one for its value."""
    place_of = {x: k for k, x in enumerate(model.order)}
    places = [Place(columns[x].name, columns[x].grouped) for x in model.order]
    nodes = []
    for x in model.order:
        shape = model.tables[x].shape[:-1]
        seen = np.bincount(_context(model.rows, model.parents[x], model.sizes), minlength=int(np.prod(shape)))
        counts = (seen + _TRACE).reshape(*shape, 1) * model.tables[x] * (model.total / _ROWS)
        nodes.append(_node(counts, [place_of[p] for p in model.parents[x]]))
    for x in model.order:
        if columns[x].grouped:
            places.append(Place(columns[x].name, False))
            nodes.append(_value_node(columns[x], place_of[x]))
    return Net({c.name: c for c in columns}, tuple(places), tuple(nodes), max(1, round(model.total)))


def _grown(d: int, tree: Sequence[Pair]) -> tuple[list[int], dict[int, int]]:
    """Return the columns in the order in which the tree grows, and each one's parent."""
    beside: dict[int, list[int]] = {c: [] for c in range(d)}
    for i, j in tree:
        beside[i].append(j)
        beside[j].append(i)
    order: list[int] = []
    first: dict[int, int] = {}
    for root in sorted(range(d), key=lambda c: (-len(beside[c]), c)):
        if root in order:
            continue
        waiting = [root]
        while waiting:
            c = waiting.pop(0)
            order.append(c)
            for other in beside[c]:
                if other not in order and other not in waiting:
                    first[other] = c
                    waiting.append(other)
    return order, first


def _table(
    tables: Tables, x: int, parents: Sequence[int], sizes: Sequence[int], rows: Mapping[int, IntArray]
) -> FloatArray:
    """Return the chances of a column's codes given its parents'."""
    alone = tables.column(x)
    alone = np.maximum(alone, 1e-9 * tables.total)
    alone = alone / alone.sum()
    if not parents:
        return np.asarray(alone)
    given = [_given(tables, x, p, alone) for p in parents]
    if len(parents) == 1:
        return given[0]
    shape = [sizes[p] for p in parents]
    weight = np.bincount(_context(rows, parents, sizes), minlength=int(np.prod(shape))).reshape(shape) + _TRACE
    chance = np.broadcast_to(alone, (*shape, sizes[x])).copy()
    for _ in range(_SCALINGS):
        for k, wanted in enumerate(given):
            others = tuple(a for a in range(len(parents)) if a != k)
            held = (weight[..., None] * chance).sum(axis=others)
            wish = weight.sum(axis=others)[:, None] * wanted
            factor = wish / np.maximum(held, 1e-300)
            shaped = factor.reshape([sizes[parents[k]] if a == k else 1 for a in range(len(parents))] + [sizes[x]])
            chance *= shaped
        chance = np.maximum(chance, 1e-12)
        chance /= chance.sum(axis=-1, keepdims=True)
    return chance


def _given(tables: Tables, x: int, parent: int, alone: FloatArray) -> FloatArray:
    """Return the chances of a column's codes given one parent's, from their measured pair."""
    pair = (min(x, parent), max(x, parent))
    table = tables.pair(pair)
    table = table if parent < x else table.T
    return np.asarray((table + _LEAST * alone) / (table.sum(axis=1, keepdims=True) + _LEAST))


def _context(rows: Mapping[int, IntArray], parents: Sequence[int], sizes: Sequence[int]) -> IntArray:
    found = np.zeros(_ROWS, dtype=np.intp)
    for p in parents:
        found = found * sizes[p] + rows[p]
    return found


def _node(counts: FloatArray, parents: Sequence[int]) -> Node:
    """Return a node of a dense table: every context is kept at every length, and the longest alone decides."""
    codes = counts.shape[-1]
    levels = []
    for k in range(len(parents) + 1):
        short = counts.sum(axis=tuple(range(k, len(parents))))
        view = View(parents[k - 1], np.arange(counts.shape[k - 1], dtype=np.intp)) if k else None
        levels.append(_dense(view, short.reshape(-1, codes)))
    return Node(codes, tuple(levels))


def _dense(view: View | None, counts: FloatArray) -> Level:
    n, codes = counts.shape
    start = (np.arange(n + 1) * codes).astype(np.intp)
    code = np.tile(np.arange(codes, dtype=np.intp), n)
    return Level(view, np.arange(n, dtype=np.int64), start, code, counts.ravel(), 0.0)


def _value_node(bins: Bins, group: int) -> Node:
    """Return the node of a column's value within its group."""
    order = np.argsort(bins.group, kind="stable").astype(np.intp)
    start = np.searchsorted(bins.group[order], np.arange(bins.groups + 1)).astype(np.intp)
    view = View(group, np.arange(bins.groups, dtype=np.intp))
    keys = np.arange(bins.groups, dtype=np.int64)
    return Node(bins.count, (Level(view, keys, start, order, bins.pieces.mass[order], 0.0),))


__all__ = ["Model", "build", "net_of"]
