"""Several releases from one source: an attacker keeps every one of them.

Safety is then measured twice, on this release alone and on all releases together, and of each number the worse one is
kept: together they say more about a person, and alone a leak of one release is not thinned by the rows of the others.
Everything else judges this release alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from synthproof.core.contracts import Case
from synthproof.core.evidence import Evidence
from synthproof.core.words import Words
from synthproof.data.image.dataset import ImageSet
from synthproof.data.image.union import union_pictures
from synthproof.data.table.dataset import Table
from synthproof.data.table.union import union

View = Literal["all releases together", "this release alone"]

NOTICE = Words(
    en="Safety was judged over {releases} releases of the same source ({rows} synthetic rows in all): of each number the "
    "worse of two stands here, for an attacker who holds all of them and for one who holds this release alone. Everything "
    "else judges this release alone.",
    ko="안전성은 같은 원본에서 나온 반출물 {releases}건(합성 {rows}행)에 대하여 판정하였습니다. 모든 반출물을 가진 "
    "공격자와 이 반출물만 가진 공격자 가운데 더 나쁜 값을 적었습니다. 그 밖의 지표는 이 반출물만 평가합니다.",
)
_VIEWS: Mapping[View, Words] = {
    "all releases together": Words(
        en="Measured on {releases} releases together ({rows} rows), which is worse than this release alone or equal to it.",
        ko="반출물 {releases}건({rows}행)을 합쳐 잰 값입니다. 이 반출물만 잰 값보다 나쁘거나 같습니다.",
    ),
    "this release alone": Words(
        en="Measured on this release alone, which is worse than on {releases} releases together ({rows} rows).",
        ko="이 반출물만 잰 값입니다. 반출물 {releases}건({rows}행)을 합쳐 잰 값보다 나쁩니다.",
    ),
}


def held(case: Case[Any]) -> Case[Any] | None:
    """Return the case with the union of all releases as its synthetic data, or ``None`` when there is one release."""
    if not case.released:
        return None
    parts = [case.synthetic, *case.released]
    together: Any
    if all(isinstance(p, Table) for p in parts):
        together = union(parts)
    elif all(isinstance(p, ImageSet) for p in parts):
        together = union_pictures(parts)
    else:
        raise TypeError("only tables, and only pictures, can be put together")
    # A cache of its own: what is kept there hangs on the synthetic data.
    return replace(case, synthetic=together, released=(), cache={})


def words_of(case: Case[Any], words: Words) -> Words:
    """Return a sentence with the number of releases and of their rows filled in."""
    rows = sum(t.n_rows for t in (case.synthetic, *case.released))
    return words.filled(releases=1 + len(case.released), rows=f"{rows:,}")


def worse(
    alone: Sequence[Evidence], all_of_them: Sequence[Evidence], better: str, case: Case[Any]
) -> tuple[Evidence, ...]:
    """Return, subject by subject, the worse of two measurements, each saying which it is.

    Parameters
    ----------
    alone, all_of_them
        Evidence of one metric on this release and on the union.
    better
        The card's ``"lower"`` or ``"higher"``.

    Notes
    -----
    When either lies wholly on the bad side of its reference, the one that does so by more stands (a leak that is shown);
    else one without a number (nothing is acquitted that was not measured), else the one that could be worse by more.
    """
    stamp = {f"released_{i}": t.fingerprint() for i, t in enumerate(case.released, start=1)}
    by_subject = {e.subject: e for e in all_of_them}
    out = []
    for e in alone:
        other = by_subject.pop(e.subject, None)
        out.append(
            _said(e if other is None or _first_is_worse(e, other, better) else other, other is not None, e, case)
        )
    out += [_said(e, False, None, case) for e in by_subject.values()]
    return tuple(replace(e, inputs={**e.inputs, **stamp}) for e in out)


def _said(e: Evidence, both: bool, alone: Evidence | None, case: Case[Any]) -> Evidence:
    view: View = "this release alone" if e is alone else "all releases together"
    rows = sum(t.n_rows for t in (case.synthetic, *case.released))
    detail = {**e.detail, "releases": 1 + len(case.released), "released_rows": rows, "measured_on": view}
    words = words_of(case, _VIEWS[view])
    if not both or e.outcome != "measured":
        return replace(e, detail=detail)
    caveat = words if e.caveat is None else Words(en=f"{e.caveat.en} {words.en}", ko=f"{e.caveat.ko} {words.ko}")
    return replace(e, detail=detail, caveat=caveat)


def _first_is_worse(a: Evidence, b: Evidence, better: str) -> bool:
    """Return whether `a` must stand rather than `b`; equal: `b`."""
    if "measured" not in (a.outcome, b.outcome):
        return _SILENCE[a.outcome] > _SILENCE[b.outcome]
    (least_a, most_a), (least_b, most_b) = _beyond(a, better), _beyond(b, better)
    if max(least_a, least_b) > 0:
        return least_a > least_b
    if a.outcome != "measured" or b.outcome != "measured":
        silent = a if a.outcome != "measured" else b
        # What does not apply to one view says nothing against the other.
        return (silent is a) == (silent.outcome != "not_applicable")
    return most_a > most_b


_SILENCE = {"not_applicable": 0, "insufficient": 1, "failed": 2, "measured": 3}


def _beyond(e: Evidence, better: str) -> tuple[float, float]:
    """Return how far a number lies beyond its reference on the bad side, at least and at most."""
    if e.outcome != "measured" or e.interval is None:
        return -math.inf, -math.inf
    low, high = e.interval
    ref_low, ref_high = e.reference_interval or (e.reference or 0.0, e.reference or 0.0)
    return (low - ref_high, high - ref_low) if better == "lower" else (ref_low - high, ref_high - low)


__all__ = ["NOTICE", "held", "words_of", "worse"]
