"""Laws that list what is allowed: combinations that train has, levels of one column, ranges by group."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import reduce

import numpy as np
import numpy.typing as npt

from synthproof.synthesizers.table.rules.bounds import NEAR, Choice
from synthproof.synthesizers.table.rules.domains import Domains
from synthproof.synthesizers.table.rules.laws import Rows, choice_of

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]

_MANY_CELLS = 20_000_000  # kinds of rows × combinations that are looked at one by one
_MANY_KINDS = 2_000
_MANY_PAIRS = 8_000_000  # rows × groups; past this the group is bound only once its columns are known


@dataclass(frozen=True, slots=True)
class Allowed:
    """A column takes one of listed codes or numbers.

    Parameters
    ----------
    name
        The column.
    values
        What it may be, ascending.
    """

    name: str
    values: FloatArray

    @property
    def names(self) -> tuple[str, ...]:
        """Columns it speaks of."""
        return (self.name,)

    def kept(self, rows: Rows) -> BoolArray:
        """Return whether whole rows keep the law."""
        return self._choice(len(rows[self.name])).holds(rows[self.name])

    def narrow(self, domains: Domains, rows: BoolArray) -> None:
        """Keep the column to the list."""
        if self.name in domains.known:
            domains.fail(rows & ~self.kept(domains.known))
        else:
            domains.restrict(self.name, self._choice(domains.n), rows)

    def _choice(self, n: int) -> Choice:
        return Choice.listed(np.zeros(n, dtype=np.intp), [self.values])


@dataclass(frozen=True, slots=True)
class Combinations:
    """Columns take only the listed combinations of codes and numbers.

    Parameters
    ----------
    names
        The columns.
    table
        Shape (combinations, columns), rows distinct.
    """

    names: tuple[str, ...]
    table: FloatArray
    _indices: dict[tuple[str, ...], _Index] = field(default_factory=dict, compare=False, repr=False)

    def kept(self, rows: Rows) -> BoolArray:
        """Return whether whole rows keep the law."""
        gone = reduce(np.logical_or, (np.isnan(rows[n]) for n in self.names))
        return np.asarray(gone | (self._index(self.names).find(rows) >= 0))

    def narrow(self, domains: Domains, rows: BoolArray) -> None:
        """Keep each unknown column to what some combination has beside the known ones."""
        live = rows & domains.live(self.names)
        if not live.any():
            return
        unknown = domains.unknown(self.names)
        known = tuple(n for n in self.names if n in domains.known)
        group = self._index(known).find(domains.known, domains.n)
        domains.fail(live & (group < 0))
        live &= group >= 0
        if not unknown:
            return
        held = [n for n in unknown if n in domains.choice or n in domains.low]
        if len(unknown) > 1 and held and self._by_signature(domains, group, unknown, live):
            return
        for name in unknown:
            choice = self._index(known).beside(name)
            domains.restrict(name, Choice(np.where(live, group, -1), choice.start, choice.values), live)

    def _by_signature(self, domains: Domains, group: IntArray, unknown: list[str], live: BoolArray) -> bool:
        """Narrow by the other unknown columns' choices too, one set of combinations a kind of row; or say it is dear."""
        at = np.flatnonzero(live)
        marks = [group[at]]
        for name in unknown:
            if name in domains.choice:
                marks.append(domains.choice[name].row[at])
            elif name in domains.low:
                ends = np.stack([domains.low[name][at], domains.high[name][at]], axis=1)
                marks.append(np.unique(ends, axis=0, return_inverse=True)[1].reshape(-1))
        kinds, first, owner = np.unique(np.stack(marks), axis=1, return_index=True, return_inverse=True)
        if kinds.shape[1] > _MANY_KINDS or kinds.shape[1] * len(self.table) > _MANY_CELLS:
            return False
        members = self._index(tuple(n for n in self.names if n in domains.known)).group_of_row
        good = np.empty((kinds.shape[1], len(self.table)), dtype=np.bool_)
        for k, row in enumerate(at[first]):
            good[k] = members == group[row]
            for name in unknown:
                values = self.table[:, self.names.index(name)]
                if name in domains.choice and domains.choice[name].row[row] >= 0:
                    one = domains.choice[name].take(np.array([row] * len(values), dtype=np.intp))
                    good[k] &= one.holds(values)
                elif name in domains.low:
                    slack = NEAR * np.maximum(1.0, np.abs(values))
                    good[k] &= (values >= domains.low[name][row] - slack) & (values <= domains.high[name][row] + slack)
        for name in unknown:
            values = self.table[:, self.names.index(name)]
            sets = [np.unique(values[g]) for g in good]
            row_of = np.full(domains.n, -1, dtype=np.intp)
            row_of[at] = owner.reshape(-1)
            domains.restrict(name, Choice.listed(row_of, sets), live)
        return True

    def _index(self, known: tuple[str, ...]) -> _Index:
        if known not in self._indices:
            self._indices[known] = _Index.of(self.names, self.table, known)
        return self._indices[known]


@dataclass(frozen=True, slots=True)
class _Index:
    """The combinations grouped by the values of some columns.

    Parameters
    ----------
    known
        Those columns.
    vocabulary
        Distinct values of each, ascending.
    keys
        Distinct keys, ascending; a key joins the places of its values in the vocabulary.
    group_of_row
        Shape (combinations,): the group of each combination.
    """

    names: tuple[str, ...]
    table: FloatArray
    known: tuple[str, ...]
    vocabulary: tuple[FloatArray, ...]
    keys: npt.NDArray[np.int64]
    group_of_row: IntArray
    _beside: dict[str, Choice]

    @classmethod
    def of(cls, names: tuple[str, ...], table: FloatArray, known: tuple[str, ...]) -> _Index:
        columns = [table[:, names.index(n)] for n in known]
        vocabulary = tuple(np.unique(c) for c in columns)
        places = [np.searchsorted(v, c) for v, c in zip(vocabulary, columns, strict=True)]
        key = _joined(places, vocabulary, len(table))
        keys, group = np.unique(key, return_inverse=True)
        return cls(names, table, known, vocabulary, keys, group.reshape(-1).astype(np.intp), {})

    def find(self, rows: Rows, n: int = 0) -> IntArray:
        """Return the group of each row, -1 where no combination has its values."""
        if not self.known:
            return np.zeros(n, dtype=np.intp) if len(self.table) else np.full(n, -1, dtype=np.intp)
        places: list[npt.NDArray[np.int64]] = []
        bad = np.zeros(len(rows[self.known[0]]), dtype=np.bool_)
        for name, vocabulary in zip(self.known, self.vocabulary, strict=True):
            place, found = _place(vocabulary, rows[name])
            places.append(place)
            bad |= ~found
        key = _joined(places, self.vocabulary, len(bad))
        at = np.minimum(np.searchsorted(self.keys, key), max(0, len(self.keys) - 1))
        bad |= self.keys[at] != key if len(self.keys) else True
        return np.where(bad, -1, at).astype(np.intp)

    def beside(self, name: str) -> Choice:
        """Return for each group what another column may be."""
        if name not in self._beside:
            values = self.table[:, self.names.index(name)]
            pairs = np.unique(np.stack([self.group_of_row.astype(np.float64), values], axis=1), axis=0)
            start = np.searchsorted(pairs[:, 0], np.arange(len(self.keys) + 1)).astype(np.intp)
            self._beside[name] = Choice(np.empty(0, dtype=np.intp), start, pairs[:, 1].copy())
        return self._beside[name]


def _place(vocabulary: FloatArray, values: FloatArray) -> tuple[npt.NDArray[np.int64], BoolArray]:
    """Return the place of each value in a vocabulary, and whether it is there, last digits forgiven."""
    if not len(vocabulary):
        return np.zeros(len(values), dtype=np.int64), np.zeros(len(values), dtype=np.bool_)
    right = np.minimum(np.searchsorted(vocabulary, values), len(vocabulary) - 1)
    left = np.maximum(right - 1, 0)
    with np.errstate(invalid="ignore"):
        nearer = np.abs(values - vocabulary[left]) < np.abs(values - vocabulary[right])
        at = np.where(nearer, left, right)
        found = np.abs(values - vocabulary[at]) <= NEAR * np.maximum(1.0, np.abs(values))
    return at.astype(np.int64), np.asarray(found)


def _joined(places: list[npt.NDArray[np.int64]], vocabulary: tuple[FloatArray, ...], n: int) -> npt.NDArray[np.int64]:
    """Return one number for several places; past 2**62 different ones the places are hashed into that range."""
    key = np.zeros(n, dtype=np.int64)
    size = 1
    for place, known in zip(places, vocabulary, strict=True):
        size *= max(1, len(known))
        if size < 1 << 62:
            key = key * max(1, len(known)) + place
        else:
            with np.errstate(over="ignore"):
                key = key * np.int64(0x9E3779B97F4A7C1 | 1) + place
    return key


@dataclass(frozen=True, slots=True)
class Ranges:
    """A number stays in the range of its group.

    Parameters
    ----------
    name, by
        The number, and the columns that make the group.
    groups
        The groups as combinations of codes and numbers, shape (groups, columns of `by`).
    low, high
        Shape (groups,).
    """

    name: str
    groups: Combinations
    low: FloatArray
    high: FloatArray

    @property
    def names(self) -> tuple[str, ...]:
        """Columns it speaks of."""
        return (self.name, *self.groups.names)

    def kept(self, rows: Rows) -> BoolArray:
        """Return whether whole rows keep the law."""
        gone = reduce(np.logical_or, (np.isnan(rows[n]) for n in self.names))
        at = self.groups._index(self.groups.names).find(rows)
        return np.asarray(gone | (at >= 0) & self._within(rows[self.name], at))

    def narrow(self, domains: Domains, rows: BoolArray) -> None:
        """Bound the number by its group, or the group by its number."""
        live = rows & domains.live(self.names)
        by = self.groups.names
        unknown = domains.unknown(by)
        if not live.any():
            return
        if not unknown:
            at = self.groups._index(by).find(domains.known)
            domains.fail(live & (at < 0))
            live &= at >= 0
            if self.name in domains.known:
                domains.fail(live & ~self._within(domains.known[self.name], at))
            else:
                domains.narrow(self.name, self.low[at], self.high[at], live)
            return
        at_row = np.flatnonzero(live)
        if len(at_row) * len(self.low) > _MANY_PAIRS:
            return
        good = self._open_groups(domains, at_row)
        dead = np.zeros(domains.n, dtype=np.bool_)
        dead[at_row] = ~good.any(axis=1)
        domains.fail(dead)
        if self.name not in domains.known:
            low, high = np.full(domains.n, -np.inf), np.full(domains.n, np.inf)
            low[at_row] = np.where(good, self.low, np.inf).min(axis=1)
            high[at_row] = np.where(good, self.high, -np.inf).max(axis=1)
            domains.narrow(self.name, low, high, live & ~dead)
        for name in unknown:
            column = self.groups.table[:, by.index(name)]
            vocabulary, owner = np.unique(column, return_inverse=True)
            if len(by) == 1:
                possible = good[:, np.argsort(column)]
            else:
                possible = np.stack(
                    [good[:, owner.reshape(-1) == k].any(axis=1) for k in range(len(vocabulary))], axis=1
                )
            places = choice_of(possible, at_row, domains.n)
            choice = Choice(places.row, places.start, vocabulary[places.values.astype(np.intp)])
            domains.restrict(name, choice, live & ~dead)

    def _open_groups(self, domains: Domains, rows: IntArray) -> BoolArray:
        """Return which groups each row may still belong to, shape (len(rows), groups)."""
        low, high = domains.interval(self.name)
        slack = NEAR * np.maximum(1.0, np.abs(low[rows]))[:, None]
        good = (self.low[None, :] <= high[rows][:, None] + slack) & (self.high[None, :] >= low[rows][:, None] - slack)
        for j, name in enumerate(self.groups.names):
            if name in domains.known:
                good &= self.groups.table[None, :, j] == domains.known[name][rows][:, None]
        return np.asarray(good)

    def _within(self, values: FloatArray, at: IntArray) -> BoolArray:
        slack = NEAR * np.maximum(1.0, np.abs(values))
        with np.errstate(invalid="ignore"):
            return np.asarray((values >= self.low[at] - slack) & (values <= self.high[at] + slack))


__all__ = ["Allowed", "Combinations", "Ranges"]
