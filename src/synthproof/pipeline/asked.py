"""What a draw is asked for, as texts of the command line: conditions and shares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from synthproof.core.errors import ConditionError, UsageError, did_you_mean
from synthproof.core.schema import Field, Schema
from synthproof.core.words import Words

_TRUTHS = {**dict.fromkeys(("true", "1", "yes", "y", "예"), True), **dict.fromkeys(("false", "0", "no", "n"), False)}
_FORM = Words(en="not of the form COLUMN:LEVEL=SHARE", ko="열:범주=비율 형식이 아님")
_SHARE = Words(en="the share of {name} is no number from 0 to 1", ko="{name}의 비율이 0에서 1 사이의 수가 아님")
_TWICE = Words(en="one level of {name} has two shares", ko="{name}의 한 범주에 비율이 두 번 지정됨")


def parse_where(texts: Sequence[str], schema: Schema) -> dict[str, Any]:
    """Return conditions from ``COL=VALUE``, ``COL=LOW..HIGH`` (numeric) and ``COL=A|B`` texts."""
    out: dict[str, Any] = {}
    for text in texts:
        name, found, value = text.partition("=")
        if not found:
            raise UsageError("config/bad-where", where=text)
        f = schema.field(name)
        if f.numeric and ".." in value:
            low, _, high = value.partition("..")
            out[name] = (_value(low, f), _value(high, f))
        elif "|" in value:
            out[name] = [_value(v, f) for v in value.split("|")]
        else:
            out[name] = _value(value, f)
    return out


def parse_balance(texts: Sequence[str], schema: Schema) -> dict[str, dict[object, float]]:
    """Return shares of levels from ``COL:LEVEL=SHARE`` texts, as ``sample(balance=…)`` takes them.

    The share stands behind the last ``=``, and the column is the longest that the text begins with, so that levels and
    columns may hold both signs.

    Raises
    ------
    UsageError
        ``config/bad-balance``.
    ConditionError
        ``condition/unknown-field``.
    """
    out: dict[str, dict[object, float]] = {}
    for text in texts:
        named, found, share = text.rpartition("=")
        if not found or ":" not in named:
            raise _bad_balance(_FORM)
        known = [f for f in schema.fields if named.startswith(f"{f.name}:")]
        if not known:
            name = named.partition(":")[0]
            hint = did_you_mean(name, schema.names)
            raise ConditionError("condition/unknown-field", where="--balance", name=name, hint=hint)
        f = max(known, key=lambda f: len(f.name))
        level = named.removeprefix(f"{f.name}:")
        value: object = _value(level, f) if f.kind == "boolean" else level
        if value in out.setdefault(f.name, {}):
            raise _bad_balance(_TWICE, f.name)
        out[f.name][value] = _share(share, f.name)
    return out


def _share(text: str, name: str) -> float:
    try:
        share = float(text)
    except ValueError:
        raise _bad_balance(_SHARE, name) from None
    if not 0 <= share <= 1:
        raise _bad_balance(_SHARE, name)
    return share


def _bad_balance(reason: Words, name: str = "") -> UsageError:
    return UsageError("config/bad-balance", where="--balance", reason=reason.filled(name=name))


def _value(text: str, f: Field) -> Any:
    """Return a value of a field; a text that means neither yes nor no stays one, for the generator to refuse."""
    if text == "":
        return None
    if f.kind in ("integer", "continuous"):
        try:
            return float(text) if f.kind == "continuous" or "." in text else int(text)
        except ValueError as error:
            raise UsageError(
                "config/wrong-type", where="--where", wanted=Words(en="a number", ko="수"), type="text"
            ) from error
    if f.kind == "boolean":
        own = {str(f.format.get(word, word)).lower(): word == "true" for word in ("true", "false")}
        return {**_TRUTHS, **own}.get(text.lower(), text)
    return text


__all__ = ["parse_balance", "parse_where"]
