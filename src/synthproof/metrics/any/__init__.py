"""Metrics that fit every modality."""

PARTS: tuple[str, ...] = ("vectors",)
"""Modules of this folder that hold no metric of their own."""
