"""Where exact noise comes from: OpenDP's sampler where the extra ``[dp]`` is installed, else our own.

Both draw the discrete Gaussian law over whole numbers from the system's entropy, by the method of Canonne, Kamath &
Steinke 2020 (arXiv:2004.00010), and neither has a seed. OpenDP's (https://opendp.org) is written in Rust, kept and
reviewed by a community of its own, and slower on large tables; ours is `noise`. The ledger is the same and says which it was.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cache
from importlib.metadata import PackageNotFoundError, version

import numpy as np
import numpy.typing as npt

from synthproof.synthesizers.table.dp import noise

IntArray = npt.NDArray[np.int64]

BUILT_IN = "built-in"
_WIDEST = 1 << 52
"""Scale above which a float is no longer exact to a whole number: our own sampler takes over."""


def discrete_gaussian(variance: Fraction, n: int) -> IntArray:
    """Return n independent draws of the discrete Gaussian law of at least this variance, from the source in use.

    Parameters
    ----------
    variance
        The parameter σ², positive. OpenDP takes σ as a float: it is rounded up, so that the noise is never less than
        what the ledger books (and more by a relative 3e-16 at most).
    n
        Number of draws.

    Notes
    -----
    Cost some 10 µs a draw by OpenDP; by our own 1 µs in large tables and 30 in small ones.
    """
    if n == 0 or source() == BUILT_IN or variance >= _WIDEST**2:
        return noise.discrete_gaussian(variance, n)
    return _by_opendp(variance, n)


@cache
def source() -> str:
    """Return which source is in use: ``"opendp 0.16.0"`` or ``"built-in"``; looked up once."""
    try:
        from opendp import measurements
        from opendp.mod import enable_features
    except ImportError:
        return BUILT_IN
    if not hasattr(measurements, "make_gaussian"):
        return BUILT_IN
    # The samplers are what OpenDP calls "contrib": proofs are written, not yet vetted by its own board.
    enable_features("contrib")
    try:
        return f"opendp {version('opendp')}"
    except PackageNotFoundError:
        return "opendp"


def scale_above(variance: Fraction) -> float:
    """Return the least float whose square is not below the variance."""
    scale = math.sqrt(float(variance))
    while Fraction(scale) ** 2 < variance:
        scale = math.nextafter(scale, math.inf)
    while Fraction(below := math.nextafter(scale, 0.0)) ** 2 >= variance:
        scale = below
    return scale


def _by_opendp(variance: Fraction, n: int) -> IntArray:
    from opendp.domains import atom_domain, vector_domain
    from opendp.measurements import make_gaussian
    from opendp.metrics import l2_distance

    if variance <= 0:
        raise ValueError("the variance must be positive")
    space = vector_domain(atom_domain(T="i64"), size=n), l2_distance(T="f64")
    return np.asarray(make_gaussian(*space, scale=scale_above(variance))([0] * n), dtype=np.int64)


__all__ = ["BUILT_IN", "discrete_gaussian", "scale_above", "source"]
