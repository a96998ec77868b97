"""Bad input is answered by errors of four parts, in both languages, without a value from the data."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthproof.core.errors import ReadError, SchemaError, SynthproofError, WorkspaceError
from synthproof.core.words import LANGS
from synthproof.data.split import split
from synthproof.data.table.io import notices, read_table, with_target, write_table

SECRET = "비밀값7788"


def four_parts(error: SynthproofError) -> None:
    """Check that an error says what, found and remedy in both languages, and leaks nothing."""
    for lang in LANGS:
        for part in ("what", "found", "remedy"):
            text = error.part(part, lang)
            assert text, f"{error.code} lacks {part} in {lang}"
            assert not re.search(r"(^|[ :(])[?]", text), f"{error.code} has an unfilled place: {text}"
        assert SECRET not in error.text(lang)
    chain: BaseException | None = error
    while chain is not None:
        assert SECRET not in str(chain)
        chain = chain.__cause__


def put(tmp_path: Path, content: str | bytes, name: str = "a.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    ("content", "name", "code"),
    [
        ("", "a.csv", "read/empty-file"),
        ("\n\n  \n", "a.csv", "read/empty-file"),
        ("", "a.parquet", "read/empty-file"),
        ("", "a.xlsx", "read/empty-file"),
        ("\n", "a.jsonl", "read/empty-file"),
        ("a,b,c\n", "a.csv", "read/header-only"),
        ("a,b,c", "a.csv", "read/header-only"),
        ("a\n", "a.csv", "read/header-only"),
        (f"a,b,a\n1,2,{SECRET}\n", "a.csv", "read/doubled-columns"),
        (f",b\n1,{SECRET}\n", "a.csv", "read/unnamed-columns"),
        ("1.5,2,3\n4,5,6\n", "a.csv", "read/no-header"),
        (f"{SECRET},900101-1234567,F\nx,900101-1234567,M\n", "a.csv", "read/no-header"),
        (f"{SECRET},010-1234-5678\nx,y\n", "a.csv", "read/no-header"),
        (f"{SECRET},someone@example.org\nx,y\n", "a.csv", "read/no-header"),
        (f'[{{"a": 1, "b": "{SECRET}"}}, {{"a": 1, "b": "{SECRET}"}}]', "a.csv", "read/not-what-it-says"),
        (
            f"<html><body><table><tr><td>{SECRET}</td></tr>\n<tr></tr></table></body></html>",
            "a.csv",
            "read/not-what-it-says",
        ),
        (f"a,b\n1,2\n3,4,{SECRET}\n5,6\n" + "7,8\n" * 30, "a.csv", "read/ragged-rows"),
        (f'a,b\n1,"{SECRET}\n2,x\n', "a.csv", "read/unreadable-rows"),
        (f"a^b^c\n1^2^{SECRET}\n3^4^5\n6^7^8\n", "a.csv", "read/wrong-delimiter"),
        (f"a,b\n1,{SECRET}\n".encode() + b"2,\xff\xfe\xff\n", "a.csv", "read/broken-bytes"),
        (b"\xef\xbb\xbfa,b\n1,\xff\n", "a.csv", "read/broken-bytes"),
        (b"PAR1abcdefgh", "a.csv", "read/not-what-it-says"),
        (b"PK\x03\x04abcdefgh", "a.csv", "read/not-what-it-says"),
        (b"a,b\n1,\x00\x00\x01\n", "a.csv", "read/not-what-it-says"),
        (f"a,b\n1,{SECRET}\n", "a.parquet", "read/not-what-it-says"),
        (f"a,b\n1,{SECRET}\n", "a.xlsx", "read/not-what-it-says"),
        (b"PAR1 and then nothing", "a.parquet", "read/damaged"),
        (b"PK\x03\x04 and then nothing", "a.xlsx", "read/damaged"),
        (b"\x1f\x8b\x08 and then nothing", "a.csv.gz", "read/damaged"),
        (f"[1, {SECRET}]\n", "a.jsonl", "read/bad-json-line"),
        ('{"a": 1}\n[2]\n', "a.jsonl", "read/bad-json-line"),
        (f'{{"a": ["{SECRET}"]}}\n', "a.jsonl", "read/nested-column"),
        ("a,b\n1,2\n", "a.doc", "read/unknown-format"),
        ("a,b\n1,2\n", "a.db", "read/give-a-url"),
        ("a,b\n1,inf\n2,3.5\n3,-Infinity\n", "a.csv", "read/infinite"),
        ("a,b\n1,1e999\n2,3.5\n3,4\n", "a.csv", "read/infinite"),
        ("a,b\n" + "1,\n" * 20, "a.csv", "read/nothing-varies"),
    ],
)
def test_refused_with_four_parts(tmp_path: Path, content: str | bytes, name: str, code: str) -> None:
    with pytest.raises(ReadError) as caught:
        read_table(put(tmp_path, content, name))
    assert caught.value.code == code
    assert caught.value.exit_code == 1
    four_parts(caught.value)


@pytest.mark.parametrize(
    ("source", "code"),
    [
        (lambda: "/nowhere/at/all.csv", "read/no-such-file"),
        (lambda: 42, "read/unknown-object"),
        (lambda: pd.DataFrame(), "read/no-columns"),
        (lambda: pd.DataFrame({"a": []}), "read/header-only"),
        (lambda: pd.DataFrame([[1, 2]], columns=["a", "a"]), "read/doubled-columns"),
        (lambda: pd.DataFrame({"a": [1.0, np.inf], "b": [1, 2]}), "read/infinite"),
        (lambda: pd.DataFrame({"a": [[1], [2]], "b": [1, 2]}), "read/nested-column"),
        (lambda: pd.DataFrame({"a": [1, 1, 1], "b": [None, None, None]}), "read/nothing-varies"),
    ],
)
def test_objects_refused_with_four_parts(source: Callable[[], Any], code: str) -> None:
    with pytest.raises(ReadError) as caught:
        read_table(source())
    assert caught.value.code == code
    four_parts(caught.value)


def test_a_folder_and_a_near_name(tmp_path: Path) -> None:
    put(tmp_path, "a,b\n1,2\n", "people.csv")
    with pytest.raises(ReadError) as caught:
        read_table(tmp_path / "poeple.csv")
    assert "people.csv" in caught.value.part("remedy")
    with pytest.raises(ReadError) as folder:
        read_table(tmp_path)
    assert folder.value.code == "read/is-a-folder"
    four_parts(folder.value)


def noticed(source: Any, code: str) -> SynthproofError:
    found = [n for n in notices(read_table(source)) if n.code == code]
    assert found, code
    for n in found:
        four_parts(n)
    return found[0]


def test_one_row_is_read_with_a_notice_and_not_split(tmp_path: Path) -> None:
    path = put(tmp_path, "a,b\n1,x\n")
    noticed(path, "read/one-row")
    with pytest.raises(SynthproofError) as caught:
        split(read_table(path), seed=1)
    assert caught.value.code == "split/too-few-units"
    four_parts(caught.value)


def test_one_column_is_read_with_a_notice(tmp_path: Path) -> None:
    noticed(put(tmp_path, "a\n1\n2\n3\n"), "read/one-column")


def test_missing_and_constant_columns_are_kept_with_a_notice(tmp_path: Path) -> None:
    path = put(tmp_path, "a,b,c\n" + "".join(f"{i},,{SECRET}\n" for i in range(20)))
    assert noticed(path, "read/all-missing").where == "b"
    assert noticed(path, "read/constant-column").where == "c"
    table = read_table(path)
    assert table.schema.field("b").kind == "text"
    assert table.frame["b"].isna().all()
    assert table.schema.field("c").levels == (SECRET,)
    write_table(table, tmp_path / "b.csv")
    assert (tmp_path / "b.csv").read_bytes() == path.read_bytes()


def test_300_000_categories_are_no_categories(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    words = pd.Series(rng.integers(0, 2**62, 300_000)).map(
        lambda v: f"{v:x}".translate(str.maketrans("0123456789", "가나다라마바사아자차"))
    )
    frame = pd.DataFrame({"name": words, "n": np.arange(300_000) % 7})
    table = read_table(frame)
    f = table.schema.field("name")
    assert f.kind in ("text", "identifier")
    assert f.levels == ()
    error = noticed(frame.head(300_000), "read/many-categories") if f.kind == "text" else None
    assert error is None or error.where == "name"
    ids = pd.DataFrame({"code": [f"P-{i:06d}" for i in range(300_000)], "n": np.arange(300_000) % 7})
    found = read_table(ids).schema.field("code")
    assert (found.kind, found.pattern) == ("identifier", "P-[0-9]{6}")


def test_integers_beyond_64_bits_keep_every_digit(tmp_path: Path) -> None:
    big = 12345678901234567890123
    path = put(tmp_path, "big,n\n" + "".join(f"{big + i},{i}\n" for i in range(30)))
    table = read_table(path)
    assert table.schema.field("big").kind == "identifier"
    assert table.frame["big"].iloc[3] == str(big + 3)
    noticed(path, "read/beyond-64-bits")
    write_table(table, tmp_path / "b.csv")
    assert (tmp_path / "b.csv").read_bytes() == path.read_bytes()
    exact = put(tmp_path, "big,n\n" + "".join(f"{2**62 + i * i},{i}\n" for i in range(30)), "e.csv")
    assert read_table(exact).frame["big"].iloc[5] == 2**62 + 25


def test_mixed_types_are_read_as_text_and_said(tmp_path: Path) -> None:
    cells = [str(i) for i in range(60)] + [SECRET, "n/k"] * 2
    path = put(tmp_path, "v,w\n" + "".join(f"{c},x{i % 3}\n" for i, c in enumerate(cells)))
    error = noticed(path, "read/mixed-types")
    assert error.facts["numbers"] == 60
    assert read_table(path).schema.field("v").kind == "text"
    mixed = pd.DataFrame({"v": [1, "a", 2.5, None] * 10, "w": range(40)})
    assert read_table(mixed).schema.field("v").kind == "categorical"


def test_missing_target_names_the_nearest(tmp_path: Path) -> None:
    table = read_table(put(tmp_path, "income,age\n1,2\n2,3\n3,9\n"))
    with pytest.raises(SchemaError) as caught:
        with_target(table.schema, "incme")
    assert "income" in caught.value.part("remedy", "ko")
    four_parts(caught.value)


@pytest.mark.parametrize("name", ["out.csv", "out.parquet", "out.xlsx", "out.jsonl", "out.db"])
def test_unwritable_output(tmp_path: Path, name: str) -> None:
    table = read_table(pd.DataFrame({"a": range(30), "b": ["x", "y", "z"] * 10}))
    blocked = tmp_path / "file"
    blocked.write_text("here stands a file, not a folder", encoding="utf-8")
    with pytest.raises(WorkspaceError) as caught:
        write_table(table, blocked / "under" / name)
    assert caught.value.code == "workspace/unwritable"
    four_parts(caught.value)
    assert sorted(os.listdir(tmp_path)) == ["file"]


def test_too_large_for_excel(tmp_path: Path) -> None:
    table = read_table(pd.DataFrame({"a": ["x" * 40_000, "y"] * 10, "b": range(20)}))
    with pytest.raises(SynthproofError) as caught:
        write_table(table, tmp_path / "a.xlsx")
    assert caught.value.code == "write/too-large-for-excel"
    four_parts(caught.value)
    assert not (tmp_path / "a.xlsx").exists()
