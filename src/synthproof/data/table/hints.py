"""What words say: tokens for "missing", and names that speak of ids, people, codes, grades and dates."""

from __future__ import annotations

import re
from collections.abc import Collection

MISSING = frozenset(
    [
        "",
        "NA",
        "N/A",
        "n/a",
        "NaN",
        "nan",
        "NAN",
        "NULL",
        "null",
        "Null",
        "<NA>",
        "#N/A",
        "#NULL!",
        "NaT",
        r"\N",
        "(null)",
    ]
    + ["?", "결측", "결측값", "결측치"]
)
"""Tokens that mean "missing" in every column."""

MISSING_BESIDE_NUMBERS = frozenset([".", "-", "--", "None", "none", "NONE", "na", "*", "없음", "미상", "0000-00-00"])
"""Tokens that mean "missing" only where all other cells are numbers, dates or yes and no."""

_ID = {
    "id",
    "ids",
    "uid",
    "uuid",
    "guid",
    "key",
    "pk",
    "no",
    "idx",
    "index",
    "seq",
    "serial",
    "rowid",
    "mrn",
    "ssn",
    "rrn",
}
_ID_FIRST = {"id", "uid", "uuid", "guid", "mrn", "ssn", "rrn"}
_ID_SURE = {"id", "ids", "uid", "uuid", "guid", "pk", "mrn", "ssn", "rrn"}
_ID_KO = ("번호", "아이디", "식별자", "식별번호", "순번", "연번", "일련번호", "등록번호", "키값")
_PERSON = {
    "patient",
    "person",
    "subject",
    "customer",
    "client",
    "member",
    "user",
    "participant",
    "student",
    "respondent",
}
_PERSON |= {"employee", "insured", "policyholder", "individual", "people", "donor", "victim", "applicant", "mrn"}
_PERSON_KO = (
    "환자",
    "고객",
    "회원",
    "개인",
    "수진자",
    "피험자",
    "대상자",
    "응답자",
    "학생",
    "직원",
    "사원",
    "가입자",
    "피보험자",
    "주민",
)
_PERSON_SHORT = {
    "pid",
    "ptid",
    "subjid",
    "usubjid",
    "custid",
    "memberid",
    "patientid",
    "userid",
    "customerid",
    "personid",
}
_COUNT = {
    "num",
    "number",
    "count",
    "cnt",
    "n",
    "numbers",
    "counts",
    "times",
    "qty",
    "quantity",
    "age",
    "year",
    "month",
    "day",
}
_COUNT |= {
    "days",
    "hour",
    "hours",
    "minute",
    "years",
    "months",
    "weeks",
    "visits",
    "children",
    "bedrooms",
    "bathrooms",
    "amount",
}
_COUNT_KO = (
    "횟수",
    "건수",
    "개수",
    "인원",
    "명수",
    "나이",
    "연령",
    "년도",
    "연도",
    "일수",
    "월수",
    "개월",
    "자녀수",
    "금액",
    "시간",
)
_CODE = {
    "code",
    "cd",
    "type",
    "class",
    "category",
    "cat",
    "grp",
    "group",
    "sex",
    "gender",
    "race",
    "marital",
    "marriage",
}
_CODE |= {
    "status",
    "region",
    "area",
    "state",
    "kind",
    "flag",
    "ethnicity",
    "occupation",
    "education",
    "site",
    "cluster",
    "dx",
}
_CODE |= {"zipcode", "zip", "postcode", "department", "ward"}
_CODE_KO = (
    "코드",
    "구분",
    "유형",
    "종류",
    "여부",
    "상태",
    "성별",
    "지역",
    "시도",
    "결혼",
    "혼인",
    "직업",
    "인종",
    "우편번호",
    "업종",
)
_RANK = {"grade", "level", "rank", "stage", "score", "scale", "rating", "condition", "severity", "class"}
_RANK_KO = ("등급", "단계", "수준", "척도", "점수", "급수")
_DATE = {
    "date",
    "dt",
    "ymd",
    "ym",
    "yyyymm",
    "yyyymmdd",
    "day",
    "dob",
    "birthdate",
    "birthday",
    "time",
    "datetime",
    "timestamp",
}
_DATE |= {"month", "period", "ts", "at"}
_DATE_KO = (
    "일자",
    "날짜",
    "년월",
    "연월",
    "일시",
    "시각",
    "생년월일",
    "기준일",
    "입원일",
    "퇴원일",
    "가입일",
    "등록일",
    "방문일",
)


def words_of(name: str) -> list[str]:
    """Return the lower-case words of a column name: ``patientId2`` → patient, id."""
    spaced = re.sub(r"([a-z])([A-Z])", r"\1 \2", name)
    return [w for w in re.split(r"[^a-z가-힣]+", spaced.lower()) if w]


def _speaks(name: str, words: Collection[str], hangul: Collection[str]) -> bool:
    return any(w in words for w in words_of(name)) or any(h in name for h in hangul)


def id_like(name: str) -> bool:
    """Return whether the name speaks of an identifier: an id word stands last (``patient_id``) or first (``id_number``)."""
    parts = words_of(name)
    if any(h in name for h in _ID_KO):
        return True
    return bool(parts) and (parts[-1] in _ID | _PERSON_SHORT or parts[0] in _ID_FIRST)


def surely_id(name: str) -> bool:
    """Return whether the name can mean nothing but an identifier (``index`` and ``no`` can)."""
    parts = words_of(name)
    return any(h in name for h in _ID_KO[1:]) or (bool(parts) and parts[-1] in _ID_SURE | _PERSON_SHORT)


def person_like(name: str) -> str:
    """Return the English word for the unit when the name speaks of a person's id, else an empty string."""
    parts = words_of(name)
    for short in _PERSON_SHORT:
        if short in parts:
            return "patient" if short in ("pid", "ptid", "patientid") else "person"
    if not id_like(name):
        return ""
    for w in parts:
        if w in _PERSON:
            return "patient" if w == "mrn" else w
    if "환자" in name or "수진자" in name:
        return "patient"
    if "고객" in name:
        return "customer"
    return "person" if any(h in name for h in _PERSON_KO) else ""


def count_like(name: str) -> bool:
    """Return whether the name speaks of a count, an age or a span of time."""
    return _speaks(name, _COUNT, _COUNT_KO) or name.endswith(("수", "년", "월"))


def code_like(name: str) -> bool:
    """Return whether the name speaks of a code or a class."""
    return _speaks(name, _CODE, _CODE_KO) or name.lower().endswith("cat")


def ends_in_code(name: str) -> bool:
    """Return whether the last word speaks of a code or a class, as in ``age_group``."""
    parts = words_of(name)
    return (bool(parts) and parts[-1] in _CODE) or name.lower().endswith("cat") or name.endswith(_CODE_KO)


def rank_like(name: str) -> bool:
    """Return whether the name speaks of a grade or a stage."""
    return _speaks(name, _RANK, _RANK_KO)


def date_like(name: str) -> bool:
    """Return whether the name speaks of a date or time."""
    return _speaks(name, _DATE, _DATE_KO) or name.endswith(("일", "월"))


__all__ = [
    "MISSING",
    "MISSING_BESIDE_NUMBERS",
    "code_like",
    "count_like",
    "date_like",
    "ends_in_code",
    "id_like",
    "person_like",
    "rank_like",
    "surely_id",
    "words_of",
]
