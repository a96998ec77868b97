"""Every registered protection × every contract check; it fails when it covers none."""

from __future__ import annotations

import pytest

from synthproof.core.registry import protections
from synthproof.testing.protections import EXAMPLE_PARAMS, Make, checks

NAMES = protections.names()


def maker(name: str) -> Make:
    return lambda: protections.make(name, **EXAMPLE_PARAMS.get(name, {}))


def test_some_are_covered() -> None:
    assert {"identifiers", "rare", "extremes", "coarsen", "dates"} <= set(NAMES)
    assert len(dict(checks())) >= 9
    assert set(EXAMPLE_PARAMS) <= set(NAMES)


@pytest.mark.parametrize("check", [c for _, c in checks()], ids=[n for n, _ in checks()])
@pytest.mark.parametrize("name", NAMES)
def test_protection(name: str, check) -> None:  # type: ignore[no-untyped-def]
    check(maker(name))
