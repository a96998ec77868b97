"""Survival curves, Harrell's concordance and Cox regression for right-censored times.

Conventions: an event and a censoring at the same time happen in that order; two records are comparable when the one
with the shorter time had the event (or both times are equal and one alone had it), as in R's ``survival``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import linalg
from scipy.stats import chi2

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]

_STEPS = 50
_CLOSE = 1e-9


@dataclass(frozen=True, slots=True)
class Steps:
    """A product-limit estimate.

    Parameters
    ----------
    time
        Distinct times with an event, ascending, shape (k,).
    survival
        Share still without the event just after each time.
    at_risk
        Records observed just before each time.
    variance
        Greenwood's variance of `survival`.
    """

    time: FloatArray
    survival: FloatArray
    at_risk: FloatArray
    variance: FloatArray

    def at(self, when: FloatArray) -> FloatArray:
        """Return the survival at given times."""
        return np.append(1.0, self.survival)[np.searchsorted(self.time, when, side="right")]


def kaplan_meier(time: FloatArray, event: BoolArray) -> Steps:
    """Return the product-limit estimate (Kaplan & Meier 1958, doi:10.1080/01621459.1958.10501452). Cost O(n log n)."""
    order = np.argsort(time, kind="stable")
    t, e = time[order], event[order]
    when, first = np.unique(t, return_index=True)
    at_risk = (len(t) - first).astype(np.float64)
    deaths = np.add.reduceat(e.astype(np.float64), first) if len(t) else np.empty(0)
    kept = deaths > 0
    when, at_risk, deaths = when[kept], at_risk[kept], deaths[kept]
    survival = np.asarray(np.cumprod(1 - deaths / at_risk), dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.cumsum(deaths / (at_risk * (at_risk - deaths)))
    variance = np.square(survival) * np.where(np.isfinite(terms), terms, 0.0)
    return Steps(when, survival, at_risk, np.asarray(variance, dtype=np.float64))


@dataclass(frozen=True, slots=True)
class Concordance:
    """Harrell's C and what each record has to do with it.

    Parameters
    ----------
    value
        Share of comparable pairs in which the higher risk has the shorter time, ties in risk counted half; 0.5 where
        no pair is comparable.
    influence
        Derivative of C in each record's weight times the number of records, shape (n,); its mean is 0.
    pairs
        Number of comparable pairs.
    """

    value: float
    influence: FloatArray
    pairs: float


def concordance(time: FloatArray, event: BoolArray, risk: FloatArray) -> Concordance:
    """Return Harrell's C, exactly (Harrell et al. 1982, doi:10.1001/jama.1982.03320430047030). Cost O(n log n).

    Parameters
    ----------
    time, event, risk
        Shape (n,); a higher risk means an earlier event.
    """
    n = len(time)
    if n == 0:
        return Concordance(0.5, np.empty(0), 0.0)
    rank = np.unique(risk, return_inverse=True)[1].astype(np.int64)
    # Groups in time order; within one time events come before censorings and are not compared with one another.
    order = np.lexsort((~event, time))
    group = np.cumsum(np.append(False, (np.diff(time[order]) != 0) | (np.diff(event[order].astype(np.int8)) != 0)))
    won, compared = _pairs(rank[order], event[order], group.astype(np.int64), int(rank.max()) + 1)
    total = float(compared.sum()) / 2
    if total <= 0:
        return Concordance(0.5, np.zeros(n), 0.0)
    value = float(won.sum()) / 2 / total
    influence = np.empty(n)
    influence[order] = n * (won - value * compared) / total
    return Concordance(value, influence, total)


def _pairs(
    rank: npt.NDArray[np.int64], event: BoolArray, group: npt.NDArray[np.int64], ranks: int
) -> tuple[FloatArray, FloatArray]:
    from synthproof.engines.survival_kernels import count_pairs

    won, compared = np.zeros(len(rank)), np.zeros(len(rank))
    count_pairs(rank, event, group, ranks, won, compared)
    return won, compared


@dataclass(frozen=True, slots=True)
class Cox:
    """A fitted proportional-hazards model.

    Parameters
    ----------
    beta
        Log hazard ratio of each feature, shape (p,).
    gain
        Log partial likelihood above that of no features.
    freedom
        Effective number of coefficients under the ridge.
    converged
        Whether Newton's method came to rest.
    """

    beta: FloatArray
    gain: float
    freedom: float
    converged: bool

    @property
    def p_value(self) -> float:
        """Chance of such a gain where no feature matters (likelihood-ratio test)."""
        return float(chi2.sf(2 * self.gain, max(self.freedom, 1e-9)))


def fit_cox(x: FloatArray, time: FloatArray, event: BoolArray, *, ridge: float = 1.0) -> Cox:
    """Return a Cox regression (1972, doi:10.1111/j.2517-6161.1972.tb00899.x) by Newton's method.

    Parameters
    ----------
    x
        Features, shape (n, p); a constant column has no effect and gets 0.
    ridge
        Half of this times the squared coefficients is taken off the log partial likelihood.

    Notes
    -----
    Ties by Breslow's formula. The curvature is built from each record's cumulative hazard, so that no step needs more
    than O(n p + k p) memory for k event times; time O(n p²) a step. Steps that do not raise the likelihood are halved.
    """
    order = np.argsort(-time, kind="stable")  # the longest observed first: risk sets are heads
    x, t, e = x[order], time[order], event[order]
    last = np.searchsorted(-t, -t, side="right") - 1  # the risk set of a time ends with its last tie
    p = x.shape[1]
    beta = np.zeros(p)
    if p == 0 or not e.any():
        return Cox(beta, 0.0, 0.0, True)
    value, gradient, curve = _partial(x, e, last, beta, ridge)
    start, rest = value, False
    for _ in range(_STEPS):
        step = linalg.solve(curve, gradient, assume_a="pos")
        scale = 1.0
        for _ in range(30):
            new = _partial(x, e, last, beta + scale * step, ridge)
            if new[0] >= value - 1e-12 * abs(value):
                break
            scale /= 2
        gained = new[0] - value
        beta, (value, gradient, curve) = beta + scale * step, new
        if gained <= _CLOSE * (abs(value) + 1):
            rest = True
            break
    freedom = p - ridge * float(np.trace(linalg.inv(curve)))
    return Cox(beta, value + ridge / 2 * float(beta @ beta) - start, freedom, rest)


def _partial(
    x: FloatArray, e: BoolArray, last: IntArray, beta: FloatArray, ridge: float
) -> tuple[float, FloatArray, Any]:
    """Return the penalised log partial likelihood, its gradient and its negative curvature."""
    eta = x @ beta
    eta = eta - eta.max()
    w = np.exp(eta)
    s0 = np.cumsum(w)[last]
    s1 = np.cumsum(w[:, None] * x, axis=0)
    means = s1[last[e]] / s0[e][:, None]
    value = float((eta[e] - np.log(s0[e])).sum()) - ridge / 2 * float(beta @ beta)
    gradient = x[e].sum(axis=0) - means.sum(axis=0) - ridge * beta
    # Each event adds 1 / S0 to the cumulative hazard of everybody still at risk: those up to its risk set's end.
    steps = np.bincount(last[e], weights=1 / s0[e], minlength=len(x))
    hazard = np.cumsum(steps[::-1])[::-1]
    curve = (x * (w * hazard)[:, None]).T @ x - means.T @ means + ridge * np.eye(len(beta))
    return value, gradient, curve


__all__ = ["Concordance", "Cox", "Steps", "concordance", "fit_cox", "kaplan_meier"]
