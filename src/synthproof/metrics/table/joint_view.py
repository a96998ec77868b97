"""All columns at once on two principal axes: how much of the joint picture is shared, and what to draw of it."""

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
from synthproof.engines.principal import Axes, principal_axes
from synthproof.metrics.any.plane import distance_interval, grid_counts, plane_picture, share_of, total_variation
from synthproof.metrics.table.answers import NO_HOLDOUT, REAL_UNITS, SYNTHETIC_UNITS, insufficient, joined, too_few
from synthproof.metrics.table.coded_case import ENOUGH, CodedCase, Part, coded_case, pooled_levels

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

SAMPLES = 8
"""Most disjoint samples of the holdout's size that the synthetic rows are cut into."""
_LEVELS = 60

_NARROW = Words(
    en="Fewer than two directions vary, so there is no plane to look at.",
    ko="변동하는 방향이 두 개 미만이어서 평면에 나타낼 수 없습니다.",
)
_READ = Words(
    en="Two axes show the coarse joint shape only. The interval is a bootstrap with the upward bias of a distance taken "
    "out, so it may lie below the number.",
    ko="두 축은 대략적인 결합 분포만 보여 줍니다. 구간은 거리의 상향 편의를 제거한 부트스트랩이므로 측정값보다 아래에 놓일 수 있습니다.",
)


class JointView:
    """Total variation between real and synthetic records on the two leading principal axes of the real ones."""

    card: ClassVar[Card] = Card(
        id="table.joint_view",
        version=1,
        family="fidelity",
        name=Words(en="Joint view (two principal axes)", ko="결합 분포(주성분 평면)"),
        question=Words(
            en="Seen along the two directions in which the real data vary most, do the records lie where real ones do?",
            ko="원본이 가장 크게 변하는 두 방향에서 볼 때 레코드의 분포가 원본과 같습니까?",
        ),
        unit="distance (0 to 1)",
        low=0.0,
        high=1.0,
        better="lower",
        ideal=Words(
            en="The distance between two real samples (shown beside it); 0 only for the same data.",
            ko="원본 표본 간의 거리(함께 표시). 동일한 자료일 때만 0입니다.",
        ),
        source="Pagès 2004 (factor analysis of mixed data), Rev. Stat. Appl. 52(4):93-111; total variation on a 6 × 6 grid",
    )

    def applies(self, schema: Schema, purpose: Purpose, /) -> str | None:
        """Return ``None``, or that there are too few columns."""
        return None if len(schema.modelled) >= 2 else _NARROW.en

    def measure(self, case: Case[Any], /, *, seed: int, run: Run | None = None) -> Sequence[Evidence]:
        """Return one distance with the grid that draws it. About 0.3 s for 40,000 rows × 15."""
        quiet(run).tick(self.card.id, 0, 1)
        cc = coded_case(case)
        for part, what in ((cc.train, REAL_UNITS), (cc.synthetic, SYNTHETIC_UNITS)):
            if part.n < ENOUGH:
                return [too_few(self.card, part.n, ENOUGH, what, seed=seed)]
        placed = _placed(cc)
        if placed is None:
            return [insufficient(self.card, _NARROW, seed=seed)]
        axes, real, other, unseen = placed
        base = grid_counts(real, real)
        thinned = _thinned(cc, other, None if unseen is None else cc.holdout, seed)
        counts = [grid_counts(real, rows) for rows in thinned]
        # Averaged counts have less sampling noise than those of one sample, so the distances are averaged, not the counts.
        distance = float(np.mean([total_variation(share_of(base), share_of(c)) for c in counts]))
        size = cc.synthetic.effective / max(1.0, len(other) / len(thinned[0]))
        around = distance_interval(distance, base, counts[0], cc.train.effective, size, seed, self.card.id)
        reference, around_reference = None, None
        if unseen is not None and cc.holdout is not None:
            fresh = grid_counts(real, unseen)
            reference = total_variation(share_of(base), share_of(fresh))
            around_reference = distance_interval(
                reference, base, fresh, cc.train.effective, cc.holdout.effective, seed, f"{self.card.id}/reference"
            )
        return [
            Evidence(
                metric=self.card.id,
                version=self.card.version,
                estimate=distance,
                interval=around,
                reference=reference,
                reference_interval=around_reference,
                n=cc.synthetic.n,
                seed=seed,
                detail={**plane_picture(real, other, seed, "joint_view"), "explained": axes.explained},
                caveat=joined(_READ, None if unseen is not None else NO_HOLDOUT),
            )
        ]


def _placed(cc: CodedCase) -> tuple[Axes, FloatArray, FloatArray, FloatArray | None] | None:
    """Return axes fitted on train alone, and train, synthetic and holdout rows on them."""
    parts: list[Part] = [cc.train, cc.synthetic]
    if cc.holdout is not None and cc.holdout.n >= ENOUGH:
        parts.append(cc.holdout)
    coded = pooled_levels(tuple(p.coded for p in parts), cc.train.coded, _LEVELS)
    axes = principal_axes(coded[0])
    if axes is None:
        return None
    rows = [axes.place(c) for c in coded]
    return axes, rows[0], rows[1], rows[2] if len(rows) > 2 else None


def _thinned(cc: CodedCase, rows: FloatArray, holdout: Part | None, seed: int) -> list[FloatArray]:
    """Return disjoint samples of synthetic rows, each of the holdout's size, or all rows when there are no more.

    A distance between samples grows as they shrink: only equal sizes make number and reference comparable.
    """
    units, n = cc.synthetic.unit_of_row, cc.synthetic.n
    size = n if holdout is None else min(n, holdout.n)
    order = permutation(seed, "joint_view/thinned", n)
    place = np.empty(n, dtype=np.intp)
    place[order] = np.arange(n)
    return [rows[place[units] // size == k] for k in range(min(SAMPLES, n // size))]
