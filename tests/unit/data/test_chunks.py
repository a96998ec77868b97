"""A table read part by part is the table read at once, whatever the size of a chunk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from synthproof.core.errors import ReadError
from synthproof.core.schema import Field, Schema
from synthproof.data.table import chunks as chunked
from synthproof.data.table.chunks import ChunkedTable, bounded, open_chunks
from synthproof.data.table.dataset import Table
from synthproof.data.table.io import notices, read_table


def people(n: int = 2_000) -> pd.DataFrame:
    rng = np.random.Generator(np.random.Philox(3))
    frame = pd.DataFrame(
        {
            "ward": rng.choice(["A", "B", "C"], n),
            "age": rng.integers(18, 90, n),
            "cost": np.round(rng.lognormal(5, 1, n), 2),
            "flag": rng.integers(0, 2, n),
            "seen": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 400, n), unit="D"),
        }
    )
    frame.loc[rng.random(n) < 0.2, "cost"] = np.nan
    return frame


def put_together(data: ChunkedTable, rows: int) -> pd.DataFrame:
    parts = list(data.chunks(rows))
    assert all(p.n_rows == rows for p in parts[:-1])
    return pd.concat([p.frame for p in parts], ignore_index=True)


@pytest.mark.parametrize("suffix", ["parquet", "csv", "csv.gz"])
@pytest.mark.parametrize("rows", [1, 777, 100_000])
def test_chunks_are_the_whole(tmp_path: Path, suffix: str, rows: int) -> None:
    path = tmp_path / f"people.{suffix}"
    frame = people(300 if rows == 1 else 2_000)
    frame.to_parquet(path) if suffix == "parquet" else frame.to_csv(path, index=False)
    data, whole = open_chunks(path), read_table(path)
    assert [(f.name, f.kind, f.levels, f.low, f.high, f.decimals) for f in data.schema.fields] == [
        (f.name, f.kind, f.levels, f.low, f.high, f.decimals) for f in whole.schema.fields
    ]
    pd.testing.assert_frame_equal(put_together(data, rows), whole.frame)


def test_a_folder_of_parts_is_read_by_name(tmp_path: Path) -> None:
    frame = people()
    for i, start in enumerate(range(0, 2_000, 700)):
        frame.iloc[start : start + 700].to_parquet(tmp_path / f"part-{i:03d}.parquet")
    (tmp_path / "_SUCCESS").touch()
    data = open_chunks(tmp_path)
    assert data.n_rows == len(data) == 2_000
    pd.testing.assert_frame_equal(put_together(data, 512), read_table(frame).frame)
    frame.drop(columns="age").to_parquet(tmp_path / "part-009.parquet")
    with pytest.raises(ReadError, match="read/parts-differ"):
        open_chunks(tmp_path)


def test_what_the_sample_did_not_show_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunked, "STUDIED", 200)
    n = 20_000
    rng = np.random.Generator(np.random.Philox(4))
    frame = pd.DataFrame(
        {
            "ward": rng.choice(["A", "B"], n),
            "count": rng.integers(100, 900, n).astype(float),
            "amount": np.round(rng.normal(50, 9, n), 1),
            "flag": rng.integers(0, 2, n),
            "label": rng.integers(100, 999, n).astype(str),
        }
    )
    kept = open_positions(n)
    late = [i for i in range(n - 50, n) if i not in kept][:6]
    frame.loc[late[0], "ward"] = "C"
    frame.loc[late[1], "count"] = 3.5
    frame.loc[late[2], "amount"] = 1.234
    frame.loc[late[3], "flag"] = 7
    frame.loc[late[4], "label"] = "unknown place"
    frame.loc[late[5], "amount"] = np.nan
    path = tmp_path / "late.parquet"
    frame.to_parquet(path)
    data = open_chunks(path)
    schema = data.schema
    assert schema.field("ward").levels == ("A", "B", "C")
    assert schema.field("count").kind == "continuous"
    assert schema.field("amount").decimals == 3
    assert schema.field("amount").nullable
    assert schema.field("flag").high == 7 or "7" in schema.field("flag").levels
    assert data.facts["ward"].levels.tolist() == frame["ward"].value_counts().sort_index().tolist()
    assert data.facts["amount"].missing == 1
    assert data.facts["count"].low == frame["count"].min()
    drawn = put_together(data, 6_000)
    assert drawn["count"].tolist() == frame["count"].tolist()
    assert drawn["label"].astype(str).tolist() == frame["label"].tolist()
    assert [e.code for e in notices(data.head(5))] == ["read/kinds-from-sample"]


def open_positions(n: int) -> set[int]:
    return set(chunked._positions(n, 200, 0).tolist())


def test_a_sample_is_without_replacement_and_repeatable(tmp_path: Path) -> None:
    path = tmp_path / "people.parquet"
    people().assign(row=np.arange(2_000)).to_parquet(path, row_group_size=333)
    data = open_chunks(path)
    drawn = data.sample(500, 7)
    rows = drawn.frame["row"].astype(int)
    assert rows.is_unique
    assert rows.is_monotonic_increasing
    assert data.sample(500, 7).frame.equals(drawn.frame)
    assert not data.sample(500, 8).frame.equals(drawn.frame)
    assert 800 < rows.mean() < 1_200
    assert drawn.origin.options["of_rows"] == 2_000
    assert "of_rows" not in data.sample(5_000, 7).origin.options
    assert bounded(data, seed=7, rows=500).frame.equals(drawn.frame)
    whole = read_table(path)
    assert bounded(whole, seed=7, rows=5) is whole


def test_a_stated_schema_stands(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    people().to_csv(path, index=False)
    inferred = read_table(path).schema
    stated = inferred.replace_field(replace(inferred.field("age"), kind="categorical", levels=(), low=None, high=None))
    data = open_chunks(path, schema=stated)
    assert data.schema.field("age").kind == "categorical"
    assert data.schema == read_table(path, schema=stated).schema


def test_steps_and_roles(tmp_path: Path) -> None:
    path = tmp_path / "people.parquet"
    people().to_parquet(path)
    data = open_chunks(path)
    marked = data.with_schema(data.schema.add_roles("target", ["ward"])).mapped(lambda t: t.without("age"))
    assert marked.schema.names == ("ward", "cost", "flag", "seen")
    assert all(t.schema.with_role("target") == ("ward",) for t in marked.chunks(900))
    assert marked.sample(10, 1).schema == marked.schema
    assert data.schema.names == ("ward", "age", "cost", "flag", "seen")


def test_units_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "visits.parquet"
    people(1_000).assign(patient_id=[f"P{i // 4:05d}" for i in range(1_000)]).to_parquet(path, row_group_size=99)
    data = open_chunks(path)
    assert data.schema.unit_field == "patient_id"
    assert len(data) == 250


def test_refusals(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="read/no-such-file"):
        open_chunks(tmp_path / "none.parquet")
    with pytest.raises(ReadError, match="read/no-parts"):
        open_chunks(tmp_path)
    (tmp_path / "book.xlsx").write_bytes(b"PK\x03\x04")
    with pytest.raises(ReadError, match="read/not-in-chunks"):
        open_chunks(tmp_path / "book.xlsx")
    lines = ["a,b"] + [f"{i},{i % 7}" for i in range(400)]
    (tmp_path / "ragged.csv").write_text("\n".join([*lines, "1,2,3", ""]), encoding="utf-8")
    with pytest.raises(ReadError, match="read/ragged-rows"):
        open_chunks(tmp_path / "ragged.csv")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and nothing more")
    with pytest.raises(ReadError, match="read/damaged"):
        open_chunks(tmp_path / "broken.parquet")


def test_a_source_that_changes_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "people.parquet"
    people().to_parquet(path)
    data = open_chunks(path)
    people(2_000).assign(ward="D").to_parquet(path)
    with pytest.raises(ReadError, match="read/changed-meanwhile"):
        list(data.chunks())


@pytest.mark.parametrize("encoding", ["cp949", "utf-8-sig", "utf-16"])
def test_other_encodings(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "ward.csv"
    frame = people().assign(ward=lambda f: f["ward"].map({"A": "내과", "B": "외과", "C": "소아과"}))
    frame.to_csv(path, index=False, encoding=encoding)
    data, whole = open_chunks(path), read_table(path)
    assert data.schema == whole.schema
    assert data.origin == whole.origin
    pd.testing.assert_frame_equal(put_together(data, 900), whole.frame)


def test_an_empty_table_of_known_fields() -> None:
    schema = Schema(fields=(Field(name="a", kind="integer"),))
    table = Table(pd.DataFrame({"a": pd.Series([1], dtype="Int64")}), schema)
    assert bounded(table, seed=1, rows=0) is table


def test_the_rows_that_a_sample_leaves(tmp_path: Path) -> None:
    path = tmp_path / "people.parquet"
    people().assign(row=np.arange(2_000)).to_parquet(path, row_group_size=333)
    data = open_chunks(path)
    drawn = set(data.sample(500, 7).frame["row"].astype(int))
    left = [int(r) for part in data.others(500, 7, rows=128) for r in part.frame["row"]]
    assert left == sorted(set(range(2_000)) - drawn)
    assert list(data.others(2_000, 7)) == []
