"""Near-duplicates: planted copies found, different pictures collapsed, time; writes results/images/near_duplicates.json.

Run: python benchmarks/images/near_duplicates.py        (under 2 CPU minutes)
"""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from _machine import data_dir, environment, keep
from synthproof.core.schema import Field, Schema
from synthproof.data.image.chain import Chain
from synthproof.data.image.dataset import ImageSet
from synthproof.data.table.dataset import Table
from synthproof.engines.finders.measure import wilson
from synthproof.protection.near_duplicates import NearDuplicates

PLANTED = 400


def share(k: int, n: int) -> dict[str, Any]:
    low, high = wilson(k, n)
    return {"n": n, "k": k, "share": round(k / max(n, 1), 6), "wilson_95": [round(low, 6), round(high, 6)]}


def jpeg(a: np.ndarray) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(a).save(file, "JPEG", quality=60)
    return np.asarray(Image.open(file))


def resized(a: np.ndarray) -> np.ndarray:
    n = a.shape[0]
    small = Image.fromarray(a).resize((round(0.9 * n),) * 2, Image.Resampling.LANCZOS)
    return np.asarray(small.resize((n, n), Image.Resampling.LANCZOS))


def brighter(a: np.ndarray) -> np.ndarray:
    return np.clip(a.astype(np.float64) * 1.15 + 12, 0, 255).astype(np.uint8)


def shifted(a: np.ndarray) -> np.ndarray:
    return np.pad(a, ((1, 0), (1, 0)), mode="edge")[:-1, :-1]


def darker(a: np.ndarray) -> np.ndarray:
    return (a * 0.8).astype(np.uint8)


KINDS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "JPEG quality 60": jpeg,
    "resized to 90 % and back": resized,
    "brighter (x 1.15 + 12, clipped)": brighter,
    "darker (x 0.8)": darker,
    "shifted by one pixel": shifted,
}


def pictures(x: np.ndarray, y: np.ndarray, patient: np.ndarray | None = None) -> ImageSet:
    levels = tuple(str(v) for v in np.unique(y))
    who = np.arange(len(x)) if patient is None else patient
    schema = Schema(
        unit="patient",
        fields=(
            Field(name="class", kind="categorical", levels=levels, roles=frozenset({"target"})),
            Field(name="patient", kind="identifier", roles=frozenset({"unit"})),
        ),
    )
    frame = pd.DataFrame(
        {
            "class": pd.Categorical([str(v) for v in y], categories=list(levels)),
            "patient": pd.Series([str(v) for v in who], dtype="str"),
        }
    )
    return ImageSet(Table(frame, schema), x[..., None], Chain(side=x.shape[1]))


def counts(data: ImageSet) -> dict[str, Any]:
    start = time.process_time()
    fitted = NearDuplicates().fit(data)
    told = dict(fitted.receipt())
    keys = ("pictures", "dropped", "groups", "largest_group", "groups_across_classes", "groups_across_persons")
    return {**{k: told[k] for k in keys}, "cpu_seconds": round(time.process_time() - start, 2)}


def planted(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> dict[str, Any]:
    """Copies appended to all pictures; found when tied to their own original (or what that was tied to)."""
    out = {}
    for name, change in KINDS.items():
        rows = rng.choice(len(x), PLANTED, replace=False)
        data = pictures(np.concatenate([x, np.stack([change(a) for a in x[rows]])]), np.concatenate([y, y[rows]]))
        groups = NearDuplicates().fit(data).groups_
        out[name] = share(int((groups[len(x) :] == groups[rows]).sum()), PLANTED)
    return out


def main() -> None:
    rng = np.random.default_rng(4)
    z = np.load(data_dir() / "chest_xray_pneumonia" / "xray.npz")
    m = np.load(data_dir() / "mnist" / "mnist.npz")
    c = np.load(data_dir() / "chest_xray_covid" / "xray.npz")
    NearDuplicates().fit(pictures(z["x"][:40], z["y"][:40]))  # compiled before the clock runs
    exact = len(z["x"]) - len(np.unique(z["x"].reshape(len(z["x"]), -1), axis=0))
    digits = pictures(m["x_train"], m["y_train"])
    result: dict[str, Any] = {
        "chest_xray_pneumonia": {"exact_copies": exact, **counts(pictures(z["x"], z["y"], z["patient"]))},
        "chest_xray_covid": counts(pictures(c["x"], c["y"])),
        "mnist, 60,000 digits": counts(digits),
        "planted among 5,216 X-rays": planted(z["x"], z["y"], rng),
    }
    told = result["mnist, 60,000 digits"]
    result["mnist, share collapsed"] = share(told["dropped"], told["pictures"])
    result["environment"] = environment()
    print(keep("images/near_duplicates", result))
    for k, v in result.items():
        if k != "environment":
            print(k, v)


if __name__ == "__main__":
    main()
