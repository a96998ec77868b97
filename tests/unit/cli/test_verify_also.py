"""`synthproof verify --also`: earlier releases on the command line, counted and named."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from synthproof.cli import commands  # noqa: F401  (they register themselves)
from synthproof.cli.main import main
from synthproof.testing.references import copycat
from synthproof.testing.worlds import patients


def call(monkeypatch: pytest.MonkeyPatch, *args: object) -> int:
    monkeypatch.setattr(sys, "argv", ["synthproof", *map(str, args), "--lang", "en"])
    with pytest.raises(SystemExit) as stop:
        main()
    return int(stop.value.code or 0)


def test_earlier_releases_are_named_and_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world = patients()
    files = {"train": world.draw(200, 1), "unseen": world.draw(200, 2), "today": world.draw(200, 3)}
    files |= {"march": copycat(files["train"], 200, 4), "june": world.draw(150, 5)}
    for name, table in files.items():
        table.to_native().to_csv(tmp_path / f"{name}.csv", index=False)
    common = ("verify", tmp_path / "train.csv", tmp_path / "today.csv", "--holdout", tmp_path / "unseen.csv")
    common = (*common, "--policy", "partner", "--repeats", 1, "--seed", 1)
    earlier = ("--also", tmp_path / "march.csv", "--also", tmp_path / "june.csv")
    assert call(monkeypatch, *common, *earlier, "-o", tmp_path / "dossier") == 3
    assert "3 releases of the same source (550" in " ".join(capsys.readouterr().out.split())
    kept = json.loads((tmp_path / "dossier" / "dossier.json").read_text(encoding="utf-8"))
    assert [kept["data"][f"released_{i}"]["name"] for i in (1, 2)] == ["march.csv", "june.csv"]
    assert kept["settings"]["releases"] == 3
    other = tmp_path / "other.csv"
    other.write_text("age\n50\n", encoding="utf-8")
    assert call(monkeypatch, *common, "--also", other) == 1
    assert "schema/fields-differ" in capsys.readouterr().err
