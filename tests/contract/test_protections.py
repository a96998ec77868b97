"""Every registered protection × every contract check; it fails when it covers none."""

from __future__ import annotations

import pytest

from synthproof.core.registry import protections
from synthproof.testing import picture_protections
from synthproof.testing.protections import EXAMPLE_PARAMS, Make, checks

NAMES = protections.names()
PICTURES = tuple(n for n in NAMES if n.startswith(picture_protections.PREFIX))
TABLES = tuple(n for n in NAMES if n not in PICTURES)


def maker(name: str) -> Make:
    return lambda: protections.make(name, **EXAMPLE_PARAMS.get(name, {}))


def test_some_are_covered() -> None:
    assert {"identifiers", "rare", "extremes", "coarsen", "dates"} <= set(TABLES)
    assert {"image.burned_in", "image.near_duplicates"} <= set(PICTURES)
    assert len(dict(checks())) >= 9
    assert len(dict(picture_protections.checks())) >= 7
    assert set(EXAMPLE_PARAMS) <= set(NAMES)


@pytest.mark.parametrize("check", [c for _, c in checks()], ids=[n for n, _ in checks()])
@pytest.mark.parametrize("name", TABLES)
def test_protection(name: str, check) -> None:  # type: ignore[no-untyped-def]
    check(maker(name))


@pytest.mark.parametrize(
    "check", [c for _, c in picture_protections.checks()], ids=[n for n, _ in picture_protections.checks()]
)
@pytest.mark.parametrize("name", PICTURES)
def test_picture_protection(name: str, check) -> None:  # type: ignore[no-untyped-def]
    check(maker(name))
