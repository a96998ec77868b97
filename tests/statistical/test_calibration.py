"""A thin cut of `benchmarks/calibrate.py`: every safety metric faces generators whose answer is known."""

from __future__ import annotations

import pytest
from scipy import stats as st

from synthproof.core.evidence import Evidence
from synthproof.core.registry import metrics
from synthproof.core.run import Run
from synthproof.testing.calibration import (
    GENERATORS,
    SPLITS,
    Trial,
    against_reference,
    fewest_covered,
    summary,
    together,
    trials,
)
from synthproof.testing.worlds import World, patients, survey

SEEDS = range(1, 13)
SAFETY = [name for name in metrics.names() if name.startswith("table.") and metrics.get(name).card.family == "safety"]


@pytest.fixture(scope="module", params=[patients(), survey()], ids=lambda w: w.name)
def found(request: pytest.FixtureRequest) -> list[Trial]:
    world: World = request.param
    run = Run(workers=1)
    return [
        t
        for split in SPLITS
        for generator in GENERATORS
        for seed in SEEDS
        for t in trials(world, split, generator, seed, n=1100, names=SAFETY, run=run)
    ]


def test_every_safety_metric_has_been_tried() -> None:
    ours = {
        "attribute_inference",
        "disclosure",
        "exact_copies",
        "linkability",
        "membership_inference",
        "near_copies",
        "nearer_than_unseen",
        "pipc_inference",
        "pipc_linkage",
        "pipc_singling_out",
        "reidentification",
        "singling_out",
    }
    assert ours <= {name.removeprefix("table.") for name in SAFETY}


def test_fresh_is_left_alone_and_copies_are_called(found: list[Trial]) -> None:
    rows = summary(found)
    asked = [r for r in rows if r["holds"] is not None]
    assert len(asked) >= 2 * len(SAFETY)
    # Twelve worlds a row are few, so single rows get the chance of 1e-3 that `fewest_covered` allows.
    wrong = [(r["split"], r["generator"], r["metric"], r["subject"], r["worse"]) for r in asked if not r["holds"]]
    assert wrong == []


def test_the_battery_sees_a_tenth_of_copies(found: list[Trial]) -> None:
    seen = {(r["split"], r["generator"]): r["any_worse"] for r in together(found)}
    n = len(SEEDS)
    if found[0].world == "patients":
        assert seen["equal", "tenth"] == seen["9:1", "tenth"] == n
    assert seen["equal", "copycat"] == seen["9:1", "copycat"] == n
    # Each interval may alarm at a one-sided 2.5 %; more worlds with any alarm than this has probability below 1e-4.
    for split in SPLITS:
        intervals = {(t.metric, t.subject) for t in found if (t.split, t.generator) == (split, "fresh")}
        assert seen[split, "fresh"] <= st.binom.ppf(1 - 1e-4, n, 1 - 0.975 ** len(intervals))


def test_against_reference_takes_both_intervals_into_account() -> None:
    def e(estimate: float, reference: float, ref: tuple[float, float] | None = None) -> Evidence:
        return Evidence(
            metric="m",
            estimate=estimate,
            interval=(estimate - 0.1, estimate + 0.1),
            reference=reference,
            reference_interval=ref,
        )

    assert against_reference(e(0.65, 0.5), "lower") == (True, False)
    assert against_reference(e(0.65, 0.5), "higher") == (False, False)
    assert against_reference(e(0.65, 0.5, (0.35, 0.65)), "lower") == (False, True)
    assert against_reference(e(0.35, 0.5), "higher") == (True, False)


def test_fewest_covered() -> None:
    assert fewest_covered(40) == 33
    assert fewest_covered(1) == 0
