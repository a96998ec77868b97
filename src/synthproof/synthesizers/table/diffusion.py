"""Masked diffusion over codes and a flow between positions: rows are uncovered cell by cell from nothing.

Mixed columns in two parts (see `columns.codebook`). *Codes* come by absorbing-state diffusion (Austin et al. 2021,
arXiv:2107.03006; Sahoo et al. 2024, arXiv:2406.07524): a network learns to say any hidden codes from those uncovered,
which is the same as learning every order of the columns at once (Hoogeboom et al. 2022, arXiv:2110.02037). *Positions*
within stretches then flow from noise to values given the codes (flow matching; Lipman et al. 2023, arXiv:2210.02747),
and some are shown as known in training.

So a condition is inpainting: its cells are uncovered first and all others given them, exactly as the model has it.
Made for a GPU: width, depth and epochs pay there; on a CPU it works and is slow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from synthproof.core.errors import ConditionError
from synthproof.core.random import BLOCK, stream
from synthproof.core.run import Run, quiet
from synthproof.data.table.chunks import Data
from synthproof.engines.torch_nets.load import device_for, need_torch, one_torch_thread
from synthproof.engines.torch_nets.nets import (
    Arrays,
    Float32Array,
    Weights,
    moved,
    one_hot,
    residual_stack,
    run_residual,
    to_device,
)
from synthproof.engines.torch_nets.training import Loss, Plan, train
from synthproof.synthesizers.table.columns.codebook import Codebook
from synthproof.synthesizers.table.columns.conditions import impossible
from synthproof.synthesizers.table.columns.pools import LEAST_EFFECTIVE, WIDEST, effective_share, pool_blocks, resample
from synthproof.synthesizers.table.columns.steering import Steer, chances_of, pick
from synthproof.synthesizers.table.neural import Block, Neural

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

_WAVES = 8
_KNOWN_SHARE = 0.5
_NET_ROWS = 16_384


class Diffusion(Neural):
    """Draw rows by masked diffusion and flow matching (needs the torch extra; made for a GPU).

    Parameters
    ----------
    width, depth
        Width and number of residual blocks of both networks.
    stretches
        About how many stretches a numeric column of many values is cut into.
    steps
        Rounds in which a row's codes are uncovered at most; with fewer than columns, several at a time.
    flow_steps
        Steps of the flow, each of two evaluations (midpoint rule).
    epochs
        Passes over the rows at most.
    batch_size
        Rows per step.
    learning_rate
        Step size of Adam.
    patience
        Stop after this many epochs without gain on the validation fold (a tenth of the units); 0 never stops early.
    budget_s
        Stop training after this many seconds; the result then depends on the machine's speed.
    min_shared
        A numeric value is handed out as it is only when at least this many persons have it.
    row_wise
        Learn single rows of a table whose units have several.
    random_state
        Seed of `fit` and of `sample` calls without their own; ``None`` draws one and keeps it in ``seed_``.

    Attributes
    ----------
    schema_
        Schema of drawn tables.
    notices_
        What the reader of a report must know.
    losses_
        Loss of each epoch on the rows learned from and on the validation fold, shape (epochs, 2).
    seed_
        Seed that was used.

    Notes
    -----
    Fit O(epochs · n · width · (codes + depth · width)), on one thread or on ``run.device``; sampling the same a row for
    each step.
    """

    def __init__(
        self,
        *,
        width: int = 256,
        depth: int = 3,
        stretches: int = 32,
        steps: int = 64,
        flow_steps: int = 10,
        epochs: int = 300,
        batch_size: int = 256,
        learning_rate: float = 1e-3,
        patience: int = 20,
        budget_s: float | None = None,
        min_shared: int = 10,
        row_wise: bool = False,
        random_state: int | None = None,
    ) -> None:
        self.width = width
        self.depth = depth
        self.stretches = stretches
        self.steps = steps
        self.flow_steps = flow_steps
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.patience = patience
        self.budget_s = budget_s
        self.min_shared = min_shared
        self.row_wise = row_wise
        self.random_state = random_state

    def fit(self, data: Data, /, *, run: Run | None = None) -> Self:
        """Learn both networks.

        Raises
        ------
        MissingExtraError
            ``extra/missing``: torch is not installed.
        """
        need_torch()
        run = quiet(run)
        begun = self._begin(data, run, "diffusion", steps=(1, 100_000), flow_steps=(1, 10_000))
        plan = Plan(
            epochs=self.epochs,
            batch=self.batch_size,
            rate=self.learning_rate,
            patience=self.patience,
            averaging=0.995,
            budget_s=self.budget_s,
        )
        start = _start(begun.codebook, self.width, self.depth, begun.seed)
        loss = _loss(begun.codebook, begun.codes, begun.places, device_for(run.device))
        done = train(start, loss, begun.rows, begun.valid, plan, seed=begun.seed, purpose="diffusion", run=run)
        self._nets: _Nets = _Nets(done.arrays, begun.codebook, "cpu")
        self._keep(begun, done.losses)
        return self

    def _blocks(self, steer: Steer | None, run: Run) -> Block:
        nets = replace(self._nets, device=run.device)
        return partial(nets.block, steer, nets.pool(steer, run), self.steps, self.flow_steps)

    def _net_state(self) -> dict[str, Any]:
        return {"arrays": self._nets.arrays}

    def _take_net(self, state: Mapping[str, Any]) -> None:
        self._nets = _Nets(dict(state["arrays"]), self._codebook, "cpu")


def _start(codebook: Codebook, width: int, depth: int, seed: int) -> Arrays:
    """Return first weights: a network that says codes, and one that says the positions' velocity."""
    arrays: Arrays = {}
    size, p = int(codebook.starts[-1]), len(codebook.columns)
    residual_stack(arrays, "codes", size, width, depth, size, seed)
    arrays["codes.out.b"][:] = np.log(np.maximum(codebook.shares, 1e-6))
    residual_stack(arrays, "flow", size + 2 * p + 2 * _WAVES, width, depth, p, seed)
    return arrays


def _velocity(weights: Weights, hot: Any, score: Any, known: Any, time: Any) -> Any:
    """Return the velocity of positions' normal scores, shape (n, p), at a time of shape (n, 1)."""
    torch = need_torch()
    waves = time * torch.arange(1, _WAVES + 1, device=time.device) * np.pi
    return run_residual(weights, "flow", torch.cat([hot, score, known, waves.sin(), waves.cos()], dim=1))


def _loss(codebook: Codebook, codes: npt.NDArray[np.int32], places: Float32Array, device: Any) -> Loss:
    """Return the loss: nats a row of codes in a random order, and the squared error of velocities."""
    torch = need_torch()
    sizes, size, p = [int(s) for s in codebook.sizes], int(codebook.starts[-1]), len(codebook.columns)
    at_all = codes.astype(np.int64) + codebook.starts[:-1]
    every_at = moved(at_all, device)
    every_score = moved(ndtri(places.astype(np.float64)).astype(np.float32), device)
    every_wide = moved(codebook.wide[at_all].astype(np.float32), device)

    def of(weights: Weights, rows: IntArray, dice: np.random.Generator) -> Any:
        n = len(rows)
        at, score, wide = every_at[rows], every_score[rows], every_wide[rows]
        count = dice.integers(1, p + 1, size=(n, 1))
        rank = dice.random((n, p)).argsort(axis=1).argsort(axis=1)
        hidden = moved(rank < count, device)
        logits = run_residual(weights, "codes", one_hot(torch.where(hidden, -1, at), size))
        norm = torch.stack([part.logsumexp(dim=1) for part in logits.split(sizes, dim=1)], dim=1)
        # Any of `count` hidden codes could come next: their mean cost stands for one of p steps of a random order.
        cost = ((norm - logits.gather(1, at)) * hidden).sum(dim=1) * moved((p / count[:, 0]).astype(np.float32), device)
        shown = (dice.random((n, 1)) < _KNOWN_SHARE) & (dice.random((n, p)) < dice.random((n, 1)))
        known = moved(shown.astype(np.float32), device) * wide
        time = moved(dice.random((n, 1), dtype=np.float32), device)
        noise = moved(dice.standard_normal((n, p), dtype=np.float32), device)
        open_ = wide * (1 - known)
        now = known * score + open_ * ((1 - time) * noise + time * score)
        said = _velocity(weights, one_hot(at, size), now, known, time)
        miss = ((said - (score - noise)).square() * open_).sum(dim=1)
        return (cost + miss).mean()

    return of


@dataclass(frozen=True, slots=True)
class _Nets:
    """The learned networks over their codebook, and where they run."""

    arrays: Mapping[str, Float32Array]
    codebook: Codebook
    device: str

    def chances(self, weights: Weights, codes: IntArray, column: int | None = None) -> Float32Array:
        """Return the chance of every code given the uncovered ones (-1: hidden), shape (n, all codes), or of one
        column's codes alone, shape (n, its codes).
        """
        torch = need_torch()
        starts = self.codebook.starts
        mine = starts if column is None else starts[column : column + 2]
        at = np.where(codes < 0, -1, codes + starts[:-1]).astype(np.int64)
        parts = []
        with torch.no_grad():
            for i in range(0, len(at), _NET_ROWS):
                hot = one_hot(moved(at[i : i + _NET_ROWS], device_for(self.device)), int(starts[-1]))
                parts.append(run_residual(weights, "codes", hot)[:, mine[0] : mine[-1]].cpu().numpy())
        return chances_of(np.concatenate(parts), mine - mine[0])

    def block(
        self, steer: Steer | None, pool: int, steps: int, flow_steps: int, seed: int, block: int
    ) -> dict[str, FloatArray]:
        """Return one whole block of rows: values and level codes by column, NaN missing."""
        p, columns = len(self.codebook.columns), self.codebook.columns
        with one_torch_thread():
            weights = to_device(dict(self.arrays), device_for(self.device))
            codes = np.full((BLOCK, p), -1, dtype=np.intp)
            if steer is not None:
                codes, _, _ = self._uncovered(weights, steer, pool * BLOCK, seed, "pool", block)
                codes = codes[:BLOCK]
            codes = self._fill(weights, codes, seed, steps, block)
            noise = stream(seed, "diffusion/places", block).standard_normal((BLOCK, p)).astype(np.float32)
            known = np.zeros((BLOCK, p), dtype=np.bool_)
            score, given = noise, {}
            if steer is not None:
                u = stream(seed, "diffusion/given", block).random((BLOCK, p))
                for j in steer.ratio:
                    name = columns[j].name
                    given[name] = columns[j].write(codes[:, j], u[:, j], steer.left[name])
                    again, place = columns[j].read(given[name], u[:, j])
                    known[:, j] = columns[j].wide[codes[:, j]] & (again == codes[:, j])
                    score[:, j] = np.where(known[:, j], ndtri(place), score[:, j])
            score = self._flow(weights, codes, score, known, flow_steps)
        return self.codebook.write(codes, ndtr(score.astype(np.float64))) | given

    def _fill(self, weights: Weights, codes: IntArray, seed: int, steps: int, block: int) -> IntArray:
        """Uncover the hidden codes of each row in its own random order, some at a time."""
        starts, p = self.codebook.starts, codes.shape[1]
        order = stream(seed, "diffusion/order", block).random((BLOCK, p))
        u = stream(seed, "diffusion/codes", block).random((BLOCK, p))
        order[codes >= 0] = 2.0
        rank = order.argsort(axis=1).argsort(axis=1)
        left = int((codes[0] < 0).sum())
        rounds = min(steps, left)
        turn = np.where(codes < 0, rank * rounds // max(1, left), -1)
        for r in range(rounds):
            chances = self.chances(weights, codes)
            for j in range(p):
                mine = np.flatnonzero(turn[:, j] == r)
                own = chances[mine, starts[j] : starts[j + 1]].astype(np.float64)
                codes[mine, j] = pick(own, u[mine, j])
        return codes

    def _flow(
        self, weights: Weights, codes: IntArray, score: Float32Array, known: npt.NDArray[np.bool_], steps: int
    ) -> Float32Array:
        """Carry normal noise to normal scores of positions, known ones and those that mean nothing left alone."""
        torch = need_torch()
        starts = self.codebook.starts
        at = codes + starts[:-1]
        device = device_for(self.device)
        with torch.no_grad():
            hot = one_hot(moved(at.astype(np.int64), device), int(starts[-1]))
            fixed = moved(known.astype(np.float32), device)
            wide = moved(self.codebook.wide[at].astype(np.float32), device)
            free, x = wide * (1 - fixed), moved(score, device)
            for k in range(steps):
                time = torch.full((len(x), 1), k / steps, device=device)
                middle = x + free * _velocity(weights, hot, x * wide, fixed, time) / (2 * steps)
                x = x + free * _velocity(weights, hot, middle * wide, fixed, time + 1 / (2 * steps)) / steps
            return np.asarray(x.cpu().numpy(), dtype=np.float32)

    def pool(self, steer: Steer | None, run: Run) -> int:
        """Return how many blocks of partial rows stand behind one block of rows, from a pilot; or refuse."""
        if steer is None:
            return 1
        run.tick("conditions", 0, 2)
        with one_torch_thread():
            weights = to_device(dict(self.arrays), device_for(self.device))
            try:
                _, _, effective = self._uncovered(weights, steer, BLOCK, 0, "pilot", 0)
            except ConditionError:
                effective = 0.0
            if effective * BLOCK < LEAST_EFFECTIVE:
                run.tick("conditions", 1, 2)
                _, probability, effective = self._uncovered(weights, steer, WIDEST * BLOCK, 0, "pilot", 0)
                if effective * BLOCK * WIDEST < LEAST_EFFECTIVE:
                    raise impossible(steer.names[-1], probability, steer.names)
        return pool_blocks(effective)

    def _uncovered(
        self, weights: Weights, steer: Steer, size: int, seed: int, purpose: str, block: int
    ) -> tuple[IntArray, float, float]:
        """Uncover the conditioned columns of `size` rows; return codes, the conditions' probability, effective share."""
        codes = np.full((size, len(self.codebook.columns)), -1, dtype=np.intp)
        u = stream(seed, f"diffusion/{purpose}", block).random((size, len(steer.ratio)))
        dice = stream(seed, f"diffusion/{purpose}/resample", block)
        probability, effective = 1.0, 1.0
        for k, (j, ratio) in enumerate(steer.ratio.items()):
            # Before the first condition all rows are alike: one is asked for all.
            alike = self.chances(weights, codes[: 1 if k == 0 else size], j)
            met = np.broadcast_to(alike.astype(np.float64) * ratio, (size, len(ratio)))
            weight = met.sum(axis=1)
            if not weight.any():
                raise impossible(steer.names[k], 3 * probability / size, steer.names)
            probability *= float(weight.mean())
            effective *= effective_share(weight)
            kept = resample(weight, size, dice)
            codes = codes[kept]
            codes[:, j] = pick(met[kept], u[:, k])
        return codes, probability, effective
