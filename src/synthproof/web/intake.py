"""A sealed dossier comes in: unpacked within bounds, compared with its seal, then put where nobody changes it."""

from __future__ import annotations

import lzma
import os
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from synthproof.core.errors import DataError, StateError, SynthproofError
from synthproof.core.words import Words
from synthproof.dossier.seal import SEAL, check_seal

MOST_FILES = 20_000
MOST_BYTES = 1 << 30
MOST_RATIO = 200
BAD_ZIP = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    NotImplementedError,
    RuntimeError,
    EOFError,
    OSError,
    ValueError,
)
"""What reading a damaged, encrypted or made-up zip file may raise."""
_CHUNK = 1 << 20
_SMALL = 16 << 20
_MANY = 200


@contextmanager
def taken_in(source: Path | BinaryIO, room: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield a checked copy of a dossier and its seal; what is not moved away from there is removed.

    Parameters
    ----------
    source
        A folder, a zip file, or an open zip file.
    room
        Folder of the server in which the copy is made.

    Raises
    ------
    DataError
        ``web/bad-package`` for a zip that is damaged, too large, or reaches out of its folder, and for links.
    StateError
        ``dossier/not-a-dossier``, ``dossier/too-new`` or ``state/damaged``.
    """
    part = room / f".{os.urandom(8).hex()}.part"
    part.mkdir(parents=True, mode=0o700)
    try:
        if isinstance(source, Path) and source.is_dir():
            _copy(source, part)
        else:
            unpack(source, part)
        folder = _top(part)
        yield folder, check_seal(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def unpack(source: Path | BinaryIO, target: Path) -> None:
    """Unpack a zip within bounds: number of files, bytes, ratio; no links, no way out of the folder.

    Sizes that the archive states are not believed: bytes are counted as they come.
    """
    try:
        with zipfile.ZipFile(source) as packed:
            infos = [i for i in packed.infolist() if not i.is_dir()]
            _look(infos)
            left = MOST_BYTES
            for info in infos:
                place = target / PurePosixPath(info.filename)
                place.parent.mkdir(parents=True, exist_ok=True)
                left -= _write(packed, info, place, left)
    except BAD_ZIP as error:
        if isinstance(error, SynthproofError):
            raise
        raise DataError("web/bad-package", reason=type(error).__name__) from error


def _look(infos: list[zipfile.ZipInfo]) -> None:
    if len(infos) > MOST_FILES:
        raise DataError("web/bad-package", reason=Words(en=f"{len(infos)} files", ko=f"파일 {len(infos)}개"))
    seen: set[str] = set()
    for at, info in enumerate(infos, start=1):
        name = info.filename
        path = PurePosixPath(name)
        wrong = (
            path.is_absolute()
            or ".." in path.parts
            or "\\" in name
            or ":" in name
            or any(ord(c) < 32 for c in name)
            or len(name) > 500
            or any(len(p.encode()) > 200 for p in path.parts)
        )
        mode = info.external_attr >> 16
        if wrong or (stat.S_IFMT(mode) not in (0, stat.S_IFREG)) or info.flag_bits & 0x1:
            raise DataError("web/bad-package", reason=_entry(at, "name, link or encryption", "이름, 링크 또는 암호화"))
        if name.casefold() in seen:
            raise DataError("web/bad-package", reason=_entry(at, "stands twice", "같은 이름이 두 번 있음"))
        seen.add(name.casefold())
        if info.file_size > _SMALL and info.file_size > MOST_RATIO * max(1, info.compress_size):
            raise DataError("web/bad-package", reason=_entry(at, "packed too tightly", "압축률이 지나치게 높음"))
    if sum(i.file_size for i in infos) > MOST_BYTES:
        raise DataError("web/bad-package", reason=too_many_bytes())


def _entry(at: int, en: str, ko: str) -> Words:
    return Words(en=f"entry {at}: {en}", ko=f"{at}번째 항목: {ko}")


def too_many_bytes() -> Words:
    """Return what is said of a package beyond its bound."""
    return Words(en=f"more than {MOST_BYTES} bytes", ko=f"{MOST_BYTES}바이트 초과")


def _write(packed: zipfile.ZipFile, info: zipfile.ZipInfo, place: Path, left: int) -> int:
    written = 0
    with packed.open(info) as inside, place.open("xb") as out:
        while chunk := inside.read(_CHUNK):
            written += len(chunk)
            if written > left or (written > _SMALL and written > MOST_RATIO * max(1, info.compress_size)):
                words = Words(en="more bytes than stated", ko="표시된 크기보다 큼")
                raise DataError("web/bad-package", reason=words)
            out.write(chunk)
    return written


def _copy(source: Path, target: Path) -> None:
    files, left = 0, MOST_BYTES
    for path in sorted(source.rglob("*")):
        if path.is_symlink() or not (path.is_dir() or path.is_file()):
            words = Words(en="a link or a special file", ko="링크 또는 특수 파일")
            raise DataError("web/bad-package", where=str(source), reason=words)
        if path.is_dir():
            continue
        files += 1
        left -= path.stat().st_size
        if files > MOST_FILES or left < 0:
            words = Words(en="too many files or bytes", ko="파일이 너무 많거나 너무 큼")
            raise DataError("web/bad-package", where=str(source), reason=words)
        place = target / path.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place, follow_symlinks=False)


def _top(part: Path) -> Path:
    """Return the folder that the seal lies in: the package's own, or the single one in it."""
    if (part / SEAL).is_file():
        return part
    inside = [p for p in part.iterdir() if p.is_dir()]
    if len(inside) == 1 and (inside[0] / SEAL).is_file():
        return inside[0]
    raise StateError("dossier/not-a-dossier", reason="no seal.json")


def keep(folder: Path, place: Path) -> None:
    """Move a checked dossier to its place; from then on its files are read only."""
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.replace(folder, place)
    files = [path for path in place.rglob("*") if path.is_file()]
    for path in files:
        path.chmod(0o400)
    if len(files) > _MANY and hasattr(os, "sync"):  # ten thousand single waits for the disk would take minutes
        os.sync()
        return
    for path in files:
        with path.open("rb") as handle:
            os.fsync(handle.fileno())
