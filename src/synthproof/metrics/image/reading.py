"""What every image metric asks first, and the pictures it then looks at: whole persons, drawn once, of one size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from synthproof.core.contracts import Case
from synthproof.core.evidence import Card, Evidence
from synthproof.core.random import permutation
from synthproof.core.stats import ranks
from synthproof.core.words import Words
from synthproof.data.image.dataset import ImageSet
from synthproof.metrics.table.answers import NEEDS_HOLDOUT, insufficient, not_applicable, too_few

IntArray = npt.NDArray[np.intp]
FloatArray = npt.NDArray[np.float64]
Side = Literal["train", "holdout", "synthetic"]
SIDES: tuple[Side, ...] = ("train", "holdout", "synthetic")

NO_IMAGES = Words(en="The data are not images.", ko="이미지 데이터가 아닙니다.")
OTHER_CHAIN = Words(
    en="The data sets did not come through the same chain (size, channels, depth), so that nothing can be compared.",
    ko="크기·채널·비트 깊이 등 전처리 과정이 서로 달라 비교할 수 없습니다.",
)
NO_CLASSES = Words(
    en="No label column with two or more classes is declared as a target.",
    ko="두 개 이상의 범주가 있는 라벨 열이 예측 대상으로 지정되어 있지 않습니다.",
)
WHAT: dict[Side, Words] = {
    "train": Words(en="training images", ko="학습 원본 이미지"),
    "holdout": Words(en="unseen images", ko="미학습 원본 이미지"),
    "synthetic": Words(en="synthetic images", ko="합성 이미지"),
}

WHOSE: dict[Side, Words] = {
    "train": Words(en="persons in the training images", ko="학습 원본 이미지의 대상자"),
    "holdout": Words(en="persons in the unseen images", ko="미학습 원본 이미지의 대상자"),
}
FEW_PERSONS = 20
"""Persons a real side under which no interval over persons is given."""


def side_of(case: Case[Any], side: Side) -> ImageSet:
    """Return one data set of the case."""
    found = {"train": case.train, "holdout": case.holdout, "synthetic": case.synthetic}[side]
    assert isinstance(found, ImageSet)
    return found


def unready(
    card: Card, case: Case[Any], seed: int, *, least: int = 1, persons: int = 1, needs: tuple[Side, ...] = SIDES
) -> Evidence | None:
    """Return why a case of images cannot be looked at, or ``None``.

    Parameters
    ----------
    least
        Images that each of the sets named in `needs` must hold.
    persons
        Persons that those of the real sets must show; an interval over persons says nothing of one or two.
    """
    if not isinstance(case.train, ImageSet) or not isinstance(case.synthetic, ImageSet):
        return not_applicable(card, NO_IMAGES, seed=seed)
    if "holdout" in needs and (case.holdout is None or len(case.holdout) == 0):
        return insufficient(card, NEEDS_HOLDOUT, seed=seed)
    for side in needs:
        if side_of(case, side).chain.shape != case.train.chain.shape:
            return insufficient(card, OTHER_CHAIN, seed=seed)
        if (n := side_of(case, side).n_rows) < least:
            return too_few(card, n, least, WHAT[side], seed=seed)
        if side != "synthetic" and (k := len(side_of(case, side))) < persons:
            return too_few(card, k, persons, WHOSE[side], seed=seed)
    return None


def rows_of(images: ImageSet, most: int, seed: int, purpose: str) -> IntArray:
    """Return up to `most` pictures of whole units drawn at random, in the data set's own order.

    A unit that would pass `most` ends the draw; only where that leaves less than half of them (one person with most of the
    pictures), units that do not fit are passed over and one of them fills what is left with some of its pictures.
    """
    if images.n_rows <= most:
        return np.arange(images.n_rows, dtype=np.intp)
    order = permutation(seed, purpose, len(images))
    per_unit = np.bincount(images.unit_of_row, minlength=len(images))
    so_far = np.cumsum(per_unit[order])
    enough = int(np.searchsorted(so_far, most, side="right"))
    taken, more = order[:enough], np.empty(0, dtype=np.intp)
    if enough == 0 or 2 * so_far[enough - 1] < most:
        fitting, left = [], most
        for unit in order.tolist():
            if per_unit[unit] <= left:
                fitting.append(unit)
                left -= int(per_unit[unit])
        taken = np.array(fitting, dtype=np.intp)
        largest = np.flatnonzero(images.unit_of_row == order[enough])
        more = largest[permutation(seed, f"{purpose}/some", len(largest))[:left]]
    chosen = np.zeros(len(images), dtype=bool)
    chosen[taken] = True
    return np.sort(np.concatenate([np.flatnonzero(chosen[images.unit_of_row]), more])).astype(np.intp)


def pieces_of(units: IntArray, k: int, order: IntArray) -> list[IntArray]:
    """Return positions of pictures in k disjoint pieces of one size or nearly so, whole persons in each.

    Parameters
    ----------
    units
        Unit of each picture.
    order
        A random order of the pictures.
    """
    shuffled = units[order]
    if len(np.unique(units)) == len(units):
        return [order[i::k] for i in range(k)]
    _, first, inverse = np.unique(shuffled, return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first))[inverse]  # persons in the order in which their first picture was drawn
    return [order[rank % k == i] for i in range(k)]


def classless(images: Any) -> bool:
    """Return whether pictures have no label, or one class alone: then nothing about classes can be asked."""
    if not isinstance(images, ImageSet):
        return False
    codes = images.classes()[0]
    return not images.targets or len(np.unique(codes[codes >= 0])) < 2


@dataclass(frozen=True, slots=True)
class Classes:
    """The class of every picture by one list of names; -1 where it is not known."""

    names: tuple[str, ...]
    of: dict[Side, IntArray]


def classes_of(case: Case[Any]) -> Classes:
    """Return the classes of all pictures of a case under common names, those of train first."""
    found = {side: side_of(case, side).classes() for side in SIDES if side != "holdout" or case.holdout is not None}
    names: list[str] = []
    for _, known in found.values():
        names += [n for n in known if n not in names]
    codes: dict[Side, IntArray] = {}
    for side, (given, known) in found.items():
        at = np.array([names.index(n) for n in known] + [-1], dtype=np.intp)
        codes[side] = at[given]
    return Classes(tuple(names), codes)


def labels_of(case: Case[Any]) -> dict[Side, FloatArray] | None:
    """Return every picture's yes/no labels, shape (n_rows, labels of train): 1, 0, or NaN where it is not known.

    ``None`` where a picture has one class: then `classes_of` says which.
    """
    names = case.train.several
    if not names:
        return None
    out: dict[Side, FloatArray] = {}
    for side in SIDES:
        if side == "holdout" and case.holdout is None:
            continue
        frame = side_of(case, side).frame
        empty = np.full(len(frame), np.nan)
        columns = [
            frame[n].astype("Float64").to_numpy(dtype=np.float64, na_value=np.nan) if n in frame else empty
            for n in names
        ]
        out[side] = np.stack(columns, axis=1)
    return out


def auc(scores: FloatArray, truth: FloatArray) -> float:
    """Return the chance that a picture with the label scores above one without; NaN where one of them is missing.

    Parameters
    ----------
    truth
        1, 0, or NaN: not known, and not asked.
    """
    known = np.isfinite(truth)
    positive = truth[known] == 1
    n, m = int(positive.sum()), int((~positive).sum())
    if n == 0 or m == 0:
        return float("nan")
    return float((ranks(scores[known])[positive].sum() - n * (n + 1) / 2) / (n * m))


__all__ = [
    "FEW_PERSONS",
    "NO_CLASSES",
    "SIDES",
    "Classes",
    "Side",
    "auc",
    "classes_of",
    "classless",
    "labels_of",
    "pieces_of",
    "rows_of",
    "side_of",
    "unready",
]
