"""Chest X-rays, three classes, patients kept apart: what flow matching and PGGAN draw, judged by our metrics.

python studies/xrays.py --samples runs/xray-0.npz runs/xray-1.npz   # flow, drawn by benchmarks/images/flow_runs.py on a GPU
python studies/xrays.py --minutes 30                                # flow on two cores: a mechanism, no quality
python studies/xrays.py --generator image.pggan --side 48 --images 24000    # three minutes of one core: the same, at 48 px
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np

from scoring import HERE, SEED, drawn_from, lacking, measured, xrays
from synthproof.core.registry import synthesizers
from synthproof.core.run import Run
from synthproof.data.image.dataset import ImageSet

METRICS = (
    "image.exact_copies", "image.frechet", "image.class_agreement", "image.near_copies", "image.prediction",
    "image.membership", "image.similarity",
)  # fmt: skip
DRAWN = 3_000


def drawn(name: str, train: ImageSet, params: dict[str, Any]) -> Path:
    """Return the file of 3,000 pictures of a generator that learned `train`: an earlier one, or a new one."""
    kept = HERE / "runs" / f"xrays-{name}-{train.chain.side}.npz"
    if not kept.is_file():
        began = time.process_time()
        model = synthesizers.make(name, random_state=SEED, **params).fit(train, run=Run())
        found = model.sample(DRAWN, seed=SEED, run=Run())
        codes, names = found.classes()
        print(name, params, f"{time.process_time() - began:.0f} CPU seconds", flush=True)
        kept.parent.mkdir(exist_ok=True)
        np.savez_compressed(kept, x=found.pixels()[..., 0], y=codes, classes=np.array(names))
    return kept


def main() -> None:
    """Measure; numbers that are kept are not measured again."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--generator", default="image.flow")
    parser.add_argument("--samples", nargs="*", type=Path, default=[])
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--images", type=int, help="pictures to learn from instead of minutes")
    parser.add_argument("--side", type=int, default=96, help="96, or 48: means of 2 x 2 pixels")
    parser.add_argument("--metrics", nargs="*", default=METRICS)
    given = parser.parse_args()
    key = f"xrays-{given.generator.partition('.')[2]}"
    if lacking(key, given.metrics) == []:
        print(f"{key}: every number is kept")
        return
    parts = xrays(given.side)
    params: dict[str, Any] = {"images": given.images} if given.images else {"minutes": given.minutes}
    files = given.samples or [drawn(given.generator, parts.train, params)]
    facts = {"side": given.side, "generator": given.generator, "params": {} if given.samples else params}
    measured(key, parts, drawn_from(files, parts.train), given.metrics, generator=given.generator, facts=facts)


if __name__ == "__main__":
    main()
