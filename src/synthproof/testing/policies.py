"""Contract checks for policies, and evidence made to order: what every policy, ours or a third party's, must keep.

>>> from synthproof.policy.load import load_policy
>>> from synthproof.testing.policies import CHECKS
>>> for check in CHECKS.values():
...     check(load_policy("pipc_2024"))
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from synthproof.core.evidence import RESULTS, Evidence, Limit, Statement
from synthproof.core.registry import metrics
from synthproof.core.schema import USE_FORMS, Purpose
from synthproof.core.words import Words
from synthproof.policy.axes import AxisMeasure
from synthproof.policy.explain import explain_policy
from synthproof.policy.load import read_policy
from synthproof.policy.rule import Rule
from synthproof.policy.rules import RulePolicy

_NONE = Words(en="nothing to say", ko="해당 없음")


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a policy judges."""

    evidence: tuple[Evidence, ...]
    statements: tuple[Statement, ...]
    limits: tuple[Limit, ...]

    def __repr__(self) -> str:
        """Return what was given, a number and its interval for each piece of evidence."""
        told = [
            f"{e.metric}:{e.subject}={e.estimate if e.estimate is not None else e.outcome}{e.interval or ''}"
            for e in self.evidence
        ]
        return f"Given({', '.join(told)}; {len(self.limits)} limits)"

    def without(self, at: int) -> Given:
        """Return the same without one piece of evidence."""
        return replace(self, evidence=self.evidence[:at] + self.evidence[at + 1 :])


def perfect(policy: RulePolicy, *, value: float = 0.5) -> Given:
    """Return evidence, statements and limits that meet every rule of a policy with room to spare.

    Parameters
    ----------
    value
        Where simulated limits and references lie.
    """
    evidence: dict[tuple[str, str], Evidence] = {}
    limits: dict[str, Limit] = {}
    statements: list[Statement] = []
    for rule in policy.rules:
        if rule.statement:
            statements.append(Statement(question=rule.statement, author="Hong Gil-dong", text="So it is."))
        if not rule.metric or rule.limit is None:
            continue
        if rule.limit.origin == "simulated":
            limits.setdefault(
                rule.metric,
                Limit(metric=rule.metric, value=value, side=rule.side, origin="simulated", because=_NONE),
            )
        subject = "field" if rule.subject in {"*", "worst"} else rule.subject
        for name in dict.fromkeys((subject, "all")):
            good = meeting(rule, value)
            # Two rules may read one metric; keep what meets both.
            known = evidence.get((rule.metric, name))
            number = good if known is None or known.estimate is None else _better(rule, good, known.estimate)
            evidence[(rule.metric, name)] = measured(rule.metric, number, subject=name, reference=value)
    for m in (m for axis in policy.axes for m in axis.measures):
        for name in dict.fromkeys(("field" if m.subject == "*" else m.subject, "all")):
            innocent = value if m.measure == "over_reference" else m.innocent
            evidence.setdefault((m.metric, name), measured(m.metric, innocent, subject=name, reference=value))
    return Given(evidence=tuple(evidence.values()), statements=tuple(statements), limits=tuple(limits.values()))


def measured(
    metric: str, estimate: float, *, subject: str = "all", half: float = 0.0, reference: float | None = None
) -> Evidence:
    """Return measured evidence with a symmetric interval."""
    return Evidence(
        metric=metric,
        subject=subject,
        estimate=estimate,
        interval=(estimate - half, estimate + half),
        reference=reference,
        n=1000,
    )


def absent(metric: str, outcome: str, *, subject: str = "all") -> Evidence:
    """Return evidence without a number."""
    return Evidence(metric=metric, subject=subject, outcome=outcome, caveat=_NONE)  # type: ignore[arg-type]


def meeting(rule: Rule, reference: float) -> float:
    """Return a number that keeps a rule's line."""
    line = _line(rule, reference)
    return line - 0.25 if rule.side == "max" else line + 0.25


def breaking(rule: Rule, reference: float) -> float:
    """Return a number that breaks a rule's line."""
    line = _line(rule, reference)
    if rule.side == "min":
        return line - 0.25
    return max(line, rule.or_below if rule.or_below is not None else line) + 0.25


def _line(rule: Rule, reference: float) -> float:
    assert rule.limit is not None
    if rule.limit.origin == "simulated":
        return reference
    if rule.measure == "over_reference":
        assert rule.limit.value is not None
        return reference + rule.limit.value
    if rule.limit.from_reference is not None:
        return reference + rule.limit.from_reference * (1 if rule.side == "max" else -1)
    assert rule.limit.value is not None
    return rule.limit.value


def _better(rule: Rule, a: float, b: float) -> float:
    return min(a, b) if rule.side == "max" else max(a, b)


def check_perfect_meets(policy: RulePolicy) -> None:
    """Evidence that keeps every line meets; the policy can be met at all."""
    given = perfect(policy)
    verdict = policy.judge(given.evidence, given.statements, given.limits)
    assert verdict.result == "meets", [f.because.en for f in verdict.findings if f.result != "meets"]
    assert (verdict.policy, verdict.policy_version) == (policy.id, policy.version)


def check_nothing_is_not_assessed(policy: RulePolicy) -> None:
    """No evidence at all is never good news."""
    assert policy.judge(()).result == "not_assessed"
    given = perfect(policy)
    assert policy.judge((), given.statements, given.limits).result == "not_assessed"


def check_each_required_rule_decides(policy: RulePolicy) -> None:
    """Breaking one required rule breaks the verdict; losing its evidence leaves it not assessed."""
    given = perfect(policy)
    for rule in policy.rules:
        if not rule.required or not rule.metric:
            continue
        broken = tuple(_broken(rule, e) if e in rule.chosen(given.evidence) else e for e in given.evidence)
        assert policy.judge(broken, given.statements, given.limits).result == "does_not_meet", rule.id
        lost = tuple(e for e in given.evidence if e.metric != rule.metric)
        assert policy.judge(lost, given.statements, given.limits).result == "not_assessed", rule.id
        for outcome in ("failed", "insufficient"):
            gone = (*lost, absent(rule.metric, outcome))
            assert policy.judge(gone, (), given.limits).result == "not_assessed", (rule.id, outcome)


def check_each_axis_decides(policy: RulePolicy) -> None:
    """A leak that any measure shows breaks the verdict; a measure that is gone leaves the axis not assessed."""
    given = perfect(policy)
    for axis in policy.axes:
        for m in axis.measures:
            read = m.chosen(given.evidence)
            assert read, (axis.id, m.metric, m.subject)
            leak = tuple(_leaking(m, e) if e in read else e for e in given.evidence)
            verdict = policy.judge(leak, given.statements, given.limits)
            found = next(a for a in verdict.axes if a.axis == axis.id)
            assert found.state == "leak_shown", (axis.id, m.metric, m.subject)
            assert verdict.result == ("does_not_meet" if axis.required else "meets"), axis.id
            gone = tuple(absent(e.metric, "failed", subject=e.subject) if e in read else e for e in given.evidence)
            found = next(a for a in policy.judge(gone, given.statements, given.limits).axes if a.axis == axis.id)
            assert found.state == ("bounded" if m.shows_only else "not_assessed"), (axis.id, m.metric, m.subject)
        if axis.required and axis.when_unsure == "decides":
            mine = {m.metric for m in axis.measures}
            lost = tuple(e for e in given.evidence if e.metric not in mine)
            assert policy.judge(lost, given.statements, given.limits).result == "not_assessed", axis.id


def check_advisory_never_decides(policy: RulePolicy) -> None:
    """Breaking what only advises changes no verdict."""
    given = perfect(policy)
    required = {r.metric for r in policy.rules if r.required}
    required |= {m.metric for axis in policy.axes for m in axis.measures}
    for rule in policy.rules:
        if rule.required or rule.metric in required or not rule.metric:
            continue
        broken = tuple(_broken(rule, e) if e in rule.chosen(given.evidence) else e for e in given.evidence)
        verdict = policy.judge(broken, given.statements, given.limits)
        assert verdict.result == "meets", rule.id
        assert any(f.rule == rule.id and f.advisory and f.result == "does_not_meet" for f in verdict.findings), rule.id


def check_missing_limit_is_not_assessed(policy: RulePolicy) -> None:
    """A number without its simulated limit is not assessed."""
    given = perfect(policy)
    if any(r.required and r.limit is not None and r.limit.origin == "simulated" for r in policy.rules):
        assert policy.judge(given.evidence, given.statements, ()).result == "not_assessed"


def check_safety_is_required(policy: RulePolicy) -> None:
    """A policy has at least one deciding rule on safety, whatever the use."""
    assert any(r.family == "safety" and r.required and not r.required_for and r.metric for r in policy.rules)


def check_plan_is_known(policy: RulePolicy) -> None:
    """Every metric of the plan is registered, and named once."""
    names = [p.metric for p in policy.planned]
    assert len(names) == len(set(names))
    unknown = sorted(set(names) - set(metrics.names()))
    assert not unknown, unknown


def check_sides_agree_with_the_metrics(policy: RulePolicy) -> None:
    """A deciding rule draws its line on the side that the metric calls bad, and within the metric's range."""
    for rule in policy.rules:
        if not rule.metric or not rule.required:
            continue
        card = metrics.get(rule.metric).card
        assert (rule.side == "max") == (card.better == "lower"), (rule.id, card.better)
        if rule.limit is not None and rule.limit.value is not None and rule.measure == "estimate":
            assert card.low <= rule.limit.value <= card.high, rule.id


def check_limits_follow_the_form(policy: RulePolicy) -> None:
    """The quantile of simulated limits never gets milder as the form of use gets more open."""
    uses: list[list[tuple[str, float]]] = [
        policy.limit_specs(Purpose(environment="closed", form=form)) for form in USE_FORMS
    ]
    for stricter, milder in zip(uses, uses[1:], strict=False):
        assert [m for m, _ in stricter] == [m for m, _ in milder]
        assert all(0.5 <= a <= b < 1 for (_, a), (_, b) in zip(stricter, milder, strict=True))


def check_text_is_the_policy(policy: RulePolicy) -> None:
    """The kept text gives the same rules and digest; judging is pure."""
    again = read_policy(policy.text)
    assert again.digest == policy.digest
    assert again.rules == policy.rules
    given = perfect(policy)
    first = policy.judge(given.evidence, given.statements, given.limits)
    assert first == policy.judge(given.evidence, given.statements, given.limits)
    assert first.result in RESULTS


def check_two_languages(policy: RulePolicy) -> None:
    """Everything that a person sees is there in both languages."""
    for lang in ("en", "ko"):
        text = explain_policy(policy, "ko" if lang == "ko" else "en")
        titles = [r.title for r in policy.rules] + [a.title for a in policy.axes]
        assert all(title.say("ko" if lang == "ko" else "en") in text for title in titles)
    for finding in policy.judge(()).findings:
        assert any("가" <= c <= "힣" for c in finding.because.ko)
        assert not any("가" <= c <= "힣" for c in finding.because.en)


def _leaking(m: AxisMeasure, e: Evidence) -> Evidence:
    base = (e.reference or 0.0) if m.measure == "over_reference" else 0.0
    return measured(e.metric, base + m.shown_over + 0.25, subject=e.subject, reference=e.reference)


def _broken(rule: Rule, e: Evidence) -> Evidence:
    return measured(e.metric, breaking(rule, e.reference or 0.0), subject=e.subject, reference=e.reference)


CHECKS: Mapping[str, Callable[[RulePolicy], None]] = {
    "perfect evidence meets": check_perfect_meets,
    "no evidence is not assessed": check_nothing_is_not_assessed,
    "each required rule decides": check_each_required_rule_decides,
    "each axis decides": check_each_axis_decides,
    "advisory never decides": check_advisory_never_decides,
    "a missing limit is not assessed": check_missing_limit_is_not_assessed,
    "safety is required": check_safety_is_required,
    "the plan is known": check_plan_is_known,
    "sides agree with the metrics": check_sides_agree_with_the_metrics,
    "limits follow the form of use": check_limits_follow_the_form,
    "the text is the policy": check_text_is_the_policy,
    "two languages": check_two_languages,
}
"""Every check by what it says, to be run over a policy."""


def shipped_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names, refusing an empty list: a contract that covers nothing must not pass."""
    if not names:
        raise AssertionError("no policy is registered")
    return tuple(names)
