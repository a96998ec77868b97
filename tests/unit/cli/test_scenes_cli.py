"""Scenes and recipes of stages on the command line: boxes go the whole road, bad ones cost nothing else, real images stay out."""

from __future__ import annotations

import json
import shutil
import sys
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import synthproof as sp
from synthproof.cli import altering, commands  # noqa: F401  (they register themselves)
from synthproof.cli.main import main
from synthproof.core.errors import ReadError, UsageError
from synthproof.data.image.custody import altered_real
from synthproof.data.image.scenes import Scenes
from synthproof.data.image.scenes_io import read_pictures, write_pictures, write_scenes
from synthproof.data.table.io import notices
from synthproof.dossier.assemble import read_dossier
from synthproof.dossier.seal import check_seal
from synthproof.pipeline.images import load_images
from synthproof.pipeline.releasing import check_release, release_key, seal_release
from synthproof.release.outcome import AREAS, Member, Outcome, Responsible, Vote
from synthproof.testing.scenes import scenes
from synthproof.testing.shapes import shapes
from synthproof.testing.small_policy import small_policy

torch = pytest.importorskip("torch", reason="synthproof[images] is not installed")
pytest.importorskip("PIL.Image", reason="synthproof[images] is not installed")
pytestmark = pytest.mark.timeout(900)

POLICY = small_policy("image.part_copies")
PROJECT = """
[fit]
synthesizer = "image.compose"
[fit.parameters]
images = 900
width = 16
steps = 2
side = 8
min_class = 5
[protect]
steps = ["none"]
"""


def call(monkeypatch: pytest.MonkeyPatch, *args: object) -> int:
    monkeypatch.setattr(sys, "argv", ["synthproof", *map(str, args), "--lang", "en"])
    with pytest.raises(SystemExit) as stop:
        main()
    return int(stop.value.code or 0)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a zip of 60 scenes, a table of their boxes beside it, a policy and a project file."""
    folder = tmp_path_factory.mktemp("scenes")
    write_scenes(scenes(60, 1, side=16), folder / "plain")
    (folder / "zipped").mkdir()
    with zipfile.ZipFile(folder / "zipped" / "images.zip", "w") as archive:
        for path in sorted((folder / "plain").rglob("*.png")):
            archive.write(path, path.relative_to(folder / "plain").as_posix())
    table = pd.read_csv(folder / "plain" / "boxes.csv").rename(columns={"class": "label"})
    table.assign(split=["train"] * len(table)).to_parquet(folder / "zipped" / "boxes.parquet")
    (folder / "small.toml").write_text(POLICY, encoding="utf-8")
    (folder / "synthproof.toml").write_text(PROJECT, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def model(place: Path) -> Path:
    project = place / "synthproof.toml"
    with pytest.MonkeyPatch.context() as patch:
        asked = ("fit", place / "plain", "-o", place / "model", "--config", project, "--seed", 3)
        assert call(patch, *asked) == 0
    return place / "model"


def test_scenes_go_the_whole_road(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = call(
        monkeypatch, "run", place / "zipped", "-o", place / "run", "--config", place / "synthproof.toml", "--seed", 5,
        "--n", 24, "--part", "train", "--policy", place / "small.toml", "--repeats", 5,
    )  # fmt: skip
    assert code == 0
    vault = place / "run" / "vault"
    parts = {n: load_images(vault / n) for n in ("source", "train", "holdout", "synthetic")}
    assert all(isinstance(p, Scenes) for p in parts.values())
    train, holdout, drawn = (parts[n] for n in ("train", "holdout", "synthetic"))
    assert isinstance(train, Scenes)
    assert isinstance(holdout, Scenes)
    assert isinstance(drawn, Scenes)
    assert train.n_rows + holdout.n_rows == 60
    real = scenes(60, 1, side=16)
    assert len(train.boxes) + len(holdout.boxes) == len(real.boxes)
    written = vault / "synthetic-images"
    assert {p.name for p in written.iterdir()} >= {"boxes.csv", "annotations.json", "images.csv", "masks"}
    assert len(pd.read_csv(written / "boxes.csv")) == len(drawn.boxes) > 24
    assert len(json.loads((written / "annotations.json").read_text())["annotations"]) == len(drawn.boxes)
    assert drawn.masks is not None
    proof = read_dossier(place / "run" / "dossier")
    found = {e.subject: e.outcome for e in proof.evidence if e.metric == "image.part_copies"}
    assert found == {"all": "insufficient", "layouts": "measured"}  # parts of 30 unseen scenes are too few
    assert next(e for e in proof.evidence if e.metric == "any.generation").estimate == 1.0


def test_a_released_bundle_holds_boxes_and_masks_without_seeds(place: Path) -> None:
    pytest.importorskip("cryptography", reason="synthproof[release] is not installed")
    run, words = place / "run", "넷 다섯 여섯 말 마차 건전지"
    if not (run / "dossier").is_dir():
        pytest.skip("the run of the test before did not end")
    release_key(run, words)
    digest = str(check_seal(run / "dossier")["digest"])
    members = tuple(
        Member(id=f"p{i}", name=f"M{i}", affiliation=f"A{i}", expertise=e, outside=i < 2, chair=i == 0)
        for i, e in enumerate(("law", "privacy", "clinical"))
    )
    vote: dict[str, Any] = {"dossier": digest, "result": "approved", "areas": dict.fromkeys(AREAS, "fit")}
    outcome = Outcome(
        case="2026-07", dossier=digest, result="approved", decided="2026-11-21T10:00:00+09:00", members=members,
        votes=tuple(Vote(member=m.id, at="2026-11-20T10:00:00+09:00", opinion="", **vote) for m in members),
        rule="unanimous", start="2026-11-25", end="2027-11-24",
        responsible=Responsible(organisation="O", position="P", name="N", contact="02-000-0000"),
    )  # fmt: skip
    (place / "outcome.json").write_text(json.dumps(outcome.to_dict()), encoding="utf-8")
    asked: dict[str, Any] = {"outcome": place / "outcome.json", "passphrase": words, "day": date(2026, 12, 1)}
    seal_release(run, place / "bundle", **asked)
    assert check_release(place / "bundle", day=date(2026, 12, 1)).ok
    again = read_pictures(place / "bundle" / "data")
    assert isinstance(again, Scenes)
    drawn = load_images(run / "vault" / "synthetic")
    assert isinstance(drawn, Scenes)
    assert len(again.boxes) == len(drawn.boxes)
    assert again.masks is not None
    assert "seed" not in pd.read_csv(place / "bundle" / "data" / "boxes.csv")


def test_fit_sample_and_verify_one_by_one(place: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = place / "drawn"
    assert call(monkeypatch, "sample", model, "--n", 30, "--seed", 1, "-o", drawn) == 0
    again = read_pictures(drawn)
    assert isinstance(again, Scenes)
    assert again.n_rows == 30
    assert call(monkeypatch, "sample", model, "--n", 3, "-o", place / "drawn.npz") == 2
    holdout = place / "unseen"
    write_scenes(scenes(100, 9, side=16), holdout)
    asked = ("--holdout", holdout, "--policy", place / "small.toml", "--repeats", 5, "-o", place / "judged")
    assert call(monkeypatch, "verify", place / "plain", drawn, *asked) in (0, 3, 4)
    evidence = read_dossier(place / "judged").evidence
    found = {e.subject: e for e in evidence if e.metric == "image.part_copies"}
    assert found["layouts"].outcome == "measured"
    assert found["all"].n == len(again.boxes)
    assert call(monkeypatch, "verify", place / "plain", drawn, *asked[:-1], place / "two", "--scenes", "no") in (
        0,
        3,
        4,
    )
    plain = [e for e in read_dossier(place / "two").evidence if e.metric == "image.part_copies"]
    assert [e.outcome for e in plain] == ["not_applicable"]


def test_composition_asks_for_boxes_and_says_so(place: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shutil.copytree(place / "plain" / "few", tmp_path / "bare" / "few")
    project = ("--config", place / "synthproof.toml")
    assert call(monkeypatch, "fit", tmp_path / "bare", "-o", tmp_path / "m", *project) == 1
    assert not (tmp_path / "m").exists()
    with pytest.raises(ReadError) as caught:
        sp.read(tmp_path / "bare", how=sp.How(scenes="yes"))
    assert caught.value.code == "image/boxes-unreadable"
    assert sp.read(place / "zipped", how=sp.How(side=16)).n_rows == 60
    assert isinstance(sp.read(place / "zipped"), Scenes)
    assert not isinstance(sp.read(place / "zipped", how=sp.How(scenes="no")), Scenes)
    with pytest.raises(UsageError):
        write_pictures(scenes(3, 1), tmp_path / "x.npz")


def test_bad_boxes_are_told_and_the_rest_stays(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(place / "plain", tmp_path / "given", ignore=shutil.ignore_patterns("masks", "*.json"))
    table = pd.read_csv(tmp_path / "given" / "boxes.csv")
    secret = "Kim-secret"
    table["xmin"] = table["xmin"].astype(object)
    table.loc[0, "xmin"] = secret
    table.loc[1, ["ymin", "ymax"]] = [9.0, 3.0]
    table.loc[2, ["xmin", "xmax"]] = [-4.0, 6.0]
    table.loc[3, ["xmin", "xmax"]] = [40.0, 60.0]
    table.loc[4, "image"] = secret
    table.to_csv(tmp_path / "given" / "boxes.csv", index=False)
    found = read_pictures(tmp_path / "given")
    assert isinstance(found, Scenes)
    told = {e.code: e for e in notices(found.labels)}
    assert told["image/boxes-left-out"].facts["n"] == 2
    assert told["image/boxes-outside"].facts == {"n": 2, "lost": 1}
    assert told["image/boxes-unknown-image"].facts["n"] == 1
    assert found.n_rows == 60
    assert len(found.boxes) == len(table) - 4
    assert found.boxes["xmin"].min() >= 0
    assert call(monkeypatch, "inspect", tmp_path / "given") == 0
    said = capsys.readouterr()
    assert "image/boxes-outside" in said.out
    assert secret not in said.out + said.err
    for columns, code in (
        ({"ymax": "bottom"}, "image/boxes-unreadable"),
        ({"image": "where"}, "image/boxes-unreadable"),
    ):
        table.rename(columns=columns).to_csv(tmp_path / "given" / "boxes.csv", index=False)
        assert call(monkeypatch, "inspect", tmp_path / "given") == 1
        assert code in capsys.readouterr().err
    good = pd.read_csv(place / "plain" / "boxes.csv")
    sides = ["xmin", "ymin", "xmax", "ymax"]
    for change, code in (
        (1 / 16, "image/boxes-unreadable"),
        (3.0, "image/boxes-elsewhere"),
        (-1.0, "image/boxes-unreadable"),
    ):
        good.assign(**{c: good[c] * change for c in sides}).to_csv(tmp_path / "given" / "boxes.csv", index=False)
        assert call(monkeypatch, "inspect", tmp_path / "given") == 1
        assert code in capsys.readouterr().err


def test_coco_alone_says_the_same(place: Path, tmp_path: Path) -> None:
    shutil.copytree(
        place / "plain", tmp_path / "coco", ignore=shutil.ignore_patterns("boxes.csv", "images.csv", "masks")
    )
    from_csv, from_coco = read_pictures(place / "plain"), read_pictures(tmp_path / "coco")
    assert isinstance(from_csv, Scenes)
    assert isinstance(from_coco, Scenes)
    assert len(from_csv.boxes) == len(from_coco.boxes)
    assert from_csv.part_classes == from_coco.part_classes
    assert np.allclose(sorted(from_csv.boxes["xmin"]), sorted(from_coco.boxes["xmin"]), atol=0.01)
    listed = json.loads((tmp_path / "coco" / "annotations.json").read_text())
    listed["annotations"] = [a for a in listed["annotations"] if a["image_id"] != 1]
    listed["annotations"][0]["bbox"] = [1, 2, 3]
    (tmp_path / "coco" / "annotations.json").write_text(json.dumps(listed))
    again = read_pictures(tmp_path / "coco")
    assert isinstance(again, Scenes)
    assert again.n_rows == 60
    assert (again.counts().sum(axis=1) == 0).sum() == 1
    (tmp_path / "coco" / "annotations.json").write_text(json.dumps({"images": [], "annotations": {}}))
    with pytest.raises(ValueError, match="boxes-unreadable"):
        read_pictures(tmp_path / "coco")


def test_a_recipe_of_stages_runs_and_real_images_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = shapes(80, 1, side=16)
    write_pictures(real, tmp_path / "real")
    tiny = "{ images = 320, width = 16, steps = 2, min_class = 5 }"
    (tmp_path / "recipe.toml").write_text(
        '[fit]\nsynthesizer = "image.stages"\n[fit.parameters]\nstages = "image.translate, image.superres"\n'
        f'[fit.parameters.options]\n"image.flow" = {tiny}\n"image.translate" = {tiny}\n"image.superres" = {tiny}\n'
        '[protect]\nsteps = ["none"]\n',
        encoding="utf-8",
    )
    (tmp_path / "small.toml").write_text(POLICY, encoding="utf-8")
    recipe = ("--config", tmp_path / "recipe.toml")
    code = call(
        monkeypatch, "run", tmp_path / "real", "-o", tmp_path / "run", *recipe, "--n", 20, "--seed", 2,
        "--policy", tmp_path / "small.toml", "--repeats", 5,
    )  # fmt: skip
    assert code == 0
    proof = read_dossier(tmp_path / "run" / "dossier")
    made = next(e for e in proof.evidence if e.metric == "any.generation")
    assert made.estimate == 1.0
    assert list(made.detail["stages"]) == ["draw (none)", "translate (drawn)", "super-resolve (drawn)"]
    assert load_images(tmp_path / "run" / "vault" / "synthetic").chain.side == 16

    assert call(monkeypatch, "fit", tmp_path / "real", "-o", tmp_path / "model", *recipe, "--seed", 2) == 0
    small = ("--side", 8)
    capsys.readouterr()
    assert call(monkeypatch, "alter", tmp_path / "model", tmp_path / "real", "-o", tmp_path / "made", *small) == 1
    assert "image/real-input" in capsys.readouterr().err
    assert not (tmp_path / "made").exists()
    asked = ("alter", tmp_path / "model", tmp_path / "real", "-o", tmp_path / "made", *small, "--knowingly")
    assert call(monkeypatch, *asked) == 0
    assert altered_real(read_pictures(tmp_path / "made"))
    judged = ("verify", tmp_path / "real", tmp_path / "made", "--policy", tmp_path / "small.toml", "--repeats", 5)
    assert call(monkeypatch, *judged, "--side", 16, "-o", tmp_path / "judged") == 3
    found = read_dossier(tmp_path / "judged")
    assert next(e for e in found.evidence if e.metric == "any.generation").estimate == 0.0
    assert found.verdict.result == "does_not_meet"
