"""What a caller asks of drawn records (`where`), read once and turned into allowed codes and ranges.

A levelled field takes a level or a list of levels; a numeric field a value, a list of values, or a range as
``{"min": a, "max": b}`` or a tuple ``(a, b)``, either end may be ``None``; ``None`` alone asks for a missing value.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthproof.core.contracts import Conditions
from synthproof.core.errors import ConditionError, did_you_mean
from synthproof.core.schema import Field, Schema
from synthproof.engines.codes import levels_of, to_numbers
from synthproof.synthesizers.table.columns.grid import Grid
from synthproof.synthesizers.table.columns.levels import Levels

_MAX_VALUES = 1000
_TRUE = frozenset({"true", "1", "yes", "y", "t"})
_FALSE = frozenset({"false", "0", "no", "n", "f"})


@dataclass(frozen=True, slots=True)
class Condition:
    """What one field may be.

    Parameters
    ----------
    name
        The field.
    missing
        Whether a missing value is allowed.
    ranges
        Allowed stretches of the line (codes are points of it), apart from one another.
    exact
        For each stretch the one value it stands for, or ``None`` when any value in it will do.
    part
        For each stretch the share of it that is allowed (a group of levels of which one is asked for); all of each when
        empty.
    among
        The levels asked for, of a field whose levels are grouped.
    """

    name: str
    missing: bool
    ranges: tuple[tuple[float, float], ...]
    exact: tuple[float | None, ...]
    part: tuple[float, ...] = ()
    among: npt.NDArray[np.intp] | None = None

    @property
    def parts(self) -> tuple[float, ...]:
        """The share of each stretch that is allowed."""
        return self.part or (1.0,) * len(self.ranges)

    @property
    def possible(self) -> bool:
        """Whether anything at all is allowed."""
        return self.missing or bool(self.ranges)


def read_conditions(
    where: Conditions | None, schema: Schema, grids: Mapping[str, Grid], wide: Mapping[str, Levels] | None = None
) -> dict[str, Condition]:
    """Return the conditions by field name, in the schema's order.

    Parameters
    ----------
    where
        What the caller gave.
    schema
        Fields that can be drawn.
    grids
        Range and rounding of each numeric field.
    wide
        Groups of levels of the fields that a model sees by groups (`Layout.wide`).

    Raises
    ------
    ConditionError
        ``condition/unknown-field``, ``condition/not-drawn``, ``condition/unreadable``, ``condition/unknown-level`` or
        ``condition/out-of-range``. Messages name fields and positions, never values.
    """
    if not where:
        return {}
    for name in where:
        if name not in schema:
            hint = did_you_mean(str(name), schema.names)
            raise ConditionError("condition/unknown-field", where=str(name), name=name, hint=hint)
        f = schema.field(name)
        if not f.modelled or f.has("unit"):
            raise ConditionError("condition/not-drawn", where=name, name=name, kind=f.kind)
    found: dict[str, Condition] = {}
    for f in schema.fields:
        if f.name in where:
            asked = where[f.name]
            found[f.name] = _levels(f, asked) if f.levelled else _numbers(f, asked, grids[f.name])
            if wide and f.name in wide:
                found[f.name] = _grouped(found[f.name], wide[f.name])
    return found


def _grouped(condition: Condition, levels: Levels) -> Condition:
    """Return a condition on levels as one on their groups."""
    among = np.array([code for code, _ in condition.ranges], dtype=np.intp)
    share = levels.shares(among)
    hit = np.flatnonzero(share > 0)
    ranges = tuple((float(g), float(g)) for g in hit)
    return Condition(condition.name, condition.missing, ranges, (None,) * len(hit), tuple(share[hit].tolist()), among)


def impossible(name: str, probability: float, others: Sequence[str] = ()) -> ConditionError:
    """Return the refusal of a condition that cannot be drawn, with its estimated probability."""
    return ConditionError(
        "condition/impossible",
        where=name,
        name=name,
        others=", ".join(o for o in others if o != name) or "-",
        probability=f"{probability:.3g}",
    )


def _as_list(asked: object) -> list[object]:
    if isinstance(asked, list | set | frozenset | np.ndarray | pd.Series | pd.Index):
        values = list(asked)
        return sorted(values, key=repr) if isinstance(asked, set | frozenset) else values
    return [asked]


def _is_missing(value: object) -> bool:
    if value is None or value is pd.NA or value is pd.NaT:
        return True
    return isinstance(value, float | np.floating) and math.isnan(value)


def _levels(f: Field, asked: object) -> Condition:
    values = list(asked) if isinstance(asked, tuple) else _as_list(asked)
    if isinstance(asked, Mapping) or not values:
        raise _unreadable(f, 0)
    known = {level: float(i) for i, level in enumerate(levels_of(f))}
    codes: set[float] = set()
    for position, value in enumerate(values):
        if _is_missing(value):
            continue
        text = _level_text(value, f)
        if text not in known:
            raise ConditionError("condition/unknown-level", where=f.name, name=f.name, at=position + 1, n=len(known))
        codes.add(known[text])
    ranges = tuple((c, c) for c in sorted(codes))
    return Condition(f.name, any(_is_missing(v) for v in values), ranges, (None,) * len(ranges))


def _level_text(value: object, f: Field) -> str:
    if f.kind != "boolean":
        return str(value)
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    text = str(value).strip().lower()
    return "true" if text in _TRUE else "false" if text in _FALSE else text


def _numbers(f: Field, asked: object, grid: Grid) -> Condition:
    if isinstance(asked, Mapping):
        if not asked or not set(asked) <= {"min", "max"}:
            raise _unreadable(f, 0)
        return _range(f, asked.get("min"), asked.get("max"), grid)
    if isinstance(asked, tuple):
        if len(asked) != 2:
            raise _unreadable(f, 0)
        return _range(f, asked[0], asked[1], grid)
    values = _as_list(asked)
    if not values or len(values) > _MAX_VALUES:
        raise _unreadable(f, 0)
    gone = any(_is_missing(v) for v in values)
    numbers = sorted({_number(v, f, i) for i, v in enumerate(values) if not _is_missing(v)})
    kept = [x for x in numbers if grid.low <= x <= grid.high and _on(x, grid)]
    if not kept and not gone:
        raise _outside(f, grid)
    near = grid.slack * (1 - 1e-6)
    return Condition(f.name, gone, tuple((x - near, x + near) for x in kept), tuple(kept))


def _range(f: Field, least: object, most: object, grid: Grid) -> Condition:
    low = grid.low if _is_missing(least) else max(grid.low, _number(least, f, 0))
    high = grid.high if _is_missing(most) else min(grid.high, _number(most, f, 1))
    near = 0.0
    if grid.step > 0:
        low = grid.offset + grid.step * math.ceil((low - grid.offset) / grid.step - 1e-9)
        high = grid.offset + grid.step * math.floor((high - grid.offset) / grid.step + 1e-9)
        near = grid.slack * (1 - 1e-6)
    if low > high:
        raise _outside(f, grid)
    return Condition(f.name, False, ((low - near, high + near),), (None,))


def _on(value: float, grid: Grid) -> bool:
    if grid.step <= 0:
        return True
    ticks = (value - grid.offset) / grid.step
    return abs(ticks - round(ticks)) < 1e-6


def _number(value: Any, f: Field, position: int) -> float:
    try:
        if f.kind != "datetime":
            number = float(value)
        elif isinstance(value, str | date | datetime | np.datetime64 | pd.Timestamp):
            number = _stamp(value, f)
        else:
            raise _unreadable(f, position)
    except (TypeError, ValueError) as error:
        raise _unreadable(f, position) from error
    if not math.isfinite(number):
        raise _unreadable(f, position)
    return number


def _stamp(value: Any, f: Field) -> float:
    stamp = pd.Timestamp(value)
    zone = f.format.get("zone")
    if zone and stamp.tz is None:
        stamp = stamp.tz_localize(zone)
    if not zone and stamp.tz is not None:
        stamp = stamp.tz_convert("UTC").tz_localize(None)
    return float(to_numbers(pd.Series([stamp]), f)[0])


def _unreadable(f: Field, position: int) -> ConditionError:
    return ConditionError("condition/unreadable", where=f.name, name=f.name, kind=f.kind, at=position + 1)


def _outside(f: Field, grid: Grid) -> ConditionError:
    return ConditionError("condition/out-of-range", where=f.name, name=f.name, kind=f.kind)
