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
from synthproof.metrics.table.answers import NO_HOLDOUT, REAL_UNITS, SYNTHETIC_UNITS, insufficient, joined, too_few
from synthproof.metrics.table.coded_case import ENOUGH, CodedCase, Part, coded_case, pooled_levels
from synthproof.metrics.table.histograms import SHOWN
from synthproof.metrics.table.intervals import multinomial_interval

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

CELLS = 6
"""Rows and columns of the grid that the number rests on: cells of train's quantiles, each well filled."""
PICTURE_CELLS = 28
"""Most cells a side of the picture; small tables get fewer, so that cells hold enough records to be shown."""
POINTS = 1200
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
        base = _grid_counts(real, real)
        thinned = _thinned(cc, other, None if unseen is None else cc.holdout, seed)
        counts = [_grid_counts(real, rows) for rows in thinned]
        # Averaged counts have less sampling noise than those of one sample, so the distances are averaged, not the counts.
        distance = float(np.mean([_total_variation(_share(base), _share(c)) for c in counts]))
        size = cc.synthetic.effective / max(1.0, len(other) / len(thinned[0]))
        around = _interval(distance, base, counts[0], cc.train.effective, size, seed, self.card.id)
        reference, around_reference = None, None
        if unseen is not None and cc.holdout is not None:
            fresh = _grid_counts(real, unseen)
            reference = _total_variation(_share(base), _share(fresh))
            around_reference = _interval(
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
                detail=_picture(axes, real, other, seed),
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


def _interval(
    estimate: float, a: IntArray, b: IntArray, n: float, m: float, seed: int, purpose: str
) -> tuple[float, float]:
    low, high = multinomial_interval(_total_variation_of_rows, a, b, n, m, seed=seed, purpose=purpose)
    centre = _total_variation(_share(a), _share(b))
    moved = (max(0.0, low + estimate - centre), min(1.0, high + estimate - centre))
    return min(moved[0], estimate), max(moved[1], estimate)


def _grid_counts(real: FloatArray, rows: FloatArray) -> IntArray:
    """Return the rows in each cell of a grid of train's quantiles, shape (CELLS²,)."""
    at = np.linspace(0, 1, CELLS + 1)[1:-1]
    place = np.zeros(len(rows), dtype=np.intp)
    for axis in range(2):
        cuts = np.unique(np.quantile(real[:, axis], at))
        place = place * CELLS + np.searchsorted(cuts, rows[:, axis], side="left")
    return np.bincount(place, minlength=CELLS * CELLS)


def _share(counts: IntArray) -> FloatArray:
    return np.asarray(counts / max(1, counts.sum()), dtype=np.float64)


def _total_variation(p: FloatArray, q: FloatArray) -> float:
    return float(np.abs(p - q).sum() / 2)


def _total_variation_of_rows(p: FloatArray, q: FloatArray) -> FloatArray:
    return np.asarray(np.abs(p - q).sum(axis=1) / 2, dtype=np.float64)


def _picture(axes: Axes, real: FloatArray, other: FloatArray, seed: int) -> dict[str, Any]:
    """Return what may be drawn: real rows as counts of well filled cells, synthetic rows as counts and some points."""
    cells = int(np.clip(np.sqrt(len(real) / 12), 6, PICTURE_CELLS))
    edges = [_round_edges(real[:, axis], cells) for axis in range(2)]
    chosen = np.sort(permutation(seed, "joint_view/points", len(other))[:POINTS])
    counts = _cells(real, edges)
    return {
        "edges_x": edges[0],
        "edges_y": edges[1],
        "real_counts": np.where(counts >= SHOWN, counts, 0),
        "hidden_below": SHOWN,
        "synthetic_counts": _cells(other, edges),
        "synthetic_points": np.round(other[chosen], 2),
        "explained": axes.explained,
        "grid": CELLS,
    }


def _round_edges(values: FloatArray, cells: int) -> FloatArray:
    """Return evenly spaced edges over the inner 99 %, rounded so that no edge is a record's own place."""
    low, high = np.quantile(values, [0.005, 0.995])
    step = max(0.01, float(f"{(high - low) / cells:.1g}"))
    first = np.floor(low / step)
    return np.asarray(np.round((first + np.arange(int(np.ceil((high - low) / step)) + 2)) * step, 6), dtype=np.float64)


def _cells(rows: FloatArray, edges: Sequence[FloatArray]) -> IntArray:
    return np.asarray(np.histogram2d(rows[:, 0], rows[:, 1], bins=list(edges))[0].astype(np.intp), dtype=np.intp)
