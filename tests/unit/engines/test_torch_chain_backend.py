"""The torch backend of code networks says and does what the numpy engine does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from synthproof.core.errors import Cancelled
from synthproof.core.run import Run
from synthproof.engines.nets import training as numpy_training
from synthproof.engines.nets.network import Network, Positions
from synthproof.engines.nets.training import Schedule, given_at_random

torch = pytest.importorskip("torch", reason="synthproof[torch] is not installed")

from synthproof.engines.torch_nets import chain_backend  # noqa: E402

SIZES = np.array([3, 4, 5, 2, 6])
PARENT = np.array([-1, -1, 1, -1, 3])
COLUMNS = np.array([0, 1, 1, 2, 2])


def codes(n: int, seed: int = 0) -> Any:
    rng = np.random.Generator(np.random.Philox(seed))
    first = rng.integers(0, 3, n)
    second = (first + rng.integers(0, 2, n)) % 4
    made = np.stack(
        [first, second, second + rng.integers(0, 2, n), first % 2, first * 2 + rng.integers(0, 2, n)], axis=1
    )
    made[rng.random(n) < 0.1, 2] = -1
    return made.astype(np.int32)


def network(*, informed: bool, layers: int = 2) -> Network:
    net = Network(Positions(SIZES, PARENT), hidden=24, layers=layers, informed=informed, seed=4)
    net.start_from(codes(400))
    rng = np.random.Generator(np.random.Philox(9))
    net.theta += (rng.normal(size=net.size) * 0.1).astype(np.float32) * net.open_weights()
    return net


@pytest.mark.parametrize("informed", [True, False])
@pytest.mark.parametrize("layers", [1, 3])
def test_losses_and_gradients_agree(informed: bool, layers: int) -> None:
    net = network(informed=informed, layers=layers)
    placed = net.placed(codes(50, 2))
    given, weight = None, np.ones(placed.shape, dtype=np.float32)
    if informed:
        given, weight = given_at_random(COLUMNS)(placed, np.random.Generator(np.random.Philox(1)))
    grad = np.zeros(net.size, dtype=np.float32)
    there = (weight > 0) & (placed >= 0)
    losses = net.gradient(net.parts(net.theta), placed, weight, 1 / 50, grad, given)
    found, slope = chain_backend.gradient(net, placed, weight, 1 / 50, given)
    assert np.allclose(losses[there], found[there], rtol=1e-4, atol=1e-5)
    opened = net.open_weights() > 0
    assert np.abs(grad[opened]).max() > 1e-3
    assert np.allclose(grad[opened], slope[opened], rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("informed", [True, False])
def test_training_goes_the_same_way(informed: bool) -> None:
    schedule = Schedule(visits=200 * 100, batch=100)
    weight = np.linspace(0.5, 1.5, 800).astype(np.float32)
    one, two = network(informed=informed), network(informed=informed)
    given: dict[str, Any] = {"seed": 5, "run": Run(workers=1), "task": "t", "weight": weight}
    given |= {"tell": given_at_random(COLUMNS)} if informed else {}
    a = numpy_training.train(one, codes(800, 3), codes(200, 6), schedule, **given)
    b = chain_backend.train(two, codes(800, 3), codes(200, 6), schedule, **given)
    assert a.visits == b.visits
    assert np.allclose(a.held_out, b.held_out, atol=2e-3)
    start = network(informed=informed).theta
    assert np.linalg.norm(one.theta - two.theta) < 0.02 * np.linalg.norm(one.theta - start)
    assert (two.theta[one.open_weights() == 0] == 0).all()
    assert a.best < a.held_out[0] + 1e-6


def test_it_can_be_stopped() -> None:
    run = Run()
    run.cancel()
    net = network(informed=False)
    before = net.theta.copy()
    with pytest.raises(Cancelled):
        chain_backend.train(net, codes(300), codes(50, 1), Schedule(visits=10_000), seed=1, run=run, task="t")
    assert np.array_equal(net.theta, before)
