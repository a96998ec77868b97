"""What words say: tokens for "missing", yes and no, scales in order, and names that speak of ids, people, codes, dates."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

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

TRUE_FALSE: tuple[tuple[str, str], ...] = (
    ("true", "false"),
    ("yes", "no"),
    ("y", "n"),
    ("t", "f"),
    ("예", "아니오"),
    ("예", "아니요"),
    ("네", "아니오"),
    ("네", "아니요"),
    ("참", "거짓"),
    ("유", "무"),
    ("있음", "없음"),
    ("o", "x"),
)

SCALES: tuple[tuple[str, ...], ...] = (
    ("하", "중하", "중", "중상", "상"),
    ("초", "중", "고", "대", "대학원"),
    ("무학", "초졸", "중졸", "고졸", "전문대졸", "대졸", "대학원졸"),
    ("무학", "초등학교", "중학교", "고등학교", "전문대", "대학교", "대학원"),
    ("매우 낮음", "낮음", "보통", "높음", "매우 높음"),
    ("매우낮음", "낮음", "보통", "높음", "매우높음"),
    ("매우 나쁨", "나쁨", "보통", "좋음", "매우 좋음"),
    ("매우나쁨", "나쁨", "보통", "좋음", "매우좋음"),
    ("매우 불만족", "불만족", "보통", "만족", "매우 만족"),
    ("매우불만족", "불만족", "보통", "만족", "매우만족"),
    ("전혀 그렇지 않다", "그렇지 않다", "보통이다", "그렇다", "매우 그렇다"),
    ("정상", "경증", "중등도", "중등증", "중증", "최중증"),
    ("경도", "중등도", "고도"),
    ("소", "중", "대"),
    ("소형", "중형", "대형"),
    ("없음", "약함", "보통", "강함"),
    ("none", "very low", "low", "medium", "high", "very high"),
    ("none", "low", "moderate", "high"),
    ("low", "mid", "high"),
    ("low", "middle", "high"),
    ("low", "normal", "high"),
    ("lowest", "low", "medium", "high", "highest"),
    ("xs", "s", "m", "l", "xl", "xxl", "xxxl"),
    ("very small", "small", "medium", "large", "very large"),
    ("very poor", "poor", "fair", "good", "very good", "excellent"),
    ("very bad", "bad", "average", "good", "very good"),
    ("never", "rarely", "seldom", "sometimes", "often", "usually", "always"),
    ("none", "minimal", "mild", "moderate", "severe", "very severe", "critical"),
    ("strongly disagree", "disagree", "neutral", "agree", "strongly agree"),
    ("very dissatisfied", "dissatisfied", "neutral", "satisfied", "very satisfied"),
    ("stage 0", "stage i", "stage ii", "stage iii", "stage iv"),
    ("beginner", "intermediate", "advanced", "expert"),
    ("bronze", "silver", "gold", "platinum", "diamond"),
)

_BAND = re.compile(
    r"^\s*[\[(<>≤≥]*=?\s*[$₩]?(?P<low>\d+(?:[.,]\d+)*)\s*(?P<tail>k|세|대|등급|급|기|단계|kg|cm|만원|원|%|점|년|개월|회)?"
    r"\s*(?:(?:[-~–∼]|to)\s*[$₩]?(?P<high>\d+(?:[.,]\d+)*)?\s*(?:k|세|대|만원|원|%|점|년|개월|회)?)?"
    r"\s*(?P<word>\+|이상|미만|이하|초과|and over|or more|under)?\s*[\])]?$"
)
_LOWER_FIRST = {"미만": -1, "이하": -1, "under": -1, "초과": 1, "이상": 1, "+": 1}

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


def yes_no(levels: Sequence[str]) -> tuple[str, str] | None:
    """Return (text of true, text of false) when the one or two levels are a known yes and no."""
    folded = {v.strip().casefold(): v for v in levels}
    if len(folded) != 2 or len(levels) != 2:
        return None
    for true, false in TRUE_FALSE:
        if set(folded) == {true, false}:
            return folded[true], folded[false]
    return None


def in_order(levels: Sequence[str]) -> tuple[tuple[str, ...], str] | None:
    """Return the levels from lowest to highest, and why, when they lie on a known scale."""
    folded = {re.sub(r"\s+", " ", v.strip().casefold().replace("_", " ")): v for v in levels}
    if len(levels) < 2 or len(folded) != len(levels):
        return None
    for scale in SCALES:
        if set(folded) <= set(scale) and not set(folded) <= {"none", "없음"}:
            return tuple(folded[s] for s in scale if s in folded), "all levels are words of one known scale"
    return _bands(levels)


def _bands(levels: Sequence[str]) -> tuple[tuple[str, ...], str] | None:
    if len(levels) < 3 or all(re.fullmatch(r"[\d.,\s]+", v) for v in levels):
        return None
    keys = []
    for v in levels:
        found = _BAND.match(v.strip())
        if found is None:
            return None
        low = float(found.group("low").replace(",", ""))
        side = _LOWER_FIRST.get(found.group("word") or "", 0)
        side = -1 if re.match(r"^\s*[<≤]", v) else 1 if re.match(r"^\s*[>≥]", v) else side
        keys.append((low, side))
    if len(set(keys)) < len(keys):
        return None
    ordered = tuple(v for _, v in sorted(zip(keys, levels, strict=True)))
    return ordered, "all levels are bands or grades with a number to order them by"


__all__ = [
    "MISSING",
    "MISSING_BESIDE_NUMBERS",
    "code_like",
    "count_like",
    "date_like",
    "ends_in_code",
    "id_like",
    "in_order",
    "person_like",
    "rank_like",
    "surely_id",
    "words_of",
    "yes_no",
]
