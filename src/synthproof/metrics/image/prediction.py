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
from synthproof.core.words import Words
from synthproof.engines.torch_nets.vision import ClassifierPlan, train_classifier
from synthproof.metrics.image.extractors import drawn, pictures
from synthproof.metrics.image.reading import (
    NO_CLASSES,
    NO_IMAGES,
    Side,
    auc,
    classes_of,
    classless,
    labels_of,
    side_of,
    unready,
)
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
    rest; of pictures that may have several labels over labels, and accuracy is then that of the yes and no of each label.
    Subjects: ``all`` (AUROC gap), ``accuracy``, and ``class NAME`` or ``label NAME`` (AUROC gap of one). At most 4,000
    pictures of each side. Cost: 2 x `repeats` trainings, 10 s each on one core at 28 px.
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
        if classless(case.train):
            return (not_applicable(self.card, NO_CLASSES, seed=seed),)
        if (why := unready(self.card, case, seed, least=LEAST)) is not None:
            return (why,)
        task = _labels_task(case) if case.train.several else _classes_task(case)
        if task is None:
            return (insufficient(self.card, NO_CLASSES, seed=seed),)
        answers = {source: self._answers(case, source, task, seed, job) for source in SOURCES}
        return self._evidence(task, answers, seed)

    def _answers(self, case: Case[Any], source: Side, task: _Task, seed: int, run: Run) -> list[FloatArray]:
        """Return the probabilities that each training's classifier gives for the tested pictures."""
        rows, truth = task.taught[source]
        seen, plan, tested = pictures(case, source)[rows], ClassifierPlan(steps=self.steps), task.tested
        out = []
        for r in range(self.repeats):
            # The same seed for both sources: first weights and order of batches do not add to the gap.
            net = train_classifier(
                seen, truth, len(task.names), plan, seed=derive(seed, f"{self.card.id}/{r}"), run=run
            )
            out.append(net.look(pictures(case, "holdout")[tested.rows], run=run)[1])
        return out

    def _evidence(self, task: _Task, answers: dict[Side, list[FloatArray]], seed: int) -> list[Evidence]:
        tested, one = task.tested, "label" if task.tested.several else "class"
        measures = ["all", "accuracy", *(f"{one} {name}" for name in task.names)]
        whole = {s: tested.scores(answers[s], None) for s in SOURCES}
        draws = np.stack(
            [
                tested.scores(answers["train"], w) - tested.scores(answers["synthetic"], w)
                for w in (tested.weights(seed, b) for b in range(BOOTSTRAPS))
            ]
        )
        low, high = np.nanquantile(draws, [0.025, 0.975], axis=0)
        chance = [0.5, tested.guessing, *([0.5] * len(task.names))]
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
    """Unseen pictures that are predicted: their rows among those drawn, labels, and person of each.

    ``truth`` has shape (n, names): 1, 0, or NaN where it is not known; one 1 a row unless there may be several.
    """

    rows: IntArray
    truth: FloatArray
    several: bool
    units: IntArray
    persons: int

    @classmethod
    def of(cls, case: Case[Any], rows: IntArray, truth: FloatArray, *, several: bool) -> _Tested:
        given = side_of(case, "holdout").unit_of_row[drawn(case)["holdout"]][rows]
        present, units = np.unique(given, return_inverse=True)
        return cls(rows, truth, several, units.astype(np.intp), len(present))

    @property
    def guessing(self) -> float:
        """Accuracy of always naming the commonest."""
        shares = np.nanmean(self.truth, axis=0)
        return float(np.mean(np.maximum(shares, 1 - shares)) if self.several else shares.max())

    def weights(self, seed: int, repeat: int) -> IntArray:
        """Return how often each picture counts in one bootstrap of persons."""
        times = stream(seed, "image.prediction/bootstrap", repeat).multinomial(
            self.persons, np.full(self.persons, 1 / self.persons)
        )
        return times[self.units].astype(np.intp)

    def scores(self, answers: Sequence[FloatArray], weights: IntArray | None) -> FloatArray:
        """Return macro AUROC, accuracy and AUROC of each class or label, means over the trainings."""
        rows = np.arange(len(self.truth)) if weights is None else np.repeat(np.arange(len(self.truth)), weights)
        true = self.truth[rows]
        found = []
        for p in answers:
            given = p[rows]
            areas = np.array([auc(given[:, k], true[:, k]) for k in range(given.shape[1])])
            macro = float(np.nanmean(areas)) if np.isfinite(areas).any() else float("nan")
            found.append(np.concatenate([[macro], [self._accuracy(given, true)], areas]))
        return np.asarray(np.mean(found, axis=0), dtype=np.float64)

    def _accuracy(self, given: FloatArray, true: FloatArray) -> float:
        if not self.several:
            return float((given.argmax(axis=1) == true.argmax(axis=1)).mean())
        known = np.isfinite(true)
        return float(((given > 0.5) == (true > 0.5))[known].mean())


@dataclass(frozen=True, slots=True)
class _Task:
    """What is learned from each source and tested on unseen pictures."""

    names: list[str]
    tested: _Tested
    taught: dict[Side, tuple[IntArray, IntArray | FloatArray]]


def _classes_task(case: Case[Any]) -> _Task | None:
    """One class a picture; ``None`` with fewer than two classes of ten pictures in train and holdout."""
    classes, rows = classes_of(case), drawn(case)
    codes = {side: classes.of[side][rows[side]] for side in rows}
    counts = [np.bincount(codes[s][codes[s] >= 0], minlength=len(classes.names)) for s in ("train", "holdout")]
    usable = np.flatnonzero(np.minimum(*counts) >= LEAST_IN_A_CLASS)
    if len(usable) < 2 or len(np.intersect1d(codes["synthetic"], usable)) < 2:
        return None
    taught: dict[Side, tuple[IntArray, IntArray | FloatArray]] = {}
    for source in SOURCES:
        inside = np.flatnonzero(np.isin(codes[source], usable)).astype(np.intp)
        taught[source] = inside, np.searchsorted(usable, codes[source][inside]).astype(np.intp)
    inside = np.flatnonzero(np.isin(codes["holdout"], usable)).astype(np.intp)
    truth = (codes["holdout"][inside, None] == usable[None, :]).astype(np.float64)
    names = [classes.names[i] for i in usable.tolist()]
    return _Task(names, _Tested.of(case, inside, truth, several=False), taught)


def _labels_task(case: Case[Any]) -> _Task | None:
    """Several yes/no labels a picture; ``None`` when no label has ten yes and ten no in train and holdout."""
    labels, rows = labels_of(case), drawn(case)
    assert labels is not None
    given = {side: labels[side][rows[side]] for side in rows}
    rarer = [np.minimum((given[s] == 1).sum(axis=0), (given[s] == 0).sum(axis=0)) for s in ("train", "holdout")]
    usable = np.flatnonzero(np.minimum(*rarer) >= LEAST_IN_A_CLASS)
    if not len(usable):
        return None
    taught: dict[Side, tuple[IntArray, IntArray | FloatArray]] = {
        s: (np.arange(len(given[s]), dtype=np.intp), given[s][:, usable]) for s in SOURCES
    }
    everyone = np.arange(len(given["holdout"]), dtype=np.intp)
    tested = _Tested.of(case, everyone, given["holdout"][:, usable], several=True)
    return _Task([case.train.several[i] for i in usable.tolist()], tested, taught)
