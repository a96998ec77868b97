"""Tables of two columns: chosen, counted with noise, and put together.

`mst` takes a tree (McKenna, Miklau & Sheldon 2021, arXiv:2108.04978): d - 1 pairs by the exponential mechanism, each the
one whose true table lies furthest from what independent columns would give, among those that close no circle.
`adaptive` spends half of that budget on further pairs in rounds, in the manner of AIM (McKenna et al. 2022,
arXiv:2201.12677): those whose true table lies furthest from what the model of the round before says, less what the noise
of measuring would add.

What was measured is put together without a graphical model, by *residuals* (ResidualPlanner, arXiv:2305.08175; GReM,
arXiv:2602.05674): a table is the sum of a mean, an effect of each column and an effect of the pair; every measured
table says something of the effects under it; each effect is the mean of what was said, weighted by inverse variance.
Then cells below 0 are projected away and the table is raked to its columns' own weights.

Scores are whole numbers: the expected table is rounded before it is compared, so that one row changes a score by 1 at
most, to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from math import ceil, pi, sqrt
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from synthproof.core.run import Run
from synthproof.synthesizers.table.dp.ledger import Ledger
from synthproof.synthesizers.table.dp.measure import project

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
Counts = npt.NDArray[np.int64]
Pair: TypeAlias = tuple[int, int]
"""Numbers of two columns, the smaller first."""

_RAKINGS = 25


@dataclass(slots=True)
class Tables:
    """What is known of pairs: noisy tables and the variance of a cell.

    Parameters
    ----------
    weights
        Rows of each code of each column, as `measure` gave them.
    variances
        Of these, per column.
    total
        Rows, as a noisy count said.
    found
        For each measured pair its tables, with their variances.
    """

    weights: Sequence[FloatArray]
    variances: Sequence[float]
    total: float
    found: dict[Pair, list[tuple[FloatArray, float]]] = field(default_factory=dict)

    def column(self, i: int) -> FloatArray:
        """Return a column's weights with what the pairs say of them, none negative, summing to `total`."""
        said = [(self.weights[i], self.variances[i])]
        for pair, tables in self.found.items():
            if i in pair:
                along = 1 - pair.index(i)
                said += [(t.sum(axis=along), v * t.shape[along]) for t, v in tables]
        effect = _mean([(w - w.mean(), v) for w, v in said])
        return project(effect + self.total / len(effect), self.total)

    def pair(self, pair: Pair) -> FloatArray:
        """Return a measured pair's table: effects added up, none negative, raked to the columns' weights."""
        i, j = pair
        a, b = self.column(i), self.column(j)
        inner = _mean([(t - t.mean(axis=0) - t.mean(axis=1)[:, None] + t.mean(), v) for t, v in self.found[pair]])
        k, m = inner.shape
        raw = inner + (a - a.mean())[:, None] / m + (b - b.mean())[None, :] / k + self.total / (k * m)
        return rake(project(raw, self.total), a, b)

    def add(self, pair: Pair, table: FloatArray, variance: float) -> None:
        """Take in one measured table."""
        self.found.setdefault(pair, []).append((table, variance))


def rake(table: FloatArray, rows: FloatArray, columns: FloatArray) -> FloatArray:
    """Return a table scaled to given sums (Deming & Stephan 1940, doi:10.1214/aoms/1177731829).

    A row or column without anything gets its part of the independent table first.
    """
    total = rows.sum()
    out = table + 1e-6 * np.outer(rows, columns) / total
    for _ in range(_RAKINGS):
        out *= (rows / np.maximum(out.sum(axis=1), 1e-300))[:, None]
        out *= (columns / np.maximum(out.sum(axis=0), 1e-300))[None, :]
    return np.asarray(out)


@dataclass(slots=True)
class Counter:
    """The true tables, which nothing but the ledger may see.

    Parameters
    ----------
    codes
        For each column the code of each row, -1 where it has none; rows without a code are in no table of the column.
    sizes
        Number of codes of each column.
    cells
        Pairs of more cells than this are never counted.
    """

    codes: Sequence[IntArray]
    sizes: Sequence[int]
    cells: int
    _kept: dict[Pair, Counts] = field(default_factory=dict)

    @property
    def pairs(self) -> list[Pair]:
        """All pairs that may be counted."""
        return [p for p in combinations(range(len(self.sizes)), 2) if self.size(p) <= self.cells]

    def size(self, pair: Pair) -> int:
        """Return the number of cells of a pair."""
        return self.sizes[pair[0]] * self.sizes[pair[1]]

    def table(self, pair: Pair) -> Counts:
        """Return the true table."""
        if pair not in self._kept:
            i, j = pair
            both = (self.codes[i] >= 0) & (self.codes[j] >= 0)
            cell = self.codes[i][both] * self.sizes[j] + self.codes[j][both]
            counts = np.bincount(cell, minlength=self.size(pair)).astype(np.int64)
            self._kept[pair] = counts.reshape(self.sizes[i], self.sizes[j])
        return self._kept[pair]

    def far(self, pair: Pair, expected: FloatArray) -> int:
        """Return how far the true table lies from an expected one: the sum of differences, a whole number."""
        return int(np.abs(self.table(pair) - np.rint(expected).astype(np.int64)).sum())


def choose_tree(ledger: Ledger, counter: Counter, tables: Tables, rho: float, run: Run) -> list[Pair]:
    """Return the pairs of a spanning tree; a forest, where the cap on cells leaves no pair between two parts."""
    d = len(counter.sizes)
    scores = {p: counter.far(p, _independent(tables, p)) for p in run.each(counter.pairs, "dp_marginals: pairs")}
    part, chosen = list(range(d)), []
    for k in range(d - 1):
        run.tick("dp_marginals: tree", k, d - 1)
        open_ = [p for p in scores if part[p[0]] != part[p[1]]]
        if not open_:
            break
        i, j = pair = open_[ledger.choose([scores[p] for p in open_], rho / (d - 1), "choice")]
        chosen.append(pair)
        old, new = part[j], part[i]
        part = [new if q == old else q for q in part]
    return chosen


def choose_more(
    ledger: Ledger, counter: Counter, model: Callable[[Pair], FloatArray], taken: Sequence[Pair], n: int,
    rho: float, sigma: float,
) -> list[Pair]:  # fmt: skip
    """Return up to n further pairs that the model gets most wrong, beyond the noise of measuring them."""
    noise = sqrt(2 / pi) * sigma
    scores = {p: counter.far(p, model(p)) - ceil(noise * counter.size(p)) for p in counter.pairs if p not in set(taken)}
    chosen: list[Pair] = []
    for _ in range(min(n, len(scores))):
        left = [p for p in scores if p not in chosen]
        chosen.append(left[ledger.choose([scores[p] for p in left], rho / n, "choice")])
    return chosen


def count(ledger: Ledger, counter: Counter, tables: Tables, pairs: Sequence[Pair], rho: float, names: Sequence[str],
          run: Run) -> None:  # fmt: skip
    """Count pairs with noise and take them in; `rho` is for each."""
    for pair in run.each(pairs, "dp_marginals: counting"):
        noisy = ledger.noisy(counter.table(pair), rho, "pair", *(names[i] for i in pair))
        tables.add(pair, noisy.astype(np.float64), ledger.entries[-1].scale ** 2)


def telling(tables: Tables, pair: Pair, expected: FloatArray) -> float:
    """Return by how much a measured table differs from an expected one, in multiples of what noise alone would do."""
    table, variance = tables.found[pair][-1]
    return float(np.abs(table - expected).sum() / (sqrt(2 / pi * variance) * table.size))


def _independent(tables: Tables, pair: Pair) -> FloatArray:
    return np.outer(tables.weights[pair[0]], tables.weights[pair[1]]) / tables.total


def _mean(said: Sequence[tuple[FloatArray, float]]) -> FloatArray:
    heft = [1 / v for _, v in said]
    return np.asarray(sum(h * e for h, (e, _) in zip(heft, said, strict=True)) / sum(heft))


__all__ = ["Counter", "Pair", "Tables", "choose_more", "choose_tree", "count", "rake", "telling"]
