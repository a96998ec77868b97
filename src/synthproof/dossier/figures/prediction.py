"""How well models predict real records: learned from real data, learned from synthetic data, and guessing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
MOST_ROWS = 14


def prediction_picture(detail: Mapping[str, Any], *, lang: Lang) -> str:
    """Return one line per target, model and score, or an empty string when there is none.

    Parameters
    ----------
    detail
        ``scores``: ``target/model/score`` → ``trtr``, ``tstr``, ``guessing``. Scores for which lower is better (errors)
        are left out: one axis, one direction.
    """
    scores = detail.get("scores")
    if not isinstance(scores, Mapping):
        return ""
    rows = [
        (str(name), *found)
        for name, values in scores.items()
        if "MAE" not in str(name) and (found := _three(values)) is not None
    ][:MOST_ROWS]
    if not rows:
        return ""
    low = max(-0.5, min(0.0, *(v for row in rows for v in row[1:])))
    a, b = scale(low, 1.0, _LEFT, _RIGHT)
    bottom = _TOP + _ROW * len(rows)
    sheet = Canvas(_WIDTH, bottom + 22)
    _key(sheet, lang)
    for v in ticks(low, 1.0):
        sheet.line(a + b * v, _TOP - 4, a + b * v, bottom, stroke="#eef1f4")
        sheet.text(a + b * v, bottom + 14, tick_text(v), size=9, anchor="middle")
    for i, (name, real, synthetic, guessing) in enumerate(rows):
        y = _TOP + _ROW * (i + 0.5)
        x = [a + b * min(1.0, max(low, v)) for v in (real, synthetic, guessing)]
        sheet.text(_LEFT - 10, y + 3.5, name.replace("/", " · "), size=9.5, fill=INK, anchor="end", limit=38)
        sheet.line(_LEFT, y, _RIGHT, y, stroke=RULE, width=0.6)
        sheet.line(x[0], y, x[1], y, stroke=SYNTHETIC, width=2.2)
        _guess(sheet, x[2], y)
        sheet.rect(x[0] - 4.5, y - 4.5, 9, 9, fill=REAL_FILL, stroke=REAL_LINE)
        sheet.dot(x[1], y, 4.5, fill=SYNTHETIC, stroke="#ffffff")
        sheet.text(_RIGHT + 8, y + 3.5, f"{synthetic - real:+.3f}", size=9)
    return sheet.svg(Words(en="scores of models on real records", ko="실제 자료에 대한 모형 성능").say(lang))


def _three(values: Any) -> tuple[float, float, float] | None:
    if not isinstance(values, Mapping):
        return None
    found = [values.get(k) for k in ("trtr", "tstr", "guessing")]
    if not all(isinstance(v, int | float) for v in found[:2]):
        return None
    real, synthetic, guessing = (float(v) if isinstance(v, int | float) else 0.0 for v in found)
    return real, synthetic, guessing


def _guess(sheet: Canvas, x: float, y: float) -> None:
    sheet.path([(x, y - 4), (x - 4, y + 4), (x + 4, y + 4)], stroke=INK, fill="#ffffff", width=1.1, closed=True)


def _key(sheet: Canvas, lang: Lang) -> None:
    names = (
        Words(en="learned from real", ko="원본으로 학습"),
        Words(en="learned from synthetic", ko="합성으로 학습"),
        Words(en="guessing", ko="추측"),
    )
    x = _LEFT
    sheet.rect(x, 5, 9, 9, fill=REAL_FILL, stroke=REAL_LINE)
    sheet.text(x + 14, 13, names[0].say(lang), size=9.5, fill=INK)
    sheet.dot(x + 130, 9.5, 4.5, fill=SYNTHETIC)
    sheet.text(x + 140, 13, names[1].say(lang), size=9.5, fill=INK)
    _guess(sheet, x + 275, 9.5)
    sheet.text(x + 284, 13, names[2].say(lang), size=9.5, fill=INK)
