"""The persons met on either side, for the exact test of an axis: counted rightly, and silent where nothing leaks."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats as st

from synthproof.core.contracts import Case
from synthproof.core.random import derive
from synthproof.core.registry import metrics
from synthproof.core.run import Run
from synthproof.data.table.dataset import Table
from synthproof.policy.axes import LEVEL, _exact_chance
from synthproof.testing.leaks import near_copies
from synthproof.testing.references import noise, partial_copycat
from synthproof.testing.worlds import World, patients, survey, visits

NAMES = ("table.exact_copies", "table.near_copies", "table.disclosure")
RUN = Run(executor="serial", workers=1)


def case(world: World, n: int, m: int, seed: int, share: float = 0.0) -> Case[Table]:
    train, holdout, new = (world.draw(k, derive(seed, p)) for k, p in ((n, "t"), (m, "h"), (n, "n")))
    synthetic = partial_copycat(train, new, share, seed)
    return Case(train=train, holdout=holdout, synthetic=synthetic, purpose=world.purpose)


def met(one: Case[Table], name: str) -> dict[str, list[dict[str, int]]]:
    found = metrics.make(name).measure(one, seed=1, run=RUN)
    return {e.subject: list(e.detail["persons_met"]) for e in found if "persons_met" in e.detail}


def test_verbatim_copies_are_met_in_train_alone() -> None:
    (found,) = met(case(patients(), 400, 300, 1, share=0.05), "table.exact_copies")["unique"]
    assert found == {"train": 20, "holdout": 0, "of_train": 400, "of_holdout": 300, "whole": 400}


def test_a_person_met_often_is_one_person() -> None:
    clean = case(patients(), 400, 400, 2)
    ten = clean.train.take(np.full(10, 7))
    one = Case(train=clean.train, holdout=clean.holdout, synthetic=ten, purpose=clean.purpose)
    assert met(one, "table.exact_copies")["unique"][0]["train"] == 1
    moved = Case(
        train=clean.train, holdout=clean.holdout, synthetic=near_copies(ten, clean.train, 3), purpose=clean.purpose
    )
    assert {x["train"] for x in met(moved, "table.near_copies")["all"]} == {1}


def test_persons_with_several_rows_are_counted_once() -> None:
    one = case(visits(), 200, 100, 1, share=0.2)
    for name in NAMES:
        for counts in met(one, name).values():
            for x in counts:
                assert (x["of_train"], x["of_holdout"]) == (200, 100)
                assert x["train"] <= 200
                assert x["holdout"] <= 100


@pytest.mark.parametrize("share", [0.5, 0.9])
@pytest.mark.parametrize("world", [patients(), survey()], ids=lambda w: w.name)
def test_fresh_records_and_noise_raise_no_alarm(world: World, share: float) -> None:
    seeds, n = 40, 500
    alarms: dict[str, int] = {}
    for seed in range(seeds):
        one = case(world, round(share * n), n - round(share * n), seed)
        if seed % 4 == 0:
            drawn = noise(one.train, len(one.train), seed)
            one = Case(train=one.train, holdout=one.holdout, synthetic=drawn, purpose=one.purpose)
        for name in NAMES:
            for subject, counts in met(one, name).items():
                key = f"{name}: {subject}"
                alarms[key] = alarms.get(key, 0) + (_exact_chance(counts, 0.0) <= LEVEL)
    assert len(alarms) >= 3
    # The test is exact at its level; more alarms than this come with chance 1e-4.
    assert max(alarms.values()) <= st.binom.isf(1e-4, seeds, LEVEL), alarms
