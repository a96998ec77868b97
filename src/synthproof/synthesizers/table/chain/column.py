"""Drawing one column of a chain: codes from a network's logits, values from the codes, within conditions and rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from synthproof.engines.nets.drawing import pick
from synthproof.engines.nets.network import CodeArray, Float32Array
from synthproof.synthesizers.table.chain.digits import Digits
from synthproof.synthesizers.table.columns.pieces import Pieces
from synthproof.synthesizers.table.rules.bounds import Bounds

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]


class Source(Protocol):
    """Where the logits of a column's codes come from, step by step (coarse, then fine)."""

    def logits(self, step: int, rows: IntArray | None = None) -> Float32Array:
        """Return logits, shape (n or rows, codes)."""
        ...

    def tell(self, step: int, codes: CodeArray) -> None:
        """Say the codes of a step, shape (n,), -1 unknown."""
        ...

    def change(self, step: int, rows: IntArray, codes: CodeArray) -> None:
        """Exchange the codes of some rows."""
        ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """A condition on one column, read for drawing.

    Parameters
    ----------
    share
        Share of each bin that it allows, shape (bins,).
    pieces
        The column's pieces cut down to it.
    """

    share: FloatArray
    pieces: Pieces


def draw_column(
    column: Digits,
    source: Source,
    known: CodeArray,
    todo: IntArray,
    bounds: Bounds | None,
    asked: Wanted | None,
    u: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Return drawn values of the rows `todo`, and the log of the probability that the condition leaves them.

    Parameters
    ----------
    column
        The column.
    source
        Gives logits for n rows; it is told the codes of all of them.
    known
        Codes of the rows that know the column, shape (n, steps), -1 elsewhere.
    todo
        Rows to draw, ascending, among n.
    bounds
        What the rules leave, for the rows `todo`.
    asked
        A condition that all rows meet.
    u
        Uniforms, shape (n, 8).
    """
    share = None if asked is None else asked.share
    codes = np.array(known)
    log_p = np.zeros(len(todo))
    coarse_logits = source.logits(0)
    for step in range(len(column.sizes)):
        logits = coarse_logits if step == 0 else source.logits(step)
        weight = _weight(column, step, share, codes[:, 0])
        drawn, left = pick(logits, weight, np.ascontiguousarray(u[:, step]))
        log_p += left[todo]
        drawn = _possible(column, step, drawn, share, codes[:, 0])
        codes[todo, step] = drawn[todo]
        source.tell(step, np.ascontiguousarray(codes[:, step]))
    pieces = column.bins.pieces if asked is None else asked.pieces
    values = _values(column, codes[todo], u[todo, 2:4], pieces)
    if bounds is not None:
        bad = np.flatnonzero(~bounds.allows(values))
        if len(bad):
            rows = todo[bad]
            values[bad] = _mend(
                column, source, rows, coarse_logits[rows], values[bad], bounds.take(bad), share, u[rows, 4:]
            )
    return values, log_p


def _weight(column: Digits, step: int, share: FloatArray | None, coarse: CodeArray) -> Float32Array:
    if step == 0:
        left = np.ones(column.sizes[0]) if share is None else column.coarse_share(share)
        return left[None, :].astype(np.float32)
    every = np.ones(column.bins.count) if share is None else share
    return column.fine_share(every, np.maximum(coarse, 0)).astype(np.float32)


def _possible(column: Digits, step: int, drawn: CodeArray, share: FloatArray | None, coarse: CodeArray) -> CodeArray:
    """Replace draws to which the network gave no probability at all by the most common allowed code."""
    lost = np.flatnonzero(drawn < 0)
    if len(lost):
        every = np.ones(column.bins.count) if share is None else share
        if step == 0:
            mass = every * column.mass
            if len(column.sizes) == 2:
                mass = np.add.reduceat(mass, column.first[:-1])
            drawn[lost] = int(mass.argmax())
        else:
            drawn[lost] = column.fine_share(every * column.mass, np.maximum(coarse[lost], 0)).argmax(axis=1)
    return drawn


def _values(column: Digits, codes: CodeArray, u: FloatArray, pieces: Pieces) -> FloatArray:
    bins = column.join(codes[:, 0], codes[:, 1] if codes.shape[1] == 2 else None)
    return column.bins.value(bins, u[:, 0], u[:, 1], pieces)


def place_anew(column: Digits, codes: CodeArray, u: FloatArray, asked: Wanted) -> FloatArray:
    """Return other values of the same bins, within the condition."""
    return _values(column, codes, u[:, 2:4], asked.pieces)


def _mend(
    column: Digits,
    source: Source,
    rows: IntArray,
    coarse_logits: Float32Array,
    values: FloatArray,
    bounds: Bounds,
    share: FloatArray | None,
    u: FloatArray,
) -> FloatArray:
    """Return values of rows drawn anew within their bounds; the source learns of the changed codes.

    Together with the first draw, of which the allowed rows were kept, this is the distribution cut down to what is
    allowed. Where the network gives that no probability, the nearest allowed value is taken.
    """
    left = shares_within(column, bounds)
    if share is not None:
        left = left * share
    coarse, _ = pick(coarse_logits, column.coarse_share(left).astype(np.float32), np.ascontiguousarray(u[:, 0]))
    some = coarse >= 0
    fine: CodeArray | None = None
    if len(column.sizes) == 2:
        coarse = np.where(some, coarse, 0).astype(np.int32)
        source.change(0, rows, coarse)
        weight = column.fine_share(left, coarse).astype(np.float32)
        fine, _ = pick(source.logits(1, rows), weight, np.ascontiguousarray(u[:, 1]))
        some &= fine >= 0
        fine = np.maximum(fine, 0)
    bins = column.join(np.maximum(coarse, 0), fine)
    drawn = column.bins.value(bins, u[:, 2], u[:, 3])
    if column.bins.grid is not None:
        drawn = _cut(column, bins, drawn, bounds, u[:, 3])
    out = bounds.settle(np.where(some, drawn, values), column_weight(column, bounds))
    codes = column.encode(out)
    for step in range(len(column.sizes)):
        source.change(step, rows, np.ascontiguousarray(codes[:, step]))
    return out


def column_weight(column: Digits, bounds: Bounds) -> FloatArray | None:
    """Return how common each level is, for a settling that takes the most common allowed one."""
    if bounds.levels is None:
        return None
    weight = np.zeros(bounds.levels.shape[1])
    code = column.bins.pieces.low
    there = ~np.isnan(code)
    weight[code[there].astype(np.intp)] = column.mass[there]
    return weight


def shares_within(column: Digits, bounds: Bounds) -> FloatArray:
    """Return the share of each bin that each row's bounds allow, shape (n, bins). A missing value is always allowed."""
    pieces = column.bins.pieces
    low, high = pieces.low[pieces.start[:-1]], pieces.high[pieces.start[1:] - 1]
    gone = np.isnan(low)
    if column.bins.grid is None:
        out = np.ones((len(bounds), len(low)))
        code = np.where(gone, 0, low).astype(np.intp)
        if bounds.levels is not None:
            out = np.where(gone, True, bounds.levels[:, code]).astype(np.float64)
        if bounds.points is not None:
            out = np.where(gone, True, bounds.points.mask(int(code.max()) + 1)[:, code]).astype(np.float64)
        fixed = ~np.isnan(bounds.fixed)
        out[fixed] = code[None, :] == bounds.fixed[fixed, None]
        return out
    room = column.bins.grid.slack if column.bins.grid.step > 0 else 0.0
    least, most = interval_of(bounds)
    least, most = least[:, None] - room, most[:, None] + room
    width = high - low
    with np.errstate(invalid="ignore"):
        overlap = np.minimum(most, high) - np.maximum(least, low)
        part = np.where(width > 0, np.clip(overlap / np.where(width > 0, width, 1.0), 0.0, 1.0), overlap >= 0)
    return np.where(gone, 1.0, part)


def interval_of(bounds: Bounds) -> tuple[FloatArray, FloatArray]:
    """Return the smallest and largest number that each row's bounds allow; dead rows are free."""
    low, high = bounds.low, bounds.high
    if bounds.points is not None:
        a, b = bounds.points.hull()
        low, high = np.maximum(low, a), np.minimum(high, b)
    fixed = ~np.isnan(bounds.fixed)
    low, high = np.where(fixed, bounds.fixed, low), np.where(fixed, bounds.fixed, high)
    lost = bounds.dead | (low > high)
    return np.where(lost, -np.inf, low), np.where(lost, np.inf, high)


def _cut(column: Digits, bins: IntArray, values: FloatArray, bounds: Bounds, u: FloatArray) -> FloatArray:
    """Return values of bins that only partly are within the bounds, drawn evenly from the part that is."""
    grid, pieces = column.bins.grid, column.bins.pieces
    assert grid is not None
    outside = np.flatnonzero(~bounds.allows(values))
    if not len(outside):
        return values
    low = np.maximum(pieces.low[pieces.start[bins[outside]]], bounds.low[outside])
    high = np.minimum(pieces.high[pieces.start[bins[outside] + 1] - 1], bounds.high[outside])
    drawn = low + u[outside] * np.maximum(high - low, 0.0)
    out = np.array(values)
    out[outside] = grid.settle(drawn)
    return out
