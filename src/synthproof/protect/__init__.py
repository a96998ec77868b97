"""Protections made before learning: one file each, one line here each."""

CATALOGUE: dict[str, str] = {
    "extremes": "synthproof.protect.extremes:Extremes",
    "rare": "synthproof.protect.rare:Rare",
}
