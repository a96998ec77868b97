"""Curves over a unit square: ROC of the distinguishers, and nearest distances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from synthproof.core.words import Lang, Words
from synthproof.dossier.figures.canvas import INK, RULE, SOFT, Canvas, scale, tick_text, ticks

_WIDTH, _HEIGHT = 460.0, 330.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 58.0, 440.0, 14.0, 280.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One line: its points, its name, and how it is drawn."""

    x: Sequence[float]
    y: Sequence[float]
    name: Words
    stroke: str
    dash: str = ""
    width: float = 1.8


def curves_picture(
    curves: Sequence[Curve],
    *,
    x_name: Words,
    y_name: Words,
    lang: Lang,
    diagonal: bool = False,
    x_range: tuple[float, float] | None = None,
    y_range: tuple[float, float] = (0.0, 1.0),
    key_low: bool = True,
) -> str:
    """Return the curves on one pair of axes with a key; lines differ in dash as well as in colour."""
    low, high = x_range or _range([v for c in curves for v in c.x])
    ax, bx = scale(low, high, _LEFT, _RIGHT)
    ay, by = scale(y_range[0], y_range[1], _BOTTOM, _TOP)
    sheet = Canvas(_WIDTH, _HEIGHT)
    for v in ticks(low, high):
        sheet.line(ax + bx * v, _TOP, ax + bx * v, _BOTTOM, stroke="#eef1f4")
        sheet.text(ax + bx * v, _BOTTOM + 15, tick_text(v), size=9.5, anchor="middle")
    for v in ticks(*y_range):
        sheet.line(_LEFT, ay + by * v, _RIGHT, ay + by * v, stroke="#eef1f4")
        sheet.text(_LEFT - 6, ay + by * v + 3.5, tick_text(v), size=9.5, anchor="end")
    sheet.path([(_LEFT, _TOP), (_LEFT, _BOTTOM), (_RIGHT, _BOTTOM)], stroke=RULE, width=1)
    if diagonal:
        sheet.line(_LEFT, _BOTTOM, _RIGHT, _TOP, stroke=SOFT, dash="2 4")
    for c in curves:
        points = [(ax + bx * x, ay + by * y) for x, y in zip(c.x, c.y, strict=False)]
        sheet.path(points, stroke=c.stroke, width=c.width, dash=c.dash)
    key = 36 + max((_length(c.name.say(lang)) for c in curves), default=0.0)
    start = _BOTTOM - 16 * len(curves) - 4 if key_low else _TOP + 6
    for i, c in enumerate(curves):
        y = start + 16 * i
        sheet.line(_RIGHT - key, y, _RIGHT - key + 26, y, stroke=c.stroke, width=c.width, dash=c.dash)
        sheet.text(_RIGHT - key + 32, y + 3.5, c.name.say(lang), size=10, fill=INK, limit=64)
    sheet.text((_LEFT + _RIGHT) / 2, _HEIGHT - 14, x_name.say(lang), size=10.5, anchor="middle", limit=60)
    sheet.text(16, (_TOP + _BOTTOM) / 2, y_name.say(lang), size=10.5, anchor="middle", turn=-90, limit=48)
    return sheet.svg(f"{y_name.say(lang)} / {x_name.say(lang)}")


def _length(text: str) -> float:
    """Return about how wide a text of size 10 is; Hangul is twice as wide as Latin."""
    return sum(9.4 if ord(sign) > 0x1100 else 5.6 for sign in text[:44])


def _range(values: Sequence[float]) -> tuple[float, float]:
    finite = [v for v in values if v == v]
    if not finite:
        return 0.0, 1.0
    low, high = min(finite), max(finite)
    return (low, high) if high > low else (low - 0.5, high + 0.5)
