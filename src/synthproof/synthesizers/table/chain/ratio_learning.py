"""Learning the ratio of densities (`ratio`): trees that tell learned rows from the chain's own, stopped by held-out rows.

They grow only as long as rows that nothing was learned from are told better: so they correct what the chain gets wrong, and
not what it rightly leaves to chance. Where held-out rows are told hardly better than by number alone, no ratio is kept.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import numpy.typing as npt

from synthproof.core.random import BLOCK, derive, stream
from synthproof.core.run import Run
from synthproof.synthesizers.table.chain.drawing import draw_rows
from synthproof.synthesizers.table.chain.learning import Seen
from synthproof.synthesizers.table.chain.model import Chain
from synthproof.synthesizers.table.chain.ratio import Ratio
from synthproof.synthesizers.table.chain.telling import Teller
from synthproof.synthesizers.table.chain.value_boosting import Settings
from synthproof.synthesizers.table.rules.book import Book

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

MOST_ROWS = 200_000
"""Learned rows beyond which no ratio is learned: the chain itself then has enough to learn from, and draws faster."""
_REAL, _DRAWN = 50_000, 4  # learned rows that the trees see at most, and drawn rows for each
_LEAST = 200  # held-out rows
_GAIN = 0.002  # nats by which held-out rows must be told better than by number alone
_PER_DRAFT = 0.005  # nats that are worth one draft more
_TREES = Settings(
    rounds=1500, patience=40, rate=0.08, leaves=16, min_leaf=40, rows=0.7, features=0.5, bins=200, honest=False
)


def with_ratio(
    seen: Seen, chain: Chain, book: Book, learned: IntArray, held: IntArray, *, seed: int, run: Run
) -> Chain:
    """Return the chain with the ratio that `learn_ratio` finds, and as many drafts as it can make use of.

    A ratio that says little chooses among three drafts as well as among six.
    """
    ratio = learn_ratio(seen, chain, book, learned, held, seed=seed, run=run)
    if ratio is None:
        return chain
    return replace(chain, ratio=ratio, drafts=min(chain.drafts, 2 + int(ratio.gain / _PER_DRAFT)))


def learn_ratio(
    seen: Seen, chain: Chain, book: Book, learned: IntArray, held: IntArray, *, seed: int, run: Run
) -> Ratio | None:
    """Return the ratio, or ``None`` where held-out rows are told no better than by chance, or are too few.

    Parameters
    ----------
    book
        Rules to draw within, as `sample` does.
    learned, held
        Rows of the seen table to learn from, and those that only decide when to stop.

    Notes
    -----
    Cost: drawing four rows for each learned one, and O(rounds · rows · columns) for trees on a third of these each.
    """
    own = derive(seed, "chain/ratio")
    if len(learned) > MOST_ROWS or len(held) < _LEAST:
        return None
    real = learned[:_REAL]
    n = _DRAWN * (len(real) + len(held))
    draw = partial(_drawn_block, chain, book, own)
    parts = run.map(draw, range(-(-n // BLOCK)), "autoregressive: drafts")
    drawn = {name: np.concatenate([p.pop(name) for p in parts])[:n] for name in chain.order}
    if not book.wide:  # rows that break a rule are never handed out
        kept = np.flatnonzero(~book.broken(drawn))
        drawn = {name: values[kept] for name, values in drawn.items()}
    count = len(next(iter(drawn.values())))
    rows = np.concatenate([real, held])
    both = {name: np.concatenate([seen.values[name][rows], drawn.pop(name)]) for name in chain.order}
    target = np.arange(len(rows) + count) < len(rows)
    aside = stream(own, "held").random(count) < len(held) / len(rows)
    test = np.concatenate([np.arange(len(rows)) >= len(real), aside])
    teller = Teller.learn(both, target, test, seen.fields, chain.order, _TREES, stream(own, "trees"))
    alone = target[test].mean()
    chance = float(-(alone * np.log(alone) + (1 - alone) * np.log(1 - alone)))
    gain = chance - teller.trees.held_loss
    base = float(np.log((target & ~test).sum() / (~target & ~test).sum()))
    return Ratio(teller, base, gain) if gain > _GAIN else None


def _drawn_block(chain: Chain, book: Book, seed: int, block: int) -> dict[str, FloatArray]:
    return draw_rows(chain, book, {}, {}, seed=seed, block=block, at=np.arange(BLOCK, dtype=np.intp))
