"""Excel, JSON lines and databases: types kept, text never a formula, the same bytes twice."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
import sys
from pathlib import Path

import duckdb
import openpyxl
import pandas as pd
import pytest

from synthproof.core.errors import MissingExtraError, ReadError, UsageError
from synthproof.data.table import excel
from synthproof.data.table.io import read_table, write_table

N = 60
HOSTILE = "=cmd|' /C calc'!A0"


def people() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "환자번호": [f"A{i // 3:04d}" for i in range(N)],
            "나이": [20 + i % 50 for i in range(N)],
            "키": [150 + (i % 30) / 2 for i in range(N)],
            "등급": [["하", "중", "상"][i % 3] for i in range(N)],
            "방문": [dt.datetime(2024, 1, 1) + dt.timedelta(days=i) for i in range(N)],
            "여부": [["예", "아니오"][i % 2] for i in range(N)],
            "메모": [None if i % 5 == 0 else ["보통", "특이"][i % 2] for i in range(N)],
        }
    )


def test_excel_keeps_types_and_formats(tmp_path: Path) -> None:
    people().to_excel(tmp_path / "a.xlsx", index=False)
    table = read_table(tmp_path / "a.xlsx")
    kinds = {f.name: f.kind for f in table.schema.fields}
    assert kinds["나이"] == "integer"
    assert kinds["방문"] == "datetime"
    assert kinds["등급"] == "ordinal"
    assert len(table) == N // 3
    assert table.schema.unit == "patient"
    write_table(table, tmp_path / "b.xlsx")
    pd.testing.assert_frame_equal(pd.read_excel(tmp_path / "a.xlsx"), pd.read_excel(tmp_path / "b.xlsx"))
    one, two = (openpyxl.load_workbook(tmp_path / n).active for n in ("a.xlsx", "b.xlsx"))
    assert one is not None
    assert two is not None
    assert one["E2"].number_format == two["E2"].number_format
    assert one.title == two.title


def test_excel_has_no_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = read_table(people())
    write_table(table, tmp_path / "a.xlsx")
    first = (tmp_path / "a.xlsx").read_bytes()
    seen: list[bytes] = []
    plain = excel._timeless

    def watched(book: bytes) -> bytes:
        seen.append(book)
        return plain(book)

    monkeypatch.setattr(excel, "_timeless", watched)
    write_table(table, tmp_path / "a.xlsx")
    assert (tmp_path / "a.xlsx").read_bytes() == first
    assert seen
    assert b"1980-01-01T00:00:00Z" in _core(first)


def _core(book: bytes) -> bytes:
    import io
    import zipfile

    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        return archive.read("docProps/core.xml")


def test_text_that_looks_like_a_formula_is_written_as_text(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [HOSTILE, "+1", "@x", "plain"] * 5, "b": range(20)})
    write_table(read_table(frame), tmp_path / "a.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx").active
    assert sheet is not None
    assert {row[0].data_type for row in sheet.iter_rows(min_row=2)} == {"s"}
    assert sheet["A2"].value == HOSTILE
    pd.testing.assert_frame_equal(pd.read_excel(tmp_path / "a.xlsx"), frame)


def test_excel_sheet_by_name(tmp_path: Path) -> None:
    with pd.ExcelWriter(tmp_path / "a.xlsx") as book:
        pd.DataFrame({"x": range(30)}).to_excel(book, sheet_name="첫째", index=False)
        people().to_excel(book, sheet_name="둘째", index=False)
    assert read_table(tmp_path / "a.xlsx", table="둘째").schema.names[0] == "환자번호"
    with pytest.raises(ReadError) as caught:
        read_table(tmp_path / "a.xlsx", table="둘쨰")
    assert caught.value.code == "read/unknown-sheet"
    assert "둘째" in caught.value.text("ko")


@pytest.mark.parametrize(("ascii_only", "separators"), [(False, (", ", ": ")), (True, (",", ":"))])
def test_json_lines_come_back_byte_by_byte(tmp_path: Path, ascii_only: bool, separators: tuple[str, str]) -> None:
    lines = []
    for i in range(N):
        row = {
            "이름": f"홍{i}",
            "n": i * 3,
            "x": i / 4 if i % 4 else i,
            "b": None if i % 7 == 0 else i % 2 == 0,
            "d": f"2024-01-{i % 28 + 1:02d}",
            "s": "줄\n바꿈",
        }
        lines.append(json.dumps(row, ensure_ascii=ascii_only, separators=separators))
    (tmp_path / "a.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    table = read_table(tmp_path / "a.jsonl")
    assert table.schema.field("d").kind == "datetime"
    write_table(table, tmp_path / "b.jsonl")
    assert (tmp_path / "b.jsonl").read_bytes() == (tmp_path / "a.jsonl").read_bytes()


def test_json_lines_with_absent_keys(tmp_path: Path) -> None:
    text = '{"a": 1, "b": "x"}\n{"a": 2}\n{"a": 3, "b": "y"}\n' * 5
    (tmp_path / "a.jsonl").write_text(text, encoding="utf-8")
    table = read_table(tmp_path / "a.jsonl")
    write_table(table, tmp_path / "b.jsonl")
    assert (tmp_path / "b.jsonl").read_text(encoding="utf-8") == text


def test_sqlite_in_and_out(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "a.db")
    people().to_sql("people", connection, index=False)
    connection.close()
    table = read_table(f"sqlite:///{tmp_path / 'a.db'}", table="people")
    assert write_table(table, tmp_path / "synthetic") == (tmp_path / "synthetic.db",)
    frames = []
    for name in ("a.db", "synthetic.db"):
        connection = sqlite3.connect(tmp_path / name)
        frames.append(pd.read_sql("select * from people", connection))
        connection.close()
    pd.testing.assert_frame_equal(frames[0], frames[1])
    write_table(table, tmp_path / "again.db")
    assert (tmp_path / "again.db").read_bytes() == (tmp_path / "synthetic.db").read_bytes()


def test_duckdb_in_and_out(tmp_path: Path) -> None:
    frame = people()
    connection = duckdb.connect(str(tmp_path / "a.duckdb"))
    connection.register("frame", frame)
    connection.execute("create table people as select * from frame")
    connection.close()
    url = f"duckdb:///{tmp_path / 'a.duckdb'}"
    table = read_table(url, query="select * from people where 나이 > 25")
    assert table.schema.field("방문").storage == "object:datetime"
    assert int(table.frame["나이"].min()) == 26
    whole = read_table(url, table="people")
    write_table(whole, tmp_path / "b.duckdb")
    again = read_table(f"duckdb:///{tmp_path / 'b.duckdb'}", table="people")
    pd.testing.assert_frame_equal(again.frame, whole.frame)


def test_queries_with_colons_are_not_parameters(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "a.db")
    pd.DataFrame({"t": ["10:30", "11:45"] * 10, "n": range(20)}).to_sql("x", connection, index=False)
    connection.close()
    table = read_table(f"sqlite:///{tmp_path / 'a.db'}", query="select * from x where t = '10:30'")
    assert table.n_rows == 10


def test_database_errors_have_remedies_and_no_password(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "a.db")
    pd.DataFrame({"a": range(20)}).to_sql("people", connection, index=False)
    connection.close()
    url = f"sqlite:///{tmp_path / 'a.db'}"
    with pytest.raises(ReadError) as unknown:
        read_table(url, table="peple")
    assert unknown.value.code == "read/unknown-table"
    assert "people" in unknown.value.part("remedy")
    with pytest.raises(UsageError) as neither:
        read_table(url)
    assert neither.value.exit_code == 2
    with pytest.raises(ReadError) as broken:
        read_table(url, query="selec 1")
    assert broken.value.code == "read/database"
    with pytest.raises(ReadError) as absent:
        read_table(f"sqlite:///{tmp_path / 'none.db'}", table="a")
    assert absent.value.code == "read/no-such-file"
    assert not (tmp_path / "none.db").exists()
    with pytest.raises((ReadError, MissingExtraError)) as driver:
        read_table("postgresql+psycopg2://me:geheim@localhost:1/db", table="a")
    assert "geheim" not in driver.value.text()
    with pytest.raises(ReadError) as url_error:
        read_table("://geheim", table="a")
    assert "geheim" not in url_error.value.text()


def test_without_sqlalchemy_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    with pytest.raises(MissingExtraError) as caught:
        read_table("sqlite:///a.db", table="a")
    assert "synthproof[sql]" in caught.value.part("remedy")
