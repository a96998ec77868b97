"""Real rows that are mixed with their neighbours: for augmentation only, since every drawn row is an altered real one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from synthproof.core.run import Run
from synthproof.core.schema import Field, Schema
from synthproof.engines.codes import Coded, levels_of
from synthproof.engines.neighbours import MixedSpace, nearest
from synthproof.synthesizers.table.columns.conditions import Condition
from synthproof.synthesizers.table.columns.grid import Grid
from synthproof.synthesizers.table.columns.model import grid_state

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class Donors:
    """The real rows that are mixed.

    Parameters
    ----------
    fields, grids, values
        Columns; lattices of the numeric ones; numbers and codes by column, NaN missing, shape (n,).
    of_class, names, shares
        Class of each row, name of each class, share of each class in the data.
    target
        The class column, or empty.
    k
        Neighbours per row.
    """

    fields: tuple[Field, ...]
    grids: Mapping[str, Grid]
    values: Mapping[str, FloatArray]
    of_class: IntArray
    names: tuple[str, ...]
    shares: FloatArray
    target: str
    k: int

    def neighbours(self, rows: IntArray, run: Run) -> IntArray:
        """Return each row's nearest rows of its class among `rows`, as positions in `rows`; shape (rows, k), -1: none."""
        out = np.full((len(rows), self.k), -1, dtype=np.intp)
        coded, schema = self._coded(rows)
        for c in run.each(np.unique(self.of_class[rows]).tolist(), "smote"):
            mine = np.flatnonzero(self.of_class[rows] == c)
            part = coded.rows(mine)
            space = MixedSpace.fit(part, schema)
            placed = space.place(part)
            found = nearest(space, placed, placed, self.k + 1, run=run, task="smote: neighbours")[1].astype(np.intp)
            # A row is not its own neighbour; among many equal rows it may not be in its own list.
            other = found != np.arange(len(mine))[:, None]
            last = np.argsort(~other, axis=1, kind="stable")[:, : found.shape[1] - 1]
            out[mine[:, None], np.arange(last.shape[1])] = mine[np.take_along_axis(found, last, axis=1)]
        return out

    def _coded(self, rows: IntArray) -> tuple[Coded, Schema]:
        """Return the rows as neighbours are looked for: without the class, unless nothing else is there."""
        fields = [f for f in self.fields if f.name != self.target] or list(self.fields)
        numeric, levelled = [f for f in fields if f.numeric], [f for f in fields if f.levelled]
        numbers = np.empty((len(rows), len(numeric)))
        codes = np.empty((len(rows), len(levelled)), dtype=np.int32)
        for j, f in enumerate(numeric):
            numbers[:, j] = self.values[f.name][rows]
        for j, f in enumerate(levelled):
            column = self.values[f.name][rows]
            codes[:, j] = np.where(np.isnan(column), -1, column)
        coded = Coded(
            tuple(f.name for f in numeric),
            tuple(f.name for f in levelled),
            numbers,
            codes,
            tuple(len(levels_of(f)) for f in levelled),
        )
        return coded, Schema(fields=tuple(fields))

    def meeting(self, asked: Mapping[str, Condition]) -> IntArray:
        """Return the rows that meet all conditions."""
        good = np.ones(len(self.of_class), dtype=np.bool_)
        for name, condition in asked.items():
            values = self.values[name]
            hit = np.isnan(values) & condition.missing
            for low, high in condition.ranges:
                hit |= (values >= low) & (values <= high)
            good &= hit
        return np.flatnonzero(good)

    def draw(
        self, rows: IntArray, near: IntArray, weight: FloatArray, u: FloatArray, asked: Mapping[str, Condition]
    ) -> dict[str, FloatArray]:
        """Return drawn columns.

        Parameters
        ----------
        rows, near, weight
            Rows that may be mixed, their neighbours as positions among them, and how often each starts a drawn row.
        u
            Uniforms, shape (n, 3): which row, which neighbour, how far towards it.
        """
        above = np.cumsum(weight)
        start = np.minimum(np.searchsorted(above, u[:, 0] * above[-1], side="right"), np.flatnonzero(weight)[-1])
        count = (near[start] >= 0).sum(axis=1)
        pick = np.minimum((u[:, 1] * count).astype(np.intp), count - 1)
        end = near[start, pick]
        out: dict[str, FloatArray] = {}
        for f in self.fields:
            values = self.values[f.name][rows]
            here = values[start]
            if f.levelled or f.name == self.target:
                out[f.name] = here if f.name == self.target else _commonest(values, start, near)
                continue
            there = np.where(np.isnan(values[end]), here, values[end])
            mixed = self.grids[f.name].settle(here + u[:, 2] * (there - here))
            if f.name in asked and len(asked[f.name].ranges) > 1:  # between two allowed values lie forbidden ones
                mixed = here
            out[f.name] = mixed
        return out

    def get_state(self) -> dict[str, Any]:
        """Return plain values: the real rows are in it."""
        return {
            "grids": {name: grid_state(grid) for name, grid in self.grids.items()},
            "values": dict(self.values),
            "of_class": self.of_class.astype(np.int32),
            "names": list(self.names),
            "shares": self.shares,
            "target": self.target,
            "k": self.k,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any], fields: tuple[Field, ...]) -> Self:
        """Take back what `get_state` returned."""
        return cls(
            fields=fields,
            grids={name: Grid(**g) for name, g in state["grids"].items()},
            values=state["values"],
            of_class=state["of_class"].astype(np.intp),
            names=tuple(str(n) for n in state["names"]),
            shares=state["shares"],
            target=str(state["target"]),
            k=int(state["k"]),
        )


def _commonest(values: FloatArray, start: IntArray, near: IntArray) -> FloatArray:
    """Return the level that most neighbours of each starting row have: its own among equals, missing where it lacks one."""
    here = values[start]
    beside = np.where(near[start] >= 0, values[near[start]], np.nan)
    best, most = here.copy(), (beside == here[:, None]).sum(axis=1)
    for j in range(near.shape[1]):
        votes = (beside == beside[:, [j]]).sum(axis=1)
        better = votes > most
        best, most = np.where(better, beside[:, j], best), np.where(better, votes, most)
    return np.where(np.isnan(here), np.nan, best)
