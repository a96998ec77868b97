"""The reasons of an inferred schema in Korean; the schema and its file keep them in English."""

from __future__ import annotations

import re

_KINDS = {"patient": "환자", "person": "개인", "customer": "고객", "user": "사용자", "student": "학생"}
_N = r"(\d+)"
_PARTS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), korean)
    for pattern, korean in (
        (rf"all {_N} cells are missing", r"셀 \1개가 모두 결측"),
        (rf"{_N} of {_N} cells are missing", r"셀 \2개 중 \1개 결측"),
        (rf"{_N} of {_N} cells are numbers and {_N} are not", r"셀 \2개 중 숫자 \1개, 숫자가 아닌 값 \3개"),
        (
            rf"all {_N} distinct values are dates or times written as (.+)",
            r"서로 다른 값 \1개가 모두 \2 형식의 날짜·시각",
        ),
        (r"day and month could stand the other way round, check it", r"일과 월의 순서가 반대일 수 있으므로 확인 필요"),
        (
            rf"{_N} distinct whole numbers need more than 64 bits, so they are kept as text",
            r"64비트를 넘는 정수 \1종이 있어 문자열로 보존",
        ),
        (
            rf"all {_N} distinct values are numbers, some with a fraction",
            r"서로 다른 값 \1개가 모두 숫자이며 일부는 소수",
        ),
        (
            rf"{_N} of {_N} looked at are written in another form than the rest and come back in one",
            r"살펴본 값 \2개 중 \1개는 표기가 달라 하나의 표기로 통일하여 기록",
        ),
        (rf"whole numbers padded to {_N} digits", r"\1자리로 앞을 0으로 채운 정수"),
        (r"the name speaks of a number", r"열 이름이 수량을 가리킴"),
        (
            rf"{_N} distinct digit strings with leading zeros in {_N} rows",
            r"행 \2개 중 0으로 시작하는 숫자 문자열 \1종",
        ),
        (
            rf"{_N} distinct digit strings with leading zeros of several lengths",
            r"길이가 여러 가지이고 0으로 시작하는 숫자 문자열 \1종",
        ),
        (rf"{_N} distinct codes with leading zeros", r"0으로 시작하는 코드 \1종"),
        (
            rf"{_N} distinct codes of {_N} digits are too many for categories \(limit {_N}\)",
            r"\2자리 코드 \1종은 범주로 다루기에 너무 많음(한도 \3)",
        ),
        (
            r"kept as numbers and written back with their leading zeros",
            r"숫자로 다루고 기록할 때 앞의 0을 되살림",
        ),
        (r"two distinct values, a known yes and no", r"서로 다른 값 2개가 알려진 예/아니오 표기"),
        (rf"{_N} distinct values in {_N} rows, all of one shape", r"행 \2개 중 서로 다른 값 \1개, 모두 같은 형식"),
        (
            rf"{_N} distinct values in {_N} rows, at most {_N} are taken as categories",
            r"행 \2개 중 서로 다른 값 \1개(\3개까지 범주로 봄)",
        ),
        (
            rf"{_N} distinct values in {_N} rows, {_N} characters on average, with spaces",
            r"행 \2개 중 서로 다른 값 \1개, 평균 \3자이며 띄어쓰기가 있음",
        ),
        (
            rf"{_N} distinct values in {_N} rows are too many for categories \(limit {_N}\) and follow no pattern",
            r"행 \2개 중 서로 다른 값 \1개로 범주로 다루기에 너무 많고(한도 \3) 일정한 형식이 없음",
        ),
        (rf"{_N} distinct values in {_N} rows", r"행 \2개 중 서로 다른 값 \1개"),
        (rf"{_N} distinct values", r"서로 다른 값 \1개"),
        (r"all levels are words of one known scale", r"모든 범주가 알려진 척도의 단어"),
        (
            r"all levels are bands or grades with a number to order them by",
            r"모든 범주가 숫자로 순서를 정할 수 있는 구간이나 등급",
        ),
        (r"the name speaks of an id", r"열 이름이 식별 번호를 가리킴"),
        (
            rf"{_N} distinct whole numbers in {_N} rows and the name speaks of an id",
            r"행 \2개 중 서로 다른 정수 \1개이며 열 이름이 식별 번호를 가리킴",
        ),
        (rf"{_N} distinct whole numbers in {_N} rows", r"행 \2개 중 서로 다른 정수 \1개"),
        (
            rf"{_N} whole numbers, each one more than the row before: row numbers",
            r"정수 \1개가 행마다 1씩 늘어나는 행 번호",
        ),
        (r"only 0 and 1 occur: a flag, written back as 0 and 1", r"0과 1만 있는 표시 항목이며 0과 1로 기록"),
        (rf"whole numbers, {_N} distinct in {_N} rows", r"정수, 행 \2개 중 서로 다른 값 \1개"),
        (
            r"two distinct whole numbers: nothing is lost by taking them as categories",
            r"서로 다른 정수 2개이므로 범주로 보아도 잃는 정보가 없음",
        ),
        (
            rf"{_N} distinct whole numbers and the name speaks of a code",
            r"서로 다른 정수 \1개이며 열 이름이 코드를 가리킴",
        ),
        (
            rf"{_N} distinct whole numbers and the name speaks of a grade",
            r"서로 다른 정수 \1개이며 열 이름이 등급을 가리킴",
        ),
        (
            rf"{_N} distinct whole numbers with uneven gaps between common ones: codes",
            r"서로 다른 정수 \1개의 간격이 고르지 않아 코드로 봄",
        ),
        (
            rf"numbers with a fraction, {_N} distinct \(stored as (.+)\)",
            r"소수가 있는 숫자, 서로 다른 값 \1개(저장 형식 \2)",
        ),
        (rf"the source's type is a list of {_N} ordered categories", r"원본의 형식이 순서 있는 범주 \1개"),
        (rf"the source's type is a list of {_N} categories", r"원본의 형식이 범주 \1개"),
        (
            r"the source's type is (.+) and some values exceed signed 64 bits, so they are kept as text",
            r"원본의 형식이 \1이며 부호 있는 64비트를 넘는 값이 있어 문자열로 보존",
        ),
        (r"the source's type is (.+)", r"원본의 형식이 \1"),
        (r"SDV metadata: sdtype (.+), personal data", r"SDV 메타데이터의 sdtype \1(개인정보)"),
        (r"SDV metadata: sdtype (.+)", r"SDV 메타데이터의 sdtype \1"),
    )
)
_PERSON = re.compile(r"the name speaks of a (\w+)")
_UNIT = re.compile(r"repeats, so it is taken as the unit \((\w+)\) that rows belong to")
_STORED = re.compile(r"(.+) \(stored as ([^()]+)\)")


def in_korean(reason: str) -> str:
    """Return the reason of a field in Korean; a part that is not ours (a user's own note) stays as it is."""
    return "; ".join(_part(part) for part in reason.split("; "))


def _part(part: str) -> str:
    for pattern, korean in _PARTS:
        if found := pattern.fullmatch(part):
            return found.expand(korean)
    if found := _PERSON.fullmatch(part):
        return f"열 이름이 {_KINDS.get(found[1], found[1])} 번호를 가리킴"
    if found := _UNIT.fullmatch(part):
        return f"값이 반복되므로 행이 속한 단위({_KINDS.get(found[1], found[1])})로 봄"
    if found := _STORED.fullmatch(part):
        return f"{_part(found[1])}(저장 형식 {found[2]})"
    return part
