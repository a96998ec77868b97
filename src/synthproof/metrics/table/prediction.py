"""Does a model learned from synthetic data predict real records as well as one learned from real data?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from scipy import stats as _st

from synthproof.core.contracts import Case
from synthproof.core.evidence import Card, Evidence
from synthproof.core.random import derive
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Purpose, Schema
from synthproof.core.words import Words
from synthproof.metrics.table.answers import (
    HOLDOUT_UNITS,
    NEEDS_HOLDOUT,
    REAL_UNITS,
    SYNTHETIC_UNITS,
    insufficient,
    not_applicable,
    too_few,
)
from synthproof.metrics.table.coded_case import CodedCase, coded_case
from synthproof.metrics.table.histograms import SHOWN
from synthproof.metrics.table.intervals import auc_influence, influence_se
from synthproof.metrics.table.predictors import (
    MODELS,
    PIECES,
    ModelName,
    Score,
    Task,
    answers,
    class_scores,
    make_task,
    number_scores,
)

FloatArray = npt.NDArray[np.float64]

LEAST = 50
LEAST_OF_A_CLASS = 5
MAIN = ("AUROC", "R2")
_ERRORS = ("relative_MAE",)

_NO_TARGET = Words(
    en="No target column is stated (purpose.targets, or the role 'target').",
    ko="예측 대상(목표) 열이 지정되지 않았습니다(purpose.targets 또는 target 역할).",
)
_NOT_A_TARGET = Words(
    en="This column cannot be predicted: it is an identifier or free text, or one of the tables lacks it.",
    ko="식별자·자유 텍스트이거나 일부 자료에 없는 열이라 예측 대상으로 쓸 수 없습니다.",
)
_ONE_CLASS = Words(
    en="Fewer than two classes have 5 real records each in train and holdout.",
    ko="학습 원본과 홀드아웃 모두에서 5건 이상인 범주가 2개 미만입니다.",
)
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
        return None if purpose.targets or schema.with_role("target") else _NO_TARGET.en

    def measure(self, case: Case[Any], /, *, seed: int, run: Run | None = None) -> Sequence[Evidence]:
        """Return the worst gap first, then one piece of evidence per target, model and score."""
        targets = case.purpose.targets or case.train.schema.with_role("target")
        if not targets:
            return [not_applicable(self.card, _NO_TARGET, seed=seed)]
        if case.holdout is None:
            return [insufficient(self.card, NEEDS_HOLDOUT, seed=seed)]
        cc = coded_case(case)
        assert cc.holdout is not None
        for part, what in ((cc.holdout, HOLDOUT_UNITS), (cc.train, REAL_UNITS), (cc.synthetic, SYNTHETIC_UNITS)):
            if part.n < LEAST:
                return [too_few(self.card, part.n, LEAST, what, seed=seed)]
        tasks, refused = self._tasks(cc, targets, seed)
        pieces: tuple[int | None, ...] = (None, *range(PIECES))
        jobs = [(t, m, s, k) for t in tasks for m in MODELS for s in _SOURCES for k in pieces]

        def work(job: tuple[Task, ModelName, _Source, int | None]) -> _Answered:
            task, model, source, piece = job
            answer = answers(task, model, source, piece, seed=derive(seed, f"{self.card.id}/{task.name}"))
            return _Answered(_scores(task, answer), _class_values(task, answer) if piece is None else [])

        done = quiet(run).map(work, jobs, self.card.id)
        found = {(t.name, m, s, k): a for (t, m, s, k), a in zip(jobs, done, strict=True)}
        out: list[Evidence] = []
        for task in tasks:
            for model in MODELS:
                real, synthetic = ([found[task.name, model, source, k] for k in pieces] for source in _SOURCES)
                out += self._compare(task, model, real, synthetic, seed)
        return [self._worst(out, refused, seed), *out, *refused]

    def _tasks(self, cc: CodedCase, targets: Sequence[str], seed: int) -> tuple[list[Task], list[Evidence]]:
        assert cc.holdout is not None
        tasks: list[Task] = []
        refused: list[Evidence] = []
        for name in targets:
            if name not in {f.name for f in cc.fields} or len(cc.fields) < 2:
                refused.append(insufficient(self.card, _NOT_A_TARGET, subject=name, seed=seed))
                continue
            task = make_task(cc, cc.holdout, cc.field(name), seed=seed)
            held = len(task.holdout[1])
            if held < LEAST or len(task.train[1]) < LEAST:
                refused.append(too_few(self.card, held, LEAST, HOLDOUT_UNITS, subject=name, seed=seed))
            elif task.classify and int((_class_counts(task) >= LEAST_OF_A_CLASS).all(axis=0).sum()) < 2:
                refused.append(insufficient(self.card, _ONE_CLASS, subject=name, n=held, seed=seed))
            else:
                tasks.append(task)
        return tasks, refused

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
            gap = sign * (real[name].value - synthetic[name].value)
            se_holdout = influence_se(real[name].influence - synthetic[name].influence, task.units)
            se_training = float(np.hypot(_piece_se(by_real, name), _piece_se(by_synthetic, name)))
            se = float(np.hypot(se_holdout, se_training))
            degrees = _degrees(se, se_training)
            half = float(_st.t.ppf(0.975, degrees)) * se
            detail: dict[str, Any] = {
                "target": task.name,
                "model": model,
                "score": name,
                "trtr": real[name].value,
                "tstr": synthetic[name].value,
                "guessing": guess[name],
                "trtr_interval": _around(real[name], task),
                "tstr_interval": _around(synthetic[name], task),
                "se": se,
                "se_holdout": se_holdout,
                "se_training": se_training,
                "degrees_of_freedom": degrees,
            }
            if name == "AUROC":
                detail["classes"] = _per_class(task, by_real[0], by_synthetic[0])
            out.append(
                Evidence(
                    metric=self.card.id,
                    version=self.card.version,
                    subject=f"{task.name}/{model}/{name}",
                    estimate=gap,
                    interval=(max(-2.0, gap - half), min(2.0, gap + half)),
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
            why = refused[0].caveat if refused and refused[0].caveat else _NOT_A_TARGET
            return insufficient(self.card, why, seed=seed)
        gaps = [float(e.detail["trtr"]) - float(e.detail["tstr"]) for e in main]
        # Bonferroni: with every single interval at 1 - 0.05/K, the largest gap lies between the largest ends.
        tail = 1 - 0.025 / len(main)
        halves = [float(_st.t.ppf(tail, float(e.detail["degrees_of_freedom"]))) * float(e.detail["se"]) for e in main]
        low = max(g - h for g, h in zip(gaps, halves, strict=True))
        high = max(g + h for g, h in zip(gaps, halves, strict=True))
        worst = main[int(np.argmax(gaps))]
        return Evidence(
            metric=self.card.id,
            version=self.card.version,
            estimate=max(gaps),
            interval=(max(-2.0, min(low, max(gaps))), min(2.0, high)),
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


_Source = Literal["train", "synthetic"]
_SOURCES: tuple[_Source, ...] = ("train", "synthetic")
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


def _piece_se(answered: Sequence[_Answered], name: str) -> float:
    """Return the standard error that the choice of training rows adds.

    The variance between models of K disjoint pieces, divided by K: at least that of a model of all rows, since a
    score's variance falls with the number of rows as fast as 1/n or faster.
    """
    values = np.array([a.scores[name].value for a in answered[1:]])
    return float(values.std(ddof=1) / np.sqrt(len(values)))


def _degrees(se: float, se_training: float) -> float:
    """Return Satterthwaite's degrees of freedom: the holdout's part is exact, the pieces' has 2 (K - 1)."""
    return 1e6 if se_training <= 0 else min(1e6, 2 * (PIECES - 1) * (se / se_training) ** 4)


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


def _class_counts(task: Task) -> npt.NDArray[np.intp]:
    k = len(task.labels)
    return np.stack([np.bincount(y.astype(np.intp), minlength=k) for _, y in (task.train, task.holdout)])


def _per_class(task: Task, real: _Answered, synthetic: _Answered) -> list[dict[str, Any]]:
    """Return AUROC and recall of each class that has enough real rows to be shown, the commonest first."""
    counts = _class_counts(task)
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
