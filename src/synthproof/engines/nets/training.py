"""Learning of code networks: AdamW on fixed shards of a batch, averaged weights, early stopping on held-out rows.

A batch is always cut into the same number of shards, each with its own stream of randomness, and their gradients are
added in order: one core or eight, the result is the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count

import numpy as np
import numpy.typing as npt

from synthproof.core.random import stream
from synthproof.core.run import Run
from synthproof.engines.nets import kernels
from synthproof.engines.nets.network import CodeArray, Float32Array, Network
from synthproof.engines.threads import one_blas_thread

IntArray = npt.NDArray[np.int64]
Tell = Callable[[CodeArray, np.random.Generator], tuple[CodeArray, Float32Array]]
"""Chooses what is given beforehand: (placed codes, generator) → (given codes, weight of each position's loss)."""

_SHARDS = 4
_WARM = 50
_CHECKS = 16  # looks at the held-out rows in a whole run
_PATIENCE = 4
_FEW = 0.6  # share of rows of which one to three columns are given,
_ONE_TWO = np.array([0.6, 0.85])  # and how often it is one, or at most two


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
    tell: Tell | None = None,
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
    tell
        What an informed network is given in each batch.
    weight
        Weight of each learned row, shape (n,).
    asked
        Weight of each position, shape (positions,): 0 for positions that are only looked at.

    Notes
    -----
    Cost O(visits · (positions · hidden + layers · hidden² + hidden · codes)); memory 8 · `net.size` + a batch.
    """
    placed, batch = net.placed(codes), min(schedule.batch, len(codes))
    asked = np.ones(net.positions.count, dtype=np.float32) if asked is None else asked.astype(np.float32)
    steps = max(1, schedule.visits // batch)
    first, second, average = np.zeros_like(net.theta), np.zeros_like(net.theta), net.theta.copy()
    opened = net.learned_weights()
    decay = decayed(net, schedule.decay) * opened
    grads = [np.zeros(net.size, dtype=np.float32) for _ in range(_SHARDS)]
    part = net.parts(net.theta)
    looks = _Looks(_held_out(net, net.placed(held), asked, tell, seed), net.theta)
    batches, begun = _batches(len(placed), batch, seed), time.perf_counter()
    every = max(1, steps // _CHECKS)
    with ThreadPoolExecutor(min(_SHARDS, max(1, run.workers))) as pool:
        step = 0
        while step < steps:
            run.tick(task, step, steps, held_out=round(looks.best, 4))
            shards = np.array_split(next(batches), _SHARDS)
            jobs = [
                pool.submit(_shard, net, part, placed[s], asked, batch, grads[k], schedule.drop, seed, step, k, tell,
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
                looks.look(average, step * batch)
                if looks.stale >= _PATIENCE and step > steps // 2:
                    break
    run.tick(task, steps, steps, held_out=round(looks.best, 4))
    net.theta[:] = looks.kept if len(held) else average
    return Course(tuple(looks.visits), tuple(looks.losses), looks.best)


class _Looks:
    """Looks at the held-out rows while learning: every loss, and the weights of the best one."""

    def __init__(self, loss: Callable[[Float32Array], float], theta: Float32Array) -> None:
        self._loss = loss
        self.visits: list[int] = []
        self.losses: list[float] = []
        self.best, self.kept, self.stale = loss(theta), theta.copy(), 0

    def look(self, theta: Float32Array, visits: int) -> None:
        """Measure these weights; `stale` counts the looks since the best one."""
        now = self._loss(theta)
        self.visits.append(visits)
        self.losses.append(now)
        if now < self.best - 1e-4:
            self.best, self.kept, self.stale = now, theta.copy(), 0
        else:
            self.stale += 1


def _batches(rows: int, batch: int, seed: int) -> Iterator[IntArray]:
    """Yield batches without end, each row once in an epoch; what does not fill a batch is left for another epoch."""
    for epoch in count():
        order = stream(seed, "net/order", epoch).permutation(rows)
        for at in range(0, rows - batch + 1, batch):
            yield order[at : at + batch]


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
    tell: Tell | None,
    weight: Float32Array | None,
) -> None:
    rng = stream(seed, f"net/shard/{shard}", step)
    given, wanted = (None, np.ones(placed.shape, dtype=np.float32)) if tell is None else tell(placed, rng)
    wanted = wanted * asked
    if weight is not None:
        wanted *= weight[:, None]
    net.gradient(part, placed, wanted, 1 / batch, grad, given, drop, rng)


def decayed(net: Network, decay: float) -> Float32Array:
    """Return the weight decay of each parameter: none on biases and on the coarse-to-fine tables."""
    out = np.zeros(net.size, dtype=np.float32)
    for name, view in net.parts(out).items():
        if name in ("emb", "out", "direct") or name.startswith("w"):
            view[:] = decay
    return out


def _held_out(
    net: Network, placed: CodeArray, asked: Float32Array, tell: Tell | None, seed: int
) -> Callable[[Float32Array], float]:
    """Return a function from parameters to the held-out loss in nats per row; what is given stays the same."""
    given: CodeArray | None = None
    wanted = np.ones(placed.shape, dtype=np.float32)
    if tell is not None:
        given, wanted = tell(placed, stream(seed, "net/held"))
    wanted = wanted * asked

    def loss(theta: Float32Array) -> float:
        if not len(placed):
            return float("inf")
        return float((net.losses(placed, given, theta) * wanted).sum(axis=1).mean())

    return loss


def given_at_random(columns: IntArray) -> Tell:
    """Return a choice of whole columns that are given: often a few, sometimes most.

    Parameters
    ----------
    columns
        Column of each position, shape (positions,).
    """
    n_columns = int(columns.max()) + 1

    def tell(placed: CodeArray, rng: np.random.Generator) -> tuple[CodeArray, Float32Array]:
        n = len(placed)
        rank = rng.random((n, n_columns), dtype=np.float32).argsort(axis=1)
        few = np.minimum(1 + (rng.random(n)[:, None] > _ONE_TWO).sum(axis=1), n_columns)
        count = np.where(rng.random(n) < _FEW, few, rng.integers(0, n_columns, size=n))
        shown = (rank < count[:, None])[:, columns]
        return np.where(shown, placed, -1).astype(np.int32), (~shown).astype(np.float32)

    return tell
