"""Columns of very many levels, seen by a model as at most 250 groups of levels that go together.

Frequent levels are groups of their own. The others are put on a line, on which neighbours are alike, and the line is cut
into groups of about equal weight. Two lines are tried: the alphabet, which keeps codes with a common beginning together
(ICD, postal codes), and likeness in the other columns (each level's mean there, shrunk towards its neighbours in the
alphabet); held-out rows decide. A model draws the group, and `Levels.member` a level of it by frequency.

A level that fewer than ``min_shared`` persons hold is never drawn, kept in a model or named in its schema: a diagnosis
that one person has is that person. Its rows count for its group and are drawn as that group's other levels. Where such
levels make up most of the rows, invented ones of the same shape stand in for them, so that a column of many rare codes
stays one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthproof.core.random import derive, stream
from synthproof.core.schema import Field
from synthproof.core.words import Words
from synthproof.data.table.dataset import Table
from synthproof.engines.codes import encode, to_codes
from synthproof.engines.principal import principal_axes
from synthproof.synthesizers.table.columns.rounding import heads
from synthproof.synthesizers.table.columns.standins import stand_ins

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

MOST = 250
"""Levels or groups that a model sees at most."""

_SINGLE = 125  # frequent levels that may be groups of their own where not all levels can
_SPLITS = 8  # of the levels' means, on the way to a line
_BLOCK = 200  # rows, about, of neighbours in the alphabet that a rare level's mean leans on
_LEAN = 10.0  # rows of its own that weigh as much
_AXES = 4
_WINDOW = 0.04  # of the weight, around a rare level on the line, that its rows may go to
_STUDIED = 50_000  # rows at a time
_INVENTED = 0.5  # share of rows with rare levels from which stand-ins are invented


@dataclass(frozen=True, slots=True)
class Levels:
    """The levels of one column in groups.

    Parameters
    ----------
    texts
        Levels that can be drawn, in the drawn schema's order.
    group
        Group of each, shape (levels,).
    weight
        Weight of each within its group, shape (levels,).
    rare
        Number of real levels that are never drawn.
    rare_share
        Their share of the rows that have a level.
    invented
        Number of levels among `texts` that stand in for rare ones.
    learned
        Texts of the learned field's levels and the group of each. Not part of the state: rare texts stay out of it.
    """

    texts: tuple[str, ...]
    group: IntArray
    weight: FloatArray
    rare: int
    rare_share: float
    invented: int
    learned: tuple[tuple[str, ...], IntArray] | None = None

    @property
    def n_groups(self) -> int:
        """Number of groups."""
        return int(self.group.max(initial=-1)) + 1

    def field(self, f: Field) -> Field:
        """Return the field as a model sees it: its levels are the groups."""
        return replace(f, levels=tuple(f"g{k}" for k in range(self.n_groups)), low=None, high=None)

    def groups_of(self, texts: Sequence[str]) -> IntArray:
        """Return the group of each level of a field, -1 where it is not known, shape (levels,)."""
        if self.learned is not None and tuple(texts) == self.learned[0]:
            return self.learned[1]
        known = dict(zip(self.texts, self.group.tolist(), strict=True))
        return np.array([known.get(t, -1) for t in texts], dtype=np.intp)

    def member(self, group: FloatArray, u: FloatArray, among: IntArray | None = None) -> FloatArray:
        """Return a level for each row's group, NaN where that is NaN. Cost O(n log levels).

        Parameters
        ----------
        group
            Group of each row, shape (n,), NaN missing. A number past the last group stands for a level that is chosen
            already: that of the number less `n_groups`.
        u
            Uniforms.
        among
            Levels that may be drawn; all if absent.
        """
        order = np.argsort(self.group, kind="stable")
        weight = self.weight
        if among is not None:
            weight = np.zeros_like(weight)
            weight[among] = self.weight[among]
        above = np.concatenate([[0.0], np.cumsum(weight[order])])
        start = np.searchsorted(self.group[order], np.arange(self.n_groups + 1))
        if not self.texts:
            return np.full(len(group), np.nan)
        gone = np.isnan(group)
        chosen = group >= self.n_groups
        g = np.where(gone | chosen, 0, group).astype(np.intp)
        goal = above[start[g]] + u * (above[start[g + 1]] - above[start[g]])
        at = np.clip(np.searchsorted(above, goal, side="right") - 1, start[g], start[g + 1] - 1)
        return np.where(gone, np.nan, np.where(chosen, group - self.n_groups, order[at]))

    def shares(self, among: IntArray) -> FloatArray:
        """Return how much of each group's weight the given levels have, shape (groups,)."""
        total = np.bincount(self.group, self.weight, minlength=self.n_groups)
        part = np.bincount(self.group[among], self.weight[among], minlength=self.n_groups)
        return np.asarray(part / total)

    def get_state(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "texts": list(self.texts),
            "group": self.group.astype(np.int64),
            "weight": self.weight,
            "rare": self.rare,
            "rare_share": self.rare_share,
            "invented": self.invented,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Take back what `get_state` returned."""
        group = state["group"].astype(np.intp)
        rest = int(state["rare"]), float(state["rare_share"]), int(state["invented"])
        return cls(tuple(state["texts"]), group, state["weight"], *rest)

    @classmethod
    def learn(
        cls,
        codes: npt.NDArray[np.integer[Any]],
        f: Field,
        *,
        beside: FloatArray | None = None,
        persons: IntArray | None = None,
        min_shared: int = 10,
        seed: int = 0,
    ) -> Self:
        """Return the groups of a column's levels. Cost O(n + levels log levels).

        Parameters
        ----------
        codes
            Codes of the field's levels, -1 missing, shape (n,).
        beside
            What other columns say of each row, shape (n, q); likeness of levels is measured there.
        persons
            Person of each row, when persons have several.
        min_shared
            Levels of fewer persons are never drawn.
        seed
            Of the invented levels.
        """
        rows = np.flatnonzero(codes >= 0)
        code = codes[rows].astype(np.intp)
        d = len(f.levels)
        count = np.bincount(code, minlength=d).astype(np.float64)
        shown = heads(code, None if persons is None else persons[rows], d) >= min_shared
        place = np.empty(d, dtype=np.intp)
        place[_line(code, f, count, None if beside is None else beside[rows])] = np.arange(d)
        rare_share = float(count[~shown].sum() / max(1.0, count.sum()))
        invent = rare_share > _INVENTED
        group = _groups(place, count, shown | (invent & (count > 0)), ordered=f.kind == "ordinal", seed=seed)
        rare = np.flatnonzero(~shown & (count > 0))
        made: list[str] = []
        if invent:
            made = stand_ins(
                f.levels,
                rare,
                code,
                persons=None if persons is None else persons[rows],
                min_shared=min_shared,
                pattern=f.pattern,
                seed=derive(seed, f"levels/{f.name}"),
                purpose=f"levels/{f.name}",
            )
        kept = np.flatnonzero(shown)
        texts = [f.levels[k] for k in kept] + made
        weight = np.concatenate([count[kept], np.full(len(made), count[rare].sum() / max(1, len(rare)))])
        of_group = np.concatenate([group[kept], group[rare] if invent else np.empty(0, dtype=np.intp)])
        order = np.arange(len(texts)) if f.kind == "ordinal" and not made else np.argsort(np.array(texts, dtype=object))
        return cls(
            tuple(texts[k] for k in order),
            of_group[order],
            weight[order],
            len(rare),
            rare_share,
            len(made),
            (f.levels, group),
        )


def _line(code: IntArray, f: Field, count: FloatArray, beside: FloatArray | None) -> IntArray:
    """Return the levels in an order in which neighbours are alike."""
    if f.kind == "ordinal":
        return np.arange(len(f.levels), dtype=np.intp)
    text = np.argsort(np.array(f.levels, dtype=object), kind="stable").astype(np.intp)
    if beside is None or not beside.shape[1] or not len(code):
        return text
    half = np.arange(len(code)) % 2 == 0
    by_text, by_mean = text, _likeness(code[half], count, beside[half], text)
    gain = [_gain(line, code, count, beside, half) for line in (by_text, by_mean)]
    return by_text if gain[0] >= gain[1] else _likeness(code, count, beside, text)


def _likeness(code: IntArray, count: FloatArray, beside: FloatArray, text: IntArray) -> IntArray:
    """Return levels in the order of a tree of median splits over their means, leaning on neighbours in the alphabet."""
    d, q = len(count), beside.shape[1]
    own = np.bincount(code, minlength=d).astype(np.float64)
    sums = np.stack([np.bincount(code, beside[:, j], minlength=d) for j in range(q)], axis=1)
    block = np.empty(d, dtype=np.intp)
    block[text] = (np.cumsum(own[text]) / _BLOCK).astype(np.intp)
    size = np.bincount(block, own)
    lean = np.stack([np.bincount(block, sums[:, j]) for j in range(q)], axis=1) / np.maximum(size, 1.0)[:, None]
    mean = np.round((sums + _LEAN * lean[block]) / (own + _LEAN)[:, None], 9)
    node = np.zeros(d, dtype=np.intp)
    for _ in range(_SPLITS):
        halves = np.zeros(d, dtype=np.intp)
        order = np.argsort(node, kind="stable")
        for mine in np.split(order, np.flatnonzero(np.diff(node[order])) + 1):
            centre = np.average(mean[mine], axis=0, weights=count[mine] + 1e-9)
            spread = ((mean[mine] - centre) ** 2 * count[mine, None]).sum(axis=0)
            along = mine[np.argsort(mean[mine, int(spread.argmax())], kind="stable")]
            above = np.cumsum(count[along])
            halves[along] = above > above[-1] / 2
        node = 2 * node + halves
    return np.lexsort((np.argsort(text), node)).astype(np.intp)


def _gain(line: IntArray, code: IntArray, count: FloatArray, beside: FloatArray, half: npt.NDArray[np.bool_]) -> float:
    """Return how much of the other half's spread the groups of a line explain with means of one half."""
    place = np.empty(len(line), dtype=np.intp)
    place[line] = np.arange(len(line))
    group = _groups(place, count, count > 0, ordered=False, seed=0)[code]
    size = np.bincount(group[half], minlength=MOST)
    left = 0.0
    for j in range(beside.shape[1]):
        mean = np.bincount(group[half], beside[half, j], minlength=MOST) / (size + 1.0)
        left += float(((beside[~half, j] - mean[group[~half]]) ** 2).sum())
    return -left


def _groups(place: IntArray, count: FloatArray, can: npt.NDArray[np.bool_], *, ordered: bool, seed: int) -> IntArray:
    """Return the group of each level, numbered along the line.

    Frequent levels are alone, unless the line is a given order; the others that can be drawn are cut into stretches of
    about equal weight. A level that cannot be drawn joins the group of one that can, chosen near it on the line by
    weight, so that no single neighbour takes a whole run of them.
    """
    d = len(count)
    able = np.flatnonzero(can)
    if not len(able):
        return np.zeros(d, dtype=np.intp)
    able = able[np.argsort(place[able])]
    size = count[able]
    single = np.zeros(len(able), dtype=np.bool_)
    if len(able) <= MOST:
        single[:] = True
    elif not ordered:
        frequent = np.argsort(-size, kind="stable")[:_SINGLE]
        single[frequent[size[frequent] >= size.sum() / (2 * MOST)]] = True
    rest = np.where(single, 0.0, size)
    room = MOST - int(single.sum())
    stretch = np.minimum((np.cumsum(rest) - rest / 2) / max(rest.sum(), 1e-300) * room, room - 1).astype(np.intp)
    _, numbered = np.unique(np.where(single, d + np.arange(len(able)), stretch), return_inverse=True)
    centre = np.bincount(numbered, place[able]) / np.bincount(numbered)
    rank = np.empty(len(centre), dtype=np.intp)
    rank[np.argsort(centre, kind="stable")] = np.arange(len(centre))
    out = np.empty(d, dtype=np.intp)
    out[able] = rank[numbered]
    left = np.flatnonzero(~can)
    above = np.cumsum(size)
    at = np.searchsorted(place[able], place[left])
    jitter = 0.0 if ordered else _WINDOW * (stream(seed, "levels/host").random(len(left)) - 0.5)
    goal = np.append(above, above[-1])[at] + jitter * above[-1]
    goal = np.clip(goal, 0.0, above[-1] * (1 - 1e-12))
    out[left] = out[able[np.searchsorted(above, goal, side="right")]]
    return out


def wide_levels(
    data: Table, fields: Sequence[Field], *, persons: IntArray | None, min_shared: int, seed: int
) -> dict[str, Levels]:
    """Return the groups of those fields that have more levels than a model should see, or none that may be shown."""
    levelled = [f for f in fields if f.levelled and f.kind != "boolean"]
    wide = [f for f in levelled if len(f.levels) > MOST]
    out = {f.name: _nothing(f) for f in levelled if _one_persons(data.frame[f.name], persons)}
    if not wide:
        return out
    narrow = [f.name for f in fields if f.modelled and f not in wide]
    beside = _beside(data, narrow)
    for f in wide:
        codes = to_codes(data.frame[f.name], f)
        out.setdefault(f.name, Levels.learn(codes, f, beside=beside, persons=persons, min_shared=min_shared, seed=seed))
    return out


def _one_persons(column: pd.Series, persons: IntArray | None) -> bool:
    """Whether all values of a column are one person's: then none can be shown, and it is drawn as missing."""
    there = np.flatnonzero(column.notna().to_numpy())
    return len(there) > 0 and (len(there) == 1 if persons is None else len(np.unique(persons[there])) == 1)


def _nothing(f: Field) -> Levels:
    none = np.empty(0, dtype=np.intp)
    return Levels((), none, np.empty(0), 1, 1.0, 0, (f.levels, np.full(len(f.levels), -1, dtype=np.intp)))


def _beside(data: Table, names: Sequence[str]) -> FloatArray | None:
    """Return the rows on the leading axes of some columns, shape (n, axes); memory bounded by parts of the rows."""
    if not names:
        return None
    part = data.frame.iloc[:: max(1, data.n_rows // _STUDIED)]
    axes = next((a for k in (_AXES, 1) if (a := principal_axes(encode(part, data.schema, names), k))), None)
    if axes is None:
        return None
    parts = range(0, data.n_rows, _STUDIED)
    return np.concatenate([axes.place(encode(data.frame.iloc[i : i + _STUDIED], data.schema, names)) for i in parts])


def told_of(name: str, levels: Levels, min_shared: int) -> Words:
    """Return what the reader of a report must know of a column whose levels were grouped."""
    if not levels.texts:
        words = Words(
            en="{name}: all its values are one person's; none is drawn, the column comes out empty.",
            ko="{name}: 모든 값이 각각 한 사람에게만 있으므로 생성하지 않고 빈 열로 둡니다.",
        )
    elif levels.invented:
        words = Words(
            en="{name}: learned as {g} groups of levels. {r} levels held by fewer than {k} persons ({share} % of rows) "
            "are never drawn; invented ones of the same shape stand in for them.",
            ko="{name}: 범주를 {g}개 묶음으로 학습했습니다. {k}명 미만이 가진 범주 {r}개(행의 {share}%)는 생성하지 않고 "
            "같은 형태로 만든 값이 대신합니다.",
        )
    elif levels.rare:
        words = Words(
            en="{name}: learned as {g} groups of levels. {r} levels held by fewer than {k} persons ({share} % of rows) "
            "are never drawn; their rows take other levels of their group.",
            ko="{name}: 범주를 {g}개 묶음으로 학습했습니다. {k}명 미만이 가진 범주 {r}개(행의 {share}%)는 생성하지 않고 "
            "해당 행은 같은 묶음의 다른 범주를 갖습니다.",
        )
    else:
        words = Words(en="{name}: learned as {g} groups of levels.", ko="{name}: 범주를 {g}개 묶음으로 학습했습니다.")
    share = f"{100 * levels.rare_share:.1f}"
    return words.filled(name=name, g=levels.n_groups, r=levels.rare, k=min_shared, share=share)
