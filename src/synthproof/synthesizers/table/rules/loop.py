"""Draw, and draw the few rows anew that still break a rule; refuse clearly where that would not end.

Everything is addressed by (seed, attempt, block, row): fewer rows stay the head of more, and workers change nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from synthproof.core.errors import ConditionError
from synthproof.core.random import BLOCK, derive
from synthproof.synthesizers.table.rules.book import Book

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
Draw = Callable[[int, int, IntArray], Mapping[str, FloatArray]]
"""(seed, block, positions) → the rows at these positions of a block of `BLOCK` rows; a row depends on (seed, block,
position) alone."""

_ATTEMPTS = 100
_HOPELESS = 8  # attempts without one good row
_LEAST = 256
_ROUNDS = 60


def keep(book: Book, draw: Draw, seed: int, block: int) -> dict[str, FloatArray]:
    """Return one block of rows that keep all rules about single rows.

    Rows that break one are replaced by later ones of the same block, so that the block as a whole follows what the
    generator draws under the rules.

    Raises
    ------
    ConditionError
        ``rules/too-rare``: hardly any drawn row keeps the rules; it says which rule is broken how often.
    """
    everything = np.arange(BLOCK, dtype=np.intp)
    rows = {name: np.array(values) for name, values in draw(seed, block, everything).items()}
    holes = np.flatnonzero(book.broken(rows))
    tried, good = 0, 0
    for attempt in range(1, _ATTEMPTS + 1):
        if not len(holes):
            return rows
        take = everything[: min(BLOCK, max(_LEAST, 4 * len(holes)))]
        fresh = draw(derive(seed, f"rules/{attempt}"), block, take)
        fine = np.flatnonzero(~book.broken(fresh))
        tried, good = tried + len(take), good + len(fine)
        if attempt >= _HOPELESS and not good:
            break
        used = fine[: len(holes)]
        for name, values in rows.items():
            values[holes[: len(used)]] = fresh[name][used]
        holes = holes[len(used) :]
    if not len(holes):
        return rows
    raise too_rare(book, fresh, good / max(tried, 1))


def differ(book: Book, rows: Mapping[str, FloatArray], draw: Draw, seed: int) -> dict[str, FloatArray]:
    """Return whole rows of which no two agree where a rule wants them to differ.

    A row that repeats an earlier one is drawn anew; the earlier one stays. So what becomes of a row depends on the rows
    before it alone.

    Raises
    ------
    ConditionError
        ``rules/too-few-different``.
    """
    out = {name: np.array(values) for name, values in rows.items()}
    if not book.unique:
        return out
    for attempt in range(_ROUNDS + 1):
        again = np.flatnonzero(book.repeated(out))
        if not len(again):
            return out
        if attempt == _ROUNDS:
            break
        for block in np.unique(again // BLOCK):
            at = again[again // BLOCK == block]
            fresh = draw(derive(seed, f"unique/{attempt}"), int(block), (at % BLOCK).astype(np.intp))
            fine = np.flatnonzero(~book.broken(fresh))
            for name, values in out.items():
                values[at[fine]] = fresh[name][fine]
    n = len(next(iter(out.values())))
    texts = ", ".join(r.text for r in book.unique)
    raise ConditionError("rules/too-few-different", where=texts, n=n, found=n - len(again))


def too_rare(book: Book, rows: Mapping[str, FloatArray], share: float) -> ConditionError:
    """Return the refusal of rules that hardly any drawn row keeps, the most broken ones first."""
    counts = sorted(book.broken_by_rule(rows).items(), key=lambda item: -item[1])
    n = len(next(iter(rows.values())))
    told = "; ".join(f"{text}: {count / n:.0%}" for text, count in counts[:5] if count)
    asked = ", ".join(book.asked or ()) or "-"
    return ConditionError("rules/too-rare", where=counts[0][0], share=f"{share:.2%}", rules=told or "-", asked=asked)


__all__ = ["Draw", "differ", "keep", "too_rare"]
