"""Policies: rules as data. One TOML file each under ``profiles``; the catalogue lists the folder."""

from pathlib import Path as _Path

CATALOGUE: dict[str, str] = {
    path.stem: f"synthproof.policy.shipped:{path.stem}"
    for path in sorted((_Path(__file__).parent / "profiles").glob("*.toml"))
}
