"""A lean conditional U-Net as plain functions of weights: what flow, diffusion and super-resolution of pictures share.

Residual blocks of GroupNorm, SiLU and 3 × 3 convolutions, modulated by time and condition (FiLM, Perez et al. 2018,
arXiv:1709.07871); attention at the lowest grid alone; pictures enter and leave by pixel unshuffle and shuffle, which
costs a fourth of a plain first level. No batch statistics anywhere: a picture never depends on its neighbours in a batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np

from synthproof.core.random import stream
from synthproof.engines.torch_nets.load import need_torch
from synthproof.engines.torch_nets.nets import Arrays, Weights, dense, linear

_FREQUENCIES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class UNet:
    """Shape of a network.

    Parameters
    ----------
    side, channels
        Of the pictures; `side` must be divisible by ``unshuffle · 2 ** (len(mult) - 1)``.
    unshuffle
        Pixels a side that become channels at the entry: 1, 2 or 4.
    base, mult
        Channels of the first level, and their multiple at each level.
    blocks
        Residual blocks a level.
    condition
        Numbers that say what is wanted (classes, attributes, their absence).
    extra
        Further input channels that are not noised: a low-resolution picture, a mask.
    dropout
        Share of units dropped while learning.
    attention
        Whether the lowest grid attends to itself.
    """

    side: int
    channels: int
    unshuffle: int = 2
    base: int = 48
    mult: tuple[int, ...] = (1, 2)
    blocks: int = 1
    condition: int = 0
    extra: int = 0
    dropout: float = 0.0
    attention: bool = True

    @property
    def embedding(self) -> int:
        """Width of the embedding of time and condition."""
        return 4 * self.base

    @property
    def multiple(self) -> int:
        """What `side` must be divisible by."""
        return self.unshuffle << (len(self.mult) - 1)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {**asdict(self), "mult": list(self.mult)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote."""
        return cls(**{**data, "mult": tuple(data["mult"])})


def start(net: UNet, seed: int) -> Arrays:
    """Return first weights, drawn from streams addressed by their names."""
    out: Arrays = {}
    e, base = net.embedding, net.base
    dense(out, "time.0", 2 * _FREQUENCIES, e, seed, gain=0.7)
    if net.condition:
        dense(out, "condition.0", net.condition, e, seed)
    dense(out, "time.1", e, e, seed, gain=0.7)
    inner = net.channels * net.unshuffle**2
    _conv(out, "in", (net.channels + net.extra) * net.unshuffle**2, base, 3, seed)
    wide, skips = base, [base]
    for level, m in enumerate(net.mult):
        for b in range(net.blocks):
            _block(out, f"down.{level}.{b}", wide, base * m, e, seed)
            wide = base * m
            skips.append(wide)
        if level < len(net.mult) - 1:
            _conv(out, f"down.{level}.out", wide, wide, 3, seed)
            skips.append(wide)
    _block(out, "middle.0", wide, wide, e, seed)
    if net.attention:
        _norm(out, "middle.attention.norm", wide)
        _conv(out, "middle.attention.qkv", wide, 3 * wide, 1, seed)
        _conv(out, "middle.attention.out", wide, wide, 1, seed, gain=0.0)
    _block(out, "middle.1", wide, wide, e, seed)
    for level, m in reversed(list(enumerate(net.mult))):
        for b in range(net.blocks + 1):
            _block(out, f"up.{level}.{b}", wide + skips.pop(), base * m, e, seed)
            wide = base * m
        if level:
            _conv(out, f"up.{level}.out", wide, wide, 3, seed)
    _norm(out, "out.norm", wide)
    _conv(out, "out", wide, inner, 3, seed, gain=0.0)
    return out


def run(
    net: UNet, weights: Weights, x: Any, time: Any, condition: Any = None, extra: Any = None, dice: Any = None
) -> Any:
    """Return the network's answer, of the shape of `x`.

    Parameters
    ----------
    x
        Pictures, shape (n, channels, side, side).
    time
        Shape (n,), 0 to 1.
    condition
        Shape (n, condition); ``None`` when the network takes none.
    extra
        Shape (n, extra, side, side).
    dice
        Torch generator of dropped units; ``None`` drops none.
    """
    torch = need_torch()
    f = torch.nn.functional
    e = linear(weights, "time.0", _waves(time))
    if condition is not None:
        e = e + linear(weights, "condition.0", condition)
    e = f.silu(linear(weights, "time.1", f.silu(e)))
    h = x if extra is None else torch.cat([x, extra], dim=1)
    h = f.pixel_unshuffle(h, net.unshuffle) if net.unshuffle > 1 else h
    h = _convolved(weights, "in", h.contiguous(memory_format=torch.channels_last))
    skips = [h]
    drop = (net.dropout, dice) if dice is not None and net.dropout > 0 else None
    last = len(net.mult) - 1
    for level in range(len(net.mult)):
        for b in range(net.blocks):
            h = _residual(weights, f"down.{level}.{b}", h, e, drop)
            skips.append(h)
        if level < last:
            h = _convolved(weights, f"down.{level}.out", h, stride=2)
            skips.append(h)
    h = _residual(weights, "middle.0", h, e, drop)
    if net.attention:
        h = _attended(weights, "middle.attention", h)
    h = _residual(weights, "middle.1", h, e, drop)
    for level in range(last, -1, -1):
        for b in range(net.blocks + 1):
            h = _residual(weights, f"up.{level}.{b}", torch.cat([h, skips.pop()], dim=1), e, drop)
        if level:
            h = _convolved(weights, f"up.{level}.out", f.interpolate(h, scale_factor=2.0, mode="nearest"))
    h = _convolved(weights, "out", f.silu(_normed(weights, "out.norm", h)))
    return f.pixel_shuffle(h, net.unshuffle) if net.unshuffle > 1 else h


def _conv(out: Arrays, name: str, n_in: int, n_out: int, size: int, seed: int, *, gain: float = 0.7) -> None:
    if gain:
        draws = stream(seed, f"weights/{name}").standard_normal((n_out, n_in, size, size))
        out[f"{name}.w"] = (draws * gain * np.sqrt(2.0 / (n_in * size * size))).astype(np.float32)
    else:
        out[f"{name}.w"] = np.zeros((n_out, n_in, size, size), dtype=np.float32)
    out[f"{name}.b"] = np.zeros(n_out, dtype=np.float32)


def _norm(out: Arrays, name: str, n: int) -> None:
    out[f"{name}.w"], out[f"{name}.b"] = np.ones(n, dtype=np.float32), np.zeros(n, dtype=np.float32)


def _block(out: Arrays, name: str, n_in: int, n_out: int, embedding: int, seed: int) -> None:
    _norm(out, f"{name}.norm0", n_in)
    _conv(out, f"{name}.conv0", n_in, n_out, 3, seed)
    dense(out, f"{name}.film", embedding, 2 * n_out, seed, gain=0.2)
    _norm(out, f"{name}.norm1", n_out)
    _conv(out, f"{name}.conv1", n_out, n_out, 3, seed, gain=0.0)
    if n_in != n_out:
        _conv(out, f"{name}.skip", n_in, n_out, 1, seed)


def _convolved(weights: Weights, name: str, x: Any, stride: int = 1) -> Any:
    w = weights[f"{name}.w"]
    return need_torch().nn.functional.conv2d(x, w, weights[f"{name}.b"], stride=stride, padding=w.shape[2] // 2)


def _normed(weights: Weights, name: str, x: Any) -> Any:
    groups = next(g for g in (8, 6, 4, 3, 2, 1) if x.shape[1] % g == 0)
    return need_torch().nn.functional.group_norm(x, groups, weights[f"{name}.w"], weights[f"{name}.b"])


def _residual(weights: Weights, name: str, x: Any, e: Any, drop: tuple[float, Any] | None) -> Any:
    torch = need_torch()
    f = torch.nn.functional
    h = _convolved(weights, f"{name}.conv0", f.silu(_normed(weights, f"{name}.norm0", x)))
    scale, shift = linear(weights, f"{name}.film", e)[:, :, None, None].chunk(2, dim=1)
    h = f.silu(torch.addcmul(shift, _normed(weights, f"{name}.norm1", h), 1 + scale))
    if drop is not None:
        share, dice = drop
        kept = torch.rand(h.shape[:2], device=h.device, generator=dice)[:, :, None, None] >= share
        h = h * (kept.to(h.dtype) / (1 - share))
    h = _convolved(weights, f"{name}.conv1", h)
    return h + (_convolved(weights, f"{name}.skip", x) if f"{name}.skip.w" in weights else x)


def _attended(weights: Weights, name: str, x: Any) -> Any:
    f = need_torch().nn.functional
    n, c, high, wide = x.shape
    heads = max(1, c // 64)
    qkv = _convolved(weights, f"{name}.qkv", _normed(weights, f"{name}.norm", x))
    q, k, v = qkv.reshape(n, 3, heads, c // heads, high * wide).transpose(3, 4).unbind(1)
    out = f.scaled_dot_product_attention(q, k, v).transpose(2, 3).reshape(n, c, high, wide)
    return x + _convolved(weights, f"{name}.out", out)


def _waves(time: Any) -> Any:
    torch = need_torch()
    steps = torch.arange(_FREQUENCIES, device=time.device, dtype=torch.float32) / (_FREQUENCIES - 1)
    angles = time.float()[:, None] * 1000.0 * torch.exp(-np.log(10_000.0) * steps)[None, :]
    return torch.cat([angles.sin(), angles.cos()], dim=1)


__all__ = ["UNet", "run", "start"]
