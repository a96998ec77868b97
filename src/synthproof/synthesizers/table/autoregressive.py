"""Column by column, by a masked network on codes: the generator of choice for tables.

Every column becomes codes (`chain/digits.py`): levels, shared numbers, a missing value, and bins of what is left of a
continuous column, coarse and fine. A masked network (Germain et al. 2015, MADE, arXiv:1502.03509) learns each column from
those before it, a second one to heed, besides, columns given beforehand wherever they stand; both stop where records
set aside say so, which is what keeps them from remembering people. A number is drawn from its bin, never
handed out as somebody had it, unless many share it.

What sets it apart from peers of its kind (TabularARGN; Tiwald et al. 2025, arXiv:2501.12012) is measured in
``docs/benchmarks.md``: harder to tell from unseen records, no more remembered, and learned in seconds without torch.

Its rank: the default. On tables of a few hundred rows simpler generators do as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from time import perf_counter
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from synthproof.core.constraints import Constraint
from synthproof.core.contracts import Conditions, Tags
from synthproof.core.errors import SchemaError, did_you_mean
from synthproof.core.models import Saved
from synthproof.core.params import Params, check_choice, check_range
from synthproof.core.random import BLOCK, blocks_of, derive, fresh_seed
from synthproof.core.run import Run, quiet
from synthproof.core.state import State
from synthproof.data.table.chunks import LEARNED, ChunkedTable, Data, bounded
from synthproof.data.table.dataset import Table
from synthproof.engines.codes import numbers_or_codes
from synthproof.synthesizers.table.chain.asked import refuse_impossible
from synthproof.synthesizers.table.chain.balance import Shares, drawn_level, read_shares
from synthproof.synthesizers.table.chain.choosing import LEARNERS, Choice, choose_stages
from synthproof.synthesizers.table.chain.column import Wanted
from synthproof.synthesizers.table.chain.completing import complete_block, given_of, never_missing, partial_table
from synthproof.synthesizers.table.chain.drawing import draw_rows, wanted_of
from synthproof.synthesizers.table.chain.exact import exact_book, together
from synthproof.synthesizers.table.chain.learning import Settings, columns_of, encode_rows, learn_chain
from synthproof.synthesizers.table.chain.likelihood import log_prob_of
from synthproof.synthesizers.table.chain.model import Chain
from synthproof.synthesizers.table.chain.ratio_learning import with_ratio
from synthproof.synthesizers.table.columns.conditions import read_conditions
from synthproof.synthesizers.table.columns.folds import split_rows
from synthproof.synthesizers.table.columns.layout import Layout, check_count, lay_out
from synthproof.synthesizers.table.columns.model import fitted
from synthproof.synthesizers.table.rules.book import Book
from synthproof.synthesizers.table.rules.conflicts import check_conditions
from synthproof.synthesizers.table.rules.ruled import Ruled, draw_under_rules, learn_book

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

_HELD = 5_000  # rows that decide when to stop, at most
_HARD = 0.53  # told no better than with this AUC, drawn rows need no ratio


class Autoregressive(Params, Saved, Ruled):
    """Draw each column from a network over the columns before it.

    Parameters
    ----------
    learner
        ``"network"``; ``"trees"``: all columns by trees on the values before them; ``"mixture"``: these for numbers of
        many values only; ``"auto"``: what boosted trees tell hardest from held-out rows.
    networks
        Chains that are learned; a row takes one of them. Two or three tell apart a little less and cost as much more.
    hidden, layers
        Units per hidden layer (``None``: by the number of columns, 256 to 640), and number of hidden layers.
    epochs
        Looks at each row; ``None``: 16, fewer beyond 50,000 rows.
    bins
        About how many bins a continuous column gets; a bin has 25 rows at least.
    drop, decay
        Share of units dropped while learning, and weight decay: more remembers less.
    keep_exact
        Hold drawn rows to dependencies that all learned rows keep and chance would not: a code and its number, sums,
        orderings.
    drafts
        Most drafts of a row, of which one is taken by how much likelier learned rows are than drawn ones (`chain.ratio`),
        and where a condition needs foresight. 1: the first is taken, and rows are drawn several times faster.
    min_shared
        A numeric value is handed out as it is only when at least this many persons have it.
    budget_s
        Seconds that learning may take. The result then depends on the machine.
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
    exact_
        Dependencies that drawn rows keep because all learned rows did.
    order_
        Columns in the order in which they are drawn.
    choice_
        Which columns trees draw (`learner`), and how well each way was told from held-out rows (`told_apart`).
    ratio_gain_
        Nats by which trees tell a held-out row before one of several drafts is taken; ``None``: too few to choose by.
    learning_
        For each network, the rows visited and the held-out loss (nats per row) at each look.
    seed_
        Seed that was used.

    Notes
    -----
    Fit O(looks · (hidden² + hidden · codes)), a few seconds for 25,000 rows of 15 columns on two cores; sampling
    O(n · (hidden² + hidden · codes)).
    """

    tags: ClassVar[Tags] = Tags(family="neural")

    def __init__(
        self,
        *,
        learner: str = "auto",
        networks: int = 1,
        hidden: int | None = None,
        layers: int = 2,
        epochs: float | None = None,
        bins: int = 256,
        drop: float = 0.1,
        decay: float = 0.05,
        keep_exact: bool = True,
        drafts: int = 6,
        min_shared: int = 10,
        budget_s: float | None = None,
        row_wise: bool = False,
        random_state: int | None = None,
    ) -> None:
        self.learner = learner
        self.networks = networks
        self.hidden = hidden
        self.layers = layers
        self.epochs = epochs
        self.bins = bins
        self.drop = drop
        self.decay = decay
        self.keep_exact = keep_exact
        self.drafts = drafts
        self.min_shared = min_shared
        self.budget_s = budget_s
        self.row_wise = row_wise
        self.random_state = random_state

    def fit(self, data: Data, /, *, run: Run | None = None) -> Self:
        """Learn columns and networks. The result does not depend on the number of workers (unless `budget_s` binds)."""
        run = quiet(run)
        settings, begun = self._settings(), perf_counter()
        run.tick("autoregressive", 0, 1)
        seed = fresh_seed() if self.random_state is None else int(self.random_state)
        whole = data if isinstance(data, ChunkedTable) else None
        table = bounded(data, seed=seed)
        if whole is not None:  # all rows are learned from in the end
            table = Table(table.frame, table.schema, origin=whole.origin)
        layout = lay_out(table, seed=seed, row_wise=self.row_wise, min_shared=self.min_shared)
        seen = layout.seen(table)
        known = columns_of(seen, layout, settings)
        codes = encode_rows(known.columns, seen, known.fields)
        learned, held = split_rows(seen, derive(seed, "chain/held"))
        learned, held = np.append(learned, held[_HELD:]), held[:_HELD]
        if whole is not None and whole.n_rows > table.n_rows:
            more = [encode_rows(known.columns, layout.seen(part), known.fields) for part in whole.others(LEARNED, seed)]
            learned = np.append(learned, np.arange(len(codes), len(codes) + sum(map(len, more))))
            codes = np.concatenate([codes, *more])
        chain, courses = learn_chain(known, codes, learned, held, settings, seed=seed, run=run)
        book, layout = learn_book(table, layout, chain.grids)
        exact = replace(book, rules=(), facts=())
        if self.keep_exact:
            exact = exact_book(table, layout, chain.grids, run)
        rules = together(book, exact)
        chain, choice = choose_stages(known, chain, rules, learned, held, settings, seed=seed, run=run)
        chain = replace(chain, drafts=self.drafts)
        late = self.budget_s is not None and perf_counter() - begun > self.budget_s / 2
        if self.drafts > 1 and not late and min(choice.told_apart.values(), default=1.0) > _HARD:
            chain = with_ratio(known, chain, rules, learned, held, seed=seed, run=run)
        self._book, self._layout, self._chain = book, layout, chain  # at the end: a cancelled fit leaves nothing behind
        self._exact = exact
        self._rows = len(codes)
        self.learning_ = [{"visits": list(c.visits), "held_out": list(c.held_out)} for c in courses]
        self.choice_ = choice
        self.seed_ = seed
        return self

    def _settings(self) -> Settings:
        bounds = {
            "networks": (1, 100),
            "drafts": (1, 64),
            "layers": (1, 8),
            "bins": (2, 4096),
            "drop": (0, 0.9),
            "decay": (0, 10),
        }
        check_choice(self, "learner", self.learner, LEARNERS)
        for name, (low, high) in bounds.items():
            check_range(self, name, getattr(self, name), low, high)
        check_range(self, "min_shared", self.min_shared, 1, 1e9)
        for name, least, most in (("hidden", 8, 8192), ("epochs", 1e-3, 1e6), ("budget_s", 1e-3, 1e9)):
            if getattr(self, name) is not None:
                check_range(self, name, getattr(self, name), least, most)
        return Settings(
            self.networks,
            self.hidden,
            self.layers,
            self.epochs,
            self.bins,
            self.drop,
            self.decay,
            self.min_shared,
            self.budget_s,
            self.learner,
        )

    @property
    def exact_(self) -> tuple[Constraint, ...]:
        """Dependencies that drawn rows keep because all learned rows did."""
        fitted(self, "_chain", "exact_")
        return self._exact.rules

    @property
    def ratio_gain_(self) -> float | None:
        """Nats per row by which trees tell held-out rows from drawn ones before one of several drafts is taken."""
        return getattr(fitted(self, "_chain", "ratio_gain_").ratio, "gain", None)

    @property
    def order_(self) -> tuple[str, ...]:
        """Columns in the order in which they are drawn."""
        return fitted(self, "_chain", "order_").order  # type: ignore[no-any-return]

    def sample(
        self,
        n: int,
        /,
        *,
        where: Conditions | None = None,
        balance: Shares | None = None,
        seed: int | None = None,
        run: Run | None = None,
        first: int = 0,
    ) -> Table:
        """Return rows ``first … first + n`` of the endless table that the seed stands for.

        Conditions are met by every row, by drawing the conditioned columns first and all others given them; nothing is
        drawn and thrown away.

        Parameters
        ----------
        where
            Values that rows must have; see `columns.conditions`.
        balance
            Shares of levels: ``{"outcome": {"died": 0.5}}``. Levels that are not named divide the rest among them as
            they were learned. All other columns follow the level that a row got.

        Raises
        ------
        ConditionError
            The conditions cannot be met, with the estimated probability; or ``balance/…``.
        """
        layout: Layout = fitted(self, "_layout", "sample")
        run, n = quiet(run), check_count(n)
        seed = derive(self.seed_, "sample") if seed is None else int(seed)
        chain: Chain = self._chain
        asked = read_conditions(where, layout.schema, chain.grids, layout.wide)
        book = together(self._book, self._exact)
        check_conditions(book, asked)
        wanted = wanted_of(chain, asked)
        shares = read_shares(balance, chain, layout, asked)
        refuse_impossible(chain, book.under(asked), wanted, self._rows)
        blocks, mine = blocks_of(first, n)
        draw = partial(_some_rows, chain, wanted, shares)
        drawn = draw_under_rules(book, draw, blocks=blocks, mine=mine, seed=seed, run=run, asked=asked)
        return layout.table(drawn, n, seed, first=first, asked=asked)

    def complete(
        self,
        data: Any,
        /,
        *,
        columns: Sequence[str] | None = None,
        seed: int | None = None,
        run: Run | None = None,
    ) -> Table:
        """Return partial rows completed: each missing cell drawn given all cells of its row that are there.

        Parameters
        ----------
        data
            A table or frame of which cells, or whole columns, are missing. Cells that are there stay as they are.
        columns
            Complete these only; missing cells of others count as known to be missing. Default: all.

        Returns
        -------
        Table
            As many rows, in the same order, nothing missing in the completed columns.

        Raises
        ------
        SchemaError
            A column that the model does not know.
        ConditionError
            ``complete/contradiction``: what is known of a row cannot be completed within the rules.
        """
        layout: Layout = fitted(self, "_layout", "complete")
        run, chain = quiet(run), self._chain
        seed = derive(self.seed_, "complete") if seed is None else int(seed)
        table = partial_table(data, layout.schema)
        for name in columns or ():
            if name not in layout.schema:
                known = layout.schema.names
                hint = did_you_mean(name, known)
                raise SchemaError("schema/unknown-field", where=name, name=name, n=len(known), hint=hint)
        given = given_of(chain, layout, table, columns)
        work = partial(complete_block, chain, together(self._book, self._exact), never_missing(chain), given, seed)
        parts = run.map(work, range(-(-table.n_rows // BLOCK)), "complete")
        drawn = {name: np.concatenate([p[name] for p in parts] or [np.empty(0)]) for name in chain.order}
        made = layout.table(drawn, table.n_rows, seed)
        frame = made.frame.copy()
        for name in table.schema.names:
            there = table.frame[name].notna().to_numpy()
            kept = columns is not None and name not in columns
            if there.all() or kept:
                frame[name] = table.frame[name]
            elif there.any():
                frame[name] = frame[name].where(~there, table.frame[name].astype(frame[name].dtype))
        return made.with_frame(frame, made.schema)

    def log_prob(self, data: Table, /, *, run: Run | None = None) -> FloatArray:
        """Return each row's log-likelihood in nats, shape (n_rows,): held-out fit, or how unusual a record is.

        Probabilities of levels, shared numbers and missing values, densities per lattice step elsewhere. What the model
        holds for impossible counts as if seen half a time.
        """
        layout: Layout = fitted(self, "_layout", "log_prob")
        run = quiet(run)
        seen = layout.seen(data)
        fields = {f.name: f for f in layout.modelled}
        values = {name: numbers_or_codes(seen.frame[name], fields[name]) for name in self._chain.order}
        blocks = range(-(-data.n_rows // BLOCK))
        parts = run.map(partial(_log_prob_block, self._chain, values, self._rows), blocks, "log_prob")
        return np.concatenate([*parts, np.empty(0)])

    def get_state(self) -> State:
        """Return what was learned as JSON values and arrays."""
        layout: Layout = fitted(self, "_layout", "get_state")
        return {
            "layout": layout.get_state(),
            "chain": self._chain.get_state(),
            "book": self._book.get_state(),
            "exact": self._exact.get_state(),
            "rows": self._rows,
            "learning": self.learning_,
            "choice": {"learner": self.choice_.learner, "told_apart": dict(self.choice_.told_apart)},
            "seed": self.seed_,
        }

    def set_state(self, state: State, /) -> Self:
        """Take back what `get_state` returned."""
        self._layout = Layout.from_state(state["layout"])
        self._chain = Chain.from_state(state["chain"])
        self._book = Book.from_state(state["book"], self._layout.schema)
        self._exact = Book.from_state(state["exact"], self._layout.schema)
        self._rows = int(state["rows"])
        self.learning_ = list(state["learning"])
        self.choice_ = Choice(state["choice"]["learner"], dict(state["choice"]["told_apart"]))
        self.seed_ = int(state["seed"])
        return self


def _some_rows(
    chain: Chain,
    wanted: Mapping[str, Wanted],
    shares: Mapping[str, FloatArray],
    book: Book,
    seed: int,
    block: int,
    at: IntArray,
) -> dict[str, FloatArray]:
    """Return some rows of a block."""
    given = {name: drawn_level(name, share, seed, block, at) for name, share in shares.items()}
    return draw_rows(chain, book, wanted, given, seed=seed, block=block, at=at)


def _log_prob_block(chain: Chain, values: Mapping[str, FloatArray], rows: int, block: int) -> FloatArray:
    mine = slice(block * BLOCK, (block + 1) * BLOCK)
    found = log_prob_of(chain, {name: v[mine] for name, v in values.items()}, rows)
    return np.asarray(np.sum(list(found.values()), axis=0), dtype=np.float64)
