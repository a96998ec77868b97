"""A column's bins written as one code, or as a coarse and a fine one, so that a network needs few outputs per column.

512 bins of a number are 23 coarse codes and 23 fine ones. Bins of one coarse code are neighbours, so that a network
that knows little yet still puts a value in the right region.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from synthproof.core.schema import Field
from synthproof.synthesizers.table.columns.bins import UNKNOWN, Bins, bins_of
from synthproof.synthesizers.table.columns.model import ColumnModel

FloatArray = npt.NDArray[np.float64]
CodeArray = npt.NDArray[np.int32]
IntArray = npt.NDArray[np.intp]

_SINGLE = 40  # up to so many bins are one code


@dataclass(frozen=True, slots=True)
class Digits:
    """One column as codes.

    Parameters
    ----------
    bins
        Its bins.
    first
        First bin of each coarse code, shape (coarse codes + 1,); every bin its own where there is one position only.
    """

    bins: Bins
    first: IntArray

    @property
    def name(self) -> str:
        """The column."""
        return self.bins.name

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of codes of each position: one, or coarse and fine."""
        widest = int(np.diff(self.first).max(initial=1))
        return (len(self.first) - 1,) if widest == 1 else (len(self.first) - 1, widest)

    @property
    def mass(self) -> FloatArray:
        """Weight of each bin in the learned rows, shape (bins,)."""
        return self.bins.pieces.mass

    def encode(self, values: FloatArray) -> CodeArray:
        """Return codes of values (numbers or codes of levels, NaN missing), shape (n, positions), -1 unknown.

        A value outside of all bins takes the nearest one; a level that was never seen, and a missing value where none
        was missing, is unknown.
        """
        found = self.bins.code(values)
        if self.bins.grid is not None:
            lost = np.flatnonzero((found == UNKNOWN) & ~np.isnan(values))
            if len(lost):
                found[lost] = self._nearest(values[lost])
        return self.split(found)

    def split(self, bins: IntArray) -> CodeArray:
        """Return the codes of bins, shape (n, positions)."""
        if len(self.sizes) == 1:
            return bins.astype(np.int32)[:, None]
        coarse = np.searchsorted(self.first, bins, side="right") - 1
        fine = bins - self.first[np.maximum(coarse, 0)]
        gone = bins < 0
        return np.stack([np.where(gone, -1, coarse), np.where(gone, -1, fine)], axis=1).astype(np.int32)

    def join(self, coarse: CodeArray, fine: CodeArray | None) -> IntArray:
        """Return the bins of codes."""
        if fine is None:
            return coarse.astype(np.intp)
        return np.asarray(np.minimum(self.first[coarse] + fine, self.first[coarse + 1] - 1), dtype=np.intp)

    def coarse_share(self, share: FloatArray) -> FloatArray:
        """Return the share of each coarse code that is left when each bin keeps a share, shape (…, coarse codes)."""
        if len(self.sizes) == 1:
            return share
        kept = np.add.reduceat(share * self.mass, self.first[:-1], axis=-1)
        return np.asarray(kept / np.add.reduceat(self.mass, self.first[:-1]))

    def fine_share(self, share: FloatArray, coarse: CodeArray) -> FloatArray:
        """Return the share of each fine code of each row's coarse code, shape (n, fine codes); 0 past its last bin."""
        offset = np.arange(self.sizes[1])
        at = self.first[coarse][:, None] + offset
        inside = at < self.first[coarse + 1][:, None]
        at = np.where(inside, at, 0)
        picked = share[at] if share.ndim == 1 else np.take_along_axis(share, at, axis=1)
        return np.where(inside, picked, 0.0)

    def _nearest(self, values: FloatArray) -> IntArray:
        pieces = self.bins.pieces
        low = pieces.low[~np.isnan(pieces.low)]
        if not len(low):
            return np.full(len(values), UNKNOWN, dtype=np.intp)
        high = pieces.high[: len(low)]
        right = np.clip(np.searchsorted(low, values), 0, len(low) - 1)
        left = np.maximum(right - 1, 0)
        piece = np.where(np.abs(values - high[left]) <= np.abs(low[right] - values), left, right)
        return (np.searchsorted(pieces.start, piece, side="right") - 1).astype(np.intp)

    def get_state(self) -> dict[str, Any]:
        """Return plain values."""
        return {"bins": self.bins.get_state(), "first": self.first.astype(np.int64)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Take back what `get_state` returned."""
        return cls(Bins.from_state(state["bins"]), state["first"].astype(np.intp))


def digits_of(f: Field, model: ColumnModel, *, bins: int) -> Digits:
    """Return a column's digits.

    Parameters
    ----------
    model
        The column's distribution.
    bins
        About how many bins a numeric column gets; levels and shared numbers are bins of their own.
    """
    made = bins_of(f.name, model, bins=bins, groups=max(1, bins // 8), levels=1_000_000)
    count = made.count
    if count <= _SINGLE:
        return Digits(made, np.arange(count + 1, dtype=np.intp))
    weight = made.pieces.mass / made.pieces.mass.sum() + 1 / count
    groups = int(np.ceil(np.sqrt(count)))
    place = (np.cumsum(weight) - weight / 2) / weight.sum() * groups
    block = np.minimum(place.astype(np.intp), groups - 1)
    fresh = np.append(True, np.diff(block) > 0)
    if np.isnan(made.pieces.low[-1]):
        fresh[-1] = True  # missing stands alone
    return Digits(made, np.append(np.flatnonzero(fresh), count).astype(np.intp))
