"""Nearest-distance curves: synthetic records beside real records that nothing was learned from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from synthproof.core.words import Lang, Words
from synthproof.dossier.figures.canvas import REAL_LINE, SYNTHETIC
from synthproof.dossier.figures.curves import Curve, curves_picture

_LINES = (
    (("synthetic_to_train", "synthetic"), Words(en="synthetic", ko="합성"), SYNTHETIC, ""),
    (("holdout_to_train", "holdout"), Words(en="unseen real", ko="미학습 실제"), REAL_LINE, "7 4"),
)


def nearest_picture(detail: Mapping[str, Any], *, lang: Lang) -> str:
    """Return the share of records whose nearest training record lies within a distance, for both groups.

    Parameters
    ----------
    detail
        Quantile ``levels`` and the distances at them, ``synthetic_to_train`` and ``holdout_to_train``: quantiles between
        1 % and 99 %, no single record's distance.
    """
    share = detail["levels"] if _numeric(detail.get("levels")) else None
    lines = []
    for names, told, stroke, dash in _LINES:
        values = next((detail[n] for n in names if _numeric(detail.get(n))), None)
        if values is None:
            continue
        at = share if share is not None and len(share) == len(values) else _even(len(values))
        lines.append(Curve(x=values, y=at, name=told, stroke=stroke, dash=dash, width=2.0))
    if len(lines) < 2:
        return ""
    return curves_picture(
        lines,
        x_name=Words(en="distance to the nearest record learned from", ko="가장 가까운 학습 레코드까지의 거리"),
        y_name=Words(en="share of records", ko="레코드 비율"),
        lang=lang,
    )


def _numeric(values: Any) -> bool:
    return isinstance(values, list | tuple) and len(values) > 1 and all(isinstance(v, int | float) for v in values)


def _even(n: int) -> Sequence[float]:
    return [i / (n - 1) for i in range(n)]
