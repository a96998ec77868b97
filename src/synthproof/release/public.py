"""The allow-list: what a bundle may tell of the proof. It is built from named parts; what is not named here stays behind.

A reduced proof has the same form as a full one, so that cards, metadata and forms are made from it by the same code and
cannot say more than it holds. Nothing of it describes the original: no sizes, names of files, ranges, levels, references
between real data, simulated limits, receipts in detail, scans, notices, free texts of reviewers, or seeds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from synthproof.core.evidence import AxisFinding, Evidence, Finding, Limit, Verdict
from synthproof.core.schema import Field, Purpose, Schema
from synthproof.core.words import Words
from synthproof.dossier.disclose import printable
from synthproof.dossier.numbers import card_of
from synthproof.dossier.record import PROTECTION_WORDS
from synthproof.protection.treatments import CLASSES, METHODS
from synthproof.release.outcome import DECISIONS, EXPERTISE, Outcome
from synthproof.verification.proof import GeneratorFacts, Proof

KEPT = Words(en="kept by the institution, not told to the public", ko="기관이 보관하며 공개하지 않음")
_REFINEMENTS = ("drop_exact_copies", "cap_remedy")
_TAGS = ("needs_data", "private", "releasable", "irreversible", "full_synthesis")
_FAMILIES = ("statistical", "sequential", "neural", "knowledge")
# Limits that were drawn from the original are a property of it; published ones are everybody's.
_PUBLIC_ORIGINS = ("guide", "convention")
_DIGITS = 3


def public_proof(proof: Proof, preview: Mapping[str, Any]) -> Proof:
    """Return the proof as the public may read it.

    Parameters
    ----------
    proof
        The full one, as the dossier holds it.
    preview
        The dossier's ``preview.json``: what is known of the *synthetic* columns.
    """
    fields = tuple(Field(name=str(c["name"]), kind=c["kind"]) for c in preview.get("columns", ()))
    names = {f.name for f in fields}
    made = proof.data.get("synthetic")
    data = {} if made is None else {"synthetic": replace(made, name="synthetic")}
    return Proof(
        schema=Schema(fields=fields, modality=proof.schema.modality),  # pictures must not go out as a table
        purpose=_purpose(proof.purpose, names),
        data=data,
        evidence=tuple(told for e in proof.evidence if (told := _evidence(e)) is not None),
        limits=(),
        verdict=_verdict(proof.verdict),
        generator=_generator(proof.generator),
        receipts=tuple(_receipt(r, names) for r in proof.receipts),
        refinements=tuple(
            {"refinement": name, "name": name.replace("_", " ")}
            for name in _REFINEMENTS
            if any(r.get("refinement") == name for r in proof.refinements)
        ),
        settings={},
        environment={"synthproof": printable(proof.environment.get("synthproof", "?"), 20)},
        created=proof.created,
    )


def public_preview(preview: Mapping[str, Any]) -> dict[str, Any]:
    """Return sizes, names and kinds of the synthetic columns, and the synthetic rows shown as examples."""
    columns = [
        {k: c.get(k) for k in ("name", "kind", "missing", "levels", "range")} for c in preview.get("columns", ())
    ]
    return {
        "container": "parquet",
        "units": int(preview.get("units", 0)),
        "rows": int(preview.get("rows", 0)),
        "columns": columns,
        "samples": None,
        "released": True,
    }


def public_outcome(outcome: Outcome) -> dict[str, Any]:
    """Return the decision without names, free texts of members and texts of conditions."""
    votes = outcome.votes
    return {
        "result": outcome.result,
        "decided": outcome.decided,
        "kind": outcome.kind,
        "period": {"from": outcome.start, "to": outcome.end},
        "members": len(outcome.members),
        "from_outside": outcome.outside,
        "expertise": {k: n for k in EXPERTISE if (n := sum(m.expertise == k for m in outcome.members))},
        "as_the_guide_asks": outcome.as_the_guide_asks,
        "votes": {d: sum(v.result == d for v in votes) for d in DECISIONS},
        "questions": [{**q.words.to_dict(), "id": q.id, "marks": outcome.marks(q.id)} for q in outcome.questions],
        "conditions": {"set": len(outcome.conditions), "met": sum(c.met for c in outcome.conditions)},
        "restrictions": [w.to_dict() for w in outcome.restrictions],
    }


def public_record(reduced: Proof) -> dict[str, Any]:
    """Return a reduced proof as the JSON values of ``record.json``; empty parts are left out."""
    whole = reduced.to_dict()
    return {
        "purpose": {k: v for k, v in whole["purpose"].items() if v},
        "synthetic": {k: v for k, v in whole["data"].get("synthetic", {}).items() if k != "name"},
        "columns": [{"name": f.name, "kind": f.kind} for f in reduced.schema.fields],
        "generator": {k: v for k, v in whole["generator"].items() if v},
        "protections": [r["protection"] for r in whole["receipts"]],
        "refinements": [r["refinement"] for r in whole["refinements"]],
        "evidence": [{k: e[k] for k in _TOLD if e.get(k) is not None} for e in whole["evidence"]],
        "verdict": whole["verdict"],
        "made_with": whole["environment"],
        "created": reduced.created,
    }


_TOLD = ("metric", "version", "subject", "outcome", "estimate", "interval", "level")


def _purpose(purpose: Purpose, names: set[str]) -> Purpose:
    def kept(columns: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(c for c in columns if c in names)

    return Purpose(
        use=purpose.use,
        environment=purpose.environment,
        form=purpose.form,
        quasi_identifiers=kept(purpose.quasi_identifiers),
        sensitive=kept(purpose.sensitive),
        targets=kept(purpose.targets),
        title=purpose.title,
        description=purpose.description,
        holder=purpose.holder,
        maker=purpose.maker,
        user=purpose.user,
        contact=purpose.contact,
    )


def _evidence(e: Evidence) -> Evidence | None:
    """Return the summary over the whole data; what a metric says of a column, pair or group stays behind."""
    if e.subject != "all" or card_of(e.metric) is None:
        return None
    if e.estimate is None or e.interval is None:
        return Evidence(metric=e.metric, version=e.version, outcome=e.outcome, caveat=KEPT)
    low, high = (_rounded(v) for v in e.interval)
    return Evidence(
        metric=e.metric,
        version=e.version,
        estimate=_rounded(e.estimate),
        interval=(low, high),
        level=e.level,
    )


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")


def _verdict(verdict: Verdict) -> Verdict:
    return Verdict(
        policy=printable(verdict.policy, 60),
        policy_version=verdict.policy_version,
        policy_digest=verdict.policy_digest,
        result=verdict.result,
        findings=tuple(_finding(f) for f in verdict.findings if f.subject == "all" and card_of(f.metric) is not None),
        families=dict(verdict.families),
        changed=verdict.changed,
        axes=tuple(
            AxisFinding(
                axis=a.axis, state=a.state, bound=_rounded(a.bound) if a.bound is not None else None, applies=a.applies
            )
            for a in verdict.axes
        ),
    )


def _finding(f: Finding) -> Finding:
    limit = f.limit if f.limit is not None and f.limit.origin in _PUBLIC_ORIGINS else None
    card = card_of(f.metric)
    assert card is not None
    return Finding(
        rule=printable(f.metric, 60),
        family=f.family,
        result=f.result,
        because=card.name,
        metric=f.metric,
        limit=Limit(metric=f.metric, value=limit.value, side=limit.side, origin=limit.origin, because=card.name)
        if limit
        else None,
        advisory=f.advisory,
    )


def _generator(g: GeneratorFacts) -> GeneratorFacts:
    tags: dict[str, Any] = {k: bool(g.tags[k]) for k in _TAGS if k in g.tags}
    if g.tags.get("family") in _FAMILIES:
        tags["family"] = g.tags["family"]
    return GeneratorFacts(name=printable(g.name, 60), tags=tags, privacy=_privacy(g.privacy))


def _privacy(ledger: Mapping[str, Any]) -> dict[str, Any]:
    """Return the promise and how it was shared out; which column was looked at how often stays behind."""
    if not ledger:
        return {}
    return {
        **{k: ledger[k] for k in ("epsilon_spent", "delta_spent", "rho", "rows_per_person")},
        "entries": [{"purpose": e["purpose"], "rho": e["rho"]} for e in ledger["entries"]],
        "domain": {str(i): source for i, source in enumerate(sorted(ledger["domain"].values()))},
    }


def _receipt(receipt: Mapping[str, Any], names: set[str]) -> dict[str, Any]:
    """Return which protection ran and what class and method each released column had; how far it went stays behind."""
    name = str(receipt.get("protection", ""))
    treated = receipt.get("treatments")
    rows = [t for t in treated if t.get("field") in names] if isinstance(treated, list | tuple) else []
    return {
        "protection": name if name in PROTECTION_WORDS else "other",
        "treatments": [
            {
                "field": t["field"],
                "class": {"id": klass, **CLASSES[klass].to_dict()},
                "method": {"id": method, **METHODS[method].to_dict()},
                "detail": KEPT.to_dict(),
            }
            for t in rows
            if (klass := t["class"]["id"]) in CLASSES and (method := t["method"]["id"]) in METHODS
        ],
    }


__all__ = ["KEPT", "public_outcome", "public_preview", "public_proof", "public_record"]
