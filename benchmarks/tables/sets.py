"""The eleven real tables of `make bench-tables`, prepared alike for every generator, and their halves.

Prepared means: columns that only number rows dropped; the target of a classification, columns with at most two
values and columns that are only codes turned into text, so that every generator and the scorer see them as levels.
Nothing else is touched: missing values stay missing, numbers stay as they were published.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from _machine import data_dir  # noqa: E402

SplitName = Literal["halves", "published"]
SMALL = 2_000
"""Rows a side under which a cell's figures carry bootstrap intervals."""


@dataclass(frozen=True, slots=True)
class RealSet:
    """One table: what a later task predicts, what is dropped, and which whole numbers are only codes."""

    target: str
    drop: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    regression: bool = False


SETS: dict[str, RealSet] = {
    "adult": RealSet("income"),
    "default_credit": RealSet("default.payment.next.month", drop=("ID",), codes=("EDUCATION", "MARRIAGE")),
    "shoppers": RealSet("Revenue", codes=("OperatingSystems", "Browser", "Region", "TrafficType")),
    "magic": RealSet("class"),
    "beijing_pm25": RealSet("pm2.5", drop=("No",), regression=True),
    "news_popularity_20pct": RealSet("shares", regression=True),
    "support2_emr": RealSet("death"),
    "korean_health_exam": RealSet("smoking"),
    "king_county_houses": RealSet("price", drop=("id",), codes=("zipcode",), regression=True),
    "heart_disease": RealSet("num", codes=("cp", "restecg", "slope", "thal")),
    "covertype_15k": RealSet("Cover_Type", drop=("Id",)),
}
FOUR = ("adult", "default_credit", "shoppers", "heart_disease")
"""Where the slow peers run."""


def cache_dir() -> Path:
    """Return where tables that are not kept lie: ``SYNTHPROOF_PEERS``/cells, or ``peers/cells`` beside the repository."""
    return Path(os.environ.get("SYNTHPROOF_PEERS", Path(__file__).resolve().parents[3] / "peers")) / "cells"


def prepared(name: str, part: str | None = None) -> pd.DataFrame:
    """Return one whole table as every generator gets it; `part` names one file of a set that has several."""
    facts = SETS[name]
    files = sorted((data_dir() / name).glob("*.parquet"), key=lambda p: p.stem != "train")
    frame = pd.concat([pd.read_parquet(p) for p in files if part in (None, p.stem)], ignore_index=True)
    frame = frame.drop(columns=list(facts.drop))
    for column in frame.columns:
        if pd.api.types.is_numeric_dtype(frame[column]) and (
            column in facts.codes or (column == facts.target and not facts.regression) or frame[column].nunique() <= 2  # noqa: PLR2004
        ):
            frame[column] = _as_text(frame[column])
    return frame


def _as_text(values: pd.Series) -> pd.Series:
    text = values.map(lambda v: str(v) if isinstance(v, bool | np.bool_) else f"{v:g}", na_action="ignore")
    return text.astype(object).where(values.notna(), None)


def halves(name: str, seed: int, split: SplitName = "halves") -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return (train, holdout): two equal random halves (an odd row is left out), or the publisher's own parts.

    Both come in random order. That matters: the judge of telling apart draws its rows and its folds with one seed, so
    real rows stored in the source's order (by hospital, by hour) would be left out in runs of neighbours, and the AUC
    of two real halves of heart_disease would be 0.25 instead of 0.5.
    """
    rng = np.random.default_rng([seed, 2026])
    if split == "published":
        parts = prepared(name, "train"), prepared(name, "test")
        return tuple(p.iloc[rng.permutation(len(p))].reset_index(drop=True) for p in parts)  # type: ignore[return-value]
    frame = prepared(name)
    order = rng.permutation(len(frame))
    half = len(frame) // 2
    return tuple(frame.iloc[order[s : s + half]].reset_index(drop=True) for s in (0, half))  # type: ignore[return-value]


def stored_halves(name: str, seed: int, split: SplitName = "halves") -> tuple[Path, Path]:
    """Write both parts into the cache, once, and return their paths."""
    folder = cache_dir() / "real" / label(name, seed, split)
    paths = folder / "train.parquet", folder / "holdout.parquet"
    if not all(p.is_file() for p in paths):
        folder.mkdir(parents=True, exist_ok=True)
        for frame, path in zip(halves(name, seed, split), paths, strict=True):
            store(frame, path)
    return paths


def label(name: str, seed: int, split: SplitName = "halves") -> str:
    """Return the name of a cell's files."""
    return f"{name}-{seed}" if split == "halves" else f"{name}-{split}-{seed}"


def store(frame: pd.DataFrame, path: Path) -> None:
    """Write Parquet that every pandas from 1.5 on reads: plain strings, no notes of this pandas."""
    table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
    plain = [f.with_type(pa.string()) if pa.types.is_large_string(f.type) else f for f in table.schema]
    waiting = path.with_suffix(".part")
    pq.write_table(table.cast(pa.schema(plain)), waiting)
    waiting.replace(path)
