"""The policies that come with synthproof, as paths: ``shipped.pipc_2024`` is the path of its TOML file."""

from __future__ import annotations

from pathlib import Path

PROFILES = Path(__file__).parent / "profiles"


def __getattr__(name: str) -> Path:
    path = PROFILES / f"{name}.toml"
    if not path.is_file():
        raise AttributeError(name)
    return path
