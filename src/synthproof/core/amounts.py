"""Amounts of time and memory as people write them: ``90s``, ``5m``, ``1h30m``; ``512M``, ``4G``."""

from __future__ import annotations

import re

from synthproof.core.errors import ConfigError
from synthproof.core.words import Words

_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_WORDS = {"sec": "s", "second": "s", "seconds": "s", "min": "m", "minute": "m", "minutes": "m"}
_WORDS |= {"hour": "h", "hours": "h", "day": "d", "days": "d", "초": "s", "분": "m", "시간": "h", "일": "d"}
_BYTES = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
_PIECE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z가-힣]*)\s*")
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?\s*")


def seconds_of(text: str | float, name: str = "--budget") -> float:
    """Return seconds from ``"90s"``, ``"5m"``, ``"1h30m"``, ``"2 hours"``; a bare number is seconds.

    Parameters
    ----------
    text
        What the user gave.
    name
        Of the setting, for the message.

    Raises
    ------
    ConfigError
        ``budget/unreadable`` for anything else, and for nothing or less.
    """
    if not isinstance(text, str):
        return _positive(text, name)
    rest, total = text.strip().lower(), 0.0
    if not rest:
        raise ConfigError("budget/unreadable", where=name, name=name)
    while rest:
        found = _PIECE.match(rest)
        if found is None:
            raise ConfigError("budget/unreadable", where=name, name=name)
        unit = found.group(2)
        unit = _WORDS.get(unit, unit)
        whole = not unit and total == 0 and found.end() == len(rest)
        if unit not in _SECONDS and not whole:
            raise ConfigError("budget/unreadable", where=name, name=name)
        total += float(found.group(1)) * _SECONDS.get(unit, 1.0)
        rest = rest[found.end() :]
    return _positive(total, name)


def bytes_of(text: str | float, name: str = "--memory") -> int:
    """Return bytes from ``"512M"``, ``"4G"``, ``"1.5 GiB"``; a bare number is bytes. K, M, G and T are powers of 1024.

    Raises
    ------
    ConfigError
        ``budget/unreadable`` for anything else, and for nothing or less.
    """
    if not isinstance(text, str):
        return int(_positive(text, name))
    found = _SIZE.fullmatch(text.lower())
    if found is None:
        raise ConfigError("budget/unreadable", where=name, name=name)
    return int(_positive(float(found.group(1)) * _BYTES[found.group(2)], name))


def show_seconds(seconds: float) -> Words:
    """Return a time in words, as exact as an estimate deserves."""
    if seconds < 100:
        shown = f"{seconds:.2g}" if seconds < 10 else f"{seconds:.0f}"
        return Words(en=f"{shown} s", ko=f"{shown}초")
    if seconds < 5400:
        return Words(en=f"{seconds / 60:.0f} min", ko=f"{seconds / 60:.0f}분")
    return Words(en=f"{seconds / 3600:.1f} h", ko=f"{seconds / 3600:.1f}시간")


def show_bytes(n: float) -> str:
    """Return an amount of memory, as exact as an estimate deserves."""
    return f"{n / 2**20:.0f} MiB" if n < 2**30 else f"{n / 2**30:.1f} GiB"


def _positive(value: float, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise ConfigError("budget/unreadable", where=name, name=name)
    return float(value)
