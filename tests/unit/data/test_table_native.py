"""What the user gave (pandas, polars, Arrow) is what the user gets back, types included."""

from __future__ import annotations

import datetime as dt
import decimal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from polars.testing import assert_frame_equal

from synthproof.data.table.formats import to_native
from synthproof.data.table.io import conform, notices, read_table, write_table

N = 120
RNG = np.random.default_rng(7)
DAY = pd.Timestamp("2024-01-01")
SECONDS = pd.to_timedelta(RNG.integers(0, 10**6, N), unit="s")

PANDAS: dict[str, Any] = {
    "int8": RNG.integers(0, 50, N).astype("int8"),
    "uint16": RNG.integers(0, 500, N).astype("uint16"),
    "int64": RNG.integers(-(10**9), 10**9, N),
    "uint64": np.array([2**63 + i for i in range(N)], dtype="uint64"),
    "Int64": pd.array([None if i % 7 == 0 else i * 3 for i in range(N)], dtype="Int64"),
    "float32": RNG.normal(size=N).round(2).astype("float32"),
    "float64": RNG.normal(size=N),
    "float of whole numbers with gaps": [np.nan if i % 5 == 0 else float(i % 13 * 2) for i in range(N)],
    "Float64": pd.array([None if i % 5 == 0 else i / 4 for i in range(N)], dtype="Float64"),
    "flag": np.arange(N) % 2,
    "code": np.arange(N) % 2 + 1,
    "bool": RNG.random(N) < 0.5,
    "boolean": pd.array([None if i % 9 == 0 else i % 2 == 0 for i in range(N)], dtype="boolean"),
    "category": pd.Categorical(RNG.choice(list("abc"), N), categories=list("cbad")),
    "ordered": pd.Categorical(RNG.choice([1, 2, 3], N), categories=[3, 1, 2], ordered=True),
    "interval": pd.cut(RNG.normal(size=N), [-5, -1, 0, 1.5, 5]),
    "datetime64[ns]": pd.Series(DAY + SECONDS).astype("datetime64[ns]"),
    "datetime64[s]": pd.Series(DAY + SECONDS).astype("datetime64[s]"),
    "zone": pd.Series(DAY + SECONDS).dt.tz_localize("Asia/Seoul"),
    "timedelta": pd.Series(SECONDS).astype("timedelta64[ns]"),
    "period": pd.Series(pd.period_range("2020-01", periods=N, freq="M")),
    "object": pd.Series([f"P-{i:06d}" for i in range(N)], dtype=object),
    "object with None": pd.Series([None if i % 4 == 0 else "ab"[i % 2] for i in range(N)], dtype=object),
    "str": [["x", "y z", "가나"][i % 3] for i in range(N)],
    "string": pd.array([["예", "아니오", None][i % 3] for i in range(N)], dtype="string"),
    "date": pd.Series([dt.date(2020, 1, 1) + dt.timedelta(i) for i in range(N)], dtype=object),
    "decimal": pd.Series([decimal.Decimal("1.50") * i for i in range(N)], dtype=object),
    "object of int": pd.Series([None if i % 4 == 0 else i * 5 for i in range(N)], dtype=object),
    "object of huge int": pd.Series([10**25 + i for i in range(N)], dtype=object),
    "text dates": [f"2024.{i % 12 + 1:02d}.{i % 28 + 1:02d}" for i in range(N)],
    "text money": [f"₩{i * 1234:,}" for i in range(N)],
    "int64[pyarrow]": pd.Series([i * i % 97 for i in range(N)], dtype="int64[pyarrow]"),
    "all missing": [np.nan] * N,
    "한글 이름": RNG.integers(0, 100, N),
}


@pytest.mark.parametrize("name", list(PANDAS))
def test_pandas_types_come_back(name: str) -> None:
    frame = pd.DataFrame({name: PANDAS[name], "other": range(N)})
    before = frame.copy(deep=True)
    back = to_native(read_table(frame))
    pd.testing.assert_frame_equal(back, before)
    pd.testing.assert_frame_equal(frame, before)  # the caller's frame is not changed


def test_missing_cells_in_a_type_without_them_take_the_nullable_type() -> None:
    table = read_table(pd.DataFrame({"a": range(30), "b": [True, False] * 15}))
    frame = table.frame.copy()
    frame.loc[3, "a"] = pd.NA
    frame.loc[4, "b"] = pd.NA
    back = to_native(table.with_frame(frame))
    assert (str(back["a"].dtype), str(back["b"].dtype)) == ("Int64", "boolean")


def polars_frame() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "i": pl.Series([None if i % 5 == 0 else i for i in range(N)], dtype=pl.Int16),
            "u": pl.Series([2**63 + i for i in range(N)], dtype=pl.UInt64),
            "f": pl.Series([i / 8 for i in range(N)], dtype=pl.Float32),
            "b": [None if i % 3 == 0 else i % 2 == 0 for i in range(N)],
            "s": ["가", "나", None] * (N // 3),
            "cat": pl.Series(["x", "y", "z"] * (N // 3), dtype=pl.Categorical),
            "enum": pl.Series(["lo", "hi"] * (N // 2), dtype=pl.Enum(["lo", "mid", "hi"])),
            "d": [dt.date(2024, 1, 1) + dt.timedelta(i) for i in range(N)],
            "t": [dt.time(i % 24, i % 60) for i in range(N)],
            "dt": pl.Series(
                [dt.datetime(2024, 1, 1) + dt.timedelta(hours=i) for i in range(N)], dtype=pl.Datetime("ms")
            ),
            "tz": pl.Series([dt.datetime(2024, 1, 1) + dt.timedelta(hours=i) for i in range(N)]).dt.replace_time_zone(
                "Asia/Seoul"
            ),
            "dur": pl.Series([dt.timedelta(seconds=i) for i in range(N)]),
            "dec": pl.Series([decimal.Decimal("1.50") * i for i in range(N)], dtype=pl.Decimal(10, 2)),
            "nul": [None] * N,
        }
    )


def test_polars_types_come_back() -> None:
    frame = polars_frame()
    back = to_native(read_table(frame))
    assert back.schema == frame.schema
    assert_frame_equal(back, frame)


def test_arrow_types_come_back() -> None:
    table = polars_frame().to_arrow().append_column("ro", pa.array(list("abc") * (N // 3)).dictionary_encode())
    back = to_native(read_table(table))
    assert back.schema.equals(table.schema)
    assert back.to_pylist() == table.to_pylist()


def test_parquet_comes_back_and_is_the_same_twice(tmp_path: Path) -> None:
    frame = pd.DataFrame({k: v for k, v in PANDAS.items() if k not in ("interval", "period", "object of huge int")})
    frame.to_parquet(tmp_path / "a.parquet")
    table = read_table(tmp_path / "a.parquet")
    write_table(table, tmp_path / "b.parquet")
    write_table(table, tmp_path / "c.parquet")
    assert (tmp_path / "b.parquet").read_bytes() == (tmp_path / "c.parquet").read_bytes()
    import pyarrow.parquet as pq

    one, two = pq.read_table(tmp_path / "a.parquet"), pq.read_table(tmp_path / "b.parquet")
    assert one.schema.equals(two.schema)
    assert one.to_pylist() == two.to_pylist()


def test_a_file_names_no_level_that_none_of_its_rows_has(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    levels = pd.CategoricalDtype(["low", "RARE-LEVEL", "mid", "high"], ordered=True)
    frame = pd.DataFrame({"x": pd.Categorical(["mid", None, "low", "mid"], dtype=levels), "n": [1, 2, 3, 4]})
    frame.to_parquet(tmp_path / "a.parquet")
    table = read_table(tmp_path / "a.parquet")
    assert "RARE-LEVEL" in table.frame["x"].cat.categories
    write_table(table, tmp_path / "b.parquet")
    back = pq.read_table(tmp_path / "b.parquet")
    assert back.column("x").to_pylist() == ["mid", None, "low", "mid"]
    assert back.schema.field("x").type.ordered
    assert back.column("x").chunk(0).dictionary.to_pylist() == ["low", "mid"]
    assert b"RARE-LEVEL" not in (tmp_path / "b.parquet").read_bytes()
    write_table(table.take(np.array([1])), tmp_path / "none.parquet")
    assert pq.read_table(tmp_path / "none.parquet").column("x").to_pylist() == [None]


@pytest.mark.parametrize("name", ["adult", "support2_emr", "heart_disease", "insurance_datacar"])
def test_real_frames_come_back(data_dir: Path, name: str) -> None:
    path = data_dir / name / ("train.parquet" if name == "adult" else "data.parquet")
    frame = pd.read_parquet(path)
    pd.testing.assert_frame_equal(to_native(read_table(path)), frame)
    frame = frame.head(5000)
    pd.testing.assert_frame_equal(to_native(read_table(frame)), frame)


def test_another_tools_frame_is_read_under_our_schema() -> None:
    real = read_table(
        pd.DataFrame(
            {
                "age": [20, 30, 40, 50] * 10,
                "grade": ["1", "2", "3", "1"] * 10,
                "sex": ["F", "M", "F", "M"] * 10,
                "flag": [0, 1, 1, 0] * 10,
                "day": pd.date_range("2024-01-01", periods=40),
                "income": [1.5, 2.5, np.nan, 4.0] * 10,
            }
        )
    )
    other = pd.DataFrame(
        {
            "extra": 1,
            "income": ["1.5", "x", "NULL", "9"],
            "sex": pd.Categorical(["M", "F", "X", None]),
            "age": [20.0, 31.4, np.nan, 40.0],
            "grade": [1.0, 2.0, 3.0, np.nan],
            "flag": ["True", "False", "1", "maybe"],
            "day": ["2024-01-01", "2024-02-03", "", "2024-12-31"],
        }
    )
    table = conform(other, real.schema)
    assert table.schema.names == real.schema.names
    assert table.frame["age"].tolist()[:2] == [20, 31]
    assert table.schema.field("sex").levels == ("F", "M", "X")
    assert table.frame["grade"].tolist()[:3] == ["1", "2", "3"]
    assert table.frame["flag"].tolist()[:3] == [True, False, True]
    assert str(table.frame["day"].dtype) == "datetime64[us]"
    options = table.origin.options
    assert options["unparsable"] == {"income": 1, "flag": 1}
    assert options["rounded"] == {"age": 1}
    assert options["unknown_levels"] == {"sex": 1}
    assert options["extra_columns"] == ["extra"]
    assert real.schema.field("sex").levels == ("F", "M")


def test_a_kind_that_changed_no_longer_takes_the_old_type() -> None:
    n = 60
    source = pd.DataFrame(
        {
            "age": np.arange(n) % 40 + 20,
            "day": pd.date_range("2024-01-01", periods=n),
            "flag": [True, False] * (n // 2),
            "small": (np.arange(n) * 7 % 50).astype("int8"),
        }
    )
    for container in (source, pl.from_pandas(source), pa.Table.from_pandas(source)):
        table = read_table(container)
        bands = pd.Categorical(["20-39", "40-59"] * (n // 2), ordered=True)
        months = pd.Categorical(["2024-01", "2024-02"] * (n // 2))
        words = pd.Categorical(["yes", "other"] * (n // 2))
        wide = table.frame["small"] + 1000
        frame = table.frame.assign(age=bands, day=months, flag=words, small=wide)
        schema = table.schema
        for name, cells in (("age", bands), ("day", months), ("flag", words)):
            f = schema.field(name)
            kind: Any = "ordinal" if cells.ordered else "categorical"
            changed = replace(f, kind=kind, levels=tuple(cells.categories), low=None, high=None)
            schema = schema.replace_field(changed)
        back = to_native(table.with_frame(frame, schema))
        listed = {c: list(back[c].to_pylist() if isinstance(back, pa.Table) else back[c]) for c in table.schema.names}
        assert listed["age"] == list(bands)
        assert listed["day"] == list(months)
        assert listed["flag"] == list(words)
        assert listed["small"] == wide.tolist()


def test_a_named_index_is_said_to_be_left_out() -> None:
    frame = pd.DataFrame({"x": range(30), "y": [1, 2, 3] * 10}, index=pd.Index(range(30), name="patient"))
    assert [n.code for n in notices(read_table(frame))] == ["read/index-left-out"]


def test_column_names_that_are_numbers_stay_numbers() -> None:
    frame = pd.DataFrame(RNG.normal(size=(40, 3)))
    pd.testing.assert_frame_equal(to_native(read_table(frame)), pd.DataFrame(frame.to_numpy(), columns=[0, 1, 2]))
