"""Convolutions, normalisations and the training of a generator against a critic."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from synthproof.core.errors import Cancelled  # noqa: E402
from synthproof.core.random import stream  # noqa: E402
from synthproof.core.run import Run  # noqa: E402
from synthproof.engines.torch_nets import convs, duel  # noqa: E402
from synthproof.engines.torch_nets.nets import Arrays, to_device  # noqa: E402
from synthproof.synthesizers.image.dcgan import Networks  # noqa: E402


def draws(*shape: int, seed: int = 0) -> np.ndarray:
    return stream(seed, "test").standard_normal(shape, dtype=np.float32)


@pytest.mark.parametrize(
    "side, first, drawn", [(8, 4, 8), (10, 5, 10), (28, 7, 28), (30, 8, 32), (32, 4, 32), (64, 4, 64), (96, 6, 96)]
)
def test_grids_reach_the_picture(side: int, first: int, drawn: int) -> None:
    grids = convs.Grids(side)
    assert (grids.first, grids.drawn) == (first, drawn)
    pictures = torch.tensor(draws(2, 1, side, side))
    padded = grids.padded(pictures)
    assert padded.shape[-1] == drawn
    assert torch.equal(grids.cropped(padded), pictures)


def test_spectral_normalisation_leaves_a_largest_singular_value_of_one() -> None:
    weights = to_device({"a.w": draws(8, 3, 4, 4), "a.b": draws(8), "b.w": draws(20, 5)}, "cpu")
    spectral = convs.Spectral(weights, seed=1)
    for _ in range(30):
        normed = spectral.normed(weights)
    for name in ("a.w", "b.w"):
        assert np.linalg.norm(normed[name].flatten(1).numpy(), 2) == pytest.approx(1.0, abs=0.02)
    assert torch.equal(normed["a.b"], weights["a.b"])


def test_pixel_norm_and_spread_are_what_the_paper_says() -> None:
    x = torch.tensor(draws(8, 6, 3, 3))
    assert torch.allclose(convs.pixel_normed(x).square().mean(dim=1), torch.ones(8, 3, 3), atol=1e-4)
    alike = convs.minibatch_spread(x[:1].expand(8, -1, -1, -1))
    assert alike.shape[1] == 7
    assert alike[:, 6].abs().max() < 1e-3
    groups = x.reshape(4, 2, 6, 3, 3).numpy()
    assert convs.minibatch_spread(x)[0, 6, 0, 0].item() == pytest.approx(groups[:, 0].std(axis=0).mean(), abs=1e-4)


@pytest.mark.parametrize("normed", [convs.group_normed, convs.batch_normed])
def test_a_condition_changes_gain_and_shift(normed) -> None:  # type: ignore[no-untyped-def]
    arrays: Arrays = {}
    convs.norm(arrays, "n", 6, 2, seed=1)
    weights, x = to_device(arrays, "cpu"), torch.tensor(draws(8, 6, 3, 3))
    noted = {"noted": {}} if normed is convs.batch_normed else {}
    plain = normed(weights, "n", x, torch.zeros(8, 2), **noted)
    assert plain.mean().item() == pytest.approx(0.0, abs=1e-3)
    assert plain.std().item() == pytest.approx(1.0, abs=0.05)
    assert not torch.allclose(normed(weights, "n", x, torch.ones(8, 2), **noted), plain)


def source() -> duel.Source:
    pictures = np.tanh(draws(64, 1, 8, 8))
    condition = np.eye(2, dtype=np.float32)[np.arange(64) % 2]
    return duel.Source(
        rows=lambda step, size: stream(3, "rows", step).integers(64, size=size),
        values=lambda rows: pictures[rows],
        condition=condition,
    )


def terms(**given: object) -> duel.Terms:
    start: dict[str, object] = {
        "minutes": 1.0,
        "images": 128,
        "noise": 4,
        "batch": 16,
        "rate": 1e-3,
        "critic_rate": 1e-3,
    }
    return duel.Terms(**{**start, **given})  # type: ignore[arg-type]


@pytest.mark.parametrize("more", [{}, {"loss": "logistic", "spectral": False, "penalty": 1.0, "every": 2}])
def test_a_duel_is_a_function_of_its_seed(more: dict[str, object]) -> None:
    pair = Networks(8, 1, 4, 4, 2)
    one, two = (
        duel.duel(pair, pair.generator(0), pair.critic(0), source(), terms(**more), seed=5, task="t", run=Run())
        for _ in range(2)
    )
    assert one.images == 128
    assert one.steps == 8
    assert all(np.array_equal(one.arrays[k], two.arrays[k]) for k in one.arrays)
    assert not np.array_equal(one.arrays["generator.out.w"], pair.generator(0)["generator.out.w"])


def test_a_budget_in_minutes_ends_and_a_cancelled_duel_stops() -> None:
    pair = Networks(8, 1, 4, 4, 2)
    found = duel.duel(
        pair,
        pair.generator(0),
        pair.critic(0),
        source(),
        terms(minutes=0.003, images=None),
        seed=5,
        task="t",
        run=Run(),
    )
    assert 0 < found.seconds < 5
    assert found.losses
    run = Run()
    run.cancel()
    with pytest.raises(Cancelled):
        duel.duel(pair, pair.generator(0), pair.critic(0), source(), terms(), seed=5, task="t", run=run)


def test_standing_statistics_make_a_picture_independent_of_its_neighbours() -> None:
    pair = Networks(8, 1, 4, 4, 2)
    arrays = duel.standing(pair, pair.generator(0), source(), 4, seed=1, task="t", run=Run())
    weights = to_device(arrays, "cpu")
    noise, condition = torch.tensor(draws(6, 4)), torch.eye(2).repeat(3, 1)
    whole = pair.make(weights, noise, condition, 1.0, None)
    alone = pair.make(weights, noise[2:3], condition[2:3], 1.0, None)
    assert torch.allclose(whole[2:3], alone, atol=1e-5)
    noted: dict[str, object] = {}
    many = torch.tensor(draws(4096, 4, seed=9)), torch.eye(2).repeat(2048, 1)
    pair.make(weights, *many, 1.0, noted)
    mean, _ = noted["generator.norm.0"]  # type: ignore[misc]
    assert np.allclose(mean.numpy(), arrays["generator.norm.0.mean"], atol=0.1)  # type: ignore[has-type]
