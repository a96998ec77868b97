"""Pictures in a balancer: arrays as squares and back, labels put on them, made ones behind the real ones.

An array of pictures has shape (n, h, w) or (n, h, w, 1 or 3). Bytes are taken as they are; any other type is brought to 16 bits
between its least and greatest value (scanners rarely fill the range of their type), and comes back in its own. Pictures that
are not square get a dark rim while a generator learns them, and lose it again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthproof.balance.classes import Classes
from synthproof.balance.labels import Labels, labels_of
from synthproof.core.errors import ConfigError, DataError
from synthproof.core.schema import Field, Schema
from synthproof.data.image.chain import Chain, Pixels
from synthproof.data.image.dataset import ImageSet
from synthproof.data.image.labels import as_class
from synthproof.data.image.store import new_store
from synthproof.data.image.union import stacked
from synthproof.data.table.dataset import Origin, Table

Conditions = Mapping[str, Any]
IntArray = npt.NDArray[np.intp]
CHANNELS = (1, 3)
_PLAIN = np.dtype(np.uint8)
_BATCH = 256


@dataclass(frozen=True, slots=True)
class Learnable:
    """Pictures that a generator can learn, and how to ask it for each class.

    Parameters
    ----------
    images
        Real pictures under the labels to learn.
    conditions
        What to ask for, class by class (combination by combination).
    """

    images: ImageSet
    conditions: tuple[Conditions, ...]


@dataclass(frozen=True, slots=True)
class Squares:
    """How an array of pictures becomes squares of whole numbers, and back.

    Parameters
    ----------
    shape
        Of one picture, as given.
    dtype
        As given.
    low, high
        Values that become 0 and the greatest pixel value.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    low: float
    high: float

    @classmethod
    def of(cls, pictures: npt.NDArray[Any]) -> Self:
        """Return the way of an array of pictures.

        Raises
        ------
        DataError
            ``balance/picture-shape``; ``balance/picture-values`` for values that are missing, infinite or no numbers.
        """
        shape = pictures.shape[1:]
        channels = shape[2] if len(shape) == 3 else 1
        if len(shape) not in (2, 3) or channels not in CHANNELS or 0 in shape:
            raise DataError("balance/picture-shape", shape=" × ".join(map(str, ("n", *shape))))
        if pictures.dtype == _PLAIN:
            return cls(shape, pictures.dtype, 0.0, 255.0)
        if pictures.dtype.kind not in "buif":
            raise DataError("balance/picture-values", type=pictures.dtype, n=len(pictures))
        sound = np.isfinite(pictures.reshape(len(pictures), -1)).all(axis=1)
        if not sound.all():
            raise DataError("balance/picture-values", type=pictures.dtype, n=int((~sound).sum()))
        low, high = float(pictures.min()), float(pictures.max())
        return cls(shape, pictures.dtype, low, high if high > low else low + 1.0)

    @property
    def chain(self) -> Chain:
        """The chain of the squares."""
        channels = self.shape[2] if len(self.shape) == 3 else 1
        bits: Literal[8, 16] = 8 if self.dtype == _PLAIN else 16
        return Chain(side=max(self.shape[:2]), channels=3 if channels == 3 else 1, bits=bits)

    @property
    def _middle(self) -> tuple[slice, slice]:
        side, (high, wide) = self.chain.side, self.shape[:2]
        top, left = (side - high) // 2, (side - wide) // 2
        return slice(top, top + high), slice(left, left + wide)

    def encode(self, pictures: npt.NDArray[Any]) -> Pixels:
        """Return squares, shape (n, side, side, channels)."""
        chain, (rows, columns) = self.chain, self._middle
        out = new_store(len(pictures), chain)
        for at in range(0, len(pictures), _BATCH):
            some = pictures[at : at + _BATCH]
            some = some[..., None] if some.ndim == 3 else some
            if self.dtype != _PLAIN:
                share = (some.astype(np.float64) - self.low) / (self.high - self.low)
                some = np.rint(share * chain.top)
            out[at : at + _BATCH, rows, columns] = some.astype(chain.dtype)
        return out

    def decode(self, squares: Pixels) -> npt.NDArray[Any]:
        """Return pictures as they were given."""
        rows, columns = self._middle
        inner = squares[:, rows, columns]
        inner = inner if len(self.shape) == 3 else inner[..., 0]
        if self.dtype == _PLAIN:
            return np.ascontiguousarray(inner)
        values = inner.astype(np.float64) / self.chain.top * (self.high - self.low) + self.low
        return (np.rint(values) if self.dtype.kind in "bui" else values).astype(self.dtype)


def learnable(images: ImageSet, classes: Classes, labels: Labels | None, free: str) -> Learnable:
    """Return pictures under the labels that are balanced, and the conditions that ask for each class.

    Parameters
    ----------
    images
        Real pictures; their own label columns serve where they say the same, else new columns are added.
    free
        A column name that the pictures do not have.
    """
    own = _own(images, classes, labels)
    if own is not None:
        return own
    n = len(labels.names[: labels.n_own]) if labels else 1
    names = [f"{free}{k + 1}" if labels else free for k in range(n)]
    schema, frame = images.schema, images.frame.copy(deep=False)
    fields = [replace(f, roles=f.roles - {"target"}) for f in schema.fields]
    if labels is None:
        levels = tuple(f"class {c + 1}" for c in range(len(classes)))
        texts = [levels[c] if c >= 0 else None for c in classes.codes]
        frame[free] = pd.Categorical(texts, categories=list(levels))
        fields.append(
            Field(name=free, kind="categorical", levels=levels, roles=frozenset({"target"}),
                  nullable=bool((classes.codes < 0).any()), reason="given beside the pictures")
        )  # fmt: skip
        conditions: tuple[Conditions, ...] = tuple({free: level} for level in levels)
    else:
        known = classes.codes >= 0
        for k, name in enumerate(names):
            cells = pd.array([None] * images.n_rows, dtype="boolean")
            cells[known] = labels.kinds[classes.codes[known], k]
            frame[name] = cells
            fields.append(
                Field(name=name, kind="boolean", roles=frozenset({"target"}), nullable=bool((~known).any()),
                      reason="given beside the pictures")
            )  # fmt: skip
        conditions = tuple(dict(zip(names, map(bool, kind), strict=False)) for kind in labels.kinds)
    table = Table(frame, replace(schema, fields=tuple(fields), modality="table"), origin=images.origin)
    return Learnable(images.with_labels(table), conditions)


def _own(images: ImageSet, classes: Classes, labels: Labels | None) -> Learnable | None:
    """Return the pictures as they are where their own label columns say what is balanced."""
    targets = images.targets
    if labels is not None:
        if len(targets) != labels.n_own or not all(images.schema.field(t).kind == "boolean" for t in targets):
            return None
        mine = labels_of_set(images)
        if not (mine.kinds.shape == labels.kinds.shape and (mine.kinds == labels.kinds).all()):
            return None
        if not (mine.groups.codes == classes.codes).all():
            return None
        return Learnable(images, tuple(dict(zip(targets, map(bool, kind), strict=False)) for kind in labels.kinds))
    if len(targets) != 1:
        return None
    codes, names = images.classes()
    pairs = {(int(a), int(b)) for a, b in zip(codes, classes.codes, strict=True)}
    if len({a for a, _ in pairs}) != len(pairs) or len({b for _, b in pairs}) != len(pairs):
        return None
    level = {b: names[a] for a, b in pairs if a >= 0 and b >= 0}
    if len(level) < len(classes):
        return None
    if images.schema.field(targets[0]).kind == "boolean":
        yes = {b: bool(a) for a, b in pairs}
        return Learnable(images, tuple({targets[0]: yes[c]} for c in range(len(classes))))
    return Learnable(images, tuple({targets[0]: level[c]} for c in range(len(classes))))


def classes_of_set(images: ImageSet) -> tuple[Classes, Labels | None]:
    """Return what a set of pictures is balanced by: its one label, or its several yes/no labels.

    Raises
    ------
    DataError
        ``balance/not-classes``, ``balance/not-labels``.
    """
    if len(images.targets) > 1:
        labels = labels_of_set(images)
        return labels.groups, labels
    codes, names = images.classes()
    present = np.flatnonzero(np.bincount(codes[codes >= 0], minlength=len(names)))
    if len(present) < 2:
        raise DataError("balance/not-classes", where=images.origin.name, n=len(present), rows=images.n_rows, most=200)
    place = np.full(len(names) + 1, -1, dtype=np.intp)
    place[present] = np.arange(len(present))
    return Classes(tuple(names[i] for i in present), place[codes]), None


def with_targets(images: ImageSet, names: Sequence[str]) -> ImageSet:
    """Return pictures whose label columns are the ones that are named; without names, as they are.

    Raises
    ------
    SchemaError
        ``schema/unknown-field``, ``image/not-a-class``.
    """
    if not names or set(names) == set(images.targets):
        return images
    schema, frame = images.schema, images.frame.copy(deep=False)
    fields = {f.name: replace(f, roles=f.roles - {"target"}) for f in schema.fields}
    for name in names:
        f, column = as_class(schema.field(name), frame[name])
        fields[name], frame[name] = replace(f, roles=f.roles | {"target"}), column
    schema = replace(schema, fields=tuple(fields.values()), modality="table")
    return images.with_labels(Table(frame, schema, origin=images.origin))


def labels_of_set(images: ImageSet) -> Labels:
    """Return the several yes/no labels of a set of pictures.

    Raises
    ------
    DataError
        ``balance/not-labels`` where one of several label columns is no yes/no.
    """
    targets = list(images.targets)
    other = sum(images.schema.field(t).kind != "boolean" for t in targets)
    if other:
        raise DataError("balance/not-labels", where=images.origin.name, n=len(targets), other=other, never=0, always=0)
    flags = images.frame[targets].astype(object).to_numpy()
    return labels_of(flags, targets, where=images.origin.name)


def plain_set(pictures: npt.NDArray[Any], way: Squares) -> ImageSet:
    """Return an array of pictures as a set without labels."""
    schema = Schema(fields=(), unit="image", modality="table")
    bare = Table(pd.DataFrame(index=pd.RangeIndex(len(pictures))), schema, origin=Origin(container="arrays", name="X"))
    return ImageSet(bare, way.encode(pictures), way.chain)


def joined(real: ImageSet, made: Sequence[ImageSet]) -> ImageSet:
    """Return real pictures, then made ones, under the columns of the real ones.

    A made picture keeps the person of the real one it was moved from, so that a later split by person keeps both on one
    side; a drawn one is a unit of its own. What its maker does not say is missing.
    """
    n, total = real.n_rows, sum(m.n_rows for m in made)
    store = stacked([real, *made])
    columns: dict[str, Any] = {}
    fields = []
    for f in real.schema.fields:
        own = real.frame[f.name]
        more = [_cells(part, f, own.dtype) for part in made]
        if f.has("unit"):
            drawn = 0
            for k, cells in enumerate(more):
                alone, texts = cells.isna().to_numpy(), cells.to_numpy(dtype=object)
                texts[alone] = [f"S{drawn + i + 1:06d}" for i in range(int(alone.sum()))]
                drawn += int(alone.sum())
                more[k] = pd.Series(texts).astype(own.dtype)
        column = pd.concat([own, *more], ignore_index=True).astype(own.dtype)
        columns[f.name] = column
        fields.append(replace(f, nullable=True) if bool(column.isna().any()) else f)
    schema = replace(real.schema, fields=tuple(fields), modality="table")
    table = Table(pd.DataFrame(columns, index=pd.RangeIndex(n + total)), schema, origin=real.origin)
    return ImageSet(table, store, real.chain)


def _cells(part: ImageSet, f: Field, dtype: Any) -> pd.Series:
    if f.name in part.frame:
        return part.frame[f.name].reset_index(drop=True).astype(dtype)
    return pd.Series([None] * part.n_rows).astype(dtype)


def no_pictures(strategy: str) -> ConfigError:
    """Return the refusal of a strategy that lies between two rows: a mean of two pictures is no picture."""
    return ConfigError("balance/not-for-pictures", strategy=strategy)


__all__ = [
    "Learnable", "Squares", "classes_of_set", "joined", "labels_of_set", "learnable", "no_pictures", "plain_set",
    "with_targets",
]  # fmt: skip
