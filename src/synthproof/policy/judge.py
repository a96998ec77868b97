"""Evidence against rules: pure functions, no data, no clock, no randomness."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from synthproof.core.evidence import (
    FAMILIES,
    RESULTS,
    AxisFinding,
    AxisState,
    Evidence,
    Family,
    Finding,
    Limit,
    Result,
    Statement,
    worst,
)
from synthproof.core.words import Words
from synthproof.policy import because, because_axes
from synthproof.policy.axes import Axis
from synthproof.policy.rule import Rule

_OF_STATE: Mapping[AxisState, Result] = {
    "leak_shown": "does_not_meet",
    "bounded": "meets",
    "not_assessed": "not_assessed",
}


def findings(
    rules: Sequence[Rule],
    evidence: Sequence[Evidence],
    statements: Sequence[Statement],
    limits: Sequence[Limit],
    use: str | None,
) -> tuple[Finding, ...]:
    """Return what became of every rule, in the order of the rules.

    Parameters
    ----------
    use
        Kind of use that decides which rules are required; ``None`` is read strictly.
    """
    out: list[Finding] = []
    for rule in rules:
        out.extend(_of_rule(rule, evidence, statements, limits, advisory=not rule.decides(use)))
    return tuple(out)


def families(found: Sequence[Finding]) -> dict[Family, Result]:
    """Return the worst result of each family that has a deciding finding."""
    out: dict[Family, Result] = {}
    for family in FAMILIES:
        results = [f.result for f in found if f.family == family and not f.advisory]
        if results:
            out[family] = worst(results)
    return out


def of_axis(axis: Axis, found: AxisFinding, evidence: Sequence[Evidence]) -> Finding:
    """Return an axis as a finding of its own: a leak that is shown breaks it, and only a bounded one is met."""
    quiet = not found.applies or (found.state == "not_assessed" and axis.when_unsure == "shown")
    return Finding(
        rule=axis.id,
        family="safety",
        result=_OF_STATE[found.state],
        because=because_axes.sentence(axis, found, evidence),
        metric="",
        advisory=not axis.required or quiet,
    )


def _of_rule(
    rule: Rule,
    evidence: Sequence[Evidence],
    statements: Sequence[Statement],
    limits: Sequence[Limit],
    *,
    advisory: bool,
) -> list[Finding]:
    if not rule.metric:
        said = _said(rule, statements)
        text = because.stated(rule, said) if said else because.unstated(rule)
        return [_finding(rule, "meets" if said else "not_assessed", text, advisory=advisory)]
    chosen = rule.chosen(evidence)
    if not chosen:
        return [_finding(rule, "not_assessed", because.missing(rule), advisory=advisory)]
    found = [_of_evidence(rule, e, statements, limits, advisory=advisory) for e in chosen]
    lost = _lost(rule, evidence)
    if rule.subject == "worst":
        found = [_worst(rule, found)]
    if lost:
        found.append(_finding(rule, "not_assessed", because.incomplete(rule, lost), advisory=advisory))
    return found


def _of_evidence(
    rule: Rule, e: Evidence, statements: Sequence[Statement], limits: Sequence[Limit], *, advisory: bool
) -> Finding:
    if e.outcome != "measured":
        # A person's word stands in only where the metric says that it cannot know, never for a number.
        said = _said(rule, statements) if e.outcome == "insufficient" else None
        if said:
            return _finding(rule, "meets", because.stated(rule, said), e.subject, advisory=advisory)
        skip = e.outcome == "not_applicable" and rule.skip_not_applicable
        text = because.unmeasured(rule, e, skipped=skip)
        return _finding(rule, "not_assessed", text, e.subject, advisory=advisory or skip)
    limit = rule.line(e, limits)
    if limit is None:
        return _finding(rule, "not_assessed", because.no_limit(rule, e), e.subject, advisory=advisory)
    number = rule.number(e)
    if number is None:
        return _finding(rule, "not_assessed", because.no_reference(rule, e), e.subject, limit=limit, advisory=advisory)
    result = rule.hold(number, limit.value)
    text = because.held(rule, e, number, limit, result)
    return _finding(rule, result, text, e.subject, limit=limit, advisory=advisory)


def _finding(
    rule: Rule,
    result: Result,
    text: Words,
    subject: str | None = None,
    *,
    limit: Limit | None = None,
    advisory: bool,
) -> Finding:
    return Finding(
        rule=rule.id,
        family=rule.family,
        result=result,
        because=text,
        metric=rule.metric,
        subject=subject or ("all" if rule.subject in {"*", "worst"} else rule.subject),
        limit=limit,
        advisory=advisory,
    )


def _worst(rule: Rule, found: list[Finding]) -> Finding:
    # What was skipped for a reason gives way to what was not, whatever its result.
    pool = [f for f in found if f.advisory == min(g.advisory for g in found)]
    chosen = max(pool, key=lambda f: RESULTS.index(f.result))
    return Finding(
        rule=chosen.rule,
        family=chosen.family,
        result=chosen.result,
        because=because.of_several(rule, chosen.because, chosen, pool),
        metric=chosen.metric,
        subject=chosen.subject,
        limit=chosen.limit,
        advisory=chosen.advisory,
    )


def _lost(rule: Rule, evidence: Sequence[Evidence]) -> int:
    """Return how many pieces of a metric's evidence are gone, by the count that the battery stamped on each."""
    if rule.subject not in {"*", "worst"}:
        return 0
    own = [e for e in evidence if e.metric == rule.metric]
    stamped = [int(e.inputs["parts"]) for e in own if str(e.inputs.get("parts", "")).isdigit()]
    return max(0, max(stamped, default=0) - len(own))


def _said(rule: Rule, statements: Sequence[Statement]) -> Statement | None:
    if not rule.statement:
        return None
    for s in statements:
        if s.question == rule.statement and s.author.strip() and s.text.strip():
            return s
    return None
