"""Delimited text: every cell is read as it stands, and written back in the manner of the source."""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthproof.core.errors import DataError, ReadError
from synthproof.core.files import whole_file
from synthproof.data.table import sniff
from synthproof.data.table.columns import Column, Raw, Texts
from synthproof.data.table.dataset import Origin, Table
from synthproof.data.table.formats import write_texts

_CHUNK = 1 << 16
_GZIP = b"\x1f\x8b"


def read_csv(path: Path, *, prefer: str = "") -> Raw:
    """Return the cells of a CSV or TSV file, all as text.

    Parameters
    ----------
    path
        Plain or gzip file; the bytes decide, not the name.
    prefer
        Delimiter that the name suggests.

    Raises
    ------
    ReadError
        ``read/empty-file``, ``read/header-only``, ``read/ragged-rows``, ``read/broken-bytes``, ``read/doubled-columns``,
        ``read/wrong-delimiter``, ``read/not-what-it-says`` …

    Notes
    -----
    Holds the file in memory. Cost O(bytes): Arrow parses, Python only looks at the head.
    """
    data, packed = read_bytes(path)
    where = path.name
    data, encoding = sniff.decode(data, where)
    how = sniff.manner(data, where, prefer=prefer)
    final = data.endswith((b"\n", b"\r"))
    body = memoryview(data)[how.body :]
    if len(how.header) == 1:
        # a blank line is a missing cell there, but those at the end are none
        body = memoryview(data[how.body :].rstrip(b"\r\n") + how.newline.encode())
    if not bytes(body[:4096]).strip() and not bytes(body).strip():
        raise ReadError("read/header-only", where=where, n=len(how.header))
    if data.count(b'"', how.body) % 2:
        _refuse_open_quote(data[how.body :], how, where)
    cells = _parse(body, how, where)
    columns = tuple(Column(name, texts=t) for name, t in zip(how.header, cells, strict=True))
    options: dict[str, Any] = {
        "encoding": encoding,
        "delimiter": how.delimiter,
        "newline": how.newline,
        "compression": "gzip" if packed else "",
        "final_newline": final,
        "quoted_header": how.quoted_header,
        "quoted": [how.header[j] for j in how.quoted],
        "quoted_missing": how.quoted_missing,
    }
    return Raw(columns, Origin(container="csv", options=options, name=where))


def read_bytes(path: Path) -> tuple[bytes, bool]:
    """Return a file's bytes, unpacked when they are gzip, and whether they were."""
    data = path.read_bytes()
    if not data.startswith(_GZIP):
        return data, False
    try:
        return gzip.decompress(data), True
    except (OSError, EOFError, zlib.error) as error:
        raise ReadError("read/damaged", where=path.name, format="gzip", reason=type(error).__name__) from None


def _parse(body: memoryview, how: sniff.Manner, where: str) -> list[Texts]:
    from pyarrow import csv as arrow_csv

    names = [f"c{i}" for i in range(len(how.header))]
    ragged: list[tuple[int, int]] = []

    def on_ragged(row: Any) -> str:
        ragged.append((row.number or 0, row.actual_columns))
        return "skip"

    try:
        block = min(max(len(body), 1 << 16), 1 << 30)
        options = arrow_manner(how, names, on_ragged, block=block)
        table = arrow_csv.read_csv(pa.BufferReader(pa.py_buffer(body)), **options)
    except pa.ArrowInvalid:
        # Arrow's text would quote the row itself
        raise ReadError("read/unreadable-rows", where=where, delimiter=shown(how.delimiter)) from None
    if ragged:
        first, actual = ragged[0]
        raise ReadError(
            "read/ragged-rows",
            where=where,
            n=len(ragged),
            first=first + 1,
            expected=len(names),
            actual=actual,
            delimiter=shown(how.delimiter),
        )
    return [Texts.of_arrow(table.column(i)) for i in range(len(names))]


def arrow_manner(how: sniff.Manner, names: list[str], on_ragged: Any, *, block: int) -> dict[str, Any]:
    """Return the options under which Arrow reads every cell as it stands.

    Parameters
    ----------
    block
        Bytes parsed at a time.
    """
    from pyarrow import csv as arrow_csv

    return {
        # one thread: only then does Arrow know row numbers; dictionaries come out in file order, too
        "read_options": arrow_csv.ReadOptions(column_names=names, block_size=block, use_threads=False),
        "parse_options": arrow_csv.ParseOptions(
            delimiter=how.delimiter,
            quote_char=how.quote,
            double_quote=True,
            newlines_in_values=True,
            ignore_empty_lines=len(names) > 1,
            invalid_row_handler=on_ragged,
        ),
        "convert_options": arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.large_string()),
            strings_can_be_null=False,
            quoted_strings_can_be_null=False,
            check_utf8=False,
        ),
    }


def _refuse_open_quote(body: bytes, how: sniff.Manner, where: str) -> None:
    """Refuse a quoted cell that is never closed: Arrow would take the rest of the file as that cell."""
    lines = io.TextIOWrapper(io.BytesIO(body), encoding="utf-8", newline="")
    try:
        for _ in csv.reader(lines, delimiter=how.delimiter, strict=True):
            pass
    except csv.Error:
        raise ReadError("read/unreadable-rows", where=where, delimiter=shown(how.delimiter)) from None


def shown(delimiter: str) -> str:
    """Return a delimiter's name, as messages say it."""
    return {"\t": "tab", ",": "comma", ";": "semicolon", "|": "vertical bar"}.get(delimiter, delimiter)


def write_csv(table: Table, target: Path, *, delimiter: str | None = None, packed: bool | None = None) -> Path:
    """Write a table as delimited text in the manner of its source, whole or not at all.

    Parameters
    ----------
    delimiter, packed
        What the target's name asks for; absent: as the source was.

    Raises
    ------
    DataError
        ``write/not-encodable`` when the source's encoding lacks a character.
    WorkspaceError
        ``workspace/unwritable``.

    Notes
    -----
    Cells are written as they are: a category such as ``=A1`` comes from the data and is not altered here. The same
    table gives the same bytes.
    """
    options = table.origin.options if table.origin.container == "csv" else {}
    gz = packed if packed is not None else options.get("compression") == "gzip"
    encoding = options.get("encoding", "utf-8")
    with whole_file(target) as part, part.open("wb") as plain:
        if not gz:
            _write_to(table, plain, options, delimiter, encoding, target)
        else:
            with gzip.GzipFile(filename="", mode="wb", fileobj=plain, mtime=0, compresslevel=6) as packed_file:
                _write_to(table, packed_file, options, delimiter, encoding, target)
    return target


def _write_to(table: Table, out: Any, options: Any, delimiter: str | None, encoding: str, target: Path) -> None:
    try:
        first = True
        for text in csv_pieces(table, options, delimiter):
            out.write(text.encode(encoding if first else _without_mark(encoding)))
            first = False
    except UnicodeEncodeError:
        raise DataError("write/not-encodable", where=target.name, encoding=encoding) from None


def _without_mark(encoding: str) -> str:
    return {"utf-8-sig": "utf-8", "utf-16": "utf-16-le"}.get(encoding, encoding)


def csv_pieces(table: Table, options: Any, delimiter: str | None = None) -> Iterator[str]:
    """Yield the text of a table: the header, then pieces of many rows."""
    cut = delimiter or options.get("delimiter", ",")
    newline = options.get("newline", "\n")
    names = [_quoted(n, cut, bool(options.get("quoted_header"))) for n in table.schema.names]
    yield cut.join(names) + newline
    always = set(options.get("quoted", ()))
    columns = []
    for f in table.schema.fields:
        texts = write_texts(table.frame[f.name], f)
        missing = str(f.format.get("missing", ""))
        if len(names) == 1 and missing == "":
            missing = '""'
        elif f.name in always and options.get("quoted_missing"):
            missing = f'"{missing}"'
        words = pa.concat_arrays(
            [_in_quotes(texts.values, cut, f.name in always), pa.array([missing], pa.large_string())]
        )
        codes = np.where(texts.codes < 0, len(texts.values), texts.codes)
        columns.append((words, codes))
    n = table.n_rows
    for start in range(0, n, _CHUNK):
        rows = [words.take(pa.array(codes[start : start + _CHUNK])) for words, codes in columns]
        joined = pc.binary_join_element_wise(*rows, pa.scalar(cut, pa.large_string())) if len(rows) > 1 else rows[0]
        last = start + _CHUNK >= n and not options.get("final_newline", True)
        yield newline.join(joined.to_pylist()) + ("" if last else newline)


def _quoted(cell: str, delimiter: str, always: bool) -> str:
    return '"' + cell.replace('"', '""') + '"' if always or sniff.needs_quotes(cell, delimiter) else cell


def _in_quotes(words: Any, delimiter: str, always: bool) -> Any:
    if isinstance(words, pa.ChunkedArray):
        words = words.combine_chunks()
    doubled = pc.replace_substring(words, '"', '""')
    mark, nothing = pa.scalar('"', pa.large_string()), pa.scalar("", pa.large_string())
    wrapped = pc.binary_join_element_wise(mark, doubled, mark, nothing)
    if always:
        return wrapped
    need = pc.match_substring_regex(words, f'[{re.escape(delimiter)}"\n\r]')
    return pc.if_else(need, wrapped, words)


__all__ = ["arrow_manner", "csv_pieces", "read_bytes", "read_csv", "shown", "write_csv"]
