"""Do the synthetic data give away more about persons who were learned from than about others?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from synthproof.core.contracts import Case
from synthproof.core.evidence import Attacker, Card, Evidence
from synthproof.core.random import permutation
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Purpose, Schema
from synthproof.core.stats import newcombe
from synthproof.core.words import Words
from synthproof.engines.neighbours import MixedSpace
from synthproof.metrics.table.answers import HOLDOUT_UNITS, REAL_UNITS, SYNTHETIC_UNITS, insufficient, joined, too_few
from synthproof.metrics.table.attacked import most_units, order_of_rows, shuffled_units, side_of
from synthproof.metrics.table.attribute_guesses import Arms, Secrets, Tried, by_neighbour, by_trees, truths
from synthproof.metrics.table.coded_case import ENOUGH
from synthproof.metrics.table.exchangeable import HOLDOUT_SEEN, holdout_seen
from synthproof.metrics.table.footing import Share, footing, lacks
from synthproof.metrics.table.key_classes import named
from synthproof.metrics.table.propensity import stacked

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

MOST = 6_000
"""Persons a side that are attacked at most: a gain is then known to ±1.8 points."""
LEAST = 100
"""Persons a side that must be attacked at least (fifty on each half)."""
MOST_BY_TREES = 3
"""Secrets that boosted trees are tried on: those whose gain by nearest neighbour is greatest on half A."""
REFERENCE_ROWS = 2_000
TOLERANCE = 0.1
_SURE = 0.999
_SHOWN = 50

_ONE_FIELD = Words(
    en="With one field alone there is nothing to infer it from.",
    ko="항목이 하나뿐이라 이를 추론할 다른 항목이 없습니다.",
)
_NO_SECRET = Words(
    en="None of the sensitive items (T) can be compared (identifiers or free text only).",
    ko="민감 항목(T)이 비교할 수 없는 식별자 또는 자유 텍스트뿐입니다.",
)
_FEW_KNOWN = Words(
    en="Too few persons whose true value is known: {n} on a half, at least {least} are needed.",
    ko="실제 값이 알려진 사람이 절반마다 {n}건뿐이라 판단할 수 없습니다. 최소 {least}건이 필요합니다.",
)
_READ = Words(
    en="0: guesses about persons who were learned from are right no more often than about others. What the synthetic data "
    "teach about everybody (the control's share) is knowledge, not a leak.",
    ko="0: 학습에 쓰인 사람에 대한 추론이 쓰이지 않은 사람보다 더 정확하지 않음. 모든 사람에 대해 알게 되는 것(대조군의 비율)은 "
    "유출이 아니라 지식입니다.",
)
_HOW = Words(
    en="The attacker knows all other columns. {n} training and {m} holdout units, drawn at random, are attacked. Whether to "
    "believe the nearest synthetic record, up to what distance, or trees, was chosen on one half of them; the gain was "
    "counted on the other. Where the attacker does not dare to guess, the guess counts as wrong.",
    ko="공격자는 나머지 모든 항목을 압니다. 무작위로 뽑은 학습 단위 {n}건과 홀드아웃 단위 {m}건을 공격합니다. 가장 가까운 합성 "
    "레코드를 어느 거리까지 믿을지, 또는 트리 모형을 쓸지는 절반에서 고르고 이득은 나머지 절반에서 셉니다. 추측하지 않은 경우는 틀린 "
    "것으로 셉니다.",
)
_ALL = Words(
    en="The greatest gain of {k} columns; the interval holds for all of them at once (each at 1 - 0.05/{k}, Bonferroni): "
    "its lower end is the greatest of the lower ends, its upper end the greatest of the upper ends.",
    ko="{k}개 항목 중 가장 큰 이득입니다. 구간은 모든 항목에 동시에 성립합니다(각 항목 1 - 0.05/{k}, 본페로니). 하한은 각 하한의 최댓값, "
    "상한은 각 상한의 최댓값입니다.",
)


class AttributeInference:
    """Gain of inferring one column from all others: how much oftener right for training units than for unseen ones.

    Parameters
    ----------
    tolerance
        A guessed number is right when it is off by at most this times the column's median absolute deviation in train;
        by nothing where that is 0. Levels must be equal.

    Notes
    -----
    Secrets are the sensitive items T where the purpose or the schema names them, else every modelled column. Attackers
    learn from the synthetic data alone: the nearest record in the other columns (all secrets in one pass over the
    data), and boosted trees for the three secrets whose gain by the nearest record is greatest on half A of the
    persons. The nearest record is believed up to a distance chosen on half A (possibly any): who abstains where the
    synthetic data say little finds the few that are copied. The attacker whose gain has the higher lower end on half A is
    counted on half B; persons on whom it does not dare to guess count as not guessed right. The interval's upper end is the
    highest of all attackers tried. Gain = share right among members - share right
    among others, interval by Newcombe's method 10 on effective numbers of rows, so that rows of one person count once
    where they are alike. The control arm is what tells a leak from knowledge of the population (Giomi et al. 2023,
    arXiv 2211.10459, from whom the control is; their relative error divides by the guess and breaks at negative
    values: ours is absolute).

    ``detail["real_reference"]`` is the share right for the *same others* when the nearest of as many real records
    (train) is asked: what anybody with real records of other people would reach.

    Cost O(m n_S d), about three nearest-neighbour searches whatever the number of secrets, plus three fits of trees on
    5,000 rows.
    """

    card = Card(
        id="table.attribute_inference",
        version=1,
        family="safety",
        name=Words(en="Attribute inference", ko="속성 추론"),
        question=Words(
            en="Whoever knows all other fields of a person, does the synthetic data give the missing one away more often if "
            "the person was learned from?",
            ko="특정인의 나머지 항목을 모두 아는 사람이 합성데이터로 남은 항목을 알아낼 때, 학습에 쓰인 사람일수록 더 잘 알아내는가?",
        ),
        unit="difference of shares guessed right",
        low=-1.0,
        high=1.0,
        better="lower",
        source="Giomi et al. 2023, arXiv 2211.10459 (control arm); Newcombe 1998, doi:10.1002/(SICI)1097-0258(19980430)17:8"
        "<873::AID-SIM779>3.0.CO;2-I",
        ideal=Words(
            en="0: members are guessed no better than persons who were never seen.",
            ko="0: 학습에 쓰이지 않은 사람보다 더 잘 추론되지 않음.",
        ),
        needs=frozenset({"holdout"}),
        attacker=Attacker(
            knows=Words(
                en="The synthetic data and all fields of a person but one.",
                ko="합성데이터와 특정인의 한 항목을 제외한 모든 항목 값.",
            ),
            tries=Words(
                en="Takes the missing value from the nearest synthetic record, or from trees learned from the synthetic data.",
                ko="가장 가까운 합성 레코드, 또는 합성데이터로 학습한 트리 모형으로 남은 값을 추정합니다.",
            ),
            success=Words(
                en="The guess is right more often for persons who were learned from than for persons who were not.",
                ko="학습에 쓰인 사람에 대한 추정이 쓰이지 않은 사람보다 더 자주 맞으면 성공입니다.",
            ),
        ),
    )

    def __init__(self, tolerance: float = TOLERANCE) -> None:
        self.tolerance = tolerance

    def applies(self, schema: Schema, purpose: Purpose, /) -> str | None:
        """Return ``None``, or why there is nothing to infer."""
        return None if len(schema.modelled) > 1 else _ONE_FIELD.en

    def measure(self, case: Case[Any], /, *, seed: int, run: Run | None = None) -> Sequence[Evidence]:
        """Return the greatest gain first, then one piece of evidence per secret."""
        run = quiet(run)
        run.tick(self.card.id, 0, 1)
        names = _secrets(case)
        if (lacking := self._lacking(case, names, seed)) is not None:
            return (lacking,)
        arms = _arms(case, seed)
        secrets = Secrets.of(case, names, self.tolerance)
        tried = _tried(case, arms, secrets, seed, run)
        gains = {name: _gain(name, tried[name]) for name in names}
        measured = [g for g in gains.values() if isinstance(g, _Gain)]
        if _avoided(measured):
            return (insufficient(self.card, HOLDOUT_SEEN, n=len(arms.members), seed=seed),)
        real = _by_real(case, arms, secrets, seed, run)
        out = []
        for name, gain in gains.items():
            if isinstance(gain, Words):
                out.append(insufficient(self.card, gain, subject=name, seed=seed))
                continue
            told = self._evidence(name, gain, gain.at(0.95), arms, seed, self._detail(gain, secrets, real))
            out.append(replace(told, private=_private(gain, tried[name])))
        run.tick(self.card.id, 1, 1)
        return (self._worst(measured, arms, seed), *out)

    def _lacking(self, case: Case[Any], names: Sequence[str], seed: int) -> Evidence | None:
        if why := lacks(case, holdout=True):
            return insufficient(self.card, why, seed=seed)
        if not names or len(case.train.schema.modelled) < 2:
            return insufficient(self.card, _NO_SECRET if not names else _ONE_FIELD, seed=seed)
        assert case.holdout is not None
        for n, least, what in (
            (len(case.holdout), LEAST, HOLDOUT_UNITS),
            (len(case.train), LEAST, REAL_UNITS),
            (len(case.synthetic), ENOUGH, SYNTHETIC_UNITS),
        ):
            if n < least:
                return too_few(self.card, n, least, what, seed=seed)
        if holdout_seen(footing(case)):
            return insufficient(self.card, HOLDOUT_SEEN, n=len(case.holdout), seed=seed)
        return None

    def _detail(self, gain: _Gain, secrets: Secrets, real: Mapping[str, float]) -> dict[str, Any]:
        return {
            "attacker": gain.attacker,
            "sure_gain_on_half_a": dict(gain.sure_on_a),
            "right_of_members": gain.members.plain(),
            "right_of_others": gain.others.plain(),
            "dared_of_members": gain.dared[0],
            "dared_of_others": gain.dared[1],
            "never_abstaining": {
                name: {"right_of_members": a.plain(), "right_of_others": b.plain()}
                for name, (a, b) in gain.tried.items()
            },
            "real_reference": real[gain.name],
            "exact": secrets.reach.get(gain.name, 0.0) == 0.0,
            "tolerance_in_mad": self.tolerance if secrets.reach.get(gain.name, 0.0) > 0 else 0.0,
        }

    def _worst(self, measured: Sequence[_Gain], arms: Arms, seed: int) -> Evidence:
        if not measured:
            why = _FEW_KNOWN.filled(n=0, least=ENOUGH)
            return insufficient(self.card, why, n=len(arms.members), seed=seed)
        worst = max(measured, key=lambda g: g.gain)
        each = [g.at(1 - 0.05 / len(measured)) for g in measured]
        low, high = max(a for a, _ in each), max(b for _, b in each)
        detail = {
            "worst": worst.name,
            "gains": {g.name: g.gain for g in measured},
            "right_of_members": {g.name: g.members.estimate for g in measured},
            "right_of_others": {g.name: g.others.estimate for g in measured},
            "secrets": len(measured),
        }
        interval = (min(low, worst.gain), high)
        return self._evidence("all", worst, interval, arms, seed, detail, _ALL.filled(k=len(measured)))

    def _evidence(
        self,
        subject: str,
        gain: _Gain,
        interval: tuple[float, float],
        arms: Arms,
        seed: int,
        detail: dict[str, Any],
        read: Words | None = None,
    ) -> Evidence:
        how = _HOW.filled(n=f"{len(arms.members):,}", m=f"{len(arms.others):,}")
        return Evidence(
            metric=self.card.id,
            version=self.card.version,
            subject=subject,
            estimate=gain.gain,
            interval=interval,
            reference=0.0,
            n=gain.units,
            seed=seed,
            detail={**detail, "members_attacked": len(arms.members), "others_attacked": len(arms.others)},
            caveat=joined(read, _READ, how),
        )


@dataclass(frozen=True, slots=True)
class _Gain:
    """One secret: the attacker that gained more on half A, and its shares right on half B.

    Parameters
    ----------
    sure_on_a
        By attacker, the lower end of its gain on half A.
    tried
        Shares right of members and others for every attacker that never abstains: the nearest record, and trees.
    dared
        Share of members and others on whom the attacker dared to guess.
    """

    name: str
    attacker: str
    sure_on_a: Mapping[str, float]
    members: Share
    others: Share
    tried: Mapping[str, tuple[Share, Share]]
    dared: tuple[float, float]
    units: int

    @property
    def gain(self) -> float:
        return self.members.estimate - self.others.estimate

    def at(self, level: float) -> tuple[float, float]:
        """Return the interval of the strongest attacker's gain.

        Below it is the chosen attacker's own; above it the highest of all that were tried: an attacker who dares to
        guess nobody has a gain of 0 for certain, which bounds nothing.
        """
        low, high = _difference(self.members, self.others, level)
        highs = [_difference(a, b, level)[1] for a, b in self.tried.values()]
        return min(low, self.gain), max(high, self.gain, *highs)


def _difference(a: Share, b: Share, level: float) -> tuple[float, float]:
    return newcombe(a.estimate * a.n, a.n, b.estimate * b.n, b.n, level)


def _secrets(case: Case[Any]) -> tuple[str, ...]:
    schema, purpose = case.train.schema, case.purpose
    if purpose.sensitive or schema.with_role("sensitive"):
        return named(purpose, schema)[1]
    return tuple(f.name for f in schema.modelled)


def _arms(case: Case[Any], seed: int) -> Arms:
    base = footing(case)
    rows_per_unit = len(base.ids["train"]) / max(1, len(case.train))
    most = most_units(case, len(base.synthetic), rows_per_unit, 3 * len(case.train.schema.modelled))
    most = most if case.full else min(MOST, most)
    members, others = (
        side_of(case, name, shuffled_units(case, name, seed=seed, purpose="attribute")[:most])
        for name in ("train", "holdout")
    )
    asked = stacked(base.train.rows(members.rows), base.part("holdout").rows(others.rows))
    return Arms.of(members, others, asked)


def _tried(case: Case[Any], arms: Arms, secrets: Secrets, seed: int, run: Run) -> dict[str, Tried]:
    """Try the nearest record on every secret, then trees on those where it gained most on half A."""
    base = footing(case)
    learned = base.synthetic.rows(order_of_rows(base, "synthetic"))
    space = MixedSpace.fit(learned, case.train.schema)
    guesses, distances = by_neighbour(space, arms.asked, learned, secrets, run=run, task="attribute/neighbours")
    tried = {}
    for i, name in enumerate(secrets.names):
        truth = truths(arms.asked, name)
        right = secrets.right(name, guesses[name], truth)
        tried[name] = Tried(arms, ~np.isnan(truth), {"nearest": right}, distances[:, i])
    first = sorted(secrets.names, key=lambda name: -tried[name].on_a("nearest"))[:MOST_BY_TREES]
    for name, guess in by_trees(arms.asked, learned, first, seed=seed, run=run).items():
        tried[name].right["trees"] = secrets.right(name, guess, truths(arms.asked, name))
    return tried


def _gain(name: str, tried: Tried) -> _Gain | Words:
    """Return one secret's gain on half B, or why there is none."""
    sure = {attacker: tried.on_a(attacker) for attacker in tried.right}
    best = max(sure, key=lambda attacker: sure[attacker])
    members, others = (tried.on_b(best, member=m) for m in (True, False))
    if min(members[1], others[1]) < ENOUGH:
        return _FEW_KNOWN.filled(n=min(members[1], others[1]), least=ENOUGH)
    plain = {
        attacker: (
            tried.on_b(attacker, member=True, always=True)[0],
            tried.on_b(attacker, member=False, always=True)[0],
        )
        for attacker in tried.right
    }
    return _Gain(name, best, sure, members[0], others[0], plain, tried.dared(best), members[1] + others[1])


def _avoided(measured: Sequence[_Gain]) -> bool:
    """Whether members are guessed worse beyond doubt and none better: the holdout was seen, not train."""
    if not measured or max(g.gain for g in measured) > 0:
        return False
    level = 1 - (1 - _SURE) / len(measured)
    return min(g.at(level)[1] for g in measured) < 0


def _by_real(case: Case[Any], arms: Arms, secrets: Secrets, seed: int, run: Run) -> dict[str, float]:
    """Return by secret how often the nearest of as many real records (train) is right about unseen persons."""
    base = footing(case)
    order = order_of_rows(base, "train")
    some = np.sort(permutation(seed, "attribute/real", len(order))[: len(base.synthetic)])
    learned = base.train.rows(order[some])
    rows = np.flatnonzero(~arms.member & ~arms.half_a)[:REFERENCE_ROWS]
    asked = arms.asked.rows(rows)
    space = MixedSpace.fit(learned, case.train.schema)
    guesses, _ = by_neighbour(space, asked, learned, secrets, run=run, task="attribute/real")
    out = {}
    for name in secrets.names:
        truth = truths(asked, name)
        known = ~np.isnan(truth)
        out[name] = float(secrets.right(name, guesses[name], truth)[known].mean()) if known.any() else 0.0
    return out


def _private(gain: _Gain, tried: Tried) -> dict[str, Any]:
    """Return the training rows guessed right from the nearest synthetic records."""
    right = np.flatnonzero(tried.right[gain.attacker] & tried.known & tried.arms.member)
    first = right[np.argsort(tried.distance[right], kind="stable")[:_SHOWN]]
    return {"train_rows_inferred": tried.arms.members.rows[first].tolist()}
