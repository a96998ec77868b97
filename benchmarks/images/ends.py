"""What drawing the ends of grey exactly is worth: the same drawn pictures before and after, against the same real ones.

    python benchmarks/images/ends.py mnist studies/runs/mnist-flow-cpu.npz
    python benchmarks/images/ends.py xrays runs/xray-0.npz runs/xray-1.npz

The files hold pictures of a model that did not draw its ends exactly yet. The ends are learned from the first 64 of them,
as a fit does, and `image.frechet`, `image.kid` and `image.pixel_tests` see both versions.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve()
sys.path.insert(0, str(HERE.parents[2] / "studies"))
from scoring import SEED, drawn_from, machine, mnist, xrays  # noqa: E402
from synthproof.core.contracts import Case  # noqa: E402
from synthproof.core.random import derive  # noqa: E402
from synthproof.core.registry import metrics  # noqa: E402
from synthproof.core.run import Run  # noqa: E402
from synthproof.core.schema import Purpose  # noqa: E402
from synthproof.synthesizers.image.drawing import begin  # noqa: E402
from synthproof.synthesizers.image.ends import ends_of, shares_at_ends  # noqa: E402

KEPT = HERE.parents[1] / "results" / "images" / "ends.json"
METRICS = ("image.pixel_tests", "image.frechet", "image.kid")
MOST_TRAIN, PILOT = 20_000, 64


def main() -> None:
    """Measure one set and keep it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("set", choices=("mnist", "xrays"))
    parser.add_argument("samples", nargs="+", type=Path)
    given = parser.parse_args()
    parts = mnist() if given.set == "mnist" else xrays()
    train = parts.train
    if len(train) > MOST_TRAIN:
        train = train.take(np.sort(np.random.default_rng(SEED).permutation(len(train))[:MOST_TRAIN]))
    x = np.concatenate([np.load(f)["x"] for f in given.samples])
    y = np.concatenate([np.load(f)["y"] for f in given.samples])
    names = np.load(given.samples[0])["classes"]
    shares = shares_at_ends(begin(train, SEED, min_class=1, run=Run()))
    values = (x / 127.5 - 1).astype(np.float32)
    ends = ends_of(shares, values[:PILOT])
    settled = np.rint((ends.settle(values) + 1) * 127.5).astype(np.uint8)
    found: dict[str, Any] = {"shares": shares, "ends": ends.get_state(), "drawn": len(x)}
    for label, pixels in (("before", x), ("after", settled)):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "drawn.npz"
            np.savez_compressed(file, x=pixels, y=y, classes=names)
            drawn = drawn_from([file], parts.train)
        case = Case(train=train, holdout=parts.holdout, synthetic=drawn, purpose=Purpose(targets=train.targets))
        found[label] = {
            f"{name} {e.subject}": {"estimate": e.estimate, "interval": e.interval, "reference": e.reference}
            for name in METRICS
            for e in metrics.make(name).measure(case, seed=derive(SEED, name), run=Run())
            if e.estimate is not None and not e.subject.startswith("class ")
        }
    kept = json.loads(KEPT.read_text()) if KEPT.is_file() else {}
    kept[given.set] = {**found, "machine": machine(), "seed": SEED}
    KEPT.write_text(json.dumps(kept, indent=1))
    for key, one in found["before"].items():
        print(f"{given.set} {key}: {one['estimate']:.3f} -> {found['after'][key]['estimate']:.3f}")


if __name__ == "__main__":
    main()
