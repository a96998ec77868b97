"""Can somebody who trains the same generator many times tell who was learned from?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from synthproof.core.contracts import Case
from synthproof.core.evidence import Attacker, Card, Evidence
from synthproof.core.params import check_range
from synthproof.core.random import stream
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Purpose, Schema
from synthproof.core.stats import auc_interval, bootstrap, clopper_pearson
from synthproof.core.words import Words
from synthproof.engines.codes import encode
from synthproof.engines.neighbours import MixedSpace, nearest
from synthproof.metrics.table import attack_success as success
from synthproof.metrics.table.answers import insufficient, joined
from synthproof.metrics.table.attacked import order_of_units
from synthproof.metrics.table.canaries import bound_words
from synthproof.metrics.table.footing import NO_FIELDS, footing, share
from synthproof.metrics.table.membership_scores import ISOLATION, most
from synthproof.metrics.table.one_run import guesses
from synthproof.metrics.table.retraining import Retraining, coins, lacking
from synthproof.metrics.table.shadow_features import Attack, Looker, left_out_scores

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
UnitArray = npt.NDArray[np.intp]

SUBJECTS = ("all", "exposed", "guesses", "exposed, guesses", "TPR at 1 % FPR", "exposed, TPR at 10 % FPR")
RATES = (0.001, 0.01, 0.1)
"""False-alarm rates at which the true-positive rate is given."""
_POOL = 2_000
_SHOWN = 20

_READ = Words(
    en="The generator was trained {learned} times to learn the attack and {counted} more times to count it, each time with "
    "about half of the targets left out: {random} training persons drawn at random and the {exposed} most isolated ones.",
    ko="공격을 학습하기 위해 생성기를 {learned}회, 공격을 세기 위해 {counted}회 더 학습하였습니다. 매번 대상의 약 절반을 제외하였으며, "
    "대상은 무작위로 뽑은 학습 대상 {random}명과 가장 고립된 {exposed}명입니다.",
)
_AUC = Words(
    en="0.5: who was learned from cannot be told. A lower bound above 0.5 is a leak of the generator at this size of the data.",
    ko="0.5: 누가 학습에 쓰였는지 알 수 없음. 하한이 0.5보다 크면 이 자료 크기에서 생성기에 유출이 있다는 뜻입니다.",
)
_EXPOSED = Words(
    en="The same for the few most isolated persons, who are recognised first.",
    ko="가장 고립되어 먼저 식별되기 쉬운 소수의 사람만 따로 본 값입니다.",
)
_RATE = Words(
    en="Share of persons learned from who are called so at a threshold that the first models set at this false-alarm rate; "
    "the reference is the share of the others so called in the further models. Equal: no leak.",
    ko="먼저 학습한 모형에서 이 오경보율로 정한 임계값에서 학습에 쓰인 사람이 그렇게 판정된 비율입니다. 기준값은 추가 모형에서 쓰이지 "
    "않은 사람이 그렇게 판정된 비율이며, 같으면 유출이 없습니다.",
)
_FEW_ALARMS = Words(
    en="Too few trials to set this false-alarm rate: about {models} models to learn from are needed with {targets} targets.",
    ko="시도가 적어 이 오경보율을 정할 수 없습니다. 대상 {targets}명이면 학습용 모형 약 {models}개가 필요합니다.",
)


class ShadowMembership:
    """How well an attack that learned from shadow models tells, in further ones, who was learned from.

    Opt-in: it trains the generator `shadows` + `further` times (``[[plan]] metric = "table.shadow_membership"``). The
    number of fits and the seconds they will take are said before the first, and what is left after each.

    Parameters
    ----------
    shadows
        Models from which the attack is learned, 4 to 1,000; each target is in half of them.
    further
        Models in which it is counted, 2 to 1,000; a coin of its own decides for each target and model.
    targets
        Training persons attacked that are drawn at random, 20 to 5,000.
    exposed
        Training persons attacked that are the most isolated in train, 5 to 1,000.
    delta
        The delta of (epsilon, delta)-differential privacy that the lower bounds of epsilon are given for.

    Notes
    -----
    The attacker knows the generator, its parameters and all training persons but whether each target is among them: the
    strongest position, that of differential privacy. A shadow model learns from train without the targets that it leaves
    out, and draws as many units as the released data have. Each target has an attack of its own (Stadler, Oprisanu &
    Troncoso 2022, arXiv 2011.07018; Carlini et al. 2022, arXiv 2112.03570) on the features of `shadow_features`, a
    Gaussian likelihood ratio whose correlation, spread and mean movement the targets share.

    ``all`` (the random targets) and ``exposed`` are AUCs over pairs of target and further model; their interval is the wider
    of DeLong's and a bootstrap over persons. ``guesses`` is the share of right guesses with epsilon's lower bound and
    ceiling in the detail: each pair's coin went into one run, so that runs add up (arXiv 2305.08846). The true-positive
    rates have Wilson's interval by person; their thresholds come from the first models, each scored by the attack that the
    others teach.

    Cost: `shadows` + `further` fits and draws, and O(targets · n_S · d) for each.
    """

    card = Card(
        id="table.shadow_membership",
        version=1,
        family="safety",
        name=Words(en="Membership inference with shadow models", ko="그림자 모형을 이용한 구성원 추론"),
        question=Words(
            en="Can an attacker who trains the same generator again and again tell who was learned from?",
            ko="같은 생성기를 거듭 학습해 본 공격자가 누가 학습에 쓰였는지 알아낼 수 있는가?",
        ),
        unit="probability",
        low=0.0,
        high=1.0,
        better="lower",
        source="Stadler et al. 2022, arXiv 2011.07018; Houssiau et al. 2022, arXiv 2211.06550; Meeus et al. 2023, "
        "arXiv 2306.10308; Steinke et al. 2023, arXiv 2305.08846",
        ideal=Words(
            en="0.5: no better than guessing (TPR: equal to the false-alarm rate; epsilon: 0).",
            ko="0.5: 추측과 같음(TPR은 오경보율과 같음, ε은 0).",
        ),
        needs=frozenset({"recipe"}),
        attacker=Attacker(
            knows=Words(
                en="The generator with its parameters, all values of the targets, and every other training person.",
                ko="생성기와 매개변수, 대상의 모든 값, 그 밖의 모든 학습 대상.",
            ),
            tries=Words(
                en="Trains the generator with and without each target, learns how distances and counts of matching records "
                "move, and calls the targets by it.",
                ko="대상을 넣거나 뺀 채 생성기를 거듭 학습하여 거리와 일치 레코드 수의 변화를 익히고, 이를 기준으로 판정합니다.",
            ),
            success=Words(
                en="In further models, persons who were learned from are called members more often than persons who were not.",
                ko="추가로 학습한 모형에서 학습에 쓰인 사람이 쓰이지 않은 사람보다 더 자주 구성원으로 판정되면 성공입니다.",
            ),
        ),
    )

    def __init__(
        self, shadows: int = 16, further: int = 8, targets: int = 100, exposed: int = 20, delta: float = 1e-5
    ) -> None:
        check_range(self, "shadows", shadows, 4, 1_000)
        check_range(self, "further", further, 2, 1_000)
        check_range(self, "targets", targets, 20, 5_000)
        check_range(self, "exposed", exposed, 5, 1_000)
        check_range(self, "delta", delta, 0.0, 0.5)
        self.shadows = shadows
        self.further = further
        self.targets = targets
        self.exposed = exposed
        self.delta = delta

    def applies(self, schema: Schema, purpose: Purpose, /) -> str | None:
        """Return ``None``, or why there is nothing to compare."""
        return None if schema.modelled else NO_FIELDS.en

    def measure(self, case: Case[Any], /, *, seed: int, run: Run | None = None) -> Sequence[Evidence]:
        """Return evidence for each of `SUBJECTS`, in that order."""
        run = quiet(run)
        run.tick(self.card.id, 0, 1)
        if (why := lacking(self.card, case, 2 * (self.targets + self.exposed), seed)) is not None:
            return self._for_all(why)
        tried = self._try(case, seed, run)
        if isinstance(tried, Words):
            return self._for_all(insufficient(self.card, tried, n=len(case.train), seed=seed))
        run.tick(self.card.id, 1, 1)
        random, exposed = tried.of(0), tried.of(1)
        return (
            self._auc("all", random, _AUC, seed),
            self._auc("exposed", exposed, _EXPOSED, seed),
            self._guesses("guesses", random, seed),
            self._guesses("exposed, guesses", exposed, seed),
            self._rate("TPR at 1 % FPR", 0.01, random, seed),
            self._rate("exposed, TPR at 10 % FPR", 0.1, exposed, seed),
        )

    def _for_all(self, why: Evidence) -> tuple[Evidence, ...]:
        return tuple(replace(why, subject=subject) for subject in SUBJECTS)

    def _try(self, case: Case[Any], seed: int, run: Run) -> _Tried | Words:
        """Train all models and return the scores of all targets."""
        units = self._targets(case, seed, run)
        strata = (np.arange(len(units)) >= self.targets).astype(np.intp)
        looker = Looker.of(case.train, case.train.take(units), seed)
        inside = np.concatenate(
            [
                _halves(self.shadows, len(units), seed),
                coins(seed, "shadow/coins", self.further * len(units)).reshape(self.further, -1),
            ]
        )
        work = Retraining(case, self.card.id, len(inside), seed=seed, run=run)
        every = np.ones(len(case.train), dtype=np.bool_)
        seen = []
        for put_in in inside:
            kept = every.copy()
            kept[units[~put_in]] = False
            drawn = work.draw(case.train.take(np.flatnonzero(kept)))
            if isinstance(drawn, Words):
                return drawn
            seen.append(looker.features(drawn, case.train, run))
        features = np.stack(seen)
        first, k = features[: self.shadows], self.shadows
        attack = Attack.learn(first, inside[:k], strata)
        chosen = left_out_scores(first, inside[:k], strata)
        return _Tried(chosen, inside[:k], attack.scores(features[k:]), inside[k:], strata, units)

    def _targets(self, case: Case[Any], seed: int, run: Run) -> UnitArray:
        """Return the places of the targets in train: those drawn at random, then the most isolated."""
        base = footing(case)
        coded = encode(case.train.frame, case.train.schema)
        space = MixedSpace.fit(coded, case.train.schema)
        there = space.place(coded)
        order = order_of_units(base.ids["train"], base.units["train"])
        shuffled = order[stream(seed, "shadow/targets").permutation(len(order))]
        # Isolation needs every row against every other; beyond some thousands a random part of them is enough to find
        # persons that stand alone.
        pool = np.sort(shuffled[: max(_POOL, 2 * (self.targets + self.exposed))])
        rows = np.flatnonzero(np.isin(base.units["train"], pool))
        far = nearest(space, there.rows(rows), there, ISOLATION + 1, run=run, task="shadow/isolation")[0][:, -1]
        alone = most(far, base.units["train"][rows].astype(np.intp))[pool]
        rank = np.empty(len(order), dtype=np.intp)
        rank[order] = np.arange(len(order))
        exposed = pool[np.lexsort((rank[pool], -alone))[: self.exposed]]
        rest = shuffled[~np.isin(shuffled, exposed)]
        return np.concatenate([rest[: self.targets], exposed]).astype(np.intp)

    def _auc(self, subject: str, part: _Tried, read: Words, seed: int) -> Evidence:
        found, low, high = auc_interval(part.counted[part.truth], part.counted[~part.truth])

        def again(persons: UnitArray) -> float:
            scores, truth = part.counted[:, persons], part.truth[:, persons]
            return auc_interval(scores[truth], scores[~truth])[0]

        own = bootstrap(again, part.counted.shape[1], seed=seed, purpose=f"shadow/{subject}")
        persons = part.attacked()
        detail = {
            "most_advantage": success.most_advantage(persons).plain(self.delta, None),
            "at_false_alarm_rate": {f"{rate:g}": self._at(persons, rate) for rate in RATES},
            **guesses(part.counted.ravel(), part.truth.ravel(), seed=seed, delta=self.delta).plain(),
        }
        return self._evidence(
            subject, part, found, (min(low, own[0], found), max(high, own[1], found)), 0.5, detail, read, seed
        )

    def _guesses(self, subject: str, part: _Tried, seed: int) -> Evidence:
        told = guesses(part.counted.ravel(), part.truth.ravel(), seed=seed, delta=self.delta)
        right, low, high = told.share
        read = bound_words(told)
        return self._evidence(subject, part, right, (low, high), 0.5, told.plain(), read, seed)

    def _rate(self, subject: str, rate: float, part: _Tried, seed: int) -> Evidence:
        if (at := success.at_false_alarms(part.attacked(), rate)) is None:
            n = part.counted.shape[1]
            models = math.ceil(2 * success.FEWEST_ALARMS / rate / n)
            return insufficient(
                self.card, _FEW_ALARMS.filled(models=f"{models:,}", targets=n), subject=subject, n=n, seed=seed
            )
        called = at[0]
        persons = np.broadcast_to(np.arange(part.counted.shape[1]), part.truth.shape)[part.truth]
        hit = share(part.counted[part.truth] >= called.threshold, persons)
        told = self._evidence(
            subject,
            part,
            hit.estimate,
            (hit.low, hit.high),
            called.alarms / called.others,
            called.plain(self.delta, None),
            _RATE,
            seed,
        )
        return replace(told, reference_interval=clopper_pearson(called.alarms, called.others))

    def _at(self, persons: success.Attacked, rate: float) -> dict[str, Any]:
        at = success.at_false_alarms(persons, rate)
        return {} if at is None else at[0].plain(self.delta, None)

    def _evidence(
        self,
        subject: str,
        part: _Tried,
        estimate: float,
        interval: tuple[float, float],
        reference: float,
        detail: dict[str, Any],
        read: Words,
        seed: int,
    ) -> Evidence:
        how = _READ.filled(
            learned=self.shadows, counted=self.further, random=f"{self.targets:,}", exposed=f"{self.exposed:,}"
        )
        known = np.where(part.truth, part.counted, -part.counted).mean(axis=0)  # how well each person was told
        first = np.argsort(-known, kind="stable")[:_SHOWN]
        return Evidence(
            metric=self.card.id,
            version=self.card.version,
            subject=subject,
            estimate=estimate,
            interval=interval,
            reference=reference,
            n=part.counted.shape[1],
            seed=seed,
            detail={
                "models_learned_from": self.shadows,
                "models_counted": self.further,
                "targets": part.counted.shape[1],
                "trials": int(part.counted.size),
                "delta": self.delta,
                **detail,
            },
            private={"train_units_most_recognised": part.units[first].tolist()},
            caveat=joined(read, how),
        )


@dataclass(frozen=True, slots=True)
class _Tried:
    """Scores of targets in the first models (each under the attack that the others teach) and in the further ones."""

    chosen: FloatArray
    chosen_truth: BoolArray
    counted: FloatArray
    truth: BoolArray
    strata: UnitArray
    units: UnitArray

    def of(self, stratum: int) -> _Tried:
        """Return the targets of one stratum."""
        at = self.strata == stratum
        return _Tried(
            self.chosen[:, at],
            self.chosen_truth[:, at],
            self.counted[:, at],
            self.truth[:, at],
            self.strata[at],
            self.units[at],
        )

    def attacked(self) -> success.Attacked:
        """Return the trials, those of the first models as the half on which thresholds are chosen."""
        scores = np.concatenate([self.chosen.ravel(), self.counted.ravel()])
        truth = np.concatenate([self.chosen_truth.ravel(), self.truth.ravel()])
        return success.Attacked({"shadow": scores}, truth, np.arange(len(scores)) < self.chosen.size)


def _halves(models: int, targets: int, seed: int) -> BoolArray:
    """Return for each model and target whether it is in: each target in half of the models, rounded up."""
    order = np.argsort(stream(seed, "shadow/halves").random((models, targets)), axis=0)
    out: BoolArray = order < -(-models // 2)
    return out
