"""Databases through a SQLAlchemy URL: a table or a query in, a database file out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types as pdt

from synthproof.core.errors import MissingExtraError, ReadError, UsageError, did_you_mean
from synthproof.core.files import whole_file
from synthproof.core.schema import Field
from synthproof.data.table.columns import Column, Raw
from synthproof.data.table.dataset import Origin, Table
from synthproof.data.table.formats import write_texts
from synthproof.data.table.native_arrow import to_arrow
from synthproof.data.table.native_pandas import pandas_series
from synthproof.data.table.objects import object_column

_DRIVERS = {"sqlite": "", "duckdb": "duckdb-engine", "postgresql": "psycopg", "mysql": "pymysql", "oracle": "oracledb"}
_FILES = ("sqlite", "duckdb")


def read_sql(url: str, *, query: str | None = None, table: str | None = None) -> Raw:
    """Return the rows of a table or query.

    Parameters
    ----------
    url
        SQLAlchemy URL, e.g. ``sqlite:///people.db``, ``duckdb:///people.duckdb``, ``postgresql+psycopg://host/db``.
    query, table
        Exactly one of them. Nothing is ever committed.

    Raises
    ------
    MissingExtraError
        ``extra/missing`` without SQLAlchemy or the driver.
    ReadError
        ``read/no-such-file``, ``read/unknown-table``, ``read/database``.
    UsageError
        ``read/no-query``.

    Notes
    -----
    The password in the URL appears in no message.
    """
    sa = _sqlalchemy()
    engine, shown = _engine(sa, url)
    try:
        try:
            known = sorted(sa.inspect(engine).get_table_names())
            if (query is None) == (table is None):
                reason = "neither given" if query is None else "both given"
                raise UsageError("read/no-query", where=shown, reason=reason, known=", ".join(known[:20]) or "-")
            if table is not None:
                statement = _whole_table(sa, engine, table, known, shown)
            else:
                statement = sa.text(str(query).replace(":", r"\:"))
            with engine.connect() as connection:
                result = connection.execute(statement)
                names = [str(k) for k in result.keys()]  # noqa: SIM118  (a result, not a mapping)
                rows = result.fetchall()
        except sa.exc.SQLAlchemyError as error:
            inner = getattr(error, "orig", None) or error
            raise ReadError("read/database", where=shown, reason=type(inner).__name__) from None
    finally:
        engine.dispose()
    columns = []
    for i, name in enumerate(names):
        cells = np.empty(len(rows), dtype=object)
        cells[:] = [row[i] for row in rows]
        columns.append(object_column(name, cells))
    kept = tuple(Column(c.name, c.texts, c.values, c.storage, c.facts) for c in columns)
    return Raw(kept, Origin(container="sql", options={"table": table or "synthetic"}, name=table or "query"))


def _sqlalchemy() -> Any:
    try:
        import sqlalchemy
    except ImportError as error:
        raise MissingExtraError("extra/missing", library="SQLAlchemy", extra="sql") from error
    return sqlalchemy


def _engine(sa: Any, url: str) -> tuple[Any, str]:
    try:
        parsed = sa.engine.make_url(url)
    except sa.exc.ArgumentError:
        raise ReadError("read/database", reason="the URL cannot be read") from None
    shown = parsed.render_as_string(hide_password=True)
    family = parsed.get_backend_name()
    place = parsed.database
    if family in _FILES and place and place != ":memory:" and not Path(place).is_file():
        # opening it would make an empty database
        raise ReadError("read/no-such-file", where=shown, hint="")
    try:
        return sa.create_engine(parsed), shown
    except (ImportError, sa.exc.NoSuchModuleError) as error:
        library = _DRIVERS.get(family, "") or f"SQLAlchemy dialect for {family}"
        raise MissingExtraError("read/no-driver", where=shown, family=family, library=library) from error


def _whole_table(sa: Any, engine: Any, table: str, known: list[str], shown: str) -> Any:
    schema, _, name = table.rpartition(".")
    views = sa.inspect(engine).get_view_names()
    if not schema and table not in known and table not in views:
        hint = did_you_mean(table, known)
        raise ReadError("read/unknown-table", where=shown, name=table, hint=hint, known=", ".join(known[:20]) or "-")
    return sa.select(sa.text("*")).select_from(sa.table(name, schema=schema or None))


def write_sql(table: Table, target: Path) -> Path:
    """Write a database file with one table: SQLite, or DuckDB for a name that ends in ``.duckdb``."""
    name = str(table.origin.options.get("table", "synthetic")).rpartition(".")[2]
    with whole_file(target) as part:
        if target.suffix.lower() == ".duckdb":
            _write_duckdb(table, part, name)
        else:
            _write_sqlite(table, part, name)
    return target


def _write_sqlite(table: Table, part: Path, name: str) -> None:
    import sqlite3

    parts = [_values(table.frame[f.name], f) for f in table.schema.fields]
    declared = ", ".join(f"{_named(f.name)} {kind}" for f, (kind, _) in zip(table.schema.fields, parts, strict=True))
    places = ", ".join("?" * len(parts))
    connection = sqlite3.connect(part)
    try:
        connection.execute(f"CREATE TABLE {_named(name)} ({declared})")
        rows = zip(*(cells for _, cells in parts), strict=True)
        connection.executemany(f"INSERT INTO {_named(name)} VALUES ({places})", rows)  # noqa: S608  (quoted names only)
        connection.commit()
    except sqlite3.Error as error:
        raise OSError(0, type(error).__name__) from None
    finally:
        connection.close()


def _named(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _values(column: pd.Series, f: Field) -> tuple[str, list[Any]]:
    """Return a column's SQLite type and its cells."""
    cells = pandas_series(column, f)
    missing = cells.isna().to_numpy(dtype=bool)
    if (
        pdt.is_bool_dtype(cells.dtype)
        or pdt.is_integer_dtype(cells.dtype)
        or f.storage in ("object:int", "object:bool")
    ):
        return "INTEGER", [None if m else int(v) for v, m in zip(cells.tolist(), missing, strict=True)]
    if pdt.is_float_dtype(cells.dtype) or f.storage in ("object:float", "object:decimal"):
        return "REAL", [None if m else float(v) for v, m in zip(cells.tolist(), missing, strict=True)]
    texts = write_texts(column, f)
    words = np.array([*texts.values.to_pylist(), f.format.get("missing") or None], dtype=object)
    return "TEXT", list(words[texts.codes])


def _write_duckdb(table: Table, part: Path, name: str) -> None:
    try:
        import duckdb
    except ImportError as error:
        raise MissingExtraError("extra/missing", library="duckdb", extra="sql") from error
    connection = duckdb.connect(str(part))
    try:
        connection.register("source", to_arrow(table))
        connection.execute(f"CREATE TABLE {_named(name)} AS SELECT * FROM source")  # noqa: S608  (quoted name)
    except duckdb.Error as error:
        raise OSError(0, type(error).__name__) from None
    finally:
        connection.close()


__all__ = ["read_sql", "write_sql"]
