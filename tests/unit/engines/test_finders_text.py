"""The finders in text: right kinds, right places, soft check digits, right reading of odd writing."""

from __future__ import annotations

import dataclasses
import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthproof.engines.finders import KINDS, Match, find_in_text
from synthproof.engines.finders import checks as check
from synthproof.engines.finders.normalise import normalise


def found(text: str) -> list[tuple[str, str]]:
    return [(match.kind, text[match.start : match.end]) for match in find_in_text(text)]


@pytest.mark.parametrize(
    ("text", "kind", "part"),
    [
        ("주민등록번호는 990231-4123456입니다.", "rrn", "990231-4123456"),
        ("주민번호 990231-1******", "rrn", "990231-1******"),
        ("등록: 990231-5123456", "frn", "990231-5123456"),
        ("법인등록번호 110111-9123450", "company_no", "110111-9123450"),
        ("연락처 010-0123-4567", "mobile", "010-0123-4567"),
        ("call +82 10-0123-4567 now", "mobile", "+82 10-0123-4567"),
        ("건강보험증번호 21234567890", "nhis_card", "21234567890"),
        ("휴대폰 01001234567", "mobile", "01001234567"),
        ("카드번호 4111-1111-1111-1111", "payment_card", "4111-1111-1111-1111"),
        ("환불은 국민은행 123-45-678901로", "bank_account", "123-45-678901"),
        ("사업자등록번호 123-00-67897", "business_no", "123-00-67897"),
        ("주차된 12가3456 차량", "vehicle_plate", "12가3456"),
        (
            "주소: 서울특별시 강남구 가람나래로 123, 101동 1001호입니다",
            "address",
            "서울특별시 강남구 가람나래로 123, 101동 1001호",
        ),
        ("환자 김민수는 어제", "person_name", "김민수"),
        ("Dr. John Smith signed", "person_name", "John Smith"),
        ("생년월일: 1985.03.02", "birth_date", "1985.03.02"),
        ("850302생 남자", "birth_date", "850302"),
        ("차트번호: H0012345", "mrn", "H0012345"),
        ("접속 IP 192.0.2.17에서", "ipv4", "192.0.2.17"),
        ("주상병 E11.9", "kcd_code", "E11.9"),
        ("우편번호 06236", "postcode", "06236"),
        ('{"user_id":"minji_92"}', "account_id", "minji_92"),
        ("비밀번호: Tiger!2024", "password", "Tiger!2024"),
    ],
)
def test_finds(text: str, kind: str, part: str) -> None:
    assert (kind, part) in found(text)


@pytest.mark.parametrize(
    "text",
    [
        "총 진료비는 1,234,567원입니다.",
        "혈압 120/80 mmHg, 맥박 72회",
        "주문번호 20240115-0001234 발송",
        "계수 0.0101234567, -1.2345678901",
        "버전 1.12.3.4에서 수정",
        "2024-03-05 13:20 접수",
        "임진왜란(1592-1598)",
        "바코드 8801234567893",
        "예산은 10조 2000억 원",
        "선생님께서 고객님께 안내하셨습니다.",
        "환자 상태 양호, 이상 없음",
        "영화가 정말 재미있었다.",
        "Take two tablets every 6 hours.",
        "운송장 1234-5678-9012",
        "",
        " ",
    ],
)
def test_stays_silent(text: str) -> None:
    assert found(text) == []


def test_full_width_and_spoken_numbers_keep_their_places() -> None:
    text = "번호는 ０１０－０１２３－４５６７ 입니다"
    assert found(text) == [("mobile", "０１０－０１２３－４５６７")]
    assert found("공일공 공일이삼 사오육칠이에요") == [("mobile", "공일공 공일이삼 사오육칠")]
    assert found("공일공에 공일이삼에 사오육칠로 전화")[0] == ("mobile", "공일공에 공일이삼에 사오육칠")
    assert found("010-공일이삼-사오육칠") == [("mobile", "010-공일이삼-사오육칠")]


def test_split_hangul_is_composed() -> None:
    text = unicodedata.normalize("NFD", "휴대폰 010-0123-4567")
    assert found(text) == [("mobile", "010-0123-4567")]


def test_zero_width_characters_do_not_hide_a_number() -> None:
    text = "010\u200b-0123\u200b-4567"
    assert found(text) == [("mobile", text)]


def test_check_digit_raises_belief_and_never_excludes() -> None:
    digits = "990101" + "412345"
    passing = next(str(last) for last in range(10) if check.rrn_check(digits + str(last)))
    failing = str((int(passing) + 5) % 10)
    good = find_in_text(f"990101-412345{passing}")[0]
    bad = find_in_text(f"990101-412345{failing}")[0]
    assert (good.kind, bad.kind) == ("rrn", "rrn")
    assert good.confidence > bad.confidence >= 0.5
    assert "check-digit" in good.evidence
    assert "check-digit" not in bad.evidence


def test_label_decides_between_kinds_of_one_shape() -> None:
    assert found("주민번호 130111-9006246")[0][0] == "rrn"
    assert found("법인번호 130111-9006246")[0][0] == "company_no"


def test_context_lowers_belief() -> None:
    alone = find_in_text("M12345678")[0]
    assert alone.kind == "passport"
    assert find_in_text("모델명 M12345678") == []
    assert find_in_text("여권 M12345678")[0].confidence > alone.confidence


def test_kinds_filter_keeps_competition() -> None:
    text = "법인번호 130111-9006246, 연락처 010-0123-4567"
    assert [match.kind for match in find_in_text(text, kinds={"mobile"})] == ["mobile"]
    assert find_in_text("법인번호 130111-9006246", kinds={"rrn"}) == []
    with pytest.raises(ValueError, match="unknown kinds"):
        find_in_text(text, kinds={"nonsense"})


def test_match_holds_no_text() -> None:
    match = find_in_text("010-0123-4567")[0]
    assert {field.name for field in dataclasses.fields(Match)} == {"kind", "start", "end", "confidence", "evidence"}
    assert all("0123" not in str(getattr(match, field.name)) for field in dataclasses.fields(match))


def test_long_hostile_text_is_read_in_linear_time() -> None:
    start = time.process_time()
    for piece in (
        "1-",
        "a@",
        "가동 ",
        "서울시 강남구 ",
        "공일",
        "AB12 ",
        "12:",
        "환자 ",
        "010-0123-4567, ",
        "http://(",
    ):
        find_in_text(piece * 8000)
    assert time.process_time() - start < 6.0  # about 0.5 s; quadratic reading would take minutes


@settings(max_examples=150, deadline=None)
@given(
    st.text(
        alphabet=st.sampled_from("0123456789-. @가나공일이삼김민수환자번호ABab:/()\uff10\u200b\u1100\u1161\n"),
        max_size=60,
    )
)
def test_matches_are_inside_apart_and_ordered(text: str) -> None:
    matches = find_in_text(text)
    last = 0
    for match in matches:
        assert last <= match.start < match.end <= len(text)
        assert match.kind in KINDS
        assert 0.5 <= match.confidence <= 1.0
        last = match.end
    assert matches == find_in_text(text)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=40))
def test_normal_form_maps_back(text: str) -> None:
    normal = normalise(text)
    if normal.starts is not None and normal.ends is not None:
        assert len(normal.text) == len(normal.starts) == len(normal.ends)
        assert all(0 <= start < end <= len(text) for start, end in zip(normal.starts, normal.ends, strict=True))


def test_published_check_digits() -> None:
    # Public examples: card schemes' test numbers, the IBAN of the standard, a public company's numbers.
    assert check.luhn_check("4111111111111111")
    assert not check.luhn_check("4111111111111112")
    assert check.iban_check("GB82 WEST 1234 5698 7654 32")
    assert check.business_check("1248100998")
    assert check.company_check("1301110006246")
    assert not check.company_check("1301110006247")
    # Both published rules for foreigners are accepted; they differ by two in the last digit.
    digits = "990101512345"
    assert sum(check.frn_check(digits + str(last)) for last in range(10)) == 2


def test_kinds_say_what_the_law_says() -> None:
    assert {kind.id for kind in KINDS.values() if kind.unique_number} == {"rrn", "frn", "passport", "driver_licence"}
    assert KINDS["business_no"].klass == "firm"
    assert KINDS["postcode"].klass == "quasi"
    for kind in KINDS.values():
        assert kind.en.isascii()
        assert any("가" <= char <= "힣" for char in kind.ko)
