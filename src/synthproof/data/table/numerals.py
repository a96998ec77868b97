"""Numbers as people write them: signs, thousands, decimal commas, fixed places, leading zeros, currency and units."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

FloatArray = npt.NDArray[np.float64]

_PREFIX = r"(?:₩|\\|\$|€|£|¥|US\$|KRW ?)"
_SUFFIX = r"(?: ?(?:%|원|천원|만원|백만원|억원|명|세|개|회|건|점|년|개월|주|일|시간|분|초|kg|g|mg|cm|mm|m|km|℃|°C|mmHg|mg/dL))"
_BODY = r"[+-]?(?:\d[\d.,]*|[.,]\d+)(?:[eE][+-]?\d+)?"
_AFFIXED = re.compile(rf"^({_PREFIX})?\s*{_BODY}({_SUFFIX})?$")
_PLAIN = r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$"
_INFINITE = r"^[+-]?(?i:inf|infinity|∞)$"
_THOUSANDS = r"^[+-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?$"
_THOUSANDS_POINT = r"^[+-]?[1-9]\d{0,2}(?:\.\d{3})+(?:,\d+)?$"
_DECIMAL_COMMA = r"^[+-]?\d+,\d+$"
_SAMPLE = 200
EXACT_DIGITS = 15
INT64 = np.iinfo(np.int64)


@dataclass(frozen=True, slots=True)
class Numbers:
    """What a column of numerals holds.

    Parameters
    ----------
    values
        One float64 per text.
    whole
        Whether every value is a whole number.
    decimals
        Digits after the point that hold every value, or ``None`` when not fixed.
    format
        How they are written: ``prefix``, ``suffix``, ``thousands``, ``point``, ``width``, ``places``, ``plus``,
        ``exponent``; only what differs from plain digits is named.
    infinite
        Positions of infinite texts.
    too_long
        Positions of whole numbers beyond 64 bits.
    """

    values: FloatArray
    whole: bool
    decimals: int | None
    format: Mapping[str, Any] = field(default_factory=dict)
    infinite: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=bool))
    too_long: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=bool))


def understand(texts: Any, *, comma_is_point: bool = False) -> Numbers | None:
    """Return what the texts say as numbers, or ``None`` when some are no numbers.

    Parameters
    ----------
    texts
        Arrow array of distinct texts, no missing tokens, at least one.
    comma_is_point
        Whether the file uses another delimiter than the comma, so that ``1,5`` may be a decimal.
    """
    trimmed = pc.utf8_trim_whitespace(texts)
    style = _style(trimmed, comma_is_point)
    if style is None:
        return None
    values, good = parse(texts, style)
    infinite = _matches(bare(texts, style), _INFINITE)
    if not bool((good | infinite).all()) or bool(infinite.all()):
        return None
    return _described(bare(texts, style), values, style, infinite)


def _style(trimmed: Any, comma_is_point: bool) -> dict[str, Any] | None:
    """Return prefix, suffix and separators from the texts, or ``None`` when a sample shows no numerals."""
    head = trimmed.slice(0, _SAMPLE).to_pylist()
    finite = [t for t in head if not re.match(_INFINITE, t)]
    matched = [_AFFIXED.match(t) for t in finite]
    if not matched or not all(matched):
        return None
    style: dict[str, Any] = {}
    first = matched[0]
    if first is not None and first.group(1):
        style["prefix"] = first.group(1)
    if first is not None and first.group(2):
        style["suffix"] = first.group(2)
    core = bare(trimmed, style)
    commas = _matches(core, ",")
    if not commas.any():
        return style
    with_comma = core.filter(pa.array(commas))
    if _matches(with_comma, _THOUSANDS).all() and not (comma_is_point and _matches(core, r"^[+-]?0,").any()):
        return style | {"thousands": ","}
    if _matches(with_comma, _DECIMAL_COMMA).all() and not _matches(core, r"\.").any():
        return style | {"point": ","}
    if _matches(with_comma, r"^[+-]?(?:\d{1,3}(?:\.\d{3})*|\d+),\d+$").all():
        rest = core.filter(pa.array(~commas))
        if _matches(rest, rf"^[+-]?\d+$|{_THOUSANDS_POINT}").all():
            return style | {"point": ",", "thousands": "."}
    return None


def bare(texts: Any, style: Mapping[str, Any]) -> Any:
    """Return the texts without spaces, prefix and suffix."""
    core = pc.utf8_trim_whitespace(texts)
    if prefix := style.get("prefix"):
        core = pc.utf8_trim_whitespace(pc.replace_substring_regex(core, "^" + re.escape(prefix), ""))
    if suffix := style.get("suffix"):
        core = pc.replace_substring_regex(core, re.escape(suffix) + "$", "")
    return core


def parse(texts: Any, style: Mapping[str, Any]) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Return (float64 values, which texts are numbers); the others are NaN."""
    core = bare(texts, style)
    if thousands := style.get("thousands"):
        core = pc.replace_substring(core, thousands, "")
    if style.get("point", ".") != ".":
        core = pc.replace_substring(core, style["point"], ".")
    good = _matches(core, _PLAIN)
    core = pc.utf8_ltrim(core, characters="+")
    values = np.full(len(core), np.nan)
    if good.any():
        chosen = core.filter(pa.array(good)) if not good.all() else core
        # a numeral such as 1e400 overflows to infinity, which callers refuse like a written one
        values[good] = np.asarray(pc.cast(chosen, pa.float64()), dtype=np.float64) + 0.0  # -0 is 0
    return values, good


def _described(core: Any, values: FloatArray, style: dict[str, Any], infinite: npt.NDArray[np.bool_]) -> Numbers:
    point = style.get("point", ".")
    exponent = _matches(core, "[eE]") & ~infinite
    finite = core.filter(pa.array(~(infinite | exponent))) if (infinite | exponent).any() else core
    places = _places(finite, point)
    low, high = (int(places.min()), int(places.max())) if len(places) else (0, 0)
    infinite = infinite | np.isinf(values)
    real = values[~infinite]
    whole = bool(np.all(real == np.rint(real))) and not exponent.any()
    out = dict(style)
    if exponent.any():
        out["exponent"] = True
    if high:
        out["places"] = [low, high]
    if _matches(core, r"^\+").any():
        out["plus"] = True
    padded = _matches(core, r"^[+-]?0\d")
    if padded.any() and not high:
        widths = np.asarray(pc.utf8_length(core))
        out["width"] = int(widths.max()) if len(set(widths.tolist())) == 1 else 0
    too_long = _beyond_64_bits(core, style) if whole else np.zeros(len(values), dtype=bool)
    digits = high + len(str(int(min(np.abs(real).max(initial=0.0), 1e18))))
    decimals = None if exponent.any() or digits > EXACT_DIGITS + 1 or high > EXACT_DIGITS else high
    return Numbers(values, whole, decimals, out, infinite, too_long)


def _places(core: Any, point: str) -> npt.NDArray[np.int64]:
    at = np.asarray(pc.find_substring(core, point), dtype=np.int64)
    length = np.asarray(pc.utf8_length(core), dtype=np.int64)
    found: npt.NDArray[np.int64] = np.where(at < 0, 0, length - at - 1)
    return found


def _beyond_64_bits(core: Any, style: Mapping[str, Any]) -> npt.NDArray[np.bool_]:
    digits = pc.replace_substring(core, style["thousands"], "") if style.get("thousands") else core
    out = np.zeros(len(core), dtype=bool)
    for i in np.flatnonzero(np.asarray(pc.utf8_length(digits)) >= EXACT_DIGITS + 1):
        text = re.split("[.,]", digits[int(i)].as_py())[0]
        out[i] = not INT64.min <= int(text) <= INT64.max
    return out


def _matches(texts: Any, pattern: str) -> npt.NDArray[np.bool_]:
    return np.asarray(pc.match_substring_regex(texts, pattern), dtype=bool)


def whole_numbers(texts: Any, style: Mapping[str, Any]) -> npt.NDArray[np.int64]:
    """Return int64 values of texts that are all whole numbers, exact to 64 bits."""
    core = bare(texts, style)
    if thousands := style.get("thousands"):
        core = pc.replace_substring(core, thousands, "")
    core = pc.replace_substring_regex(core, r"[.,]0*$", "")
    core = pc.utf8_ltrim(core, characters="+")
    return np.asarray(pc.cast(core, pa.int64()), dtype=np.int64)


def write_whole(values: npt.NDArray[np.int64], style: Mapping[str, Any]) -> list[str]:
    """Return integers written as `style` says."""
    plain: Iterable[str]
    width = int(style.get("width") or 0)
    sign = "+" if style.get("plus") else ""
    if thousands := style.get("thousands"):
        plain = (f"{v:{sign},d}".replace(",", thousands) for v in values.tolist())
    elif width or sign:
        plain = (f"{v:{sign}0{width}d}" for v in values.tolist())
    else:
        plain = map(str, values.tolist())
    tail = style.get("point", ".") + "0" * int(style["places"][0]) if style.get("places", [0])[0] else ""
    return _dressed(plain, style, tail)


def write_decimals(values: FloatArray, style: Mapping[str, Any], decimals: int | None) -> list[str]:
    """Return float64 values written as `style` says: fixed places, or the shortest form that reads back the same."""
    low, high = style.get("places", [0, decimals or 0])
    if style.get("exponent"):
        return _dressed(_shortest(values, int(low), exponent=True), style)
    if decimals is not None and low == high:
        mark = "," if style.get("thousands") else ""
        form = f"{{:{'+' if style.get('plus') else ''}{mark}.{int(high)}f}}".format
        plain: Iterable[str] = map(form, (np.round(values, decimals) + 0.0).tolist())
    else:
        rounded = values if decimals is None else np.round(values, decimals) + 0.0
        plain = _shortest(rounded, int(low))
        if style.get("plus"):
            plain = (t if t.startswith("-") else f"+{t}" for t in plain)
        if style.get("thousands"):
            plain = (_grouped(t) for t in plain)
    if style.get("point", ".") != "." or style.get("thousands", ",") != ",":
        exchange = str.maketrans({".": style.get("point", "."), ",": style.get("thousands", ",")})
        plain = (t.translate(exchange) for t in plain)
    return _dressed(plain, style)


def _shortest(values: FloatArray, low: int, *, exponent: bool = False) -> list[str]:
    out = []
    for v in values.tolist():
        text = repr(v)
        if "e" in text and not exponent:
            text = np.format_float_positional(v, trim="0")
        head, _, tail = text.partition(".")
        if tail == "0":
            tail = ""
        if exponent and "e" in text:
            out.append(text)
            continue
        tail = tail.ljust(low, "0")
        out.append(f"{head}.{tail}" if tail else head)
    return out


def _grouped(text: str) -> str:
    head, point, tail = text.partition(".")
    return f"{int(head):,d}{point}{tail}" if head.lstrip("+-") != "0" else text


def _dressed(plain: Iterable[str], style: Mapping[str, Any], tail: str = "") -> list[str]:
    prefix, suffix = style.get("prefix", ""), tail + style.get("suffix", "")
    return [f"{prefix}{t}{suffix}" for t in plain] if prefix or suffix else list(plain)


def decimals_of(values: FloatArray, most: int = 10) -> int | None:
    """Return the fewest digits after the point that hold every finite value, or ``None`` beyond `most`."""
    if len(values) == 0 or np.abs(values).max() >= 1e15:
        return None if len(values) else 0
    sample = values[:1000]
    start = 0
    for part in (sample, values):
        for k in range(start, most + 1):
            if np.array_equal(np.round(part, k), part):
                start = k
                break
        else:
            return None
    return start


__all__ = [
    "INT64",
    "Numbers",
    "bare",
    "decimals_of",
    "parse",
    "understand",
    "whole_numbers",
    "write_decimals",
    "write_whole",
]
