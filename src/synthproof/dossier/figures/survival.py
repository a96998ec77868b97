"""Survival curves: synthetic records beside those learned from and those that nothing was learned from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synthproof.core.words import Lang, Words
from synthproof.dossier.figures.canvas import INK, REAL_LINE, SYNTHETIC
from synthproof.dossier.figures.curves import Curve, curves_picture

_LINES = (
    ("train", Words(en="real", ko="실제"), INK, "", 1.6),
    ("holdout", Words(en="unseen real", ko="미학습 실제"), REAL_LINE, "7 4", 1.6),
    ("synthetic", Words(en="synthetic", ko="합성"), SYNTHETIC, "", 2.2),
)


def survival_picture(shown: Mapping[str, Any], *, lang: Lang) -> str:
    """Return the Kaplan-Meier curves of one survival target, or an empty string where they are not there.

    Parameters
    ----------
    shown
        ``time`` at even steps, and the share without the event at each, by table.
    """
    if not _numeric(shown.get("time")):
        return ""
    time = shown["time"]
    curves = [
        Curve(x=time, y=shown[name], name=told, stroke=stroke, dash=dash, width=width)
        for name, told, stroke, dash, width in _LINES
        if _numeric(shown.get(name)) and len(shown[name]) == len(time)
    ]
    if len(curves) < 2:
        return ""
    return curves_picture(
        curves,
        x_name=Words(en="time observed", ko="관찰 기간"),
        y_name=Words(en="share without the event", ko="사건이 발생하지 않은 비율"),
        lang=lang,
    )


def _numeric(values: Any) -> bool:
    return isinstance(values, list | tuple) and len(values) > 1 and all(isinstance(v, int | float) for v in values)
