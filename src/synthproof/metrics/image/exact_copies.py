"""Exact copies: synthetic pictures whose pixels are those of a training picture, judged by how unseen pictures fare."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from synthproof.core.contracts import Case
from synthproof.core.evidence import Attacker, Card, Evidence
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Purpose, Schema
from synthproof.core.words import Words
from synthproof.data.image.dataset import ImageSet
from synthproof.metrics.image.reading import NO_IMAGES, SIDES, side_of, unready
from synthproof.metrics.table.answers import joined
from synthproof.metrics.table.exchangeable import bound_words, evidence, of_attacks

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

_READ = Words(
    en="Pixels compared by SHA-256, mirrored and by quarter turns too. 0: no synthetic image equals a training image more often than an "
    "unseen one. Any change at all hides a copy from this number; near copies are looked for elsewhere.",
    ko="픽셀의 SHA-256 값을(반전과 90도 단위 회전 포함) 비교합니다. 0은 합성 이미지가 미학습 원본보다 학습 원본과 더 자주 같지 않다는 "
    "뜻입니다. 조금이라도 바뀌면 이 수치에 나타나지 않으며, 근접 복제는 별도로 찾습니다.",
)


class ExactCopies:
    """Share of synthetic pictures that equal a training picture pixel by pixel, over what unseen pictures explain.

    Notes
    -----
    Each real picture carries the synthetic ones that equal it, its mirror image or a quarter turn of either, shared out evenly
    among equal real ones; train and holdout being exchangeable before learning, the excess of train is judged by persons
    (`exchangeable.of_attacks`). ``chance_without_leak`` is the exact chance that so many of the real persons met lie in
    train (hypergeometric). One pass over all pixels; no randomness.
    """

    card: ClassVar[Card] = Card(
        id="image.exact_copies",
        version=2,
        family="safety",
        name=Words(en="Exact copies of images", ko="이미지 완전 복제"),
        question=Words(
            en="Does a synthetic image equal a training image pixel by pixel?",
            ko="학습 이미지와 픽셀 단위로 같은 합성 이미지가 있는가?",
        ),
        unit="excess share of synthetic images",
        low=-1.0,
        high=1.0,
        better="lower",
        source="Holdout-based comparison: Platzer & Reutterer 2021, doi:10.3389/fdata.2021.679939; digests of pixels: ours",
        ideal=Words(en="0: no copies beyond coincidence.", ko="0: 우연을 넘는 복제 없음."),
        needs=frozenset({"holdout"}),
        attacker=Attacker(
            knows=Words(en="The synthetic images and one person's image.", ko="합성 이미지와 특정인의 이미지."),
            tries=Words(en="Looks the image up.", ko="같은 이미지를 찾습니다."),
            success=Words(
                en="Finds it more often for persons who were learned from than for persons who were not.",
                ko="학습된 사람이 학습되지 않은 사람보다 더 자주 발견되면 성공입니다.",
            ),
        ),
    )

    def applies(self, schema: Schema, purpose: Purpose, /) -> str | None:
        """Return ``None``, or that the data are not images."""
        return None if schema.modality == "image" else NO_IMAGES.en

    def measure(self, case: Case[Any], /, *, seed: int, run: Run | None = None) -> Sequence[Evidence]:
        """Return one piece of evidence, subject ``all``."""
        job = quiet(run)
        job.tick(self.card.id, 0, 1)
        if (why := unready(self.card, case, seed)) is not None:
            return (why,)
        train, holdout, synthetic = (side_of(case, side) for side in SIDES)
        ids = _numbers([train.digests(), holdout.digests(), synthetic.digests(), *_turned(synthetic)])
        size = 1 + max(int(i.max(initial=0)) for i in ids)
        a, b = (np.bincount(i, minlength=size) for i in ids[:2])
        real = a + b
        ways = np.stack(ids[2:])
        # The first of eight ways to lay it that equals any real picture, so that each counts once.
        met = ways[(real[ways] > 0).argmax(axis=0), np.arange(ways.shape[1])]
        drawn = np.bincount(met, minlength=size)
        weight = np.divide(drawn, real * len(met), out=np.zeros(size), where=real > 0)
        carried = _per_unit(train, weight[ids[0]])
        missed = _per_unit(holdout, weight[ids[1]])
        found = of_attacks(carried, missed, train.n_rows, holdout.n_rows, len(met))
        hits = int(((a > 0) & (real > 0))[met].sum())
        copied = np.flatnonzero(a[met] > 0)
        detail = {
            "equal_to_train": hits,
            "equal_to_unseen": int((b[met] > 0).sum()),
            "unseen_equal_to_train": int((a[ids[1]] > 0).sum()),
            "train_repeated_within": int(train.n_rows - len(np.unique(ids[0]))),
            "images": len(met),
            "chance_without_leak": _chance(int((carried > 0).sum()), int((missed > 0).sum()), len(train), len(holdout)),
        }
        return (
            evidence(
                self.card,
                found,
                subject="all",
                n=len(met),
                seed=seed,
                detail=detail,
                private={"synthetic_rows": copied.tolist()},
                caveat=joined(_READ, bound_words(float(hits), float(len(met)))),
            ),
        )


def _chance(in_train: int, in_holdout: int, train: int, holdout: int) -> float:
    """Return the chance that so many of the persons met lie in train, had nothing been copied (Fisher's exact test)."""
    if in_train == 0:
        return 1.0
    from scipy.stats import hypergeom

    return float(hypergeom.sf(in_train - 1, train + holdout, train, in_train + in_holdout))


def _per_unit(images: ImageSet, weights: FloatArray) -> FloatArray:
    return np.asarray(np.bincount(images.unit_of_row, weights=weights, minlength=len(images)), dtype=np.float64)


def _turned(images: ImageSet) -> list[list[bytes]]:
    """Return the digests of the pictures under the seven other symmetries of a square: mirrored first, then turned."""
    out: list[list[bytes]] = [[] for _ in range(7)]
    for rows in images.batches():
        for picture in images.pixels(rows):
            ways = [np.rot90(shown, k) for k in range(4) for shown in (picture, picture[:, ::-1])][1:]
            for known, way in zip(out, ways, strict=True):
                known.append(hashlib.sha256(np.ascontiguousarray(way).tobytes()).digest())
    return out


def _numbers(digests: Sequence[Sequence[bytes]]) -> list[IntArray]:
    known: dict[bytes, int] = {}
    return [np.array([known.setdefault(d, len(known)) for d in part], dtype=np.intp) for part in digests]
