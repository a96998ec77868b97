"""What a generator needs to keep declared rules: a book learned at fit, exchanged on request, and used when drawing."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Self

import numpy as np
import numpy.typing as npt

from synthproof.core.constraints import Constraint, as_constraint
from synthproof.core.constraints.bodies import Matches, Relation, Unique
from synthproof.core.errors import UsageError, did_you_mean
from synthproof.core.random import BLOCK
from synthproof.core.run import Run
from synthproof.core.schema import Schema
from synthproof.core.words import Words
from synthproof.data.table.dataset import Table
from synthproof.synthesizers.table.columns.conditions import Condition
from synthproof.synthesizers.table.columns.grid import Grid
from synthproof.synthesizers.table.columns.layout import Layout
from synthproof.synthesizers.table.columns.model import fitted
from synthproof.synthesizers.table.rules.book import Book
from synthproof.synthesizers.table.rules.conflicts import check_rules_together
from synthproof.synthesizers.table.rules.loop import differ, keep

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BlockDraw = Callable[[Book, int, int, IntArray], Mapping[str, FloatArray]]
"""(book, seed, block, positions) → rows at these positions of a block; a row depends on (seed, block, position) alone."""

_TRIED_IDS = 200


class Ruled:
    """Give a generator what all have that draw under rules; it keeps its layout in ``_layout`` and its book in ``_book``."""

    _layout: Layout
    _book: Book

    @property
    def schema_(self) -> Schema:
        """Schema of drawn tables."""
        return fitted(self, "_layout", "schema_").schema  # type: ignore[no-any-return]

    @property
    def notices_(self) -> tuple[Words, ...]:
        """What the reader of a report must know."""
        return fitted(self, "_layout", "notices_").notices  # type: ignore[no-any-return]

    @property
    def rules_(self) -> tuple[Constraint, ...]:
        """Rules that every drawn row keeps."""
        fitted(self, "_layout", "rules_")
        return self._book.rules

    def with_rules(
        self,
        add: Iterable[Constraint | str] = (),
        remove: Iterable[Constraint | str] = (),
        *,
        data: Table | None = None,
    ) -> Self:
        """Return the same fitted model with other rules; nothing is learned again, and this one stays as it is.

        Parameters
        ----------
        add
            Rules, or their texts. One of the same text is exchanged: so an own rule gets its function back.
        remove
            Rules, or their texts.
        data
            Train, for added rules that say what train has (``in``, ``combination``, ``range``).

        Raises
        ------
        ConfigError
            ``constraint/unreadable``, ``rules/needs-data``, ``rules/not-drawn``, ``rules/conflict`` …
        SchemaError
            ``schema/unknown-field``.
        UsageError
            ``rules/unknown``: a rule to remove is not there.
        """
        layout: Layout = fitted(self, "_layout", "with_rules")
        book = self._book
        gone = {str(r) if isinstance(r, str) else r.text for r in remove}
        texts = [r.text for r in book.rules]
        for text in gone:
            if text not in texts:
                raise UsageError("rules/unknown", where=text, hint=did_you_mean(text, texts), n=len(texts))
        new = [as_constraint(r) for r in add]
        replaced = gone | {r.text for r in new}
        kept = [(r, f) for r, f in zip(book.rules, book.facts, strict=True) if r.text not in replaced]
        grids = book.grids
        added = Book.learn(new, layout.schema, grids, data, makers=tuple(layout.makers), wide=layout.wide)
        rules = (*(r for r, _ in kept), *new)
        ruled = {n for r in rules for n in r.fields}
        wide = {n: layout.wide[n] for n in layout.schema.names if n in layout.wide and n in ruled}
        joined = replace(added, rules=rules, facts=(*(f for _, f in kept), *added.facts), wide=wide)
        check_rules_together(joined)
        out = copy.copy(self)
        out._book = joined
        out._layout = replace(layout, schema=replace(layout.schema, constraints=joined.rules))
        return out


def learn_book(data: Table, layout: Layout, grids: Mapping[str, Grid]) -> tuple[Book, Layout]:
    """Return the book of the rules that a table declares, and the layout with what must be said of them.

    `data` is the table itself, not what a model sees of it (`Layout.seen`).

    Rules that the data themselves break are kept in drawn rows all the same, and said; rules about columns that are not
    drawn are left aside, and said.

    Raises
    ------
    ConfigError
        ``rules/conflict`` when no row could keep all rules and none of the data does.
    """
    rules, notices = [], []
    drawn = {f.name for f in layout.modelled}
    for rule in layout.schema.constraints:
        if all(n in drawn for n in rule.fields) or isinstance(rule.body, Unique):
            rules.append(rule)
        elif not _made_so(rule, layout):
            notices.append(_ASIDE.filled(rule=rule.text))
    book = Book.learn(rules, layout.schema, grids, data, makers=tuple(layout.makers), wide=layout.wide)
    if not rules:
        return book, replace(layout, notices=(*layout.notices, *notices))
    whole = np.ones(data.n_rows, dtype=np.bool_)
    for rule in rules:
        if not rule.checkable:
            continue
        kept = rule.holds(data.frame)
        whole &= kept
        if not kept.all():
            notices.append(_BROKEN.filled(rule=rule.text, broken=int((~kept).sum()), n=data.n_rows))
    if not whole.any():
        check_rules_together(book)
    return book, replace(layout, notices=(*layout.notices, *notices))


def draw_under_rules(
    book: Book,
    draw: BlockDraw,
    *,
    blocks: range,
    mine: slice,
    seed: int,
    run: Run,
    asked: Mapping[str, Condition],
) -> dict[str, FloatArray]:
    """Return drawn rows that keep the rules and conditions.

    Parameters
    ----------
    book
        Rules.
    draw
        Draws some rows of a block, within the book's bounds as far as the generator can.
    blocks, mine
        Blocks to draw, and the part of their rows that is asked for.
    seed, run
        Address of the randomness; progress and workers.
    asked
        Conditions of the call; whether the rules leave them possible is for the caller to ask (`check_conditions`),
        before it plans how to draw.

    Raises
    ------
    ConditionError
        ``rules/too-rare`` or ``rules/too-few-different``.
    """
    told = book.under(asked)
    size = mine.stop - mine.start
    if told.unique and blocks.start:  # whether a row repeats another is known only with all rows before it
        mine = slice(mine.start + blocks.start * BLOCK, mine.stop + blocks.start * BLOCK)
        blocks = range(blocks.stop)
    inner = partial(_refined, told, draw)
    parts = run.map(partial(keep, told, inner, seed), blocks, "sample")
    names = list(parts[0]) if parts else list(book.axes)
    rows = {n: np.concatenate([p[n] for p in parts] or [np.empty(0)]) for n in names}
    if told.unique and size:
        rows = differ(told, {n: v[: mine.stop] for n, v in rows.items()}, inner, seed)
    return told.for_table({n: v[mine] for n, v in rows.items()})


def _refined(book: Book, draw: BlockDraw, seed: int, block: int, at: IntArray) -> Mapping[str, FloatArray]:
    rows = draw(book, seed, block, at)
    return book.refined(rows, seed, block, at) if book.wide else rows


def _made_so(rule: Constraint, layout: Layout) -> bool:
    """Whether a pattern on an identifier is what its maker makes anyway."""
    body = rule.body
    if not isinstance(body, Relation) or body.when or not all(isinstance(p, Matches) for p in body.parts):
        return False
    names: Sequence[str] = rule.fields
    if not all(n in layout.makers for n in names):
        return False
    made = layout.table({f.name: np.full(_TRIED_IDS, np.nan) for f in layout.modelled}, _TRIED_IDS, 0)
    return bool(rule.holds(made.frame).all())


_ASIDE = Words(
    en="The rule {rule} speaks of columns that are made anew or left out; it is measured in the output, not kept by design.",
    ko="규칙 {rule}은(는) 새로 만들거나 제외한 열에 대한 것이므로 생성 시 지키지 않고 결과에서 측정만 합니다.",
)
_BROKEN = Words(
    en="The rule {rule} is broken by {broken} of {n} rows of the training data; drawn rows keep it all the same.",
    ko="학습 데이터 {n}행 중 {broken}행이 규칙 {rule}을(를) 어깁니다. 생성된 행은 이 규칙을 지킵니다.",
)

__all__ = ["BlockDraw", "Ruled", "draw_under_rules", "learn_book"]
