"""Convolutions, their normalisations and the tricks of adversarial training, as plain functions of weights.

What the picture generators of the literature are built from (see `synthesizers/image`). Weights start from streams that
are addressed by their names. Nothing here looks at a picture's neighbours in a batch but `batch_normed` and
`minibatch_spread`, which are for learning alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from synthproof.core.random import stream
from synthproof.engines.torch_nets.load import need_torch
from synthproof.engines.torch_nets.nets import Arrays, Weights

_LEAST_GRID = 4


@dataclass(frozen=True, slots=True)
class Grids:
    """The ladder of grids from the smallest to a picture: each level doubles the side.

    Parameters
    ----------
    side
        Of the pictures.

    Notes
    -----
    The first grid is 4 to 7 pixels wide: 28 = 7 · 4, 64 = 4 · 16, 96 = 6 · 16. A side that is no such product is drawn
    a few pixels larger and cropped.
    """

    side: int

    @property
    def doublings(self) -> int:
        """Number of levels above the first."""
        return max(1, int(np.log2(max(1, self.side) / _LEAST_GRID)))

    @property
    def first(self) -> int:
        """Side of the smallest grid."""
        return -(-self.side // (1 << self.doublings))

    @property
    def drawn(self) -> int:
        """Side that networks work at: at least `side`."""
        return self.first << self.doublings

    def padded(self, pictures: Any) -> Any:
        """Return pictures of side `drawn`, the rim black."""
        gap = self.drawn - self.side
        if not gap:
            return pictures
        low, high = gap // 2, gap - gap // 2
        return need_torch().nn.functional.pad(pictures, (low, high, low, high), value=-1.0)

    def cropped(self, pictures: Any) -> Any:
        """Return pictures of side `side`: what `padded` undoes."""
        low = (self.drawn - self.side) // 2
        return pictures[..., low : low + self.side, low : low + self.side]


def conv(out: Arrays, name: str, n_in: int, n_out: int, size: int, seed: int, *, gain: float = 1.0) -> None:
    """Add a convolution ``name.w`` (n_out, n_in, size, size) and ``name.b``; `gain` 1 is He et al.'s start for ReLUs."""
    draws = stream(seed, f"weights/{name}").standard_normal((n_out, n_in, size, size))
    out[f"{name}.w"] = (draws * gain * np.sqrt(2.0 / (n_in * size * size))).astype(np.float32)
    out[f"{name}.b"] = np.zeros(n_out, dtype=np.float32)


def transposed(out: Arrays, name: str, n_in: int, n_out: int, seed: int, *, gain: float = 1.0) -> None:
    """Add a transposed 4 × 4 convolution of stride 2, ``name.w`` (n_in, n_out, 4, 4): each pixel has 4 taps an input."""
    draws = stream(seed, f"weights/{name}").standard_normal((n_in, n_out, 4, 4))
    out[f"{name}.w"] = (draws * gain * np.sqrt(2.0 / (n_in * 4))).astype(np.float32)
    out[f"{name}.b"] = np.zeros(n_out, dtype=np.float32)


def norm(out: Arrays, name: str, n: int, condition: int, seed: int) -> None:
    """Add gain and shift of a normalisation, and what a condition adds to them (de Vries et al. 2017)."""
    out[f"{name}.gain"], out[f"{name}.shift"] = np.ones(n, dtype=np.float32), np.zeros(n, dtype=np.float32)
    if condition:
        draws = stream(seed, f"weights/{name}").standard_normal((condition, 2 * n))
        out[f"{name}.condition"] = (0.1 * draws).astype(np.float32)


def convolved(weights: Weights, name: str, x: Any, *, stride: int = 1, padding: int | None = None) -> Any:
    """Return the convolution of `x`; the grid stays as it is, or shrinks by `stride`."""
    w = weights[f"{name}.w"]
    pad = (w.shape[2] - 1) // 2 if padding is None else padding
    return need_torch().nn.functional.conv2d(x, w, weights.get(f"{name}.b"), stride=stride, padding=pad)


def enlarged(weights: Weights, name: str, x: Any) -> Any:
    """Return what a layer of `transposed` makes of `x`: twice the side."""
    f = need_torch().nn.functional
    return f.conv_transpose2d(x, weights[f"{name}.w"], weights[f"{name}.b"], stride=2, padding=1)


def modulated(weights: Weights, name: str, x: Any, condition: Any | None) -> Any:
    """Return normalised `x` with gain and shift, both as the condition has them."""
    gain, shift = weights[f"{name}.gain"][None], weights[f"{name}.shift"][None]
    if condition is not None and f"{name}.condition" in weights:
        more, up = (condition @ weights[f"{name}.condition"]).chunk(2, dim=1)
        gain, shift = gain + more, shift + up
    return need_torch().addcmul(shift[:, :, None, None], x, gain[:, :, None, None])


def group_normed(weights: Weights, name: str, x: Any, condition: Any | None = None) -> Any:
    """Return `x` normalised within each picture by groups of channels (Wu & He 2018), and modulated."""
    groups = next(g for g in (8, 6, 4, 3, 2, 1) if x.shape[1] % g == 0)
    return modulated(weights, name, need_torch().nn.functional.group_norm(x, groups), condition)


def batch_normed(
    weights: Weights, name: str, x: Any, condition: Any | None = None, *, noted: dict[str, Any] | None = None
) -> Any:
    """Return `x` normalised by channel, and modulated.

    Parameters
    ----------
    noted
        Filled with the batch's means and mean squares, which normalise it: for learning. ``None`` takes the standing
        ``name.mean`` and ``name.variance`` of `weights`: for drawing, where a picture must not see its neighbours.
    """
    torch = need_torch()
    if noted is None:
        mean, variance = weights[f"{name}.mean"], weights[f"{name}.variance"]
        x = (x - mean[None, :, None, None]) * (variance + 1e-5).rsqrt()[None, :, None, None]
        return modulated(weights, name, x, condition)
    with torch.no_grad():
        noted[name] = (x.mean(dim=(0, 2, 3)), x.square().mean(dim=(0, 2, 3)))
    return modulated(weights, name, torch.nn.functional.batch_norm(x, None, None, training=True), condition)


def pixel_normed(x: Any) -> Any:
    """Return `x` with channel vectors of mean square 1 at every pixel (Karras et al. 2018, section 4.2)."""
    return x * (x.square().mean(dim=1, keepdim=True) + 1e-8).rsqrt()


def minibatch_spread(x: Any, group: int = 4) -> Any:
    """Return `x` with one more channel: the mean spread within groups of pictures (Karras et al. 2018, section 3)."""
    torch = need_torch()
    n, c, high, wide = x.shape
    size = next(g for g in range(min(group, n), 0, -1) if n % g == 0)
    y = x.reshape(size, n // size, c, high, wide)
    spread = ((y - y.mean(dim=0)).square().mean(dim=0) + 1e-8).sqrt().mean(dim=(1, 2, 3))
    return torch.cat([x, spread.repeat(size)[:, None, None, None].expand(n, 1, high, wide)], dim=1)


class Spectral:
    """Spectral normalisation (Miyato et al. 2018, arXiv:1802.05957): weights over their largest singular value.

    Parameters
    ----------
    weights
        Of the network; every name that ends in ``.w`` is normalised.
    seed
        Address of the first singular vectors.

    Notes
    -----
    One step of power iteration per call of `normed`. Cost: two products of a weight matrix with a vector.
    """

    def __init__(self, weights: Weights, seed: int) -> None:
        torch = need_torch()
        self._left: Weights = {}
        for name, w in weights.items():
            if name.endswith(".w"):
                start = stream(seed, f"spectral/{name}").standard_normal(w.shape[0]).astype(np.float32)
                self._left[name] = torch.as_tensor(start / np.linalg.norm(start), device=w.device)
        for _ in range(8):
            self.normed(weights)

    def normed(self, weights: Weights) -> Weights:
        """Return the weights with those of layers normalised, gradients passing through the singular value."""
        torch = need_torch()
        out = dict(weights)
        for name, left in self._left.items():
            flat = weights[name].flatten(1)
            with torch.no_grad():
                right = torch.nn.functional.normalize(flat.T @ left, dim=0)
                left = torch.nn.functional.normalize(flat @ right, dim=0)
                self._left[name] = left
            out[name] = weights[name] / (left @ flat @ right)
        return out


__all__ = [
    "Grids",
    "Spectral",
    "batch_normed",
    "conv",
    "convolved",
    "enlarged",
    "group_normed",
    "minibatch_spread",
    "modulated",
    "norm",
    "pixel_normed",
    "transposed",
]
