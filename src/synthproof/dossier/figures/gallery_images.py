"""Pictures of image sets as clouds: densities on two principal axes, and how full the clusters of both are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from synthproof.core.evidence import Evidence
from synthproof.core.words import LANGS, Lang, Words
from synthproof.dossier.figures.densities import densities_picture
from synthproof.dossier.figures.paired import Pair, paired_picture
from synthproof.verification.proof import Proof

BANDS = (0.95, 0.75, 0.4)
"""Shares of the density that the outlined regions hold."""
REACH = 3.5
"""Half-width of the grid, in standard deviations of the unseen images along each axis."""
_NAMES = (Words(en="real", ko="실제"), Words(en="synthetic", ko="합성"))

Entry = dict[str, Any]


def clouds(proof: Proof) -> list[Entry | None]:
    """Return the pictures of densities and clusters of images that `image.views` gave the aggregates for."""
    return [_density(proof), _clusters(proof)]


def of_images(proof: Proof) -> bool:
    """Return whether a proof is about images."""
    return any(e.metric.startswith("image.") for e in proof.evidence)


def _found(proof: Proof, subject: str) -> Evidence | None:
    known = (e for e in proof.evidence if e.metric == "image.views" and e.subject == subject)
    return next((e for e in known if e.outcome == "measured"), None)


def _told(e: Evidence) -> str:
    return f"{e.estimate or 0.0:.2f}" + ("" if e.reference is None else f" ({e.reference:.2f})")


def _density(proof: Proof) -> Entry | None:
    e = _found(proof, "density")
    if e is None:
        return None
    grids = {side: _grid(e.detail.get(side)) for side in ("real", "synthetic")}
    cells = len(grids["real"])
    if not cells or len(grids["synthetic"]) != cells:
        return None
    edges = [round(-REACH + 2 * REACH * i / cells, 4) for i in range(cells + 1)]
    detail = {
        "pairs": [
            {
                "names": ("PC 1", "PC 2"), "edges_x": edges, "edges_y": edges, "bands": BANDS,
                "real_bands": bands(grids["real"]), "synthetic_bands": bands(grids["synthetic"]),
            }
        ]
    }  # fmt: skip
    return _entry(
        "picture-image-density",
        Words(en="Images as a cloud: densities on two principal axes", ko="이미지 구름: 두 주성분에서의 밀도"),
        Words(
            en="Features of every image on the two directions in which unseen real images vary most, smoothed; grey: real, blue "
            f"outlines: synthetic, axes in standard deviations. No image's own place is drawn. Overlap {_told(e)}; in "
            "brackets that of training images.",
            ko="각 이미지의 특징을 미학습 원본이 가장 크게 변하는 두 방향에 놓고 평활한 밀도입니다. 회색은 실제, 파란 윤곽은 합성이며 "
            f"축의 단위는 표준편차입니다. 개별 이미지의 위치는 그리지 않습니다. 겹침 {_told(e)}, 괄호 안은 학습 원본의 값입니다.",
        ),
        {lang: densities_picture(detail, lang=lang) for lang in LANGS},
    )


def _clusters(proof: Proof) -> Entry | None:
    e = _found(proof, "clusters")
    shares = [] if e is None else list(zip(*(_row(e.detail.get(s)) for s in ("real", "synthetic")), strict=False))
    if e is None or not shares:
        return None
    order = sorted(shares, key=lambda pair: -pair[0])
    top = max(max(pair) for pair in order)
    label = Words(en="share of images in each cluster", ko="군집별 이미지 비율")

    def draw(lang: Lang) -> str:
        rows = [
            Pair(
                name=Words(en=f"cluster {i}", ko=f"군집 {i}").say(lang),
                real=a,
                synthetic=b,
                told=f"{b - a:+.1%}",
            )
            for i, (a, b) in enumerate(order, 1)
        ]
        return paired_picture(rows, low=0.0, high=top * 1.05, label=label, lang=lang, names=_NAMES)

    return _entry(
        "picture-image-clusters",
        Words(en="Images as a cloud: clusters (k-means)", ko="이미지 구름: 군집(k-평균)"),
        Words(
            en="Share of unseen real and of synthetic images in each of ten clusters found in both together. One less the total "
            f"variation: {_told(e)}; in brackets that of training images.",
            ko="실제와 합성을 함께 나눈 10개 군집에 든 미학습 원본과 합성 이미지의 비율입니다. 1에서 총변동거리를 뺀 값은 "
            f"{_told(e)}이며 괄호 안은 학습 원본의 값입니다.",
        ),
        {lang: draw(lang) for lang in LANGS},
    )


def _entry(anchor: str, title: Words, caption: Words, pictures: Mapping[str, str]) -> Entry | None:
    whole = {"anchor": anchor, "title": title, "caption": caption, "tiles": [], **pictures}
    return whole if pictures["en"] else None


def bands(grid: Sequence[Sequence[float]]) -> list[list[int]]:
    """Return in how many of the regions of highest density (`BANDS`, the widest first) each cell lies."""
    ordered = sorted((v for row in grid for v in row), reverse=True)
    whole = sum(ordered) or 1.0
    lines = []
    for share in BANDS:
        held = 0.0
        for v in ordered:
            held += v
            if held >= share * whole:
                lines.append(v)
                break
    return [[sum(v >= line > 0 for line in lines) for v in row] for row in grid]


def _grid(value: Any) -> list[list[float]]:
    rows = [_row(r) for r in value] if isinstance(value, list | tuple) else []
    return rows if rows and all(len(r) == len(rows) for r in rows) else []


def _row(value: Any) -> list[float]:
    return [float(v) for v in value if isinstance(v, int | float)] if isinstance(value, list | tuple) else []


__all__ = ["BANDS", "bands", "clouds", "of_images"]
