"""The balancer: rare classes topped up or common ones thinned, in the user's own containers, every added row marked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator

from synthproof.balance import frames
from synthproof.balance.amounts import CAP_CLASS, CAP_TOTAL, Amounts, Ratio, down_amounts, up_amounts
from synthproof.balance.arms import (
    DEFAULT_GENERATOR,
    LEAST,
    ORIGINS,
    STRATEGIES,
    learns,
    maker_of,
    makes_rows,
    strategy_name,
)
from synthproof.balance.classes import Classes, classes_of
from synthproof.balance.receipt import Balanced, told_amounts, told_small
from synthproof.core.errors import ConfigError, DataError
from synthproof.core.params import Params, check_choice, check_range
from synthproof.core.random import derive, fresh_seed, stream
from synthproof.core.run import Run, quiet
from synthproof.core.words import Words
from synthproof.data.table.dataset import Table
from synthproof.data.table.io import read_table, with_target

IntArray = npt.NDArray[np.intp]
Augment = Callable[[Any, int], Any]
Whole = Callable[[], tuple[Table, str]]


class Balancer(Params, BaseEstimator):
    """Change how often classes occur in data that a model is to learn from; data to test on are never touched.

    Parameters
    ----------
    strategy
        ``"duplicates"``, ``"smote"``, ``"borderline"``, ``"adasyn"``, ``"augmentation"``, ``"synthetic"`` or the name of
        any registered generator, ``"down"`` (common classes thinned), ``"weights"`` (rows stay; see `sample_weight_`),
        ``"none"``.
    target
        Column of the classes, for `balance`; in `fit_resample` the classes are `y`.
    ratio
        How many rows the classes are to have: ``"auto"``, ``"equal"``, a number, or a mapping by class
        (`amounts.up_amounts`).
    generator, params
        Generator of ``"synthetic"``, and parameters of whichever generator learns.
    augment
        ``augment(rows, seed)`` returns as many altered rows, in the container it got: classical augmentation.
    neighbours
        k of the SMOTE family.
    cap_class, cap_total
        Most made rows per real row of a class, and per real row in all; ``None``: no cap. Duplicates keep none.
    least
        Fewest real rows of a class that a generator learns from.
    small
        What happens to a smaller class: ``"refuse"``, ``"flag"`` (made all the same, with a notice), ``"skip"``.
    random_state
        Seed; ``None`` draws one and keeps it in ``seed_``.

    Attributes
    ----------
    sample_indices_
        Position of the row in `X` that each returned row is, shape (n,); -1: a made row. (imbalanced-learn's name.)
    origin_
        ``"real"``, ``"duplicate"``, ``"augmentation"`` or ``"synthetic"`` for each returned row, shape (n,).
    classes_, before_, after_
        Classes, and rows of each before and after.
    sample_weight_, class_weight_
        n / (n_classes · n_c) for each returned row and by class, as scikit-learn's ``"balanced"``, after resampling.
    notices_
        What the user should know.
    seed_
        Seed that was used.

    Notes
    -----
    Fits scikit-learn's `clone` and imbalanced-learn's `Pipeline`, which resamples in `fit` alone: what is predicted is
    never resampled. Rows without a label stay as they are. Duplicates, thinning and weights read no cell of `X`, so any
    type and any missing value passes through; the SMOTE family settles missing cells as `interpolate` says; generators
    learn them.
    """

    def __init__(
        self,
        strategy: str = "duplicates",
        *,
        target: str | None = None,
        ratio: Ratio = "auto",
        generator: str = DEFAULT_GENERATOR,
        params: Mapping[str, Any] | None = None,
        augment: Augment | None = None,
        neighbours: int = 5,
        cap_class: float | None = CAP_CLASS,
        cap_total: float | None = CAP_TOTAL,
        least: int = LEAST,
        small: str = "refuse",
        random_state: int | None = None,
    ) -> None:
        self.strategy = strategy
        self.target = target
        self.ratio = ratio
        self.generator = generator
        self.params = params
        self.augment = augment
        self.neighbours = neighbours
        self.cap_class = cap_class
        self.cap_total = cap_total
        self.least = least
        self.small = small
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:
        """Check parameters and labels, and count the classes; nothing is made."""
        self._check()
        frames.check_pairs(frames.plain_container(X), y)
        self.classes_ = np.array(classes_of(frames.column_values(y)).labels, dtype=object)
        return self

    def fit_resample(self, X: Any, y: Any, *, run: Run | None = None) -> tuple[Any, Any]:
        """Return (X, y) with the rows that the strategy leaves and adds, in the containers and types they came in.

        Parameters
        ----------
        X
            pandas, polars, Arrow or an array, shape (n, d); where no generator of tables is asked for, of more dimensions
            too (pictures).
        y
            Labels, one per row: an array, a series, a list.

        Returns
        -------
        X, y
            Real rows first, in their order and (pandas) under their index labels; then added rows, class by class.

        Raises
        ------
        SynthproofError
            ``balance/…``, ``extra/missing``, ``registry/unknown-name``, ``params/…``, and what the generator raises.
        """
        self._check()
        X = frames.plain_container(X)
        y = np.asarray(y) if isinstance(y, list | tuple) else y
        frames.container_of(X)
        frames.check_pairs(X, y)
        classes = classes_of(frames.column_values(y))
        name = _free_name(frames.column_names(X))

        def whole() -> tuple[Table, str]:
            texts = [None if c < 0 else f"class {c}" for c in classes.codes]
            table = read_table(frames.with_labels(X, name, texts))
            return table.with_schema(with_target(table.schema, name)), name

        out, rows, of_class = self._resample(X, classes, whole, drop=name, run=quiet(run))
        stand_in = np.where(rows >= 0, rows, _first_rows(classes)[of_class])
        labels = frames.taken(y, stand_in)
        kept = rows[self.origin_ == "real"]
        index = _index_of(X, kept)
        if index is not None:
            out = frames.indexed(out, index, len(index))
        own = index if index is not None else _index_of(y, kept)
        return out, labels if own is None else frames.indexed(labels, own, len(own))

    def balance(self, data: Any, *, run: Run | None = None) -> Balanced:
        """Return a whole table balanced by its column `target`, with the origin of every row.

        Parameters
        ----------
        data
            A pandas, polars or Arrow table comes back as it came; a `Table`, or what `read` takes (a file), as a `Table`.

        Raises
        ------
        SynthproofError
            As `fit_resample` raises, ``balance/no-target``, and what reading raises.
        """
        self._check()
        if not self.target:
            raise ConfigError("balance/no-target")
        target, run = self.target, quiet(run)
        native = not isinstance(data, Table | str | Path)
        data = frames.plain_container(data) if native else data
        if native and frames.container_of(data) == "numpy":
            raise DataError("balance/container", type="numpy.ndarray, and a target by name")
        table = None if native else read_table(data)
        if table is None:
            names = frames.column_names(data)
            if target not in names:
                table = read_table(data)
                table.schema.field(target)  # refuses the name with the nearest known one
        else:
            table = table.with_schema(with_target(table.schema, target))
        X = data if table is None else table.frame
        classes = classes_of(frames.column_values(frames.column_of(X, target)), where=target)
        known = table

        def whole() -> tuple[Table, str]:
            found = read_table(X) if known is None else known
            return found.with_schema(with_target(found.schema, target)), target

        out, rows, _ = self._resample(X, classes, whole, drop="", canonical=known is not None, run=run)
        index = _index_of(X, rows[self.origin_ == "real"])
        out = out if index is None else frames.indexed(out, index, len(index))
        return Balanced(
            data=out if known is None else known.with_frame(out.reset_index(drop=True)),
            origin=self.origin_,
            source_rows=self.sample_indices_,
            facts=self._facts(classes),
            notices=self.notices_,
        )

    def _resample(
        self, X: Any, classes: Classes, whole: Whole, *, drop: str, run: Run, canonical: bool = False
    ) -> tuple[Any, IntArray, IntArray]:
        """Return the rows, each one's position in X (-1: made) and its class, and set what was learned."""
        strategy = strategy_name(self.strategy)
        self.seed_ = fresh_seed() if self.random_state is None else int(self.random_state)
        self.notices_: tuple[Words, ...] = ()
        amounts = self._small(self._amounts(strategy, classes), classes, strategy)
        kept = self._kept(classes, amounts)
        again = self._again(classes, amounts) if strategy == "duplicates" else np.empty(0, dtype=np.intp)
        out = frames.taken(X, np.concatenate([kept, again]))
        rows = np.concatenate([kept, again])
        origin = np.array(["real"] * len(kept) + ["duplicate"] * len(again), dtype=object)
        if makes_rows(strategy) and amounts.added.any():
            if strategy == "augmentation":
                made, of_made, mark = self._augmented(X, classes, amounts)
            else:
                made, of_made, mark = self._made(strategy, classes, amounts, whole, drop, canonical, run)
            out = frames.appended(out, made)
            rows = np.concatenate([rows, np.full(len(of_made), -1, dtype=np.intp)])
            origin = np.concatenate([origin, np.full(len(of_made), mark, dtype=object)])
            of_class = np.concatenate([classes.codes[rows[rows >= 0]], of_made])
        else:
            of_class = classes.codes[rows]
        self._remember(classes, rows, origin, of_class)
        self.notices_ = (*self.notices_, *told_amounts(strategy, self.before_, self.after_, classes.unlabelled))
        return out, rows, of_class

    def _amounts(self, strategy: str, classes: Classes) -> Amounts:
        if strategy in ("none", "weights"):
            return Amounts(classes.counts, classes.counts)
        if strategy == "down":
            return down_amounts(classes, self.ratio)
        made = makes_rows(strategy)
        return up_amounts(classes, self.ratio, made=made, cap_class=self.cap_class, cap_total=self.cap_total)

    def _small(self, amounts: Amounts, classes: Classes, strategy: str) -> Amounts:
        """Refuse, flag or skip classes that are asked to grow and have too few rows to be learned."""
        least = self.least if learns(strategy) else 2 if strategy not in ("duplicates", "augmentation") else 1
        small = np.flatnonzero((amounts.added > 0) & (amounts.before < least))
        if not len(small):
            return amounts
        facts: dict[str, Any] = {
            "n_small": len(small),
            "n_classes": len(classes),
            "least": least,
            "n": int(amounts.before[small].min()),
        }
        if self.small == "refuse":
            raise DataError("balance/class-too-small", **facts)
        self.notices_ = (*self.notices_, told_small(self.small, **facts))
        if self.small == "flag":
            return amounts
        after = amounts.after.copy()
        after[small] = amounts.before[small]
        return replace(amounts, after=after)

    def _kept(self, classes: Classes, amounts: Amounts) -> IntArray:
        """Return the positions of real rows that stay, ascending; thinned classes keep rows at random."""
        stays = np.ones(len(classes.codes), dtype=bool)
        for c in np.flatnonzero(amounts.dropped):
            rows = classes.rows(int(c))
            order = stream(self.seed_, f"balance/down/{c}").permutation(len(rows))
            stays[rows[order[amounts.after[c] :]]] = False
        return np.flatnonzero(stays).astype(np.intp)

    def _again(self, classes: Classes, amounts: Amounts) -> IntArray:
        """Return the positions of rows that are repeated: within a class every row as often as any other, or once more."""
        parts = [
            balanced_repeats(classes.rows(int(c)), int(amounts.added[c]), self.seed_)
            for c in np.flatnonzero(amounts.added)
        ]
        return np.concatenate(parts) if parts else np.empty(0, dtype=np.intp)

    def _augmented(self, X: Any, classes: Classes, amounts: Amounts) -> tuple[Any, IntArray, str]:
        if self.augment is None:
            raise ConfigError("balance/no-augmenter")
        again = self._again(classes, amounts)
        made = self.augment(frames.taken(X, again), derive(self.seed_, "balance/augment"))
        if frames.n_rows(made) != len(again):
            raise DataError("balance/lengths-differ", rows=frames.n_rows(made), labels=len(again))
        made = np.asarray(made) if isinstance(X, np.ndarray) else made
        return made, classes.codes[again], "augmentation"

    def _made(
        self, strategy: str, classes: Classes, amounts: Amounts, whole: Whole, drop: str, canonical: bool, run: Run
    ) -> tuple[Any, IntArray, str]:
        table, target = whole()
        maker = maker_of(
            strategy, table, target, classes,
            generator=self.generator, params=self.params, neighbours=self.neighbours,
            seed=derive(self.seed_, "balance/learn"), run=run,
        )  # fmt: skip
        parts, of_class = [], []
        for c in run.each([int(c) for c in np.flatnonzero(amounts.added)], "balance"):
            part = maker.make(c, int(amounts.added[c]), seed=derive(self.seed_, f"balance/draw/{c}"), run=run)
            parts.append(part.frame)
            of_class.append(np.full(part.n_rows, c, dtype=np.intp))
        made = table.with_frame(pd.concat(parts, ignore_index=True))
        made = made.without(drop) if drop else made
        return made.frame if canonical else made.to_native(), np.concatenate(of_class), maker.origin

    def _remember(self, classes: Classes, rows: IntArray, origin: npt.NDArray[Any], of_class: IntArray) -> None:
        self.classes_ = np.array(classes.labels, dtype=object)
        self.sample_indices_, self.origin_ = rows, origin
        self.before_ = classes.counts
        self.after_ = np.bincount(of_class[of_class >= 0], minlength=len(classes)).astype(np.intp)
        weight = self.after_.sum() / (len(classes) * np.maximum(self.after_, 1))
        self.class_weight_ = dict(zip(classes.labels, weight.tolist(), strict=True))
        self.sample_weight_ = np.where(of_class >= 0, weight[of_class], 1.0)

    def _facts(self, classes: Classes) -> dict[str, Any]:
        marks = {o: int((self.origin_ == o).sum()) for o in ORIGINS}
        return {
            "target": self.target,
            "strategy": self.strategy,
            "generator": self.generator if self.strategy == "synthetic" else None,
            "seed": self.seed_,
            "classes": len(classes),
            "before": self.before_.tolist(),
            "after": self.after_.tolist(),
            "rows": marks,
            "unlabelled": classes.unlabelled,
            "releasable": False,
            "class_weight": list(self.class_weight_.values()),
        }

    def _check(self) -> None:
        strategy_name(self.strategy)
        check_choice(self, "small", self.small, ("refuse", "flag", "skip"))
        check_range(self, "neighbours", self.neighbours, 1, 1000)
        check_range(self, "least", self.least, 1, 10**9)
        for name in ("cap_class", "cap_total"):
            if getattr(self, name) is not None:
                check_range(self, name, getattr(self, name), 0, 10**6)


def balanced_repeats(rows: IntArray, n: int, seed: int) -> IntArray:
    """Return n positions out of some, each as often as any other or once more; which ones is drawn."""
    whole, left = divmod(n, len(rows))
    order = stream(seed, f"balance/duplicates/{int(rows[0])}").permutation(len(rows))
    return np.concatenate([np.tile(rows, whole), np.sort(rows[order[:left]])]).astype(np.intp)


def _first_rows(classes: Classes) -> IntArray:
    return np.array([classes.rows(c)[0] for c in range(len(classes))], dtype=np.intp)


def _free_name(names: list[Any]) -> str:
    texts, name = {str(n) for n in names}, "class_of_row"
    while name in texts:
        name += "_"
    return name


def _index_of(data: Any, kept: IntArray) -> pd.Index | None:
    """Return the index labels of the real rows that stayed; ``None`` where there is no index."""
    if not isinstance(data, pd.DataFrame | pd.Series):
        return None
    return data.index if len(kept) == len(data) else data.index[kept]


__all__ = ["STRATEGIES", "Balancer", "balanced_repeats"]
