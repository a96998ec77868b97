"""Files and folders that are whole or absent, and that never take anything foreign with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from synthproof.core.errors import WorkspaceError
from synthproof.core.files import refuse_taken, whole_file, whole_folder


def fill(target: Path, *names: str) -> None:
    with whole_folder(target) as part:
        for name in names:
            (part / name).write_text(name, encoding="utf-8")


def test_folder_is_replaced_by_its_successor(tmp_path: Path) -> None:
    fill(tmp_path / "m", "model.json", "arrays.npz")
    fill(tmp_path / "m", "model.json", "arrays.npz")
    (tmp_path / "empty").mkdir()
    fill(tmp_path / "empty", "model.json")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["empty", "m"]


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_is_not_ours_is_never_replaced(kind: str, tmp_path: Path) -> None:
    target = tmp_path / "patients"
    kept = target if kind == "file" else target / "patients.csv"
    kept.parent.mkdir(exist_ok=True)
    kept.write_text("irreplaceable", encoding="utf-8")
    with pytest.raises(WorkspaceError) as error:
        fill(target, "seal.json")
    assert error.value.code == "workspace/occupied"
    with pytest.raises(WorkspaceError):
        refuse_taken(target, "seal.json")
    assert kept.read_text(encoding="utf-8") == "irreplaceable"
    assert [p.name for p in tmp_path.iterdir()] == ["patients"]


def test_a_failure_leaves_the_earlier_whole(tmp_path: Path) -> None:
    fill(tmp_path / "m", "a")
    with pytest.raises(RuntimeError), whole_folder(tmp_path / "m") as part:
        (part / "a").write_text("new", encoding="utf-8")
        raise RuntimeError
    assert (tmp_path / "m" / "a").read_text(encoding="utf-8") == "a"
    with pytest.raises(RuntimeError), whole_file(tmp_path / "f") as single:
        single.write_text("half", encoding="utf-8")
        raise RuntimeError
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m"]
