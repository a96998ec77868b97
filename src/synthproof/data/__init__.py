"""Modalities, strangers to each other; and the split by protected unit."""

CATALOGUE = {
    "image": "synthproof.data.image.modality:ImageModality",
    "table": "synthproof.data.table.modality:TableModality",
}
