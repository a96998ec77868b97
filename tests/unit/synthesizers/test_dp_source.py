"""Two sources of exact noise, one law; never less of it than the ledger books, and no seed in either."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest
from scipy.stats import chi2_contingency, chisquare, ks_2samp

from synthproof.synthesizers.table.dp import noise, source
from synthproof.synthesizers.table.dp.ledger import Ledger
from synthproof.synthesizers.table.dp_marginals import DpMarginals
from synthproof.testing.worlds import survey

# Noise has no seed: at 1e-7 a test fails once in ten million runs.
LEVEL = 1e-7
opendp = pytest.mark.skipif(source.source() == source.BUILT_IN, reason="the dp extra is not installed")


@pytest.fixture
def without_opendp(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(sys.modules, "opendp", None)
    source.source.cache_clear()
    yield
    source.source.cache_clear()


@opendp
@pytest.mark.parametrize("variance", [Fraction(1, 4), Fraction(37, 5), Fraction(900), Fraction(10**8)])
def test_both_sources_have_the_same_law(variance: Fraction) -> None:
    n = 20_000
    ours, theirs = noise.discrete_gaussian(variance, n), source.discrete_gaussian(variance, n)
    assert theirs.dtype == ours.dtype
    assert ks_2samp(ours, theirs).pvalue > LEVEL  # with ties the p-value is too large at worst by half
    width = max(1, round(float(variance) ** 0.5 / 4))
    low = min(ours.min(), theirs.min())
    table = np.array([np.bincount((x - low) // width, minlength=200 + 40 * 12)[:400] for x in (ours, theirs)])
    table = table[:, table.sum(0) >= 20]
    assert chi2_contingency(table).pvalue > LEVEL


@opendp
@pytest.mark.parametrize("variance", [Fraction(1, 4), Fraction(9, 2), Fraction(900)])
def test_opendp_draws_the_law_as_it_is_written(variance: Fraction) -> None:
    drawn = source.discrete_gaussian(variance, 30_000)
    reach = math.ceil(12 * float(variance) ** 0.5) + 2
    x = np.arange(-reach, reach + 1)
    p = np.exp(-(x**2) / (2 * float(variance)))
    expected = p / p.sum() * len(drawn)
    seen = np.bincount(drawn + reach, minlength=len(x)).astype(float)
    keep = expected >= 10
    assert (
        chisquare(
            np.append(seen[keep], seen[~keep].sum()), np.append(expected[keep], expected[~keep].sum()), sum_check=False
        ).pvalue
        > LEVEL
    )


@opendp
def test_the_source_is_opendp_where_it_is_installed() -> None:
    assert source.source().startswith("opendp ")
    assert Ledger(1.0, 1e-6).noise == source.source()
    first, second = (source.discrete_gaussian(Fraction(900), 100) for _ in range(2))
    assert not np.array_equal(first, second)
    with pytest.raises(ValueError, match="positive"):
        source.discrete_gaussian(Fraction(0), 1)
    assert len(source.discrete_gaussian(Fraction(4), 0)) == 0


def test_the_scale_is_never_below_what_is_booked() -> None:
    for variance in (Fraction(1, 3), Fraction(2), Fraction(4), Fraction(10**14 + 1, 7), Fraction(1, 10**9)):
        scale = source.scale_above(variance)
        assert Fraction(scale) ** 2 >= variance
        assert Fraction(math.nextafter(scale, 0.0)) ** 2 < variance
    assert source.scale_above(Fraction(4)) == 2.0


def test_scales_beyond_floats_are_our_own_sampler_s() -> None:
    drawn = source.discrete_gaussian(Fraction(2) ** 106, 100)
    assert 0.5 < drawn.std() / 2**53 < 1.6


@pytest.mark.usefixtures("without_opendp")
def test_without_the_extra_the_noise_is_our_own() -> None:
    assert source.source() == source.BUILT_IN
    assert abs(source.discrete_gaussian(Fraction(900), 2_000).std() / 30 - 1) < 0.15
    model = DpMarginals(epsilon=5.0, public="all").fit(survey().draw(300, 1))
    assert model.ledger_["noise"] == source.BUILT_IN


def test_the_ledger_remembers_its_source() -> None:
    ledger = Ledger(1.0, 1e-6, noise="opendp 0.1")
    assert Ledger.from_dict(ledger.to_dict()).noise == "opendp 0.1"
    old = {k: v for k, v in ledger.to_dict().items() if k != "noise"}
    assert Ledger.from_dict(old).noise == source.BUILT_IN
