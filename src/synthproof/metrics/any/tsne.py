"""All columns on a t-SNE map: do synthetic units lie among the real ones, neighbourhood by neighbourhood?"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from synthproof.core.contracts import Case
from synthproof.core.evidence import Card, Evidence
from synthproof.core.random import derive
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Purpose, Schema
from synthproof.core.words import Words
from synthproof.engines.threads import one_blas_thread, one_openmp_thread
from synthproof.metrics.any.plane import distance_interval, grid_counts, plane_picture, share_of, total_variation
from synthproof.metrics.any.vectors import NO_SPACE, drawn
from synthproof.metrics.table.answers import (
    HOLDOUT_UNITS,
    NEEDS_HOLDOUT,
    REAL_UNITS,
    SYNTHETIC_UNITS,
    insufficient,
    too_few,
)

FloatArray = npt.NDArray[np.float64]

LEAST = 50
UNITS, UNITS_OPEN = 500, 2_000
"""Units a side with scikit-learn's t-SNE (1,500 points in all) and with openTSNE."""
PERPLEXITY = 30.0
ROUNDS = 500

_READ = Words(
    en="Unseen real, synthetic and training units, as many of each, are laid out together by t-SNE, which keeps "
    "neighbourhoods and gives distances no meaning. The number is the total variation of real and synthetic units on a "
    "6 × 6 grid of the map; its reference that of unseen real and training units. The interval takes the map as given.",
    ko="미학습 원본, 합성데이터, 학습 원본을 같은 수로 t-SNE 지도에 함께 배치합니다. t-SNE는 이웃 관계만 보존하며 거리 "
    "자체에는 의미가 없습니다. "
    "값은 6×6 격자에서 미학습 원본과 합성데이터의 총변동 거리, 비교값은 미학습 원본과 학습 원본의 거리이며, 구간은 "
    "지도를 주어진 것으로 봅니다.",
)


class TSne:
    """Total variation between unseen real and synthetic units on a t-SNE map of both.

    Notes
    -----
    In no shipped policy's plan, for its time: name it in a plan to have it. With openTSNE installed 2,000 units a side
    (Poličar et al. 2024), else scikit-learn's Barnes-Hut t-SNE with 500 a side: 6 s on one core. Fixed seed, principal
    components to start from, one thread: the same map on every machine of one library version.
    """

    card: ClassVar[Card] = Card(
        id="any.tsne",
        version=1,
        family="fidelity",
        name=Words(en="Joint view (t-SNE map)", ko="결합 분포(t-SNE 지도)"),
        question=Words(
            en="On a map that keeps neighbours together, do synthetic units lie where unseen real ones lie?",
            ko="이웃을 가까이 두는 지도에서 합성 레코드가 미학습 원본과 같은 곳에 놓입니까?",
        ),
        unit="distance (0 to 1)",
        low=0.0,
        high=1.0,
        better="lower",
        ideal=Words(
            en="The distance between two real samples on the same map (shown beside it).",
            ko="같은 지도에서 두 원본 표본 간의 거리(함께 표시).",
        ),
        source="van der Maaten & Hinton 2008 (JMLR 9:2579); Poličar et al. 2024 doi:10.18637/jss.v109.i03",
        needs=frozenset({"holdout"}),
    )

    def applies(self, schema: Schema, purpose: Purpose, /) -> str | None:
        """Return ``None``: any units that can be placed as points will do."""
        return None

    def measure(self, case: Case[Any], /, *, seed: int, run: Run | None = None) -> Sequence[Evidence]:
        """Return one distance with the aggregates that draw the map."""
        job = quiet(run)
        job.tick(self.card.id, 0, 1)
        if case.holdout is None:
            return [insufficient(self.card, NEEDS_HOLDOUT, seed=seed)]
        sides = (("holdout", HOLDOUT_UNITS), ("train", REAL_UNITS), ("synthetic", SYNTHETIC_UNITS))
        sizes = {"holdout": len(case.holdout), "train": len(case.train), "synthetic": len(case.synthetic)}
        for side, what in sides:
            if sizes[side] < LEAST:
                return [too_few(self.card, sizes[side], LEAST, what, seed=seed)]
        open_tsne = find_spec("openTSNE") is not None
        n = min(*sizes.values(), UNITS_OPEN if open_tsne else UNITS)
        points = np.concatenate(
            [drawn(case, s, n, seed=seed, purpose="any.tsne", run=run) for s in ("holdout", "train", "synthetic")]
        )
        if points.shape[1] < 2 or len(np.unique(points, axis=0)) < LEAST:
            return [insufficient(self.card, NO_SPACE, seed=seed)]
        map_ = _laid_out(points, open_tsne, derive(seed, "any.tsne/map"))
        job.tick(self.card.id, 1, 1)
        real, fresh, other = map_[:n], map_[n : 2 * n], map_[2 * n :]
        base = grid_counts(real, real)
        found = []
        for name, rows in (("synthetic", other), ("reference", fresh)):
            counts = grid_counts(real, rows)
            value = total_variation(share_of(base), share_of(counts))
            found.append((value, distance_interval(value, base, counts, n, n, seed, f"any.tsne/{name}")))
        # every real unit on the map may count for the picture: cells fill sooner
        picture = plane_picture(np.concatenate([real, fresh]), other, seed, "any.tsne")
        return [
            Evidence(
                metric=self.card.id,
                version=self.card.version,
                estimate=found[0][0],
                interval=found[0][1],
                reference=found[1][0],
                reference_interval=found[1][1],
                n=n,
                seed=seed,
                detail={**picture, "units_a_side": n, "engine": "openTSNE" if open_tsne else "scikit-learn"},
                caveat=_READ,
            )
        ]


@one_blas_thread()
def _laid_out(points: FloatArray, open_tsne: bool, seed: int) -> FloatArray:
    """Return the map, shape (n, 2), scaled so that its spread is 1."""
    perplexity = min(PERPLEXITY, (len(points) - 1) / 3)
    if open_tsne:
        import openTSNE

        made = openTSNE.TSNE(perplexity=perplexity, initialization="pca", n_jobs=1, random_state=seed % 2**32).fit(
            points
        )
    else:
        from sklearn.manifold import TSNE

        with one_openmp_thread():
            made = TSNE(
                perplexity=perplexity, init="pca", n_jobs=1, random_state=seed % 2**32, max_iter=ROUNDS
            ).fit_transform(points)
    found = np.asarray(made, dtype=np.float64)
    return found / max(1e-12, float(found.std()))


__all__ = ["TSne"]
