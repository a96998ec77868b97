"""Which network for which pictures: shape, batch and step size by side and device, from what was measured."""

from __future__ import annotations

from typing import Any

from synthproof.data.image.chain import Chain
from synthproof.engines.torch_nets.load import need_torch
from synthproof.engines.torch_nets.unet import UNet


def shape_for(
    chain: Chain, condition: int, device: str, *, width: int = 0, levels: int = 0, blocks: int = 0, dropout: float = 0.0
) -> UNet:
    """Return the network for pictures of a size.

    On a CPU pictures enter by pixel unshuffle, which costs a fourth of a plain first level a step; on a GPU small grids
    leave it idle, so that up to 48 px they enter as they are.
    """
    side, gpu = chain.side, device == "cuda"
    mult: tuple[int, ...]
    if side <= 48:
        unshuffle, base, mult, each = (1, 96, (1, 2, 2), 2) if gpu else (2, 48, (1, 2), 1)
    elif side <= 64:
        unshuffle, base, mult, each = (2, 128, (1, 2, 2), 2) if gpu else (4, 64, (1, 2), 1)
    else:
        unshuffle, base, mult, each = (2, 96, (1, 2, 2, 3), 2) if gpu else (4, 48, (1, 2, 2), 1)
    base, each = width or base, blocks or each
    if levels:
        mult = tuple(min(2**i, 4) for i in range(levels))
    multiple = unshuffle << (len(mult) - 1)
    fitted = -(-side // multiple) * multiple
    return UNet(
        side=fitted, channels=chain.channels, unshuffle=unshuffle, base=base, mult=mult, blocks=each,
        condition=condition, dropout=dropout,
    )  # fmt: skip


def batch_for(net: UNet, device: str) -> int:
    """Return pictures a step: 64 on a CPU; on a GPU enough to keep it busy."""
    if device != "cuda":
        return 64
    return 512 if net.side <= 64 else 256


def rate_for(net: UNet) -> float:
    """Return the peak step size, smaller for wider networks."""
    if net.base <= 64:
        return 2e-3
    return 1e-3 if net.base <= 96 else 5e-4


def square(pictures: Any, side: int) -> Any:
    """Return pictures widened to the network's side by repeating their last row and column."""
    short = side - pictures.shape[2]
    return need_torch().nn.functional.pad(pictures, (0, short, 0, short), mode="replicate") if short else pictures


__all__ = ["batch_for", "rate_for", "shape_for", "square"]
