"""Effect sizes of two-sample tests, exact and over resampled groups of units, with the p-values that go with them.

Every effect lies in [0, 1] and is 0 for the same distribution; p-values take clustered rows for as many as they are worth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special as _sp
from scipy import stats as _st

from synthproof.core.schema import Field
from synthproof.engines.codes import levels_of
from synthproof.metrics.table.coded_case import Part
from synthproof.metrics.table.histograms import codes_of, level_counts, numbers_of, present_part
from synthproof.metrics.table.resampling import Resampled
from synthproof.metrics.table.shape import POINTS, kolmogorov_smirnov

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Effect:
    """One test of two samples.

    Parameters
    ----------
    value
        Effect size, 0 to 1.
    draws
        Its values over resampled groups of units.
    statistic
        The test's own statistic.
    p
        P-value of "no difference".
    signed
        The effect with its direction (positive: the other sample is larger, or more associated), else ``None``.
    """

    value: float
    draws: FloatArray
    statistic: float
    p: float
    signed: float | None = None


def numeric_effects(real: Part, other: Part, f: Field, a: Resampled, b: Resampled) -> dict[str, Effect]:
    """Return Kolmogorov-Smirnov's D and Mann-Whitney's rank-biserial correlation of a numeric field.

    D: Massey 1951. r = P(X < Y) - P(X > Y), ties half (Cureton 1956; Kerby 2014, doi:10.2466/11.IT.3.1), its absolute
    value being the effect. Resampled distributions are read at 128 quantiles; what that takes off is put back.
    """
    x, n = present_part(real, f.name)
    y, m = present_part(other, f.name)
    edges = np.unique(x[np.linspace(0, len(x) - 1, POINTS).astype(int)])
    p, p_here = _shares(real, f, edges, a)
    q, q_here = _shares(other, f, edges, b)
    d = kolmogorov_smirnov(x, y)
    drawn_d = np.abs(np.cumsum(p - q, axis=1)).max(axis=1) + d - np.abs(np.cumsum(p_here - q_here)).max()
    r = rank_biserial(x, y)
    drawn_r = _rank_biserial(p, q) + r - float(_rank_biserial(p_here[None], q_here[None])[0])
    ties = np.unique(np.concatenate([x, y]), return_counts=True)[1].astype(np.float64)
    rows = float(len(x) + len(y))
    uneven = 1 - float((ties**3 - ties).sum()) / (rows**3 - rows)
    z = r / 2 / np.sqrt((n + m + 1) / (12 * n * m) * max(uneven, 1e-12))
    return {
        "ks": Effect(d, np.clip(drawn_d, 0, 1), d, float(_sp.kolmogorov(d * np.sqrt(n * m / (n + m))))),
        "mann_whitney": Effect(abs(r), np.clip(np.abs(drawn_r), 0, 1), z, float(2 * _st.norm.sf(abs(z))), r),
    }


def rank_biserial(x: FloatArray, y: FloatArray) -> float:
    """Return P(X < Y) - P(X > Y) of two *sorted* samples."""
    below = np.searchsorted(x, y, side="left") + np.searchsorted(x, y, side="right")
    return float(below.mean()) / len(x) - 1.0


def _rank_biserial(p: FloatArray, q: FloatArray) -> FloatArray:
    before = np.cumsum(p, axis=1) - p / 2
    return np.asarray(2 * (q * before).sum(axis=1) - 1, dtype=np.float64)


def _shares(part: Part, f: Field, edges: FloatArray, resampled: Resampled) -> tuple[FloatArray, FloatArray]:
    values = numbers_of(part.coded, f.name)
    keep = ~np.isnan(values)
    bins = np.searchsorted(edges, values, side="left").astype(np.intp)
    k = len(edges) + 1
    here = np.bincount(bins[keep], minlength=k) / max(1, int(keep.sum()))
    return resampled.shares(np.minimum(bins, k - 1), k, keep), np.asarray(here, dtype=np.float64)


def level_effects(real: Part, other: Part, f: Field, a: Resampled, b: Resampled) -> dict[str, Effect]:
    """Return the bias-corrected Cramér's V of a levelled field against the table; a missing level is a level.

    V² = Σ (p - q)² / 2(p + q) less its mean under "no difference", (k - 1)(1/n + 1/m)/4: Cramér's V with Bergsma's
    correction (2013, doi:10.1016/j.jkss.2012.10.002) as if both tables had the same size. χ² is divided by the number of
    rows that one independent row stands for (Rao & Scott 1981, doi:10.1080/01621459.1981.10477633).
    """
    k = len(levels_of(f))
    counts = [level_counts(p.coded, f.name, k).astype(np.float64) for p in (real, other)]
    p_here, q_here = (c / max(1.0, c.sum()) for c in counts)
    n, m = real.effective, other.effective
    bins = [codes_of(p.coded, f.name).astype(np.intp) + 1 for p in (real, other)]
    drawn = [r.shares(x, k + 1) for r, x in zip((a, b), bins, strict=True)]
    present = int(((p_here + q_here) > 0).sum())
    chance = (present - 1) * (1 / n + 1 / m) / 4
    value = float(_v(p_here[None], q_here[None], chance)[0])
    # χ² of the two rows of counts, as n and m independent rows would give it
    both = (n * p_here + m * q_here) / (n + m)
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = np.nan_to_num((p_here - q_here) ** 2 / both)
    chi2 = float(parts.sum()) * n * m / (n + m)
    tail = float(_st.chi2.sf(chi2, present - 1)) if present > 1 else 1.0
    return {"chi_square": Effect(value, _v(drawn[0], drawn[1], chance), chi2, tail)}


def _v(p: FloatArray, q: FloatArray, chance: float) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        phi2 = np.nan_to_num((p - q) ** 2 / (2 * (p + q))).sum(axis=1)
    return np.asarray(np.sqrt(np.clip(phi2 - chance, 0.0, 1.0)), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class AcrossLevels:
    """Kruskal-Wallis of a numeric field across the levels of another, within one table.

    Parameters
    ----------
    epsilon2
        ε² = H / (n - 1), the share of the ranks' variance between levels (Kelley 1935; Tomczak & Tomczak 2014).
    h, p
        Kruskal and Wallis's H and its p-value.
    draws
        ε² over resampled groups of units.
    """

    epsilon2: float
    h: float
    p: float
    draws: FloatArray


def kruskal_wallis(part: Part, f: Field, by: IntArray, levels: int, resampled: Resampled) -> AcrossLevels | None:
    """Return Kruskal-Wallis across `levels` levels, `by` holding the level of each row (-1: none).

    ``None`` when fewer than two levels have values or the values do not vary.
    """
    values = numbers_of(part.coded, f.name)
    keep = np.flatnonzero(~np.isnan(values) & (by >= 0))
    if len(keep) < 3:
        return None
    code = by[keep]
    rank = np.asarray(_st.rankdata(values[keep]), dtype=np.float64)
    # centred: ranks of a million rows are large, and only their spread counts
    rank -= rank.mean()
    groups = resampled.weights.shape[1]
    cell = resampled.group[keep] * levels + code
    rows, sums, squares = (
        np.bincount(cell, weights=w, minlength=groups * levels).reshape(groups, levels).astype(np.float64)
        for w in (None, rank, rank**2)
    )
    used = int((rows.sum(axis=0) > 0).sum())
    if used < 2 or squares.sum() <= 0:
        return None
    value = float(_between(rows.sum(axis=0)[None], sums.sum(axis=0)[None], squares.sum(axis=0)[None])[0])
    n = len(keep) * part.effective / max(1, len(part))
    h = value * (n - 1)
    drawn = _between(*(resampled.weights @ t for t in (rows, sums, squares)))
    return AcrossLevels(value, h, float(_st.chi2.sf(h, used - 1)), drawn)


def _between(rows: FloatArray, sums: FloatArray, squares: FloatArray) -> FloatArray:
    n, total = rows.sum(axis=1), sums.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        centre = total**2 / n
        share = (np.nan_to_num(sums**2 / rows).sum(axis=1) - centre) / (squares.sum(axis=1) - centre)
    return np.asarray(np.clip(np.nan_to_num(share), 0.0, 1.0), dtype=np.float64)


def across_effect(real: AcrossLevels, other: AcrossLevels) -> Effect:
    """Return how far two tables' ε² lie apart; the p-value is that of a z test with the resampled spread."""
    change = other.epsilon2 - real.epsilon2
    drawn = other.draws - real.draws
    spread = float(drawn.std(ddof=1))
    z = change / spread if spread > 0 else 0.0
    return Effect(abs(change), np.abs(drawn), z, float(2 * _st.norm.sf(abs(z))), change)


def holm(p: Sequence[float]) -> list[float]:
    """Return Holm's adjusted p-values (1979), in the order given."""
    order = np.argsort(p, kind="stable")
    stepped = np.asarray(p, dtype=np.float64)[order] * (len(p) - np.arange(len(p)))
    out = np.empty(len(p))
    out[order] = np.minimum(1.0, np.maximum.accumulate(stepped)) if len(p) else []
    return [float(v) for v in out]


__all__ = [
    "AcrossLevels",
    "Effect",
    "across_effect",
    "holm",
    "kruskal_wallis",
    "level_effects",
    "numeric_effects",
    "rank_biserial",
]
