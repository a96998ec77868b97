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
        size = (0.0, max(-low, high)) if low <= 0 <= high else (min(abs(low), abs(high)), max(abs(low), abs(high)))
        return Evidence(
            metric=self.card.id,
            version=self.card.version,
            subject=name,
            estimate=abs(b - a),
            interval=(min(size[0], abs(b - a)), max(size[1], abs(b - a))),
            reference=None if held is None else abs(float(held[:, j].mean()) - a),
            n=cc.synthetic.n,
            seed=seed,
            detail={"real_rate": a, "synthetic_rate": b, "difference": b - a, "difference_interval": [low, high]},
            caveat=None if held is not None else NO_HOLDOUT,
        )

    def _overall(
        self, cc: CodedCase, gaps: dict[str, BoolArray], held: BoolArray | None, seed: int
    ) -> tuple[Evidence, Evidence]:
        patterns, real, synthetic, fresh = _patterns(gaps["real"], gaps["synthetic"], held)
        p, q = real / real.sum(), synthetic / synthetic.sum()
        n, m = max(1, round(cc.train.effective)), max(1, round(cc.synthetic.effective))
        rng = stream(seed, f"{self.card.id}/bootstrap")
        drawn_p, drawn_q = rng.multinomial(n, p, REPEATS) / n, rng.multinomial(m, q, REPEATS) / m
        r = None if fresh is None else fresh / fresh.sum()
        rates = patterns.astype(np.float64)
        mean = float(np.abs((p - q) @ rates).mean())
        mean_draws = np.abs((drawn_p - drawn_q) @ rates).mean(axis=1)
        distance = float(np.abs(p - q).sum() / 2)
        distance_draws = np.abs(drawn_p - drawn_q).sum(axis=1) / 2
        # Where nothing at all is missing, resampling shows no spread: what n rows without a gap cannot exclude.
        unseen = wilson(0, min(n, m))[1] if len(patterns) == 1 else 0.0
        shared: dict[str, Any] = {
            "metric": self.card.id,
            "version": self.card.version,
            "n": cc.synthetic.n,
            "seed": seed,
        }
        remark = None if held is not None else NO_HOLDOUT
        low, high = basic_interval(mean, mean_draws)
        low_2, high_2 = basic_interval(distance, distance_draws)
        return (
            Evidence(
                estimate=mean,
                interval=(low, max(high, unseen)),
                reference=None if r is None else float(np.abs((p - r) @ rates).mean()),
                detail={
                    "real_rate": float((p @ rates).mean()),
                    "synthetic_rate": float((q @ rates).mean()),
                    "columns_with_gaps": int(rates.any(axis=0).sum()),
                },
                caveat=joined(_READ, remark),
                **shared,
            ),
            Evidence(
                subject=PATTERN,
                estimate=distance,
                interval=(low_2, max(high_2, unseen)),
                reference=None if r is None else float(np.abs(p - r).sum() / 2),
                detail={"patterns": int((real > 0).sum()), "new_patterns": int(((real == 0) & (synthetic > 0)).sum())},
                caveat=remark,
                **shared,
            ),
        )


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
