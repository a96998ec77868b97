"""One DICOM file to arrays: modality LUT, window, inversion, frames; every size checked before anything is decoded.

What a file says of a person is not read here, with one exception: the patient number, which the caller turns into a
salted group in memory and never writes. Overlays are counted and never drawn in.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from synthproof.core.errors import MissingExtraError, ReadError
from synthproof.data.image.chain import Pixels
from synthproof.data.image.dicom_decode import decodable, stored_frames, without_values
from synthproof.data.image.dicom_pixels import drawn, stored_bits
from synthproof.data.image.dicom_streams import stated_size

MOST_PIXELS = 1 << 27
"""Values of one decoded file over all frames: 134 million, as for other picture files."""
MOST_BYTES = 1 << 30
"""Bytes of one file after inflating."""
MOST_FRAMES = 4_096
DEFLATED = "1.2.840.10008.1.2.1.99"


@dataclass(frozen=True, slots=True, kw_only=True)
class DicomPicture:
    """What one file holds.

    Parameters
    ----------
    frames
        Pictures, each of shape (h, w) or (h, w, 3).
    bits
        8 (uint8) or 16 (uint16, scaled so that the window fills 0 … 65535).
    window
        How stored values became these, for `Chain.window`.
    patient
        The patient number as it stands in the file. Only for a salted group in memory; never to be written.
    burned_in
        What the file says of text burned into it; ``None`` when it does not say.
    overlays
        Overlay planes, in groups of their own or in unused bits of the pixels. None is drawn in.
    facts
        Counts and names of standard attributes that say how the picture is stored; no value that speaks of a person.
    """

    frames: tuple[Pixels, ...]
    bits: Literal[8, 16]
    window: str
    patient: str | None
    burned_in: bool | None
    overlays: int
    facts: Mapping[str, Any]


def library() -> Any:
    """Return pydicom.

    Raises
    ------
    MissingExtraError
        ``extra/missing``: the extra ``dicom`` is not installed.
    """
    try:
        import pydicom
    except ImportError as error:
        raise MissingExtraError("extra/missing", library="pydicom", extra="dicom") from error
    return pydicom


def read_dicom(path: Path, where: str = "") -> DicomPicture:
    """Return the pictures of a file and what it says of them.

    Parameters
    ----------
    path
        A file with the DICOM prefix.
    where
        Name of the file in messages; the path's last part when empty.

    Raises
    ------
    ReadError
        ``dicom/not-dicom``, ``dicom/no-pixels``, ``dicom/too-large``, ``dicom/syntax``, ``dicom/damaged``.

    Notes
    -----
    Order: decoding → modality LUT or rescale → first VOI window or LUT (else the file's whole range) → inversion of
    MONOCHROME1. Held: the file's bytes, its decoded frames, and the pictures made of them; of the frame that a window is
    being applied to, some 20 bytes a value beside.
    """
    library()
    with without_values():
        return _read(path, where or path.name)


def _read(path: Path, shown: str) -> DicomPicture:
    dataset = opened(path, shown)
    check_size(dataset, shown)
    frames = _decoded(dataset, shown)
    try:
        pictures, bits, window = drawn(dataset, frames)
    except Exception as error:  # noqa: BLE001 - a damaged table leads the libraries to raise whatever they like
        raise ReadError("dicom/damaged", where=shown, reason=type(error).__name__) from error
    return DicomPicture(
        frames=tuple(pictures),
        bits=bits,
        window=window,
        patient=_patient(dataset),
        burned_in=_yes_no(dataset, "BurnedInAnnotation"),
        overlays=overlays(dataset),
        facts=facts(dataset, window),
    )


def opened(path: Path, where: str) -> Any:
    """Return the data set of a file, its pixels still encoded.

    Raises
    ------
    ReadError
        ``dicom/not-dicom``, ``dicom/too-large`` (of a deflated file), ``dicom/damaged``.
    """
    dicom = library()
    try:
        meta = dicom.filereader.read_file_meta_info(str(path))
        syntax = str(meta.get("TransferSyntaxUID", ""))
    except Exception as error:  # noqa: BLE001 - the library raises what a strange file leads it to
        raise ReadError("dicom/not-dicom", where=where, reason=type(error).__name__) from error
    if path.stat().st_size > MOST_BYTES:
        raise ReadError("dicom/too-large", where=where, n=f"> {MOST_BYTES:,} bytes", most=f"{MOST_BYTES:,} bytes")
    if syntax == DEFLATED:
        _check_inflated(path, where)
    try:
        return dicom.dcmread(str(path))
    except Exception as error:  # noqa: BLE001 - see above
        raise ReadError("dicom/damaged", where=where, reason=type(error).__name__) from error


def _check_inflated(path: Path, where: str) -> None:
    """A deflated file of a few kilobytes may hold gigabytes: inflate it in pieces and count."""
    dicom = library()
    with path.open("rb") as file:
        dicom.filereader.read_preamble(file, force=False)
        dicom.filereader._read_file_meta_info(file)
        inflate, n = zlib.decompressobj(-zlib.MAX_WBITS), 0
        while piece := file.read(1 << 16):
            while piece:
                try:
                    n += len(inflate.decompress(piece, 1 << 22))
                except zlib.error as error:
                    raise ReadError("dicom/damaged", where=where, reason="deflated data") from error
                if n > MOST_BYTES:
                    raise ReadError("dicom/too-large", where=where, n=f"> {n:,} bytes", most=f"{MOST_BYTES:,} bytes")
                piece = inflate.unconsumed_tail


def check_size(dataset: Any, where: str) -> None:
    """Refuse a picture by what header and encoded pixels say of its size, before anything is decoded."""
    if "PixelData" not in dataset or not all(n in dataset for n in ("Rows", "Columns", "BitsAllocated")):
        raise ReadError("dicom/no-pixels", where=where)
    try:
        rows, columns = int(dataset.Rows), int(dataset.Columns)
        frames, samples = int(dataset.get("NumberOfFrames") or 1), int(dataset.get("SamplesPerPixel") or 1)
        allocated = int(dataset.BitsAllocated)
        stored_bits(dataset)
    except (TypeError, ValueError) as error:
        raise ReadError("dicom/damaged", where=where, reason="Rows, Columns, NumberOfFrames or Bits Stored") from error
    values = rows * columns * frames * samples
    if values <= 0:
        raise ReadError("dicom/no-pixels", where=where)
    if values > MOST_PIXELS or frames > MOST_FRAMES:
        raise ReadError("dicom/too-large", where=where, n=f"{values:,}", most=f"{MOST_PIXELS:,}")
    syntax = dataset.file_meta.get("TransferSyntaxUID")
    if not syntax:
        raise ReadError("dicom/damaged", where=where, reason="no transfer syntax")
    if not syntax.is_compressed or str(syntax) == DEFLATED:
        needed = -(-values * allocated // 8)
        if str(dataset.get("PhotometricInterpretation")) == "YBR_FULL_422":
            needed = needed * 2 // 3
        if len(dataset.PixelData) < needed:
            reason = f"{len(dataset.PixelData):,} of {needed:,} bytes of pixels"
            raise ReadError("dicom/damaged", where=where, reason=reason)
        return
    if not decodable(syntax, stored_bits(dataset)):
        raise ReadError("dicom/syntax", where=where, syntax=syntax.name)
    for high, wide in _stated(dataset, frames, where):
        if (high, wide) != (rows, columns):
            if high * wide * samples * frames > MOST_PIXELS:
                raise ReadError("dicom/too-large", where=where, n=f"{high:,} × {wide:,}", most=f"{MOST_PIXELS:,}")
            reason = f"{rows} × {columns} in the header, {high} × {wide} in the pixels"
            raise ReadError("dicom/damaged", where=where, reason=reason)


def _stated(dataset: Any, frames: int, where: str) -> list[tuple[int, int]]:
    from pydicom.encaps import generate_frames

    try:
        found = [stated_size(data) for data in generate_frames(dataset.PixelData, number_of_frames=frames)]
    except Exception as error:  # noqa: BLE001 - see `opened`
        raise ReadError("dicom/damaged", where=where, reason=type(error).__name__) from error
    if len(found) < frames:
        raise ReadError("dicom/damaged", where=where, reason=f"{len(found)} of {frames} frames")
    return [size for size in found if size is not None]


def _decoded(dataset: Any, where: str) -> list[Any]:
    try:
        return stored_frames(dataset, stored_bits(dataset))
    except Exception as error:  # noqa: BLE001 - decoders raise whatever a damaged stream leads them to
        raise ReadError("dicom/damaged", where=where, reason=type(error).__name__) from error


def overlays(dataset: Any) -> int:
    """Return how many overlay planes a data set has; `facts` and `intake` tell, nothing is drawn."""
    planes = {
        element.tag.group
        for element in dataset
        if 0x6000 <= element.tag.group <= 0x60FF
        and element.tag.group % 2 == 0
        and element.tag.element in (0x3000, 0x10)
    }
    return len(planes)


def _patient(dataset: Any) -> str | None:
    text = str(dataset.get("PatientID") or "").strip()
    return text or None


def _yes_no(dataset: Any, keyword: str) -> bool | None:
    said = str(dataset.get(keyword) or "").strip().upper()
    return {"YES": True, "NO": False}.get(said)


def facts(dataset: Any, window: str) -> dict[str, Any]:
    """Return how the picture is stored, and how much the file carries beside it. Counts and standard words."""
    from synthproof.data.image.dicom_tags import carried

    told = carried(dataset)
    return {
        "frames": int(dataset.get("NumberOfFrames") or 1),
        "bits_stored": stored_bits(dataset),
        "photometric": str(dataset.get("PhotometricInterpretation", ""))[:16],
        "syntax": dataset.file_meta.TransferSyntaxUID.name,
        "window": window,
        "recognizable": _yes_no(dataset, "RecognizableVisualFeatures"),
        "attributes": told.attributes,
        "identifying": told.identifying,
        "private": told.private,
    }


__all__ = ["DicomPicture", "check_size", "facts", "library", "opened", "overlays", "read_dicom"]
