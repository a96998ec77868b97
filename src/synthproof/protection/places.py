"""The ladder of a Korean address: full address → 읍면동 → 시군구 → 시도."""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

Rung: TypeAlias = Literal["sido", "sigungu", "eupmyeondong"]
RUNGS: tuple[Rung, ...] = ("sido", "sigungu", "eupmyeondong")

_SIDO = {
    "서울": "서울특별시", "부산": "부산광역시", "대구": "대구광역시", "인천": "인천광역시", "광주": "광주광역시",
    "대전": "대전광역시", "울산": "울산광역시", "세종": "세종특별자치시", "경기": "경기도", "강원": "강원특별자치도",
    "충북": "충청북도", "충남": "충청남도", "전북": "전북특별자치도", "전남": "전라남도", "경북": "경상북도",
    "경남": "경상남도", "제주": "제주특별자치도",
}  # fmt: skip
_OLD = {
    "강원도": "강원특별자치도",
    "전라북도": "전북특별자치도",
    "제주도": "제주특별자치도",
    "세종시": "세종특별자치시",
}
_METRO = re.compile("서울|부산|대구|인천|광주|대전|울산")
_SIGUNGU = re.compile(r"[가-힣]{1,5}[시군구]")
_DONG = re.compile(r"[가-힣]{1,6}[0-9]*(?:읍|면|동|가|로[0-9]+가)|[가-힣]{1,5}리")
_IN_BRACKETS = re.compile(r"\(([가-힣]{1,6}[0-9]*(?:동|가))\s*(?:[,)]|$)")


def rung(address: str, to: Rung) -> str | None:
    """Return the part of an address down to one rung of the ladder, or ``None`` when it does not say so much.

    Parameters
    ----------
    address
        An address in the official order; short names of provinces (``서울``, ``경기``) are read as full ones.
    to
        ``sido``, ``sigungu`` or ``eupmyeondong``. An address that ends above that rung gives what it has.

    Notes
    -----
    It reads the grammar of addresses and holds no list of districts: a misspelt district passes as it is written.
    """
    words = address.replace(",", " ").split()
    if not words:
        return None
    sido = _province(words[0])
    if sido is None:
        return None
    parts = [sido]
    at = 1
    if to != "sido":
        while at < len(words) and len(parts) < 3 and _SIGUNGU.fullmatch(words[at]):
            parts.append(words[at])
            at += 1
    if to == "eupmyeondong":
        inside = _IN_BRACKETS.search(address)
        if at < len(words) and _DONG.fullmatch(words[at]):
            parts.append(words[at])
        elif inside:
            parts.append(inside.group(1))
    return " ".join(parts)


def _province(word: str) -> str | None:
    if word in _SIDO.values():
        return word
    if word in _OLD:
        return _OLD[word]
    short = word.removesuffix("시") if _METRO.match(word) else word
    return _SIDO.get(short)
