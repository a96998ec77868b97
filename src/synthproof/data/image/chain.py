"""The one way from a decoded picture to the square that everything else sees; recorded, and applied alike to all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self, TypeAlias

import numpy as np
import numpy.typing as npt

Pixels: TypeAlias = npt.NDArray[np.unsignedinteger[Any]]
SIDES = (28, 32, 48, 64, 96, 128)
"""Sides that are chosen by themselves; any other can be asked for."""
_STRIP = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """How a decoded picture becomes a square of fixed size, grey or RGB.

    Parameters
    ----------
    side
        Height and width of the square, pixels.
    channels
        1 (grey) or 3 (RGB).
    bits
        8 or 16 bits a channel.
    fit
        ``"pad"`` keeps the proportions and fills the rest with black; ``"crop"`` cuts the middle square.
    resample
        ``"lanczos"``, with PIL's antialiasing when a picture shrinks.
    window
        How stored values of a DICOM file became intensities; empty for other files.

    Notes
    -----
    Order: window → orientation of the file → grey or RGB → pad or crop → resize. Resizing alone moves Fréchet
    distances (Parmar et al. 2022, arXiv:2104.11222), so real pictures in metrics must have come the same way.
    """

    side: int
    channels: Literal[1, 3] = 1
    bits: Literal[8, 16] = 8
    fit: Literal["pad", "crop"] = "pad"
    resample: Literal["lanczos"] = "lanczos"
    window: str = ""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of stored pixels."""
        return np.dtype(np.uint8 if self.bits == 8 else np.uint16)

    @property
    def top(self) -> int:
        """Largest pixel value."""
        return 255 if self.bits == 8 else 65_535

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of one picture: height, width, channels."""
        return self.side, self.side, self.channels

    def apply(self, picture: Pixels) -> Pixels:
        """Return the square of one decoded picture.

        Parameters
        ----------
        picture
            Shape (h, w) or (h, w, c) with c in {1, 3}, values of `dtype`.

        Returns
        -------
        ndarray, shape (side, side, channels)
            Unchanged pixels when the picture is such a square already.
        """
        given = picture[..., None] if picture.ndim == 2 else picture
        given = _channels(given, self.channels)
        given = _square(given) if self.fit == "pad" else _middle(given)
        if given.shape[0] == self.side:
            return np.ascontiguousarray(given, dtype=self.dtype)
        return np.stack([self._resized(given[..., c]) for c in range(self.channels)], axis=-1)

    def _resized(self, plane: Pixels) -> Pixels:
        from PIL import Image

        # 8-bit planes are resized as they are; 16-bit ones as floats, which is the only form PIL resizes without loss.
        picture = Image.fromarray(plane if self.bits == 8 else plane.astype(np.float32))
        resized = np.asarray(picture.resize((self.side, self.side), Image.Resampling.LANCZOS))
        out: Pixels = np.clip(np.rint(resized), 0, self.top).astype(self.dtype)
        return out

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote."""
        return cls(**data)


def fitting_side(heights: npt.NDArray[np.intp], widths: npt.NDArray[np.intp]) -> int:
    """Return the side for pictures of these sizes: their own when all are one small square, else the largest of `SIDES`
    that the median picture fills."""
    if len(set(heights.tolist()) | set(widths.tolist())) == 1 and heights[0] <= SIDES[-1]:
        return int(heights[0])
    filled = float(np.median(np.minimum(heights, widths)))
    return max((s for s in SIDES if s <= filled), default=SIDES[0])


def _channels(picture: Pixels, channels: int) -> Pixels:
    if picture.shape[2] == channels:
        return picture
    if channels == 3:
        return np.repeat(picture, 3, axis=2)
    # ITU-R BT.601 luma, the weights that PIL's own conversion has
    weights = np.array([0.299, 0.587, 0.114])
    out: Pixels = np.empty((*picture.shape[:2], 1), dtype=picture.dtype)
    rows = max(1, _STRIP // picture.shape[1])
    for top in range(0, len(picture), rows):  # 24 bytes a pixel are held of a strip, not of a large scan
        out[top : top + rows, :, 0] = np.rint(picture[top : top + rows].astype(np.float64) @ weights)
    return out


def _square(picture: Pixels) -> Pixels:
    high, wide = picture.shape[:2]
    if high == wide:
        return picture
    side = max(high, wide)
    out = np.zeros((side, side, picture.shape[2]), dtype=picture.dtype)
    top, left = (side - high) // 2, (side - wide) // 2
    out[top : top + high, left : left + wide] = picture
    return out


def _middle(picture: Pixels) -> Pixels:
    high, wide = picture.shape[:2]
    side = min(high, wide)
    top, left = (high - side) // 2, (wide - side) // 2
    return picture[top : top + side, left : left + side]


__all__ = ["SIDES", "Chain", "Pixels", "fitting_side"]
