"""Every registered synthesizer keeps every clause of the contract."""

from __future__ import annotations

from functools import cache

import pytest

from synthproof.core.registry import synthesizers
from synthproof.testing.synthesizers import CHECKS, Bench

NAMES = [e.name for e in synthesizers.entries() if e.owner == "synthproof"]


@cache
def bench(name: str) -> Bench:
    return Bench(synthesizers.get(name))


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", NAMES)
def test_contract(name: str, check: str) -> None:
    CHECKS[check](bench(name))


def test_covers_something() -> None:
    assert len(NAMES) >= 4
    assert len(CHECKS) >= 17
    assert {"table.marginals", "table.copula", "table.cart_chain", "auto"} <= set(NAMES)
