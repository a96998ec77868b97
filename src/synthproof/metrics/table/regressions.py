"""Main-effects regressions on tables of one design: coefficients, standard errors by unit, and resampled coefficients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats as _st
from scipy.linalg import cho_factor, cho_solve

from synthproof.core.random import permutation, stream
from synthproof.core.schema import Field
from synthproof.engines.codes import Coded, levels_of
from synthproof.engines.learners.linear import Columns, Design, Products, fit_logistic, independent

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

LEAST_SHARE, LEAST_ROWS = 0.01, 30
"""A level needs this share and this many real rows to have a coefficient of its own."""
LEAST_OF_AN_OUTCOME = 5
"""… and this many rows with and without the outcome, or its coefficient would run to infinity."""
BLOCKS, REPEATS = 200, 200
_Z = float(_st.norm.ppf(0.975))


@dataclass(frozen=True, slots=True)
class Side:
    """One sample: rows, outcome (classes as 0 and 1), unit of each row or ``None``."""

    coded: Coded
    y: FloatArray
    units: IntArray | None


@dataclass(frozen=True, slots=True)
class Fit:
    """Coefficients, their standard errors, and their values over resampled blocks of units, shape (repeats, k)."""

    beta: FloatArray
    se: FloatArray
    draws: FloatArray


def kept_columns(columns: Columns, y: FloatArray, classify: bool) -> IntArray:
    """Return the columns that get a coefficient, the intercept first: see the notes of `Coefficients`."""
    rows = columns.back(np.ones(len(columns)))
    hits = columns.back(y) if classify else rows
    start, chosen = columns.dense.shape[1], list(range(columns.dense.shape[1]))
    for size in columns.sizes:
        here = np.arange(start, start + size)
        enough = rows[here] >= max(LEAST_ROWS, LEAST_SHARE * len(columns))
        if classify:
            enough &= np.minimum(hits[here], rows[here] - hits[here]) >= LEAST_OF_AN_OUTCOME
        enough[int(rows[here].argmax())] = False
        chosen += here[enough].tolist()
        start += size
    picked = np.array(chosen, dtype=np.intp)
    gram = columns.gram(np.ones(len(columns)))
    return picked[independent(gram[np.ix_(picked, picked)])]


def fit(columns: Columns, side: Side, kept: IntArray, classify: bool, seed: int) -> Fit:
    """Return the regression of a side's outcome on the kept columns.

    Logistic for classes, least squares for numbers; model-based standard errors, or clustered by unit where the side
    has units (Liang & Zeger 1986, doi:10.1093/biomet/73.1.13).
    """
    gram = columns.gram(np.ones(len(columns)))
    if classify:
        fitted = fit_logistic(columns, side.y > 0, products=Products(gram, kept))
        beta, p = fitted.beta[kept], fitted.probabilities
        residual, scale = side.y - p, 1.0
        curve = columns.gram(p * (1 - p))[np.ix_(kept, kept)]
    else:
        curve = gram[np.ix_(kept, kept)]
        beta = cho_solve(_factor(curve), columns.back(side.y)[kept])
        whole = np.zeros(columns.width)
        whole[kept] = beta
        residual = side.y - columns.dot(whole)
        scale = float(residual @ residual) / max(1, len(residual) - len(kept))
    factor = _factor(curve)
    inverse = cho_solve(factor, np.eye(len(kept)))
    variance = np.diag(inverse) * scale
    n = len(residual) if side.units is None else int(side.units.max()) + 1
    units = np.arange(n) if side.units is None else side.units
    if side.units is not None:
        scores = columns.back_by_group(residual, units, n)[:, kept] @ inverse
        variance = np.square(scores).sum(axis=0) * (n / max(1, n - 1))
    blocks = min(BLOCKS, n)
    of_unit = np.empty(n, dtype=np.intp)
    of_unit[permutation(seed, "blocks", n)] = np.arange(n) % blocks
    gradient = columns.back_by_group(residual, of_unit[units], blocks)[:, kept]
    weights = stream(seed, "draws").multinomial(blocks, np.full(blocks, 1 / blocks), REPEATS) - 1.0
    draws = beta + weights @ gradient @ inverse
    return Fit(beta[1:], np.sqrt(np.maximum(variance, 1e-300))[1:], draws[:, 1:])


def _factor(curve: FloatArray) -> tuple[FloatArray, bool]:
    # a level that a table lacks leaves a row of zeros: a trifle keeps it solvable, its standard error is then huge
    trifle = 1e-6 + 1e-10 * float(np.diag(curve).max())
    made: tuple[FloatArray, bool] = cho_factor(curve + trifle * np.eye(len(curve)), lower=True)
    return made


def overlaps(beta: FloatArray, se: FloatArray, other: FloatArray, other_se: FloatArray) -> FloatArray:
    """Return Karr's J of each pair of 95 % intervals, cut at 0; `beta` and `other` of shape (…, k)."""
    low = np.maximum(beta - _Z * se, other - _Z * other_se)
    high = np.minimum(beta + _Z * se, other + _Z * other_se)
    shared = np.maximum(0.0, high - low)
    return np.asarray((shared / (2 * _Z * se) + shared / (2 * _Z * other_se)) / 2, dtype=np.float64)


def column_names(design: Design, coded: Coded, fields: Sequence[Field]) -> list[str]:
    """Return a name for every column of the design."""
    numeric = [coded.numeric_names[j] for j in design.numeric]
    out = ["(intercept)", *numeric, *(f"{numeric[j]} ∅" for j in design.gaps)]
    by_name = {f.name: f for f in fields}
    for j, place in zip(design.levelled, design.places, strict=True):
        name = coded.level_names[j]
        labels = ["∅", *levels_of(by_name[name])]
        of_column: dict[int, list[str]] = {}
        for label, p in zip(labels, place.tolist(), strict=False):
            of_column.setdefault(p, []).append(label)
        out += [
            f"{name} = {found[0] if len(found := of_column.get(p, ['…'])) == 1 else '…'}"
            for p in range(int(place.max()) + 1)
        ]
    return out


__all__ = ["LEAST_ROWS", "Fit", "Side", "column_names", "fit", "kept_columns", "overlaps"]
