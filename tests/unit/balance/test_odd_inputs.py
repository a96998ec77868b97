"""Plausible and bad inputs of a user of scikit-learn and imbalanced-learn: each is served, or refused in four parts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from synthproof.balance.balancer import Balancer
from synthproof.balance.differences import Measured, interval
from synthproof.balance.learner import Perceptron
from synthproof.balance.record import scores_of
from synthproof.balance.scores import SCORES
from synthproof.balance.study import study
from synthproof.balance.task import TableTask
from synthproof.core.errors import ConfigError, DataError, NotFoundError, SchemaError, WorkspaceError
from synthproof.core.schema import Field
from synthproof.data.table.io import read_table

Mixed = Callable[..., tuple[pd.DataFrame, pd.Series]]


def test_free_text_and_empty_columns_do_not_stop_a_generator(mixed: Mixed) -> None:
    X, y = mixed()
    memo = [f"송금 메모 {i} — paid for the goods of order {i * 7919 % 10007}, thank you" for i in range(len(X))]
    X = X.assign(memo=memo, empty=np.nan)
    for strategy in ("table.marginals", "table.smote"):
        balancer = Balancer(strategy, random_state=1)
        X2, _ = balancer.fit_resample(X, y)
        made = balancer.origin_ != "real"
        assert made.any()
        assert (X2.dtypes == X.dtypes).all()
        assert X2.loc[made, ["memo", "empty"]].isna().all(axis=None)  # no real person's text is handed on
        assert not X2.loc[made, "visits"].isna().any()
        assert any("memo" in w.en and "memo" in w.ko for w in balancer.notices_)
    frame = X.reset_index(drop=True).assign(label=y.to_numpy())
    done = Balancer("table.marginals", target="label", random_state=1).balance(read_table(frame))
    assert done.data.frame["memo"].isna().sum() == (done.origin == "synthetic").sum() > 0


def test_types_that_hold_no_new_value(mixed: Mixed) -> None:
    X, y = mixed()
    notes = [f"note {i} on order number {i * 7919 % 10007} of the year, with thanks" for i in range(len(X))]
    texts = np.array([notes, X["blood"].astype(str)], dtype="U").T
    balancer = Balancer("table.marginals", random_state=1)
    X2, _ = balancer.fit_resample(texts, y)
    made = balancer.origin_ != "real"
    assert X2.dtype == texts.dtype
    assert set(X2[made, 0]) == {""}  # an array of texts has no missing cell, and "nan" is a word
    assert set(X2[made, 1]) <= {"A", "B", "O"}
    codes = X.assign(code=pd.Categorical([f"C{i:06d}" for i in range(len(X))]))
    with pytest.raises(DataError, match="beyond its categories"):
        Balancer("table.marginals", random_state=1).fit_resample(codes, y)
    numbered = pd.DataFrame(np.column_stack([X["visits"], X["smokes"], y == "rare"]).astype(float))
    for strategy in ("duplicates", "smote", "table.marginals"):
        done = Balancer(strategy, target=2, random_state=1).balance(numbered)  # type: ignore[arg-type]
        assert done.data.columns.tolist() == [0, 1, 2]
        assert len(done.data) > len(numbered)
    with pytest.raises(SchemaError, match="schema/unknown-field"):
        Balancer(target=7).balance(numbered)  # type: ignore[arg-type]


def test_rows_without_columns_to_learn_from(mixed: Mixed) -> None:
    X, y = mixed()
    identifiers = pd.DataFrame({"id": [f"T{i:06d}" for i in range(len(X))]}, index=X.index)
    for nothing in (identifiers, X[[]]):
        with pytest.raises(DataError, match="balance/no-columns"):
            Balancer("smote").fit_resample(nothing, y)
        X2, y2 = Balancer("table.marginals", random_state=1).fit_resample(nothing, y)
        assert len(X2) == len(y2) > len(X)


def test_random_state_is_whole_or_a_generator_of_numpy(mixed: Mixed) -> None:
    X, y = mixed()
    for given in (np.random.default_rng(3), np.random.RandomState(3)):  # noqa: NPY002 - what scikit-learn users hold
        balancer = Balancer("duplicates", random_state=given)
        first, _ = balancer.fit_resample(X, y)
        pd.testing.assert_frame_equal(first, Balancer("duplicates", random_state=balancer.seed_).fit_resample(X, y)[0])
        seed = balancer.seed_
        balancer.fit_resample(X, y)
        assert balancer.seed_ != seed  # a generator goes on, as in scikit-learn
    for bad in ("7", 1.5, True, [1]):
        with pytest.raises(ConfigError, match="params/out-of-range"):
            Balancer("duplicates", random_state=bad).fit_resample(X, y)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="neighbours"):
        Balancer("smote", neighbours=2.5).fit_resample(X, y)  # type: ignore[arg-type]
    with pytest.raises(NotFoundError, match="registry/unknown-name"):
        Balancer(["smote"]).fit_resample(X, y)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="balance/container"):
        Balancer().fit_resample(X, iter(y))


def test_a_pipeline_asks_its_first_step_for_the_columns(mixed: Mixed) -> None:
    from imblearn.pipeline import make_pipeline

    X, y = mixed()
    numbers = X[["visits", "smokes"]].astype(float)
    model = make_pipeline(Balancer("duplicates", random_state=1), LogisticRegression()).fit(numbers, y)
    assert model.n_features_in_ == 2
    assert model.feature_names_in_.tolist() == ["visits", "smokes"]
    balancer = Balancer("duplicates", random_state=1).fit(numbers, y)
    balancer.fit_resample(numbers.to_numpy(), y.to_numpy())
    assert balancer.n_features_in_ == 2
    assert not hasattr(balancer, "feature_names_in_")


def test_a_ratio_that_a_strategy_cannot_follow_is_told(mixed: Mixed) -> None:
    X, y = mixed()
    up, down = Balancer(ratio={"big": 5, "rare": 90}, random_state=1), Balancer("down", ratio={"rare": 9000})
    up.fit_resample(X, y)
    assert (up.after_[list(up.classes_).index("rare")], up.after_[0]) == (90, up.before_[0])
    assert any("fewer rows than there are in 1 of 3" in w.en for w in up.notices_)
    down.fit_resample(X, y)
    assert any("more rows than there are in 1 of 3" in w.en for w in down.notices_)
    followed = Balancer(ratio={"rare": 90}, random_state=1)
    followed.fit_resample(X, y)
    assert len(followed.notices_) == 1


def test_nothing_is_half_written(tmp_path: Path, mixed: Mixed) -> None:
    X, y = mixed()
    done = Balancer("smote", target="label", random_state=1).balance(
        X.reset_index(drop=True).assign(label=y.to_numpy())
    )
    for blocked in ("t.csv.balance.json", "t.csv.origin.csv", "t.csv"):
        (tmp_path / blocked / "taken").mkdir(parents=True)
        with pytest.raises(WorkspaceError):
            done.write(tmp_path / "t.csv")
        assert [p.name for p in tmp_path.iterdir()] == [blocked]  # above all no table without its receipt
        (tmp_path / blocked / "taken").rmdir()
        (tmp_path / blocked).rmdir()
    written = done.write(tmp_path / "t.csv")
    assert all(p.is_file() for p in written)
    with pytest.raises(DataError, match="balance/balanced-already"):
        Balancer("smote", target="label").balance(written[0])
    with pytest.raises(DataError, match="balance/balanced-already"):
        TableTask(read_table(written[0]), "label")
    thinned = Balancer("down", target="label", random_state=1).balance(read_table(X.assign(label=y.to_numpy())))
    (path, *_) = thinned.write(tmp_path / "down.csv")
    assert Balancer("duplicates", target="label", random_state=1).balance(path).data.n_rows > 0  # real rows alone


def test_a_study_of_classes_of_which_none_is_rare(mixed: Mixed) -> None:
    X, _ = mixed(600)
    quick = Perceptron(steps=5, hidden=4)
    for counts in ((300, 300), (100, 100, 400)):
        table = read_table(X.assign(label=np.repeat([f"c{i}" for i in range(len(counts))], counts)))
        task = TableTask(table, "label", generator="table.marginals")
        with pytest.raises(DataError, match="balance/nothing-rare"):
            study(task, learner=quick)
    found = study(task, learner=quick, rare=["c0", "c1"], doses=(0.5,), repeats=10)
    assert found.rare == (True, True, False)
    with pytest.raises(DataError, match="balance/no-columns"):
        TableTask(read_table(pd.DataFrame({"id": [f"T{i:06d}" for i in range(200)], "k": ["a", "b"] * 100})), "k")


def test_a_study_needs_units_not_rows_alone(mixed: Mixed) -> None:
    X, _ = mixed(800)
    label = np.where(np.arange(800) < 100, "rare", "common")
    for persons, enough in ((10, False), (100, True)):
        # the rare class is that of few persons with many rows each
        person = np.where(np.arange(800) < 100, np.arange(800) % persons, np.arange(800) + 1000)
        table = read_table(X.assign(person=[f"P{p:05d}" for p in person], label=label))
        fields = tuple(
            Field(name="person", kind="identifier", roles=frozenset({"unit"})) if f.name == "person" else f
            for f in table.schema.fields
        )
        table = read_table(
            X.assign(person=[f"P{p:05d}" for p in person], label=label), schema=replace(table.schema, fields=fields)
        )
        if enough:
            assert TableTask(table, "label", seed=1).names == ("common", "rare")
            continue
        with pytest.raises(DataError, match="balance/study-few-units"):
            TableTask(table, "label", seed=1)


def test_an_interval_of_a_class_that_is_always_right_has_a_width() -> None:
    certain = Measured({s: np.ones((5, 2)) for s in SCORES}, {s: np.ones((40, 2)) for s in SCORES})
    for score in SCORES:
        few, many = scores_of(certain, (20, 300))[score]
        assert (few["low"], few["high"]) == (0.85, 1.0)
        assert (many["low"], many["high"]) == (0.99, 1.0)
    loose = Measured(
        {s: np.linspace(0.7, 0.8, 5)[:, None] for s in SCORES}, {s: np.linspace(0.6, 0.9, 40)[:, None] for s in SCORES}
    )
    # the fewer units, the fewer degrees of freedom: bootstrap replicates are no observations
    few, many = (scores_of(loose, (n,))["auroc"][0] for n in (10, 2000))
    assert few["low"] < many["low"] < many["high"] < few["high"]
    assert few["mean"] == many["mean"]


@pytest.mark.parametrize("units", [10, 40])
def test_claims_over_few_units_keep_their_level(units: int) -> None:
    rng = np.random.default_rng(units)
    wrong, worlds = 0, 300
    for _ in range(worlds):
        effect = rng.normal(size=units)  # what an arm changes for each person: nothing on average
        draws = rng.multinomial(units, np.full(units, 1 / units), size=200) @ effect / units
        same = np.repeat(effect.mean(), 5)
        low, high = interval(same, draws, 0.998, units)
        wrong += not low <= 0 <= high
    # at most 0.2 % in theory, 1.2 % where 10 units are taken for infinitely many; 4 of 300 has p = 0.003 at 0.2 %
    assert wrong <= 3
