"""What a metric says, where a line is drawn, and what follows: plain frozen records."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, Self, TypeAlias

from synthproof.core.words import Words

Family: TypeAlias = Literal["integrity", "fidelity", "utility", "fairness", "safety"]
FAMILIES: tuple[Family, ...] = ("integrity", "fidelity", "utility", "fairness", "safety")
Outcome: TypeAlias = Literal["measured", "not_applicable", "insufficient", "failed"]
Result: TypeAlias = Literal["meets", "does_not_meet", "not_assessed"]
RESULTS: tuple[Result, ...] = ("meets", "not_assessed", "does_not_meet")
AxisState: TypeAlias = Literal["leak_shown", "bounded", "not_assessed"]

RESULT_WORDS: Mapping[Result, Words] = {
    "meets": Words(en="meets", ko="충족"),
    "does_not_meet": Words(en="does not meet", ko="미충족"),
    "not_assessed": Words(en="not assessed", ko="판단 불가"),
}
FAMILY_WORDS: Mapping[Family, Words] = {
    "integrity": Words(en="integrity", ko="무결성"),
    "fidelity": Words(en="fidelity", ko="유사성"),
    "utility": Words(en="utility", ko="유용성"),
    "fairness": Words(en="fairness", ko="공정성"),
    "safety": Words(en="safety", ko="안전성"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Attacker:
    """Who an attack imagines: what is known, what is tried, what counts as success."""

    knows: Words
    tries: Words
    success: Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What a metric says of itself.

    Parameters
    ----------
    id
        Stable registry name, ``modality.name``.
    version
        Rises whenever its number could change.
    question
        The question it answers, for a reader who is not a statistician.
    unit
        Unit of the estimate, e.g. ``"share"``, ``"AUC"``, ``"SD of correlation differences"``.
    low, high
        Range of the estimate.
    better
        Which direction is good.
    ideal
        The value of data that are as good as fresh real records, in words.
    source
        DOI, standard or document the definition comes from.
    needs
        Any of ``holdout``, ``target``, ``quasi_identifiers``, ``sensitive``, ``recipe``, ``losses``.
    attacker
        For safety metrics that are attacks.
    """

    id: str
    version: int
    family: Family
    name: Words
    question: Words
    unit: str
    low: float
    high: float
    better: Literal["higher", "lower"]
    source: str
    ideal: Words
    needs: frozenset[str] = frozenset()
    attacker: Attacker | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One number with its interval and reference, or the reason why there is none.

    Parameters
    ----------
    metric, version
        Which metric said it.
    subject
        ``"all"``, a field, ``"field × field"``, a class.
    outcome
        ``measured``; ``not_applicable`` (does not make sense here); ``insufficient`` (too few records to say);
        ``failed`` (the metric broke). Only ``measured`` carries an estimate, and then an interval too.
    estimate, interval, level
        The number and its interval at `level` (0.95).
    reference
        The same metric real against real, or what theory says.
    n
        Number of units the estimate rests on.
    inputs
        Fingerprints of the data looked at.
    detail
        Aggregates for pictures and tables. No record, no cell value; positions and counts of single records go to
        `private` instead.
    private
        What only the owner may see (positions of worst rows). It is written to the vault, never to the dossier.
    caveat
        What the reader must know to read the number rightly, or why there is none.
    """

    metric: str
    version: int = 1
    subject: str = "all"
    outcome: Outcome = "measured"
    estimate: float | None = None
    interval: tuple[float, float] | None = None
    level: float = 0.95
    reference: float | None = None
    reference_interval: tuple[float, float] | None = None
    n: int = 0
    seed: int | None = None
    inputs: Mapping[str, str] = field(default_factory=dict)
    detail: Mapping[str, Any] = field(default_factory=dict)
    private: Mapping[str, Any] = field(default_factory=dict)
    caveat: Words | None = None

    def __post_init__(self) -> None:
        if self.outcome == "measured":
            if self.estimate is None or not math.isfinite(self.estimate) or self.interval is None:
                raise ValueError(f"{self.metric}: measured evidence needs a finite estimate and an interval")
            if not self.interval[0] <= self.interval[1]:
                raise ValueError(f"{self.metric}: the interval is upside down")
        else:
            if self.estimate is not None or self.interval is not None:
                raise ValueError(f"{self.metric}: only measured evidence carries a number")
            if self.caveat is None:
                raise ValueError(f"{self.metric}: evidence without a number must say why")

    def to_dict(self, *, private: bool = False) -> dict[str, Any]:
        """Return JSON values; `private` is left out unless asked for."""
        out: dict[str, Any] = {}
        for f in fields(self):
            if f.name == "private" and not private:
                continue
            out[f.name] = _plain(getattr(self, f.name))
        return out

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote."""
        values = dict(data)
        for name in ("interval", "reference_interval"):
            if values.get(name) is not None:
                values[name] = tuple(values[name])
        if values.get("caveat") is not None:
            values["caveat"] = Words.from_dict(values["caveat"])
        return cls(**values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """Where a line is drawn, and from what.

    Parameters
    ----------
    metric, subject
        What it limits.
    value
        The line. `side` ``max``: estimates above it do not meet; ``min``: estimates below it do not.
    origin
        ``simulated`` from the institution's own data, ``guide`` (a published procedure), ``convention``, ``own``.
    because
        The origin in words, for the page.
    record
        For simulated limits: all repeats, quantile, seed, split sizes, digest of the data. Aggregates only.
    """

    metric: str
    value: float
    side: Literal["max", "min"] = "max"
    origin: Literal["simulated", "guide", "convention", "own"] = "own"
    because: Words
    subject: str = "all"
    record: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {f.name: _plain(getattr(self, f.name)) for f in fields(self)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote."""
        return cls(**{**data, "because": Words.from_dict(data["because"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What a named person asserts. It satisfies only a rule that asks for one."""

    question: str
    author: str
    text: str
    at: str = ""
    attachments: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {f.name: _plain(getattr(self, f.name)) for f in fields(self)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote."""
        return cls(**{**data, "attachments": tuple(data.get("attachments", ()))})


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One rule and what became of it: evidence held against a limit.

    Parameters
    ----------
    rule
        Name of the rule in the policy.
    family
        Family it counts in.
    result
        ``meets``, ``does_not_meet`` or ``not_assessed``.
    because
        One sentence with the numbers.
    metric, subject
        The evidence it rests on.
    limit
        The line, when there is one.
    advisory
        ``True`` when the finding is shown but cannot decide the verdict.
    """

    rule: str
    family: Family
    result: Result
    because: Words
    metric: str
    subject: str = "all"
    limit: Limit | None = None
    advisory: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        out = {f.name: _plain(getattr(self, f.name)) for f in fields(self)}
        out["limit"] = self.limit.to_dict() if self.limit else None
        return out

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote."""
        limit = Limit.from_dict(data["limit"]) if data.get("limit") else None
        return cls(**{**data, "because": Words.from_dict(data["because"]), "limit": limit})


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisFinding:
    """What all measures of one way to harm a person say together.

    Parameters
    ----------
    axis
        Name of the axis in the policy, e.g. ``membership``.
    state
        ``leak_shown``: a lower end lies over its line. ``bounded``: every upper end lies under its line.
        ``not_assessed``: neither.
    bound
        Largest upper end among the measures that speak of persons, as a share of persons; ``None`` without one.
    shown_by
        Measures that show the leak, as ``metric: subject``.
    unsure
        Measures that could not tell, likewise.
    needed
        Units of train and of holdout each that might have been enough; ``None`` where that cannot be said.
    p
        Probability of such numbers without a leak, for all axes together (Holm); ``None`` when nothing was measured.
    applies
        ``False`` when no measure makes sense for these data.
    """

    axis: str
    state: AxisState
    bound: float | None = None
    shown_by: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()
    needed: int | None = None
    p: float | None = None
    applies: bool = True

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {f.name: _plain(getattr(self, f.name)) for f in fields(self)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote."""
        return cls(**{**data, "shown_by": tuple(data["shown_by"]), "unsure": tuple(data["unsure"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """All findings side by side; the worst decides. There is no blended score.

    Parameters
    ----------
    policy, policy_version, policy_digest
        Which rules were applied. `changed` is true for a policy that is not one of ours as shipped.
    result
        ``does_not_meet`` if any deciding finding is, else ``not_assessed`` if any is or there is none, else ``meets``.
    findings
        One per rule and subject.
    families
        The worst result within each family that has a deciding finding.
    axes
        The ways to harm a person, one by one; each has its finding, too.
    """

    policy: str
    policy_version: int
    policy_digest: str
    result: Result
    findings: tuple[Finding, ...]
    families: Mapping[Family, Result]
    changed: bool = False
    axes: tuple[AxisFinding, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        out = {f.name: _plain(getattr(self, f.name)) for f in fields(self)}
        out["findings"] = [f.to_dict() for f in self.findings]
        out["axes"] = [a.to_dict() for a in self.axes]
        return out

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote."""
        findings = tuple(Finding.from_dict(f) for f in data["findings"])
        axes = tuple(AxisFinding.from_dict(a) for a in data.get("axes", ()))
        return cls(**{**data, "findings": findings, "axes": axes})


def worst(results: list[Result]) -> Result:
    """Return the worst of several results; of none, ``not_assessed``."""
    return max(results, key=RESULTS.index) if results else "not_assessed"


def _plain(value: Any) -> Any:
    if isinstance(value, Words):
        return value.to_dict()
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | frozenset | set):
        return [_plain(v) for v in (sorted(value) if isinstance(value, frozenset | set) else value)]
    if isinstance(value, bool | str) or value is None:
        return value
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int):
        return value
    if hasattr(value, "to_dict"):
        return value.to_dict()
    raise TypeError(f"{type(value).__name__} is not a plain value")
