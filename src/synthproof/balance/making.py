"""Made rows in the container that the real ones came in: rows of tables, and pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthproof.balance import frames
from synthproof.balance.amounts import Amounts
from synthproof.balance.arms import DEFAULT_GENERATOR, learns, maker_of
from synthproof.balance.classes import Classes
from synthproof.balance.image_maker import Pictured, generator_name, units_of
from synthproof.balance.labels import Labels
from synthproof.balance.pictures import Squares, joined, learnable, plain_set
from synthproof.balance.rows import repeated_rows
from synthproof.core.errors import ConfigError, DataError
from synthproof.core.random import derive
from synthproof.core.run import Run
from synthproof.data.image.dataset import ImageSet
from synthproof.data.table.dataset import Table

IntArray = npt.NDArray[np.intp]
Augment: TypeAlias = Callable[[Any, int], Any]
Made: TypeAlias = tuple[Any, IntArray, str, tuple[str, ...]]
"""Rows, the class (combination) of each, what they are marked as, and the columns that are empty in all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """How rows are made: the balancer's parameters of the same names, its seed and its run."""

    strategy: str
    generator: str
    params: Mapping[str, Any] | None
    augment: Augment | None
    neighbours: int
    seed: int
    run: Run


class Source(Protocol):
    """Real rows that others are made from."""

    def sizes(self, classes: Classes, labels: Labels | None) -> IntArray:
        """Return the persons of each class (of each label)."""
        ...

    def made(self, classes: Classes, labels: Labels | None, amounts: Amounts, how: Making) -> Made:
        """Return the rows that are to be added."""
        ...


@dataclass(frozen=True, slots=True)
class TableSource:
    """Rows of a table.

    Parameters
    ----------
    whole
        Reads the table with its target; called only where something is made.
    drop
        Column of the labels that the given rows do not have; empty: they have it.
    canonical
        Whether made rows stay canonical columns rather than the user's types.
    """

    whole: Callable[[], tuple[Table, str]]
    drop: str = ""
    canonical: bool = False

    def sizes(self, classes: Classes, labels: Labels | None) -> IntArray:
        """Return the rows of each class: a row of a table is what a generator of tables learns from."""
        return classes.counts if labels is None else labels.counts

    def made(self, classes: Classes, labels: Labels | None, amounts: Amounts, how: Making) -> Made:
        """Return rows of a SMOTE family member or a generator of tables.

        Raises
        ------
        ConfigError
            ``balance/several-labels``: rows of a table are made for one class a row.
        """
        if labels is not None:
            raise ConfigError("balance/several-labels", strategy=how.strategy, n=labels.n_own)
        table, target = self.whole()
        generator = DEFAULT_GENERATOR if how.generator == "auto" else how.generator
        maker = maker_of(
            how.strategy, table, target, classes,
            generator=generator, params=how.params, neighbours=how.neighbours,
            seed=derive(how.seed, "balance/learn"), run=how.run,
        )  # fmt: skip
        parts, of_class = [], []
        for c in how.run.each([int(c) for c in np.flatnonzero(amounts.added)], "balance"):
            part = maker.make(c, int(amounts.added[c]), seed=derive(how.seed, f"balance/draw/{c}"), run=how.run)
            parts.append(part.frame)
            of_class.append(np.full(part.n_rows, c, dtype=np.intp))
        made = table.with_frame(pd.concat(parts, ignore_index=True))
        made = made.without(self.drop) if self.drop else made
        return made.frame if self.canonical else made.to_native(), np.concatenate(of_class), maker.origin, maker.empty


@dataclass(frozen=True, slots=True)
class PictureSource:
    """Pictures: a set of them, or an array of shape (n, h, w) or (n, h, w, channels)."""

    pictures: Any

    def sizes(self, classes: Classes, labels: Labels | None) -> IntArray:
        """Return the persons of each class (of each label); pictures, where persons are not known."""
        if not isinstance(self.pictures, ImageSet):
            return classes.counts if labels is None else labels.counts
        if labels is None:
            return units_of(self.pictures, classes)
        unit, known = self.pictures.unit_of_row, classes.codes >= 0
        on = labels.kinds[classes.codes[known]]
        return np.array([len(np.unique(unit[known][on[:, k]])) for k in range(len(labels))], dtype=np.intp)

    def made(self, classes: Classes, labels: Labels | None, amounts: Amounts, how: Making) -> Made:
        """Return pictures of a generator, or real ones moved a little.

        Raises
        ------
        ConfigError, DataError
            ``balance/not-for-pictures``, ``balance/picture-shape``, ``balance/picture-values``, and what the generator
            raises.
        """
        name = generator_name(how.strategy, how.generator)
        way = None if isinstance(self.pictures, ImageSet) else Squares.of(self.pictures)
        images: ImageSet = self.pictures if way is None else plain_set(self.pictures, way)
        source = learnable(images, classes, labels, _free_column(images))
        few = 0
        if labels is None and learns(how.strategy):
            few = int(units_of(images, classes)[amounts.added > 0].min())
        maker = Pictured(
            source, name=name, params=how.params, few=few, seed=derive(how.seed, "balance/learn"), run=how.run
        )
        parts, of_class = [], []
        for c in how.run.each([int(c) for c in np.flatnonzero(amounts.added)], "balance"):
            n = int(amounts.added[c])
            parts.append(maker.make(c, n, seed=derive(how.seed, f"balance/draw/{c}"), run=how.run))
            of_class.append(np.full(n, c, dtype=np.intp))
        out = Drawn(tuple(parts)) if way is None else way.decode(np.concatenate([p.pixels() for p in parts]))
        return out, np.concatenate(of_class), maker.origin, ()


@dataclass(frozen=True, slots=True)
class Drawn:
    """Made pictures of several classes, not yet put behind the real ones."""

    parts: tuple[ImageSet, ...]


def source_of(data: Any, table: Callable[[], tuple[Table, str]], *, drop: str, canonical: bool = False) -> Source:
    """Return real rows as what others are made from: pictures, or the rows of a table."""
    if frames.of_pictures(data):
        return PictureSource(data)
    return TableSource(table, drop, canonical)


def made_rows(
    data: Any, source: Source, classes: Classes, labels: Labels | None, amounts: Amounts, how: Making
) -> Made:
    """Return the rows that a strategy makes.

    Raises
    ------
    ConfigError
        ``balance/no-augmenter`` for classical augmentation of a table without a function that does it.
    DataError
        ``balance/lengths-differ`` where that function returns another number of rows.
    """
    if how.strategy != "augmentation" or (how.augment is None and isinstance(source, PictureSource)):
        return source.made(classes, labels, amounts, how)
    if how.augment is None:
        raise ConfigError("balance/no-augmenter")
    again = repeated_rows(classes, amounts, how.seed)
    made = how.augment(frames.taken(data, again), derive(how.seed, "balance/augment"))
    if frames.n_rows(made) != len(again):
        raise DataError("balance/lengths-differ", rows=frames.n_rows(made), labels=len(again))
    made = np.asarray(made) if isinstance(data, np.ndarray) else made
    return made, classes.codes[again], "augmentation", ()


def together(real: Any, made: Any) -> Any:
    """Return real rows and then made ones, in the container of the real ones."""
    if isinstance(real, ImageSet):
        return joined(real, made.parts if isinstance(made, Drawn) else (made,))
    return frames.appended(real, made)


def _free_column(images: ImageSet) -> str:
    name = "class_of_row"
    while any(n.startswith(name) for n in images.schema.names):
        name += "_"
    return name


__all__ = ["Augment", "Drawn", "Made", "Making", "PictureSource", "Source", "TableSource", "made_rows", "source_of"]
__all__ += ["together"]
