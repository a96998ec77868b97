"""Canonical digests: the same content gives the same ``sha256:…`` on every machine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

_CHUNK = 1 << 20


def canonical_json(value: Any) -> str:
    """Return JSON with sorted keys, no spaces and plain Unicode; NaN and infinities are refused."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def digest(data: bytes | str) -> str:
    """Return ``sha256:…`` of bytes, or of a text's UTF-8."""
    raw = data.encode("utf-8") if isinstance(data, str) else data
    return "sha256:" + hashlib.sha256(raw).hexdigest()


def digest_json(value: Any) -> str:
    """Return the digest of a JSON value's canonical form."""
    return digest(canonical_json(value))


def digest_file(path: Path) -> str:
    """Return the digest of a file's bytes. One pass, constant memory."""
    h = hashlib.sha256()
    with path.open("rb") as handle:
        while chunk := handle.read(_CHUNK):
            h.update(chunk)
    return "sha256:" + h.hexdigest()


def digest_files(root: Path, names: Iterable[str]) -> dict[str, str]:
    """Return the digest of each named file under `root`, by POSIX name, sorted."""
    return {name: digest_file(root / name) for name in sorted(names)}


def digest_frame(frame: pd.DataFrame, extra: Mapping[str, Any] | None = None) -> str:
    """Return the digest of a frame's column names and cells (row order counts, index does not). Cost O(cells)."""
    h = hashlib.sha256(canonical_json({"columns": list(map(str, frame.columns)), "extra": extra or {}}).encode())
    for name in frame.columns:
        column = frame[name]
        if isinstance(column.dtype, pd.CategoricalDtype):
            h.update(canonical_json([str(c) for c in column.cat.categories]).encode())
            h.update(np.ascontiguousarray(column.cat.codes.to_numpy(), dtype="<i4").tobytes())
        else:
            hashed = pd.util.hash_array(_plain(column), categorize=False)
            h.update(np.ascontiguousarray(hashed, dtype="<u8").tobytes())
    return "sha256:" + h.hexdigest()


def _plain(column: pd.Series) -> np.ndarray[Any, Any]:
    """Return cells as an array whose hash does not depend on the pandas version's string storage."""
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        missing = column.isna().to_numpy()
        naive = column.dt.tz_convert("UTC").dt.tz_localize(None) if column.dt.tz is not None else column
        stamps = naive.to_numpy().astype("datetime64[us]").astype("int64")
        return np.where(missing, np.int64(np.iinfo("int64").min), stamps)
    if pd.api.types.is_bool_dtype(column.dtype) or pd.api.types.is_integer_dtype(column.dtype):
        missing = column.isna().to_numpy()
        # A nullable boolean refuses 0 as a filling.
        empty = False if pd.api.types.is_bool_dtype(column.dtype) else 0
        filled = column.fillna(empty) if missing.any() else column
        return filled.to_numpy(dtype="int64") * 2 + missing
    if pd.api.types.is_float_dtype(column.dtype):
        return column.to_numpy(dtype="float64") + 0.0  # -0.0 and 0.0 are one value
    missing = column.isna().to_numpy()
    values = column.astype(object).to_numpy()
    return np.array(["\x00" if m else f"={v}" for v, m in zip(values, missing, strict=True)], dtype=object)
