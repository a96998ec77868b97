"""What a study learns and scores: one class a row, or several labels of which a row may carry any number.

With several labels the rows are numbered by their combination, a learner gets the yes/no matrix, and every label is scored
by itself. Rows without any label are a class too (``none``): its chance is the product of the labels' absences, and it is
called where no label is. So what a moved threshold costs the healthy is seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from synthproof.balance.amounts import dose_amounts
from synthproof.balance.combinations import dose_plan
from synthproof.balance.labels import Labels

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
CALLED = 0.5
"""A label is called from this chance on."""


@dataclass(frozen=True, slots=True)
class Truth:
    """The classes of a study.

    Parameters
    ----------
    n_classes
        Classes that are scored.
    labels
        The labels of the training rows, where a row may carry several; their combinations number the rows.
    """

    n_classes: int
    labels: Labels | None = None

    @classmethod
    def of(cls, task: Any) -> Truth:
        """Return the classes of a task; one without ``labels`` has one class a row."""
        return cls(len(task.names), getattr(task, "labels", None))

    @property
    def learned_classes(self) -> int:
        """Outputs of a learner: ``none`` follows from the others."""
        return self.n_classes if self.labels is None else self.labels.n_own

    def members(self, y: IntArray) -> BoolArray:
        """Return which classes each row is of, shape (n, n_classes)."""
        if self.labels is not None:
            return self.labels.kinds[y]
        found: BoolArray = y[:, None] == np.arange(self.n_classes)
        return found

    def learned(self, y: IntArray) -> IntArray:
        """Return what a learner takes: classes, shape (n,), or 0 and 1 for each label, shape (n, labels)."""
        return y if self.labels is None else self.labels.kinds[y, : self.labels.n_own].astype(np.intp)

    def counts(self, y: IntArray) -> IntArray:
        """Return the rows of each class, shape (n_classes,)."""
        found: IntArray = self.members(y).sum(axis=0).astype(np.intp)
        return found

    def weights(self, y: IntArray) -> FloatArray:
        """Return the balanced weight of each row, shape (n,), or of each of its labels, shape (n, labels)."""
        if self.labels is None:
            return len(y) / (self.n_classes * self.counts(y)[y])
        own = self.labels.n_own
        return self.labels.weights()[np.arange(own), self.labels.kinds[y, :own].astype(np.intp)]

    def numbers(self, y: IntArray) -> IntArray:
        """Return the rows of each class (of each combination of labels): what makers are asked for."""
        return np.bincount(y, minlength=self.n_classes if self.labels is None else len(self.labels.kinds)).astype(
            np.intp
        )

    def dose(self, y: IntArray, dose: float, topped: BoolArray | None = None) -> IntArray:
        """Return the rows of each class (of each combination) that a dose adds; `topped`: to which classes, if not the rare."""
        return dose_amounts(self.counts(y), dose, topped) if self.labels is None else dose_plan(self.labels, dose)

    def answers(self, probability: FloatArray) -> tuple[FloatArray, BoolArray]:
        """Return the chance of each class and which are called, both of shape (n, n_classes).

        One class a row: the likeliest is called. Several labels: each from a half on; ``none`` where none is.
        """
        if self.labels is None:
            return probability, probability.argmax(axis=1)[:, None] == np.arange(self.n_classes)
        called = probability >= CALLED
        if self.n_classes == self.labels.n_own:
            return probability, called
        none = np.prod(1 - probability, axis=1)
        return np.column_stack([probability, none]), np.column_stack([called, ~called.any(axis=1)])

    def moved(self, probability: FloatArray, y: IntArray) -> FloatArray:
        """Return a learner's answer under equal shares of the classes (of presence and absence): Bayes' rule, nothing learned."""
        share = self.counts(y)[: self.learned_classes] / len(y)
        if self.labels is None:
            each: FloatArray = probability / share
            whole: FloatArray = each.sum(axis=1, keepdims=True)
            return each / whole
        yes: FloatArray = probability / share
        no: FloatArray = (1 - probability) / (1 - share)
        return yes / (yes + no)


__all__ = ["CALLED", "Truth"]
