"""Pictures that are nearly the same are collapsed before learning: copies are what generators learn by heart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from synthproof.core.errors import NotFittedError
from synthproof.core.params import Params, check_range
from synthproof.core.run import Run, quiet
from synthproof.core.words import Words
from synthproof.data.image.dataset import ImageSet
from synthproof.engines.picture_hashes import (
    LEAST_CORRELATION,
    LEAST_SIMILARITY,
    Prints,
    alikeness,
    candidates,
    groups_of,
    prints,
)
from synthproof.protection.treatments import Treatment

IntArray = npt.NDArray[np.intp]
FloatArray = npt.NDArray[np.float32]

FIELD = "image"
"""What a picture's pixels are called in receipts and in form 1-4."""
title = Words(en="near-duplicate pictures collapsed", ko="유사 중복 이미지 정리")


class NearDuplicates(Params):
    """Keep one of each group of nearly identical pictures of one class.

    Two pictures are one when their correlation and their structural similarity, after the best small shift and after
    brightness and contrast are matched, both reach the lines below. Of train one picture of each group and class stays,
    the first. Of other data (the holdout) those go as well that nearly equal a picture of train: with them, a copy of
    train would look like what unseen data give anyway.

    Parameters
    ----------
    correlation
        Least correlation, in [0.9, 1]. Measured: recompressed, resized and brightened copies of X-rays lie above
        0.992, other pictures of the same chest below 0.96, the nearest pair among 60,000 digits at 0.991.
    similarity
        Least mean structural similarity, in [0.5, 1].

    Notes
    -----
    Not found: crops, rotations, flips, pictures taken again. Those are other pictures of the same person, and the
    split by person keeps them on one side. Cost for 50,000 pictures of 28 px: 5 s on one core. Held are two hashes of each
    picture; the small copies that they are sifted by (1 KiB each) lie in a temporary file when they are many.
    """

    title = title

    def __init__(self, correlation: float = LEAST_CORRELATION, similarity: float = LEAST_SIMILARITY) -> None:
        self.correlation = correlation
        self.similarity = similarity

    def fit(self, train: ImageSet, /, *, run: Run | None = None) -> Self:
        """Find the groups of train."""
        check_range(self, "correlation", self.correlation, 0.9, 1.0)
        check_range(self, "similarity", self.similarity, 0.5, 1.0)
        self._prints = _prints_of(train, run)
        self.groups_ = self._tied(train, self._prints, run)
        self.train_ = train
        self.kept_ = _first_of_each(self.groups_, train.classes()[0])
        self.counts_ = _counts(train, self.groups_, self.kept_)
        self.crossing_: int | None = None
        self.notices_ = _notices(self.counts_)
        return self

    def grouped(self, data: ImageSet, /, *, run: Run | None = None) -> IntArray:
        """Return for each picture the first picture that is nearly the same, itself if none: shape (n_rows,)."""
        return self._tied(data, _prints_of(data, run), run)

    def _tied(self, data: ImageSet, found: Prints, run: Run | None, *, across: int = 0) -> IntArray:
        job = quiet(run)
        pairs = np.concatenate([candidates(found), _exact(data)])
        if across:  # only pairs from one side to the other
            pairs = pairs[(pairs[:, 0] < across) & (pairs[:, 1] >= across)]
        root = np.arange(data.n_rows)
        true = []
        for at, (i, j) in enumerate(pairs.tolist()):
            if at % 256 == 0:
                job.tick("protect: near-duplicates", at, len(pairs))
            a, b = _root(root, i), _root(root, j)
            if a != b and self._same(data, i, j):
                root[max(a, b)] = min(a, b)
                true.append((i, j))
        return groups_of(data.n_rows, np.array(true, dtype=np.intp).reshape(-1, 2))

    def _same(self, data: ImageSet, i: int, j: int) -> bool:
        a, b = _grey(data, np.array([i, j], dtype=np.intp))
        if np.array_equal(a, b):
            return True
        correlation, similarity = alikeness(a, b)
        return correlation >= self.correlation and similarity >= self.similarity

    def transform(self, data: ImageSet, /) -> ImageSet:
        """Return the pictures that stay, in their order."""
        if not hasattr(self, "groups_"):
            raise NotFittedError("fit/not-fitted", owner=type(self).__name__, call="transform")
        if _is(data, self.train_):
            return data if len(self.kept_) == data.n_rows else data.take_rows(self.kept_)
        found = _prints_of(data, None)
        kept = _first_of_each(self._tied(data, found, None), data.classes()[0])
        in_train = self._in_train(data, found)
        self.crossing_ = int(in_train.sum())
        if self.crossing_:
            self.notices_ = (*_notices(self.counts_), _CROSSING.filled(n=self.crossing_))
        kept = kept[~in_train[kept]]
        return data if len(kept) == data.n_rows else data.take_rows(kept)

    def also_in_train(self, data: ImageSet, /) -> npt.NDArray[np.bool_]:
        """Return which pictures nearly equal one of train: these cross the split. Shape (n_rows,)."""
        return self._in_train(data, _prints_of(data, None))

    def _in_train(self, data: ImageSet, found: Prints) -> npt.NDArray[np.bool_]:
        n = self.train_.n_rows
        both = _Both(self.train_, data)
        groups = self._tied(both, Prints.joined([self._prints, found], both.n_rows), None, across=n)  # type: ignore[arg-type]
        return np.asarray(groups[n:] < n, dtype=np.bool_)

    def receipt(self) -> Mapping[str, Any]:
        """Return counts; no file, no picture."""
        if not hasattr(self, "groups_"):
            raise NotFittedError("fit/not-fitted", owner=type(self).__name__, call="receipt")
        c = self.counts_
        rows = [] if not c["dropped"] else [_treatment(c)]
        return {
            "protection": "image.near_duplicates",
            "version": 1,
            "correlation": self.correlation,
            "similarity": self.similarity,
            "threshold": _LINES.to_dict(),
            **c,
            "crossing_split": self.crossing_,
            "treatments": [r.to_dict() for r in rows],
        }


class _Both:
    """Two sets of pictures, one behind the other, as far as comparing needs them."""

    def __init__(self, first: ImageSet, second: ImageSet) -> None:
        self.first, self.second = first, second
        self.n_rows = first.n_rows + second.n_rows
        self.chain = first.chain

    def pixels(self, rows: IntArray) -> Any:
        n = self.first.n_rows
        places = [(self.first, r) if r < n else (self.second, r - n) for r in rows.tolist()]
        return np.concatenate([part.pixels(np.array([at], dtype=np.intp)) for part, at in places])

    def digests(self) -> list[bytes]:
        return self.first.digests() + self.second.digests()


def _grey(data: Any, rows: IntArray | slice) -> FloatArray:
    """Grey levels 0 … 255, shape (k, side, side)."""
    given = data.pixels(rows).astype(np.float32)
    if data.chain.bits == 16:
        given /= 257.0
    if given.shape[3] == 1:
        return np.asarray(given[..., 0], dtype=np.float32)
    return np.asarray(given @ np.array([0.299, 0.587, 0.114], dtype=np.float32), dtype=np.float32)


def _prints_of(data: ImageSet, run: Run | None) -> Prints:
    job = quiet(run)

    def parts() -> Iterator[Prints]:
        for block in data.batches():
            job.tick("protect: picture hashes", block.start, data.n_rows)
            yield prints(_grey(data, block))

    return Prints.joined(parts(), data.n_rows)


def _exact(data: Any) -> IntArray:
    """Return pairs of pictures with equal pixels, each with the first: also those that show nothing."""
    first: dict[bytes, int] = {}
    pairs = []
    for i, digest in enumerate(data.digests()):
        j = first.setdefault(digest, i)
        if j != i:
            pairs.append((j, i))
    return np.array(pairs, dtype=np.intp).reshape(-1, 2)


def _root(root: IntArray, i: int) -> int:
    while root[i] != i:
        i = int(root[i])
    return i


def _is(a: ImageSet, b: ImageSet) -> bool:
    return a is b or (a.store is b.store and np.array_equal(a.at, b.at) and a.frame is b.frame)


def _first_of_each(groups: IntArray, classes: IntArray) -> IntArray:
    """Return the first picture of each group and class, in order. Groups that cross classes keep one of each."""
    _, first = np.unique(np.stack([groups, classes]), axis=1, return_index=True)
    return np.sort(first).astype(np.intp)


def _counts(data: ImageSet, groups: IntArray, kept: IntArray) -> dict[str, Any]:
    sizes = Counter(groups.tolist())
    several = {g for g, n in sizes.items() if n > 1}
    classes, units = data.classes()[0], data.unit_of_row
    kinds: dict[int, set[int]] = {g: set() for g in several}
    persons: dict[int, set[int]] = {g: set() for g in several}
    for g, k, u in zip(groups.tolist(), classes.tolist(), units.tolist(), strict=True):
        if g in several:
            kinds[g].add(k)
            persons[g].add(u)
    known = data.schema.unit_field is not None
    left = data.n_rows - len(kept)
    return {
        "pictures": data.n_rows,
        "dropped": left,
        "groups": len(several),
        "largest_group": max(sizes.values(), default=0),
        "groups_across_classes": sum(len(k) > 1 for k in kinds.values()),
        "groups_across_persons": sum(len(p) > 1 for p in persons.values()) if known else None,
        "persons_left_out": len(data) - len(np.unique(units[kept])) if known else None,
    }


def _notices(c: Mapping[str, Any]) -> tuple[Words, ...]:
    out = []
    if c["groups_across_classes"]:
        out.append(_CLASSES.filled(n=c["groups_across_classes"]))
    if c["groups_across_persons"]:
        out.append(_PERSONS.filled(n=c["groups_across_persons"]))
    return tuple(out)


def _treatment(c: Mapping[str, Any]) -> Treatment:
    return Treatment(field=FIELD, klass="other", method="delete", detail=_DETAIL.filled(n=c["dropped"], g=c["groups"]))


_DETAIL = Words(
    en="{n} pictures left out of learning that are nearly identical to another of their class ({g} groups).",
    ko="같은 부류의 다른 이미지와 사실상 동일한 {n}장을 학습에서 제외함({g}개 묶음)",
)
_CLASSES = Words(
    en="{n} group(s) of nearly identical pictures bear different labels. One picture of each label was kept; check the "
    "labels.",
    ko="사실상 동일한 이미지 묶음 {n}개에 서로 다른 레이블이 붙어 있습니다. 레이블별로 한 장씩 유지했으니 레이블을 "
    "확인하십시오.",
)
_PERSONS = Words(
    en="{n} group(s) of nearly identical pictures belong to different persons. Check the person numbers: a split by "
    "person would not keep them apart from each other.",
    ko="사실상 동일한 이미지 묶음 {n}개가 서로 다른 사람에게 속해 있습니다. 사람 번호를 확인하십시오. 사람 단위 분할만으로는 "
    "이 이미지들이 학습과 홀드아웃에 나뉘는 것을 막을 수 없습니다.",
)
_CROSSING = Words(
    en="{n} holdout picture(s) are nearly identical to one of train and were left out of the holdout.",
    ko="홀드아웃 이미지 {n}장이 학습 이미지와 사실상 동일하여 홀드아웃에서 제외하였습니다.",
)
_LINES = Words(
    en="Two pictures are one when correlation and structural similarity reach these lines after alignment; the lines "
    "are this tool's, set between recompressed copies and different pictures of the same chest.",
    ko="정렬 후 상관계수와 구조적 유사도가 이 기준에 이르면 동일한 이미지로 봄. 기준은 재압축 복사본과 동일 흉부의 다른 촬영본 "
    "사이에서 정한 이 도구의 설정값임",
)

__all__ = ["FIELD", "NearDuplicates"]
