"""Amounts as people write them, and estimates from measured constants."""

from __future__ import annotations

import pytest

from synthproof.core import cost as costs
from synthproof.core.amounts import bytes_of, seconds_of, show_bytes, show_seconds
from synthproof.core.cost import Cost, Size, cost, fit_cost, known, machine_pace, most_rows
from synthproof.core.errors import ConfigError
from synthproof.core.registry import synthesizers
from synthproof.core.schema import Field, Schema


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("5m", 300),
        ("1h30m", 5400),
        ("2 hours", 7200),
        ("0.5h", 1800),
        ("30", 30),
        (12, 12),
        ("3분 10초", 190),
    ],
)
def test_times_are_read(text: str | float, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize(
    ("text", "n"),
    [("512M", 2**29), ("4G", 2**32), ("1.5 GiB", 3 * 2**29), ("2gb", 2**31), ("1000", 1000), ("64k", 65536)],
)
def test_memory_is_read(text: str, n: int) -> None:
    assert bytes_of(text) == n


@pytest.mark.parametrize("text", ["", "soon", "5x", "m5", "5m later", "-5m", "0s", "1h 30", "inf"])
def test_other_times_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="budget/unreadable"):
        seconds_of(text)


@pytest.mark.parametrize("text", ["", "lots", "4X", "-1G", "0", "4G2"])
def test_other_memory_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="budget/unreadable"):
        bytes_of(text)


def test_amounts_are_shown_as_exactly_as_an_estimate_deserves() -> None:
    assert (show_seconds(4.26).en, show_seconds(42.3).en, show_seconds(300).ko) == ("4.3 s", "42 s", "5분")
    assert show_seconds(9000).en == "2.5 h"
    assert (show_bytes(3 * 2**20), show_bytes(1.5 * 2**30)) == ("3 MiB", "1.5 GiB")


def test_every_generator_of_ours_has_a_measured_cost() -> None:
    for name in synthesizers.names():
        cls = synthesizers.get(name)
        if synthesizers.entry(name).owner != "synthproof" or getattr(cls.tags, "extra", ""):
            continue
        if not hasattr(cls, "cost"):
            assert known(f"{name}/fit"), f"{name}: run benchmarks/costs.py --only {name}"
        assert name == "auto" or known(f"{name}/draw"), f"{name}: run benchmarks/costs.py --only {name}"


def test_costs_grow_with_rows_and_columns() -> None:
    for name in ("table.cart_chain/fit", "table.copula/fit", "read", "verify"):
        small, long, wide = (cost(name, s, pace=1.0) for s in (Size(5_000, 10), Size(50_000, 10), Size(5_000, 40)))
        assert small.seconds < long.seconds
        assert small.seconds < wide.seconds
        assert small.bytes <= long.bytes
    assert cost("read", Size(5_000, 10), pace=2.0).seconds == 2 * cost("read", Size(5_000, 10), pace=1.0).seconds


def test_the_size_of_a_schema() -> None:
    schema = Schema(
        fields=(
            Field(name="id", kind="identifier"),
            Field(name="a", kind="integer"),
            Field(name="b", kind="boolean"),
            Field(name="c", kind="categorical", levels=("x", "y", "z")),
        )
    )
    assert Size.of(schema, 7) == Size(7, 3, 5)


def test_most_rows_keeps_the_allowance() -> None:
    def of(n: int) -> Cost:
        return Cost(n / 1000, 10 * n)

    assert most_rows(of, 5_000, Cost(5.0, 10**9)) == 5_000
    assert most_rows(of, 5_000, Cost(4.9, 10**9)) == 4_096
    assert most_rows(of, 5_000, Cost(4.0, 10**9)) == 3_072
    assert most_rows(of, 5_000, Cost(9.0, 20_480)) == 2_048
    assert most_rows(of, 5_000, Cost(0.0, 10**9)) == 0


def test_a_generators_own_word_counts() -> None:
    class Own:
        def cost(self, rows: int, schema: Schema) -> Cost:
            return Cost(rows * 2.0, rows)

    schema = Schema(fields=(Field(name="a", kind="integer"),))
    assert fit_cost(Own(), "nobody", 5, schema) == Cost(10.0, 5)
    assert fit_cost(object(), "nobody", 5, schema) == Cost(0.0, 0)


def test_the_pace_is_measured_once_and_kept_within_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    machine_pace.cache_clear()
    monkeypatch.setattr(costs, "pace_seconds", lambda: 1e6)
    assert machine_pace() == 16.0
    monkeypatch.setattr(costs, "pace_seconds", lambda: 0.0)
    assert machine_pace() == 16.0
    machine_pace.cache_clear()
    assert machine_pace() == 0.25
    machine_pace.cache_clear()


def test_costs_add_up() -> None:
    assert Cost(1.0, 5).then(Cost(2.0, 3)) == Cost(3.0, 5)
