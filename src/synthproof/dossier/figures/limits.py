"""The repeats of a simulated limit: where the line comes from, seen at once."""

from __future__ import annotations

from collections.abc import Sequence

from synthproof.dossier.figures.canvas import INK, LIMIT, RULE, SOFT, Canvas, scale, tick_text

_WIDTH, _HEIGHT, _PAD = 210.0, 34.0, 8.0


def repeats_picture(values: Sequence[float], limit: float, name: str) -> str:
    """Return a rug of the repeats with the limit as a vertical line."""
    left, right = min(*values, limit), max(*values, limit)
    room = 0.08 * (right - left) or 0.05 * max(abs(right), 0.1)
    left, right = left - room, right + room
    a, b = scale(left, right, _PAD, _WIDTH - _PAD)
    sheet = Canvas(_WIDTH, _HEIGHT)
    sheet.line(_PAD, 18, _WIDTH - _PAD, 18, stroke=RULE)
    for v in values:
        sheet.line(a + b * v, 9, a + b * v, 18, stroke=INK, width=0.6)
    sheet.line(a + b * limit, 3, a + b * limit, 21, stroke=LIMIT, width=1.8)
    sheet.text(_PAD, _HEIGHT - 3, tick_text(float(f"{left + room:.2g}")), size=8, fill=SOFT)
    sheet.text(_WIDTH - _PAD, _HEIGHT - 3, tick_text(float(f"{right - room:.2g}")), size=8, fill=SOFT, anchor="end")
    return sheet.svg(f"{name}: {len(values)} repeats, limit {limit:.4g}")
