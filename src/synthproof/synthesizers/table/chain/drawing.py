"""Drawing rows from a chain, whatever is known of them beforehand.

Columns come in the chain's order. Where something later in the order is given, the informed network draws, which was told
it; elsewhere the plain chain. What a condition leaves open (a range, several levels) is settled first, by drafts of the
chain up to there, of which only the conditioned values are kept, in proportion to how likely the condition was; all other
columns are then drawn given these. Of a row that needs foresight several drafts are made, and one is taken by how likely
the plain chain holds it against how readily the informed network proposed it: so the chain's own conditional distribution
is met even where the informed network is a little off. A condition costs no rejected rows, and no two rows share a draft.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from synthproof.core.random import BLOCK, stream
from synthproof.engines.nets.drawing import ChainPass
from synthproof.engines.nets.network import CodeArray, Float32Array
from synthproof.engines.threads import one_blas_thread
from synthproof.synthesizers.table.chain.column import Wanted, draw_column, interval_of, place_anew
from synthproof.synthesizers.table.chain.digits import Digits
from synthproof.synthesizers.table.chain.model import Chain
from synthproof.synthesizers.table.chain.value_stage import ValueStage
from synthproof.synthesizers.table.columns.conditions import Condition, impossible
from synthproof.synthesizers.table.columns.pools import resample
from synthproof.synthesizers.table.rules.book import Book
from synthproof.synthesizers.table.rules.bounds import Bounds

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.intp]

_BROKEN = 1e6  # a draft that breaks a rule is taken only where all do
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

    Attributes
    ----------
    told
        Shape (n, positions): one more than the position where its code was given, else 0.
    """

    def __init__(self, chain: Chain, n: int, given: Mapping[str, Given]) -> None:
        self.chain, self.n = chain, n
        self.values: dict[str, FloatArray] = {}
        self.known: dict[str, BoolArray] = {}
        self.placed = np.full((n, chain.informed.positions.count), -1, dtype=np.int32)
        for name, g in given.items():
            self.values[name], self.known[name] = np.array(g.values), np.array(g.known)
            self._place(name, np.flatnonzero(g.known))
        self.told = np.where(self.placed >= 0, np.arange(self.placed.shape[1]) + 1, 0)

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
        at = self.chain.informed.at[a:b]
        return np.where(self.placed[:, a:b] < 0, -1, self.placed[:, a:b] - at).astype(np.int32)

    @property
    def ahead(self) -> IntArray:
        """For each row the first position after everything that was given of it, shape (n,)."""
        return np.asarray(self.told.max(axis=1), dtype=np.intp)

    @property
    def first_unknown(self) -> IntArray:
        """For each row the first position that was not given, shape (n,)."""
        gone = self.told == 0
        return np.asarray(np.where(gone.any(axis=1), gone.argmax(axis=1), gone.shape[1]), dtype=np.intp)

    @property
    def foreseen(self) -> BoolArray:
        """Which rows know something after what they do not know, so that the informed network drew them, shape (n,)."""
        return np.asarray(self.told.max(axis=1) > self.first_unknown)

    def log_weight(self, rows: IntArray) -> FloatArray:
        """Return how much more often than these drafts rows like them should come, shape (rows,), logs."""
        out = np.zeros(len(rows))
        foreseen = self.foreseen[rows]
        out[foreseen] = self._readiness(rows[foreseen])
        if self.chain.ratio is not None:
            out += self.chain.ratio.log({name: values[rows] for name, values in self.values.items()})
        return out

    def _readiness(self, rows: IntArray) -> FloatArray:
        """Return how likely the chain holds whole rows against how readily the informed network drew them, logs."""
        placed, told = self.placed[rows], self.told[rows]
        before = np.arange(placed.shape[1]) < told.max(axis=1, keepdims=True)
        likely = self.chain.nets[0].losses(placed)
        ready = self.chain.informed.losses(placed, np.where(told > 0, placed, -1).astype(np.int32))
        out = np.where(before & (told == 0), ready, 0.0) - np.where(before, likely, 0.0)
        return np.asarray(out.sum(axis=1), dtype=np.float64)

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
        self.placed[rows, a:b] = np.where(codes < 0, -1, codes + self.chain.informed.at[a:b])


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
        Whether conditions are settled first, so that all other columns follow them.
    """

    def dice(column: Digits, purpose: str = "chain") -> FloatArray:
        return stream(seed, f"{purpose}/{column.name}", block).random((BLOCK, _DICE))[at]

    if foresight and wanted:
        settled, _ = settle_conditions(chain, book, wanted, given, dice, stream(seed, "drafts/kept", block), at)
        given, wanted = {**given, **settled}, {}
    draft = _drafted(chain, book, wanted, given, at, dice)
    gaps = draft.first_unknown < draft.told.shape[1]
    chosen = np.flatnonzero(gaps if chain.ratio is not None else gaps & draft.foreseen)
    if len(chosen):
        _choose(draft, chosen, chain, book, wanted, given, seed, block, at)
    return draft.values


def _drafted(
    chain: Chain,
    book: Book,
    wanted: Mapping[str, Wanted],
    given: Mapping[str, Given],
    at: IntArray,
    dice: Callable[[Digits], FloatArray],
) -> Draft:
    draft = Draft(chain, len(at), given)
    passes = Passes(draft, at)
    for column in chain.columns:
        _draw_missing(draft, passes, column, book, wanted.get(column.name), dice)
    return draft


def _choose(
    draft: Draft,
    rows: IntArray,
    chain: Chain,
    book: Book,
    wanted: Mapping[str, Wanted],
    given: Mapping[str, Given],
    seed: int,
    block: int,
    at: IntArray,
) -> None:
    """Exchange rows for one of several drafts each, taken by importance (Rubin 1987, doi:10.2307/2289460)."""
    mine = {name: g.take(rows) for name, g in given.items()}
    drafts = [{name: values[rows] for name, values in draft.values.items()}]
    weights = [draft.log_weight(rows)]
    for k in range(1, chain.drafts):

        def dice(column: Digits, k: int = k) -> FloatArray:
            return stream(seed, f"chain/{column.name}/{k}", block).random((BLOCK, _DICE))[at[rows]]

        other = _drafted(chain, book, wanted, mine, at[rows], dice)
        drafts.append(other.values)
        weights.append(other.log_weight(np.arange(len(rows))))
    u = stream(seed, "drafts/chosen", block).random((BLOCK, chain.drafts))[at[rows]]
    score = np.stack(weights, axis=1)
    if not book.empty:
        broken = np.stack([book.broken(one) for one in drafts], axis=1)
        score = np.where(broken, score - _BROKEN, score)
    chosen = (score - np.log(-np.log(u))).argmax(axis=1)
    for name, values in draft.values.items():
        values[rows] = np.stack([one[name] for one in drafts], axis=1)[np.arange(len(rows)), chosen]


def settle_conditions(
    chain: Chain,
    book: Book,
    wanted: Mapping[str, Wanted],
    given: Mapping[str, Given],
    dice: Callable[..., FloatArray],
    chooser: np.random.Generator,
    at: IntArray,
) -> tuple[dict[str, Given], dict[str, float]]:
    """Return values for the conditioned columns, and how likely each condition is met together with those before it.

    Drafts of rows are drawn up to the last conditioned column, each weighted by the probability that the conditions left
    it at every step, and the conditioned values of drafts chosen in proportion are kept (sequential importance
    resampling; Gordon, Salmond & Smith 1993, doi:10.1049/ip-f-2.1993.0015).
    """
    draft = Draft(chain, len(at), given)
    passes = Passes(draft, at)
    last = max(i for i, column in enumerate(chain.columns) if column.name in wanted)
    log_w = np.zeros(draft.n)
    likely: dict[str, float] = {}
    for column in chain.columns[: last + 1]:
        asked = wanted.get(column.name)
        log_w += _draw_missing(draft, passes, column, book, asked, partial(dice, purpose="drafts"))
        if asked is not None:
            likely[column.name] = float(np.exp(log_w).mean())
    weight = np.exp(log_w - log_w.max()) if np.isfinite(log_w.max()) else np.zeros(draft.n)
    if not weight.any():
        raise impossible(next(iter(wanted)), 0.0, tuple(wanted))
    chosen = resample(weight, draft.n, chooser)
    found: dict[str, Given] = {}
    every = np.ones(draft.n, dtype=np.bool_)
    for column in chain.columns:
        if column.name not in wanted:
            continue
        values = draft.values[column.name][chosen]
        if book.empty:  # another place in the same bin: chosen drafts repeat, rows must not
            u = dice(column, purpose="places")
            values = place_anew(column, draft.codes(column.name)[chosen], u, wanted[column.name])
        found[column.name] = Given(values, every)
    return found, likely


class Passes:
    """The networks' passes over the rows of a draft: one for each plain chain, and the informed one where it is needed.

    Parameters
    ----------
    draft
        Rows of which something may be given.
    at
        Their positions in the block; with several chains every row has one for all its columns.
    """

    def __init__(self, draft: Draft, at: IntArray) -> None:
        chain, count = draft.chain, len(draft.chain.nets)
        self.ahead = draft.ahead
        parts = [np.flatnonzero(at % count == k).astype(np.intp) for k in range(count)]
        self.plain = [(ChainPass(net, len(mine)), mine) for net, mine in zip(chain.nets, parts, strict=True)]
        told = np.flatnonzero(self.ahead > 0)
        self.informed = (ChainPass(chain.informed, len(told), draft.placed[told]), told) if len(told) else None


class _Step:
    """A pass as the source of one column's logits."""

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

    def finish(self, codes: CodeArray) -> None:
        """Bring what was told in line with the codes that the column has in the end, shape (n, steps)."""
        for step in range(codes.shape[1]):
            mine = np.ascontiguousarray(codes[:, step])
            if step >= len(self._codes):
                self.tell(step, mine)
                continue
            other = np.flatnonzero(self._codes[step] != mine)
            if len(other):
                self.change(step, other, mine[other])


def _draw_missing(
    draft: Draft,
    passes: Passes,
    column: Digits,
    book: Book,
    asked: Wanted | None,
    dice: Callable[[Digits], FloatArray],
) -> FloatArray:
    """Draw a column of all rows that do not know it; return the log of what the condition leaves of it, shape (n,)."""
    first, _ = draft.chain.span(column.name)
    log_p = np.zeros(draft.n)
    todo = draft.missing(column.name)
    u = dice(column) if len(todo) else np.empty((draft.n, 0))
    wise = passes.ahead > first  # something at or after this column is given
    sources = [(_Step(one, first), mine, False) for one, mine in passes.plain]
    if passes.informed is not None:
        sources.append((_Step(passes.informed[0], first), passes.informed[1], True))
    known = draft.codes(column.name)
    stage = draft.chain.stages.get(column.name)
    for source, mine, informed in sources:
        rows = todo[np.isin(todo, mine, assume_unique=True) & (wise[todo] == informed)]
        if not len(rows):
            continue
        bounds = draft.bounds(book, column.name, rows)
        if stage is not None and asked is None and not informed:
            draft.settle(column.name, rows, _draw_staged(draft, stage, rows, bounds, u[rows]))
            continue
        inside = np.searchsorted(mine, rows)
        values, log_p[rows] = draw_column(column, source, known[mine], inside, bounds, asked, u[mine])
        draft.settle(column.name, rows, values)
    final = draft.codes(column.name)
    for source, mine, _ in sources:
        source.finish(final[mine])
    return log_p


def _draw_staged(draft: Draft, stage: ValueStage, rows: IntArray, bounds: Bounds | None, u: FloatArray) -> FloatArray:
    """Draw a column of some rows by trees on the raw values of the columns before it."""
    before = {f.name: draft.values[f.name][rows] for f in stage.features}
    if bounds is None:
        return stage.draw(before, np.ascontiguousarray(u[:, :2]))
    values = stage.draw(before, np.ascontiguousarray(u[:, :2]), *interval_of(bounds))
    return bounds.settle(values)
