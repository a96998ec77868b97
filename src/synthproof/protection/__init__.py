"""Protections made before learning: one file each, one line here each."""

CATALOGUE: dict[str, str] = {
    "coarsen": "synthproof.protection.coarsen:Coarsen",
    "dates": "synthproof.protection.dates:Dates",
    "extremes": "synthproof.protection.extremes:Extremes",
    "identifiers": "synthproof.protection.identifiers:Identifiers",
    "image.burned_in": "synthproof.protection.burned_in:BurnedIn",
    "image.near_duplicates": "synthproof.protection.near_duplicates:NearDuplicates",
    "rare": "synthproof.protection.rare:Rare",
}
