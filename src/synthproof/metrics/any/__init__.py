"""Metrics that fit every modality."""

PARTS: tuple[str, ...] = ("plane", "vectors")
"""Modules of this folder that hold no metric of their own."""
