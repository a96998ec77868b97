"""One secret shift per person."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from synthproof.core.errors import ConfigError
from synthproof.core.schema import Field, Schema
from synthproof.data.table.dataset import Table, canonical_dtype
from synthproof.protection.dates import Dates


def visits(n: int, first: int = 0, *, unit: bool = True) -> Table:
    rng = np.random.Generator(np.random.Philox(first))
    person = np.repeat(np.arange(first, first + n), 3)
    start = np.datetime64("2024-01-01", "us") + rng.integers(0, 300, person.size) * np.timedelta64(1, "D")
    end = start + rng.integers(0, 30, person.size) * np.timedelta64(1, "h")
    roles: frozenset[str] = frozenset({"unit"}) if unit else frozenset()
    fields = (
        Field(name="id", kind="identifier", roles=roles),  # type: ignore[arg-type]
        Field(name="start", kind="datetime", nullable=True),
        Field(name="end", kind="datetime"),
    )
    columns = {"id": person.astype(str), "start": start, "end": end}
    frame = pd.DataFrame({f.name: pd.Series(columns[f.name]).astype(canonical_dtype(f)) for f in fields})
    frame.loc[4, "start"] = pd.NaT
    return Table(frame, Schema(fields=fields))


def shifts(before: Table, after: Table, name: str = "end") -> pd.Series:
    return (after.frame[name] - before.frame[name]).dt.days


def test_one_shift_per_person_and_intervals_stay() -> None:
    table = visits(200)
    after = Dates(random_state=1).fit(table).transform(table)
    by_person = shifts(table, after).groupby(table.frame["id"]).nunique()
    assert (by_person == 1).all()
    assert (after.frame["end"] - after.frame["start"]).equals(table.frame["end"] - table.frame["start"])
    assert after.frame["start"].isna().sum() == 1


def test_shifts_are_within_days_never_zero_and_differ() -> None:
    table = visits(600)
    moved = shifts(table, Dates(days=10, random_state=1).fit(table).transform(table))
    assert set(moved) == set(range(-10, 11)) - {0}


def test_whole_weeks_keep_the_weekday() -> None:
    table = visits(100)
    after = Dates(days=28, whole_weeks=True, random_state=1).fit(table).transform(table)
    assert (after.frame["end"].dt.day_of_week == table.frame["end"].dt.day_of_week).all()
    assert set(shifts(table, after)) == {-28, -21, -14, -7, 7, 14, 21, 28}


def test_the_same_person_in_another_table_gets_the_same_shift() -> None:
    table = visits(50)
    dates = Dates(random_state=3).fit(visits(20, 500))
    part = table.take(np.array([31, 4], dtype=np.intp))
    assert shifts(part, dates.transform(part)).iloc[0] == shifts(table, dates.transform(table)).iloc[31 * 3]


def test_without_a_unit_each_row_has_its_own_shift() -> None:
    table = visits(50, unit=False)
    after = Dates(random_state=3).fit(table).transform(table)
    assert shifts(table, after).nunique() > 20
    turned = table.take(np.arange(len(table))[::-1])
    assert (
        shifts(turned, Dates(random_state=3).fit(table).transform(turned)).tolist()
        == shifts(table, after).tolist()[::-1]
    )


def test_a_zone_is_kept_and_another_seed_shifts_otherwise() -> None:
    f = Field(name="t", kind="datetime", format={"zone": "Asia/Seoul"})
    stamps = pd.Series(pd.date_range("2024-01-01", periods=30, tz="Asia/Seoul")).astype(canonical_dtype(f))
    table = Table(pd.DataFrame({"t": stamps}), Schema(fields=(f,)))
    one, two = (Dates(random_state=s).fit(table).transform(table).frame["t"] for s in (1, 2))
    assert one.dtype == stamps.dtype
    assert not one.equals(two)


def test_seed_is_drawn_and_kept_in_the_state() -> None:
    table = visits(10)
    dates = Dates().fit(table)
    again = Dates().set_state(dates.get_state())
    assert again.transform(table).fingerprint() == dates.transform(table).fingerprint()


def test_no_dates_and_bad_range() -> None:
    f = Field(name="a", kind="integer")
    table = Table(pd.DataFrame({"a": pd.Series([1, 2], dtype="Int64")}), Schema(fields=(f,)))
    assert Dates().fit(table).transform(table).fingerprint() == table.fingerprint()
    with pytest.raises(ConfigError, match="out-of-range"):
        Dates(days=3, whole_weeks=True).fit(table)
