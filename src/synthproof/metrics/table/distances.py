"""Nearest training records of synthetic and unseen records, searched once for all distance metrics of a battery."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from synthproof.core.contracts import Case
from synthproof.core.run import Run
from synthproof.engines.codes import Coded
from synthproof.engines.neighbours import MixedSpace, Placed, nearest
from synthproof.metrics.table.footing import Footing, footing

FloatArray = npt.NDArray[np.float64]
RowArray = npt.NDArray[np.intp]
Side = Literal["synthetic", "holdout"]


@dataclass(frozen=True, slots=True)
class Distinct:
    """Each record once, in order of content (so that nothing depends on the order of rows).

    Parameters
    ----------
    placed
        The distinct records.
    of_row
        Which distinct record each row is.
    first_row
        First row of each distinct record.
    times
        Rows of each distinct record.
    """

    placed: Placed
    of_row: RowArray
    first_row: RowArray
    times: npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class ToTrain:
    """Each row's nearest training record: its distance, and its place among the distinct training records."""

    distance: FloatArray
    record: RowArray


def space_of(case: Case[Any]) -> MixedSpace:
    """Return Gower's distance with the ranges of train."""
    found = case.cache.get("table.space")
    if not isinstance(found, MixedSpace):
        found = MixedSpace.fit(footing(case).train, case.train.schema)
        case.cache["table.space"] = found
    return found


def distinct(case: Case[Any], name: Literal["train", "holdout", "synthetic"]) -> Distinct:
    """Return the distinct records of one data set of the case."""
    key = f"table.distinct/{name}"
    found = case.cache.get(key)
    if not isinstance(found, Distinct):
        base = footing(case)
        _, first, of_row, times = np.unique(base.ids[name], return_index=True, return_inverse=True, return_counts=True)
        placed = space_of(case).place(_part(base, name).rows(first))
        found = Distinct(placed, of_row.astype(np.intp), first.astype(np.intp), times)
        case.cache[key] = found
    return found


def to_train(case: Case[Any], name: Side, run: Run | None) -> ToTrain:
    """Return the nearest training record of every row of `name`; of equally near ones the first in order of content."""
    key = f"table.to_train/{name}"
    found = case.cache.get(key)
    if not isinstance(found, ToTrain):
        queries, train = distinct(case, name), distinct(case, "train")
        distance, record = nearest(space_of(case), queries.placed, train.placed, 1, run=run, task=f"neighbours/{name}")
        found = ToTrain(distance[queries.of_row, 0], record[queries.of_row, 0].astype(np.intp))
        case.cache[key] = found
    return found


def nearest_other(case: Case[Any], run: Run | None) -> FloatArray:
    """Return, for each distinct training record, the distance to the nearest *other* training row (a twin: 0)."""
    found = case.cache.get("table.nearest_other")
    if not isinstance(found, np.ndarray):
        train = distinct(case, "train")
        found = other_distances(space_of(case), train.placed, train.times, run)
        case.cache["table.nearest_other"] = found
    return found


def other_distances(
    space: MixedSpace, records: Placed, times: npt.NDArray[np.intp], run: Run | None = None
) -> FloatArray:
    """Return the distance of each distinct record to its nearest other row; infinity when there is none."""
    if len(records) < 2:
        return np.where(times > 1, 0.0, np.inf)
    distance, row = nearest(space, records, records, 2, run=run, task="neighbours/train")
    # The record itself comes first: distinct records are more than nothing apart.
    other = np.where(row[:, 0] == np.arange(len(records)), distance[:, 1], distance[:, 0])
    return np.where(times > 1, 0.0, other)


def _part(base: Footing, name: str) -> Coded:
    part = {"train": base.train, "holdout": base.holdout, "synthetic": base.synthetic}[name]
    assert part is not None
    return part
