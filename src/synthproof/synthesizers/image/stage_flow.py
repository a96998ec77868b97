"""A flow with an open hand: any channels, any picture beside it, any point of the path to begin at.

What `image.flow` is to whole pictures, this is to the stages: super-resolution (a small picture beside it), painting (a
mask beside it), masks themselves (a channel a class), seams (begun half way, held outside the seam).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from synthproof.core.run import Run
from synthproof.engines.torch_nets.flow_path import between, times, walk
from synthproof.engines.torch_nets.jitter import TOLD, jitter
from synthproof.engines.torch_nets.load import device_for, need_torch, one_torch_thread
from synthproof.engines.torch_nets.nets import Arrays
from synthproof.engines.torch_nets.picture_training import Schedule, learn, on_device
from synthproof.engines.torch_nets.unet import UNet, run, start

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.intp]
Load = Callable[[IntArray], tuple[Any, Any, Any]]
"""Rows → pictures (n, c, s, s), condition (n, k), what lies beside (n, e, s, s) or ``None``: tensors on the device."""
Disturb = Callable[[Any, Any], tuple[Any, Any]]
"""(what lies beside, dice) → the same disturbed, and numbers that tell how, shape (n, m)."""
_LEFT_OUT = 0.1
AT_ONCE = 16
"""Pictures painted together, always as many: what a picture becomes must not hang on how many are asked for."""


@dataclass(slots=True)
class StageFlow:
    """A learned network and how it is walked.

    Parameters
    ----------
    net, arrays
        Shape and weights; the network's condition is the given one, the disturbance's numbers, and `TOLD` of jitter.
    steps
        Heun steps of a whole walk.
    told
        Numbers that a disturbance tells.
    learned
        Steps, pictures and seconds of learning.
    """

    net: UNet
    arrays: Arrays
    steps: int
    told: int
    learned: dict[str, Any]

    @classmethod
    def learn(
        cls,
        load: Load,
        rows: Callable[[int, int], IntArray],
        net: UNet,
        schedule: Schedule,
        *,
        steps: int,
        seed: int,
        purpose: str,
        run: Run,
        share: float = 0.15,
        told: int = 0,
        disturb: Disturb | None = None,
        least: float = 0.0,
    ) -> Self:
        """Learn the velocity field.

        Parameters
        ----------
        rows
            (step, size) → positions of a batch.
        net
            Shape, with ``condition`` and ``extra`` of what `load` gives; room for `told` and jitter is made here.
        share
            Share of pictures that are moved a little, together with what lies beside them.
        least
            Earliest time that is learned: a network that only ever goes on from there need know nothing of noisier pictures.
        """
        wide = UNet.from_dict({**net.to_dict(), "condition": net.condition + told + TOLD})
        done = learn(
            start(wide, seed),
            rows,
            load,
            _loss(wide, share, told, disturb, least),
            schedule,
            seed=seed,
            purpose=purpose,
            run=run,
        )
        kept = {"steps": done.steps, "images": done.images, "seconds": round(done.seconds, 2)}
        return cls(wide, done.arrays, steps, told, kept)

    def paint(
        self,
        noise: FloatArray,
        condition: FloatArray,
        *,
        device: str,
        beside: FloatArray | None = None,
        told: FloatArray | None = None,
        source: FloatArray | None = None,
        begin: float = 0.0,
        zone: FloatArray | None = None,
    ) -> FloatArray:
        """Return pictures, shape of `noise`.

        Parameters
        ----------
        noise
            Shape (n, c, s, s); `s` may be another multiple of the network's grid than it was learned at.
        condition
            Shape (n, k).
        beside
            What the network sees beside the picture, shape (n, e, s, s).
        source, begin
            Pictures to re-noise, and the time to begin at: 0.6 keeps 60 % of them, 0 draws anew.
        zone
            Where pictures may change, shape (n, 1, s, s), 0 to 1; elsewhere the source stays.
        """
        torch = need_torch()
        where = device_for(device)
        weights = on_device(self.arrays, where)
        n = len(noise)
        out = np.zeros_like(noise)
        with one_torch_thread(), torch.no_grad():
            for at in range(0, n, AT_ONCE):
                some = slice(at, at + AT_ONCE)
                start, asked, near, given, free = (
                    _filled(a, some, where) for a in (noise, self._wide(condition, told), beside, source, zone)
                )
                made = self._walked(weights, start, asked, near, given, free, begin)
                out[some] = made.float().cpu().numpy()[: min(AT_ONCE, n - at)]
        return out

    def _wide(self, condition: FloatArray, told: FloatArray | None) -> FloatArray:
        n = len(condition)
        more = np.zeros((n, self.told), dtype=np.float32) if told is None else told
        return np.concatenate([condition, more, np.zeros((n, TOLD), dtype=np.float32)], axis=1)

    def _walked(self, weights: Any, noise: Any, condition: Any, beside: Any, source: Any, zone: Any, t0: float) -> Any:
        torch = need_torch()
        kind = noise.device.type

        def velocity(x: Any, t: Any) -> Any:
            with torch.autocast(kind, torch.bfloat16, enabled=kind == "cuda"):
                return run(self.net, weights, x, t, condition, beside).float()

        def hold(x: Any, t: Any) -> Any:
            return zone * x + (1 - zone) * between(source, noise, t.expand(len(x)))

        x = noise if source is None else between(source, noise, torch.full((len(noise),), t0, device=noise.device))
        steps = max(2, round(self.steps * (1 - t0)))
        shift = 2.0 if noise.shape[2] >= 128 else 1.0
        return walk(velocity, x, steps, shift=shift, start=t0, hold=None if zone is None else hold)

    def get_state(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "net": self.net.to_dict(),
            "arrays": self.arrays,
            "steps": self.steps,
            "told": self.told,
            "learned": self.learned,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Take back what `get_state` returned, of a stage or of ``image.flow``."""
        return cls(
            UNet.from_dict(state["net"]),
            dict(state["arrays"]),
            int(state.get("steps", 0)) or 8,
            int(state.get("told", 0)),
            dict(state["learned"]),
        )


def _filled(given: FloatArray | None, some: slice, device: Any) -> Any:
    """Return a part of an array as a tensor of `AT_ONCE` rows."""
    if given is None:
        return None
    part = given[some]
    out = np.zeros((AT_ONCE, *given.shape[1:]), dtype=np.float32)
    out[: len(part)] = part
    return need_torch().as_tensor(out, device=device)


def _loss(net: UNet, share: float, told: int, disturb: Disturb | None, least: float) -> Any:
    torch = need_torch()
    c = net.channels

    def loss(weights: Any, batch: tuple[Any, ...], progress: float, dice: Any) -> Any:
        pictures, condition, beside = batch
        device, n = pictures.device, len(pictures)
        whole = pictures if beside is None else torch.cat([pictures, beside], dim=1)
        whole, moved = jitter(whole, share, False, dice)
        pictures, beside = whole[:, :c], None if beside is None else whole[:, c:]
        how = torch.zeros((n, told), device=device)
        if disturb is not None:
            beside, how = disturb(beside, dice)
        known = torch.rand((n, 1), generator=dice, device=device) >= _LEFT_OUT
        noise = torch.randn(pictures.shape, generator=dice, device=device)
        t = least + (1 - least) * times(n, progress, dice, device)
        wanted = torch.cat([condition * known, how, moved], dim=1)
        found = run(net, weights, between(pictures, noise, t), t, wanted, beside)
        return (found.float() - (pictures - noise)).square().mean()

    return loss


__all__ = ["AT_ONCE", "Disturb", "Load", "StageFlow"]
