"""Targets, and one strong model each from real and from synthetic data: learned once for all metrics of a battery."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from synthproof.core.contracts import Case
from synthproof.core.evidence import Card, Evidence
from synthproof.core.random import permutation
from synthproof.core.run import Run
from synthproof.core.words import Words
from synthproof.metrics.table.answers import (
    HOLDOUT_UNITS,
    NEEDS_HOLDOUT,
    REAL_UNITS,
    SYNTHETIC_UNITS,
    insufficient,
    not_applicable,
    too_few,
)
from synthproof.metrics.table.coded_case import CodedCase, coded_case
from synthproof.metrics.table.predictors import PIECES, Task, answers, make_task

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
Source = Literal["train", "synthetic"]
SOURCES: tuple[Source, ...] = ("train", "synthetic")

LEAST = 50
LEAST_OF_A_CLASS = 5
LEARNT, ANSWERED = 16_000, 16_000
"""Most rows that `learned` learns from and answers for."""
ROUNDS = 40
"""Trees of its models: twelve models a target, so fewer than `table.prediction` grows."""

NO_TARGET = Words(
    en="No target column is stated (purpose.targets, or the role 'target').",
    ko="예측 대상(목표) 열이 지정되지 않았습니다(purpose.targets 또는 target 역할).",
)
NOT_A_TARGET = Words(
    en="This column cannot be predicted: it is an identifier or free text, or one of the tables lacks it.",
    ko="식별자·자유 텍스트이거나 일부 자료에 없는 열이라 예측 대상으로 쓸 수 없습니다.",
)
ONE_CLASS = Words(
    en="Fewer than two classes have 5 real records each in train and holdout.",
    ko="학습 원본과 홀드아웃 모두에서 5건 이상인 범주가 2개 미만입니다.",
)


def targets_of(case: Case[Any]) -> tuple[str, ...]:
    """Return the stated targets: the purpose's, else the schema's."""
    return case.purpose.targets or case.train.schema.with_role("target")


def unready(card: Card, case: Case[Any], seed: int) -> Evidence | None:
    """Return why nothing can be predicted in a case at all, or ``None``."""
    if not targets_of(case):
        return not_applicable(card, NO_TARGET, seed=seed)
    if case.holdout is None:
        return insufficient(card, NEEDS_HOLDOUT, seed=seed)
    cc = coded_case(case)
    assert cc.holdout is not None
    for part, what in ((cc.holdout, HOLDOUT_UNITS), (cc.train, REAL_UNITS), (cc.synthetic, SYNTHETIC_UNITS)):
        if part.n < LEAST:
            return too_few(card, part.n, LEAST, what, seed=seed)
    return None


def tasks_of(card: Card, cc: CodedCase, targets: Sequence[str], seed: int) -> tuple[list[Task], list[Evidence]]:
    """Return the targets that can be predicted, and evidence of why the others cannot."""
    assert cc.holdout is not None
    tasks: list[Task] = []
    refused: list[Evidence] = []
    for name in targets:
        if name not in {f.name for f in cc.fields} or len(cc.fields) < 2:
            refused.append(insufficient(card, NOT_A_TARGET, subject=name, seed=seed))
            continue
        task = make_task(cc, cc.holdout, cc.field(name), seed=seed)
        held = len(task.holdout[1])
        if held < LEAST or len(task.train[1]) < LEAST:
            refused.append(too_few(card, held, LEAST, HOLDOUT_UNITS, subject=name, seed=seed))
        elif task.classify and int((class_counts(task) >= LEAST_OF_A_CLASS).all(axis=0).sum()) < 2:
            refused.append(insufficient(card, ONE_CLASS, subject=name, n=held, seed=seed))
        else:
            tasks.append(task)
    return tasks, refused


def class_counts(task: Task) -> npt.NDArray[np.intp]:
    """Return the rows of each class in train and holdout, shape (2, classes)."""
    k = len(task.labels)
    return np.stack([np.bincount(y.astype(np.intp), minlength=k) for _, y in (task.train, task.holdout)])


@dataclass(frozen=True, slots=True)
class Learned:
    """One target's answers for the holdout.

    Parameters
    ----------
    task
        The target, thinned to `LEARNT` rows to learn from and `ANSWERED` to answer for.
    answers
        Source → answers of the model of all its rows, then of the models of its pieces (see `predictors.answers`).
    """

    task: Task
    answers: dict[Source, list[FloatArray]]


def learned(card: Card, case: Case[Any], run: Run, seed: int) -> tuple[list[Learned], list[Evidence]]:
    """Return boosted trees' answers for every target, and evidence of why others have none. Call `unready` first.

    The models are addressed by the target alone, not by `seed`, so that metrics of one battery share them; about 2 s
    for a target of 24,000 rows × 15.
    """
    cc = coded_case(case)
    tasks, refused = tasks_of(card, cc, targets_of(case), 0)
    thinned = [_thinned(t) for t in tasks]
    key = "table.learned"
    found = case.cache.get(key, {})
    jobs = [(t, s, k) for t in thinned if t.name not in found for s in SOURCES for k in (None, *range(PIECES))]
    if jobs:
        done = run.map(_answer, jobs, card.id)
        made: dict[str, dict[Source, list[FloatArray]]] = {}
        for (task, source, _), answer in zip(jobs, done, strict=True):
            made.setdefault(task.name, {}).setdefault(source, []).append(answer)
        found = {**found, **{t.name: Learned(t, made[t.name]) for t in thinned if t.name in made}}
        case.cache[key] = found
    run.tick(card.id, len(jobs), len(jobs))
    return [found[t.name] for t in tasks], [replace(e, seed=seed) for e in refused]


def _answer(job: tuple[Task, Source, int | None]) -> FloatArray:
    task, source, piece = job
    return answers(task, "gbm", source, piece, seed=0, rounds=ROUNDS)


def _thinned(task: Task) -> Task:
    chosen = [
        np.sort(permutation(0, f"learned/{task.name}/{k}", len(y))[:most])
        for k, (y, most) in enumerate(
            ((task.train[1], LEARNT), (task.synthetic[1], LEARNT), (task.holdout[1], ANSWERED))
        )
    ]
    train, synthetic, holdout = (
        (c.rows(rows), y[rows]) for (c, y), rows in zip((task.train, task.synthetic, task.holdout), chosen, strict=True)
    )
    units = None
    if task.units is not None:
        units = np.unique(task.units[chosen[2]], return_inverse=True)[1].astype(np.intp)
    return replace(
        task,
        train=train,
        synthetic=synthetic,
        holdout=holdout,
        piece=(task.piece[0][chosen[0]], task.piece[1][chosen[1]]),
        units=units,
    )


__all__ = [
    "NOT_A_TARGET",
    "NO_TARGET",
    "SOURCES",
    "Learned",
    "Source",
    "class_counts",
    "learned",
    "targets_of",
    "tasks_of",
    "unready",
]
