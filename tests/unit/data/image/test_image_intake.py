from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image, PngImagePlugin

from synthproof.core.errors import messages
from synthproof.data.image.dicom import read_dicom
from synthproof.data.image.dicom_write import write_dicom
from synthproof.data.image.intake import Intake, metadata_kinds
from synthproof.testing.picture_protections import WITH_TEXT, example

CANARY = "QZXCANARY"


def pixels(row: int = 10) -> np.ndarray:
    return example()[0].store[row, ..., 0]


def test_kinds_of_metadata_are_told_and_no_value(tmp_path: Path) -> None:
    plain = tmp_path / "a.png"
    Image.fromarray(pixels()).save(plain)
    assert metadata_kinds(plain) == ()
    info = PngImagePlugin.PngInfo()
    info.add_text("Author", CANARY)
    texted = tmp_path / "b.png"
    Image.fromarray(pixels()).save(texted, pnginfo=info)
    assert metadata_kinds(texted) == ("text fields",)
    exif = Image.Exif()
    exif[0x010F], exif[0x0132] = CANARY, "2024:01:05 10:11:12"
    exif.get_ifd(0x8825)[1] = "N"
    jpeg = tmp_path / "c.jpg"
    Image.fromarray(pixels()).save(jpeg, exif=exif, comment=CANARY.encode())
    assert set(metadata_kinds(jpeg)) == {"EXIF", "GPS", "comment"}
    turned = Image.Exif()
    turned[0x0112] = 6
    only = tmp_path / "d.jpg"
    Image.fromarray(pixels()).save(only, exif=turned)
    assert metadata_kinds(only) == (), "the orientation is used, and says nothing of anyone"
    tiff = tmp_path / "e.tif"
    Image.fromarray(pixels()).save(tiff, tiffinfo={270: CANARY})
    assert metadata_kinds(tiff) == ("TIFF tags",)
    bare = tmp_path / "f.tif"
    Image.fromarray(pixels()).save(bare)
    assert metadata_kinds(bare) == ()


def test_a_folder_is_counted_and_every_notice_has_its_four_parts(tmp_path: Path) -> None:
    intake = Intake()
    exif = Image.Exif()
    exif[0x010F] = CANARY
    exif.get_ifd(0x8825)[1] = "N"
    for i, row in enumerate((10, 11, WITH_TEXT[0])):
        path = tmp_path / f"{i}.jpg"
        Image.fromarray(pixels(row)).save(path, quality=95, **({"exif": exif} if i == 0 else {}))
        intake.see(path, [pixels(row)])
    small = tmp_path / "s.png"
    Image.fromarray(pixels()[:28, :28]).save(small)
    intake.see(small, [pixels()[:28, :28]])
    path = write_dicom(pixels(), tmp_path / "x.dcm", klass="a", seed=0, index=0, model="m")
    import pydicom

    d = pydicom.dcmread(path)
    d.BurnedInAnnotation, d.PatientName = "YES", CANARY
    d.add_new(0x60003000, "OW", b"\0" * 1152)
    d.save_as(path)
    found = read_dicom(path)
    intake.see(path, found.frames, found)
    facts = intake.facts()
    assert facts["files"] == 5
    assert facts["text"] == {"looked_at": 4, "found": 1, "too_small": 1}
    assert facts["metadata"]["files"] == 2
    assert facts["metadata"]["kinds"] == {"DICOM": 1, "EXIF": 1, "GPS": 1}
    assert facts["dicom"]["says_burned_in"] == 1
    assert facts["dicom"]["overlays"] == 1
    told = intake.notices("folder")
    assert [t["code"] for t in told] == [
        "intake/text-found", "intake/too-small", "intake/says-burned-in", "intake/overlays", "intake/metadata", "intake/place",
    ]  # fmt: skip
    for t in told:
        for part in ("what", "found", "remedy"):
            for lang in ("en", "ko"):
                text = messages()[t["code"]][part][lang].format_map(t)
                assert text
                assert "{" not in text
    assert CANARY not in json.dumps([facts, told])


def test_a_clean_folder_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(pixels()).save(path)
    intake = Intake(look=False)
    intake.see(path, [pixels()])
    assert intake.notices("x") == []
    assert intake.facts()["text"] == {"looked_at": 0, "found": 0, "too_small": 0}
