"""Does a survival model learned from synthetic data rank real persons as well as one learned from real data?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from scipy import stats as _st

from synthproof.core.contracts import Case
from synthproof.core.evidence import Card, Evidence
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Purpose, Schema
from synthproof.core.words import Words
from synthproof.data.table.survival import SurvivalTarget
from synthproof.engines.codes import Coded
from synthproof.engines.learners.crossfit import fold_of_rows
from synthproof.engines.learners.linear import Columns, Design
from synthproof.engines.survival import Concordance as Ranked
from synthproof.engines.survival import concordance, fit_cox
from synthproof.engines.threads import one_blas_thread
from synthproof.metrics.table.answers import (
    HOLDOUT_UNITS,
    NEEDS_HOLDOUT,
    REAL_UNITS,
    SYNTHETIC_UNITS,
    insufficient,
    joined,
    not_applicable,
    too_few,
)
from synthproof.metrics.table.coded_case import CodedCase, Part, coded_case
from synthproof.metrics.table.intervals import influence_se
from synthproof.metrics.table.predictors import PIECES
from synthproof.metrics.table.survival_case import (
    FEW_EVENTS,
    LEAST_EVENTS,
    NO_SURVIVAL,
    PROPOSED,
    observed,
    shared_targets,
    targets_of,
)

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

LEAST = 50
_RIDGE = 1.0
_CHANCE = 0.05
_FAR = 30.0  # log hazard ratios past this are ranked alike

_READ = Words(
    en="Harrell's C on unseen real records of a Cox model learned from real data, less that of one learned from synthetic "
    "data; negative means the synthetic one is better. The interval covers the holdout (paired) and the training rows "
    "(models of five disjoint pieces of each table); it does not cover fitting the generator anew. All columns but the "
    "survival targets are features.",
    ko="미학습 원본에서 원본으로 학습한 콕스 모형의 해럴 C에서 합성데이터로 학습한 모형의 C를 뺀 값입니다(음수이면 합성이 우수). "
    "구간은 홀드아웃의 "
    "변동(대응 표본)과 학습 행의 변동(각 자료를 5조각으로 나누어 학습)을 포함하며, 생성 모형을 다시 학습할 때의 변동은 포함하지 않습니다. "
    "생존 분석 대상 외의 모든 열을 설명 변수로 사용합니다.",
)
_NO_FEATURES = Words(
    en="There is no column to rank persons by beside the survival targets.",
    ko="생존 분석 대상 외에 순위를 매길 열이 없습니다.",
)


class Concordance:
    """Gap in Harrell's C between a Cox model of real and one of synthetic data, on unseen real records."""

    card: ClassVar[Card] = Card(
        id="table.concordance",
        version=1,
        family="utility",
        name=Words(en="Survival prediction gap (C-index)", ko="생존 예측 성능 유사성(C-지수 격차)"),
        question=Words(
            en="Does a survival model learned from synthetic data rank real persons as well as one learned from real data?",
            ko="합성데이터로 학습한 생존 모형이 원본으로 학습한 모형만큼 실제 사람의 위험 순위를 예측합니까?",
        ),
        unit="difference of scores",
        low=-1.0,
        high=1.0,
        better="lower",
        ideal=Words(
            en="0: no gap. Both indices stand beside it; 0.5 is guessing.",
            ko="0(격차 없음). 두 지수를 함께 표시하며 0.5는 무작위 추측입니다.",
        ),
        source="Harrell et al. 1982 doi:10.1001/jama.1982.03320430047030; Cox 1972 doi:10.1111/j.2517-6161.1972.tb00899.x",
        needs=frozenset({"holdout"}),
    )

    def applies(self, schema: Schema, purpose: Purpose, /) -> str | None:
        """Return ``None``, or that no survival target is stated."""
        return None if targets_of(schema, purpose) else NO_SURVIVAL.en

    def measure(self, case: Case[Any], /, *, seed: int, run: Run | None = None) -> Sequence[Evidence]:
        """Return the largest gap first, then one piece of evidence a target."""
        if not targets_of(case.train.schema, case.purpose):
            return [not_applicable(self.card, NO_SURVIVAL, seed=seed)]
        if case.holdout is None:
            return [insufficient(self.card, NEEDS_HOLDOUT, seed=seed)]
        cc = coded_case(case)
        assert cc.holdout is not None
        for part, what in ((cc.holdout, HOLDOUT_UNITS), (cc.train, REAL_UNITS), (cc.synthetic, SYNTHETIC_UNITS)):
            if part.n < LEAST:
                return [too_few(self.card, part.n, LEAST, what, seed=seed)]
        targets = shared_targets(cc, case.train.schema, case.purpose)
        leave_out = tuple(name for t in targets_of(case.train.schema, case.purpose) for name in (t.time, t.event))
        found = [self._target(cc, cc.holdout, t, leave_out, seed, quiet(run)) for t in targets]
        measured = [e for e in found if e.outcome == "measured"]
        if not measured:
            why = found[0].caveat if found and found[0].caveat else NO_SURVIVAL
            return [insufficient(self.card, why, seed=seed), *found]
        return [self._worst(measured, any(t.proposed for t in targets), seed), *found]

    def _target(
        self, cc: CodedCase, holdout: Part, target: SurvivalTarget, leave_out: Sequence[str], seed: int, run: Run
    ) -> Evidence:
        if not {f.name for f in cc.fields} - set(leave_out):
            return insufficient(self.card, _NO_FEATURES, subject=target.name, seed=seed)
        test = observed(cc, holdout, target)
        sources = {name: observed(cc, getattr(cc, name), target) for name in _SOURCES}
        if min(int(test.event.sum()), int(sources["train"].event.sum())) < LEAST_EVENTS:
            return insufficient(self.card, FEW_EVENTS, subject=target.name, n=len(test.time), seed=seed)
        held = holdout.coded.rows(test.rows)

        def work(job: tuple[_Source, int | None]) -> Ranked:
            source, piece = job
            part, seen = getattr(cc, source), sources[source]
            keep = slice(None)
            if piece is not None:
                fold = fold_of_rows(part.unit_of_row, PIECES, seed=seed, purpose=f"concordance/{target.name}/{source}")
                keep = fold[seen.rows] == piece
            risk = _risk(part.coded.rows(seen.rows[keep]), seen.time[keep], seen.event[keep], held, leave_out)
            return concordance(test.time, test.event, risk)

        jobs: list[tuple[_Source, int | None]] = [(s, k) for s in _SOURCES for k in (None, *range(PIECES))]
        ranked = dict(zip(jobs, run.map(work, jobs, self.card.id), strict=True))
        real, synthetic = ranked["train", None], ranked["synthetic", None]
        units = None if holdout.units is None else np.unique(holdout.units[test.rows], return_inverse=True)[1]
        se_holdout = influence_se(real.influence - synthetic.influence, units)
        pieces = {s: np.array([ranked[s, k].value for k in range(PIECES)]) for s in _SOURCES}
        se_training = float(np.hypot(*(v.std(ddof=1) / np.sqrt(PIECES) for v in pieces.values())))
        se = float(np.hypot(se_holdout, se_training))
        # Satterthwaite: the holdout's part is exact, the pieces' has 2 (K - 1) degrees of freedom.
        degrees = 1e6 if se_training <= 0 else min(1e6, 2 * (PIECES - 1) * (se / se_training) ** 4)
        gap, half = real.value - synthetic.value, float(_st.t.ppf(0.975, degrees)) * se
        return Evidence(
            metric=self.card.id,
            version=self.card.version,
            subject=target.name,
            estimate=gap,
            interval=(max(-1.0, gap - half), min(1.0, gap + half)),
            reference=0.0,
            n=len(test.time) if units is None else int(units.max()) + 1,
            seed=seed,
            detail={
                "trtr": real.value,
                "tstr": synthetic.value,
                "guessing": 0.5,
                "se": se,
                "degrees_of_freedom": degrees,
                "se_holdout": se_holdout,
                "se_training": se_training,
                "events": int(test.event.sum()),
            },
        )

    def _worst(self, found: Sequence[Evidence], proposed: bool, seed: int) -> Evidence:
        # Bonferroni: with every single interval at 1 - 0.05/K, the largest gap lies between the largest ends.
        tail = 1 - 0.025 / len(found)
        gaps = [float(e.estimate or 0.0) for e in found]
        halves = [float(_st.t.ppf(tail, e.detail["degrees_of_freedom"])) * float(e.detail["se"]) for e in found]
        worst = found[int(np.argmax(gaps))]
        low = max(g - h for g, h in zip(gaps, halves, strict=True))
        high = max(g + h for g, h in zip(gaps, halves, strict=True))
        return Evidence(
            metric=self.card.id,
            version=self.card.version,
            estimate=max(gaps),
            interval=(max(-1.0, min(low, max(gaps))), min(1.0, high)),
            reference=0.0,
            n=worst.n,
            seed=seed,
            detail={"scores": {e.subject: {k: e.detail[k] for k in ("trtr", "tstr", "guessing")} for e in found}},
            caveat=joined(_READ, PROPOSED if proposed else None),
        )


_Source = Literal["train", "synthetic"]
_SOURCES: tuple[_Source, ...] = ("train", "synthetic")


def _matrix(columns: Columns) -> FloatArray:
    """Return main effects as one plain matrix without the constant, levels as 0 and 1."""
    levels = [np.eye(size)[codes] for codes, size in zip(columns.levels, columns.sizes, strict=True)]
    return np.hstack([columns.dense[:, 1:], *levels])


@one_blas_thread()
def _risk(
    rows: Coded, time: FloatArray, event: npt.NDArray[np.bool_], test: Coded, leave_out: Sequence[str]
) -> FloatArray:
    """Return the log hazard ratios of the test rows under a Cox model of the rows.

    A model that explains its own rows no better than chance does (likelihood ratio, 5 %) ranks nobody: Harrell's C sees
    the direction of the coefficients alone, however small they are, and that of a model of noise is a toss.
    """
    if not len(time) or not event.any():
        return np.zeros(len(test))
    design = Design.learn([rows], leave_out=leave_out)
    model = fit_cox(_matrix(design.apply(rows)), time, event, ridge=_RIDGE)
    if model.p_value > _CHANCE:
        return np.zeros(len(test))
    risk = _matrix(design.apply(test)) @ model.beta
    return np.asarray(np.round(np.clip(risk, -_FAR, _FAR), 9), dtype=np.float64)
