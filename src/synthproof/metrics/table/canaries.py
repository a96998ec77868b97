"""Does the generator give away persons put into its training data for the purpose?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats as _st

from synthproof.core.contracts import Case
from synthproof.core.evidence import Attacker, Card, Evidence
from synthproof.core.params import check_range
from synthproof.core.random import derive
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Purpose, Schema
from synthproof.core.words import Words
from synthproof.data.table.dataset import Table
from synthproof.data.table.union import union
from synthproof.metrics.table import attack_success as success
from synthproof.metrics.table.answers import REAL_UNITS, insufficient, joined, too_few
from synthproof.metrics.table.attacked import side_of
from synthproof.metrics.table.canary_law import canaries
from synthproof.metrics.table.coded_case import ENOUGH
from synthproof.metrics.table.footing import NO_FIELDS
from synthproof.metrics.table.membership_scores import ATTACKS, attack
from synthproof.metrics.table.one_run import Guesses, guesses
from synthproof.metrics.table.retraining import Retraining, coins, lacking

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]

SUBJECTS = ("all", "guesses")
LEAST = 200
"""Training persons without whom a hundred outliers would be most of what is learned."""
FEWEST, MOST = 100, 5_000

_READ = Words(
    en="{inside} invented persons, each alone in the table, were put into the training data and {outside} of the same law were "
    "not; a fair coin decided for each. The generator learned once more and drew {units} synthetic units. The attack was "
    "chosen on one half of the invented persons and counted on the other.",
    ko="표에서 홀로 떨어진 가상의 사람 {inside}명을 학습 데이터에 넣고, 같은 분포의 {outside}명은 넣지 않았습니다(사람마다 동전으로 결정). "
    "생성기를 다시 한 번 학습하여 합성 {units}건을 생성하고, 절반에서 고른 공격을 나머지 절반에서 세었습니다.",
)
_AUC = Words(
    en="0.5: who was put in cannot be told from who was not. A lower bound above 0.5 is a leak of the generator, not of "
    "this release.",
    ko="0.5: 넣은 사람과 넣지 않은 사람을 구별할 수 없음. 하한이 0.5보다 크면 이 반출물이 아니라 생성기에 유출이 있다는 뜻입니다.",
)
_GUESSES = Words(
    en="Of {made} guesses {right} were right; 0.5 is a coin. At 95 % confidence the generator's epsilon is at least {epsilon}. A "
    "perfect attack on so many persons would show {ceiling} and no more, so 0 here is no proof of safety.",
    ko="추측 {made}회 중 {right}회가 맞았습니다(0.5는 동전 던지기). 95% 신뢰수준에서 생성기의 ε은 {epsilon} 이상입니다. 같은 인원에서는 "
    "완벽한 공격도 {ceiling}까지만 보일 수 있으므로, 0이라도 안전하다는 증명은 아닙니다.",
)
_NO_LAW = Words(
    en="Too few different outliers can be made within the table's levels and ranges: {n} are needed that equal no training "
    "record.",
    ko="표의 범주와 범위 안에서 서로 다른 이상치를 충분히 만들 수 없습니다. 학습 레코드와 다른 {n}명이 필요합니다.",
)


class Canaries:
    """How well the inserted among invented persons are told from their twins, after the generator learned once more.

    Opt-in: it trains the generator once (``[[plan]] metric = "table.canaries"``).

    Parameters
    ----------
    canaries
        Persons put into the training data on average, and as many left out; 100 to 5,000. More give a sharper answer
        and disturb the training data more.
    delta
        The delta of (epsilon, delta)-differential privacy that the lower bound of epsilon is given for.

    Notes
    -----
    Canaries are drawn as `canary_law` says: in the ranges and levels of train, far from each of its rows. Each of twice
    `canaries` candidates goes into train when a fair coin says so; the recipe learns from train with them and draws as
    many units as the released data have. The scores are those of `membership_scores`; the reference is the released
    synthetic data, which know nothing of the canaries, so that a score is what changed through them.

    ``all`` is the AUC with DeLong's interval, its detail the one-sided rank test (Mann & Whitney 1947,
    doi:10.1214/aoms/1177730491); ``guesses`` the share of right guesses about the coins of the counted half, with the
    one-run lower bound of epsilon and its ceiling (Steinke, Nasr & Jagielski 2023, arXiv 2305.08846) in the detail. The
    bound is about the pipeline as it was retrained: fit, draw, nothing after it.

    Cost: one fit, one draw, and O(2 · canaries · n_S · d).
    """

    card = Card(
        id="table.canaries",
        version=1,
        family="safety",
        name=Words(en="Canaries", ko="카나리아 검사"),
        question=Words(
            en="When invented outliers are put into the training data, can it be told which were?",
            ko="가상의 이상치 사람을 학습 데이터에 넣으면 누구를 넣었는지 알아낼 수 있는가?",
        ),
        unit="probability",
        low=0.0,
        high=1.0,
        better="lower",
        source="Steinke, Nasr & Jagielski 2023, arXiv 2305.08846; Carlini et al. 2019, arXiv 1802.08232",
        ideal=Words(
            en="0.5: no better than guessing (epsilon: 0).",
            ko="0.5: 추측과 같음(ε: 0).",
        ),
        needs=frozenset({"recipe"}),
        attacker=Attacker(
            knows=Words(
                en="The synthetic data, all training persons but the invented ones, and all values of the invented ones.",
                ko="합성데이터, 가상의 사람을 제외한 모든 학습 대상, 가상의 사람의 모든 값.",
            ),
            tries=Words(
                en="Looks where the synthetic data changed towards an invented person, by distance, density, balls, a "
                "classifier and a likelihood ratio.",
                ko="합성데이터가 가상의 사람 쪽으로 변한 곳을 거리, 밀도, 반경 내 개수, 분류기, 우도비로 찾습니다.",
            ),
            success=Words(
                en="Persons who were put in score higher than their twins who were not.",
                ko="넣은 사람의 점수가 넣지 않은 사람보다 높으면 성공입니다.",
            ),
        ),
    )

    def __init__(self, canaries: int = FEWEST, delta: float = 1e-5) -> None:
        check_range(self, "canaries", canaries, FEWEST, MOST)
        check_range(self, "delta", delta, 0.0, 0.5)
        self.canaries = canaries
        self.delta = delta

    def applies(self, schema: Schema, purpose: Purpose, /) -> str | None:
        """Return ``None``, or why there is nothing to compare."""
        return None if schema.modelled else NO_FIELDS.en

    def measure(self, case: Case[Any], /, *, seed: int, run: Run | None = None) -> Sequence[Evidence]:
        """Return evidence for each of `SUBJECTS`, in that order."""
        run = quiet(run)
        run.tick(self.card.id, 0, 1)
        if (why := lacking(self.card, case, max(LEAST, 2 * self.canaries), seed)) is not None:
            return self._for_all(why)
        planted = _plant(case, self.canaries, seed, run)
        if isinstance(planted, Words):
            return self._for_all(insufficient(self.card, planted, n=len(case.train), seed=seed))
        member = np.repeat([True, False], [planted.inside, planted.outside])
        persons = success.Attacked(planted.scores(case, seed, run), member, coins(seed, "canaries/half", len(member)))
        if min(persons.counts()) < ENOUGH:  # about one in 10^8 at a hundred canaries
            return self._for_all(too_few(self.card, min(persons.counts()), ENOUGH, REAL_UNITS, seed=seed))
        run.tick(self.card.id, 1, 1)
        return self._told(persons, planted, seed)

    def _for_all(self, why: Evidence) -> tuple[Evidence, ...]:
        return tuple(replace(why, subject=subject) for subject in SUBJECTS)

    def _told(self, persons: success.Attacked, planted: _Planted, seed: int) -> tuple[Evidence, ...]:
        name, found, low, high = success.auc(persons)
        on_b = ~persons.chosen_on
        members, others = persons.split(name, half_a=False)
        test = _st.mannwhitneyu(members, others, alternative="greater")
        told = guesses(persons.scores[name][on_b], persons.member[on_b], seed=seed, delta=self.delta)
        read = _READ.filled(
            inside=f"{planted.inside:,}", outside=f"{planted.outside:,}", units=f"{len(planted.drawn):,}"
        )
        detail: dict[str, Any] = {
            "attack": name,
            "attack_words": ATTACKS[name].to_dict(),
            "canaries_inside": planted.inside,
            "canaries_outside": planted.outside,
            "counted": int(on_b.sum()),
            "delta": self.delta,
            **told.plain(),
        }
        share, share_low, share_high = told.share
        return (
            Evidence(
                metric=self.card.id,
                version=self.card.version,
                subject="all",
                estimate=found,
                interval=(low, high),
                reference=0.5,
                n=int(on_b.sum()),
                seed=seed,
                detail={
                    **detail,
                    "auc_by_attack": success.aucs(persons),
                    "rank_test_p": float(test.pvalue),
                    "rank_test_u": float(test.statistic),
                },
                caveat=joined(_AUC, read),
            ),
            Evidence(
                metric=self.card.id,
                version=self.card.version,
                subject="guesses",
                estimate=share,
                interval=(share_low, share_high),
                reference=0.5,
                n=told.made,
                seed=seed,
                detail=detail,
                caveat=joined(bound_words(told), read),
            ),
        )


def bound_words(told: Guesses) -> Words:
    """Return what guesses showed of epsilon, in a sentence."""
    return _GUESSES.filled(
        made=f"{told.made:,}", right=f"{told.right:,}", epsilon=f"{told.epsilon:.2f}", ceiling=f"{told.ceiling:.1f}"
    )


@dataclass(frozen=True, slots=True)
class _Planted:
    """Candidates, those put in first, and what was drawn after learning with them."""

    candidates: Table
    inside: int
    outside: int
    drawn: Table

    def scores(self, case: Case[Any], seed: int, run: Run) -> dict[str, FloatArray]:
        """Return every attack's scores of the candidates."""
        put_in = self.candidates.take(np.arange(self.inside, dtype=np.intp))
        left_out = self.candidates.take(np.arange(self.inside, self.inside + self.outside, dtype=np.intp))
        strangers = union([left_out, case.synthetic])
        seen = Case(train=put_in, holdout=strangers, synthetic=self.drawn, purpose=case.purpose)
        twins = np.arange(self.outside, dtype=np.intp)
        rest = np.arange(self.outside, len(strangers), dtype=np.intp)
        members = side_of(seen, "train", np.arange(self.inside, dtype=np.intp))
        found = attack(
            seen, members, side_of(seen, "holdout", twins), side_of(seen, "holdout", rest).rows, seed=seed, run=run
        )
        return dict(found.values)


def _plant(case: Case[Any], n: int, seed: int, run: Run) -> _Planted | Words:
    candidates = canaries(case.train, 2 * n, seed=derive(seed, "canaries"), run=run)
    if candidates is None:
        return _NO_LAW.filled(n=2 * n)
    heads = coins(seed, "canaries/coins", 2 * n)
    order = np.argsort(~heads, kind="stable").astype(np.intp)
    inside = int(heads.sum())
    work = Retraining(case, Canaries.card.id, 1, seed=seed, run=run)
    drawn = work.draw(union([case.train, candidates.take(order[:inside])]))
    return drawn if isinstance(drawn, Words) else _Planted(candidates.take(order), inside, 2 * n - inside, drawn)
