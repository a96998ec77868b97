"""How much likelier a whole row is in the learned table than among the chain's own draws, told by boosted trees.

A chain is right column by column and can still be wrong about rows: small errors of many columns add up. Trees that tell
learned rows from drawn ones see what adds up; their odds are the ratio of both densities (Sugiyama, Suzuki & Kanamori 2012,
doi:10.1017/CBO9781139035613). Of several drafts of a row, one is then taken in proportion to it: sampling-importance-
resampling (Rubin 1987, doi:10.2307/2289460) with a learned ratio (Grover et al. 2019, arXiv:1906.09531). Every draft is the
chain's own, so nothing is handed out that the chain would not draw.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from synthproof.synthesizers.table.chain.telling import Teller

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Ratio:
    """A fitted ratio.

    Parameters
    ----------
    teller
        Odds of learned against drawn rows.
    base
        Their log-odds by number alone.
    gain
        Nats by which held-out rows were told better than by number alone.
    """

    teller: Teller
    base: float
    gain: float

    def log(self, rows: Mapping[str, FloatArray]) -> FloatArray:
        """Return the logarithm of the ratio for whole rows, shape (n,). Cost O(n · trees)."""
        return self.teller.log_odds(rows) - self.base

    def get_state(self) -> dict[str, Any]:
        """Return plain values and arrays."""
        return {"teller": self.teller.get_state(), "base": self.base, "gain": self.gain}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Take back what `get_state` returned."""
        return cls(Teller.from_state(state["teller"]), float(state["base"]), float(state["gain"]))
