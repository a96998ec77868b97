"""Metrics of images."""

PARTS: tuple[str, ...] = (
    "alike",
    "extractors",
    "reading",
    "tails",
)
"""Modules of this folder that hold no metric of their own."""
