"""Person names: Korean by surname, given-name syllables and the words around them; English by titles and labels.

A bare Korean name in running text is not told from other words by a list; it is offered with a belief below the
threshold unless a title, a label or the column says so.  The share of names found in news text is measured and kept in
``benchmarks/results/finders.json``; this module does not replace a reader.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .gazetteer import (
    AMBIGUOUS_LAST,
    COMMON_SURNAMES,
    DOUBLE_SURNAMES,
    ENGLISH_GIVEN,
    GIVEN_FIRST,
    GIVEN_LAST,
    GIVEN_SINGLE,
    NOT_NAMES,
    NOUN_STARTS,
    PARTICLES,
    SURNAMES,
    TELLING_FIRST,
    TELLING_LAST,
    TELLING_SURNAMES,
    TITLES_STRONG,
)
from .general import Candidate
from .wordlists import words

_WORD = re.compile(r"(?<![가-힣])[가-힣]{2,}")
_TAIL = "|".join(sorted(map(re.escape, PARTICLES), key=len, reverse=True))
_TITLE = "|".join(sorted(map(re.escape, TITLES_STRONG), key=len, reverse=True))
_AFTER = re.compile(rf"(?:(?P<title>{_TITLE})(?:들|분|님|께서|이)?)?(?:{_TAIL})?(?![가-힣])")
_NEAR_TITLE = re.compile(rf"\s(?:{_TITLE})(?:님|분)?(?:{_TAIL}|에)?(?![가-힣])")
_NEXT_TITLE = re.compile(rf"\s(?:[가-힣]{{1,6}}\s)?(?:{_TITLE})(?:님|분)?(?:{_TAIL}|에)?(?![가-힣])")
_AGE_AFTER = re.compile(
    r"\s?\((?:\d{1,3}(?:세|[,·)])|[남여모부녀자처]\)|\d{1,3}\)|배우자|남편|아내|아들|딸|본인|어머니|아버지)"
)
_LABEL = re.compile(
    r"(?:환자_?명|환자|환아|산모|성명|성함|이름|보호자|담당의사|담당의|주치의|집도의|교수|의사|간호사|고객명|고객|신청인|신청자|예금주|대표자|대표이사|대표|"
    r"원장|피보험자|계약자|수취인|수령인|받는\s?분|보내는\s?분|작성자|검사자|판독의|의뢰인|의뢰의|학생명|학생|담당자|직원|사원|팀장|과장|부장|배우|감독|"
    r"가수|선수|기자|대통령|총리|장관|의원|위원장|회장|사장|변호사|판사|피고인|피해자|가해자|친구|동료|남편|아내|아들|딸|동생|누나|오빠|언니|모친|부친|"
    r"연락인|참가자|대상자|사용자|이용자|회원명|회원|가입자|주인공|작가|PD|MC|故)"
    r"(?P<name>명|이름)?(?P<tail>은|는|이|가|인|의)?\s?(?P<mark>[\"']?\s?[:=(\[|]\s?[\"'(\[]?\s?)?$"
)
_ANIMATE = re.compile("에게|께서|한테|께")
_NOUN_ENDS = AMBIGUOUS_LAST | frozenset("교한적력용장관화학인소사부회원과점")
_LOOSE = (
    "교수",
    "의사",
    "대표",
    "학생",
    "친구",
    "동료",
    "남편",
    "아내",
    "아들",
    "딸",
    "동생",
    "누나",
    "오빠",
    "언니",
    "주인공",
    "배우",
    "가수",
)
_NAMING = ("성명", "성함", "이름", "예금주", "환자명", "환자_명")
_ENGLISH_TITLE = re.compile(
    r"\b(?:(?:Mr|Mrs|Ms|Dr|Prof)\b\.?|(?:Miss|Professor|Doctor|Nurse)\b)\s+"
    r"(?P<name>[A-Z][a-z]+(?:-[A-Z]?[a-z]+)?(?:\s[A-Z]\.?(?=\s))?(?:\s(?:Mc[A-Z][a-z]+|O'[A-Z][a-z]+|[A-Z][a-z]+)(?:-[A-Z]?[a-z]+)?){0,2})"
)
_PERSON = (
    r"[A-Z][a-z]+(?:-[A-Za-z][a-z]+)?(?:\s[A-Z]\.)?\s(?:Mc[A-Z][a-z]+|O'[A-Z][a-z]+|[A-Z][a-z]+)(?:-[A-Z]?[a-z]+)?"
)
_ENGLISH_LABEL = re.compile(
    r"\b(?i:patient(?:[\s_]?name)?|full[\s_]?name|customer(?:[\s_]?name)?|(?:my|his|her|your|first|last)?\s?name|signed(?:\sby)?|seen\sby|"
    r"contact|attending|physician|guardian|sincerely|이름|성명)\b[\"']?\s*(?:is|was|:|=|,|은|는)?\s*[\"']?(?P<name>"
    + _PERSON
    + r")\b"
)
_ENGLISH_BARE = re.compile(rf"(?<![A-Za-z]){_PERSON}(?![a-z])")
_ROMAN_SURNAMES = frozenset(
    words(
        "kim lee park choi jung jeong kang cho yoon jang lim seo shin kwon hwang ahn song ryu yoo hong yang "
        "bae baek heo nam shim noh kwak cha joo woo rhee moon"
    )
)
_NOT_ENGLISH = frozenset(
    words(
        """
    the this that when there they patient no yes he she it we you but and his her new general family social past
    medical hospital clinic emergency department doctor street january february march april may june july august
    september october november december monday tuesday wednesday thursday friday saturday sunday united states north
    south name date history physical room chart not has was is denies reports presents chief review thank my oh do so
    what did can could would god okay hello hi
    """
    )
)


def korean_name_at(word: str) -> int:
    """Length of the name that `word` begins with (0 when none); a surname and one or two given syllables."""
    if word[:2] in DOUBLE_SURNAMES and len(word) >= 4 and word[2] in GIVEN_FIRST and word[3] in GIVEN_LAST:
        return 4
    if word[:2] in DOUBLE_SURNAMES and len(word) >= 3 and word[2] in GIVEN_SINGLE:
        return 3
    if word[:1] not in SURNAMES:
        return 0
    if len(word) >= 3 and word[1] in GIVEN_FIRST and word[2] in GIVEN_LAST and word[:3] not in NOT_NAMES:
        return 3
    return 2 if len(word) >= 2 and word[1] in GIVEN_SINGLE else 0


def is_korean_name(word: str) -> bool:
    """Whether the whole of `word` could be a Korean name by its syllables."""
    size = len(word)
    if size == 2:
        return word[0] in COMMON_SURNAMES and word[1] in GIVEN_SINGLE
    return size in (3, 4) and korean_name_at(word) == size


def is_english_name(text: str) -> bool:
    """Whether the whole text looks like "Given Family" (or "Family, Given") with a frequent given name or surname."""
    words = [word.strip(".").lower() for word in re.split(r"[\s,]+", text) if word]
    if not 1 < len(words) <= 4 or not all(re.fullmatch(r"[a-z][a-z'\-]*", word) for word in words):
        return False
    return any(word in ENGLISH_GIVEN for word in words) or bool(
        {words[0], words[-1]} & _ROMAN_SURNAMES and len(words) <= 3
    )


def korean_name_candidates(text: str, *, hinted: bool = False) -> Iterator[Candidate]:
    """Korean names with the belief that label, title and syllables give.

    Parameters
    ----------
    text
        Normal form.
    hinted
        Whether the column's name says that names stand here.
    """
    for found in _WORD.finditer(text):
        word = found.group()
        if word[0] not in SURNAMES:
            continue
        first = korean_name_at(word)
        if not first:
            continue
        best: Candidate | None = None
        for size in {first, 2} if first == 3 and word[1] in GIVEN_SINGLE else {first}:
            offer = _weigh(text, found.start(), word, size, hinted)
            if offer and (best is None or offer.belief > best.belief):
                best = offer
        if best:
            yield best


def _weigh(text: str, start: int, word: str, size: int, hinted: bool) -> Candidate | None:
    if word[:size] in NOT_NAMES:
        return None
    end = start + size
    after = _AFTER.match(text, end)
    if after is None:
        return None
    evidence = ["syllables"]
    belief = (0.0, 0.0, 0.14, 0.28, 0.42)[size] + (0.04 if word[0] in COMMON_SURNAMES else -0.03)
    boost = 0.0
    if _titled(text, end, size, after):
        boost += 0.35 if size > 2 else 0.4
        evidence.append("title")
    elif _AGE_AFTER.match(text, end):
        boost += 0.3
        evidence.append("age-follows")
    by_label = _label_boost(text, start, end, size)
    if by_label is not None:
        boost += by_label
        evidence.append("context")
    if hinted:
        boost += 0.45
        evidence.append("column-name")
    if size == 3 and word[0] in TELLING_SURNAMES and word[1] in TELLING_FIRST and word[2] in TELLING_LAST:
        evidence.append("telling-syllables")
        belief += 0.2 if word[:2] not in NOUN_STARTS else -0.3 if boost < 0.3 else 0.0
    elif word[:2] in NOUN_STARTS:
        # a noun with its particle, unless the place is made for a name and the ending is none of a noun's
        belief -= 0.15 if boost >= 0.34 and size == 3 and word[2] not in _NOUN_ENDS else 0.35
    elif size == 3 and word[2] in AMBIGUOUS_LAST and len(word) == 3:
        belief -= 0.08
    return Candidate("person_name", start, end, min(belief + boost, 0.97), tuple(evidence))


def _titled(text: str, end: int, size: int, after: re.Match[str]) -> bool:
    if size == 2 and after.group("title") in ("군", "양", "이병", "신부"):
        return False  # 고성군, 밀양: districts and nouns
    if after.group("title") is not None:
        return True
    if after.end() != end:
        return False
    # "김민수 내과 과장": a word between name and title is allowed only where the name ends like a name
    rule = _NEXT_TITLE if size > 2 and text[end - 1] not in _NOUN_ENDS else _NEAR_TITLE
    return rule.match(text, end) is not None or text[end : end + 2] == " 前"


def _label_boost(text: str, start: int, end: int, size: int) -> float | None:
    """What a label before the name adds: most after a naming word or a colon, little after 친구 or 배우."""
    label = _LABEL.search(text[max(0, start - 14) : start])
    if label is None:
        return None
    told = label.group("mark") is not None or label.group("name") is not None
    told = told or label.group().startswith(_NAMING) or label.group()[:3].endswith("명")
    loose = label.group().startswith(_LOOSE)
    if told:
        boost = 0.45
    elif size == 2:
        boost = 0.2
    elif label.group("tail"):
        boost = 0.0 if loose else 0.2
    else:
        boost = 0.25 if loose else 0.4
    return boost + (0.2 if _ANIMATE.match(text, end) else 0.0)


def english_name_candidates(text: str, *, hinted: bool = False) -> Iterator[Candidate]:
    """English and romanised names after titles and labels, or with a frequent given name."""
    for found in _ENGLISH_TITLE.finditer(text):
        if found.group("name").split()[0].lower() not in _NOT_ENGLISH:
            start, end = found.span("name")
            yield Candidate("person_name", start, _drop_plain(text, start, end), 0.85, ("title",))
    for found in _ENGLISH_LABEL.finditer(text):
        words = found.group("name").lower().split()
        if words[0] not in _NOT_ENGLISH and words[-1] not in _NOT_ENGLISH:
            known = words[0] in ENGLISH_GIVEN or words[-1] in _ROMAN_SURNAMES or words[0] in _ROMAN_SURNAMES
            told = ":" in found.group()[: found.start("name") - found.start()] or "is" in found.group().split()
            yield Candidate("person_name", *found.span("name"), 0.85 if known else 0.65 if told else 0.55, ("context",))
    for found in _ENGLISH_BARE.finditer(text):
        words = found.group().lower().split()
        if words[-1] in _NOT_ENGLISH:
            continue
        known = words[0] in ENGLISH_GIVEN
        roman = (words[0] in _ROMAN_SURNAMES or words[-1] in _ROMAN_SURNAMES) and "-" in found.group()
        belief = 0.55 if roman else 0.42 if known else 0.0
        if hinted:
            belief = max(belief, 0.15) + 0.45
        if belief:
            yield Candidate("person_name", *found.span(), belief, ("given-name",))


def _drop_plain(text: str, start: int, end: int) -> int:
    """Cut words that are no names from the end of a titled name ("Dr. Park Clinic")."""
    words = text[start:end].split()
    while len(words) > 1 and words[-1].lower() in _NOT_ENGLISH:
        end -= len(words.pop()) + 1
    return end
