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
STRIDE, PAD = 4, 16
LEAST_SIDE = 64
"""Pictures with a shorter side are not looked at: letters of 10 pixels fill a sixth of them, and smaller ones are no
longer letters."""
_SHAPES: tuple[tuple[int, tuple[int, int]], ...] = ((2, (1, 1)), (2, (1, 1)), (1, (1, 1)), (1, (2, 2)), (1, (1, 3)))
SURE = 0.5
LEAST_SCORE = 12.0
"""Least score of a line of letters: set on X-rays of persons that neither learning nor measuring saw."""


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
    # edges are drawn out, so that the network sees no border: it would take every corner for a place of text
    x = channels(np.pad(grey, PAD, mode="edge"))[0]
    numbers = _numbers()
    for at, (stride, dilation) in enumerate(_SHAPES):
        x = np.maximum(_convolved(x, numbers[f"w{at}"], numbers[f"b{at}"], stride, dilation), 0.0)
    last = len(_SHAPES)
    logit = np.tensordot(numbers[f"w{last}"][0, :, 0, 0], x, axes=1) + numbers[f"b{last}"][0]
    cut, high, wide = PAD // STRIDE, -(-grey.shape[0] // STRIDE), -(-grey.shape[1] // STRIDE)
    logit = logit[cut : cut + high, cut : cut + wide]
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


def find_burned_in(picture: npt.NDArray[Any], *, line: float | None = None, most_side: int = 0) -> tuple[Found, ...]:
    """Return the lines of letters burned into a picture, strongest first.

    Parameters
    ----------
    picture
        Shape (h, w), (h, w, 1) or (h, w, 3), uint8 or uint16.
    line
        Least score; the measured one (`LEAST_SCORE`) when absent.
    most_side
        Larger pictures are halved until they fit; 0: as they are.

    Notes
    -----
    Letters of 10 to 24 pixels are what was measured. Pictures with a side of 256 or more are also looked at in half
    size, and so on while a side of 128 remains, so that larger letters are found too. Not found: single letters (the R
    and L of sides are no identifiers), vertical lines, handwriting, letters of less than about 30 grey levels of
    contrast. False alarms come from large marks on the film and from pixels of pure noise. Pictures with a side below
    `LEAST_SIDE` give nothing: say so rather than call them clean. Cost: 2 ms at 96 px, 40 ms at 512 px, on one core.
    """
    least = LEAST_SCORE if line is None else line
    grey = _grey(picture)
    found: list[Found] = []
    scale = 1
    while most_side and max(grey.shape) > most_side:
        grey, scale = _halved(grey), scale * 2
    while min(grey.shape) >= LEAST_SIDE:
        for box, score in _blocks(probabilities(grey)):
            high, wide = grey.shape
            t, l, b, r = (max(0, box[0]), max(0, box[1]), min(high, box[2]), min(wide, box[3]))
            if score >= least:
                found.append(Found(box=(t * scale, l * scale, b * scale, r * scale), score=round(score, 2)))
        if min(grey.shape) < 256:
            break
        grey, scale = _halved(grey), scale * 2
    return tuple(sorted(_merged(found), key=lambda f: -f.score))


def burned_in_score(picture: npt.NDArray[Any]) -> float:
    """Return the score of the strongest line in a picture, 0.0 where there is none: what a line is drawn through."""
    found = find_burned_in(picture, line=0.0)
    return found[0].score if found else 0.0


def _grey(picture: npt.NDArray[Any]) -> FloatArray:
    values = picture.astype(np.float32)
    if picture.dtype == np.uint16:
        values /= 257.0
    if values.ndim == 3:
        values = values[..., 0] if values.shape[2] == 1 else values @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    return values


def _halved(grey: FloatArray) -> FloatArray:
    high, wide = grey.shape[0] // 2 * 2, grey.shape[1] // 2 * 2
    return np.asarray(grey[:high, :wide].reshape(high // 2, 2, wide // 2, 2).mean(axis=(1, 3)), dtype=np.float32)


def _blocks(shares: FloatArray) -> list[tuple[Box, float]]:
    """Cells of text that touch, or stand one cell apart in a row, as boxes in pixels with their scores."""
    sure = shares > SURE
    joined = ndimage.binary_closing(np.pad(sure, 2), np.ones((1, 3), dtype=bool))[2:-2, 2:-2] | sure
    labels, n = ndimage.label(joined, structure=np.ones((3, 3), dtype=int))
    out = []
    for i, place in enumerate(ndimage.find_objects(labels), start=1):
        inside = (labels[place] == i) & (shares[place] > SURE)
        rows, columns = place
        score = float(shares[place][inside].sum())
        # one cell more on every side: letters reach beyond the cells whose centres they cover
        out.append(
            (
                (
                    (rows.start - 1) * STRIDE,
                    (columns.start - 1) * STRIDE,
                    (rows.stop + 1) * STRIDE,
                    (columns.stop + 1) * STRIDE,
                ),
                score,
            )
        )
    assert len(out) == n
    return out


def _merged(found: list[Found]) -> list[Found]:
    """One line may be seen at two sizes of the picture: of boxes that lie mostly in one another the stronger stays."""
    kept: list[Found] = []
    for f in sorted(found, key=lambda f: -f.score):
        if all(_shared(f.box, k.box) < 0.8 for k in kept):
            kept.append(f)
    return kept


def _shared(a: Box, b: Box) -> float:
    high, wide = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    return max(high, 0) * max(wide, 0) / max((a[2] - a[0]) * (a[3] - a[1]), 1)


__all__ = ["LEAST_SCORE", "LEAST_SIDE", "Found", "burned_in_score", "find_burned_in"]
