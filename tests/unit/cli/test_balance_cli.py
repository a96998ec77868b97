"""`synthproof balance` in a clean folder: a file with marks, a real test part, the study, and its refusals."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from synthproof.cli import balance, commands  # noqa: F401  (they register themselves)
from synthproof.cli.main import main
from synthproof.testing.worlds import patients


def call(monkeypatch: pytest.MonkeyPatch, *args: object, lang: str = "en") -> int:
    monkeypatch.setattr(sys, "argv", ["synthproof", *map(str, args), "--lang", lang])
    with pytest.raises(SystemExit) as stop:
        main()
    return int(stop.value.code or 0)


@pytest.fixture
def people(tmp_path: Path) -> Path:
    patients().draw(400, 1).frame.to_csv(tmp_path / "people.csv", index=False)
    return tmp_path / "people.csv"


def test_a_file_with_marks_and_a_real_test_part(
    people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ("balance", people, "--target", "disease", "--strategy", "smote", "--seed", 1)
    assert call(monkeypatch, *common, "--holdout", 0.3, "-o", tmp_path / "out.csv") == 0
    said = capsys.readouterr().out
    assert "never released" in said
    train, test = pd.read_csv(tmp_path / "out.csv"), pd.read_csv(tmp_path / "out.test.csv")
    marks = pd.read_csv(tmp_path / "out.csv.origin.csv")
    real = pd.read_csv(people)
    assert len(train) == len(marks)
    assert list(train.columns) == list(real.columns)
    assert len(test) + int((marks["origin"] == "real").sum()) == 400
    assert set(marks["origin"]) == {"real", "augmentation"}
    assert len(test.merge(real.drop_duplicates(), how="inner")) >= len(test)
    receipt = json.loads((tmp_path / "out.csv.balance.json").read_text("utf-8"))
    assert receipt["seed"] == 1
    assert receipt["releasable"] is False
    assert call(monkeypatch, *common, "-o", tmp_path / "out.csv") == 1  # nothing is replaced unasked
    assert call(monkeypatch, *common, "-o", tmp_path / "out.csv", "--force", lang="ko") == 0
    assert "떼어 둔 실제 행" in capsys.readouterr().out  # no holdout: it says to split first


def test_refusals_speak_in_four_parts(
    people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ("-o", tmp_path / "new.csv")
    for asked, code, word in [
        (("--target", "diseas", *out), 1, "schema/unknown-field"),
        (("--target", "disease", "--strategy", "smoote", *out), 2, "registry/unknown-name"),
        (("--target", "disease", "--strategy", "smote", "--ratio", "other=9000", *out), 2, "balance/too-much"),
        (("--target", "disease", "--ratio", "two", *out), 2, "balance/bad-ratio"),
        (("--target", "disease", "--study", "--seeds", 3, "-o", tmp_path / "s"), 2, "balance/too-few-seeds"),
        (("--target", "disease", "--study", "--learner", "oracle", "-o", tmp_path / "s"), 2, "params/out-of-range"),
        (("--target", "age", *out), 1, "balance/not-classes"),
    ]:
        assert call(monkeypatch, "balance", people, *asked) == code, asked
        told = capsys.readouterr().err
        assert word in told
        assert "remedy" in told
    assert call(monkeypatch, "balance", people, "--target", "disease") == 2


def test_a_ratio_by_hand(people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ("--ratio", "other=120,diabetes=200", "--seed", 1, "-o", tmp_path / "new.parquet")
    assert call(monkeypatch, "balance", people, "--target", "disease", *asked) == 0
    counts = pd.read_parquet(tmp_path / "new.parquet")["disease"].value_counts()
    assert counts["diabetes"] == 200
    assert counts["other"] >= 120


def test_nothing_is_replaced_unasked_and_no_balanced_file_is_taken_for_real(
    people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ("balance", people, "--target", "disease", "--seed", 1)
    # the suffix of the source is added, and the marks lie beside the file: those places count too
    for there, asked in (("out.csv", "out"), ("b.csv.origin.csv", "b.csv"), ("c.test.csv", "c.csv")):
        (tmp_path / there).write_text("kept", "utf-8")
        assert call(monkeypatch, *common, "--holdout", 0.3, "-o", tmp_path / asked) == 1
        assert "workspace/exists" in capsys.readouterr().err
        assert (tmp_path / there).read_text("utf-8") == "kept"
    (tmp_path / "d.csv.origin.csv").mkdir()
    (tmp_path / "d.csv.origin.csv" / "taken").touch()
    assert call(monkeypatch, *common, "--holdout", 0.3, "-o", tmp_path / "d.csv") == 1
    assert {p.name for p in tmp_path.glob("d.*")} == {"d.csv.origin.csv"}
    capsys.readouterr()
    assert call(monkeypatch, *common, "-o", tmp_path / "e.csv") == 0
    for more in (("--holdout", 0.3), ("--strategy", "smote"), ("--study",)):
        again = ("balance", tmp_path / "e.csv", "--target", "disease", *more, "-o", tmp_path / "f")
        assert call(monkeypatch, *again) == 1
        said = capsys.readouterr().err
        assert "balance/balanced-already" in said
        assert "remedy" in said
    assert not list(tmp_path.glob("f*"))


def test_the_study(people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ("--study", "--generator", "table.marginals", "--steps", 30, "--seed", 1, "-o", tmp_path / "study")
    assert call(monkeypatch, "balance", people, "--target", "disease", *asked, lang="ko") == 0
    names = {p.name for p in (tmp_path / "study").iterdir()}
    assert names == {"study.json", "study.html", "dose.ko.png", "dose.ko.svg", "dose.en.png", "dose.en.svg"}
    record = json.loads((tmp_path / "study" / "study.json").read_text("utf-8"))
    assert record["machine"]["synthproof"]
    assert record["facts"]["seed"] == 1


def test_pictures_have_learners_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from synthproof.testing.shapes import shapes

    made = shapes(60, 1)
    np.savez(tmp_path / "set.npz", x=made.pixels()[..., 0], y=made.classes()[0])
    common = ("balance", tmp_path / "set.npz", "--target", "class", "--study", "-o", tmp_path / "s")
    for asked in (("--learner", "trees"), ("--learner", "efficientnet", "--steps", 0)):
        assert call(monkeypatch, *common, *asked) == 2
        assert "params/out-of-range" in capsys.readouterr().err
    assert not (tmp_path / "s").exists()
