"""Average precision of found boxes, matched by pycocotools; accumulated again for every resample of persons.

Matching boxes is what takes long and knows one picture at a time, so it is done once; a resample only counts pictures
more or less often. That pycocotools' own accumulation gives the same numbers is held by a test.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]

LIBRARY = "pycocotools"
RECALLS = np.linspace(0.0, 1.0, 101)
MOST_FOUND = 100


@dataclass(frozen=True, slots=True)
class Boxes:
    """Boxes of one picture: corners (k, 4), classes (k,), and for found ones scores (k,)."""

    corners: FloatArray
    classes: IntArray
    scores: FloatArray | None = None


@dataclass(frozen=True, slots=True)
class OfClass:
    """What was found of one class, surest first.

    Parameters
    ----------
    hit
        Whether a box was matched, at each of ten overlaps (0.5 to 0.95): shape (10, d).
    picture
        Which picture each box was found in, shape (d,).
    boxes
        True boxes a picture, shape (n,).
    """

    hit: BoolArray
    picture: IntArray
    boxes: IntArray


@dataclass(frozen=True, slots=True)
class Tally:
    """Found boxes of all pictures, matched.

    Parameters
    ----------
    precision
        Average precision by class and overlap as pycocotools gives it, shape (classes, 10); nan without a true box.
    of
        The matches of each class.
    """

    precision: FloatArray
    of: tuple[OfClass, ...]

    def weighed(self, weights: IntArray) -> FloatArray:
        """Return the average precision when each picture counts so often, shape (classes, 10)."""
        return np.stack([_precision(c, weights) for c in self.of])


def installed() -> bool:
    """Return whether pycocotools is there."""
    return find_spec(LIBRARY) is not None


def tally(truth: Sequence[Boxes], found: Sequence[Boxes], n_classes: int) -> Tally:
    """Return found boxes matched to true ones as COCO does it: at ten overlaps, at most 100 boxes a picture.

    Parameters
    ----------
    truth, found
        One entry a picture.

    Notes
    -----
    Lin et al. 2014, arXiv:1405.0312; the library prints what it does, which is kept from the screen. Cost: 1 ms a
    picture and class.
    """
    with contextlib.redirect_stdout(io.StringIO()):
        judged = _judged(truth, found, n_classes)
        judged.evaluate()
        judged.accumulate()
    per = judged.eval["precision"][:, :, :, 0, 0]  # overlap, recall, class; -1 without a true box
    precision = np.where((per > -1).all(axis=1), per.mean(axis=1), np.nan).T
    n = len(truth)
    return Tally(precision, tuple(_of_class(judged.evalImgs[k * n : (k + 1) * n]) for k in range(n_classes)))


def _judged(truth: Sequence[Boxes], found: Sequence[Boxes], n_classes: int) -> Any:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    images = [{"id": i} for i in range(len(truth))]
    categories = [{"id": c, "name": str(c)} for c in range(n_classes)]
    sides = []
    for boxes in (truth, found):
        side = COCO()
        side.dataset = {"images": images, "categories": categories, "annotations": _annotations(boxes)}
        side.createIndex()
        sides.append(side)
    judged = COCOeval(*sides, iouType="bbox")
    judged.params.imgIds, judged.params.catIds = list(range(len(truth))), list(range(n_classes))
    judged.params.areaRng, judged.params.areaRngLbl, judged.params.maxDets = [[0, 1e10]], ["all"], [MOST_FOUND]
    return judged


def _annotations(pictures: Sequence[Boxes]) -> list[dict[str, Any]]:
    out: list[dict[str, Any]] = []
    for i, boxes in enumerate(pictures):
        sure = np.ones(len(boxes.classes)) if boxes.scores is None else boxes.scores
        for (x0, y0, x1, y1), c, s in zip(boxes.corners.tolist(), boxes.classes.tolist(), sure.tolist(), strict=True):
            wide, high = x1 - x0, y1 - y0
            out.append(
                {
                    "id": len(out) + 1,  # 0 would mean "not matched"
                    "image_id": i,
                    "category_id": c,
                    "bbox": [x0, y0, wide, high],
                    "area": wide * high,
                    "iscrowd": 0,
                    "score": s,
                }
            )
    return out


def _of_class(judged: Sequence[Any]) -> OfClass:
    """Return one class's matches out of pycocotools' records of every picture; ``None`` there is a picture without any."""
    given = [(i, e) for i, e in enumerate(judged) if e is not None]
    boxes = np.zeros(len(judged), dtype=np.intp)
    for i, e in given:
        boxes[i] = len(e["gtIds"])
    hits = [np.asarray(e["dtMatches"]).reshape(10, -1) > 0 for _, e in given]
    scores = np.concatenate([np.zeros(0), *(np.asarray(e["dtScores"], dtype=np.float64) for _, e in given)])
    picture = np.repeat(np.array([i for i, _ in given], dtype=np.intp), [h.shape[1] for h in hits])
    order = np.argsort(-scores, kind="mergesort")
    hit = np.concatenate([np.zeros((10, 0), dtype=bool), *hits], axis=1)
    return OfClass(hit[:, order], picture[order], boxes)


def _precision(one: OfClass, weights: IntArray) -> FloatArray:
    """Return average precision at each overlap: precision at 101 recalls, never lower than at a higher recall."""
    wanted = float((one.boxes * weights).sum())
    if wanted == 0:
        return np.full(len(one.hit), np.nan)
    times = weights[one.picture]
    hits = np.cumsum(one.hit * times, axis=1)
    seen = np.cumsum(times)
    share = hits / np.maximum(seen, 1)
    best = np.maximum.accumulate(share[:, ::-1], axis=1)[:, ::-1]
    best = np.concatenate([best, np.zeros((len(best), 1))], axis=1)  # recalls that are never reached
    at = np.stack([np.searchsorted(h, RECALLS * wanted - 1e-9, side="left") for h in hits])
    found: FloatArray = np.take_along_axis(best, at, axis=1).mean(axis=1)
    return found


__all__ = ["LIBRARY", "Boxes", "Tally", "installed", "tally"]
