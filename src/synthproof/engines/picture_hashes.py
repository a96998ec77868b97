"""Pictures that are nearly the same: two 64-bit hashes find candidates, a small copy sifts them, full size decides.

The difference hash says for 8 × 8 neighbouring places which of two is brighter (after Krawetz 2013); the perceptual
hash which of the 64 lowest cosine waves lie above their median (Zauner 2010, "Implementation and Benchmarking of
Perceptual Image Hash Functions"). Two hashes within `WITHIN` bits share at least one of `WITHIN` + 1 bands exactly, so
only pictures with an equal band are compared: no n² for many pictures that differ.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import fft, ndimage

from synthproof.engines.compiled import compiled
from synthproof.engines.scratch import scratch

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.intp]
HashArray = npt.NDArray[np.uint64]

WITHIN = 4
BANDS = (13, 13, 13, 13, 12)
SMALL = 16
SIFT = 0.985
"""Least correlation of the small copies (16 × 16) of two candidates."""
LEAST_CORRELATION, LEAST_SIMILARITY = 0.99, 0.92
"""At full size, after alignment: least correlation and least mean structural similarity of two that are one."""
FLAT = 2.0
"""Standard deviation in grey levels below which a picture shows nothing and is not compared."""


@dataclass(frozen=True, slots=True)
class Prints:
    """What candidates are found by.

    Parameters
    ----------
    difference, perceptual
        Hashes, shape (n,), uint64.
    small
        Copies of 16 × 16, mean zero and length one, shape (n, 256), float32.
    flat
        Pictures that show nothing, shape (n,).
    """

    difference: HashArray
    perceptual: HashArray
    small: FloatArray
    flat: npt.NDArray[np.bool_]

    @staticmethod
    def joined(parts: Iterable[Prints], n: int) -> Prints:
        """Return the prints of all parts, in order, `n` in all; the small copies of many lie on disk."""
        out = Prints(
            np.empty(n, dtype=np.uint64),
            np.empty(n, dtype=np.uint64),
            scratch((n, SMALL * SMALL), np.float32),
            np.empty(n, dtype=np.bool_),
        )
        at = 0
        for part in parts:
            stop = at + len(part.flat)
            for name in ("difference", "perceptual", "small", "flat"):
                getattr(out, name)[at:stop] = getattr(part, name)
            at = stop
        return out


def prints(grey: FloatArray) -> Prints:
    """Return the prints of pictures of one size, shape (n, h, w), grey levels 0 … 255. Cost: 0.1 ms each at 96 px."""
    n = len(grey)
    nine = _shrunk(grey, 8, 9)
    difference = _packed((nine[:, :, 1:] > nine[:, :, :-1]).reshape(n, 64))
    waves = fft.dctn(_shrunk(grey, 32, 32), axes=(1, 2), norm="ortho")[:, :8, :8].reshape(n, 64)
    perceptual = _packed(waves > np.median(waves[:, 1:], axis=1, keepdims=True))
    small = _shrunk(grey, SMALL, SMALL).reshape(n, SMALL * SMALL)
    small = small - small.mean(axis=1, keepdims=True)
    length = np.linalg.norm(small, axis=1, keepdims=True)
    flat = grey.std(axis=(1, 2)) < FLAT
    return Prints(difference, perceptual, (small / np.maximum(length, 1e-6)).astype(np.float32), flat)


def _shrunk(grey: FloatArray, high: int, wide: int) -> FloatArray:
    """Means over a grid of `high` × `wide` parts of equal size, edges shared by their area."""
    return np.asarray(_shares(grey.shape[1], high) @ grey @ _shares(grey.shape[2], wide).T, dtype=np.float32)


def _shares(n: int, parts: int) -> FloatArray:
    """Matrix (parts, n): how much of each of n pixels lies in each part; rows sum to one."""
    edges = np.arange(parts + 1) * n / parts
    pixels = np.arange(n)
    cover = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    return np.asarray(np.clip(cover, 0.0, 1.0) * parts / n, dtype=np.float32)


def _packed(bits: npt.NDArray[np.bool_]) -> HashArray:
    return np.packbits(bits, axis=1).view(">u8").reshape(-1).astype(np.uint64)


def candidates(p: Prints) -> IntArray:
    """Return pairs (i < j) whose hashes lie within `WITHIN` bits and whose small copies are alike, shape (m, 2)."""
    found = []
    usable, small = np.flatnonzero(~p.flat), np.asarray(p.small)
    for own, other, first in ((p.difference, p.perceptual, True), (p.perceptual, p.difference, False)):
        shift = 0
        for band, bits in enumerate(BANDS):
            keys = (own[usable] >> np.uint64(shift)) & np.uint64((1 << bits) - 1)
            order = usable[np.argsort(keys, kind="stable")]
            sorted_keys = np.sort(keys)
            starts = np.flatnonzero(np.r_[True, sorted_keys[1:] != sorted_keys[:-1]]) if len(keys) else np.zeros(0, int)
            ends = np.r_[starts[1:], len(keys)]
            capacity = 1 << 16
            while True:
                out = np.empty((capacity, 2), dtype=np.int64)
                n = _pairs(order, starts, ends, own, other, small, band, first, SIFT, WITHIN, out)
                if n <= capacity:
                    break
                capacity = int(n)
            found.append(out[:n])
            shift += bits
    pairs = np.concatenate(found)
    pairs.sort(axis=1)
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))].astype(np.intp)


@compiled()
def _ones(x: np.uint64) -> int:
    x = x - ((x >> np.uint64(1)) & np.uint64(0x5555555555555555))
    x = (x & np.uint64(0x3333333333333333)) + ((x >> np.uint64(2)) & np.uint64(0x3333333333333333))
    x = (x + (x >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return int((x * np.uint64(0x0101010101010101)) >> np.uint64(56))


@compiled()
def _earlier(x: np.uint64, band: int) -> bool:
    """Whether two hashes that differ by `x` agree in a band before this one: then the pair was looked at there."""
    for b in range(band):  # noqa: SIM110 - compiled: no generators
        if (x >> np.uint64(13 * b)) & np.uint64(0x1FFF) == np.uint64(0):
            return True
    return False


@compiled()
def _pairs(
    order: npt.NDArray[np.int64],
    starts: npt.NDArray[np.int64],
    ends: npt.NDArray[np.int64],
    own: HashArray,
    other: HashArray,
    small: FloatArray,
    band: int,
    first: bool,
    sift: float,
    within: int,
    out: npt.NDArray[np.int64],
) -> int:
    n = 0
    width = small.shape[1]
    for run in range(len(starts)):
        for a in range(starts[run], ends[run]):
            i = order[a]
            for b in range(a + 1, ends[run]):
                j = order[b]
                x = own[i] ^ own[j]
                if _ones(x) > within or _earlier(x, band):
                    continue
                if not first and _ones(other[i] ^ other[j]) <= within:
                    continue
                dot = 0.0
                for k in range(width):
                    dot += small[i, k] * small[j, k]
                if dot >= sift:
                    if n < len(out):
                        out[n, 0] = i
                        out[n, 1] = j
                    n += 1
    return n


def alikeness(a: FloatArray, b: FloatArray, *, reach: int = 2) -> tuple[float, float]:
    """Return correlation and mean structural similarity of two pictures after the best shift and grey scale.

    Parameters
    ----------
    a, b
        Grey pictures of one size, shape (h, w), levels 0 … 255.
    reach
        Largest shift tried in each direction, pixels.

    Notes
    -----
    `b` is shifted, then brought to the brightness and contrast of `a` by least squares. The similarity is that of Wang
    et al. 2004 over 7 × 7 windows, averaged where `a` is not even: an empty border is alike in any two pictures and
    would vouch for digits that differ. Cost: (2 reach + 1)² correlations, 1 ms at 96 px.
    """
    best, shifted = -2.0, (0, 0)
    for y in range(-reach, reach + 1):
        for x in range(-reach, reach + 1):
            u, v = _overlap(a, b, y, x)
            r = _correlation(u, v)
            if r > best + 1e-9:
                best, shifted = r, (y, x)
    u, v = _overlap(a, b, *shifted)
    slope = best * float(u.std()) / max(float(v.std()), 1e-6)
    v = (v - v.mean()) * slope + u.mean()
    return best, _similarity(u, v)


def _overlap(a: FloatArray, b: FloatArray, y: int, x: int) -> tuple[FloatArray, FloatArray]:
    high, wide = a.shape
    u = a[max(0, y) : high + min(0, y), max(0, x) : wide + min(0, x)]
    v = b[max(0, -y) : high + min(0, -y), max(0, -x) : wide + min(0, -x)]
    return u, v


def _correlation(u: FloatArray, v: FloatArray) -> float:
    x, y = (u - u.mean()).ravel().astype(np.float64), (v - v.mean()).ravel().astype(np.float64)
    return float(x @ y / max(np.sqrt((x @ x) * (y @ y)), 1e-12))


def _similarity(u: FloatArray, v: FloatArray) -> float:
    def mean(z: FloatArray) -> FloatArray:
        return np.asarray(ndimage.uniform_filter(z.astype(np.float64), 7), dtype=np.float64)

    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    mu, mv = mean(u), mean(v)
    su, sv, suv = mean(u * u) - mu * mu, mean(v * v) - mv * mv, mean(u * v) - mu * mv
    ssim = ((2 * mu * mv + c1) * (2 * suv + c2)) / ((mu * mu + mv * mv + c1) * (su + sv + c2))
    seen = su > c2
    return float(ssim[seen].mean()) if seen.any() else 1.0


def groups_of(n: int, pairs: IntArray) -> IntArray:
    """Return the smallest row that each of n rows is tied to by pairs, itself when none: shape (n,)."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    _, labels = connected_components(graph, directed=False)
    _, first = np.unique(labels, return_index=True)
    return np.asarray(first[labels], dtype=np.intp)


__all__ = ["Prints", "alikeness", "candidates", "groups_of", "prints"]
