"""Identifiers without a shape of their own: whatever token follows a label such as 환자번호, 사번 or user name."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .context import Setting
from .general import Candidate
from .wordlists import words

_LINK = re.compile(
    r"\.?(?:\s?(?:번호|no\.?|number|코드|code))?\s?(?:은|는|이|가|\bis)?\s?[:=#(\[\"'|]{0,4}\s?", re.IGNORECASE
)
_NUMBER = re.compile(r"[A-Za-z]{0,6}[\-_]?[0-9][A-Za-z0-9\-_/]{1,38}")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{2,31}")
_SECRET = re.compile(r"[!-~]{4,40}")
_TOKENS = {
    "mrn": _NUMBER,
    "student_no": _NUMBER,
    "employee_no": _NUMBER,
    "military_no": _NUMBER,
    "generic_id": _NUMBER,
    "account_id": _WORD,
    "password": _SECRET,
}


def labelled_candidates(setting: Setting) -> Iterator[Candidate]:
    """Tokens right after a label of a shapeless kind; a number needs three digits or more."""
    text = setting.text
    for label in setting.labels:
        wanted = [kind for kind in _TOKENS if kind in label.kinds]
        if not wanted:
            continue
        link = _LINK.match(text, label.end)
        at = link.end() if link else label.end
        told = any(char in ":=#([" for char in text[label.end : at])
        # A Korean label names its token; an English one may be a plain word ("password reset"), so it needs proof.
        korean = not text[label.start].isascii()
        for kind in wanted:
            token = _TOKENS[kind].match(text, at)
            if token is None:
                continue
            end = _trim(text, token.start(), token.end(), kind)
            part = text[token.start() : end]
            digits = sum(char.isdigit() for char in part)
            if kind in ("account_id", "password"):
                enough = len(part) >= 4 and (digits > 0 or told or (korean and len(part) >= 5) or "_" in part)
                enough = enough and not part.isdigit() if kind == "account_id" else enough
                enough = enough and not (kind == "account_id" and part.lower() in _PLAIN_WORDS)
            else:
                enough = digits >= 3
            if kind == "generic_id" and "account_id" in label.kinds and part[:3].isalpha() and part[:3].islower():
                enough = False  # "ID: minji_92" is a login name, not a record key
            if enough:
                sure = 0.8 if len(label.kinds) <= 2 else 0.62
                yield Candidate(kind, token.start(), end, sure - 0.06 * wanted.index(kind), ("label",))


_PLAIN_WORDS = frozenset(words("number and the for with was has not user name login card code required missing"))


def _trim(text: str, start: int, end: int, kind: str) -> int:
    while end > start and text[end - 1] in (".,;:)]'\"-_/" if kind != "password" else ",;)'\""):
        end -= 1
    if kind == "password" and end > start and text[end - 1] == ".":
        end -= 1
    return end
