"""The law of layouts: how many parts of each class a scene has, how large they are, where they lie, how they overlap.

A layout identifies as a face does (a dentition is a forensic identifier), so layouts are drawn from a perturbed law, and
one that repeats a layout of train is drawn again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from synthproof.core.errors import DataError
from synthproof.core.schema import Field
from synthproof.data.image.layouts import SAME_BOX, SAME_SHARE, iou, layouts, repeated, whole
from synthproof.data.image.scenes import Scenes

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
GRID = 8
"""Cells a side of the map of where parts lie."""
_TRIES, _PLACES = 50, 30


@dataclass(slots=True)
class LayoutLaw:
    """What was learned of layouts of one sort of scene, in shares of the side.

    Parameters
    ----------
    counts
        Sorted numbers of parts a scene by class, shape (scenes, classes): their marginal laws.
    bond
        Correlation of the classes' ranks, shape (classes, classes).
    size_mean, size_cov
        Of log width and log height by class, shapes (classes, 2) and (classes, 2, 2).
    size_low, size_high
        First and last percentile of them, shape (classes, 2).
    places
        Share of centres by class and cell, shape (classes, GRID · GRID).
    overlaps
        Percentiles 0 to 100 of a box's largest overlap (intersection over union) with those listed before it, shape (101,).
    real
        Layouts of train: rows (scene, class, xmin, ymin, xmax, ymax); what a drawn one must not repeat. Never drawn from.
    """

    counts: IntArray
    bond: FloatArray
    size_mean: FloatArray
    size_cov: FloatArray
    size_low: FloatArray
    size_high: FloatArray
    places: FloatArray
    overlaps: FloatArray
    real: FloatArray

    @classmethod
    def learn(cls, data: Scenes) -> Self:
        """Return the law of some scenes."""
        counts = data.counts()
        k = counts.shape[1]
        ranks = (counts.argsort(axis=0, kind="stable").argsort(axis=0, kind="stable") + 0.5) / max(1, len(counts))
        with np.errstate(invalid="ignore", divide="ignore"):
            bond = np.nan_to_num(np.corrcoef(ranks, rowvar=False).reshape(k, k)) if len(counts) > 2 else np.eye(k)
        bond = 0.95 * bond
        np.fill_diagonal(bond, 1.0)
        real = layouts(data)
        of = [real[real[:, 1] == c, 2:] for c in range(k)]
        mean, cov, low, high = (np.stack(s) for s in zip(*(_sizes(b) for b in of), strict=True))
        lap = [v for i in range(data.n_rows) for v in _overlaps(data.boxes_of(i)[0]).tolist()] or [0.0]
        return cls(
            counts=np.sort(counts, axis=0),
            bond=bond,
            size_mean=mean,
            size_cov=cov,
            size_low=low,
            size_high=high,
            places=np.stack([_places(b) for b in of]),
            overlaps=np.percentile(lap, np.arange(101)),
            real=real,
        )

    def draw(self, dice: np.random.Generator, side: int, *, most: int) -> tuple[FloatArray, IntArray, int]:
        """Return a layout that repeats none of train.

        Parameters
        ----------
        most
            Parts at most.

        Returns
        -------
        corners : ndarray, shape (k, 4)
            In pixels.
        classes : ndarray, shape (k,)
            Larger parts first.
        refused : int
            Layouts that were drawn before and refused.

        Raises
        ------
        DataError
            ``image/layout-repeats``.
        """
        for k in range(_TRIES):
            classes = self._classes(dice, most)
            corners = self._placed(dice, classes)
            if not self.repeats(corners, classes):
                order = np.argsort(-np.prod(corners[:, 2:] - corners[:, :2], axis=1), kind="stable")
                return corners[order] * side, classes[order], k
        raise DataError("image/layout-repeats", where="layout", n=_TRIES)

    def repeats(self, corners: FloatArray, classes: IntArray) -> bool:
        """Return whether a layout, in shares of the side, is one of train in most of its boxes.

        One or two parts repeat only when all of them do, to within a hundredth of the side.
        """
        return repeated(corners, classes, self.real) >= 0

    def _classes(self, dice: np.random.Generator, most: int) -> IntArray:
        """Return the classes of a scene's parts: numbers of each class by a Gaussian copula, then moved by one or so."""
        k = len(self.bond)
        normal = np.linalg.cholesky(self.bond + 1e-6 * np.eye(k)) @ dice.standard_normal(k)
        at = np.minimum((ndtr(normal) * len(self.counts)).astype(int), len(self.counts) - 1)
        drawn = self.counts[at, np.arange(k)].astype(float)
        # perturbed by a twelfth, so that no scene's numbers come back as a whole
        moved = np.rint(drawn + dice.standard_normal(k) * np.maximum(0.4, drawn / 12) * (drawn > 0))
        found = np.clip(moved, 0, self.counts[-1]).astype(int)
        if found.sum() == 0 and self.counts[-1].sum():
            found[int(self.counts.sum(axis=0).argmax())] = 1
        classes = np.repeat(np.arange(k), found)
        return dice.permutation(classes)[:most].astype(np.intp)

    def _placed(self, dice: np.random.Generator, classes: IntArray) -> FloatArray:
        out = np.zeros((len(classes), 4))
        for j, c in enumerate(classes.tolist()):
            log = dice.multivariate_normal(self.size_mean[c], self.size_cov[c], method="eigh")
            w, h = np.exp(np.clip(log, self.size_low[c], self.size_high[c]))
            wanted = self.overlaps[dice.integers(0, 101)] if j else 0.0
            best, least = None, np.inf
            for _ in range(_PLACES):
                cell = int(np.searchsorted(np.cumsum(self.places[c]), dice.random()))
                x, y = (np.array([cell % GRID, cell // GRID]) + dice.random(2)) / GRID
                box = np.array([x - w / 2, y - h / 2, x + w / 2, y + h / 2])
                lap = float(iou(box[None], out[:j]).max(initial=0.0))
                if abs(lap - wanted) < least:
                    best, least = box, abs(lap - wanted)
                if least <= 0.01:
                    break
            assert best is not None
            out[j] = best
        return _inside(out)

    def get_state(self) -> dict[str, Any]:
        """Return plain values."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Take back what `get_state` returned."""
        return cls(**{name: np.asarray(state[name]) for name in cls.__slots__})


def _inside(boxes: FloatArray) -> FloatArray:
    """Return boxes cut at the edges, as those of real scenes are."""
    cut = np.clip(boxes, 0.0, 1.0)
    thin = (cut[:, 2:] - cut[:, :2]) < 0.01
    for axis in (0, 1):
        low = cut[thin[:, axis], axis]
        cut[thin[:, axis], axis] = np.minimum(low, 0.99)
        cut[thin[:, axis], axis + 2] = cut[thin[:, axis], axis] + 0.01
    return cut


def _sizes(boxes: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    boxes = boxes[whole(boxes, 1.0)]
    if len(boxes) == 0:
        zero = np.full(2, np.log(0.1))
        return zero, 1e-4 * np.eye(2), zero, zero
    logs = np.log(np.maximum(boxes[:, 2:] - boxes[:, :2], 1e-3))
    cov = np.cov(logs, rowvar=False) if len(logs) > 2 else np.zeros((2, 2))
    low, high = np.percentile(logs, [1, 99], axis=0)
    return logs.mean(axis=0), cov + 1e-3 * np.eye(2), low, high + 1e-6


def _places(boxes: FloatArray) -> FloatArray:
    """Return the share of centres in each cell, each smoothed with its neighbours and all with one part in ten."""
    grid = np.zeros((GRID, GRID))
    centre = np.minimum(((boxes[:, :2] + boxes[:, 2:]) / 2 * GRID).astype(int), GRID - 1)
    np.add.at(grid, (centre[:, 1], centre[:, 0]), 1.0)
    padded = np.pad(grid, 1, mode="edge")
    smooth = sum(padded[i : i + GRID, j : j + GRID] for i in range(3) for j in range(3)) / 9 + grid
    share = smooth / max(float(np.sum(smooth)), 1e-12) if len(boxes) else np.full_like(grid, 1 / GRID**2)
    out: FloatArray = (0.9 * share + 0.1 / GRID**2).ravel()
    out /= out.sum()
    return out


def _overlaps(corners: FloatArray) -> FloatArray:
    """Return the largest overlap of each box but the first with those before it, shape (k - 1,)."""
    out: FloatArray = np.tril(iou(corners, corners), -1).max(axis=1)[1:] if len(corners) > 1 else np.zeros(0)
    return out


ALL = "all labels"
_OWN_LAW = 20
"""Scenes a label must have for a layout law of its own."""


def laws_of(scenes: Scenes, label: Field, learned: npt.NDArray[np.bool_]) -> dict[str, LayoutLaw]:
    """Return a law for each level of a label with scenes enough, and one for all.

    Parameters
    ----------
    learned
        Whether each class of parts was learned; boxes of the others are left out.
    """
    kept = learned[scenes.boxes["class"].cat.codes.to_numpy()]
    known = Scenes(
        scenes.labels, scenes.store, scenes.chain, boxes=scenes.boxes[kept].reset_index(drop=True), at=scenes.at
    )
    out = {ALL: LayoutLaw.learn(known)}
    if not label.levelled:
        return out
    labels = scenes.frame[label.name].astype(str).to_numpy()
    for value in sorted(set(labels.tolist())):
        rows = np.flatnonzero(labels == value).astype(np.intp)
        if _OWN_LAW <= len(rows) < len(labels):
            law = LayoutLaw.learn(known.take_rows(rows))
            law.real = out[ALL].real  # no layout of any label may come back
            out[label_key(value)] = law
    return out


def label_key(value: object) -> str:
    """Return the name of a label's own law."""
    return f"label {value}"


__all__ = ["ALL", "GRID", "SAME_BOX", "SAME_SHARE", "LayoutLaw", "iou", "label_key", "laws_of", "whole"]
