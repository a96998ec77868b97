"""Exact noise follows its law, and the ledger's arithmetic is that of the papers."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from scipy.stats import chisquare

from synthproof.core.errors import UsageError
from synthproof.synthesizers.table.dp import noise
from synthproof.synthesizers.table.dp.ledger import Ledger, epsilon_of, rho_for, variance_for
from synthproof.synthesizers.table.dp.noise import choose, discrete_gaussian, private_shuffle
from synthproof.testing.privacy import epsilon_of_mu

# Noise has no seed, so a chi-square test fails now and then: at 1e-7 that is once in ten million runs.
LEVEL = 1e-7


def _against_law(drawn: np.ndarray, variance: float) -> float:
    """Return the p-value of draws against exp(-x² / 2σ²), normalised over all whole numbers."""
    reach = math.ceil(12 * variance**0.5) + 2
    x = np.arange(-reach, reach + 1)
    p = np.exp(-(x**2) / (2 * variance))
    p /= p.sum()
    expected = p * len(drawn)
    keep = expected >= 10
    seen = np.bincount(drawn + reach, minlength=len(x)).astype(float)
    rest_seen, rest_wanted = seen[~keep].sum(), expected[~keep].sum()
    return float(
        chisquare(np.append(seen[keep], rest_seen), np.append(expected[keep], rest_wanted), sum_check=False).pvalue
    )


@pytest.mark.parametrize("variance", [Fraction(1, 4), Fraction(1), Fraction(37, 5), Fraction(900), Fraction(10**6)])
def test_noise_follows_the_discrete_gaussian_law(variance: Fraction) -> None:
    drawn = discrete_gaussian(variance, 60_000)
    assert _against_law(drawn, float(variance)) > LEVEL
    assert abs(drawn.mean()) < 6 * float(variance) ** 0.5 / 60_000**0.5


def test_whole_numbers_of_any_size_give_the_same_law(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(noise, "ROOM", 0)
    assert _against_law(discrete_gaussian(Fraction(9, 2), 8_000), 4.5) > LEVEL


def test_noise_too_large_for_64_bits_is_made_all_the_same() -> None:
    drawn = discrete_gaussian(Fraction(10**14), 400)
    assert 0.7 < drawn.std() / 1e7 < 1.3


def test_a_law_that_is_not_the_one_promised_is_noticed() -> None:
    assert _against_law(discrete_gaussian(Fraction(900), 60_000), 800.0) < LEVEL


def test_coins_and_choices_have_their_chances() -> None:
    n = 40_000
    p, q = np.array([0, 1, 7, 25] * (n // 4)), np.array([3, 3, 3, 10] * (n // 4))
    heads = noise._coins(p, q).reshape(-1, 4).mean(axis=0)
    assert np.allclose(heads, np.exp(-p[:4] / q[:4]), atol=6 * 0.5 / (n / 4) ** 0.5)
    scores, rate = [0, 3, 5, 5], Fraction(1, 2)
    chance = np.exp(np.array(scores) / 2)
    seen = np.bincount([choose(scores, rate) for _ in range(8_000)], minlength=4)
    assert chisquare(seen, 8_000 * chance / chance.sum()).pvalue > LEVEL


def test_nothing_is_seeded() -> None:
    assert not np.array_equal(discrete_gaussian(Fraction(900), 100), discrete_gaussian(Fraction(900), 100))
    assert not np.array_equal(private_shuffle(100), private_shuffle(100))
    with pytest.raises(ValueError, match="positive"):
        discrete_gaussian(Fraction(0), 1)


def test_the_conversion_is_tight_and_never_optimistic() -> None:
    # Gaussian noise is μ-GDP with μ = sqrt(2ρ), whose exact ε no bound from ρ alone may undercut.
    for rho in (0.001, 0.02, 0.3, 2.0):
        for delta in (1e-9, 1e-6, 1e-2):
            ours, exact = epsilon_of(rho, delta), epsilon_of_mu((2 * rho) ** 0.5, delta)
            simple = rho + 2 * math.sqrt(rho * math.log(1 / delta))
            assert exact <= ours <= simple
    assert epsilon_of(rho_for(1.0, 1e-6), 1e-6) == pytest.approx(1.0, rel=1e-9)
    assert epsilon_of(rho_for(1.0, 1e-6), 1e-6) <= 1.0
    assert rho_for(1.0, 1e-6) == pytest.approx(0.024356, rel=1e-4)
    assert epsilon_of(0.0, 1e-6) == 0.0


def test_variances_are_rounded_up() -> None:
    for rho, squared in ((0.1, 1), (3.7e-5, 1), (0.02, 4), (5.0, 1)):
        assert Fraction(squared) / (2 * variance_for(rho, squared)) <= Fraction(rho)


def test_every_look_is_booked_and_the_sum_is_kept() -> None:
    ledger = Ledger(1.0, 1e-6, loose=5e-7, rows=3)
    counts = np.array([5, 900, 0])
    ledger.noisy(counts, 0.001, "column", "a")
    ledger.noisy(counts, 0.002, "column", "b", times=4)
    ledger.choose([3, 9], 0.003, "choice")
    kept = ledger.over(counts, 0.004, 4e-7, "levels", "c")
    assert not kept[2]
    assert [e.purpose for e in ledger.entries] == ["column", "column", "choice", "levels"]
    one, tree, choice, levels = ledger.entries
    assert one.sensitivity == 3
    assert one.rho == pytest.approx(9 / (2 * one.scale**2))
    assert tree.sensitivity == pytest.approx(6)
    assert tree.rho == pytest.approx(36 / (2 * tree.scale**2))
    assert choice.rho == pytest.approx(choice.scale**2 / 8)
    assert levels.delta == 4e-7
    assert ledger.rho == pytest.approx(sum(e.rho for e in ledger.entries))
    assert ledger.rho <= 0.010
    epsilon, delta = ledger.spent
    assert epsilon == pytest.approx(epsilon_of(ledger.rho, 5e-7))
    assert delta == pytest.approx(9e-7)
    assert Ledger.from_dict(ledger.to_dict()).to_dict() == ledger.to_dict()


def test_more_than_there_is_cannot_be_spent() -> None:
    ledger = Ledger(1.0, 1e-6)
    with pytest.raises(UsageError, match="dp/overspent"):
        ledger.noisy(np.array([1]), 2 * ledger.budget, "column", "a")
    with pytest.raises(UsageError, match="dp/overspent"):
        ledger.over(np.array([1]), ledger.budget / 2, 1e-7, "levels", "a")
    assert ledger.entries == []


def test_a_level_of_one_person_passes_no_line() -> None:
    # The chance is under δ = 1e-4 a time: 3 or more in 300 tries happen once in 200,000.
    passed = sum(Ledger(5.0, 1e-3, loose=1e-4).over(np.array([1]), 0.5, 1e-4, "levels", "a")[0] for _ in range(300))
    assert passed < 3
