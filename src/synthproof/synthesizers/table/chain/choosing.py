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
_JUDGED = 15_000  # learned rows that the judge learns from
_ROUNDS, _MOST_LEVELS = 100, 200


@dataclass(frozen=True, slots=True)
class Choice:
    """How the columns are drawn, and how well each way was told from held-out rows (AUC; empty: not checked)."""

    learner: str
    told_apart: Mapping[str, float]


def choose_stages(
    seen: Seen,
    chain: Chain,
    book: Book,
    learned: IntArray,
    held: IntArray,
    settings: Settings,
    *,
    seed: int,
    run: Run,
) -> tuple[Chain, Choice]:
    """Return the chain with the columns that trees draw, and why these.

    Parameters
    ----------
    book
        Rules to draw within, as `sample` does.
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
    check = partial(_told_apart, seen, book, within, held, seed)
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


def _told_apart(seen: Seen, book: Book, learned: IntArray, held: IntArray, seed: int, chain: Chain) -> float:
    """Return the AUC with which boosted trees tell drawn rows from held-out ones.

    The trees learn from many learned rows and as many drawn ones, since held-out rows are too few to learn from; they are
    then asked about held-out rows and other drawn ones, which neither has seen.
    """
    known, n = learned[:_JUDGED], len(held)
    own = derive(seed, "chain/choice")
    every = np.arange(BLOCK, dtype=np.intp)
    blocks = range(-(-(len(known) + n) // BLOCK))
    parts = [draw_rows(chain, book, {}, {}, seed=own, block=b, at=every) for b in blocks]
    drawn = np.stack([np.concatenate([p[name] for p in parts]) for name in chain.order], axis=1)[: len(known) + n]
    real = np.stack([seen.values[name] for name in chain.order], axis=1)
    levels = np.array([not seen.fields[m].numeric and len(seen.fields[m].levels) <= _MOST_LEVELS for m in chain.order])
    judge = BoostedTrees(classify=True, categorical=levels, seed=own, rounds=_ROUNDS)
    judge.fit(np.concatenate([real[known], drawn[n:]]), np.repeat([0, 1], len(known)))
    score = [judge.probabilities(x, 2)[:, 1] for x in (drawn[:n], real[held])]
    return max(0.5, auc_interval(score[0], score[1])[0])
