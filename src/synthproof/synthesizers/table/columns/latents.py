"""Latent normals behind mixed columns: their cuts, their scores, and correlations that undo the cutting.

A column is seen as a standard normal cut at thresholds: its levels, atoms and fine bins are the stretches between them.
The observed covariance of two columns' stretch means is smaller than the latents' correlation; the function that links
the two is known through Hermite polynomials, so it can be inverted for all pairs at once. For two levelled columns this
is a polychoric correlation by moments; for two continuous ones, the correlation of normal scores.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

_TERMS = 40
_BINS = 256
_STEPS = 45
_FLOOR = 1e-4
_LIMIT = 0.999
_SLICE = 1024


@dataclass(frozen=True, slots=True)
class Cuts:
    """A column as stretches of a standard normal.

    Parameters
    ----------
    stretch
        Shape (n,): the stretch of each row, -1 where there is none.
    ends
        Shape (stretches + 1,): thresholds, from minus to plus infinity.
    means
        Shape (stretches,): mean of the normal within each stretch.
    """

    stretch: IntArray
    ends: FloatArray
    means: FloatArray

    @property
    def scores(self) -> FloatArray:
        """Each row's stretch mean; 0 where there is none, shape (n,)."""
        return np.where(self.stretch < 0, 0.0, np.append(self.means, 0.0)[self.stretch])


def cut(position: IntArray) -> Cuts:
    """Return the cuts of a column given as positions on a line (-1: none); rare neighbours are joined.

    More than 256 positions are joined to stretches of about equal weight.
    """
    there = position[position >= 0]
    if not len(there):
        return Cuts(np.full(len(position), -1, dtype=np.intp), np.array([-np.inf, np.inf]), np.zeros(1))
    count = np.bincount(there).astype(np.float64)
    above = np.cumsum(count)
    group = np.arange(len(count)) if len(count) <= _BINS else ((above - count / 2) / above[-1] * _BINS).astype(np.intp)
    used, group = np.unique(np.where(count > 0, group, -1), return_inverse=True)
    if used[0] < 0:
        group = group - 1
    group = np.maximum(group, 0)
    weight = np.bincount(group, count)
    share = np.concatenate([[0.0], np.cumsum(weight)]) / weight.sum()
    ends = ndtri(np.clip(share, 0.0, 1.0))
    ends[0], ends[-1] = -np.inf, np.inf
    height = np.exp(-(ends**2) / 2) / np.sqrt(2 * np.pi)
    means = (height[:-1] - height[1:]) / np.maximum(np.diff(share), 1e-300)
    return Cuts(np.where(position < 0, -1, group[position]).astype(np.intp), ends, means)


def correlation(columns: list[Cuts]) -> FloatArray:
    """Return the latents' correlation matrix, positive definite, shape (p, p).

    Pairs use the rows where both are present. Cost O(n p² + p² terms).

    Notes
    -----
    By Mehler's formula the covariance of step functions f, g of two standard normals with correlation r is the sum of
    f_m g_m r^m over their normalised Hermite coefficients; it rises with r when both functions rise, so that bisection
    finds r. The nearest correlation matrix is approached by lifting eigenvalues (Rebonato & Jäckel 2000).
    """
    scores = np.stack([c.scores for c in columns], axis=1)
    there = np.stack([c.stretch >= 0 for c in columns], axis=1).astype(np.float64)
    both = products(there)
    seen = products(scores) / np.maximum(both, 1.0)
    terms = np.stack([_hermite(c) for c in columns])
    low, high = np.full_like(seen, -_LIMIT), np.full_like(seen, _LIMIT)
    for _ in range(_STEPS):
        middle = (low + high) / 2
        below = _covariance(terms, middle) < seen
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    found = (low + high) / 2
    strength = np.sqrt((terms**2).sum(axis=1))
    found[(np.outer(strength, strength) < 1e-9) | (both < 2)] = 0.0
    np.fill_diagonal(found, 1.0)
    return _positive((found + found.T) / 2)


def products(matrix: FloatArray) -> FloatArray:
    """Return ``matrix.T @ matrix``, summed up slice by slice.

    A tall product wakes all threads of the BLAS, which then wait for one another for seconds where cores are shared;
    small ones stay on the caller's thread.
    """
    total = np.zeros((matrix.shape[1], matrix.shape[1]))
    for i in range(0, len(matrix), _SLICE):
        total += matrix[i : i + _SLICE].T @ matrix[i : i + _SLICE]
    return total


def rotated(noise: FloatArray, root: FloatArray) -> FloatArray:
    """Return ``noise @ root.T``, slice by slice for the same reason."""
    out = np.empty((len(noise), root.shape[0]))
    for i in range(0, len(noise), _SLICE):
        out[i : i + _SLICE] = noise[i : i + _SLICE] @ root.T
    return out


def _hermite(column: Cuts) -> FloatArray:
    """Return the coefficients of degree 1 … of the step function of a column's stretch means."""
    ends = column.ends
    inner = np.isfinite(ends)
    x = np.where(inner, ends, 0.0)
    height = np.where(inner, np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi), 0.0)
    before, now = np.zeros_like(x), np.ones_like(x)
    out = np.empty(_TERMS)
    for m in range(1, _TERMS + 1):
        edge = height * now / np.sqrt(m)
        out[m - 1] = float((column.means * (edge[:-1] - edge[1:])).sum())
        before, now = now, (x * now - np.sqrt(m - 1) * before) / np.sqrt(m)
    return out


def _covariance(terms: FloatArray, r: FloatArray) -> FloatArray:
    total = np.zeros_like(r)
    for m in range(_TERMS - 1, -1, -1):
        total = (total + np.outer(terms[:, m], terms[:, m])) * r
    return total


def _positive(matrix: FloatArray) -> FloatArray:
    values, vectors = np.linalg.eigh(matrix)
    if values[0] >= _FLOOR:
        return matrix
    lifted = (vectors * np.maximum(values, _FLOOR)) @ vectors.T
    scale = 1 / np.sqrt(np.diag(lifted))
    out = lifted * np.outer(scale, scale)
    np.fill_diagonal(out, 1.0)
    return np.asarray((out + out.T) / 2)
