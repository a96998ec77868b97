"""The table as a modality: one object through which the other floors read, write, place and show tables."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from synthproof.core.run import Run
from synthproof.core.schema import Schema
from synthproof.data.table.dataset import Table
from synthproof.data.table.embed import TableEmbedder
from synthproof.data.table.formats import write_texts
from synthproof.data.table.infer import infer_schema
from synthproof.data.table.io import conform, load, read_table, write_table

_SHOWN = 200


class TableModality:
    """Tables: reading, writing, comparing, showing."""

    name: ClassVar[str] = "table"

    def infer(self, source: object, /) -> Schema:
        """Return the schema that the source seems to have, with reasons."""
        return source.schema if isinstance(source, Table) else infer_schema(load(source))[0]

    def read(self, source: object, /, *, schema: Schema | None = None) -> Table:
        """Return the table in a file, database or data frame."""
        return read_table(source, schema=schema)

    def conform(self, source: object, schema: Schema, /) -> Table:
        """Return another source read under a schema, e.g. another tool's synthetic file."""
        return conform(source, schema)

    def write(self, data: Table, target: Path, /) -> tuple[Path, ...]:
        """Write the table in the format it came in, or the one the target's name asks for."""
        return write_table(data, target)

    def embedder(self, train: Table, /, *, run: Run | None = None) -> TableEmbedder:
        """Return an embedder fitted on train only."""
        if run is not None:
            run.tick("embed", 0, 1)
        return TableEmbedder().fit(train)

    def preview(self, synthetic: Table, /, *, n: int) -> Mapping[str, Any]:
        """Return the first n synthetic rows as texts, long ones cut. Never give it real data."""
        head = synthetic.frame.iloc[:n]
        columns = []
        for f in synthetic.schema.fields:
            texts = write_texts(head[f.name].reset_index(drop=True), f)
            gap = str(f.format.get("missing", ""))
            words = np.array([*(_cut(w) for w in texts.values.to_pylist()), gap], dtype=object)
            columns.append(words[texts.codes].tolist())
        return {"columns": list(synthetic.schema.names), "rows": [list(r) for r in zip(*columns, strict=True)]}


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


__all__ = ["TableModality"]
