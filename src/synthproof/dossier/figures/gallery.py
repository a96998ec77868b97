"""Which pictures a proof's evidence can show, in the order a reader expects them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

from synthproof.core.words import LANGS, Words
from synthproof.dossier.disclose import printable
from synthproof.dossier.figures.columns import column_tile
from synthproof.dossier.figures.gallery_images import clouds
from synthproof.dossier.figures.gallery_utility import together, usefulness
from synthproof.dossier.figures.heat import heat_triplet
from synthproof.dossier.figures.nearest import nearest_picture
from synthproof.dossier.figures.pca import joint_picture
from synthproof.dossier.figures.prediction import prediction_picture
from synthproof.dossier.figures.roc import roc_picture
from synthproof.dossier.figures.survival import survival_picture
from synthproof.verification.proof import Proof

MOST_TILES = 60
"""Most column overlays on the page: the least alike come first."""
MOST_PAIRED = 40
"""Most columns of a heat map; of more, those with the largest differences are shown."""

MOST_SURVIVAL = 4
"""Most survival targets with a picture."""


def gallery(proof: Proof) -> list[dict[str, Any]]:
    """Return one entry per picture that the evidence carries the aggregates for.

    Returns
    -------
    list of dict
        ``anchor``, ``title``, ``caption`` and either ``tiles`` (pictures without a word in them) or one picture in
        each language (``ko``, ``en``).
    """
    found = (
        _columns(proof),
        _pairs(proof),
        _roc(proof),
        _joint(proof),
        *together(proof),
        *clouds(proof),
        _prediction(proof),
        *usefulness(proof),
        *_survival(proof),
        _nearest(proof),
    )
    return [entry for entry in found if entry is not None]


def _columns(proof: Proof) -> dict[str, Any] | None:
    shapes = [e for e in proof.evidence if e.metric == "table.shape" and e.subject != "all"]
    shapes.sort(key=lambda e: -(e.estimate or 0.0))
    tiles = [tile for e in shapes[:MOST_TILES] if (tile := column_tile(e))]
    if not tiles:
        return None
    more = len(shapes) - len(tiles)
    rest = (f" {more} further columns stand in dossier.json.", f" 나머지 {more}개 항목은 dossier.json에 있습니다.")
    return {
        "anchor": "picture-columns",
        "title": Words(en="Columns, least alike first", ko="항목별 분포(차이가 큰 순서)"),
        "caption": Words(
            en="Grey: real; blue: synthetic. The number is the largest gap between the distributions (KS for numbers, "
            "total variation for levels); ∅ is the share missing. Bins with fewer than 10 real units are merged, levels "
            "with fewer are not named." + (rest[0] if more else ""),
            ko="회색은 실제, 파란색은 합성입니다. 숫자는 두 분포의 최대 차이(수치는 KS, 범주는 총변동 거리), ∅는 결측 비율입니다. "
            "실제 단위가 10 미만인 구간은 합치고, 그러한 범주는 이름을 밝히지 않습니다." + (rest[1] if more else ""),
        ),
        "tiles": tiles,
    }


def _pairs(proof: Proof) -> dict[str, Any] | None:
    detail = _detail(proof, "table.corr_sd")
    names, real, other = (detail.get(k) for k in ("names", "real", "synthetic"))
    if not (_square(real, names) and _square(other, names)):
        return None
    assert isinstance(names, list | tuple)
    order = _widest(real, other, len(names))
    shown = [str(names[i]) for i in order]
    a, b = ([[_finite(m[i][j]) for j in order] for i in order] for m in (real, other))
    pictures: dict[str, str] = {lang: heat_triplet(shown, a, b, lang=lang) for lang in LANGS}
    worst = "; ".join(
        f"{printable(p['pair'][0], 30)} × {printable(p['pair'][1], 30)} ({p['real']:.2f} → {p['synthetic']:.2f})"
        for p in list(detail.get("worst_pairs", ()))[:3]
    )
    return {
        "anchor": "picture-pairs",
        "title": Words(en="Pairs of columns", ko="항목 간 관계"),
        "caption": Words(
            en="Association of each pair: Pearson for numbers, Cramér's V for levels, η² between the two; the darker, the "
            "stronger. Difference = real minus synthetic; orange with + where the synthetic data lost association, blue "
            "with − where they added some." + (f" Furthest apart: {worst}." if worst else ""),
            ko="항목 쌍의 연관성입니다(수치 쌍은 피어슨 상관, 범주 쌍은 크라메르 V, 범주-수치는 η²). 짙을수록 강합니다. "
            "차이는 실제에서 합성을 뺀 값으로, 주황색(+)은 약해진 관계, 파란색(−)은 강해진 관계입니다."
            + (f" 차이가 큰 쌍: {worst}." if worst else ""),
        ),
        "tiles": [],
        **pictures,
    }


def _widest(real: Any, other: Any, n: int) -> list[int]:
    if n <= MOST_PAIRED:
        return list(range(n))
    worst = [max(abs(_finite(real[i][j]) - _finite(other[i][j])) for j in range(n)) for i in range(n)]
    return sorted(sorted(range(n), key=lambda i: -worst[i])[:MOST_PAIRED])


def _square(value: Any, names: Any) -> TypeGuard[list[list[float]]]:
    if not isinstance(names, list | tuple) or not isinstance(value, list | tuple) or not names:
        return False
    return len(value) == len(names) and all(isinstance(r, list | tuple) and len(r) == len(names) for r in value)


def _finite(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _roc(proof: Proof) -> dict[str, Any] | None:
    found = [e for e in proof.evidence if isinstance(e.detail.get("roc"), Mapping)]
    pictures: dict[str, str] = {lang: roc_picture(found, lang=lang) for lang in LANGS}
    if not pictures["en"]:
        return None
    alone: Mapping[str, Any] = next(
        (e.detail["columns_alone"] for e in found if isinstance(e.detail.get("columns_alone"), Mapping)), {}
    )
    top = ", ".join(f"{printable(n, 30)} ({v:.2f})" for n, v in list(alone.items())[:4] if isinstance(v, int | float))
    return {
        "anchor": "picture-roc",
        "title": Words(en="Can synthetic records be told from real ones?", ko="합성 레코드를 구별할 수 있는가?"),
        "caption": Words(
            en="ROC of classifiers that guess which record is synthetic. On the dotted diagonal they guess as a coin does: "
            "the nearer to it, the harder to tell." + (f" Single columns that tell most (AUC): {top}." if top else ""),
            ko="어느 쪽이 합성 레코드인지 맞히는 분류기의 ROC 곡선입니다. 점선(대각선)은 동전 던지기 수준이며, "
            "가까울수록 구별하기 어렵습니다." + (f" 단독으로 가장 잘 드러나는 항목(AUC): {top}." if top else ""),
        ),
        "tiles": [],
        **pictures,
    }


def _joint(proof: Proof) -> dict[str, Any] | None:
    detail = _detail(proof, "table.joint_view")
    pictures: dict[str, str] = {lang: joint_picture(detail, lang=lang) for lang in LANGS}
    if not pictures["en"]:
        return None
    return {
        "anchor": "picture-joint",
        "title": Words(en="All columns together", ko="전체 항목을 함께 본 모습"),
        "caption": Words(
            en="Records placed on the two directions in which the real data vary most. Real records appear only as "
            "density (cells with fewer than 10 are empty); every point is a synthetic record.",
            ko="실제 자료가 가장 크게 변하는 두 방향 위에 레코드를 놓은 그림입니다. 실제 자료는 밀도로만 나타내며(10 미만인 칸은 비움), "
            "점은 모두 합성 레코드입니다.",
        ),
        "tiles": [],
        **pictures,
    }


def _prediction(proof: Proof) -> dict[str, Any] | None:
    detail = _detail(proof, "table.prediction")
    pictures: dict[str, str] = {lang: prediction_picture(detail, lang=lang) for lang in LANGS}
    if not pictures["en"]:
        return None
    return {
        "anchor": "picture-prediction",
        "title": Words(en="The task itself: predicting real records", ko="실제 과제: 원본 예측"),
        "caption": Words(
            en="Each model is learned once from real and once from synthetic data and tested on real records that neither "
            "has seen. The nearer the two marks, the better; the number is synthetic less real. Higher is better.",
            ko="같은 모형을 원본과 합성데이터로 각각 학습하여, 둘 다 보지 못한 실제 자료로 시험한 결과입니다. 두 표시가 가까울수록 좋으며, "
            "오른쪽 숫자는 합성에서 원본을 뺀 값입니다. 높을수록 좋습니다.",
        ),
        "tiles": [],
        **pictures,
    }


def _survival(proof: Proof) -> list[dict[str, Any]]:
    out: list[dict[str, Any]] = []
    for shown in list(_detail(proof, "table.kaplan_meier").get("curves", ()))[:MOST_SURVIVAL]:
        pictures: dict[str, str] = {lang: survival_picture(shown, lang=lang) for lang in LANGS}
        if not pictures["en"]:
            continue
        name = printable(shown["target"], 60)
        out.append(
            {
                "anchor": f"picture-survival-{len(out) + 1}",
                "title": Words(en=f"Survival: {name}", ko=f"생존곡선: {name}"),
                "caption": Words(
                    en="Kaplan-Meier curves: the share of records that have not yet had the event. The nearer the blue line "
                    "to the black one, the better; the dashed line shows how far another real sample lies from it.",
                    ko="카플란-마이어 곡선(사건이 아직 발생하지 않은 비율)입니다. 파란 선이 검은 선에 가까울수록 좋으며, "
                    "점선은 다른 실제 표본이 어느 정도 떨어져 있는지를 나타냅니다.",
                ),
                "tiles": [],
                **pictures,
            }
        )
    return out


def _nearest(proof: Proof) -> dict[str, Any] | None:
    detail = _detail(proof, "table.nearer_than_unseen")
    pictures: dict[str, str] = {lang: nearest_picture(detail, lang=lang) for lang in LANGS}
    if not pictures["en"]:
        return None
    return {
        "anchor": "picture-nearest",
        "title": Words(
            en="How near do synthetic records come to real ones?", ko="합성 레코드는 실제 레코드에 얼마나 가까운가?"
        ),
        "caption": Words(
            en="Distance to the nearest record that was learned from. If the synthetic line lies left of that of unseen real "
            "records, synthetic records are nearer to the training data than chance allows.",
            ko="학습에 쓴 레코드 중 가장 가까운 것까지의 거리입니다. 합성 곡선이 미학습 실제 곡선보다 왼쪽에 있으면 "
            "우연보다 학습 자료에 더 "
            "가깝다는 뜻입니다.",
        ),
        "tiles": [],
        **pictures,
    }


def _detail(proof: Proof, metric: str) -> Mapping[str, Any]:
    return next((e.detail for e in proof.evidence if e.metric == metric and e.outcome == "measured"), {})
