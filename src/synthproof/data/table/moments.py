"""Dates and times as people write them; a style names the places, e.g. ``{YYYY}-{MM}-{DD}T{HH}:{mm}:{ss}{zone}``.

Places of a style::

    {YYYY} year   {MM} {M} month   {Mon} Jan…   {DD} {D} day   {HH} {H} hour   {mm} minute   {ss} second
    {f} fraction of a second   {ampm} AM/PM or 오전/오후   {zone} Z, +09:00 or +0900

Two letters are padded with zero, one letter is not. All else stands as written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Stamps = npt.NDArray[np.datetime64]

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_PLACES = {
    "YYYY": r"(?P<Y>[0-9]{4})",
    "MM": r"(?P<M>0[1-9]|1[0-2])",
    "M": r"(?P<M>1[0-2]|[1-9])",
    "Mon": "(?P<M>" + "|".join(_MONTHS) + ")",
    "DD": r"(?P<D>0[1-9]|[12][0-9]|3[01])",
    "D": r"(?P<D>[12][0-9]|3[01]|[1-9])",
    "HH": r"(?P<h>[01][0-9]|2[0-3])",
    "H": r"(?P<h>1[0-9]|2[0-3]|[0-9])",
    "mm": r"(?P<m>[0-5][0-9])",
    "ss": r"(?P<s>[0-5][0-9])",
    "f": r"(?P<f>[0-9]{1,9})",
    "ampm": r"(?P<p>AM|PM|am|pm|오전|오후)",
    "zone": r"(?P<z>Z|[+-][0-9]{2}:?(?:[0-9]{2})?)",
}
_DATES = (
    "{YYYY}-{MM}-{DD}",
    "{YYYY}.{MM}.{DD}",
    "{YYYY}.{MM}.{DD}.",
    "{YYYY}/{MM}/{DD}",
    "{YYYY}{MM}{DD}",
    "{YYYY}. {MM}. {DD}",
    "{YYYY}. {MM}. {DD}.",
    "{YYYY}-{M}-{D}",
    "{YYYY}.{M}.{D}",
    "{YYYY}.{M}.{D}.",
    "{YYYY}/{M}/{D}",
    "{YYYY}. {M}. {D}",
    "{YYYY}. {M}. {D}.",
    "{YYYY}년 {MM}월 {DD}일",
    "{YYYY}년 {M}월 {D}일",
    "{YYYY}년{MM}월{DD}일",
    "{YYYY}년{M}월{D}일",
    "{MM}/{DD}/{YYYY}",
    "{DD}/{MM}/{YYYY}",
    "{DD}.{MM}.{YYYY}",
    "{DD}-{MM}-{YYYY}",
    "{MM}-{DD}-{YYYY}",
    "{M}/{D}/{YYYY}",
    "{D}/{M}/{YYYY}",
    "{D}.{M}.{YYYY}",
    "{D}-{M}-{YYYY}",
    "{DD}-{Mon}-{YYYY}",
    "{DD} {Mon} {YYYY}",
    "{Mon} {DD}, {YYYY}",
    "{Mon} {D}, {YYYY}",
    "{YYYY}-{MM}",
    "{YYYY}/{MM}",
    "{YYYY}.{MM}",
    "{YYYY}년 {MM}월",
    "{YYYY}년 {M}월",
    "{YYYY}년{M}월",
    "{YYYY}{MM}",
)
_TIMES = (
    "{HH}:{mm}:{ss}",
    "{HH}:{mm}",
    "{HH}:{mm}:{ss}.{f}",
    "{H}:{mm}:{ss}",
    "{H}:{mm}",
    "{HH}{mm}{ss}",
    "{HH}{mm}",
    "{HH}시 {mm}분",
    "{H}시 {mm}분",
    "{ampm} {H}:{mm}:{ss}",
    "{ampm} {HH}:{mm}:{ss}",
    "{ampm} {H}:{mm}",
    "{ampm} {HH}:{mm}",
    "{H}:{mm}:{ss} {ampm}",
    "{HH}:{mm}:{ss} {ampm}",
    "{H}:{mm} {ampm}",
    "{HH}:{mm} {ampm}",
)
_DIGITS_ONLY = {"{YYYY}{MM}{DD}", "{YYYY}{MM}", "{YYYY}.{MM}"}
_NEEDS_HINT = {"{YYYY}{MM}", "{YYYY}.{MM}"}
_YEARS = (1850, 2150)
_SAMPLE = 100


@dataclass(frozen=True, slots=True)
class Moments:
    """What a column of dates holds.

    Parameters
    ----------
    stamps
        One datetime64[us] per text: wall time without a zone, UTC with one.
    format
        ``style``, and where needed ``zone``, ``zone_form``, ``ampm``, ``fraction`` (fewest and most digits).
    ambiguous
        Whether day and month could stand the other way round.
    """

    stamps: Stamps
    format: Mapping[str, Any]
    ambiguous: bool = False


def understand(texts: Any, *, hint: bool = False) -> Moments | None:
    """Return what the texts say as dates or times, or ``None`` when one style does not read them all.

    Parameters
    ----------
    texts
        Arrow array of distinct texts, no missing tokens, at least one.
    hint
        Whether the column's name speaks of a date; needed for bare digits such as ``202403``.
    """
    # evenly over the whole, so that days beyond the 12th are met
    step = max(1, len(texts) // _SAMPLE)
    sample = texts.take(pa.array(np.arange(0, len(texts), step)[: 2 * _SAMPLE])).to_pylist()
    found: list[Moments] = []
    for style in _candidates(sample):
        if style in _NEEDS_HINT and not hint:
            continue
        read = parse(texts, {"style": style})
        if read is None or np.isnat(read.stamps).any():
            continue
        if style in _DIGITS_ONLY and not (hint or _plausible(read.stamps)):
            continue
        found.append(read)
        if "/" not in style and not style.startswith(("{MM}-", "{DD}-")):
            break
        if len(found) == 2:
            break
    if not found:
        return None
    return Moments(found[0].stamps, found[0].format, len(found) == 2)


def _plausible(stamps: Stamps) -> bool:
    years = stamps.astype("datetime64[Y]").astype(np.int64) + 1970
    return len(stamps) >= 3 and bool(((years >= 1900) & (years <= 2100)).all())


def _candidates(sample: list[str]) -> Iterator[str]:
    """Yield the styles that read every text of the sample, likeliest first."""
    if max(map(len, sample)) > 40:
        return
    for style in _TIMES[:5] + _TIMES[7:]:
        if all(_pattern(style).fullmatch(t) for t in sample):
            yield style
    for date in _DATES:
        head = re.compile(_pattern(date).pattern + r"(?P<rest>.*)")
        rests = [m.group("rest") if (m := head.fullmatch(t)) else None for t in sample]
        if None in rests:
            continue
        if not any(rests):
            yield date
            continue
        for gap in (" ", "T", ". ", ""):
            for time in _TIMES:
                for zone in ("", "{zone}", " {zone}"):
                    if all(_pattern(gap + time + zone).fullmatch(r or "") for r in rests):
                        yield date + gap + time + zone


@cache
def _pattern(style: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", style)
    return re.compile("".join(_PLACES[p] if i % 2 else re.escape(p) for i, p in enumerate(parts)))


def readable(style: str) -> bool:
    """Return whether every place of the style is known."""
    return bool(style) and all(p in _PLACES for p in re.findall(r"\{(\w+)\}", style)) and "{" in style


def parse(texts: Any, manner: Mapping[str, Any]) -> Moments | None:
    """Return the moments under one style; texts it does not read are NaT; ``None`` when it reads none."""
    style = str(manner["style"])
    parts = pc.extract_regex(texts, "^" + _re2(_pattern(style).pattern) + "$")
    good = np.asarray(parts.is_valid(), dtype=bool)
    if not good.any():
        return None
    has = {f.name for f in parts.type}
    cell = {name: parts.field(name) for name in has}
    year = _ints(cell["Y"], good) if "Y" in has else np.full(len(good), 1970)
    month = _month(cell["M"], good) if "M" in has else np.ones(len(good), dtype=np.int64)
    day = _ints(cell["D"], good) if "D" in has else np.ones(len(good), dtype=np.int64)
    months = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    days = months.astype("datetime64[D]") + (day - 1).astype("timedelta64[D]")
    valid = good & (days.astype("datetime64[M]") == months)
    if "Y" in has:
        valid &= (year >= _YEARS[0]) & ((year <= _YEARS[1]) | (year == 9999))
    micro = _clock(cell, has, good)
    out = dict(manner)
    if "p" in has:
        words = sorted(set(parts.filter(pa.array(good)).field("p").to_pylist()))
        out["ampm"] = next((p for p in (["AM", "PM"], ["am", "pm"], ["오전", "오후"]) if set(words) <= set(p)), words)
    if "f" in has:
        lengths = np.asarray(pc.utf8_length(cell["f"].filter(pa.array(good))))
        out["fraction"] = [int(lengths.min()), int(lengths.max())]
    if "z" in has:
        offsets, out["zone"], out["zone_form"] = _zones(cell["z"], good)
        micro = micro - offsets * 60_000_000
    stamps = days.astype("datetime64[us]") + micro.astype("timedelta64[us]")
    stamps[~valid] = np.datetime64("NaT")
    return Moments(stamps, out)


def _clock(cell: Mapping[str, Any], has: set[str], good: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    zero = np.zeros(len(good), dtype=np.int64)
    hour = _ints(cell["h"], good) if "h" in has else zero
    if "p" in has:
        late = np.isin(np.asarray(cell["p"].to_pylist(), dtype=object), ["PM", "pm", "오후"])
        hour = np.where(late, hour % 12 + 12, hour % 12)
    minute = _ints(cell["m"], good) if "m" in has else zero
    second = _ints(cell["s"], good) if "s" in has else zero
    micro = zero
    if "f" in has:
        micro = _ints(pc.utf8_slice_codeunits(pc.utf8_rpad(cell["f"], 6, "0"), 0, 6), good)
    return ((hour * 60 + minute) * 60 + second) * 1_000_000 + micro


def _re2(pattern: str) -> str:
    return pattern.replace(r"\ ", " ").replace(r"\-", "-").replace(r"\/", "/")


def _ints(texts: Any, good: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    if not good.all():
        texts = pc.if_else(pa.array(good), texts, "1")
    return np.asarray(pc.cast(texts, pa.int64()), dtype=np.int64)


def _month(texts: Any, good: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    first = texts.filter(pa.array(good))[0].as_py()
    if first.isdigit():
        return _ints(texts, good)
    at = pc.index_in(texts, pa.array(_MONTHS, type=texts.type)).fill_null(0)
    return np.asarray(at, dtype=np.int64) + 1


def _zones(texts: Any, good: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.int64], str, str]:
    coded = texts.dictionary_encode()
    words = coded.dictionary.to_pylist()
    minutes = np.array([_offset(w) for w in words] or [0], dtype=np.int64)
    used = [w for w in words if w]
    offsets = {_offset(w) for w in used}
    # several offsets (summer time, many sites) have one order only in UTC
    common = offsets.pop() if len(offsets) == 1 else 0
    zone = "UTC" if common == 0 else f"{'-' if common < 0 else '+'}{abs(common) // 60:02d}:{abs(common) % 60:02d}"
    first = used[0] if used else "Z"
    form = "Z" if first == "Z" else ("+hh:mm" if ":" in first else "+hhmm" if len(first) == 5 else "+hh")
    codes = np.asarray(coded.indices.fill_null(0), dtype=np.int64)
    return np.where(good, minutes[codes], 0), zone, form


def _offset(text: str | None) -> int:
    if not text or text == "Z":
        return 0
    digits = text[1:].replace(":", "").ljust(4, "0")
    return (-1 if text[0] == "-" else 1) * (int(digits[:2]) * 60 + int(digits[2:4]))


def write(local: Stamps, manner: Mapping[str, Any], offsets: npt.NDArray[np.int64] | None = None) -> list[str]:
    """Return wall times written in the style; `offsets` are minutes east of UTC where the style has a zone."""
    style = str(manner["style"])
    form = re.sub(r"\{(\w+)\}", lambda m: "{" + _RENDER[m.group(1)] + "}", style)
    day = local.astype("datetime64[D]")
    month = local.astype("datetime64[M]").astype(np.int64)
    inside = (local - day).astype("timedelta64[us]").astype(np.int64)
    seconds, micro = np.divmod(inside, 1_000_000)
    hour = seconds // 3600
    shown = (hour - 1) % 12 + 1 if "{ampm}" in style else hour
    n = len(local)
    words = list(manner.get("ampm", ("AM", "PM")))
    columns = {
        "Y": (month // 12 + 1970).tolist(),
        "M": (month % 12 + 1).tolist(),
        "B": [_MONTHS[i] for i in month % 12] if "{Mon}" in style else [""] * n,
        "D": ((day - local.astype("datetime64[M]").astype("datetime64[D]")).astype(np.int64) + 1).tolist(),
        "h": shown.tolist(),
        "m": (seconds // 60 % 60).tolist(),
        "s": (seconds % 60).tolist(),
        "f": _fractions(micro, manner) if "{f}" in style else [""] * n,
        "p": [words[-1] if h >= 12 else words[0] for h in hour] if "{ampm}" in style else [""] * n,
        "z": _zone_texts(offsets, manner, n) if "{zone}" in style else [""] * n,
    }
    used = [k for k in columns if "{" + k in form]
    return [form.format(**dict(zip(used, row, strict=True))) for row in zip(*(columns[k] for k in used), strict=True)]


_RENDER = {
    "YYYY": "Y:04d",
    "MM": "M:02d",
    "M": "M",
    "Mon": "B",
    "DD": "D:02d",
    "D": "D",
    "HH": "h:02d",
    "H": "h",
    "mm": "m:02d",
    "ss": "s:02d",
    "f": "f",
    "ampm": "p",
    "zone": "z",
}


def _fractions(micro: npt.NDArray[np.int64], manner: Mapping[str, Any]) -> list[str]:
    low, high = manner.get("fraction", (6, 6))
    texts = [f"{v:06d}".ljust(high, "0")[:high] for v in micro.tolist()]
    return texts if low == high else [t.rstrip("0").ljust(low, "0") for t in texts]


def _zone_texts(offsets: npt.NDArray[np.int64] | None, manner: Mapping[str, Any], n: int) -> list[str]:
    form = manner.get("zone_form", "+hh:mm")
    minutes = [0] * n if offsets is None else offsets.tolist()
    if form == "Z" and not any(minutes):
        return ["Z"] * n
    colon = "" if form == "+hhmm" else ":"
    signs = [("-" if v < 0 else "+", *divmod(abs(v), 60)) for v in minutes]
    return [f"{s}{h:02d}" + ("" if form == "+hh" else f"{colon}{m:02d}") for s, h, m in signs]


__all__ = ["Moments", "parse", "readable", "understand", "write"]
