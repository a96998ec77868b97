"""Several drafts of a row, and the learned ratio that chooses one of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import synthproof as sp
from synthproof.core.run import Run
from synthproof.core.stats import auc_interval
from synthproof.data.table.dataset import Table
from synthproof.engines.learners.boosting import BoostedTrees
from synthproof.synthesizers.table.autoregressive import Autoregressive


def ring(n: int, seed: int) -> Table:
    """Points on a ring, and a level that says which half: what a hardly trained network does not get right."""
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0, 2 * np.pi, n)
    radius = rng.normal(3, 0.15, n)
    frame = pd.DataFrame({"x": (radius * np.cos(angle)).round(3), "y": (radius * np.sin(angle)).round(3)})
    frame["half"] = np.where(frame["y"] > 0, "upper", "lower")
    return sp.read(frame)


def told(real: Table, drawn: Table) -> float:
    x = [np.column_stack([t.frame["x"], t.frame["y"], t.frame["half"] == "upper"]).astype(float) for t in (real, drawn)]
    half = len(x[0]) // 2
    judge = BoostedTrees(classify=True, categorical=np.zeros(3, dtype=np.bool_), seed=1)
    judge.fit(np.concatenate([x[0][:half], x[1][:half]]), np.repeat([0, 1], half))
    score = [judge.probabilities(part[half:], 2)[:, 1] for part in x]
    return auc_interval(score[1], score[0])[0]


@pytest.fixture(scope="module")
def train() -> Table:
    return ring(4000, 1)


@pytest.fixture(scope="module")
def model(train) -> Autoregressive:
    return Autoregressive(random_state=3, learner="network", epochs=2, hidden=16).fit(train)


def test_rows_chosen_by_the_ratio_are_harder_to_tell_from_unseen_ones(train, model):
    plain = Autoregressive(random_state=3, learner="network", epochs=2, hidden=16, drafts=1).fit(train)
    unseen = ring(4000, 2)
    assert plain.ratio_gain_ is None
    assert model.ratio_gain_ is not None
    assert model.ratio_gain_ > 0.05
    before, after = (told(unseen, m.sample(4000, seed=5)) for m in (plain, model))
    assert before > 0.75
    assert after < before - 0.1


def test_the_same_rows_whatever_the_workers_the_number_and_the_saved_model(model):
    rows = model.sample(5000, seed=9).frame
    pd.testing.assert_frame_equal(rows, model.sample(5000, seed=9, run=Run(workers=2)).frame)
    pd.testing.assert_frame_equal(rows.head(1200), model.sample(1200, seed=9).frame)
    again = Autoregressive().set_state(model.get_state())
    assert again.ratio_gain_ == model.ratio_gain_
    pd.testing.assert_frame_equal(rows.head(600), again.sample(600, seed=9).frame)


def test_conditions_and_completion_hold_beside_the_ratio(model):
    asked = model.sample(1500, where={"half": "upper", "x": (-1.0, 1.0)}, seed=4).frame
    assert (asked["half"] == "upper").all()
    assert asked["x"].between(-1, 1).all()
    known = ring(400, 8).frame
    partial = known.assign(y=np.nan)
    done = model.complete(partial, seed=2).frame
    assert done["x"].tolist() == known["x"].tolist()
    assert ((done["y"] > 0) == (known["half"] == "upper")).mean() > 0.9


def test_no_ratio_where_nothing_is_left_to_correct():
    rng = np.random.default_rng(4)
    frame = pd.DataFrame({"a": rng.integers(0, 3, 3000).astype(str), "b": rng.integers(0, 4, 3000).astype(str)})
    assert Autoregressive(random_state=1, learner="network", epochs=4).fit(sp.read(frame)).ratio_gain_ is None
