"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# Side by side each process has a core of its own: threads of BLAS, OpenMP and torch would only wait for each other
# (the benchmark's tests take ten times as long). Before anything numeric is imported.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

_ROOT = Path(__file__).resolve().parents[1]


def _data_dir() -> Path | None:
    stated = os.environ.get("SYNTHPROOF_DATA")
    for place in ([Path(stated)] if stated else []) + [_ROOT.parent / "shared" / "data"]:
        if (place / "README.md").is_file():
            return place
    return None


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Folder of the real data sets; absent ones skip visibly, or fail under SYNTHPROOF_REQUIRE_DATA=1."""
    place = _data_dir()
    if place is None:
        message = "real data not found: set SYNTHPROOF_DATA to the folder that holds them"
        if os.environ.get("SYNTHPROOF_REQUIRE_DATA") == "1":
            pytest.fail(message)
        pytest.skip(message)
    return place
