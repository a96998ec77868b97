"""Every registered synthesizer keeps every clause of the contract."""

from __future__ import annotations

from functools import cache, partial
from importlib.util import find_spec
from typing import Any

import pytest

from synthproof.core.registry import synthesizers
from synthproof.synthesizers.table.auto import SIMPLEST_FIRST, Auto
from synthproof.testing.synthesizers import CHECKS, Bench

NAMES = [e.name for e in synthesizers.entries() if e.owner == "synthproof" and not e.name.startswith("image.")]


# Networks so small, and candidates so quick, that the clauses are checked in seconds; every clause holds at any size.
SMALL: dict[str, dict[str, Any]] = {
    "table.autoregressive": {"hidden": 64, "epochs": 4},
    "table.vae": {"width": 32, "latent": 8, "epochs": 12},
    "table.gan": {"width": 32, "noise": 16, "epochs": 10, "batch_size": 100},
    # So much budget that what 400 rows say is above the noise; every clause holds at any.
    "table.dp_marginals": {"epsilon": 200.0, "domain_share": 0.2},
    "table.diffusion": {"width": 32, "depth": 1, "epochs": 12, "flow_steps": 4},
}


DEFAULT = SIMPLEST_FIRST[-1]
AUTO: dict[str, dict[str, Any]] = {
    "auto": {"candidates": ("table.copula", DEFAULT)},
    "auto, the default chosen": {"candidates": (DEFAULT,)},
}


class SmallAuto(Auto):
    """`auto` whose candidates are as small as when they are checked alone."""

    def _make(self, name: str, seed: int) -> Any:
        return super()._make(name, seed).set_params(**SMALL.get(name, {}))


@cache
def bench(name: str) -> Bench:
    if name in AUTO:
        return Bench(partial(SmallAuto, **AUTO[name]))
    extra = synthesizers.get(name).tags.extra
    if extra and find_spec(extra) is None:
        pytest.skip(f"synthproof[{extra}] is not installed")
    return Bench(partial(synthesizers.get(name), **SMALL.get(name, {})))


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", [*NAMES, *(AUTO.keys() - set(NAMES))])
def test_contract(name: str, check: str) -> None:
    CHECKS[check](bench(name))


def test_auto_weighs_and_hands_on_the_default() -> None:
    weighed, chosen = (bench(name).model for name in AUTO)
    assert DEFAULT in weighed.told_apart_
    assert chosen.chosen_ == DEFAULT


def test_covers_something() -> None:
    assert len(NAMES) >= 4
    assert len(CHECKS) >= 17
    assert {"table.marginals", "table.copula", "table.cart_chain", "auto"} <= set(NAMES)
