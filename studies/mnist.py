"""Document 004 again: DCGAN's digits beside MNIST's, by its tests and by ours; and flow matching's beside both.

    python studies/mnist.py                                    # trains what is missing: about 30 minutes of two cores
    python studies/mnist.py --samples mnist-flow=runs/mnist-0.npz   # digits drawn elsewhere, by flow_runs.py on a GPU

The paper drew 10,000 digits with a DCGAN that had learned 60,000 and compared pixels by Kolmogorov-Smirnov (0.55) and
Mann-Whitney, and pictures by t-SNE, k-means and a joint density. Four pixels in five of MNIST are exactly 0, so that any
lift of the background moves the pixels' KS by up to 0.81: the tests are repeated here with effect sizes, and beside them
stand those that can tell good digits from copies.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from scoring import HERE, SEED, drawn_from, lacking, measured, mnist
from synthproof.core.registry import synthesizers
from synthproof.core.run import Run

RUNS: dict[str, tuple[str, dict[str, Any] | None]] = {
    "mnist-dcgan": ("image.dcgan", {"images": 240_000}),
    "mnist-flow-cpu": ("image.flow", {"minutes": 20.0}),
    "mnist-flow": ("image.flow", None),
}
"""What is kept as results/KEY.json: the generator, and its budget on two cores (None: drawn elsewhere, on a GPU)."""
METRICS = (
    "image.exact_copies", "image.pixel_tests", "image.views", "image.frechet", "image.kid", "image.coverage",
    "image.diversity", "image.class_agreement", "image.prediction", "image.near_copies", "image.membership",
    "image.similarity", "any.tsne",
)  # fmt: skip
DRAWN = 10_000
MOST_TRAIN = 20_000


def samples(key: str, given: dict[str, Path]) -> list[Path]:
    """Return files of drawn digits: those given, those of an earlier run, or new ones; none where only a GPU draws them."""
    name, budget = RUNS[key]
    kept = HERE / "runs" / f"{key}.npz"
    if key in given:
        return [given[key]]
    if not kept.is_file() and budget is None:
        return []
    if not kept.is_file():
        model = synthesizers.make(name, random_state=SEED, **(budget or {})).fit(mnist().train, run=Run())
        drawn = model.sample(DRAWN, seed=SEED, run=Run())
        codes, names = drawn.classes()
        kept.parent.mkdir(exist_ok=True)
        np.savez_compressed(kept, x=drawn.pixels()[..., 0], y=codes, classes=np.array(names))
    return [kept]


def main() -> None:
    """Measure every generator; numbers that are kept are not measured again."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--samples", action="append", default=[], help="KEY=FILE, e.g. mnist-flow=runs/mnist-0.npz")
    given = {k: Path(v) for k, _, v in (s.partition("=") for s in parser.parse_args().samples)}
    parts = mnist()
    for key, (name, _) in RUNS.items():
        if lacking(key, METRICS) and (files := samples(key, given)):
            drawn = drawn_from(files, parts.train)
            measured(key, parts, drawn, METRICS, generator=name, most_train=MOST_TRAIN)


if __name__ == "__main__":
    main()
