"""A smooth function of two or three earlier columns that nearly gives a column: light on a slope, out of slope and aspect.

Trees cut such a surface into steps, and what is left of it after the steps gives drawn rows away. Ridge regression on random
Fourier features (Rahimi & Recht 2007, "Random features for large-scale kernel machines") follows it; where it finds values
nearly, its prediction is one more reference that the column's trees are told (`value_stage`): they then learn how far
from it values lie, and where it is not to be trusted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from synthproof.core.random import stream
from synthproof.engines.threads import one_blas_thread

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
Rank = Callable[[FloatArray], FloatArray]

_COLUMNS, _TERMS = 10, 3
_FEW_ROWS, _ROWS = 1_000, 20_000
_FEW_WAVES, _WAVES = 60, 300
_LENGTHS = (0.5, 1.5)  # standard deviations over which the surface bends
_RIDGE = 1e-5
_FAR = 4.0  # standard deviations beyond which a column is not followed
_NEAR, _BETTER = 0.08, 0.8  # mean error in ranks, and in parts of what fewer columns leave


@dataclass(frozen=True, slots=True)
class Smooth:
    """A fitted surface.

    Parameters
    ----------
    names
        The columns it hangs on.
    centre, scale
        What they are standardised with, shape (k,).
    waves, phase
        Frequencies (k, D) and phases (D,).
    weight
        Weights of the waves, of the columns and of 1, shape (D + k + 1,).
    """

    names: tuple[str, ...]
    centre: FloatArray
    scale: FloatArray
    waves: FloatArray
    phase: FloatArray
    weight: FloatArray

    def predict(self, rows: Mapping[str, FloatArray]) -> FloatArray:
        """Return predicted values, shape (n,). Cost O(n · D · k)."""
        return np.asarray(self._design(rows) @ self.weight)

    def _design(self, rows: Mapping[str, FloatArray]) -> FloatArray:
        x = np.stack([rows[m] for m in self.names], axis=1)
        z = np.clip((x - self.centre) / self.scale, -_FAR, _FAR)
        z = np.where(np.isnan(z), 0.0, z)
        return np.concatenate([np.cos(z @ self.waves + self.phase), z, np.ones((len(z), 1))], axis=1)

    def get_state(self) -> dict[str, Any]:
        """Return plain values and arrays."""
        return {name: getattr(self, name) for name in self.__slots__} | {"names": list(self.names)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Take back what `get_state` returned."""
        return cls(**{**{name: state[name] for name in cls.__slots__}, "names": tuple(state["names"])})


@one_blas_thread()
def learn_smooth(
    values: FloatArray, rows: Mapping[str, FloatArray], names: Sequence[str], held: BoolArray, rank: Rank, *, seed: int
) -> Smooth | None:
    """Return the surface that finds held-out values within 8 % of the ranks on average, or ``None``.

    Parameters
    ----------
    values
        The column, shape (n,), no NaN.
    rows, names
        Earlier columns, and the numbers of many values among them.
    held
        Rows that only judge.
    rank
        Gives values as ranks in the column, 0 to 1.

    Notes
    -----
    Pairs of columns, then a third one to the best pair, are tried on 1,000 rows. Cost O(pairs · 1,000 · 60²), some
    0.3 seconds, and O(min(n, 20,000) · 300²).
    """
    rng = stream(seed, "smooth")
    names = tuple(names[:_COLUMNS])
    learn, test = np.flatnonzero(~held), np.flatnonzero(held)
    if len(names) < 2 or len(test) < 50 or values.std() == 0:  # noqa: PLR2004
        return None
    few, judged = _some(learn, _FEW_ROWS, rng), _some(test, _FEW_ROWS, rng)

    def tried(columns: tuple[str, ...], waves: int, part: npt.NDArray[np.intp]) -> tuple[float, Smooth]:
        fits = []
        for length in _LENGTHS:
            one = _fit(values[part], {m: rows[m][part] for m in columns}, length, waves, rng)
            found = one.predict({m: rows[m][judged] for m in columns})
            fits.append((float(np.abs(rank(found) - rank(values[judged])).mean()), one))
        return min(fits, key=lambda f: f[0])

    alone = min(tried((m,), _FEW_WAVES // 2, few)[0] for m in names)
    error, best = min((tried(pair, _FEW_WAVES, few) for pair in combinations(names, 2)), key=lambda f: f[0])
    if error > 2 * _NEAR:
        return None
    for _ in range(2, min(_TERMS, len(names))):
        more = [tried((*best.names, m), _FEW_WAVES, few) for m in names if m not in best.names]
        now, wider = min(more, key=lambda f: f[0])
        if now > _BETTER * error:
            break
        error, best = now, wider
    error, best = tried(best.names, _WAVES, _some(learn, _ROWS, rng))
    return best if error < min(_NEAR, _BETTER * alone) else None


def _some(rows: npt.NDArray[np.intp], most: int, rng: np.random.Generator) -> npt.NDArray[np.intp]:
    return rows if len(rows) <= most else np.sort(rng.choice(rows, most, replace=False))


def _fit(
    values: FloatArray, rows: Mapping[str, FloatArray], length: float, waves: int, rng: np.random.Generator
) -> Smooth:
    x = np.stack(list(rows.values()), axis=1)
    centre, spread = np.nanmean(x, axis=0), np.nanstd(x, axis=0)
    blank = Smooth(
        tuple(rows),
        centre,
        np.asarray(np.where(spread > 0, spread, 1.0), dtype=np.float64),
        rng.normal(size=(x.shape[1], waves)) / length,
        rng.uniform(0, 2 * np.pi, waves),
        np.empty(0),
    )
    a = blank._design(rows)
    gram = a.T @ a
    gram[np.diag_indices(len(gram))] += _RIDGE * len(a)
    weight = np.asarray(np.linalg.solve(gram, a.T @ values), dtype=np.float64)
    return Smooth(blank.names, blank.centre, blank.scale, blank.waves, blank.phase, weight)
