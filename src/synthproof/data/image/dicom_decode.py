"""Which decoder reads the pixels of a DICOM file, and the stored values that it gives."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from synthproof.engines.jpeg_lossless import decode_lossless

LOSSLESS = frozenset({"1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70"})
"""JPEG Lossless, process 14, with any predictor and with the first: decoded here."""
_EXTENDED = "1.2.840.10008.1.2.4.51"
_EIGHT_ONLY = {"pillow", "gdcm"}
"""Decoders of JPEG Extended that do not read its form of 12 bits."""
_LAST = "gdcm"
"""Taken only where no other is there: it ends the whole process on some damaged streams, and the folder with it."""


def decodable(syntax: Any, bits: int) -> bool:
    """Return whether a decoder is at hand for a compressed transfer syntax with that many bits stored."""
    return str(syntax) in LOSSLESS or bool(_plugins(syntax, bits))


def _plugins(syntax: Any, bits: int) -> list[str]:
    from pydicom.pixels import get_decoder

    try:
        known = list(get_decoder(syntax).available_plugins)
    except NotImplementedError:
        return []
    if str(syntax) == _EXTENDED and bits > 8:
        known = [n for n in known if n not in _EIGHT_ONLY]
    return sorted(known, key=lambda n: n == _LAST)


def stored_frames(dataset: Any, bits: int) -> list[Any]:
    """Return the decoded frames as stored, colours as RGB: each of shape (h, w) or (h, w, 3).

    Raises
    ------
    Exception
        Whatever a damaged stream leads a decoder to.
    """
    from pydicom.pixels import iter_pixels

    syntax = dataset.file_meta.TransferSyntaxUID
    if str(syntax) in LOSSLESS:
        return list(_lossless(dataset))
    plugin = _plugins(syntax, bits)[0] if syntax.is_encapsulated else ""
    return list(iter_pixels(dataset, decoding_plugin=plugin))


def _lossless(dataset: Any) -> Iterator[Any]:
    from pydicom.encaps import generate_frames
    from pydicom.pixels.processing import convert_color_space

    n, samples = int(dataset.get("NumberOfFrames") or 1), int(dataset.get("SamplesPerPixel") or 1)
    wanted = (int(dataset.Rows), int(dataset.Columns), *((samples,) if samples > 1 else ()))
    unsigned = np.uint8 if int(dataset.BitsAllocated) <= 8 else np.uint16
    signed = bool(dataset.get("PixelRepresentation", 0))
    for at, data in enumerate(generate_frames(dataset.PixelData, number_of_frames=n)):
        if at >= n:
            return
        found = decode_lossless(data).astype(unsigned)
        if found.shape != wanted:
            raise ValueError("another shape than the header's")
        if samples > 1 and str(dataset.PhotometricInterpretation).startswith("YBR_FULL"):
            found = convert_color_space(found, "YBR_FULL", "RGB")
        yield found.view(np.dtype(f"i{found.dtype.itemsize}")) if signed else found


class _Quiet:
    """Validation of values switched off while anybody reads, as it was before when nobody does any more."""

    def __init__(self) -> None:
        self.lock, self.readers, self.before = threading.Lock(), 0, 0

    def enter(self, settings: Any, mode: int) -> None:
        with self.lock:
            if self.readers == 0:
                self.before, settings.reading_validation_mode = settings.reading_validation_mode, mode
            self.readers += 1

    def leave(self, settings: Any) -> None:
        with self.lock:
            self.readers -= 1
            if self.readers == 0:
                settings.reading_validation_mode = self.before


_QUIET = _Quiet()


@contextmanager
def without_values() -> Iterator[None]:
    """Keep pydicom from warning of values of an odd form: its warnings quote the value, and warnings end up in logs."""
    from pydicom import config

    _QUIET.enter(config.settings, config.IGNORE)
    try:
        yield
    finally:
        _QUIET.leave(config.settings)


__all__ = ["LOSSLESS", "decodable", "stored_frames", "without_values"]
