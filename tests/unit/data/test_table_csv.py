"""Text files come back byte by byte, whatever form their cells have."""

from __future__ import annotations

import gzip
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synthproof.core.errors import DataError
from synthproof.data.table.csv_text import read_csv
from synthproof.data.table.formats import to_native
from synthproof.data.table.io import conform, read_table, write_table


def round_trip(tmp_path: Path, text: str, *, name: str = "a.csv", encoding: str = "utf-8") -> tuple[bytes, bytes]:
    source, target = tmp_path / name, tmp_path / f"back_{name}"
    source.write_bytes(text.encode(encoding))
    write_table(read_table(source), target)
    return source.read_bytes(), target.read_bytes()


def column(*cells: str, times: int = 4, other: str = "x") -> str:
    """Return a two-column file whose first column holds the cells again and again."""
    rows = [f"{c},{other}{i % 3}" for i, c in enumerate(cells * times)]
    return "v,w\n" + "\n".join(rows) + "\n"


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (("007", "012", "110"), "categorical"),
        (("1", "", "3", "28"), "integer"),
        (("1.0", "", "3.0", "28.0"), "integer"),
        (("1.50", "2.25", "10.00"), "continuous"),
        (("1.5", "2.25", "10"), "continuous"),
        (("1.5", "2.25", "10.0"), "continuous"),
        (("0.1234567890123456", "1e-07", "3.5"), "continuous"),
        (("-3", "5", "12"), "integer"),
        (("+3.5", "-2.5", "+1.5"), "continuous"),
        (("₩1200", "₩300", "₩45000"), "integer"),
        (("12.5%", "3.0%", "99.9%"), "continuous"),
        (("Y", "N", "Y"), "boolean"),
        (("예", "아니오", ""), "boolean"),
        (("true", "false", "NA"), "boolean"),
        (("0", "1", "1"), "boolean"),
        (("2024-03-01", "2023-12-31", "NULL"), "datetime"),
        (("2024.03.01", "2023.12.31", "결측"), "datetime"),
        (("20240301", "20231231", "20220105"), "datetime"),
        (("2024/3/1", "2023/12/31", "2022/10/9"), "datetime"),
        (("2024년 3월 1일", "2023년 12월 31일", "2022년 10월 9일"), "datetime"),
        (("2024. 3. 1.", "2023. 12. 31.", "2022. 10. 9."), "datetime"),
        (("31/12/2017", "01/02/2018", "15/03/2018"), "datetime"),
        (("12/31/2017", "01/02/2018", "03/15/2018"), "datetime"),
        (("05-Jan-2024", "28-Feb-2023", "31-Dec-1999"), "datetime"),
        (("20141013T000000", "20150225T123000", "20140609T235959"), "datetime"),
        (("2024-03-01T10:00:00+09:00", "2024-03-02T23:59:59+09:00", "2024-01-01T00:00:00+09:00"), "datetime"),
        (("2024-03-01T10:00:00Z", "2024-03-02T23:59:59Z", "2024-01-01T00:00:00Z"), "datetime"),
        (("2024-03-01 10:00:00.250", "2024-03-02 23:59:59.000", "2024-01-01 00:00:00.125"), "datetime"),
        (("2024-03-01 오후 3:05", "2024-03-02 오전 12:30", "2024-01-01 오후 12:00"), "datetime"),
        (("09:30", "23:59", "00:00"), "datetime"),
        (("2024-03", "2023-12", "2022-01"), "datetime"),
        (("low", "high", "medium"), "ordinal"),
        (("상", "하", "중"), "ordinal"),
        (("중졸", "고졸", "초졸"), "ordinal"),
        (("20대", "30대", "60대"), "ordinal"),
        (("20-29", "30-39", "60+"), "ordinal"),
        (("red", "green", "?"), "categorical"),
        (("서울", "부산", "세종"), "categorical"),
        (('"a, b"', '"say ""hi"""', "plain"), "categorical"),
        (('"two\nlines"', "one", "three"), "categorical"),
        (('"two\r\nlines"', "one", "three"), "categorical"),
        (("=1+1", "@x", "-y"), "categorical"),
        (("<script>alert(1)</script>", "../../x", "=cmd|' /C calc'!A0"), "categorical"),
        ((" a", " b", " c"), "categorical"),
    ],
)
def test_cells_come_back_as_they_were(tmp_path: Path, cells: tuple[str, ...], kind: str) -> None:
    text = column(*cells)
    before, after = round_trip(tmp_path, text)
    assert after == before
    assert read_table(tmp_path / "a.csv").schema.field("v").kind == kind


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949", "utf-16"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends(tmp_path: Path, encoding: str, newline: str) -> None:
    text = newline.join(["이름,나이,지역"] + [f"홍{i},{20 + i},서울" for i in range(30)]) + newline
    before, after = round_trip(tmp_path, text, encoding=encoding)
    table = read_table(tmp_path / "a.csv")
    assert table.schema.names == ("이름", "나이", "지역")
    assert table.origin.options["encoding"] == encoding
    assert after == before


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
@pytest.mark.parametrize("final", [True, False])
def test_delimiters_and_last_line(tmp_path: Path, delimiter: str, final: bool) -> None:
    rows = [["a", "b", "c d"]] + [[str(i), f"{i}.5", "x y"] for i in range(20)]
    text = "\n".join(delimiter.join(r) for r in rows) + ("\n" if final else "")
    before, after = round_trip(tmp_path, text)
    assert read_table(tmp_path / "a.csv").origin.options["delimiter"] == delimiter
    assert after == before


@pytest.mark.parametrize(
    "text",
    [
        '"a","b"\n' + "".join(f'"{i}","x{i % 3}"\n' for i in range(20)),
        '"a","b"\n' + "".join(f'{i},"x{i % 3}"\n' for i in range(20)),  # R: texts quoted, numbers not
        "a,b\n" + "".join(f'{i},"x, {i % 3}"\n' for i in range(20)),
        '"a","b"\n' + "".join(f'{i},""\n{i},"x"\n' for i in range(20)),
    ],
)
def test_quoting_manner_is_kept(tmp_path: Path, text: str) -> None:
    before, after = round_trip(tmp_path, text)
    assert after == before


def test_decimal_comma_and_thousands(tmp_path: Path) -> None:
    text = "price;share\n" + "".join(f"{1 + i}.{500 + i},{i}5;{i},{i}5\n" for i in range(10))
    before, after = round_trip(tmp_path, text)
    table = read_table(tmp_path / "a.csv")
    assert after == before
    assert table.schema.field("price").format["thousands"] == "."
    assert table.frame["share"].iloc[3] == 3.35
    assert table.frame["price"].iloc[3] == 4503.35
    quoted = "won,w\n" + "".join(f'"{1234 * i:,}",x\n' for i in range(1, 20))
    before, after = round_trip(tmp_path, quoted)
    assert after == before
    assert read_table(tmp_path / "a.csv").frame["won"].iloc[0] == 1234


def test_gzip_is_read_and_written_without_a_clock(tmp_path: Path) -> None:
    source = tmp_path / "a.csv.gz"
    source.write_bytes(gzip.compress(column("1", "2", "").encode()))
    table = read_table(source)
    write_table(table, tmp_path / "b.csv.gz")
    first = (tmp_path / "b.csv.gz").read_bytes()
    write_table(table, tmp_path / "c.csv.gz")
    assert gzip.decompress(first) == gzip.decompress(source.read_bytes())
    assert (tmp_path / "c.csv.gz").read_bytes() == first


def test_the_target_without_suffix_takes_that_of_the_source(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("a\tb\n" + "1\tx\n2\ty\n" * 10, encoding="utf-8")
    table = read_table(tmp_path / "a.tsv")
    assert write_table(table, tmp_path / "synthetic") == (tmp_path / "synthetic.tsv",)
    assert (tmp_path / "synthetic.tsv").read_bytes() == (tmp_path / "a.tsv").read_bytes()


def test_missing_token_used_most_is_written_back(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(column("1", "NA", "NA", "?", "25"), encoding="utf-8")
    table = read_table(tmp_path / "a.csv")
    f = table.schema.field("v")
    assert f.kind == "integer"
    assert f.format["missing"] == "NA"
    assert table.frame["v"].isna().sum() == 12
    write_table(table, tmp_path / "b.csv")
    assert "?" not in (tmp_path / "b.csv").read_text(encoding="utf-8")


def test_integers_with_gaps_are_never_written_with_a_point(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(column("1", "", "27"), encoding="utf-8")
    table = read_table(tmp_path / "a.csv")
    assert str(table.frame["v"].dtype) == "Int64"
    write_table(table, tmp_path / "b.csv")
    assert "." not in (tmp_path / "b.csv").read_text(encoding="utf-8")


def test_a_cell_of_a_megabyte_survives(tmp_path: Path) -> None:
    big = "가" * 400_000 + '"\n,' + "x" * 100_000
    text = "a,b\n" + "".join(f'{i},"{big.replace(chr(34), chr(34) * 2) if i == 7 else "short"}"\n' for i in range(20))
    (tmp_path / "a.csv").write_text(text, encoding="utf-8", newline="")
    table = read_table(tmp_path / "a.csv")
    assert table.schema.field("b").kind == "text"
    assert table.frame["b"].iloc[7] == big
    before, after = round_trip(tmp_path, text)
    assert after == before


def test_single_column_with_gaps(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('v\n1\n""\n25\n7\n' * 1 + "9\n" * 10, encoding="utf-8")
    table = read_table(tmp_path / "a.csv")
    assert table.frame["v"].isna().sum() == 1
    write_table(table, tmp_path / "b.csv")
    assert read_table(tmp_path / "b.csv").frame["v"].isna().sum() == 1


def test_what_the_encoding_lacks_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(("지역,n\n" + "서울,1\n부산,2\n" * 10).encode("cp949"))
    table = read_table(tmp_path / "a.csv")
    frame = table.frame.assign(지역=table.frame["지역"].cat.rename_categories(["서울😀", "부산"]))
    changed = table.with_frame(frame)
    with pytest.raises(DataError) as caught:
        write_table(changed, tmp_path / "b.csv")
    assert caught.value.code == "write/not-encodable"
    assert [p.name for p in tmp_path.iterdir()] == ["a.csv"]


@pytest.mark.parametrize("name", ["heart_disease", "survival_flchain", "seoul_bike", "king_county_houses"])
def test_real_tables_come_back_byte_by_byte(tmp_path: Path, data_dir: Path, name: str) -> None:
    frame = pd.read_parquet(data_dir / name / "data.parquet").head(4000)
    for encoding in ("utf-8", "cp949"):
        frame.to_csv(tmp_path / "a.csv", index=False, encoding=encoding)
        write_table(read_table(tmp_path / "a.csv"), tmp_path / "b.csv")
        assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


_WORDS = ["", "NA", "?", "0", "1", "-1", "007", "1.0", "2.50", "1,000", "1e5", "Y", "N", "예", "2024-01-01", "2024.1.3"]
_WORDS += [
    "10:30",
    "20240101",
    "low",
    "high",
    "=1+1",
    "가나 다",
    "a,b",
    'q"x',
    "x\ny",
    "99999999999999999999",
    "₩1,200",
]
_WORDS += ["5%", "1.", "+3", ".5", "-", "None", "2024-02-30", "1/2/2024", "13/2/2024", "00", "١", "²", "-0", " 7", "7 "]


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(_WORDS), min_size=1, max_size=5, unique=True), st.integers(2, 40))
def test_whatever_a_column_is_taken_for_it_reads_back_the_same(tmp_path: Path, words: list[str], n: int) -> None:
    frame = pd.DataFrame({"v": [words[i % len(words)] for i in range(n)], "w": range(n)})
    frame.to_csv(tmp_path / "p.csv", index=False)
    table = read_table(tmp_path / "p.csv")
    write_table(table, tmp_path / "q.csv")
    again = conform(tmp_path / "q.csv", table.schema)
    assert again.fingerprint() == table.fingerprint()
    assert "unparsable" not in again.origin.options
    native = to_native(read_table(frame))
    assert len(native) == n


def test_numbers_in_several_forms_are_said(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(column("1.50", "2.5", "3.25", "4.75"), encoding="utf-8")
    assert "another form" in read_table(tmp_path / "a.csv").schema.field("v").reason
    (tmp_path / "a.csv").write_text(column("1.5", "2.5", "3.25", "4.75"), encoding="utf-8")
    assert "another form" not in read_table(tmp_path / "a.csv").schema.field("v").reason


_CELL = st.text(alphabet=st.characters(blacklist_categories=["Cs", "Cc"]), max_size=12) | st.sampled_from(
    ["", "NA", "1", "2.50", "-7", "2024-03-01", "1,000", 'q"q', "two\nlines", "Y", "0", "가나다", " pad "]
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(_CELL, _CELL), min_size=1, max_size=12))
def test_every_cell_is_read_as_it_stands(tmp_path: Path, rows: list[tuple[str, str]]) -> None:
    def quote(c: str) -> str:
        return '"' + c.replace('"', '""') + '"'

    text = "a,b\n" + "".join(f"{quote(a)},{quote(b)}\n" for a, b in rows)
    (tmp_path / "h.csv").write_text(text, encoding="utf-8", newline="")
    raw = read_csv(tmp_path / "h.csv")
    for column_read, cells in zip(raw.columns, zip(*rows, strict=True), strict=True):
        texts = column_read.texts
        assert texts is not None
        assert [texts.values[int(c)].as_py() for c in texts.codes] == list(cells)
