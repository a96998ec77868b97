"""How unusual a nearness is: the lower tail of unseen pictures' nearness to train, continued below what was observed.

Of a picture, *nearness* is its distance to the nearest training picture over the mean distance to the next ones (of
other persons). It knows no scale: 1 where the nearest is no nearer than the others, 0 for a copy. In a space of k
dimensions that looks even at small scale it falls below r with a probability that goes as r**k, so its logarithm has an
exponential tail whose rate Hill's estimator finds (Hill 1975, doi:10.1214/aos/1176343247).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synthproof.engines.vision.alignment import Near

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

LEAST = 200
"""Unseen pictures that a tail can be read from at least."""
_TAIL = 0.1
_FEWEST, _MOST = 20, 500
_SPARED = 0.02
_TWIN = 0.005
"""A nearness expected less often than this among all unseen pictures is no chance: a twin of a training picture."""


def nearness(near: Near, unit_of_row: IntArray) -> FloatArray:
    """Return the distance to the nearest over the mean distance to the next ones of other units, shape (n,).

    Where all that were found are of one unit (a person with most of the pictures), the others' mean is the median of those known.
    """
    units = unit_of_row[near.row]
    other = units[:, 1:] != units[:, :1]
    rest = np.where(other, near.distance[:, 1:], 0.0).sum(axis=1)
    count = other.sum(axis=1)
    mean = np.divide(rest, count, out=np.zeros(len(rest)), where=count > 0)
    typical = float(np.median(mean[count > 0])) if (count > 0).any() else 1.0
    mean = np.where(count > 0, mean, typical)
    return np.asarray(near.distance[:, 0] / np.where(mean > 0, mean, 1.0), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Tail:
    """The lower tail of nearness: ``share * (r / at) ** rate`` below `at`.

    Parameters
    ----------
    at, share
        The quantile that the tail starts from, and its probability.
    rate
        Hill's estimate less 1.645 of its standard errors: the tail is taken for heavier than it looked.
    twins
        Unseen pictures that repeat a training picture beyond chance: duplicates within the source, left out of the tail.
    n
        Unseen pictures.
    """

    at: float
    share: float
    rate: float
    twins: int
    n: int

    @classmethod
    def of(cls, values: FloatArray) -> Tail:
        """Return the tail of unseen pictures' nearness, at least `LEAST` of them."""
        x = np.sort(values)
        n = len(x)
        m, spared = _length(n), max(1, int(_SPARED * n))
        # Hill's estimate without the lowest values (Aban, Meerschaert & Panorska 2006): twins do not hide each other.
        logs = np.log(np.maximum(x[m], 1e-9) / np.maximum(x[spared:m], 1e-9))
        spread = float(logs.sum()) or 1e-9
        order = np.arange(spared, m)
        trimmed = float((_harmonic(m) - _harmonic_of(order)).sum()) / spread
        chance = (m / n) * (x[:spared] / x[m]) ** trimmed if x[m] > 0 else np.ones(spared)
        unlikely = np.flatnonzero(n * chance < _TWIN)
        twins = int(unlikely.max()) + 1 if len(unlikely) else 0
        rest = x[twins:]
        m = _length(len(rest))
        mean_log = float(np.mean(np.log(np.maximum(rest[m], 1e-9) / np.maximum(rest[:m], 1e-9))))
        rate = (1.0 / max(mean_log, 1e-9)) * (1 - 1.645 / np.sqrt(m))
        return cls(float(rest[m]), m / len(rest), float(rate), twins, n)

    def chance(self, value: FloatArray) -> FloatArray:
        """Return the probability that an unseen picture is as near as this; above the tail's start, that of the start."""
        inside = np.clip(value / max(self.at, 1e-12), 0.0, 1.0)
        return np.asarray(self.share * inside**self.rate, dtype=np.float64)

    def limit(self, expected: float, asked: int) -> float:
        """Return the nearness that `expected` of so many unseen pictures fall below."""
        return float(self.at * min(1.0, expected / (asked * self.share)) ** (1.0 / self.rate))


def _length(n: int) -> int:
    return int(np.clip(int(_TAIL * n), _FEWEST, _MOST))


def _harmonic(m: int) -> float:
    return float((1.0 / np.arange(1, m + 1)).sum())


def _harmonic_of(order: IntArray) -> FloatArray:
    """Return the harmonic numbers H_i."""
    sums = np.concatenate([[0.0], np.cumsum(1.0 / np.arange(1, int(order.max(initial=0)) + 2))])
    return np.asarray(sums[order], dtype=np.float64)


__all__ = ["LEAST", "Tail", "nearness"]
