"""One rule of a policy: which evidence, held against which line, and what a missing number means."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

from synthproof.core.evidence import Evidence, Family, Limit, Result
from synthproof.core.schema import Purpose, Schema
from synthproof.core.words import Words
from synthproof.data.table.survival import survival_targets

Compare: TypeAlias = Literal["estimate", "lower", "upper", "interval"]
Measure: TypeAlias = Literal["estimate", "over_reference"]
Origin: TypeAlias = Literal["simulated", "guide", "convention", "own"]
Condition: TypeAlias = Literal["target", "quasi_identifiers", "sensitive", "survival"]
Use: TypeAlias = Literal["ai_training", "analysis", "software_test", "education"]
COMPARES: tuple[Compare, ...] = get_args(Compare)
MEASURES: tuple[Measure, ...] = get_args(Measure)
ORIGINS: tuple[Origin, ...] = get_args(Origin)
CONDITIONS: tuple[Condition, ...] = get_args(Condition)
USES: tuple[Use, ...] = get_args(Use)


class Number(NamedTuple):
    """A number and its interval."""

    value: float
    low: float
    high: float


def number_of(evidence: Evidence, measure: Measure, side: Literal["max", "min"] = "max") -> Number | None:
    """Return a piece of evidence's number with its interval, as `Rule.number` says."""
    if evidence.estimate is None or evidence.interval is None:
        return None
    value, (low, high) = evidence.estimate, evidence.interval
    if measure == "estimate":
        return Number(value, low, high)
    if evidence.reference is None:
        return Number(0.0, 0.0, 0.0) if value == 0 and side == "max" else None
    beside = evidence.reference
    below, above = evidence.reference_interval or (beside, beside)
    return Number(
        value - beside,
        value - beside - math.hypot(value - low, above - beside),
        value - beside + math.hypot(high - value, beside - below),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Where a rule's limit comes from.

    Parameters
    ----------
    origin
        ``simulated`` takes the limit that was simulated from the institution's own data; the others carry a number.
    value
        A fixed number; with `from_reference`, what holds where the evidence has no reference.
    from_reference
        A tolerance: the line is the evidence's own reference plus (side ``max``) or minus (side ``min``) this.
    because
        Where the number comes from, for the page.
    """

    origin: Origin
    value: float | None = None
    from_reference: float | None = None
    because: Words | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule.

    Parameters
    ----------
    id, family, title
        Name in the policy, family it counts in, name for the page.
    metric
        Metric whose evidence it reads; empty for a rule that asks only for a statement.
    subject
        ``"all"`` (the metric's own summary), ``"*"`` (every other subject, one finding each), ``"worst"`` (every
        other subject, one finding: the worst), or the name of one subject.
    measure
        Which number is held against the line: the ``estimate``, or by how much it is ``over_reference``.
    compare
        What is held against the line: the ``estimate``, the ``lower`` or ``upper`` bound of its interval, or the whole
        ``interval`` (meets when all of it keeps the line, fails when none of it does, else not assessed).
    side
        ``max``: above the line fails. ``min``: below it fails.
    limit
        The line; ``None`` for statement rules.
    or_below
        A number below this meets as well, whatever the line says (the guide's 0.5 for 추론위험도).
    required
        ``False``: shown, never decides.
    required_for
        Kinds of use for which a required rule decides; for others it is advisory. Empty: all.
    skip_not_applicable
        Whether evidence "not applicable" leaves the rule out (with the reason) instead of "not assessed".
    statement
        Question that a named person may answer: for rules without a metric the only way to meet them; for the others
        accepted where the metric itself says that it could not know (``insufficient``), never in place of a number.
    explain
        What the rule is for, in a sentence or two.
    remedy
        What can be done when it is broken.
    """

    id: str
    family: Family
    title: Words
    explain: Words
    metric: str = ""
    subject: str = "all"
    measure: Measure = "estimate"
    compare: Compare = "estimate"
    side: Literal["max", "min"] = "max"
    limit: Line | None = None
    or_below: float | None = None
    required: bool = True
    required_for: tuple[Use, ...] = ()
    skip_not_applicable: bool = False
    statement: str = ""
    remedy: Words | None = None

    def decides(self, use: str | None) -> bool:
        """Return whether the rule can decide the verdict for one kind of use (``None``: unknown, the strict reading)."""
        return self.required and (use is None or not self.required_for or use in self.required_for)

    def chosen(self, evidence: Sequence[Evidence]) -> tuple[Evidence, ...]:
        """Return the evidence that the rule speaks of, in the order given."""
        own = [e for e in evidence if e.metric == self.metric]
        if self.subject in {"*", "worst"}:
            # A metric that could say nothing at all says it once, of "all".
            return tuple([e for e in own if e.subject != "all"] or [e for e in own if e.outcome != "measured"])
        exact = [e for e in own if e.subject == self.subject]
        return tuple(exact or [e for e in own if e.subject == "all" and e.outcome != "measured"])

    def line(self, evidence: Evidence, limits: Sequence[Limit]) -> Limit | None:
        """Return the limit for one piece of evidence, or ``None`` when there is none to hold it against."""
        if self.limit is None:
            return None
        if self.limit.origin == "simulated":
            found = [x for x in limits if x.metric == self.metric and x.origin == "simulated" and x.side == self.side]
            near = [x for x in found if x.subject == evidence.subject]
            # A rule on one subject takes the metric's line only where no subject has its own: a mean's is not a maximum's.
            if not near and (self.subject in {"*", "worst", "all"} or all(x.subject == "all" for x in found)):
                near = [x for x in found if x.subject == "all"]
            strict = min if self.side == "max" else max
            return strict(near, key=lambda x: x.value) if near else None
        value = self.limit.value
        if self.limit.from_reference is not None and evidence.reference is not None:
            sign = 1 if self.side == "max" else -1
            value = evidence.reference + sign * self.limit.from_reference
        if value is None or self.limit.because is None:
            return None
        return Limit(
            metric=self.metric,
            subject=evidence.subject,
            value=value,
            side=self.side,
            origin=self.limit.origin,
            because=self.limit.because,
        )

    def number(self, evidence: Evidence) -> Number | None:
        """Return the number that the rule speaks of with its interval, or ``None`` where it cannot be had.

        ``over_reference`` is estimate less reference. Its interval is made from both intervals by squaring and adding
        the distances on each side (MOVER: Zou & Donner 2008, doi:10.1002/sim.3095); for two shares with Wilson's
        intervals that is Newcombe's method 10. An estimate of 0 is over nothing, with or without a reference.
        """
        return number_of(evidence, self.measure, self.side)

    def hold(self, number: Number, line: float) -> Result:
        """Return the result of a number against a line."""
        if self.compare == "interval":
            kept = [self._keeps(x, line) for x in (number.low, number.value, number.high)]
            return "meets" if all(kept) else "not_assessed" if any(kept) else "does_not_meet"
        compared = {"estimate": number.value, "lower": number.low, "upper": number.high}[self.compare]
        return "meets" if self._keeps(compared, line) else "does_not_meet"

    def _keeps(self, number: float, line: float) -> bool:
        if self.side == "min":
            return number >= line
        return number <= line or (self.or_below is not None and number < self.or_below)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One metric of a policy's plan.

    Parameters
    ----------
    metric
        Registry name.
    when
        Conditions under which it is wanted.
    params
        Constructor parameters, e.g. the CAP above which a record counts.
    """

    metric: str
    when: tuple[Condition, ...] = ()
    params: Mapping[str, Any] = field(default_factory=dict)

    def unmet(self, schema: Schema, purpose: Purpose) -> Words | None:
        """Return why the metric is not wanted here, or ``None``."""
        for condition in self.when:
            if not roles(condition, schema, purpose):
                return ABSENT[condition]
        return None


ABSENT: dict[Condition, Words] = {
    "target": Words(
        en="No target column was named, so there is nothing to predict.",
        ko="예측 대상(목표 변수)이 지정되지 않아 측정하지 않았습니다.",
    ),
    "quasi_identifiers": Words(
        en="No quasi-identifier (K) was named.",
        ko="준식별자(K)가 지정되지 않아 측정하지 않았습니다.",
    ),
    "sensitive": Words(
        en="No sensitive item (T) was named. If the data hold one, name it and verify again.",
        ko="민감 항목(T)이 지정되지 않아 측정하지 않았습니다. 민감 항목이 있으면 지정한 뒤 다시 검증하십시오.",
    ),
    "survival": Words(
        en="No survival target was named.",
        ko="생존 분석 대상이 지정되지 않아 측정하지 않았습니다.",
    ),
}
UNSAID: frozenset[Condition] = frozenset({"survival"})
"""Conditions that most tables do not meet: a report does not list what would be measured if they did."""


def roles(condition: Condition, schema: Schema, purpose: Purpose) -> tuple[str, ...]:
    """Return the columns that purpose or schema name for a condition."""
    match condition:
        case "target":
            return purpose.targets or schema.with_role("target")
        case "quasi_identifiers":
            return purpose.quasi_identifiers or schema.with_role("quasi_identifier")
        case "sensitive":
            return purpose.sensitive or schema.with_role("sensitive")
        case "survival":
            return tuple(t.name for t in survival_targets(schema, purpose))


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantiles:
    """Which quantile of the simulated repeats is the limit, by step of needed safety (1 strictest … 5)."""

    by_step: tuple[float, ...] = field(default=(0.9, 0.9, 0.95, 0.95, 0.99))
    because: Words | None = None
