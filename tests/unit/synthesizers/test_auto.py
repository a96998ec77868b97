"""The choice of a generator: by checks on records set aside, within a budget, and never a copycat."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthproof.core import cost as costs
from synthproof.core import state as _state
from synthproof.core.cost import Cost
from synthproof.core.errors import ConfigError
from synthproof.core.registry import synthesizers
from synthproof.core.run import Run
from synthproof.data.table.chunks import open_chunks
from synthproof.data.table.dataset import Table
from synthproof.data.table.io import read_table
from synthproof.synthesizers.table import auto as module
from synthproof.synthesizers.table.auto import Auto
from synthproof.synthesizers.table.checks import Checked, Judge, least_remembering
from synthproof.testing.synthesizers import example

TRIED = ("table.copula", "table.cart_chain")


@pytest.fixture(autouse=True)
def _steady_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(costs, "machine_pace", lambda: 1.0)


def bent(n: int, seed: int = 0) -> Table:
    """Return a table whose relations no correlation describes: a ring, and its quadrant as levels."""
    rng = np.random.Generator(np.random.Philox(seed))
    angle = rng.uniform(0, 2 * np.pi, n)
    x, y = (np.round(f(angle) * 50 + rng.normal(0, 3, n), 2) for f in (np.cos, np.sin))
    quadrant = np.array(["ne", "nw", "sw", "se"])[(angle // (np.pi / 2)).astype(int)]
    return read_table(pd.DataFrame({"x": x, "y": y, "quadrant": quadrant, "z": rng.integers(0, 50, n)}))


def halves(table: Table) -> tuple[Table, Table]:
    n = len(table) // 2
    return table.take(np.arange(n)), table.take(np.arange(n, 2 * n))


def test_bent_relations_need_more_than_a_copula() -> None:
    model = Auto(candidates=TRIED, random_state=1).fit(bent(3_000))
    assert model.chosen_ == "table.cart_chain"
    assert set(model.told_apart_) == set(model.nearer_) == set(model.nats_) == set(TRIED)
    assert model.told_apart_["table.copula"] > 0.8 > 0.65 > model.told_apart_["table.cart_chain"]
    assert model.nats_["table.copula"] > model.nats_["table.cart_chain"]
    assert all("table.cart_chain" in text for text in (model.because_.en, model.because_.ko))
    assert "1500" in model.because_.en
    assert model.notices_[0] == model.because_


def test_fresh_rows_and_copies_are_told_from_one_another() -> None:
    learned, unseen = halves(bent(4_000))
    judge = Judge(learned, unseen, seed=1)
    fresh = judge.judge(bent(2_000, seed=9), run=Run())
    copies = judge.judge(learned, run=Run())
    assert abs(fresh.nearer[0] - 0.5) < 3 * fresh.nearer[1]
    assert abs(fresh.told[0] - 0.5) < 0.05
    assert copies.nearer[0] == 1.0
    assert copies.score > fresh.score + 0.5
    half = learned.with_frame(pd.concat([learned.frame[:1000], bent(1_000, seed=8).frame], ignore_index=True))
    assert judge.judge(half, run=Run()).nearer[0] == pytest.approx(0.75, abs=0.04)


def test_likelihood_prefers_kept_relations() -> None:
    learned, unseen = halves(bent(4_000))
    judge = Judge(learned, unseen, seed=1)
    fresh = judge.judge(bent(2_000, seed=9), run=Run())
    rng = np.random.Generator(np.random.Philox(1))
    torn = learned.frame.apply(lambda c: c.take(rng.permutation(len(c))).to_numpy())
    apart = judge.judge(learned.with_frame(torn.astype(learned.frame.dtypes.to_dict())), run=Run())
    assert apart.loss.mean() > fresh.loss.mean() + 0.5


def checked(auc: float, nearer: float, loss: float, n: int = 500) -> Checked:
    wiggle = np.random.Generator(np.random.Philox(5)).normal(0, 0.1, n)
    return Checked((auc, auc - 0.02, auc + 0.02), (nearer, 0.01), loss + wiggle)


def test_a_remembering_candidate_does_not_win() -> None:
    assert least_remembering({"clean": checked(0.56, 0.51, 3.0), "parrot": checked(0.52, 0.64, 2.9)}) == "clean"
    assert least_remembering({"plain": checked(0.95, 0.50, 5.0), "good": checked(0.55, 0.52, 3.0)}) == "good"


def test_what_noise_cannot_decide_likelihood_and_memory_do() -> None:
    even = {"first": checked(0.55, 0.50, 3.2), "second": checked(0.55, 0.50, 3.0)}
    assert least_remembering(even) == "second"
    same = {"first": checked(0.55, 0.52, 3.0), "second": checked(0.56, 0.505, 3.0)}
    assert least_remembering(same) == "second"
    twins = {"first": checked(0.55, 0.5, 3.0), "second": checked(0.55, 0.5, 3.0)}
    assert least_remembering(twins) == "first"


def test_a_small_table_takes_what_remembers_least() -> None:
    small = Auto(random_state=1).fit(example(100))
    assert small.chosen_ == "table.copula"
    assert small.told_apart_ == {}
    assert "too small" in small.because_.en


def test_budgets_leave_candidates_out(monkeypatch: pytest.MonkeyPatch) -> None:
    hurried = Auto(random_state=1, budget_s=0.0).fit(example(400))
    assert hurried.chosen_ == "table.marginals"
    assert "table.cart_chain" in hurried.because_.ko
    tight = Auto(random_state=1, memory=1_000).fit(example(400))
    assert tight.chosen_ == "table.marginals"
    real = module.fit_cost

    def dear_chain(model: Any, name: str, rows: int, schema: Any) -> Cost:
        return Cost(rows / 100, 0) if name == "table.cart_chain" else real(model, name, rows, schema)

    monkeypatch.setattr(module, "fit_cost", dear_chain)
    monkeypatch.setattr(module, "_LEARNED", 500)
    some = Auto(candidates=TRIED, budget_s=20.0, random_state=1)
    assert some._affordable(TRIED, bent(50).schema, costs.Size(4_000, 4)) == {TRIED[0]: 4_000, TRIED[1]: 1_024}
    model = Auto(candidates=("table.cart_chain",), budget_s=10.0, random_state=1).fit(bent(4_000))
    assert any("768" in w.en and "4,000" in w.en for w in model.notices_)


def test_no_candidates_and_wrong_budgets_are_refused() -> None:
    for wrong in ({"candidates": ()}, {"budget_s": -1.0}, {"memory": "much"}):
        with pytest.raises(ConfigError):
            Auto(**wrong).fit(example(100))


def test_chunked_data_choose_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CHECKED", 600)
    path = tmp_path / "bent.parquet"
    bent(3_000).frame.astype({"quadrant": str, "z": "int64"}).to_parquet(path, row_group_size=500)
    model = Auto(candidates=TRIED, random_state=1).fit(open_chunks(path))
    assert model.chosen_ == "table.cart_chain"
    again = Auto(candidates=TRIED, random_state=1).fit(open_chunks(path))
    assert model.sample(200, seed=3).frame.equals(again.sample(200, seed=3).frame)


def test_the_choice_survives_saving(tmp_path: Path) -> None:
    model = Auto(candidates=TRIED, random_state=1).fit(bent(400))
    _state.save(tmp_path / "m", header={}, state=model.get_state())
    again = Auto().set_state(_state.load(tmp_path / "m")[1])
    assert (again.chosen_, again.told_apart_, again.nearer_, again.nats_, again.because_) == (
        model.chosen_, model.told_apart_, model.nearer_, model.nats_, model.because_,
    )  # fmt: skip
    assert not hasattr(model, "log_prob") or hasattr(model.model_, "log_prob")


def test_cost_grows_with_rows_and_falls_with_the_budget() -> None:
    schema = bent(50).schema
    small, large = (Auto(candidates=TRIED).cost(n, schema).seconds for n in (1_000, 100_000))
    assert large > 5 * small
    assert Auto(candidates=TRIED, budget_s=large / 4).cost(100_000, schema).seconds <= large / 4 * 1.05


def test_default_candidates_are_registered_in_their_order() -> None:
    known = [n for n in module.SIMPLEST_FIRST if n in synthesizers.names()]
    assert list(Auto().tried()) == known
    assert known[0] == "table.copula"
