"""Small movements of pictures that do not leak into what is drawn: the network is told them, and told none when drawing.

Karras et al. (2020, arXiv:2006.06676) for diffusion models (2022, arXiv:2206.00364, appendix F.2): the cheapest guard
against learning pictures by heart.
"""

from __future__ import annotations

from typing import Any

from synthproof.engines.torch_nets.load import need_torch

TOLD = 6
"""Numbers that tell a movement: two shifts, turn, zoom, gamma, flip."""
_SPREAD = (0.04, 0.04, 0.07, 0.06, 0.12)


def jitter(pictures: Any, share: float, flip: bool, dice: Any) -> tuple[Any, Any]:
    """Return moved pictures and what moved them.

    Parameters
    ----------
    pictures
        Shape (n, c, s, s), values in [-1, 1].
    share
        Share of pictures that are moved at all, 0 to 1.
    flip
        Whether left and right may be exchanged.

    Returns
    -------
    pictures : Tensor, shape (n, c, s, s)
    told : Tensor, shape (n, 6)
        In units of their spread; zeros for pictures that were left alone.
    """
    torch = need_torch()
    n, device = len(pictures), pictures.device
    told = torch.randn((n, TOLD), generator=dice, device=device).clamp(-2.5, 2.5)
    told[:, 5] = (torch.rand(n, generator=dice, device=device) < 0.5) * float(flip)
    moved = torch.rand(n, generator=dice, device=device) < share
    told = told * moved[:, None]
    at = moved.nonzero()[:, 0]
    if len(at) == 0:
        return pictures, told
    dx, dy, turn, zoom, gamma = (told[at, i] * s for i, s in enumerate(_SPREAD))
    grow, side = torch.exp(zoom), 1.0 - 2.0 * told[at, 5]
    cos, sin = torch.cos(turn) * grow, torch.sin(turn) * grow
    matrix = torch.stack([torch.stack([cos * side, -sin, 2 * dx], 1), torch.stack([sin * side, cos, 2 * dy], 1)], 1)
    f = torch.nn.functional
    grid = f.affine_grid(matrix, list(pictures[at].shape), align_corners=False)
    out = f.grid_sample(pictures[at], grid, mode="bilinear", padding_mode="border", align_corners=False)
    out = ((out + 1) / 2).clamp(1e-4, 1) ** torch.exp(gamma)[:, None, None, None] * 2 - 1
    result = pictures.clone()
    result[at] = out.to(pictures.dtype)
    return result, told


__all__ = ["TOLD", "jitter"]
