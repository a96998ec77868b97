"""Train image.flow on a kept data set within a budget, draw, and keep pictures and figures for `flow_scores.py`.

python benchmarks/images/flow_runs.py mnist --minutes 20            # CPU
python benchmarks/images/flow_runs.py xray --minutes 5 --device cuda
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from synthproof.core.registry import synthesizers
from synthproof.core.run import Event, Run
from synthproof.data.image.dataset import ImageSet
from synthproof.data.image.io import How, read_images
from synthproof.data.split import split

DATA = Path(os.environ.get("SYNTHPROOF_DATA", "../shared/data"))
SETS = {
    "mnist": "mnist/mnist.npz",
    "xray": "chest_xray_pneumonia/xray.npz",
    "pneumonia": "pneumonia_mnist/pneumonia_mnist.npz",
}
MOST_BYTES = 14_000_000
SEED = 7


def real(name: str) -> tuple[ImageSet, ImageSet]:
    """Return (train, holdout): the set's own test part, or a fifth of the patients."""
    source = DATA / SETS[name]
    if name == "xray":
        parts = split(read_images(source), holdout=0.2, seed=SEED)
        return parts.train, parts.holdout
    return read_images(source, How(part="train")), read_images(source, How(part="test"))


def main() -> None:
    """Run one set."""
    parser = argparse.ArgumentParser()
    parser.add_argument("set", choices=SETS)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--images", type=int)
    parser.add_argument("--draw", type=int, default=10_000)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--synthesizer", default="image.flow")
    parser.add_argument("--set-parameter", action="append", default=[], help="name=json")
    parser.add_argument("--out", type=Path, default=Path("runs/images"))
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    train, holdout = real(given.set)
    own: dict[str, Any] = {k: json.loads(v) for k, _, v in (p.partition("=") for p in given.set_parameter)}
    own |= {"images": given.images} if given.images else {"minutes": given.minutes}
    model = synthesizers.make(given.synthesizer, random_state=given.seed, **own)
    job = Run(_told(), device=given.device)
    began = time.perf_counter()
    model.fit(train, run=job)
    fitted = time.perf_counter() - began
    began = time.perf_counter()
    drawn = model.sample(given.draw, seed=given.seed, run=job)
    took = time.perf_counter() - began
    losses = {}
    if hasattr(model, "unit_loss"):
        losses = {
            "train": model.unit_loss(train.take_rows(_some(train)), run=job),
            "holdout": model.unit_loss(holdout, run=job),
        }
    record = {
        "set": given.set, "synthesizer": given.synthesizer, "parameters": model.get_params(), "device": given.device,
        "machine": _machine(given.device), "fit_seconds": fitted, "learned": getattr(model, "learned_", {}),
        "draw_seconds": took, "drawn_per_second": given.draw / took, "gap": getattr(model, "gap_", []),
        "notices": [n.en for n in model.notices_], "loss_mean": {k: float(v.mean()) for k, v in losses.items()},
        "network": getattr(model, "_net", None) and model._net.to_dict(), "seed": given.seed,
    }  # fmt: skip
    codes, names = drawn.classes()
    pixels = drawn.pixels()[..., 0]
    each = max(1, MOST_BYTES // pixels[0].nbytes)
    for i in range(0, len(pixels), each):
        np.savez_compressed(
            given.out / f"{given.set}-{i // each}.npz",
            x=pixels[i : i + each],
            y=codes[i : i + each],
            classes=np.array(names),
        )
    np.savez_compressed(given.out / f"{given.set}-losses.npz", **losses)
    (given.out / f"{given.set}.json").write_text(json.dumps(record, indent=1, default=str))
    print(json.dumps({k: v for k, v in record.items() if k != "gap"}, default=str))


def _some(data: ImageSet) -> Any:
    return np.arange(0, data.n_rows, max(1, data.n_rows // 2_000))


def _told() -> Any:
    shown = [0.0]

    def on_event(event: Event) -> None:
        if time.time() - shown[0] > 15:
            shown[0] = time.time()
            print(event.task, event.done, event.total, dict(event.facts), file=sys.stderr, flush=True)

    return on_event


def _machine(device: str) -> dict[str, Any]:
    import torch

    card = torch.cuda.get_device_name() if device == "cuda" else ""
    return {"card": card, "cores": os.cpu_count(), "torch": torch.__version__, "python": platform.python_version()}


if __name__ == "__main__":
    main()
