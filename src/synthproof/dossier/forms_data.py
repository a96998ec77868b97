"""Forms 1-3 (specification, of the source and of the synthetic data) and 1-4 (treatment of each item)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from synthproof.core.evidence import Evidence
from synthproof.core.schema import Field
from synthproof.core.words import Words
from synthproof.dossier.disclose import MIN_COUNT, range_text
from synthproof.dossier.forms import Form, Line, Section, from_dict, listed, same
from synthproof.protection.treatments import class_by_role, merged
from synthproof.verification.proof import DataFacts, Proof

KIND_WORDS: Mapping[str, Words] = {
    "identifier": Words(en="identifier", ko="식별자"),
    "boolean": Words(en="yes/no", ko="이진"),
    "integer": Words(en="integer", ko="정수"),
    "continuous": Words(en="continuous", ko="연속형"),
    "categorical": Words(en="categorical", ko="범주형"),
    "ordinal": Words(en="ordinal", ko="순서형"),
    "datetime": Words(en="date/time", ko="일시"),
    "text": Words(en="free text", ko="자유 텍스트"),
}
AREA_WORDS: Mapping[str, Words] = {
    "unit": Words(en="person number", ko="개인 구분"),
    "quasi_identifier": Words(en="quasi-identifying", ko="식별가능정보"),
    "sensitive": Words(en="sensitive", ko="민감정보"),
    "target": Words(en="target", ko="목표 변수"),
    "weight": Words(en="weight", ko="가중치"),
    "time": Words(en="observed time", ko="관찰 기간"),
    "event": Words(en="event", ko="사건 발생 여부"),
}
_OTHER = Words(en="other", ko="그 밖의 정보")
FORMATS = (
    ("table", Words(en="table", ko="정형")),
    ("image", Words(en="image", ko="비정형(이미지)")),
    ("other", Words(en="other unstructured", ko="기타 비정형")),
)
_TYPES = {
    "table": Words(en="table", ko="정형(표)"),
    "image": Words(en="images (unstructured)", ko="비정형(이미지)"),
    "other": Words(en="other unstructured", ko="기타 비정형"),
}


def format_of(modality: str) -> str:
    """Return which of the guide's three formats a modality is."""
    return modality if modality in {"table", "image"} else "other"


def form_1_3_source(proof: Proof) -> Form:
    """Return 원본데이터 명세서. No sample is printed although the form has the place for it."""
    facts = proof.data.get("source") or proof.data.get("train")
    overlays = {
        e.subject: e.detail["overlay"]
        for e in proof.evidence
        if e.metric == "table.shape" and isinstance(e.detail.get("overlay"), Mapping)
    }
    rows = [
        (
            same(i + 1),
            KIND_WORDS[f.kind],
            area(f, proof),
            same(f.name),
            _source_facts(f, overlays.get(f.name)),
            None,
        )
        for i, f in enumerate(proof.schema.fields)
    ]
    samples = Section(
        title=Words(en="Samples", ko="예시"),
        paragraphs=(
            Words(
                en="None. The form has a place for samples of the source; this tool prints no real record anywhere in the "
                "dossier.",
                ko="싣지 않음. 서식에는 원본 예시 칸이 있으나, 이 도구는 심의자료 어디에도 실제 레코드를 싣지 않습니다.",
            ),
        ),
    )
    return Form(
        id="1-3-source",
        title=Words(en="Form 1-3: specification of the source data", ko="서식 1-3 원본데이터 명세서"),
        sections=(_overview(facts, proof), _areas(proof), _items(rows), samples),
        wide=True,
    )


def form_1_3_synthetic(proof: Proof, preview: Mapping[str, Any]) -> Form:
    """Return 합성데이터 명세서, with a few synthetic rows when the safety rules are met."""
    facts = proof.data.get("synthetic")
    columns: Sequence[Mapping[str, Any]] = preview.get("columns", ())
    total = max(1, int(preview.get("rows", 1)))
    known = {f.name: f for f in proof.schema.fields}
    rows = []
    for i, c in enumerate(columns):
        f = known.get(c["name"])
        rows.append(
            (
                same(i + 1),
                KIND_WORDS.get(c["kind"], _OTHER),
                area(f, proof) if f else _OTHER,
                same(c["name"]),
                _facts(c.get("range", ""), c.get("levels"), (), c.get("missing", 0) / total),
                None,
            )
        )
    return Form(
        id="1-3-synthetic",
        title=Words(en="Form 1-3: specification of the synthetic data", ko="서식 1-3 합성데이터 명세서"),
        sections=(_overview(facts, proof), _areas(proof), _items(rows), _samples(preview)),
        wide=True,
    )


def _samples(preview: Mapping[str, Any]) -> Section:
    title = Words(en="Samples (synthetic rows)", ko="예시(합성 레코드)")
    samples = preview.get("samples")
    if preview.get("released"):
        # "only when the safety rules are met" would read as if they were not
        here = Words(
            en="None: the records themselves are in this release.",
            ko="싣지 않음: 이 반출물에 전체 레코드가 들어 있습니다.",
        )
        return Section(title=title, paragraphs=(here,))
    if not samples or not samples.get("rows"):
        return Section(
            title=title,
            paragraphs=(
                Words(
                    en="None: synthetic rows are printed only when the safety rules are met.",
                    ko="싣지 않음: 안전성 기준을 충족할 때에만 합성 레코드를 예시로 싣습니다.",
                ),
            ),
        )
    blank = Words(en="–", ko="–")
    return Section(
        title=title,
        head=(
            Words(en="Item", ko="항목명"),
            *(Words(en=f"row {i + 1}", ko=f"레코드 {i + 1}") for i in range(len(samples["rows"]))),
        ),
        rows=tuple(
            (same(name, 40), *(same(row[j], 40) or blank for row in samples["rows"]))
            for j, name in enumerate(samples["names"])
        ),
    )


def _overview(facts: DataFacts | None, proof: Proof) -> Section:
    rows = Words(en="images", ko="장") if proof.schema.modality == "image" else Words(en="rows", ko="행")
    size = (
        Words(
            en=f"{facts.units:,} units, {facts.rows:,} {rows.en} × {facts.columns} items",
            ko=f"{facts.units:,}개 단위, {facts.rows:,}{rows.ko} × {facts.columns}개 항목",
        )
        if facts
        else None
    )
    return Section(
        title=Words(en="Overview", ko="개요"),
        lines=(
            Line(label=Words(en="Name", ko="데이터명"), value=same(facts.name) if facts else None),
            Line(label=Words(en="Type", ko="유형"), value=_TYPES[format_of(proof.schema.modality)]),
            Line(label=Words(en="Size", ko="규모"), value=size),
            Line(label=Words(en="Fingerprint", ko="지문"), value=same(facts.fingerprint, 90) if facts else None),
            Line(label=Words(en="Remarks", ko="비고")),
        ),
    )


def _areas(proof: Proof) -> Section:
    counts: dict[str, list[Any]] = {}
    for f in proof.schema.fields:
        words = area(f, proof)
        counts.setdefault(words.en, [words, 0])[1] += 1
    total = max(1, len(proof.schema.fields))
    return Section(
        title=Words(en="Summary by area", ko="정보영역별 요약"),
        head=(
            Words(en="No.", ko="번호"),
            Words(en="Area", ko="정보영역"),
            Words(en="Items", ko="항목 수"),
            Words(en="Share", ko="비율"),
            Words(en="Description", ko="설명"),
        ),
        rows=tuple(
            (same(i + 1), words, same(n), same(f"{n / total:.0%}"), None)
            for i, (words, n) in enumerate(counts.values())
        ),
    )


def _items(rows: Sequence[tuple[Words | None, ...]]) -> Section:
    return Section(
        title=Words(en="Items", ko="항목 목록"),
        head=(
            Words(en="No.", ko="번호"),
            Words(en="Type", ko="유형"),
            Words(en="Area", ko="정보영역"),
            Words(en="Item", ko="항목명"),
            Words(en="Content", ko="내용"),
            Words(en="Description", ko="항목 설명"),
        ),
        rows=tuple(rows),
        note=Words(
            en=f"Ranges are rounded outward; levels held by fewer than {MIN_COUNT} are not named.",
            ko=f"범위는 바깥쪽으로 반올림하였고, {MIN_COUNT}건 미만인 범주는 이름을 적지 않았습니다.",
        ),
    )


def area(f: Field, proof: Proof) -> Words:
    """Return what a column is, as purpose and schema name it."""
    for role, names in (
        ("unit", ()),
        ("sensitive", proof.purpose.sensitive),
        ("quasi_identifier", proof.purpose.quasi_identifiers),
        ("target", proof.purpose.targets),
    ):
        if f.name in names or role in f.roles:
            return AREA_WORDS[role]
    return next((AREA_WORDS[role] for role in ("weight", "time", "event") if role in f.roles), _OTHER)


def _source_facts(f: Field, overlay: Mapping[str, Any] | None) -> Words | None:
    missing = None
    if overlay is not None:
        absent = overlay.get("real_missing")
        total = sum(v or 0 for v in overlay.get("real", ())) + (absent or 0)
        missing = absent / total if absent is not None and total else None
    return _facts(range_text(f), None, f.levels, missing)


def _facts(span: str, n_levels: int | None, levels: Sequence[str], missing: float | None) -> Words | None:
    en, ko = [], []
    if span:
        en.append(span)
        ko.append(span)
    if n_levels is not None:
        en.append(f"{n_levels} levels")
        ko.append(f"범주 {n_levels}개")
    if levels and (shown := listed(levels[:12])):
        more = f" (+{len(levels) - 12})" if len(levels) > 12 else ""
        en.append(shown.en + more)
        ko.append(shown.ko + more)
    if missing:
        en.append(f"missing {missing:.1%}")
        ko.append(f"결측 {missing:.1%}")
    return Words(en="; ".join(en), ko="; ".join(ko)) if en else Words(en="–", ko="–")


def form_1_4(proof: Proof) -> Form:
    """Return 항목별 개인정보 처리계획, read back from the receipts of the protections that ran."""
    receipts = [r for r in proof.receipts if isinstance(r.get("treatments"), list | tuple)]
    names = list(dict.fromkeys([*_acted(receipts), *proof.schema.names]))
    classes = {f.name: class_by_role(f) for f in proof.schema.fields if class_by_role(f) != "other"}
    for name in proof.purpose.quasi_identifiers:
        classes.setdefault(name, "quasi")
    for name in proof.purpose.sensitive:
        classes[name] = "sensitive"
    order = {name: i for i, name in enumerate(proof.schema.names)}
    table = merged(sorted(names, key=lambda n: order.get(n, -1)), receipts, classes)
    rows = tuple(
        (
            same(i + 1),
            same(row["field"]),
            from_dict(row["class"]),
            from_dict(row["method"]),
            from_dict(row["detail"]),
            None,
        )
        for i, row in enumerate(table)
    )
    items = Section(
        title=Words(en="Items", ko="항목별 처리"),
        head=(
            Words(en="No.", ko="번호"),
            Words(en="Item", ko="항목명"),
            Words(en="Area", ko="정보영역"),
            Words(en="Method", ko="처리 방법"),
            Words(en="Details and level", ko="처리 내용·수준"),
            Words(en="Description, confirmation", ko="항목 설명·확인"),
        ),
        rows=rows,
        note=Words(
            en="Read back from the receipts of what was really done, not from a plan.",
            ko="계획이 아니라 실제로 수행한 보호 조치의 기록에서 가져온 내용입니다.",
        ),
    )
    return Form(
        id="1-4",
        title=Words(en="Form 1-4: treatment of personal data by item", ko="서식 1-4 항목별 개인정보 처리계획"),
        sections=(items,),
        wide=True,
    )


def _acted(receipts: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(str(t["field"]) for r in receipts for t in r["treatments"]))


def of_metric(evidence: Sequence[Evidence], metric: str) -> Evidence | None:
    """Return a metric's own summary (subject ``all``), or its first evidence, or ``None``."""
    own = [e for e in evidence if e.metric == metric]
    return next((e for e in own if e.subject == "all"), own[0] if own else None)
