"""Metrics of images."""

PARTS: tuple[str, ...] = (
    "alike",
    "average_precision",
    "extractors",
    "reading",
    "tails",
)
"""Modules of this folder that hold no metric of their own."""
