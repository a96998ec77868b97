"""Coarser values: age bands, the address ladder, postcode prefixes, months and years, rounded numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Self

import numpy as np
import pandas as pd

from synthproof.core.errors import ConfigError, NotFittedError
from synthproof.core.params import Params
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Field, Kind
from synthproof.core.state import State
from synthproof.core.words import Words
from synthproof.data.table.dataset import Table, canonical_dtype
from synthproof.engines.codes import from_codes, from_numbers, to_numbers
from synthproof.protection.places import RUNGS, rung
from synthproof.protection.scan import cells_as_text
from synthproof.protection.treatments import Treatment, class_by_role

_SPANS = {"month": "M", "quarter": "Q", "year": "Y"}


class Coarsen(Params):
    """Make the values of stated fields coarser.

    Parameters
    ----------
    fields
        Field → rule:

        ``band:10``
            Number → ordinal bands of that width, the outermost ones open (``<20``, ``20-29`` … ``80+``).
        ``round:1000``
            Number → nearest multiple.
        ``month``, ``quarter``, ``year``
            Date → the first day of that span.
        ``sido``, ``sigungu``, ``eupmyeondong``
            Address → that rung of the ladder.
        ``prefix:3``
            Code (postcode, diagnosis) → its first characters.

        Empty changes nothing: which fields may lose detail is a person's decision.

    Notes
    -----
    Bands and levels are learned from train; a holdout value beyond the bands falls into an outermost one, and a level
    that train does not have becomes missing. Cost O(n) a field.
    """

    def __init__(self, fields: Mapping[str, str] | None = None) -> None:
        self.fields = fields

    def fit(self, train: Table, /, *, run: Run | None = None) -> Self:
        """Learn bands and levels from train alone.

        Raises
        ------
        ConfigError
            ``protection/coarsen-rule`` for a rule that is unknown or does not suit the field's kind.
        """
        rules: dict[str, dict[str, Any]] = {}
        for name in quiet(run).each(list(self.fields or {}), "protect: coarsen"):
            f = train.schema.field(name)
            rule = _parsed(f, str((self.fields or {})[name]))
            rules[name] = {**rule, **_learned(train.frame[name], f, rule)}
        self.rules_ = rules
        self.classes_ = {name: class_by_role(train.schema.field(name)) for name in rules}
        return self

    def transform(self, data: Table, /) -> Table:
        """Return the table with coarser values; the schema follows."""
        if not hasattr(self, "rules_"):
            raise NotFittedError("fit/not-fitted", owner=type(self).__name__, call="transform")
        frame = data.frame.copy(deep=False)
        schema = data.schema
        for name, rule in self.rules_.items():
            column, changed = _coarser(frame[name], schema.field(name), rule)
            frame[name] = column
            schema = schema.replace_field(changed)
        return data.with_frame(frame, schema)

    def receipt(self) -> Mapping[str, Any]:
        """Return the rule of each field and counts; no value."""
        if not hasattr(self, "rules_"):
            raise NotFittedError("fit/not-fitted", owner=type(self).__name__, call="receipt")
        return {
            "protection": "coarsen",
            "version": 1,
            "fields": {
                n: {"rule": r["rule"], "cells": r["cells"], "levels": len(r.get("levels", ())), "unread": r["unread"]}
                for n, r in self.rules_.items()
            },
            "treatments": [
                Treatment(field=n, klass=self.classes_[n], method="generalise", detail=_detail(r)).to_dict()
                for n, r in self.rules_.items()
            ],
        }

    def get_state(self) -> State:
        """Return rules, bands and levels as JSON values."""
        if not hasattr(self, "rules_"):
            raise NotFittedError("fit/not-fitted", owner=type(self).__name__, call="get_state")
        return {"rules": self.rules_, "classes": self.classes_}

    def set_state(self, state: State, /) -> Self:
        """Take back what `get_state` returned."""
        self.rules_ = {name: dict(rule) for name, rule in state["rules"].items()}
        self.classes_ = dict(state["classes"])
        return self


def _parsed(f: Field, text: str) -> dict[str, Any]:
    """The rule as plain values, refused where it does not suit the field."""
    what, _, size = text.strip().partition(":")
    step: float | None
    try:
        step = float(size) if size else None
    except ValueError:
        step = None
    sized = step is not None and math.isfinite(step) and step > 0
    suits = (
        (what in {"band", "round"} and f.kind in {"integer", "continuous"} and sized)
        or (what in _SPANS and f.kind == "datetime" and not size)
        or (what in RUNGS and f.kind in {"categorical", "text", "identifier"} and not size)
        or (what == "prefix" and not f.numeric and f.kind not in {"boolean", "ordinal"} and sized)
    )
    if not suits or f.has("unit"):
        raise ConfigError("protect/coarsen-rule", where=f.name, field=f.name, kind=f.kind, rule=text)
    return {"rule": text.strip(), "what": what, "step": step}


def _learned(column: pd.Series, f: Field, rule: Mapping[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {"cells": int(column.notna().sum()), "unread": 0}
    if rule["what"] == "band":
        bins = np.floor(to_numbers(column, f) / rule["step"])
        bins = bins[np.isfinite(bins)]
        first, last = (int(bins.min()), int(bins.max())) if bins.size else (0, 0)
        return {**told, "first": first, "levels": _band_names(first, last, rule["step"], f)}
    if rule["what"] in RUNGS or rule["what"] == "prefix":
        parts = [_part(text, rule) for text in cells_as_text(column, f)]
        levels = sorted({p for p in parts if p is not None})
        return {**told, "levels": levels, "unread": told["cells"] - sum(p is not None for p in parts)}
    return told


def _band_names(first: int, last: int, step: float, f: Field) -> list[str]:
    def edge(k: int) -> str:
        return f"{k * step:g}"

    def top(k: int) -> str:
        whole = f.kind == "integer" and float(step).is_integer()
        return f"{(k + 1) * step - 1:g}" if whole else f"<{(k + 1) * step:g}"

    if first == last:
        return [f"{edge(first)}-{top(first)}"]
    middle = [f"{edge(k)}-{top(k)}" for k in range(first + 1, last)]
    return [f"<{edge(first + 1)}", *middle, f"{edge(last)}+"]


def _part(text: str | None, rule: Mapping[str, Any]) -> str | None:
    if text is None:
        return None
    if rule["what"] == "prefix":
        return text.strip()[: int(rule["step"])] or None
    return rung(text, rule["what"])


def _coarser(column: pd.Series, f: Field, rule: Mapping[str, Any]) -> tuple[pd.Series, Field]:
    what = rule["what"]
    if what in _SPANS:
        return _span(column, f, what)
    if what == "round":
        step = rule["step"]
        ends = {side: None if end is None else float(np.round(end / step) * step) for side, end in _ends(f).items()}
        rounded = np.round(to_numbers(column, f) / step) * step
        changed = replace(f, low=ends["low"], high=ends["high"])
        return from_numbers(rounded, changed).astype(canonical_dtype(changed)), changed
    levels = tuple(rule["levels"])
    kind: Kind = "ordinal" if what == "band" else "categorical"
    changed = Field(
        name=f.name, kind=kind, roles=f.roles, nullable=f.nullable, levels=levels, reason=f"coarsened: {rule['rule']}"
    )
    if what == "band":
        bins = np.floor(to_numbers(column, f) / rule["step"]) - rule["first"]
        codes = np.where(np.isnan(bins), -1, np.clip(np.nan_to_num(bins), 0, len(levels) - 1)).astype(np.int64)
    else:
        place = {level: i for i, level in enumerate(levels)}
        parts = (_part(text, rule) for text in cells_as_text(column, f))
        codes = np.array([-1 if p is None else place.get(p, -1) for p in parts], dtype=np.int64)
        changed = replace(changed, nullable=True)
    return from_codes(codes, changed), changed


def _ends(f: Field) -> dict[str, float | None]:
    return {"low": f.low, "high": f.high}


def _span(column: pd.Series, f: Field, what: str) -> tuple[pd.Series, Field]:
    ends: dict[str, float | None] = {}
    for side, end in _ends(f).items():
        ends[side] = (
            None if end is None else float(to_numbers(_starts(from_numbers(np.array([end]), f), f, what), f)[0])
        )
    changed = replace(f, low=ends["low"], high=ends["high"])
    return _starts(column, f, what).astype(column.dtype), changed


def _starts(column: pd.Series, f: Field, what: str) -> pd.Series:
    """The first day of the span, by the clock of the field's own zone."""
    zone = f.format.get("zone")
    naive = column.dt.tz_localize(None) if zone else column
    first: pd.Series = naive.dt.to_period(_SPANS[what]).dt.start_time
    if not zone:
        return first
    located: pd.Series = first.dt.tz_localize(zone, ambiguous=False, nonexistent="shift_forward")
    return located


def _detail(rule: Mapping[str, Any]) -> Words:
    step = f"{rule['step']:g}" if rule["step"] is not None else ""
    en, ko = {
        "band": (f"Bands of width {step}.", f"{step} 단위로 구간화"),
        "round": (f"Rounded to multiples of {step}.", f"{step} 단위로 반올림"),
        "month": ("Reduced to the month.", "월 단위로 일반화"),
        "quarter": ("Reduced to the quarter.", "분기 단위로 일반화"),
        "year": ("Reduced to the year.", "연 단위로 일반화"),
        "sido": ("Address reduced to the province (시도).", "주소를 시도 단위로 일반화"),
        "sigungu": ("Address reduced to the district (시군구).", "주소를 시군구 단위로 일반화"),
        "eupmyeondong": ("Address reduced to the neighbourhood (읍면동).", "주소를 읍면동 단위로 일반화"),
        "prefix": (f"Reduced to its first {step} characters.", f"앞 {step}자리만 유지"),
    }[rule["what"]]
    if rule["unread"]:
        en += f" {rule['unread']} values could not be read and were set missing."
        ko += f"(해석되지 않은 {rule['unread']}건은 결측 처리)"
    return Words(en=en, ko=ko)
