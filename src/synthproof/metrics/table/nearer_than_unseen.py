"""Does the synthetic data lie nearer to the training records than unseen real records do?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats as st

from synthproof.core.contracts import Case
from synthproof.core.evidence import Attacker, Card, Evidence
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Purpose, Schema
from synthproof.core.stats import wilson
from synthproof.core.words import Words
from synthproof.metrics.table.distances import to_train
from synthproof.metrics.table.footing import NO_FIELDS, effective_rows, footing, lacks

FloatArray = npt.NDArray[np.float64]
UnitArray = npt.NDArray[np.intp]

TAIL = 0.05
"""The part of unseen records' distances that the second subject looks at."""
_FEWEST_IN_TAIL = 5

_ALL = Words(
    en="0.5: no nearer than unseen records. A lower bound above 0.5 means memorising. Below 0.5 the synthetic data are "
    "farther off than real records are: a matter of utility, not of safety.",
    ko="0.5: 학습에 쓰이지 않은 레코드보다 가깝지 않음. 하한이 0.5보다 크면 학습 원본을 기억한 것입니다. 0.5보다 작으면 실제 "
    "레코드보다 멀리 떨어져 있다는 뜻으로, 안전성이 아니라 유용성의 문제입니다.",
)
_CLOSEST = Words(
    en="The same question for the closest 5 % alone, so that a few near copies are not drowned by many distant records.",
    ko="가장 가까운 5%만 따로 본 값으로, 소수의 근접 복제가 다수의 먼 레코드에 묻히지 않게 합니다.",
)
_FEW = Words(
    en="The holdout has too few records to look at its closest 5 % (100 are needed).",
    ko="홀드아웃 레코드가 적어 가장 가까운 5%를 살펴볼 수 없습니다(100개 이상 필요).",
)


class NearerThanUnseen:
    """Probability that a synthetic record is nearer to the training set than an unseen real record is.

    Notes
    -----
    Both distances are taken to the nearest record of the *whole* training set, in a scale fitted on train, and compared
    in the Mann-Whitney form P(d_S < d_H) + P(d_S = d_H)/2. Thinning train to the holdout's size blinds the number at
    unequal splits, and a scale fitted on the holdout biases it. The interval is DeLong's by unit, on the logit scale:
    it carries the spread of the synthetic sample *and* of the finite holdout, so for fresh real records it covers 0.5.

    Subject ``closest 5 %`` compares only how many records of each side fall within the distance that the closest 5 % of
    the holdout reach: p_S/(p_S + p_H), again 0.5 for fresh records; interval on the logit scale (Katz et al. 1978,
    doi:10.2307/2530610). It sees a tenth of copies at split sizes where the whole-set form need not.

    A distance is no privacy guarantee: silence here is not evidence of safety (Yao et al. 2025, arXiv 2505.01524).
    Cost O((n_S + n_H) · n_train · d).
    """

    card = Card(
        id="table.nearer_than_unseen",
        version=1,
        family="safety",
        name=Words(en="Nearer than unseen records", ko="미학습 레코드 대비 근접도"),
        question=Words(
            en="Is a synthetic record nearer to the training records than a real record that nobody learned from?",
            ko="합성 레코드가 학습에 쓰이지 않은 실제 레코드보다 학습 원본에 더 가까운가?",
        ),
        unit="probability",
        low=0.0,
        high=1.0,
        better="lower",
        source="Whole-set rank form: ours (benchmarks/results/calibration.json); DeLong et al. 1988, doi:10.2307/2531595",
        ideal=Words(en="0.5: no nearer than unseen records.", ko="0.5: 학습에 쓰이지 않은 레코드와 같은 수준."),
        needs=frozenset({"holdout"}),
        attacker=Attacker(
            knows=Words(
                en="The synthetic data and a real record.",
                ko="합성데이터와 실제 레코드 하나.",
            ),
            tries=Words(
                en="Judges by distance to the synthetic data whether the record was learned from.",
                ko="합성데이터까지의 거리로 그 레코드가 학습에 쓰였는지 판단합니다.",
            ),
            success=Words(
                en="Synthetic records crowd around training records more than unseen records do.",
                ko="합성 레코드가 학습에 쓰이지 않은 레코드보다 학습 원본 주위에 더 몰려 있으면 성공입니다.",
            ),
        ),
    )

    def applies(self, schema: Schema, purpose: Purpose, /) -> str | None:
        """Return ``None``, or why there is nothing to compare."""
        return None if schema.modelled else NO_FIELDS.en

    def measure(self, case: Case[Any], /, *, seed: int, run: Run | None = None) -> Sequence[Evidence]:
        """Return evidence for the subjects ``all`` and ``closest 5 %``."""
        run = quiet(run)
        if why := lacks(case, holdout=True):
            return (self._without(why, "all"),)
        drawn, unseen = to_train(case, "synthetic", run), to_train(case, "holdout", run)
        units = footing(case).units
        drawn_units, unseen_units = units["synthetic"][drawn.rows], units["holdout"][unseen.rows]
        auc, low, high = auc_by_unit(drawn.distance, drawn_units, unseen.distance, unseen_units)
        common: dict[str, Any] = {
            "metric": self.card.id,
            "version": self.card.version,
            "seed": seed,
            "reference": 0.5,
            "n": len(np.unique(drawn_units)),
        }
        whole = Evidence(
            **common,
            estimate=auc,
            interval=(low, high),
            detail={**_curves(drawn.distance, unseen.distance), "rows_sampled": drawn.sampled or unseen.sampled},
            private={
                "synthetic_rows_nearest_first": drawn.rows[np.argsort(drawn.distance, kind="stable")[:50]].tolist()
            },
            caveat=_ALL,
        )
        if len(unseen.distance) * TAIL < _FEWEST_IN_TAIL:
            return whole, self._without(_FEW, "closest 5 %")
        found, tail_low, tail_high, detail = tail_share(drawn.distance, drawn_units, unseen.distance, unseen_units)
        tail = Evidence(
            **common,
            subject="closest 5 %",
            estimate=found,
            interval=(tail_low, tail_high),
            detail=detail,
            caveat=_CLOSEST,
        )
        return whole, tail

    def _without(self, why: Words, subject: str) -> Evidence:
        return Evidence(
            metric=self.card.id, version=self.card.version, subject=subject, outcome="insufficient", caveat=why
        )


def auc_by_unit(
    drawn: FloatArray, drawn_units: UnitArray, unseen: FloatArray, unseen_units: UnitArray, level: float = 0.95
) -> tuple[float, float, float]:
    """Return (P(drawn < unseen) + ties/2, low, high), rows of one unit kept together.

    DeLong's variance with the placements summed within units (Obuchowski 1997, doi:10.2307/2533958).
    """
    m, n = len(drawn), len(unseen)
    rank = st.rankdata(np.concatenate([drawn, unseen]))
    above_drawn = 1.0 - (rank[:m] - st.rankdata(drawn)) / n
    below_unseen = (rank[m:] - st.rankdata(unseen)) / m
    auc = float(above_drawn.mean())
    variance = _variance_of_mean(above_drawn, drawn_units) + _variance_of_mean(below_unseen, unseen_units)
    z = float(st.norm.ppf(0.5 + level / 2))
    if auc <= 0.0 or auc >= 1.0 or variance <= 0.0:
        # No spread is left to measure: bound it as a share of the harmonic number of units.
        a, b = len(np.unique(drawn_units)), len(np.unique(unseen_units))
        low, high = wilson(auc * a * b / (a + b), a * b / (a + b), level)
        return auc, low, high
    centre = math.log(auc / (1 - auc))
    half = z * math.sqrt(variance) / (auc * (1 - auc))
    return auc, _expit(centre - half), _expit(centre + half)


def tail_share(
    drawn: FloatArray, drawn_units: UnitArray, unseen: FloatArray, unseen_units: UnitArray, level: float = 0.95
) -> tuple[float, float, float, dict[str, Any]]:
    """Return (p_S/(p_S + p_H), low, high, detail) for the shares of both sides within the holdout's closest 5 %."""
    reach = np.sort(unseen)[math.ceil(TAIL * len(unseen)) - 1]
    inside, own = (drawn <= reach).astype(np.float64), (unseen <= reach).astype(np.float64)
    n_drawn, n_own = effective_rows(inside, drawn_units), effective_rows(own, unseen_units)
    # Half a record more on each side keeps the logarithm finite when no synthetic record is inside (Haldane).
    p, q = (float(inside.mean()) * n_drawn + 0.5) / (n_drawn + 0.5), (float(own.mean()) * n_own + 0.5) / (n_own + 0.5)
    variance = (1 - p) / (n_drawn * p) + (1 - q) / (n_own * q)
    z = float(st.norm.ppf(0.5 + level / 2))
    centre, half = math.log(p / q), z * math.sqrt(variance)
    detail = {"share_inside": float(inside.mean()), "holdout_share_inside": float(own.mean()), "tail": TAIL}
    return p / (p + q), _expit(centre - half), _expit(centre + half), detail


def _variance_of_mean(values: FloatArray, units: UnitArray) -> float:
    n, count = len(values), len(np.unique(units))
    if count < 2:
        return 0.25
    sums = np.bincount(units, weights=values - values.mean())
    return float((sums**2).sum()) / n**2 * count / (count - 1)


def _curves(drawn: FloatArray, unseen: FloatArray) -> dict[str, Any]:
    at = np.arange(1, 100) / 100
    near = {f"below_{q:.0%}_of_holdout": float((drawn <= np.quantile(unseen, q)).mean()) for q in (0.01, 0.05)}
    return {
        "levels": at.tolist(),
        "synthetic_to_train": np.quantile(drawn, at).tolist(),
        "holdout_to_train": np.quantile(unseen, at).tolist(),
        **near,
    }


def _expit(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x > -700 else 0.0
