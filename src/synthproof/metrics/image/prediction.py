"""Does a classifier learned from synthetic pictures do as well on unseen real ones as one learned from real pictures?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from synthproof.core.contracts import Case
from synthproof.core.evidence import Card, Evidence
from synthproof.core.random import derive, stream
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Purpose, Schema
from synthproof.core.stats import ranks
from synthproof.core.words import Words
from synthproof.engines.torch_nets.vision import ClassifierPlan, train_classifier
from synthproof.metrics.image.extractors import drawn, pictures
from synthproof.metrics.image.reading import NO_CLASSES, NO_IMAGES, Side, classes_of, side_of, unready
from synthproof.metrics.table.answers import insufficient, not_applicable

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

LEAST = 50
LEAST_IN_A_CLASS = 10
BOOTSTRAPS = 300
SOURCES: tuple[Side, Side] = ("train", "synthetic")

_READ = Words(
    en="How much better a classifier learned from real pictures is than one learned from synthetic ones, both tested on unseen "
    "real pictures, with the same network and the same number of steps; negative means the synthetic one is better. The interval "
    "is a bootstrap of the unseen persons over {repeats} trainings of each; it does not cover fitting the generator anew.",
    ko="원본으로 학습한 분류기가 합성 이미지로 학습한 분류기보다 미학습 원본에서 얼마나 나은지를 나타냅니다(음수이면 합성이 우수). 같은 "
    "신경망과 같은 학습 횟수를 씁니다. 구간은 학습 {repeats}회에 걸친 미학습 대상자의 부트스트랩이며, 생성 모형을 다시 학습할 때의 변동은 "
    "포함하지 않습니다.",
)


class Prediction:
    """Gap in AUROC and accuracy between training on real and on synthetic pictures, tested on unseen persons.

    Parameters
    ----------
    steps
        Optimiser steps of every training.
    repeats
        Trainings from each source, by different seeds.

    Notes
    -----
    Esteban et al. 2017, arXiv 1706.02633 (train on synthetic, test on real). The network is that of the domain classifier
    (three convolutions), so that the numbers rank data, not networks. AUROC is macro-averaged over classes, one against the
    rest. Subjects: ``all`` (AUROC gap), ``accuracy``, and ``class NAME`` (AUROC gap of one class). At most 4,000 pictures
    of each side. Cost: 2 x `repeats` trainings, 10 s each on one core at 28 px.
    """

    card: ClassVar[Card] = Card(
        id="image.prediction",
        version=1,
        family="utility",
        name=Words(
            en="Prediction gap (trained on real less synthetic)", ko="모형 성능 격차(실제 학습 − 합성 학습, 이미지)"
        ),
        question=Words(
            en="Does a classifier learned from the synthetic images recognise real ones as well as one learned from real ones?",
            ko="합성 이미지로 학습한 분류기가 원본으로 학습한 분류기만큼 실제 이미지를 잘 알아보는가?",
        ),
        unit="difference of scores",
        low=-1.0,
        high=1.0,
        better="lower",
        source="Esteban et al. 2017 (TSTR) arXiv 1706.02633; PIPC guide (2024.12) app. 4, model performance",
        ideal=Words(en="0: no gap.", ko="0: 격차 없음."),
        needs=frozenset({"holdout", "target"}),
    )

    def __init__(self, steps: int = 300, repeats: int = 2) -> None:
        self.steps = steps
        self.repeats = repeats

    def applies(self, schema: Schema, purpose: Purpose, /) -> str | None:
        """Return ``None``, or why there is nothing to predict."""
        if schema.modality != "image":
            return NO_IMAGES.en
        return None if schema.with_role("target") else NO_CLASSES.en

    def measure(self, case: Case[Any], /, *, seed: int, run: Run | None = None) -> Sequence[Evidence]:
        """Return the AUROC gap, the accuracy gap, then the AUROC gap of each class."""
        job = quiet(run)
        job.tick(self.card.id, 0, 1)
        if (why := unready(self.card, case, seed, least=LEAST)) is not None:
            return (why,)
        if not case.train.targets:
            return (not_applicable(self.card, NO_CLASSES, seed=seed),)
        classes = classes_of(case)
        rows = drawn(case)
        codes = {side: classes.of[side][rows[side]] for side in rows}
        counts = [np.bincount(codes[s][codes[s] >= 0], minlength=len(classes.names)) for s in ("train", "holdout")]
        usable = np.flatnonzero(np.minimum(*counts) >= LEAST_IN_A_CLASS)
        if len(usable) < 2 or len(np.intersect1d(codes["synthetic"], usable)) < 2:
            return (insufficient(self.card, NO_CLASSES, seed=seed),)
        tested = _tested(case, codes["holdout"], usable)
        answers = {source: self._answers(case, source, codes[source], usable, tested, seed, job) for source in SOURCES}
        names = [classes.names[i] for i in usable.tolist()]
        return self._evidence(tested, answers, names, seed)

    def _answers(
        self, case: Case[Any], source: Side, codes: IntArray, usable: IntArray, tested: _Tested, seed: int, run: Run
    ) -> list[FloatArray]:
        """Return the probabilities that each training's classifier gives for the tested pictures."""
        rows = np.flatnonzero(np.isin(codes, usable))
        seen, classes = pictures(case, source)[rows], np.searchsorted(usable, codes[rows]).astype(np.intp)
        plan = ClassifierPlan(steps=self.steps)
        out = []
        for r in range(self.repeats):
            # The same seed for both sources: first weights and order of batches do not add to the gap.
            net = train_classifier(seen, classes, len(usable), plan, seed=derive(seed, f"{self.card.id}/{r}"), run=run)
            out.append(net.look(pictures(case, "holdout")[tested.rows], run=run)[1])
        return out

    def _evidence(
        self, tested: _Tested, answers: dict[Side, list[FloatArray]], names: list[str], seed: int
    ) -> list[Evidence]:
        measures = ["all", "accuracy", *(f"class {name}" for name in names)]
        whole = {s: tested.scores(answers[s], None) for s in SOURCES}
        draws = np.stack(
            [
                tested.scores(answers["train"], w) - tested.scores(answers["synthetic"], w)
                for w in (tested.weights(seed, b) for b in range(BOOTSTRAPS))
            ]
        )
        low, high = np.nanquantile(draws, [0.025, 0.975], axis=0)
        chance = [0.5, float(np.bincount(tested.classes).max() / len(tested.classes)), *([0.5] * len(names))]
        out = []
        for i, subject in enumerate(measures):
            gap = float(whole["train"][i] - whole["synthetic"][i])
            out.append(
                Evidence(
                    metric=self.card.id,
                    version=self.card.version,
                    subject=subject,
                    estimate=gap,
                    interval=(min(gap, float(low[i])), max(gap, float(high[i]))),
                    reference=0.0,
                    n=tested.persons,
                    seed=seed,
                    detail={
                        "score": "accuracy" if subject == "accuracy" else "AUROC",
                        "trtr": float(whole["train"][i]),
                        "tstr": float(whole["synthetic"][i]),
                        "guessing": chance[i],
                        "steps": self.steps,
                        "repeats": self.repeats,
                    },
                    caveat=_READ.filled(repeats=self.repeats) if i == 0 else None,
                )
            )
        return out


@dataclass(frozen=True, slots=True)
class _Tested:
    """Unseen pictures that are predicted: their rows among those drawn, classes, and person of each."""

    rows: IntArray
    classes: IntArray
    units: IntArray
    persons: int

    def weights(self, seed: int, repeat: int) -> IntArray:
        """Return how often each picture counts in one bootstrap of persons."""
        times = stream(seed, "image.prediction/bootstrap", repeat).multinomial(
            self.persons, np.full(self.persons, 1 / self.persons)
        )
        return times[self.units].astype(np.intp)

    def scores(self, answers: Sequence[FloatArray], weights: IntArray | None) -> FloatArray:
        """Return macro AUROC, accuracy and AUROC of each class, means over the trainings."""
        rows = np.arange(len(self.classes)) if weights is None else np.repeat(np.arange(len(self.classes)), weights)
        true = self.classes[rows]
        found = []
        for p in answers:
            given = p[rows]
            areas = np.array([_auc(given[:, k], true == k) for k in range(given.shape[1])])
            accuracy = float((given.argmax(axis=1) == true).mean())
            found.append(np.concatenate([[float(np.nanmean(areas))], [accuracy], areas]))
        return np.asarray(np.mean(found, axis=0), dtype=np.float64)


def _tested(case: Case[Any], codes: IntArray, usable: IntArray) -> _Tested:
    rows = np.flatnonzero(np.isin(codes, usable)).astype(np.intp)
    given = side_of(case, "holdout").unit_of_row[drawn(case)["holdout"]][rows]
    present, units = np.unique(given, return_inverse=True)
    return _Tested(rows, np.searchsorted(usable, codes[rows]).astype(np.intp), units.astype(np.intp), len(present))


def _auc(scores: FloatArray, positive: npt.NDArray[np.bool_]) -> float:
    n, m = int(positive.sum()), int((~positive).sum())
    if n == 0 or m == 0:
        return float("nan")
    return float((ranks(scores)[positive].sum() - n * (n + 1) / 2) / (n * m))
