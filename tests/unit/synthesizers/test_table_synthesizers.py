"""What each table synthesizer keeps, refuses and says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthproof.core.errors import ConditionError, ConfigError, DataError, NotFoundError, StateError, UsageError
from synthproof.core.models import load_model, read_header, save_model
from synthproof.core.registry import synthesizers
from synthproof.core.schema import Field, Schema
from synthproof.data.table.dataset import Table, canonical_dtype
from synthproof.synthesizers.table.cart_chain import CartChain
from synthproof.synthesizers.table.copula import Copula
from synthproof.synthesizers.table.marginals import Marginals
from synthproof.testing.synthesizers import check_synthesizer, example, same

ALL = (Marginals, Copula, CartChain)


def table(columns: dict[str, Any], *fields: Field) -> Table:
    made = {f.name: pd.Series(columns[f.name]).astype(canonical_dtype(f)) for f in fields}
    return Table(pd.DataFrame(made), Schema(fields=fields))


def dice(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(seed))


def pairs(n: int = 3000) -> Table:
    """x and y normal with correlation 0.8; c follows x; m is missing where x is large."""
    rng = dice(1)
    x = rng.normal(size=n)
    y = 0.8 * x + 0.6 * rng.normal(size=n)
    c = np.array(["a", "b", "c"])[np.digitize(x + rng.normal(size=n) / 2, [-0.5, 0.5])]
    m = np.where(x > 1, np.nan, rng.normal(size=n))
    return table(
        {"x": x, "y": y, "c": c, "m": m},
        Field(name="x", kind="continuous"),
        Field(name="y", kind="continuous"),
        Field(name="c", kind="categorical", levels=("a", "b", "c")),
        Field(name="m", kind="continuous", nullable=True),
    )


@pytest.mark.parametrize("cls", [Copula, CartChain])
def test_dependence_and_missing_patterns_are_kept(cls: Any) -> None:
    real = pairs()
    drawn = cls(random_state=3).fit(real).sample(3000, seed=1).frame
    # Fisher's z of a correlation has standard error 1/sqrt(n); two samples, five errors, and 0.05 for smoothing.
    wanted = np.arctanh(real.frame["x"].corr(real.frame["y"]))
    assert abs(np.arctanh(drawn["x"].corr(drawn["y"])) - wanted) < 5 * np.sqrt(2 / 3000) + 0.05
    assert abs(drawn["m"].isna().mean() - real.frame["m"].isna().mean()) < 0.05
    gap = drawn.loc[drawn["m"].isna(), "x"].mean() - drawn["x"].mean()
    assert gap > 0.7 * (real.frame.loc[real.frame["m"].isna(), "x"].mean() - real.frame["x"].mean())
    means = drawn.groupby("c", observed=True)["x"].mean()
    assert means["a"] < means["b"] < means["c"]


def test_marginals_keep_nothing_between_columns() -> None:
    drawn = Marginals(random_state=3).fit(pairs()).sample(3000, seed=1).frame
    assert abs(drawn["x"].corr(drawn["y"])) < 5 / np.sqrt(3000)


@pytest.mark.parametrize("cls", [Copula, CartChain])
def test_conditions_shift_the_other_columns(cls: Any) -> None:
    real = pairs()
    model = cls(random_state=3).fit(real)
    drawn = model.sample(1500, where={"x": {"min": 1.0}}, seed=1).frame
    assert drawn["x"].min() >= 1.0
    seen = real.frame.loc[real.frame["x"] >= 1.0, "y"]
    assert abs(drawn["y"].mean() - seen.mean()) < 5 * seen.std() * np.sqrt(1 / 1500 + 1 / len(seen)) + 0.1
    both = model.sample(800, where={"x": (1.1, None), "c": ["b", "c"], "m": None}, seed=1).frame
    assert both["x"].min() >= 1.1
    assert both["c"].isin(["b", "c"]).all()
    assert both["m"].isna().all()
    rare = model.sample(300, where={"c": "a", "y": {"min": 1.0}}, seed=1).frame
    assert (rare["c"] == "a").all()
    assert rare["x"].nunique() > 50


@pytest.mark.parametrize("cls", [Copula, CartChain])
def test_conditional_rows_follow_the_models_own_conditional_distribution(cls: Any) -> None:
    model = cls(random_state=3).fit(pairs(1000))
    free = model.sample(40_000, seed=1).frame
    free = free[(free["c"] == "b") & (free["y"] > 0.5)]
    drawn = model.sample(4_000, where={"c": "b", "y": {"min": 0.5}}, seed=2).frame
    for name in ("x", "y"):
        grid = np.sort(free[name].to_numpy())
        gap = np.abs(
            np.searchsorted(np.sort(drawn[name].to_numpy()), grid, side="right") / len(drawn)
            - np.arange(1, len(grid) + 1) / len(grid)
        ).max()
        # Two DKW bands at 1e-6; half of the drawn rows' number, since a pool's rows share ancestors.
        assert gap < np.sqrt(np.log(2 / 1e-6) / 2) * (1 / np.sqrt(len(free)) + 1 / np.sqrt(2_000))


def test_contradictions_are_refused_with_their_probability() -> None:
    a = np.repeat([0, 1], 200)
    real = table(
        {"a": a, "b": a},
        Field(name="a", kind="boolean"),
        Field(name="b", kind="integer"),
    )
    model = CartChain(random_state=1).fit(real)
    with pytest.raises(ConditionError) as caught:
        model.sample(10, where={"a": True, "b": 0}, seed=1)
    assert caught.value.code == "condition/impossible"
    assert float(str(caught.value.facts["probability"])) < 1e-4


@pytest.mark.parametrize("cls", ALL)
def test_hard_tables(cls: Any) -> None:
    n = 30
    rng = dice(2)
    real = table(
        {
            "constant": np.full(n, 3.5),
            "gone": np.full(n, np.nan),
            "lone": np.where(np.arange(n) == 4, 1.25, np.nan),
            "one": ["only"] * n,
            "never": [None] * n,
            "k": rng.integers(0, 5, n),
            "big": rng.integers(2**40, 2**45, n),
        },
        Field(name="constant", kind="continuous"),
        Field(name="gone", kind="continuous", nullable=True),
        Field(name="lone", kind="continuous", nullable=True),
        Field(name="one", kind="categorical", levels=("only",)),
        Field(name="never", kind="categorical", levels=(), nullable=True),
        Field(name="k", kind="integer"),
        Field(name="big", kind="integer"),
    )
    drawn = cls(random_state=1).fit(real).sample(200, seed=1)
    frame = drawn.frame
    assert (frame["constant"] == 3.5).all()
    assert frame["gone"].isna().all()
    assert frame["lone"].isna().all(), "the value of a single person came out"
    assert (frame["one"] == "only").all()
    assert frame["never"].isna().all()
    assert frame["k"].between(0, 4).all()
    assert frame["big"].between(real.frame["big"].min(), real.frame["big"].max()).all()
    single = cls(random_state=1).fit(real.without(*[f.name for f in real.schema.fields if f.name != "k"]))
    assert single.sample(50, seed=2).frame["k"].between(0, 4).all()


@pytest.mark.parametrize("cls", ALL)
def test_free_text_is_left_out_with_a_notice(cls: Any) -> None:
    real = table(
        {"k": np.arange(40) % 4, "note": [f"note {i}" for i in range(40)]},
        Field(name="k", kind="integer"),
        Field(name="note", kind="text"),
    )
    model = cls(random_state=1).fit(real)
    assert model.sample(5, seed=1).schema.names == ("k",)
    assert "note" in model.notices_[0].en
    assert "note" in model.notices_[0].ko
    with pytest.raises(DataError, match="nothing-to-learn"):
        cls().fit(real.without("k"))


@pytest.mark.parametrize("cls", ALL)
def test_several_rows_per_unit(cls: Any) -> None:
    real = table(
        {"person": np.repeat(np.arange(1000, 1030), 2), "k": np.arange(60) % 7},
        Field(name="person", kind="integer", roles=frozenset({"unit"})),
        Field(name="k", kind="integer"),
    )
    with pytest.raises(DataError, match="several-rows-per-unit"):
        cls().fit(real)
    model = cls(row_wise=True, random_state=1).fit(real)
    drawn = model.sample(100, seed=1)
    assert len(drawn) == 100
    assert "not assessed" in model.notices_[0].en
    assert not drawn.frame["person"].isin(real.frame["person"]).any()
    assert drawn.frame["person"].dtype == real.frame["person"].dtype


@pytest.mark.parametrize("cls", ALL)
def test_refusals(cls: Any) -> None:
    with pytest.raises(DataError, match="too-few-rows"):
        cls().fit(example(9))
    with pytest.raises(ConfigError):
        cls(min_shared=0).fit(example(30))
    endless = example(30)
    frame = endless.frame.assign(amount=np.where(np.arange(30) == 3, np.inf, endless.frame["amount"]))
    with pytest.raises(DataError, match="infinite-values"):
        cls().fit(endless.with_frame(frame))
    model = cls(random_state=1).fit(example(60))
    for n in (-1, 2.5, True):
        with pytest.raises(UsageError):
            model.sample(n)


@pytest.mark.parametrize("cls", ALL)
def test_seed_is_drawn_and_kept(cls: Any) -> None:
    model = cls().fit(example(60))
    assert isinstance(model.seed_, int)
    again = cls(random_state=model.seed_).fit(example(60))
    assert same(model.sample(20), again.sample(20))


def test_zones_and_booleans_come_back() -> None:
    stamps = pd.date_range("2024-01-01", periods=50, freq="D", tz="Asia/Seoul")
    real = table(
        {"when": stamps, "on": np.arange(50) % 3 == 0},
        Field(name="when", kind="datetime", format={"zone": "Asia/Seoul"}),
        Field(name="on", kind="boolean"),
    )
    for cls in ALL:
        drawn = cls(random_state=1).fit(real).sample(80, seed=1).frame
        assert drawn["when"].dtype == real.frame["when"].dtype
        assert (drawn["when"] == drawn["when"].dt.normalize()).all()
        march = cls(random_state=1).fit(real).sample(20, where={"when": {"min": "2024-02-01"}}, seed=1).frame
        assert (march["when"] >= pd.Timestamp("2024-02-01", tz="Asia/Seoul")).all()


def test_independent_columns_leave_few_leaves() -> None:
    rng = dice(5)
    real = table(
        {"a": rng.integers(0, 200, 2000), "b": rng.normal(size=2000)},
        Field(name="a", kind="integer"),
        Field(name="b", kind="continuous"),
    )
    model = CartChain(random_state=1, slack=0.0).fit(real)
    trees = model._links[1].trees
    assert np.mean([t.leaves for t in trees]) < 0.1 * 2000 / model.min_leaf


def test_levels_that_determine_each_other_stay_together() -> None:
    rng = dice(6)
    code = rng.integers(0, 8, 2000)
    real = table(
        {"name": np.array(list("abcdefgh"))[code], "number": code},
        Field(name="name", kind="categorical", levels=tuple("hgfedcba")),
        Field(name="number", kind="integer"),
    )
    drawn = CartChain(random_state=1).fit(real).sample(2000, seed=1).frame
    assert (drawn["name"].map({c: i for i, c in enumerate("abcdefgh")}).astype(int) == drawn["number"]).all()


def test_unit_loss_finds_the_likelier_rows() -> None:
    model = Marginals(random_state=1).fit(example(300))
    own = model.unit_loss(example(300))
    other = example(300)
    shifted = other.with_frame(
        other.frame.assign(age=np.where(other.frame["age"] < 60, 88, 18)).astype({"age": "Int64"})
    )
    assert own.shape == (300,)
    assert np.isfinite(own).all()
    assert own.mean() < model.unit_loss(shifted).mean()


@pytest.mark.parametrize("name", ["table.marginals", "table.copula", "table.cart_chain", "auto"])
def test_models_on_disk(name: str, tmp_path: Path) -> None:
    model = synthesizers.make(name, random_state=4).fit(example(150))
    folder = model.save(tmp_path / "model")
    assert {p.name for p in folder.iterdir()} == {"model.json", "arrays.npz"}
    assert read_header(folder)["name"] == name
    again = load_model(folder)
    assert again.get_params() == model.get_params()
    assert same(again.sample(40, seed=9), model.sample(40, seed=9))
    assert again.notices_ == model.notices_
    text = (folder / "model.json").read_text(encoding="utf-8")
    assert not [c for c in example(150).frame["chart"] if c in text]


def test_a_folder_cannot_name_a_module(tmp_path: Path) -> None:
    folder = Marginals(random_state=1).fit(example(50)).save(tmp_path / "model")
    text = (folder / "model.json").read_text(encoding="utf-8")
    (folder / "model.json").write_text(text.replace('"table.marginals"', '"os:system"'), encoding="utf-8")
    with pytest.raises(NotFoundError):
        load_model(folder)
    with pytest.raises(StateError):
        load_model(tmp_path / "nothing")


class Unknown(Marginals):
    """Not registered."""


def test_only_registered_classes_are_saved(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="not-registered"):
        save_model(Unknown(random_state=1).fit(example(50)), tmp_path / "m")


class Leaky(Marginals):
    """Hands out real values."""

    def sample(self, n: int, /, *, where: Any = None, seed: int | None = None, run: Any = None) -> Table:
        drawn = super().sample(n, where=where, seed=seed, run=run)
        real = example().frame["amount"].dropna().to_numpy()
        amount = drawn.frame["amount"].where(drawn.frame["amount"].isna(), np.resize(real, n))
        return drawn.with_frame(drawn.frame.assign(amount=amount))


def test_the_contract_checks_catch_a_leak() -> None:
    check_synthesizer(Marginals)
    with pytest.raises(AssertionError, match="no_real_number"):
        check_synthesizer(Leaky)
