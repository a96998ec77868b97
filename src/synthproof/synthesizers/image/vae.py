"""Conditional convolutional variational autoencoder: pictures pressed through a few normal numbers, given their labels.

Kingma & Welling (2014, arXiv:1312.6114) with labels beside the latent (Sohn et al. 2015). Pixels are normal around the
decoder's picture, with one spread for all, which is at every step the one that is likeliest (Rybkin et al. 2021,
arXiv:2006.13202): no weight between blur and order is left to choose. The decoder's picture itself is handed out, without
that noise. What the latent does not hold is averaged over, so that pictures are soft: true of the family, not of this
file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np

from synthproof.core.run import Run
from synthproof.engines.torch_nets.convs import Grids, conv, convolved, enlarged, group_normed, norm, transposed
from synthproof.engines.torch_nets.load import device_for, need_torch
from synthproof.engines.torch_nets.nets import Arrays, Weights, dense, linear, moved
from synthproof.engines.torch_nets.picture_training import Schedule, learn
from synthproof.synthesizers.image.drawing import Begun
from synthproof.synthesizers.image.family import Family, Fitted, Noise

_WIDEST = 8
_LEAST_ERROR = 1e-4


class Vae(Family):
    """Draw pictures from normal latents through a learned decoder (needs the images extra).

    Parameters
    ----------
    minutes
        Wall minutes of learning; the result then depends on the machine's speed.
    images
        Pictures to look at instead of `minutes`.
    latent
        Width of the latent.
    width
        Channels at the largest inner grid, twice as many at each smaller one, up to eight times; 0: 24 on a CPU, 64 on
        a GPU.
    kl_weight
        Weight of the latent's divergence from a normal. At 1, the evidence lower bound, latents of training pictures
        leave gaps that drawn ones fall into, and hold the class as well: of 2,000 drawn digits 42 % were of their class,
        at 8 87 %, at 16 97 % (half a minute on a CPU each).
    batch_size
        Pictures a step; 0: 64 on a CPU, 256 on a GPU.
    learning_rate
        Peak step size.
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
        Step and negative evidence lower bound, nats a pixel, shape (k, 2).
    learned_
        Steps, pictures seen and seconds.
    seed_
        Seed that was used.

    Notes
    -----
    Fit: about 2,400 pictures a CPU second at 28 px, sampling 4,000.
    """

    NAME: ClassVar[str] = "image.vae"
    RANGES: ClassVar[Mapping[str, tuple[float, float]]] = {"latent": (1, 4096), "kl_weight": (0, 1e6)}

    def __init__(
        self,
        *,
        minutes: float = 10.0,
        images: int | None = None,
        latent: int = 16,
        width: int = 0,
        kl_weight: float = 10.0,
        batch_size: int = 0,
        learning_rate: float = 2e-3,
        min_class: int = 30,
        random_state: int | None = None,
    ) -> None:
        self.minutes = minutes
        self.images = images
        self.latent = latent
        self.width = width
        self.kl_weight = kl_weight
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.min_class = min_class
        self.random_state = random_state

    def _learn(self, begun: Begun, run: Run) -> Fitted:
        gpu, chain, device = run.device == "cuda", begun.data.chain, device_for(run.device)
        net = Coder(chain.side, chain.channels, self.width or (64 if gpu else 24), self.latent, begun.code.size)

        def load(rows: Any) -> tuple[Any, Any]:
            return net.grids.padded(moved(begun.data.values(rows), device)), moved(begun.condition[rows], device)

        def loss(weights: Weights, batch: tuple[Any, ...], _progress: float, dice: Any) -> Any:
            pictures, condition = batch
            mean, spread = net.encode(weights, pictures, condition)
            noise = need_torch().randn(mean.shape, generator=dice, device=mean.device)
            error = (net.decode(weights, mean + spread * noise, condition).float() - pictures).square().mean()
            kl = (mean.square() + spread.square() - 1).sum(dim=1) / 2 - spread.log().sum(dim=1)
            # with the likeliest spread a pixel costs half the logarithm of its mean squared error
            return error.clamp_min(_LEAST_ERROR).log() / 2 + self.kl_weight * kl.mean() / pictures[0].numel()

        schedule = Schedule(
            minutes=self.minutes,
            images=self.images,
            batch=self.batch_size or (256 if gpu else 64),
            rate=self.learning_rate,
        )
        done = learn(
            net.start(begun.seed), begun.batch("vae"), load, loss, schedule, seed=begun.seed, purpose="vae", run=run
        )
        arrays = {name: a for name, a in done.arrays.items() if name.startswith("decoder")}
        learned = {"steps": done.steps, "images": done.images, "seconds": round(done.seconds, 2)}
        return Fitted(asdict(net), arrays, np.array(done.losses, dtype=np.float64).reshape(-1, 2), learned)

    def _paint(self, shape: Mapping[str, Any], weights: Weights, condition: Any, noise: Noise) -> Any:
        net = Coder(**shape)
        latent = need_torch().as_tensor(noise("latent", (net.latent,)), device=condition.device)
        return net.grids.cropped(net.decode(weights, latent, condition))


@dataclass(frozen=True)
class Coder:
    """Encoder and decoder.

    Parameters
    ----------
    side, channels
        Of the pictures.
    width
        Channels at the largest inner grid.
    latent, condition
        Widths of the decoder's inputs.
    """

    side: int
    channels: int
    width: int
    latent: int
    condition: int

    @property
    def grids(self) -> Grids:
        """Sides of the grids."""
        return Grids(self.side)

    @property
    def widths(self) -> list[int]:
        """Channels of the inner grids, smallest first."""
        k = self.grids.doublings
        return [self.width * min(_WIDEST, 2 ** (k - 1 - level)) for level in range(k)]

    def start(self, seed: int) -> Arrays:
        """Return first weights."""
        out: Arrays = {}
        wide, first = self.widths, self.grids.first
        down = (self.channels, *wide[::-1])
        for level in range(len(wide)):
            conv(out, f"encoder.{level}", down[level], down[level + 1], 4, seed)
            norm(out, f"encoder.norm.{level}", down[level + 1], self.condition, seed)
        flat = wide[0] * first * first
        dense(out, "encoder.out", flat, 2 * self.latent, seed, gain=0.1)
        dense(out, "decoder.in", self.latent + self.condition, flat, seed)
        norm(out, "decoder.norm.0", wide[0], self.condition, seed)
        conv(out, "decoder.first", wide[0], wide[0], 3, seed)
        for level in range(1, len(wide)):
            norm(out, f"decoder.norm.{level}", wide[level - 1], self.condition, seed)
            transposed(out, f"decoder.{level}", wide[level - 1], wide[level], seed)
        norm(out, "decoder.norm.out", wide[-1], self.condition, seed)
        transposed(out, "decoder.out", wide[-1], self.channels, seed, gain=0.3)
        return out

    def encode(self, weights: Weights, pictures: Any, condition: Any) -> tuple[Any, Any]:
        """Return mean and standard deviation of the pictures' latents."""
        torch = need_torch()
        x = pictures.contiguous(memory_format=torch.channels_last)
        for level in range(len(self.widths)):
            x = convolved(weights, f"encoder.{level}", x, stride=2)
            x = torch.nn.functional.silu(group_normed(weights, f"encoder.norm.{level}", x, condition))
        mean, log_spread = linear(weights, "encoder.out", x.flatten(1)).float().chunk(2, dim=1)
        return mean, log_spread.clamp(-6.0, 2.0).exp()

    def decode(self, weights: Weights, latent: Any, condition: Any) -> Any:
        """Return pictures of the drawn side."""
        torch = need_torch()
        f = torch.nn.functional
        wide, first = self.widths, self.grids.first
        x = linear(weights, "decoder.in", torch.cat([latent, condition], dim=1)).reshape(-1, wide[0], first, first)
        x = x.contiguous(memory_format=torch.channels_last)
        x = convolved(weights, "decoder.first", f.silu(group_normed(weights, "decoder.norm.0", x, condition)))
        for level in range(1, len(wide)):
            x = f.silu(group_normed(weights, f"decoder.norm.{level}", x, condition))
            x = enlarged(weights, f"decoder.{level}", x)
        x = f.silu(group_normed(weights, "decoder.norm.out", x, condition))
        return enlarged(weights, "decoder.out", x).tanh()


__all__ = ["Coder", "Vae"]
