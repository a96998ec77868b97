"""SMOTE: rows between neighbours of one class, balanced, and never called releasable."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthproof.core.contracts import Case, Recipe
from synthproof.core.errors import ConditionError, ConfigError
from synthproof.core.registry import metrics, policies
from synthproof.core.schema import Field, Purpose, Schema
from synthproof.data.table.dataset import Table, canonical_dtype
from synthproof.policy.load import load_policy
from synthproof.synthesizers.table.smote import Smote


def dice(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(seed))


def two_classes(n: int = 400, rare: int = 25, seed: int = 1, **over: Any) -> Table:
    """A rare class far away in x and of another colour; y is missing for a tenth."""
    g = dice(seed)
    yes = np.arange(n) < rare
    columns = {
        "x": g.normal(size=n) + 10 * yes,
        "y": np.where(g.random(n) < 0.1, np.nan, g.normal(size=n)),
        "count": np.rint(g.gamma(3, 4, n)),
        "colour": np.where(g.random(n) < 0.9, np.where(yes, "red", "blue"), "green"),
        "ill": np.where(yes, "yes", "no"),
    }
    columns |= over
    fields = (
        Field(name="x", kind="continuous"),
        Field(name="y", kind="continuous", nullable=True),
        Field(name="count", kind="integer"),
        Field(name="colour", kind="categorical", levels=("blue", "green", "red")),
        Field(name="ill", kind="categorical", levels=("no", "yes", "never"), roles=frozenset({"target"})),
    )
    made = {f.name: pd.Series(columns[f.name]).astype(canonical_dtype(f)) for f in fields}
    return Table(pd.DataFrame(made), Schema(fields=fields))


def test_classes_are_balanced_as_asked() -> None:
    model = Smote(random_state=0).fit(two_classes())
    assert model.target_ == "ill"
    share = model.sample(8000, seed=1).frame["ill"].value_counts(normalize=True)
    spread = 5 * np.sqrt(0.25 / 8000)
    assert abs(share["yes"] - 0.5) < spread
    assert share["never"] == 0
    fifth = model.sample(8000, seed=1, balance={"ill": {"yes": 1, "no": 4}}).frame["ill"]
    assert abs((fifth == "yes").mean() - 0.2) < spread
    learned = Smote(balance="learned", random_state=0).fit(two_classes()).sample(8000, seed=1).frame["ill"]
    assert abs((learned == "yes").mean() - 25 / 400) < spread


@pytest.mark.parametrize("balance", [{"x": {"yes": 1}}, {"ill": {"maybe": 1}}, {"ill": {"yes": -1}}, {"ill": {}}])
def test_a_balance_that_cannot_be_is_refused(balance: Any) -> None:
    model = Smote(random_state=0).fit(two_classes())
    with pytest.raises(ConfigError):
        model.sample(10, balance=balance)


def test_every_row_lies_between_a_real_row_and_one_of_its_nearest_neighbours() -> None:
    real = two_classes(120, 30)
    frame = real.frame
    drawn = Smote(random_state=0, neighbours=3).fit(real).sample(300, seed=2).frame
    # Gower's distance by hand, class by class, the ranges those of the class.
    for label, made in drawn.groupby("ill", observed=True):
        mine = frame[frame["ill"] == label].reset_index(drop=True)
        total = np.zeros((len(mine), len(mine)))
        for name in ("x", "y", "count"):
            v = mine[name].to_numpy(dtype=float, na_value=np.nan)
            gap = np.minimum(np.abs(v[:, None] - v[None]) / (np.nanmax(v) - np.nanmin(v)), 1)
            gone = np.isnan(v)
            total += np.where(gone[:, None] | gone[None], (gone[:, None] != gone[None]) * 1.0, gap)
        total += (mine["colour"].astype(str).to_numpy()[:, None] != mine["colour"].astype(str).to_numpy()[None]) * 1.0
        np.fill_diagonal(total, np.inf)
        near = np.argsort(total, axis=1, kind="stable")[:, :3]
        x, count = mine["x"].to_numpy(), mine["count"].to_numpy(dtype=float)
        gone = mine["y"].isna().to_numpy()
        for row in made[["x", "y", "count"]].to_numpy(dtype=float, na_value=np.nan):
            found = False
            for i, j in ((a, b) for a in range(len(mine)) for b in near[a]):
                width = x[j] - x[i]
                share = (row[0] - x[i]) / width if width else 0.0
                level = abs(count[i] + share * (count[j] - count[i]) - row[2]) <= 0.5 + 1e-6
                found |= -1e-9 <= share <= 1 + 1e-9 and level and gone[i] == np.isnan(row[1])
            assert found


def test_levels_are_those_of_most_neighbours() -> None:
    g = dice(3)
    n = 60
    colour = np.array(["blue"] * 57 + ["green"] * 3)
    real = two_classes(n, 0, colour=colour, x=g.normal(size=n) * 1e-3, y=np.zeros(n), count=np.zeros(n))
    drawn = Smote(random_state=0, neighbours=9).fit(real).sample(500, seed=1).frame
    assert (drawn["colour"] == "blue").all()


def test_missing_cells_come_as_often_as_in_the_class() -> None:
    real = two_classes(2000, 1000)
    drawn = Smote(random_state=0).fit(real).sample(6000, seed=1).frame
    share = real.frame["y"].isna().mean()
    assert abs(drawn["y"].isna().mean() - share) < 5 * np.sqrt(share * (1 - share) / 6000)


def test_repeated_rows_are_not_their_own_neighbours() -> None:
    one = two_classes(20, 0)
    twice = one.take(np.repeat(np.arange(20), 8).astype(np.intp))
    model = Smote(random_state=0, neighbours=3).fit(twice)
    drawn = model.sample(200, seed=1).frame
    # All three nearest neighbours are the row's own copies: drawn rows are copies, and nothing else can be.
    assert set(drawn["x"]) <= set(one.frame["x"])


def test_conditions_choose_the_rows_that_are_mixed() -> None:
    model = Smote(random_state=0).fit(two_classes())
    drawn = model.sample(500, where={"colour": "red", "x": {"min": 9.0, "max": 11.0}}, seed=1).frame
    assert (drawn["colour"] == "red").all()
    assert drawn["x"].between(9, 11).all()
    assert (drawn["ill"] == "yes").all()
    few = model.sample(200, where={"count": [5, 9]}, seed=1).frame
    assert few["count"].isin([5, 9]).all()
    assert few["count"].nunique() == 2
    with pytest.raises(ConditionError):
        model.sample(5, where={"colour": "red", "ill": "no"}, seed=1)


def test_a_class_of_one_row_is_not_copied_and_that_is_said() -> None:
    model = Smote(random_state=0).fit(two_classes(100, 1))
    assert (model.sample(300, seed=1).frame["ill"] == "no").all()
    assert any("one row only" in w.en for w in model.notices_)
    with pytest.raises(ConditionError):
        model.sample(5, where={"ill": "yes"}, seed=1)


def test_the_target_may_be_named_and_must_have_classes() -> None:
    model = Smote(target="colour", random_state=0).fit(two_classes())
    assert model.sample(3000, seed=1).frame["colour"].value_counts(normalize=True).min() > 0.28
    for target in ("x", "chart"):
        with pytest.raises(Exception, match=target):
            Smote(target=target).fit(two_classes())


def test_it_helps_a_rare_class_to_be_found() -> None:
    """What it is for: more true positives of a rare class from a linear model, on unseen rows."""
    from sklearn.linear_model import LogisticRegression

    def law(n: int, seed: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        g = dice(seed)
        y = g.random(n) < 0.03
        return g.normal(size=(n, 2)) + 1.2 * y[:, None], y

    (x, y), (xt, yt) = law(2000, 5), law(20_000, 6)
    table = two_classes(2000, 0, x=x[:, 0], y=x[:, 1], ill=np.where(y, "yes", "no"))
    made = Smote(random_state=0).fit(table).sample(4000, seed=1).frame
    plain = LogisticRegression().fit(x, y).predict(xt)
    more = LogisticRegression().fit(made[["x", "y"]].to_numpy(), made["ill"] == "yes").predict(xt)
    assert more[yt].mean() > plain[yt].mean() + 0.3


@pytest.mark.parametrize("policy", policies.names())
def test_no_shipped_policy_lets_its_rows_be_released(policy: str) -> None:
    real = two_classes()
    model = Smote(random_state=0).fit(real)
    case = Case(
        train=real, holdout=two_classes(seed=2), synthetic=model.sample(200, seed=1), purpose=Purpose(),
        recipe=Recipe(name="table.smote"),
    )  # fmt: skip
    assert "must not be released" in model.notices_[0].en
    evidence = metrics.make("any.generation").measure(case, seed=0)
    assert evidence[0].estimate == 0.0
    verdict = load_policy(policy).judge(evidence)
    assert verdict.result == "does_not_meet"
    assert {f.rule for f in verdict.findings if f.result == "does_not_meet" and not f.advisory} <= {
        "generation",
        "releasable",
    }
