from __future__ import annotations

import warnings
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import config, dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    MPEG2MPML,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from synthproof.core.errors import ReadError
from synthproof.data.image import dicom
from synthproof.data.image.decode import look
from synthproof.data.image.dicom import read_dicom
from synthproof.data.image.dicom_streams import stated_size
from synthproof.data.image.io import read_images
from synthproof.testing.jpeg_streams import encoded

RAMP = (np.arange(48 * 64, dtype=np.uint16) % 4096).reshape(48, 64)


def dataset(pixels: np.ndarray, *, stored: int = 0, kind: str = "MONOCHROME2", **more: Any) -> Dataset:
    d = Dataset()
    d.file_meta = FileMetaDataset()
    d.file_meta.TransferSyntaxUID = more.pop("syntax", ExplicitVRLittleEndian)
    d.file_meta.MediaStorageSOPClassUID = d.SOPClassUID = "1.2.840.10008.5.1.4.1.1.1"
    d.file_meta.MediaStorageSOPInstanceUID = d.SOPInstanceUID = "1.2.3.4"
    colour = pixels.shape[-1] == 3
    frames = pixels.shape[0] if pixels.ndim == (4 if colour else 3) else 0
    d.Rows, d.Columns = pixels.shape[1 if frames else 0 :][:2]
    if frames:
        d.NumberOfFrames = frames
    d.SamplesPerPixel, d.PhotometricInterpretation = (3 if colour else 1), kind
    if colour:
        d.PlanarConfiguration = 0
    d.BitsAllocated = 8 * pixels.dtype.itemsize
    d.BitsStored = stored or d.BitsAllocated
    d.HighBit, d.PixelRepresentation = d.BitsStored - 1, int(pixels.dtype.kind == "i")
    d.PixelData = pixels.tobytes()
    d["PixelData"].VR = "OB" if d.BitsAllocated == 8 else "OW"
    for name, value in more.items():
        setattr(d, name, value)
    return d


def written(d: Dataset, folder: Path) -> Path:
    path = folder / "a.dcm"
    dcmwrite(path, d, enforce_file_format=True)
    return path


def test_eight_bits_stay_as_they_are(tmp_path: Path) -> None:
    given = (RAMP % 256).astype(np.uint8)
    got = read_dicom(written(dataset(given, PatientID=" P1 "), tmp_path))
    assert got.bits == 8
    assert np.array_equal(got.frames[0], given)
    assert (got.window, got.patient, got.burned_in, got.overlays) == ("as stored", "P1", None, 0)
    assert got.facts["identifying"] == 2  # PatientID, SOPInstanceUID
    assert "P1" not in str(got.facts)


def test_window_is_the_formula_of_the_standard(tmp_path: Path) -> None:
    d = dataset(
        RAMP, stored=12, RescaleSlope=2, RescaleIntercept=-1000, WindowCenter=[40, 600], WindowWidth=[400, 1600]
    )
    got = read_dicom(written(d, tmp_path))
    x = RAMP * 2.0 - 1000
    y = np.clip((x - 39.5) / 399 + 0.5, 0, 1)
    assert got.bits == 16
    assert np.abs(got.frames[0] - np.rint(y * 65535)).max() == 0
    assert got.window == "VOI window (linear)"


@pytest.mark.parametrize("kind", ["SIGMOID", "LINEAR_EXACT"])
def test_other_window_functions(kind: str, tmp_path: Path) -> None:
    d = dataset(RAMP, stored=12, WindowCenter=2000, WindowWidth=1000, VOILUTFunction=kind)
    got = read_dicom(written(d, tmp_path)).frames[0]
    x = RAMP.astype(float)
    want = 1 / (1 + np.exp(-4 * (x - 2000) / 1000)) if kind == "SIGMOID" else np.clip((x - 2000) / 1000 + 0.5, 0, 1)
    assert np.abs(got - want * 65535).max() <= 1


def test_full_range_padding_and_inversion(tmp_path: Path) -> None:
    given = (RAMP % 1000).astype(np.int16) - 500
    given[0] = -2000
    d = dataset(given, kind="MONOCHROME1", PixelPaddingValue=-2000)
    d["PixelPaddingValue"].VR = "SS"
    got = read_dicom(written(d, tmp_path))
    assert got.window == "full range, inverted"
    assert (got.frames[0][0] == 0).all(), "padding is black after the inversion too"
    body = got.frames[0][1:]
    assert body.min() == 0
    assert body.max() == 65535
    assert body[given[1:] == 499].max() == 0


def test_a_lookup_table_replaces_the_window(tmp_path: Path) -> None:
    table = Dataset()
    table.LUTDescriptor = [256, 0, 8]
    table["LUTDescriptor"].VR = "US"
    table.LUTData = list(range(255, -1, -1))
    table["LUTData"].VR = "US"
    given = (RAMP % 256).astype(np.uint8)
    got = read_dicom(written(dataset(given, VOILUTSequence=[table], WindowCenter=1, WindowWidth=2), tmp_path))
    assert got.window == "VOI LUT"
    assert np.array_equal(got.frames[0], 255 - given)


def test_frames_have_their_own_window(tmp_path: Path) -> None:
    def per_frame(center: float) -> Dataset:
        item, voi = Dataset(), Dataset()
        voi.WindowCenter, voi.WindowWidth = center, 101
        item.FrameVOILUTSequence = [voi]
        return item

    given = np.stack([RAMP, RAMP, RAMP])
    d = dataset(given, stored=12, PerFrameFunctionalGroupsSequence=[per_frame(c) for c in (100, 2000, 3000)])
    got = read_dicom(written(d, tmp_path))
    assert len(got.frames) == 3
    middle = [int((np.abs(f.astype(int) - 32768) < 400).argmax()) for f in got.frames]
    assert [round(RAMP.reshape(-1)[m] / 100) for m in middle] == [1, 20, 30]


def test_palette_and_colour(tmp_path: Path) -> None:
    d = dataset((RAMP % 256).astype(np.uint8), kind="PALETTE COLOR")
    for i, name in enumerate(("Red", "Green", "Blue")):
        setattr(d, f"{name}PaletteColorLookupTableDescriptor", [256, 0, 16])
        d[f"{name}PaletteColorLookupTableDescriptor"].VR = "US"
        setattr(d, f"{name}PaletteColorLookupTableData", (np.arange(256, dtype=np.uint16) * 256 >> i).tobytes())
    got = read_dicom(written(d, tmp_path)).frames[0]
    assert got.shape == (48, 64, 3)
    assert got[3, 8].tolist() == [200, 100, 50]
    rgb = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    assert np.array_equal(read_dicom(written(dataset(rgb, kind="RGB"), tmp_path)).frames[0], rgb)
    ybr = dataset(np.full((4, 4, 3), (128, 128, 128), np.uint8), kind="YBR_FULL")
    assert np.abs(read_dicom(written(ybr, tmp_path)).frames[0].astype(int) - 128).max() <= 1


def test_overlays_are_counted_and_not_drawn(tmp_path: Path) -> None:
    given = (RAMP % 4096) | (np.uint16(1) << 12)  # a plane in the unused bits
    d = dataset(given, stored=12)
    d.add_new(0x60000010, "US", 48)
    d.add_new(0x60000011, "US", 64)
    d.add_new(0x60023000, "OW", b"\xff" * (48 * 64 // 8))
    got = read_dicom(written(d, tmp_path))
    assert got.overlays == 2
    clean = read_dicom(written(dataset(RAMP % 4096, stored=12), tmp_path))
    assert np.array_equal(got.frames[0], clean.frames[0])


@pytest.mark.parametrize("syntax", [ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian])
def test_other_plain_syntaxes(syntax: Any, tmp_path: Path) -> None:
    pixels = RAMP.astype(">u2") if syntax == ExplicitVRBigEndian else RAMP
    d = dataset(pixels, stored=12, syntax=syntax, WindowCenter=2048, WindowWidth=4096)
    got = read_dicom(written(d, tmp_path)).frames[0]
    assert np.abs(got / 65535 - RAMP / 4095).max() < 1e-3


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless, JPEG2000Lossless])
def test_lossless_compression(syntax: Any, tmp_path: Path) -> None:
    d = dataset((RAMP % 256).astype(np.uint8))
    d.compress(syntax, generate_instance_uid=False)
    assert np.array_equal(read_dicom(written(d, tmp_path)).frames[0], (RAMP % 256).astype(np.uint8))


def test_jpeg_baseline_and_what_the_stream_says_of_its_size(tmp_path: Path) -> None:
    from PIL import Image

    file = BytesIO()
    Image.fromarray((RAMP // 16).astype(np.uint8)).save(file, "JPEG", quality=95)
    assert stated_size(file.getvalue()) == (48, 64)
    d = dataset((RAMP // 16).astype(np.uint8), syntax=JPEGBaseline8Bit)
    d.PixelData = encapsulate([file.getvalue()])
    d["PixelData"].is_undefined_length = True
    got = read_dicom(written(d, tmp_path)).frames[0]
    assert np.abs(got.astype(int) - (RAMP // 16)).mean() < 6
    d.Rows = 32
    with pytest.raises(ReadError) as caught:
        read_dicom(written(d, tmp_path))
    assert caught.value.code == "dicom/damaged"
    assert "48 × 64" in str(caught.value)


def _raises(d: Dataset, folder: Path) -> ReadError:
    with pytest.raises(ReadError) as caught:
        read_dicom(written(d, folder), "ward/a.dcm")
    assert caught.value.where == "ward/a.dcm"
    assert caught.value.part("remedy", "ko")
    return caught.value


def test_no_decoder_no_pixels_no_dicom(tmp_path: Path) -> None:
    d = dataset(RAMP, stored=12, syntax=JPEGExtended12Bit)  # Pillow reads its form of 8 bits alone
    d.PixelData = encapsulate([b"\xff\xd8\xff\xd9"])
    d["PixelData"].is_undefined_length = True
    for syntax in (JPEGExtended12Bit, MPEG2MPML):
        d.file_meta.TransferSyntaxUID = syntax
        if not dicom.decodable(syntax, 12):
            assert _raises(d, tmp_path).code == "dicom/syntax"
    d = dataset(RAMP)
    del d.PixelData
    assert _raises(d, tmp_path).code == "dicom/no-pixels"
    other = tmp_path / "b.dcm"
    for content in (b"", b"\x89PNG\r\n" + b"0" * 400, b"\0" * 128 + b"DICM" + b"\xff" * 40):
        other.write_bytes(content)
        with pytest.raises(ReadError) as caught:
            read_dicom(other)
        assert caught.value.code in {"dicom/not-dicom", "dicom/no-pixels", "dicom/damaged"}


def test_truncated_anywhere_is_an_error_of_ours(tmp_path: Path) -> None:
    plain = written(dataset(RAMP), tmp_path).read_bytes()
    packed = dataset((RAMP % 256).astype(np.uint8))
    packed.compress(RLELossless, generate_instance_uid=False)
    for whole in (plain, written(packed, tmp_path).read_bytes()):
        for share in (0.05, 0.3, 0.6, 0.9, 0.99):
            cut = tmp_path / "cut.dcm"
            cut.write_bytes(whole[: int(len(whole) * share)])
            with pytest.raises(ReadError):
                read_dicom(cut)


def test_bombs_are_refused_before_decoding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    d = dataset(RAMP)
    d.Rows = d.Columns = 60_000
    assert _raises(d, tmp_path).code == "dicom/too-large"
    d = dataset(RAMP, NumberOfFrames=1_000_000_000)
    assert _raises(d, tmp_path).code == "dicom/too-large"
    siz = (
        b"\xff\x4f\xff\x51"
        + b"\x00\x29\x00\x00"
        + b"".join(n.to_bytes(4, "big") for n in (60_000, 60_000, 0, 0))
        + b"\0" * 40
    )
    d = dataset(RAMP, syntax=JPEG2000Lossless)
    d.PixelData = encapsulate([siz])
    d["PixelData"].is_undefined_length = True
    assert _raises(d, tmp_path).code == "dicom/too-large"
    monkeypatch.setattr(dicom, "MOST_BYTES", 100_000)
    big = dataset(np.zeros((600, 600), np.uint8), syntax=DeflatedExplicitVRLittleEndian)
    path = written(big, tmp_path)
    assert path.stat().st_size < 3_000
    with pytest.raises(ReadError) as caught:
        read_dicom(path)
    assert caught.value.code == "dicom/too-large"
    assert zlib.MAX_WBITS == 15


@pytest.mark.parametrize("syntax", [JPEGLossless, JPEGLosslessSV1])
def test_lossless_jpeg_as_archives_store_it(syntax: Any, tmp_path: Path) -> None:
    window = {"WindowCenter": 2048, "WindowWidth": 4096}
    plain = read_dicom(written(dataset(RAMP.astype(np.int16) - 2048, stored=12, **window), tmp_path)).frames[0]
    predictor = 1 if syntax == JPEGLosslessSV1 else 6
    raw = (RAMP.astype(np.int32) - 2048) & 0xFFF
    d = dataset(RAMP.astype(np.int16), stored=12, syntax=syntax, **window)
    d.PixelData = encapsulate([encoded(raw.astype(np.uint16), 12, predictor=predictor)])
    d["PixelData"].is_undefined_length = True
    assert np.array_equal(read_dicom(written(d, tmp_path)).frames[0], plain), "signed values of twelve bits"
    colour = np.random.default_rng(0).integers(0, 256, (6, 7, 3), dtype=np.uint8)
    d = dataset(np.stack([colour, colour[::-1]]), kind="RGB", syntax=syntax)
    d.PixelData = encapsulate([encoded(c, 8, predictor=predictor) for c in (colour, colour[::-1])])
    d["PixelData"].is_undefined_length = True
    got = read_dicom(written(d, tmp_path)).frames
    assert np.array_equal(np.stack(got), np.stack([colour, colour[::-1]]))
    d.PixelData = encapsulate([encoded(colour, 8)[:-30], encoded(colour, 8)])
    d["PixelData"].is_undefined_length = True
    assert _raises(d, tmp_path).code == "dicom/damaged"


def test_the_head_knows_the_bits_that_are_drawn(tmp_path: Path) -> None:
    deep = dataset(np.stack([RAMP * 16] * 3, axis=-1), kind="RGB")
    mask = dataset((RAMP > 2000).astype(np.uint8), stored=1)
    for d, top in ((deep, 191), (mask, 255)):
        path = written(d, tmp_path)
        got = read_dicom(path)
        assert look(path, "x").bits == got.bits == 8
        assert got.frames[0].max() == top, "neither is all but black"


def test_odd_values_are_not_quoted_and_spoil_no_picture(tmp_path: Path) -> None:
    path = written(dataset(RAMP, stored=12, SeriesNumber="777777", StudyInstanceUID="1.2.410.200010.777"), tmp_path)
    body = path.read_bytes()
    path.write_bytes(body.replace(b"777777", b"77A777").replace(b"200010.777", b"200010.07A"))
    before = config.settings.reading_validation_mode
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert look(path, "x").bits == 16
        assert read_dicom(path).facts["identifying"] > 0
    assert config.settings.reading_validation_mode == before


def test_a_header_without_what_it_must_have_is_damage(tmp_path: Path) -> None:
    empty = dataset(RAMP)
    empty.BitsStored = None
    with pytest.raises(ReadError) as caught:
        look(written(empty, tmp_path), "x")
        read_dicom(tmp_path / "a.dcm")
    assert caught.value.code == "dicom/damaged"
    path = written(dataset(RAMP), tmp_path)
    body = path.read_bytes()
    at = body.index(b"\x02\x00\x10\x00UI")
    path.write_bytes(body[: at + 2] + b"\x11" + body[at + 3 :])  # the transfer syntax under another number
    with pytest.raises(ReadError):
        look(path, "x")


def test_reports_among_pictures_refuse_no_folder(tmp_path: Path) -> None:
    for i in range(12):
        d = dataset(RAMP, stored=12, PatientID=f"P{i}")
        if i % 2:
            del d.PixelData
        dcmwrite(tmp_path / f"{i}.dcm", d, enforce_file_format=True)
    found = read_images(tmp_path)
    assert found.n_rows == 6
    told = {n["code"]: n.get("n") for n in found.origin.options["notices"]}
    assert told["dicom/no-pixels"] == 6
    for i in range(0, 12, 2):
        (tmp_path / f"{i}.dcm").unlink()
    with pytest.raises(ReadError) as caught:
        read_images(tmp_path)
    assert caught.value.code == "image/too-many-bad"
