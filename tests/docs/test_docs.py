"""The documentation runs, and its reference is what the code says."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("README*.md"), *(ROOT / "docs").rglob("*.md")])
WITH_PYTHON = [p for p in PAGES if "```python" in p.read_text(encoding="utf-8") and not p.name.startswith("README")]


@pytest.mark.parametrize("page", WITH_PYTHON, ids=lambda p: p.name)
def test_python_blocks_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    names: dict[str, object] = {"__name__": "page"}
    for block in blocks:
        exec(compile(block, page.name, "exec"), names)


def test_five_lines_of_the_readme_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from synthproof.cli.demo import write_patients

    monkeypatch.chdir(tmp_path)
    write_patients(tmp_path / "people.csv")
    for name in ("README.md", "README.ko.md"):
        block = re.search(r"```python\n(.*?)```", (ROOT / name).read_text(encoding="utf-8"), re.DOTALL)
        assert block is not None
        code = block.group(1).replace("seed=7)\nprint", "seed=7, repeats=5)\nprint")
        assert len([line for line in code.splitlines() if line and not line.startswith(("import", "print"))]) <= 5
        names: dict[str, object] = {}
        exec(compile(code, name, "exec"), names)
        assert names["proof"].verdict.result in {"meets", "does_not_meet", "not_assessed"}  # type: ignore[attr-defined]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_toml_blocks_parse() -> None:
    seen = 0
    for page in PAGES:
        for block in re.findall(r"```toml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            tomllib.loads(block)
            seen += 1
    assert seen >= 6


def test_reference_is_up_to_date() -> None:
    spec = importlib.util.spec_from_file_location("make_reference", ROOT / "docs" / "make_reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name, text in module.pages().items():
        kept = (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8")
        assert kept == text, f"{name}: run `python docs/make_reference.py`"


def test_every_command_is_in_the_readme() -> None:
    from synthproof.cli import balance, commands, demo, lists  # noqa: F401
    from synthproof.cli.main import app

    for name in ("README.md", "README.ko.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        for command in app.registered_commands:
            label = command.name or command.callback.__name__  # type: ignore[union-attr]
            assert f"`{label}" in text or f"synthproof {label}" in text, label
