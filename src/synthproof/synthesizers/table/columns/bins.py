"""A column as codes: its pieces gathered into bins, and bins into a few groups, with the way back to values.

A bin is a run of neighbouring pieces: one heavy point (a level, a shared number), or as many light pieces as make up an
even share of the rows. A missing value is a bin of its own. Columns of many bins have *groups* of bins besides: models
that count combinations use groups where bins would be too many.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from synthproof.synthesizers.table.columns.conditions import Condition
from synthproof.synthesizers.table.columns.grid import Grid
from synthproof.synthesizers.table.columns.model import ColumnModel, grid_state
from synthproof.synthesizers.table.columns.pieces import Pieces

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

UNKNOWN = -1


@dataclass(frozen=True, slots=True)
class Bins:
    """The bins of one column.

    Parameters
    ----------
    name
        The column.
    pieces
        Its values; leaf k of the pieces is bin k.
    grid
        Lattice of a numeric column, ``None`` for levels.
    group
        Group of each bin, shape (bins,), numbered from 0 without gaps; every bin its own where bins are few.
    """

    name: str
    pieces: Pieces
    grid: Grid | None
    group: IntArray

    @property
    def count(self) -> int:
        """Number of bins."""
        return len(self.group)

    @property
    def groups(self) -> int:
        """Number of groups."""
        return int(self.group.max(initial=-1)) + 1

    @property
    def grouped(self) -> bool:
        """Whether some group has several bins."""
        return self.groups < self.count

    def code(self, values: FloatArray) -> IntArray:
        """Return the bin of each value (NaN: missing), `UNKNOWN` where no bin holds it. Cost O(n log pieces)."""
        return self._bin_of(self._piece(values))

    def value(self, codes: IntArray, u: FloatArray, v: FloatArray, pieces: Pieces | None = None) -> FloatArray:
        """Return a value in each row's bin from two uniforms a row; `pieces` are those that a condition left."""
        drawn = (self.pieces if pieces is None else pieces).draw(codes, u, v)
        return drawn if self.grid is None else self.grid.settle(drawn)

    def within(self, values: FloatArray) -> FloatArray:
        """Return the log of each value's share of its bin: a probability for points, per lattice step on intervals.

        A column without a lattice is measured in thousandths of its range. Unknown values get 0.
        """
        piece = self._piece(values)
        weight = np.diff(self.pieces.cum)
        mass = self.pieces.mass
        known = piece >= 0
        at = np.where(known, piece, 0)
        span = self.pieces.high[at] - self.pieces.low[at]
        share = weight[at] / mass[np.maximum(self._bin_of(at), 0)]
        with np.errstate(invalid="ignore"):
            share = np.where(span > 0, share * np.minimum(1.0, self._step() / np.where(span > 0, span, 1.0)), share)
        return np.where(known, np.log(np.where(known, share, 1.0)), 0.0)

    def allowed(self, condition: Condition) -> tuple[FloatArray, Pieces]:
        """Return the share of each bin that a condition allows, shape (bins,), and the pieces that are left."""
        left = self.pieces.restrict(condition)
        return left.mass / self.pieces.mass, left

    def _step(self) -> float:
        assert self.grid is not None or not (self.pieces.high > self.pieces.low).any()
        if self.grid is None or self.grid.step > 0:
            return 1.0 if self.grid is None else self.grid.step
        return (self.grid.high - self.grid.low) / 1000 or 1.0

    def _piece(self, values: FloatArray) -> IntArray:
        low, high = self.pieces.low, self.pieces.high
        there = int((~np.isnan(low)).sum())  # missing is the last piece
        gone = np.isnan(values)
        out = np.full(len(values), UNKNOWN, dtype=np.intp)
        if there < len(low):
            out[gone] = there
        rows = np.flatnonzero(~gone)
        if there and len(rows):
            x = values[rows]
            at = np.searchsorted(low[:there], x, side="right") - 1
            before = np.maximum(at - 1, 0)
            # A point on the rim of an interval stands before it and is meant.
            point = (at > 0) & (low[before] == x) & (high[before] == x)
            at = np.where(point, before, at)
            slack = 0.0 if self.grid is None else self.grid.slack * 1e-6
            inside = (at >= 0) & (x <= high[np.maximum(at, 0)] + slack)
            out[rows] = np.where(inside, at, UNKNOWN)
        return out

    def _bin_of(self, piece: IntArray) -> IntArray:
        found = np.searchsorted(self.pieces.start, piece, side="right") - 1
        return np.where(piece < 0, UNKNOWN, found).astype(np.intp)

    def get_state(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "name": self.name,
            "pieces": self.pieces.get_state(),
            "grid": None if self.grid is None else grid_state(self.grid),
            "group": self.group.astype(np.int32),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Take back what `get_state` returned."""
        grid = None if state["grid"] is None else Grid(**state["grid"])
        return cls(state["name"], Pieces.from_state(state["pieces"]), grid, state["group"].astype(np.intp))


def bins_of(name: str, model: ColumnModel, *, bins: int, groups: int, levels: int) -> Bins:
    """Return a column's bins.

    Parameters
    ----------
    model
        Its distribution.
    bins, groups
        About how many bins, and groups of bins, a numeric column gets; none of several where they are few anyway.
    levels
        A levelled column of more levels than this has its rarer ones in groups; each level stays a bin.
    """
    pieces = model.pieces
    gone = np.isnan(pieces.low)
    weight = np.diff(pieces.cum)
    if model.grid is None:
        start = np.arange(len(weight) + 1, dtype=np.intp)
        group = _common_alone(weight, gone, levels)
    else:
        light = ((pieces.high > pieces.low) | (weight < pieces.cum[-1] / bins)) & (len(weight) > bins)
        first = runs(weight, gone, light, bins)
        start = np.append(first, len(weight)).astype(np.intp)
        mass = pieces.cum[start[1:]] - pieces.cum[start[:-1]]
        light = mass < mass.sum() / groups
        cuts = runs(mass, gone[first], light, groups) if len(mass) > 2 * groups else np.arange(len(mass))
        group = (np.searchsorted(cuts, np.arange(len(mass)), side="right") - 1).astype(np.intp)
    return Bins(name, replace(pieces, start=start), model.grid, group)


def runs(weight: FloatArray, gone: npt.NDArray[np.bool_], light: npt.NDArray[np.bool_], parts: int) -> IntArray:
    """Return where runs begin: neighbours that are light are put together until they weigh a part's share."""
    share = np.cumsum(np.where(light, weight, 0.0)) - np.where(light, weight, 0.0) / 2
    total = float(weight[light].sum()) or 1.0
    wanted = max(1, round(parts * total / float(weight.sum())))
    block = np.minimum((share / total * wanted).astype(np.intp), wanted - 1)
    fresh = np.ones(len(weight), dtype=np.bool_)
    fresh[1:] = ~light[1:] | ~light[:-1] | gone[1:] | (block[1:] != block[:-1])
    return np.flatnonzero(fresh)


def _common_alone(weight: FloatArray, gone: npt.NDArray[np.bool_], levels: int) -> IntArray:
    """Return groups of levels: the commonest alone, the others in a quarter as many groups of about equal weight."""
    n = len(weight)
    if n <= levels:
        return np.arange(n, dtype=np.intp)
    rest = max(1, levels // 4)
    order = np.argsort(np.where(gone, -np.inf, -weight), kind="stable")
    alone = levels - rest
    tail = weight[order[alone:]]
    place = np.minimum(((np.cumsum(tail) - tail / 2) / tail.sum() * rest).astype(np.intp), rest - 1)
    place = np.unique(place, return_inverse=True)[1]
    group = np.empty(n, dtype=np.intp)
    group[order[:alone]] = np.arange(alone)
    group[order[alone:]] = alone + place
    return group


__all__ = ["UNKNOWN", "Bins", "bins_of", "runs"]
