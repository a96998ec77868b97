"""What the files of a source carry beside their pictures, and what is burned into these: names and counts, no value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from synthproof.core.errors import MissingExtraError
from synthproof.data.image.chain import Pixels
from synthproof.data.image.dicom import DicomPicture
from synthproof.engines.finders.burned_in import LEAST_SIDE, find_burned_in

MOST_SIDE = 1_024
"""Larger pictures are halved until they fit before text is looked for: theirs is larger as well, and time is short."""
_TEXT_INFO = {
    "comment": "comment",
    "Comment": "comment",
    "photoshop": "IPTC",
    "XML:com.adobe.xmp": "XMP",
    "xmp": "XMP",
    "exif": "EXIF",
    "icc_profile": "colour profile",
}
# fmt: off
_PLAIN_INFO = frozenset(
    {
        "dpi", "aspect", "gamma", "interlace", "transparency", "srgb", "chromaticity", "jfif", "jfif_version",
        "jfif_unit", "jfif_density", "adobe", "adobe_transform", "progressive", "progression", "compression",
        "resolution", "mp", "mpoffset", "background", "duration", "loop", "default_image", "bbox", "blend",
        "disposal", "timestamp",
    }
)
# fmt: on
ALTERED_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
"""IPTC digital source type of pictures that a stage made of real ones."""
_GPS, _ORIENTATION, _DESCRIPTION = 0x8825, 0x0112, 0x010E
_BASELINE = frozenset(
    [*range(0x00FE, 0x010E), *range(0x0111, 0x0132), *range(0x013D, 0x015C), *range(0x0200, 0x0215)]
    + [0x8769, 0x8773, 0x9101]
)
"""TIFF tags that say how pixels are stored (TIFF 6.0 baseline and extensions), not where they come from."""


@dataclass(slots=True)
class Intake:
    """Counts over the files of a source, filled one file at a time.

    Parameters
    ----------
    look
        Whether pictures are searched for burned-in text: 2 ms at 96 px, 0.15 s at 1,024 px and above.
    """

    look: bool = True
    files: int = 0
    looked: int = 0
    with_text: int = 0
    too_small: int = 0
    with_metadata: int = 0
    altered: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    dicom: Counter[str] = field(default_factory=Counter)

    def see(self, path: Path, pictures: Sequence[Pixels], dicom: DicomPicture | None = None) -> None:
        """Take in one file that could be read.

        Parameters
        ----------
        path
            The file; of other files than DICOM the metadata are listed.
        pictures
            Its pictures as decoded, before any scaling: small letters do not survive it.
        dicom
            What `read_dicom` said of it.
        """
        self.files += 1
        if dicom is not None:
            self._see_dicom(dicom)
        else:
            kinds = metadata_kinds(path)
            self.with_metadata += bool(kinds)
            self.kinds.update(kinds)
            self.altered += bool({"text fields", "EXIF", "TIFF tags"} & set(kinds)) and says_altered(path)
        if self.look and pictures:
            self._search(pictures)

    def add(self, other: Intake) -> None:
        """Take in the counts of another intake, e.g. of one file."""
        for name in ("files", "looked", "with_text", "too_small", "with_metadata", "altered"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.kinds.update(other.kinds)
        self.dicom.update(other.dicom)

    def _see_dicom(self, found: DicomPicture) -> None:
        f = found.facts
        said = found.burned_in is True or f.get("recognizable") is True
        self.dicom["files"] += 1
        self.dicom["says_burned_in"] += said
        self.dicom["silent"] += found.burned_in is None and not said
        self.dicom["overlays"] += found.overlays > 0
        self.dicom["identifying"] += f.get("identifying", 0) > 0
        self.dicom["private"] += f.get("private", 0) > 0
        self.with_metadata += f.get("attributes", 0) > 0
        if f.get("attributes", 0):
            self.kinds["DICOM"] += 1

    def _search(self, pictures: Sequence[Pixels]) -> None:
        small = [p for p in pictures if min(p.shape[:2]) < LEAST_SIDE]
        if len(small) == len(pictures):
            self.too_small += 1
            return
        self.looked += 1
        self.with_text += any(find_burned_in(p, most_side=MOST_SIDE) for p in pictures)

    def facts(self) -> dict[str, Any]:
        """Return the counts as JSON values, in the shape of a receipt: the checklist reads them there."""
        return {
            "protection": "image.intake",
            "version": 1,
            "files": self.files,
            "text": {"looked_at": self.looked, "found": self.with_text, "too_small": self.too_small},
            "metadata": {"files": self.with_metadata, "kinds": dict(sorted(self.kinds.items())), "carried": 0},
            "dicom": dict(sorted(self.dicom.items())),
            "treatments": [],
        }

    def notices(self, where: str) -> list[dict[str, Any]]:
        """Return what a person should know, each as a code and its facts: four parts in ``core/messages``."""
        told: list[dict[str, Any]] = []
        if self.with_text:
            told.append({"code": "intake/text-found", "n": self.with_text, "of": self.looked})
        if self.too_small:
            told.append({"code": "intake/too-small", "n": self.too_small, "side": LEAST_SIDE})
        if self.dicom["says_burned_in"]:
            told.append(
                {
                    "code": "intake/says-burned-in",
                    "n": self.dicom["says_burned_in"],
                    "silent": self.dicom["silent"],
                }
            )
        if self.dicom["overlays"]:
            told.append({"code": "intake/overlays", "n": self.dicom["overlays"]})
        if self.with_metadata:
            kinds = ", ".join(f"{k} {n}" for k, n in sorted(self.kinds.items()))
            told.append({"code": "intake/metadata", "n": self.with_metadata, "kinds": kinds})
        if self.kinds["GPS"]:
            told.append({"code": "intake/place", "n": self.kinds["GPS"]})
        return [{**t, "where": where} for t in told]


def metadata_kinds(path: Path) -> tuple[str, ...]:
    """Return the kinds of metadata that a PNG, JPEG or TIFF file carries, sorted; no value, and no key that a person
    may have typed.

    Raises
    ------
    MissingExtraError
        ``extra/missing``: Pillow is not installed.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise MissingExtraError("extra/missing", library="Pillow", extra="images") from error
    found: set[str] = set()
    with Image.open(path, formats=("PNG", "JPEG", "TIFF")) as picture:
        try:
            exif: Mapping[int, Any] = picture.getexif()
        except Exception:  # noqa: BLE001 - a broken EXIF block is metadata too, and all that is said of it
            exif, found = {}, {"EXIF"}
        own = set(exif) - _BASELINE - {_ORIENTATION}
        if own - {_GPS}:
            found.add("EXIF" if picture.format != "TIFF" else "TIFF tags")
        if _GPS in exif or (hasattr(exif, "get_ifd") and _has_gps(exif)):
            found.add("GPS")
        for key in picture.info:
            name = str(key)
            if name in _TEXT_INFO:
                if name != "exif" or own:
                    found.add(_TEXT_INFO[name])
            elif name.lower() not in _PLAIN_INFO:
                found.add("text fields")
        if picture.format == "PNG":
            picture.load()  # text fields may stand behind the pixels
            found |= {"text fields"} if getattr(picture, "text", None) else set()
    return tuple(sorted(found))


def says_altered(path: Path) -> bool:
    """Return whether a file says of itself that it is an altered picture of a real one (`write` marks them so)."""
    from PIL import Image

    with Image.open(path, formats=("PNG", "JPEG", "TIFF")) as picture:
        if picture.format == "PNG":
            return str((getattr(picture, "text", None) or {}).get("DigitalSourceType", "")) == ALTERED_TYPE
        try:
            return str(picture.getexif().get(_DESCRIPTION, "")).startswith(ALTERED_TYPE)
        except Exception:  # noqa: BLE001 - a broken EXIF block says nothing
            return False


def _has_gps(exif: Any) -> bool:
    return bool(exif.get_ifd(_GPS))


__all__ = ["MOST_SIDE", "Intake", "metadata_kinds"]
