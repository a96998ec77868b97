"""Can it be told from the synthetic data who was learned from?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from synthproof.core.contracts import Case
from synthproof.core.evidence import Attacker, Card, Evidence
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Purpose, Schema
from synthproof.core.stats import clopper_pearson
from synthproof.core.words import Words
from synthproof.metrics.table import attack_success as success
from synthproof.metrics.table.answers import HOLDOUT_UNITS, REAL_UNITS, SYNTHETIC_UNITS, insufficient, joined, too_few
from synthproof.metrics.table.attacked import (
    MOST,
    Side,
    most_units,
    shuffled_units,
    side_of,
)
from synthproof.metrics.table.coded_case import ENOUGH
from synthproof.metrics.table.exchangeable import HOLDOUT_SEEN, holdout_seen
from synthproof.metrics.table.footing import NO_FIELDS, footing, lacks
from synthproof.metrics.table.membership_scores import ATTACKS, INSIDE, attack
from synthproof.metrics.table.propensity import roc_points

BoolArray = npt.NDArray[np.bool_]

EXPOSED = 0.05
"""Share of persons that count as exposed: the most isolated among the reference rows."""
RATES = (0.001, 0.01, 0.1)
"""False-alarm rates at which the true-positive rate is given."""
LEAST = 200
"""Persons a side that must be attacked at least (a hundred on each half)."""
SUBJECTS = ("all", "exposed", "surest", "TPR at 1 % FPR", "exposed, TPR at 1 % FPR")
_SURE = 0.999
_SHOWN = 50

_READ = Words(
    en="No separate reference data exist: {r} holdout units served the attacker as such and were not attacked. {n} other "
    "holdout units were attacked together with as many training units, drawn at random. Attack and threshold were chosen "
    "on one half of the attacked units and counted on the other.",
    ko="별도의 참조 자료가 없어 홀드아웃 {r}건을 공격자의 참조 자료로 쓰고 공격하지 않았습니다. 나머지 홀드아웃에서 {n}건을 같은 수의 학습 "
    "단위와 함께 무작위로 뽑아 공격하였습니다. 공격 방법과 임계값은 공격 대상의 절반에서 고르고 나머지 절반에서 세었습니다.",
)
_AUC = Words(
    en="0.5: who was learned from cannot be told. A lower bound above 0.5 is a leak; a small leak among many shows under "
    "'surest' first.",
    ko="0.5: 누가 학습에 쓰였는지 알 수 없음. 하한이 0.5보다 크면 유출입니다. 소수에 한한 유출은 'surest'에 먼저 나타납니다.",
)
_EXPOSED = Words(
    en="The same for the most isolated 5 % of persons, who are recognised first.",
    ko="가장 고립되어 먼저 식별되기 쉬운 상위 5%의 사람만 따로 본 값입니다.",
)
_SUREST = Words(
    en="Of the persons whom the attacker is surest of, the share that were learned from (members and others equally many); "
    "0.5 is guessing. A few recognised beyond doubt are enough to raise it. The interval is exact.",
    ko="공격자가 가장 확신한 사람 가운데 실제로 학습에 쓰인 비율입니다(구성원과 비구성원 동수). 0.5는 추측 수준이며, 소수라도 확실히 "
    "식별되면 올라갑니다. 구간은 정확 구간입니다.",
)
_RATE = Words(
    en="Share of training units that are called members where 1 % of the others were on the half that set the threshold; "
    "the reference is the share of others so called on this half. Equal: no leak.",
    ko="임계값을 정한 절반에서 비구성원의 1%가 구성원으로 판정되는 지점의 학습 단위 판정 비율입니다. 기준값은 이 절반에서 비구성원의 "
    "판정 비율이며, 같으면 유출이 없습니다.",
)
_SAMPLED = Words(
    en="More units could have been attacked; a random sample keeps the cost in bounds.",
    ko="공격 가능한 단위가 더 있으나 계산량을 제한하기 위해 무작위로 추출하였습니다.",
)
_INSIDE = Words(
    en="The best attack used the model's own losses, which someone who has the synthetic data alone does not.",
    ko="가장 강한 공격은 모형의 손실값을 사용한 것으로, 합성데이터만 가진 사람은 쓸 수 없습니다.",
)
_FEW_EXPOSED = Words(
    en="Too few isolated units to say: {n} of either sort on a half, at least {least} are needed (about {units} holdout "
    "units).",
    ko="고립된 단위가 절반마다 {n}건뿐이라 판단할 수 없습니다. 최소 {least}건(홀드아웃 약 {units}건)이 필요합니다.",
)
_FEW_ALARMS = Words(
    en="Too few units to set a false-alarm rate of 1 %: about {units} holdout units are needed.",
    ko="단위가 적어 오경보율 1%를 정할 수 없습니다. 홀드아웃 약 {units}건이 필요합니다.",
)


class MembershipInference:
    """How well the best of several attacks tells training units from unseen ones, for all and for the most exposed.

    Parameters
    ----------
    population
        Persons among whom the members are searched, where somebody knows it: the precision at the real prevalence
        n_train/population is then given. Unsaid, no such number is made up.
    delta
        The delta of (epsilon, delta)-differential privacy that the lower bound of epsilon is given for.

    Notes
    -----
    *Members* are training units, *others* holdout units, equally many, at most 20,000 a side. The *reference* is the
    rest of the holdout, half of it at least: a case has no separate one, and an attacker who knows the population has as
    much. Attacks (`membership_scores.ATTACKS`): distance to the nearest synthetic record; log d_R - log d_S for 1, 5 and 20
    neighbours, the k-NN form of DOMIAS (van Breugel et al. 2023, arXiv 2302.12580); synthetic records within a ball
    whose radius is a quantile of distances within the reference; log-odds of boosted trees, synthetic against reference;
    and for models that keep marginals the likelihood ratio of a tree of pairs (after the idea of MAMA-MIA, Golob et al.
    2024, arXiv 2410.05506, and TAMIS). No attack wins everywhere (Ward et al. 2025, arXiv 2509.18014), so the best on
    half A of the persons is counted on half B: its interval needs no correction for the choice. The upper ends are the
    highest of all attacks', so that they bound the strongest of them whichever was chosen.

    Subjects: ``all`` and ``exposed`` (the 5 % with the largest distance to their fifth neighbour in the reference; after
    Meeus et al. 2023, arXiv 2306.10308) are AUCs with DeLong's interval; ``surest`` is the share of members among those
    called at the surest threshold, exact interval; the two ``TPR at 1 % FPR`` have Clopper-Pearson intervals, and the
    false-alarm rate of half B as reference. The details hold TPR at 0.1, 1 and 10 %, the advantage, epsilon's lower
    bound ln((TPR_lo - delta)/FPR_hi), each end at 97.5 %, and the ceiling that so many units allow it to reach.

    When the attack that fares worst on half A lies below 0.5 at 99.9 % on half B and the best is not above it, or the
    synthetic data repeat the holdout, then the holdout was seen, or rows like training rows were taken out: *insufficient*.

    Cost O(2 m (n_S + n_R) d) with m units attacked a side, plus one fit of boosted trees on at most 40,000 rows.
    """

    card = Card(
        id="table.membership_inference",
        version=1,
        family="safety",
        name=Words(en="Membership inference", ko="구성원 추론(학습 포함 여부)"),
        question=Words(
            en="Can an attacker tell from the synthetic data who was learned from?",
            ko="공격자가 합성데이터로부터 누가 학습에 쓰였는지 알아낼 수 있는가?",
        ),
        unit="probability",
        low=0.0,
        high=1.0,
        better="lower",
        source="van Breugel et al. 2023 (DOMIAS), arXiv 2302.12580; Golob et al. 2024, arXiv 2410.05506; DeLong et al. 1988, "
        "doi:10.2307/2531595; Kairouz et al. 2015, arXiv 1311.0776",
        ideal=Words(
            en="0.5: no better than guessing (TPR: equal to the false-alarm rate).",
            ko="0.5: 추측과 같음(TPR은 오경보율과 같음).",
        ),
        needs=frozenset({"holdout"}),
        attacker=Attacker(
            knows=Words(
                en="The synthetic data, every field of a person's records, and other real records from the same population.",
                ko="합성데이터, 특정인의 모든 항목 값, 같은 모집단의 다른 실제 레코드.",
            ),
            tries=Words(
                en="Scores the person by distance, density, balls, a classifier and a likelihood ratio, and calls the "
                "highest scores members.",
                ko="거리, 밀도, 반경 내 개수, 분류기, 우도비로 점수를 매겨 높은 점수의 사람을 학습에 쓰인 것으로 판정합니다.",
            ),
            success=Words(
                en="Persons who were learned from are called members more often than persons who were not.",
                ko="학습에 쓰인 사람이 쓰이지 않은 사람보다 더 자주 구성원으로 판정되면 성공입니다.",
            ),
        ),
    )

    def __init__(self, population: int | None = None, delta: float = 1e-5) -> None:
        self.population = population
        self.delta = delta

    def applies(self, schema: Schema, purpose: Purpose, /) -> str | None:
        """Return ``None``, or why there is nothing to compare."""
        return None if schema.modelled else NO_FIELDS.en

    def measure(self, case: Case[Any], /, *, seed: int, run: Run | None = None) -> Sequence[Evidence]:
        """Return evidence for each of `SUBJECTS`, in that order."""
        run = quiet(run)
        run.tick(self.card.id, 0, 1)
        if (lacking := self._lacking(case, seed)) is not None:
            return self._for_all(lacking)
        drawn = _draw(case, seed)
        scores = attack(case, drawn.members, drawn.others, drawn.reference, seed=seed, run=run)
        persons = success.Attacked(
            scores.values, np.repeat([True, False], drawn.m), np.tile(drawn.members.first_half, 2)
        )
        if success.auc(persons)[2] <= 0.5 and success.reversed_auc(persons, _SURE) < 0.5:
            return self._for_all(insufficient(self.card, HOLDOUT_SEEN, n=drawn.m, seed=seed))
        prevalence = None if self.population is None else min(1.0, len(case.train) / self.population)
        told = _Told(self.card, drawn, self.delta, prevalence, seed)
        exposed = persons.among(_isolated(scores.isolation))
        run.tick(self.card.id, 1, 1)
        return (
            told.auc("all", persons, _AUC),
            told.auc("exposed", exposed, _EXPOSED),
            told.surest(persons),
            told.rate("TPR at 1 % FPR", persons),
            told.rate("exposed, TPR at 1 % FPR", exposed),
        )

    def _lacking(self, case: Case[Any], seed: int) -> Evidence | None:
        if why := lacks(case, holdout=True):
            return insufficient(self.card, why, seed=seed)
        assert case.holdout is not None
        for n, least, what in (
            (len(case.holdout), 2 * LEAST, HOLDOUT_UNITS),
            (len(case.train), LEAST, REAL_UNITS),
            (len(case.synthetic), ENOUGH, SYNTHETIC_UNITS),
        ):
            if n < least:
                return too_few(self.card, n, least, what, seed=seed)
        if holdout_seen(footing(case)):
            return insufficient(self.card, HOLDOUT_SEEN, n=len(case.holdout), seed=seed)
        return None

    def _for_all(self, why: Evidence) -> tuple[Evidence, ...]:
        return tuple(replace(why, subject=subject) for subject in SUBJECTS)


@dataclass(frozen=True, slots=True)
class _Drawn:
    """Attacked units, as many on either side, and the rows of the holdout that the attacker has."""

    members: Side
    others: Side
    reference: npt.NDArray[np.intp]
    reference_units: int
    sampled: bool

    @property
    def m(self) -> int:
        return len(self.members)


def _draw(case: Case[Any], seed: int) -> _Drawn:
    base = footing(case)
    order = {name: shuffled_units(case, name, seed=seed, purpose="membership") for name in ("train", "holdout")}
    rows_per_unit = len(base.ids["train"]) / max(1, len(case.train))
    searched = len(base.synthetic) + min(MOST, len(base.ids["holdout"]) // 2)
    most = most_units(case, searched, rows_per_unit, len(case.train.schema.modelled))
    half = len(order["holdout"]) // 2
    m = min(len(order["train"]), half, most)
    reference = order["holdout"][m : m + min(len(order["holdout"]) - m, MOST)]
    return _Drawn(
        members=side_of(case, "train", order["train"][:m]),
        others=side_of(case, "holdout", order["holdout"][:m]),
        reference=side_of(case, "holdout", reference).rows,
        reference_units=len(reference),
        sampled=m < min(len(order["train"]), half),
    )


def _isolated(isolation: npt.NDArray[np.float64]) -> BoolArray:
    """Return the most isolated persons; those tied at the cut are in, unless they would double the share."""
    cut = np.sort(isolation)[-max(1, round(EXPOSED * len(isolation)))]
    inside: BoolArray = isolation >= cut
    beyond: BoolArray = isolation > cut
    return inside if inside.mean() <= 2 * EXPOSED else beyond


@dataclass(frozen=True, slots=True)
class _Told:
    """Evidence of one battery's attack."""

    card: Card
    drawn: _Drawn
    delta: float
    prevalence: float | None
    seed: int

    def auc(self, subject: str, persons: success.Attacked, read: Words) -> Evidence:
        """Return the AUC of the attack that is best on half A, with all that its thresholds reach in the details."""
        if (why := self._too_few(persons)) is not None:
            return insufficient(self.card, why, subject=subject, n=len(persons.member), seed=self.seed)
        name, found, low, high = success.auc(persons)
        on_b = ~persons.chosen_on
        detail: dict[str, Any] = {
            "auc_by_attack": success.aucs(persons),
            "roc": roc_points(persons.member[on_b], persons.scores[name][on_b]),
            "most_advantage": self._plain(success.most_advantage(persons)),
            "surest": self._plain(success.surest(persons)),
            "at_false_alarm_rate": {f"{rate:g}": self._at(persons, rate) for rate in RATES},
        }
        return self._evidence(subject, persons, name, found, (low, high), 0.5, detail, read)

    def surest(self, persons: success.Attacked) -> Evidence:
        """Return the share of members among those called at the surest threshold."""
        called = success.surest(persons)
        found, low, high = success.precision(called)
        members = persons.scores[called.attack][: self.drawn.m]
        first = np.argsort(-members, kind="stable")[:_SHOWN]
        private = {"train_units_most_recognised": self.drawn.members.units[first].tolist()}
        told = self._evidence("surest", persons, called.attack, found, (low, high), 0.5, self._plain(called), _SUREST)
        return replace(told, private=private)

    def rate(self, subject: str, persons: success.Attacked) -> Evidence:
        """Return the true-positive rate at a false-alarm rate of 1 %."""
        if (at := success.at_false_alarms(persons, 0.01)) is None:
            share = 1.0 if subject.startswith("TPR") else EXPOSED
            why = _FEW_ALARMS.filled(units=f"{round(4 * success.FEWEST_ALARMS / 0.01 / share):,}")
            return insufficient(self.card, why, subject=subject, n=len(persons.member), seed=self.seed)
        called, high = at
        told = self._evidence(
            subject,
            persons,
            called.attack,
            called.hits / called.members,
            (clopper_pearson(called.hits, called.members)[0], high),
            called.alarms / called.others,
            self._plain(called),
            _RATE,
        )
        return replace(told, reference_interval=clopper_pearson(called.alarms, called.others))

    def _too_few(self, persons: success.Attacked) -> Words | None:
        fewest = min(persons.counts())
        if fewest >= ENOUGH:
            return None
        return _FEW_EXPOSED.filled(n=fewest, least=ENOUGH, units=f"{math.ceil(4 * ENOUGH / EXPOSED):,}")

    def _at(self, persons: success.Attacked, rate: float) -> dict[str, Any]:
        at = success.at_false_alarms(persons, rate)
        return {"holdout_units_needed": round(4 * success.FEWEST_ALARMS / rate)} if at is None else self._plain(at[0])

    def _plain(self, called: success.Called) -> dict[str, Any]:
        return called.plain(self.delta, self.prevalence)

    def _evidence(
        self,
        subject: str,
        persons: success.Attacked,
        name: str,
        estimate: float,
        interval: tuple[float, float],
        reference: float,
        detail: dict[str, Any],
        read: Words,
    ) -> Evidence:
        sampled = self.drawn.sampled
        how = _READ.filled(n=f"{self.drawn.m:,}", r=f"{self.drawn.reference_units:,}")
        return Evidence(
            metric=self.card.id,
            version=self.card.version,
            subject=subject,
            estimate=estimate,
            interval=interval,
            reference=reference,
            n=int((~persons.chosen_on).sum()),
            seed=self.seed,
            detail={
                "attack": name,
                "attack_words": ATTACKS[name].to_dict(),
                "members_attacked": self.drawn.m,
                "persons": self.drawn.m,
                "reference_units": self.drawn.reference_units,
                "attacks_tried": sorted(persons.scores),
                "sampled": sampled,
                **success.bounds(persons, self.delta),
                **detail,
            },
            caveat=joined(read, how, _SAMPLED if sampled else None, _INSIDE if name in INSIDE else None),
        )
