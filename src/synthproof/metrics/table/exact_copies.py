"""Exact copies of training records beyond what coincidence explains, judged by how the holdout fares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from synthproof.core.contracts import Case
from synthproof.core.evidence import Attacker, Card, Evidence
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Purpose, Schema
from synthproof.core.words import Words
from synthproof.metrics.table.exchangeable import copies, holdout_seen, persons_met
from synthproof.metrics.table.footing import NO_FIELDS, Footing, footing, lacks, share

_READ = Words(
    en="0 means that synthetic records meet training records no more often than unseen ones; a lower bound above 0 "
    "means that training records were copied.",
    ko="0은 합성 레코드가 학습 원본과 일치하는 빈도가 학습에 쓰이지 않은 원본과 같다는 뜻입니다. 하한이 0보다 크면 학습 "
    "원본이 복제된 것입니다.",
)
_HOLDOUT_SEEN = Words(
    en="The synthetic data repeat holdout records more often than training records. The holdout was not unseen (was it "
    "learned from, handed out, or mixed up with train?), so nothing can be concluded from it.",
    ko="합성데이터가 학습 원본보다 홀드아웃 레코드를 더 자주 그대로 반복합니다. 홀드아웃이 학습에 쓰였거나 그대로 제공되었거나 "
    "학습 원본과 뒤바뀐 것으로 보이므로, 이를 근거로 판단할 수 없습니다.",
)


class ExactCopies:
    """Share of synthetic rows that copy a training row, over what unseen rows explain.

    Notes
    -----
    Train and holdout are exchangeable before learning. So of the real rows that a synthetic row equals, the share that
    lies in train should be the share q of real rows that are train. With a and b such rows in train and holdout, a
    synthetic row scores (a/(a+b) - q)/(1 - q), and 0 when it meets none: 1 for the verbatim copy of a unique row, 0 on
    average for coincidences, whatever the sizes of the two sets and however poor the generator. The estimate is the
    mean score. Its interval combines the exact variance of drawing the training *units* from all real units without
    replacement with Wilson's interval of the copied share. Thinning train to the holdout's size is not needed.

    An interval wholly below 0 while holdout records are met more often than train itself meets them (both at 99.9 %)
    cannot come from learning: the holdout was seen. The outcome is then *insufficient*, because every comparison with
    that holdout is void.

    Subject ``all`` compares every record; subject ``unique`` only records that occur once in train and holdout
    together, where a match names one person; the numbers of persons met on either side (``persons_met`` in its detail)
    allow an exact test. Cost O((n + m) log n · d).
    """

    card = Card(
        id="table.exact_copies",
        version=1,
        family="safety",
        name=Words(en="Exact copies beyond coincidence", ko="우연을 넘는 완전 복제"),
        question=Words(
            en="Does the synthetic data repeat training records more often than records that were never seen?",
            ko="합성데이터가 학습에 쓰이지 않은 원본보다 학습 원본을 더 자주 그대로 반복하는가?",
        ),
        unit="excess share of synthetic records",
        low=-1.0,
        high=1.0,
        better="lower",
        source="Holdout-based comparison: Platzer & Reutterer 2021, doi:10.3389/fdata.2021.679939; exchangeability of train "
        "and holdout as the null: ours",
        ideal=Words(en="0: no more than coincidence.", ko="0: 우연의 일치를 넘지 않음."),
        needs=frozenset({"holdout"}),
        attacker=Attacker(
            knows=Words(
                en="The synthetic data and every field of one person.",
                ko="합성데이터와 특정인의 모든 항목 값.",
            ),
            tries=Words(
                en="Looks the person's record up among the synthetic records.",
                ko="그 사람의 레코드를 합성데이터에서 찾습니다.",
            ),
            success=Words(
                en="Finds it more often for persons who were learned from than for persons who were not.",
                ko="학습에 쓰인 사람이 쓰이지 않은 사람보다 더 자주 발견되면 성공입니다.",
            ),
        ),
    )

    def applies(self, schema: Schema, purpose: Purpose, /) -> str | None:
        """Return ``None``, or why there is nothing to compare."""
        return None if schema.modelled else NO_FIELDS.en

    def measure(self, case: Case[Any], /, *, seed: int, run: Run | None = None) -> Sequence[Evidence]:
        """Return evidence for the subjects ``all`` and ``unique``."""
        quiet(run).tick(self.card.id, 0, 1)
        if why := lacks(case, holdout=True):
            return (Evidence(metric=self.card.id, version=self.card.version, outcome="insufficient", caveat=why),)
        base = footing(case)
        seen = holdout_seen(base)
        return tuple(self._one(case, base, subject, seed, seen) for subject in ("all", "unique"))

    def _one(self, case: Case[Any], base: Footing, subject: str, seed: int, seen: bool) -> Evidence:
        train, holdout, synthetic = (base.ids[name] for name in ("train", "holdout", "synthetic"))
        size = 1 + max(int(ids.max(initial=0)) for ids in base.ids.values())
        a, b = np.bincount(train, minlength=size), np.bincount(holdout, minlength=size)
        looked_at = a + b == 1 if subject == "unique" else a + b > 0
        drawn = np.where(looked_at, np.bincount(synthetic, minlength=size), 0)
        found = copies(drawn, a, b, base)
        in_train, in_holdout = (looked_at & (a > 0))[synthetic], (looked_at & (b > 0))[synthetic]
        unseen = share((looked_at & (a > 0) & (b > 0))[holdout], base.units["holdout"])
        to_holdout = share(in_holdout, base.units["synthetic"])
        copied = np.flatnonzero(looked_at & (a > 0) & (b == 0) & (drawn > 0))
        detail: dict[str, Any] = {}
        if subject == "unique":
            # A record that one real person alone has is met or not, whoever was learned from.
            mine, others = (np.flatnonzero((drawn > 0)[ids]).astype(np.intp) for ids in (train, holdout))
            detail["persons_met"] = [persons_met(base, mine, others, len(case.synthetic))]
        return Evidence(
            metric=self.card.id,
            version=self.card.version,
            subject=subject,
            outcome="insufficient" if seen else "measured",
            estimate=None if seen else found.estimate,
            interval=None if seen else (found.low, found.high),
            reference=0.0,
            n=len(case.synthetic),
            seed=seed,
            detail={
                "share_equal_to_train": share(in_train, base.units["synthetic"]).plain(),
                "share_equal_to_holdout": to_holdout.plain(),
                "holdout_share_equal_to_train": unseen.plain(),
                "train_share_of_real_rows": len(train) / (len(train) + len(holdout)),
                "records_met_in_train_only": len(copied),
                **detail,
            },
            private={"train_rows_copied": np.flatnonzero(np.isin(train, copied)).tolist()},
            caveat=_HOLDOUT_SEEN if seen else _READ,
        )
