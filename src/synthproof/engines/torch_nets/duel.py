"""A generator of pictures against a critic: the training that the adversarial families share.

One step of the critic and one of the generator on each batch; Adam, a running average of the generator's weights, and a
budget in minutes or pictures that the schedule is spread over. Batches, noise and weights come from addressed streams.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from synthproof.core.random import stream
from synthproof.core.run import Run
from synthproof.engines.torch_nets.convs import Spectral
from synthproof.engines.torch_nets.load import device_for, need_torch, one_torch_thread
from synthproof.engines.torch_nets.nets import Arrays, Weights, moved, to_arrays
from synthproof.engines.torch_nets.picture_training import on_device

Float32Array = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.intp]

_TICK = 10  # steps between reports
_MEMORY = 0.05


class Pair(Protocol):
    """The two networks."""

    def make(self, weights: Weights, noise: Any, condition: Any, stage: float, noted: dict[str, Any] | None) -> Any:
        """Return pictures at the stage's resolution; `noted` is filled with batch statistics while learning."""
        ...

    def judge(self, weights: Weights, pictures: Any, condition: Any, stage: float) -> Any:
        """Return how real pictures look, shape (n,)."""
        ...

    def seen(self, pictures: Any, stage: float) -> Any:
        """Return real pictures as the stage shows them to the critic."""
        ...

    def stage(self, progress: float) -> float:
        """Return how far the networks are grown, from the share of the budget that is spent."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where real pictures come from.

    Parameters
    ----------
    rows
        (step, size) → positions of the pictures of a batch; steps are counted over critic and generator.
    values
        Positions → pictures in [-1, 1], shape (n, c, s, s).
    condition
        Numbers of every picture's labels.
    """

    rows: Callable[[int, int], IntArray]
    values: Callable[[IntArray], Float32Array]
    condition: Float32Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How to train.

    Parameters
    ----------
    minutes
        Wall minutes; the result then depends on the machine's speed.
    images
        Real pictures to be seen instead.
    noise
        Width of the generator's noise.
    batch
        Pictures a step.
    rate, critic_rate
        Adam's step sizes; both fall linearly to a tenth over the last half of the budget.
    betas
        Adam's memories.
    loss
        ``"hinge"`` (Lim & Ye 2017, arXiv:1705.02894) or ``"logistic"``, Goodfellow's non-saturating one.
    spectral
        Whether the critic's layers are held to a largest singular value of 1.
    penalty, every
        Weight of the critic's squared slope at real pictures (R1, Mescheder et al. 2018, arXiv:1801.04406), and on
        every how-many-th step it is applied, that many times as strong (Karras et al. 2020, arXiv:1912.04958).
    averaging
        Pictures over which the average of the generator's weights forgets half; a twentieth of those seen, while that
        is fewer (Karras et al. 2020).
    """

    minutes: float
    images: int | None
    noise: int
    batch: int
    rate: float
    critic_rate: float
    betas: tuple[float, float] = (0.0, 0.99)
    loss: Literal["hinge", "logistic"] = "hinge"
    spectral: bool = True
    penalty: float = 0.0
    every: int = 16
    averaging: int = 10_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What training left: averaged weights of the generator, steps, pictures seen, seconds, and losses a report."""

    arrays: Arrays
    steps: int
    images: int
    seconds: float
    losses: list[tuple[int, float, float]]


def duel(
    pair: Pair, generator: Arrays, critic: Arrays, source: Source, terms: Terms, *, seed: int, task: str, run: Run
) -> Outcome:
    """Return a trained generator.

    Parameters
    ----------
    generator, critic
        First weights.
    source
        Gives real pictures; what is asked of the generator has the labels of other pictures of the same source.

    Raises
    ------
    Cancelled
        The run was cancelled; progress is ticked every ten steps.
    """
    with one_torch_thread():
        return _Duel(pair, generator, critic, source, terms, seed, task, run).play()


def standing(pair: Pair, arrays: Arrays, source: Source, noise: int, *, seed: int, task: str, run: Run) -> Arrays:
    """Return a generator's weights with the statistics of its batch normalisations over 4,096 drawn pictures.

    Those of a running mean would be of older weights, and the batch's own would let pictures see their neighbours.
    """
    torch, device = need_torch(), device_for(run.device)
    batches, size = 32, 128
    sums: dict[str, Any] = {}
    with one_torch_thread(), torch.no_grad():
        weights = on_device(arrays, device)
        for k in range(batches):
            run.tick(f"{task}: statistics", k, batches)
            drawn = stream(seed, f"{task}/standing", k).standard_normal((size, noise), dtype=np.float32)
            asked = source.condition[source.rows(-1 - k, size)]
            noted: dict[str, Any] = {}
            pair.make(weights, moved(drawn, device), moved(asked, device), pair.stage(1.0), noted)
            for name, found in noted.items():
                sums[name] = [a + b for a, b in zip(sums.get(name, (0.0, 0.0)), found, strict=True)]
    out = dict(arrays)
    for name, (first, second) in sums.items():
        mean, square = (a.cpu().numpy() / batches for a in (first, second))
        out[f"{name}.mean"] = mean.astype(np.float32)
        out[f"{name}.variance"] = np.maximum(square - mean**2, 0.0).astype(np.float32)
    return out


class _Duel:
    def __init__(
        self,
        pair: Pair,
        generator: Arrays,
        critic: Arrays,
        source: Source,
        terms: Terms,
        seed: int,
        task: str,
        run: Run,
    ) -> None:
        torch = need_torch()
        self.torch, self.device = torch, device_for(run.device)
        self.pair, self.source, self.terms = pair, source, terms
        self.seed, self.task, self.run = seed, task, run
        self.g, self.d = (on_device(a, self.device, learn=True) for a in (generator, critic))
        self.average = on_device(generator, self.device)
        self.spectral = Spectral(self.d, seed) if terms.spectral else None
        self.adams = [
            torch.optim.Adam(list(w.values()), lr=rate, betas=terms.betas, foreach=True)
            for w, rate in ((self.g, terms.rate), (self.d, terms.critic_rate))
        ]
        self.losses: list[tuple[int, float, float]] = []

    def play(self) -> Outcome:
        t = self.terms
        total = 0 if t.images is None else max(1, -(-t.images // t.batch))
        began, step, progress = time.monotonic(), 0, 0.0
        self.run.tick(self.task, 0, 1000)
        while progress < 1.0:
            stage = self.pair.stage(progress)
            self._pace(progress)
            critic, maker = self._critic(step, stage), self._generator(step, stage)
            step += 1
            spent = time.monotonic() - began
            progress = min(1.0, step / total if total else spent / (60.0 * t.minutes))
            if step % _TICK == 0 or progress >= 1.0:
                self.losses.append((step, float(critic), float(maker)))
                facts = {"critic": float(critic), "loss": float(maker), "images": step * t.batch}
                self.run.tick(self.task, int(1000 * progress), 1000, **facts)
        return Outcome(to_arrays(self.average), step, step * t.batch, time.monotonic() - began, self.losses)

    def _pace(self, progress: float) -> None:
        share = 1.0 if progress < 0.5 else 1.0 - 0.9 * (progress - 0.5) / 0.5
        for adam, rate in zip(self.adams, (self.terms.rate, self.terms.critic_rate), strict=True):
            for group in adam.param_groups:
                group["lr"] = rate * share

    def _made(self, part: int, step: int, stage: float) -> tuple[Any, Any]:
        """Return what the generator makes for the labels of other real pictures, and those labels."""
        t, at = self.terms, 3 * step + 1 + part
        noise = stream(self.seed, f"{self.task}/noise", at).standard_normal((t.batch, t.noise), dtype=np.float32)
        asked = moved(self.source.condition[self.source.rows(at, t.batch)], self.device)
        return self.pair.make(self.g, moved(noise, self.device), asked, stage, {}), asked

    def _critic(self, step: int, stage: float) -> Any:
        torch, t = self.torch, self.terms
        f = torch.nn.functional
        rows = self.source.rows(3 * step, t.batch)
        pictures = moved(self.source.values(rows), self.device).contiguous(memory_format=torch.channels_last)
        condition = moved(self.source.condition[rows], self.device)
        real = self.pair.seen(pictures, stage)
        with torch.no_grad():
            made, asked = self._made(0, step, stage)
        sloped = t.penalty > 0 and step % t.every == 0
        if sloped:
            real = real.detach().requires_grad_(True)
        weights = self.d if self.spectral is None else self.spectral.normed(self.d)
        good = self.pair.judge(weights, real, condition, stage)
        bad = self.pair.judge(weights, made, asked, stage)
        if t.loss == "hinge":
            loss = f.relu(1 - good).mean() + f.relu(1 + bad).mean()
        else:
            loss = f.softplus(-good).mean() + f.softplus(bad).mean()
        whole = loss
        if sloped:
            slope = torch.autograd.grad(good.sum(), real, create_graph=True)[0]
            whole = loss + slope.square().sum(dim=(1, 2, 3)).mean() * (t.penalty / 2 * t.every)
        self.adams[1].zero_grad(set_to_none=True)
        whole.backward()
        self.adams[1].step()
        return loss.detach()

    def _generator(self, step: int, stage: float) -> Any:
        torch, t = self.torch, self.terms
        with torch.no_grad():
            frozen = self.d if self.spectral is None else self.spectral.normed(self.d)
        frozen = {name: w.detach() for name, w in frozen.items()}
        made, asked = self._made(1, step, stage)
        score = self.pair.judge(frozen, made, asked, stage)
        loss = -score.mean() if t.loss == "hinge" else torch.nn.functional.softplus(-score).mean()
        self.adams[0].zero_grad(set_to_none=True)
        loss.backward()
        self.adams[0].step()
        past = 0.5 ** (t.batch / max(1.0, min(t.averaging, _MEMORY * step * t.batch)))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.values()), list(self.g.values()), 1 - past)
        return loss.detach()


__all__ = ["Outcome", "Pair", "Source", "Terms", "duel", "standing"]
