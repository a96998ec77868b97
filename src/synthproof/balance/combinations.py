"""Which combinations of labels are added or thinned, so that rare labels come nearer to the common ones and none pays silently.

Adding a row with a rare label adds all its other labels too. Every step therefore takes the combinations that carry the
label in greatest need and the *fewest labels that need nothing* (Charte et al. 2015, doi:10.1016/j.neucom.2014.08.091, name
the trouble: rare and common labels in the same rows), shared in proportion to how often they occur, so that no few rows are
repeated for ever. What the plan does to each label's rarity is counted afterwards and told, above all where it rose.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synthproof.balance.amounts import Amounts, Ratio, down_amounts, rare_classes, refuse_total, up_amounts
from synthproof.balance.labels import Labels
from synthproof.core.words import Words

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
_PARTS = 8
"""A label's want is filled in so many steps: after each one, what the other labels still want is looked at anew."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Rows of each combination, and of each label, before and after.

    Parameters
    ----------
    groups
        Of the combinations.
    labels
        Of the labels.
    goal
        Rows that each label was to have, shape (labels,).
    """

    groups: Amounts
    labels: Amounts
    goal: IntArray

    @property
    def rarer(self) -> IntArray:
        """Labels that the plan made rarer beside the commonest one: positions, ascending."""
        before, after = _rarity(self.labels.before), _rarity(self.labels.after)
        return np.flatnonzero(after > before * (1 + 1e-9)).astype(np.intp)

    @property
    def missed(self) -> IntArray:
        """Labels that the plan left short of their goal (or above it): positions, ascending."""
        wanted = self.goal - self.labels.before
        got = self.labels.after - self.labels.before
        return np.flatnonzero(np.sign(wanted) * (wanted - got) > 0).astype(np.intp)


def _rarity(counts: IntArray) -> FloatArray:
    """Return how many times rarer than the commonest each label is."""
    out: FloatArray = counts.max() / np.maximum(counts, 1)
    return out


def label_goals(labels: Labels, ratio: Ratio, *, made: bool, cap_class: float | None) -> IntArray:
    """Return how many rows each label is to have after up-sampling: the rules of `amounts.up_amounts`, label by label.

    Raises
    ------
    ConfigError
        ``balance/bad-ratio``; ``balance/too-much`` where a ratio by hand passes the cap of a label.
    """
    return up_amounts(labels, ratio, made=made, cap_class=cap_class, cap_total=None).after


def up_plan(
    labels: Labels,
    goal: IntArray,
    *,
    by_hand: bool,
    cap_class: float | None,
    cap_total: float | None,
) -> Plan:
    """Return how many rows of each combination are added so that the labels come to their goals; none shrinks.

    Parameters
    ----------
    goal
        Of `label_goals`.
    by_hand
        Whether the ratio was asked for: then what passes `cap_total` is refused, else the plan stops there.
    cap_class, cap_total
        Made rows that carry a label per real one that does, and made rows in all per real row; ``None``: no cap
        (duplicates).

    Raises
    ------
    ConfigError
        ``balance/too-much``.

    Notes
    -----
    A label at its goal may rise further, with a rare one beside it, and by `cap_class` at most. Cost
    O(labels · combinations · steps), a step being an eighth of what a label wants.
    """
    before, size = labels.counts, labels.groups.counts
    added = np.zeros(len(size), dtype=np.intp)
    room = np.full(len(before), np.inf) if cap_class is None else np.floor(cap_class * before)
    whole = np.inf if cap_total is None or by_hand else np.floor(cap_total * labels.rows)
    stuck = np.zeros(len(before), dtype=bool)
    while True:
        have = before + labels.of_groups(added)
        short = np.maximum(goal - have, 0)
        wanting = np.where(stuck, 0.0, short / np.maximum(goal, 1))
        left = whole - added.sum()
        if not wanting.any() or left < 1:
            break
        worst = int(wanting.argmax())
        step = _step(labels, worst, short, room - labels.of_groups(added), size)
        step = _at_most(step, left)
        stuck[worst] = not step.any()
        added += step
    if by_hand:
        refuse_total(int(added.sum()), labels.rows, cap_total)
    groups = Amounts(size, size + added)
    return Plan(groups, Amounts(before, labels.of_groups(groups.after)), goal)


def _step(labels: Labels, worst: int, short: IntArray, room: FloatArray, size: IntArray) -> IntArray:
    """Return rows to add of the combinations that carry the label in need and the fewest that need nothing."""
    out = np.zeros(len(size), dtype=np.intp)
    kinds = labels.kinds
    able = np.flatnonzero(kinds[:, worst] & ~(kinds & (room < 1)).any(axis=1) & (size > 0))
    if not len(able):
        return out
    burden = (kinds[able] & (short <= 0)).sum(axis=1)
    best = able[burden == burden.min()]
    wanted = max(1, int(short[worst]) // _PARTS)
    for g, n in zip(best, shared(wanted, size[best]), strict=True):
        n = min(int(n), int(min(float(room[kinds[g]].min()), 10**9)))
        out[g] = n
        room = room - n * kinds[g]
    if not out.any():
        out[best[0]] = 1
    return out


def down_plan(labels: Labels, ratio: Ratio) -> Plan:
    """Return how many rows of each combination stay after down-sampling; no row of a label that is not too common goes.

    A row goes only when *every* label it carries lies above its goal, so that thinning a common label never costs a
    rare one. What cannot be reached so is told.
    """
    before, size = labels.counts, labels.groups.counts
    goal = down_amounts(labels, ratio).after
    dropped = np.zeros(len(size), dtype=np.intp)
    stuck = np.zeros(len(before), dtype=bool)
    while True:
        over = before - labels.of_groups(dropped) - goal
        wanting = np.where(stuck | (over <= 0), 0.0, over / np.maximum(before, 1))
        if not wanting.any():
            break
        worst = int(wanting.argmax())
        able = np.flatnonzero(labels.kinds[:, worst] & ~(labels.kinds & (over <= 0)).any(axis=1) & (size - dropped > 0))
        if not len(able):
            stuck[worst] = True
            continue
        step = np.zeros(len(size), dtype=np.intp)
        room = over.astype(np.float64)
        for g, n in zip(able, shared(max(1, int(over[worst]) // _PARTS), (size - dropped)[able]), strict=True):
            n = min(int(n), int(size[g] - dropped[g]), int(room[labels.kinds[g]].min()))
            step[g] = n
            room = room - n * labels.kinds[g]
        if not step.any():
            step[able[0]] = 1
        dropped += step
    groups = Amounts(size, size - dropped)
    return Plan(groups, Amounts(before, labels.of_groups(groups.after)), goal)


def dose_plan(labels: Labels, dose: float) -> IntArray:
    """Return the rows of each combination that a dose adds: `dose` per real row of each rare label, as near as may be."""
    counts = labels.counts
    goal = counts + np.where(rare_classes(counts), np.rint(dose * counts), 0).astype(np.intp)
    return up_plan(labels, goal, by_hand=False, cap_class=None, cap_total=None).groups.added


def told_plan(labels: Labels, plan: Plan) -> tuple[Words, ...]:
    """Return what a plan could not reach, and which labels it made rarer beside the commonest."""
    out = []
    if len(plan.missed):
        words = Words(
            en="{k} of {n} labels did not come to their goal ({names}): the rows that carry them also carry labels that were "
            "not to change, or a cap was reached.",
            ko="라벨 {n}개 중 {k}개는 목표에 이르지 못했습니다({names}). 해당 행에 바꾸지 않을 라벨이 함께 있거나 상한에 이르렀습니다.",
        )
        out.append(words.filled(k=len(plan.missed), n=len(labels), names=_names(labels, plan.missed)))
    if len(plan.rarer):
        words = Words(
            en="Made worse: {k} of {n} labels are rarer beside the commonest one than before ({names}).",
            ko="악화: 라벨 {n}개 중 {k}개는 가장 흔한 라벨에 비해 이전보다 드물어졌습니다({names}).",
        )
        out.append(words.filled(k=len(plan.rarer), n=len(labels), names=_names(labels, plan.rarer)))
    return tuple(out)


def _names(labels: Labels, positions: IntArray) -> str:
    # labels are names of columns, not values of cells
    shown = [labels.names[i] for i in positions[:10]]
    return ", ".join(shown) + (" …" if len(positions) > 10 else "")


def shared(n: int, sizes: IntArray) -> IntArray:
    """Return n split in proportion to sizes, in whole numbers that sum to n (largest remainders)."""
    exact = n * sizes / max(1, int(sizes.sum()))
    out = np.floor(exact).astype(np.intp)
    rest = np.argsort(-(exact - out), kind="stable")[: n - int(out.sum())]
    out[rest] += 1
    return out


def _at_most(step: IntArray, left: float) -> IntArray:
    """Return a step cut to what is left in all."""
    if step.sum() <= left:
        return step
    return shared(int(left), step)


__all__ = ["Plan", "dose_plan", "down_plan", "label_goals", "shared", "told_plan", "up_plan"]
