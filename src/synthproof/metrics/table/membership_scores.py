"""Scores by which attackers tell members from others: one number per person and attack, higher means "was learned from".

No score looks at the training data as a whole, nor at who is a member: each is a function of the person's own rows, of
the synthetic data and of reference rows that nobody learned from and that are not attacked. So when the synthetic data
know nothing of the training data, members and others have the same law of scores, whatever the attack.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from synthproof.core.contracts import Case
from synthproof.core.random import derive, permutation
from synthproof.core.run import Run
from synthproof.core.words import Words
from synthproof.engines.codes import Coded
from synthproof.engines.learners.boosting import BoostedTrees, tree_features
from synthproof.engines.neighbours import MixedSpace, nearest
from synthproof.engines.tree_law import Cuts, tree_loss, tree_of
from synthproof.metrics.table.attacked import Side, order_of_rows
from synthproof.metrics.table.footing import footing
from synthproof.metrics.table.propensity import stacked

FloatArray = npt.NDArray[np.float64]
UnitArray = npt.NDArray[np.intp]

NEIGHBOURS = (1, 5, 20)
ISOLATION = 5
"""How lonely a person is: distance to this many-th neighbour among the reference rows."""
RADII = {"ball_near": 0.05, "ball_middle": 0.5}
"""Radius of the balls: quantile of the distances between nearest reference rows."""
CAP = 20_000
"""Rows a side that the classifier and the tree's shape are learned from; more are thinned at random."""
ROUNDS = 40
_RADIUS_ROWS = 2_000
_TINY = 1e-9

ATTACKS: Mapping[str, Words] = {
    "distance": Words(en="distance to the nearest synthetic record", ko="가장 가까운 합성 레코드까지의 거리"),
    **{
        f"density_ratio_{k}": Words(
            en=f"density of synthetic against reference records, {k} neighbours (DOMIAS)",
            ko=f"참조 레코드 대비 합성 레코드의 밀도, 이웃 {k}개(DOMIAS)",
        )
        for k in NEIGHBOURS
    },
    "ball_near": Words(en="synthetic records in a small ball", ko="작은 반경 안의 합성 레코드 수"),
    "ball_middle": Words(en="synthetic records in a middling ball", ko="중간 반경 안의 합성 레코드 수"),
    "distance_all": Words(
        en="distance to synthetic records, all rows of a person together",
        ko="한 사람의 모든 행을 합친 합성 레코드까지의 거리",
    ),
    "density_ratio_all": Words(
        en="density of synthetic against reference records, all rows of a person together",
        ko="한 사람의 모든 행을 합친 합성·참조 레코드 밀도비",
    ),
    "classifier": Words(
        en="boosted trees that tell synthetic from reference records", ko="합성·참조 레코드를 구별하는 부스팅 트리"
    ),
    "tree_ratio": Words(
        en="likelihood under a tree of pairs of the synthetic data against one of the reference",
        ko="합성데이터와 참조 레코드의 쌍별 의존 트리 우도비",
    ),
    "loss": Words(en="the model's own loss at the person", ko="모형이 매긴 그 사람의 손실값"),
    "loss_ratio": Words(
        en="the model's own loss against that of a tree of pairs of the reference",
        ko="모형 손실값과 참조 레코드 의존 트리 손실값의 차이",
    ),
}
"""What each attack looks at."""
INSIDE = frozenset({"loss", "loss_ratio"})
"""Attacks that need the model, not only what it drew."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of attacked persons, members first.

    Parameters
    ----------
    values
        By attack, shape (n_members + n_others,).
    isolation
        Distance to the fifth reference record, of the person's most isolated row.
    """

    values: Mapping[str, FloatArray]
    isolation: FloatArray


def attack(case: Case[Any], members: Side, others: Side, reference: UnitArray, *, seed: int, run: Run) -> Scores:
    """Return every attack's scores.

    Parameters
    ----------
    members, others
        Units of train, and units of the holdout.
    reference
        Rows of the holdout that the attacker has; none of an attacked unit.

    Notes
    -----
    A person with several rows scores by the row that gives the person away most (distances, densities, balls), by the
    mean over the rows (likelihoods), and two attacks take the mean of distances and densities.
    """
    base = footing(case)
    asked = stacked(base.train.rows(members.rows), base.part("holdout").rows(others.rows))
    owner = np.concatenate([members.of_row, len(members) + others.of_row])
    drawn = base.synthetic.rows(order_of_rows(base, "synthetic"))
    known = base.part("holdout").rows(reference[np.argsort(base.ids["holdout"][reference], kind="stable")])

    space = MixedSpace.fit(known, case.train.schema)
    queries, own, far = space.place(asked), space.place(drawn), space.place(known)
    k = max(NEIGHBOURS)
    to_drawn = nearest(space, queries, own, k, run=run, task="membership/synthetic")[0]
    to_known = nearest(space, queries, far, k, run=run, task="membership/reference")[0]
    some = permutation(seed, "membership/radius", len(known))[:_RADIUS_ROWS]
    between = nearest(space, far.rows(np.sort(some)), far, 2, run=run, task="membership/radius")[0][:, -1]

    rows: dict[str, FloatArray] = {"distance": -to_drawn[:, 0]}
    for j in NEIGHBOURS:
        rows[f"density_ratio_{j}"] = np.log(_of(to_known, j) + _TINY) - np.log(_of(to_drawn, j) + _TINY)
    for name, quantile in RADII.items():
        inside = (to_drawn <= np.quantile(between, quantile)).sum(axis=1)
        # Among equal counts the nearer person comes first: distances are below 1.
        rows[name] = inside - to_drawn[:, 0]
    values = {name: most(x, owner) for name, x in rows.items()}
    if len(owner) > len(members) + len(others):
        # Single rows may be common while all rows of a person together are not.
        values["distance_all"] = mean(rows["distance"], owner)
        values["density_ratio_all"] = mean(rows[f"density_ratio_{ISOLATION}"], owner)
    run.tick("membership/models", 0, 2)
    values["classifier"] = mean(_log_odds(drawn, known, asked, seed), owner)
    run.tick("membership/models", 1, 2)
    by_drawn, by_known = _tree_losses(drawn, known, asked, seed)
    values["tree_ratio"] = mean(by_known - by_drawn, owner)
    run.tick("membership/models", 2, 2)
    if (loss := _losses(case, members, others)) is not None:
        values["loss"] = -loss
        values["loss_ratio"] = mean(by_known, owner) - loss
    return Scores(values, most(_of(to_known, ISOLATION), owner))


def most(x: FloatArray, owner: UnitArray) -> FloatArray:
    """Return the greatest value of each person's rows."""
    out = np.full(int(owner.max()) + 1, -np.inf)
    np.maximum.at(out, owner, x)
    return out


def mean(x: FloatArray, owner: UnitArray) -> FloatArray:
    """Return the mean value of each person's rows."""
    return np.bincount(owner, weights=x) / np.bincount(owner)


def _of(distances: FloatArray, k: int) -> FloatArray:
    """Return the k-th column, or the last where there are fewer rows than k."""
    return distances[:, min(k, distances.shape[1]) - 1]


def _thinned(coded: Coded, seed: int, purpose: str) -> Coded:
    if len(coded) <= CAP:
        return coded
    return coded.rows(np.sort(permutation(seed, purpose, len(coded))[:CAP]))


def _log_odds(drawn: Coded, known: Coded, asked: Coded, seed: int) -> FloatArray:
    """Return log-odds of "synthetic" against "reference"; the asked rows are in neither table, so no folds are needed."""
    a, b = _thinned(drawn, seed, "membership/drawn"), _thinned(known, seed, "membership/known")
    features = tree_features([a, b, asked])
    y = np.repeat([1, 0], [len(a), len(b)])
    trees = BoostedTrees(
        classify=True, categorical=features.categorical, seed=derive(seed, "membership/trees"), rounds=ROUNDS
    )
    trees.fit(np.concatenate(features.matrices[:2]), y)
    p = np.clip(trees.probabilities(features.matrices[2], 2)[:, 1], _TINY, 1 - _TINY)
    return np.log(p) - np.log1p(-p)


def _tree_losses(drawn: Coded, known: Coded, asked: Coded, seed: int) -> tuple[FloatArray, FloatArray]:
    """Return the loss of the asked rows under trees of pairs of the synthetic and of the reference rows.

    The shape is read off the synthetic data, as an attacker reads which marginals a generator kept.
    """
    cuts = Cuts.learn(known)
    sizes = cuts.sizes
    a, b, x = cuts.apply(drawn), cuts.apply(known), cuts.apply(asked)
    edges = tree_of(cuts.apply(_thinned(drawn, seed, "membership/shape")), sizes)
    return tree_loss(edges, a, x, sizes), tree_loss(edges, b, x, sizes)


def _losses(case: Case[Any], members: Side, others: Side) -> FloatArray | None:
    """Return the model's losses of the attacked persons, or ``None`` where the case has none for all of them."""
    if case.losses is None or not {"train", "holdout"} <= case.losses.keys():
        return None
    own, other = (np.asarray(case.losses[name], dtype=np.float64) for name in ("train", "holdout"))
    if case.holdout is None or len(own) != len(case.train) or len(other) != len(case.holdout):
        return None
    found = np.concatenate([own[members.units], other[others.units]])
    return found if np.isfinite(found).all() else None
