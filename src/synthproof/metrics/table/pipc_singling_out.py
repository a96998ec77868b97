"""구별위험도: the share of synthetic rows that equal some original row (PIPC guide, December 2024, appendix 4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from synthproof.core.contracts import Case
from synthproof.core.evidence import Attacker, Card, Evidence
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Purpose, Schema
from synthproof.core.words import Words
from synthproof.metrics.table.footing import NO_FIELDS, Share, footing, lacks, share

_LOW_CARDINALITY = Words(
    en="Where few combinations of values exist, equal rows arise by chance: read the number beside the holdout's own.",
    ko="값의 조합이 적은 데이터에서는 우연히 같은 행이 생기므로 홀드아웃 자체의 비율과 함께 해석하십시오.",
)
_NO_REFERENCE = Words(
    en="Without a holdout the share that arises by chance is unknown.",
    ko="홀드아웃이 없어 우연히 발생하는 비율을 알 수 없습니다.",
)


class PipcSinglingOut:
    """Share of synthetic rows that equal some row of the preprocessed original, all modelled fields compared.

    Notes
    -----
    The estimate is the guide's: the mean over synthetic rows s of 1[s equals some original]. The detail carries the
    guide's variant, in which each hit is divided by the number of originals that share the record. The interval is
    Wilson's, by unit: it covers the generator's rate against this very original. The reference is the same share for
    holdout rows: what fresh real records reach by chance. Not affected by the holdout's size. Cost O((n + m) log n · d).
    """

    card = Card(
        id="table.pipc_singling_out",
        version=1,
        family="safety",
        name=Words(en="Singling-out risk (PIPC)", ko="구별위험도"),
        question=Words(
            en="How many synthetic records are identical to a real record?",
            ko="원본과 완전히 같은 합성 레코드는 얼마나 되는가?",
        ),
        unit="share of synthetic records",
        low=0.0,
        high=1.0,
        better="lower",
        source="PIPC, Guide to generating and using synthetic data (Dec 2024), appendix 4: 구별위험도",
        ideal=Words(
            en="No more than fresh real records reach by chance (the reference).",
            ko="새로운 실제 레코드가 우연히 도달하는 수준(참조값) 이하.",
        ),
        attacker=Attacker(
            knows=Words(en="The synthetic data.", ko="공개된 합성데이터."),
            tries=Words(
                en="Takes a synthetic record for a real person's record as it stands.",
                ko="합성 레코드를 실제 개인의 레코드로 그대로 간주합니다.",
            ),
            success=Words(
                en="The record equals a real one in every field.",
                ko="모든 항목이 원본 레코드와 일치하면 성공입니다.",
            ),
        ),
    )

    def applies(self, schema: Schema, purpose: Purpose, /) -> str | None:
        """Return ``None``, or why there is nothing to compare."""
        return None if schema.modelled else NO_FIELDS.en

    def measure(self, case: Case[Any], /, *, seed: int, run: Run | None = None) -> Sequence[Evidence]:
        """Return one piece of evidence, subject ``all``."""
        quiet(run).tick(self.card.id, 0, 1)
        if why := lacks(case, holdout=False):
            return (Evidence(metric=self.card.id, version=self.card.version, outcome="insufficient", caveat=why),)
        base = footing(case)
        size = 1 + max(int(ids.max(initial=0)) for ids in base.ids.values())
        in_train = np.bincount(base.ids["train"], minlength=size)
        times = in_train[base.ids["synthetic"]]
        found = share(times > 0, base.units["synthetic"])
        own = self._chance(case, in_train)
        divided = np.where(times > 0, 1.0 / np.maximum(times, 1), 0.0)
        detail = {
            "matches": int((times > 0).sum()),
            "matches_of_unique_originals": int((times == 1).sum()),
            "divided_by_duplicates": float(divided.mean()),
            "synthetic_rows": len(times),
            "distinct_originals_met": int(
                np.count_nonzero(np.bincount(base.ids["synthetic"], minlength=size)[in_train > 0])
            ),
            "original_rows": len(base.ids["train"]),
            "original_rows_with_a_twin": int(in_train[in_train > 1].sum()),
            "holdout_rate": None if own is None else own.plain(),
        }
        return (
            Evidence(
                metric=self.card.id,
                version=self.card.version,
                estimate=found.estimate,
                interval=(found.low, found.high),
                reference=None if own is None else own.estimate,
                reference_interval=None if own is None else (own.low, own.high),
                n=len(case.synthetic),
                seed=seed,
                detail=detail,
                private={"synthetic_rows": np.flatnonzero(times > 0).tolist()},
                caveat=_LOW_CARDINALITY if own is not None else _NO_REFERENCE,
            ),
        )

    @staticmethod
    def _chance(case: Case[Any], in_train: np.ndarray[Any, np.dtype[np.intp]]) -> Share | None:
        base = footing(case)
        if "holdout" not in base.ids or len(base.ids["holdout"]) == 0:
            return None
        return share(in_train[base.ids["holdout"]] > 0, base.units["holdout"])
