"""TOML to rules, refusing what it does not know and naming file and rule when it does."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from synthproof.core.errors import ConfigError, did_you_mean
from synthproof.core.evidence import FAMILIES
from synthproof.core.schema import USE_FORMS
from synthproof.core.words import Words
from synthproof.policy.axes import UNSURE, Axis, AxisMeasure
from synthproof.policy.rule import COMPARES, CONDITIONS, MEASURES, ORIGINS, USES, Line, Planned, Quantiles, Rule

FORMAT = 1
_TOP = {"format", "id", "version", "title", "summary", "source", "quantiles", "plan", "rules", "axes"}
_PLAN = {"metric", "when", "params"}
_LINE = {"origin", "value", "from_reference", "because"}
_QUANTILES = {*USE_FORMS, "because"}
_RULE = {
    "id", "family", "title", "explain", "metric", "subject", "measure", "compare", "side", "limit", "or_below", "required",
    "required_for", "skip_not_applicable", "statement", "remedy",
}  # fmt: skip
_AXIS = {"id", "title", "question", "measures", "required", "when_unsure", "remedy"}
_AXIS_MEASURE = {
    "metric", "subject", "measure", "tolerance", "shown_over", "persons", "innocent", "shows_only", "because",
}  # fmt: skip
_V = TypeVar("_V")


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a policy file says, checked."""

    id: str
    version: int
    title: Words
    summary: Words
    planned: tuple[Planned, ...]
    rules: tuple[Rule, ...]
    axes: tuple[Axis, ...]
    quantiles: Quantiles
    data: Mapping[str, Any]
    text: str


def read(text: str, where: str) -> Content:
    """Return the checked content of a policy's TOML.

    Parameters
    ----------
    where
        File name, for messages.

    Raises
    ------
    ConfigError
        ``policy/not-toml``, ``policy/too-new``, ``policy/unknown-key``, ``policy/missing-key``, ``policy/bad-value``,
        ``policy/doubled-rule`` or ``policy/not-planned``; `where` names file and rule.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError("policy/not-toml", where=where, reason=str(error)) from error
    _known(data, _TOP, where)
    if _need(data, "format", int, where) > FORMAT:
        raise ConfigError("policy/too-new", where=where, found=data["format"], known=FORMAT)
    planned = tuple(_planned(entry, f"{where}, plan {i + 1}") for i, entry in enumerate(_tables(data, "plan", where)))
    rules = tuple(_rule(entry, where, i) for i, entry in enumerate(_tables(data, "rules", where)))
    axes = tuple(_axis(entry, where, i) for i, entry in enumerate(_tables(data, "axes", where)))
    _cross_check(planned, rules, axes, where)
    return Content(
        id=_need(data, "id", str, where),
        version=_need(data, "version", int, where),
        title=_words(_need(data, "title", dict, where), f"{where}, title"),
        summary=_words(_need(data, "summary", dict, where), f"{where}, summary"),
        planned=planned,
        rules=rules,
        axes=axes,
        quantiles=_quantiles(data.get("quantiles"), where),
        data=data,
        text=text,
    )


def _rule(entry: Mapping[str, Any], where: str, at: int) -> Rule:
    place = f"{where}, rule {entry.get('id', at + 1)}"
    _known(entry, _RULE, place)
    metric, statement = _text(entry, "metric", place), _text(entry, "statement", place)
    if not metric and not statement:
        raise ConfigError("policy/missing-key", where=place, name="metric")
    if metric and "limit" not in entry:
        raise ConfigError("policy/missing-key", where=place, name="limit")
    or_below = entry.get("or_below")
    return Rule(
        id=_need(entry, "id", str, place),
        family=_one_of(_need(entry, "family", str, place), FAMILIES, "family", place),
        title=_words(_need(entry, "title", dict, place), f"{place}, title"),
        explain=_words(_need(entry, "explain", dict, place), f"{place}, explain"),
        metric=metric,
        subject=_text(entry, "subject", place) or "all",
        measure=_one_of(entry.get("measure", "estimate"), MEASURES, "measure", place),
        compare=_one_of(entry.get("compare", "estimate"), COMPARES, "compare", place),
        side="min" if _one_of(entry.get("side", "max"), ("max", "min"), "side", place) == "min" else "max",
        limit=_line(entry["limit"], place) if metric else None,
        or_below=None if or_below is None else _number(or_below, "or_below", place),
        required=_flag(entry, "required", True, place),
        required_for=tuple(_one_of(u, USES, "required_for", place) for u in _list(entry, "required_for", place)),
        skip_not_applicable=_flag(entry, "skip_not_applicable", False, place),
        statement=statement,
        remedy=_words(_need(entry, "remedy", dict, place), f"{place}, remedy") if "remedy" in entry else None,
    )


def _axis(entry: Mapping[str, Any], where: str, at: int) -> Axis:
    place = f"{where}, axis {entry.get('id', at + 1)}"
    _known(entry, _AXIS, place)
    measures = _tables(entry, "measures", place)
    if not measures:
        raise ConfigError("policy/missing-key", where=place, name="measures")
    return Axis(
        id=_need(entry, "id", str, place),
        title=_words(_need(entry, "title", dict, place), f"{place}, title"),
        question=_words(_need(entry, "question", dict, place), f"{place}, question"),
        measures=tuple(_axis_measure(m, f"{place}, measure {k + 1}") for k, m in enumerate(measures)),
        required=_flag(entry, "required", True, place),
        when_unsure=_one_of(entry.get("when_unsure", "decides"), UNSURE, "when_unsure", place),
        remedy=_words(_need(entry, "remedy", dict, place), f"{place}, remedy") if "remedy" in entry else None,
    )


def _axis_measure(entry: Mapping[str, Any], place: str) -> AxisMeasure:
    _known(entry, _AXIS_MEASURE, place)
    tolerance = _number(_need(entry, "tolerance", object, place), "tolerance", place)
    numbers = {k: _number(entry[k], k, place) for k in ("persons", "innocent") if k in entry}
    return AxisMeasure(
        metric=_need(entry, "metric", str, place),
        subject=_text(entry, "subject", place) or "all",
        measure=_one_of(entry.get("measure", "estimate"), MEASURES, "measure", place),
        tolerance=tolerance,
        shown_over=_number(entry.get("shown_over", tolerance), "shown_over", place),
        shows_only=_flag(entry, "shows_only", False, place),
        because=_words(_need(entry, "because", dict, place), f"{place}, because"),
        **numbers,
    )


def _line(entry: Any, place: str) -> Line:
    place = f"{place}, limit"
    if not isinstance(entry, dict):
        raise _bad("limit", 'a table such as { origin = "own", value = 0.1, because = { en = …, ko = … } }', place)
    _known(entry, _LINE, place)
    origin = _one_of(_need(entry, "origin", str, place), ORIGINS, "origin", place)
    numbers = {k: _number(entry[k], k, place) for k in ("value", "from_reference") if k in entry}
    if (origin == "simulated") == bool(numbers):
        allowed = "absent for a simulated limit" if numbers else "given (it, or from_reference, or both)"
        raise _bad("value", allowed, place)
    because = _words(_need(entry, "because", dict, place), f"{place}, because") if numbers else None
    return Line(origin=origin, because=because, **numbers)


def _planned(entry: Mapping[str, Any], place: str) -> Planned:
    _known(entry, _PLAN, place)
    conditions = tuple(_one_of(c, CONDITIONS, "when", place) for c in _list(entry, "when", place))
    params = _need(entry, "params", dict, place) if "params" in entry else {}
    return Planned(metric=_need(entry, "metric", str, place), when=conditions, params=params)


def _quantiles(entry: Any, where: str) -> Quantiles:
    if entry is None:
        return Quantiles()
    place = f"{where}, quantiles"
    if not isinstance(entry, dict):
        raise _bad("quantiles", "a table", where)
    _known(entry, _QUANTILES, place)
    values = tuple(_number(_need(entry, form, object, place), form, place) for form in USE_FORMS)
    for form, q in zip(USE_FORMS, values, strict=True):
        if not 0.5 <= q < 1:
            raise _bad(form, "at least 0.5 and below 1", place)
    return Quantiles(by_step=values, because=_words(_need(entry, "because", dict, place), f"{place}, because"))


def _cross_check(planned: tuple[Planned, ...], rules: tuple[Rule, ...], axes: tuple[Axis, ...], where: str) -> None:
    names = [r.id for r in rules] + [a.id for a in axes]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError("policy/doubled-rule", where=where, name=name)
    metrics = [p.metric for p in planned]
    read = [(f"{where}, rule {r.id}", r.metric) for r in rules if r.metric]
    read += [(f"{where}, axis {a.id}", m.metric) for a in axes for m in a.measures]
    for place, metric in read:
        if metric not in metrics:
            raise ConfigError("policy/not-planned", where=place, name=metric, hint=_hint(metric, metrics))


def _tables(data: Mapping[str, Any], key: str, where: str) -> list[dict[str, Any]]:
    found = data.get(key, [])
    if not isinstance(found, list) or not all(isinstance(e, dict) for e in found):
        raise _bad(key, f"a list of tables, written [[{key}]]", where)
    return found


def _known(data: Mapping[str, Any], known: set[str], place: str) -> None:
    for key in data:
        if key not in known:
            raise ConfigError(
                "policy/unknown-key", where=place, name=key, hint=_hint(key, known), known=", ".join(sorted(known))
            )


def _need(data: Mapping[str, Any], key: str, kind: type[_V], place: str) -> _V:
    if key not in data:
        raise ConfigError("policy/missing-key", where=place, name=key)
    value = data[key]
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)) or value == "":
        names = {int: "a whole number", str: "a text", dict: "a table such as { en = …, ko = … }"}
        raise _bad(key, names.get(kind, kind.__name__), place)
    return value


def _text(data: Mapping[str, Any], key: str, place: str) -> str:
    value = data.get(key, "")
    if not isinstance(value, str):
        raise _bad(key, "a text", place)
    return value


def _flag(data: Mapping[str, Any], key: str, default: bool, place: str) -> bool:
    value = data.get(key, default)
    if not isinstance(value, bool):
        raise _bad(key, "true or false", place)
    return value


def _list(data: Mapping[str, Any], key: str, place: str) -> list[Any]:
    value = data.get(key, [])
    if not isinstance(value, list):
        raise _bad(key, "a list", place)
    return value


def _number(value: object, key: str, place: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _bad(key, "a finite number", place)
    return float(value)


def _one_of(value: Any, known: tuple[_V, ...], key: str, place: str) -> _V:
    for option in known:
        if value == option:
            return option
    raise _bad(key, "one of " + ", ".join(str(k) for k in known), place)


def _words(data: Mapping[str, Any], place: str) -> Words:
    _known(data, {"en", "ko"}, place)
    return Words(en=_need(data, "en", str, place), ko=_need(data, "ko", str, place))


def _bad(key: str, allowed: str, place: str) -> ConfigError:
    return ConfigError("policy/bad-value", where=place, name=key, allowed=allowed)


def _hint(name: str, known: Iterable[str]) -> Words | str:
    return did_you_mean(name, known)
