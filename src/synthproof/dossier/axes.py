"""The ways to harm a person on the page: what each axis asks, what its attacks reached, and what follows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synthproof.core.errors import ConfigError
from synthproof.core.evidence import AxisFinding, AxisState, Evidence
from synthproof.core.words import Words
from synthproof.dossier.disclose import printable
from synthproof.dossier.numbers import anchor, card_of, interval, number
from synthproof.policy.axes import Axis, AxisMeasure, overall
from synthproof.policy.load import read_policy
from synthproof.verification.proof import Proof

STATE_WORDS: Mapping[AxisState, Words] = {
    "leak_shown": Words(en="leak shown", ko="유출 입증"),
    "bounded": Words(en="bounded", ko="한도 이내"),
    "not_assessed": Words(en="not assessed", ko="판단 불가"),
}
_ABSENT = Words(en="does not arise", ko="해당 없음")
_COLOUR: Mapping[AxisState, str] = {
    "leak_shown": "does_not_meet",
    "bounded": "meets",
    "not_assessed": "not_assessed",
}
_TOGETHER: Mapping[AxisState, Words] = {
    "leak_shown": Words(
        en="A leak is shown on at least one axis. One is enough; nothing is averaged.",
        ko="하나 이상의 축에서 유출이 입증되었습니다. 하나라도 입증되면 충분하며 평균하지 않습니다.",
    ),
    "bounded": Words(
        en="No leak was found by these attacks, and each could have been seen above the bound beside it. Other attacks may "
        "exist; this is no proof of safety.",
        ko="시도한 공격으로는 유출이 발견되지 않았으며, 표시한 한도를 넘는 유출이 있었다면 드러났을 것입니다. 다른 공격이 있을 수 "
        "있으므로 안전의 증명은 아닙니다.",
    ),
    "not_assessed": Words(
        en="No leak is shown, but these data cannot exclude one on every axis. This is never a pass.",
        ko="유출이 입증되지는 않았으나 모든 축에서 배제할 수는 없습니다. 통과를 뜻하지 않습니다.",
    ),
}


def axes_of(proof: Proof, policy_text: str) -> dict[str, Any] | None:
    """Return the axes and their numbers, or ``None`` where the policy has none (or its text is gone)."""
    if not proof.verdict.axes:
        return None
    known = _known(policy_text)
    because = {f.rule: f for f in proof.verdict.findings if not f.metric}
    rows = []
    for found in proof.verdict.axes:
        axis, finding = known.get(found.axis), because.get(found.axis)
        name = printable(found.axis, 40) or "?"
        rows.append(
            {
                "title": axis.title if axis else Words(en=name, ko=name),
                "question": axis.question if axis else None,
                "state": _COLOUR[found.state] if found.applies else "none",
                "word": STATE_WORDS[found.state] if found.applies else _ABSENT,
                "bound": _bound(found),
                "because": finding.because if finding else None,
                "advisory": bool(finding and finding.advisory and found.applies),
                "measures": [m for one in axis.measures for m in _measures(one, proof.evidence)] if axis else [],
            }
        )
    state = overall(proof.verdict.axes)
    return {"rows": rows, "state": _COLOUR[state], "word": STATE_WORDS[state], "told": _TOGETHER[state]}


def _known(policy_text: str) -> Mapping[str, Axis]:
    try:
        return {a.id: a for a in read_policy(policy_text).axes}
    except ConfigError:
        return {}


def _bound(found: AxisFinding) -> str:
    """Return the bound as a share of persons, with two digits that matter."""
    if found.bound is None or not found.applies:
        return "–"
    return f"≤ {100 * max(0.0, found.bound):.2g} %"


def _measures(m: AxisMeasure, evidence: tuple[Evidence, ...]) -> list[dict[str, Any]]:
    card = card_of(m.metric)
    name = card.name if card else Words(en=printable(m.metric), ko=printable(m.metric))
    sign = "△ + " if m.measure == "over_reference" else ""
    return [
        {
            "anchor": anchor(m.metric),
            "name": name,
            "subject": "" if e.subject == "all" else printable(e.subject, 60),
            "value": number(e.estimate) if e.outcome == "measured" else "",
            "interval": interval(e.interval),
            "reference": number(e.reference) if e.reference is not None else "–",
            "line": f"≤ {sign}{number(m.tolerance)}",
            "origin": m.because,
            "listed": int(e.detail.get("listed", 0)),
            "caveat": e.caveat if e.outcome != "measured" else None,
        }
        for e in m.chosen(evidence)
    ]
