"""Which columns to propose as K (quasi-identifiers) and T (sensitive): sector defaults by what a column holds.

The guide leaves the choice to the maker and gives worked examples by sector; the order here is ours, built from them.
A proposal is shown with its reasons, and whatever a person states in the purpose or schema goes before it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from synthproof.core.schema import Field, Purpose, Schema
from synthproof.core.words import Words

if TYPE_CHECKING:
    from synthproof.protection.scan import Scan

MOST_K = 5
"""Most K columns proposed: with more, hardly any record has a match and the linkage metric says nothing."""
MOST_T = 3

# What others can see or know of a person, most exposing first (GUIDE c.3: age, sex and region lead in every sector).
_K_ORDER: tuple[tuple[str, Words], ...] = (
    ("age", Words(en="age or year of birth", ko="나이·출생연도")),
    ("birth_date", Words(en="birth date", ko="생년월일")),
    ("sex", Words(en="sex", ko="성별")),
    ("region", Words(en="region of residence", ko="거주지역")),
    ("postcode", Words(en="postcode", ko="우편번호")),
    ("nationality", Words(en="nationality or country", ko="국적·출신국")),
    ("race", Words(en="race or ethnicity, visible to others", ko="인종·민족(외견상 식별 가능)")),
    ("marital_status", Words(en="marital status", ko="혼인상태")),
    ("occupation", Words(en="occupation", ko="직업")),
    ("education", Words(en="education", ko="학력")),
    ("event_date", Words(en="date of a visit or event", ko="방문·사건 일자")),
    ("department", Words(en="department or route of admission", ko="진료과·내원경로")),
    ("tariff", Words(en="tariff or membership grade", ko="요금제·등급")),
)
_T_ORDER: tuple[tuple[str, Words], ...] = (
    ("diagnosis", Words(en="diagnosis or disease", ko="진단·질병")),
    ("kcd_code", Words(en="diagnosis code", ko="질병분류코드")),
    ("belief", Words(en="belief", ko="사상·신념")),
    ("union_party", Words(en="union or party membership", ko="노동조합·정당")),
    ("criminal_record", Words(en="criminal record", ko="범죄경력")),
    ("sexual_life", Words(en="sexual life", ko="성생활")),
    ("biometric", Words(en="biometric or genetic data", ko="생체·유전정보")),
    ("income", Words(en="income or assets", ko="소득·자산")),
    ("outcome", Words(en="result or outcome", ko="결과")),
    ("credit", Words(en="credit standing", ko="신용상태")),
    ("drug", Words(en="drug or treatment", ko="약물·치료")),
    ("grade", Words(en="grade or welfare status", ko="성적·복지수급")),
)
_EDGE = r"(?:^|[_.\s\-(])"
_END = r"(?:$|[_.\s\-)0-9])"
# Names beyond those the finders know; read on the lower-cased name.
_NAMES: tuple[tuple[str, str], ...] = (
    ("age", rf"{_EDGE}(?:age|age_?(?:cat|group|band|class)|yob|birth_?year){_END}|나이|연령|출생(?:연도|년도)"),
    ("sex", rf"{_EDGE}(?:sex|gender){_END}|성별"),
    (
        "region",
        rf"{_EDGE}(?:region|city|province|district|sido|sigungu|state|county|site){_END}|지역|시도|시군구|거주지",
    ),
    ("nationality", rf"{_EDGE}(?:country|nationality|native_country){_END}|국적|출신국"),
    ("race", rf"{_EDGE}(?:race|ethnicity|ethnic){_END}|인종|민족"),
    ("marital_status", rf"{_EDGE}(?:marital|marriage|married){_END}|혼인|결혼"),
    ("occupation", rf"{_EDGE}(?:occupation|job|profession|workclass|industry){_END}|직업|직종|업종"),
    ("education", rf"{_EDGE}(?:education|edu|school|major|degree){_END}|학력|학교|전공|학년"),
    (
        "event_date",
        rf"{_EDGE}(?:date|visit_date|admission|discharge){_END}|(?:방문|내원|입원|퇴원|가입|접수|진료)(?:일|월|연월)",
    ),
    ("department", rf"{_EDGE}(?:department|dept|ward){_END}|진료과|병동|내원경로|입원경로"),
    ("tariff", rf"{_EDGE}(?:tariff|plan|membership|grade_level){_END}|요금제|회원등급|멤버십"),
    ("diagnosis", rf"{_EDGE}(?:diagnosis|disease|dx|dzgroup|dzclass|icd|cancer){_END}|진단|병명|질병|질환|상병"),
    ("income", rf"{_EDGE}(?:income|salary|wage|earnings|balance|limit_bal){_END}|소득|연봉|급여|재산|잔액"),
    ("credit", rf"{_EDGE}(?:credit|default|arrears|delinquen\w*|overdue|claim){_END}|신용|연체|체납"),
    ("outcome", rf"{_EDGE}(?:result|outcome|target|label|death|died|mortality|survival|event){_END}|결과|사망|생존"),
    ("drug", rf"{_EDGE}(?:drug|medication|treatment){_END}|약물|투약|처방|치료"),
    ("grade", rf"{_EDGE}(?:gpa|score|welfare){_END}|성적|기초생활|수급"),
)
# The age of a thing is no age of a person.
_THINGS = re.compile(r"veh|car_|house|building|machine|device|account|차량|건물|주택|설비|장비")
# Columns of one content: the first of them is proposed, the others are named as considered.
_SAME = {"birth_date": "age", "postcode": "region"}
_COMPILED = tuple((what, re.compile(pattern)) for what, pattern in _NAMES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """K and T columns with the reason for each.

    Parameters
    ----------
    quasi_identifiers, sensitive
        Column names, most exposing first.
    reasons
        Why, for each named column.
    considered
        Columns that also qualify but were left out, with the reason.
    """

    quasi_identifiers: tuple[str, ...]
    sensitive: tuple[str, ...]
    reasons: Mapping[str, Words] = field(default_factory=dict)
    considered: Mapping[str, Words] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "quasi_identifiers": list(self.quasi_identifiers),
            "sensitive": list(self.sensitive),
            "reasons": {name: words.to_dict() for name, words in self.reasons.items()},
            "considered": {name: words.to_dict() for name, words in self.considered.items()},
        }


def propose(scan: Scan, schema: Schema, purpose: Purpose) -> Proposal:
    """Return K and T: what a person stated first, else the defaults by what each column holds.

    Parameters
    ----------
    scan
        What the columns were found to hold.
    schema
        Fields with their roles; ``quasi_identifier`` and ``sensitive`` roles count as stated.
    purpose
        Its K and T go before everything; its targets serve as T where nothing sensitive is found.

    Notes
    -----
    At most `MOST_K` and `MOST_T` columns are proposed; the others that qualify stand in `considered`.
    """
    reasons: dict[str, Words] = {}
    considered: dict[str, Words] = {}
    t = _stated(purpose.sensitive, schema.with_role("sensitive"), reasons)
    if not t:
        t = _sensitive(scan, schema, purpose, reasons, considered)
    k = _stated(purpose.quasi_identifiers, schema.with_role("quasi_identifier"), reasons)
    if not k:
        k = _quasi(scan, schema, t, reasons, considered)
    return Proposal(quasi_identifiers=k, sensitive=t, reasons=reasons, considered=considered)


def _stated(by_purpose: tuple[str, ...], by_role: tuple[str, ...], reasons: dict[str, Words]) -> tuple[str, ...]:
    stated = by_purpose or by_role
    for name in stated:
        reasons[name] = (
            Words(en="Stated in the purpose.", ko="활용 목적에 지정됨")
            if by_purpose
            else Words(en="Stated in the schema.", ko="스키마에 지정됨")
        )
    return stated


def held_by(scan: Scan, f: Field) -> tuple[str, ...]:
    """Return what a column seems to hold, by the finders and by its name (ids of the K and T lists)."""
    found = [x.kind for x in scan.of(f.name).sure() if x.by != "text"]
    name = f.name.lower()
    found += [
        what for what, pattern in _COMPILED if pattern.search(name) and not (what == "age" and _THINGS.search(name))
    ]
    return tuple(dict.fromkeys(found))


def _usable(scan: Scan, schema: Schema) -> list[Field]:
    return [f for f in schema.modelled if scan.of(f.name).klass not in {"direct", "firm"}]


def _quasi(
    scan: Scan, schema: Schema, taken: tuple[str, ...], reasons: dict[str, Words], considered: dict[str, Words]
) -> tuple[str, ...]:
    ranks = {what: i for i, (what, _) in enumerate(_K_ORDER)}
    words = dict(_K_ORDER)
    sensitive = {what for what, _ in _T_ORDER}
    ranked: list[tuple[int, int, str, str]] = []
    for at, f in enumerate(_usable(scan, schema)):
        holds = [what for what in held_by(scan, f) if what in ranks]
        if f.name in taken or not holds or f.has("weight") or f.has("target"):
            continue
        if any(what in sensitive for what in held_by(scan, f)) and holds[0] not in {"age", "sex", "race"}:
            continue
        best = min(holds, key=ranks.__getitem__)
        ranked.append((ranks[best], at, f.name, best))
    chosen: list[str] = []
    used: set[str] = set()
    for _, _, name, what in sorted(ranked):
        content = _SAME.get(what, what)
        doubled = content in used
        if doubled or len(chosen) >= MOST_K:
            why_en = "another column of the same content leads" if doubled else f"no more than {MOST_K} are proposed"
            why_ko = "같은 내용의 다른 열이 우선함" if doubled else f"최대 {MOST_K}개까지만 제안함"
            considered[name] = Words(
                en=f"Also a quasi-identifier ({words[what].en}); left out: {why_en}.",
                ko=f"식별가능정보({words[what].ko})에도 해당하나 제외함: {why_ko}",
            )
            continue
        used.add(content)
        chosen.append(name)
        reasons[name] = Words(
            en=f"Quasi-identifier by sector default: {words[what].en}.",
            ko=f"분야별 기본값에 따른 식별가능정보: {words[what].ko}",
        )
    return tuple(chosen)


def _sensitive(
    scan: Scan, schema: Schema, purpose: Purpose, reasons: dict[str, Words], considered: dict[str, Words]
) -> tuple[str, ...]:
    ranks = {what: i for i, (what, _) in enumerate(_T_ORDER)}
    words = dict(_T_ORDER)
    targets = purpose.targets or schema.with_role("target")
    ranked: list[tuple[bool, int, int, str, str]] = []
    for at, f in enumerate(_usable(scan, schema)):
        holds = [what for what in held_by(scan, f) if what in ranks]
        if holds and not f.has("weight"):
            best = min(holds, key=ranks.__getitem__)
            ranked.append((f.name not in targets, ranks[best], at, f.name, best))
    chosen: list[str] = []
    for _, _, _, name, what in sorted(ranked):
        if len(chosen) >= MOST_T:
            considered[name] = Words(
                en=f"Also sensitive ({words[what].en}); left out: no more than {MOST_T} are proposed.",
                ko=f"민감 항목({words[what].ko})에도 해당하나 제외함: 최대 {MOST_T}개까지만 제안함",
            )
            continue
        chosen.append(name)
        reasons[name] = Words(
            en=f"Sensitive by sector default: {words[what].en}.", ko=f"분야별 기본값에 따른 민감 항목: {words[what].ko}"
        )
    if not chosen:
        for name in targets:
            if name in schema:
                chosen.append(name)
                reasons[name] = Words(
                    en="No sensitive column was found; the target column is what an outsider would want to learn.",
                    ko="민감 항목이 발견되지 않아, 외부자가 알아내려 할 목표 변수를 민감 항목으로 제안함",
                )
    return tuple(chosen)


__all__ = ["MOST_K", "MOST_T", "Proposal", "held_by", "propose"]
