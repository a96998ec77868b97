"""Check digits and calendars: soft evidence that raises belief and never excludes.

Since October 2020 the last six digits of new resident numbers are random, so a failing check says little about young
holders; the others can be mistyped.  All functions take strings of ASCII digits and never raise on wrong lengths.
"""

from __future__ import annotations

_RRN_WEIGHTS = (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)
_BIZ_WEIGHTS = (1, 3, 7, 1, 3, 7, 1, 3, 5)
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def digits_of(text: str) -> str:
    """Only the ASCII digits of `text`."""
    return "".join(char for char in text if "0" <= char <= "9")


def rrn_check(digits: str) -> bool:
    """Whether 13 digits pass the resident-number rule: (11 - weighted sum mod 11) mod 10."""
    if len(digits) != 13:
        return False
    total = sum(weight * int(digit) for weight, digit in zip(_RRN_WEIGHTS, digits, strict=False))
    return (11 - total % 11) % 10 == int(digits[12])


def frn_check(digits: str) -> bool:
    """Whether 13 digits pass either published rule for foreigners (13 - sum mod 11, or the residents' rule)."""
    if len(digits) != 13:
        return False
    total = sum(weight * int(digit) for weight, digit in zip(_RRN_WEIGHTS, digits, strict=False))
    return (13 - total % 11) % 10 == int(digits[12]) or rrn_check(digits)


def business_check(digits: str) -> bool:
    """Whether 10 digits pass the business-number rule."""
    if len(digits) != 10:
        return False
    total = sum(weight * int(digit) for weight, digit in zip(_BIZ_WEIGHTS, digits, strict=False))
    return (10 - (total + int(digits[8]) * 5 // 10) % 10) % 10 == int(digits[9])


def company_check(digits: str) -> bool:
    """Whether 13 digits pass the company-number rule (weights 1, 2 in turn; plain products)."""
    if len(digits) != 13:
        return False
    total = sum((1 + at % 2) * int(digit) for at, digit in enumerate(digits[:12]))
    return (10 - total % 10) % 10 == int(digits[12])


def luhn_check(digits: str) -> bool:
    """Whether the digits pass the Luhn rule of payment cards."""
    if len(digits) < 12:
        return False
    total = 0
    for at, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + at % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def ean_check(digits: str) -> bool:
    """Whether 13 digits are a well-formed EAN-13 product code (evidence *against* a person's number)."""
    if len(digits) != 13:
        return False
    total = sum((1 + 2 * (at % 2)) * int(digit) for at, digit in enumerate(digits[:12]))
    return (10 - total % 10) % 10 == int(digits[12])


def iban_check(text: str) -> bool:
    """Whether an IBAN passes modulo 97 (ISO 13616)."""
    plain = text.replace(" ", "").upper()
    if len(plain) < 15 or not plain.isalnum() or not plain.isascii():
        return False
    turned = plain[4:] + plain[:4]
    return int("".join(str(int(char, 36)) for char in turned)) % 97 == 1


def birth_parts(digits: str) -> tuple[int, int, int] | None:
    """(year, month, day) of a resident-shaped number, or None when its first six digits are no date at all.

    The seventh digit chooses the century: 9, 0 for 18xx; 1, 2, 5, 6 for 19xx; 3, 4, 7, 8 for 20xx.  30 and 31 February
    are accepted (soft evidence only).
    """
    if len(digits) < 7:
        return None
    month, day = int(digits[2:4]), int(digits[4:6])
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    century = {"9": 1800, "0": 1800, "1": 1900, "2": 1900, "5": 1900, "6": 1900}.get(digits[6], 2000)
    return century + int(digits[:2]), month, day


def is_calendar_day(year: int, month: int, day: int) -> bool:
    """Whether month and day exist (29 February accepted in every year)."""
    return 1 <= month <= 12 and 1 <= day <= _DAYS[month - 1] and year >= 0
