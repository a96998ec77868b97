"""Stages of pictures: what they make, what they refuse, and what they say of their input."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synthproof.core.contracts import Case, Recipe
from synthproof.core.errors import ConfigError, DataError, NotFittedError
from synthproof.core.models import load_model, save_model
from synthproof.core.run import Run
from synthproof.core.schema import Purpose
from synthproof.data.image.custody import altered_real, is_drawn, steps_of
from synthproof.data.image.dataset import ImageSet
from synthproof.data.image.io import How, read_images
from synthproof.data.image.scenes import CORNERS, Scenes
from synthproof.data.image.write import ALTERED, SYNTHETIC, write_images
from synthproof.engines import scratch
from synthproof.metrics.any.generation import Generation
from synthproof.synthesizers.image.layout import LayoutLaw, iou
from synthproof.synthesizers.image.parts import cut, emptied, paste
from synthproof.synthesizers.image.stages import Stages, receipt
from synthproof.testing.scenes import scenes
from synthproof.testing.shapes import shapes

torch = pytest.importorskip("torch", reason="synthproof[images] is not installed")

from synthproof.synthesizers.image.chained import Chained  # noqa: E402
from synthproof.synthesizers.image.compose import Compose  # noqa: E402
from synthproof.synthesizers.image.flow import Flow  # noqa: E402
from synthproof.synthesizers.image.masks import MaskLaw, maps_of  # noqa: E402
from synthproof.synthesizers.image.semantic import Semantic  # noqa: E402
from synthproof.synthesizers.image.superres import Superres  # noqa: E402
from synthproof.synthesizers.image.translate import Translate  # noqa: E402

pytestmark = pytest.mark.timeout(900)
TINY: dict[str, Any] = {"width": 16, "steps": 2, "min_class": 5, "random_state": 3}


@pytest.fixture(scope="module")
def cells() -> Scenes:
    return scenes(80, 1, side=16)


@pytest.fixture(scope="module")
def composer(cells: Scenes) -> Compose:
    return Compose(images=1_800, side=8, seeds=3, **TINY).fit(cells)


@pytest.fixture(scope="module")
def composed(composer: Compose) -> Scenes:
    return composer.sample(18, seed=4)


@pytest.fixture(scope="module")
def cascade() -> Superres:
    return Superres(images=1_280, **TINY).fit(shapes(80, 1, side=16))


@pytest.fixture(scope="module")
def painter(cells: Scenes) -> Semantic:
    return Semantic(images=1_280, **TINY).fit(cells)


@pytest.fixture(scope="module")
def translator() -> Translate:
    return Translate(images=640, source="disc", **TINY).fit(shapes(80, 1, side=16))


def equal(a: ImageSet, b: ImageSet) -> bool:
    return np.array_equal(a.pixels(), b.pixels()) and a.frame.equals(b.frame)


# composition ---------------------------------------------------------------------------------------------


def test_scene_i_is_a_function_of_model_seed_and_i(composer: Compose, composed: Scenes) -> None:
    few = composer.sample(3, seed=4, run=Run(workers=1))
    head = composed.take_rows(np.arange(3, dtype=np.intp))
    assert equal(few, head)
    assert few.boxes.equals(head.boxes)
    assert few.masks is not None
    assert composed.masks is not None
    assert np.array_equal(few.masks, composed.masks[:3])
    assert not np.array_equal(composer.sample(3, seed=5).pixels(), few.pixels())
    assert composer.sample(0, seed=4).n_rows == 0


def test_boxes_and_masks_are_where_parts_were_pasted(composed: Scenes) -> None:
    assert composed.masks is not None
    for i in range(composed.n_rows):
        corners, classes = composed.boxes_of(i)
        assert len(classes)
        assert corners.min() >= 0
        assert corners.max() <= 16
        mask = composed.masks[i]
        for j, (x0, y0, x1, y1) in enumerate(corners):
            ys, xs = np.nonzero(mask == j + 1)
            if len(ys):  # a part may lie wholly under others
                assert xs.min() + 0.5 >= x0
                assert xs.max() + 0.5 <= x1
                assert ys.min() + 0.5 >= y0
                assert ys.max() + 0.5 <= y1
        assert set(np.unique(composed.class_map(i))) <= {0, *(classes + 1)}


def test_parts_of_a_scene_come_from_several_seeds(composed: Scenes) -> None:
    grouped = composed.boxes.groupby("image")["seed"]
    assert (grouped.nunique() >= np.minimum(3, grouped.size())).all()
    assert composed.boxes["seed"].nunique() == 3


def test_scenes_are_drawn_by_their_label(composer: Compose) -> None:
    few, many = (composer.sample(12, where={"class": c}, seed=1).counts().sum() for c in ("few", "many"))
    assert many > 1.3 * few


def test_a_composer_comes_back_from_disk(composer: Compose, composed: Scenes, tmp_path: Path) -> None:
    save_model(composer, tmp_path / "m")
    again = load_model(tmp_path / "m")
    assert equal(again.sample(3, seed=4), composed.take_rows(np.arange(3, dtype=np.intp)))
    assert again.digest_ == composer.digest_
    assert again.part_classes_ == ("disc", "ring")


def test_no_layout_of_train_comes_back_and_one_that_does_is_refused(cells: Scenes, composed: Scenes) -> None:
    law = LayoutLaw.learn(cells)
    for i in range(cells.n_rows):
        corners, classes = cells.boxes_of(i)
        assert law.repeats(corners / 16, classes)
        assert not law.repeats(np.roll(corners, 5, axis=1) / 16 * 0.3, classes)
    for i in range(composed.n_rows):
        corners, classes = composed.boxes_of(i)
        assert not law.repeats(corners / 16, classes)


def test_a_law_that_can_only_repeat_says_so(cells: Scenes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LayoutLaw, "repeats", lambda *_: True)
    with pytest.raises(DataError) as caught:
        LayoutLaw.learn(cells).draw(np.random.default_rng(0), 16, most=20)
    assert caught.value.code == "image/layout-repeats"


def test_layouts_have_the_numbers_sizes_and_overlaps_of_train(cells: Scenes) -> None:
    law = LayoutLaw.learn(scenes(400, 2, side=64))
    real = scenes(400, 3, side=64)
    drawn = [law.draw(np.random.default_rng(i), 64, most=50) for i in range(300)]
    counts = np.array([np.bincount(c, minlength=2) for _, c, _ in drawn])
    assert np.allclose(counts.mean(axis=0), real.counts().mean(axis=0), rtol=0.25)
    wide = np.concatenate([b[:, 2] - b[:, 0] for b, _, _ in drawn])
    truth = (real.boxes["xmax"] - real.boxes["xmin"]).to_numpy()
    assert abs(np.median(wide) - np.median(truth)) < 0.15 * np.median(truth)
    lap = [iou(b, b)[~np.eye(len(b), dtype=bool)].max(initial=0) for b, _, _ in drawn]
    true_lap = [
        iou(b, b)[~np.eye(len(b), dtype=bool)].max(initial=0) for b in (real.boxes_of(i)[0] for i in range(300))
    ]
    assert abs(np.mean(lap) - np.mean(true_lap)) < 0.12


def test_parts_are_cut_filled_and_pasted() -> None:
    data = scenes(10, 5, side=64)
    parts = cut(data, 16)
    corners = data.boxes[list(CORNERS)].to_numpy()
    assert parts.n_rows == ((corners.min(axis=1) > 0.64) & (corners.max(axis=1) < 63.36)).sum(), "whole parts alone"
    assert parts.schema.unit == "scene"
    empty = emptied(data).pixels().astype(float)
    corners, _ = data.boxes_of(0)
    middle = ((corners[:, :2] + corners[:, 2:]) / 2).astype(int)
    for x, y in middle[:3]:
        assert empty[0, y, x, 0] > data.pixels()[0, y, x, 0] or data.pixels()[0, y, x, 0] > 150, "dark discs are gone"
    black = np.zeros((3, 16, 16, 1), dtype=np.uint8)
    scene, mask, seam = paste(np.full((64, 64, 1), 200.0), black, corners[:3], data.chain)
    x, y = middle[0]
    assert scene[y, x, 0] < 1 or mask[y, x] > 1
    assert scene[mask == 0].mean() > 150
    assert seam.max() > 0.9
    assert seam[y, x] < 0.1


def test_scenes_are_needed() -> None:
    with pytest.raises(DataError) as caught:
        Compose(images=64, **TINY).fit(shapes(60, 1))
    assert caught.value.code == "image/no-boxes"
    with pytest.raises(NotFittedError):
        Compose().sample(1)


# super-resolution ------------------------------------------------------------------------------------------


def test_a_cascade_doubles_what_it_drew_and_reports_real_pairs(cascade: Superres) -> None:
    drawn = cascade.sample(20, seed=1)
    assert drawn.chain.side == 16
    assert equal(cascade.sample(5, seed=1), drawn.take_rows(np.arange(5, dtype=np.intp)))
    pair = cascade.pairs_[0]
    assert 10 < pair["psnr"] < 60
    assert -1 < pair["ssim"] <= 1
    assert "invented" in cascade.notices_[-1].en
    assert [s.did for s in steps_of(drawn)] == ["draw", "super-resolve"]


def test_a_stage_learned_on_crops_enlarges_whole_pictures(tmp_path: Path) -> None:
    model = Superres(stages=2, crop=8, images=256, **TINY).fit(shapes(60, 2, side=32))
    assert [int(p["side"]) for p in model.pairs_] == [16, 32]
    drawn = model.sample(2, seed=1)
    assert drawn.chain.side == 32
    save_model(model, tmp_path / "m")
    assert equal(load_model(tmp_path / "m").sample(2, seed=1), drawn)


def test_sides_that_cannot_be_halved_are_refused() -> None:
    with pytest.raises(DataError) as caught:
        Superres(stages=2, images=64, **TINY).fit(shapes(60, 1, side=12))
    assert caught.value.code == "image/side-not-divisible"


# masks -----------------------------------------------------------------------------------------------------


def test_masks_are_drawn_and_the_same_for_the_same_picture(painter: Semantic, cells: Scenes, tmp_path: Path) -> None:
    masks = painter.masks_of(12, seed=2)
    assert masks.shape == (12, 16, 16)
    assert np.array_equal(painter.masks_of(5, seed=2), masks[:5])
    real = {m.tobytes() for m in maps_of(cells)[0]}
    assert not any(m.tobytes() in real and m.any() for m in masks)
    save_model(painter, tmp_path / "m")
    assert equal(load_model(tmp_path / "m").sample(4, seed=2), painter.sample(4, seed=2))
    assert painter.mask_classes_ == ("background", "disc", "ring")


def test_a_real_mask_that_is_drawn_again_is_refused(painter: Semantic, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MaskLaw, "_is_real", lambda *_: True)
    with pytest.raises(DataError) as caught:
        painter.sample(2, seed=2)
    assert caught.value.code == "image/mask-repeats"


def test_plain_pictures_have_masks_of_brightness() -> None:
    data = shapes(30, 1, side=16, shares=(0.0, 1.0, 0.0))
    maps, names = maps_of(data)
    assert names == ("dark", "bright")
    grey = data.pixels()[..., 0].astype(float)
    assert all(g[m == 1].mean() > g[m == 0].mean() + 50 for g, m in zip(grey, maps, strict=True))


# translation and custody -----------------------------------------------------------------------------------


def test_translation_goes_from_the_source_to_the_class_asked_for(translator: Translate, tmp_path: Path) -> None:
    drawn = translator.sample(20, where={"class": "ring"}, seed=1)
    assert set(drawn.frame["class"]) == {"ring"}
    assert [(s.did, s.input) for s in steps_of(drawn)] == [("draw", "none"), ("translate", "drawn")]
    save_model(translator, tmp_path / "m")
    assert equal(load_model(tmp_path / "m").sample(6, where={"class": "ring"}, seed=1), drawn.take_rows(np.arange(6)))


def test_the_less_is_kept_the_farther_a_picture_moves(translator: Translate) -> None:
    source = translator._flow.sample(12, seed=3)
    far = []
    for keep in (0.9, 0.3):
        translator.keep = keep
        moved = translator.apply(source, where={"class": "ring"}, seed=2)
        far.append(np.abs(moved.values() - source.values()).mean())
    translator.keep = 0.5
    assert far[0] < far[1]


@pytest.mark.parametrize("name", ["translator", "cascade", "painter"])
def test_real_pictures_are_refused_or_the_result_says_what_it_is(name: str, request: pytest.FixtureRequest) -> None:
    stage = request.getfixturevalue(name)
    real: Any = scenes(6, 9, side=16) if name == "painter" else shapes(6, 9, side=8 if name == "cascade" else 16)
    with pytest.raises(DataError) as caught:
        stage.apply(real, seed=1)
    assert caught.value.code == "image/real-input"
    assert "합성데이터가 아닙니다" in caught.value.text("ko")
    altered = stage.apply(real, seed=1, knowingly=True)
    assert altered_real(altered)
    assert not is_drawn(altered)
    assert receipt(altered)["full_synthesis"] is False
    assert receipt(altered)["irreversible"] is False
    assert altered_real(altered.take_rows(np.arange(2, dtype=np.intp)))
    with pytest.raises(DataError):
        stage.apply(altered, seed=1)  # it does not become synthetic by being altered twice


def test_pictures_of_another_kind_are_refused_and_other_labels_left_open(
    translator: Translate, cascade: Superres, composed: Scenes
) -> None:
    colour = Flow(images=64, **TINY).fit(shapes(60, 1, side=16, channels=3)).sample(3, seed=1)
    for stage in (translator, cascade):
        with pytest.raises(DataError) as caught:
            stage.apply(colour, seed=1)
        assert caught.value.code == "image/chains-differ"
    enlarged = cascade.apply(composed, seed=1)  # scenes have other labels, and other sides, than shapes
    assert enlarged.chain.side == 32
    assert not np.array_equal(enlarged.pixels()[:, ::2, ::2], composed.pixels())


def test_marks_alone_do_not_make_a_picture_drawn() -> None:
    real = shapes(6, 9, side=16)
    drawn = Flow(images=64, **TINY).fit(shapes(60, 1, side=16)).sample(6, seed=1)
    assert is_drawn(drawn)
    assert not is_drawn(ImageSet(real.labels, real.store, real.chain, marks=drawn.marks))


def test_the_metric_of_generation_looks_at_the_whole_chain(translator: Translate) -> None:
    real = shapes(6, 9, side=16)
    recipe = Recipe(name="image.translate")

    def said(data: ImageSet) -> list[float | None]:
        case = Case(train=real, holdout=None, synthetic=data, purpose=Purpose(), recipe=recipe)
        return [e.estimate for e in Generation().measure(case, seed=0)]

    assert said(translator.sample(4, seed=1)) == [1.0, 1.0]
    assert said(translator.apply(real, seed=1, knowingly=True)) == [0.0, 0.0]


def test_files_of_altered_pictures_are_not_marked_synthetic(translator: Translate, tmp_path: Path) -> None:
    from PIL import Image

    real = shapes(3, 9, side=16)
    write_images(translator.apply(real, seed=1, knowingly=True), tmp_path / "altered")
    write_images(translator.sample(3, seed=1), tmp_path / "drawn")
    for folder, said in (("altered", ALTERED), ("drawn", SYNTHETIC)):
        for path in (tmp_path / folder).rglob("*.png"):
            with Image.open(path) as picture:
                assert picture.info["Description"] == said


def test_stages_in_a_row_carry_their_custody(translator: Translate) -> None:
    base = Flow(images=640, **TINY).fit(shapes(80, 1, side=8))
    larger = Superres(images=640, **TINY).fit(shapes(80, 1, side=16))
    row = Stages(base, larger, translator, names=("enlarge", "translate"))
    drawn = row.sample(5, seed=1)
    assert drawn.chain.side == 16
    assert [s.did for s in steps_of(drawn)] == ["draw", "super-resolve", "translate"]
    assert equal(row.sample(3, seed=1), drawn.take_rows(np.arange(3, dtype=np.intp)))
    assert receipt(drawn)["full_synthesis"] is True
    with pytest.raises(DataError):
        row.go_on(shapes(4, 2, side=8), seed=1)
    with pytest.raises(ConfigError):
        Stages(base, base)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("maker", "stages"),
    [
        ("image.duplicate", "image.superres"),
        ("image.augment", ""),
        ("image.flow", ""),
        ("image.stages", "image.superres"),
    ],
)
def test_a_recipe_begins_from_noise_and_has_a_stage(maker: str, stages: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Chained(maker=maker, stages=stages).fit(shapes(80, 1, side=16))
    assert caught.value.code == "params/out-of-range"


def test_an_archive_of_altered_pictures_says_so_when_it_is_read(translator: Translate, tmp_path: Path) -> None:
    write_images(translator.apply(shapes(30, 9, side=16), seed=1, knowingly=True), tmp_path / "altered.npz")
    write_images(translator.sample(30, seed=1), tmp_path / "drawn.npz")
    assert altered_real(read_images(tmp_path / "altered.npz"))
    assert not altered_real(read_images(tmp_path / "drawn.npz"))


def test_a_cascade_of_so_few_pictures_that_none_is_held_back_measures_nothing() -> None:
    kinds = np.array(["a"] * 8 + list("bcde") * 4)
    few = read_images({"images": shapes(24, 1, side=16).pixels()[..., 0], "labels": kinds}, How(side=16))
    model = Superres(images=16, **TINY).fit(few)
    assert model.pairs_ == [{"side": 16, "n": 0}]
    assert "too few pictures to tell" in model.notices_[-1].en
    assert model.sample(2, seed=1).chain.side == 16


def test_maps_and_masks_of_many_pictures_lie_on_disk(
    composer: Compose, cells: Scenes, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = maps_of(cells)[0], composer.sample(3, seed=4).masks
    monkeypatch.setattr(scratch, "IN_MEMORY", 0)
    found = maps_of(cells)[0], composer.sample(3, seed=4).masks
    for a, b in zip(expected, found, strict=True):
        assert isinstance(b, np.memmap)
        assert np.array_equal(a, b)


def test_painting_goes_over_composed_scenes(painter: Semantic, composed: Scenes) -> None:
    painted = painter.apply(composed, seed=1)
    assert painted.boxes.equals(composed.boxes)
    assert [s.did for s in steps_of(painted)] == ["draw", "compose", "paint"]
    assert is_drawn(painted)


def test_painting_goes_over_what_is_bright_where_there_are_no_boxes(painter: Semantic, composed: Scenes) -> None:
    small = {"images": 16, "width": 8, "min_class": 5, "steps": 2}
    options = {"image.flow": small, "image.semantic": small}
    recipe = Chained(maker="image.flow", stages="image.semantic", options=options, random_state=1)
    drawn = recipe.fit(scenes(60, 1, side=16)).sample(3, seed=1)  # what follows a flow is not given any boxes either
    assert [s.did for s in steps_of(drawn)] == ["draw", "paint"]
    assert not isinstance(drawn, Scenes)
    assert not recipe.paints_parts
    plain = ImageSet(composed.labels, composed.store, composed.chain, marks=composed.marks)
    with pytest.raises(DataError, match="image/no-boxes"):
        painter.apply(plain, seed=1)


def test_parts_are_painted_by_their_names_and_strange_ones_refused(painter: Semantic, composed: Scenes) -> None:
    turned = composed.with_part_classes(composed.part_classes[::-1])
    assert equal(painter.apply(turned, seed=1), painter.apply(composed, seed=1))
    boxes = composed.boxes.assign(**{"class": composed.boxes["class"].cat.rename_categories(["disc", "cube"])})
    strange = Scenes(
        composed.labels, composed.store, composed.chain, boxes=boxes, masks=composed.masks, marks=composed.marks
    )
    with pytest.raises(DataError) as caught:
        painter.apply(strange, seed=1)
    assert caught.value.code == "image/other-parts"
