"""The darkest and the lightest grey: drawn exactly as often as they were in the pictures learned from.

Four pixels in five of a digit are exactly 0, and so is the margin of many an X-ray. A network that moves noise through a
smooth field lands near 0, not on it: one pixel in three comes out one or two greys too light. No eye sees it, yet it alone
moves the Kolmogorov-Smirnov distance of pixel values to 0.3, tells drawn files from real ones, and makes PNGs larger. So
a few pictures are drawn at the end of learning, and the grey under which as many pixels lie as were exactly 0 becomes 0;
likewise at the light end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from synthproof.core.random import stream
from synthproof.data.image.chain import Pixels
from synthproof.synthesizers.image.drawing import Begun

FloatArray = npt.NDArray[np.float32]
_LEAST_SHARE = 0.01
"""An end that fewer pixels reach is no heap of its own: it is left as drawn."""
_FURTHEST = 0.1
"""Of values in [-1, 1], a twentieth of the range: no grey beyond is ever taken for an end."""
_MOST_LOOKED_AT = 512


@dataclass(frozen=True, slots=True)
class Ends:
    """Values at or beyond `low` and `high` are drawn as -1 and 1."""

    low: float = -1.0
    high: float = 1.0

    def settle(self, values: FloatArray) -> FloatArray:
        """Return values with their ends drawn exactly."""
        out: FloatArray = np.where(values <= self.low, np.float32(-1), values)
        return np.where(values >= self.high, np.float32(1), out)

    def get_state(self) -> list[float]:
        """Return plain values."""
        return [self.low, self.high]

    @classmethod
    def from_state(cls, state: Any) -> Self:
        """Take back what `get_state` returned."""
        return cls(*map(float, state))


def shares_at_ends(begun: Begun) -> tuple[float, float]:
    """Return which share of the pixels learned from is exactly darkest, and exactly lightest.

    At most 512 pictures are looked at.
    """
    rows = begun.rows
    if len(rows) > _MOST_LOOKED_AT:
        rows = np.sort(stream(begun.seed, "image/ends").permutation(rows)[:_MOST_LOOKED_AT])
    pixels: Pixels = begun.data.take_rows(rows).pixels()
    return float((pixels == 0).mean()), float((pixels == begun.data.chain.top).mean())


def reached(shares: tuple[float, float]) -> bool:
    """Return whether any end holds enough pixels to be worth drawing a few pictures for."""
    return max(shares) >= _LEAST_SHARE


def ends_of(shares: tuple[float, float], drawn: FloatArray) -> Ends:
    """Return the ends under which drawn pictures hold the given shares.

    Parameters
    ----------
    drawn
        Values of a few drawn pictures, not yet clipped to [-1, 1].
    """
    dark, light = shares
    low = float(np.quantile(drawn, dark)) if dark >= _LEAST_SHARE else -1.0
    high = float(np.quantile(drawn, 1.0 - light)) if light >= _LEAST_SHARE else 1.0
    return Ends(low=min(max(low, -1.0), _FURTHEST - 1.0), high=max(min(high, 1.0), 1.0 - _FURTHEST))


__all__ = ["Ends", "ends_of", "reached", "shares_at_ends"]
