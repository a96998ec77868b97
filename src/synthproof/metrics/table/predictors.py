"""Learning a target from one table and answering for another: the families of models, and their scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from synthproof.core.random import permutation
from synthproof.core.schema import Field
from synthproof.engines.codes import Coded, levels_of
from synthproof.engines.learners.boosting import BoostedTrees, tree_features
from synthproof.engines.learners.crossfit import fold_of_rows
from synthproof.engines.learners.linear import Design, fit_logistic, fit_ridge, sigmoid
from synthproof.metrics.table.coded_case import CodedCase, Part
from synthproof.metrics.table.histograms import codes_of, numbers_of
from synthproof.metrics.table.intervals import auc_influence

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

ModelName = Literal["gbm", "linear"]
MODELS: tuple[ModelName, ...] = ("gbm", "linear")
CAP = 50_000
"""Units that are learned from, and units that are answered for; more are thinned at random."""
MOST_CLASSES = 20
PIECES = 5
"""Disjoint pieces of each table that are learned from as well, to see how much the choice of training rows matters."""


@dataclass(frozen=True, slots=True)
class Task:
    """One target: what to learn from train or synthetic, and what to answer on the holdout.

    Parameters
    ----------
    name
        The target field.
    labels
        Class names (``None``: rare classes together), empty for a numeric target.
    train, synthetic, holdout
        (rows with a known target, their classes or values).
    piece
        For train and synthetic, the piece (0 … PIECES - 1) of each row; a unit is in one piece.
    units
        Unit of each holdout row, or ``None``.
    """

    name: str
    labels: tuple[str | None, ...]
    train: tuple[Coded, FloatArray]
    synthetic: tuple[Coded, FloatArray]
    holdout: tuple[Coded, FloatArray]
    piece: tuple[IntArray, IntArray]
    units: IntArray | None

    @property
    def classify(self) -> bool:
        """Whether the target is a class."""
        return bool(self.labels)


def make_task(cc: CodedCase, holdout: Part, f: Field, *, seed: int) -> Task:
    """Return the task of one target field; a number with two values only is a class."""
    labels, targets = outcomes(cc, holdout, f)
    chosen = []
    for k, (part, y) in enumerate(zip((cc.train, cc.synthetic, holdout), targets, strict=True)):
        keep = ~np.isnan(y)
        if part.n > CAP:
            drawn = np.zeros(part.n, dtype=bool)
            drawn[permutation(seed, f"prediction/{f.name}/{k}", part.n)[:CAP]] = True
            keep &= drawn[part.unit_of_row]
        rows = np.flatnonzero(keep)
        chosen.append((part.coded.rows(rows), y[rows], rows))
    units = None
    if holdout.units is not None:
        units = np.unique(holdout.units[chosen[2][2]], return_inverse=True)[1].astype(np.intp)
    train, synthetic, held = ((c, y) for c, y, _ in chosen)
    pieces = [
        fold_of_rows(p.unit_of_row, PIECES, seed=seed, purpose=f"prediction/{f.name}/piece/{k}")[chosen[k][2]]
        for k, p in enumerate((cc.train, cc.synthetic))
    ]
    return Task(f.name, labels, train, synthetic, held, (pieces[0], pieces[1]), units)


def outcomes(cc: CodedCase, holdout: Part, f: Field) -> tuple[tuple[str | None, ...], list[FloatArray]]:
    """Return class names (empty for a number) and the class or value of each row of train, synthetic and holdout.

    Classes are numbered from the commonest in train; a missing target is NaN.
    """
    parts = (cc.train, cc.synthetic, holdout)
    if f.numeric:
        values = [numbers_of(p.coded, f.name) for p in parts]
        present = np.unique(values[0][~np.isnan(values[0])])
        if len(present) != 2:
            return (), values
        middle = float(present.mean())
        return ("lower", "higher"), [np.where(np.isnan(v), np.nan, v > middle).astype(np.float64) for v in values]
    known = cc.known[f.name]
    codes = [codes_of(p.coded, f.name) for p in parts]
    counts = np.bincount(codes[0][(codes[0] >= 0) & (codes[0] < known)], minlength=known)
    order = np.argsort(-counts, kind="stable")
    order = order[counts[order] > 0]
    place = np.full(known + 1, np.nan)
    place[order] = np.minimum(np.arange(len(order)), MOST_CLASSES - 1)
    names = levels_of(f)
    labels: list[str | None] = [names[i] for i in order[:MOST_CLASSES]]
    if len(order) > MOST_CLASSES:
        labels[-1] = None
    out = [place[np.where((c < 0) | (c >= known), known, c)] for c in codes]
    return tuple(labels), out


def answers(
    task: Task,
    model: ModelName,
    source: Literal["train", "synthetic"],
    piece: int | None,
    *,
    seed: int,
    rounds: int = 100,
) -> FloatArray:
    """Return class probabilities of shape (n, classes), or predicted numbers of shape (n,), for the holdout rows.

    Parameters
    ----------
    piece
        Learn from this piece of the source alone; from all of it if ``None``.
    rounds
        Trees of a model for two classes or a number.
    """
    rows, y = task.train if source == "train" else task.synthetic
    if piece is not None:
        mine = np.flatnonzero(task.piece[0 if source == "train" else 1] == piece)
        rows, y = rows.rows(mine), y[mine]
    test = task.holdout[0]
    if len(rows) == 0:
        return np.full((len(test), len(task.labels)), 1 / len(task.labels)) if task.classify else np.zeros(len(test))
    if model == "gbm":
        features = tree_features([rows, test], leave_out=(task.name,))
        # One tree a class and round: many classes get fewer rounds, for time.
        trees_a_class = rounds if len(task.labels) <= 2 else max(20, 2 * rounds // len(task.labels))
        trees = BoostedTrees(classify=task.classify, categorical=features.categorical, seed=seed, rounds=trees_a_class)
        trees.fit(features.matrices[0], y.astype(np.intp) if task.classify else y)
        if task.classify:
            return trees.probabilities(features.matrices[1], len(task.labels))
        return trees.predict(features.matrices[1])
    design = Design.learn([rows], leave_out=(task.name,))
    here, there = design.apply(rows), design.apply(test)
    if not task.classify:
        centre, scale = float(y.mean()), float(y.std()) or 1.0
        return there.dot(fit_ridge(here, (y - centre) / scale)) * scale + centre
    return _one_versus_rest(task, design, rows, y)


def _one_versus_rest(task: Task, design: Design, rows: Coded, y: FloatArray) -> FloatArray:
    here, there = design.apply(rows), design.apply(task.holdout[0])
    k = len(task.labels)
    out = np.zeros((len(there), k))
    for c in range(1 if k == 2 else 0, k):
        is_c = y == c
        if is_c.all() or not is_c.any():
            out[:, c] = float(is_c.any())
        else:
            out[:, c] = sigmoid(there.dot(fit_logistic(here, is_c, penalty=1.0).beta))
    if k == 2:
        out[:, 0] = 1 - out[:, 1]
        return out
    total = out.sum(axis=1, keepdims=True)
    return np.where(total > 0, out / np.where(total > 0, total, 1.0), 1 / k)


@dataclass(frozen=True, slots=True)
class Score:
    """A score on the holdout and what each row has to do with it (see `intervals.influence_se`)."""

    value: float
    influence: FloatArray


def class_scores(probabilities: FloatArray, truth: IntArray) -> dict[str, Score]:
    """Return macro one-versus-rest AUROC, accuracy and balanced accuracy."""
    n, k = probabilities.shape
    aucs = [auc_influence(probabilities[:, c], truth == c) for c in range(k) if 0 < (truth == c).sum() < n]
    guess = probabilities.argmax(axis=1)
    right = (guess == truth).astype(np.float64)
    counts = np.bincount(truth, minlength=k)
    hits = np.bincount(truth, weights=right, minlength=k)
    recall = hits / np.maximum(counts, 1)
    present = int((counts > 0).sum())
    return {
        "AUROC": Score(
            float(np.mean([a for a, _ in aucs])) if aucs else 0.5,
            np.mean([i for _, i in aucs], axis=0) if aucs else np.zeros(n),
        ),
        "accuracy": Score(float(right.mean()), right - right.mean()),
        "balanced_accuracy": Score(
            float(recall[counts > 0].mean()), (right - recall[truth]) * (n / counts[truth]) / max(1, present)
        ),
    }


def number_scores(predicted: FloatArray, truth: FloatArray, centre: float) -> dict[str, Score]:
    """Return R² (cut at -1) and the mean absolute error relative to that of always saying `centre` (cut at 2)."""
    errors = predicted - truth
    spread = np.square(truth - truth.mean())
    r2 = 1 - float(np.square(errors).sum() / spread.sum()) if spread.sum() > 0 else 0.0
    influence = -(np.square(errors) - (1 - r2) * spread) / max(float(spread.mean()), 1e-300)
    base = np.abs(truth - centre)
    share = float(np.abs(errors).sum() / base.sum()) if base.sum() > 0 else 1.0
    moved = (np.abs(errors) - share * base) / max(float(base.mean()), 1e-300)
    return {
        "R2": Score(max(-1.0, r2), influence if r2 > -1 else np.zeros(len(truth))),
        "relative_MAE": Score(min(2.0, share), moved if share < 2 else np.zeros(len(truth))),
    }
