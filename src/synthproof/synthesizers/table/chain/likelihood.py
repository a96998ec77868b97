"""How likely whole rows are under a chain."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from synthproof.engines.threads import one_blas_thread
from synthproof.synthesizers.table.chain.model import Chain

FloatArray = npt.NDArray[np.float64]


@one_blas_thread()
def log_prob_of(chain: Chain, values: Mapping[str, FloatArray], rows_learned: int) -> dict[str, FloatArray]:
    """Return each column's log-likelihood given the columns before it, nats, shape (n,) each.

    Probabilities of levels, shared numbers and missing values; densities per lattice step elsewhere (per thousandth of
    the range where a network gives a column without lattice). With several networks, their mixture, column by column
    weighted by how well each did before. What a model holds for impossible counts as if seen half a time.

    Parameters
    ----------
    values
        Columns as numbers or codes of levels (NaN missing).
    rows_learned
        Number of rows learned.
    """
    codes = chain.encode(values)
    floor = np.log(0.5 / (rows_learned + 0.5))
    per_net = [net.losses(net.placed(codes)).astype(np.float64) for net in chain.nets]
    before = np.zeros((len(per_net), len(codes)))
    out: dict[str, FloatArray] = {}
    for i, column in enumerate(chain.columns):
        x = values[column.name]
        stage = chain.stages.get(column.name)
        if stage is not None:
            earlier = {c.name: values[c.name] for c in chain.columns[:i]}
            found = stage.log_prob(earlier, x)
        else:
            a, b = chain.span(column.name)
            each = np.stack([-loss[:, a:b].sum(axis=1) for loss in per_net])
            weight = np.exp(before - before.max(axis=0))
            found = np.log((weight * np.exp(each)).sum(axis=0) / weight.sum(axis=0))
            found = np.where(codes[:, a] < 0, -np.inf, found) + column.bins.within(x)
            before += each
        out[column.name] = np.maximum(found, floor * _depth(column.bins.grid is not None))
    return out


def _depth(numeric: bool) -> float:
    """A number's density per lattice step may rightly be far below one in all rows: its floor lies lower."""
    return 4.0 if numeric else 1.0
