"""Every number with its four parts: value and interval, reference, limit and where the limit comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from synthproof.core.errors import NotFoundError
from synthproof.core.evidence import (
    FAMILIES,
    FAMILY_WORDS,
    RESULT_WORDS,
    Card,
    Evidence,
    Family,
    Finding,
    Limit,
    Result,
)
from synthproof.core.registry import metrics
from synthproof.core.words import Words
from synthproof.dossier.disclose import printable
from synthproof.dossier.figures.range_bar import range_bar
from synthproof.dossier.instruments import INSTRUMENTS
from synthproof.dossier.labels import UNITS
from synthproof.dossier.rules import RuleFacts, title_of
from synthproof.verification.proof import Proof

MAX_ROWS = 12
"""Most rows of one metric on the page; all of them stand in dossier.json."""

ORIGIN_WORDS: Mapping[str, Words] = {
    "simulated": Words(en="simulated from the institution's own data", ko="기관의 원본에서 모의실험으로 도출"),
    "guide": Words(en="published guide", ko="공개된 안내서"),
    "convention": Words(en="convention of the field", ko="학계·실무 관행"),
    "own": Words(en="set by us", ko="자체 설정"),
}
OUTCOME_WORDS: Mapping[str, Words] = {
    "measured": Words(en="measured", ko="측정함"),
    "not_applicable": Words(en="not applicable", ko="해당 없음"),
    "insufficient": Words(en="too few records to say", ko="자료 수 부족"),
    "failed": Words(en="measurement failed", ko="측정 실패"),
}
_ORDER: Mapping[Result | None, int] = {"does_not_meet": 0, "not_assessed": 1, "meets": 2, None: 3}


@cache
def card_of(metric: str) -> Card | None:
    """Return a metric's card, or ``None`` when the metric is not installed here (a removed plug-in, an old dossier)."""
    try:
        found: Card = metrics.get(metric).card
    except (NotFoundError, AttributeError, ImportError):
        return INSTRUMENTS.get(metric)
    return found


def number(value: float | int | None) -> str:
    """Return a number as the page prints it: three decimals, or two significant digits when it is tiny."""
    if value is None:
        return "–"
    size = abs(value)
    if size >= 1000:
        return f"{value:,.0f}"
    if size >= 100:
        return f"{value:.1f}"
    if size == 0:
        return "0"
    return f"{value:.3f}" if size >= 0.001 else f"{value:.2g}"


def interval(pair: Sequence[float] | None) -> str:
    """Return ``[low, high]``, or an empty string."""
    return f"[{number(pair[0])}, {number(pair[1])}]" if pair else ""


def groups(proof: Proof, rules: Mapping[str, RuleFacts]) -> list[dict[str, Any]]:
    """Return families, in each its metrics, in each its rows: the body of the report."""
    by_metric: dict[str, list[Evidence]] = {}
    for e in proof.evidence:
        by_metric.setdefault(e.metric, []).append(e)
    for finding in proof.verdict.findings:  # a rule whose metric said nothing must still be seen
        if finding.metric:
            by_metric.setdefault(finding.metric, [])
    blocks: dict[Family, list[dict[str, Any]]] = {name: [] for name in FAMILIES}
    for metric, found in by_metric.items():
        findings = [f for f in proof.verdict.findings if f.metric == metric]
        blocks[_family(metric, findings)].append(_block(metric, found, findings, proof.limits, rules))
    axes = {a.axis for a in proof.verdict.axes}  # they have a section of their own
    for finding in (f for f in proof.verdict.findings if not f.metric and f.rule not in axes):
        blocks[finding.family].append(_statement_block(finding, rules))
    out = []
    for name in FAMILIES:
        if not blocks[name]:
            continue
        result = proof.verdict.families.get(name)
        out.append(
            {
                "family": name,
                "name": FAMILY_WORDS[name],
                "result": result or "none",
                "word": RESULT_WORDS[result] if result else Words(en="no deciding rule", ko="판정 규칙 없음"),
                "metrics": blocks[name],
            }
        )
    return out


def _family(metric: str, findings: Sequence[Finding]) -> Family:
    card = card_of(metric)
    return card.family if card else findings[0].family if findings else "integrity"


def _block(
    metric: str,
    evidence: Sequence[Evidence],
    findings: Sequence[Finding],
    limits: Sequence[Limit],
    rules: Mapping[str, RuleFacts],
) -> dict[str, Any]:
    card = card_of(metric)
    held_subjects = {f.subject for f in findings}
    rows, spoken = [], set()
    for e in evidence:
        held = [f for f in findings if f.subject == e.subject]
        spoken |= {id(f) for f in held}
        if held or e.subject == "all":
            rows += [_row(e, f, limits, card, rules) for f in held] or [_row(e, None, limits, card, rules)]
    rows += [_bare_row(f) for f in findings if id(f) not in spoken]
    unheld = [e for e in evidence if e.subject != "all" and e.subject not in held_subjects]
    if not rows:  # a metric without a summary of its own: each subject gets its row
        rows, unheld = [_row(e, None, limits, card, rules) for e in unheld], []
    rows.sort(key=lambda r: (not r["whole"], r["advisory"], _ORDER[r["result"]]))
    shown = rows[:MAX_ROWS]
    return {
        "id": printable(metric),
        "anchor": anchor(metric),
        "name": card.name if card else Words(en=printable(metric), ko=printable(metric)),
        "question": card.question if card else None,
        "ideal": card.ideal if card else None,
        "unit": _unit(card.unit) if card and card.unit else None,
        "better": card.better if card else "",
        "source": printable(card.source, 200) if card else "",
        "version": card.version if card else 0,
        "axes": [f.title for f in rules.values() if metric in f.reads],
        "rows": shown,
        "more": len(rows) - len(shown),
        "rest": _rest(unheld, card),
        "caveats": _caveats(evidence),
    }


def _unit(unit: str) -> Words:
    return Words(en=printable(unit), ko=UNITS.get(unit) or printable(unit))


def anchor(metric: str) -> str:
    """Return the page anchor of a metric."""
    return "metric-" + "".join(c if c.isascii() and c.isalnum() else "-" for c in metric)[:60]


def _rest(evidence: Sequence[Evidence], card: Card | None) -> str:
    """Return subjects that no rule speaks of as one line: value (reference), the least good first."""
    sign = -1.0 if card is not None and card.better == "higher" else 1.0
    measured = [e for e in evidence if e.estimate is not None]
    measured.sort(key=lambda e: -sign * ((e.estimate or 0.0) - (e.reference or 0.0)))
    parts = [
        f"{printable(e.subject, 40)} {number(e.estimate)}"
        + (f" ({number(e.reference)})" if e.reference is not None else "")
        for e in measured[:MAX_ROWS]
    ]
    if len(measured) > MAX_ROWS:
        parts.append(f"… +{len(measured) - MAX_ROWS}")
    return " · ".join(parts)


def limit_of(e: Evidence, finding: Finding | None, limits: Sequence[Limit]) -> Limit | None:
    """Return the limit a piece of evidence was held against, or one that was simulated for it."""
    if finding and finding.limit:
        return finding.limit
    return next((x for x in limits if x.metric == e.metric and x.subject == e.subject), None)


def _row(
    e: Evidence, finding: Finding | None, limits: Sequence[Limit], card: Card | None, rules: Mapping[str, RuleFacts]
) -> dict[str, Any]:
    limit = limit_of(e, finding, limits)
    line = f"{'≤' if limit.side == 'max' else '≥'} {number(limit.value)}" if limit else "–"
    facts = rules.get(finding.rule) if finding else None
    if limit and facts and facts.over_reference and e.reference is not None:
        # The rule speaks of what exceeds the reference (△ in the graphic), so the line moves with it.
        line = f"{'≤' if limit.side == 'max' else '≥'} △ + {number(limit.value)}"
        limit = replace(limit, value=e.reference + limit.value)
    result: Result | None = finding.result if finding else None
    low, high = (card.low, card.high) if card else (float("-inf"), float("inf"))
    return {
        "whole": e.subject == "all",
        "subject": Words(en="whole", ko="전체") if e.subject == "all" else _same(e.subject),
        "value": number(e.estimate) if e.outcome == "measured" else "",
        "outcome": OUTCOME_WORDS[e.outcome],
        "measured": e.outcome == "measured",
        "interval": interval(e.interval),
        "level": f"{e.level:.0%}",
        "reference": number(e.reference) if e.reference is not None else "–",
        "reference_interval": interval(e.reference_interval),
        "limit": line,
        "origin": ORIGIN_WORDS[limit.origin] if limit else None,
        "origin_because": limit.because if limit else None,
        "because": finding.because if finding else None,
        "result": result,
        "word": RESULT_WORDS[result] if result else None,
        "advisory": bool(finding and finding.advisory),
        "n": f"{e.n:,}" if e.n else "",
        "caveat": e.caveat,
        "graphic": range_bar(e, limit, low=low, high=high) if e.outcome == "measured" else "",
    }


def _bare_row(finding: Finding) -> dict[str, Any]:
    return {
        "whole": finding.subject == "all",
        "subject": Words(en="whole", ko="전체") if finding.subject == "all" else _same(finding.subject),
        "value": "",
        "outcome": Words(en="no evidence", ko="측정값 없음"),
        "measured": False,
        "interval": "",
        "level": "",
        "reference": "–",
        "reference_interval": "",
        "limit": "–",
        "origin": None,
        "origin_because": None,
        "because": finding.because,
        "result": finding.result,
        "word": RESULT_WORDS[finding.result],
        "advisory": finding.advisory,
        "n": "",
        "caveat": None,
        "graphic": "",
    }


def _statement_block(finding: Finding, rules: Mapping[str, RuleFacts]) -> dict[str, Any]:
    name = printable(finding.rule)
    return {
        "id": name,
        "anchor": anchor(name),
        "name": title_of(finding.rule, rules),
        "question": None,
        "ideal": None,
        "unit": "",
        "better": "",
        "source": "",
        "version": 0,
        "axes": [],
        "rows": [_bare_row(finding)],
        "more": 0,
        "rest": "",
        "caveats": [],
    }


def _caveats(evidence: Sequence[Evidence]) -> list[Words]:
    seen: dict[str, Words] = {}
    for e in evidence:
        if e.caveat is not None and e.outcome == "measured":
            seen.setdefault(e.caveat.en, e.caveat)
    return list(seen.values())[:4]


def _same(text: str) -> Words:
    shown = printable(text) or "?"
    return Words(en=shown, ko=shown)
