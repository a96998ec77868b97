"""Train against control: excesses whose null is that nobody can tell learned persons from unseen ones, by unit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats as st

from synthproof.core.contracts import Case
from synthproof.core.evidence import Card, Evidence
from synthproof.core.stats import clopper_pearson, newcombe, wilson
from synthproof.core.words import Words
from synthproof.metrics.table.footing import Footing, UnitArray, footing, lacks, share

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

SURE = 0.999
"""Level at which the holdout is taken for seen: clean data trip it once in 2,000 runs."""
FOUR_IN_TEN_THOUSAND = 0.0004
"""The "0.04 %" that is often quoted; no rule of HIPAA contains it."""

HOLDOUT_SEEN = Words(
    en="Control persons fare worse than persons who were learned from, more than chance allows. The holdout was not "
    "unseen (was it learned from, handed out, or mixed up with train?), or synthetic records near train were taken out "
    "afterwards; either way nothing can be concluded from it.",
    ko="학습에 쓰이지 않았다는 대조군이 학습된 사람보다 우연 이상으로 더 잘 드러납니다. 홀드아웃이 학습에 쓰였거나 그대로 "
    "제공되었거나 학습 원본과 뒤바뀌었거나, 원본에 가까운 합성 레코드를 나중에 제거한 것으로 보이므로 이를 근거로 판단할 수 없습니다.",
)
_NO_HIT = Words(
    en="{n} attacks on persons learned from, no hit: their rate is below {bound} (95 %, one-sided). The often quoted "
    "0.04 % would need {needed} attacks without a hit.",
    ko="학습된 사람에 대한 공격 {n}건 중 성공은 없으며, 성공률은 {bound} 미만입니다(95%, 단측). 흔히 인용되는 0.04%를 말하려면 "
    "성공 없는 공격 {needed}건이 필요합니다.",
)


@dataclass(frozen=True, slots=True)
class Excess:
    """How much more often persons who were learned from are hit than control persons.

    Parameters
    ----------
    low, high
        The interval at 95 %.
    surely_below
        Upper end at 99.9 %: below 0 it says that the holdout was seen.
    """

    estimate: float
    low: float
    high: float
    surely_below: float


def of_attacks(
    carried: FloatArray, missed: FloatArray, n_train: int, n_holdout: int, attacks: float, level: float = 0.95
) -> Excess:
    """Return the excess of attacks that start from the synthetic data and end at real persons.

    Parameters
    ----------
    carried, missed
        Share of all attacks that hit each unit of train and of the holdout.
    n_train, n_holdout
        Rows of both; their ratio is what an innocent attack's hits are shared out by.
    attacks
        Number of independent attacks.

    Notes
    -----
    Train and holdout are exchangeable before learning, so of all hits the share q = n_train / (n_train + n_holdout)
    should lie in train; the excess is (carried - q · all) / (1 - q) = rate on train less the rate on the holdout at
    train's size. No thinning. Its variance is that of drawing the training units from all real units without
    replacement (Cochran 1977, *Sampling Techniques*, ch. 2): exact for every pattern of repeated hits. The spread of
    the attacks themselves comes in by Wilson's interval of the excess, added in squares. Cost O(units).
    """
    found, sd = _drawn_without_replacement(carried, missed, n_train, n_holdout)
    copied = min(1.0, max(0.0, found))

    def ends(level: float) -> tuple[float, float]:
        z = float(st.norm.ppf(0.5 + level / 2))
        low, high = wilson(copied * attacks, attacks, level)
        return found - math.hypot(z * sd, copied - low), found + math.hypot(z * sd, high - copied)

    return _clipped(found, ends(level), ends(SURE)[1])


def _drawn_without_replacement(
    carried: FloatArray, missed: FloatArray, n_train: int, n_holdout: int
) -> tuple[float, float]:
    q = n_train / (n_train + n_holdout)
    totals = np.concatenate([carried, missed])
    found = float(carried.sum() - q * totals.sum()) / (1 - q)
    units, of_train = len(totals), len(carried)
    spread = float(totals.var(ddof=1)) if units > 1 else 0.0
    return found, math.sqrt(of_train * (units - of_train) / units * spread) / (1 - q)


def of_targets(train: FloatArray, units: UnitArray, control: FloatArray, control_units: UnitArray) -> Excess:
    """Return the excess of attacks that start from real persons: mean success on train less mean success on control.

    Parameters
    ----------
    train, control
        Success of each row, in [0, 1]; part of a success counts as part.
    units, control_units
        Unit of each row.

    Notes
    -----
    Success of one target does not depend on how many others there are, so the arms need not be of equal size.
    Newcombe's interval (method 10) of two Wilson intervals, each with the number of independent attacks that its mean
    is worth: p(1 - p) over the variance of the mean by unit, no fewer than half the units. Averages over many attacks
    on one person are worth more than one; rows of one person less.
    """
    n, m = worth(train, units), worth(control, control_units)
    p, q = float(train.mean()), float(control.mean())
    return _clipped(p - q, newcombe(p * n, n, q * m, m), newcombe(p * n, n, q * m, m, SURE)[1])


def worth(x: FloatArray, units: UnitArray) -> float:
    """Return how many independent yes-or-no attacks the mean of `x` is worth."""
    n_units = len(np.unique(units))
    p = float(x.mean()) if len(x) else 0.0
    if n_units < 2 or not 0.0 < p < 1.0:
        return float(n_units)
    sums = np.bincount(units, weights=x - p)
    variance = float((sums**2).sum()) * n_units / (n_units - 1) / len(x) ** 2
    # A mean of a handful of fractional successes has a variance of its own luck: few hits bound how much it may claim.
    most = float(n_units) * max(1.0, min(10.0, float(np.count_nonzero(np.bincount(units, weights=x))) / 10.0))
    return min(most, p * (1 - p) / variance) if variance > 0 else float(n_units)


def _clipped(found: float, ends: tuple[float, float], surely_below: float) -> Excess:
    low, estimate, high = (float(np.clip(x, -1.0, 1.0)) for x in (ends[0], found, ends[1]))
    return Excess(estimate, min(low, estimate), max(high, estimate), surely_below)


def persons_met(base: Footing, train: IntArray, holdout: IntArray, whole: int) -> dict[str, int]:
    """Return how many persons of train and of the holdout were met, of how many, for an exact test.

    Parameters
    ----------
    train, holdout
        Rows that were met. Which of the pooled real rows are met must not depend on which of them were learned from.
    whole
        What the estimate is a share of: synthetic units, or persons attacked.
    """
    return {
        "train": len(np.unique(base.units["train"][train])),
        "holdout": len(np.unique(base.units["holdout"][holdout])),
        "of_train": len(np.unique(base.units["train"])),
        "of_holdout": len(np.unique(base.units["holdout"])),
        "whole": whole,
    }


def evidence(
    card: Card,
    found: Excess,
    *,
    subject: str,
    n: int,
    seed: int,
    detail: Mapping[str, Any],
    private: Mapping[str, Any],
    caveat: Words | None,
) -> Evidence:
    """Return an excess as evidence with reference 0, or *insufficient* where the holdout cannot be unseen."""
    common: dict[str, Any] = {
        "metric": card.id,
        "version": card.version,
        "subject": subject,
        "n": n,
        "seed": seed,
        "detail": detail,
        "private": private,
    }
    if found.surely_below < 0:
        return Evidence(**common, outcome="insufficient", caveat=HOLDOUT_SEEN)
    return Evidence(**common, estimate=found.estimate, interval=(found.low, found.high), reference=0.0, caveat=caveat)


def bound_words(hits: float, attacks: float) -> Words | None:
    """Return what no hit in n attacks allows to say, and what 0.04 % would need; ``None`` where there were hits."""
    if hits > 0 or attacks < 1:
        return None
    bound = 1 - 0.05 ** (1 / attacks)
    needed = math.ceil(math.log(0.05) / math.log1p(-FOUR_IN_TEN_THOUSAND))
    return _NO_HIT.filled(n=f"{attacks:,.0f}", bound=f"{bound:.2%}", needed=f"{needed:,}")


def rate(hits: float, attacks: float) -> dict[str, Any]:
    """Return a rate of independent attacks as JSON, with Clopper and Pearson's interval of its rounded count."""
    low, high = clopper_pearson(round(hits), round(attacks))
    return {"estimate": hits / attacks if attacks else None, "interval": [low, high], "attacks": round(attacks)}


def unusable(case: Case[Any]) -> Words | None:
    """Return why train cannot be compared with a control, or ``None``."""
    if why := lacks(case, holdout=True):
        return why
    base = footing(case)
    seen = case.cache.get("table.footing/holdout_seen")
    if not isinstance(seen, bool):
        seen = case.cache["table.footing/holdout_seen"] = holdout_seen(base)
    return HOLDOUT_SEEN if seen else None


def holdout_seen(base: Footing) -> bool:
    """Return whether the synthetic data repeat the holdout as only data made from it can.

    Two things must hold at 99.9 %: the excess of exact copies lies below 0, and holdout records are met more often
    than train itself meets them. The first alone also follows from dropping copies of train, as the guide advises.
    """
    size = 1 + max(int(ids.max(initial=0)) for ids in base.ids.values())
    a, b, drawn = (np.bincount(base.ids[name], minlength=size) for name in ("train", "holdout", "synthetic"))
    met = share(b[base.ids["synthetic"]] > 0, base.units["synthetic"])
    chance = share(b[base.ids["train"]] > 0, base.units["train"])
    more, _ = newcombe(met.estimate * met.n, met.n, chance.estimate * chance.n, chance.n, SURE)
    return more > 0 and copies(np.where(a + b > 0, drawn, 0), a, b, base).surely_below < 0


def copies(
    drawn: npt.NDArray[np.intp], in_train: npt.NDArray[np.intp], in_holdout: npt.NDArray[np.intp], base: Footing
) -> Excess:
    """Return the excess of copied training records; the first three arguments count rows per distinct record.

    Each real row carries the synthetic rows that equal it, shared out evenly.
    """
    n_synthetic = len(base.ids["synthetic"])
    times = in_train + in_holdout
    weight = np.divide(drawn, times * n_synthetic, out=np.zeros(len(drawn)), where=times > 0)
    carried = np.bincount(base.units["train"], weights=weight[base.ids["train"]]).astype(np.float64, copy=False)
    missed = np.bincount(base.units["holdout"], weights=weight[base.ids["holdout"]]).astype(np.float64, copy=False)
    return of_attacks(carried, missed, len(base.ids["train"]), len(base.ids["holdout"]), n_synthetic)
