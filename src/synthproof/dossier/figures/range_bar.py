"""The small graphic beside every number: interval, estimate, reference and limit on one line."""

from __future__ import annotations

from synthproof.core.evidence import Evidence, Limit
from synthproof.dossier.figures.canvas import INK, LIMIT, RULE, SOFT, SYNTHETIC, Canvas, scale, tick_text

_WIDTH, _HEIGHT, _PAD = 210.0, 38.0, 8.0


def range_bar(e: Evidence, limit: Limit | None, *, low: float, high: float) -> str:
    """Return the graphic of one measured number.

    The line spans what is to be seen (interval, reference, limit), widened a little and never beyond the metric's
    own range [low, high]. The side on which the limit is broken is tinted; the limit is a full vertical line, the
    reference a hollow triangle below the line, the interval a thick bar, the estimate a dot.
    """
    if e.estimate is None or e.interval is None:
        return ""
    seen = [e.estimate, *e.interval]
    seen += [e.reference] if e.reference is not None else []
    seen += list(e.reference_interval or ())
    seen += [limit.value] if limit else []
    left, right = min(seen), max(seen)
    room = 0.12 * (right - left) or 0.05 * max(abs(right), 0.1)
    left, right = max(low, left - room), min(high, right + room)
    if right <= left:
        left, right = left - 0.5, right + 0.5
    a, b = scale(left, right, _PAD, _WIDTH - _PAD)
    sheet, y = Canvas(_WIDTH, _HEIGHT), 14.0

    def at(value: float) -> float:
        return a + b * min(right, max(left, value))

    if limit:
        start, end = (at(limit.value), _WIDTH - _PAD) if limit.side == "max" else (_PAD, at(limit.value))
        sheet.rect(start, y - 10, end - start, 20, fill=LIMIT, opacity=0.1)
    sheet.line(_PAD, y, _WIDTH - _PAD, y, stroke=RULE)
    sheet.line(at(e.interval[0]), y, at(e.interval[1]), y, stroke=SYNTHETIC, width=5)
    if limit:
        sheet.line(at(limit.value), y - 10, at(limit.value), y + 10, stroke=LIMIT, width=1.8)
    if e.reference is not None:
        x = at(e.reference)
        sheet.path([(x, y + 3), (x - 4, y + 10), (x + 4, y + 10)], stroke=INK, fill="#ffffff", width=1.1, closed=True)
    sheet.dot(at(e.estimate), y, 4, fill=INK, stroke="#ffffff")
    sheet.text(_PAD, _HEIGHT - 3, tick_text(float(f"{left:.2g}")), size=8, fill=SOFT)
    sheet.text(_WIDTH - _PAD, _HEIGHT - 3, tick_text(float(f"{right:.2g}")), size=8, fill=SOFT, anchor="end")
    return sheet.svg(_spoken(e, limit))


def _spoken(e: Evidence, limit: Limit | None) -> str:
    parts = [f"{e.metric} {e.estimate:.4g}"]
    if e.interval:
        parts.append(f"[{e.interval[0]:.4g}, {e.interval[1]:.4g}]")
    if e.reference is not None:
        parts.append(f"reference {e.reference:.4g}")
    if limit:
        parts.append(f"limit {'≤' if limit.side == 'max' else '≥'} {limit.value:.4g}")
    return ", ".join(parts)
