"""JSON lines: one object a row; numbers, truths and texts keep their JSON type."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types as pdt

from synthproof.core.errors import ReadError
from synthproof.core.files import whole_file
from synthproof.core.schema import Field
from synthproof.data.table import sniff
from synthproof.data.table.columns import Column, Raw
from synthproof.data.table.csv_text import read_bytes
from synthproof.data.table.dataset import Origin, Table
from synthproof.data.table.formats import write_texts
from synthproof.data.table.native_pandas import pandas_series
from synthproof.data.table.objects import object_column

_ABSENT = object()
_CHUNK = 1 << 16


def read_jsonl(path: Path) -> Raw:
    """Return the cells of a JSON-lines file (plain or gzip). Columns stand in order of first appearance.

    Raises
    ------
    ReadError
        ``read/bad-json-line`` with the line's number, ``read/empty-file``, ``read/nested-column``.
    """
    data, packed = read_bytes(path)
    data, encoding = sniff.decode(data, path.name)
    text = data.decode("utf-8")
    rows = _rows(text, path.name)
    if not rows:
        raise ReadError("read/empty-file", where=path.name)
    names: dict[str, None] = {}
    for row in rows:
        if len(row) != len(names) or any(k not in names for k in row):
            names.update(dict.fromkeys(row))
    head = text[:4096]
    options = {
        "encoding": encoding,
        "compression": "gzip" if packed else "",
        "newline": "\r\n" if "\r\n" in head else "\n",
        "final_newline": text.endswith("\n"),
        "ascii": "\\u" in text,
        "spaced": '": ' in head,
    }
    return Raw(tuple(_column(n, rows) for n in names), Origin(container="jsonl", options=options, name=path.name))


def _rows(text: str, where: str) -> list[dict[str, Any]]:
    rows = []
    # only \n ends a record: splitlines() would also cut at characters that JSON allows inside texts
    for i, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        if not isinstance(row, dict):
            raise ReadError("read/bad-json-line", where=where, line=i)
        rows.append(row)
    return rows


def _column(name: str, rows: list[dict[str, Any]]) -> Column:
    cells = [row.get(name, _ABSENT) for row in rows]
    absent = sum(c is _ABSENT for c in cells)
    nulls = sum(c is None for c in cells)
    values = np.empty(len(cells), dtype=object)
    values[:] = [None if c is _ABSENT else c for c in cells]
    found = object_column(name, values)
    facts = dict(found.facts)
    if absent > nulls:
        facts["absent"] = True
    if found.storage == "object:float" and any(type(c) is int for c in cells):
        facts["whole_as_int"] = True
    return Column(name, found.texts, found.values, found.storage, facts)


def write_jsonl(table: Table, target: Path, *, packed: bool = False) -> Path:
    """Write one JSON object a row, whole or not at all; the same table gives the same bytes."""
    options = table.origin.options if table.origin.container == "jsonl" else {}
    ascii_only, spaced = bool(options.get("ascii")), bool(options.get("spaced", True))
    colon, comma = (": ", ", ") if spaced else (":", ",")
    columns = []
    for f in table.schema.fields:
        key = json.dumps(f.name, ensure_ascii=ascii_only) + colon
        absent = None if f.format.get("absent") else f"{key}null"
        columns.append([absent if v is None else key + v for v in _fragments(table.frame[f.name], f, ascii_only)])
    newline = str(options.get("newline", "\n"))
    lines = ["{" + comma.join([c for c in row if c is not None]) + "}" for row in zip(*columns, strict=True)]
    text = newline.join(lines) + (newline if options.get("final_newline", True) else "")
    data = text.encode(str(options.get("encoding", "utf-8")))
    with whole_file(target) as part:
        part.write_bytes(gzip.compress(data, mtime=0) if packed else data)
    return target


def _fragments(column: pd.Series, f: Field, ascii_only: bool) -> list[str | None]:
    """Return each cell as JSON text; ``None`` where it is missing."""
    cells = pandas_series(column, f)
    missing = cells.isna().to_numpy(dtype=bool)
    if pdt.is_bool_dtype(cells.dtype):
        return [None if m else "true" if v else "false" for v, m in zip(cells, missing, strict=True)]
    if pdt.is_numeric_dtype(cells.dtype) or f.storage.startswith(
        ("object:int", "object:bigint", "object:float", "object:bool")
    ):
        whole = bool(f.format.get("whole_as_int"))
        return [None if m else _number(v, whole) for v, m in zip(cells.tolist(), missing, strict=True)]
    texts = write_texts(column, f)
    token = f.format.get("missing")
    gap = json.dumps(token, ensure_ascii=ascii_only) if token else None
    words = np.array([*(json.dumps(w, ensure_ascii=ascii_only) for w in texts.values.to_pylist()), gap], dtype=object)
    return list(words[texts.codes])


def _number(value: Any, whole: bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if whole and isinstance(value, float) and value.is_integer():
        return str(int(value))
    return repr(value)


__all__ = ["read_jsonl", "write_jsonl"]
