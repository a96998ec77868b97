"""The nearest pictures after alignment: shift, flip, zoom, brightness and contrast are searched over, not forgiven.

A picture is reduced to `SIDE` pixels at most. Of a real picture the middle window is taken; of the picture that is asked
about, every window that the middle of a real one could have moved to. Windows are compared by correlation, which knows
no brightness and no contrast, as ``sqrt(2 - 2 r)``: 0 for a copy, 1.41 for strangers.

Pictures are read where they are needed and a block at a time, so that a search holds 256 bytes of a real picture (its
evened window), however large pictures are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from synthproof.engines.threads import one_blas_thread

FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.intp]

SIDE = 32
MARGIN = 0.11
"""Share of the side that the middle window leaves out at each edge: what a crop to nine tenths may have cut off."""
AXES = 64
"""Leading axes of the evened windows."""
HELD = 1 << 25
"""Bytes of windows that are kept between two passes, 32 MiB; of more pictures they are made again where they are needed."""
_BLOCK = 256
_READ, _AMONG, _EXACT = 512, 4_096, 64
"""Pictures read, compared with, and aligned in full at a time."""


class Shown(Protocol):
    """Pictures that are read where they are needed: positions or a slice → shape (k, c, s, s)."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: IntArray | slice, /) -> Float32Array: ...


Pictures: TypeAlias = Float32Array | Shown


@dataclass(frozen=True, slots=True)
class Move:
    """One alignment: size of the window over its first size, its shift in windows' pixels, mirrored or not."""

    zoom: float
    down: float
    right: float
    mirrored: bool


def _moves(steps: dict[float, tuple[float, ...]]) -> tuple[Move, ...]:
    return tuple(
        Move(zoom, down, right, mirrored)
        for mirrored in (False, True)
        for zoom, shifts in steps.items()
        for down in shifts
        for right in shifts
    )


ALL = _moves(
    {
        1.0: (-2, -1, 0, 1, 2),
        1 / 0.95: (-1.5, -0.5, 0.5, 1.5),
        1 / 0.9: (-1.5, -1, -0.5, 0, 0.5, 1, 1.5),
        0.95: (-1, 0, 1),
    }
)
"""Moves that a candidate is aligned by."""
COARSE = _moves({1.0: (-2, 0, 2), 1 / 0.9: (-1.5, 0, 1.5)})
"""Moves that candidates are looked for by."""


@lru_cache(maxsize=512)
def resampling(n_in: int, n_out: int, first: float, span: float) -> Float32Array:
    """Return the matrix (n_out, n_in) that resamples ``[first, first + span)`` by area; outside counts as its edge."""
    edges = first + span * np.arange(n_out + 1) / n_out
    out = np.zeros((n_out, n_in))
    for i in range(n_out):
        # area of the bar between two edges; a bar that is narrower than a pixel is widened to one (linear interpolation)
        low, high = edges[i], edges[i + 1]
        if high - low < 1.0:
            middle = (low + high) / 2
            low, high = middle - 0.5, middle + 0.5
        for p in range(int(np.floor(low)), int(np.ceil(high))):
            covered = min(high, p + 1) - max(low, p)
            out[i, min(max(p, 0), n_in - 1)] += covered
    return np.asarray(out / out.sum(axis=1, keepdims=True), dtype=np.float32)


def reduced(pictures: Float32Array, side: int = SIDE) -> Float32Array:
    """Return pictures (n, c, s, s) at `side` pixels at most, by area."""
    s = pictures.shape[-1]
    if s <= side:
        return pictures
    m = resampling(s, side, 0.0, float(s))
    return np.asarray(m @ pictures @ m.T, dtype=np.float32)


def _length_one(rows: Float32Array) -> Float32Array:
    """Return rows of length 1; rows of nothing stay zeros."""
    length = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    return np.asarray(rows / np.where(length > 1e-6, length, np.inf)[:, None], dtype=np.float32)


def _unit(windows: Float32Array) -> Float32Array:
    """Return windows (n, d) with mean 0 and length 1; a plain one becomes zeros and is like nothing."""
    flat = windows - windows.mean(axis=1, keepdims=True)
    flat[np.abs(flat).max(axis=1, initial=0.0) < 1e-4] = 0.0
    return _length_one(flat)


def _window(side: int) -> tuple[int, int]:
    margin = max(1, round(MARGIN * side)) if side > 8 else 0
    return margin, side - 2 * margin


def middles(pictures: Float32Array) -> Float32Array:
    """Return the middle windows of reduced pictures, normalised, shape (n, d)."""
    margin, wide = _window(pictures.shape[-1])
    cut = pictures[:, :, margin : margin + wide, margin : margin + wide]
    return _unit(cut.reshape(len(cut), -1).astype(np.float32))


def moved(pictures: Float32Array, move: Move) -> Float32Array:
    """Return the windows of reduced pictures under one move, normalised, shape (n, d)."""
    side = pictures.shape[-1]
    margin, wide = _window(side)
    scale = side / 28.0
    span = wide * move.zoom
    middle = side / 2
    rows = resampling(side, wide, middle + move.down * scale - span / 2, span)
    columns = resampling(side, wide, middle + move.right * scale - span / 2, span)
    given = pictures[:, :, :, ::-1] if move.mirrored else pictures
    cut = rows @ given @ columns.T
    return _unit(cut.reshape(len(cut), -1).astype(np.float32))


class Windows:
    """Middle windows of pictures, normalised: kept when they are few, else made again from the pictures when asked for.

    Parameters
    ----------
    pictures
        Shape (n, c, s, s), or what reads them.
    """

    def __init__(self, pictures: Pictures) -> None:
        self._pictures = pictures
        self._kept: Float32Array | None = None
        self.width = middles(reduced(pictures[np.arange(min(1, len(pictures)), dtype=np.intp)])).shape[1]
        if len(self) * self.width * 4 <= HELD:
            made = list(self.blocks())
            self._kept = np.concatenate(made) if made else np.empty((0, self.width), dtype=np.float32)

    def __len__(self) -> int:
        return len(self._pictures)

    def blocks(self) -> Iterator[Float32Array]:
        """Yield all windows in order, some hundred at a time."""
        for start in range(0, len(self), _READ):
            some = slice(start, min(start + _READ, len(self)))
            yield middles(reduced(self._pictures[some])) if self._kept is None else self._kept[some]

    def __getitem__(self, rows: IntArray) -> Float32Array:
        """Return the windows at some positions, one more axis than `rows` has; each picture is read once."""
        if self._kept is not None:
            return self._kept[rows]
        wanted, at = np.unique(rows, return_inverse=True)
        found = np.empty((len(wanted), self.width), dtype=np.float32)
        for start in range(0, len(wanted), _READ):
            some = slice(start, start + _READ)
            found[some] = middles(reduced(self._pictures[wanted[some]]))
        return found[at.reshape(rows.shape)]


@dataclass(frozen=True, slots=True)
class Reference:
    """Middle windows of pictures, as two embeddings see them.

    Parameters
    ----------
    fine
        Windows as they are, normalised: ``fine[rows]`` has shape (k, d).
    centre, axes
        What makes an evened window of a fine one: its leading axes, each divided by its spread.
    even
        Evened windows, normalised, shape (m, at most `AXES`).
    """

    fine: Windows
    centre: Float32Array
    axes: Float32Array
    even: Float32Array

    def __len__(self) -> int:
        return len(self.even)

    def evened(self, windows: Float32Array) -> Float32Array:
        """Return fine windows as the second embedding sees them."""
        return _length_one(np.asarray((windows - self.centre) @ self.axes, dtype=np.float32))


@dataclass(frozen=True, slots=True)
class Near:
    """The nearest pictures of a reference.

    Parameters
    ----------
    row
        Positions in the reference, nearest first, shape (n, k).
    distance
        After alignment, shape (n, k).
    """

    row: IntArray
    distance: FloatArray


@one_blas_thread()
def reference(pictures: Pictures, *, like: Reference | None = None) -> Reference:
    """Return the windows that others are compared with; at least two pictures. `like`: evened as another reference is.

    Two passes over the pictures, one with `like`; 256 bytes of each are held afterwards.
    """
    windows = Windows(pictures)
    centre, axes = _leading(windows) if like is None else (like.centre, like.axes)
    even = np.empty((len(windows), axes.shape[1]), dtype=np.float32)
    made, start = Reference(windows, centre, axes, even), 0
    for block in windows.blocks():
        even[start : start + len(block)] = made.evened(block)
        start += len(block)
    return made


def _leading(windows: Windows) -> tuple[Float32Array, Float32Array]:
    """Return the centre of windows and their leading axes, each over its spread; one pass, d² numbers held."""
    n, d = len(windows), windows.width
    near: Float32Array | None = None
    total, second = np.zeros(d), np.zeros((d, d))
    for block in windows.blocks():
        # taken from the first block's mean, which is near enough to the whole one for nothing to cancel
        near = np.asarray(block.mean(axis=0), dtype=np.float32) if near is None else near
        apart = block - near
        total += apart.sum(axis=0, dtype=np.float64)
        second += apart.T @ apart
    assert near is not None
    shift = total / n
    centre = np.asarray(near + shift, dtype=np.float32)
    variances, vectors = np.linalg.eigh(second / n - np.outer(shift, shift))
    k = min(AXES, len(variances), max(1, n - 1))
    variances, vectors = np.clip(variances[::-1][:k], 1e-12, None), vectors[:, ::-1][:, :k]
    # What neighbours share is divided out, so that a copy stands apart from them; the last axis is noise as much as not.
    return centre, (vectors / np.sqrt(variances + variances[-1])).astype(np.float32)


@one_blas_thread()
def nearest_aligned(
    asked: Pictures,
    among: Reference,
    k: int,
    *,
    tick: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[Near, Near]:
    """Return each picture's k nearest of a reference after alignment, by the fine and by the evened embedding.

    Parameters
    ----------
    asked
        Pictures, shape (n, c, s, s), or what reads them.
    among
        From `reference`.
    tick
        Told (done, total) after each block.

    Notes
    -----
    2 k candidates by the coarse moves in the evened embedding, then every move by both for these. The evened one sees
    noisy copies among pictures that are all alike (X-rays); the fine one tells crops better. Of equals the first comes
    first. Cost about n · m · 10⁴ operations: 1,000 pictures of 28 px among 2,000 take 4 s on one core. Memory: 16 k bytes
    of each picture that is asked about, and blocks of 256 against 4,096 pictures.
    """
    wide = min(2 * k, len(among))
    k = min(k, len(among))
    rows, found = np.empty((2, len(asked), k), dtype=np.intp), np.empty((2, len(asked), k))
    for start in range(0, len(asked), _BLOCK):
        tick(start, len(asked))
        given = reduced(asked[slice(start, min(start + _BLOCK, len(asked)))])
        candidates = _candidates(given, among, wide)
        for first in range(0, len(given), _EXACT):
            some = slice(first, min(first + _EXACT, len(given)))
            at = slice(start + some.start, start + some.stop)
            for kind, closest in enumerate(_closest(given[some], among, candidates[some])):
                order = np.argsort(-closest, axis=1, kind="stable")[:, :k]
                rows[kind, at] = np.take_along_axis(candidates[some], order, axis=1)
                apart = 2.0 - 2.0 * np.take_along_axis(closest, order, axis=1).astype(np.float64)
                found[kind, at] = np.sqrt(np.clip(apart, 0.0, None))
    tick(len(asked), len(asked))
    return Near(rows[0], found[0]), Near(rows[1], found[1])


def _candidates(given: Float32Array, among: Reference, wide: int) -> IntArray:
    """Return the positions of the likeliest pictures of a reference, by the coarse moves, shape (n, wide), ascending."""
    asked = [among.evened(moved(given, move)) for move in COARSE]
    rows, likeness = np.empty((len(given), 0), dtype=np.intp), np.empty((len(given), 0), dtype=np.float32)
    for start in range(0, len(among), _AMONG):
        them = among.even[start : start + _AMONG].T
        best = np.full((len(given), them.shape[1]), -1.0, dtype=np.float32)
        for windows in asked:
            np.maximum(best, windows @ them, out=best)
        here = np.broadcast_to(np.arange(start, start + them.shape[1], dtype=np.intp), best.shape)
        rows, likeness = np.concatenate([rows, here], axis=1), np.concatenate([likeness, best], axis=1)
        if rows.shape[1] > wide:
            first = np.argpartition(-likeness, wide - 1, axis=1)[:, :wide]
            rows, likeness = np.take_along_axis(rows, first, axis=1), np.take_along_axis(likeness, first, axis=1)
    return np.sort(rows, axis=1)


def _closest(fine: Float32Array, among: Reference, candidates: IntArray) -> tuple[Float32Array, Float32Array]:
    """Return the best correlations over all moves by both embeddings, each of shape (n, candidates)."""
    them = [np.ascontiguousarray(w[candidates].transpose(0, 2, 1)) for w in (among.fine, among.even)]
    first, second = (np.full(candidates.shape, -1.0, dtype=np.float32) for _ in range(2))
    for move in ALL:
        given = moved(fine, move)
        np.maximum(first, np.matmul(given[:, None, :], them[0])[:, 0, :], out=first)
        np.maximum(second, np.matmul(among.evened(given)[:, None, :], them[1])[:, 0, :], out=second)
    return first, second


__all__ = ["ALL", "COARSE", "MARGIN", "SIDE", "Move", "Near", "Pictures", "Reference", "Shown", "Windows", "middles"]
__all__ += ["moved", "nearest_aligned", "reduced", "reference", "resampling"]
