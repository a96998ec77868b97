"""A thin cut of `benchmarks/verdicts.py`: whole batteries on planted leaks, judged by every policy of the house."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest
from scipy import stats as st

from synthproof.core.evidence import AxisFinding, Evidence
from synthproof.core.run import Run
from synthproof.engines.threads import one_blas_thread
from synthproof.policy.axes import LEVEL, judge_axes, overall
from synthproof.policy.load import load_policy
from synthproof.testing.leaks import LEAKS, LawSource, leak_case, mixture
from synthproof.testing.worlds import patients
from synthproof.verification.battery import run_battery

POLICIES = ("internal", "partner", "public", "pipc_2024")
SOURCES = {w.name: LawSource(w) for w in (mixture(), patients())}
N = 1_000
CLEAN = 6


@cache
def measured(source: str, leak: str, split: str, seed: int) -> tuple[Evidence, ...]:
    policy = load_policy("public")
    read = {m.metric for a in policy.axes for m in a.measures}
    policy = replace(policy, planned=tuple(p for p in policy.planned if p.metric in read), rules=())
    with one_blas_thread():
        case = leak_case(LEAKS[leak], SOURCES[source], N, split, seed)
        return run_battery(case, policy, seed=seed, run=Run(executor="serial", workers=1)).evidence


def judged(policy: str, *cell: object) -> tuple[AxisFinding, ...]:
    return judge_axes(measured(*cell), load_policy(policy).axes)


@pytest.mark.parametrize("split", ["1:1", "9:1"])
def test_clean_data_are_not_called_leaky(split: str) -> None:
    for policy in POLICIES:
        states = [overall(judged(policy, s, "clean", split, seed)) for s in SOURCES for seed in range(CLEAN // 2)]
        # Each run may alarm at 2.5 %; more alarms than this come with chance 1e-3.
        assert states.count("leak_shown") <= st.binom.isf(1e-3, CLEAN, LEVEL)


@pytest.mark.parametrize(
    ("source", "leak", "axis"),
    [
        ("mixture", "copies 5 %", "copies"),
        ("patients", "copies 5 %", "copies"),
        ("mixture", "near copies 5 %", "copies"),
        ("patients", "near copies 5 %", "copies"),
        ("mixture", "copies 10 %", "linkability"),
        ("mixture", "attribute only 10 %", "attribute"),
        ("mixture", "kernel 0.1 sd", "membership"),
        ("mixture", "between neighbours", "copies"),
    ],
)
def test_leaks_are_shown_on_their_axis_by_every_policy(source: str, leak: str, axis: str) -> None:
    for policy in POLICIES:
        found = judged(policy, source, leak, "1:1", 0)
        assert overall(found) == "leak_shown"
        assert next(f.state for f in found if f.axis == axis) == "leak_shown"


@pytest.mark.parametrize("split", ["1:1", "9:1"])
@pytest.mark.parametrize(
    "leak", ["copies 0.5 %", "copies 1 %", "near copies 1 %", "attribute only 1 %", "one outlier five times"]
)
def test_no_leak_is_bounded_below_its_size(leak: str, split: str) -> None:
    size = LEAKS[leak].size or 1 / N
    for policy in POLICIES:
        found = judged(policy, "mixture", leak, split, 1)
        bounds = [f.bound for f in found if f.bound is not None]
        assert overall(found) != "bounded" or max(bounds) >= size


@pytest.mark.parametrize("source", sorted(SOURCES))
def test_a_holdout_handed_out_is_never_called_safe(source: str) -> None:
    for policy in POLICIES:
        found = judged(policy, source, "holdout handed out", "1:1", 0)
        assert overall(found) == "not_assessed"
        assert not [f for f in found if f.state == "leak_shown"]
