"""A small detector of parts: a map of centres a class, and the box at every centre; the same for whatever it learns from.

No anchors: a part is the peak of its class's map (Zhou et al. 2019, CenterNet, arXiv:1904.07850); maps are ellipses of
the boxes' shape and boxes are learned at every pixel of them, weighted (Liu et al. 2020, TTFNet, arXiv:1909.00700),
which needs a tenth of the steps. It is a measuring rod: it ranks data, it wins no contest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from synthproof.core.random import derive, stream
from synthproof.core.run import Run
from synthproof.engines.torch_nets.convs import conv, convolved, group_normed, norm
from synthproof.engines.torch_nets.load import device_for, need_torch, one_torch_thread
from synthproof.engines.torch_nets.nets import Arrays, Float32Array, Weights, to_arrays, to_device

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

WIDTHS = (16, 32, 48, 64)
"""Channels of the grids; each has half the side of the one before."""
GRID = 32
"""Cells a side that parts are looked for in, at most (pictures of 128 px: one cell is 4 px)."""
MOST_FOUND = 100
"""Boxes a picture at most, as COCO counts them."""
LEAST_INSIDE = 0.25
"""Share of a box that zoom and shift must leave inside for the box to stay."""
_REACH, _CORE, _SAME, _BATCH = 0.54, 0.3, 0.6, 32


@dataclass(frozen=True, slots=True)
class Boxed:
    """Pictures with boxes, as the detector takes them.

    Parameters
    ----------
    pictures
        Shape (n, c, s, s) in [-1, 1].
    corners
        Boxes in pixels, shape (n, m, 4): xmin, ymin, xmax, ymax; zeros where a picture has fewer than m.
    classes
        Shape (n, m); -1 where there is no box.
    """

    pictures: Float32Array
    corners: Float32Array
    classes: IntArray


@dataclass(frozen=True, slots=True)
class Found:
    """Boxes that were found in one picture, surest first: corners (k, 4), classes (k,), scores (k,) in [0, 1]."""

    corners: FloatArray
    classes: IntArray
    scores: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorPlan:
    """How a detector learns.

    Parameters
    ----------
    steps
        Optimiser steps: the same for every set of scenes that is compared.
    batch
        Pictures a step.
    rate
        Peak step size of AdamW; it warms up for a tenth of the steps and falls along a cosine.
    zoom, shift
        Pictures are enlarged or shrunk by up to this share, and moved by up to this share of the side, while learning.
        Nothing is mirrored: a mirrored part may be one of another class.
    """

    steps: int = 400
    batch: int = 16
    rate: float = 3e-3
    zoom: float = 0.2
    shift: float = 0.1


@dataclass(frozen=True, slots=True)
class Detector:
    """A trained detector: weights by name, how many classes it knows, the side of the pictures it looks at."""

    arrays: Arrays
    n_classes: int
    side: int

    def look(self, pictures: Float32Array, *, run: Run) -> list[Found]:
        """Return what is found in pictures of shape (n, c, s, s)."""
        torch, out = need_torch(), []
        with one_torch_thread(), torch.no_grad():
            device = device_for(run.device)
            weights = to_device(self.arrays, device)
            for start in range(0, len(pictures), _BATCH):
                run.tick("detector/looking", start, len(pictures))
                heat, reach = _maps(weights, torch.as_tensor(pictures[start : start + _BATCH], device=device))
                out += _read(heat.sigmoid(), _boxes(reach, self.side))
        return out


def train_detector(data: Boxed, n_classes: int, plan: DetectorPlan, *, seed: int, run: Run) -> Detector:
    """Return a detector of the parts, trained by AdamW for a set number of steps.

    Raises
    ------
    Cancelled
        The run was cancelled; it is ticked at every step.

    Notes
    -----
    Pictures of 128 px: 0.085 s a step of 16 on one core. The same seed gives the same first weights, order and movements
    whatever it learns from.
    """
    torch, side = need_torch(), data.pictures.shape[-1]
    arrays = _first_weights(data.pictures.shape[1], n_classes, side, seed)
    with one_torch_thread():
        device = device_for(run.device)
        weights = to_device(arrays, device, learn=True)
        values = list(weights.values())
        adam = torch.optim.AdamW(values, lr=plan.rate, weight_decay=1e-3, fused=False, foreach=True)
        for step in range(plan.steps):
            run.tick("detector", step, plan.steps)
            dice = stream(seed, "detector/batch", step)
            rows = dice.integers(0, len(data.pictures), plan.batch)
            x, corners, classes = _moved(data, rows, plan, dice, device)
            heat, reach = _maps(weights, x)
            loss = _loss(heat, _boxes(reach, side), corners, classes, side)
            adam.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(values, 10.0)
            for group in adam.param_groups:
                group["lr"] = plan.rate * _pace(step, plan.steps)
            adam.step()
        run.tick("detector", plan.steps, plan.steps)
        return Detector(to_arrays(weights), n_classes, side)


def _pace(step: int, steps: int) -> float:
    warm = max(1, steps // 10)
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + float(np.cos(np.pi * (step - warm) / max(1, steps - warm))))


def _moved(
    data: Boxed, rows: IntArray, plan: DetectorPlan, dice: np.random.Generator, device: Any
) -> tuple[Any, Any, Any]:
    """Return a batch, each picture zoomed and shifted with its boxes; edges are repeated."""
    torch, side = need_torch(), data.pictures.shape[-1]
    zoom = np.exp(dice.uniform(-plan.zoom, plan.zoom, len(rows)))
    shift = dice.uniform(-plan.shift, plan.shift, (len(rows), 2)) * side
    # where a pixel of the new picture lies in the old one, in [-1, 1]
    matrix = np.zeros((len(rows), 2, 3), dtype=np.float32)
    matrix[:, 0, 0] = matrix[:, 1, 1] = 1 / zoom
    matrix[:, :, 2] = -2 * shift / side / zoom[:, None]
    f = torch.nn.functional
    x = torch.as_tensor(data.pictures[rows], device=device)
    grid = f.affine_grid(torch.as_tensor(matrix, device=device), list(x.shape), align_corners=False)
    x = f.grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=False)
    centre = side / 2
    moved = (data.corners[rows] - centre) * zoom[:, None, None] + centre + np.tile(shift, 2)[:, None]
    cut = np.clip(moved, 0, side)
    inside = np.prod(cut[..., 2:] - cut[..., :2], axis=-1) >= LEAST_INSIDE * np.prod(
        np.maximum(moved[..., 2:] - moved[..., :2], 1e-6), axis=-1
    )
    classes = np.where(inside, data.classes[rows], -1)
    return x, torch.as_tensor(cut.astype(np.float32), device=device), torch.as_tensor(classes, device=device)


# network -------------------------------------------------------------------------------------------------


def _stem_stride(side: int) -> int:
    return 2 if side > 2 * GRID else 1


def _first_weights(channels: int, n_classes: int, side: int, seed: int) -> Arrays:
    out: Arrays = {}
    own = derive(seed, "detector/weights")
    n_in = channels
    for i, n in enumerate(WIDTHS):
        conv(out, f"down.{i}", n_in, n, 3, own)
        norm(out, f"down.{i}.norm", n, 0, own)
        if i:
            conv(out, f"same.{i}", n, n, 3, own)
            norm(out, f"same.{i}.norm", n, 0, own)
        n_in = n
    for i in range(len(WIDTHS) - 1, 1, -1):
        conv(out, f"up.{i}", WIDTHS[i], WIDTHS[i - 1], 1, own)
        conv(out, f"join.{i}", WIDTHS[i - 1], WIDTHS[i - 1], 3, own)
        norm(out, f"join.{i}.norm", WIDTHS[i - 1], 0, own)
    conv(out, "head", WIDTHS[1], WIDTHS[2], 3, own)
    norm(out, "head.norm", WIDTHS[2], 0, own)
    conv(out, "heat", WIDTHS[2], n_classes, 1, own, gain=0.1)
    conv(out, "reach", WIDTHS[2], 4, 1, own, gain=0.1)
    out["heat.b"][:] = -2.19  # a tenth of a chance everywhere: else the empty ground drowns the first steps
    out["reach.b"][:] = np.log(side / 12)  # half of a part a sixth of the picture wide
    return out


def _maps(weights: Weights, x: Any) -> tuple[Any, Any]:
    """Return the maps of centres, before the sigmoid, and the reach of boxes to the left, top, right, bottom (logs)."""
    f = need_torch().nn.functional
    seen = []
    for i in range(len(WIDTHS)):
        stride = _stem_stride(x.shape[-1]) if i == 0 else 2
        x = f.silu(group_normed(weights, f"down.{i}.norm", convolved(weights, f"down.{i}", x, stride=stride)))
        if i:
            x = x + f.silu(group_normed(weights, f"same.{i}.norm", convolved(weights, f"same.{i}", x)))
        seen.append(x)
    for i in range(len(WIDTHS) - 1, 1, -1):
        finer = seen[i - 1]
        x = finer + f.interpolate(convolved(weights, f"up.{i}", x), size=finer.shape[-2:], mode="nearest")
        x = f.silu(group_normed(weights, f"join.{i}.norm", convolved(weights, f"join.{i}", x)))
    x = f.silu(group_normed(weights, "head.norm", convolved(weights, "head", x)))
    return convolved(weights, "heat", x), convolved(weights, "reach", x)


def _boxes(reach: Any, side: int) -> Any:
    """Return the box that every cell proposes, shape (n, 4, h, w), in pixels."""
    torch = need_torch()
    x, y = _centres(reach.shape[-1], side, reach.device)
    at = torch.stack([x.expand(len(y), -1), y[:, None].expand(-1, len(x))])
    away = reach.clamp(-6, 8).exp()
    return torch.cat([at - away[:, :2], at + away[:, 2:]], dim=1)


def _centres(cells: int, side: int, device: Any) -> tuple[Any, Any]:
    at = (need_torch().arange(cells, device=device) + 0.5) * (side / cells)
    return at, at


# loss ----------------------------------------------------------------------------------------------------


def _loss(heat: Any, boxes: Any, corners: Any, classes: Any, side: int) -> Any:
    """Return the focal loss of the maps and, weighted 5, that of the boxes (generalised intersection over union)."""
    torch = need_torch()
    cells, there = heat.shape[-1], classes >= 0
    light = _ellipses(corners, there, cells, side)
    of_class = [
        (light * (classes == c)[:, :, None, None]).amax(dim=1) if light.shape[1] else torch.zeros_like(heat[:, c])
        for c in range(heat.shape[1])
    ]
    wanted = torch.stack(of_class, dim=1)
    p = heat.sigmoid().clamp(1e-4, 1 - 1e-4)
    centre = wanted > 1 - 1e-4
    n = there.sum().clamp(min=1)
    near = -(((1 - p) ** 2) * p.log())[centre].sum()
    far = -((1 - wanted) ** 4 * p**2 * (1 - p).log())[~centre].sum()
    if not light.shape[1] or not there.any():
        return (near + far) / n
    core = torch.where(light > _CORE, light, torch.zeros_like(light))
    core = core / core.sum(dim=(2, 3), keepdim=True).clamp(min=1e-6)
    most, whose = light.max(dim=1)
    weight = core.gather(1, whose[:, None])[:, 0] * (most > _CORE)
    target = corners[torch.arange(len(corners), device=corners.device)[:, None, None], whose].permute(0, 3, 1, 2)
    return (near + far) / n + 5 * ((1 - _overlap(boxes, target)) * weight).sum() / weight.sum().clamp(min=1e-6)


def _ellipses(corners: Any, there: Any, cells: int, side: int) -> Any:
    """Return a soft ellipse a box, 1 in the cell of its centre: shape (n, m, cells, cells)."""
    torch = need_torch()
    scale = cells / side
    middle = ((corners[..., :2] + corners[..., 2:]) / 2 * scale).floor().clamp(0, cells - 1)
    spread = ((corners[..., 2:] - corners[..., :2]) * scale * _REACH + 1) / 6
    at = torch.arange(cells, device=corners.device)
    x = ((at - middle[..., 0, None]) / spread[..., 0, None]) ** 2
    y = ((at - middle[..., 1, None]) / spread[..., 1, None]) ** 2
    return torch.exp(-0.5 * (x[..., None, :] + y[..., :, None])) * there[..., None, None]


def _overlap(a: Any, b: Any) -> Any:
    """Return the generalised intersection over union (Rezatofighi et al. 2019), boxes along axis 1."""
    torch = need_torch()
    both = (torch.minimum(a[:, 2:], b[:, 2:]) - torch.maximum(a[:, :2], b[:, :2])).clamp(min=0).prod(dim=1)
    hull = (torch.maximum(a[:, 2:], b[:, 2:]) - torch.minimum(a[:, :2], b[:, :2])).clamp(min=1e-6).prod(dim=1)
    either = (a[:, 2:] - a[:, :2]).prod(dim=1) + (b[:, 2:] - b[:, :2]).prod(dim=1) - both
    return both / either.clamp(min=1e-6) - (hull - either) / hull


# reading -------------------------------------------------------------------------------------------------


def _read(heat: Any, boxes: Any) -> list[Found]:
    """Return the peaks of the maps with their boxes; of boxes of one class that lie on each other the surest stays."""
    torch = need_torch()
    n, c, cells, _ = heat.shape
    side = cells * cells
    peak = heat * (torch.nn.functional.max_pool2d(heat, 3, stride=1, padding=1) == heat)
    scores, at = peak.flatten(1).topk(min(MOST_FOUND, c * side), dim=1)
    flat = boxes.flatten(2).permute(0, 2, 1)
    out = []
    for k in range(n):
        s, i = scores[k].cpu().numpy().astype(np.float64), at[k].cpu().numpy().astype(np.intp)
        corners = flat[k].cpu().numpy().astype(np.float64)[i % side]
        classes = i // side
        kept = np.flatnonzero(s > 0.0)
        kept = kept[_unlike(corners[kept], classes[kept])]
        out.append(Found(corners[kept], classes[kept], s[kept]))
    return out


def _unlike(corners: FloatArray, classes: IntArray) -> IntArray:
    """Return which boxes stay: those that no surer box of their class covers by `_SAME` (intersection over union)."""
    low = np.maximum(corners[:, None, :2], corners[None, :, :2])
    high = np.minimum(corners[:, None, 2:], corners[None, :, 2:])
    both = np.prod(np.maximum(high - low, 0), axis=2)
    area = np.prod(corners[:, 2:] - corners[:, :2], axis=1)
    alike = both / np.maximum(area[:, None] + area[None] - both, 1e-9) * (classes[:, None] == classes[None])
    stays = np.ones(len(corners), dtype=bool)
    for i in range(len(corners)):
        if stays[i]:
            stays[i + 1 :] &= alike[i, i + 1 :] < _SAME
    return np.flatnonzero(stays).astype(np.intp)


__all__ = ["GRID", "MOST_FOUND", "Boxed", "Detector", "DetectorPlan", "Found", "train_detector"]
