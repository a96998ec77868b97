"""Real against synthetic as a question for classifiers: who can tell, and by which columns?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from synthproof.core.contracts import Case
from synthproof.core.evidence import Card, Evidence
from synthproof.core.random import permutation
from synthproof.core.run import Run
from synthproof.core.words import Words
from synthproof.engines.codes import Coded
from synthproof.engines.learners.crossfit import fold_of_rows
from synthproof.metrics.table.answers import (
    NO_FIELDS,
    NO_HOLDOUT,
    REAL_UNITS,
    SYNTHETIC_UNITS,
    insufficient,
    joined,
    too_few,
)
from synthproof.metrics.table.coded_case import CodedCase, Part, coded_case
from synthproof.metrics.table.intervals import auc_influence, influence_se, logit_interval

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]

LEAST = 50
"""Units a side below which five folds say nothing."""
CAP = 20_000
"""Units a side that are looked at; more are thinned at random (the AUC's interval is then ±0.008)."""
FOLDS = 5

_TRAIN_AS_REAL = Words(
    en="The real side is the training data, since there is no holdout: a generator that repeats its training records "
    "looks better here than it is.",
    ko="홀드아웃이 없어 학습 원본을 비교 대상으로 사용하였습니다. 학습 레코드를 그대로 재현하는 생성기가 실제보다 좋게 나타날 수 있습니다.",
)
_WIDTH = Words(
    en="The interval is DeLong's by protected unit, with its variance doubled because the scores are cross-fitted.",
    ko="구간은 보호 단위 기준 DeLong 방식이며, 교차적합 점수이므로 분산을 2배로 하였습니다.",
)

Scorer = Callable[[Coded, BoolArray, BoolArray], FloatArray]
"""(all rows, which are synthetic, which are to be learned from) → scores of the other rows."""


@dataclass(frozen=True, slots=True)
class Sides:
    """As many units of one table as of another, stacked.

    Parameters
    ----------
    coded
        Rows of the first (real) side, then of the second.
    second
        Whether a row is of the second side, shape (n_rows,).
    units
        Unit of each row, numbered over both sides.
    fold
        Fold of each row; units are whole and both sides are spread evenly.
    n
        Units a side.
    """

    coded: Coded
    second: BoolArray
    units: IntArray
    fold: IntArray
    n: int


def make_sides(first: Part, second: Part, *, seed: int, purpose: str, cap: int = CAP) -> Sides:
    """Draw equally many units of two tables and deal them out to folds."""
    n = min(first.n, second.n, cap)
    coded, units, folds = [], [], []
    for k, part in enumerate((first, second)):
        chosen = np.sort(permutation(seed, f"{purpose}/draw/{k}", part.n)[:n])
        new_number = np.full(part.n, -1, dtype=np.intp)
        new_number[chosen] = np.arange(n)
        number = new_number[part.unit_of_row]
        rows = np.flatnonzero(number >= 0)
        coded.append(part.coded.rows(rows))
        units.append(number[rows] + k * n)
        folds.append(fold_of_rows(number[rows], FOLDS, seed=seed, purpose=f"{purpose}/fold/{k}"))
    return Sides(
        coded=stacked(coded[0], coded[1]),
        second=np.repeat([False, True], [len(coded[0]), len(coded[1])]),
        units=np.concatenate(units),
        fold=np.concatenate(folds),
        n=n,
    )


def stacked(a: Coded, b: Coded) -> Coded:
    """Return the rows of two tables of one schema, one after the other."""
    return Coded(
        a.numeric_names,
        a.level_names,
        np.concatenate([a.numbers, b.numbers]),
        np.concatenate([a.codes, b.codes]),
        a.cardinality,
    )


def out_of_fold(sides: Sides, scorer: Scorer, run: Run, task: str) -> FloatArray:
    """Return a score for each row from a model that saw none of the row's unit, nor its fold."""

    def one(fold: int) -> FloatArray:
        return scorer(sides.coded, sides.second, sides.fold != fold)

    scores = np.empty(len(sides.second))
    for fold, found in enumerate(run.map(one, range(FOLDS), task)):
        scores[sides.fold == fold] = found
    return scores


def auc_of(sides: Sides, scores: FloatArray) -> tuple[float, float, float]:
    """Return (AUC, low, high) of telling the second side from the first, from cross-fitted scores.

    DeLong's variance takes rows as independent. Cross-fitted, row i is scored by a model that has seen row j and row j
    by one that has seen row i: when nobody can tell, both scores carry the same product of the two rows, so that half
    of the terms repeat the other half and the variance is twice DeLong's (1.9 in simulation). Doubling it always is
    right where it matters, near 0.5, and too cautious elsewhere.
    """
    auc, influence = auc_influence(scores, sides.second)
    low, high = logit_interval(auc, np.sqrt(2) * influence_se(influence, sides.units), sides.n / 4)
    return auc, min(low, auc), max(high, auc)


def roc_points(second: BoolArray, scores: FloatArray, points: int = 101) -> dict[str, list[float]]:
    """Return the ROC curve at evenly spaced false-alarm rates."""
    at = np.linspace(0, 1, points)
    order = np.argsort(-scores, kind="stable")
    hit = np.concatenate([[0], np.cumsum(second[order])]) / max(1, second.sum())
    alarm = np.concatenate([[0], np.cumsum(~second[order])]) / max(1, (~second).sum())
    # Rows of equal score come at once: keep the last point of each run of ties.
    ends = np.concatenate([[True], np.diff(scores[order]) != 0, [True]])
    return {"fpr": [float(x) for x in at], "tpr": [float(y) for y in np.interp(at, alarm[ends], hit[ends])]}


def columns_alone(sides: Sides) -> dict[str, float]:
    """Return for each column the AUC that it reaches by itself.

    Rows are scored by the ratio of bin shares (32 quantile bins, or levels) on the other half of the folds.
    """
    half = sides.fold % 2 == 0
    out: dict[str, float] = {}
    for name, bins in _binned(sides.coded):
        k = int(bins.max()) + 1
        scores = np.empty(len(bins))
        for learn in (half, ~half):
            s = np.bincount(bins[learn & sides.second], minlength=k) + 0.5
            r = np.bincount(bins[learn & ~sides.second], minlength=k) + 0.5
            scores[~learn] = np.log(s / s.sum() / (r / r.sum()))[bins[~learn]]
        out[name] = auc_influence(scores, sides.second)[0]
    return out


def _binned(coded: Coded) -> Sequence[tuple[str, IntArray]]:
    out = []
    for j, name in enumerate(coded.numeric_names):
        values = coded.numbers[:, j]
        present = values[~np.isnan(values)]
        edges = np.unique(np.quantile(present, np.linspace(0, 1, 33)[1:-1])) if len(present) else np.empty(0)
        out.append((name, np.where(np.isnan(values), 0, np.searchsorted(edges, values, side="left") + 1)))
    for j, name in enumerate(coded.level_names):
        out.append((name, coded.codes[:, j].astype(np.intp) + 1))
    return out


def measure_auc(
    card: Card,
    case: Case[Any],
    scorer: Scorer,
    *,
    seed: int,
    run: Run,
    extra: Callable[[Sides, FloatArray], dict[str, Any]] | None = None,
) -> Sequence[Evidence]:
    """Return the AUC of telling synthetic from unseen real units, with train against holdout as its reference."""
    cc = coded_case(case)
    real, remark = _real_side(cc)
    for part, what in ((real, REAL_UNITS), (cc.synthetic, SYNTHETIC_UNITS)):
        if part.n < LEAST:
            return [too_few(card, part.n, LEAST, what, seed=seed)]
    if not cc.fields:
        return [insufficient(card, NO_FIELDS, seed=seed)]
    sides = sides_of(case, seed)
    scores = out_of_fold(sides, scorer, run, card.id)
    auc, low, high = auc_of(sides, scores)
    reference, around = 0.5, None
    if real is cc.holdout and cc.train.n >= LEAST:
        fresh = make_sides(real, cc.train, seed=seed, purpose=f"{card.id}/reference", cap=sides.n)
        reference, a, b = auc_of(fresh, out_of_fold(fresh, scorer, run, f"{card.id}: reference"))
        around = (a, b)
    alone = columns_alone(sides)
    top = sorted(alone, key=lambda name: -alone[name])
    detail: dict[str, Any] = {
        "roc": roc_points(sides.second, scores),
        "columns_alone": {name: alone[name] for name in top},
        "units_a_side": sides.n,
        "folds": FOLDS,
        "thinned": min(real.n, cc.synthetic.n) > CAP,
        "real_side": "holdout" if real is cc.holdout else "train",
        "theory": 0.5,
    }
    if extra is not None:
        detail.update(extra(sides, scores))
    return [
        Evidence(
            metric=card.id,
            version=card.version,
            estimate=auc,
            interval=(low, high),
            reference=reference,
            reference_interval=around,
            n=2 * sides.n,
            seed=seed,
            detail=detail,
            caveat=joined(_WIDTH, remark),
        )
    ]


def sides_of(case: Case[Any], seed: int) -> Sides:
    """Return unseen real against synthetic units, shared by the metrics of one battery."""
    key = f"table.sides/{seed}"
    found = case.cache.get(key)
    if isinstance(found, Sides):
        return found
    cc = coded_case(case)
    made = make_sides(_real_side(cc)[0], cc.synthetic, seed=seed, purpose="propensity")
    case.cache[key] = made
    return made


def _real_side(cc: CodedCase) -> tuple[Part, Words | None]:
    if cc.holdout is not None and cc.holdout.n >= LEAST:
        return cc.holdout, None
    return cc.train, joined(NO_HOLDOUT, _TRAIN_AS_REAL)
