"""Bayesian network on codes: each column from a few others, by counts anybody can read.

Columns become bins (`columns/bins.py`). They are taken in the order in which a maximum spanning tree of mutual
information grows (Chow & Liu 1968, doi:10.1109/TIT.1968.1054142), and each looks for a few parents among those before it
(K2, Cooper & Herskovits 1992, doi:10.1007/BF00994110) by leave-one-out likelihood; rare combinations back off to shorter
ones (`columns/backoff.py`). Nothing is random in learning but which rows of a very long table choose the structure.

Its rank: the fastest to learn of those that keep relations, open to inspection, and far from memory, since every
probability rests on ten rows or more. It keeps pairs and exact dependencies well; relations of many columns at once and
the fine structure of continuous columns it keeps less well than the sequential trees and networks do.

A condition (`where`) is met inside the network: the tree of first parents tells every node beforehand how likely the
conditions further on become (exact belief propagation, Pearl 1988), a pool of rows is drawn by that foresight and weighted
by where the network differs from the tree. Nothing is drawn and thrown away until it fits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt

from synthproof.core.contracts import Conditions, Tags
from synthproof.core.models import Saved
from synthproof.core.params import Params, check_range
from synthproof.core.random import derive, fresh_seed, stream
from synthproof.core.run import Run, quiet
from synthproof.core.state import State
from synthproof.data.table.chunks import Data, bounded
from synthproof.data.table.dataset import Table
from synthproof.engines.codes import numbers_or_codes
from synthproof.synthesizers.table.columns.backoff import Node, View, count_node
from synthproof.synthesizers.table.columns.bins import UNKNOWN, Bins, bins_of
from synthproof.synthesizers.table.columns.layout import Layout, check_count, lay_out, persons_of
from synthproof.synthesizers.table.columns.model import column_model, fitted
from synthproof.synthesizers.table.columns.network import Net, Place
from synthproof.synthesizers.table.columns.parents import choose_parents, views_for
from synthproof.synthesizers.table.rules.book import Book
from synthproof.synthesizers.table.rules.from_net import draw_from_net
from synthproof.synthesizers.table.rules.ruled import Ruled, learn_book

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

_STUDIED = 30_000  # rows that choose the structure
_GROUPS, _LEVELS = 12, 48  # groups of a number's bins; levels that stay alone
_ROWS_PER_BIN = 40
_RUNS = (2, 4)  # as how few values a parent may be seen
_WIDE = 256  # a node of more codes is nobody's parent


class BayesNet(Params, Saved, Ruled):
    """Draw each column from counts given a few others.

    Parameters
    ----------
    parents
        Parents of a column at most; how many there are depends on what the rows bear out.
    bins
        Bins of a numeric column at most.
    min_cell
        Rows that a combination of parents must have to be counted on its own.
    min_shared
        A numeric value is handed out as it is only when at least this many persons have it.
    row_wise
        Learn single rows of a table whose units have several.
    random_state
        Seed of `fit` and of `sample` calls without their own; ``None`` draws one and keeps it in ``seed_``.

    Attributes
    ----------
    schema_
        Schema of drawn tables.
    notices_
        What the reader of a report must know.
    order_
        Columns in the order in which they are drawn.
    parents_
        For each column, the columns it depends on, the most telling first.
    seed_
        Seed that was used.

    Notes
    -----
    Fit O(n · columns²), at most 30,000 rows for the structure; sampling O(n · columns · parents).
    """

    tags: ClassVar[Tags] = Tags(family="statistical")

    def __init__(
        self,
        *,
        parents: int = 5,
        bins: int = 64,
        min_cell: int = 10,
        min_shared: int = 10,
        row_wise: bool = False,
        random_state: int | None = None,
    ) -> None:
        self.parents = parents
        self.bins = bins
        self.min_cell = min_cell
        self.min_shared = min_shared
        self.row_wise = row_wise
        self.random_state = random_state

    def fit(self, data: Data, /, *, run: Run | None = None) -> Self:
        """Learn bins, structure and counts. Nodes are learned side by side; the result does not depend on workers."""
        run = quiet(run)
        for name, low, high in (("parents", 0, 50), ("bins", 2, 1024), ("min_cell", 2, 1e9), ("min_shared", 1, 1e9)):
            check_range(self, name, getattr(self, name), low, high)
        run.tick("bayes_net", 0, 1)
        seed = fresh_seed() if self.random_state is None else int(self.random_state)
        data = bounded(data, seed=seed)
        layout = lay_out(data, seed=seed, row_wise=self.row_wise, min_shared=self.min_shared)
        whole, data = data, layout.seen(data)
        persons = persons_of(data)
        width = max(4, min(self.bins, data.n_rows // _ROWS_PER_BIN))
        columns: dict[str, Bins] = {}
        codes: dict[str, IntArray] = {}
        for f in run.each(layout.modelled, "bayes_net: columns"):
            model = column_model(data.frame[f.name], f, min_shared=self.min_shared, persons=persons)
            columns[f.name] = bins_of(f.name, model, bins=width, groups=_GROUPS, levels=_LEVELS)
            found = columns[f.name].code(numbers_or_codes(data.frame[f.name], f))
            # A number that only one person has, and no other is there, is drawn as missing: it is learned so, too.
            codes[f.name] = np.where(found == UNKNOWN, columns[f.name].count - 1, found)
        plan = _plan(columns, codes)
        sample = _some(data.n_rows, seed)
        choose = partial(_node, plan, sample=sample, most=self.parents, least=self.min_cell)
        nodes = run.map(choose, range(len(plan.places)), "bayes_net")
        grids = {name: c.grid for name, c in columns.items() if c.grid is not None}
        self._book, self._layout = learn_book(whole, layout, grids)
        self._net = Net(columns, plan.places, tuple(nodes), data.n_rows)
        self.seed_ = seed
        return self

    @property
    def order_(self) -> tuple[str, ...]:
        """Columns in the order in which they are drawn."""
        net: Net = fitted(self, "_net", "order_")
        return tuple(dict.fromkeys(p.column for p in net.places))

    @property
    def parents_(self) -> dict[str, tuple[str, ...]]:
        """For each column, the columns it depends on, the most telling first."""
        net: Net = fitted(self, "_net", "parents_")
        found: dict[str, dict[str, None]] = {name: {} for name in self.order_}
        for place, node in zip(net.places, net.nodes, strict=True):
            found[place.column].update((net.places[p].column, None) for p in node.parents)
        return {name: tuple(p for p in given if p != name) for name, given in found.items()}

    def sample(
        self,
        n: int,
        /,
        *,
        where: Conditions | None = None,
        seed: int | None = None,
        run: Run | None = None,
        first: int = 0,
    ) -> Table:
        """Return rows ``first … first + n`` of the endless table that the seed stands for.

        Conditions are met by every row. The other columns follow the network's own conditional distribution, up to the
        Monte Carlo error of a pool of at least 4,096 rows a block.

        Raises
        ------
        ConditionError
            The conditions cannot be met, with the estimated probability.
        """
        layout: Layout = fitted(self, "_layout", "sample")
        net, run, n = self._net, quiet(run), check_count(n)
        seed = derive(self.seed_, "sample") if seed is None else int(seed)
        return draw_from_net(net, layout, self._book, n, where=where, seed=seed, run=run, first=first)

    def log_prob(self, data: Table, /, *, run: Run | None = None) -> FloatArray:
        """Return each row's log-likelihood in nats, shape (n_rows,).

        Probabilities of levels, shared numbers and missing values, densities per lattice step elsewhere (per thousandth
        of the range without a lattice). A value or combination of probability 0 counts as if seen half a time.
        """
        net: Net = fitted(self, "_net", "log_prob")
        data = self._layout.seen(data)
        floor = 0.5 / (net.rows + 0.5)
        total = np.zeros(data.n_rows)
        rows: dict[int, IntArray] = {}
        unknown: dict[int, npt.NDArray[np.bool_]] = {}
        for name, bins in net.columns.items():
            values = numbers_or_codes(data.frame[name], data.schema.field(name))
            codes = bins.code(values)
            total += bins.within(values)
            usual = int(bins.pieces.mass.argmax())
            for k in net.of(name):
                unknown[k] = codes == UNKNOWN
                known = np.where(unknown[k], usual, codes)
                rows[k] = bins.group[known] if net.places[k].group else known
        for k, node in quiet(run).each(tuple(enumerate(net.nodes)), "log_prob"):
            p = node.probability(node.contexts(rows, data.n_rows), rows[k])
            p = np.where(p > 0, p, floor)
            lost = 1.0 if k != net.of(net.places[k].column)[0] else floor  # an unknown value costs once
            total += np.log(np.where(unknown[k], lost, p))
        return total

    def get_state(self) -> State:
        """Return what was learned as JSON values and arrays."""
        layout: Layout = fitted(self, "_layout", "get_state")
        return {
            "layout": layout.get_state(),
            "columns": [c.get_state() for c in self._net.columns.values()],
            "places": [[p.column, p.group] for p in self._net.places],
            "nodes": [k.get_state() for k in self._net.nodes],
            "rows": self._net.rows,
            "book": self._book.get_state(),
            "seed": self.seed_,
        }

    def set_state(self, state: State, /) -> Self:
        """Take back what `get_state` returned."""
        self._layout = Layout.from_state(state["layout"])
        self._book = Book.from_state(state["book"], self._layout.schema)
        columns = [Bins.from_state(s) for s in state["columns"]]
        places = tuple(Place(str(name), bool(group)) for name, group in state["places"])
        nodes = tuple(Node.from_state(s) for s in state["nodes"])
        self._net = Net({c.name: c for c in columns}, places, nodes, int(state["rows"]))
        self.seed_ = int(state["seed"])
        return self


@dataclass(frozen=True, slots=True)
class _Plan:
    """Nodes in order with the codes of all rows, before any parent is chosen."""

    places: tuple[Place, ...]
    codes: Mapping[int, IntArray]
    sizes: tuple[int, ...]


def _plan(columns: Mapping[str, Bins], codes: Mapping[str, IntArray]) -> _Plan:
    """Return the nodes: one a column in the tree's order, then the bins of those columns that were drawn as groups."""
    names = list(columns)
    coarse = [columns[name].group[codes[name]] for name in names]
    order = [names[j] for j in _tree_order(coarse, [columns[name].groups for name in names])]
    places = [Place(name, columns[name].grouped) for name in order]
    places += [Place(name, False) for name in order if columns[name].grouped]
    of_rows, sizes = {}, []
    for k, place in enumerate(places):
        bins = columns[place.column]
        of_rows[k] = bins.group[codes[place.column]] if place.group else codes[place.column]
        sizes.append(bins.groups if place.group else bins.count)
    return _Plan(tuple(places), of_rows, tuple(sizes))


def _tree_order(codes: Sequence[IntArray], sizes: Sequence[int]) -> list[int]:
    """Return the order in which a maximum spanning tree of mutual information grows from its best-connected column."""
    d = len(codes)
    told = np.zeros((d, d))
    for i in range(d):
        for j in range(i):
            table = np.bincount(codes[i] * sizes[j] + codes[j], minlength=sizes[i] * sizes[j])
            told[i, j] = told[j, i] = _information(table.reshape(sizes[i], sizes[j]).astype(np.float64))
    order = [int(told.sum(axis=1).argmax())]
    while len(order) < d:
        best = told[order].max(axis=0)
        best[order] = -np.inf
        order.append(int(best.argmax()))
    return order


def _information(table: FloatArray) -> float:
    """Return the mutual information of a table of counts in nats, less the bias of its cells (Miller 1955)."""
    n = table.sum()
    rows, columns = table.sum(axis=1, keepdims=True), table.sum(axis=0, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        nats = float(np.nansum(np.where(table > 0, table * np.log(table * n / (rows * columns)), 0.0)) / n)
    cells = (np.count_nonzero(rows) - 1) * (np.count_nonzero(columns) - 1)
    return nats - cells / (2 * float(n))


def _some(n: int, seed: int) -> IntArray | slice:
    """Return the rows that choose the structure."""
    if n <= _STUDIED:
        return slice(None)
    return np.sort(stream(seed, "bayes_net/rows").choice(n, _STUDIED, replace=False)).astype(np.intp)


def _node(plan: _Plan, k: int, *, sample: IntArray | slice, most: int, least: int) -> Node:
    """Return one fitted node; it depends on nothing but its arguments."""
    mine, x, size = plan.places[k], plan.codes[k], plan.sizes[k]
    studied = x[sample]
    own: View | None = None
    candidates: list[tuple[View, IntArray]] = []
    for j in range(k):
        if plan.sizes[j] > _WIDE:
            continue
        z = plan.codes[j][sample]
        if plan.places[j].column == mine.column:
            own = View(j, np.arange(plan.sizes[j], dtype=np.intp))
            continue
        views = views_for(studied, size, z, plan.sizes[j], j, _RUNS)
        candidates += [(view, view.table[z]) for view in views]
    seen = None if own is None else (own, plan.codes[own.node][sample])
    chosen = choose_parents(studied, size, candidates, own=seen, most=most, least=least)
    return count_node(plan.codes, x, size, chosen, own=own, least=least)
