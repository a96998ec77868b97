"""Schemas that people write: TOML round trip, SDV metadata, and data read under them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from synthproof.core.errors import ConfigError, SchemaError
from synthproof.core.schema import Field, Schema
from synthproof.data.table.io import notices, read_table
from synthproof.data.table.schema_file import load_schema, save_schema
from synthproof.data.table.sdv import from_sdv


def table_of(n: int = 60) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": [f"P-{i:05d}" for i in range(n)],
            "나이": [20 + i % 40 for i in range(n)],
            "grade": ["low", "mid", "high"] * (n // 3),
            "x": [None if i % 7 == 0 else i / 8 for i in range(n)],
            "day": pd.date_range("2024-01-01", periods=n).strftime("%Y.%m.%d"),
            "quote": ['say "hi"', "back\\slash", "two\nlines"] * (n // 3),
            "flag": ["Y", "N"] * (n // 2),
        }
    )


def test_toml_round_trip_with_reasons(tmp_path: Path) -> None:
    schema = read_table(table_of()).schema.add_roles("quasi_identifier", ["나이"]).add_roles("target", ["flag"])
    path = save_schema(schema, tmp_path / "schema.toml")
    text = path.read_text(encoding="utf-8")
    assert "# whole numbers" in text
    assert "quasi_identifier" in text
    assert load_schema(path) == schema
    save_schema(load_schema(path), tmp_path / "again.toml")
    assert (tmp_path / "again.toml").read_text(encoding="utf-8") == text


def test_constraints_survive(tmp_path: Path) -> None:
    data = read_table(table_of()).schema.to_dict() | {"constraints": ["나이 >= x"]}
    schema = Schema.from_dict(data)
    assert load_schema(save_schema(schema, tmp_path / "s.toml")).constraints == schema.constraints


@pytest.mark.parametrize(
    ("text", "error", "code"),
    [
        ("[[fields]]\nname = 'a'\nkind = 'integr'\n", ConfigError, "params/out-of-range"),
        ("[[fields]]\nname = 'a'\nkind = 'integer'\nrole = []\n", ConfigError, "params/unknown"),
        ("[[fields]]\nname = 'a'\n", SchemaError, "schema/unreadable"),
        ("modality = 'table'\n", SchemaError, "schema/unreadable"),
        ("fields = [\n", SchemaError, "schema/unreadable"),
    ],
)
def test_wrong_schema_files(tmp_path: Path, text: str, error: type[Exception], code: str) -> None:
    (tmp_path / "s.toml").write_text(text, encoding="utf-8")
    with pytest.raises(error) as caught:
        load_schema(tmp_path / "s.toml")
    assert getattr(caught.value, "code", "") == code


def test_a_short_schema_is_filled_from_the_data() -> None:
    frame = pd.DataFrame(
        {"code": [1, 2, 3] * 20, "n": ["5", "x", "7"] * 20, "more": range(60), "g": ["b", "a", "c"] * 20}
    )
    schema = Schema(
        fields=(
            Field(name="code", kind="ordinal"),
            Field(name="n", kind="integer"),
            Field(name="g", kind="ordinal", levels=("c", "b", "a")),
        )
    )
    table = read_table(frame, schema=schema)
    assert table.schema.field("code").levels == ("1", "2", "3")
    assert (table.schema.field("n").low, table.schema.field("n").high) == (5.0, 7.0)
    assert table.schema.field("n").nullable
    assert table.origin.options["unparsable"] == {"n": 20}
    assert table.origin.options["extra_columns"] == ["more"]
    assert table.schema.field("g").levels == ("c", "b", "a")
    assert [n.code for n in notices(table)] == ["read/not-of-the-stated-kind"]
    with pytest.raises(SchemaError) as caught:
        read_table(frame[["n", "g"]], schema=schema)
    assert caught.value.code == "schema/fields-differ"


def test_a_saved_schema_reads_the_same_file_the_same_way(tmp_path: Path) -> None:
    table_of().to_csv(tmp_path / "a.csv", index=False)
    first = read_table(tmp_path / "a.csv")
    again = read_table(tmp_path / "a.csv", schema=load_schema(save_schema(first.schema, tmp_path / "s.toml")))
    assert again.schema == first.schema
    assert again.fingerprint() == first.fingerprint()


SDV = {
    "METADATA_SPEC_VERSION": "SINGLE_TABLE_V1",
    "primary_key": "id",
    "columns": {
        "id": {"sdtype": "id", "regex_format": "P-[0-9]{5}"},
        "나이": {"sdtype": "numerical", "computer_representation": "Int64"},
        "grade": {"sdtype": "categorical"},
        "x": {"sdtype": "numerical"},
        "day": {"sdtype": "datetime", "datetime_format": "%Y.%m.%d"},
        "quote": {"sdtype": "unknown", "pii": True},
        "flag": {"sdtype": "boolean"},
    },
}


def test_sdv_metadata_single_and_multi(tmp_path: Path) -> None:
    schema = from_sdv(SDV)
    assert [f.kind for f in schema.fields] == [
        "identifier",
        "integer",
        "categorical",
        "continuous",
        "datetime",
        "text",
        "boolean",
    ]
    assert schema.field("id").pattern == "P-[0-9]{5}"
    assert schema.field("day").format == {"style": "{YYYY}.{MM}.{DD}"}
    multi = {"METADATA_SPEC_VERSION": "V1", "tables": {"people": SDV}, "relationships": []}
    (tmp_path / "m.json").write_text(json.dumps(multi), encoding="utf-8")
    assert from_sdv(tmp_path / "m.json") == schema
    table = read_table(table_of(), schema=schema)
    assert table.schema.field("grade").levels == ("high", "low", "mid")
    assert table.frame["flag"].tolist()[:2] == [True, False]
    assert str(table.frame["day"].dtype) == "datetime64[us]"
    assert int(table.frame["x"].isna().sum()) == int(np.ceil(60 / 7))
    pd.testing.assert_frame_equal(table.to_native(), table_of())


def test_sdv_refusals(tmp_path: Path) -> None:
    with pytest.raises(SchemaError) as two:
        from_sdv({"tables": {"a": SDV, "b": SDV}})
    assert two.value.code == "schema/not-sdv"
    with pytest.raises(SchemaError):
        from_sdv({"columns": {}})
    (tmp_path / "x.json").write_text("{", encoding="utf-8")
    with pytest.raises(SchemaError) as broken:
        from_sdv(tmp_path / "x.json")
    assert broken.value.code == "schema/unreadable"


def test_sdv_kinds_of_persons_and_keys() -> None:
    schema = from_sdv(
        {
            "sequence_key": "who",
            "columns": {
                "who": {"sdtype": "id"},
                "mail": {"sdtype": "email", "pii": True},
                "size": {"sdtype": "categorical", "order": ["S", "M"]},
                "t": {"sdtype": "datetime", "datetime_format": "%j"},
            },
        }
    )
    assert schema.unit_field == "who"
    assert schema.field("mail").kind == "identifier"
    assert schema.field("size").levels == ("S", "M")
    assert schema.field("t").format == {}
