"""Worse evidence never improves a verdict; lost evidence never turns into good news; advice never decides."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthproof.core.evidence import RESULTS, Evidence, Limit, Verdict
from synthproof.core.registry import policies
from synthproof.policy.load import load_policy
from synthproof.policy.rules import RulePolicy
from synthproof.testing.policies import Given, absent, measured, perfect

POLICIES = [load_policy(name) for name in policies.names()]
UNIT = st.floats(0, 1, allow_nan=False)


def severity(verdict: Verdict) -> int:
    return RESULTS.index(verdict.result)


def judge(policy: RulePolicy, given: Given, *, statements: bool = True) -> Verdict:
    return policy.judge(given.evidence, given.statements if statements else (), given.limits)


def sides(policy: RulePolicy) -> dict[str, int]:
    """+1 where a larger number is worse, -1 where a smaller one is, by the rules that decide."""
    found: dict[str, set[int]] = {}
    for rule in policy.rules:
        if rule.required and rule.metric:
            found.setdefault(rule.metric, set()).add(1 if rule.side == "max" else -1)
    for axis in policy.axes:
        for m in axis.measures:
            found.setdefault(m.metric, set()).add(1)
    assert all(len(v) == 1 for v in found.values()), "two deciding rules pull one metric both ways"
    return {k: v.pop() for k, v in found.items()}


@st.composite
def cases(draw: st.DrawFn) -> tuple[RulePolicy, Given]:
    """Return a shipped policy with evidence of every sort, good and bad, stamped as the battery does."""
    policy = draw(st.sampled_from(POLICIES))
    ideal = perfect(policy)
    evidence: list[Evidence] = []
    for e in ideal.evidence:
        outcome = draw(st.sampled_from(["good", "good", "good", "any", "failed", "insufficient", "not_applicable"]))
        parts = {"parts": str(sum(x.metric == e.metric for x in ideal.evidence))}
        if outcome == "any":
            e = measured(e.metric, draw(UNIT), subject=e.subject, half=draw(st.floats(0, 0.3)), reference=draw(UNIT))
        elif outcome != "good":
            e = absent(e.metric, outcome, subject=e.subject)
        evidence.append(replace(e, inputs=parts))
    limits = tuple(x for x in ideal.limits if draw(st.integers(0, 5)))
    return policy, Given(evidence=tuple(evidence), statements=ideal.statements, limits=limits)


def moved(e: Evidence, by: float) -> Evidence:
    assert e.estimate is not None
    assert e.interval is not None
    return replace(e, estimate=e.estimate + by, interval=(e.interval[0] + by, e.interval[1] + by))


@given(cases(), st.data())
@settings(max_examples=150, deadline=None)
def test_worse_numbers_never_improve_the_verdict(case: tuple[RulePolicy, Given], data: st.DataObject) -> None:
    policy, before = case
    worse = sides(policy)
    shifts = data.draw(st.lists(st.floats(0, 2), min_size=len(before.evidence), max_size=len(before.evidence)))
    evidence = tuple(
        moved(e, worse.get(e.metric, 1) * by) if e.outcome == "measured" else e
        for e, by in zip(before.evidence, shifts, strict=True)
    )
    assert severity(judge(policy, replace(before, evidence=evidence))) >= severity(judge(policy, before))


@given(cases(), st.data())
@settings(max_examples=150, deadline=None)
def test_a_lower_limit_never_improves_the_verdict(case: tuple[RulePolicy, Given], data: st.DataObject) -> None:
    policy, before = case
    lower = tuple(
        replace(x, value=x.value - (1 if x.side == "max" else -1) * data.draw(st.floats(0, 1))) for x in before.limits
    )
    assert severity(judge(policy, replace(before, limits=lower))) >= severity(judge(policy, before))


@given(cases(), st.data())
@settings(max_examples=150, deadline=None)
def test_what_is_lost_never_becomes_good_news(case: tuple[RulePolicy, Given], data: st.DataObject) -> None:
    policy, before = case
    kept = tuple(e for e in before.evidence if data.draw(st.booleans()))
    limits = tuple(x for x in before.limits if data.draw(st.booleans()))
    if judge(policy, before).result != "meets":
        assert judge(policy, replace(before, evidence=kept, limits=limits)).result != "meets"


@given(cases(), st.data(), st.sampled_from(["failed", "insufficient"]))
@settings(max_examples=100, deadline=None)
def test_what_breaks_never_becomes_good_news(case: tuple[RulePolicy, Given], data: st.DataObject, outcome: str) -> None:
    policy, before = case
    broken = tuple(
        absent(e.metric, outcome, subject=e.subject) if data.draw(st.booleans()) else e for e in before.evidence
    )
    # A statement may answer "insufficient"; that a number is missing is then said by the metric, not by its loss.
    if judge(policy, before, statements=False).result != "meets":
        assert judge(policy, replace(before, evidence=broken), statements=False).result != "meets"


@given(cases(), st.data())
@settings(max_examples=150, deadline=None)
def test_advice_never_decides(case: tuple[RulePolicy, Given], data: st.DataObject) -> None:
    policy, before = case
    deciding = {r.metric for r in policy.rules if r.required}
    deciding |= {m.metric for axis in policy.axes for m in axis.measures}
    after = tuple(
        measured(e.metric, data.draw(UNIT), subject=e.subject, reference=data.draw(UNIT))
        if e.metric not in deciding
        else e
        for e in before.evidence
    )
    assert judge(policy, replace(before, evidence=after)).result == judge(policy, before).result
    silent = replace(policy, rules=tuple(r for r in policy.rules if r.required))
    assert judge(silent, before).result == judge(policy, before).result


@given(cases())
@settings(max_examples=100, deadline=None)
def test_the_verdict_is_its_worst_deciding_finding(case: tuple[RulePolicy, Given]) -> None:
    policy, before = case
    verdict = judge(policy, before)
    deciding = [RESULTS.index(f.result) for f in verdict.findings if not f.advisory]
    assert severity(verdict) == (max(deciding) if deciding else RESULTS.index("not_assessed"))
    assert verdict == Verdict.from_dict(verdict.to_dict())
    assert severity(verdict) == max(RESULTS.index(r) for r in verdict.families.values())


TABLES = [p for p in POLICIES if any(r.metric.startswith("table.") for r in p.rules)]


@pytest.mark.parametrize("policy", TABLES, ids=lambda p: p.id)
def test_one_lost_sensitive_item_is_missed(policy: RulePolicy) -> None:
    assert len(TABLES) == 4
    linkage = [r for r in policy.rules if r.metric == "table.pipc_linkage"]
    assert linkage
    ideal = perfect(policy)
    others = tuple(e for e in ideal.evidence if e.metric != "table.pipc_linkage")
    items = [
        replace(measured("table.pipc_linkage", x, subject=n, half=0.01, reference=0.3), inputs={"parts": "2"})
        for n, x in (("disease", 0.9), ("income", 0.1))
    ]
    assert policy.judge((*others, *items), ideal.statements, ideal.limits).result == "does_not_meet"
    assert policy.judge((*others, items[1]), ideal.statements, ideal.limits).result == "not_assessed"


def test_limits_are_read_by_side() -> None:
    pipc = load_policy("pipc_2024")
    ideal = perfect(pipc)
    mirrored = tuple(
        Limit(metric=x.metric, value=x.value, side="min", origin=x.origin, because=x.because) for x in ideal.limits
    )
    assert pipc.judge(ideal.evidence, ideal.statements, mirrored).result == "not_assessed"
