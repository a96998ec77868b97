"""Pictures of usefulness and of the joint distribution: regressions, subgroups, fairness, densities, clusters, t-SNE."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from synthproof.core.evidence import Evidence
from synthproof.core.words import LANGS, Lang, Words
from synthproof.dossier.disclose import printable
from synthproof.dossier.figures.densities import densities_picture
from synthproof.dossier.figures.gallery_images import of_images
from synthproof.dossier.figures.paired import Pair, paired_picture
from synthproof.dossier.figures.pca import joint_picture
from synthproof.dossier.figures.prediction import LEARNED, subgroups_picture
from synthproof.verification.proof import Proof

MOST_MODELS = 3
MOST_COEFFICIENTS = 14
MOST_GAPS = 16
_REAL = (Words(en="real", ko="실제"), Words(en="synthetic", ko="합성"))
_Z = 1.96

Entry = dict[str, Any]


_TSNE_OF_IMAGES = Words(en="Images together: t-SNE map", ko="이미지를 함께 본 모습(t-SNE)")


def usefulness(proof: Proof) -> list[Entry | None]:
    """Return the pictures of regressions, subgroups and fairness gaps."""
    return [*_coefficients(proof), _subgroups(proof), _fairness(proof)]


def together(proof: Proof) -> list[Entry | None]:
    """Return the pictures of joint densities, clusters and the t-SNE map."""
    return [_densities(proof), _clusters(proof), _tsne(proof)]


def _entry(anchor: str, title: Words, caption: Words, draw: Callable[[Lang], str]) -> Entry | None:
    pictures: dict[str, str] = {lang: draw(lang) for lang in LANGS}
    return {"anchor": anchor, "title": title, "caption": caption, "tiles": [], **pictures} if pictures["en"] else None


def _found(proof: Proof, metric: str) -> Evidence | None:
    return next((e for e in proof.evidence if e.metric == metric and e.outcome == "measured"), None)


def _coefficients(proof: Proof) -> list[Entry | None]:
    models = [
        e
        for e in proof.evidence
        if e.metric == "table.coefficients" and isinstance(e.detail.get("coefficients"), list | tuple)
    ]
    out = []
    for k, e in enumerate(models[:MOST_MODELS]):
        rows = [pair for c in e.detail["coefficients"] if (pair := _coefficient(c)) is not None][:MOST_COEFFICIENTS]
        name = printable(e.subject, 60)
        out.append(
            _entry(
                f"picture-coefficients-{k + 1}",
                Words(en=f"Regression: {name}", ko=f"회귀계수: {name}"),
                Words(
                    en="Coefficients with 95 % intervals, the surest in the real data first; the number is the overlap of "
                    "the two intervals (1: the same; another real sample reaches about 0.7). Numbers per standard "
                    "deviation, levels against the commonest; both samples of one size.",
                    ko="95 % 신뢰구간을 붙인 회귀계수로, 실제 자료에서 확실한 것부터 보입니다. 오른쪽 숫자는 두 구간의 겹침입니다"
                    "(1은 동일, 다른 원본 표본은 약 0.7). 수치는 표준편차당, 범주는 가장 흔한 범주 대비이며 두 표본의 크기는 같습니다.",
                ),
                _drawing(rows, name),
            )
        )
    return out


def _drawing(rows: list[Pair], name: str) -> Callable[[Lang], str]:
    ends = [v for r in rows for i in (r.real_interval, r.synthetic_interval) for v in i or ()]
    # an interval that runs far off must not squeeze all others: the axis spans the real intervals, twice as wide at most
    real = [v for r in rows for v in r.real_interval or ()]
    reach = max((abs(v) for v in real), default=1.0) * 2
    low, high = (max(-reach, min([0.0, *ends])), min(reach, max([0.0, *ends])))
    label = Words(en=f"coefficients: {name}", ko=f"회귀계수: {name}")
    return lambda lang: paired_picture(rows, low=low, high=high, label=label, lang=lang, names=_REAL, zero=True)


def _coefficient(c: Any) -> Pair | None:
    if not isinstance(c, Mapping) or not isinstance(c.get("real"), int | float):
        return None
    real, se = float(c["real"]), float(c.get("real_se") or 0.0)
    other, other_se = c.get("synthetic"), float(c.get("synthetic_se") or 0.0)
    there = float(other) if isinstance(other, int | float) else None
    return Pair(
        name=str(c.get("name", "")),
        real=real,
        synthetic=there,
        real_interval=(real - _Z * se, real + _Z * se),
        synthetic_interval=None if there is None else (there - _Z * other_se, there + _Z * other_se),
        told=f"{float(c.get('overlap') or 0.0):.2f}",
    )


def _subgroups(proof: Proof) -> Entry | None:
    e = _found(proof, "table.subgroups")
    if e is None:
        return None
    detail = e.detail
    return _entry(
        "picture-subgroups",
        Words(en="The task by class and subgroup, largest gaps first", ko="범주·하위집단별 과제 성능(격차가 큰 순서)"),
        Words(
            en="As above, for one class of the target (recall) or one group of people (AUROC) at a time, on real records "
            "that neither model has seen. Small groups scatter: the interval of the largest gap stands with the numbers.",
            ko="목표 변수의 범주별(재현율) 또는 집단별(AUROC) 성능으로, 두 모형 모두 보지 못한 실제 자료로 "
            "시험하였습니다. 작은 집단은 우연히 "
            "흔들리므로 최대 격차의 구간을 측정 결과에서 함께 보십시오.",
        ),
        lambda lang: subgroups_picture(detail, lang=lang),
    )


def _fairness(proof: Proof) -> Entry | None:
    e = _found(proof, "table.fairness")
    gaps = e.detail.get("gaps", ()) if e is not None else ()
    rows = [
        Pair(
            name=f"{g.get('target')} · {g.get('attribute')} · {g.get('measure')}",
            real=float(g["real"]),
            synthetic=float(g["synthetic"]),
            real_interval=_ends(g.get("real_interval")),
            synthetic_interval=_ends(g.get("synthetic_interval")),
            told=f"{float(g['synthetic']) - float(g['real']):+.3f}",
        )
        for g in gaps
        if isinstance(g, Mapping) and all(isinstance(g.get(k), int | float) for k in ("real", "synthetic"))
    ][:MOST_GAPS]
    label = Words(en="differences between groups", ko="집단 간 차이")
    return _entry(
        "picture-fairness",
        Words(en="Differences between groups of people", ko="집단 간 공정성 격차"),
        Words(
            en="Largest difference between groups in how often a class is predicted (parity) and the same among records of "
            "one true class (odds), on unseen real records; 0 is equal. The number is synthetic less real: above 0 the "
            "synthetic data make decisions more unequal. Bars: resampled holdout units.",
            ko="미학습 원본에서 집단 간 예측 비율의 최대 차이(parity)와 실제 범주가 같은 레코드 안에서의 차이(odds)입니다. 0이면 평등하며, "
            "오른쪽 숫자(합성-원본)가 0보다 크면 합성데이터가 판단을 더 불평등하게 만든 것입니다. 막대는 홀드아웃 재표집 구간입니다.",
        ),
        lambda lang: paired_picture(rows, low=0.0, high=1.0, label=label, lang=lang, names=LEARNED),
    )


def _ends(value: Any) -> tuple[float, float] | None:
    if isinstance(value, list | tuple) and len(value) == 2 and all(isinstance(v, int | float) for v in value):
        return float(value[0]), float(value[1])
    return None


def _densities(proof: Proof) -> Entry | None:
    e = _found(proof, "table.joint_density")
    if e is None:
        return None
    detail = e.detail
    reference = "" if e.reference is None else f" ({e.reference:.2f})"
    return _entry(
        "picture-densities",
        Words(en="Pairs of numbers: joint densities", ko="수치 쌍의 결합 밀도"),
        Words(
            en="Grey: where the given shares of real records lie, smoothed, never a single record; blue outlines: the same "
            f"for synthetic records. Overlap, mean over the pairs: {e.estimate or 0.0:.2f}{reference}; in brackets two "
            "real samples.",
            ko="회색은 실제 레코드의 해당 비율이 놓인 영역(평활한 밀도이며 개별 레코드가 아님), 파란 윤곽은 합성 레코드의 같은 영역입니다. "
            f"쌍 평균 겹침은 {e.estimate or 0.0:.2f}{reference}이며 괄호 안은 두 원본 표본 간의 값입니다.",
        ),
        lambda lang: densities_picture(detail, lang=lang),
    )


def _clusters(proof: Proof) -> Entry | None:
    e = _found(proof, "any.clusters")
    if e is None:
        return None
    real, other = e.detail.get("real_shares", ()), e.detail.get("synthetic_shares", ())
    known = [(i, a, b) for i, (a, b) in enumerate(zip(real, other, strict=False), 1) if isinstance(a, int | float)]
    top = max((max(float(a), float(b)) for _, a, b in known), default=1.0)
    label = Words(en="share of records in each cluster", ko="군집별 레코드 비율")

    def draw(lang: Lang) -> str:
        rows = [
            Pair(
                name=Words(en=f"cluster {i}", ko=f"군집 {i}").say(lang),
                real=float(a),
                synthetic=float(b),
                told=f"{float(b) - float(a):+.1%}",
            )
            for i, a, b in known
        ]
        return paired_picture(rows, low=0.0, high=top * 1.05, label=label, lang=lang, names=_REAL)

    reference = "" if e.reference is None else f" ({e.reference:.2f})"
    return _entry(
        "picture-clusters",
        Words(en="Clusters", ko="군집"),
        Words(
            en="Share of real and of synthetic records in each cluster that k-means finds in real data. Clusterings learned "
            f"from real and from synthetic data agree by {e.estimate or 0.0:.2f}{reference} (adjusted Rand index; in "
            "brackets two real samples).",
            ko="실제 자료에서 k-평균으로 찾은 군집별로 실제·합성 레코드가 차지하는 비율입니다. 원본과 합성데이터에서 "
            "학습한 군집의 일치도(수정 랜드 "
            f"지수)는 {e.estimate or 0.0:.2f}{reference}이며 괄호 안은 두 원본 표본 간의 값입니다.",
        ),
        draw,
    )


def _tsne(proof: Proof) -> Entry | None:
    e = _found(proof, "any.tsne")
    if e is None:
        return None
    detail = e.detail
    return _entry(
        "picture-tsne",
        _TSNE_OF_IMAGES
        if of_images(proof)
        else Words(en="All columns together: t-SNE map", ko="전체 항목을 함께 본 모습(t-SNE)"),
        Words(
            en="A map that keeps neighbours together; distances and areas on it mean nothing. Real records appear only as "
            "density (cells with fewer than 10 are empty); every point is a synthetic record.",
            ko="이웃한 레코드를 가까이 두는 지도로, 거리와 넓이에는 의미가 없습니다. 실제 자료는 밀도로만 나타내며(10 "
            "미만인 칸은 비움), 점은 모두 합성 "
            "레코드입니다.",
        ),
        lambda lang: joint_picture(detail, lang=lang),
    )


__all__ = ["together", "usefulness"]
