"""Does each column look alike? Kolmogorov-Smirnov for numbers, total variation for levels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from synthproof.core.contracts import Case
from synthproof.core.evidence import Card, Evidence
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Field, Purpose, Schema
from synthproof.core.words import Words
from synthproof.engines.codes import levels_of
from synthproof.metrics.table.answers import (
    NO_FIELDS,
    NO_HOLDOUT,
    REAL_UNITS,
    SYNTHETIC_UNITS,
    insufficient,
    joined,
    too_few,
)
from synthproof.metrics.table.coded_case import ENOUGH, CodedCase, Part, coded_case
from synthproof.metrics.table.histograms import level_counts, overlay, present_part
from synthproof.metrics.table.intervals import bounded_differences

FloatArray = npt.NDArray[np.float64]

_KOLMOGOROV_MEAN = float(np.sqrt(np.pi / 2) * np.log(2))
_WIDTH = Words(
    en="The interval is distribution-free (McDiarmid) and takes the upward bias of the distance out at its lower end.",
    ko="구간은 분포를 가정하지 않는 방식(McDiarmid)이며, 하한에서는 표본 거리의 상향 편의를 제거하였습니다.",
)


class Shape:
    """Largest gap between the distributions of each column, and its mean over columns."""

    card: ClassVar[Card] = Card(
        id="table.shape",
        version=1,
        family="fidelity",
        name=Words(en="Column shapes", ko="일차원 분포 유사성(KS·총변동)"),
        question=Words(
            en="Does each column of the synthetic data have the same distribution as in the real data?",
            ko="합성데이터의 각 열은 원본과 같은 분포를 보입니까?",
        ),
        unit="distance (0 to 1)",
        low=0.0,
        high=1.0,
        better="lower",
        ideal=Words(
            en="The distance between two real samples of this size (shown beside it); 0 only for the same data.",
            ko="같은 크기의 원본 표본 간 거리(함께 표시). 동일한 자료일 때만 0입니다.",
        ),
        source="PIPC guide (2024.12) app. 4, KS; Massey 1951 doi:10.1080/01621459.1951.10500769",
    )

    def applies(self, schema: Schema, purpose: Purpose, /) -> str | None:
        """Return ``None``, or that no column can be compared."""
        return None if schema.modelled else NO_FIELDS.en

    def measure(self, case: Case[Any], /, *, seed: int, run: Run | None = None) -> Sequence[Evidence]:
        """Return the mean over columns first, then one piece of evidence a column."""
        cc = coded_case(case)
        for part, what in ((cc.train, REAL_UNITS), (cc.synthetic, SYNTHETIC_UNITS)):
            if part.n < ENOUGH:
                return [too_few(self.card, part.n, ENOUGH, what, seed=seed)]
        if not cc.fields:
            return [insufficient(self.card, NO_FIELDS, seed=seed)]
        holdout = cc.holdout if cc.holdout is not None and cc.holdout.n >= ENOUGH else None
        found = [self._field(cc, holdout, f, seed) for f in quiet(run).each(cc.fields, self.card.id)]
        measured = [e for e in found if e.estimate is not None]
        if not measured:
            return [insufficient(self.card, NO_FIELDS, seed=seed), *found]
        return [self._all(cc, holdout, measured, seed), *found]

    def _field(self, cc: CodedCase, holdout: Part | None, f: Field, seed: int) -> Evidence:
        gap, n, m, excess = distance(cc.train, cc.synthetic, f)
        if min(n, m) < ENOUGH:
            least, what = (n, REAL_UNITS) if n <= m else (m, SYNTHETIC_UNITS)
            return too_few(self.card, int(least), ENOUGH, what, subject=f.name, seed=seed)
        reference, around, floor_of_reference = None, None, None
        if holdout is not None:
            value, a, b, excess_of_reference = distance(cc.train, holdout, f)
            if min(a, b) >= ENOUGH:
                reference, around = value, bounded_differences(value, a, b, excess_of_reference)
                floor_of_reference = _floor(cc.train, f, a, b)
        return Evidence(
            metric=self.card.id,
            version=self.card.version,
            subject=f.name,
            estimate=gap,
            interval=bounded_differences(gap, n, m, excess),
            reference=reference,
            reference_interval=around,
            n=cc.synthetic.n,
            seed=seed,
            detail={
                "form": "KS" if f.numeric else "TV",
                "floor": _floor(cc.train, f, n, m),
                "floor_of_reference": floor_of_reference,
                "overlay": overlay(f, cc.train.coded, cc.synthetic.coded),
            },
            caveat=None if holdout is not None else NO_HOLDOUT,
        )

    def _all(self, cc: CodedCase, holdout: Part | None, measured: Sequence[Evidence], seed: int) -> Evidence:
        estimates = np.array([e.estimate for e in measured], dtype=np.float64)
        parts = [distance(cc.train, cc.synthetic, cc.field(e.subject)) for e in measured]
        n, m = min(p[1] for p in parts), min(p[2] for p in parts)
        mean = float(estimates.mean())
        reference, around = self._reference(cc, holdout, measured)
        floors = [float(e.detail["floor"]) for e in measured]
        order = np.argsort(-estimates, kind="stable")
        return Evidence(
            metric=self.card.id,
            version=self.card.version,
            estimate=mean,
            interval=bounded_differences(mean, n, m, float(np.mean([p[3] for p in parts]))),
            reference=reference,
            reference_interval=around,
            n=cc.synthetic.n,
            seed=seed,
            detail={
                "columns": [measured[i].subject for i in order],
                "values": [float(estimates[i]) for i in order],
                "floor": float(np.mean(floors)),
                "real_units": cc.train.n,
                "holdout_units": None if holdout is None else holdout.n,
            },
            caveat=joined(_WIDTH, None if holdout is not None else NO_HOLDOUT),
        )

    def _reference(
        self, cc: CodedCase, holdout: Part | None, measured: Sequence[Evidence]
    ) -> tuple[float | None, tuple[float, float] | None]:
        known = [e for e in measured if e.reference is not None]
        if holdout is None or not known:
            return None, None
        parts = [distance(cc.train, holdout, cc.field(e.subject)) for e in known]
        mean = float(np.mean([p[0] for p in parts]))
        n, m = min(p[1] for p in parts), min(p[2] for p in parts)
        return mean, bounded_differences(mean, n, m, float(np.mean([p[3] for p in parts])))


def distance(real: Part, other: Part, f: Field) -> tuple[float, float, float, float]:
    """Return (distance, independent rows here, independent rows there, bound on its upward bias) of one field.

    Numbers: Kolmogorov-Smirnov over present values. Levels: total variation, missing being a level of its own.
    """
    if f.numeric:
        a, n = present_part(real, f.name)
        b, m = present_part(other, f.name)
        excess = _KOLMOGOROV_MEAN * (1 / np.sqrt(max(n, 1)) + 1 / np.sqrt(max(m, 1)))
        return kolmogorov_smirnov(a, b), n, m, float(excess)
    k = len(levels_of(f))
    p = level_counts(real.coded, f.name, k) / max(1, len(real))
    q = level_counts(other.coded, f.name, k) / max(1, len(other))
    n, m = real.effective, other.effective
    # E|p̂ - p| <= sd, and the sum of the two samples' sds bounds the mean excess of the total variation.
    excess = float(0.5 * np.sqrt(p * (1 - p) / max(n, 1) + q * (1 - q) / max(m, 1)).sum())
    return float(np.abs(p - q).sum() / 2), n, m, excess


def kolmogorov_smirnov(a: FloatArray, b: FloatArray) -> float:
    """Return the largest gap between the distribution functions of two *sorted* samples."""
    if len(a) == 0 or len(b) == 0:
        return float(len(a) != len(b))
    at = np.concatenate([a, b])
    return float(
        np.abs(np.searchsorted(a, at, side="right") / len(a) - np.searchsorted(b, at, side="right") / len(b)).max()
    )


def _floor(real: Part, f: Field, n: float, m: float) -> float:
    """Return the distance to expect between two samples of n and m rows of one law."""
    scale = float(np.sqrt(1 / max(n, 1) + 1 / max(m, 1)))
    if f.numeric:
        return _KOLMOGOROV_MEAN * scale
    k = len(levels_of(f))
    p = level_counts(real.coded, f.name, k) / max(1, len(real))
    return float(0.5 * np.sqrt(2 / np.pi) * np.sqrt(p * (1 - p)).sum() * scale)
