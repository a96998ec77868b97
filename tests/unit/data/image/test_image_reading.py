"""Folders, label tables, archives and arrays of pictures are read; bad files cost only themselves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from synthproof.core.errors import ReadError, SchemaError
from synthproof.core.run import Run
from synthproof.data.image.chain import Chain, fitting_side
from synthproof.data.image.dataset import ImageSet
from synthproof.data.image.io import How, is_image_source, read_images
from synthproof.data.image.scenes_io import read_pictures
from synthproof.data.split import split
from synthproof.data.table.io import notices
from synthproof.testing.shapes import CLASSES, shapes

Image = pytest.importorskip("PIL.Image", reason="synthproof[images] is not installed")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Sixty pictures of three classes, one folder a class."""
    data = shapes(60, 1)
    codes, names = data.classes()
    for i, picture in enumerate(data.pixels()):
        place = tmp_path / "pictures" / names[codes[i]]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture[..., 0]).save(place / f"{i:03d}.png")
    return tmp_path / "pictures"


def test_a_folder_a_class_gives_every_pixel_back(folder: Path) -> None:
    found, data = read_images(folder), shapes(60, 1)
    assert is_image_source(folder)
    assert (found.n_rows, found.chain) == (60, Chain(side=16))
    assert found.classes()[1] == CLASSES
    assert sorted(found.digests()) == sorted(data.digests())
    by_digest = dict(zip(data.digests(), data.frame["class"], strict=True))
    assert [by_digest[d] for d in found.digests()] == found.frame["class"].tolist()


def test_bad_files_are_left_out_and_told_by_reason_without_names(folder: Path) -> None:
    whole = (folder / "disc").glob("*.png").__next__().read_bytes()
    (folder / "disc" / "Kim_broken.png").write_bytes(whole[: len(whole) // 2])
    (folder / "disc" / "Kim_empty.png").write_bytes(b"")
    (folder / "disc" / "Kim_text.png").write_text("no picture")
    (folder / "disc" / "Kim_named.jpg").write_bytes(whole)
    Image.fromarray(np.full((16, 16), 40_000, dtype=np.uint16)).save(folder / "disc" / "Kim_deep.png")
    found = read_images(folder)
    told = notices(found.labels)
    assert found.n_rows == 60
    assert {n.code for n in told if n.code.startswith("image/")} == {
        "image/damaged", "image/empty", "image/not-an-image", "image/wrong-suffix", "image/mixed-depth",
    }  # fmt: skip
    for notice in told:
        for lang in ("en", "ko"):
            assert "Kim" not in notice.text(lang)  # type: ignore[arg-type]


def test_a_folder_that_is_mostly_bad_is_refused(tmp_path: Path) -> None:
    for i in range(10):
        (tmp_path / f"{i}.png").write_bytes(b"x" * 50)
    with pytest.raises(ReadError) as caught:
        read_images(tmp_path)
    assert caught.value.code == "image/too-many-bad"


def test_a_decompression_bomb_is_not_opened(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("synthproof.data.image.decode.MOST_PIXELS", 16 * 16)
    Image.new("L", (17, 17)).save(folder / "disc" / "large.png")
    found = read_images(folder)
    assert [n.code for n in notices(found.labels)][0] == "image/too-large"
    assert "at most 256 pixels" in notices(found.labels)[0].text("en")
    assert found.n_rows == 60


def test_a_label_table_names_labels_persons_and_attributes(folder: Path, tmp_path: Path) -> None:
    files = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*.png"))
    table = pd.DataFrame(
        {
            "filename": files,
            "Finding Labels": [
                "Effusion|Mass" if i % 3 == 0 else "Mass" if i % 3 == 1 else "No Finding" for i in range(60)
            ],
            "Patient ID": [f"MRN-{i // 2:05d}" for i in range(60)],
            "age": np.arange(60) % 47 + 20,
        }
    )
    table.to_csv(tmp_path / "labels.csv", index=False)
    found = read_images(folder, How(labels=str(tmp_path / "labels.csv")))
    assert set(found.targets) == {"Effusion", "Mass"}
    assert found.schema.unit_field == "Patient ID"
    assert len(found) == 30
    assert "MRN" not in found.frame.astype(str).to_string()
    assert found.frame["Effusion"].sum() == 20
    assert found.schema.field("age").numeric
    parts = split(found, holdout=0.5, seed=3)
    assert not set(parts.train.frame["Patient ID"]) & set(parts.holdout.frame["Patient ID"])
    assert parts.train.n_rows + parts.holdout.n_rows == 60


def test_a_table_that_names_no_file_or_no_label_is_refused(folder: Path, tmp_path: Path) -> None:
    pd.DataFrame({"a": ["x", "y"] * 30, "label": ["p", "q"] * 30}).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(ReadError) as caught:
        read_images(folder, How(labels=str(tmp_path / "t.csv")))
    assert caught.value.code == "image/no-file-column"
    files = sorted(p.name for p in folder.rglob("*.png"))
    pd.DataFrame({"file": files, "note": [f"n{i}" for i in range(60)]}).to_csv(tmp_path / "u.csv", index=False)
    with pytest.raises(ReadError) as caught:
        read_images(folder, How(labels=str(tmp_path / "u.csv")))
    assert caught.value.code == "image/no-label-column"
    with pytest.raises(SchemaError) as wrong:
        read_images(folder, How(labels=str(tmp_path / "u.csv"), targets=("notes",)))
    assert wrong.value.code == "schema/unknown-field"


def test_archives_are_streamed_and_parts_are_told_apart(tmp_path: Path) -> None:
    data = shapes(50, 2)
    x, y = data.pixels()[..., 0], data.classes()[0]
    np.savez_compressed(tmp_path / "two.npz", x_train=x[:30], y_train=y[:30], x_test=x[30:], y_test=y[30:])
    train, test = (read_images(tmp_path / "two.npz", How(part=p)) for p in ("train", "test"))
    assert (train.n_rows, test.n_rows) == (30, 20)
    assert np.array_equal(test.pixels()[..., 0], x[30:])
    assert [int(v) for v in test.frame["class"]] == y[30:].tolist()
    np.savez(tmp_path / "named.npz", images=np.asfortranarray(x), y=y, classes=np.array(CLASSES), patient=y)
    named = read_images(tmp_path / "named.npz")
    assert np.array_equal(named.pixels()[..., 0], x)
    assert named.frame["class"].tolist() == data.frame["class"].tolist()
    assert len(named) == 3
    np.savez(tmp_path / "object.npz", x=x.astype(np.float64), y=y)
    with pytest.raises(ReadError) as caught:
        read_images(tmp_path / "object.npz")
    assert caught.value.code == "image/depth"


def test_sixteen_bits_colour_and_odd_sizes_go_through_one_chain(tmp_path: Path) -> None:
    dice = np.random.default_rng(0)
    for i in range(12):
        high, wide = int(dice.integers(40, 90)), int(dice.integers(40, 90))
        Image.fromarray(dice.integers(0, 65_536, (high, wide), dtype=np.uint16)).save(tmp_path / f"{i}.tif")
    found = read_images(tmp_path, How(side=32))
    assert (found.chain.bits, found.chain.side, found.pixels().dtype) == (16, 32, np.uint16)
    for picture in tmp_path.iterdir():
        picture.unlink()
    for i in range(12):
        Image.fromarray(dice.integers(0, 256, (64, 48, 3), dtype=np.uint8)).save(tmp_path / f"{i}.png")
    colour = read_images(tmp_path)
    assert (colour.chain.channels, colour.chain.side) == (3, 48)
    assert not colour.pixels()[:, :, 0].any(), "a narrow picture is padded with black"
    assert read_images(tmp_path, How(fit="crop", colour="grey")).chain.channels == 1


def test_the_chain_leaves_a_fitting_square_alone_and_shrinks_with_antialiasing() -> None:
    square = shapes(1, 0, side=32).pixels()[0]
    assert np.array_equal(Chain(side=32).apply(square), square)
    stripes = np.tile(np.array([0, 255], dtype=np.uint8), (64, 32))
    shrunk = Chain(side=16).apply(stripes)
    assert np.abs(shrunk[1:-1, 1:-1].astype(int) - 127).max() <= 4, (
        "stripes finer than a pixel become their mean, not a pattern"
    )
    assert fitting_side(np.array([500, 600, 90]), np.array([90, 700, 800])) == 64
    assert fitting_side(np.array([28, 28]), np.array([28, 28])) == 28


def test_nothing_is_copied_by_take_and_fingerprints_follow_content() -> None:
    data = shapes(40, 5, persons=10)
    some = data.take(np.array([3, 1, 3]))
    assert some.store is data.store
    assert some.n_rows == 2 * (data.unit_of_row == 3).sum() + (data.unit_of_row == 1).sum()
    assert data.fingerprint() == shapes(40, 5, persons=10).fingerprint() != shapes(40, 6, persons=10).fingerprint()
    assert isinstance(some, ImageSet)
    assert len(np.unique(data.first_rows())) == len(data)


def test_reading_can_be_cancelled(folder: Path) -> None:
    job = Run()
    job.cancel()
    with pytest.raises(Exception, match="run/cancelled"):
        read_images(folder, run=job)


def test_pictures_of_other_formats_are_told(folder: Path) -> None:
    for i, path in enumerate(sorted((folder / "disc").glob("*.png"))):
        Image.open(path).save(path.with_suffix(".bmp"))
        if i:
            path.unlink()
    told = {n["code"]: n.get("n") for n in read_images(folder).origin.options["notices"]}
    assert told["image/other-formats"] == len([*(folder / "disc").glob("*.bmp")]) > 1


def test_a_damaged_archive_is_an_error_of_ours(tmp_path: Path) -> None:
    x, y = np.random.default_rng(0).integers(0, 256, (40, 16, 16), dtype=np.uint8), np.arange(40) % 2
    np.savez(tmp_path / "a.npz", x=x, y=y)
    body = bytearray((tmp_path / "a.npz").read_bytes())
    body[5_000] ^= 0xFF
    (tmp_path / "b.npz").write_bytes(bytes(body))
    with pytest.raises(ReadError) as caught:
        read_images(tmp_path / "b.npz")
    assert caught.value.code == "image/damaged"
    np.savez(tmp_path / "c.npz", x=x, y=np.zeros((40, 2, 2)))
    with pytest.raises(ReadError) as caught:
        read_images(tmp_path / "c.npz")
    assert caught.value.code == "image/labels-differ"
    for odd in (x[:0], np.zeros((4, 3, 16, 16), np.uint8)):
        np.savez(tmp_path / "d.npz", x=odd)
        for source in (tmp_path / "d.npz", {"images": odd}):
            with pytest.raises(ReadError) as caught:
                read_images(source)
            assert caught.value.code == "image/no-pictures"


def test_persons_of_one_part_of_an_archive(tmp_path: Path) -> None:
    x = np.random.default_rng(0).integers(0, 256, (40, 16, 16), dtype=np.uint8)
    np.savez(
        tmp_path / "a.npz", x_train=x, y_train=np.arange(40) % 2, patient_id_train=np.arange(40) // 4, x_test=x[:5]
    )
    assert len(read_images(tmp_path / "a.npz")) == 10


def test_a_zip_of_korean_windows_keeps_its_names(tmp_path: Path) -> None:
    import zipfile

    for i in range(12):
        place = tmp_path / "in" / ("정상", "폐렴")[i % 2]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((16, 16), 20 * i, np.uint8)).save(place / f"{i}.png")

    class Plain(zipfile.ZipInfo):
        """A name in the code page of the system, unmarked, as Windows writes it."""

        def _encodeFilenameFlags(self) -> tuple[bytes, int]:  # noqa: N802
            return self.filename.encode("cp949"), self.flag_bits & ~0x800

    with zipfile.ZipFile(tmp_path / "a.zip", "w") as out:
        for path in sorted((tmp_path / "in").rglob("*.png")):
            out.writestr(Plain(path.relative_to(tmp_path / "in").as_posix()), path.read_bytes())
    assert is_image_source(tmp_path / "a.zip")
    assert read_pictures(tmp_path / "a.zip").classes()[1] == ("정상", "폐렴")


def test_a_zip_of_dicom_files_without_a_suffix(tmp_path: Path) -> None:
    pytest.importorskip("pydicom")
    import zipfile

    from synthproof.data.image.dicom_write import write_dicom

    with zipfile.ZipFile(tmp_path / "a.zip", "w") as out:
        out.writestr("README", "an export")
        out.writestr("DICOMDIR", b"\0" * 128 + b"DICM")
        for i in range(10):
            made = write_dicom(
                np.full((16, 16), 20 * i, np.uint8), tmp_path / "x", klass="c", seed=1, index=i, model="m"
            )
            out.write(made, f"ST0001/IM{i:06d}")
    assert is_image_source(tmp_path / "a.zip")
    assert read_pictures(tmp_path / "a.zip").n_rows == 10
