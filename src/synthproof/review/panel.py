"""The visual Turing test, set up: what is drawn, under which blind names, in which order for whom.

The procedure is fixed before anybody looks: band, number of items a class, readers, time, forced count or free choice.
An item is a picture or the card of a record; this room never sees its content, only its position in the vault.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from synthproof.core.errors import UsageError
from synthproof.core.random import permutation, stream
from synthproof.core.words import Words

Kind: TypeAlias = Literal["card", "image"]
Side: TypeAlias = Literal["real", "synthetic"]
Mode: TypeAlias = Literal["forced", "free"]
SIDES: tuple[Side, ...] = ("real", "synthetic")
SIDE_WORDS: Mapping[Side, Words] = {
    "real": Words(en="real", ko="실제"),
    "synthetic": Words(en="synthetic", ko="합성"),
}
BANDS: Mapping[str, tuple[float, float]] = {"utility": (0.4, 0.6), "safety": (0.3, 0.7)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is fixed before the first reader looks.

    Parameters
    ----------
    kind
        ``card`` (a record's fields) or ``image``.
    n
        Items of each class; the guide's studies took 50, we propose 100.
    band
        Shares between which the result is accepted: (0.4, 0.6) where usefulness comes first, (0.3, 0.7) where safety does.
    mode
        ``forced``: each reader names exactly `n` as synthetic. ``free``: as many as they like.
    readers
        Fewest readers; 2 or more.
    minutes
        Time for the whole panel; 0: no limit.
    confidence
        Whether readers say how sure they are (1 to 5).
    hints
        Text shown in a second round, reported apart; empty: one round.
    training
        Items of each class shown with the answer beforehand; they are not among those that count.
    seed
        Draws items, names and orders.
    """

    kind: Kind = "card"
    n: int = 100
    band: tuple[float, float] = (0.4, 0.6)
    mode: Mode = "forced"
    readers: int = 2
    minutes: int = 60
    confidence: bool = False
    hints: str = ""
    training: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        reason = ""
        if self.n < 2:
            reason = f"{self.n} items a class"
        elif not 0 <= self.band[0] < 0.5 < self.band[1] <= 1:
            reason = f"band {self.band[0]}..{self.band[1]}"
        elif self.readers < 2:
            reason = f"{self.readers} readers"
        elif self.training < 0 or self.minutes < 0:
            reason = "a negative number"
        if reason:
            raise UsageError("panel/bad-plan", reason=reason)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {**asdict(self), "band": list(self.band)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Plan:
        """Read what `to_dict` wrote."""
        known = {f.name for f in fields(cls)}
        values: dict[str, Any] = {k: tuple(v) if k == "band" else v for k, v in data.items() if k in known}
        return cls(**values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing to look at; everything here but `name` is the answer key.

    Parameters
    ----------
    name
        Blind name: 16 hexadecimal digits that say nothing.
    side
        What it is.
    position
        Position among the real, or the synthetic, units.
    stratum
        Class it was drawn from.
    training
        Shown beforehand with its answer; not counted.
    """

    name: str
    side: Side
    position: int
    stratum: str = ""
    training: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Item:
        """Read what `to_dict` wrote."""
        return cls(**data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one reader said of one item.

    Parameters
    ----------
    reader, item
        Who, and the item's blind name.
    says
        ``real`` or ``synthetic``.
    seconds
        Time the item was looked at.
    confidence
        1 to 5, or 0 when it was not asked.
    round
        1, or 2 with hints.
    """

    reader: str
    item: str
    says: Side
    seconds: float = 0.0
    confidence: int = 0
    round: int = 1


def draw(plan: Plan, real: Sequence[str], synthetic: Sequence[str], *, names: int | None = None) -> tuple[Item, ...]:
    """Return the items of a panel, drawn without replacement and with the same strata on both sides.

    Parameters
    ----------
    plan
        How many, and the seed.
    real, synthetic
        Stratum of each unit there is (all the same text where there are none). Shares of the strata among the items are
        those of the synthetic units, rounded by largest remainder; a stratum that one side lacks is not drawn.
    names
        Seed of the blind names; the plan's if absent. Readers see the names, so a seed that can be guessed gives the sides
        away.

    Raises
    ------
    UsageError
        ``panel/bad-plan`` when there are too few units.
    """
    wanted = plan.n + plan.training
    counts = _shares(wanted, real, synthetic)
    drawn: list[tuple[Side, int, str]] = []
    for side, strata in (("real", real), ("synthetic", synthetic)):
        for stratum, k in counts.items():
            places = np.flatnonzero(np.asarray([s == stratum for s in strata]))
            order = permutation(plan.seed, f"panel/{side}/{stratum}", len(places))
            drawn += [(side, int(p), stratum) for p in places[order[:k]]]  # type: ignore[misc]
    # Shuffled within its side, so that training items come from every stratum.
    blind = _names(plan.seed if names is None else names, len(drawn))
    items: list[Item] = []
    for side in SIDES:
        own = [d for d in drawn if d[0] == side]
        order = permutation(plan.seed, f"panel/training/{side}", len(own))
        for place, at in enumerate(order):
            _, position, stratum = own[int(at)]
            items.append(
                Item(
                    name=blind[len(items)],
                    side=side,
                    position=position,
                    stratum=stratum,
                    training=place < plan.training,
                )
            )
    return tuple(sorted(items, key=lambda item: item.name))


def order_for(plan: Plan, items: Sequence[Item], reader: str, *, round: int = 1) -> tuple[str, ...]:  # noqa: A002
    """Return the blind names of the counted items in this reader's own order."""
    names = sorted(item.name for item in items if not item.training)
    order = permutation(plan.seed, f"panel/order/{reader}/{round}", len(names))
    return tuple(names[int(i)] for i in order)


def _shares(wanted: int, real: Sequence[str], synthetic: Sequence[str]) -> dict[str, int]:
    have = {s: min(real.count(s), synthetic.count(s)) for s in sorted(set(real) & set(synthetic))}
    if sum(have.values()) < wanted:
        raise UsageError("panel/bad-plan", reason=f"{wanted} of each class wanted, {sum(have.values())} can be matched")
    total = sum(synthetic.count(s) for s in have)
    ideal = {s: wanted * synthetic.count(s) / total for s in have}
    counts = {s: min(int(ideal[s]), have[s]) for s in have}
    # What rounding and small strata leave over goes where the ideal share is missed most.
    while (left := wanted - sum(counts.values())) > 0:
        open_strata = [s for s in have if counts[s] < have[s]]
        open_strata.sort(key=lambda s: (counts[s] - ideal[s], s))
        for s in open_strata[:left]:
            counts[s] += 1
    return counts


def _names(seed: int, n: int) -> list[str]:
    """Return n different blind names; which one an item gets depends on nothing but its place in the draw."""
    made: npt.NDArray[np.uint64] = stream(seed, "panel/names").integers(0, 2**63, 2 * n + 8, dtype=np.uint64)
    return [f"{int(x):016x}" for x in dict.fromkeys(made.tolist())][:n]
