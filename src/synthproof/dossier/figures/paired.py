"""Pairs of numbers on one axis: real beside synthetic, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from synthproof.core.words import Lang, Words
from synthproof.dossier.figures.canvas import (
    INK,
    REAL_FILL,
    REAL_LINE,
    RULE,
    SYNTHETIC,
    Canvas,
    scale,
    tick_text,
    ticks,
)

_WIDTH, _LEFT, _RIGHT, _ROW, _TOP = 640.0, 230.0, 590.0, 24.0, 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One row: the number with real and with synthetic data, their intervals, and what guessing would give."""

    name: str
    real: float
    synthetic: float | None
    guessing: float | None = None
    real_interval: tuple[float, float] | None = None
    synthetic_interval: tuple[float, float] | None = None
    told: str = ""


def paired_picture(
    rows: Sequence[Pair],
    *,
    low: float,
    high: float,
    label: Words,
    lang: Lang,
    names: tuple[Words, Words],
    zero: bool = False,
) -> str:
    """Return one line per pair, a square for real and a dot for synthetic, or an empty string when there is none.

    Parameters
    ----------
    low, high
        Ends of the axis; what lies beyond is drawn at the end.
    names
        What square and dot stand for.
    zero
        Whether to mark 0 by a full line.
    """
    if not rows:
        return ""
    a, b = scale(low, high, _LEFT, _RIGHT)
    bottom = _TOP + _ROW * len(rows)
    sheet = Canvas(_WIDTH, bottom + 22)
    _key(sheet, lang, names, any(r.guessing is not None for r in rows))
    for v in ticks(low, high):
        sheet.line(a + b * v, _TOP - 4, a + b * v, bottom, stroke="#eef1f4")
        sheet.text(a + b * v, bottom + 14, tick_text(v), size=9, anchor="middle")
    if zero and low <= 0 <= high:
        sheet.line(a, _TOP - 4, a, bottom, stroke=REAL_LINE)

    def at(value: float) -> float:
        return a + b * min(high, max(low, value))

    for i, row in enumerate(rows):
        y = _TOP + _ROW * (i + 0.5)
        sheet.text(_LEFT - 10, y + 3.5, row.name, size=9.5, fill=INK, anchor="end", limit=38)
        sheet.line(_LEFT, y, _RIGHT, y, stroke=RULE, width=0.6)
        intervals = row.real_interval is not None or row.synthetic_interval is not None
        up, down = (y - 3.5, y + 3.5) if intervals else (y, y)
        if row.real_interval is not None:
            sheet.line(at(row.real_interval[0]), up, at(row.real_interval[1]), up, stroke=REAL_LINE, width=1.6)
        if row.synthetic_interval is not None:
            sheet.line(
                at(row.synthetic_interval[0]), down, at(row.synthetic_interval[1]), down, stroke=SYNTHETIC, width=1.6
            )
        if not intervals and row.synthetic is not None:
            sheet.line(at(row.real), y, at(row.synthetic), y, stroke=SYNTHETIC, width=2.2)
        if row.guessing is not None:
            _guess(sheet, at(row.guessing), y)
        side = 7.0 if intervals else 9.0
        sheet.rect(at(row.real) - side / 2, up - side / 2, side, side, fill=REAL_FILL, stroke=REAL_LINE)
        if row.synthetic is not None:
            sheet.dot(at(row.synthetic), down, side / 2, fill=SYNTHETIC, stroke="#ffffff")
        sheet.text(_RIGHT + 8, y + 3.5, row.told, size=9)
    return sheet.svg(label.say(lang))


def _guess(sheet: Canvas, x: float, y: float) -> None:
    sheet.path([(x, y - 4), (x - 4, y + 4), (x + 4, y + 4)], stroke=INK, fill="#ffffff", width=1.1, closed=True)


def _key(sheet: Canvas, lang: Lang, names: tuple[Words, Words], guessing: bool) -> None:
    x = _LEFT
    sheet.rect(x, 5, 9, 9, fill=REAL_FILL, stroke=REAL_LINE)
    sheet.text(x + 14, 13, names[0].say(lang), size=9.5, fill=INK)
    sheet.dot(x + 130, 9.5, 4.5, fill=SYNTHETIC)
    sheet.text(x + 140, 13, names[1].say(lang), size=9.5, fill=INK)
    if guessing:
        _guess(sheet, x + 275, 9.5)
        sheet.text(x + 284, 13, Words(en="guessing", ko="추측").say(lang), size=9.5, fill=INK)


__all__ = ["Pair", "paired_picture"]
