"""Candidates that look alike everywhere: e-mail, web and network addresses, IBAN, US numbers, cards, unique keys.

Each function yields `Candidate` with the belief its shape alone deserves; surroundings are weighed in `text.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import AddressValueError, IPv6Address
from typing import NamedTuple

from .checks import digits_of, iban_check, luhn_check


class Candidate(NamedTuple):
    """A possible identifier before its surroundings are weighed."""

    kind: str
    start: int
    end: int
    belief: float
    evidence: tuple[str, ...]


LEFT = r"(?<![0-9])(?<![0-9][.\-])"
RIGHT = r"(?![0-9])(?!-[0-9])(?!\.[0-9])"

_EMAIL = re.compile(
    r"(?<![A-Za-z0-9._%+\-])[A-Za-z0-9][A-Za-z0-9._%+\-]{0,63}\s?@\s?"
    r"[A-Za-z0-9](?:[A-Za-z0-9\-]{0,62})(?:\.[A-Za-z0-9\-]{1,63})*\.[A-Za-z]{2,12}(?![A-Za-z0-9])"
)
_URL = re.compile(
    r"(?:https?|ftp)://[!-~]{3,2000}|(?<![A-Za-z0-9@.])www\.[!-~]{3,2000}"
    r"|(?<![A-Za-z0-9@.\-/])(?:[a-z0-9\-]{1,63}\.){1,4}(?:com|net|org|co\.kr|or\.kr|go\.kr|ac\.kr|kr|io|me|ly|gl|be)/[!-~]{1,500}",
    re.IGNORECASE,
)
_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4 = re.compile(rf"(?<![0-9A-Za-z])(?<![0-9][.\-]){_OCTET}(?:\.{_OCTET}){{3}}(?![0-9A-Za-z])(?!\.[0-9])")
_IPV6 = re.compile(r"(?<![0-9A-Za-z:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![0-9A-Za-z:])")
_MAC = re.compile(
    r"(?<![0-9A-Za-z:\-])(?:[0-9A-Fa-f]{2}([:\-])(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}|(?:[0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4})"
    r"(?![0-9A-Za-z:\-])"
)
_SSN = re.compile(LEFT + r"[0-9]{3}([\- ])[0-9]{2}\1[0-9]{4}" + RIGHT)
_SSN_PLAIN = re.compile(LEFT + r"[0-9]{9}" + RIGHT)
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])")
_UUID = re.compile(
    r"(?<![0-9A-Za-z])[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}(?![0-9A-Za-z])"
)
_CARD = re.compile(LEFT + r"[0-9]{4}(\s?-\s?|\s|\.|)[0-9]{4}\1[0-9]{4}\1[0-9]{4}" + RIGHT)
_AMEX = re.compile(LEFT + r"3[47][0-9]{2}([\- ]?)[0-9]{6}\1[0-9]{5}" + RIGHT)


def web_candidates(text: str) -> Iterator[Candidate]:
    """E-mail addresses and URLs."""
    if "@" in text:
        for found in _EMAIL.finditer(text):
            yield Candidate("email", *found.span(), 0.97, ("shape",))
    if "." in text or "://" in text:
        for found in _URL.finditer(text):
            trimmed = found.group().rstrip(".,;:!?'\"<>")
            while trimmed.endswith((")", "]", "}")) and trimmed.count("(") < trimmed.count(")") + trimmed.count("]"):
                trimmed = trimmed[:-1].rstrip(".,;:!?'\"")
            cut = min((at for at in (trimmed.find(c) for c in "<>\"'`") if at > 0), default=len(trimmed))
            trimmed = trimmed[:cut].rstrip(").,")
            yield Candidate("url", found.start(), found.start() + len(trimmed), 0.9, ("shape",))


def network_candidates(text: str) -> Iterator[Candidate]:
    """IPv4, IPv6 and MAC addresses."""
    if text.count(".") >= 3:
        for found in _IPV4.finditer(text):
            small = all(int(part) < 10 for part in found.group().split("."))
            yield Candidate("ipv4", *found.span(), 0.5 if small else 0.8, ("shape",))
    if text.count(":") >= 2:
        for found in _IPV6.finditer(text):
            part = found.group()
            try:
                IPv6Address(part)
            except AddressValueError:
                continue
            if sum(char.isalnum() for char in part) >= 4 or part.count(":") == 7:
                yield Candidate("ipv6", *found.span(), 0.85, ("shape",))
    for found in _MAC.finditer(text):
        yield Candidate("mac", *found.span(), 0.85, ("shape",))


def key_candidates(text: str) -> Iterator[Candidate]:
    """UUIDs, IBANs and US social security numbers."""
    for found in _UUID.finditer(text):
        yield Candidate("generic_id", *found.span(), 0.75, ("shape",))
    for found in _IBAN.finditer(text):
        passed = iban_check(found.group())
        yield Candidate(
            "iban", *found.span(), 0.95 if passed else 0.3, ("shape", "check-digit") if passed else ("shape",)
        )
    for found in _SSN.finditer(text):
        yield Candidate("us_ssn", *found.span(), 0.62 if found.group(1) == "-" else 0.35, ("shape",))
    for found in _SSN_PLAIN.finditer(text):
        yield Candidate("us_ssn", *found.span(), 0.1, ("shape",))


def card_candidates(text: str) -> Iterator[Candidate]:
    """Payment cards of 16 digits and of the 4-6-5 form."""
    for found in _CARD.finditer(text):
        digits = digits_of(found.group())
        parted = found.group(1) != ""
        passed = luhn_check(digits)
        belief = (0.88 if parted else 0.7) if passed else (0.6 if parted else 0.25)
        if digits[0] in "0178":
            belief -= 0.2
        yield Candidate("payment_card", *found.span(), belief, ("shape", "check-digit") if passed else ("shape",))
    for found in _AMEX.finditer(text):
        passed = luhn_check(digits_of(found.group()))
        parted = found.group(1) != ""
        belief = (0.85 if parted else 0.6) if passed else (0.5 if parted else 0.15)
        yield Candidate("payment_card", *found.span(), belief, ("shape", "check-digit") if passed else ("shape",))
