"""DCGAN: a generator of transposed convolutions against a critic of strided ones, both told the class.

Radford, Metz & Chintala (2016, arXiv:1511.06434): 4 × 4 kernels of stride 2, batch normalisation and ReLUs in the
generator, leaky ReLUs in the critic, no dense layers between, tanh at the end. As it was published it collapses or loses
its class within a CPU's budget, and comparing with that would be unfair, so what has since become usual is added: the
condition enters the generator through its normalisations (de Vries et al. 2017, arXiv:1707.00683) and the critic by
projection (Miyato & Koyama 2018, arXiv:1802.05637); the critic is spectrally normalised instead of batch normalised
(Miyato et al. 2018, arXiv:1802.05957) under the hinge loss; Adam keeps no first moment; drawn pictures come from averaged
weights, whose normalisation statistics are taken once over 4,096 pictures, so that no picture sees its neighbours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np

from synthproof.core.run import Run
from synthproof.engines.torch_nets.convs import (
    Grids,
    batch_normed,
    conv,
    convolved,
    enlarged,
    norm,
    transposed,
)
from synthproof.engines.torch_nets.duel import Source, Terms, duel, standing
from synthproof.engines.torch_nets.load import need_torch
from synthproof.engines.torch_nets.nets import Arrays, Weights, dense, linear
from synthproof.synthesizers.image.drawing import Begun
from synthproof.synthesizers.image.family import Family, Fitted, Noise

_LEAK = 0.2
_WIDEST = 8
"""Channels of the smallest grid, as a multiple of those of the largest, at most."""


class Dcgan(Family):
    """Draw pictures by a deep convolutional adversarial network (needs the images extra).

    Parameters
    ----------
    minutes
        Wall minutes of learning; the result then depends on the machine's speed.
    images
        Real pictures to look at instead of `minutes`.
    noise
        Width of the generator's noise.
    width
        Channels at the largest grid inside the networks; 0: 24 on a CPU (16 above 48 px), 64 on a GPU.
    batch_size
        Pictures a step; 0: 32 on a CPU, 128 on a GPU.
    learning_rate, critic_rate
        Peak step sizes of Adam.
    min_class
        Units that a class must have to be learned.
    random_state
        Seed of `fit` and of `sample` calls without their own; ``None`` draws one and keeps it in ``seed_``.

    Attributes
    ----------
    schema_
        Schema of drawn pictures.
    notices_
        What the reader of a report must know.
    losses_
        Step, the critic's loss and the generator's, shape (k, 3). They are no measure of quality.
    learned_
        Steps, pictures seen and seconds.
    seed_
        Seed that was used.

    Notes
    -----
    Fit: about 1,500 pictures a CPU second at 28 px, sampling 6,000. Adversarial networks leave rare forms out and say
    nothing of how likely a picture is.
    """

    NAME: ClassVar[str] = "image.dcgan"
    RANGES: ClassVar[Mapping[str, tuple[float, float]]] = {"noise": (1, 65_536), "critic_rate": (1e-8, 1)}

    def __init__(
        self,
        *,
        minutes: float = 10.0,
        images: int | None = None,
        noise: int = 64,
        width: int = 0,
        batch_size: int = 0,
        learning_rate: float = 1e-3,
        critic_rate: float = 1e-3,
        min_class: int = 30,
        random_state: int | None = None,
    ) -> None:
        self.minutes = minutes
        self.images = images
        self.noise = noise
        self.width = width
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.critic_rate = critic_rate
        self.min_class = min_class
        self.random_state = random_state

    def _learn(self, begun: Begun, run: Run) -> Fitted:
        gpu = run.device == "cuda"
        chain = begun.data.chain
        wide = 64 if gpu else 24 if chain.side <= 48 else 16
        pair = Networks(chain.side, chain.channels, self.width or wide, self.noise, begun.code.size)
        source = Source(rows=begun.batch("dcgan"), values=begun.data.values, condition=begun.condition)
        terms = Terms(
            minutes=self.minutes,
            images=self.images,
            noise=self.noise,
            batch=self.batch_size or (128 if gpu else 32),
            rate=self.learning_rate,
            critic_rate=self.critic_rate,
        )
        seed = begun.seed
        done = duel(pair, pair.generator(seed), pair.critic(seed), source, terms, seed=seed, task="dcgan", run=run)
        arrays = standing(pair, done.arrays, source, self.noise, seed=seed, task="dcgan", run=run)
        learned = {"steps": done.steps, "images": done.images, "seconds": round(done.seconds, 2)}
        return Fitted(asdict(pair), arrays, np.array(done.losses), learned)

    def _paint(self, shape: Mapping[str, Any], weights: Weights, condition: Any, noise: Noise) -> Any:
        pair = Networks(**shape)
        start = need_torch().as_tensor(noise("latent", (pair.noise,)), device=condition.device)
        return pair.grids.cropped(pair.make(weights, start, condition, 1.0, None))


@dataclass(frozen=True)
class Networks:
    """Generator and critic.

    Parameters
    ----------
    side, channels
        Of the pictures.
    width
        Channels at the largest inner grid; every smaller one has twice as many, up to eight times.
    noise, condition
        Widths of the generator's inputs.
    """

    side: int
    channels: int
    width: int
    noise: int
    condition: int

    @property
    def grids(self) -> Grids:
        """Sides of the grids."""
        return Grids(self.side)

    @property
    def widths(self) -> list[int]:
        """Channels of the inner grids, smallest grid first; the last enlarging makes the picture."""
        k = max(1, self.grids.doublings)
        return [self.width * min(_WIDEST, 2 ** (k - 1 - level)) for level in range(k)]

    def generator(self, seed: int) -> Arrays:
        """Return the generator's first weights."""
        out: Arrays = {}
        wide, first = self.widths, self.grids.first
        dense(out, "generator.in", self.noise + self.condition, wide[0] * first * first, seed)
        norm(out, "generator.norm.0", wide[0], self.condition, seed)
        for level in range(1, len(wide)):
            transposed(out, f"generator.{level}", wide[level - 1], wide[level], seed)
            norm(out, f"generator.norm.{level}", wide[level], self.condition, seed)
        transposed(out, "generator.out", wide[-1], self.channels, seed, gain=0.5)
        return out

    def critic(self, seed: int) -> Arrays:
        """Return the critic's first weights."""
        out: Arrays = {}
        wide, first = (self.channels, *self.widths[::-1]), self.grids.first
        for level in range(len(wide) - 1):
            conv(out, f"critic.{level}", wide[level], wide[level + 1], 4, seed)
        dense(out, "critic.out", wide[-1] * first * first, 1, seed)
        if self.condition:
            dense(out, "critic.condition", self.condition, wide[-1] * first * first, seed, gain=0.3)
        return out

    def make(self, weights: Weights, noise: Any, condition: Any, stage: float, noted: dict[str, Any] | None) -> Any:
        """Return pictures of the drawn side."""
        torch = need_torch()
        wide, first = self.widths, self.grids.first
        x = linear(weights, "generator.in", torch.cat([noise, condition], dim=1)).reshape(-1, wide[0], first, first)
        x = x.contiguous(memory_format=torch.channels_last)
        x = batch_normed(weights, "generator.norm.0", x, condition, noted=noted).relu()
        for level in range(1, len(wide)):
            x = enlarged(weights, f"generator.{level}", x)
            x = batch_normed(weights, f"generator.norm.{level}", x, condition, noted=noted).relu()
        return enlarged(weights, "generator.out", x).tanh()

    def judge(self, weights: Weights, pictures: Any, condition: Any, stage: float) -> Any:
        """Return how real pictures look, shape (n,)."""
        x = pictures
        for level in range(len(self.widths)):
            x = need_torch().nn.functional.leaky_relu(convolved(weights, f"critic.{level}", x, stride=2), _LEAK)
        x = x.flatten(1)
        score = linear(weights, "critic.out", x)[:, 0]
        return score + (linear(weights, "critic.condition", condition) * x).sum(dim=1) if self.condition else score

    def seen(self, pictures: Any, stage: float) -> Any:
        """Return real pictures of the drawn side."""
        return self.grids.padded(pictures)

    def stage(self, progress: float) -> float:
        """Return 1: these networks do not grow."""
        return 1.0


__all__ = ["Dcgan", "Networks"]
