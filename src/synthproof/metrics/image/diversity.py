"""Do pictures of one class differ from each other as real ones do? Intra-class MS-SSIM, the alarm for collapse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from synthproof.core.contracts import Case
from synthproof.core.evidence import Card, Evidence
from synthproof.core.random import permutation
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Purpose, Schema
from synthproof.core.words import Words
from synthproof.engines.vision.similarity import multi_scale_similarity
from synthproof.metrics.image.alike import small
from synthproof.metrics.image.reading import NO_IMAGES, SIDES, Side, classes_of, side_of, unready
from synthproof.metrics.table.answers import insufficient

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

LEAST = 20
MOST = 300
"""Pictures of one class that are compared with each other."""

_READ = Words(
    en="Mean MS-SSIM of pairs of synthetic images of one class, less that of unseen images: 0 is as varied as real images, above 0 "
    "too alike (collapse), below 0 more varied (noise is most varied of all). Mean over classes.",
    ko="같은 클래스 합성 이미지 쌍의 평균 MS-SSIM에서 미학습 원본의 값을 뺀 것입니다. 0은 실제만큼 다양함, 0보다 크면 서로 너무 "
    "비슷함(모드 붕괴), 0보다 작으면 더 다양함(잡음이 가장 다양함)을 뜻합니다. 클래스 평균입니다.",
)
_FEW = Words(
    en="No class has {least} synthetic and {least} unseen images.",
    ko="합성 이미지와 미학습 원본이 각각 {least}건 이상인 클래스가 없습니다.",
)


class Diversity:
    """Gap in the mean MS-SSIM of pairs of one class, synthetic less unseen; subject ``all`` and each class.

    Notes
    -----
    After Odena, Olah & Shlens 2017, arXiv 1610.09585: pictures of one class that are too alike betray collapse, which a
    Fréchet distance forgives. All pairs of up to 300 pictures a class, one a person. The interval is a jackknife over
    pictures of both sides. The reference is the same gap of training to unseen pictures. Cost 10⁵ pairs a class.
    """

    card: ClassVar[Card] = Card(
        id="image.diversity",
        version=1,
        family="fidelity",
        name=Words(en="Likeness within a class", ko="클래스 내 유사도(다양성)"),
        question=Words(
            en="Are synthetic images of one class as different from each other as real ones are?",
            ko="같은 클래스의 합성 이미지들이 실제 이미지들만큼 서로 다른가?",
        ),
        unit="difference of MS-SSIM",
        low=-1.0,
        high=1.0,
        better="lower",
        source="Odena, Olah & Shlens 2017, arXiv 1610.09585; Wang et al. 2003, doi:10.1109/ACSSC.2003.1292216",
        ideal=Words(en="0: as varied as real images.", ko="0: 실제 이미지만큼 다양함."),
        needs=frozenset({"holdout"}),
    )

    def applies(self, schema: Schema, purpose: Purpose, /) -> str | None:
        """Return ``None``, or that the data are not images."""
        return None if schema.modality == "image" else NO_IMAGES.en

    def measure(self, case: Case[Any], /, *, seed: int, run: Run | None = None) -> Sequence[Evidence]:
        """Return the mean gap over classes, then that of each class."""
        job = quiet(run)
        job.tick(self.card.id, 0, 1)
        if (why := unready(self.card, case, seed, least=LEAST)) is not None:
            return (why,)
        classes = classes_of(case)
        found: dict[str, dict[Side, tuple[float, float]]] = {}
        for i in job.each(range(len(classes.names)), self.card.id):
            rows = {s: _rows(case, s, classes.of[s] == i, seed) for s in SIDES}
            if min(len(r) for r in rows.values()) >= LEAST:
                found[classes.names[i]] = {s: _likeness(case, s, rows[s]) for s in SIDES}
        if not found:
            return (insufficient(self.card, _FEW.filled(least=LEAST), seed=seed),)
        out = [self._evidence(f"class {name}", [by_side], seed) for name, by_side in found.items()]
        whole = self._evidence("all", list(found.values()), seed)
        return [whole, *out] if len(out) > 1 else [whole]

    def _evidence(self, subject: str, found: Sequence[dict[Side, tuple[float, float]]], seed: int) -> Evidence:
        mean = {s: float(np.mean([f[s][0] for f in found])) for s in SIDES}
        error = {s: float(np.sqrt(np.sum([f[s][1] ** 2 for f in found]))) / len(found) for s in SIDES}
        gap, half = mean["synthetic"] - mean["holdout"], 1.96 * float(np.hypot(error["synthetic"], error["holdout"]))
        return Evidence(
            metric=self.card.id,
            version=self.card.version,
            subject=subject,
            estimate=gap,
            interval=(max(-1.0, gap - half), min(1.0, gap + half)),
            reference=mean["train"] - mean["holdout"],
            n=len(found),
            seed=seed,
            detail={"likeness": mean, "classes": len(found)},
            caveat=_READ if subject == "all" else None,
        )


def _rows(case: Case[Any], side: Side, inside: npt.NDArray[np.bool_], seed: int) -> IntArray:
    """Return up to 300 pictures of a class, one a unit."""
    rows = np.flatnonzero(inside)
    _, first = np.unique(side_of(case, side).unit_of_row[rows], return_index=True)
    rows = rows[first]
    return np.sort(rows[permutation(seed, f"image.diversity/{side}", len(rows))[:MOST]]).astype(np.intp)


def _likeness(case: Case[Any], side: Side, rows: IntArray) -> tuple[float, float]:
    """Return the mean MS-SSIM of all pairs and its standard error (jackknife over pictures)."""
    pictures = (small(side_of(case, side), rows) + np.float32(1.0)) / np.float32(2.0)
    table = multi_scale_similarity(pictures, pictures).astype(np.float64)
    n = len(table)
    of_each = table.sum(axis=1) - np.diagonal(table)
    whole = float(of_each.sum())
    left_out = (whole - 2 * of_each) / ((n - 1) * (n - 2))
    error = float(np.sqrt((n - 1) / n * ((left_out - left_out.mean()) ** 2).sum()))
    return whole / (n * (n - 1)), error
