"""The study: does any of this help? One model and one number of optimiser steps, learned from each arm's rows, per class.

Every arm is learned with the same steps, seeds and initial weights, and tested on the same real units that nothing
learned from. Scores are those of each class, the ones that lose among them; differences from real rows alone are paired
over seeds and test units.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from synthproof.balance.amounts import dose_amounts, rare_classes
from synthproof.balance.balancer import balanced_repeats
from synthproof.balance.differences import Difference, Measured, differences
from synthproof.balance.learner import Learner, Perceptron
from synthproof.balance.plan import CHECKS, DOSED, DOSES, MADE, Arm, arms_of
from synthproof.balance.scores import SCORES, class_scores, unit_weights
from synthproof.balance.task import Made, Task
from synthproof.core.errors import UsageError
from synthproof.core.random import derive
from synthproof.core.run import Run, quiet
from synthproof.core.words import Words

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]

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


def study(
    task: Task,
    *,
    learner: Learner | None = None,
    seeds: int = FEWEST_SEEDS,
    doses: Sequence[float] = DOSES,
    seed: int = 0,
    repeats: int = _REPEATS,
    rare: Sequence[str] | None = None,
    leave: Mapping[str, Words] | None = None,
    answers: MutableMapping[str, FloatArray] | None = None,
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
        Names of the classes to be topped up; absent: those below the median class.
    leave
        Kinds of arms that are not to be measured, with the reason.
    answers
        Probabilities for the test rows by ``seed/arm``, filled as they are found; what is there already is not learned
        again. A mapping that lies on disk makes a study resumable, and lets studies that differ in their generator alone
        share every other arm. Whoever gives it vouches that task, learner and seed are those that it was filled with; the
        study's seconds are then those of its last sitting.

    Raises
    ------
    UsageError
        ``balance/too-few-seeds``; ``params/out-of-range`` for a rare class that there is not.

    Notes
    -----
    Cost: seeds · (one generator + arms · steps of the learner) + seeds · arms · repeats · test rows · classes.
    """
    if seeds < FEWEST_SEEDS:
        raise UsageError("balance/too-few-seeds", n=seeds)
    job, begun = quiet(run), time.perf_counter()
    learner = Perceptron() if learner is None else learner
    known: MutableMapping[str, FloatArray] = {} if answers is None else answers
    left_out = _left_out(task, learner, leave)
    counts = np.bincount(task.train.y, minlength=len(task.names)).astype(np.intp)
    topped = _topped(task.names, counts, rare)
    arms = [a for a in arms_of(doses) if a.kind not in left_out]
    seconds = {"fitting generators": 0.0, "drawing and learning": 0.0, "scoring": 0.0}
    weights = unit_weights(task.test.unit, repeats, derive(seed, "study"))
    found: dict[str, list[tuple[Mapping[Any, FloatArray], Mapping[Any, FloatArray]]]] = {a.id: [] for a in arms}
    for s in range(seeds):
        at, start = derive(seed, f"study/{s}"), time.perf_counter()
        makers = _makers(task, [a for a in arms if f"{s}/{a.id}" not in known], at, job)
        seconds["fitting generators"] += time.perf_counter() - start
        for i, arm in enumerate(arms):
            job.tick("study", s * len(arms) + i, seeds * len(arms), arm=arm.id)
            start = time.perf_counter()
            if f"{s}/{arm.id}" not in known:
                most, before = (topped, max(doses)), known.get(f"{s}/real")
                known[f"{s}/{arm.id}"] = _answer(arm, task, learner, makers, most, at, before)
            answer, middle = known[f"{s}/{arm.id}"], time.perf_counter()
            whole = class_scores(answer, task.test.y, np.ones((1, len(task.test.y))))
            found[arm.id].append((whole, class_scores(answer, task.test.y, weights)))
            seconds["drawing and learning"] += middle - start
            seconds["scoring"] += time.perf_counter() - middle
    job.tick("study", seeds * len(arms), seeds * len(arms))
    how = {"learner": learner.name, "steps": learner.steps, "seeds": seeds, "seed": seed, "repeats": repeats}
    facts = {**task.facts, **how, "doses": list(doses)}
    seconds = {k: round(v, 1) for k, v in {**seconds, "all": time.perf_counter() - begun}.items()}
    return _compared(task, counts, topped, arms, left_out, {k: _gathered(v) for k, v in found.items()}, facts, seconds)


def _topped(names: Sequence[str], counts: IntArray, rare: Sequence[str] | None) -> BoolArray:
    """Return which classes are topped up, shape (n_classes,)."""
    if rare is None:
        return rare_classes(counts)
    unknown = [n for n in rare if n not in names]
    if unknown or not rare or len(set(rare)) == len(names):
        raise UsageError(
            "params/out-of-range", owner="study", name="rare", value=len(unknown), allowed="some of the classes' names"
        )
    return np.isin(np.array(names), list(rare))


def _compared(
    task: Task,
    counts: IntArray,
    topped: BoolArray,
    arms: Sequence[Arm],
    left_out: Mapping[str, Words],
    measured: Mapping[str, Measured],
    facts: Mapping[str, Any],
    seconds: Mapping[str, float],
) -> Study:
    """Return the study: every arm against real rows alone, and made rows against as many duplicates."""
    pairs = [(a.id, "real") for a in arms if a.id != "real"]
    copies = [(a.id, f"duplicates@{a.dose:g}") for a in arms if a.kind in DOSED and a.kind != "duplicates"]
    return Study(
        names=task.names,
        train=tuple(counts.tolist()),
        test=tuple(np.bincount(task.test.y, minlength=len(task.names)).tolist()),
        rare=tuple(topped.tolist()),
        arms=tuple(arms),
        left_out=left_out,
        measured=measured,
        against_real=tuple(differences(measured, pairs)),
        against_copies=tuple(differences(measured, copies)),
        facts=facts,
        seconds=seconds,
    )


def _makers(task: Task, arms: Sequence[Arm], seed: int, run: Run) -> dict[str, Made]:
    """Return the makers of the rows that arms need; a generator learns here."""
    kinds = dict.fromkeys(MADE[a.kind] for a in arms if a.kind in MADE)
    return {k: task.maker(k, seed=seed, run=run) for k in sorted(kinds, key=list(MADE).index)}


def _left_out(task: Task, learner: Learner, leave: Mapping[str, Words] | None) -> dict[str, Words]:
    out = {**(leave if leave is not None else {}), **{k: w for k, w in task.kinds().items() if w is not None}}
    if not learner.continues:
        out["pretrain"] = Words(
            en="this learner cannot go on from what it learned of other rows",
            ko="이 학습기는 다른 행으로 학습한 결과에서 이어서 학습할 수 없습니다",
        )
    elif "synthetic" in out:
        out["pretrain"] = out["synthetic"]
    return out


def _answer(
    arm: Arm,
    task: Task,
    learner: Learner,
    makers: Mapping[str, Made],
    most: tuple[BoolArray, float],
    seed: int,
    before: FloatArray | None,
) -> FloatArray:
    """Return an arm's probabilities for the test rows; `before` are those of real rows alone, where an arm needs them.

    `most` says which classes are topped up and what the largest dose is.
    """
    train, n = task.train, len(task.names)
    counts = np.bincount(train.y, minlength=n).astype(np.intp)
    go = derive(seed, "learn")  # the same for every arm: initial weights and order of batches are paired
    steps = learner.steps
    if arm.kind == "pretrain":
        x, y = makers["synthetic"].rows(counts, seed=derive(seed, "pretrain"))
        begun = learner.train(x, y, n, steps=steps // 2, seed=derive(go, "first"))
        return learner.train(train.x, train.y, n, steps=steps - steps // 2, seed=go, start=begun).probabilities(
            task.test.x
        )
    if arm.kind == "weights":
        weight = len(train.y) / (n * counts[train.y])
        return learner.train(train.x, train.y, n, steps=steps, seed=go, weight=weight).probabilities(task.test.x)
    if arm.kind in DOSED:
        x, y = _dosed(arm, task, makers, counts, most, seed)
        return learner.train(x, y, n, steps=steps, seed=go).probabilities(task.test.x)
    if arm.kind == "threshold" and before is not None:
        # Bayes' rule for equal shares: the decision that class weights aim at, without learning anything anew
        answer = before / (counts / counts.sum())
        return np.asarray(answer / answer.sum(axis=1, keepdims=True))
    twice = 2 if arm.kind in CHECKS else 1
    return learner.train(train.x, train.y, n, steps=twice * steps, seed=go).probabilities(task.test.x)


def _dosed(
    arm: Arm, task: Task, makers: Mapping[str, Made], counts: IntArray, most: tuple[BoolArray, float], seed: int
) -> tuple[Any, IntArray]:
    """Return real rows and the added ones."""
    topped, largest = most
    train, amounts = task.train, dose_amounts(counts, arm.dose, topped)
    if arm.kind == "duplicates":
        again = [
            balanced_repeats(np.flatnonzero(train.y == c).astype(np.intp), int(amounts[c]), derive(seed, "copies"))
            for c in np.flatnonzero(amounts)
        ]
        rows = np.concatenate([np.arange(len(train.y)), *again]).astype(np.intp)
        return train.x[rows], train.y[rows]
    # the largest dose is made once; a smaller one is its head, so that doses are nested
    x, y = makers[arm.kind].rows(dose_amounts(counts, largest, topped), seed=derive(seed, "doses"))
    head = np.concatenate([np.flatnonzero(y == c)[: amounts[c]] for c in range(len(counts))])
    return np.concatenate([train.x, x[head]]), np.concatenate([train.y, y[head]])


def _gathered(found: Sequence[tuple[Mapping[Any, FloatArray], Mapping[Any, FloatArray]]]) -> Measured:
    return Measured(
        by_seed={s: np.stack([whole[s][0] for whole, _ in found]) for s in SCORES},
        by_draw={s: np.mean([draws[s] for _, draws in found], axis=0) for s in SCORES},
    )
