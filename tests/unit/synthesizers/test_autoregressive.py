"""table.autoregressive: conditions and completion against known laws, balance, likelihood, rules, and what it may not show."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from synthproof.core.errors import ConditionError, SchemaError
from synthproof.core.schema import Field, Schema
from synthproof.data.table.dataset import Table, canonical_dtype
from synthproof.data.table.io import read_table
from synthproof.synthesizers.table.autoregressive import Autoregressive
from synthproof.testing.synthesizers import example

LEVELS = ("a", "b", "c", "d")


def dice(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(seed))


def made(columns: dict[str, np.ndarray], **more: Field) -> Table:
    fields, frame = [], {}
    for name, values in columns.items():
        f = more.get(name) or Field(name=name, kind="categorical", levels=LEVELS)
        fields.append(f)
        cells = np.array(LEVELS, dtype=object)[values] if f.levelled else values
        frame[name] = pd.Series(cells).astype(canonical_dtype(f))
    return Table(pd.DataFrame(frame), Schema(fields=tuple(fields)))


def chain_of_levels(n: int, seed: int = 1) -> Table:
    """x → y → z and a number v around 10·z."""
    g = dice(seed)
    x = g.choice(4, n, p=[0.4, 0.3, 0.2, 0.1])
    y = np.where(g.random(n) < 0.7, x, g.integers(0, 4, n))
    z = np.where(g.random(n) < 0.7, (y + 1) % 4, g.integers(0, 4, n))
    v = np.round(10 * z + g.normal(0, 2, n), 2)
    number = Field(name="v", kind="continuous", decimals=2, low=-20.0, high=60.0)
    return made({"x": x, "y": y, "z": z, "v": v}, v=number)


@pytest.fixture(scope="module")
def truth() -> Table:
    return chain_of_levels(60_000, 2)


@pytest.fixture(scope="module")
def model() -> Autoregressive:
    return Autoregressive(random_state=0).fit(chain_of_levels(8_000))


def shares(column: pd.Series) -> np.ndarray:
    return np.array([(column == level).mean() for level in LEVELS])


@pytest.mark.parametrize(
    "where",
    [{"z": "c"}, {"x": ["a", "d"], "z": "b"}, {"v": (15.0, 25.0)}, {"v": {"max": 3.0}, "y": "b"}],
    ids=["level", "two", "range", "both"],
)
def test_conditions_give_the_conditional_distribution(model: Autoregressive, truth: Table, where: dict) -> None:
    drawn = model.sample(4_000, where=where, seed=3).frame
    kept = np.ones(truth.n_rows, dtype=bool)
    for name, asked in where.items():
        column = truth.frame[name]
        if name == "v":
            low, high = (asked.get("min", -np.inf), asked["max"]) if isinstance(asked, dict) else asked
            kept &= column.between(low, high).to_numpy()
            assert drawn["v"].between(low, high).all()
        else:
            levels = asked if isinstance(asked, list) else [asked]
            kept &= column.isin(levels).to_numpy()
            assert drawn[name].isin(levels).all()
    real = truth.frame[kept]
    for name in set("xyz") - set(where):
        # 0.07: 0.025 of sampling error on both sides (1,187 real rows in the rarest case), and what 8,000 rows tell
        assert np.abs(shares(drawn[name]) - shares(real[name])).max() < 0.07
    if "v" not in where:
        assert abs(drawn["v"].mean() - real["v"].mean()) < 0.8


def test_a_condition_costs_no_more_than_twice_the_time_of_rejection_free_drawing(model: Autoregressive) -> None:
    rare = model.sample(300, where={"x": "d", "y": "a", "z": "d", "v": (28.0, 32.0)}, seed=1).frame
    assert len(rare.drop_duplicates(["v"])) > 150  # drawn anew each, not resampled from a few


def test_an_impossible_combination_is_refused_with_its_probability() -> None:
    g = dice(3)
    x = g.integers(0, 3, 5_000)
    table = made({"x": x, "y": (x + 1) % 4, "noise": g.integers(0, 4, 5_000)})
    fitted = Autoregressive(random_state=0, keep_exact=False).fit(table)
    assert fitted.sample(50, where={"x": "a", "y": "b"}).frame["y"].eq("b").all()
    with pytest.raises(ConditionError, match="probability") as refused:
        fitted.sample(5, where={"x": "a", "y": "d"})
    assert refused.value.code == "condition/impossible"
    exact = Autoregressive(random_state=0, epochs=2).fit(table)
    assert [rule.text for rule in exact.exact_] == ["combination(x, y)"]
    with pytest.raises(ConditionError) as refused:
        exact.sample(5, where={"x": "a", "y": "d"})
    assert refused.value.code == "rules/conflict-where"


def test_completion_keeps_what_is_there_and_follows_it(model: Autoregressive, truth: Table) -> None:
    part = truth.frame.head(6_000).copy()
    g = dice(4)
    for name in ("x", "z", "v"):
        part.loc[g.random(len(part)) < 0.4, name] = None
    full = model.complete(Table(part, truth.schema), seed=1).frame
    assert not full.isna().any().any()
    for name in part:
        there = part[name].notna()
        assert (full[name][there].astype(object) == part[name][there].astype(object)).all()
    real = truth.frame.head(6_000)
    gone = part["z"].isna() & part["v"].notna()  # v tells z almost surely: imputing must use what comes later
    assert (full["z"][gone].astype(object) == real["z"][gone].astype(object)).mean() > 0.85
    again = model.complete(Table(part, truth.schema), seed=1).frame
    pd.testing.assert_frame_equal(full, again)


def test_columns_that_are_absent_are_made_and_unknown_ones_refused(model: Autoregressive) -> None:
    full = model.complete(pd.DataFrame({"z": ["a", "d", None]}), seed=2).frame
    assert list(full.columns) == ["x", "y", "z", "v"]
    assert full["z"].tolist()[:2] == ["a", "d"]
    only = model.complete(pd.DataFrame({"z": ["a", None], "x": ["b", "c"]}), columns=["z"], seed=2).frame
    assert only["z"].notna().all()
    assert only["y"].isna().all()
    with pytest.raises(SchemaError):
        model.complete(pd.DataFrame({"zz": ["a"]}))


def test_balance_sets_shares_and_the_rest_follows(model: Autoregressive, truth: Table) -> None:
    n = 8_000
    drawn = model.sample(n, balance={"z": {"d": 0.5, "a": 0.3}}, seed=5).frame
    got = shares(drawn["z"])
    error = 4.5 * np.sqrt(0.25 / n)
    assert abs(got[3] - 0.5) < error
    assert abs(got[0] - 0.3) < error
    learned = shares(truth.frame["z"])
    assert abs(got[1] / got[2] - learned[1] / learned[2]) < 0.25
    for level in "ad":
        mine, real = drawn[drawn["z"] == level], truth.frame[truth.frame["z"] == level]
        assert np.abs(shares(mine["y"]) - shares(real["y"])).max() < 0.06
    for bad in ({"z": {"d": 1.2}}, {"z": {"d": -0.1}}, {"v": {"1": 0.5}}, {"z": {"q": 0.5}}, {"w": {"a": 1}}):
        with pytest.raises(ConditionError):
            model.sample(5, balance=bad)


def test_log_prob_is_the_likelihood(model: Autoregressive, truth: Table) -> None:
    fresh = truth.take(np.arange(20_000))
    found = model.log_prob(fresh)
    assert found.shape == (20_000,)
    shuffled = fresh.frame.copy()
    for name in ("y", "v"):
        shuffled[name] = shuffled[name].sample(frac=1, random_state=1).to_numpy()
    worse = model.log_prob(Table(pd.DataFrame(shuffled), truth.schema))
    assert found.mean() > worse.mean() + 0.5
    # Entropy of the law: three noisy levels, and a normal of deviation 2 on a lattice of 0.01.
    p = np.array([0.4, 0.3, 0.2, 0.1])
    stay = 0.7 + 0.3 / 4
    step = -(stay * np.log(stay) + 3 * 0.075 * np.log(0.075))
    entropy = -(p * np.log(p)).sum() + 2 * step + 0.5 * np.log(2 * np.pi * np.e * 4) - np.log(0.01)
    assert -found.mean() == pytest.approx(entropy, abs=0.12)


def test_log_prob_sums_to_one_over_all_rows() -> None:
    g = dice(8)
    x = g.integers(0, 3, 3_000)
    table = made({"x": x, "y": np.where(g.random(3_000) < 0.6, x, g.integers(0, 4, 3_000))})
    fitted = Autoregressive(random_state=1).fit(table)
    cells = np.array([(a, b) for a in range(3) for b in range(4)])
    every = made({"x": cells[:, 0], "y": cells[:, 1]})
    assert np.exp(fitted.log_prob(every)).sum() == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("learner", ["network", "trees", "mixture"])
def test_all_learners_keep_rules_with_conditions(learner: str) -> None:
    g = dice(6)
    n = 1_500
    a = np.round(g.gamma(2.0, 10.0, n), 1)
    b = np.round(a + g.gamma(2.0, 5.0, n), 1)
    level = g.integers(0, 4, n)
    number = {m: Field(name=m, kind="continuous", decimals=1) for m in ("a", "b", "total")}
    table = made({"a": a, "b": b, "total": np.round(a + b, 1), "level": level}, **number)
    fitted = Autoregressive(learner=learner, epochs=6, random_state=0).fit(table)
    ruled = fitted.with_rules(add=["b >= a", "total = a + b"])
    for where in (None, {"total": (40.0, 60.0)}, {"b": (20.0, 30.0), "level": "c"}):
        frame = ruled.sample(1_000, where=where, seed=1).frame
        assert (frame["b"] >= frame["a"] - 1e-9).all()
        assert np.allclose(frame["total"], frame["a"] + frame["b"], atol=1e-6)
    part = pd.DataFrame({"total": [50.0, 30.0], "a": [20.0, None]})
    full = ruled.complete(part, seed=3).frame
    assert np.allclose(full["total"], full["a"] + full["b"], atol=1e-6)


def test_several_networks_share_the_rows() -> None:
    table = chain_of_levels(2_000)
    fitted = Autoregressive(networks=3, epochs=4, random_state=0).fit(table)
    drawn = fitted.sample(900, seed=1)
    pd.testing.assert_frame_equal(drawn.frame.head(100), fitted.sample(100, seed=1).frame)
    assert len(fitted.learning_) == 4
    assert np.isfinite(fitted.log_prob(table)).all()


def test_a_budget_of_seconds_is_kept() -> None:
    import time

    table = chain_of_levels(20_000)
    Autoregressive(random_state=0, epochs=1, hidden=64).fit(table)  # compiled
    begun = time.perf_counter()
    Autoregressive(random_state=0, epochs=500, learner="network", budget_s=2.0).fit(table)
    assert time.perf_counter() - begun < 8.0


@pytest.mark.parametrize("learner", ["network", "trees"])
def test_exact_dependencies_and_rare_levels_survive_on_adult(data_dir: Path, learner: str) -> None:
    table = read_table(data_dir / "adult" / "train.parquet").take(np.arange(6_000))
    fitted = Autoregressive(learner=learner, random_state=0).fit(table)
    drawn = fitted.sample(6_000, seed=1).frame
    pairs = set(zip(table.frame["education"].astype(str), table.frame["education_num"], strict=True))
    got = list(zip(drawn["education"].astype(str), drawn["education_num"], strict=True))
    assert np.mean([p in pairs for p in got]) > 0.985
    assert len(set(drawn["native_country"].dropna())) >= 25


def test_the_example_of_the_contract_is_learned_alike_twice() -> None:
    first, second = (Autoregressive(random_state=4).fit(example()) for _ in range(2))
    pd.testing.assert_frame_equal(first.sample(200).frame, second.sample(200).frame)
