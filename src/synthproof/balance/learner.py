"""What a study trains: a learner with a budget of steps, the same for every arm. Image classifiers plug in here.

A learner takes arrays whose first axis is rows, class numbers and weights, and spends exactly the steps it is given,
whatever the number of rows: with the same steps, an arm that only has more rows gains nothing by looking at them longer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from synthproof.core.random import stream
from synthproof.engines.threads import one_blas_thread, one_openmp_thread

FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.intp]


class Trained(Protocol):
    """A model that answers."""

    def probabilities(self, x: Any, /) -> FloatArray:
        """Return the probability of each class, shape (n, n_classes)."""
        ...


class Learner(Protocol):
    """Learns classes within a budget of steps."""

    @property
    def name(self) -> str:
        """For the record."""
        ...

    @property
    def continues(self) -> bool:
        """Whether `train` can go on from a trained model, which pre-training needs."""
        ...

    @property
    def steps(self) -> int:
        """Steps of every arm."""
        ...

    def train(
        self,
        x: Any,
        y: IntArray,
        n_classes: int,
        *,
        steps: int,
        seed: int,
        weight: FloatArray | None = None,
        start: Any = None,
    ) -> Trained:
        """Return a model after exactly `steps` steps; `start` is a model of this learner to go on from."""
        ...


@dataclass(frozen=True)
class Perceptron:
    """Two hidden layers of rectified units, learned by AdamW under a cosine schedule; plain numpy, one thread.

    Parameters
    ----------
    steps
        Optimiser steps.
    hidden
        Units of each hidden layer.
    batch
        Rows per step.
    rate, decay
        Highest learning rate, and weight decay.
    smooth
        Share of steps at the end whose weights are averaged.

    Notes
    -----
    Cost O(steps · batch · hidden · (d + hidden)): 1,000 steps of 256 rows, d = 40, take a quarter of a second of one core.
    """

    steps: int = 1000
    hidden: int = 64
    batch: int = 256
    rate: float = 3e-3
    decay: float = 0.5
    smooth: float = 0.25
    name: str = "perceptron"
    continues: bool = True

    @one_blas_thread()
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
    ) -> Layers:
        """Return the network after exactly `steps` steps."""
        w = np.ones(len(y), dtype=np.float32) if weight is None else (weight / weight.mean()).astype(np.float32)
        theta = [p.copy() for p in start.parameters] if start is not None else self._begin(x.shape[1], n_classes, seed)
        first, second = [np.zeros_like(p) for p in theta], [np.zeros_like(p) for p in theta]
        average, averaged = [np.zeros_like(p) for p in theta], 0
        rows = _endless(len(y), min(self.batch, len(y)), seed)
        for step in range(1, steps + 1):
            at = next(rows)
            grads = _gradient(theta, x[at], y[at], w[at])
            rate = self.rate * min(1.0, step / 50) * (0.5 * (1 + np.cos(np.pi * step / steps)) + 0.01)
            for p, g, m, v in zip(theta, grads, first, second, strict=True):
                m += 0.1 * (g - m)
                v += 0.001 * (g * g - v)
                move = (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.999**step)) + 1e-8)
                p -= np.float32(rate) * (move + np.float32(self.decay if p.ndim == 2 else 0.0) * p)
            if step > steps * (1 - self.smooth):
                averaged += 1
                for a, p in zip(average, theta, strict=True):
                    a += (p - a) / averaged
        return Layers(tuple(average if averaged else theta))

    def _begin(self, d: int, n_classes: int, seed: int) -> list[Float32Array]:
        rng = stream(seed, "balance/perceptron")
        sizes = (d, self.hidden, self.hidden, n_classes)
        out: list[Float32Array] = []
        for a, b in zip(sizes[:-1], sizes[1:], strict=True):
            out += [rng.normal(0, np.sqrt(2 / max(1, a)), (a, b)).astype(np.float32), np.zeros(b, dtype=np.float32)]
        return out


@dataclass(frozen=True)
class Layers:
    """A trained `Perceptron`: weights and biases, layer by layer."""

    parameters: tuple[Float32Array, ...]

    @one_blas_thread()
    def probabilities(self, x: Float32Array, /) -> FloatArray:
        """Return softmax probabilities, shape (n, n_classes)."""
        return _softmax(_forward(list(self.parameters), x)[-1]).astype(np.float64)


@dataclass(frozen=True)
class Trees:
    """Gradient-boosted histogram trees of scikit-learn: a step is a round of trees.

    They cannot go on from other rows (their bins are made of the first ones), so pre-training is not measured with them.
    They draw nothing at random: seeds differ in the made rows alone.
    """

    steps: int = 100
    leaves: int = 31
    rate: float = 0.1
    name: str = "trees"
    continues: bool = False

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
    ) -> Boosted:
        """Return the trees after `steps` rounds."""
        from sklearn.ensemble import HistGradientBoostingClassifier

        model = HistGradientBoostingClassifier(
            max_iter=steps,
            learning_rate=self.rate,
            max_leaf_nodes=self.leaves,
            early_stopping=False,
            l2_regularization=10.0,
            random_state=seed % 2**32,
        )
        with one_openmp_thread():
            model.fit(x, y, sample_weight=weight)
        return Boosted(model, n_classes)


@dataclass(frozen=True)
class Boosted:
    """Trained `Trees`."""

    model: Any
    n_classes: int

    def probabilities(self, x: Float32Array, /) -> FloatArray:
        """Return probabilities; a class that was not learned from has 0."""
        out = np.zeros((len(x), self.n_classes))
        with one_openmp_thread():
            out[:, self.model.classes_] = self.model.predict_proba(x)
        return out


LEARNERS = {"perceptron": Perceptron, "trees": Trees}


def _endless(n: int, batch: int, seed: int) -> Any:
    epoch = 0
    while True:
        order = stream(seed, "balance/order", epoch).permutation(n)
        for at in range(0, n - batch + 1, batch):
            yield order[at : at + batch]
        epoch += 1


def _forward(theta: list[Float32Array], x: Float32Array) -> list[Float32Array]:
    out = [x]
    for k in range(0, len(theta), 2):
        z = out[-1] @ theta[k] + theta[k + 1]
        out.append(np.maximum(z, 0) if k + 2 < len(theta) else z)
    return out


def _softmax(z: Float32Array) -> Float32Array:
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return np.asarray(e / e.sum(axis=1, keepdims=True), dtype=np.float32)


def _gradient(theta: list[Float32Array], x: Float32Array, y: IntArray, w: Float32Array) -> list[Float32Array]:
    """Return the gradient of the mean weighted cross-entropy."""
    passed = _forward(theta, x)
    back = _softmax(passed[-1])
    back[np.arange(len(y)), y] -= 1
    back *= (w / len(y))[:, None]
    grads: list[Float32Array] = []
    for k in range(len(theta) - 2, -1, -2):
        below = passed[k // 2]
        grads = [below.T @ back, back.sum(axis=0), *grads]
        if k:
            back = (back @ theta[k].T) * (below > 0)
    return grads


__all__ = ["LEARNERS", "Boosted", "Layers", "Learner", "Perceptron", "Trained", "Trees"]
