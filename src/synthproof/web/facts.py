"""What pages show of a dossier, read once when it comes in: findings beside questions, papers, and what changed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from synthproof.core.evidence import FAMILY_WORDS, RESULT_WORDS, RESULTS
from synthproof.core.words import Lang, Words
from synthproof.dossier.assemble import read_dossier
from synthproof.dossier.numbers import card_of, interval, number
from synthproof.review.form import Form, Question

_MOST = 3000
PAPERS: Mapping[str, Words] = {
    "1-1": Words(en="form 1-1 plan of use", ko="서식 1-1 활용 계획서"),
    "1-2": Words(en="form 1-2 generation plan", ko="서식 1-2 생성 기초자료 명세서"),
    "1-3-source": Words(en="form 1-3 original", ko="서식 1-3 원본데이터 명세서"),
    "1-3-synthetic": Words(en="form 1-3 synthetic", ko="서식 1-3 합성데이터 명세서"),
    "1-4": Words(en="form 1-4 treatment", ko="서식 1-4 항목별 처리계획"),
    "checklist": Words(en="checklist", ko="점검표"),
    "self-review": Words(en="self-review report", ko="안전성 자체 검토 결과서"),
}
ANCHORS: Mapping[str, Words] = {
    "first": Words(en="first page of the report", ko="보고서 첫 쪽"),
    "generator": Words(en="how the data were made", ko="생성 방법"),
    "protection": Words(en="protection before learning", ko="학습 전 보호 조치"),
    "attackers": Words(en="attacker cards", ko="공격자 카드"),
    "axes": Words(en="ways to harm a person", ko="개인에게 해를 끼치는 방식"),
}


def facts_of(folder: Path, sealed: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts of a dossier as JSON values; its size does not matter to any page afterwards.

    Raises
    ------
    StateError
        ``dossier/not-a-dossier`` when its record cannot be read.
    """
    proof = read_dossier(folder)
    values = {(e.metric, e.subject): e for e in proof.evidence}
    findings = []
    # Should there be more, those that meet are left out first: a page must never count too few that do not.
    ordered = sorted(proof.verdict.findings, key=lambda f: f.result == "meets")
    for f in ordered[:_MOST] if len(ordered) > _MOST else proof.verdict.findings:
        e = values.get((f.metric, f.subject))
        card = card_of(f.metric)
        findings.append(
            {
                "rule": f.rule,
                "family": f.family,
                "metric": f.metric,
                "name": card.name.to_dict() if card else {"en": f.metric, "ko": f.metric},
                "subject": f.subject,
                "result": f.result,
                "because": f.because.to_dict(),
                "advisory": f.advisory,
                "value": number(e.estimate) if e and e.estimate is not None else "",
                "interval": interval(e.interval) if e and e.interval else "",
                "limit": f"{'≤' if f.limit.side == 'max' else '≥'} {number(f.limit.value)}" if f.limit else "",
            }
        )
    panels = [e.to_dict() for e in proof.evidence if e.metric == "any.visual_turing"]
    names = sorted(sealed["files"])
    return {
        "created": proof.created,
        "result": proof.verdict.result,
        "policy": proof.verdict.policy,
        "policy_version": proof.verdict.policy_version,
        "changed": proof.verdict.changed,
        "families": dict(proof.verdict.families),
        "findings": findings,
        "panels": panels,
        "statements": [s.to_dict() for s in proof.statements],
        "generator": proof.generator.name,
        "synthetic": dict(sealed["synthetic"]),
        "files": len(names),
        "bytes": sum((folder / name).stat().st_size for name in names),
        "papers": [p for p in PAPERS if f"forms/{p}.html" in sealed["files"]],
    }


def exhibits(question: Question, facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what a question rests on: links into the dossier, and findings with their numbers."""
    out: list[dict[str, Any]] = []
    for link in question.rests_on:
        kind, _, what = link.partition(":")
        if kind == "paper" and what in facts["papers"]:
            out.append({"kind": "link", "to": f"forms/{what}.html", "words": PAPERS[what]})
        elif kind == "report":
            out.append({"kind": "link", "to": f"report.html{what}", "words": ANCHORS.get(what.lstrip("#"), _whole())})
        elif kind == "family":
            words = FAMILY_WORDS.get(what, _whole())  # type: ignore[call-overload]
            found = [f for f in facts["findings"] if f["family"] == what]
            out.append(_table(words, found, f"report.html#family-{what}"))
        elif kind == "rule":
            found = [f for f in facts["findings"] if f["rule"] == what]
            if found:
                out.append(_table(Words.from_dict(found[0]["name"]), found, "report.html#guide"))
        elif kind == "metric" and what == "any.visual_turing":
            out += [{"kind": "panel", "evidence": e} for e in facts["panels"]]
    return out


def _table(words: Words, found: Sequence[Mapping[str, Any]], to: str) -> dict[str, Any]:
    ordered = sorted(found, key=lambda f: (f["advisory"], -RESULTS.index(f["result"])))
    return {"kind": "findings", "words": words, "rows": ordered[:60], "more": max(0, len(ordered) - 60), "to": to}


def _whole() -> Words:
    return Words(en="the report", ko="보고서")


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the findings that differ between two dossiers: new, gone, or with another result, value or limit."""
    old = {(f["rule"], f["metric"], f["subject"]): f for f in before["findings"]}
    new = {(f["rule"], f["metric"], f["subject"]): f for f in after["findings"]}
    out = []
    for key in dict.fromkeys((*old, *new)):
        a, b = old.get(key), new.get(key)
        seen = ("result", "value", "interval", "limit", "advisory")
        if a and b and all(a[k] == b[k] for k in seen):
            continue
        told = b or a or {}
        out.append({"name": told["name"], "subject": told["subject"], "before": a, "after": b})

    def weight(row: Mapping[str, Any]) -> tuple[bool, str]:
        a, b = row["before"], row["after"]
        return (bool(a and b and a["result"] == b["result"]), row["name"]["en"])

    return sorted(out, key=weight)


def result_word(result: str, lang: Lang) -> str:
    """Return a result in words."""
    return RESULT_WORDS[result].say(lang) if result in RESULT_WORDS else result  # type: ignore[index]


def asked(form: Form, facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the questions of a form with the number of findings each rests on that do not meet."""
    out = []
    for question in form.questions:
        rows = [r for x in exhibits(question, facts) if x["kind"] == "findings" for r in x["rows"] if not r["advisory"]]
        bad = sum(r["result"] == "does_not_meet" for r in rows)
        unsure = sum(r["result"] == "not_assessed" for r in rows)
        out.append({"question": question, "findings": len(rows), "bad": bad, "unsure": unsure})
    return out


@lru_cache(maxsize=64)
def sealed_files(seal: Path) -> Mapping[str, str]:
    """Return the files that a dossier's seal lists, with their digests. Read once: a dossier never changes."""
    listed: dict[str, str] = json.loads(seal.read_text(encoding="utf-8"))["files"]
    return listed
