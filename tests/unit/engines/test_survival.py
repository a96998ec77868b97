"""Survival curves, concordance and Cox regression against hand calculations and brute force."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from synthproof.engines.survival import concordance, fit_cox, kaplan_meier


def dice(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(seed))


def cohort(n: int, seed: int, *, ties: bool = True) -> tuple[Any, Any, Any, Any]:
    g = dice(seed)
    x = g.normal(size=(n, 3))
    death, leaves = g.exponential(20 * np.exp(-x @ [0.7, -0.3, 0.0])), g.exponential(25, n)
    time, event = np.minimum(death, leaves), death <= leaves
    return x, np.ceil(time) if ties else time, event, np.round(x @ [0.7, -0.3, 0.2], 1)


def test_kaplan_meier_of_the_textbook_example() -> None:
    # Remission times of the 6-MP arm (Freireich et al. 1963; Cox & Oakes 1984, table 1.1), survival as published.
    time = np.array([6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35], dtype=float)
    event = np.array([1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0], dtype=bool)
    steps = kaplan_meier(time, event)
    assert steps.time.tolist() == [6, 7, 10, 13, 16, 22, 23]
    assert steps.at_risk.tolist() == [21, 17, 15, 12, 11, 7, 6]
    assert np.round(steps.survival, 3).tolist() == [0.857, 0.807, 0.753, 0.69, 0.627, 0.538, 0.448]
    assert np.round(np.sqrt(steps.variance), 4).tolist() == [0.0764, 0.0869, 0.0963, 0.1068, 0.1141, 0.1282, 0.1346]
    assert steps.at(np.array([0.0, 5.9, 6.0, 99.0])).tolist() == pytest.approx([1, 1, 18 / 21, steps.survival[-1]])


def test_kaplan_meier_without_censoring_is_the_share_left() -> None:
    time = dice(1).integers(1, 30, 200).astype(float)
    steps = kaplan_meier(time, np.ones(200, dtype=bool))
    assert np.allclose(steps.survival, [(time > t).mean() for t in steps.time])
    assert np.allclose(steps.variance, steps.survival * (1 - steps.survival) / 200)


@pytest.mark.parametrize("seed", range(4))
def test_concordance_counts_every_comparable_pair(seed: int) -> None:
    _, time, event, risk = cohort(150, seed)
    won = pairs = 0.0
    for i in range(150):
        for j in range(150):
            if event[i] and (time[i] < time[j] or (time[i] == time[j] and not event[j])):
                pairs += 1
                won += 1.0 if risk[i] > risk[j] else 0.5 if risk[i] == risk[j] else 0.0
    found = concordance(time, event, risk)
    assert found.pairs == pairs
    assert found.value == pytest.approx(won / pairs, abs=1e-12)
    assert found.influence.sum() == pytest.approx(0.0, abs=1e-8)


def test_the_influence_gives_the_spread_of_c_over_fresh_samples() -> None:
    values, told = [], []
    for seed in range(200):
        _, time, event, risk = cohort(300, 100 + seed)
        found = concordance(time, event, risk)
        values.append(found.value)
        told.append(np.sqrt(np.square(found.influence).sum()) / 300)
    # 200 draws know a standard deviation to 5 %; four times that.
    assert np.mean(told) == pytest.approx(np.std(values), rel=0.2)


def test_concordance_at_its_ends() -> None:
    time, event = np.arange(1.0, 6.0), np.ones(5, dtype=bool)
    assert concordance(time, event, -time).value == 1.0
    assert concordance(time, event, time).value == 0.0
    assert concordance(time, event, np.zeros(5)).value == 0.5
    assert concordance(time, ~event, time).value == 0.5
    assert concordance(np.empty(0), np.empty(0, dtype=bool), np.empty(0)).pairs == 0


def test_cox_is_the_maximum_of_the_partial_likelihood() -> None:
    x, time, event, _ = cohort(250, 7, ties=False)

    def likelihood(beta: Any) -> float:
        eta = x @ beta
        return float(sum(eta[i] - np.log(np.exp(eta[time >= time[i]]).sum()) for i in np.flatnonzero(event)))

    found = fit_cox(x, time, event, ridge=0.0)
    assert found.converged
    top = likelihood(found.beta)
    assert top - likelihood(np.zeros(3)) == pytest.approx(found.gain, rel=1e-9)
    for k in range(3):
        for move in (1e-3, -1e-3):
            assert likelihood(found.beta + move * np.eye(3)[k]) < top
    assert found.p_value < 1e-10
    assert found.freedom == pytest.approx(3.0)


def test_cox_agrees_with_lifelines() -> None:
    # lifelines 0.30.3 on this cohort, times made distinct, precision 1e-10.
    x, time, event, _ = cohort(600, 3)
    distinct = time + dice(1).random(600) * 1e-6
    assert np.allclose(
        fit_cox(x, distinct, event, ridge=0.0).beta, [0.7541774127, -0.3246706091, -0.0524059260], atol=1e-9
    )


def test_cox_bears_constants_copies_and_separation_under_a_ridge() -> None:
    x, time, event, _ = cohort(200, 9)
    wide = np.hstack([x, np.ones((200, 1)), x[:, :1], (time < np.median(time))[:, None] * event[:, None]])
    found = fit_cox(wide, time, event, ridge=1.0)
    assert found.converged
    assert np.isfinite(found.beta).all()
    assert found.beta[3] == pytest.approx(0.0, abs=1e-12)
    assert found.beta[0] == pytest.approx(found.beta[4])
    assert fit_cox(x, time, np.zeros(200, dtype=bool)).beta.tolist() == [0, 0, 0]
    noise = fit_cox(dice(3).normal(size=(200, 4)), time, event)
    assert noise.p_value > 0.01
