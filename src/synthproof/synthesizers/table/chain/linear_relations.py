"""Linear relations of a column with several earlier ones, found among rows that keep none: shares that add up to a whole,
a lipid that was computed from three others and rounded, an average that lies midway.

A least trimmed squares fit (Rousseeuw 1984, doi:10.2307/2288718) finds the plane that most rows, or a good part of them, lie
on, whatever the rest does; concentration steps as in FAST-LTS (Rousseeuw & Van Driessen 2006,
doi:10.1007/s10618-005-0024-4). A plane is a relation only if rows lie *on* it, within rounding, much more often than just
beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from synthproof.core.random import stream

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

Plane = tuple[tuple[tuple[str, float], ...], float, float]
"""Terms (column, weight), constant, and how near to the plane counts as on it."""

_ROWS = 2_000
_STARTS, _FIRST_STEPS, _STEPS, _BEST = 40, 2, 20, 4
_SHARES = (0.75, 0.35)  # of the rows that a plane is fitted to
_ON, _DENSER = 0.04, 4.0  # share of rows on the plane, and how much denser they lie there than beside it
_COLUMNS = 8
_FINE = 1e-7  # of the spread: what rounding leaves of a value without a lattice
_DENOMINATORS = (1, 2, 3, 4, 5, 10)
_NICE = 2e-3


def find_planes(
    values: FloatArray, rows: Mapping[str, FloatArray], names: Sequence[str], step: float, *, seed: int
) -> tuple[Plane, ...]:
    """Return the planes that a good part of the rows lie on, at most two.

    Parameters
    ----------
    values
        The column for rows that no simpler relation explains, shape (n,), no NaN.
    rows, names
        Earlier columns for the same rows, and the numbers among them that may be terms, nearest kin first.
    step
        The column's lattice step; 0 when there is none.

    Notes
    -----
    Cost O(starts · min(n, 2,000) · 8²), some 0.1 seconds.
    """
    rng = stream(seed, "planes")
    x = np.stack([rows[m] for m in names[:_COLUMNS]], axis=1) if names else np.empty((len(values), 0))
    whole = np.flatnonzero(np.isfinite(x).all(axis=1))
    if len(whole) > _ROWS:
        whole = np.sort(rng.choice(whole, _ROWS, replace=False))
    x, y = x[whole], values[whole]
    spread = x.std(axis=0) if len(x) else np.empty(0)
    used = np.flatnonzero(spread > 0)
    found: list[Plane] = []
    for share in _SHARES:
        if len(y) < 10 * (len(used) + 1) or len(used) < 2 or y.std() == 0:  # noqa: PLR2004
            break
        plane = _plane(x[:, used], y, [names[int(j)] for j in used], step, share, rng)
        if plane is None:
            continue
        found.append(plane)
        off = ~_on(x, y, names, plane)
        x, y = x[off], y[off]
    return tuple(found)


def _plane(
    x: FloatArray, y: FloatArray, names: Sequence[str], step: float, share: float, rng: np.random.Generator
) -> Plane | None:
    near = step / 2 * (1 + 1e-6) if step > _FINE * y.std() else _FINE * y.std()
    centre, scale = x.mean(axis=0), x.std(axis=0)
    z = np.column_stack([(x - centre) / scale, np.ones(len(x))])
    on = _trimmed(z, y, max(z.shape[1] + 1, int(share * len(y))), near, rng)
    kept = np.arange(x.shape[1])
    coef = np.zeros(x.shape[1])
    constant = 0.0
    for _ in range(x.shape[1]):  # columns of which the plane does not need are left out, weakest first
        if on.sum() < max(20, _ON * len(y), 3 * len(kept)):
            return None
        fit = np.linalg.lstsq(np.column_stack([x[on][:, kept], np.ones(on.sum())]), y[on], rcond=None)[0]
        coef = np.zeros(x.shape[1])
        coef[kept], constant = fit[:-1], fit[-1]
        now = np.abs(y - x @ coef - constant) <= near
        reach = np.abs(coef) * scale
        weakest = kept[np.argmin(reach[kept])]
        without = coef.copy()
        without[weakest] = 0.0
        shift = np.median(y[on] - x[on] @ without)
        same = (np.abs(y - x @ without - shift) <= near).sum() >= 0.98 * now.sum()
        if len(kept) > 1 and (same or reach[weakest] < near):
            kept = kept[kept != weakest]
            continue
        break
    coef = _nice(coef, x, y, near)
    with_nice = y - x @ coef
    on = np.abs(with_nice - np.median(with_nice[on])) <= near
    constant = _constant(with_nice[on], near)
    rest = np.abs(with_nice - constant)
    inside, ring = int((rest <= near).sum()), int(((rest > near) & (rest <= 3 * near)).sum())
    if len(kept) < 2 or inside < _ON * len(y) or inside < _DENSER * max(ring, 1) / 2:  # noqa: PLR2004
        return None
    return tuple((names[int(j)], float(coef[j])) for j in kept), constant, float(near)


def _trimmed(z: FloatArray, y: FloatArray, h: int, near: float, rng: np.random.Generator) -> BoolArray:
    """Return the rows that lie nearest the best plane."""
    n, p = z.shape
    tries: list[tuple[float, FloatArray]] = []

    def steps(theta: FloatArray, count: int) -> tuple[float, FloatArray]:
        last = np.inf
        for _ in range(count):
            r = np.abs(y - z @ theta)
            mine = np.argpartition(r, h - 1)[:h]
            theta = _fit(z[mine], y[mine])
            now = float(np.partition(np.abs(y - z @ theta), h - 1)[:h].sum())
            if now >= last * (1 - 1e-9):
                break
            last = now
        return last, theta

    for _ in range(_STARTS):
        some = rng.choice(n, p, replace=False)
        theta = _fit(z[some], y[some])
        tries.append(steps(theta, _FIRST_STEPS))
    tries.sort(key=lambda t: t[0])
    done = [steps(theta, _STEPS) for _, theta in tries[:_BEST]]
    theta = min(done, key=lambda t: t[0])[1]
    # Rounding widens the plane; a first look takes in a little more and the caller narrows it.
    rest = np.abs(y - z @ theta)
    return np.asarray(rest <= max(2 * near, np.partition(rest, h - 1)[h - 1] * 1e-3))


def _fit(z: FloatArray, y: FloatArray) -> FloatArray:
    """Return least squares by the normal equations: columns are on one scale, and many starts want many fits."""
    gram = np.einsum("ij,ik->jk", z, z)
    gram[np.diag_indices(len(gram))] += 1e-10 * len(z)
    return np.asarray(np.linalg.solve(gram, np.einsum("ij,i->j", z, y)))


def _nice(coef: FloatArray, x: FloatArray, y: FloatArray, near: float) -> FloatArray:
    """Return weights as the simple fractions that they are close to, where as many rows then lie on the plane."""
    out = coef.copy()
    for j in np.flatnonzero(coef):
        for d in _DENOMINATORS:
            nearest = round(coef[j] * d) / d
            if nearest and abs(coef[j] - nearest) <= _NICE * max(1.0, abs(nearest)) * 5:
                trial = out.copy()
                trial[j] = nearest
                if _count(x, y, trial, near) >= 0.98 * _count(x, y, out, near):
                    out = trial
                    break
    return out


def _count(x: FloatArray, y: FloatArray, coef: FloatArray, near: float) -> int:
    rest = np.sort(y - x @ coef)
    return int((np.searchsorted(rest, rest + 2 * near, side="right") - np.arange(len(rest))).max())


def _constant(rest: FloatArray, near: float) -> float:
    """Return the middle of what is left, as a whole number where it is one."""
    middle = float((rest.min() + rest.max()) / 2) if len(rest) else 0.0
    whole = float(round(middle))
    return whole if np.all(np.abs(rest - whole) <= near) else middle


def _on(x: FloatArray, y: FloatArray, names: Sequence[str], plane: Plane) -> BoolArray:
    terms, constant, near = plane
    at = {m: j for j, m in enumerate(names)}
    made = sum((w * x[:, at[m]] for m, w in terms), np.full(len(y), constant))
    return np.asarray(np.abs(y - made) <= near)
