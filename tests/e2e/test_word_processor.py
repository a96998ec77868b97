"""The forms of a release opened by a word processor: LibreOffice by its path; skips visibly where there is none."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.e2e

SOFFICE = shutil.which("soffice") or shutil.which("libreoffice")


def release_tools() -> Any:
    place = Path(__file__).parents[1] / "unit" / "release" / "conftest.py"
    spec = importlib.util.spec_from_file_location("release_tools", place)
    assert spec is not None
    assert spec.loader is not None
    tools = importlib.util.module_from_spec(spec)
    sys.modules["release_tools"] = tools  # its dataclasses look their own module up
    spec.loader.exec_module(tools)
    return tools


def test_forms_open_in_a_word_processor_and_each_begins_a_page(tmp_path: Path) -> None:
    if SOFFICE is None:
        pytest.skip("no LibreOffice: install the system's (apt-get install libreoffice-writer)")
    pytest.importorskip("docx", reason="synthproof[release] is not installed")
    from pypdf import PdfReader

    from synthproof.dossier.preview import preview_of
    from synthproof.release.papers import Case, papers
    from synthproof.release.print import forms_docx

    tools = release_tools()
    table = tools.made_table()
    proof = tools.made_proof(table)
    outcome = tools.made_outcome("sha256:" + "ab" * 32)
    forms = papers(
        Case(proof=proof, preview=preview_of(table, proof, {}), outcome=outcome, bundle="sp-0", public=False)
    )
    for lang in ("ko", "en"):
        (tmp_path / f"forms.{lang}.docx").write_bytes(
            forms_docx(forms, bundle="sp-0", created="2026-11-28T00:00:00+00:00", lang=lang)
        )
    words = [SOFFICE, f"-env:UserInstallation=file://{tmp_path}/profile", "--headless", "--convert-to", "pdf"]
    words += ["--outdir", str(tmp_path), str(tmp_path / "forms.ko.docx"), str(tmp_path / "forms.en.docx")]
    subprocess.run(words, check=True, capture_output=True, timeout=500)
    for lang in ("ko", "en"):
        pages = [" ".join(p.extract_text().split()) for p in PdfReader(tmp_path / f"forms.{lang}.pdf").pages]
        assert len(forms) <= len(pages) <= len(forms) + 2
        if lang == "ko":
            continue  # a machine without a Hangul font has the pages, not their letters
        for form in forms:
            title = form.title.say(lang)
            assert any(title in page for page in pages), title
        alone = [page for page in pages if "(signature)" in page and len(page) < 120]
        assert not alone, "a page with nothing but the place to sign"
