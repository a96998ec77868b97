"""Formats as they come from scanners, cameras and archives: colours of 16 bits, orientation, photometry, names."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pytest

from synthproof.core.errors import ReadError
from synthproof.data.image.decode import decode, is_dicom, look
from synthproof.data.image.io import How, is_image_source, read_images
from synthproof.data.image.write import write_images
from synthproof.data.table.io import notices

Image = pytest.importorskip("PIL.Image", reason="synthproof[images] is not installed")

DICE = np.random.default_rng(5)
GREY = DICE.integers(0, 256, (20, 30), dtype=np.uint8)
DEEP = DICE.integers(0, 65_536, (20, 30), dtype=np.uint16)
COLOURS = DICE.integers(0, 65_536, (20, 30, 4), dtype=np.uint16)
TURNED = 6
"""EXIF: the first row of the file is the right side of the picture."""


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(values: npt.NDArray[np.uint16], *, up: bool = False) -> bytes:
    """A PNG of 16 bits a channel; `up`: every row as its difference to the row above."""
    high, wide, channels = values.shape
    rows = values.astype(">u2").reshape(high, -1).view(np.uint8)
    told = np.concatenate([rows[:1], np.diff(rows, axis=0)]) if up else rows
    plain = np.concatenate([np.full((high, 1), 2 if up else 0, np.uint8), told], axis=1).tobytes()
    head = struct.pack(">IIBBBBB", wide, high, 16, {2: 4, 3: 2, 4: 6}[channels], 0, 0, 0)
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(plain)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def tiff(
    values: npt.NDArray[np.unsignedinteger], photometric: int, *, orientation: int = 1, end: Literal["<", ">"] = "<"
) -> bytes:
    """A TIFF of one plain strip."""
    data = values.astype(values.dtype.newbyteorder(end)).tobytes()
    channels, bits = values.shape[2] if values.ndim == 3 else 1, 8 * values.itemsize
    at = 8 + len(data)
    tags = [
        (256, 4, 1, values.shape[1]), (257, 4, 1, values.shape[0]), (258, 3, channels, bits if channels == 1 else at),
        (259, 3, 1, 1), (262, 3, 1, photometric), (273, 4, 1, 8), (274, 3, 1, orientation), (277, 3, 1, channels),
        (278, 4, 1, values.shape[0]), (279, 4, 1, len(data)),
    ]  # fmt: skip
    out = b""
    for tag, kind, n, value in tags:
        told = struct.pack(end + "HH", value, 0) if kind == 3 and n == 1 else struct.pack(end + "I", value)
        out += struct.pack(end + "HHI", tag, kind, n) + told
    extra = struct.pack(end + f"{channels}H", *[bits] * channels)
    start = (b"II*\0" if end == "<" else b"MM\0*") + struct.pack(end + "I", at + len(extra))
    return start + data + extra + struct.pack(end + "H", len(tags)) + out + b"\0" * 4


@pytest.mark.parametrize("name", ["png", "png, filtered", "tif", "tif, big-endian", "tif, compressed"])
def test_colours_of_16_bits_keep_every_bit(tmp_path: Path, name: str) -> None:
    given = COLOURS[..., :3]
    content = {
        "png": lambda: png(given),
        "png, filtered": lambda: png(given, up=True),
        "tif": lambda: tiff(given, 2),
        "tif, big-endian": lambda: tiff(given, 2, end=">"),
        "tif, compressed": lambda: deflated(given),
    }[name]()
    path = tmp_path / f"a.{name[:3]}"
    path.write_bytes(content)
    head = look(path, "a")
    assert (head.bits, head.colour, head.height, head.width) == (16, True, 20, 30)
    assert np.array_equal(decode(path, "a")[0], given)


def deflated(given: npt.NDArray[np.uint16]) -> bytes:
    from synthproof.data.image.deep import deep_tiff

    return deep_tiff(given, "made")


def test_alpha_of_16_bits_is_laid_over_black(tmp_path: Path) -> None:
    (tmp_path / "rgba.png").write_bytes(png(COLOURS))
    expected = np.rint(COLOURS[..., :3] * (COLOURS[..., 3:] / 65_535)).astype(np.uint16)
    assert np.array_equal(decode(tmp_path / "rgba.png", "a")[0], expected)
    (tmp_path / "la.png").write_bytes(png(COLOURS[..., :2]))
    head = look(tmp_path / "la.png", "a")
    assert (head.bits, head.colour) == (16, False)
    expected = np.rint(COLOURS[..., 0] * (COLOURS[..., 1] / 65_535)).astype(np.uint16)
    assert np.array_equal(decode(tmp_path / "la.png", "a")[0], expected)


@pytest.mark.parametrize("kind", ["png", "tif"])
def test_a_folder_of_16_bit_colours_comes_back_as_one(tmp_path: Path, kind: str) -> None:
    given = DICE.integers(0, 65_536, (12, 16, 16, 3), dtype=np.uint16)
    for i, picture in enumerate(given):
        place = tmp_path / "in" / ("a" if i % 2 else "b")
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{i:02d}.{kind}").write_bytes(png(picture) if kind == "png" else tiff(picture, 2))
    found = read_images(tmp_path / "in")
    assert (found.chain.bits, found.chain.channels) == (16, 3)
    (out,) = write_images(found, tmp_path / "out")
    assert {p.suffix for p in out.rglob("*") if p.is_file()} == {f".{kind}", ".csv"}
    again = read_images(out)
    assert sorted(again.digests()) == sorted(found.digests())
    with Image.open(next(out.rglob(f"*.{kind}"))) as picture:
        told = picture.info if kind == "png" else picture.tag_v2
        assert "trainedAlgorithmicMedia" in str(told["DigitalSourceType" if kind == "png" else 270])


def test_orientation_is_followed_in_every_format(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = TURNED
    Image.fromarray(GREY).save(tmp_path / "a.png", exif=exif)
    (tmp_path / "b.tif").write_bytes(tiff(GREY, 1, orientation=TURNED))
    Image.fromarray(GREY).save(tmp_path / "c.tif", compression="tiff_lzw", exif=exif)
    for path in sorted(tmp_path.iterdir()):
        head = look(path, path.name)
        assert (head.height, head.width) == (30, 20)
        assert np.array_equal(decode(path, path.name)[0], np.rot90(GREY, -1)), path.name


def test_white_is_zero_is_inverted_at_8_and_16_bits(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(tiff(GREY, 0))
    (tmp_path / "b.tif").write_bytes(tiff(DEEP, 0))
    assert np.array_equal(decode(tmp_path / "a.tif", "a")[0], 255 - GREY)
    assert np.array_equal(decode(tmp_path / "b.tif", "b")[0], 65_535 - DEEP)


def test_pixels_of_32_bits_are_refused_not_clipped(tmp_path: Path) -> None:
    Image.fromarray(GREY.astype(np.int32) * 1_000).save(tmp_path / "a.tif")
    with pytest.raises(ReadError) as caught:
        look(tmp_path / "a.tif", "a")
    assert caught.value.code == "image/depth"


def test_a_comment_that_inflates_to_a_bomb_costs_its_file_alone(tmp_path: Path) -> None:
    for i in range(20):
        Image.fromarray(GREY + i).save(tmp_path / f"{i:02d}.png")
    whole = (tmp_path / "00.png").read_bytes()
    bomb = chunk(b"zTXt", b"k\0\0" + zlib.compress(b"a" * 8_000_000))
    (tmp_path / "bomb.png").write_bytes(whole[:33] + bomb + whole[33:])
    found = read_images(tmp_path)
    assert found.n_rows == 20
    assert "image/damaged" in [n.code for n in notices(found.labels)]


def test_dicom_without_a_suffix_is_known_by_its_prefix(tmp_path: Path) -> None:
    pytest.importorskip("pydicom", reason="synthproof[dicom] is not installed")
    from synthproof.data.image.dicom_write import write_dicom

    for i, name in enumerate(("IM000001", "IM000002", "1.2.410.3", "DICOMDIR")):
        write_dicom(GREY + i, tmp_path / name, klass="a", seed=1, index=i, model="m")
    (tmp_path / "README").write_text("no picture")
    assert [is_dicom(tmp_path / n) for n in ("IM000001", "1.2.410.3", "DICOMDIR", "README")] == [
        True,
        True,
        False,
        False,
    ]
    assert is_image_source(tmp_path)
    found = read_images(tmp_path, How(side=20))
    assert found.n_rows == 3
    assert found.origin.options["format"] == "dicom"


@pytest.mark.parametrize(("bits", "told"), [(12, True), (16, False)])
def test_a_scanner_of_12_bits_in_files_of_16_is_told(tmp_path: Path, bits: int, told: bool) -> None:  # noqa: FBT001
    for i in range(12):
        Image.fromarray(DEEP >> np.uint16(16 - bits)).save(tmp_path / f"{i:02d}.png")
    codes = [n.code for n in notices(read_images(tmp_path).labels)]
    assert ("image/narrow-range" in codes) == told
