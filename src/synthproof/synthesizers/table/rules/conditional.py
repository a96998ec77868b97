"""A law that is asked only where other parts hold: ``pregnant = "no" if sex = "M" and age < 12``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np
import numpy.typing as npt

from synthproof.synthesizers.table.rules.bounds import Choice
from synthproof.synthesizers.table.rules.domains import Domains
from synthproof.synthesizers.table.rules.laws import Law, Rows, choice_of

BoolArray = npt.NDArray[np.bool_]

_MANY_CELLS = 20_000_000


@dataclass(frozen=True, slots=True)
class Conditional:
    """Laws that hold wherever all conditions do.

    Parameters
    ----------
    heads
        What must hold.
    when
        Where; a row with a missing value in a condition does not meet it.
    """

    heads: tuple[Law, ...]
    when: tuple[Law, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Columns it speaks of."""
        return tuple(dict.fromkeys(n for law in (*self.heads, *self.when) for n in law.names))

    def kept(self, rows: Rows) -> BoolArray:
        """Return whether whole rows keep the law."""
        heads = reduce(np.logical_and, (law.kept(rows) for law in self.heads))
        return np.asarray(heads | ~self._met(self.when, rows))

    def narrow(self, domains: Domains, rows: BoolArray) -> None:
        """Narrow by the heads where the conditions are met, and the one unknown condition where a head is broken."""
        ready = [law for law in self.when if not domains.unknown(law.names)]
        waiting = [law for law in self.when if domains.unknown(law.names)]
        met = rows & ~domains.dead & self._met(tuple(ready), domains.known, domains.n)
        if not met.any():
            return
        if not waiting:
            for law in self.heads:
                law.narrow(domains, met)
            return
        open_names = {n for law in waiting for n in domains.unknown(law.names)}
        if len(open_names) == 1:
            self._avoid(domains, next(iter(open_names)), tuple(waiting), met)

    def _avoid(self, domains: Domains, name: str, waiting: tuple[Law, ...], met: BoolArray) -> None:
        """Keep the unknown column of a condition away from where it would hold, in rows whose heads cannot hold."""
        broken = np.zeros(domains.n, dtype=np.bool_)
        for law in self.heads:
            if not domains.unknown(law.names):
                broken |= ~law.kept(domains.known)
        rows = np.flatnonzero(met & broken)
        levels = domains.axes[name].levels
        if not len(rows) or not levels or len(rows) * levels > _MANY_CELLS:
            return  # a number is left to be drawn anew: away from a stretch it has two sides
        known = {n: np.repeat(domains.known[n][rows], levels) for w in waiting for n in w.names if n != name}
        trial = {**known, name: np.tile(np.arange(levels, dtype=np.float64), len(rows))}
        good = ~self._met(waiting, trial).reshape(-1, levels)
        choice: Choice = choice_of(good, rows, domains.n)
        domains.restrict(name, choice, met & broken)

    def _met(self, when: tuple[Law, ...], rows: Rows, n: int = 0) -> BoolArray:
        """Return whether rows meet conditions; none is met by all."""
        if not when:
            return np.ones(n, dtype=np.bool_)
        there = reduce(np.logical_and, (~np.isnan(rows[n]) for law in when for n in law.names))
        return np.asarray(there & reduce(np.logical_and, (law.kept(rows) for law in when)))


__all__ = ["Conditional"]
