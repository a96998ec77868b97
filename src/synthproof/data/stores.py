"""Object storage and other file systems behind a URL (``s3://bucket/people.parquet``), through fsspec.

A source is copied to a private temporary file and read from there, so that every format is read alike; a table is
written whole into such a file and sent in one piece. Nobody ever sees half of an object: S3, Google and Azure show an
upload when it is complete, elsewhere it is sent under another name and moved.

Credentials come from where fsspec and the store's own tools look for them (environment, ``~/.aws`` …). No message
holds an address with a password or a signature, nor a library's own text, which may quote either.
"""

from __future__ import annotations

import secrets
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar
from urllib.parse import urlsplit

from synthproof.core.errors import MissingExtraError, ReadError, SynthproofError, WorkspaceError
from synthproof.core.files import AN_OBJECT
from synthproof.core.fingerprint import digest

T = TypeVar("T")

_S3 = ("s3", "s3a")
_WHOLE = (*_S3, "gs", "gcs", "az", "abfs", "abfss")  # an upload is seen when it is complete, or not at all
_DRIVERS = {
    **dict.fromkeys(_S3, "s3fs"),
    **dict.fromkeys(("gs", "gcs"), "gcsfs"),
    **dict.fromkeys(("az", "abfs", "abfss", "adl"), "adlfs"),
    **dict.fromkeys(("http", "https"), "aiohttp"),
    **dict.fromkeys(("sftp", "ssh"), "paramiko"),
    "oci": "ocifs",
    "oss": "ossfs",
    "hdfs": "pyarrow with libhdfs",
    "webhdfs": "requests",
    "ftp": "fsspec",
    "memory": "fsspec",
    "file": "fsspec",
}
_KEYS_LACK = ("NoCredentialsError", "PartialCredentialsError", "DefaultCredentialsError", "ClientAuthenticationError")


def is_store(source: object) -> bool:
    """Return whether a text is a URL of object storage or another file system; database URLs are none."""
    return isinstance(source, str) and "://" in source and source.partition("://")[0].lower() in _DRIVERS


def name_in_store(url: str) -> str:
    """Return the last part of a URL's path: the name that a file there has."""
    return _path(url).rpartition("/")[2]


def shown(url: str) -> str:
    """Return a URL as messages may show it: without user, password, query and signature."""
    scheme, _, _ = url.partition("://")
    return f"{scheme}://{_path(url)}"


@contextmanager
def fetched(url: str) -> Iterator[Path]:
    """Yield a private local copy of an object, with its name; it is gone afterwards.

    Raises
    ------
    MissingExtraError
        ``extra/missing``, ``store/no-driver``.
    ReadError
        ``read/no-such-file``, ``read/is-a-folder``, ``store/denied``, ``store/failed``.
    """
    files, key = _opened(url, ReadError)
    with TemporaryDirectory(prefix="synthproof-") as folder:
        path = Path(folder) / (name_in_store(url) or "data")
        with _told(url, ReadError):
            if files.info(key)["type"] == "directory":
                raise ReadError("read/is-a-folder", where=shown(url))
            files.get_file(key, str(path))
        yield path


def kept_while(url: str, open_copy: Callable[[Path], T]) -> T:
    """Return what `open_copy` makes of a private local copy, which stays until that is forgotten (or the process ends).

    Raises
    ------
    MissingExtraError, ReadError
        As `fetched` raises, and `open_copy`.
    """
    with ExitStack() as folder:
        made = open_copy(folder.enter_context(fetched(url)))
        weakref.finalize(made, folder.pop_all().close)
    return made


def send(path: Path, url: str) -> str:
    """Copy a finished file to a URL, whole or not at all; return the URL as it may be shown.

    Raises
    ------
    MissingExtraError
        ``extra/missing``, ``store/no-driver``.
    WorkspaceError
        ``store/no-place``, ``store/denied``, ``store/failed``.
    """
    files, key = _opened(url, WorkspaceError)
    with _told(url, WorkspaceError):
        if url.partition("://")[0].lower() in _WHOLE:
            files.put_file(str(path), key)
        else:
            _send_and_move(files, path, key)
    return shown(url)


def refuse_replacing_object(url: str) -> None:
    """Refuse a URL at which an object stands already; what may not be looked at counts as absent.

    Raises
    ------
    MissingExtraError
        ``extra/missing``, ``store/no-driver``.
    WorkspaceError
        ``workspace/exists``.
    """
    files, key = _opened(url, WorkspaceError)
    there = False
    with suppress(Exception):  # a right to write alone is enough for writing
        there = bool(files.isfile(key))
    if there:
        raise WorkspaceError("workspace/exists", where=shown(url), thing=AN_OBJECT)


def source_key(url: str) -> str:
    """Return a digest that changes when the object behind a URL does: of its tag, or of its size and time."""
    files, key = _opened(url, ReadError)
    with _told(url, ReadError):
        return digest(f"{url} {files.ukey(key)}")


def _send_and_move(files: Any, path: Path, key: str) -> None:
    head, slash, name = key.rpartition("/")
    part = f"{head}{slash}.{name}.{secrets.token_hex(4)}.part"
    if head:
        files.makedirs(head, exist_ok=True)
    try:
        files.put_file(str(path), part)
        files.mv(part, key)
    finally:
        with suppress(Exception):  # after a failure; the first error is the one to tell
            if files.exists(part):
                files.rm_file(part)


def _opened(url: str, kind: type[SynthproofError]) -> tuple[Any, str]:
    """Return the file system behind a URL, and the object's key in it."""
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise MissingExtraError("extra/missing", where=shown(url), library="fsspec", extra="cloud") from error
    scheme = url.partition("://")[0].lower()
    with _told(url, kind):
        try:
            # what was listed an hour ago says nothing of now
            files, key = url_to_fs(url, use_listings_cache=False)
        except ImportError as error:
            if scheme in _S3:
                raise MissingExtraError("extra/missing", where=shown(url), library="s3fs", extra="cloud") from error
            raise MissingExtraError("store/no-driver", where=shown(url), library=_DRIVERS[scheme]) from error
    return files, str(key)


@contextmanager
def _told(url: str, kind: type[SynthproofError]) -> Iterator[None]:
    """Tell a store's errors as ours, without the words of the library, which may hold keys."""
    where = shown(url)
    try:
        yield
    except SynthproofError:
        raise
    except (FileNotFoundError, NotADirectoryError):
        if kind is ReadError:
            raise ReadError("read/no-such-file", where=where, hint="") from None
        raise kind("store/no-place", where=where) from None
    except Exception as error:  # noqa: BLE001 - every store has errors of its own
        name = type(error).__name__
        if isinstance(error, PermissionError) or name in _KEYS_LACK or getattr(error, "status", 0) in (401, 403):
            raise kind("store/denied", where=where) from None
        raise kind("store/failed", where=where, reason=name) from None


def _path(url: str) -> str:
    scheme, _, rest = url.partition("://")
    if scheme.lower() in ("http", "https"):
        parts = urlsplit(url)
        rest = parts.netloc + parts.path
    host, slash, path = rest.partition("/")
    return host.rpartition("@")[2] + slash + path


__all__ = [
    "fetched",
    "is_store",
    "kept_while",
    "name_in_store",
    "refuse_replacing_object",
    "send",
    "shown",
    "source_key",
]
