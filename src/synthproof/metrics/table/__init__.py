"""Metrics of tables."""

PARTS: tuple[str, ...] = ("footing",)
"""Modules of this folder that hold no metric of their own."""
