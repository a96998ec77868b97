"""Any source to columns: files by their bytes, here or in object storage, databases by URL, data frames as they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from synthproof.core.errors import ReadError, did_you_mean
from synthproof.core.words import Words
from synthproof.data.balanced import KEY, counts_given, notice_of
from synthproof.data.stores import fetched, is_store
from synthproof.data.table import sniff
from synthproof.data.table.columns import Raw
from synthproof.data.table.csv_text import read_csv
from synthproof.data.table.dataset import Origin
from synthproof.data.table.native_arrow import arrow_columns, polars_columns
from synthproof.data.table.native_pandas import pandas_columns

_SUFFIXES = {
    ".csv": "csv",
    ".txt": "csv",
    ".tsv": "csv",
    ".tab": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".xlsx": "excel",
    ".xlsm": "excel",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".db": "sql",
    ".sqlite": "sql",
    ".sqlite3": "sql",
    ".duckdb": "sql",
}


def load(source: Any, *, query: str | None = None, table: str | None = None) -> Raw:
    """Return the columns of any source, not yet understood."""
    raw = _load_object(source)
    if raw is None:
        raw = _load_named(str(source), query, table)
    if told := counts_given(source):
        noted = [*raw.origin.options.get("notices", ()), notice_of(told, raw.origin.name)]
        raw = replace(raw, origin=replace(raw.origin, options={**raw.origin.options, KEY: told, "notices": noted}))
    if not raw.columns:
        raise ReadError("read/no-columns", where=raw.origin.name)
    if raw.n_rows == 0:
        raise ReadError("read/header-only", where=raw.origin.name, n=len(raw.columns))
    names = [c.name for c in raw.columns]
    if len(set(names)) < len(names):
        doubled = sorted({n for n in names if names.count(n) > 1})
        raise ReadError("read/doubled-columns", where=raw.origin.name, names=", ".join(doubled[:10]), n=len(doubled))
    return raw


def _load_object(source: Any) -> Raw | None:
    if isinstance(source, pd.DataFrame):
        options: dict[str, Any] = {}
        if source.index.name is not None or isinstance(source.index, pd.MultiIndex):
            names = ", ".join(str(n) for n in source.index.names)
            options["notices"] = [{"code": "read/index-left-out", "where": "data", "names": names}]
        if all(isinstance(n, int) for n in source.columns):
            options["number_names"] = True
        return Raw(tuple(pandas_columns(source)), Origin(container="pandas", options=options))
    family = type(source).__module__.partition(".")[0]
    if family == "polars":
        frame = source.collect() if hasattr(source, "collect") else source
        return Raw(tuple(polars_columns(frame)), Origin(container="polars"))
    if family == "pyarrow":
        table = source if hasattr(source, "column_names") and hasattr(source, "combine_chunks") else None
        if table is None and hasattr(source, "schema"):
            import pyarrow as pa

            table = pa.table(source)
        if table is not None:
            return Raw(tuple(arrow_columns(table)), Origin(container="arrow"))
    if not isinstance(source, str | Path):
        raise ReadError("read/unknown-object", type=type(source).__name__)
    return None


def _load_named(source: str, query: str | None, table: str | None) -> Raw:
    if is_store(source):
        with fetched(source) as path:
            return _load_file(path, table)
    return _load_sql(source, query, table) if "://" in source else _load_file(Path(source), table)


def _load_sql(url: str, query: str | None, table: str | None) -> Raw:
    from synthproof.data.table.sql import read_sql

    return read_sql(url, query=query, table=table)


def file_format(path: Path) -> tuple[str, str, bool]:
    """Return (format, last suffix before ``.gz``, whether packed) that a file's name asks for; format may be empty."""
    suffixes = [s.lower() for s in path.suffixes]
    packed = bool(suffixes) and suffixes[-1] == ".gz"
    last = suffixes[-2] if packed and len(suffixes) > 1 else suffixes[-1] if suffixes and not packed else ""
    return _SUFFIXES.get(last, ""), last, packed


def _load_file(path: Path, sheet: str | None) -> Raw:
    if not path.exists():
        raise ReadError("read/no-such-file", where=str(path), hint=_hint(path))
    if path.is_dir():
        raise ReadError("read/is-a-folder", where=str(path))
    form, last, _ = file_format(path)
    if not form:
        raise ReadError("read/unknown-format", where=path.name, suffix=last or "-", known=" ".join(sorted(_SUFFIXES)))
    try:
        size = path.stat().st_size
        with path.open("rb") as handle:
            head = handle.read(16)
    except OSError as error:
        raise ReadError("read/unreadable", where=str(path), reason=error.strerror or type(error).__name__) from error
    if size == 0:
        raise ReadError("read/empty-file", where=path.name)
    if form == "sql":
        raise ReadError("read/give-a-url", where=path.name, scheme="duckdb" if last == ".duckdb" else "sqlite")
    readers: Mapping[str, Callable[[], Raw]] = {
        "csv": lambda: read_csv(path, prefer="\t" if last in (".tsv", ".tab") else ""),
        "parquet": lambda: _read_parquet(path, head),
        "excel": lambda: _read_excel(path, head, sheet),
        "jsonl": lambda: _read_jsonl(path),
    }
    return readers[form]()


def _hint(path: Path) -> Words | str:
    if not path.parent.is_dir():
        return ""
    return did_you_mean(path.name, (p.name for p in path.parent.iterdir() if p.is_file()))


def _read_parquet(path: Path, head: bytes) -> Raw:
    import pyarrow as pa
    from pyarrow import parquet

    if not head.startswith(b"PAR1"):
        raise ReadError(
            "read/not-what-it-says", where=path.name, expected="Parquet", found=sniff.magic(head) or "something else"
        )
    try:
        table = parquet.ParquetFile(path).read()
    except (pa.ArrowException, OSError) as error:
        raise ReadError("read/damaged", where=path.name, format="Parquet", reason=type(error).__name__) from None
    kept = [n for n in table.column_names if not n.startswith("__index_level_")]
    return Raw(tuple(arrow_columns(table.select(kept))), Origin(container="parquet", name=path.name))


def _read_excel(path: Path, head: bytes, sheet: str | None) -> Raw:
    from synthproof.data.table.excel import read_excel

    if not head.startswith(b"PK\x03\x04"):
        raise ReadError(
            "read/not-what-it-says", where=path.name, expected="Excel (.xlsx)", found=sniff.magic(head) or "text"
        )
    return read_excel(path, sheet=sheet)


def _read_jsonl(path: Path) -> Raw:
    from synthproof.data.table.jsonl import read_jsonl

    return read_jsonl(path)


__all__ = ["file_format", "load"]
