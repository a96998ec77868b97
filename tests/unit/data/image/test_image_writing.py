"""Drawn pictures are written in the kind they came in, marked synthetic, and read back as they were."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from synthproof.data.image.dataset import ImageSet
from synthproof.data.image.io import read_images
from synthproof.data.image.modality import ImageModality
from synthproof.data.image.write import SYNTHETIC, safe_name, write_images
from synthproof.data.table.dataset import Origin, Table
from synthproof.testing.shapes import shapes

Image = pytest.importorskip("PIL.Image", reason="synthproof[images] is not installed")


def drawn(kind: str, n: int = 30, channels: int = 1) -> ImageSet:
    """Return pictures as a generator leaves them."""
    data = shapes(n, 3, channels=channels)
    labels = Table(data.frame, data.schema, origin=Origin(container="images", options={"format": kind}, name="x"))
    marks = pd.DataFrame({"seed": 11, "index": np.arange(n), "model": "sha256:abc"})
    return ImageSet(labels, data.store, data.chain, marks=marks)


@pytest.mark.parametrize(
    ("kind", "channels"), [("png", 1), ("png", 3), ("tiff", 1), ("jpeg", 1), ("npz", 1), ("npz", 3)]
)
def test_what_is_written_reads_back(kind: str, channels: int, tmp_path: Path) -> None:
    data = drawn(kind, channels=channels)
    (place,) = write_images(data, tmp_path / "out")
    found = read_images(place)
    assert found.n_rows == data.n_rows
    assert found.targets == ("class",)
    if kind == "jpeg":
        return
    assert sorted(found.digests()) == sorted(data.digests())
    by_digest = dict(zip(data.digests(), data.frame["class"], strict=True))
    assert [by_digest[d] for d in found.digests()] == found.frame["class"].astype(str).tolist()


def test_every_picture_says_that_it_is_synthetic(tmp_path: Path) -> None:
    write_images(drawn("png"), tmp_path / "out")
    for path in (tmp_path / "out").rglob("*.png"):
        with Image.open(path) as picture:
            assert picture.info["Description"] == SYNTHETIC
            assert picture.info["synthproof:seed"] == "11"
            assert picture.info["synthproof:model"] == "sha256:abc"
            assert picture.info["synthproof:class"] == path.parent.name
    listed = pd.read_csv(tmp_path / "out" / "images.csv")
    assert listed["index"].tolist() == list(range(30))
    with np.load(write_images(drawn("npz"), tmp_path / "a.npz")[0], allow_pickle=False) as stored:
        assert str(stored["synthetic"]) == SYNTHETIC


def test_dicom_out_is_a_secondary_capture_marked_synthetic(tmp_path: Path) -> None:
    pydicom = pytest.importorskip("pydicom", reason="synthproof[dicom] is not installed")
    write_images(drawn("dicom", n=3), tmp_path / "out")
    files = sorted((tmp_path / "out").rglob("*.dcm"))
    assert len(files) == 3
    for path in files:
        found = pydicom.dcmread(path)
        assert "SYNTHETIC" in str(found.PatientID)
        assert found.ImageType[:2] == ["DERIVED", "SECONDARY"]
    assert sorted(read_images(tmp_path / "out").digests()) == sorted(drawn("dicom", n=3).digests())


@pytest.mark.parametrize(
    ("name", "folder"),
    [("../../etc", "_.._etc"), ("폐렴", "폐렴"), ("a/b", "a_b"), ("...", "class"), ("No finding", "No finding")],
)
def test_a_class_is_never_a_path(name: str, folder: str) -> None:
    assert safe_name(name) == folder


def test_the_modality_places_and_previews(tmp_path: Path) -> None:
    modality, data = ImageModality(), shapes(80, 4, persons=30)
    points = modality.embedder(data).transform(data)
    assert points.shape == (len(data), min(50, len(data)))
    assert np.isfinite(points).all()
    shown = modality.preview(drawn("png"), n=4)
    assert [i["png"].startswith("data:image/png;base64,") for i in shown["images"]] == [True] * 4
