"""Reading under a schema: another tool's file under ours, or the user's own data under a schema they wrote."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from synthproof.core.errors import SchemaError
from synthproof.core.schema import Field, Schema
from synthproof.data.table import formats, scales
from synthproof.data.table.columns import Column, Raw
from synthproof.data.table.dataset import Table
from synthproof.data.table.infer import infer_field
from synthproof.data.table.load import load
from synthproof.engines.codes import to_numbers


def conform(source: Any, schema: Schema, *, query: str | None = None, table: str | None = None) -> Table:
    """Return another source (e.g. another tool's synthetic file) read under a schema.

    Columns are brought into the schema's order. A level that the schema does not know becomes an extra level behind
    the known ones in the returned table's own schema. What cannot be read becomes missing and is counted in
    ``origin.options["unparsable"]``; fractions in integer fields are rounded and counted in ``"rounded"``; columns
    that the schema lacks are dropped and named in ``"extra_columns"``.

    Raises
    ------
    SchemaError
        ``schema/fields-differ`` when a column of the schema is missing.
    """
    if isinstance(source, Table):
        if source.schema.names == schema.names and source.schema.fingerprint() == schema.fingerprint():
            return source
        source = formats.to_native(source)
    return conformed(load(source, query=query, table=table), schema)


def conformed(raw: Raw, schema: Schema) -> Table:
    """Return columns read under a schema; see `conform`."""
    found = [c.name for c in raw.columns]
    extra = [n for n in found if n not in schema]
    missing = [n for n in schema.names if n not in found]
    if missing:
        stripped = {c.name.strip() for c in raw.columns}
        if all(n in stripped for n in missing):
            renamed = tuple(replace(c, name=c.name.strip()) if c.name not in schema else c for c in raw.columns)
            return conformed(replace(raw, columns=renamed), schema)
        raise SchemaError(
            "schema/fields-differ", where=raw.origin.name, missing=", ".join(missing), extra=", ".join(extra) or "-"
        )
    readings = {}
    for f in schema.fields:
        column = raw.column(f.name)
        assert column is not None
        readings[f.name] = formats.read_column(column, f)
    facts: dict[str, Any] = {
        "unparsable": {n: r.unparsable for n, r in readings.items() if r.unparsable},
        "rounded": {n: r.rounded for n, r in readings.items() if r.rounded},
        "unknown_levels": {n: len(r.unknown) for n, r in readings.items() if r.unknown},
        "extra_columns": extra,
    }
    frame = pd.DataFrame({n: r.column for n, r in readings.items()}, columns=list(schema.names))
    read = replace(schema, fields=tuple(readings[n].field for n in schema.names))
    origin = replace(raw.origin, options={**raw.origin.options, **{k: v for k, v in facts.items() if v}})
    return Table(frame, read, origin=origin)


def declared(raw: Raw, schema: Schema) -> Table:
    """Return the user's own data read under a schema that they wrote.

    What the schema leaves open (levels, range, decimals, how values are written) is filled from the data; what it
    states stands. Cells that are not of the stated kind become missing and are counted, as in `conform`.
    """
    comma_is_point = raw.origin.options.get("delimiter", ",") != ","
    filled = []
    for f in schema.fields:
        column = raw.column(f.name)
        if column is None:
            return conformed(raw, schema)
        filled.append(_completed(f, column, comma_is_point))
    table = conformed(raw, replace(schema, fields=tuple(filled)))
    settled = [
        _settled(f, stated, table.frame[f.name]) for f, stated in zip(table.schema.fields, schema.fields, strict=True)
    ]
    frame = table.frame
    for f in settled:
        if f.levelled and f.kind != "boolean" and list(frame[f.name].cat.categories) != list(f.levels):
            ordered = frame[f.name].cat.set_categories(list(f.levels), ordered=f.kind == "ordinal")
            frame = frame.assign(**{f.name: ordered})
    options = {k: v for k, v in table.origin.options.items() if k != "unknown_levels"}
    lost = {str(k): int(v) for k, v in dict(options.get("unparsable", {})).items()}
    told = [{"code": "read/not-of-the-stated-kind", "where": k, "n": v, "of": table.n_rows} for k, v in lost.items()]
    if told:
        options["notices"] = [*options.get("notices", ()), *told]
    return Table(frame, replace(table.schema, fields=tuple(settled)), origin=replace(table.origin, options=options))


def _completed(f: Field, column: Column, comma_is_point: bool) -> Field:
    """Return the field with what only the data can say, before reading."""
    guess = infer_field(column, comma_is_point=comma_is_point).field
    alike = guess.kind == f.kind or {guess.kind, f.kind} <= {"integer", "continuous"}
    kept = {
        k: v
        for k, v in guess.format.items()
        if alike or k in ("missing", "missing_tokens", "level_dtype", "excel", "absent")
    }
    decimals = f.decimals
    if f.kind == "continuous" and decimals is None and alike:
        decimals = guess.decimals if guess.kind == "continuous" else 0
    return replace(
        f,
        format={**kept, **f.format},
        storage=column.storage,
        decimals=decimals,
        levels=f.levels or (guess.levels if f.levelled and f.kind != "boolean" else ()),
        pattern=f.pattern or (guess.pattern if f.kind == "identifier" else ""),
    )


def _settled(f: Field, stated: Field, column: pd.Series) -> Field:
    """Return the field with range, levels and gaps as the data have them, where the schema did not state them."""
    out = replace(f, nullable=stated.nullable or bool(column.isna().any()))
    if f.numeric:
        numbers = to_numbers(column, f)
        if not np.isnan(numbers).all():
            low = float(np.nanmin(numbers)) if stated.low is None else stated.low
            high = float(np.nanmax(numbers)) if stated.high is None else stated.high
            out = replace(out, low=low, high=high)
    if f.levelled and f.kind != "boolean" and not stated.levels:
        out = replace(out, levels=levels_in_order(f.levels, f.kind == "ordinal"))
    return out


def levels_in_order(levels: tuple[str, ...], ordinal: bool) -> tuple[str, ...]:
    """Return levels in the order of a known scale, of their numbers, or of their letters."""
    known = scales.in_order(levels) if ordinal else None
    if known is not None:
        return known[0]
    try:
        return tuple(sorted(levels, key=float))
    except ValueError:
        return tuple(sorted(levels)) if not ordinal else levels


__all__ = ["conform", "conformed", "declared", "levels_in_order"]
