"""Every kind has its reason; names and repetition decide roles; no reason quotes a value."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from synthproof.core.schema import Field, Schema
from synthproof.data.table import hints, patterns, scales
from synthproof.data.table.io import read_table


def field_of(name: str, cells: list[object], n: int = 200) -> Field:
    values = [cells[i % len(cells)] for i in range(n)]
    return read_table(pd.DataFrame({name: values, "other": range(n)})).schema.field(name)


@pytest.mark.parametrize(
    ("name", "cells", "kind"),
    [
        ("n", list(range(7)), "integer"),
        ("num_claims", [0, 1, 2, 3], "integer"),
        ("age", [20, 30, 40], "integer"),
        ("death", [0, 1], "boolean"),
        ("hearing", [1, 2], "categorical"),
        ("marital_status", [1, 2, 3, 4], "categorical"),
        ("성별코드", [1, 2, 3], "categorical"),
        ("age_group", [1, 2, 3, 4, 5], "categorical"),
        ("등급", [1, 2, 3, 4, 5], "ordinal"),
        ("condition", [1, 2, 3, 4, 5], "ordinal"),
        ("thal", [3, 6, 7], "categorical"),
        ("dose", [10, 20, 30], "integer"),
        ("visits", [0, 1, 2, 9], "integer"),
        ("x", [1.0, 2.0, None], "categorical"),
        ("x", [1.5, 2.25], "continuous"),
        ("ward", ["A", "B"], "categorical"),
        ("size", ["S", "M", "L", "XL"], "ordinal"),
        ("만족도", ["매우 만족", "보통", "불만족"], "ordinal"),
        ("income", ["<10k", "10k-20k", "20k-50k", ">50k"], "ordinal"),
        ("smoker", ["yes", "no"], "boolean"),
        ("흡연", ["유", "무"], "boolean"),
        ("level", ["in school", "at work"], "categorical"),
        ("month", ["01", "02", "11"], "integer"),
        ("postcode", ["01234", "12345", "00987"], "categorical"),
    ],
)
def test_kinds(name: str, cells: list[object], kind: str) -> None:
    found = field_of(name, cells)
    assert found.kind == kind, found.reason
    assert found.reason


def test_levels_have_their_order() -> None:
    assert field_of("g", ["high", "low", "medium"]).levels == ("low", "medium", "high")
    assert field_of("g", ["상", "중", "하"]).levels == ("하", "중", "상")
    assert field_of("등급", [10, 9, 1]).levels == ("1", "9", "10")
    assert field_of("나이대", ["60대 이상", "10대", "20대"]).levels == ("10대", "20대", "60대 이상")


def test_range_and_decimals() -> None:
    found = field_of("x", [1.25, 3.5, -2.0])
    assert (found.low, found.high, found.decimals) == (-2.0, 3.5, 2)
    day = field_of("d", ["1970-01-02", "1970-01-03"])
    assert (day.low, day.high) == (86_400e6, 2 * 86_400e6)


@pytest.mark.parametrize(
    ("name", "make", "pattern"),
    [
        ("patient", lambda i: f"P-{i:06d}", "P-[0-9]{6}"),
        ("차트번호", lambda i: f"{i * 7919 % 10**7:08d}", None),
        ("uid", lambda i: f"{i * 2654435761 % 2**32:08x}-{i:04x}", None),
        ("plate", lambda i: f"{i % 90 + 10}가{1000 + i}", r"[0-9]{2}가[0-9]{4}"),
    ],
)
def test_identifiers_learn_their_pattern(name: str, make: object, pattern: str | None) -> None:
    values = [make(i) for i in range(300)]  # type: ignore[operator]
    found = read_table(pd.DataFrame({name: values, "n": np.arange(300) % 5})).schema.field(name)
    assert found.kind == "identifier", found.reason
    assert found.pattern
    assert all(re.fullmatch(found.pattern, v) for v in values)
    if pattern is not None:
        assert found.pattern == pattern


def test_whole_number_identifiers() -> None:
    frame = pd.DataFrame({"ID": range(1, 301), "rowno": range(300), "amount": np.arange(300) * 7919 % 1009, "n": 1})
    schema = read_table(frame).schema
    assert schema.field("ID").kind == "identifier"
    assert schema.field("ID").pattern == "[1-9][0-9]{0,2}"
    assert schema.field("rowno").kind == "identifier"
    assert schema.field("amount").kind == "integer"


def test_unit_needs_name_and_repetition() -> None:
    rng = np.random.default_rng(1)
    who = [f"A{v:04d}" for v in rng.integers(0, 60, 300)]
    schema = read_table(pd.DataFrame({"patient_id": who, "x": rng.normal(size=300)})).schema
    assert schema.unit_field == "patient_id"
    assert schema.unit == "patient"
    assert "unit" in schema.field("patient_id").reason
    assert read_table(pd.DataFrame({"환자번호": who, "x": range(300)})).schema.unit == "patient"
    assert read_table(pd.DataFrame({"ward_id": who, "x": range(300)})).schema.unit_field is None
    once = pd.DataFrame({"patient_id": [f"A{i:04d}" for i in range(300)], "x": range(300)})
    assert read_table(once).schema.unit_field is None


def test_free_text_is_no_category() -> None:
    rng = np.random.default_rng(2)
    words = [
        "환자는",
        "두통",
        "발열",
        "기침",
        "호소",
        "하였으며",
        "약물",
        "치료",
        "이후",
        "호전",
        "되었다",
        "특이",
        "사항",
        "없음",
    ]
    notes = [" ".join(rng.choice(words, 9)) for _ in range(200)]
    assert read_table(pd.DataFrame({"메모": notes, "n": range(200)})).schema.field("메모").kind == "text"


def test_reasons_carry_no_value(data_dir: Path) -> None:
    table = read_table(data_dir / "adult" / "train.parquet")
    for f in table.schema.fields:
        assert f.reason
        for level in f.levels:
            assert not re.search(rf"\b{re.escape(level)}\b", f.reason), f.name


@pytest.mark.parametrize(
    ("texts", "pattern"),
    [
        (["a-1", "b-2"], "[a-z]{1}-[0-9]{1}"),
        (["X12", "X3"], "X[0-9]{1,2}"),
        (["홍길동", "김철수"], "[가-힣]{3}"),
        (["a b", "c d"], ""),
        (["a", "1-2"], ""),
        (["one"], ""),
    ],
)
def test_patterns(texts: list[str], pattern: str) -> None:
    assert patterns.learn(texts) == pattern


def test_names_and_scales() -> None:
    assert hints.words_of("patientId2") == ["patient", "id"]
    assert hints.id_like("customer_id")
    assert hints.id_like("id_number")
    assert not hints.id_like("no_of_children")
    assert hints.person_like("고객번호") == "customer"
    assert hints.person_like("store_id") == ""
    assert scales.in_order(["중", "고", "초"]) == (("초", "중", "고"), "all levels are words of one known scale")
    assert scales.in_order(["red", "green"]) is None
    assert scales.in_order(["1", "2", "3"]) is None
    assert scales.yes_no(["N", "Y"]) == ("Y", "N")


def test_schema_of_a_text_file_states_every_reason(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b,c\n1,x,2024-01-01\n2,y,2024-01-02\n3,x,2024-02-01\n", encoding="utf-8")
    schema = read_table(tmp_path / "a.csv").schema
    assert isinstance(schema, Schema)
    assert all(f.reason for f in schema.fields)


def test_codes_of_very_many_values_are_categories_when_rows_share_them() -> None:
    dice = np.random.default_rng(0)
    rank = np.minimum(dice.zipf(1.3, 20_000), 5_000)
    shops = [f"shop {'abcdefgh'[k % 8]}{k}" for k in rank]
    postal = [f"{k * 17 % 100_000:05d}" for k in rank]
    zip_code = [int(k) * 17 % 100_000 + 1 for k in rank]
    own = [f"note {k} of visit {j}" for j, k in enumerate(rank)]
    frame = pd.DataFrame({"shop": shops, "postal": postal, "zip_code": zip_code, "balance": zip_code, "own": own})
    schema = read_table(frame).schema
    assert [schema.field(n).kind for n in ("shop", "postal", "zip_code")] == ["categorical"] * 3
    assert len(schema.field("shop").levels) > 1_000
    assert schema.field("balance").kind == "integer"
    assert schema.field("own").kind in ("text", "identifier")
    assert all(level not in schema.field("shop").reason for level in shops[:50])
