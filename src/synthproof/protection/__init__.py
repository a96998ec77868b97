"""Protections made before learning: one file each, one line here each."""

CATALOGUE: dict[str, str] = {
    "coarsen": "synthproof.protection.coarsen:Coarsen",
    "dates": "synthproof.protection.dates:Dates",
    "extremes": "synthproof.protection.extremes:Extremes",
    "identifiers": "synthproof.protection.identifiers:Identifiers",
    "rare": "synthproof.protection.rare:Rare",
}
