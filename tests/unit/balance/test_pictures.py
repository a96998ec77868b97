"""The balancer on pictures: sets and arrays come back as they came, under the same rules as tables."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

import synthproof as sp
from synthproof.balance.balancer import Balancer
from synthproof.balance.image_task import ImageTask
from synthproof.balance.pictures import Squares, with_targets
from synthproof.core.errors import ConfigError, DataError
from synthproof.data.image.dataset import ImageSet
from synthproof.data.image.io import read_images
from synthproof.testing.shapes import shapes

FAST = {"steps": 2, "base": 8}


def few(n: int = 200, persons: int | None = None) -> ImageSet:
    return shapes(n, 1, side=16, persons=persons, shares=(0.45, 0.45, 0.1))


@pytest.mark.parametrize("strategy", ["none", "weights", "duplicates", "down", "augmentation", "image.duplicate"])
def test_a_set_comes_back_as_a_set(strategy: str) -> None:
    images = few()
    small = np.bincount(images.classes()[0])
    balancer = Balancer(strategy, random_state=3, least=5)
    out, y = balancer.fit_resample(images)
    assert isinstance(out, ImageSet)
    assert out.n_rows == len(y) == len(balancer.origin_) == len(balancer.sample_weight_)
    codes, names = out.classes()
    assert [names[c] for c in codes] == y.tolist()  # the set's own labels follow
    real = balancer.origin_ == "real"
    rows = balancer.sample_indices_[real]
    assert (out.pixels(np.flatnonzero(real)) == images.pixels(rows)).all()
    assert (np.bincount(codes) == balancer.after_).all()
    assert (balancer.before_ == small).all()
    if strategy in ("augmentation", "image.duplicate"):
        assert set(balancer.origin_) == {"real", "augmentation"}  # whoever knows the real one recognises it
        assert (balancer.sample_indices_[~real] == -1).all()
    if strategy == "duplicates":
        again = np.flatnonzero(~real)
        assert (out.pixels(again) == images.pixels(balancer.sample_indices_[again])).all()
    if strategy in ("none", "weights", "down"):
        assert real.all()
    assert images.n_rows == 200


def test_given_labels_beside_a_set_rule_over_its_own() -> None:
    images = few()
    light = images.pixels().mean(axis=(1, 2, 3))
    y = pd.Series(np.where(light > np.quantile(light, 0.8), "light", "dark"))
    out, y2 = Balancer("augmentation", random_state=1, ratio="equal", cap_class=None, cap_total=None).fit_resample(
        images, y
    )
    assert y2.value_counts().nunique() == 1
    assert out.n_rows == len(y2)
    assert out.schema.names == images.schema.names  # no column of ours stays behind
    assert not out.frame["class"].isna().any()  # a moved picture keeps what is known of the real one


@pytest.mark.parametrize("kind", ["uint8", "uint16", "float32", "float64", "bool", "int64"])
@pytest.mark.parametrize("shape", [(9, 9), (7, 12), (8, 8, 1), (6, 10, 3)])
def test_arrays_keep_shape_and_type(kind: str, shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    X = rng.random((60, *shape))
    X = (X > 0.5 if kind == "bool" else X if kind.startswith("f") else X * 200).astype(kind)
    y = np.repeat([0, 1], [48, 12])
    before = X.copy()
    balancer = Balancer("augmentation", random_state=1)
    X2, y2 = balancer.fit_resample(X, y)
    assert (X2.dtype, X2.shape[1:]) == (X.dtype, shape)
    assert (X2[:60] == before).all()
    assert (before == X).all()
    assert (y2 == 1).sum() == 30  # to the median class of two: (48 + 12) / 2
    if kind != "uint8":  # bytes fill their range, of other types it is what the pictures fill
        assert X2[60:].min() >= X.min()
        assert X2[60:].max() <= X.max()
    again, _ = Balancer("augmentation", random_state=1).fit_resample(X, y)
    assert (again == X2).all()


def test_squares_lose_nothing() -> None:
    X = np.random.default_rng(0).integers(0, 60_000, (5, 4, 7), dtype=np.uint16)
    way = Squares.of(X)
    assert (way.decode(way.encode(X)) == X).all()
    real = np.random.default_rng(0).normal(size=(5, 4, 7, 3))
    way = Squares.of(real)
    assert np.abs(way.decode(way.encode(real)) - real).max() <= (real.max() - real.min()) / 65_535


def test_gaps_pass_where_no_pixel_is_read_and_are_refused_where_one_is() -> None:
    X = np.random.default_rng(0).random((60, 8, 8))
    X[50:, 2, 2] = np.nan
    y = np.repeat(["a", "b"], [48, 12])
    for strategy in ("duplicates", "down", "weights", "none"):
        assert np.isnan(Balancer(strategy, random_state=1).fit_resample(X, y)[0]).any()
    with pytest.raises(DataError, match="balance/picture-values"):
        Balancer("augmentation").fit_resample(X, y)
    with pytest.raises(DataError, match="balance/picture-shape") as refused:
        Balancer("augmentation").fit_resample(np.zeros((60, 5, 8, 8)), y)
    for part in ("what", "found", "remedy"):
        assert refused.value.part(part, "ko")
    assert len(Balancer("duplicates").fit_resample(np.zeros((60, 5, 8, 8)), y)[0]) == 78


def test_pictures_without_a_label_stay_and_make_nothing() -> None:
    images = few()
    cells = images.frame["class"].copy()
    cells[::10] = np.nan
    y = cells.astype(object).where(cells.notna(), None).to_numpy()
    balancer = Balancer("augmentation", random_state=1)
    out, y2 = balancer.fit_resample(images, y)
    assert pd.isna(pd.Series(y2)).sum() == 20
    assert out.n_rows == len(y2)
    assert any("20" in w.en for w in balancer.notices_)


def test_a_generator_draws_and_every_drawn_picture_is_a_unit_of_its_own() -> None:
    pytest.importorskip("torch")
    images = few(260, persons=120)
    balancer = Balancer("image.vae", params={"images": 128}, random_state=1, least=10)
    out, y = balancer.fit_resample(images)
    made = np.flatnonzero(balancer.origin_ == "synthetic")
    assert len(made) > 10
    assert set(y[made]) == {"ring"}
    who = out.frame["patient"]
    assert who.iloc[made].is_unique
    assert not set(who.iloc[made]) & set(images.frame["patient"])
    named = Balancer("synthetic", generator="image.vae", params={"images": 128}, random_state=1, least=10)
    assert (named.fit_resample(images)[0].pixels() == out.pixels()).all()


def test_a_moved_picture_keeps_its_person() -> None:
    images = few(200, persons=60)
    balancer = Balancer("augmentation", random_state=1)
    out, _ = balancer.fit_resample(images)
    made = np.flatnonzero(balancer.origin_ == "augmentation")
    rings = set(images.frame.loc[images.frame["class"] == "ring", "patient"])
    assert len(made)
    assert set(out.frame["patient"].iloc[made]) <= rings


def test_caps_and_small_classes_are_those_of_tables() -> None:
    images = few()
    n = int((images.frame["class"] == "ring").sum())
    with pytest.raises(ConfigError, match="cap_class"):
        Balancer("augmentation", ratio="equal").fit_resample(images)
    with pytest.raises(ConfigError, match="cap_total"):
        Balancer("augmentation", ratio={"ring": 20 * n}, cap_class=None).fit_resample(images)
    out, _ = Balancer("augmentation", ratio={"ring": 3 * n}, random_state=1).fit_resample(images)
    assert (out.frame["class"] == "ring").sum() == 3 * n
    with pytest.raises(DataError, match="balance/class-too-small") as refused:
        Balancer("image.vae").fit_resample(images)
    assert "ring" not in str(refused.value)
    skipped = Balancer("image.vae", small="skip", random_state=1)
    assert skipped.fit_resample(images)[0].n_rows == 200
    assert any(str(n) in w.en or "30" in w.en for w in skipped.notices_)
    # persons are what counts: many pictures of few persons teach little more than those persons
    with pytest.raises(DataError, match="balance/class-too-small"):
        Balancer("image.vae", least=20).fit_resample(few(400, persons=12))


def test_a_small_class_that_is_flagged_is_made() -> None:
    pytest.importorskip("torch")
    images = few()
    balancer = Balancer("image.vae", params={"images": 64}, small="flag", random_state=1)
    out, _ = balancer.fit_resample(images)
    assert out.n_rows > 200
    assert any("hardly more than those images again" in w.en for w in balancer.notices_)


def test_tables_and_pictures_do_not_lend_each_other_generators() -> None:
    images = few()
    with pytest.raises(ConfigError, match="a generator of pictures"):
        Balancer("table.marginals", least=2).fit_resample(images)
    with pytest.raises(ConfigError, match="balance/not-for-pictures"):
        Balancer("borderline").fit_resample(images)
    with pytest.raises(DataError, match="balance/not-classes"):
        Balancer().fit_resample(images, np.zeros(200))
    with pytest.raises(ConfigError, match="balance/no-target"):
        Balancer().fit_resample(pd.DataFrame({"a": [1, 2]}))


def test_own_augmentation_of_a_set() -> None:
    images = few()

    def mirrored(rows: ImageSet, seed: int) -> ImageSet:
        return ImageSet(rows.labels, np.ascontiguousarray(rows.pixels()[:, :, ::-1]), rows.chain)

    balancer = Balancer("augmentation", augment=mirrored, random_state=1)
    out, y = balancer.fit_resample(images)
    made = np.flatnonzero(balancer.origin_ == "augmentation")
    real = {p.tobytes() for p in images.pixels()}
    assert {p[:, ::-1].tobytes() for p in out.pixels(made)} <= real
    assert set(y[made]) == {"ring"}


def test_pipelines_and_clones() -> None:
    from imblearn.pipeline import make_pipeline
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import FunctionTransformer

    images = few(300)
    X, y = images.pixels()[..., 0], images.classes()[0]
    balancer = Balancer("augmentation", random_state=1, params={"turn": 3.0})
    assert clone(balancer).get_params() == balancer.get_params()
    flat = FunctionTransformer(lambda x: x.reshape(len(x), -1) / 255.0)
    pipe = make_pipeline(balancer, flat, LogisticRegression(max_iter=50)).fit(X, y)
    assert pipe.predict(X).shape == (300,)  # what is predicted is never resampled
    assert pipe.set_params(balancer__strategy="duplicates").fit(X, y).score(X, y) > 0.5


def test_a_folder_is_written_and_read_back(tmp_path: Path) -> None:
    images = few(200, persons=60)
    done = sp.Balancer("augmentation", random_state=1).balance(images)
    (folder,) = done.write(tmp_path / "out")
    told = pd.read_csv(folder / "origin.csv")
    assert len(told) == done.data.n_rows
    assert told["source_row"].isna().equals(told["origin"] == "augmentation")
    assert all((folder / f).is_file() for f in told["file"])
    receipt = json.loads((folder / "balance.json").read_text("utf-8"))
    assert receipt["releasable"] is False
    assert receipt["rows"]["augmentation"] == int((done.origin == "augmentation").sum()) > 0
    back = read_images(folder)
    assert back.n_rows == done.data.n_rows
    assert back.targets == ("class",)
    assert back.schema.unit_field == "patient"
    assert set(back.schema.names) == {"class", "patient"}  # where a picture came from is no label
    assert len(back) == len(images)  # moved pictures belong to their person
    with pytest.raises(DataError, match="balance/balanced-already"):  # its moved pictures would be marked real
        sp.Balancer("duplicates", target="class", random_state=1).balance(folder)
    with pytest.raises(DataError, match="balance/balanced-already"):
        ImageTask(back)
    (real,) = sp.Balancer("none", random_state=1).balance(images).write(tmp_path / "real")
    by_path = sp.Balancer("duplicates", target="class", random_state=1).balance(real)
    assert isinstance(by_path.data, ImageSet)


def test_another_column_may_be_the_target() -> None:
    images = few()
    frame = images.frame.assign(site=pd.Categorical(np.where(np.arange(200) % 10, "one", "two")))
    from dataclasses import replace

    from synthproof.core.schema import Field
    from synthproof.data.table.dataset import Table

    site = Field(name="site", kind="categorical", levels=("one", "two"))
    schema = replace(images.schema, fields=(*images.schema.fields, site), modality="table")
    both = images.with_labels(Table(frame, schema))
    assert with_targets(both, ("site",)).targets == ("site",)
    done = Balancer("duplicates", target="site", random_state=1).balance(both)
    assert (done.data.frame["site"] == "two").sum() == 60
