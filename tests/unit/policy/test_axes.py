"""Axes: a leak is shown, bounded, or not assessed, and many attacks do not make one by chance."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from synthproof.core.evidence import AxisFinding, Evidence, Verdict
from synthproof.core.random import stream
from synthproof.core.words import Words
from synthproof.policy.axes import LEVEL, Axis, AxisMeasure, judge_axes, overall
from synthproof.policy.load import load_policy
from synthproof.testing.policies import absent, measured, perfect

W = Words(en="x", ko="가")


def measure(metric: str = "t.a", **more: Any) -> AxisMeasure:
    given: dict[str, Any] = {"tolerance": 0.05, "shown_over": 0.05, "persons": 1.0} | more
    return AxisMeasure(metric=metric, because=W, **given)


def axis(*measures: AxisMeasure, name: str = "a", **more: Any) -> Axis:
    return Axis(id=name, title=W, question=W, measures=measures, **more)


def one(evidence: list[Evidence], *measures: AxisMeasure) -> AxisFinding:
    return judge_axes(evidence, [axis(*measures)])[0]


def test_an_interval_under_the_tolerance_is_bounded_and_says_by_how_much() -> None:
    found = one([measured("t.a", 0.01, half=0.02)], measure())
    assert (found.state, found.bound) == ("bounded", pytest.approx(0.03))


def test_an_interval_over_the_line_shows_a_leak() -> None:
    found = one([measured("t.a", 0.2, half=0.02)], measure())
    assert (found.state, found.shown_by) == ("leak_shown", ("t.a: all",))


def test_an_interval_across_the_tolerance_says_how_many_persons_might_have_been_enough() -> None:
    found = one([measured("t.a", 0.0, half=0.1)], measure())
    assert found.state == "not_assessed"
    assert found.needed == 4000  # 1,000 persons, half width 0.1, wanted 0.05


def test_an_estimate_over_the_tolerance_has_no_such_number() -> None:
    assert one([measured("t.a", 0.06, half=0.1)], measure()).needed is None


def test_one_unsure_measure_leaves_the_axis_not_assessed_and_the_bound_unsaid() -> None:
    found = one([measured("t.a", 0.0, half=0.01), absent("t.b", "failed")], measure(), measure("t.b"))
    assert (found.state, found.bound, found.unsure) == ("not_assessed", None, ("t.b: all",))


def test_a_metric_that_is_gone_is_missed() -> None:
    found = one([measured("t.a", 0.0, half=0.01)], measure(), measure("t.b"))
    assert (found.state, found.unsure) == ("not_assessed", ("t.b: all",))


def test_what_only_shows_need_not_be_known() -> None:
    known = [measured("t.a", 0.0, half=0.01), absent("t.b", "insufficient")]
    assert one(known, measure(), measure("t.b", shows_only=True)).state == "bounded"
    leak = [known[0], measured("t.b", 0.5, half=0.1)]
    assert one(leak, measure(), measure("t.b", shows_only=True)).state == "leak_shown"


def test_a_question_that_does_not_arise_is_no_finding() -> None:
    found = judge_axes([absent("t.a", "not_applicable")], [axis(measure())])
    assert not found[0].applies
    assert overall(found) == "not_assessed"


def test_every_subject_counts() -> None:
    evidence = [measured("t.a", 0.0, subject=s, half=h) for s, h in (("all", 0.0), ("x", 0.01), ("y", 0.2))]
    assert one(evidence, measure(subject="*")).unsure == ("t.a: y",)


def test_the_excess_over_the_reference_is_read_with_both_intervals() -> None:
    e = Evidence(
        metric="t.a", estimate=0.02, interval=(0.01, 0.03), reference=0.01, reference_interval=(0.0, 0.02), n=100
    )
    found = one([e], measure(measure="over_reference"))
    assert found.bound == pytest.approx(0.01 + np.hypot(0.01, 0.01))


def test_many_axes_of_chance_numbers_show_no_more_leaks_than_one() -> None:
    rng = stream(7, "axes")
    axes = [axis(measure(f"t.{k}", shown_over=0.0), measure(f"t.{k}x", shown_over=0.0), name=str(k)) for k in range(5)]
    names = [m.metric for a in axes for m in a.measures]
    alarms = 0
    for _ in range(2000):
        drawn = [measured(m, float(v), half=1.96) for m, v in zip(names, rng.standard_normal(len(names)), strict=True)]
        alarms += any(f.state == "leak_shown" for f in judge_axes(drawn, axes))
    assert 0.5 * LEVEL < alarms / 2000 < 1.4 * LEVEL


def test_the_shipped_tolerances_grow_milder_from_public_to_internal() -> None:
    by_policy = [
        {(a.id, m.metric, m.subject): m.tolerance for a in load_policy(p).axes for m in a.measures}
        for p in ("public", "partner", "internal")
    ]
    for strict, mild in zip(by_policy, by_policy[1:], strict=False):
        assert strict.keys() == mild.keys()
        assert all(strict[k] <= mild[k] for k in strict)


def test_a_verdict_keeps_its_axes_through_the_file() -> None:
    policy = load_policy("public")
    given = perfect(policy)
    verdict = policy.judge(given.evidence, given.statements, given.limits)
    assert len(verdict.axes) == 5
    assert Verdict.from_dict(verdict.to_dict()) == verdict
    assert overall(verdict.axes) == "bounded"


def test_where_it_is_only_shown_an_unsure_axis_does_not_hold_up_the_verdict() -> None:
    policy = load_policy("internal")
    given = perfect(policy)
    unsure = tuple(
        absent(e.metric, "insufficient", subject=e.subject) if e.metric == "table.linkability" else e
        for e in given.evidence
    )
    verdict = policy.judge(unsure, given.statements, given.limits)
    assert verdict.result == "meets"
    assert [a.state for a in verdict.axes if a.axis == "linkability"] == ["not_assessed"]
    assert overall(verdict.axes) == "not_assessed"


@pytest.mark.parametrize("gate", ["filtered", "holdout_used"])
def test_a_gate_forbids_to_exclude_a_leak_but_not_to_show_one(gate: str) -> None:
    policy = load_policy("public")
    given = perfect(policy)
    stamped = tuple(replace(e, inputs={"gate": gate}) for e in given.evidence)
    verdict = policy.judge(stamped, given.statements, given.limits)
    assert {a.state for a in verdict.axes} == {"not_assessed"}
    assert verdict.result == "not_assessed"
    said = [f.because for f in verdict.findings if f.rule == "copies"][0]
    assert "{" not in said.en
    assert said.en != policy.judge(given.evidence, given.statements, given.limits).findings[-5].because.en
    leak = tuple(
        replace(measured(e.metric, 0.9, subject=e.subject), inputs={"gate": gate})
        if e.metric == "table.linkability"
        else e
        for e in stamped
    )
    assert overall(policy.judge(leak, given.statements, given.limits).axes) == "leak_shown"


def test_an_axis_of_which_only_what_shows_was_measured_does_not_apply_unless_it_shows() -> None:
    measures = (measure(), measure("t.b", shows_only=True))
    nothing = [absent("t.a", "not_applicable"), measured("t.b", 0.0, half=0.01)]
    assert not one(nothing, *measures).applies
    found = one([nothing[0], measured("t.b", 0.5, half=0.1)], *measures)
    assert (found.applies, found.state) == (True, "leak_shown")


def counted(train: int, holdout: int, *more: tuple[int, int], of: int = 1000, whole: int = 1000) -> Evidence:
    """Return evidence whose interval says nothing, with the persons met on either side."""
    counts = [
        {"train": a, "holdout": b, "of_train": of, "of_holdout": of, "whole": whole}
        for a, b in ((train, holdout), *more)
    ]
    return replace(measured("t.a", 0.0, half=0.5), detail={"persons_met": counts})


def test_the_chance_of_persons_met_is_fishers() -> None:
    # All 8 persons met are of train, where both sides are as many: 1000 · 999 … / (2000 · 1999 …).
    exact = float(np.prod([(1000 - i) / (2000 - i) for i in range(8)]))
    found = one([counted(8, 0)], measure(shown_over=0.0))
    assert found.p == pytest.approx(exact)
    assert (found.state, found.shown_by) == ("leak_shown", ("t.a: all",))
    assert one([counted(5, 5)], measure(shown_over=0.0)).state == "not_assessed"
    assert one([counted(0, 0)], measure(shown_over=0.0)).p == 1.0


def test_what_the_line_allows_is_taken_for_leaked() -> None:
    # Three of a thousand are allowed: five remain.
    allowed = one([counted(8, 0)], measure(shown_over=0.003)).p
    assert allowed == pytest.approx(float(np.prod([(997 - i) / (1997 - i) for i in range(5)])))
    assert one([counted(8, 0)], measure(shown_over=0.5)).p == 1.0


def test_several_tries_are_corrected_for() -> None:
    alone, tried = (one([e], measure(shown_over=0.0)).p for e in (counted(8, 0), counted(8, 0, (3, 3))))
    assert alone is not None
    assert tried == pytest.approx(2 * alone)


def test_a_leak_that_the_counts_show_is_shown_whatever_the_interval_says() -> None:
    few = one([counted(30, 2)], measure())
    assert few.state == "not_assessed"  # 50 of a thousand are allowed
    assert one([counted(90, 2)], measure()).state == "leak_shown"
