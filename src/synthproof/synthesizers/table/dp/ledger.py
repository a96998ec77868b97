"""The ledger: every look at the data costs, is done here and nowhere else, and is written down.

Costs are counted in zero-concentrated differential privacy (zCDP, Bun & Steinke 2016, arXiv:1605.02658), which adds up:
a noisy table of sensitivity Δ (in Euclidean length) and variance σ² costs ρ = Δ²/(2σ²); a choice by the exponential
mechanism at ε costs ε²/8 (Cesar & Rogers 2021, arXiv:2004.07223); what a threshold lets through costs ρ of its noise and
a δ of its own. The sum is turned into (ε, δ) by Canonne, Kamath & Steinke 2020 (arXiv:2004.00010, corollary 13).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from typing import Any, Literal, Self, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar

from synthproof.core.errors import UsageError
from synthproof.synthesizers.table.dp.noise import choose
from synthproof.synthesizers.table.dp.source import BUILT_IN, discrete_gaussian, source

IntArray = npt.NDArray[np.int64]
Mechanism: TypeAlias = Literal["discrete_gaussian", "exponential", "threshold"]

_FINE = 1_024  # denominator of small variances and of rates


@dataclass(frozen=True, slots=True)
class Entry:
    """One call of a mechanism.

    Parameters
    ----------
    mechanism
        ``discrete_gaussian`` (noise on a table of counts), ``exponential`` (a choice), ``threshold`` (levels that a
        noisy count let through).
    purpose
        What it was for: ``total``, ``range``, ``grain``, ``levels``, ``column``, ``choice`` or ``pair``.
    columns
        The columns looked at; none where all were.
    sensitivity
        By how much one person changes what the noise hides: Euclidean length of a table's change, change of a score.
    scale
        σ of the noise, or ε of the choice.
    rho, delta
        What it cost.
    """

    mechanism: Mechanism
    purpose: str
    columns: tuple[str, ...]
    sensitivity: float
    scale: float
    rho: float
    delta: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "mechanism": self.mechanism,
            "purpose": self.purpose,
            "columns": list(self.columns),
            "sensitivity": self.sensitivity,
            "scale": self.scale,
            "rho": self.rho,
            "delta": self.delta,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote."""
        return cls(**{**data, "columns": tuple(data["columns"])})


@dataclass
class Ledger:
    """A budget and all that was spent of it.

    Parameters
    ----------
    epsilon, delta
        What is promised in the end.
    loose
        Part of `delta` kept for thresholds; the rest turns the sum of ρ into ε.
    rows
        Rows that one person adds to the data at most.
    entries
        What was spent, in order.
    noise
        Where the noise came from: ``"built-in"``, or OpenDP with its version (`source`).
    """

    epsilon: float
    delta: float
    loose: float = 0.0
    rows: int = 1
    entries: list[Entry] = field(default_factory=list)
    noise: str = field(default_factory=source)
    budget: float = field(init=False)
    """The ρ that may be spent in all."""

    def __post_init__(self) -> None:
        self.budget = rho_for(self.epsilon, self.delta - self.loose)

    @property
    def rho(self) -> float:
        """The ρ spent so far."""
        return math.fsum(e.rho for e in self.entries)

    @property
    def spent(self) -> tuple[float, float]:
        """The (ε, δ) of everything spent so far."""
        return epsilon_of(self.rho, self.delta - self.loose), self.delta - self.loose + self.lost

    @property
    def lost(self) -> float:
        """The δ that thresholds spent."""
        return math.fsum(e.delta for e in self.entries)

    def noisy(self, counts: IntArray, rho: float, purpose: str, *columns: str, times: int = 1) -> IntArray:
        """Return a table of counts with noise.

        Parameters
        ----------
        counts
            Rows in each cell, any shape.
        rho
            What the look may cost.
        purpose, columns
            For the record.
        times
            Cells that one row is counted in (levels of a tree of intervals).
        """
        squared = self.rows**2 * times
        variance = variance_for(rho, squared)
        self._book(Entry("discrete_gaussian", purpose, columns, squared**0.5, float(variance) ** 0.5,
                         float(squared / (2 * variance))))  # fmt: skip
        return counts + discrete_gaussian(variance, counts.size).reshape(counts.shape)

    def choose(self, scores: Sequence[int], rho: float, purpose: str) -> int:
        """Return the position of a high score: one row changes a score by 1 at most."""
        epsilon = Fraction(math.floor((8 * rho) ** 0.5 * _FINE**2), _FINE**2)
        self._book(Entry("exponential", purpose, (), float(self.rows), float(epsilon), float(epsilon) ** 2 / 8))
        return choose(scores, epsilon / (2 * self.rows))

    def over(self, counts: IntArray, rho: float, delta: float, purpose: str, *columns: str) -> npt.NDArray[np.bool_]:
        """Return which of the counts that are not 0 stand out: a set that shows no count of one person alone.

        A person brings at most `rows` cells into being, each of at most `rows`. The threshold is that and as much noise
        as a draw exceeds with chance δ / rows at most, by P(X >= λ) <= exp(-λ²/(2σ²)) (Canonne, Kamath & Steinke 2020,
        corollary 17). Partition selection, e.g. Korolova et al. 2009 (doi:10.1145/1526709.1526733).
        """
        variance = variance_for(rho, self.rows**2)
        spread = float(variance) ** 0.5
        line = math.ceil(self.rows + spread * math.sqrt(2 * math.log(self.rows / delta)))
        self._book(Entry("threshold", purpose, columns, float(self.rows), spread,
                         float(self.rows**2 / (2 * variance)), delta))  # fmt: skip
        out = np.zeros(len(counts), dtype=np.bool_)
        there = np.flatnonzero(counts > 0)
        out[there] = counts[there] + discrete_gaussian(variance, len(there)) >= line
        return out

    def _book(self, entry: Entry) -> None:
        if self.rho + entry.rho > self.budget * (1 + 1e-9) or self.lost + entry.delta > self.loose * (1 + 1e-9):
            raise UsageError("dp/overspent", purpose=entry.purpose)
        self.entries.append(entry)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values: what was promised, what was spent, and every entry."""
        epsilon, delta = self.spent
        return {
            "epsilon": self.epsilon,
            "delta": self.delta,
            "loose": self.loose,
            "rows_per_person": self.rows,
            "rho": self.rho,
            "epsilon_spent": epsilon,
            "delta_spent": delta,
            "noise": self.noise,
            "entries": [e.to_dict() for e in self.entries],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote."""
        entries = [Entry.from_dict(e) for e in data["entries"]]
        return cls(
            data["epsilon"],
            data["delta"],
            data["loose"],
            int(data["rows_per_person"]),
            entries,
            data.get("noise", BUILT_IN),
        )


def variance_for(rho: float, squared: int) -> Fraction:
    """Return a variance whose noise costs ρ at most, for a squared sensitivity; it is rounded up, never down."""
    exact = Fraction(squared) / (2 * Fraction(rho))
    fine = 1 if exact >= _FINE else _FINE
    return Fraction(math.ceil(exact * fine), fine)


def epsilon_of(rho: float, delta: float) -> float:
    """Return the ε of ρ-zCDP at some δ; every order α gives a bound, the best is taken. 0 for ρ = 0."""
    if rho <= 0:
        return 0.0

    def bound(log_order: float) -> float:
        more = math.exp(log_order)  # α - 1
        order = 1 + more
        return order * rho + (math.log(1 / delta) - math.log(order)) / more + math.log(more / order)

    found = minimize_scalar(bound, bounds=(-12.0, 25.0), method="bounded", options={"xatol": 1e-10})
    return max(0.0, float(found.fun))


@cache
def rho_for(epsilon: float, delta: float) -> float:
    """Return the largest ρ whose ε at δ is at most `epsilon`, to a relative 1e-12 below it."""
    low, high = 0.0, max(1.0, 2 * epsilon)
    while high - low > 1e-12 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if epsilon_of(middle, delta) <= epsilon else (low, middle)
    return low


__all__ = ["Entry", "Ledger", "epsilon_of", "rho_for", "variance_for"]
