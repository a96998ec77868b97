"""What a study needs of a data set: real parts to learn from and to test on, and what can be made of the first.

Everything here is arrays whose first axis is rows, so that the study knows no modality. `TableTask` is the one for
tables; a task of images holds pixels and gives ``augmentation`` in place of ``smote``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from synthproof.balance.arms import DEFAULT_GENERATOR, LEAST, Generated
from synthproof.balance.classes import Classes, classes_of
from synthproof.balance.features import Features
from synthproof.balance.interpolate import Interpolated
from synthproof.core.errors import DataError
from synthproof.core.random import derive
from synthproof.core.run import Run
from synthproof.core.words import Words
from synthproof.data.balanced import refuse_balanced
from synthproof.data.split import split
from synthproof.data.table.dataset import Table
from synthproof.data.table.io import with_target

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.intp]

FEWEST_TEST = 20
FEWEST_UNITS = 10
"""Fewest persons whose rows of a class are tested on: an interval is drawn over persons."""
SHOWN = 10
"""Fewest rows of a class, in either part, whose name may stand in a report."""


@dataclass(frozen=True, slots=True)
class Part:
    """Rows as a learner takes them.

    Parameters
    ----------
    x
        First axis: rows.
    y
        Class of each row, shape (n,).
    unit
        Protected unit of each row, shape (n,).
    """

    x: Any
    y: IntArray
    unit: IntArray


class Made(Protocol):
    """Made rows of one seed: learned once, then asked for amounts by class."""

    def rows(self, amounts: IntArray, /, *, seed: int) -> tuple[Any, IntArray]:
        """Return (x, y) of made rows, `amounts[c]` of each class."""
        ...


class Task(Protocol):
    """A data set to be studied."""

    train: Part
    test: Part
    names: tuple[str, ...]
    facts: Mapping[str, Any]

    def kinds(self) -> Mapping[str, Words | None]:
        """Return the kinds of made rows (``smote``, ``augmentation``, ``synthetic``), each ``None`` or why not."""
        ...

    def maker(self, kind: str, /, *, seed: int, run: Run | None = None) -> Made:
        """Return the maker of a kind, learned from the real training rows alone."""
        ...


class TableTask:
    """A table, split by unit; nothing is learned from the test part, not even the scale of a column.

    Parameters
    ----------
    table
        All real rows; rows without a label are left out.
    target
        Column of the classes.
    holdout
        Share of units to test on.
    generator, params
        Generator of synthetic rows, and its parameters.

    Raises
    ------
    DataError
        ``balance/study-too-small``, ``balance/study-few-units``, ``balance/no-columns``, ``balance/not-classes``,
        ``balance/balanced-already``, ``split/…``.
    """

    def __init__(
        self,
        table: Table,
        target: str,
        *,
        holdout: float = 0.4,
        seed: int = 0,
        generator: str = DEFAULT_GENERATOR,
        params: Mapping[str, Any] | None = None,
        neighbours: int = 5,
    ) -> None:
        refuse_balanced(table)
        table = table.with_schema(with_target(table.schema, target))
        known = table.frame[target].notna().to_numpy(dtype=bool)
        labelled = table if known.all() else table.with_frame(table.frame.loc[known].reset_index(drop=True))
        parts = split(labelled, holdout=holdout, seed=seed, stratify=None if _grouped(labelled) else target)
        every = classes_of(labelled.frame[target], where=target)
        self._table, self._target, self._neighbours = parts.train, target, neighbours
        self._generator, self._params = generator, dict(params or {})
        self._made: dict[tuple[str, int], TableMade] = {}
        self._classes = _same(every, parts.train, target)
        test = _same(every, parts.holdout, target)
        self._check(test)
        refuse_few_units(test.codes[:, None] == np.arange(len(test)), parts.holdout.unit_of_row)
        self._features = Features.learn(parts.train, target)
        if not self._features.fields:
            raise DataError("balance/no-columns", where=labelled.origin.name, n=len(labelled.schema.fields) - 1)
        self.train = Part(self._features.apply(parts.train), self._classes.codes, parts.train.unit_of_row)
        self.test = Part(self._features.apply(parts.holdout), test.codes, parts.holdout.unit_of_row)
        shown = np.minimum(self._classes.counts, test.counts) >= SHOWN
        self.names = tuple(
            str(v) if s else f"#{c + 1}" for c, (v, s) in enumerate(zip(every.labels, shown, strict=True))
        )
        self.facts: Mapping[str, Any] = {
            "modality": "table",
            "source": labelled.origin.name,
            "target": target,
            "columns": len(labelled.schema.fields),
            "features": int(self.train.x.shape[1]),
            "unlabelled": int((~known).sum()),
            "unit": labelled.schema.unit,
            "train_units": len(parts.train),
            "test_units": len(parts.holdout),
            "holdout": holdout,
            "split_seed": seed,
            "generator": generator,
            "generator_params": self._params,
        }

    def _check(self, test: Classes) -> None:
        train_counts, test_counts = self._classes.counts, test.counts
        for c in range(len(test)):
            if train_counts[c] < LEAST or test_counts[c] < FEWEST_TEST:
                raise DataError(
                    "balance/study-too-small",
                    position=c + 1,
                    n_classes=len(test),
                    train=int(train_counts[c]),
                    test=int(test_counts[c]),
                    least_train=LEAST,
                    least_test=FEWEST_TEST,
                )

    def kinds(self) -> Mapping[str, Words | None]:
        """Return the kinds of made rows; classical augmentation has no meaning for a table."""
        absent = None
        try:
            import imblearn  # noqa: F401
        except ImportError:
            absent = Words(
                en="imbalanced-learn is not installed: pip install 'synthproof[balance]'",
                ko="imbalanced-learn이 설치되어 있지 않습니다: pip install 'synthproof[balance]'",
            )
        return {
            "augmentation": Words(
                en="rows of a table have no alterations that are known to keep their class (images have)",
                ko="표의 행에는 범주를 유지한다고 알려진 변형이 없습니다(영상에는 있음)",
            ),
            "smote": absent,
            "synthetic": None,
        }

    def maker(self, kind: str, /, *, seed: int, run: Run | None = None) -> TableMade:
        """Return the maker of ``"smote"`` or ``"synthetic"`` rows; a generator learns here."""
        if (kind, seed) in self._made:  # another learner is studied on the same rows
            return self._made[kind, seed]
        maker: Generated | Interpolated
        if kind == "smote":
            maker = Interpolated(self._table, self._target, self._classes, neighbours=self._neighbours)
        else:
            maker = Generated(
                self._table, self._target, self._classes, name=self._generator, params=self._params, seed=seed, run=run
            )
        made = TableMade(maker, self._features)
        self._made[kind, seed] = made
        return made


@dataclass(frozen=True, slots=True)
class TableMade:
    """Made rows of a table, as features; what was asked for once is kept."""

    maker: Generated | Interpolated
    features: Features
    kept: dict[tuple[int, ...], tuple[Any, IntArray]] = field(default_factory=dict)

    def rows(self, amounts: IntArray, /, *, seed: int) -> tuple[Any, IntArray]:
        """Return (x, y) of made rows, `amounts[c]` of each class."""
        key = (seed, *amounts.tolist())
        if key in self.kept:
            return self.kept[key]
        xs, ys = [], []
        for c in np.flatnonzero(amounts):
            made = self.maker.make(int(c), int(amounts[c]), seed=derive(seed, f"study/{c}"))
            xs.append(self.features.apply(made))
            ys.append(np.full(made.n_rows, c, dtype=np.intp))
        self.kept[key] = np.concatenate(xs), np.concatenate(ys)
        return self.kept[key]


def refuse_few_units(members: BoolArray, unit_of_row: IntArray) -> None:
    """Refuse a test part in which a class is that of too few protected units: rows of one person say one thing.

    Parameters
    ----------
    members
        Which classes each test row is of, shape (n, n_classes).
    unit_of_row
        Shape (n,).

    Raises
    ------
    DataError
        ``balance/study-few-units``.

    Notes
    -----
    Intervals draw whole units anew. With one unit of a class nothing ever varies, and the interval would have no width.
    """
    for c in range(members.shape[1]):
        units = len(np.unique(unit_of_row[members[:, c]]))
        if units < FEWEST_UNITS:
            facts = {"position": c + 1, "n_classes": members.shape[1], "n": units, "least": FEWEST_UNITS}
            raise DataError("balance/study-few-units", where="", **facts)


def _grouped(table: Table) -> bool:
    return table.schema.unit_field is not None


def _same(every: Classes, part: Table, target: str) -> Classes:
    """Return a part's classes in the numbering of the whole."""
    place = {label: c for c, label in enumerate(every.labels)}
    cells = part.frame[target]
    codes = [place[v.item() if isinstance(v, np.generic) else v] for v in cells]
    return Classes(every.labels, np.array(codes, dtype=np.intp))


__all__ = ["FEWEST_TEST", "Made", "Part", "TableMade", "TableTask", "Task", "refuse_few_units"]
