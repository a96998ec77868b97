"""Scenes: boxes follow their pictures through the chain, through taking, and to files and back."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from synthproof.core.errors import ReadError
from synthproof.data.image.chain import Chain
from synthproof.data.image.io import How
from synthproof.data.image.scenes import CORNERS, Scenes, ellipse, scaled
from synthproof.data.image.scenes_io import read_scenes, write_scenes
from synthproof.testing.scenes import scenes

Image = pytest.importorskip("PIL.Image", reason="synthproof[images] is not installed")


def folder_of(place: Path, *, zipped: bool = False, person: bool = True) -> Path:
    """Write four pictures of 40 × 20, a white square at the box, and their table."""
    rows = []
    for i in range(4):
        picture = np.zeros((20, 40), dtype=np.uint8)
        x, y = 4 + 6 * i, 2 + 2 * i
        picture[y : y + 8, x : x + 8] = 255
        Image.fromarray(picture).save(place / f"scene_{i}.png")
        rows.append({"image": f"scene_{i}", "label": "a" if i % 2 else "b", "xmin": x, "ymin": y, "xmax": x + 8})
        rows[-1] |= {"ymax": y + 8, "patient": f"secret {i // 2}", "split": "train" if i < 3 else "test"}
    frame = pd.DataFrame(rows)
    (frame if person else frame.drop(columns="patient")).to_csv(place / "boxes.csv", index=False)
    if zipped:
        with zipfile.ZipFile(place / "images.zip", "w") as archive:
            for path in sorted(place.glob("*.png")):
                archive.write(path, f"deep/{path.name}")
                path.unlink()
            archive.writestr("../outside.png", b"x")
            archive.writestr("notes.txt", b"x")
    return place


@pytest.mark.parametrize("fit", ["pad", "crop"])
@pytest.mark.parametrize("zipped", [False, True])
def test_boxes_go_the_way_of_their_pictures(tmp_path: Path, fit: str, zipped: bool) -> None:
    data = read_scenes(folder_of(tmp_path, zipped=zipped), How(side=20, fit=fit))
    assert data.n_rows == 4
    zoom = 0.5 if fit == "pad" else 1.0
    for i in range(4):
        corners, _ = data.boxes_of(i)
        for x0, y0, x1, y1 in corners:
            if x1 - x0 < 4:
                continue  # cut at the edge
            inner = data.pixels()[i, int(y0) + 1 : int(y1) - 1, int(x0) + 1 : int(x1) - 1]
            assert inner.mean() > 240
            assert y1 - y0 == pytest.approx(8 * zoom)
    assert len(data) == 2
    assert data.schema.unit_field == "patient"
    assert "secret" not in data.frame.to_csv()


def test_a_split_and_bad_files(tmp_path: Path) -> None:
    folder_of(tmp_path, person=False)
    assert read_scenes(tmp_path, How(side=20, part="train")).n_rows == 3
    (tmp_path / "scene_0.png").write_bytes(b"no picture")
    with pytest.raises(ReadError) as caught:
        read_scenes(tmp_path, How(side=20))
    assert caught.value.code == "image/too-many-bad"
    (tmp_path / "boxes.csv").unlink()
    with pytest.raises(ReadError) as caught:
        read_scenes(tmp_path)
    assert caught.value.code == "image/boxes-unreadable"
    pd.DataFrame({"image": ["scene_1"], "class": ["a"], "xmin": [5], "ymin": [1], "xmax": [2], "ymax": [9]}).to_csv(
        tmp_path / "boxes.csv", index=False
    )
    with pytest.raises(ReadError):
        read_scenes(tmp_path)
    for path in tmp_path.glob("*.png"):
        path.unlink()
    (tmp_path / "images.zip").write_bytes(b"no zip")
    pd.DataFrame({"image": ["scene_1"], "class": ["a"], "x": [5], "y": [1], "width": [2], "height": [9]}).to_csv(
        tmp_path / "boxes.csv", index=False
    )
    with pytest.raises(ReadError) as caught:
        read_scenes(tmp_path)
    assert caught.value.code == "image/not-an-archive"


def test_boxes_cut_at_the_edge_or_left_out() -> None:
    chain = Chain(side=10, fit="crop")
    given = np.array([[0.0, 2, 6, 8], [0, 0, 2, 2], [8, 2, 12, 6]])
    found, kept = scaled(given, 10, 20, chain)
    assert kept.tolist() == [False, False, True]
    assert found[2].tolist() == [3, 2, 7, 6]
    found, kept = scaled(given, 10, 20, Chain(side=20, fit="pad"))
    assert kept.all()
    assert found[0].tolist() == [0, 7, 6, 13]


def test_taking_units_takes_their_boxes() -> None:
    data = scenes(30, 1, persons=8)
    some = data.take(np.array([3, 0, 3], dtype=np.intp))
    assert isinstance(some, Scenes)
    rows = np.flatnonzero(data.unit_of_row == 3)
    n = len(rows)
    for k in (0, some.n_rows - n):
        for j, row in enumerate(rows.tolist()):
            assert np.array_equal(some.boxes_of(k + j)[0], data.boxes_of(row)[0])
    assert data.take_rows(np.empty(0, dtype=np.intp)).n_rows == 0
    assert isinstance(data.without("patient"), Scenes)
    moved = Scenes(data.labels, data.store, data.chain, boxes=data.boxes.assign(xmin=data.boxes["xmin"] + 1))
    assert moved.fingerprint() != data.fingerprint()
    with pytest.raises(ValueError, match="columns"):
        Scenes(data.labels, data.store, data.chain, boxes=data.boxes.drop(columns="xmin"))


def test_scenes_go_to_files_and_come_back(tmp_path: Path) -> None:
    data = scenes(6, 2)
    masks = np.zeros((6, 32, 32), dtype=np.uint16)
    for i in range(6):
        for j, box in enumerate(data.boxes_of(i)[0]):
            masks[i][ellipse(box, 32) > 0.5] = j + 1
    given = Scenes(data.labels, data.store, data.chain, boxes=data.boxes, masks=masks).take_rows(np.array([4, 1, 2]))
    write_scenes(given, tmp_path / "out")
    again = read_scenes(tmp_path / "out", How(side=32, colour="grey"))
    order = [int(np.flatnonzero((again.pixels() == p).all(axis=(1, 2, 3)))[0]) for p in given.pixels()]
    assert sorted(order) == [0, 1, 2]
    back = again.take_rows(np.array(order))
    assert np.allclose(back.boxes[list(CORNERS)], given.boxes[list(CORNERS)], atol=0.01)
    assert back.masks is not None
    assert np.array_equal(back.masks[back.at], masks[[4, 1, 2]])
    assert back.frame["class"].astype(str).tolist() == given.frame["class"].astype(str).tolist()
    told = json.loads((tmp_path / "out" / "annotations.json").read_text())
    assert len(told["annotations"]) == len(given.boxes)
    first = told["annotations"][0]
    flat = np.repeat(np.arange(len(first["segmentation"]["counts"])) % 2, first["segmentation"]["counts"])
    mask = flat.reshape(32, 32, order="F")
    assert mask.sum() == first["area"] == (masks[4] == 1).sum()
    assert np.array_equal(mask == 1, masks[4] == 1)
