"""Find what a column holds: its name, the values as wholes, and identifiers inside longer text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from synthproof.core.random import stream

from .checks import birth_parts, business_check, company_check, digits_of, frn_check, luhn_check
from .headers import header_kinds
from .kinds import KINDS, Basis, ColumnFinding
from .names import is_english_name, is_korean_name
from .places import is_region
from .text import scan
from .wordlists import words

SAMPLE = 3000
"""Distinct values read closely; the rest is searched for the shapes that must not be missed."""
RARE = 400
"""Most cells outside the sample that are read closely because such a shape was seen in them."""

_EMPTY = frozenset(("", "nan", "NaN", "None", "null", "NULL", "NA", "N/A", "<NA>", "NaT", "-", "."))
_RARE_SHAPES = re.compile(
    r"(?<![0-9])[0-9]{6}[- ]?[0-9][0-9*]{6}(?![0-9*])|(?<![0-9.])0?1[016789][- .]?[0-9]{3,4}[- .]?[0-9]{4}(?![0-9])"
    r"|[A-Za-z0-9]@[A-Za-z0-9]|(?<![0-9])[0-9]{4}[- ][0-9]{4}[- ][0-9]{4}[- ][0-9]{4}(?![0-9])|://|www\.|주민|여권|계좌|면허"
)
# Kinds that the values alone cannot show; a telling name is the evidence.
_SHAPELESS = frozenset(
    words(
        "mrn student_no employee_no military_no generic_id account_id password person_name region age sex nationality occupation "
        "education marital_status event_date race diagnosis belief union_party criminal_record sexual_life biometric income"
    )
)
_NUMBERED = frozenset(words("mrn student_no employee_no military_no generic_id account_id"))
_ALWAYS = frozenset(("rrn", "frn", "mobile", "email", "passport", "driver_licence", "payment_card", "address", "url"))
_LETTERED = re.compile("[A-Za-z가-힣]")
_QUANTITY = re.compile(r"[+-]?[0-9]+(?:,[0-9]{3})*(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?")
_LOST_ZERO = re.compile(r"[0-9]+(?:\.0)?")


@dataclass(slots=True)
class _Tally:
    value: int = 0
    text: int = 0
    bare: int = 0
    belief: float = 0.0
    cells: int = 0

    def add(self, weight: int, belief: float, *, whole: bool, bare: bool) -> None:
        self.cells += weight
        self.belief += weight * belief
        if whole:
            self.value += weight
        else:
            self.text += weight
        if bare:
            self.bare += weight


@dataclass(slots=True)
class _Cells:
    """The non-empty cells: counts of distinct values, and which of them are read closely."""

    counts: Mapping[str, int]
    n: int
    sampled: Sequence[str]
    rest: Sequence[str]
    n_sampled: int = field(init=False)

    def __post_init__(self) -> None:
        self.n_sampled = sum(self.counts[value] for value in self.sampled)


def find_in_column(name: str, values: Sequence[str | None]) -> list[ColumnFinding]:
    """Return the kinds of identifiers that a column holds, most believed first.

    Parameters
    ----------
    name
        The column's name, Korean or English.
    values
        Cells as text, None where missing; shape (n,).  Numbers are passed as they are written.

    Returns
    -------
    list of ColumnFinding
        Findings with belief of at least 0.5; includes quasi-identifiers and sensitive content told by the name.

    Notes
    -----
    Equal cells are read once.  Of more than 3,000 distinct values, 3,000 drawn without replacement by a fixed stream
    are read closely, and every other value is searched for the shapes of resident, phone and card numbers, e-mail and
    tell-tale words (of hits at most 400 are read).  The same input always gives the same answer.  A million short
    cells take about two seconds.
    """
    hints = header_kinds(name)
    cells = _gather(values)
    strong = frozenset(kind for kind, belief in hints.items() if belief >= 0.6)
    tallies = _read(cells, strong)
    leading = frozenset(
        kind for kind, tally in tallies.items() if tally.value >= 0.3 * cells.n_sampled and tally.bare < tally.value
    )
    if leading - strong:  # what most cells are, the others are likely too, in another writing
        tallies = _read(cells, strong | leading)
    findings: dict[str, ColumnFinding] = {}
    for kind, share, belief in _whole_column(cells, strong):
        findings[kind] = _finding(kind, share, cells.n, "value", belief, name, hints)
    dominant = max((tally.value / max(cells.n_sampled, 1) for tally in tallies.values()), default=0.0)
    numeric = sum(not _LETTERED.search(value) for value in cells.sampled) > 0.5 * len(cells.sampled)
    quantity = sum(_QUANTITY.fullmatch(value.strip()) is not None for value in cells.sampled) > 0.9 * len(cells.sampled)
    for kind, tally in tallies.items():
        if quantity and kind not in hints and tally.value < 0.5 * cells.n_sampled:
            continue  # among plain quantities a shape is met by chance
        made = _judge(kind, tally, cells.n_sampled, hints, dominant=dominant, numeric=numeric)
        if made and (kind not in findings or findings[kind].share < made[1]):
            by, share, belief = made
            findings[kind] = _finding(kind, share, cells.n_sampled, by, belief, name, hints)
    for kind, share, belief in () if quantity else _rare(cells, strong, findings):
        findings[kind] = _finding(kind, share, cells.n, "text", belief, name, hints)
    settled = any(item.share >= 0.5 and KINDS[item.kind].klass != "quasi" for item in findings.values())
    for kind, belief in hints.items():
        if kind not in findings:
            by_name = _by_name(kind, belief, cells, settled)
            if by_name >= 0.5:
                findings[kind] = _finding(kind, 0.0, cells.n, "name", by_name, name, hints)
    return sorted(findings.values(), key=lambda item: (-item.confidence, -item.share, list(KINDS).index(item.kind)))


def _gather(values: Sequence[str | None]) -> _Cells:
    counts: Counter[str] = Counter(value for value in values if value is not None and value not in _EMPTY)
    distinct = list(counts)
    n = sum(counts.values())
    if len(distinct) <= SAMPLE:
        return _Cells(counts, n, distinct, ())
    chosen = stream(0, "finders/column-sample").choice(len(distinct), size=SAMPLE, replace=False)
    taken = set(chosen.tolist())
    sampled = [distinct[at] for at in sorted(taken)]
    return _Cells(counts, n, sampled, [value for at, value in enumerate(distinct) if at not in taken])


def _read(cells: _Cells, hints: frozenset[str]) -> dict[str, _Tally]:
    tallies: dict[str, _Tally] = {}
    for raw in cells.sampled:
        weight = cells.counts[raw]
        for kind, belief, whole, bare in _cell(raw.strip(), hints):
            tallies.setdefault(kind, _Tally()).add(weight, belief, whole=whole, bare=bare)
    return tallies


def _cell(cell: str, hints: frozenset[str]) -> list[tuple[str, float, bool, bool]]:
    """(kind, belief, covers the cell, digits only) for each kind in one cell, each kind once."""
    found: dict[str, tuple[str, float, bool, bool]] = {}
    lost = _lost_zero(cell, hints)
    if lost:
        return [(lost, 0.8, True, True)]
    for match in scan(cell, hints=hints):
        part = cell[match.start : match.end]
        whole = len(part) >= 0.85 * len(cell) or not any(
            char.isalnum() for char in cell[: match.start] + cell[match.end :]
        )
        if match.kind == "birth_date" and not whole and re.fullmatch(r"[\sT]00:00(?::00)?(?:\.0+)?", cell[match.end :]):
            whole = True
        old = found.get(match.kind)
        if old is None or match.confidence > old[1]:
            found[match.kind] = (match.kind, match.confidence, whole, whole and part.isdigit())
    return list(found.values())


def _lost_zero(cell: str, hints: frozenset[str]) -> str | None:
    """The kind of a number whose leading zero was lost by a spreadsheet, when the column's name says so."""
    if not hints or not _LOST_ZERO.fullmatch(cell):
        return None
    digits = cell.removesuffix(".0")
    if "mobile" in hints and re.fullmatch(r"1[016789][0-9]{7,8}", digits):
        return "mobile"
    if "landline" in hints and re.fullmatch(r"(?:2|3[1-3]|4[1-4]|5[1-5]|6[1-4]|70)[0-9]{7,8}", digits):
        return "landline"
    if "rrn" in hints and 10 <= len(digits) <= 12 and birth_parts(digits.zfill(13)):
        return "rrn"
    if "postcode" in hints and re.fullmatch(r"[1-9][0-9]{3}", digits):
        return "postcode"
    if "birth_date" in hints and re.fullmatch(r"[1-9][0-9]{3,5}", digits) and birth_parts(digits.zfill(6) + "1"):
        return "birth_date"
    return None


def _judge(
    kind: str, tally: _Tally, n: int, hints: Mapping[str, float], *, dominant: float, numeric: bool
) -> tuple[Basis, float, float] | None:
    share = tally.cells / n
    whole_share = tally.value / n
    by: Basis = "value" if tally.value >= tally.text else "text"
    belief = tally.belief / tally.cells
    if kind in hints:
        belief = min(belief + 0.05, 0.99)
    else:
        # Bare digits reach a shape by chance; a whole column of them does not.
        if tally.value and tally.bare == tally.cells and whole_share < 0.5:
            return None
        if (
            by == "value"
            and whole_share < 0.05
            and (dominant >= 0.5 or numeric)
            and (kind not in _ALWAYS or belief < 0.7)
        ):
            return None
        if kind == "person_name" and by == "value" and whole_share < 0.3:
            return None
    if by == "value" and share >= 0.5:
        belief = min(belief + 0.08, 0.99)
    return by, share, belief


def _whole_column(cells: _Cells, hints: frozenset[str]) -> Iterable[tuple[str, float, float]]:
    """Evidence that only many cells together give: check digits of bare numbers, and names of people."""
    if not cells.n_sampled:
        return
    stripped = [(value.strip(), cells.counts[value]) for value in cells.sampled]
    if len(stripped) >= 10:
        yield from _check_digit_shares(stripped, cells.n_sampled)
    hinted = "person_name" in hints
    korean = sum(weight for value, weight in stripped if is_korean_name(value)) / cells.n_sampled
    english = sum(weight for value, weight in stripped if is_english_name(value)) / cells.n_sampled
    long_enough = sum(len(value) >= 3 and is_korean_name(value) for value, _ in stripped) >= 0.6 * len(stripped)
    if hinted and max(korean, english) >= 0.2:
        yield "person_name", max(korean, english), 0.95
    elif len(stripped) >= 10 and korean >= 0.85 and long_enough and not hints:
        yield "person_name", korean, 0.75
    elif len(stripped) >= 10 and english >= 0.6 and not hints:
        yield "person_name", english, 0.7
    regions = sum(weight for value, weight in stripped if is_region(value)) / cells.n_sampled
    if regions >= 0.8:
        yield "region", regions, 0.9


def _check_digit_shares(stripped: Sequence[tuple[str, int]], n: int) -> Iterable[tuple[str, float, float]]:
    rules: tuple[tuple[str, int, Callable[[str], bool]], ...] = (
        ("business_no", 10, business_check),
        ("rrn", 13, lambda digits: digits[6] in "1234" and birth_parts(digits) is not None and frn_check(digits)),
        ("company_no", 13, company_check),
        ("payment_card", 16, luhn_check),
    )
    plain = [
        (digits_of(value), weight) for value, weight in stripped if re.fullmatch(r"[0-9][0-9\- ]{8,22}[0-9]", value)
    ]
    if sum(weight for _, weight in plain) < 0.8 * n:
        return
    best: tuple[str, float, float] | None = None
    for kind, size, rule in rules:
        sized = [(digits, weight) for digits, weight in plain if len(digits) == size]
        if sum(weight for _, weight in sized) < 0.8 * n or len(sized) < 10:
            continue
        share = sum(weight for digits, weight in sized if rule(digits)) / n
        # By chance one in ten passes; with ten or more distinct values a share of 0.7 is far outside it.
        if share >= 0.7 and (best is None or share > best[1]):
            best = (kind, share, 0.92)
    if best:
        yield best


def _rare(
    cells: _Cells, hints: frozenset[str], findings: Mapping[str, ColumnFinding]
) -> Iterable[tuple[str, float, float]]:
    if not cells.rest:
        return
    hits = [value for value in cells.rest if _RARE_SHAPES.search(value)]
    if not hits or len(hits) > 0.5 * len(cells.rest):
        return
    read = hits[:RARE]
    tallies: dict[str, _Tally] = {}
    for value in read:
        for kind, belief, whole, bare in _cell(value.strip(), hints):
            if kind not in findings and kind in _ALWAYS and not bare:
                tallies.setdefault(kind, _Tally()).add(cells.counts[value], belief, whole=whole, bare=bare)
    for kind, tally in tallies.items():
        share = tally.cells * len(hits) / len(read) / cells.n
        yield kind, min(share, 1.0), tally.belief / tally.cells


def _by_name(kind: str, belief: float, cells: _Cells, settled: bool) -> float:
    """Belief in a kind that only the name speaks of, after a look at whether the values could be it."""
    if cells.n == 0:
        return belief * 0.6
    if kind not in _SHAPELESS:
        if not KINDS[kind].unique_number:
            return 0.0
        # A resident-number column in a form we do not read must not pass unseen.
        told = sum(
            cells.counts[value] for value in cells.sampled if sum(char.isdigit() or char in "*●" for char in value) >= 6
        )
        return 0.6 if told >= 0.5 * cells.n_sampled and not settled else 0.0
    if kind == "person_name":
        # a telling name over values that do not read as names: codes, initials, foreign scripts
        lettered = sum(
            cells.counts[value] for value in cells.sampled if any(char.isalpha() for char in value) and len(value) <= 40
        )
        return belief * (0.8 if belief >= 0.9 else 0.75) if lettered >= 0.5 * cells.n_sampled and not settled else 0.0
    if kind in _NUMBERED:
        if settled:
            return 0.0
        distinct = len(cells.counts) / cells.n
        return belief if distinct > 0.5 or len(cells.counts) > 50 else belief * 0.7
    return belief


def _finding(
    kind: str, share: float, n: int, by: Basis, belief: float, name: str, hints: Mapping[str, float]
) -> ColumnFinding:
    spoken = KINDS[kind]
    percent = f"{100 * share:.1f}" if share < 0.999 else "100"
    told_en = " The column's name says so too." if kind in hints and by != "name" else ""
    told_ko = " 열 이름도 이를 가리킵니다." if kind in hints and by != "name" else ""
    if by == "name":
        en = f"The name of the column says that it holds: {spoken.en.lower() if spoken.en[:2] != 'US' else spoken.en}."
        ko = f"열 이름이 {spoken.ko} 항목임을 가리킵니다."
    elif by == "value":
        en = f"{percent} % of {n:,} examined cells have the form of: {spoken.en}.{told_en}"
        ko = f"살펴본 {n:,}개 값 가운데 {percent} %가 {spoken.ko} 형식입니다.{told_ko}"
    else:
        en = f"{percent} % of {n:,} examined cells contain, inside longer text: {spoken.en}.{told_en}"
        ko = f"살펴본 {n:,}개 값 가운데 {percent} %의 글 안에 {spoken.ko} 정보가 들어 있습니다.{told_ko}"
    return ColumnFinding(
        kind=kind, share=round(share, 6), n=n, by=by, confidence=round(min(belief, 0.99), 3), reason_en=en, reason_ko=ko
    )
