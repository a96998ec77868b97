"""What a column's name says about its content, in Korean and English, written any of the usual ways."""

from __future__ import annotations

import re
import unicodedata

# (kind, belief, pattern on the plain name).  Plain: lower case, camel case split, words joined by "_", Hangul unspaced.
# "(^|_)" and "(_|$)" mark word borders of Latin names; Hangul is matched as a part of the name.
_N = r"_?(?:no|num|number|nr|번호|코드|code|id)?[0-9]*"
_RULES: tuple[tuple[str, float, str], ...] = (
    ("rrn", 0.95, r"주민_?(?:등록)?_?(?:번호|no|number)|주민등록|주민번호|jumin|(?:^|_)rrn(?:_|$)|ssn_kr"),
    ("rrn", 0.9, r"(?:^|_)resident(?:_registration|_reg)?_(?:no|num|number|id)(?:_|$)|(?:^|_)national_id|민증번호"),
    ("frn", 0.95, r"외국인_?(?:등록)?_?(?:번호|증)|거소신고|(?:^|_)alien|(?:^|_)foreigner_?(?:reg|no|id|num)|(?:^|_)arc_(?:no|num)"),
    ("passport", 0.95, r"여권|(?:^|_)passport"),
    ("driver_licence", 0.95,
        r"운전_?면허|(?<!의사)(?<!간호사)(?<!약사)면허_?(?:증|번호)|driv(?:er|ing)_?s?_?licen[cs]e|(?:^|"
        r"_)licen[cs]e_(?:no|num|number)"),
    ("mobile", 0.95, r"휴대_?(?:폰|전화)|핸드폰|폰_?번호|(?:^|_)(?:mobile|cell|cellphone|cell_phone)(?:_|$|[0-9])|(?:^|_)hp(?:_|$)"),
    ("mobile", 0.8, r"연락처|연락_?번호|전화_?번호|(?:^|_)phone(?:_|$|[0-9])|(?:^|_)contact_(?:no|num|number)|callback"),
    ("landline", 0.8, r"전화|연락처|(?:^|_)(?:tel|telephone|phone|landline|fax)(?:_|$|[0-9])|팩스|(?:^|_)contact_(?:no|num|number)"),
    ("email", 0.95, r"이_?메일|메일|전자우편|(?:^|_)e_?mail"),
    ("url", 0.9, r"홈페이지|웹_?사이트|(?:^|_)(?:url|uri|website|homepage|link)(?:_|$)|블로그|링크"),
    ("nhis_card", 0.95, r"건강_?보험|보험증|의료보험|건보|(?:^|_)nhis|insurance_(?:card|no|num|number)"),
    ("bank_account", 0.9, r"계좌|통장|bank_?acc|(?:^|_)account_?(?:no|num|number)(?:_|$)|(?:^|_)acct_?(?:no|num)"),
    ("payment_card", 0.9, r"카드_?번호|신용_?카드|(?:credit|debit|payment)_card|(?:^|_)card_?(?:no|num|number)"),
    ("business_no", 0.95, r"사업자|(?:^|_)(?:biz|business)_?(?:reg)?(?:istration)?_?(?:no|num|number|id)|(?:^|_)brn(?:_|$)"),
    ("company_no", 0.95, r"법인_?(?:등록)?_?번호|법인등록|(?:corp|corporate|company)_?(?:reg)?(?:istration)?_(?:no|num|number)"),
    ("vehicle_plate", 0.9,
        r"차량_?번호|자동차_?(?:등록)?_?번호|차_?번호|번호판|(?:^|_)(?:plate|vehicle|car)_?(?:no|num|"
        r"number)(?:_|$)|license_plate"),
    ("customs_code", 0.95, r"통관|(?:^|_)customs|(?:^|_)pccc"),
    ("postcode", 0.9, r"우편|(?:^|_)(?:zip|zipcode|zip_code|postal|postal_code|post_code|postcode)(?:_|$)"),
    ("kcd_code", 0.9, r"상병_?(?:코드|기호|분류)|진단_?코드|질병_?(?:코드|분류)|(?:^|_)kcd|(?:^|_)icd|주상병|부상병|(?:^|_)dx_?code"),
    ("address", 0.9, r"주소(?!지역)|거주지주소|배송지|배달지|소재지|본적|(?:^|_)addr(?:ess)?(?:_|$|[0-9])|등록기준지"),
    ("person_name", 0.95,
        r"(?:환자|보호자|고객|회원|신청인|신청자|가입자|담당자|직원|사원|학생|예금주|대표자|작성자|수취인|"
        r"수령인|피보험자|계약자|의사|간호사|영문|한글|본인)_?(?:성명|이름|명)$"),
    ("person_name", 0.95, r"성명|성함|담당의|주치의|집도의|예금주|(?:^|_)(?:full|first|last|given|family|sur|middle|maiden)_?name(?:_|$)"),
    ("person_name", 0.95,
        r"(?:patient|customer|client|member|user|person|employee|student|guardian|doctor|physician|staff|"
        r"contact|owner|holder)_?(?:full_?)?name(?:_|$)"),
    ("person_name", 0.7, r"^이름[0-9]*$|^name[0-9]*$|^nm$|^성$|(?:^|_)kor_?name|(?:^|_)eng_?name|^보호자$|^환자$|^대표자$"),
    ("birth_date", 0.95, r"생년_?월일|생일|생년|출생|(?:^|_)(?:birth|dob|bday|birthday|birthdate|birthdt)(?:_|$)|date_of_birth"),
    ("mrn", 0.95,
        r"(?:환자|병록|차트|의무_?기록|의료_?기록|진찰권|병원_?등록)_?(?:등록)?_?(?:번호|no|id)|(?:^|"
        r"_)mrn(?:_|$)|medical_record"),
    ("mrn", 0.95, r"(?:^|_)(?:patient|pat|pt|chart|hospital)_?(?:id|no|num|number|key)(?:_|$)"),
    ("mrn", 0.7, r"^등록_?번호$|^등록번호"),
    ("student_no", 0.95, r"학번|학생_?(?:번호|id)|학적_?번호|(?:^|_)student_?(?:id|no|num|number)(?:_|$)|수험_?번호"),
    ("employee_no", 0.95, r"사번|(?:사원|직원|교직원|공무원|인사)_?번호|(?:^|_)(?:employee|emp|staff)_?(?:id|no|num|number)(?:_|$)"),
    ("military_no", 0.95, r"군번|(?:^|_)(?:military|service)_?(?:service_)?(?:no|num|number|id)(?:_|$)"),
    ("pnu", 0.95, r"필지|토지_?코드|(?:^|_)pnu(?:_|$)"),
    ("ipv4", 0.9, r"(?:^|_)ip(?:_|$|v4|[0-9]|주소)|ip_?addr|아이피|(?:접속|클라이언트|서버)_?ip"),
    ("ipv6", 0.9, r"(?:^|_)ip(?:_|$|v6|주소)|ip_?addr|아이피|(?:접속|클라이언트|서버)_?ip"),
    ("mac", 0.9, r"(?:^|_)mac(?:_|$|주소|_?addr)|맥_?주소|물리_?주소"),
    ("us_ssn", 0.95, r"(?:^|_)ssn(?:_|$)|social_security|사회보장"),
    ("iban", 0.95, r"(?:^|_)iban"),
    ("account_id", 0.9, r"아이디|(?:^|_)(?:user|login)_?(?:name|id)(?:_|$)|(?:^|_)(?:username|userid|loginid)(?:_|$)|계정|로그인_?id"),
    ("password", 0.95, r"비밀_?번호|비번|패스워드|(?:^|_)(?:password|passwd|passcode|pwd)(?:_|$)"),
    ("generic_id", 0.9,
        r"(?:회원|고객|관리|일련|대상자|연구|피험자|가입자|증권|계약|개인식별|기기|민원|사용자|수급자|세대|"
        r"가구)_?(?:등록)?_?(?:번호|id|no|key)(?:_|$)"),
    ("generic_id", 0.9,
        r"(?:^|_)(?:uuid|guid|pid|uid|cookie|device_id|idfa|imei|advertising_id|row_id|rowid|record_id|"
        r"case_id|seqn|key)(?:_|$)"),
    ("generic_id", 0.85,
        r"^id[0-9]*$|(?:^|_)(?:customer|client|member|subject|person|user|case|record|sample|participant|hadm|"
        r"encounter|visit|stay|icustay|account|contract|policy|order|player|review|movie)_?(?:id|no|num|"
        r"number|key)(?:_|$)|(?:^|_)claim_?(?:no|num|number)|의사_?면허|^연번$|^순번$|^일련번호$"),
    ("generic_id", 0.66, r"_id$|[가-힣]id$"),
    ("person_name", 0.95, r"(?:mother|father|parent|spouse|husband|wife|child|kin|nurse|teacher|insured|holder)s?_?name(?:_|$)"),
    ("region", 0.85,
        r"시_?도(?:명|코드)?$|시_?군_?구|읍_?면_?동|거주_?(?:지역|지)|지역|행정구역|(?:^|_)(?:region|province|"
        r"city|district|county|state|sido|sigungu|residence)(?:_|$)|^location$|(?:home|birth)_location"),
    ("age", 0.9, r"나이|연령|(?<!veh_)(?<!vehicle_)(?<!car_)(?<!house_)(?<!building_)(?<![a-z])ages?(?:_|$)"),
    ("sex", 0.9, r"성별|(?:^|_)(?:sex|gender)(?:_|$)"),
    ("nationality", 0.85, r"국적|출신_?국|native_country|(?:^|_)(?:nationality|citizenship|country_of_birth)(?:_|$)"),
    ("occupation", 0.85, r"직업|직종|직위|직급|(?:^|_)(?:occupation|job|profession|job_title|workclass)(?:_|$)"),
    ("education", 0.8, r"학력|최종_?학교|(?:^|_)(?:education|edu|education_num|school_type|major)(?:_|$)|전공$"),
    ("marital_status", 0.85, r"혼인|결혼|(?:^|_)(?:marital|marriage|marital_status)(?:_|$)"),
    ("event_date", 0.75,
        r"(?:방문|내원|입원|퇴원|수술|진료|검사|사망|접수|진단|사고|가입|거래|청구)_?(?:일|일자|일시|날짜|"
        r"시각)$|(?:^|_)(?:visit|admission|admit|discharge|surgery|death|event|claim|encounter|"
        r"transaction)_?(?:date|time|dt|datetime)(?:_|$)|admittime|dischtime"),
    ("race", 0.9, r"인종|민족|(?:^|_)(?:race|ethnicity|ethnic)(?:_|$)"),
    ("diagnosis", 0.85,
        r"진단(?!_?(?:일|코드))|병명|질환|질병(?!_?(?:코드|분류))|(?:^|_)(?:diagnosis|disease|dx|dzgroup|"
        r"dzclass|comorbidity)(?:_|$)|에이즈|(?:^|_)hiv(?:_|$)"),
    ("belief", 0.9, r"종교|신념|사상|(?:^|_)(?:religion|belief|faith)(?:_|$)|정치_?(?:성향|견해)|political"),
    ("union_party", 0.9, r"노동_?조합|노조|정당|당적|(?:^|_)(?:union|labor_union|party_member|political_party)(?:_|$)"),
    ("criminal_record", 0.9, r"범죄|전과|수형|(?:^|_)(?:criminal|conviction|arrest)(?:_|$)"),
    ("sexual_life", 0.9, r"성생활|성적_?지향|sexual_(?:orientation|life|activity)"),
    ("biometric", 0.9,
        r"지문|홍채|얼굴|안면|유전(?!자원)|생체|(?:^|_)(?:fingerprint|iris_scan|face_embedding|genotype|"
        r"genome|biometric|dna)(?:_|$)"),
    ("income", 0.7, r"소득|연봉|급여(?!계좌)|월급|자산|재산|(?:^|_)(?:income|salary|wage|annual_income|net_worth)(?:_|$)"),
)  # fmt: skip
_COMPILED = tuple((kind, belief, re.compile(pattern)) for kind, belief, pattern in _RULES)

# Names of things, not of persons; numbers of things, not of persons.
_NOT_PERSON = re.compile(
    r"(?:상품|제품|병원|회사|기관|학교|과목|약품|약제|질병|지역|파일|시설|업체|도시|국가|진료과|부서|은행|카드사|모델|종목|수술|검사|상병|진단|브랜드|노선|역|건물)_?명"
    r"|(?:product|file|column|school|hospital|company|city|country|drug|item|brand|model|team|league|feature|class|group|event)_?name"
)
_ORDER = re.compile(
    r"(?:주문|송장|운송장|상품|제품|접수|예약|거래)_?번호|(?:order|invoice|product|item|model)_?(?:no|num|id|number)"
)
_COUNT = re.compile(
    r"(?:수|건수|횟수|금액|여부|일수|비율|율|시간|코드명|등급|점수)$|(?:^|_)(?:count|cnt|amount|amt|rate|ratio|flag|yn|type|status|length|days|hours|level|score)(?:_|$)"
)
_COUNTED_OK = frozenset(("age", "income", "diagnosis", "union_party", "criminal_record", "marital_status", "region"))


def plain_header(name: str) -> str:
    """The name in the form that the rules read: NFKC, camel case split, lower case, joined by "_"."""
    text = unicodedata.normalize("NFKC", name)
    text = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", text)
    text = re.sub(r"[^0-9a-z가-힣]+", "_", text.lower()).strip("_")
    return re.sub(r"(?<=[가-힣])_(?=[가-힣])", "", text)


def header_kinds(name: str) -> dict[str, float]:
    """Return kinds that a column's name speaks of, with belief in (0, 1]; empty when it tells nothing."""
    plain = plain_header(name)
    found: dict[str, float] = {}
    if not plain:
        return found
    counted = _COUNT.search(plain) is not None
    for kind, belief, pattern in _COMPILED:
        if pattern.search(plain):
            if kind == "person_name" and _NOT_PERSON.search(plain):
                continue
            if kind in ("generic_id", "account_id", "mrn") and _ORDER.search(plain):
                continue
            if counted and kind not in _COUNTED_OK:
                belief *= 0.4
            found[kind] = max(found.get(kind, 0.0), belief)
    if "account_id" in found:
        found.pop("person_name", None)
    if "us_ssn" in found and "rrn" in found:
        del found["us_ssn"]
    if "account_id" in found and found.get("generic_id", 0.0) <= found["account_id"]:
        found.pop("generic_id", None)
    if "mrn" in found or "student_no" in found or "employee_no" in found:
        found.pop("generic_id", None)
    if "birth_date" in found:
        found.pop("region", None)
    return found
