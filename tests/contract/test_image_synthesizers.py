"""Every registered synthesizer of pictures keeps every clause of the contract."""

from __future__ import annotations

from functools import cache, partial
from importlib.util import find_spec
from typing import Any

import pytest

from synthproof.core.registry import synthesizers
from synthproof.testing.images import CHECKS, ImageBench
from synthproof.testing.scenes import scenes

NAMES = [e.name for e in synthesizers.entries() if e.owner == "synthproof" and e.name.startswith("image.")]

# So small that the clauses are checked in seconds; every clause holds at any size.
SMALL: dict[str, dict[str, Any]] = {
    "image.compose": {"images": 1_800, "width": 16, "steps": 2, "side": 8, "min_class": 5},
    "image.dcgan": {"images": 256, "width": 8, "noise": 8, "min_class": 5},
    "image.ddpm": {"images": 640, "width": 16, "steps": 3, "eta": 0.5, "min_class": 5},
    "image.flow": {"images": 640, "width": 16, "steps": 2, "min_class": 5},
    "image.pggan": {"images": 192, "width": 8, "noise": 8, "min_class": 5},
    "image.semantic": {"images": 1_280, "width": 16, "steps": 2, "min_class": 5},
    "image.stages": {
        "options": {
            n: {"images": 640, "width": 16, "steps": 2, "min_class": 5} for n in ("image.flow", "image.superres")
        }
    },
    "image.superres": {"images": 1_280, "width": 16, "steps": 2, "min_class": 5},
    "image.translate": {"images": 640, "width": 16, "steps": 2, "min_class": 5},
    "image.vae": {"images": 256, "width": 8, "latent": 4, "min_class": 5},
}


@cache
def bench(name: str) -> ImageBench:
    made = synthesizers.get(name)
    if made.tags.family == "neural" and find_spec("torch") is None:
        pytest.skip("synthproof[images] is not installed")
    data = scenes(80, 1, side=16, persons=40) if name == "image.compose" else None
    return ImageBench(partial(made, **SMALL.get(name, {})), data)


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", NAMES)
def test_contract(name: str, check: str) -> None:
    CHECKS[check](bench(name))


def test_covers_something() -> None:
    assert {"image.flow", "image.dcgan", "image.pggan", "image.vae", "image.ddpm"} <= set(NAMES)
    assert {"image.augment", "image.duplicate"} <= set(NAMES)
    assert {"image.compose", "image.semantic", "image.stages", "image.superres", "image.translate"} <= set(NAMES)
    assert len(CHECKS) >= 17
    assert set(SMALL) <= set(NAMES)
