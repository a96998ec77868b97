"""One column of a chain, drawn on raw values of the columns before it, by boosted trees over a tree of cells.

A value is found in three steps, each a yes-or-no question for boosted trees that see earlier columns as they are:

1. is it missing;
2. does one of the exact relations hold (`relations`): equal to an earlier column, a sum, a difference;
3. else it lies left or right of a cell boundary, again and again, until one cell of the column's range is left
   (`value_cells`). *One* forest answers at all nodes of this walk, because it is told where the node splits and how far
   from there, on the column's scale of ranks, each earlier number lies: "follow last month's bill closely" is learned once
   for all amounts. Every node starts from its share of rows in the column itself, so that trees learn only what earlier
   columns add. Growing stops by held-out rows.

All three take one uniform per row, used up digit by digit, so that a draw is the inverse of a distribution function: it
can be kept within bounds, and its density is known.

The idea of drawing a number by a tree of binary boosted classifiers is in McCarter 2024 (UnmaskingTrees,
arXiv:2407.05593), with a classifier per node and without relative features.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from synthproof.core.schema import Field
from synthproof.core.stats import ranks
from synthproof.synthesizers.table.chain.relations import Relation, holds, roundness, tolerance
from synthproof.synthesizers.table.chain.smooth import Smooth
from synthproof.synthesizers.table.chain.value_boosting import Boosted, binned
from synthproof.synthesizers.table.chain.value_cells import Cells, InStretch
from synthproof.synthesizers.table.chain.value_descent import Forest, Walk, descend, reach
from synthproof.synthesizers.table.columns.grid import Grid
from synthproof.synthesizers.table.columns.model import grid_state

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]


_PRIOR = 5.0  # rows of the whole that are added to each level's


@dataclass(frozen=True, slots=True)
class Feature:
    """How an earlier column enters the trees: as it is, or its levels in the order of the column that is learned.

    Parameters
    ----------
    name
        The earlier column.
    place
        Each level's place, missing first; empty for numbers.
    """

    name: str
    place: FloatArray

    @classmethod
    def learn(cls, name: str, values: FloatArray, f: Field, outcome: FloatArray) -> Self:
        """Return how a column enters trees for an outcome: its levels in the order of the outcome's mean among their rows.

        Parameters
        ----------
        values
            The column as numbers or codes of levels, NaN missing, shape (n,).
        outcome
            What is learned, NaN for rows that do not count, shape (n,). Each level's mean is drawn to that of all rows.
        """
        if f.numeric:
            return cls(name, np.empty(0))
        code = np.where(np.isnan(values), 0, values + 1).astype(np.intp)
        seen = ~np.isnan(outcome)
        levels = max(int(code.max(initial=0)) + 1, len(f.levels) + 1)
        count = np.bincount(code[seen], minlength=levels)
        total = np.bincount(code[seen], outcome[seen], minlength=levels)
        mean = (total + _PRIOR * outcome[seen].mean()) / (count + _PRIOR)
        return cls(name, ranks(np.round(mean, 12), ties="ordinal"))

    def of(self, values: FloatArray) -> FloatArray:
        """Return the feature, shape (n,)."""
        if not len(self.place):
            return values
        return np.asarray(self.place[np.where(np.isnan(values), 0, values + 1).astype(np.intp)])


@dataclass(frozen=True, slots=True)
class Event:
    """A relation and the trees that say whether it holds."""

    relation: Relation
    trees: Boosted


@dataclass(frozen=True, slots=True)
class ValueStage:
    """A fitted column.

    Parameters
    ----------
    name
        The column.
    features
        Earlier columns as the trees see them.
    edges, start
        Where these are cut into bins.
    references
        Earlier numbers that are placed on the column's own scale of ranks; relations of several columns come after them.
    gone
        Trees for a missing value; ``None`` when none is missing.
    events
        Relations in the order they are asked.
    heavy
        Shared values of many rows, which relations leave alone.
    cells, trees
        The walk.
    grid
        Lattice and range of a number; ``None`` for levels.
    smooth
        A surface over earlier numbers that nearly gives the column: one more reference.
    all_gone
        Whether nothing but missing can be drawn.
    """

    name: str
    features: tuple[Feature, ...]
    edges: FloatArray
    start: npt.NDArray[np.int32]
    references: tuple[str, ...]
    gone: Boosted | None
    events: tuple[Event, ...]
    heavy: FloatArray
    cells: Cells
    trees: Boosted
    grid: Grid | None
    smooth: Smooth | None = None
    all_gone: bool = False

    # ---------------------------------------------------------------- drawing

    def draw(
        self,
        rows: Mapping[str, FloatArray],
        u: FloatArray,
        low: FloatArray | None = None,
        high: FloatArray | None = None,
        grains: InStretch | None = None,
    ) -> FloatArray:
        """Return one value per row; NaN missing, levels as codes.

        Parameters
        ----------
        rows
            Earlier columns, each of shape (n,).
        u
            Uniforms, shape (n, 2): what is drawn, and where in a part of a cell when `grains` are given.
        low, high
            Bounds that a number has to keep, shape (n,); a row with any bound is not drawn as missing.
        grains
            Draws in the part of a cell instead of spreading evenly.

        Notes
        -----
        Cost O(n · turns · trees · references), about 1 to 8 microseconds a row, and O(trees · leaves · bins) a call.
        """
        n = len(u)
        out = np.full(n, np.nan)
        if self.all_gone or not n:
            return out
        low = np.full(n, -np.inf) if low is None else low
        high = np.full(n, np.inf) if high is None else high
        left = u[:, 0].copy()
        todo = np.arange(n)
        raw = self._raw(rows, n)
        if self.gone is not None:
            free = np.isneginf(low) & np.isposinf(high)
            p = np.where(free, _chance(self.gone.log_odds_bins(raw)), 0.0)
            hit, left = _ask(p, left)
            todo = np.flatnonzero(~hit)
        for event in self.events:
            if not len(todo):
                break
            part = {name: rows[name][todo] for name in rows}
            p, goal = self._event(event, raw[todo], part, low[todo], high[todo])
            hit, left[todo] = _ask(p, left[todo])
            out[todo[hit]] = goal[hit]
            todo = todo[~hit]
        if len(todo):
            part = {name: rows[name][todo] for name in rows}
            out[todo] = self._walk(raw[todo], part, left[todo], u[todo, 1], low[todo], high[todo], grains)
        if self.grid is None:
            return out
        settled = self.grid.settle(out)
        inside = (settled >= low) & (settled <= high)
        return np.where(inside | np.isnan(out), settled, np.clip(out, low, high))

    def _walk(
        self,
        raw: npt.NDArray[np.uint8],
        rows: Mapping[str, FloatArray],
        u: FloatArray,
        v: FloatArray,
        low: FloatArray,
        high: FloatArray,
        grains: InStretch | None,
    ) -> FloatArray:
        cell, rest = np.zeros(len(u), np.int32), u.copy()
        if self.cells.count > 1:
            places, walk, forest = self.places(rows, len(u)), self._nodes(), _forest(self.trees)
            tied = np.flatnonzero(np.isfinite(low) | np.isfinite(high))
            if len(tied):
                u = u.copy()
                ends = self.cells.within(low[tied], high[tied])
                below, mass = np.empty((2, len(tied))), np.empty((2, len(tied)))
                for k in range(2):
                    reach(ends[k].astype(np.int32), raw[tied], places[tied], walk, forest, below[k], mass[k])
                u[tied] = below[0] + u[tied] * np.maximum(below[1] + mass[1] - below[0], 0.0)
            descend(u, raw, places, walk, forest, cell, rest)
            if len(tied):  # rounding may lead a row just past its bounds
                cell[tied] = np.clip(cell[tied], ends[0], ends[1])
        return self.cells.place(cell.astype(np.intp), rest, low, high, v, grains)

    def log_prob(self, rows: Mapping[str, FloatArray], values: FloatArray) -> FloatArray:
        """Return the logarithm of each value's probability (of its lattice step; a density without lattice), (n,)."""
        n = len(values)
        there = ~np.isnan(values)
        if self.all_gone:
            return np.where(there, -np.inf, 0.0)
        raw = self._raw(rows, n)
        alive = np.ones(n)
        out = np.zeros(n)
        if self.gone is not None:
            p = _chance(self.gone.log_odds_bins(raw))
            out[~there], alive = p[~there], 1.0 - p
        wide = np.full(n, np.inf)
        near = 0.0 if self.grid is None else tolerance(self.grid.step, values)
        for event in self.events:
            p, goal = self._event(event, raw, rows, -wide, wide)
            out += np.where(there & holds(values, goal, self.heavy, max(near, event.relation.near)), alive * p, 0.0)
            alive = alive * (1.0 - p)
        cell = self.cells.cell(np.where(there, values, 0.0))
        mass = np.ones(n)
        if self.cells.count > 1:
            below = np.empty(n)
            reach(cell.astype(np.int32), raw, self.places(rows, n), self._nodes(), _forest(self.trees), below, mass)
        step = 0.0 if self.grid is None else self.grid.step
        out += np.where(there, alive * mass * self.cells.density(cell, np.where(there, values, 0.0), step), 0.0)
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(out))

    def _raw(self, rows: Mapping[str, FloatArray], n: int) -> npt.NDArray[np.uint8]:
        x = np.empty((n, len(self.features)))
        for j, f in enumerate(self.features):
            x[:, j] = f.of(rows[f.name])
        out = np.empty(x.shape, dtype=np.uint8)
        binned(x, self.edges, self.start, out)
        return out

    def places(self, rows: Mapping[str, FloatArray], n: int) -> FloatArray:
        """Return references, and what relations of several columns ask for, as ranks in the column, shape (n, k)."""
        given = [rows[m] for m in self.references]
        given += [e.relation.reference(rows) for e in self.events if len(e.relation.terms) > 1]
        given += [] if self.smooth is None else [self.smooth.predict(rows)]
        return np.stack([self.cells.rank(x) for x in given], axis=1) if given else np.empty((n, 0))

    def _nodes(self) -> Walk:
        c = self.cells
        return c.total, c.split, c.left, c.right, c.begin, c.end

    def _event(
        self,
        event: Event,
        raw: npt.NDArray[np.uint8],
        rows: Mapping[str, FloatArray],
        low: FloatArray,
        high: FloatArray,
    ) -> tuple[FloatArray, FloatArray]:
        """Return the chance that a relation holds, and the value it asks for."""
        assert self.grid is not None  # only numbers have relations
        goal = event.relation.reference(rows)
        open_ = eligible(goal, self.heavy, self.grid) & (goal >= low) & (goal <= high)
        x = event_features(goal, self.references, rows, self.grid)
        bins = np.empty(x.shape, dtype=np.uint8)
        p = len(self.features)
        binned(x, event.trees.edges[event.trees.start[p] :], event.trees.start[p:] - event.trees.start[p], bins)
        odds = event.trees.log_odds_bins(np.concatenate([raw, bins], axis=1))
        return np.where(open_, _chance(odds), 0.0), goal

    # ---------------------------------------------------------------- state

    def get_state(self) -> dict[str, Any]:
        """Return plain values and arrays."""
        return {
            "name": self.name,
            "features": [{"name": f.name, "place": f.place} for f in self.features],
            "edges": self.edges,
            "start": self.start,
            "references": list(self.references),
            "gone": None if self.gone is None else self.gone.get_state(),
            "events": [{"relation": e.relation.get_state(), "trees": e.trees.get_state()} for e in self.events],
            "heavy": self.heavy,
            "cells": self.cells.get_state(),
            "trees": self.trees.get_state(),
            "grid": None if self.grid is None else grid_state(self.grid),
            "smooth": None if self.smooth is None else self.smooth.get_state(),
            "all_gone": self.all_gone,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Take back what `get_state` returned."""
        return cls(
            state["name"],
            tuple(Feature(**f) for f in state["features"]),
            state["edges"],
            state["start"],
            tuple(state["references"]),
            None if state["gone"] is None else Boosted.from_state(state["gone"]),
            tuple(Event(Relation.from_state(e["relation"]), Boosted.from_state(e["trees"])) for e in state["events"]),
            state["heavy"],
            Cells.from_state(state["cells"]),
            Boosted.from_state(state["trees"]),
            None if state["grid"] is None else Grid(**state["grid"]),
            None if state["smooth"] is None else Smooth.from_state(state["smooth"]),
            bool(state["all_gone"]),
        )


def eligible(goal: FloatArray, heavy: FloatArray, grid: Grid) -> BoolArray:
    """Return where a relation may hold: what it asks for is in range and no heavy value."""
    with np.errstate(invalid="ignore"):
        return np.asarray((goal >= grid.low) & (goal <= grid.high) & ~np.isin(goal, heavy))


def event_features(
    goal: FloatArray, references: Sequence[str], rows: Mapping[str, FloatArray], grid: Grid
) -> FloatArray:
    """Return what helps to say whether a relation holds: what it asks for, how round that is, who else has it."""
    near = tolerance(grid.step, np.array([grid.low, grid.high]))
    with np.errstate(invalid="ignore"):
        same = [(np.abs(rows[m] - goal) <= near).astype(np.float64) for m in references]
    return np.stack([goal, roundness(goal, grid.step), *same], axis=1)


def _forest(b: Boosted) -> Forest:
    return b.edges, b.start, b.masks()


def _chance(log_odds: FloatArray) -> FloatArray:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(log_odds, -700, 700))))


def _ask(p: FloatArray, u: FloatArray) -> tuple[BoolArray, FloatArray]:
    """Return where the answer is yes, and the uniforms that are left over."""
    hit = u < p
    rest = np.where(hit, u / np.where(p > 0, p, 1.0), (u - p) / np.where(p < 1, 1.0 - p, 1.0))
    return hit, np.clip(rest, 0.0, 1.0)
