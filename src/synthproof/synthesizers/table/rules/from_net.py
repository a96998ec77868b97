"""Rows of a network of codes, under conditions and rules: what every generator that learns such a network does to draw."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import numpy.typing as npt

from synthproof.core.contracts import Conditions
from synthproof.core.random import blocks_of
from synthproof.core.run import Run
from synthproof.data.table.dataset import Table
from synthproof.synthesizers.table.columns.conditions import read_conditions
from synthproof.synthesizers.table.columns.layout import Layout
from synthproof.synthesizers.table.columns.network import Foresight, Net, plain_chunk
from synthproof.synthesizers.table.rules.book import Book
from synthproof.synthesizers.table.rules.bounds import Bounds
from synthproof.synthesizers.table.rules.conflicts import check_conditions
from synthproof.synthesizers.table.rules.ruled import draw_under_rules
from synthproof.synthesizers.table.rules.within import draw_within

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

_CHUNK = 16  # blocks drawn at a time


def draw_from_net(
    net: Net, layout: Layout, book: Book, n: int, *, where: Conditions | None, seed: int, run: Run, first: int = 0
) -> Table:
    """Return rows ``first … first + n`` of the endless table that a network, its rules and a seed stand for.

    Conditions are met by every row. The other columns follow the network's own conditional distribution: exactly where
    every node has one parent, else up to the Monte Carlo error of a pool of at least 4,096 rows a block.

    Raises
    ------
    ConditionError
        The conditions cannot be met, with the estimated probability.
    """
    grids = {name: c.grid for name, c in net.columns.items() if c.grid is not None}
    asked = read_conditions(where, layout.schema, grids, layout.wide)
    check_conditions(book, asked)
    blocks, mine = blocks_of(first, n)
    foresight, pool = None, 1
    if asked:
        foresight = Foresight.of(net, asked)
        run.tick("conditions", 0, 1)
        pool = foresight.pool()
    if not book.empty:
        draw = partial(_mended, net, foresight, pool)
        ruled = draw_under_rules(book, draw, blocks=blocks, mine=mine, seed=seed, run=run, asked=asked)
        return layout.table(ruled, n, seed, first=first, asked=asked)
    if foresight is not None:
        parts = run.map(partial(foresight.block, seed, pool), blocks, "sample")
    else:
        chunks = [(b, min(_CHUNK, blocks.stop - b)) for b in blocks[::_CHUNK]]
        parts = run.map(partial(plain_chunk, net, seed), chunks, "sample")
    drawn = {name: np.concatenate([p[name] for p in parts] or [np.empty(0)])[mine] for name in net.columns}
    return layout.table(drawn, n, seed, first=first, asked=asked)


def _mended(
    net: Net, foresight: Foresight | None, pool: int, book: Book, seed: int, block: int, at: IntArray
) -> dict[str, FloatArray]:
    """Return some rows of a block, mended column by column: a value that breaks a rule is drawn anew from the part of its
    column that the rules allow beside the columns before it.
    """
    drawn = plain_chunk(net, seed, (block, 1)) if foresight is None else foresight.block(seed, pool, block)

    def redraw(name: str, bounds: Bounds, values: FloatArray, u: FloatArray) -> FloatArray:
        bins = net.columns[name]
        whole = replace(bins.pieces, start=bins.pieces.start[[0, -1]])
        return draw_within(whole, bins.grid, np.zeros(len(values), dtype=np.intp), values, bounds, u)

    rows = {name: values[at] for name, values in drawn.items()}
    return book.repair(rows, seed, block, held=() if foresight is None else foresight.asked, redraw=redraw, at=at)


__all__ = ["draw_from_net"]
