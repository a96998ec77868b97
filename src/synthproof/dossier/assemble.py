"""A dossier: everything a committee reads, in one sealed folder without one real record."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synthproof.core.errors import StateError
from synthproof.core.files import whole_folder
from synthproof.core.run import Run, quiet
from synthproof.core.words import Lang
from synthproof.dossier.cards import data_card, model_card
from synthproof.dossier.croissant import croissant
from synthproof.dossier.disclose import common_levels, public_schema
from synthproof.dossier.fonts import font_css
from synthproof.dossier.forms import Form
from synthproof.dossier.forms_checklist import checklist
from synthproof.dossier.forms_checklist_image import checklist_image
from synthproof.dossier.forms_data import form_1_3_source, form_1_3_synthetic, form_1_4
from synthproof.dossier.forms_plan import form_1_1, form_1_2
from synthproof.dossier.forms_review import self_review
from synthproof.dossier.page import build_page
from synthproof.dossier.preview import preview_of
from synthproof.dossier.render_html import render_form, render_report, with_font
from synthproof.dossier.render_pdf import render_pdf
from synthproof.dossier.rules import RuleFacts, rule_facts
from synthproof.dossier.seal import check_seal, write_seal
from synthproof.verification.proof import FORMAT, Proof

PROOF = "dossier.json"
PREVIEW = "preview.json"
POLICY = "policy.toml"


def write_dossier(
    folder: Path,
    proof: Proof,
    *,
    synthetic: Any,
    policy_text: str = "",
    images: Mapping[str, str] | None = None,
    lang: Lang = "ko",
    parent: str = "",
    run: Run | None = None,
) -> Path:
    """Write the dossier of one proof, whole or not at all, and seal it.

    Parameters
    ----------
    folder
        Becomes the dossier; an old one is replaced.
    proof
        What verify found out.
    synthetic
        The synthetic data that the proof speaks of; their fingerprint must be the proof's.
    policy_text
        The policy as applied, kept beside the verdict.
    images
        Files of synthetic pictures and their digests: the seal names them, so that a release can be held against it.
    lang
        Language shown first.
    parent
        Digest of the dossier that this one follows (the same data, measured anew); empty for none.

    Returns
    -------
    pathlib.Path
        `folder`.

    Raises
    ------
    StateError
        ``dossier/synthetic-differs`` when other data than the verified ones are given; ``dossier/font-missing``.
    WorkspaceError
        ``workspace/unwritable``.
    """
    given = synthetic.fingerprint()
    facts = proof.data.get("synthetic")
    if facts is not None and facts.fingerprint != given:
        raise StateError("dossier/synthetic-differs", verified=facts.fingerprint, given=given)
    named = {
        "fingerprint": given,
        "units": len(synthetic),
        "rows": synthetic.n_rows,
        "columns": len(synthetic.schema.fields),
        **({"images": dict(images)} if images else {}),
    }
    preview = preview_of(synthetic, proof, common_levels(proof.evidence))
    return _write(folder, proof, preview, named, policy_text, lang=lang, parent=parent, run=quiet(run))


def read_dossier(folder: Path) -> Proof:
    """Return the proof a dossier was made from, after checking its seal.

    Raises
    ------
    StateError
        ``dossier/not-a-dossier``, ``dossier/too-new`` or ``state/damaged``.
    """
    check_seal(folder)
    try:
        record = json.loads((folder / PROOF).read_text(encoding="utf-8"))
        version = int(record["format"])
        if version > FORMAT:
            raise StateError("dossier/too-new", where=str(folder), found=version, known=FORMAT)
        return Proof.from_dict(record)
    except (OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, StateError):
            raise
        raise StateError("dossier/not-a-dossier", where=str(folder), reason=type(error).__name__) from error


def rewrite_dossier(
    folder: Path,
    proof: Proof,
    *,
    target: Path | None = None,
    policy_text: str | None = None,
    lang: Lang = "ko",
    run: Run | None = None,
) -> Path:
    """Write an existing dossier anew (judged again, or rendered again); no data are needed.

    Parameters
    ----------
    folder
        The dossier as it is; its seal is checked first.
    proof
        `read_dossier` of it, perhaps with another verdict.
    target
        Where the new one goes; in place of the old one if absent.
    policy_text
        The policy now applied; the kept one if absent.

    Returns
    -------
    pathlib.Path
        The new dossier. Its seal names the digest of the old one as parent.
    """
    sealed = check_seal(folder)
    preview = json.loads((folder / PREVIEW).read_text(encoding="utf-8"))
    kept = (folder / POLICY).read_text(encoding="utf-8") if (folder / POLICY).is_file() else ""
    return _write(
        target or folder,
        proof,
        preview,
        sealed["synthetic"],
        kept if policy_text is None else policy_text,
        lang=lang,
        parent=str(sealed["digest"]),
        run=quiet(run),
    )


def _write(
    folder: Path,
    proof: Proof,
    preview: Mapping[str, Any],
    named: Mapping[str, Any],
    policy_text: str,
    *,
    lang: Lang,
    parent: str,
    run: Run,
) -> Path:
    # What is rendered is what was written: a dossier read again gives the same pages.
    shown = public_schema(proof.schema, common_levels(proof.evidence))
    record = _plain({**proof.to_dict(), "schema": shown.to_dict()})
    told = Proof.from_dict(json.loads(json.dumps(record)))
    rules = rule_facts(policy_text)
    page = build_page(told, policy_text, preview)
    with whole_folder(folder) as part:
        run.tick("report", 0, 3)
        _json(part / PROOF, record)
        _json(part / PREVIEW, preview)
        _text(part / POLICY, policy_text)
        papers = forms_of(told, preview, rules)
        _json(part / "forms" / "forms.json", [form.to_dict() for form in papers])
        pages = {"report.html": render_report(page, lang=lang)}
        pages |= {form.file: render_form(form, page["heading"], page["created"], lang=lang) for form in papers}
        font = font_css(pages.values())
        for name, text in pages.items():
            _text(part / name, with_font(text, font))
        _text(part / "cards" / "dataset-card.md", data_card(told, preview))
        _text(part / "cards" / "model-card.md", model_card(told))
        _json(part / "cards" / "croissant.json", croissant(told, preview, str(named["fingerprint"])))
        run.tick("report", 1, 3)
        (part / "report.pdf").write_bytes(render_pdf(page, lang=lang, created=proof.created))
        run.tick("report", 2, 3)
        write_seal(part, synthetic=named, created=proof.created, parent=parent)
        run.tick("report", 3, 3)
    return folder


def forms_of(proof: Proof, preview: Mapping[str, Any], rules: Mapping[str, RuleFacts]) -> tuple[Form, ...]:
    """Return the guide's papers, filled where a machine can and marked where a person must."""
    return (
        form_1_1(proof),
        form_1_2(proof),
        form_1_3_source(proof),
        form_1_3_synthetic(proof, preview),
        form_1_4(proof),
        checklist_image(proof, preview) if proof.schema.modality == "image" else checklist(proof, preview),
        self_review(proof, rules),
    )


def _plain(value: Any) -> Any:
    """Return JSON values; what is none (an infinity among parameters, a path among settings) is written as text."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(v) for v in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    return str(value)


def _json(path: Path, value: Any) -> None:
    _text(path, json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False) + "\n")


def _text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
