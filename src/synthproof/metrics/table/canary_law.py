"""A law of persons whom nobody can miss: each value within what train has, all of them together like nobody's.

What an audit needs is persons that stand alone, of whom the one put in and the one left out come from one law. Values
are drawn one field apart from the other, evenly over the levels or the range that train has; fields that a declared rule
ties together are taken together from one training row, so that the rules hold. Of many such persons those are kept that
lie farthest from train.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthproof.core.random import derive, stream
from synthproof.core.run import Run
from synthproof.core.schema import Field, Schema
from synthproof.data.table.dataset import Table
from synthproof.engines.codes import from_codes, from_numbers, levels_of, to_codes, to_numbers
from synthproof.engines.neighbours import MixedSpace, nearest
from synthproof.engines.records import encode_alike, record_ids
from synthproof.metrics.table.membership_scores import mean

UnitArray = npt.NDArray[np.intp]

TRIED = 4
"""Persons drawn for each one that is kept."""


def canaries(train: Table, n: int, *, seed: int, run: Run) -> Table | None:
    """Return n persons of the law, in random order; ``None`` where it has not so many different ones.

    Parameters
    ----------
    train
        Persons whose values, rules and rows a person the law follows.

    Notes
    -----
    A person has as many rows as a random training person. Identifiers and free text are a random training row's; the
    unit's own label is new. No value leaves the range or the levels of train. Cost O(n · n_train · d).
    """
    drawn = _persons(train, TRIED * n, seed)
    coded = encode_alike([(t.frame, t.schema) for t in (train, drawn)])
    space = MixedSpace.fit(coded[0], train.schema)
    far = nearest(space, space.place(coded[1]), space.place(coded[0]), 1, run=run, task="canaries/isolation")[0][:, 0]
    owner = drawn.unit_of_row
    alone = mean(far, owner)
    first = _first_of_equals(record_ids(coded, train.schema)[1], owner)
    kept = np.flatnonzero(first & (alone > 0))
    if len(kept) < n:
        return None
    chosen = kept[np.argsort(-alone[kept], kind="stable")[:n]]
    return drawn.take(stream(seed, "canaries/order").permutation(chosen).astype(np.intp))


def _persons(train: Table, n: int, seed: int) -> Table:
    unit = train.schema.unit_field
    if unit is None:
        of_row = np.arange(n, dtype=np.intp)
    else:
        sizes = np.bincount(train.unit_of_row)
        of_row = np.repeat(np.arange(n, dtype=np.intp), stream(seed, "canaries/rows").choice(sizes, n))
    columns: dict[str, pd.Series] = {}
    for group in _tied(train.schema):
        if len(group) == 1 and (f := train.schema.field(group[0])).modelled:
            columns[f.name] = _even(train.frame[f.name], f, len(of_row), seed)
            continue
        rows = stream(seed, f"canaries/{'+'.join(group)}").integers(0, train.n_rows, len(of_row))
        for name in group:
            columns[name] = train.frame[name].take(rows).reset_index(drop=True)
    frame = pd.DataFrame({name: columns[name] for name in train.schema.names})
    if unit is not None:
        frame[unit] = pd.Series(of_row).map(lambda i: f"canary{i}").astype(train.frame[unit].dtype)
    return train.with_frame(frame.astype(train.frame.dtypes.to_dict()))


def _tied(schema: Schema) -> list[tuple[str, ...]]:
    """Return the fields in groups that declared rules tie together, in the schema's order."""
    group = {name: {name} for name in schema.names}
    for rule in schema.constraints:
        joined = set().union(*(group[name] for name in rule.fields if name in group))
        for name in joined:
            group[name] = joined
    out: dict[str, tuple[str, ...]] = {}
    for name in schema.names:
        members = tuple(n for n in schema.names if n in group[name])
        out.setdefault(members[0], members)
    return list(out.values())


def _even(column: pd.Series, f: Field, n: int, seed: int) -> pd.Series:
    """Return values drawn evenly over the levels or the range that a column has; missing where it has none at all."""
    g = stream(derive(seed, "canaries/even"), f.name)
    if f.levelled:
        codes = to_codes(column, f)
        present = np.flatnonzero(np.bincount(codes[codes >= 0], minlength=len(levels_of(f))) > 0)
        drawn = g.choice(present, n) if len(present) else np.full(n, -1)
        return from_codes(drawn.astype(np.int64), f)
    known = to_numbers(column, f)
    known = known[np.isfinite(known)]
    if len(known) == 0:
        return from_numbers(np.full(n, np.nan), f)
    low, high = float(known.min()), float(known.max())
    return from_numbers(np.clip(low + (high - low) * g.random(n), low, high), f)


def _first_of_equals(ids: npt.NDArray[np.int64], owner: UnitArray) -> npt.NDArray[np.bool_]:
    """Return for each person whether none before has the very same first row."""
    starts = np.flatnonzero(np.concatenate([[True], np.diff(owner) != 0]))
    _, first = np.unique(ids[starts], return_index=True)
    out = np.zeros(len(starts), dtype=np.bool_)
    out[first] = True
    return out


__all__ = ["canaries"]
