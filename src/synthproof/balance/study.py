"""The study: does any of this help? One model and one number of optimiser steps, learned from each arm's rows, per class.

Every arm is learned with the same steps, seeds and initial weights, and tested on the same real units that nothing
learned from. Scores are those of each class, the ones that lose among them; differences from real rows alone are paired
over seeds and test units.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from synthproof.balance.amounts import rare_classes
from synthproof.balance.differences import Difference, Measured, differences
from synthproof.balance.kept_seeds import KeptSeeds, Scored
from synthproof.balance.learner import Learner, Perceptron
from synthproof.balance.plan import CHECKS, DOSED, DOSES, MADE, Arm, Kind, arms_of
from synthproof.balance.rows import balanced_repeats
from synthproof.balance.scores import SCORES, member_scores, unit_weights
from synthproof.balance.task import Made, Task
from synthproof.balance.truth import Truth
from synthproof.core.errors import DataError, UsageError
from synthproof.core.random import derive
from synthproof.core.run import Run, quiet
from synthproof.core.words import Words

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

FEWEST_SEEDS = 5
_REPEATS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """What a study found.

    Parameters
    ----------
    names
        The classes' names; ``#k`` for a class too rare to be named.
    train, test
        Real rows of each class.
    rare
        Which classes are topped up.
    arms
        Every arm that was measured, in order.
    left_out
        Arms that were not, with the reason.
    measured
        Scores by arm.
    against_real
        Each arm against real rows alone.
    against_copies
        Arms that make rows, against duplicates of the same count.
    facts
        Source, learner, steps, seeds.
    seconds
        Wall time by part.
    test_units
        Test units with rows of each class: what the intervals' degrees of freedom are counted by.
    """

    names: tuple[str, ...]
    train: tuple[int, ...]
    test: tuple[int, ...]
    rare: tuple[bool, ...]
    arms: tuple[Arm, ...]
    left_out: Mapping[str, Words]
    measured: Mapping[str, Measured]
    against_real: tuple[Difference, ...]
    against_copies: tuple[Difference, ...]
    facts: Mapping[str, Any]
    seconds: Mapping[str, float]
    test_units: tuple[int, ...] | None = None


def study(
    task: Task,
    *,
    learner: Learner | None = None,
    seeds: int = FEWEST_SEEDS,
    doses: Sequence[float] = DOSES,
    seed: int = 0,
    repeats: int = _REPEATS,
    rare: Sequence[str] | None = None,
    leave: Mapping[Kind, Words] | None = None,
    answers: MutableMapping[str, FloatArray] | None = None,
    kept: Path | None = None,
    run: Run | None = None,
) -> Study:
    """Return the scores of every arm and their paired differences.

    Parameters
    ----------
    task
        Real data, split; see `task.TableTask`.
    learner
        What is trained; a `Perceptron` when absent.
    seeds
        Repeats of everything that learns (the generator too), five at least.
    doses
        Added rows per real row of each rare class.
    seed
        Of the whole study.
    repeats
        Bootstrap replicates of the test units.
    rare
        Names of the classes to be topped up; absent: those below the median class. Not of a task with several labels.
    leave
        Kinds of arms that are not to be measured, with the reason.
    answers
        What the learner said of the test rows by ``seed/arm``, filled as it is found; what is there already is not learned
        again. A mapping that lies on disk lets studies that differ in their generator alone share every other arm. Whoever
        gives it vouches that task, learner and seed are those that it was filled with; the study's seconds are then those
        of its last sitting.
    kept
        Folder in which the scores of each finished seed are kept until all are done: a study that was stopped goes on there.

    Raises
    ------
    UsageError, DataError
        ``balance/too-few-seeds``; ``params/out-of-range`` for a rare class that there is not; ``balance/nothing-rare``.

    Notes
    -----
    Cost: seeds · (one generator + arms · steps of the learner) + seeds · arms · repeats · test rows · classes.
    """
    if seeds < FEWEST_SEEDS:
        raise UsageError("balance/too-few-seeds", n=seeds)
    job, begun = quiet(run), time.perf_counter()
    learner = Perceptron() if learner is None else learner
    left_out: dict[str, Words] = {str(k): why for k, why in (leave or {}).items()} | _left_out(task, learner)
    truth = Truth.of(task)
    topped = _topped(truth, task, rare)
    _refuse_nothing(truth, task, topped, doses)
    arms = [a for a in arms_of(doses) if a.kind not in left_out]
    weights = unit_weights(task.test.unit, repeats, derive(seed, "study"))
    known_answers: MutableMapping[str, FloatArray] = {} if answers is None else answers
    bench = _Bench(task, truth, learner, arms, topped, max(doses), weights, known_answers, job)
    found: dict[str, list[Scored]] = {a.id: [] for a in arms}
    how = {"learner": learner.name, "steps": learner.steps, "seeds": seeds, "seed": seed, "repeats": repeats}
    facts = {**task.facts, **how, "doses": list(doses)}
    known = KeptSeeds(kept, _decides(task, learner, facts, list(found)))
    for s in range(seeds):
        done = known.read(s, list(found))
        if done is None:
            done = bench.measured(s, derive(seed, f"study/{s}"), before=s * len(arms), of=seeds * len(arms))
            known.write(s, done)
        for name, scored in done.items():
            found[name].append(scored)
    known.clear(seeds)
    job.tick("study", seeds * len(arms), seeds * len(arms))
    spent = {k: round(v, 1) for k, v in bench.seconds.items()}
    seconds = {**spent, "all": round(time.perf_counter() - begun, 1)}
    return _compared(task, topped, arms, left_out, {k: _gathered(v) for k, v in found.items()}, facts, seconds)


def _refuse_nothing(truth: Truth, task: Task, topped: BoolArray | None, doses: Sequence[float]) -> None:
    if not len(doses) or not truth.dose(task.train.y, max(doses), topped).any():
        counts = truth.counts(task.train.y)
        raise DataError("balance/nothing-rare", n_classes=len(counts), least=int(counts.min()), most=int(counts.max()))


def _topped(truth: Truth, task: Task, rare: Sequence[str] | None) -> BoolArray | None:
    """Return which classes are topped up, shape (n_classes,); ``None``: those below the median class."""
    if rare is None:
        return None
    unknown = [n for n in rare if n not in task.names]
    if unknown or not rare or len(set(rare)) == len(task.names) or truth.labels is not None:
        raise UsageError(
            "params/out-of-range", owner="study", name="rare", value=len(unknown), allowed="some of the classes' names"
        )
    return np.isin(np.array(task.names), list(rare))


def _decides(task: Task, learner: Learner, facts: Mapping[str, Any], arms: Sequence[str]) -> dict[str, Any]:
    """Return everything that decides a seed's scores; how many seeds there are does not."""
    looks = [
        (part.x.shape, float(np.sum(part.x, dtype=np.float64)), part.y.tolist()) for part in (task.train, task.test)
    ]
    return {**facts, "seeds": 0, "settings": repr(learner), "arms": list(arms), "data": looks}


@dataclass(frozen=True, slots=True)
class _Bench:
    """What is the same for every seed of a study."""

    task: Task
    truth: Truth
    learner: Learner
    arms: Sequence[Arm]
    topped: BoolArray | None
    most_dose: float
    weights: FloatArray
    answers: MutableMapping[str, FloatArray]
    run: Run
    seconds: dict[str, float] = field(
        default_factory=lambda: {"fitting generators": 0.0, "drawing and learning": 0.0, "scoring": 0.0}
    )

    def measured(self, number: int, seed: int, *, before: int, of: int) -> dict[str, Scored]:
        """Return the scores of every arm under a seed, the study's `number`-th; `before` of `of` arms were done before it."""
        task, truth, seconds = self.task, self.truth, self.seconds
        members, once = truth.members(task.test.y), np.ones((1, len(task.test.y)))
        missing = {a.kind for a in self.arms if a.kind in MADE and f"{number}/{a.id}" not in self.answers}
        start = time.perf_counter()
        kinds = dict.fromkeys(MADE[k] for k in MADE if k in missing)
        makers: dict[str, Made] = {k: task.maker(k, seed=seed, run=self.run) for k in kinds}
        seconds["fitting generators"] += time.perf_counter() - start
        found: dict[str, Scored] = {}
        for i, arm in enumerate(self.arms):
            self.run.tick("study", before + i, of, arm=arm.id)
            start = time.perf_counter()
            name = f"{number}/{arm.id}"
            if name not in self.answers:
                plain = self.answers[f"{number}/real"] if arm.kind == "threshold" else None
                self.answers[name] = self._answer(arm, makers, seed, plain)
            chance, called = truth.answers(self.answers[name])
            middle = time.perf_counter()
            whole = member_scores(chance, members, called, once)
            found[arm.id] = whole, member_scores(chance, members, called, self.weights)
            seconds["drawing and learning"] += middle - start
            seconds["scoring"] += time.perf_counter() - middle
        return found

    def _answer(self, arm: Arm, makers: Mapping[str, Made], seed: int, plain: FloatArray | None) -> FloatArray:
        """Return an arm's probabilities for the test rows; `plain` are those of real rows alone, where an arm needs them."""
        task, truth, learner = self.task, self.truth, self.learner
        train, n, unseen = task.train, truth.learned_classes, task.test.x
        y = truth.learned(train.y)
        go = derive(seed, "learn")  # the same for every arm: initial weights and order of batches are paired
        steps = learner.steps
        if arm.kind == "pretrain":
            first, labels = makers["synthetic"].rows(truth.numbers(train.y), seed=derive(seed, "pretrain"))
            begun = learner.train(first, truth.learned(labels), n, steps=steps // 2, seed=derive(go, "first"))
            return learner.train(train.x, y, n, steps=steps - steps // 2, seed=go, start=begun).probabilities(unseen)
        if arm.kind == "weights":
            weight = truth.weights(train.y)
            return learner.train(train.x, y, n, steps=steps, seed=go, weight=weight).probabilities(unseen)
        if arm.kind in DOSED:
            more, labels = self._dosed(arm, makers, seed)
            return learner.train(more, truth.learned(labels), n, steps=steps, seed=go).probabilities(unseen)
        if plain is not None:
            # the decision that class weights aim at, without learning anything anew
            return truth.moved(plain, train.y)
        twice = 2 if arm.kind in CHECKS else 1
        return learner.train(train.x, y, n, steps=twice * steps, seed=go).probabilities(unseen)

    def _dosed(self, arm: Arm, makers: Mapping[str, Made], seed: int) -> tuple[Any, IntArray]:
        """Return real rows and the added ones."""
        train, truth = self.task.train, self.truth
        amounts = truth.dose(train.y, arm.dose, self.topped)
        if arm.kind == "duplicates":
            again = [
                balanced_repeats(np.flatnonzero(train.y == c).astype(np.intp), int(amounts[c]), derive(seed, "copies"))
                for c in np.flatnonzero(amounts)
            ]
            rows = np.concatenate([np.arange(len(train.y)), *again]).astype(np.intp)
            return train.x[rows], train.y[rows]
        # the largest dose is made once; a smaller one is its head, so that doses are nested
        most = np.maximum(truth.dose(train.y, self.most_dose, self.topped), amounts)
        x, y = makers[arm.kind].rows(most, seed=derive(seed, "doses"))
        head = np.concatenate([np.flatnonzero(y == c)[: amounts[c]] for c in range(len(amounts))])
        return np.concatenate([train.x, x[head]]), np.concatenate([train.y, y[head]])


def _compared(
    task: Task,
    topped: BoolArray | None,
    arms: Sequence[Arm],
    left_out: Mapping[str, Words],
    measured: Mapping[str, Measured],
    facts: Mapping[str, Any],
    seconds: Mapping[str, float],
) -> Study:
    """Return the study: every arm against real rows alone, and made rows against as many duplicates."""
    truth = Truth.of(task)
    counts = truth.counts(task.train.y)
    pairs = [(a.id, "real") for a in arms if a.id != "real"]
    members = truth.members(task.test.y)
    units = tuple(len(np.unique(task.test.unit[members[:, c]])) for c in range(members.shape[1]))
    copies = [(a.id, f"duplicates@{a.dose:g}") for a in arms if a.kind in DOSED and a.kind != "duplicates"]
    return Study(
        names=task.names,
        train=tuple(counts.tolist()),
        test=tuple(truth.counts(task.test.y).tolist()),
        rare=tuple((rare_classes(counts) if topped is None else topped).tolist()),
        arms=tuple(arms),
        left_out=left_out,
        measured=measured,
        test_units=units,
        against_real=tuple(differences(measured, pairs, units=units)),
        against_copies=tuple(differences(measured, copies, units=units)),
        facts=facts,
        seconds=seconds,
    )


def _left_out(task: Task, learner: Learner) -> dict[str, Words]:
    out = {k: why for k, why in task.kinds().items() if why is not None}
    if not learner.continues:
        out["pretrain"] = Words(
            en="this learner cannot go on from what it learned of other rows",
            ko="이 학습기는 다른 행으로 학습한 결과에서 이어서 학습할 수 없습니다",
        )
    elif "synthetic" in out:
        out["pretrain"] = out["synthetic"]
    return out


def _gathered(found: Sequence[Scored]) -> Measured:
    return Measured(
        by_seed={s: np.stack([whole[s][0] for whole, _ in found]) for s in SCORES},
        by_draw={s: np.mean([draws[s] for _, draws in found], axis=0) for s in SCORES},
    )
