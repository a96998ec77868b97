"""How many rows each class is to have: the default rule, ratios by hand, and the caps that made rows keep.

The default tops each class below the median class up to min(median, 3·n_c) rows. Made rows (synthetic or interpolated)
keep two caps unless they are overridden: at most `cap_class` of them per real row of their class, and at most
`cap_total` per real row in all, so that what is learned from is never more made than real. Duplicates are real rows
and keep no cap.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from synthproof.core.errors import ConfigError
from synthproof.core.words import Words

IntArray = npt.NDArray[np.intp]
Ratio: TypeAlias = str | float | Mapping[Any, int | float]

AT_MOST = 3.0
"""Times its own size that a rare class is topped up to by default, and times the rarest that a common one is cut to."""
CAP_CLASS = 2.0
CAP_TOTAL = 1.0

_ALL = Words(en="in all", ko="전체")


class Counted(Protocol):
    """What amounts are reckoned for: classes, or labels of which a row may carry several."""

    @property
    def counts(self) -> IntArray:
        """Rows of each, shape (n,)."""
        ...

    def position(self, label: Hashable, /) -> int:
        """Return the position of a class or label, -1 when it is none."""
        ...

    def __len__(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Amounts:
    """Rows of each class before and after, both of shape (n_classes,)."""

    before: IntArray
    after: IntArray

    @property
    def added(self) -> IntArray:
        """Rows to be added to each class."""
        more: IntArray = np.maximum(self.after - self.before, 0)
        return more

    @property
    def dropped(self) -> IntArray:
        """Rows to be left out of each class."""
        fewer: IntArray = np.maximum(self.before - self.after, 0)
        return fewer


def rare_classes(counts: IntArray) -> npt.NDArray[np.bool_]:
    """Return which classes lie below the median class and are topped up by default, shape (n_classes,)."""
    return counts < np.median(counts)


def up_amounts(
    classes: Counted,
    ratio: Ratio,
    *,
    made: bool,
    cap_class: float | None = CAP_CLASS,
    cap_total: float | None = CAP_TOTAL,
) -> Amounts:
    """Return how many rows each class has after up-sampling; no class shrinks.

    Parameters
    ----------
    ratio
        ``"auto"``: the default rule; what passes a cap is cut to it. ``"equal"``: as many as the commonest class. A
        number r in (0, 1]: at least r times the commonest. A mapping of class to rows (int) or to such a share (float).
    made
        Whether the added rows are synthetic or interpolated, so that the caps hold.
    cap_class, cap_total
        Made rows per real row of the class, and per real row of all classes; ``None``: no cap.

    Raises
    ------
    ConfigError
        ``balance/bad-ratio``; ``balance/too-much`` when a ratio that was asked for by hand passes a cap.
    """
    before = classes.counts
    if isinstance(ratio, str) and ratio == "auto":
        goal = np.minimum(np.median(before), AT_MOST * before)
        after = np.where(rare_classes(before), np.floor(goal), before).astype(np.intp)
        return Amounts(before, _cut(before, np.maximum(after, before), cap_class, cap_total) if made else after)
    after = np.maximum(_wanted(classes, ratio, of=int(before.max())), before)
    if made:
        _refuse_much(before, after, cap_class, cap_total)
    return Amounts(before, after)


def down_amounts(classes: Counted, ratio: Ratio) -> Amounts:
    """Return how many rows each class keeps after down-sampling; no class grows.

    ``"auto"`` keeps of each class at most three times the rarest; ``"equal"`` as many as the rarest; a number r in
    (0, 1] so many that the rarest is r of it; a mapping as in `up_amounts`.
    """
    before = classes.counts
    least = int(before.min())
    if isinstance(ratio, str) and ratio in ("auto", "equal"):
        after = np.minimum(before, int(AT_MOST * least) if ratio == "auto" else least)
    elif isinstance(ratio, Mapping):
        after = np.minimum(before, _wanted(classes, ratio, of=int(before.max())))
    else:
        after = np.minimum(before, int(np.floor(least / _share(ratio))))
    return Amounts(before, after.astype(np.intp))


def dose_amounts(counts: IntArray, dose: float, rare: npt.NDArray[np.bool_] | None = None) -> IntArray:
    """Return the rows that a dose adds to each class: `dose` per real row of the rare classes, none of the others.

    Rare classes hold at most half of all rows, so up to dose 2 no more is made than there is real. `rare` names others
    to be topped up, shape (n_classes,).
    """
    topped = rare_classes(counts) if rare is None else rare
    return np.where(topped, np.rint(dose * counts), 0).astype(np.intp)


def _cut(before: IntArray, after: IntArray, cap_class: float | None, cap_total: float | None) -> IntArray:
    added = (after - before).astype(np.float64)
    if cap_class is not None:
        added = np.minimum(added, np.floor(cap_class * before))
    room = np.inf if cap_total is None else cap_total * float(before.sum())
    if added.sum() > room:
        added = np.floor(added * (room / added.sum()))
    return before + added.astype(np.intp)


def _refuse_much(before: IntArray, after: IntArray, cap_class: float | None, cap_total: float | None) -> None:
    added = after - before
    if cap_class is not None:
        allowed = np.floor(cap_class * before)
        over = np.flatnonzero(added > allowed)
        if len(over):
            c = int(over[0])
            scope = Words(en=f"for class {c + 1} of {len(before)}", ko=f"범주 {len(before)}개 중 {c + 1}번째의")
            raise _too_much(int(added[c]), int(allowed[c]), "cap_class", cap_class, scope)
    refuse_total(int(added.sum()), int(before.sum()), cap_total)


def refuse_total(added: int, real: int, cap_total: float | None) -> None:
    """Refuse more made rows in all than the cap allows beside so many real ones.

    Raises
    ------
    ConfigError
        ``balance/too-much``.
    """
    if cap_total is not None and added > np.floor(cap_total * real):
        raise _too_much(added, int(cap_total * real), "cap_total", cap_total, _ALL)


def _too_much(asked: int, allowed: int, cap: str, value: float, scope: Words) -> ConfigError:
    return ConfigError("balance/too-much", asked=asked, allowed=allowed, cap=cap, value=value, scope=scope)


def _wanted(classes: Counted, ratio: Ratio, *, of: int) -> IntArray:
    """Return the rows that a ratio by hand asks for; a class that a mapping does not name asks for what it has."""
    if isinstance(ratio, Mapping):
        out = classes.counts.copy()
        for position, (label, asked) in enumerate(ratio.items()):
            c = classes.position(label)
            if c < 0:
                raise _bad(
                    Words(
                        en=f"entry {position + 1} is no class of the target",
                        ko=f"{position + 1}번째 항목은 목표 열의 범주가 아님",
                    )
                )
            out[c] = _rows(asked, of, position)
        return out
    if isinstance(ratio, str):
        if ratio != "equal":
            raise _bad(Words(en="a word other than auto and equal", ko="auto, equal이 아닌 단어"))
        return np.full(len(classes), of, dtype=np.intp)
    return np.full(len(classes), int(np.floor(_share(ratio) * of)), dtype=np.intp)


def out_of_reach(classes: Counted, ratio: Ratio, *, up: bool) -> int:
    """Return how many entries of a mapping ask for fewer rows than there are (of down-sampling: for more): these stay."""
    if not isinstance(ratio, Mapping):
        return 0
    asked, have = _wanted(classes, ratio, of=int(classes.counts.max())), classes.counts
    return int((asked < have).sum() if up else (asked > have).sum())


def _rows(asked: Any, of: int, position: int) -> int:
    if isinstance(asked, int | np.integer) and not isinstance(asked, bool):
        if asked >= 1:
            return int(asked)
    elif isinstance(asked, float | np.floating) and 0 < asked <= 1:
        return int(np.floor(float(asked) * of))
    raise _bad(
        Words(
            en=f"entry {position + 1} is neither a number of rows nor a share in (0, 1]",
            ko=f"{position + 1}번째 항목이 행 수도 0 초과 1 이하의 비율도 아님",
        )
    )


def _share(ratio: Any) -> float:
    if isinstance(ratio, bool) or not isinstance(ratio, int | float | np.number) or not 0 < float(ratio) <= 1:
        raise _bad(Words(en="a number outside (0, 1], or no number", ko="0 초과 1 이하를 벗어난 수이거나 숫자가 아님"))
    return float(ratio)


def _bad(reason: Words) -> ConfigError:
    return ConfigError("balance/bad-ratio", reason=reason)
