"""The balancer: rare classes topped up or common ones thinned, in the user's own containers, every added row marked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator

from synthproof.balance import frames
from synthproof.balance.amounts import CAP_CLASS, CAP_TOTAL, Ratio
from synthproof.balance.arms import DEFAULT_GENERATOR, LEAST, ORIGINS, STRATEGIES, makes_rows, strategy_name
from synthproof.balance.classes import Classes, classes_of
from synthproof.balance.image_maker import generator_name
from synthproof.balance.labels import Labels, classes_or_labels
from synthproof.balance.making import Augment, Making, PictureSource, Source, made_rows, source_of, together
from synthproof.balance.pictures import classes_of_set, with_targets
from synthproof.balance.receipt import Balanced, marked, told_amounts
from synthproof.balance.rows import (
    Settings,
    balanced_repeats,
    first_rows,
    kept_rows,
    repeated_rows,
    wanted_rows,
)
from synthproof.balance.wording import for_modality
from synthproof.core.errors import ConfigError, DataError
from synthproof.core.params import Params, check_choice, check_range, check_whole
from synthproof.core.random import fresh_seed
from synthproof.core.run import Run, quiet
from synthproof.core.words import Words
from synthproof.data.balanced import refuse_balanced
from synthproof.data.image.dataset import ImageSet
from synthproof.data.image.io import How, is_image_source, read_images
from synthproof.data.table.dataset import Table
from synthproof.data.table.io import read_table, with_target

IntArray = npt.NDArray[np.intp]


class Balancer(Params, BaseEstimator):
    """Change how often classes occur in data that a model is to learn from; data to test on are never touched.

    Parameters
    ----------
    strategy
        ``"duplicates"``, ``"smote"``, ``"borderline"``, ``"adasyn"`` (tables), ``"augmentation"``, ``"synthetic"`` or the
        name of any registered generator, ``"down"`` (common classes thinned), ``"weights"`` (rows stay; see
        `sample_weight_`), ``"none"``.
    target
        Column of the classes, for `balance`; pictures may have several, ``"A,B"``. In `fit_resample` the classes are `y`.
    ratio
        How many rows the classes are to have: ``"auto"``, ``"equal"``, a number, or a mapping by class
        (`amounts.up_amounts`), by label where rows carry several.
    generator, params
        Generator of ``"synthetic"`` (``"auto"``: ``table.autoregressive``, for pictures ``image.flow``), and parameters of
        whichever generator learns.
    augment
        ``augment(rows, seed)`` returns as many altered rows, in the container it got: classical augmentation. Pictures
        need none: ``image.augment`` moves and lightens them.
    neighbours
        k of the SMOTE family.
    cap_class, cap_total
        Most made rows per real row of a class, and per real row in all; ``None``: no cap. Duplicates keep none.
    least
        Fewest real rows of a class that a generator learns from (persons, where pictures say whose they are).
    small
        What happens to a smaller class: ``"refuse"``, ``"flag"`` (made all the same, with a notice), ``"skip"``.
    random_state
        Seed; ``None`` draws one, and numpy's `Generator` or `RandomState` is asked for one: ``seed_`` keeps it.

    Attributes
    ----------
    sample_indices_
        Position of the row in `X` that each returned row is, shape (n,); -1: a made row. (imbalanced-learn's name.)
    origin_
        ``"real"``, ``"duplicate"``, ``"augmentation"`` or ``"synthetic"`` for each returned row, shape (n,).
    classes_, before_, after_
        Classes, and rows of each before and after.
    sample_weight_, class_weight_
        n / (n_classes · n_c) for each returned row and by class, as scikit-learn's ``"balanced"``, after resampling. With
        several labels a row: shape (n, labels), and ``{label: {0: absent, 1: present}}`` (`labels.Labels.weights`).
    notices_
        What the user should know.
    seed_
        Seed that was used.
    n_features_in_, feature_names_in_
        Columns of `X`, and their names where all are texts, as scikit-learn has them.

    Notes
    -----
    Fits scikit-learn's `clone` and imbalanced-learn's `Pipeline`, which resamples in `fit` alone: what is predicted is
    never resampled. Pictures are an `ImageSet` or an array (n, h, w[, channels]). Several labels a row are a yes/no matrix
    `y` or several yes/no targets of pictures: goals stand for labels, rows are added by combinations of them
    (`combinations`). Rows without a label stay as they are. Duplicates, thinning and weights read no cell of `X`, so any
    type and any missing value passes through; the SMOTE family settles missing cells as `interpolate` says; generators
    learn them.
    """

    def __init__(
        self,
        strategy: str = "duplicates",
        *,
        target: str | None = None,
        ratio: Ratio = "auto",
        generator: str = "auto",
        params: Mapping[str, Any] | None = None,
        augment: Augment | None = None,
        neighbours: int = 5,
        cap_class: float | None = CAP_CLASS,
        cap_total: float | None = CAP_TOTAL,
        least: int = LEAST,
        small: str = "refuse",
        random_state: int | np.random.Generator | np.random.RandomState | None = None,
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

    def fit(self, X: Any, y: Any = None) -> Self:
        """Check parameters and labels, and count the classes; nothing is made."""
        self._check()
        X = frames.plain_container(X)
        classes, labels, _ = self._pairs(X, y)
        self._see(X)
        self.classes_ = np.array(classes.labels if labels is None else labels.names, dtype=object)
        return self

    def fit_resample(self, X: Any, y: Any = None, *, run: Run | None = None) -> tuple[Any, Any]:
        """Return (X, y) with the rows that the strategy leaves and adds, in the containers and types they came in.

        Parameters
        ----------
        X
            pandas, polars, Arrow or an array, shape (n, d); pictures: an `ImageSet`, or an array (n, h, w[, channels]).
        y
            Labels, one per row: an array, a series, a list; or a yes/no matrix of several labels, shape (n, labels).
            Absent: the pictures' own labels.

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
        classes, labels, y = self._pairs(X, y)
        self._see(X)
        name = _free_name(frames.column_names(X))

        def whole() -> tuple[Table, str]:
            texts = [None if c < 0 else f"class {c}" for c in classes.codes]
            table = read_table(frames.with_labels(X, name, texts))
            return table.with_schema(with_target(table.schema, name)), name

        source = source_of(X, whole, drop=name)
        out, rows, of_class = self._resample(X, classes, labels, source, run=quiet(run))
        stand_in = np.where(rows >= 0, rows, first_rows(classes)[of_class])
        answer = frames.taken(y, stand_in)
        kept = rows[self.origin_ == "real"]
        index = _index_of(X, kept)
        if index is not None:
            out = frames.indexed(out, index, len(index))
        out = marked(out, self.origin_)
        own = index if index is not None else _index_of(y, kept)
        return out, answer if own is None else frames.indexed(answer, own, len(own))

    def _pairs(self, X: Any, y: Any) -> tuple[Classes, Labels | None, Any]:
        """Return the classes (and labels) of rows, and the labels as they are given back."""
        if y is None:
            if not isinstance(X, ImageSet):
                raise ConfigError("balance/no-target")
            classes, labels = classes_of_set(X)
            if labels is not None:
                return classes, labels, X.frame[list(X.targets)]
            names = np.array([*classes.labels, None], dtype=object)
            return classes, None, names[classes.codes]
        y = np.asarray(y) if isinstance(y, list | tuple) else y
        frames.container_of(X)
        if not hasattr(y, "__len__"):
            raise DataError("balance/container", where="y", type=type(y).__qualname__)
        frames.check_pairs(X, y)
        return *classes_or_labels(y), y

    def balance(self, data: Any, *, run: Run | None = None) -> Balanced:
        """Return a whole data set balanced by its column `target`, with the origin of every row.

        Parameters
        ----------
        data
            A pandas, polars or Arrow table comes back as it came; a `Table`, or what `read` takes (a file), as a `Table`;
            an `ImageSet`, or what `read` takes for pictures (a folder, an archive), as an `ImageSet`.

        Raises
        ------
        SynthproofError
            As `fit_resample` raises, ``balance/no-target``, ``balance/balanced-already`` (of a file), and what reading raises.
        """
        self._check()
        if is_image_source(data):
            return self._balance_pictures(data, quiet(run))
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
                table.schema.field(str(target))  # refuses the name with the nearest known one
        else:
            table = table.with_schema(with_target(table.schema, target))
            refuse_balanced(table)
        X = data if table is None else table.frame
        classes = classes_of(frames.column_values(frames.column_of(X, target)), where=target)
        known = table

        def whole() -> tuple[Table, str]:
            found = read_table(X) if known is None else known
            # a frame's column may be called by a number
            return found.with_schema(with_target(found.schema, str(target))), str(target)

        source = source_of(X, whole, drop="", canonical=known is not None)
        out, rows, _ = self._resample(X, classes, None, source, run=run)
        index = _index_of(X, rows[self.origin_ == "real"])
        out = out if index is None else frames.indexed(out, index, len(index))
        return self._balanced(out if known is None else known.with_frame(out.reset_index(drop=True)), classes)

    def _balance_pictures(self, data: Any, run: Run) -> Balanced:
        asked = tuple(self.target.split(",")) if self.target else ()
        images = read_images(data, How(targets=asked), run=run)
        refuse_balanced(images)
        images = with_targets(images, asked)
        classes, labels = classes_of_set(images)
        out, _, _ = self._resample(images, classes, labels, PictureSource(images), run=run)
        return self._balanced(out, classes, labels)

    def _balanced(self, data: Any, classes: Classes, labels: Labels | None = None) -> Balanced:
        return Balanced(
            data=marked(data, self.origin_),
            origin=self.origin_,
            source_rows=self.sample_indices_,
            facts=self._facts(data, classes, labels),
            notices=self.notices_,
        )

    def _resample(
        self, X: Any, classes: Classes, labels: Labels | None, source: Source, *, run: Run
    ) -> tuple[Any, IntArray, IntArray]:
        """Return the rows, each one's position in X (-1: made) and its class, and set what was learned."""
        strategy = strategy_name(self.strategy)
        self.seed_ = self._seed()
        how = Settings(
            ratio=self.ratio, cap_class=self.cap_class, cap_total=self.cap_total, least=self.least, small=self.small
        )
        wanted = wanted_rows(strategy, classes, labels, how, sizes=lambda: source.sizes(classes, labels))
        amounts = wanted.amounts
        kept = kept_rows(classes, amounts, self.seed_)
        again = repeated_rows(classes, amounts, self.seed_) if strategy == "duplicates" else kept[:0]
        rows = np.concatenate([kept, again])
        out = frames.taken(X, rows)
        origin = np.array(["real"] * len(kept) + ["duplicate"] * len(again), dtype=object)
        of_class = classes.codes[rows]
        empty: tuple[str, ...] = ()
        if makes_rows(strategy) and amounts.added.any():
            making = Making(
                strategy=strategy, generator=self.generator, params=self.params, augment=self.augment,
                neighbours=self.neighbours, seed=self.seed_, run=run,
            )  # fmt: skip
            made, of_made, mark, empty = made_rows(X, source, classes, labels, amounts, making)
            out = together(out, made)
            rows = np.concatenate([rows, np.full(len(of_made), -1, dtype=np.intp)])
            origin = np.concatenate([origin, np.full(len(of_made), mark, dtype=object)])
            of_class = np.concatenate([of_class, of_made])
        self._remember(classes, labels, rows, origin, of_class)
        told = told_amounts(strategy, self.before_, self.after_, classes.unlabelled, empty)
        modality = "image" if frames.of_pictures(X) else "table"
        self.notices_: tuple[Words, ...] = tuple(for_modality(w, modality) for w in (*wanted.notices, *told))
        return out, rows, of_class

    def _remember(
        self, classes: Classes, labels: Labels | None, rows: IntArray, origin: npt.NDArray[Any], of_class: IntArray
    ) -> None:
        self.sample_indices_, self.origin_ = rows, origin
        after = np.bincount(of_class[of_class >= 0], minlength=len(classes)).astype(np.intp)
        known = of_class >= 0
        if labels is not None:
            self.classes_ = np.array(labels.names, dtype=object)
            self.before_, self.after_ = labels.counts, labels.of_groups(after)
            sides = labels.weights(after)
            own: tuple[str, ...] = labels.names[: labels.n_own]
            self.class_weight_: dict[Any, Any] = {
                n: {0: float(s[0]), 1: float(s[1])} for n, s in zip(own, sides, strict=True)
            }
            on = labels.kinds[of_class, : labels.n_own].astype(np.intp)
            self.sample_weight_ = np.where(known[:, None], sides[np.arange(labels.n_own), on], 1.0)
            return
        self.classes_ = np.array(classes.labels, dtype=object)
        self.before_, self.after_ = classes.counts, after
        weight = self.after_.sum() / (len(classes) * np.maximum(self.after_, 1))
        self.class_weight_ = dict(zip(classes.labels, weight.tolist(), strict=True))
        self.sample_weight_ = np.where(known, weight[of_class], 1.0)

    def _generator(self, data: Any) -> str:
        if frames.of_pictures(data):
            return generator_name("synthetic", self.generator)
        return DEFAULT_GENERATOR if self.generator == "auto" else self.generator

    def _facts(self, data: Any, classes: Classes, labels: Labels | None) -> dict[str, Any]:
        marks = {o: int((self.origin_ == o).sum()) for o in ORIGINS}
        return {
            "target": self.target,
            "strategy": self.strategy,
            "generator": self._generator(data) if self.strategy == "synthetic" else None,
            "seed": self.seed_,
            "classes": len(self.classes_),
            # the names of labels are names of columns; classes are values of cells, and are not told
            **({} if labels is None else {"labels": list(labels.names)}),
            "before": self.before_.tolist(),
            "after": self.after_.tolist(),
            "rows": marks,
            "unlabelled": classes.unlabelled,
            "releasable": False,
            "class_weight": list(self.class_weight_.values()),
        }

    def _seed(self) -> int:
        given = self.random_state
        if isinstance(given, np.random.Generator):
            return int(given.integers(2**63))
        if isinstance(given, np.random.RandomState):
            return int(given.randint(2**63 - 1, dtype=np.int64))
        return fresh_seed() if given is None else int(given)

    def _see(self, X: Any) -> None:
        """Set what scikit-learn's pipelines ask their first step for."""
        if frames.of_pictures(X):
            return
        names = frames.column_names(X)
        self.n_features_in_ = len(names)
        if names and all(isinstance(n, str) for n in names):
            self.feature_names_in_ = np.array(names, dtype=object)
        else:
            self.__dict__.pop("feature_names_in_", None)  # of other columns, seen before

    def _check(self) -> None:
        strategy_name(self.strategy)
        check_choice(self, "small", self.small, ("refuse", "flag", "skip"))
        check_whole(self, "neighbours", self.neighbours, 1, 1000)
        check_whole(self, "least", self.least, 1, 10**9)
        if not isinstance(self.random_state, np.random.Generator | np.random.RandomState | None):
            check_whole(self, "random_state", self.random_state, -(2**63), 2**64)
        for name in ("cap_class", "cap_total"):
            if getattr(self, name) is not None:
                check_range(self, name, getattr(self, name), 0, 10**6)


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
