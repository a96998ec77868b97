"""What a text file is: its encoding, line ends, delimiter and quoting; and whether it is a text file at all."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from synthproof.core.errors import ReadError

DELIMITERS = (",", "\t", ";", "|")
_UNREAD = ("^", "~", "¦", "#", ":", "\x01", " ")
_SAMPLE = 1 << 18
_ROWS = 200
_MAGIC = (
    (b"PAR1", "Parquet"),
    (b"PK\x03\x04", "Excel (.xlsx) or zip"),
    (b"\x1f\x8b", "gzip"),
    (b"SQLite format 3\x00", "SQLite"),
    (b"%PDF", "PDF"),
    (b"\xd0\xcf\x11\xe0", "old Excel (.xls)"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ", "xz"),
    (b"\x28\xb5\x2f\xfd", "Zstandard"),
    (b"ARROW1", "Arrow file"),
    (b"\x89PNG", "PNG image"),
    (b"\x93NUMPY", "NumPy array"),
)


_MARKUP = (
    (re.compile(rb"\s*(?:\[\s*)?\{\s*\""), "JSON"),
    (re.compile(rb"\s*<(?:!doctype|html|\?xml|table)\b", re.I), "HTML or XML"),
)
# Shapes that only a person's data have: where the first line holds one, it is a row and must not become column names.
_PERSONAL = re.compile(
    r"(?<!\d)\d{6}-?[1-8]\d{6}(?!\d)|(?<!\d)01\d[- ]?\d{3,4}[- ]?\d{4}(?!\d)|[\w.+-]+@[\w-]+\.[\w.]+"
)


@dataclass(frozen=True, slots=True)
class Manner:
    """How a delimited text file is written.

    Parameters
    ----------
    delimiter, quote
        One character each.
    newline
        ``"\\n"``, ``"\\r\\n"`` or ``"\\r"``.
    header
        Column names.
    body
        Where the first row after the header starts, in bytes.
    quoted_header
        Whether header cells are quoted without need.
    quoted
        Positions of columns whose cells are quoted without need.
    quoted_missing
        Whether empty cells of quoted columns are quoted too.
    """

    delimiter: str
    quote: str
    newline: str
    header: tuple[str, ...]
    body: int
    quoted_header: bool
    quoted: tuple[int, ...]
    quoted_missing: bool


def magic(head: bytes) -> str:
    """Return the name of the binary format that the first bytes show, or an empty string."""
    return next((name for mark, name in _MAGIC if head.startswith(mark)), "")


def decode(data: bytes, where: str) -> tuple[bytes, str]:
    """Return (UTF-8 bytes without mark, encoding): UTF-8 with or without mark, UTF-16 with mark, else Korean CP949.

    Raises
    ------
    ReadError
        ``read/not-what-it-says`` for binary bytes, ``read/broken-bytes`` when no encoding fits, with the first place.
    """
    if found := magic(data[:16]):
        raise ReadError("read/not-what-it-says", where=where, expected="text", found=found)
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _checked(data, "utf-16", where).encode("utf-8"), "utf-16"
    if b"\x00" in data:
        raise ReadError("read/not-what-it-says", where=where, expected="text", found="binary")
    if data.startswith(codecs.BOM_UTF8):
        _checked(data, "utf-8-sig", where)
        return data[len(codecs.BOM_UTF8) :], "utf-8-sig"
    first = _stops(data, "utf-8")
    if first < 0:
        return data, "utf-8"
    second = _stops(data, "cp949")
    if second < 0:
        return data.decode("cp949").encode("utf-8"), "cp949"
    # the encoding that goes further is the likelier one; the place is where it stops
    _checked(data, "utf-8" if first >= second else "cp949", where)
    raise AssertionError("one of the two encodings had stopped")


def _stops(data: bytes, encoding: str) -> int:
    try:
        data.decode(encoding)
    except UnicodeDecodeError as error:
        return error.start
    return -1


def _checked(data: bytes, encoding: str, where: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        at, line = error.start, data[: error.start].count(b"\n") + 1
    raise ReadError("read/broken-bytes", where=where, encoding=encoding, position=at, line=line)


def manner(data: bytes, where: str, *, prefer: str = "") -> Manner:
    """Return how the text is written.

    Parameters
    ----------
    data
        The whole file as UTF-8.
    prefer
        Delimiter that the file's name suggests (a tab for ``.tsv``).

    Raises
    ------
    ReadError
        ``read/empty-file``, ``read/wrong-delimiter``, ``read/no-header`` or ``read/doubled-columns``.
    """
    if not data or data.isspace():
        raise ReadError("read/empty-file", where=where)
    for mark, found in _MARKUP:
        if mark.match(data[:4096]):
            raise ReadError("read/not-what-it-says", where=where, expected="CSV or TSV", found=found)
    head = _whole_lines(data)
    delimiter = _delimiter(head, where, prefer)
    header, body = _first_record(head, delimiter)
    newline = "\r\n" if head[body - 2 : body] == "\r\n" else "\r" if head[body - 1 : body] == "\r" else "\n"
    _check_header(header, where)
    rows = _tokens(head, delimiter)
    quoted_header = bool(rows) and all(q for _, q in rows[0])
    quoted, quoted_missing = _quoted_columns(rows[1:], len(header), delimiter)
    start = len(head[:body].encode("utf-8"))
    return Manner(delimiter, '"', newline, tuple(header), start, quoted_header, quoted, quoted_missing)


def _whole_lines(data: bytes) -> str:
    """Return the first lines, enough to judge by."""
    if len(data) <= _SAMPLE:
        return data.decode("utf-8")
    cut = data.rfind(b"\n", 0, _SAMPLE)
    if cut < 0:
        cut = data.find(b"\n", _SAMPLE)
    return data[: cut + 1 if cut >= 0 else len(data)].decode("utf-8")


def _delimiter(head: str, where: str, prefer: str) -> str:
    scores: dict[str, tuple[float, int]] = {}
    for d in DELIMITERS:
        rows = _rows(head, d)
        width = len(rows[0]) if rows else 1
        if width > 1:
            same = sum(len(r) == width for r in rows) / len(rows)
            scores[d] = (same, width)
    good = {d: s for d, s in scores.items() if s[0] >= 0.9}
    if prefer in good:
        return prefer
    if good:
        # the most columns among the consistent ones: a comma inside every cell is rarer than a column
        return max(good, key=lambda d: (good[d][0] == 1.0, good[d][1], -DELIMITERS.index(d)))
    if scores:
        return max(scores, key=lambda d: scores[d])
    _refuse_strange_delimiter(head, where)
    return prefer or ","


def _refuse_strange_delimiter(head: str, where: str) -> None:
    lines = [line for line in head.splitlines()[:_ROWS] if line]
    for d in _UNREAD:
        counts = Counter(line.count(d) for line in lines)
        times, rows = counts.most_common(1)[0]
        if (
            times >= 1
            and rows == len(lines) >= 3
            and lines[0].count(d) == times
            and (times >= 2 or d not in " :#")
            and (times >= 3 or d != " ")
        ):
            name = {" ": "space", "\x01": "control-A"}.get(d, d)
            raise ReadError("read/wrong-delimiter", where=where, delimiter=name, times=times, rows=rows)


def _rows(head: str, delimiter: str) -> list[list[str]]:
    out: list[list[str]] = []
    csv.field_size_limit(1 << 30)
    try:
        for row in csv.reader(io.StringIO(head, newline=""), delimiter=delimiter):
            if row:
                out.append(row)
            if len(out) >= _ROWS:
                break
    except csv.Error:
        return out
    return out


def _first_record(text: str, delimiter: str) -> tuple[list[str], int]:
    """Return the first record that is not blank, and where the next one starts."""
    start = 0
    while start < len(text) and text[start] in "\r\n":
        start += 1
    inside, at = False, start
    while at < len(text):
        c = text[at]
        if c == '"':
            inside = not inside
        elif c in "\r\n" and not inside:
            break
        at += 1
    cells = next(csv.reader(io.StringIO(text[start:at], newline=""), delimiter=delimiter), [])
    if text[at : at + 2] == "\r\n":
        return cells, at + 2
    return cells, min(at + 1, len(text))


def _check_header(header: Sequence[str], where: str) -> None:
    blank = [i + 1 for i, name in enumerate(header) if not name.strip()]
    if blank:
        raise ReadError("read/unnamed-columns", where=where, positions=", ".join(map(str, blank[:10])), n=len(blank))
    check_names(header, where)
    doubled = sorted(name for name, times in Counter(header).items() if times > 1)
    if doubled:
        raise ReadError("read/doubled-columns", where=where, names=", ".join(doubled[:10]), n=len(doubled))


def check_names(header: Sequence[str], where: str) -> None:
    """Refuse a first line that is a row of data: its cells would be told as column names everywhere.

    Raises
    ------
    ReadError
        ``read/no-header``, with counts only.
    """
    numbers = sum(_is_number(name) for name in header)
    personal = sum(bool(_PERSONAL.search(name)) for name in header)
    if personal or (len(header) > 1 and numbers == len(header)):
        raise ReadError("read/no-header", where=where, n=len(header), numbers=numbers, personal=personal)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    # years and ages as column names of a wide table are whole numbers without sign; such a header is honest only
    # when it is not the first row of data, which shows by a fraction or sign, or by all being numbers
    return True


def _tokens(head: str, delimiter: str) -> list[list[tuple[str, bool]]]:
    """Return the first rows as (cell, was quoted)."""
    out: list[list[tuple[str, bool]]] = []
    row: list[tuple[str, bool]] = []
    at, n = 0, len(head)
    while at < n and len(out) <= _ROWS:
        if head[at] == '"':
            end = at + 1
            while end < n:
                if head[end] == '"':
                    if head[end + 1 : end + 2] != '"':
                        break
                    end += 1
                end += 1
            row.append((head[at + 1 : end], True))
            at = end + 1
        else:
            end = at
            while end < n and head[end] not in (delimiter, "\n", "\r"):
                end += 1
            row.append((head[at:end], False))
            at = end
        if at < n and head[at] == delimiter:
            at += 1
            if at >= n or head[at] in "\r\n":
                row.append(("", False))
            else:
                continue
        if at >= n or head[at] in "\r\n":
            at += 2 if head[at : at + 2] == "\r\n" else 1
            out.append(row)
            row = []
    return [r for r in out if r != [("", False)]]


def _quoted_columns(rows: list[list[tuple[str, bool]]], width: int, delimiter: str) -> tuple[tuple[int, ...], bool]:
    needless = [0] * width
    plain = [0] * width
    empty = Counter[bool]()
    for row in rows:
        if len(row) != width:
            continue
        for j, (cell, was) in enumerate(row):
            if cell in ("", "NA"):
                empty[was] += 1
            elif was and not needs_quotes(cell, delimiter):
                needless[j] += 1
            elif not was:
                plain[j] += 1
    quoted = tuple(j for j in range(width) if needless[j] and not plain[j])
    return quoted, bool(quoted) and empty[True] > empty[False]


def needs_quotes(cell: str, delimiter: str) -> bool:
    """Return whether a cell must stand in quotes to be read back."""
    return any(c in cell for c in (delimiter, '"', "\n", "\r"))


__all__ = ["DELIMITERS", "Manner", "decode", "magic", "manner", "needs_quotes"]
