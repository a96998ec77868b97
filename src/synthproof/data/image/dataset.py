"""Pictures with their table of labels: positions into one store of squares, counted in persons where they are known."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthproof.core.fingerprint import digest_frame, digest_json
from synthproof.core.schema import Field, Schema
from synthproof.data.image.chain import Chain, Pixels
from synthproof.data.image.persons import People
from synthproof.data.table.dataset import Origin, Table
from synthproof.engines.scratch import scratch

IntArray = npt.NDArray[np.intp]
FloatArray = npt.NDArray[np.float32]

BATCH = 256
"""Pictures that are looked at together: 64 MiB at 128 px RGB in float32."""


class ImageSet:
    """A data set of pictures.

    Parameters
    ----------
    labels
        One row a picture: an identifier, label columns (role ``target``), a person column (role ``unit``) and
        attributes, as far as they are known.
    store
        All pictures of the source, shape (n, side, side, channels), uint8 or uint16; usually a memory map, which is
        read where it is needed.
    at
        Position in `store` of each row of `labels`, shape (n_rows,); absent: row i is picture i.
    chain
        How the pictures became squares.
    marks
        What is known of drawn pictures: columns ``seed``, ``index``, ``model``, one row a picture.

    Notes
    -----
    `take` copies positions, never pictures. Nothing may write to `store` afterwards.
    """

    __slots__ = ("_digests", "at", "chain", "labels", "marks", "people", "store")

    def __init__(
        self,
        labels: Table,
        store: Pixels,
        chain: Chain,
        *,
        at: IntArray | None = None,
        marks: pd.DataFrame | None = None,
    ) -> None:
        if store.ndim != 4 or store.shape[1:] != chain.shape or store.dtype != chain.dtype:
            raise ValueError(f"the store must have shape (n, {chain.side}, {chain.side}, {chain.channels})")
        self.store = store
        self.chain = chain
        self.at = np.arange(labels.n_rows, dtype=np.intp) if at is None else np.asarray(at, dtype=np.intp)
        if len(self.at) != labels.n_rows:
            raise ValueError("one position a row of labels")
        unit = labels.schema.unit if labels.schema.unit_field is not None else "image"
        self.labels = labels.with_schema(replace(labels.schema, modality="image", unit=unit))
        self.marks = marks
        self.people: People | None = None
        self._digests: dict[int, bytes] = {}

    # what every data set has -------------------------------------------------------------------------------

    @property
    def schema(self) -> Schema:
        """Fields of the label table; the modality is ``"image"``."""
        return self.labels.schema

    @property
    def frame(self) -> pd.DataFrame:
        """The label table's rows, one a picture."""
        return self.labels.frame

    @property
    def origin(self) -> Origin:
        """What the user gave."""
        return self.labels.origin

    @property
    def n_rows(self) -> int:
        """Number of pictures (a person may have several)."""
        return len(self.at)

    @property
    def unit_of_row(self) -> IntArray:
        """Position of the unit that each picture belongs to, shape (n_rows,)."""
        return self.labels.unit_of_row

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, units: IntArray, /) -> Self:
        """Return all pictures of the given units, units in that order, repeats allowed."""
        return self.take_rows(self.labels.rows_of(np.asarray(units, dtype=np.intp)))

    def take_rows(self, rows: IntArray, /) -> Self:
        """Return the pictures at the given positions."""
        labels = self.labels.with_frame(self.frame.take(rows).reset_index(drop=True))
        marks = None if self.marks is None else self.marks.take(rows).reset_index(drop=True)
        out = type(self)(labels, self.store, self.chain, at=self.at[rows], marks=marks)
        return self._hand_on(out)

    def with_labels(self, labels: Table) -> Self:
        """Return the same pictures with another label table of as many rows."""
        out = type(self)(labels, self.store, self.chain, at=self.at, marks=self.marks)
        return self._hand_on(out)

    def known_by(self, people: People) -> Self:
        """Note who stands behind the pseudonyms of persons, and return these pictures. In memory alone: it is never written."""
        self.people = people
        return self

    def _hand_on(self, other: Self) -> Self:
        """Give other rows of the same store what is known of its pictures and persons."""
        other._digests, other.people = self._digests, self.people
        return other

    def with_pixels(self, store: Pixels) -> Self:
        """Return other pixels under the same labels and marks, row by row: shape (n_rows, side, side, channels)."""
        return type(self)(self.labels, store, self.chain, marks=self.marks)

    def with_schema(self, schema: Schema) -> Self:
        """Return the same pictures under a schema that differs in roles only."""
        return self.with_labels(self.labels.with_schema(schema))

    def without(self, *names: str) -> Self:
        """Return the pictures without some label columns."""
        return self.with_labels(self.labels.without(*names)) if names else self

    def fingerprint(self) -> str:
        """Return ``sha256:…`` of schema, labels, chain and pixels. One pass over pictures not yet seen."""
        h = hashlib.sha256(digest_frame(self.frame, {"schema": self.schema.to_dict()}).encode())
        h.update(digest_json(self.chain.to_dict()).encode())
        for digest in self.digests():
            h.update(digest)
        return "sha256:" + h.hexdigest()

    def __repr__(self) -> str:
        c = self.chain
        return f"ImageSet({len(self)} {self.schema.unit}s, {self.n_rows} images, {c.side} px × {c.channels})"

    # pictures ----------------------------------------------------------------------------------------------

    def pixels(self, rows: IntArray | slice | None = None) -> Pixels:
        """Return pictures as they are stored, shape (k, side, side, channels). A copy in memory: ask for a batch."""
        at = self.at if rows is None else self.at[rows]
        return np.array(self.store[at])

    def values(self, rows: IntArray | slice | None = None) -> FloatArray:
        """Return pictures as float32 in [-1, 1], channels first: shape (k, channels, side, side)."""
        found = self.pixels(rows).astype(np.float32)
        found *= np.float32(2.0 / self.chain.top)
        found -= 1.0
        return np.ascontiguousarray(found.transpose(0, 3, 1, 2))

    def gathered(self) -> Pixels:
        """Return all pictures as one array in the order of the rows, not to be written to: mapped from disk when large."""
        if len(self.at) == len(self.store) and np.array_equal(self.at, np.arange(len(self.at))):
            return self.store
        out = scratch((self.n_rows, *self.chain.shape), self.chain.dtype, prefix="synthproof-images-")
        for rows in self.batches():
            out[rows] = self.store[self.at[rows]]
        return out

    def batches(self, size: int = BATCH) -> Iterator[slice]:
        """Yield slices that cover all pictures, `size` at a time."""
        for start in range(0, self.n_rows, size):
            yield slice(start, min(start + size, self.n_rows))

    def digests(self) -> list[bytes]:
        """Return the SHA-256 of each picture's pixels; equal pictures have equal ones."""
        known = self._digests
        for i in self.at.tolist():
            if i not in known:
                known[i] = hashlib.sha256(np.ascontiguousarray(self.store[i]).tobytes()).digest()
        return [known[i] for i in self.at.tolist()]

    def first_rows(self) -> IntArray:
        """Return one picture of each unit, its first: what stands for a person where one picture must."""
        if self.schema.unit_field is None:
            return np.arange(self.n_rows, dtype=np.intp)
        _, first = np.unique(self.unit_of_row, return_index=True)
        return np.asarray(first, dtype=np.intp)

    # classes -----------------------------------------------------------------------------------------------

    @property
    def targets(self) -> tuple[str, ...]:
        """Label columns: one of levels (one class a picture), or several yes/no (a picture may have many)."""
        return self.schema.with_role("target")

    def classes(self) -> tuple[IntArray, tuple[str, ...]]:
        """Return each picture's class and the classes' names.

        Returns
        -------
        codes : ndarray, shape (n_rows,)
            -1 where the label is missing. With several labels a class is a combination of them.
        names : tuple of str
        """
        columns = [n for n in self.targets if self.schema.field(n).levelled]
        if not columns:
            return np.zeros(self.n_rows, dtype=np.intp), ("all",)
        if len(columns) == 1:
            f = self.schema.field(columns[0])
            if f.kind == "boolean":
                given = self.frame[f.name]
                codes = np.where(given.isna(), -1, given.fillna(False).astype(bool))
                return codes.astype(np.intp), (f"not {f.name}", f.name)
            return self.frame[f.name].cat.codes.to_numpy().astype(np.intp), f.levels
        values = np.stack([_codes(self.frame[n], self.schema.field(n)) for n in columns], axis=1)
        kinds, inverse = np.unique(values, axis=0, return_inverse=True)
        names = tuple(
            " + ".join(filter(None, map(_called, k.tolist(), map(self.schema.field, columns)))) or "none" for k in kinds
        )
        return inverse.reshape(-1).astype(np.intp), names

    @property
    def several(self) -> tuple[str, ...]:
        """Yes/no label columns, when there are at least two and all labels are such: a picture may have many."""
        found = self.targets
        return found if len(found) > 1 and all(self.schema.field(n).kind == "boolean" for n in found) else ()

    def to_native(self) -> Any:
        """Return the pictures and labels as plain objects: ``{"images": ndarray, "labels": DataFrame}``."""
        return {"images": self.pixels(), "labels": self.labels.to_native()}


def _codes(column: pd.Series, f: Field) -> IntArray:
    """Return a label's codes; an unknown yes/no is a no among combinations."""
    if f.kind == "boolean":
        return column.fillna(False).astype(bool).to_numpy().astype(np.intp)
    return column.cat.codes.to_numpy().astype(np.intp)


def _called(code: int, f: Field) -> str:
    """Return how one label is called in the name of a combination; a no is not called."""
    if f.kind == "boolean":
        return f.name if code else ""
    return f"{f.name}={f.levels[code]}" if code >= 0 else ""


__all__ = ["BATCH", "ImageSet"]
