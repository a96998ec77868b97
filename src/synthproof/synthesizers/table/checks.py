"""What `auto` asks of a candidate: can its rows be told from real ones, does it remember, how likely are unseen rows.

All three look at drawn rows only, so that generators of any make stand on the same footing. A generator's own
`log_prob` would not: densities over differently cut columns are no common currency. Likelihood is therefore that of one
model for all, a tree of dependencies over columns cut alike (its shape from the rows learned from, its probabilities
from each candidate's drawn rows), at rows that nobody learned from.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synthproof.core.run import Run
from synthproof.core.stats import auc_interval
from synthproof.data.table.dataset import Table
from synthproof.engines.codes import Coded, encode
from synthproof.engines.learners.boosting import BoostedTrees, tree_features
from synthproof.engines.learners.crossfit import fold_of_rows
from synthproof.engines.neighbours import MixedSpace, nearest
from synthproof.engines.tree_law import Cuts, tree_loss, tree_of

FloatArray = npt.NDArray[np.float64]

_FOLDS = 2
_ROUNDS = 60
_TOLD = 10_000  # rows of either side that the trees look at
_MEMORY_WEIGHT = 2.0


@dataclass(frozen=True, slots=True)
class Checked:
    """What the checks found of one candidate.

    Parameters
    ----------
    told
        How well boosted trees tell its rows from unseen real ones: AUC with its interval; 0.5 is best.
    nearer
        Share of its rows that lie nearer to the rows learned from than to as many unseen ones, with its standard
        error; 0.5 is best.
    loss
        Negative log-likelihood of each unseen row in nats, under a tree of dependencies learned from its rows.
    """

    told: tuple[float, float, float]
    nearer: tuple[float, float]
    loss: FloatArray

    @property
    def score(self) -> float:
        """How far from ideal: distance of the AUC from 0.5, and twice that of the share nearer; lower is better."""
        return max(0.0, self.told[0] - 0.5) + _MEMORY_WEIGHT * max(0.0, self.nearer[0] - 0.5)

    @property
    def spread(self) -> float:
        """Standard error of `score`."""
        told = (self.told[2] - self.told[1]) / (2 * 1.96)
        return float(np.hypot(told, _MEMORY_WEIGHT * self.nearer[1]))


class Judge:
    """Learned rows and unseen rows of one table, ready to judge candidates.

    Parameters
    ----------
    learned, unseen
        Disjoint by unit; `learned` is what candidates learn from.

    Notes
    -----
    Cost per candidate: two small fits of trees, one search of the nearest rows, O(rows · columns) counting.
    """

    def __init__(self, learned: Table, unseen: Table, *, seed: int) -> None:
        self.schema = learned.schema
        self.names = tuple(f.name for f in self.schema.modelled)
        self.seed = seed
        self.unseen = unseen
        self.n = min(learned.n_rows, unseen.n_rows)
        own, other = self._coded(learned), self._coded(unseen)
        self._space = MixedSpace.fit(own, self.schema)
        self._learned = self._space.place(own.rows(slice(0, self.n)))
        self._unseen = self._space.place(other.rows(slice(0, self.n)))
        self._cuts = Cuts.learn(own)
        self._unseen_bins = self._cuts.apply(other)
        self._tree = tree_of(self._cuts.apply(own), self._cuts.sizes)

    def judge(self, drawn: Table, *, run: Run) -> Checked:
        """Return what the drawn rows show."""
        coded = self._coded(drawn)
        return Checked(self._told_apart(drawn), self._nearer(coded, run), self._loss(coded))

    def _coded(self, table: Table) -> Coded:
        return encode(table.frame, self.schema, self.names)

    def _told_apart(self, drawn: Table) -> tuple[float, float, float]:
        """Return (AUC, low, high) of boosted trees that tell drawn rows from unseen ones, two-fold cross-fitted."""
        rows = slice(0, _TOLD)
        real, fake = self.unseen.frame.iloc[rows], drawn.frame.iloc[rows]
        features = tree_features([encode(f, self.schema, self.names) for f in (real, fake)])
        x = np.concatenate(features.matrices)
        y = np.repeat([0, 1], [len(real), len(fake)])
        unit = self.unseen.unit_of_row[rows]
        units = np.concatenate([unit, int(unit.max()) + 1 + np.arange(len(fake))])
        fold = fold_of_rows(units, _FOLDS, seed=self.seed, purpose="auto")
        score = np.zeros(len(y))
        for k in range(_FOLDS):
            trees = BoostedTrees(classify=True, categorical=features.categorical, seed=self.seed, rounds=_ROUNDS)
            trees.fit(x[fold != k], y[fold != k])
            score[fold == k] = trees.probabilities(x[fold == k], 2)[:, 1]
        return auc_interval(score[y == 1], score[y == 0])

    def _nearer(self, coded: Coded, run: Run) -> tuple[float, float]:
        """Return the share of drawn rows nearer to learned than to unseen rows, ties a half, and its standard error."""
        placed = self._space.place(coded)
        own = nearest(self._space, placed, self._learned, 1, run=run, task="auto: nearness")[0][:, 0]
        other = nearest(self._space, placed, self._unseen, 1, run=run, task="auto: nearness")[0][:, 0]
        votes = np.where(own < other, 1.0, np.where(own > other, 0.0, 0.5))
        # a row of either side attracts several drawn ones, so that they are not that many independent votes
        return float(votes.mean()), float(np.sqrt(votes.var() / len(votes) + 0.25 / (2 * self.n)))

    def _loss(self, coded: Coded) -> FloatArray:
        return tree_loss(self._tree, self._cuts.apply(coded), self._unseen_bins, self._cuts.sizes)


def least_remembering(found: dict[str, Checked]) -> str:
    """Return the best candidate by name: the lowest score, and among those that noise cannot tell from it the likeliest
    at unseen rows, then the one that remembers least, then the first.

    Parameters
    ----------
    found
        By name, simplest first.
    """
    best = min(found, key=lambda name: found[name].score)
    close = [n for n in found if found[n].score - found[best].score <= 1.96 * found[n].spread]
    likeliest = min(close, key=lambda name: float(found[name].loss.mean()))
    good = [n for n in close if not _clearly_above(found[n].loss - found[likeliest].loss)]
    return min(good, key=lambda name: round(max(0.5, found[name].nearer[0]), 2))


def _clearly_above(difference: FloatArray) -> bool:
    """Whether a paired difference of losses is above zero by more than noise and by more than a hundredth of a nat."""
    error = float(difference.std()) / np.sqrt(len(difference))
    return bool(difference.mean() > max(0.01, 1.96 * error))


__all__ = ["Checked", "Judge", "least_remembering"]
