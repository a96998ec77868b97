"""The report as one plain structure in both languages: HTML and PDF are made from it, and it from the proof alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from synthproof.core.words import Words
from synthproof.dossier import first_page, numbers, record
from synthproof.dossier.axes import axes_of
from synthproof.dossier.disclose import printable
from synthproof.dossier.figures.gallery import gallery
from synthproof.dossier.figures.sheet import picture_sheet
from synthproof.dossier.glossary import GUIDE, TERMS
from synthproof.dossier.labels import LABELS
from synthproof.dossier.questions import questions
from synthproof.dossier.rules import policy_title, rule_facts
from synthproof.verification.proof import Proof


def build_page(proof: Proof, policy_text: str = "", preview: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return everything the report says. Texts are `Words`; pictures are SVG made by `figures`."""
    known = rule_facts(policy_text)
    sheet = picture_sheet(preview or {})
    groups = numbers.groups(proof, known)
    return {
        "labels": dict(LABELS),
        "heading": heading(proof),
        "created": record.when(proof.created),
        "policy": {
            "title": policy_title(policy_text, proof.verdict.policy),
            "name": printable(proof.verdict.policy),
            "version": proof.verdict.policy_version,
            "digest": record.short(proof.verdict.policy_digest),
            "state": LABELS["policy_changed" if proof.verdict.changed else "policy_shipped"],
        },
        "answer": first_page.answer(proof, known),
        "families": first_page.families(proof),
        "questions": questions(proof),
        "data": record.data_rows(proof),
        "groups": groups,
        "axes": axes_of(proof, policy_text),
        "attackers": attackers(groups),
        "gallery": [*([sheet] if sheet else []), *gallery(proof)],
        "not_assessed": record.not_assessed(proof),
        "treatments": record.treatments(proof),
        "receipts": record.receipts(proof),
        "scan": record.scan_rows(proof),
        "refinements": record.refinements(proof),
        "generator": record.generator_rows(proof),
        "notices": record.notices(proof),
        "limits": record.limit_rows(proof.limits),
        "statements": record.statements(proof),
        "settings": record.settings_rows(proof),
        "environment": record.environment_rows(proof),
        "seconds": record.seconds_rows(proof),
        "papers": record.papers(),
        "glossary": [{"word": t.word, "meaning": t.meaning} for t in TERMS],
        "guide": list(GUIDE),
    }


def heading(proof: Proof) -> Words:
    """Return what the report is about: the purpose's title, or the synthetic data's name."""
    title = printable(proof.purpose.title, 120)
    facts = proof.data.get("source") or proof.data.get("train") or proof.data.get("synthetic")
    return record.both(title or (facts.name if facts else "synthetic data"), 120)


def attackers(groups: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return one card per safety metric that is an attack: what is known, tried, reached."""
    rows = {m["id"]: m for g in groups if g["family"] == "safety" for m in g["metrics"]}
    out = []
    for metric, block in rows.items():
        card = numbers.card_of(metric)
        if card is None or card.attacker is None:
            continue
        out.append(
            {
                "anchor": block["anchor"],
                "name": card.name,
                "knows": card.attacker.knows,
                "tries": card.attacker.tries,
                "success": card.attacker.success,
                "rows": _one_per_subject(block["rows"])[:4],
                "unit": block["unit"],
            }
        )
    return out


def _one_per_subject(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    first: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        first.setdefault(row["subject"].en, row)
    return list(first.values())


def plain(value: Any) -> Any:
    """Return the structure as JSON values; words become ``{"en", "ko"}``."""
    if isinstance(value, Words):
        return value.to_dict()
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    return value
