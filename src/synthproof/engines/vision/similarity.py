"""Structural similarity of every picture of one set with every picture of another, as products of matrices.

SSIM is a mean over windows of a ratio of moments; all moments of all pairs at one window position are one matrix
product. So the table of all pairs costs little more than the pictures themselves, and limits can be simulated on it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from synthproof.engines.threads import one_blas_thread
from synthproof.engines.vision.alignment import resampling

FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]

POSITIONS = 8
"""Window positions along each side; Wang et al. slide by one pixel, the mean of so many moves in the third digit."""
WINDOW = 11
SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Wang, Simoncelli & Bovik 2003, of the scales from the finest on."""
_SIGMA = 1.5
_C1 = 0.01**2
_C2 = 0.03**2
_ROWS = 1_024


def _windows(pictures: Float32Array) -> tuple[list[Float32Array], Float32Array]:
    """Return, for every position, the pixels of all pictures times the root of the window's weight, and that root."""
    side = pictures.shape[-1]
    wide = min(WINDOW, side)
    at = np.arange(wide) - (wide - 1) / 2
    bell = np.exp(-(at**2) / (2 * _SIGMA**2))
    weight = np.outer(bell, bell)
    root = np.sqrt(weight / weight.sum() / pictures.shape[1]).astype(np.float32)
    places = np.unique(np.linspace(0, side - wide, min(POSITIONS, side - wide + 1)).round().astype(int))
    return [
        (pictures[:, :, i : i + wide, j : j + wide] * root).reshape(len(pictures), -1) for i in places for j in places
    ], root


def _means(windows: Float32Array, root: Float32Array, channels: int) -> Float32Array:
    return np.asarray(windows @ np.tile(root.ravel(), channels), dtype=np.float32)


@one_blas_thread()
def similarity(a: Float32Array, b: Float32Array) -> tuple[Float32Array, Float32Array]:
    """Return SSIM of every pair, and its part without luminance (contrast × structure), each of shape (len(a), len(b)).

    Parameters
    ----------
    a, b
        Pictures (n, c, s, s) with values in [0, 1]; the channels are taken together.

    Notes
    -----
    Wang et al. 2004, doi:10.1109/TIP.2003.819861, eq. 13: Gaussian windows of 11 pixels (σ 1.5), K = 0.01 and 0.03,
    here at `POSITIONS`² positions. Cost len(a) · len(b) · 64 · 150 operations: 10⁶ pairs in 2 s on one core.
    """
    channels = a.shape[1]
    windows_a, root = _windows(a)
    windows_b, _ = _windows(b)
    whole, structure = (np.zeros((len(a), len(b)), dtype=np.float32) for _ in range(2))
    for x, y in zip(windows_a, windows_b, strict=True):
        mean_x, mean_y = _means(x, root, channels), _means(y, root, channels)
        var_x = np.einsum("ij,ij->i", x, x) - mean_x**2
        var_y = np.einsum("ij,ij->i", y, y) - mean_y**2
        for start in range(0, len(x), _ROWS):
            rows = slice(start, start + _ROWS)
            product = np.outer(mean_x[rows], mean_y)
            part = 2 * (x[rows] @ y.T - product) + _C2
            part /= var_x[rows, None] + var_y[None, :] + _C2
            structure[rows] += part
            part *= 2 * product + _C1
            part /= mean_x[rows, None] ** 2 + mean_y[None, :] ** 2 + _C1
            whole[rows] += part
    whole /= len(windows_a)
    structure /= len(windows_a)
    return whole, structure


def multi_scale_similarity(a: Float32Array, b: Float32Array) -> Float32Array:
    """Return multi-scale SSIM of every pair, shape (len(a), len(b)).

    Notes
    -----
    Wang, Simoncelli & Bovik 2003, doi:10.1109/ACSSC.2003.1292216, eq. 7. A scale is dropped when its side would be below the
    window's 11 pixels, and the remaining weights are brought to sum 1: 28 pixels have two scales of five, 96 have four.
    Negative structure counts as none.
    """
    sides = [a.shape[-1]]
    while len(sides) < len(SCALE_WEIGHTS) and sides[-1] // 2 >= WINDOW:
        sides.append(sides[-1] // 2)
    weights = np.array(SCALE_WEIGHTS[: len(sides)])
    weights = weights / weights.sum()
    out = np.ones((len(a), len(b)), dtype=np.float32)
    for i, weight in enumerate(weights.tolist()):
        whole, structure = similarity(a, b)
        out *= np.clip(whole if i == len(sides) - 1 else structure, 0.0, None) ** np.float32(weight)
        if i + 1 < len(sides):
            m = resampling(sides[i], sides[i + 1], 0.0, float(sides[i]))
            a, b = (np.asarray(m @ x @ m.T, dtype=np.float32) for x in (a, b))
    return out


__all__ = ["POSITIONS", "SCALE_WEIGHTS", "WINDOW", "multi_scale_similarity", "similarity"]
