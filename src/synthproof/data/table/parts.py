"""Sources that can be read from front to end in batches of rows, again and again: Parquet parts and delimited text."""

from __future__ import annotations

import codecs
import gzip
from abc import ABC, abstractmethod
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from synthproof.core.errors import ReadError
from synthproof.data.stores import is_store, kept_while
from synthproof.data.table import sniff
from synthproof.data.table.columns import Column, Raw, Texts
from synthproof.data.table.csv_text import arrow_manner, shown
from synthproof.data.table.dataset import Origin
from synthproof.data.table.load import file_format
from synthproof.data.table.native_arrow import arrow_column

_BATCH = 1 << 16  # rows
_BLOCK = 1 << 24  # bytes of text parsed at a time
_HEAD = 1 << 22  # bytes of text by which encoding and manner are judged
_GZIP = b"\x1f\x8b"


class Parts(ABC):
    """The rows of a source in their order.

    Parameters
    ----------
    files
        In reading order.
    """

    comma_is_point: bool = False

    def __init__(self, files: tuple[Path, ...]) -> None:
        self.files = files

    @property
    @abstractmethod
    def origin(self) -> Origin:
        """What the user gave."""

    @property
    @abstractmethod
    def n_rows(self) -> int:
        """Number of rows in all files."""

    @abstractmethod
    def batches(self) -> Iterator[Any]:
        """Yield Arrow record batches of one schema, anew from the first row at each call."""

    @abstractmethod
    def empty(self) -> Any:
        """Return an Arrow table of the batches' schema without rows."""

    def column(self, name: str, cells: Any) -> Column:
        """Return one column of some rows, not yet understood."""
        return arrow_column(name, cells)

    def raw(self, cells: Any, origin: Origin | None = None) -> Raw:
        """Return the columns of some rows (an Arrow table), not yet understood."""
        columns = tuple(self.column(name, cells.column(i)) for i, name in enumerate(cells.column_names))
        return Raw(columns, origin or self.origin)


class ParquetParts(Parts):
    """One Parquet file, or several of the same columns."""

    def __init__(self, files: tuple[Path, ...], name: str) -> None:
        super().__init__(files)
        self._name = name

    @cached_property
    def _read(self) -> tuple[Any, int]:
        """Return the columns' common schema and the number of rows, from the files' footers alone."""
        schemas, rows = [], 0
        for path in self.files:
            file = _opened(path)
            kept = [f for f in file.schema_arrow if not f.name.startswith("__index_level_")]
            schemas.append(pa.schema(kept))
            rows += file.metadata.num_rows
        first = schemas[0]
        for path, other in zip(self.files, schemas, strict=True):
            if other.names != first.names:
                missing = [n for n in first.names if n not in other.names]
                extra = [n for n in other.names if n not in first.names]
                raise ReadError(
                    "read/parts-differ",
                    where=path.name,
                    missing=", ".join(missing) or "-",
                    extra=", ".join(extra) or "-",
                )
        try:
            common = pa.unify_schemas(schemas, promote_options="permissive")
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            raise ReadError("read/parts-differ", where=self._name, missing="-", extra="-") from None
        return common, rows

    @property
    def origin(self) -> Origin:
        """What the user gave."""
        return Origin(container="parquet", name=self._name)

    @property
    def n_rows(self) -> int:
        """Number of rows in all files."""
        return int(self._read[1])

    def batches(self) -> Iterator[Any]:
        """Yield Arrow record batches."""
        common = self._read[0]
        for path in self.files:
            try:
                for batch in _opened(path).iter_batches(_BATCH, columns=common.names):
                    yield batch if batch.schema.equals(common) else batch.cast(common)
            except (pa.ArrowException, OSError) as error:
                raise _damaged(path, error) from None

    def empty(self) -> Any:
        """Return a table without rows."""
        return self._read[0].empty_table()


class TextParts(Parts):
    """One file of delimited text, plain or gzip; every cell is text."""

    def __init__(self, path: Path) -> None:
        super().__init__((path,))
        self._path = path
        tab = file_format(path)[1] in (".tsv", ".tab")
        with path.open("rb") as handle:
            self._packed = handle.read(2) == _GZIP
        head = self._head()
        body, self._encoding = sniff.decode(head, path.name)
        self._how = sniff.manner(body, path.name, prefer="\t" if tab else "")
        self.comma_is_point = self._how.delimiter != ","

    def _head(self) -> bytes:
        """Return the first whole lines: enough for encoding and manner."""
        with self._open() as handle:
            head = handle.read(_HEAD)
            more = bool(handle.read(1))
        if not head:
            raise ReadError("read/empty-file", where=self._path.name)
        if not more:
            return head
        wide = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        cut = head.rfind(b"\n")
        if wide:
            cut = len(head) - len(head) % 2 - 1
        return head[: cut + 1] if cut > 0 else head

    def _open(self) -> IO[bytes]:
        return gzip.open(self._path, "rb") if self._packed else self._path.open("rb")  # type: ignore[return-value]

    def _ends_in_newline(self) -> bool:
        """Return whether the last line ends; of a packed file it is taken as given."""
        if self._packed:
            return True
        with self._path.open("rb") as handle:
            handle.seek(-min(2, self._path.stat().st_size), 2)
            return handle.read().strip(b"\x00")[-1:] in (b"\n", b"\r")

    @cached_property
    def origin(self) -> Origin:
        """What the user gave."""
        how = self._how
        options: dict[str, Any] = {
            "encoding": self._encoding,
            "delimiter": how.delimiter,
            "newline": how.newline,
            "compression": "gzip" if self._packed else "",
            "final_newline": self._ends_in_newline(),
            "quoted_header": how.quoted_header,
            "quoted": [how.header[j] for j in how.quoted],
            "quoted_missing": how.quoted_missing,
        }
        return Origin(container="csv", options=options, name=self._path.name)

    @cached_property
    def n_rows(self) -> int:
        """Number of rows; counting them is one pass over the file."""
        return sum(batch.num_rows for batch in self.batches())

    def batches(self) -> Iterator[Any]:
        """Yield Arrow record batches of text columns."""
        from pyarrow import csv as arrow_csv

        where, names = self._path.name, list(self._how.header)
        ragged: list[int] = []

        def on_ragged(row: Any) -> str:
            ragged.append(int(row.actual_columns))
            return "skip"

        seen = 0
        try:
            with self._open() as handle:
                stream = _utf8(handle, self._encoding)
                _skip(stream, self._how.body)
                options = arrow_manner(self._how, names, on_ragged, block=_BLOCK)
                for batch in arrow_csv.open_csv(stream, **options):
                    if ragged:
                        break
                    seen += batch.num_rows
                    yield batch
        except pa.ArrowInvalid:
            raise ReadError("read/unreadable-rows", where=where, delimiter=shown(self._how.delimiter)) from None
        except UnicodeDecodeError as error:
            raise ReadError(
                "read/broken-bytes", where=where, encoding=self._encoding, position=error.start, line=seen + 2
            ) from None
        except (OSError, EOFError) as error:
            raise _damaged(self._path, error) from None
        if ragged:
            raise ReadError(
                "read/ragged-rows",
                where=where,
                n=len(ragged),
                first=seen + 1,
                expected=len(names),
                actual=ragged[0],
                delimiter=shown(self._how.delimiter),
            )

    def empty(self) -> Any:
        """Return a table without rows."""
        return pa.schema([(n, pa.large_string()) for n in self._how.header]).empty_table()

    def column(self, name: str, cells: Any) -> Column:
        """Return one column of text."""
        return Column(name, texts=Texts.of_arrow(cells))


def open_parts(source: Path | str) -> Parts:
    """Return the rows of a Parquet file, a folder of Parquet parts, or a file of delimited text.

    A file in object storage is copied to this machine for as long as its rows are in use.

    Raises
    ------
    ReadError
        ``read/no-such-file``, ``read/no-parts``, ``read/not-in-chunks``, ``read/header-only``, ``read/parts-differ`` …
    """
    if is_store(source):
        return kept_while(str(source), open_parts)
    source = Path(source)
    if not source.exists():
        raise ReadError("read/no-such-file", where=str(source), hint="")
    if source.is_dir():
        files = tuple(sorted(p for p in source.iterdir() if file_format(p)[0] == "parquet" and p.name[0] not in "._"))
        if not files:
            raise ReadError("read/no-parts", where=str(source))
        found: Parts = ParquetParts(files, source.name)
    else:
        form, last, _ = file_format(source)
        if form == "parquet":
            found = ParquetParts((source,), source.name)
        elif form == "csv":
            found = TextParts(source)
        else:
            raise ReadError("read/not-in-chunks", where=source.name, suffix=last or "-")
    if found.n_rows == 0:
        raise ReadError("read/header-only", where=source.name, n=found.empty().num_columns)
    if not found.empty().num_columns:
        raise ReadError("read/no-columns", where=source.name)
    return found


def _opened(path: Path) -> Any:
    from pyarrow import parquet

    try:
        return parquet.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise _damaged(path, error) from None


def _damaged(path: Path, error: Exception) -> ReadError:
    form = "Parquet" if file_format(path)[0] == "parquet" else "text"
    return ReadError("read/damaged", where=path.name, format=form, reason=type(error).__name__)


class _Recoded:
    """Bytes of any encoding as UTF-8 bytes, for Arrow's reader."""

    def __init__(self, handle: IO[bytes], encoding: str) -> None:
        self._handle = handle
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._held = b""
        self._ended = False
        self.closed = False

    def read(self, size: int = -1) -> bytes:
        while not self._ended and (size < 0 or len(self._held) < size):
            raw = self._handle.read(_BLOCK)
            self._ended = not raw
            self._held += self._decoder.decode(raw, final=self._ended).encode("utf-8")
        cut = len(self._held) if size < 0 else size
        out, self._held = self._held[:cut], self._held[cut:]
        return out

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self.closed = True


def _utf8(handle: IO[bytes], encoding: str) -> Any:
    # Also UTF-8 is decoded: a broken byte must be found here, not in a cell.
    return pa.PythonFile(_Recoded(handle, encoding), mode="r")


def _skip(stream: Any, n: int) -> None:
    while n > 0:
        got = len(stream.read(min(n, _BLOCK)))
        if not got:
            return
        n -= got


__all__ = ["ParquetParts", "Parts", "TextParts", "open_parts"]
