"""Marks inside the files: Parquet and PNG say that they are synthetic and of which release. CSV stays free of them.

A CSV file has no place for a mark that is not data, so it is named by its digest in the manifest alone.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from synthproof.core.errors import DataError
from synthproof.data.table.dataset import Table
from synthproof.data.table.io import write_table
from synthproof.data.table.native_arrow import to_arrow
from synthproof.dossier.cards import DIGITAL_SOURCE

SYNTHETIC, SOURCE, RELEASE = "synthetic", "digital_source_type", "synthproof.release"
_PNG = b"\x89PNG\r\n\x1a\n"
# What a picture needs to be shown; every other chunk (texts, EXIF, times) may tell of where it came from.
_SHOWN = {b"IHDR", b"PLTE", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"sBIT", b"bKGD", b"pHYs", b"IDAT", b"IEND"}


def write_csv(table: Table, path: Path) -> None:
    """Write the synthetic table as CSV, byte for byte as the vault holds a table that came from CSV."""
    write_table(table, path)


def write_parquet(table: Table, path: Path, bundle: str) -> None:
    """Write the synthetic table as Parquet with its marks.

    Levels are written as texts: Arrow's dictionaries would carry the names of levels that no synthetic record has, but a
    real one had.
    """
    import pyarrow as pa
    from pyarrow import parquet

    arrow: Any = to_arrow(table)
    for at, column in enumerate(arrow.schema):
        if pa.types.is_dictionary(column.type):
            plain = arrow.column(at).cast(column.type.value_type)
            arrow = arrow.set_column(at, column.name, plain)
    marked = {SYNTHETIC: "true", SOURCE: DIGITAL_SOURCE, RELEASE: bundle}
    arrow = arrow.replace_schema_metadata(marked)
    parquet.write_table(arrow, path, compression="zstd", use_dictionary=True)


def marked_png(picture: bytes, bundle: str, *, where: str = "") -> bytes:
    """Return a PNG with marks in it and no other text; its pixels are untouched.

    Two marks are written: plain text chunks, and an XMP packet with the IPTC term that software looks for.

    Raises
    ------
    DataError
        ``release/not-a-png``.
    """
    out = [_PNG]
    for kind, data in _chunks(picture, where):
        if kind not in _SHOWN:
            continue
        out.append(_chunk(kind, data))
        if kind == b"IHDR":
            for key, value in ((SYNTHETIC, "true"), (SOURCE, DIGITAL_SOURCE), (RELEASE, bundle)):
                out.append(_chunk(b"tEXt", key.encode("latin-1") + b"\0" + value.encode("latin-1")))
            out.append(_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + _xmp(bundle).encode("utf-8")))
    return b"".join(out)


def png_marks(picture: bytes, *, where: str = "") -> dict[str, str]:
    """Return the plain text marks of a PNG."""
    found = {}
    for kind, data in _chunks(picture, where):
        if kind == b"tEXt":
            key, _, value = data.partition(b"\0")
            found[key.decode("latin-1")] = value.decode("latin-1")
    return found


def _chunks(picture: bytes, where: str) -> Iterator[tuple[bytes, bytes]]:
    if not picture.startswith(_PNG):
        raise DataError("release/not-a-png", where=where)
    at, kind = len(_PNG), b""
    while at + 12 <= len(picture) and kind != b"IEND":
        (size,) = struct.unpack(">I", picture[at : at + 4])
        kind, data = picture[at + 4 : at + 8], picture[at + 8 : at + 8 + size]
        stated = picture[at + 8 + size : at + 12 + size]
        if len(stated) != 4 or struct.unpack(">I", stated)[0] != zlib.crc32(kind + data):
            raise DataError("release/not-a-png", where=where)
        yield kind, data
        at += 12 + size
    if kind != b"IEND":
        raise DataError("release/not-a-png", where=where)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _xmp(bundle: str) -> str:
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""'
        ' xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" xmlns:dc="http://purl.org/dc/elements/1.1/"'
        f' Iptc4xmpExt:DigitalSourceType="{DIGITAL_SOURCE}" dc:source="{bundle}"/></rdf:RDF></x:xmpmeta>'
        '<?xpacket end="r"?>'
    )
