"""Made values for the measurement of the finders: nothing here belongs to a person.

Resident numbers have dates in the future or days that do not exist; mobiles lie in blocks that are never assigned
(010-0xxx); cards are the schemes' public test numbers; business numbers have the type pair 00, company numbers a serial
of nine millions; mail and web addresses stand under the reserved example domains (RFC 2606); names and addresses are
put together at random.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from .checks import digits_of
from .gazetteer import SIDO_CODES
from .wordlists import words

Maker = Callable[[np.random.Generator], str]


def pick(rng: np.random.Generator, options: Sequence[str]) -> str:
    """One of `options`, uniformly."""
    return options[int(rng.integers(len(options)))]


def number(rng: np.random.Generator, n: int) -> str:
    """`n` random digits."""
    return "".join(map(str, rng.integers(0, 10, size=n)))


_SURNAME_POOL = (
    "김김김김이이이박박최정정강조윤장임한오서신권황안송류전홍고문양손배백허남심노하곽성차주우구민진지엄채원천방공현함변"
)
_GIVEN_POOL = words(
    "민준 서준 도윤 예준 시우 하준 주원 지호 지후 준서 준우 현우 도현 지훈 건우 우진 선우 서진 유준 연우 은우 민재 현준 시윤 정우 "
    "서연 서윤 지우 서현 하은 하윤 민서 지유 윤서 지민 채원 수아 지아 지윤 다은 은서 예은 수빈 소율 예린 지안 소윤 예원 유진 시은 "
    "영수 영호 영철 정호 성수 상철 광수 동현 성호 진우 경수 재영 병철 종수 용준 승현 태영 기훈 창민 상훈 재현 성민 동욱 "
    "영희 순자 정숙 미경 은주 현숙 경희 미영 혜진 지은 은영 수진 은정 미정 선희 명숙 옥순 말숙 춘자 정희 순옥 은경 혜경 보람 "
    "슬기 아름 한결 가람 하늘 나래 다솜 빛나 솔지 유리"
)
_SINGLE_POOL = words("준 민 훈 진 철 건 솔 율 현 욱 혁 선 은 숙 옥 연")
_FIRST_POOL = words(
    "James Mary Robert Linda Michael Susan David Karen Daniel Nancy Mark Emily George Anna Kevin Helen Brian Laura "
    "Oliver Grace Henry Julia Samuel Alice Peter Emma Thomas Sarah"
)
_LAST_POOL = words(
    "Smith Johnson Brown Taylor Wilson Anderson Clark Lewis Walker Young Hill Green Baker Carter Mitchell Turner "
    "Parker Collins Bennett Hughes O'Brien McCarthy Foster Sanders Kim Lee Park"
)
_PLACES = (
    "서울특별시 강남구|서울특별시 마포구|서울시 은평구|서울 종로구|부산광역시 해운대구|부산 사하구|"
    "대구광역시 수성구|인천광역시 남동구|광주광역시 북구|"
    "대전광역시 유성구|울산광역시 남구|세종특별자치시|경기도 성남시 분당구|경기도 수원시 영통구|경기 "
    "고양시 일산동구|경기도 가평군|강원특별자치도 춘천시|"
    "강원도 평창군|충청북도 청주시 상당구|충북 제천시|충청남도 천안시 서북구|전북특별자치도 전주시 "
    "완산구|전라남도 여수시|경상북도 포항시 북구|경북 안동시|"
    "경상남도 창원시 성산구|경남 김해시|제주특별자치도 제주시|제주 서귀포시"
)
_DISTRICTS = _PLACES.split("|")
_ROADS = words(
    "가람나래로 별빛마을길 은하수대로 푸른솔로 한울타리길 꽃샘로 무지개길 새벽별로 도담로 온새미로 해오름대로 늘봄길 솔바람로"
)
_VILLAGES = words("별빛동 한울동 가람동 새봄동 은하동 솔빛동 늘푸른동 해담리 도담리")


def _weighted_rrn(rng: np.random.Generator, sexes: str) -> str:
    if rng.random() < 0.6:
        year = int(rng.integers(45, 100))  # read as 2045..2099
        date = f"{year:02d}{int(rng.integers(1, 13)):02d}{int(rng.integers(1, 29)):02d}"
        seventh = pick(rng, sexes[2:])
    else:
        date = f"{int(rng.integers(30, 100)):02d}" + pick(rng, ("0230", "0231", "0431", "0631", "0931", "1131"))
        seventh = pick(rng, sexes)
    gap = pick(rng, ("-", "-", "-", "-", " - ", " ", "", ""))
    return date + gap + seventh + number(rng, 6)


def _rrn(rng: np.random.Generator) -> str:
    if rng.random() < 0.1:
        made = _weighted_rrn(rng, "1234")
        return made[:6] + "-" + digits_of(made)[6] + "******"
    return _weighted_rrn(rng, "1234")


def _passport(rng: np.random.Generator) -> str:
    letter = pick(rng, "MSRGD")
    if rng.random() < 0.5:
        return letter + "000" + number(rng, 5)
    return letter + "00" + number(rng, 1) + pick(rng, "ABCDEFGH") + number(rng, 4)


def _licence(rng: np.random.Generator) -> str:
    region = pick(rng, ("11", "12", "13", "16", "19", "21", "23", "26", "28"))
    gap = pick(rng, ("-", "-", "-", ""))
    return gap.join((region, number(rng, 2), "0" + number(rng, 5), number(rng, 2)))


def _mobile(rng: np.random.Generator) -> str:
    a, b = "0" + number(rng, 3), number(rng, 4)
    gap = pick(rng, ("-", "-", "-", "-", "", ".", " ", " - "))
    head = pick(rng, ("010", "010", "010", "010", "010", "+82 10", "+82-10", "(010)"))
    made = f"{head}{gap}{a}{gap}{b}"
    style = rng.random()
    if style < 0.06:
        return "".join("공일이삼사오육칠팔구"[int(c)] if c.isdigit() else " " for c in f"010 {a} {b}")
    if style < 0.1:
        return "".join(chr(ord(c) + 0xFEE0) if c.isdigit() else "－" for c in f"010-{a}-{b}")
    return made


def _landline(rng: np.random.Generator) -> str:
    area = pick(rng, ("02", "031", "032", "033", "041", "043", "051", "053", "055", "062", "063", "064", "070"))
    middle = "0" + number(rng, 2 + int(area == "070"))
    return pick(rng, ("{}-{}-{}", "{}-{}-{}", "{}-{}-{}", "{}){}-{}", "({}) {}-{}", "{}.{}.{}")).format(
        area, middle, number(rng, 4)
    )


def _email(rng: np.random.Generator) -> str:
    user = (
        pick(rng, _FIRST_POOL).lower() + pick(rng, ("", ".", "_")) + pick(rng, ("kim", "lee", "hong", number(rng, 3)))
    )
    return user + "@" + pick(rng, ("example.com", "example.org", "mail.example.net", "hospital.example.co.kr"))


def _url(rng: np.random.Generator) -> str:
    head = pick(rng, ("https://", "http://", "www."))
    return head + pick(rng, ("example.com", "blog.example.org")) + f"/{pick(rng, _FIRST_POOL).lower()}/{number(rng, 4)}"


def _account(rng: np.random.Generator) -> str:
    forms = words("3-2-6 3-3-6 3-6-5 3-6-3 4-2-7 4-3-6 6-2-6 3-2-4-3 3-2-5-1 3-2-6-1 3-6-2-3")
    parts = [int(size) for size in pick(rng, forms).split("-")]
    gap = "" if rng.random() < 0.15 else "-"
    return gap.join(number(rng, size) for size in parts)


_TEST_CARDS = words(
    "4111111111111111 4242424242424242 4000056655665556 5555555555554444 5200828282828210 5105105105105100 "
    "2223003122003222 6011111111111117 6011000990139424 3530111333300000 3566002020360505 4012888888881881"
)


def _card(rng: np.random.Generator) -> str:
    digits = pick(rng, _TEST_CARDS)
    if rng.random() < 0.1:
        return "-".join(("3782", "822463", "10005")) if rng.random() < 0.5 else "378282246310005"
    gap = pick(rng, ("-", "-", " ", ""))
    return gap.join(digits[at : at + 4] for at in range(0, 16, 4))


def _business(rng: np.random.Generator) -> str:
    digits = number(rng, 3) + "00" + number(rng, 4)
    weights = (1, 3, 7, 1, 3, 7, 1, 3, 5)
    total = sum(w * int(d) for w, d in zip(weights, digits, strict=True)) + int(digits[8]) * 5 // 10
    digits += str((10 - total % 10) % 10)
    return "-".join((digits[:3], digits[3:5], digits[5:])) if rng.random() < 0.85 else digits


def _company(rng: np.random.Generator) -> str:
    digits = pick(rng, ("1101", "1201", "1301", "1801", "2841")) + pick(rng, ("11", "14", "21")) + "9" + number(rng, 5)
    total = sum((1 + at % 2) * int(d) for at, d in enumerate(digits))
    digits += str((10 - total % 10) % 10)
    return digits[:6] + "-" + digits[6:]


def _plate(rng: np.random.Generator) -> str:
    letter = pick(rng, "가나다라마거너더러머버서어저고노도로모보소오조구누두루무부수우주바사아자배하허호")
    made = number(rng, int(rng.integers(2, 4))) + letter + pick(rng, ("", "", " ")) + number(rng, 4)
    return pick(rng, ("서울 ", "경기")) + made[-7:].lstrip() if letter in "바사아자" and rng.random() < 0.3 else made


def _kcd(rng: np.random.Generator) -> str:
    return (
        pick(rng, "ABCDEFGHIJKLMNRSTZ") + number(rng, 2) + pick(rng, ("", f".{number(rng, 1)}", f".{number(rng, 2)}"))
    )


def _address(rng: np.random.Generator) -> str:
    place = pick(rng, _DISTRICTS)
    if rng.random() < 0.7:
        made = f"{place} {pick(rng, _ROADS)} {int(rng.integers(1, 900))}"
    else:
        made = f"{place} {pick(rng, _VILLAGES)} {int(rng.integers(1, 900))}-{int(rng.integers(1, 90))}"
    house = f"{int(rng.integers(101, 130))}동 {int(rng.integers(101, 2500))}호"
    tail = ("", "", f", {house}", f" 햇살아파트 {house}", f", {int(rng.integers(2, 20))}층")
    return made + pick(rng, tail)


def _name(rng: np.random.Generator) -> str:
    given = pick(rng, _SINGLE_POOL) if rng.random() < 0.04 else pick(rng, _GIVEN_POOL)
    return (pick(rng, ("남궁", "황보", "제갈", "선우")) if rng.random() < 0.01 else pick(rng, _SURNAME_POOL)) + given


def _english_name(rng: np.random.Generator) -> str:
    return f"{pick(rng, _FIRST_POOL)} {pick(rng, _LAST_POOL)}"


def _birth(rng: np.random.Generator) -> str:
    y, m, d = int(rng.integers(1930, 2023)), int(rng.integers(1, 13)), int(rng.integers(1, 29))
    forms = (f"{y}-{m:02d}-{d:02d}", f"{y}.{m:02d}.{d:02d}", f"{y}년 {m}월 {d}일", f"{y}{m:02d}{d:02d}")
    return pick(rng, (*forms, f"{y % 100:02d}{m:02d}{d:02d}", f"{y % 100:02d}.{m:02d}.{d:02d}", f"{y}/{m:02d}/{d:02d}"))


def _record(rng: np.random.Generator) -> str:
    return pick(rng, (number(rng, 8), number(rng, 7), f"H{number(rng, 7)}", f"{number(rng, 2)}-{number(rng, 6)}"))


def _staff(rng: np.random.Generator) -> str:
    return pick(rng, (number(rng, 6), f"E{number(rng, 5)}", f"20{number(rng, 6)}", f"A-{number(rng, 5)}"))


def _military(rng: np.random.Generator) -> str:
    return pick(rng, (f"{int(rng.integers(10, 25))}-{number(rng, 8)}", f"{int(rng.integers(10, 25))}-{number(rng, 5)}"))


def _pnu(rng: np.random.Generator) -> str:
    return pick(rng, sorted(SIDO_CODES)) + number(rng, 8) + pick(rng, "12") + number(rng, 8)


def _ipv6(rng: np.random.Generator) -> str:
    return "2001:db8:" + pick(rng, (":1f:{}", "0:12:{}:5:a:bc", "85a3::8a2e:{}")).format(number(rng, 3) + "f")


def _iban(rng: np.random.Generator) -> str:
    country, size = pick(rng, ("DE 18", "GB 18", "FR 23")).split()
    bank = "WEST" if country == "GB" else ""
    body = bank + number(rng, int(size) - len(bank))
    total = int("".join(str(int(char, 36)) for char in body + country + "00"))
    made = f"{country}{98 - total % 97:02d}{body}"
    return " ".join(made[at : at + 4] for at in range(0, len(made), 4)) if rng.random() < 0.5 else made


def _mac(rng: np.random.Generator) -> str:
    gap = pick(rng, ":-")
    return gap.join(f"{int(part):02x}" for part in (2, *rng.integers(0, 256, size=5)))


def _uuid(rng: np.random.Generator) -> str:
    raw = "".join(f"{int(part):x}" for part in rng.integers(0, 16, size=32))
    return "-".join((raw[:8], raw[8:12], raw[12:16], raw[16:20], raw[20:]))


MAKERS: Mapping[str, Maker] = {
    "rrn": _rrn,
    "frn": lambda rng: _weighted_rrn(rng, "5678"),
    "passport": _passport,
    "driver_licence": _licence,
    "mobile": _mobile,
    "landline": _landline,
    "email": _email,
    "url": _url,
    "nhis_card": lambda rng: pick(rng, "123456789") + number(rng, 10),
    "bank_account": _account,
    "payment_card": _card,
    "business_no": _business,
    "company_no": _company,
    "vehicle_plate": _plate,
    "customs_code": lambda rng: "P" + number(rng, 12),
    "postcode": lambda rng: f"{int(rng.integers(1000, 63600)):05d}",
    "kcd_code": _kcd,
    "address": _address,
    "person_name": _name,
    "person_name_en": _english_name,
    "birth_date": _birth,
    "mrn": _record,
    "student_no": lambda rng: pick(
        rng, (f"20{number(rng, 6)}", f"20{number(rng, 8)}", f"20{number(rng, 2)}-{number(rng, 5)}")
    ),
    "employee_no": _staff,
    "military_no": _military,
    "pnu": _pnu,
    "ipv4": lambda rng: pick(rng, ("192.0.2.", "198.51.100.", "203.0.113.")) + str(int(rng.integers(1, 255))),
    "ipv6": _ipv6,
    "mac": _mac,
    "us_ssn": lambda rng: f"{pick(rng, ('000', '666', '987'))}-{number(rng, 2)}-{number(rng, 4)}",
    "iban": _iban,
    "account_id": lambda rng: pick(rng, _FIRST_POOL).lower() + pick(rng, ("_", ".", "")) + number(rng, 3),
    "password": lambda rng: pick(rng, ("Tiger", "qwer", "Blue!", "pw#")) + number(rng, 4),
    "generic_id": lambda rng: pick(rng, (f"C{number(rng, 7)}", number(rng, 9), f"M-{number(rng, 6)}", _uuid(rng))),
}
"""Maker of each kind; ``person_name_en`` makes English names, which are reported as ``person_name``."""


def _amount(rng: np.random.Generator) -> str:
    return f"{int(rng.integers(1, 90_000_000)):,}"


def _decimal(rng: np.random.Generator) -> str:
    return f"{rng.normal():.{int(rng.integers(3, 12))}f}"


def _date(rng: np.random.Generator) -> str:
    y, m, d = int(rng.integers(2010, 2027)), int(rng.integers(1, 13)), int(rng.integers(1, 29))
    return pick(rng, (f"{y}-{m:02d}-{d:02d}", f"{y}.{m:02d}.{d:02d}", f"{y}년 {m}월 {d}일", f"{m}/{d}/{y}"))


def _order(rng: np.random.Generator) -> str:
    stamp = f"20{number(rng, 2)}{int(rng.integers(1, 13)):02d}{int(rng.integers(1, 29)):02d}"
    return pick(
        rng,
        (
            f"{stamp}-{number(rng, 7)}",
            f"ORD-{stamp}-{number(rng, 4)}",
            f"{stamp}{number(rng, 6)}",
            f"A{number(rng, 9)}",
        ),
    )


def _barcode(rng: np.random.Generator) -> str:
    digits = "880" + number(rng, 9)
    return digits + str((10 - sum((1 + 2 * (at % 2)) * int(d) for at, d in enumerate(digits)) % 10) % 10)


def _product(rng: np.random.Generator) -> str:
    return f"{pick(rng, ('SM', 'LG', 'KX', 'AB'))}-{pick(rng, 'ABGNSX')}{number(rng, 3)}{pick(rng, ('', 'N', 'K2'))}"


DECOY_MAKERS: Mapping[str, Maker] = {
    "amount": _amount,
    "decimal": _decimal,
    "date": _date,
    "time": lambda rng: f"{int(rng.integers(24)):02d}:{int(rng.integers(60)):02d}",
    "order": _order,
    "tracking": lambda rng: pick(rng, (number(rng, 12), f"{number(rng, 4)}-{number(rng, 4)}-{number(rng, 4)}")),
    "bp": lambda rng: f"{int(rng.integers(90, 180))}/{int(rng.integers(50, 110))}",
    "small": lambda rng: str(int(rng.integers(1, 60))),
    "temp": lambda rng: f"{rng.uniform(35, 41):.1f}",
    "lab": lambda rng: f"{rng.uniform(0.1, 300):.{int(rng.integers(0, 3))}f}",
    "product": _product,
    "version": lambda rng: ".".join(str(int(part)) for part in rng.integers(0, 20, size=int(rng.integers(2, 5)))),
    "barcode": _barcode,
    "digits3": lambda rng: number(rng, 3),
    "digits4": lambda rng: number(rng, 4),
    "digits7": lambda rng: number(rng, 7),
    "digits8": lambda rng: number(rng, 8),
}
"""Makers of things that are no identifiers."""

DECOY_COLUMNS: Mapping[str, Maker] = {
    "금액": _amount,
    "amount": lambda rng: str(int(rng.integers(1, 90_000_000))),
    "score": _decimal,
    "접수일": _date,
    "시각": DECOY_MAKERS["time"],
    "주문번호": _order,
    "order_no": _order,
    "운송장번호": DECOY_MAKERS["tracking"],
    "혈압": DECOY_MAKERS["bp"],
    "lab_value": DECOY_MAKERS["lab"],
    "product_code": _product,
    "바코드": _barcode,
    "상태": lambda rng: pick(rng, ("정상", "이상", "보류", "재검")),
    "flag": lambda rng: pick(rng, ("Y", "N")),
    "의견": lambda rng: pick(
        rng, ("재미있어요", "별로였다", "다시 오고 싶습니다", "이상 없음", "주의 요함", "조금 늦었어요")
    ),
    "depart": lambda rng: pick(rng, ("내과", "정형외과", "소아청소년과", "안과", "이비인후과")),
    "count": lambda rng: str(int(rng.integers(0, 2000))),
    "epoch": lambda rng: str(int(rng.integers(1_500_000_000, 1_800_000_000))),
    "x1": lambda rng: str(int(rng.integers(10_000, 99_999))),
    "x2": lambda rng: number(rng, 16),
    "x3": lambda rng: str(int(rng.integers(10**9, 10**10))),
    "v": lambda rng: f"{int(rng.integers(10**6, 10**7))}.0",
    "품명": lambda rng: pick(rng, ("라면", "우유", "고구마", "감자튀김", "이온음료", "조미김", "두부")),
    "city": lambda rng: pick(rng, ("Paris", "London", "Seoul", "New York", "Buenos Aires")),
    "비율": lambda rng: f"{rng.uniform(0, 100):.2f}%",
}
"""Makers of whole columns that hold no direct identifier."""
