"""Every registered metric keeps every clause of the contract."""

from __future__ import annotations

import pytest

from synthproof.core.registry import metrics
from synthproof.testing.metrics import CHECKS

NAMES = [e.name for e in metrics.entries() if e.owner == "synthproof"]


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", NAMES)
def test_contract(name: str, check: str) -> None:
    CHECKS[check](name)


def test_covers_something() -> None:
    assert len(NAMES) >= 15
    assert len(CHECKS) >= 12
