"""What the generators of the torch extra keep, refuse and say; and what happens without it."""

from __future__ import annotations

import subprocess
import sys
from functools import cache, partial
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthproof.core.errors import ConditionError, ConfigError, UsageError
from synthproof.core.run import Event, Run
from synthproof.core.schema import Field, Schema
from synthproof.data.table.dataset import Table, canonical_dtype
from synthproof.synthesizers.table.columns.codebook import codebook_of
from synthproof.synthesizers.table.columns.folds import split_rows
from synthproof.synthesizers.table.columns.steering import levelling, pick
from synthproof.synthesizers.table.diffusion import Diffusion
from synthproof.synthesizers.table.gan import Gan
from synthproof.synthesizers.table.vae import Vae
from synthproof.testing.synthesizers import example

torch = pytest.importorskip("torch", reason="synthproof[torch] is not installed")

SMALL: dict[Any, Any] = {
    Vae: partial(Vae, width=48, latent=8, epochs=30, batch_size=128, patience=0, random_state=3),
    Gan: partial(
        Gan,
        width=64,
        noise=16,
        epochs=25,
        batch_size=200,
        learning_rate=4e-3,
        critic_steps=3,
        pac=2,
        patience=0,
        random_state=3,
    ),
    Diffusion: partial(Diffusion, width=64, depth=1, epochs=30, patience=0, flow_steps=5, random_state=3),
}
ALL = tuple(SMALL)


def table(columns: dict[str, Any], *fields: Field) -> Table:
    made = {f.name: pd.Series(columns[f.name]).astype(canonical_dtype(f)) for f in fields}
    return Table(pd.DataFrame(made), Schema(fields=fields))


def dice(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(seed))


def pairs(n: int = 3000) -> Table:
    """x and y normal with correlation 0.8; c follows x; m is missing where x is large; z is 0 for a quarter."""
    rng = dice(1)
    x = rng.normal(size=n)
    y = 0.8 * x + 0.6 * rng.normal(size=n)
    c = np.array(["a", "b", "c"])[np.digitize(x + rng.normal(size=n) / 2, [-0.5, 0.5])]
    m = np.where(x > 1, np.nan, rng.normal(size=n))
    z = np.where(rng.random(n) < 0.25, 0.0, rng.normal(size=n))
    z = np.where(rng.random(n) < 0.01, 7.5, z)
    return table(
        {"x": x, "y": y, "c": c, "m": m, "z": z},
        Field(name="x", kind="continuous"),
        Field(name="y", kind="continuous"),
        Field(name="c", kind="categorical", levels=("a", "b", "c")),
        Field(name="m", kind="continuous", nullable=True),
        Field(name="z", kind="continuous"),
    )


@cache
def model(cls: Any) -> Any:
    return SMALL[cls]().fit(pairs())


@pytest.mark.parametrize("cls", ALL)
def test_dependence_missing_patterns_and_atoms_are_kept(cls: Any) -> None:
    real = pairs().frame
    drawn = model(cls).sample(4000, seed=1).frame
    # Small networks, briefly trained: most of the dependence, not all of it.
    assert 0.6 < drawn["x"].corr(drawn["y"]) < 0.95
    assert abs(drawn["m"].isna().mean() - real["m"].isna().mean()) < 0.05
    gap = drawn.loc[drawn["m"].isna(), "x"].mean() - drawn["x"].mean()
    assert gap > 0.5 * (real.loc[real["m"].isna(), "x"].mean() - real["x"].mean())
    means = drawn.groupby("c", observed=True)["x"].mean()
    assert means["a"] < means["b"] < means["c"]
    for atom, low, high in ((0.0, 0.2, 0.3), (7.5, 0.003, 0.02)):
        assert low < (drawn["z"] == atom).mean() < high
    for name in ("x", "y", "m"):
        assert not drawn[name].dropna().isin(real[name]).any()


@pytest.mark.parametrize("cls", ALL)
def test_conditions_shift_the_other_columns(cls: Any) -> None:
    real = pairs().frame
    drawn = model(cls).sample(1000, where={"x": {"min": 1.0}}, seed=1).frame
    assert drawn["x"].min() >= 1.0
    assert drawn["y"].mean() > real["y"].mean() + 0.5 * (real.loc[real["x"] >= 1, "y"].mean() - real["y"].mean())
    both = model(cls).sample(500, where={"x": (0.9, None), "c": ["b", "c"], "m": None}, seed=1).frame
    assert both["x"].min() >= 0.9
    assert both["c"].isin(["b", "c"]).all()
    assert both["m"].isna().all()
    with pytest.raises(ConditionError):
        model(cls).sample(5, where={"x": {"min": 1e6}}, seed=1)


@pytest.mark.parametrize("cls", [Vae, Diffusion])
def test_conditional_rows_follow_the_models_own_conditional_distribution(cls: Any) -> None:
    free = model(cls).sample(20_000, seed=1).frame
    free = free[(free["c"] == "b") & (free["y"] > 0.2)]
    drawn = model(cls).sample(3000, where={"c": "b", "y": {"min": 0.2}}, seed=2).frame
    for name in ("x", "m", "y"):
        a, b = np.sort(free[name].dropna().to_numpy()), np.sort(drawn[name].dropna().to_numpy())
        gap = np.abs(np.searchsorted(b, a, side="right") / len(b) - np.arange(1, len(a) + 1) / len(a)).max()
        # Two DKW bands at 1e-6; half of the drawn rows' number, since a pool's rows share ancestors.
        assert gap < np.sqrt(np.log(2 / 1e-6) / 2) * (1 / np.sqrt(len(a)) + np.sqrt(2 / len(b))), name


@pytest.mark.parametrize("cls", ALL)
def test_rules_are_kept_together_with_conditions(cls: Any) -> None:
    free = model(cls).sample(2000, seed=1).frame
    assert (free["y"] < free["x"]).mean() > 0.1
    ruled = model(cls).with_rules(add=["y >= x"])
    for where in ({}, {"c": "b"}, {"x": {"min": 0.5}}):
        drawn = ruled.sample(2000, where=where, seed=1).frame
        assert (drawn["y"] >= drawn["x"]).all()
        assert drawn["y"].nunique() > 1500
    assert ruled.sample(100, seed=1).frame.equals(ruled.sample(2000, seed=1).frame.head(100))
    again = cls().set_state(ruled.get_state())
    assert [r.text for r in again.rules_] == ["y >= x"]


def test_a_level_asked_of_the_gan_is_mostly_given() -> None:
    from synthproof.synthesizers.table.columns.conditions import read_conditions
    from synthproof.synthesizers.table.columns.pools import effective_share
    from synthproof.synthesizers.table.columns.steering import steer_of

    gan = model(Gan)
    asked = read_conditions({"c": "a"}, gan.schema_, gan._codebook.grids)
    steer = steer_of(gan._codebook, asked)
    maker = gan._maker.asking(steer)
    weight = steer.weight(maker.outlook(maker.latents(dice(), 2000)).chances, gan._codebook.starts)
    plain = steer.weight(gan._maker.outlook(gan._maker.latents(dice(), 2000)).chances, gan._codebook.starts)
    assert weight.mean() > 0.75 > 0.5 > plain.mean()
    assert effective_share(weight) > 0.8 > 2 * effective_share(plain)


@pytest.mark.parametrize("cls", ALL)
def test_torchs_own_state_is_left_alone(cls: Any) -> None:
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    made = SMALL[cls]().set_params(epochs=2).fit(example(150))
    made.sample(5000, seed=1, run=Run(workers=2))
    assert torch.equal(state, torch.get_rng_state())
    assert torch.get_num_threads() == threads


@pytest.mark.parametrize("cls", ALL)
def test_every_epoch_is_told_with_its_loss(cls: Any) -> None:
    heard: list[Event] = []
    made = SMALL[cls]().set_params(epochs=10).fit(example(300), run=Run(heard.append))
    told = [e for e in heard if "loss" in e.facts]
    assert [e.done for e in told] == list(range(1, 11))
    assert all(e.total == 10 and np.isfinite(float(str(e.facts["loss"]))) for e in told)
    assert np.isfinite(made.losses_).all()


@pytest.mark.parametrize("cls", [Vae, Diffusion])
def test_stops_early_and_keeps_the_best_epoch(cls: Any) -> None:
    made = SMALL[cls]().set_params(epochs=400, patience=3, learning_rate=0.01).fit(example(300))
    valid = made.losses_[:, 1]
    assert len(valid) < 400
    assert int(np.argmin(valid)) == len(valid) - 4


@pytest.mark.parametrize("cls", ALL)
def test_a_budget_ends_training(cls: Any) -> None:
    heard: list[Event] = []
    made = SMALL[cls]().set_params(epochs=10_000, budget_s=0.0).fit(example(150), run=Run(heard.append))
    assert sum("loss" in e.facts for e in heard) <= 10
    assert len(made.sample(5, seed=1)) == 5


@pytest.mark.parametrize("cls", ALL)
@pytest.mark.parametrize("wrong", [{"epochs": 0}, {"width": -1}, {"learning_rate": 3}, {"budget_s": -1}])
def test_wrong_parameters_are_refused(cls: Any, wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        cls(**wrong).fit(example(50))


@pytest.mark.parametrize("cls", ALL)
def test_hard_columns(cls: Any) -> None:
    n = 30
    rng = dice(2)
    real = table(
        {
            "constant": np.full(n, 3.5),
            "gone": np.full(n, np.nan),
            "lone": np.where(np.arange(n) == 4, 1.25, np.nan),
            "one": ["only"] * n,
            "never": [None] * n,
            "big": rng.integers(2**40, 2**45, n),
        },
        Field(name="constant", kind="continuous"),
        Field(name="gone", kind="continuous", nullable=True),
        Field(name="lone", kind="continuous", nullable=True),
        Field(name="one", kind="categorical", levels=("only",)),
        Field(name="never", kind="categorical", levels=(), nullable=True),
        Field(name="big", kind="integer"),
    )
    made = SMALL[cls]().set_params(epochs=3).fit(real)
    drawn = made.sample(200, seed=1).frame
    assert (drawn["constant"] == 3.5).all()
    assert (drawn["one"] == "only").all()
    for name in ("gone", "lone", "never"):
        assert drawn[name].isna().all(), name
    assert drawn["big"].between(real.frame["big"].min(), real.frame["big"].max()).all()
    assert made.losses_.shape[1] == 2


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is there")
@pytest.mark.parametrize("cls", ALL)
def test_a_gpu_that_is_not_there_is_said(cls: Any) -> None:
    with pytest.raises(UsageError, match="extra/no-gpu"):
        SMALL[cls]().fit(example(50), run=Run(device="cuda"))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU at hand: not measured")
@pytest.mark.parametrize("cls", ALL)
def test_on_a_gpu(cls: Any) -> None:
    run = Run(device="cuda")
    made = SMALL[cls]().fit(pairs(), run=run)
    drawn = made.sample(4000, seed=1, run=run).frame
    assert drawn["x"].corr(drawn["y"]) > 0.5
    again = SMALL[cls]().set_state(made.get_state()).sample(100, seed=1)
    assert len(again) == 100


def test_codes_and_positions_lead_back_to_the_column() -> None:
    data = example(2000)
    book = codebook_of(data, data.schema.modelled, stretches=12, min_shared=10, persons=None)
    codes, places = book.read(data, 5)
    assert ((places > 0) & (places < 1)).all()
    again = book.write(codes, places.astype(np.float64))
    for j, column in enumerate(book.columns):
        f = data.schema.field(column.name)
        if f.levelled:
            real = data.frame[f.name].astype("string").fillna("?").to_numpy()
            for k in range(column.size):
                assert len(set(real[codes[:, j] == k])) == 1
            continue
        from synthproof.engines.codes import to_numbers

        real = to_numbers(data.frame[f.name], f)
        made = again[column.name]
        assert np.array_equal(np.isnan(real), np.isnan(made))
        counts = pd.Series(real).value_counts()
        shared = np.isin(real, counts.index[counts >= 10])
        assert np.allclose(real[shared], made[shared], rtol=1e-12, atol=0)
        there = ~np.isnan(real) & ~shared
        if there.any():
            assert np.corrcoef(pd.Series(real[there]).rank(), pd.Series(made[there]).rank())[0, 1] > 0.999
        wide = column.wide[codes[:, j]]
        if wide.sum() > 500:
            assert abs(places[wide, j].mean() - 0.5) < 0.03
            assert abs(places[wide, j].std() - np.sqrt(1 / 12)) < 0.03


def test_nobody_stands_on_both_sides_of_the_fold() -> None:
    n = 900
    who = np.repeat(np.arange(300), 3)
    data = table(
        {"who": [f"u{k:04d}" for k in who], "v": dice().normal(size=n)},
        Field(name="who", kind="identifier", roles=("unit",)),
        Field(name="v", kind="continuous"),
    )
    rows, valid = split_rows(data, 4)
    assert sorted([*rows, *valid]) == list(range(n))
    assert len(valid) == 90
    assert not set(who[rows]) & set(who[valid])


def test_nothing_of_no_chance_is_picked() -> None:
    chances = np.array([[0.0, 0.5, 0.0, 0.5, 0.0]] * 3)
    assert pick(chances, np.array([0.0, 0.5, np.nextafter(1.0, 0)])).tolist() == [1, 3, 3]


def test_levelling_meets_the_shares() -> None:
    data = pairs(1000)
    book = codebook_of(data, data.schema.modelled, stretches=4, min_shared=10, persons=None)
    logits = dice(2).normal(size=(4000, int(book.starts[-1]))).astype(np.float32) * 2
    fixed = logits + levelling(logits, book)
    for j, column in enumerate(book.columns):
        odds = np.exp(fixed[:, book.starts[j] : book.starts[j + 1]].astype(np.float64))
        found = (odds / odds.sum(axis=1, keepdims=True)).mean(axis=0)
        assert np.allclose(found, column.shares, atol=1e-3)


_BLOCKED = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError("No module named 'torch'")
sys.meta_path.insert(0, Block())
"""


def test_without_the_extra_it_says_what_to_install() -> None:
    code = (
        _BLOCKED
        + """
from synthproof.core.errors import MissingExtraError
from synthproof.core.registry import synthesizers
from synthproof.testing.synthesizers import example
for name in ("table.vae", "table.gan", "table.diffusion"):
    try:
        synthesizers.make(name).fit(example(50))
    except MissingExtraError as error:
        assert "pip install 'synthproof[torch]'" in str(error), error
    else:
        raise AssertionError(name)
"""
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_list_shows_the_extra_without_having_it() -> None:
    code = _BLOCKED + "import sys; sys.argv = ['synthproof', 'list', 'synthesizers']\n"
    code += "from synthproof.cli.main import main; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for name in ("table.vae", "table.gan", "table.diffusion"):
        assert name in done.stdout
    assert done.stdout.replace("\n", "").count("synthproof[torch]") == 3
