"""Saved models: ``model.json`` and one array file that cannot hold code. No pickle, in either direction."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from synthproof.core.errors import StateError
from synthproof.core.files import whole_folder
from synthproof.core.fingerprint import digest_file

State: TypeAlias = Mapping[str, Any]
"""Nested ``str`` → JSON value or ndarray; nothing else."""

FORMAT = 1
_ARRAY = "__array__"


def save(folder: Path, *, header: Mapping[str, Any], state: State) -> Path:
    """Write a model folder, whole or not at all.

    Parameters
    ----------
    folder
        Becomes a folder with ``model.json`` and ``arrays.npz``; an old one is replaced.
    header
        Registry name, parameters, schema, versions: JSON values.
    state
        What ``get_state`` returned.
    """
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    plain = _split(state, arrays, "")
    with whole_folder(folder) as part:
        with (part / "arrays.npz").open("wb") as handle:
            np.savez_compressed(handle, allow_pickle=False, **arrays)
        record = {
            "format": FORMAT,
            **header,
            "arrays": {"file": "arrays.npz", "digest": digest_file(part / "arrays.npz")},
            "state": plain,
        }
        text = json.dumps(record, ensure_ascii=False, indent=1, sort_keys=True, allow_nan=False)
        (part / "model.json").write_text(text, encoding="utf-8")
    return folder


def load(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read what `save` wrote: (header, state).

    Raises
    ------
    StateError
        ``state/not-a-model``, ``state/too-new`` or ``state/damaged``.
    """
    try:
        record = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        version = int(record["format"])
        wanted, given = str(record.pop("arrays")["digest"]), record.pop("state")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StateError("state/not-a-model", where=str(folder), reason=type(error).__name__) from error
    if version > FORMAT:
        raise StateError("state/too-new", where=str(folder), found=version, known=FORMAT)
    path = folder / "arrays.npz"
    if not path.is_file() or digest_file(path) != wanted:
        raise StateError("state/damaged", where=str(folder), name="arrays.npz")
    with np.load(path, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    try:
        return record, _join(given, arrays)
    except (ValueError, KeyError, TypeError) as error:  # it names arrays that are not there
        raise StateError("state/not-a-model", where=str(folder), reason=type(error).__name__) from error


def _split(value: Any, arrays: dict[str, np.ndarray[Any, Any]], key: str) -> Any:
    if isinstance(value, np.ndarray):
        if value.dtype.hasobject:
            raise StateError("state/not-plain", key=key, type="array of Python objects")
        name = f"a{len(arrays)}"
        arrays[name] = value
        return {_ARRAY: name}
    if isinstance(value, Mapping):
        return {str(k): _split(v, arrays, f"{key}/{k}") for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_split(v, arrays, f"{key}/{i}") for i, v in enumerate(value)]
    if isinstance(value, np.generic):
        return _split(value.item(), arrays, key)
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if np.isfinite(value) else {"__float__": repr(value)}
    raise StateError("state/not-plain", key=key, type=type(value).__name__)


def _join(value: Any, arrays: Mapping[str, np.ndarray[Any, Any]]) -> Any:
    if isinstance(value, dict):
        if set(value) == {_ARRAY}:
            return arrays[value[_ARRAY]]
        if set(value) == {"__float__"}:
            return float(value["__float__"])
        return {k: _join(v, arrays) for k, v in value.items()}
    if isinstance(value, list):
        return [_join(v, arrays) for v in value]
    return value
