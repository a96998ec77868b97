"""Metrics of images."""

PARTS: tuple[str, ...] = (
    "alike",
    "average_precision",
    "controls",
    "copies_by_class",
    "extractors",
    "reading",
    "tails",
)
"""Modules of this folder that hold no metric of their own."""
