"""Exact noise: integers of the discrete Gaussian law and choices of the exponential mechanism, from the system's entropy.

Floating-point samplers leak through the last bits of what they return (Mironov 2012, doi:10.1145/2382196.2382264). Here
every decision is a comparison of whole numbers, after Canonne, Kamath & Steinke 2020 (arXiv:2004.00010, algorithms 1 to
3): a coin of chance exp(-γ) from fair dice, a discrete Laplace number from such coins, a discrete Gaussian one by
rejection. Nothing here takes a seed, and nothing is recorded: noise that can be drawn again can be taken away again.

How long a draw takes depends on what is drawn. That is no secret as long as nobody can time single draws; a service
that answers strangers while they hold a stop-watch is not what this is for.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

ROOM = 70_000_000
"""Product of squared scale and denominator up to which 64 bits hold all that the vectorised sampler computes."""
_WORD = 1 << 64
_FEW = 32  # draws up to which one by one is quicker
_FAR = 40
"""Multiples of the Laplace scale within which 64 bits suffice; the one draw in 10^17 beyond them is made with integers."""


def discrete_gaussian(variance: Fraction, n: int) -> IntArray:
    """Return n independent draws of the discrete Gaussian law: P(x) proportional to exp(-x² / (2 · variance)).

    Parameters
    ----------
    variance
        The parameter σ², positive; the law's own variance is at most that.
    n
        Number of draws.

    Notes
    -----
    Cost O(n) and about 2 µs a draw; draws of σ over some 8,000 are made one by one with whole numbers of any size.
    """
    if variance <= 0:
        raise ValueError("the variance must be positive")
    if n <= _FEW or _scale(variance) ** 2 * variance.denominator > ROOM:
        return np.array([_one_gaussian(variance) for _ in range(n)], dtype=np.int64)
    out = np.empty(n, dtype=np.int64)
    todo = np.arange(n)
    while len(todo):
        drawn, kept = _gaussians(variance, len(todo))
        out[todo[kept]] = drawn[kept]
        todo = todo[~kept]
    return out


def choose(scores: Sequence[int], rate: Fraction) -> int:
    """Return a position with chance proportional to exp(rate · score): the exponential mechanism, by rejection.

    Parameters
    ----------
    scores
        Whole numbers.
    rate
        ε / (2 · sensitivity of a score), not negative.

    Notes
    -----
    A position is proposed evenly and kept with chance exp(rate · (score - best)); at most ``len(scores)`` proposals are
    expected. ε-DP, and ε²/8-zCDP (Cesar & Rogers 2021, arXiv:2004.07223).
    """
    best = max(scores)
    while True:
        at = secrets.randbelow(len(scores))
        if _coin(rate.numerator * (best - scores[at]), rate.denominator):
            return at


def private_shuffle(n: int) -> npt.NDArray[np.intp]:
    """Return a random order of ``range(n)`` that nobody can draw again."""
    return np.random.Generator(np.random.Philox(key=secrets.randbits(128))).permutation(n).astype(np.intp)


def _gaussians(variance: Fraction, n: int) -> tuple[IntArray, BoolArray]:
    """Return n proposals and which of them are kept (algorithm 3)."""
    a, b = variance.numerator, variance.denominator
    t = _scale(variance)
    y = _laplaces(t, n)
    far = np.abs(y) > _FAR * t
    size = np.where(far, 0, np.abs(y))
    gap = size * (t * b) - a  # as `_excess` has it
    kept = _coins(gap * gap, np.full(n, 2 * a * b * t * t, dtype=np.int64))
    for i in np.flatnonzero(far):
        kept[i] = _coin(*_excess(int(abs(y[i])), t, variance))
    return y, kept


def _laplaces(t: int, n: int) -> IntArray:
    """Return n draws of the discrete Laplace law of scale t: P(y) proportional to exp(-|y| / t) (algorithm 2)."""
    out = np.empty(n, dtype=np.int64)
    todo = np.arange(n)
    while len(todo):
        k = len(todo)
        u = _below(np.full(k, t, dtype=np.int64))
        kept = _coins(u, np.full(k, t, dtype=np.int64))
        v = np.zeros(k, dtype=np.int64)
        going = np.flatnonzero(kept)
        while len(going):
            going = going[_coins_of_one(len(going))]
            v[going] += 1
        size = u + t * v
        negative = _below(np.full(k, 2, dtype=np.int64)) == 1
        kept &= ~(negative & (size == 0))
        out[todo[kept]] = np.where(negative, -size, size)[kept]
        todo = todo[~kept]
    return out


def _coins(p: IntArray, q: IntArray) -> BoolArray:
    """Return for each pair whether a coin of chance exp(-p/q) fell heads (algorithm 1), p >= 0, q > 0."""
    out = np.ones(len(p), dtype=np.bool_)
    whole, p = np.divmod(p, q)
    going = np.flatnonzero(whole > 0)
    while len(going):
        out[going] = _coins_of_one(len(going))
        whole[going] -= 1
        going = going[out[going] & (whole[going] > 0)]
    rest = np.flatnonzero(out)
    out[rest] = _small_coins(p[rest], q[rest])
    return out


def _coins_of_one(n: int) -> BoolArray:
    one = np.ones(n, dtype=np.int64)
    return _small_coins(one, one)


def _small_coins(p: IntArray, q: IntArray) -> BoolArray:
    """Return coins of chance exp(-p/q) for p <= q: the first k at which a coin of chance p / (q k) fails is odd."""
    out = np.zeros(len(p), dtype=np.bool_)
    going = np.arange(len(p))
    k = 1
    while len(going):
        heads = _below(q[going] * k) < p[going]
        out[going[~heads]] = k % 2 == 1
        going = going[heads]
        k += 1
    return out


def _below(limits: IntArray) -> IntArray:
    """Return an even draw from ``range(limit)`` for each limit, by rejection from 64 bits."""
    n = len(limits)
    out = np.empty(n, dtype=np.int64)
    todo = np.arange(n)
    bound = limits.astype(np.uint64)
    # The largest multiple of the limit that 64 bits hold, less one: words above it would favour small numbers.
    last = np.uint64(_WORD - 1) - (np.uint64(_WORD - 1) % bound + np.uint64(1)) % bound
    while len(todo):
        words = np.frombuffer(secrets.token_bytes(8 * len(todo)), dtype=np.uint64)
        fair = words <= last[todo]
        out[todo[fair]] = (words[fair] % bound[todo[fair]]).astype(np.int64)
        todo = todo[~fair]
    return out


def _one_gaussian(variance: Fraction) -> int:
    """Return one draw with whole numbers of any size: the law as it is written, for what 64 bits cannot hold."""
    t = _scale(variance)
    while True:
        y = _one_laplace(t)
        if _coin(*_excess(abs(y), t, variance)):
            return y


def _one_laplace(t: int) -> int:
    while True:
        u = secrets.randbelow(t)
        if not _coin_of(u, t):
            continue
        v = 0
        while _coin_of(1, 1):
            v += 1
        size, negative = u + t * v, bool(secrets.randbelow(2))
        if not (negative and size == 0):
            return -size if negative else size


def _coin(p: int, q: int) -> bool:
    """Return whether a coin of chance exp(-p/q) fell heads, p >= 0, q > 0."""
    whole, rest = divmod(p, q)
    return all(_coin_of(1, 1) for _ in range(whole)) and _coin_of(rest, q)


def _coin_of(p: int, q: int) -> bool:
    k = 1
    while secrets.randbelow(q * k) < p:
        k += 1
    return k % 2 == 1


def _scale(variance: Fraction) -> int:
    """Return floor(σ) + 1, the scale of the Laplace proposals, from whole numbers alone."""
    return math.isqrt(variance.numerator // variance.denominator) + 1


def _excess(size: int, t: int, variance: Fraction) -> tuple[int, int]:
    """Return (|y| - σ²/t)² / (2σ²) as numerator and denominator."""
    a, b = variance.numerator, variance.denominator
    return (size * t * b - a) ** 2, 2 * a * b * t * t


__all__ = ["ROOM", "choose", "discrete_gaussian", "private_shuffle"]
