"""Training a network: minibatches and noise from addressed streams, averaged weights, early stopping, a time budget."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from synthproof.core.random import stream
from synthproof.core.run import Run
from synthproof.engines.torch_nets.load import device_for, need_torch, one_torch_thread
from synthproof.engines.torch_nets.nets import Arrays, Weights, to_arrays, to_device

IntArray = npt.NDArray[np.intp]
Loss: TypeAlias = Callable[[Weights, IntArray, np.random.Generator], Any]
"""Mean loss (a tensor) of some rows under weights; all its noise comes from the generator it is given."""

_VALID_CHUNK = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How to train.

    Parameters
    ----------
    epochs
        Passes over the rows at most.
    batch
        Rows per step.
    rate
        Adam's step size (Kingma & Ba 2015, arXiv:1412.6980).
    patience
        Stop when the validation loss has not fallen for this many epochs; 0 never stops early.
    averaging
        Weight of the past in the running average of the weights, 0 to 1.
    budget_s
        Stop after this many seconds; ``None`` trains on. What a budget cuts off depends on the machine.
    """

    epochs: int
    batch: int
    rate: float
    patience: int = 20
    averaging: float = 0.99
    budget_s: float | None = None


@dataclass(frozen=True, slots=True)
class Trained:
    """What training left: the averaged weights of the best epoch, that epoch's number, losses of all epochs."""

    arrays: Arrays
    epoch: int
    losses: tuple[tuple[float, float], ...]


class Average:
    """A running average of weights, with a short memory at first so that the start is forgotten."""

    def __init__(self, weights: Weights, decay: float) -> None:
        self.weights: Weights = {name: t.detach().clone() for name, t in weights.items()}
        self._decay = decay
        self._steps = 0

    def take(self, weights: Weights) -> None:
        """Move the average towards the weights."""
        torch = need_torch()
        self._steps += 1
        past = min(self._decay, self._steps / (self._steps + 9.0))
        with torch.no_grad():
            torch._foreach_lerp_(
                list(self.weights.values()), [weights[name].detach() for name in self.weights], 1 - past
            )


class Stopper:
    """The best epoch so far, and whether to go on.

    Parameters
    ----------
    patience
        Epochs without a better score before it says stop; 0 for never.
    budget_s
        Seconds from now after which it says stop.
    """

    def __init__(self, patience: int, budget_s: float | None) -> None:
        self.best: Arrays = {}
        self.epoch = -1
        self.losses: list[tuple[float, float]] = []
        self._patience = patience
        self._end = None if budget_s is None else time.monotonic() + budget_s
        self._score = np.inf

    def over(self, weights: Weights, loss: float, score: float, epoch: int) -> bool:
        """Note an epoch's loss and score (lower is better; NaN keeps the latest weights); return whether to stop."""
        self.losses.append((loss, score))
        if not score >= self._score or not self.best:
            self.best, self.epoch = to_arrays(weights), epoch
            self._score = np.inf if np.isnan(score) else score
        late = self._end is not None and time.monotonic() > self._end
        return late or bool(self._patience and epoch - self.epoch >= self._patience)

    def trained(self) -> Trained:
        """Return what was kept."""
        return Trained(self.best, self.epoch, tuple(self.losses))


def batches(rows: IntArray, size: int, seed: int, purpose: str, epoch: int) -> list[IntArray]:
    """Return the rows of an epoch, shuffled, in batches of about equal size."""
    order = rows[stream(seed, f"{purpose}/order", epoch).permutation(len(rows))]
    return list(np.array_split(order, max(1, round(len(rows) / size))))


def train(
    start: Arrays, loss: Loss, rows: IntArray, valid: IntArray, plan: Plan, *, seed: int, purpose: str, run: Run
) -> Trained:
    """Return weights trained by Adam on one thread, or on the run's GPU.

    Parameters
    ----------
    start
        First weights.
    loss
        Mean loss of some rows.
    rows, valid
        Rows to learn from, and rows that decide when to stop; without any the last epoch is kept.
    seed, purpose
        Address of batches and noise; `purpose` also names the task in progress reports.

    Raises
    ------
    Cancelled
        The run was cancelled; progress is ticked once an epoch with ``loss`` and ``valid``.
    """
    torch = need_torch()
    with one_torch_thread():
        weights = to_device(start, device_for(run.device), learn=True)
        adam = torch.optim.Adam(list(weights.values()), lr=plan.rate)
        average = Average(weights, plan.averaging)
        stopper = Stopper(plan.patience, plan.budget_s)
        run.tick(purpose, 0, plan.epochs)
        step = 0
        for epoch in range(plan.epochs):
            total = 0.0
            for batch in batches(rows, plan.batch, seed, purpose, epoch):
                adam.zero_grad(set_to_none=True)
                value = loss(weights, batch, stream(seed, f"{purpose}/noise", step))
                value.backward()
                torch.nn.utils.clip_grad_norm_(list(weights.values()), 5.0)
                adam.step()
                average.take(weights)
                total += float(value.detach()) * len(batch)
                step += 1
            score = _validate(average.weights, loss, valid, seed, purpose)
            mean = total / max(1, len(rows))
            run.tick(purpose, epoch + 1, plan.epochs, loss=mean, valid=score)
            if stopper.over(average.weights, mean, score, epoch):
                break
        return stopper.trained()


def _validate(weights: Weights, loss: Loss, valid: IntArray, seed: int, purpose: str) -> float:
    if not len(valid):
        return float("nan")
    total = 0.0
    with need_torch().no_grad():
        for i in range(0, len(valid), _VALID_CHUNK):
            part = valid[i : i + _VALID_CHUNK]
            # The same noise in every epoch, so that epochs are told apart by their weights alone.
            total += float(loss(weights, part, stream(seed, f"{purpose}/valid", i))) * len(part)
    return total / len(valid)
