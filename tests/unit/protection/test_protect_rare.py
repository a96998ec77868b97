"""Rare levels: counted in persons, merged, never handed on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from synthproof.core.errors import ConfigError
from synthproof.core.schema import Field, Kind, Schema
from synthproof.data.table.dataset import Table, canonical_dtype
from synthproof.protection.rare import Rare


def one(
    values: Sequence[object], kind: Kind = "categorical", levels: Sequence[str] = (), units: Sequence[int] = ()
) -> Table:
    f = Field(name="x", kind=kind, levels=tuple(levels), nullable=True)
    columns = {"x": pd.Series(list(values), dtype=object).astype(canonical_dtype(f))}
    fields = [f]
    if units:
        unit = Field(name="id", kind="identifier", roles=frozenset({"unit"}))
        columns["id"] = pd.Series([str(u) for u in units]).astype(canonical_dtype(unit))
        fields.append(unit)
    return Table(pd.DataFrame(columns), Schema(fields=tuple(fields)))


def test_few_are_merged_into_other_and_the_rest_stays() -> None:
    table = one(["a"] * 10 + ["b"] * 3 + ["c"] * 2 + [None], levels="abc")
    rare = Rare().fit(table)
    after = rare.transform(table)
    assert after.schema.field("x").levels == ("a", "Other")
    assert after.frame["x"].value_counts().to_dict() == {"a": 10, "Other": 5}
    assert after.frame["x"].isna().sum() == 1
    assert rare.receipt()["fields"]["x"] == {
        "how": "other",
        "levels_merged": 2,
        "levels_kept": 1,
        "cells": 5,
        "persons": 5,
    }


def test_an_existing_other_is_used_and_korean_levels_get_a_korean_one() -> None:
    existing = one(["a"] * 9 + ["others"] * 4 + ["b"], levels=("a", "others", "b"))
    assert Rare().fit(existing).transform(existing).schema.field("x").levels == ("a", "others")
    korean = one(["서울"] * 9 + ["부산"] * 3 + ["대구"] * 3, levels=("서울", "부산", "대구"))
    assert Rare().fit(korean).transform(korean).schema.field("x").levels == ("서울", "기타")
    assert Rare(other="나머지").fit(korean).transform(korean).schema.field("x").levels == ("서울", "나머지")


def test_too_few_for_a_level_of_their_own_become_missing() -> None:
    table = one(["a"] * 9 + ["b"] * 2, levels="ab")
    after = Rare().fit(table).transform(table)
    assert after.schema.field("x").levels == ("a",)
    assert after.schema.field("x").nullable
    assert after.frame["x"].isna().sum() == 2


def test_persons_count_not_rows() -> None:
    values, units = ["a"] * 10 + ["b"] * 10, [*range(10), *([50] * 10)]
    after = Rare().fit(one(values, levels="ab", units=units)).transform(one(values, levels="ab", units=units))
    assert after.frame["x"].isna().sum() == 10


def test_ordinal_levels_go_to_the_nearest_kept_one() -> None:
    values = ["1"] * 2 + ["2"] * 8 + ["3"] * 1 + ["4"] * 1 + ["5"] * 8
    table = one(values, "ordinal", levels="12345")
    after = Rare().fit(table).transform(table)
    assert after.schema.field("x").levels == ("2", "5")
    assert after.frame["x"].value_counts().to_dict() == {"2": 11, "5": 9}
    assert after.frame["x"].cat.ordered


def test_a_rare_boolean_is_set_missing() -> None:
    table = one([True] * 3 + [False] * 20, "boolean")
    after = Rare().fit(table).transform(table)
    assert after.frame["x"].isna().sum() == 3
    assert after.frame["x"].sum() == 0


def test_levels_of_the_holdout_alone_are_treated_the_same() -> None:
    train = one(["a"] * 10 + ["b"] * 5 + ["c"] * 5, levels="abcd")
    holdout = one(["d", "a"], levels="abcd")
    rare = Rare(k=6).fit(train)
    assert rare.transform(holdout).frame["x"].tolist() == ["Other", "a"]
    assert rare.transform(holdout).schema == rare.transform(train).schema


def test_nothing_to_do_changes_nothing() -> None:
    table = one(["a"] * 6 + ["b"] * 6, levels="ab")
    rare = Rare().fit(table)
    assert rare.transform(table).fingerprint() == table.fingerprint()
    assert rare.receipt()["treatments"] == []


def test_every_level_rare_is_said_not_hidden() -> None:
    table = one([f"v{i}" for i in range(40)], levels=[f"v{i}" for i in range(40)])
    rare = Rare().fit(table)
    assert set(rare.transform(table).frame["x"]) == {"Other"}
    assert rare.receipt()["fields"]["x"]["levels_kept"] == 0
    assert "40" in rare.receipt()["treatments"][0]["detail"]["en"]


def test_fields_and_range() -> None:
    table = one(["a"] * 9 + ["b"] * 2, levels="ab")
    assert Rare(fields=[]).fit(table).transform(table).fingerprint() == table.fingerprint()
    with pytest.raises(ConfigError, match="out-of-range"):
        Rare(k=1).fit(table)


def test_no_level_with_fewer_than_k_remains_for_any_mix() -> None:
    rng = np.random.Generator(np.random.Philox(3))
    for trial in range(30):
        values = rng.choice(list("abcdefgh"), p=rng.dirichlet(np.full(8, 0.4)), size=60)
        kind: Kind = "ordinal" if trial % 2 else "categorical"
        table = one(list(values), kind, levels="abcdefgh")
        counts = Rare().fit(table).transform(table).frame["x"].value_counts()
        assert (counts >= 5).all()
