"""How alike two tables are in single columns, pairs and triples, which values are reached, and which rules are broken.

Shape and trend errors are 100·(1 − score) of SDMetrics' Column Shapes and Column Pair Trends, all pairs counted.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
from coding import MISSING, Book, Coded, FloatArray, IntArray

_BINS, _PARTS, _TRIPLES = 10, 8, 60
_DENSE = 1 << 20  # cells up to which a joint table is counted densely
_FEW = 100
_RARE = 0.01


def shape_error(book: Book, real: Coded, other: Coded) -> float:
    """Mean over columns, %: Kolmogorov-Smirnov distance of numbers, total variation of levels."""
    far = [_ks(real.numbers[c], other.numbers[c]) for c in book.numeric]
    far += [_joint([real.codes[c]], [other.codes[c]]) for c in book.levelled]
    return 100 * float(np.mean(far))


def trend_error(book: Book, real: Coded, other: Coded) -> float:
    """Mean over pairs, %: half the difference of correlations, or total variation with numbers in ten equal widths."""
    a, b = _cut(book, real, other, _equal_widths)
    ra, rb = (pd.DataFrame(t.numbers).corr().to_numpy() if book.numeric else np.empty((0, 0)) for t in (real, other))
    at = {c: i for i, c in enumerate(book.numeric)}
    far = []
    for x, y in combinations(book.columns, 2):
        if x in at and y in at:
            wanted, found = ra[at[x], at[y]], rb[at[x], at[y]]
            if not np.isnan(wanted):
                far.append(abs(wanted - np.nan_to_num(found)) / 2)
        else:
            far.append(_joint([a[x], a[y]], [b[x], b[y]]))
    return 100 * float(np.mean(far))


def triple_error(book: Book, real: Coded, other: Coded) -> float:
    """Mean total variation, %, of 60 fixed random triples of columns, numbers cut at the real rows' eighths."""
    a, b = _cut(book, real, other, _eighths)
    rng = np.random.default_rng(0)
    far = []
    for _ in range(_TRIPLES):
        names = [book.columns[i] for i in rng.choice(len(book.columns), 3, replace=False)]
        far.append(_joint([a[c] for c in names], [b[c] for c in names]))
    return 100 * float(np.mean(far))


def missing_error(book: Book, real: Coded, other: Coded) -> float:
    """Mean absolute difference of the columns' missing rates, in points."""

    def rates(t: Coded) -> FloatArray:
        return np.array(
            [np.isnan(t.numbers[c]).mean() for c in book.numeric]
            + [
                np.mean(t.codes[c] == book.levels[c].index(MISSING)) if MISSING in book.levels[c] else 0.0
                for c in book.levelled
            ]
        )

    return 100 * float(np.abs(rates(real) - rates(other)).mean())


def coverage(book: Book, real: Coded, other: Coded) -> dict[str, float | None]:
    """Share of the real levels that are reached, of those under 1 % of rows, and of the numbers' ranges; %."""
    hit = n = rare_hit = rare = 0
    for c in book.levelled:
        counts = np.bincount(real.codes[c], minlength=len(book.levels[c]))
        there = np.bincount(other.codes[c], minlength=len(book.levels[c])) > 0
        few = (counts > 0) & (counts < _RARE * real.n)
        hit, n = hit + int((there & (counts > 0)).sum()), n + int((counts > 0).sum())
        rare_hit, rare = rare_hit + int((there & few).sum()), rare + int(few.sum())
    ranges = []
    for c in book.numeric:
        x, y = real.numbers[c], other.numbers[c]
        low, high = np.nanmin(x), np.nanmax(x)
        if high > low:
            left, right = (np.nan, np.nan) if np.isnan(y).all() else (np.nanmin(y), np.nanmax(y))
            lost = max(0.0, (left - low) / (high - low)) + max(0.0, (high - right) / (high - low))
            ranges.append(max(0.0, 1 - lost))
    return {
        "category_coverage": 100 * hit / n if n else None,
        "rare_coverage": 100 * rare_hit / rare if rare else None,
        "range_coverage": 100 * float(np.mean(ranges)) if ranges else None,
    }


def broken_rules(book: Book, real: Coded, other: Coded) -> tuple[int, float]:
    """Return how many rules "a column with 2 to 100 values determines another" the real rows keep exactly, and the
    share of the other table's rows, %, that break one."""
    bad = np.zeros(other.n, bool)
    rules = 0
    dense = {c: _ranked(real.values(c), other.values(c)) for c in book.columns}
    for a in book.columns:
        x, x_other, n_x, gaps = dense[a]
        if not 2 <= n_x + (1 if gaps else 0) <= _FEW:
            continue
        groups = np.flatnonzero(x < n_x)
        groups = groups[np.argsort(x[groups], kind="stable")]
        starts = np.flatnonzero(np.diff(x[groups], prepend=-1))
        known = x_other < n_x
        for b in book.columns:
            y, y_other, n_y, _ = dense[b]
            if a == b or n_y < 2:  # noqa: PLR2004
                continue
            inside = y[groups]
            low = np.minimum.reduceat(inside, starts)
            if (low != np.maximum.reduceat(inside, starts)).any():
                continue
            rules += 1
            wanted = np.full(n_x + 1, -1, np.int64)
            wanted[x[groups][starts]] = low
            want = wanted[np.where(known, x_other, n_x)]
            bad |= (want >= 0) & (want < n_y) & (want != y_other)
    return rules, 100 * float(bad.mean())


def _ranked(real: FloatArray | IntArray, other: FloatArray | IntArray) -> tuple[IntArray, IntArray, int, bool]:
    """Codes of the real column's distinct values; n for missing in both, n + 1 for values the real column lacks."""
    levels = np.unique(real[~np.isnan(real)] if real.dtype.kind == "f" else real)
    n = len(levels)

    def place(v: FloatArray | IntArray) -> IntArray:
        at = np.searchsorted(levels, v)
        found = levels[np.minimum(at, n - 1)] == v if n else np.zeros(len(v), bool)
        return np.where(found, at, np.where(np.isnan(v), n, n + 1)).astype(np.int64)

    codes = place(real)
    return codes, place(other), n, bool((codes == n).any())


def _ks(a: FloatArray, b: FloatArray) -> float:
    a, b = np.sort(a[~np.isnan(a)]), np.sort(b[~np.isnan(b)])
    if not len(a) or not len(b):
        return float(len(a) != len(b))
    grid = np.concatenate([a, b])
    return float(np.abs(np.searchsorted(a, grid, "right") / len(a) - np.searchsorted(b, grid, "right") / len(b)).max())


def _joint(real: list[IntArray], other: list[IntArray]) -> float:
    """Total variation between the joint distributions of aligned codes."""
    sizes = [int(max(x.max(), y.max())) + 1 for x, y in zip(real, other, strict=True)]
    a, b = np.zeros(len(real[0]), np.int64), np.zeros(len(other[0]), np.int64)
    for x, y, size in zip(real, other, sizes, strict=True):
        a, b = a * size + x, b * size + y
    cells = int(np.prod(sizes))
    if cells > _DENSE:
        _, inverse = np.unique(np.concatenate([a, b]), return_inverse=True)
        a, b, cells = inverse[: len(a)], inverse[len(a) :], int(inverse.max()) + 1
    p, q = np.bincount(a, minlength=cells) / len(a), np.bincount(b, minlength=cells) / len(b)
    return float(np.abs(p - q).sum() / 2)


def _cut(book: Book, real: Coded, other: Coded, edges_of: object) -> tuple[dict[str, IntArray], dict[str, IntArray]]:
    out: tuple[dict[str, IntArray], dict[str, IntArray]] = ({}, {})
    for c in book.numeric:
        known = real.numbers[c][~np.isnan(real.numbers[c])]
        edges = edges_of(known)  # type: ignore[operator]
        for table, cut in ((real, out[0]), (other, out[1])):
            v = table.numbers[c]
            cut[c] = np.where(np.isnan(v), len(edges) + 1, np.digitize(v, edges)).astype(np.int64)
    for c in book.levelled:
        out[0][c], out[1][c] = real.codes[c], other.codes[c]
    return out


def _equal_widths(v: FloatArray) -> FloatArray:
    return np.histogram_bin_edges(v, bins=_BINS)[1:-1]


def _eighths(v: FloatArray) -> FloatArray:
    return np.unique(np.quantile(v, np.linspace(0, 1, _PARTS + 1)[1:-1]))
