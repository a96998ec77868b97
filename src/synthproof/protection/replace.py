"""Look-alikes of identifiers that cannot belong to a real person.

The same text gives the same look-alike within one run (a keyed hash; no list of real values is kept anywhere), and
each kind is made impossible in its own way:

================== ======================================================================= ===================
kind               why it belongs to nobody                                                how sure
================== ======================================================================= ===================
rrn, frn           month of birth 13 to 99, day 32 to 99                                   by the calendar
mobile             exchange beginning with 0: 010-0000 to 010-1999 are not assigned        press report of the
                   (they would collide with special numbers)                               ministry's plan, 2019
landline           exchange beginning with 0, which would be a trunk prefix                inferred
email, url         domain ``example.invalid``                                              RFC 2606
ipv4 ipv6 mac      documentation ranges                                                    RFC 5737, 3849, 7042
payment_card       issuer digit 0 and a Luhn digit that fails                              ISO/IEC 7812
business_no        middle pair 00 (natural persons 01-79, firms above) and a failing digit format rule
company_no         registry office 0000 and a failing digit                                inferred
vehicle_plate      a doubled consonant, which no plate carries                             plate rules
driver_licence     region 99 (11 to 28 are issued)                                         format rule
passport           type letter X (M, S, R, G, D, O are issued)                             inferred
nhis_card          first digit 0 (1 to 9 are issued)                                       format rule
us_ssn             area 000, never issued                                                  SSA
iban               country XX (kept free by ISO 3166) and check digits 00                  ISO 13616
pnu                province code 99                                                        code list to 52
customs_code       serial part beginning with 000; bank_account: branch 000                inferred
postcode           begins with 99 (01 to 63 are in use)                                    post office
birth_date         every digit 0                                                           by the calendar
person_name        a placeholder, no name at all                                           by form
address            a place that does not exist, said in the words themselves               by form
record numbers     a serial of a new form (18 digits beginning with 9, or ``ID-`` + 12)    by form
================== ======================================================================= ===================
"""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator

from synthproof.engines.finders.checks import business_check, company_check, luhn_check

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_HANGUL = re.compile("[가-힣]")
_DIGIT = re.compile(r"[0-9]")
_SERIALS = frozenset({"mrn", "student_no", "employee_no", "generic_id", "account_id", "unit"})
_PLATE_LETTERS = "까따빠짜"
DIGIT_SERIAL = r"9\d{17}"
CODE_SERIAL = r"ID-[0-9A-HJKMNP-TV-Z]{12}"


class Forge:
    """Makes look-alikes, the same for the same text.

    Parameters
    ----------
    seed
        The run's seed; another seed gives other look-alikes. Whoever knows it can test guesses of real values
        against look-alikes, so it belongs in the vault.
    """

    def __init__(self, seed: int) -> None:
        self._key = hashlib.sha256(f"synthproof/replace/{seed}".encode()).digest()

    def like(self, kind: str, text: str) -> str:
        """Return a look-alike of `text`, an identifier of the given kind (a key of the finders' ``KINDS``).

        Two spellings of one number (``010-2…`` and ``0102…``) give one number, each in its own spelling. Record
        numbers are taken to the letter, so that two different ones stay different: 60 bits or more keep a collision
        below one in a million for a million records.
        """
        if kind in _SERIALS:
            return self.serial(text)
        maker = _MAKERS.get(kind)
        return maker(self, text) if maker else self.serial(text)

    def serial(self, text: str) -> str:
        """Return a new record number: digits for digits, ``ID-…`` for anything else."""
        if text.isascii() and text.isdigit():
            return "9" + self.digits("serial", text, 17)
        return "ID-" + self.letters("serial", text, 12)

    def digits(self, kind: str, canonical: str, n: int) -> str:
        """Return n decimal digits that depend on the key, kind and text alone."""
        return self._drawn(kind, canonical, n, (str(b % 10) for b in self._bytes(kind, canonical) if b < 250))

    def letters(self, kind: str, canonical: str, n: int) -> str:
        """Return n characters of an alphabet without I, L, O and U."""
        return self._drawn(kind, canonical, n, (_ALPHABET[b % 32] for b in self._bytes(kind, canonical)))

    def _drawn(self, kind: str, canonical: str, n: int, symbols: Iterable[str]) -> str:
        return "".join(symbol for symbol, _ in zip(symbols, range(n), strict=False))

    def _bytes(self, kind: str, canonical: str) -> Iterator[int]:
        block = 0
        while True:
            message = f"{kind}\x1f{canonical}\x1f{block}".encode()
            yield from hmac.new(self._key, message, hashlib.sha256).digest()
            block += 1


def canonical(text: str) -> str:
    """Return the letters and digits of a text, so that spellings of one number agree."""
    return "".join(c for c in unicodedata.normalize("NFKC", text).upper() if c.isalnum())


def laid_out(layout: str, digits: str, *, letters: str = "") -> str:
    """Return `layout` with its digits taken from `digits` in order, and its Latin letters from `letters`."""
    d, c = iter(digits), iter(letters)
    plain = unicodedata.normalize("NFKC", layout)
    return "".join(
        next(d, "0") if _DIGIT.match(x) else next(c, "X") if x.isascii() and x.isalpha() else x for x in plain
    )


def _count(text: str) -> int:
    return len(_DIGIT.findall(unicodedata.normalize("NFKC", text)))


def _numbers(forge: Forge, kind: str, text: str, *, start: str = "", least: int = 0, default: str = "") -> str:
    """Digits in the layout of the text, beginning with `start`; the default layout where the text is not in digits."""
    layout = text if _count(text) >= least else default
    drawn = forge.digits(kind, canonical(text), max(_count(layout), len(start)))
    return laid_out(layout, start + drawn[len(start) :], letters="X" * len(layout))


def _resident(forge: Forge, text: str) -> str:
    layout = text if _count(text) >= 7 else "000000-0000000"
    drawn = forge.digits("rrn", canonical(text), 17)
    month, day = 13 + int(drawn[2:4]) % 87, 32 + int(drawn[4:6]) % 68
    return laid_out(layout, f"{drawn[:2]}{month:02d}{day:02d}{drawn[6:]}")


def _mobile(forge: Forge, text: str) -> str:
    digits = "".join(_DIGIT.findall(unicodedata.normalize("NFKC", text)))
    if len(digits) < 7:
        text, digits = "010-0000-0000", "01000000000"
    start = "820100" if digits.startswith("820") else "82100" if digits.startswith("82") else ""
    start = start or ("100" if digits.startswith("1") else "0100")
    # A national and an international spelling of one number agree in its last seven digits.
    drawn = forge.digits("mobile", _tail(digits), 7)
    n = len(digits)
    return laid_out(text, (start + drawn[-max(n - len(start), 0) :] if n > len(start) else start)[:n])


def _tail(digits: str) -> str:
    return digits.removeprefix("82").removeprefix("0")


def _landline(forge: Forge, text: str) -> str:
    digits = "".join(_DIGIT.findall(unicodedata.normalize("NFKC", text)))
    if len(digits) <= 8:
        return _numbers(forge, "landline", text, start="1000", least=4, default="02-000-0000")
    start = "82" if digits.startswith("82") else ""
    area = "02" if digits.removeprefix("82").removeprefix("0").startswith("2") else "070"
    if start:
        area = area.removeprefix("0")
    return _numbers(forge, "landline", text, start=start + area + "0")


def _failing(check: Callable[[str], bool], digits: str) -> str:
    """The digits with a last one that fails the check."""
    return next(digits[:-1] + str(d) for d in range(10) if not check(digits[:-1] + str(d)))


def _card(forge: Forge, text: str) -> str:
    n = _count(text) if _count(text) >= 12 else 16
    layout = text if _count(text) >= 12 else "0000-0000-0000-0000"
    return laid_out(layout, _failing(luhn_check, "0" + forge.digits("payment_card", canonical(text), n - 1)))


def _business(forge: Forge, text: str) -> str:
    layout = text if _count(text) == 10 else "000-00-00000"
    drawn = forge.digits("business_no", canonical(text), 10)
    return laid_out(layout, _failing(business_check, drawn[:3] + "00" + drawn[5:]))


def _company(forge: Forge, text: str) -> str:
    layout = text if _count(text) == 13 else "000000-0000000"
    drawn = forge.digits("company_no", canonical(text), 13)
    return laid_out(layout, _failing(company_check, "0000" + drawn[4:]))


def _plate(forge: Forge, text: str) -> str:
    drawn = forge.digits("vehicle_plate", canonical(text), 8)
    front = re.search(r"(\d{2,3})\s?[가-힣]", text)
    width = len(front.group(1)) if front else 2
    return f"{drawn[:width]}{_PLATE_LETTERS[int(drawn[3]) % 4]}{drawn[4:8]}"


def _passport(forge: Forge, text: str) -> str:
    drawn = forge.digits("passport", canonical(text), 8)
    return laid_out(text if _count(text) >= 7 else "X00000000", drawn, letters="X" * len(text))


def _customs(forge: Forge, text: str) -> str:
    return "P000" + forge.digits("customs_code", canonical(text), 9)


def _iban(forge: Forge, text: str) -> str:
    plain = unicodedata.normalize("NFKC", text)
    rest = laid_out(plain[4:], forge.digits("iban", canonical(text), max(_count(plain[4:]), 1)), letters="X" * 40)
    return "XX00" + rest


def _email(forge: Forge, text: str) -> str:
    return f"u{forge.letters('email', text.strip().lower(), 10).lower()}@example.invalid"


def _url(forge: Forge, text: str) -> str:
    return f"https://example.invalid/{forge.letters('url', text.strip(), 10).lower()}"


def _ipv4(forge: Forge, text: str) -> str:
    drawn = int(forge.digits("ipv4", canonical(text.strip()) + text.strip(), 6))
    return f"{('192.0.2', '198.51.100', '203.0.113')[drawn % 3]}.{1 + drawn // 3 % 254}"


def _ipv6(forge: Forge, text: str) -> str:
    drawn = f"{int(forge.digits('ipv6', text.strip().lower(), 12)):012x}"[-8:]
    return f"2001:db8::{drawn[:4]}:{drawn[4:]}"


def _mac(forge: Forge, text: str) -> str:
    mark = "-" if "-" in text else ":"
    last = int(forge.digits("mac", canonical(text), 4)) % 256
    return mark.join(("00", "00", "5E", "00", "53", f"{last:02X}"))


def _name(forge: Forge, text: str) -> str:
    drawn = forge.letters("person_name", canonical(text), 6)
    return f"가명-{drawn}" if _HANGUL.search(text) else f"Alias-{drawn}"


def _address(forge: Forge, text: str) -> str:
    number = 1 + int(forge.digits("address", canonical(text), 8)) % 99_999
    return f"가상시 없는구 허구로 {number}" if _HANGUL.search(text) else f"{number} Nowhere Road, Noplace"


def _birth(forge: Forge, text: str) -> str:
    return laid_out(text, "0" * _count(text)) if _count(text) >= 4 else "0000-00-00"


def _started(kind: str, start: str, least: int, default: str) -> Callable[[Forge, str], str]:
    def make(forge: Forge, text: str) -> str:
        return _numbers(forge, kind, text, start=start, least=least, default=default)

    return make


_MAKERS: dict[str, Callable[[Forge, str], str]] = {
    "rrn": _resident,
    "frn": _resident,
    "mobile": _mobile,
    "landline": _landline,
    "payment_card": _card,
    "business_no": _business,
    "company_no": _company,
    "vehicle_plate": _plate,
    "passport": _passport,
    "customs_code": _customs,
    "iban": _iban,
    "email": _email,
    "url": _url,
    "ipv4": _ipv4,
    "ipv6": _ipv6,
    "mac": _mac,
    "person_name": _name,
    "address": _address,
    "birth_date": _birth,
    "password": lambda _forge, _text: "********",
    "driver_licence": _started("driver_licence", "99", 10, "00-00-000000-00"),
    "nhis_card": _started("nhis_card", "00", 10, "00000000000"),
    "bank_account": _started("bank_account", "000", 8, "000-00-000000"),
    "military_no": _started("military_no", "00", 6, "00-00000000"),
    "pnu": _started("pnu", "99", 15, "0000000000000000000"),
    "us_ssn": _started("us_ssn", "000", 9, "000-00-0000"),
    "postcode": _started("postcode", "99", 5, "00000"),
}

__all__ = ["CODE_SERIAL", "DIGIT_SERIAL", "Forge", "canonical", "laid_out"]
