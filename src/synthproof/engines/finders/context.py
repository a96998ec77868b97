"""Words that say what the number beside them is, in Korean and English, and how much they move belief.

One pass finds every label of a text; a candidate then asks which labels stand before and after it.  A label of its own
kind raises belief, a label of another kind (or of a thing that is no identifier, such as an order number) lowers it.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .wordlists import words

OTHER = "_other"

# "_" stands for an optional space, dot, dash or underscore.  Longest label wins at a place.
_VOCABULARY: dict[tuple[str, ...], str] = {
    ("rrn", "frn"): (
        "주민_등록_번호 주민_번호 주민_등록 주민등록증 주번 resident_registration_number resident_registration "
        "resident_number resident_no rrn national_id"
    ),
    ("frn", "rrn"): (
        "외국인_등록_번호 외국인_번호 외국인_등록증 외국인_등록 거소_신고_번호 국내거소신고번호 alien_registration_number "
        "alien_registration foreigner_registration foreigner_number arc_number arc_no arc foreigner_no"
    ),
    ("passport",): "여권_번호 여권 passport_number passport_no passport",
    ("driver_licence",): (
        "운전_면허_번호 면허 운전_면허증 운전_면허 면허_번호 면허증_번호 면허증 driver's_license driver's_licence drivers_license "
        "driver_license driver_licence driving_licence driving_license licence_no license_no license_number licence_number"
    ),
    ("mobile", "landline"): (
        "연락처 연락_번호 전화_번호 전화 문자 통화 연락 비상_연락망 콜백 tel telephone phone_number phone_no phone call text "
        "contact reach contact_number callback fax 팩스 callback_number 번호입니다"
    ),
    ("mobile",): (
        "휴대폰_번호 휴대폰 휴대_전화_번호 휴대_전화 핸드폰_번호 핸드폰 폰번호 손전화 무선전화 mobile_number mobile_phone mobile "
        "cell_phone cellphone cell h.p hp 카톡 카카오톡 whatsapp sms"
    ),
    ("landline",): (
        "자택_전화 집_전화_번호 집_전화 자택 직통_전화 직통 내선 회사_전화 사무실_전화 사무실 유선_전화 유선 대표_전화 대표_번호 고객센터 "
        "office_phone office_number home_phone landline 상담전화 문의전화"
    ),
    ("email",): "이메일 전자_우편 메일_주소 메일 e-mail email mail",
    ("url",): "홈페이지 웹사이트 사이트 링크 블로그 url website homepage link",
    ("nhis_card",): (
        "건강_보험증_번호 건강_보험_번호 건강_보험증 건강_보험 보험증_번호 보험증 의료_보험_번호 의료보험증 건보_번호 건보 증번호 "
        "health_insurance_card health_insurance_number health_insurance insurance_card insurance_card_no nhis_no nhis nhis_number "
        "insurance_number"
    ),
    ("bank_account", "iban"): (
        "계좌_번호 계좌 통장_번호 통장 입금 송금 이체 환불 예금 은행 농협 신협 수협 새마을금고 우체국 "
        "카카오뱅크 케이뱅크 토스뱅크 카뱅 신한 국민 "
        "국민은행 우리은행 하나은행 기업은행 bank_account account_number account_no account wire remit bank 급여계좌 자동이체"
    ),
    ("payment_card",): (
        "신용_카드_번호 신용_카드 체크_카드 카드_번호 카드 결제카드 법인카드 일시불 할부 credit_card debit_card card_number card_no "
        "card visa mastercard amex"
    ),
    ("business_no",): (
        "사업자_등록_번호 사업자_등록증 사업자_등록 사업자_번호 사업자 business_registration_number business_registration "
        "business_number business_no biz_no brn tax_id 세금계산서"
    ),
    ("business_no", "company_no"): "(주) ㈜ 주식회사 유한회사",
    ("company_no",): (
        "법인_등록_번호 법인_번호 법인_등록 법인 등기부 등기_번호 corporate_registration_number corporate_registration "
        "corporation_number company_registration company_number company_no corp_no crn"
    ),
    ("vehicle_plate",): (
        "차량_번호 자동차_등록_번호 자동차_번호 차_번호 번호판 차넘버 입차 출차 차량 자동차 승용차 차주 주차 견인 승합차 "
        "화물차 트럭 택시 car_plate plate_number "
        "plate_no license_plate number_plate plate vehicle car 가해차 피해차 렌터카 렌트카 운전"
    ),
    ("customs_code",): (
        "개인_통관_고유_부호 통관_고유_부호 개인통관부호 통관_부호 통관_번호 통관 customs_code customs_clearance_code customs_id "
        "customs pccc"
    ),
    ("postcode",): "우편_번호 (우) 우) 우편 zip_code zipcode zip postal_code postcode post_code",
    ("kcd_code",): (
        "주상병 부상병 상병_코드 상병_기호 상병명 상병 진단_코드 진단명 진단 질병_코드 질병_분류_코드 질병분류기호 질병 병명 kcd_코드 kcd "
        "icd-10_code icd-10 icd10 icd_code icd diagnosis_code dx_code dx 주진단 부진단 병명코드"
    ),
    ("address",): (
        "주소 거주지 자택_주소 집_주소 도로명_주소 지번_주소 배송지 배달지 수령지 소재지 본적 등록기준지 거주 살고 사는 address lives_at "
        "residing_at ship_to deliver_to 등기우편 발송 이사"
    ),
    ("birth_date",): (
        "생년_월일 생년 생일 출생_일자 출생일 출생_연월일 출생 태어난 태어나 date_of_birth birth_date birthdate birthday dob d.o.b born"
    ),
    ("mrn",): (
        "환자_등록_번호 환자_번호 환자_id 의료_기록_번호 의무_기록_번호 병원_등록_번호 병록_번호 차트_번호 "
        "진료_카드_번호 진찰권_번호 등록_id 차트no "
        "medical_record_number medical_record_no medical_record mrn patient_id patient_number patient_no chart_number chart_no "
        "chart_id hospital_number hospital_no pt_id pt_no pt_number 병원번호 환자id"
    ),
    ("mrn", "rrn", "frn", "business_no", "company_no", "vehicle_plate", "generic_id"): "등록_번호 registration_number",
    ("student_no",): "학번 학생_번호 학적_번호 student_id student_number student_no 수험_번호",
    ("employee_no",): (
        "사번 사원_번호 직원_번호 교번 교직원_번호 공무원_번호 인사_번호 employee_id employee_number employee_no emp_id emp_no staff_id "
        "staff_number staff_no"
    ),
    ("military_no",): "군번 순번군번 military_number military_service_number service_number military_no",
    ("pnu",): "필지_고유_번호 필지_번호 필지 토지_코드 pnu_코드 pnu parcel_number parcel 지번코드",
    ("ipv4", "ipv6"): "접속_ip ip_주소 아이피 ip_address ip 접속_주소 서버_주소 접속 서버 host client remote",
    ("mac",): "mac_주소 mac_address mac 맥_주소 물리_주소",
    ("us_ssn",): "ssn social_security_number social_security_no social_security 사회_보장_번호",
    ("iban",): "iban swift 해외_송금",
    ("account_id", "generic_id"): "id",
    ("account_id",): (
        "아이디 로그인_id 로그인_아이디 계정명 계정 사용자_id 접속_id username user_name user_id login_id login account_id userid"
    ),
    ("password",): "비밀_번호 비번 패스워드 암호 password passwd passcode pwd",
    ("generic_id",): (
        "회원_번호 고객_번호 고객_id 회원_id 관리_번호 일련_번호 개인_식별_번호 대상자_번호 연구_번호 피험자_번호 customer_id "
        "customer_number customer_no member_id member_number member_no subject_id subject_no uuid guid 증권_번호 계약_번호 기기_id "
        "device_id cookie_id record_id case_id 민원_번호"
    ),
    (OTHER,): (
        "order_id product_id item_id job_id trace_id request_id transaction_id txn_id invoice_id batch_id "
        "task_id 주문_번호 주문 운송장_번호 운송장 송장_번호 송장 택배 접수_번호 승인_번호 예약_번호 "
        "거래_번호 "
        "제품_번호 제품_코드 제품 상품_코드 상품_번호 "
        "상품 모델명 모델 품번 부품_번호 시리얼 바코드 버전 문서_번호 공고_번호 허가_번호 특허_번호 "
        "계산서_번호 쿠폰_번호 쿠폰 사건_번호 로트 "
        "금액 매출 총액 합계 가격 예산 좌표 위도 경도 계수 수치 이미지 파일 lot order_number order_no order invoice tracking product "
        "model version serial barcode isbn issn reference ref sku part_no coupon receipt ticket total amount price lot_number doi "
        "series release 학술지 기간 연도 페이지 pages page 참고 v. ver"
    ),
}


@dataclass(frozen=True, slots=True)
class Label:
    """One label of a text: where it stands and the kinds it speaks of."""

    start: int
    end: int
    kinds: frozenset[str]


def _trie_pattern(labels: Iterable[str]) -> str:
    """A regular expression equal to the longest-first alternation of `labels`, as a prefix tree (fast to scan)."""
    tree: dict[str, dict] = {}  # type: ignore[type-arg]
    for word in labels:
        node = tree
        for char in word:
            node = node.setdefault(char, {})
        node[""] = {}

    def write(node: dict) -> str:  # type: ignore[type-arg]
        ends = "" in node
        parts = [
            (r"[\s_.\-]?" if char == "_" else re.escape(char)) + write(child)
            for char, child in sorted(node.items(), key=lambda item: (item[0] == "_", item[0]))
            if char
        ]
        if not parts:
            return ""
        body = parts[0] if len(parts) == 1 and not ends else "(?:" + "|".join(parts) + ")"
        return body + "?" if ends else body

    return write(tree)


def _build() -> tuple[re.Pattern[str], dict[str, frozenset[str]]]:
    kinds: dict[str, set[str]] = {}
    latin: list[str] = []
    hangul: list[str] = []
    for names, line in _VOCABULARY.items():
        for word in words(line):
            kinds.setdefault(_key(word), set()).update(names)
            (latin if word[0].isascii() and word[0] != "(" else hangul).append(word)
    pattern = rf"(?<![a-z])(?:{_trie_pattern(latin)})(?![a-z])|{_trie_pattern(hangul)}"
    return re.compile(pattern), {word: frozenset(found) for word, found in kinds.items()}


def _key(word: str) -> str:
    return re.sub(r"[\s_.\-]", "", word)


_LABELS, _KIND_OF = _build()


def labels_in(text: str) -> list[Label]:
    """Every label of `text` (normal form), in order, not overlapping; cost O(length)."""
    lowered = text.lower()
    if len(lowered) != len(text):  # a few letters grow when lowered; positions must stay
        lowered = "".join(char if len(char.lower()) != 1 else char.lower() for char in text)
    found = []
    for hit in _LABELS.finditer(lowered):
        kinds = _KIND_OF.get(_key(hit.group()))
        if kinds:
            found.append(Label(hit.start(), hit.end(), kinds))
    return found


@dataclass(frozen=True, slots=True)
class Setting:
    """What stands around the candidates of one text: its labels, and what the column's name says."""

    text: str
    labels: Sequence[Label]
    ends: Sequence[int]
    hints: frozenset[str] = frozenset()

    @classmethod
    def of(cls, text: str, hints: frozenset[str] = frozenset()) -> Setting:
        """Find the labels of `text`; `hints` are kinds that the column's name speaks of."""
        labels = labels_in(text)
        return cls(text, labels, [label.end for label in labels], hints)

    def shift(self, kind: str, start: int, end: int) -> float:
        """How far the surroundings of ``text[start:end]`` move belief in `kind`, from -0.45 to +0.45."""
        best = 0.45 if kind in self.hints else 0.0
        at = bisect_left(self.ends, start + 1) - 1
        against = 0.0
        for rank in range(3):
            if at - rank < 0:
                break
            label = self.labels[at - rank]
            between = self.text[label.end : start]
            if len(between) > 30 or (rank and "\n" in between):
                break
            digits = sum(char.isdigit() for char in between)
            far = len(between) > 14 or digits > 3
            if kind in label.kinds:
                best = max(best, (0.45, 0.3, 0.2)[rank] - (0.12 if far else 0.0) + min(against, 0.0))
                break
            if rank == 0 and not far and not re.search(r"[,;。]|[.!?]\s", between):
                against = -0.35 if OTHER in label.kinds else -0.25
        after = self._after(kind, end)
        best = max(best, after)
        return best if best > 0 else min(against, after)

    def _after(self, kind: str, end: int) -> float:
        at = bisect_left(self.ends, end + 1)
        for label in self.labels[at : at + 2]:
            between = self.text[end : label.start] if label.start >= end else ""
            if len(between) > 10 or any(char.isdigit() or char in ",;" for char in between):
                break
            if kind in label.kinds:
                return 0.3
            if len(between) <= 2:
                return -0.15  # "... (국민)": the word right behind it speaks of another kind
        return 0.0
