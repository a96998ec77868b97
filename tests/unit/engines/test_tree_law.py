from __future__ import annotations

import itertools

import numpy as np
import pytest

from synthproof.engines.codes import Coded, encode
from synthproof.engines.tree_law import MOST_COLUMNS, Cuts, tree_loss, tree_of
from synthproof.testing.worlds import patients


def chain(n: int) -> np.ndarray[tuple[int, int], np.dtype[np.intp]]:
    """0 → 2 → 1 with 0.9 agreement, and a column of its own."""
    g = np.random.default_rng(0)
    first = g.integers(0, 3, n)
    middle = np.where(g.random(n) < 0.9, first, g.integers(0, 3, n))
    last = np.where(g.random(n) < 0.9, middle, g.integers(0, 3, n))
    return np.stack([first, last, middle, g.integers(0, 3, n)], axis=1).astype(np.intp)


def test_the_tree_follows_the_dependence() -> None:
    edges = tree_of(chain(4000), [3] * 4)
    assert edges[0] == (0, -1)
    assert {frozenset(e) for e in edges[1:3]} == {frozenset((2, 0)), frozenset((1, 2))}


def test_likelihoods_sum_to_one_and_prefer_what_was_learned() -> None:
    bins = chain(500)
    every = np.array(list(itertools.product(range(3), repeat=4)), dtype=np.intp)
    loss = tree_loss(tree_of(bins, [3] * 4), bins, every, [3] * 4)
    assert np.exp(-loss).sum() == pytest.approx(1.0)
    agree = (every[:, 0] == every[:, 1]) & (every[:, 1] == every[:, 2])
    assert loss[agree].max() < loss[~agree].min()


def test_columns_past_the_most_stand_alone() -> None:
    bins = np.random.default_rng(1).integers(0, 2, (50, MOST_COLUMNS + 2)).astype(np.intp)
    edges = tree_of(bins, [2] * bins.shape[1])
    assert len(edges) == bins.shape[1]
    assert edges[-2:] == [(MOST_COLUMNS, -1), (MOST_COLUMNS + 1, -1)]


def test_cuts_keep_missing_apart_and_pool_rare_levels() -> None:
    numbers = np.array([[0.0], [1.0], [2.0], [3.0], [np.nan]])
    codes = np.array([[0], [0], [1], [2], [-1]], dtype=np.int32)
    table = Coded(("x",), ("c",), numbers, codes, (4,))
    cuts = Cuts.learn(table, bins=2)
    assert cuts.sizes == [3, 3]
    assert cuts.apply(table).tolist() == [[1, 1], [1, 1], [2, 2], [2, 2], [0, 0]]


def test_every_bin_lies_within_its_size() -> None:
    world = patients()
    a, b = (encode(world.draw(300, s).frame, world.schema) for s in (1, 2))
    cuts = Cuts.learn(a)
    assert (cuts.apply(b) < np.array(cuts.sizes)).all()
