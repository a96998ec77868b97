"""Kernel distance in named features: unbiased at any size, with an interval and a permutation test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from scipy import stats as _st

from synthproof.core.contracts import Case
from synthproof.core.evidence import Card, Evidence
from synthproof.core.random import permutation, stream
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Purpose, Schema
from synthproof.core.words import Words
from synthproof.engines.threads import one_blas_thread
from synthproof.metrics.image.extractors import CLASSIFIER, OWN, RANDOM, Features, drawn, features, supplied
from synthproof.metrics.image.reading import FEW_PERSONS, NO_IMAGES, Side, pieces_of, side_of, unready

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

LEAST = 100
PIECES = 10
FEWEST_IN_A_PIECE = 40
PERMUTED = 400
PERMUTATIONS = 200

_READ = Words(
    en="Squared kernel distance of synthetic to unseen pictures in features of: {name}. 0: one law; the reference is that of "
    "training to unseen pictures. Unbiased, so it may be negative. The permutation p stands in the detail; with many pictures "
    "it is small for differences that do not matter.",
    ko="{name}의 특징에서 합성 이미지와 미학습 원본 간 커널 거리의 제곱입니다. 0이면 같은 분포이며, 비교값은 학습 원본과 미학습 원본 간 "
    "값입니다. 불편 추정이므로 음수일 수 있습니다. 순열 검정의 p값은 상세에 있으며, 이미지가 많으면 중요하지 않은 차이에도 작아집니다.",
)


class Kid:
    """Kernel distance (KID's form) of synthetic to unseen pictures, beside that of training to unseen ones.

    Parameters
    ----------
    weights, sha256, side, scale, called
        A network of the user's, as in ``image.frechet``.

    Notes
    -----
    Bińkowski et al. 2018, arXiv 1801.01401: unbiased squared maximum mean discrepancy with the kernel (u·v/d + 1)³, on
    features standardised by the unseen pictures. Mean over ten disjoint pieces of both samples (fewer where they would hold
    under 40 pictures or 10 persons), whole persons in each, t interval; pairs of one person's pictures are left out. The
    permutation test exchanges units between 400 pictures of each side, one a person. Subjects: ``all`` (domain classifier, or
    random convolutions without classes) and ``random convolutions``.
    """

    card: ClassVar[Card] = Card(
        id="image.kid",
        version=2,
        family="fidelity",
        name=Words(en="Kernel distance of images", ko="이미지 커널 거리"),
        question=Words(
            en="Do synthetic and unseen images follow one law, as far as a kernel in named features can tell?",
            ko="이름 붙인 특징에서 커널로 볼 때 합성 이미지와 미학습 원본이 같은 분포를 따르는가?",
        ),
        unit="squared distance",
        low=-1e6,
        high=1e9,
        better="lower",
        source="Bińkowski et al. 2018, arXiv 1801.01401",
        ideal=Words(en="0, or what training images give (shown beside it).", ko="0 또는 학습 원본의 값(함께 표시)."),
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
        """Return one piece of evidence an extractor."""
        job = quiet(run)
        job.tick(self.card.id, 0, 1)
        if (why := unready(self.card, case, seed, least=LEAST, persons=FEW_PERSONS)) is not None:
            return (why,)
        own = supplied(self.weights, self.sha256, self.side, self.scale, self.called)
        names = (CLASSIFIER, RANDOM, *([self.called] if own is not None else []))
        seen = [f for name in names if (f := features(case, name, job, own)) is not None]
        return tuple(self._one(case, f, "all" if i == 0 else f.name, seed) for i, f in enumerate(seen))

    def _one(self, case: Case[Any], seen: Features, subject: str, seed: int) -> Evidence:
        real = seen.of["holdout"]
        centre, spread = real.mean(axis=0), real.std(axis=0)
        scale = np.divide(1.0, spread, out=np.zeros_like(spread), where=spread > 1e-9)
        placed = {s: (x - centre) * scale for s, x in seen.of.items()}
        units = {s: side_of(case, s).unit_of_row[drawn(case)[s]] for s in placed}
        value, low, high, k = _pieces(placed, units, "synthetic", seed)
        fresh, fresh_low, fresh_high, _ = _pieces(placed, units, "train", seed)
        p = permutation_p(*(_one_each(case, s, placed[s], seed) for s in ("holdout", "synthetic")), seed=seed)
        return Evidence(
            metric=self.card.id,
            version=self.card.version,
            subject=subject,
            estimate=value,
            interval=(low, high),
            reference=fresh,
            reference_interval=(fresh_low, fresh_high),
            n=len(placed["synthetic"]),
            seed=seed,
            detail={"extractor": seen.name, "digest": seen.digest, "pieces": k, "permutation_p": p},
            caveat=_READ.filled(name=f"{seen.name}, {seen.digest[:19]}…"),
        )


def _one_each(case: Case[Any], side: Side, points: FloatArray, seed: int) -> FloatArray:
    """Return up to 400 pictures of a side, one a unit."""
    _, first = np.unique(side_of(case, side).unit_of_row[drawn(case)[side]], return_index=True)
    return points[first[permutation(seed, f"image.kid/{side}", len(first))[:PERMUTED]]]


def _kernel(a: FloatArray, b: FloatArray) -> FloatArray:
    return np.asarray((a @ b.T / a.shape[1] + 1.0) ** 3, dtype=np.float64)


@one_blas_thread()
def kernel_distance(
    a: FloatArray, b: FloatArray, units_a: IntArray | None = None, units_b: IntArray | None = None
) -> float:
    """Return the unbiased squared distance of two samples, at least two rows each.

    Parameters
    ----------
    units_a, units_b
        Unit of each row, at least two on each side; absent: every row is one. Pairs of one person's pictures are left out,
        as a picture with itself is: they are alike for another reason than the law.
    """
    return _within(a, units_a) + _within(b, units_b) - 2 * float(_kernel(a, b).mean())


def _within(x: FloatArray, units: IntArray | None) -> float:
    """Return the mean kernel of pairs of rows of different units."""
    kernel, n = _kernel(x, x), len(x)
    if units is None or len(np.unique(units)) == n:
        return float((kernel.sum() - np.trace(kernel)) / (n * (n - 1)))
    apart = units[:, None] != units[None, :]
    return float(kernel[apart].sum() / apart.sum())


def _pieces(
    points: Mapping[Side, FloatArray], units: Mapping[Side, IntArray], other: Side, seed: int
) -> tuple[float, float, float, int]:
    """Return mean, t interval and number of disjoint pieces of the holdout and another side, whole persons in each."""
    n = min(len(points["holdout"]), len(points[other]))
    sides: tuple[Side, Side] = ("holdout", other)
    persons = min(len(np.unique(units[s])) for s in sides)
    k, pieces = max(2, min(PIECES, n // FEWEST_IN_A_PIECE, persons // 10)), []
    for i, s in enumerate(sides):
        order = permutation(seed, f"image.kid/pieces/{i}", len(points[s]))[:n]
        pieces.append([(points[s][at], units[s][at]) for at in pieces_of(units[s], k, order)])
    found = np.array([kernel_distance(a, b, of_a, of_b) for (a, of_a), (b, of_b) in zip(*pieces, strict=True)])
    half = float(_st.t.ppf(0.975, k - 1) * found.std(ddof=1) / np.sqrt(k))
    return float(found.mean()), float(found.mean()) - half, float(found.mean()) + half, k


@one_blas_thread()
def permutation_p(a: FloatArray, b: FloatArray, *, seed: int) -> float:
    """Return the share of permutations of the two samples whose distance is at least as large, itself counted."""
    both = np.concatenate([a, b])
    kernel = _kernel(both, both)
    np.fill_diagonal(kernel, 0.0)
    n, m = len(a), len(b)

    def distance(first: npt.NDArray[np.bool_]) -> float:
        x, y = first.astype(np.float64), (~first).astype(np.float64)
        kx, ky = kernel @ x, kernel @ y
        return float(x @ kx / (n * (n - 1)) + y @ ky / (m * (m - 1)) - 2 * (x @ ky) / (n * m))

    start = np.arange(n + m) < n
    observed = distance(start)
    more = sum(
        distance(start[stream(seed, "image.kid/permutation", i).permutation(n + m)]) >= observed
        for i in range(PERMUTATIONS)
    )
    return (1 + more) / (1 + PERMUTATIONS)


__all__ = ["Kid", "kernel_distance", "permutation_p"]
