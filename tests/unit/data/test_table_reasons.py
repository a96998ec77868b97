"""Reasons of an inferred schema are told in Korean too, whatever kind a column has."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from synthproof.data.table.io import read_table
from synthproof.data.table.reasons import in_korean


def columns() -> pd.DataFrame:
    n = 240
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "patient_id": [f"P{i // 4:04d}" for i in range(n)],
            "id": rng.permutation(90000)[:n],
            "row": np.arange(n),
            "age": rng.integers(20, 90, n),
            "flag": rng.integers(0, 2, n),
            "grade": rng.integers(1, 5, n),
            "code": rng.choice([1, 7, 90], n),
            "zip": [f"{i:05d}" for i in rng.integers(0, 40, n)],
            "dose": np.round(rng.normal(4, 1, n), 2),
            "sex": rng.choice(["F", "M"], n),
            "smoker": rng.choice(["Y", "N"], n),
            "level": rng.choice(["low", "medium", "high"], n),
            "seen": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, n), unit="D"),
            "note": [f"a sentence with words number {i} and more of them" for i in range(n)],
            "big": [str(10**25 + int(i)) for i in rng.integers(0, 10**6, n)],
            "empty": [None] * n,
            "mixed": [("12", "x", "3.5")[i % 3] for i in range(n)],
            "gaps": [None if i % 5 == 0 else i * 0.5 for i in range(n)],
        }
    )


@pytest.mark.parametrize("form", ["csv", "frame"])
def test_every_reason_has_its_korean(form: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    frame = columns()
    source: object = frame
    if form == "csv":
        source = tmp_path_factory.mktemp("reasons") / "a.csv"
        frame.to_csv(source, index=False)
    for f in read_table(source).schema.fields:
        told = in_korean(f.reason)
        for part in told.split("; "):
            assert re.search("[가-힣]", part), (f.name, f.reason)


def test_a_users_own_note_stays() -> None:
    assert in_korean("checked by hand") == "checked by hand"
