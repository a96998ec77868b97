"""The self-review report on safety (안전성 자체 검토 결과서), in the guide's sections 1) to 5-2)."""

from __future__ import annotations

from collections.abc import Mapping

from synthproof.core.evidence import FAMILY_WORDS, RESULT_WORDS
from synthproof.core.words import Words
from synthproof.dossier.first_page import answer
from synthproof.dossier.forms import Form, Line, Section, same
from synthproof.dossier.numbers import ORIGIN_WORDS, OUTCOME_WORDS, card_of, groups, interval, number
from synthproof.dossier.record import both, data_rows, limit_rows, refinements
from synthproof.dossier.rules import RuleFacts
from synthproof.verification.proof import Proof

FORMULAS: Mapping[str, str] = {
    "table.pipc_singling_out": "p = (1/m) Σ_s 1[s ∈ O];  p* = 1 − (1 − p)²",
    "table.pipc_linkage": "CAP_i = #{s : K_s = K_i, T_s = T_i} / #{s : K_s = K_i}",
    "table.pipc_inference": "(1/m) Σ_s 1[d(s, o*) < d(o*, O∖o*)]",
    "table.exact_copies": "(1/m) Σ_s 1[s ∈ O] ÷ (1/h) Σ_h 1[h ∈ O]",
    "table.corr_sd": "SD(R_O − R_S)",
    "table.pmse": "(1/N) Σ_i (p̂_i − c)²,  c = m/(n + m)",
}


def self_review(proof: Proof, rules: Mapping[str, RuleFacts]) -> Form:
    """Return the self-review report: method, metrics, limits, measurement, results; the overall judgement is left open."""
    return Form(
        id="self-review",
        title=Words(en="Self-review report on safety", ko="안전성 자체 검토 결과서"),
        sections=(
            _method(proof),
            _metrics(proof),
            _limits(proof),
            _measured(proof),
            _results(proof),
            _overall(proof, rules),
        ),
        wide=True,
    )


def _method(proof: Proof) -> Section:
    return Section(
        title=Words(en="1) Method", ko="1) 검증 방법"),
        paragraphs=(
            Words(
                en="The synthetic data were compared with the preprocessed original and with real units that nothing had "
                "learned from. Safety, fidelity and utility were measured; each number carries an interval and, where "
                "there is one, the same number between real data. The order of measurement has no bearing on the result.",
                ko="합성데이터를 전처리된 원본 및 학습에 쓰지 않은 원본과 비교하였습니다. 안전성·유사성·유용성을 측정하였고, "
                "각 값에는 구간과 "
                "(가능한 경우) 실제 자료끼리의 값을 함께 적었습니다. 측정 순서는 결과에 영향을 주지 않습니다.",
            ),
            Words(
                en=f"Rules: policy {proof.verdict.policy} version {proof.verdict.policy_version}"
                + (" (changed from the shipped one)." if proof.verdict.changed else " (as shipped)."),
                ko=f"적용 기준: {proof.verdict.policy} 제{proof.verdict.policy_version}판"
                + ("(배포된 기준을 수정함)." if proof.verdict.changed else "(배포된 그대로)."),
            ),
        ),
    )


def _metrics(proof: Proof) -> Section:
    rows = []
    for metric in dict.fromkeys(e.metric for e in proof.evidence):
        card = card_of(metric)
        dash = Words(en="–", ko="–")
        rows.append(
            (
                FAMILY_WORDS[card.family] if card else dash,
                card.name if card else both(metric),
                card.question if card else dash,
                same(FORMULAS.get(metric, "")) or dash,
                same(card.source, 200) if card else dash,
            )
        )
    return Section(
        title=Words(en="2) Metrics", ko="2) 검증 지표"),
        head=(
            Words(en="Family", ko="영역"),
            Words(en="Name", ko="지표명"),
            Words(en="Description", ko="설명"),
            Words(en="Formula", ko="계산식"),
            Words(en="Source", ko="출처"),
        ),
        rows=tuple(rows),
    )


def _limits(proof: Proof) -> Section:
    lines = {(x.metric, x.subject): x for x in proof.limits}
    for f in proof.verdict.findings:
        if f.limit:
            lines.setdefault((f.limit.metric, f.limit.subject), f.limit)
    rows = []
    for row in limit_rows(list(lines.values())):
        how = " · ".join(part for part in (row["quantile"], f"×{row['repeats']}" if row["repeats"] else "") if part)
        rows.append(
            (row["metric"], same(row["value"]), row["origin"], row["because"], same(how) or Words(en="–", ko="–"))
        )
    return Section(
        title=Words(en="3) Limits and their basis", ko="3) 임계값과 근거"),
        head=(
            Words(en="Metric", ko="지표"),
            Words(en="Limit", ko="임계값"),
            Words(en="Origin", ko="출처"),
            Words(en="Basis", ko="근거"),
            Words(en="Quantile, repeats", ko="분위수·반복"),
        ),
        rows=tuple(rows),
        note=Words(
            en="Every repeat of every simulation stands in dossier.json.",
            ko="모의실험의 모든 반복 결과는 dossier.json에 있습니다.",
        ),
    )


def _measured(proof: Proof) -> Section:
    lines = [
        Line(
            label=row["role"],
            value=Words(
                en=f"{row['units']} units, {row['rows']} rows × {row['columns']} items ({row['fingerprint']})",
                ko=f"{row['units']}개 단위, {row['rows']}행 × {row['columns']}개 항목 ({row['fingerprint']})",
            ),
        )
        for row in data_rows(proof)
    ]
    lines.append(Line(label=Words(en="Candidate chosen", ko="선정한 후보"), value=same(proof.generator.name)))
    lines.append(Line(label=Words(en="Other candidates compared", ko="비교한 다른 후보")))
    for row in refinements(proof):
        lines.append(Line(label=row["what"], value=same(row["counts"], 300)))
    return Section(title=Words(en="4) Measurement carried out", ko="4) 측정 수행"), lines=tuple(lines))


def _results(proof: Proof) -> Section:
    rows = []
    deciding = {(f.metric, f.subject): f for f in proof.verdict.findings}
    dash = Words(en="–", ko="–")
    for e in proof.evidence:
        f = deciding.get((e.metric, e.subject))
        if f is None and e.subject != "all":
            continue
        card = card_of(e.metric)
        limit = f.limit if f else None
        value = f"{number(e.estimate)} {interval(e.interval)}" if e.estimate is not None else None
        rows.append(
            (
                card.name if card else both(e.metric),
                same(e.subject) if e.subject != "all" else Words(en="whole", ko="전체"),
                same(value) if value else OUTCOME_WORDS[e.outcome],
                same(number(e.reference)) or dash,
                same(f"{'≤' if limit.side == 'max' else '≥'} {number(limit.value)}") if limit else dash,
                ORIGIN_WORDS[limit.origin] if limit else dash,
                RESULT_WORDS[f.result] if f else Words(en="no rule", ko="규칙 없음"),
            )
        )
    return Section(
        title=Words(en="5-1) Results", ko="5-1) 측정 결과"),
        head=(
            Words(en="Metric", ko="지표"),
            Words(en="Subject", ko="대상"),
            Words(en="Value [interval]", ko="측정값 [구간]"),
            Words(en="Reference", ko="참조값"),
            Words(en="Limit", ko="임계값"),
            Words(en="Origin", ko="출처"),
            Words(en="Result", ko="판정"),
        ),
        rows=tuple(rows),
    )


def _overall(proof: Proof, rules: Mapping[str, RuleFacts]) -> Section:
    told, parts = answer(proof, rules), groups(proof, rules)
    parts_en = "; ".join(f"{g['name'].en}: {g['word'].en}" for g in parts)
    parts_ko = ", ".join(f"{g['name'].ko}: {g['word'].ko}" for g in parts)
    return Section(
        title=Words(en="5-2) Overall judgement", ko="5-2) 총평"),
        paragraphs=(
            Words(
                en=f"By the rules: {told['headline'].en} {parts_en}.",
                ko=f"기준에 따른 결과: {told['headline'].ko} {parts_ko}.",
            ),
            None,
        ),
        note=Words(
            en="Which set passes, which is best in utility and which is chosen is for a person to write.",
            ko="어느 세트가 안전성을 통과하였고, 그중 유용성이 가장 높은 것과 최종 선정한 것이 무엇인지는 담당자가 기재합니다.",
        ),
    )
