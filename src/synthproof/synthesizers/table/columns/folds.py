"""A validation fold cut from what is learned, by unit, so that nobody stands on both sides."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from synthproof.core.random import permutation
from synthproof.data.table.dataset import Table

_SHARE = 0.1
_LEAST_UNITS = 100


def split_rows(data: Table, seed: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return the rows to learn from and those that decide when to stop: a tenth of the units.

    Fewer than a hundred units have no validation fold: it would be chance that decides.
    """
    if len(data) < _LEAST_UNITS:
        return np.arange(data.n_rows), np.empty(0, dtype=np.intp)
    held = permutation(seed, "validation fold", len(data))[: round(_SHARE * len(data))]
    out = np.zeros(len(data), dtype=np.bool_)
    out[held] = True
    valid = out[data.unit_of_row]
    return np.flatnonzero(~valid), np.flatnonzero(valid)
