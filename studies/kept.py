"""What a long study leaves on disk step by step, so that it goes on where it stopped: answers of arms, drawn pictures."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, MutableMapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from synthproof.balance.amounts import dose_amounts
from synthproof.balance.image_task import seen
from synthproof.core.fingerprint import digest_json
from synthproof.data.image.dataset import ImageSet

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
_OWN = ("synthetic", "pretrain")


class Answers(MutableMapping[str, FloatArray]):
    """Probabilities by ``seed/arm`` as files; arms without drawn pictures are shared by all generators.

    Parameters
    ----------
    folder
        Of one set, learner and number of steps.
    of
        The generator: name and parameters.
    """

    def __init__(self, folder: Path, of: Any) -> None:
        self.folder, self.own = folder, folder / digest_json(of)[7:19]

    def _path(self, key: str) -> Path:
        seed, _, arm = key.partition("/")
        return (self.own if arm.partition("@")[0] in _OWN else self.folder) / f"{seed}-{arm}.npy"

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self._path(key).is_file()

    def __getitem__(self, key: str) -> FloatArray:
        if key not in self:
            raise KeyError(key)
        return np.asarray(np.load(self._path(key), allow_pickle=False))

    def __setitem__(self, key: str, value: FloatArray) -> None:
        _save(self._path(key), value)

    def __delitem__(self, key: str) -> None:
        self._path(key).unlink()

    def __iter__(self) -> Iterator[str]:
        for folder in (self.folder, self.own):
            yield from (f.stem.replace("-", "/", 1) for f in sorted(folder.glob("*.npy")))

    def __len__(self) -> int:
        return sum(1 for _ in self)


class DrawnOnce:
    """Pictures of one fitted generator, drawn once for the largest dose; smaller amounts are heads of each class.

    Parameters
    ----------
    maker
        Learns the generator: called only when something is not on disk yet.
    folder, of
        Where to keep, and what the pictures depend on (generator, parameters, seed).
    y, dose
        Classes of the real training pictures, and the largest dose of any study.
    """

    def __init__(self, maker: Callable[[], Any], folder: Path, of: Any, y: IntArray, dose: float) -> None:
        self.maker, self.folder, self.of = maker, folder, of
        self.most = dose_amounts(np.bincount(y).astype(np.intp), dose)

    def rows(self, amounts: IntArray, /, *, seed: int) -> tuple[Any, IntArray]:
        """Return pictures as the network sees them, and their classes."""
        asked = np.maximum(amounts, np.where(amounts > 0, self.most, 0))
        path = self.folder / f"{digest_json([self.of, seed, asked.tolist()])[7:23]}.npz"
        if not path.is_file():
            x, y = self.maker().rows(asked, seed=seed)
            _save(path, x=x.astype(np.float32), y=y)
        with np.load(path, allow_pickle=False) as kept:
            x, y = kept["x"], kept["y"]
        head = np.concatenate([np.flatnonzero(y == c)[:n] for c, n in enumerate(amounts.tolist())])
        return x[head], y[head]


class Pool:
    """Pictures that one generator drew beforehand: the first of each class, as many as are asked for.

    Pre-training takes what there is: of 3,000 pictures no more of a class than were drawn. A dose is never cut.
    """

    def __init__(self, x: Any, y: IntArray, names: tuple[str, ...]) -> None:
        self.x, self.y, self.names = x, y, names

    @classmethod
    def of(cls, images: ImageSet, names: tuple[str, ...]) -> Self:
        """Return a pool of drawn pictures, classes in the study's order."""
        codes, own = images.classes()
        place = np.array([names.index(n) for n in own], dtype=np.intp)
        return cls(seen(images), place[codes], names)

    @property
    def counts(self) -> list[int]:
        """Pictures of each class."""
        return [int(n) for n in np.bincount(self.y, minlength=len(self.names))]

    def rows(self, amounts: IntArray, /, *, seed: int) -> tuple[Any, IntArray]:
        """Return pictures as the network sees them, and their classes; `seed` changes nothing."""
        every = bool((amounts > 0).all())
        short = [n for n, have in zip(amounts.tolist(), self.counts, strict=True) if n > have]
        if short and not every:
            raise SystemExit(f"a dose asks for {max(short)} pictures of a class; the pool has {self.counts}")
        head = np.concatenate([np.flatnonzero(self.y == c)[:n] for c, n in enumerate(amounts.tolist())])
        return self.x[head], self.y[head]


def _save(path: Path, array: Any = None, **arrays: Any) -> None:
    """Write an array, or several, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{os.getpid()}-{path.name}")
    with part.open("wb") as handle:
        np.savez_compressed(handle, **arrays) if arrays else np.save(handle, array, allow_pickle=False)
    part.replace(path)


__all__ = ["Answers", "DrawnOnce", "Pool"]
