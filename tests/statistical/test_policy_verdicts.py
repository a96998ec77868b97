"""Generators whose answer is known, judged by every policy of the house: nobody calls a copy safe, nor noise useful."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from synthproof.core.contracts import Case, Recipe
from synthproof.core.evidence import Evidence, Limit, Verdict
from synthproof.core.random import stream
from synthproof.core.schema import Purpose
from synthproof.data.table.dataset import Table
from synthproof.policy.load import load_policy
from synthproof.testing.references import copycat, fresh, noise
from synthproof.testing.worlds import patients
from synthproof.verification.battery import verify_case

POLICIES = ("internal", "partner", "public", "pipc_2024")
N = 700
WORLD = patients()


def near_copies(train: Table, n: int, seed: int) -> Table:
    """Return training rows of which the cost is off by a cent or two: no row equals its original."""
    table = copycat(train, n, seed)
    step = stream(seed, "near").choice([0.01, 0.02], n)
    return table.with_frame(table.frame.assign(cost=np.round(table.frame["cost"].to_numpy() + step, 2)))


def tenth_near(train: Table, n: int, seed: int) -> Table:
    """Return fresh rows of which every tenth is a near copy: the average hardly moves."""
    good, bad = fresh(WORLD, n, seed).frame, near_copies(train, n, seed).frame
    mixed = good.copy()
    mixed.iloc[::10] = bad.iloc[::10].to_numpy()
    return train.with_frame(mixed.astype(good.dtypes.to_dict()))


@cache
def measured(kind: str) -> tuple[tuple[Evidence, ...], tuple[Limit, ...], Purpose]:
    """Measure once under the widest plan; the other policies judge the same evidence."""
    train, holdout = WORLD.draw(N, 1), WORLD.draw(N, 2)
    made = {
        "fresh": lambda: fresh(WORLD, N, 3),
        "copycat": lambda: copycat(train, N, 3),
        "near copies": lambda: near_copies(train, N, 3),
        "a tenth near copies": lambda: tenth_near(train, N, 3),
        "noise": lambda: noise(train, N, 3),
    }[kind]()
    case = Case(
        train=train, holdout=holdout, synthetic=made, purpose=WORLD.purpose, recipe=Recipe(name="table.marginals")
    )
    judged = verify_case(case, load_policy("pipc_2024"), seed=4, repeats=20)
    return judged.evidence, judged.limits, case.purpose


def verdict(kind: str, policy: str, **purpose: str) -> Verdict:
    evidence, limits, known = measured(kind)
    return load_policy(policy).for_purpose(replace(known, **purpose)).judge(evidence, (), limits)  # type: ignore[arg-type]


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("kind", ["copycat", "near copies", "a tenth near copies"])
def test_copies_fail_safety_everywhere(kind: str, policy: str) -> None:
    found = verdict(kind, policy)
    assert found.families["safety"] == "does_not_meet"
    assert found.result == "does_not_meet"


@pytest.mark.parametrize("policy", POLICIES)
def test_noise_fails_fidelity_everywhere(policy: str) -> None:
    found = verdict("noise", policy)
    assert found.families["fidelity"] == "does_not_meet"
    assert found.families["safety"] != "does_not_meet"
    assert found.result == "does_not_meet"


@pytest.mark.parametrize("policy", POLICIES)
def test_fresh_real_records_are_never_called_harmful(policy: str) -> None:
    found = verdict("fresh", policy)
    assert found.families["safety"] != "does_not_meet", [f.because.en for f in found.findings if f.result != "meets"]
    assert {f for f, r in found.families.items() if r == "does_not_meet"} == set()


def test_fresh_real_records_meet_the_guide_and_the_milder_policies() -> None:
    for policy in ("pipc_2024", "internal"):
        found = verdict("fresh", policy)
        assert found.result == "meets", [f.because.en for f in found.findings if f.result != "meets" and not f.advisory]


@pytest.mark.parametrize("policy", ["partner", "public"])
def test_few_persons_cannot_exclude_a_leak_for_others_and_the_policy_says_how_many_could(policy: str) -> None:
    found = verdict("fresh", policy)
    assert found.result == "not_assessed"
    assert not [a for a in found.axes if a.state == "leak_shown"]
    unsure = [a for a in found.axes if a.state == "not_assessed"]
    assert "membership" in [a.axis for a in unsure]
    assert any(a.needed is not None and a.needed > N for a in unsure)


def test_data_that_say_nothing_may_still_serve_a_software_test() -> None:
    # The guide: utility is optional by purpose, safety never is.
    assert verdict("noise", "pipc_2024", use="software_test").result == "meets"
    assert verdict("copycat", "pipc_2024", use="software_test").result == "does_not_meet"
