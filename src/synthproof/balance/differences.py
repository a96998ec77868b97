"""Paired differences between arms, with intervals that cover both the choice of test units and the chance in learning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from synthproof.balance.scores import SCORES, Score

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Measured:
    """Scores of one arm.

    Parameters
    ----------
    by_seed
        For each score the value on the whole test part, shape (seeds, n_classes).
    by_draw
        For each score the mean over seeds on each bootstrap replicate of the test units, shape (repeats, n_classes).
    """

    by_seed: Mapping[Score, FloatArray]
    by_draw: Mapping[Score, FloatArray]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One score of one class under one arm less that under another.

    Parameters
    ----------
    low, high
        Interval at 95 %.
    sure_low, sure_high
        Interval that holds for all comparisons of the study in this score at once (Bonferroni): claims rest on it.
    """

    arm: str
    against: str
    score: Score
    position: int
    estimate: float
    low: float
    high: float
    sure_low: float
    sure_high: float

    @property
    def claim(self) -> int:
        """1: a gain, -1: a loss, 0: nothing may be claimed, since the interval contains 0."""
        return 1 if self.sure_low > 0 else -1 if self.sure_high < 0 else 0

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        rounded = {k: round(v, 5) if isinstance(v, float) else v for k, v in asdict(self).items()}
        return {**rounded, "claim": self.claim}


def spread(seeds: FloatArray, draws: FloatArray, units: int | None = None) -> tuple[float, float]:
    """Return the variance of a mean over seeds, and its degrees of freedom (Welch–Satterthwaite).

    Parameters
    ----------
    seeds
        Value of each seed on the whole test part: their variance over their number is the chance in learning, with
        seeds - 1 degrees.
    draws
        The mean over seeds on each bootstrap replicate: their variance is the chance in the test units.
    units
        Test units with rows of the class: that variance has units - 1 degrees, however many replicates there are. Absent:
        as many as replicates.
    """
    k = len(seeds)
    learning = float(np.var(seeds, ddof=1)) / k if k > 1 else 0.0
    known = draws[np.isfinite(draws)]
    testing = float(np.var(known, ddof=1)) if len(known) > 1 else 0.0
    both = learning + testing
    if both <= 0:
        return 0.0, np.inf
    degrees = both**2 / (learning**2 / max(1, k - 1) + testing**2 / max(1, (units or len(known)) - 1))
    return both, degrees


def interval(seeds: FloatArray, draws: FloatArray, level: float, units: int | None = None) -> tuple[float, float]:
    """Return the t interval of a mean over seeds; arguments as of `spread`."""
    variance, degrees = spread(seeds, draws, units)
    centre = float(np.mean(seeds))
    half = float(stdtrit(min(degrees, 1e6), 0.5 + level / 2)) * np.sqrt(variance)
    return centre - half, centre + half


def differences(
    measured: Mapping[str, Measured],
    pairs: Sequence[tuple[str, str]],
    *,
    level: float = 0.95,
    units: Sequence[int] | None = None,
) -> list[Difference]:
    """Return every score of every class for each pair (arm, against).

    Parameters
    ----------
    units
        Test units of each class (`spread`).

    Notes
    -----
    Paired twice: seed by seed (both arms of a seed start from the same weights), and by bootstrap replicate (both answer
    for the same test units). The simultaneous level counts all pairs and classes of a score.
    """
    out = []
    for score in SCORES:
        family = max(1, sum(measured[a].by_seed[score].shape[1] for a, _ in pairs))
        sure = 1 - (1 - level) / family
        for arm, against in pairs:
            one, other = measured[arm], measured[against]
            for c in range(one.by_seed[score].shape[1]):
                seeds = one.by_seed[score][:, c] - other.by_seed[score][:, c]
                draws = one.by_draw[score][:, c] - other.by_draw[score][:, c]
                n = None if units is None else units[c]
                low, high = interval(seeds, draws, level, n)
                sure_low, sure_high = interval(seeds, draws, sure, n)
                out.append(
                    Difference(
                        arm=arm,
                        against=against,
                        score=score,
                        position=c,
                        estimate=float(seeds.mean()),
                        low=low,
                        high=high,
                        sure_low=sure_low,
                        sure_high=sure_high,
                    )
                )
    return out
