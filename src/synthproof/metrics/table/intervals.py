"""Intervals of distances between two samples, and of scores by the weight each unit has in them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy import stats as _st

from synthproof.core.random import stream

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

REPEATS = 400


def multinomial_interval(
    distance: Callable[[FloatArray, FloatArray], FloatArray],
    counts_a: npt.NDArray[np.integer],
    counts_b: npt.NDArray[np.integer],
    n: float,
    m: float,
    *,
    seed: int,
    purpose: str,
    top: float = 1.0,
    root: bool = False,
    level: float = 0.95,
) -> tuple[float, float]:
    """Return the basic bootstrap interval of a distance between two laws over bins.

    Parameters
    ----------
    distance
        Takes shares of shape (repeats, k) twice, returns shape (repeats,).
    n, m
        Independent rows; samples of these sizes are drawn anew from both empirical laws.
    """
    p = counts_a / max(1, counts_a.sum())
    q = counts_b / max(1, counts_b.sum())
    estimate = float(distance(p[None], q[None])[0])
    rng = stream(seed, f"multinomial/{purpose}")
    size_a, size_b = max(1, round(n)), max(1, round(m))
    draws = distance(rng.multinomial(size_a, p, REPEATS) / size_a, rng.multinomial(size_b, q, REPEATS) / size_b)
    return basic_interval(estimate, draws, top=top, root=root, level=level)


def basic_interval(
    estimate: float, draws: FloatArray, *, top: float = 1.0, root: bool = False, level: float = 0.95
) -> tuple[float, float]:
    """Return the basic bootstrap interval of a distance, cut to [0, top] and widened to hold the estimate.

    The spread of the draws around the estimate (not the draws themselves, which lie further off) is turned round it;
    that takes the upward bias of sample distances out.

    Parameters
    ----------
    root
        For distances that are the root of a sum of squares, or behave so near 0: the interval is made of squares,
        whose bias is the same between samples as between resamples; on the root scale a third of it would stay.
    """
    a = (1 - level) / 2
    power = 2 if root else 1
    value, drawn = estimate**power, draws**power
    low, high = 2 * value - np.quantile(drawn, [1 - a, a])
    low, high = max(0.0, low) ** (1 / power), max(0.0, high) ** (1 / power)
    return float(min(low, estimate)), float(max(min(top, high), estimate))


def by_unit(values: FloatArray, units: IntArray | None) -> FloatArray:
    """Return the sums of row values within units, shape (n_units,)."""
    return values if units is None else np.bincount(units, weights=values).astype(np.float64, copy=False)


def influence_se(influence: FloatArray, units: IntArray | None) -> float:
    """Return the standard error of a statistic from each row's influence on it (infinitesimal jackknife).

    Parameters
    ----------
    influence
        Derivative of the statistic in the row's weight times the number of rows; its mean is 0. Shape (n_rows,).
    units
        Rows of one unit count as one draw.

    Notes
    -----
    Efron (1982), *The Jackknife, the Bootstrap and Other Resampling Plans*, ch. 6. For an AUC this is DeLong's formula.
    """
    n = len(influence)
    sums = by_unit(influence, units)
    k = len(sums)
    if k < 2:
        return float("inf")
    return float(np.sqrt(k / (k - 1) * np.square(sums - sums.mean()).sum()) / n)


def auc_influence(scores: FloatArray, positive: npt.NDArray[np.bool_]) -> tuple[float, FloatArray]:
    """Return an AUC (ties half) and the influence of every row on it, shape (n_rows,).

    DeLong's placement values (1988, doi:10.2307/2531595), centred and divided by the class shares.
    """
    n1 = int(positive.sum())
    n0 = len(scores) - n1
    influence = np.zeros(len(scores))
    if n1 == 0 or n0 == 0:
        return 0.5, influence
    rank = _st.rankdata(scores)
    place_1 = (rank[positive] - _st.rankdata(scores[positive])) / n0
    place_0 = 1.0 - (rank[~positive] - _st.rankdata(scores[~positive])) / n1
    auc = float(place_1.mean())
    influence[positive] = (place_1 - auc) * (len(scores) / n1)
    influence[~positive] = (place_0 - auc) * (len(scores) / n0)
    return auc, influence


def logit_interval(estimate: float, se: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """Return an interval of a number in (0, 1) made on the logit scale; at 0 or 1, Wilson's with n draws."""
    from synthproof.core.stats import wilson

    if not 0 < estimate < 1 or not np.isfinite(se) or se <= 0:
        return wilson(estimate * n, n, level)
    half = float(_st.norm.ppf(0.5 + level / 2)) * se / (estimate * (1 - estimate))
    centre = np.log(estimate / (1 - estimate))
    low, high = 1 / (1 + np.exp(-np.clip([centre - half, centre + half], -700, 700)))
    return float(low), float(high)
