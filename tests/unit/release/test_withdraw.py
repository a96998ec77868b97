"""Handing over, calling back, running out: journal lines and recall lists, and nothing that disappears."""

from __future__ import annotations

import csv
import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from synthproof.core.errors import NotFoundError, StateError, UsageError, WorkspaceError
from synthproof.pipeline.releasing import check_release, release_vault, seal_release
from synthproof.release.keys import open_key
from synthproof.release.notice import Notice
from synthproof.release.vault import ReleaseVault
from synthproof.release.withdraw import expire, hand_over, withdraw

REASON = "새로운 연결 가능 데이터가 공개됨"


@pytest.fixture
def sealed(bundle: Path, own_run: Any, tmp_path: Path) -> tuple[ReleaseVault, str, Path]:
    """A copy of the run from which the bundle was sealed, and of the bundle."""
    out = Path(shutil.copytree(bundle, tmp_path / "sealed"))
    name = json.loads((out / "manifest.json").read_text("utf-8"))["bundle"]
    return release_vault(own_run.root), name, out


def test_a_withdrawn_release_fails_every_check_that_has_the_notice(
    sealed: tuple[ReleaseVault, str, Path], tmp_path: Path, passphrase: str, day: date
) -> None:
    vault, bundle, out = sealed
    hand_over(vault, bundle, " 의과대학 ", "dean@example.kr")
    hand_over(vault, bundle, "=cmd|calc", "")
    made = withdraw(vault, bundle, REASON, passphrase=passphrase, contact="02-000-0000", notice=tmp_path / "n.json")
    assert made.notice == tmp_path / "n.json"
    assert check_release(out, day=day).ok  # the bundle alone cannot know
    report = check_release(out, notice=made.notice, day=day)
    assert [f.code for f in report.faults] == ["release/withdrawn"]
    assert REASON in report.faults[0].text("ko")
    (out / "withdrawal.json").write_bytes((tmp_path / "n.json").read_bytes())
    assert [f.code for f in check_release(out, day=day).faults] == ["release/withdrawn"]
    with made.recall_list.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert [r[:2] for r in rows] == [["받은 곳", "연락처"], ["의과대학", "dean@example.kr"], ["'=cmd|calc", ""]]
    found = vault.release(bundle)
    assert found.state == "withdrawn"
    assert [r.name for r in found.recipients] == ["의과대학", "=cmd|calc"]
    assert vault.papers(bundle).is_dir()
    assert out.is_dir()
    acts = [x.act for x in vault.lines()]
    assert acts[-4:] == ["release.sealed", "release.handed_over", "release.handed_over", "release.withdrawn"]


def test_what_was_withdrawn_is_closed(
    sealed: tuple[ReleaseVault, str, Path], own_run: Any, tmp_path: Path, passphrase: str, day: date
) -> None:
    vault, bundle, _ = sealed
    withdraw(vault, bundle, REASON, passphrase=passphrase)
    with pytest.raises(StateError, match="release/closed"):
        withdraw(vault, bundle, REASON, passphrase=passphrase)
    with pytest.raises(StateError, match="release/closed"):
        hand_over(vault, bundle, "x")
    with pytest.raises(StateError, match="release/was-withdrawn"):
        seal_release(own_run.root, tmp_path / "again", outcome=own_run.case, passphrase=passphrase, day=day)
    # a new decision on the same dossier may open it again
    file = own_run.write(tmp_path / "new", decided="2026-12-01T09:00:00+09:00")
    seal_release(own_run.root, tmp_path / "again", outcome=file, passphrase=passphrase, day=day)


def test_a_lost_passphrase_does_not_keep_a_release_in_use(sealed: tuple[ReleaseVault, str, Path]) -> None:
    vault, bundle, _ = sealed
    with pytest.raises(StateError, match="release/wrong-passphrase"):
        withdraw(vault, bundle, REASON, passphrase="not the passphrase")
    assert vault.release(bundle).state == "sealed"
    made = withdraw(vault, bundle, REASON, passphrase=None)
    assert made.notice is None
    assert vault.release(bundle).state == "withdrawn"


def test_notices_that_do_not_fit_are_named(
    sealed: tuple[ReleaseVault, str, Path], tmp_path: Path, passphrase: str, day: date
) -> None:
    from synthproof.release.keys import make_key

    vault, bundle, out = sealed
    manifest = vault.release(bundle).manifest
    place = tmp_path / "n.json"

    def codes(text: str) -> list[str]:
        place.write_text(text, encoding="utf-8")
        return [f.code for f in check_release(out, notice=place, day=day).faults]

    ours = open_key(vault.key, passphrase)
    make_key(tmp_path / "theirs", "another passphrase")
    theirs = open_key(tmp_path / "theirs", "another passphrase")
    good = Notice(bundle=bundle, manifest=manifest, at="2026-12-01T00:00:00+00:00", reason="x")
    assert codes(good.text(ours)) == ["release/withdrawn"]
    assert codes(good.text(theirs)) == ["release/other-key"]
    other = Notice(bundle="sp-1", manifest="sha256:" + "1" * 64, at="2026-12-01")
    assert codes(other.text(ours)) == ["release/other-notice"]
    outer = json.loads(good.text(ours))
    outer["body"]["reason"] = "y"
    assert codes(json.dumps(outer)) == ["release/bad-signature"]
    assert codes("{}") == ["release/bad-signature"]
    (out / "withdrawal.json").write_text("{}")
    assert [f.code for f in check_release(out, day=day).faults] == ["release/bad-signature"]


def test_a_period_that_is_over_is_recorded_once(sealed: tuple[ReleaseVault, str, Path]) -> None:
    vault, bundle, _ = sealed
    hand_over(vault, bundle, "의과대학", "a")
    assert expire(vault, day=date(2027, 11, 24)) == ()
    made = expire(vault, day=date(2027, 11, 25))
    assert bundle in [m.release.bundle for m in made]
    assert all(m.release.state == "expired" for m in made)
    assert expire(vault, day=date(2027, 11, 26)) == ()
    assert "의과대학" in vault.papers(bundle).joinpath("recall.csv").read_text("utf-8-sig")


def test_what_is_missing_is_asked_for(sealed: tuple[ReleaseVault, str, Path]) -> None:
    vault, bundle, _ = sealed
    with pytest.raises(UsageError, match="release/no-recipient"):
        hand_over(vault, bundle, " ")
    with pytest.raises(UsageError, match="release/no-reason"):
        withdraw(vault, bundle, "", passphrase=None)
    with pytest.raises(NotFoundError, match="release/unknown-bundle") as caught:
        hand_over(vault, bundle[:-1], "x")
    assert bundle in caught.value.text("ko")


def test_a_journal_that_was_touched_stops_everything(sealed: tuple[ReleaseVault, str, Path]) -> None:
    vault, bundle, _ = sealed
    text = vault.journal.read_text("utf-8")
    vault.journal.write_text(text.replace('"steward"', '"nobody"', 1), encoding="utf-8")
    for act in (
        lambda: hand_over(vault, bundle, "x"),
        lambda: withdraw(vault, bundle, "x", passphrase=None),
        lambda: expire(vault),
        vault.releases,
    ):
        with pytest.raises(StateError, match="journal/broken"):
            act()


def test_the_register_names_releases_users_and_states(
    sealed: tuple[ReleaseVault, str, Path], tmp_path: Path, passphrase: str
) -> None:
    import docx
    from pypdf import PdfReader

    from synthproof.release.register import write_register

    vault, bundle, _ = sealed
    hand_over(vault, bundle, "의과대학", "02-1")
    withdraw(vault, bundle, REASON, passphrase=passphrase)
    files = write_register(vault, tmp_path / "papers")
    assert [f.name for f in files] == ["register.ko.pdf", "register.ko.docx", "register.en.pdf", "register.en.docx"]
    cells = {c.text for t in docx.Document(str(files[1])).tables for row in t.rows for c in row.cells}
    assert {bundle, "의과대학", "02-1", "철회됨", "2026-11-25 – 2027-11-24", "교육용 합성데이터"} <= cells
    text = PdfReader(files[2]).pages[0].extract_text()
    assert "withdrawn" in text
    write_register(vault, tmp_path / "papers")  # written anew in place


def test_a_notice_can_still_be_signed_after_the_withdrawal(
    sealed: tuple[ReleaseVault, str, Path], tmp_path: Path, passphrase: str, day: date
) -> None:
    """A full disk after the journal line, or a passphrase found again, must not leave recipients without a notice."""
    vault, bundle, out = sealed
    (tmp_path / "file").write_text("x")
    with pytest.raises(WorkspaceError, match="workspace/"):
        withdraw(vault, bundle, REASON, passphrase=passphrase, notice=tmp_path / "file" / "n.json")
    assert vault.release(bundle).state == "sealed", "a place that cannot be written is found out beforehand"
    withdraw(vault, bundle, REASON, passphrase=None)
    before = len(vault.lines())
    made = withdraw(vault, bundle, "another reason", passphrase=passphrase, notice=tmp_path / "n.json")
    assert made.notice == tmp_path / "n.json"
    assert len(vault.lines()) == before
    said = check_release(out, notice=made.notice, day=day).faults
    assert [f.code for f in said] == ["release/withdrawn"]
    assert REASON in said[0].text("ko"), "the reason is the one in the journal"
    with pytest.raises(StateError, match="release/closed"):
        withdraw(vault, bundle, REASON, passphrase=passphrase)
