"""Look-alikes belong to nobody, keep the layout, and are the same for the same text."""

from __future__ import annotations

import re

import pytest

from synthproof.engines.finders.checks import birth_parts, business_check, company_check, luhn_check
from synthproof.protection.replace import CODE_SERIAL, DIGIT_SERIAL, Forge, canonical, laid_out

FORGE = Forge(7)
MADE_RRN = "991332-1234567"  # month 13: nobody's


def digits(text: str) -> str:
    return "".join(c for c in text if c.isdigit())


@pytest.mark.parametrize("text", [MADE_RRN, "9913321234567", "991332-1******", "구구일삼"])
@pytest.mark.parametrize("seed", range(20))
def test_resident_numbers_have_no_calendar_day(text: str, seed: int) -> None:
    made = digits(Forge(seed).like("rrn", text))
    assert 13 <= int(made[2:4]) <= 99
    assert 32 <= int(made[4:6]) <= 99
    assert len(made) < 13 or birth_parts(made) is None


def test_layout_is_kept() -> None:
    assert re.fullmatch(r"\d{6}-\d{7}", FORGE.like("rrn", MADE_RRN))
    assert re.fullmatch(r"\d{6}-\d\*{6}", FORGE.like("rrn", "991332-1******"))
    assert re.fullmatch(r"010-0\d{3}-\d{4}", FORGE.like("mobile", "010-1234-5678"))
    assert re.fullmatch(r"0100\d{7}", FORGE.like("mobile", "01012345678"))


def test_one_number_in_several_spellings_stays_one_number() -> None:
    made = {
        digits(FORGE.like("mobile", t))[-7:] for t in ("010-1234-5678", "01012345678", "+82 10 1234 5678", "1012345678")
    }
    assert len(made) == 1
    assert FORGE.like("email", "A@example.com") == FORGE.like("email", "a@example.com ")


@pytest.mark.parametrize("seed", range(30))
def test_numbers_fail_their_checks(seed: int) -> None:
    forge = Forge(seed)
    assert not luhn_check(digits(forge.like("payment_card", "4111-1111-1111-1111")))
    business = digits(forge.like("business_no", "123-45-67890"))
    assert business[3:5] == "00"
    assert not business_check(business)
    company = digits(forge.like("company_no", "110111-1234567"))
    assert company.startswith("0000")
    assert not company_check(company)


@pytest.mark.parametrize(
    ("kind", "text", "form"),
    [
        ("email", "kim@example.com", r"u[0-9a-z]{10}@example\.invalid"),
        ("url", "https://example.com/kim", r"https://example\.invalid/[0-9a-z]{10}"),
        ("ipv4", "10.1.2.3", r"(192\.0\.2|198\.51\.100|203\.0\.113)\.\d{1,3}"),
        ("ipv6", "fe80::1", r"2001:db8::[0-9a-f]{4}:[0-9a-f]{4}"),
        ("mac", "AA-BB-CC-DD-EE-FF", r"00-00-5E-00-53-[0-9A-F]{2}"),
        ("driver_licence", "11-22-333333-44", r"99-\d{2}-\d{6}-\d{2}"),
        ("passport", "M123A4567", r"X\d{3}X\d{4}"),
        ("nhis_card", "12345678901", r"00\d{9}"),
        ("us_ssn", "123-45-6789", r"000-\d{2}-\d{4}"),
        ("vehicle_plate", "123가4567", r"\d{3}[까따빠짜]\d{4}"),
        ("customs_code", "P123456789012", r"P000\d{9}"),
        ("postcode", "06236", r"99\d{3}"),
        ("birth_date", "1987년 3월 2일", r"0000년 0월 0일"),
        ("person_name", "홍길동", r"가명-[0-9A-Z]{6}"),
        ("person_name", "Jane Doe", r"Alias-[0-9A-Z]{6}"),
        ("address", "서울특별시 없는구 없는로 1", r"가상시 없는구 허구로 \d{1,5}"),
        ("password", "hunter2", r"\*{8}"),
        ("landline", "02-345-6789", r"02-0\d{2}-\d{4}"),
        ("landline", "031-345-6789", r"070-0\d{2}-\d{4}"),
        ("iban", "DE89370400440532013000", r"XX00\d{18}"),
        ("mrn", "A-1203", CODE_SERIAL),
        ("mrn", "1203", DIGIT_SERIAL),
        ("a kind of a third party", "zz", CODE_SERIAL),
    ],
)
def test_form(kind: str, text: str, form: str) -> None:
    made = FORGE.like(kind, text)
    assert re.fullmatch(form, made), made
    assert made == Forge(7).like(kind, text)
    assert made != text


def test_another_seed_gives_other_look_alikes() -> None:
    assert FORGE.like("mrn", "A-1") != Forge(8).like("mrn", "A-1")


def test_different_record_numbers_stay_different() -> None:
    texts = [f"{i:05d}" for i in range(20_000)] + [f"A{i}" for i in range(100)] + ["A-1", "a1", "A 1"]
    assert len({FORGE.serial(t) for t in texts}) == len(texts)


def test_helpers() -> None:
    assert canonical("０１０-12 ab") == "01012AB"
    assert laid_out("12-a3", "987", letters="Q") == "98-Q7"
