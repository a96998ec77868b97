"""What the generators of the torch extra share: how they begin to learn, and how they draw under conditions and rules."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from synthproof.core.contracts import Conditions, Tags
from synthproof.core.models import Saved
from synthproof.core.params import Params, check_range
from synthproof.core.random import blocks_of, derive, fresh_seed
from synthproof.core.run import Run, quiet
from synthproof.core.state import State
from synthproof.data.table.chunks import Data, bounded
from synthproof.data.table.dataset import Table
from synthproof.synthesizers.table.columns.codebook import Codebook, CodedColumn, codebook_of
from synthproof.synthesizers.table.columns.conditions import read_conditions
from synthproof.synthesizers.table.columns.folds import split_rows
from synthproof.synthesizers.table.columns.layout import Layout, check_count, lay_out, persons_of
from synthproof.synthesizers.table.columns.model import fitted
from synthproof.synthesizers.table.columns.pieces import Pieces
from synthproof.synthesizers.table.columns.steering import Steer, steer_of
from synthproof.synthesizers.table.rules.book import Book
from synthproof.synthesizers.table.rules.bounds import Bounds
from synthproof.synthesizers.table.rules.conflicts import check_conditions
from synthproof.synthesizers.table.rules.ruled import Ruled, draw_under_rules, learn_book
from synthproof.synthesizers.table.rules.within import draw_within

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
Block = Callable[[int, int], Mapping[str, FloatArray]]
"""(seed, block) → one whole block of rows, values and level codes by column."""

_BOUNDS: Mapping[str, tuple[float, float]] = {
    "width": (1, 65536),
    "depth": (1, 64),
    "stretches": (1, 4096),
    "epochs": (1, 1e7),
    "batch_size": (1, 1e7),
    "learning_rate": (1e-8, 1),
    "patience": (0, 1e7),
    "min_shared": (1, 1e9),
}


@dataclass(frozen=True, slots=True)
class Begun:
    """A table made ready to learn from.

    Parameters
    ----------
    seed
        Of this fit.
    layout, book
        What is drawn, and the rules it keeps.
    codebook
        Codes of the columns.
    codes, places
        Codes and positions of all rows, shape (n, p).
    rows, valid
        Rows to learn from, and rows that decide when to stop.
    """

    seed: int
    layout: Layout
    book: Book
    codebook: Codebook
    codes: npt.NDArray[np.int32]
    places: npt.NDArray[np.float32]
    rows: IntArray
    valid: IntArray


class Neural(Params, Saved, Ruled, ABC):
    """Base of generators that learn a codebook's codes and positions with a network.

    A subclass has the parameters ``width depth stretches epochs batch_size learning_rate patience budget_s min_shared
    row_wise random_state``, calls `_begin` and `_keep` in ``fit``, and draws in `_blocks`.
    """

    tags: ClassVar[Tags] = Tags(family="neural", extra="torch")
    _codebook: Codebook
    losses_: FloatArray
    seed_: int

    def _begin(self, data: Data, run: Run, task: str, **own: tuple[float, float]) -> Begun:
        """Check parameters (`own`: ranges of the subclass's), and make a table ready.

        Raises
        ------
        ConfigError
            ``params/out-of-range``.
        DataError
            The table cannot be learned.
        """
        params = self.get_params()
        for name, (low, high) in {**_BOUNDS, **own}.items():
            check_range(self, name, params[name], low, high)
        if params["budget_s"] is not None:
            check_range(self, "budget_s", params["budget_s"], 0, 1e9)
        seed = fresh_seed() if params["random_state"] is None else int(params["random_state"])
        shared = params["min_shared"]
        data = bounded(data, seed=seed)
        layout = lay_out(data, seed=seed, row_wise=params["row_wise"], min_shared=shared)
        whole, data = data, layout.seen(data)
        run.tick(f"{task}: codes", 0, 1)
        codebook = codebook_of(
            data, layout.modelled, stretches=params["stretches"], min_shared=shared, persons=persons_of(data)
        )
        codes, places = codebook.read(data, seed)
        book, layout = learn_book(whole, layout, codebook.grids)
        return Begun(seed, layout, book, codebook, codes, places, *split_rows(data, seed))

    def _keep(self, begun: Begun, losses: tuple[tuple[float, float], ...]) -> None:
        """Keep what `_begin` made: the last thing a fit does, so that a cancelled one leaves nothing."""
        self._layout, self._book, self._codebook = begun.layout, begun.book, begun.codebook
        self.losses_ = np.array(losses, dtype=np.float64).reshape(-1, 2)
        self.seed_ = begun.seed

    @abstractmethod
    def _blocks(self, steer: Steer | None, run: Run) -> Block:
        """Return what draws whole blocks of rows under conditions."""

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

        Under conditions latents or partial rows are weighted by the chance that they meet them and resampled; the
        conditioned columns are then drawn from their allowed part. A value that breaks a rule is drawn anew from the
        part of its column that the rules allow beside the columns before it.

        Raises
        ------
        ConditionError
            Conditions or rules cannot be met, with the estimated probability.
        MissingExtraError
            ``extra/missing``: torch is not installed.
        """
        layout: Layout = fitted(self, "_layout", "sample")
        run, n = quiet(run), check_count(n)
        seed = derive(self.seed_, "sample") if seed is None else int(seed)
        asked = read_conditions(where, layout.schema, self._codebook.grids, layout.wide)
        check_conditions(self._book, asked)
        draw = self._blocks(steer_of(self._codebook, asked), run)
        blocks, mine = blocks_of(first, n)
        if not self._book.empty:
            mended = partial(_mended, draw, self._codebook, tuple(asked))
            ruled = draw_under_rules(self._book, mended, blocks=blocks, mine=mine, seed=seed, run=run, asked=asked)
            return layout.table(ruled, n, seed, first=first, asked=asked)
        parts = run.map(partial(draw, seed), blocks, "sample")
        names = [c.name for c in self._codebook.columns]
        drawn = {k: np.concatenate([p[k] for p in parts] or [np.empty(0)])[mine] for k in names}
        return layout.table(drawn, n, seed, first=first, asked=asked)

    def get_state(self) -> State:
        """Return what was learned as JSON values and arrays."""
        layout: Layout = fitted(self, "_layout", "get_state")
        return {
            "layout": layout.get_state(),
            "book": self._book.get_state(),
            "codebook": self._codebook.get_state(),
            "losses": self.losses_,
            "seed": self.seed_,
            "net": self._net_state(),
        }

    def set_state(self, state: State, /) -> Self:
        """Take back what `get_state` returned."""
        self._layout = Layout.from_state(state["layout"])
        self._book = Book.from_state(state["book"], self._layout.schema)
        self._codebook = Codebook.from_state(state["codebook"])
        self._take_net(state["net"])
        self.losses_ = state["losses"]
        self.seed_ = int(state["seed"])
        return self

    @abstractmethod
    def _net_state(self) -> dict[str, Any]:
        """Return the network as plain values and arrays."""

    @abstractmethod
    def _take_net(self, state: Mapping[str, Any]) -> None:
        """Take back what `_net_state` returned; the codebook is there already."""


def _mended(
    draw: Block, codebook: Codebook, held: tuple[str, ...], book: Book, seed: int, block: int, at: IntArray
) -> dict[str, FloatArray]:
    """Return some rows of a block, mended column by column."""
    rows = {name: values[at] for name, values in draw(seed, block).items()}
    columns = {c.name: c for c in codebook.columns}

    def redraw(name: str, bounds: Bounds, values: FloatArray, u: FloatArray) -> FloatArray:
        column = columns[name]
        return draw_within(_margin(column), column.grid, np.zeros(len(values), dtype=np.intp), values, bounds, u)

    return book.repair(rows, seed, block, held=held, redraw=redraw, at=at)


def _margin(column: CodedColumn) -> Pieces:
    """Return a column's pieces as one leaf, ascending, missing last."""
    p = column.pieces
    order = np.lexsort((p.high, p.low))
    cum = np.concatenate([[0.0], np.cumsum(np.diff(p.cum)[order])])
    return replace(p, start=np.array([0, len(order)], dtype=np.intp), low=p.low[order], high=p.high[order], cum=cum)
