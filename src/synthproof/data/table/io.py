"""Reading any source into a table, and writing a table back in the form it came in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from synthproof.core.errors import DataError, ReadError, SchemaError, nearest
from synthproof.core.files import whole_file
from synthproof.core.schema import Schema
from synthproof.data.table import formats, sniff
from synthproof.data.table.columns import Raw
from synthproof.data.table.csv_text import read_csv, write_csv
from synthproof.data.table.dataset import Origin, Table
from synthproof.data.table.infer import infer_schema
from synthproof.data.table.native_arrow import arrow_columns, polars_columns, to_arrow
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
_WRITTEN = {"csv": ".csv", "parquet": ".parquet", "excel": ".xlsx", "jsonl": ".jsonl", "sql": ".db"}


def read_table(
    source: Any, *, schema: Schema | None = None, query: str | None = None, table: str | None = None
) -> Table:
    """Return the table in a file, database or data frame.

    Parameters
    ----------
    source
        Path of CSV, TSV (also ``.gz``), Parquet, Excel or JSON lines; a SQLAlchemy URL such as ``sqlite:///people.db``;
        a pandas or polars frame; an Arrow table; or a `Table`, which is returned as it is.
    schema
        What the columns are. Absent: inferred, with reasons.
    query, table
        For a database: a SELECT or the name of a table. For Excel, `table` names the sheet.

    Returns
    -------
    Table
        Canonical columns. `notices` lists what a person should know of the data.

    Raises
    ------
    ReadError, SchemaError, MissingExtraError
        With the codes ``read/…``, ``schema/…``, ``extra/missing``.
    """
    if isinstance(source, Table):
        return source if schema is None else conform(source, schema)
    raw = load(source, query=query, table=table)
    if schema is not None:
        return _conformed(raw, schema)
    found, noted = infer_schema(raw)
    frame, read = _frame(raw, found)
    return Table(frame, read, origin=_noted(raw, noted))


def _noted(raw: Raw, noted: list[dict[str, Any]]) -> Origin:
    general: list[dict[str, Any]] = []
    if raw.n_rows == 1:
        general.append({"code": "read/one-row", "where": raw.origin.name})
    if len(raw.columns) == 1:
        general.append({"code": "read/one-column", "where": raw.origin.name, "name": raw.columns[0].name})
    still = {n["where"] for n in noted if n["code"] in ("read/constant-column", "read/all-missing")}
    if raw.n_rows > 1 and len(still) == len(raw.columns):
        raise ReadError("read/nothing-varies", where=raw.origin.name, columns=len(raw.columns), n=raw.n_rows)
    return replace(raw.origin, options={**raw.origin.options, "notices": [*general, *noted]})


def notices(table: Table) -> tuple[DataError, ...]:
    """Return what came up while reading, as four-part errors that were not raised: constant columns, mixed types …"""
    return tuple(
        DataError(n["code"], **{k: v for k, v in n.items() if k != "code"})
        for n in table.origin.options.get("notices", ())
    )


def load(source: Any, *, query: str | None = None, table: str | None = None) -> Raw:
    """Return the columns of any source, not yet understood."""
    raw = _load_object(source)
    if raw is None:
        text = str(source)
        raw = _load_sql(text, query, table) if "://" in text else _load_file(Path(text), table)
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
        if not isinstance(source.index, pd.RangeIndex) and source.index.name is not None:
            options["index"] = str(source.index.name)
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


def _hint(path: Path) -> str:
    if not path.parent.is_dir():
        return ""
    close = nearest(path.name, (p.name for p in path.parent.iterdir() if p.is_file()))
    return f"Did you mean {close}? " if close else ""


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


def _frame(raw: Raw, schema: Schema) -> tuple[pd.DataFrame, Schema]:
    readings = []
    for f in schema.fields:
        column = raw.column(f.name)
        assert column is not None
        readings.append(formats.read_column(column, f))
    frame = pd.DataFrame({r.field.name: r.column for r in readings}, columns=list(schema.names))
    return frame, replace(schema, fields=tuple(r.field for r in readings))


def conform(source: Any, schema: Schema, *, query: str | None = None, table: str | None = None) -> Table:
    """Return another source (e.g. another tool's synthetic file) read under a schema.

    Columns are brought into the schema's order. A level that the schema does not know becomes an extra level behind
    the known ones in the returned table's own schema. What cannot be read becomes missing and is counted in
    ``origin.options["unparsable"]``; fractions in integer fields are rounded and counted in ``"rounded"``; columns
    that the schema lacks are dropped and named in ``"extra_columns"``.

    Raises
    ------
    SchemaError
        ``schema/fields-differ`` when a column of the schema is missing.
    """
    if isinstance(source, Table):
        if source.schema.names == schema.names and source.schema.fingerprint() == schema.fingerprint():
            return source
        source = formats.to_native(source)
    return _conformed(load(source, query=query, table=table), schema)


def _conformed(raw: Raw, schema: Schema) -> Table:
    found = [c.name for c in raw.columns]
    extra = [n for n in found if n not in schema]
    missing = [n for n in schema.names if n not in found]
    if missing:
        stripped = {c.name.strip(): c for c in raw.columns}
        if all(n in stripped for n in missing):
            renamed = tuple(replace(c, name=c.name.strip()) if c.name not in schema else c for c in raw.columns)
            return _conformed(replace(raw, columns=renamed), schema)
        raise SchemaError(
            "schema/fields-differ", where=raw.origin.name, missing=", ".join(missing), extra=", ".join(extra) or "-"
        )
    readings = {}
    for f in schema.fields:
        column = raw.column(f.name)
        assert column is not None
        readings[f.name] = formats.read_column(column, f)
    facts: dict[str, Any] = {
        "unparsable": {n: r.unparsable for n, r in readings.items() if r.unparsable},
        "rounded": {n: r.rounded for n, r in readings.items() if r.rounded},
        "unknown_levels": {n: len(r.unknown) for n, r in readings.items() if r.unknown},
        "extra_columns": extra,
    }
    frame = pd.DataFrame({n: r.column for n, r in readings.items()}, columns=list(schema.names))
    read = replace(schema, fields=tuple(readings[n].field for n in schema.names))
    origin = replace(raw.origin, options={**raw.origin.options, **{k: v for k, v in facts.items() if v}})
    return Table(frame, read, origin=origin)


def with_target(schema: Schema, name: str) -> Schema:
    """Return the schema with one field as the target.

    Raises
    ------
    SchemaError
        ``schema/unknown-field`` with the nearest name.
    """
    return schema.add_roles("target", [name])


def write_table(table: Table, target: Path | str) -> tuple[Path, ...]:
    """Write a table, whole or not at all; values are written as in the source, and the same table gives the same bytes.

    Parameters
    ----------
    target
        File; its suffix says the format. Without a known suffix, that of the source is added.

    Raises
    ------
    WorkspaceError
        ``workspace/unwritable``.
    DataError
        ``write/not-encodable``, ``write/too-large-for-excel``.
    """
    path = Path(target)
    form, last, packed = file_format(path)
    if not form:
        form = table.origin.container if table.origin.container in _WRITTEN else "csv"
        gz = form == "csv" and table.origin.options.get("compression") == "gzip"
        packed = gz
        tab = form == "csv" and table.origin.options.get("delimiter") == "\t"
        last = ".tsv" if tab else _WRITTEN[form]
        path = path.with_name(path.name + last + (".gz" if gz else ""))
    match form:
        case "csv":
            cut = "\t" if last in (".tsv", ".tab") else None
            same = table.origin.container == "csv"
            if cut is None and same and last == ".csv" and table.origin.options.get("delimiter") == "\t":
                cut = ","
            return (write_csv(table, path, delimiter=cut, packed=packed),)
        case "parquet":
            return (_write_parquet(table, path),)
        case "excel":
            from synthproof.data.table.excel import write_excel

            return (write_excel(table, path),)
        case "jsonl":
            from synthproof.data.table.jsonl import write_jsonl

            return (write_jsonl(table, path, packed=packed),)
        case _:
            from synthproof.data.table.sql import write_sql

            return (write_sql(table, path),)


def _write_parquet(table: Table, path: Path) -> Path:
    from pyarrow import parquet

    arrow = to_arrow(table)
    with whole_file(path) as part:
        parquet.write_table(arrow, part, compression="zstd")
    return path


__all__ = ["conform", "file_format", "load", "notices", "read_table", "with_target", "write_table"]
