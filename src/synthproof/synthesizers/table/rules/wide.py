"""Rules on columns of very many levels, which a model draws as groups of levels.

While groups are drawn, each law is kept in the groups' terms: a group may be where one of its levels may. Afterwards a
level of each group is chosen among those that the rules allow, by frequency.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from synthproof.synthesizers.table.columns.levels import Levels
from synthproof.synthesizers.table.rules.bounds import Choice
from synthproof.synthesizers.table.rules.laws import Law
from synthproof.synthesizers.table.rules.tables import Allowed, Combinations, Ranges

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]


def in_groups(laws: Sequence[Law], wide: Mapping[str, Levels]) -> tuple[Law, ...]:
    """Return laws in the terms of groups; one that cannot be said so (a calculation with levels) is left to the end."""
    out: list[Law] = []
    for law in laws:
        if not set(law.names) & set(wide):
            out.append(law)
        elif isinstance(law, Combinations):
            out.append(_combinations(law, wide))
        elif isinstance(law, Allowed):
            group = wide[law.name].group[law.values.astype(np.intp)]
            out.append(Allowed(law.name, np.unique(group).astype(np.float64)))
        elif isinstance(law, Ranges):
            out.append(_ranges(law, wide))
    return tuple(out)


def _grouped(names: tuple[str, ...], table: FloatArray, wide: Mapping[str, Levels]) -> FloatArray:
    columns = [
        wide[n].group[table[:, j].astype(np.intp)].astype(np.float64) if n in wide else table[:, j]
        for j, n in enumerate(names)
    ]
    return np.stack(columns, axis=1) if columns else table


def _combinations(law: Combinations, wide: Mapping[str, Levels]) -> Combinations:
    return Combinations(law.names, np.unique(_grouped(law.names, law.table, wide), axis=0))


def _ranges(law: Ranges, wide: Mapping[str, Levels]) -> Ranges:
    by = law.groups.names
    table, owner = np.unique(_grouped(by, law.groups.table, wide), axis=0, return_inverse=True)
    low, high = np.full(len(table), np.inf), np.full(len(table), -np.inf)
    np.minimum.at(low, owner.reshape(-1), law.low)
    np.maximum.at(high, owner.reshape(-1), law.high)
    return Ranges(law.name, Combinations(by, table), low, high)


def member_within(levels: Levels, group: FloatArray, choice: Choice | None, u: FloatArray) -> FloatArray:
    """Return a level of each row's group that is allowed, by frequency; any of the group where none is; NaN stays.

    Cost O(n log n + different pairs of group and set · their sizes).
    """
    if choice is None:
        return levels.member(group, u)
    out = np.array(group, dtype=np.float64)
    rows = np.flatnonzero(~np.isnan(group))
    pairs, owner = np.unique(np.stack([group[rows].astype(np.int64), choice.row[rows]]), axis=1, return_inverse=True)
    order = np.argsort(owner.reshape(-1), kind="stable")
    ends = np.searchsorted(owner.reshape(-1)[order], np.arange(pairs.shape[1] + 1))
    for k, (g, chosen) in enumerate(pairs.T):
        mine = rows[order[ends[k] : ends[k + 1]]]
        members = np.flatnonzero(levels.group == g)
        if chosen >= 0:
            allowed = choice.values[choice.start[chosen] : choice.start[chosen + 1]].astype(np.intp)
            members = allowed[levels.group[allowed] == g] if len(allowed) else allowed
            members = members if len(members) else np.flatnonzero(levels.group == g)
        above = np.cumsum(levels.weight[members])
        at = np.searchsorted(above, u[mine] * above[-1], side="right")
        out[mine] = members[np.minimum(at, len(members) - 1)]
    return out


__all__ = ["in_groups", "member_within"]
