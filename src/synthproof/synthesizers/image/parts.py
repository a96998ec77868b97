"""Parts of scenes: filled in where they were, pasted where they shall be; `data.image.parts` cuts them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from synthproof.data.image.chain import Chain
from synthproof.data.image.dataset import ImageSet
from synthproof.data.image.parts import MARGIN, SIDES, SOFT, cut, part_side, resized, widened
from synthproof.data.image.scenes import Scenes, ellipse
from synthproof.data.image.store import new_store
from synthproof.synthesizers.image.super_stage import halved

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
SMOOTH = 8
"""Least side at which backgrounds are learned, pixels."""


def emptied(data: Scenes) -> ImageSet:
    """Return the scenes with every part filled in from around it, coarser and coarser where parts hide much."""
    store = new_store(data.n_rows, data.chain)
    for i in range(data.n_rows):
        corners, _ = data.boxes_of(i)
        known = np.ones((data.chain.side, data.chain.side))
        for x0, y0, x1, y1 in widened(corners):
            known[max(0, int(y0)) : int(np.ceil(y1)), max(0, int(x0)) : int(np.ceil(x1))] = 0.0
        picture = data.pixels(np.array([i], dtype=np.intp))[0].astype(np.float64)
        filled = _filled(picture, known)
        store[i] = np.clip(np.rint(filled), 0, data.chain.top).astype(data.chain.dtype)
    return ImageSet(data.labels, store, data.chain)


def _filled(picture: FloatArray, known: FloatArray) -> FloatArray:
    """Return a picture whose unknown pixels are means of known ones nearby: pull up a pyramid, push down again."""
    high, wide = known.shape
    if known.all():
        return picture
    if not known.any() or min(high, wide) == 1:
        mean = (picture * known[..., None]).sum((0, 1)) / known.sum() if known.any() else picture.mean((0, 1))
        return np.where(known[..., None] > 0, picture, mean)
    even_h, even_w = high + high % 2, wide + wide % 2
    p = np.pad(picture * known[..., None], ((0, even_h - high), (0, even_w - wide), (0, 0)))
    k = np.pad(known, ((0, even_h - high), (0, even_w - wide)))
    small_k = k.reshape(even_h // 2, 2, even_w // 2, 2).sum((1, 3))
    small = p.reshape(even_h // 2, 2, even_w // 2, 2, -1).sum((1, 3)) / np.maximum(small_k, 1e-9)[..., None]
    coarse = _filled(small, (small_k > 0).astype(np.float64))
    grown = coarse.repeat(2, axis=0).repeat(2, axis=1)[:high, :wide]
    padded = np.pad(grown, ((1, 1), (1, 1), (0, 0)), mode="edge")
    smooth = sum(padded[i : i + high, j : j + wide] for i in range(3) for j in range(3)) / 9
    return np.where(known[..., None] > 0, picture, smooth)


def paste(
    ground: FloatArray, drawn: npt.NDArray[Any], corners: FloatArray, chain: Chain
) -> tuple[FloatArray, npt.NDArray[np.uint16], FloatArray]:
    """Return a scene of parts over a background.

    Parameters
    ----------
    ground
        Shape (side, side, c), pixel values.
    drawn
        Part pictures, shape (k, s, s, c).
    corners
        Their boxes, shape (k, 4), in pixels; later ones lie on top.

    Returns
    -------
    scene : ndarray, shape (side, side, c)
    mask : ndarray, shape (side, side)
        0, or 1 + the number of the part on top.
    seam : ndarray, shape (side, side)
        0 to 1: where parts and background meet.
    """
    side = chain.side
    scene, mask, seam = ground.copy(), np.zeros((side, side), dtype=np.uint16), np.zeros((side, side))
    for j, (box, wide) in enumerate(zip(corners, widened(corners), strict=True)):
        x0, y0 = np.floor(wide[:2]).astype(int)
        x1, y1 = np.maximum(np.ceil(wide[2:]).astype(int), (x0 + 1, y0 + 1))
        part = resized(drawn[j], np.array([0.0, 0.0, *drawn[j].shape[1::-1]]), y1 - y0, x1 - x0, chain)
        top, left, low, right = max(0, y0), max(0, x0), min(side, y1), min(side, x1)
        if top >= low or left >= right:
            continue
        here = np.s_[top:low, left:right]
        soft = ellipse(box, side, soft=SOFT)[here]
        inside = part[top - y0 : low - y0, left - x0 : right - x0]
        scene[here] += soft[..., None] * (inside - scene[here])
        covered = ellipse(box, side)[here] > 0.5
        mask[here][covered] = j + 1
        seam[here] = np.maximum(seam[here] * (1 - (soft >= 1)), 4 * soft * (1 - soft))
    return scene, mask, seam


def smaller(data: ImageSet) -> ImageSet:
    """Return filled-in backgrounds at a quarter of their side: what filling left is smooth, and costs a sixteenth there."""
    times = 0
    while times < 2 and (data.chain.side >> times) % 2 == 0 and data.chain.side >> (times + 1) >= SMOOTH:
        times += 1
    return halved(data, times)


def zone_of(seam: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Return where pictures may change: the seam, and a pixel or two around it."""
    return np.asarray(np.clip(1.5 * gaussian_filter(seam, 0.8), 0, 1), dtype=np.float32)


__all__ = [
    "MARGIN",
    "SIDES",
    "SMOOTH",
    "SOFT",
    "cut",
    "emptied",
    "part_side",
    "paste",
    "resized",
    "smaller",
    "widened",
    "zone_of",
]
