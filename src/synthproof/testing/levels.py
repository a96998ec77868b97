"""The contract check of columns of very many levels; `synthproof.testing.synthesizers` runs it with the others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from synthproof.core.schema import Field, Schema
from synthproof.data.table.dataset import Table

SHARED = 10
"""A real number may be drawn as it is when at least this many persons have it."""


def check_wide_column(bench: Any) -> None:
    """A column of very many levels: rare levels never come out, shared ones do, and can be asked for.

    A model learns what ``Layout.seen`` makes of the data, and hands its conditions to ``Layout.table``. Under differential
    privacy every declared level may come out, whoever has it: which are rare is hidden, not shown.
    """
    if bench.private or not bench.model.tags.releasable:
        return
    rng = np.random.Generator(np.random.Philox(3))
    codes = np.minimum(rng.geometric(0.01, 1500) - 1, 599)
    f = Field(name="code", kind="categorical", levels=tuple(f"K{k:03d}" for k in range(600)))
    sex = pd.Categorical(np.where(rng.random(1500) < 0.5, "M", "F"), categories=["F", "M"])
    frame = pd.DataFrame({"code": pd.Categorical(np.array(f.levels)[codes], categories=list(f.levels)), "sex": sex})
    data = Table(frame, Schema(fields=(f, Field(name="sex", kind="categorical", levels=("F", "M")))))
    model = bench.new().fit(data)
    drawn, counts = model.sample(1500, seed=1).frame["code"], frame["code"].value_counts()
    assert drawn.notna().all(), "learn Layout.seen(data), not the data"
    assert not drawn.isin(counts.index[(counts > 0) & (counts < SHARED)]).any(), "a rare level came out"
    assert drawn.nunique() > 0.5 * (counts >= SHARED).sum()
    if model.tags.conditional:
        shared = {str(counts.index[20])} & set(model.schema_.field("code").levels)  # unless it hides more than we do
        for asked in sorted({str(drawn.mode()[0])} | shared):
            assert (model.sample(60, where={"code": asked}, seed=2).frame["code"] == asked).all()


__all__ = ["SHARED", "check_wide_column"]
