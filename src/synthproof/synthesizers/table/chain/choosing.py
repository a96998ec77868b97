"""Which columns trees on values draw: learned for all, and chosen by how well drawn rows can be told from unseen ones.

Likelihood would be the obvious judge, and misleads: a network's bins may be as likely as trees' values and yet give away,
over many columns, that small differences between them are lost. So whole rows are drawn in each of three ways, by
networks alone, numbers of many values by trees, or everything by trees, and boosted trees try to tell them from rows
that were held out. The networks, which are fastest, win unless another way is harder to tell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt

from synthproof.core.random import BLOCK, derive
from synthproof.core.run import Run
from synthproof.core.stats import auc_interval
from synthproof.engines.learners.boosting import BoostedTrees
from synthproof.synthesizers.table.chain.drawing import draw_rows
from synthproof.synthesizers.table.chain.learning import Seen, Settings
from synthproof.synthesizers.table.chain.model import Chain
from synthproof.synthesizers.table.chain.value_learning import StageSettings, learn_stage
from synthproof.synthesizers.table.chain.value_stage import ValueStage
from synthproof.synthesizers.table.rules.book import Book

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

LEARNERS = ("auto", "network", "mixture", "trees")
_FEW_VALUES = 40  # numbers of no more different values are the network's in a mixture
_LEAST_HELD = 300  # with fewer rows the three cannot be told apart
_NEAR = 0.01  # AUC by which the simpler way may be worse
_FOLDS, _ROUNDS, _MOST_LEVELS = 2, 60, 200


@dataclass(frozen=True, slots=True)
class Choice:
    """How the columns are drawn, and how well each way was told from held-out rows (AUC; empty: not checked)."""

    learner: str
    told_apart: Mapping[str, float]


def choose_stages(
    seen: Seen, chain: Chain, learned: IntArray, held: IntArray, settings: Settings, *, seed: int, run: Run
) -> tuple[Chain, Choice]:
    """Return the chain with the columns that trees draw, and why these.

    Parameters
    ----------
    learned, held
        Rows of the seen table to learn from, and those that nothing was learned from but when to stop.
    """
    if settings.learner == "network" or (settings.learner == "auto" and len(held) < _LEAST_HELD):
        return chain, Choice("network", {})
    order = list(chain.order)
    numbers = [n for n in order if n in seen.shapes and len(seen.shapes[n].sites) > _FEW_VALUES]
    within = learned[learned < len(next(iter(seen.values.values())))]
    learn = partial(_learn_stage, seen, order, within, settings, seed)
    names = numbers if settings.learner == "mixture" else order
    stages = dict(zip(names, run.map(learn, names, "autoregressive: values"), strict=True))
    ways = {
        "network": chain,
        "mixture": replace(chain, stages={n: stages[n] for n in numbers}),
        "trees": replace(chain, stages=stages),
    }
    if settings.learner != "auto":
        return ways[settings.learner], Choice(settings.learner, {})
    if len(numbers) in (0, len(order)):
        del ways["mixture"]
    check = partial(_told_apart, seen, held, seed)
    told = dict(zip(ways, run.map(check, list(ways.values()), "autoregressive: choice"), strict=True))
    best = min(told.values())
    chosen = next(way for way, auc in told.items() if auc <= best + _NEAR)
    return ways[chosen], Choice(chosen, told)


def _learn_stage(
    seen: Seen, order: Sequence[str], rows: IntArray, settings: Settings, seed: int, name: str
) -> ValueStage:
    before = {k: seen.values[k][rows] for k in order[: order.index(name)]}
    fields = {k: seen.fields[k] for k in before}
    wanted = StageSettings(min_shared=settings.min_shared)
    own = derive(seed, "chain/stages")
    return learn_stage(name, seen.values[name][rows], seen.shapes.get(name), before, fields, seed=own, settings=wanted)


def _told_apart(seen: Seen, held: IntArray, seed: int, chain: Chain) -> float:
    """Return the AUC of boosted trees that tell drawn rows from held-out ones, cross-fitted."""
    n = len(held)
    own = derive(seed, "chain/choice")
    blocks = range(-(-n // BLOCK))
    empty = Book((), {}, ())
    every = np.arange(BLOCK, dtype=np.intp)
    parts = [draw_rows(chain, empty, {}, {}, seed=own, block=b, at=every) for b in blocks]
    drawn = np.stack([np.concatenate([p[name] for p in parts])[:n] for name in chain.order], axis=1)
    real = np.stack([seen.values[name][held] for name in chain.order], axis=1)
    levels = np.array([not seen.fields[n].numeric and len(seen.fields[n].levels) <= _MOST_LEVELS for n in chain.order])
    x, y = np.concatenate([real, drawn]), np.repeat([0, 1], n)
    fold = np.tile(np.arange(n) % _FOLDS, 2)
    score = np.zeros(2 * n)
    for k in range(_FOLDS):
        judge = BoostedTrees(classify=True, categorical=levels, seed=own, rounds=_ROUNDS)
        judge.fit(x[fold != k], y[fold != k])
        score[fold == k] = judge.probabilities(x[fold == k], 2)[:, 1]
    return max(0.5, auc_interval(score[y == 1], score[y == 0])[0])
