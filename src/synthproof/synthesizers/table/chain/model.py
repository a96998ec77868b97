"""The learned chain: columns in order, networks on their codes, and trees on values for columns that hang on values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from synthproof.engines.nets.network import CodeArray, Network
from synthproof.synthesizers.table.chain.digits import Digits
from synthproof.synthesizers.table.chain.ratio import Ratio
from synthproof.synthesizers.table.chain.value_stage import ValueStage
from synthproof.synthesizers.table.columns.grid import Grid

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Chain:
    """A fitted chain of columns.

    Parameters
    ----------
    columns
        The columns in drawing order.
    nets
        Networks that give each column from those before it; a row takes one of them, which is their mixture.
    informed
        A chain that was taught to heed columns given beforehand, wherever they stand.
    stages
        Columns that are drawn by trees on the raw values before them instead, where that was harder to tell from
        held-out rows.
    ratio
        What chooses among several drafts of a row; ``None``: the first one is taken.
    drafts
        How many drafts are made where something chooses among them.
    """

    columns: tuple[Digits, ...]
    nets: tuple[Network, ...]
    informed: Network
    stages: Mapping[str, ValueStage] = field(default_factory=dict)
    ratio: Ratio | None = None
    drafts: int = 6
    _span: Mapping[str, tuple[int, int]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        spans: dict[str, tuple[int, int]] = {}
        first = 0
        for column in self.columns:
            spans[column.name] = (first, first + len(column.sizes))
            first += len(column.sizes)
        object.__setattr__(self, "_span", spans)

    @property
    def order(self) -> tuple[str, ...]:
        """Names of the columns in drawing order."""
        return tuple(c.name for c in self.columns)

    @property
    def grids(self) -> dict[str, Grid]:
        """Lattice of each numeric column."""
        return {c.name: c.bins.grid for c in self.columns if c.bins.grid is not None}

    def span(self, name: str) -> tuple[int, int]:
        """Return the first position of a column and the first one after it."""
        return self._span[name]

    def encode(self, values: Mapping[str, FloatArray]) -> CodeArray:
        """Return the codes of whole rows, shape (n, positions), -1 unknown."""
        return np.concatenate([c.encode(values[c.name]) for c in self.columns], axis=1)

    def get_state(self) -> dict[str, Any]:
        """Return plain values and arrays."""
        return {
            "columns": [c.get_state() for c in self.columns],
            "nets": [n.get_state() for n in self.nets],
            "informed": self.informed.get_state(),
            "stages": [stage.get_state() for stage in self.stages.values()],
            "ratio": None if self.ratio is None else self.ratio.get_state(),
            "drafts": self.drafts,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Take back what `get_state` returned."""
        return cls(
            tuple(Digits.from_state(s) for s in state["columns"]),
            tuple(Network.from_state(s) for s in state["nets"]),
            Network.from_state(state["informed"]),
            {s["name"]: ValueStage.from_state(s) for s in state["stages"]},
            None if state["ratio"] is None else Ratio.from_state(state["ratio"]),
            int(state["drafts"]),
        )
