"""Sealing: what the bundle holds, what it does not tell, and that it is whole or not there."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from synthproof.core.errors import StateError, WorkspaceError
from synthproof.core.words import LANGS
from synthproof.dossier.journal import verify
from synthproof.pipeline.releasing import check_release, release_vault, seal_release
from synthproof.pipeline.tables import load_table

EXPECTED = {
    "README.txt", "croissant.json", "data-card.en.md", "data-card.ko.md", "data/synthetic.csv", "data/synthetic.parquet",
    "forms/forms.en.docx", "forms/forms.en.pdf", "forms/forms.ko.docx", "forms/forms.ko.pdf", "journal/release.jsonl",
    "journal/review.jsonl", "manifest.json", "provenance.json", "public-key.pem", "record.json", "signature.json",
    "terms.en.md", "terms.ko.md",
}  # fmt: skip


def names(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def texts(name: str, data: bytes) -> Iterator[str]:
    """Yield everything that can be read out of a file: its bytes, and what is packed in it."""
    yield data.decode("utf-8", errors="replace")
    yield data.decode("utf-16-le", errors="replace")
    if name.endswith((".docx", ".zip")):
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            for inner in packed.namelist():
                yield from texts(inner, packed.read(inner))
    elif name.endswith(".pdf"):
        from pypdf import PdfReader

        reader = PdfReader(io.BytesIO(data))
        yield str(reader.metadata)
        for page in reader.pages:
            yield page.extract_text().replace("\n", "")
    elif name.endswith(".parquet"):
        file = pq.ParquetFile(io.BytesIO(data))
        yield str(file.schema_arrow.metadata) + str(file.schema)
        yield str(file.read().to_pydict())


def test_it_holds_what_it_should(bundle: Path, run: Any) -> None:
    assert names(bundle) == EXPECTED
    manifest = json.loads((bundle / "manifest.json").read_text("utf-8"))
    assert set(manifest["files"]) == EXPECTED - {"manifest.json", "signature.json"}
    assert manifest["dossier"] == run.digest
    assert manifest["period"] == {"from": "2026-11-25", "to": "2027-11-24"}
    assert not any("private" in n for n in names(bundle))


def test_no_token_of_the_original_is_anywhere_in_it(bundle: Path, run: Any, canaries: tuple[str, ...]) -> None:
    found = {
        (token, path.name)
        for path in bundle.rglob("*")
        if path.is_file()
        for text in texts(path.name, path.read_bytes())
        for token in (*canaries, "987654321", "9876543", "9,876,543", "377.7", "0.123456", "0.12346", "0245454")
        if token in text.replace(" ", "") or token in text
    }
    assert found == set()
    # and the test can find them: the dossier and the vault are full of them
    inside = (
        "".join(t for p in run.root.rglob("*") if p.is_file() for t in texts(p.name, p.read_bytes()))
        + (run.case / "outcome.json").read_text("utf-8")
        + (run.case / "journal.jsonl").read_text("utf-8")
    )
    assert [token for token in canaries if token not in inside] == []


def test_no_private_key_is_anywhere_in_it(bundle: Path) -> None:
    for path in bundle.rglob("*"):
        if path.is_file():
            assert b"PRIVATE KEY" not in path.read_bytes(), path


def test_the_data_are_those_of_the_vault(bundle: Path, run: Any) -> None:
    table = load_table(run.root / "vault" / "synthetic")
    file = pq.ParquetFile(bundle / "data/synthetic.parquet")
    marks = {k.decode(): v.decode() for k, v in file.schema_arrow.metadata.items()}
    assert marks["synthetic"] == "true"
    assert marks["synthproof.release"].startswith("sp-")
    assert marks["digital_source_type"].endswith("trainedAlgorithmicMedia")
    read = file.read().to_pydict()
    assert read["나이"] == table.frame["나이"].tolist()
    assert read["병동"] == table.frame["병동"].astype("str").tolist()
    csv = (bundle / "data/synthetic.csv").read_text("utf-8").splitlines()
    assert csv[0] == "번호,나이,병동,혈당,당뇨"  # nothing but data
    assert len(csv) == 61


def test_cards_terms_and_metadata_are_filled(bundle: Path) -> None:
    manifest = json.loads((bundle / "manifest.json").read_text("utf-8"))
    for lang in LANGS:
        card = (bundle / f"data-card.{lang}.md").read_text("utf-8")
        assert "기관이 기재" not in card
        assert "to be stated" not in card
        assert "2026-11-25" in card
        assert manifest["bundle"] in card
        told = (bundle / f"terms.{lang}.md").read_text("utf-8")
        assert {"ko": "교육 목적 한정", "en": "Teaching only"}[lang] in told
        assert "02-000-0000" in told
    croissant = json.loads((bundle / "croissant.json").read_text("utf-8"))
    assert croissant["license"]["name"] == "terms of use of the institution"
    for file in croissant["distribution"]:
        assert file["sha256"] == manifest["files"][file["contentUrl"]]["sha256"]
    # what mlcroissant 1.1 reads: it warned of these until they were there, and knows Parquet by no other name
    assert croissant["distribution"][0]["encodingFormat"] == "application/x-parquet"
    assert manifest["bundle"] in croissant["citeAs"]
    assert {"equivalentProperty", "samplingRate"} <= set(croissant["@context"])
    provenance = json.loads((bundle / "provenance.json").read_text("utf-8"))
    assert provenance["c2pa"] == {"made": False, "because": "no images"}
    record = json.loads((bundle / "record.json").read_text("utf-8"))
    assert record["review"]["votes"] == {"approved": 3, "conditional": 0, "refused": 0}
    assert record["evidence"][0]["estimate"] == 0.0212
    assert record["refinements"] == ["drop_exact_copies"]
    assert record["verdict"]["findings"][0]["limit"] is None  # a simulated limit is a property of the original


def test_journals_are_extracts_whose_chains_hold(bundle: Path) -> None:
    from synthproof.dossier.journal import Anchor

    manifest = json.loads((bundle / "manifest.json").read_text("utf-8"))
    for name, anchor in manifest["journals"].items():
        lines = (bundle / name).read_text("utf-8").splitlines()
        assert verify(lines, anchor=Anchor.from_dict(anchor)) == ()
        assert all("fields" not in json.loads(line) for line in lines)
    acts = [json.loads(x)["act"] for x in (bundle / "journal/review.jsonl").read_text("utf-8").splitlines()]
    assert acts[-1] == "case.approved"


@pytest.mark.parametrize("lang", LANGS)
def test_forms_are_all_there_as_pdf_and_docx(bundle: Path, run: Any, lang: str) -> None:
    import docx
    from docx.oxml.ns import qn
    from pypdf import PdfReader

    numbers = ("1-1", "1-2", "1-3", "1-4", "1-5", "1-6")
    full = next((run.root / "vault/release").glob("sp-*"))
    for folder, name, signed in ((bundle, "위원1", False), (full, "CANARYMEMBER", True)):
        pages = [p.extract_text() for p in PdfReader(folder / f"forms/forms.{lang}.pdf").pages]
        document = docx.Document(str(folder / f"forms/forms.{lang}.docx"))
        heads = [p.text for p in document.paragraphs if p.style.name == "Heading 1"]
        for number in numbers:
            assert any(number in page for page in pages), number
            assert any(number in head for head in heads), number
        assert len(heads) == 10  # 1-1, 1-2, 1-3 twice, 1-4, 1-5 of three members, combined, 1-6
        cells = [c.text for t in document.tables for row in t.rows for c in row.cells]
        if lang == "ko":
            assert any(name in c.replace(" ", "") for c in cells), name
        assert "2026-11-25 – 2027-11-24" in cells
        sign = {"ko": "작성자(서명)", "en": "Author (signature)"}[lang]
        assert (sign in cells) == signed
        fonts = document.styles["Normal"].element.rPr.find(qn("w:rFonts"))
        assert fonts.get(qn("w:eastAsia")) == "맑은 고딕"
        assert any(s.orientation == 1 for s in document.sections)


# The order that the schema of the format (ECMA-376, wml.xsd) asks for; Word calls a file with another one damaged.
ORDER = {
    "tblPr": ("tblStyle", "tblW", "jc", "tblInd", "tblBorders", "shd", "tblLayout", "tblCellMar", "tblLook"),
    "trPr": ("cantSplit", "trHeight", "tblHeader"),
    "tcPr": ("tcW", "tcBorders", "shd", "noWrap", "tcMar", "vAlign"),
}


def test_documents_keep_the_order_of_the_format_and_the_signature_its_company(run: Any, bundle: Path) -> None:
    import docx
    from docx.oxml.ns import qn

    full = next((run.root / "vault/release").glob("sp-*"))
    for place in (bundle, full):
        body = docx.Document(str(place / "forms/forms.ko.docx")).element.body
        for kind, order in ORDER.items():
            found = list(body.iter(qn(f"w:{kind}")))
            assert found
            for element in found:
                names = [child.tag.rpartition("}")[2] for child in element]
                assert set(names) <= set(order), names
                if kind != "trPr":  # a choice in the schema: any order
                    assert names == sorted(names, key=order.index), names
        assert not body.xpath("./w:tbl[not(./w:tblPr/w:tblCellMar)]"), "a table without air between text and rules"
    signed = body.xpath("./w:tbl[./w:tr/w:tc//w:t[. = '작성자(서명)']]")
    assert len(signed) == 10
    for table in signed:
        before = table.getprevious()
        assert before.xpath("./w:pPr/w:keepNext")
        above = before.getprevious()
        assert above.xpath("./w:tr[last()]//w:p/w:pPr/w:keepNext | ./w:pPr/w:keepNext")
        assert int(table.xpath("./w:tr/w:trPr/w:trHeight/@w:val")[0]) >= 650  # twentieths of a point: room for a hand


def test_the_full_record_stays_in_the_vault(run: Any, bundle: Path) -> None:
    vault = release_vault(run.root)
    found = vault.releases()
    assert [r.state for r in found][:1] == ["sealed"]
    papers = vault.papers(found[0].bundle)
    assert (papers / "manifest.json").read_bytes() == (bundle / "manifest.json").read_bytes()
    assert json.loads((papers / "outcome.json").read_text("utf-8"))["dossier"] == run.digest
    assert [x.act for x in vault.lines()][:3] == ["release.key", "release.approved", "release.sealed"]


def test_a_zip_holds_the_same_and_checks(own_run: Any, tmp_path: Path, passphrase: str, day: date) -> None:
    out = tmp_path / "bundle.zip"
    seal_release(own_run.root, out, outcome=own_run.case, passphrase=passphrase, day=day)
    with zipfile.ZipFile(out) as packed:
        assert set(packed.namelist()) == EXPECTED
    report = check_release(out, day=day)
    assert report.faults == ()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bundle.zip", "out"]


def test_the_forms_say_in_korean_what_was_done_and_nothing_that_misleads(bundle: Path) -> None:
    from pypdf import PdfReader

    text = "".join(page.extract_text() for page in PdfReader(bundle / "forms/forms.ko.pdf").pages)
    assert "희소 범주 처리" in text
    assert "안전성 기준을 충족할 때에만" not in text
    assert "이 반출물에 전체 레코드가 들어 있습니다" in text


def test_nothing_is_overwritten(own_run: Any, tmp_path: Path, passphrase: str, day: date) -> None:
    out = tmp_path / "there"
    out.mkdir()
    with pytest.raises(WorkspaceError, match="release/taken"):
        seal_release(own_run.root, out, outcome=own_run.case, passphrase=passphrase, day=day)


def test_whole_or_nothing(
    own_run: Any, tmp_path: Path, passphrase: str, day: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    from synthproof.release import bundle as sealing

    before = {p for p in own_run.root.rglob("*") if "journal" not in p.name}

    def broken(*_: object) -> str:
        raise OSError("no space left on device")

    for name in ("_write_manifest", "write_full_papers", "write_content"):
        with monkeypatch.context() as m:
            m.setattr(sealing, name, broken)
            out = tmp_path / ("b.zip" if name == "write_content" else "b")
            with pytest.raises((OSError, WorkspaceError)):
                seal_release(own_run.root, out, outcome=own_run.case, passphrase=passphrase, day=day)
            assert not out.exists()
    assert {p for p in own_run.root.rglob("*") if "journal" not in p.name} == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out"]
    assert all(x.act != "release.sealed" for x in release_vault(own_run.root).lines()[3:])


def test_other_data_a_changed_dossier_and_a_broken_journal_are_refused(
    own_run: Any, tmp_path: Path, passphrase: str, day: date
) -> None:
    from synthproof.pipeline.tables import save_table

    root, out = own_run.root, tmp_path / "b"

    def refused(code: str) -> None:
        with pytest.raises((StateError, WorkspaceError), match=code):
            seal_release(root, out, outcome=own_run.case, passphrase=passphrase, day=day)
        assert not out.exists()

    table = load_table(root / "vault/synthetic")
    save_table(root / "vault/synthetic", table.take([0, 1, 2]))
    refused("release/data-differ")
    save_table(root / "vault/synthetic", table)
    page = root / "dossier/report.html"
    kept = page.read_bytes()
    page.write_bytes(kept + b" ")
    refused("state/damaged")
    page.write_bytes(kept)
    journal = root / "vault/release/journal.jsonl"
    lines = journal.read_text("utf-8").splitlines(keepends=True)
    journal.write_text("".join(lines[:-1]), encoding="utf-8")
    refused("journal/broken")
    journal.write_text("".join(lines), encoding="utf-8")
    shutil.rmtree(root / "vault/synthetic")
    refused("release/not-a-run")


def test_names_in_the_open_part_of_a_case_journal_are_refused(own_run: Any, tmp_path: Path, passphrase: str) -> None:
    from synthproof.dossier.journal import next_line, start
    from synthproof.dossier.journal_file import write

    file = own_run.write(tmp_path / "case")
    write(tmp_path / "case/journal.jsonl", [next_line(start("c"), person="김하나 변호사", act="a")])
    with pytest.raises(StateError, match="release/journal-names"):
        seal_release(own_run.root, tmp_path / "b", outcome=file, passphrase=passphrase, day=date(2026, 12, 1))


def test_a_run_is_kept_once_something_went_out(own_run: Any) -> None:
    from synthproof.pipeline.workspace import Workspace

    (own_run.root / ".synthproof-lock").unlink(missing_ok=True)
    with pytest.raises(WorkspaceError, match="release/kept"):
        Workspace(own_run.root).open(resume=False)
    assert (own_run.root / "vault/release/journal.jsonl").exists()


def test_no_approval_releases_what_serves_for_training_alone(run: Any) -> None:
    from dataclasses import replace

    from synthproof.core.evidence import Evidence
    from synthproof.dossier.assemble import read_dossier
    from synthproof.release.gate import refuse_training_rows

    proof = read_dossier(run.root / "dossier")
    refuse_training_rows(proof, "case")
    interpolated = replace(proof.generator, name="table.smote", tags={"releasable": False})
    shown = Evidence(metric="any.generation", subject="releasable", estimate=0.0, interval=(0.0, 0.0))
    for bad in (replace(proof, generator=interpolated), replace(proof, evidence=(*proof.evidence, shown))):
        with pytest.raises(StateError, match="release/training-only") as refused:
            refuse_training_rows(bad, "case")
        assert refused.value.part("remedy", "ko")
    fine = replace(shown, estimate=1.0, interval=(1.0, 1.0))
    refuse_training_rows(replace(proof, evidence=(*proof.evidence, fine)), "case")
