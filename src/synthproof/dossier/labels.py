"""Headings and fixed words of the report, in both languages."""

from __future__ import annotations

from collections.abc import Mapping

from synthproof.core.words import Words


def _w(en: str, ko: str) -> Words:
    return Words(en=en, ko=ko)


LABELS: Mapping[str, Words] = {
    "title": _w("Synthetic data verification report", "합성데이터 검증 보고서"),
    "ask": _w("May it be released?", "제공해도 됩니까?"),
    "verdict": _w("Verdict", "판정"),
    "whom": _w("To whom", "누구에게"),
    "conditions": _w("Under which conditions", "어떤 조건으로"),
    "asked_for": _w("Asked for", "신청한 활용"),
    "by_family": _w(
        "Verdict by family (the worst decides; nothing is averaged)",
        "영역별 판정(가장 나쁜 결과가 전체를 결정하며 합산 점수는 없음)",
    ),
    "questions": _w("The six review questions", "여섯 가지 심의 질문"),
    "question": _w("Question", "질문"),
    "status": _w("Status", "상태"),
    "answer": _w("What is known", "확인된 내용"),
    "evidence": _w("Evidence", "근거"),
    "facts": _w("What this report speaks of", "이 보고서의 대상"),
    "numbers": _w("The numbers", "측정 결과"),
    "metric": _w("Metric", "지표"),
    "subject": _w("Subject", "대상"),
    "value": _w("Value", "측정값"),
    "interval": _w("Interval", "구간"),
    "reference": _w("Reference", "참조값"),
    "limit": _w("Limit", "임계값"),
    "origin": _w("Origin", "출처"),
    "picture": _w("Where it lies", "위치"),
    "result": _w("Result", "판정"),
    "advisory": _w("advisory", "참고"),
    "by_axis": _w("read by the axis", "판정 경로"),
    "no_rule": _w("no rule", "규칙 없음"),
    "rest": _w(
        "By subject, furthest from the reference first (reference in brackets)",
        "대상별 값, 참조값에서 먼 순서(괄호 안은 참조값)",
    ),
    "more_rows": _w("further rows stand in dossier.json", "개 행은 dossier.json에 있습니다"),
    "source": _w("Source", "출처"),
    "ideal": _w("Ideal", "이상적인 값"),
    "higher": _w("higher is better", "높을수록 좋음"),
    "lower": _w("lower is better", "낮을수록 좋음"),
    "legend": _w(
        "dot: value · bar: interval · hollow triangle (△): reference (real against real) · vertical line: limit, tinted side breaks it",
        "점: 측정값 · 막대: 구간 · 빈 삼각형(△): 참조값(실제 자료끼리) · 세로선: 임계값(색이 깔린 쪽이 벗어나는 쪽)",
    ),
    "axes": _w("Ways to harm a person", "사람에게 해가 될 수 있는 경로"),
    "axes_lead": _w(
        "Each is judged from all its attacks together: a leak is shown when a lower end lies over its line, or an exact test "
        "of the persons met says so, corrected for all attacks (Holm); it is bounded when every upper end keeps its tolerance.",
        "각 경로는 모든 공격 결과를 함께 보고 판단합니다. 하한이 기준을 넘거나 드러난 사람 수에 대한 정확검정으로 확인되면(모든 "
        "공격에 대해 Holm 보정) 유출 입증, 모든 상한이 허용치 이내이면 한도 이내입니다.",
    ),
    "bound": _w("persons harmed", "노출되는 사람"),
    "listed": _w("records listed in the vault", "금고에 목록으로 보관된 레코드"),
    "attackers": _w("Attacker cards", "공격자 카드"),
    "attackers_lead": _w(
        "Who is imagined, what they know and try, and how far they got.",
        "어떤 공격자를 가정하였고, 무엇을 알고 시도하며, 어디까지 성공하였는지 보입니다.",
    ),
    "knows": _w("Knows", "아는 것"),
    "tries": _w("Tries", "시도"),
    "success": _w("Succeeds when", "성공 조건"),
    "outcome": _w("Outcome", "결과"),
    "pictures": _w("Pictures", "그림"),
    "pictures_lead": _w(
        "Real data appear only as counts; bins with fewer than 10 real units are hidden.",
        "실제 자료는 빈도로만 나타내며, 실제 단위가 10 미만인 구간은 숨겼습니다.",
    ),
    "real": _w("real", "실제"),
    "synthetic": _w("synthetic", "합성"),
    "unassessed": _w("Not assessed", "평가하지 못한 것"),
    "unassessed_lead": _w(
        "What is missing here is not a pass.",
        "여기에 있는 항목은 통과한 것이 아닙니다.",
    ),
    "nothing": _w("Nothing is recorded.", "기록이 없습니다."),
    "protection": _w("Protection before learning", "학습 전 보호 조치"),
    "scan": _w("Identifiers looked for in the source", "원본에서 탐색한 식별정보"),
    "refinements": _w("Refinements of the drawn data", "생성 후 후처리"),
    "generator": _w("How the data were made", "생성 방법"),
    "limits": _w("Where the limits come from", "임계값의 도출"),
    "limits_lead": _w(
        "Each simulated limit with its repeats: the marks are the repeats, the vertical line is the limit.",
        "모의실험 임계값과 반복 결과입니다. 짧은 눈금은 반복별 값, 세로선은 임계값입니다.",
    ),
    "quantile": _w("Quantile", "분위수"),
    "repeats": _w("Repeats", "반복 횟수"),
    "statements": _w("Statements of named persons", "담당자의 진술"),
    "reproduce": _w("Settings and environment", "설정과 환경"),
    "glossary": _w("Glossary", "용어"),
    "guide": _w("How to read this report", "이 보고서를 읽는 법"),
    "papers": _w("Papers in this dossier", "이 심의자료의 서류"),
    "units": _w("Units", "단위 수"),
    "rows": _w("Rows", "행 수"),
    "columns": _w("Columns", "열 수"),
    "fingerprint": _w("Fingerprint", "지문"),
    "data": _w("Data", "데이터"),
    "policy": _w("Policy", "적용 기준"),
    "policy_changed": _w("changed from the shipped policy", "배포된 기준을 수정함"),
    "policy_shipped": _w("as shipped", "배포된 그대로"),
    "created": _w("Created", "작성 일시"),
    "name": _w("Name", "이름"),
    "column": _w("Column", "항목"),
    "method": _w("Method", "방법"),
    "count": _w("Count", "건수"),
    "details": _w("Details", "내용"),
    "because": _w("Why", "이유"),
    "stage": _w("Stage", "단계"),
    "seconds": _w("Seconds", "초"),
    "by_person": _w("to be filled in by a person", "사람이 기재"),
    "seal_note": _w(
        "This file is sealed: seal.json holds a digest over every file here and over the synthetic data.",
        "이 파일은 봉인되어 있습니다. seal.json에 모든 파일과 합성데이터의 지문이 있습니다.",
    ),
}

DATA_NAMES: Mapping[str, Words] = {
    "source": _w("source", "원본"),
    "train": _w("learned from", "학습용 원본"),
    "holdout": _w("holdout (never learned from)", "검증용 원본(미학습)"),
    "synthetic": _w("synthetic", "합성데이터"),
}


def data_name(name: str) -> Words:
    """Return what a data set is called on the page: one of `DATA_NAMES`, or an earlier release by its number."""
    if name in DATA_NAMES:
        return DATA_NAMES[name]
    word, _, number = name.partition("_")
    return _w(f"earlier release {number}", f"이전 반출물 {number}") if word == "released" else _w(name, name)


STAGES: Mapping[str, Words] = {
    "read": _w("read", "읽기"),
    "split": _w("split", "분할"),
    "protect": _w("protect", "보호 조치"),
    "fit": _w("learn", "학습"),
    "sample": _w("draw", "생성"),
    "verify": _w("verify", "검증"),
    "report": _w("report", "보고서"),
}

UNITS: Mapping[str, str] = {
    "AUC": "AUC",
    "difference of MS-SSIM": "MS-SSIM 차이",
    "excess share of synthetic images": "우연을 넘는 합성 이미지 비율",
    "ratio of distances": "거리의 비",
    "share": "비율",
    "share of synthetic images": "합성 이미지 비율",
    "similarity": "유사도",
    "squared distance": "제곱거리",
    "SD of association differences": "연관성 차이의 표준편차",
    "agreement (1: the same)": "일치도(1은 동일)",
    "bits (0 to 1)": "비트(0–1)",
    "difference of rates": "비율(예측률) 차이",
    "difference of scores": "점수 차이",
    "difference of mean average precision": "평균 정밀도(mAP) 차이",
    "excess share; correlation (mean, maximum)": "초과 비율, 상관(평균·최댓값)",
    "difference of shares": "비율 차이",
    "difference of shares guessed right": "맞힌 비율의 차이",
    "distance (0 to 1)": "거리(0–1)",
    "effect size (0 to 1)": "효과크기(0–1)",
    "excess probability of a right answer": "정답 확률의 초과분",
    "excess share of original records": "대조군을 넘는 원본 레코드 비율",
    "excess share of persons linked": "대조군을 넘는 연결된 사람 비율",
    "excess share of queries": "대조군을 넘는 질의 비율",
    "excess share of synthetic records": "우연을 넘는 합성 레코드 비율",
    "mean probability": "평균 확률",
    "mean squared probability": "확률의 평균 제곱",
    "overlap (0 to 1)": "겹침(0–1)",
    "probability": "확률",
    "share (density: ratio)": "비율(density는 배수)",
    "share of cells": "셀 비율",
    "share of original records over the CAP limit": "CAP 한계를 넘는 원본 레코드 비율",
    "share of rows": "행 비율",
    "share of synthetic records": "합성 레코드 비율",
    "share of values": "값 비율",
    "yes (1) or no (0)": "예(1) 또는 아니오(0)",
}
"""Units of our own metrics in Korean; a third party's unit is shown as it is."""

PAPERS: tuple[tuple[str, Words], ...] = (
    ("report.pdf", _w("This report, for print", "이 보고서의 인쇄본")),
    ("dossier.json", _w("All numbers, for machines", "전체 측정 기록(기계 판독용)")),
    ("forms/1-1.html", _w("Form 1-1: plan of use", "서식 1-1 합성데이터 활용 계획서")),
    ("forms/1-2.html", _w("Form 1-2: basis of generation", "서식 1-2 합성데이터 생성 기초자료 명세서")),
    ("forms/1-3-source.html", _w("Form 1-3: source data", "서식 1-3 원본데이터 명세서")),
    ("forms/1-3-synthetic.html", _w("Form 1-3: synthetic data", "서식 1-3 합성데이터 명세서")),
    ("forms/1-4.html", _w("Form 1-4: treatment of each item", "서식 1-4 항목별 개인정보 처리계획")),
    ("forms/checklist.html", _w("Checklist of generation", "합성데이터 생성 체크리스트")),
    ("forms/self-review.html", _w("Self-review report on safety", "안전성 자체 검토 결과서")),
    ("cards/dataset-card.md", _w("Dataset card", "데이터 카드")),
    ("cards/model-card.md", _w("Model card", "모형 카드")),
    ("cards/croissant.json", _w("Croissant metadata", "Croissant 메타데이터")),
    ("policy.toml", _w("The policy that was applied", "적용한 기준 전문")),
    ("seal.json", _w("Seal", "봉인")),
)
