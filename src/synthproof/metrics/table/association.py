"""How strongly every pair of columns belongs together: Pearson, Cramér's V, and the correlation ratio.

numbers × numbers   Pearson's r over rows that have both, -1 to 1
levels × levels     Cramér's V, 0 to 1, without bias correction (as the guide's tools compute it)
levels × numbers    η² = SSB/SST of the one-way analysis of variance, 0 to 1 (the guide's form, a share of variance)

A missing level is a level of its own; a missing number leaves the row out of that pair. A column that does not vary
has association 0 with every other. Everything is read off sums that add up over groups of rows, so that a resample of
groups needs no second pass over the rows.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from synthproof.engines.codes import Coded
from synthproof.engines.threads import one_blas_thread
from synthproof.metrics.table.coded_case import pooled_levels

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

MOST_LEVELS = 100
"""Rarer levels of longer fields are merged into one before anything is counted."""
_CELLS = 4_000_000


def association_matrix(coded: Coded) -> FloatArray:
    """Return the association of every pair of columns, numeric fields first, then fields with levels.

    Returns
    -------
    ndarray, shape (d, d)
        Symmetric, ones on the diagonal. Cost O(rows · d²) by joint counts, 15 to 20 ms for 24,000 × 15.
    """
    whole = weighted_associations(coded, np.zeros(len(coded), dtype=np.intp), np.ones((1, 1)))
    return np.asarray(whole[0], dtype=np.float64)


@one_blas_thread()
def weighted_associations(coded: Coded, group: IntArray, weights: FloatArray) -> FloatArray:
    """Return one association matrix for each weighting of groups of rows, in one pass over the rows.

    Parameters
    ----------
    coded
        The rows.
    group
        Group of each row, 0 … groups - 1, shape (n_rows,).
    weights
        How often each group counts, shape (repeats, groups).

    Returns
    -------
    ndarray, shape (repeats, d, d)
    """
    groups = weights.shape[1]
    present = ~np.isnan(coded.numbers)
    x = _standardised(coded.numbers, present)
    p, q = x.shape[1], coded.codes.shape[1]
    out = np.zeros((len(weights), p + q, p + q))
    if p:
        out[:, :p, :p] = _pearson(np.tensordot(weights, _squares(x, present, group, groups), axes=1))
    totals = np.tensordot(weights, _totals(x, present, group, groups), axes=1)
    codes = [np.ascontiguousarray(coded.codes[:, j]).astype(np.intp) + 1 for j in range(q)]
    sizes = [k + 1 for k in coded.cardinality]
    for i, a in enumerate(codes):
        cell = group * sizes[i] + a if groups > 1 else a
        block = _within(cell, sizes[i], groups, x, present)
        eta = _correlation_ratio(np.tensordot(weights, block, axes=1), totals)
        out[:, p + i, :p] = eta
        out[:, :p, p + i] = eta
        for j in range(i + 1, q):
            flat = np.bincount(cell * sizes[j] + codes[j], minlength=groups * sizes[i] * sizes[j])
            v = _cramer_of(flat.reshape(groups, sizes[i], sizes[j]), weights)
            out[:, p + i, p + j] = v
            out[:, p + j, p + i] = v
    out[:, np.arange(p + q), np.arange(p + q)] = 1.0
    return out


def _standardised(numbers: FloatArray, present: npt.NDArray[np.bool_]) -> FloatArray:
    # Centring and scaling change no association and keep the sums of squares exact enough for times in microseconds.
    x = numbers - _safe_mean(numbers, present)
    x[~present] = 0.0
    if not len(x):
        return x
    scale = np.sqrt((x**2).mean(axis=0))
    return np.asarray(x / np.where(scale > 0, scale, 1.0), dtype=np.float64)


def _safe_mean(numbers: FloatArray, present: npt.NDArray[np.bool_]) -> FloatArray:
    counts = np.maximum(present.sum(axis=0), 1)
    first = np.where(present, numbers, 0.0).sum(axis=0) / counts
    return np.asarray(first, dtype=np.float64)


def _within(cell: IntArray, k: int, groups: int, x: FloatArray, present: npt.NDArray[np.bool_]) -> FloatArray:
    """Return (rows, Σx) of each level and number, shape (groups, 2, k, p)."""
    rows = np.bincount(cell, minlength=groups * k).astype(np.float64)
    out = np.empty((2, groups * k, x.shape[1]))
    for j in range(x.shape[1]):
        full = bool(present[:, j].all())
        out[0, :, j] = rows if full else np.bincount(cell[present[:, j]], minlength=groups * k)
        out[1, :, j] = np.bincount(cell, weights=x[:, j], minlength=groups * k)
    return np.moveaxis(out.reshape(2, groups, k, x.shape[1]), 0, 1)


def _squares(x: FloatArray, present: npt.NDArray[np.bool_], at: IntArray, groups: int) -> FloatArray:
    """Return n, Σx, Σx², Σxy over the rows that have both numbers, shape (groups, 4, p, p)."""
    p = x.shape[1]
    out = np.zeros((groups, 4, p, p))
    order = np.argsort(at, kind="stable") if groups > 1 else slice(None)
    bounds = np.searchsorted(at[order], np.arange(groups + 1)) if groups > 1 else np.array([0, len(x)])
    xs, ms = x[order], present[order].astype(np.float64)
    for g in range(groups):
        a, m = xs[bounds[g] : bounds[g + 1]], ms[bounds[g] : bounds[g + 1]]
        out[g, 0] = m.T @ m
        out[g, 1] = a.T @ m
        out[g, 2] = (a * a).T @ m
        out[g, 3] = a.T @ a
    return out


def _totals(x: FloatArray, present: npt.NDArray[np.bool_], at: IntArray, groups: int) -> FloatArray:
    """Return rows, Σx and Σx² of each number over its present values, shape (groups, 3, p)."""
    out = np.zeros((groups, 3, x.shape[1]))
    for j in range(x.shape[1]):
        out[:, 0, j] = np.bincount(at, weights=present[:, j], minlength=groups)
        out[:, 1, j] = np.bincount(at, weights=x[:, j], minlength=groups)
        out[:, 2, j] = np.bincount(at, weights=x[:, j] ** 2, minlength=groups)
    return out


def _cramer_of(tables: npt.NDArray[np.intp], weights: FloatArray) -> FloatArray:
    """Return Cramér's V for each weighting of the groups' joint counts, in pieces that fit the memory."""
    step = max(1, _CELLS // tables[0].size)
    counts = tables.astype(np.float64)
    pieces = [
        _cramer(np.tensordot(weights[start : start + step], counts, axes=1)) for start in range(0, len(weights), step)
    ]
    return np.concatenate(pieces)


def _pearson(s: FloatArray) -> FloatArray:
    n, sx, sxx, sxy = s[:, 0], s[:, 1], s[:, 2], s[:, 3]
    sy, syy = np.swapaxes(sx, 1, 2), np.swapaxes(sxx, 1, 2)
    vx, vy = n * sxx - sx**2, n * syy - sy**2
    # Relative to the sum of squares, anything below rounding is a column that does not vary.
    flat = (vx <= 1e-12 * n * sxx) | (vy <= 1e-12 * n * syy)
    with np.errstate(divide="ignore", invalid="ignore"):
        r = (n * sxy - sx * sy) / np.sqrt(vx * vy)
    return np.clip(np.where(flat, 0.0, np.nan_to_num(r)), -1.0, 1.0)


def _cramer(table: FloatArray) -> FloatArray:
    n = table.sum(axis=(1, 2))
    rows, columns = table.sum(axis=2), table.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        # χ²/n = Σ n_ij² / (n_i n_j) - 1: empty rows and columns drop out by themselves.
        ratio = table**2 / (rows[:, :, None] * columns[:, None, :])
    phi2 = np.nan_to_num(ratio).sum(axis=(1, 2)) - 1.0
    smaller = np.minimum((rows > 0).sum(axis=1), (columns > 0).sum(axis=1)) - 1
    v = np.sqrt(np.clip(phi2, 0.0, None) / np.maximum(smaller, 1))
    return np.where((smaller < 1) | (n <= 0), 0.0, np.clip(v, 0.0, 1.0))


def _correlation_ratio(block: FloatArray, totals: FloatArray) -> FloatArray:
    rows, sums = block[:, 0], block[:, 1]
    n, total, squares = totals[:, 0], totals[:, 1], totals[:, 2]
    with np.errstate(divide="ignore", invalid="ignore"):
        centre = total**2 / n
        between = np.nan_to_num(sums**2 / rows).sum(axis=1) - centre
        whole = squares - centre
        eta = between / whole
    return np.where((n < 2) | (whole <= 1e-12 * squares), 0.0, np.clip(np.nan_to_num(eta), 0.0, 1.0))


def spread(difference: FloatArray) -> FloatArray:
    """Return the standard deviation of the entries above the diagonal, shape (repeats,) for (repeats, d, d)."""
    upper = np.triu_indices(difference.shape[-1], k=1)
    if not len(upper[0]):  # a single column has no pair
        return np.full(difference.shape[:-2], np.nan)
    entries = difference[..., upper[0], upper[1]]
    return np.asarray(entries.std(axis=-1), dtype=np.float64)


def corr_sd_of(real: Coded, other: Coded) -> float:
    """Return the guide's corr-sd: the standard deviation of the entries of R_real - R_other over distinct pairs.

    Parameters
    ----------
    real, other
        Tables coded under one schema, with at least three columns for the number to mean anything.

    Returns
    -------
    float
        0 for the same associations; not above 1. Cost as two `association_matrix` calls.
    """
    a, b = pooled_levels((real, other), real, MOST_LEVELS)
    return float(spread((association_matrix(a) - association_matrix(b))[None])[0])
