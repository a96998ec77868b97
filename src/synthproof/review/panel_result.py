"""What a visual Turing test shows: realism, never safety. A copy of an original would score perfectly.

Two answers stand side by side, because they can disagree: whether the share of hits lies in the band, and whether the
readers could tell the classes apart at all (exact test of guessing).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import bdtr, bdtrc, gammaln

from synthproof.core.errors import UsageError
from synthproof.core.stats import clopper_pearson
from synthproof.review.panel import Item, Mode, Plan, Reading

ALPHA = 0.05
POWER = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderResult:
    """One reader.

    Parameters
    ----------
    reader
        Id.
    hits
        Right answers.
    n
        Items judged.
    sensitivity
        Share of the synthetic items called synthetic.
    specificity
        Share of the real items called real.
    score
        The guide's: synthetic items found, of all synthetic ones. With forced count it equals hits / n.
    seconds
        Median time of an item.
    p
        Exact two-sided probability of so many hits, or fewer, by guessing alone.
    """

    reader: str
    hits: int
    n: int
    sensitivity: float
    specificity: float
    score: float
    seconds: float
    p: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelResult:
    """All readers of one round.

    Parameters
    ----------
    readers
        One by one.
    share, interval
        Share of right answers over all readers with its exact interval (Clopper-Pearson, 95 %). Readers look at the
        same items, so their answers are not quite independent and the interval is a little too short.
    in_band
        Whether the share lies in the band of the plan.
    distinguishable
        Whether guessing alone would give such a share in fewer than 5 % of panels (exact, two-sided): the readers
        could tell the classes apart, or were misled by them.
    p
        That probability.
    equivalent
        Whether both one-sided tests put the share inside the band (TOST, 5 %).
    enough
        Judgements with which pure guessing would be shown to lie in the band with probability 0.8.
    kappa
        Fleiss' agreement beyond chance; ``None`` for one reader or no variation.
    caught
        Blind names of synthetic items that every reader found.
    missed
        Blind names of real items that every reader took for synthetic.
    round
        1, or 2 with hints.
    """

    readers: tuple[ReaderResult, ...]
    share: float
    interval: tuple[float, float]
    n: int
    band: tuple[float, float]
    in_band: bool
    distinguishable: bool
    p: float
    equivalent: bool
    enough: int
    kappa: float | None
    caught: tuple[str, ...]
    missed: tuple[str, ...]
    round: int = 1

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        out: dict[str, Any] = {name: getattr(self, name) for name in self.__dataclass_fields__}
        out["readers"] = [{n: getattr(r, n) for n in r.__dataclass_fields__} for r in self.readers]
        for name in ("interval", "band", "caught", "missed"):
            out[name] = list(out[name])
        return out

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> PanelResult:
        """Read what `to_dict` wrote."""
        tuples = {k: tuple(data[k]) for k in ("interval", "band", "caught", "missed")}
        return cls(**{**data, **tuples, "readers": tuple(ReaderResult(**r) for r in data["readers"])})


def evaluate(plan: Plan, items: Sequence[Item], readings: Sequence[Reading], *, round: int = 1) -> PanelResult:  # noqa: A002
    """Return the result of one round.

    Parameters
    ----------
    readings
        All that was said; readers who did not judge every item are left out, of double readings the first counts.

    Raises
    ------
    UsageError
        ``panel/incomplete`` with fewer whole readers than the plan asks for; ``panel/bad-plan`` when a reader of a
        forced count named another number as synthetic.
    """
    key = {item.name: item.side for item in items if not item.training}
    said: dict[str, dict[str, Reading]] = {}
    for reading in readings:
        if reading.round == round and reading.item in key:
            said.setdefault(reading.reader, {}).setdefault(reading.item, reading)
    whole = {reader: given for reader, given in sorted(said.items()) if len(given) == len(key)}
    if len(whole) < plan.readers:
        raise UsageError("panel/incomplete", reason=f"{len(whole)} of {plan.readers} readers have finished")
    per_reader = tuple(_reader(name, given, key, plan.mode) for name, given in whole.items())
    hits, n = sum(r.hits for r in per_reader), sum(r.n for r in per_reader)
    p = _guessing(hits, [r.n for r in per_reader], plan.mode)
    low, high = plan.band
    names = sorted(key)
    votes = np.array([[whole[r][name].says == "synthetic" for r in whole] for name in names])
    synthetic = np.array([key[name] == "synthetic" for name in names])
    everyone = votes.all(axis=1)
    return PanelResult(
        readers=per_reader,
        share=hits / n,
        interval=clopper_pearson(hits, n),
        n=n,
        band=plan.band,
        in_band=low <= hits / n <= high,
        distinguishable=p < ALPHA,
        p=p,
        equivalent=equivalent(hits, n, plan.band),
        enough=enough(plan.band),
        kappa=fleiss_kappa(votes.sum(axis=1), len(whole)),
        caught=tuple(name for name, c in zip(names, everyone & synthetic, strict=True) if c),
        missed=tuple(name for name, c in zip(names, everyone & ~synthetic, strict=True) if c),
        round=round,
    )


def _reader(name: str, given: Mapping[str, Reading], key: Mapping[str, str], mode: Mode) -> ReaderResult:
    n_synthetic = sum(side == "synthetic" for side in key.values())
    found = sum(given[i].says == "synthetic" for i, side in key.items() if side == "synthetic")
    false = sum(given[i].says == "synthetic" for i, side in key.items() if side == "real")
    n_real = len(key) - n_synthetic
    if mode == "forced" and found + false != n_synthetic:
        raise UsageError("panel/bad-plan", reason=f"{found + false} items named synthetic, {n_synthetic} asked for")
    hits = found + n_real - false
    return ReaderResult(
        reader=name,
        hits=hits,
        n=len(key),
        sensitivity=found / n_synthetic,
        specificity=(n_real - false) / n_real,
        score=found / n_synthetic,
        seconds=float(np.median([r.seconds for r in given.values()])),
        p=_guessing(hits, [len(key)], mode),
    )


def _guessing(hits: int, sizes: Sequence[int], mode: Mode) -> float:
    """Return the two-sided exact probability of so extreme a number of hits when every reader guesses.

    Free choice: binomial. Forced count: each reader's found items are hypergeometric, and hits are twice those; the sum
    over readers is convolved. Doubling the smaller tail is exact for these symmetric laws. Cost O(readers² n²).
    """
    if mode == "free":
        n = sum(sizes)
        tail = min(float(bdtr(hits, n, 0.5)), float(bdtrc(hits - 1, n, 0.5)) if hits else 1.0)
        return min(1.0, 2 * tail)
    law = np.ones(1)
    for size in sizes:
        law = np.convolve(law, _hypergeometric(size // 2))
    found = hits // 2
    return float(min(1.0, 2 * min(law[: found + 1].sum(), law[found:].sum())))


def _hypergeometric(n: int) -> npt.NDArray[np.float64]:
    """Return the law of the synthetic items among n picked out of n synthetic and n real ones."""
    k = np.arange(n + 1)
    log_choose = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
    weights = 2 * log_choose
    law: npt.NDArray[np.float64] = np.exp(weights - weights.max())
    law /= law.sum()
    return law


def equivalent(hits: int, n: int, band: tuple[float, float], alpha: float = ALPHA) -> bool:
    """Return whether two one-sided exact binomial tests put the share inside the band (Schuirmann 1987)."""
    low, high = band
    over_low = float(bdtrc(hits - 1, n, low)) if hits else 1.0
    return over_low <= alpha and float(bdtr(hits, n, high)) <= alpha


@cache
def enough(band: tuple[float, float], alpha: float = ALPHA, power: float = POWER) -> int:
    """Return the fewest independent judgements with which pure guessing is shown to lie in the band.

    Exact: the probability, at a true share of one half, that `equivalent` holds is at least `power` for this number
    and the twenty after it (it moves in small saws). Cost a few milliseconds.
    """
    n, since = 4, 0
    while n < 100_000:
        counts = np.arange(n + 1)
        inside = (bdtrc(counts - 1, n, band[0]) <= alpha) & (bdtr(counts, n, band[1]) <= alpha)
        inside[0] = False
        met = counts[inside]
        reached = 0.0
        if len(met):
            below = float(bdtr(met[0] - 1, n, 0.5)) if met[0] else 0.0
            reached = float(bdtr(met[-1], n, 0.5)) - below
        since = since + 1 if reached >= power else 0
        if since > 20:
            return n - 20
        n += 1
    return n


def fleiss_kappa(votes: npt.NDArray[np.int_], readers: int) -> float | None:
    """Return Fleiss' kappa of yes-no answers (Fleiss 1971, doi:10.1037/h0031619).

    Parameters
    ----------
    votes
        Number of readers who said yes, shape (items,).
    readers
        Number of readers, the same for each item.

    Returns
    -------
    float or None
        From -1/(readers - 1) to 1; ``None`` when there is one reader or everybody always said the same.
    """
    if readers < 2 or not len(votes):
        return None
    yes = votes / readers
    share = float(yes.mean())
    chance = share**2 + (1 - share) ** 2
    if chance >= 1.0:
        return None
    pairs = votes * (votes - 1) + (readers - votes) * (readers - votes - 1)
    agreed = float((pairs / (readers * (readers - 1))).mean())
    return (agreed - chance) / (1 - chance)
