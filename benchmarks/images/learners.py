"""What the learners of a picture study cost on one core: pictures a second, the layout in memory, the grouped convolutions.

    python benchmarks/images/learners.py            # a minute of one core

CPU seconds, medians over steps of 32 pictures (the small network: 64), forward and backward and AdamW's step.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from synthproof.core.run import quiet
from synthproof.engines.torch_nets.efficient import EfficientShape, Learning
from synthproof.engines.torch_nets.nets import to_device
from synthproof.engines.torch_nets.vision import ClassifierPlan, train_classifier

TARGET = Path(__file__).resolve().parents[1] / "results" / "images" / "learners.json"
PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "balance.md"
_FROM, _TO = "<!-- learners -->", "<!-- end of learners -->"
SIDES = (28, 48, 96)
BATCH, SMALL_BATCH = 32, 64


def main() -> None:
    """Measure and keep."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=7)
    steps = parser.parse_args().steps
    torch.set_num_threads(1)
    rows = []
    for side in SIDES:
        for width in (1.0, 0.5):
            shape = EfficientShape(channels=1, side=side, n_classes=3, width=width)
            weights = sum(a.size for k, a in shape.first_weights(0).items() if not k.endswith((".mean", ".variance")))
            row: dict[str, Any] = {"learner": "efficientnet", "side": side, "width": width, "weights": weights}
            for layout in ("channels last", "channels first"):
                spent = _median(_step(shape, layout == "channels last"), steps)
                row[layout] = {"seconds": round(spent, 4), "images_per_second": round(BATCH / spent, 1)}
            grouped = {
                k: _median(_grouped(shape, k == "channels last"), steps) for k in ("channels last", "channels first")
            }
            row["grouped convolutions"] = {k: round(v, 4) for k, v in grouped.items()}
            rows.append(row)
            print(row, flush=True)
        rows.append(_small(side, steps))
        print(rows[-1], flush=True)
    record = {
        "machine": {"processor": platform.processor() or platform.machine(), "torch": torch.__version__},
        "threads": 1,
        "rows": rows,
    }
    TARGET.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    write_page(record)


def write_page(record: dict[str, Any]) -> None:
    """Write the table of the how-to page."""
    lines = ["| learner | pixels | images a second | with channels first | share of grouped convolutions |"]
    lines.append("| --- | ---: | ---: | ---: | ---: |")
    for row in record["rows"]:
        if row["learner"] == "small":
            lines.append(f"| `small` | {row['side']} | {row['images_per_second']:,.0f} | – | – |")
            continue
        fast, slow = row["channels last"], row["channels first"]
        share = row["grouped convolutions"]["channels last"] / fast["seconds"]
        name = "`efficientnet`" if row["width"] == 1 else f"`efficientnet`, {row['width']:g} times as wide"
        lines.append(
            f"| {name} | {row['side']} | {fast['images_per_second']:,.0f} | {slow['images_per_second']:,.0f} | {100 * share:.0f} % |"
        )
    text = PAGE.read_text("utf-8")
    head, tail = text.split(_FROM)[0] + _FROM, _TO + text.split(_TO)[1]
    PAGE.write_text("\n".join([head, *lines, tail]), encoding="utf-8")


def _median(act: Callable[[], None], steps: int) -> float:
    """Return the median CPU seconds of an act, the first one not counted."""
    act()
    spent = []
    for _ in range(steps):
        began = time.process_time()
        act()
        spent.append(time.process_time() - began)
    return float(np.median(spent))


def _step(shape: EfficientShape, last: bool) -> Callable[[], None]:
    """Return one whole step of learning."""
    weights = to_device(shape.first_weights(0), torch.device("cpu"))
    learned = [w.requires_grad_(True) for k, w in weights.items() if not k.endswith((".mean", ".variance"))]
    adam = torch.optim.AdamW(learned, lr=1e-3, foreach=True)
    rng = np.random.default_rng(0)
    x = torch.as_tensor(rng.standard_normal((BATCH, 1, shape.side, shape.side), dtype=np.float32))
    y = torch.as_tensor(rng.integers(0, shape.n_classes, BATCH))

    def act() -> None:
        scores = shape.scores(weights, x, Learning(0, 0, 1.0), last=last)
        adam.zero_grad(set_to_none=True)
        torch.nn.functional.cross_entropy(scores, y).backward()
        adam.step()

    return act


def _grouped(shape: EfficientShape, last: bool) -> Callable[[], None]:
    """Return the convolutions of one filter a channel alone, forward and backward, with the network's own shapes."""
    form = torch.channels_last if last else torch.contiguous_format
    grid = -(-shape.side // shape.strides[0])
    layers = []
    for b in shape.blocks():
        x = torch.randn(BATCH, b.wide, grid, grid).contiguous(memory_format=form).requires_grad_(True)
        w = torch.randn(b.wide, 1, b.kernel, b.kernel).contiguous(memory_format=form).requires_grad_(True)
        layers.append((x, w, b))
        grid = -(-grid // b.stride)

    def act() -> None:
        for x, w, b in layers:
            y = torch.nn.functional.conv2d(x, w, stride=b.stride, padding=b.kernel // 2, groups=b.wide)
            y.backward(torch.ones_like(y))

    return act


def _small(side: int, steps: int) -> dict[str, Any]:
    """Return the small network's cost, steps of 64 pictures."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((256, 1, side, side), dtype=np.float32)
    y = rng.integers(0, 3, len(x)).astype(np.intp)

    def act() -> None:
        train_classifier(x, y, 3, ClassifierPlan(steps=4, batch=SMALL_BATCH, shift=0), seed=0, run=quiet(None))

    spent = _median(act, steps) / 4
    return {
        "learner": "small",
        "side": side,
        "seconds": round(spent, 4),
        "images_per_second": round(SMALL_BATCH / spent, 1),
    }


if __name__ == "__main__":
    main()
