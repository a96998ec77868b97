"""Policies: rules as data. One TOML file each under ``profiles``, one line here each."""

CATALOGUE: dict[str, str] = {}
