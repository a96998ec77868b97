"""The joint view: real data as binned density, synthetic rows as points, on two principal axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from synthproof.core.words import Lang, Words
from synthproof.dossier.figures.canvas import INK, RULE, SYNTHETIC, Canvas, scale, shade

_GREYS = ((244, 246, 248), (203, 210, 217), (140, 150, 160), (72, 84, 96))
_WIDTH, _HEIGHT = 640.0, 330.0
_PANEL, _TOP, _BOTTOM = 290.0, 24.0, 290.0


def joint_picture(detail: Mapping[str, Any], *, lang: Lang) -> str:
    """Return two panels: real density with synthetic points over it, and synthetic density alone.

    Parameters
    ----------
    detail
        ``edges_x`` and ``edges_y`` (k + 1 and l + 1 edges), ``real_counts`` and ``synthetic_counts`` (k × l; ``None`` or
        0 where hidden), ``synthetic_points`` ((x, y) of some synthetic rows). No real row is in it.
    """
    ex, ey = _numbers(detail.get("edges_x")), _numbers(detail.get("edges_y"))
    real, points = detail.get("real_counts"), detail.get("synthetic_points")
    if len(ex) < 2 or len(ey) < 2 or not isinstance(real, list | tuple):
        return ""
    sheet = Canvas(_WIDTH, _HEIGHT)
    titles = (
        Words(en="real (density) and synthetic rows (points)", ko="실제(밀도)와 합성 레코드(점)"),
        Words(en="synthetic (density)", ko="합성(밀도)"),
    )
    for k, title in enumerate(titles):
        left = 12 + k * (_PANEL + 32)
        sheet.text(left, 14, title.say(lang), size=11, fill=INK, bold=True, limit=50)
        counts = real if k == 0 else detail.get("synthetic_counts")
        _density(sheet, left, ex, ey, counts)
        if k == 0:
            _points(sheet, left, ex, ey, points)
        sheet.rect(left, _TOP, _PANEL, _BOTTOM - _TOP, stroke=RULE)
    explained = _numbers(detail.get("explained"))
    if len(explained) >= 2:
        told = Words(
            en=f"axes: first two principal components, {explained[0]:.0%} and {explained[1]:.0%} of the variance",
            ko=f"축: 제1·제2 주성분(분산의 {explained[0]:.0%}, {explained[1]:.0%})",
        )
        sheet.text(12, _BOTTOM + 20, told.say(lang), size=10, limit=90)
    return sheet.svg(" / ".join(t.say(lang) for t in titles))


def _numbers(values: Any) -> list[float]:
    return [float(v) for v in values if isinstance(v, int | float)] if isinstance(values, list | tuple) else []


def _density(sheet: Canvas, left: float, ex: Sequence[float], ey: Sequence[float], counts: Any) -> None:
    if not isinstance(counts, list | tuple) or len(counts) != len(ex) - 1:
        return
    cells = [[float(v) if isinstance(v, int | float) else 0.0 for v in row] for row in counts]
    top = max((v for row in cells for v in row), default=0.0) or 1.0
    ax, bx = scale(ex[0], ex[-1], left, left + _PANEL)
    ay, by = scale(ey[0], ey[-1], _BOTTOM, _TOP)
    for i, row in enumerate(cells):
        for j, v in enumerate(row[: len(ey) - 1]):
            if v > 0:
                x, y = ax + bx * ex[i], ay + by * ey[j + 1]
                w, h = bx * (ex[i + 1] - ex[i]) + 0.3, -by * (ey[j + 1] - ey[j]) + 0.3
                # The square root keeps thin regions visible beside dense ones.
                sheet.rect(x, y, w, h, fill=shade((v / top) ** 0.5, _GREYS))


def _points(sheet: Canvas, left: float, ex: Sequence[float], ey: Sequence[float], points: Any) -> None:
    if not isinstance(points, list | tuple):
        return
    ax, bx = scale(ex[0], ex[-1], left, left + _PANEL)
    ay, by = scale(ey[0], ey[-1], _BOTTOM, _TOP)
    for point in points:
        pair = _numbers(point)
        if len(pair) == 2 and ex[0] <= pair[0] <= ex[-1] and ey[0] <= pair[1] <= ey[-1]:
            sheet.dot(ax + bx * pair[0], ay + by * pair[1], 1.3, fill=SYNTHETIC, opacity=0.55)
