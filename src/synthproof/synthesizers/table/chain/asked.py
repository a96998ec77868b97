"""Whether conditions can be met: estimated before anything is drawn, and refused with the estimate."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from synthproof.core.random import stream
from synthproof.engines.threads import one_blas_thread
from synthproof.synthesizers.table.chain.column import Wanted
from synthproof.synthesizers.table.chain.digits import Digits
from synthproof.synthesizers.table.chain.drawing import settle_conditions
from synthproof.synthesizers.table.chain.model import Chain
from synthproof.synthesizers.table.columns.conditions import impossible
from synthproof.synthesizers.table.rules.book import Book

FloatArray = npt.NDArray[np.float64]

_PILOT = 1024
_EXPECTED = 0.5  # rows like these that the learned table should have had
_RARE = 5e-4  # what a network gives to what never occurs is of this size
_LIFT = 0.02  # of what independent columns would give


@one_blas_thread()
def probability_of(chain: Chain, book: Book, wanted: Mapping[str, Wanted]) -> dict[str, float]:
    """Return for each condition, in the chain's order, the estimated probability that it and those before it are met.

    From 1,024 drafts of the chain. A condition on an exact number of a continuous column counts with the probability of
    the bin that the number lies in.
    """
    at = np.arange(_PILOT, dtype=np.intp)

    def dice(column: Digits, purpose: str = "pilot") -> FloatArray:
        return stream(0, f"{purpose}/{column.name}").random((_PILOT, 8))

    return settle_conditions(chain, book, wanted, {}, dice, stream(0, "pilot"), at)[1]


def refuse_impossible(chain: Chain, book: Book, wanted: Mapping[str, Wanted], rows: int) -> None:
    """Refuse conditions that contradict what was learned.

    Refused is what should have occurred less than half a time in the learned rows, or once in 2,000, *and* is fifty times
    rarer than if the columns had nothing to do with each other: many exact values at once are rare, but no contradiction.

    Parameters
    ----------
    rows
        Number of rows learned.

    Raises
    ------
    ConditionError
        ``condition/impossible`` with the estimated probability, for the first condition that cannot be met.
    """
    if not wanted:
        return
    for name, one in wanted.items():
        if not (one.share > 0).any():
            raise impossible(name, 0.0, tuple(wanted))
    alone = 1.0
    for name, together in probability_of(chain, book, wanted).items():
        column = next(c for c in chain.columns if c.name == name)
        mass = column.mass
        alone *= float((wanted[name].share * mass).sum() / mass.sum())
        rare = together < max(_EXPECTED / rows, _RARE)
        if together <= 0 or (rare and together < _LIFT * alone):
            raise impossible(name, together, tuple(wanted))
