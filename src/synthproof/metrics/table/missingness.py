"""Are values missing as often, and together, as in the real data?"""

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
from synthproof.core.stats import newcombe, wilson
from synthproof.core.words import Words
from synthproof.engines.threads import one_blas_thread
from synthproof.metrics.table.answers import (
    NO_FIELDS,
    NO_HOLDOUT,
    REAL_UNITS,
    SYNTHETIC_UNITS,
    insufficient,
    joined,
    too_few,
)
from synthproof.metrics.table.coded_case import ENOUGH, CodedCase, Part, coded_case
from synthproof.metrics.table.intervals import REPEATS, basic_interval

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

_READ = Words(
    en="Mean absolute difference of the columns' missing rates. The subject 'pattern' compares which columns are "
    "missing together (total variation over patterns).",
    ko="열별 결측률 차이의 절댓값 평균입니다. 'pattern' 항목은 어떤 열들이 함께 결측되는지(결측 패턴의 총변동 거리)를 비교합니다.",
)
PATTERN = "pattern"


class Missingness:
    """Differences of missing rates, and of the patterns in which values are missing together."""

    card: ClassVar[Card] = Card(
        id="table.missingness",
        version=1,
        family="fidelity",
        name=Words(en="Missing values", ko="결측 유사성(결측률·결측 패턴)"),
        question=Words(
            en="Are values missing as often, and in the same combinations, as in the real data?",
            ko="결측의 빈도와 조합이 원본과 같습니까?",
        ),
        unit="difference of shares",
        low=0.0,
        high=1.0,
        better="lower",
        ideal=Words(
            en="The difference between two real samples (shown beside it).",
            ko="원본 표본 간의 차이(함께 표시).",
        ),
        source="Rubin 1976 doi:10.1093/biomet/63.3.581; Newcombe 1998 (intervals)",
    )

    def applies(self, schema: Schema, purpose: Purpose, /) -> str | None:
        """Return ``None``, or that no column can be compared."""
        return None if schema.modelled else NO_FIELDS.en

    def measure(self, case: Case[Any], /, *, seed: int, run: Run | None = None) -> Sequence[Evidence]:
        """Return the mean over columns, the pattern, and each column in which anything is missing."""
        quiet(run).tick(self.card.id, 0, 1)
        cc = coded_case(case)
        for part, what in ((cc.train, REAL_UNITS), (cc.synthetic, SYNTHETIC_UNITS)):
            if part.n < ENOUGH:
                return [too_few(self.card, part.n, ENOUGH, what, seed=seed)]
        if not cc.fields:
            return [insufficient(self.card, NO_FIELDS, seed=seed)]
        holdout = cc.holdout if cc.holdout is not None and cc.holdout.n >= ENOUGH else None
        gaps = {"real": gaps_of(cc, cc.train), "synthetic": gaps_of(cc, cc.synthetic)}
        held = None if holdout is None else gaps_of(cc, holdout)
        out = [*self._overall(cc, gaps, held, seed)]
        for j, f in enumerate(cc.fields):
            if gaps["real"][:, j].any() or gaps["synthetic"][:, j].any():
                out.append(self._field(cc, f.name, gaps, held, j, seed))
        return out

    def _field(
        self, cc: CodedCase, name: str, gaps: dict[str, BoolArray], held: BoolArray | None, j: int, seed: int
    ) -> Evidence:
        a, b = float(gaps["real"][:, j].mean()), float(gaps["synthetic"][:, j].mean())
        n, m = cc.train.effective, cc.synthetic.effective
        low, high = newcombe(b * m, m, a * n, n)
        reference, around = None, None
        if held is not None and cc.holdout is not None:
            c, k = float(held[:, j].mean()), cc.holdout.effective
            reference, around = abs(c - a), _size(newcombe(c * k, k, a * n, n), abs(c - a))
        return Evidence(
            metric=self.card.id,
            version=self.card.version,
            subject=name,
            estimate=abs(b - a),
            interval=_size((low, high), abs(b - a)),
            reference=reference,
            reference_interval=around,
            n=cc.synthetic.n,
            seed=seed,
            detail={"real_rate": a, "synthetic_rate": b, "difference": b - a, "difference_interval": [low, high]},
            caveat=None if held is not None else NO_HOLDOUT,
        )

    def _overall(
        self, cc: CodedCase, gaps: dict[str, BoolArray], held: BoolArray | None, seed: int
    ) -> tuple[Evidence, Evidence]:
        patterns, real, synthetic, fresh = _patterns(gaps["real"], gaps["synthetic"], held)
        n, m = cc.train.effective, cc.synthetic.effective
        synthetic_side = _distances(patterns, real, synthetic, n, m, seed, f"{self.card.id}/synthetic")
        real_side = None
        if fresh is not None and cc.holdout is not None:
            real_side = _distances(patterns, real, fresh, n, cc.holdout.effective, seed, f"{self.card.id}/reference")
        remark = None if held is not None else NO_HOLDOUT
        rates = patterns.astype(np.float64)
        details: tuple[dict[str, Any], dict[str, Any]] = (
            {
                "real_rate": float((real @ rates).mean() / real.sum()),
                "synthetic_rate": float((synthetic @ rates).mean() / synthetic.sum()),
                "columns_with_gaps": int(rates.any(axis=0).sum()),
            },
            {"patterns": int((real > 0).sum()), "new_patterns": int(((real == 0) & (synthetic > 0)).sum())},
        )
        first, second = (
            Evidence(
                metric=self.card.id,
                version=self.card.version,
                subject=subject,
                estimate=synthetic_side[k][0],
                interval=synthetic_side[k][1],
                reference=None if real_side is None else real_side[k][0],
                reference_interval=None if real_side is None else real_side[k][1],
                n=cc.synthetic.n,
                seed=seed,
                detail=details[k],
                caveat=joined(_READ if k == 0 else None, remark),
            )
            for k, subject in enumerate(("all", PATTERN))
        )
        return first, second


_Measured = tuple[float, tuple[float, float]]


@one_blas_thread()
def _distances(
    patterns: BoolArray, real: FloatArray, other: FloatArray, n: float, m: float, seed: int, purpose: str
) -> tuple[_Measured, _Measured]:
    """Return (mean difference of rates, distance between patterns), each with a basic bootstrap interval."""
    p, q = real / real.sum(), other / other.sum()
    size_a, size_b = max(1, round(n)), max(1, round(m))
    rng = stream(seed, purpose)
    drawn = rng.multinomial(size_a, p, REPEATS) / size_a - rng.multinomial(size_b, q, REPEATS) / size_b
    rates = patterns.astype(np.float64)
    mean = float(np.abs((p - q) @ rates).mean())
    distance = float(np.abs(p - q).sum() / 2)
    low, high = basic_interval(mean, np.abs(drawn @ rates).mean(axis=1), root=True)
    low_2, high_2 = basic_interval(distance, np.abs(drawn).sum(axis=1) / 2, root=True)
    # Where nothing at all is missing, resampling shows no spread: what so many rows without a gap cannot exclude.
    unseen = wilson(0, min(n, m))[1] if len(patterns) == 1 else 0.0
    return (mean, (low, max(high, unseen))), (distance, (low_2, max(high_2, unseen)))


def _size(interval: tuple[float, float], estimate: float) -> tuple[float, float]:
    """Return the interval of a difference's size from that of the signed difference."""
    low, high = interval
    least = 0.0 if low <= 0 <= high else min(abs(low), abs(high))
    return min(least, estimate), max(abs(low), abs(high), estimate)


def gaps_of(cc: CodedCase, part: Part) -> BoolArray:
    """Return which cells are missing, shape (n_rows, n_fields), columns as `cc.fields`."""
    coded = part.coded
    columns = [
        np.isnan(coded.numbers[:, coded.numeric_names.index(f.name)])
        if f.numeric
        else coded.codes[:, coded.level_names.index(f.name)] < 0
        for f in cc.fields
    ]
    return np.column_stack(columns)


def _patterns(
    real: BoolArray, synthetic: BoolArray, held: BoolArray | None
) -> tuple[BoolArray, FloatArray, FloatArray, FloatArray | None]:
    """Return the distinct rows of gaps and how often each table has them."""
    tables = [real, synthetic] + ([] if held is None else [held])
    packed = np.packbits(np.concatenate(tables), axis=1)
    keys = np.ascontiguousarray(packed).view(f"V{packed.shape[1]}").ravel()
    unique, inverse = np.unique(keys, return_inverse=True)
    patterns = np.unpackbits(unique.view(np.uint8).reshape(len(unique), -1), axis=1)[:, : real.shape[1]].astype(bool)
    bounds = np.cumsum([0] + [len(t) for t in tables])
    counts = [
        np.bincount(inverse[a:b], minlength=len(unique)).astype(np.float64)
        for a, b in zip(bounds[:-1], bounds[1:], strict=True)
    ]
    return patterns, counts[0], counts[1], counts[2] if held is not None else None
