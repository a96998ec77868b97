from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy import ndimage

from synthproof.core.errors import ConfigError, DataError
from synthproof.core.schema import Purpose
from synthproof.data.image.chain import Chain
from synthproof.data.image.dataset import ImageSet
from synthproof.data.image.scenes import Scenes
from synthproof.data.split import split
from synthproof.engines.finders.burned_in import LEAST_SCORE, Found, burned_in_score, find_burned_in, probabilities
from synthproof.protection.apply import apply
from synthproof.protection.burned_in import BurnedIn, masked
from synthproof.testing.picture_protections import WITH_TEXT, example
from synthproof.testing.planted_text import FONTS, plant
from synthproof.testing.protections import example as example_table


def blobs(side: int, seed: int) -> np.ndarray:
    picture = example()[0].store[18 + seed, ..., 0]
    return np.clip(np.rint(ndimage.zoom(picture.astype(float), side / 96, order=1)), 0, 255).astype(np.uint8)


def test_text_is_found_where_it_stands_and_blobs_are_left_alone() -> None:
    rng = np.random.default_rng(0)
    hits, lines, seen = 0, 0, 0.0
    for seed in range(12):
        clean = blobs(192, seed)
        assert burned_in_score(clean) < LEAST_SCORE
        made = plant(clean, rng, fold="held_out", colours=("white",))
        assert made is not None
        mask = np.zeros(made.ink.shape, dtype=bool)
        for f in find_burned_in(made.picture):
            t, l, b, r = f.box
            assert 0 <= t < b <= 192
            assert 0 <= l < r <= 192
            mask[t:b, l:r] = True
        hits += sum(mask[t:b, l:r][made.ink[t:b, l:r]].mean() >= 0.5 for t, l, b, r in made.boxes)
        lines += len(made.boxes)
        seen += mask.mean() / 12
    assert hits >= 0.9 * lines
    assert seen < 0.5, "boxes do not cover the picture"


def test_large_letters_colour_and_sixteen_bits() -> None:
    rng = np.random.default_rng(1)
    made = plant(blobs(384, 1), rng, fold="held_out", heights=(40, 44), colours=("white",))
    assert made is not None
    assert find_burned_in(made.picture), "letters of 40 px are found in half size"
    deep = made.picture.astype(np.uint16) * 257
    assert [f.box for f in find_burned_in(deep)] == [f.box for f in find_burned_in(made.picture)]
    colour = np.repeat(made.picture[..., None], 3, axis=2)
    assert len(find_burned_in(colour)) == len(find_burned_in(made.picture))
    assert find_burned_in(made.picture, most_side=200), "halved first"
    assert find_burned_in(np.full((28, 28), 200, np.uint8)) == ()
    assert probabilities(np.zeros((65, 90))).shape == (17, 23)


def test_the_folds_share_no_font() -> None:
    assert not set(FONTS["tuning"]) & set(FONTS["held_out"])
    assert plant(np.zeros((96, 96), np.uint8), np.random.default_rng(0), fold="tuning", colours=("black",)) is None


def test_masks_take_the_grey_of_their_surroundings() -> None:
    picture = np.full((96, 96, 3), (10, 100, 200), np.uint8)
    picture[40:50, 30:70] = 255
    out = masked(picture, (Found(box=(38, 28, 52, 72), score=9.0),))
    assert (out == np.array([10, 100, 200], np.uint8)).all()
    whole = masked(picture, (Found(box=(0, 0, 96, 96), score=9.0),))
    assert whole.shape == picture.shape
    assert (picture[40:50, 30:70] == 255).all(), "the picture given stays"


def test_pictures_with_text_are_masked_dropped_or_refused() -> None:
    train, holdout = example()
    fitted = BurnedIn().fit(train)
    after = fitted.transform(train)
    told = fitted.receipt()
    assert told["pictures_with_text"] == len(WITH_TEXT)
    assert told["treatments"][0]["method"]["id"] == "mask"
    changed = [i for i in range(train.n_rows) if not np.array_equal(after.store[i], train.store[i])]
    assert changed == list(WITH_TEXT)
    assert all(burned_in_score(after.store[i]) < burned_in_score(train.store[i]) / 3 for i in changed)
    dropped = BurnedIn(action="drop").fit(train)
    assert dropped.transform(train).n_rows == train.n_rows - 2
    assert dropped.transform(holdout).n_rows == holdout.n_rows - 1
    assert dropped.receipt()["treatments"][0]["method"]["id"] == "delete"
    with pytest.raises(DataError) as caught:
        BurnedIn(action="refuse").fit(train)
    assert "2 of 40" in str(caught.value)
    with pytest.raises(ConfigError):
        BurnedIn(action="blur").fit(train)


def test_scenes_keep_their_boxes() -> None:
    train, _ = example()
    boxes = pd.DataFrame({"image": WITH_TEXT, "class": pd.Categorical(["cell"] * len(WITH_TEXT))})
    boxes = boxes.assign(xmin=5.0, ymin=6.0, xmax=20.0, ymax=30.0)
    given = Scenes(train.labels, train.store, train.chain, boxes=boxes)
    after = BurnedIn().fit(given).transform(given)
    assert isinstance(after, Scenes)
    assert after.boxes.equals(given.boxes)
    assert not np.array_equal(after.pixels(), given.pixels())


def test_nothing_found_copies_nothing_and_small_pictures_are_said_to_be_unseen() -> None:
    train, _ = example()
    clean = train.take_rows(np.setdiff1d(np.arange(train.n_rows), WITH_TEXT))
    fitted = BurnedIn().fit(clean)
    assert fitted.transform(clean) is clean
    assert fitted.notices_ == ()
    small = ImageSet(train.labels, np.ascontiguousarray(train.store[:, :28, :28]), Chain(side=28))
    fitted = BurnedIn().fit(small)
    assert fitted.receipt()["assessed"] is False
    assert "64" in fitted.notices_[0].ko
    assert fitted.transform(small) is small
    assert json.dumps(fitted.receipt())


def test_a_table_cannot_be_given_to_it() -> None:
    train = example_table()[0].without("resident_no", "note")
    with pytest.raises(ConfigError) as caught:
        apply(split(train, seed=0), ["image.burned_in"], purpose=Purpose(), seed=0)
    assert caught.value.code == "protect/not-for-tables"
