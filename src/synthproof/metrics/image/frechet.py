"""Fréchet distance in named features, always beside that of real pictures against real ones at the same size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from synthproof.core.contracts import Case
from synthproof.core.evidence import Card, Evidence
from synthproof.core.random import permutation, stream
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Purpose, Schema
from synthproof.core.words import Words
from synthproof.data.image.dataset import ImageSet
from synthproof.engines.threads import one_blas_thread
from synthproof.metrics.image.extractors import (
    CLASSIFIER,
    OWN,
    PIXELS,
    RANDOM,
    Features,
    Supplied,
    drawn,
    features,
    supplied,
)
from synthproof.metrics.image.reading import FEW_PERSONS, NO_IMAGES, side_of, unready
from synthproof.metrics.table.answers import insufficient

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

LEAST = 100
LEAST_IN_A_HALF = 40
"""Pictures of each half: of fewer, real halves lie so far apart that anything is as like them."""
HALVINGS = 30
SIZES = 5

_READ = Words(
    en="Fréchet distance of synthetic pictures to unseen ones, over that of two halves of the unseen ones, all of one size: 1 "
    "is what fresh real pictures give. Features: {name}. This is not the FID of publications, which needs the Inception "
    "weights and their own pictures. The interval is over random halves. Exact copies of the training pictures score well "
    "here: read it beside the safety numbers.",
    ko="합성 이미지와 미학습 원본 간 프레셰 거리를, 같은 크기의 미학습 원본 두 절반 간 거리로 나눈 값입니다. 1이 새로운 원본 수준입니다. "
    "특징: {name}. Inception 가중치와 고유한 표본이 필요한 논문의 FID와는 다른 값입니다. 구간은 무작위 절반에 대한 것입니다. "
    "학습 이미지의 복제도 좋은 값을 얻으므로 안전성 수치와 함께 읽으십시오.",
)
_UNEVEN = Words(
    en="Random halves of the unseen persons hold as few as {n} images on one side (one person has most of them); at least {least} are "
    "needed.",
    ko="미학습 원본의 대상자를 무작위로 절반씩 나누면 한쪽 이미지가 {n}건에 그칩니다(한 사람의 이미지가 대부분). {least}건 이상이 "
    "필요합니다.",
)


class Frechet:
    """Normalised Fréchet distance (nFD) in the features of several named extractors.

    Parameters
    ----------
    weights, sha256, side, scale, called
        A TorchScript file of the user's, its digest, the side and range of the pixels it wants (`supplied.SCALES`), and
        what to call it.

    Notes
    -----
    FD = |μ₁ - μ₂|² + tr(Σ₁ + Σ₂ - 2 (Σ₁^½ Σ₂ Σ₁^½)^½) (Dowson & Landau 1982, doi:10.1016/0047-259X(82)90077-X; Heusel et
    al. 2017, arXiv 1706.08500), in float64 by eigenvalues with negative ones clipped: the plain square root returns
    negative distances on features without full rank. nFD = FD(C1, synthetic) / FD(C1, C2) where C1 and C2 are random halves
    of the unseen units and all three have n pictures, since FD falls with n. FD∞ in the detail is the intercept of FD
    against 1/n (Chong & Forsyth 2020, arXiv 1911.07023).

    The classifier sees content, the random convolutions blur and noise, the pixels' axes shifts: each alone is blind to
    something. Subject ``all`` is the classifier's where classes are known, else that of the random convolutions.
    Cost 60 eigen-decompositions of 64 x 64 for each extractor, and the features.
    """

    card: ClassVar[Card] = Card(
        id="image.frechet",
        version=1,
        family="fidelity",
        name=Words(en="Fréchet distance over that of real images", ko="원본 대비 프레셰 거리 비(nFD)"),
        question=Words(
            en="Are the synthetic images, as a whole, as like unseen real ones as those are among themselves?",
            ko="합성 이미지 전체가 미학습 원본끼리 닮은 만큼 미학습 원본과 닮았는가?",
        ),
        unit="ratio of distances",
        low=0.0,
        high=1e6,
        better="lower",
        source="Heusel et al. 2017, arXiv 1706.08500; Chong & Forsyth 2020, arXiv 1911.07023; ratio to real halves: ours",
        ideal=Words(en="1: like fresh real images.", ko="1: 새로운 원본 이미지와 같음."),
        needs=frozenset({"holdout"}),
    )

    def __init__(
        self, weights: str = "", sha256: str = "", side: int = 299, scale: str = "symmetric", called: str = OWN
    ) -> None:
        self.weights = weights
        self.sha256 = sha256
        self.side = side
        self.scale = scale
        self.called = called

    def applies(self, schema: Schema, purpose: Purpose, /) -> str | None:
        """Return ``None``, or that the data are not images."""
        return None if schema.modality == "image" else NO_IMAGES.en

    def measure(self, case: Case[Any], /, *, seed: int, run: Run | None = None) -> Sequence[Evidence]:
        """Return nFD by the main extractor (subject ``all``), then by each of the others under its name."""
        job = quiet(run)
        job.tick(self.card.id, 0, 1)
        if (why := unready(self.card, case, seed, least=LEAST, persons=FEW_PERSONS)) is not None:
            return (why,)
        own = supplied(self.weights, self.sha256, self.side, self.scale, self.called)
        if own is not None:  # weights that are not the ones named are refused before anything costs time
            features(case, self.called, job, own)
        names = (CLASSIFIER, RANDOM, PIXELS, *([self.called] if own is not None else []))
        seen = [f for name in names if (f := features(case, name, job, own)) is not None]
        return tuple(
            self._one(case, f, "all" if i == 0 else f.name, seed, None if f.name != self.called or own is None else own)
            for i, f in enumerate(seen)
        )

    def _one(self, case: Case[Any], seen: Features, subject: str, seed: int, own: Supplied | None) -> Evidence:
        rows = drawn(case)
        real, other = seen.of["holdout"], seen.of["synthetic"]
        against, among = [], []
        n = min(len(real) // 2, len(other))
        halves = [_halves(side_of(case, "holdout"), rows["holdout"], seed, r) for r in range(HALVINGS)]
        if (least := min(len(h) for pair in halves for h in pair)) < LEAST_IN_A_HALF:
            why = _UNEVEN.filled(n=least, least=LEAST_IN_A_HALF)
            return insufficient(self.card, why, subject=subject, n=least, seed=seed)
        for r, (first, second) in enumerate(halves):
            n = min(n, len(first), len(second))
            c1, c2 = real[first[:n]], real[second[:n]]
            s = other[permutation(seed, f"frechet/synthetic/{r}", len(other))[:n]]
            against.append(frechet_distance(c1, s))
            among.append(frechet_distance(c1, c2))
        # Over the mean of all halvings: a single one of few pictures moves more than what is measured.
        unit = max(float(np.mean(among)), 1e-12)
        value = float(np.mean(against)) / unit
        low, high = (float(x) / unit for x in np.quantile(against, [0.025, 0.975]))
        detail: dict[str, Any] = {
            "extractor": seen.name,
            "digest": seen.digest,
            "dimensions": int(real.shape[1]),
            "n": n,
            "fd": float(np.mean(against)),
            "fd_real": float(np.mean(among)),
            "fd_real_interval": [float(x) for x in np.quantile(among, [0.025, 0.975])],
            "fd_infinite": _extrapolated(real, other, seed),
            "fd_infinite_train": _extrapolated(real, seen.of["train"], seed),
        }
        if own is not None:
            detail["weights"] = {k: v for k, v in asdict(own).items() if k != "path"}
        return Evidence(
            metric=self.card.id,
            version=self.card.version,
            subject=subject,
            estimate=value,
            interval=(min(low, value), max(high, value)),
            reference=1.0,
            n=n,
            seed=seed,
            detail=detail,
            caveat=_READ.filled(name=f"{seen.name}, {seen.digest[:19]}…, n = {n}"),
        )


def _halves(images: ImageSet, rows: IntArray, seed: int, repeat: int) -> tuple[IntArray, IntArray]:
    """Return positions in `rows` of two random halves of the units, each in random order."""
    units = images.unit_of_row[rows]
    present = np.unique(units)
    order = permutation(seed, f"frechet/halves/{repeat}", len(present))
    first = np.isin(units, present[order[: len(present) // 2]])
    shuffled = permutation(seed, f"frechet/order/{repeat}", len(rows))
    return shuffled[first[shuffled]], shuffled[~first[shuffled]]


@one_blas_thread()
def frechet_distance(a: FloatArray, b: FloatArray) -> float:
    """Return the Fréchet distance of two samples of features, taken for normal: at least two rows each, never negative."""
    mean = a.mean(axis=0) - b.mean(axis=0)
    if min(len(a), len(b)) < a.shape[1]:
        # fewer pictures than features: the shared part is the sum of the singular values of one small product
        u, v = ((x - x.mean(axis=0)) / np.sqrt(len(x) - 1) for x in (a, b))
        common = float(np.linalg.svd(u @ v.T, compute_uv=False).sum())
        return max(0.0, float(mean @ mean + (u * u).sum() + (v * v).sum() - 2.0 * common))
    first, second = (np.atleast_2d(np.cov(x, rowvar=False)) for x in (a, b))
    values, vectors = np.linalg.eigh(first)
    root = (vectors * np.sqrt(np.clip(values, 0.0, None))) @ vectors.T
    inner = np.linalg.eigvalsh(root @ second @ root)
    shared = float(np.sqrt(np.clip(inner, 0.0, None)).sum())
    return max(0.0, float(mean @ mean + np.trace(first) + np.trace(second) - 2.0 * shared))


def _extrapolated(real: FloatArray, other: FloatArray, seed: int) -> float:
    """Return the intercept of the distance against 1/n over five sizes of both samples."""
    most = min(len(real), len(other))
    sizes = np.unique(np.linspace(max(most // 4, min(most, 40)), most, SIZES).astype(int))
    if len(sizes) < 2:
        return frechet_distance(real, other)
    found = []
    for i, n in enumerate(sizes.tolist()):
        draws = stream(seed, "frechet/infinite", i)
        found.append(frechet_distance(real[draws.permutation(len(real))[:n]], other[draws.permutation(len(other))[:n]]))
    return float(np.polyfit(1.0 / sizes, found, 1)[1])


__all__ = ["Frechet", "frechet_distance"]
