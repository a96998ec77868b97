"""What each entry of a purpose file means, in a line: for ``synthproof config``."""

from __future__ import annotations

from collections.abc import Mapping

from synthproof.core.words import Words

PURPOSE_HELP: Mapping[str, Words] = {
    "use": Words(
        en="ai_training | analysis | software_test | education",
        ko="활용 목적: ai_training(AI 학습) | analysis(분석) | software_test(시험) | education(교육)",
    ),
    "environment": Words(
        en="open | semi_open | closed", ko="활용 환경: open(완전 개방) | semi_open(부분 개방) | closed(폐쇄)"
    ),
    "form": Words(
        en="publication | unspecified_third_party | third_party | other_department | internal",
        ko="활용 형태 ①–⑤: publication | unspecified_third_party | third_party | other_department | internal",
    ),
    "quasi_identifiers": Words(en="K columns; proposed from names when empty", ko="K(준식별자) 열. 비우면 제안"),
    "sensitive": Words(en="T columns; proposed from names when empty", ko="T(민감) 열. 비우면 이름으로 제안"),
    "targets": Words(en="Columns that a later task predicts", ko="예측 대상 열"),
    "survival": Words(
        en='Survival targets as "time ~ event"; proposed from names when empty',
        ko='생존 분석 대상("시간 열 ~ 사건 열"). 비우면 이름으로 제안',
    ),
    "population": Words(en="Persons in the source's population; 0: not known", ko="원본 모집단의 인원수. 0: 모름"),
    "title": Words(
        en="Free texts for the guide's forms; a machine never invents them",
        ko="이하 안내서 서식에 들어갈 내용(기계가 지어내지 않음)",
    ),
    "resident_number_basis": Words(
        en="Statutory basis for processing resident numbers (PIPA art. 24-2); without it a run that meets one stops",
        ko="주민등록번호 처리의 법령 근거(개인정보 보호법 제24조의2). 없으면 발견 즉시 중단",
    ),
}
