"""The sentence under an axis: what was found, what can be excluded, or what would have been needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from synthproof.core.evidence import AxisFinding, Evidence
from synthproof.core.words import Words
from synthproof.policy.axes import Axis
from synthproof.policy.because import measured

_MOST_NAMED = 3
_NOTHING = Words(en="nothing was measured", ko="측정된 것이 없음")
GATES: Mapping[str, Words] = {
    "gate: filtered": Words(
        en="Records were dropped by their distance to the training data, which hides copies from distances and lets an "
        "attacker learn from the holes.",
        ko="학습 데이터와의 거리를 기준으로 합성 레코드를 걸러 냈으므로 복제가 거리 지표에 드러나지 않으며, 비어 있는 자리 자체가 "
        "공격에 이용될 수 있습니다.",
    ),
    "gate: holdout_used": Words(
        en="The holdout was used to choose or tune the generator, so persons in it are no longer unseen.",
        ko="홀드아웃이 생성기의 선택이나 조정에 쓰였으므로 그 안의 사람은 더 이상 학습에 쓰이지 않은 사람이 아닙니다.",
    ),
}
"""Why a leak cannot be excluded whatever the numbers say."""


def sentence(axis: Axis, found: AxisFinding, evidence: Sequence[Evidence]) -> Words:
    """Return the finding in words, with the numbers that decide it."""
    title = axis.title
    if not found.applies:
        return Words(
            en=f"{title.en}: the question does not arise for these data.",
            ko=f"{title.ko}: 이 자료에는 해당하지 않습니다.",
        )
    if found.state == "leak_shown":
        told = _told(found.shown_by, evidence)
        return Words(
            en=f"{title.en}: a leak is shown ({told.en}; p = {_p(found.p)} for all axes together).",
            ko=f"{title.ko}: 유출이 입증됨({told.ko}; 모든 축을 함께 본 p = {_p(found.p)}).",
        )
    if found.state == "bounded":
        en = f"{title.en}: no leak found by these attacks"
        ko = f"{title.ko}: 시도한 공격으로는 유출이 발견되지 않음"
        if found.bound is not None:
            en += f"; at most {100 * max(0.0, found.bound):.2g} % of persons more than without learning (95 %)"
            ko += f". 학습하지 않은 경우보다 더 노출되는 사람은 많아야 {100 * max(0.0, found.bound):.2g} %(95 %)"
        return Words(en=en + ".", ko=ko + ".")
    gates = [g for g in found.unsure if g in GATES]
    if gates:
        return Words(
            en=f"{title.en}: no leak is shown, and none can be excluded. {' '.join(GATES[g].en for g in gates)}",
            ko=f"{title.ko}: 유출이 입증되지 않았으나 배제할 수도 없음. {' '.join(GATES[g].ko for g in gates)}",
        )
    told = _told(found.unsure, evidence) if found.unsure else _NOTHING
    en = f"{title.en}: no leak is shown, and none can be excluded ({told.en})"
    ko = f"{title.ko}: 유출이 입증되지 않았으나 배제할 수도 없음({told.ko})"
    if found.needed is not None:
        en += f"; about {found.needed:,} persons each, learned from and held out, might have been enough"
        ko += f". 학습용과 홀드아웃에 각각 약 {found.needed:,}명이 있으면 판단할 수 있을 것으로 보임"
    return Words(en=en + ".", ko=ko + ".")


def _told(names: Sequence[str], evidence: Sequence[Evidence]) -> Words:
    """Return the named pieces of evidence, each with its number or why there is none."""
    by_name = {f"{e.metric}: {e.subject}": e for e in evidence}
    en, ko = [], []
    for name in names[:_MOST_NAMED]:
        e = by_name.get(name)
        if e is not None and e.outcome == "measured":
            said = measured(e)
        elif e is not None and e.caveat is not None:
            said = e.caveat
        else:
            said = Words(en="not measured", ko="측정되지 않음")
        en.append(f"{name} {said.en.rstrip('.')}")
        ko.append(f"{name} {said.ko.rstrip('.')}")
    if len(names) > _MOST_NAMED:
        en.append(f"and {len(names) - _MOST_NAMED} more")
        ko.append(f"외 {len(names) - _MOST_NAMED}건")
    return Words(en="; ".join(en), ko="; ".join(ko))


def _p(value: float | None) -> str:
    return "–" if value is None else f"{value:.1g}" if value >= 1e-6 else "<0.000001"
