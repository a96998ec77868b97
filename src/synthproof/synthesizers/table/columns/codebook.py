"""Mixed columns as what networks read and write: a code per column, and where a code is a stretch, a position in it.

Codes are levels, heavy shared numbers, a missing value, and *stretches* of what is left of a numeric column: runs of
neighbouring pieces of about equal weight. A stretch plays the part of a mode in mode-specific normalisation (Xu et al.
2019, arXiv:1907.00503), but a position is a share of the stretch's rows and not a distance from a mean: the way back
goes through the column's pieces, so that shared values stay atoms and no real continuous value is handed out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from synthproof.core.random import stream
from synthproof.core.schema import Field
from synthproof.data.table.dataset import Table
from synthproof.engines.codes import to_codes, to_numbers
from synthproof.synthesizers.table.columns.conditions import Condition
from synthproof.synthesizers.table.columns.grid import Grid
from synthproof.synthesizers.table.columns.model import column_model, grid_state
from synthproof.synthesizers.table.columns.pieces import Pieces

FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]

_MOST_ALONE = 32
"""A numeric column of no more shared values than this has a code for each."""
_MOST_LEVELS = 128
"""A levelled column's rarer levels beyond this number share codes."""
_RIM = 1e-4


@dataclass(frozen=True, slots=True)
class CodedColumn:
    """One column's codes.

    Parameters
    ----------
    name
        The column.
    pieces
        Its values; leaf k of the pieces is code k, the last one the missing value where there is any.
    wide
        For each code, whether a position in it means anything, shape (codes,).
    grid
        Lattice of a numeric column, ``None`` for levels.
    """

    name: str
    pieces: Pieces
    wide: BoolArray
    grid: Grid | None

    @property
    def size(self) -> int:
        """Number of codes."""
        return len(self.wide)

    @property
    def shares(self) -> FloatArray:
        """Share of the learned rows that has each code, shape (codes,)."""
        mass = self.pieces.mass
        return np.asarray(mass / mass.sum())

    def read(self, values: FloatArray, dice: FloatArray) -> tuple[IntArray, FloatArray]:
        """Return each learned value's code and its position in (0, 1).

        Parameters
        ----------
        values
            Numbers or level codes that `column_of` saw, NaN missing, shape (n,).
        dice
            Uniforms, shape (n,): where in its atom a repeated value is put, so that positions spread evenly.
        """
        low, high, cum = self.pieces.low, self.pieces.high, self.pieces.cum
        point, open_ = np.flatnonzero(low == high), np.flatnonzero(high > low)
        point, open_ = point[np.argsort(low[point])], open_[np.argsort(low[open_])]
        at = np.full(len(values), len(low) - 1, dtype=np.intp)
        there = np.flatnonzero(~np.isnan(values))
        x = values[there]
        if len(open_):
            at[there] = open_[np.maximum(np.searchsorted(low[open_], x, side="right") - 1, 0)]
        if len(point):
            k = point[np.minimum(np.searchsorted(low[point], x), len(point) - 1)]
            hit = (low[k] == x) if len(open_) else np.ones(len(x), dtype=np.bool_)
            at[there[hit]] = k[hit]
        code = np.searchsorted(self.pieces.start, at, side="right") - 1
        width = np.where(high > low, high - low, 1.0)[at]
        with np.errstate(invalid="ignore"):
            inner = np.where(high[at] > low[at], (values - low[at]) / width, dice)
        base = cum[self.pieces.start[code]]
        place = (cum[at] + np.clip(inner, 0, 1) * (cum[at + 1] - cum[at]) - base) / self.pieces.mass[code]
        return code.astype(np.intp), np.where(self.wide[code], np.clip(place, _RIM, 1 - _RIM), 0.5)

    def write(self, codes: IntArray, place: FloatArray, pieces: Pieces | None = None) -> FloatArray:
        """Return values (NaN: missing) at positions in codes; `pieces` are those that a condition left."""
        values = (self.pieces if pieces is None else pieces).quantile(place, codes)
        return values if self.grid is None else self.grid.settle(values)

    def allowed(self, condition: Condition) -> tuple[FloatArray, Pieces]:
        """Return the share of each code that a condition allows, and the pieces that are left of it."""
        left = self.pieces.restrict(condition)
        return left.mass / self.pieces.mass, left

    def get_state(self) -> dict[str, Any]:
        """Return plain values."""
        grid = None if self.grid is None else grid_state(self.grid)
        return {"name": self.name, "pieces": self.pieces.get_state(), "wide": self.wide, "grid": grid}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Take back what `get_state` returned."""
        grid = None if state["grid"] is None else Grid(**state["grid"])
        return cls(state["name"], Pieces.from_state(state["pieces"]), state["wide"].astype(np.bool_), grid)


@dataclass(frozen=True, slots=True)
class Codebook:
    """All columns' codes, side by side."""

    columns: tuple[CodedColumn, ...]

    @property
    def sizes(self) -> IntArray:
        """Number of codes of each column, shape (p,)."""
        return np.array([c.size for c in self.columns], dtype=np.intp)

    @property
    def starts(self) -> IntArray:
        """Number of each column's first code among all codes; the last entry is the number of codes, shape (p + 1,)."""
        return np.concatenate([[0], np.cumsum(self.sizes)]).astype(np.intp)

    @property
    def wide(self) -> BoolArray:
        """Whether a position means anything, for all codes, shape (codes,)."""
        return np.concatenate([np.zeros(0, dtype=np.bool_), *(c.wide for c in self.columns)])

    @property
    def shares(self) -> FloatArray:
        """Share of each code in its column, shape (codes,)."""
        return np.concatenate([np.zeros(0), *(c.shares for c in self.columns)])

    @property
    def grids(self) -> dict[str, Grid]:
        """Lattices of the numeric columns."""
        return {c.name: c.grid for c in self.columns if c.grid is not None}

    def read(self, data: Table, seed: int) -> tuple[npt.NDArray[np.int32], Float32Array]:
        """Return the codes and positions of the learned table, both of shape (n, p)."""
        codes = np.empty((data.n_rows, len(self.columns)), dtype=np.int32)
        places = np.empty((data.n_rows, len(self.columns)), dtype=np.float32)
        for j, column in enumerate(self.columns):
            values = seen(data, data.schema.field(column.name))
            if column.grid is not None and not len(column.pieces.low[~np.isnan(column.pieces.low)]):
                values = np.full(len(values), np.nan)  # one person's only value: never shown, learned as missing
            dice = stream(seed, f"codes/{column.name}").random(len(values))
            codes[:, j], places[:, j] = column.read(values, dice)
        return codes, places

    def write(
        self, codes: IntArray, places: FloatArray, left: Mapping[str, Pieces] | None = None
    ) -> dict[str, FloatArray]:
        """Return each column's values from codes and positions of shape (n, p); `left`: pieces under conditions."""
        kept = left or {}
        return {
            c.name: c.write(codes[:, j].astype(np.intp), places[:, j], kept.get(c.name))
            for j, c in enumerate(self.columns)
        }

    def get_state(self) -> list[dict[str, Any]]:
        """Return plain values."""
        return [c.get_state() for c in self.columns]

    @classmethod
    def from_state(cls, state: Iterable[Mapping[str, Any]]) -> Self:
        """Take back what `get_state` returned."""
        return cls(tuple(CodedColumn.from_state(s) for s in state))


def codebook_of(
    data: Table, fields: Iterable[Field], *, stretches: int, min_shared: int, persons: IntArray | None
) -> Codebook:
    """Return the codebook of a table.

    Parameters
    ----------
    fields
        Columns to code.
    stretches
        About how many codes a numeric column of many values gets.
    min_shared
        A number is handed out as it is only when at least this many persons have it.
    persons
        Unit of each row where units have several.
    """
    return Codebook(
        tuple(_column(data, f, stretches=stretches, min_shared=min_shared, persons=persons) for f in fields)
    )


def seen(data: Table, f: Field) -> FloatArray:
    """Return a column as numbers or level codes, NaN missing."""
    if f.numeric:
        return to_numbers(data.frame[f.name], f)
    codes = to_codes(data.frame[f.name], f)
    return np.where(codes < 0, np.nan, codes)


def _column(data: Table, f: Field, *, stretches: int, min_shared: int, persons: IntArray | None) -> CodedColumn:
    model = column_model(data.frame[f.name], f, min_shared=min_shared, persons=persons)
    pieces, weight = model.pieces, np.diff(model.pieces.cum)
    gone = np.isnan(pieces.low)
    there = float(weight[~gone].sum())
    if model.grid is None:
        rank = np.argsort(np.argsort(np.where(gone, np.inf, -weight), kind="stable"), kind="stable")
        few = (~gone).sum() <= _MOST_LEVELS
        alone, parts = ~gone & (few | (rank < _MOST_LEVELS)), _MOST_LEVELS
    else:
        point = ~gone & (pieces.low == pieces.high)
        few = point.sum() <= _MOST_ALONE and bool((point | gone).all())
        alone = point & (few | (weight >= there / (2 * stretches)))
        parts = max(1, round(stretches * float(weight[~gone & ~alone].sum()) / max(there, 1e-300)))
    rest = ~gone & ~alone
    light = np.where(rest, weight, 0.0)
    middle = (np.cumsum(light) - light / 2) / max(float(light.sum()), 1e-300)
    key = np.where(rest, np.minimum((middle * parts).astype(np.intp), parts - 1), 0)
    key = np.where(alone, parts + np.arange(len(weight)), np.where(gone, parts + len(weight), key))
    code = np.unique(key, return_inverse=True)[1].reshape(-1)
    order = np.argsort(code, kind="stable")
    count = np.bincount(code)
    start = np.concatenate([[0], np.cumsum(count)]).astype(np.intp)
    open_ = np.bincount(code, pieces.high > pieces.low, minlength=len(count)) > 0
    wide = ((count > 1) | open_) if model.grid is not None else np.zeros(len(count), dtype=np.bool_)
    cum = np.concatenate([[0.0], np.cumsum(weight[order])])
    return CodedColumn(
        f.name, Pieces(start, pieces.low[order], pieces.high[order], cum, pieces.grains), wide, model.grid
    )
