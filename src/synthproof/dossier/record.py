"""The record part of the report: data, protections, generator, limits, settings; and what was not assessed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from synthproof.core.evidence import FAMILIES, FAMILY_WORDS, Limit
from synthproof.core.words import Words
from synthproof.dossier.disclose import printable
from synthproof.dossier.figures.limits import repeats_picture
from synthproof.dossier.guarantee import guarantee_rows
from synthproof.dossier.labels import DATA_NAMES, PAPERS, STAGES, data_name
from synthproof.dossier.numbers import ORIGIN_WORDS, OUTCOME_WORDS, anchor, card_of, number
from synthproof.protection.treatments import CLASSES, merged
from synthproof.verification.proof import Proof

PROTECTION_WORDS: Mapping[str, Words] = {
    "identifiers": Words(en="identifiers", ko="식별자 처리"),
    "rare": Words(en="rare levels", ko="희소 범주 처리"),
    "extremes": Words(en="extremes", ko="극단값 처리(상·하단 코딩)"),
    "coarsen": Words(en="coarsening", ko="범주화"),
    "dates": Words(en="dates", ko="날짜 이동"),
    "image.near_duplicates": Words(en="nearly equal pictures", ko="거의 같은 이미지 정리"),
    "image.burned_in": Words(en="burned-in text", ko="이미지에 새겨진 글자 처리"),
}
_COUNTS: Mapping[str, Words] = {
    "k": Words(en="smallest group", ko="최소 인원"),
    "persons": Words(en="persons", ko="대상 인원"),
    "cells": Words(en="cells changed", ko="변경한 값"),
}
_CLASS_WORDS: Mapping[str, Words] = {str(k): v for k, v in CLASSES.items()}
_SETTINGS_HIDDEN = {"seed", "path", "source", "out"}


def data_rows(proof: Proof) -> list[dict[str, Any]]:
    """Return sizes and fingerprints of the data sets."""
    order = {name: i for i, name in enumerate(DATA_NAMES)}
    out = []
    for name, facts in sorted(proof.data.items(), key=lambda item: order.get(item[0], 9)):
        out.append(
            {
                "role": data_name(name),
                "name": printable(facts.name),
                "units": f"{facts.units:,}",
                "rows": f"{facts.rows:,}",
                "columns": f"{facts.columns:,}",
                "fingerprint": short(facts.fingerprint),
            }
        )
    return out


def when(created: str) -> str:
    """Return a date and time as a reader writes it, without seconds."""
    return printable(created).replace("T", " ").replace("+00:00", " UTC").replace("Z", " UTC")


def short(fingerprint: str) -> str:
    """Return a fingerprint short enough to read aloud."""
    head, _, tail = fingerprint.partition(":")
    return f"{head}:{tail[:16]}…" if len(tail) > 16 else fingerprint


def both(text: object, limit: int = 60) -> Words:
    """Return one text as words of both languages (names of columns, tools, files)."""
    shown = printable(text, limit) or "?"
    return Words(en=shown, ko=shown)


def told(value: object, limit: int = 300) -> Words | None:
    """Return ``{"en", "ko"}`` or a plain value as words, or ``None`` when there is nothing to say."""
    if isinstance(value, Words):
        return value
    if isinstance(value, Mapping) and value.get("en") and value.get("ko"):
        return Words(en=printable(value["en"], limit), ko=printable(value["ko"], limit))
    if value is None or value == "" or value == {} or value == []:
        return None
    if isinstance(value, str | int | float | bool):
        return both(value, limit)
    return both(json.dumps(value, ensure_ascii=False, sort_keys=True, default=str), limit)


def treatments(proof: Proof) -> list[dict[str, Any]]:
    """Return one row per field that a protection acted on or judged: class, method, detail."""
    acted = [r for r in proof.receipts if isinstance(r.get("treatments"), list | tuple)]
    names = list(dict.fromkeys(t["field"] for r in acted for t in r["treatments"]))
    return [
        {
            "field": printable(row["field"]),
            "class": told(row["class"]),
            "method": told(row["method"]),
            "detail": told(row["detail"], 400),
        }
        for row in merged(names, acted, {})
    ]


def receipts(proof: Proof) -> list[dict[str, Any]]:
    """Return one row per protection: its name and what it did in counts."""
    out = []
    for receipt in proof.receipts:
        name = str(receipt.get("protection", receipt.get("name", "?")))
        fields = receipt.get("fields")
        changed = len(fields) if isinstance(fields, Mapping | list | tuple) else 0
        known = {k: v for k, v in receipt.items() if k in _COUNTS and isinstance(v, int | float)}
        out.append(
            {
                "name": PROTECTION_WORDS.get(name, both(name)),
                "changed": Words(en=f"{changed} columns changed", ko=f"{changed}개 항목 변경"),
                "counts": Words(
                    en=", ".join(f"{_COUNTS[k].en} {v:,}" for k, v in known.items()) or "–",
                    ko=", ".join(f"{_COUNTS[k].ko} {v:,}" for k, v in known.items()) or "–",
                ),
                "why": told(receipt.get("threshold")),
            }
        )
    return out


def scan_rows(proof: Proof) -> list[dict[str, Any]]:
    """Return the columns in which the identifier finders saw something: names, kinds and shares, no value."""
    out = []
    for entry in proof.scan.get("fields", ()):
        if not isinstance(entry, Mapping):
            continue
        klass = str(entry.get("class", "other"))
        found = [f for f in entry.get("findings", ()) if isinstance(f, Mapping)]
        if klass == "other" and not found:
            continue
        top = max(found, key=lambda f: float(f.get("confidence", 0.0)), default={})
        reasons = {"en": top.get("reason_en"), "ko": top.get("reason_ko")}
        share = top.get("share")
        out.append(
            {
                "field": printable(entry.get("field", "?")),
                "kind": _CLASS_WORDS.get(klass, both(klass)),
                "share": f"{share:.1%}" if isinstance(share, float) and share > 0 else "",
                "because": told(reasons) if reasons["en"] and reasons["ko"] else None,
            }
        )
    return out


def refinements(proof: Proof) -> list[dict[str, Any]]:
    """Return the logged changes of the drawn data."""
    out = []
    for entry in proof.refinements:
        what = told(entry.get("words") or entry.get("what") or entry.get("refinement") or entry.get("name")) or both(
            "?"
        )
        plain = {k: v for k, v in entry.items() if isinstance(v, int | float) and not isinstance(v, bool)}
        counts = ", ".join(
            f"{printable(k, 40).replace('_', ' ')} {number(v) if isinstance(v, float) else f'{v:,}'}"
            for k, v in sorted(plain.items())
        )
        out.append({"what": what, "counts": counts, "because": told(entry.get("because"))})
    return out


def generator_rows(proof: Proof) -> list[tuple[Words, Words]]:
    """Return label and text of what is known of the generator."""
    g = proof.generator
    rows: list[tuple[Words, Words]] = [(Words(en="Generator", ko="생성기"), both(g.name))]
    if because := told(g.because):
        rows.append((Words(en="Why this one", ko="선택 이유"), because))
    flags = {
        "full_synthesis": Words(en="full synthesis", ko="완전합성"),
        "irreversible": Words(en="irreversible", ko="비가역적"),
        "private": Words(en="differential privacy", ko="차분 프라이버시"),
        "releasable": Words(en="meant for release", ko="공개 용도"),
    }
    for key, name in flags.items():
        if key in g.tags:
            yes = bool(g.tags[key])
            rows.append((name, Words(en="yes" if yes else "no", ko="예" if yes else "아니요")))
    rows += guarantee_rows(g.privacy)
    for key, value in sorted(g.parameters.items()):
        if key in {"random_state", "seed"}:
            continue
        rows.append((both(key), told(value) or Words(en="default", ko="기본값")))
    return rows


def notices(proof: Proof) -> list[Words]:
    """Return what the user was told while the data were made."""
    return [w for n in (*proof.generator.notices, *proof.notices) if (w := told(n, 500)) is not None]


def limit_rows(limits: Sequence[Limit]) -> list[dict[str, Any]]:
    """Return each limit with its origin and, when it was simulated, its repeats as a picture."""
    out = []
    for limit in limits:
        card = card_of(limit.metric)
        record = limit.record
        repeats = record.get("values", record.get("repeats", record.get("draws")))
        values = [float(v) for v in repeats if isinstance(v, int | float)] if isinstance(repeats, list | tuple) else []
        count = len(values) or (repeats if isinstance(repeats, int) else 0)
        quantile = record.get("quantile")
        out.append(
            {
                "metric": card.name if card else both(limit.metric),
                "anchor": anchor(limit.metric),
                "subject": None if limit.subject == "all" else both(limit.subject),
                "value": f"{'≤' if limit.side == 'max' else '≥'} {number(limit.value)}",
                "origin": ORIGIN_WORDS[limit.origin],
                "because": limit.because,
                "quantile": f"{quantile:.0%}" if isinstance(quantile, float) else "",
                "repeats": f"{count:,}" if count else "",
                "picture": repeats_picture(values, limit.value, limit.metric) if len(values) > 1 else "",
            }
        )
    return out


def settings_rows(proof: Proof) -> list[tuple[str, str]]:
    """Return settings as dotted names and short texts; seeds and paths stay in the vault."""
    return _flat(proof.settings)


def environment_rows(proof: Proof) -> list[tuple[str, str]]:
    """Return versions and machine as dotted names and short texts."""
    return _flat(proof.environment)


def _flat(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    out: list[tuple[str, str]] = []
    for key, value in values.items():
        if key in _SETTINGS_HIDDEN:
            continue
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            out += _flat(value, f"{name}.")
        elif value not in (None, "", [], ()):
            shown = ", ".join(map(str, value)) if isinstance(value, list | tuple) else value
            out.append((printable(name, 50), printable(shown, 120)))
    return out


def seconds_rows(proof: Proof) -> list[tuple[Words, str]]:
    """Return what each stage took."""
    return [(STAGES.get(k, both(k)), f"{v:,.1f}") for k, v in proof.seconds.items()]


def not_assessed(proof: Proof) -> list[dict[str, Any]]:
    """Return everything that is missing and why: evidence without a number, rules without a result, empty families."""
    out: list[dict[str, Any]] = []
    told_of: set[tuple[str, str]] = set()
    for e in proof.evidence:
        if e.outcome == "measured" or (e.metric, e.subject) in told_of:
            continue
        told_of.add((e.metric, e.subject))
        card = card_of(e.metric)
        out.append(
            {
                "what": card.name if card else both(e.metric),
                "subject": None if e.subject == "all" else both(e.subject),
                "kind": OUTCOME_WORDS[e.outcome],
                "why": e.caveat,
            }
        )
    for f in proof.verdict.findings:
        if f.result != "not_assessed" or (f.metric, f.subject) in told_of:
            continue
        told_of.add((f.metric, f.subject))
        card = card_of(f.metric) if f.metric else None
        out.append(
            {
                "what": card.name if card else both(f.rule),
                "subject": None if f.subject == "all" else both(f.subject),
                "kind": Words(en="rule not assessed", ko="규칙 판단 불가"),
                "why": f.because,
            }
        )
    for family in FAMILIES:
        if family not in proof.verdict.families:
            out.append(
                {
                    "what": FAMILY_WORDS[family],
                    "subject": None,
                    "kind": Words(en="no deciding rule", ko="판정 규칙 없음"),
                    "why": Words(
                        en="The policy asks nothing that decides in this family.",
                        ko="적용한 기준에 이 영역의 판정 규칙이 없습니다.",
                    ),
                }
            )
    return [*_within_units(proof), *out, *_never_here()]


def _within_units(proof: Proof) -> list[dict[str, Any]]:
    """Return the entry that rows of one person were drawn as if they were strangers, when they were."""
    train = proof.data.get("train")
    if train is None or train.rows <= train.units or not proof.generator.parameters.get("row_wise"):
        return []
    return [
        {
            "what": Words(en="Within-person structure", ko="개인 내 구조"),
            "subject": None,
            "kind": Words(en="not assessed", ko="평가하지 않음"),
            "why": Words(
                en=f"The source has {train.rows:,} rows of {train.units:,} people (units); rows were drawn one by one, so how "
                "rows of one person belong together was neither learned nor measured.",
                ko=f"원본은 {train.units:,}명(단위)의 {train.rows:,}행이나 행을 하나씩 독립적으로 생성하였으므로, 한 사람에 속한 행들의 "
                "관계는 학습하지도 측정하지도 않았습니다.",
            ),
        }
    ]


def _never_here() -> list[dict[str, Any]]:
    kind = Words(en="outside this report", ko="이 보고서의 범위 밖")
    texts = (
        (
            Words(en="Anonymity in law", ko="법적 익명성"),
            Words(
                en="Whether the result is anonymous information (PIPA art. 58-2) is judged by people.",
                ko="익명정보(개인정보 보호법 제58조의2) 해당 여부는 사람이 판단합니다.",
            ),
        ),
        (
            Words(en="Attacks that were not tried", ko="시도하지 않은 공격"),
            Words(
                en="Only the attackers on the cards were imagined; later linkable data may enable others.",
                ko="공격자 카드에 적은 공격만 가정하였습니다. 이후 결합 가능한 자료가 나타나면 다른 공격이 가능할 수 있습니다.",
            ),
        ),
    )
    return [{"what": what, "subject": None, "kind": kind, "why": why} for what, why in texts]


def statements(proof: Proof) -> list[dict[str, Any]]:
    """Return what named persons assert."""
    return [
        {
            "question": printable(s.question, 200),
            "author": printable(s.author),
            "text": printable(s.text, 2000),
            "at": printable(s.at),
        }
        for s in proof.statements
    ]


def papers() -> list[dict[str, Any]]:
    """Return the files of the dossier with what they are."""
    return [{"file": name, "what": what} for name, what in PAPERS]
