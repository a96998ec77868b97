"""What may stand in a dossier: names made harmless, rare levels hidden, ranges rounded. No real value passes here."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from synthproof.core.evidence import Evidence
from synthproof.core.schema import Field, Schema
from synthproof.core.words import Words

MIN_COUNT = 10
"""Fewest real units that a shown bin or level stands for."""

HIDDEN = Words(en="(rare level, not shown)", ko="희소 범주(비공개)")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def printable(text: object, limit: int = 60) -> str:
    """Return a text that cannot break a page: no control or direction signs, at most `limit` characters."""
    kept = []
    for sign in str(text)[: 4 * limit]:
        kind = unicodedata.category(sign)
        kept.append(" " if kind in {"Cc", "Zl", "Zp"} else "" if kind in {"Cf", "Cs", "Co", "Cn"} else sign)
    flat = " ".join("".join(kept).split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def common_levels(evidence: tuple[Evidence, ...]) -> dict[str, tuple[str, ...]]:
    """Return, per field, the levels that at least `MIN_COUNT` real units hold, as the shape metric counted them.

    A field without such counts is absent: its level names are not shown at all.
    """
    found: dict[str, tuple[str, ...]] = {}
    for e in evidence:
        overlay = e.detail.get("overlay")
        if e.metric != "table.shape" or not isinstance(overlay, Mapping) or "labels" not in overlay:
            continue
        pairs = zip(overlay["labels"], overlay.get("real", ()), strict=False)
        found[e.subject] = tuple(str(v) for v, n in pairs if v is not None and n is not None and n >= MIN_COUNT)
    return found


def public_schema(schema: Schema, shown: Mapping[str, tuple[str, ...]]) -> Schema:
    """Return the schema as the dossier may state it.

    Level names are kept only where `shown` names them, ranges are rounded outward to a coarse grid (dates to
    years), and the pattern of identifiers is left out.
    """
    return replace(schema, fields=tuple(_public_field(f, shown) for f in schema.fields))


def _public_field(f: Field, shown: Mapping[str, tuple[str, ...]]) -> Field:
    low, high = public_range(f)
    kept = set(shown.get(f.name, ()))
    return replace(f, levels=tuple(v for v in f.levels if v in kept), low=low, high=high, pattern="")


def public_range(f: Field) -> tuple[float | None, float | None]:
    """Return a numeric field's range, rounded outward so that no single person's value is stated."""
    if f.low is None or f.high is None:
        return None, None
    if f.kind == "datetime":
        return _year_start(f.low, 0), _year_start(f.high, 1)
    return _outward(f.low, f.high, whole=f.kind == "integer")


def _outward(low: float, high: float, *, whole: bool) -> tuple[float, float]:
    """Return the range widened to a grid of half the power of ten below its span: 17-83 becomes 15-85."""
    span = high - low
    if not (math.isfinite(low) and math.isfinite(high)) or span <= 0:
        span = max(1.0, abs(low)) if math.isfinite(low) else 1.0
    step = 10.0 ** math.floor(math.log10(span)) / 2
    step = max(1.0, step) if whole else step
    ends = (math.floor(round(low / step, 9)) * step, math.ceil(round(high / step, 9)) * step)
    return float(f"{ends[0]:.12g}"), float(f"{ends[1]:.12g}")


def _year_start(micros: float, later: int) -> float:
    try:
        year = (_EPOCH + timedelta(microseconds=micros)).year + later
        return (datetime(year, 1, 1, tzinfo=UTC) - _EPOCH) / timedelta(microseconds=1)
    except (OverflowError, ValueError):
        return micros


def range_text(f: Field) -> str:
    """Return the rounded range of a numeric field for the page, or an empty string."""
    low, high = public_range(f)
    if low is None or high is None:
        return ""
    if f.kind == "datetime":
        years = [(_EPOCH + timedelta(microseconds=v)).year for v in (low, high)]
        return f"{years[0]} – {years[1]}"
    return f"{low:,.10g} – {high:,.10g}"
