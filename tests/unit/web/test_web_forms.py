"""An institution's own form: as it was when the case was opened, whatever becomes of the file; and in the backup."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from synthproof.core.errors import NotFoundError, StateError
from synthproof.web.acts import cases
from synthproof.web.backup import back_up, restore
from synthproof.web.forms import form_of
from synthproof.web.models import Case


@pytest.fixture
def own(small: Any, tmp_path: Path) -> tuple[str, Path]:
    """A case under an own form, before the committee, with one answer."""
    source = tmp_path / "own.toml"
    shipped = (files("synthproof.review") / "forms" / "pipc_guide.toml").read_text(encoding="utf-8")
    source.write_text(shipped.replace('id = "pipc_guide"', 'id = "ours"'), encoding="utf-8")
    case = cases.open_case(small.store, small.people["steward"], small.dossiers[0], title="own", form=str(source))
    for name in ("law", "privacy", "ai"):
        cases.call_member(small.store, small.people["chair"], case.id, small.people[name].id)
    cases.move_case(small.store, small.people["chair"], case.id, 4, "")
    small.answer_all("law", case.id)
    return case.id, source


def test_the_rules_do_not_change_under_a_vote(small: Any, own: tuple[str, Path]) -> None:
    case, source = own
    source.write_text(source.read_text(encoding="utf-8").replace("unanimous = true", "unanimous = false"))
    assert small.get("law", f"/cases/{case}/questions").text.count("needs every voice") == 2
    source.unlink()
    for url in ("/", f"/cases/{case}", f"/cases/{case}/questions/safety", f"/cases/{case}/outcome"):
        assert small.get("law", url).status_code == 200, url
    for name in ("privacy", "ai"):
        small.answer_all(name, case, unfit=("safety",) if name == "ai" else ())
    assert small.vote("law", case).status_code == small.vote("privacy", case).status_code == 303
    assert small.vote("ai", case, "conditional", conditions="farther").status_code == 303
    assert small.post("chair", f"/cases/{case}/outcome").status_code == 303
    page = small.get("law", f"/cases/{case}/outcome").text
    assert "must be found fit by everyone" in page


def test_a_kept_form_that_was_changed_is_not_used(small: Any, own: tuple[str, Path]) -> None:
    case, _ = own
    kept = next((small.store.data / "forms").iterdir())
    assert kept.stat().st_mode & 0o222 == 0
    kept.chmod(0o600)
    kept.write_text(kept.read_text(encoding="utf-8").replace("least = 3", "least = 1"), encoding="utf-8")
    with small.store.read() as work, pytest.raises(StateError, match="web/changed"):
        form_of(small.store, work.get_one(Case, case))
    assert small.vote("law", case).status_code == 409


def test_a_backup_holds_it(small: Any, own: tuple[str, Path], tmp_path: Path) -> None:
    case, source = own
    kept = back_up(small.store, tmp_path / "kept.zip")
    source.unlink()
    other = restore(kept, tmp_path / "restored")
    with other.read() as work:
        assert form_of(other, work.get_one(Case, case)).id == "ours"
    other.close()


def test_a_form_that_is_not_there(small: Any, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        cases.open_case(
            small.store, small.people["steward"], small.dossiers[0], title="x", form=str(tmp_path / "none.toml")
        )
