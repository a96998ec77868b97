"""The straight path from noise to pictures: what is learned along it, and how it is walked.

Flow matching (Lipman et al. 2023, arXiv:2210.02747; Liu et al. 2023, arXiv:2209.03003): x_t = (1 - t)·noise + t·picture,
and the network learns the velocity picture - noise. Heun's method walks it, with Euler's for the last step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from synthproof.engines.torch_nets.load import need_torch

Velocity = Callable[[Any, Any], Any]
"""(x, t of shape (n,)) → velocity."""
Hold = Callable[[Any, Any], Any]
"""(x, t) → x."""
NORMAL_TIMES = 0.65
"""Share of the schedule in which times are logit-normal (Esser et al. 2024, arXiv:2403.03206); then they are uniform."""


def times(n: int, progress: float, dice: Any, device: Any) -> Any:
    """Return times in (0, 1), shape (n,)."""
    torch = need_torch()
    if progress < NORMAL_TIMES:
        return torch.randn(n, generator=dice, device=device).sigmoid()
    return torch.rand(n, generator=dice, device=device).clamp(1e-4, 1 - 1e-4)


def between(pictures: Any, noise: Any, t: Any) -> Any:
    """Return the points of the path at times t, shape of `pictures`."""
    at = t[:, None, None, None]
    return noise + at * (pictures - noise)


def walk(
    velocity: Velocity, noise: Any, steps: int, *, shift: float = 1.0, start: float = 0.0, hold: Hold | None = None
) -> Any:
    """Return pictures at the end of the path.

    Parameters
    ----------
    velocity
        Network under its condition.
    noise
        Where the path starts, shape (n, c, s, s): noise, or a point `between` at time `start`.
    steps
        Heun steps; the network is asked ``2 · steps - 1`` times.
    shift
        Above 1: smaller steps near the noise, for large pictures; u = s·t / (1 + (s - 1)·t) read backwards.
    start
        Time at which the walk begins, 0 to 1: above 0, pictures are re-noised and denoised, not drawn.
    hold
        Puts back, after every step, what is not to be drawn anew.
    """
    torch = need_torch()
    grid = torch.linspace(0, 1, steps + 1, device=noise.device)
    grid = start + (1 - start) * (grid / (grid + shift * (1 - grid)))
    x = noise
    for i in range(steps):
        t0, t1 = grid[i], grid[i + 1]
        first = velocity(x, t0.expand(len(x)))
        ahead = x + (t1 - t0) * first
        if i == steps - 1:
            return ahead if hold is None else hold(ahead, t1)
        x = x + (t1 - t0) * 0.5 * (first + velocity(ahead, t1.expand(len(x))))
        x = x if hold is None else hold(x, t1)
    return x


__all__ = ["between", "times", "walk"]
