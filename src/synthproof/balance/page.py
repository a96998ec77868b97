"""``study.html``: the study in both languages, one self-contained file, made from the record alone."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, PackageLoader
from markupsafe import Markup

from synthproof.balance.picture import dose_curve
from synthproof.balance.plan import KIND_WORDS
from synthproof.balance.sentences import SCORE_WORDS
from synthproof.balance.wording import fact_name, fact_value, for_modality
from synthproof.core.files import whole_file
from synthproof.core.words import Lang, Words
from synthproof.dossier.disclose import printable
from synthproof.dossier.fonts import font_css
from synthproof.dossier.labels import LABELS
from synthproof.dossier.render_html import environment, with_font

_SAID = {
    "title": Words(en="Does relieving the imbalance help?", ko="불균형 완화가 도움이 됩니까?"),
    "found": Words(en="What was found", ko="확인된 내용"),
    "rule": Words(
        en="A gain or loss is told only where an interval that holds for all comparisons of a score at once excludes 0. Test units "
        "are real, were held out before anything was made, and nothing learned from them.",
        ko="한 점수의 모든 비교에 동시에 성립하는 구간이 0을 포함하지 않을 때만 향상 또는 하락이라고 적습니다. 시험 단위는 실제 데이터이며 "
        "아무것도 만들기 전에 떼어 두었고 어떤 학습에도 쓰지 않았습니다.",
    ),
    "curve": Words(en="Dose curve", ko="용량 곡선"),
    "before_after": Words(en="Every class before and after", ko="범주별 이전과 이후"),
    "before_note": Words(
        en="Mean over seeds with 95 % interval; in brackets the difference from real rows alone. ▲ gain and ▼ loss that hold for all "
        "comparisons at once.",
        ko="시드 평균과 95% 구간이며, 괄호는 실제 행만 사용한 경우와의 차이입니다. ▲ 향상과 ▼ 하락은 모든 비교에 동시에 성립합니다.",
    ),
    "copies": Words(en="Against as many duplicated real rows", ko="같은 수의 복제 행과 비교"),
    "copies_note": Words(
        en="What made rows add beyond counting rare rows more often.",
        ko="생성 행이 희소 행을 더 자주 세는 것 이상으로 보태는 정도입니다.",
    ),
    "classes": Words(en="The classes", ko="범주"),
    "class": Words(en="Class", ko="범주"),
    "label": Words(en="Label", ko="라벨"),
    "labels": Words(
        en="An image may carry several labels; each is scored by itself and called from a chance of one half on. “none”: images "
        "without any of them, called where no label is.",
        ko="이미지마다 라벨이 여러 개일 수 있습니다. 라벨마다 따로 평가하며 확률이 절반 이상이면 있다고 판정합니다. “none”은 라벨이 "
        "하나도 없는 이미지이며, 어느 라벨도 판정되지 않을 때 그렇게 봅니다.",
    ),
    "score": Words(en="Score", ko="점수"),
    "change": Words(en="Difference (95 % interval)", ko="차이(95% 구간)"),
    "arm": Words(en="Learned from", ko="학습 데이터"),
    "train": Words(en="training rows", ko="학습 행"),
    "test": Words(en="test rows", ko="시험 행"),
    "rare": Words(en="topped up", ko="증량 대상"),
    "left_out": Words(en="Not measured", ko="측정하지 않음"),
    "how": Words(en="How it was done", ko="방법"),
    "machine": Words(en="Machine and versions", ko="장비와 버전"),
    "same": Words(
        en="Every arm takes the same optimiser steps from the same initial weights with the same order of batches; pre-training "
        "spends half of them on synthetic rows. A dose is the number of added rows per real row of each class below the median class.",
        ko="모든 비교군은 같은 초기 가중치와 배치 순서로 같은 수의 최적화 단계를 거치며, 사전학습은 그 절반을 합성 행에 씁니다. 용량은 "
        "중앙값보다 적은 범주에서 실제 행 하나당 추가한 행의 수입니다.",
    ),
}
_MARK = {1: "▲", 0: "", -1: "▼"}


def page_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the page shows, as plain structure."""
    modality = str(record["facts"].get("modality", "table"))
    several = bool(record["facts"].get("several"))
    real = {(d["arm"], d["score"], d["position"]): d for d in record["against_real"]}
    tables = []
    for c, entry in enumerate(record["classes"]):
        rows = []
        for arm in record["arms"]:
            cells = []
            for score in SCORE_WORDS:
                value = record["scores"][arm["id"]][score][c]
                cells.append(_cell(value, real.get((arm["id"], score, c))))
            rows.append(
                {"name": for_modality(_words(arm["name"]), modality), "cells": cells, "base": arm["id"] == "real"}
            )
        tables.append({"name": printable(entry["name"], 40), "rare": entry["rare"], "entry": entry, "rows": rows})
    names = {a["id"]: for_modality(_words(a["name"]), modality) for a in record["arms"]}
    copies = [
        {
            "arm": names[d["arm"]],
            "class": printable(record["classes"][d["position"]]["name"], 40),
            "score": SCORE_WORDS[d["score"]],
            "text": f"{d['estimate']:+.3f} ({d['low']:+.3f}, {d['high']:+.3f})",
            "mark": _MARK[d["claim"]],
        }
        for d in record["against_copies"]
        if d["score"] != "recall" and record["classes"][d["position"]]["rare"]
    ]
    return {
        "said": {k: for_modality(w, modality) for k, w in _SAID.items()}
        | ({"class": _SAID["label"]} if several else {}),
        "several": several,
        "subject": printable(f"{record['facts'].get('source', '')} · {record['facts'].get('target', '')}", 80),
        "sentences": [_words(w) for w in record["sentences"]],
        "tables": tables,
        "copies": copies,
        "scores": list(SCORE_WORDS.values()),
        "classes": record["classes"],
        "left_out": [
            {"name": for_modality(KIND_WORDS[k], modality), "why": _words(w)} for k, w in record["left_out"].items()
        ],
        "facts": [_fact(k, v, modality, 200) for k, v in record["facts"].items()],
        "machine": [_fact(k, v, modality, 120) for k, v in record["machine"].items()],
        "pictures": {lang: _picture(record, lang) for lang in ("ko", "en")},
    }


def render_study(record: Mapping[str, Any], *, lang: Lang = "ko") -> str:
    """Return the whole page, font included; `lang` is shown first."""
    made = environment().overlay(
        loader=ChoiceLoader(
            [PackageLoader("synthproof.balance", "templates"), PackageLoader("synthproof.dossier", "templates")]
        )
    )
    style = made.loader.get_source(made, "style.css")[0] if made.loader else ""
    ours = Markup(style)  # noqa: S704 - our own style sheet
    html = made.get_template("study.html").render(lang=lang, style=ours, L=LABELS, page=page_of(record))
    return with_font(html, font_css([html]))


def write_page(record: Mapping[str, Any], target: Path, *, lang: Lang = "ko") -> Path:
    """Write ``study.html``, whole or not at all."""
    with whole_file(target) as part:
        part.write_text(render_study(record, lang=lang), encoding="utf-8")
    return target


def _cell(value: Mapping[str, Any], difference: Mapping[str, Any] | None) -> dict[str, str]:
    text = f"{value['mean']:.3f} ({value['low']:.3f}, {value['high']:.3f})"
    if difference is None:
        return {"text": text, "difference": "", "mark": ""}
    return {"text": text, "difference": f"{difference['estimate']:+.3f}", "mark": _MARK[difference["claim"]]}


def _fact(key: str, value: Any, modality: str, most: int) -> tuple[Words, Words]:
    told = fact_value(key, value)
    return fact_name(key, modality), Words(en=printable(told.en, most), ko=printable(told.ko, most))


def _words(said: Mapping[str, str]) -> Words:
    return Words.from_dict(said)


def _picture(record: Mapping[str, Any], lang: Any) -> str:
    return "data:image/png;base64," + base64.b64encode(dose_curve(record, lang)).decode("ascii")
