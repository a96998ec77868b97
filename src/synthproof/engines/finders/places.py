"""Full addresses: a grammar of province, district, road or lot and house number, and the usual English forms."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .gazetteer import SIDO_FULL, SIDO_SHORT
from .general import Candidate

_SIDO = "|".join(sorted((*SIDO_FULL, *SIDO_SHORT), key=len, reverse=True))
_NO_UNIT = (
    r"(?![0-9])(?!,[0-9])(?!\.[0-9])(?!\s?(?:분|시간|명|년|월|일|원|개|km|kg|%|차|회|위|호선|시|번째|억|만|천|조|"
    r"살|세|층|건|배|점|도|인|가지|편))"
)
_NUMBER = rf"(?:지하\s?)?[0-9]{{1,5}}(?:-[0-9]{{1,4}})?(?:번지)?{_NO_UNIT}"
_ROAD = rf"[가-힣][가-힣0-9·.]{{0,11}}(?:대로|로|길)\s?(?:[0-9]{{1,4}}(?:번|가|나|다|라)?길\s?)?{_NUMBER}"
_LOT = rf"[가-힣][가-힣0-9]{{0,6}}(?:동|리|가)\s(?:산\s?)?{_NUMBER}"
_HOUSE = (
    r"(?:,?\s?\([가-힣0-9]{1,7}(?:동|읍|면|가|리)(?:,\s?[가-힣A-Za-z0-9]{1,20})?\))?"
    r"(?:,?\s?[가-힣A-Za-z0-9]{1,14}(?:아파트|빌라|빌딩|오피스텔|타운|맨션|하이츠|주택|연립|타워|캐슬|마을|단지|팰리스|상가))?"
    r"(?:,?\s?(?:제)?[0-9A-Za-z가나다라]{1,4}동(?![가-힣]))?(?:,?\s?(?:지하\s?)?[0-9]{1,3}층)?(?:,?\s?(?:제)?[0-9]{1,5}호)?"
    r"(?:,?\s?\([가-힣0-9]{1,7}(?:동|읍|면|가|리)(?:,\s?[가-힣A-Za-z0-9]{1,20})?\))?"
)
_KOREAN = re.compile(
    rf"(?<![가-힣A-Za-z0-9])(?P<sido>(?:{_SIDO})\s?)?"
    r"(?P<city>(?:[가-힣]{1,5}(?:시|군|구)\s){0,2}(?:[가-힣]{1,3}(?:시|군|구))?\s?)"
    r"(?P<town>(?:[가-힣][가-힣0-9]{0,5}(?:읍|면|동|가)\s){0,2})"
    rf"(?P<rest>{_ROAD}|{_LOT}){_HOUSE}"
)
_CUE = re.compile(r"(?:대로|로|길|동|리|가)\s?(?:지하\s?|산\s?)?[0-9]")
_ADVERB = re.compile(r"(?:으로|므로)\s?[0-9]")
_STREET = re.compile(
    r"(?<![0-9A-Za-z.\-])[0-9]{1,5}[A-Z]?\s(?:(?:North|South|East|West|N|S|E|W)\.?\s)?(?:[A-Z][A-Za-z']{1,20}\s|[0-9]{1,3}(?:st|nd|rd|th)\s){1,3}"
    r"(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl|Way|Terrace|Highway|Hwy)\b\.?"
    r"(?:,?\s(?:Apt|Apartment|Unit|Suite|Ste|Rm|#)\.?\s?[A-Z0-9\-]{1,6})?"
    r"(?:,\s[A-Z][A-Za-z]{1,20}(?:\s[A-Z][A-Za-z]{1,20}){0,2})?(?:,\s[A-Z]{2}(?:\s[0-9]{5}(?:-[0-9]{4})?)?)?"
)
_ROMAN = re.compile(
    r"(?<![0-9A-Za-z])(?:#?[0-9]{1,5}-?[0-9]{0,5},\s)?[0-9]{1,5}(?:-[0-9]{1,4})?,?\s[A-Z][A-Za-z0-9]{1,25}(?:-daero|-ro|-gil)"
    r"(?:\s?[0-9]{1,4}(?:beon)?-gil)?(?:,?\s[A-Z][a-z]+-(?:dong|eup|myeon|gu|gun|si|do))*(?:,\s[A-Z][a-z]+){0,2}"
)


def address_candidates(text: str) -> Iterator[Candidate]:
    """Addresses down to the house number; a road and number without any place before it is weak evidence."""
    if _CUE.search(text):
        for found in _KOREAN.finditer(text):
            ranks = (found.group("sido") is not None) + bool(found.group("city").strip())
            detail = len(found.group()) > len(
                (found.group("sido") or "") + found.group("city") + found.group("town") + found.group("rest")
            )
            if not ranks and not detail and not found.group("town"):
                belief = 0.15
            else:
                belief = (0.4, 0.75, 0.92)[ranks] + (0.1 if detail else 0.0)
            start, end = found.span()
            if _ADVERB.search(found.group("rest")) or (text[end - 2].isspace() and text[end : end + 1] == "가"):
                continue  # "부진으로 40", and "안암동 5가", which is a district
            yield Candidate("address", start, end, min(belief, 0.97), ("gazetteer",) if ranks else ("shape",))
    for found in _STREET.finditer(text):
        yield Candidate("address", *found.span(), 0.75, ("shape",))
    if "-ro" in text or "-gil" in text or "-daero" in text:
        for found in _ROMAN.finditer(text):
            yield Candidate("address", *found.span(), 0.85, ("shape",))


_REGION = re.compile(rf"(?:{_SIDO})(?:\s[가-힣]{{1,5}}(?:시|군|구)){{0,2}}(?:\s[가-힣0-9]{{1,7}}(?:읍|면|동))?")


def is_region(text: str) -> bool:
    """Whether the whole text names a province, optionally down to a district or town, without a house number."""
    return len(text) <= 30 and _REGION.fullmatch(text) is not None
