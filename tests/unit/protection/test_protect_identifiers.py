"""Direct identifiers: removed, replaced, cleaned out of text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import pytest

from synthproof.core.errors import ConfigError
from synthproof.core.schema import Field, Kind, Role, Schema
from synthproof.data.table.dataset import Table, canonical_dtype
from synthproof.protection.identifiers import Identifiers

N = 40
PHONES = [f"010-1{i:03d}-{7000 + i}" for i in range(N)]


def table_of(
    columns: Mapping[str, tuple[Kind, Sequence[object]]], roles: Mapping[str, Role] | None = None, **more: str
) -> Table:
    fields = []
    for name, (kind, values) in columns.items():
        levels = tuple(sorted({str(v) for v in values})) if kind == "categorical" else ()
        role = frozenset({roles[name]}) if roles and name in roles else frozenset()
        fields.append(Field(name=name, kind=kind, levels=levels, roles=role, storage=more.get(name, "")))
    frame = pd.DataFrame(
        {f.name: pd.Series(list(columns[f.name][1]), dtype=object).astype(canonical_dtype(f)) for f in fields}
    )
    return Table(frame, Schema(fields=tuple(fields)))


def after(table: Table, **params: object) -> Table:
    return Identifiers(random_state=1, **params).fit(table).transform(table)  # type: ignore[arg-type]


def test_direct_identifiers_go_quasi_identifiers_stay() -> None:
    table = table_of(
        {
            "이메일": ("text", [f"a{i}@example.com" for i in range(N)]),
            "휴대폰": ("text", PHONES),
            "나이": ("integer", range(N)),
            "진단명": ("categorical", ["가", "나"] * (N // 2)),
        }
    )
    identifiers = Identifiers(random_state=1).fit(table)
    assert identifiers.transform(table).schema.names == ("나이", "진단명")
    receipt = identifiers.receipt()
    assert receipt["removed"] == ["이메일", "휴대폰"]
    rows = {r["field"]: (r["class"]["ko"], r["method"]["ko"]) for r in receipt["treatments"]}
    assert rows == {
        "이메일": ("식별정보", "삭제"),
        "휴대폰": ("식별정보", "삭제"),
        "나이": ("식별가능정보", "유지"),
        "진단명": ("민감정보", "유지"),
    }


def test_unit_and_record_numbers_get_serials() -> None:
    table = table_of(
        {
            "pid": ("identifier", [str(i // 2) for i in range(N)]),
            "환자번호": ("identifier", [f"P{i}" for i in range(N)]),
        },
        {"pid": "unit"},
        pid="int32",
    )
    changed = after(table)
    assert changed.schema.field("pid").storage == "int64"
    assert changed.schema.unit_field == "pid"
    assert np.array_equal(changed.unit_of_row, table.unit_of_row)
    assert changed.frame["pid"].str.fullmatch(changed.schema.field("pid").pattern).all()
    assert changed.frame["환자번호"].str.fullmatch(changed.schema.field("환자번호").pattern).all()
    assert changed.frame["환자번호"].nunique() == N
    assert changed.frame["pid"].astype("int64").gt(10**17).all()


def test_an_identifier_nobody_recognised_is_still_replaced() -> None:
    table = table_of({"zzz": ("identifier", [f"Q!{i}" for i in range(N)])})
    assert not set(after(table).frame["zzz"]) & set(table.frame["zzz"])


def test_text_is_cleaned_in_place_and_the_same_number_stays_the_same() -> None:
    notes = [f"{p}로 연락 바람. 다시 {p}" for p in PHONES]
    table = table_of({"메모": ("text", notes), "휴대폰": ("text", PHONES)})
    identifiers = Identifiers({"휴대폰": "replace"}, random_state=1).fit(table)
    changed = identifiers.transform(table).frame
    assert all(a == f"{b}로 연락 바람. 다시 {b}" for a, b in zip(changed["메모"], changed["휴대폰"], strict=True))
    assert identifiers.receipt()["fields"]["메모"]["in_text"] == {"mobile": 2 * N}


def test_a_resident_number_with_an_impossible_day_leaves_the_text_too() -> None:
    table = table_of({"메모": ("text", [f"보호자 확인 991332-1{i:06d} 재방문" for i in range(N)])})
    changed = after(table).frame["메모"]
    assert changed.str.fullmatch(r"보호자 확인 \d{6}-\d{7} 재방문").all()
    assert not set(changed) & set(table.frame["메모"])


def test_a_postcode_that_tells_records_apart_becomes_a_postcode_not_in_use() -> None:
    table = table_of({"우편번호": ("identifier", [f"{i:05d}" for i in range(1000, 1000 + N)])})
    assert after(table).frame["우편번호"].str.fullmatch(r"99\d{3}").all()


def test_identifiers_inside_levels_of_a_category() -> None:
    values = ["연락처 010-1111-7777", "없음"] * (N // 2)
    changed = after(table_of({"비고": ("categorical", values)}))
    field = changed.schema.field("비고")
    assert not any("010-1111-7777" in level for level in field.levels)
    assert "없음" in field.levels
    assert changed.frame["비고"].notna().all()


def test_numbers_kept_as_integers() -> None:
    table = table_of(
        {"휴대폰": ("integer", [1_010_000_000 + i for i in range(N)]), "고객번호": ("integer", range(N))},
        고객번호="int64",
    )
    changed = after(table, actions={"휴대폰": "replace"})
    assert changed.schema.field("휴대폰").kind == "identifier"
    assert changed.frame["휴대폰"].str.fullmatch(r"100\d{7}").all()
    assert changed.schema.field("고객번호").storage == "int64"


def test_actions_of_the_user_win() -> None:
    table = table_of({"휴대폰": ("text", PHONES), "나이": ("integer", range(N))})
    assert after(table, actions={"휴대폰": "keep"}).frame["휴대폰"].tolist() == PHONES
    assert after(table, actions={"나이": "remove"}).schema.names == ()


def test_a_role_protects_from_a_telling_name_alone() -> None:
    values = {"case_id": ("categorical", ["a", "b"] * (N // 2))}
    assert after(table_of(values, {"case_id": "target"})).schema.names == ("case_id",)  # type: ignore[arg-type]


def test_holdout_gets_the_same_surrogates() -> None:
    table = table_of({"환자번호": ("identifier", [f"P{i}" for i in range(N)])}, {"환자번호": "unit"})
    identifiers = Identifiers(random_state=1).fit(table.take(np.arange(20)))
    whole = identifiers.transform(table).frame["환자번호"].tolist()
    assert identifiers.transform(table.take(np.arange(20, 40))).frame["환자번호"].tolist() == whole[20:]


def test_a_seed_is_drawn_when_none_is_given() -> None:
    table = table_of({"환자번호": ("identifier", [f"P{i}" for i in range(N)])})
    assert Identifiers().fit(table).get_state()["seed"] != Identifiers().fit(table).get_state()["seed"]


def test_refusals() -> None:
    table = table_of({"pid": ("identifier", [str(i) for i in range(N)])}, {"pid": "unit"})
    with pytest.raises(ConfigError, match="protect/unit-removed"):
        Identifiers({"pid": "remove"}).fit(table)
    with pytest.raises(ConfigError, match="protect/unknown-action"):
        Identifiers({"pid": "burn"}).fit(table)
    with pytest.raises(ValueError, match="schema/unknown-field"):
        Identifiers({"nope": "keep"}).fit(table)
