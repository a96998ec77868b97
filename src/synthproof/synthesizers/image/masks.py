"""Masks of pictures: which class each pixel belongs to, taken from real pictures to learn from, and drawn anew.

A mask is the outline of somebody's organ: a real one may stand beside the picture while learning, but pictures are drawn
from drawn masks alone, and a drawn mask that is a real one is drawn again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from synthproof.core.errors import DataError
from synthproof.core.random import stream
from synthproof.core.run import Run
from synthproof.data.image.dataset import ImageSet
from synthproof.data.image.scenes import Scenes
from synthproof.engines.scratch import scratch
from synthproof.engines.torch_nets.load import device_for, need_torch
from synthproof.engines.torch_nets.picture_training import Schedule
from synthproof.engines.torch_nets.unet import UNet
from synthproof.synthesizers.image.stage_flow import StageFlow

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.intp]
MapArray = npt.NDArray[np.uint8]
FINEST = 32
"""Side up to which masks are drawn; larger ones are drawn at it and smoothed up."""
BRIGHT = ("dark", "bright")
"""Classes of masks where nobody drew boxes."""
_TRIES = 8
_TELLING = 16
"""Pixels of foreground from which a mask can be somebody's."""
_BINS = 64


def maps_of(data: ImageSet) -> tuple[MapArray, tuple[str, ...]]:
    """Return the class of every pixel, shape (n_rows, side, side), and the classes' names, background first.

    Of scenes from their masks or boxes; of other pictures two classes, told apart by brightness: the threshold of Otsu
    (1979) for each picture, on its mean over channels.
    """
    if isinstance(data, Scenes):
        out = _no_maps(data)
        for i in range(data.n_rows):
            out[i] = data.class_map(i)
        return out, ("background", *data.part_classes)
    return bright_maps(data), BRIGHT


def bright_maps(data: ImageSet) -> MapArray:
    """Return whether every pixel is bright, by each picture's own threshold, shape (n_rows, side, side)."""
    out = _no_maps(data)
    for rows in data.batches():
        grey = data.pixels(rows).astype(np.float64).mean(axis=3) / data.chain.top
        for k, picture in enumerate(grey):
            out[rows.start + k] = picture > _otsu(picture)
    return out


def _no_maps(data: ImageSet) -> MapArray:
    side = data.chain.side
    # a third of the pictures or more: never held when they are many
    found: MapArray = scratch((data.n_rows, side, side), np.uint8)
    return found


def _otsu(picture: npt.NDArray[np.float64]) -> float:
    counts, edges = np.histogram(picture, bins=_BINS, range=(0.0, 1.0))
    middle = (edges[1:] + edges[:-1]) / 2
    below, mass = np.cumsum(counts), np.cumsum(counts * middle)
    above = below[-1] - below
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (mass / below - (mass[-1] - mass) / above) ** 2
    return float(edges[1 + int(np.nanargmax(np.where(np.isfinite(between), between, -1.0)))])


def one_hot(maps: MapArray, classes: int) -> FloatArray:
    """Return maps as one channel a class, -1 or 1, shape (n, classes, side, side)."""
    return np.where(maps[:, None] == np.arange(classes)[None, :, None, None], 1.0, -1.0).astype(np.float32)


@dataclass(slots=True)
class MaskLaw:
    """How masks are drawn: a flow over one channel a class, at `FINEST` px or less.

    Parameters
    ----------
    flow
        The network.
    classes
        Number of classes, background included.
    side
        Of the masks it returns.
    fine
        Side at which they are drawn.
    real
        Digests of the real masks at that side.
    """

    flow: StageFlow
    classes: int
    side: int
    fine: int
    real: frozenset[str]

    @classmethod
    def learn(
        cls,
        maps: MapArray,
        condition: FloatArray,
        rows: Callable[[int, int], IntArray],
        schedule: Callable[[UNet], Schedule],
        *,
        classes: int,
        width: int,
        steps: int,
        seed: int,
        run: Run,
    ) -> Self:
        """Learn from real masks, shape (n, side, side), under the labels of their pictures."""
        torch = need_torch()
        device, side = device_for(run.device), maps.shape[1]
        fine = min(side, FINEST)
        coarse = _resized(maps, classes, fine)
        net = UNet(
            side=-(-fine // 4) * 4, channels=classes, unshuffle=2, base=width or 32, mult=(1, 2),
            condition=condition.shape[1],
        )  # fmt: skip

        def load(which: IntArray) -> tuple[Any, Any, Any]:
            x = _even(one_hot(coarse[which], classes), net.side)
            return torch.as_tensor(x, device=device), torch.as_tensor(condition[which], device=device), None

        flow = StageFlow.learn(
            load, rows, net, schedule(net), steps=steps, seed=seed, purpose="masks", run=run, share=0.5
        )
        return cls(flow, classes, side, fine, frozenset(_digest(m) for m in coarse))

    def draw(self, condition: FloatArray, seed: int, first: int, run: Run) -> MapArray:
        """Return masks, shape (n, side, side); `first` numbers the first of them.

        Raises
        ------
        DataError
            ``image/mask-repeats``.
        """
        net = self.flow.net
        shape = (len(condition), self.classes, net.side, net.side)
        out = np.zeros((len(condition), self.fine, self.fine), dtype=np.uint8)
        values = np.zeros((len(condition), self.classes, self.fine, self.fine), dtype=np.float32)
        left = np.arange(len(condition))
        for k in range(_TRIES):
            noise = stream(seed, f"masks/{k}", first).standard_normal(shape, dtype=np.float32)
            made = self.flow.paint(noise, condition, device=run.device)[:, :, : self.fine, : self.fine]
            values[left], out[left] = made[left], made[left].argmax(axis=1)
            left = np.array([i for i in left.tolist() if self._is_real(out[i])], dtype=np.intp)
            if len(left) == 0:
                return _grown(values, self.side)
        raise DataError("image/mask-repeats", where="masks", n=_TRIES)

    def _is_real(self, mask: MapArray) -> bool:
        return int(np.count_nonzero(mask)) >= _TELLING and _digest(mask) in self.real

    def get_state(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "flow": self.flow.get_state(), "classes": self.classes, "side": self.side, "fine": self.fine,
            "real": sorted(self.real),
        }  # fmt: skip

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Take back what `get_state` returned."""
        flow = StageFlow.from_state(state["flow"])
        return cls(flow, int(state["classes"]), int(state["side"]), int(state["fine"]), frozenset(state["real"]))


def _digest(mask: MapArray) -> str:
    return hashlib.sha256(np.ascontiguousarray(mask).tobytes()).hexdigest()[:32]


def _resized(maps: MapArray, classes: int, side: int) -> MapArray:
    """Return maps at another side: the class with the largest share of each pixel."""
    if maps.shape[1] == side:
        return maps
    torch = need_torch()
    out = np.zeros((len(maps), side, side), dtype=np.uint8)
    for at in range(0, len(maps), 64):
        some = torch.as_tensor(one_hot(maps[at : at + 64], classes))
        out[at : at + 64] = torch.nn.functional.interpolate(some, size=(side, side), mode="area").argmax(1).numpy()
    return out


def _grown(values: FloatArray, side: int) -> MapArray:
    if values.shape[2] == side:
        return np.asarray(values.argmax(axis=1), dtype=np.uint8)
    torch = need_torch()
    grown = torch.nn.functional.interpolate(
        torch.as_tensor(values), size=(side, side), mode="bilinear", align_corners=False
    )
    return np.asarray(grown.argmax(1).numpy(), dtype=np.uint8)


def _even(values: FloatArray, side: int) -> FloatArray:
    short = side - values.shape[2]
    return np.pad(values, ((0, 0), (0, 0), (0, short), (0, short)), mode="edge") if short else values


__all__ = ["BRIGHT", "FINEST", "MaskLaw", "bright_maps", "maps_of", "one_hot"]
