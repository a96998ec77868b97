"""Do regressions tell the same story? Overlap of the confidence intervals of coefficients, real and synthetic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from scipy import stats as _st

from synthproof.core.contracts import Case
from synthproof.core.evidence import Card, Evidence
from synthproof.core.random import derive, permutation
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Field, Purpose, Schema
from synthproof.core.words import Words
from synthproof.engines.learners.linear import Design
from synthproof.engines.threads import one_blas_thread
from synthproof.metrics.table.answers import NO_HOLDOUT, insufficient, joined
from synthproof.metrics.table.coded_case import CodedCase, Part, coded_case
from synthproof.metrics.table.learned import LEAST, NO_TARGET, NOT_A_TARGET, targets_of
from synthproof.metrics.table.predictors import outcomes
from synthproof.metrics.table.regressions import LEAST_ROWS, Fit, Side, column_names, fit, kept_columns, overlaps

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

ROWS = 50_000
"""Most units a side; more are thinned at random."""
MOST_CLASSES = 6
ROWS_A_COLUMN = 10
SHOWN_COEFFICIENTS = 24
_Z = float(_st.norm.ppf(0.975))
THEORY = float(1 - 2 / (np.sqrt(np.pi) * 2 * _Z))
"""Mean overlap of two independent samples of one law: 1 - E|Δ|/(2·1.96·se), with Δ ~ N(0, 2 se²); 0.712."""

_TOO_WIDE = Words(
    en="There are fewer than 10 records for each coefficient, so no regression can be read.",
    ko="회귀계수 하나당 레코드가 10건 미만이어서 회귀 결과를 해석할 수 없습니다.",
)
_READ = Words(
    en="Main effects on each target (logistic; several classes one against the rest; numbers least squares), the same "
    "columns on samples of one size. Overlap of two 95 % intervals: the shared length over the length of each, averaged; 1 "
    "is the same interval, 0 no overlap. Two independent real samples reach 0.71 on average. The interval is "
    "that of the overlap to expect at this size, from a bootstrap over blocks of units with one Newton step.",
    ko="목표 변수별 주효과 회귀(로지스틱, 다범주는 범주별, 수치는 최소제곱)를 같은 크기의 표본과 같은 설명변수로 적합하였습니다. "
    "두 95 % 신뢰구간이 겹치는 길이를 각 구간 길이로 나눈 값의 평균으로, 1은 동일한 구간, 0은 겹치지 않음을 뜻합니다. 서로 독립인 두 원본 "
    "표본의 평균은 0.71입니다. 구간은 이 표본 크기에서 기대되는 겹침에 대한 것으로, "
    "보호 단위 묶음 부트스트랩(뉴턴 1단계)으로 얻었습니다.",
)

_THEORY = Words(
    en="The holdout is too small beside the other tables, so the reference is that of theory.",
    ko="홀드아웃이 다른 자료에 비해 작아 비교값은 이론값입니다.",
)


class Coefficients:
    """Mean overlap of confidence intervals of regression coefficients, with a fresh real sample as reference.

    Notes
    -----
    Karr et al. 2006, sec. 2.2, J_k, cut at 0. The coefficient of a level is its difference to the commonest level;
    levels below 1 % or 30 real rows, and columns that others already say, have none. With several rows a unit the
    standard errors are clustered by unit. Real side: train, thinned to the size of the smallest table (a holdout of less
    than a third is left aside; the reference is then theory's). Cost: three
    Newton fits a class, about 1 s for 24,000 rows × 15.
    """

    card: ClassVar[Card] = Card(
        id="table.coefficients",
        version=1,
        family="utility",
        name=Words(en="Overlap of coefficient intervals", ko="회귀계수 신뢰구간 겹침"),
        question=Words(
            en="Would an analyst read the same effects out of the synthetic data as out of the real data?",
            ko="분석가가 합성데이터에서 원본과 같은 효과를 읽어 냅니까?",
        ),
        unit="overlap (0 to 1)",
        low=0.0,
        high=1.0,
        better="higher",
        ideal=Words(
            en="What a fresh real sample reaches (shown beside it), about 0.71; 1 only for the same data.",
            ko="다른 원본 표본의 값(함께 표시)인 약 0.71. 동일한 자료일 때만 1입니다.",
        ),
        source="Karr et al. 2006 doi:10.1198/000313006X124640 (J); PIPC guide (2024.12) app. 4",
        needs=frozenset({"target"}),
    )

    def applies(self, schema: Schema, purpose: Purpose, /) -> str | None:
        """Return ``None``, or that no target is stated."""
        return None if purpose.targets or schema.with_role("target") else NO_TARGET.en

    def measure(self, case: Case[Any], /, *, seed: int, run: Run | None = None) -> Sequence[Evidence]:
        """Return the mean over all coefficients first, then one piece of evidence per target (and class)."""
        job = quiet(run)
        job.tick(self.card.id, 0, 1)
        targets = targets_of(case)
        cc = coded_case(case)
        # a holdout much smaller than the others would cost all three their size: then theory is the reference
        held = cc.holdout
        if held is not None and held.n < max(LEAST, min(cc.train.n, cc.synthetic.n) // 3):
            held = None
        refused: list[Evidence] = []
        jobs: list[_Job] = []
        for name in targets:
            made = _jobs(cc, held, name, seed)
            if isinstance(made, Words):
                refused.append(insufficient(self.card, made, subject=name, seed=seed))
            else:
                jobs += made
        found = [f for f in job.map(_compare, jobs, self.card.id) if f is not None]
        if not found:
            why = refused[0].caveat if refused and refused[0].caveat else _TOO_WIDE if targets else NO_TARGET
            return [insufficient(self.card, why, seed=seed), *refused]
        return [
            self._all(found, None if held else _THEORY if cc.holdout else NO_HOLDOUT, seed),
            *(self._one(f, seed) for f in found),
            *refused,
        ]

    def _one(self, f: _Found, seed: int) -> Evidence:
        return Evidence(
            metric=self.card.id,
            version=self.card.version,
            subject=f.subject,
            estimate=f.synthetic.value,
            interval=_around(f.synthetic.value, f.synthetic.draws),
            reference=THEORY if f.fresh is None else f.fresh.value,
            reference_interval=None if f.fresh is None else _around(f.fresh.value, f.fresh.draws),
            n=f.n,
            seed=seed,
            detail=f.detail,
        )

    def _all(self, found: Sequence[_Found], remark: Words | None, seed: int) -> Evidence:
        """Return the mean over coefficients: a target with many of them counts for more."""
        weights = np.array([f.k for f in found], dtype=np.float64)

        def pooled(sides: Sequence[_Overlap]) -> tuple[float, FloatArray]:
            value = float(np.average([s.value for s in sides], weights=weights))
            return value, np.asarray(np.average([s.draws for s in sides], axis=0, weights=weights), dtype=np.float64)

        value, draws = pooled([f.synthetic for f in found])
        fresh = [f.fresh for f in found if f.fresh is not None]
        reference, around = THEORY, None
        if len(fresh) == len(found):
            reference, drawn = pooled(fresh)
            around = _around(reference, drawn)
        return Evidence(
            metric=self.card.id,
            version=self.card.version,
            estimate=value,
            interval=_around(value, draws),
            reference=reference,
            reference_interval=around,
            n=min(f.n for f in found),
            seed=seed,
            detail={
                "models": {f.subject: f.synthetic.value for f in found},
                "coefficients": int(weights.sum()),
                "share_without_overlap": float(
                    np.average([f.detail["share_without_overlap"] for f in found], weights=weights)
                ),
                "theory": THEORY,
            },
            caveat=joined(_READ, remark),
        )


@dataclass(frozen=True, slots=True)
class _Job:
    subject: str
    classify: bool
    fields: tuple[Field, ...]
    target: str
    sides: tuple[Side, ...]  # train, synthetic and, where there is a holdout, holdout
    n: int
    seed: int


@dataclass(frozen=True, slots=True)
class _Overlap:
    """Mean overlap and its values over resampled blocks of units."""

    value: float
    draws: FloatArray


@dataclass(frozen=True, slots=True)
class _Found:
    subject: str
    k: int
    n: int
    synthetic: _Overlap
    fresh: _Overlap | None
    detail: dict[str, Any]


def _jobs(cc: CodedCase, held: Part | None, name: str, seed: int) -> list[_Job] | Words:
    """Return one regression per class that is asked for (of two classes: the rarer), or why there is none."""
    if name not in {f.name for f in cc.fields} or len(cc.fields) < 2:
        return NOT_A_TARGET
    parts = [cc.train, cc.synthetic, *([] if held is None else [held])]
    n = min(ROWS, *(p.n for p in parts))
    if n < LEAST:
        return _TOO_WIDE
    labels, values = outcomes(cc, held or cc.train, cc.field(name))
    sides = [_drawn(p, y, n, seed, f"coefficients/{k}") for k, (p, y) in enumerate(zip(parts, values, strict=False))]
    if not labels:
        centre, spread = float(sides[0].y.mean()), float(sides[0].y.std()) or 1.0
        scaled = tuple(replace(s, y=(s.y - centre) / spread) for s in sides)
        return [_Job(name, False, cc.fields, name, scaled, n, seed)]
    out = []
    for c in range(0 if len(labels) > 2 else 1, min(len(labels), MOST_CLASSES)):
        label = labels[c]
        subject = name if len(labels) == 2 else f"{name}={'…' if label is None else label}"
        marked = tuple(replace(s, y=(s.y == c).astype(np.float64)) for s in sides)
        if min(min(float(s.y.sum()), float(len(s.y) - s.y.sum())) for s in marked[::2]) >= LEAST_ROWS:
            out.append(_Job(subject, True, cc.fields, name, marked, n, seed))
    return out or _TOO_WIDE


def _drawn(part: Part, y: FloatArray, n: int, seed: int, purpose: str) -> Side:
    """Return the rows with a known outcome of n units, drawn at random."""
    chosen = np.zeros(part.n, dtype=bool)
    chosen[permutation(seed, purpose, part.n)[:n]] = True
    rows = np.flatnonzero(chosen[part.unit_of_row] & ~np.isnan(y))
    units = None
    if part.units is not None:
        units = np.unique(part.units[rows], return_inverse=True)[1].astype(np.intp)
    return Side(part.coded.rows(rows), y[rows], units)


@one_blas_thread()
def _compare(job: _Job) -> _Found | None:
    design = Design.learn([job.sides[0].coded], leave_out=(job.target,))
    tables = [design.apply(s.coded) for s in job.sides]
    kept = kept_columns(tables[0], job.sides[0].y, job.classify)
    if len(kept) < 2 or min(len(t) for t in tables) < ROWS_A_COLUMN * len(kept):
        return None
    fits = [
        fit(t, s, kept, job.classify, derive(job.seed, f"coefficients/{job.subject}/{k}"))
        for k, (t, s) in enumerate(zip(tables, job.sides, strict=True))
    ]
    there = [t.back(np.ones(len(t)))[kept[1:]] != 0 for t in tables]
    pairs = [_overlap(fits[0], f, there[k]) for k, f in enumerate(fits) if k]
    single = overlaps(fits[0].beta, fits[0].se, fits[1].beta, fits[1].se) * there[1]
    names = column_names(design, job.sides[0].coded, job.fields)
    order = np.argsort(-np.abs(fits[0].beta / fits[0].se), kind="stable")[:SHOWN_COEFFICIENTS]
    real, other = (np.sign(f.beta) * (np.abs(f.beta) > _Z * f.se) for f in fits[:2])
    detail: dict[str, Any] = {
        "target": job.target,
        "model": "logistic" if job.classify else "linear",
        "units_a_side": job.n,
        "count": len(single),
        "share_without_overlap": float((single == 0).mean()),
        "share_same_finding": float((real == other).mean()),
        "coefficients": [
            {
                "name": names[kept[1 + i]],
                "real": float(fits[0].beta[i]),
                "real_se": float(fits[0].se[i]),
                "synthetic": float(fits[1].beta[i]) if there[1][i] else None,
                "synthetic_se": float(fits[1].se[i]) if there[1][i] else None,
                "overlap": float(single[i]),
            }
            for i in order
        ],
    }
    return _Found(job.subject, len(single), job.n, pairs[0], pairs[1] if len(pairs) > 1 else None, detail)


def _overlap(a: Fit, b: Fit, there: npt.NDArray[np.bool_]) -> _Overlap:
    """Return the mean overlap of two fits; a level that the other table lacks counts as 0."""
    value = float((overlaps(a.beta, a.se, b.beta, b.se) * there).mean())
    return _Overlap(value, np.asarray((overlaps(a.draws, a.se, b.draws, b.se) * there).mean(axis=1)))


def _around(value: float, draws: FloatArray) -> tuple[float, float]:
    """Return an interval of the overlap to expect at this sample size.

    Resampling once more moves the draws away from the value (their mean overlap is lower), so only their spread is used.
    """
    half = _Z * float(draws.std(ddof=1))
    return max(0.0, value - half), min(1.0, value + half)


__all__ = ["THEORY", "Coefficients"]
