"""Real tables as sources of known and unknown persons, for the trial of the verdict: `synthproof.testing.leaks.Source`."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

import synthproof
from synthproof.core.random import stream
from synthproof.core.schema import Purpose
from synthproof.data.table.dataset import Table

sys.path.insert(0, str(Path(__file__).parent / "tables"))

PURPOSES = {
    "adult": Purpose(
        quasi_identifiers=("age", "sex", "race", "marital_status", "native_country"),
        sensitive=("occupation",),
        targets=("income",),
    ),
    "support2_emr": Purpose(
        quasi_identifiers=("age", "sex", "race", "edu"), sensitive=("dzgroup",), targets=("death",)
    ),
    "heart_disease": Purpose(quasi_identifiers=("age", "sex", "site"), sensitive=("num",), targets=("num",)),
    "korean_health_exam": Purpose(
        quasi_identifiers=("age", "height(cm)", "weight(kg)"), sensitive=("smoking",), targets=("smoking",)
    ),
}


@dataclass(frozen=True, slots=True)
class RealSource:
    """A real table, cut anew for every seed; fewer units come back where there are not as many."""

    name: str

    @property
    def purpose(self) -> Purpose:
        """K, T and target of the table."""
        return PURPOSES[self.name]

    def parts(self, n_train: int, n_holdout: int, seed: int) -> tuple[Table, Table, Table]:
        """Return train, holdout and as many further units as train has, all of different rows."""
        table = _whole(self.name)
        wanted = 2 * n_train + n_holdout
        scale = min(1.0, len(table) / wanted)
        n, m = int(n_train * scale), int(n_holdout * scale)
        order = stream(seed, f"leaks/{self.name}").permutation(len(table)).astype(np.intp)
        return table.take(order[:n]), table.take(order[n : n + m]), table.take(order[n + m : 2 * n + m])


@cache
def _whole(name: str) -> Table:
    from sets import prepared

    return synthproof.read(prepared(name))
