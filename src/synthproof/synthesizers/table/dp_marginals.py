"""Differential privacy by noisy tables of one and two columns: a proof about the generator, for the price of detail.

Whatever is learned of the data passes through a ledger (`dp/ledger.py`): counts with exact integer noise, choices by the
exponential mechanism. What comes out would have come out nearly as likely without any one person. The promise is (ε, δ)
for *adding or removing one person* with at most `rows_per_person` rows (more are left out at random), so the number of
persons is no public fact either and is counted with noise. It speaks of the rows given to `fit`; a report that compares
drawn rows with real ones is made from the real ones and is not covered.

Every column is measured (`dp/measure.py`), pairs of columns are chosen and measured (`dp/pairs.py`), and a Bayesian
network is made of them (`dp/network.py`): a tree with ``method="mst"``, up to four parents a column with
``method="adaptive"``. Rows and conditions are drawn from it as `table.bayes_net` draws, so a tree meets conditions
exactly.

Its rank: the only one that proves something. Near the default generator on single columns and on pairs it measured; behind
it on all that three or more columns say together.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from math import sqrt
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from synthproof.core.contracts import Conditions, Tags
from synthproof.core.models import Saved
from synthproof.core.params import Params, check_choice, check_range
from synthproof.core.random import derive, fresh_seed
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Schema
from synthproof.core.state import State
from synthproof.core.words import Words
from synthproof.data.table.chunks import Data, bounded
from synthproof.data.table.dataset import Table
from synthproof.synthesizers.table.columns.backoff import Node
from synthproof.synthesizers.table.columns.bins import Bins
from synthproof.synthesizers.table.columns.layout import Layout, check_count
from synthproof.synthesizers.table.columns.model import fitted
from synthproof.synthesizers.table.columns.network import Net, Place
from synthproof.synthesizers.table.dp.discover import buy, level_purchases
from synthproof.synthesizers.table.dp.domain import domains_of
from synthproof.synthesizers.table.dp.ledger import Ledger, variance_for
from synthproof.synthesizers.table.dp.measure import Coarse, Measured, measure
from synthproof.synthesizers.table.dp.network import Model, build, net_of
from synthproof.synthesizers.table.dp.pairs import Counter, Tables, choose_more, choose_tree, count, telling
from synthproof.synthesizers.table.dp.persons import bounded_rows, private_layout, values_of
from synthproof.synthesizers.table.dp.told import notices_of
from synthproof.synthesizers.table.rules.book import Book
from synthproof.synthesizers.table.rules.from_net import draw_from_net
from synthproof.synthesizers.table.rules.ruled import Ruled

METHODS = ("adaptive", "mst")
_TOTAL = 0.01  # of the columns' budget, for the number of rows
_ROUNDS = 3
_CLEAR = 1.25  # a further pair is used when it differs from the model by this multiple of what noise alone would do
_CLEAR_ENOUGH = 4_000.0  # rows times sqrt(ρ) at which as many further pairs as columns pay (Adult at ε = 1)
_MOST_FURTHER = 4.0
_SPREADS = 2.0  # a group of values should weigh this many σ of a pair's cell


class DpMarginals(Params, Saved, Ruled):
    """Draw from noisy tables of one and two columns, under differential privacy.

    Parameters
    ----------
    epsilon, delta
        The promise. `delta` should be far below one over the number of persons.
    method
        ``"adaptive"``: further pairs beyond a tree, where the model is most wrong; ``"mst"``: a tree.
    rows_per_person
        Rows that one person may have; more are left out at random, and the noise grows with this.
    domain
        What is known of columns without looking: for each ``levels``, or ``low``, ``high`` and ``step`` (of dates
        ISO texts and a time span such as ``"1D"``), and whether values may be ``missing``.
    public
        Columns whose domain was read off the data but is common knowledge, or ``"all"``. The report names them.
    domain_share
        Share of the budget that buys the domains which are not known; 0: they are refused.
    column_share, choice_share
        Shares of the rest for single columns and for choosing pairs; what is left measures pairs.
    groups
        Groups of values at most, in which a column is seen by pairs.
    cells
        Cells of a table at most.
    row_wise
        Learn single rows of a table whose units have several.
    random_state
        Seed of `sample` calls without their own; noise has no seed. ``None`` draws one and keeps it in ``seed_``.

    Attributes
    ----------
    schema_
        Schema of drawn tables: declared and bought domains, nothing else.
    notices_
        What the reader of a report must know.
    ledger_
        What was promised and spent: every look at the data with its purpose, sensitivity, noise and cost; and where each
        column's domain comes from.
    parents_
        For each column, the columns it is drawn from.
    seed_
        Seed that was used.

    Notes
    -----
    Fit O(n · columns²) for the choice of pairs, O(columns · cells) for each round; sampling O(n · columns · parents).
    """

    tags: ClassVar[Tags] = Tags(family="statistical", private=True)
    ledger_class: ClassVar[type[Ledger]] = Ledger  # an audit listens in with one of its own

    def __init__(
        self,
        *,
        epsilon: float = 1.0,
        delta: float = 1e-6,
        method: str = "adaptive",
        rows_per_person: int = 1,
        domain: Mapping[str, Mapping[str, Any]] | None = None,
        public: Collection[str] | str = (),
        domain_share: float = 0.0,
        column_share: float = 0.3,
        choice_share: float = 0.1,
        groups: int = 12,
        cells: int = 20_000,
        row_wise: bool = False,
        random_state: int | None = None,
    ) -> None:
        self.epsilon = epsilon
        self.delta = delta
        self.method = method
        self.rows_per_person = rows_per_person
        self.domain = domain
        self.public = public
        self.domain_share = domain_share
        self.column_share = column_share
        self.choice_share = choice_share
        self.groups = groups
        self.cells = cells
        self.row_wise = row_wise
        self.random_state = random_state

    def fit(self, data: Data, /, *, run: Run | None = None) -> Self:
        """Measure columns and pairs with noise; the noise comes from the system and differs from fit to fit.

        Raises
        ------
        DataError
            ``dp/domain-unknown`` with the columns whose domain is neither declared nor bought; ``dp/thinned``;
            ``fit/several-rows-per-unit``.
        """
        run = quiet(run)
        self._check()
        run.tick("dp_marginals", 0, 1)
        seed = fresh_seed() if self.random_state is None else int(self.random_state)
        table = bounded(data, seed=0, rows=data.n_rows)
        domains = domains_of(table.schema, self.domain or {}, self.public, buying=self.domain_share > 0)
        rows, named = bounded_rows(table, self.rows_per_person, self.row_wise)
        loose = self.delta / 2 if level_purchases(domains) else 0.0
        ledger = self.ledger_class(self.epsilon, self.delta, loose, self.rows_per_person)
        bought = ledger.budget * self.domain_share if any(d.wanting for d in domains.values()) else 0.0
        raw = {name: values_of(rows, d) for name, d in domains.items()}
        known = buy(ledger, domains, raw, bought)
        values = {name: values_of(rows, d) for name, d in known.items()}
        layout, book = private_layout(table, known, named, seed)
        model, columns = self._learn(ledger, known, values, rows.n_rows, ledger.budget - bought, run)
        self._net = net_of(model, [c.bins for c in columns])
        self._ledger = ledger
        self._sources = {name: d.source for name, d in known.items()}
        told = notices_of(ledger, known, table.schema.unit)
        self._book, self._layout = book, replace(layout, notices=(*told, *layout.notices))
        self.seed_ = seed
        return self

    def _check(self) -> None:
        check_choice(self, "method", self.method, METHODS)
        for name, low, high in (
            ("epsilon", 1e-3, 1e3), ("delta", 1e-15, 0.1), ("rows_per_person", 1, 10_000), ("domain_share", 0, 0.9),
            ("column_share", 0.01, 0.98), ("choice_share", 0.001, 0.9), ("groups", 2, 256), ("cells", 16, 1e7),
        ):  # fmt: skip
            check_range(self, name, getattr(self, name), low, high)
        check_range(self, "column_share + choice_share", self.column_share + self.choice_share, 0, 0.99)

    def _learn(
        self, ledger: Ledger, domains: Mapping[str, Any], values: Mapping[str, Any], n: int, rho: float, run: Run
    ) -> tuple[Model, list[Measured]]:
        """Return the model on codes and the measured columns; everything here sees the data through the ledger alone."""
        names, d = list(domains), len(domains)
        single, choice = rho * self.column_share, rho * self.choice_share
        pairs = (rho - single - choice) * (1 - 1e-9)
        if d == 1:
            single = rho
        total = max(1.0, float(ledger.noisy(np.array([n]), single * _TOTAL, "total")[0]))
        extra = self._further(d, total * sqrt(rho) / self.rows_per_person)
        each = pairs / max(1, d - 1 + extra)
        sigma = sqrt(float(variance_for(each, self.rows_per_person**2)))
        coarse = Coarse(self.groups, _SPREADS * sigma)
        share = single * (1 - _TOTAL) * (1 - 1e-9) / d
        columns = [
            measure(ledger, domains[k], values[k], share, total, coarse)
            for k in run.each(names, "dp_marginals: columns")
        ]
        tables = Tables([c.weights for c in columns], [c.variance for c in columns], total)
        codes = [_codes(c.bins, values[k]) for k, c in zip(names, columns, strict=True)]
        counter = Counter(codes, [c.bins.groups for c in columns], self.cells)
        parts = choice * (1 - 1e-9) / (2 if extra else 1)
        tree = choose_tree(ledger, counter, tables, parts, run)
        count(ledger, counter, tables, tree, each, names, run)
        model, more = build(tables, tree, [], most=1, cells=self.cells), []
        for k, part in enumerate(np.array_split(np.arange(extra), _ROUNDS)):
            if not len(part):
                continue
            run.tick("dp_marginals: further pairs", k, _ROUNDS)
            taken = list(tables.found)
            found = choose_more(ledger, counter, model.expected, taken, len(part), parts * len(part) / extra, sigma)
            count(ledger, counter, tables, found, each, names, run)
            said = {p: telling(tables, p, model.expected(p)) for p in found}
            more += sorted((p for p in found if said[p] > _CLEAR), key=lambda p: -said[p])
            model = build(tables, tree, more, most=4, cells=self.cells)
        return model, columns

    def _further(self, d: int, clearness: float) -> int:
        """Return how many pairs beyond the tree are worth their share, by how far rows stand above the noise."""
        if self.method != "adaptive":
            return 0
        wanted = d * min(_MOST_FURTHER, max(0.5, sqrt(clearness / _CLEAR_ENOUGH)))
        return min(round(wanted), d * (d - 1) // 2 - (d - 1))

    @property
    def schema_(self) -> Schema:
        """Schema of drawn tables."""
        return fitted(self, "_layout", "schema_").schema  # type: ignore[no-any-return]

    @property
    def notices_(self) -> tuple[Words, ...]:
        """What the reader of a report must know."""
        return fitted(self, "_layout", "notices_").notices  # type: ignore[no-any-return]

    @property
    def ledger_(self) -> dict[str, Any]:
        """What was promised and spent, and where each column's domain comes from. JSON values."""
        ledger: Ledger = fitted(self, "_ledger", "ledger_")
        return {**ledger.to_dict(), "neighbours": "add-or-remove-one", "domain": dict(self._sources)}

    @property
    def parents_(self) -> dict[str, tuple[str, ...]]:
        """For each column, the columns it is drawn from, the most telling first."""
        net: Net = fitted(self, "_net", "parents_")
        found: dict[str, dict[str, None]] = {p.column: {} for p in net.places}
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

        Conditions are met by every row; the other columns follow the model's own conditional distribution: exactly for
        ``method="mst"``, else up to the Monte Carlo error of a pool of at least 4,096 rows a block. No look at the data:
        drawing costs nothing, however often.

        Raises
        ------
        ConditionError
            The conditions cannot be met, with the estimated probability.
        """
        layout: Layout = fitted(self, "_layout", "sample")
        seed = derive(self.seed_, "sample") if seed is None else int(seed)
        n = check_count(n)
        return draw_from_net(self._net, layout, self._book, n, where=where, seed=seed, run=quiet(run), first=first)

    def get_state(self) -> State:
        """Return what was learned as JSON values and arrays: noisy numbers, never true ones."""
        layout: Layout = fitted(self, "_layout", "get_state")
        return {
            "layout": layout.get_state(),
            "columns": [c.get_state() for c in self._net.columns.values()],
            "places": [[p.column, p.group] for p in self._net.places],
            "nodes": [k.get_state() for k in self._net.nodes],
            "rows": self._net.rows,
            "book": self._book.get_state(),
            "ledger": self._ledger.to_dict(),
            "sources": dict(self._sources),
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
        self._ledger = Ledger.from_dict(state["ledger"])
        self._sources = dict(state["sources"])
        self.seed_ = int(state["seed"])
        return self


def _codes(bins: Bins, values: npt.NDArray[np.float64]) -> npt.NDArray[np.intp]:
    """Return the group of each value, -1 where no bin holds it."""
    code = bins.code(values)
    return np.where(code < 0, -1, bins.group[np.maximum(code, 0)]).astype(np.intp)
