"""Seeds of a study that are done already: scores alone, kept step by step, so that a long study goes on where it stopped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from synthproof.balance.scores import SCORES, Score
from synthproof.core.files import whole_file
from synthproof.core.fingerprint import digest_json

FloatArray = npt.NDArray[np.float64]
Scored: TypeAlias = tuple[Mapping[Score, FloatArray], Mapping[Score, FloatArray]]
"""Scores on the whole test part, (1, n_classes), and on each bootstrap replicate, (repeats, n_classes)."""


class KeptSeeds:
    """A folder with one file a finished seed.

    Parameters
    ----------
    folder
        Where the files lie; ``None``: nothing is kept.
    study
        Everything that decides the scores (data, split, generator, learner, arms): a file of another study is not read.
    """

    def __init__(self, folder: Path | None, study: Mapping[str, Any]) -> None:
        self.folder = folder
        self.name = digest_json(study).partition(":")[2][:12]

    def path(self, s: int) -> Path | None:
        """Return the file of a seed."""
        return None if self.folder is None else self.folder / f"seed-{self.name}-{s}.npz"

    def read(self, s: int, arms: Sequence[str]) -> dict[str, Scored] | None:
        """Return the scores of each arm under a seed; ``None`` where they are not kept whole."""
        path = self.path(s)
        if path is None or not path.is_file():
            return None
        try:
            with np.load(path, allow_pickle=False) as kept:
                return {
                    a: ({k: kept[f"{a}/whole/{k}"] for k in SCORES}, {k: kept[f"{a}/draws/{k}"] for k in SCORES})
                    for a in arms
                }
        except (OSError, ValueError, KeyError):
            return None  # damaged, or of other arms: it is measured again

    def write(self, s: int, found: Mapping[str, Scored]) -> None:
        """Keep the scores of a seed, whole or not at all."""
        path = self.path(s)
        if path is None:
            return
        arrays = {
            f"{arm}/{part}/{score}": values
            for arm, (whole, draws) in found.items()
            for part, scores in (("whole", whole), ("draws", draws))
            for score, values in scores.items()
        }
        with whole_file(path) as part_file, part_file.open("wb") as handle:
            np.savez_compressed(handle, allow_pickle=False, **arrays)

    def clear(self, seeds: int) -> None:
        """Remove what was kept: the record holds it now."""
        for s in range(seeds):
            path = self.path(s)
            if path is not None:
                path.unlink(missing_ok=True)


__all__ = ["KeptSeeds", "Scored"]
