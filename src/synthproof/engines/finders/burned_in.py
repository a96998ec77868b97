"""Text burned into pictures: where it stands. A small network of our own, learned on text that we burned in ourselves.

The network says for every fourth pixel whether it lies in a line of letters; it was learned by
``benchmarks/images/learn_burned_in.py`` and measured on other persons, other fonts and other strings by
``benchmarks/images/burned_in.py``. It reads nothing: no letter is recognised, none is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

FloatArray = npt.NDArray[np.float32]
Box = tuple[int, int, int, int]

NUMBERS = Path(__file__).with_name("burned_in.npz")
STRIDE = 4
LEAST_SIDE = 64
"""Pictures with a shorter side are not looked at: letters of 10 pixels fill a sixth of them, and smaller ones are no
longer letters."""
_SHAPES: tuple[tuple[int, tuple[int, int]], ...] = ((2, (1, 1)), (2, (1, 1)), (1, (1, 1)), (1, (2, 2)), (1, (1, 3)))
_LINE, _LEAST_MASS, _HEAVY = 0.5, 6.0, 0.9


@dataclass(frozen=True, slots=True)
class Found:
    """One line or block of letters.

    Parameters
    ----------
    box
        Top, left, bottom, right in pixels, ends exclusive.
    score
        Sum of the network's probabilities over the block, in cells of 4 × 4 pixels: grows with size and certainty.
    """

    box: Box
    score: float


def channels(picture: npt.NDArray[Any]) -> FloatArray:
    """Return what the network sees of grey values 0 … 255: shape (1, 2, h, w), values and local contrast."""
    grey = picture.astype(np.float32)
    near = grey - ndimage.uniform_filter(grey, 15, mode="nearest")
    return np.stack([(grey - 128.0) / 128.0, near / 64.0])[None].astype(np.float32)


def probabilities(grey: npt.NDArray[Any]) -> FloatArray:
    """Return for every fourth pixel the probability that it lies in a line of letters, shape (ceil(h/4), ceil(w/4))."""
    x = channels(grey)[0]
    numbers = _numbers()
    for at, (stride, dilation) in enumerate(_SHAPES):
        x = np.maximum(_convolved(x, numbers[f"w{at}"], numbers[f"b{at}"], stride, dilation), 0.0)
    last = len(_SHAPES)
    logit = np.tensordot(numbers[f"w{last}"][0, :, 0, 0], x, axes=1) + numbers[f"b{last}"][0]
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(logit, -30, 30))), dtype=np.float32)


@cache
def _numbers() -> dict[str, FloatArray]:
    with np.load(NUMBERS, allow_pickle=False) as kept:
        return {name: kept[name].astype(np.float32) for name in kept.files}


def _convolved(x: FloatArray, w: FloatArray, b: FloatArray, stride: int, dilation: tuple[int, int]) -> FloatArray:
    """Sum of shifted products: k × k products of matrices, no copy of the picture for every offset."""
    out_c, in_c, kh, kw = w.shape
    py, px = dilation[0] * (kh // 2), dilation[1] * (kw // 2)
    padded = np.pad(x, ((0, 0), (py, py), (px, px)))
    high, wide = -(-x.shape[1] // stride), -(-x.shape[2] // stride)
    out = np.repeat(b[:, None], high * wide, axis=1)
    for i in range(kh):
        for j in range(kw):
            y, z = i * dilation[0], j * dilation[1]
            part = padded[:, y : y + stride * (high - 1) + 1 : stride, z : z + stride * (wide - 1) + 1 : stride]
            out += w[:, :, i, j] @ part.reshape(in_c, -1)
    return out.reshape(out_c, high, wide)
