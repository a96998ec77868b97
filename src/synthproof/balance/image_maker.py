"""Who makes pictures of a class: one of our generators, or classical augmentation, learned from real pictures alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthproof.balance.classes import Classes
from synthproof.balance.interpolate import FAMILY
from synthproof.balance.pictures import Learnable, no_pictures
from synthproof.core.errors import ConfigError
from synthproof.core.random import derive
from synthproof.core.registry import synthesizers
from synthproof.core.run import Run
from synthproof.data.image.dataset import ImageSet
from synthproof.data.table.dataset import Table

IntArray = npt.NDArray[np.intp]
AUGMENT = "image.augment"
DEFAULT_PICTURES = "image.flow"


class Pictured:
    """Makes pictures with a registered generator, learned once from all classes and asked for one class at a time.

    Parameters
    ----------
    source
        Real pictures under the labels that are balanced.
    name, params
        Registry name and parameters of the generator.
    few
        Persons (pictures) of the smallest class that is to grow: a generator that leaves out smaller classes is told so.
    seed
        Of learning.

    Attributes
    ----------
    model
        The fitted generator.
    origin
        ``"synthetic"`` where its tags say that every pixel is drawn anew, else ``"augmentation"``.

    Raises
    ------
    ConfigError
        ``balance/not-for-pictures``, ``params/out-of-range`` for a generator of tables.
    """

    def __init__(
        self,
        source: Learnable,
        *,
        name: str,
        params: Mapping[str, Any] | None = None,
        few: int = 0,
        seed: int,
        run: Run | None = None,
    ) -> None:
        kind = synthesizers.get(name)
        tags = kind.tags
        if tags.modality != "image":
            raise ConfigError(
                "params/out-of-range", owner="Balancer", name="strategy", value=name, allowed="a generator of pictures"
            )
        given, known = dict(params or {}), kind.param_names()
        if few and "min_class" in known and "min_class" not in given:
            made = synthesizers.make(name, **given)
            given["min_class"] = max(1, min(int(made.min_class), few))
        given.setdefault("random_state", derive(seed, name))
        self.origin = "synthetic" if tags.releasable and tags.irreversible and tags.full_synthesis else "augmentation"
        self.source = source
        self.model = synthesizers.make(name, **given).fit(source.images, run=run)

    def make(self, c: int, n: int, /, *, seed: int, run: Run | None = None) -> ImageSet:
        """Return n pictures of a class, drawn under the condition that they are of it.

        A picture moved from a real one keeps its person and what else is known of it.
        """
        where = self.source.conditions[c]
        drawn: ImageSet = self.model.sample(n, where=where, seed=seed, run=run)
        if not hasattr(self.model, "source_rows"):
            return drawn
        rows = self.model.source_rows(n, where=where, seed=seed)
        return moved_from(self.source.images.take_rows(rows), drawn)


def moved_from(real: ImageSet, drawn: ImageSet) -> ImageSet:
    """Return drawn pictures under the whole label rows of the real ones that they were moved from."""
    schema = replace(real.schema, modality="table")
    table = Table(real.frame.reset_index(drop=True), schema, origin=drawn.origin)
    return ImageSet(table, drawn.store, drawn.chain, at=drawn.at)


def generator_name(strategy: str, generator: str) -> str:
    """Return the registry name of what makes pictures under a strategy.

    Raises
    ------
    ConfigError
        ``balance/not-for-pictures`` for the SMOTE family.
    """
    if strategy in FAMILY:
        raise no_pictures(strategy)
    if strategy == "augmentation":
        return AUGMENT
    if strategy != "synthetic":
        return strategy
    return DEFAULT_PICTURES if generator == "auto" else generator


def units_of(images: ImageSet, classes: Classes) -> IntArray:
    """Return how many persons (pictures, where persons are not known) each class has, shape (n_classes,)."""
    found = pd.DataFrame({"class": classes.codes, "unit": images.unit_of_row}).drop_duplicates()["class"].to_numpy()
    return np.bincount(found[found >= 0], minlength=len(classes)).astype(np.intp)


__all__ = ["AUGMENT", "DEFAULT_PICTURES", "Pictured", "generator_name", "moved_from", "units_of"]
