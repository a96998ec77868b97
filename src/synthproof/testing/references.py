"""Generators whose answer is known beforehand: what a metric must have faced before it may enter the catalogue.

``fresh`` draws new real records: every safety metric must stay silent and every fidelity metric be content.
``copycat`` hands training records back: safety must fail. ``noise`` is uniform and independent: fidelity must fail.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from synthproof.core.random import stream
from synthproof.core.schema import Field
from synthproof.data.table.dataset import Table
from synthproof.engines.codes import from_codes, from_numbers, levels_of, to_numbers
from synthproof.testing.worlds import World


def fresh(world: World, n: int, seed: int) -> Table:
    """Return n new units of the world: the best a generator can be."""
    return world.draw(n, seed)


def copycat(train: Table, n: int, seed: int) -> Table:
    """Return n training units verbatim, in random order; none twice before all are used."""
    rounds = -(-n // len(train))
    order = np.concatenate([stream(seed, "copycat", r).permutation(len(train)) for r in range(rounds)])
    return renamed(train.take(order[:n].astype(np.intp)))


def partial_copycat(train: Table, others: Table, share: float, seed: int) -> Table:
    """Return `others` with a share of its units exchanged for verbatim training units."""
    n = len(others)
    copied = round(share * n)
    kept = others.take(stream(seed, "partial/keep").permutation(n)[copied:].astype(np.intp))
    mixed = pd.concat([copycat(train, copied, seed).frame, kept.frame], ignore_index=True) if copied else kept.frame
    return renamed(train.with_frame(mixed.astype(train.frame.dtypes.to_dict())))


def noise(train: Table, n: int, seed: int) -> Table:
    """Return n rows of independent uniform values within the ranges of the training data."""
    columns = {f.name: _uniform(train, f, n, seed) for f in train.schema.fields}
    return train.with_frame(pd.DataFrame(columns))


def _uniform(train: Table, f: Field, n: int, seed: int) -> pd.Series:
    g = stream(seed, f"noise/{f.name}")
    if f.levelled:
        return from_codes(g.integers(0, len(levels_of(f)), n), f)
    if f.numeric:
        known = to_numbers(train.frame[f.name], f)
        low, high = float(np.nanmin(known)), float(np.nanmax(known))
        return from_numbers(low + (high - low) * g.random(n), f)
    return pd.Series([f"N{i:07d}" for i in range(n)], dtype=train.frame[f.name].dtype)


def renamed(table: Table) -> Table:
    """Return the table with its unit column counted anew, so that copied units are not taken for one person."""
    name = table.schema.unit_field
    if name is None:
        return table
    labels = pd.Series([f"S{i:07d}" for i in _runs(table.frame[name])], dtype=table.frame[name].dtype)
    return table.with_frame(table.frame.assign(**{name: labels}), replace(table.schema))


def _runs(column: pd.Series) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    values = column.astype(object).to_numpy()
    change = np.ones(len(values), dtype=bool)
    change[1:] = values[1:] != values[:-1]
    return np.cumsum(change) - 1
