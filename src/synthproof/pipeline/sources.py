"""What a run's source is called, how one source is told from another, and what its output is named like."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from synthproof.core.fingerprint import digest, digest_file
from synthproof.data.table.dataset import Table
from synthproof.data.table.io import read_table

_SUFFIXES = {"csv": ".csv", "parquet": ".parquet", "excel": ".xlsx", "jsonl": ".jsonl"}


def stem(source: str) -> str:
    """Return the name that a source gives to its results; a database URL, which may hold a password, gives none."""
    return "synthproof" if "://" in source else Path(source).name.split(".")[0]


def suffix_of(table: Table) -> str:
    """Return the suffix of the format that a table came in; Parquet for data frames and databases."""
    if table.origin.options.get("delimiter") == "\t":
        return ".tsv"
    return _SUFFIXES.get(table.origin.container, ".parquet")


def source_digest(source: Any) -> str:
    """Return what tells one source from another: a file's digest, a URL's, or a frame's fingerprint."""
    if isinstance(source, str | Path):
        text = str(source)
        path = Path(text)
        return digest_file(path) if "://" not in text and path.is_file() else digest(text)
    return read_table(source).fingerprint()
