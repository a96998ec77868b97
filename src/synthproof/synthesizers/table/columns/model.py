"""One column on its own: its distribution as pieces, its lattice, and what a value costs under it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthproof.core.errors import NotFittedError
from synthproof.core.schema import Field
from synthproof.engines.codes import to_codes, to_numbers
from synthproof.synthesizers.table.columns.grains import Grains
from synthproof.synthesizers.table.columns.grid import Grid, shape_of
from synthproof.synthesizers.table.columns.pieces import Pieces, merged, number_pieces, point_pieces

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ColumnModel:
    """The distribution of one column.

    Parameters
    ----------
    pieces
        One leaf: points and intervals with their weights, missing last.
    grid
        Lattice and range of a numeric column, ``None`` for levels.
    """

    pieces: Pieces
    grid: Grid | None

    def loss(self, values: FloatArray) -> FloatArray:
        """Return the negative log probability (points) or density per lattice step (intervals) of each value."""
        weight = np.diff(self.pieces.cum)
        total = float(weight.sum())
        low, high = self.pieces.low, self.pieces.high
        gone = np.isnan(low)
        unseen = 0.5 / (total + 0.5)
        missing = max(float(weight[gone].sum()) / total, unseen)
        width = self._width()
        p = np.full(len(values), unseen)
        kept_low, kept_high, kept_weight = low[~gone], high[~gone], weight[~gone]
        if len(kept_low):
            at = np.clip(np.searchsorted(kept_low, values, side="right") - 1, 0, len(kept_low) - 1)
            for step in (0, -1):  # a point may lie on the rim of an interval
                k = np.clip(at + step, 0, len(kept_low) - 1)
                inside = (values >= kept_low[k]) & (values <= kept_high[k])
                span = kept_high[k] - kept_low[k]
                share = np.where(span > 0, np.minimum(1.0, width / np.where(span > 0, span, 1.0)), 1.0)
                if self.pieces.grains is not None:
                    there = np.where(np.isnan(values), kept_low[k], values)
                    share = np.where(span > 0, self.pieces.grains.part(kept_low[k], kept_high[k], there, there), 1.0)
                p = np.where(inside, np.maximum(p, kept_weight[k] / total * share), p)
        return -np.log(np.where(np.isnan(values), missing, p))

    def _width(self) -> float:
        if self.grid is None or self.grid.step > 0:
            return 1.0 if self.grid is None else self.grid.step
        return (self.grid.high - self.grid.low) / 1000 or 1.0

    def get_state(self) -> dict[str, Any]:
        """Return plain values."""
        grid = None if self.grid is None else grid_state(self.grid)
        return {"pieces": self.pieces.get_state(), "grid": grid}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Take back what `get_state` returned."""
        grid = None if state["grid"] is None else Grid(**state["grid"])
        return cls(Pieces.from_state(state["pieces"]), grid)


def column_model(
    column: pd.Series, f: Field, *, min_shared: int, persons: npt.NDArray[np.intp] | None = None
) -> ColumnModel:
    """Return the distribution of a canonical column. Cost O(n log n)."""
    if f.levelled:
        return ColumnModel(point_pieces(to_codes(column, f)), None)
    values = to_numbers(column, f)
    shape = shape_of(values, f, min_shared=min_shared, persons=persons)
    if shape.empty:
        values = np.full(len(values), np.nan)
    grains = Grains.of_shape(values, f, shape, persons=persons, min_shared=min_shared)
    return ColumnModel(merged(number_pieces(values, shape, grains=grains)), shape.grid)


def grid_state(grid: Grid) -> dict[str, float]:
    """Return a lattice as plain numbers."""
    return {"step": grid.step, "offset": grid.offset, "low": grid.low, "high": grid.high}


def fitted(owner: object, attribute: str, call: str) -> Any:
    """Return a learned attribute, or say that nothing was learned."""
    try:
        return getattr(owner, attribute)
    except AttributeError:
        raise NotFittedError("fit/not-fitted", owner=type(owner).__name__, call=call) from None
