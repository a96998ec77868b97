"""Intervals and tests that the floors above share; each with its source."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import bdtr, betaincinv, ndtri

from synthproof.core.random import stream

FloatArray = npt.NDArray[np.float64]


def ranks(values: FloatArray, *, ties: Literal["average", "ordinal"] = "average") -> FloatArray:
    """Return each value's rank from 1, shape (n,); equal values share their mean rank, or are ranked as they stand.

    Cost O(n log n). (SciPy's own lies in a package that takes 60 MB to import.)
    """
    order = np.argsort(values, kind="stable")
    place = np.empty(len(order), dtype=np.float64)
    if ties == "ordinal":
        place[order] = np.arange(1, len(order) + 1)
        return place
    sorted_values = values[order]
    new = np.append(True, sorted_values[1:] != sorted_values[:-1])[: len(order)]
    first = np.append(np.flatnonzero(new), len(order))
    place[order] = ((first[:-1] + first[1:] + 1) / 2)[np.cumsum(new) - 1]
    return place


def wilson(hits: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """Return Wilson's score interval for a share (Wilson 1927, doi:10.1080/01621459.1927.10502953).

    With ``n = 0`` the interval is (0, 1): nothing is known.
    """
    if n <= 0:
        return 0.0, 1.0
    z = float(ndtri(0.5 + level / 2))
    p = hits / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    low = 0.0 if hits <= 0 else max(0.0, float(centre - half))
    high = 1.0 if hits >= n else min(1.0, float(centre + half))
    return low, high


def clopper_pearson(hits: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Return the exact binomial interval (Clopper & Pearson 1934, doi:10.1093/biomet/26.4.404)."""
    if n <= 0:
        return 0.0, 1.0
    a = (1 - level) / 2
    low = 0.0 if hits == 0 else float(betaincinv(hits, n - hits + 1, a))
    high = 1.0 if hits == n else float(betaincinv(hits + 1, n - hits, 1 - a))
    return low, high


def epsilon_bound(
    hits: int, members: int, alarms: int, others: int, *, delta: float = 0.0, level: float = 0.95
) -> float:
    """Return the least epsilon of (epsilon, delta)-differential privacy that an attack's success leaves possible.

    A test of membership under (epsilon, delta) has TPR <= e^epsilon FPR + delta (Kairouz, Oh & Viswanath 2015,
    arXiv 1311.0776, theorem 2.1), so epsilon >= ln((TPR - delta)/FPR); the rates are the ends of their
    Clopper-Pearson intervals, each missed with (1 - level)/2. Never below 0.

    Parameters
    ----------
    hits, members
        Members called members, of all members.
    alarms, others
        Non-members called members, of all non-members.
    """
    low = clopper_pearson(hits, members, level)[0] - delta
    high = clopper_pearson(alarms, others, level)[1]
    return max(0.0, float(np.log(low / high))) if low > 0 else 0.0


def epsilon_ceiling(members: int, others: int, *, delta: float = 0.0, level: float = 0.95) -> float:
    """Return the most that `epsilon_bound` can give with so many members and others: that of a perfect attack.

    With m of each and a = (1 - level)/2 the rates end at a^(1/m) and 1 - a^(1/m): 3.3 at m = 100, 5.6 at 1,000, 7.2 at
    5,000, 8.6 at 20,000. A small bound at small m says nothing about safety.
    """
    return epsilon_bound(members, members, 0, others, delta=delta, level=level)


def newcombe(hits_a: float, n_a: float, hits_b: float, n_b: float, level: float = 0.95) -> tuple[float, float]:
    """Return the interval of p_a - p_b by Newcombe's hybrid score method (1998, method 10).

    doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I
    """
    if n_a <= 0 or n_b <= 0:
        return -1.0, 1.0
    pa, pb = hits_a / n_a, hits_b / n_b
    la, ua = wilson(hits_a, n_a, level)
    lb, ub = wilson(hits_b, n_b, level)
    d = pa - pb
    return d - float(np.hypot(pa - la, ub - pb)), d + float(np.hypot(ua - pa, pb - lb))


def auc_interval(positive: FloatArray, negative: FloatArray, level: float = 0.95) -> tuple[float, float, float]:
    """Return (AUC, low, high) for scores of positives against negatives, ties counted half.

    The variance is DeLong's (1988, doi:10.2307/2531595) by mid-ranks (Sun & Xu 2014, doi:10.1109/LSP.2014.2337313);
    the interval is made on the logit scale so that it stays within [0, 1]. Cost O((n + m) log(n + m)).
    """
    m, n = len(positive), len(negative)
    if m == 0 or n == 0:
        return 0.5, 0.0, 1.0
    rank_all = ranks(np.concatenate([positive, negative]))
    v10 = (rank_all[:m] - ranks(positive)) / n
    v01 = 1.0 - (rank_all[m:] - ranks(negative)) / m
    auc = float(v10.mean())
    var = (float(v10.var(ddof=1)) / m if m > 1 else 0.25) + (float(v01.var(ddof=1)) / n if n > 1 else 0.25)
    z = float(ndtri(0.5 + level / 2))
    # A perfect or empty separation has no spread of its own: bound it as a share of m*n/(m+n) pairs.
    if auc <= 0.0 or auc >= 1.0 or var <= 0.0:
        k = m * n / (m + n)
        low, high = wilson(auc * k, k, level)
        return auc, low, high
    logit = np.log(auc / (1 - auc))
    half = z * np.sqrt(var) / (auc * (1 - auc))
    low, high = 1 / (1 + np.exp(-(logit - half))), 1 / (1 + np.exp(-(logit + half)))
    return auc, float(low), float(high)


def _binomial_quantile(share: float, n: int, q: float) -> int:
    """Return the least k that a binomial count stays within with at least this probability."""
    low, high = 0, n
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if bdtr(middle, n, q) >= share else (middle + 1, high)
    return low


def quantile_interval(values: FloatArray, q: float, level: float = 0.95) -> tuple[float, float]:
    """Return a distribution-free interval of a quantile from order statistics (binomial ranks)."""
    x = np.sort(np.asarray(values, dtype=np.float64))
    n = len(x)
    if n == 0:
        return float("-inf"), float("inf")
    a = (1 - level) / 2
    low = _binomial_quantile(a, n, q) - 1
    high = _binomial_quantile(1 - a, n, q)
    return float(x[max(0, low)]), float(x[min(n - 1, high)])


def bootstrap(
    statistic: Callable[[npt.NDArray[np.intp]], float],
    n: int,
    /,
    *,
    seed: int,
    purpose: str,
    repeats: int = 200,
    level: float = 0.95,
) -> tuple[float, float]:
    """Return a percentile bootstrap interval of ``statistic(positions)`` by resampling n units."""
    draws = np.empty(repeats)
    for r in range(repeats):
        draws[r] = statistic(stream(seed, f"bootstrap/{purpose}", r).integers(0, n, n))
    a = (1 - level) / 2
    low, high = np.quantile(draws[np.isfinite(draws)], [a, 1 - a]) if np.isfinite(draws).any() else (np.nan, np.nan)
    return float(low), float(high)
