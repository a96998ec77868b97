"""Can it be told from the synthetic pictures, or from the model's losses, whose pictures were learned from?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from synthproof.core.contracts import Case
from synthproof.core.evidence import Attacker, Card, Evidence
from synthproof.core.random import permutation
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Purpose, Schema
from synthproof.core.stats import clopper_pearson
from synthproof.core.words import Words
from synthproof.engines.vision.alignment import nearest_aligned
from synthproof.metrics.image.alike import MOST_PAIRS, Seen, reference_of
from synthproof.metrics.image.reading import NO_IMAGES, WHAT, Side, classes_of, rows_of, side_of, unready
from synthproof.metrics.table import attack_success as success
from synthproof.metrics.table.answers import insufficient, too_few

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

LEAST = 100
"""Persons a side that must be attacked at least."""
MOST = 4_000
NEIGHBOURS = 6
FALSE_ALARMS = 0.01
LOSS = "loss"
SUBJECTS = ("all", "TPR at 1 % FPR", "surest")
WORST = "worst class"
KINDS = ("by distance", "by loss")
LEAST_IN_A_CLASS = LEAST // 4
"""Persons a side and half that a class must have to be told apart."""

_READ = Words(
    en="0.5: who was learned from cannot be told. Training and unseen persons are attacked, equally many; the attack is chosen "
    "on one half of them and counted on the other. {losses}",
    ko="0.5: 누가 학습에 쓰였는지 알 수 없음. 학습된 사람과 학습되지 않은 사람을 같은 수로 공격하며, 공격 방법은 절반에서 고르고 나머지 "
    "절반에서 세었습니다. {losses}",
)
_WITH = Words(
    en="The model's own losses were among the attacks; someone who has the images alone does not know them.",
    ko="모형의 손실값을 이용한 공격을 포함하였습니다. 이미지만 가진 사람은 알 수 없는 값입니다.",
)
_WITHOUT = Words(
    en="The model's losses were not given; attacks by distance alone see little of what a diffusion model remembers.",
    ko="모형의 손실값이 주어지지 않았습니다. 거리만으로 하는 공격은 확산 모형의 기억을 거의 보지 못합니다.",
)
_RATE = Words(
    en="Share of training persons called members where 1 % of the others were on the half that set the threshold; the reference "
    "is the share of others so called on this half.",
    ko="임계값을 정한 절반에서 비구성원의 1%가 구성원으로 판정되는 지점의 학습 대상자 판정 비율이며, 기준값은 이 절반에서의 비구성원 판정 "
    "비율입니다.",
)
_SUREST = Words(
    en="Of the persons whom the attacker is surest of, the share that were learned from; 0.5 is guessing.",
    ko="공격자가 가장 확신한 사람 가운데 실제로 학습에 쓰인 비율입니다. 0.5는 추측 수준입니다.",
)
_KIND = Words(
    en="The best attack {kind} alone, chosen on one half and counted on the other.",
    ko="{kind_ko}만으로 하는 공격 중 가장 나은 것으로, 절반에서 고르고 나머지 절반에서 세었습니다.",
)
_KIND_KO = {KINDS[0]: "거리", KINDS[1]: "손실값"}
_CLASS = Words(
    en="The class whose members are told best, of {classes}: “{name}”; the interval holds for all of them together. Classes with "
    "too few persons to be told apart: {small}.",
    ko="클래스 {classes}개 중 구성원이 가장 잘 드러나는 클래스: “{name}”. 구간은 이 클래스 전체에 동시에 성립합니다. 사람이 적어 따로 보지 "
    "못한 클래스: {small}개.",
)
_SMALL = Words(
    en="No class has {least} persons of either side in both halves, so none can be looked at on its own.",
    ko="두 절반 모두에 학습·미학습 인원이 각각 {least}명 이상인 클래스가 없어 클래스별로 판단할 수 없습니다.",
)
_FEW_ALARMS = Words(
    en="Too few persons to set a false-alarm rate of 1 %: about {units} unseen ones are needed.",
    ko="사람이 적어 오경보율 1%를 정할 수 없습니다. 학습되지 않은 사람 약 {units}명이 필요합니다.",
)


class Membership:
    """How well the best of several attacks tells persons who were learned from: by distance, and by loss where given.

    Notes
    -----
    Scores of a picture, higher for members: less the aligned distance to the nearest synthetic picture by either
    embedding; less that distance over the mean distance to the next ones (a copy has one near synthetic picture, a typical
    picture has many); and, where ``case.losses`` holds ``train`` and ``holdout`` (a loss per picture, or per person; whose
    loss is not a number is not attacked), less the loss and less the loss over the mean of its class. A person's score is
    the highest of all pictures'. The
    best attack on half A is counted on half B, as tables do it (`metrics.table.attack_success`); upper ends are the
    highest of all attacks'.

    Subjects: ``all`` (AUC, DeLong's interval), ``TPR at 1 % FPR`` (Clopper-Pearson; needs 1,000 unseen persons),
    ``surest`` (precision, exact), ``by distance`` and ``by loss`` (AUC of the best attack of one kind), ``class NAME``: AUC
    in one class, on half B, of the attack chosen there on half A, with that of every attack in the detail; and ``worst
    class``: the class whose lower end is highest, its interval corrected for the number of classes (Bonferroni; the
    attack is chosen on the other half and needs no correction). Loss attacks work on diffusion models, distance alone
    mostly does not (Duan et al. 2023, arXiv 2302.01316), so silence without losses is no proof. Cost about 2 m · n_S · 10⁴
    operations for m persons a side.
    """

    card: ClassVar[Card] = Card(
        id="image.membership",
        version=2,
        family="safety",
        name=Words(en="Membership inference (images)", ko="구성원 추론(이미지)"),
        question=Words(
            en="Can an attacker tell from the synthetic images who was learned from?",
            ko="공격자가 합성 이미지로부터 누가 학습에 쓰였는지 알아낼 수 있는가?",
        ),
        unit="probability",
        low=0.0,
        high=1.0,
        better="lower",
        source="Duan et al. 2023, arXiv 2302.01316 (loss); Carlini et al. 2022, arXiv 2112.03570 (TPR at low FPR); DeLong et "
        "al. 1988, doi:10.2307/2531595",
        ideal=Words(en="0.5: no better than guessing.", ko="0.5: 추측과 같음."),
        needs=frozenset({"holdout"}),
        attacker=Attacker(
            knows=Words(
                en="The synthetic images and a person's images; the model's losses where they are given.",
                ko="합성 이미지와 특정인의 이미지, 주어진 경우 모형의 손실값.",
            ),
            tries=Words(
                en="Calls those persons members whose images lie nearest to synthetic ones or cost the model least.",
                ko="합성 이미지에 가장 가깝거나 모형의 손실이 가장 작은 사람을 구성원으로 판정합니다.",
            ),
            success=Words(
                en="Calls persons who were learned from members more often than others.",
                ko="학습된 사람을 다른 사람보다 더 자주 구성원으로 판정하면 성공입니다.",
            ),
        ),
    )

    def applies(self, schema: Schema, purpose: Purpose, /) -> str | None:
        """Return ``None``, or that the data are not images."""
        return None if schema.modality == "image" else NO_IMAGES.en

    def measure(self, case: Case[Any], /, *, seed: int, run: Run | None = None) -> Sequence[Evidence]:
        """Return evidence for each of `SUBJECTS` and `KINDS`, then for each class that has persons enough."""
        job = quiet(run)
        job.tick(self.card.id, 0, 1)
        if (why := unready(self.card, case, seed)) is not None:
            return (why,)
        if (why := unready(self.card, case, seed, least=20, needs=("synthetic",))) is not None:
            return (why,)
        for side in ("train", "holdout"):
            if (n := len(side_of(case, side))) < LEAST:
                return (too_few(self.card, n, LEAST, WHAT[side], seed=seed),)
        rows, scores = _scores(case, seed, job)
        people = _persons(case, rows, scores, seed)
        return (
            self._auc("all", people.attacked, seed, bool(case.losses)),
            self._rate(people.attacked, seed),
            self._surest(people, seed),
            *self._kinds(people.attacked, seed),
            *self._classes(people, seed),
        )

    def _auc(self, subject: str, who: success.Attacked, seed: int, inside: bool) -> Evidence:
        name, found, low, high = success.auc(who)
        detail = {
            "attack": name,
            "auc_by_attack": success.aucs(who),
            "most_advantage": success.most_advantage(who).plain(1e-5, None),
            "persons_a_side": int(who.member.sum()),
        }
        told = _WITH if inside else _WITHOUT
        caveat = Words(en=_READ.en.format(losses=told.en), ko=_READ.ko.format(losses=told.ko))
        return self._evidence(subject, who, found, (low, high), 0.5, detail, caveat, seed)

    def _rate(self, who: success.Attacked, seed: int) -> Evidence:
        subject = "TPR at 1 % FPR"
        if (at := success.at_false_alarms(who, FALSE_ALARMS)) is None:
            why = _FEW_ALARMS.filled(units=f"{round(2 * success.FEWEST_ALARMS / FALSE_ALARMS):,}")
            return insufficient(self.card, why, subject=subject, n=int(who.member.sum()), seed=seed)
        called, high = at
        low = clopper_pearson(called.hits, called.members)[0]
        rate, alarms = called.hits / called.members, called.alarms / called.others
        return self._evidence(subject, who, rate, (low, high), alarms, called.plain(1e-5, None), _RATE, seed)

    def _surest(self, people: _People, seed: int) -> Evidence:
        called = success.surest(people.attacked)
        found, low, high = success.precision(called)
        first = np.argsort(-people.attacked.scores[called.attack][people.attacked.member], kind="stable")[:50]
        return self._evidence(
            "surest",
            people.attacked,
            found,
            (low, high),
            0.5,
            called.plain(1e-5, None),
            _SUREST,
            seed,
            private={"train_units_most_recognised": people.units[people.attacked.member][first].tolist()},
        )

    def _kinds(self, who: success.Attacked, seed: int) -> list[Evidence]:
        """Return what distance alone and loss alone reach; nothing of a kind that was not tried."""
        out = []
        for kind in KINDS:
            names = [n for n in who.scores if n.startswith(LOSS) == (kind == KINDS[1])]
            if names:
                of_kind = success.Attacked({n: who.scores[n] for n in names}, who.member, who.chosen_on)
                name, found, low, high = success.auc(of_kind)
                told = Words(en=_KIND.en.format(kind=kind), ko=_KIND.ko.format(kind_ko=_KIND_KO[kind]))
                out.append(self._evidence(kind, who, found, (low, high), 0.5, {"attack": name}, told, seed))
        return out

    def _classes(self, people: _People, seed: int) -> list[Evidence]:
        known = {}
        for i, label in enumerate(people.class_names):
            who = people.attacked.among(people.classes == i)
            if min(who.counts()) >= LEAST_IN_A_CLASS:
                known[label] = who
        if len(people.class_names) < 2:
            return []
        if not known:
            return [insufficient(self.card, _SMALL.filled(least=LEAST_IN_A_CLASS), subject=WORST, seed=seed)]
        k = len(known)
        together = {label: success.auc(who, 1 - 0.05 / k) for label, who in known.items()}
        worst = max(together, key=lambda label: together[label][2])
        name, found, low, high = together[worst]
        detail: dict[str, Any] = {"attack": name, "class": worst, "classes": k}
        told = _CLASS.filled(classes=k, name=worst, small=len(people.class_names) - k)
        out = [self._evidence(WORST, known[worst], found, (low, high), 0.5, detail, told, seed)]
        for label, who in known.items():
            name, found, low, high = success.auc(who)
            detail = {"attack": name, "auc_by_attack": success.aucs(who), "classes": k}
            out.append(self._evidence(f"class {label}", who, found, (low, high), 0.5, detail, None, seed))
        return out

    def _evidence(
        self,
        subject: str,
        who: success.Attacked,
        found: float,
        interval: tuple[float, float],
        reference: float,
        detail: Mapping[str, Any],
        caveat: Words | None,
        seed: int,
        private: Mapping[str, Any] | None = None,
    ) -> Evidence:
        return Evidence(
            metric=self.card.id,
            version=self.card.version,
            subject=subject,
            estimate=found,
            interval=(min(interval[0], found), max(interval[1], found)),
            reference=reference,
            n=int(who.member.sum()),
            seed=seed,
            detail=detail,
            private=private or {},
            caveat=caveat,
        )


@dataclass(frozen=True, slots=True)
class _People:
    """Attacked persons: their scores, their units, and the class of their first picture."""

    attacked: success.Attacked
    units: IntArray
    classes: IntArray
    class_names: tuple[str, ...]


def _scores(case: Case[Any], seed: int, run: Run) -> tuple[dict[Side, IntArray], dict[Side, dict[str, FloatArray]]]:
    """Return the pictures attacked on each side and their scores by attack, higher for members."""
    synthetic = side_of(case, "synthetic")
    known = reference_of(synthetic, rows_of(synthetic, 4 * MOST, seed, "image.membership/synthetic"))
    most = max(2 * LEAST, min(MOST, MOST_PAIRS // len(known)))
    rows: dict[Side, IntArray] = {}
    scores: dict[Side, dict[str, FloatArray]] = {}
    for side in ("train", "holdout"):
        images = side_of(case, side)
        at = rows_of(images, images.n_rows if case.full else most, seed, f"image.membership/{side}")
        if (told := _losses(case, side)) is not None and np.isnan(told).any():
            at = np.flatnonzero(~np.isnan(told)).astype(np.intp)[: max(most, MOST)]

        def tick(done: int, total: int) -> None:
            run.tick("image.membership", done, total)

        near = nearest_aligned(Seen(images, at), known, NEIGHBOURS, tick=tick)
        found: dict[str, FloatArray] = {}
        for name, n in zip(("distance", "evened distance"), near, strict=True):
            found[name] = -n.distance[:, 0]
            rest = np.maximum(n.distance[:, 1:].mean(axis=1), 1e-9) if n.distance.shape[1] > 1 else 1.0
            found[f"{name} over the next"] = -n.distance[:, 0] / rest
        rows[side], scores[side] = at, found
    _add_losses(case, rows, scores)
    return rows, scores


def _losses(case: Case[Any], side: Side) -> FloatArray | None:
    """Return the loss of every picture of a side, not a number where nobody asked; ``None`` when none were given."""
    if not case.losses or "train" not in case.losses or "holdout" not in case.losses:
        return None
    images, given = side_of(case, side), np.asarray(case.losses[side], dtype=np.float64)
    if len(given) not in (images.n_rows, len(images)):
        raise ValueError("losses must be one a picture or one a unit")
    return given if len(given) == images.n_rows else np.asarray(given[images.unit_of_row], dtype=np.float64)


def _add_losses(case: Case[Any], rows: dict[Side, IntArray], scores: dict[Side, dict[str, FloatArray]]) -> None:
    classes = classes_of(case)
    per_row: dict[Side, FloatArray] = {}
    for side in rows:
        if (given := _losses(case, side)) is None:
            return
        per_row[side] = given[rows[side]]
    of = {side: classes.of[side][rows[side]] for side in rows}
    everyone, codes = np.concatenate(list(per_row.values())), np.concatenate(list(of.values()))
    means = {int(c): float(everyone[codes == c].mean()) for c in np.unique(codes)}
    for side in rows:
        mean = np.array([means[int(c)] for c in of[side]])
        scores[side][LOSS] = -per_row[side]
        scores[side][f"{LOSS} over its class"] = -(per_row[side] - mean)


def _persons(
    case: Case[Any], rows: dict[Side, IntArray], scores: dict[Side, dict[str, FloatArray]], seed: int
) -> _People:
    """Return as many persons of either side, drawn at random, each with the highest score of its pictures."""
    classes = classes_of(case)
    by_side: dict[Side, tuple[IntArray, dict[str, FloatArray], IntArray]] = {}
    for side, at in rows.items():
        units, first, inverse = np.unique(side_of(case, side).unit_of_row[at], return_index=True, return_inverse=True)
        best = {}
        for name, values in scores[side].items():
            top = np.full(len(units), -np.inf)
            np.maximum.at(top, inverse, values)
            best[name] = top
        by_side[side] = units.astype(np.intp), best, classes.of[side][at][first]
    m = min(len(found[0]) for found in by_side.values())
    chosen = {s: permutation(seed, f"image.membership/persons/{s}", len(by_side[s][0]))[:m] for s in by_side}
    both: tuple[Side, Side] = ("train", "holdout")
    attacks = {name: np.concatenate([by_side[s][1][name][chosen[s]] for s in both]) for name in by_side["train"][1]}
    half = np.arange(m) < m // 2
    return _People(
        success.Attacked(attacks, np.repeat([True, False], m), np.tile(half, 2)),
        np.concatenate([by_side[s][0][chosen[s]] for s in both]),
        np.concatenate([by_side[s][2][chosen[s]] for s in both]),
        classes.names,
    )
