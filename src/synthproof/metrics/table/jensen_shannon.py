"""Jensen-Shannon divergence of each column, in bits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from synthproof.core.contracts import Case
from synthproof.core.evidence import Card, Evidence
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Purpose, Schema
from synthproof.core.words import Words
from synthproof.metrics.table.answers import NO_FIELDS
from synthproof.metrics.table.divergence import measure_columns

FloatArray = npt.NDArray[np.float64]


class JensenShannon:
    """Mean Jensen-Shannon divergence over columns, base 2."""

    card: ClassVar[Card] = Card(
        id="table.jensen_shannon",
        version=1,
        family="fidelity",
        name=Words(en="Jensen-Shannon divergence", ko="일차원 분포 유사성(옌센-섀넌 발산)"),
        question=Words(
            en="How much does a value of a column tell about whether it is real or synthetic?",
            ko="어떤 열의 값 하나가 원본인지 합성인지를 얼마나 알려 줍니까?",
        ),
        unit="bits (0 to 1)",
        low=0.0,
        high=1.0,
        better="lower",
        ideal=Words(
            en="The value between two real samples (shown beside it); 0 only for the same data.",
            ko="원본 표본 간의 값(함께 표시). 동일한 자료일 때만 0입니다.",
        ),
        source="Lin 1991 doi:10.1109/18.61115; PIPC guide (2024.12) app. 4",
    )

    def applies(self, schema: Schema, purpose: Purpose, /) -> str | None:
        """Return ``None``, or that no column can be compared."""
        return None if schema.modelled else NO_FIELDS.en

    def measure(self, case: Case[Any], /, *, seed: int, run: Run | None = None) -> Sequence[Evidence]:
        """Return the mean over columns first, then one piece of evidence a column."""
        return measure_columns(self.card, case, jensen_shannon, _floor, seed=seed, run=quiet(run))


def jensen_shannon(p: FloatArray, q: FloatArray) -> FloatArray:
    """Return the divergence of each row of p from the same row of q, base 2, shape (repeats,).

    The mean of the Kullback-Leibler divergences of p and q from their mixture.
    """
    mix = (p + q) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(p > 0, p * np.log2(p / mix), 0.0) + np.where(q > 0, q * np.log2(q / mix), 0.0)
    return np.asarray(np.clip(terms.sum(axis=1) / 2, 0.0, 1.0), dtype=np.float64)


def _floor(bins: int, n: float, m: float) -> float:
    # Σ (p - q)² / p over k bins is chi-square with k - 1 degrees; the divergence is an eighth of it, in nats.
    return float(max(0, bins - 1) / (8 * np.log(2)) * (1 / max(n, 1) + 1 / max(m, 1)))
