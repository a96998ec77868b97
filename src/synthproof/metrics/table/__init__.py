"""Metrics of tables."""

PARTS: tuple[str, ...] = (
    "answers",
    "association",
    "attack_success",
    "attacked",
    "attribute_guesses",
    "coded_case",
    "distances",
    "divergence",
    "footing",
    "histograms",
    "intervals",
    "key_classes",
    "membership_scores",
    "predictors",
    "propensity",
    "resampling",
    "survival_case",
)
"""Modules of this folder that hold no metric of their own."""
