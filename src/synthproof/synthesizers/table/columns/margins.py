"""Margins of a copula: each column from a latent's share to a value, and its latent's cuts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from synthproof.core.schema import Field
from synthproof.data.table.dataset import Table
from synthproof.engines.codes import to_codes, to_numbers
from synthproof.synthesizers.table.columns.conditions import Condition
from synthproof.synthesizers.table.columns.grains import Grains
from synthproof.synthesizers.table.columns.grid import Grid, shape_of
from synthproof.synthesizers.table.columns.latents import Cuts, cut
from synthproof.synthesizers.table.columns.model import grid_state
from synthproof.synthesizers.table.columns.pieces import Pieces, merged, number_pieces, point_pieces
from synthproof.synthesizers.table.rules.bounds import Bounds
from synthproof.synthesizers.table.rules.within import draw_within

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Margin:
    """One column: from a latent's share to a value.

    Parameters
    ----------
    name
        The column.
    pieces
        Present values in order; levels stand for their place in `levels`.
    levels
        Codes of the levels in latent order; empty for numbers.
    grid
        Lattice of a numeric column.
    missing
        Share of missing values.
    """

    name: str
    pieces: Pieces
    levels: npt.NDArray[np.int64]
    grid: Grid | None
    missing: float

    def value(self, u: FloatArray, *, even: bool = False) -> FloatArray:
        """Return numbers or codes at latent shares u, shape (n,); `even`: exactly there."""
        if not len(self.pieces.low):
            return np.full(len(u), np.nan)
        found = self.pieces.quantile(u, even=even)
        if self.grid is not None:
            return self.grid.settle(found)
        return self.levels[np.rint(found).astype(np.intp)].astype(np.float64)

    def within(self, bounds: Bounds, values: FloatArray, u: FloatArray) -> FloatArray:
        """Return values with those that are not allowed drawn anew from the margin; u are uniforms of shape (n, 2)."""
        pieces = self.pieces
        if self.grid is None:  # from places in latent order to codes
            pieces = replace(pieces, low=self._codes(pieces.low), high=self._codes(pieces.high))
        return draw_within(pieces, self.grid, np.zeros(len(values), dtype=np.intp), values, bounds, u)

    def _codes(self, places: FloatArray) -> FloatArray:
        return np.array([self.levels[int(p)] for p in places], dtype=np.float64)

    def allowed(self, condition: Condition) -> FloatArray:
        """Return the latent stretches that a condition allows, shape (stretches, 2), as thresholds."""
        if self.grid is None:
            place = {float(code): i for i, code in enumerate(self.levels)}
            known = [
                (float(place[c]), part)
                for (c, _), part in zip(condition.ranges, condition.parts, strict=True)
                if c in place
            ]
            ranges, parts = tuple((p, p) for p, _ in known), tuple(part for _, part in known)
            condition = Condition(self.name, False, ranges, (None,) * len(ranges), parts)
        return np.asarray(ndtri(self.pieces.shares(condition)))

    def get_state(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "name": self.name,
            "pieces": self.pieces.get_state(),
            "levels": self.levels,
            "grid": None if self.grid is None else grid_state(self.grid),
            "missing": self.missing,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Take back what `get_state` returned."""
        grid = None if state["grid"] is None else Grid(**state["grid"])
        return cls(state["name"], Pieces.from_state(state["pieces"]), state["levels"], grid, float(state["missing"]))


def seen_of(data: Table, f: Field) -> FloatArray:
    """Return a column as numbers or codes, NaN missing."""
    if f.numeric:
        return to_numbers(data.frame[f.name], f)
    codes = to_codes(data.frame[f.name], f)
    return np.where(codes < 0, np.nan, codes)


def margin_of(
    seen: FloatArray, f: Field, order: IntArray | None, min_shared: int, persons: IntArray | None
) -> tuple[Margin, Cuts]:
    """Return a column's margin and its latent's cuts.

    Parameters
    ----------
    seen
        Numbers or codes, shape (n,), NaN missing.
    f
        The column.
    order
        Codes of its levels in latent order; ``None`` for numbers.
    min_shared, persons
        As `shape_of` takes them.
    """
    gone = np.isnan(seen)
    if order is not None:
        place = np.full(int(order.max(initial=0)) + 1, -1)
        place[order] = np.arange(len(order))
        position = np.where(gone, -1, place[np.where(gone, 0, seen).astype(np.intp)])
        pieces = point_pieces(position[~gone])
        return Margin(f.name, pieces, order.astype(np.int64), None, float(gone.mean())), cut(position)
    shape = shape_of(seen, f, min_shared=min_shared, persons=persons)
    if shape.empty:
        seen, gone = np.full(len(seen), np.nan), np.ones(len(seen), dtype=np.bool_)
    who = None if persons is None else persons[~gone]
    grains = Grains.of_shape(seen[~gone], f, shape, persons=who, min_shared=min_shared)
    pieces = merged(number_pieces(seen[~gone], shape, grains=grains))
    position = np.where(gone, -1, np.searchsorted(shape.sites, seen))
    return Margin(f.name, pieces, np.empty(0, dtype=np.int64), shape.grid, float(gone.mean())), cut(position)


__all__ = ["Margin", "margin_of", "seen_of"]
