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
from synthproof.metrics.table.histograms import level_counts, overlay, present_part, row_bins
from synthproof.metrics.table.intervals import basic_interval
from synthproof.metrics.table.resampling import resampled

FloatArray = npt.NDArray[np.float64]

_Pair = tuple[float, FloatArray]
"""A distance and its values over resampled groups of units."""

_KOLMOGOROV_MEAN = float(np.sqrt(np.pi / 2) * np.log(2))
POINTS = 128
"""Quantiles of train at which a resampled distribution function is read."""

_WIDTH = Words(
    en="The interval is a basic bootstrap over groups of units, which takes the upward bias of the distance out.",
    ko="구간은 표본 거리의 상향 편의를 제거한 보호 단위 묶음 부트스트랩입니다.",
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
        pairs: dict[str, list[_Pair]] = {name: [] for name in ("synthetic", "holdout")[: 1 if holdout is None else 2]}
        found = [self._field(case, cc, f, pairs, seed) for f in quiet(run).each(cc.fields, self.card.id)]
        measured = [e for e in found if e.estimate is not None]
        if not measured:
            return [insufficient(self.card, NO_FIELDS, seed=seed), *found]
        return [self._all(cc, holdout, measured, pairs, seed), *found]

    def _field(self, case: Case[Any], cc: CodedCase, f: Field, pairs: dict[str, list[_Pair]], seed: int) -> Evidence:
        gap, n, m = distance(cc.train, cc.synthetic, f)
        if min(n, m) < ENOUGH:
            least, what = (n, REAL_UNITS) if n <= m else (m, SYNTHETIC_UNITS)
            return too_few(self.card, int(least), ENOUGH, what, subject=f.name, seed=seed)
        draws = _draws(case, f, "synthetic", gap, seed)
        pairs["synthetic"].append((gap, draws))
        reference, around, floor_of_reference = None, None, None
        if "holdout" in pairs and cc.holdout is not None:
            value, a, b = distance(cc.train, cc.holdout, f)
            if min(a, b) >= ENOUGH:
                fresh = _draws(case, f, "holdout", value, seed)
                pairs["holdout"].append((value, fresh))
                reference, around = value, basic_interval(value, fresh, root=True)
                floor_of_reference = _floor(cc.train, f, a, b)
        return Evidence(
            metric=self.card.id,
            version=self.card.version,
            subject=f.name,
            estimate=gap,
            interval=basic_interval(gap, draws, root=True),
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
            caveat=None if reference is not None else NO_HOLDOUT,
        )

    def _all(
        self,
        cc: CodedCase,
        holdout: Part | None,
        measured: Sequence[Evidence],
        pairs: dict[str, list[_Pair]],
        seed: int,
    ) -> Evidence:
        mean, interval = _mean(pairs["synthetic"])
        reference, around = _mean(pairs["holdout"]) if pairs.get("holdout") else (None, None)
        estimates = np.array([e.estimate for e in measured], dtype=np.float64)
        order = np.argsort(-estimates, kind="stable")
        return Evidence(
            metric=self.card.id,
            version=self.card.version,
            estimate=mean,
            interval=interval,
            reference=reference,
            reference_interval=around,
            n=cc.synthetic.n,
            seed=seed,
            detail={
                "columns": [measured[i].subject for i in order],
                "values": [float(estimates[i]) for i in order],
                "floor": float(np.mean([float(e.detail["floor"]) for e in measured])),
                "real_units": cc.train.n,
                "holdout_units": None if holdout is None else holdout.n,
            },
            caveat=joined(_WIDTH, None if holdout is not None else NO_HOLDOUT),
        )


def _mean(pairs: Sequence[_Pair]) -> tuple[float, tuple[float, float]]:
    """Return the mean over columns and its interval; draws belong together across columns."""
    value = float(np.mean([v for v, _ in pairs]))
    return value, basic_interval(value, np.mean([d for _, d in pairs], axis=0), root=True)


def _draws(case: Case[Any], f: Field, other: str, exact: float, seed: int) -> FloatArray:
    """Return the distance over resampled groups of units, numbers read at quantiles of train.

    What reading at fewer points takes off the distance itself is put back on every draw.
    """
    cc = coded_case(case)
    train, part = cc.train, getattr(cc, other)
    edges = np.empty(0)
    if f.numeric:
        present = present_part(train, f.name)[0]
        edges = np.unique(present[np.linspace(0, len(present) - 1, POINTS).astype(int)])
    a, k = row_bins(train, f, edges)
    b, _ = row_bins(part, f, edges)
    keep = (a > 0, b > 0) if f.numeric else (None, None)
    p = resampled(case, "train", seed).shares(a, k, keep[0])
    q = resampled(case, other, seed).shares(b, k, keep[1])
    if not f.numeric:
        return np.asarray(np.abs(p - q).sum(axis=1) / 2, dtype=np.float64)
    here = np.abs(np.cumsum(_share(a[a > 0], k) - _share(b[b > 0], k))).max()
    drawn = np.abs(np.cumsum(p - q, axis=1)).max(axis=1)
    return np.asarray(drawn + (exact - here), dtype=np.float64)


def _share(bins: npt.NDArray[np.intp], k: int) -> FloatArray:
    return np.asarray(np.bincount(bins, minlength=k) / max(1, len(bins)), dtype=np.float64)


def distance(real: Part, other: Part, f: Field) -> tuple[float, float, float]:
    """Return (distance, independent rows here, independent rows there) of one field.

    Numbers: Kolmogorov-Smirnov over present values. Levels: total variation, missing being a level of its own.
    """
    if f.numeric:
        a, n = present_part(real, f.name)
        b, m = present_part(other, f.name)
        return kolmogorov_smirnov(a, b), n, m
    k = len(levels_of(f))
    p = level_counts(real.coded, f.name, k) / max(1, len(real))
    q = level_counts(other.coded, f.name, k) / max(1, len(other))
    return float(np.abs(p - q).sum() / 2), real.effective, other.effective


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
