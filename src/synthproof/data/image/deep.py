"""Colour pictures of 16 bits a channel: Pillow hands out the upper byte of each value alone, and writes none.

Read twice with the two orders of bytes, a file gives both. PNG and TIFF are written here by their specifications: W3C PNG
(Third Edition) 11.2, TIFF 6.0 section 2, with no filter and no predictor, so that any reader takes them.
"""

from __future__ import annotations

import struct
import sys
import zlib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from synthproof.data.image.chain import Pixels

Opener: TypeAlias = Callable[[], AbstractContextManager[Any]]

_DEEP = ("RGB;16", "RGBA;16", "RGBX;16", "LA;16")
_OTHER = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}


def is_deep(picture: Any) -> bool:
    """Return whether an opened, not yet decoded PIL picture holds colours (or grey with alpha) of 16 bits."""
    return _raw(picture)[:-1] in _DEEP


def deep_pixels(again: Opener, frame: int) -> Pixels:
    """Return one frame of a file, alpha laid over black: shape (h, w, 3), or (h, w) of grey with alpha, uint16.

    Parameters
    ----------
    again
        Opens the file; called twice.
    frame
        Which picture of the file.
    """
    upper, raw = _decoded(again, frame, _same)
    if raw.startswith("LA"):
        both, _ = _decoded(again, frame, lambda _: "RGBA")  # four bytes a pixel, taken as they stand
        grey, alpha = (_joined(both[..., 2 * k], both[..., 2 * k + 1]) for k in range(2))
        return _over_black(grey, alpha)
    lower, _ = _decoded(again, frame, lambda r: r[:-1] + _OTHER[r[-1]])
    whole = _joined(upper, lower)
    return _over_black(whole[..., :3], whole[..., 3:]) if raw.startswith("RGBA") else whole[..., :3]


def _decoded(again: Opener, frame: int, order: Callable[[str], str]) -> tuple[npt.NDArray[np.uint8], str]:
    from PIL import ImageOps

    with again() as picture:
        picture.seek(frame)
        raw = _raw(picture)
        # a tile says how bytes become values; everything else of it stays
        picture.tile = [
            t._replace(args=(order(t.args[0]), *t.args[1:]) if isinstance(t.args, tuple) else order(t.args))
            for t in picture.tile
        ]
        return np.asarray(ImageOps.exif_transpose(picture), dtype=np.uint8), raw


def _raw(picture: Any) -> str:
    args = picture.tile[0].args if picture.tile else ""
    return str(args[0] if isinstance(args, tuple) else args)


def _same(raw: str) -> str:
    return raw


def _joined(upper: npt.NDArray[np.uint8], lower: npt.NDArray[np.uint8]) -> Pixels:
    return (upper.astype(np.uint16) << np.uint16(8)) | lower


def _over_black(values: Pixels, alpha: Pixels) -> Pixels:
    out: Pixels = np.rint(values.astype(np.float64) * (alpha / 65_535.0)).astype(np.uint16)
    return out


def deep_png(picture: Pixels, told: Mapping[str, str]) -> bytes:
    """Return an RGB picture of 16 bits as a PNG file with texts by keyword (Latin-1, at most 79 characters)."""
    high, wide = picture.shape[:2]
    rows = picture.astype(">u2").reshape(high, -1).view(np.uint8)
    plain = np.concatenate([np.zeros((high, 1), np.uint8), rows], axis=1).tobytes()
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", wide, high, 16, 2, 0, 0, 0))]
    chunks += [(b"iTXt", k.encode("latin-1") + b"\0\0\0\0\0" + v.encode()) for k, v in told.items()]
    chunks += [(b"IDAT", zlib.compress(plain)), (b"IEND", b"")]
    body = b"".join(struct.pack(">I", len(d)) + t + d + struct.pack(">I", zlib.crc32(t + d)) for t, d in chunks)
    return b"\x89PNG\r\n\x1a\n" + body


def deep_tiff(picture: Pixels, description: str) -> bytes:
    """Return an RGB picture of 16 bits as a TIFF file of one deflated strip, with a description (ASCII)."""
    high, wide = picture.shape[:2]
    data = zlib.compress(picture.astype("<u2").tobytes())
    text = description.encode("ascii", "replace") + b"\0"
    bits = 8
    strip = bits + 6
    words = strip + len(data)
    head = words + len(text) + (words + len(text)) % 2
    # fmt: off
    tags = (
        (256, 4, 1, wide), (257, 4, 1, high), (258, 3, 3, bits), (259, 3, 1, 8), (262, 3, 1, 2),
        (270, 2, len(text), words), (273, 4, 1, strip), (277, 3, 1, 3), (278, 4, 1, high), (279, 4, 1, len(data)),
    )
    # fmt: on
    listed = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    body = struct.pack("<HHH", 16, 16, 16) + data + text + b"\0" * ((words + len(text)) % 2)
    return b"II*\0" + struct.pack("<I", head) + body + struct.pack("<H", len(tags)) + listed + b"\0" * 4


__all__ = ["deep_pixels", "deep_png", "deep_tiff", "is_deep"]
