"""What work costs before it is begun: seconds and bytes from measured constants, corrected by this machine's pace.

The constants (``core/costs.json``) are fitted by ``benchmarks/costs.py`` to runs of every generator over tables of many
sizes. An estimate is their sum over a few terms of the table's size, times how much slower or faster a fixed tenth of
a second of work goes here than where they were measured. It is a forecast, not a promise: the file keeps how far the
fitted runs lay from it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from synthproof.core.run import available_cores
from synthproof.core.schema import Field, Schema

_FILE = Path(__file__).with_name("costs.json")
_PACES = (0.25, 16.0)  # a shorter or longer measurement is an accident


@dataclass(frozen=True, slots=True)
class Cost:
    """Wall seconds and peak bytes of a piece of work.

    Parameters
    ----------
    seconds
        On this machine, with its cores as busy as they were a moment ago.
    bytes
        Held at most beyond the interpreter with its libraries, the table itself included.
    """

    seconds: float
    bytes: int

    def then(self, other: Cost) -> Cost:
        """Return the cost of one piece of work after another."""
        return Cost(self.seconds + other.seconds, max(self.bytes, other.bytes))


@dataclass(frozen=True, slots=True)
class Size:
    """How large a table is, as far as time and memory depend on it.

    Parameters
    ----------
    rows
        Number of rows.
    columns
        Columns that a model learns.
    levels
        Levels of all of them together.
    """

    rows: int
    columns: int
    levels: int = 0

    @classmethod
    def of(cls, schema: Schema, rows: int) -> Size:
        """Return the size of a table of some rows."""
        return cls(rows, len(schema.modelled), sum(_levels(f) for f in schema.modelled))

    def terms(self, cap: float, *, root: bool = False) -> dict[str, float]:
        """Return what costs are linear in.

        Parameters
        ----------
        cap
            Rows beyond which learning looks at no more of them, or with `root` at a number that grows as their root.
        """
        learned = float(self.rows) if self.rows <= cap else (cap * self.rows) ** 0.5 if root else cap
        p = float(self.columns)
        return {
            "one": 1.0,
            "columns": p,
            "levels": float(self.levels),
            "cells": self.rows * p,
            "learned_cells": learned * p,
            "learned_pairs": learned * p * p,
            "pairs": self.rows * p * p,
            "table": p * p,
        }


def _levels(f: Field) -> int:
    return 2 if f.kind == "boolean" else len(f.levels)


def known(name: str) -> bool:
    """Return whether the cost of a piece of work was measured (``table.copula/fit``)."""
    return name in _measured()["work"]


def cost(name: str, size: Size, *, pace: float | None = None, workers: int | None = None) -> Cost:
    """Return what a piece of work costs on a table of some size.

    Parameters
    ----------
    name
        A generator's registry name with ``/fit`` or ``/draw``, or ``verify``, ``verify/repeat``, ``read``.
    size
        Of the table learned from, drawn, or verified.
    pace
        How much slower this machine is; measured when absent.
    workers
        Cores that may be used; all of this process when absent.

    Raises
    ------
    KeyError
        Nobody measured that; ask `known` first.
    """
    entry = _measured()["work"][name]
    terms = size.terms(float(entry.get("cap") or np.inf), root=bool(entry.get("root")))
    pace = machine_pace() if pace is None else pace
    work = sum(entry["seconds"].get(k, 0.0) * v for k, v in terms.items())
    seconds = work / min(float(entry["cores"]), workers or available_cores())
    held = sum(entry["bytes"].get(k, 0.0) * v for k, v in terms.items())
    return Cost(float(seconds) * pace, int(held))


@cache
def machine_pace() -> float:
    """Return how much slower this machine is than the measured one: 1 alike, 2 half as fast. Takes a tenth of a second."""
    ratio = pace_seconds() / float(_measured()["pace_s"])
    low, high = _PACES
    return float(min(high, max(low, ratio)))


def pace_seconds(clock: Callable[[], float] = time.perf_counter) -> float:
    """Return the least of three timings of a fixed piece of sorting, multiplying and looking up."""
    x = np.random.Generator(np.random.Philox(1)).random(60_000)
    a = x[:40_000].reshape(200, 200)
    best = np.inf
    for _ in range(3):
        started = clock()
        order = np.argsort(x, kind="stable")
        np.cumsum(x[order])
        for _ in range(4):
            np.einsum("ij,jk->ik", a, a)
        np.searchsorted(x[order], x)
        best = min(best, clock() - started)
    return float(best)


@cache
def _measured() -> Mapping[str, Any]:
    found: dict[str, Any] = json.loads(_FILE.read_text(encoding="utf-8"))
    return found


def fit_cost(model: Any, name: str, rows: int, schema: Schema) -> Cost:
    """Return what learning costs a generator: by its own ``cost(rows, schema)``, else by its measured constants.

    Parameters
    ----------
    model
        The generator, fitted or not.
    name
        Its registry name.

    Returns
    -------
    Cost
        Nothing for a generator of others that says nothing of its cost.
    """
    if hasattr(model, "cost"):
        own: Cost = model.cost(rows, schema)
        return own
    work = f"{name}/fit"
    return cost(work, Size.of(schema, rows)) if known(work) else Cost(0.0, 0)


def most_rows(of: Callable[[int], Cost], rows: int, allowed: Cost) -> int:
    """Return how many of some rows an allowance suffices for; 0 when for none.

    Parameters
    ----------
    of
        The cost of the work on a number of rows; it must not fall.

    Notes
    -----
    Unless it is all, the answer is a power of two or three quarters of one, so that small differences between machines
    seldom change it.
    """
    if _within(of(rows), allowed):
        return rows
    return next((n for n in _steps(rows) if _within(of(n), allowed)), 0)


def _within(wanted: Cost, allowed: Cost) -> bool:
    return wanted.seconds <= allowed.seconds and wanted.bytes <= allowed.bytes


def _steps(below: int) -> Iterable[int]:
    top = 1 << max(1, int(below).bit_length())
    while top >= 2:
        for n in (top, 3 * top // 4):
            if n < below:
                yield n
        top //= 2


__all__ = ["Cost", "Size", "cost", "fit_cost", "known", "machine_pace", "most_rows", "pace_seconds"]
