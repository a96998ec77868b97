"""Several tables of the same fields as one: what somebody holds who kept every release."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from synthproof.core.schema import Field, Schema
from synthproof.data.table.dataset import Table, same_fields
from synthproof.engines.records import with_all_levels


def union(parts: Sequence[Table]) -> Table:
    """Return the rows of all parts, the first part's first, under the first part's schema.

    Levels that only later parts know stand behind the first's. Units stay apart: a label that an earlier part uses as
    well is made new, since the same label in two synthetic tables is not the same person.

    Raises
    ------
    SchemaError
        ``schema/fields-differ`` when the parts have not the same fields in the same order.
    """
    first = parts[0]
    for other in parts[1:]:
        same_fields(first, other)
    if len(parts) == 1:
        return first
    schemas = [t.schema for t in parts]
    schema = replace(first.schema, fields=tuple(_common(f, schemas) for f in first.schema.fields))
    frames = [_under(t.frame, schema) for t in _apart(parts)]
    joined = pd.concat(frames, ignore_index=True).astype(frames[0].dtypes.to_dict())
    return first.with_frame(joined, schema)


def _common(f: Field, schemas: Sequence[Schema]) -> Field:
    shared = with_all_levels(f, schemas[1:])
    return replace(shared, nullable=True) if any(s.field(f.name).nullable for s in schemas) else shared


def _under(frame: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Return the frame with every levelled column's categories as the schema has them."""
    levelled = [f for f in schema.fields if f.kind in {"categorical", "ordinal"}]
    return frame.assign(**{f.name: frame[f.name].cat.set_categories(list(f.levels)) for f in levelled})


def _apart(parts: Sequence[Table]) -> list[Table]:
    name = parts[0].schema.unit_field
    if name is None:
        return list(parts)
    out, used = [], set(parts[0].frame[name].dropna().astype(str))
    out.append(parts[0])
    for i, part in enumerate(parts[1:], start=2):
        column = part.frame[name]
        own = set(column.dropna().astype(str))
        if own & used or column.isna().any():
            labels = pd.Series([f"{i}/{u}" for u in part.unit_of_row]).astype(column.dtype)
            part = part.with_frame(part.frame.assign(**{name: labels}))
            own = set(labels)
        used |= own
        out.append(part)
    return out


__all__ = ["union"]
