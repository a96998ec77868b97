"""Large tables: what is thinned, that small tables are not, and that the answer says so."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from synthproof.core.contracts import Case
from synthproof.metrics.any import vectors as placed
from synthproof.metrics.table import predictors
from synthproof.metrics.table.coded_case import coded_case
from synthproof.testing.worlds import patients


def _case(n: int) -> Case[Any]:
    world = patients()
    train, holdout, synthetic = (world.draw(n, seed) for seed in (1, 2, 3))
    return Case(train=train, holdout=holdout, synthetic=synthetic, purpose=world.purpose)


def test_many_units_are_placed_as_a_sample_of_their_own_points(monkeypatch: pytest.MonkeyPatch) -> None:
    case = _case(400)
    every = placed.vectors(case, "holdout")
    assert len(every) == len(case.holdout or ())
    monkeypatch.setattr(placed, "MOST_PLACED", 150)
    some = placed.vectors(replace(case, cache={}), "holdout")
    assert len(some) == 150
    where = [np.flatnonzero((every == point).all(axis=1)) for point in some]
    assert all(len(w) for w in where)
    assert np.array_equal(some, placed.vectors(replace(case, cache={}), "holdout"))


def test_many_units_are_answered_for_by_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    case = _case(400)
    cc = coded_case(case)
    assert cc.holdout is not None
    field = cc.fields[0]
    whole = predictors.make_task(cc, cc.holdout, field, seed=5)
    monkeypatch.setattr(predictors, "CAP", 150)
    thinned = predictors.make_task(cc, cc.holdout, field, seed=5)
    assert len(thinned.holdout[1]) <= 150 < len(whole.holdout[1])
    assert len(thinned.holdout[0]) == len(thinned.holdout[1])
    assert set(thinned.holdout[1].tolist()) <= set(whole.holdout[1].tolist())
