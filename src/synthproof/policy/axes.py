"""The ways to harm a person, each judged from all its measures together: leak shown, bounded, or not assessed.

A single attack that finds nothing proves nothing, and of many attacks one will find something by chance. So an axis is
*bounded* only when every measure's upper end lies under its tolerance (an intersection-union test: it needs no
correction), and a leak is *shown* only when a lower end lies over its line, or an exact test of the persons met says so,
after correction for all measures of the axis (Bonferroni) and all axes (Holm 1979, www.jstor.org/stable/4615733). Whatever
else is not assessed, with the number of persons that might have been enough.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from scipy.special import ndtr, ndtri

from synthproof.core.evidence import AxisFinding, AxisState, Evidence
from synthproof.core.words import Words
from synthproof.policy.rule import Measure, Number, number_of

Unsure: TypeAlias = Literal["decides", "shown"]
UNSURE: tuple[Unsure, ...] = get_args(Unsure)
GATE = "gate"
"""Input of evidence that names what forbids to exclude a leak: ``filtered``, ``holdout_used``."""
MET = "persons_met"
"""Detail of evidence: one or more counts of persons met, each with train, holdout, of_train, of_holdout and whole."""
CHANCE = "chance_without_leak"
"""Detail of evidence: the exact chance of such a number where nothing leaks, for numbers whose line is 0."""
LEVEL = 0.025
"""Chance that any axis shows a leak where there is none: that of the lower end of a 95 % interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisMeasure:
    """One attack's number as an axis reads it.

    Parameters
    ----------
    metric, subject
        Which evidence; ``"*"``: every subject but ``"all"``.
    measure
        The ``estimate``, or by how much it is ``over_reference``.
    tolerance
        What the upper end must not exceed for the axis to be bounded.
    shown_over
        What the lower end must exceed to show a leak; the tolerance unless set.
    persons
        What the number over its innocent value must be multiplied by to be read as a share of persons; 0: it cannot.
    innocent
        The number where nothing leaks.
    shows_only
        Whether it can show a leak but need not be known for the axis to be bounded.
    because
        Where the tolerance comes from.
    """

    metric: str
    subject: str = "all"
    measure: Measure = "estimate"
    tolerance: float
    shown_over: float
    persons: float = 0.0
    innocent: float = 0.0
    shows_only: bool = False
    because: Words

    def chosen(self, evidence: Sequence[Evidence]) -> tuple[Evidence, ...]:
        """Return the evidence that it reads; that of ``"all"`` without a number stands in for a subject that is not there."""
        own = [e for e in evidence if e.metric == self.metric]
        if self.subject == "*":
            mine = [e for e in own if e.subject != "all"]
        else:
            mine = [e for e in own if e.subject == self.subject]
        return tuple(mine or [e for e in own if e.outcome != "measured"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One way to harm a person.

    Parameters
    ----------
    id, title, question
        Name, name for the page, and what is asked.
    measures
        In the order of the page.
    required
        ``False``: shown, never decides.
    when_unsure
        What "not assessed" means for the verdict: it decides (``"decides"``) or is only shown (``"shown"``). A leak that
        is shown always decides where the axis is required.
    remedy
        What can be done about a leak.
    """

    id: str
    title: Words
    question: Words
    measures: tuple[AxisMeasure, ...]
    required: bool = True
    when_unsure: Unsure = "decides"
    remedy: Words | None = None


@dataclass(frozen=True, slots=True)
class _Read:
    """One measure's number: its state alone, and the chance of it without a leak."""

    name: str
    state: AxisState
    needed: bool
    p: float
    bound: float | None
    enough: int | None
    measured: bool = True


def judge_axes(evidence: Sequence[Evidence], axes: Sequence[Axis]) -> tuple[AxisFinding, ...]:
    """Return what became of every axis, in order. Pure.

    Parameters
    ----------
    evidence
        Everything that was measured.

    Notes
    -----
    The chance of a number without a leak is exact where the evidence counts the persons met (`MET`) or gives it (`CHANCE`,
    for a line drawn at what innocence gives, so that a single copy can show a leak). Elsewhere it is read
    off the number's own interval, as if its estimate were normal on the side of the line.
    """
    read = [[_read(m, e) for m in axis.measures for e in m.chosen(evidence) if _asks(e)] for axis in axes]
    gone = [[m for m in axis.measures if not m.shows_only and not m.chosen(evidence)] for axis in axes]
    raw = [min((min(1.0, r.p * len(rs)) for r in rs), default=None) for rs in read]
    adjusted = _holm(raw)
    out = []
    for axis, rs, lost, p in zip(axes, read, gone, adjusted, strict=True):
        measures = [r for r in rs if r.needed]
        known = [e for m in axis.measures for e in m.chosen(evidence)]
        bounds = [r.bound for r in measures if r.bound is not None]
        bound = max(bounds) if bounds and not lost and all(r.measured for r in measures) else None
        shown = tuple(r.name for r in rs if min(1.0, r.p * len(rs)) <= LEVEL) if p is not None and p <= LEVEL else ()
        unsure = (*(r.name for r in measures if r.state != "bounded"), *(f"{m.metric}: {m.subject}" for m in lost))
        if not measures and not lost and not shown and known:  # nothing that would have to be known makes sense here
            out.append(AxisFinding(axis=axis.id, state="not_assessed", p=p, applies=False))
            continue
        gates = _gates(known)
        state: AxisState = "leak_shown" if shown else "not_assessed" if unsure or gates or not measures else "bounded"
        enough = [r.enough for r in measures if r.state != "bounded"]
        needed = max((n for n in enough if n is not None), default=None) if None not in enough and not lost else None
        out.append(
            AxisFinding(
                axis=axis.id,
                state=state,
                bound=bound,
                shown_by=shown,
                unsure=() if shown else (*gates, *unsure),
                needed=needed if state == "not_assessed" and not gates else None,
                p=p,
            )
        )
    return tuple(out)


def overall(found: Sequence[AxisFinding]) -> AxisState:
    """Return the worst state: one shown leak is enough, and bounded means every axis that applies."""
    states = [f.state for f in found if f.applies]
    if "leak_shown" in states:
        return "leak_shown"
    return "bounded" if states and all(s == "bounded" for s in states) else "not_assessed"


def _asks(e: Evidence) -> bool:
    """Return whether the question arises for these data."""
    return e.outcome != "not_applicable"


def _gates(known: Sequence[Evidence]) -> tuple[str, ...]:
    """Return what forbids to exclude a leak whatever the numbers say, as the battery stamped it on the evidence."""
    stamped = {g for e in known for g in str(e.inputs.get(GATE, "")).split(",") if g}
    return tuple(f"{GATE}: {g}" for g in sorted(stamped))


def _read(m: AxisMeasure, e: Evidence) -> _Read:
    name = f"{m.metric}: {e.subject}"
    number = number_of(e, m.measure)
    if e.outcome != "measured" or number is None:
        return _Read(name, "not_assessed", not m.shows_only, 1.0, None, None, measured=False)
    met = e.detail.get(MET) if m.measure == "estimate" else None
    p = _exact_chance(met, m.shown_over) if met else _chance(number, m.shown_over, e.level)
    if m.shown_over == m.innocent and m.measure == "estimate" and CHANCE in e.detail:
        p = float(e.detail[CHANCE])
    bound = (number.high - m.innocent) * m.persons if m.persons else None
    if number.high <= m.tolerance:
        return _Read(name, "bounded", not m.shows_only, p, bound, None)
    return _Read(
        name, "not_assessed", not m.shows_only, p, bound, _enough(m, number, int(e.detail.get("persons", e.n)))
    )


def _chance(number: Number, line: float, level: float) -> float:
    """Return the chance of a number this far over a line, from the lower half of its interval."""
    spread = (number.value - number.low) / float(ndtri(0.5 + level / 2))
    if spread <= 0:
        return 0.0 if number.low > line else 1.0
    return float(ndtr((line - number.value) / spread))


def _exact_chance(met: Sequence[Mapping[str, int]], line: float) -> float:
    """Return the chance that so many of the persons met were learned from, where no more than `line` of them leaked.

    Had nothing leaked, those met would be a draw from all real persons as train is: hypergeometric (Fisher's exact test).
    As many as the line allows are taken for leaked beforehand. Several tries are corrected for by their number.
    """
    from scipy.stats import hypergeom

    chances = []
    for x in met:
        leaked = min(math.floor(line * x["whole"]), x["train"])
        train, others = x["of_train"] - leaked, x["of_holdout"]
        hits = x["train"] - leaked
        chances.append(float(hypergeom.sf(hits - 1, train + others, train, hits + x["holdout"])))
    return min(1.0, len(chances) * min(chances))


def _enough(m: AxisMeasure, number: Number, n: int) -> int | None:
    """Return how many persons would bring the upper end under the tolerance, did the estimate stay or be innocent."""
    room, half = m.tolerance - max(m.innocent, number.value), number.high - number.value
    return math.ceil(n * (half / room) ** 2) if room > 0 and half > 0 and n > 0 else None


def _holm(raw: Sequence[float | None]) -> list[float | None]:
    """Return p-values adjusted for all axes together (Holm 1979)."""
    known = sorted((p, i) for i, p in enumerate(raw) if p is not None)
    out: list[float | None] = [None] * len(raw)
    highest = 0.0
    for rank, (p, i) in enumerate(known):
        highest = max(highest, min(1.0, p * (len(known) - rank)))
        out[i] = highest
    return out
