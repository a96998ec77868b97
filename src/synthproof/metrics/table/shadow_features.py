"""What synthetic data look like from where a person stands, and how that changes when the person is learned from.

Features of one person in one synthetic table: distances to the nearest records, and how many records agree with the
person on random sets of columns (the queries of Houssiau et al. 2022, arXiv 2211.06550, and of Meeus et al. 2023,
arXiv 2306.10308). The attack learns, from models trained with and without each person, how the person's features move.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synthproof.core.random import stream
from synthproof.core.run import Run
from synthproof.data.table.dataset import Table
from synthproof.engines.codes import encode
from synthproof.engines.neighbours import MixedSpace, Placed, nearest
from synthproof.metrics.table.membership_scores import most

FloatArray = npt.NDArray[np.float64]
UnitArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]

NEIGHBOURS = (1, 5, 20)
QUERIES = 24
WIDEST = 4
"""Columns a query asks for at most; a person's queries are its own."""
NEAR = 0.05
"""Numbers agree within this share of the column's range in train."""
_TINY = 1e-6
_PRIOR = 8.0  # shadows' worth of trust in the spread that all targets share


@dataclass(frozen=True, slots=True)
class Looker:
    """Targets in the space of train, each with its queries.

    Parameters
    ----------
    rows
        The targets' rows, placed.
    owner
        Which target each row belongs to, shape (n_rows,).
    asked
        Columns of each query of each row's person, shape (n_rows, QUERIES, d).
    """

    space: MixedSpace
    rows: Placed
    owner: UnitArray
    asked: BoolArray

    @classmethod
    def of(cls, train: Table, targets: Table, seed: int) -> Looker:
        """Return the targets as train's own ranges place them."""
        space = MixedSpace.fit(encode(train.frame, train.schema), train.schema)
        owner = targets.unit_of_row
        d = len(space.weights)
        g = stream(seed, "shadow/queries")
        asked = np.zeros((len(targets), QUERIES, d), dtype=np.bool_)
        widths = g.integers(1, min(WIDEST, d) + 1, (len(targets), QUERIES))
        order = np.argsort(g.random((len(targets), QUERIES, d)), axis=2)
        asked |= order < widths[:, :, None]
        return cls(space, space.place(encode(targets.frame, train.schema)), owner, asked[owner])

    def features(self, drawn: Table, schema_of: Table, run: Run) -> FloatArray:
        """Return what each target sees of a synthetic table, shape (n_targets, 3 + QUERIES); logarithms."""
        there = self.space.place(encode(drawn.frame, schema_of.schema))
        k = max(NEIGHBOURS)
        far = nearest(self.space, self.rows, there, k, run=run, task="shadow/features")[0]
        columns = [-np.log(far[:, min(j, far.shape[1]) - 1] + _TINY) for j in NEIGHBOURS]
        counts = np.empty((len(self.rows), QUERIES))
        for i in range(len(self.rows)):
            apart = ~(np.abs(there.exact - self.rows.exact[i]) * self.space.weights <= NEAR)
            counts[i] = len(there) - np.count_nonzero(apart.astype(np.float32) @ self.asked[i].T.astype(np.float32), 0)
        columns += list(np.log1p(counts).T)
        return np.stack([most(c, self.owner) for c in columns], axis=1)


@dataclass(frozen=True, slots=True)
class Attack:
    """For each target how its features move when it is learned from: a linear log-likelihood ratio.

    Parameters
    ----------
    turn
        Brings standardised features into a basis without correlation, shape (d, d).
    scale
        Spread of each target's features, shape (n, d).
    middle, moves
        Of each target in that basis: between out and in, and from out to in; shape (n, d).
    """

    turn: FloatArray
    scale: FloatArray
    middle: FloatArray
    moves: FloatArray

    @classmethod
    def learn(cls, seen: FloatArray, inside: BoolArray, strata: UnitArray) -> Attack:
        """Return the attack that shadow models teach.

        Parameters
        ----------
        seen
            Features, shape (shadows, targets, d).
        inside
            Who was learned from, shape (shadows, targets); every target in some and out of some.
        strata
            Of each target; targets of a stratum lend each other their mean movement.

        Notes
        -----
        Gaussian with one correlation for all (as in linear discriminant analysis); each target's spread is shrunk to the
        common one, its movement to that of its stratum, as far as the targets' movements differ no more than noise would
        (empirical Bayes). A handful of shadows is so enough.
        """
        weight_in = inside[:, :, None].astype(np.float64)
        n_in, n_out = weight_in.sum(0), (1 - weight_in).sum(0)
        mean_in = (seen * weight_in).sum(0) / n_in
        mean_out = (seen * (1 - weight_in)).sum(0) / n_out
        rest = seen - np.where(inside[:, :, None], mean_in, mean_out)
        degrees = max(1, len(seen) - 2)
        own = (rest**2).sum(0)
        common = own.mean(0) / degrees
        scale = np.sqrt((own + _PRIOR * common) / (degrees + _PRIOR)) + _TINY
        flat = (rest / scale).reshape(-1, seen.shape[2])
        covariance = flat.T @ flat / max(1, len(flat) * degrees / len(seen))
        covariance = 0.9 * covariance + 0.1 * np.eye(len(covariance))
        turn = np.linalg.inv(np.linalg.cholesky(covariance)).T
        moves = ((mean_in - mean_out) / scale) @ turn
        noise = (1 / n_in + 1 / n_out)[:, :1]
        shrunk = np.empty_like(moves)
        for stratum in np.unique(strata):
            at = strata == stratum
            mean = moves[at].mean(0)
            beyond = np.maximum(0.0, moves[at].var(0) - noise[at].mean())
            shrunk[at] = mean + beyond / (beyond + noise[at]) * (moves[at] - mean)
        spots = (seen / scale) @ turn
        middle = (spots - (weight_in - 0.5) * shrunk).mean(0)
        return cls(turn, scale, middle, shrunk)

    def scores(self, features: FloatArray) -> FloatArray:
        """Return the log-likelihood ratio of "in" against "out" for features of shape (…, n_targets, d)."""
        out: FloatArray = (((features / self.scale) @ self.turn - self.middle) * self.moves).sum(-1)
        return out


def left_out_scores(seen: FloatArray, inside: BoolArray, strata: UnitArray) -> FloatArray:
    """Return each shadow's scores under the attack that the other shadows teach, shape (shadows, targets)."""
    every = np.arange(len(seen))
    return np.stack(
        [Attack.learn(seen[every != j], inside[every != j], strata).scores(seen[j]) for j in range(len(seen))]
    )


__all__ = ["Attack", "Looker", "left_out_scores"]
