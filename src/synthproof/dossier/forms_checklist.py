"""The guide's checklist for tables, 19 items: what can be read from the record is filled in with its evidence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from synthproof.core.words import Words
from synthproof.dossier.forms import Form, Section, listed
from synthproof.dossier.forms_data import of_metric
from synthproof.dossier.numbers import interval, number
from synthproof.verification.proof import Proof

YES = Words(en="yes", ko="예")
NO = Words(en="no", ko="아니요")
PRESENT = Words(en="present, treated", ko="있음(처리함)")
ABSENT = Words(en="none found", ko="발견되지 않음")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What the record says to one item: an answer (``None``: only a person can say) and its evidence."""

    answer: Words | None = None
    evidence: Words | None = None


_Reader = Callable[[Proof, Mapping[str, Any]], Reading]


def _treated(proof: Proof, *, classes: Sequence[str] = (), methods: Sequence[str] = ()) -> list[str]:
    out = []
    for receipt in proof.receipts:
        for t in receipt.get("treatments", ()):
            if (not classes or t["class"]["id"] in classes) and (not methods or t["method"]["id"] in methods):
                out.append(str(t["field"]))
    return list(dict.fromkeys(out))


def _identifiers(proof: Proof, preview: Mapping[str, Any]) -> Reading:
    if not proof.scan and not proof.receipts:
        return Reading()
    names = _treated(proof, classes=("direct",))
    if names:
        return Reading(answer=PRESENT, evidence=listed(names))
    return Reading(
        answer=ABSENT,
        evidence=Words(en="by the finders of this tool; see form 1-4", ko="이 도구의 탐색기 기준(서식 1-4 참조)"),
    )


def _quasi(proof: Proof, preview: Mapping[str, Any]) -> Reading:
    names = proof.purpose.quasi_identifiers
    return Reading(answer=YES if names else None, evidence=listed(names))


def _sensitive(proof: Proof, preview: Mapping[str, Any]) -> Reading:
    names = proof.purpose.sensitive
    return Reading(answer=YES if names else None, evidence=listed(names))


def _extremes(proof: Proof, preview: Mapping[str, Any]) -> Reading:
    ran = [r for r in proof.receipts if r.get("protection") in {"rare", "extremes"}]
    if not ran:
        return Reading()
    names = list(dict.fromkeys(str(t["field"]) for r in ran for t in r.get("treatments", ())))
    return Reading(answer=PRESENT if names else ABSENT, evidence=listed(names))


def _relations(proof: Proof, preview: Mapping[str, Any]) -> Reading:
    e = of_metric(proof.evidence, "table.corr_sd")
    if e is None or e.estimate is None:
        return Reading()
    told = f"corr-sd {number(e.estimate)} {interval(e.interval)}"
    return Reading(evidence=Words(en=told, ko=told))


def _documented(proof: Proof, preview: Mapping[str, Any]) -> Reading:
    n, rules = len(proof.schema.fields), len(proof.schema.constraints)
    told = [e for e in proof.evidence if e.metric == "table.constraints" and e.subject != "all" and e.detail]
    counts = "; ".join(f"{e.subject} ({e.detail['broken']}/{e.detail['rows']})" for e in told)
    return Reading(
        answer=YES,
        evidence=Words(
            en=f"{n} items in form 1-3; {rules} logical constraints declared"
            + (f" (synthetic rows that break each: {counts})" if counts else ""),
            ko=f"서식 1-3에 {n}개 항목 기록, 논리 제약 {rules}개 선언"
            + (f"(어긴 합성 행: {counts})" if counts else ""),
        ),
    )


def _dropped(proof: Proof, preview: Mapping[str, Any]) -> Reading:
    return Reading(evidence=listed(_treated(proof, methods=("delete",))))


def _replaced(proof: Proof, preview: Mapping[str, Any]) -> Reading:
    if not proof.receipts:
        return Reading()
    names = _treated(proof, classes=("direct",), methods=("replace", "mask", "delete", "generalise"))
    found = _treated(proof, classes=("direct",))
    if not found:
        return Reading(answer=Words(en="not applicable", ko="해당 없음"), evidence=ABSENT)
    return Reading(answer=YES if set(names) >= set(found) else NO, evidence=listed(names))


def _generalised(proof: Proof, preview: Mapping[str, Any]) -> Reading:
    ran = [str(r.get("protection")) for r in proof.receipts if r.get("protection") in {"rare", "extremes", "coarsen"}]
    return Reading(answer=YES if ran else None, evidence=listed(ran))


def _chosen(proof: Proof, preview: Mapping[str, Any]) -> Reading:
    because = proof.generator.because
    if because and because.get("en") and because.get("ko"):
        return Reading(evidence=Words(en=because["en"], ko=because["ko"]))
    return Reading()


def _fits(proof: Proof, preview: Mapping[str, Any]) -> Reading:
    modality = proof.generator.tags.get("modality")
    if modality is None:
        return Reading()
    told = Words(
        en=f"a generator for {modality} data: {proof.generator.name}", ko=f"{modality}용 생성기: {proof.generator.name}"
    )
    return Reading(answer=YES if modality == proof.schema.modality else NO, evidence=told)


def _fitting(proof: Proof, preview: Mapping[str, Any]) -> Reading:
    parts = []
    for metric in ("table.nearer_than_unseen", "table.pipc_inference", "table.distinguishability"):
        e = of_metric(proof.evidence, metric)
        if e is not None and e.estimate is not None:
            parts.append(f"{metric} {number(e.estimate)} {interval(e.interval)}")
    told = "; ".join(parts)
    return Reading(evidence=Words(en=told, ko=told) if told else None)


def _irreversible(proof: Proof, preview: Mapping[str, Any]) -> Reading:
    tags = proof.generator.tags
    if "irreversible" not in tags:
        return Reading()
    told = Words(en=f"registered property of {proof.generator.name}", ko=f"{proof.generator.name}의 등록된 성질")
    return Reading(answer=YES if tags["irreversible"] and tags.get("full_synthesis") else NO, evidence=told)


def _present(proof: Proof, preview: Mapping[str, Any]) -> Reading:
    made = {c["name"] for c in preview.get("columns", ())}
    wanted = [f.name for f in proof.schema.fields]
    absent = [n for n in wanted if n not in made]
    if not made:
        return Reading()
    if absent:
        return Reading(answer=NO, evidence=listed(absent))
    return Reading(answer=YES, evidence=Words(en=f"all {len(wanted)} items", ko=f"{len(wanted)}개 항목 전부"))


def _by_metric(metric: str) -> _Reader:
    def read(proof: Proof, preview: Mapping[str, Any]) -> Reading:
        e = of_metric(proof.evidence, metric)
        if e is None or e.estimate is None:
            return Reading(evidence=e.caveat if e is not None else None)
        found = [f for f in proof.verdict.findings if f.metric == metric and f.subject == e.subject]
        answer = None
        if found:
            answer = {"meets": YES, "does_not_meet": NO}.get(found[0].result)
        told = f"{metric} {number(e.estimate)} {interval(e.interval)}"
        return Reading(answer=answer, evidence=Words(en=told, ko=told))

    return read


def _quantity(proof: Proof, preview: Mapping[str, Any]) -> Reading:
    facts = proof.data.get("synthetic")
    if facts is None:
        return Reading()
    return Reading(evidence=Words(en=f"{facts.units:,} units made", ko=f"{facts.units:,}개 단위 생성"))


def _person(proof: Proof, preview: Mapping[str, Any]) -> Reading:
    return Reading()


def _w(en: str, ko: str) -> Words:
    return Words(en=en, ko=ko)


ITEMS: tuple[tuple[str, Words, _Reader], ...] = (
    ("T1-1", _w("Are there identifiers?", "식별자(주민등록번호, 전화번호, 상세 주소 등)가 있는가?"), _identifiers),
    (
        "T1-2",
        _w("Are there items that identify in combination?", "결합하면 식별될 수 있는 항목이 있는가?"),
        _quasi,
    ),
    (
        "T1-3",
        _w(
            "Are there sensitive items, or items with social impact if exposed?",
            "민감한 항목이나 노출 시 사회적 파급이 큰 항목이 있는가?",
        ),
        _sensitive,
    ),
    (
        "T1-4",
        _w(
            "Are there extreme or rare values that identify by themselves?",
            "그 자체로 식별될 수 있는 극단값·희소값이 있는가?",
        ),
        _extremes,
    ),
    (
        "T1-5",
        _w(
            "Which items and properties must survive for the purpose?",
            "활용 목적상 유지해야 하는 항목과 특성을 파악하였는가?",
        ),
        _person,
    ),
    (
        "T1-6",
        _w("Which relations between items must survive?", "유지해야 하는 항목 간 관계를 파악하였는가?"),
        _relations,
    ),
    (
        "T1-7",
        _w(
            "Are attributes, logical constraints and relations documented?",
            "속성, 논리적 제약, 관계를 문서로 정리하였는가?",
        ),
        _documented,
    ),
    ("T2-1", _w("Were unneeded items deleted?", "불필요한 항목을 삭제하였는가?"), _dropped),
    (
        "T2-2",
        _w(
            "Were needed identifiers replaced by serial numbers or the like?",
            "필요한 식별자를 일련번호 등으로 대체하였는가?",
        ),
        _replaced,
    ),
    (
        "T2-3",
        _w(
            "Were rare and extreme values deleted or generalised as far as the purpose allows?",
            "목적이 허용하는 범위에서 희소값·극단값을 삭제하거나 일반화하였는가?",
        ),
        _generalised,
    ),
    (
        "T3-1",
        _w(
            "Was the generator chosen with purpose and environment in mind?",
            "활용 목적과 환경을 고려하여 생성 방법을 선택하였는가?",
        ),
        _chosen,
    ),
    ("T3-2", _w("Does the generator fit the type of data?", "생성 방법이 데이터 유형에 적합한가?"), _fits),
    (
        "T3-3",
        _w("Are strengths and weaknesses of the method understood?", "생성 방법의 장단점을 이해하고 있는가?"),
        _person,
    ),
    (
        "T3-4",
        _w("Could parameters cause over- or under-fitting?", "매개변수로 인한 과적합·과소적합 가능성을 검토하였는가?"),
        _fitting,
    ),
    (
        "T3-5",
        _w("Is it irreversible, not a record-wise alteration?", "레코드 단위의 변형이 아닌 비가역적 방법인가?"),
        _irreversible,
    ),
    ("T4-1", _w("Are all needed items and properties there?", "필요한 항목과 특성이 모두 있는가?"), _present),
    (
        "T4-2",
        _w("Are format, structure and rules those of the source?", "형식·구조·규칙이 원본과 같은가?"),
        _by_metric("table.validity"),
    ),
    ("T4-3", _w("Do the logical constraints hold?", "논리적 제약을 지키는가?"), _by_metric("table.constraints")),
    ("T4-4", _w("Is the required quantity reached?", "필요한 수량을 확보하였는가?"), _quantity),
)
_STAGES = {
    "1": _w("1. Exploring the source", "1. 원본 탐색적 분석"),
    "2": _w("2. Preprocessing", "2. 전처리"),
    "3": _w("3. Generation", "3. 생성"),
    "4": _w("4. Post-processing", "4. 후처리"),
}
_HEAD = (
    _w("Id", "번호"),
    _w("Question", "점검 항목"),
    _w("Answer", "결과"),
    _w("Evidence from the record", "기록상 근거"),
    _w("Confirmed by (name, time)", "확인자(성명·일시)"),
)


def staged(answers: Sequence[tuple[str, Words, Reading]]) -> tuple[Section, ...]:
    """Return answers (id such as ``T3-1``, question, reading) as one section for each of the guide's four stages."""
    blank = _w("–", "–")
    return tuple(
        Section(
            title=title,
            head=_HEAD,
            rows=tuple(
                (_w(name, name), question, found.answer, found.evidence or blank, None)
                for name, question, found in answers
                if name[1] == stage
            ),
        )
        for stage, title in _STAGES.items()
    )


def checklist(proof: Proof, preview: Mapping[str, Any]) -> Form:
    """Return the 19 items T1-1 … T4-4; an answer that only a person can give is left blank."""
    sections = staged([(name, question, read(proof, preview)) for name, question, read in ITEMS])
    return Form(
        id="checklist",
        title=_w("Checklist of generation, tables (19 items)", "합성데이터 생성 체크리스트(정형, 19항목)"),
        sections=sections,
        wide=True,
    )
