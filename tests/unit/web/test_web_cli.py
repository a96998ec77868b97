"""`synthproof review …` and `synthproof vtt …` from the command line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from synthproof.cli.main import main
from synthproof.dossier.assemble import write_dossier
from synthproof.pipeline.tables import save_table
from synthproof.review.record import read_export
from synthproof.web.acts import panel as panels


def call(monkeypatch: pytest.MonkeyPatch, *args: str, lang: str = "en") -> int:
    monkeypatch.setattr(sys, "argv", ["synthproof", *args])
    monkeypatch.setenv("SYNTHPROOF_LANG", lang)
    with pytest.raises(SystemExit) as stop:
        main()
    return int(stop.value.code or 0)


def test_a_case_from_the_command_line(
    small: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ["--data", str(small.store.data)]
    dossier = str(small.dossiers[0])
    assert call(monkeypatch, "review", "import", dossier, "--title", "x", "--steward", "nobody", *data) == 2
    assert call(monkeypatch, "review", "import", dossier, "--title", "large", "--steward", "steward", *data) == 0
    case = capsys.readouterr().out.split()[-1]
    out = tmp_path / "case.zip"
    assert call(monkeypatch, "review", "export", case, "-o", str(out), *data) == 0
    assert read_export(out)[0].title == "large"
    assert call(monkeypatch, "review", "export", case, "-o", str(out), *data) == 1
    assert call(monkeypatch, "review", "export", "0" * 32, "-o", str(tmp_path / "none.zip"), *data) == 2
    assert call(monkeypatch, "review", "check", *data) == 0
    kept = tmp_path / "backup.zip"
    assert call(monkeypatch, "review", "backup", str(kept), *data) == 0
    assert call(monkeypatch, "review", "restore", str(kept), "--data", str(tmp_path / "again")) == 0
    assert call(monkeypatch, "review", "restore", str(kept), "--data", str(tmp_path / "again")) == 1
    assert call(monkeypatch, "review", "check", "--data", str(tmp_path / "again"), lang="ko") == 0
    assert "온전" in capsys.readouterr().out
    assert call(monkeypatch, "review", "serve", "--host", "0.0.0.0", *data) == 2
    assert "web/open-address" in capsys.readouterr().err
    assert call(monkeypatch, "review", "serve", "--database", "mysql://x/y", *data) == 2


def test_a_panel_from_the_command_line(
    small: Any, tools: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root, table = tmp_path / "run", tools.made_table()
    (root / "vault").mkdir(parents=True)
    save_table(root / "vault" / "train", table)
    save_table(root / "vault" / "synthetic", table)
    write_dossier(root / "dossier", tools.made_proof(table), synthetic=table)
    out = str(tmp_path / "panel.zip")
    assert call(monkeypatch, "vtt", "new", str(root), "-o", out, "--n", "3", "--mode", "free", "--minutes", "0") == 0
    assert call(monkeypatch, "vtt", "new", str(root), "-o", out, "--n", "3") == 1
    assert call(monkeypatch, "vtt", "new", str(root), "-o", str(tmp_path / "x"), "--band", "wide") == 2
    assert call(monkeypatch, "vtt", "new", str(root), "-o", str(tmp_path / "x"), "--mode", "odd") == 2
    steward = small.people["steward"]
    panel = panels.open_panel(small.store, steward, Path(out))
    for name in ("reader", "reader2"):
        reader = small.people[name]
        panels.call_reader(small.store, steward, panel.id, reader.id)
        panels.begin(small.store, reader, panel.id)
        with small.store.read() as work:
            from synthproof.web.models import PanelReader

            order = work.get_one(PanelReader, (panel.id, reader.id)).order
        for item in order:
            panels.give(small.store, reader, panel.id, item, "real", milliseconds=900)
        assert panels.finish(small.store, reader, panel.id) is False
    panels.close(small.store, steward, panel.id)
    readings = tmp_path / "readings.zip"
    readings.write_bytes(panels.export_panel(small.store, steward, panel.id))
    capsys.readouterr()
    assert call(monkeypatch, "vtt", "close", str(root), str(readings)) == 0
    told = capsys.readouterr().out
    assert "2 readers, right answers 50.0%" in told
    assert "statistically distinguishable: no" in told
    assert "reader 2: 3 of 6 right, sensitivity 0%, specificity 100%, 0.9 s an item" in told
    assert "57 would be enough" in told or "227 would be enough" in told
    assert "every reader saw through 0 synthetic items" in told
    report = (root / "dossier" / "report.html").read_text(encoding="utf-8")
    assert "Visual Turing test" in report
    assert "판독 시험(VTT)" in report


def test_a_misspelt_place_is_no_server_with_whole_journals(
    small: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    absent, empty = tmp_path / "typo", tmp_path / "empty"
    empty.mkdir()
    for place in (absent, empty):
        for command in (["check"], ["backup", str(tmp_path / "b.zip")], ["export", "x", "-o", str(tmp_path / "c.zip")]):
            assert call(monkeypatch, "review", *command, "--data", str(place)) == 1
            assert "web/no-server" in capsys.readouterr().err
    assert not absent.exists()
    assert not (tmp_path / "b.zip").exists()
    other = ["--database", f"sqlite:///{tmp_path / 'other.sqlite'}"]
    assert call(monkeypatch, "review", "check", "--data", str(small.store.data), *other) == 1
    assert "web/no-server" in capsys.readouterr().err
