"""What values a column may have at all, known without a look at the data; and what has to be bought.

A guarantee that rests on the data's own smallest value, or on the list of levels that happened to occur, is none: one
outlier would show. So each column's domain is *declared* (by the generator's parameter ``domain``, or by a schema that a
person wrote: its fields carry no reason why they were inferred), *vouched for* (``public``: a person states that what was
read off the data is common knowledge), or *bought* (`discover.py`). Anything else is refused by name.

Names and kinds of columns and how their values are written are taken as public.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd

from synthproof.core.errors import ConfigError, DataError, did_you_mean
from synthproof.core.schema import Field, Schema
from synthproof.engines.codes import levels_of
from synthproof.synthesizers.table.columns.grid import Grid

Source: TypeAlias = Literal["declared", "vouched", "bought"]
Given: TypeAlias = Mapping[str, Mapping[str, Any]]

_KEYS = ("levels", "low", "high", "step", "missing")
_MICROSECONDS = 1_000_000.0


@dataclass(frozen=True, slots=True)
class Domain:
    """The domain of one column; ``None`` where it is not known yet.

    Parameters
    ----------
    field
        The column.
    missing
        Whether a value may be missing.
    levels
        Texts of the levels, in order; ``None``: not known (or a number).
    low, high
        Range of a number in its own unit; datetimes in microseconds.
    step
        Distance of neighbouring values; 0 when any number may occur.
    source
        Where it comes from.
    """

    field: Field
    missing: bool
    levels: tuple[str, ...] | None = None
    low: float | None = None
    high: float | None = None
    step: float | None = None
    source: Source = "declared"

    @property
    def wanting(self) -> tuple[str, ...]:
        """What has to be bought: ``levels``, ``range`` or ``grain``."""
        if self.field.levelled:
            return ("levels",) if self.levels is None else ()
        lacks_range = self.low is None or self.high is None
        return (("range",) if lacks_range else ()) + (("grain",) if self.step is None else ())

    @property
    def grid(self) -> Grid:
        """Range and lattice of a number whose domain is known."""
        assert self.low is not None
        assert self.high is not None
        assert self.step is not None
        if self.step <= 0:
            return Grid(0.0, 0.0, self.low, self.high)
        slip = 1e-6
        first = math.ceil(self.low / self.step - slip)
        last = max(first, math.floor(self.high / self.step + slip))
        return Grid(self.step, 0.0, self.step * first, self.step * last)

    def drawn_field(self) -> Field:
        """Return the field as drawn tables have it: nothing in it that was read off the data."""
        f = replace(self.field, nullable=self.missing, reason="")
        if f.levelled:
            return f if f.kind == "boolean" else replace(f, levels=self.levels or ())
        grid = self.grid
        decimals = _decimals(grid.step) if f.kind == "continuous" else f.decimals
        return replace(f, low=grid.low, high=grid.high, decimals=decimals)


def domains_of(schema: Schema, given: Given, public: Collection[str] | str, *, buying: bool) -> dict[str, Domain]:
    """Return each modelled column's domain as far as it is known.

    Parameters
    ----------
    schema
        Of the data.
    given
        By column: ``levels``, or ``low``, ``high`` and ``step``; and ``missing``.
    public
        Names of columns whose domain in the schema is common knowledge though it was inferred, or ``"all"``.
    buying
        Whether what is not known will be bought.

    Raises
    ------
    ConfigError
        ``params/unknown`` for columns and keys that do not exist, ``dp/bad-domain`` for what is no domain.
    DataError
        ``dp/domain-unknown`` with the names of the columns, when nothing is bought.
    """
    names = [f.name for f in schema.modelled]
    for name in (*given, *(() if isinstance(public, str) else public)):
        if name not in names:
            raise _unknown("domain", str(name), names)
    out = {f.name: _domain(f, given.get(f.name, {}), public == "all" or f.name in public) for f in schema.modelled}
    unknown = [name for name, d in out.items() if d.wanting]
    if unknown and not buying:
        raise DataError("dp/domain-unknown", names=", ".join(unknown), n=len(unknown))
    return out


def _domain(f: Field, given: Mapping[str, Any], vouched: bool) -> Domain:
    for key in given:
        if key not in _KEYS:
            raise _unknown(f"domain.{f.name}", str(key), _KEYS)
    trusted = vouched or not f.reason
    source: Source = "vouched" if vouched and f.reason else "declared"
    missing = bool(given.get("missing", f.nullable if trusted or given else True))
    if f.levelled:
        known = levels_of(f) if trusted or f.kind == "boolean" else None
        levels = tuple(str(v) for v in given["levels"]) if "levels" in given and f.kind != "boolean" else known
        if levels is not None and (not levels or len(set(levels)) < len(levels)):
            raise ConfigError("dp/bad-domain", where=f.name, name=f.name)
        return Domain(f, missing, levels=levels, source="declared" if "levels" in given else source)
    low, high = (_end(f, given[k]) if k in given else getattr(f, k) if trusted else None for k in ("low", "high"))
    step = _step(f, given["step"]) if "step" in given else _known_step(f, trusted or bool(given))
    if low is not None and high is not None and not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise ConfigError("dp/bad-domain", where=f.name, name=f.name)
    return Domain(f, missing, low=low, high=high, step=step, source="declared" if "low" in given else source)


def _known_step(f: Field, trusted: bool) -> float | None:
    if f.kind == "integer":
        return 1.0
    if f.kind == "datetime" or not trusted:
        return None
    return 0.0 if f.decimals is None else 10.0**-f.decimals


def _end(f: Field, value: Any) -> float:
    try:
        if f.kind != "datetime" or isinstance(value, int | float):
            return float(value)
        stamp = pd.Timestamp(value)
        zone = f.format.get("zone")
        stamp = stamp.tz_localize(zone) if zone and stamp.tz is None else stamp
        return float(np.datetime64(stamp.tz_convert("UTC").tz_localize(None) if stamp.tz else stamp, "us").astype(int))
    except (TypeError, ValueError) as error:
        raise ConfigError("dp/bad-domain", where=f.name, name=f.name) from error


def _step(f: Field, value: Any) -> float:
    try:
        if f.kind == "datetime" and isinstance(value, str):
            step = pd.Timedelta(value).total_seconds() * _MICROSECONDS
        else:
            step = float(value) * (_MICROSECONDS if f.kind == "datetime" else 1.0)
    except (TypeError, ValueError) as error:
        raise ConfigError("dp/bad-domain", where=f.name, name=f.name) from error
    if not (math.isfinite(step) and step >= 0) or (f.kind == "integer" and (step < 1 or step != int(step))):
        raise ConfigError("dp/bad-domain", where=f.name, name=f.name)
    return step


def _decimals(step: float) -> int | None:
    """Return the digits after the point that a lattice through 0 needs; ``None`` without a lattice."""
    if step <= 0:
        return None
    return next((d for d in range(10) if abs(step * 10**d - round(step * 10**d)) < 1e-9 * step * 10**d), None)


def _unknown(owner: str, name: str, known: Collection[str]) -> ConfigError:
    hint = did_you_mean(name, known)
    return ConfigError("params/unknown", where=owner, owner=owner, name=name, hint=hint, known=", ".join(known))


__all__ = ["Domain", "Given", "Source", "domains_of"]
