"""What an attacker who knows all other columns of a person guesses for one column, having learned from given rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from synthproof.core.contracts import Case
from synthproof.core.random import derive, permutation
from synthproof.core.run import Run
from synthproof.engines.codes import Coded
from synthproof.engines.learners.boosting import BoostedTrees, tree_features
from synthproof.engines.neighbours import MixedSpace, nearest_without
from synthproof.metrics.table.attacked import Side
from synthproof.metrics.table.footing import Share, footing, share

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
UnitArray = npt.NDArray[np.intp]

TREE_ROWS = 5_000
"""Synthetic rows that boosted trees learn one secret from; more are thinned at random."""
MOST_CLASSES = 20
_ROUNDS = 40
_FEWEST_ROUNDS = 8
_Z = 1.96


@dataclass(frozen=True, slots=True)
class Secrets:
    """The columns an attacker is after, and when a guess is right.

    Parameters
    ----------
    names
        Column names.
    reach
        Of each numeric column, how far a guess may be off; 0 wherever half of the values or more are equal: the guess
        must then hit.
    """

    names: tuple[str, ...]
    reach: dict[str, float]

    @classmethod
    def of(cls, case: Case[Any], names: Sequence[str], tolerance: float) -> Secrets:
        """Return the secrets; `tolerance` times the median absolute deviation of train is how far a number may be off."""
        train = footing(case).train
        reach = {}
        for name in names:
            if name in train.numeric_names:
                values = train.numbers[:, train.numeric_names.index(name)]
                known = values[~np.isnan(values)]
                spread = float(np.median(np.abs(known - np.median(known)))) if len(known) else 0.0
                reach[name] = tolerance * spread
        return cls(tuple(names), reach)

    def right(self, name: str, guess: FloatArray, truth: FloatArray) -> BoolArray:
        """Return which guesses are right; a missing guess or truth is not."""
        if name not in self.reach:
            return np.asarray((guess == truth) & ~np.isnan(truth), dtype=np.bool_)
        # A hair more than the reach, so that 0.3 - 0.2 is within 0.1.
        room = self.reach[name] + 1e-9 * np.maximum(1.0, np.abs(truth))
        with np.errstate(invalid="ignore"):
            return np.asarray(np.abs(guess - truth) <= room, dtype=np.bool_)


def truths(coded: Coded, name: str) -> FloatArray:
    """Return one column as numbers (levels by code); missing is NaN."""
    if name in coded.numeric_names:
        return coded.numbers[:, coded.numeric_names.index(name)]
    codes = coded.codes[:, coded.level_names.index(name)].astype(np.float64)
    return np.where(codes < 0, np.nan, codes)


def by_neighbour(
    space: MixedSpace, asked: Coded, learned: Coded, secrets: Secrets, *, run: Run, task: str
) -> tuple[dict[str, FloatArray], FloatArray]:
    """Return by secret what the nearest learned row has there, the secret left out of the distance; all in one pass.

    Also the distances, shape (n_asked, secrets).
    """
    wanted = [space.names.index(name) for name in secrets.names]
    distances, rows = nearest_without(space, space.place(asked), space.place(learned), wanted, run=run, task=task)
    return {name: truths(learned, name)[rows[:, i]] for i, name in enumerate(secrets.names)}, distances


def by_trees(asked: Coded, learned: Coded, names: Sequence[str], *, seed: int, run: Run) -> dict[str, FloatArray]:
    """Return by secret what boosted trees guess that learned it from the other columns; at most 20 levels a secret."""
    if len(learned) > TREE_ROWS:
        learned = learned.rows(np.sort(permutation(seed, "attribute/trees", len(learned))[:TREE_ROWS]))
    work = partial(_trees, asked=asked, learned=learned, seed=seed)
    return dict(zip(names, run.map(work, names, "attribute/trees"), strict=True))


def _trees(name: str, *, asked: Coded, learned: Coded, seed: int) -> FloatArray:
    target = truths(learned, name)
    known = ~np.isnan(target)
    classify = name in learned.level_names
    if classify:
        levels, counts = np.unique(target[known], return_counts=True)
        kept = np.sort(levels[np.argsort(-counts, kind="stable")[:MOST_CLASSES]])
        known &= np.isin(target, kept)
        rounds = max(_FEWEST_ROUNDS, 2 * _ROUNDS // max(2, len(kept)))
    if not known.any():
        return np.full(len(asked), np.nan)
    rows = np.flatnonzero(known)
    features = tree_features([learned.rows(rows), asked], leave_out=(name,))
    own = derive(seed, f"attribute/trees/{name}")
    if not classify:
        trees = BoostedTrees(classify=False, categorical=features.categorical, seed=own, rounds=_ROUNDS)
        return trees.fit(features.matrices[0], target[rows]).predict(features.matrices[1])
    trees = BoostedTrees(classify=True, categorical=features.categorical, seed=own, rounds=rounds)
    trees.fit(features.matrices[0], np.searchsorted(kept, target[rows]))
    guessed: FloatArray = kept[trees.probabilities(features.matrices[1], len(kept)).argmax(axis=1)]
    return guessed


@dataclass(frozen=True, slots=True)
class Arms:
    """Attacked persons: rows of members, then rows of others.

    Parameters
    ----------
    asked
        Their rows.
    member, half_a
        Of each row: whether its person was learned from, and whether attackers are chosen on it.
    unit
        Number of each row's person, over both arms.
    """

    members: Side
    others: Side
    asked: Coded
    member: BoolArray
    half_a: BoolArray
    unit: UnitArray

    @classmethod
    def of(cls, members: Side, others: Side, asked: Coded) -> Arms:
        """Return the arms of two sides whose rows are `asked`, members first."""
        return cls(
            members=members,
            others=others,
            asked=asked,
            member=np.repeat([True, False], [len(members.rows), len(others.rows)]),
            half_a=np.concatenate([side.first_half[side.of_row] for side in (members, others)]),
            unit=np.concatenate([members.of_row, len(members) + others.of_row]),
        )


@dataclass(frozen=True, slots=True)
class Tried:
    """What attackers guessed for one secret.

    Parameters
    ----------
    known
        Of each row, whether there is a true value.
    right
        By attacker, which rows are guessed right.
    distance
        Of each row, the distance of the nearest synthetic record, which decides whether that record is believed.
    """

    arms: Arms
    known: BoolArray
    right: dict[str, BoolArray]
    distance: FloatArray

    def on_a(self, attacker: str) -> float:
        """Return the lower end of an attacker's gain on half A, at the distance that makes it highest."""
        return self._best(attacker)[0]

    def on_b(self, attacker: str, *, member: bool, always: bool = False) -> tuple[Share, int]:
        """Return the share of one arm's rows on half B that the attacker dares to guess and guesses right, and persons."""
        rows = np.flatnonzero(self.known & ~self.arms.half_a & (self.arms.member == member))
        unit = np.unique(self.arms.unit[rows], return_inverse=True)[1].astype(np.intp)
        hits = self.right[attacker] if always else self.right[attacker] & self._dares(attacker)
        return share(hits[rows], unit), int(unit.max(initial=-1)) + 1

    def dared(self, attacker: str) -> tuple[float, float]:
        """Return the shares of members and others on half B on whom the attacker dares to guess."""
        there = self.known & ~self.arms.half_a
        dares = self._dares(attacker)
        own, other = dares[there & self.arms.member], dares[there & ~self.arms.member]
        return float(own.mean()) if len(own) else 0.0, float(other.mean()) if len(other) else 0.0

    def _dares(self, attacker: str) -> BoolArray:
        return np.asarray(self.distance <= self._best(attacker)[1], dtype=np.bool_)

    def _best(self, attacker: str) -> tuple[float, float]:
        """Return (lower end of the gain on half A, distance up to which the attacker guesses)."""
        there = self.known & self.arms.half_a
        n = int((there & self.arms.member).sum())
        m = int((there & ~self.arms.member).sum())
        if n == 0 or m == 0:
            return -1.0, np.inf
        right = self.right[attacker] & there
        if attacker != "nearest":
            hits, alarms = (int((right & (self.arms.member == who)).sum()) for who in (True, False))
            return float(_lower(np.array([hits]), n, np.array([alarms]), m)[0]), np.inf
        at = np.unique(self.distance[there])
        reached = [
            np.searchsorted(np.sort(self.distance[right & (self.arms.member == who)]), at, side="right")
            for who in (True, False)
        ]
        low = _lower(reached[0], n, reached[1], m)
        best = int(low.argmax())
        return float(low[best]), float(at[best]) if best < len(at) - 1 else np.inf


def _lower(hits: UnitArray, n: int, alarms: UnitArray, m: int) -> FloatArray:
    """Return the lower ends of Wald's intervals of p - q, a half added to each count so that none has no width."""
    p, q = (hits + 0.5) / (n + 1), (alarms + 0.5) / (m + 1)
    return np.asarray(p - q - _Z * np.sqrt(p * (1 - p) / n + q * (1 - q) / m), dtype=np.float64)
