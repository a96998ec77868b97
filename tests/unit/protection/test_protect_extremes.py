"""Top and bottom coding: persons, atoms, small fields, dates, large integers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from synthproof.core.errors import ConfigError
from synthproof.core.schema import Field, Kind, Schema
from synthproof.data.table.dataset import Table, canonical_dtype
from synthproof.protection.extremes import Extremes


def one(values: Sequence[object], kind: Kind = "integer", units: Sequence[int] = (), zone: str = "") -> Table:
    f = Field(name="x", kind=kind, nullable=True, format={"zone": zone} if zone else {})
    columns = {"x": pd.Series(list(values), dtype=object).astype(canonical_dtype(f))}
    fields = [f]
    if units:
        unit = Field(name="id", kind="identifier", roles=frozenset({"unit"}))
        columns["id"] = pd.Series([str(u) for u in units]).astype(canonical_dtype(unit))
        fields.append(unit)
    return Table(pd.DataFrame(columns), Schema(fields=tuple(fields)))


def after(table: Table, **params: object) -> pd.Series:
    return Extremes(**params).fit(table).transform(table).frame["x"]  # type: ignore[arg-type]


def test_ends_are_held_by_k_persons() -> None:
    column = after(one(range(100)))
    assert (column.min(), column.max()) == (4, 95)
    assert (column == 95).sum() == 5
    assert (column == 4).sum() == 5
    assert column[5:95].tolist() == list(range(5, 95))


def test_an_atom_stays() -> None:
    table = one([*range(100), *([99_999] * 7)])
    extremes = Extremes().fit(table)
    assert (extremes.transform(table).frame["x"] == 99_999).sum() == 7
    assert extremes.receipt()["fields"]["x"]["top"] == 0


def test_persons_count_not_rows() -> None:
    units = [*range(50), *([99] * 10)]
    column = after(one([*range(50), *([1_000] * 10)], units=units))
    assert column.max() == 46  # the fifth of the persons' largest values: 1000, 49, 48, 47, 46


def test_the_schema_follows_and_hides_the_extreme() -> None:
    table = one([*range(100), 123_456])
    table = table.with_schema(
        table.schema.replace_field(Field(name="x", kind="integer", nullable=True, low=0, high=123_456))
    )
    changed = Extremes().fit(table).transform(table).schema.field("x")
    assert (changed.low, changed.high) == (4, 96)


def test_holdout_is_cut_at_the_cuts_of_train() -> None:
    extremes = Extremes().fit(one(range(100)))
    assert extremes.transform(one([-7, 50, 1_000, None])).frame["x"].tolist() == [4, 50, 95, pd.NA]


def test_quantile_cuts_further_never_less() -> None:
    assert after(one(range(1000)), quantile=0.9).max() == 899
    assert after(one(range(100)), quantile=0.999).max() == 95


def test_few_persons() -> None:
    few = one([1, 2, 3, *([None] * 20)])
    extremes = Extremes().fit(few)
    assert extremes.transform(few).frame["x"].isna().all()
    assert extremes.receipt()["treatments"][0]["method"]["id"] == "delete"
    seven = one([10, 20, 30, 40, 50, 60, 70])
    assert after(seven).tolist() == [40] * 7
    assert Extremes().fit(seven).receipt()["fields"]["x"]["how"] == "median"


def test_dates_with_a_zone() -> None:
    days = pd.date_range("2024-01-01", periods=40, freq="D", tz="Asia/Seoul")
    column = after(one(list(days), "datetime", zone="Asia/Seoul"))
    assert column.min() == days[4]
    assert column.max() == days[35]
    assert str(column.dtype) == "datetime64[us, Asia/Seoul]"


def test_large_integers_elsewhere_stay_exact() -> None:
    odd = 2**60 + 1
    column = after(one([odd] * 10 + [5] * 3))
    assert (column == odd).sum() == 10


def test_infinities_are_cut() -> None:
    column = after(one([*map(float, range(50)), float("inf"), float("-inf")], "continuous"))
    assert np.isfinite(column).all()


def test_constant_and_empty_fields_are_left() -> None:
    assert after(one([7] * 20)).tolist() == [7] * 20
    assert after(one([None] * 20)).isna().all()


def test_range_of_k() -> None:
    with pytest.raises(ConfigError, match="out-of-range"):
        Extremes(k=1).fit(one(range(10)))
