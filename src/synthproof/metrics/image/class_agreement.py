"""Do synthetic pictures show the class that they are labelled with? A classifier of real pictures is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from synthproof.core.contracts import Case
from synthproof.core.evidence import Card, Evidence
from synthproof.core.random import stream
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Purpose, Schema
from synthproof.core.words import Words
from synthproof.metrics.image.extractors import CLASSIFIER, drawn, features
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
from synthproof.metrics.table.footing import Share, share

IntArray = npt.NDArray[np.intp]
FloatArray = npt.NDArray[np.float64]

LEAST = 50
BOOTSTRAPS = 300

_READ_LABELS = Words(
    en="How well the labels of synthetic images are told apart by a classifier of training images (mean AUROC over labels); the "
    "reference is the same on unseen real images. Well above it the synthetic images are more typical than real ones are.",
    ko="학습 원본으로 학습한 분류기가 합성 이미지의 라벨을 구별하는 정도(라벨별 AUROC의 평균)이며, 비교값은 미학습 "
    "원본에서의 같은 값입니다. 비교값을 크게 넘으면 합성 이미지가 실제보다 전형적이라는 뜻입니다.",
)
_READ = Words(
    en="Share of synthetic images whose label a classifier of training images agrees with; the reference is its share on "
    "unseen real images. Well above it the synthetic images are more typical than real ones are.",
    ko="학습 원본으로 학습한 분류기가 합성 이미지의 라벨에 동의하는 비율이며, 비교값은 미학습 원본에서의 같은 비율입니다. 비교값을 크게 "
    "넘으면 합성 이미지가 실제보다 전형적이라는 뜻입니다.",
)


class ClassAgreement:
    """Share of synthetic pictures that a classifier learned from train puts into their own class, beside unseen ones.

    Notes
    -----
    The classifier is `extractors.classifier`: three convolutions, 300 steps, learned from train alone. Subject ``all``
    weighs pictures as they are; each class has its own subject ``class NAME``, with as its interval Wilson's by unit. The
    confusion of classes stands in the detail. Where a picture may have several labels, agreement with each (``label NAME``)
    is the chance that the classifier gives a picture with it more than one without (AUROC; the share of right answers would
    be high for a rare label that is never seen), ``all`` their mean, and the interval a bootstrap by unit. Cost: one
    training, 10 s on one core.
    """

    card: ClassVar[Card] = Card(
        id="image.class_agreement",
        version=1,
        family="fidelity",
        name=Words(en="Class agreement", ko="클래스 일치도"),
        question=Words(
            en="Do the synthetic images show what their labels say?", ko="합성 이미지가 라벨에 적힌 내용을 보여 주는가?"
        ),
        unit="share of synthetic images",
        low=0.0,
        high=1.0,
        better="higher",
        source="Classification accuracy score: Ravuri & Vinyals 2019, arXiv 1905.10887 (its converse)",
        ideal=Words(en="The share on unseen real images (shown beside it).", ko="미학습 원본에서의 비율(함께 표시)."),
        needs=frozenset({"holdout", "target"}),
    )

    def applies(self, schema: Schema, purpose: Purpose, /) -> str | None:
        """Return ``None``, or why there is nothing to agree with."""
        if schema.modality != "image":
            return NO_IMAGES.en
        return None if schema.with_role("target") else NO_CLASSES.en

    def measure(self, case: Case[Any], /, *, seed: int, run: Run | None = None) -> Sequence[Evidence]:
        """Return agreement for all, then for each class of which synthetic pictures are there."""
        job = quiet(run)
        job.tick(self.card.id, 0, 1)
        if classless(case.train):
            return (not_applicable(self.card, NO_CLASSES, seed=seed),)
        if (why := unready(self.card, case, seed, least=LEAST)) is not None:
            return (why,)
        seen = features(case, CLASSIFIER, job)
        if seen is None or seen.scores is None:
            return (insufficient(self.card, NO_CLASSES, seed=seed),)
        if case.train.several:
            return self._labels(case, seen.scores, seed)
        classes = classes_of(case)
        sides: tuple[Side, ...] = ("synthetic", "holdout")
        asked = {s: _asked(case, s, classes.of[s], seen.scores[s]) for s in sides}
        out = [self._one("all", asked, None, len(classes.names), classes.names, seed)]
        for i, name in enumerate(classes.names):
            if (asked["synthetic"].true == i).any() and (asked["holdout"].true == i).any():
                out.append(self._one(f"class {name}", asked, i, len(classes.names), classes.names, seed))
        return out

    def _labels(self, case: Case[Any], scores: Mapping[Side, FloatArray], seed: int) -> Sequence[Evidence]:
        """Return agreement with each yes/no label, and their mean first."""
        labels = labels_of(case)
        sides: tuple[Side, ...] = ("synthetic", "holdout")
        assert labels is not None
        found = {s: _areas(case, s, labels[s][drawn(case)[s]], scores[s], seed) for s in sides}
        asked = np.flatnonzero(np.isfinite(found["synthetic"][0]) & np.isfinite(found["holdout"][0]))
        if not len(asked):
            return (insufficient(self.card, NO_CLASSES, seed=seed),)
        subjects = [("all", asked), *((f"label {case.train.several[i]}", np.array([i])) for i in asked.tolist())]
        out = []
        for subject, at in subjects:
            (value, low, high), (unseen, unseen_low, unseen_high) = (_mean_of(found[s], at) for s in sides)
            out.append(
                Evidence(
                    metric=self.card.id,
                    version=self.card.version,
                    subject=subject,
                    estimate=value,
                    interval=(low, high),
                    reference=unseen,
                    reference_interval=(unseen_low, unseen_high),
                    n=len(drawn(case)["synthetic"]),
                    seed=seed,
                    detail={"score": "AUROC", "labels": len(at)},
                    caveat=_READ_LABELS if subject == "all" else None,
                )
            )
        return out

    def _one(
        self, subject: str, asked: dict[Side, _Asked], at: int | None, k: int, names: tuple[str, ...], seed: int
    ) -> Evidence:
        found, unseen = (asked[s].agreement(at) for s in ("synthetic", "holdout"))
        detail: dict[str, Any] = {}
        if at is None:
            detail = {
                "classes": list(names),
                "confusion": asked["synthetic"].confusion(k).tolist(),
                "confusion_unseen": asked["holdout"].confusion(k).tolist(),
            }
        return Evidence(
            metric=self.card.id,
            version=self.card.version,
            subject=subject,
            estimate=found.estimate,
            interval=(found.low, found.high),
            reference=unseen.estimate,
            reference_interval=(unseen.low, unseen.high),
            n=round(found.n),
            seed=seed,
            detail=detail,
            caveat=_READ if at is None else None,
        )


def _areas(
    case: Case[Any], side: Side, truth: FloatArray, scores: FloatArray, seed: int
) -> tuple[FloatArray, FloatArray]:
    """Return each label's AUROC, and those of bootstraps of units, shape (300, labels)."""
    given = side_of(case, side).unit_of_row[drawn(case)[side]]
    present, units = np.unique(given, return_inverse=True)
    even = np.full(len(present), 1 / len(present))

    def areas(rows: IntArray) -> list[float]:
        return [auc(scores[rows, k], truth[rows, k]) for k in range(truth.shape[1])]

    everyone = np.arange(len(truth), dtype=np.intp)
    draws = [
        areas(
            np.repeat(everyone, stream(seed, f"image.class_agreement/{side}", b).multinomial(len(present), even)[units])
        )
        for b in range(BOOTSTRAPS)
    ]
    return np.array(areas(everyone)), np.array(draws)


def _mean_of(found: tuple[FloatArray, FloatArray], at: IntArray) -> tuple[float, float, float]:
    """Return the mean over some labels with its interval, which holds it."""
    value, draws = float(found[0][at].mean()), found[1][:, at].mean(axis=1)
    low, high = np.nanquantile(draws, [0.025, 0.975]) if np.isfinite(draws).any() else (value, value)
    return value, min(value, float(low)), max(value, float(high))


class _Asked:
    """What the classifier answered about the labelled pictures of one side."""

    def __init__(self, true: IntArray, answer: IntArray, units: IntArray) -> None:
        known = true >= 0
        self.true, self.answer, self.units = true[known], answer[known], units[known]

    def agreement(self, at: int | None) -> Share:
        """Return the share that agrees, of all pictures or of one class."""
        rows = np.ones(len(self.true), dtype=bool) if at is None else self.true == at
        units = np.unique(self.units[rows], return_inverse=True)[1].astype(np.intp)
        return share(self.true[rows] == self.answer[rows], units)

    def confusion(self, k: int) -> IntArray:
        """Return counts by (label, answer)."""
        return np.bincount(self.true * k + self.answer, minlength=k * k).reshape(k, k)


def _asked(case: Case[Any], side: Side, codes: IntArray, scores: FloatArray) -> _Asked:
    rows = drawn(case)[side]
    return _Asked(codes[rows], scores.argmax(axis=1).astype(np.intp), side_of(case, side).unit_of_row[rows])
