"""The guide's similarity of images: SSIM, MS-SSIM and a deep one, each as a mean over originals and as a maximum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from synthproof.core.contracts import Case
from synthproof.core.evidence import Card, Evidence
from synthproof.core.random import permutation
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Purpose, Schema
from synthproof.core.words import Words
from synthproof.data.image.dataset import ImageSet
from synthproof.engines.vision.similarity import multi_scale_similarity, similarity
from synthproof.metrics.image.alike import small
from synthproof.metrics.image.extractors import RANDOM, drawn, features
from synthproof.metrics.image.reading import NO_IMAGES, Side, classes_of, side_of, unready

FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.intp]

MOST = 2_000
"""Pictures a side that are compared; of more, as many drawn at random."""
KINDS = ("SSIM", "MS-SSIM", "1 - deep distance")
_ROWS = "image.similarity/rows"
_READ = Words(
    en="For each synthetic image, the mean of its similarity to all training images of its class; the number is the mean of these "
    "over images, as the guide defines it. The mean cannot show a copy: one among 500 raises it by 0.001. Read the maximum "
    "beside it. The reference is that of unseen images.",
    ko="합성 이미지마다 같은 클래스의 모든 학습 원본과의 유사도를 평균하고 이를 다시 이미지에 대해 평균한 값입니다(가이드의 정의). "
    "평균으로는 복제가 드러나지 않으므로(500건 중 1건은 0.001만 올립니다) 최댓값을 함께 읽으십시오. 비교값은 미학습 원본의 값입니다.",
)
_MOST = Words(
    en="Maximum: the highest similarity of any of {n} synthetic images to a training image of its class, a fact about these images; "
    "the reference is the highest of {m} unseen images (of more images the highest is higher).",
    ko="최댓값: 합성 이미지 {n}건과 같은 클래스 학습 원본 간 유사도의 최댓값으로, 이 이미지들에 대한 사실입니다. 비교값은 미학습 원본 "
    "{m}건에서의 최댓값입니다(이미지가 많을수록 최댓값은 커집니다).",
)
_DEEP = Words(
    en="1 - deep distance: 1 less a distance in features of random convolutions, scaled so that pictures of two persons lie 1 "
    "apart on average; not LPIPS, whose weights are not at hand.",
    ko="1 - deep distance: 임의 합성곱 특징에서의 거리를 서로 다른 두 사람의 이미지가 평균 1만큼 떨어지도록 맞춘 뒤 1에서 뺀 값입니다. "
    "가중치를 구할 수 없는 LPIPS와는 다른 값입니다.",
)


class Similarity:
    """SSIM, MS-SSIM and 1 - deep distance of synthetic pictures to the training pictures of their class.

    Notes
    -----
    PIPC guide (December 2024), appendix 4, image safety: per synthetic image the mean over the originals of its class.
    Subjects: ``all`` (SSIM), ``MS-SSIM``, ``1 - deep distance``, each as that mean; ``… nearest``, the mean over images of
    their highest similarity; ``… maximum``, the highest of all. The limits that the guide simulates from random halves
    are quick to get: `tables` makes the similarities of all originals once, `halves` reads any halving off them.

    Similarity is taken at 32 pixels at most and at 64 window positions, of at most 2,000 pictures a side: the maximum is that
    of the pictures looked at; `image.near_copies` leaves no training picture out. Cost n_S · n_train · 20,000 operations.
    """

    card: ClassVar[Card] = Card(
        id="image.similarity",
        version=2,
        family="safety",
        name=Words(en="Structural and perceptual similarity", ko="구조적·지각적 유사도"),
        question=Words(
            en="How like are the synthetic images to the originals of their class, on average and at most?",
            ko="합성 이미지는 같은 클래스의 원본과 평균적으로, 그리고 가장 가까운 경우 얼마나 닮았는가?",
        ),
        unit="similarity",
        low=-10.0,
        high=1.0,
        better="lower",
        source="PIPC guide (2024.12) app. 4 (SSIM, MS-SSIM, 1 - LPIPS); Wang et al. 2004, doi:10.1109/TIP.2003.819861; Wang et "
        "al. 2003, doi:10.1109/ACSSC.2003.1292216; maximum, deep distance of random convolutions: ours",
        ideal=Words(en="What unseen real images reach (shown beside it).", ko="미학습 원본의 값(함께 표시)."),
    )

    def applies(self, schema: Schema, purpose: Purpose, /) -> str | None:
        """Return ``None``, or that the data are not images."""
        return None if schema.modality == "image" else NO_IMAGES.en

    def measure(self, case: Case[Any], /, *, seed: int, run: Run | None = None) -> Sequence[Evidence]:
        """Return three numbers (mean, nearest, maximum) of each of `KINDS`."""
        job = quiet(run)
        job.tick(self.card.id, 0, 3)
        held = case.holdout is not None and len(case.holdout) > 0
        if (why := unready(self.card, case, seed, needs=("train", "synthetic"))) is not None:
            return (why,)
        rows = case.cache[_ROWS] = {s: _some(at, seed, s) for s, at in drawn(case).items()}
        out: list[Evidence] = []
        found = {}
        sides: tuple[Side, ...] = ("synthetic", "holdout") if held else ("synthetic",)
        for side in sides:
            found[side] = likeness(case, side, rows, job)
            job.tick(self.card.id, len(found), 3)
        for kind in KINDS:
            out += self._of_kind(kind, found["synthetic"][kind], found["holdout"][kind] if held else None, seed)
        job.tick(self.card.id, 3, 3)
        return out

    def _of_kind(self, kind: str, found: PerImage, unseen: PerImage | None, seed: int) -> list[Evidence]:
        first = "all" if kind == KINDS[0] else kind
        numbers = (
            (first, found.mean, None if unseen is None else unseen.mean, _DEEP if kind == KINDS[2] else _READ),
            (f"{kind} nearest", found.most, None if unseen is None else unseen.most, None),
        )
        out = []
        for subject, values, control, caveat in numbers:
            value, half = float(values.mean()), _half(values)
            quantiles = {f"{q:g}": float(np.quantile(values, q)) for q in (0.5, 0.95, 0.99)}
            out.append(self._evidence(subject, value, half, control, quantiles, caveat, len(values), seed))
        top = float(found.most.max())
        worst = np.argsort(-found.most, kind="stable")[:50]
        reference = None if unseen is None else float(unseen.most.max())
        out.append(
            Evidence(
                metric=self.card.id,
                version=self.card.version,
                subject=f"{kind} maximum",
                estimate=top,
                interval=(top, top),
                reference=reference,
                n=len(found.most),
                seed=seed,
                private={"most_alike_among_looked_at": worst.tolist()},
                caveat=_MOST.filled(n=len(found.most), m=0 if unseen is None else len(unseen.most)),
            )
        )
        return out

    def _evidence(
        self,
        subject: str,
        value: float,
        half: float,
        control: FloatArray | None,
        quantiles: Mapping[str, float],
        caveat: Words | None,
        n: int,
        seed: int,
    ) -> Evidence:
        reference = None if control is None else float(control.mean())
        spread = (
            None
            if control is None
            else (float(control.mean()) - _half(control), float(control.mean()) + _half(control))
        )
        return Evidence(
            metric=self.card.id,
            version=self.card.version,
            subject=subject,
            estimate=value,
            interval=(value - half, min(1.0, value + half) if value <= 1.0 else value),
            reference=reference,
            reference_interval=spread,
            n=n,
            seed=seed,
            detail={"quantiles_over_images": quantiles},
            caveat=caveat,
        )


def _some(at: IntArray, seed: int, side: str) -> IntArray:
    """Return up to `MOST` of the pictures that the extractors look at, in their order."""
    return at[np.sort(permutation(seed, f"image.similarity/{side}", len(at))[:MOST])]


@dataclass(frozen=True, slots=True)
class PerImage:
    """Of each picture: mean similarity to the originals it is compared with, and the highest; pictures without any left out."""

    mean: FloatArray
    most: FloatArray


def per_image(table: Float32Array, same: npt.NDArray[np.bool_]) -> PerImage:
    """Return mean and maximum of each row of a table of similarities over the columns of its own class."""
    count = same.sum(axis=1)
    known = count > 0
    sums = np.where(same, table, 0.0).sum(axis=1)
    most = np.where(same, table, -np.inf).max(axis=1, initial=-np.inf)
    return PerImage((sums[known] / count[known]).astype(np.float64), most[known].astype(np.float64))


def likeness(case: Case[Any], side: Side, rows: Mapping[Side, IntArray], run: Run) -> dict[str, PerImage]:
    """Return, by kind, mean and maximum of the pictures of one side over the training pictures of their class.

    Pictures of no class, or of one that train does not have, are compared with all training pictures.

    Parameters
    ----------
    rows
        Pictures of each side that are looked at.
    """
    classes = classes_of(case)
    mine, train = (_Looked.at(side_of(case, s), rows[s], classes.of[s][rows[s]]) for s in (side, "train"))
    tables = _tables(mine, train)
    tables[KINDS[2]] = _Deep.of(case, rows, run).table(side)
    same = mine.classes[:, None] == train.classes[None, :]
    # A class that train does not know has no originals of its own: all stand in, or a new name would hide a copy.
    same[(mine.classes < 0) | ~same.any(axis=1)] = True
    return {kind: per_image(table, same) for kind, table in tables.items()}


def rows_looked_at(case: Case[Any], seed: int) -> dict[Side, IntArray]:
    """Return the pictures of each side that `Similarity` looks at, from the case's cache after it was asked."""
    found = case.cache.get(_ROWS)
    return found if isinstance(found, dict) else {s: _some(at, seed, s) for s, at in drawn(case).items()}


@dataclass(frozen=True, slots=True)
class Tables:
    """Similarities of all originals with each other, made once, from which limits are read for any halving.

    Parameters
    ----------
    of
        By kind, shape (n, n).
    same
        Whether two pictures are of one class, shape (n, n).
    """

    of: Mapping[str, Float32Array]
    same: npt.NDArray[np.bool_]

    def halves(self, original: IntArray, other: IntArray, subject: str = "all") -> float:
        """Return the metric's number of one subject for two halves of the originals, given as positions."""
        kind = next((k for k in KINDS if subject.startswith(k)), KINDS[0])
        at = np.ix_(other, original)
        found = per_image(self.of[kind][at], self.same[at])
        if not len(found.mean):
            return float("nan")
        if subject.endswith("maximum"):
            return float(found.most.max())
        return float((found.most if subject.endswith("nearest") else found.mean).mean())


def tables(images: ImageSet, rows: IntArray) -> Tables:
    """Return the similarities (SSIM and MS-SSIM) of pictures with each other; a second for 1,000 of them."""
    looked = _Looked.at(images, rows, images.classes()[0][rows])
    return Tables(_tables(looked, looked), looked.classes[:, None] == looked.classes[None, :])


@dataclass(frozen=True, slots=True)
class Originals:
    """What limits are simulated from: the originals that were looked at, one picture a person, against each other.

    Parameters
    ----------
    tables
        All of `KINDS`, scaled as the metric scales them.
    classes
        Class of each of these originals.
    asked
        Class of each synthetic picture that the metric compares.
    n_looked
        Originals that a synthetic picture is compared with, all pictures of all persons.
    """

    tables: Tables
    classes: IntArray
    asked: IntArray
    n_looked: int


def originals(case: Case[Any], seed: int, run: Run) -> Originals:
    """Return the similarities of a case's originals with each other, of the pictures that `Similarity` looked at."""
    rows = rows_looked_at(case, seed)
    classes, train = classes_of(case), rows["train"]
    _, first = np.unique(side_of(case, "train").unit_of_row[train], return_index=True)
    alone = np.sort(first).astype(np.intp)
    looked = _Looked.at(side_of(case, "train"), train[alone], classes.of["train"][train[alone]])
    of = _tables(looked, looked)
    of[KINDS[2]] = _Deep.of(case, rows, run).table("train")[np.ix_(alone, alone)]
    same = looked.classes[:, None] == looked.classes[None, :]
    return Originals(Tables(of, same), looked.classes, classes.of["synthetic"][rows["synthetic"]], len(train))


@dataclass(frozen=True, slots=True)
class _Looked:
    pictures: Float32Array
    classes: IntArray

    @classmethod
    def at(cls, images: ImageSet, rows: IntArray, classes: IntArray) -> _Looked:
        return cls((small(images, rows) + np.float32(1.0)) / np.float32(2.0), classes)


@dataclass(frozen=True, slots=True)
class _Deep:
    """Features of random convolutions, scaled so that training pictures lie 1 apart on average."""

    features: Mapping[str, FloatArray]

    @classmethod
    def of(cls, case: Case[Any], rows: Mapping[Any, IntArray], run: Run) -> _Deep:
        seen = features(case, RANDOM, run)
        assert seen is not None
        chosen = {s: seen.of[s][np.isin(drawn(case)[s], rows[s])] for s in rows}
        train = chosen["train"]
        half = len(train) // 2
        apart = np.linalg.norm(train[:half] - train[half : 2 * half], axis=1).mean() if half else 1.0
        return cls({s: x / max(float(apart), 1e-9) for s, x in chosen.items()})

    def table(self, side: str) -> Float32Array:
        """Return 1 less the distance of every picture of a side to every training picture."""
        from synthproof.metrics.any.vectors import squared_distances

        return (1.0 - np.sqrt(squared_distances(self.features[side], self.features["train"]))).astype(np.float32)


def _tables(a: _Looked, b: _Looked) -> dict[str, Float32Array]:
    return {KINDS[0]: similarity(a.pictures, b.pictures)[0], KINDS[1]: multi_scale_similarity(a.pictures, b.pictures)}


def _half(values: FloatArray) -> float:
    return 1.96 * float(values.std(ddof=1)) / float(np.sqrt(len(values))) if len(values) > 1 else 1.0


__all__ = ["KINDS", "Originals", "PerImage", "Similarity", "Tables", "likeness", "originals", "per_image"]
__all__ += ["rows_looked_at", "tables"]
