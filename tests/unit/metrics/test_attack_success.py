from __future__ import annotations

import math

import numpy as np
import pytest

from synthproof.core.stats import auc_interval, clopper_pearson, epsilon_bound, epsilon_ceiling
from synthproof.metrics.table.attack_success import (
    Attacked,
    Called,
    at_false_alarms,
    auc,
    most_advantage,
    precision,
    reversed_auc,
    surest,
)


def attacked(n: int, **shift: float) -> Attacked:
    """Standard normal scores, n a side, members shifted; half A are the even ones."""
    g = np.random.default_rng(3)
    member = np.repeat([True, False], n)
    scores = {name: g.standard_normal(2 * n) + by * member for name, by in shift.items()}
    return Attacked(scores, member, np.arange(2 * n) % 2 == 0)


@pytest.mark.parametrize(("m", "ceiling"), [(100, 3.3), (1_000, 5.6), (5_000, 7.2), (20_000, 8.6)])
def test_the_ceiling_is_what_a_perfect_attack_certifies(m: int, ceiling: float) -> None:
    # TPR m/m ends at a^(1/m), FPR 0/m at 1 - a^(1/m), a = 0.025.
    low = 0.025 ** (1 / m)
    assert epsilon_ceiling(m, m) == pytest.approx(math.log(low / (1 - low)), rel=1e-9)
    assert round(epsilon_ceiling(m, m), 1) == ceiling


def test_the_epsilon_bound_by_hand() -> None:
    low, high = clopper_pearson(60, 100)[0], clopper_pearson(5, 100)[1]
    assert epsilon_bound(60, 100, 5, 100) == pytest.approx(math.log(low / high))
    assert epsilon_bound(60, 100, 5, 100, delta=0.1) == pytest.approx(math.log((low - 0.1) / high))
    assert epsilon_bound(5, 100, 5, 100) == 0.0
    assert epsilon_bound(0, 100, 0, 100, delta=0.01) == 0.0


def test_the_best_attack_of_half_a_is_counted_on_half_b() -> None:
    people = attacked(400, weak=0.1, strong=1.5, none=0.0)
    name, found, low, high = auc(people)
    assert name == "strong"
    expected = auc_interval(*people.split("strong", half_a=False))
    assert (found, low, high) == pytest.approx(expected)
    # Upper ends bound the strongest attack, also when another was chosen.
    few = people.among(np.ones(800, dtype=bool))
    few.scores["weak"][people.chosen_on & people.member] += 9.0  # type: ignore[index]
    name, found, _, high = auc(few)
    assert name == "weak"
    assert found < 0.6
    assert high == pytest.approx(expected[2])


def test_thresholds_keep_the_false_alarm_rate_of_half_a() -> None:
    people = attacked(1000, s=2.0)
    at = at_false_alarms(people, 0.01)
    assert at is not None
    called, high = at
    others = people.split("s", half_a=True)[1]
    assert (others >= called.threshold).mean() <= 0.01 < (others >= np.sort(others)[-6]).mean()
    own = people.split("s", half_a=False)[0]
    assert called.hits == int((own >= called.threshold).sum())
    assert high == clopper_pearson(called.hits, called.members)[1]
    # One in a thousand of 500 cannot be set.
    assert at_false_alarms(people, 0.001) is None


def test_a_handful_recognised_beyond_doubt_is_the_surest_call() -> None:
    people = attacked(2000, coin=0.05, copies=0.0)
    people.scores["copies"][:40] = 50.0  # type: ignore[index]
    called = surest(people)
    assert called.attack == "copies"
    assert (called.hits, called.alarms) == (20, 0)
    found, low, high = precision(called)
    assert found == high == 1.0
    assert low == clopper_pearson(20, 20)[0]
    assert auc(people)[2] < 0.5


def test_who_calls_nobody_knows_nothing() -> None:
    assert precision(Called("s", 0.0, 0, 10, 0, 10)) == (0.5, 0.0, 1.0)


def test_rates_advantage_and_precision_at_the_real_prevalence_by_hand() -> None:
    plain = Called("s", 0.0, 40, 100, 10, 100).plain(0.0, 0.01)
    assert plain["tpr"] == 0.4
    assert plain["advantage"] == pytest.approx(0.3)
    assert plain["advantage_interval"][0] < 0.3 < plain["advantage_interval"][1]
    tpr, fpr = clopper_pearson(40, 100), clopper_pearson(10, 100)
    low, high = plain["precision_at_prevalence"]
    assert low == pytest.approx(0.01 * tpr[0] / (0.01 * tpr[0] + 0.99 * fpr[1]))
    assert high == pytest.approx(0.01 * tpr[1] / (0.01 * tpr[1] + 0.99 * fpr[0]))
    # At even odds four of five calls are right; one in a hundred being a member, hardly one in ten.
    assert high < 0.12
    assert "precision_at_prevalence" not in Called("s", 0.0, 40, 100, 10, 100).plain(0.0, None)


def test_youden_and_reversed_scores() -> None:
    people = attacked(500, s=1.0)
    called = most_advantage(people)
    # The best threshold of two normals one apart lies half-way: 0.38 advantage; five standard errors of 250 a side.
    assert abs(called.hits / called.members - called.alarms / called.others - 0.383) < 0.2
    assert reversed_auc(attacked(500, s=-1.0), 0.999) < 0.5 < reversed_auc(attacked(500, s=0.0), 0.999)
