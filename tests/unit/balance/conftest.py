"""A small mixed table with gaps, and a study of it that is run once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from synthproof.balance.learner import Perceptron
from synthproof.balance.study import Study, study
from synthproof.balance.task import TableTask
from synthproof.data.table.io import read_table
from synthproof.testing.worlds import patients


def _mixed(n: int = 500, seed: int = 0) -> tuple[pd.DataFrame, pd.Series]:
    """Return columns of many types, with gaps and an index that is neither sorted nor from 0, and three classes."""
    rng = np.random.default_rng(seed)
    index = pd.Index(rng.permutation(np.arange(1000, 1000 + n)), name="chart")
    frame = pd.DataFrame(
        {
            "height": rng.normal(170, 9, n).round(1),
            "visits": rng.integers(0, 60, n),
            "scans": pd.array(rng.integers(0, 40, n), dtype="Int16"),
            "ward": rng.choice(["내과", "surgery", "icu"], n),
            "when": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 400, n), unit="D"),
            "blood": pd.Categorical(rng.choice(["A", "B", "O"], n)),
            "smokes": rng.random(n) > 0.5,
        },
        index=index,
    )
    frame.loc[frame.index[::7], "height"] = np.nan
    frame.loc[frame.index[::11], "scans"] = pd.NA
    frame.loc[frame.index[::13], "ward"] = None
    draw = rng.random(n)
    y = pd.Series(np.where(draw < 0.1, "rare", np.where(draw < 0.4, "mid", "big")), index=index, name="label")
    return frame, y


@pytest.fixture
def mixed() -> Callable[..., tuple[pd.DataFrame, pd.Series]]:
    """Make the mixed table: ``mixed(n=500, seed=0)``."""
    return _mixed


@pytest.fixture(scope="session")
def small_study() -> Study:
    table = read_table(patients().draw(500, 1).frame)
    task = TableTask(table, "disease", generator="table.marginals", seed=1)
    return study(task, learner=Perceptron(steps=60, hidden=16), repeats=40, doses=(0.5, 1.0), seed=1)
