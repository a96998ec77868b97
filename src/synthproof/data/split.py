"""Train and holdout, disjoint by protected unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthproof.core.contracts import Dataset
from synthproof.core.errors import ConfigError, DataError
from synthproof.core.random import stream

D = TypeVar("D", bound=Dataset)
IntArray = npt.NDArray[np.intp]

SMALL = 2_000
FEWEST_UNITS = 20
_BANDS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Split(Generic[D]):
    """Two parts of one data set that share no unit.

    Parameters
    ----------
    train
        What synthesizers learn from.
    holdout
        Real units that nothing learns from or is chosen by.
    train_units, holdout_units
        Positions of the units in the data set that was split, ascending. They belong to the vault.
    seed, fraction, stratified_by
        How the split was made; `stratified_by` is empty when it was not stratified.
    """

    train: D
    holdout: D
    train_units: IntArray
    holdout_units: IntArray
    seed: int
    fraction: float
    stratified_by: str = ""


def split(data: D, *, holdout: float | None = None, seed: int, stratify: str | None = None) -> Split[D]:
    """Return train and holdout, disjoint by unit.

    Parameters
    ----------
    data
        Any data set; a unit with several rows goes wholly to one side.
    holdout
        Share of units held out, in (0, 1). Absent: 0.2, or 0.5 under 2,000 units, where a fifth says too little.
    seed
        Any integer.
    stratify
        Field whose values both sides should share alike. Absent: the schema's target, when units have one row each.

    Raises
    ------
    DataError
        ``split/too-few-units`` under 20 units, ``split/holdout-too-small`` when a side would have under 10.
    ConfigError
        ``split/share-out-of-range``.

    Notes
    -----
    Within each stratum units are shuffled, and every stratum gives its share to the holdout, the remainders by
    largest fraction, so that the size is exact. Cost O(n log n).
    """
    n = len(data)
    share = (0.2 if n >= SMALL else 0.5) if holdout is None else float(holdout)
    if not 0.0 < share < 1.0:
        raise ConfigError("split/share-out-of-range", value=share)
    if n < FEWEST_UNITS:
        raise DataError("split/too-few-units", n=n, least=FEWEST_UNITS)
    size = round(n * share)
    if min(size, n - size) < FEWEST_UNITS // 2:
        raise DataError("split/holdout-too-small", n=n, holdout=size, train=n - size, least=FEWEST_UNITS // 2)
    name, strata = _strata(data, stratify)
    chosen = _drawn(strata, size, seed)
    mask = np.zeros(n, dtype=bool)
    mask[chosen] = True
    held, kept = np.flatnonzero(mask), np.flatnonzero(~mask)
    return Split(
        train=data.take(kept),
        holdout=data.take(held),
        train_units=kept,
        holdout_units=held,
        seed=seed,
        fraction=share,
        stratified_by=name,
    )


def _strata(data: Any, stratify: str | None) -> tuple[str, IntArray]:
    """Return the field to stratify by and the stratum of each unit."""
    n = len(data)
    one = "", np.zeros(n, dtype=np.intp)
    targets = data.schema.with_role("target")
    name = stratify or (targets[0] if targets else "")
    if not name or not hasattr(data, "frame"):
        return one
    field = data.schema.field(name)
    if not field.modelled:
        return one
    cells = data.frame[name]
    if data.schema.unit_field is not None:
        # a unit counts by its first row
        cells = cells[~pd.Series(data.unit_of_row).duplicated()].reset_index(drop=True)
    if field.numeric:
        codes = _bands(cells)
    else:
        codes = np.asarray(pd.factorize(cells, use_na_sentinel=False)[0], dtype=np.intp)
    # strata of one or two units cannot be shared out
    small = np.bincount(codes)[codes] < 4
    codes[small] = codes.max() + 1
    return (name, codes) if len(np.unique(codes)) > 1 else one


def _bands(cells: pd.Series) -> IntArray:
    values = cells.astype("int64") if cells.dtype.kind == "M" else cells
    ranks = values.rank(method="average", pct=True).to_numpy(dtype=np.float64, na_value=-1.0)
    missing = cells.isna().to_numpy(dtype=bool)
    return np.where(missing, _BANDS, np.ceil(np.maximum(ranks, 0.0) * _BANDS)).astype(np.intp)


def _drawn(strata: IntArray, size: int, seed: int) -> IntArray:
    n = len(strata)
    order = stream(seed, "split").permutation(n)
    groups = strata[order]
    _, inverse, counts = np.unique(groups, return_inverse=True, return_counts=True)
    exact = counts * (size / n)
    take = np.floor(exact).astype(np.intp)
    spare = size - int(take.sum())
    for g in np.argsort(-(exact - take), kind="stable")[:spare]:
        take[g] += 1
    out: list[IntArray] = []
    for g in range(len(counts)):
        out.append(order[inverse == g][: take[g]].astype(np.intp))
    return np.concatenate(out)


__all__ = ["FEWEST_UNITS", "SMALL", "Split", "split"]
