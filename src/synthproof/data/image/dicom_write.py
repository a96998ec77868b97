"""A synthetic picture as a DICOM file: secondary capture, marked synthetic everywhere, no attribute copied."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from synthproof.core.errors import ConfigError
from synthproof.data.image.chain import Pixels
from synthproof.data.image.dicom import library

_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"  # Secondary Capture Image Storage
_EXPLICIT = "1.2.840.10008.1.2.1"
_SYNTHETIC = "SYNTHETIC"
_EMPTY = (
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "AccessionNumber",
    "ReferringPhysicianName",
    "PatientOrientation",
    "Laterality",
)


def write_dicom(array: Pixels, path: Path, *, klass: str, seed: int, index: int, model: str) -> Path:
    """Write one drawn picture and return the path.

    Parameters
    ----------
    array
        Shape (h, w), (h, w, 1) or (h, w, 3); grey of 8 or 16 bits, RGB of 8.
    path
        Target; written whole or not at all.
    klass
        Class that was asked for.
    seed, index, model
        Which draw it is: seed, position, digest of the model.

    Raises
    ------
    ConfigError
        ``dicom/unwritable``.

    Notes
    -----
    Identifiers are hashes of (model, seed, index), so that the same draw is the same object in every archive. No date,
    no sex, no age: a synthetic person has none. ``ConversionType`` SYN is the standard's word for such pictures.
    """
    pixels = array[..., 0] if array.ndim == 3 and array.shape[2] == 1 else array
    colour = pixels.ndim == 3 and pixels.shape[2] == 3 and pixels.dtype == np.uint8
    grey = pixels.ndim == 2 and pixels.dtype in (np.uint8, np.uint16)
    if not (colour or grey) or 0 in pixels.shape or max(pixels.shape) > 65_535:
        shape = "×".join(map(str, array.shape))
        raise ConfigError("dicom/unwritable", where=path.name, shape=shape, dtype=str(array.dtype))
    dataset = _header(klass, seed, index, model)
    bits = 8 * pixels.dtype.itemsize
    dataset.SamplesPerPixel = 3 if colour else 1
    dataset.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    if colour:
        dataset.PlanarConfiguration = 0
    dataset.Rows, dataset.Columns = pixels.shape[:2]
    dataset.BitsAllocated = dataset.BitsStored = bits
    dataset.HighBit, dataset.PixelRepresentation = bits - 1, 0
    raw = np.ascontiguousarray(pixels.astype(pixels.dtype.newbyteorder("<"))).tobytes()
    dataset.PixelData = raw + b"\0" * (len(raw) % 2)
    dataset["PixelData"].VR = "OB" if bits == 8 else "OW"
    part = path.with_name(path.name + ".part")
    library().dcmwrite(str(part), dataset, enforce_file_format=True)
    part.replace(path)
    return path


def _header(klass: str, seed: int, index: int, model: str) -> Any:
    from pydicom.datadict import tag_for_keyword
    from pydicom.dataset import Dataset, FileMetaDataset

    library()
    d = Dataset()
    d.SpecificCharacterSet = "ISO_IR 192"
    d.ImageType = ["DERIVED", "SECONDARY"]
    d.SOPClassUID = _CAPTURE
    d.SOPInstanceUID = _uid("object", model, seed, index)
    d.StudyInstanceUID, d.SeriesInstanceUID = _uid("study", model, seed), _uid("series", model, seed, klass)
    d.Modality, d.ConversionType = "OT", "SYN"
    d.PatientID, d.PatientName = _SYNTHETIC, _SYNTHETIC
    for name in _EMPTY:
        setattr(d, name, "")
    d.SeriesNumber, d.InstanceNumber = 1, index + 1
    d.SeriesDescription = _SYNTHETIC
    d.DerivationDescription = f"{_SYNTHETIC}: drawn by a generative model (synthproof); it shows no patient"
    d.ImageComments = f"{_SYNTHETIC}; class={klass}; seed={seed}; index={index}; model={model}"
    d.BurnedInAnnotation, d.PatientIdentityRemoved = "NO", "YES"
    d.DeidentificationMethod = "SYNTHETIC DATA, NO PATIENT"
    d.LossyImageCompression = "00"
    if tag_for_keyword("SyntheticData"):  # an attribute of the newer standard
        d.SyntheticData = "YES"
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = d.SOPClassUID, d.SOPInstanceUID
    meta.TransferSyntaxUID = _EXPLICIT
    d.file_meta = meta
    d.preamble = b"\0" * 128
    return d


def _uid(*parts: object) -> str:
    digest = hashlib.sha256("\0".join(map(str, parts)).encode()).digest()[:16]
    return f"2.25.{int.from_bytes(digest, 'big')}"


__all__ = ["write_dicom"]
