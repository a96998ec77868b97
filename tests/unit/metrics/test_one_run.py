"""Guesses at coins: the one-run bound of epsilon has the known values, holds its level, and cannot be fooled by order."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats as st

from synthproof.core.random import stream
from synthproof.metrics.table.one_run import FEWEST_GUESSES, SHARES, ceiling_of, epsilon_of, guesses, tail


def by_the_paper(coins: int, made: int, right: int, epsilon: float, delta: float) -> float:
    """The p-value as the paper's appendix D writes it, step by step."""
    q = 1 / (1 + math.exp(-epsilon))
    beta, alpha, total = st.binom.sf(right - 1, made, q), 0.0, 0.0
    for i in range(1, right + 1):
        total += st.binom.pmf(right - i, made, q)
        alpha = max(alpha, total / i)
    return float(min(1.0, beta + alpha * delta * 2 * coins))


@pytest.mark.parametrize(("made", "right"), [(10, 10), (40, 31), (100, 60), (100, 3)])
@pytest.mark.parametrize("epsilon", [0.0, 0.7, 3.0])
@pytest.mark.parametrize("delta", [0.0, 1e-5, 1e-2])
def test_the_tail_is_the_papers(made: int, right: int, epsilon: float, delta: float) -> None:
    assert tail(200, made, right, epsilon, delta) == pytest.approx(
        by_the_paper(200, made, right, epsilon, delta), rel=1e-9
    )


def test_all_right_gives_the_closed_form() -> None:
    p = 0.05 ** (1 / 100)
    assert epsilon_of(100, 100, 100) == pytest.approx(math.log(p / (1 - p)), abs=1e-6)
    tried = 0.01 ** (1 / 100)  # five shares of a hundred coins, the least of ten guesses or more: four of them
    four = (0.05 / 4) ** (1 / 100)
    assert math.log(tried / (1 - tried)) < ceiling_of(100) == pytest.approx(math.log(four / (1 - four)), abs=1e-6)
    assert epsilon_of(100, 100, 55) == 0.0
    assert epsilon_of(100, 100, 100, delta=1e-3) < epsilon_of(100, 100, 100)
    assert tail(5, 0, 0, 1.0, 0.0) == 1.0


def test_a_sure_few_are_found_among_many() -> None:
    member = stream(1, "coins").random(400) < 0.5
    scores = stream(1, "scores").random(400)
    scores[np.flatnonzero(member)[:20]] += 1
    scores[np.flatnonzero(~member)[:20]] -= 1
    told = guesses(scores, member, seed=1)
    assert told.made == told.right == 40
    assert told.epsilon > 1.5
    assert told.ceiling == ceiling_of(400)
    assert told.share[0] == 1.0


def test_equal_scores_are_no_knowledge_however_they_are_sorted() -> None:
    member = np.repeat([True, False], 200)
    found = [guesses(np.zeros(400), member, seed=s).epsilon for s in range(40)]
    assert sum(e > 0 for e in found) <= st.binom.ppf(1 - 1e-4, 40, 0.05)


def test_the_bound_keeps_its_level_where_the_truth_is_known() -> None:
    # Randomised response with epsilon = 1: each score tells its coin truly with chance e / (1 + e).
    over = 0
    for s in range(300):
        g = stream(s, "response")
        member = g.random(200) < 0.5
        scores = np.where(g.random(200) < math.e / (1 + math.e), member, ~member).astype(float)
        over += guesses(scores, member, seed=s).epsilon > 1.0
    assert over <= st.binom.ppf(1 - 1e-4, 300, 0.05)


def test_few_coins_give_nothing() -> None:
    none = guesses(np.zeros(0), np.zeros(0, dtype=bool), seed=1)
    assert (none.made, none.epsilon, none.share) == (0, 0.0, (0.5, 0.0, 1.0))
    assert guesses(np.arange(4.0), np.array([False, False, True, True]), seed=1).made == 4
    assert min(round(s * 200) for s in SHARES) >= FEWEST_GUESSES
