"""Modalities, strangers to each other; and the split by protected unit."""

CATALOGUE = {
    "table": "synthproof.data.table.modality:TableModality",
}
