"""Draws from pieces within bounds that differ from row to row.

A row is first drawn freely; one that its bounds do not allow is drawn once more from the allowed part of the same leaf.
Both steps together give the leaf's distribution cut down to what is allowed, and rows without trouble cost nothing.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from synthproof.synthesizers.table.columns.grid import Grid
from synthproof.synthesizers.table.columns.pieces import Pieces
from synthproof.synthesizers.table.rules.bounds import Bounds, lower_edge

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]


def draw_within(
    pieces: Pieces, grid: Grid | None, leaf: IntArray, values: FloatArray, bounds: Bounds, u: FloatArray
) -> FloatArray:
    """Return freely drawn values with those that are not allowed drawn anew.

    Parameters
    ----------
    pieces, grid
        The column; no grid for levels.
    leaf
        Shape (n,).
    values
        Drawn from the leaves without bounds, shape (n,).
    bounds
        Of n rows.
    u
        Uniforms of their own, shape (n, 2).

    Notes
    -----
    Where a leaf holds nothing that is allowed, the nearest allowed number is taken, or the allowed level that is most
    common in the table. Missing values stay. Cost O(rows drawn anew · log of the largest leaf), for levels
    O(rows drawn anew · levels in a leaf).
    """
    bad = np.flatnonzero(~bounds.allows(values))
    if not len(bad):
        return values
    told = bounds.take(bad)
    if grid is None:
        fresh = _levels(pieces, leaf[bad], values[bad], told, u[bad])
    else:
        fresh = _numbers(pieces, grid, leaf[bad], values[bad], told, u[bad])
    out = np.array(values)
    out[bad] = np.where(np.isnan(told.fixed), fresh, told.fixed)
    return out


def _numbers(
    pieces: Pieces, grid: Grid, leaf: IntArray, values: FloatArray, bounds: Bounds, u: FloatArray
) -> FloatArray:
    begin, end = pieces.start[leaf], pieces.start[leaf + 1]
    end = end - (np.isnan(pieces.low[np.maximum(end - 1, 0)]) & (end > begin))
    room = grid.slack * (1 - 1e-6) if grid.step > 0 else 0.0  # a number on the lattice stands for all that round to it
    low, high = bounds.low - room, bounds.high + room
    first = lower_edge(pieces.high, begin, end, low)
    last = lower_edge(pieces.low, begin, end, np.nextafter(high, np.inf)) - 1
    some = first <= last
    a, b = np.where(some, first, begin), np.where(some, last, begin)
    goal = _below(pieces, a, low, False)
    goal = goal + u[:, 0] * np.maximum(_below(pieces, b, high, True) - goal, 0.0)
    at = np.clip(np.searchsorted(pieces.cum, goal, side="right") - 1, a, np.maximum(b, a))
    left, right = np.maximum(pieces.low[at], low), np.minimum(pieces.high[at], high)
    right = np.maximum(right, left)
    if pieces.grains is None:
        inside = left + u[:, 1] * (right - left)
    else:
        inside = pieces.grains.draw(left, right, u[:, 1], np.mod(u[:, 1] * 2**20, 1.0))
    drawn = np.where(some, inside, values)
    return bounds.settle(np.clip(grid.settle(drawn), bounds.low, bounds.high))


def _below(pieces: Pieces, at: IntArray, x: FloatArray, rim: bool) -> FloatArray:
    """Return the weight below x, which lies in or beside a piece; a point at x counts when `rim` says so."""
    low, high = pieces.low[at], pieces.high[at]
    width = high - low
    inside = np.clip((x - low) / np.where(width > 0, width, 1.0), 0.0, 1.0)
    share = np.where(width > 0, inside, 1.0 if rim else 0.0)
    return np.asarray(pieces.cum[at] + share * (pieces.cum[at + 1] - pieces.cum[at]))


def _levels(pieces: Pieces, leaf: IntArray, values: FloatArray, bounds: Bounds, u: FloatArray) -> FloatArray:
    begin, end = pieces.start[leaf], pieces.start[leaf + 1]
    count = end - begin
    row = np.repeat(np.arange(len(leaf)), count)
    piece = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count) + np.repeat(begin, count)
    code = pieces.low[piece]
    there = np.flatnonzero(~np.isnan(code))
    row, piece, code = row[there], piece[there], code[there]
    # Pieces of one row stand together, so that a running sum over all rows can be searched row by row.
    weight = np.where(bounds.take(row).allows(code), np.diff(pieces.cum)[piece], 0.0)
    above = np.concatenate([[0.0], np.cumsum(weight)])
    first = np.searchsorted(row, np.arange(len(leaf)))
    after = np.searchsorted(row, np.arange(len(leaf)), side="right")
    mass = above[after] - above[first]
    goal = above[first] + u[:, 0] * mass
    at = np.clip(np.searchsorted(above, goal, side="right") - 1, first, np.maximum(after - 1, first))
    at = np.minimum(at, max(0, len(code) - 1))
    out = np.where(mass > 0, code[at] if len(code) else np.nan, np.nan)
    empty = np.flatnonzero(mass <= 0)
    if len(empty):
        out[empty] = _common(pieces, values[empty], bounds.take(empty), u[empty, 1])
    return out


def _common(pieces: Pieces, values: FloatArray, bounds: Bounds, u: FloatArray) -> FloatArray:
    """Return an allowed level by how common it is in the whole column."""
    if bounds.levels is None:
        choice = bounds.points
        if choice is None:
            return values
        sizes = np.maximum(choice.sizes, 0)
        at = choice.start[np.maximum(choice.row, 0)] + np.minimum((u * sizes).astype(np.intp), np.maximum(sizes - 1, 0))
        return np.where(sizes > 0, np.append(choice.values, np.nan)[np.minimum(at, len(choice.values))], values)
    code = pieces.low
    there = ~np.isnan(code)
    weight = (
        np.bincount(code[there].astype(np.intp), np.diff(pieces.cum)[there], minlength=bounds.levels.shape[1]) + 1e-9
    )
    above = np.cumsum(np.where(bounds.levels, weight, 0.0), axis=1)
    picked = (above <= u[:, None] * above[:, -1:]).sum(axis=1)
    return np.asarray(np.minimum(picked, bounds.levels.shape[1] - 1), dtype=np.float64)
