"""Pairs of latitude and longitude: drawn points lie where points are, not in the sea between two towns.

The plane is halved again and again until a cell holds few points (but at least ``min_shared`` persons); of each cell the
model keeps the box around its points. Latitude and longitude are modelled like any other number; a drawn point that falls
into a cell but outside its box is moved to a place within the box.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from synthproof.core.schema import Field
from synthproof.data.table.hints import words_of

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

_LATITUDE = frozenset({"lat", "latitude", "위도"})
_LONGITUDE = frozenset({"lon", "lng", "long", "longitude", "경도"})
_LEAST = 200


@dataclass(frozen=True, slots=True)
class Places:
    """Where the points of one pair of columns are.

    Parameters
    ----------
    names
        Of latitude and longitude.
    along, at
        Shape (nodes,): coordinate that a node asks for (-1 at a cell) and where it cuts; its children are the nodes
        ``child`` and ``child + 1``.
    child
        Shape (nodes,): first child, or at a cell its number.
    low, high
        Shape (cells, 2): the box around a cell's points.
    """

    names: tuple[str, str]
    along: npt.NDArray[np.int8]
    at: FloatArray
    child: npt.NDArray[np.int32]
    low: FloatArray
    high: FloatArray

    def settle(self, latitude: FloatArray, longitude: FloatArray, u: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the points, those outside their cell's box moved into it. Cost O(n log cells).

        Parameters
        ----------
        u
            Uniforms, shape (n, 2): where in the box.
        """
        points = np.stack([latitude, longitude], axis=1)
        cell = self._cell(points)
        low, high = self.low[cell], self.high[cell]
        out = ((points < low) | (points > high)).any(axis=1) & ~np.isnan(points).any(axis=1)
        points[out] = (low + u * (high - low))[out]
        return points[:, 0], points[:, 1]

    def _cell(self, points: FloatArray) -> IntArray:
        node = np.zeros(len(points), dtype=np.intp)
        todo = np.arange(len(points))
        while len(todo := todo[self.along[node[todo]] >= 0]):
            here = node[todo]
            right = points[todo, self.along[here]] > self.at[here]
            node[todo] = self.child[here] + right
        return self.child[node].astype(np.intp)

    def get_state(self) -> dict[str, Any]:
        """Return plain values."""
        arrays = {n: getattr(self, n) for n in ("along", "at", "child", "low", "high")}
        return {"names": list(self.names), **arrays}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Take back what `get_state` returned."""
        names = (str(state["names"][0]), str(state["names"][1]))
        return cls(names, state["along"], state["at"], state["child"], state["low"], state["high"])

    @classmethod
    def learn(
        cls, names: tuple[str, str], points: FloatArray, *, persons: IntArray | None, min_shared: int
    ) -> Self | None:
        """Return where points are, or ``None`` of too few. Cost O(n log² n).

        Parameters
        ----------
        points
            Shape (n, 2), rows with NaN are left out.
        persons
            Person of each row, when persons have several.
        """
        there = ~np.isnan(points).any(axis=1)
        points = points[there]
        if persons is not None:  # one point of each person, so that a cell's points are persons
            points = points[np.unique(persons[there], return_index=True)[1]]
        if len(points) < max(_LEAST, 2 * min_shared):
            return None
        along: list[int] = []
        at: list[float] = []
        child: list[int] = []
        boxes: list[FloatArray] = []
        queue = [points]
        scale = np.array([1.0, np.cos(np.radians(points[:, 0].mean()))])
        for mine in queue:  # the list grows while it is read: breadth first
            axis = int(np.argmax(np.ptp(mine, axis=0) * scale))
            cut = float(np.median(mine[:, axis]))
            left = mine[:, axis] <= cut
            if min(left.sum(), len(mine) - left.sum()) < min_shared:
                along.append(-1)
                at.append(0.0)
                child.append(len(boxes))
                boxes.append(np.stack([mine.min(axis=0), mine.max(axis=0)]))
                continue
            along.append(axis)
            at.append(cut)
            child.append(len(queue))
            queue += [mine[left], mine[~left]]
        both = np.stack(boxes)
        return cls(
            names,
            np.array(along, dtype=np.int8),
            np.array(at),
            np.array(child, dtype=np.int32),
            np.ascontiguousarray(both[:, 0]),
            np.ascontiguousarray(both[:, 1]),
        )


def pairs_of(fields: Sequence[Field]) -> list[tuple[str, str]]:
    """Return the names of latitude and longitude columns that belong together, by name."""
    found: dict[tuple[str, ...], list[str | None]] = {}
    for f in fields:
        words = tuple(words_of(f.name))
        for side, known in enumerate((_LATITUDE, _LONGITUDE)):
            if f.kind == "continuous" and known & set(words):
                key = tuple(w for w in words if w not in known) + (str(words[0].isascii()),)
                found.setdefault(key, [None, None])[side] = f.name
    return [(a, b) for a, b in found.values() if a is not None and b is not None]


def places_of_table(
    columns: Mapping[str, FloatArray], fields: Sequence[Field], *, persons: IntArray | None, min_shared: int
) -> tuple[Places, ...]:
    """Return where the points of a table's pairs of coordinates are; values must be degrees."""
    out = []
    for names in pairs_of(fields):
        points = np.stack([columns[names[0]], columns[names[1]]], axis=1)
        far = np.nanmax(np.abs(points), axis=0, initial=0.0)
        if far[0] <= 90 and far[1] <= 180:
            learned = Places.learn(names, points, persons=persons, min_shared=min_shared)
            out += [learned] if learned is not None else []
    return tuple(out)
