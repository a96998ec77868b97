"""SMOTE-NC: new rows between a real row and one of its neighbours of the same class. For training sets, never for release.

Chawla, Bowyer, Hall & Kegelmeyer (2002, "SMOTE: Synthetic Minority Over-sampling Technique", doi:10.1613/jair.953) and its
form for numbers and levels together: a drawn row lies on the line between a row and one of its k nearest neighbours; its
levels are those that most of the k neighbours have. Neighbours are exact, by Gower's distance (`engines/neighbours.py`)
instead of the paper's Euclidean one with a penalty for unequal levels. A drawn row lacks what the real row lacks.

Its rank: it helps a classifier to see a rare class, and that is all it is for. Every row is an altered real one; two drawn
rows on one line give its ends away, so the original records can be computed back (PEERS.md names the attacks). The tags
say so (`releasable` and `irreversible` are false), every shipped policy fails its data, and the saved model holds the real
records: it belongs in the vault.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt

from synthproof.core.contracts import Conditions, Tags
from synthproof.core.errors import ConfigError
from synthproof.core.models import Saved
from synthproof.core.params import Params, check_range
from synthproof.core.random import BLOCK, blocks_of, derive, fresh_seed, stream, uniforms
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Field
from synthproof.core.state import State
from synthproof.core.words import Words
from synthproof.data.table.chunks import Data, bounded
from synthproof.data.table.dataset import Table
from synthproof.engines.codes import levels_of, numbers_or_codes
from synthproof.synthesizers.table.columns.conditions import Condition, impossible, read_conditions
from synthproof.synthesizers.table.columns.donors import Donors
from synthproof.synthesizers.table.columns.grid import Grid, grid_of
from synthproof.synthesizers.table.columns.layout import Layout, check_count, lay_out
from synthproof.synthesizers.table.columns.model import fitted
from synthproof.synthesizers.table.rules.book import Book
from synthproof.synthesizers.table.rules.conflicts import check_conditions
from synthproof.synthesizers.table.rules.ruled import Ruled, draw_under_rules, learn_book

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

_MOST = 20_000  # rows of one class that neighbours are looked for among
_MOST_CLASSES = 20
_BALANCES = ("equal", "learned")

_NOT_FOR_RELEASE = Words(
    en="SMOTE draws rows between real ones: for training a model only. They are not fully synthetic, real records can be "
    "computed back from them, and they must not be released.",
    ko="SMOTE는 실제 레코드 사이의 값을 만드는 증강 기법으로, 모형 학습에만 사용하십시오. 완전합성이 아니며 실제 레코드를 역산할 수 "
    "있으므로 공개·제공해서는 안 됩니다.",
)


class Smote(Params, Saved, Ruled):
    """Interpolate between a real row and a neighbour of its class.

    Parameters
    ----------
    target
        Column whose levels are the classes: levelled, or a number of at most 20 values. Empty: the column with the role
        ``target``; where there is none, all rows are of one class.
    balance
        ``"equal"``: each class is drawn as often as any other. ``"learned"``: as often as in the data.
    neighbours
        k, the nearest rows of the same class that a row is mixed with.
    row_wise
        Learn single rows of a table whose units have several.
    random_state
        Seed of `fit` and of `sample` calls without their own; ``None`` draws one and keeps it in ``seed_``.

    Attributes
    ----------
    schema_
        Schema of drawn tables.
    notices_
        What the reader of a report must know: first that nothing of this may be released.
    target_
        The column whose classes are balanced; empty when there is none.
    seed_
        Seed that was used.

    Notes
    -----
    Fit O(n² · columns) within classes of at most 20,000 rows; sampling O(n · columns · k).
    """

    tags: ClassVar[Tags] = Tags(family="statistical", releasable=False, irreversible=False, full_synthesis=False)

    def __init__(
        self,
        *,
        target: str = "",
        balance: str = "equal",
        neighbours: int = 5,
        row_wise: bool = False,
        random_state: int | None = None,
    ) -> None:
        self.target = target
        self.balance = balance
        self.neighbours = neighbours
        self.row_wise = row_wise
        self.random_state = random_state

    def fit(self, data: Data, /, *, run: Run | None = None) -> Self:
        """Keep the rows and find each one's neighbours in its class."""
        run = quiet(run)
        check_range(self, "neighbours", self.neighbours, 1, 1000)
        if self.balance not in _BALANCES:
            raise self._bad("balance", self.balance, " or ".join(_BALANCES))
        run.tick("smote", 0, 1)
        seed = fresh_seed() if self.random_state is None else int(self.random_state)
        data = bounded(data, seed=seed)
        layout = lay_out(data, seed=seed, row_wise=self.row_wise)
        whole, data = data, layout.seen(data)
        fields = tuple(data.schema.field(f.name) for f in layout.modelled)
        values = {f.name: numbers_or_codes(data.frame[f.name], f) for f in fields}
        target, classes, names = self._classes(layout, values)
        left, thinned = _thinned(classes, seed)
        notices = [_NOT_FOR_RELEASE]
        if thinned:
            notices.append(_thinned_words(thinned, target))
        donors = Donors(
            fields=fields,
            grids={f.name: _grid(values[f.name], f) for f in fields if f.numeric},
            values={name: column[left] for name, column in values.items()},
            of_class=classes[left],
            names=names,
            shares=np.bincount(classes, minlength=len(names)) / len(classes),
            target=target,
            k=int(self.neighbours),
        )
        alone = int((np.bincount(donors.of_class, minlength=len(names)) == 1).sum())
        if alone:
            notices.append(_alone_words(alone, target))
        near = donors.neighbours(np.arange(len(left)), run)
        self._book, layout = learn_book(whole, layout, donors.grids)
        self._layout, self._donors, self._near = layout, donors, near
        self._notices = (*notices, *layout.notices)
        self.seed_ = seed
        return self

    def _classes(self, layout: Layout, values: Mapping[str, FloatArray]) -> tuple[str, IntArray, tuple[str, ...]]:
        """Return the class column, each row's class, and the classes' names; a missing class is one of them."""
        target = self.target or next(iter(layout.schema.with_role("target")), "")
        if not target:
            return "", np.zeros(len(next(iter(values.values()), np.empty(0))), dtype=np.intp), ("",)
        f = layout.schema.field(target)
        if target not in values:
            raise self._bad("target", target, "a column with levels")
        present, codes = np.unique(values[target], return_inverse=True)
        if f.numeric and len(present) > _MOST_CLASSES:
            raise self._bad("target", target, f"a column with levels, or a number of at most {_MOST_CLASSES} values")
        texts = levels_of(f) if f.levelled else ()
        names = tuple("" if np.isnan(v) else texts[int(v)] if texts else f"{v:g}" for v in present)
        return target, codes.astype(np.intp), names

    def _bad(self, name: str, value: object, allowed: str) -> ConfigError:
        return ConfigError("params/out-of-range", owner="Smote", name=name, value=value, allowed=allowed)

    @property
    def notices_(self) -> tuple[Words, ...]:
        """What the reader of a report must know."""
        return fitted(self, "_notices", "notices_")  # type: ignore[no-any-return]

    @property
    def target_(self) -> str:
        """The column whose classes are balanced; empty when there is none."""
        return str(fitted(self, "_donors", "target_").target)

    def sample(
        self,
        n: int,
        /,
        *,
        where: Conditions | None = None,
        balance: Mapping[str, Mapping[str, float]] | None = None,
        seed: int | None = None,
        run: Run | None = None,
        first: int = 0,
    ) -> Table:
        """Return rows ``first … first + n`` of the endless table that the seed stands for.

        Parameters
        ----------
        where
            Rows are mixed from the real rows that meet the conditions, neighbours being found anew among them.
        balance
            ``{target: {level: share}}``: how often each class is drawn, instead of the parameter `balance`; shares are
            relative, and classes that are not named are not drawn.

        Raises
        ------
        ConditionError
            Fewer than two real rows of any class meet the conditions: what one row meets would be its copy.
        """
        layout: Layout = fitted(self, "_layout", "sample")
        donors, near = self._donors, self._near
        run, n = quiet(run), check_count(n)
        seed = derive(self.seed_, "sample") if seed is None else int(seed)
        asked = read_conditions(where, layout.schema, donors.grids, layout.wide)
        check_conditions(self._book, asked)
        kept = np.arange(len(donors.of_class), dtype=np.intp)
        if asked:
            kept = donors.meeting(asked)
            near = donors.neighbours(kept, run)
        shares = self._shares(balance)
        weight = _weights(donors.of_class[kept], near, shares)
        if not weight.any():
            raise impossible(next(iter(asked), donors.target), float(len(kept) / len(donors.of_class)), tuple(asked))
        if not self._book.empty:
            blocks, mine = blocks_of(first, n)
            draw = partial(_mended, donors, kept, near, weight, asked)
            ruled = draw_under_rules(self._book, draw, blocks=blocks, mine=mine, seed=seed, run=run, asked=asked)
            return layout.table(ruled, n, seed, first=first, asked=asked)
        drawn = donors.draw(kept, near, weight, uniforms(seed, "smote", n, 3, first=first), asked)
        return layout.table(drawn, n, seed, first=first, asked=asked)

    def _shares(self, balance: Mapping[str, Mapping[str, float]] | None) -> FloatArray:
        donors = self._donors
        if balance is None:
            return donors.shares if self.balance == "learned" else np.ones(len(donors.names))
        wanted = balance.get(donors.target, {})
        known = set(donors.names)
        good = all(isinstance(s, int | float) and 0 <= s < np.inf for s in wanted.values()) and sum(wanted.values()) > 0
        if set(balance) != {donors.target} or not good or not set(map(str, wanted)) <= known:
            allowed = "{target: {level: share}} for the levels of the column that Smote was fitted with"
            raise self._bad("balance", "…", allowed)
        shares = {str(level): float(share) for level, share in wanted.items()}
        return np.array([shares.get(name, 0.0) for name in donors.names])

    def get_state(self) -> State:
        """Return what was learned as JSON values and arrays: the real rows, their classes and neighbours."""
        layout: Layout = fitted(self, "_layout", "get_state")
        return {
            "layout": layout.get_state(),
            "donors": self._donors.get_state(),
            "near": self._near.astype(np.int32),
            "book": self._book.get_state(),
            "fields": [f.to_dict() for f in self._donors.fields],
            "notices": [w.to_dict() for w in self._notices],
            "seed": self.seed_,
        }

    def set_state(self, state: State, /) -> Self:
        """Take back what `get_state` returned."""
        self._layout = Layout.from_state(state["layout"])
        self._book = Book.from_state(state["book"], self._layout.schema)
        self._donors = Donors.from_state(state["donors"], tuple(Field.from_dict(f) for f in state["fields"]))
        self._near = state["near"].astype(np.intp)
        self._notices = tuple(Words.from_dict(w) for w in state["notices"])
        self.seed_ = int(state["seed"])
        return self


def _mended(
    donors: Donors,
    kept: IntArray,
    near: IntArray,
    weight: FloatArray,
    asked: Mapping[str, Condition],
    book: Book,
    seed: int,
    block: int,
    at: IntArray,
) -> dict[str, FloatArray]:
    """Return some rows of a block; a value that breaks a rule becomes the nearest one that the rules allow."""
    u = uniforms(seed, "smote", BLOCK, 3, first=block * BLOCK)[at]
    return book.repair(donors.draw(kept, near, weight, u, asked), seed, block, held=tuple(asked), at=at)


def _weights(of_class: IntArray, near: IntArray, shares: FloatArray) -> FloatArray:
    """Return how often each row starts a drawn one: alike within a class; rows without a neighbour never do."""
    able = (near >= 0).any(axis=1)
    count = np.bincount(of_class[able], minlength=len(shares))
    return np.where(able, shares[of_class] / np.maximum(count, 1)[of_class], 0.0)


def _thinned(classes: IntArray, seed: int) -> tuple[IntArray, int]:
    """Return the rows that are kept, and of how many classes some were not."""
    kept, thinned = [], 0
    for c in np.unique(classes):
        rows = np.flatnonzero(classes == c)
        if len(rows) > _MOST:
            rows = np.sort(stream(seed, f"smote/thin/{c}").choice(rows, _MOST, replace=False))
            thinned += 1
        kept.append(rows)
    return np.sort(np.concatenate(kept)).astype(np.intp), thinned


def _grid(values: FloatArray, f: Field) -> Grid:
    return grid_of(np.unique(values[~np.isnan(values)]), f)


def _thinned_words(classes: int, target: str) -> Words:
    words = Words(
        en="{classes} classes of {target} have more than {most} rows: that many of each, chosen at random, are mixed.",
        ko="{target}의 범주 {classes}개는 {most}행을 넘어, 각각 무작위로 고른 {most}행만 사용했습니다.",
    )
    return words.filled(classes=classes, target=target or "-", most=_MOST)


def _alone_words(classes: int, target: str) -> Words:
    words = Words(
        en="{classes} classes of {target} have one row only and are not drawn: there is nothing to mix it with.",
        ko="{target}의 범주 {classes}개는 행이 하나뿐이어서 생성하지 않습니다.",
    )
    return words.filled(classes=classes, target=target or "-")
