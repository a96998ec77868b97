"""Estimates before the work, and work made to fit a budget or refused."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import synthproof as sp
from synthproof.core import cost as costs
from synthproof.core.cost import Size
from synthproof.core.errors import ConfigError
from synthproof.core.run import Event, Run
from synthproof.data.table.io import read_table
from synthproof.pipeline import budget as module
from synthproof.pipeline import parts as verbs
from synthproof.pipeline.budget import Budget, estimate, peek, planned, thinned, too_large_to_hold
from synthproof.pipeline.config import FitConfig, ProtectConfig, RunConfig, VerifyConfig
from synthproof.pipeline.road import Road
from synthproof.testing.synthesizers import example


@pytest.fixture(autouse=True)
def _steady(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(costs, "machine_pace", lambda: 1.0)
    monkeypatch.setattr(module, "peak_memory", lambda: 200 * 2**20)


def wide_open(n: int = 50_000) -> pd.DataFrame:
    rng = np.random.Generator(np.random.Philox(2))
    return pd.DataFrame(
        {f"v{j}": np.round(rng.normal(0, 1, n), 3) for j in range(6)} | {"k": rng.choice(list("abc"), n)}
    )


def test_an_estimate_names_its_steps_in_both_languages() -> None:
    found = estimate("table.cart_chain", example(50).schema, 20_000, draw=5_000, repeats=100)
    assert list(found.steps) == ["fit", "draw", "verify"]
    assert found.seconds == pytest.approx(sum(c.seconds for c in found.steps.values()))
    assert found.bytes == max(c.bytes for c in found.steps.values())
    assert all(word in found.words.en for word in ("learning", "drawing", "verifying", "MiB"))
    assert all(word in found.words.ko for word in ("학습", "생성", "검증", "초"))
    more = estimate("table.cart_chain", example(50).schema, 20_000, draw=5_000, repeats=1_000)
    assert more.steps["verify"].seconds > found.steps["verify"].seconds


def test_auto_estimates_its_dearest_candidate_and_the_checks() -> None:
    schema = example(50).schema
    chain = estimate("table.cart_chain", schema, 20_000).seconds
    assert (
        estimate("auto", schema, 20_000, parameters={"candidates": ("table.copula", "table.cart_chain")}).seconds
        > chain
    )
    assert estimate("auto", schema, 20_000, draw=1_000).steps["draw"].seconds > 0


def test_without_a_budget_nothing_changes() -> None:
    data = example(400)
    plan = planned("table.copula", data, Budget.of("", None), draw=10, repeats=100, parameters={"min_shared": 5})
    assert (plan.rows, plan.repeats, dict(plan.parameters), plan.notices) == (400, 100, {"min_shared": 5}, ())
    assert thinned(data, plan, 1) is data


def test_time_picks_the_rows_and_the_repeats() -> None:
    data = read_table(wide_open())
    whole = estimate("table.cart_chain", data.schema, data.n_rows)
    plan = planned("table.cart_chain", data, Budget.of(whole.seconds / 2, None))
    assert 1_000 <= plan.rows < 50_000 / 1.5
    assert plan.estimate.seconds <= whole.seconds / 2
    assert f"{plan.rows:,}" in plan.notices[0].en
    learned = thinned(data, plan, 7)
    assert learned.n_rows == plan.rows
    assert learned.origin.options["of_rows"] == 50_000
    size = Size.of(data.schema, data.n_rows)
    once, each = costs.cost("verify", size).seconds, costs.cost("verify/repeat", size).seconds
    tight = planned("table.copula", data, Budget.of(2 * once + 100 * each, None), repeats=100)
    assert module.LEAST_REPEATS <= tight.repeats < 100
    assert str(tight.repeats) in tight.notices[0].ko


def test_memory_picks_the_rows() -> None:
    data = read_table(wide_open())
    whole = estimate("table.cart_chain", data.schema, data.n_rows).bytes
    plan = planned("table.cart_chain", data, Budget.of(None, 200 * 2**20 + whole // 2))
    assert 1_000 <= plan.rows < 50_000
    assert plan.estimate.bytes <= whole // 2


@pytest.mark.parametrize(
    ("limits", "code"),
    [(("1s", None), "budget/time"), ((None, "100M"), "budget/memory"), ((None, "201M"), "budget/memory")],
)
def test_the_impossible_is_refused_before_it_starts(limits: tuple[Any, Any], code: str, monkeypatch: Any) -> None:
    data = read_table(wide_open(5_000))
    monkeypatch.setattr(costs, "machine_pace", lambda: 100.0)
    started = time.monotonic()
    with pytest.raises(ConfigError, match=code) as caught:
        planned("table.cart_chain", data, Budget.of(*limits), repeats=100)
    assert time.monotonic() - started < 1
    assert "needs about" in caught.value.text("en")


def test_auto_is_handed_the_budget() -> None:
    plan = planned("auto", read_table(wide_open(5_000)), Budget.of("10m", "4G"))
    assert 500 < plan.parameters["budget_s"] <= 600
    assert 3 * 2**30 < plan.parameters["memory"] < 2**32
    assert plan.rows == 5_000


def test_sizes_before_reading(tmp_path: Path) -> None:
    frame = wide_open(3_000)
    frame.to_parquet(tmp_path / "a.parquet")
    frame.to_csv(tmp_path / "a.csv", index=False)
    assert peek(tmp_path / "a.parquet") == Size(3_000, 7)
    guessed = peek(tmp_path / "a.csv")
    assert guessed is not None
    assert (guessed.columns, abs(guessed.rows - 3_001) <= 2) == (7, True)
    assert peek("sqlite:///x.db") is None
    assert peek(tmp_path / "none.csv") is None
    assert not too_large_to_hold(tmp_path / "a.csv", Budget())
    assert too_large_to_hold(tmp_path / "a.csv", Budget.of(None, "201M"))


def test_the_library_estimates_and_keeps_budgets() -> None:
    frame = wide_open(5_000)
    model = sp.synthesizer("table.cart_chain", random_state=3)
    assert model.cost(frame, 1_000).seconds == sp.estimate(frame, "table.cart_chain", n=1_000).seconds
    with pytest.raises(ConfigError, match="budget/time"):
        model.fit(frame, budget=1e-6)
    told: list[Event] = []
    half = model.cost(frame).seconds / 2
    drawn = model.fit(frame, budget=half + 0.2, run=Run(told.append)).sample(50, seed=1)
    assert isinstance(drawn, pd.DataFrame)
    assert next(e for e in told if e.task == "estimate").facts["seconds"] <= half + 0.2


def test_chunks_are_learned_from_through_the_library(tmp_path: Path) -> None:
    frame = wide_open(6_000)
    frame.iloc[:4_000].to_parquet(tmp_path / "part-0.parquet")
    frame.iloc[4_000:].to_parquet(tmp_path / "part-1.parquet")
    data = sp.read_chunks(tmp_path, target="k")
    assert data.schema.with_role("target") == ("k",)
    whole = sp.synthesizer("table.copula", random_state=3).fit(data)
    plain = sp.synthesizer("table.copula", random_state=3).fit(frame, target="k")
    assert whole.core.sample(100, seed=1).frame.equals(plain.core.sample(100, seed=1).frame)


def test_fit_reads_a_folder_in_chunks_and_protects_it(tmp_path: Path) -> None:
    frame = wide_open(6_000).assign(
        k=lambda f: np.where(np.arange(len(f)) % 2_000 == 7, "rare", f["k"]),
        person_id=lambda f: [f"P{i:07d}" for i in range(len(f))],
    )
    (tmp_path / "data").mkdir()
    frame.iloc[:4_000].to_parquet(tmp_path / "data" / "part-0.parquet")
    frame.iloc[4_000:].to_parquet(tmp_path / "data" / "part-1.parquet")
    config = RunConfig(source=str(tmp_path / "data"), seed=5, fit=FitConfig(synthesizer="table.copula"))
    model = verbs.fit_model(config, tmp_path / "model")
    levels = model.core.schema_.field("k").levels
    assert "rare" not in levels
    plain = RunConfig(source="", seed=5, fit=FitConfig(synthesizer="table.copula"))
    frame.to_parquet(tmp_path / "one.parquet")
    whole = verbs.fit_model(
        RunConfig(**{**plain.__dict__, "source": str(tmp_path / "one.parquet")}), tmp_path / "model2"
    )
    assert levels == whole.core.schema_.field("k").levels
    written = verbs.sample_model(tmp_path / "model", 3_000, f"{tmp_path}/out/", rows_per_file=2_000, memory="1G")
    assert [Path(p).name for p in written] == ["part-00000.parquet", "part-00001.parquet"]


def test_a_run_says_its_estimate_and_keeps_or_refuses_its_budget(tmp_path: Path) -> None:
    source = tmp_path / "people.csv"
    wide_open(1_500).to_csv(source, index=False)

    def road(told: list[Event], **changed: Any) -> Road:
        config = RunConfig(
            source=str(source),
            out=str(tmp_path / "out"),
            seed=4,
            protect=ProtectConfig(steps=("none",)),
            fit=FitConfig(synthesizer="table.copula"),
            verify=VerifyConfig(policy="internal", repeats=100),
            **changed,
        )
        return Road(config, run=Run(told.append))

    told: list[Event] = []
    with pytest.raises(ConfigError, match="budget/time"):
        road(told, budget="1s").travel()
    assert not any(e.task == "run" and e.facts.get("stage") == "fit" for e in told)
    told.clear()
    arrival = road(told, budget="10m", memory="8G").travel()
    said = next(e for e in told if e.task == "estimate")
    assert set(said.facts["steps"]) == {"fit", "draw", "verify"}  # type: ignore[call-overload]
    assert arrival.proof.verdict.result in ("meets", "does_not_meet", "not_assessed")
    with pytest.raises(ConfigError, match="budget/memory"):
        road([], memory="201M").travel()
