"""What every study measures: our metrics over (train, holdout, synthetic), kept as JSON, resumed where it stopped."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Mapping, Sequence
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


def xrays() -> Split[ImageSet]:
    """Return the paediatric chest X-rays at 96 px, a fifth of the patients held out."""
    return split(read_images(DATA / "chest_xray_pneumonia" / "xray.npz"), holdout=0.2, seed=SEED)


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
) -> list[dict[str, Any]]:
    """Return evidence of the named metrics as plain records, measuring only what ``results/KEY.json`` lacks."""
    path = RESULTS / f"{key}.json"
    kept: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {"evidence": {}, "machine": machine()}
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
        path.write_text(json.dumps(kept, ensure_ascii=False, indent=1))
    return [e for name in names for e in kept["evidence"][name]["found"]]


def missing(key: str, names: Sequence[str]) -> bool:
    """Return whether ``results/KEY.json`` lacks one of the named metrics."""
    path = RESULTS / f"{key}.json"
    return not path.is_file() or not set(names) <= set(json.loads(path.read_text())["evidence"])


def machine() -> dict[str, Any]:
    """Return where the numbers come from."""
    return {
        "cores": os.cpu_count(),
        "processor": platform.processor() or platform.machine(),
        "python": platform.python_version(),
        "torch": version("torch"),
        "synthproof": version("synthproof"),
    }
