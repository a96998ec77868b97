from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from synthproof.data.image.dataset import ImageSet
from synthproof.data.image.folder import How
from synthproof.data.image.io import read_images
from synthproof.data.image.matching import files_named
from synthproof.pipeline.image_sides import read_sides


@pytest.mark.parametrize(
    "names, files, meant",
    [
        (["a/1.png", "b/1.png"], ["b/1.png", "a/1.png"], [1, 0]),
        (["a/1", "b/1"], ["b/1.png", "a/1.png"], [1, 0]),
        (["1.png", "2"], ["a/1.png", "b/2.png"], [0, 1]),
        (["D:\\x\\a\\1.png", "/mnt/b/1.png"], ["a/1.png", "b/1.png"], [0, 1]),
        (["D:\\other\\1.png", "../2.png", ""], ["a/1.png", "2.png"], [0, 1, -1]),
        (["1.png"], ["a/1.png", "b/1.png"], [-1]),
        (["IMG1.PNG ", "./img2"], ["img1.png", "IMG2.png"], [0, 1]),
        (["p1/1.png", "p2/1.png"], ["x/p1/1.png", "x/p2/1.png"], [0, 1]),
        (["1.png", "1.png"], ["a/1.png"], [0, 0]),
    ],
)
def test_what_a_name_means(names: list[str], files: list[str], meant: list[int]) -> None:
    assert files_named(names, files).tolist() == meant


def test_a_file_goes_to_the_name_that_names_it_most_exactly() -> None:
    assert files_named(["val/1.png", "train/1.png"], ["train/1.png"]).tolist() == [-1, 0]
    assert files_named(["x/val/1.png", "x/train/1.png"], ["train/1.png"]).tolist() == [-1, 0]
    assert files_named(["val/1.png", "train/1.png"], ["1.png"]).tolist() == [-1, -1], "either may be meant"
    assert files_named(["val/1.png", "test/1.png"], ["train/1.png"]).tolist() == [-1, -1]


def test_hangul_is_the_same_however_it_is_written() -> None:
    assert files_named(["폐렴/환자1.png"], [unicodedata.normalize("NFD", "폐렴/환자1.png")]).tolist() == [0]


def folder(root: Path, table: str, n: int = 12, sub: str = "", of: int = 0) -> Path:
    place = root / sub if sub else root
    place.mkdir(parents=True, exist_ok=True)
    made = np.random.default_rng(of)
    for i in range(n):
        Image.fromarray(made.integers(0, 256, (16, 16), dtype=np.uint8)).save(place / f"{of + i}.png")
    (root / "labels.csv").write_text(table, encoding="utf-8")
    return root


def codes(images: ImageSet) -> list[str]:
    return [n["code"] for n in images.origin.options["notices"]]


def test_rows_of_another_folder_label_nothing(tmp_path: Path) -> None:
    rows = [f"val/{i}.png,wrong" for i in range(12)] + [f"train/{i}.png,right" for i in range(12)]
    found = read_images(folder(tmp_path, "file,label\n" + "\n".join(rows), sub="train"))
    assert found.n_rows == 12
    assert set(found.frame["label"].astype(str)) == {"right"}


def test_a_second_row_of_a_picture_is_told(tmp_path: Path) -> None:
    rows = [f"{i}.png,{'ab'[i % 2]}" for i in range(12)] + ["0.png,b"]
    found = read_images(folder(tmp_path, "file,label\n" + "\n".join(rows)))
    assert str(found.frame["label"].iloc[0]) == "a"
    assert "image/rows-twice" in codes(found)


def test_lists_of_labels_are_read_with_spaces_and_an_empty_cell_is_unknown(tmp_path: Path) -> None:
    cells = ["Effusion | Mass", "Mass", "No Finding", ""] * 3
    found = read_images(
        folder(tmp_path, "file,Finding Labels\n" + "\n".join(f"{i}.png,{c}" for i, c in enumerate(cells)))
    )
    assert found.targets == ("Effusion", "Mass")
    assert found.frame["Mass"].tolist()[:3] == [True, True, False]
    assert found.frame[["Effusion", "Mass"]].iloc[3].isna().all(), "nobody looked: that is no 'no'"


def test_korean_headings_are_known(tmp_path: Path) -> None:
    text = "파일,환자번호,진단\n" + "\n".join(f"{i}.png,P{i // 2},{('정상', '폐렴')[i % 2]}" for i in range(12))
    found = read_images(folder(tmp_path, text))
    assert found.targets == ("진단",)
    assert len(found) == 6


def persons(root: Path, of: int, who: int) -> Path:
    rows = "\n".join(f"{of + i}.png,{'' if who < 0 and i < 4 else f'K{abs(who) + i // 2}'},{i % 2}" for i in range(40))
    return folder(root, "file,patient_id,label\n" + rows, n=40, of=of)


def test_a_picture_of_nobody_is_told(tmp_path: Path) -> None:
    found = read_images(persons(tmp_path, 0, -7))
    assert len(found) == 18 + 4
    assert "image/persons-unknown" in codes(found)


def test_a_holdout_of_other_persons_is_taken_and_one_of_the_same_is_refused(tmp_path: Path) -> None:
    real, drawn = persons(tmp_path / "real", 0, 0), persons(tmp_path / "drawn", 200, 900)
    apart = persons(tmp_path / "apart", 400, 500)
    train, unseen, _ = read_sides(real, drawn, apart, How(), None)
    assert unseen is not None
    assert (len(train), len(unseen)) == (20, 20)
    assert set(train.frame["patient_id"]) == set(unseen.frame["patient_id"]), (
        "pseudonyms are counted anew in each source"
    )
    shared = persons(tmp_path / "shared", 600, 19)
    with pytest.raises(ValueError) as caught:
        read_sides(real, drawn, shared, How(), None)
    assert caught.value.code == "image/holdout-shares-persons"  # type: ignore[attr-defined]
    assert "1 of 20" in str(caught.value)


def test_who_is_who_is_written_nowhere(tmp_path: Path) -> None:
    from synthproof.pipeline.images import load_images, save_images

    found = read_images(persons(tmp_path / "real", 0, 0))
    assert found.people is not None
    assert found.take(np.arange(3)).people is found.people
    save_images(tmp_path / "kept", found)
    assert load_images(tmp_path / "kept").people is None
    kept = b"".join(p.read_bytes() for p in (tmp_path / "kept").rglob("*") if p.is_file())
    assert not any(d in kept or d.hex().encode() in kept for d in found.people.values())
