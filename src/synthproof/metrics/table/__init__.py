"""Metrics of tables."""

PARTS: tuple[str, ...] = (
    "answers",
    "association",
    "coded_case",
    "distances",
    "divergence",
    "exchangeable",
    "footing",
    "histograms",
    "intervals",
    "key_classes",
    "predictors",
    "propensity",
    "queries",
    "resampling",
    "survival_case",
)
"""Modules of this folder that hold no metric of their own."""
