"""PGGAN: both networks grow from the smallest grid to the picture's, each new level faded in.

Karras, Aila, Laine & Lehtinen (2018, arXiv:1710.10196): progressive growing with fade-in, equalised learning rate, pixel
normalisation in the generator, the spread of the minibatch as a feature of the critic, averaged weights, no batch
normalisation. Three things differ. The loss is the non-saturating logistic one with the squared slope at real pictures
(R1, Mescheder et al. 2018, arXiv:1801.04406) on every 16th step, where the paper has WGAN-GP with a slope at every step: a
third cheaper a step, and what the same authors later used (arXiv:1912.04958). The class enters the critic by projection
(Miyato & Koyama 2018, arXiv:1802.05637) where the paper has an auxiliary classifier. And the first grid is 4 to 7 pixels
wide, so that 28 = 7 · 4 and 96 = 6 · 16 need no padding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np

from synthproof.core.random import stream
from synthproof.core.run import Run
from synthproof.engines.torch_nets.convs import Grids, minibatch_spread, pixel_normed
from synthproof.engines.torch_nets.duel import Source, Terms, duel
from synthproof.engines.torch_nets.load import need_torch
from synthproof.engines.torch_nets.nets import Arrays, Weights
from synthproof.synthesizers.image.drawing import Begun
from synthproof.synthesizers.image.family import Family, Fitted, Noise

_LEAK = 0.2
_WIDEST = 8
_GAIN = float(np.sqrt(2.0))


class Pggan(Family):
    """Draw pictures by a progressively grown adversarial network (needs the images extra).

    Parameters
    ----------
    minutes
        Wall minutes of learning; the result then depends on the machine's speed.
    images
        Real pictures to look at instead of `minutes`.
    grown
        Share of the budget after which the networks have their full size; each level takes an equal part of it, half to
        fade in and half to settle.
    noise
        Width of the generator's noise.
    width
        Channels at the picture's grid, twice as many at each smaller one, up to eight times; 0: 12 on a CPU (8 above
        48 px), 64 on a GPU.
    batch_size
        Pictures a step; 0: 32 on a CPU, 64 on a GPU.
    learning_rate
        Peak step size of Adam, for both networks.
    penalty
        Weight of the critic's squared slope at real pictures.
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
    Fit: about 500 pictures a CPU second at 28 px over the whole growth, sampling 1,000.
    """

    NAME: ClassVar[str] = "image.pggan"
    RANGES: ClassVar[Mapping[str, tuple[float, float]]] = {"noise": (1, 65_536), "penalty": (0, 1e6), "grown": (0, 1)}

    def __init__(
        self,
        *,
        minutes: float = 20.0,
        images: int | None = None,
        grown: float = 0.3,
        noise: int = 64,
        width: int = 0,
        batch_size: int = 0,
        learning_rate: float = 5e-3,
        penalty: float = 1.0,
        min_class: int = 30,
        random_state: int | None = None,
    ) -> None:
        self.minutes = minutes
        self.images = images
        self.grown = grown
        self.noise = noise
        self.width = width
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.penalty = penalty
        self.min_class = min_class
        self.random_state = random_state

    def _learn(self, begun: Begun, run: Run) -> Fitted:
        gpu, chain = run.device == "cuda", begun.data.chain
        wide = 64 if gpu else 12 if chain.side <= 48 else 8
        pair = Growing(chain.side, chain.channels, self.width or wide, self.noise, begun.code.size, self.grown)
        source = Source(rows=begun.batch("pggan"), values=begun.data.values, condition=begun.condition)
        terms = Terms(
            minutes=self.minutes,
            images=self.images,
            noise=self.noise,
            batch=self.batch_size or (64 if gpu else 32),
            rate=self.learning_rate,
            critic_rate=self.learning_rate,
            loss="logistic",
            spectral=False,
            penalty=self.penalty,
        )
        seed = begun.seed
        done = duel(pair, pair.generator(seed), pair.critic(seed), source, terms, seed=seed, task="pggan", run=run)
        learned = {"steps": done.steps, "images": done.images, "seconds": round(done.seconds, 2)}
        return Fitted(asdict(pair), done.arrays, np.array(done.losses), learned)

    def _paint(self, shape: Mapping[str, Any], weights: Weights, condition: Any, noise: Noise) -> Any:
        pair = Growing(**shape)
        start = need_torch().as_tensor(noise("latent", (pair.noise,)), device=condition.device)
        return pair.grids.cropped(pair.make(weights, start, condition, pair.stage(1.0), None))


@dataclass(frozen=True)
class Growing:
    """Generator and critic; at stage 1.3 the second level counts 0.3 and the first one, enlarged, 0.7.

    Parameters
    ----------
    side, channels
        Of the pictures.
    width
        Channels at the picture's grid.
    noise, condition
        Widths of the generator's inputs.
    grown
        Share of the budget after which the last level counts in full.
    """

    side: int
    channels: int
    width: int
    noise: int
    condition: int
    grown: float

    @property
    def grids(self) -> Grids:
        """Sides of the grids."""
        return Grids(self.side)

    @property
    def widths(self) -> list[int]:
        """Channels of the grids, smallest first."""
        k = self.grids.doublings
        return [self.width * min(_WIDEST, 2 ** (k - level)) for level in range(k + 1)]

    def generator(self, seed: int) -> Arrays:
        """Return the generator's first weights."""
        out: Arrays = {}
        wide, first = self.widths, self.grids.first
        inputs = self.noise + self.condition
        _normal(out, "generator.in", (inputs, wide[0] * first * first), wide[0], seed)
        for level, w in enumerate(wide):
            if level:
                _normal(out, f"generator.{level}.0", (w, wide[level - 1], 3, 3), w, seed)
            _normal(out, f"generator.{level}.1", (w, w, 3, 3), w, seed)
            _normal(out, f"generator.{level}.picture", (self.channels, w, 1, 1), self.channels, seed)
        return out

    def critic(self, seed: int) -> Arrays:
        """Return the critic's first weights."""
        out: Arrays = {}
        wide, first = self.widths, self.grids.first
        for level, w in enumerate(wide):
            _normal(out, f"critic.{level}.picture", (w, self.channels, 1, 1), w, seed)
            if level:
                _normal(out, f"critic.{level}.1", (w, w, 3, 3), w, seed)
                _normal(out, f"critic.{level}.0", (wide[level - 1], w, 3, 3), wide[level - 1], seed)
        _normal(out, "critic.0.1", (wide[0], wide[0] + 1, 3, 3), wide[0], seed)
        _normal(out, "critic.0.0", (wide[0] * first * first, wide[0]), wide[0], seed)
        _normal(out, "critic.out", (wide[0], 1), 1, seed)
        if self.condition:
            _normal(out, "critic.condition", (self.condition, wide[0]), wide[0], seed)
        return out

    def make(self, weights: Weights, noise: Any, condition: Any, stage: float, noted: dict[str, Any] | None) -> Any:
        """Return pictures at the side of the stage's upper level."""
        torch = need_torch()
        f = torch.nn.functional
        wide, first = self.widths, self.grids.first
        top, part = _levels(stage)
        x = torch.cat([pixel_normed(noise), condition], dim=1)
        x = _dense(weights, "generator.in", x, gain=_GAIN / 4).reshape(-1, wide[0], first, first)
        x = pixel_normed(f.leaky_relu(x.contiguous(memory_format=torch.channels_last), _LEAK))
        below = x
        for level in range(top + 1):
            if level:
                below = x
                x = f.interpolate(x, scale_factor=2.0, mode="nearest")
                x = pixel_normed(f.leaky_relu(_conv(weights, f"generator.{level}.0", x), _LEAK))
            x = pixel_normed(f.leaky_relu(_conv(weights, f"generator.{level}.1", x), _LEAK))
        picture = _conv(weights, f"generator.{top}.picture", x, gain=1.0)
        if part < 1.0:
            small = _conv(weights, f"generator.{top - 1}.picture", below, gain=1.0)
            picture = torch.lerp(f.interpolate(small, scale_factor=2.0, mode="nearest"), picture, part)
        return picture

    def judge(self, weights: Weights, pictures: Any, condition: Any, stage: float) -> Any:
        """Return how real pictures look, shape (n,)."""
        torch = need_torch()
        f = torch.nn.functional
        top, part = _levels(stage)
        x = f.leaky_relu(_conv(weights, f"critic.{top}.picture", pictures), _LEAK)
        for level in range(top, 0, -1):
            x = f.leaky_relu(_conv(weights, f"critic.{level}.1", x), _LEAK)
            x = f.avg_pool2d(f.leaky_relu(_conv(weights, f"critic.{level}.0", x), _LEAK), 2)
            if level == top and part < 1.0:
                small = _conv(weights, f"critic.{level - 1}.picture", f.avg_pool2d(pictures, 2))
                x = torch.lerp(f.leaky_relu(small, _LEAK), x, part)
        x = f.leaky_relu(_conv(weights, "critic.0.1", minibatch_spread(x)), _LEAK)
        x = f.leaky_relu(_dense(weights, "critic.0.0", x.flatten(1), gain=_GAIN), _LEAK)
        score = _dense(weights, "critic.out", x, gain=1.0)[:, 0]
        if not self.condition:
            return score
        return score + (_dense(weights, "critic.condition", condition, gain=1.0) * x).sum(dim=1) / np.sqrt(x.shape[1])

    def seen(self, pictures: Any, stage: float) -> Any:
        """Return real pictures as small as the stage is, as coarse as it is faded in."""
        f = need_torch().nn.functional
        top, part = _levels(stage)
        x = self.grids.padded(pictures)
        times = 2 ** (self.grids.doublings - top)
        x = f.avg_pool2d(x, times) if times > 1 else x
        if part < 1.0:
            coarse = f.interpolate(f.avg_pool2d(x, 2), scale_factor=2.0, mode="nearest")
            x = need_torch().lerp(coarse, x, part)
        return x

    def stage(self, progress: float) -> float:
        """Return 0 for the smallest grid alone, up to the number of doublings; half of a level's time it stands still."""
        k = self.grids.doublings
        if progress >= self.grown:
            return float(k)
        at = progress / self.grown * k
        return int(at) + max(0.0, 2.0 * (at - int(at)) - 1.0)


def _levels(stage: float) -> tuple[int, float]:
    """Return the upper level of a stage and how much it counts, above 0 to 1."""
    top = int(np.ceil(stage))
    return top, 1.0 if stage == top else stage - (top - 1)


def _normal(out: Arrays, name: str, shape: tuple[int, ...], n_out: int, seed: int) -> None:
    """Add weights of a standard normal; they are scaled when used, so that Adam's step is alike for all."""
    out[f"{name}.w"] = stream(seed, f"weights/{name}").standard_normal(shape, dtype=np.float32)
    out[f"{name}.b"] = np.zeros(shape[1] if len(shape) == 2 else n_out, dtype=np.float32)


def _conv(weights: Weights, name: str, x: Any, *, gain: float = _GAIN) -> Any:
    w = weights[f"{name}.w"]
    scale = gain / float(np.sqrt(w[0].numel()))
    return need_torch().nn.functional.conv2d(x, w * scale, weights[f"{name}.b"], padding=w.shape[2] // 2)


def _dense(weights: Weights, name: str, x: Any, *, gain: float) -> Any:
    w = weights[f"{name}.w"]
    return need_torch().addmm(weights[f"{name}.b"], x, w * (gain / float(np.sqrt(w.shape[0]))))


__all__ = ["Growing", "Pggan"]
