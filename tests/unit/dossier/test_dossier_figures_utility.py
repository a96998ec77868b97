"""Pictures of usefulness: well-formed in both languages, aggregates only, absent when the evidence carries none."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from typing import Any

import pytest

from synthproof.core.evidence import Evidence
from synthproof.core.registry import metrics
from synthproof.core.words import Words
from synthproof.dossier.figures.densities import densities_picture, outline
from synthproof.dossier.figures.gallery import gallery
from synthproof.dossier.figures.gallery_utility import together, usefulness
from synthproof.dossier.figures.paired import Pair, paired_picture
from synthproof.testing.calibration import case_of
from synthproof.testing.worlds import adult_like, patients

SVG = "{http://www.w3.org/2000/svg}"
NAMES = ("table.coefficients", "table.subgroups", "table.fairness", "table.joint_density", "any.clusters")


@dataclass(frozen=True)
class Proofs:
    """What the gallery reads of a proof."""

    evidence: tuple[Evidence, ...] = ()


def drawn(text: str) -> ElementTree.Element:
    root = ElementTree.fromstring(text)
    width, height = float(root.get("width", "0")), float(root.get("height", "0"))
    for rect in root.iter(SVG + "rect"):
        x, y, w, h = (float(rect.get(k, "0")) for k in ("x", "y", "width", "height"))
        assert -1 <= x <= x + w <= width + 1
        assert -1 <= y <= y + h <= height + 1
    for dot in root.iter(SVG + "circle"):
        assert 0 <= float(dot.get("cx", "-1")) <= width
        assert 0 <= float(dot.get("cy", "-1")) <= height
    return root


def written(evidence: Evidence) -> Evidence:
    return Evidence.from_dict(json.loads(json.dumps(evidence.to_dict())))


@pytest.fixture(scope="module")
def proof() -> Any:
    made = case_of(adult_like(), "equal", "fresh", 1, 1200)
    found = [e for name in NAMES for e in metrics.make(name).measure(made, seed=1)]
    return Proofs(tuple(written(e) for e in found))


def test_every_picture_is_drawn_in_both_languages(proof: Any) -> None:
    entries = [e for e in (*together(proof), *usefulness(proof)) if e is not None]
    anchors = [e["anchor"] for e in entries]
    assert anchors == [
        "picture-densities",
        "picture-clusters",
        "picture-coefficients-1",
        "picture-subgroups",
        "picture-fairness",
    ]
    for entry in entries:
        assert entry["title"].ko
        assert entry["caption"].en
        for lang in ("ko", "en"):
            drawn(entry[lang])
        assert entry["ko"] != entry["en"]
    assert {e["anchor"] for e in gallery(proof)} >= set(anchors)


def test_a_map_shows_real_units_as_filled_cells_only() -> None:
    made = case_of(patients(), "equal", "fresh", 1, 600)
    found = [written(e) for e in metrics.make("any.tsne").measure(made, seed=1)]
    counts = [v for row in found[0].detail["real_counts"] for v in row]
    assert all(v == 0 or v >= 10 for v in counts)
    assert sum(counts) > 0
    (entry,) = (e for e in together(Proofs(tuple(found))) if e is not None)  # type: ignore[arg-type]
    assert entry["anchor"] == "picture-tsne"
    drawn(entry["ko"])


def test_nothing_to_show_gives_no_picture() -> None:
    assert [e for e in (*together(Proofs()), *usefulness(Proofs())) if e is not None] == []  # type: ignore[arg-type]
    assert densities_picture({"pairs": [{"names": ["a", "b"], "edges_x": [0, 1]}]}, lang="en") == ""
    assert densities_picture({}, lang="ko") == ""


def test_outlines_go_round_the_cells() -> None:
    assert sorted(outline([[0, 1], [0, 1]], 1)) == sorted([(0, 1, 0, 2), (2, 1, 2, 2), (0, 1, 2, 1), (0, 2, 2, 2)])
    assert outline([[1, 1], [1, 1]], 2) == []
    whole = outline([[3, 3], [3, 3]], 3)
    assert sorted(whole) == sorted([(0, 0, 0, 2), (2, 0, 2, 2), (0, 0, 2, 0), (0, 2, 2, 2)])


def test_a_level_that_synthetic_data_lack_has_no_dot() -> None:
    label = Words(en="x", ko="엑스")
    rows = [
        Pair(name="<a>", real=0.2, synthetic=None, real_interval=(0.1, 9.0)),
        Pair(name="b", real=0.4, synthetic=0.5, real_interval=(0.3, 0.5), synthetic_interval=(-9.0, 0.6)),
    ]
    picture = paired_picture(rows, low=-1.0, high=1.0, label=label, lang="en", names=(label, label), zero=True)
    root = drawn(picture)
    assert len(list(root.iter(SVG + "circle"))) == 2  # the key's and b's
    assert paired_picture([], low=0.0, high=1.0, label=label, lang="en", names=(label, label)) == ""
