"""Draws within intervals keep how round values are and when things happen, and tell nothing of single values."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from synthproof.core.schema import Field
from synthproof.engines.codes import from_numbers, to_numbers
from synthproof.synthesizers.table.columns.grains import Grains
from synthproof.synthesizers.table.columns.grid import shape_of

Numbers = npt.NDArray[np.float64]


def _drawn(values: Numbers, f: Field, bins: int = 60, weights: Numbers | None = None) -> tuple[Grains, Numbers]:
    """Return the profile, and one draw for each value from its own quantile bin (bins share no lattice value)."""
    grid = shape_of(values, f, min_shared=10).grid
    grains = Grains.learn(values, f, grid, weights)
    assert grains is not None
    cuts = np.unique(np.quantile(values, np.linspace(0, 1, bins + 1), method="nearest"))
    at = np.clip(np.searchsorted(cuts, values, side="right") - 1, 0, len(cuts) - 2)
    last = at == len(cuts) - 2
    low, high = cuts[at], np.where(last, cuts[at + 1], cuts[at + 1] - grid.step)
    dice = np.random.default_rng(1)
    drawn = grains.draw(low, high, dice.random(len(values)), dice.random(len(values)))
    slip = grid.step * 1e-6
    assert np.all((drawn >= low - slip) & (drawn <= high + slip))
    return grains, drawn


def _amounts(n: int, seed: int = 0) -> Numbers:
    dice = np.random.default_rng(seed)
    x = np.rint(np.exp(dice.normal(12.5, 1, n)))
    u = dice.random(n)
    return np.where(u < 0.3, np.round(x / 1000) * 1000, np.where(u < 0.5, np.round(x / 100) * 100, x))


@pytest.mark.parametrize("divisor", [10, 100, 500, 1000])
def test_share_of_round_amounts_is_kept(divisor: int) -> None:
    x = _amounts(50_000)
    _, drawn = _drawn(x, Field(name="x", kind="integer"))
    assert np.mean(drawn % divisor == 0) == pytest.approx(np.mean(x % divisor == 0), abs=0.02)


def test_roundness_goes_with_magnitude() -> None:
    dice = np.random.default_rng(3)
    small, large = (
        np.rint(dice.uniform(1_000, 9_999, 20_000)),
        np.rint(dice.uniform(10_000, 99_999, 20_000) / 500) * 500,
    )
    x = np.concatenate([small, large])
    _, drawn = _drawn(x, Field(name="x", kind="integer"))
    assert np.mean(drawn[:20_000] % 500 == 0) < 0.02
    assert np.mean(drawn[20_000:] % 500 == 0) > 0.98


def test_endings_of_prices_are_kept_below_and_above_zero() -> None:
    dice = np.random.default_rng(4)
    base, u = np.floor(np.exp(dice.normal(4, 1, 60_000))), dice.random(60_000)
    price = np.where(u < 0.5, base + 0.99, np.where(u < 0.7, base, np.round(base + dice.random(60_000), 2)))
    price *= np.where(dice.random(60_000) < 0.3, -1, 1)
    _, drawn = _drawn(price, Field(name="x", kind="continuous", decimals=2))
    cents, seen = np.rint(np.abs(drawn) * 100) % 100, np.rint(np.abs(price) * 100) % 100
    for ending in (99, 0):
        for side in (price > 0, price < 0):
            assert np.mean(cents[side] == ending) == pytest.approx(np.mean(seen[side] == ending), abs=0.04)


def test_even_columns_have_no_profile() -> None:
    dice = np.random.default_rng(5)
    for f, x in (
        (Field(name="x", kind="integer"), np.rint(dice.lognormal(9, 1, 20_000))),
        (Field(name="x", kind="continuous", decimals=2), np.round(dice.normal(0, 50, 20_000), 2)),
        (Field(name="x", kind="continuous"), dice.normal(0, 1, 20_000)),
        (Field(name="x", kind="integer"), np.array([1000.0] * 50)),
    ):
        assert Grains.learn(x, f, shape_of(x, f, min_shared=10).grid) is None


def test_a_habit_of_fewer_than_k_persons_is_not_kept() -> None:
    dice = np.random.default_rng(6)
    x = np.concatenate(
        [np.rint(dice.uniform(100_000, 999_999, 4_000) / 10) * 10 + 10, dice.integers(100, 999, 9) * 1000 + 7]
    )
    f = Field(name="x", kind="integer")
    grid = shape_of(x, f, min_shared=10).grid
    grains = Grains.learn(x, f, grid)
    assert grains is not None
    low, high = np.full(50_000, 100_000.0), np.full(50_000, 999_999.0)
    drawn = grains.draw(low, high, dice.random(50_000), dice.random(50_000))
    assert np.mean(drawn % 1000 == 7) < 0.0005
    same_person = np.zeros(4_009, dtype=np.intp)
    assert Grains.learn(x, f, grid, persons=same_person, min_shared=2) is not None
    heavy = np.where(x % 1000 == 7, 100.0, 1.0)  # weights count for shares, not for persons
    drawn = Grains.learn(x, f, grid, heavy).draw(low, high, dice.random(50_000), dice.random(50_000))  # type: ignore[union-attr]
    assert np.mean(drawn % 1000 == 7) < 0.0005


def _office_hours(n: int) -> pd.Series:
    minutes = pd.date_range("2018-01-01", "2023-12-31", freq="min")
    open_ = minutes[(minutes.day_of_week < 5) & (minutes.hour >= 9) & (minutes.hour < 18)]
    dice = np.random.default_rng(7)
    chosen = open_[dice.integers(0, len(open_), n)]
    return pd.Series(chosen.where(dice.random(n) < 0.5, chosen.floor("15min")))


@pytest.mark.parametrize("zone", ["", "Asia/Seoul", "America/New_York"])
def test_dates_keep_office_hours_on_the_wall_clock(zone: str) -> None:
    moments = _office_hours(20_000)
    if zone:
        moments = moments.dt.tz_localize(zone)
    f = Field(name="x", kind="datetime", format={"zone": zone} if zone else {})
    _, drawn = _drawn(to_numbers(moments, f), f)
    wall = from_numbers(drawn, f).dt
    assert np.mean(wall.day_of_week > 4) < 0.001
    assert np.mean((wall.hour < 9) | (wall.hour >= 18)) < 0.002
    assert np.mean(wall.minute % 15 == 0) == pytest.approx(np.mean(moments.dt.minute % 15 == 0), abs=0.02)


def test_days_keep_pay_day_and_the_last_of_the_month_over_centuries() -> None:
    days = pd.Series(pd.date_range("1850-01-01", "2250-12-31", freq="D"))
    weight = np.where(days.dt.day == 25, 8.0, np.where(days.dt.is_month_end, 4.0, 1.0)) * (days.dt.day_of_week < 6)
    moments = days.sample(40_000, replace=True, weights=weight, random_state=1).reset_index(drop=True)
    f = Field(name="x", kind="datetime")
    _, drawn = _drawn(to_numbers(moments, f), f, bins=30)
    wall = from_numbers(drawn, f).dt
    assert np.mean(wall.day == 25) == pytest.approx(np.mean(moments.dt.day == 25), abs=0.02)
    assert np.mean(wall.is_month_end) == pytest.approx(np.mean(moments.dt.is_month_end), abs=0.02)
    assert np.mean(wall.day_of_week == 6) < 0.001


@pytest.mark.parametrize("kind", ["integer", "datetime"])
def test_draws_follow_their_weights_and_survive_saving(kind: Any) -> None:
    if kind == "integer":
        f, x = Field(name="x", kind="integer"), _amounts(30_000)
        low, high = 59_900.0, 61_110.0
    else:
        f, x = Field(name="x", kind="datetime"), to_numbers(_office_hours(30_000), Field(name="x", kind="datetime"))
        low, high = (float(pd.Timestamp(t).value // 1000) for t in ("2020-03-06 17:00", "2020-03-09 10:00"))
    grid = shape_of(x, f, min_shared=10).grid
    grains = Grains.learn(x, f, grid)
    assert grains is not None
    dice = np.random.default_rng(9)
    u, v, ends = dice.random(200_000), dice.random(200_000), np.ones(200_000)
    drawn = grains.draw(low * ends, high * ends, u, v)
    sites, counts = np.unique(drawn, return_counts=True)
    share = grains.mass(sites, sites) / grains.mass(np.array([low]), np.array([high]))
    assert share.sum() == pytest.approx(1.0, abs=0.02)
    assert np.abs(counts / 200_000 - share).max() < 0.004
    again = Grains.from_state(grains.get_state())
    assert np.array_equal(again.draw(low * ends, high * ends, u, v), drawn)


def test_intervals_without_a_value_give_the_nearest_and_wide_ones_stay_inside() -> None:
    f, x = Field(name="x", kind="integer"), _amounts(30_000)
    grid = shape_of(x, f, min_shared=10).grid
    grains = Grains.learn(x, f, grid)
    assert grains is not None
    low, high = np.array([40_100.2, 40_007.0, np.nan, grid.low]), np.array([40_100.4, 40_007.0, np.nan, grid.high])
    half = np.full(4, 0.5)
    drawn = grains.draw(low, high, half, half)
    assert np.array_equal(drawn[:3], [40_100, 40_007, np.nan], equal_nan=True)
    assert grid.low <= drawn[3] <= grid.high
