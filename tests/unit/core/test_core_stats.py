from __future__ import annotations

import numpy as np
import pytest
from scipy import stats as st
from sklearn.metrics import roc_auc_score

from synthproof.core.stats import auc_interval, bootstrap, clopper_pearson, newcombe, quantile_interval, wilson


def test_wilson_against_scipy() -> None:
    for hits, n in [(0, 10), (3, 10), (10, 10), (57, 569)]:
        expected = st.binomtest(hits, n).proportion_ci(method="wilson")
        assert wilson(hits, n) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert wilson(0, 0) == (0.0, 1.0)


def test_clopper_pearson_against_scipy() -> None:
    for hits, n in [(0, 10), (3, 10), (10, 10)]:
        expected = st.binomtest(hits, n).proportion_ci(method="exact")
        assert clopper_pearson(hits, n) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_newcombe_on_its_papers_example() -> None:
    # Newcombe 1998, table II, case (a): 56/70 against 48/80, method 10.
    assert newcombe(56, 70, 48, 80) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_auc_against_sklearn_with_ties() -> None:
    rng = np.random.default_rng(0)
    positive, negative = rng.integers(0, 9, 300).astype(float), rng.integers(0, 7, 500).astype(float)
    auc, low, high = auc_interval(positive, negative)
    expected = roc_auc_score(np.r_[np.ones(300), np.zeros(500)], np.r_[positive, negative])
    assert auc == pytest.approx(expected, abs=1e-12)
    assert low < auc < high


def test_auc_interval_covers_half_at_its_level() -> None:
    rng = np.random.default_rng(1)
    worlds = 400
    covered = 0
    for _ in range(worlds):
        _, low, high = auc_interval(rng.normal(size=80), rng.normal(size=60))
        covered += low <= 0.5 <= high
    # Binomial(400, 0.95): fewer than 360 has probability below 1e-4.
    assert covered >= 360


@pytest.mark.parametrize("sign", [1, -1])
def test_perfect_separation_still_has_an_interval(sign: int) -> None:
    auc, low, high = auc_interval(sign * np.ones(20), -sign * np.ones(20))
    assert auc == (1.0 if sign > 0 else 0.0)
    assert low <= auc <= high
    assert high - low > 0.01


def test_quantile_interval_covers() -> None:
    rng = np.random.default_rng(2)
    hits = sum(low <= 0.9 <= high for low, high in (quantile_interval(rng.random(100), 0.9) for _ in range(400)))
    assert hits >= 360


def test_bootstrap_is_addressed() -> None:
    x = np.random.default_rng(3).normal(size=200)
    first = bootstrap(lambda i: float(x[i].mean()), 200, seed=1, purpose="mean")
    assert first == bootstrap(lambda i: float(x[i].mean()), 200, seed=1, purpose="mean")
    assert first[0] < x.mean() < first[1]
