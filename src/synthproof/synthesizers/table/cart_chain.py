"""Sequential synthesis: one column after the other, each drawn from small pruned trees over the columns before it.

The manner of Reiter (2005, "Using CART to generate partially synthetic, public use microdata", Journal of Official
Statistics 21) and synthpop (Nowok, Raab & Dibben 2016, doi:10.18637/jss.v074.i11), with three changes that keep it from
remembering people: several trees on bootstraps, of which each row takes one at random; trees pruned by the rows left
out of their bootstrap, so that noise makes no leaves; and no real continuous value handed out, since a donor's value
only chooses an interval around it.

Columns come by rising cardinality. A condition (`where`) is met inside the chain: at each conditioned column a pool of
partial rows is weighted by the share of its leaf that the condition allows, resampled, and drawn from that part alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt

from synthproof.core.contracts import Conditions, Tags
from synthproof.core.errors import ConditionError
from synthproof.core.models import Saved
from synthproof.core.params import Params, check_range
from synthproof.core.random import BLOCK, blocks_of, derive, fresh_seed, stream
from synthproof.core.run import Run, quiet
from synthproof.core.state import State
from synthproof.data.table.chunks import Data, bounded
from synthproof.data.table.dataset import Table
from synthproof.engines.codes import numbers_or_codes
from synthproof.synthesizers.table.columns.conditions import impossible, read_conditions
from synthproof.synthesizers.table.columns.layout import Layout, check_count, lay_out, persons_of
from synthproof.synthesizers.table.columns.links import Link, learn, link
from synthproof.synthesizers.table.columns.model import fitted
from synthproof.synthesizers.table.columns.pieces import Pieces
from synthproof.synthesizers.table.columns.pools import LEAST_EFFECTIVE, WIDEST, effective_share, pool_blocks, resample
from synthproof.synthesizers.table.rules.book import Book
from synthproof.synthesizers.table.rules.conflicts import check_conditions
from synthproof.synthesizers.table.rules.ruled import Ruled, draw_under_rules, learn_book
from synthproof.synthesizers.table.rules.within import draw_within

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

_CHUNK = 16  # blocks drawn at a time


class CartChain(Params, Saved, Ruled):
    """Draw each column from trees over the columns before it.

    Parameters
    ----------
    trees
        Trees per column; each row takes one of them.
    min_leaf
        Rows that a leaf holds at least before pruning.
    slack
        How loosely trees are pruned, 0 to 1: less remembers less, more follows the data closer.
    features
        Share of the earlier columns that a split may choose from.
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
    seed_
        Seed that was used.

    Notes
    -----
    Fit O(trees · columns² · n log n), sampling O(n · columns · depth).
    """

    tags: ClassVar[Tags] = Tags(family="sequential")

    def __init__(
        self,
        *,
        trees: int = 6,
        min_leaf: int = 10,
        slack: float = 0.8,
        features: float = 1.0,
        min_shared: int = 10,
        row_wise: bool = False,
        random_state: int | None = None,
    ) -> None:
        self.trees = trees
        self.min_leaf = min_leaf
        self.slack = slack
        self.features = features
        self.min_shared = min_shared
        self.row_wise = row_wise
        self.random_state = random_state

    def fit(self, data: Data, /, *, run: Run | None = None) -> Self:
        """Learn the chain. Columns are learned side by side on the run's workers; the result does not depend on them."""
        run = quiet(run)
        for name, low, high in (("trees", 1, 1000), ("min_leaf", 1, 1e9), ("slack", 0, 1), ("features", 1e-3, 1)):
            check_range(self, name, getattr(self, name), low, high)
        check_range(self, "min_shared", self.min_shared, 1, 1e9)
        run.tick("cart_chain", 0, 1)
        seed = fresh_seed() if self.random_state is None else int(self.random_state)
        data = bounded(data, seed=seed)
        layout = lay_out(data, seed=seed, row_wise=self.row_wise, min_shared=self.min_shared)
        whole, data = data, layout.seen(data)
        learned = learn(data, layout.modelled, min_shared=self.min_shared, persons=persons_of(data))
        grow_link = partial(
            link,
            learned,
            trees=self.trees,
            min_leaf=self.min_leaf,
            slack=self.slack,
            features=self.features,
            seed=seed,
        )
        links = run.map(grow_link, range(len(learned.order)), "cart_chain")
        grids = {k.name: k.grid for k in links if k.grid is not None}
        self._book, self._layout = learn_book(whole, layout, grids)
        self._links: tuple[Link, ...] = tuple(links)
        self.seed_ = seed
        return self

    @property
    def order_(self) -> tuple[str, ...]:
        """Columns in the order in which they are drawn."""
        return tuple(k.name for k in fitted(self, "_links", "order_"))

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

        Conditions are met by every row. The rows' other columns follow the model's own conditional distribution, up to
        the Monte Carlo error of a pool of at least 4,096 partial rows a block; nothing is drawn and thrown away until
        it fits.

        Raises
        ------
        ConditionError
            The conditions cannot be met, with the estimated probability.
        """
        layout: Layout = fitted(self, "_layout", "sample")
        run, n = quiet(run), check_count(n)
        seed = derive(self.seed_, "sample") if seed is None else int(seed)
        grids = {k.name: k.grid for k in self._links if k.grid is not None}
        asked = read_conditions(where, layout.schema, grids, layout.wide)
        check_conditions(self._book, asked)
        allowed = {k.name: k.pieces.restrict(asked[k.name]) for k in self._links if k.name in asked}
        pool = _pool(self._links, allowed, run) if allowed else 1
        blocks, mine = blocks_of(first, n)
        if not self._book.empty:
            under = partial(_ruled_block, self._links, allowed, pool)
            drawn = draw_under_rules(self._book, under, blocks=blocks, mine=mine, seed=seed, run=run, asked=asked)
            return layout.table(drawn, n, seed, first=first, asked=asked)
        if allowed:
            draw = partial(_conditional_block, self._links, allowed, pool, seed)
            parts = run.map(draw, blocks, "sample")
        else:
            chunks = [(b, min(_CHUNK, blocks.stop - b)) for b in blocks[::_CHUNK]]
            parts = run.map(partial(_plain_chunk, self._links, seed), chunks, "sample")
        drawn = {k.name: np.concatenate([p[k.name] for p in parts] or [np.empty(0)])[mine] for k in self._links}
        return layout.table(drawn, n, seed, first=first, asked=asked)

    def log_prob(self, data: Table, /, *, run: Run | None = None) -> FloatArray:
        """Return each row's log-likelihood in nats, shape (n_rows,).

        Probabilities of levels, shared numbers and missing values, densities per lattice step elsewhere (per thousandth
        of the range without a lattice). What no tree expects costs as much as one row in two thousand times the
        rows learned from.
        """
        links: tuple[Link, ...] = fitted(self, "_links", "log_prob")
        data = self._layout.seen(data)
        rows = {k.name: numbers_or_codes(data.frame[k.name], data.schema.field(k.name)) for k in links}
        floor = 0.5e-3 / (float(links[0].pieces.mass.sum()) + 0.5) if links else 1.0
        total = np.zeros(data.n_rows)
        for k in quiet(run).each(links, "log_prob"):
            total += np.log(np.maximum(k.chance(rows, rows[k.name]), floor))
        return total

    def get_state(self) -> State:
        """Return what was learned as JSON values and arrays."""
        layout: Layout = fitted(self, "_layout", "get_state")
        links = [k.get_state() for k in self._links]
        return {"layout": layout.get_state(), "links": links, "book": self._book.get_state(), "seed": self.seed_}

    def set_state(self, state: State, /) -> Self:
        """Take back what `get_state` returned."""
        self._layout = Layout.from_state(state["layout"])
        self._book = Book.from_state(state["book"], self._layout.schema)
        self._links = tuple(Link.from_state(s) for s in state["links"])
        self.seed_ = int(state["seed"])
        return self


def _plain_chunk(links: tuple[Link, ...], seed: int, chunk: tuple[int, int]) -> dict[str, FloatArray]:
    """Return some whole blocks of rows; row i of block b depends on (seed, b, i) alone."""
    first, count = chunk
    drawn: dict[str, FloatArray] = {}
    for k in links:
        draws = [stream(seed, f"cart/{k.name}", first + b).random((BLOCK, 3)) for b in range(count)]
        drawn[k.name] = k.draw(drawn, np.concatenate(draws))
    return drawn


def _ruled_block(
    links: tuple[Link, ...],
    allowed: Mapping[str, Pieces],
    pool: int,
    book: Book,
    seed: int,
    block: int,
    at: IntArray,
) -> dict[str, FloatArray]:
    """Return some rows of a block, each column drawn within what the rules leave of it."""
    if allowed:
        rows = _conditional_block(links, allowed, pool, seed, block, book)
        return {name: values[at] for name, values in rows.items()}
    rows = {}
    for k in links:
        rows[k.name] = _draw(
            k, rows, stream(seed, f"cart/{k.name}", block).random((BLOCK, 3))[at], book, seed, block, at
        )
    return rows


def _draw(
    k: Link,
    rows: Mapping[str, FloatArray],
    u: FloatArray,
    book: Book,
    seed: int,
    block: int,
    at: IntArray | slice,
    pieces: Pieces | None = None,
    leaf: IntArray | None = None,
) -> FloatArray:
    """Return a column for partial rows, within what the rules leave of it; `pieces` and `leaf` if known already."""
    pieces = k.pieces if pieces is None else pieces
    leaf = k.leaf(rows, u[:, 2]) if leaf is None else leaf
    values = k.settle(pieces.draw(leaf, u[:, 0], u[:, 1]))
    bounds = book.bounds(k.name, rows, len(u))
    if bounds is None or bounds.allows(values).all():
        return values
    size = max(BLOCK, len(u))
    again = stream(seed, f"cart/{k.name}/rules", block).random((size, 2))[at]
    return draw_within(pieces, k.grid, leaf, values, bounds, again)


def _conditional_block(
    links: tuple[Link, ...], allowed: Mapping[str, Pieces], pool: int, seed: int, block: int, book: Book | None = None
) -> dict[str, FloatArray]:
    """Return one block of rows that meet the conditions."""
    rows, _, _ = _filter(links, allowed, pool * BLOCK, seed, block, "pool", book)
    last = max(i for i, k in enumerate(links) if k.name in allowed)
    if pool > 1:
        rows = {name: values[:BLOCK] for name, values in rows.items()}
    for k in links[last + 1 :]:
        u = stream(seed, f"cart/{k.name}", block).random((BLOCK, 3))
        rows[k.name] = k.draw(rows, u) if book is None else _draw(k, rows, u, book, seed, block, slice(None))
    return rows


def _filter(
    links: tuple[Link, ...],
    allowed: Mapping[str, Pieces],
    size: int,
    seed: int,
    block: int,
    purpose: str,
    book: Book | None = None,
) -> tuple[dict[str, FloatArray], float, float]:
    """Draw partial rows up to the last conditioned column; return them, their probability and effective share.

    A sequential Monte Carlo filter (Gordon, Salmond & Smith 1993, doi:10.1049/ip-f-2.1993.0015) with systematic
    resampling. Resampled rows are shuffled, so that any head of them is as good as the whole.

    Raises
    ------
    ConditionError
        No partial row leaves the condition any probability.
    """
    rows: dict[str, FloatArray] = {}
    probability, effective = 1.0, 1.0
    left = len(allowed)
    for k in links:
        if not left:
            break
        u = stream(seed, f"cart/{purpose}/{k.name}", block).random((size, 3))
        if k.name not in allowed:
            rows[k.name] = k.draw(rows, u) if book is None else _draw(k, rows, u, book, seed, block, slice(None))
            continue
        leaf = k.leaf(rows, u[:, 2])
        weight = (allowed[k.name].mass / k.pieces.mass)[leaf]
        total = float(weight.sum())
        if total <= 0:
            raise impossible(k.name, 3 * probability / size, tuple(allowed))
        probability *= total / size
        effective *= effective_share(weight)
        dice = stream(seed, f"cart/{purpose}/{k.name}/resample", block)
        kept = resample(weight, size, dice)
        rows = {name: values[kept] for name, values in rows.items()}
        some, where = allowed[k.name], leaf[kept]
        if book is None:
            rows[k.name] = k.settle(some.draw(where, u[:, 0], u[:, 1]))
        else:
            rows[k.name] = _draw(k, rows, u, book, seed, block, slice(None), some, where)
        left -= 1
    return rows, probability, effective


def _pool(links: tuple[Link, ...], allowed: Mapping[str, Pieces], run: Run) -> int:
    """Return how many blocks of partial rows make one block of drawn rows, from a pilot; or refuse.

    Raises
    ------
    ConditionError
        Even the widest pool would hold fewer than 30 effective rows.
    """
    run.tick("conditions", 0, 2)
    seed = 0  # the pilot is the same for every seed: whether a condition is refused must not be a matter of luck
    try:
        _, probability, effective = _filter(links, allowed, BLOCK, seed, 0, "pilot")
    except ConditionError:
        effective = 0.0
    if effective * BLOCK < LEAST_EFFECTIVE:
        run.tick("conditions", 1, 2)
        _, probability, effective = _filter(links, allowed, WIDEST * BLOCK, seed, 0, "pilot")
        if effective * BLOCK * WIDEST < LEAST_EFFECTIVE:
            raise impossible(next(reversed(list(allowed))), probability, tuple(allowed))
    return pool_blocks(effective)
