"""Large tables for the scale benchmarks: a shared set resampled with jitter, written part by part.

The recipe, kept so that anybody can make the same bytes: rows of the real set are drawn with replacement; each number
of a column with more than 20 distinct values moves by a normal step of a fiftieth of the column's spread (whole numbers
stay whole, zeros and missing values stay as they are, signs and the column's range are kept); each other cell takes,
once in fifty, the value of another random row. Columns past the set's own are such copies of its columns again, joined
row by row. A column of many levels, when asked for, follows a power law and leans on the first column of levels.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from _machine import data_dir

PART = 65_536
_DISTINCT = 20
_STEP = 0.02
_SWAPPED = 0.02
_DROPPED = {"covertype_15k": ["Id"], "default_credit": ["ID"]}


def base(name: str) -> pd.DataFrame:
    parts = sorted((data_dir() / name).glob("*.parquet"), key=lambda p: (p.name != "train.parquet", p.name))
    frame = pd.concat([pd.read_parquet(p) for p in parts], ignore_index=True)
    return frame.drop(columns=_DROPPED.get(name, []))


class Recipe:
    """Rows of a real set, resampled with jitter; part k is the same whoever asks for it."""

    def __init__(self, name: str, columns: int, *, cardinality: int = 0, seed: int = 20261120) -> None:
        self.frame = base(name)
        self.columns, self.cardinality, self.seed = columns, cardinality, seed
        own = list(self.frame.columns)
        self.names = [own[i % len(own)] + ("" if i < len(own) else f"__{i // len(own) + 1}") for i in range(columns)]
        self.moving = {c: self._spread(c) for c in own}

    def _spread(self, name: str) -> tuple[float, float, float, bool] | None:
        column = self.frame[name]
        if not pd.api.types.is_numeric_dtype(column) or column.nunique() <= _DISTINCT:
            return None
        there = column.dropna().to_numpy(dtype=float)
        low, high = np.quantile(there, [0.1, 0.9])
        step = _STEP * ((high - low) or there.std())
        return step, float(there.min()), float(there.max()), bool((there == np.rint(there)).all())

    def part(self, k: int, rows: int) -> pd.DataFrame:
        rng = np.random.Generator(np.random.Philox(key=[self.seed, k]))
        pick = rng.integers(0, len(self.frame), rows)
        out: dict[str, Any] = {}
        for made in self.names:
            name = made.split("__")[0]
            cells = self.frame[name].take(pick).reset_index(drop=True)
            moving = self.moving[name]
            if moving is None:
                other = self.frame[name].take(rng.integers(0, len(self.frame), rows)).reset_index(drop=True)
                out[made] = cells.where(rng.random(rows) >= _SWAPPED, other)
            else:
                out[made] = self._moved(cells.to_numpy(dtype=float, na_value=np.nan), moving, rng)
        if self.cardinality:
            out["place"] = self._places(out, rows, rng)
        return pd.DataFrame(out)

    @staticmethod
    def _moved(values: Any, moving: tuple[float, float, float, bool], rng: np.random.Generator) -> Any:
        step, low, high, whole = moving
        new = np.clip(np.abs(values + step * rng.standard_normal(len(values))) * np.sign(values), low, high)
        new = np.rint(new) if whole else new
        new = np.where(values == 0, 0.0, new)
        if whole:
            gone = np.isnan(new)
            return pd.arrays.IntegerArray(np.where(gone, 0, new).astype("int64"), gone)
        return np.round(new, 4)

    def _places(self, out: dict[str, Any], rows: int, rng: np.random.Generator) -> Any:
        first = next((pd.factorize(pd.Series(v))[0] for v in out.values() if not hasattr(v, "dtype") or v.dtype == object),
                     np.zeros(rows, dtype=int))  # fmt: skip
        ranks = np.floor(self.cardinality * rng.random(rows) ** 3).astype(int)
        return np.char.add("L", ((ranks + 37 * first) % self.cardinality).astype(str))

    def write(self, target: Path, rows: int) -> Path:
        """Write rows as one Parquet file of many row groups, in bounded memory."""
        import pyarrow as pa
        from pyarrow import parquet

        part = target.with_suffix(".part")
        writer = None
        for k, start in enumerate(range(0, rows, PART)):
            piece = pa.Table.from_pandas(self.part(k, min(PART, rows - start)), preserve_index=False)
            if writer is None:
                writer = parquet.ParquetWriter(part, piece.schema, compression="zstd")
            writer.write_table(piece.cast(writer.schema))
        assert writer is not None
        writer.close()
        part.rename(target)
        return target
