"""Images as clouds: t-SNE, k-means, PCA and KDE of them give numbers that tell fresh images from others, and pictures."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from synthproof.core.contracts import Case
from synthproof.core.evidence import Evidence
from synthproof.core.registry import metrics
from synthproof.data.image.dataset import ImageSet
from synthproof.data.image.modality import ImageModality
from synthproof.dossier.figures.gallery import gallery
from synthproof.dossier.figures.gallery_images import BANDS, bands, of_images
from synthproof.policy.load import load_policy
from synthproof.testing.pictures import digit_case

pytest.importorskip("torch", reason="synthproof[images] is not installed")
Pictures = Case[ImageSet]


@dataclass(frozen=True)
class Shown:
    """What the gallery reads of a proof."""

    evidence: tuple[Evidence, ...] = ()


@cache
def fresh() -> Pictures:
    case = digit_case(300, train=800, holdout=300)
    return replace(case, embedder=ImageModality().embedder(case.train))


@cache
def noise() -> Pictures:
    case = digit_case(300, train=800, holdout=300, noise=True)
    return replace(case, embedder=ImageModality().embedder(case.train))


@cache
def measured(name: str, of_noise: bool = False) -> dict[str, Evidence]:
    found = metrics.make(name).measure(noise() if of_noise else fresh(), seed=2)
    return {e.subject: Evidence.from_dict(json.loads(json.dumps(e.to_dict()))) for e in found}


def within(e: Evidence, slack: float) -> bool:
    assert e.interval is not None
    assert e.reference is not None
    return e.interval[0] - slack <= e.reference <= e.interval[1] + slack


def test_views_number_what_figures_show() -> None:
    good, bad = measured("image.views"), measured("image.views", of_noise=True)
    assert set(good) == {"all", "clusters", "density"} == set(bad)
    for subject, e in good.items():
        assert within(e, 0.08), subject
        assert (bad[subject].estimate or 0.0) < 0.6 * (e.estimate or 0.0), subject
    grid = np.array(good["density"].detail["real"])
    assert grid.shape == (24, 24)
    assert 0.9 < grid.sum() <= 1.001


@pytest.mark.parametrize("name", ["any.tsne", "any.clusters"])
def test_maps_and_clusters_take_an_embedder_of_images(name: str) -> None:
    good, bad = measured(name)["all"], measured(name, of_noise=True)["all"]
    assert good.outcome == bad.outcome == "measured"
    assert within(good, 0.08)
    worse = (bad.estimate or 0.0) - (good.estimate or 0.0)
    assert (worse if name == "any.tsne" else -worse) > 0.15


def test_the_report_draws_them_in_both_languages() -> None:
    shown: Any = Shown((*measured("image.views").values(), *measured("any.tsne").values()))
    entries = {e["anchor"]: e for e in gallery(shown)}
    assert set(entries) == {"picture-image-density", "picture-image-clusters", "picture-tsne"}
    for entry in entries.values():
        assert entry["en"] != entry["ko"]
        assert entry["caption"].ko
        for lang in ("en", "ko"):
            assert ElementTree.fromstring(entry[lang]).tag.endswith("svg")
    assert "mages" in entries["picture-tsne"]["title"].en
    assert of_images(shown)
    assert not of_images(Shown())  # type: ignore[arg-type]
    assert gallery(Shown()) == []  # type: ignore[arg-type]


def test_the_policy_of_images_asks_for_them() -> None:
    rules = load_policy("image")
    schema, purpose = fresh().train.schema, fresh().purpose
    assert {"image.views", "any.tsne", "image.part_copies"} <= set(rules.plan(schema, purpose))


def test_regions_of_density_hold_their_shares() -> None:
    x = np.linspace(-3, 3, 24)
    grid = np.exp(-0.5 * (x[:, None] ** 2 + x[None, :] ** 2))
    found = np.array(bands(grid.tolist()))
    for k, share in enumerate(BANDS, 1):
        held = grid[found >= k].sum() / grid.sum()
        assert share <= held < share + 0.05
    assert bands([[0.0, 0.0], [0.0, 0.0]]) == [[0, 0], [0, 0]]
