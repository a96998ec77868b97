"""Precision, recall, density and coverage: do synthetic units lie where real ones do, and everywhere they do?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from scipy import stats as _st

from synthproof.core.contracts import Case
from synthproof.core.evidence import Card, Evidence
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Purpose, Schema
from synthproof.core.words import Words
from synthproof.engines.threads import one_blas_thread
from synthproof.metrics.any.vectors import NO_SPACE, Side, drawn, squared_distances
from synthproof.metrics.table.answers import (
    NO_HOLDOUT,
    REAL_UNITS,
    SYNTHETIC_UNITS,
    insufficient,
    joined,
    too_few,
)

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

NEIGHBOURS = 5
"""Naeem et al. choose 5; a ball holds this many other units of its own side."""
LEAST = 100
CAP = 4_000
"""Units a side: the intervals are then ±0.02 or so, and all pairs are looked at a block at a time."""
PIECES = 10
_BLOCK = 1_000
_TIE = 1e-9
"""Of the squared length: distances that differ by less are one distance that was rounded twice."""
NAMES = ("coverage", "precision", "recall", "density")

_READ = Words(
    en="In the embedder's space, each unit's ball reaches to its 5th nearest unit of the same side. Coverage: real units "
    "with a synthetic one in their ball. Precision: synthetic units within some real ball. Recall: real units within "
    "some synthetic ball. Density: real balls around a synthetic unit, over 5; above the reference it means crowding "
    "where real data are densest. The interval comes from disjoint pieces of both samples.",
    ko="임베딩 공간에서 각 레코드의 구(球)는 같은 쪽의 다섯 번째 이웃까지 닿습니다. coverage는 자기 구 안에 합성 레코드가 "
    "있는 원본의 비율, "
    "precision은 어떤 원본 구 안에 드는 합성 레코드의 비율, recall은 어떤 합성 구 안에 드는 원본의 비율, density는 합성 레코드를 둘러싼 "
    "원본 구의 수를 5로 나눈 평균입니다(비교값보다 크면 원본이 밀집한 곳에 몰려 있다는 뜻). 구간은 두 표본을 서로 "
    "겹치지 않게 나눈 조각에서 얻었습니다.",
)


class Coverage:
    """Coverage first, then precision, recall and density, each with train against holdout as its reference.

    Notes
    -----
    Precision and recall: Kynkäänniemi et al. 2019, eq. 1 and 2; density and coverage: Naeem et al. 2020, eq. 2 and 3.
    As many units of every side (4,000 at most), because all four numbers move with the sample size. Without a holdout
    the real side is one half of train and the reference the other half. Cost O(n² · d), 2 s for Adult.
    """

    card: ClassVar[Card] = Card(
        id="any.coverage",
        version=1,
        family="fidelity",
        name=Words(en="Coverage, density, precision, recall", ko="분포 포괄성(coverage·density·precision·recall)"),
        question=Words(
            en="Do the synthetic units lie where real ones lie, and is no region of the real ones left out?",
            ko="합성 레코드가 원본이 있는 곳에 놓이며, 원본의 어느 영역도 빠뜨리지 않습니까?",
        ),
        unit="share (density: ratio)",
        low=0.0,
        high=CAP / NEIGHBOURS,
        better="higher",
        ideal=Words(
            en="What two real samples give (shown beside it); coverage of two samples of one law is about 0.97.",
            ko="두 원본 표본 간의 값(함께 표시). 같은 분포의 두 표본에서 coverage는 약 0.97입니다.",
        ),
        source="Kynkäänniemi et al. 2019 arXiv:1904.06991 eq. 1-2; Naeem et al. 2020 arXiv:2002.09797 eq. 2-3",
    )

    def applies(self, schema: Schema, purpose: Purpose, /) -> str | None:
        """Return ``None``: any units that can be placed as points will do."""
        return None

    def measure(self, case: Case[Any], /, *, seed: int, run: Run | None = None) -> Sequence[Evidence]:
        """Return coverage (subject ``all``), precision, recall and density."""
        job = quiet(run)
        job.tick(self.card.id, 0, 3)
        held = case.holdout is not None and len(case.holdout) >= LEAST
        real_units = min(len(case.train), len(case.holdout or ())) if held else len(case.train) // 2
        for count, what in ((real_units, REAL_UNITS), (len(case.synthetic), SYNTHETIC_UNITS)):
            if count < LEAST:
                return [too_few(self.card, count, LEAST, what, seed=seed)]
        n = min(real_units, len(case.synthetic), CAP)
        real, fresh, other = _three(case, n, held, seed, run)
        if real.shape[1] == 0:
            return [insufficient(self.card, NO_SPACE, seed=seed)]
        job.tick(self.card.id, 1, 3)
        reach = _reach(real)
        found = _compare(real, other, reach)
        job.tick(self.card.id, 2, 3)
        reference = _compare(real, fresh, reach)
        job.tick(self.card.id, 3, 3)
        return [self._evidence(name, found, reference, n, held, seed) for name in NAMES]

    def _evidence(self, name: str, found: _Found, reference: _Found, n: int, held: bool, seed: int) -> Evidence:
        return Evidence(
            metric=self.card.id,
            version=self.card.version,
            subject="all" if name == "coverage" else name,
            estimate=found.values[name],
            interval=_interval(found, name, n),
            reference=reference.values[name],
            reference_interval=_interval(reference, name, n),
            n=n,
            seed=seed,
            detail={"number": name, "neighbours": NEIGHBOURS, "units_a_side": n, "pieces": found.pieces[name]},
            caveat=joined(_READ, None if held else NO_HOLDOUT) if name == "coverage" else None,
        )


@dataclass(frozen=True, slots=True)
class _Found:
    """The four numbers of two samples, and of disjoint pieces of both."""

    values: dict[str, float]
    pieces: dict[str, list[float]]


def _three(
    case: Case[Any], n: int, held: bool, seed: int, run: Run | None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return (real side, fresh real side, synthetic side), n units each."""
    purpose = "any.coverage"
    other = drawn(case, "synthetic", n, seed=seed, purpose=purpose, run=run)
    if held:
        sides: tuple[Side, Side] = ("holdout", "train")
        real, fresh = (drawn(case, side, n, seed=seed, purpose=purpose, run=run) for side in sides)
        return real, fresh, other
    both = drawn(case, "train", 2 * n, seed=seed, purpose=purpose, run=run)
    return both[:n], both[n:], other


@one_blas_thread()
def _compare(real: FloatArray, other: FloatArray, reach: FloatArray) -> _Found:
    whole = four_numbers(real, other, reach)
    k = min(PIECES, len(real) // (LEAST // 2))
    rows = np.arange(len(real)) % k
    by_piece = [four_numbers(real[rows == i], other[rows == i]) for i in range(k)]
    return _Found(whole, {name: [p[name] for p in by_piece] for name in NAMES})


def four_numbers(real: FloatArray, other: FloatArray, reach: FloatArray | None = None) -> dict[str, float]:
    """Return coverage, precision, recall and density of `other` against `real` (samples of one size).

    Parameters
    ----------
    reach
        Squared radii of the balls of `real`, where they are known already.
    """
    tie = _TIE * max(1.0, float(np.square(real).sum(axis=1).max()), float(np.square(other).sum(axis=1).max()))
    real_reach = (_reach(real) if reach is None else reach) + tie
    other_reach = _reach(other) + tie
    balls = np.zeros(len(other), dtype=np.intp)
    covered, recalled = np.zeros(len(real), dtype=bool), np.zeros(len(real), dtype=bool)
    for start in range(0, len(real), _BLOCK):
        rows = slice(start, start + _BLOCK)
        apart = squared_distances(real[rows], other)
        inside = apart <= real_reach[rows, None]
        balls += inside.sum(axis=0)
        covered[rows] = inside.any(axis=1)
        recalled[rows] = (apart <= other_reach[None, :]).any(axis=1)
    return {
        "coverage": float(covered.mean()),
        "precision": float((balls > 0).mean()),
        "recall": float(recalled.mean()),
        "density": float(balls.mean()) / NEIGHBOURS,
    }


@one_blas_thread()
def _reach(points: FloatArray) -> FloatArray:
    """Return the squared distance of each unit to its k-th nearest other unit."""
    k = min(NEIGHBOURS, len(points) - 1)
    out = np.empty(len(points))
    for start in range(0, len(points), _BLOCK):
        apart = squared_distances(points[start : start + _BLOCK], points)
        # the unit itself is the nearest of all (or ties with its twins), so it counts as place 0
        out[start : start + _BLOCK] = np.partition(apart, k, axis=1)[:, k]
    return out


def _interval(found: _Found, name: str, n: int) -> tuple[float, float]:
    """Return a t interval whose spread is that of disjoint pieces: what both samples might have been."""
    value, pieces = found.values[name], np.array(found.pieces[name])
    half = float(_st.t.ppf(0.975, len(pieces) - 1) * pieces.std(ddof=1) / np.sqrt(len(pieces)))
    # No spread at all is little known, not certainty: three in n, the bound for an event that was never seen.
    half = half or 3.0 / n
    top = CAP / NEIGHBOURS if name == "density" else 1.0
    return max(0.0, value - half), min(top, value + half)


__all__ = ["CAP", "NEIGHBOURS", "Coverage", "four_numbers"]
