"""Utility metrics against generators whose answer is known: fresh records, shuffled columns, noise, copies."""

from __future__ import annotations

from collections import defaultdict
from functools import cache

import pandas as pd
import pytest

from synthproof.core.contracts import Case
from synthproof.core.evidence import Evidence
from synthproof.core.random import derive, stream
from synthproof.core.registry import metrics
from synthproof.core.run import Run
from synthproof.data.table.dataset import Table
from synthproof.testing.calibration import against_reference, case_of, fewest_covered
from synthproof.testing.worlds import adult_like, patients

WORLDS = {w.name: w for w in (patients(), adult_like())}
QUICK = (
    "any.coverage",
    "any.clusters",
    "table.coefficients",
    "table.tests",
    "table.rare_values",
    "table.joint_density",
)
LEARNED = ("table.subgroups", "table.fairness")
REDRAWS = {**dict.fromkeys(QUICK, 8), "any.clusters": 5, **dict.fromkeys(LEARNED, 2)}
FEW, MANY = 1_200, 4_000
"""Real units in all: few for coverage over redraws, many where a generator must be caught."""

Marks = dict[str, list[tuple[bool, bool]]]


def shuffled(table: Table, seed: int) -> Table:
    """Every column in an order of its own: margins stay, all that ties columns together goes."""
    frame = table.frame
    columns = {
        name: frame[name].iloc[stream(seed, f"shuffled/{name}").permutation(len(frame))].reset_index(drop=True)
        for name in frame.columns
    }
    return table.with_frame(pd.DataFrame(columns))


@cache
def case(world: str, split: str, generator: str, seed: int, n: int) -> Case[Table]:
    found = case_of(WORLDS[world], split, "fresh" if generator == "shuffled" else generator, seed, n)
    if generator != "shuffled":
        return found
    mixed = shuffled(found.synthetic, seed)
    return Case(train=found.train, holdout=found.holdout, synthetic=mixed, purpose=found.purpose)


@cache
def measured(name: str, world: str, split: str, generator: str, seed: int) -> tuple[Evidence, ...]:
    n = FEW if generator == "fresh" or name in LEARNED else MANY
    looked_at = case(world, split, generator, seed, n)
    return tuple(metrics.make(name).measure(looked_at, seed=derive(seed, name), run=Run(workers=1)))


def first(name: str, world: str, split: str, generator: str, seed: int) -> Evidence:
    return measured(name, world, split, generator, seed)[0]


def worse(name: str, world: str, generator: str, seed: int, split: str = "equal") -> bool:
    return against_reference(first(name, world, split, generator, seed), metrics.get(name).card.better)[0]


@pytest.mark.parametrize("name", [*QUICK, *LEARNED])
def test_fresh_records_cover_their_reference(name: str) -> None:
    marks: Marks = defaultdict(list)
    for world in WORLDS:
        for split in ("equal",) if name in LEARNED else ("equal", "9:1"):
            for seed in range(REDRAWS[name]):
                for e in measured(name, world, split, "fresh", seed):
                    if e.estimate is not None:
                        key = "all" if e.subject == "all" else "parts"
                        marks[key].append(against_reference(e, metrics.get(name).card.better))
    assert len(marks["all"]) == (2 if name in LEARNED else 4) * REDRAWS[name]
    for found in marks.values():
        n = len(found)
        # parts of one table depend on each other, so their count is worth fewer trials: the share itself is asked
        assert sum(not w for w, _ in found) >= min(fewest_covered(n, 0.975), round(0.95 * n))
        assert sum(c for _, c in found) >= min(fewest_covered(n), round(0.9 * n))


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("name", [*QUICK, "table.subgroups"])
def test_noise_is_caught(name: str, world: str) -> None:
    assert all(worse(name, world, "noise", seed) for seed in range(1 if name in LEARNED else 2))


@pytest.mark.parametrize("name", ["any.coverage", "table.coefficients", "table.joint_density", "table.subgroups"])
def test_shuffled_columns_are_caught(name: str) -> None:
    # the numbers of `patients` hang together; those of `adult_like` hardly do, so its densities may look alike
    world = "adult_like" if name in LEARNED else "patients"
    assert all(worse(name, world, "shuffled", seed) for seed in range(1 if name in LEARNED else 3))


def test_a_shuffle_leaves_margins_alone_and_the_tests_across_levels_see_it() -> None:
    assert not any(worse("table.rare_values", "patients", "shuffled", seed) for seed in range(3))
    seen = 0
    for seed in range(3):
        for e in measured("table.tests", "patients", "equal", "shuffled", seed):
            bad, _ = against_reference(e, "lower") if e.estimate is not None else (False, False)
            seen += bad and e.subject == "glucose/kruskal_wallis"
            assert not bad or e.subject == "all" or e.subject.endswith("/kruskal_wallis")
    assert seen == 3


def test_a_copycat_is_perfectly_useful() -> None:
    for world in WORLDS:
        for name in (*QUICK, *(LEARNED if world == "adult_like" else ())):
            assert not worse(name, world, "copycat", 1)
        assert first("table.coefficients", world, "equal", "copycat", 1).estimate == pytest.approx(1.0, abs=1e-6)
        assert first("table.joint_density", world, "equal", "copycat", 1).estimate == pytest.approx(1.0)
        assert first("table.rare_values", world, "equal", "copycat", 1).estimate == 0.0


def test_bias_that_is_planted_is_found() -> None:
    """A generator that hands the outcome to one sex alone makes decisions more unequal, and says so."""
    fair = case("adult_like", "equal", "fresh", 1, FEW)
    frame = fair.synthetic.frame.copy()
    high = frame["sex"].astype(bool) & (frame["schooling"] >= 8)
    labels = frame["income"].cat.categories
    frame["income"] = pd.Categorical.from_codes(high.to_numpy(dtype=int), dtype=frame["income"].dtype)
    assert list(labels) == list(frame["income"].cat.categories)
    biased = Case(
        train=fair.train, holdout=fair.holdout, synthetic=fair.synthetic.with_frame(frame), purpose=fair.purpose
    )
    found = {e.subject: e for e in metrics.make("table.fairness").measure(biased, seed=1)}
    for subject in ("all", "income/sex/parity", "income/sex/odds", "income/sex/association"):
        assert against_reference(found[subject], "lower")[0], subject
    assert found["income/sex/parity"].detail["real"] < 0.3
    assert found["income/sex/parity"].detail["synthetic"] > 0.5
