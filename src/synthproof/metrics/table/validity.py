"""Are the cells of the kind they should be: known types, ranges and categories?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from synthproof.core.contracts import Case
from synthproof.core.evidence import Card, Evidence
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Field, Purpose, Schema
from synthproof.core.stats import wilson
from synthproof.core.words import Words
from synthproof.engines.codes import Coded
from synthproof.metrics.table.answers import NO_FIELDS, NO_HOLDOUT, SYNTHETIC_UNITS, insufficient, joined, too_few
from synthproof.metrics.table.coded_case import CodedCase, Part, coded_case
from synthproof.metrics.table.histograms import codes_of, numbers_of

BoolArray = npt.NDArray[np.bool_]

_ABSENT = Words(
    en="Columns of the real data that the synthetic data do not have: {names}.",
    ko="원본에는 있으나 합성데이터에는 없는 열: {names}.",
)


@dataclass(frozen=True, slots=True)
class _Faults:
    """Rows with a fault of each sort in one field; counts for faults without a position."""

    below: BoolArray
    above: BoolArray
    unknown: BoolArray
    missing: BoolArray
    digits: BoolArray
    unparsable: int

    @property
    def rows(self) -> BoolArray:
        return self.below | self.above | self.unknown | self.missing | self.digits

    @property
    def cells(self) -> int:
        # An unreadable cell became a missing one: it counts once, also where gaps are not allowed.
        elsewhere = self.below | self.above | self.unknown | self.digits
        gaps = int((self.missing & ~elsewhere).sum())
        return int(elsewhere.sum()) + max(gaps, self.unparsable)

    def to_dict(self) -> dict[str, int]:
        return {
            "below_range": int(self.below.sum()),
            "above_range": int(self.above.sum()),
            "unknown_level": int(self.unknown.sum()),
            "missing_where_none_allowed": int(self.missing.sum()),
            "too_many_digits": int(self.digits.sum()),
            "unreadable": self.unparsable,
        }


class Validity:
    """Share of cells within the types, ranges and categories that the real data know."""

    card: ClassVar[Card] = Card(
        id="table.validity",
        version=1,
        family="integrity",
        name=Words(en="Valid cells", ko="값의 유효성(형식·범위·범주)"),
        question=Words(
            en="Do all values have a known type, range and category?",
            ko="모든 값이 알려진 형식·범위·범주 안에 있습니까?",
        ),
        unit="share of cells",
        low=0.0,
        high=1.0,
        better="higher",
        ideal=Words(
            en="1, or the share that unseen real records reach (shown beside it).",
            ko="1 또는 미학습 원본이 보이는 비율(함께 표시).",
        ),
        source="ISO/IEC 25012:2008 (accuracy, consistency); PIPC guide (2024.12) table checklist",
    )

    def applies(self, schema: Schema, purpose: Purpose, /) -> str | None:
        """Return ``None``, or that no column can be checked."""
        return None if schema.modelled else NO_FIELDS.en

    def measure(self, case: Case[Any], /, *, seed: int, run: Run | None = None) -> Sequence[Evidence]:
        """Return the share over all cells first, then one piece of evidence a column."""
        cc = coded_case(case)
        if cc.synthetic.n < 1 or cc.train.n < 1:
            return [too_few(self.card, min(cc.synthetic.n, cc.train.n), 1, SYNTHETIC_UNITS, seed=seed)]
        if not cc.fields:
            return [insufficient(self.card, NO_FIELDS, seed=seed)]
        unreadable = {str(k): int(v) for k, v in dict(case.synthetic.origin.options.get("unparsable") or {}).items()}
        faults = {}
        for f in quiet(run).each(cc.fields, self.card.id):
            faults[f.name] = _faults(cc, cc.synthetic.coded, f, unreadable.get(f.name, 0))
        held = None if cc.holdout is None else {f.name: _faults(cc, cc.holdout.coded, f, 0) for f in cc.fields}
        absent = [n for n in case.train.schema.names if n not in case.synthetic.schema]
        out = [self._all(cc, faults, held, absent, seed)]
        for name, found in faults.items():
            reference = None
            if held is not None and cc.holdout is not None and len(cc.holdout):
                reference = 1 - held[name].cells / len(cc.holdout)
            out.append(self._evidence(cc, name, 1 - found.cells / len(cc.synthetic), reference, found.to_dict(), seed))
        return out

    def _all(
        self,
        cc: CodedCase,
        faults: dict[str, _Faults],
        held: dict[str, _Faults] | None,
        absent: list[str],
        seed: int,
    ) -> Evidence:
        share = 1 - sum(f.cells for f in faults.values()) / (len(faults) * len(cc.synthetic))
        reference = None
        if held is not None and cc.holdout is not None and len(cc.holdout):
            reference = 1 - sum(f.cells for f in held.values()) / (len(held) * len(cc.holdout))
        bad = np.logical_or.reduce([f.rows for f in faults.values()])
        detail = {
            "valid_rows": float(1 - bad.mean()),
            "fields_with_faults": {name: f.cells for name, f in faults.items() if f.cells},
            "absent_fields": absent,
        }
        caveat = None
        if absent:
            names = ", ".join(absent)
            caveat = _ABSENT.filled(names=names)
        return self._evidence(cc, "all", share, reference, detail, seed, caveat)

    def _evidence(
        self,
        cc: CodedCase,
        subject: str,
        share: float,
        reference: float | None,
        detail: dict[str, Any],
        seed: int,
        caveat: Words | None = None,
    ) -> Evidence:
        # Cells of one unit may stand or fall together: as a share of units the interval is at its widest.
        n = cc.synthetic.effective
        around = None
        if reference is not None and cc.holdout is not None:
            around = wilson(reference * cc.holdout.effective, cc.holdout.effective)
        return Evidence(
            metric=self.card.id,
            version=self.card.version,
            subject=subject,
            estimate=share,
            interval=wilson(share * n, n),
            reference=reference,
            reference_interval=around,
            n=cc.synthetic.n,
            seed=seed,
            detail=detail,
            caveat=joined(caveat, None if cc.holdout is not None else NO_HOLDOUT),
        )


def _faults(cc: CodedCase, coded: Coded, f: Field, unparsable: int) -> _Faults:
    none = np.zeros(len(coded), dtype=bool)
    if f.levelled:
        codes = codes_of(coded, f.name)
        gaps = (codes < 0) if not _may_be_missing(cc.train, f) else none
        return _Faults(none, none, codes >= cc.known[f.name], gaps, none, unparsable)
    values = numbers_of(coded, f.name)
    low, high = _range(cc.train, f)
    gaps = np.isnan(values) if not _may_be_missing(cc.train, f) else none
    digits = none
    if f.kind == "continuous" and f.decimals is not None:
        grain = 10.0**-f.decimals
        # Eight significant digits short of a float's precision: 0.1 + 0.2 is no fault.
        with np.errstate(invalid="ignore"):
            digits = np.abs(values - np.round(values, f.decimals)) > np.maximum(grain * 1e-6, np.abs(values) * 1e-9)
    with np.errstate(invalid="ignore"):
        return _Faults(values < low, values > high, none, gaps, digits, unparsable)


def _may_be_missing(train: Part, f: Field) -> bool:
    if f.nullable:
        return True
    if f.levelled:
        return bool((codes_of(train.coded, f.name) < 0).any())
    return bool(np.isnan(numbers_of(train.coded, f.name)).any())


def _range(train: Part, f: Field) -> tuple[float, float]:
    """Return the widest of train's own range and the schema's stated one."""
    values = numbers_of(train.coded, f.name)
    present = values[~np.isnan(values)]
    low = float(present.min()) if len(present) else np.inf
    high = float(present.max()) if len(present) else -np.inf
    return (low if f.low is None else min(low, f.low)), (high if f.high is None else max(high, f.high))
