"""Linear relations of several columns, smooth surfaces, and what the value stage makes of them."""

from __future__ import annotations

import numpy as np
import pytest

from synthproof.synthesizers.table.chain.linear_relations import find_planes
from synthproof.synthesizers.table.chain.smooth import Smooth, learn_smooth
from synthproof.synthesizers.table.columns.grid import Grid


def lipids(n: int, seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    hdl, tg = np.rint(rng.normal(55, 12, n)), np.rint(rng.lognormal(4.6, 0.5, n))
    ldl = np.rint(rng.normal(115, 30, n))
    total = np.rint(ldl + hdl + tg / 5)
    return {"total": total, "hdl": hdl, "tg": tg, "age": np.rint(rng.uniform(20, 80, n)), "ldl": ldl}


def weights(plane) -> dict[str, float]:
    return {name: round(w, 6) for name, w in plane[0]}


def test_shares_that_add_up_are_found():
    rng = np.random.default_rng(1)
    parts = rng.dirichlet(np.ones(5), 1500)
    rows = {f"p{j}": parts[:, j] for j in range(4)} | {"other": rng.normal(size=1500)}
    (plane,) = find_planes(1.0 - parts[:, :4].sum(axis=1), rows, tuple(rows), 0.0, seed=3)
    assert weights(plane) == {"p0": -1.0, "p1": -1.0, "p2": -1.0, "p3": -1.0}
    assert plane[1] == 1.0


def test_a_rounded_formula_that_some_rows_break_is_found():
    rows = lipids(2500, 2)
    y = rows.pop("ldl")
    wild = np.random.default_rng(5).random(len(y)) < 0.3
    y = np.where(wild, np.rint(np.random.default_rng(6).normal(115, 30, len(y))), y)
    (plane,) = find_planes(y, rows, ("total", "hdl", "tg", "age"), 1.0, seed=4)
    assert weights(plane) == {"total": 1.0, "hdl": -1.0, "tg": -0.2}


def test_an_average_that_lies_midway_in_part_of_the_rows_is_found():
    rng = np.random.default_rng(8)
    low = rng.lognormal(7, 1, 3000)
    high = low + rng.lognormal(7, 1, 3000)
    mean = np.where(rng.random(3000) < 0.45, (low + high) / 2, low + (high - low) * rng.random(3000))
    planes = find_planes(mean, {"low": low, "high": high}, ("low", "high"), 0.0, seed=1)
    assert [weights(p) for p in planes] == [{"low": 0.5, "high": 0.5}]


@pytest.mark.parametrize("seed", range(5))
def test_close_ties_are_no_planes(seed):
    rng = np.random.default_rng(seed)
    a, b = np.rint(rng.normal(100, 20, 3000)), np.rint(rng.normal(50, 10, 3000))
    y = np.rint(a + b + rng.normal(0, 3, 3000))
    assert find_planes(y, {"a": a, "b": b}, ("a", "b"), 1.0, seed=seed) == ()


def test_a_plane_does_not_depend_on_columns_that_do_not_matter():
    rows = lipids(2500, 12)
    y = rows.pop("ldl")
    names = ("age", "total", "tg", "hdl")
    found = [find_planes(y, rows, order, 1.0, seed=9) for order in (names, names[::-1])]
    assert [weights(p[0]) for p in found] == [{"total": 1.0, "hdl": -1.0, "tg": -0.2}] * 2


def hills(n: int, seed: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    rng = np.random.default_rng(seed)
    slope, aspect = rng.gamma(3, 5, n), rng.uniform(0, 360, n)
    light = np.cos(np.radians(45)) * np.cos(np.radians(slope)) + np.sin(np.radians(45)) * np.sin(
        np.radians(slope)
    ) * np.cos(np.radians(aspect - 225))
    return {"slope": slope, "aspect": aspect, "noise": rng.normal(size=n)}, np.rint(255 * light)


def ranker(y: np.ndarray):
    ordered = np.sort(y)
    return lambda v: (np.searchsorted(ordered, v) + np.searchsorted(ordered, v, side="right")) / 2 / len(y)


def test_light_on_a_slope_is_a_surface_over_slope_and_aspect():
    rows, y = hills(6000, 1)
    held = np.random.default_rng(2).random(6000) < 0.12
    found = learn_smooth(y, rows, ("noise", "slope", "aspect"), held, ranker(y), seed=7)
    assert found is not None
    assert set(found.names) == {"slope", "aspect"}
    new, truth = hills(2000, 99)
    assert np.abs(ranker(y)(found.predict(new)) - ranker(y)(truth)).mean() < 0.02
    again = Smooth.from_state(found.get_state())
    np.testing.assert_array_equal(again.predict(new), found.predict(new))


def test_what_hangs_on_nothing_has_no_surface():
    rng = np.random.default_rng(3)
    rows = {m: rng.normal(size=3000) for m in "abc"}
    y = rows["a"] + rng.normal(size=3000)
    assert learn_smooth(y, rows, ("a", "b", "c"), rng.random(3000) < 0.12, ranker(y), seed=1) is None


def test_a_lattice_gives_the_numbers_that_texts_are_read_as():
    grid = Grid(0.1, 0.0, 0.1, 2.5)
    texts = [f"{k / 10:.1f}" for k in range(1, 26)]
    noisy = np.array([0.1 * k for k in range(1, 26)])
    assert [float(t) for t in texts] == grid.settle(noisy).tolist()
    assert not np.array_equal(noisy, grid.settle(noisy))  # 3 * 0.1 is not 0.3
