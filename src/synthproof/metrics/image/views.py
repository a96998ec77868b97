"""The pictures of the published comparisons as numbers: neighbours that mix, clusters that fill alike, densities that overlap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from synthproof.core.contracts import Case
from synthproof.core.evidence import Card, Evidence
from synthproof.core.random import derive, permutation, stream
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Purpose, Schema
from synthproof.core.words import Words
from synthproof.engines.threads import one_blas_thread, one_openmp_thread
from synthproof.metrics.any.vectors import squared_distances
from synthproof.metrics.image.extractors import CLASSIFIER, RANDOM, features
from synthproof.metrics.image.reading import NO_IMAGES, Side, unready

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

LEAST = 100
CAP = 1_500
NEIGHBOURS = 10
CLUSTERS = 10
GRID = 24
BOOTSTRAPS = 100

_READ = Words(
    en="Share of the ten nearest neighbours of an image, real and synthetic together in equal number, that are of the other sort, "
    "over one half: 1 is fully mixed, 0 fully apart. The reference is that of training among unseen images.",
    ko="실제와 합성을 같은 수로 섞었을 때 가장 가까운 이웃 10개 중 다른 쪽인 비율을 1/2로 나눈 값입니다. 1이면 완전히 섞이고 0이면 "
    "완전히 나뉩니다. 비교값은 학습 원본과 미학습 원본을 섞은 값입니다.",
)
_CLUSTERS = Words(
    en="1 less the total variation between the shares of real and synthetic images in ten clusters of both.",
    ko="10개 군집에 든 실제와 합성 이미지 비율의 총변동거리를 1에서 뺀 값입니다.",
)
_DENSITY = Words(
    en="Overlap of the densities of real and synthetic images on their first two principal axes.",
    ko="처음 두 주성분에서 실제와 합성 이미지 밀도가 겹치는 정도입니다.",
)


class Views:
    """Mixing of neighbours, likeness of clusters and overlap of densities: what t-SNE, k-means and KDE figures show.

    Notes
    -----
    In features of the domain classifier (random convolutions without classes), at most 1,500 pictures a side. Subjects:
    ``all`` (mixing), ``clusters`` (k-means, one fit of real and synthetic together), ``density`` (Gaussian kernels of
    Scott's width on a grid of 24 x 24). The grids stand in the detail for a figure: aggregates, no picture's place.
    Intervals by bootstrap over pictures.
    """

    card: ClassVar[Card] = Card(
        id="image.views",
        version=1,
        family="fidelity",
        name=Words(en="Mixing, clusters, densities", ko="혼합도·군집·밀도(시각화의 수치)"),
        question=Words(
            en="Do figures of real and synthetic images together show one cloud or two?",
            ko="실제와 합성 이미지를 함께 그리면 하나의 구름인가, 둘인가?",
        ),
        unit="share",
        low=0.0,
        high=2.0,
        better="higher",
        source="Schilling 1986, doi:10.1080/01621459.1986.10478337 (neighbours); Inman & Bradley 1989, "
        "doi:10.1080/03610928908830127 (overlap)",
        ideal=Words(en="What training images give (shown beside it).", ko="학습 원본의 값(함께 표시)."),
        needs=frozenset({"holdout"}),
    )

    def applies(self, schema: Schema, purpose: Purpose, /) -> str | None:
        """Return ``None``, or that the data are not images."""
        return None if schema.modality == "image" else NO_IMAGES.en

    def measure(self, case: Case[Any], /, *, seed: int, run: Run | None = None) -> Sequence[Evidence]:
        """Return evidence for the subjects ``all``, ``clusters`` and ``density``."""
        job = quiet(run)
        job.tick(self.card.id, 0, 1)
        if (why := unready(self.card, case, seed, least=LEAST)) is not None:
            return (why,)
        seen = features(case, CLASSIFIER, job) or features(case, RANDOM, job)
        assert seen is not None
        n = min(CAP, *(len(x) for x in seen.of.values()))
        sides: tuple[Side, ...] = ("holdout", "synthetic", "train")
        real, other, fresh = (seen.of[s][permutation(seed, f"image.views/{s}", len(seen.of[s]))[:n]] for s in sides)
        reach = _reach(real)
        mixed = [_mean(_mixed(real, x), seed, 2.0) for x in (other, fresh)]
        labels, unseen = (_clusters(real, x, seed) for x in (other, fresh))
        grids = [(_density(real, reach), _density(x, reach)) for x in (other, fresh)]
        value, interval = mixed[0]
        out = [self._evidence("all", value, interval, mixed[1][0], n, seed, {}, _READ)]
        value, interval = _shares_alike(labels, n, seed)
        reference = _shares_alike(unseen, n, seed)[0]
        out.append(self._evidence("clusters", value, interval, reference, n, seed, _shares(labels, n), _CLUSTERS))
        overlap = [float(np.minimum(a, b).sum()) for a, b in grids]
        draws = [float(np.minimum(grids[0][0], _density(other[_again(seed, b, n)], reach)).sum()) for b in range(20)]
        low, high = float(np.min(draws)), float(np.max(draws))
        shown = {"real": grids[0][0].round(6).tolist(), "synthetic": grids[0][1].round(6).tolist()}
        span = (min(low, overlap[0]), max(high, overlap[0]))
        out.append(self._evidence("density", overlap[0], span, overlap[1], n, seed, shown, _DENSITY))
        return [_named(e, seen.name, seen.digest) for e in out]

    def _evidence(
        self,
        subject: str,
        value: float,
        interval: tuple[float, float],
        reference: float,
        n: int,
        seed: int,
        detail: dict[str, Any],
        caveat: Words,
    ) -> Evidence:
        return Evidence(
            metric=self.card.id,
            version=self.card.version,
            subject=subject,
            estimate=value,
            interval=interval,
            reference=reference,
            n=n,
            seed=seed,
            detail=detail,
            caveat=caveat,
        )


def _named(e: Evidence, name: str, digest: str) -> Evidence:
    from dataclasses import replace

    return replace(e, detail={**e.detail, "extractor": name, "digest": digest})


def _again(seed: int, repeat: int, n: int) -> IntArray:
    return stream(seed, "image.views/bootstrap", repeat).integers(0, n, n).astype(np.intp)


@one_blas_thread()
def _mixed(real: FloatArray, other: FloatArray) -> FloatArray:
    """Return, for every picture of both, the share of its ten nearest that are of the other sort, over chance."""
    both = np.concatenate([real, other])
    sort = np.arange(len(both)) < len(real)
    apart = squared_distances(both, both)
    np.fill_diagonal(apart, np.inf)
    nearest = np.argpartition(apart, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
    chance = len(real) / (len(both) - 1)
    return np.asarray((sort[nearest] != sort[:, None]).mean(axis=1) / chance, dtype=np.float64)


def _mean(values: FloatArray, seed: int, top: float) -> tuple[float, tuple[float, float]]:
    n = len(values)
    draws = [float(values[_again(seed, b, n)].mean()) for b in range(BOOTSTRAPS)]
    low, high = (float(x) for x in np.quantile(draws, [0.025, 0.975]))
    mean = float(min(top, values.mean()))
    return mean, (min(low, mean), max(min(high, top), mean))


def _clusters(real: FloatArray, other: FloatArray, seed: int) -> IntArray:
    """Return the cluster of every picture of both."""
    from sklearn.cluster import KMeans

    with one_blas_thread(), one_openmp_thread():
        fit = KMeans(CLUSTERS, n_init=2, random_state=derive(seed, "image.views/clusters") % 2**31)
        return np.asarray(fit.fit_predict(np.concatenate([real, other])), dtype=np.intp)


def _shares(labels: IntArray, n: int) -> dict[str, Any]:
    real, other = (np.bincount(x, minlength=CLUSTERS) / n for x in (labels[:n], labels[n:]))
    return {"real": real.tolist(), "synthetic": other.tolist()}


def _shares_alike(labels: IntArray, n: int, seed: int) -> tuple[float, tuple[float, float]]:
    def alike(real: IntArray, other: IntArray) -> float:
        a, b = (np.bincount(x, minlength=CLUSTERS) / n for x in (real, other))
        return max(0.0, 1.0 - 0.5 * float(np.abs(a - b).sum()))

    value = alike(labels[:n], labels[n:])
    draws = [
        alike(labels[:n][_again(seed, 2 * b, n)], labels[n:][_again(seed, 2 * b + 1, n)]) for b in range(BOOTSTRAPS)
    ]
    low, high = (float(x) for x in np.quantile(draws, [0.025, 0.975]))
    return value, (min(low, value), max(high, value))


def _reach(real: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return centre, first two axes and half-widths of the grid, from the unseen pictures."""
    centre = real.mean(axis=0)
    _, vectors = np.linalg.eigh((real - centre).T @ (real - centre))
    axes = vectors[:, ::-1][:, :2]
    return centre, axes, 3.5 * np.maximum(((real - centre) @ axes).std(axis=0), 1e-9)


@one_blas_thread()
def _density(points: FloatArray, reach: tuple[FloatArray, FloatArray, FloatArray]) -> FloatArray:
    """Return the share of the density in each cell of the grid; what lies outside it is in no cell."""
    centre, axes, half = reach
    at = (points - centre) @ axes
    width = half / 3.5 * len(at) ** (-1 / 6)
    middles = [np.linspace(-h, h, GRID) for h in half]
    first, second = (
        np.exp(-0.5 * ((m[:, None] - at[None, :, j]) / w) ** 2) / (w * np.sqrt(2 * np.pi))
        for j, (m, w) in enumerate(zip(middles, width, strict=True))
    )
    cell = float(np.prod([m[1] - m[0] for m in middles]))
    return np.asarray(first @ second.T / len(at) * cell, dtype=np.float64)


__all__ = ["Views"]
