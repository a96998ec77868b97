"""A small convolutional classifier and random convolutions: what pictures look like to a network, reproducibly.

Weights start from addressed streams, so that a network depends on its seed and its pictures alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from synthproof.core.random import derive, stream
from synthproof.core.run import Run
from synthproof.engines.torch_nets.load import device_for, need_torch, one_torch_thread
from synthproof.engines.torch_nets.nets import Arrays, Float32Array, Weights, dense, linear, to_arrays, to_device

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

WIDTHS = (16, 32, 64)
GROUPS = 8
GRID = 4
"""The last layer is pooled to so many places a side, so that where something is still tells classes apart."""
FEATURES = 64
RANDOM_WIDTHS = (32, 64, 128)
_BATCH = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifierPlan:
    """How a classifier learns.

    Parameters
    ----------
    steps
        Optimiser steps: the same for every set of pictures that is compared.
    batch
        Pictures a step.
    rate
        Peak step size of AdamW; it warms up for a tenth of the steps and falls along a cosine.
    shift
        Pixels that a picture is moved by at most while learning.
    """

    steps: int = 300
    batch: int = 64
    rate: float = 3e-3
    shift: int = 1


@dataclass(frozen=True, slots=True)
class Classifier:
    """A trained classifier: weights by name, how many classes it knows, and whether a picture may be of several."""

    arrays: Arrays
    n_classes: int
    seen: int
    several: bool = False

    @property
    def digest(self) -> str:
        """``sha256:…`` of the weights."""
        return digest_of(self.arrays)

    def look(self, pictures: Float32Array, *, run: Run) -> tuple[FloatArray, FloatArray]:
        """Return the last layer's inputs (n, 64) and the classes' probabilities (n, n_classes).

        They sum to 1 over classes, unless a picture may be of several: then each is of its own.
        """
        torch = need_torch()
        features, scores = [], []
        chances = torch.sigmoid if self.several else lambda z: torch.softmax(z, dim=1)
        with one_torch_thread(), torch.no_grad():
            device = device_for(run.device)
            weights = to_device(self.arrays, device)
            for start in range(0, len(pictures), _BATCH):
                run.tick("looking", start, len(pictures))
                x = torch.as_tensor(pictures[start : start + _BATCH], device=device)
                f = _features(weights, x)
                features.append(f.cpu().numpy())
                scores.append(chances(f @ weights["out.w"] + weights["out.b"]).cpu().numpy())
        return _rows(features, FEATURES), _rows(scores, self.n_classes)


def train_classifier(
    pictures: Float32Array,
    classes: IntArray | FloatArray,
    n_classes: int,
    plan: ClassifierPlan,
    *,
    seed: int,
    run: Run,
    weight: FloatArray | None = None,
    start: Arrays | None = None,
) -> Classifier:
    """Return a classifier of the pictures, trained by AdamW for a set number of steps.

    Parameters
    ----------
    pictures
        Shape (n, c, s, s) in [-1, 1].
    classes
        Shape (n,), each in 0 … n_classes - 1; or shape (n, n_classes) where a picture may be of several: 1, 0, or NaN where
        it is not known, which teaches nothing.
    weight
        How much each picture counts, shape (n,), or each of its labels, shape (n, n_classes); absent: alike.
    start
        Weights to go on from.

    Raises
    ------
    Cancelled
        The run was cancelled; it is ticked every ten steps.
    """
    torch = need_torch()
    arrays = _first_weights(pictures.shape[1], n_classes, seed) if start is None else start
    counts = None if weight is None else (weight / weight.mean()).astype(np.float32)
    with one_torch_thread():
        device = device_for(run.device)
        weights = to_device(arrays, device, learn=True)
        values = list(weights.values())
        adam = torch.optim.AdamW(values, lr=plan.rate, weight_decay=1e-3, fused=False, foreach=True)
        for step in range(plan.steps):
            if step % 10 == 0:
                run.tick("classifier", step, plan.steps)
            draws = stream(seed, "classifier/batch", step)
            rows = draws.integers(0, len(pictures), plan.batch)
            x = torch.as_tensor(shifted(pictures[rows], plan.shift, draws), device=device)
            scores = _features(weights, x) @ weights["out.w"] + weights["out.b"]
            loss = picture_loss(scores, classes[rows], None if counts is None else counts[rows])
            adam.zero_grad(set_to_none=True)
            loss.backward()
            for group in adam.param_groups:
                group["lr"] = plan.rate * pace(step, plan.steps)
            adam.step()
        run.tick("classifier", plan.steps, plan.steps)
        return Classifier(to_arrays(weights), n_classes, len(pictures), several=classes.ndim == 2)


def picture_loss(scores: Any, classes: IntArray | FloatArray, weight: FloatArray | None) -> Any:
    """Return the mean loss: cross entropy of one class a picture, or of its labels, those that are known; weighted where asked."""
    torch = need_torch()
    f = torch.nn.functional
    counts = None if weight is None else torch.as_tensor(weight, device=scores.device)
    if classes.ndim == 1:
        each = f.cross_entropy(
            scores, torch.as_tensor(classes.astype(np.int64), device=scores.device), reduction="none"
        )
        return each.mean() if counts is None else (each * counts).mean()
    known = torch.as_tensor(np.isfinite(classes).astype(np.float32), device=scores.device)
    truth = torch.as_tensor(np.nan_to_num(classes).astype(np.float32), device=scores.device)
    each = f.binary_cross_entropy_with_logits(scores, truth, reduction="none") * known
    # a picture's weight counts for all its labels
    return each.mean() if counts is None else (each * (counts if counts.ndim == 2 else counts[:, None])).mean()


def pace(step: int, steps: int) -> float:
    """Return the share of the peak step size: up along a line for a tenth of the steps, then down along a cosine."""
    warm = max(1, steps // 10)
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + float(np.cos(np.pi * (step - warm) / max(1, steps - warm))))


def shifted(pictures: Float32Array, most: int, draws: np.random.Generator) -> Float32Array:
    """Return pictures moved by up to `most` pixels, all of a batch by one shift; edges are repeated."""
    if most == 0:
        return pictures
    down, right = draws.integers(0, 2 * most + 1, 2).tolist()
    side = pictures.shape[-1]
    wide = np.pad(pictures, ((0, 0), (0, 0), (most, most), (most, most)), mode="edge")
    return np.ascontiguousarray(wide[:, :, down : down + side, right : right + side])


def _first_weights(channels: int, n_classes: int, seed: int) -> Arrays:
    arrays: Arrays = {}
    n_in = channels
    for i, n_out in enumerate(WIDTHS):
        draws = stream(seed, f"classifier/weights/{i}").standard_normal((n_out, n_in, 3, 3))
        arrays[f"{i}.w"] = (draws * np.sqrt(2.0 / (9 * n_in))).astype(np.float32)
        arrays[f"{i}.scale"] = np.ones(n_out, dtype=np.float32)
        arrays[f"{i}.shift"] = np.zeros(n_out, dtype=np.float32)
        n_in = n_out
    dense(arrays, "dense", n_in * GRID * GRID, FEATURES, derive(seed, "classifier/dense"))
    arrays["out.w"] = np.zeros((FEATURES, n_classes), dtype=np.float32)
    arrays["out.b"] = np.zeros(n_classes, dtype=np.float32)
    return arrays


def _features(weights: Weights, x: Any) -> Any:
    """Return the inputs of the last layer, (n, 64); group normalisation, so that a batch changes nothing."""
    f = need_torch().nn.functional
    for i in range(len(WIDTHS)):
        # the first convolution halves the side: at full size it would cost as much as all the others
        x = f.conv2d(x, weights[f"{i}.w"], padding=1, stride=2 if i == 0 else 1)
        x = f.silu(f.group_norm(x, GROUPS, weights[f"{i}.scale"], weights[f"{i}.shift"]))
        if i == 1:
            x = f.max_pool2d(x, 2, ceil_mode=True)
    x = f.adaptive_avg_pool2d(x, GRID).flatten(1)
    return f.silu(linear(weights, "dense", x))


def random_features(pictures: Float32Array, *, seed: int, run: Run) -> FloatArray:
    """Return what random convolutions see: mean and spread of every channel at three scales, shape (n, 448).

    Orthogonal filters from addressed streams, never trained: the same on every machine, for every data set, with no
    picture ever seen.
    """
    torch = need_torch()
    f = torch.nn.functional
    out = []
    with one_torch_thread(), torch.no_grad():
        device = device_for(run.device)
        filters = [torch.as_tensor(w, device=device) for w in _random_filters(pictures.shape[1], seed)]
        for start in range(0, len(pictures), _BATCH):
            run.tick("looking", start, len(pictures))
            x = torch.as_tensor(pictures[start : start + _BATCH], device=device)
            seen = []
            for w in filters:
                x = f.relu(f.conv2d(f.pad(x, (1, 1, 1, 1), mode="replicate"), w)) * 1.4142135
                seen += [x.mean(dim=(2, 3)), x.std(dim=(2, 3))]
                x = f.avg_pool2d(x, 2, ceil_mode=True)
            out.append(torch.cat(seen, dim=1).cpu().numpy())
    return _rows(out, 2 * sum(RANDOM_WIDTHS))


def random_digest(channels: int, seed: int) -> str:
    """Return ``sha256:…`` of the random filters."""
    return digest_of({str(i): w for i, w in enumerate(_random_filters(channels, seed))})


def _random_filters(channels: int, seed: int) -> list[Float32Array]:
    made = []
    n_in = channels
    for i, n_out in enumerate(RANDOM_WIDTHS):
        draws = stream(seed, f"random-filters/{i}").standard_normal((n_out, n_in * 9))
        tall = draws if draws.shape[0] >= draws.shape[1] else draws.T
        q, r = np.linalg.qr(tall)
        q = q * np.sign(np.diagonal(r))
        q = q if q.shape == draws.shape else q.T
        made.append((q * np.sqrt(max(1.0, n_out / (n_in * 9)))).reshape(n_out, n_in, 3, 3).astype(np.float32))
        n_in = n_out
    return made


def digest_of(arrays: Mapping[str, Float32Array]) -> str:
    """Return ``sha256:…`` of named arrays."""
    h = hashlib.sha256()
    for name in sorted(arrays):
        h.update(name.encode())
        h.update(np.ascontiguousarray(arrays[name]).tobytes())
    return "sha256:" + h.hexdigest()


def _rows(parts: list[Any], width: int) -> FloatArray:
    return np.concatenate(parts).astype(np.float64) if parts else np.empty((0, width))


__all__ = ["Classifier", "ClassifierPlan", "digest_of", "random_digest", "random_features"]
__all__ += ["pace", "picture_loss", "shifted", "train_classifier"]
