"""Are declared rules kept by the synthetic rows?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from synthproof.core.contracts import Case
from synthproof.core.evidence import Card, Evidence
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Purpose, Schema
from synthproof.core.stats import wilson
from synthproof.core.words import Words
from synthproof.data.table.dataset import Table
from synthproof.metrics.table.answers import NO_HOLDOUT, SYNTHETIC_UNITS, insufficient, not_applicable, too_few
from synthproof.metrics.table.coded_case import coded_case

_NONE = Words(en="No rules are declared for these data.", ko="선언된 제약 조건이 없습니다.")
_ABSENT = Words(
    en="The synthetic data lack a column that the rule speaks of.",
    ko="규칙에 쓰인 열이 합성데이터에 없습니다.",
)

_NO_FUNCTION = Words(
    en="The rule is a function of your own, and no file holds code: give it again to have it checked.",
    ko="직접 작성한 함수로 된 규칙이며 파일에는 코드가 저장되지 않습니다. 확인하려면 함수를 다시 지정하십시오.",
)


class ConstraintsKept:
    """Share of synthetic rows that keep each declared rule, and all of them."""

    card: ClassVar[Card] = Card(
        id="table.constraints",
        version=1,
        family="integrity",
        name=Words(en="Declared rules kept", ko="제약 조건 준수"),
        question=Words(
            en="Do the synthetic rows keep the rules that were declared for the data?",
            ko="합성데이터의 행이 선언된 규칙을 지킵니까?",
        ),
        unit="share of rows",
        low=0.0,
        high=1.0,
        better="higher",
        ideal=Words(
            en="1, or the share of unseen real rows that keep the rules (shown beside it).",
            ko="1 또는 미학습 원본 행의 준수 비율(함께 표시).",
        ),
        source="ISO/IEC 25012:2008 (consistency); PIPC guide (2024.12) table checklist",
    )

    def applies(self, schema: Schema, purpose: Purpose, /) -> str | None:
        """Return ``None``, or that no rule is declared."""
        return None if schema.constraints else _NONE.en

    def measure(self, case: Case[Any], /, *, seed: int, run: Run | None = None) -> Sequence[Evidence]:
        """Return the share of rows that keep every rule first, then one piece of evidence a rule."""
        train: Table = case.train
        synthetic: Table = case.synthetic
        rules = train.schema.constraints
        if not rules:
            return [not_applicable(self.card, _NONE, seed=seed)]
        if synthetic.n_rows < 1:
            return [too_few(self.card, 0, 1, SYNTHETIC_UNITS, seed=seed)]
        cc = coded_case(case)
        rows = cc.synthetic.effective
        fresh_rows = 0.0 if cc.holdout is None else cc.holdout.effective
        kept = np.ones(synthetic.n_rows, dtype=bool)
        holdout: Table | None = case.holdout
        held = None if holdout is None else np.ones(holdout.n_rows, dtype=bool)
        out: list[Evidence] = []
        for rule in quiet(run).each(rules, self.card.id):
            if not rule.checkable or any(name not in synthetic.schema for name in rule.fields):
                why = _ABSENT if rule.checkable else _NO_FUNCTION
                out.append(insufficient(self.card, why, subject=rule.text, seed=seed))
                kept[:] = False
                continue
            holds = rule.holds(synthetic.frame, reference=train.frame)
            kept &= holds
            fresh = None
            if holdout is not None and held is not None and all(name in holdout.schema for name in rule.fields):
                fresh = rule.holds(holdout.frame, reference=train.frame)
                held &= fresh
            out.append(self._evidence(rule.text, holds, fresh, rows, fresh_rows, len(synthetic), seed))
        return [self._evidence("all", kept, held, rows, fresh_rows, len(synthetic), seed), *out]

    def _evidence(
        self,
        subject: str,
        kept: npt.NDArray[np.bool_],
        held: npt.NDArray[np.bool_] | None,
        rows: float,
        fresh_rows: float,
        n: int,
        seed: int,
    ) -> Evidence:
        share = float(kept.mean())
        reference = float(held.mean()) if held is not None and len(held) else None
        return Evidence(
            metric=self.card.id,
            version=self.card.version,
            subject=subject,
            estimate=share,
            interval=wilson(share * rows, rows),
            reference=reference,
            reference_interval=None if reference is None else wilson(reference * fresh_rows, fresh_rows),
            n=n,
            seed=seed,
            detail={"broken": int((~kept).sum()), "rows": len(kept)},
            caveat=None if held is not None else NO_HOLDOUT,
        )
