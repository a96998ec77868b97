"""The generator families of pictures, and the controls that hand out real ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from synthproof.core.contracts import Case
from synthproof.core.errors import ConditionError, ConfigError
from synthproof.core.models import load_model, save_model
from synthproof.core.registry import synthesizers
from synthproof.core.run import Event, Run
from synthproof.core.schema import Field, Purpose, Schema
from synthproof.data.image.chain import Chain
from synthproof.data.image.custody import altered_real, is_drawn, steps_of
from synthproof.data.image.dataset import ImageSet
from synthproof.data.image.io import How, read_images
from synthproof.data.image.write import write_images
from synthproof.data.table.dataset import Table
from synthproof.metrics.any.generation import Generation
from synthproof.synthesizers.image.augment import Augment
from synthproof.synthesizers.image.drawing import begin
from synthproof.synthesizers.image.duplicate import Duplicate

CLASSES = ("dot", "bar", "ring")
SMALL = {
    "image.dcgan": {
        "width": 8,
        "noise": 8,
        "images": 6000,
        "batch_size": 16,
        "learning_rate": 4e-3,
        "critic_rate": 4e-3,
    },
    "image.pggan": {"width": 8, "noise": 8, "images": 4000, "batch_size": 16},
    "image.vae": {"width": 8, "latent": 4, "images": 8000, "batch_size": 32, "learning_rate": 5e-3},
    "image.ddpm": {"width": 16, "steps": 25, "images": 8000, "batch_size": 32, "learning_rate": 5e-3},
}


def forms(n: int = 150, side: int = 8, channels: int = 1, seed: int = 0) -> ImageSet:
    """Return small pictures of three classes that a glance tells apart: a dot, a bar and a ring, two of each person: a classifier by means
    is enough."""
    dice = np.random.Generator(np.random.Philox(seed))
    codes = np.repeat(np.arange(n // 2) % len(CLASSES), 2)
    y, x = np.mgrid[:side, :side] / (side - 1) * 2 - 1
    dx, dy = dice.normal(0, 0.12, (2, len(codes), 1, 1))
    r = np.hypot(x - dx, y - dy)
    forms = [np.exp(-((r / 0.35) ** 2)), np.exp(-(((x - dx) / 0.25) ** 2)), np.exp(-(((r - 0.75) / 0.2) ** 2))]
    light = np.select([codes[:, None, None] == k for k in range(len(CLASSES))], forms)
    light = light * dice.uniform(0.8, 1.0, (len(codes), 1, 1)) + dice.uniform(0, 0.05, light.shape)
    tint = np.linspace(1.0, 0.6, channels)
    store = np.rint(np.clip(light, 0, 1)[..., None] * tint * 255).astype(np.uint8)
    fields = (
        Field(name="class", kind="categorical", levels=CLASSES, roles=frozenset({"target"})),
        Field(name="person", kind="identifier", roles=frozenset({"unit"})),
    )
    frame = pd.DataFrame(
        {
            "class": pd.Categorical(np.array(CLASSES)[codes], categories=list(CLASSES)),
            "person": pd.array([f"p{k // 2}" for k in range(len(codes))], dtype=pd.StringDtype(na_value=np.nan)),
        }
    )
    chain = Chain(side=side, channels=1 if channels == 1 else 3)
    return ImageSet(Table(frame, Schema(fields=fields, unit="person", modality="image")), store, chain)


def attributed(n: int = 60, side: int = 10) -> ImageSet:
    """Return colour pictures with two yes/no labels and an age that lightness follows, 16 bits a channel."""
    dice = np.random.Generator(np.random.Philox(4))
    left, right, age = dice.random(n) < 0.5, dice.random(n) < 0.4, np.rint(dice.normal(50, 12, n))
    store = dice.integers(0, 3000, (n, side, side, 3)).astype(np.uint16)
    store[left, :, : side // 2] += 40_000
    store[right, :, side // 2 :] += 40_000
    fields = (
        Field(name="left", kind="boolean", roles=frozenset({"target"})),
        Field(name="right", kind="boolean", roles=frozenset({"target"})),
        Field(name="age", kind="integer", low=0, high=100),
    )
    frame = pd.DataFrame(
        {"left": pd.array(left, "boolean"), "right": pd.array(right, "boolean"), "age": pd.array(age, "Int64")}
    )
    return ImageSet(Table(frame, Schema(fields=fields)), store, Chain(side=side, channels=3, bits=16))


# what they draw --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SMALL)
def test_a_family_draws_the_class_that_is_asked_for(name: str) -> None:
    pytest.importorskip("torch")
    real = forms(300)
    codes, _ = real.classes()
    centres = np.stack([real.values()[codes == k].mean(axis=0) for k in range(3)])
    model = synthesizers.make(name, random_state=1, min_class=5, **SMALL[name]).fit(real)
    drawn = model.sample(120, seed=2)
    asked, _ = drawn.classes()
    apart = ((drawn.values()[:, None] - centres[None]) ** 2).sum(axis=(2, 3, 4))
    assert (apart.argmin(axis=1) == asked).mean() >= 0.9
    assert len(set(drawn.digests())) >= 100, "hardly any two pictures differ"


@pytest.mark.parametrize("name", SMALL)
def test_a_family_learns_colour_attributes_and_odd_sides(name: str) -> None:
    pytest.importorskip("torch")
    data = attributed()
    model = synthesizers.make(name, random_state=1, min_class=5, **{**SMALL[name], "images": 64}).fit(data)
    drawn = model.sample(9, seed=2, where={"left": True})
    assert drawn.pixels().shape == (9, 10, 10, 3)
    assert drawn.pixels().dtype == np.uint16
    assert drawn.frame["left"].all()
    assert drawn.schema.names == ("left", "right", "age")


@pytest.mark.parametrize("name", SMALL)
def test_minutes_are_a_budget_too_and_bad_parameters_are_refused(name: str) -> None:
    pytest.importorskip("torch")
    data = forms()
    model = synthesizers.make(name, min_class=5, **{**SMALL[name], "images": None}, minutes=0.01).fit(data)
    assert model.learned_["seconds"] < 20
    assert model.seed_ >= 0
    for bad in ({"minutes": 0}, {"images": 0}, {"width": -1}, {"learning_rate": "fast"}):
        with pytest.raises(ConfigError, match="params/out-of-range"):
            synthesizers.make(name).set_params(**bad).fit(data)


def test_small_classes_are_left_out_and_said() -> None:
    pytest.importorskip("torch")
    data = forms()
    codes, _ = data.classes()
    few = np.concatenate([np.flatnonzero(codes < 2), np.flatnonzero(codes == 2)[:4]]).astype(np.intp)
    model = synthesizers.make("image.dcgan", min_class=10, images=64, width=8, random_state=1).fit(data.take_rows(few))
    assert "not learned" in model.notices_[0].en
    assert set(model.sample(50, seed=1).frame["class"].astype(str)) <= set(CLASSES[:2])
    with pytest.raises(ConditionError, match="image/label-not-learned"):
        model.sample(3, where={"class": CLASSES[2]})


# how they are built ----------------------------------------------------------------------------------------


def test_growing_networks_pass_from_grid_to_grid_without_a_jump() -> None:
    torch = pytest.importorskip("torch")
    from synthproof.engines.torch_nets.nets import to_device
    from synthproof.synthesizers.image.pggan import Growing

    pair = Growing(28, 1, 4, 6, 2, 0.5)
    stages = [pair.stage(p) for p in np.linspace(0, 1, 201)]
    assert stages[0] == 0.0
    assert stages[-1] == 2.0
    assert all(a <= b for a, b in zip(stages[:-1], stages[1:], strict=True))
    assert pair.stage(0.5) == 2.0
    weights = to_device({**pair.generator(0), **pair.critic(0)}, "cpu")
    noise, condition = torch.randn(4, 6, generator=torch.Generator().manual_seed(0)), torch.eye(2).repeat(2, 1)
    made = [pair.make(weights, noise, condition, s, None) for s in (0.0, 1.0, 1.0 + 1e-6, 2.0)]
    assert [m.shape[-1] for m in made] == [7, 14, 28, 28]
    enlarged = torch.nn.functional.interpolate(made[1], scale_factor=2.0)
    assert torch.allclose(made[2], enlarged, atol=1e-4)
    scores = [pair.judge(weights, m, condition, s) for m, s in ((made[1], 1.0), (enlarged, 1.0 + 1e-6))]
    assert torch.allclose(*scores, atol=1e-3)
    real = torch.rand(2, 1, 28, 28, generator=torch.Generator().manual_seed(1))
    assert pair.seen(real, 0.0).shape[-1] == 7
    assert torch.equal(pair.seen(real, 2.0), real)


def test_denoising_finds_a_picture_whose_noise_is_known() -> None:
    torch = pytest.importorskip("torch")
    from synthproof.synthesizers.image.ddpm import TIMES, denoised, signal

    kept = signal()
    assert kept[0] == 1.0
    assert (np.diff(kept) < 0).all()
    assert kept[-1] < 1e-4
    wanted = torch.linspace(-0.9, 0.9, 48).reshape(3, 1, 4, 4)

    def said(x, at):  # type: ignore[no-untyped-def]
        a = float(kept[round(at * TIMES)])
        return (x - a**0.5 * wanted) / (1 - a) ** 0.5

    for eta in (0.0, 1.0):
        dice = torch.Generator().manual_seed(0)
        found = denoised(said, lambda _, dice=dice: torch.randn(3, 1, 4, 4, generator=dice), 7, eta)
        assert torch.allclose(found, wanted, atol=1e-4)


def test_diffusion_tells_the_loss_of_every_picture() -> None:
    pytest.importorskip("torch")
    data = forms(60)
    model = synthesizers.make("image.ddpm", min_class=5, random_state=1, **{**SMALL["image.ddpm"], "images": 1500})
    own = model.fit(data).unit_loss(data)
    assert own.shape == (60,)
    assert np.array_equal(own, model.unit_loss(data))
    strange = replace_store(data, 255 - data.store)
    assert model.unit_loss(strange).mean() > own.mean()


def test_the_autoencoder_keeps_its_decoder_alone() -> None:
    pytest.importorskip("torch")
    model = synthesizers.make("image.vae", images=64, width=8, min_class=5, random_state=1).fit(forms())
    assert all(name.startswith("decoder") for name in model.get_state()["arrays"])


# controls --------------------------------------------------------------------------------------------------


def test_duplicates_come_equally_often_and_are_the_real_ones() -> None:
    data = forms(60)
    drawn = Duplicate(random_state=3).fit(data).sample(150, seed=1)
    real, made = data.digests(), drawn.digests()
    counts = [made.count(d) for d in real]
    assert set(counts) == {2, 3}
    codes = dict(zip(real, data.classes()[0], strict=True))
    assert [codes[d] for d in made] == drawn.classes()[0].tolist()


def test_augmentation_of_nothing_changes_nothing_and_of_little_changes_little() -> None:
    data = forms(60, side=16)
    still = Augment(shift=0, turn=0, zoom=0, gamma=0, random_state=3).fit(data).sample(60, seed=1)
    assert set(still.digests()) == set(data.digests())
    moved = Augment(random_state=3).fit(data).sample(60, seed=1)
    assert not set(moved.digests()) & set(data.digests())
    apart = ((moved.values()[:, None] - data.values()[None]) ** 2).mean(axis=(2, 3, 4))
    assert np.median(apart.min(axis=1)) < 0.05


def test_a_shift_is_a_shift_and_a_flip_a_flip() -> None:
    data = attributed(40)
    flipped = Augment(shift=0, turn=0, zoom=0, gamma=0, flip=True, random_state=3).fit(data).sample(40, seed=1)
    real, mirrored = set(data.digests()), replace_store(data, data.store[:, :, ::-1]).digests()
    kept = sum(d in real for d in flipped.digests())
    assert 5 < kept < 35
    assert sum(d in set(mirrored) for d in flipped.digests()) == 40 - kept
    store = np.zeros((40, 20, 20, 1), dtype=np.uint8)
    store[:, 8:12, 8:12] = 200
    spots = ImageSet(forms(40).labels, store, Chain(side=20))
    found = Augment(shift=0.1, turn=0, zoom=0, gamma=0, random_state=3).fit(spots).sample(40, seed=1).pixels()
    light = found[..., 0].astype(float)
    across = (light.sum(axis=1) * np.arange(20)).sum(axis=1) / light.sum(axis=(1, 2)) - 9.5
    assert 1.0 < np.abs(across).max() <= 2.05


def replace_store(data: ImageSet, store: np.ndarray) -> ImageSet:
    return ImageSet(data.labels, np.ascontiguousarray(store), data.chain)


def test_controls_heed_conditions_of_every_kind() -> None:
    data = attributed()
    model = Duplicate(random_state=3).fit(data)
    assert (model.sample(20, where={"age": {"min": 50}}).frame["age"] >= 50).all()
    ages = data.frame["age"].astype(int).unique()[:2].tolist()
    assert set(model.sample(20, where={"age": ages}).frame["age"].astype(int)) == set(ages)
    assert set(model.sample(20, where={"age": ages[0]}).frame["age"].astype(int)) == {ages[0]}
    assert model.sample(20, where={"age": (None, 50)}).frame["age"].max() <= 50
    both = model.sample(20, where={"left": True, "right": [False]}).frame
    assert (both["left"] & ~both["right"]).all()
    with pytest.raises(ConditionError, match="image/label-not-learned"):
        model.sample(3, where={"age": {"min": 1000}})
    with pytest.raises(ConditionError, match="image/no-such-label"):
        model.sample(3, where={"agee": 3})


@pytest.mark.parametrize(
    ("column", "asked", "found"),
    [([True, False], True, {"true"}), ([True, False], [np.True_, False], {"true", "false"}), ([1, 0], 1.0, {"1"})],
)
def test_a_class_may_be_asked_for_as_the_value_that_was_given(
    column: list[object], asked: object, found: set[str]
) -> None:
    labels = pd.DataFrame({"sick": column * 20})
    data = read_images({"images": forms(40).pixels()[..., 0], "labels": labels}, How(targets=("sick",)))
    begun = begin(data, 1, min_class=5, run=Run())
    for drawn in (Duplicate(random_state=3).fit(data).sample(20, where={"sick": asked}).frame,
                  begun.law.draw(20, {"sick": asked}, 1, Run())):  # fmt: skip
        assert set(drawn["sick"].astype(str)) == found


def test_controls_say_what_they_are_and_refuse_bad_amounts() -> None:
    for name in ("image.augment", "image.duplicate"):
        tags = synthesizers.get(name).tags
        assert not tags.releasable
        assert not tags.full_synthesis
        assert not tags.irreversible
    with pytest.raises(ConfigError, match="params/out-of-range"):
        Augment(shift=3).fit(forms())


@pytest.mark.parametrize(("name", "did"), [("image.augment", "augment"), ("image.duplicate", "duplicate")])
@pytest.mark.parametrize("kind", ["png", "npz", "dicom"])
def test_what_controls_hand_out_says_everywhere_that_it_is_real(name: str, did: str, kind: str, tmp_path: Path) -> None:
    data = forms(60)
    origin = replace(data.origin, options={**data.origin.options, "format": kind})
    model = synthesizers.make(name, random_state=1).fit(
        data.with_labels(Table(data.frame, data.labels.schema, origin=origin))
    )
    save_model(model, tmp_path / "model")
    for made in (model, load_model(tmp_path / "model")):
        drawn = made.sample(12, seed=1)
        assert [(s.did, s.input) for s in steps_of(drawn)] == [(did, "real")]
        assert not is_drawn(drawn)
    target = tmp_path / ("out.npz" if kind == "npz" else "out")
    write_images(drawn, target)
    back = read_images(target)
    assert altered_real(back), "its files are no synthetic ones, whoever reads them"
    assert not list(tmp_path.rglob("*.dcm")), "our DICOM files say that they show no patient"
    case = Case(train=data, holdout=None, synthetic=back, purpose=Purpose())
    assert [e.estimate for e in Generation().measure(case, seed=1)] == [0.0, 0.0]


def test_progress_is_told_in_order() -> None:
    pytest.importorskip("torch")
    events: list[Event] = []
    run = Run(events.append, workers=1)
    synthesizers.make("image.dcgan", images=640, width=8, min_class=5, random_state=1).fit(forms(), run=run)
    done = [e.done for e in events if e.task == "dcgan"]
    assert done == sorted(done)
    assert done[-1] == 1000
    assert replace(events[-1]).task.startswith("dcgan")
