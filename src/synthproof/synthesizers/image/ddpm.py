"""Denoising diffusion: a network says which noise was laid over a picture, and drawing takes it off step by step.

Ho, Jain & Abbeel (2020, arXiv:2006.11239): squared error of the noise, all steps of 1,000 alike; Nichol & Dhariwal's
cosine schedule (2021, arXiv:2102.09672); labels beside the time. Drawn along fewer steps by Song et al.'s sampler (2021,
arXiv:2010.02502), from deterministic (DDIM) to ancestral. The network is that of `image.flow`, so that the two differ in
what is learned and how it is walked, nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from synthproof.core.random import stream
from synthproof.core.run import Run, quiet
from synthproof.data.image.dataset import ImageSet
from synthproof.engines.torch_nets.load import device_for, need_torch, one_torch_thread
from synthproof.engines.torch_nets.nets import Weights, moved
from synthproof.engines.torch_nets.picture_training import Schedule, learn, on_device
from synthproof.engines.torch_nets.unet import UNet
from synthproof.engines.torch_nets.unet import run as answer
from synthproof.engines.torch_nets.unet import start as first_weights
from synthproof.synthesizers.image.drawing import Begun
from synthproof.synthesizers.image.family import Family, Fitted, Noise
from synthproof.synthesizers.image.sizes import batch_for, rate_for, shape_for, square

TIMES = 1000
_OFFSET = 0.008
_LEVELS = tuple(range(50, 801, 107))
"""Steps at which `unit_loss` looks: eight, from little noise to much."""
FloatArray = npt.NDArray[np.float64]


class Ddpm(Family):
    """Draw pictures by taking noise off step by step (needs the images extra).

    Parameters
    ----------
    minutes
        Wall minutes of learning; the result then depends on the machine's speed.
    images
        Pictures to look at instead of `minutes`.
    width
        Channels of the first level; 0: by size and device.
    batch_size
        Pictures a step; 0: by size and device.
    learning_rate
        Peak step size; 0: by the network's width.
    steps
        Steps of a drawing, at most 1,000.
    eta
        Noise that is laid on anew at each step: 1 as in the ancestral sampler, 0 none (DDIM), which follows a network's
        errors where the other forgets them.
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
        Step and mean squared error of the noise, shape (k, 2).
    learned_
        Steps, pictures seen and seconds.
    seed_
        Seed that was used.

    Notes
    -----
    Fit as fast as `image.flow`; a drawing costs one evaluation a step, 50 where `image.flow` takes 15.
    """

    NAME: ClassVar[str] = "image.ddpm"
    RANGES: ClassVar[Mapping[str, tuple[float, float]]] = {
        "learning_rate": (0, 1),
        "steps": (1, TIMES),
        "eta": (0, 1),
    }

    def __init__(
        self,
        *,
        minutes: float = 20.0,
        images: int | None = None,
        width: int = 0,
        batch_size: int = 0,
        learning_rate: float = 0.0,
        steps: int = 50,
        eta: float = 1.0,
        min_class: int = 30,
        random_state: int | None = None,
    ) -> None:
        self.minutes = minutes
        self.images = images
        self.width = width
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.steps = steps
        self.eta = eta
        self.min_class = min_class
        self.random_state = random_state

    def _learn(self, begun: Begun, run: Run) -> Fitted:
        device = device_for(run.device)
        net = shape_for(begun.data.chain, begun.code.size, run.device, width=self.width)
        kept = moved(signal().astype(np.float32), device)

        def load(rows: Any) -> tuple[Any, Any]:
            return square(moved(begun.data.values(rows), device), net.side), moved(begun.condition[rows], device)

        def loss(weights: Weights, batch: tuple[Any, ...], _progress: float, dice: Any) -> Any:
            torch = need_torch()
            pictures, condition = batch
            at = torch.randint(1, TIMES + 1, (len(pictures),), generator=dice, device=pictures.device)
            noise = torch.randn(pictures.shape, generator=dice, device=pictures.device)
            left = kept[at][:, None, None, None]
            x = left.sqrt() * pictures + (1 - left).sqrt() * noise
            return (answer(net, weights, x, at / TIMES, condition).float() - noise).square().mean()

        schedule = Schedule(
            minutes=self.minutes,
            images=self.images,
            batch=self.batch_size or batch_for(net, run.device),
            rate=self.learning_rate or rate_for(net),
        )
        seed = begun.seed
        done = learn(
            first_weights(net, seed), begun.batch("ddpm"), load, loss, schedule, seed=seed, purpose="ddpm", run=run
        )
        learned = {"steps": done.steps, "images": done.images, "seconds": round(done.seconds, 2)}
        shape = {**net.to_dict(), "picture": begun.data.chain.side}
        return Fitted(shape, done.arrays, np.array(done.losses, dtype=np.float64).reshape(-1, 2), learned)

    def unit_loss(self, data: ImageSet, /, *, seed: int = 0, run: Run | None = None) -> FloatArray:
        """Return the mean squared error of the noise of each picture, over eight noise levels, shape (n_rows,).

        Pictures that were learned by heart lose less: what membership attacks look at. Cost: 8 evaluations a picture.
        """
        learnt, found = self._fitted("unit_loss")
        job, torch = quiet(run), need_torch()
        device, net = device_for(job.device), UNet.from_dict({k: v for k, v in found.shape.items() if k != "picture"})
        weights, kept = on_device(found.arrays, device), signal()
        condition = learnt.code.encode(data.frame[list(learnt.code.schema.names)])
        out = np.zeros(data.n_rows)
        with one_torch_thread(), torch.no_grad():
            for k, rows in enumerate(data.batches()):
                job.tick("ddpm: losses", rows.start, data.n_rows)
                pictures = square(moved(data.values(rows), device), net.side)
                asked = moved(condition[rows], device)
                for level in _LEVELS:
                    drawn = stream(seed, f"ddpm/loss/{level}", k).standard_normal(pictures.shape, dtype=np.float32)
                    noise, a = moved(drawn, device), float(kept[level])
                    time = torch.full((len(pictures),), level / TIMES, device=device)
                    said = answer(net, weights, a**0.5 * pictures + (1 - a) ** 0.5 * noise, time, asked).float()
                    out[rows] += (said - noise).square().mean(dim=(1, 2, 3)).cpu().numpy() / len(_LEVELS)
        return out

    def _paint(self, shape: Mapping[str, Any], weights: Weights, condition: Any, noise: Noise) -> Any:
        side = int(shape["picture"])
        net = UNet.from_dict({k: v for k, v in shape.items() if k != "picture"})
        size = (net.channels, net.side, net.side)

        def fresh(purpose: str) -> Any:
            return need_torch().as_tensor(noise(purpose, size), device=condition.device)

        def said(x: Any, at: float) -> Any:
            time = need_torch().full((len(x),), at, device=x.device)
            return answer(net, weights, x, time, condition).float()

        return denoised(said, fresh, self.steps, self.eta)[:, :, :side, :side]


def denoised(said: Callable[[Any, float], Any], fresh: Callable[[str], Any], steps: int, eta: float) -> Any:
    """Return pictures from noise, along a few of the 1,000 steps (Song et al. 2021, equation 12).

    Parameters
    ----------
    said
        (pictures, time 0 to 1) → the noise that is seen in them.
    fresh
        Purpose → noise of the pictures' shape.
    steps, eta
        As in `Ddpm`.
    """
    kept = signal()
    # at step 1,000 the signal is nil and no picture can be computed back, so that the first step is 999
    grid = np.unique(np.rint(np.linspace(0, TIMES - 1, steps + 1)).astype(int))[::-1]
    x = fresh("start")
    for now, then in zip(grid[:-1], grid[1:], strict=True):
        a, b = float(kept[now]), float(kept[then])
        clean = ((x - math.sqrt(1 - a) * said(x, now / TIMES)) / math.sqrt(a)).clamp(-1.0, 1.0)
        noise = (x - math.sqrt(a) * clean) / math.sqrt(1 - a)  # what belongs to the clipped picture
        spread = eta * math.sqrt((1 - b) / (1 - a) * (1 - a / b))
        x = math.sqrt(b) * clean + math.sqrt(max(0.0, 1 - b - spread**2)) * noise
        if spread and then:
            x = x + spread * fresh(f"step/{then}")
    return x


def signal() -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the share of a picture's variance that is left after 0 to 1,000 steps, shape (1001,)."""
    t = np.arange(TIMES + 1) / TIMES
    level = np.cos((t + _OFFSET) / (1 + _OFFSET) * np.pi / 2) ** 2
    # no step may take all that is left (the paper clips its share at 0.999)
    return np.cumprod(np.concatenate([[1.0], np.maximum(level[1:] / level[:-1], 1e-3)]))


__all__ = ["TIMES", "Ddpm", "denoised", "signal"]
