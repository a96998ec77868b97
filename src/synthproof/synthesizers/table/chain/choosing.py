"""Which columns trees on values draw: learned for all, and chosen by how well drawn rows can be told from unseen ones.

Likelihood would be the obvious judge, and misleads: a network's bins may be as likely as trees' values and yet give away,
over many columns, that small differences between them are lost. So whole rows are drawn in each of three ways, by
networks alone, numbers of many values by trees, or everything by trees, and boosted trees try to tell them from rows
that were held out. The networks, which are fastest, win unless another way is harder to tell; trees are not even learned
where networks can hardly be told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt

from synthproof.core.random import BLOCK, derive, stream
from synthproof.core.run import Run
from synthproof.core.stats import auc_interval
from synthproof.synthesizers.table.chain.drawing import draw_rows
from synthproof.synthesizers.table.chain.learning import Seen, Settings
from synthproof.synthesizers.table.chain.model import Chain
from synthproof.synthesizers.table.chain.telling import Teller
from synthproof.synthesizers.table.chain.value_boosting import Settings as Boosting
from synthproof.synthesizers.table.chain.value_learning import StageSettings, learn_stage
from synthproof.synthesizers.table.chain.value_stage import ValueStage
from synthproof.synthesizers.table.rules.book import Book

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

LEARNERS = ("auto", "network", "mixture", "trees")
_FEW_VALUES = 40  # numbers of no more different values are the network's in a mixture
_LEAST_HELD = 300  # with fewer rows the three cannot be told apart
_NEAR = 0.01  # AUC by which the simpler way may be worse
_GOOD = 0.555  # networks that are told no better than this are taken at once
_JUDGED = 15_000  # learned rows that the judge learns from
_JUDGE = Boosting(
    rounds=100, rate=0.1, leaves=31, min_leaf=20, ridge=10.0, rows=1.0, features=1.0, bins=255, honest=False
)


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
    check = partial(_told_apart, seen, book, within, held, seed)
    told: dict[str, float] = {}
    if settings.learner == "auto":
        told["network"] = check(chain)
        if told["network"] <= _GOOD:
            return chain, Choice("network", told)
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
    others = [way for way in ways if way != "network"]
    told |= zip(others, run.map(check, [ways[way] for way in others], "autoregressive: choice"), strict=True)
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
    drawn = {name: np.concatenate([p[name] for p in parts])[: len(known) + n] for name in chain.order}
    rows = {name: np.concatenate([seen.values[name][known], drawn[name][n:]]) for name in chain.order}
    first = np.arange(2 * len(known)) < len(known)
    none = np.zeros(len(first), dtype=np.bool_)
    judge = Teller.learn(rows, first, none, seen.fields, chain.order, _JUDGE, stream(own, "judge"))
    unseen = judge.log_odds({name: seen.values[name][held] for name in chain.order})
    return max(0.5, auc_interval(unseen, judge.log_odds({name: values[:n] for name, values in drawn.items()}))[0])
