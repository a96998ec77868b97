"""EfficientNet for small pictures: B1's sizes, the right strides, learning, and the same numbers from the same seed."""

from __future__ import annotations

import numpy as np
import pytest

from synthproof.core.errors import Cancelled
from synthproof.core.run import Run, quiet

torch = pytest.importorskip("torch")

from synthproof.engines.torch_nets.efficient import (  # noqa: E402
    Efficient,
    EfficientShape,
    Learning,
    train_efficient,
)  # fmt: skip
from synthproof.engines.torch_nets.nets import to_device  # noqa: E402
from synthproof.engines.torch_nets.vision import ClassifierPlan  # noqa: E402

SHAPE = EfficientShape(channels=1, side=16, n_classes=2, width=0.25, depth=0.5)


def discs(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return noise with a bright patch at the left or at the right."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n).astype(np.intp)
    x = 0.3 * rng.standard_normal((n, 1, 16, 16), dtype=np.float32)
    for i, c in enumerate(y):
        at = rng.integers(0, 4) + 8 * c
        x[i, 0, 5:10, at : at + 4] += 1.5
    return x, y


def trained(steps: int, seed: int = 1, **more: object) -> Efficient:
    x, y = discs(200, 0)
    plan = ClassifierPlan(steps=steps, batch=16, rate=4e-3, shift=0)
    return train_efficient(x, y, SHAPE, plan, seed=seed, run=quiet(None), **more)  # type: ignore[arg-type]


def test_it_is_b1() -> None:
    shape = EfficientShape(channels=3, side=240, n_classes=1000)
    blocks = list(shape.blocks())
    assert len(blocks) == 23
    assert [b.name.partition(".")[0] for b in blocks] == list("00111222333344445555566")
    assert [blocks[i].n_out for i in (0, 2, 5, 8, 12, 16, 21)] == [16, 24, 40, 80, 112, 192, 320]
    assert shape.strides == (2, 1, 2, 2, 2, 1, 2, 1)
    weights = sum(a.size for k, a in shape.first_weights(0).items() if not k.endswith((".mean", ".variance")))
    assert weights == 7_794_184  # the published network: 7.8 million


@pytest.mark.parametrize(("side", "last"), [(28, 2), (32, 2), (48, 2), (64, 2), (96, 3)])
def test_small_pictures_keep_a_grid(side: int, last: int) -> None:
    shape = EfficientShape(channels=1, side=side, n_classes=2)
    grid = side
    for stride in shape.strides:
        grid = -(-grid // stride)
    assert grid == last
    assert shape.strides.count(2) == (4 if side <= 32 else 5)


def test_taps_that_reach_nothing_change_nothing() -> None:
    """A filter of 5 on a grid of 2 answers as its middle 3 does: what is left out was never felt."""
    x, w = torch.randn(3, 6, 2, 2), torch.randn(6, 1, 5, 5)
    whole = torch.nn.functional.conv2d(x, w, padding=2, groups=6)
    middle = torch.nn.functional.conv2d(x, w[:, :, 1:4, 1:4], padding=1, groups=6)
    assert torch.allclose(whole, middle, atol=1e-6)
    shape = EfficientShape(channels=1, side=32, n_classes=2)
    assert {b.kernel for b in shape.blocks() if b.name.startswith("5")} == {3}


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("side", [16, 20, 28])
def test_scores_have_their_shape(channels: int, side: int) -> None:
    shape = EfficientShape(channels=channels, side=side, n_classes=4, width=0.25, depth=0.5)
    weights = to_device(shape.first_weights(3), torch.device("cpu"))
    out = shape.scores(weights, torch.zeros(5, channels, side, side), Learning(0, 0, 0.5))
    assert out.shape == (5, 4)
    assert torch.isfinite(out).all()


def test_it_learns_what_can_be_told_apart() -> None:
    x, y = discs(300, 9)
    p = trained(80).probabilities(x, run=quiet(None))
    assert p.shape == (300, 2)
    assert np.allclose(p.sum(axis=1), 1)
    assert (p.argmax(axis=1) == y).mean() > 0.95


def test_the_same_seed_gives_the_same_network() -> None:
    first, again, other = trained(4), trained(4), trained(4, seed=2)
    assert all((first.arrays[k] == again.arrays[k]).all() for k in first.arrays)
    assert any((first.arrays[k] != other.arrays[k]).any() for k in first.arrays)


def test_a_picture_is_answered_alike_in_any_company() -> None:
    x, _ = discs(40, 5)
    net = trained(4)
    every = net.probabilities(x, run=quiet(None))
    assert np.allclose(net.probabilities(x[7:8], run=quiet(None)), every[7:8], atol=1e-5)
    assert net.probabilities(x[:0], run=quiet(None)).shape == (0, 2)


def test_the_steps_are_those_asked_for_and_can_be_gone_on_from() -> None:
    done: list[tuple[int, int]] = []
    x, y = discs(60, 0)
    run = Run(on_event=lambda e: done.append((e.done, e.total)))
    plan = ClassifierPlan(steps=25, batch=8, rate=1e-3, shift=0)
    net = train_efficient(x, y, SHAPE, plan, seed=1, run=run)
    assert done[0] == (0, 25)
    assert done[-1] == (25, 25)
    still = train_efficient(x, y, SHAPE, ClassifierPlan(steps=0), seed=1, run=quiet(None), start=net.arrays)
    assert all((still.arrays[k] == net.arrays[k]).all() for k in net.arrays)
    begun = train_efficient(x, y, SHAPE, ClassifierPlan(steps=0), seed=1, run=quiet(None))
    assert any((begun.arrays[k] != net.arrays[k]).any() for k in net.arrays)


def test_weights_count_pictures() -> None:
    """With all weight on one class the network says that class."""
    x, y = discs(200, 0)
    heavy = np.where(y == 1, 1.0, 1e-6)
    p = trained(20, weight=heavy).probabilities(x, run=quiet(None))
    assert (p.argmax(axis=1) == 1).mean() > 0.95


def test_branches_are_left_out_as_often_as_said() -> None:
    ones = torch.ones(20_000, 1, 1, 1)
    kept = Learning(3, 5, 1.0).kept(ones, 2, 0.2)
    assert abs(float((kept == 0).float().mean()) - 0.2) < 0.012  # four standard errors
    assert abs(float(kept.mean()) - 1) < 0.015
    assert (Learning(3, 5, 1.0).kept(ones, 2, 0.2) == kept).all()
    assert (Learning(3, 6, 1.0).kept(ones, 2, 0.2) != kept).any()
    assert (Learning(3, 5, 1.0).thinned(torch.ones(4, 8), 0.0) == 1).all()


def test_it_can_be_cancelled() -> None:
    x, y = discs(60, 0)
    run = Run()
    run.cancel()
    with pytest.raises(Cancelled):
        train_efficient(x, y, SHAPE, ClassifierPlan(steps=5), seed=1, run=run)
