"""Tables kept in the vault: canonical columns as Parquet beside the schema and the origin. Digests prove wholeness."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from synthproof.core.files import whole_folder
from synthproof.core.schema import Schema
from synthproof.data.table.dataset import Origin, Table, canonical_dtype


def save_table(folder: Path, table: Table) -> Path:
    """Write a table as a folder (``rows.parquet``, ``table.json``), whole or not at all."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with whole_folder(folder) as part:
        arrow = pa.Table.from_pandas(_storable(table.frame), preserve_index=False).replace_schema_metadata(None)
        pq.write_table(arrow, part / "rows.parquet", compression="zstd", compression_level=3)
        record = {
            "schema": table.schema.to_dict(),
            "origin": {
                "container": table.origin.container,
                "options": dict(table.origin.options),
                "name": table.origin.name,
            },
        }
        (part / "table.json").write_text(json.dumps(record, ensure_ascii=False, indent=1), encoding="utf-8")
    return folder


def load_table(folder: Path) -> Table:
    """Read what `save_table` wrote."""
    import pyarrow.parquet as pq

    record: dict[str, Any] = json.loads((folder / "table.json").read_text(encoding="utf-8"))
    schema = Schema.from_dict(record["schema"])
    stored = pq.read_table(folder / "rows.parquet").to_pandas()
    columns = {f.name: stored[f.name].astype(canonical_dtype(f)) for f in schema.fields}
    frame = pd.DataFrame(columns, index=pd.RangeIndex(len(stored)))
    return Table(frame, schema, origin=Origin(**record["origin"]))


def _storable(frame: pd.DataFrame) -> pd.DataFrame:
    # Categories are stored as text: the schema beside them knows levels and order.
    texts = [c for c in frame.columns if isinstance(frame[c].dtype, pd.CategoricalDtype)]
    return frame.assign(**{c: frame[c].astype("str") for c in texts}) if texts else frame
