"""What a table synthesizer learns of a table, what it makes anew, what it leaves out, and how rows are put together."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthproof.core.errors import DataError, UsageError
from synthproof.core.random import derive, uniforms
from synthproof.core.schema import Field, Schema
from synthproof.core.words import Words
from synthproof.data.table.dataset import Origin, Table, canonical_dtype
from synthproof.engines.codes import from_codes, from_numbers, to_codes, to_numbers
from synthproof.synthesizers.table.columns.conditions import Condition
from synthproof.synthesizers.table.columns.identifiers import IdMaker, id_maker
from synthproof.synthesizers.table.columns.levels import MOST, Levels, told_of, wide_levels
from synthproof.synthesizers.table.columns.places import Places, pairs_of, places_of_table

LEAST_ROWS = 10
"""Fewer rows than this cannot be learned: every value would be somebody's own."""

_PLAIN = re.compile(r"0|[1-9]\d*")
ROW_WISE = Words(
    en="Rows were drawn one by one. Within-person structure: not assessed.",
    ko="행을 하나씩 독립적으로 생성했습니다. 개인 내 구조: 평가하지 않음.",
)


@dataclass(frozen=True, slots=True)
class Layout:
    """How a synthesizer sees a table.

    Parameters
    ----------
    schema
        Of the tables it draws: the learned table's without free text.
    origin
        What the user gave, so that the same is given back.
    makers
        Makers of identifiers, by field.
    notices
        What the reader of the report must know.
    wide
        Groups of the levels of columns that have very many, by field.
    places
        Where the points of pairs of latitude and longitude are.
    left_out
        Fields of free text and their places among the learned table's columns: what a generator of texts, which reads
        the drawn row, would fill.
    """

    schema: Schema
    origin: Origin
    makers: Mapping[str, IdMaker]
    notices: tuple[Words, ...]
    wide: Mapping[str, Levels] = field(default_factory=dict)
    places: tuple[Places, ...] = ()
    left_out: tuple[tuple[int, Field], ...] = ()

    @property
    def modelled(self) -> tuple[Field, ...]:
        """Fields that the model draws; columns of very many levels as groups of levels."""
        fields = (f for f in self.schema.modelled if f.name not in self.makers)
        return tuple(self.wide[f.name].field(f) if f.name in self.wide else f for f in fields)

    def seen(self, data: Table) -> Table:
        """Return a table as the model sees it: the columns of `modelled`, wide ones as groups. Cost O(wide cells)."""
        frame, schema = data.frame, data.schema
        for name, levels in self.wide.items():
            f = schema.field(name)
            group = np.append(levels.groups_of(f.levels), -1)[to_codes(frame[name], f)]
            schema = schema.replace_field(levels.field(f))
            frame = frame.assign(**{name: from_codes(group, schema.field(name)).set_axis(frame.index)})
        return data if frame is data.frame else data.with_frame(frame, schema)

    def table(
        self,
        columns: Mapping[str, npt.NDArray[np.float64]],
        n: int,
        seed: int,
        *,
        first: int = 0,
        asked: Mapping[str, Condition] | None = None,
    ) -> Table:
        """Return a table from drawn numbers and codes (NaN: missing); identifiers are made here.

        Parameters
        ----------
        columns
            For each modelled field: numbers, or codes of its levels, shape (n,).
        first
            Number of the first row, which decides the identifiers and the levels within groups.
        asked
            The conditions that the columns were drawn under.
        """
        asked = {} if asked is None else asked
        columns = {**columns, **self._placed(columns, n, seed, first, asked)}
        made: dict[str, pd.Series] = {}
        for f in self.schema.fields:
            if f.name in self.makers:
                made[f.name] = _ids(self.makers[f.name].make(n, seed, f"id/{f.name}", first=first), f)
            elif f.levelled:
                values = columns[f.name]
                if f.name in self.wide:
                    among = asked[f.name].among if f.name in asked else None
                    u = uniforms(seed, f"level/{f.name}", n, first=first)
                    values = self.wide[f.name].member(values, u, among)
                made[f.name] = from_codes(np.where(np.isnan(values), -1, values).astype(np.int64), f)
            else:
                made[f.name] = from_numbers(columns[f.name], f)
        return Table(pd.DataFrame(made, index=pd.RangeIndex(n)), self.schema, origin=self.origin)

    def _placed(
        self, columns: Mapping[str, npt.NDArray[np.float64]], n: int, seed: int, first: int, asked: Collection[str]
    ) -> dict[str, npt.NDArray[np.float64]]:
        """Return drawn coordinates where points are; those that a condition or a rule speaks of stay as they are."""
        bound = {name for c in self.schema.constraints for name in c.fields} | set(asked)
        out: dict[str, npt.NDArray[np.float64]] = {}
        for p in self.places:
            if not bound & set(p.names):
                u = uniforms(seed, f"place/{p.names[0]}", n, 2, first=first)
                out.update(zip(p.names, p.settle(columns[p.names[0]], columns[p.names[1]], u), strict=True))
        return out

    def get_state(self) -> dict[str, Any]:
        """Return plain values."""
        origin = {"container": self.origin.container, "options": dict(self.origin.options), "name": self.origin.name}
        return {
            "schema": self.schema.to_dict(),
            "origin": origin,
            "makers": {name: maker.get_state() for name, maker in self.makers.items()},
            "notices": [w.to_dict() for w in self.notices],
            "wide": {name: levels.get_state() for name, levels in self.wide.items()},
            "places": [p.get_state() for p in self.places],
            "left_out": [[place, f.to_dict()] for place, f in self.left_out],
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Take back what `get_state` returned."""
        return cls(
            Schema.from_dict(state["schema"]),
            Origin(**state["origin"]),
            {name: IdMaker.from_state(s) for name, s in state["makers"].items()},
            tuple(Words.from_dict(w) for w in state["notices"]),
            {name: Levels.from_state(s) for name, s in state["wide"].items()},
            tuple(Places.from_state(s) for s in state["places"]),
            tuple((int(place), Field.from_dict(f)) for place, f in state["left_out"]),
        )


def lay_out(data: Table, *, seed: int, row_wise: bool, min_shared: int = 10) -> Layout:
    """Return the layout of a table that is to be learned; what the model learns is `Layout.seen` of it.

    Parameters
    ----------
    min_shared
        Of columns with very many levels, a level that fewer persons hold is never drawn.

    Raises
    ------
    DataError
        ``fit/too-few-rows``, ``fit/several-rows-per-unit``, ``fit/nothing-to-learn`` or ``fit/infinite-values``.
    """
    if data.n_rows < LEAST_ROWS:
        raise DataError("fit/too-few-rows", where=data.origin.name, n=data.n_rows, least=LEAST_ROWS)
    unit, notices = data.schema.unit_field, _of_more(data)
    if unit is not None and len(data) < data.n_rows:
        if not row_wise:
            raise DataError("fit/several-rows-per-unit", where=unit, name=unit, rows=data.n_rows, units=len(data))
        notices.append(ROW_WISE)
    texts = [f.name for f in data.schema.fields if f.kind == "text" and not f.has("unit")]
    if len(texts) == len(data.schema.fields):
        raise DataError("fit/nothing-to-learn", where=data.origin.name, n=len(texts))
    if texts:
        notices.append(left_out_words(texts))
    for f in data.schema.modelled:
        n = int(np.isinf(data.frame[f.name]).sum()) if f.kind == "continuous" else 0
        if n:
            raise DataError("fit/infinite-values", where=f.name, name=f.name, n=n)
    notices += [_weights(f, data.frame[f.name]) for f in data.schema.modelled if f.has("weight") and f.numeric]
    schema = data.schema.without(*texts)
    makers: dict[str, IdMaker] = {}
    for f in schema.fields:
        if f.kind == "identifier" or f.has("unit"):
            makers[f.name], notice = _maker(data.frame[f.name], f, seed)
            notices.extend(notice)
            schema = schema.replace_field(made_field(f))
        elif f.levelled and data.n_rows / 2 < len(f.levels) <= MOST:
            notices.append(_many_levels(f.name, len(f.levels)))
    learned = [f for f in schema.modelled if f.name not in makers]
    wide = wide_levels(data, learned, persons=persons_of(data), min_shared=min_shared, seed=seed)
    for name, levels in wide.items():
        notices.append(told_of(name, levels, min_shared))
        schema = schema.replace_field(replace(schema.field(name), levels=levels.texts))
    geo = {name: to_numbers(data.frame[name], schema.field(name)) for pair in pairs_of(learned) for name in pair}
    places = places_of_table(geo, learned, persons=persons_of(data), min_shared=min_shared)
    left_out = tuple((k, f) for k, f in enumerate(data.schema.fields) if f.name in texts)
    return Layout(schema, data.origin, makers, tuple(notices), wide, places, left_out)


def persons_of(data: Table) -> npt.NDArray[np.intp] | None:
    """Return the unit of each row where units have several rows, else ``None``."""
    return data.unit_of_row if data.schema.unit_field is not None and len(data) < data.n_rows else None


def check_count(n: object) -> int:
    """Return the number of rows asked for, or refuse it."""
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 0:
        raise UsageError("sample/bad-count", n=n)
    return int(n)


def _maker(column: pd.Series, f: Field, seed: int) -> tuple[IdMaker, list[Words]]:
    gone = column.isna().to_numpy()
    texts = [str(v) for v in column[~gone].astype(object)]
    pattern = f.pattern
    if f.kind == "integer" or (texts and all(_PLAIN.fullmatch(t) for t in texts)):
        pattern = whole_pattern(max((len(t) for t in texts), default=6))
    maker = id_maker(texts, pattern, key=derive(seed, f"id/{f.name}"), missing=float(gone.mean()))
    if maker.capacity >= len(column):
        return maker, []
    words = Words(
        en="{name}: too few identifiers fit the pattern beside the real ones; some are made longer.",
        ko="{name}: 실제 식별자를 제외하면 패턴에 맞는 값이 부족하여 일부 식별자는 더 길게 만들었습니다.",
    )
    return maker, [words.filled(name=f.name)]


def whole_pattern(width: int) -> str:
    """Return a pattern of whole numbers without leading zeros (0133 would be the number 133) that 64 bits can hold."""
    if width >= 20:
        return rf"1[0-7]\d{{{width - 2}}}"
    first = "[1-8]" if width == 19 else "[1-9]"
    return rf"{first}\d{{{width - 1}}}" if width > 1 else r"\d"


def made_field(f: Field) -> Field:
    """Return an identifier's field as drawn tables have it: its range no longer says anything."""
    if f.levelled:
        return replace(f, kind="identifier", levels=())
    return replace(f, low=None, high=None)


def _ids(texts: npt.NDArray[np.object_], f: Field) -> pd.Series:
    if f.kind in ("identifier", "text"):
        made: pd.Series = pd.Series(texts, dtype=canonical_dtype(f))
        return made
    numbers = np.array([np.nan if t is None else float(t) for t in texts], dtype=np.float64)
    return from_numbers(numbers, f)


def _of_more(data: Table) -> list[Words]:
    """Return the notice that a table is drawn from a larger one, if it is."""
    drawn, of = (data.origin.options.get(key) for key in ("drawn_rows", "of_rows"))
    if drawn is None or of is None:
        return []
    words = Words(
        en="Learned from {drawn:,} rows drawn at random out of {of:,}.",
        ko="전체 {of:,}행 가운데 무작위로 뽑은 {drawn:,}행으로 학습했습니다.",
    )
    return [words.filled(drawn=drawn, of=of)]


def left_out_words(names: list[str]) -> Words:
    """Return the notice that columns of free text are left out."""
    words = Words(
        en="Left out, because free text needs a generator of its own and real text is never resampled: {names}.",
        ko="자유 텍스트는 전용 생성기가 필요하며 실제 텍스트를 재사용하지 않으므로 제외한 열: {names}.",
    )
    return words.filled(names=", ".join(names))


def _weights(f: Field, column: pd.Series) -> Words:
    """Return what is to be known of a column of sample weights.

    Raises
    ------
    DataError
        ``fit/negative-weights``.
    """
    bad = int((column < 0).sum())
    if bad:
        raise DataError("fit/negative-weights", where=f.name, name=f.name, n=bad)
    words = Words(
        en="{name}: sample weights are drawn with the rows like any other column, so weighted figures of the drawn rows "
        "stand for the population. Draw as many rows as were learned to keep the sum of weights.",
        ko="{name}: 표본 가중치를 다른 열과 함께 생성하므로 생성한 행의 가중 통계가 모집단을 대표합니다. 가중치 합계를 "
        "유지하려면 학습한 행 수만큼 생성하십시오.",
    )
    return words.filled(name=f.name)


def _many_levels(name: str, n: int) -> Words:
    words = Words(
        en="{name}: {n} levels, hardly any shared by several records. Its real texts would come out as they are; "
        "declare it an identifier or free text, or merge rare levels.",
        ko="{name}: 범주가 {n}개로, 여러 레코드가 공유하는 범주가 거의 없습니다. 실제 값이 그대로 나타날 수 있으므로 "
        "식별자나 자유 텍스트로 지정하거나 희귀 범주를 병합하십시오.",
    )
    return words.filled(name=name, n=n)
