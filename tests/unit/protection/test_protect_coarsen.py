"""Coarser values by stated rules."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import pytest

from synthproof.core.errors import ConfigError
from synthproof.core.schema import Field, Kind, Schema
from synthproof.data.table.dataset import Table, canonical_dtype
from synthproof.protection.coarsen import Coarsen
from synthproof.protection.places import rung


def one(values: Sequence[object], kind: Kind, zone: str = "", **more: object) -> Table:
    f = Field(name="x", kind=kind, nullable=True, format={"zone": zone} if zone else {}, **more)  # type: ignore[arg-type]
    return Table(
        pd.DataFrame({"x": pd.Series(list(values), dtype=object).astype(canonical_dtype(f))}), Schema(fields=(f,))
    )


def by(table: Table, rule: str) -> Table:
    return Coarsen({"x": rule}).fit(table).transform(table)


def test_age_bands_are_ordinal_and_open_at_the_ends() -> None:
    table = one([19, 20, 29, 35, 41, None], "integer", low=19, high=41)
    after = by(table, "band:10")
    assert after.schema.field("x").levels == ("<20", "20-29", "30-39", "40+")
    assert after.frame["x"].astype(object).tolist()[:5] == ["<20", "20-29", "20-29", "30-39", "40+"]
    assert after.frame["x"].isna().sum() == 1
    assert after.schema.field("x").low is None


def test_holdout_beyond_the_bands_falls_into_the_outermost() -> None:
    coarsen = Coarsen({"x": "band:10"}).fit(one([25, 35, 45], "integer"))
    assert coarsen.transform(one([1, 99], "integer")).frame["x"].tolist() == ["<30", "40+"]


def test_rounding_keeps_kind_and_range() -> None:
    table = one([1_234, 5_678], "integer", low=1_234, high=5_678)
    after = by(table, "round:1000")
    assert after.frame["x"].tolist() == [1000, 6000]
    assert (after.schema.field("x").low, after.schema.field("x").high) == (1000, 6000)
    assert by(one([0.26, 0.74], "continuous", decimals=2), "round:0.5").frame["x"].tolist() == [0.5, 0.5]


@pytest.mark.parametrize(
    ("rule", "first"), [("month", "2024-05-01"), ("quarter", "2024-04-01"), ("year", "2024-01-01")]
)
@pytest.mark.parametrize("zone", ["", "Asia/Seoul"])
def test_dates(rule: str, first: str, zone: str) -> None:
    stamp = pd.Timestamp("2024-05-17 03:30", tz=zone or None)
    ends = {"low": stamp.timestamp() * 1e6, "high": stamp.timestamp() * 1e6}
    after = by(one([stamp, None], "datetime", zone, **ends), rule)
    assert after.frame["x"][0] == pd.Timestamp(first, tz=zone or None)
    assert after.frame["x"].isna()[1]
    assert after.schema.field("x").low == pd.Timestamp(first, tz=zone or None).timestamp() * 1e6


@pytest.mark.parametrize(
    ("address", "sido", "sigungu", "dong"),
    [
        ("서울특별시 강남구 역삼동 1-2", "서울특별시", "서울특별시 강남구", "서울특별시 강남구 역삼동"),
        ("서울 강남구 없는로 12 (역삼동, 없는아파트)", "서울특별시", "서울특별시 강남구", "서울특별시 강남구 역삼동"),
        ("경기도 성남시 분당구 없는로 1", "경기도", "경기도 성남시 분당구", "경기도 성남시 분당구"),
        ("강원도 춘천시 없는면 가상리 3", "강원특별자치도", "강원특별자치도 춘천시", "강원특별자치도 춘천시 없는면"),
        ("세종시 한누리대로 1", "세종특별자치시", "세종특별자치시", "세종특별자치시"),
        ("서울시 종로구 종로1가 3", "서울특별시", "서울특별시 종로구", "서울특별시 종로구 종로1가"),
    ],
)
def test_address_ladder(address: str, sido: str, sigungu: str, dong: str) -> None:
    assert (rung(address, "sido"), rung(address, "sigungu"), rung(address, "eupmyeondong")) == (sido, sigungu, dong)


def test_unread_addresses_become_missing_and_are_counted() -> None:
    table = one(["서울특별시 강남구 없는로 1", "somewhere", None], "text")
    coarsen = Coarsen({"x": "sigungu"}).fit(table)
    assert coarsen.transform(table).frame["x"].isna().tolist() == [False, True, True]
    assert coarsen.receipt()["fields"]["x"]["unread"] == 1
    unseen = coarsen.transform(one(["부산광역시 없는구 1"], "text"))
    assert unseen.frame["x"].isna().all()


def test_prefix_of_codes_keeps_leading_zeros() -> None:
    after = by(one(["06236", "06239", "12345"], "categorical", levels=("06236", "06239", "12345")), "prefix:2")
    assert after.schema.field("x").levels == ("06", "12")
    assert after.frame["x"].tolist() == ["06", "06", "12"]


@pytest.mark.parametrize(
    ("kind", "rule"),
    [("integer", "month"), ("integer", "band"), ("integer", "band:x"), ("integer", "band:-1"), ("datetime", "band:10"),
     ("text", "gu"), ("boolean", "prefix:1"), ("integer", "sido")],
)  # fmt: skip
def test_rules_that_do_not_suit(kind: Kind, rule: str) -> None:
    with pytest.raises(ConfigError, match="coarsen-rule"):
        Coarsen({"x": rule}).fit(one([], kind))


def test_nothing_by_default() -> None:
    table = one([1, 2, 3], "integer")
    assert Coarsen().fit(table).transform(table).fingerprint() == table.fingerprint()
