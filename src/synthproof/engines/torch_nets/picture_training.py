"""Training networks of pictures: a schedule that always finishes inside its budget, averaged weights, checkpoints.

A step's batch is cut into a fixed number of shards, whose gradients are computed side by side (one torch thread each)
and added in order: the result does not depend on the number of cores. Several processes or GPUs take shards in turn and add
their gradients through accelerate; they agree among themselves to the bit, and with one process up to rounding.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from synthproof.core.random import derive
from synthproof.core.run import Run
from synthproof.engines.torch_nets.load import device_for, need_torch, one_torch_thread
from synthproof.engines.torch_nets.nets import Arrays, Weights, to_arrays
from synthproof.engines.torch_nets.peers import Peers

IntArray = npt.NDArray[np.intp]
Rows: TypeAlias = Callable[[int, int], IntArray]
"""(step, size) → positions of the pictures of a batch."""
Load: TypeAlias = Callable[[IntArray], tuple[Any, ...]]
"""Positions → tensors on the device."""
Loss: TypeAlias = Callable[[Weights, tuple[Any, ...], float, Any], Any]
"""(weights, loaded batch, progress 0 to 1, torch generator) → mean loss, a tensor."""
Watch: TypeAlias = Callable[[Weights, float], bool]
"""(averaged weights, progress) → whether to stop and keep the weights of the check before."""
Keep: TypeAlias = Callable[[Mapping[str, Any]], None]

SHARDS = 2
_MEASURED = 20
_WARM = 3
_SHOWN_S = 0.5
CHECKS = 6
_SELDOM = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """How long and how fast to learn.

    Parameters
    ----------
    minutes
        Wall minutes; steps are counted out from the measured time of a step, and counted anew as that changes.
    images
        Pictures to be seen instead; then the result does not depend on the machine's speed.
    batch
        Pictures a step.
    rate
        Peak step size of AdamW (Loshchilov & Hutter 2019): a short rise, then a cosine to 2 %.
    """

    minutes: float = 20.0
    images: int | None = None
    batch: int = 64
    rate: float = 2e-3


@dataclass(slots=True)
class Learned:
    """What training left: averaged weights, steps taken, pictures seen, seconds, and whether the watch stopped it."""

    arrays: Arrays
    steps: int = 0
    images: int = 0
    seconds: float = 0.0
    stopped_at: float | None = None
    losses: list[tuple[int, float]] = field(default_factory=list)


def learn(
    start: Arrays,
    rows: Rows,
    load: Load,
    loss: Loss,
    schedule: Schedule,
    *,
    seed: int,
    purpose: str,
    run: Run,
    watch: Watch | None = None,
    watched: int = 0,
    keep: Keep | None = None,
    resume: Mapping[str, Any] | None = None,
) -> Learned:
    """Return weights learned within a budget.

    Parameters
    ----------
    start
        First weights.
    rows, load, loss
        What a step looks at, and what it lowers.
    watch
        Asked half a dozen times; may stop.
    watched
        Pictures that one answer of `watch` costs: it is asked more seldom where that is a twentieth of the learning.
    keep, resume
        Where a checkpoint goes as often, and one to go on from.

    Raises
    ------
    Cancelled
        The run was cancelled.
    """
    with one_torch_thread():
        return _Training(start, rows, load, loss, schedule, seed, purpose, run, watch, watched, keep).go(resume)


class _Training:
    def __init__(
        self,
        start: Arrays,
        rows: Rows,
        load: Load,
        loss: Loss,
        schedule: Schedule,
        seed: int,
        purpose: str,
        run: Run,
        watch: Watch | None,
        watched: int,
        keep: Keep | None,
    ) -> None:
        torch = need_torch()
        self.torch, self.device = torch, device_for(run.device)
        self.rows, self.load, self.loss, self.schedule = rows, load, loss, schedule
        self.seed, self.purpose, self.run, self.watch, self.keep = seed, purpose, run, watch, keep
        self.weights = on_device(start, self.device, learn=True)
        self.average = on_device(start, self.device)
        self.order = list(self.weights)
        fused = {"fused": True} if self.device.type == "cuda" else {"foreach": True}
        self.adam = torch.optim.AdamW(
            [self.weights[n] for n in self.order], lr=schedule.rate, betas=(0.9, 0.99), weight_decay=0.0, **fused
        )
        self.peers = Peers(self.device)
        self.shards = SHARDS if self.device.type == "cpu" else 1
        self.shards = max(self.shards, self.peers.world)
        self.total = self._from_images()
        # looking is a third of learning; counted in pictures, not in seconds, so that no machine stops at another step
        self.apart = -(-watched * _SELDOM // (3 * schedule.batch))
        self.step, self.images = 0, 0
        self.losses: list[tuple[int, float]] = []

    def go(self, resume: Mapping[str, Any] | None) -> Learned:
        began = time.monotonic()
        spent = self._resume(resume) if resume else 0.0
        passed: list[float] = []
        good = to_arrays(self.average)
        shown, next_check, stopped = 0.0, self._next_check(), None
        with ThreadPoolExecutor(min(self.shards, self.run.workers)) as pool:
            while self.step < self.total:
                t = time.monotonic()
                value = self._one(pool)
                passed.append(time.monotonic() - t)
                self._count_out(passed, spent + time.monotonic() - began)
                if time.monotonic() - shown > _SHOWN_S or self.step == self.total:
                    shown = time.monotonic()
                    seen = float(value)
                    self.losses.append((self.step, seen))
                    self.run.tick(self.purpose, self.step, self.total, loss=seen, images=self.images)
                if self.step >= next_check or self.step == self.total:
                    next_check = self.step + max(1, self.total // CHECKS, self.apart)
                    if self.watch is not None and self.watch(self.average, self.step / self.total):
                        stopped = self.step / self.total
                        break
                    good = to_arrays(self.average)
                    self._checkpoint(spent + time.monotonic() - began)
        seconds = spent + time.monotonic() - began
        return Learned(good, self.step, self.images, seconds, stopped, self.losses)

    # one step ----------------------------------------------------------------------------------------------

    def _one(self, pool: ThreadPoolExecutor) -> Any:
        size, world = self.schedule.batch, self.peers.world
        progress = min(1.0, self.step / max(1, self.total))
        parts = np.array_split(self.rows(self.step, size), self.shards)
        mine = [k for k in range(self.shards) if k % world == self.peers.rank and len(parts[k])]
        weights = [self.weights[n] for n in self.order]

        def shard(k: int) -> tuple[Any, Any]:
            dice = self.torch.Generator(device=self.device)
            dice.manual_seed(derive(self.seed, f"{self.purpose}/{self.step}/{k}") >> 1)
            with self.torch.autocast(self.device.type, self.torch.bfloat16, enabled=self.device.type == "cuda"):
                value = self.loss(self.weights, self.load(parts[k]), progress, dice) * (len(parts[k]) / size)
            return value.detach(), self.torch.autograd.grad(value, weights, allow_unused=True)

        found = list(pool.map(shard, mine)) if len(mine) > 1 else [shard(k) for k in mine]
        for i, w in enumerate(weights):
            got = [g[i] for _, g in found if g[i] is not None]
            w.grad = sum(got[1:], got[0]) if got else self.torch.zeros_like(w)
        self.peers.add([w.grad for w in weights])
        self.torch.nn.utils.clip_grad_norm_(weights, 1.0)
        for group in self.adam.param_groups:
            group["lr"] = self.schedule.rate * pace(self.step, self.total)
        self.adam.step()
        self.step += 1
        self.images += size
        with self.torch.no_grad():
            past = min(decay_for(self.total), (1 + self.step) / (10 + self.step))
            self.torch._foreach_lerp_([self.average[n] for n in self.order], weights, 1 - past)
        return sum(v for v, _ in found) if found else self.torch.zeros(())

    # budget ------------------------------------------------------------------------------------------------

    def _from_images(self) -> int:
        images = self.schedule.images
        return 1 << 40 if images is None else max(1, -(-images // self.schedule.batch))

    def _count_out(self, passed: list[float], elapsed: float) -> None:
        """Count the steps that still fit, once a step is measured and whenever a tenth of the budget is gone."""
        if self.schedule.images is not None or len(passed) < _MEASURED:
            return
        budget = 60.0 * self.schedule.minutes
        tenth = max(1, self.total // 10) if self.total < 1 << 40 else 1
        # clocks differ between processes, and all must ask each other at the same step
        over = elapsed > budget and self.peers.world == 1
        if len(passed) == _MEASURED or self.step % tenth == 0 or over:
            recent = float(np.mean(passed[max(_WARM, len(passed) - 200) :]))
            left = max(0, int((budget - elapsed) / recent))
            self.total = self.step + max(0, self.peers.agreed(left))

    def _next_check(self) -> int:
        if self.step:  # gone on with: as far from the check that kept it as if nothing had happened
            return self.step + max(1, self.total // CHECKS, self.apart)
        return self.step + max(
            _MEASURED + 1, self.apart, min(self.total, 1 << 40) // CHECKS if self.total < 1 << 40 else 100
        )

    # checkpoints -------------------------------------------------------------------------------------------

    def _checkpoint(self, seconds: float) -> None:
        if self.keep is None or self.peers.rank:
            return
        moments = self.adam.state_dict()["state"]
        first = {n: moments[i]["exp_avg"] for i, n in enumerate(self.order) if i in moments}
        second = {n: moments[i]["exp_avg_sq"] for i, n in enumerate(self.order) if i in moments}
        self.keep(
            {
                "step": self.step,
                "total": self.total,
                "images": self.images,
                "seconds": seconds,
                "minutes": self.schedule.minutes,
                "weights": to_arrays(self.weights),
                "average": to_arrays(self.average),
                "first": to_arrays(first),
                "second": to_arrays(second),
            }
        )

    def _resume(self, state: Mapping[str, Any]) -> float:
        torch = self.torch
        self.step, self.images = int(state["step"]), int(state["images"])
        if self.schedule.images is None:
            self.total = self._total_of(state)
        with torch.no_grad():
            for n in self.order:
                self.weights[n].copy_(torch.as_tensor(state["weights"][n]))
                self.average[n].copy_(torch.as_tensor(state["average"][n]))
        for n in self.order:
            if n in state["first"]:
                w = self.weights[n]
                like = {"device": self.device, "dtype": w.dtype}
                self.adam.state[w] = {
                    "step": torch.tensor(float(self.step), device=self.device if self.device.type == "cuda" else None),
                    "exp_avg": torch.as_tensor(state["first"][n], **like).contiguous(memory_format=_format(w)),
                    "exp_avg_sq": torch.as_tensor(state["second"][n], **like).contiguous(memory_format=_format(w)),
                }
        return float(state["seconds"])

    def _total_of(self, state: Mapping[str, Any]) -> int:
        """Return the steps in all of a budget in minutes: those counted before, or as many as another budget has room for."""
        total, seconds, minutes = int(state["total"]), float(state["seconds"]), self.schedule.minutes
        if state.get("minutes") == minutes or seconds <= 0:
            return total
        # a checkpoint of three minutes that were learned out must not stand for twenty
        return max(self.step, int(self.step * 60.0 * minutes / seconds))


def pace(step: int, total: int) -> float:
    """Return the share of the peak step size: a rise over 200 steps at most, then a cosine to 2 %."""
    rise = max(10, min(200, total // 20))
    if step < rise:
        return (step + 1) / rise
    done = min(1.0, (step - rise) / max(1, total - rise))
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done))


def decay_for(total: int) -> float:
    """Return the weight of the past in the average of weights, longer for longer training."""
    return 0.998 if total < 5_000 else 0.9995 if total < 50_000 else 0.9999


def on_device(arrays: Arrays, device: Any, *, learn: bool = False) -> Weights:
    """Return arrays as tensors, convolutions with channels last, which is the order they are fastest in."""
    torch = need_torch()
    out: Weights = {}
    for name, a in arrays.items():
        t = torch.tensor(a, device=device)
        out[name] = t.contiguous(memory_format=_format(t)).requires_grad_(learn)
    return out


def _format(tensor: Any) -> Any:
    torch = need_torch()
    return torch.channels_last if tensor.dim() == 4 else torch.contiguous_format


__all__ = ["SHARDS", "Learned", "Schedule", "learn", "on_device", "pace"]
