"""Reading any source into a table, and writing a table back in the form it came in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, overload

import pandas as pd

from synthproof.core.errors import DataError, ReadError
from synthproof.core.files import refuse_replacing, whole_file
from synthproof.core.schema import Schema
from synthproof.data.stores import is_store, name_in_store, refuse_replacing_object, send
from synthproof.data.table import formats
from synthproof.data.table.columns import Raw
from synthproof.data.table.conform import conform, declared
from synthproof.data.table.csv_text import write_csv
from synthproof.data.table.dataset import Origin, Table
from synthproof.data.table.infer import infer_schema
from synthproof.data.table.load import file_format, load
from synthproof.data.table.native_arrow import to_arrow, with_used_levels

_WRITTEN = {"csv": ".csv", "parquet": ".parquet", "excel": ".xlsx", "jsonl": ".jsonl", "sql": ".db"}


def read_table(
    source: Any, *, schema: Schema | None = None, query: str | None = None, table: str | None = None
) -> Table:
    """Return the table in a file, database or data frame.

    Parameters
    ----------
    source
        Path of CSV, TSV (also ``.gz``), Parquet, Excel or JSON lines, or such a file's URL in object storage
        (``s3://bucket/people.parquet``, see `data.stores`); a SQLAlchemy URL such as ``sqlite:///people.db``; a pandas
        or polars frame; an Arrow table; or a `Table`, which is returned as it is.
    schema
        What the columns are; what it leaves open (levels, range, forms) is filled from the data. Absent: inferred,
        with reasons.
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
        return declared(raw, schema)
    found, noted = infer_schema(raw)
    frame, read = _frame(raw, found)
    return Table(frame, read, origin=_noted(raw, noted))


def _noted(raw: Raw, noted: list[dict[str, Any]]) -> Origin:
    general: list[dict[str, Any]] = list(raw.origin.options.get("notices", ()))
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


def _frame(raw: Raw, schema: Schema) -> tuple[pd.DataFrame, Schema]:
    readings = []
    for f in schema.fields:
        column = raw.column(f.name)
        assert column is not None
        readings.append(formats.read_column(column, f))
    frame = pd.DataFrame({r.field.name: r.column for r in readings}, columns=list(schema.names))
    return frame, replace(schema, fields=tuple(r.field for r in readings))


def with_target(schema: Schema, name: str) -> Schema:
    """Return the schema with one field as the target.

    Raises
    ------
    SchemaError
        ``schema/unknown-field`` with the nearest name.
    """
    return schema.add_roles("target", [name])


@overload
def write_table(table: Table, target: Path) -> tuple[Path, ...]: ...


@overload
def write_table(table: Table, target: Path | str) -> tuple[Path | str, ...]: ...


def write_table(table: Table, target: Path | str) -> tuple[Path | str, ...]:
    """Write a table, whole or not at all; values are written as in the source, and the same table gives the same bytes.

    Parameters
    ----------
    target
        File, or its URL in object storage; its suffix says the format. Without a known suffix, that of the source is
        added.

    Returns
    -------
    tuple
        What was written: paths, or the URLs as they may be shown.

    Raises
    ------
    WorkspaceError
        ``workspace/unwritable``; ``store/no-place``, ``store/denied``, ``store/failed``.
    DataError
        ``write/not-encodable``, ``write/too-large-for-excel``.
    """
    if isinstance(target, str) and is_store(target):
        with TemporaryDirectory(prefix="synthproof-") as folder:
            name = name_in_store(target)
            made = _write(table, Path(folder) / name)
            return (send(made, target.removesuffix(name) + made.name),)
    return (_write(table, Path(target)),)


def refuse_replacing_table(target: Path | str, origin: Origin) -> None:
    """Refuse a place at which `write_table` would replace something, once the source's suffix is added where it is.

    Raises
    ------
    WorkspaceError
        ``workspace/exists``.
    """
    if isinstance(target, str) and is_store(target):
        name = name_in_store(target)
        refuse_replacing_object(target.removesuffix(name) + placed_table(Path(name), origin).name)
    else:
        refuse_replacing(placed_table(Path(target), origin))


def placed_table(path: Path, origin: Origin) -> Path:
    """Return where `write_table` writes: the path with the suffix of the source added, where it has none that is known."""
    if file_format(path)[0]:
        return path
    form = origin.container if origin.container in _WRITTEN else "csv"
    packed = form == "csv" and origin.options.get("compression") == "gzip"
    tab = form == "csv" and origin.options.get("delimiter") == "\t"
    return path.with_name(path.name + (".tsv" if tab else _WRITTEN[form]) + (".gz" if packed else ""))


def _write(table: Table, path: Path) -> Path:
    path = placed_table(path, table.origin)
    form, last, packed = file_format(path)
    match form:
        case "csv":
            cut = "\t" if last in (".tsv", ".tab") else None
            if last == ".csv" and file_format(Path(table.origin.name))[1] in (".tsv", ".tab"):
                cut = ","
            return write_csv(table, path, delimiter=cut, packed=packed)
        case "parquet":
            return _write_parquet(table, path)
        case "excel":
            from synthproof.data.table.excel import write_excel

            return write_excel(table, path)
        case "jsonl":
            from synthproof.data.table.jsonl import write_jsonl

            return write_jsonl(table, path, packed=packed)
        case _:
            from synthproof.data.table.sql import write_sql

            return write_sql(table, path)


def _write_parquet(table: Table, path: Path) -> Path:
    from pyarrow import parquet

    arrow = with_used_levels(to_arrow(table))
    with whole_file(path) as part:
        parquet.write_table(arrow, part, compression="zstd")
    return path


__all__ = [
    "conform",
    "file_format",
    "load",
    "notices",
    "placed_table",
    "read_table",
    "refuse_replacing_table",
    "with_target",
    "write_table",
]
