"""Chest X-rays at 96 px, three classes, patients kept apart: what flow matching draws, judged by our metrics.

python studies/xrays.py --samples runs/xray-0.npz runs/xray-1.npz   # drawn by benchmarks/images/flow_runs.py on a GPU
python studies/xrays.py --minutes 30                                # on two cores: a mechanism, no quality
"""

from __future__ import annotations

import argparse
from pathlib import Path

from scoring import SEED, drawn_from, measured, xrays
from synthproof.core.registry import synthesizers
from synthproof.core.run import Run

METRICS = (
    "image.exact_copies", "image.frechet", "image.class_agreement", "image.prediction", "image.near_copies",
    "image.membership", "image.similarity", "image.kid", "image.coverage", "image.diversity",
)  # fmt: skip


def main() -> None:
    """Measure; numbers that are kept are not measured again."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--samples", nargs="*", type=Path, default=[])
    parser.add_argument("--minutes", type=float, default=30.0)
    given = parser.parse_args()
    parts = xrays()
    if given.samples:
        drawn = drawn_from(given.samples, parts.train)
    else:
        model = synthesizers.make("image.flow", random_state=SEED, minutes=given.minutes).fit(parts.train, run=Run())
        drawn = model.sample(3_000, seed=SEED, run=Run())
    measured("xrays-flow", parts, drawn, METRICS, generator="image.flow")


if __name__ == "__main__":
    main()
