"""Several labels a row (findings in an X-ray): what they are, which combinations occur, and how often.

One row carries any number of labels, so rows cannot be added to one class alone: a picture with a rare finding brings
along what else it shows. The unit of choice is therefore the *combination*, and the goals stand for the *labels*. Rows
without any label are a class of their own, ``none``: it is what a "normal" picture is.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthproof.balance import frames
from synthproof.balance.classes import Classes
from synthproof.core.errors import DataError

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

NONE = "none"
MOST_LABELS = 200


@dataclass(frozen=True, slots=True)
class Labels:
    """Which labels every row carries.

    Parameters
    ----------
    names
        The labels, and ``none`` last where some row carries no label.
    kinds
        Which labels each combination carries, shape (combinations, labels); only those that occur.
    groups
        Combination of each row; -1 where a label is missing: such a row stays as it is and nothing is made from it.
    n_own
        Labels that a row was given: ``len(names)``, less one where ``none`` was added.
    """

    names: tuple[str, ...]
    kinds: BoolArray
    groups: Classes
    n_own: int

    @property
    def counts(self) -> IntArray:
        """Rows that carry each label, shape (labels,)."""
        return self.of_groups(self.groups.counts)

    @property
    def rows(self) -> int:
        """Rows whose labels are all known."""
        return int(self.groups.counts.sum())

    def __len__(self) -> int:
        return len(self.names)

    def of_groups(self, amounts: IntArray) -> IntArray:
        """Return how often each label occurs among so many rows of each combination, shape (labels,)."""
        found: IntArray = (amounts @ self.kinds).astype(np.intp)
        return found

    def position(self, label: Hashable) -> int:
        """Return the position of a label, -1 when there is none of that name."""
        return self.names.index(str(label)) if str(label) in self.names else -1

    def weights(self, amounts: IntArray | None = None) -> FloatArray:
        """Return for each of a row's own labels what its absence and its presence weigh, shape (n_own, 2).

        Parameters
        ----------
        amounts
            Rows of each combination; those that there are, when absent.

        Notes
        -----
        n / (2 · rows without it) and n / (2 · rows with it): both sides of every label weigh alike in all, as
        scikit-learn's ``"balanced"`` does for one yes/no label.
        """
        amounts = self.groups.counts if amounts is None else amounts
        n, with_it = int(amounts.sum()), self.of_groups(amounts)[: self.n_own].astype(np.float64)
        return n / (2 * np.maximum(np.stack([n - with_it, with_it], axis=1), 1))


def labels_of(flags: npt.NDArray[Any], names: Sequence[str], *, where: str = "y") -> Labels:
    """Return the labels of a yes/no matrix. Cost O(n · labels).

    Parameters
    ----------
    flags
        Shape (n, labels): 1 yes, 0 no, NaN not known.

    Raises
    ------
    DataError
        ``balance/not-labels``: other values than yes and no, fewer than two labels, or one that no row or every row has.
    """
    numbers = _numbers(flags, where)
    known = ~np.isnan(numbers).any(axis=1)
    on = numbers[known] > 0.5
    share = on.mean(axis=0) if len(on) else np.zeros(numbers.shape[1])
    if not 2 <= numbers.shape[1] <= MOST_LABELS or (share == 0).any() or (share == 1).any():
        never, always = int((share == 0).sum()), int((share == 1).sum())
        raise DataError("balance/not-labels", where=where, n=numbers.shape[1], other=0, never=never, always=always)
    kinds, inverse = np.unique(on, axis=0, return_inverse=True)
    codes = np.full(len(numbers), -1, dtype=np.intp)
    codes[known] = inverse.reshape(-1)
    told = tuple(" + ".join(n for n, yes in zip(names, k, strict=True) if yes) or NONE for k in kinds)
    empty = ~kinds.any(axis=1)
    own = tuple(str(n) for n in names)
    if empty.any():
        return Labels((*own, NONE), np.column_stack([kinds, empty]), Classes(told, codes), len(own))
    return Labels(own, kinds, Classes(told, codes), len(own))


def several_labels(y: Any) -> Labels | None:
    """Return the labels of `y` where it has several columns; ``None`` where it is one column of classes.

    Raises
    ------
    DataError
        As `labels_of` raises.
    """
    if isinstance(y, pd.Series | pd.Index):
        return None
    family = type(y).__module__.partition(".")[0]
    if isinstance(y, pd.DataFrame):
        frame = y
    elif family == "polars" and hasattr(y, "columns"):
        frame = pd.DataFrame({str(n): y[n].to_list() for n in y.columns})
    elif family == "pyarrow" and hasattr(y, "column_names"):
        frame = pd.DataFrame({str(n): y.column(n).to_pylist() for n in y.column_names})
    elif np.ndim(y) == 2:
        frame = pd.DataFrame(np.asarray(y))
    else:
        return None
    if frame.shape[1] < 2:
        return None
    return labels_of(frame.astype(object).to_numpy(), [str(c) for c in frame.columns])


def _numbers(flags: npt.NDArray[Any], where: str) -> FloatArray:
    """Return yes/no cells as 1, 0 and NaN; anything else is refused."""
    cells = np.asarray(flags, dtype=object)
    out = np.full(cells.shape, np.nan)
    missing = pd.isna(cells)
    try:
        out[~missing] = cells[~missing].astype(np.float64)
    except (TypeError, ValueError) as error:
        n = cells.shape[1]
        raise DataError("balance/not-labels", where=where, n=n, other=n, never=0, always=0) from error
    other = ~(np.isnan(out) | (out == 0) | (out == 1))
    if other.any():
        columns = int(other.any(axis=0).sum())
        raise DataError("balance/not-labels", where=where, n=cells.shape[1], other=columns, never=0, always=0)
    return out


def classes_or_labels(y: Any, *, where: str = "y") -> tuple[Classes, Labels | None]:
    """Return what rows are counted by: classes, or combinations of several labels with the labels beside them."""
    from synthproof.balance.classes import classes_of

    found = several_labels(y)
    if found is not None:
        return found.groups, found
    return classes_of(frames.column_values(y), where=where), None


__all__ = ["MOST_LABELS", "NONE", "Labels", "classes_or_labels", "labels_of", "several_labels"]
