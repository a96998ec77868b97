"""The files of a bundle, all made from the reduced proof; and the full papers that stay in the vault beside it."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from synthproof.core.files import whole_folder
from synthproof.core.fingerprint import digest_file
from synthproof.core.words import LANGS
from synthproof.data.image.scenes import Scenes
from synthproof.data.image.scenes_io import write_boxes
from synthproof.data.table.dataset import Table
from synthproof.dossier.cards import DIGITAL_SOURCE, released_card
from synthproof.dossier.croissant import PARQUET_TYPE, croissant, described
from synthproof.dossier.journal import Line
from synthproof.release.credentials import Certificate, with_credentials
from synthproof.release.layout import (
    CROISSANT,
    CSV,
    IMAGES,
    PARQUET,
    PROVENANCE,
    README,
    RECORD,
    RELEASE_JOURNAL,
    REVIEW_JOURNAL,
)
from synthproof.release.marks import marked_png, write_csv, write_parquet
from synthproof.release.papers import Case, papers
from synthproof.release.print import forms_docx, forms_pdf
from synthproof.release.public import public_outcome, public_preview, public_proof, public_record
from synthproof.release.reading import JOURNAL, OUTCOME, Decided
from synthproof.release.terms import NAME, readme, terms
from synthproof.verification.proof import Proof


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """Everything a bundle is made from.

    Parameters
    ----------
    bundle, created
        Name and moment of the release.
    proof, preview
        The full ones of the dossier; `write_content` reduces them first.
    dossier
        The dossier's digest.
    named
        What the seal says of the synthetic data.
    fingerprint
        Of the signing key.
    """

    bundle: str
    created: str
    proof: Proof
    preview: Mapping[str, Any]
    dossier: str
    named: Mapping[str, Any]
    decided: Decided
    synthetic: Any
    fingerprint: str
    images: Mapping[str, Path] = field(default_factory=dict)
    certificate: Certificate | None = None

    @property
    def period(self) -> str:
        """First and last day of use."""
        return f"{self.decided.outcome.start} – {self.decided.outcome.end}"


def write_content(part: Path, content: Content, journal: Sequence[Line]) -> dict[str, Any]:
    """Write all files but manifest and signature; return the anchors of the journals among them, by name."""
    reduced, preview = public_proof(content.proof, content.preview), public_preview(content.preview)
    outcome = content.decided.outcome
    (part / "data").mkdir()
    table: Table = getattr(content.synthetic, "labels", content.synthetic)
    write_csv(table, part / CSV)
    write_parquet(table, part / PARQUET, content.bundle)
    made = _write_images(part, content)
    for lang in LANGS:
        card = released_card(
            reduced,
            preview,
            lang,
            license_=f"terms.{lang}.md",
            terms=f"{NAME.say(lang)} (terms.{lang}.md)",
            period=content.period,
            bundle=content.bundle,
        )
        _text(part / f"data-card.{lang}.md", card)
        told = terms(
            reduced.purpose,
            outcome.restrictions,
            start=outcome.start,
            end=outcome.end,
            bundle=content.bundle,
            lang=lang,
        )
        _text(part / f"terms.{lang}.md", told)
    case = Case(proof=reduced, preview=preview, outcome=outcome, bundle=content.bundle, public=True)
    _write_forms(part / "forms", case, content.created)
    _json(part / RECORD, _record(content, reduced))
    _json(part / PROVENANCE, _provenance(content, reduced, made))
    _json(part / CROISSANT, _croissant(part, content, reduced, preview))
    _text(part / README, readme(content.bundle, content.fingerprint))
    return _write_journals(part, content.decided.journal, journal)


def write_full_papers(folder: Path, content: Content, manifest: Path) -> None:
    """Write what the institution keeps of a release: decision, case journal, forms in full, manifest."""
    case = Case(
        proof=content.proof,
        preview=content.preview,
        outcome=content.decided.outcome,
        bundle=content.bundle,
        public=False,
    )
    with whole_folder(folder) as part:
        _write_forms(part / "forms", case, content.created)
        _json(part / OUTCOME, content.decided.outcome.to_dict())
        if content.decided.journal:
            _text(part / JOURNAL, "".join(line.text() + "\n" for line in content.decided.journal))
        shutil.copyfile(manifest, part / manifest.name)


def _write_forms(folder: Path, case: Case, created: str) -> None:
    made = papers(case)
    folder.mkdir(parents=True)
    for lang in LANGS:
        (folder / f"forms.{lang}.pdf").write_bytes(forms_pdf(made, bundle=case.bundle, created=created, lang=lang))
        (folder / f"forms.{lang}.docx").write_bytes(forms_docx(made, bundle=case.bundle, created=created, lang=lang))


def _write_journals(part: Path, review: Sequence[Line], release: Sequence[Line]) -> dict[str, Any]:
    """Write both journals without their fields: the chains still hold, names and texts stay behind."""
    anchors = {}
    for name, lines in ((REVIEW_JOURNAL, review), (RELEASE_JOURNAL, release)):
        if lines:
            _text(part / name, "".join(line.without_fields().text() + "\n" for line in lines))
            anchors[name] = lines[-1].anchor.to_dict()
    return anchors


def _write_images(part: Path, content: Content) -> str:
    """Write the pictures with their marks; return how content credentials stand (``made``, or why not)."""
    if not content.images:
        return "no images"
    (part / IMAGES).mkdir(parents=True)
    if isinstance(content.synthetic, Scenes):  # boxes and masks belong to a scene as its label does; seeds stay behind
        place = (part / IMAGES).parent
        names = [f"{Path(IMAGES).name}/{i:08d}.png" for i in range(content.synthetic.n_rows)]
        write_boxes(content.synthetic, names, place, seeds=False)
    for name, path in sorted(content.images.items()):
        picture = marked_png(path.read_bytes(), content.bundle, where=name)
        if content.certificate is not None:
            picture = with_credentials(picture, content.certificate, content.bundle, name=name)
        (part / IMAGES / name).write_bytes(picture)
    return "made" if content.certificate is not None else "no certificate given"


def _record(content: Content, reduced: Proof) -> dict[str, Any]:
    return {
        "format": 1,
        "bundle": content.bundle,
        "dossier": content.dossier,
        "about": {
            "en": "The reduced record: nothing of the original is told. The full one is kept by the institution.",
            "ko": "축약 기록입니다. 원본에 관한 내용은 싣지 않으며, 전체 기록은 기관이 보관합니다.",
        },
        "review": public_outcome(content.decided.outcome),
        **public_record(reduced),
    }


def _provenance(content: Content, reduced: Proof, credentials: str) -> dict[str, Any]:
    return {
        "format": 1,
        "release": content.bundle,
        "synthetic": True,
        "digitalSourceType": DIGITAL_SOURCE,
        "generator": {"name": reduced.generator.name, **reduced.generator.tags},
        "software": f"synthproof {reduced.environment['synthproof']}",
        "proved": reduced.created,
        "sealed": content.created,
        "dossier": content.dossier,
        "decision": content.decided.digest,
        "data": {k: content.named[k] for k in ("fingerprint", "rows", "units", "columns") if k in content.named},
        "marks": {
            CSV: "none: a mark would be data; it is named by its digest in the manifest",
            PARQUET: "key-value metadata: synthetic, digital_source_type, synthproof.release",
            **({IMAGES: "PNG text chunks and XMP (Iptc4xmpExt:DigitalSourceType)"} if content.images else {}),
        },
        "c2pa": {"made": credentials == "made", "because": "" if credentials == "made" else credentials},
    }


def _croissant(part: Path, content: Content, reduced: Proof, preview: Mapping[str, Any]) -> dict[str, Any]:
    """Return the dossier's draft completed: terms, day, digests; the CSV beside the Parquet."""
    draft = copy.deepcopy(croissant(reduced, preview, str(content.named["fingerprint"])))
    table = draft["distribution"][0]
    fingerprint = content.named["fingerprint"]

    def file(name: str, mime: str, id_: str) -> dict[str, Any]:
        path = part / name
        return {
            **table,
            "@id": id_,
            "name": name.rpartition("/")[2],
            "contentUrl": name,
            "encodingFormat": mime,
            "contentSize": f"{path.stat().st_size} B",
            "sha256": digest_file(path)[7:],
            "description": f"Synthetic records; content fingerprint {fingerprint}.",
        }

    return {
        **draft,
        "description": f"{described(reduced, preview)}, release {content.bundle}.",
        "license": {"@type": "CreativeWork", "name": NAME.en, "url": "terms.en.md"},
        "identifier": content.bundle,
        "citeAs": f"{draft['creator']['name']}: {draft['name']} (synthetic data), release {content.bundle}, "
        f"{content.created[:4]}",
        "datePublished": content.created[:10],
        "expires": content.decided.outcome.end,
        "distribution": [
            file(PARQUET, PARQUET_TYPE, "synthetic-table"),
            file(CSV, "text/csv", "synthetic-table-csv"),
            *_pictures(content),
        ],
    }


def _pictures(content: Content) -> list[dict[str, Any]]:
    if not content.images:
        return []
    told = f"{len(content.images):,} synthetic pictures; the manifest names each one's SHA-256."
    return [
        {
            "@type": "cr:FileSet",
            "@id": "synthetic-images",
            "name": "images",
            "description": told,
            "encodingFormat": "image/png",
            "includes": f"{IMAGES}/*.png",
        }
    ]


def _json(path: Path, value: Any) -> None:
    _text(path, json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False) + "\n")


def _text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
