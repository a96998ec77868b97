"""Metrics of tables."""

PARTS: tuple[str, ...] = ("footing", "key_classes", "distances", "answers", "coded_case", "histograms", "intervals", "propensity")
"""Modules of this folder that hold no metric of their own."""
