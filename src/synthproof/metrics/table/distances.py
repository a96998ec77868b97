"""Nearest training records of synthetic and unseen records, searched once for all distance metrics of a battery."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from synthproof.core.contracts import Case
from synthproof.core.random import permutation
from synthproof.core.run import Run
from synthproof.engines.neighbours import MixedSpace, Placed, nearest
from synthproof.metrics.table.footing import footing

FloatArray = npt.NDArray[np.float64]
RowArray = npt.NDArray[np.intp]
Side = Literal["synthetic", "holdout"]
Real = Literal["train", "holdout"]

MOST_WORK = 100_000_000_000
"""Rows looked at × training records × fields above which a sample of rows is looked at: 20,000 rows against 100,000 of
50 fields, about 10 CPU-seconds."""
FEWEST_ROWS = 5_000
"""A sample is never smaller than this."""


@dataclass(frozen=True, slots=True)
class Distinct:
    """Each record once, in order of content (so that nothing depends on the order of rows).

    Parameters
    ----------
    of_row
        Which distinct record each row is.
    first_row
        First row of each distinct record.
    times
        Rows of each distinct record.
    """

    of_row: RowArray
    first_row: RowArray
    times: npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class ToTrain:
    """The nearest real record of rows: its distance, and its place among the distinct records of train or holdout.

    Parameters
    ----------
    rows
        The rows looked at: all, or a random sample where the table is too large to look at all.
    sampled
        Whether it is a sample.
    second
        Distance to the next nearest real row: that of a twin of the nearest, or infinite where there is no other.
    """

    distance: FloatArray
    second: FloatArray
    record: RowArray
    rows: RowArray
    sampled: bool


def space_of(case: Case[Any]) -> MixedSpace:
    """Return Gower's distance with the ranges of train."""
    base = footing(case)
    found = case.cache.get("table.space")
    if not isinstance(found, MixedSpace):
        found = MixedSpace.fit(base.train, case.train.schema)
        case.cache["table.space"] = found
    return found


def distinct(case: Case[Any], name: Literal["train", "holdout", "synthetic"]) -> Distinct:
    """Return the distinct records of one data set of the case."""
    base = footing(case)
    key = f"table.distinct/{name}"
    found = case.cache.get(key)
    if not isinstance(found, Distinct):
        _, first, of_row, times = np.unique(base.ids[name], return_index=True, return_inverse=True, return_counts=True)
        found = Distinct(of_row.astype(np.intp), first.astype(np.intp), times)
        case.cache[key] = found
    return found


def _among(case: Case[Any], name: Real) -> Placed:
    """Return all distinct records of train or of the holdout, to be searched; placed once."""
    key = f"table.distinct/placed/{name}"
    found = case.cache.get(key)
    if not isinstance(found, Placed):
        found = space_of(case).place(footing(case).part(name).rows(distinct(case, name).first_row))
        case.cache[key] = found
    return found


def to_train(case: Case[Any], name: Side, run: Run | None) -> ToTrain:
    """Return the nearest training record of the rows of `name`; of equally near ones the first in order of content.

    Where all pairs would cost more than `MOST_WORK` (and the case does not ask for all), a random sample of the rows is
    looked at, always against the whole of train.
    """
    return to_real(case, name, "train", run)


def to_real(case: Case[Any], name: Side, real: Real, run: Run | None) -> ToTrain:
    """Return the nearest record of train or holdout of the rows of `name`, as `to_train` does; the same rows for both."""
    queries, among = distinct(case, name), distinct(case, real)
    key = f"table.to_train/{name}/{real}"
    found = case.cache.get(key)
    if not isinstance(found, ToTrain):
        n, cost = len(queries.of_row), len(distinct(case, "train").times) * space_of(case).d
        rows = np.arange(n, dtype=np.intp) if case.full else _sample(n, cost, name)
        wanted, back = np.unique(queries.of_row[rows], return_inverse=True)
        # Only what is looked at is placed: a million synthetic rows would take most of a gibibyte.
        placed = space_of(case).place(footing(case).part(name).rows(queries.first_row[wanted]))
        distance, record = nearest(space_of(case), placed, _among(case, real), 2, run=run, task=f"neighbours/{name}")
        first, of = distance[back, 0], record[back, 0].astype(np.intp)
        other = distance[back, 1] if distance.shape[1] > 1 else np.full(len(back), np.inf)
        second = np.where(among.times[of] > 1, first, other)
        found = ToTrain(first, second, of, rows, len(rows) < len(queries.of_row))
        case.cache[key] = found
    return found


def nearest_other(case: Case[Any], records: RowArray, run: Run | None) -> FloatArray:
    """Return the distance of some distinct training records to their nearest *other* training row (a twin: 0)."""
    train = distinct(case, "train")
    wanted, back = np.unique(records, return_inverse=True)
    if len(train.times) < 2:
        other = np.full(len(wanted), np.inf)
    else:
        among = _among(case, "train")
        distance, row = nearest(space_of(case), among.rows(wanted), among, 2, run=run, task="neighbours/train")
        # The record itself comes first: distinct records are more than nothing apart.
        other = np.where(row[:, 0] == wanted, distance[:, 1], distance[:, 0])
    return np.where(train.times[wanted] > 1, 0.0, other)[back]


def _sample(n: int, cost: int, name: str) -> RowArray:
    most = max(FEWEST_ROWS, MOST_WORK // max(1, cost))
    if n <= most:
        return np.arange(n, dtype=np.intp)
    return np.sort(permutation(0, f"neighbours/sample/{name}", n)[:most])
