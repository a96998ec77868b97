"""De-identification of a DICOM data set by profile, and what a file carries: names and counts, never a value."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections import Counter
from collections.abc import Iterator, Mapping
from copy import copy
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from synthproof.core.errors import ConfigError, did_you_mean
from synthproof.data.image.dicom_profiles import (
    EMPTIED,
    IDENTIFYING,
    PICTURE,
    PROFILES,
    REPLACED,
    TECHNIQUE,
    TERMS,
    WORDS,
    Profile,
)

_CHARACTERS = re.compile(r"ISO[_ ]IR \d{1,3}|ISO 2022 IR \d{1,3}")
_SMALL = re.compile(r"[+-]?\d{0,6}(\.\d{0,12})?([eE][+-]?\d{1,2})?")
_STANDARD_UID = "1.2.840.10008."
_NUMBERS = {"US", "SS", "UL", "SL", "UV", "SV", "FL", "FD", "AT"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What a file says beside its picture.

    Parameters
    ----------
    attributes
        Elements with a value, nested ones included, without the pixels.
    identifying
        Those that speak of a person, staff, place, time or object.
    private
        Elements of manufacturers' own.
    names
        Standard names of the identifying ones with their counts; elements without a standard name are not named.
    """

    attributes: int
    identifying: int
    private: int
    names: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deidentified:
    """A data set after de-identification, and how many elements met which end."""

    dataset: Any
    profile: Profile
    counts: Mapping[str, int] = field(default_factory=dict)


def carried(dataset: Any) -> Carried:
    """Return what a data set carries beside its pixels."""
    attributes = private = 0
    names: Counter[str] = Counter()
    for element in _walk(dataset):
        if element.VR == "SQ" or element.keyword == "PixelData" or element.is_empty:
            continue
        attributes += 1
        if element.tag.is_private:
            private += 1
        elif element.keyword in IDENTIFYING or element.VR in {"PN", "DA", "DT", "TM"}:
            names[element.keyword or "repeating group"] += 1
    return Carried(
        attributes=attributes, identifying=sum(names.values()), private=private, names=dict(sorted(names.items()))
    )


def _walk(dataset: Any) -> Iterator[Any]:
    for element in dataset:
        yield element
        if element.VR == "SQ":
            for item in element.value or ():
                yield from _walk(item)


def deidentified(dataset: Any, profile: str = "basic", *, salt: bytes | None = None) -> Deidentified:
    """Return a copy of a data set that says nothing of a person, and what was done.

    Parameters
    ----------
    dataset
        As pydicom read it; not changed.
    profile
        ``"whitelist"``: what draws the picture, no more. ``"basic"``: also how it was taken, with empty places for
        what a valid file must have, and identifiers of objects replaced.
    salt
        Replaced identifiers depend on it: files of one source need one salt so that a series stays a series. Drawn
        anew when absent. Whoever has it can test a guess, so it belongs in the vault or nowhere.

    Raises
    ------
    ConfigError
        ``dicom/unknown-profile``.

    Notes
    -----
    What the pixels show is not touched: text burned into them and faces stay (`synthproof.protection.burned_in`). The
    preamble, private elements, overlays, curves, thumbnails and attached signatures go under every profile; so do overlays
    in bits of uncompressed pixels that the picture does not use.
    """
    if profile not in PROFILES:
        known = ", ".join(PROFILES)
        raise ConfigError("dicom/unknown-profile", name=profile, hint=did_you_mean(profile, PROFILES), known=known)
    from pydicom.dataset import Dataset, FileMetaDataset

    chosen: Profile = profile
    key = secrets.token_bytes(16) if salt is None else salt
    counts: Counter[str] = Counter()
    out = _copied(dataset, chosen, key, counts, Dataset)
    if chosen == "whitelist":  # a file needs an identifier of its own, also one that draws nothing but the picture
        out.SOPInstanceUID = replaced_uid(str(dataset.get("SOPInstanceUID") or secrets.token_hex(16)), key)
    else:
        for name in EMPTIED:
            if name not in out:
                setattr(out, name, "")
    if (cleared := without_hidden_planes(dataset)) is not None:
        out["PixelData"].value = cleared
        counts["planes_cleared"] += 1
    out.PatientIdentityRemoved = "YES"
    out.DeidentificationMethod = f"synthproof {chosen}, categories of PS3.15 Annex E"
    out.LongitudinalTemporalInformationModified = "REMOVED"
    meta, given = FileMetaDataset(), getattr(dataset, "file_meta", None)
    if given is not None and "TransferSyntaxUID" in given:
        meta.TransferSyntaxUID = given.TransferSyntaxUID
    if "SOPClassUID" in out:
        meta.MediaStorageSOPClassUID = out.SOPClassUID
    meta.MediaStorageSOPInstanceUID = out.SOPInstanceUID
    out.file_meta = meta
    out.preamble = b"\0" * 128
    return Deidentified(dataset=out, profile=chosen, counts=dict(sorted(counts.items())))


def without_hidden_planes(dataset: Any) -> bytes | None:
    """Return the pixels without overlay planes in their unused bits (retired, PS3.5-2004 8.1.2); ``None`` when there are none."""
    from pydicom.uid import ImplicitVRLittleEndian

    planes = [e for e in dataset if 0x6000 <= e.tag.group <= 0x60FF and e.tag.element == 0x0102]
    hidden = [e for e in planes if e.value and (e.tag.group, 0x3000) not in dataset]
    meta = getattr(dataset, "file_meta", None)
    syntax = meta.get("TransferSyntaxUID", ImplicitVRLittleEndian) if meta is not None else ImplicitVRLittleEndian
    if not hidden or "PixelData" not in dataset or syntax.is_compressed:
        return None
    allocated, stored = int(dataset.BitsAllocated), int(dataset.get("BitsStored") or dataset.BitsAllocated)
    shift = int(dataset.get("HighBit") or stored - 1) - stored + 1
    kind = np.dtype(f"{'<' if syntax.is_little_endian else '>'}u{allocated // 8}")
    values = np.frombuffer(dataset.PixelData, dtype=kind) & kind.type(((1 << stored) - 1) << shift)
    return bytes(values.astype(kind).tobytes())


def _copied(dataset: Any, profile: Profile, salt: bytes, counts: Counter[str], make: Any) -> Any:
    """Return the allowed elements of one level; sequences that stay are gone through in the same way."""
    kept = PICTURE if profile == "whitelist" else PICTURE | TECHNIQUE
    out = make()
    for element in dataset:
        name = element.keyword
        if element.tag.is_private or not name or element.tag.group >= 0x6000 and name != "PixelData":
            counts["removed"] += 1
        elif profile == "basic" and name in EMPTIED:
            setattr(out, name, "")
            counts["emptied"] += 1
        elif profile == "basic" and name in REPLACED and not element.is_empty:
            setattr(out, name, replaced_uid(str(element.value), salt))
            counts["replaced"] += 1
        elif name not in kept:
            counts["removed"] += 1
        elif element.VR == "SQ":
            setattr(out, name, [_copied(item, profile, salt, counts, make) for item in element.value or ()])
            counts["kept"] += 1
        elif _harmless(element):
            out.add(copy(element))
            counts["kept"] += 1
        else:
            counts["cleaned"] += 1
    return out


def _harmless(element: Any) -> bool:
    """Return whether a kept element holds what its kind should hold: anyone may have typed anything into it."""
    if element.is_empty or element.keyword == "PixelData":
        return True
    if element.VR in _NUMBERS or element.VR in {"OB", "OW", "OB or OW", "US or SS", "US or OW"}:
        return element.VR in _NUMBERS | {"US or SS"} or element.keyword in PICTURE
    values = element.value if element.VM > 1 else [element.value]
    if element.VR in {"DS", "IS"}:
        return all(_SMALL.fullmatch(str(v).strip()) is not None for v in values)  # no record number, no date
    if element.VR == "UI":
        return all(str(v).startswith(_STANDARD_UID) for v in values)
    words = [str(v).strip() for v in values]
    return element.keyword in WORDS and all(w in TERMS or not w or _CHARACTERS.fullmatch(w) for w in words)


def replaced_uid(uid: str, salt: bytes) -> str:
    """Return another identifier for `uid`, always the same under one salt (form ``2.25.`` of PS3.5 Annex B.2)."""
    digest = hashlib.sha256(salt + b"\0" + uid.encode()).digest()[:16]
    return f"2.25.{int.from_bytes(digest, 'big')}"


__all__ = ["Carried", "Deidentified", "carried", "deidentified", "replaced_uid", "without_hidden_planes"]
