"""Data card and model card: what goes with the data once they are released, in Korean and English.

They are written for the public side: sizes of the synthetic data, method, purpose, numbers by family. Nothing of the
original is in them (no counts of classes, no file names, no seeds); see the guide's residual risks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from synthproof.core.evidence import FAMILIES, FAMILY_WORDS, RESULT_WORDS
from synthproof.core.words import LANGS, Lang, Words
from synthproof.dossier.disclose import printable
from synthproof.dossier.forms_data import KIND_WORDS, of_metric
from synthproof.dossier.guarantee import guarantee_rows
from synthproof.dossier.numbers import card_of, interval, number
from synthproof.dossier.record import told
from synthproof.policy.purposes import ENVIRONMENT_WORDS, FORM_WORDS
from synthproof.verification.proof import Proof

DIGITAL_SOURCE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
_MARKUP = str.maketrans({c: f"\\{c}" for c in "\\`*_{}[]<>|#!~"})


def mark(text: object, limit: int = 120) -> str:
    """Return a text that Markdown and HTML show as it is."""
    return printable(text, limit).translate(_MARKUP).replace("\\<", "&lt;").replace("\\>", "&gt;")


def kind_of(proof: Proof) -> str:
    """Return the word by which catalogues of data sets tell pictures from tables."""
    return "image" if proof.schema.modality == "image" else "tabular"


def data_card(proof: Proof, preview: Mapping[str, Any]) -> str:
    """Return the data card as Markdown, Korean first, then English."""
    head = [
        "---",
        f"tags: [synthetic, {kind_of(proof)}]",
        "language: [ko, en]",
        "synthetic: true",
        f"digital_source_type: {DIGITAL_SOURCE}",
        "license: to-be-stated",
        "---",
        "",
    ]
    return "\n".join(head + [line for lang in LANGS for line in _data_card(proof, preview, lang)])


def released_card(
    proof: Proof, preview: Mapping[str, Any], lang: Lang, *, license_: str, terms: str, period: str, bundle: str
) -> str:
    """Return the data card of released data in one language: the blanks that only an institution can fill are filled.

    Parameters
    ----------
    license_, terms
        Short name of the terms, and where they stand.
    period
        First and last day of use.
    bundle
        Name of the release.
    """
    head = [
        "---",
        f"tags: [synthetic, {kind_of(proof)}]",
        f"language: {lang}",
        "synthetic: true",
        f"digital_source_type: {DIGITAL_SOURCE}",
        f"license: {license_}",
        f"release: {bundle}",
        "---",
        "",
    ]
    return "\n".join(head + _data_card(proof, preview, lang, terms=mark(terms), period=mark(period)))


def _data_card(proof: Proof, preview: Mapping[str, Any], lang: Lang, *, terms: str = "", period: str = "") -> list[str]:
    def w(en: str, ko: str) -> str:
        return ko if lang == "ko" else en

    purpose = proof.purpose
    blank = w("*to be stated by the institution*", "*기관이 기재*")
    title = mark(purpose.title) or w("Synthetic data", "합성데이터")
    tags = proof.generator.tags
    return [
        f"# {title} — {w('data card', '데이터 카드')}",
        "",
        w(
            "**Every record in this data set is synthetic.** It was made by an algorithm that had learned from real "
            "records; no record describes a real person.",
            "**이 데이터의 모든 레코드는 합성된 것입니다.** 실제 자료를 학습한 알고리즘이 "
            "생성하였으며, 실제 개인을 나타내는 레코드가 아닙니다.",
        ),
        "",
        f"- {w('Records', '레코드 수')}: {int(preview.get('rows', 0)):,} ({w('units', '단위')} {int(preview.get('units', 0)):,})",
        f"- {w('Columns', '항목 수')}: {len(preview.get('columns', ()))}",
        f"- {w('Made with', '생성기')}: {mark(proof.generator.name)}"
        + (f" ({w('full synthesis', '완전합성')})" if tags.get("full_synthesis") else ""),
        f"- {w('Purpose', '활용 목적')}: {mark(purpose.description, 600) or blank}",
        f"- {w('For', '활용 대상')}: {FORM_WORDS[purpose.form].say(lang)}, {ENVIRONMENT_WORDS[purpose.environment].say(lang)}",
        f"- {w('Holder', '보유 기관')}: {mark(purpose.holder) or blank} · {w('Contact', '연락처')}: {mark(purpose.contact) or blank}",
        f"- {w('Licence, terms of use', '이용 조건')}: {terms or blank}",
        f"- {w('Period of use', '활용 기간')}: {period or mark(purpose.period) or blank}",
        "",
        f"## {w('What was verified', '검증 결과')}",
        "",
        *_families(proof, lang),
        "",
        w(
            "By the rules of the named policy alone. It is no certificate and no statement about attacks that were not tried.",
            "적용한 기준에 한정된 결과입니다. 인증이 아니며 시도하지 않은 공격에 대해서는 아무것도 말하지 않습니다.",
        ),
        "",
        f"## {w('Columns', '항목')}",
        "",
        f"| {w('Column', '항목')} | {w('Kind', '유형')} |",
        "| --- | --- |",
        *(f"| {mark(c['name'])} | {KIND_WORDS[c['kind']].say(lang)} |" for c in preview.get("columns", ())),
        "",
        f"## {w('Limits of use', '이용 시 유의사항')}",
        "",
        *(f"- {line}" for line in (part.say(lang) for part in limitations(proof))),
        "",
    ]


def _families(proof: Proof, lang: Lang) -> list[str]:
    policy = f"{mark(proof.verdict.policy)} {proof.verdict.policy_version}"
    changed = Words(en="changed", ko="수정함").say(lang)
    lines = [
        f"- {'적용 기준' if lang == 'ko' else 'Policy'}: {policy}{f' ({changed})' if proof.verdict.changed else ''}"
    ]
    for family in FAMILIES:
        result = proof.verdict.families.get(family)
        word = RESULT_WORDS[result].say(lang) if result else Words(en="no deciding rule", ko="판정 규칙 없음").say(lang)
        lines.append(f"- {FAMILY_WORDS[family].say(lang)}: **{word}**")
    return lines


def limitations(proof: Proof) -> Sequence[Words]:
    """Return what a user of the data must know."""
    return [
        Words(
            en="Do not use them to decide about a real person, nor to look for one.",
            ko="실제 개인에 대한 결정이나 개인을 찾는 데 사용하지 마십시오.",
        ),
        Words(
            en="Findings must be confirmed on real data before they are published or acted upon.",
            ko="분석 결과는 공표하거나 활용하기 전에 실제 자료로 확인해야 합니다.",
        ),
        Words(
            en="Rare groups and extreme values were merged or cut before learning; they are not represented.",
            ko="희소 집단과 극단값은 학습 전에 통합·절단되어 나타나지 않습니다.",
        )
        if {"rare", "extremes"} & {r.get("protection") for r in proof.receipts}
        else Words(
            en="Biases of the source are reproduced.",
            ko="원본의 편향이 그대로 나타날 수 있습니다.",
        ),
        Words(
            en="Only these pictures and their labels were modelled: links to other data sets are meaningless.",
            ko="이미지와 그 라벨만 학습하였으므로 다른 데이터와의 연결은 의미가 없습니다.",
        )
        if proof.schema.modality == "image"
        else Words(
            en="Only one table was modelled: links to other data sets are meaningless.",
            ko="하나의 표만 학습하였으므로 다른 데이터와의 연결은 의미가 없습니다.",
        ),
    ]


def model_card(proof: Proof) -> str:
    """Return the model card as Markdown, Korean first, then English."""
    return "\n".join(line for lang in LANGS for line in _model_card(proof, lang))


def _model_card(proof: Proof, lang: Lang) -> list[str]:
    def w(en: str, ko: str) -> str:
        return ko if lang == "ko" else en

    g = proof.generator
    lines = [
        f"# {mark(g.name)} — {w('model card', '모형 카드')}",
        "",
        w(
            "**The model itself is not released.** Giving away weights or parameters is a decision of its own: they can leak "
            "what they learned from.",
            "**모형 자체는 공개하지 않습니다.** 가중치나 매개변수를 제공하면 학습 자료가 유출될 수 있으므로 별도의 결정이 필요합니다.",
        ),
        "",
        f"- {w('Family', '계열')}: {mark(g.tags.get('family', '')) or '–'}",
        f"- {w('Full synthesis', '완전합성')}: {_flag(g.tags.get('full_synthesis'), lang)}",
        f"- {w('Irreversible', '비가역성')}: {_flag(g.tags.get('irreversible'), lang)}",
        f"- {w('Differential privacy', '차분 프라이버시')}: {_flag(g.tags.get('private'), lang)}",
        *(f"- {label.say(lang)}: {mark(text.say(lang), 400)}" for label, text in guarantee_rows(g.privacy)),
    ]
    because = told(g.because)
    if because:
        lines.append(f"- {w('Why this one', '선택 이유')}: {mark(because.say(lang), 400)}")
    parameters = {k: v for k, v in sorted(g.parameters.items()) if k not in {"random_state", "seed"}}
    if parameters:
        lines += ["", f"## {w('Parameters', '매개변수')}", ""]
        lines += [f"- {mark(k)}: {mark(v, 200)}" for k, v in parameters.items()]
    lines += ["", f"## {w('How good', '측정값')}", ""]
    lines += [f"| {w('Metric', '지표')} | {w('Value', '측정값')} | {w('Reference', '참조값')} |", "| --- | --- | --- |"]
    for metric in dict.fromkeys(e.metric for e in proof.evidence):
        e, card = of_metric(proof.evidence, metric), card_of(metric)
        if e is None or e.estimate is None or e.subject != "all":
            continue
        name = card.name.say(lang) if card else metric
        lines.append(f"| {mark(name)} | {number(e.estimate)} {interval(e.interval)} | {number(e.reference)} |")
    lines += ["", f"## {w('Limits', '한계')}", ""]
    notices = [t for n in g.notices if (t := told(n, 400)) is not None]
    lines += [f"- {mark(n.say(lang), 400)}" for n in notices]
    lines += [
        w(
            "- Learned from one source at one time; other people, places and years are not represented.",
            "- 한 시점의 한 원본만 학습하였으므로 다른 집단·지역·시기를 대표하지 않습니다.",
        ),
        "",
    ]
    return lines


def _flag(value: object, lang: Lang) -> str:
    if value is None:
        return "확인되지 않음" if lang == "ko" else "not known"
    return ("예" if value else "아니요") if lang == "ko" else ("yes" if value else "no")
