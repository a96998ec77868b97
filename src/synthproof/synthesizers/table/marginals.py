"""Independent columns: each drawn from its own distribution, nothing kept between columns. The lower bound.

A generator that is worth its trouble must beat this one on every pair of columns; what this one already shows of a
person is the least that any synthetic table shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt

from synthproof.core.contracts import Conditions, Tags
from synthproof.core.models import Saved
from synthproof.core.params import Params, check_range
from synthproof.core.random import BLOCK, blocks_of, derive, fresh_seed, stream, uniforms
from synthproof.core.run import Run, quiet
from synthproof.core.state import State
from synthproof.data.table.chunks import Data, bounded
from synthproof.data.table.dataset import Table
from synthproof.engines.codes import to_codes, to_numbers
from synthproof.synthesizers.table.columns.conditions import impossible, read_conditions
from synthproof.synthesizers.table.columns.layout import Layout, check_count, lay_out, persons_of
from synthproof.synthesizers.table.columns.model import ColumnModel, column_model, fitted
from synthproof.synthesizers.table.columns.pieces import Pieces
from synthproof.synthesizers.table.rules.book import Book
from synthproof.synthesizers.table.rules.conflicts import check_conditions
from synthproof.synthesizers.table.rules.ruled import Ruled, draw_under_rules, learn_book
from synthproof.synthesizers.table.rules.within import draw_within

FloatArray = npt.NDArray[np.float64]


class Marginals(Params, Saved, Ruled):
    """Draw every column from its own distribution, independently.

    Parameters
    ----------
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
    seed_
        Seed that was used.

    Notes
    -----
    Fit O(n log n) per column, sampling O(n) per column.
    """

    tags: ClassVar[Tags] = Tags(family="statistical")

    def __init__(self, *, min_shared: int = 10, row_wise: bool = False, random_state: int | None = None) -> None:
        self.min_shared = min_shared
        self.row_wise = row_wise
        self.random_state = random_state

    def fit(self, data: Data, /, *, run: Run | None = None) -> Self:
        """Learn each column's distribution, missing values included."""
        run = quiet(run)
        check_range(self, "min_shared", self.min_shared, 1, 1e9)
        seed = fresh_seed() if self.random_state is None else int(self.random_state)
        data = bounded(data, seed=seed)
        layout = lay_out(data, seed=seed, row_wise=self.row_wise, min_shared=self.min_shared)
        whole, data = data, layout.seen(data)
        persons = persons_of(data)
        columns: dict[str, ColumnModel] = {}
        for f in run.each(layout.modelled, "marginals"):
            columns[f.name] = column_model(data.frame[f.name], f, min_shared=self.min_shared, persons=persons)
        grids = {name: c.grid for name, c in columns.items() if c.grid is not None}
        self._book, self._layout = learn_book(whole, layout, grids)
        self._columns: Mapping[str, ColumnModel] = columns
        self.seed_ = seed
        return self

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

        Conditions are met exactly: a column is drawn from the allowed part of its distribution.

        Raises
        ------
        ConditionError
            A condition names a column that is not drawn, or asks for what has probability 0.
        """
        layout: Layout = fitted(self, "_layout", "sample")
        run, n = quiet(run), check_count(n)
        seed = derive(self.seed_, "sample") if seed is None else int(seed)
        grids = {name: c.grid for name, c in self._columns.items() if c.grid is not None}
        asked = read_conditions(where, layout.schema, grids, layout.wide)
        check_conditions(self._book, asked)
        kept = {name: column.pieces.restrict(asked[name]) for name, column in self._columns.items() if name in asked}
        for name, pieces in kept.items():
            if pieces.mass[0] <= 0:
                raise impossible(name, 0.0)
        if not self._book.empty:
            blocks, mine = blocks_of(first, n)
            order = sorted(self._columns, key=self._book.last_computed().index)
            draw = partial(_ruled_block, {name: self._columns[name] for name in order}, kept)
            ruled = draw_under_rules(self._book, draw, blocks=blocks, mine=mine, seed=seed, run=run, asked=asked)
            return layout.table(ruled, n, seed, first=first, asked=asked)
        drawn: dict[str, FloatArray] = {}
        for name in run.each(tuple(self._columns), "sample"):
            column = self._columns[name]
            pieces = kept.get(name, column.pieces)
            u = uniforms(seed, f"marginals/{name}", n, 2, first=first)
            values = pieces.draw(np.zeros(n, dtype=np.intp), u[:, 0], u[:, 1])
            drawn[name] = values if column.grid is None else column.grid.settle(values)
        return layout.table(drawn, n, seed, first=first, asked=asked)

    def unit_loss(self, data: Table, /) -> FloatArray:
        """Return each row's negative log-likelihood in nats, shape (n_rows,): probabilities of levels, atoms and
        missing values, densities on intervals. A value of probability 0 costs as if it had been seen half a time.
        """
        layout: Layout = fitted(self, "_layout", "unit_loss")
        data = layout.seen(data)
        loss = np.zeros(data.n_rows)
        for name, column in self._columns.items():
            f = data.schema.field(name)
            codes = to_codes(data.frame[name], f) if f.levelled else None
            values = to_numbers(data.frame[name], f) if codes is None else np.where(codes < 0, np.nan, codes)
            loss += column.loss(values)
        return loss

    def get_state(self) -> State:
        """Return what was learned as JSON values and arrays."""
        layout: Layout = fitted(self, "_layout", "get_state")
        columns = {name: column.get_state() for name, column in self._columns.items()}
        order = [f.name for f in layout.modelled]
        book = self._book.get_state()
        return {"layout": layout.get_state(), "columns": columns, "order": order, "book": book, "seed": self.seed_}

    def set_state(self, state: State, /) -> Self:
        """Take back what `get_state` returned."""
        self._layout = Layout.from_state(state["layout"])
        self._book = Book.from_state(state["book"], self._layout.schema)
        self._columns = {name: ColumnModel.from_state(state["columns"][name]) for name in state["order"]}
        self.seed_ = int(state["seed"])
        return self


def _ruled_block(
    columns: Mapping[str, ColumnModel],
    kept: Mapping[str, Pieces],
    book: Book,
    seed: int,
    block: int,
    at: npt.NDArray[np.intp],
) -> dict[str, FloatArray]:
    """Return some rows of a block, each column drawn within what the rules leave of it beside those before."""
    rows: dict[str, FloatArray] = {}
    leaf = np.zeros(len(at), dtype=np.intp)
    for name, column in columns.items():
        pieces = kept.get(name, column.pieces)
        u = stream(seed, f"marginals/{name}", block).random((BLOCK, 4))[at]
        values = pieces.draw(leaf, u[:, 0], u[:, 1])
        values = values if column.grid is None else column.grid.settle(values)
        bounds = book.bounds(name, rows, len(at))
        rows[name] = values if bounds is None else draw_within(pieces, column.grid, leaf, values, bounds, u[:, 2:])
    return rows
