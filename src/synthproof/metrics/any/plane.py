"""A plane of points: how much two samples share of it, and what may be drawn of it without showing a real record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from synthproof.core.random import permutation
from synthproof.metrics.table.histograms import SHOWN
from synthproof.metrics.table.intervals import multinomial_interval

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

CELLS = 6
"""Rows and columns of the grid that a distance rests on: cells of the real side's quantiles, each well filled."""
PICTURE_CELLS = 28
"""Most cells a side of the picture; small tables get fewer, so that cells hold enough records to be shown."""
POINTS = 1200


def distance_interval(
    estimate: float, a: IntArray, b: IntArray, n: float, m: float, seed: int, purpose: str
) -> tuple[float, float]:
    """Return the basic bootstrap interval of a total variation between counts, moved to stand around `estimate`.

    Parameters
    ----------
    estimate
        The distance; it may be a mean over several samples of which `b` is one.
    a, b
        Counts of one real and one other sample on the grid.
    n, m
        Independent rows that they stand for.
    """
    low, high = multinomial_interval(_total_variation_of_rows, a, b, n, m, seed=seed, purpose=purpose)
    centre = total_variation(share_of(a), share_of(b))
    moved = (max(0.0, low + estimate - centre), min(1.0, high + estimate - centre))
    return min(moved[0], estimate), max(moved[1], estimate)


def grid_counts(real: FloatArray, rows: FloatArray) -> IntArray:
    """Return the rows in each cell of a grid of train's quantiles, shape (CELLS²,)."""
    at = np.linspace(0, 1, CELLS + 1)[1:-1]
    place = np.zeros(len(rows), dtype=np.intp)
    for axis in range(2):
        cuts = np.unique(np.quantile(real[:, axis], at))
        place = place * CELLS + np.searchsorted(cuts, rows[:, axis], side="left")
    return np.bincount(place, minlength=CELLS * CELLS)


def share_of(counts: IntArray) -> FloatArray:
    """Return counts as shares."""
    return np.asarray(counts / max(1, counts.sum()), dtype=np.float64)


def total_variation(p: FloatArray, q: FloatArray) -> float:
    """Return half the sum of differences of shares, 0 to 1."""
    return float(np.abs(p - q).sum() / 2)


def _total_variation_of_rows(p: FloatArray, q: FloatArray) -> FloatArray:
    return np.asarray(np.abs(p - q).sum(axis=1) / 2, dtype=np.float64)


def plane_picture(real: FloatArray, other: FloatArray, seed: int, purpose: str) -> dict[str, Any]:
    """Return what may be drawn: real rows as counts of well filled cells, synthetic rows as counts and some points."""
    cells = int(np.clip(np.sqrt(len(real) / 12), 6, PICTURE_CELLS))
    edges = [round_edges(real[:, axis], cells) for axis in range(2)]
    chosen = np.sort(permutation(seed, f"{purpose}/points", len(other))[:POINTS])
    counts = _cells(real, edges)
    return {
        "edges_x": edges[0],
        "edges_y": edges[1],
        "real_counts": np.where(counts >= SHOWN, counts, 0),
        "hidden_below": SHOWN,
        "synthetic_counts": _cells(other, edges),
        "synthetic_points": np.round(other[chosen], 2),
        "grid": CELLS,
    }


def round_edges(values: FloatArray, cells: int) -> FloatArray:
    """Return evenly spaced edges over the inner 99 %, rounded so that no edge is a record's own place."""
    low, high = np.quantile(values, [0.005, 0.995])
    step = max(0.01, float(f"{(high - low) / cells:.1g}"))
    first = np.floor(low / step)
    return np.asarray(np.round((first + np.arange(int(np.ceil((high - low) / step)) + 2)) * step, 6), dtype=np.float64)


def _cells(rows: FloatArray, edges: Sequence[FloatArray]) -> IntArray:
    return np.asarray(np.histogram2d(rows[:, 0], rows[:, 1], bins=list(edges))[0].astype(np.intp), dtype=np.intp)


__all__ = ["CELLS", "distance_interval", "grid_counts", "plane_picture", "round_edges", "share_of", "total_variation"]
