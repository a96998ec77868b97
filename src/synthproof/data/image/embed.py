"""Pictures as points: principal components of pixels, learned from train alone, no networks."""

from __future__ import annotations

from typing import Self

import numpy as np
import numpy.typing as npt

from synthproof.data.image.dataset import ImageSet

FloatArray = npt.NDArray[np.float64]
COMPONENTS = 50
_SAMPLE = 4_096
_SIDE = 32


class PixelEmbedder:
    """The first 50 principal components of pixels at 32 px at most, whitened by nothing: distances are pixels' own.

    A unit with several pictures stands by its first, for a synthetic unit has one.

    Notes
    -----
    Fit: a singular value decomposition of 4,096 pictures at most; transform: one pass, 256 pictures at a time.
    """

    def fit(self, train: ImageSet) -> Self:
        """Learn mean and components. At most 4,096 pictures, evenly spread, are looked at."""
        rows = train.first_rows()
        some = rows[:: max(1, -(-len(rows) // _SAMPLE))]
        flat = _flat(train, some)
        self.mean_ = flat.mean(axis=0)
        # numpy's own SVD: the same on every machine up to rounding, and small enough here
        _, _, axes = np.linalg.svd(flat - self.mean_, full_matrices=False)
        self.axes_ = axes[: min(COMPONENTS, len(axes))].T
        return self

    def transform(self, data: ImageSet, /) -> FloatArray:
        """Return an array of shape (n_units, at most 50)."""
        rows = data.first_rows()
        parts = [(_flat(data, rows[i : i + 256]) - self.mean_) @ self.axes_ for i in range(0, len(rows), 256)]
        return np.concatenate(parts) if parts else np.empty((0, self.axes_.shape[1]))


def _flat(data: ImageSet, rows: npt.NDArray[np.intp]) -> FloatArray:
    values = data.values(rows)
    k = max(1, data.chain.side // _SIDE)
    if k > 1:
        side = values.shape[2] // k * k
        values = (
            values[:, :, :side, :side].reshape(len(values), values.shape[1], side // k, k, side // k, k).mean((3, 5))
        )
    return values.reshape(len(values), -1).astype(np.float64)


__all__ = ["COMPONENTS", "PixelEmbedder"]
