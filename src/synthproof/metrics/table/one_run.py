"""What one run of a generator shows of its epsilon: many persons in or out by independent coins, guessed at afterwards.

Each candidate is put into the training data when a fair coin says so. From the output somebody who knows all but the
coins guesses some of them and passes on the others. Under (epsilon, delta)-differential privacy the number of right
guesses among r is, but for a term of delta, at most a binomial count of r trials of chance e^epsilon/(1 + e^epsilon)
(Steinke, Nasr & Jagielski 2023, arXiv 2305.08846, theorem 5.2). Coins of several runs may be put together: each of them
went into one run alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import bdtrc, gammaln, xlog1py, xlogy

from synthproof.core.random import permutation
from synthproof.core.stats import clopper_pearson

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

SHARES = (1.0, 0.5, 0.25, 0.1, 0.05)
"""Shares of the coins that are guessed: half of them those of the highest scores ("in"), half of the lowest ("out")."""
FEWEST_GUESSES = 10
"""Guesses under which a share is not tried."""
MOST_EPSILON = 30.0


@dataclass(frozen=True, slots=True)
class Guesses:
    """Guesses of one share of the coins.

    Parameters
    ----------
    made, right
        How many were made, and how many of them were right.
    coins
        How many could have been made.
    epsilon
        The least epsilon that so many right guesses leave possible.
    ceiling
        What `epsilon` would be had every guess at every coin been right.
    level
        Of the bound and of the share's interval, corrected for the choice of the share.
    """

    made: int
    right: int
    coins: int
    epsilon: float
    ceiling: float
    level: float = 0.95

    @property
    def share(self) -> tuple[float, float, float]:
        """Share of right guesses with its exact interval."""
        low, high = clopper_pearson(self.right, self.made, self.level)
        return (self.right / self.made if self.made else 0.5), low, high

    def plain(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "guesses": self.made,
            "right": self.right,
            "coins": self.coins,
            "epsilon_lower_bound": self.epsilon,
            "epsilon_ceiling": self.ceiling,
        }


def tail(coins: int, made: int, right: int, epsilon: float, delta: float) -> float:
    """Return how likely at least so many right guesses are at most under (epsilon, delta)-differential privacy.

    ``P[B >= right] + 2 · coins · delta · max_i P[right - i <= B < right] / i`` with B binomial of `made` trials and
    chance ``1 / (1 + exp(-epsilon))``, i from 1 to `right`. Cost O(right).
    """
    if made == 0 or right == 0:
        return 1.0
    q = 1.0 / (1.0 + math.exp(-epsilon))
    over = float(bdtrc(right - 1, made, q))
    if delta == 0.0:
        return over
    k = np.arange(right - 1, -1, -1, dtype=np.float64)
    log_mass = gammaln(made + 1) - gammaln(k + 1) - gammaln(made - k + 1) + xlogy(k, q) + xlog1py(made - k, -q)
    steps = np.cumsum(np.exp(log_mass)) / np.arange(1, right + 1)
    return min(1.0, over + 2.0 * coins * delta * float(steps.max()))


def epsilon_of(coins: int, made: int, right: int, *, delta: float = 0.0, level: float = 0.95) -> float:
    """Return the lower bound of epsilon, never below 0: the largest that so many right guesses refute."""
    alpha = 1.0 - level
    if tail(coins, made, right, 0.0, delta) > alpha:
        return 0.0
    low, high = 0.0, MOST_EPSILON
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if tail(coins, made, right, middle, delta) <= alpha else (low, middle)
    return low


def ceiling_of(coins: int, *, delta: float = 0.0, level: float = 0.95) -> float:
    """Return the most that `guesses` can show with so many coins: all guessed, all right."""
    tried = len(_sizes(coins, SHARES))
    return epsilon_of(coins, coins, coins, delta=delta, level=1 - (1 - level) / max(1, tried))


def guesses(
    scores: FloatArray,
    member: BoolArray,
    *,
    seed: int,
    delta: float = 0.0,
    level: float = 0.95,
    shares: Sequence[float] = SHARES,
) -> Guesses:
    """Return the guesses of that share of the coins that shows most, its bound corrected for having been chosen.

    Parameters
    ----------
    scores
        Of every candidate; higher speaks for "in".
    member
        How the coins fell. They choose among the shares (Bonferroni over the shares tried), and nothing else.
    seed
        Orders candidates of equal scores: as they stand they may be sorted by their coins.
    """
    n = len(scores)
    order = np.lexsort((permutation(seed, "one_run/ties", n), -scores))
    inside = member[order]
    sizes = _sizes(n, shares)
    own_level = 1 - (1 - level) / max(1, len(sizes))
    ceiling = epsilon_of(n, n, n, delta=delta, level=own_level)
    best: Guesses | None = None
    for r in sizes:
        called_in = r - r // 2
        right = int(inside[:called_in].sum()) + int((~inside[n - r // 2 :]).sum())
        found = Guesses(r, right, n, epsilon_of(n, r, right, delta=delta, level=own_level), ceiling, own_level)
        if best is None or found.epsilon > best.epsilon:
            best = found
    return best or Guesses(0, 0, n, 0.0, 0.0)


def _sizes(n: int, shares: Sequence[float]) -> list[int]:
    found = dict.fromkeys(round(share * n) for share in shares)
    return [r for r in found if r >= min(FEWEST_GUESSES, n) > 0]


__all__ = ["FEWEST_GUESSES", "SHARES", "Guesses", "ceiling_of", "epsilon_of", "guesses", "tail"]
