"""ROC curves of the classifiers that try to tell synthetic from real."""

from __future__ import annotations

from collections.abc import Sequence

from synthproof.core.evidence import Evidence
from synthproof.core.words import Lang, Words
from synthproof.dossier.figures.canvas import INK, SOFT, SYNTHETIC
from synthproof.dossier.figures.curves import Curve, curves_picture
from synthproof.dossier.numbers import card_of

_STYLES = ((SYNTHETIC, "", 2.2), (INK, "7 4", 1.6), (SOFT, "2 3", 1.6))


def roc_picture(evidence: Sequence[Evidence], *, lang: Lang) -> str:
    """Return the ROC curves on one square, or an empty string when there are none."""
    curves: list[Curve] = []
    for e in evidence:
        roc = e.detail["roc"]
        x, y = roc.get("fpr"), roc.get("tpr")
        if not isinstance(x, list | tuple) or not isinstance(y, list | tuple) or len(x) != len(y) or not x:
            continue
        stroke, dash, width = _STYLES[len(curves) % len(_STYLES)]
        card = card_of(e.metric)
        name = card.name if card else Words(en=e.metric, ko=e.metric)
        auc = f" {e.estimate:.3f}" if e.estimate is not None else ""
        curves.append(
            Curve(x=x, y=y, name=Words(en=name.en + auc, ko=name.ko + auc), stroke=stroke, dash=dash, width=width)
        )
    if not curves:
        return ""
    return curves_picture(
        curves[: len(_STYLES)],
        x_name=Words(en="real records taken for synthetic", ko="실제를 합성으로 잘못 본 비율"),
        y_name=Words(en="synthetic records found", ko="합성을 찾아낸 비율"),
        lang=lang,
        diagonal=True,
        x_range=(0.0, 1.0),
    )
