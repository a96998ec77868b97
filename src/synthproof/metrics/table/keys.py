"""Are identifiers unique, and none of them a real one?"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from synthproof.core.contracts import Case
from synthproof.core.evidence import Card, Evidence
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Field, Purpose, Schema
from synthproof.core.stats import wilson
from synthproof.core.words import Words
from synthproof.data.table.dataset import Table
from synthproof.metrics.table.answers import SYNTHETIC_UNITS, joined, not_applicable, too_few

_NONE = Words(en="The data have no identifier column.", ko="식별자 열이 없습니다.")
_REUSED = Words(
    en="{n} identifier values of the data learned from occur again (running numbers are not counted). Identifiers must "
    "be made anew.",
    ko="학습 원본의 식별자와 같은 값이 {n}건 있습니다(일련번호는 제외). 식별자는 새로 만들어야 합니다.",
)


class Keys:
    """Share of synthetic identifier values that are unique where real ones are, and no real unit's."""

    card: ClassVar[Card] = Card(
        id="table.keys",
        version=1,
        family="integrity",
        name=Words(en="Identifiers", ko="식별자의 유일성·비재사용"),
        question=Words(
            en="Are identifiers unique, and none of them a real person's?",
            ko="식별자가 유일하며, 실제 식별자와 겹치지 않습니까?",
        ),
        unit="share of values",
        low=0.0,
        high=1.0,
        better="higher",
        ideal=Words(en="1", ko="1"),
        source="Codd 1970 doi:10.1145/362384.362685 (keys); PIPC guide (2024.12) table checklist",
    )

    def applies(self, schema: Schema, purpose: Purpose, /) -> str | None:
        """Return ``None``, or that there is no identifier."""
        return None if _identifiers(schema) else _NONE.en

    def measure(self, case: Case[Any], /, *, seed: int, run: Run | None = None) -> Sequence[Evidence]:
        """Return the share over all identifier values first, then one piece of evidence a column."""
        synthetic: Table = case.synthetic
        fields = [f for f in _identifiers(case.train.schema) if f.name in synthetic.schema]
        if not fields:
            return [not_applicable(self.card, _NONE, seed=seed)]
        if len(synthetic) < 1:
            return [too_few(self.card, 0, 1, SYNTHETIC_UNITS, seed=seed)]
        out, good, whole, reused = [], 0, 0, 0
        for f in quiet(run).each(fields, self.card.id):
            counts = _check(f, case)
            good, whole = good + counts["good"], whole + counts["values"]
            reused += counts["reused"]
            out.append(self._evidence(f.name, counts["good"], counts["values"], synthetic, counts, seed, None))
        summary = {"values": whole, "good": good, "reused": reused}
        remark = _REUSED.filled(n=reused) if reused else None
        return [self._evidence("all", good, whole, synthetic, summary, seed, remark), *out]

    def _evidence(
        self,
        subject: str,
        good: int,
        whole: int,
        synthetic: Table,
        detail: dict[str, int],
        seed: int,
        remark: Words | None,
    ) -> Evidence:
        share = good / whole if whole else 1.0
        return Evidence(
            metric=self.card.id,
            version=self.card.version,
            subject=subject,
            estimate=share,
            interval=wilson(share * len(synthetic), len(synthetic)),
            reference=1.0,
            n=len(synthetic),
            seed=seed,
            detail=detail,
            caveat=joined(remark),
        )


def _identifiers(schema: Schema) -> tuple[Field, ...]:
    return tuple(f for f in schema.fields if f.kind == "identifier" or f.has("unit"))


def _check(f: Field, case: Case[Any]) -> dict[str, int]:
    """Count repeats, values of real units and broken patterns among the values of one identifier."""
    train, column = _texts(case.train, f.name), _texts(case.synthetic, f.name)
    # An unseen unit's number can be met by chance only; running numbers cannot but meet, and tell nothing.
    reused = column.isin(list(set(train))).to_numpy() & (not _running(train))
    must_be_unique = not f.has("unit") and not train.duplicated().any()
    repeated = column.duplicated(keep=False).to_numpy() if must_be_unique else np.zeros(len(column), dtype=bool)
    broken = _broken(column, f.pattern)
    bad = reused | repeated | broken
    if f.has("unit"):
        # A unit's own number stands on each of its rows: it counts once.
        first = ~column.duplicated().to_numpy()
        bad, reused, broken = bad[first], reused[first], broken[first]
    return {
        "values": len(bad),
        "good": int((~bad).sum()),
        "reused": int(reused.sum()),
        "repeated": int(repeated.sum()),
        "pattern_broken": int(broken.sum()),
    }


def _running(values: pd.Series) -> bool:
    """Return whether values are whole numbers that fill half of their own range or more, as a counter does."""
    numbers = pd.to_numeric(values, errors="coerce").dropna().unique()
    return len(numbers) == values.nunique() > 0 and 2 * len(numbers) >= float(numbers.max() - numbers.min()) + 1


def _texts(table: Table, name: str) -> pd.Series:
    return table.frame[name].dropna().astype(str).reset_index(drop=True)


def _broken(column: pd.Series, pattern: str) -> np.ndarray[Any, np.dtype[np.bool_]]:
    none = np.zeros(len(column), dtype=bool)
    if not pattern:
        return none
    try:
        form = re.compile(pattern)
    except re.error:
        return none
    return np.array([form.fullmatch(v) is None for v in column], dtype=bool)
