"""The guide's corr-sd: do pairs of columns belong together as strongly as in the real data?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from synthproof.core.contracts import Case
from synthproof.core.evidence import Card, Evidence
from synthproof.core.random import permutation, stream
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Purpose, Schema
from synthproof.core.words import Words
from synthproof.metrics.table.answers import NO_HOLDOUT, REAL_UNITS, SYNTHETIC_UNITS, insufficient, joined, too_few
from synthproof.metrics.table.association import MOST_LEVELS, corr_sd_of, spread, weighted_associations
from synthproof.metrics.table.coded_case import ENOUGH, CodedCase, Part, coded_case, pooled_levels
from synthproof.metrics.table.intervals import basic_interval

FloatArray = npt.NDArray[np.float64]

__all__ = ["CorrSd", "corr_sd_of"]

GROUPS = 64
REPEATS = 200

_NARROW = Words(
    en="At least three columns are needed: a single pair has no spread.",
    ko="열이 3개 이상이어야 합니다. 한 쌍만으로는 표준편차를 구할 수 없습니다.",
)
_READ = Words(
    en="A shift common to all pairs does not show in a standard deviation: see also the mean and the largest "
    "difference. Level by number is η² (SSB/SST). The interval is a bootstrap over groups of units.",
    ko="모든 쌍에 공통된 이동은 표준편차에 나타나지 않으므로 평균 차이와 최대 차이를 함께 보십시오. 범주-수치 쌍은 η²(SSB/SST)이며, "
    "구간은 보호 단위 묶음 부트스트랩입니다.",
)


class CorrSd:
    """Standard deviation of the differences between real and synthetic associations."""

    card: ClassVar[Card] = Card(
        id="table.corr_sd",
        version=1,
        family="fidelity",
        name=Words(en="Pair associations (corr-sd)", ko="이차원 관계 유사성(상관계수 표준편차)"),
        question=Words(
            en="Do pairs of columns belong together as strongly as in the real data?",
            ko="열과 열 사이의 관계 강도가 원본과 같습니까?",
        ),
        unit="SD of association differences",
        low=0.0,
        high=2.0,
        better="lower",
        ideal=Words(
            en="The value between two real samples (shown beside it); 0 only for the same data.",
            ko="원본 표본 간의 값(함께 표시). 동일한 자료일 때만 0입니다.",
        ),
        source="PIPC guide (2024.12) app. 4, correlation SD; Cramér 1946; Fisher 1925 (correlation ratio)",
    )

    def applies(self, schema: Schema, purpose: Purpose, /) -> str | None:
        """Return ``None``, or that there are too few columns."""
        return None if len(schema.modelled) >= 3 else _NARROW.en

    def measure(self, case: Case[Any], /, *, seed: int, run: Run | None = None) -> Sequence[Evidence]:
        """Return one number with both matrices. About 1 s for 90,000 rows × 15."""
        job = quiet(run)
        cc = coded_case(case)
        for part, what in ((cc.train, REAL_UNITS), (cc.synthetic, SYNTHETIC_UNITS)):
            if part.n < ENOUGH:
                return [too_few(self.card, part.n, ENOUGH, what, seed=seed)]
        if len(cc.fields) < 3:
            return [insufficient(self.card, _NARROW, seed=seed)]
        holdout = cc.holdout if cc.holdout is not None and cc.holdout.n >= ENOUGH else None
        pooled = _pooled(cc, holdout)
        drawn = [_resampled(part, seed, name) for name, part in job.each(tuple(pooled.items()), self.card.id)]
        estimate, interval = _compare(drawn[0], drawn[1])
        reference, around = (None, None) if holdout is None else _compare(drawn[0], drawn[2])
        return [
            Evidence(
                metric=self.card.id,
                version=self.card.version,
                estimate=estimate,
                interval=interval,
                reference=reference,
                reference_interval=around,
                n=cc.synthetic.n,
                seed=seed,
                detail=_detail(cc, drawn[0][0], drawn[1][0]),
                caveat=joined(_READ, None if holdout is not None else NO_HOLDOUT),
            )
        ]


def _pooled(cc: CodedCase, holdout: Part | None) -> dict[str, Part]:
    parts = {"train": cc.train, "synthetic": cc.synthetic}
    if holdout is not None:
        parts["holdout"] = holdout
    coded = pooled_levels(tuple(p.coded for p in parts.values()), cc.train.coded, MOST_LEVELS)
    return {name: Part(c, p.units, p.n, p.effective) for (name, p), c in zip(parts.items(), coded, strict=True)}


def _resampled(part: Part, seed: int, name: str) -> FloatArray:
    """Return the association matrix of all rows, then those of resampled groups of units, shape (1 + repeats, d, d)."""
    groups = min(GROUPS, part.n)
    of_unit = np.empty(part.n, dtype=np.intp)
    of_unit[permutation(seed, f"corr_sd/groups/{name}", part.n)] = np.arange(part.n) % groups
    d = part.coded.numbers.shape[1] + part.coded.codes.shape[1]
    # Very wide tables get fewer repeats: all matrices together stay under some 100 MB.
    repeats = int(np.clip(REPEATS * (250 / d) ** 2, 40, REPEATS))
    rng = stream(seed, f"corr_sd/bootstrap/{name}")
    drawn = rng.multinomial(groups, np.full(groups, 1 / groups), repeats)
    weights = np.concatenate([np.ones((1, groups)), drawn])
    return weighted_associations(part.coded, of_unit[part.unit_of_row], weights)


def _compare(a: FloatArray, b: FloatArray) -> tuple[float, tuple[float, float]]:
    """Return the spread of the difference and its interval, from resampled groups of both sides."""
    values = spread(a - b)
    estimate = float(values[0])
    return estimate, basic_interval(estimate, values[1:], top=2.0, root=True)


def _detail(cc: CodedCase, real: FloatArray, other: FloatArray) -> dict[str, Any]:
    coded = cc.train.coded
    names = coded.numeric_names + coded.level_names
    order = [names.index(f.name) for f in cc.fields]
    a, b = real[np.ix_(order, order)], other[np.ix_(order, order)]
    d = a - b
    upper = np.triu_indices(len(order), k=1)
    entries = d[upper]
    worst = np.argsort(-np.abs(entries), kind="stable")[:10]
    return {
        "names": [f.name for f in cc.fields],
        "numeric": [f.numeric for f in cc.fields],
        "real": np.round(a, 4),
        "synthetic": np.round(b, 4),
        "difference": np.round(d, 4),
        "mean_difference": float(entries.mean()),
        "mean_absolute_difference": float(np.abs(entries).mean()),
        "largest": float(np.abs(entries).max()),
        "worst_pairs": [
            {
                "pair": [cc.fields[upper[0][i]].name, cc.fields[upper[1][i]].name],
                "real": float(a[upper][i]),
                "synthetic": float(b[upper][i]),
            }
            for i in worst
        ],
        "levels_merged_above": MOST_LEVELS,
    }
