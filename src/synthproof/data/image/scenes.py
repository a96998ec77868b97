"""Scenes: pictures with boxes around their parts, and masks of them where they are known."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthproof.core.fingerprint import digest_frame
from synthproof.data.image.chain import Chain, Pixels
from synthproof.data.image.dataset import ImageSet
from synthproof.data.table.dataset import Table

IntArray = npt.NDArray[np.intp]
FloatArray = npt.NDArray[np.float64]
CORNERS = ("xmin", "ymin", "xmax", "ymax")
COLUMNS = ("image", "class", *CORNERS)
LEAST_LEFT = 0.25
"""Share of a box that must lie inside the square for the box to be kept."""


class Scenes(ImageSet):
    """Pictures with boxes.

    Parameters
    ----------
    labels, store, chain, at, marks
        As of `ImageSet`.
    boxes
        One row a box: ``image`` (position of its row), ``class`` (category), ``xmin, ymin, xmax, ymax`` in pixels of the
        square, ends excluded; boxes of one picture follow each other. Drawn scenes may have ``seed``: of the part.
    masks
        Shape (store length, side, side), uint16: 0 where no part lies, else 1 + the number of the box within its
        picture; the part on top counts.

    Notes
    -----
    Everything that takes pictures takes scenes: whole pictures are compared, boxes ride along.
    """

    __slots__ = ("boxes", "masks")

    def __init__(
        self,
        labels: Table,
        store: Pixels,
        chain: Chain,
        *,
        boxes: pd.DataFrame,
        masks: npt.NDArray[np.uint16] | None = None,
        at: IntArray | None = None,
        marks: pd.DataFrame | None = None,
    ) -> None:
        super().__init__(labels, store, chain, at=at, marks=marks)
        if masks is not None and masks.shape != store.shape[:3]:
            raise ValueError(f"masks must have shape {store.shape[:3]}")
        missing = [c for c in COLUMNS if c not in boxes.columns]
        if missing or not isinstance(boxes["class"].dtype, pd.CategoricalDtype):
            raise ValueError(f"boxes need the columns {', '.join(COLUMNS)}, class a category")
        order = np.argsort(boxes["image"].to_numpy(), kind="stable")
        self.boxes = boxes.take(order).reset_index(drop=True)
        self.masks = masks

    @property
    def part_classes(self) -> tuple[str, ...]:
        """Names of the parts' classes."""
        return tuple(str(c) for c in self.boxes["class"].cat.categories)

    def counts(self) -> IntArray:
        """Return the number of parts by picture and class, shape (n_rows, classes)."""
        out = np.zeros((self.n_rows, len(self.part_classes)), dtype=np.intp)
        np.add.at(out, (self.boxes["image"].to_numpy(), self.boxes["class"].cat.codes.to_numpy()), 1)
        return out

    def boxes_of(self, row: int) -> tuple[FloatArray, IntArray]:
        """Return the corners, shape (k, 4), and classes, shape (k,), of one picture's boxes."""
        low, high = np.searchsorted(self.boxes["image"].to_numpy(), [row, row + 1])
        mine = self.boxes.iloc[low:high]
        return mine[list(CORNERS)].to_numpy(dtype=np.float64), mine["class"].cat.codes.to_numpy().astype(np.intp)

    def class_map(self, row: int) -> npt.NDArray[np.uint8]:
        """Return the class of every pixel of one picture: 0 for background, else 1 + the part's class; (side, side).

        From masks where they are known, else the ellipses within the boxes, smaller ones on top.
        """
        corners, classes = self.boxes_of(row)
        if self.masks is not None:
            lookup = np.concatenate([[0], classes + 1]).astype(np.uint8)
            out: npt.NDArray[np.uint8] = lookup[self.masks[self.at[row]]]
            return out
        side = self.chain.side
        out = np.zeros((side, side), dtype=np.uint8)
        area = (corners[:, 2] - corners[:, 0]) * (corners[:, 3] - corners[:, 1])
        for j in np.argsort(-area, kind="stable").tolist():
            out[ellipse(corners[j], side) > 0.5] = classes[j] + 1
        return out

    # what a data set does, boxes riding along ----------------------------------------------------------------

    def take_rows(self, rows: IntArray, /) -> Self:
        """Return the pictures at the given positions, with their boxes."""
        rows = np.asarray(rows, dtype=np.intp)
        edges = np.searchsorted(self.boxes["image"].to_numpy(), np.arange(self.n_rows + 1))
        picked = [np.arange(edges[r], edges[r + 1]) for r in rows.tolist()]
        boxes = self.boxes.take(np.concatenate(picked) if picked else [])
        new = np.repeat(np.arange(len(rows)), [len(p) for p in picked])
        labels = self.labels.with_frame(self.frame.take(rows).reset_index(drop=True))
        marks = None if self.marks is None else self.marks.take(rows).reset_index(drop=True)
        out = type(self)(
            labels,
            self.store,
            self.chain,
            boxes=boxes.assign(image=new),
            masks=self.masks,
            at=self.at[rows],
            marks=marks,
        )
        return self._hand_on(out)

    def with_labels(self, labels: Table) -> Self:
        """Return the same scenes with another label table of as many rows."""
        out = type(self)(
            labels, self.store, self.chain, boxes=self.boxes, masks=self.masks, at=self.at, marks=self.marks
        )
        return self._hand_on(out)

    def with_pixels(self, store: Pixels) -> Self:
        """Return other pixels under the same labels, boxes and masks."""
        masks = None if self.masks is None else self.masks[self.at]
        return type(self)(self.labels, store, self.chain, boxes=self.boxes, masks=masks, marks=self.marks)

    def at_side(self, store: Pixels) -> Self:
        """Return the same scenes over pixels of another side, row by row, boxes with them; masks where the side is a multiple."""
        side, zoom = store.shape[1], store.shape[1] / self.chain.side
        boxes = self.boxes.assign(**{c: self.boxes[c] * zoom for c in CORNERS})
        masks = None
        if self.masks is not None and side % self.chain.side == 0:
            masks = self.masks[self.at].repeat(int(zoom), axis=1).repeat(int(zoom), axis=2)
        chain = replace(self.chain, side=side)
        return type(self)(self.labels, store, chain, boxes=boxes, masks=masks, marks=self.marks)

    def with_part_classes(self, names: Sequence[str]) -> Self:
        """Return the same scenes whose parts are counted by these classes, which must hold those that they have."""
        classes = pd.Categorical(self.boxes["class"].astype(str), categories=list(names))
        out = type(self)(
            self.labels, self.store, self.chain, boxes=self.boxes.assign(**{"class": classes}), masks=self.masks,
            at=self.at, marks=self.marks,
        )  # fmt: skip
        return self._hand_on(out)

    def fingerprint(self) -> str:
        """Return ``sha256:…`` of pictures, labels and boxes."""
        h = hashlib.sha256(super().fingerprint().encode())
        h.update(digest_frame(self.boxes[list(COLUMNS)]).encode())
        return "sha256:" + h.hexdigest()

    def __repr__(self) -> str:
        c = self.chain
        return f"Scenes({self.n_rows} images, {len(self.boxes)} boxes, {c.side} px × {c.channels})"

    def to_native(self) -> Any:
        """Return pictures, labels and boxes as plain objects."""
        found: Mapping[str, Any] = super().to_native()
        return {**found, "boxes": self.boxes.copy()}


def scaled(corners: FloatArray, height: int, width: int, chain: Chain) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Return boxes of a file in pixels of the square that the chain makes of it.

    Parameters
    ----------
    corners
        Shape (k, 4): xmin, ymin, xmax, ymax in pixels of the file.

    Returns
    -------
    corners : ndarray, shape (k, 4)
        Cut at the square's edges.
    kept : ndarray, shape (k,)
        Whether a quarter of the box or more lies inside.
    """
    whole = max(height, width) if chain.fit == "pad" else min(height, width)
    zoom = chain.side / whole
    left, top = _offset(width, whole), _offset(height, whole)
    moved = (corners + np.array([left, top, left, top])) * zoom
    cut = np.clip(moved, 0, chain.side)
    area = np.prod(np.maximum(moved[:, 2:] - moved[:, :2], 1e-9), axis=1)
    left_over = np.prod(np.maximum(cut[:, 2:] - cut[:, :2], 0), axis=1)
    return cut, left_over >= LEAST_LEFT * area


def _offset(given: int, whole: int) -> int:
    """Return where the file's first pixel lies in the square, as the chain pads and cuts: whole pixels."""
    return (whole - given) // 2 if whole >= given else -((given - whole) // 2)


def ellipse(corners: FloatArray, side: int, *, soft: float = 0.0) -> FloatArray:
    """Return the ellipse within a box as a mask, shape (side, side), 0 to 1.

    Parameters
    ----------
    soft
        Width of the fading edge as a share of the radius, half of it outside the box; 0: sharp.
    """
    x0, y0, x1, y1 = corners
    at = np.arange(side) + 0.5
    dx = (at[None, :] - (x0 + x1) / 2) / max((x1 - x0) / 2, 0.5)
    dy = (at[:, None] - (y0 + y1) / 2) / max((y1 - y0) / 2, 0.5)
    away = np.hypot(dx, dy)
    if soft <= 0:
        return np.asarray(away <= 1.0, dtype=np.float64)
    out: FloatArray = np.clip(0.5 + (1.0 - away) / soft, 0.0, 1.0)
    return out


__all__ = ["COLUMNS", "CORNERS", "LEAST_LEFT", "Scenes", "ellipse", "scaled"]
