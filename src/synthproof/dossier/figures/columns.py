"""Column overlays: real as grey area, synthetic as a blue line, one small tile per column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from synthproof.core.evidence import Evidence
from synthproof.dossier.disclose import HIDDEN
from synthproof.dossier.figures.canvas import INK, REAL_FILL, REAL_LINE, RULE, SOFT, SYNTHETIC, Canvas, tick_text

_WIDTH, _HEIGHT = 268.0, 152.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 8.0, 260.0, 36.0, 132.0
_MOST_ROWS = 7
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def column_tile(e: Evidence) -> str:
    """Return the overlay of one column, or an empty string when the evidence carries none.

    Parameters
    ----------
    e
        Evidence of ``table.shape`` whose detail has ``overlay``: counts in bins (``edges``) or levels (``labels``).
    """
    overlay = e.detail.get("overlay")
    if not isinstance(overlay, Mapping) or e.estimate is None:
        return ""
    real, other = _counts(overlay.get("real")), _counts(overlay.get("synthetic"))
    if not real or len(real) != len(other):
        return ""
    sheet = Canvas(_WIDTH, _HEIGHT)
    sheet.text(_LEFT, 14, e.subject, size=11, fill=INK, bold=True, limit=28)
    sheet.text(_RIGHT, 14, f"{e.detail.get('form', '')} {e.estimate:.3f}", size=9.5, anchor="end")
    sheet.text(_LEFT, 27, _missing(overlay, sum(v or 0 for v in real), sum(v or 0 for v in other)), size=8)
    if "labels" in overlay:
        _levels(sheet, list(overlay["labels"]), real, other)
    else:
        _bins(sheet, list(overlay.get("edges", ())), real, other, str(overlay.get("kind", "")))
    return sheet.svg(f"{e.subject}: {e.detail.get('form', 'distance')} {e.estimate:.3f}")


def _counts(values: Any) -> list[float | None]:
    if not isinstance(values, list | tuple):
        return []
    return [float(v) if isinstance(v, int | float) else None for v in values]


def _missing(overlay: Mapping[str, Any], real: float, other: float) -> str:
    a, b = overlay.get("real_missing"), overlay.get("synthetic_missing")
    if not a and not b:
        return ""
    left = "<10" if a is None else f"{a / max(1, a + real):.1%}"
    return f"∅ {left} → {(b or 0) / max(1, (b or 0) + other):.1%}"


def _bins(
    sheet: Canvas, edges: Sequence[float], real: list[float | None], other: list[float | None], kind: str
) -> None:
    if not edges or len(real) != len(edges) + 1:
        _single(sheet, real, other)
        return
    inner = sorted(b - a for a, b in pairwise(edges))
    step = inner[len(inner) // 2] if inner else max(abs(edges[0]) * 0.1, 1.0)
    cuts = [edges[0] - step, *edges, edges[-1] + step]
    heights = [_density(v, cuts) for v in (real, other)]
    top = max(max(h) for h in heights) or 1.0
    span = cuts[-1] - cuts[0]
    x = [_LEFT + (c - cuts[0]) / span * (_RIGHT - _LEFT) for c in cuts]
    y = [[_BOTTOM - v / top * (_BOTTOM - _TOP) for v in h] for h in heights]
    for i in range(len(real)):
        sheet.rect(x[i], y[0][i], x[i + 1] - x[i], _BOTTOM - y[0][i], fill=REAL_FILL)
    sheet.path(_steps(x, y[0]), stroke=REAL_LINE, width=0.7)
    sheet.path(_steps(x, y[1]), stroke=SYNTHETIC, width=1.7)
    sheet.line(_LEFT, _BOTTOM, _RIGHT, _BOTTOM, stroke=RULE)
    sheet.text(x[1], 146, "≤ " + _value(edges[0], kind), size=8.5, fill=SOFT)
    sheet.text(x[-2], 146, "> " + _value(edges[-1], kind), size=8.5, fill=SOFT, anchor="end")


def _density(counts: Sequence[float | None], cuts: Sequence[float]) -> list[float]:
    total = sum(v or 0 for v in counts) or 1.0
    return [(v or 0) / total / max(b - a, 1e-300) for v, (a, b) in zip(counts, pairwise(cuts), strict=True)]


def _steps(x: Sequence[float], y: Sequence[float]) -> list[tuple[float, float]]:
    points = [(x[0], _BOTTOM)]
    for i, height in enumerate(y):
        points += [(x[i], height), (x[i + 1], height)]
    return [*points, (x[-1], _BOTTOM)]


def _single(sheet: Canvas, real: list[float | None], other: list[float | None]) -> None:
    _levels(sheet, ["●"] * len(real), real, other)


def _levels(sheet: Canvas, labels: Sequence[str | None], real: list[float | None], other: list[float | None]) -> None:
    total_real, total_other = sum(v or 0 for v in real) or 1.0, sum(v or 0 for v in other) or 1.0
    names = [HIDDEN.ko + " · rare" if v is None else str(v) for v in labels]
    rows = [
        (n, r / total_real if r is not None else None, (o or 0) / total_other)
        for n, r, o in zip(names, real, other, strict=True)
    ]
    rows.sort(key=lambda row: -(row[1] or 0))
    if len(rows) > _MOST_ROWS:
        rest = rows[_MOST_ROWS - 1 :]
        rows = [*rows[: _MOST_ROWS - 1], (f"+ {len(rest)}", sum(r[1] or 0 for r in rest), sum(r[2] for r in rest))]
    top = max(max(r[1] or 0, r[2]) for r in rows) or 1.0
    start, room = 104.0, _RIGHT - 34 - 104.0
    height = min(16.0, (146 - _TOP) / len(rows))
    for i, (name, a, b) in enumerate(rows):
        y = _TOP + i * height
        sheet.text(start - 5, y + height * 0.66, name, size=8.8, fill=INK, anchor="end", limit=17)
        if a is not None:
            sheet.rect(start, y + 1.5, max(0.6, a / top * room), height - 4, fill=REAL_FILL, stroke=REAL_LINE)
        edge = start + b / top * room
        sheet.line(start, y + height / 2 - 0.5, edge, y + height / 2 - 0.5, stroke=SYNTHETIC, width=2.4)
        sheet.line(edge, y + 1, edge, y + height - 2.5, stroke=SYNTHETIC, width=1.6)
        far = start + max(a or 0, b) / top * room
        sheet.text(far + 4, y + height * 0.66, f"{b:.0%}", size=8)


def _value(value: float, kind: str) -> str:
    if kind != "datetime":
        return tick_text(value)
    try:
        return (_EPOCH + timedelta(microseconds=value)).strftime("%Y-%m")
    except (OverflowError, ValueError):
        return tick_text(value)
