"""Classical tests on intensities and on principal scores, with effect sizes: a picture counts once, not each of its pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from synthproof.core.contracts import Case
from synthproof.core.evidence import Card, Evidence
from synthproof.core.random import stream
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Purpose, Schema
from synthproof.core.stats import wilson
from synthproof.core.words import Words
from synthproof.data.image.dataset import ImageSet
from synthproof.metrics.image.extractors import PIXELS, drawn, features
from synthproof.metrics.image.reading import NO_IMAGES, Side, side_of, unready

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

LEAST = 30
LEVELS = 256
PERMUTATIONS = 200
SIGNIFICANT = 0.05

_READ = Words(
    en="Largest gap between the distributions of all pixels' intensities (256 levels, one chain for real and synthetic); the "
    "reference is training against unseen images. With ten million pixels any difference has p = 0, so p comes from exchanging "
    "whole persons. It says nothing of what the images show: shuffled pixels score 0.",
    ko="모든 픽셀의 밝기 분포(256단계, 같은 전처리) 간 최대 차이이며, 비교값은 학습 원본과 미학습 원본 간 차이입니다. 픽셀이 천만 "
    "개면 어떤 차이든 p가 0이 되므로 사람 단위로 바꾸어 가며 p를 구합니다. 이미지의 내용은 말해 주지 않으며, 픽셀을 섞어도 0이 됩니다.",
)
_FEATURES = Words(
    en="Share of the pixels' leading axes on which a Kolmogorov-Smirnov test tells synthetic from unseen images (Holm, 5 %).",
    ko="픽셀 주성분 점수 가운데 콜모고로프-스미르노프 검정으로 합성과 미학습 원본이 구별되는 비율(Holm 보정, 5%)입니다.",
)


class PixelTests:
    """Kolmogorov-Smirnov and Mann-Whitney on intensities, and on principal scores, as effect sizes.

    Notes
    -----
    Subjects: ``all``, the KS distance of pooled intensities; ``Mann-Whitney``, |Cliff's δ| = |2 AUC - 1| of them;
    ``axes``, the share of up to 32 principal axes of train's pixels on which a two-sample KS test (one picture a person)
    rejects after Holm's correction. Intensities are brought to 256 levels of the chain's range first: a background of 0 on one
    side and 0.004 on the other moves KS by the share of background, 0.8 for digits. p by 200 exchanges of whole persons.
    Intervals of the first two by bootstrap of persons. Linear in the number of pixels.
    """

    card: ClassVar[Card] = Card(
        id="image.pixel_tests",
        version=1,
        family="fidelity",
        name=Words(en="Tests on pixels, effect sizes", ko="픽셀 검정의 효과크기(KS·맨-휘트니)"),
        question=Words(
            en="How large is the difference that classical tests on pixels look for, beside that of other real images?",
            ko="픽셀에 대한 고전적 검정이 찾는 차이는 다른 원본에 비해 얼마나 큰가?",
        ),
        unit="effect size (0 to 1)",
        low=0.0,
        high=1.0,
        better="lower",
        source="Massey 1951 doi:10.1080/01621459.1951.10500769; Cliff 1993 doi:10.1037/0033-2909.114.3.494; Holm 1979",
        ideal=Words(en="What training images differ by (shown beside it).", ko="학습 원본과의 차이(함께 표시)."),
        needs=frozenset({"holdout"}),
    )

    def applies(self, schema: Schema, purpose: Purpose, /) -> str | None:
        """Return ``None``, or that the data are not images."""
        return None if schema.modality == "image" else NO_IMAGES.en

    def measure(self, case: Case[Any], /, *, seed: int, run: Run | None = None) -> Sequence[Evidence]:
        """Return evidence for the subjects ``all``, ``Mann-Whitney`` and ``axes``."""
        job = quiet(run)
        job.tick(self.card.id, 0, 1)
        if (why := unready(self.card, case, seed, least=LEAST)) is not None:
            return (why,)
        counts = {s: _by_unit(side_of(case, s), drawn(case)[s]) for s in drawn(case)}
        return (
            self._intensity("all", _ks, counts, seed),
            self._intensity("Mann-Whitney", _cliff, counts, seed),
            self._axes(case, seed, job),
        )

    def _intensity(self, subject: str, effect: Any, counts: dict[Side, FloatArray], seed: int) -> Evidence:
        real, other = counts["holdout"], counts["synthetic"]
        value = effect(real.sum(axis=0), other.sum(axis=0))
        draws = [
            effect(*(x[stream(seed, f"pixel_tests/{k}", b).integers(0, len(x), len(x))].sum(axis=0) for k, x in sides))
            for b, sides in ((b, (("real", real), ("other", other))) for b in range(PERMUTATIONS))
        ]
        low, high = (float(x) for x in np.quantile(draws, [0.025, 0.975]))
        both, n = np.concatenate([real, other]), len(real)
        whole = both.sum(axis=0)
        more = 0
        for i in range(PERMUTATIONS):
            first = both[stream(seed, "pixel_tests/permutation", i).permutation(len(both))[:n]].sum(axis=0)
            more += int(effect(first, whole - first) >= value)
        return Evidence(
            metric=self.card.id,
            version=self.card.version,
            subject=subject,
            estimate=value,
            interval=(min(low, value), max(high, value)),
            reference=effect(real.sum(axis=0), counts["train"].sum(axis=0)),
            n=len(other),
            seed=seed,
            detail={"permutation_p": (1 + more) / (1 + PERMUTATIONS), "levels": LEVELS},
            caveat=_READ if subject == "all" else None,
        )

    def _axes(self, case: Case[Any], seed: int, run: Run) -> Evidence:
        seen = features(case, PIXELS, run)
        assert seen is not None
        points = {}
        for side, x in seen.of.items():
            _, first = np.unique(side_of(case, side).unit_of_row[drawn(case)[side]], return_index=True)
            points[side] = x[first]
        rejected, effects = _holm_ks(points["holdout"], points["synthetic"])
        unseen, _ = _holm_ks(points["holdout"], points["train"])
        k = len(effects)
        return Evidence(
            metric=self.card.id,
            version=self.card.version,
            subject="axes",
            estimate=rejected / k,
            interval=wilson(rejected, k),
            reference=unseen / k,
            n=len(points["synthetic"]),
            seed=seed,
            detail={"axes": k, "ks_by_axis": effects},
            caveat=_FEATURES,
        )


def _by_unit(images: ImageSet, rows: IntArray) -> FloatArray:
    """Return counts of the 256 levels over each unit's pixels, as shares of a picture: (n_units, 256)."""
    units = np.unique(images.unit_of_row[rows], return_inverse=True)[1]
    out = np.zeros((int(units.max(initial=-1)) + 1, LEVELS))
    for start in range(0, len(rows), 256):
        block = images.pixels(rows[start : start + 256]).reshape(len(rows[start : start + 256]), -1)
        levels = (block >> 8 if images.chain.bits == 16 else block).astype(np.intp)
        for unit, given in zip(units[start : start + 256].tolist(), levels, strict=True):
            out[unit] += np.bincount(given, minlength=LEVELS) / levels.shape[1]
    return out


def _ks(a: FloatArray, b: FloatArray) -> float:
    return float(np.abs(np.cumsum(a) / a.sum() - np.cumsum(b) / b.sum()).max())


def _cliff(a: FloatArray, b: FloatArray) -> float:
    """Return |P(a > b) - P(a < b)| of intensities with these counts."""
    p, q = a / a.sum(), b / b.sum()
    below = np.cumsum(q) - q
    above = 1.0 - np.cumsum(q)
    return float(min(1.0, abs(p @ below - p @ above)))


def _holm_ks(a: FloatArray, b: FloatArray) -> tuple[int, list[float]]:
    """Return how many axes a two-sample KS test rejects after Holm's correction, and the KS distance on each."""
    from scipy.stats import ks_2samp

    found = [ks_2samp(a[:, j], b[:, j], method="asymp") for j in range(a.shape[1])]
    p = np.sort([f.pvalue for f in found])
    passed = p * np.arange(len(p), 0, -1) <= SIGNIFICANT
    return int(len(p) if passed.all() else passed.argmin()), [float(f.statistic) for f in found]


__all__ = ["PixelTests"]
