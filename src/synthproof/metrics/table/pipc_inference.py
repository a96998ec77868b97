"""추론위험도: are synthetic records nearer to their nearest original than originals are to each other?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from synthproof.core.contracts import Case
from synthproof.core.evidence import Attacker, Card, Evidence
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Purpose, Schema
from synthproof.core.words import Words
from synthproof.metrics.table.distances import distinct, nearest_other, to_train
from synthproof.metrics.table.footing import NO_FIELDS, Share, footing, lacks, share

FloatArray = npt.NDArray[np.float64]

_READ = Words(
    en="About 0.5 for data as good as fresh real records, near 1 for copies; near 0 is safe but far from the original.",
    ko="새로운 실제 레코드 수준이면 0.5 안팎, 복제에 가까우면 1에 가깝습니다. 0에 가까우면 안전하지만 원본과 동떨어진 데이터입니다.",
)
_ALL_TIES = Words(
    en="Every distance ties, so no record counts for either side.",
    ko="모든 거리가 동점이어서 어느 쪽에도 셀 수 있는 레코드가 없습니다.",
)


class PipcInference:
    """Share of synthetic rows nearer to their nearest original than that original is to its nearest other original.

    Notes
    -----
    For each synthetic row s: o* is its nearest original, dS = d(s, o*), dO the distance of o* to its nearest *other*
    original row (0 when o* has a twin). The estimate is the share with dS < dO among rows with dS ≠ dO: ties leave both
    counts, as the guide says. The distance is Gower's with the original's ranges (`engines.neighbours`); of equally
    near originals the first in order of content is o*. Wilson's interval by unit; the reference is the same share with
    the holdout in the synthetic data's place. Cost O((n + m) · n · d).
    """

    card = Card(
        id="table.pipc_inference",
        version=1,
        family="safety",
        name=Words(en="Inference risk (PIPC)", ko="추론위험도"),
        question=Words(
            en="Do synthetic records lie closer to real records than real records lie to each other?",
            ko="합성 레코드가 원본에 가까운 정도가 원본끼리 가까운 정도보다 큰가?",
        ),
        unit="share of synthetic records",
        low=0.0,
        high=1.0,
        better="lower",
        source="PIPC, Guide to generating and using synthetic data (Dec 2024), appendix 4: 추론위험도; "
        "Gower 1971, doi:10.2307/2528823",
        ideal=Words(en="About 0.5 (the reference).", ko="0.5 안팎(참조값)."),
        attacker=Attacker(
            knows=Words(en="The synthetic data.", ko="합성데이터."),
            tries=Words(
                en="Takes a synthetic record for an approximate description of some real person.",
                ko="합성 레코드를 실제 개인에 대한 근사적 묘사로 간주합니다.",
            ),
            success=Words(
                en="The record is closer to that person's than the next real person's is.",
                ko="그 사람의 레코드에 다른 어떤 원본보다도 가까우면 성공입니다.",
            ),
        ),
    )

    def applies(self, schema: Schema, purpose: Purpose, /) -> str | None:
        """Return ``None``, or why there is nothing to compare."""
        return None if schema.modelled else NO_FIELDS.en

    def measure(self, case: Case[Any], /, *, seed: int, run: Run | None = None) -> Sequence[Evidence]:
        """Return one piece of evidence, subject ``all``."""
        run = quiet(run)
        why = lacks(case, holdout=False)
        if why is None and case.train.n_rows < 2:
            why = _ALL_TIES
        if why is not None:
            return (self._without(why),)
        near = to_train(case, "synthetic", run)
        between = nearest_other(case, near.record, run)
        base = footing(case)
        found = closer_share(near.distance, between, base.units["synthetic"][near.rows])
        if found.n == 0:
            return (self._without(_ALL_TIES),)
        own = None
        if case.holdout is not None and len(case.holdout) > 0:
            unseen = to_train(case, "holdout", run)
            other = nearest_other(case, unseen.record, run)
            own = closer_share(unseen.distance, other, base.units["holdout"][unseen.rows])
        known = own is not None and own.n > 0
        ties = int((near.distance == between).sum())
        return (
            Evidence(
                metric=self.card.id,
                version=self.card.version,
                estimate=found.estimate,
                interval=(found.low, found.high),
                reference=own.estimate if own is not None and known else None,
                reference_interval=(own.low, own.high) if own is not None and known else None,
                n=len(np.unique(base.units["synthetic"][near.rows])),
                seed=seed,
                detail={
                    "rows_counted": len(near.distance) - ties,
                    "rows_sampled": near.sampled,
                    "rows_tied": ties,
                    "rows_closer": round(found.hits),
                    "distance": "Gower, ranges of the original",
                    "distinct_originals": len(distinct(case, "train").times),
                    "median_nearest": float(np.median(near.distance)),
                    "median_between_originals": float(np.median(between)),
                },
                caveat=_READ,
            ),
        )

    def _without(self, why: Words) -> Evidence:
        return Evidence(metric=self.card.id, version=self.card.version, outcome="insufficient", caveat=why)


def closer_share(to_original: FloatArray, between: FloatArray, units: npt.NDArray[np.intp]) -> Share:
    """Return the share of rows with dS < dO among rows without a tie; its `n` is 0 when all tie."""
    counted = to_original != between
    return share((to_original < between)[counted], units[counted])
