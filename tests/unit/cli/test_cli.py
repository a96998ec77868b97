"""The command line's own work: options from the configuration, language, lists, explanations, errors, exit codes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from synthproof.cli import commands, demo, lists  # noqa: F401  (they register themselves)
from synthproof.cli.language import language
from synthproof.cli.lists import example
from synthproof.cli.main import main
from synthproof.cli.progress import drawn_run
from synthproof.core.registry import REGISTRIES
from synthproof.pipeline.config import RunConfig, load_config


def call(monkeypatch: pytest.MonkeyPatch, *args: str, lang: str = "en") -> int:
    monkeypatch.setattr(sys, "argv", ["synthproof", *args])
    monkeypatch.setenv("SYNTHPROOF_LANG", lang)
    with pytest.raises(SystemExit) as stop:
        main()
    return int(stop.value.code or 0)


@pytest.mark.parametrize("kind", ["synthesizers", "metrics", "policies", "protections"])
def test_list_shows_everything(kind: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(monkeypatch, "list", kind) == 0
    shown = capsys.readouterr().out
    for name in REGISTRIES[kind].names():
        assert name in shown


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_list_alone_says_what_there_is(
    lang: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "list", lang=lang) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [kind.value for kind in lists.Listed]
    for line in lines:
        kind, n = line.split()[:2]
        assert int(n) == len(REGISTRIES[kind].entries())
        assert f"synthproof list {kind}" in line
        assert any("가" <= c <= "힣" for c in line) == (lang == "ko")


@pytest.mark.parametrize("code", ["workspace/unwritable", "table.pipc_linkage", "pipc_2024", "not_assessed"])
@pytest.mark.parametrize("lang", ["en", "ko"])
def test_explain(code: str, lang: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(monkeypatch, "explain", code, lang=lang) == 0
    shown = capsys.readouterr().out
    assert len(shown) > 10
    if lang == "ko":
        assert any("가" <= c <= "힣" for c in shown)


def test_version(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from synthproof import __version__

    assert call(monkeypatch, "--version") == 0
    assert capsys.readouterr().out.strip() == __version__


def test_explain_unknown_names_the_nearest(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(monkeypatch, "explain", "table.pipc_linkge") == 2
    assert "table.pipc_linkage" in capsys.readouterr().err


def test_printed_project_file_is_the_defaults(tmp_path: Path) -> None:
    for lang in ("en", "ko"):
        path = tmp_path / f"{lang}.toml"
        path.write_text(example(lang), encoding="utf-8")
        assert load_config(path) == RunConfig()


def test_config_check_refuses_a_misspelt_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "synthproof.toml"
    path.write_text('[verify]\npolcy = "public"\n', encoding="utf-8")
    assert call(monkeypatch, "config", "--check", str(path)) == 2
    told = capsys.readouterr().err
    assert "polcy" in told
    assert "Did you mean policy" in told


@pytest.mark.parametrize(
    ("args", "code", "told"),
    [
        (["run", "nowhere.csv"], 1, "read/"),
        (["run", "nowhere.csv", "--policy", "pipc_2025"], 2, "pipc_2024"),
        (["run", "nowhere.csv", "--synthesizer", "table.copla"], 2, "table.copula"),
        (["run"], 2, "SOURCE"),
        (["no-such-command"], 2, ""),
        (["run", "--no-such-option"], 2, ""),
        (["sample", "nowhere", "--n", "3", "-o", "x.csv"], 1, "state/not-a-model"),
        (["sample", "nowhere", "--n", "0", "-o", "x.csv"], 2, "sample/bad-n"),
        (["judge", "nowhere", "--policy", "public"], 1, "dossier/"),
        (["inspect", "nowhere.csv", "--lang", "fr"], 2, "config/wrong-type"),
        (["run", "nowhere.csv", "--device", "gpu"], 2, "config/wrong-type"),
        (["run", "nowhere.csv", "--broken-rules", "refus"], 2, "config/wrong-type"),
        (["fit", "nowhere", "-o", "m", "--square", "cropped"], 2, "config/wrong-type"),
        (["verify", "nowhere", "nowhere", "--colour", "gray"], 2, "config/wrong-type"),
    ],
)
def test_errors_have_codes_and_exit_codes(
    args: list[str],
    code: int,
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert call(monkeypatch, *args) == code
    assert told in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [] or args[0] == "run"


def test_errors_speak_korean(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(monkeypatch, "list", "metrics", lang="ko") == 0
    capsys.readouterr()
    assert call(monkeypatch, "run", "nowhere.csv", "--policy", "pipc_2025", lang="ko") == 2
    assert "조치" in capsys.readouterr().err


def test_stray_errors_never_quote_their_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*args: object, **more: object) -> None:
        raise ValueError("could not convert string to float: 'Hong Gil-dong'")

    monkeypatch.setattr("synthproof.pipeline.face.read", broken)
    monkeypatch.delenv("SYNTHPROOF_DEBUG", raising=False)
    assert call(monkeypatch, "inspect", "people.csv") == 1
    told = capsys.readouterr().err
    assert "ValueError" in told
    assert "Hong" not in told


@pytest.mark.parametrize(
    ("argv", "env", "expected"),
    [
        (["run", "--lang", "ko"], "en_US", "ko"),
        (["run", "--lang=en"], "ko_KR.UTF-8", "en"),
        (["run"], "ko_KR.UTF-8", "ko"),
        (["run"], "C", "en"),
    ],
)
def test_language(argv: list[str], env: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SYNTHPROOF_LANG", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LC_ALL", env)
    assert language(argv) == expected


def test_progress_is_drawn_and_leaves_the_signal_as_it_was() -> None:
    import io
    import signal

    from rich.console import Console

    before = signal.getsignal(signal.SIGINT)
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=100)
    with drawn_run(console, "en", workers=1) as run:
        for at, stage in enumerate(("read", "fit", "verify")):
            run.tick("run", at, 3, stage=stage)
            run.tick("part", 1, 2)
        run.tick("run", 3, 3, stage="done")
    assert signal.getsignal(signal.SIGINT) is before
    assert "done" in screen.getvalue()  # the last picture; the ones before may fall between two refreshes


def test_module_runs() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "synthproof", "list", "policies"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert "pipc_2024" in done.stdout


@pytest.mark.parametrize(
    ("args", "code", "named"),
    [
        (["run"], "usage/missing", "SOURCE"),
        (["run", "a.csv", "--polcy", "x"], "usage/unknown-option", "--policy"),
        (["run", "a.csv", "--n", "many"], "usage/bad-value", "--n"),
        (["run", "a.csv", "b.csv"], "usage/unexpected", "--help"),
        (["verify", "a.csv"], "usage/missing", "SYNTHETIC"),
        (["runn"], "usage/unknown-command", "runn"),
        (["list", "things"], "usage/bad-value", "WHAT"),
    ],
)
@pytest.mark.parametrize("lang", ["en", "ko"])
def test_errors_of_the_command_line_have_four_parts(
    args: list[str],
    code: str,
    named: str,
    lang: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert call(monkeypatch, *args, lang=lang) == 2
    told = capsys.readouterr().err
    assert told.startswith(code)
    assert named in told
    for label in ("remedy", "found", "where") if lang == "en" else ("조치", "확인된 것", "위치"):
        assert f"  {label}: " in told


HELP = """
import re, sys
import typer
from synthproof.cli import altering, balance, commands, demo, lists, releasing, reporting, review, vtt
from synthproof.cli.korean import in_korean
from synthproof.cli.main import app

in_korean(app)

def walk(command, name):
    yield name, command.help or ""
    for p in command.params:
        if p.name not in ("help", "lang"):
            yield f"{name} {p.name}", p.help or ""
    for below, inner in getattr(command, "commands", {}).items():
        yield from walk(inner, f"{name} {below}")

told = list(walk(typer.main.get_command(app), "synthproof"))
print(len(told))
print(*[name for name, text in told if not re.search("[가-힣]", text)], sep=chr(10))
"""


def test_every_command_and_option_is_explained_in_korean() -> None:
    env = {**os.environ, "SYNTHPROOF_LANG": "ko", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run([sys.executable, "-c", HELP], capture_output=True, encoding="utf-8", check=True, env=env)
    seen, *lacking = done.stdout.split()
    assert int(seen) > 150
    assert lacking == []


def test_a_wrong_choice_is_answered_with_the_choices(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "list", "things") == 2
    assert "synthesizers, metrics, policies, protections" in capsys.readouterr().err


def test_a_wrong_path_is_told_without_the_names_of_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "report", str(tmp_path / "nothing"), lang="ko") == 1
    told = capsys.readouterr().err
    assert "파일이나 폴더가 없음" in told
    assert "Error" not in told


def test_stopping_at_a_question_is_no_unexpected_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(*_: object, **__: object) -> str:
        raise typer.Abort

    monkeypatch.setattr("synthproof.cli.lists.example", stopped)
    assert call(monkeypatch, "config") == 1
    assert "internal/unexpected" not in capsys.readouterr().err
