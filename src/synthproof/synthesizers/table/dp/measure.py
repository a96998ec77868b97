"""One column measured with noise: the weights of its values, and a few groups of them for the tables of pairs.

A short lattice (ages, hours) and levels are counted cell by cell; a cell that stands out of the noise becomes a point of
its own, the others between them intervals. A long lattice, or none, is counted in a tree of intervals, each node in four,
made consistent by least squares (Hay et al. 2010, doi:10.14778/1920841.1920970) and opened where enough rows are; its
ends and 0 are counted apart, since rows often pile up there. All else is work on noisy numbers and costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synthproof.synthesizers.table.columns.bins import Bins, runs
from synthproof.synthesizers.table.columns.grid import Grid
from synthproof.synthesizers.table.columns.pieces import Pieces
from synthproof.synthesizers.table.dp.domain import Domain
from synthproof.synthesizers.table.dp.ledger import Ledger

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

SHORT = 512
"""Values of a lattice up to which each is counted."""
_FAN, _DEPTH = 4, 4
_CLEAR = 4.0  # how many σ a cell must have to stand alone
_PARTS = 64  # of the rows: a node of the tree with more of them is opened
_STRETCHES = 32
_TRACE = 1e-6  # share of rows that every value of the domain is left with: nothing declared is impossible


@dataclass(frozen=True, slots=True)
class Coarse:
    """How finely a column's values are told apart in tables of pairs.

    Parameters
    ----------
    groups
        Groups at most.
    least
        Rows that a group should have at least.
    """

    groups: int
    least: float


@dataclass(frozen=True, slots=True)
class Measured:
    """A column as it came out of the noise.

    Parameters
    ----------
    bins
        Its values and their groups.
    weights
        Rows of each group, shape (groups,).
    variance
        Of a group's weight, mean over groups.
    """

    bins: Bins
    weights: FloatArray
    variance: float


def measure(ledger: Ledger, d: Domain, values: FloatArray, rho: float, total: float, coarse: Coarse) -> Measured:
    """Return one measured column.

    Parameters
    ----------
    values
        As `values_of` gave them: NaN missing, levels outside of the domain -1; shape (n,).
    rho
        What it may cost.
    total
        Rows there are, as a noisy count said.
    """
    gone = int(np.isnan(values).sum()) if d.missing else 0
    if d.field.levelled:
        low, high, noisy, sigma = _levels(ledger, d, values, gone, rho)
        grid = None
    else:
        grid = d.grid
        count = _sites(grid)
        counted = _cells if count <= SHORT else _tree
        low, high, noisy, sigma = counted(ledger, d.field.name, grid, values, gone, rho, d.missing, total)
    weight = project(noisy, max(1.0, float(noisy.sum())))
    weight *= total / weight.sum()
    weight = weight * (1 - len(weight) * _TRACE) + _TRACE * total
    if d.missing:
        low, high = np.append(low, np.nan), np.append(high, np.nan)
    group = _level_groups(weight, d.missing, coarse) if grid is None else _number_groups(weight, d.missing, coarse)
    cum = np.concatenate([[0.0], np.cumsum(weight)])
    pieces = Pieces(np.arange(len(weight) + 1, dtype=np.intp), low, high, cum)
    bins = Bins(d.field.name, pieces, grid, group)
    sizes = np.bincount(group)
    return Measured(bins, np.asarray(np.bincount(group, weight), dtype=np.float64), float(sigma**2 * sizes.mean()))


def project(values: FloatArray, total: float) -> FloatArray:
    """Return the nearest table without negative cells that sums to `total` (Euclidean; Wang et al. 2020, "Norm-Sub")."""
    order = np.sort(values, axis=None)[::-1]
    over = (np.cumsum(order) - total) / np.arange(1, len(order) + 1)
    last = int(np.flatnonzero(order > over)[-1])
    return np.asarray(np.maximum(values - over[last], 0.0))


def _levels(
    ledger: Ledger, d: Domain, values: FloatArray, gone: int, rho: float
) -> tuple[FloatArray, FloatArray, FloatArray, float]:
    assert d.levels is not None
    codes = values[values >= 0].astype(np.intp)
    counts = np.bincount(codes, minlength=len(d.levels)).astype(np.int64)
    noisy = ledger.noisy(np.append(counts, gone) if d.missing else counts, rho, "column", d.field.name)
    place = np.arange(len(d.levels), dtype=np.float64)
    return place, place.copy(), noisy.astype(np.float64), ledger.entries[-1].scale


def _sites(grid: Grid) -> float:
    return np.inf if grid.step <= 0 else float(np.rint((grid.high - grid.low) / grid.step)) + 1


def _cells(
    ledger: Ledger, name: str, grid: Grid, values: FloatArray, gone: int, rho: float, missing: bool, total: float
) -> tuple[FloatArray, FloatArray, FloatArray, float]:
    """Count every value of a short lattice; those in the noise are put together with their neighbours."""
    n = int(_sites(grid))
    at = np.rint((values[~np.isnan(values)] - grid.low) / grid.step).astype(np.intp)
    counts = np.bincount(at, minlength=n).astype(np.int64)
    noisy = ledger.noisy(np.append(counts, gone) if missing else counts, rho, "column", name).astype(np.float64)
    sigma = ledger.entries[-1].scale
    clear = noisy[:n] > _CLEAR * sigma
    fresh = np.ones(n, dtype=np.bool_)
    stretch = np.arange(n) // max(1, n // _STRETCHES)
    fresh[1:] = clear[1:] | clear[:-1] | (stretch[1:] != stretch[:-1])
    first = np.flatnonzero(fresh)
    last = np.append(first[1:], n) - 1
    weight = np.add.reduceat(noisy[:n], first)
    low, high = _ends(grid, first, last)
    return low, high, np.append(weight, noisy[n]) if missing else weight, sigma


def _ends(grid: Grid, first: npt.NDArray[np.intp], last: npt.NDArray[np.intp]) -> tuple[FloatArray, FloatArray]:
    """Return runs of lattice values as pieces: a point where a run has one value, else half a step on either side."""
    room = np.where(first == last, 0.0, grid.slack * (1 - 1e-6))
    return np.asarray(grid.low + grid.step * first - room), np.asarray(grid.low + grid.step * last + room)


def _tree(
    ledger: Ledger, name: str, grid: Grid, values: FloatArray, gone: int, rho: float, missing: bool, total: float
) -> tuple[FloatArray, FloatArray, FloatArray, float]:
    """Count a long line in a tree of intervals, with its ends and 0 (and missing values) apart."""
    there = values[~np.isnan(values)]
    apart = np.unique([x for x in (grid.low, 0.0, grid.high) if grid.low <= x <= grid.high])
    edges = _edges(grid, _FAN**_DEPTH)
    alone = np.searchsorted(apart, there)
    alone = np.where(apart[np.minimum(alone, len(apart) - 1)] == there, alone, -1)
    leaf = np.clip(np.searchsorted(edges, there[alone < 0], side="right") - 1, 0, len(edges) - 2)
    bottom = np.bincount(leaf, minlength=_FAN**_DEPTH).astype(np.int64)
    levels = [bottom.reshape(-1, _FAN**k).sum(axis=1) for k in range(_DEPTH)]
    points = np.bincount(alone[alone >= 0], minlength=len(apart)).astype(np.int64)
    cells = np.concatenate([*levels, points, [gone]]) if missing else np.concatenate([*levels, points])
    noisy = ledger.noisy(cells, rho, "column", name, times=_DEPTH).astype(np.float64)
    sigma = ledger.entries[-1].scale
    parts = np.split(noisy, np.cumsum([len(v) for v in (*levels, points)]))
    least = max(_CLEAR * sigma, total / _PARTS)
    kept = parts[_DEPTH] > _CLEAR * sigma
    low, high, weight = _opened(_consistent(parts[:_DEPTH]), edges, grid, least)
    low, high, weight = _around(grid, low, high, weight, apart[kept], parts[_DEPTH][kept])
    return low, high, np.append(weight, parts[-1]) if missing else weight, sigma


def _edges(grid: Grid, parts: int) -> FloatArray:
    """Return the ends of even parts of the line, between two values where it has a lattice."""
    if grid.step <= 0:
        return np.linspace(grid.low, grid.high, parts + 1)
    cut = np.floor(np.arange(parts + 1) * (_sites(grid) / parts))
    return np.asarray(grid.low + grid.step * (cut - 0.5))


def _consistent(levels: list[FloatArray]) -> list[FloatArray]:
    """Return a tree's counts, leaves first, as least squares make them agree."""
    fan = float(_FAN)
    up = [levels[0]]
    for height, own in enumerate(levels[1:], start=2):
        below = up[-1].reshape(-1, _FAN).sum(axis=1)
        share = (fan**height - fan ** (height - 1)) / (fan**height - 1)
        up.append(share * own + (1 - share) * below)
    out = [up[-1]]
    for mine in reversed(up[:-1]):
        lack = out[-1] - mine.reshape(-1, _FAN).sum(axis=1)
        out.append(mine + np.repeat(lack, _FAN) / _FAN)
    return out[::-1]


def _opened(
    levels: list[FloatArray], edges: FloatArray, grid: Grid, least: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the intervals that are left when nodes of fewer rows than `least` are kept closed."""
    top = len(levels) - 1
    low, high, weight = [], [], []
    todo = [(top, k) for k in range(len(levels[top]) - 1, -1, -1)]
    while todo:
        height, k = todo.pop()
        if height and levels[height][k] >= least:
            todo += [(height - 1, _FAN * k + j) for j in range(_FAN - 1, -1, -1)]
            continue
        low.append(float(edges[k * _FAN**height]))
        high.append(float(edges[(k + 1) * _FAN**height]))
        weight.append(float(levels[height][k]))
    return np.array(low), np.array(high), np.array(weight)


def _around(
    grid: Grid, low: FloatArray, high: FloatArray, weight: FloatArray, points: FloatArray, rows: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return intervals and points as pieces in order, the intervals cut where a point lies."""
    room = 0.0 if grid.step <= 0 else grid.step / 2
    for x in points:
        hit = int(np.flatnonzero((low - room <= x) & (x <= high + room))[0])
        parts = [(low[hit], x - room), (x + room, high[hit])]
        wide = [(a, b) for a, b in parts if b - a > room]
        length = sum(b - a for a, b in wide) or 1.0
        low = np.concatenate([low[:hit], [a for a, _ in wide], low[hit + 1 :]])
        high = np.concatenate([high[:hit], [b for _, b in wide], high[hit + 1 :]])
        split = [weight[hit] * (b - a) / length for a, b in wide]
        weight = np.concatenate([weight[:hit], split, weight[hit + 1 :]])
    inner = 1e-6 * room
    low, high = np.concatenate([low + inner, points]), np.concatenate([high - inner, points])
    weight = np.concatenate([weight, rows])
    order = np.lexsort((high, low))
    return low[order], high[order], weight[order]


def _level_groups(weight: FloatArray, missing: bool, coarse: Coarse) -> npt.NDArray[np.intp]:
    """Return groups of levels: the common ones alone, the others in one; missing alone."""
    n = len(weight) - missing
    common = np.argsort(-weight[:n], kind="stable")[: coarse.groups]
    alone = np.sort(common[weight[common] >= coarse.least])
    rest = np.setdiff1d(np.arange(n), alone)
    leader = np.arange(len(weight))
    leader[rest] = rest.min(initial=n)
    # Numbered by first appearance: groups of one level each are then the levels themselves.
    return np.unique(leader, return_inverse=True)[1].astype(np.intp)


def _number_groups(weight: FloatArray, missing: bool, coarse: Coarse) -> npt.NDArray[np.intp]:
    """Return groups of neighbouring pieces of about equal weight; heavy pieces and missing alone."""
    n = len(weight) - missing
    total = float(weight[:n].sum())
    parts = max(1, min(coarse.groups, int(total / max(coarse.least, 1e-9))))
    light = weight[:n] < total / parts
    first = runs(weight[:n], np.zeros(n, dtype=np.bool_), light, parts)
    group = (np.searchsorted(first, np.arange(n), side="right") - 1).astype(np.intp)
    return np.append(group, group[-1] + 1) if missing else group


__all__ = ["Coarse", "Measured", "measure", "project"]
