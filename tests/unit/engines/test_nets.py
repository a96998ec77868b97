"""Networks on codes: their gradients, their masks, passes step by step, and learning that workers do not change."""

from __future__ import annotations

import numpy as np
import pytest

from synthproof.core.run import Run
from synthproof.engines.nets.drawing import ChainPass, pick
from synthproof.engines.nets.network import Network, Positions
from synthproof.engines.nets.training import Schedule, given_at_random, train

SIZES = np.array([3, 4, 5, 4, 2])
PARENT = np.array([-1, -1, -1, 2, -1])
COLUMNS = np.array([0, 1, 2, 2, 3])


def dice(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(seed))


def codes(n: int, seed: int = 1) -> np.ndarray:
    g = dice(seed)
    first = g.integers(0, 3, n)
    second = np.where(g.random(n) < 0.8, first, g.integers(0, 4, n))
    coarse = np.minimum(first + g.integers(0, 3, n), 4)
    fine = np.where(g.random(n) < 0.7, (coarse + second) % 4, g.integers(0, 4, n))
    return np.stack([first, second, coarse, fine, (fine + first) % 2], axis=1).astype(np.int32)


def network(informed: bool = False, seed: int = 5) -> Network:
    net = Network(Positions(SIZES, PARENT), hidden=24, layers=2, informed=informed, seed=seed)
    net.start_from(codes(500))
    net.theta += dice(seed).normal(0, 0.05, net.size).astype(np.float32) * net.open_weights()
    return net


@pytest.mark.parametrize("informed", [True, False])
def test_gradients_are_the_slopes_of_the_loss(informed: bool) -> None:
    net = network(informed)
    placed = net.placed(codes(40))
    given = None
    weight = np.ones(placed.shape, dtype=np.float32)
    if informed:
        given, weight = given_at_random(COLUMNS)(placed, dice(3))
    grad = np.empty(net.size, dtype=np.float32)
    part = net.parts(net.theta)
    net.gradient(part, placed, weight, 1 / len(placed), grad, given)

    def loss(theta: np.ndarray) -> float:
        own = np.empty(net.size, dtype=np.float32)
        found = net.gradient(net.parts(theta), placed, weight, 1 / len(placed), own, given)
        return float((found.astype(np.float64) * weight).sum() / len(placed))

    opened = net.open_weights() > 0
    g = dice(9)
    for _ in range(12):  # slopes along random directions of open weights
        direction = (g.normal(size=net.size) * opened).astype(np.float32)
        direction /= np.linalg.norm(direction)
        step = np.float32(2e-2)
        slope = (loss(net.theta + step * direction) - loss(net.theta - step * direction)) / (2 * float(step))
        assert slope == pytest.approx(float(grad @ direction), rel=0.05, abs=5e-4)


def test_a_position_of_a_chain_sees_only_those_before_it() -> None:
    net = network()
    placed = net.placed(codes(64))
    before = net.losses(placed)
    for p in range(len(SIZES)):
        changed = codes(64).copy()
        changed[:, p] = (changed[:, p] + 1) % SIZES[p]
        after = net.losses(net.placed(changed))
        assert np.array_equal(before[:, :p], after[:, :p])
        assert p == len(SIZES) - 1 or not np.allclose(before[:, p + 1 :], after[:, p + 1 :])


def test_a_pass_step_by_step_gives_the_same_probabilities_as_a_whole_one() -> None:
    net = network()
    x = codes(50)
    whole = net.losses(net.placed(x))
    one = ChainPass(net, len(x))
    for p in range(len(SIZES)):
        logits = one.logits(p).astype(np.float64)
        log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        assert np.allclose(-log_p[np.arange(len(x)), x[:, p]], whole[:, p], atol=1e-4)
        one.tell(p, x[:, p])


def test_changed_codes_of_some_rows_are_as_if_told_at_once() -> None:
    net = network()
    x, y = codes(50, 1), codes(50, 2)
    rows = np.array([3, 17, 40])
    mixed = x.copy()
    mixed[rows, 2:4] = y[rows, 2:4]
    one, other = ChainPass(net, 50), ChainPass(net, 50)
    for p in range(4):
        one.tell(p, np.ascontiguousarray(x[:, p]))
        other.tell(p, np.ascontiguousarray(mixed[:, p]))
    for p in (2, 3):
        one.change(p, rows, x[rows, p], mixed[rows, p])
    assert np.allclose(one.logits(4), other.logits(4), atol=1e-4)


def test_given_codes_reach_every_other_column_and_never_their_own() -> None:
    net = network(informed=True)
    x = codes(64)
    placed = net.placed(x)
    nothing = np.full_like(placed, -1)
    plain = net.losses(placed)
    assert np.array_equal(plain, net.losses(placed, nothing))
    for p in (0, 1, 4):
        given = nothing.copy()
        given[:, p] = placed[:, p]
        told = net.losses(placed, given)
        others = [q for q in range(len(SIZES)) if q != p]
        assert np.all(np.abs(told[:, others] - plain[:, others]).max(axis=0) > 1e-6)
        one = ChainPass(net, len(x), given)
        for q in range(len(SIZES)):
            logits = one.logits(q).astype(np.float64)
            log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
            assert np.allclose(-log_p[np.arange(len(x)), x[:, q]], told[:, q], atol=1e-4)
            one.tell(q, x[:, q])


def test_picks_follow_the_weighted_probabilities() -> None:
    n = 40_000
    logits = np.tile(np.log(np.array([0.5, 0.3, 0.15, 0.05], dtype=np.float32)), (n, 1))
    weight = np.array([[0.0, 1.0, 0.5, 1.0]], dtype=np.float32)
    code, log_p = pick(logits, weight, dice(4).random(n))
    left = np.array([0.0, 0.3, 0.075, 0.05])
    share = np.bincount(code, minlength=4) / n
    error = 4.5 * np.sqrt(0.25 / n)  # a normal deviate of 4.5, at the widest
    assert np.all(np.abs(share - left / left.sum()) < error)
    assert np.allclose(log_p, np.log(left.sum()), atol=1e-5)
    nothing, _ = pick(logits[:2], np.zeros((1, 4), dtype=np.float32), np.array([0.2, 0.9]))
    assert nothing.tolist() == [-1, -1]


@pytest.mark.parametrize("informed", [True, False])
def test_learning_reaches_the_entropy_and_does_not_hang_on_workers(informed: bool) -> None:
    x, held = codes(6000, 1), codes(2000, 2)
    tell = given_at_random(COLUMNS) if informed else None
    found = []
    for workers in (1, 3):
        net = Network(Positions(SIZES, PARENT), hidden=64, layers=2, informed=informed, seed=1)
        net.start_from(x)
        course = train(
            net, x, held, Schedule(visits=150_000, batch=128), seed=7, run=Run(workers=workers), task="t", tell=tell
        )
        found.append(net.theta.copy())
        assert course.held_out[-1] < course.held_out[0]
    assert np.array_equal(found[0], found[1])
    empirical = _conditional_entropy(codes(200_000, 3))
    if not informed:
        fresh = codes(20_000, 4)
        loss = float(net.losses(net.placed(fresh)).sum(axis=1).mean())
        assert empirical - 0.02 < loss < empirical + 0.06


def _conditional_entropy(x: np.ndarray) -> float:
    """Entropy of whole rows from their counts: 480 cells at most, 200,000 rows."""
    key = np.zeros(len(x), dtype=np.int64)
    for p, size in enumerate(SIZES):
        key = key * size + x[:, p]
    count = np.bincount(key)
    share = count[count > 0] / len(x)
    return float(-(share * np.log(share)).sum())


def test_an_informed_network_made_from_a_chain_keeps_it() -> None:
    x, held = codes(3000, 1), codes(500, 2)
    chain = network()
    wise = Network(chain.positions, hidden=24, layers=2, informed=True, seed=3)
    wise.take_from(chain)
    wise.heed_pairs(x)
    before = chain.parts(chain.theta)
    train(wise, x, held, Schedule(visits=20_000, batch=128), seed=1, run=Run(), task="t", tell=given_at_random(COLUMNS))
    after = wise.parts(wise.theta)
    for name, mine in (("direct", after["direct"]), ("emb", after["emb"][:, wise.extra :]), ("pair", after["pair"])):
        assert np.allclose(mine, before[name], atol=1e-6)
    assert np.allclose(after["w1"][wise.extra :, wise.extra :], before["w1"], atol=1e-6)
    assert np.abs(after["given"]).max() > 0
