"""Near copies class by class: a leak that is confined to a rare class must show, and ten classes must not cry wolf."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import pdtrc

from synthproof.core.evidence import Card, Evidence
from synthproof.core.stats import clopper_pearson, newcombe
from synthproof.core.words import Words

IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]

WORST = "worst class"
_DRAWN_IN = 10
"""Unseen pictures by which a class's share of near ones is drawn to that of all classes."""

_READ = Words(
    en="The class whose flagged images are least likely by chance, of {classes}: “{name}”. Interval and chance are corrected for "
    "the number of classes.",
    ko="클래스 {classes}개 중 발견된 이미지를 우연으로 설명하기 가장 어려운 클래스: “{name}”. 구간과 확률은 클래스 수로 보정하였습니다.",
)


@dataclass(frozen=True, slots=True)
class Flagged:
    """Pictures of one side: class, whether under a limit, and of unseen ones whether in the tail it was read from.

    Parameters
    ----------
    classes
        Code of each picture, -1 where unknown.
    under
        Flagged as copies.
    near
        Among the nearest tenth, which tells how dense a class lies; unseen pictures alone.
    """

    classes: IntArray
    under: BoolArray
    near: BoolArray | None = None


@dataclass(frozen=True, slots=True)
class _OfClass:
    name: str
    hits: int
    n: int
    met: int
    m: int
    chance: float

    def interval(self, level: float) -> tuple[float, float]:
        """Return the interval of the share over that of unseen pictures."""
        low, high = interval_of(self.hits, self.n, self.met, self.m, level)
        return min(low, self.excess), max(high, self.excess)

    @property
    def excess(self) -> float:
        return self.hits / self.n - (self.met / self.m if self.m else 0.0)


def interval_of(hits: int, n: int, met: int, m: int, level: float = 0.95) -> tuple[float, float]:
    """Return the interval of flagged shares, synthetic less unseen.

    What unseen pictures explain is taken off the lower end alone: no picture that lies under the limits is excluded from
    being a copy because the source holds duplicates, so the upper end is that of the flagged ones by themselves.
    """
    alone = clopper_pearson(hits, n, level)
    return alone if met == 0 else (newcombe(hits, n, met, m, level)[0], alone[1])


def by_class(
    card: Card, drawn: Flagged, unseen: Flagged, names: Sequence[str], expected: float, *, seed: int
) -> list[Evidence]:
    """Return one piece of evidence a class, and `WORST`; nothing where there are not two classes with pictures.

    Parameters
    ----------
    expected
        Innocent pictures that fall under the limits in all.

    Notes
    -----
    A class's chance without a leak is Poisson's for its share of `expected`: its number of pictures, more where its
    unseen pictures lie nearer than those of other classes; where unseen pictures are flagged too, Fisher's exact test
    within the class. The worst class is the one of the least chance; its chance and interval are corrected for the
    number of classes (Bonferroni), so that of innocent sets one in twenty has its interval above 0 in any class.
    """
    found = [c for i, name in enumerate(names) if (c := _of_class(name, i, drawn, unseen, expected)) is not None]
    if len(found) < 2:
        return []
    worst = min(found, key=lambda c: (c.chance, -c.interval(0.95)[1]))
    k = len(found)
    told = _READ.filled(classes=k, name=worst.name)
    out = [_evidence(card, WORST, worst, 1 - 0.05 / k, min(1.0, k * worst.chance), seed, told, classes=k)]
    return out + [_evidence(card, f"class {c.name}", c, 0.95, c.chance, seed, None, classes=k) for c in found]


def _evidence(
    card: Card, subject: str, c: _OfClass, level: float, chance: float, seed: int, told: Words | None, *, classes: int
) -> Evidence:
    return Evidence(
        metric=card.id,
        version=card.version,
        subject=subject,
        estimate=c.excess,
        interval=c.interval(level),
        reference=0.0,
        n=c.n,
        seed=seed,
        detail={
            "class": c.name,
            "classes": classes,
            "copies": c.hits,
            "images": c.n,
            "unseen_that_repeat": c.met,
            "unseen_looked_at": c.m,
            "chance_without_leak": chance,
        },
        caveat=told,
    )


def _of_class(name: str, code: int, drawn: Flagged, unseen: Flagged, expected: float) -> _OfClass | None:
    here, there = drawn.classes == code, unseen.classes == code
    n, m = int(here.sum()), int(there.sum())
    if n == 0:
        return None
    hits, met = int(drawn.under[here].sum()), int(unseen.under[there].sum())
    everywhere, whole = int(unseen.under.sum()), len(unseen.under)
    if hits == 0:
        chance = 1.0
    elif everywhere:
        from scipy.stats import hypergeom

        # A class without unseen pictures has nobody of its own to be compared with: all unseen ones stand in.
        others, repeated = (m, met) if m else (whole, everywhere)
        chance = float(hypergeom.sf(hits - 1, n + others, hits + repeated, n))
    else:
        near = unseen.under if unseen.near is None else unseen.near
        of_all = float(near.mean())
        dense = (int(near[there].sum()) + _DRAWN_IN * of_all) / (m + _DRAWN_IN)
        share = min(1.0, n / len(here) * max(1.0, dense / of_all if of_all else 1.0))
        chance = float(pdtrc(hits - 1, expected * share))
    return _OfClass(name, hits, n, met, m, chance)


__all__ = ["WORST", "Flagged", "by_class", "interval_of"]
