"""The dossier is whole, sealed, repeatable; nothing changed in it goes unseen."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from synthproof.core.errors import StateError
from synthproof.data.table.dataset import Table
from synthproof.dossier import assemble
from synthproof.dossier.assemble import read_dossier, rewrite_dossier, write_dossier
from synthproof.dossier.seal import check_seal
from synthproof.verification.proof import DataFacts, Proof

FILES = {
    "cards/croissant.json", "cards/dataset-card.md", "cards/model-card.md", "dossier.json", "forms/1-1.html",
    "forms/1-2.html", "forms/1-3-source.html", "forms/1-3-synthetic.html", "forms/1-4.html", "forms/checklist.html",
    "forms/forms.json", "forms/self-review.html", "policy.toml", "preview.json", "report.html", "report.pdf",
}  # fmt: skip


@pytest.fixture
def copy(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "dossier"))


def test_every_paper_is_there_and_sealed(written: Path, table: Table) -> None:
    sealed = check_seal(written)
    assert set(sealed["files"]) == FILES
    assert sealed["synthetic"]["fingerprint"] == table.fingerprint()
    assert sealed["synthetic"]["rows"] == table.n_rows
    assert sealed["digest"].startswith("sha256:")
    assert sealed["parent"] == ""


def test_reading_gives_the_proof_back(written: Path, proof: Proof) -> None:
    found = read_dossier(written)
    assert found.verdict == proof.verdict
    assert [e.to_dict() for e in found.evidence] == [e.to_dict() for e in proof.evidence]
    assert found.purpose == proof.purpose


@pytest.mark.parametrize(
    "name", ["dossier.json", "report.html", "report.pdf", "forms/1-1.html", "cards/croissant.json"]
)
def test_a_changed_byte_is_found(copy: Path, name: str) -> None:
    data = bytearray((copy / name).read_bytes())
    data[len(data) // 2] ^= 1
    (copy / name).write_bytes(bytes(data))
    with pytest.raises(StateError) as caught:
        read_dossier(copy)
    assert caught.value.code == "state/damaged"
    assert caught.value.facts["name"] == name


def test_added_and_removed_files_are_found(copy: Path) -> None:
    (copy / "forms" / "extra.html").write_text("x", encoding="utf-8")
    with pytest.raises(StateError, match="extra"):
        check_seal(copy)
    (copy / "forms" / "extra.html").unlink()
    (copy / "report.pdf").unlink()
    with pytest.raises(StateError, match=r"report\.pdf"):
        check_seal(copy)


def test_a_changed_seal_is_found(copy: Path) -> None:
    sealed = json.loads((copy / "seal.json").read_text(encoding="utf-8"))
    sealed["synthetic"]["fingerprint"] = "sha256:" + "0" * 64
    (copy / "seal.json").write_text(json.dumps(sealed), encoding="utf-8")
    with pytest.raises(StateError, match=r"seal\.json"):
        check_seal(copy)


@pytest.mark.parametrize("seal", ["", "{}", '{"format": 1}', "[1]"])
def test_something_else_is_no_dossier(tmp_path: Path, seal: str) -> None:
    (tmp_path / "seal.json").write_text(seal, encoding="utf-8")
    with pytest.raises(StateError) as caught:
        read_dossier(tmp_path)
    assert caught.value.code == "dossier/not-a-dossier"


def test_a_later_format_is_named(copy: Path) -> None:
    sealed = json.loads((copy / "seal.json").read_text(encoding="utf-8"))
    (copy / "seal.json").write_text(json.dumps({**sealed, "format": 99}), encoding="utf-8")
    with pytest.raises(StateError) as caught:
        check_seal(copy)
    assert caught.value.code == "dossier/too-new"


def test_other_data_than_the_verified_are_refused(tmp_path: Path, proof: Proof, table: Table) -> None:
    other = replace(proof.data["synthetic"], fingerprint="sha256:" + "1" * 64)
    wrong = replace(proof, data={**proof.data, "synthetic": DataFacts(**other.to_dict())})
    with pytest.raises(StateError) as caught:
        write_dossier(tmp_path / "dossier", wrong, synthetic=table)
    assert caught.value.code == "dossier/synthetic-differs"
    assert not (tmp_path / "dossier").exists()


def test_the_same_proof_gives_the_same_bytes(written: Path, tmp_path: Path, proof: Proof, table: Table) -> None:
    again = write_dossier(tmp_path / "again", proof, synthetic=table, policy_text=assemble_policy(written))
    assert check_seal(again)["digest"] == check_seal(written)["digest"]


def test_judging_anew_names_its_parent_and_keeps_the_data(copy: Path, written: Path) -> None:
    found = read_dossier(copy)
    verdict = replace(found.verdict, policy="internal", result="not_assessed")
    rewrite_dossier(copy, found.with_verdict(verdict), lang="en")
    before, after = check_seal(written), check_seal(copy)
    assert after["parent"] == before["digest"]
    assert after["digest"] != before["digest"]
    assert after["synthetic"] == before["synthetic"]
    assert set(after["files"]) == FILES
    assert read_dossier(copy).verdict.policy == "internal"


def test_a_failure_on_the_way_leaves_nothing(
    tmp_path: Path, proof: Proof, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object, **kwargs: object) -> bytes:
        raise StateError("dossier/print-failed", reason="made for this test")

    monkeypatch.setattr(assemble, "render_pdf", broken)
    with pytest.raises(StateError, match="print-failed"):
        write_dossier(tmp_path / "dossier", proof, synthetic=table)
    assert list(tmp_path.iterdir()) == []


def test_strange_settings_are_written_as_text() -> None:
    found = assemble._plain({"a": float("inf"), "b": Path("x"), "c": (1, 2.5), 3: np.arange(2), "d": None, "e": True})
    assert found == {"a": "inf", "b": "x", "c": [1, 2.5], "3": [0, 1], "d": None, "e": True}


def assemble_policy(folder: Path) -> str:
    return (folder / assemble.POLICY).read_text(encoding="utf-8")
