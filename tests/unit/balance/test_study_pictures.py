"""The study on pictures: one class a picture, and several labels each, which are scored one by one."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from synthproof.balance.image_files import write_pictures
from synthproof.balance.labels import labels_of
from synthproof.balance.page import render_study
from synthproof.balance.record import record_of, told_again
from synthproof.balance.scores import SCORES, class_scores, member_scores
from synthproof.balance.sentences import sentences
from synthproof.balance.study import Study, study
from synthproof.balance.truth import Truth
from synthproof.cli import balance  # noqa: F401  (it registers itself)
from synthproof.cli.main import main
from synthproof.core.errors import DataError
from synthproof.testing.shapes import FINDINGS, findings, shapes

pytest.importorskip("torch")


@pytest.fixture(scope="module")
def found() -> Study:
    from synthproof.balance.image_task import PictureNet
    from synthproof.balance.labels_task import LabelsTask

    task = LabelsTask(findings(700, 1, persons=500), generator="image.duplicate", seed=1)
    assert not set(task.train.unit.tolist()) - set(range(500))
    return study(task, learner=PictureNet(steps=12), doses=(0.5, 1.0), repeats=20, seed=1)


def test_every_label_is_scored_and_those_without_any(found: Study) -> None:
    assert found.names == (*FINDINGS, "none")
    assert {a.kind for a in found.arms} == {
        "real", "weights", "threshold", "duplicates", "augmentation", "synthetic", "pretrain", "longer",
    }  # fmt: skip
    assert set(found.left_out) == {"smote"}
    for measured in found.measured.values():
        for score in SCORES:
            assert measured.by_seed[score].shape == (5, 4)
            assert np.isfinite(measured.by_seed[score]).all()
    # one picture counts for each of its labels
    assert sum(found.train) > found.facts["train_units"] / 2
    assert found.rare == (False, True, True, False)
    assert sentences(found)
    record = record_of(found, {})
    assert told_again(record) == record["sentences"]
    html = render_study(record)
    assert "spot" in html


def test_moving_the_decision_leaves_the_ranking_of_labels_alone(found: Study) -> None:
    for c in range(3):
        for score in ("auroc", "auprc"):
            real, moved = found.measured["real"].by_seed[score], found.measured["threshold"].by_seed[score]  # type: ignore[index]
            assert np.allclose(real[:, c], moved[:, c], atol=1e-9)


def test_truth_of_labels() -> None:
    y = np.array([[1, 0], [1, 1], [0, 1], [0, 0]] * 30 + [[1, 0]] * 60)
    labels = labels_of(y, ["a", "b"])
    truth, codes = Truth(3, labels), labels.groups.codes
    assert truth.counts(codes).tolist() == [120, 60, 30]
    assert (truth.learned(codes) == y).all()
    assert np.allclose(truth.weights(codes)[y[:, 1] == 1, 1].sum(), truth.weights(codes)[y[:, 1] == 0, 1].sum())
    chance, called = truth.answers(np.array([[0.9, 0.2], [0.1, 0.3], [0.5, 0.5]]))
    assert np.allclose(chance[:, 2], [0.08, 0.63, 0.25])
    assert called.tolist() == [[True, False, False], [False, False, True], [True, True, False]]
    moved = truth.moved(np.full((1, 2), [120 / 180, 60 / 180]), codes)
    assert np.allclose(moved, 0.5)  # what is as likely as it is common is called at even odds
    # one class a row is what it was
    rng = np.random.default_rng(0)
    p, own, w = rng.dirichlet(np.ones(3), 50), rng.integers(0, 3, 50), np.ones((1, 50))
    single = Truth(3)
    shown, told = single.answers(p)
    for score in SCORES:
        same = member_scores(shown, single.members(own), told, w)[score]
        assert np.allclose(class_scores(p, own, w)[score], same)


def test_a_label_too_rare_is_refused_and_a_rare_none_is_left_out() -> None:
    from synthproof.balance.labels_task import LabelsTask

    with pytest.raises(DataError, match="balance/study-too-small"):
        LabelsTask(findings(300, 1, shares=(0.5, 0.2, 0.03)), seed=1)
    images = findings(400, 2, shares=(0.9, 0.45, 0.4), together=0.2)
    task = LabelsTask(images, seed=1)
    assert task.names == FINDINGS  # hardly a picture without a finding
    assert task.labels.n_own == 3


def call(monkeypatch: pytest.MonkeyPatch, *args: object, lang: str = "en") -> int:
    monkeypatch.setattr(sys, "argv", ["synthproof", *map(str, args), "--lang", lang])
    with pytest.raises(SystemExit) as stop:
        main()
    return int(stop.value.code or 0)


def test_a_folder_of_classes_on_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    images = shapes(300, 1, persons=150, shares=(0.4, 0.4, 0.2))
    source = write_pictures(images, tmp_path / "in", origin=np.array(["p"] * 300))
    common = ("balance", source, "--target", "class", "--seed", 1)
    made = ("--strategy", "augmentation", "--holdout", 0.3, "-o", tmp_path / "out")
    assert call(monkeypatch, *common, *made) == 0
    assert "never released" in " ".join(capsys.readouterr().out.split())
    assert (tmp_path / "out" / "balance.json").is_file()
    assert not (tmp_path / "out.test" / "balance.json").exists()  # real, as they are
    assert (tmp_path / "out.test" / "origin.csv").is_file()
    assert call(monkeypatch, *common, *made) == 1  # nothing is replaced unasked
    assert call(monkeypatch, *common, *made, "--force") == 0
    capsys.readouterr()
    for asked, code, word in [
        (("--strategy", "smote"), 2, "balance/not-for-pictures"),
        (("--strategy", "table.marginals"), 2, "params/out-of-range"),
        (("--strategy", "augmentation", "--ratio", "ring=900"), 2, "balance/too-much"),
        (("--study", "--learner", "trees"), 2, "params/out-of-range"),
        (("--study", "--seeds", 2), 2, "balance/too-few-seeds"),
        (("--strategy", "image.vae", "--params", "images"), 2, "params/out-of-range"),
        (("--strategy", "image.vae", "--small", "flag", "--params", "imagess=5"), 2, "params/unknown"),
    ]:
        assert call(monkeypatch, *common, *asked, "-o", tmp_path / "no") == code, asked
        told = capsys.readouterr().err
        assert word in told
        assert "remedy" in told


def test_a_folder_of_findings_on_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = findings(500, 1, persons=400)
    source = write_pictures(images, tmp_path / "in", origin=np.array(["p"] * 500))
    common = ("balance", source, "--target", ",".join(FINDINGS), "--seed", 1)
    assert call(monkeypatch, *common, "--strategy", "duplicates", "-o", tmp_path / "out", lang="ko") == 0
    assert (tmp_path / "out" / "images").is_dir()


def test_real_xrays_of_two_findings(data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A viral pneumonia is a pneumonia: the rare label never comes alone, and what that costs is told."""
    import pandas as pd
    from PIL import Image

    from synthproof.balance.balancer import Balancer
    from synthproof.data.image.io import How, read_images

    with np.load(data_dir / "chest_xray_pneumonia" / "xray.npz", allow_pickle=False) as kept:
        y, patient = kept["y"], kept["patient"]
        rng = np.random.default_rng(1)
        rows = np.concatenate(
            [rng.choice(np.flatnonzero(y == c), n, replace=False) for c, n in ((0, 90), (1, 200), (2, 40))]
        )
        pictures = kept["x"][rows]
    folder = tmp_path / "xrays"
    (folder / "files").mkdir(parents=True)
    for i, picture in enumerate(pictures):
        Image.fromarray(picture).resize((28, 28)).save(folder / "files" / f"{i:04d}.png")
    sick, viral = (y[rows] != 1).astype(int), (y[rows] == 2).astype(int)
    files = [f"files/{i:04d}.png" for i in range(len(rows))]
    pd.DataFrame({"file": files, "patient": patient[rows], "pneumonia": sick, "viral": viral}).to_csv(
        folder / "labels.csv", index=False
    )
    images = read_images(folder, How(targets=("pneumonia", "viral")))
    assert images.targets == ("pneumonia", "viral")
    balancer = Balancer("augmentation", target="pneumonia,viral", random_state=1)
    done = balancer.balance(folder)
    assert balancer.classes_.tolist() == ["pneumonia", "viral", "none"]
    assert balancer.before_.tolist() == [130, 40, 200]
    # to min(median 130, 3 · 40) = 120: every added picture of the rare finding is a pneumonia too
    assert balancer.after_.tolist() == [210, 120, 200]
    assert any("none" in w.en and "Made worse" in w.en for w in done.notices)
    assert set(done.data.frame["patient"]) == set(images.frame["patient"])
    common = ("balance", folder, "--target", "pneumonia,viral", "--seed", 1)
    assert call(monkeypatch, *common, "--strategy", "down", "--ratio", "equal", "-o", tmp_path / "out") == 0
    told = pd.read_csv(tmp_path / "out" / "origin.csv")
    assert told["viral"].astype(bool).sum() == 40  # no rare finding was lost
