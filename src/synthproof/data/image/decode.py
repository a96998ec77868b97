"""One picture file to arrays: PNG, JPEG and TIFF, told by their content, with every size checked before it is decoded.

Of a DICOM file only the head is looked at here; `dicom` decodes it.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from synthproof.core.errors import MissingExtraError, ReadError
from synthproof.data.image.chain import Pixels
from synthproof.data.image.dicom import check_size, opened

MOST_PIXELS = 1 << 27
"""Pixels of one decoded file: 134 million, a 11,000 × 11,000 scan. More is refused before decoding."""
MOST_FRAMES = 4_096
SUFFIXES = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".tif": "TIFF",
    ".tiff": "TIFF",
}
DICOM = (".dcm", ".dicom")
_GREY8, _GREY16 = {"1", "L", "LA", "La"}, {"I;16", "I;16L", "I;16B", "I"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What a file says of itself before it is decoded.

    Parameters
    ----------
    height, width
        Pixels, after the orientation that the file states.
    frames
        Pictures in it.
    bits
        8 or 16.
    colour
        Whether it has colour channels (they may still be all alike).
    """

    height: int
    width: int
    frames: int
    bits: Literal[8, 16]
    colour: bool


def pillow() -> Any:
    """Return PIL's ``Image`` module.

    Raises
    ------
    MissingExtraError
        ``extra/missing``: the extra ``images`` is not installed.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise MissingExtraError("extra/missing", library="Pillow", extra="images") from error
    return Image


def look(path: Path, where: str) -> Head:
    """Return the head of a file without decoding its pixels.

    Raises
    ------
    ReadError
        ``image/empty``, ``image/not-an-image``, ``image/wrong-suffix``, ``image/too-large``, ``image/depth``.
    """
    if path.suffix.lower() in DICOM:
        return _dicom_head(path, where)
    with _opened(path, where) as picture:
        return _head(picture, where)


def _dicom_head(path: Path, where: str) -> Head:
    dataset = opened(path, where)
    check_size(dataset, where)
    return Head(
        height=int(dataset.Rows),
        width=int(dataset.Columns),
        frames=int(dataset.get("NumberOfFrames") or 1),
        bits=8 if int(dataset.get("BitsStored", 16)) <= 8 else 16,
        colour=int(dataset.get("SamplesPerPixel") or 1) > 1
        or "PALETTE" in str(dataset.get("PhotometricInterpretation")),
    )


def decode(path: Path, where: str) -> list[Pixels]:
    """Return the pictures of a file, each of shape (h, w) or (h, w, 3), uint8 or uint16.

    Alpha is laid over black, palettes become colours, and the orientation that a camera noted is applied.

    Raises
    ------
    ReadError
        As `look`, and ``image/damaged`` for a file that ends early or cannot be decoded.
    """
    with _opened(path, where) as picture:
        head = _head(picture, where)
        out: list[Pixels] = []
        seen = 0
        try:
            for frame in range(head.frames):
                picture.seek(frame)
                seen += (
                    picture.width * picture.height
                )  # a later frame may be larger than the first one, which the head is of
                if seen > MOST_PIXELS:
                    raise ReadError("image/too-large", where=where, most=f"{MOST_PIXELS:,}", n=f"> {seen:,}")
                out.append(_pixels(picture, head))
        except ReadError:
            raise
        except Exception as error:  # noqa: BLE001 - decoders raise whatever a damaged file leads them to
            raise ReadError("image/damaged", where=where, reason=type(error).__name__) from error
        return out


def _opened(path: Path, where: str) -> Any:
    image = pillow()
    wanted = SUFFIXES.get(path.suffix.lower())
    try:
        if path.stat().st_size == 0:
            raise ReadError("image/empty", where=where)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PIL warns of large pictures; the size is checked below, against our line
            picture = image.open(path, formats=("PNG", "JPEG", "TIFF"))
    except ReadError:
        raise
    except image.DecompressionBombError as error:
        raise ReadError("image/too-large", where=where, most=MOST_PIXELS, n="> 178,956,970") from error
    except OSError as error:
        raise ReadError("image/not-an-image", where=where, suffix=path.suffix.lower() or "-") from error
    if picture.format not in {wanted, "MPO"}:
        found = picture.format
        picture.close()
        raise ReadError("image/wrong-suffix", where=where, suffix=path.suffix.lower(), format=found)
    return picture


def _head(picture: Any, where: str) -> Head:
    frames = int(getattr(picture, "n_frames", 1))
    pixels = picture.width * picture.height * frames
    if pixels > MOST_PIXELS or frames > MOST_FRAMES:
        raise ReadError("image/too-large", where=where, most=f"{MOST_PIXELS:,}", n=f"{pixels:,}")
    if picture.mode in _GREY16:
        bits: Literal[8, 16] = 16
    elif picture.mode == "F" or (picture.mode == "I" and picture.format != "PNG"):
        raise ReadError("image/depth", where=where, mode=picture.mode)
    else:
        bits = 8
    turned = picture.format == "JPEG" and picture.getexif().get(0x0112, 1) in (5, 6, 7, 8)
    height, width = (picture.width, picture.height) if turned else (picture.height, picture.width)
    colour = picture.mode not in _GREY8 | _GREY16
    return Head(height=height, width=width, frames=frames, bits=bits, colour=colour)


def _pixels(picture: Any, head: Head) -> Pixels:
    from PIL import ImageOps

    upright = ImageOps.exif_transpose(picture) if picture.format == "JPEG" else picture
    if head.bits == 16:
        sixteen: Pixels = np.clip(np.asarray(upright), 0, 65_535).astype(np.uint16)
        return sixteen
    if upright.mode in {"LA", "La", "RGBA", "RGBa", "PA"} or "transparency" in upright.info:
        whole = upright.convert("RGBA")
        black = pillow().new("RGBA", whole.size, (0, 0, 0, 255))
        upright = pillow().alpha_composite(black, whole)
    return np.asarray(upright.convert("RGB" if head.colour else "L"), dtype=np.uint8)


__all__ = ["DICOM", "MOST_FRAMES", "MOST_PIXELS", "SUFFIXES", "Head", "decode", "look", "pillow"]
