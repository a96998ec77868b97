"""What every generator of pictures begins with (classes, fold, sampling of rare classes) and ends with (a data set)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthproof.core.contracts import Conditions
from synthproof.core.errors import DataError
from synthproof.core.fingerprint import digest, digest_json
from synthproof.core.random import derive, fresh_seed, stream
from synthproof.core.run import Run
from synthproof.core.schema import Schema
from synthproof.core.words import Words
from synthproof.data.image.chain import Chain, Pixels
from synthproof.data.image.custody import KEY, Step
from synthproof.data.image.dataset import ImageSet
from synthproof.data.image.store import new_store
from synthproof.data.table.dataset import Origin, Table
from synthproof.synthesizers.image.conditions import LabelCode, LabelLaw

IntArray = npt.NDArray[np.intp]
FloatArray = npt.NDArray[np.float32]
LEAST_UNITS = 20
BLOCK = 64
"""Pictures drawn together. A block is always drawn whole, so that a picture never depends on how many are asked for."""
_FOLD, _MOST_FOLD = 0.1, 2_000
_HEAD = 5.0
"""A picture of the rarest class is looked at this many times as often as one of the commonest, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """Pictures made ready to learn from.

    Parameters
    ----------
    seed
        Of this fit.
    data
        Pictures of classes that are learned.
    rows, fold
        Pictures to learn from, and pictures of other persons that tell when they are learned by heart.
    codes, names
        Class of every picture.
    chances
        How often each of `rows` is looked at, summing to 1.
    code, law
        Labels as numbers, and how often each is drawn.
    condition
        Numbers of every picture's labels, shape (n_rows, code.size).
    notices
        What the user must know.
    """

    seed: int
    data: ImageSet
    rows: IntArray
    fold: IntArray
    codes: IntArray
    names: tuple[str, ...]
    chances: npt.NDArray[np.float64]
    code: LabelCode
    law: LabelLaw
    condition: FloatArray
    notices: tuple[Words, ...]

    def batch(self, purpose: str) -> Callable[[int, int], IntArray]:
        """Return what gives the pictures of a step, rare classes more often than they are."""
        edges = np.cumsum(self.chances)
        edges /= edges[-1]

        def rows(step: int, size: int) -> IntArray:
            u = stream(self.seed, f"{purpose}/batch", step).random(size)
            return self.rows[np.searchsorted(edges, u, side="right")]

        return rows


def begin(data: ImageSet, seed: int, *, min_class: int, run: Run) -> Begun:
    """Check pictures and make them ready.

    Parameters
    ----------
    min_class
        Units that a class must have to be learned; smaller classes are left out, with a notice.

    Raises
    ------
    DataError
        ``image/too-few`` under 20 units, ``image/classes-too-small`` when no class is large enough.
    """
    if len(data) < LEAST_UNITS:
        raise DataError("image/too-few", n=len(data), least=LEAST_UNITS)
    data, notices = _large_classes(data, min_class)
    shown = drawn_schema(data.schema)
    codes, names = data.classes()
    unit = data.unit_of_row
    n_units = len(data)
    order = stream(seed, "image/fold").permutation(n_units)
    held = np.zeros(n_units, dtype=bool)
    held[order[: min(_MOST_FOLD, int(_FOLD * n_units))]] = True
    rows, fold = np.flatnonzero(~held[unit]).astype(np.intp), np.flatnonzero(held[unit]).astype(np.intp)
    frame = data.frame[list(shown.names)]
    code = LabelCode.learn(frame, shown)
    return Begun(
        seed=seed,
        data=data,
        rows=rows,
        fold=fold,
        codes=codes,
        names=names,
        chances=_chances(codes[rows]),
        code=code,
        law=LabelLaw.learn(frame, shown, seed, run),
        condition=code.encode(frame),
        notices=notices,
    )


def drawn_schema(schema: Schema) -> Schema:
    """Return the schema of drawn pictures: what they are drawn by, each its own unit."""
    kept = [f.name for f in schema.fields if f.modelled and not f.has("unit")]
    gone = [n for n in schema.names if n not in kept]
    return replace(schema.without(*gone), unit="image", modality="image")


def _large_classes(data: ImageSet, min_class: int) -> tuple[ImageSet, tuple[Words, ...]]:
    if data.several:
        return _large_labels(data, min_class)
    codes, names = data.classes()
    units = pd.DataFrame({"class": codes, "unit": data.unit_of_row}).drop_duplicates()["class"].to_numpy()
    counts = np.bincount(units[units >= 0], minlength=len(names))
    # combinations of several columns are many and small by nature
    if len(data.targets) != 1 or len(names) < 2:
        return data, ()
    small = np.flatnonzero((counts < min_class) & (counts > 0))
    if len(small) == 0:
        return data, ()
    if len(small) == np.count_nonzero(counts):
        raise DataError("image/classes-too-small", n=int(counts.max()), least=min_class)
    kept = np.flatnonzero(~np.isin(codes, small) & (codes >= 0)).astype(np.intp)
    return data.take_rows(kept), (_left_out(len(small), min_class, data),)


def _large_labels(data: ImageSet, min_class: int) -> tuple[ImageSet, tuple[Words, ...]]:
    """Return pictures that bear no label of too few units, without those labels: combinations are small by nature."""
    flags = data.frame[list(data.several)].fillna(False).astype(bool).to_numpy()
    counts = np.array([len(np.unique(data.unit_of_row[flags[:, k]])) for k in range(flags.shape[1])])
    small = (counts < min_class) & (counts > 0)
    if not small.any():
        return data, ()
    if (small | (counts == 0)).all():
        raise DataError("image/classes-too-small", n=int(counts.max()), least=min_class)
    kept = np.flatnonzero(~flags[:, small].any(axis=1)).astype(np.intp)
    gone = [n for n, out in zip(data.several, small.tolist(), strict=True) if out]
    return data.take_rows(kept).without(*gone), (_left_out(len(gone), min_class, data),)


def _left_out(n: int, min_class: int, data: ImageSet) -> Words:
    return Words(
        en=f"{n} class(es) with fewer than {min_class} {data.schema.unit}s were not learned: that few cannot be learned "
        "without learning them by heart. Use ordinary augmentation for them (synthproof balance --strategy augmentation).",
        ko=f"{min_class}건 미만인 부류 {n}개는 학습하지 않았습니다. 이렇게 적은 이미지는 그대로 외우지 않고는 학습할 수 없습니다. "
        "일반적인 증강(synthproof balance --strategy augmentation)을 사용하십시오.",
    )


def _chances(codes: IntArray) -> npt.NDArray[np.float64]:
    """Return how often each picture is looked at: classes by the root of their size, within a bound a picture."""
    counts = np.bincount(codes - codes.min(initial=0)) if len(codes) else np.zeros(1)
    each = np.divide(1.0, np.sqrt(counts), out=np.zeros(len(counts)), where=counts > 0)
    each = np.minimum(each, _HEAD * each[each > 0].min())
    chances: npt.NDArray[np.float64] = each[codes - codes.min(initial=0)]
    chances /= chances.sum()
    return chances


def draw(
    paint: Callable[[int, npt.NDArray[np.float32], Run], Pixels],
    n: int,
    *,
    code: LabelCode,
    law: LabelLaw,
    chain: Chain,
    origin: Origin,
    model: str,
    where: Conditions | None,
    seed: int,
    run: Run,
    block: int = BLOCK,
) -> ImageSet:
    """Return n drawn pictures.

    Parameters
    ----------
    paint
        ``paint(block number, conditions of the block (block, size), run)`` → its pictures, shape
        (block, side, side, channels). Must depend on its arguments and the model alone.
    model
        Digest of the model, noted with each picture.

    Raises
    ------
    ConditionError
        A label that is unknown or was not learned.
    """
    count = -(-n // block)
    # labels are drawn for whole blocks: picture i has the same neighbours whatever n is
    frame = law.draw(count * block, where, seed, run) if n else law.draw(1, where, seed, run).iloc[:0]
    condition = code.encode(frame)
    pixels = new_store(n, chain)

    def one(b: int) -> None:
        made = paint(b, condition[b * block : (b + 1) * block], run)
        left = min(block, n - b * block)
        pixels[b * block : b * block + left] = made[:left]

    work = Run(on_event=lambda e: run.tick(e.task, e.done, e.total), workers=run.workers)
    work.map(one, range(count), "draw")
    stated = replace(origin, options={**origin.options, KEY: [Step(did="draw", input="none", model=model).to_dict()]})
    labels = Table(frame.iloc[:n].reset_index(drop=True), replace(code.schema, modality="image"), origin=stated)
    marks = pd.DataFrame({"seed": np.full(n, seed), "index": np.arange(n), "model": [model] * n})
    return ImageSet(labels, pixels, chain, marks=marks)


def noise_of(seed: int, purpose: str, block: int, shape: tuple[int, ...]) -> FloatArray:
    """Return the standard normal numbers that the pictures of a block start from."""
    return stream(seed, f"{purpose}/noise", block).standard_normal(shape, dtype=np.float32)


def to_pixels(values: FloatArray, chain: Chain) -> Pixels:
    """Return pictures in [-1, 1], channels first, as stored pixels."""
    scaled = np.rint((np.clip(values, -1, 1) + 1) * (0.5 * chain.top))
    out: Pixels = scaled.transpose(0, 2, 3, 1).astype(chain.dtype)
    return out


def model_digest(name: str, arrays: Mapping[str, npt.NDArray[Any]]) -> str:
    """Return ``sha256:…`` of a network's weights."""
    return digest_json({"name": name, **{k: digest(np.ascontiguousarray(a).tobytes()) for k, a in arrays.items()}})


@dataclass(frozen=True, slots=True)
class Learnt:
    """What every fitted generator of pictures keeps beside its network."""

    code: LabelCode
    law: LabelLaw
    chain: Chain
    origin: Origin
    notices: tuple[Words, ...]
    seed: int

    @classmethod
    def of(cls, begun: Begun, notices: tuple[Words, ...] = ()) -> Self:
        """Return what is kept of a beginning."""
        data = begun.data
        options = {k: v for k, v in data.origin.options.items() if k in {"format", "layout"}}
        origin = Origin(container=data.origin.container, options=options, name=data.origin.name)
        return cls(begun.code, begun.law, data.chain, origin, (*begun.notices, *notices), begun.seed)

    def get_state(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "code": self.code.get_state(),
            "law": self.law.get_state(),
            "chain": self.chain.to_dict(),
            "origin": {
                "container": self.origin.container,
                "options": dict(self.origin.options),
                "name": self.origin.name,
            },
            "notices": [n.to_dict() for n in self.notices],
            "seed": self.seed,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Take back what `get_state` returned."""
        return cls(
            LabelCode.from_state(state["code"]),
            LabelLaw.from_state(state["law"]),
            Chain.from_dict(state["chain"]),
            Origin(**state["origin"]),
            tuple(Words.from_dict(n) for n in state["notices"]),
            int(state["seed"]),
        )


def seed_of(given: int | None, fallback: int | None = None) -> int:
    """Return a seed: the one given, else another, else a fresh one."""
    return int(given) if given is not None else fallback if fallback is not None else fresh_seed()


def own_seed(seed: int | None, fitted: int) -> int:
    """Return the seed of a draw: the one given, else one that belongs to the model."""
    return int(seed) if seed is not None else derive(fitted, "sample")


__all__ = [
    "BLOCK", "Begun", "Learnt", "begin", "draw", "drawn_schema", "model_digest", "noise_of", "own_seed", "seed_of",
    "to_pixels",
]  # fmt: skip
