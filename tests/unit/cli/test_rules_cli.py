"""Rules on the command line: proposed, declared with semicolons, learned, refused where the data break them."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from synthproof.cli import commands  # noqa: F401  (they register themselves)
from synthproof.cli.main import main
from synthproof.core.models import load_model


def call(monkeypatch: pytest.MonkeyPatch, *args: str) -> int:
    monkeypatch.setattr(sys, "argv", ["synthproof", *args, "--lang", "en"])
    with pytest.raises(SystemExit) as stop:
        main()
    return int(stop.value.code or 0)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    rng = np.random.Generator(np.random.Philox(4))
    a, b = rng.integers(0, 90, 600), rng.integers(0, 90, 600)
    path = tmp_path / "t.csv"
    pd.DataFrame({"a": a, "b": b, "total": a + b, "kind": rng.choice(["x", "y"], 600)}).to_csv(path, index=False)
    return path


def test_inspect_proposes(source: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(monkeypatch, "inspect", str(source), "--rules") == 0
    shown = capsys.readouterr().out
    assert "total = a + b" in shown
    assert "600" in shown


@pytest.mark.parametrize("asked", [("--rules", "total = a + b; kind in ('x', 'y')"), ("--learn-rules",)])
def test_fit_keeps_rules(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: tuple[str, ...]) -> None:
    common = ("--synthesizer", "table.marginals", "--protect", "none", "--seed", "1")
    assert call(monkeypatch, "fit", str(source), "-o", str(tmp_path / "m"), *common, *asked) == 0
    model = load_model(tmp_path / "m")
    assert "total = a + b" in [r.text for r in model.rules_]
    out = tmp_path / "o.csv"
    assert (
        call(monkeypatch, "sample", str(tmp_path / "m"), "--n", "300", "-o", str(out), "--where", "total=50..80") == 0
    )
    drawn = pd.read_csv(out)
    assert (drawn["total"] == drawn["a"] + drawn["b"]).all()
    assert drawn["total"].between(50, 80).all()


def test_fit_says_where_the_model_lies_and_how_to_draw(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "my model"
    common = ("--synthesizer", "table.marginals", "--protect", "none", "--seed", "1")
    assert call(monkeypatch, "fit", str(source), "-o", str(folder), *common) == 0
    *_, place, drawing = capsys.readouterr().out.strip().splitlines()
    assert place == f"Model: {folder}"
    words = shlex.split(drawing.removeprefix("Draw:"))
    assert words[:3] == ["synthproof", "sample", str(folder)]
    monkeypatch.chdir(tmp_path)
    assert call(monkeypatch, *words[1:]) == 0  # what it says can be done
    assert len(pd.read_csv("synthetic.csv")) == 1_000


def test_broken_rules_can_be_refused(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("--rules", "a <= b", "--broken-rules", "refuse")
    assert call(monkeypatch, "fit", str(source), "-o", str(tmp_path / "m"), *asked) == 1
    said = capsys.readouterr().err
    assert "rules/broken-in-data" in said
    assert "a <= b" in said
    assert not (tmp_path / "m").exists()
