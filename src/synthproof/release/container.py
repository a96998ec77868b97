"""A bundle on disk, a folder or a zip file, opened without trusting it: nothing is unpacked, no link is followed."""

from __future__ import annotations

import hashlib
import stat
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from synthproof.core.errors import StateError, SynthproofError

_CHUNK = 1 << 20
_MOST = 1_000_000
"""Most entries that a bundle may have; ours."""
LARGEST_TEXT = 256 << 20
"""Most bytes of a manifest or journal; ours."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a bundle: its name, and the bytes that the container says it has."""

    name: str
    size: int


class Container(ABC):
    """Files by name.

    Attributes
    ----------
    entries
        Regular files by their POSIX name.
    odd
        What a bundle may not hold (links, devices, names that leave it, names given twice), as errors.
    """

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.odd: list[SynthproofError] = []
        self._folded: set[str] = set()

    @abstractmethod
    def _opened(self, name: str) -> IO[bytes]: ...

    def text(self, name: str) -> bytes | None:
        """Return a whole small file, or ``None`` when it is absent, too large or cannot be read."""
        entry = self.entries.get(name)
        if entry is None or entry.size > LARGEST_TEXT:
            return None
        try:
            with self._opened(name) as file:
                data = file.read(LARGEST_TEXT + 1)
        except (OSError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError):
            return None
        return data if len(data) <= LARGEST_TEXT else None

    def digest(self, name: str, most: int) -> tuple[str, int]:
        """Return hexadecimal SHA-256 and size of a file; no more than `most` bytes and one are read. Constant memory."""
        h, n = hashlib.sha256(), 0
        try:
            with self._opened(name) as file:
                while n <= most and (chunk := file.read(min(_CHUNK, most + 1 - n))):
                    h.update(chunk)
                    n += len(chunk)
        except (OSError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError):
            return "", n  # unreadable: equal to no stated digest
        return h.hexdigest(), n

    def _add(self, name: str, size: int) -> None:
        # two names that differ in case alone are one file on half of all machines
        if name.casefold() in self._folded:
            self.odd.append(StateError("release/twice", where=name))
        elif not safe_name(name):
            self.odd.append(StateError("release/escapes", where=_shown(name)))
        else:
            self._folded.add(name.casefold())
            self.entries[name] = Entry(name, size)


class _Folder(Container):
    def __init__(self, root: Path) -> None:
        super().__init__()
        self.root = root
        for path in self._walk(root):
            kind = path.lstat()
            name = path.relative_to(root).as_posix()
            if stat.S_ISREG(kind.st_mode):
                self._add(name, kind.st_size)
            else:
                self.odd.append(StateError("release/link", where=_shown(name)))

    def _walk(self, folder: Path) -> Iterator[Path]:
        for path in sorted(folder.iterdir()):
            if path.is_dir() and not path.is_symlink():
                yield from self._walk(path)
            else:
                yield path

    def _opened(self, name: str) -> IO[bytes]:
        return (self.root / name).open("rb")


class _Zip(Container):
    def __init__(self, archive: zipfile.ZipFile) -> None:
        super().__init__()
        self.archive = archive
        infos = archive.infolist()
        if len(infos) > _MOST:
            raise StateError("release/not-a-bundle", where=str(archive.filename), reason=f"{len(infos)} entries")
        for info in infos:
            mode = info.external_attr >> 16
            # zipfile cuts a name at a NUL and turns backslashes on Windows; the name as stored is judged
            name = info.orig_filename
            if info.is_dir() and not info.file_size:
                continue  # a folder; one that carries bytes is no folder, and its name is refused below
            if mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG):
                self.odd.append(StateError("release/link", where=_shown(name)))
            elif info.flag_bits & 1:
                self.odd.append(StateError("release/escapes", where=_shown(name)))
            else:
                self._add(name, info.file_size)

    def _opened(self, name: str) -> IO[bytes]:
        return self.archive.open(name)


@contextmanager
def open_container(place: Path) -> Iterator[Container]:
    """Yield a bundle's container.

    Raises
    ------
    StateError
        ``release/not-a-bundle`` when the place is neither a folder nor a zip file.
    """
    if place.is_dir():
        try:
            folder = _Folder(place)
        except OSError as error:
            raise StateError("release/not-a-bundle", where=str(place), reason=error.strerror or "?") from error
        yield folder
        return
    try:
        archive = zipfile.ZipFile(place)
    except (OSError, zipfile.BadZipFile, ValueError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise StateError("release/not-a-bundle", where=str(place), reason=reason) from error
    with archive:
        yield _Zip(archive)


def safe_name(name: str) -> bool:
    """Return whether a name stays inside its folder on every system."""
    if not name or name.startswith("/") or "\\" in name or ":" in name or not name.isprintable():
        return False
    parts = name.split("/")
    return all(p not in {"", ".", ".."} for p in parts) and PurePosixPath(name).as_posix() == name


def _shown(name: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in name)[:120]
