"""Excel workbooks: numbers and dates keep their types; text is written as text, never as a formula."""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from synthproof.core.errors import DataError, ReadError, did_you_mean
from synthproof.core.files import whole_file
from synthproof.core.schema import Field
from synthproof.data.table.columns import Column, Raw
from synthproof.data.table.dataset import Origin, Table
from synthproof.data.table.formats import write_texts
from synthproof.data.table.native_pandas import pandas_series
from synthproof.data.table.objects import object_column
from synthproof.data.table.sniff import check_names

MOST_ROWS = 1_048_576
MOST_COLUMNS = 16_384
MOST_CHARACTERS = 32_767
_EPOCH = (1980, 1, 1, 0, 0, 0)
_STAMP = b"1980-01-01T00:00:00Z"
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def read_excel(path: Path, *, sheet: str | None = None) -> Raw:
    """Return the cells of one sheet (the first when not named); formulas give their stored values.

    Raises
    ------
    ReadError
        ``read/damaged``, ``read/unknown-sheet``, ``read/empty-file``, ``read/unnamed-columns``.
    """
    import openpyxl

    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (zipfile.BadZipFile, KeyError, ValueError, OSError, TypeError) as error:
        raise ReadError("read/damaged", where=path.name, format="Excel", reason=type(error).__name__) from None
    try:
        if sheet is not None and sheet not in book.sheetnames:
            hint = did_you_mean(sheet, book.sheetnames)
            raise ReadError(
                "read/unknown-sheet", where=path.name, name=sheet, hint=hint, known=", ".join(book.sheetnames)
            )
        page = book[sheet] if sheet is not None else book[book.sheetnames[0]]
        rows = [row for row in page.iter_rows() if any(c.value is not None for c in row)]
        title = page.title
        header, columns = _columns(rows, path.name)
    finally:
        book.close()
    options = {"sheet": title}
    return Raw(
        tuple(_column(n, c) for n, c in zip(header, columns, strict=True)),
        Origin(container="excel", options=options, name=path.name),
    )


def _columns(rows: list[Any], where: str) -> tuple[list[str], list[list[Any]]]:
    if not rows:
        raise ReadError("read/empty-file", where=where)
    width = max(max((i + 1 for i, c in enumerate(row) if c.value is not None), default=0) for row in rows)
    head = [str(rows[0][i].value) if i < len(rows[0]) and rows[0][i].value is not None else "" for i in range(width)]
    blank = [i + 1 for i, name in enumerate(head) if not name.strip()]
    if blank:
        raise ReadError("read/unnamed-columns", where=where, positions=", ".join(map(str, blank[:10])), n=len(blank))
    check_names(head, where)
    return head, [[row[i] if i < len(row) else None for row in rows[1:]] for i in range(width)]


def _column(name: str, cells: list[Any]) -> Column:
    values = [c.value if c is not None else None for c in cells]
    first = next((c for c in cells if c is not None and c.value is not None), None)
    found = object_column(name, values)
    shown = getattr(first, "number_format", "General") if first is not None else "General"
    facts = dict(found.facts)
    if shown != "General" and found.values is not None:
        facts["excel"] = shown
    return Column(name, found.texts, found.values, found.storage, facts)


def write_excel(table: Table, target: Path) -> Path:
    """Write one sheet, whole or not at all; the same table gives the same bytes.

    Raises
    ------
    DataError
        ``write/too-large-for-excel`` beyond Excel's rows, columns or characters a cell; ``write/not-encodable`` for
        control characters, which XML cannot hold.
    """
    import openpyxl
    from openpyxl.cell import WriteOnlyCell

    if table.n_rows + 1 > MOST_ROWS or len(table.schema.fields) > MOST_COLUMNS:
        raise _too_large(target, f"{table.n_rows} rows, {len(table.schema.fields)} columns")
    book = openpyxl.Workbook(write_only=True)
    page = book.create_sheet(str(table.origin.options.get("sheet", "synthetic"))[:31])

    def cell(value: Any, shown: str) -> Any:
        if value is None:
            return None
        made = WriteOnlyCell(page, value=value)
        if isinstance(value, str):
            made.data_type = "s"  # openpyxl would take a leading = as a formula
        elif shown:
            made.number_format = shown
        return made

    columns = [_values(table.frame[f.name], f, target) for f in table.schema.fields]
    formats = [str(f.format.get("excel", "")) for f in table.schema.fields]
    page.append([cell(n, "") for n in table.schema.names])
    for row in zip(*columns, strict=True):
        page.append([cell(v, s) for v, s in zip(row, formats, strict=True)])
    buffer = io.BytesIO()
    book.save(buffer)
    with whole_file(target) as part:
        part.write_bytes(_timeless(buffer.getvalue()))
    return target


def _values(column: pd.Series, f: Field, target: Path) -> list[Any]:
    """Return Python values that openpyxl writes with their type; what was text at the source stays text."""
    text_at_source = (
        f.storage in ("object", "str", "string") or f.storage.startswith("string") or f.storage.endswith("string")
    )
    if f.kind == "datetime" and f.storage and not text_at_source:
        naive = column.dt.tz_localize(None) if column.dt.tz is not None else column
        stamps = naive.dt.to_pydatetime()
        missing = column.isna().to_numpy()
        if f.storage.endswith(":time"):
            return [None if m else v.time() for v, m in zip(stamps, missing, strict=True)]
        dated = f.storage in ("object:date", "date32[day]", "Date")
        return [None if m else v.date() if dated else _plain(v) for v, m in zip(stamps, missing, strict=True)]
    if not text_at_source:
        cells = pandas_series(column, f)
        if (
            cells.dtype == object
            or pd.api.types.is_numeric_dtype(cells.dtype)
            or pd.api.types.is_bool_dtype(cells.dtype)
        ):
            missing = cells.isna().to_numpy(dtype=bool)
            return [None if m else v for v, m in zip(cells.tolist(), missing, strict=True)]
    texts = write_texts(column, f)
    words = np.array([*texts.values.to_pylist(), f.format.get("missing") or None], dtype=object)
    for word in words[:-1]:
        if len(word) > MOST_CHARACTERS:
            raise _too_large(target, f"a cell of {len(word)} characters in {f.name}")
        if _CONTROL.search(word):
            raise DataError("write/not-encodable", where=f"{target.name}: {f.name}", encoding="Excel")
    return list(words[texts.codes])


def _plain(stamp: dt.datetime) -> dt.datetime:
    return dt.datetime(*stamp.timetuple()[:6], stamp.microsecond)


def _too_large(target: Path, found: str) -> DataError:
    return DataError("write/too-large-for-excel", where=target.name, found=found)


def _timeless(book: bytes) -> bytes:
    """Return the workbook without the clock: fixed times in the archive and in its properties."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            data = source.read(name)
            if name == "docProps/core.xml":
                data = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", _STAMP, data)
            info = zipfile.ZipInfo(name, date_time=_EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(info, data)
    return out.getvalue()


__all__ = ["read_excel", "write_excel"]
