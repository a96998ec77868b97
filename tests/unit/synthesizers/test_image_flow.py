"""image.flow: what it learns, what a picture depends on, when it stops, and how it comes back from disk."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthproof.core import state
from synthproof.core.errors import (
    Cancelled,
    ConditionError,
    ConfigError,
    DataError,
    NotFittedError,
    StateError,
    UsageError,
    WorkspaceError,
)
from synthproof.core.models import load_model, save_model
from synthproof.core.run import Event, Run
from synthproof.core.schema import Field
from synthproof.data.image.dataset import ImageSet
from synthproof.data.image.io import How, read_images
from synthproof.data.table.dataset import Table
from synthproof.synthesizers.image.drawing import begin
from synthproof.synthesizers.image.ends import Ends, ends_of
from synthproof.synthesizers.image.flow import Flow
from synthproof.synthesizers.image.gap import Watcher
from synthproof.testing.shapes import CLASSES, shapes

torch = pytest.importorskip("torch", reason="synthproof[images] is not installed")
pytestmark = pytest.mark.timeout(900)


def small(**more: object) -> Flow:
    """Return a network that learns in seconds."""
    return Flow(**{"width": 24, "levels": 2, "images": 4_000, "random_state": 5, "watch": "warn", **more})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def learned() -> Flow:
    """Eighty thousand looks at six hundred shapes: enough that discs are discs."""
    return small(images=40_000).fit(shapes(600, 1))


def roundness(data: ImageSet, kind: str) -> float:
    """Return the mean brightness at the centre of mass against the ring around it, of one class."""
    of = data.take_rows(np.flatnonzero(data.frame["class"] == kind))
    x = (of.values()[:, 0] + 1) / 2
    x = x - x.min(axis=(1, 2), keepdims=True)
    y, z = np.mgrid[0:16, 0:16]
    mass = x.sum(axis=(1, 2))
    at = np.rint([(x * y).sum(axis=(1, 2)) / mass, (x * z).sum(axis=(1, 2)) / mass]).astype(int).clip(1, 14)
    middle = np.array([p[a - 1 : a + 2, b - 1 : b + 2].mean() for p, a, b in zip(x, *at, strict=True)])
    return float((middle / x.max(axis=(1, 2))).mean())


def test_pictures_look_like_their_class(learned: Flow) -> None:
    drawn, real = learned.sample(300, seed=1), shapes(300, 9)
    for kind in CLASSES:
        assert abs(roundness(drawn, kind) - roundness(real, kind)) < 0.2, kind
    assert roundness(drawn, "disc") - roundness(drawn, "ring") > 0.15
    assert abs(drawn.values().mean() - real.values().mean()) < 0.08


def test_a_picture_depends_on_model_seed_number_and_label_alone(learned: Flow) -> None:
    many = learned.sample(150, seed=3)
    assert np.array_equal(learned.sample(70, seed=3).pixels(), many.pixels(np.arange(70)))
    assert np.array_equal(learned.sample(150, seed=3, run=Run(workers=1)).pixels(), many.pixels())
    assert not np.array_equal(learned.sample(10, seed=4).pixels(), many.pixels(np.arange(10)))
    assert many.marks is not None
    assert many.marks["index"].tolist() == list(range(150))
    assert set(many.marks["model"]) == {learned.digest_}


def test_labels_follow_their_shares_or_the_condition(learned: Flow) -> None:
    shares = learned.sample(2_000, seed=0).frame["class"].value_counts(normalize=True)
    assert abs(shares["ring"] - 0.2) < 0.06
    only = learned.sample(40, seed=0, where={"class": ["ring", "disc"]})
    assert set(only.frame["class"]) == {"ring", "disc"}
    with pytest.raises(ConditionError) as caught:
        learned.sample(5, where={"class": "star"})
    assert caught.value.code == "image/no-such-label"
    with pytest.raises(ConditionError):
        learned.sample(5, where={"kind": "ring"})


def test_it_comes_back_from_disk_as_it_was(learned: Flow, tmp_path: Path) -> None:
    save_model(learned, tmp_path / "model")
    again = load_model(tmp_path / "model")
    assert np.array_equal(again.sample(8, seed=2).pixels(), learned.sample(8, seed=2).pixels())
    assert again.schema_ == learned.schema_
    assert np.allclose(again.unit_loss(shapes(20, 2)), learned.unit_loss(shapes(20, 2)))


@pytest.mark.parametrize(
    ("at", "value"),
    [(("ends",), ["x", 1]), (("learnt", "seed"), "x"), (("learnt", "code", "schema"), []), (("arrays",), "x")],
)
def test_a_model_whose_description_was_changed_is_refused(at: tuple[str, ...], value: Any, tmp_path: Path) -> None:
    save_model(small(images=16).fit(shapes(120, 1)), tmp_path / "m")
    whole = json.loads((tmp_path / "m" / "model.json").read_text("utf-8"))
    part = whole["state"]
    for key in at[:-1]:
        part = part[key]
    part[at[-1]] = value
    (tmp_path / "m" / "model.json").write_text(json.dumps(whole), encoding="utf-8")
    with pytest.raises(StateError, match="state/not-a-model"):
        load_model(tmp_path / "m")


def test_the_same_seed_learns_the_same_network_whatever_the_workers() -> None:
    data = shapes(200, 2)
    a = small(images=640).fit(data, run=Run(workers=1))
    b = small(images=640).fit(data, run=Run(workers=2))
    assert a.digest_ == b.digest_
    assert small(images=640, random_state=6).fit(data).digest_ != a.digest_


def test_a_fit_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    data, place = shapes(200, 2), str(tmp_path / "checkpoint")
    whole = small(images=6_400).fit(data)
    stop = Run(lambda e: stop.cancel() if e.task == "flow" and e.done >= 60 else None)
    with pytest.raises(Cancelled):
        small(images=6_400, checkpoint=place).fit(data, run=stop)
    begun: list[Event] = []
    job = Run(lambda e: begun.append(e) if e.task == "flow" and e.done > 1 else None)
    again = small(images=6_400, checkpoint=place).fit(data, run=job)
    assert begun[0].done > 16, "it did not begin anew"
    weights = [again._arrays[k] - whole._arrays[k] for k in whole._arrays]
    assert max(float(np.abs(w).max()) for w in weights) < 1e-5
    assert [g["gap"] for g in again.gap_] == pytest.approx([g["gap"] for g in whole.gap_], abs=1e-4), (
        "the first look is kept"
    )
    other = small(images=640, checkpoint=place).fit(data, run=job)
    assert other.learned_["images"] == 640, "other settings begin anew"


def test_a_checkpoint_of_fewer_minutes_is_gone_on_with_not_taken_for_more(tmp_path: Path) -> None:
    def learned_of(minutes: float) -> dict[str, Any]:
        return (
            small(images=None, minutes=minutes, width=8, levels=1, batch_size=8, checkpoint=str(tmp_path))
            .fit(data)
            .learned_
        )

    data = shapes(200, 2)
    short = learned_of(0.01)
    assert learned_of(0.01)["steps"] == short["steps"], "learned out: nothing is left to do"
    header, kept = state.load(tmp_path)
    # a busy machine may need all of the longer budget for these steps
    state.save(tmp_path, header={k: header[k] for k in ("kind", "key")}, state={**kept, "seconds": 0.5})
    assert learned_of(0.05)["steps"] > 1.5 * short["steps"]


def test_a_model_is_not_overwritten_by_checkpoints(tmp_path: Path) -> None:
    model = small(images=64).fit(shapes(120, 1))
    save_model(model, tmp_path)
    with pytest.raises(WorkspaceError, match="workspace/exists"):
        small(images=64, checkpoint=str(tmp_path)).fit(shapes(120, 1))
    assert load_model(tmp_path).digest_ == model.digest_


def test_a_second_fit_that_is_cancelled_while_it_draws_leaves_the_first_one(monkeypatch: pytest.MonkeyPatch) -> None:
    model = small(images=64).fit(shapes(120, 1))
    before = model.sample(4, seed=1).pixels()

    def stopped(*_: object) -> Ends:
        raise Cancelled("run/cancelled", task="labels")

    monkeypatch.setattr(model, "_find_ends", stopped)
    with pytest.raises(Cancelled):
        model.set_params(width=8, random_state=6).fit(shapes(120, 2, side=8))
    assert np.array_equal(model.sample(4, seed=1).pixels(), before)


def test_labels_of_too_few_persons_go_and_the_watch_looks_at_each_label() -> None:
    data = shapes(300, 1)
    at = np.arange(300)
    frame = pd.DataFrame({"mass": at % 2 == 0, "fluid": at % 3 == 0, "rare": at < 9}).astype("boolean")
    real = read_images({"images": data.pixels()[..., 0], "labels": frame}, How(targets=("mass", "fluid", "rare")))
    begun = begin(real, 1, min_class=30, run=Run())
    assert begun.data.several == ("mass", "fluid")
    assert begun.data.n_rows == 291, "whoever bears the rare label is not learned from"
    assert "1 class(es) with fewer than 30" in begun.notices[0].en
    watcher = Watcher(begun, lambda *_: np.ones(1), "stop")
    assert watcher.names == ("mass", "fluid")
    assert [c for c, _, _ in watcher.sides] == [0, 1]
    for _, inside, outside in watcher.sides:
        assert not set(inside) & set(outside)
    with pytest.raises(DataError) as caught:
        begin(real, 1, min_class=200, run=Run())
    assert caught.value.code == "image/classes-too-small"


def test_minutes_are_kept() -> None:
    import time

    began = time.monotonic()
    model = small(images=None, minutes=0.1).fit(shapes(300, 1))
    assert time.monotonic() - began < 30
    assert 1 < model.learned_["seconds"] < 15
    assert model.learned_["steps"] > 20


def test_a_network_that_learns_by_heart_shows_it_in_its_losses() -> None:
    data = shapes(60, 3, side=8, shares=(0.0, 1.0, 0.0))
    eager = small(images=30_000, width=48, jitter=0.0, min_class=10).fit(data)
    known, other = eager.unit_loss(data).mean(), eager.unit_loss(shapes(200, 4, side=8, shares=(0.0, 1.0, 0.0))).mean()
    assert other > 1.1 * known
    assert "No class has enough" in eager.notices_[0].en


@pytest.mark.parametrize("action", ["stop", "warn"])
def test_the_watch_tells_a_gap_that_opens_from_pictures_that_are_merely_easier(action: str) -> None:
    begun = begin(shapes(900, 1), 1, min_class=10, run=Run())
    hard = np.exp(0.3 * np.random.default_rng(0).standard_normal(900))

    def losses(opened: float) -> Callable[[Any, Any, int], Any]:
        known = np.isin(np.arange(900), begun.rows)
        # members are easier from the start: that alone is no sign
        return lambda _w, rows, _s: hard[rows] * np.where(known[rows], 0.9 * (1 - opened), 1.0)

    calm = Watcher(begun, losses(0.0), action)
    assert not any(calm.stop({}, p) for p in (0.1, 0.4, 0.8))
    assert calm.notices(None) == ()
    watcher = Watcher(begun, losses(0.0), action)
    assert not watcher.stop({}, 0.1)
    watcher.losses = losses(0.05)
    assert watcher.stop({}, 0.5) == (action == "stop")
    assert "3 class(es)" in watcher.notices(0.5 if action == "stop" else None)[0].en


def test_what_was_learned_by_heart_before_the_first_look_is_said_and_so_is_who_is_not_watched() -> None:
    begun = begin(shapes(900, 1), 1, min_class=10, run=Run())
    hard = np.exp(0.4 * np.random.default_rng(0).standard_normal(900))
    known = np.isin(np.arange(900), begun.rows)
    watcher = Watcher(begun, lambda _w, rows, _s: hard[rows] * np.where(known[rows], 0.3, 1.0), "stop")
    assert not any(watcher.stop({}, p) for p in (0.2, 0.6)), "nothing opened since the first look"
    assert "3 class(es) are known better" in watcher.notices(None)[0].en
    again = Watcher(begun, watcher.losses, "stop")
    again.set_state(watcher.get_state())
    assert again.notices(None) == watcher.notices(None)

    rare = shapes(300, 1, shares=(0.85, 0.1, 0.05))
    begun = begin(rare, 1, min_class=5, run=Run())
    few = Watcher(begun, lambda _w, rows, _s: hard[rows], "stop")
    assert len(few.sides) == 1
    assert "2 class(es) have too few pictures of other persons" in few.notices(None)[-1].en


def test_small_classes_are_left_out_with_a_notice_and_refused_by_name() -> None:
    data = shapes(300, 1, shares=(0.48, 0.48, 0.04))
    model = small(images=640).fit(data)
    assert "not learned" in model.notices_[0].en
    assert set(model.sample(50, seed=1).frame["class"]) <= {"cross", "disc"}
    with pytest.raises(ConditionError) as caught:
        model.sample(5, where={"class": "ring"})
    assert caught.value.code == "image/label-not-learned"
    with pytest.raises(DataError) as refused:
        small(images=640, min_class=1_000).fit(data)
    assert refused.value.code == "image/classes-too-small"
    with pytest.raises(DataError) as few:
        small().fit(shapes(10, 1))
    assert few.value.code == "image/too-few"


def test_several_labels_and_attributes_are_drawn_as_a_table_of_their_own() -> None:
    data = shapes(400, 1)
    dice = np.random.default_rng(0)
    age = dice.integers(20, 90, 400)
    frame = pd.DataFrame(
        {
            "effusion": pd.array(dice.random(400) < 0.3, dtype="boolean"),
            "mass": pd.array(age > 60, dtype="boolean"),
            "age": pd.array(age, dtype="Int64"),
        }
    )
    target = frozenset({"target"})
    fields = (
        Field(name="effusion", kind="boolean", roles=target),  # type: ignore[arg-type]
        Field(name="mass", kind="boolean", roles=target),  # type: ignore[arg-type]
        Field(name="age", kind="integer", low=20, high=89),
    )
    from dataclasses import replace

    many = data.with_labels(Table(frame, replace(data.schema, fields=fields), origin=data.origin))
    model = small(images=640).fit(many)
    drawn = model.sample(300, seed=1)
    assert drawn.targets == ("effusion", "mass")
    old = drawn.frame["age"].astype(float)
    assert (old[drawn.frame["mass"].astype(bool)].mean() - old[~drawn.frame["mass"].astype(bool)].mean()) > 15
    assert model.sample(20, seed=1, where={"mass": True}).frame["mass"].all()


def test_rare_classes_are_looked_at_more_often_within_bounds() -> None:
    begun = begin(shapes(2_000, 1, shares=(0.9, 0.08, 0.02)), 1, min_class=10, run=Run())
    counts = np.bincount(begun.codes[begun.rows])
    each = np.bincount(begun.codes[begun.rows], weights=begun.chances) / counts
    assert each[2] > each[1] > each[0]
    assert each[2] / each[0] <= 5.0 + 1e-9
    looked = np.bincount(begun.codes[begun.batch("x")(0, 20_000)], minlength=3) / 20_000
    assert np.allclose(looked, each * counts, atol=0.02)


def test_an_unfitted_or_wrongly_asked_model_says_so() -> None:
    with pytest.raises(NotFittedError):
        Flow().sample(1)
    fitted = small(images=64).fit(shapes(120, 1))
    for n in (-1, 2.5, True):
        with pytest.raises(UsageError, match="sample/bad-count"):
            fitted.sample(n)  # type: ignore[arg-type]
    with pytest.raises(ConfigError):
        Flow(guidance=5.0).fit(shapes(100, 1))
    with pytest.raises(ConfigError):
        Flow(watch="never").fit(shapes(100, 1))


def test_black_is_drawn_as_often_as_it_is_in_the_pictures_learned_from() -> None:
    real = shapes(400, 1)
    pixels = real.pixels().copy()
    pixels[pixels < np.quantile(pixels, 0.6)] = 0
    black = ImageSet(real.labels, pixels, real.chain)
    model = small(images=12_000).fit(black)
    share, wanted = float((model.sample(256, seed=2).pixels() == 0).mean()), float((pixels == 0).mean())
    assert share < wanted + 0.03
    before = model.sample(8, seed=2).pixels()
    again = Flow(**model.get_params()).set_state(model.get_state())
    assert np.array_equal(again.sample(8, seed=2).pixels(), before)
    model._ends = Ends()
    plain = float((model.sample(256, seed=2).pixels() == 0).mean())
    # so little learning leaves much noise, and no far grey is taken for black: half the way, not all of it
    assert wanted - share < 0.75 * (wanted - plain)
    assert model._digest() != again.digest_, "a picture is a function of the model's digest, so it names the ends"


def test_an_end_that_hardly_a_pixel_reaches_is_left_alone_and_no_far_grey_is_taken_for_one() -> None:
    values = np.linspace(-1.2, 1.2, 2_401, dtype=np.float32)
    assert ends_of((0.001, 0.0), values) == Ends()
    far = ends_of((0.5, 0.5), values)
    assert (far.low, far.high) == (pytest.approx(-0.9), pytest.approx(0.9))
    settled = far.settle(values)
    assert settled[values <= -0.9].max() == -1
    assert settled[values >= 0.9].min() == 1
    inside = np.abs(values) < 0.89
    assert np.array_equal(settled[inside], values[inside])
