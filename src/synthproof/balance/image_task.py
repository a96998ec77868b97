"""Pictures in a study: their task (what can be made of real training pictures) and their learner (a small network)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from synthproof.balance.arms import LEAST
from synthproof.balance.image_maker import AUGMENT
from synthproof.balance.task import FEWEST_TEST, Part, refuse_few_units
from synthproof.core.errors import DataError
from synthproof.core.random import derive
from synthproof.core.registry import synthesizers
from synthproof.core.run import Run, quiet
from synthproof.core.words import Words
from synthproof.data.balanced import refuse_balanced
from synthproof.data.image.dataset import ImageSet
from synthproof.data.split import Split, split
from synthproof.engines.scratch import scratch
from synthproof.engines.torch_nets.vision import Classifier, ClassifierPlan, train_classifier

FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.intp]
LARGEST = 48
"""Pixels a side at which a study's network looks, at most: larger pictures are averaged over squares."""


class ImageTask:
    """Pictures with one label each, split by person; nothing is learned from the test part.

    Parameters
    ----------
    data
        All real pictures, or a split of them; pictures without a label are left out.
    holdout
        Share of persons to test on, where `data` is not split.
    generator, params
        Generator of synthetic pictures, and its parameters.

    Raises
    ------
    DataError
        ``balance/study-too-small``, ``balance/study-few-units``, ``split/…``.
    """

    def __init__(
        self,
        data: ImageSet | Split[ImageSet],
        *,
        holdout: float = 0.4,
        seed: int = 0,
        generator: str = "image.flow",
        params: Mapping[str, Any] | None = None,
    ) -> None:
        for part in (data.train, data.holdout) if isinstance(data, Split) else (data,):
            refuse_balanced(part)
        parts = data if isinstance(data, Split) else split(data, holdout=holdout, seed=seed)
        self._real, unseen = _labelled(parts.train), _labelled(parts.holdout)
        self._generator, self._params = generator, dict(params or {})
        self._fitted: dict[tuple[str, int], Any] = {}
        codes, self.names = self._real.classes()
        test, _ = unseen.classes()
        for c in range(len(self.names)):
            counts = int((codes == c).sum()), int((test == c).sum())
            if counts[0] < LEAST or counts[1] < FEWEST_TEST:
                raise DataError(
                    "balance/study-too-small", position=c + 1, n_classes=len(self.names), train=counts[0], test=counts[1],
                    least_train=LEAST, least_test=FEWEST_TEST,
                )  # fmt: skip
        refuse_few_units(test[:, None] == np.arange(len(self.names)), unseen.unit_of_row)
        self.train = Part(seen(self._real), codes, self._real.unit_of_row)
        self.test = Part(seen(unseen), test, unseen.unit_of_row)
        self.facts: Mapping[str, Any] = {
            "modality": "image",
            "source": self._real.origin.name,
            "target": ", ".join(self._real.targets),
            "side": self._real.chain.side,
            "seen_at": int(self.train.x.shape[2]),
            "unit": self._real.schema.unit,
            "train_units": len(self._real),
            "test_units": len(unseen),
            "holdout": parts.fraction,
            "split_seed": parts.seed,
            "generator": generator,
            "generator_params": self._params,
        }

    def kinds(self) -> Mapping[str, Words | None]:
        """Return the kinds of made pictures: moved real ones, and drawn ones; none lies between two pictures."""
        none = Words(
            en="Pictures are not interpolated: a mean of two is no picture.",
            ko="두 이미지의 평균은 이미지가 아니므로 보간하지 않습니다.",
        )
        return {"smote": none, "augmentation": None, "synthetic": None}

    def maker(self, kind: str, /, *, seed: int, run: Run | None = None) -> ImageMade:
        """Return what draws pictures of a kind, learned from the real training pictures alone."""
        name = AUGMENT if kind == "augmentation" else self._generator
        key = name, seed
        if key not in self._fitted:
            given = {} if kind == "augmentation" else self._params
            made = synthesizers.make(name, random_state=derive(seed, name), **given)
            self._fitted = {key: made.fit(self._real, run=run)} | {
                k: v for k, v in self._fitted.items() if k[1] == seed
            }
        return ImageMade(self._fitted[key], self._real.targets[0], self.names)


@dataclass(frozen=True)
class ImageMade:
    """Drawn pictures of one fitted generator, asked for by class."""

    model: Any
    target: str
    names: tuple[str, ...]

    def rows(self, amounts: IntArray, /, *, seed: int) -> tuple[Float32Array, IntArray]:
        """Return pictures as the network sees them, and their classes."""
        x, y = [], []
        for c, n in enumerate(amounts.tolist()):
            if n:
                drawn = self.model.sample(n, where={self.target: self.names[c]}, seed=derive(seed, f"class/{c}"))
                x.append(seen(drawn))
                y.append(np.full(n, c, dtype=np.intp))
        return np.concatenate(x), np.concatenate(y)


@dataclass(frozen=True)
class PictureNet:
    """The network of the domain classifier (three convolutions), the same steps for every arm.

    Parameters
    ----------
    steps, batch, rate
        Of AdamW under a cosine schedule.
    shift
        Pixels that a picture is moved by at most while learning.
    """

    steps: int = 400
    batch: int = 64
    rate: float = 3e-3
    shift: int = 0
    name: str = "small convolutional network"
    continues: bool = True

    def train(
        self,
        x: Float32Array,
        y: IntArray,
        n_classes: int,
        *,
        steps: int,
        seed: int,
        weight: FloatArray | None = None,
        start: Any = None,
    ) -> TrainedNet:
        """Return the network after exactly `steps` steps."""
        plan = ClassifierPlan(steps=steps, batch=self.batch, rate=self.rate, shift=self.shift)
        begin = None if start is None else start.net.arrays
        return TrainedNet(
            train_classifier(x, y, n_classes, plan, seed=seed, run=quiet(None), weight=weight, start=begin)
        )


@dataclass(frozen=True)
class TrainedNet:
    """A trained network that answers."""

    net: Classifier

    def probabilities(self, x: Float32Array, /) -> FloatArray:
        """Return the probability of each class, shape (n, n_classes)."""
        return self.net.look(x, run=quiet(None))[1]


def seen(images: ImageSet) -> Float32Array:
    """Return pictures as the network sees them, shape (n, c, s, s) in [-1, 1], 48 pixels a side at most; many on disk."""
    k = -(-images.chain.side // LARGEST)
    side = images.chain.side // k
    out = scratch((images.n_rows, images.chain.channels, side, side), np.float32)
    for rows in images.batches():
        values = images.values(rows)[:, :, : side * k, : side * k]
        out[rows] = values.reshape(len(values), -1, side, k, side, k).mean(axis=(3, 5)) if k > 1 else values
    return out


def _labelled(images: ImageSet) -> ImageSet:
    codes, _ = images.classes()
    return images if (codes >= 0).all() else images.take_rows(np.flatnonzero(codes >= 0).astype(np.intp))


__all__ = ["AUGMENT", "ImageMade", "ImageTask", "PictureNet", "TrainedNet", "seen"]
