"""Form 1-6 (관리대장) over everything that went out of a vault: an entry a release, with its recipients and what became of it."""

from __future__ import annotations

from pathlib import Path

from synthproof.core.files import whole_folder
from synthproof.core.words import LANGS, Words
from synthproof.dossier.forms import Form, Section, same
from synthproof.release.print import forms_docx, forms_pdf
from synthproof.release.vault import STATE_WORDS, Released, ReleaseVault

_TITLE = Words(en="Form 1-6: register of releases", ko="서식 1-6 합성데이터 관리대장")
_DASH = Words(en="–", ko="–")


def register(releases: tuple[Released, ...]) -> Form:
    """Return the register of some releases as a form."""
    entries = Section(
        title=Words(en="Releases", ko="반출 내역"),
        head=(
            Words(en="Release", ko="반출물"),
            Words(en="Purpose", ko="활용 목적"),
            Words(en="Sealed", ko="봉인 일자"),
            Words(en="Period of use", ko="활용 기간"),
            Words(en="State", ko="상태"),
            Words(en="Remarks", ko="비고"),
        ),
        rows=tuple(
            (
                same(r.bundle),
                same(r.title) or _DASH,
                same(r.at[:10]),
                same(f"{r.start} – {r.end}"),
                STATE_WORDS[r.state],
                None,
            )
            for r in releases
        ),
    )
    users = Section(
        title=Words(en="Users", ko="활용 주체(제공 내역)"),
        head=(
            Words(en="Release", ko="반출물"),
            Words(en="User", ko="활용 주체"),
            Words(en="Contact", ko="연락처"),
            Words(en="Handed over", ko="제공 일자"),
            Words(en="Deletion confirmed", ko="삭제 확인"),
        ),
        rows=tuple(
            (same(r.bundle), same(x.name), same(x.contact) or _DASH, same(x.at[:10]), None)
            for r in releases
            for x in r.recipients
        ),
    )
    parts = (entries, users) if any(r.recipients for r in releases) else (entries,)
    return Form(id="1-6", title=_TITLE, sections=parts, wide=True)


def write_register(vault: ReleaseVault, folder: Path) -> tuple[Path, ...]:
    """Write the register of a vault as PDF and DOCX in both languages; return the files.

    Raises
    ------
    StateError
        ``journal/broken``; ``dossier/print-failed``.
    WorkspaceError
        ``workspace/occupied``, ``workspace/unwritable``.
    """
    releases = vault.releases()
    form = register(releases)
    last = vault.lines()[-1].at if releases else ""
    names = [f"register.{lang}.{kind}" for lang in LANGS for kind in ("pdf", "docx")]
    with whole_folder(folder) as part:
        for lang in LANGS:
            made = forms_pdf([form], bundle="", created=last, lang=lang)
            (part / f"register.{lang}.pdf").write_bytes(made)
            (part / f"register.{lang}.docx").write_bytes(forms_docx([form], bundle="", created=last, lang=lang))
    return tuple(folder / name for name in names)
