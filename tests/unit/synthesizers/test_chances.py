"""The likelihood of a sequential chain is that of its own draws."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest

from synthproof.core.schema import Field, Schema
from synthproof.data.table.dataset import Table, canonical_dtype
from synthproof.synthesizers.table.cart_chain import CartChain
from synthproof.synthesizers.table.columns.chances import chance
from synthproof.synthesizers.table.columns.grid import Grid
from synthproof.synthesizers.table.columns.pieces import Pieces
from synthproof.testing.worlds import adult_like

LEVELS = ("a", "b", "c")


def levels(cells: np.ndarray[tuple[int, int], np.dtype[np.intp]]) -> Table:
    fields = tuple(Field(name=n, kind="categorical", levels=LEVELS) for n in ("x", "y", "z"))
    made = {f.name: pd.Series(np.array(LEVELS)[cells[:, j]]).astype(canonical_dtype(f)) for j, f in enumerate(fields)}
    return Table(pd.DataFrame(made), Schema(fields=fields))


def test_a_value_has_its_piece_its_share_of_an_interval_or_nothing() -> None:
    nan = np.nan
    # Leaf 0: an interval [0, 4] of weight 2, the point 4 of weight 1, missing of weight 1. Leaf 1: the point 7.
    pieces = Pieces(
        np.array([0, 3, 4]), np.array([0.0, 4, nan, 7]), np.array([4.0, 4, nan, 7]), np.array([0.0, 2, 3, 4, 9])
    )
    leaf = np.array([0, 0, 0, 0, 0, 1, 1, 1])
    values = np.array([1.0, 0.0, 4.0, 5.0, nan, 7.0, 1.0, nan])
    found = chance(pieces, leaf, values, Grid(1.0, 0.0, 0.0, 9.0))
    assert found.tolist() == pytest.approx([2 / 4 / 4, 2 / 4 / 4, 1 / 4, 0, 1 / 4, 1, 0, 0])


def test_probabilities_add_up_to_one_and_match_the_draws() -> None:
    g = np.random.Generator(np.random.Philox(1))
    x = g.choice(3, 3000, p=[0.5, 0.3, 0.2])
    y = np.where(g.random(3000) < 0.7, x, g.integers(0, 3, 3000))
    z = np.where(g.random(3000) < 0.7, (x + y) % 3, g.integers(0, 3, 3000))
    model = CartChain(random_state=0).fit(levels(np.stack([x, y, z], axis=1)))
    rows = levels(np.array(list(product(range(3), repeat=3))))
    p = np.exp(model.log_prob(rows))
    assert p.sum() == pytest.approx(1.0, abs=1e-5)
    drawn = model.sample(60_000, seed=3).frame.astype(str).agg("".join, axis=1).value_counts(normalize=True)
    share = drawn.reindex(rows.frame.astype(str).agg("".join, axis=1)).fillna(0.0).to_numpy()
    # The total variation expected of n draws over k cells is about sqrt(k / (2 π n)).
    assert np.abs(share - p).sum() / 2 < 2 * np.sqrt(27 / (2 * np.pi * 60_000))


def test_rows_of_the_law_are_likelier_than_rows_torn_apart() -> None:
    world = adult_like()
    model = CartChain(random_state=0).fit(world.draw(3000, 1))
    fresh = world.draw(1500, 2)
    torn = fresh.with_frame(fresh.frame.assign(income=fresh.frame["income"].to_numpy()[::-1]))
    gap = model.log_prob(fresh) - model.log_prob(torn)
    assert np.isfinite(gap).all()
    assert gap.mean() > 3 * gap.std() / np.sqrt(1500)
