"""Zips of pictures: unpacked for as long as they are read, under their own paths, each file no larger than we open."""

from __future__ import annotations

import re
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path, PurePosixPath

from synthproof.core.errors import ReadError
from synthproof.data.image.decode import DICOM, MOST_PIXELS, PREFIX, SUFFIXES, maybe_dicom

_TABLES = {".csv", ".tsv", ".parquet", ".json"}
_UNREADABLE = (zipfile.BadZipFile, OSError, RuntimeError, EOFError, zlib.error)
_LOOKED = 32
_ODD = re.compile(r"[\\:\x00]")


@contextmanager
def as_folder(source: Path) -> Iterator[tuple[Path, Path]]:
    """Yield the folder that holds the pictures of a source, and the folder that its tables may lie in.

    Parameters
    ----------
    source
        A folder of pictures (yielded as it is), a folder whose only pictures lie in its one zip, or a zip.

    Raises
    ------
    ReadError
        ``image/not-an-archive``.
    """
    archive = source if source.suffix.lower() == ".zip" and source.is_file() else _lone_zip(source)
    if archive is None:
        yield source, source
        return
    with tempfile.TemporaryDirectory(prefix="synthproof-pictures-") as place:
        root = Path(place) / (source.stem if source.is_file() else source.name)
        root.mkdir()
        _unpack(archive, root)
        yield _inner(root), archive.parent


def names_in(path: Path) -> list[str]:
    """Return the names of the files that a zip, or the one zip of a folder without pictures, lists; none when it cannot
    be opened."""
    archive = path if path.is_file() and path.suffix.lower() == ".zip" else _lone_zip(path)
    try:
        with zipfile.ZipFile(archive) if archive is not None else nullcontext() as inside:
            return [] if inside is None else [PurePosixPath(_name_of(i)).name for i in inside.infolist()]
    except (zipfile.BadZipFile, OSError):
        return []


def holds_pictures(path: Path) -> bool:
    """Return whether a zip, or the one zip of a folder without pictures, lists pictures: by their suffixes, or DICOM
    files without one among the first members that have none."""
    archive = path if path.is_file() and path.suffix.lower() == ".zip" else _lone_zip(path)
    if archive is None:
        return False
    try:
        with zipfile.ZipFile(archive) as inside:
            items = inside.infolist()
            if any(PurePosixPath(i.filename).suffix.lower() in {*SUFFIXES, *DICOM} for i in items):
                return True
            bare = [i for i in items if not i.is_dir() and maybe_dicom(PurePosixPath(i.filename))]
            return any(_is_dicom(inside, i) for i in bare[:_LOOKED])
    except _UNREADABLE:
        return False


def _is_dicom(inside: zipfile.ZipFile, item: zipfile.ZipInfo) -> bool:
    with inside.open(item) as file:
        return file.read(132)[128:] == PREFIX


def _name_of(item: zipfile.ZipInfo) -> str:
    """Return the name of a member as whoever made the zip wrote it.

    Korean Windows writes names in its own code page without saying so; they would come out as box-drawing characters, and
    so would the classes that folders are named by.
    """
    if item.flag_bits & 0x800 or item.filename.isascii():
        return item.filename
    for encoding in ("utf-8", "cp949"):
        try:
            return item.filename.encode("cp437").decode(encoding)
        except UnicodeError:
            continue
    return item.filename


def _lone_zip(folder: Path) -> Path | None:
    if not folder.is_dir():
        return None
    zips = sorted(folder.glob("*.zip"))
    if len(zips) != 1 or any(p.suffix.lower() in {*SUFFIXES, *DICOM} for p in folder.rglob("*")):
        return None
    return zips[0]


def _inner(root: Path) -> Path:
    """Return the folder within a zip that everything lies in, where there is just one and it holds a table of boxes."""
    inside = [p for p in root.iterdir() if not p.name.startswith((".", "__"))]
    if len(inside) == 1 and inside[0].is_dir() and any(p.suffix.lower() in _TABLES for p in inside[0].iterdir()):
        return inside[0]
    return root


def _unpack(archive: Path, root: Path) -> None:
    """Unpack pictures and tables of a zip; what would lie elsewhere stays inside, what is too large is cut off."""
    room = shutil.disk_usage(root).free // 2
    try:
        with zipfile.ZipFile(archive) as inside:
            for item in inside.infolist():
                name = _name_of(item)
                path = PurePosixPath(name)
                wanted = path.suffix.lower() in {*SUFFIXES, *DICOM, *_TABLES}
                if item.is_dir() or path.is_absolute() or _ODD.search(name) or ".." in path.parts:
                    continue
                if any(part.startswith((".", "__MACOSX")) for part in path.parts):
                    continue
                if not wanted and not (maybe_dicom(path) and _is_dicom(inside, item)):
                    continue
                target = root / path
                target.parent.mkdir(parents=True, exist_ok=True)
                # what a file states of its size may be a lie: copying stops at the line
                with inside.open(item) as source, target.open("wb") as out:
                    left = MOST_PIXELS * 8
                    while left > 0 and (chunk := source.read(min(1 << 20, left))):
                        out.write(chunk)
                        left, room = left - len(chunk), room - len(chunk)
                        if room < 0:
                            raise ReadError("image/not-an-archive", where=archive.name, reason="larger than the disk")
    except _UNREADABLE as error:
        raise ReadError("image/not-an-archive", where=archive.name, reason=type(error).__name__) from error


__all__ = ["as_folder", "holds_pictures", "names_in"]
