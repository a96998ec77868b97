"""Do synthetic data fall into the same clusters? Agreement of k-means learned on real and on synthetic units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from scipy import stats as _st

from synthproof.core.contracts import Case
from synthproof.core.evidence import Card, Evidence
from synthproof.core.random import derive, permutation, stream
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Purpose, Schema
from synthproof.core.words import Words
from synthproof.engines.threads import one_blas_thread, one_openmp_thread
from synthproof.metrics.any.vectors import NO_SPACE, squared_distances, vectors
from synthproof.metrics.table.answers import (
    HOLDOUT_UNITS,
    NEEDS_HOLDOUT,
    REAL_UNITS,
    SYNTHETIC_UNITS,
    insufficient,
    too_few,
)

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

CLUSTERS = 8
PIECES = 6
LEAST_IN_A_PIECE = 40
CAP = 9_000
"""Units a side that are learned from; more are thinned at random."""
MOST_ASSIGNED = 5_000
SHOWN = 10
MEASURES = ("ARI", "NMI")

_READ = Words(
    en="k-means with 8 clusters is learned on disjoint pieces of train and of the synthetic data, all of one size, and "
    "each sorts the same unseen real units. The number is the mean agreement (adjusted Rand index) of sortings learned "
    "from real and from synthetic pieces; the reference is that of two real pieces, which is below 1 since clusters are "
    "never found twice alike. The interval is a jackknife over pieces.",
    ko="군집 8개의 k-평균을 같은 크기로 겹치지 않게 나눈 학습 원본 조각과 합성데이터 조각에서 각각 학습하고, 같은 미학습 "
    "원본을 분류하게 합니다. "
    "값은 원본 조각과 합성 조각에서 학습한 분류의 평균 일치도(수정 랜드 지수)이며, 비교값은 두 원본 조각의 일치도입니다"
    "(군집은 똑같이 재현되지 않으므로 1보다 작음). 구간은 조각에 대한 잭나이프입니다.",
)


class Clusters:
    """Adjusted Rand index (subject ``all``) and normalised mutual information of clusterings, real and synthetic.

    Notes
    -----
    A clustering is learned by k-means (Lloyd, k-means++ starts, two tries) in the embedder's space. Estimate: the mean
    over all pairs of a real and a synthetic piece, a two-sample U-statistic; reference: the mean over all pairs of real
    pieces. Cost O(n · d · k), 1 s for 9,000 units a side × 100 dimensions, the most that are learned from.
    """

    card: ClassVar[Card] = Card(
        id="any.clusters",
        version=1,
        family="fidelity",
        name=Words(en="Agreement of clusters (k-means)", ko="군집 일치도(k-평균, ARI·NMI)"),
        question=Words(
            en="Does someone who looks for groups find the same groups in the synthetic data as in the real data?",
            ko="집단을 찾는 분석에서 합성데이터와 원본이 같은 군집을 보입니까?",
        ),
        unit="agreement (1: the same)",
        low=-1.0,
        high=1.0,
        better="higher",
        ideal=Words(
            en="The agreement of two real samples (shown beside it).",
            ko="두 원본 표본 간의 일치도(함께 표시).",
        ),
        source="Hubert & Arabie 1985 (ARI) doi:10.1007/BF01908075; Strehl & Ghosh 2002 (NMI); Lloyd 1982 "
        "doi:10.1109/TIT.1982.1056489",
        needs=frozenset({"holdout"}),
    )

    def applies(self, schema: Schema, purpose: Purpose, /) -> str | None:
        """Return ``None``: any units that can be placed as points will do."""
        return None

    def measure(self, case: Case[Any], /, *, seed: int, run: Run | None = None) -> Sequence[Evidence]:
        """Return the adjusted Rand index and the normalised mutual information."""
        job = quiet(run)
        job.tick(self.card.id, 0, 1)
        if case.holdout is None:
            return [insufficient(self.card, NEEDS_HOLDOUT, seed=seed)]
        least = PIECES * LEAST_IN_A_PIECE
        for n, need, what in (
            (len(case.train), least, REAL_UNITS),
            (len(case.synthetic), least, SYNTHETIC_UNITS),
            (len(case.holdout), LEAST_IN_A_PIECE, HOLDOUT_UNITS),
        ):
            if n < need:
                return [too_few(self.card, n, need, what, seed=seed)]
        held = vectors(case, "holdout", run)
        if held.shape[1] == 0:
            return [insufficient(self.card, NO_SPACE, seed=seed)]
        held = held[permutation(seed, "clusters/holdout", len(held))[:MOST_ASSIGNED]]
        size = min(len(case.train), len(case.synthetic), CAP) // PIECES
        jobs = []
        for side in ("train", "synthetic"):
            points = vectors(case, side, run)
            order = permutation(seed, f"clusters/{side}", len(points))
            jobs += [
                _Job(points[order[i * size : (i + 1) * size]], held, derive(seed, f"clusters/{side}/{i}"))
                for i in range(PIECES)
            ]
        sorted_by = job.map(_sort, jobs, self.card.id)
        pairs = {m: _pairs(sorted_by, m) for m in MEASURES}
        shares = _shares(sorted_by[0], *(vectors(case, s, run) for s in ("train", "synthetic")))
        return [self._evidence(m, *pairs[m], size, len(held), shares, seed) for m in MEASURES]

    def _evidence(
        self,
        measure: str,
        within: FloatArray,
        across: FloatArray,
        size: int,
        held: int,
        shares: dict[str, list[float | None]],
        seed: int,
    ) -> Evidence:
        value, se = _two_sample(across)
        reference, se_reference = _one_sample(within)
        return Evidence(
            metric=self.card.id,
            version=self.card.version,
            subject="all" if measure == MEASURES[0] else measure,
            estimate=value,
            interval=_around(value, se),
            reference=reference,
            reference_interval=_around(reference, se_reference),
            n=held,
            seed=seed,
            detail={
                "measure": measure,
                "clusters": CLUSTERS,
                "pieces": PIECES,
                "units_a_piece": size,
                **(shares if measure == MEASURES[0] else {}),
            },
            caveat=_READ if measure == MEASURES[0] else None,
        )


@dataclass(frozen=True, slots=True)
class _Job:
    """A piece to learn from, the units to sort, and the seed of the starts."""

    piece: FloatArray
    held: FloatArray
    seed: int


@dataclass(frozen=True, slots=True)
class _Sorted:
    """Centres, and the cluster of each unseen unit."""

    centres: FloatArray
    labels: IntArray


@one_blas_thread()
def _sort(job: _Job) -> _Sorted:
    from sklearn.cluster import KMeans

    # distinct units by one random projection: sorting whole rows costs more than the clustering
    distinct = len(np.unique(np.round(job.piece @ stream(job.seed, "projection").random(job.piece.shape[1]), 9)))
    with one_openmp_thread():
        model = KMeans(min(CLUSTERS, distinct), n_init=2, random_state=job.seed % 2**32).fit(job.piece)
    centres = np.asarray(model.cluster_centers_, dtype=np.float64)
    return _Sorted(centres, _nearest(job.held, centres))


def _nearest(points: FloatArray, centres: FloatArray) -> IntArray:
    return np.asarray(squared_distances(points, centres).argmin(axis=1), dtype=np.intp)


def _pairs(sorted_by: Sequence[_Sorted], measure: str) -> tuple[FloatArray, FloatArray]:
    """Return agreements of real pieces among each other, and of real with synthetic pieces, both (pieces, pieces)."""
    real, other = sorted_by[:PIECES], sorted_by[PIECES:]
    score = adjusted_rand if measure == "ARI" else mutual_information
    within = np.array([[score(a.labels, b.labels) for b in real] for a in real])
    return within, np.array([[score(a.labels, b.labels) for b in other] for a in real])


def _table(a: IntArray, b: IntArray) -> FloatArray:
    k = int(b.max()) + 1
    return np.bincount(a * k + b, minlength=(int(a.max()) + 1) * k).reshape(-1, k).astype(np.float64)


def adjusted_rand(a: IntArray, b: IntArray) -> float:
    """Return the adjusted Rand index of two sortings of the same units (Hubert & Arabie 1985, eq. 5)."""
    t = _table(a, b)

    def choose(x: FloatArray) -> float:
        return float((x * (x - 1) / 2).sum())

    together, rows, columns = choose(t), choose(t.sum(axis=1)), choose(t.sum(axis=0))
    by_chance = rows * columns / max(1.0, choose(np.array([t.sum()])))
    most = (rows + columns) / 2
    return 1.0 if most == by_chance else (together - by_chance) / (most - by_chance)


def mutual_information(a: IntArray, b: IntArray) -> float:
    """Return the mutual information of two sortings over the mean of their entropies, 0 to 1."""
    p = _table(a, b) / len(a)
    entropy = [-float((x[x > 0] * np.log(x[x > 0])).sum()) for x in (p.sum(axis=1), p.sum(axis=0), p.ravel())]
    mean = (entropy[0] + entropy[1]) / 2
    return 1.0 if mean <= 0 else float(np.clip((entropy[0] + entropy[1] - entropy[2]) / mean, 0.0, 1.0))


def _two_sample(across: FloatArray) -> tuple[float, float]:
    """Return the mean over all pairs and its standard error: jackknives over the pieces of both sides."""
    k = len(across)
    parts = [np.square((v := across.mean(axis=axis)) - v.mean()).sum() / (k * (k - 1)) for axis in (0, 1)]
    return float(across.mean()), float(np.sqrt(sum(parts)))


def _one_sample(within: FloatArray) -> tuple[float, float]:
    """Return the mean over pairs of different pieces and its jackknife standard error."""
    k = len(within)
    pairs = within[~np.eye(k, dtype=bool)].reshape(k, k - 1)
    value = float(pairs.mean())
    without = [float(np.delete(np.delete(within, i, 0), i, 1)[~np.eye(k - 1, dtype=bool)].mean()) for i in range(k)]
    return value, float(np.sqrt((k - 1) / k * np.square(np.array(without) - np.mean(without)).sum()))


def _around(value: float, se: float) -> tuple[float, float]:
    half = float(_st.t.ppf(0.975, PIECES - 1)) * se
    return max(-1.0, value - half), min(1.0, value + half)


def _shares(real: _Sorted, train: FloatArray, synthetic: FloatArray) -> dict[str, list[float | None]]:
    """Return the share of real and synthetic units in each cluster of one real piece, the largest first."""
    counts = [np.bincount(_nearest(x[:CAP], real.centres), minlength=len(real.centres)) for x in (train, synthetic)]
    order = np.argsort(-counts[0], kind="stable")
    a, b = (c / c.sum() for c in counts)
    return {
        "real_shares": [float(a[i]) if counts[0][i] >= SHOWN else None for i in order],
        "synthetic_shares": [float(b[i]) for i in order],
    }


__all__ = ["CLUSTERS", "Clusters", "adjusted_rand", "mutual_information"]
