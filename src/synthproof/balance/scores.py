"""Scores of every class against the rest, under weights of the test rows: AUROC, average precision, recall.

All bootstrap replicates are one array of weights, the same for every arm and seed, so that differences are paired.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from synthproof.core.random import stream

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
Score: TypeAlias = Literal["auroc", "auprc", "recall"]
SCORES: tuple[Score, ...] = ("auroc", "auprc", "recall")


def unit_weights(unit_of_row: IntArray, repeats: int, seed: int) -> FloatArray:
    """Return how often each test row counts in each bootstrap replicate, shape (repeats, n): whole units are drawn."""
    units = int(unit_of_row.max()) + 1
    rng = stream(seed, "balance/bootstrap")
    drawn = rng.multinomial(units, np.full(units, 1 / units), size=repeats)
    return np.asarray(drawn[:, unit_of_row], dtype=np.float64)


def class_scores(probability: FloatArray, truth: IntArray, weights: FloatArray) -> Mapping[Score, FloatArray]:
    """Return each score of each class, shape (repeats, n_classes); NaN where a replicate has no row of a class.

    Parameters
    ----------
    probability
        Shape (n, n_classes).
    truth
        Class of each row, shape (n,).
    weights
        Shape (repeats, n); ``np.ones((1, n))`` gives the scores themselves.

    Notes
    -----
    ``recall`` of a class is the share of its rows whose likeliest class it is: the accuracy within that class.
    Cost O(repeats · n · n_classes).
    """
    classes = np.arange(probability.shape[1])
    called = probability.argmax(axis=1)[:, None] == classes
    return member_scores(probability, truth[:, None] == classes, called, weights)


def member_scores(
    probability: FloatArray, members: BoolArray, called: BoolArray, weights: FloatArray
) -> Mapping[Score, FloatArray]:
    """Return each score of each class where a row may be of several, shape (repeats, n_classes).

    Parameters
    ----------
    members, called
        Which classes each row is of, and which it is called, shape (n, n_classes).
    """
    repeats, n_classes = len(weights), probability.shape[1]
    out: dict[Score, FloatArray] = {s: np.full((repeats, n_classes), np.nan) for s in SCORES}
    for c in range(n_classes):
        own = members[:, c]
        out["auroc"][:, c], out["auprc"][:, c] = _ranked(probability[:, c], own, weights)
        of_class = weights[:, own]
        total = of_class.sum(axis=1)
        hit = of_class[:, called[own, c]].sum(axis=1)
        out["recall"][:, c] = np.divide(hit, total, out=np.full(repeats, np.nan), where=total > 0)
    return out


def _ranked(score: FloatArray, own: npt.NDArray[np.bool_], weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the AUROC (ties half) and the average precision of one class under each row of weights."""
    order = np.argsort(-score, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(score[order])), len(order) - 1)
    positive = np.cumsum(weights[:, order] * own[order], axis=1)[:, ends]
    everyone = np.cumsum(weights[:, order], axis=1)[:, ends]
    negative = everyone - positive
    gained = np.diff(positive, axis=1, prepend=0.0)
    lost = np.diff(negative, axis=1, prepend=0.0)
    p, n = positive[:, -1], negative[:, -1]
    with np.errstate(invalid="ignore", divide="ignore"):
        # each negative is beaten by the positives above it, and by half of those at its own score
        auroc = (lost * (positive - gained / 2)).sum(axis=1) / (p * n)
        precision = np.where(everyone > 0, positive / np.maximum(everyone, 1e-12), 0.0)
        auprc = (gained * precision).sum(axis=1) / p
    return auroc, auprc
