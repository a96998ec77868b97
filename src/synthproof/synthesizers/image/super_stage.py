"""One stage of super-resolution: a flow that draws what a picture of twice the side has beyond the doubled small one.

Learned from real pictures and their own halves, with noise on the half (Ho et al. 2022, arXiv:2106.15282, section 3), so
that it forgives the faults of drawn pictures, which are what it is applied to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from synthproof.core.random import stream
from synthproof.core.run import Run
from synthproof.data.image.chain import Pixels
from synthproof.data.image.dataset import ImageSet
from synthproof.data.image.scenes import Scenes
from synthproof.data.image.store import new_store
from synthproof.data.table.dataset import Table
from synthproof.engines.torch_nets.load import device_for, need_torch
from synthproof.engines.torch_nets.picture_training import Schedule
from synthproof.engines.torch_nets.unet import UNet
from synthproof.synthesizers.image.drawing import to_pixels
from synthproof.synthesizers.image.stage_flow import StageFlow

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.intp]
MOST_NOISE = 0.5
"""Standard deviation of the strongest noise on the small picture, in units of half the range of values."""
_LOOKED_AT = 64


def halved(data: ImageSet, times: int = 1) -> ImageSet:
    """Return the same pictures at half the side, `times` over: means of 2 × 2 pixels. One pass, 256 held."""
    if times == 0:
        return data
    k = 1 << times
    chain = replace(data.chain, side=data.chain.side // k)
    store = new_store(data.n_rows, chain)
    for rows in data.batches():
        given = data.pixels(rows).astype(np.float32)
        n, _, _, c = given.shape
        means = given.reshape(n, chain.side, k, chain.side, k, c).mean(axis=(2, 4))
        store[rows] = np.rint(means).astype(chain.dtype)
    if isinstance(data, Scenes):
        return data.at_side(store)
    labels = Table(data.frame, data.labels.schema, origin=data.origin)
    return ImageSet(labels, store, chain, marks=data.marks)


def doubled(pictures: Any) -> Any:
    """Return pictures of twice the side by bilinear interpolation, shape (n, c, 2s, 2s)."""
    return need_torch().nn.functional.interpolate(pictures, scale_factor=2.0, mode="bilinear", align_corners=False)


@dataclass(slots=True)
class SuperStage:
    """A learned stage.

    Parameters
    ----------
    flow
        The network, with the doubled small picture beside it.
    side
        Of the pictures it makes, pixels.
    noise
        Standard deviation of the noise laid on small pictures when it is applied.
    scale
        Standard deviation of real pictures about their doubled halves: what the flow draws is in its units.
    """

    flow: StageFlow
    side: int
    noise: float
    scale: float

    @classmethod
    def learn(
        cls,
        large: ImageSet,
        condition: FloatArray,
        rows: Callable[[int, int], IntArray],
        net: UNet,
        schedule: Schedule,
        *,
        crop: int,
        noise: float,
        steps: int,
        seed: int,
        run: Run,
    ) -> Self:
        """Learn from real pictures of the side to be made, and their halves.

        Parameters
        ----------
        crop
            Side of the squares that are learned from, cut at random; 0: whole pictures. The network is then walked over
            whole pictures: it holds convolutions alone, which know no side.
        """
        torch = need_torch()
        device, side = device_for(run.device), large.chain.side
        cut = crop if 0 < crop < side else 0
        some = torch.as_tensor(large.values(np.arange(min(_LOOKED_AT, large.n_rows), dtype=np.intp)))
        scale = max(float((some - doubled(torch.nn.functional.avg_pool2d(some, 2))).std()), 1e-3)

        def load(which: IntArray) -> tuple[Any, Any, Any]:
            values = large.values(which)
            if cut:
                values = squares(values, cut, seed, which)
            x = torch.as_tensor(values, device=device)
            beside = doubled(torch.nn.functional.avg_pool2d(x, 2))
            pair = widen(torch.cat([(x - beside) / scale, beside], dim=1))
            return pair[:, : x.shape[1]], torch.as_tensor(condition[which], device=device), pair[:, x.shape[1] :]

        def widen(x: Any) -> Any:
            short = net.side - x.shape[2]
            return torch.nn.functional.pad(x, (0, short, 0, short), mode="replicate") if short > 0 else x

        def disturb(beside: Any, dice: Any) -> tuple[Any, Any]:
            strength = MOST_NOISE * torch.rand((len(beside), 1), generator=dice, device=device)
            grain = torch.randn(beside.shape, generator=dice, device=device)
            return beside + strength[:, :, None, None] * grain, strength / MOST_NOISE

        flow = StageFlow.learn(
            load, rows, net, schedule, steps=steps, seed=seed, purpose=f"superres/{side}", run=run, told=1,
            share=0.0, disturb=disturb,
        )  # fmt: skip
        return cls(flow, side, noise, scale)

    def enlarge(
        self, data: ImageSet, condition: FloatArray, seed: int, run: Run, *, noise: float | None = None
    ) -> Pixels:
        """Return pictures of twice the side, shape (n, side, side, c); picture i depends on picture i, seed and i alone."""
        torch = need_torch()
        strength = self.noise if noise is None else noise
        chain = replace(data.chain, side=data.chain.side * 2)
        out = new_store(data.n_rows, chain)
        each = 16
        multiple = self.flow.net.multiple
        side = -(-chain.side // multiple) * multiple
        for start in range(0, data.n_rows, each):
            run.tick("superres", start, data.n_rows)
            rows = np.arange(start, min(start + each, data.n_rows), dtype=np.intp)
            plain = doubled(torch.as_tensor(data.values(rows))).numpy()
            dice = stream(seed, f"superres/{self.side}/noise", start)
            draws = dice.standard_normal((2, each, *plain.shape[1:]), dtype=np.float32)[:, : len(rows)]
            beside = plain + np.float32(strength) * draws[0]
            told = np.full((len(rows), 1), strength / MOST_NOISE, dtype=np.float32)
            made = self.flow.paint(
                widened(draws[1], side), condition[rows], device=run.device, beside=widened(beside, side), told=told
            )
            out[rows] = to_pixels(plain + np.float32(self.scale) * made[:, :, : chain.side, : chain.side], chain)
        return out

    def get_state(self) -> dict[str, Any]:
        """Return plain values."""
        return {"flow": self.flow.get_state(), "side": self.side, "noise": self.noise, "scale": self.scale}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Take back what `get_state` returned."""
        return cls(
            StageFlow.from_state(state["flow"]), int(state["side"]), float(state["noise"]), float(state["scale"])
        )


def widened(values: FloatArray, side: int) -> FloatArray:
    """Return pictures widened to a side by repeating their last row and column."""
    short = side - values.shape[2]
    return np.pad(values, ((0, 0), (0, 0), (0, short), (0, short)), mode="edge") if short else values


def squares(values: FloatArray, cut: int, seed: int, which: IntArray) -> FloatArray:
    """Return a square of each picture; where depends on the pictures of the batch and the seed."""
    dice = stream(seed, "superres/cut", int(which.sum()) * 1_000_003 + len(which))
    # even corners, so that the halves fall on the same 2 × 2 pixels as those of whole pictures
    at = 2 * dice.integers(0, (values.shape[2] - cut) // 2 + 1, (len(values), 2))
    return np.stack([v[:, y : y + cut, x : x + cut] for v, (y, x) in zip(values, at.tolist(), strict=True)])


def likeness(found: Pixels, wanted: Pixels, top: int) -> tuple[float, float]:
    """Return the mean PSNR (decibels) and SSIM (windows of 7 × 7; Wang et al. 2004) of pairs of pictures."""
    from scipy.ndimage import uniform_filter

    a, b = (np.asarray(x, dtype=np.float64) / top for x in (found, wanted))
    error = np.maximum(((a - b) ** 2).mean(axis=(1, 2, 3)), 1e-10)
    size = (1, min(7, a.shape[1]), min(7, a.shape[2]), 1)

    def mean(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.asarray(uniform_filter(x, size=size, mode="reflect"))

    ma, mb = mean(a), mean(b)
    va, vb, ab = mean(a * a) - ma**2, mean(b * b) - mb**2, mean(a * b) - ma * mb
    c1, c2 = 0.01**2, 0.03**2
    ssim = (2 * ma * mb + c1) * (2 * ab + c2) / ((ma**2 + mb**2 + c1) * (va + vb + c2))
    return float((-10 * np.log10(error)).mean()), float(ssim.mean())


__all__ = ["MOST_NOISE", "SuperStage", "doubled", "halved", "likeness", "squares", "widened"]
