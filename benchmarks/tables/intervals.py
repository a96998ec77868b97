"""AUC with its standard error, and bootstrap errors for small tables."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

FloatArray = npt.NDArray[np.float64]


def auc(positive: npt.ArrayLike, negative: npt.ArrayLike) -> float:
    """Return the chance that a positive scores above a negative, ties counting half."""
    return auc_and_error(positive, negative)[0]


def auc_and_error(positive: npt.ArrayLike, negative: npt.ArrayLike) -> tuple[float, float]:
    """Return the AUC and its standard error (DeLong, DeLong & Clarke-Pearson 1988, doi:10.2307/2531595).

    Placement values by midranks, O(n log n); the error is NaN with fewer than two rows on a side.
    """
    p, q = np.asarray(positive, np.float64), np.asarray(negative, np.float64)
    m, n = len(p), len(q)
    if not m or not n:
        return float("nan"), float("nan")
    ranks = rankdata(np.concatenate([p, q]))
    above = (ranks[:m] - rankdata(p)) / n  # of each positive: share of negatives below it
    below = 1 - (ranks[m:] - rankdata(q)) / m
    value = float(above.mean())
    if min(m, n) < 2:  # noqa: PLR2004
        return value, float("nan")
    return value, float(np.sqrt(above.var(ddof=1) / m + below.var(ddof=1) / n))


def bootstrap_error(
    figure: Callable[[npt.NDArray[np.intp], npt.NDArray[np.intp]], float],
    sizes: tuple[int, int],
    *,
    repeats: int = 200,
    seed: int = 0,
) -> float:
    """Return the standard error of a figure of two tables by drawing the rows of both with replacement.

    A figure that compares distributions grows when rows are drawn again (each draw is rougher than its table), so only
    the spread of the draws is used, never their mean.
    """
    rng = np.random.default_rng(seed)
    values = [
        figure(rng.integers(sizes[0], size=sizes[0]), rng.integers(sizes[1], size=sizes[1])) for _ in range(repeats)
    ]
    return float(np.std(values, ddof=1))
