"""Pictures are well-formed, show aggregates only, and are absent when the evidence carries none."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from synthproof.core.evidence import Evidence, Limit
from synthproof.core.words import Words
from synthproof.dossier.figures.canvas import Canvas, scale, shade, tick_text, ticks
from synthproof.dossier.figures.columns import column_tile
from synthproof.dossier.figures.gallery import gallery
from synthproof.dossier.figures.heat import heat_triplet
from synthproof.dossier.figures.limits import repeats_picture
from synthproof.dossier.figures.nearest import nearest_picture
from synthproof.dossier.figures.pca import joint_picture
from synthproof.dossier.figures.prediction import prediction_picture
from synthproof.dossier.figures.range_bar import range_bar
from synthproof.dossier.figures.survival import survival_picture
from synthproof.verification.proof import Proof

SVG = "{http://www.w3.org/2000/svg}"
LINE = Limit(metric="m", value=0.5, because=Words(en="x", ko="엑스"))


def drawn(text: str) -> ElementTree.Element:
    root = ElementTree.fromstring(text)
    assert root.tag == SVG + "svg"
    assert root.get("role") == "img"
    assert root.get("aria-label")
    width, height = float(root.get("width", "0")), float(root.get("height", "0"))
    for rect in root.iter(SVG + "rect"):
        x, y, w, h = (float(rect.get(k, "0")) for k in ("x", "y", "width", "height"))
        assert -1 <= x <= x + w <= width + 1
        assert -1 <= y <= y + h <= height + 1
    return root


def texts(root: ElementTree.Element) -> list[str]:
    return [t.text or "" for t in root.iter(SVG + "text")]


def shape(subject: str, **overlay: Any) -> Evidence:
    return Evidence(
        metric="table.shape", subject=subject, estimate=0.1, interval=(0.0, 0.2),
        detail={"form": "KS", "overlay": overlay},
    )  # fmt: skip


def test_texts_are_escaped_and_cut() -> None:
    sheet = Canvas(10, 10)
    sheet.text(0, 0, "<b onload='x'>&\x00" + "y" * 1000)
    root = drawn(sheet.svg('"><script>'))
    assert len(texts(root)[0]) == 40
    assert root.get("aria-label") == '"><script>'
    assert not list(root.iter("script"))


@pytest.mark.parametrize("estimate", [-3.0, 0.0, 0.5, 1.0, 1e6])
@pytest.mark.parametrize("side", ["max", "min"])
def test_a_range_bar_holds_everything_it_marks(estimate: float, side: Any) -> None:
    e = Evidence(metric="m", estimate=estimate, interval=(estimate, estimate), reference=estimate / 2)
    root = drawn(range_bar(e, replace(LINE, side=side), low=-10, high=1e7))
    assert len(list(root.iter(SVG + "circle"))) == 1
    missing = Evidence(metric="m", outcome="failed", caveat=Words(en="x", ko="엑스"))
    assert range_bar(missing, None, low=0, high=1) == ""


def test_numeric_overlays_have_open_ends() -> None:
    tile = column_tile(
        shape("나이", kind="integer", edges=[20.0, 40.0], real=[50, 100, 30], synthetic=[40, 110, 30], real_missing=0)
    )
    root = drawn(tile)
    assert "나이" in texts(root)
    assert "≤ 20" in texts(root)
    assert "> 40" in texts(root)


def test_levels_without_a_name_stay_hidden() -> None:
    names: list[str | None] = [f"level {i}" for i in range(12)]
    tile = column_tile(
        shape("job", kind="categorical", labels=[*names, None], real=[20] * 12 + [None], synthetic=[20] * 13)
    )
    assert any(t.startswith("+ ") for t in texts(drawn(tile)))
    few = column_tile(shape("job", kind="categorical", labels=["a", None], real=[90, None], synthetic=[80, 10]))
    assert any("희소" in t for t in texts(drawn(few)))


@pytest.mark.parametrize("overlay", [{}, {"real": [1], "synthetic": [1, 2]}, {"real": "x", "synthetic": None}])
def test_strange_overlays_give_no_tile(overlay: dict[str, Any]) -> None:
    assert column_tile(shape("x", **overlay)) == ""


def test_dates_are_written_as_months() -> None:
    micros = 1.6e15
    tile = column_tile(
        shape("visit", kind="datetime", edges=[micros, micros + 1e14], real=[10, 20, 30], synthetic=[10, 20, 30])
    )
    assert "≤ 2020-09" in texts(drawn(tile))


def test_heat_maps_stand_in_three_panels() -> None:
    names = ["a", "b", "<c>"]
    real, other = np.eye(3).tolist(), np.full((3, 3), 0.5).tolist()
    root = drawn(heat_triplet(names, real, other, lang="ko"))
    assert {"실제", "합성", "차이"} <= set(texts(root))
    drawn(heat_triplet([str(i) for i in range(60)], np.eye(60).tolist(), np.eye(60).tolist(), lang="en"))


def test_the_joint_view_draws_real_data_as_density_only() -> None:
    detail = {
        "edges_x": [0.0, 1.0, 2.0],
        "edges_y": [0.0, 1.0, 2.0],
        "real_counts": [[50, 0], [0, 20]],
        "synthetic_counts": [[40, 1], [0, 30]],
        "synthetic_points": [[0.5, 0.5], [1.5, 1.5], [99.0, 99.0]],
        "explained": [0.4, 0.2],
    }
    root = drawn(joint_picture(detail, lang="en"))
    assert len(list(root.iter(SVG + "circle"))) == 2  # points beyond the frame are left out
    cells = [r for r in root.iter(SVG + "rect") if r.get("fill") != "none"]
    assert len(cells) == 2 + 3
    assert joint_picture({}, lang="en") == ""


def test_curves_need_both_lines() -> None:
    levels = [0.1, 0.5, 0.9]
    both = {"levels": levels, "synthetic_to_train": [1, 2, 3], "holdout_to_train": [1, 2, 4]}
    assert len(list(drawn(nearest_picture(both, lang="ko")).iter(SVG + "polyline"))) == 3
    assert nearest_picture({"levels": levels, "synthetic_to_train": [1, 2, 3]}, lang="ko") == ""


def test_predictions_show_both_sources_and_guessing() -> None:
    scores = {
        "당뇨/gbm/AUROC": {"trtr": 0.8, "tstr": 0.7, "guessing": 0.5},
        "당뇨/linear/R2": {"trtr": 0.3, "tstr": -4.0, "guessing": 0.0},
        "당뇨/gbm/relative_MAE": {"trtr": 0.3, "tstr": 0.4, "guessing": 1.0},
        "broken": None,
    }
    root = drawn(prediction_picture({"scores": scores}, lang="ko"))
    assert "당뇨 · gbm · AUROC" in texts(root)
    assert "-0.100" in texts(root)
    assert not any("MAE" in t for t in texts(root))
    assert prediction_picture({}, lang="ko") == ""


def test_repeats_are_a_mark_each() -> None:
    root = drawn(repeats_picture([0.1, 0.2, 0.3], 0.25, "m"))
    assert len(list(root.iter(SVG + "line"))) == 1 + 3 + 1
    drawn(repeats_picture([0.0, 0.0], 0.0, "m"))


def test_the_gallery_shows_what_the_evidence_has(proof: Proof) -> None:
    assert gallery(proof) == []
    matrix = np.eye(2).tolist()
    found = (
        shape("age", kind="integer", edges=[20.0], real=[50, 50], synthetic=[50, 50]),
        Evidence(
            metric="table.corr_sd", estimate=0.1, interval=(0.0, 0.2),
            detail={"names": ["a", "b"], "real": matrix, "synthetic": matrix},
        ),
        Evidence(
            metric="table.distinguishability", estimate=0.6, interval=(0.5, 0.7),
            detail={"roc": {"fpr": [0, 1], "tpr": [0, 1]}, "columns_alone": {"a": 0.6}},
        ),
    )  # fmt: skip
    shown = gallery(replace(proof, evidence=found))
    assert [p["anchor"] for p in shown] == ["picture-columns", "picture-pairs", "picture-roc"]
    for picture in shown:
        for text in picture["tiles"] or [picture["ko"], picture["en"]]:
            drawn(text)


def test_axes() -> None:
    a, b = scale(0, 10, 100, 200)
    assert a + b * 5 == 150
    assert ticks(0, 1) == [0, 0.25, 0.5, 0.75, 1]
    assert ticks(3, 3) == [3]
    assert tick_text(25000) == "25k"
    assert shade(0, ((255, 255, 255), (0, 0, 0))) == "#ffffff"
    assert shade(2, ((255, 255, 255), (0, 0, 0))) == "#000000"


def test_survival_curves_stand_beside_one_another() -> None:
    shown = {"target": "days ~ died", "time": [0, 1, 2], "train": [1, 0.8, 0.5], "synthetic": [1, 0.7, 0.6]}
    assert len(list(drawn(survival_picture(shown, lang="ko")).iter(SVG + "polyline"))) == 3
    both = {**shown, "holdout": [1, 0.8, 0.6]}
    assert len(list(drawn(survival_picture(both, lang="en")).iter(SVG + "polyline"))) == 4
    assert survival_picture({"time": [0, 1, 2], "train": [1, 0.8, 0.5]}, lang="en") == ""
    assert survival_picture({}, lang="en") == ""
