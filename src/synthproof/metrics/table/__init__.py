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
    "effects",
    "exchangeable",
    "footing",
    "gaps",
    "groupings",
    "histograms",
    "intervals",
    "key_classes",
    "learned",
    "membership_scores",
    "predictors",
    "propensity",
    "queries",
    "regressions",
    "resampling",
    "survival_case",
)
"""Modules of this folder that hold no metric of their own."""
