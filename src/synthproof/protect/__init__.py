"""Protections made before learning: one file each, one line here each."""

CATALOGUE: dict[str, str] = {
    "coarsen": "synthproof.protect.coarsen:Coarsen",
    "dates": "synthproof.protect.dates:Dates",
    "extremes": "synthproof.protect.extremes:Extremes",
    "identifiers": "synthproof.protect.identifiers:Identifiers",
    "rare": "synthproof.protect.rare:Rare",
}
