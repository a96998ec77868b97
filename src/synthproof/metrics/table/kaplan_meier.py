"""Do synthetic persons live, relapse and leave observation as real ones do? Distances of survival curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from synthproof.core.contracts import Case
from synthproof.core.evidence import Card, Evidence
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Purpose, Schema
from synthproof.core.words import Words
from synthproof.data.table.survival import SurvivalTarget
from synthproof.metrics.table.answers import (
    NO_HOLDOUT,
    REAL_UNITS,
    SYNTHETIC_UNITS,
    insufficient,
    joined,
    not_applicable,
    too_few,
)
from synthproof.metrics.table.coded_case import ENOUGH, CodedCase, coded_case
from synthproof.metrics.table.intervals import basic_interval
from synthproof.metrics.table.resampling import Resampled, resampled
from synthproof.metrics.table.survival_case import (
    FEW_EVENTS,
    LEAST_EVENTS,
    NO_SURVIVAL,
    PROPOSED,
    Observed,
    observed,
    shared_targets,
    targets_of,
)

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

_MOST_TIMES = 1000
_LEAST_AT_RISK = 10
_SHARE_AT_RISK = 0.05
_SHOWN = 101

_READ = Words(
    en="Curves are compared up to the time at which a twentieth of the real records (10 at least) are still observed. "
    "The interval is a basic bootstrap over groups of units.",
    ko="실제 레코드의 20분의 1(최소 10건)이 관찰되고 있는 시점까지 비교합니다. 구간은 보호 단위 묶음 부트스트랩입니다.",
)


class KaplanMeier:
    """Largest and mean distance of Kaplan-Meier curves, of the event and of the end of observation."""

    card: ClassVar[Card] = Card(
        id="table.kaplan_meier",
        version=1,
        family="fidelity",
        name=Words(en="Survival curves (Kaplan-Meier)", ko="생존곡선 유사성(카플란-마이어)"),
        question=Words(
            en="How far does the survival curve of the synthetic records lie from that of the real ones?",
            ko="합성 레코드의 생존곡선은 실제 레코드의 생존곡선에서 얼마나 떨어져 있습니까?",
        ),
        unit="distance (0 to 1)",
        low=0.0,
        high=1.0,
        better="lower",
        ideal=Words(
            en="The distance between two real samples (shown beside it); 0 only for the same data.",
            ko="원본 표본 간의 거리(함께 표시). 동일한 자료일 때만 0입니다.",
        ),
        source="Kaplan & Meier 1958 doi:10.1080/01621459.1958.10501452; Norcliffe et al. 2023 (SurvivalGAN) arXiv:2302.12749",
    )

    def applies(self, schema: Schema, purpose: Purpose, /) -> str | None:
        """Return ``None``, or that no survival target is stated."""
        return None if targets_of(schema, purpose) else NO_SURVIVAL.en

    def measure(self, case: Case[Any], /, *, seed: int, run: Run | None = None) -> Sequence[Evidence]:
        """Return the mean over targets first; then for each its largest distance, its area, and that of follow-up."""
        if not targets_of(case.train.schema, case.purpose):
            return [not_applicable(self.card, NO_SURVIVAL, seed=seed)]
        cc = coded_case(case)
        for part, what in ((cc.train, REAL_UNITS), (cc.synthetic, SYNTHETIC_UNITS)):
            if part.n < ENOUGH:
                return [too_few(self.card, part.n, ENOUGH, what, seed=seed)]
        targets = shared_targets(cc, case.train.schema, case.purpose)
        found: list[_Compared | Evidence] = []
        for target in quiet(run).each(targets, self.card.id):
            found.append(self._target(case, cc, target, seed))
        measured = [c for c in found if isinstance(c, _Compared)]
        refused = [c for c in found if isinstance(c, Evidence)]
        if not measured:
            why = refused[0].caveat if refused and refused[0].caveat else NO_SURVIVAL
            return [insufficient(self.card, why, seed=seed), *refused]
        return [self._all(cc, measured, seed), *(e for c in measured for e in self._each(cc, c, seed)), *refused]

    def _target(self, case: Case[Any], cc: CodedCase, target: SurvivalTarget, seed: int) -> _Compared | Evidence:
        parts = {"train": observed(cc, cc.train, target), "synthetic": observed(cc, cc.synthetic, target)}
        if cc.holdout is not None and cc.holdout.n >= ENOUGH:
            parts["holdout"] = observed(cc, cc.holdout, target)
        if int(parts["train"].event.sum()) < LEAST_EVENTS:
            return insufficient(self.card, FEW_EVENTS, subject=target.name, seed=seed)
        if len(parts["synthetic"].time) < ENOUGH:
            return too_few(
                self.card, len(parts["synthetic"].time), ENOUGH, SYNTHETIC_UNITS, subject=target.name, seed=seed
            )
        if "holdout" in parts and len(parts["holdout"].time) < ENOUGH:
            del parts["holdout"]
        real = [parts[name] for name in ("train", "holdout") if name in parts]
        end = min(_horizon(p.time) for p in real)
        grid = _grid(np.concatenate([p.time for p in parts.values()]), end)
        curves = {
            name: _Curves.of(p, grid, resampled(case, name, seed), getattr(cc, name)) for name, p in parts.items()
        }
        return _Compared(target, grid, end, curves, {name: int((~p.event).sum()) for name, p in parts.items()})

    def _all(self, cc: CodedCase, found: Sequence[_Compared], seed: int) -> Evidence:
        value, draws = _mean([c.largest("synthetic") for c in found])
        with_holdout = [c.largest("holdout") for c in found if "holdout" in c.curves]
        reference, fresh = _mean(with_holdout) if with_holdout else (None, None)
        return Evidence(
            metric=self.card.id,
            version=self.card.version,
            estimate=value,
            interval=basic_interval(value, draws),
            reference=reference,
            reference_interval=None if reference is None or fresh is None else basic_interval(reference, fresh),
            n=cc.synthetic.n,
            seed=seed,
            detail={"curves": [c.shown() for c in found]},
            caveat=joined(
                _READ,
                PROPOSED if any(c.target.proposed for c in found) else None,
                None if reference is not None else NO_HOLDOUT,
            ),
        )

    def _each(self, cc: CodedCase, c: _Compared, seed: int) -> list[Evidence]:
        forms = {"": c.largest, " area": c.area, " follow-up": c.follow_up}
        out = []
        for suffix, form in forms.items():
            value, draws = form("synthetic")
            reference, fresh = form("holdout") if "holdout" in c.curves else (None, None)
            out.append(
                Evidence(
                    metric=self.card.id,
                    version=self.card.version,
                    subject=c.target.name + suffix,
                    estimate=value,
                    interval=basic_interval(value, draws),
                    reference=reference,
                    reference_interval=None if reference is None or fresh is None else basic_interval(reference, fresh),
                    n=cc.synthetic.n,
                    seed=seed,
                    detail={"until": _round_down(c.end)},
                    caveat=None if reference is not None else NO_HOLDOUT,
                )
            )
        return out


@dataclass(frozen=True, slots=True)
class _Curves:
    """Survival on a grid, exact and over groups drawn anew; the same for the end of observation without event."""

    event: FloatArray
    event_draws: FloatArray
    censored: FloatArray
    censored_draws: FloatArray

    @classmethod
    def of(cls, p: Observed, grid: FloatArray, drawn: Resampled, part: Any) -> _Curves:
        groups = drawn.weights.shape[1]
        group = drawn.group[p.rows]
        # Times are rounded up to the grid; records observed past its end are at risk throughout and leave no step.
        place = np.searchsorted(grid, p.time)
        width = len(grid) + 1
        tables = [
            np.bincount(group[rows] * width + place[rows], minlength=groups * width).reshape(groups, width)
            for rows in (np.flatnonzero(p.event), np.flatnonzero(~p.event))
        ]
        died, left = (t.astype(np.float64) for t in tables)
        weights = np.vstack([np.ones((1, groups)), drawn.weights])
        deaths, leavings = weights @ died, weights @ left
        at_risk = np.cumsum((deaths + leavings)[:, ::-1], axis=1)[:, ::-1]
        event = _product(deaths, at_risk)[:, :-1]
        # Those who have the event at a time are no longer there to be lost then.
        censored = _product(leavings, at_risk - deaths)[:, :-1]
        return cls(event[0], event[1:], censored[0], censored[1:])


def _product(steps: FloatArray, at_risk: FloatArray) -> FloatArray:
    return np.asarray(np.cumprod(1 - steps / np.where(at_risk > 0, at_risk, 1.0), axis=1), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class _Compared:
    """One target's curves in every table."""

    target: SurvivalTarget
    grid: FloatArray
    end: float
    curves: dict[str, _Curves]
    lost: dict[str, int]

    def largest(self, other: str) -> tuple[float, FloatArray]:
        """Return the largest distance of the event's curves, and over draws."""
        a, b = self.curves["train"], self.curves[other]
        return float(np.abs(a.event - b.event).max()), np.abs(a.event_draws - b.event_draws).max(axis=1)

    def follow_up(self, other: str) -> tuple[float, FloatArray]:
        """Return the largest distance of the curves of being still observed, and over draws."""
        a, b = self.curves["train"], self.curves[other]
        return float(np.abs(a.censored - b.censored).max()), np.abs(a.censored_draws - b.censored_draws).max(axis=1)

    def area(self, other: str) -> tuple[float, FloatArray]:
        """Return the mean distance of the event's curves over the time compared, and over draws."""
        a, b = self.curves["train"], self.curves[other]
        width = np.diff(np.append(self.grid, max(self.end, self.grid[-1])))
        share = width / width.sum() if width.sum() > 0 else np.full(len(width), 1 / len(width))
        # Before the first step both curves are 1: that stretch counts as no distance.
        scale = 1 - min(1.0, float(self.grid[0] / self.end)) if self.end > 0 else 1.0
        return (
            float(np.abs(a.event - b.event) @ share) * scale,
            np.abs(a.event_draws - b.event_draws) @ share * scale,
        )

    def shown(self) -> dict[str, Any]:
        """Return the curves for a picture, at even steps that are nobody's time."""
        at = np.linspace(0.0, _round_down(self.end), _SHOWN)
        spot = np.searchsorted(self.grid, at, side="right")
        return {
            "target": self.target.name,
            "time": at.tolist(),
            "censored": self.lost,
            **{name: np.append(1.0, c.event)[spot].round(4).tolist() for name, c in self.curves.items()},
        }


def _mean(pairs: Sequence[tuple[float, FloatArray]]) -> tuple[float, FloatArray]:
    return float(np.mean([v for v, _ in pairs])), np.mean([d for _, d in pairs], axis=0)


def _horizon(time: FloatArray) -> float:
    """Return the time at which a twentieth of the records, 10 at least, are still observed."""
    kept = min(len(time), max(_LEAST_AT_RISK, int(np.ceil(_SHARE_AT_RISK * len(time)))))
    return float(np.sort(time)[len(time) - kept])


def _grid(times: FloatArray, end: float) -> FloatArray:
    """Return the times at which curves are read: all distinct ones up to the end, or a thousand of them."""
    distinct = np.unique(times[times <= end])
    if not len(distinct):
        return np.array([end])
    if len(distinct) > _MOST_TIMES:
        spread = np.sort(times[times <= end])
        distinct = np.unique(spread[np.linspace(0, len(spread) - 1, _MOST_TIMES).astype(int)])
    return distinct


def _round_down(value: float) -> float:
    """Return a number with two significant digits, not above it."""
    if value <= 0:
        return 0.0
    unit = 10.0 ** (np.floor(np.log10(value)) - 1)
    return float(np.floor(value / unit) * unit)
