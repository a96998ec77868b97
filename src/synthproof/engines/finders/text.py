"""Find identifiers in one text: gather candidates, weigh their surroundings, let the best of overlapping ones stand."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Collection, Iterator

from .context import Setting
from .general import Candidate, card_candidates, key_candidates, network_candidates, web_candidates
from .kinds import KINDS, TEXT_KINDS, Match
from .korean import (
    account_candidates,
    date_candidates,
    document_candidates,
    medical_candidates,
    phone_candidates,
    place_number_candidates,
    resident_candidates,
)
from .labelled import labelled_candidates
from .names import english_name_candidates, korean_name_candidates
from .normalise import normalise
from .places import address_candidates

THRESHOLD = 0.5
"""Least belief that is reported."""

_ORDER = {kind: at for at, kind in enumerate(KINDS)}
_DIGIT = re.compile("[0-9]")
_LETTER = re.compile("[A-Z]")
_HANGUL = re.compile("[가-힣]")
_SHAPELESS_CUE = re.compile("아이디|계정|id|비밀|비번|패스|암호|pass|pwd|user|login", re.IGNORECASE)

# A long digit string inside a hex key or a web address is not a second identifier; these are settled first.
_CONTAINERS = frozenset(("url", "email", "generic_id", "iban", "ipv6", "mac"))


def find_in_text(text: str, *, kinds: Collection[str] | None = None, hints: Collection[str] = ()) -> list[Match]:
    """Return the identifiers of `text`, not overlapping, in the order they stand.

    Parameters
    ----------
    text
        Any text; full-width forms, split Hangul and numbers written in Hangul are read as well.
    kinds
        Kinds to report (keys of `KINDS`); all when None.  Kinds left out still compete, so that a company number is
        not reported as a resident number merely because company numbers were not asked for.
    hints
        Kinds that the place itself speaks of, such as the kinds found in the column that the text stands in; they
        raise belief like a label.

    Returns
    -------
    list of Match
        Positions in `text` itself, each with belief of at least 0.5.

    Raises
    ------
    ValueError
        When `kinds` or `hints` holds an unknown kind.

    Notes
    -----
    Cost is linear in the length; about 20 microseconds for a short sentence with a number.  Check digits and
    surroundings move belief only; nothing is excluded by a failing check digit.  Text in which a number stands without
    any label is ambiguous by nature: what has no shape of its own (record numbers, short codes) is then missed.
    """
    wanted = None if kinds is None else frozenset(kinds)
    unknown = (wanted or frozenset()).union(hints) - KINDS.keys()
    if unknown:
        raise ValueError(f"unknown kinds: {', '.join(sorted(unknown))}")
    return scan(text, wanted=wanted, hints=frozenset(hints))


def scan(text: str, *, hints: frozenset[str] = frozenset(), wanted: frozenset[str] | None = None) -> list[Match]:
    """Like `find_in_text`, with kinds that a column's name speaks of as `hints`."""
    if not text:
        return []
    normal = normalise(text)
    setting: Setting | None = None
    weighed: list[tuple[float, int, Candidate]] = []
    digits = len(_DIGIT.findall(normal.text))
    if digits >= 2 or _SHAPELESS_CUE.search(normal.text):
        setting = Setting.of(normal.text, hints)
    for candidate in _candidates(normal.text, digits, setting, hints):
        belief = candidate.belief
        if setting is not None and candidate.kind != "person_name" and candidate.evidence != ("label",):
            belief = _moved(belief, setting, candidate, normal.text)
        if belief >= THRESHOLD:
            weighed.append((min(belief, 0.99), candidate.end - candidate.start, candidate))
    if not weighed:
        return []
    matches = []
    for belief, _, candidate in _settle(weighed):
        if wanted is not None and candidate.kind not in wanted:
            continue
        start, end = normal.span(candidate.start, candidate.end)
        evidence = candidate.evidence
        if belief > candidate.belief + 0.05:
            evidence = (*evidence, "column-name" if candidate.kind in hints else "context")
        if normal.spoken and end - start != candidate.end - candidate.start:
            evidence = (*evidence, "spoken-digits")
        matches.append(Match(kind=candidate.kind, start=start, end=end, confidence=round(belief, 3), evidence=evidence))
    return sorted(matches, key=lambda match: match.start)


def _moved(belief: float, setting: Setting, candidate: Candidate, text: str) -> float:
    shift = setting.shift(candidate.kind, candidate.start, candidate.end)
    if shift < 0 and candidate.kind in ("email", "url", "address"):
        shift /= 3  # their shape leaves little room for anything else
    before = text[max(0, candidate.start - 8) : candidate.start]
    glued = re.search(r"([A-Za-z]{1,8})[\-_/#]?$", before)
    if glued and shift <= 0 and text[candidate.start].isdigit() and before[-1:] != " ":
        shift -= 0.3  # part of a longer code such as ORD-110-123-456789
    return belief + shift


def _candidates(text: str, digits: int, setting: Setting | None, hints: frozenset[str]) -> Iterator[Candidate]:
    yield from web_candidates(text)
    if setting is not None:
        yield from labelled_candidates(setting)
    if digits >= 1:
        yield from address_candidates(text)
        yield from medical_candidates(text)
    if digits >= 5:
        yield from place_number_candidates(text)
        yield from date_candidates(text)
        yield from network_candidates(text)
    if digits >= 7:
        yield from phone_candidates(text)
        yield from resident_candidates(text)
        yield from document_candidates(text)
        yield from account_candidates(text)
        yield from key_candidates(text)
        yield from card_candidates(text)
    elif ":" in text or "-" in text:
        yield from network_candidates(text)
    if _HANGUL.search(text):
        yield from korean_name_candidates(text, hinted="person_name" in hints)
    if _LETTER.search(text):
        yield from english_name_candidates(text, hinted="person_name" in hints)


def _settle(weighed: list[tuple[float, int, Candidate]]) -> list[tuple[float, int, Candidate]]:
    """Keep the most believed of overlapping candidates; at equal belief the longer one, then the first kind."""
    ranked = sorted(
        weighed,
        key=lambda item: (
            -(item[0] + (0.15 if item[2].kind in _CONTAINERS and item[1] > 12 else 0.0)),
            -item[1],
            item[2].start,
            _ORDER[item[2].kind],
        ),
    )
    kept: list[tuple[float, int, Candidate]] = []
    starts: list[int] = []
    ends: list[int] = []
    for item in ranked:
        at = bisect_left(ends, item[2].start + 1)  # the first kept span that ends after this one begins
        if at == len(ends) or starts[at] >= item[2].end:
            starts.insert(at, item[2].start)
            ends.insert(at, item[2].end)
            kept.append(item)
    return kept


__all__ = ["TEXT_KINDS", "THRESHOLD", "find_in_text", "scan"]
