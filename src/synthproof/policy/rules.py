"""A policy: its plan, its rules, and the verdict that follows from evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from synthproof.core.errors import ConfigError, did_you_mean
from synthproof.core.evidence import Evidence, Limit, Statement, Verdict, worst
from synthproof.core.schema import Purpose, Schema
from synthproof.core.words import Lang, Words
from synthproof.policy import judge as _judge
from synthproof.policy.axes import Axis, judge_axes
from synthproof.policy.purposes import Level, needed_level
from synthproof.policy.quantile import at_quantiles
from synthproof.policy.rule import UNSAID, Planned, Quantiles, Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class RulePolicy:
    """Rules as data.

    Parameters
    ----------
    id, version, title, summary
        Name, version of the rules, and what the policy is for.
    planned
        Metrics with their conditions, in order.
    rules
        In the order of the page.
    quantiles
        Quantile of the simulated limits by step of needed safety.
    digest
        ``sha256:…`` of the rules themselves (comments and layout do not count).
    changed
        ``True`` when this is not one of ours as shipped.
    text
        The TOML source, to be kept beside the verdict.
    purpose
        What the rules were bound to by `for_purpose`; ``None`` reads every required rule as deciding.
    axes
        Ways to harm a person, each judged from all its measures together.
    """

    id: str
    version: int
    title: Words = field(repr=False)
    summary: Words = field(repr=False)
    planned: tuple[Planned, ...] = field(repr=False)
    rules: tuple[Rule, ...] = field(repr=False)
    quantiles: Quantiles
    digest: str
    changed: bool
    text: str = field(repr=False)
    purpose: Purpose | None = None
    axes: tuple[Axis, ...] = field(default=(), repr=False)

    def for_purpose(self, purpose: Purpose) -> RulePolicy:
        """Return the same policy bound to a purpose: rules that another use does not need become advisory."""
        return replace(self, purpose=purpose)

    def plan(self, schema: Schema, purpose: Purpose, /) -> tuple[str, ...]:
        """Return the names of the metrics to run, in order."""
        return tuple(p.metric for p in self.planned if p.unmet(schema, purpose) is None)

    def left_out(self, schema: Schema, purpose: Purpose, /) -> dict[str, Words]:
        """Return the metrics of the plan that are not wanted here and are missed, each with the reason."""
        reasons = {p.metric: p.unmet(schema, purpose) for p in self.planned if not UNSAID & set(p.when)}
        return {name: reason for name, reason in reasons.items() if reason is not None}

    def parameters(self, metric: str) -> Mapping[str, Any]:
        """Return the constructor parameters that the plan gives a metric."""
        return next((p.params for p in self.planned if p.metric == metric), {})

    def needed_level(self, purpose: Purpose) -> Level:
        """Return the level of safety that environment and form of use ask for."""
        return needed_level(purpose)

    def limit_specs(self, purpose: Purpose) -> list[tuple[str, float]]:
        """Return (metric, quantile) of every limit that must be simulated, in the order of the rules."""
        upper = self.quantiles.by_step[needed_level(purpose).step - 1]
        wanted: dict[str, float] = {}
        for rule in self.rules:
            if rule.limit is not None and rule.limit.origin == "simulated":
                wanted.setdefault(rule.metric, upper if rule.side == "max" else 1.0 - upper)
        return list(wanted.items())

    def judge(
        self,
        evidence: Sequence[Evidence],
        statements: Sequence[Statement] = (),
        limits: Sequence[Limit] = (),
        /,
    ) -> Verdict:
        """Return the verdict: the worst deciding finding, or "not assessed" when there is none. Pure."""
        use = self.purpose.use if self.purpose is not None else None
        if self.purpose is not None:
            limits = at_quantiles(limits, dict(self.limit_specs(self.purpose)))
        axes = judge_axes(evidence, self.axes)
        found = _judge.findings(self.rules, evidence, statements, limits, use)
        found += tuple(_judge.of_axis(axis, a, evidence) for axis, a in zip(self.axes, axes, strict=True))
        return Verdict(
            policy=self.id,
            policy_version=self.version,
            policy_digest=self.digest,
            result=worst([f.result for f in found if not f.advisory]),
            findings=found,
            families=_judge.families(found),
            changed=self.changed,
            axes=axes,
        )

    def explain(self, lang: Lang = "en") -> str:
        """Return the whole policy in words."""
        from synthproof.policy.explain import explain_policy

        return explain_policy(self, lang)

    def rule(self, name: str) -> Rule:
        """Return one rule by name."""
        for rule in self.rules:
            if rule.id == name:
                return rule
        hint = did_you_mean(name, [r.id for r in self.rules])
        raise ConfigError("policy/unknown-rule", where=self.id, name=name, hint=hint)
