"""What can be done about a rare class, by name, and who makes the rows: a SMOTE family member or one of our generators."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
import pandas as pd

from synthproof.balance.classes import Classes
from synthproof.balance.interpolate import FAMILY, Interpolated
from synthproof.core.errors import ConfigError, NotFoundError, did_you_mean
from synthproof.core.registry import synthesizers
from synthproof.core.run import Run
from synthproof.core.schema import Field
from synthproof.core.words import Words
from synthproof.data.table.dataset import Table

Origin: TypeAlias = Literal["real", "duplicate", "augmentation", "synthetic"]
ORIGINS: tuple[Origin, ...] = ("real", "duplicate", "augmentation", "synthetic")

DEFAULT_GENERATOR = "table.autoregressive"
LEAST = 30
"""Fewest real rows of a class that a generator is to learn from."""

STRATEGIES: Mapping[str, Words] = {
    "none": Words(en="real rows alone", ko="실제 행만"),
    "weights": Words(en="class weights", ko="범주 가중치"),
    "duplicates": Words(en="duplicated real rows", ko="실제 행 복제"),
    "down": Words(en="common classes thinned", ko="다수 범주 축소"),
    "augmentation": Words(en="classical augmentation", ko="고전적 증강"),
    "smote": Words(en="SMOTE (mixed columns)", ko="SMOTE(혼합 열)"),
    "borderline": Words(en="Borderline-SMOTE", ko="Borderline-SMOTE"),
    "adasyn": Words(en="ADASYN", ko="ADASYN"),
    "synthetic": Words(en="synthetic rows", ko="합성 행"),
}


def strategy_name(strategy: Any) -> str:
    """Return a strategy's name, or that of a registered generator; anything else is refused with the nearest name.

    Raises
    ------
    NotFoundError
        ``registry/unknown-name``.
    """
    if isinstance(strategy, str) and (strategy in STRATEGIES or strategy in synthesizers.names()):
        return strategy
    known = [*STRATEGIES, *synthesizers.names()]
    hint = did_you_mean(str(strategy), known)
    kind = Words(en="strategy", ko="방법")
    raise NotFoundError("registry/unknown-name", kind=kind, name=strategy, hint=hint, known=", ".join(known))


def makes_rows(strategy: str) -> bool:
    """Whether a strategy makes rows that are not real ones, so that the caps hold."""
    return strategy not in ("none", "weights", "duplicates", "down")


def learns(strategy: str) -> bool:
    """Whether a strategy learns a generator, which a class of too few rows cannot teach."""
    return strategy == "synthetic" or strategy not in STRATEGIES


class Maker(Protocol):
    """Makes rows of a class. Image arms plug in here: a maker of another modality returns its own data set."""

    @property
    def origin(self) -> str:
        """What a row of it is marked as: ``"augmentation"`` or ``"synthetic"``."""
        ...

    @property
    def empty(self) -> tuple[str, ...]:
        """Columns that it leaves empty."""
        ...

    def make(self, c: int, n: int, /, *, seed: int, run: Run | None = None) -> Table:
        """Return n rows of class `c`, with the target set."""
        ...


class Generated:
    """Makes rows with a registered generator, learned once from all classes and asked for one class at a time.

    Parameters
    ----------
    table, target, classes
        Real rows, the column of their classes, and the classes.
    name, params
        Registry name and parameters of the generator.
    seed
        Of learning.

    Attributes
    ----------
    model
        The fitted generator.
    origin
        ``"synthetic"`` where its tags say that every value is drawn anew, else ``"augmentation"`` (`table.smote`).
    empty
        Columns that the generator does not draw (free text): missing in every made row. Known once rows were made.
    """

    def __init__(
        self,
        table: Table,
        target: str,
        classes: Classes,
        *,
        name: str = DEFAULT_GENERATOR,
        params: Mapping[str, Any] | None = None,
        seed: int,
        run: Run | None = None,
    ) -> None:
        kind = synthesizers.get(name)
        tags = kind.tags
        if tags.modality != "table":
            raise ConfigError(
                "params/out-of-range", owner="Balancer", name="strategy", value=name, allowed="a generator of tables"
            )
        given = dict(params or {})
        known = inspect.signature(kind).parameters
        if "random_state" in known:
            given.setdefault("random_state", seed)
        if "row_wise" in known and table.schema.unit_field is not None:
            given.setdefault("row_wise", True)
        if "target" in known and not table.schema.with_role("target"):
            given.setdefault("target", target)
        self.origin = "synthetic" if tags.releasable and tags.irreversible and tags.full_synthesis else "augmentation"
        self.table, self.target, self.classes = table, target, classes
        self.empty: tuple[str, ...] = ()
        self.model = synthesizers.make(name, **given).fit(table, run=run)

    def make(self, c: int, n: int, /, *, seed: int, run: Run | None = None) -> Table:
        """Return n rows of a class, drawn under the condition that they are of it."""
        first = self.classes.rows(c)[:1]
        field = self.table.schema.field(self.target)
        cell = self.table.frame[self.target].iloc[int(first[0])]
        drawn: Table = self.model.sample(n, where={self.target: _asked(field, cell)}, seed=seed, run=run)
        names, real = list(self.table.schema.names), self.table.frame
        frame = drawn.frame.head(n).reset_index(drop=True)
        # no generator of tables writes free text: such a cell stays empty rather than being a real row's
        self.empty = tuple(name for name in names if name not in frame.columns)
        none = {name: pd.Series(pd.NA, index=frame.index, dtype=real[name].dtype) for name in self.empty}
        same = real[self.target].take(np.repeat(first, len(frame))).reset_index(drop=True)
        return self.table.with_frame(frame.assign(**{**none, self.target: same}).loc[:, names])


def maker_of(
    strategy: str,
    table: Table,
    target: str,
    classes: Classes,
    *,
    generator: str = DEFAULT_GENERATOR,
    params: Mapping[str, Any] | None = None,
    neighbours: int = 5,
    seed: int,
    run: Run | None = None,
) -> Maker:
    """Return what makes rows under a strategy: fitted, where it has something to learn.

    Parameters
    ----------
    strategy
        A member of the SMOTE family, ``"synthetic"`` or the name of a generator.
    generator, params
        The generator of ``"synthetic"``, and parameters of either.
    """
    if strategy in FAMILY:
        return Interpolated(table, target, classes, strategy=strategy, neighbours=neighbours)
    name = generator if strategy == "synthetic" else strategy
    return Generated(table, target, classes, name=name, params=params, seed=seed, run=run)


def _asked(field: Field, cell: Any) -> Any:
    """Return a canonical cell as a condition takes it."""
    if field.kind == "boolean":
        return bool(cell)
    return str(cell) if field.levelled else cell


__all__ = [
    "DEFAULT_GENERATOR",
    "LEAST",
    "ORIGINS",
    "STRATEGIES",
    "Generated",
    "Maker",
    "Origin",
    "learns",
    "maker_of",
    "makes_rows",
    "strategy_name",
]
