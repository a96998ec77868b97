"""What a run's source is called, and how one source is told from another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from synthproof.core.fingerprint import digest, digest_file
from synthproof.data.stores import fetched, is_store, name_in_store, source_key
from synthproof.data.table.io import read_table


def stem(source: str) -> str:
    """Return the name that a source gives to its results; a database URL, which may hold a password, gives none."""
    if is_store(source):
        return name_in_store(source).split(".")[0] or "synthproof"
    return "synthproof" if "://" in source else Path(source).name.split(".")[0]


@contextmanager
def at_hand(source: str) -> Iterator[str]:
    """Yield a source that can be looked at several times: of an object in storage a private local copy, made once."""
    if not is_store(source):
        yield source
        return
    with fetched(source) as path:
        yield str(path)


def source_digest(source: Any) -> str:
    """Return what tells one source from another: a file's digest, an object's tag, a URL's, or a frame's fingerprint."""
    if is_store(source):
        return source_key(source)
    if isinstance(source, str | Path):
        text = str(source)
        path = Path(text)
        return digest_file(path) if "://" not in text and path.is_file() else digest(text)
    return read_table(source).fingerprint()
