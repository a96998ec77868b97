"""The quick look: trees without weighing, said so, and no other generator beside it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import synthproof as sp
from synthproof.cli import commands  # noqa: F401  (they register themselves)
from synthproof.cli.main import main
from synthproof.core.errors import ConfigError
from synthproof.core.models import load_model
from synthproof.dossier.assemble import read_dossier
from synthproof.pipeline.config import FitConfig, load_config
from synthproof.pipeline.quick import QUICK, QUICK_NOTICE, generator_of
from synthproof.synthesizers.table.cart_chain import CartChain
from synthproof.testing.worlds import patients


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "t.csv"
    patients().draw(300, 3).frame.to_csv(path, index=False)
    return path


def call(monkeypatch: pytest.MonkeyPatch, *args: str) -> int:
    monkeypatch.setattr(sys, "argv", ["synthproof", *args, "--lang", "en"])
    with pytest.raises(SystemExit) as stop:
        main()
    return int(stop.value.code or 0)


def told(text: str) -> str:
    return " ".join(text.split())


def test_settings_name_the_generator() -> None:
    assert generator_of(FitConfig()) == "auto"
    assert generator_of(FitConfig(fast=True)) == QUICK
    assert generator_of(FitConfig(fast=True, synthesizer=QUICK)) == QUICK
    with pytest.raises(ConfigError) as refused:
        generator_of(FitConfig(fast=True, synthesizer="table.copula"))
    assert refused.value.code == "fit/fast-conflict"
    for lang in ("en", "ko"):
        assert "table.copula" in refused.value.text(lang)
        assert QUICK in QUICK_NOTICE.say(lang)


def test_fit_takes_trees_and_says_so(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "fit", str(source), "-o", str(tmp_path / "m"), "--fast", "--seed", "1") == 0
    assert "quick look" in told(capsys.readouterr().out)
    kept = load_model(tmp_path / "m")
    assert isinstance(kept, CartChain)
    default = CartChain().get_params()
    assert {k: v for k, v in kept.get_params().items() if k != "random_state"} == {
        k: v for k, v in default.items() if k != "random_state"
    }


def test_a_run_says_so_in_its_report(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "o"
    common = ("-o", str(out), "--seed", "1", "--repeats", "5", "--policy", "internal")
    assert call(monkeypatch, "run", str(source), "--fast", *common) in (0, 3, 4)
    assert "quick look" in told(capsys.readouterr().out)
    proof = read_dossier(out / "dossier")
    assert proof.generator.name == QUICK
    assert QUICK_NOTICE.to_dict() in proof.generator.notices
    assert "quick look" in told((out / "dossier" / "report.html").read_text(encoding="utf-8"))


def test_another_generator_is_refused_before_reading(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for verb in ("run", "fit"):
        asked = (verb, str(tmp_path / "absent.csv"), "-o", str(tmp_path / verb))
        assert call(monkeypatch, *asked, "--fast", "--synthesizer", "table.copula") == 2
        assert "fit/fast-conflict" in capsys.readouterr().err
        assert not (tmp_path / verb).exists()


def test_a_project_file_may_ask_for_it_and_a_flag_sets_its_generator_aside(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "p.toml"
    project.write_text("[fit]\nfast = true\n", encoding="utf-8")
    assert generator_of(load_config(project).fit) == QUICK
    project.write_text('[fit]\nsynthesizer = "table.copula"\n', encoding="utf-8")
    common = (str(source), "--config", str(project), "--seed", "1", "--fast")
    assert call(monkeypatch, "fit", *common, "-o", str(tmp_path / "a")) == 2
    assert call(monkeypatch, "fit", *common, "-o", str(tmp_path / "b"), "--synthesizer", "auto") == 0
    assert isinstance(load_model(tmp_path / "b"), CartChain)


def test_python_takes_it_as_an_argument() -> None:
    people = patients().draw(300, 3)
    model = sp.synthesizer(fast=True, random_state=1).fit(people)
    plain = sp.synthesizer(QUICK, random_state=1).fit(people)
    assert model.sample(50, seed=2).equals(plain.sample(50, seed=2))
    assert QUICK_NOTICE in model.notices
    assert QUICK_NOTICE not in plain.notices
    assert QUICK_NOTICE.to_dict() in model.facts.notices
    with pytest.raises(ConfigError) as refused:
        sp.synthesizer("table.copula", fast=True)
    assert refused.value.code == "fit/fast-conflict"
