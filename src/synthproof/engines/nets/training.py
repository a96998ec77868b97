"""Learning of code networks: AdamW on fixed shards of a batch, averaged weights, early stopping on held-out rows.

A batch is always cut into the same number of shards, each with its own stream of randomness, and their gradients are
added in order: one core or eight, the result is the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synthproof.core.random import stream
from synthproof.core.run import Run
from synthproof.engines.nets import kernels
from synthproof.engines.nets.network import CodeArray, Float32Array, Network
from synthproof.engines.threads import one_blas_thread

IntArray = npt.NDArray[np.int64]
Cover = Callable[[CodeArray, np.random.Generator], tuple[CodeArray, Float32Array]]
"""Hides codes: (placed codes, generator) → (what the network may see, weight of each position's loss)."""

_SHARDS = 4
_WARM = 50
_CHECKS = 16  # looks at the held-out rows in a whole run
_PATIENCE = 4


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast to learn.

    Parameters
    ----------
    visits
        Rows looked at in all (epochs × rows).
    batch
        Rows per step.
    rate
        Highest learning rate; rises over 50 steps and falls as a cosine to zero.
    drop
        Share of hidden units dropped while learning.
    decay
        Weight decay.
    seconds
        Time at most; the schedule is shortened to it after a few measured steps. Results then depend on the machine.
    """

    visits: int
    batch: int = 512
    rate: float = 3e-3
    drop: float = 0.1
    decay: float = 0.05
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Course:
    """How learning went: visits and held-out loss in nats per row at each look, and the best of them."""

    visits: tuple[int, ...]
    held_out: tuple[float, ...]
    best: float


@one_blas_thread()
def train(
    net: Network,
    codes: CodeArray,
    held: CodeArray,
    schedule: Schedule,
    *,
    seed: int,
    run: Run,
    task: str,
    cover: Cover | None = None,
    weight: Float32Array | None = None,
    asked: Float32Array | None = None,
) -> Course:
    """Fit a network in place; afterwards it holds the averaged weights that were best on held-out rows.

    Parameters
    ----------
    net
        Its shallow part should have been set by `Network.start_from`.
    codes, held
        Codes of rows to learn from and of rows to stop by, shape (n, positions), -1 unknown.
    cover
        What is hidden from the network in each batch; absent: nothing (a chain hides by its mask).
    weight
        Weight of each learned row, shape (n,).
    asked
        Weight of each position, shape (positions,): 0 for positions that are only looked at.

    Notes
    -----
    Cost O(visits · (positions · hidden + layers · hidden² + hidden · codes)); memory 8 · `net.size` + a batch.
    """
    placed, stop_by = net.placed(codes), net.placed(held)
    rows, batch = len(placed), min(schedule.batch, len(placed))
    asked = np.ones(net.positions.count, dtype=np.float32) if asked is None else asked.astype(np.float32)
    steps = max(1, schedule.visits // batch)
    first, second, average = np.zeros_like(net.theta), np.zeros_like(net.theta), net.theta.copy()
    opened = net.open_weights()
    decay = _decayed(net, schedule.decay)
    grads = [np.zeros(net.size, dtype=np.float32) for _ in range(_SHARDS)]
    part = net.parts(net.theta)
    check = _held_out(net, stop_by, asked, cover, seed)
    looks: list[tuple[int, float]] = []
    best, kept, stale = check(net.theta), net.theta.copy(), 0
    order, cursor, epoch, begun = np.empty(0, dtype=np.int64), 0, 0, time.perf_counter()
    every = max(1, steps // _CHECKS)
    with ThreadPoolExecutor(min(_SHARDS, max(1, run.workers))) as pool:
        step = 0
        while step < steps:
            run.tick(task, step, steps, held_out=round(best, 4))
            if cursor + batch > len(order):
                order, cursor, epoch = stream(seed, "net/order", epoch).permutation(rows), 0, epoch + 1
            mine = order[cursor : cursor + batch]
            cursor += batch
            shards = np.array_split(mine, _SHARDS)
            jobs = [
                pool.submit(_shard, net, part, placed[s], asked, batch, grads[k], schedule.drop, seed, step, k, cover,
                            None if weight is None else weight[s])
                for k, s in enumerate(shards)
            ]  # fmt: skip
            for job in jobs:
                job.result()
            total = grads[0]
            for g in grads[1:]:
                total += g
            step += 1
            rate = schedule.rate * min(1.0, step / _WARM) * 0.5 * (1 + np.cos(np.pi * step / steps)) + 1e-5
            kernels.adamw(
                net.theta, first, second, total, opened, decay, average,
                np.float32(rate), np.float32(1 / (1 - 0.9**step)), np.float32(1 / (1 - 0.999**step)),
                np.float32(1 - min(0.995, (1 + step) / (10 + step))),
            )  # fmt: skip
            if step == 20 and schedule.seconds is not None:
                pace = (time.perf_counter() - begun) / step
                steps = max(step + 1, min(steps, int(schedule.seconds / pace)))
                every = max(1, steps // _CHECKS)
            if step % every == 0 or step == steps:
                now = check(average)
                looks.append((step * batch, now))
                if now < best - 1e-4:
                    best, kept, stale = now, average.copy(), 0
                else:
                    stale += 1
                    if stale >= _PATIENCE and step > steps // 2:
                        break
    run.tick(task, steps, steps, held_out=round(best, 4))
    net.theta[:] = kept if len(held) else average
    return Course(tuple(v for v, _ in looks), tuple(x for _, x in looks), best)


def _shard(
    net: Network,
    part: dict[str, Float32Array],
    placed: CodeArray,
    asked: Float32Array,
    batch: int,
    grad: Float32Array,
    drop: float,
    seed: int,
    step: int,
    shard: int,
    cover: Cover | None,
    weight: Float32Array | None,
) -> None:
    rng = stream(seed, f"net/shard/{shard}", step)
    known, wanted = (placed, np.ones(placed.shape, dtype=np.float32)) if cover is None else cover(placed, rng)
    wanted = wanted * asked
    if weight is not None:
        wanted *= weight[:, None]
    net.gradient(part, known, placed, wanted, 1 / batch, grad, drop, rng)


def _decayed(net: Network, decay: float) -> Float32Array:
    """Return the weight decay of each parameter: none on biases and on the coarse-to-fine tables."""
    out = np.zeros(net.size, dtype=np.float32)
    for name, view in net.parts(out).items():
        if name in ("emb", "out", "direct") or name.startswith("w"):
            view[:] = decay
    return out


def _held_out(
    net: Network, placed: CodeArray, asked: Float32Array, cover: Cover | None, seed: int
) -> Callable[[Float32Array], float]:
    """Return a function from parameters to the held-out loss in nats per row; what is hidden stays the same."""
    known, wanted = (placed, np.ones(placed.shape, dtype=np.float32))
    if cover is not None:
        known, wanted = cover(placed, stream(seed, "net/held"))
    wanted = wanted * asked

    def loss(theta: Float32Array) -> float:
        if not len(placed):
            return float("inf")
        return float((net.losses(placed, known, theta) * wanted).sum(axis=1).mean())

    return loss


def random_cover(columns: IntArray) -> Cover:
    """Return a cover that shows a random number of whole columns and asks for all the others.

    Parameters
    ----------
    columns
        Column of each position, shape (positions,). A column whose first position (the coarse one) is shown and whose
        second is not occurs, too, as it does while drawing.
    """
    n_columns = int(columns.max()) + 1
    fine = np.concatenate([[False], columns[1:] == columns[:-1]])

    def cover(placed: CodeArray, rng: np.random.Generator) -> tuple[CodeArray, Float32Array]:
        n = len(placed)
        rank = rng.random((n, n_columns), dtype=np.float32).argsort(axis=1)
        shown = rng.integers(0, n_columns, size=n)
        seen = (rank < shown[:, None])[:, columns]
        half = (rank == shown[:, None])[:, columns] & (rng.random(n) < 0.5)[:, None]
        seen = seen | (half & ~fine)
        wanted = ~seen
        # Each row weighs alike, however many columns it asks for.
        weight = wanted * (len(columns) / np.maximum(1, wanted.sum(axis=1, keepdims=True))).astype(np.float32)
        return np.where(seen, placed, -1).astype(np.int32), weight.astype(np.float32)

    return cover
