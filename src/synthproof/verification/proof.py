"""Everything verify found out, as one plain record: what the dossier is made from and what `judge` reads again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Self

from synthproof.core.evidence import Evidence, Limit, Statement, Verdict
from synthproof.core.schema import Purpose, Schema

FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFacts:
    """What may be told of one data set: sizes and its fingerprint.

    Parameters
    ----------
    name
        File name or ``"data frame"``.
    units, rows, columns
        Sizes.
    fingerprint
        ``sha256:…`` of schema and content.
    """

    name: str
    units: int
    rows: int
    columns: int
    fingerprint: str

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {f.name: getattr(self, f.name) for f in fields(self)}


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratorFacts:
    """How the synthetic data were made, as far as it is known.

    Parameters
    ----------
    name
        Registry name, or the name of another tool, or ``"unknown"``.
    parameters
        Constructor parameters.
    tags
        Fields of `synthproof.core.contracts.Tags`; empty for another tool.
    because
        Why it was chosen: ``{"en", "ko"}``, when ``auto`` chose.
    notices
        What the user was told while it was made (columns left out …), each ``{"en", "ko"}``.
    seed
        Seed of fit; the seed of sampling stays in the vault.
    seconds
        Wall seconds of fit and sample.
    privacy
        What a generator under differential privacy promised and spent, look by look; empty for others.
    """

    name: str = "unknown"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, Any] = field(default_factory=dict)
    because: Mapping[str, str] | None = None
    notices: tuple[Mapping[str, str], ...] = ()
    seed: int | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    privacy: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        out = {f.name: getattr(self, f.name) for f in fields(self)}
        return {**out, "notices": [dict(n) for n in self.notices]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Evidence, limits and verdict over named data, with all that is needed to understand and repeat them.

    Parameters
    ----------
    schema
        Schema of the data that were learned from (after protection).
    purpose
        What the data are for.
    data
        Facts of ``source``, ``train``, ``holdout``, ``synthetic`` (those that exist).
    evidence, limits, statements, verdict
        What was measured, where the lines are, what people said, what follows.
    generator
        How the synthetic data were made.
    receipts
        Receipts of the protections: counts and field names.
    refinements
        Logged changes of the drawn data (what, rate before, count).
    scan
        What the identifier finders reported of the *source*: field names, kinds, shares; never values.
    notices
        What the reader must know that no single number says, each ``{"en", "ko"}``.
    settings
        Seed, split share, policy name and the like.
    environment
        Versions and machine.
    seconds
        Wall seconds per stage.
    created
        Date and time, ISO 8601.
    """

    schema: Schema
    purpose: Purpose
    data: Mapping[str, DataFacts]
    evidence: tuple[Evidence, ...]
    limits: tuple[Limit, ...]
    verdict: Verdict
    statements: tuple[Statement, ...] = ()
    generator: GeneratorFacts = field(default_factory=GeneratorFacts)
    receipts: tuple[Mapping[str, Any], ...] = ()
    refinements: tuple[Mapping[str, Any], ...] = ()
    scan: Mapping[str, Any] = field(default_factory=dict)
    notices: tuple[Mapping[str, str], ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    created: str = ""

    def with_verdict(self, verdict: Verdict) -> Proof:
        """Return the same proof judged anew."""
        return replace(self, verdict=verdict)

    def to_dict(self, *, private: bool = False) -> dict[str, Any]:
        """Return JSON values; private parts of evidence only when asked for, which is for the vault alone."""
        return {
            "format": FORMAT,
            "schema": self.schema.to_dict(),
            "purpose": self.purpose.to_dict(),
            "data": {k: v.to_dict() for k, v in self.data.items()},
            "evidence": [e.to_dict(private=private) for e in self.evidence],
            "limits": [x.to_dict() for x in self.limits],
            "statements": [s.to_dict() for s in self.statements],
            "verdict": self.verdict.to_dict(),
            "generator": self.generator.to_dict(),
            "receipts": [dict(r) for r in self.receipts],
            "refinements": [dict(r) for r in self.refinements],
            "scan": dict(self.scan),
            "notices": [dict(n) for n in self.notices],
            "settings": dict(self.settings),
            "environment": dict(self.environment),
            "seconds": dict(self.seconds),
            "created": self.created,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote."""
        generator = dict(data["generator"])
        generator["notices"] = tuple(generator.get("notices", ()))
        return cls(
            schema=Schema.from_dict(data["schema"]),
            purpose=Purpose.from_dict(data["purpose"]),
            data={k: DataFacts(**v) for k, v in data["data"].items()},
            evidence=tuple(Evidence.from_dict(e) for e in data["evidence"]),
            limits=tuple(Limit.from_dict(x) for x in data["limits"]),
            statements=tuple(Statement.from_dict(s) for s in data["statements"]),
            verdict=Verdict.from_dict(data["verdict"]),
            generator=GeneratorFacts(**generator),
            receipts=tuple(data["receipts"]),
            refinements=tuple(data["refinements"]),
            scan=data["scan"],
            notices=tuple(data.get("notices", ())),
            settings=data["settings"],
            environment=data["environment"],
            seconds=data["seconds"],
            created=data["created"],
        )
