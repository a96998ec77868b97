"""Pictures a second on a GPU against what the card could do: its arithmetic and its memory bandwidth.

    python benchmarks/images/ceilings.py runs/mnist.json runs/xray.json   # records of flow_runs.py; needs no GPU

Operations are counted by torch's own counter over one forward and one backward pass of the network of the record. Traffic
is what every single operation reads and writes, in bf16: what a run without any fusion moves through memory at most, so
that a compiled run may exceed its ceiling. The card's figures are the maker's (H100 SXM data sheet: 989 TFLOP/s dense in
bf16, 3.35 TB/s).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from synthproof.engines.torch_nets import unet
from synthproof.engines.torch_nets.picture_training import on_device

KEPT = Path(__file__).resolve().parents[1] / "results" / "images" / "ceilings.json"
PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "images.md"
MARKS = "<!-- ceilings -->", "<!-- end of ceilings -->"
CARDS = {"NVIDIA H100 80GB HBM3": {"flop_s": 989e12, "byte_s": 3.35e12}}
BATCH, BF16 = 4, 2


class Traffic(TorchDispatchMode):
    """Counts the numbers that operations read and write; views move nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if not func.is_view:
            leaves = tree_leaves((args, kwargs or {}, out))
            self.numbers += sum(x.numel() for x in leaves if isinstance(x, torch.Tensor))
        return out


def counted(net: unet.UNet) -> dict[str, float]:
    """Return operations and bytes a picture of one evaluation, and of one step of learning (without the optimiser)."""
    weights = on_device(unet.start(net, 1), torch.device("cpu"), learn=True)
    x = torch.randn(BATCH, net.channels, net.side, net.side)
    t, wanted = torch.rand(BATCH), torch.zeros(BATCH, net.condition)
    found: dict[str, float] = {}
    for name, learn in (("evaluation", False), ("step", True)):
        flops, traffic = FlopCounterMode(display=False), Traffic()
        with flops, traffic, torch.set_grad_enabled(learn):
            loss = unet.run(net, weights, x, t, wanted).square().mean()
            if learn:
                torch.autograd.grad(loss, list(weights.values()))
        found[f"{name}_flop"] = flops.get_total_flops() / BATCH
        found[f"{name}_bytes"] = BF16 * traffic.numbers / BATCH
    return found


def row(record: dict[str, Any]) -> dict[str, Any]:
    """Return what a run reached and what its card could."""
    net = unet.UNet.from_dict(record["network"])
    card, steps = CARDS[record["machine"]["card"]], record["parameters"]["steps"] or (8 if net.side <= 48 else 12)
    asked, found = 2 * steps - 1, counted(net)
    learned = record["learned"]["images"] / record["learned"]["seconds"]
    rows = {
        "learning": (learned, found["step_flop"], found["step_bytes"]),
        "drawing": (record["drawn_per_second"], asked * found["evaluation_flop"], asked * found["evaluation_bytes"]),
    }
    return {
        "set": record["set"], "side": net.side, "card": record["machine"]["card"], "torch": record["machine"]["torch"],
        "evaluations_a_picture": asked, "network": record["network"],
        **{
            name: {
                "pictures_a_second": round(speed, 1), "gflop_a_picture": round(flop / 1e9, 3),
                "megabytes_a_picture": round(size / 1e6, 1), "of_arithmetic": round(speed * flop / card["flop_s"], 4),
                "of_bandwidth": round(speed * size / card["byte_s"], 4),
            }
            for name, (speed, flop, size) in rows.items()
        },
    }  # fmt: skip


def table(rows: list[dict[str, Any]]) -> str:
    """Return the page's table."""
    head = [
        "",
        "| H100, `image.flow` | pictures a second | GFLOP a picture | MB a picture, unfused | of arithmetic | of bandwidth |",
    ]
    lines = [*head, "| --- | ---: | ---: | ---: | ---: | ---: |"]
    for r in rows:
        for what in ("learning", "drawing"):
            e = r[what]
            lines.append(
                f"| {r['set']}, {r['side']} px, {what} | {e['pictures_a_second']:,.0f} | {e['gflop_a_picture']:,.2f} | "
                f"{e['megabytes_a_picture']:,.0f} | {e['of_arithmetic']:.1%} | {e['of_bandwidth']:.0%} |"
            )
    return "\n".join([*lines, ""])


def main() -> None:
    """Count, keep, and write the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "records", nargs="*", type=Path, help="JSON of flow_runs.py; none: the kept rows are written again"
    )
    given = parser.parse_args()
    kept = json.loads(KEPT.read_text()) if KEPT.is_file() else {"cards": CARDS, "rows": []}
    for path in given.records:
        new = row(json.loads(path.read_text()))
        kept["rows"] = [r for r in kept["rows"] if r["set"] != new["set"]] + [new]
    KEPT.write_text(json.dumps(kept, indent=1))
    text = PAGE.read_text(encoding="utf-8")
    begin, end = (text.index(m) for m in MARKS)
    PAGE.write_text(f"{text[: begin + len(MARKS[0])]}\n{table(kept['rows'])}\n{text[end:]}", encoding="utf-8")
    print(table(kept["rows"]))


if __name__ == "__main__":
    main()
