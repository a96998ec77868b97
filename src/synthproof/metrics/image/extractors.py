"""Named extractors: what a classifier, random convolutions, the pixels' axes or a user's network see in pictures.

A distance in features says nothing without the extractor's name and digest: none of these is "the FID". A number is read
beside the same number of real pictures against real ones, in the same features, at the same size.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from synthproof.core.contracts import Case
from synthproof.core.run import Run
from synthproof.engines.threads import one_blas_thread
from synthproof.engines.torch_nets.nets import Float32Array
from synthproof.engines.torch_nets.supplied import Supplied, SuppliedNet
from synthproof.engines.torch_nets.vision import (
    Classifier,
    ClassifierPlan,
    digest_of,
    random_digest,
    random_features,
    train_classifier,
)
from synthproof.engines.vision.alignment import reduced
from synthproof.metrics.image.reading import SIDES, Side, classes_of, labels_of, rows_of, side_of

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

MOST = 4_000
"""Pictures a side that are looked at; of more, whole persons drawn at random."""
LARGEST = 32
"""Pixels a side that networks see."""
RANDOM_AXES = 64
PIXEL_AXES = 32
LEAST_IN_A_CLASS = 10
SEED = 0
"""The extractors' own seed: the same for every case, so that their digests can be compared."""
CLASSIFIER, RANDOM, PIXELS, OWN = "domain classifier", "random convolutions", "pixel axes", "own weights"


@dataclass(frozen=True, slots=True)
class Features:
    """What one extractor saw.

    Parameters
    ----------
    name, digest
        Which extractor it is; the digest is of its weights.
    of
        Features of the pictures drawn of each side, shape (n, d).
    scores
        Probabilities of the classes of train; of the classifier alone.
    """

    name: str
    digest: str
    of: Mapping[Side, FloatArray]
    scores: Mapping[Side, FloatArray] | None = None


def drawn(case: Case[Any]) -> dict[Side, IntArray]:
    """Return the rows of each side that the extractors look at."""
    found = case.cache.get("image.rows")
    if not isinstance(found, dict):
        sides = [s for s in SIDES if s != "holdout" or case.holdout is not None]
        found = {s: rows_of(side_of(case, s), MOST, SEED, f"extractors/{s}") for s in sides}
        case.cache["image.rows"] = found
    return found


def pictures(case: Case[Any], side: Side) -> Float32Array:
    """Return the drawn pictures of one side as networks see them: (n, c, s, s) in [-1, 1], `LARGEST` pixels at most."""
    key = f"image.pictures/{side}"
    found = case.cache.get(key)
    if not isinstance(found, np.ndarray):
        images, rows = side_of(case, side), drawn(case)[side]
        parts = [reduced(images.values(rows[i : i + 512]), LARGEST) for i in range(0, len(rows), 512)]
        found = case.cache[key] = np.concatenate(parts)
    return found


def classifier(case: Case[Any], run: Run) -> Classifier | None:
    """Return a classifier of train's classes, or of its yes/no labels where a picture may have several; learned once per
    battery; ``None`` where there is nothing to tell apart."""
    key = "image.classifier"
    if key not in case.cache:
        rows, truth, n = _taught(case)
        made = None
        if n:
            made = train_classifier(pictures(case, "train")[rows], truth, n, ClassifierPlan(), seed=SEED, run=run)
        case.cache[key] = made
    found: Classifier | None = case.cache[key]
    return found


def _taught(case: Case[Any]) -> tuple[IntArray, IntArray | FloatArray, int]:
    """Return which of train's drawn pictures teach, what, and how many classes (0: none)."""
    seen = drawn(case)["train"]
    labels = labels_of(case)
    if labels is not None:
        truth = labels["train"][seen]
        yes, no = (np.nansum(truth == v, axis=0) for v in (1, 0))
        enough = np.minimum(yes, no) >= LEAST_IN_A_CLASS
        return np.arange(len(seen), dtype=np.intp), truth, truth.shape[1] if enough.any() else 0
    classes = classes_of(case)
    codes = classes.of["train"][seen]
    counts = np.bincount(codes[codes >= 0], minlength=len(classes.names))
    usable = np.flatnonzero(counts >= LEAST_IN_A_CLASS)
    rows = np.flatnonzero(np.isin(codes, usable)).astype(np.intp)
    return rows, codes[rows], len(classes.names) if len(usable) >= 2 else 0


def features(case: Case[Any], name: str, run: Run, own: Supplied | None = None) -> Features | None:
    """Return what one extractor sees, from the case's cache after the first call; ``None`` where it cannot be made."""
    key = f"image.features/{name}"
    if key not in case.cache:
        make = {CLASSIFIER: _by_classifier, RANDOM: _by_random, PIXELS: _by_pixels}.get(name)
        if make is not None:
            case.cache[key] = make(case, run)
        elif own is not None:
            case.cache[key] = _by_own(case, own, run)
    found: Features | None = case.cache.get(key)
    return found


def _by_classifier(case: Case[Any], run: Run) -> Features | None:
    net = classifier(case, run)
    if net is None:
        return None
    seen = {side: net.look(pictures(case, side), run=run) for side in drawn(case)}
    return Features(CLASSIFIER, net.digest, {s: f for s, (f, _) in seen.items()}, {s: p for s, (_, p) in seen.items()})


def _by_random(case: Case[Any], run: Run) -> Features:
    raw = {side: random_features(pictures(case, side), seed=SEED, run=run) for side in drawn(case)}
    return Features(RANDOM, random_digest(case.train.chain.channels, SEED), _on_axes(raw, RANDOM_AXES, scaled=True))


def _by_pixels(case: Case[Any], run: Run) -> Features:
    raw = {side: pictures(case, side).reshape(len(drawn(case)[side]), -1).astype(np.float64) for side in drawn(case)}
    placed = _on_axes(raw, PIXEL_AXES, scaled=False)
    return Features(PIXELS, digest_of({"axes": placed["train"].astype(np.float32)}), placed)


def supplied(weights: str, sha256: str, side: int, scale: str, called: str) -> Supplied | None:
    """Return the user's network that a metric's parameters name, if they name one."""
    return Supplied(path=weights, sha256=sha256, side=side, scale=scale, name=called) if weights else None


def _by_own(case: Case[Any], own: Supplied, run: Run) -> Features:
    net = SuppliedNet(own, run=run)

    def look(side: Side) -> FloatArray:
        images, rows = side_of(case, side), drawn(case)[side]
        # at their own size: networks of the user's see more than our small ones do
        return net.look(images.values(rows[i : i + 64]) for i in run.each(range(0, len(rows), 64), own.name))

    return Features(own.name, own.digest, {s: look(s) for s in drawn(case)})


@one_blas_thread()
def _on_axes(raw: Mapping[Side, FloatArray], most: int, *, scaled: bool) -> dict[Side, FloatArray]:
    """Return features on the leading axes of train's, centred; with `scaled` each feature is divided by its spread."""
    train = raw["train"]
    centre = train.mean(axis=0)
    spread = train.std(axis=0) if scaled else np.ones_like(centre)
    scale = np.divide(1.0, spread, out=np.zeros_like(spread), where=spread > 1e-9)
    apart = (train - centre) * scale
    _, vectors = np.linalg.eigh(apart.T @ apart)
    axes = vectors[:, ::-1][:, : min(most, max(1, len(train) - 1))]
    return {side: np.ascontiguousarray(((x - centre) * scale) @ axes) for side, x in raw.items()}


__all__ = [
    "CLASSIFIER",
    "LARGEST",
    "MOST",
    "OWN",
    "PIXELS",
    "RANDOM",
    "Features",
    "Supplied",
    "classifier",
    "drawn",
    "features",
]
__all__ += ["pictures", "supplied"]
