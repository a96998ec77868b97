"""An audit of differential privacy: play the attacker who knows all but one person, and see how well he does.

The same mechanism runs many times on a small table with and without one person. A statistic of what it released tells the
two apart; the threshold is chosen on half of the runs and judged on the other half. The two error rates, each at its
worse Clopper-Pearson end, give a lower bound of what was lost: as ε directly, and as the μ of Gaussian differential privacy
(Dong, Roth & Su 2022, arXiv:1905.02383), which is far sharper where the mechanism is Gaussian noise (Nasr et al. 2023,
arXiv:2302.07956). A bound above the promise is a bug; one below it proves nothing.

>>> import numpy as np
>>> rng = np.random.Generator(np.random.Philox(0))
>>> found = audit(rng.normal(0, 1, 2000), rng.normal(1, 1, 2000), delta=1e-2)
>>> 0.6 < found.mu < 1.0
True
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.stats import beta, norm

from synthproof.data.table.dataset import Table
from synthproof.synthesizers.table.dp.ledger import Ledger
from synthproof.synthesizers.table.dp.noise import discrete_gaussian
from synthproof.synthesizers.table.dp_marginals import DpMarginals

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Audited:
    """Lower bounds of what was lost, both at the same level.

    Parameters
    ----------
    epsilon
        From the two rates alone, whatever the mechanism is.
    mu
        Of Gaussian differential privacy.
    epsilon_gaussian
        The ε that `mu` means at the δ asked for.
    ceiling
        The `epsilon` that a perfect attack would reach with so many runs.
    """

    epsilon: float
    mu: float
    epsilon_gaussian: float
    ceiling: float


def audit(without: FloatArray, with_person: FloatArray, *, delta: float, level: float = 0.99) -> Audited:
    """Return the bounds that two samples of a statistic give; it should be larger with the person.

    Parameters
    ----------
    without, with_person
        One number a run, runs independent.
    delta
        Of the promise.
    level
        Of both bounds together.
    """
    a, b = (x[: len(x) // 2] for x in (without, with_person))
    lines = np.quantile(np.concatenate([a, b]), np.linspace(0.02, 0.995, 60))
    by_epsilon = max(lines, key=lambda t: _bounds(a, b, t, delta, level)[0])
    by_mu = max(lines, key=lambda t: _bounds(a, b, t, delta, level)[1])
    a, b = without[len(a) :], with_person[len(b) :]
    epsilon, mu = _bounds(a, b, by_epsilon, delta, level)[0], _bounds(a, b, by_mu, delta, level)[1]
    least = beta.ppf((1 + level) / 2, 1, len(a))
    ceiling = float(np.log(max(1e-12, beta.ppf((1 - level) / 2, len(b), 1) - delta) / least))
    return Audited(max(0.0, epsilon), max(0.0, mu), epsilon_of_mu(max(0.0, mu), delta), ceiling)


def _bounds(
    without: FloatArray, with_person: FloatArray, line: float, delta: float, level: float
) -> tuple[float, float]:
    """Return the lower bounds (ε, μ) that one threshold gives; each rate keeps half of what the level leaves."""
    n, m = len(without), len(with_person)
    false, true = int((without > line).sum()), int((with_person > line).sum())
    tail = (1 - level) / 2
    high = float(beta.ppf(1 - tail, false + 1, n - false)) if false < n else 1.0
    low = float(beta.ppf(tail, true, m - true + 1)) if true else 0.0
    epsilon = float(np.log((low - delta) / high)) if low > delta else -np.inf
    return epsilon, float(norm.ppf(low) - norm.ppf(high)) if low > 0 and high < 1 else -np.inf


def epsilon_of_mu(mu: float, delta: float) -> float:
    """Return the ε of μ-Gaussian differential privacy at δ (Dong, Roth & Su 2022, corollary 2.13)."""
    if mu <= 0:
        return 0.0

    def over(epsilon: float) -> float:
        return float(norm.cdf(mu / 2 - epsilon / mu) - np.exp(epsilon) * norm.cdf(-mu / 2 - epsilon / mu) - delta)

    return 0.0 if over(0.0) <= 0 else float(brentq(over, 0.0, mu**2 / 2 + 12 * mu))


def game(promise: DpMarginals, without: Table, with_person: Table, runs: int) -> tuple[FloatArray, FloatArray]:
    """Return the attacker's statistic of many fits, without and with one person.

    The attacker hears every noisy table that the ledger of `listening` gives out. The person's row must lie in the last cell
    of each of them (last level of every column, none missing): the statistic is the weighted sum of these cells, which is
    the likelihood ratio of Gaussian noise up to a constant.
    """
    found = []
    for data in (without, with_person):
        heard = []
        for _ in range(runs):
            made = promise.fit(data)
            ledger = made._ledger
            assert isinstance(ledger, Listening), "the audit needs a generator of `listening`"
            heard.append(ledger.heard)
        found.append(np.array(heard))
    return found[0], found[1]


class Listening(Ledger):
    """A ledger that adds up the last cells of what it gives out, weighted by the noise they carry."""

    heard: float

    def noisy(
        self, counts: npt.NDArray[np.int64], rho: float, purpose: str, *columns: str, times: int = 1
    ) -> npt.NDArray[np.int64]:
        """Return a table of counts with noise, and listen."""
        out = super().noisy(counts, rho, purpose, *columns, times=times)
        self.heard = getattr(self, "heard", 0.0) + float(out.flat[-1]) / self.entries[-1].scale ** 2
        return out


class HalfNoise(Listening):
    """A broken one: it books the noise that is owed and adds half of it."""

    def noisy(
        self, counts: npt.NDArray[np.int64], rho: float, purpose: str, *columns: str, times: int = 1
    ) -> npt.NDArray[np.int64]:
        """Return a table of counts with half the noise."""
        owed = super(Listening, self).noisy(counts, rho, purpose, *columns, times=times)
        half = Fraction(self.entries[-1].scale ** 2 / 4).limit_denominator(64)
        out = counts + discrete_gaussian(half, counts.size).reshape(owed.shape)
        self.heard = getattr(self, "heard", 0.0) + float(out.flat[-1]) / self.entries[-1].scale ** 2
        return np.asarray(out)


def listening(ledger: type[Ledger]) -> type[DpMarginals]:
    """Return the generator with another ledger."""
    return type("Audited", (DpMarginals,), {"ledger_class": ledger, "__init__": DpMarginals.__init__})


__all__ = ["Audited", "HalfNoise", "Listening", "audit", "epsilon_of_mu", "game", "listening"]
