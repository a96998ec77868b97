"""Is the synthetic data as useful for every class and every subgroup as it is on the whole?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from synthproof.core.contracts import Case
from synthproof.core.evidence import Card, Evidence
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Purpose, Schema
from synthproof.core.words import Words
from synthproof.metrics.table.answers import insufficient
from synthproof.metrics.table.gaps import Gap, gap_of, worst_of
from synthproof.metrics.table.groupings import LEAST, Grouping, groupings, protected_columns
from synthproof.metrics.table.intervals import auc_influence, influence_se
from synthproof.metrics.table.learned import (
    LEAST_OF_A_CLASS,
    NO_TARGET,
    SOURCES,
    Learned,
    learned,
    unready,
)
from synthproof.metrics.table.predictors import PIECES, Score, class_scores, number_scores

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]

_LOW, _HIGH = -2.0, 2.0

_NO_GROUP = Words(
    en="No class or subgroup has 30 real units in train and in the holdout.",
    ko="학습 원본과 홀드아웃 모두에서 30건 이상인 범주나 하위집단이 없습니다.",
)
_READ = Words(
    en="For each class of the target (recall, and AUROC against the rest) and each subgroup by quasi-identifiers and "
    "sensitive items (AUROC; for numbers the error relative to guessing): how much boosted trees learned from real data "
    "are better than those learned from synthetic data, both on unseen real records. The number is the largest gap and "
    "its interval holds for all of them at once (Bonferroni); it covers holdout units and training rows.",
    ko="목표 변수의 범주별(재현율, 나머지 대비 AUROC), 준식별자·민감 항목의 하위집단별(AUROC, 수치는 추측 대비 오차)로, 미학습 원본에 대한 "
    "예측에서 원본으로 학습한 부스팅 모형이 합성데이터로 학습한 모형보다 얼마나 나은지를 나타냅니다. 값은 그중 가장 큰 격차이며, "
    "구간은 모든 격차에 대해 동시에 성립하고(본페로니) 홀드아웃과 학습 행의 변동을 포함합니다.",
)


class Subgroups:
    """Gap between training on real and on synthetic data, by class and by subgroup; the worst first.

    Notes
    -----
    Subgroups: levels, or up to four bands with round edges, of the quasi-identifiers and sensitive items, with at least
    30 real units each (8 columns of 8 groups at most). Intervals as for `table.prediction`. About 3 s for 24,000
    rows × 15, of which the models are 2 s that `table.fairness` shares.
    """

    card: ClassVar[Card] = Card(
        id="table.subgroups",
        version=1,
        family="utility",
        name=Words(en="Prediction gap by class and subgroup", ko="범주·하위집단별 예측 격차"),
        question=Words(
            en="Is some class or some group of people served worse by the synthetic data than by real data?",
            ko="합성데이터가 원본보다 불리하게 작용하는 범주나 하위집단이 있습니까?",
        ),
        unit="difference of scores",
        low=_LOW,
        high=_HIGH,
        better="lower",
        ideal=Words(
            en="0: no gap. The largest of many gaps lies above 0 by chance; read its interval.",
            ko="0(격차 없음). 여러 격차 중 최댓값은 우연히 0보다 클 수 있으므로 구간을 함께 보십시오.",
        ),
        source="Esteban et al. 2017 (TSTR) arXiv:1706.02633, by class and subgroup; Bonferroni over all of them",
        needs=frozenset({"holdout", "target"}),
    )

    def applies(self, schema: Schema, purpose: Purpose, /) -> str | None:
        """Return ``None``, or that no target is stated."""
        return None if purpose.targets or schema.with_role("target") else NO_TARGET.en

    def measure(self, case: Case[Any], /, *, seed: int, run: Run | None = None) -> Sequence[Evidence]:
        """Return the worst gap first, then one piece of evidence per class or subgroup and score."""
        job = quiet(run)
        job.tick(self.card.id, 0, 1)
        if (why_not := unready(self.card, case, seed)) is not None:
            return [why_not]
        found, refused = learned(self.card, case, job, seed)
        groups = groupings(case, protected_columns(case))
        out = [self._evidence(*row, seed) for each in found for row in (*_by_class(each), *_by_group(each, groups))]
        if not out:
            return [insufficient(self.card, _NO_GROUP, seed=seed), *refused]
        return [self._worst(out, refused, seed), *out, *refused]

    def _evidence(self, subject: str, gap: Gap, facts: dict[str, Any], seed: int) -> Evidence:
        return Evidence(
            metric=self.card.id,
            version=self.card.version,
            subject=subject,
            estimate=gap.value,
            interval=(max(_LOW, gap.value - gap.half()), min(_HIGH, gap.value + gap.half())),
            reference=0.0,
            n=facts["units"],
            seed=seed,
            detail={**facts, "se_holdout": gap.se_holdout, "se_training": gap.se_training},
        )

    def _worst(self, out: Sequence[Evidence], refused: Sequence[Evidence], seed: int) -> Evidence:
        gaps = [Gap(float(e.estimate or 0.0), e.detail["se_holdout"], e.detail["se_training"], PIECES) for e in out]
        which, interval = worst_of(gaps, low=_LOW, high=_HIGH)
        shown = ("target", "column", "label", "score", "trtr", "tstr", "units")
        rows = [
            {**{k: e.detail.get(k) for k in shown}, "gap": e.estimate, "interval": e.interval}
            for e in sorted(out, key=lambda e: -float(e.estimate or 0.0))
        ]
        return Evidence(
            metric=self.card.id,
            version=self.card.version,
            estimate=out[which].estimate,
            interval=interval,
            reference=0.0,
            n=out[which].n,
            seed=seed,
            detail={"worst": out[which].subject, "groups": rows, "not_assessed": [e.subject for e in refused]},
            caveat=_READ,
        )


_Row = tuple[str, Gap, dict[str, Any]]


def _by_class(each: Learned) -> Iterator[_Row]:
    task = each.task
    if not task.classify:
        return
    truth = task.holdout[1].astype(np.intp)
    learnt = np.bincount(task.train[1].astype(np.intp), minlength=len(task.labels))
    for c, label in enumerate(task.labels):
        of_class = truth == c
        if min(_units(task.units, of_class), int(learnt[c])) < LEAST:
            continue
        name = "…" if label is None else label
        facts = {"target": task.name, "column": task.name, "label": label}
        recalls = {s: [_recall(a, of_class, c) for a in each.answers[s]] for s in SOURCES}
        yield _row(f"{task.name}={name}/recall", recalls, task.units, of_class, {**facts, "score": "recall"})
        if len(task.labels) > 2 and not of_class.all():
            everyone = np.ones(len(truth), dtype=bool)
            aucs = {s: [Score(*auc_influence(a[:, c], of_class)) for a in each.answers[s]] for s in SOURCES}
            yield _row(f"{task.name}={name}/AUROC", aucs, task.units, everyone, {**facts, "score": "AUROC"})


def _by_group(each: Learned, groups: Sequence[Grouping]) -> Iterator[_Row]:
    task = each.task
    for g in groups:
        codes = g.codes(task.holdout[0])
        for i, label in enumerate(g.labels):
            rows = codes == i
            truth = task.holdout[1][rows]
            if _units(task.units, rows) < LEAST:
                continue
            if task.classify and int((np.bincount(truth.astype(np.intp)) >= LEAST_OF_A_CLASS).sum()) < 2:
                continue
            score = "AUROC" if task.classify else "relative_MAE"
            centre = float(np.median(task.train[1]))
            found = {
                s: [
                    _auroc(a[rows], truth.astype(np.intp))
                    if task.classify
                    else number_scores(a[rows], truth, centre)[score]
                    for a in each.answers[s]
                ]
                for s in SOURCES
            }
            facts = {"target": task.name, "column": g.name, "label": label, "score": score}
            yield _row(f"{task.name}/{g.name}={label}/{score}", found, task.units, rows, facts)


def _row(
    subject: str, found: dict[Any, list[Score]], units: IntArray | None, rows: BoolArray, facts: dict[str, Any]
) -> _Row:
    sign = -1.0 if facts["score"] == "relative_MAE" else 1.0
    real, synthetic = found["train"], found["synthetic"]
    mine = None if units is None else np.unique(units[rows], return_inverse=True)[1].astype(np.intp)
    gap = gap_of(
        sign * (real[0].value - synthetic[0].value),
        influence_se(real[0].influence - synthetic[0].influence, mine),
        *([s.value for s in scores[1:]] for scores in (real, synthetic)),
    )
    told = {"trtr": real[0].value, "tstr": synthetic[0].value, "units": _units(units, rows)}
    return subject, gap, {**facts, **told}


def _auroc(answer: FloatArray, truth: IntArray) -> Score:
    """Return the macro AUROC; of two classes one says it all."""
    return (
        Score(*auc_influence(answer[:, 1], truth == 1))
        if answer.shape[1] == 2
        else class_scores(answer, truth)["AUROC"]
    )


def _recall(answer: FloatArray, of_class: BoolArray, c: int) -> Score:
    right = (answer[of_class].argmax(axis=1) == c).astype(np.float64)
    return Score(float(right.mean()), right - right.mean())


def _units(units: IntArray | None, rows: BoolArray) -> int:
    return int(rows.sum()) if units is None else len(np.unique(units[rows]))


__all__ = ["Subgroups"]
