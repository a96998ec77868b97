"""Candidates of Korean form: resident, foreigner, phone, licence, insurance, account, firm, plate and parcel numbers.

Shapes follow the design's guide, section c.2; check digits only move belief.  Pairs of kinds that share a shape (a
resident and a company number, an insurance card and a mobile without dashes) are both yielded: their beliefs, and what
stands around them, decide in `text.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .checks import birth_parts, business_check, company_check, digits_of, ean_check, frn_check, rrn_check
from .gazetteer import SIDO_CODES
from .general import LEFT, RIGHT, Candidate
from .wordlists import words

_SEP = r"(?:\s?[\-.~·]\s?|\s|)"
_RRN = re.compile(
    LEFT + r"([0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01]))(\s?[\-~]\s?|\s|)([0-9])([0-9]{6})" + RIGHT
)
_MASKED = re.compile(LEFT + r"[0-9]{6}(?:\s?-\s?|\s|)(?:[0-9][*xX●○•#]{6}|[*xX●○•#]{7})(?![*xX●○•#0-9])")
_COMPANY = re.compile(LEFT + r"[0-9]{6}(\s?-\s?|)[0-9]{7}" + RIGHT)
_LICENCE = re.compile(LEFT + r"(?:1[1-9]|2[0-68])([\- ]|)[0-9]{2}\1[0-9]{6}\1[0-9]{2}" + RIGHT)
_LICENCE_REGION = re.compile(
    r"(?:서울|부산|경기|강원|충북|충남|전북|전남|경북|경남|제주|대구|인천|광주|대전|울산|경기남부|경기북부)\s?-?\s?[0-9]{2}-[0-9]{6}-[0-9]{2}"
    + RIGHT
)
_PASSPORT = re.compile(
    r"(?<![A-Za-z0-9])(?:[MSRGDO](?:[0-9]{8}|[0-9]{3}[A-Z][0-9]{4})|P[MSRGDO][0-9]{7})(?![0-9A-Za-z])", re.IGNORECASE
)
_MOBILE = re.compile(
    r"(?<![0-9])(?<![0-9]\.)(?:(?:\+|00)?82" + _SEP + r"\(?0?\)?\s?|\(?0)1([016789])\)?"
    rf"({_SEP})[0-9]{{3,4}}({_SEP})[0-9]{{4}}(?![0-9])(?!\.[0-9])"
)
_LANDLINE = re.compile(
    r"(?<![0-9])(?<![0-9][.\-])(?:(?:\+|00)82[\- ]?\(?0?\)?|\(?0)"
    r"(?:2|3[1-3]|4[1-4]|5[1-5]|6[1-4]|70|80|50[0-9]?)\)?"
    rf"({_SEP})[0-9]{{3,4}}({_SEP})[0-9]{{4}}" + RIGHT
)
_SERVICE = re.compile(LEFT + r"1[568][0-9]{2}[\-. ]?[0-9]{4}" + RIGHT)
_LOCAL = re.compile(LEFT + r"[2-9][0-9]{2,3}[\-.][0-9]{4}" + RIGHT)
_NHIS = re.compile(LEFT + r"[1-9]-?[0-9]{10}" + RIGHT)
_ACCOUNT_GROUPS = words("3-2-6 3-3-6 3-6-5 3-6-3 4-2-7 4-3-6 6-2-6 3-2-4-3 3-2-5-1 3-2-6-1 3-6-2-3")
_ACCOUNT = re.compile(
    LEFT
    + "(?:"
    + "|".join("-".join(f"[0-9]{{{n}}}" for n in form.split("-")) for form in _ACCOUNT_GROUPS)
    + ")"
    + RIGHT
)
_ACCOUNT_LOOSE = re.compile(LEFT + r"[0-9]{2,6}(?:[\- ][0-9]{1,7}){1,4}" + RIGHT)
_ACCOUNT_PLAIN = re.compile(LEFT + r"[0-9]{10,16}" + RIGHT)
_BUSINESS = re.compile(LEFT + r"[0-9]{3}([\- ]|)[0-9]{2}\1[0-9]{5}" + RIGHT)
_PRIVATE = "가나다라마거너더러머버서어저고노도로모보소오조구누두루무부수우주"
_OTHER_PLATES = "바사아자배하허호육공해국합"
_UNITS = r"(?!\s?(?:억|만|천|원|년|월|개|명|건|세대|달러|호|회|쪽|페이지|km|kg|m|ml|%))"
_PLATE = re.compile(
    rf"(?<![0-9])(?<![0-9][.,\-])((?:서울|부산|대구|인천|광주|대전|울산|세종|경기|강원|충북|충남|전북|전남|경북|경남|제주)\s?)?"
    rf"(?(1)[0-9]{{1,3}}|[0-9]{{2,3}})(\s?)([{_PRIVATE}{_OTHER_PLATES}])(\s?)[0-9]{{4}}(?![0-9])(?![.,\-][0-9]){_UNITS}"
)
_DIPLOMAT = re.compile(r"(?:외교|영사|준외|준영|협정|대표)\s?[0-9]{3}-[0-9]{3}(?![0-9])")
_CUSTOMS = re.compile(r"(?<![A-Za-z0-9])[Pp][0-9]{12}(?![0-9A-Za-z])")
_POSTCODE = re.compile(LEFT + r"(?:(?:0[1-9]|[1-5][0-9]|6[0-3])[0-9]{3}|[1-7][0-9]{2}-[0-9]{3})" + RIGHT)
_US_ZIP = re.compile(LEFT + r"[0-9]{5}-[0-9]{4}" + RIGHT)
_BEFORE_PLACE = re.compile(
    r"(?<![0-9])((?:0[1-9]|[1-5][0-9]|6[0-3])[0-9]{3})(?=[)\]]?\s{1,2}"
    r"(?:서울|부산|대구|인천|광주|대전|울산|세종|경기|강원|충청|충북|충남|전라|전북|전남|경상|경북|경남|제주))"
)
_KCD = re.compile(r"(?<![A-Za-z0-9.\-])[A-TV-Z][0-9]{2}(?:\.[0-9]{1,2}|[0-9]{1,2})?(?![0-9A-Za-z%])(?!\.[0-9])")
_PNU = re.compile(LEFT + r"[0-9]{19}" + RIGHT)

_YEAR = "(?:18|19|20)[0-9]{2}"
_MONTH = "(?:1[0-2]|0?[1-9])"
_DAY = "(?:3[01]|[12][0-9]|0?[1-9])"
_MONTH_NAME = (
    "(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?"
    r"|Nov(?:ember)?|Dec(?:ember)?)\.?"
)
_DATE = re.compile(
    rf"(?<![0-9])(?<![0-9][.\-/])(?:{_YEAR}\s?[\-./]\s?{_MONTH}\s?[\-./]\s?{_DAY}\.?|{_YEAR}년\s?{_MONTH}월\s?{_DAY}일"
    rf"|[0-9]{{2}}\s?[\-./]\s?(?:1[0-2]|0[1-9])\s?[\-./]\s?(?:3[01]|[12][0-9]|0[1-9])"
    rf"|[0-9]{{2}}년\s?{_MONTH}월\s?{_DAY}일|{_YEAR}(?:1[0-2]|0[1-9])(?:3[01]|[12][0-9]|0[1-9])"
    rf"|[0-9]{{2}}(?:1[0-2]|0[1-9])(?:3[01]|[12][0-9]|0[1-9])|{_MONTH}/{_DAY}/{_YEAR}"
    rf"|{_MONTH_NAME}\s{_DAY}(?:st|nd|rd|th)?,?\s{_YEAR}|{_DAY}(?:st|nd|rd|th)?[\s\-]{_MONTH_NAME}[\s\-],?\s?{_YEAR})"
    r"(?![0-9])(?![\-/][0-9])",
    re.IGNORECASE,
)


def resident_candidates(text: str) -> Iterator[Candidate]:
    """Resident, foreigner and company numbers, which share the 6-7 shape."""
    for found in _RRN.finditer(text):
        digits = found.group(1) + found.group(3) + found.group(4)
        gap = found.group(2)
        kind = "frn" if digits[6] in "5678" else "rrn"
        belief = 0.78 if "-" in gap or "~" in gap else 0.6 if gap else 0.57
        passed = frn_check(digits) if kind == "frn" else rrn_check(digits)
        born = birth_parts(digits)
        year = born[0] if born else 0
        if passed:
            belief += 0.15
        elif year < 2020:
            belief -= 0.05  # numbers given before October 2020 did carry a check digit
        if digits[6] in "90":
            belief -= 0.35
        elif year < 1915:
            belief -= 0.2
        if not gap and digits.startswith("880") and ean_check(digits):
            belief -= 0.3
        yield Candidate(kind, *found.span(), belief, ("shape", "check-digit") if passed else ("shape",))
    for found in _MASKED.finditer(text):
        yield Candidate("rrn", *found.span(), 0.9, ("shape", "masked"))
    for found in _COMPANY.finditer(text):
        digits = digits_of(found.group())
        passed = company_check(digits)
        belief = 0.45 if found.group(1) else 0.1
        belief += 0.2 if passed else -0.05
        if birth_parts(digits) is None:
            belief += 0.1
        if digits[4:6] in ("11", "12", "13", "14", "21", "22", "31", "41", "71", "81"):
            belief += 0.03
        yield Candidate("company_no", *found.span(), belief, ("shape", "check-digit") if passed else ("shape",))


def phone_candidates(text: str) -> Iterator[Candidate]:
    """Mobile, landline and service numbers."""
    for found in _MOBILE.finditer(text):
        part = found.group()
        digits = digits_of(part)
        national = "0" + digits.removeprefix("00").removeprefix("82").lstrip("0") if "82" in digits[:4] else digits
        parted = found.group(2) != "" and found.group(3) != ""
        if national.startswith("010") and len(national) == 11:
            belief = 0.92
        elif national.startswith("010"):
            belief = 0.6 if parted else 0.3
        else:
            belief = 0.75 if parted else 0.5
        if re.match(r"82[0-9]", part):
            belief -= 0.5  # neither a plus nor a gap after the country code
        yield Candidate("mobile", _open(part, found.start()), found.end(), belief, ("shape",))
    for found in _LANDLINE.finditer(text):
        parted = found.group(1) != "" and found.group(2) != ""
        spaced = found.group(1).isspace() or found.group(2).isspace()
        belief = (0.6 if spaced else 0.72) if parted else (0.6 if found.group(2) and ")" in found.group() else 0.35)
        yield Candidate("landline", _open(found.group(), found.start()), found.end(), belief, ("shape",))
    for found in _SERVICE.finditer(text):
        yield Candidate("landline", *found.span(), 0.25, ("shape",))
    for found in _LOCAL.finditer(text):
        yield Candidate("landline", *found.span(), 0.12, ("shape",))


def _open(part: str, start: int) -> int:
    """Start of a number without a bracket that only opens ("(031-...)" but not "(031) ...")."""
    return start + 1 if part.startswith("(") and ")" not in part else start


def document_candidates(text: str) -> Iterator[Candidate]:
    """Passport, driver licence, insurance card and customs code."""
    for found in _PASSPORT.finditer(text):
        part = found.group()
        belief = 0.5 if part[1:].isdigit() else 0.7
        yield Candidate("passport", *found.span(), belief - (0.15 if part[0].islower() else 0.0), ("shape",))
    for found in _LICENCE.finditer(text):
        belief = {"-": 0.8, " ": 0.55, "": 0.2}[found.group(1)]
        yield Candidate("driver_licence", *found.span(), belief, ("shape",))
    for found in _LICENCE_REGION.finditer(text):
        yield Candidate("driver_licence", *found.span(), 0.85, ("shape",))
    for found in _NHIS.finditer(text):
        yield Candidate("nhis_card", *found.span(), 0.35 if "-" in found.group() else 0.2, ("shape",))
    for found in _CUSTOMS.finditer(text):
        yield Candidate("customs_code", *found.span(), 0.82, ("shape",))


def account_candidates(text: str) -> Iterator[Candidate]:
    """Bank accounts and business numbers."""
    for found in _ACCOUNT.finditer(text):
        looks_dated = found.group()[:2] in ("19", "20") and "01" <= found.group()[5:7] <= "12"
        yield Candidate("bank_account", *found.span(), 0.3 if looks_dated else 0.5, ("shape",))
    for found in _ACCOUNT_LOOSE.finditer(text):
        if 10 <= len(digits_of(found.group())) <= 16:
            yield Candidate("bank_account", *found.span(), 0.15, ("shape",))
    for found in _ACCOUNT_PLAIN.finditer(text):
        yield Candidate("bank_account", *found.span(), 0.2, ("shape",))
    for found in _BUSINESS.finditer(text):
        passed = business_check(digits_of(found.group()))
        parted = found.group(1) == "-"
        belief = (0.85 if passed else 0.6) if parted else (0.3 if passed else 0.1)
        yield Candidate("business_no", *found.span(), belief, ("shape", "check-digit") if passed else ("shape",))


def place_number_candidates(text: str) -> Iterator[Candidate]:
    """Vehicle plates, postcodes and parcel numbers."""
    for found in _PLATE.finditer(text):
        spaced = bool(found.group(2) or found.group(4))
        after_letter = found.group(4) != "" and found.group(2) == ""
        # "30주 2024": a unit and a year; the usual writing "12가 3456" is safer than "12 가 3456"
        risky = found.group(3) in "조주수호로도보고시해국" or "2020" <= digits_of(found.group())[-4:] <= "2035"
        belief = 0.85 if found.group(1) else 0.8
        if spaced and not found.group(1):
            belief = 0.35 if risky else (0.65 if after_letter else 0.5)
        yield Candidate("vehicle_plate", *found.span(), belief, ("shape",))
    for found in _DIPLOMAT.finditer(text):
        yield Candidate("vehicle_plate", *found.span(), 0.7, ("shape",))
    for found in _POSTCODE.finditer(text):
        yield Candidate("postcode", *found.span(), 0.1, ("shape",))
    for found in _US_ZIP.finditer(text):
        yield Candidate("postcode", *found.span(), 0.2, ("shape",))
    for found in _BEFORE_PLACE.finditer(text):
        yield Candidate("postcode", *found.span(1), 0.65, ("shape", "place-follows"))
    for found in _PNU.finditer(text):
        digits = found.group()
        belief = 0.7 if digits[:2] in SIDO_CODES else 0.3
        yield Candidate("pnu", *found.span(), belief + (0.1 if digits[10] in "12" else -0.1), ("shape",))


def medical_candidates(text: str) -> Iterator[Candidate]:
    """Diagnosis codes; a code without a decimal needs a label close before it."""
    for found in _KCD.finditer(text):
        yield Candidate("kcd_code", *found.span(), 0.3 if "." in found.group() else 0.1, ("shape",))


def date_candidates(text: str) -> Iterator[Candidate]:
    """Dates that may be birth dates; belief rises when 생 follows at once."""
    for found in _DATE.finditer(text):
        start, end = found.span()
        tail = text[end : end + 3].lstrip(" .")
        born = tail.startswith(("생", "출생", "태어")) and not tail.startswith(
            ("생산", "생성", "생방", "생활", "생존", "생기", "생긴")
        )
        if text[end - 1] == "." and not born:
            end -= 1
        yield Candidate("birth_date", start, end, 0.65 if born else 0.1, ("shape", "born") if born else ("shape",))
