"""One way of writing before matching: full-width forms, odd dashes, split Hangul and numbers written in Hangul.

Every change keeps the way back: position ``i`` of the new text came from ``starts[i] .. ends[i]`` of the old one, so
that a match can be reported in the caller's own characters.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_HANGUL_DIGITS = {
    "공": "0", "영": "0", "일": "1", "이": "2", "삼": "3", "사": "4", "오": "5",
    "육": "6", "륙": "6", "칠": "7", "팔": "8", "구": "9",
}  # fmt: skip
_D = "[0-9공영일이삼사오육륙칠팔구]"
# Spoken numbers are joined by a space, a dash, a dot, or the words 에, 의, 다시 ("dash").
_JOIN = r"(?:\s?(?:-|\.|다시|에|의)\s?|\s)?"
_SPOKEN = re.compile(rf"(?<![가-힣0-9]){_D}(?:{_JOIN}{_D}){{6,24}}|(?<=[가-힣]){_D}(?:{_JOIN}{_D}){{8,24}}")
_SPOKEN_CUE = re.compile("[공영일이삼사오육륙칠팔구]{2}")
_COPULA = re.compile("[에고다야며니라었여인은는]")
_STRANGE = re.compile(
    "[\u00a0\u00ad\u1100-\u11ff\u2000-\u200f\u2010-\u2015\u2028-\u202f\u2060\u2212\u3000\ufe58\ufe63\ufeff\uff01-\uff5e"
    "\u0660-\u0669\u06f0-\u06f9\u0966-\u096f]"
)
_JAMO = re.compile("[\u1100-\u1112][\u1161-\u1175][\u11a8-\u11c2]?")
_DASHES = frozenset("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d")
_NOTHING = frozenset("\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff")


@dataclass(frozen=True, slots=True)
class Normal:
    """A text in its normal form with the way back.

    Attributes
    ----------
    text
        The normal form.
    starts, ends
        Spans in the original for each character; None when nothing changed.
    spoken
        Whether numbers written in Hangul were turned into digits.
    """

    text: str
    starts: tuple[int, ...] | None = None
    ends: tuple[int, ...] | None = None
    spoken: bool = False

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Span in the original of ``text[start:end]`` (not empty)."""
        if self.starts is None or self.ends is None:
            return start, end
        return self.starts[start], self.ends[end - 1]


def normalise(text: str) -> Normal:
    """Return the normal form of `text` with its offset map; cost O(length)."""
    if text.isascii():
        return Normal(text)
    strange = _STRANGE.search(text) is not None
    cue = _SPOKEN_CUE.search(text) is not None
    if not strange and not cue:
        return Normal(text)
    chars, starts, ends = _plain(text) if strange else (list(text), list(range(len(text))), _ends(len(text)))
    joined = "".join(chars)
    spoken = _spoken_spans(joined) if _SPOKEN_CUE.search(joined) else []
    if not strange and not spoken:
        return Normal(text)
    for lo, hi in reversed(spoken):
        part = _digits(joined[lo:hi], starts[lo:hi], ends[lo:hi])
        chars[lo:hi], starts[lo:hi], ends[lo:hi] = part
    return Normal("".join(chars), tuple(starts), tuple(ends), bool(spoken))


def _ends(n: int) -> list[int]:
    return list(range(1, n + 1))


def _plain(text: str) -> tuple[list[str], list[int], list[int]]:
    chars: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    at = 0
    while at < len(text):
        jamo = _JAMO.match(text, at)
        stop = jamo.end() if jamo else at + 1
        piece = unicodedata.normalize("NFC", jamo.group()) if jamo else _one(text[at])
        for char in piece:
            chars.append(char)
            starts.append(at)
            ends.append(stop)
        at = stop
    return chars, starts, ends


def _one(char: str) -> str:
    if char.isascii():
        return char
    if char in _NOTHING:
        return ""
    if char in _DASHES:
        return "-"
    if "\uff01" <= char <= "\uff5e":
        return chr(ord(char) - 0xFEE0)
    if char.isspace():
        return " "
    digit = unicodedata.decimal(char, None)
    return char if digit is None else str(digit)


def _spoken_spans(text: str) -> list[tuple[int, int]]:
    """Runs of at least seven digits of which at least four are written in Hangul."""
    spans = []
    for found in _SPOKEN.finditer(text):
        lo, hi = found.span()
        if text[hi - 1] == "이" and hi < len(text) and _COPULA.match(text[hi]):
            hi -= 1  # "...팔이에요": the last 이 is the verb "to be", not a two
            while hi > lo and text[hi - 1] not in _HANGUL_DIGITS and not text[hi - 1].isdigit():
                hi -= 1
        written = sum(char in _HANGUL_DIGITS for char in text[lo:hi])
        digits = written + sum(char.isdigit() for char in text[lo:hi])
        if written >= 4 and digits >= 7:
            spans.append((lo, hi))
    return spans


def _digits(part: str, starts: list[int], ends: list[int]) -> tuple[list[str], list[int], list[int]]:
    chars: list[str] = []
    new_starts: list[int] = []
    new_ends: list[int] = []
    for k, char in enumerate(part):
        if char == "다" or char.isspace():
            # a gap inside a spoken number is a dash; "다시" gives one dash, for its second syllable
            if char != "다" and (not chars or chars[-1] == "-"):
                continue
            if char == "다":
                continue
        new = _HANGUL_DIGITS.get(char) or (char if char.isdigit() else "-")
        if new == "-" and chars and chars[-1] == "-":
            continue
        chars.append(new)
        new_starts.append(starts[k])
        new_ends.append(ends[k])
    return chars, new_starts, new_ends
