"""What every study measures: our metrics over (train, holdout, synthetic), kept as JSON, resumed where it stopped."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from synthproof.core.contracts import Case, Recipe
from synthproof.core.random import derive
from synthproof.core.registry import metrics
from synthproof.core.run import Run
from synthproof.core.schema import Purpose
from synthproof.data.image.dataset import ImageSet
from synthproof.data.image.io import How, read_images
from synthproof.data.split import Split, split

DATA = Path(os.environ.get("SYNTHPROOF_DATA", Path(__file__).resolve().parents[1].parent / "shared" / "data"))
HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
SEED = 7


def mnist() -> Split[ImageSet]:
    """Return MNIST's own halves: 60,000 and 10,000 digits."""
    train, test = (read_images(DATA / "mnist" / "mnist.npz", How(part=p)) for p in ("train", "test"))
    return _own_halves(train, test)


def xrays(side: int = 96) -> Split[ImageSet]:
    """Return the paediatric chest X-rays, a fifth of the patients held out; at 48 px the same patients, means of 2 x 2."""
    parts = split(read_images(DATA / "chest_xray_pneumonia" / "xray.npz"), holdout=0.2, seed=SEED)
    if side == 96:
        return parts
    return replace(parts, train=_smaller(parts.train, 96 // side), holdout=_smaller(parts.holdout, 96 // side))


def _smaller(images: ImageSet, times: int) -> ImageSet:
    """Return pictures averaged over squares, as the learners of the balance studies see large ones."""
    side = images.chain.side // times
    x = images.pixels().reshape(images.n_rows, side, times, side, times, -1).mean(axis=(2, 4))
    return ImageSet(images.labels, np.rint(x).astype(images.chain.dtype), replace(images.chain, side=side))


def pneumonia(ratio: int | None = None) -> Split[ImageSet]:
    """Return PneumoniaMNIST's own halves; with `ratio`, normal pictures are thinned to 1 : ratio in train."""
    train, test = (
        read_images(DATA / "pneumonia_mnist" / "pneumonia_mnist.npz", How(part=p)) for p in ("train", "test")
    )
    if ratio is not None:
        codes, _ = train.classes()
        many = np.flatnonzero(codes == 1)
        few = np.flatnonzero(codes == 0)[: len(many) // ratio]
        train = train.take_rows(np.sort(np.concatenate([many, few])).astype(np.intp))
    return _own_halves(train, test)


def _own_halves(train: ImageSet, test: ImageSet) -> Split[ImageSet]:
    none = np.empty(0, dtype=np.intp)
    return Split(train=train, holdout=test, train_units=none, holdout_units=none, seed=0, fraction=0.0)


def drawn_from(files: Sequence[Path], like: ImageSet) -> ImageSet:
    """Return synthetic pictures kept in npz files, with the classes of the real ones."""
    from synthproof.pipeline.image_sides import as_train

    x = np.concatenate([np.load(f)["x"] for f in files])
    with np.load(files[0]) as first:
        names = [str(c) for c in first["classes"]]
    y = np.concatenate([np.load(f)["y"] for f in files])
    target = like.targets[0]
    import pandas as pd

    labels = pd.DataFrame({target: np.array(names, dtype=object)[y]})
    return as_train(read_images({"images": x, "labels": labels}, How(targets=(target,))), like)


def measured(
    key: str,
    parts: Split[ImageSet],
    drawn: ImageSet,
    names: Sequence[str],
    *,
    losses: Mapping[str, Any] | None = None,
    generator: str = "",
    most_train: int | None = None,
    facts: Mapping[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """Return evidence of the named metrics as plain records, measuring only what ``results/KEY.json`` lacks."""
    path = RESULTS / f"{key}.json"
    kept: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {"evidence": {}, "machine": machine()}
    kept["facts"] = {**kept.get("facts", {}), **(facts or {})}
    train = parts.train
    if most_train is not None and len(train) > most_train:
        train = train.take(np.sort(np.random.default_rng(SEED).permutation(len(train))[:most_train]))
    recipe = Recipe(name=generator) if generator else None
    case = Case(
        train=train,
        holdout=parts.holdout,
        synthetic=drawn,
        purpose=Purpose(targets=train.targets),
        losses=losses,
        recipe=recipe,
    )
    for name in names:
        if name in kept["evidence"]:
            continue
        began = time.perf_counter()
        found = metrics.make(name).measure(case, seed=derive(SEED, name), run=Run())
        took = time.perf_counter() - began
        kept["evidence"][name] = {"seconds": round(took, 1), "found": [e.to_dict() for e in found]}
        print(key, name, f"{took:.1f} s", *(f"{e.subject}={e.estimate}" for e in found[:4]), flush=True)
        RESULTS.mkdir(exist_ok=True)
        path.write_text(json.dumps({k: v for k, v in kept.items() if v}, ensure_ascii=False, indent=1))
    return [e for name in names for e in kept["evidence"][name]["found"]]


def lacking(key: str, names: Sequence[str]) -> list[str]:
    """Return the metrics that ``results/KEY.json`` lacks."""
    path = RESULTS / f"{key}.json"
    kept = json.loads(path.read_text())["evidence"] if path.is_file() else {}
    return [n for n in names if n not in kept]


def machine() -> dict[str, Any]:
    """Return where the numbers come from."""
    return {
        "cores": os.cpu_count(),
        "processor": platform.processor() or platform.machine(),
        "python": platform.python_version(),
        "torch": version("torch"),
        "synthproof": version("synthproof"),
    }
