"""The rows that count, as numbers and codes of the domain, and a layout that holds nothing read off the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from synthproof.core.constraints.bodies import Unique
from synthproof.core.errors import DataError
from synthproof.core.random import derive
from synthproof.core.schema import Field
from synthproof.core.words import Words
from synthproof.data.table.dataset import Table
from synthproof.engines.codes import levels_of, numbers_or_codes
from synthproof.synthesizers.table.columns.identifiers import DEFAULT_PATTERN, IdMaker, places_of
from synthproof.synthesizers.table.columns.layout import ROW_WISE, Layout, left_out_words, made_field, whole_pattern
from synthproof.synthesizers.table.dp.domain import Domain
from synthproof.synthesizers.table.dp.noise import private_shuffle
from synthproof.synthesizers.table.rules.book import Book
from synthproof.synthesizers.table.rules.compile import needs_data
from synthproof.synthesizers.table.rules.conflicts import check_rules_together

FloatArray = npt.NDArray[np.float64]


def bounded_rows(table: Table, most: int, row_wise: bool) -> tuple[Table, tuple[Words, ...]]:
    """Return at most `most` rows of each person, chosen at random, and what must be said of that.

    The choice is drawn from the system's entropy and kept nowhere: it is part of the mechanism.

    Raises
    ------
    DataError
        ``dp/thinned`` when the rows are themselves a draw from more, ``fit/several-rows-per-unit``, ``fit/nothing-to-learn``.
    """
    drawn, of = (table.origin.options.get(key) for key in ("drawn_rows", "of_rows"))
    if drawn is not None and of is not None and drawn < of:
        raise DataError("dp/thinned", where=table.origin.name, drawn=drawn, of=of)
    if not table.schema.modelled:
        raise DataError("fit/nothing-to-learn", where=table.origin.name, n=len(table.schema.fields))
    unit = table.schema.unit_field
    if unit is None:
        return table, ()
    if not row_wise and most == 1 and len(table) < table.n_rows:
        raise DataError("fit/several-rows-per-unit", where=unit, name=unit, rows=table.n_rows, units=len(table))
    order = private_shuffle(table.n_rows)
    person = table.unit_of_row[order]
    grouped = np.argsort(person, kind="stable")
    begin = np.searchsorted(person[grouped], person[grouped])
    kept = np.sort(order[grouped[np.arange(len(order)) - begin < most]])
    return table.with_frame(table.frame.take(kept).reset_index(drop=True)), (ROW_WISE,)


def values_of(rows: Table, d: Domain) -> FloatArray:
    """Return a column as numbers in its domain or codes of its levels; NaN: missing, -1: a level outside of the domain.

    Numbers are rounded to the domain's lattice and drawn in to its ends. While the domain is not known, as they are.
    """
    f = rows.schema.field(d.field.name)
    values = numbers_or_codes(rows.frame[f.name], f)
    if d.wanting:
        return values
    if f.numeric:
        return d.grid.settle(np.where(np.isinf(values), np.sign(values) * np.finfo(np.float64).max, values))
    known = {text: k for k, text in enumerate(levels_of(f) if f.kind == "boolean" else d.levels or ())}
    code = np.array([*(known.get(text, -1) for text in levels_of(f)), np.nan], dtype=np.float64)
    return code[np.where(np.isnan(values), len(code) - 1, values).astype(np.intp)]


def private_layout(
    table: Table, domains: Mapping[str, Domain], notices: tuple[Words, ...], seed: int
) -> tuple[Layout, Book]:
    """Return the layout and the book of rules of a model that may hold nothing read off the data.

    Identifiers follow the declared pattern, whatever the real ones are; free text is left out; rules that say what train
    has cannot be kept, and are said.

    Raises
    ------
    ConfigError
        ``rules/conflict``.
    """
    schema, makers, told = table.schema, {}, list(notices)
    texts = [f.name for f in schema.fields if f.kind == "text" and not f.has("unit")]
    # The reason of an inferred kind tells true numbers of rows.
    left_out = tuple((k, replace(f, reason="")) for k, f in enumerate(schema.fields) if f.name in texts)
    if texts:
        told.append(left_out_words(texts))
    schema = schema.without(*texts)
    for f in schema.fields:
        if f.name in domains:
            schema = schema.replace_field(domains[f.name].drawn_field())
        else:
            makers[f.name] = _maker(f, seed)
            schema = schema.replace_field(replace(made_field(f), pattern=_declared(f), reason=""))
    if makers:
        told.append(_CHANCE.filled(names=", ".join(makers)))
    grids = {name: d.grid for name, d in domains.items() if d.field.numeric}
    kept = [
        r
        for r in schema.constraints
        if not needs_data(r) and (isinstance(r.body, Unique) or all(n in domains for n in r.fields))
    ]
    told += [_ASIDE.filled(rule=r.text) for r in schema.constraints if r not in kept]
    book = Book.learn(kept, schema, grids, makers=tuple(makers))
    check_rules_together(book)
    schema = replace(schema, constraints=book.rules)
    return Layout(schema, table.origin, makers, tuple(told), left_out=left_out), book


def _maker(f: Field, seed: int) -> IdMaker:
    """Return a maker that knows no real identifier: one of its own may be somebody's, as any guess may."""
    positions = places_of(whole_pattern(9) if f.kind == "integer" else _declared(f) or DEFAULT_PATTERN)
    positions = positions or places_of(DEFAULT_PATTERN) or ()
    return IdMaker(positions, derive(seed, f"id/{f.name}"), slots=1, free=np.zeros(1, np.int64))


def _declared(f: Field) -> str:
    """Return an identifier's pattern, unless it was read off the data."""
    return f.pattern if not f.reason else ""


_CHANCE = Words(
    en="{names}: identifiers are made by the pattern alone, without a look at the real ones; one may be somebody's by chance, "
    "as any guess may.",
    ko="{names}: 실제 식별자를 참조하지 않고 패턴만으로 식별자를 만들었습니다. 임의의 추측과 마찬가지로 우연히 실제 값과 같을 수 있습니다.",
)
_ASIDE = Words(
    en="The rule {rule} says what the data have, or speaks of columns that are not drawn; under differential privacy it is "
    "not kept by design.",
    ko="규칙 {rule}은(는) 원본에 있는 값에 근거하거나 생성하지 않는 열에 대한 것이므로 차분 프라이버시에서는 생성 시 지키지 않습니다.",
)

__all__ = ["bounded_rows", "private_layout", "values_of"]
