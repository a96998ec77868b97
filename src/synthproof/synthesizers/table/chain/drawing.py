"""Drawing rows from a chain, whatever is known of them beforehand.

Columns come in the chain's order. A row of which something later is given asks the free network, which looks at all that
is known; any other row asks the chain. So a condition costs no rejected rows, and what needs no foresight is drawn by the
finer model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synthproof.core.random import BLOCK, stream
from synthproof.engines.nets.drawing import ChainPass, free_logits
from synthproof.engines.nets.network import CodeArray, Float32Array, Network
from synthproof.engines.threads import one_blas_thread
from synthproof.synthesizers.table.chain.column import Wanted, draw_column, interval_of
from synthproof.synthesizers.table.chain.digits import Digits
from synthproof.synthesizers.table.chain.model import Chain
from synthproof.synthesizers.table.chain.value_stage import ValueStage
from synthproof.synthesizers.table.columns.conditions import Condition
from synthproof.synthesizers.table.rules.book import Book
from synthproof.synthesizers.table.rules.bounds import Bounds

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.intp]

_DICE = 8  # uniforms per row and column: two digits and a place in the bin, twice


@dataclass(frozen=True, slots=True)
class Given:
    """Values of one column that are known before drawing.

    Parameters
    ----------
    values
        Shape (n,): numbers or codes, NaN missing.
    known
        Shape (n,): whether the row's value is known (it may be known to be missing).
    """

    values: FloatArray
    known: BoolArray

    def take(self, rows: IntArray) -> Given:
        """Return those of some rows."""
        return Given(self.values[rows], self.known[rows])


def wanted_of(chain: Chain, asked: Mapping[str, Condition]) -> dict[str, Wanted]:
    """Return the conditions by column, in the chain's order."""
    found: dict[str, Wanted] = {}
    for column in chain.columns:
        if column.name in asked:
            share, pieces = column.bins.allowed(asked[column.name])
            part = asked[column.name].part
            if part:  # groups of levels, of which some levels are meant
                low = {code: p for (code, _), p in zip(asked[column.name].ranges, part, strict=True)}
                share = share * np.array([low.get(x, 1.0) for x in column.bins.pieces.low])
            found[column.name] = Wanted(share, pieces)
    return found


class Draft:
    """Rows being drawn: what is known, what is still to come.

    Parameters
    ----------
    chain
        The model.
    n
        Number of rows.
    given
        What is known beforehand, by column.
    """

    def __init__(self, chain: Chain, n: int, given: Mapping[str, Given]) -> None:
        self.chain, self.n = chain, n
        self.values: dict[str, FloatArray] = {}
        self.known: dict[str, BoolArray] = {}
        self.placed = np.full((n, chain.free.positions.count), -1, dtype=np.int32)
        for name, g in given.items():
            self.values[name], self.known[name] = np.array(g.values), np.array(g.known)
            self._place(name, np.flatnonzero(g.known))

    def settle(self, name: str, rows: IntArray, values: FloatArray) -> None:
        """Take drawn values of some rows of a column."""
        if name not in self.values:
            self.values[name], self.known[name] = np.full(self.n, np.nan), np.zeros(self.n, dtype=np.bool_)
        self.values[name][rows] = values
        self.known[name][rows] = True
        self._place(name, rows)

    def missing(self, name: str) -> IntArray:
        """Return the rows whose value of a column is not known yet."""
        return np.flatnonzero(~self.known[name]) if name in self.known else np.arange(self.n, dtype=np.intp)

    def codes(self, name: str) -> CodeArray:
        """Return the codes of a column, shape (n, positions of the column), -1 unknown."""
        a, b = self.chain.span(name)
        at = self.chain.free.at[a:b]
        return np.where(self.placed[:, a:b] < 0, -1, self.placed[:, a:b] - at).astype(np.int32)

    def ahead(self, name: str) -> BoolArray:
        """Return the rows of which some column after this one is known, shape (n,)."""
        _, b = self.chain.span(name)
        return np.asarray((self.placed[:, b:] >= 0).any(axis=1))

    def bounds(self, book: Book, name: str, rows: IntArray) -> Bounds | None:
        """Return what the rules leave of a column for some rows, from the columns that all of these rows know."""
        if book.empty or name not in book.names:
            return None
        known = {k: v[rows] for k, v in self.values.items() if k != name and self.known[k][rows].all()}
        return book.bounds(name, known, len(rows))

    def _place(self, name: str, rows: IntArray) -> None:
        column = next(c for c in self.chain.columns if c.name == name)
        a, b = self.chain.span(name)
        codes = column.encode(self.values[name][rows])
        self.placed[rows, a:b] = np.where(codes < 0, -1, codes + self.chain.free.at[a:b])


@one_blas_thread()
def draw_rows(
    chain: Chain,
    book: Book,
    wanted: Mapping[str, Wanted],
    given: Mapping[str, Given],
    *,
    seed: int,
    block: int,
    at: IntArray,
    foresight: bool = True,
) -> dict[str, FloatArray]:
    """Return drawn rows.

    Parameters
    ----------
    book
        Rules to draw within (with the conditions: `Book.under`).
    wanted
        Conditions, by column.
    given
        Known values of these rows, by column.
    seed, block, at
        Address of the randomness: row i is row ``at[i]`` of the block.
    foresight
        Whether columns with conditions are drawn first, so that all others follow them.
    """
    draft = Draft(chain, len(at), given)

    def dice(column: Digits) -> FloatArray:
        return stream(seed, f"chain/{column.name}", block).random((BLOCK, _DICE))[at]

    if foresight:
        draw_conditions(draft, book, wanted, dice)
    count = len(chain.nets)
    shares = [np.flatnonzero(at % count == k).astype(np.intp) for k in range(count)]
    passes = [(ChainPass(net, len(mine)), mine) for net, mine in zip(chain.nets, shares, strict=True)]
    for column in chain.columns:
        todo = draft.missing(column.name)
        u = dice(column) if len(todo) else np.empty((len(at), 0))
        ahead = draft.ahead(column.name)[todo]
        if ahead.any():
            rows = todo[ahead]
            _draw_free(draft, column, rows, book, wanted.get(column.name), u[rows])
        for one, mine in passes:
            _draw_chained(draft, column, one, mine, book, wanted.get(column.name), u)
    return draft.values


def draw_conditions(
    draft: Draft, book: Book, wanted: Mapping[str, Wanted], dice: Callable[[Digits], FloatArray]
) -> dict[str, FloatArray]:
    """Draw the columns with conditions, each from all that is known; return the log probabilities that they are met."""
    log_p: dict[str, FloatArray] = {}
    for column in draft.chain.columns:
        if column.name in wanted:
            rows = draft.missing(column.name)
            log_p[column.name] = _draw_free(draft, column, rows, book, wanted[column.name], dice(column)[rows])
    return log_p


class _Chained:
    """A chain's pass as the source of one column's logits."""

    def __init__(self, one: ChainPass, first: int) -> None:
        self._one, self._first = one, first
        self._codes: list[CodeArray] = []

    def logits(self, step: int, rows: IntArray | None = None) -> Float32Array:
        return self._one.logits(self._first + step, rows)

    def tell(self, step: int, codes: CodeArray) -> None:
        self._codes.append(np.array(codes))
        self._one.tell(self._first + step, self._codes[-1])

    def change(self, step: int, rows: IntArray, codes: CodeArray) -> None:
        self._one.change(self._first + step, rows, self._codes[step][rows], codes)
        self._codes[step][rows] = codes


class _Free:
    """A free network as the source of one column's logits."""

    def __init__(self, net: Network, placed: CodeArray, first: int) -> None:
        self._net, self._placed, self._first = net, placed, first

    def logits(self, step: int, rows: IntArray | None = None) -> Float32Array:
        return free_logits(self._net, self._placed if rows is None else self._placed[rows], self._first + step)

    def tell(self, step: int, codes: CodeArray) -> None:
        p = self._first + step
        self._placed[:, p] = np.where(codes < 0, -1, codes + int(self._net.at[p]))

    def change(self, step: int, rows: IntArray, codes: CodeArray) -> None:
        p = self._first + step
        self._placed[rows, p] = np.where(codes < 0, -1, codes + int(self._net.at[p]))


def _draw_free(
    draft: Draft, column: Digits, rows: IntArray, book: Book, asked: Wanted | None, u: FloatArray
) -> FloatArray:
    """Draw a column of some rows from all that is known of them; return the log of what the condition leaves."""
    first, _ = draft.chain.span(column.name)
    source = _Free(draft.chain.free, draft.placed[rows], first)
    known = np.full((len(rows), len(column.sizes)), -1, dtype=np.int32)
    bounds = draft.bounds(book, column.name, rows)
    values, log_p = draw_column(column, source, known, np.arange(len(rows)), bounds, asked, u)
    draft.settle(column.name, rows, values)
    return log_p


def _draw_chained(
    draft: Draft, column: Digits, one: ChainPass, mine: IntArray, book: Book, asked: Wanted | None, u: FloatArray
) -> None:
    """Draw a column of those rows of a pass that do not know it yet; the pass is told the column of all its rows."""
    first, _ = draft.chain.span(column.name)
    source = _Chained(one, first)
    todo = np.intersect1d(mine, draft.missing(column.name), assume_unique=True)
    known = draft.codes(column.name)[mine]
    if not len(todo):
        _tell(source, column, known)
        return
    bounds = draft.bounds(book, column.name, todo)
    inside = np.searchsorted(mine, todo)
    stage = draft.chain.stages.get(column.name)
    if stage is not None and asked is None:
        draft.settle(column.name, todo, _draw_staged(draft, stage, todo, bounds, u[todo]))
        _tell(source, column, draft.codes(column.name)[mine])
        return
    values, _ = draw_column(column, source, known, inside, bounds, asked, u[mine])
    draft.settle(column.name, todo, values)


def _tell(source: _Chained, column: Digits, codes: CodeArray) -> None:
    for step in range(len(column.sizes)):
        source.tell(step, np.ascontiguousarray(codes[:, step]))


def _draw_staged(draft: Draft, stage: ValueStage, rows: IntArray, bounds: Bounds | None, u: FloatArray) -> FloatArray:
    """Draw a column of some rows by trees on the raw values of the columns before it."""
    before = {f.name: draft.values[f.name][rows] for f in stage.features}
    if bounds is None:
        return stage.draw(before, np.ascontiguousarray(u[:, :2]))
    values = stage.draw(before, np.ascontiguousarray(u[:, :2]), *interval_of(bounds))
    return bounds.settle(values)
