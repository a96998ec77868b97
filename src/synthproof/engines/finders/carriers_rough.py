"""A third carrier set, rough on purpose: logs, JSON, CSV and key=value lines, chats, call notes, typing slips.

Written after the finders, measured once as it stood (those first figures are kept in ``benchmarks/results``), and
used from then on to see that formats of this kind keep working.
"""

from __future__ import annotations

from .carriers import HELD_OUT, CarrierSet

ROUGH = CarrierSet(
    sentences={
        "rrn": (
            '{"name":"-","rrn":"{v}","dept":"IM"}',
            "A1|{v}|내과|2024-03-02|완료",
            "넵 주민번호가여 {v} 이거여ㅋㅋ",
            "[상담메모]주민:{v}/본인확인O",
            '"{v}","서울",3',
        ),
        "frn": ('{"alien_registration_no": "{v}"}', "외국인등록:{v}/몽골", "외등번호 {v} 조회"),
        "passport": ("PASSPORT={v};NAT=KOR", "여권(전자) {v} 스캔완료", "여권넘버 {v} 맞나요?"),
        "driver_licence": ("면허:{v} 1종보통", "LICENSE_NO={v}", "면허증번호가 {v}라고 하심"),
        "mobile": (
            "tel={v}&name=x",
            "ㅇㅇ 폰 {v} 로 걸어",
            "보호자:{v},관계:모",
            "<td>{v}</td>",
            "수신:{v}\n발신:고객센터",
            "문의 → {v}",
        ),
        "landline": ("사무실☎{v}", "T. {v}", "전화:{v},내선 3번", '"tel":"{v}"'),
        "email": ("<{v}>", "mailto:{v}", "메일(회신용):{v}.", '{"email":"{v}","ok":true}'),
        "url": ("GET {v} 200", "출처:{v})", "[링크]({v})", '"url":"{v}"'),
        "nhis_card": ("보험증No.{v}", "건강보험 {v} 세대주 동일", '"insurance_card_no": "{v}"'),
        "bank_account": (
            "농협{v}홍**",
            "계좌 : {v} / 카카오뱅크",
            "acct_no... account no: {v}",
            "{v} (국민) 으로 입금해주세요",
        ),
        "payment_card": ("카드 [{v}] 승인거절", "CARD={v}", "결제카드:{v}(신한)"),
        "business_no": ("사업자No:{v}", "(주)가람 {v} 대표 별도", "사업자 {v} 폐업조회"),
        "company_no": ("법인No. {v}", "법인등록번호|{v}|본점", "corp: 법인 {v}"),
        "vehicle_plate": ("차량:{v}/입차", "[{v}] 출차 10:22", "차넘버 {v} 요"),
        "customs_code": ("PCCC:{v}", "통관부호={v}", "해외직구 통관번호가 {v} 맞아요?"),
        "postcode": ("우편번호:{v}", "[우편번호 {v}]", "zip={v}"),
        "kcd_code": ("상병:{v}(주)", "Dx) {v}", "KCD-8 {v} 확인"),
        "address": ("주소={v}", "[배송지]{v}", "{v} ← 여기로요", "|{v}|부재시 경비실|"),
        "person_name": (
            "담당의:{v}/간호사:-",
            "[{v}님] 예약이 확정되었습니다",
            '"성명":"{v}"',
            "{v}고객님 통화 원하심",
            "환자({v}) 낙상 고위험",
            "보호자 {v}(모) 동의함",
        ),
        "person_name_en": ("Attending: {v}, MD", "patient_name={v}", "Ms. {v}, 54F", "signed by {v}"),
        "birth_date": ("생년월일:{v}/여", "DOB={v}", "생일 {v} 맞으시죠", "({v}생, 남)"),
        "mrn": ("[환자번호:{v}]", "pt id {v} / patient id: {v}", "차트No.{v}", "MRN={v}"),
        "student_no": ("학번:{v}/휴학", "(학번 {v})"),
        "employee_no": ("사번:{v}", "emp_no={v}"),
        "military_no": ("군번:{v}", "(군번 {v})"),
        "pnu": ("PNU={v}", '"pnu":"{v}"'),
        "ipv4": ("{v} - - [GET /]", "ip={v}", "접속지:{v}(모바일)"),
        "ipv6": ("[{v}]:443", "ip={v}"),
        "mac": ("MAC={v}", "AP({v}) down"),
        "us_ssn": ("ssn={v}", '"ssn":"{v}"'),
        "iban": ("IBAN={v}", "beneficiary {v}/EUR"),
        "account_id": ("아이디:{v}/잠금", '"user_id":"{v}"'),
        "password": ("비번:{v}", "pwd={v}"),
        "generic_id": ("고객번호:{v}", "member_id={v}", "[회원번호 {v}]"),
    },
    headers=HELD_OUT.headers,
    neutral_headers=HELD_OUT.neutral_headers,
    decoys=(
        "order_id={order}&qty={small}",
        '{"price": {amount}, "ver": "{version}"}',
        "{date}T{time}:00+09:00 INFO job={digits8} took {decimal}s",
        "SKU:{product}|LOT:{digits8}|EXP:{date}",
        "ㅋㅋㅋ 오늘 {small}시 {small}분에 봐여",
        "[배송] 송장번호:{tracking} (CJ)",
        "EMR v{version} 배포 {date}",
        "Na {lab} K {lab} Cl {lab} BUN {lab}",
        "합계:{amount}원(부가세포함)",
        "x={decimal},y={decimal},z={decimal}",
        "EAN {barcode} 입고 {small}개",
        "접수번호:{digits8}",
        "승인번호 {digits8}/일시불 {amount}원",
        "이 환자 상태 양호함. 전원 예정 없음",
        "보호자 부재로 설명 못함, 고객 불만 접수",
        "담당자 휴가라 내일 처리 예정",
    ),
)
