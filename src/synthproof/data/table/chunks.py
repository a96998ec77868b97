"""A table that is read part by part and never held whole: Parquet files, folders of parts, delimited text.

What the columns are is learned from a bounded sample of rows, drawn from the whole source; then one pass over all rows
counts what must be exact (levels, smallest and largest value, missing cells). A column in which that pass meets cells
the sample did not foretell is judged again with those cells beside the sample. From then on every chunk is read under
the one schema, so that chunks put end to end are the table that reading the file at once would have given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from synthproof.core.errors import ReadError
from synthproof.core.random import BLOCK, stream
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Schema
from synthproof.data.table.conform import conformed, declared
from synthproof.data.table.dataset import Origin, Table
from synthproof.data.table.infer import infer_field, infer_schema
from synthproof.data.table.parts import Parts, open_parts
from synthproof.data.table.tally import Facts, Tally

IntArray = npt.NDArray[np.int64]

CHUNK = 16 * BLOCK
"""Rows in a chunk, unless somebody asks for another number."""
STUDIED = 100_000
"""Rows from which the kinds of columns are learned."""
LEARNED = 500_000
"""Rows that a generator that cannot learn chunk by chunk takes of a chunked table, unless a budget says another number."""
_ATTEMPTS = 3  # passes in which kinds may still change


class ChunkedTable:
    """A table of protected units on disk.

    Made by `open_chunks`.

    Parameters
    ----------
    parts
        Where the rows come from.
    schema
        What the columns are, exact for all rows.
    facts
        By column name; counted before any `mapped` step.
    n_units
        Number of protected units.
    steps
        Changes made to each chunk as it is read.

    Notes
    -----
    Holds one chunk at a time, and one row group's encoded columns while Parquet is read.
    """

    __slots__ = ("_steps", "facts", "n_units", "origin", "parts", "read_schema", "schema")

    def __init__(
        self,
        parts: Parts,
        schema: Schema,
        *,
        facts: Mapping[str, Facts],
        n_units: int,
        origin: Origin,
        read_schema: Schema | None = None,
        steps: tuple[Callable[[Table], Table], ...] = (),
    ) -> None:
        self.parts = parts
        self.schema = schema
        self.facts = facts
        self.n_units = n_units
        self.origin = origin
        self.read_schema = read_schema or schema
        self._steps = steps

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return self.parts.n_rows

    def __len__(self) -> int:
        return self.n_units

    def chunks(self, rows: int = CHUNK) -> Iterator[Table]:
        """Yield all rows in order as tables of `rows` rows (the last may have fewer).

        Raises
        ------
        ReadError
            ``read/changed-meanwhile`` when the source no longer is what it was when it was opened.
        """
        seen = 0
        for cells in regrouped(self.parts.batches(), rows):
            seen += cells.num_rows
            yield self._table(cells)
        if seen != self.n_rows:
            raise self._changed()

    def sample(self, k: int, seed: int) -> Table:
        """Return k rows drawn without replacement (all, when there are fewer), in the source's order.

        Which rows depends on k, the seed and the number of rows alone. One pass over the source.
        """
        kept = _positions(self.n_rows, k, seed)
        drawn = self._table(taken(self.parts, kept))
        if len(kept) == self.n_rows:
            return drawn
        told = {**drawn.origin.options, "drawn_rows": len(kept), "of_rows": self.n_rows}
        return Table(drawn.frame, drawn.schema, origin=replace(drawn.origin, options=told))

    def others(self, k: int, seed: int, rows: int = CHUNK) -> Iterator[Table]:
        """Yield, in chunks, the rows that ``sample(k, seed)`` does not draw."""
        drawn, start = _positions(self.n_rows, k, seed), 0
        for cells in regrouped(self.parts.batches(), rows):
            end = start + cells.num_rows
            mine = drawn[np.searchsorted(drawn, start) : np.searchsorted(drawn, end)] - start
            if len(mine) < cells.num_rows:
                yield self._table(cells.take(pa.array(np.delete(np.arange(cells.num_rows), mine))))
            start = end

    def head(self, k: int) -> Table:
        """Return the first k rows."""
        return self._table(taken(self.parts, np.arange(min(k, self.n_rows), dtype=np.int64)))

    def with_schema(self, schema: Schema) -> Self:
        """Return the same rows under a schema that differs in roles or rules only."""
        return self._like(schema, (*self._steps, lambda table: table.with_schema(schema)))

    def mapped(self, step: Callable[[Table], Table]) -> Self:
        """Return the rows after a change that treats every row by itself (e.g. a fitted protection)."""
        return self._like(step(self.head(CHUNK)).schema, (*self._steps, step))

    def _like(self, schema: Schema, steps: tuple[Callable[[Table], Table], ...]) -> Self:
        return type(self)(
            self.parts,
            schema,
            facts=self.facts,
            n_units=self.n_units,
            origin=self.origin,
            read_schema=self.read_schema,
            steps=steps,
        )

    def _table(self, cells: Any) -> Table:
        read = conformed(self.parts.raw(cells, self.origin), self.read_schema)
        if read.schema != self.read_schema:
            raise self._changed()
        table = Table(read.frame, self.read_schema, origin=self.origin)
        for step in self._steps:
            table = step(table)
        return table

    def _changed(self) -> ReadError:
        return ReadError("read/changed-meanwhile", where=self.origin.name, n=self.n_rows)

    def __repr__(self) -> str:
        return f"ChunkedTable({self.n_rows} rows × {len(self.schema.fields)} fields, {len(self.parts.files)} files)"


Data: TypeAlias = Table | ChunkedTable
"""What a generator learns from."""


def open_chunks(source: str | Path, *, schema: Schema | None = None, run: Run | None = None) -> ChunkedTable:
    """Return a table that is read part by part.

    Parameters
    ----------
    source
        A Parquet file, a folder of Parquet parts (read in the order of their names), or delimited text (also .gz).
    schema
        What the columns are; what it leaves open is filled from the data. Absent: inferred, with reasons.

    Raises
    ------
    ReadError, SchemaError
        As `read_table` raises; ``read/not-in-chunks`` for formats that can only be read whole.

    Notes
    -----
    Reads the source two to four times. Memory: a chunk and `STUDIED` rows.
    """
    run = quiet(run)
    parts = open_parts(source)
    studied = taken(parts, _positions(parts.n_rows, STUDIED, 0))
    raw = parts.raw(studied)
    if schema is None:
        found, noted = infer_schema(raw)
    else:
        found, noted = declared(raw, schema).schema, []
    origin = parts.origin
    for attempt in range(_ATTEMPTS):
        tally = Tally(found, parts)
        for i, cells in enumerate(regrouped(parts.batches(), CHUNK)):
            run.tick("chunks", min(i * CHUNK, parts.n_rows), parts.n_rows)
            tally.take(cells, keep=attempt + 1 < _ATTEMPTS)
        if not tally.odd or attempt + 1 == _ATTEMPTS:
            break
        found = _judged_again(found, schema, studied, tally.odd, parts)
    final = tally.settled(schema)
    noted = [n for n in noted if n["code"] not in _OF_THE_SAMPLE]
    if parts.n_rows > STUDIED:
        noted.append({"code": "read/kinds-from-sample", "where": origin.name, "n": STUDIED, "of": parts.n_rows})
    lost = [
        {"code": "read/not-of-the-stated-kind", "where": name, "n": n, "of": parts.n_rows}
        for name, n in tally.lost.items()
    ]
    told = [*origin.options.get("notices", ()), *noted, *lost]
    origin = replace(origin, options={**origin.options, "notices": told})
    return ChunkedTable(parts, final, facts=tally.facts(final), n_units=tally.units(parts.n_rows), origin=origin)


def bounded(data: Data, *, seed: int, rows: int = LEARNED) -> Table:
    """Return a table as it is, or at most `rows` rows drawn from one that is read part by part.

    The drawn table's origin says how many of how many rows it holds; layouts make a notice of that.
    """
    return data if isinstance(data, Table) else data.sample(rows, seed)


def fewer(data: Data, rows: int, seed: int) -> Data:
    """Return the data as they are, or about `rows` rows drawn at random (whole units) where they have more.

    The drawn table's origin says how many of how many rows it holds.
    """
    if data.n_rows <= rows:
        return data
    if isinstance(data, ChunkedTable):
        return data.sample(rows, seed)
    order = stream(seed, "chunks/fewer").permutation(len(data))
    if data.schema.unit_field is None:
        kept = order[:rows]
    else:
        sizes = np.bincount(data.unit_of_row, minlength=len(data))[order]
        kept = order[: max(1, int(np.searchsorted(np.cumsum(sizes), rows, side="right")))]
    drawn = data.take(np.sort(kept).astype(np.intp))
    told = {**data.origin.options, "drawn_rows": drawn.n_rows, "of_rows": data.n_rows}
    return Table(drawn.frame, drawn.schema, origin=replace(data.origin, options=told))


def regrouped(batches: Iterator[Any], rows: int) -> Iterator[Any]:
    """Yield Arrow tables of exactly `rows` rows (the last may have fewer) from batches of any size."""
    held: list[Any] = []
    n = 0
    for batch in batches:
        at = 0
        while batch.num_rows - at >= rows - n:
            piece = batch.slice(at, rows - n)
            yield pa.Table.from_batches([*held, piece])
            at, held, n = at + piece.num_rows, [], 0
        if at < batch.num_rows:
            held.append(batch.slice(at))
            n += batch.num_rows - at
    if held:
        yield pa.Table.from_batches(held)


def taken(parts: Parts, kept: IntArray) -> Any:
    """Return the rows at ascending positions as an Arrow table; stops reading behind the last."""
    found: list[Any] = []
    start = done = 0
    for batch in parts.batches():
        end = start + batch.num_rows
        stop = int(np.searchsorted(kept, end))
        if stop > done:
            found.append(pa.Table.from_batches([batch]).take(pa.array(kept[done:stop] - start)))
        start, done = end, stop
        if done == len(kept):
            break
    return pa.concat_tables(found) if found else parts.empty()


def _positions(n: int, k: int, seed: int) -> IntArray:
    if k >= n:
        return np.arange(n, dtype=np.int64)
    drawn = stream(seed, "chunks/sample").choice(n, k, replace=False, shuffle=False)
    return np.sort(drawn).astype(np.int64)


def _judged_again(
    found: Schema, stated: Schema | None, studied: Any, odd: Mapping[str, Sequence[Any]], parts: Parts
) -> Schema:
    """Return the schema with columns judged anew, their unforeseen cells beside the sample's."""
    for name, cells in odd.items():
        if stated is not None and name in stated:
            continue
        column = pa.concat_tables([studied.select([name]), *(c.select([name]) for c in cells)]).column(0)
        kept = found.field(name)
        fresh = infer_field(parts.column(name, column), comma_is_point=parts.comma_is_point).field
        found = found.replace_field(replace(fresh, roles=kept.roles))
    return found


_OF_THE_SAMPLE = frozenset({"read/constant-column", "read/all-missing"})
# What the sample shows of a column that never varies need not hold for all rows.

__all__ = ["CHUNK", "LEARNED", "ChunkedTable", "Data", "Facts", "bounded", "fewer", "open_chunks", "regrouped", "taken"]
