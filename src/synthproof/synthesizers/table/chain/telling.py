"""Telling two lots of rows apart by boosted trees: learned rows from drawn ones, by all columns together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from synthproof.core.schema import Field
from synthproof.synthesizers.table.chain.value_boosting import Boosted, Settings, cut_features
from synthproof.synthesizers.table.chain.value_stage import Feature

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Teller:
    """Trees that tell two lots of rows apart, and how they see a row.

    Parameters
    ----------
    features
        Columns as the trees see them.
    trees
        Odds of the first lot against the second.
    """

    features: tuple[Feature, ...]
    trees: Boosted

    @classmethod
    def learn(
        cls,
        rows: Mapping[str, FloatArray],
        first: BoolArray,
        aside: BoolArray,
        fields: Mapping[str, Field],
        order: Sequence[str],
        settings: Settings,
        rng: np.random.Generator,
    ) -> Self:
        """Return trees for whether a row is of the first lot.

        Parameters
        ----------
        rows
            Both lots' columns as numbers or codes of levels, NaN missing.
        first
            Which rows are of the first lot.
        aside
            Which rows only decide when to stop.

        Notes
        -----
        Cost O(rounds · rows · columns).
        """
        outcome = np.where(aside, np.nan, first)
        features = tuple(Feature.learn(name, rows[name], fields[name], outcome) for name in order)
        bins, edges, start = cut_features([f.of(rows[f.name]) for f in features], len(first), settings.bins)
        return cls(features, Boosted.learn_bins(bins, edges, start, first, aside, settings, rng))

    def log_odds(self, rows: Mapping[str, FloatArray]) -> FloatArray:
        """Return log-odds of the first lot for whole rows, shape (n,). Cost O(n · trees)."""
        return self.trees.log_odds(np.stack([f.of(rows[f.name]) for f in self.features], axis=1))

    def get_state(self) -> dict[str, Any]:
        """Return plain values and arrays."""
        features = [{"name": f.name, "place": f.place} for f in self.features]
        return {"features": features, "trees": self.trees.get_state()}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Take back what `get_state` returned."""
        return cls(tuple(Feature(**f) for f in state["features"]), Boosted.from_state(state["trees"]))
