"""Partial rows completed: every missing cell drawn given all cells that are there, whichever they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthproof.core.errors import ConditionError, SchemaError, did_you_mean
from synthproof.core.random import BLOCK, derive
from synthproof.core.schema import Schema
from synthproof.data.table.conform import conform
from synthproof.data.table.dataset import Table
from synthproof.engines.codes import numbers_or_codes
from synthproof.synthesizers.table.chain.column import Wanted
from synthproof.synthesizers.table.chain.drawing import Given, draw_rows
from synthproof.synthesizers.table.chain.model import Chain
from synthproof.synthesizers.table.columns.layout import Layout
from synthproof.synthesizers.table.rules.book import Book

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

_ATTEMPTS = 30


def partial_table(data: object, schema: Schema) -> Table:
    """Return partial rows read under a schema; columns that a frame lacks are missing throughout.

    Raises
    ------
    SchemaError
        ``schema/unknown-field`` for a column that the schema does not have.
    """
    if isinstance(data, Table):
        if data.schema.names == schema.names:
            return conform(data, schema)
        data = data.frame
    if isinstance(data, pd.DataFrame):
        for name in data.columns:
            if name not in schema:
                hint = did_you_mean(str(name), schema.names)
                raise SchemaError("schema/unknown-field", where=str(name), name=name, n=len(schema.names), hint=hint)
        data = data.reindex(columns=list(schema.names))
    return conform(data, schema)


def given_of(chain: Chain, layout: Layout, table: Table, columns: Sequence[str] | None) -> dict[str, Given]:
    """Return what partial rows know: every cell that is there, and missing ones of columns not to be completed."""
    seen = layout.seen(table)
    fields = {f.name: f for f in layout.modelled}
    found: dict[str, Given] = {}
    for column in chain.columns:
        values = numbers_or_codes(seen.frame[column.name], fields[column.name])
        known = ~np.isnan(values)
        known &= column.encode(values)[:, 0] >= 0  # a level that was never learned says nothing
        if columns is not None and column.name not in columns:
            known = known | table.frame[column.name].isna().to_numpy()
        found[column.name] = Given(values, known)
    return found


def never_missing(chain: Chain) -> dict[str, Wanted]:
    """Return conditions by which nothing is drawn as missing, for all columns that have anything else."""
    found: dict[str, Wanted] = {}
    for column in chain.columns:
        pieces = column.bins.pieces
        gone = np.isnan(pieces.low[pieces.start[:-1]])
        if gone.any() and not gone.all():
            found[column.name] = Wanted(np.where(gone, 0.0, 1.0), pieces)
    return found


def complete_block(
    chain: Chain,
    book: Book,
    wanted: Mapping[str, Wanted],
    given: Mapping[str, Given],
    seed: int,
    block: int,
) -> dict[str, FloatArray]:
    """Return one block of rows completed; rows that break a rule are drawn anew.

    Raises
    ------
    ConditionError
        ``complete/contradiction`` when what is known of some rows cannot be completed within the rules.
    """
    n = len(next(iter(given.values())).values)
    mine = np.arange(block * BLOCK, min(n, (block + 1) * BLOCK), dtype=np.intp)
    at = mine - block * BLOCK
    part = {name: g.take(mine) for name, g in given.items()}
    rows = draw_rows(chain, book, wanted, part, seed=seed, block=block, at=at, foresight=False)
    for attempt in range(1, _ATTEMPTS + 1):
        bad = np.flatnonzero(book.broken(rows))
        if not len(bad):
            return rows
        again = {name: g.take(bad) for name, g in part.items()}
        fresh = draw_rows(
            chain, book, wanted, again, seed=derive(seed, f"rules/{attempt}"), block=block, at=at[bad], foresight=False
        )
        for name, values in rows.items():
            values[bad] = fresh[name]
    left = np.flatnonzero(book.broken(rows))
    if len(left):
        counts = sorted(book.broken_by_rule({k: v[left] for k, v in rows.items()}).items(), key=lambda c: -c[1])
        raise ConditionError(
            "complete/contradiction", where=counts[0][0] if counts else "-", n=len(left), at=int(mine[left[0]]) + 1
        )
    return rows
