"""Cells of the table benchmark: caps, failures, labels, and the page that is made of what is kept."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("lightgbm", reason="the bench extra is not installed")
pytest.importorskip("psutil", reason="the bench extra is not installed")


def module(name: str) -> Any:
    return importlib.import_module(name)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data_dir: Path) -> Any:
    monkeypatch.setenv("SYNTHPROOF_PEERS", str(tmp_path / "peers"))
    cells = module("cells")
    monkeypatch.setattr(cells, "KEPT", tmp_path / "kept")
    return cells


def adapter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cells: Any, text: str) -> Any:
    (tmp_path / "one.py").write_text(text, encoding="utf-8")
    monkeypatch.setattr(cells, "ADAPTERS", tmp_path)
    return module("peers").Peer("one", "One", None, "one.py")


def test_past_the_cap_a_cell_ends_as_cap(bench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "CAP_S", 0.5)
    who = adapter(tmp_path, monkeypatch, bench, "while True:\n    pass\n")
    cell = bench.run_cell(who, "heart_disease", 0, "halves", threads=1)
    assert cell["status"] == "cap"
    assert "scores" not in cell


def test_when_the_bench_is_ended_so_is_the_generator(
    bench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psutil

    noted = tmp_path / "pid"
    spin = f"import os, pathlib\npathlib.Path({str(noted)!r}).write_text(str(os.getpid()))\nwhile True:\n    pass\n"
    who = adapter(tmp_path, monkeypatch, bench, spin)

    def ended(_: float) -> None:
        if noted.is_file() and noted.read_text():
            raise SystemExit(143)

    monkeypatch.setattr(bench.time, "sleep", ended)
    with pytest.raises(SystemExit):
        bench.run_cell(who, "heart_disease", 0, "halves", threads=1)
    _, alive = psutil.wait_procs(
        [psutil.Process(int(noted.read_text()))] if psutil.pid_exists(int(noted.read_text())) else [], 5
    )
    assert not [p for p in alive if p.status() != psutil.STATUS_ZOMBIE]


def test_a_failure_is_kept_without_paths(bench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    who = adapter(tmp_path, monkeypatch, bench, f"raise ValueError('no place in {tmp_path}/there')\n")
    cell = bench.run_cell(who, "heart_disease", 0, "halves", threads=1)
    assert cell["status"] == "failed"
    assert cell["error"] == "ValueError: no place in …"


def test_our_own_generator_is_run_scored_and_kept(
    bench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    who = module("peers").peer("ours:table.marginals")
    a = type("Args", (), {"split": "halves", "again": False, "retime": False, "threads": 1})
    bench.one(who, "heart_disease", 0, a)
    path = tmp_path / "kept" / "ours.table.marginals" / "heart_disease-0.json"
    kept = json.loads(path.read_text(encoding="utf-8"))
    assert kept["status"] == "scored", kept
    assert kept["rows"] == 460
    assert 0.5 < kept["scores"]["c2st_auc_holdout"] <= 1
    assert kept["cost"]["fit_cpu_s"] >= 0
    assert str(tmp_path) not in path.read_text(encoding="utf-8")
    assert (tmp_path / "kept" / "floor" / "heart_disease-0.json").is_file()
    before = path.stat().st_mtime_ns
    bench.one(who, "heart_disease", 0, a)
    assert path.stat().st_mtime_ns == before
    assert "heart_disease" in capsys.readouterr().out


def test_labels_of_variants() -> None:
    peers = module("peers")
    assert peers.peer("ours:table.cart_chain").label == "ours.table.cart_chain"
    varied = peers.peer("ours:table.cart_chain", {"trees": 3})
    assert varied.label == "ours.table.cart_chain,trees=3"
    assert varied.params == {"synthesizer": "table.cart_chain", "trees": 3}
    assert peers.peer("ours:table.cart_chain", {"trees": 3}, "few").label == "ours.table.cart_chain,few"
    with pytest.raises(SystemExit, match="unknown peer"):
        peers.peer("nobody")


def test_intervals_over_seeds_and_of_single_cells() -> None:
    summary = module("summary")
    g = summary.Generator("one", "One")
    for seed, value in enumerate((0.60, 0.62, 0.64)):
        g.cells["adult"].append(
            {"seed": seed, "scores": {"c2st_auc_holdout": value, "errors": {"c2st_auc_holdout": 0.01}}}
        )
    over = g.figure("adult", "c2st_auc_holdout")
    assert over.value == pytest.approx(0.62)
    assert over.half == pytest.approx(4.3027 * 0.02 / 3**0.5, rel=1e-3)
    g.cells["adult"].pop()
    assert g.figure("adult", "c2st_auc_holdout").half == pytest.approx(0.0196)
    assert g.figure("adult", "shape_err") is None


def test_sections_leave_each_other_alone(tmp_path: Path) -> None:
    page = module("_page")
    path = tmp_path / "page.md"
    path.write_text("# Title\n", encoding="utf-8")
    for name, text in (("a", "one"), ("b", "two"), ("a", "three")):
        page.write_section(name, text, path)
    found = path.read_text(encoding="utf-8")
    assert found.startswith("# Title")
    assert found.count("begin a") == found.count("end b") == 1
    assert "one" not in found
    assert found.index("three") < found.index("two")


def test_the_page_is_made_of_what_is_kept() -> None:
    """Every kept cell stands in the section, with its figure, and no path of this machine."""
    cells, report = module("cells"), module("report")
    found, _ = module("summary").read()
    if not found:
        pytest.skip("no kept cells in benchmarks/results/tables")
    text = report.section()
    for g in found.values():
        for name in g.sets():
            assert f"{g.figure(name, 'c2st_auc_holdout').value:.3f}" in text, f"{g.label} on {name}"
    for path in cells.KEPT.glob("*/*.json"):
        assert str(cells.cache_dir()) not in path.read_text(encoding="utf-8")
    assert sys.executable not in text
