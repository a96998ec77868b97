"""How well an attack tells members from others: chosen on half A, counted on half B, with exact intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats as _st

from synthproof.core.stats import auc_interval, clopper_pearson, epsilon_bound, epsilon_ceiling, newcombe

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

FEWEST_ALARMS = 5
"""Others of half A that must be expected over a threshold for a false-alarm rate to be set there."""
FEWEST_CALLED = 5
"""Persons of half A that a threshold must call members at least before it may be chosen as the surest."""


@dataclass(frozen=True, slots=True)
class Attacked:
    """Persons with the scores of every attack.

    Parameters
    ----------
    scores
        By attack, shape (n,).
    member
        Whether a person was learned from.
    chosen_on
        Whether a person is in half A.
    """

    scores: Mapping[str, FloatArray]
    member: BoolArray
    chosen_on: BoolArray

    def among(self, inside: BoolArray) -> Attacked:
        """Return some of the persons."""
        return Attacked({k: v[inside] for k, v in self.scores.items()}, self.member[inside], self.chosen_on[inside])

    def counts(self) -> tuple[int, int, int, int]:
        """Return (members A, others A, members B, others B)."""
        a, m = self.chosen_on, self.member
        return int((a & m).sum()), int((a & ~m).sum()), int((~a & m).sum()), int((~a & ~m).sum())

    def split(self, attack: str, *, half_a: bool) -> tuple[FloatArray, FloatArray]:
        """Return one attack's scores of (members, others) of one half."""
        half = self.chosen_on if half_a else ~self.chosen_on
        x = self.scores[attack]
        return x[half & self.member], x[half & ~self.member]


@dataclass(frozen=True, slots=True)
class Called:
    """Who was called a member on half B by one attack and threshold.

    Parameters
    ----------
    hits, alarms
        Members and others called members.
    members, others
        Members and others of half B.
    """

    attack: str
    threshold: float
    hits: int
    members: int
    alarms: int
    others: int

    def plain(self, delta: float, prevalence: float | None) -> dict[str, Any]:
        """Return rates with exact intervals, epsilon bound, advantage and precision as JSON values."""
        tpr, fpr = clopper_pearson(self.hits, self.members), clopper_pearson(self.alarms, self.others)
        out: dict[str, Any] = {
            "attack": self.attack,
            "called_members": self.hits,
            "called_others": self.alarms,
            "tpr": self.hits / self.members,
            "tpr_interval": tpr,
            "fpr": self.alarms / self.others,
            "fpr_interval": fpr,
            "advantage": self.hits / self.members - self.alarms / self.others,
            "advantage_interval": newcombe(self.hits, self.members, self.alarms, self.others),
            "epsilon_lower_bound": epsilon_bound(self.hits, self.members, self.alarms, self.others, delta=delta),
        }
        if prevalence is not None:
            out["precision_at_prevalence"] = (
                _precision(tpr[0], fpr[1], prevalence),
                _precision(tpr[1], fpr[0], prevalence),
            )
        return out


def auc(attacked: Attacked, level: float = 0.95) -> tuple[str, float, float, float]:
    """Return (attack, AUC, low, high) on half B: the attack is the one of the highest AUC on half A (DeLong).

    Its lower end is its own; the upper end is the highest of all attacks', so that it bounds the strongest of them also
    where half A did not show which that is.
    """
    on_a = {name: auc_interval(*attacked.split(name, half_a=True))[0] for name in attacked.scores}
    on_b = {name: auc_interval(*attacked.split(name, half_a=False), level) for name in attacked.scores}
    best = max(on_a, key=lambda name: on_a[name])
    found, low, _ = on_b[best]
    return best, found, min(low, found), max(found, *(high for _, _, high in on_b.values()))


def aucs(attacked: Attacked) -> dict[str, float]:
    """Return every attack's AUC on half B."""
    return {name: auc_interval(*attacked.split(name, half_a=False))[0] for name in attacked.scores}


def reversed_auc(attacked: Attacked, level: float) -> float:
    """Return the upper bound of the lowest AUC: below 0.5 means that members are *avoided*."""
    on_a = {name: auc_interval(*attacked.split(name, half_a=True))[0] for name in attacked.scores}
    worst = min(on_a, key=lambda name: on_a[name])
    return auc_interval(*attacked.split(worst, half_a=False), level)[2]


def at_false_alarms(attacked: Attacked, rate: float) -> tuple[Called, float] | None:
    """Return the calls at the threshold whose false-alarm rate on half A is at most `rate`, and an upper end of the TPR.

    The attack that finds most members on half A is taken; the upper end is the highest of all attacks'. ``None`` where
    half A has too few others to set the threshold.
    """
    if attacked.counts()[1] * rate < FEWEST_ALARMS:
        return None
    shares: dict[str, float] = {}
    called: dict[str, Called] = {}
    for name in attacked.scores:
        members, others = attacked.split(name, half_a=True)
        threshold = _threshold(others, rate)
        shares[name] = float((members >= threshold).mean())
        called[name] = _called(attacked, name, threshold)
    best = called[max(shares, key=lambda name: shares[name])]
    return best, max(clopper_pearson(c.hits, c.members)[1] for c in called.values())


def most_advantage(attacked: Attacked) -> Called:
    """Return the calls at the threshold of the greatest TPR - FPR on half A (Youden), over all attacks."""
    best: tuple[float, str, float] | None = None
    for name in attacked.scores:
        at, hits, alarms = _curve(*attacked.split(name, half_a=True))
        gain = hits / hits[-1] - alarms / alarms[-1]
        i = int(gain.argmax())
        if best is None or gain[i] > best[0]:
            best = float(gain[i]), name, float(at[i])
    assert best is not None
    return _called(attacked, best[1], best[2])


def surest(attacked: Attacked) -> Called:
    """Return the calls of the attack and threshold that are most surely right on half A.

    Surest: the highest lower end of Wilson's interval of the share of members among those called. A handful of members
    that are recognised beyond doubt beat thousands that are guessed a little better than by a coin: that is what a leak
    of a few copies looks like.
    """
    z = float(_st.norm.ppf(0.975))
    best: tuple[float, str, float] | None = None
    for name in attacked.scores:
        at, hits, alarms = _curve(*attacked.split(name, half_a=True))
        n = hits + alarms
        p = hits / n
        low = (p + z * z / (2 * n) - z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))) / (1 + z * z / n)
        low = np.where(n >= min(FEWEST_CALLED, n[-1]), low, -1.0)
        i = int(low.argmax())
        if best is None or low[i] > best[0]:
            best = float(low[i]), name, float(at[i])
    assert best is not None
    return _called(attacked, best[1], best[2])


def precision(called: Called) -> tuple[float, float, float]:
    """Return the share of members among those called, at even odds, with its exact interval.

    Members and others are equally many, so without knowledge each call is right with probability one half, and under
    epsilon-differential privacy with at most e^epsilon/(1 + e^epsilon) (Steinke, Nasr & Jagielski 2023,
    arXiv 2305.08846).
    """
    n = called.hits + called.alarms
    if n == 0:
        return 0.5, 0.0, 1.0
    low, high = clopper_pearson(called.hits, n)
    return called.hits / n, low, high


def bounds(attacked: Attacked, delta: float) -> dict[str, float]:
    """Return what the size of half B allows an epsilon bound to reach."""
    _, _, members, others = attacked.counts()
    return {"epsilon_ceiling": epsilon_ceiling(members, others, delta=delta), "delta": delta}


def _threshold(others: FloatArray, rate: float) -> float:
    """Return the least score that at most a share `rate` of the others reaches; above all scores if none does."""
    at, counts = np.unique(others, return_counts=True)
    reaching = np.cumsum(counts[::-1])[::-1] / len(others)
    good = np.flatnonzero(reaching <= rate)
    return float(at[good[0]]) if len(good) else float(np.nextafter(at[-1], np.inf))


def _curve(members: FloatArray, others: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return (thresholds falling, members reaching each, others reaching each)."""
    at = np.unique(np.concatenate([members, others]))[::-1]
    hits = len(members) - np.searchsorted(np.sort(members), at, side="left")
    alarms = len(others) - np.searchsorted(np.sort(others), at, side="left")
    return at, hits.astype(np.float64), alarms.astype(np.float64)


def _called(attacked: Attacked, attack: str, threshold: float) -> Called:
    members, others = attacked.split(attack, half_a=False)
    return Called(
        attack=attack,
        threshold=threshold,
        hits=int((members >= threshold).sum()),
        members=len(members),
        alarms=int((others >= threshold).sum()),
        others=len(others),
    )


def _precision(tpr: float, fpr: float, prevalence: float) -> float:
    called = prevalence * tpr + (1 - prevalence) * fpr
    return prevalence * tpr / called if called > 0 else 0.0
