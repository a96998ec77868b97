"""How well models predict real records: learned from real data, learned from synthetic data, and guessing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synthproof.core.words import Lang, Words
from synthproof.dossier.figures.paired import Pair, paired_picture

MOST_ROWS = 14
LEARNED = (Words(en="learned from real", ko="원본으로 학습"), Words(en="learned from synthetic", ko="합성으로 학습"))


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
        pair
        for name, values in scores.items()
        if "MAE" not in str(name) and (pair := _pair(str(name).replace("/", " · "), values)) is not None
    ]
    return _drawn(rows, lang, Words(en="scores of models on real records", ko="실제 자료에 대한 모형 성능"))


def subgroups_picture(detail: Mapping[str, Any], *, lang: Lang) -> str:
    """Return one line per class or subgroup, the largest gaps first.

    Parameters
    ----------
    detail
        ``groups``: ``column``, ``label``, ``score``, ``trtr``, ``tstr`` of each, as `table.subgroups` gives them.
    """
    rows = []
    for group in detail.get("groups", ()):
        if isinstance(group, Mapping) and "MAE" not in str(group.get("score")):
            name = f"{group.get('column')} = {group.get('label') or '…'} · {group.get('score')}"
            rows.append(_pair(name, group, guess=0.5 if group.get("score") == "AUROC" else None))
    label = Words(en="scores by class and subgroup", ko="범주·하위집단별 모형 성능")
    return _drawn([r for r in rows if r is not None], lang, label)


def _drawn(rows: list[Pair], lang: Lang, label: Words) -> str:
    shown = rows[:MOST_ROWS]
    seen = [v for r in shown for v in (r.real, r.synthetic, r.guessing) if v is not None]
    low = max(-0.5, min(0.0, *seen)) if seen else 0.0
    return paired_picture(shown, low=low, high=1.0, label=label, lang=lang, names=LEARNED)


def _pair(name: str, values: Any, *, guess: float | None = 0.0) -> Pair | None:
    if not isinstance(values, Mapping):
        return None
    real, synthetic, guessing = (values.get(k) for k in ("trtr", "tstr", "guessing"))
    if not isinstance(real, int | float) or not isinstance(synthetic, int | float):
        return None
    known = float(guessing) if isinstance(guessing, int | float) else guess
    told = f"{synthetic - real:+.3f}"
    return Pair(name=name, real=float(real), synthetic=float(synthetic), guessing=known, told=told)
