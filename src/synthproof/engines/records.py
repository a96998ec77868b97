"""When are two records equal? Tables encoded alike, and one number per distinct record.

Values are compared in canonical form: numbers as the field rounds them, levels by their text, missing equal to missing.
Levels that only another table knows stay levels of their own; they never fall together with "missing".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthproof.core.schema import Field, Schema
from synthproof.engines.codes import Coded, encode, levels_of

IdArray = npt.NDArray[np.int64]
_ROOM = 1 << 62


def encode_alike(tables: Sequence[tuple[pd.DataFrame, Schema]], names: Sequence[str] | None = None) -> list[Coded]:
    """Return several tables as arrays in which equal codes mean equal values. Cost O(cells).

    Parameters
    ----------
    tables
        Canonical frames with their schemas. The first schema says which fields are taken and orders the levels; levels
        that only later schemas know are appended.
    names
        Fields to take; all modelled fields of the first schema if absent.
    """
    first = tables[0][1]
    wanted = first.modelled if names is None else tuple(first.field(n) for n in names)
    shared = replace(first, fields=tuple(with_all_levels(f, [s for _, s in tables[1:]]) for f in wanted))
    return [encode(frame, shared, shared.names) for frame, _ in tables]


def with_all_levels(f: Field, others: Sequence[Schema]) -> Field:
    """Return the field with the levels that only other schemas know appended to its own."""
    if f.kind not in {"categorical", "ordinal"}:
        return f
    levels = dict.fromkeys(f.levels)
    for schema in others:
        if f.name in schema:
            levels.update(dict.fromkeys(levels_of(schema.field(f.name))))
    return f if len(levels) == len(f.levels) else replace(f, levels=tuple(levels))


def record_ids(parts: Sequence[Coded], schema: Schema) -> list[IdArray]:
    """Return one number per row such that two rows of any part have the same number exactly when they are equal.

    The numbers are 0, 1, 2 … in order of content (column by column), so they do not depend on the order of rows.
    No hashing: the answer is exact. Cost O(n log n · d).

    Parameters
    ----------
    parts
        Tables from `encode_alike`.
    schema
        Says how many decimals each continuous field carries.
    """
    sizes = np.cumsum([0, *(len(p) for p in parts)])
    key = np.zeros(int(sizes[-1]), dtype=np.int64)
    room = 1
    for j, name in enumerate(parts[0].numeric_names):
        values = as_written(np.concatenate([p.numbers[:, j] for p in parts]), schema.field(name))
        key, room = _fold(key, room, *_ranked(values))
    for j, _ in enumerate(parts[0].level_names):
        codes = np.concatenate([p.codes[:, j] for p in parts]).astype(np.int64) + 1
        key, room = _fold(key, room, codes, int(codes.max(initial=0)) + 1)
    ids, _ = _ranked(key)
    return [ids[a:b] for a, b in zip(sizes[:-1], sizes[1:], strict=True)]


def as_written(values: npt.NDArray[np.float64], f: Field) -> npt.NDArray[np.float64]:
    """Return a numeric field's values rounded as the field is written, so that 0.1 + 0.2 equals 0.3."""
    if f.kind == "continuous":
        return values + 0.0 if f.decimals is None else np.round(values, f.decimals) + 0.0
    return np.rint(values)


def _ranked(values: npt.NDArray[np.generic]) -> tuple[IdArray, int]:
    distinct, inverse = np.unique(values, return_inverse=True)
    return np.asarray(inverse, dtype=np.int64), max(1, len(distinct))


def _fold(key: IdArray, room: int, codes: IdArray, card: int) -> tuple[IdArray, int]:
    if room > _ROOM // card:
        key, room = _ranked(key)
    return key * card + codes, room * card


__all__ = ["as_written", "encode_alike", "record_ids"]
