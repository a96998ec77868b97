"""The classes of a target: which row is of which, and how many there are."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthproof.core.errors import DataError

IntArray = npt.NDArray[np.intp]

MOST_CLASSES = 200
_FEW = 20


@dataclass(frozen=True, slots=True)
class Classes:
    """Every row's class.

    Parameters
    ----------
    labels
        The classes' own values, in the order that `codes` counts them: sorted where they can be sorted.
    codes
        Class of each row, shape (n,); -1: its label is missing.
    """

    labels: tuple[Hashable, ...]
    codes: IntArray

    @property
    def counts(self) -> IntArray:
        """Rows of each class, shape (n_classes,)."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.labels)).astype(np.intp)

    @property
    def unlabelled(self) -> int:
        """Rows without a label. They are kept as they are and nothing is made from them."""
        return int((self.codes < 0).sum())

    def __len__(self) -> int:
        return len(self.labels)

    def rows(self, c: int) -> IntArray:
        """Return the positions of a class's rows, ascending."""
        return np.flatnonzero(self.codes == c).astype(np.intp)

    def position(self, label: Hashable) -> int:
        """Return the code of a label, -1 when there is no such class; ``1`` and ``"1"`` are taken for each other."""
        if label in self.labels:
            return self.labels.index(label)
        texts = [str(v) for v in self.labels]
        return texts.index(str(label)) if str(label) in texts else -1


def classes_of(values: Sequence[Any] | npt.NDArray[Any] | pd.Series, *, where: str = "y") -> Classes:
    """Return the classes of a column of labels. Cost O(n).

    Raises
    ------
    DataError
        ``balance/not-classes``: fewer than two classes, more than 200, or numbers of more than 20 values with fewer than 20
        rows each, which measure something rather than name it.
    """
    column = values if isinstance(values, pd.Series) else pd.Series(values)
    codes, found = pd.factorize(column, sort=False)
    labels: list[Any] = [_plain(v) for v in found]
    number = all(isinstance(v, int | float) for v in labels)
    most = min(MOST_CLASSES, max(_FEW, len(column) // _FEW)) if number else MOST_CLASSES
    if not 2 <= len(labels) <= most:
        raise DataError("balance/not-classes", where=where, n=len(labels), rows=len(column), most=most)
    try:
        order = sorted(range(len(labels)), key=lambda i: labels[i])
    except TypeError:
        order = sorted(range(len(labels)), key=lambda i: str(labels[i]))
    place = np.empty(len(order) + 1, dtype=np.intp)
    place[order] = np.arange(len(order))
    place[-1] = -1
    return Classes(tuple(labels[i] for i in order), place[codes])


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
