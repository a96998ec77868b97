"""Does a model learned from synthetic data predict real records as well as one learned from real data?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from scipy import stats as _st

from synthproof.core.contracts import Case
from synthproof.core.evidence import Card, Evidence
from synthproof.core.random import derive
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Purpose, Schema
from synthproof.core.words import Words
from synthproof.metrics.table.answers import insufficient
from synthproof.metrics.table.coded_case import coded_case
from synthproof.metrics.table.gaps import Gap, gap_of, worst_of
from synthproof.metrics.table.histograms import SHOWN
from synthproof.metrics.table.intervals import auc_influence, influence_se
from synthproof.metrics.table.learned import (
    NO_TARGET,
    NOT_A_TARGET,
    SOURCES,
    Source,
    class_counts,
    targets_of,
    tasks_of,
    unready,
)
from synthproof.metrics.table.predictors import (
    MODELS,
    PIECES,
    ModelName,
    Score,
    Task,
    answers,
    class_scores,
    number_scores,
)

FloatArray = npt.NDArray[np.float64]

MAIN = ("AUROC", "R2")
_ERRORS = ("relative_MAE",)

_READ = Words(
    en="How much a model learned from real data is better than one learned from synthetic data, both on unseen real "
    "records; negative means the synthetic one is better. The interval covers the holdout (paired, infinitesimal "
    "jackknife) and the training rows (models learned from five disjoint pieces of each table); it does not cover "
    "fitting the generator anew.",
    ko="미학습 원본에 대한 예측에서 원본으로 학습한 모형이 합성데이터로 학습한 모형보다 얼마나 나은지를 나타냅니다(음수이면 합성이 우수). "
    "구간은 홀드아웃의 변동(대응 표본, 무한소 잭나이프)과 학습 행의 변동(각 자료를 5조각으로 나누어 학습)을 포함하며, "
    "생성 모형을 다시 학습할 때의 변동은 포함하지 않습니다.",
)
_WORST = Words(
    en="The largest gap in AUROC or R² over all targets and models; the interval holds for all of them at once.",
    ko="모든 목표 열과 모형에 대한 AUROC 또는 R² 격차 중 가장 큰 값이며, 구간은 이들 모두에 대해 동시에 성립합니다.",
)


class Prediction:
    """Gap between training on real and training on synthetic data, tested on unseen real data."""

    card: ClassVar[Card] = Card(
        id="table.prediction",
        version=1,
        family="utility",
        name=Words(en="Prediction gap (TRTR - TSTR)", ko="모형 성능 유사성(TRTR-TSTR 격차)"),
        question=Words(
            en="Does a model learned from the synthetic data predict real records as well as one learned from real data?",
            ko="합성데이터로 학습한 모형이 원본으로 학습한 모형만큼 실제 레코드를 잘 예측합니까?",
        ),
        unit="difference of scores",
        low=-2.0,
        high=2.0,
        better="lower",
        ideal=Words(
            en="0: no gap. The scores themselves, and those of guessing, stand beside it.",
            ko="0(격차 없음). 각 점수와 무작위 추측의 점수를 함께 표시합니다.",
        ),
        source="Esteban et al. 2017 (TSTR) arXiv:1706.02633; PIPC guide (2024.12) app. 4, model performance",
        needs=frozenset({"holdout", "target"}),
    )

    def applies(self, schema: Schema, purpose: Purpose, /) -> str | None:
        """Return ``None``, or that no target is stated."""
        return None if purpose.targets or schema.with_role("target") else NO_TARGET.en

    def measure(self, case: Case[Any], /, *, seed: int, run: Run | None = None) -> Sequence[Evidence]:
        """Return the worst gap first, then one piece of evidence per target, model and score."""
        if (why_not := unready(self.card, case, seed)) is not None:
            return [why_not]
        tasks, refused = tasks_of(self.card, coded_case(case), targets_of(case), seed)
        pieces: tuple[int | None, ...] = (None, *range(PIECES))
        jobs = [(t, m, s, k) for t in tasks for m in MODELS for s in SOURCES for k in pieces]

        def work(job: tuple[Task, ModelName, Source, int | None]) -> _Answered:
            task, model, source, piece = job
            answer = answers(task, model, source, piece, seed=derive(seed, f"{self.card.id}/{task.name}"))
            return _Answered(_scores(task, answer), _class_values(task, answer) if piece is None else [])

        done = quiet(run).map(work, jobs, self.card.id)
        found = {(t.name, m, s, k): a for (t, m, s, k), a in zip(jobs, done, strict=True)}
        out: list[Evidence] = []
        for task in tasks:
            for model in MODELS:
                real, synthetic = ([found[task.name, model, source, k] for k in pieces] for source in SOURCES)
                out += self._compare(task, model, real, synthetic, seed)
        return [self._worst(out, refused, seed), *out, *refused]

    def _compare(
        self,
        task: Task,
        model: ModelName,
        by_real: Sequence[_Answered],
        by_synthetic: Sequence[_Answered],
        seed: int,
    ) -> list[Evidence]:
        """Return one piece of evidence a score; the first of each sequence is of all rows, the others of pieces."""
        real, synthetic = by_real[0].scores, by_synthetic[0].scores
        guess = _guessing(task)
        n = len(task.holdout[1]) if task.units is None else int(task.units.max()) + 1
        out = []
        for name in real:
            sign = -1.0 if name in _ERRORS else 1.0
            gap = gap_of(
                sign * (real[name].value - synthetic[name].value),
                influence_se(real[name].influence - synthetic[name].influence, task.units),
                *([a.scores[name].value for a in answered[1:]] for answered in (by_real, by_synthetic)),
            )
            detail: dict[str, Any] = {
                "target": task.name,
                "model": model,
                "score": name,
                "trtr": real[name].value,
                "tstr": synthetic[name].value,
                "guessing": guess[name],
                "trtr_interval": _around(real[name], task),
                "tstr_interval": _around(synthetic[name], task),
                "se": gap.se,
                "se_holdout": gap.se_holdout,
                "se_training": gap.se_training,
                "degrees_of_freedom": gap.degrees,
            }
            if name == "AUROC":
                detail["classes"] = _per_class(task, by_real[0], by_synthetic[0])
            out.append(
                Evidence(
                    metric=self.card.id,
                    version=self.card.version,
                    subject=f"{task.name}/{model}/{name}",
                    estimate=gap.value,
                    interval=(max(-2.0, gap.value - gap.half()), min(2.0, gap.value + gap.half())),
                    reference=0.0,
                    n=n,
                    seed=seed,
                    detail=detail,
                )
            )
        return out

    def _worst(self, out: Sequence[Evidence], refused: Sequence[Evidence], seed: int) -> Evidence:
        main = [e for e in out if e.detail["score"] in MAIN]
        if not main:
            why = refused[0].caveat if refused and refused[0].caveat else NOT_A_TARGET
            return insufficient(self.card, why, seed=seed)
        gaps = [Gap(float(e.estimate or 0.0), e.detail["se_holdout"], e.detail["se_training"], PIECES) for e in main]
        which, interval = worst_of(gaps, low=-2.0, high=2.0)
        worst = main[which]
        return Evidence(
            metric=self.card.id,
            version=self.card.version,
            estimate=worst.estimate,
            interval=interval,
            reference=0.0,
            n=worst.n,
            seed=seed,
            detail={
                "worst": worst.subject,
                "scores": {e.subject: {k: e.detail[k] for k in ("trtr", "tstr", "guessing")} for e in out},
                "not_assessed": [e.subject for e in refused],
            },
            caveat=Words(en=f"{_WORST.en} {_READ.en}", ko=f"{_WORST.ko} {_READ.ko}"),
        )


_Z = float(_st.norm.ppf(0.975))


@dataclass(frozen=True, slots=True)
class _Answered:
    """Scores of one model's answers, and (AUROC, recall) of each class for models of all rows."""

    scores: dict[str, Score]
    classes: list[tuple[float, float]]


def _scores(task: Task, answer: FloatArray) -> dict[str, Score]:
    truth = task.holdout[1]
    if not task.classify:
        return number_scores(answer, truth, float(np.median(task.train[1])))
    return class_scores(answer, truth.astype(np.intp))


def _class_values(task: Task, answer: FloatArray) -> list[tuple[float, float]]:
    if not task.classify:
        return []
    truth = task.holdout[1].astype(np.intp)
    guess = answer.argmax(axis=1)
    out = []
    for c in range(len(task.labels)):
        is_c = truth == c
        recall = float((guess[is_c] == c).mean()) if is_c.any() else 0.0
        out.append((auc_influence(answer[:, c], is_c)[0], recall))
    return out


def _guessing(task: Task) -> dict[str, float]:
    """Return the scores of someone who knows train's shares or mean and nothing else."""
    truth = task.holdout[1]
    if task.classify:
        commonest = float(np.bincount(task.train[1].astype(np.intp)).argmax())
        classes = len(np.unique(truth))
        return {"AUROC": 0.5, "accuracy": float((truth == commonest).mean()), "balanced_accuracy": 1 / max(1, classes)}
    return {"R2": 0.0, "relative_MAE": 1.0}


def _around(score: Score, task: Task) -> tuple[float, float]:
    half = _Z * influence_se(score.influence, task.units)
    return score.value - half, score.value + half


def _per_class(task: Task, real: _Answered, synthetic: _Answered) -> list[dict[str, Any]]:
    """Return AUROC and recall of each class that has enough real rows to be shown, the commonest first."""
    counts = class_counts(task)
    out: list[dict[str, Any]] = []
    for c, label in enumerate(task.labels):
        if counts[:, c].min() < SHOWN:
            continue
        out.append(
            {
                "label": label,
                "train": int(counts[0, c]),
                "holdout": int(counts[1, c]),
                "auroc_trtr": real.classes[c][0],
                "auroc_tstr": synthetic.classes[c][0],
                "recall_trtr": real.classes[c][1],
                "recall_tstr": synthetic.classes[c][1],
            }
        )
    return out
