"""Recall and precision of the finders on made identifiers, per kind, in sentences and in columns.

Truth is known because every value is made here.  A match counts when the kind is right and its span covers the made
value and at most two characters more.  Intervals are Wilson's at 95 %.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from synthproof.core.random import stream

from .carriers import CarrierSet
from .columns import find_in_column
from .kinds import KINDS, Match
from .made import DECOY_COLUMNS, DECOY_MAKERS, MAKERS, pick
from .text import find_in_text
from .wordlists import words

NOT_TOLD_BY_VALUE = frozenset(
    words(
        "mrn student_no employee_no military_no account_id password generic_id nhis_card postcode kcd_code birth_date bank_account"
    )
)
"""Kinds measured under telling column names only: their values look like any other number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Counts of one kind.

    Attributes
    ----------
    truth
        Made identifiers (or columns) of the kind.
    found
        Those of them that were found as this kind.
    hidden
        Those of them whose every character lies in a match of any kind (what replacement would hide).
    reported
        All reports of this kind.
    right
        Reports that were right.
    """

    truth: int
    found: int
    hidden: int
    reported: int
    right: int

    @property
    def recall(self) -> float:
        """Share of the made ones that were found."""
        return self.found / self.truth if self.truth else float("nan")

    @property
    def precision(self) -> float:
        """Share of the reports that were right."""
        return self.right / self.reported if self.reported else float("nan")


@dataclass(slots=True)
class _Count:
    truth: int = 0
    found: int = 0
    hidden: int = 0
    reported: int = 0
    right: int = 0

    def done(self) -> Tally:
        return Tally(truth=self.truth, found=self.found, hidden=self.hidden, reported=self.reported, right=self.right)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """One made text with the true spans (kind, start, end)."""

    text: str
    truth: tuple[tuple[str, int, int], ...]


def wilson(k: int, n: int, z: float = 1.959963984540054) -> tuple[float, float]:
    """Wilson's score interval of k in n (E. B. Wilson, JASA 1927, 10.1080/01621459.1927.10502953)."""
    if n == 0:
        return 0.0, 1.0
    share, grown = k / n, 1 + z * z / n
    middle = (share + z * z / (2 * n)) / grown
    half = z * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / grown
    return max(0.0, float(middle - half)), min(1.0, float(middle + half))


def real_kind(kind: str) -> str:
    """The reported kind of a maker (``person_name_en`` is reported as ``person_name``)."""
    return "person_name" if kind == "person_name_en" else kind


def made_sentences(carriers: CarrierSet, *, per_kind: int, seed: int) -> list[Made]:
    """`per_kind` sentences for each kind and as many decoys in all as a third of them."""
    made = []
    for kind, templates in carriers.sentences.items():
        rng = stream(seed, f"finders/sentences/{kind}")
        for at in range(per_kind):
            made.append(_fill(templates[at % len(templates)], kind, rng))
    rng = stream(seed, "finders/decoys")
    for at in range(per_kind * len(carriers.sentences) // 3):
        made.append(Made(text=_decoy(carriers.decoys[at % len(carriers.decoys)], rng), truth=()))
    return made


def _fill(template: str, kind: str, rng: np.random.Generator) -> Made:
    text, truth = "", []
    for part in re.split(r"(\{v\}|\{other\})", template):
        slot = kind if part == "{v}" else pick(rng, ("mobile", "email")) if part == "{other}" else None
        if slot is None:
            text += part
            continue
        if slot == "mobile" and "이메일" in template:
            slot = "email"
        if part == "{other}" and "예금주" in template:
            slot = "person_name"
        elif part == "{other}" and "연락처" in template:
            slot = "mobile"
        value = MAKERS[slot](rng)
        truth.append((real_kind(slot), len(text), len(text) + len(value)))
        text += value
    return Made(text=text, truth=tuple(truth))


def _decoy(template: str, rng: np.random.Generator) -> str:
    return re.sub(r"\{(\w+)\}", lambda slot: DECOY_MAKERS[slot.group(1)](rng), template)


def measure_sentences(made: Sequence[Made]) -> dict[str, Tally]:
    """Counts per kind over made sentences and decoys."""
    counts: dict[str, _Count] = defaultdict(_Count)
    for item in made:
        matches = find_in_text(item.text)
        used: set[int] = set()
        for kind, start, end in item.truth:
            count = counts[kind]
            count.truth += 1
            hit = next((at for at, match in enumerate(matches) if _covers(match, kind, start, end)), None)
            if hit is not None:
                count.found += 1
                used.add(hit)
            covered = [any(match.start <= at < match.end for match in matches) for at in range(start, end)]
            count.hidden += all(covered)
        for at, match in enumerate(matches):
            counts[match.kind].reported += 1
            counts[match.kind].right += at in used
    return {kind: counts[kind].done() for kind in KINDS if kind in counts}


def _covers(match: Match, kind: str, start: int, end: int) -> bool:
    return (
        match.kind == kind and match.start <= start and match.end >= end and match.end - match.start <= end - start + 2
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeColumn:
    """One made column: name, cells and the kind it truly holds (None for decoys)."""

    name: str
    cells: tuple[str | None, ...]
    kind: str | None


def made_columns(carriers: CarrierSet, *, per_kind: int, n_rows: int, seed: int) -> list[MadeColumn]:
    """Columns under telling and neutral names, columns of sentences, and decoy columns; one cell in twenty is missing.

    Of four columns of a kind two have a telling name, one a neutral one and one holds sentences (kinds that values
    cannot tell: three and one).
    """
    made = []
    for kind in carriers.headers:
        for at in range(per_kind):
            rng = stream(seed, f"finders/columns/{kind}", at)
            shapeless = kind in NOT_TOLD_BY_VALUE or kind == "person_name_en"
            telling = at % 4 < 2 or (shapeless and at % 4 == 2)
            if at % 4 == 3:
                templates = carriers.sentences[kind]
                plain = [template for template in templates if "{other}" not in template] or list(templates)
                cells = [_fill(pick(rng, plain), kind, rng).text for _ in range(n_rows)]
                name = pick(rng, carriers.neutral_headers)
            else:
                cells = [MAKERS[kind](rng) for _ in range(n_rows)]
                name = pick(rng, carriers.headers[kind] if telling else carriers.neutral_headers)
            made.append(_column(name, cells, real_kind(kind), rng))
    for at in range(per_kind * len(carriers.headers) // 3):
        rng = stream(seed, "finders/columns/decoy", at)
        name, maker = list(DECOY_COLUMNS.items())[at % len(DECOY_COLUMNS)]
        if at % 2:
            name = pick(rng, carriers.neutral_headers)
        made.append(_column(name, [maker(rng) for _ in range(n_rows)], None, rng))
        template = carriers.decoys[at % len(carriers.decoys)]
        sentences = [_decoy(template, rng) for _ in range(n_rows)]
        made.append(_column(pick(rng, carriers.neutral_headers), sentences, None, rng))
    return made


def _column(name: str, cells: Sequence[str], kind: str | None, rng: np.random.Generator) -> MadeColumn:
    gone = rng.random(len(cells)) < 0.05
    return MadeColumn(
        name=name, cells=tuple(None if lost else cell for cell, lost in zip(cells, gone, strict=True)), kind=kind
    )


def measure_columns(made: Sequence[MadeColumn]) -> dict[str, Tally]:
    """Counts per kind over made columns; only direct, firm, date, postcode and diagnosis-code findings are judged."""
    counts: dict[str, _Count] = defaultdict(_Count)
    judged = {real_kind(kind) for kind in MAKERS}
    for column in made:
        found = {item.kind for item in find_in_column(column.name, column.cells)}
        if column.kind is not None:
            count = counts[column.kind]
            count.truth += 1
            count.found += column.kind in found
            count.hidden += bool(found)
        for kind in found & judged:
            counts[kind].reported += 1
            counts[kind].right += kind == column.kind
    return {kind: counts[kind].done() for kind in KINDS if kind in counts}
