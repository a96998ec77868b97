"""Layouts: where the parts of scenes lie, and when one layout repeats another.

A layout identifies as a face does (a dentition is a forensic identifier). What counts as a repeat is written here once: the
generator that must not draw one and the metric that looks for one ask the same question.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from synthproof.data.image.scenes import CORNERS, Scenes

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
SAME_BOX = 0.7
"""Intersection over union from which two boxes of one class are the same box."""
SAME_SHARE = 0.6
"""Share of boxes that must be the same for a layout to repeat another."""
_FEW = 2
_ENOUGH = 10


def layouts(data: Scenes) -> FloatArray:
    """Return every box of some scenes in shares of the side: rows (scene, class, xmin, ymin, xmax, ymax), by scene."""
    boxes = data.boxes
    out = np.empty((len(boxes), 6))
    out[:, 0] = boxes["image"].to_numpy()
    out[:, 1] = boxes["class"].cat.codes.to_numpy()
    out[:, 2:] = boxes[list(CORNERS)].to_numpy(dtype=np.float64) / data.chain.side
    return out


def repeated(corners: FloatArray, classes: IntArray, known: FloatArray) -> int:
    """Return the scene among known ones whose layout a layout repeats in most of its boxes, -1: none.

    Parameters
    ----------
    corners, classes
        The layout: boxes in shares of the side, shape (k, 4), and their classes, shape (k,).
    known
        From `layouts`.

    Notes
    -----
    The same means that `SAME_SHARE` of the boxes of the larger layout, three at least, are the same box (`SAME_BOX`) of one
    class. One or two parts repeat only when all of them do, to within a hundredth of the side.
    """
    if not len(classes) or not len(known):
        return -1
    alike = iou(corners, known[:, 2:]) * (classes[:, None] == known[None, :, 1])
    matched = (alike >= SAME_BOX).any(axis=0)
    scenes, first, sizes = np.unique(known[:, 0], return_index=True, return_counts=True)
    most = np.add.reduceat(matched, first, dtype=np.intp)
    few = (sizes <= _FEW) | (len(classes) <= _FEW)
    needed = np.maximum(3, SAME_SHARE * np.maximum(sizes, len(classes)))
    # most layouts share no box at all: only the others are matched box by box
    for k in np.flatnonzero(np.where(few, sizes == len(classes), most >= needed)).tolist():
        mine = slice(first[k], first[k] + sizes[k])
        if few[k]:
            if _equal(corners, classes, known[mine]):
                return int(scenes[k])
            continue
        at = linear_sum_assignment(-alike[:, mine])
        if (alike[:, mine][at] >= SAME_BOX).sum() >= needed[k]:
            return int(scenes[k])
    return -1


def iou(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return intersection over union of boxes, shape (len(a), len(b))."""
    low, high = np.maximum(a[:, None, :2], b[None, :, :2]), np.minimum(a[:, None, 2:], b[None, :, 2:])
    both = np.prod(np.maximum(high - low, 0), axis=2)
    area_a, area_b = (np.prod(x[:, 2:] - x[:, :2], axis=1) for x in (a, b))
    out: FloatArray = both / np.maximum(area_a[:, None] + area_b[None, :] - both, 1e-12)
    return out


def _equal(corners: FloatArray, classes: IntArray, mine: FloatArray) -> bool:
    away = np.abs(corners[:, None] - mine[None, :, 2:]).max(axis=2) + 9.0 * (classes[:, None] != mine[None, :, 1])
    at = linear_sum_assignment(away)
    return bool((away[at] <= 0.01).all())


def whole(boxes: FloatArray, side: float) -> npt.NDArray[np.bool_]:
    """Return which boxes do not touch the edge, where parts are cut; all when fewer than ten do not."""
    inner = (boxes.min(axis=1, initial=side) > 0.01 * side) & (boxes.max(axis=1, initial=0) < 0.99 * side)
    return inner if inner.sum() >= _ENOUGH else np.ones(len(boxes), dtype=bool)


__all__ = ["SAME_BOX", "SAME_SHARE", "iou", "layouts", "repeated", "whole"]
