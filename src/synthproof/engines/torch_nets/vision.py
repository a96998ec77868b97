"""A small convolutional classifier and random convolutions: what pictures look like to a network, reproducibly.

Weights start from addressed streams, so that a network depends on its seed and its pictures alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from synthproof.core.errors import ReadError
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
        """Return the last layer's inputs (n, 64) and the classes' probabilities (n, n_classes)."""
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
    classes: IntArray,
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
        Shape (n,), each in 0 … n_classes - 1; several yes/no labels: 0 and 1, shape (n, n_classes).
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
            x = torch.as_tensor(_shifted(pictures[rows], plan.shift, draws), device=device)
            y = torch.as_tensor(classes[rows].astype(np.int64), device=device)
            scores = _features(weights, x) @ weights["out.w"] + weights["out.b"]
            loss = _loss(scores, y, None if counts is None else torch.as_tensor(counts[rows], device=device))
            adam.zero_grad(set_to_none=True)
            loss.backward()
            for group in adam.param_groups:
                group["lr"] = plan.rate * _pace(step, plan.steps)
            adam.step()
        run.tick("classifier", plan.steps, plan.steps)
        return Classifier(to_arrays(weights), n_classes, len(pictures), several=classes.ndim == 2)


def _loss(scores: Any, y: Any, weight: Any) -> Any:
    """Return the mean cross-entropy of one class a picture, or of several yes/no labels, weighted where asked."""
    f = need_torch().nn.functional
    if y.ndim == 2:
        return f.binary_cross_entropy_with_logits(scores, y.to(scores.dtype), weight=weight)
    if weight is None:
        return f.cross_entropy(scores, y)
    return (f.cross_entropy(scores, y, reduction="none") * weight).mean()


def _pace(step: int, steps: int) -> float:
    warm = max(1, steps // 10)
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + float(np.cos(np.pi * (step - warm) / max(1, steps - warm))))


def _shifted(pictures: Float32Array, most: int, draws: np.random.Generator) -> Float32Array:
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


def file_features(pictures: Float32Array, path: Path, digest: str, *, side: int, run: Run) -> FloatArray:
    """Return the outputs of a TorchScript file that the user supplies (Inception, DINO …), shape (n, d).

    Parameters
    ----------
    path, digest
        The file, and its SHA-256 as hexadecimal digits: weights of another digest are refused.
    side
        Pixels that pictures are brought to; grey ones are given three equal channels.

    Raises
    ------
    ReadError
        ``vision/no-weights``, ``vision/other-weights``.
    """
    if not path.is_file():
        raise ReadError("vision/no-weights", where=str(path))
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != digest.removeprefix("sha256:").lower():
        raise ReadError("vision/other-weights", where=str(path), found=found[:16], asked=digest[:16])
    torch = need_torch()
    out = []
    with one_torch_thread(), torch.no_grad():
        net = load_script(path).eval()
        for start in range(0, len(pictures), _BATCH // 4):
            run.tick("looking", start, len(pictures))
            x = torch.as_tensor(pictures[start : start + _BATCH // 4])
            x = x.expand(-1, 3, -1, -1) if x.shape[1] == 1 else x
            x = torch.nn.functional.interpolate(x, size=(side, side), mode="bilinear", align_corners=False)
            out.append(net(x).flatten(1).cpu().numpy())
    return _rows(out, 1)


def load_script(path: Path) -> Any:
    """Return a TorchScript module on the CPU; its archive holds operations and numbers, no Python."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return need_torch().jit.load(str(path), map_location="cpu")


def digest_of(arrays: Mapping[str, Float32Array]) -> str:
    """Return ``sha256:…`` of named arrays."""
    h = hashlib.sha256()
    for name in sorted(arrays):
        h.update(name.encode())
        h.update(np.ascontiguousarray(arrays[name]).tobytes())
    return "sha256:" + h.hexdigest()


def _rows(parts: list[Any], width: int) -> FloatArray:
    return np.concatenate(parts).astype(np.float64) if parts else np.empty((0, width))


__all__ = ["Classifier", "ClassifierPlan", "digest_of", "file_features", "random_digest", "random_features"]
__all__ += ["train_classifier"]
