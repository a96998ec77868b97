"""Time of a training step of our U-Net beside MONAI's and diffusers' at the same widths, interleaved in one process.

    pip install --target PEERS monai diffusers …   # outside the repository
    PYTHONPATH=PEERS python benchmarks/images/steps.py --threads 2

Forward, backward and AdamW on the same batch (28 px, 64 pictures), in turns, so that what else the machine does meets all
alike. Medians with the order-statistic interval that covers the median with 95 %.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch

from synthproof.engines.torch_nets import unet
from synthproof.engines.torch_nets.picture_training import SHARDS, on_device

RESULT = Path(__file__).resolve().parents[1] / "results" / "images" / "steps.json"
WIDTHS, SIDE, BATCH = (32, 64, 64), 28, 64
Step = Callable[[Any, Any], None]


def ours(plain: bool) -> tuple[Step, int]:
    """Return a step of our network as `image.flow` makes it: two shards side by side, one thread each."""
    base, mult = (32, (1, 2, 2)) if plain else (48, (1, 2))
    net = unet.UNet(side=SIDE, channels=1, base=base, mult=mult, unshuffle=1 if plain else 2)
    weights = on_device(unet.start(net, 1), torch.device("cpu"), learn=True)
    values = list(weights.values())
    adam = torch.optim.AdamW(values, lr=1e-4, foreach=True)
    pool = ThreadPoolExecutor(SHARDS)

    def shard(part: tuple[Any, Any]) -> Any:
        x, t = part
        return torch.autograd.grad((unet.run(net, weights, x, t) - x).square().mean() / SHARDS, values)

    def step(x: Any, t: Any) -> None:
        torch.set_num_threads(1)
        found = list(pool.map(shard, zip(x.chunk(SHARDS), t.chunk(SHARDS), strict=True)))
        for v, *g in zip(values, *found, strict=True):
            v.grad = sum(g[1:], g[0])
        adam.step()

    return step, sum(v.numel() for v in values)


def module(net: Any, call: Callable[[Any, Any], Any], threads: int) -> tuple[Step, int]:
    """Return a step of a peer's network with torch's own threads."""
    adam = torch.optim.AdamW(net.parameters(), lr=1e-4, foreach=True)

    def step(x: Any, t: Any) -> None:
        torch.set_num_threads(threads)
        adam.zero_grad(set_to_none=True)
        (call(x, t) - x).square().mean().backward()
        adam.step()

    return step, sum(p.numel() for p in net.parameters())


def monai(threads: int) -> tuple[Step, int]:
    """Return MONAI's diffusion U-Net."""
    from monai.networks.nets import DiffusionModelUNet

    net = DiffusionModelUNet(
        spatial_dims=2, in_channels=1, out_channels=1, channels=WIDTHS, attention_levels=(False, False, True),
        num_res_blocks=1, num_head_channels=64, norm_num_groups=8,
    )  # fmt: skip
    return module(net, lambda x, t: net(x, timesteps=t * 1000), threads)


def diffusers(threads: int) -> tuple[Step, int]:
    """Return diffusers' U-Net."""
    from diffusers import UNet2DModel

    net = UNet2DModel(
        sample_size=SIDE, in_channels=1, out_channels=1, block_out_channels=WIDTHS, layers_per_block=1, norm_num_groups=8,
        down_block_types=("DownBlock2D", "DownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "UpBlock2D", "UpBlock2D"), attention_head_dim=64,
    )  # fmt: skip
    return module(net, lambda x, t: net(x, t * 1000).sample, threads)


def main() -> None:
    """Time all in turns and keep the result."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    steps = {
        "ours, same widths": ours(True),
        "MONAI": monai(given.threads),
        "diffusers": diffusers(given.threads),
        "ours, the default net of image.flow": ours(False),
    }
    x, t = torch.randn(BATCH, 1, SIDE, SIDE), torch.rand(BATCH)
    passed: dict[str, list[float]] = {name: [] for name in steps}
    for turn in range(given.rounds + 3):
        for name, (step, _) in steps.items():
            began = time.perf_counter()
            step(x, t)
            if turn >= 3:
                passed[name].append(time.perf_counter() - began)
    first = np.array(passed["ours, same widths"])
    rows = {}
    for name, seconds in passed.items():
        s = np.sort(seconds)
        low, high = (
            s[int(len(s) / 2 - 0.98 * np.sqrt(len(s)))],
            s[min(len(s) - 1, int(len(s) / 2 + 0.98 * np.sqrt(len(s))))],
        )
        rows[name] = {
            "parameters": steps[name][1], "median_ms": 1e3 * float(np.median(s)), "interval_ms": [1e3 * low, 1e3 * high],
            "ratio_to_ours": float(np.median(np.array(seconds) / first)), "steps": len(s),
        }  # fmt: skip
        print(name, rows[name], flush=True)
    record = {
        "side": SIDE, "batch": BATCH, "widths": WIDTHS, "rows": rows, "torch": torch.__version__, "threads": given.threads,
        "cores": os.cpu_count(), "processor": platform.processor(), "load": os.getloadavg(),
    }  # fmt: skip
    RESULT.write_text(json.dumps(record, indent=1))


if __name__ == "__main__":
    main()
