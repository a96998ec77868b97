"""Near copies: synthetic records that lie closer to a training record than records come to each other by chance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from synthproof.core.contracts import Case
from synthproof.core.evidence import Attacker, Card, Evidence
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Purpose, Schema
from synthproof.core.words import Words
from synthproof.metrics.table.answers import insufficient, joined
from synthproof.metrics.table.distances import ToTrain, distinct, to_real
from synthproof.metrics.table.exchangeable import Excess, bound_words, evidence, of_attacks, persons_met, unusable
from synthproof.metrics.table.footing import NO_FIELDS, Footing, effective_rows, footing

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

REACHES = (0.01, 0.001)
"""Near is what the closest 1 %, or 0.1 %, of holdout records come to train."""
LEVEL = 0.95
CROWDED = 5.0
"""Where ties put this many times more holdout records within reach, near means nothing."""
_WORST = 50

_READ = Words(
    en="0: synthetic records come near to training records no more often than to unseen ones. Exact copies are counted "
    "elsewhere. A filter by distance can hide near copies; silence is no proof.",
    ko="0은 합성 레코드가 학습에 쓰이지 않은 레코드보다 학습 원본에 더 자주 가까이 있지 않다는 뜻입니다. 완전 복제는 별도로 "
    "집계합니다. 거리 기준 필터는 근접 복제를 숨길 수 있으므로, 드러나지 않았다고 안전이 증명된 것은 아닙니다.",
)
_FEW = Words(
    en="Near cannot be told from chance: it takes {least} holdout records that differ from every training record, and "
    "there are {n}.",
    ko="'가깝다'의 기준을 정할 수 없습니다. 모든 학습 원본과 다른 홀드아웃 레코드가 {least}건 필요하나 {n}건입니다.",
)
_CROWDED = Words(
    en="Near means nothing here: {share} of holdout records lie at the least distance from train that these columns "
    "allow. Exact copies can be told, near copies cannot.",
    ko="이 자료에서는 '가깝다'가 의미를 갖지 못합니다. 홀드아웃 레코드의 {share}가 이 항목들로 가능한 최소 거리에 있습니다. "
    "완전 복제는 구별되지만 근접 복제는 구별되지 않습니다.",
)
_ALL_EXACT = Words(
    en="Every synthetic record equals a real one: there are exact copies only, none near.",
    ko="모든 합성 레코드가 실제 레코드와 같습니다. 완전 복제만 있고 근접 복제는 없습니다.",
)


@dataclass(frozen=True, slots=True)
class _Near:
    """What lies within one reach of a real record."""

    level: float
    reach: float
    excess: Excess
    inside: BoolArray
    to_train: FloatArray
    met: dict[str, int]


class NearCopies:
    """Share of synthetic records near a training record, over the share near control records; exact copies left out.

    Notes
    -----
    Near is a distance (Gower's, in the ranges of train) that only the closest 1 % of holdout records come to train, or
    only the closest 0.1 % where there are 1,000 of them. A synthetic record within it that equals no real record is
    credited to the real record it is nearest to, in train or in the holdout; equally near ones share it. Train and
    holdout being exchangeable, innocent nearness falls to train by train's share of the rows, however good or poor the
    generator is, so the estimate is the rate on train less that on the holdout at train's size, with its interval by
    unit (`exchangeable.of_attacks`). Train is not thinned to the holdout's size, which would blind the number.

    Both reaches are tried; the interval is at 97.5 % for each, so 95 % together, and the reach with the higher lower
    bound is reported (the wider one where neither shows an excess). ``persons_met`` in the detail counts, for each reach,
    the real persons nearest to a synthetic record within it, for an exact test. Distances to the closest record and the ratio of
    the nearest to the second are given in the detail as diagnostics: they are no evidence of safety.

    Where ties crowd more than five times the holdout records within reach, or there are fewer than 100, the outcome is
    *insufficient*. It sees 1 % of near copies (jitter 0.05 SD) among 4,000 records of ten continuous fields.
    Cost O(n_S · (n_train + n_holdout) · d), shared with the other distance metrics.
    """

    card = Card(
        id="table.near_copies",
        version=1,
        family="safety",
        name=Words(en="Near copies", ko="근접 복제"),
        question=Words(
            en="Are there synthetic records that all but repeat a training record?",
            ko="학습 원본을 거의 그대로 반복하는 합성 레코드가 있는가?",
        ),
        unit="excess share of synthetic records",
        low=-1.0,
        high=1.0,
        better="lower",
        source="Holdout-calibrated distances: Platzer & Reutterer 2021, doi:10.3389/fdata.2021.679939; reach, pool of train "
        "and control, intervals by unit: ours",
        ideal=Words(en="0: no nearer to train than to unseen records.", ko="0: 학습에 쓰이지 않은 레코드와 같은 수준."),
        needs=frozenset({"holdout"}),
        attacker=Attacker(
            knows=Words(en="The synthetic data and one person's record.", ko="합성데이터와 특정인의 레코드."),
            tries=Words(
                en="Looks for a synthetic record that is the person's but for small changes.",
                ko="그 사람의 레코드를 조금만 바꾼 듯한 합성 레코드를 찾습니다.",
            ),
            success=Words(
                en="Finds one nearer than real persons come to each other, more often for persons learned from.",
                ko="실제 사람끼리 가까운 정도보다 더 가까운 레코드를, 학습된 사람에게서 더 자주 찾으면 성공입니다.",
            ),
        ),
    )

    def applies(self, schema: Schema, purpose: Purpose, /) -> str | None:
        """Return ``None``, or why there is nothing to compare."""
        return None if schema.modelled else NO_FIELDS.en

    def measure(self, case: Case[Any], /, *, seed: int, run: Run | None = None) -> Sequence[Evidence]:
        """Return one piece of evidence, subject ``all``."""
        run = quiet(run)
        run.tick(self.card.id, 0, 1)
        if why := unusable(case):
            return (insufficient(self.card, why, seed=seed),)
        drawn, other = to_real(case, "synthetic", "train", run), to_real(case, "synthetic", "holdout", run)
        own = to_real(case, "holdout", "train", run)
        base = footing(case)
        exact = np.minimum(drawn.distance, other.distance) == 0
        apart = np.sort(own.distance[own.distance > 0])
        why, reaches = _reaches(apart)
        if why is None and exact.all():
            why = _ALL_EXACT
        if why is not None:
            return (insufficient(self.card, why, seed=seed),)
        level = 1 - (1 - LEVEL) / len(reaches)
        near = [_near(case, base, drawn, other, exact, share, reach, level) for share, reach in reaches]
        best = max(near, key=lambda x: x.excess.low) if any(x.excess.low > 0 for x in near) else near[0]
        units = base.units["synthetic"][drawn.rows]
        return (
            evidence(
                self.card,
                best.excess,
                subject="all",
                n=len(np.unique(units)),
                seed=seed,
                detail={
                    "reaches": [_told(x) for x in near],
                    "reach_reported": best.level,
                    "persons_met": [x.met for x in near],
                    "rows_looked_at": len(drawn.rows),
                    "rows_sampled": drawn.sampled,
                    "rows_equal_to_a_real_record": int(exact.sum()),
                    "distances": _diagnostics(drawn, own),
                },
                private={"synthetic_rows_nearest_first": _worst(drawn, best).tolist()},
                caveat=joined(
                    _READ, bound_words(float(best.to_train.sum()), effective_rows(best.to_train, _dense(units)))
                ),
            ),
        )


def _reaches(apart: FloatArray) -> tuple[Words | None, list[tuple[float, float]]]:
    """Return why near means nothing, or the reaches that it can be told by, as (share of holdout, distance)."""
    n = len(apart)
    possible = [share for share in REACHES if share * n >= 1]
    if not possible:
        return _FEW.filled(least=math.ceil(1 / REACHES[0]), n=n), []
    found = []
    for share in possible:
        reach = float(apart[math.ceil(share * n) - 1])
        inside = int(np.searchsorted(apart, reach, side="right"))
        if inside <= CROWDED * max(share * n, 1.0):
            found.append((share, reach))
    if found:
        return None, found
    crowd = float(np.searchsorted(apart, apart[0], side="right")) / n
    return _CROWDED.filled(share=f"{crowd:.0%}"), []


def _near(
    case: Case[Any],
    base: Footing,
    drawn: ToTrain,
    other: ToTrain,
    exact: BoolArray,
    share: float,
    reach: float,
    level: float,
) -> _Near:
    inside = ~exact & (np.minimum(drawn.distance, other.distance) <= reach)
    train, holdout = distinct(case, "train"), distinct(case, "holdout")
    times, other_times = train.times[drawn.record], holdout.times[other.record]
    tied = times / (times + other_times)
    to_train = np.where(drawn.distance < other.distance, 1.0, np.where(drawn.distance > other.distance, 0.0, tied))
    to_train, to_holdout = np.where(inside, to_train, 0.0), np.where(inside, 1.0 - to_train, 0.0)
    n = len(drawn.rows)
    sums = []
    for part, record, credit, name in (
        (train, drawn.record, to_train, "train"),
        (holdout, other.record, to_holdout, "holdout"),
    ):
        of_record = np.bincount(record, weights=credit, minlength=len(part.times)) / (part.times * n)
        sums.append(np.bincount(base.units[name], weights=of_record[part.of_row]).astype(np.float64, copy=False))
    attacks = effective_rows(to_train, _dense(base.units["synthetic"][drawn.rows]))
    found = of_attacks(sums[0], sums[1], len(train.of_row), len(holdout.of_row), attacks, level)
    # Real rows that are some synthetic row's nearest, those of which there are two left out. Where one of train and one of
    # the holdout are equally near both count, but of two of train only one: on the safe side.
    rows = [
        part.first_row[np.unique(record[inside & (mine <= theirs) & (part.times[record] == 1)])]
        for part, record, mine, theirs in (
            (train, drawn.record, drawn.distance, other.distance),
            (holdout, other.record, other.distance, drawn.distance),
        )
    ]
    met = persons_met(base, rows[0], rows[1], len(np.unique(base.units["synthetic"][drawn.rows])))
    return _Near(share, reach, found, inside, to_train, met)


def _dense(units: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    return np.unique(units, return_inverse=True)[1].astype(np.intp)


def _told(near: _Near) -> dict[str, Any]:
    return {
        "share_of_holdout": near.level,
        "distance": near.reach,
        "synthetic_rows_inside": int(near.inside.sum()),
        "nearest_to_train": float(near.to_train.sum()),
        "excess": near.excess.estimate,
        "interval": [near.excess.low, near.excess.high],
    }


def _diagnostics(drawn: ToTrain, own: ToTrain) -> dict[str, Any]:
    """Return distances to the closest record (DCR) and ratios of nearest to second (NNDR), beside the holdout's."""
    out: dict[str, Any] = {}
    for name, values, unseen in (("dcr", drawn.distance, own.distance), ("nndr", _ratio(drawn), _ratio(own))):
        for q in (0.01, 0.05, 0.5):
            mine, theirs = float(np.quantile(values, q)), float(np.quantile(unseen, q))
            out[f"{name}_{q:.0%}"] = {"synthetic": mine, "holdout": theirs, "ratio": mine / theirs if theirs else None}
    return out


def _ratio(found: ToTrain) -> FloatArray:
    return np.divide(found.distance, found.second, out=np.ones(len(found.distance)), where=found.second > 0)


def _worst(drawn: ToTrain, near: _Near) -> npt.NDArray[np.intp]:
    of_train = np.flatnonzero(near.to_train > 0)
    order = of_train[np.argsort(drawn.distance[of_train], kind="stable")]
    return drawn.rows[order[:_WORST]]
