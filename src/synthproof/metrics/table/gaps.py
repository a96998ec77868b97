"""Gaps between models learned from real and from synthetic data: their spread, and the worst of many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats as _st

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Gap:
    """A difference of two scores and what it owes to chance.

    Parameters
    ----------
    value
        The difference.
    se_holdout
        Standard error over the units that both models answer for.
    se_training
        Standard error over the rows that the models learned from.
    pieces
        Pieces of each table behind `se_training`.
    """

    value: float
    se_holdout: float
    se_training: float
    pieces: int

    @property
    def se(self) -> float:
        """Standard error."""
        return float(np.hypot(self.se_holdout, self.se_training))

    @property
    def degrees(self) -> float:
        """Satterthwaite's degrees of freedom: the holdout's part is exact, the pieces' has 2 (K - 1)."""
        if self.se_training <= 0:
            return 1e6
        return min(1e6, 2 * (self.pieces - 1) * (self.se / self.se_training) ** 4)

    def half(self, tail: float = 0.975) -> float:
        """Return half the width of the t interval whose upper end leaves 1 - `tail`."""
        return float(_st.t.ppf(tail, self.degrees)) * self.se


def gap_of(value: float, se_holdout: float, real: Sequence[float], synthetic: Sequence[float]) -> Gap:
    """Return a gap whose spread over training rows is that of models of disjoint pieces of both tables.

    The variance between models of K disjoint pieces, divided by K, is at least that of a model of all rows, since a
    score's variance falls with the number of rows as fast as 1/n or faster.
    """
    variances = [float(np.var(values, ddof=1)) / len(values) for values in (real, synthetic)]
    return Gap(value, se_holdout, float(np.sqrt(sum(variances))), len(real))


def worst_of(gaps: Sequence[Gap], *, low: float, high: float) -> tuple[int, tuple[float, float]]:
    """Return which gap is largest, and an interval of the largest that holds for all of them at once.

    Bonferroni: with every single interval at 1 - 0.05/K, the largest gap lies between the largest ends.
    """
    tail = 1 - 0.025 / len(gaps)
    values = [g.value for g in gaps]
    halves = [g.half(tail) for g in gaps]
    bottom = max(v - h for v, h in zip(values, halves, strict=True))
    top = max(v + h for v, h in zip(values, halves, strict=True))
    return int(np.argmax(values)), (max(low, min(bottom, max(values))), min(high, max(top, max(values))))


__all__ = ["Gap", "gap_of", "worst_of"]
