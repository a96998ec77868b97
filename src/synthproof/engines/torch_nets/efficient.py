"""A classifier of the EfficientNet family for small pictures: inverted bottlenecks, weighed channels, random depth.

Tan & Le (2019, arXiv:1905.11946; blocks of Sandler et al. 2018, doi:10.1109/CVPR.2018.00474; squeeze-and-excitation of
Hu et al. 2018, doi:10.1109/CVPR.2018.00745; stochastic depth of Huang et al. 2016, doi:10.1007/978-3-319-46493-0_39). B1 is
B0 with every stage 1.1 times as deep, rounded up: 23 blocks. Four things are ours, since pictures here have 28 to 96
pixels a side where B1 expects 240: strides that would leave a last grid under two pixels are left out, the last one first
(28 px loses one, from 33 px on none is lost); taps of a filter that reach beyond the whole grid from everywhere are not
kept; weights start at random, for no other pictures are at hand; and the means and variances that stand while answering
are those of the last quarter of the steps, all alike, since a study's few hundred steps are too few for a slowly
forgetting average.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from synthproof.core.random import stream
from synthproof.core.run import Run
from synthproof.engines.torch_nets.convs import conv
from synthproof.engines.torch_nets.load import device_for, need_torch, one_torch_thread
from synthproof.engines.torch_nets.nets import Arrays, Float32Array, Weights, dense, linear, to_arrays, to_device
from synthproof.engines.torch_nets.vision import ClassifierPlan, pace, picture_loss, shifted

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

STAGES = (
    (16, 1, 3, 1, 1),
    (24, 2, 3, 2, 6),
    (40, 2, 5, 2, 6),
    (80, 3, 3, 2, 6),
    (112, 3, 5, 1, 6),
    (192, 4, 5, 2, 6),
    (320, 1, 3, 1, 6),
)
"""Channels, blocks, kernel, stride and expansion of each stage of B0 (table 1 of the paper)."""
STEM, HEAD = 32, 1280
LEAST_GRID = 2
_SQUEEZED, _DECAY, _BATCH, _LAST = 0.25, 1e-3, 256, 0.25
_EPSILON = 1e-3


@dataclass(frozen=True, slots=True)
class Block:
    """One inverted bottleneck: wider by `expand`, one filter a channel, channels weighed, narrow again."""

    name: str
    n_in: int
    n_out: int
    kernel: int
    stride: int
    expand: int

    @property
    def wide(self) -> int:
        """Channels between the two narrow ends."""
        return self.n_in * self.expand

    @property
    def passes(self) -> bool:
        """Whether what comes in is added to what goes out."""
        return self.stride == 1 and self.n_in == self.n_out


@dataclass(frozen=True, slots=True, kw_only=True)
class EfficientShape:
    """Which network of the family.

    Parameters
    ----------
    channels, side
        Of the pictures.
    n_classes
        Classes that it tells apart.
    width, depth
        Multiples of B0's channels (to whole eights) and blocks (upwards); B1: 1.0 and 1.1.
    drop
        How often the last block's branch, and an input of the last layer, is left out while learning; earlier blocks
        proportionally less often. B1: 0.2.
    """

    channels: int
    side: int
    n_classes: int
    width: float = 1.0
    depth: float = 1.1
    drop: float = 0.2

    @property
    def strides(self) -> tuple[int, ...]:
        """Stride of the stem and of each stage's first block: the last are left out where the grid would be too small."""
        wanted, side, out = (2, *(s for _, _, _, s, _ in STAGES)), self.side, []
        for stride in wanted:
            small = stride == 2 and -(-side // 2) < LEAST_GRID
            out.append(1 if small else stride)
            side = side if small else -(-side // stride)
        return tuple(out)

    def wide(self, channels: int) -> int:
        """Return channels times `width`, a multiple of eight no more than a tenth below."""
        asked = channels * self.width
        found = max(8, int(asked + 4) // 8 * 8)
        return found + 8 if found < 0.9 * asked else found

    def blocks(self) -> Iterator[Block]:
        """Yield every block, first to last."""
        n_in, first, *strides = self.wide(STEM), *self.strides
        grid = -(-self.side // first)
        for i, ((channels, repeats, kernel, _, expand), stride) in enumerate(zip(STAGES, strides, strict=True)):
            n_out = self.wide(channels)
            for k in range(int(np.ceil(repeats * self.depth))):
                step = stride if k == 0 else 1
                yield Block(f"{i}.{k}", n_in, n_out, min(kernel, 2 * grid - 1), step, expand)
                n_in, grid = n_out, -(-grid // step)

    def first_weights(self, seed: int) -> Arrays:
        """Return weights that nothing has changed yet."""
        out: Arrays = {}
        _layer(out, "stem", self.channels, self.wide(STEM), 3, seed)
        last = self.wide(STEM)
        for b in self.blocks():
            if b.expand > 1:
                _layer(out, f"{b.name}.wide", b.n_in, b.wide, 1, seed)
            _layer(out, f"{b.name}.depth", 1, b.wide, b.kernel, seed)
            squeezed = max(1, int(b.n_in * _SQUEEZED))
            dense(out, f"{b.name}.squeeze", b.wide, squeezed, seed)
            dense(out, f"{b.name}.excite", squeezed, b.wide, seed, gain=0.5)
            _layer(out, f"{b.name}.narrow", b.wide, b.n_out, 1, seed)
            last = b.n_out
        wide = max(HEAD, self.wide(HEAD))
        _layer(out, "head", last, wide, 1, seed)
        out["out.w"] = np.zeros((wide, self.n_classes), dtype=np.float32)
        out["out.b"] = np.zeros(self.n_classes, dtype=np.float32)
        return out

    def scores(self, weights: Weights, x: Any, learning: Learning | None = None, *, last: bool = True) -> Any:
        """Return the classes' scores, shape (n, n_classes); without `learning` no picture sees its neighbours.

        `last` lays channels last in memory, behind the first convolution: a picture of one channel lies in both orders at
        once, and torch then takes the slow one. A step takes half the time (`benchmarks/images/learners.py`).
        """
        torch = need_torch()
        f = torch.nn.functional
        x = f.silu(_normed(weights, "stem", x, learning, stride=self.strides[0]))
        x = x.contiguous(memory_format=torch.channels_last if last else torch.contiguous_format)
        blocks = list(self.blocks())
        for i, b in enumerate(blocks):
            y = x
            if b.expand > 1:
                y = f.silu(_normed(weights, f"{b.name}.wide", y, learning))
            y = f.silu(_normed(weights, f"{b.name}.depth", y, learning, stride=b.stride, groups=b.wide))
            squeezed = f.silu(linear(weights, f"{b.name}.squeeze", y.mean(dim=(2, 3))))
            y = y * linear(weights, f"{b.name}.excite", squeezed).sigmoid()[:, :, None, None]
            y = _normed(weights, f"{b.name}.narrow", y, learning)
            if b.passes:
                y = x + (y if learning is None else learning.kept(y, i, self.drop * i / len(blocks)))
            x = y
        x = f.silu(_normed(weights, "head", x, learning)).mean(dim=(2, 3))
        x = x if learning is None else learning.thinned(x, self.drop)
        return linear(weights, "out", x)


@dataclass(frozen=True, slots=True)
class Learning:
    """What is drawn at random in one step, and how much its statistics count among those that stand.

    Parameters
    ----------
    seed, step
        Address of the draws.
    share
        Weight of this batch's means and variances, 0 to 1.
    """

    seed: int
    step: int
    share: float

    def kept(self, branch: Any, block: int, drop: float) -> Any:
        """Return a branch with that of some pictures left out, the others scaled up by as much."""
        draws = stream(self.seed, f"efficient/depth/{block}", self.step).random(len(branch))
        kept = ((draws >= drop) / (1.0 - drop)).astype(np.float32)
        return branch * need_torch().as_tensor(kept, device=branch.device)[:, None, None, None]

    def thinned(self, x: Any, drop: float) -> Any:
        """Return the last layer's inputs with some left out (dropout)."""
        draws = stream(self.seed, "efficient/dropout", self.step).random(x.shape, dtype=np.float32)
        return x * need_torch().as_tensor(((draws >= drop) / (1.0 - drop)).astype(np.float32), device=x.device)


@dataclass(frozen=True, slots=True)
class Efficient:
    """A trained network: its shape and weights by name; `several`: a picture may be of several classes."""

    shape: EfficientShape
    arrays: Arrays
    several: bool = False

    def probabilities(self, pictures: Float32Array, *, run: Run) -> FloatArray:
        """Return the classes' probabilities, shape (n, n_classes)."""
        torch = need_torch()
        out = []
        with one_torch_thread(), torch.no_grad():
            device = device_for(run.device)
            weights = to_device(self.arrays, device)
            for start in range(0, len(pictures), _BATCH):
                run.tick("looking", start, len(pictures))
                x = torch.as_tensor(pictures[start : start + _BATCH], device=device)
                scores = self.shape.scores(weights, x)
                chances = torch.sigmoid(scores) if self.several else torch.softmax(scores, dim=1)
                out.append(chances.cpu().numpy())
        return np.concatenate(out).astype(np.float64) if out else np.empty((0, self.shape.n_classes))


def train_efficient(
    pictures: Float32Array,
    classes: IntArray | FloatArray,
    shape: EfficientShape,
    plan: ClassifierPlan,
    *,
    seed: int,
    run: Run,
    weight: FloatArray | None = None,
    start: Arrays | None = None,
) -> Efficient:
    """Return the network after exactly ``plan.steps`` steps of AdamW.

    Parameters
    ----------
    pictures
        Shape (n, c, s, s) in [-1, 1].
    classes, weight
        As `vision.train_classifier` takes them: one class a picture, or several labels.
    start
        Weights to go on from.

    Raises
    ------
    Cancelled
        The run was cancelled; it is ticked every ten steps.
    """
    torch = need_torch()
    arrays = shape.first_weights(seed) if start is None else start
    counts = None if weight is None else (weight / weight.mean()).astype(np.float32)
    with one_torch_thread():
        device = device_for(run.device)
        weights = to_device(arrays, device)
        learned = {k: w.requires_grad_(True) for k, w in weights.items() if not k.endswith((".mean", ".variance"))}
        decayed = [w for w in learned.values() if w.ndim > 1]
        groups = [
            {"params": decayed, "weight_decay": _DECAY},
            {"params": [w for w in learned.values() if w.ndim == 1], "weight_decay": 0.0},
        ]
        adam = torch.optim.AdamW(groups, lr=plan.rate, foreach=True)
        last = int(plan.steps * (1 - _LAST))
        for step in range(plan.steps):
            if step % 10 == 0:
                run.tick("classifier", step, plan.steps)
            draws = stream(seed, "classifier/batch", step)
            rows = draws.integers(0, len(pictures), plan.batch)
            x = torch.as_tensor(shifted(pictures[rows], plan.shift, draws), device=device)
            learning = Learning(seed, step, 1.0 / max(1, step - last + 1))
            scores = shape.scores(weights, x, learning)
            loss = picture_loss(scores, classes[rows], None if counts is None else counts[rows])
            adam.zero_grad(set_to_none=True)
            loss.backward()
            for group in adam.param_groups:
                group["lr"] = plan.rate * pace(step, plan.steps)
            adam.step()
        run.tick("classifier", plan.steps, plan.steps)
        return Efficient(shape, to_arrays(weights), several=classes.ndim == 2)


def _layer(out: Arrays, name: str, n_in: int, n_out: int, size: int, seed: int) -> None:
    """Add a convolution without constant and the normalisation behind it."""
    conv(out, name, n_in, n_out, size, seed)
    del out[f"{name}.b"]
    out[f"{name}.gain"], out[f"{name}.shift"] = np.ones(n_out, dtype=np.float32), np.zeros(n_out, dtype=np.float32)
    out[f"{name}.mean"], out[f"{name}.variance"] = np.zeros(n_out, dtype=np.float32), np.ones(n_out, dtype=np.float32)


def _normed(weights: Weights, name: str, x: Any, learning: Learning | None, *, stride: int = 1, groups: int = 1) -> Any:
    """Return the normalised convolution of `x`; while learning, the standing statistics are brought on in place."""
    f = need_torch().nn.functional
    w = weights[f"{name}.w"]
    x = f.conv2d(x, w, stride=stride, padding=w.shape[2] // 2, groups=groups)
    stands = weights[f"{name}.mean"], weights[f"{name}.variance"]
    share = 0.0 if learning is None else learning.share
    gain, shift = weights[f"{name}.gain"], weights[f"{name}.shift"]
    return f.batch_norm(x, *stands, gain, shift, training=learning is not None, momentum=share, eps=_EPSILON)


__all__ = ["Block", "Efficient", "EfficientShape", "Learning", "train_efficient"]
