"""Partial rows of any form before and after their gaps are filled: no cell that is there is lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from synthproof.core.errors import SchemaError, did_you_mean
from synthproof.core.schema import Schema
from synthproof.data.table import formats
from synthproof.data.table.columns import Column, Raw, Texts
from synthproof.data.table.conform import conformed
from synthproof.data.table.dataset import Table
from synthproof.data.table.load import load


def partial_rows(source: Any, schema: Schema) -> Table:
    """Return partial rows read under a model's schema; columns that are absent are missing throughout.

    Parameters
    ----------
    source
        A file, a data frame or a `Table`.

    Raises
    ------
    SchemaError
        ``schema/unknown-field`` for a column that the schema does not have, ``complete/unreadable`` for cells that would
        be lost: texts in a column of numbers, fractions in one of whole numbers.
    """
    if isinstance(source, Table) and _alike(source.schema, schema):
        return source
    rows = conformed(_widened(load(formats.to_native(source) if isinstance(source, Table) else source), schema), schema)
    for fact in ("unparsable", "rounded"):
        for name, n in rows.origin.options.get(fact, {}).items():
            raise SchemaError("complete/unreadable", where=rows.origin.name, name=name, n=n, of=rows.n_rows)
    return rows


def _alike(schema: Schema, known: Schema) -> bool:
    """Return whether a table under one schema could have been read under the other: more levels may stand behind."""
    return schema.names == known.names and all(
        f.kind == k.kind and f.levels[: len(k.levels)] == k.levels
        for f, k in zip(schema.fields, known.fields, strict=True)
    )


def _widened(raw: Raw, schema: Schema) -> Raw:
    """Return columns with one of missing cells for each that the schema has besides."""
    named = [replace(c, name=c.name if c.name in schema else c.name.strip()) for c in raw.columns]
    for c in named:
        if c.name not in schema:
            hint = did_you_mean(c.name, schema.names)
            raise SchemaError(
                "schema/unknown-field", where=raw.origin.name, name=c.name, n=len(schema.fields), hint=hint
            )
    nothing = Texts(pa.array([], type=pa.large_string()), np.full(raw.n_rows, -1, dtype=np.int32))
    there = {c.name for c in named}
    absent = [Column(name, texts=nothing) for name in schema.names if name not in there]
    return replace(raw, columns=(*named, *absent))


def as_learned(rows: Table, schema: Schema) -> Table:
    """Return rows under a model's own schema: a level that was never learned says nothing, so it is missing."""
    levels = {f.name: list(f.levels) for f in schema.fields if f.levelled and f.kind != "boolean"}
    known = {name: rows.frame[name].cat.set_categories(kept) for name, kept in levels.items()}
    return Table(rows.frame.assign(**known), schema, origin=rows.origin)


def with_known_cells(made: Table, rows: Table, columns: Sequence[str] | None) -> Table:
    """Return completed rows in which every cell that was there is what it was, a level that was never learned too.

    Parameters
    ----------
    made
        What a generator completed.
    rows
        The same rows before, read by `partial_rows`.
    columns
        Those that were to be completed; ``None``: all.
    """
    frame = rows.frame.copy()
    for name in rows.schema.names if columns is None else columns:
        known = rows.frame[name]
        frame[name] = known.where(known.notna(), made.frame[name].astype(known.dtype))
    return Table(frame, rows.schema, origin=rows.origin)


__all__ = ["as_learned", "partial_rows", "with_known_cells"]
