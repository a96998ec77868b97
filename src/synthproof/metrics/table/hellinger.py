"""Hellinger distance of each column."""

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


class Hellinger:
    """Mean Hellinger distance over columns."""

    card: ClassVar[Card] = Card(
        id="table.hellinger",
        version=1,
        family="fidelity",
        name=Words(en="Hellinger distance", ko="일차원 분포 유사성(헬링거 거리)"),
        question=Words(
            en="How far apart are the shares of values, column by column, with rare values given weight?",
            ko="각 열의 값 비율은 (드문 값까지 고려할 때) 원본과 얼마나 떨어져 있습니까?",
        ),
        unit="distance (0 to 1)",
        low=0.0,
        high=1.0,
        better="lower",
        ideal=Words(
            en="The distance between two real samples (shown beside it); 0 only for the same data.",
            ko="원본 표본 간의 거리(함께 표시). 동일한 자료일 때만 0입니다.",
        ),
        source="Hellinger 1909 doi:10.1515/crll.1909.136.210; used by KISDI 2022 for synthetic tables",
    )

    def applies(self, schema: Schema, purpose: Purpose, /) -> str | None:
        """Return ``None``, or that no column can be compared."""
        return None if schema.modelled else NO_FIELDS.en

    def measure(self, case: Case[Any], /, *, seed: int, run: Run | None = None) -> Sequence[Evidence]:
        """Return the mean over columns first, then one piece of evidence a column."""
        return measure_columns(self.card, case, hellinger, _floor, root=True, seed=seed, run=quiet(run))


def hellinger(p: FloatArray, q: FloatArray) -> FloatArray:
    """Return ‖√p - √q‖ / √2 of each row, shape (repeats,)."""
    squares = np.square(np.sqrt(p) - np.sqrt(q)).sum(axis=1) / 2
    return np.asarray(np.sqrt(np.clip(squares, 0.0, 1.0)), dtype=np.float64)


def _floor(bins: int, n: float, m: float) -> float:
    # The squared distance is an eighth of a chi-square with k - 1 degrees of freedom, scaled by 1/n + 1/m.
    return float(min(1.0, np.sqrt(max(0, bins - 1) / 8 * (1 / max(n, 1) + 1 / max(m, 1)))))
