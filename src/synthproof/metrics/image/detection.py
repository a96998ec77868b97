"""Does a detector of parts learned from synthetic scenes find the parts of unseen real scenes as well as one learned from real?"""

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
from synthproof.data.image.scenes import Scenes
from synthproof.engines.torch_nets.detector import Boxed, Detector, DetectorPlan, train_detector
from synthproof.engines.vision.alignment import reduced
from synthproof.metrics.image.average_precision import Boxes, Tally, installed, tally
from synthproof.metrics.image.reading import NO_IMAGES, Side, rows_of, side_of, unready
from synthproof.metrics.table.answers import insufficient, not_applicable

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

LEAST = 40
LEAST_BOXES = 10
MOST = 1_000
"""Scenes a side that are looked at; of more, whole persons drawn at random."""
LARGEST = 128
"""Pixels a side that the detector sees."""
BOOTSTRAPS = 300
SOURCES: tuple[Side, Side] = ("train", "synthetic")

NO_BOXES = Words(
    en="The images have no boxes around their parts (train, unseen and synthetic images all need them).",
    ko="부분의 위치를 나타내는 상자가 없습니다(학습 원본, 미학습 원본, 합성 이미지 모두에 필요).",
)
NO_CLASS = Words(
    en="No class of parts has {least} boxes in the training and in the unseen images.",
    ko="학습 원본과 미학습 원본 모두에 상자가 {least}개 이상 있는 부분 클래스가 없습니다.",
)
NO_LIBRARY = Words(
    en="Not measured: pycocotools is not installed (pip install 'synthproof[images]').",
    ko="측정하지 않음: pycocotools가 설치되어 있지 않습니다(pip install 'synthproof[images]').",
)
_READ = Words(
    en="Mean average precision (COCO, overlaps 0.5 to 0.95) that is lost when a small detector learns from synthetic instead of "
    "real scenes, both tested on unseen real scenes, with the same network, steps and movements; negative means the synthetic one is "
    "better. The interval is a bootstrap of the unseen persons over {repeats} training(s) of each; it does not cover fitting the "
    "generator anew. The detector ranks data; better ones reach higher precision.",
    ko="작은 검출기를 실제 장면 대신 합성 장면으로 학습할 때 잃는 평균 정밀도(COCO mAP, 겹침 0.5~0.95)입니다. 둘 다 미학습 원본에서 "
    "시험하며 신경망, 학습 횟수, 증강이 같습니다(음수이면 합성이 우수). 구간은 학습 {repeats}회에 걸친 미학습 대상자의 부트스트랩이며, "
    "생성 모형을 다시 학습할 때의 변동은 포함하지 않습니다. 이 검출기는 데이터를 비교하기 위한 것입니다.",
)


class Detection:
    """Gap in mean average precision between a detector trained on real and one trained on synthetic scenes.

    Parameters
    ----------
    steps
        Optimiser steps of every training.
    repeats
        Trainings from each source, by different seeds.

    Notes
    -----
    Train on synthetic, test on real (Esteban et al. 2017, arXiv 1706.02633), for boxes: the network is
    `engines.torch_nets.detector`, the precision that of COCO by pycocotools (Lin et al. 2014, arXiv 1405.0312).
    Subjects: ``all`` (mAP at overlaps 0.5 to 0.95), ``AP50`` (overlap 0.5 alone), and ``class NAME`` (AP of one class of
    parts). Classes with fewer than 10 boxes in train or holdout are left out on all sides. A copycat gains nothing here
    and loses nothing: this number says what scenes are worth, not how safe they are. Cost: 2 x `repeats` trainings, 35 s
    each on one core at 128 px with 400 steps; nothing where there are no boxes.
    """

    card: ClassVar[Card] = Card(
        id="image.detection",
        version=1,
        family="utility",
        name=Words(
            en="Detection gap (trained on real less synthetic)", ko="검출 성능 격차(실제 학습 − 합성 학습, 장면)"
        ),
        question=Words(
            en="Does a detector learned from the synthetic scenes find the parts of real ones as well as one learned from real ones?",
            ko="합성 장면으로 학습한 검출기가 원본으로 학습한 검출기만큼 실제 장면의 부분을 잘 찾는가?",
        ),
        unit="difference of mean average precision",
        low=-1.0,
        high=1.0,
        better="lower",
        source="Esteban et al. 2017 (TSTR) arXiv 1706.02633; Lin et al. 2014 (COCO) arXiv 1405.0312; PIPC reference model, mAP gap",
        ideal=Words(en="0: no gap.", ko="0: 격차 없음."),
        needs=frozenset({"holdout"}),
    )

    def __init__(self, steps: int = 400, repeats: int = 1) -> None:
        self.steps = steps
        self.repeats = repeats

    def applies(self, schema: Schema, purpose: Purpose, /) -> str | None:
        """Return ``None``, or why there is nothing to detect; whether there are boxes only the data tell."""
        return NO_IMAGES.en if schema.modality != "image" else None

    def measure(self, case: Case[Any], /, *, seed: int, run: Run | None = None) -> Sequence[Evidence]:
        """Return the gap in mAP, in AP50, then the gap in AP of each class of parts."""
        job = quiet(run)
        job.tick(self.card.id, 0, 1)
        if not all(isinstance(s, Scenes) and len(s.boxes) for s in (case.train, case.synthetic)):
            return (not_applicable(self.card, NO_BOXES, seed=seed),)
        if (why := unready(self.card, case, seed, least=LEAST)) is not None:
            return (why,)
        if not isinstance(case.holdout, Scenes) or not len(case.holdout.boxes):
            return (not_applicable(self.card, NO_BOXES, seed=seed),)
        names = _usable(case.train, case.holdout)
        if not names:
            return (insufficient(self.card, NO_CLASS.filled(least=LEAST_BOXES), seed=seed),)
        if not installed():
            return (insufficient(self.card, NO_LIBRARY, seed=seed),)
        tested, persons = _tested(case, names)
        answers = {s: self._tallies(_boxed(case, s, names)[0], tested, len(names), seed, job) for s in SOURCES}
        return self._evidence(answers, tested, persons, names, seed)

    def _tallies(self, data: Boxed, tested: _Tested, n_classes: int, seed: int, run: Run) -> list[Tally]:
        """Return what each training's detector finds in the tested scenes."""
        out = []
        for r in range(self.repeats):
            # The same seed for both sources: first weights and order of batches do not add to the gap.
            net = train_detector(
                data, n_classes, DetectorPlan(steps=self.steps), seed=derive(seed, f"{self.card.id}/{r}"), run=run
            )
            out.append(tally(tested.truth, _found(net, tested.data, run), n_classes))
        return out

    def _evidence(
        self, answers: dict[Side, list[Tally]], tested: _Tested, persons: int, names: Sequence[str], seed: int
    ) -> list[Evidence]:
        whole = {s: _scores([t.precision for t in answers[s]]) for s in SOURCES}
        weights = [tested.weights(persons, seed, b) for b in range(BOOTSTRAPS)]
        draws = {s: np.stack([_scores([t.weighed(w) for t in answers[s]]) for w in weights]) for s in SOURCES}
        low, high = np.nanquantile(draws["train"] - draws["synthetic"], [0.025, 0.975], axis=0)
        ends = {s: np.nanquantile(draws[s], [0.025, 0.975], axis=0) for s in SOURCES}
        out = []
        for i, subject in enumerate(["all", "AP50", *(f"class {name}" for name in names)]):
            gap = float(whole["train"][i] - whole["synthetic"][i])
            out.append(
                Evidence(
                    metric=self.card.id,
                    version=self.card.version,
                    subject=subject,
                    estimate=gap,
                    interval=(min(gap, float(low[i])), max(gap, float(high[i]))),
                    reference=0.0,
                    n=persons,
                    seed=seed,
                    detail={
                        "score": "AP at overlap 0.5" if subject == "AP50" else "AP at overlaps 0.5 to 0.95",
                        "trtr": float(whole["train"][i]),
                        "trtr_interval": [float(v) for v in ends["train"][:, i]],
                        "tstr": float(whole["synthetic"][i]),
                        "tstr_interval": [float(v) for v in ends["synthetic"][:, i]],
                        "boxes": tested.counts[i],
                        "steps": self.steps,
                        "repeats": self.repeats,
                    },
                    caveat=_READ.filled(repeats=self.repeats) if i == 0 else None,
                )
            )
        return out


@dataclass(frozen=True, slots=True)
class _Tested:
    """Unseen scenes that are searched: pictures, their true boxes, the person of each, boxes by subject."""

    data: Boxed
    truth: list[Boxes]
    units: IntArray
    counts: list[int]

    def weights(self, persons: int, seed: int, repeat: int) -> IntArray:
        """Return how often each scene counts in one bootstrap of persons."""
        dice = stream(seed, "image.detection/bootstrap", repeat)
        return dice.multinomial(persons, np.full(persons, 1 / persons))[self.units].astype(np.intp)


def _usable(train: Scenes, holdout: Scenes) -> tuple[str, ...]:
    """Return the classes of parts that are common enough on both sides, in train's order."""
    counts = [s.boxes["class"].astype(str).value_counts() for s in (train, holdout)]
    return tuple(c for c in train.part_classes if min(int(n.get(c, 0)) for n in counts) >= LEAST_BOXES)


def _tested(case: Case[Any], names: Sequence[str]) -> tuple[_Tested, int]:
    data, rows = _boxed(case, "holdout", names)
    truth = [Boxes(c[k >= 0].astype(np.float64), k[k >= 0]) for c, k in zip(data.corners, data.classes, strict=True)]
    present, units = np.unique(side_of(case, "holdout").unit_of_row[rows], return_inverse=True)
    each = np.bincount(data.classes[data.classes >= 0], minlength=len(names)).tolist()
    return _Tested(data, truth, units.astype(np.intp), [sum(each), sum(each), *each]), len(present)


def _boxed(case: Case[Any], side: Side, names: Sequence[str]) -> tuple[Boxed, IntArray]:
    """Return scenes of one side as the detector takes them, `LARGEST` pixels at most, and their rows."""
    scenes = side_of(case, side)
    assert isinstance(scenes, Scenes)
    rows = rows_of(scenes, MOST, 0, f"image.detection/{side}")
    parts = [reduced(scenes.values(rows[i : i + 64]), LARGEST) for i in range(0, len(rows), 64)]
    pictures = np.concatenate(parts)
    scale = pictures.shape[-1] / scenes.chain.side
    number = np.array([names.index(c) if c in names else -1 for c in scenes.part_classes], dtype=np.intp)
    listed = []
    for row in rows.tolist():
        corners, classes = scenes.boxes_of(row)
        known = number[classes]
        listed.append((corners[known >= 0] * scale, known[known >= 0]))
    most = max(1, *(len(k) for _, k in listed))
    placed = np.zeros((len(rows), most, 4), dtype=np.float32)
    classes = np.full((len(rows), most), -1, dtype=np.intp)
    for i, (corners, known) in enumerate(listed):
        placed[i, : len(known)], classes[i, : len(known)] = corners, known
    return Boxed(pictures, placed, classes), rows


def _found(net: Detector, data: Boxed, run: Run) -> list[Boxes]:
    return [Boxes(f.corners, f.classes, f.scores) for f in net.look(data.pictures, run=run)]


def _scores(precisions: Sequence[FloatArray]) -> FloatArray:
    """Return mAP, AP50 and the AP of each class, means over trainings; classes that a resample lacks do not count."""
    mean = np.mean(precisions, axis=0)
    of_class = mean.mean(axis=1)
    found: FloatArray = np.concatenate([[np.nanmean(of_class)], [np.nanmean(mean[:, 0])], of_class])
    return found


__all__ = ["LARGEST", "Detection"]
