"""One picture file to arrays: PNG, JPEG and TIFF, told by their content, with every size checked before it is decoded.

Of a DICOM file only the head is looked at here; `dicom` decodes it.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, BinaryIO, Literal

import numpy as np

from synthproof.core.errors import MissingExtraError, ReadError
from synthproof.data.image.chain import Pixels
from synthproof.data.image.deep import deep_pixels, is_deep
from synthproof.data.image.dicom import check_size, library, opened
from synthproof.data.image.dicom_decode import without_values
from synthproof.data.image.dicom_pixels import drawn_bits, in_colour

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
PREFIX, _INDEX = b"DICM", "DICOMDIR"
_GREY8, _GREY16 = {"1", "L", "LA", "La"}, {"I;16", "I;16L", "I;16B"}
_PHOTOMETRIC, _WHITE_IS_ZERO = 262, 0


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


def is_dicom(path: Path) -> bool:
    """Return whether a file is DICOM: by its suffix, or by its prefix where it has none, or a number for one.

    Archives name files by numbers, so that ``IM000012`` and ``1.2.410.200010.12`` are usual. Their index is no picture.
    """
    if path.suffix.lower() in DICOM:
        return True
    if not maybe_dicom(path):
        return False
    try:
        with path.open("rb") as file:
            return file.read(132)[128:] == PREFIX
    except OSError:  # nobody may read it: then nobody says that it is a picture
        return False


def maybe_dicom(path: PurePath) -> bool:
    """Return whether a file's name is such that only its content says whether it is DICOM."""
    suffix = path.suffix
    return (not suffix or suffix[1:].isdigit()) and path.name.upper() != _INDEX


def look(path: Path, where: str) -> Head:
    """Return the head of a file without decoding its pixels.

    Raises
    ------
    ReadError
        ``image/empty``, ``image/not-an-image``, ``image/wrong-suffix``, ``image/too-large``, ``image/depth``.
    """
    if is_dicom(path):
        return _dicom_head(path, where)
    with _opened(path, where) as picture:
        return _head(picture, where)


def _dicom_head(path: Path, where: str) -> Head:
    library()
    with without_values():
        dataset = opened(path, where)
        check_size(dataset, where)
        return Head(
            height=int(dataset.Rows),
            width=int(dataset.Columns),
            frames=int(dataset.get("NumberOfFrames") or 1),
            bits=drawn_bits(dataset),
            colour=in_colour(dataset),
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
                # a later frame may be larger than the first one, which the head is of
                seen += picture.width * picture.height
                if seen > MOST_PIXELS:
                    raise ReadError("image/too-large", where=where, most=f"{MOST_PIXELS:,}", n=f"> {seen:,}")
                deep = is_deep(picture)
                out.append(deep_pixels(lambda: _opened(path, where), frame) if deep else _pixels(picture, head))
        except ReadError:
            raise
        except Exception as error:  # noqa: BLE001 - decoders raise whatever a damaged file leads them to
            raise ReadError("image/damaged", where=where, reason=type(error).__name__) from error
        return out


@contextmanager
def _opened(path: Path, where: str) -> Iterator[Any]:
    image = pillow()
    wanted = SUFFIXES.get(path.suffix.lower())
    if path.stat().st_size == 0:
        raise ReadError("image/empty", where=where)
    # A file that is given by its name is mapped into memory by PIL, which then forgets the orientation of a plain TIFF.
    with _bytes_of(path, where) as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PIL warns of large pictures; the size is checked below, against our line
        try:
            picture = image.open(file, formats=("PNG", "JPEG", "TIFF"))
        except image.DecompressionBombError as error:
            raise ReadError("image/too-large", where=where, most=MOST_PIXELS, n="> 178,956,970") from error
        except OSError as error:
            raise ReadError("image/not-an-image", where=where, suffix=path.suffix.lower() or "-") from error
        except Exception as error:  # noqa: BLE001 - e.g. a comment that inflates to gigabytes is a ValueError
            raise ReadError("image/damaged", where=where, reason=type(error).__name__) from error
        if picture.format not in {wanted, "MPO"}:
            raise ReadError("image/wrong-suffix", where=where, suffix=path.suffix.lower(), format=picture.format)
        yield picture


def _bytes_of(path: Path, where: str) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:  # e.g. a file that this account may not read
        raise ReadError("image/damaged", where=where, reason=type(error).__name__) from error


def _head(picture: Any, where: str) -> Head:
    frames = int(getattr(picture, "n_frames", 1))
    pixels = picture.width * picture.height * frames
    if pixels > MOST_PIXELS or frames > MOST_FRAMES:
        raise ReadError("image/too-large", where=where, most=f"{MOST_PIXELS:,}", n=f"{pixels:,}")
    deep = is_deep(picture)
    if deep or picture.mode in _GREY16 or (picture.mode == "I" and picture.format == "PNG"):
        bits: Literal[8, 16] = 16
    elif picture.mode in {"F", "I"}:
        raise ReadError("image/depth", where=where, mode=picture.mode)
    else:
        bits = 8
    # of a TIFF, size and pixels are turned by PIL itself; asked of a PNG that says nothing, PIL would decode all of it
    asked = picture.format != "TIFF" and (picture.format != "PNG" or "exif" in picture.info)
    turned = asked and picture.getexif().get(0x0112, 1) in (5, 6, 7, 8)
    height, width = (picture.width, picture.height) if turned else (picture.height, picture.width)
    colour = picture.mode not in {*_GREY8, *_GREY16, "I"} and not (deep and picture.tile[0].args == "LA;16B")
    return Head(height=height, width=width, frames=frames, bits=bits, colour=colour)


def _pixels(picture: Any, head: Head) -> Pixels:
    from PIL import ImageOps

    inverted = picture.format == "TIFF" and picture.tag_v2.get(_PHOTOMETRIC) == _WHITE_IS_ZERO
    upright = ImageOps.exif_transpose(picture)
    if head.bits == 16:
        values: Pixels = np.clip(np.asarray(upright), 0, 65_535).astype(np.uint16)
        return 65_535 - values if inverted else values  # PIL inverts such files of 8 bits, and only those
    if upright.mode in {"LA", "La", "RGBA", "RGBa", "PA"} or "transparency" in upright.info:
        whole = upright.convert("RGBA")
        black = pillow().new("RGBA", whole.size, (0, 0, 0, 255))
        upright = pillow().alpha_composite(black, whole)
    return np.asarray(upright.convert("RGB" if head.colour else "L"), dtype=np.uint8)


__all__ = ["MOST_FRAMES", "MOST_PIXELS", "SUFFIXES", "Head", "decode", "is_dicom", "look", "maybe_dicom", "pillow"]
