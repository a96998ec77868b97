"""Learners spend their steps, scores are scikit-learn's, features are learned from train alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, recall_score, roc_auc_score

from synthproof.balance import learner as learners
from synthproof.balance.features import Features
from synthproof.balance.learner import Perceptron, Trees
from synthproof.balance.scores import class_scores, unit_weights
from synthproof.data.table.io import read_table

Mixed = Callable[..., tuple[pd.DataFrame, pd.Series]]


def moons(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 4)).astype(np.float32)
    return x, (x[:, 0] * x[:, 1] > 0.3).astype(np.intp)


@pytest.mark.parametrize("learner", [Perceptron(steps=400), Trees(steps=60)], ids=lambda v: v.name)
def test_a_learner_learns_the_same_again_and_heeds_weights(learner: Perceptron | Trees) -> None:
    x, y = moons(800, 0)
    unseen, truth = moons(800, 1)
    model = learner.train(x, y, 2, steps=learner.steps, seed=1)
    p = model.probabilities(unseen)
    assert np.allclose(p.sum(axis=1), 1, atol=1e-5)
    assert roc_auc_score(truth, p[:, 1]) > 0.95
    again = learner.train(x, y, 2, steps=learner.steps, seed=1)
    assert (again.probabilities(unseen) == p).all()
    heavy = learner.train(x, y, 2, steps=learner.steps, seed=1, weight=np.where(y == 1, 10.0, 1.0))
    assert heavy.probabilities(unseen)[:, 1].mean() > p[:, 1].mean()


def test_steps_are_spent_whatever_the_number_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []
    original = learners._gradient
    monkeypatch.setattr(learners, "_gradient", lambda *a: (taken.append(len(a[2])), original(*a))[1])
    for n in (100, 1000, 5000):
        taken.clear()
        Perceptron(batch=128).train(*moons(n, 0), 2, steps=37, seed=1)
        assert len(taken) == 37
        assert set(taken) == {min(128, n)}


def test_going_on_from_other_rows() -> None:
    x, y = moons(800, 0)
    first = Perceptron().train(x, 1 - y, 2, steps=200, seed=1)
    on = Perceptron().train(x, y, 2, steps=400, seed=2, start=first)
    assert roc_auc_score(y, on.probabilities(x)[:, 1]) > 0.9 > 0.5 > roc_auc_score(y, first.probabilities(x)[:, 1])


def test_scores_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    truth = rng.choice(3, 300, p=[0.7, 0.2, 0.1])
    p = rng.dirichlet([1, 1, 1], 300).round(1) + 1e-3  # many ties
    p[np.arange(300), truth] += 0.2
    unit = np.arange(300) // 3
    weights = np.vstack([np.ones(300), unit_weights(unit, 5, seed=1)])
    found = class_scores(p, truth, weights)
    for r, w in enumerate(weights):
        for c in range(3):
            own = truth == c
            assert found["auroc"][r, c] == pytest.approx(roc_auc_score(own, p[:, c], sample_weight=w))
            assert found["auprc"][r, c] == pytest.approx(average_precision_score(own, p[:, c], sample_weight=w))
            recall = recall_score(truth, p.argmax(axis=1), labels=[c], average="macro", sample_weight=w)
            assert found["recall"][r, c] == pytest.approx(recall)
    assert (weights[1:].reshape(5, 100, 3) == weights[1:].reshape(5, 100, 3)[:, :, :1]).all()  # units whole
    assert (weights.sum(axis=1) == 300).all()


def test_a_replicate_without_a_class_says_nothing() -> None:
    found = class_scores(np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([0, 1]), np.array([[2.0, 0.0]]))
    assert np.isnan(found["recall"][0, 1])
    assert np.isnan(found["auroc"][0]).all()


def test_features_keep_gaps_and_learn_from_train_alone(mixed: Mixed) -> None:
    X, y = mixed()
    table = read_table(X.assign(label=y))
    features = Features.learn(table, "label")
    x = features.apply(table)
    assert np.isfinite(x).all()
    assert "label" not in {f.name for f in features.fields}
    head = features.apply(table.with_frame(table.frame.head(3)))
    assert (head == x[:3]).all()
    j = next(i for i, f in enumerate(features.fields) if f.name == "height")
    at = sum(
        len(values) if f.levelled else 1 + f.nullable
        for f, (values, _) in list(zip(features.fields, features.knots, strict=True))[:j]
    )
    assert (x[:, at + 1] == pd.isna(X["height"]).to_numpy()).all()
    assert abs(x[:, at][x[:, at + 1] == 0].std() - 1) < 0.1
