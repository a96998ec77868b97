"""The value stage: cells, boosted trees, relations, and draws from all of them."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pytest

from synthproof.core.random import uniforms
from synthproof.core.schema import Field
from synthproof.synthesizers.table.chain.relations import find_relations, heavy_values, tolerance
from synthproof.synthesizers.table.chain.value_boosting import Boosted, Settings, bin_of, binned, cut_features, edges_of
from synthproof.synthesizers.table.chain.value_cells import Cells
from synthproof.synthesizers.table.chain.value_growing import best, find_leaves, gradients, grow, histogram, leaf_values
from synthproof.synthesizers.table.chain.value_learning import StageSettings, learn_stage
from synthproof.synthesizers.table.chain.value_order import order_of
from synthproof.synthesizers.table.chain.value_stage import ValueStage
from synthproof.synthesizers.table.columns.grid import shape_of

FloatArray = npt.NDArray[np.float64]

N = 4000


def _field(name: str, kind: str = "integer") -> Field:
    return Field(name=name, kind=kind)  # type: ignore[arg-type]


def _bills() -> dict[str, FloatArray]:
    """Two months: a bill near the last one, a payment that often equals it, is 0, or something below it."""
    rng = np.random.default_rng(3)
    first = np.rint(np.exp(rng.normal(8, 1.2, N)))
    second = np.rint(first * np.exp(rng.normal(0, 0.08, N)) + rng.normal(0, 20, N))
    kind = rng.random(N)
    pay = np.where(kind < 0.3, second, np.where(kind < 0.5, 0.0, np.rint(second * rng.random(N))))
    return {"first": first, "second": second, "pay": pay}


@pytest.fixture(scope="module")
def bills() -> dict[str, FloatArray]:
    return _bills()


def _stage(name: str, rows: Mapping[str, FloatArray], earlier: tuple[str, ...], **kinds: str) -> ValueStage:
    fields = {m: _field(m, kinds.get(m, "integer")) for m in rows}
    shape = None if kinds.get(name) == "categorical" else shape_of(rows[name], fields[name], min_shared=10)
    return learn_stage(name, rows[name], shape, {m: rows[m] for m in earlier}, fields, seed=5)


@pytest.fixture(scope="module")
def pay(bills: dict[str, FloatArray]) -> ValueStage:
    return _stage("pay", bills, ("first", "second"))


# ---------------------------------------------------------------- boosting


def test_trees_find_a_probability_and_stop_by_held_out_rows() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(8000, 4))
    truth = 1 / (1 + np.exp(-2 * x[:, 0] * (x[:, 1] > 0)))
    y = rng.random(8000) < truth
    held = rng.random(8000) < 0.2
    model = Boosted.learn(x, y, held, Settings(min_leaf=40), np.random.default_rng(1))
    fresh = rng.normal(size=(4000, 4))
    p = 1 / (1 + np.exp(-model.log_odds(fresh)))
    want = 1 / (1 + np.exp(-2 * fresh[:, 0] * (fresh[:, 1] > 0)))
    assert np.abs(p - want).mean() < 0.09
    assert model.held_loss < 0.6
    noise = Boosted.learn(x, rng.random(8000) < 0.5, held, Settings(), np.random.default_rng(1))
    assert len(noise.roots) < 15
    assert len(noise.roots) < len(model.roots)


def test_offset_is_where_trees_start() -> None:
    rng = np.random.default_rng(0)
    offset = rng.normal(0, 3, 6000)
    y = rng.random(6000) < 1 / (1 + np.exp(-offset))
    x = rng.normal(size=(6000, 2))
    held = rng.random(6000) < 0.2
    model = Boosted.learn(x, y, held, Settings(), np.random.default_rng(1), offset)
    assert np.abs(model.log_odds(x)).mean() < 0.2


@pytest.mark.parametrize("leaves", [2, 31, 100])
def test_sets_of_leaves_say_what_the_trees_say(leaves: int) -> None:
    rng = np.random.default_rng(0)
    x = np.round(rng.normal(size=(1500, 5)), 1)
    x[rng.random(x.shape) < 0.1] = np.nan
    y = rng.random(1500) < 1 / (1 + np.exp(-np.nan_to_num(x[:, 0] * x[:, 1] + x[:, 2])))
    few = Settings(leaves=leaves, min_leaf=5, rounds=9, patience=9, bins=200)
    model = Boosted.learn(x, y, rng.random(1500) < 0.1, few, np.random.default_rng(1))
    assert (np.diff(np.append(model.roots, len(model.feature))) <= 2 * min(leaves, 32) - 1).all()
    bins = np.empty(x.shape, dtype=np.uint8)
    binned(x, model.edges, model.start, bins)
    walked = np.full(len(x), model.base)
    for at in model.roots:
        for i, row in enumerate(bins):
            k = at
            while model.feature[k] >= 0:
                k = model.child[k] + int(row[model.feature[k]] > model.cut[k])
            walked[i] += model.value[k]
    assert np.ptp(walked) > 0.3
    assert np.abs(model.log_odds(x) - walked).max() < 1e-6
    assert (Boosted.constant(0.7).log_odds(x[:, :0]) == 0.7).all()


def test_packed_sums_split_where_plain_sums_do() -> None:
    rng = np.random.default_rng(4)
    n, scale = 3000, 2.0**18
    bins = rng.integers(0, 12, (n, 4)).astype(np.uint8)
    y = rng.random(n) < 1 / (1 + np.exp(-2.0 * (bins[:, 2] > 6)))
    score = rng.normal(0, 0.3, n)
    grad, hess, packed = np.empty(n), np.empty(n), np.empty(n, np.int64)
    gradients(score, y, scale, grad, hess, packed)
    p = 1 / (1 + np.exp(-score))
    assert np.abs(grad - (p - y)).max() < 1e-12
    every, features = np.arange(n, dtype=np.int32), np.array([1, 2, 3], np.int32)
    hist = np.empty((3, 12), np.int64)
    histogram(bins, packed, every, features, hist)
    for j, f in enumerate(features):
        g, h = np.bincount(bins[:, f], grad, 12), np.bincount(bins[:, f], hess, 12)
        assert np.abs((hist[j] >> 32) / scale - g).max() < n / scale
        assert np.abs((hist[j] & 0xFFFFFFFF) / scale - h).max() < n / scale
    gain, place, last = best(hist, n, scale, 50, 5.0)
    assert (place, last) == (1, 6)
    right = bins[:, 2] > 6
    plain = sum(grad[s].sum() ** 2 / (hess[s].sum() + 5.0) for s in (right, ~right))
    assert gain == pytest.approx(plain - grad.sum() ** 2 / (hess.sum() + 5.0), rel=1e-3)


def test_a_tree_grown_and_a_tree_walked_put_rows_in_the_same_leaves() -> None:
    rng = np.random.default_rng(5)
    n = 4000
    bins = rng.integers(0, 30, (n, 3)).astype(np.uint8)
    y = rng.random(n) < 1 / (1 + np.exp(-1.5 * (bins[:, 0] > 9) * (bins[:, 1] > 20)))
    grad, hess, packed = np.empty(n), np.empty(n), np.empty(n, np.int64)
    gradients(np.zeros(n), y, 2.0**18, grad, hess, packed)
    feature, cut, child = np.empty(16, np.int16), np.zeros(16, np.uint8), np.zeros(16, np.int32)
    grown, walked = np.full(n, -1, np.int32), np.full(n, -1, np.int32)
    rows, hist = np.arange(n, dtype=np.int32), np.empty((8, 3, 30), np.int64)
    nodes = grow(bins, packed, 2.0**18, rows, np.arange(3, dtype=np.int32), hist, 50, 5.0, feature, cut, child, grown)
    assert nodes == 15
    find_leaves(bins, np.arange(n, dtype=np.int32), feature[:nodes], cut[:nodes], child[:nodes], walked)
    assert (grown == walked).all()
    assert (feature[grown] < 0).all()
    assert sorted(rows) == list(range(n))
    value = np.empty(nodes)
    leaf_values(grad, hess, rows, grown, 5.0, 0.1, value)
    for k in np.unique(grown):
        there = grown == k
        assert there.sum() >= 45  # rows are counted by their curvature, which is the same for all here but for rounding
        assert value[k] == pytest.approx(-0.1 * grad[there].sum() / (hess[there].sum() + 5.0))


def test_missing_features_have_a_bin_and_cuts_are_no_values() -> None:
    x = np.array([1.0, 2.0, np.nan, 4.0])[:, None]
    bins, edges, _ = cut_features([x[:, 0]], len(x), 64)
    assert bins[:, 0].tolist() == [1, 2, 0, 3]
    assert edges.tolist() == [1.5, 3.0]
    for n in range(12):
        some = np.arange(1.0, 1.0 + n)
        for v in np.arange(-0.5, 14, 0.5):
            assert bin_of(v, some, 0, n) == 1 + np.searchsorted(some, v)
    rng = np.random.default_rng(0)
    many = np.where(rng.random(5000) < 0.3, 7.0, rng.normal(0, 10, 5000))
    found = edges_of(many, 32)
    assert len(found) <= 30
    assert not np.isin(found, many).any()
    around = np.searchsorted(found, 7.0)
    alone = (many > found[around - 1]) & (many <= found[around])
    assert (many[alone] == 7.0).all()


# ---------------------------------------------------------------- cells


def test_cells_hand_out_no_rare_value_exactly_and_keep_the_distribution(bills: dict[str, FloatArray]) -> None:
    y = bills["pay"]
    shape = shape_of(y, _field("pay", "continuous"), min_shared=10)
    cells, code = Cells.learn(y, shape, most=64, min_rows=10)
    atom = cells.low == cells.high
    assert np.isin(cells.low[atom], shape.sites[shape.shared]).all()
    inner = np.unique(np.concatenate([cells.low[~atom], cells.high[~atom]]))[1:-1]
    rare = shape.sites[~shape.shared]
    assert np.isin(inner, rare).mean() < 0.02  # a midpoint of two whole numbers may be a third one
    sizes = np.diff(np.searchsorted(np.sort(y[~np.isin(y, cells.low[atom])]), np.append(inner, np.inf)))
    assert np.median(sizes) >= 10
    u = np.random.default_rng(1).random(N)
    drawn = cells.place(code, u, np.full(N, -np.inf), np.full(N, np.inf))
    for q in (0.3, 0.6, 0.9):
        assert np.quantile(drawn, q) == pytest.approx(np.quantile(y, q), rel=0.05)
    assert drawn.mean() == pytest.approx(y.mean(), rel=0.05)
    assert (cells.cell(y) == code).mean() > 0.99


def test_questions_lead_to_every_cell() -> None:
    codes = np.repeat(np.arange(6), [500, 1, 30, 200, 5, 90])
    cells, code = Cells.of_levels(codes.astype(np.intp), 8)
    assert cells.count == 6
    assert (code == codes).all()
    reached = sorted(-1 - k for k in np.concatenate([cells.left, cells.right]) if k < 0)
    assert reached == list(range(6))
    assert cells.total[-1] == 1.0


# ---------------------------------------------------------------- relations


def test_relations_are_found_and_sums_too() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.integers(100, 3000, N).astype(float), rng.integers(100, 900, N).astype(float)
    y = np.where(rng.random(N) < 0.8, a + b, a)
    shape = shape_of(y, _field("y"), min_shared=10)
    heavy = heavy_values(y, shape.sites, shape.shared)
    found = find_relations(y, {"a": a, "b": b}, ("a", "b"), heavy, tolerance(shape.grid.step, y))
    assert [r.terms for r in found] == [(("a", 1.0), ("b", 1.0)), (("a", 1.0),)]
    unrelated = rng.integers(0, 10**6, N).astype(float)
    assert find_relations(unrelated, {"a": a, "b": b}, ("a", "b"), heavy, 1e-6) == ()


def test_a_sum_is_drawn_exactly() -> None:
    rng = np.random.default_rng(0)
    rows = {k: rng.integers(100, 3000, N).astype(float) for k in ("a", "b")}
    rows["y"] = rows["a"] + rows["b"]
    stage = _stage("y", rows, ("a", "b"))
    fresh = {k: rng.integers(100, 2900, 1000).astype(float) for k in ("a", "b")}
    drawn = stage.draw(fresh, uniforms(1, "t", 1000, 2))
    assert (drawn == fresh["a"] + fresh["b"]).mean() > 0.98


# ---------------------------------------------------------------- the stage


def test_what_is_drawn_follows_the_columns_before(bills: dict[str, FloatArray], pay: ValueStage) -> None:
    drawn = pay.draw(bills, uniforms(1, "t", N, 2))
    assert (drawn == 0).mean() == pytest.approx((bills["pay"] == 0).mean(), abs=0.03)
    assert (drawn == bills["second"]).mean() == pytest.approx(0.3, abs=0.04)
    assert (drawn <= bills["second"] + 1).mean() > 0.95
    second = _stage("second", bills, ("first",))
    values = second.draw(bills, uniforms(1, "t", N, 2))
    real = np.corrcoef(np.argsort(np.argsort(bills["first"])), np.argsort(np.argsort(bills["second"])))[0, 1]
    mine = np.corrcoef(np.argsort(np.argsort(bills["first"])), np.argsort(np.argsort(values)))[0, 1]
    assert mine == pytest.approx(real, abs=0.02)


def test_bounds_are_kept_and_leave_the_rest_of_the_distribution(bills: dict[str, FloatArray], pay: ValueStage) -> None:
    low, high = 0.2 * bills["second"], 0.6 * bills["second"]
    u = uniforms(1, "t", N, 2)
    drawn = pay.draw(bills, u, low, high)
    assert ((drawn >= low) & (drawn <= high)).all()
    free = pay.draw(bills, u)
    inside = (free >= low) & (free <= high)
    ratio = drawn / bills["second"]
    assert np.median(ratio) == pytest.approx(np.median((free / bills["second"])[inside]), abs=0.05)


def test_log_prob_adds_up_to_one(bills: dict[str, FloatArray], pay: ValueStage) -> None:
    top = 3000
    small = np.flatnonzero(bills["second"] < top / 2)[:5]
    for i in small:
        row = {k: np.full(200_001, bills[k][i]) for k in ("first", "second")}
        every = np.arange(200_001, dtype=float)
        assert np.exp(pay.log_prob(row, every)).sum() == pytest.approx(1.0, abs=0.03)
    assert pay.log_prob(bills, bills["pay"]).mean() > -6.0


def test_missing_levels_and_nothing_at_all() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=N)
    y = np.where(x > 1, np.nan, np.round(x * 100))
    level = np.where(rng.random(N) < 0.1, np.nan, (x > 0) + 2.0 * (rng.random(N) < 0.5))
    rows = {"x": x, "y": y, "level": level}
    kinds = {"x": "continuous", "level": "categorical"}
    drawn = _stage("y", rows, ("x", "level"), **kinds).draw(rows, uniforms(1, "t", N, 2))
    assert (np.isnan(drawn) == (x > 1)).mean() > 0.98
    got = _stage("level", rows, ("x",), **kinds).draw(rows, uniforms(1, "t", N, 2))
    assert np.isnan(got).mean() == pytest.approx(0.1, abs=0.02)
    there = ~np.isnan(got)
    assert ((got[there] % 2 == 1) == (x[there] > 0)).mean() > 0.97
    gone = _stage("z", {"x": x, "z": np.full(N, np.nan)}, ("x",), x="continuous")
    assert np.isnan(gone.draw(rows, uniforms(1, "t", N, 2))).all()


def test_state_goes_round_and_results_do_not_depend_on_blocks(bills: dict[str, FloatArray], pay: ValueStage) -> None:
    state = pay.get_state()
    json.dumps(state, default=lambda a: a.tolist())
    again = ValueStage.from_state(state)
    u = uniforms(1, "t", N, 2)
    whole = again.draw(bills, u)
    assert (whole == pay.draw(bills, u)).all()
    head = {k: v[:700] for k, v in bills.items()}
    assert (pay.draw(head, u[:700]) == whole[:700]).all()
    assert (_stage("pay", bills, ("first", "second")).draw(bills, u) == whole).all()


def test_rows_and_pairs_are_bounded(bills: dict[str, FloatArray]) -> None:
    fields = {m: _field(m) for m in bills}
    shape = shape_of(bills["second"], fields["second"], min_shared=10)
    small = StageSettings(most_rows=1500, most_pairs=3000)
    stage = learn_stage("second", bills["second"], shape, {"first": bills["first"]}, fields, seed=5, settings=small)
    drawn = stage.draw(bills, uniforms(1, "t", N, 2))
    assert np.corrcoef(np.log1p(drawn.clip(0)), np.log1p(bills["first"]))[0, 1] > 0.9


def test_order_follows_strong_links() -> None:
    rng = np.random.default_rng(0)
    a = rng.normal(size=N)
    values: dict[str, FloatArray] = {
        "lone": rng.normal(size=N),
        "b": a + 0.1 * rng.normal(size=N),
        "sex": (a > 0).astype(np.float64),
        "a": a,
    }
    values["c"] = values["b"] + 0.3 * rng.normal(size=N)
    fields = {m: _field(m, "continuous") for m in values}
    order = order_of(values, fields, {m: len(np.unique(v)) for m, v in values.items()})
    assert order[0] == "sex"
    assert order[-1] == "lone"
    assert order.index("b") < order.index("c")
