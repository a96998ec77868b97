"""One rule at a time: what a number, a missing number and a person's word become."""

from __future__ import annotations

from dataclasses import replace

import pytest

from synthproof.core.evidence import Evidence, Limit, Statement
from synthproof.core.schema import Field, Purpose, Schema
from synthproof.core.words import Words
from synthproof.policy.load import read_policy
from synthproof.policy.rules import RulePolicy
from synthproof.testing.policies import absent, measured

HEAD = """
format = 1
id = "mine"
version = 3
title = { en = "Mine", ko = "우리 정책" }
summary = { en = "For tests.", ko = "시험용입니다." }
[[plan]]
metric = "m"
[[plan]]
metric = "cap"
when = ["sensitive"]
"""
RULE = """
[[rules]]
id = "r{n}"
family = "{family}"
title = {{ en = "Risk", ko = "위험도" }}
explain = {{ en = "A risk.", ko = "위험입니다." }}
metric = "{metric}"
{more}
"""
OWN = 'limit = { origin = "own", value = 0.2, because = { en = "ours", ko = "자체 설정" } }'
SIMULATED = 'limit = { origin = "simulated" }'
WHY = Words(en="95th percentile of 100 halvings of your own data", ko="자체 데이터 100회 반분 모의의 95백분위수")


def policy(*more: str, metric: str = "m", family: str = "safety") -> RulePolicy:
    rules = (RULE.format(n=i, more=m, metric=metric, family=family) for i, m in enumerate(more))
    return read_policy(HEAD + "".join(rules))


def limit(value: float, subject: str = "all", side: str = "max") -> Limit:
    return Limit(metric="m", value=value, origin="simulated", because=WHY, subject=subject, side=side)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("compare", "estimate", "half", "result"),
    [
        ("estimate", 0.20, 0.1, "meets"),
        ("estimate", 0.2001, 0.0, "does_not_meet"),
        ("upper", 0.15, 0.04, "meets"),
        ("upper", 0.15, 0.06, "does_not_meet"),
        ("lower", 0.25, 0.06, "meets"),
        ("lower", 0.25, 0.04, "does_not_meet"),
        ("interval", 0.15, 0.04, "meets"),
        ("interval", 0.15, 0.06, "not_assessed"),
        ("interval", 0.25, 0.06, "not_assessed"),
        ("interval", 0.25, 0.04, "does_not_meet"),
    ],
)
def test_what_is_compared(compare: str, estimate: float, half: float, result: str) -> None:
    rules = policy(f'{OWN}\ncompare = "{compare}"')
    verdict = rules.judge([measured("m", estimate, half=half)])
    assert verdict.result == result
    assert verdict.families == {"safety": result}


def test_a_minimum_is_the_mirror_image() -> None:
    rules = policy(f'{OWN}\nside = "min"\ncompare = "lower"')
    assert rules.judge([measured("m", 0.3, half=0.09)]).result == "meets"
    assert rules.judge([measured("m", 0.3, half=0.11)]).result == "does_not_meet"


def test_under_its_limit_or_under_a_half() -> None:
    rules = policy(f"{SIMULATED}\nor_below = 0.5")
    assert rules.judge([measured("m", 0.45)], (), [limit(0.4)]).result == "meets"
    assert rules.judge([measured("m", 0.5)], (), [limit(0.4)]).result == "does_not_meet"
    assert rules.judge([measured("m", 0.55)], (), [limit(0.6)]).result == "meets"
    said = rules.judge([measured("m", 0.45)], (), [limit(0.4)]).findings[0].because
    assert "under 0.5," in said.en
    assert "0.5 미만이므로 충족" in said.ko
    assert " > " in said.ko


@pytest.mark.parametrize("outcome", ["failed", "insufficient", "not_applicable"])
def test_a_number_that_is_not_there_is_not_assessed(outcome: str) -> None:
    assert policy(OWN).judge([absent("m", outcome)]).result == "not_assessed"


def test_nothing_at_all_is_not_assessed() -> None:
    assert policy(OWN).judge([]).result == "not_assessed"
    assert policy().judge([measured("m", 0.0)]).result == "not_assessed"
    assert policy(SIMULATED).judge([measured("m", 0.0)]).result == "not_assessed"


def test_not_applicable_is_skipped_only_where_the_policy_says_so() -> None:
    rules = policy(OWN, f"{OWN}\nskip_not_applicable = true")
    skipped = rules.judge([absent("m", "not_applicable")]).findings
    assert [f.advisory for f in skipped] == [False, True]
    assert "해당 없음(규칙 제외)" in skipped[1].because.ko
    only = policy(f"{OWN}\nskip_not_applicable = true")
    # A policy of which every rule was left out has decided nothing.
    assert only.judge([absent("m", "not_applicable")]).result == "not_assessed"
    for outcome in ("failed", "insufficient"):
        assert not only.judge([absent("m", outcome)]).findings[0].advisory


def test_the_worst_decides_and_nothing_is_averaged() -> None:
    rules = policy(OWN, f"{OWN}\nrequired = false", SIMULATED)
    good = measured("m", 0.1)
    assert rules.judge([good], (), [limit(0.2)]).result == "meets"
    assert rules.judge([good], (), [limit(0.05)]).result == "does_not_meet"
    assert rules.judge([good]).result == "not_assessed"
    assert rules.judge([measured("m", 0.3)]).result == "does_not_meet"


def test_advisory_findings_are_shown_but_never_decide() -> None:
    rules = policy(
        'limit = { origin = "own", value = 0.9, because = { en = "a", ko = "가" } }', f"{OWN}\nrequired = false"
    )
    verdict = rules.judge([measured("m", 0.5)])
    assert verdict.result == "meets"
    assert [(f.result, f.advisory) for f in verdict.findings] == [("meets", False), ("does_not_meet", True)]
    assert verdict.families == {"safety": "meets"}


def test_the_use_decides_what_is_required_and_an_unknown_use_is_read_strictly() -> None:
    rules = policy(f'{OWN}\nrequired_for = ["analysis"]')
    bad = [measured("m", 0.5)]
    assert rules.judge(bad).result == "does_not_meet"
    assert rules.for_purpose(Purpose(use="analysis")).judge(bad).result == "does_not_meet"
    assert rules.for_purpose(Purpose(use="software_test")).judge(bad).result == "not_assessed"


def test_every_field_or_the_worst_of_them() -> None:
    fields = [measured("m", 0.9), *(measured("m", x, subject=n) for n, x in (("a", 0.1), ("b", 0.3), ("c", 0.25)))]
    each = policy(f'{OWN}\nsubject = "*"').judge(fields)
    assert [(f.subject, f.result) for f in each.findings] == [
        ("a", "meets"),
        ("b", "does_not_meet"),
        ("c", "does_not_meet"),
    ]
    worst = policy(f'{OWN}\nsubject = "worst"').judge(fields)
    assert len(worst.findings) == 1
    assert worst.findings[0].result == "does_not_meet"
    assert "3개 중 2개 미충족" in worst.findings[0].because.ko
    named = policy(f'{OWN}\nsubject = "a"').judge(fields)
    assert named.result == "meets"
    assert policy(f'{OWN}\nsubject = "z"').judge(fields).result == "not_assessed"


def test_a_lost_field_is_missed() -> None:
    fields = [
        replace(measured("m", x, subject=n), inputs={"parts": "3"}) for n, x in (("a", 0.1), ("b", 0.3), ("c", 0.1))
    ]
    rules = policy(f'{OWN}\nsubject = "worst"')
    assert rules.judge(fields).result == "does_not_meet"
    lost = rules.judge([fields[0], fields[2]])
    assert lost.result == "not_assessed"
    assert "1건이 없습니다" in lost.findings[-1].because.ko


def test_a_metric_that_could_say_nothing_says_it_for_every_subject() -> None:
    for subject in ("*", "worst", "a"):
        verdict = policy(f'{OWN}\nsubject = "{subject}"').judge([absent("m", "failed")])
        assert verdict.result == "not_assessed"
        assert "측정 실패" in verdict.findings[0].because.ko


def test_a_line_from_the_reference() -> None:
    line = 'limit = { origin = "own", from_reference = 0.05, because = { en = "a", ko = "가" } }'
    rules = policy(line)
    assert rules.judge([measured("m", 0.34, reference=0.3)]).result == "meets"
    assert rules.judge([measured("m", 0.36, reference=0.3)]).result == "does_not_meet"
    assert rules.judge([measured("m", 0.3)]).result == "not_assessed"
    both = policy(line.replace("from_reference", "value = 0.1, from_reference"))
    assert both.judge([measured("m", 0.3)]).result == "does_not_meet"
    low = policy(f'{line}\nside = "min"')
    assert low.judge([measured("m", 0.26, reference=0.3)]).result == "meets"
    assert low.judge([measured("m", 0.24, reference=0.3)]).result == "does_not_meet"


def test_a_limit_belongs_to_its_metric_subject_and_side() -> None:
    rules = policy(f'{SIMULATED}\nsubject = "*"')
    fields = [measured("m", 0.3, subject="a"), measured("m", 0.3, subject="b")]
    found = rules.judge(fields, (), [limit(0.4), limit(0.2, "b"), limit(0.9, side="min")]).findings
    assert [(f.subject, f.result) for f in found] == [("a", "meets"), ("b", "does_not_meet")]
    own = replace(limit(0.4), origin="own")
    assert rules.judge(fields, (), [own]).result == "not_assessed"
    # Of two limits for one thing the stricter holds.
    assert policy(SIMULATED).judge([measured("m", 0.3)], (), [limit(0.4), limit(0.2)]).result == "does_not_meet"


def test_a_statement_satisfies_only_a_rule_that_asks_for_one() -> None:
    said = Statement(question="generation", author="Kim", text="Every value was drawn.", at="2026-11-20")
    asks = policy(f'{OWN}\nstatement = "generation"')
    unknown = [absent("m", "insufficient")]
    assert asks.judge(unknown).result == "not_assessed"
    assert asks.judge(unknown, [said]).result == "meets"
    assert policy(OWN).judge(unknown, [said]).result == "not_assessed"
    assert asks.judge(unknown, [replace(said, question="other")]).result == "not_assessed"
    assert asks.judge(unknown, [replace(said, author=" ")]).result == "not_assessed"
    # A word never stands in for a bad number, nor for one that broke or was lost.
    assert asks.judge([measured("m", 0.9)], [said]).result == "does_not_meet"
    assert asks.judge([absent("m", "failed")], [said]).result == "not_assessed"
    assert asks.judge([], [said]).result == "not_assessed"


def test_a_rule_for_statements_alone() -> None:
    rules = policy('statement = "lawful_source"', metric="")
    assert rules.judge([]).result == "not_assessed"
    verdict = rules.judge([], [Statement(question="lawful_source", author="Lee", text="Consent, art. 15.")])
    assert verdict.result == "meets"
    assert "진술" in verdict.findings[0].because.ko


def test_the_sentence_has_value_interval_limit_and_origin() -> None:
    e = Evidence(metric="m", estimate=0.041, interval=(0.038, 0.044), reference=0.03)
    said = policy(SIMULATED).judge([e], (), [limit(0.198)]).findings[0].because
    assert said.ko == (
        "위험도 0.041(95 % 구간 0.038–0.044; 기준값 0.030) ≤ 한계 0.198"
        "(모의: 자체 데이터 100회 반분 모의의 95백분위수)."
    )
    assert said.en == (
        "Risk 0.041 (95% interval 0.038–0.044; reference 0.030) ≤ limit 0.198 "
        "(simulated: 95th percentile of 100 halvings of your own data)."
    )


def test_judging_is_pure_and_the_verdict_names_the_rules() -> None:
    rules = policy(OWN)
    given = ([measured("m", 0.1)], (), ())
    assert rules.judge(*given) == rules.judge(*given)
    verdict = rules.judge(*given)
    assert (verdict.policy, verdict.policy_version, verdict.changed) == ("mine", 3, True)
    assert verdict.policy_digest == rules.digest


def test_the_plan_follows_the_roles() -> None:
    rules = policy(OWN)
    plain = Schema(fields=(Field(name="a", kind="integer"),))
    marked = Schema(fields=(Field(name="a", kind="integer", roles=frozenset({"sensitive"})),))
    assert rules.plan(plain, Purpose()) == ("m",)
    assert set(rules.left_out(plain, Purpose())) == {"cap"}
    assert rules.plan(marked, Purpose()) == ("m", "cap")
    assert rules.plan(plain, Purpose(sensitive=("a",))) == ("m", "cap")
