"""The kinds of identifiers the finders know, and the two records they answer with.

A kind says what a thing *is in law*: a direct identifier (식별정보), a quasi-identifier (식별가능정보), a number of a
firm rather than of a person, or sensitive content (민감정보).  The records never hold the text that was found, only
where it stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

IdentifierClass = Literal["direct", "quasi", "firm", "sensitive"]
Basis = Literal["name", "value", "text"]


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentifierKind:
    """One kind of identifier.

    Attributes
    ----------
    id
        Stable name used everywhere, for instance ``"rrn"``.
    ko, en
        What a person reads.
    klass
        ``direct``, ``quasi``, ``firm`` (of a company, personal only for sole traders) or ``sensitive``.
    unique_number
        Whether it is a 고유식별정보 of PIPA 24 (resident, foreigner, passport and driver licence numbers).
    in_text
        Whether `find_in_text` looks for it; the others are known by a column's name or its values only.
    """

    id: str
    ko: str
    en: str
    klass: IdentifierClass
    unique_number: bool = False
    in_text: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """One identifier inside a text, by position only.

    Attributes
    ----------
    kind
        A key of `KINDS`.
    start, end
        Half-open span in characters of the text *as it was passed*.
    confidence
        Degree of belief in [0, 1]; not a calibrated probability.
    evidence
        Short stable words for what spoke for it, such as ``"shape"``, ``"check-digit"`` or ``"context"``.
    """

    kind: str
    start: int
    end: int
    confidence: float
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnFinding:
    """One kind of identifier in a column.

    Attributes
    ----------
    kind
        A key of `KINDS`.
    share
        Share of the examined cells that hold it, in [0, 1]; 0 when only the column's name speaks for it.
    n
        Number of non-empty cells examined (equal values counted as often as they stand).
    by
        ``"value"``: the cell is the identifier; ``"text"``: it stands inside longer text; ``"name"``: the column's
        name alone says so.
    confidence
        Degree of belief in [0, 1].
    reason_en, reason_ko
        One sentence for a person; names, shares and counts only.
    """

    kind: str
    share: float
    n: int
    by: Basis
    confidence: float
    reason_en: str
    reason_ko: str


def _kind(
    name: str, ko: str, en: str, klass: IdentifierClass = "direct", *, law: bool = False, text: bool = True
) -> IdentifierKind:
    return IdentifierKind(id=name, ko=ko, en=en, klass=klass, unique_number=law, in_text=text)


_ALL = (
    _kind("rrn", "주민등록번호", "Resident registration number", law=True),
    _kind("frn", "외국인등록번호", "Foreigner registration number", law=True),
    _kind("passport", "여권번호", "Passport number", law=True),
    _kind("driver_licence", "운전면허번호", "Driver licence number", law=True),
    _kind("mobile", "휴대전화번호", "Mobile phone number"),
    _kind("landline", "유선전화번호", "Landline phone number"),
    _kind("email", "전자우편주소", "E-mail address"),
    _kind("url", "인터넷 주소(URL)", "Web address (URL)"),
    _kind("nhis_card", "건강보험증번호", "Health insurance card number"),
    _kind("bank_account", "계좌번호", "Bank account number"),
    _kind("payment_card", "카드번호", "Payment card number"),
    _kind("business_no", "사업자등록번호", "Business registration number", "firm"),
    _kind("company_no", "법인등록번호", "Company registration number", "firm"),
    _kind("vehicle_plate", "차량번호", "Vehicle plate"),
    _kind("customs_code", "개인통관고유부호", "Personal customs code"),
    _kind("postcode", "우편번호", "Postcode", "quasi"),
    _kind("kcd_code", "질병분류코드(KCD)", "Diagnosis code (KCD/ICD)", "sensitive"),
    _kind("address", "상세주소", "Full address"),
    _kind("person_name", "성명", "Person name"),
    _kind("birth_date", "생년월일", "Birth date", "quasi"),
    _kind("mrn", "의료기록번호", "Medical record number"),
    _kind("student_no", "학번", "Student number"),
    _kind("employee_no", "사번", "Employee number"),
    _kind("military_no", "군번", "Military service number"),
    _kind("pnu", "필지고유번호(PNU)", "Land parcel number (PNU)"),
    _kind("ipv4", "IP 주소(IPv4)", "IP address (v4)"),
    _kind("ipv6", "IP 주소(IPv6)", "IP address (v6)"),
    _kind("mac", "MAC 주소", "MAC address"),
    _kind("us_ssn", "미국 사회보장번호", "US social security number"),
    _kind("iban", "국제은행계좌번호(IBAN)", "IBAN"),
    _kind("account_id", "계정 아이디", "Account id"),
    _kind("password", "비밀번호", "Password"),
    _kind("generic_id", "일련번호·고유키", "Record key or unique id"),
    _kind("region", "거주지역", "Region", "quasi", text=False),
    _kind("age", "나이", "Age", "quasi", text=False),
    _kind("sex", "성별", "Sex", "quasi", text=False),
    _kind("nationality", "국적", "Nationality", "quasi", text=False),
    _kind("occupation", "직업", "Occupation", "quasi", text=False),
    _kind("education", "학력", "Education", "quasi", text=False),
    _kind("marital_status", "혼인상태", "Marital status", "quasi", text=False),
    _kind("event_date", "방문·사건 일자", "Date of visit or event", "quasi", text=False),
    _kind("race", "인종·민족", "Race or ethnicity", "sensitive", text=False),
    _kind("diagnosis", "진단·질병", "Diagnosis or disease", "sensitive", text=False),
    _kind("belief", "사상·신념·종교", "Belief or religion", "sensitive", text=False),
    _kind("union_party", "노동조합·정당", "Union or party membership", "sensitive", text=False),
    _kind("criminal_record", "범죄경력", "Criminal record", "sensitive", text=False),
    _kind("sexual_life", "성생활", "Sexual life", "sensitive", text=False),
    _kind("biometric", "생체·유전정보", "Biometric or genetic data", "sensitive", text=False),
    _kind("income", "소득·자산", "Income or assets", "sensitive", text=False),
)

KINDS: Mapping[str, IdentifierKind] = MappingProxyType({kind.id: kind for kind in _ALL})
"""Every kind by id, in the order in which reports list them."""

TEXT_KINDS: frozenset[str] = frozenset(kind.id for kind in _ALL if kind.in_text)
"""Kinds that `find_in_text` looks for."""
