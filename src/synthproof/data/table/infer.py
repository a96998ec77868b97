"""From columns to a schema, with the reason for every kind. Reasons carry names and counts, never a value."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from synthproof.core.errors import ReadError
from synthproof.core.schema import Field, Role, Schema
from synthproof.data.table import hints, moments, numerals, patterns, scales
from synthproof.data.table.columns import Column, Raw, Texts
from synthproof.data.table.infer_typed import field_of_values
from synthproof.data.table.small_integers import OFTEN, SHARED, Judgement, level_limit, numbers_judged

LONGEST_LEVEL = 200
_TEXT_LENGTH = 25
_UNIT_REPEATS = 0.02
_ORDER_SAMPLE = 2_000


@dataclass
class Finding:
    """A field and the notices that came up while it was inferred."""

    field: Field
    notices: list[dict[str, Any]] = dataclasses.field(default_factory=list)


def infer_schema(raw: Raw) -> tuple[Schema, list[dict[str, Any]]]:
    """Return the schema that the columns seem to have, and what a person should know of it.

    Parameters
    ----------
    raw
        Columns of any source.

    Returns
    -------
    schema, notices
        Each notice is ``{"code": …, "where": column, facts…}``; its texts stand in ``core/messages`` like an error's.

    Raises
    ------
    ReadError
        ``read/infinite`` when a numeric column holds infinities.
    """
    comma_is_point = raw.origin.options.get("delimiter", ",") != ","
    findings = [infer_field(c, comma_is_point=comma_is_point) for c in raw.columns]
    schema = Schema(fields=tuple(f.field for f in findings))
    return _with_unit(schema, raw), [n for f in findings for n in f.notices]


def infer_field(column: Column, *, comma_is_point: bool = False) -> Finding:
    """Return the field one column seems to be."""
    if column.values is not None:
        found, notices = field_of_values(column)
        return Finding(found, notices)
    assert column.texts is not None
    finding = _of_texts(column, column.texts, comma_is_point)
    facts = {k: v for k, v in column.facts.items() if k != "types"}
    finding.field = replace(finding.field, storage=column.storage, format={**finding.field.format, **facts})
    return finding


@dataclass(frozen=True)
class _Cells:
    """The texts of a column without its missing tokens."""

    values: Any
    counts: npt.NDArray[np.int64]
    n: int
    missing: int
    tokens: Mapping[str, int]
    nulls: int

    @property
    def distinct(self) -> int:
        return len(self.values)

    def without(self, tokens: frozenset[str]) -> _Cells:
        """Return the cells with more tokens taken as missing."""
        drop = np.asarray(pc.is_in(self.values, pa.array(sorted(tokens), type=pa.large_string())), dtype=bool)
        if not drop.any():
            return self
        named = dict(zip(self.values.filter(pa.array(drop)).to_pylist(), self.counts[drop].tolist(), strict=True))
        gone = int(self.counts[drop].sum())
        kept = self.values.filter(pa.array(~drop))
        return _Cells(
            kept, self.counts[~drop], self.n - gone, self.missing + gone, {**self.tokens, **named}, self.nulls
        )

    def missing_format(self, text_file: bool) -> dict[str, Any]:
        """Return how missing cells are written: the token used most, and all of them when several are used."""
        if not self.tokens:
            return {"missing": ""} if text_file else {}
        used = sorted(self.tokens, key=lambda t: (-self.tokens[t], t))
        out: dict[str, Any] = {} if self.nulls >= self.tokens[used[0]] else {"missing": used[0]}
        extra = set(used) - hints.MISSING
        if len(used) > 1 or extra:
            out["missing_tokens"] = used
        return out


def _of_texts(column: Column, texts: Texts, comma_is_point: bool) -> Finding:
    nulls = int((texts.codes < 0).sum())
    cells = _Cells(texts.values, texts.counts, len(texts.codes) - nulls, nulls, {}, nulls).without(hints.MISSING)
    text_file = not column.storage
    if cells.distinct == 0:
        notice = {"code": "read/all-missing", "where": column.name, "n": len(texts.codes)}
        reason = f"all {len(texts.codes)} cells are missing"
        return Finding(
            Field(name=column.name, kind="text", nullable=True, format=cells.missing_format(text_file), reason=reason),
            [notice],
        )
    for body in _with_and_without_number_tokens(cells):
        judged = _moment(column.name, body) or _number(column, body, comma_is_point) or _yes_no(body)
        if judged is not None:
            break
    else:
        body, judged = cells, _strings(column.name, cells)
    notices = list(judged.notices)
    if body.distinct == 1:
        notices.append({"code": "read/constant-column", "where": column.name, "n": body.n})
    found = Field(
        name=column.name,
        kind=judged.kind,
        nullable=body.missing > 0,
        levels=judged.levels,
        low=judged.low,
        high=judged.high,
        decimals=judged.decimals,
        format={**judged.format, **body.missing_format(text_file)},
        pattern=judged.pattern,
        reason=judged.reason + (f"; {body.missing} of {len(texts.codes)} cells are missing" if body.missing else ""),
    )
    return Finding(found, notices)


def _with_and_without_number_tokens(cells: _Cells) -> Iterable[_Cells]:
    yield cells
    fewer = cells.without(hints.MISSING_BESIDE_NUMBERS)
    if fewer is not cells and fewer.distinct:
        yield fewer


def _moment(name: str, cells: _Cells) -> Judgement | None:
    first = cells.values[0].as_py()
    if not 4 <= len(first) <= 40 or not any(c.isdigit() for c in first):
        return None
    if first.isdigit() and hints.id_like(name):
        return None
    read = moments.understand(cells.values, hint=hints.date_like(name))
    if read is None:
        return None
    order = "; day and month could stand the other way round, check it" if read.ambiguous else ""
    return Judgement(
        "datetime",
        f"all {cells.distinct} distinct values are dates or times written as {read.format['style']}{order}",
        low=float(read.stamps.min().astype(np.int64)),
        high=float(read.stamps.max().astype(np.int64)),
        format=read.format,
    )


def _number(column: Column, cells: _Cells, comma_is_point: bool) -> Judgement | None:
    name = column.name
    read = numerals.understand(cells.values, comma_is_point=comma_is_point)
    if read is None:
        return None
    if read.infinite.any():
        raise ReadError("read/infinite", where=name, n=int(cells.counts[read.infinite].sum()))
    if read.too_long.any():
        notice = {"code": "read/beyond-64-bits", "where": name, "n": int(cells.counts[read.too_long].sum())}
        return Judgement(
            "identifier",
            f"{int(read.too_long.sum())} distinct whole numbers need more than 64 bits, so they are kept as text",
            notices=(notice,),
        )
    if not read.whole:
        return Judgement(
            "continuous",
            f"all {cells.distinct} distinct values are numbers, some with a fraction{_other_forms(cells, read)}",
            low=float(read.values.min()),
            high=float(read.values.max()),
            decimals=read.decimals,
            format=read.format,
        )
    if read.values.size and np.abs(read.values).max() > 2.0**63:
        return None
    whole = numerals.whole_numbers(cells.values, read.format)
    if "width" in read.format:
        return _padded(name, cells, whole, read.format)
    judged = numbers_judged(name, whole, cells.counts)
    if judged.kind in ("boolean", "categorical", "ordinal"):
        order = np.argsort(whole, kind="stable")
        levels = tuple(cells.values.take(pa.array(order)).to_pylist())
        if judged.kind == "boolean":
            return replace(judged, format={"true": levels[1], "false": levels[0]}, low=None, high=None)
        return replace(judged, levels=levels)
    if judged.kind == "identifier":
        plain = not read.format
        return replace(judged, pattern=patterns.of_whole(whole)) if plain else _identifier(cells, judged.reason)
    return replace(judged, format=read.format)


def _other_forms(cells: _Cells, read: numerals.Numbers) -> str:
    """Say so when numbers of one column are written in several forms (1.5 and 1.50): they come back in one."""
    at = np.arange(0, cells.distinct, max(1, cells.distinct // _ORDER_SAMPLE))
    written = numerals.write_decimals(read.values[at], read.format, read.decimals)
    other = sum(a != b for a, b in zip(written, cells.values.take(pa.array(at)).to_pylist(), strict=True))
    return (
        f"; {other} of {len(at)} looked at are written in another form than the rest and come back in one"
        if other
        else ""
    )


def _padded(name: str, cells: _Cells, whole: npt.NDArray[np.int64], style: Mapping[str, Any]) -> Judgement:
    """Judge digits with leading zeros: codes rather than numbers, unless there are too many of them."""
    limit = level_limit(cells.n)
    width = int(style["width"])
    if width and (hints.count_like(name) or hints.date_like(name)) and not hints.ends_in_code(name):
        return Judgement(
            "integer",
            f"whole numbers padded to {width} digits; the name speaks of a number",
            low=float(whole.min()),
            high=float(whole.max()),
            format=style,
        )
    if cells.distinct >= 0.95 * cells.n and cells.n >= 20:
        return _identifier(cells, f"{cells.distinct} distinct digit strings with leading zeros in {cells.n} rows")
    if cells.distinct <= limit:
        return Judgement(
            "categorical", f"{cells.distinct} distinct codes with leading zeros", levels=_sorted(cells.values)
        )
    if _repeated(cells) and not hints.surely_id(name):
        return Judgement(
            "categorical",
            f"{cells.distinct} distinct codes with leading zeros: more than {limit}, but most rows share theirs with "
            "others",
            levels=_sorted(cells.values),
        )
    if width and len(np.unique(whole)) == cells.distinct:
        return Judgement(
            "integer",
            f"{cells.distinct} distinct codes of {width} digits are too many for categories (limit {limit}); "
            "kept as numbers and written back with their leading zeros",
            low=float(whole.min()),
            high=float(whole.max()),
            format=style,
        )
    return _identifier(cells, f"{cells.distinct} distinct digit strings with leading zeros of several lengths")


def _yes_no(cells: _Cells) -> Judgement | None:
    if cells.distinct != 2:
        return None
    pair = scales.yes_no(cells.values.to_pylist())
    if pair is None:
        return None
    return Judgement("boolean", "two distinct values, a known yes and no", format={"true": pair[0], "false": pair[1]})


def _strings(name: str, cells: _Cells) -> Judgement:
    d, n = cells.distinct, cells.n
    lengths = np.asarray(pc.utf8_length(cells.values), dtype=np.int64)
    limit = level_limit(n)
    mixed = _mixed(name, cells)
    person = hints.person_like(name)
    if person and d < n and d >= 5 and n - d >= _UNIT_REPEATS * n:
        return _identifier(cells, f"the name speaks of a {person}; {d} distinct values in {n} rows")
    few = d <= 10 or (d <= limit and d <= 0.5 * n)
    wordy = _wordy(cells, lengths)
    unique = d >= 0.95 * n and n >= 20
    if not unique and lengths.max() <= LONGEST_LEVEL and (few or (d <= limit and n < 50)):
        ordered = scales.in_order(cells.values.to_pylist()) if d <= 30 else None
        if ordered is not None:
            return Judgement("ordinal", f"{d} distinct values; {ordered[1]}", levels=ordered[0])
        why = f"{d} distinct values in {n} rows, at most {limit} are taken as categories"
        return Judgement("categorical", why + mixed[0], levels=_sorted(cells.values), notices=mixed[1])
    if wordy or lengths.max() > LONGEST_LEVEL:
        return Judgement(
            "text", f"{d} distinct values in {n} rows, {lengths.mean():.0f} characters on average, with spaces"
        )
    sample = _spread(cells.values)
    pattern = patterns.learn(sample)
    if unique and (pattern or hints.id_like(name)):
        return _identifier(cells, f"{d} distinct values in {n} rows" + (", all of one shape" if pattern else ""))
    if not unique and not hints.surely_id(name) and lengths.max() <= LONGEST_LEVEL and _repeated(cells):
        why = f"{d} distinct values in {n} rows: more than {limit}, but most rows share theirs with others"
        return Judgement("categorical", why + mixed[0], levels=_sorted(cells.values), notices=mixed[1])
    notice = {"code": "read/many-categories", "where": name, "d": d, "n": n, "limit": limit}
    notices = (*mixed[1], notice) if d > limit else mixed[1]
    if hints.surely_id(name) or (pattern and unique):
        return replace(
            _identifier(cells, f"the name speaks of an id; {d} distinct values in {n} rows"), notices=notices
        )
    why = f"{d} distinct values in {n} rows are too many for categories (limit {limit}) and follow no pattern"
    return Judgement("text", why + mixed[0], notices=notices)


def _repeated(cells: _Cells) -> bool:
    """Whether a column of many values is one of categories all the same: most rows hold a value that is held often."""
    often = cells.counts[cells.counts >= OFTEN]
    return cells.distinct >= level_limit(0) and int(often.sum()) >= SHARED * cells.n


def _wordy(cells: _Cells, lengths: npt.NDArray[np.int64]) -> bool:
    spaced = np.asarray(pc.match_substring(cells.values, " "), dtype=bool)
    return bool(lengths.mean() >= _TEXT_LENGTH and spaced.mean() >= 0.5)


def _identifier(cells: _Cells, reason: str) -> Judgement:
    pattern = patterns.learn(_spread(cells.values))
    if pattern and not bool(pc.all(pc.match_substring_regex(cells.values, f"^(?:{pattern})$")).as_py()):
        pattern = patterns.learn(cells.values.to_pylist())
    return Judgement("identifier", reason, pattern=pattern)


def _spread(values: Any) -> list[str]:
    step = max(1, len(values) // _ORDER_SAMPLE)
    return list(values.take(pa.array(np.arange(0, len(values), step))).to_pylist())


def _mixed(name: str, cells: _Cells) -> tuple[str, tuple[dict[str, Any], ...]]:
    """Say so when most distinct values are numbers or dates and some are not."""
    if cells.distinct < 3:
        return "", ()
    _, number = numerals.parse(cells.values, {})
    share = int(cells.counts[number].sum())
    if number.mean() < 0.5 or share < 0.5 * cells.n:
        return "", ()
    others = cells.n - share
    notice = {"code": "read/mixed-types", "where": name, "n": cells.n, "numbers": share, "others": others}
    return f"; {share} of {cells.n} cells are numbers and {others} are not", (notice,)


def _sorted(values: Any) -> tuple[str, ...]:
    return tuple(sorted(values.to_pylist()))


def _with_unit(schema: Schema, raw: Raw) -> Schema:
    """Propose the unit column: an identifier whose name speaks of a person and that repeats."""
    for f in schema.fields:
        unit = hints.person_like(f.name)
        if f.kind != "identifier" or not unit or raw.n_rows == 0:
            continue
        column = raw.column(f.name)
        distinct = _distinct(column) if column is not None else raw.n_rows
        if raw.n_rows - distinct >= _UNIT_REPEATS * raw.n_rows and distinct >= 5:
            role: Role = "unit"
            reason = f"{f.reason}; repeats, so it is taken as the unit ({unit}) that rows belong to"
            return replace(schema.replace_field(replace(f.with_roles(role), reason=reason)), unit=unit)
    return schema


def _distinct(column: Column) -> int:
    if column.texts is not None:
        return len(column.texts.values)
    return int(column.values.nunique(dropna=False)) if column.values is not None else 0


__all__ = ["Finding", "infer_field", "infer_schema"]
