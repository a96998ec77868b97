"""The large learner of a study of pictures, beside the small one of `image_task`; both by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from synthproof.balance.image_task import PictureNet
from synthproof.core.run import quiet
from synthproof.engines.torch_nets.efficient import Efficient, EfficientShape, train_efficient
from synthproof.engines.torch_nets.vision import ClassifierPlan

FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True)
class EfficientNet:
    """A network of EfficientNet's family, B1 unless told otherwise (Tan & Le 2019, arXiv:1905.11946).

    Parameters
    ----------
    steps, batch, rate
        Of AdamW under a cosine schedule.
    width, depth, drop
        As `engines.torch_nets.efficient.EfficientShape` takes them: B1's 1.0, 1.1 and 0.2.
    shift
        Pixels that a picture is moved by at most while learning.

    Notes
    -----
    6.5 million weights. Cost O(steps · batch · side²); `benchmarks/images/learners.py` measures pictures a second.
    """

    steps: int = 400
    batch: int = 32
    rate: float = 2e-3
    width: float = 1.0
    depth: float = 1.1
    drop: float = 0.2
    shift: int = 0
    name: str = "EfficientNet-B1 for small pictures"
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
    ) -> TrainedEfficient:
        """Return the network after exactly `steps` steps."""
        shape = EfficientShape(
            channels=x.shape[1],
            side=x.shape[2],
            n_classes=n_classes,
            width=self.width,
            depth=self.depth,
            drop=self.drop,
        )
        plan = ClassifierPlan(steps=steps, batch=self.batch, rate=self.rate, shift=self.shift)
        begin = None if start is None else start.net.arrays
        return TrainedEfficient(
            train_efficient(x, y, shape, plan, seed=seed, run=quiet(None), weight=weight, start=begin)
        )


@dataclass(frozen=True)
class TrainedEfficient:
    """A trained network that answers."""

    net: Efficient

    def probabilities(self, x: Float32Array, /) -> FloatArray:
        """Return the probability of each class, shape (n, n_classes)."""
        return self.net.probabilities(x, run=quiet(None))


PICTURE_LEARNERS = {"small": PictureNet, "efficientnet": EfficientNet}

__all__ = ["PICTURE_LEARNERS", "EfficientNet", "TrainedEfficient"]
