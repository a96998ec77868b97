"""Every registered policy keeps the contract of `synthproof.testing.policies`."""

from __future__ import annotations

import pytest

from synthproof.core.registry import policies
from synthproof.policy.load import load_policy
from synthproof.testing.policies import CHECKS, shipped_names

NAMES = shipped_names(policies.names())


def test_the_four_of_the_house_are_there() -> None:
    assert {"internal", "partner", "public", "pipc_2024"} <= set(NAMES)


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", NAMES)
def test_contract(name: str, check: str) -> None:
    CHECKS[check](load_policy(name))
