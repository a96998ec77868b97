"""Candidates of rules: orderings, equalities, sums, groups and combinations that all rows of a table keep.

Candidates are looked for on some rows by cheap tests over all columns at once and come back as texts; whether they hold
throughout, and whether that could be chance, is asked in `rule_learning`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, product

import numpy as np
import numpy.typing as npt

from synthproof.core.constraints.parse import quoted
from synthproof.core.schema import Field

FloatArray = npt.NDArray[np.float64]
Columns = Mapping[str, FloatArray]

_PROBES = 24
_NEAR = 1e-9
_MOST_TERMS4 = 45  # columns among which sums of four are looked for
_DAY = 86_400_000_000.0
_GROUPS = 2_000  # values of a column that may own another's
_FEW = 200


def orderings(columns: Columns, fields: Mapping[str, Field], exceptions: float = 0.0) -> Iterator[str]:
    """Yield ``a <= b`` (or ``a < b`` where they never meet) for numbers, and for dates, without those that follow."""
    for kinds in (("integer", "continuous"), ("datetime",)):
        names = [n for n in columns if fields[n].kind in kinds]
        below: dict[str, set[str]] = {n: set() for n in names}
        strict: set[tuple[str, str]] = set()
        for a, b in combinations(names, 2):
            there = ~np.isnan(columns[a]) & ~np.isnan(columns[b])
            x, y = columns[a][there], columns[b][there]
            if not len(x) or np.array_equal(x, y):
                continue
            for low, high, first, second in ((x, y, a, b), (y, x, b, a)):
                if (low > high).mean() <= exceptions:
                    below[first].add(second)
                    if (low < high).all():
                        strict.add((first, second))
        for a in names:
            follows = {c for b in below[a] for c in below[b] if c != a}
            for b in sorted(below[a] - follows, key=names.index):
                yield f"{quoted(a)} {'<' if (a, b) in strict else '<='} {quoted(b)}"


def equals(
    columns: Columns, fields: Mapping[str, Field], texts: Mapping[str, npt.NDArray[np.object_]]
) -> Iterator[str]:
    """Yield ``a = b`` for columns that are the same, and ``a = k * b`` for one that is another in a different unit."""
    for a, b in combinations(columns, 2):
        if fields[a].levelled and fields[b].levelled:
            there = ~np.isnan(columns[a]) & ~np.isnan(columns[b])
            if there.any() and (texts[a][there] == texts[b][there]).all():
                yield f"{quoted(a)} = {quoted(b)}"
            continue
        if fields[a].levelled or fields[b].levelled or (fields[a].kind == "datetime") != (fields[b].kind == "datetime"):
            continue
        there = ~np.isnan(columns[a]) & ~np.isnan(columns[b])
        x, y = columns[a][there], columns[b][there]
        if len(np.unique(x[:1000])) < 3:
            continue
        if np.array_equal(x, y):
            yield f"{quoted(a)} = {quoted(b)}"
        elif fields[a].kind != "datetime":
            yield from _multiple(a, x, b, y)


def _multiple(a: str, x: FloatArray, b: str, y: FloatArray) -> Iterator[str]:
    """Yield ``a = k * b`` for a whole k (or the other way round)."""
    for one, other, u, v in ((a, b, x, y), (b, a, y, x)):
        at = np.flatnonzero(v)[:1]
        if not len(at):
            continue
        k = float(u[at[0]] / v[at[0]])
        if 1 < abs(k) < 1e6 and k == round(k) and np.allclose(u, k * v, rtol=_NEAR, atol=_NEAR):
            yield f"{quoted(one)} = {k:g} * {quoted(other)}"


def sums(columns: Columns, fields: Mapping[str, Field]) -> Iterator[str]:
    """Yield sums and differences of two to four numbers: ``total = a + b``, ``a + b + c = 100``.

    Signed sums of columns are compared on a few rows for all choices of columns at once.
    """
    names = [n for n in columns if fields[n].kind in {"integer", "continuous"} and _varies(columns[n])]
    found: list[frozenset[str]] = []
    for size in (2, 3, 4):
        pool = names if size < 4 else names[:_MOST_TERMS4] if len(names) <= _MOST_TERMS4 else []
        for chosen, signs in _relations(columns, pool, size):
            terms = frozenset(chosen)
            if any(old < terms for old in found):
                continue
            text = _sum_text(columns, chosen, signs)
            if text:
                found.append(terms)
                yield text


def _varies(x: FloatArray) -> bool:
    known = x[~np.isnan(x)]
    return len(known) > 0 and bool((known != known[0]).any())


def _relations(columns: Columns, names: Sequence[str], size: int) -> Iterator[tuple[tuple[str, ...], tuple[int, ...]]]:
    """Yield columns and signs whose signed sum is one number on the probed rows."""
    if len(names) < size:
        return
    matrix = np.stack([columns[n] for n in names], axis=1)
    whole = np.flatnonzero(~np.isnan(matrix).any(axis=1))
    if len(whole) < _PROBES:
        yield from _relations_by_subset(columns, names, size)
        return
    probes = matrix[whole[np.linspace(0, len(whole) - 1, _PROBES).astype(np.intp)]]
    yield from _matching(probes - probes[0], names, size)


def _relations_by_subset(
    columns: Columns, names: Sequence[str], size: int
) -> Iterator[tuple[tuple[str, ...], tuple[int, ...]]]:
    """Do the same where no rows are whole: every choice of columns on the rows that it has."""
    if size > 3 or len(names) > 40:
        return
    for chosen in combinations(names, size):
        matrix = np.stack([columns[n] for n in chosen], axis=1)
        whole = np.flatnonzero(~np.isnan(matrix).any(axis=1))
        if len(whole) >= _PROBES:
            probes = matrix[whole[np.linspace(0, len(whole) - 1, _PROBES).astype(np.intp)]]
            yield from _matching(probes - probes[0], chosen, size)


def _matching(moved: FloatArray, names: Sequence[str], size: int) -> Iterator[tuple[tuple[str, ...], tuple[int, ...]]]:
    """Yield choices of columns whose signed moves from the first probe cancel on all probes."""
    scale = np.abs(moved).max(axis=0)
    usable = np.flatnonzero(scale > 0)
    index = np.array(list(combinations(usable, size)), dtype=np.intp).reshape(-1, size)
    for signs in product((1, -1), repeat=size - 1):
        weights = np.array((1, *signs), dtype=np.float64)
        alive = np.arange(len(index))
        for row in moved[1:]:
            total = (row[index[alive]] * weights).sum(axis=1)
            alive = alive[np.abs(total) <= _NEAR * np.maximum(1.0, scale[index[alive]].max(axis=1))]
            if not len(alive):
                break
        for k in alive:
            yield tuple(names[j] for j in index[k]), (1, *signs)


def _sum_text(columns: Columns, chosen: tuple[str, ...], signs: tuple[int, ...]) -> str:
    matrix = np.stack([columns[n] for n in chosen], axis=1)
    total = matrix[~np.isnan(matrix).any(axis=1)] @ np.array(signs, dtype=np.float64)
    constant = float(np.round(np.median(total), 9))
    if np.abs(total - constant).max(initial=0.0) > 1e-6 * max(1.0, float(np.abs(matrix[0]).max(initial=0.0))):
        return ""
    if len(chosen) == 2 and signs == (1, -1) and constant == 0:
        return ""  # equal columns are said as such
    if constant == 0:
        plus = [n for n, s in zip(chosen, signs, strict=True) if s > 0]
        minus = [n for n, s in zip(chosen, signs, strict=True) if s < 0]
        if not minus or not plus:
            return ""
        one, rest = (minus, plus) if len(minus) <= len(plus) else (plus, minus)
        if len(one) == 1:
            return f"{quoted(one[0])} = {' + '.join(map(quoted, rest))}"
        return f"{' + '.join(map(quoted, one))} = {' + '.join(map(quoted, rest))}"
    left = " ".join(
        (f"{'+' if s > 0 else '-'} " if i else "") + quoted(n)
        for i, (n, s) in enumerate(zip(chosen, signs, strict=True))
    )
    return f"{left} = {constant:.12g}"


def durations(columns: Columns, fields: Mapping[str, Field]) -> Iterator[str]:
    """Yield ``end = start + days * 1 day`` for a whole number that counts the days between two dates."""
    dates = [n for n in columns if fields[n].kind == "datetime"]
    numbers = [n for n in columns if fields[n].kind in {"integer", "continuous"} and _varies(columns[n])]
    for a, b in combinations(dates, 2):
        for start, end in ((a, b), (b, a)):
            days = (columns[end] - columns[start]) / _DAY
            for name in numbers:
                there = ~np.isnan(days) & ~np.isnan(columns[name])
                if there.any() and (days[there] == columns[name][there]).all():
                    yield f"{quoted(end)} = {quoted(start)} + {quoted(name)} * 1 day"


def groups(columns: Columns, fields: Mapping[str, Field], exceptions: float = 0.0) -> Iterator[str]:
    """Yield ``a in b`` where each value of a comes with one of b, and ``combination(a, b)`` where both do."""
    few = {}
    for name, values in columns.items():
        if fields[name].kind == "datetime" or (fields[name].kind == "continuous" and fields[name].decimals is None):
            continue
        known = np.unique(values[~np.isnan(values)])
        if 1 < len(known) <= min(_GROUPS, len(values) // 4):
            few[name] = len(known)
    owns = {
        (a, b) for a in few for b in few if a != b and few[a] >= few[b] and _owns(columns[a], columns[b], exceptions)
    }
    for a, b in sorted(owns, key=lambda pair: (list(few).index(pair[0]), list(few).index(pair[1]))):
        if (b, a) in owns or few[a] == few[b]:
            if list(few).index(a) < list(few).index(b):
                yield f"combination({quoted(a)}, {quoted(b)})"
        elif not any((a, c) in owns and (c, b) in owns and (c, a) not in owns and (b, c) not in owns for c in few):
            yield f"{quoted(a)} in {quoted(b)}"


def _owns(a: FloatArray, b: FloatArray, exceptions: float = 0.0) -> bool:
    """Whether each value of a comes with one value of b, but for a share of the rows."""
    there = ~np.isnan(a) & ~np.isnan(b)
    if len(np.unique(b[there])) < 2:
        return False
    pairs, counts = np.unique(np.stack([a[there], b[there]]), axis=1, return_counts=True)
    first = np.flatnonzero(np.append(True, np.diff(pairs[0]) != 0))
    usual = int(np.maximum.reduceat(counts, first).sum())
    return bool(there.sum() - usual <= exceptions * there.sum())


def pairs_missing(columns: Columns, fields: Mapping[str, Field]) -> Iterator[str]:
    """Yield ``combination(a, b)`` for levelled columns of which at most half of the combinations occur."""
    few = [n for n in columns if fields[n].levelled and len(np.unique(columns[n][~np.isnan(columns[n])])) <= _FEW]
    for a, b in combinations(few, 2):
        there = ~np.isnan(columns[a]) & ~np.isnan(columns[b])
        x, y = columns[a][there], columns[b][there]
        pairs, counts = np.unique(np.stack([x, y]), axis=1, return_counts=True)
        possible = len(np.unique(x)) * len(np.unique(y))
        unseen = float((counts == 1).sum()) / max(1, len(x))  # chance that a new row is of a new pair (Good 1953)
        if pairs.shape[1] <= possible / 2 and unseen <= 0.001 and not _owns(x, y) and not _owns(y, x):
            yield f"combination({quoted(a)}, {quoted(b)})"


def ranges(columns: Columns, fields: Mapping[str, Field]) -> Iterator[str]:
    """Yield ``range(x) by g`` for numbers and columns of few levels, of which each is frequent."""
    for g in columns:
        if not fields[g].levelled:
            continue
        known, counts = np.unique(columns[g][~np.isnan(columns[g])], return_counts=True)
        if not 2 <= len(known) <= 20 or counts.min() < 100:
            continue
        for x in columns:
            if fields[x].kind in {"integer", "continuous"}:
                yield f"range({quoted(x)}) by {quoted(g)}"


def keys(columns: Columns, fields: Mapping[str, Field]) -> Iterator[str]:
    """Yield ``unique(a, b)`` for two columns of which neither is unique, but both together are."""
    repeated = {}
    for name, values in columns.items():
        if fields[name].kind == "continuous" and fields[name].decimals is None:
            continue
        known = values[~np.isnan(values)]
        if len(known) == len(values) and 1 < len(np.unique(known)) < len(known):
            repeated[name] = len(np.unique(known))
    for a, b in combinations(repeated, 2):
        n = len(columns[a])
        if repeated[a] * repeated[b] >= n and len(np.unique(np.stack([columns[a], columns[b]]), axis=1).T) == n:
            yield f"unique({quoted(a)}, {quoted(b)})"


__all__ = ["durations", "equals", "groups", "keys", "orderings", "pairs_missing", "ranges", "sums"]
