"""Stored values of a DICOM file to grey or RGB: modality LUT or rescale, first window or LUT, inversion, palettes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from synthproof.data.image.chain import Pixels

FloatArray = npt.NDArray[np.float64]


def stored_bits(dataset: Any) -> int:
    """Return how many bits of a value mean something."""
    return int(dataset.get("BitsStored") or dataset.BitsAllocated)


def in_colour(dataset: Any) -> bool:
    """Return whether a file draws colours."""
    return int(dataset.get("SamplesPerPixel") or 1) > 1 or "PALETTE" in str(dataset.get("PhotometricInterpretation"))


def drawn_bits(dataset: Any) -> Literal[8, 16]:
    """Return the bits that `drawn` gives: colours have 8, whatever the file stores."""
    return 8 if in_colour(dataset) or stored_bits(dataset) <= 8 else 16


def drawn(dataset: Any, frames: list[Any]) -> tuple[list[Pixels], Literal[8, 16], str]:
    """Return frames as they are to be looked at, their bits, and how they came about.

    Parameters
    ----------
    dataset
        The header.
    frames
        Decoded frames as stored, shape (h, w) or (h, w, 3).
    """
    from pydicom.pixels.processing import apply_color_lut

    kind = str(dataset.get("PhotometricInterpretation", "MONOCHROME2"))
    if kind == "PALETTE COLOR":
        bits = int(dataset.RedPaletteColorLookupTableDescriptor[2])
        shown = [apply_color_lut(f, dataset)[..., :3] for f in frames]
        return [(c >> (bits - 8) if bits > 8 else c).astype(np.uint8) for c in shown], 8, "palette"
    if frames[0].ndim == 3:
        bits = stored_bits(dataset)
        return [(c >> (bits - 8) if bits > 8 else c).astype(np.uint8) for c in frames], 8, "colour"
    stored = stored_bits(dataset)
    signed = bool(dataset.get("PixelRepresentation", 0))

    def values(i: int) -> tuple[FloatArray, npt.NDArray[np.bool_] | None]:
        clean = _own_bits(frames[i], stored, signed)
        return _modality(clean, dataset, i), _padding(clean, dataset)

    shares, how = _windowing(dataset, stored, values, len(frames))
    inverted = kind == "MONOCHROME1"
    out_bits = drawn_bits(dataset)
    top, dtype = (255, np.uint8) if out_bits == 8 else (65_535, np.uint16)
    pictures: list[Any] = []
    for i in range(len(frames)):  # eight bytes a value are held of one frame at a time
        found, pad = values(i)
        share = shares(i, found)
        share = 1.0 - share if inverted else share
        if pad is not None:
            share[pad] = 0.0
        pictures.append(np.rint(np.clip(share, 0.0, 1.0) * top).astype(dtype))
    return pictures, out_bits, how + (", inverted" if inverted else "")


def _own_bits(frame: Any, stored: int, signed: bool) -> Any:
    """Cut off bits above those stored: old files keep overlays there."""
    spare = 8 * frame.dtype.itemsize - stored
    if spare <= 0:
        return frame
    if signed:
        return (frame << spare) >> spare
    return frame & frame.dtype.type((1 << stored) - 1)


def _padding(frame: Any, dataset: Any) -> npt.NDArray[np.bool_] | None:
    """Return where the file says that nothing was imaged."""
    value = dataset.get("PixelPaddingValue")
    if value is None:
        return None
    limit = dataset.get("PixelPaddingRangeLimit")
    low, high = sorted((int(value), int(value if limit is None else limit)))
    pad = (frame >= low) & (frame <= high)
    return pad if pad.any() and not pad.all() else None


def _group(dataset: Any, index: int, name: str) -> Any:
    """Return where a frame's own values stand in enhanced multi-frame files, else the data set itself."""
    for groups, at in (("PerFrameFunctionalGroupsSequence", index), ("SharedFunctionalGroupsSequence", 0)):
        items = dataset.get(groups)
        if items is not None and len(items) > at and items[at].get(name):
            return items[at].get(name)[0]
    return dataset


def _modality(frame: Any, dataset: Any, index: int) -> FloatArray:
    from pydicom.pixels.processing import apply_modality_lut

    given = _group(dataset, index, "PixelValueTransformationSequence")
    if given.get("ModalityLUTSequence"):
        return np.asarray(apply_modality_lut(frame, given), dtype=np.float64)
    slope, intercept = (_first(given, n, d) for n, d in (("RescaleSlope", 1.0), ("RescaleIntercept", 0.0)))
    return np.asarray(frame, dtype=np.float64) * (slope if slope else 1.0) + intercept


def _first(dataset: Any, name: str, default: float) -> float:
    given = dataset.get(name)
    if given is None or str(given).strip() == "":
        return default
    value = given[0] if hasattr(given, "__len__") and not isinstance(given, str) else given
    return float(value)


def _windowing(
    dataset: Any, stored: int, values: Callable[[int], tuple[FloatArray, Any]], n: int
) -> tuple[Callable[[int, FloatArray], FloatArray], str]:
    """Return what makes shares of the shown range of a frame, and the words for it. A file has one kind of window."""
    from pydicom.pixels.processing import apply_voi

    first = _group(dataset, 0, "FrameVOILUTSequence")
    if first.get("VOILUTSequence"):
        table = first.VOILUTSequence[0]
        bits = int(table.LUTDescriptor[2])

        def by_table(i: int, v: FloatArray) -> FloatArray:
            given = _group(dataset, i, "FrameVOILUTSequence")
            shown = apply_voi(np.rint(v).astype(np.int64), given if given.get("VOILUTSequence") else first)
            return np.asarray(shown, dtype=np.float64) / ((1 << bits) - 1)

        return by_table, "VOI LUT"
    width = _first(first, "WindowWidth", 0.0)
    kind = str(first.get("VOILUTFunction") or "LINEAR").upper()
    if width >= 1.0 or (width > 0.0 and kind != "LINEAR"):

        def by_window(i: int, v: FloatArray) -> FloatArray:
            given = _group(dataset, i, "FrameVOILUTSequence")
            center = _first(given, "WindowCenter", _first(first, "WindowCenter", 0.0))
            return _window(v, center, _first(given, "WindowWidth", width), kind)

        return by_window, f"VOI window ({kind.lower()})"
    if stored <= 8 and not dataset.get("PixelRepresentation", 0) and "RescaleSlope" not in dataset:
        return lambda _i, v: v / ((1 << stored) - 1), "as stored"  # of a mask of one bit, 1 is white
    ends = [_ends(*values(i)) for i in range(n)]
    low, high = min(e[0] for e in ends), max(e[1] for e in ends)
    return lambda _i, v: (v - low) / max(high - low, 1e-12), "full range"


def _ends(values: FloatArray, pad: npt.NDArray[np.bool_] | None) -> tuple[float, float]:
    """Return the lowest and highest value of a frame where something was imaged."""
    seen = values if pad is None else values[~pad]
    return float(seen.min()), float(seen.max())


def _window(values: FloatArray, center: float, width: float, kind: str) -> FloatArray:
    """Shares by PS3.3 C.11.2.1.2 (LINEAR) and C.11.2.1.3 (SIGMOID, LINEAR_EXACT)."""
    if kind == "SIGMOID":
        return np.asarray(1.0 / (1.0 + np.exp(np.clip(-4.0 * (values - center) / width, -60, 60))))
    if kind == "LINEAR_EXACT":
        return (values - center) / width + 0.5
    if width <= 1.0:
        return (values > center - 0.5).astype(np.float64)
    return (values - (center - 0.5)) / (width - 1.0) + 0.5


__all__ = ["drawn", "drawn_bits", "in_colour", "stored_bits"]
