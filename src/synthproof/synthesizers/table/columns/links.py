"""One column of a chain: how the columns before it are turned into features, its trees, and the pieces in their leaves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from synthproof.core.random import stream
from synthproof.core.schema import Field
from synthproof.core.stats import ranks
from synthproof.data.table.dataset import Table
from synthproof.engines.codes import to_codes, to_numbers
from synthproof.synthesizers.table.columns.chances import chance
from synthproof.synthesizers.table.columns.grains import Grains
from synthproof.synthesizers.table.columns.grid import Grid, Shape, shape_of
from synthproof.synthesizers.table.columns.model import grid_state
from synthproof.synthesizers.table.columns.pieces import Pieces, number_pieces, point_pieces
from synthproof.synthesizers.table.columns.trees import Tree, grow

FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.intp]

_MANY_CLASSES = 150  # beyond this a tree predicts a rank, or a level's place on random axes
_MANY_VALUES = 20
_HEAVY, _HEAVY_SHARE = 4, 0.05
_ROWS_PER_CLASS = 5  # classes must be fewer than this share of the rows, too
_MANY_CELLS = 2_000_000
_AXES = 4
_MOST_ROWS = 100_000
_PRIOR = 5.0  # rows of the whole table added to each level before levels are ordered
_SECOND = 0.05  # a second order of the levels is used when it says at least this much of the first


@dataclass(frozen=True, slots=True)
class Learned:
    """All modelled columns as numbers and codes (NaN: missing), before any tree."""

    fields: Mapping[str, Field]
    values: Mapping[str, FloatArray]
    shapes: Mapping[str, Shape]
    grains: Mapping[str, Grains | None]
    order: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Coder:
    """How one earlier column enters the trees of a later one.

    Parameters
    ----------
    name
        The earlier column.
    base, gap
        For numbers: what is subtracted, and what a missing one becomes.
    place
        For levels: each level's place on a line, missing first; empty for numbers.
    """

    name: str
    base: float
    gap: float
    place: Float32Array

    def code(self, values: FloatArray) -> Float32Array:
        """Return a feature, shape (n,)."""
        if len(self.place):
            return np.asarray(self.place[np.where(np.isnan(values), 0, values + 1).astype(np.intp)])
        return np.where(np.isnan(values), self.gap, values - self.base).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Link:
    """One fitted column of the chain.

    Parameters
    ----------
    name
        The column.
    coders
        How earlier columns become features.
    trees
        Of which each row takes one.
    first
        Number of each tree's first leaf among all leaves.
    pieces
        What the leaves hold.
    grid
        Lattice of a numeric column, ``None`` for levels.
    """

    name: str
    coders: tuple[Coder, ...]
    trees: tuple[Tree, ...]
    first: tuple[int, ...]
    pieces: Pieces
    grid: Grid | None

    def leaf(self, rows: Mapping[str, FloatArray], pick: FloatArray) -> IntArray:
        """Return the leaf of each partial row; `pick` are the uniforms that choose its tree."""
        out = np.zeros(len(pick), dtype=np.intp)
        if not self.coders:
            return out
        x = _features(self.coders, rows)
        tree_of = np.minimum((pick * len(self.trees)).astype(np.intp), len(self.trees) - 1)
        for t, tree in enumerate(self.trees):
            mine = np.flatnonzero(tree_of == t)
            out[mine] = tree.apply(x[mine]) + self.first[t]
        return out

    def draw(self, rows: Mapping[str, FloatArray], u: FloatArray) -> FloatArray:
        """Return the column for partial rows from uniforms of shape (n, 3)."""
        return self.settle(self.pieces.draw(self.leaf(rows, u[:, 2]), u[:, 0], u[:, 1]))

    def chance(self, rows: Mapping[str, FloatArray], values: FloatArray) -> FloatArray:
        """Return how likely the column's own values are beside the columns before it: the mean over trees."""
        if not self.trees:
            return chance(self.pieces, np.zeros(len(values), dtype=np.intp), values, self.grid)
        x = _features(self.coders, rows)
        of_trees = [
            chance(self.pieces, tree.apply(x) + first, values, self.grid)
            for tree, first in zip(self.trees, self.first, strict=True)
        ]
        return np.asarray(np.mean(of_trees, axis=0), dtype=np.float64)

    def settle(self, values: FloatArray) -> FloatArray:
        """Return values on the column's lattice."""
        return values if self.grid is None else self.grid.settle(values)

    def get_state(self) -> dict[str, Any]:
        """Return plain values and arrays."""
        return {
            "name": self.name,
            "coders": [{"name": c.name, "base": c.base, "gap": c.gap, "place": c.place} for c in self.coders],
            "trees": [t.get_state() for t in self.trees],
            "first": list(self.first),
            "pieces": self.pieces.get_state(),
            "grid": None if self.grid is None else grid_state(self.grid),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Take back what `get_state` returned."""
        return cls(
            state["name"],
            tuple(Coder(**c) for c in state["coders"]),
            tuple(Tree.from_state(t) for t in state["trees"]),
            tuple(int(i) for i in state["first"]),
            Pieces.from_state(state["pieces"]),
            None if state["grid"] is None else Grid(**state["grid"]),
        )


def learn(data: Table, fields: tuple[Field, ...], *, min_shared: int, persons: IntArray | None) -> Learned:
    """Return the columns as numbers, with the order in which a chain takes them: by rising cardinality."""
    values: dict[str, FloatArray] = {}
    shapes: dict[str, Shape] = {}
    grains: dict[str, Grains | None] = {}
    sizes: dict[str, int] = {}
    for f in fields:
        column = data.frame[f.name]
        if f.numeric:
            values[f.name] = to_numbers(column, f)
            shape = shape_of(values[f.name], f, min_shared=min_shared, persons=persons)
            if shape.empty:
                values[f.name] = np.full(data.n_rows, np.nan)
            shapes[f.name], sizes[f.name] = shape, len(shape.sites)
            grains[f.name] = Grains.of_shape(values[f.name], f, shape, persons=persons, min_shared=min_shared)
        else:
            codes = to_codes(column, f)
            values[f.name] = np.where(codes < 0, np.nan, codes)
            sizes[f.name] = len(np.unique(codes[codes >= 0]))
    order = tuple(sorted(sizes, key=lambda name: sizes[name]))
    return Learned({f.name: f for f in fields}, values, shapes, grains, order)


def link(
    learned: Learned, position: int, *, trees: int, min_leaf: int, slack: float, features: float, seed: int
) -> Link:
    """Return the fitted link at a position of the chain; it depends on nothing but its arguments."""
    name = learned.order[position]
    values, shape = learned.values[name], learned.shapes.get(name)
    grown: list[Tree] = []
    leaves: list[IntArray] = []
    donors: list[FloatArray] = []
    first = [0]
    coders: tuple[Coder, ...] = ()
    if position:
        y, axes = _target(values, shape, name, seed)
        coders = tuple(c for other in learned.order[:position] for c in _coders(learned, other, y, axes))
        x = _features(coders, learned.values)
        for t in range(trees):
            purpose = f"cart/{name}/{t}"
            rows = _some(len(values), seed, purpose)
            tree = grow(x[rows], y[rows], min_leaf=min_leaf, features=features, slack=slack, seed=seed, purpose=purpose)
            grown.append(tree)
            leaves.append(tree.apply(x[rows]) + first[-1])
            donors.append(values[rows])
            first.append(first[-1] + tree.leaves)
    else:
        leaves.append(np.zeros(len(values), dtype=np.intp))
        donors.append(values)
    given, leaf, count = np.concatenate(donors), np.concatenate(leaves), max(1, first[-1])
    if shape is None:
        pieces = point_pieces(np.where(np.isnan(given), -1, given).astype(np.int64), leaf, count)
    else:
        pieces = number_pieces(given, shape, leaf, count, grains=learned.grains[name])
    return Link(name, coders, tuple(grown), tuple(first[: len(grown)]), pieces, shape.grid if shape else None)


def _some(n: int, seed: int, purpose: str) -> IntArray | slice:
    """Return the rows that one tree learns from and draws donors of: all, or as many as keep time and memory bounded."""
    if n <= _MOST_ROWS:
        return slice(None)
    return np.sort(stream(seed, f"{purpose}/rows").choice(n, _MOST_ROWS, replace=False)).astype(np.intp)


def _target(
    values: FloatArray, shape: Shape | None, name: str, seed: int
) -> tuple[npt.NDArray[Any], FloatArray | None]:
    """Return what a column's trees predict, and for each class its place on axes that order other columns' levels.

    Few values or levels are classes (missing is one of them). Numbers of many values are ranks, beside whether they
    are missing; levels of many values are places on random axes.
    """
    gone = np.isnan(values)
    if shape is not None and len(shape.sites) > min(_MANY_VALUES, len(values) // _ROWS_PER_CLASS):
        return _number_target(values, gone), None
    if shape is None:
        y = np.where(gone, 0, values + 1).astype(np.intp)
    else:
        y = np.where(gone, len(shape.sites), np.searchsorted(shape.sites, values)).astype(np.intp)
    classes = int(y.max()) + 1
    if classes <= max(2, min(_MANY_CLASSES, len(values) // _ROWS_PER_CLASS)):
        return y, np.eye(classes)
    axes = stream(seed, f"cart/{name}/axes").standard_normal((classes, _AXES))
    return axes[y], None


def _number_target(values: FloatArray, gone: npt.NDArray[np.bool_]) -> FloatArray:
    """Return a number's rank, whether it is missing, and whether it is one of a few very common values."""
    present = values[~gone]
    if not len(present):
        return gone[:, None].astype(np.float64)
    rank = ranks(np.where(gone, present.min(), values)) / len(values)
    goals = [rank * np.sqrt(12.0)]
    if gone.any():
        goals.append(2.0 * gone)
    sites, counts = np.unique(present, return_counts=True)
    heavy = np.argsort(-counts, kind="stable")[:_HEAVY]
    goals += [2.0 * (values == sites[k]) for k in heavy if counts[k] > _HEAVY_SHARE * len(values)]
    return np.stack(goals, axis=1)


def _coders(learned: Learned, name: str, y: npt.NDArray[Any], axes: FloatArray | None) -> list[Coder]:
    """Return the features that an earlier column gives: itself, or its levels in the order of what is predicted.

    One ordering by the target finds the best binary grouping of levels for two classes or a number (Breiman et al.
    1984); for more classes the first principal components of the class shares come near it (Coppersmith, Hong & Hosking
    1999, doi:10.1023/A:1009869804967).
    """
    values = learned.values[name]
    gone = np.isnan(values)
    if learned.fields[name].numeric:
        if gone.all():
            return [Coder(name, 0.0, -1.0, np.empty(0, dtype=np.float32))]
        base, top = float(np.nanmin(values)), float(np.nanmax(values))
        return [Coder(name, base, -1.0 - (top - base) / 10, np.empty(0, dtype=np.float32))]
    code = np.where(gone, 0, values + 1).astype(np.intp)
    levels = int(code.max()) + 1
    count = np.bincount(code, minlength=levels).astype(np.float64)
    goal = y if axes is None else axes[y] if levels * axes.shape[1] > _MANY_CELLS else None
    if goal is None:
        classes = int(y.max()) + 1
        pairs = np.bincount(code * classes + y, minlength=levels * classes)
        sums = pairs.reshape(levels, classes).astype(np.float64)
    else:
        sums = np.stack([np.bincount(code, goal[:, q], minlength=levels) for q in range(goal.shape[1])], axis=1)
    share = (sums + _PRIOR * sums.sum(axis=0) / len(values)) / (count + _PRIOR)[:, None]
    centred = (share - np.average(share, axis=0, weights=count)) * np.sqrt(count)[:, None]
    _, strength, turn = np.linalg.svd(centred, full_matrices=False)
    scores = share @ turn.T
    used = 1 if levels <= 3 or len(strength) < 2 or strength[1] < _SECOND * strength[0] else 2
    places = [ranks(_signed(scores[:, q]), ties="ordinal").astype(np.float32) for q in range(used)]
    return [Coder(name, 0.0, 0.0, place) for place in places]


def _signed(scores: FloatArray) -> FloatArray:
    """Return scores with a fixed sign and without rounding noise: a library may turn an axis round."""
    clean = np.round(scores, 12)
    lead = clean[np.argmax(np.abs(clean - clean.mean()))] - clean.mean()
    return np.asarray(-clean if lead < 0 else clean)


def _features(coders: tuple[Coder, ...], rows: Mapping[str, FloatArray]) -> Float32Array:
    return np.stack([c.code(rows[c.name]) for c in coders], axis=1)
