"""The cards tell users of the data what they need, and nobody anything of the original."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from synthproof.data.table.dataset import Table
from synthproof.dossier.cards import DIGITAL_SOURCE, data_card, mark, model_card
from synthproof.dossier.croissant import CONFORMS, TO_BE_STATED, croissant
from synthproof.dossier.preview import preview_of
from synthproof.verification.proof import Proof

REQUIRED = {
    "@context", "@type", "conformsTo", "creator", "datePublished", "description", "distribution", "license", "name", "url",
}  # fmt: skip
RESPONSIBLE = {
    "rai:dataBiases", "rai:dataCollection", "rai:dataLimitations", "rai:dataManipulationProtocol",
    "rai:dataPreprocessingProtocol", "rai:dataReleaseMaintenancePlan", "rai:dataSocialImpact", "rai:dataUseCases",
    "rai:personalSensitiveInformation",
}  # fmt: skip


def metadata(written: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((written / "cards" / "croissant.json").read_text(encoding="utf-8"))
    return found


def test_croissant_has_what_its_specification_asks_for(written: Path, table: Table) -> None:
    made = metadata(written)
    assert set(made) >= REQUIRED | RESPONSIBLE
    assert made["conformsTo"] == list(CONFORMS)
    assert made["@type"] == "sc:Dataset"
    assert made["digitalSourceType"] == DIGITAL_SOURCE
    assert made["license"]["name"] == TO_BE_STATED
    assert made["url"] == f"urn:{table.fingerprint()}"
    assert all(isinstance(made[name], str) and made[name] for name in RESPONSIBLE)


def test_croissant_describes_every_column_of_the_synthetic_file(written: Path, table: Table) -> None:
    made = metadata(written)
    file = made["distribution"][0]
    assert (file["@type"], file["encodingFormat"]) == ("cr:FileObject", "text/csv")
    fields = made["recordSet"][0]["field"]
    assert [f["source"]["extract"]["column"] for f in fields] == list(table.schema.names)
    assert all(f["source"]["fileObject"]["@id"] == file["@id"] for f in fields)
    assert [f["dataType"] for f in fields] == ["sc:Integer", "sc:Float", "sc:Text", "sc:DateTime", "sc:Boolean"]
    assert len({f["@id"] for f in fields}) == len(fields)
    used = {
        key for part in (made, file, fields[0], fields[0]["source"]) for key in part if ":" not in key and key[0] != "@"
    }
    known = set(made["@context"]) | {"name", "description", "license", "url", "creator", "version", "keywords"}
    assert used <= known | {
        "dateCreated", "datePublished", "digitalSourceType", "distribution", "contentUrl", "encodingFormat",
    }  # fmt: skip


def test_public_cards_tell_nothing_of_the_original(written: Path) -> None:
    for name in ("dataset-card.md", "model-card.md", "croissant.json"):
        text = (written / "cards" / name).read_text(encoding="utf-8")
        assert "people.csv" not in text, name  # the original's file name
        assert "1,000" not in text, name  # its size
        assert "cdcdcd" not in text, name  # its fingerprint
        assert "987654321" not in text, name  # a seed
        assert "12345" not in text, name


def test_cards_speak_both_languages(proof: Proof, table: Table) -> None:
    card, model = data_card(proof, preview_of(table, proof, {})), model_card(proof)
    assert card.startswith("---\n")
    for word in (
        "데이터 카드",
        "data card",
        "미충족",
        "does not meet",
        "합성",
        "Every record in this data set is synthetic",
    ):
        assert word in card, word
    for word in ("모형 카드", "model card", "The model itself is not released", "완전합성"):
        assert word in model, word


def test_markup_in_a_name_stays_text(hostile: str) -> None:
    assert mark(hostile) == "&lt;script&gt;alert(1)&lt;/script&gt;"
    assert mark("a|b [x](y) `z` *k* _u_") == "a\\|b \\[x\\](y) \\`z\\` \\*k\\* \\_u\\_"


def test_the_metadata_is_plain_json(proof: Proof, table: Table) -> None:
    made = croissant(proof, preview_of(table, proof, {}), table.fingerprint())
    assert json.loads(json.dumps(made, allow_nan=False)) == made
