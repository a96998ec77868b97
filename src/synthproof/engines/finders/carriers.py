"""Sentences and column headers that carry made identifiers, and decoys that carry none.

Two sets stand apart: ``TUNING`` was looked at while the finders were written; ``HELD_OUT`` was written before the
first pattern.  Of what ``HELD_OUT`` showed, two things were acted on: given-name syllables that were missing, and one of
its own landline carriers that named a Ms. Park, who was rightly found and wrongly counted as an error (reworded).
``{v}`` is where the made value goes; ``{other}`` takes a value of another kind, which is truth as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierSet:
    """Carriers of one measurement.

    Attributes
    ----------
    sentences
        Templates per kind.
    headers
        Telling column names per kind.
    neutral_headers
        Column names that tell nothing.
    decoys
        Templates with slots of `made.DECOY_MAKERS`, holding no identifier.
    """

    sentences: Mapping[str, tuple[str, ...]]
    headers: Mapping[str, tuple[str, ...]]
    neutral_headers: tuple[str, ...]
    decoys: tuple[str, ...]


HELD_OUT = CarrierSet(
    sentences={
        "rrn": (
            "접수 시 확인한 주민번호는 {v}이며 본인 확인을 마쳤습니다.",
            "{v} 로 조회하니 가입 이력이 두 건 나옵니다.",
            "주민등록번호({v}) 뒷자리는 가려 주세요",
            "보호자 주민등록번호 : {v}, 관계 : 부",
            "Resident registration number {v} was entered twice.",
            "RRN: {v} / verified by desk 3",
        ),
        "frn": (
            "외국인등록번호 {v} 확인 후 체류자격을 변경하였음",
            "외국인 환자, 등록번호 {v}, 통역 필요.",
            "alien registration no. {v}, visa E-9",
        ),
        "passport": (
            "여권번호는 {v}이고 만료일은 내년입니다.",
            "출국 수속에 쓴 여권 {v} 사본을 첨부합니다.",
            "Passport No: {v} (issued in Seoul)",
        ),
        "driver_licence": (
            "운전면허번호 {v}로 신원을 확인했습니다.",
            "면허증 {v} 갱신 기간이 지났습니다.",
            "driver's license {v} expired last month",
        ),
        "mobile": (
            "퇴원 후 문제가 있으면 {v}로 전화 주세요.",
            "보호자 연락처 {v} (딸)",
            "제 번호 {v}입니다. 문자 남겨 주세요~",
            "내일 오전에 {v} 으로 다시 연락드리겠습니다",
            "Call me back at {v} after 6 pm.",
            "H.P. {v}",
        ),
        "landline": (
            "병동 직통전화는 {v}입니다.",
            "자택 {v}, 회사 동일",
            "FAX {v} 로 소견서를 보내 주십시오.",
            "Our office phone is {v}, ask for the night desk.",
        ),
        "email": (
            "결과지는 {v}로 보내 주시면 됩니다.",
            "문의: {v}",
            "Please send the form to {v}, thank you.",
            "메일주소가 {v}에서 바뀌었어요",
        ),
        "url": (
            "자세한 내용은 {v} 에서 확인하세요.",
            "블로그({v})에 후기를 올렸습니다.",
            "See {v} for the profile.",
        ),
        "nhis_card": (
            "건강보험증 번호 {v} 자격 확인 완료",
            "건보 증번호는 {v}입니다",
            "health insurance card no. {v}",
        ),
        "bank_account": (
            "환불은 국민은행 {v}로 부탁드립니다.",
            "급여계좌 {v} 예금주 본인",
            "입금계좌번호: {v} (신한)",
            "Please wire the refund to bank account {v}.",
        ),
        "payment_card": (
            "카드번호 {v} 유효기간 12/29로 결제했습니다.",
            "{v} 카드로 일시불 승인 요청",
            "My credit card {v} was charged twice.",
        ),
        "business_no": (
            "거래처 사업자번호 {v} 세금계산서 발행 요청",
            "사업자등록번호: {v}",
            "Business registration no. {v} is closed.",
        ),
        "company_no": (
            "법인등록번호 {v}인 회사의 대표이사가 바뀌었다.",
            "등기부상 법인번호 {v}",
            "corporate registration number {v}",
        ),
        "vehicle_plate": (
            "지하 2층에 주차된 {v} 차량 이동 바랍니다.",
            "사고 차량번호 {v}, 보험 접수함",
            "{v} 흰색 승용차가 막고 있어요",
        ),
        "customs_code": (
            "개인통관고유부호는 {v}입니다.",
            "통관부호 {v}로 신고해 주세요",
            "customs clearance code {v}",
        ),
        "postcode": (
            "우편번호 {v}로 반송되었습니다.",
            "(우){v} 로 보내 주세요",
            "zip code: {v}",
        ),
        "kcd_code": (
            "주상병 {v}, 부상병 없음",
            "진단코드 {v}로 입원하였다.",
            "ICD-10 code {v} was assigned at discharge.",
        ),
        "address": (
            "현재 거주지는 {v}입니다.",
            "{v}로 등기우편 발송",
            "환자는 {v}에 혼자 살고 있음.",
            "배송지: {v}",
        ),
        "person_name": (
            "환자 {v}은 어젯밤부터 열이 났다고 합니다.",
            "담당의 {v} 선생님께 의뢰함",
            "{v} 님이 보호자로 동행하셨습니다.",
            "성명: {v}",
            "{v} 씨의 검사 결과를 전달했습니다.",
            "어제 {v} 과장이 서명했다.",
        ),
        "person_name_en": (
            "Patient {v} was seen in clinic today.",
            "Dr. {v} reviewed the chart.",
            "Name: {v}",
            "Mr. {v} denies chest pain.",
        ),
        "birth_date": (
            "생년월일은 {v}입니다.",
            "{v}생 여자 환자",
            "DOB: {v}",
            "She was born on {v} in Busan.",
        ),
        "mrn": (
            "등록번호 {v} 환자 영상 조회 바랍니다",
            "차트번호: {v}",
            "MRN {v} admitted from the ED.",
            "병록번호 {v}",
        ),
        "student_no": ("학번 {v} 성적을 정정합니다.", "학생번호: {v}", "student ID {v} missed the exam"),
        "employee_no": ("사번 {v} 직원의 연차 신청", "사원번호: {v}", "employee no. {v} resigned"),
        "military_no": ("군번 {v} 전역 예정", "군번: {v}, 육군"),
        "pnu": ("필지고유번호 {v}의 공시지가를 확인", "PNU {v}", "토지코드 {v} 필지"),
        "ipv4": ("접속 IP {v}에서 로그인 시도", "blocked {v} after five failures", "서버 주소는 {v}입니다"),
        "ipv6": ("접속 주소 {v} 차단", "client {v} connected"),
        "mac": ("단말 MAC {v} 등록", "device {v} joined the network"),
        "us_ssn": ("SSN {v} on file", "His social security number is {v}.", "미국 사회보장번호 {v}"),
        "iban": ("IBAN {v}", "transfer to {v} before Friday", "해외송금 계좌 {v}"),
        "account_id": ("아이디는 {v}입니다.", "username: {v}", "로그인 ID {v} 잠김"),
        "password": ("비밀번호는 {v}입니다.", "password: {v}", "임시 비번 {v}"),
        "generic_id": ("회원번호 {v} 탈퇴 처리", "customer id {v} called", "record uuid {v}"),
    },
    headers={
        "rrn": ("주민등록번호", "주민번호", "환자주민번호", "jumin_no", "RRN", "resident_no"),
        "frn": ("외국인등록번호", "alien_reg_no", "외국인번호"),
        "passport": ("여권번호", "passport_no", "여권"),
        "driver_licence": ("운전면허번호", "면허번호", "driver_license_no"),
        "mobile": ("휴대폰번호", "휴대전화", "mobile", "cell_phone", "연락처1", "hp_no"),
        "landline": ("집전화", "자택전화번호", "tel_no", "office_phone", "전화"),
        "email": ("이메일", "email_address", "e-mail", "메일주소"),
        "url": ("홈페이지", "profile_url", "website"),
        "nhis_card": ("건강보험증번호", "보험증번호", "insurance_card_no"),
        "bank_account": ("계좌번호", "환불계좌", "bank_account", "account_number"),
        "payment_card": ("카드번호", "card_no", "credit_card_number"),
        "business_no": ("사업자등록번호", "사업자번호", "biz_reg_no"),
        "company_no": ("법인등록번호", "법인번호", "corp_reg_no"),
        "vehicle_plate": ("차량번호", "자동차등록번호", "plate_no"),
        "customs_code": ("개인통관고유부호", "통관번호", "customs_code"),
        "postcode": ("우편번호", "zip_code", "postcode"),
        "kcd_code": ("상병코드", "진단코드", "icd10_code", "KCD"),
        "address": ("주소", "home_address", "거주지주소", "배송지"),
        "person_name": ("성명", "환자명", "보호자이름", "고객명", "name", "patient_name"),
        "person_name_en": ("full_name", "영문성명", "customer name"),
        "birth_date": ("생년월일", "birth_date", "DOB", "생일"),
        "mrn": ("환자번호", "병록번호", "patient_id", "mrn", "차트번호"),
        "student_no": ("학번", "student_id", "학생번호"),
        "employee_no": ("사번", "직원번호", "employee_id"),
        "military_no": ("군번", "military_no"),
        "pnu": ("PNU", "필지고유번호", "토지코드"),
        "ipv4": ("접속IP", "ip_address", "client_ip"),
        "ipv6": ("ipv6", "ip_addr"),
        "mac": ("mac_address", "MAC주소"),
        "us_ssn": ("ssn", "social_security_number"),
        "iban": ("iban", "IBAN번호"),
        "account_id": ("아이디", "user_name", "login_id"),
        "password": ("비밀번호", "password"),
        "generic_id": ("회원번호", "customer_id", "고객ID", "uuid"),
    },
    neutral_headers=("값", "항목3", "col_12", "비고", "X7", "field", "내용", "V2"),
    decoys=(
        "총 진료비는 {amount}원이며 본인부담금은 {amount}원입니다.",
        "주문번호 {order} 상품이 발송되었습니다.",
        "혈압 {bp} mmHg, 맥박 {small}회, 체온 {temp}도",
        "WBC {lab} 10^3/uL, Hb {lab} g/dL, Cr {lab} mg/dL",
        "{date} 외래 예약, {time}까지 내원",
        "운송장 {tracking} 배송 조회 부탁드립니다",
        "모델명 {product} 재고가 없습니다.",
        "계수는 {decimal}, 표준오차 {decimal}이다.",
        "영화가 정말 재미있었고 배우들의 연기도 훌륭했다.",
        "이번 주말에는 서울에서 전시회가 열릴 예정이라고 한다.",
        "The patient reports mild headache since {date}.",
        "Invoice {order} totals ${amount}.",
        "Lot number {product}, expires {date}.",
        "버전 {version}에서 오류가 수정되었습니다.",
        "임진왜란(1592-1598) 당시의 기록을 분석하였다.",
        "참가자 {small}명 중 {small}명이 응답하였다 (응답률 {temp}%).",
        "좌표 37.{digits7}, 127.{digits7} 부근",
        "바코드 {barcode}를 스캔해 주세요",
        "승인번호 {digits8} 결제 완료",
        "논문 12권 3호, {small}-{small}쪽 참조",
        "약품 {small}mg {small}정을 하루 3회 복용",
        "예산은 {small}조 {digits4}억 원으로 편성되었다.",
        "선생님께서 고객님께 안내하셨습니다.",
        "주말 관객수 {amount}명, 누적 {amount}명",
        "series: {decimal}, {decimal}, {decimal}, {decimal}",
        "Take two tablets by mouth every {small} hours as needed for pain.",
        "시리얼 {product}-{digits8}",
        "ISBN 979-11-{digits4}-{digits3}-5",
        "부모님이 원하시면 이상이 없는지 다시 검사합니다.",
        "우수 상담원으로 선정되어 상금 {amount}원을 받았다",
    ),
)

TUNING = CarrierSet(
    sentences={
        "rrn": (
            "주민등록번호는 {v}입니다.",
            "{v}, 본인 맞습니다.",
            "환자 정보: {v} / 내과",
            "주민번호 {v} 확인 바랍니다",
            "주민등록번호 {v} 연락처 {other}",
            "his resident number is {v}.",
        ),
        "frn": ("외국인등록번호는 {v}입니다.", "외국인등록증 {v} 제출", "ARC number {v}"),
        "passport": ("여권번호 {v}", "여권 번호가 {v}로 바뀜", "passport {v} was scanned"),
        "driver_licence": ("운전면허 {v} 소지", "면허번호: {v}", "Driver licence no {v}"),
        "mobile": (
            "연락처는 {v}입니다.",
            "{v}로 전화해 주세요",
            "휴대폰 {v}, 이메일 {other}",
            "010번호라 {v} 이거예요",
            "my cell is {v}",
        ),
        "landline": ("전화 {v}", "대표전화 {v}로 문의", "tel. {v}", "집 전화번호는 {v}이에요"),
        "email": ("이메일은 {v}입니다.", "{v}로 회신", "email {v} please"),
        "url": ("홈페이지 {v} 참고", "{v}에 가입함", "visit {v} now"),
        "nhis_card": ("건강보험증번호 {v}", "보험증 번호: {v}", "insurance card number {v}"),
        "bank_account": (
            "계좌번호 {v}",
            "우리은행 {v}로 송금했습니다",
            "account no. {v}",
            "계좌 {v} 예금주 {other}",
        ),
        "payment_card": ("카드번호는 {v}", "신용카드 {v} 분실 신고", "card number {v} declined"),
        "business_no": ("사업자등록번호 {v}", "사업자 번호는 {v}입니다", "business no {v}"),
        "company_no": ("법인등록번호 {v}", "법인 번호: {v}", "company registration no. {v}"),
        "vehicle_plate": ("차량번호 {v}", "{v} 차주분 연락 바랍니다", "차량 {v}가 견인됨"),
        "customs_code": ("개인통관고유부호 {v}", "통관고유부호: {v}", "personal customs code {v}"),
        "postcode": ("우편번호 {v}", "우편 번호: {v}", "postal code {v}"),
        "kcd_code": ("상병코드 {v}", "진단명 {v} 의증", "diagnosis code {v}"),
        "address": ("주소: {v}", "주소는 {v}입니다", "{v}에 거주 중", "{v}에서 사고가 났다"),
        "person_name": (
            "환자명 {v}",
            "{v} 환자가 내원함",
            "{v}님 안녕하세요",
            "보호자 {v}에게 설명함",
            "이름은 {v}입니다",
            "{v} 교수가 집도하였다",
        ),
        "person_name_en": ("Patient name: {v}", "Mrs. {v} called", "Dr {v} signed", "My name is {v}"),
        "birth_date": ("생년월일 {v}", "생년월일: {v}", "{v} 출생", "date of birth {v}", "born {v}"),
        "mrn": ("환자번호 {v}", "병원등록번호는 {v}", "MRN: {v}", "chart no. {v}"),
        "student_no": ("학번 {v}", "학번은 {v}입니다", "student number: {v}"),
        "employee_no": ("사번 {v}", "직원번호는 {v}", "employee ID: {v}"),
        "military_no": ("군번 {v}", "군번은 {v}입니다"),
        "pnu": ("PNU: {v}", "필지번호 {v}", "PNU코드 {v} 토지"),
        "ipv4": ("IP 주소 {v}", "{v}에서 접속", "from {v} port 22"),
        "ipv6": ("IPv6 {v}", "from {v} port 22"),
        "mac": ("MAC 주소 {v}", "adapter {v} up"),
        "us_ssn": ("SSN: {v}", "social security no. {v}"),
        "iban": ("IBAN: {v}", "계좌(IBAN) {v}"),
        "account_id": ("아이디 {v}", "ID: {v}", "user name {v}"),
        "password": ("비밀번호 {v}", "비번: {v}", "password {v}"),
        "generic_id": ("고객번호 {v}", "member id: {v}", "uuid {v}"),
    },
    headers={
        "rrn": ("주민등록번호", "주민번호", "resident_registration_number"),
        "frn": ("외국인등록번호", "foreigner_no"),
        "passport": ("여권번호", "passport"),
        "driver_licence": ("운전면허", "licence_no"),
        "mobile": ("휴대폰", "phone", "mobile_phone", "핸드폰"),
        "landline": ("전화번호", "telephone", "tel"),
        "email": ("email", "이메일주소"),
        "url": ("url", "웹사이트"),
        "nhis_card": ("건강보험번호", "nhis_no"),
        "bank_account": ("계좌", "account_no"),
        "payment_card": ("신용카드번호", "card_number"),
        "business_no": ("사업자등록번호", "business_no"),
        "company_no": ("법인등록번호", "company_no"),
        "vehicle_plate": ("차량번호", "vehicle_no"),
        "customs_code": ("통관고유부호", "customs_id"),
        "postcode": ("우편번호", "zipcode"),
        "kcd_code": ("KCD코드", "icd_code"),
        "address": ("주소", "address", "도로명주소"),
        "person_name": ("이름", "성명", "patient_name", "담당의"),
        "person_name_en": ("name", "영문이름"),
        "birth_date": ("생년월일", "birthdate", "date_of_birth"),
        "mrn": ("등록번호", "patient_no", "의무기록번호"),
        "student_no": ("학번", "student_no"),
        "employee_no": ("사번", "emp_no"),
        "military_no": ("군번", "service_number"),
        "pnu": ("pnu", "pnu_code"),
        "ipv4": ("ip", "IP주소"),
        "ipv6": ("ip", "ipv6_address"),
        "mac": ("mac", "mac_addr"),
        "us_ssn": ("SSN", "us_ssn"),
        "iban": ("iban", "iban_no"),
        "account_id": ("아이디", "username"),
        "password": ("비밀번호", "passwd"),
        "generic_id": ("id", "고객번호", "member_no"),
    },
    neutral_headers=("col1", "자료", "memo", "x", "a3", "텍스트"),
    decoys=(
        "금액은 {amount}원입니다.",
        "주문 {order} 처리 완료",
        "검사 결과 {lab}, 참고치 {lab}~{lab}",
        "{date} {time} 접수",
        "제품코드 {product}",
        "값 {decimal} {decimal} {decimal}",
        "오늘 날씨가 좋아서 산책을 했습니다.",
        "아이가 셋 있는 집이라 이사를 갔다.",
        "The results were within normal limits.",
        "order {order} shipped on {date}",
        "version {version} released",
        "송장번호 {tracking}",
        "상품 바코드 {barcode}",
        "{small}시 {small}분 정도 걸립니다",
        "매출 {amount}달러, 전년 대비 {temp}% 증가",
        "ref {product}/{digits8}",
        "2020-2024년 자료 {small}건",
        "하나님 감사합니다. 사장님도 오셨어요.",
    ),
)
